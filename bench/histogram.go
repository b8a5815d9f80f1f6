package main

import (
	"math/bits"
	"time"
)

// subBits is the precision of a histogram: 64 steps in each power of two, so a
// value is known to within 1.6 %.
const subBits = 6

// histogram counts durations in steps that grow with the value, from a
// nanosecond to centuries in a fixed size. The zero value is empty.
type histogram struct {
	counts [(64 - subBits + 1) << subBits]uint64
	total  uint64
	max    time.Duration
}

// record adds one duration; a negative one counts as zero.
func (h *histogram) record(d time.Duration) {
	d = max(d, 0)
	h.counts[slot(uint64(d))]++
	h.total++
	h.max = max(h.max, d)
}

// add puts everything that other counted into h.
func (h *histogram) add(other *histogram) {
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.total += other.total
	h.max = max(h.max, other.max)
}

// quantile returns the least value that at least the share q (0 to 1) of all
// durations does not exceed, rounded up to the end of its step; 0 when h is empty.
func (h *histogram) quantile(q float64) time.Duration {
	rank := uint64(q*float64(h.total) + 0.5)
	rank = min(max(rank, 1), h.total)
	var seen uint64
	for i, n := range h.counts {
		if seen += n; seen >= rank && n > 0 {
			return min(time.Duration(upper(i)), h.max)
		}
	}
	return 0
}

// slot is the step of v: the value itself below 64, and above that the power of
// two with the six bits behind the first.
func slot(v uint64) int {
	if v < 1<<subBits {
		return int(v)
	}
	shift := bits.Len64(v) - subBits - 1
	return (shift+1)<<subBits + int(v>>shift) - 1<<subBits
}

// upper is the greatest value in a step.
func upper(slot int) uint64 {
	if slot < 1<<subBits {
		return uint64(slot)
	}
	shift := slot>>subBits - 1
	first := uint64(slot&(1<<subBits-1)+1<<subBits) << shift
	return first + 1<<shift - 1
}
