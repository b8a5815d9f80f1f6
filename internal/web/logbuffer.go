package web

import (
	"io"
	"sync"
	"time"
)

// LogBuffer is an io.Writer that collects log lines and writes them together: at
// most every interval, when 64 KiB are waiting, and at Close. A crash of the
// process loses what was waiting, so at most one interval.
type LogBuffer struct {
	out      io.Writer
	interval time.Duration

	mu      sync.Mutex
	waiting []byte
	closed  bool
	err     error

	writing sync.Mutex // keeps writes to out in order
	spare   []byte

	wake, stop chan struct{}
	done       chan struct{}
}

const logBufferSize = 64 << 10

// NewLogBuffer starts a LogBuffer in front of out; interval 0 means 100 ms. It sleeps while nothing is logged.
func NewLogBuffer(out io.Writer, interval time.Duration) *LogBuffer {
	b := &LogBuffer{out: out, interval: or(interval, 100*time.Millisecond),
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{})}
	go b.run()
	return b
}

// Write keeps a copy of p. After Close it writes straight through.
func (b *LogBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	first := len(b.waiting) == 0
	b.waiting = append(b.waiting, p...)
	full, closed, err := len(b.waiting) >= logBufferSize, b.closed, b.err
	b.mu.Unlock()
	switch {
	case full, closed:
		return len(p), b.Flush()
	case first:
		select {
		case b.wake <- struct{}{}:
		default:
		}
	}
	return len(p), err
}

// Flush writes what is waiting, and returns the error of writing it.
func (b *LogBuffer) Flush() error {
	b.writing.Lock()
	defer b.writing.Unlock()
	b.mu.Lock()
	lines := b.waiting
	b.waiting = b.spare[:0]
	b.mu.Unlock()
	var err error
	if len(lines) > 0 {
		_, err = b.out.Write(lines)
	}
	b.mu.Lock()
	b.err = err
	b.mu.Unlock()
	b.spare = nil
	if cap(lines) <= 4*logBufferSize {
		b.spare = lines
	}
	return err
}

// Close flushes and waits for the goroutine to end.
func (b *LogBuffer) Close() error {
	b.mu.Lock()
	again := b.closed
	b.closed = true
	b.mu.Unlock()
	if !again {
		close(b.stop)
	}
	<-b.done
	return b.Flush()
}

func (b *LogBuffer) run() {
	defer close(b.done)
	timer := time.NewTimer(b.interval)
	defer timer.Stop()
	for {
		select {
		case <-b.stop:
			return
		case <-b.wake:
		}
		timer.Reset(b.interval)
		select {
		case <-b.stop:
			return
		case <-timer.C:
		}
		// The error is kept for the next Write: there is nobody else to tell.
		_ = b.Flush()
	}
}
