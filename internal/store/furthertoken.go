package store

import (
	"context"

	"hecate"
)

const (
	// A session that is kept for longer never loses of the time that it had.
	keepSession = insertSession + `
on conflict (app_id, token_hash) do update set expires_at =
  case when sessions.expires_at is null or sessions.expires_at > excluded.expires_at then sessions.expires_at else excluded.expires_at end
returning ` + sessionColumns

	// Only while its session is there: else it is dead already.
	endFurther = `
insert into ended_tokens (app_id, token_hash, session_id)
select app_id, cast($3 as text), id from sessions where app_id = $1 and id = $2
on conflict (app_id, token_hash) do nothing`

	furtherEnded = `select count(*) from ended_tokens where app_id = $1 and token_hash = $2`
)

// KeepSession stores a session or, where there is one of that hash, lets that one end as late as s at least. It returns the
// session as it is then.
func (db *DB) KeepSession(ctx context.Context, s Sealed[*hecate.Session]) (*hecate.Session, error) {
	return one(ctx, db, scanSession, keepSession, sessionValues(s)...)
}

// EndFurtherToken notes that a further token of a session, named by the lookup hash of its text, counts no more.
func (db *DB) EndFurtherToken(ctx context.Context, app hecate.AppID, session hecate.SessionID, hash string) error {
	return db.run(ctx, endFurther, app, session, hash)
}

// FurtherTokenEnded reports whether EndFurtherToken named a token.
func (db *DB) FurtherTokenEnded(ctx context.Context, app hecate.AppID, hash string) (bool, error) {
	n, err := one(ctx, db, scalar[int64], furtherEnded, app, hash)
	return n > 0, err
}
