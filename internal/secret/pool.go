package secret

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"hecate"
)

// queuePerWorker bounds the wait at two to three seconds of the default cost.
const queuePerWorker = 128

// Procs returns what main should set GOMAXPROCS to when workers goroutines hash
// (0: one per CPU). With one P for each of them on top of the CPUs, the kernel
// shares the cores fairly between hashes and requests; with fewer, a request
// waits for Go's 10 ms time slice.
func Procs(workers int) int { return runtime.NumCPU() + workersOr(workers) }

func workersOr(workers int) int {
	if workers <= 0 {
		return runtime.NumCPU()
	}
	return workers
}

// pool lets a fixed number of callers work at once and a bounded number wait in
// order. Callers work on their own goroutines: one that gives up frees its
// place in the queue at once, and a panic stays with the request that caused it.
type pool struct {
	slots   chan struct{} // one element per running job
	waiting atomic.Int64
	queue   int64
	quit    chan struct{}
	once    sync.Once
}

func newPool(workers, queue int) *pool {
	workers = workersOr(workers)
	if queue == 0 {
		queue = workers * queuePerWorker
	}
	return &pool{
		slots: make(chan struct{}, workers),
		queue: int64(max(queue, 0)),
		quit:  make(chan struct{}),
	}
}

// run does work when a slot is free. A full queue or a closed pool is TooMany
// with RetryAfter; a ctx that ends first is its error, and work is not done.
func (p *pool) run(ctx context.Context, op string, work func()) error {
	if err := p.enter(ctx, op); err != nil {
		return err
	}
	defer func() { <-p.slots }()
	work()
	return nil
}

func (p *pool) enter(ctx context.Context, op string) error {
	busy := hecate.E(hecate.TooMany, op).After(time.Second)
	if p.closed() {
		return busy.Says("shutting down")
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	select {
	case p.slots <- struct{}{}: // never overtakes: a freed slot goes to the longest waiter
		return nil
	default:
	}
	defer p.waiting.Add(-1)
	if p.waiting.Add(1) > p.queue {
		return busy.Says("too many passwords to hash at once")
	}
	select {
	case <-p.quit:
		return busy.Says("shutting down")
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", op, ctx.Err())
	case p.slots <- struct{}{}:
		return nil
	}
}

func (p *pool) closed() bool {
	select {
	case <-p.quit:
		return true
	default:
		return false
	}
}

// close refuses whoever waits and returns when nobody works any more. It takes
// every slot and keeps them.
func (p *pool) close() {
	p.once.Do(func() {
		close(p.quit)
		for range cap(p.slots) {
			p.slots <- struct{}{}
		}
	})
}
