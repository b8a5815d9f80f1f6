package store

import (
	"context"

	"hecate"
)

const (
	identityColumns = `user_id, kind, value, match, verified_at, created_at`
	identityByMatch = `select ` + identityColumns + ` from identities where app_id = $1 and kind = $2 and match = $3`
	identitiesOf    = `select ` + identityColumns + ` from identities where app_id = $1 and user_id = $2 order by kind, match`
	insertIdentity  = `
insert into identities (app_id, kind, match, value, user_id, verified_at, created_at)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (app_id, kind, match) do nothing`
	deleteIdentities = `delete from identities where app_id = $1 and user_id = $2 and kind = $3`
)

func scanIdentity(s scanner) (hecate.Identity, error) {
	var i hecate.Identity
	err := s.Scan(&i.User, &i.Kind, &i.Value, &i.Match, &i.VerifiedAt, &i.CreatedAt)
	return i, err
}

// Identity returns the one login name of that kind in an app; match is folded. Kinds: NotFound.
func (db *DB) Identity(ctx context.Context, app hecate.AppID, kind hecate.IdentityKind, match string) (hecate.Identity, error) {
	return one(ctx, db, scanIdentity, identityByMatch, app, kind, match)
}

// Identities lists the login names of a user.
func (db *DB) Identities(ctx context.Context, app hecate.AppID, user hecate.UserID) ([]hecate.Identity, error) {
	return many(ctx, db, scanIdentity, identitiesOf, app, user)
}

// InsertIdentity stores a login name and reports whether it was free.
func (db *DB) InsertIdentity(ctx context.Context, app hecate.AppID, i hecate.Identity) (bool, error) {
	return db.changed(ctx, insertIdentity, app, i.Kind, i.Match, i.Value, i.User, i.VerifiedAt, i.CreatedAt)
}

// DeleteIdentities removes a user's login names of one kind.
func (db *DB) DeleteIdentities(ctx context.Context, app hecate.AppID, user hecate.UserID, kind hecate.IdentityKind) error {
	return db.run(ctx, deleteIdentities, app, user, kind)
}
