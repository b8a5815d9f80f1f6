package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestTheMedianOfTheRatiosDecides(t *testing.T) {
	t.Parallel()
	side := func(n int) summary { return summary{Count: n, Seconds: 1, P50: time.Millisecond} }
	f := rates("x", 0.5, []round{{Ours: side(10), Baseline: side(100)}, {Ours: side(60), Baseline: side(100)}, {Ours: side(50), Baseline: side(90)}})
	if f.Ratio < 0.55 || f.Ratio > 0.56 || f.Ours != 50 || f.Baseline != 100 || !*f.Met {
		t.Errorf("%+v", f)
	}
}

func TestErrorsMissTheTarget(t *testing.T) {
	t.Parallel()
	f := rates("x", 0.5, []round{{Ours: summary{Count: 9, Seconds: 1, Errors: 1, Error: "status 500"}, Baseline: summary{Count: 10, Seconds: 1}}})
	if *f.Met {
		t.Error("met")
	}
	r := report{Figures: []figure{f, level("memory", "MB", 39, 40, ""), level("start", "ms", 61, 60, "slow"), level("other", "MB", 1, 0, "")}}
	var out bytes.Buffer
	if err := r.table(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1 ERRORS", "status 500", "≥ 0.50  MISSED", "≤ 40     met", "≤ 60  MISSED", "start: slow"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestTheMedianOfAnEvenNumberLiesBetween(t *testing.T) {
	t.Parallel()
	if m := median([]float64{4, 1, 3, 2}); m != 2.5 {
		t.Error(m)
	}
	if m := median(nil); m != 0 {
		t.Error(m)
	}
}
