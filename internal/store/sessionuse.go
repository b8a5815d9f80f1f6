package store

import (
	"context"
	"time"

	"hecate"
)

const (
	sessionUse = `select used_at, max_idle from session_uses where app_id = $1 and session_id = $2`
	useSession = `
insert into session_uses (app_id, session_id, used_at, max_idle)
select app_id, id, cast($3 as bigint), cast($4 as bigint) from sessions where app_id = $1 and id = $2
on conflict (app_id, session_id) do update set
  used_at = case when session_uses.used_at < excluded.used_at then excluded.used_at else session_uses.used_at end,
  max_idle = case when session_uses.max_idle < excluded.max_idle then excluded.max_idle else session_uses.max_idle end`
)

// SessionUse is when a session was used last, and the longest time in which it was not.
type SessionUse struct {
	At      time.Time
	MaxIdle time.Duration
}

func scanSessionUse(s scanner) (SessionUse, error) {
	var u SessionUse
	var idle int64
	err := s.Scan(&u.At, &idle)
	u.MaxIdle = time.Duration(idle) * time.Microsecond
	return u, err
}

// SessionUse returns what was stored of a session's use. Kinds: NotFound.
func (db *DB) SessionUse(ctx context.Context, app hecate.AppID, id hecate.SessionID) (SessionUse, error) {
	return one(ctx, db, scanSessionUse, sessionUse, app, id)
}

// UseSession stores the use of a session that is still open; neither value becomes less.
func (db *DB) UseSession(ctx context.Context, app hecate.AppID, id hecate.SessionID, u SessionUse) error {
	return db.run(ctx, useSession, app, id, u.At, u.MaxIdle.Microseconds())
}
