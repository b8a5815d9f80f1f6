package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// spareHeap is how far the heap may grow beyond what lives before it is
// collected. The server's live heap is a few megabytes; at Go's default of
// twice the live heap it would be collected dozens of times a second under load, for a third of the processor.
const spareHeap = 48 << 20

// collectSeldom keeps the distance between collections at spareHeap while the
// live heap is smaller than that, and at Go's default beyond. GOGC overrules it.
func collectSeldom() {
	if os.Getenv("GOGC") != "" {
		return
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	percent := 0
	adjust := func() {
		metrics.Read(live)
		next := gcPercent(live[0].Value.Uint64())
		if next != percent {
			percent = next
			debug.SetGCPercent(next)
		}
	}
	adjust()
	afterEachCollection(adjust)
}

// gcPercent is the growth that leaves spareHeap, at least Go's own. Steps of a quarter keep it from changing all the time.
func gcPercent(live uint64) int {
	const floor = 4 << 20 // what lives in a server that has just started
	percent := int(spareHeap * 100 / max(live, floor))
	return max(percent/25*25, 100)
}

// afterEachCollection runs fn after every collection, by a finalizer that renews itself.
func afterEachCollection(fn func()) {
	type sentinel struct{ _ [16]byte }
	var renew func(*sentinel)
	renew = func(*sentinel) {
		fn()
		runtime.SetFinalizer(&sentinel{}, renew)
	}
	runtime.SetFinalizer(&sentinel{}, renew)
}
