package engine

import (
	"context"
	"errors"
	"sync"
	"time"

	"hecate"
	"hecate/internal/store"
)

// A role may be lost by a session that lies idle for too long, for as long as that session lives. Uses are noted only
// in apps that have such a role, and stored seldom: a stored time is at most useEvery old while the session is in use.
const useEvery = time.Minute

// sessionUse is what this node knows of a session's use.
type sessionUse struct {
	mu sync.Mutex
	store.SessionUse
	stored time.Time // the time of use that is in the database
}

// useSession notes that a session is used now, and returns the longest time for which it was not. Nobody's session, and one in
// an app without roles that idle sessions lose, was never idle.
func (e *Engine) useSession(ctx context.Context, app hecate.AppID, s *hecate.Session) (time.Duration, error) {
	if s == nil {
		return 0, nil
	}
	p, err := e.rolePolicy(ctx, app)
	if err != nil || p.idle == 0 {
		return 0, err
	}
	u, err := e.cache.uses.get(ctx, string(app)+"/"+string(s.ID), func(ctx context.Context) (*sessionUse, error) {
		at, err := e.storedUse(ctx, app, s, p.since)
		return &sessionUse{SessionUse: at, stored: at.At}, err
	})
	if err != nil {
		return 0, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return e.noteUse(ctx, app, s, u, p)
}

// noteUse is useSession with u held.
func (e *Engine) noteUse(ctx context.Context, app hecate.AppID, s *hecate.Session, u *sessionUse, p *rolePolicy) (time.Duration, error) {
	now := e.stamp()
	idle := now.Sub(u.At)
	if idle > p.idle { // unless it was used on another node
		at, err := e.storedUse(ctx, app, s, p.since)
		if err != nil {
			return 0, err
		}
		if at.At.After(u.At) {
			u.At = at.At
		}
		u.MaxIdle = max(u.MaxIdle, at.MaxIdle)
		idle = now.Sub(u.At)
	}
	grew := idle > u.MaxIdle
	next := store.SessionUse{At: now, MaxIdle: max(u.MaxIdle, idle)}
	if now.Sub(u.stored) >= min(useEvery, p.idle/4) || grew && idle > p.idle {
		err := e.db.Write(ctx, func(tx *store.DB) error { return tx.UseSession(ctx, app, s.ID, next) })
		if err != nil {
			return 0, err
		}
		u.stored = now
	}
	u.SessionUse = next
	return next.MaxIdle, nil
}

// storedUse is the use of a session as the database has it. What was not noted yet counts as use.
func (e *Engine) storedUse(ctx context.Context, app hecate.AppID, s *hecate.Session, since time.Time) (store.SessionUse, error) {
	u, err := e.db.SessionUse(ctx, app, s.ID)
	if errors.Is(err, hecate.NotFound) {
		u, err = store.SessionUse{At: s.IssuedAt}, nil
	}
	if u.At.Before(since) {
		u.At = since
	}
	return u, err
}
