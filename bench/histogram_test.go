package main

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestEveryValueLiesInItsStep(t *testing.T) {
	t.Parallel()
	values := []uint64{0, 1, 63, 64, 65, 127, 128, 129, 255, 256, 1000, 1 << 20, 1<<20 + 1, math.MaxInt64, math.MaxUint64}
	for range 1000 {
		values = append(values, rand.Uint64()>>rand.IntN(64))
	}
	for _, v := range values {
		i := slot(v)
		if v > upper(i) || i > 0 && v <= upper(i-1) {
			t.Errorf("%d is in step %d, which ends at %d", v, i, upper(i))
		}
		if width := upper(i) - v; float64(width) > float64(v)/64 {
			t.Errorf("%d is off by %d", v, width)
		}
	}
	if last := slot(math.MaxUint64); last != len(new(histogram).counts)-1 {
		t.Errorf("the last step is %d of %d", last, len(new(histogram).counts))
	}
}

func TestQuantilesAgreeWithTheSortedValues(t *testing.T) {
	t.Parallel()
	var whole, half histogram
	var values []time.Duration
	for i := range 10_000 {
		d := time.Duration(math.Exp(rand.NormFloat64()*2+10)) * time.Nanosecond
		values = append(values, d)
		if i%2 == 0 {
			half.record(d)
		} else {
			whole.record(d)
		}
	}
	whole.add(&half)
	slices.Sort(values)
	for _, q := range []float64{0, 0.01, 0.5, 0.9, 0.99, 0.999, 1} {
		want := values[max(int(q*10_000)-1, 0)]
		got := whole.quantile(q)
		if got < want || float64(got) > 1.017*float64(want)+1 {
			t.Errorf("quantile %v is %v, sorted it is %v", q, got, want)
		}
	}
	if whole.total != 10_000 || whole.max != values[len(values)-1] {
		t.Errorf("total %d, max %v", whole.total, whole.max)
	}
}

func TestAnEmptyHistogramHasNoQuantile(t *testing.T) {
	t.Parallel()
	if d := new(histogram).quantile(0.99); d != 0 {
		t.Error(d)
	}
}
