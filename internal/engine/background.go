package engine

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

type counter = atomic.Int64

const (
	sweepEvery  = 10 * time.Minute
	straysEvery = 24 * time.Hour
	tendEvery   = 5 * time.Second
)

// runBackground owns every goroutine of the engine and waits for them.
func (e *Engine) runBackground(ctx context.Context) error {
	var wg sync.WaitGroup
	var listenErr error
	wg.Go(func() { e.audit.run(ctx) })
	wg.Go(func() { e.every(ctx, sweepEvery, e.sweepOnce) })
	wg.Go(func() { e.every(ctx, straysEvery, e.sweepStrays) })
	wg.Go(func() { e.every(ctx, tendEvery, e.db.Tend) })
	wg.Go(func() { e.runOutbox(ctx) })
	wg.Go(func() { listenErr = e.db.Listen(ctx, e.cache.heard, e.cache.gap) })
	wg.Wait()
	e.drops.Wait()
	if listenErr != nil && ctx.Err() == nil {
		return fmt.Errorf("listen to other nodes: %w", listenErr)
	}
	return nil
}

// every calls sweep again and again until ctx ends. What fails is tried again the next time.
func (e *Engine) every(ctx context.Context, pause time.Duration, sweep func(context.Context) error) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := sweep(ctx); err != nil && ctx.Err() == nil {
				e.log.Error("sweep", "err", err)
			}
		}
	}
}

// sweepOnce removes what time has ended: expired sessions and tickets, files that
// no record took.
func (e *Engine) sweepOnce(ctx context.Context) error {
	if err := e.sweepSessions(ctx); err != nil {
		return err
	}
	return e.sweepFiles(ctx)
}

// newUUID makes a version 7 UUID of the given time with randomness from r.
func newUUID(r io.Reader, now time.Time) (string, error) {
	id, err := uuid.NewRandomFromReader(r)
	if err != nil {
		return "", fmt.Errorf("new id: %w", err)
	}
	ms := uint64(now.UnixMilli())
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	// Twelve bits of the fraction keep ids of one millisecond in order (RFC 9562, method 3).
	frac := uint64(now.Nanosecond()%1_000_000) * 4096 / 1_000_000
	id[6] = 0x70 | byte(frac>>8)
	id[7] = byte(frac)
	return id.String(), nil
}
