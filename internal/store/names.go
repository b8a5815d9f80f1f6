package store

import (
	"context"
	"time"

	"hecate"
)

const (
	loginByIdentity = `select ` + userColumns + `, coalesce(c.hash, '')` + userTables + ` where u.app_id = $1 and u.id = (
  select user_id from identities where app_id = $1 and kind = $2 and match = $3)`
	seeUser = `update users set last_seen_at = $3 where app_id = $1 and id = $2`

	deleteKinds  = `delete from identities where app_id = $1 and kind in `
	profilesFrom = `select ` + recordColumns + ` from records r where r.app_id = $1 and r.collection_id = $2 and r.seq > $3 order by r.seq limit $4`
)

// LoginByIdentity returns the user of that one login name with the hash of the password. Kinds: NotFound.
func (db *DB) LoginByIdentity(ctx context.Context, app hecate.AppID, kind hecate.IdentityKind, match string) (Login, error) {
	return one(ctx, db, scanLogin, loginByIdentity, app, kind, match)
}

// SeeUser stores when a user was last seen. Kinds: NotFound.
func (db *DB) SeeUser(ctx context.Context, app hecate.AppID, id hecate.UserID, at time.Time) error {
	return db.must(ctx, seeUser, app, id, at)
}

// DeleteIdentityKinds removes the login names of those kinds of all users of an app.
func (db *DB) DeleteIdentityKinds(ctx context.Context, app hecate.AppID, kinds []hecate.IdentityKind) error {
	if len(kinds) == 0 {
		return nil
	}
	b := binds{args: []any{app}}
	return db.run(ctx, deleteKinds+list(&b, kinds), b.args...)
}

// RecordsFrom returns up to limit records of c beyond a number, in order, whatever their space.
func (db *DB) RecordsFrom(ctx context.Context, c *hecate.Collection, after int64, limit int) ([]Stored, error) {
	return many(ctx, db, scanRecord(c), profilesFrom, c.App, c.ID, after, limit)
}

const sessionOpen = `select count(*) from sessions where app_id = $1 and id = $2`

// SessionOpen reports whether a session is still stored.
func (db *DB) SessionOpen(ctx context.Context, app hecate.AppID, id hecate.SessionID) (bool, error) {
	n, err := one(ctx, db, scalar[int64], sessionOpen, app, id)
	return n > 0, err
}
