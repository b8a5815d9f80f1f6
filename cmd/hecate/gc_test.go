package main

import "testing"

func TestTheHeapMayGrowBySpareHeap(t *testing.T) {
	t.Parallel()
	for live, want := range map[uint64]int{
		0:         1200, // as for the floor of 4 MB
		8 << 20:   600,
		16 << 20:  300,
		48 << 20:  100,
		512 << 20: 100, // never below Go's own
	} {
		if got := gcPercent(live); got != want {
			t.Errorf("live %d MB: %d, want %d", live>>20, got, want)
		}
	}
}
