package store

import (
	"context"
	"time"

	"hecate"
)

const (
	sessionColumns = `app_id, id, principal, user_id, admin_id, org_id, dialect, standing, ends_on_password, issued_at, last_used_at, expires_at`
	sessionByHash  = `select ` + sessionColumns + ` from sessions where app_id = $1 and token_hash = $2`
	sessionsOf     = `select ` + sessionColumns + ` from sessions where app_id = $1 and user_id = $2 order by issued_at, id`
	insertSession  = `
insert into sessions (app_id, token_hash, token_sealed, id, principal, user_id, admin_id, org_id, dialect, standing, ends_on_password,
  issued_at, last_used_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`
	standingOf = `select user_id, token_sealed from sessions where app_id = $1 and standing and user_id in `

	endSession       = `delete from sessions where app_id = $1 and token_hash = $2`
	endSessionByID   = `delete from sessions where app_id = $1 and id = $2 returning token_hash`
	endStanding      = `delete from sessions where app_id = $1 and user_id = $2 and standing returning token_hash`
	endAll           = `delete from sessions where app_id = $1 and user_id = $2 returning token_hash`
	endOpened        = `delete from sessions where app_id = $1 and user_id = $2 and not standing returning token_hash`
	endByPassword    = `delete from sessions where app_id = $1 and user_id = $2 and ends_on_password returning token_hash`
	endAdmin         = `delete from sessions where app_id = '' and admin_id = $1 returning token_hash`
	endAdminPassword = `delete from sessions where app_id = '' and admin_id = $1 and ends_on_password returning token_hash`

	// Sweeping looks at all apps: what it removes is dead already.
	sweepSessions = `
delete from sessions where (app_id, token_hash) in (
  select app_id, token_hash from sessions where expires_at is not null and expires_at <= $1 limit $2)`
)

func scanSession(s scanner) (*hecate.Session, error) {
	var v hecate.Session
	err := s.Scan(&v.App, &v.ID, &v.Principal, &v.User, &v.Admin, &v.Org, &v.Dialect, &v.Standing, &v.EndsOnPassword,
		&v.IssuedAt, &v.LastUsedAt, &v.ExpiresAt)
	return &v, err
}

// SessionByHash returns a session of an app, or with an empty app one of the server, by the lookup hash of its
// token, also when it has expired. Kinds: NotFound.
func (db *DB) SessionByHash(ctx context.Context, app hecate.AppID, hash string) (*hecate.Session, error) {
	return one(ctx, db, scanSession, sessionByHash, app, hash)
}

// Sessions lists the sessions of a user, the oldest first.
func (db *DB) Sessions(ctx context.Context, app hecate.AppID, user hecate.UserID) ([]*hecate.Session, error) {
	return many(ctx, db, scanSession, sessionsOf, app, user)
}

// InsertSession stores a session; Sealed is "" where its token is never shown again.
func (db *DB) InsertSession(ctx context.Context, s Sealed[*hecate.Session]) error {
	return db.run(ctx, insertSession, sessionValues(s)...)
}

// sessionValues are the binds of insertSession.
func sessionValues(s Sealed[*hecate.Session]) []any {
	v := s.Row
	return []any{v.App, s.Hash, s.Sealed, v.ID, v.Principal, v.User, v.Admin, v.Org, v.Dialect, v.Standing, v.EndsOnPassword,
		v.IssuedAt, v.LastUsedAt, v.ExpiresAt}
}

// StandingTokens returns the sealed tokens of users' standing sessions, in one query.
func (db *DB) StandingTokens(ctx context.Context, app hecate.AppID, users []hecate.UserID) (map[hecate.UserID]string, error) {
	if len(users) == 0 {
		return nil, nil
	}
	var b binds
	b.add(app)
	in := list(&b, users)
	type row struct {
		user  hecate.UserID
		token string
	}
	rows, err := many(ctx, db, func(s scanner) (row, error) {
		var r row
		err := s.Scan(&r.user, &r.token)
		return r, err
	}, standingOf+in, b.args...)
	if err != nil {
		return nil, err
	}
	tokens := make(map[hecate.UserID]string, len(rows))
	for _, r := range rows {
		tokens[r.user] = r.token
	}
	return tokens, nil
}

// Which says which sessions of a user end.
type Which uint8

// The choices.
const (
	AllSessions        Which = iota
	StandingSession          // the standing one
	OpenedSessions           // all but the standing one
	SessionsByPassword       // those that a password change ends
)

var endSessions = [...]string{AllSessions: endAll, StandingSession: endStanding, OpenedSessions: endOpened, SessionsByPassword: endByPassword}

// EndSessions removes sessions of a user and returns the lookup hashes of their tokens.
func (db *DB) EndSessions(ctx context.Context, app hecate.AppID, user hecate.UserID, which Which) ([]string, error) {
	return many(ctx, db, scalar[string], endSessions[which], app, user)
}

// EndSession removes one session and returns the lookup hash of its token. Kinds: NotFound.
func (db *DB) EndSession(ctx context.Context, app hecate.AppID, id hecate.SessionID) (string, error) {
	return one(ctx, db, scalar[string], endSessionByID, app, id)
}

// EndSessionByHash removes the session of a token and reports whether there was one.
func (db *DB) EndSessionByHash(ctx context.Context, app hecate.AppID, hash string) (bool, error) {
	return db.changed(ctx, endSession, app, hash)
}

// EndAdminSessions removes sessions of an admin, all or those that a password change ends, and returns the
// lookup hashes of their tokens.
func (db *DB) EndAdminSessions(ctx context.Context, admin hecate.AdminID, all bool) ([]string, error) {
	text := endAdminPassword
	if all {
		text = endAdmin
	}
	return many(ctx, db, scalar[string], text, admin)
}

// SweepSessions removes up to limit sessions that had expired at that time and returns how many it removed.
func (db *DB) SweepSessions(ctx context.Context, at time.Time, limit int) (int64, error) {
	return db.exec(ctx, sweepSessions, at, limit)
}
