package main

import (
	"syscall"
	"time"
)

// sleepUntil waits in the kernel: Go's own timers wake up as much as a
// millisecond late in a process that has nothing else to do, which would be more
// than the latencies measured with them.
func sleepUntil(at time.Time) {
	for {
		left := time.Until(at)
		if left <= 0 {
			return
		}
		pause := syscall.NsecToTimespec(int64(left))
		// An interrupted sleep is started again with what is left.
		_ = syscall.Nanosleep(&pause, nil)
	}
}
