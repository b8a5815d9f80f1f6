package engine

import (
	"context"

	"hecate/internal/store"
)

// Together runs fn with an Engine whose verbs all join one write: either all
// of them happen or none. It is for the operator's declarations, not for requests: hashing
// passwords inside it keeps other writers waiting. fn may run more than once.
func (e *Engine) Together(ctx context.Context, fn func(*Engine) error) error {
	return e.db.Write(ctx, func(tx *store.DB) error {
		joined := *e
		joined.db = tx
		joined.cache = e.cache.bypass()
		return fn(&joined)
	})
}

// bypass returns a cache that keeps nothing, so that nothing uncommitted is
// kept, and whose changes still drop what c keeps.
func (c *cache) bypass() *cache {
	b := newCache(Limits{CacheEntries: 1, CacheRecordEntries: 1})
	b.off.Store(true)
	b.byName = c.byName
	return b
}
