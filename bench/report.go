package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// figure is one line of the report.
type figure struct {
	Scenario string  `json:"scenario"`
	Ours     float64 `json:"hecate"`             // median of the rounds
	Baseline float64 `json:"baseline,omitempty"` // the same
	Unit     string  `json:"unit"`
	Ratio    float64 `json:"ratio,omitempty"` // median of the rounds' own ratios
	Target   float64 `json:"target,omitempty"`
	AtMost   bool    `json:"at_most,omitempty"` // the target is a ceiling
	Met      *bool   `json:"met,omitempty"`     // nil: there is no target
	Note     string  `json:"note,omitempty"`

	Rounds []round `json:"rounds,omitempty"`
}

// round is what one round measured on both sides.
type round struct {
	Ours     summary `json:"hecate"`
	Baseline summary `json:"baseline"`
	Ratio    float64 `json:"ratio"`
}

// rates makes the figure of a scenario whose sides are compared by their rates.
func rates(scenario string, target float64, rounds []round) figure {
	f := figure{Scenario: scenario, Unit: "/s", Target: target, Rounds: rounds}
	for i := range rounds {
		if base := rounds[i].Baseline.rate(); base > 0 {
			rounds[i].Ratio = rounds[i].Ours.rate() / base
		}
	}
	f.Ours = medianOf(rounds, func(r round) float64 { return r.Ours.rate() })
	f.Baseline = medianOf(rounds, func(r round) float64 { return r.Baseline.rate() })
	f.judge(medianOf(rounds, func(r round) float64 { return r.Ratio }))
	return f
}

// level makes the figure of something that has a ceiling of its own.
func level(scenario, unit string, value, ceiling float64, note string) figure {
	f := figure{Scenario: scenario, Ours: value, Unit: unit, Target: ceiling, AtMost: true, Note: note}
	f.judge(0)
	return f
}

// judge compares with the target: the ratio, or the value itself where there is none.
func (f *figure) judge(ratio float64) {
	f.Ratio = ratio
	if f.Target == 0 {
		return
	}
	value := ratio
	if value == 0 && f.AtMost {
		value = f.Ours
	}
	met := value >= f.Target
	if f.AtMost {
		met = value <= f.Target
	}
	met = met && f.errors() == 0
	f.Met = &met
}

func (f *figure) errors() int {
	n := 0
	for _, r := range f.Rounds {
		n += r.Ours.Errors + r.Baseline.Errors
	}
	return n
}

func medianOf(rounds []round, value func(round) float64) float64 {
	values := make([]float64, len(rounds))
	for i, r := range rounds {
		values[i] = value(r)
	}
	return median(values)
}

// median is the middle of the values, 0 of none. It sorts them.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	middle := len(values) / 2
	if len(values)%2 == 1 {
		return values[middle]
	}
	return (values[middle-1] + values[middle]) / 2
}

// report is everything that a run found.
type report struct {
	Machine string    `json:"machine"`
	Load    string    `json:"load_after"` // average of the last minute: this run makes about two of it, what is more is others
	Began   time.Time `json:"began"`
	Took    string    `json:"took"`
	Seconds float64   `json:"seconds"`
	Rounds  int       `json:"rounds"`
	Figures []figure  `json:"figures"`
}

func (r *report) json(out io.Writer) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// table prints one line per figure.
func (r *report) table(out io.Writer) error {
	fmt.Fprintf(out, "\n%s, after it %s\n%d rounds of %g s on each side; took %s\n", r.Machine, r.Load, r.Rounds, r.Seconds, r.Took)
	fmt.Fprintln(out)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "scenario\thecate\tbaseline\tratio\ttarget\t\tp50\tp99\tbaseline p50\tp99\tCPU each\tbaseline\t")
	for i := range r.Figures {
		f := &r.Figures[i]
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", f.Scenario, amount(f.Ours, f.Unit), amount(f.Baseline, f.Unit),
			number(f.Ratio), f.target(), f.verdict(), f.latencies())
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for i := range r.Figures {
		r.Figures[i].remarks(out)
	}
	return nil
}

func (f *figure) target() string {
	switch {
	case f.Target == 0:
		return "-"
	case f.AtMost:
		return "≤ " + number(f.Target)
	}
	return "≥ " + number(f.Target)
}

func (f *figure) verdict() string {
	switch {
	case f.Met == nil:
		return ""
	case *f.Met:
		return "met"
	}
	return "MISSED"
}

// latencies are the columns behind the verdict: medians of the rounds.
func (f *figure) latencies() string {
	of := func(value func(round) time.Duration) string {
		d := medianOf(f.Rounds, func(r round) float64 { return float64(value(r)) })
		return span(time.Duration(d))
	}
	return of(func(r round) time.Duration { return r.Ours.P50 }) + "\t" +
		of(func(r round) time.Duration { return r.Ours.P99 }) + "\t" +
		of(func(r round) time.Duration { return r.Baseline.P50 }) + "\t" +
		of(func(r round) time.Duration { return r.Baseline.P99 }) + "\t" +
		of(func(r round) time.Duration { return r.Ours.CPU }) + "\t" +
		of(func(r round) time.Duration { return r.Baseline.CPU })
}

func (f *figure) remarks(out io.Writer) {
	if f.Note != "" {
		fmt.Fprintf(out, "%s: %s\n", f.Scenario, f.Note)
	}
	if f.errors() == 0 {
		return
	}
	fmt.Fprintf(out, "%s: %d ERRORS, which count as missed:", f.Scenario, f.errors())
	for _, r := range f.Rounds {
		if text := r.Ours.Error + r.Baseline.Error; text != "" {
			fmt.Fprintf(out, " %s\n", text)
			return
		}
	}
	fmt.Fprintln(out)
}

func amount(v float64, unit string) string {
	if v == 0 {
		return "-"
	}
	if v >= 1000 {
		return fmt.Sprintf("%.0f %s", v, unit)
	}
	return fmt.Sprintf("%.1f %s", v, unit)
}

func number(v float64) string {
	switch {
	case v == 0:
		return "-"
	case v >= 20:
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// span prints a duration with three digits.
func span(d time.Duration) string {
	switch {
	case d == 0:
		return "-"
	case d < 100*time.Microsecond:
		return fmt.Sprintf("%.1f µs", float64(d)/1e3)
	case d < time.Millisecond:
		return fmt.Sprintf("%.0f µs", float64(d)/1e3)
	case d < 100*time.Millisecond:
		return fmt.Sprintf("%.2f ms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.0f ms", float64(d)/1e6)
}
