package store

import (
	"context"
	"errors"

	"hecate"
)

// Try runs fn as a part of a Write: when fn or one of its statements fails, nothing of the part stays, Try returns that error, and the
// Write may go on. A conflict with another Write, or a context that ended, fails the whole Write.
func (db *DB) Try(ctx context.Context, fn func() error) error {
	t := db.tx
	if t == nil {
		return errors.New("store: Try outside Write")
	}
	if err := db.run(ctx, `savepoint part`); err != nil {
		return err
	}
	afters := len(t.afters)
	err := fn()
	if err == nil {
		err = t.failed
	}
	if err == nil {
		return db.run(ctx, `release savepoint part`)
	}
	if t.failed != nil && (errors.Is(t.failed, hecate.TooMany) || ctx.Err() != nil) {
		return err
	}
	t.failed, t.afters = nil, t.afters[:afters]
	if back := db.run(ctx, `rollback to savepoint part`); back != nil {
		return errors.Join(err, back)
	}
	if back := db.run(ctx, `release savepoint part`); back != nil {
		return errors.Join(err, back)
	}
	return err
}
