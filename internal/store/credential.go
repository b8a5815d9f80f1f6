package store

import (
	"context"

	"hecate"
)

const (
	credentialOf  = `select hash from credentials where app_id = $1 and user_id = $2 and kind = $3`
	setCredential = `
insert into credentials (app_id, user_id, kind, hash, created_at) values ($1, $2, $3, $4, $5)
on conflict (app_id, user_id, kind) do update set hash = excluded.hash, created_at = excluded.created_at`
	swapCredential   = `update credentials set hash = $5 where app_id = $1 and user_id = $2 and kind = $3 and hash = $4`
	deleteCredential = `delete from credentials where app_id = $1 and user_id = $2 and kind = $3`

	insertHistory = `insert into password_history (app_id, user_id, hash, created_at) values ($1, $2, $3, $4)`
	historyOf     = `select hash from password_history where app_id = $1 and user_id = $2 order by created_at desc limit $3`
	trimHistory   = `
delete from password_history where app_id = $1 and user_id = $2 and created_at < (
  select min(created_at) from (
    select created_at from password_history where app_id = $1 and user_id = $2 order by created_at desc limit $3
  ) as kept)`
)

// Credential returns the stored form of a proof. Kinds: NotFound.
func (db *DB) Credential(ctx context.Context, app hecate.AppID, user hecate.UserID, kind hecate.CredentialKind) (string, error) {
	return one(ctx, db, scalar[string], credentialOf, app, user, kind)
}

// SetCredential stores a proof in place of the old one.
func (db *DB) SetCredential(ctx context.Context, app hecate.AppID, user hecate.UserID, kind hecate.CredentialKind, hash string) error {
	return db.run(ctx, setCredential, app, user, kind, hash, db.now())
}

// SwapCredential replaces the stored form by a better one of the same proof, unless it changed meanwhile.
func (db *DB) SwapCredential(ctx context.Context, app hecate.AppID, user hecate.UserID, kind hecate.CredentialKind, old, hash string) error {
	return db.run(ctx, swapCredential, app, user, kind, old, hash)
}

// DeleteCredential removes a proof.
func (db *DB) DeleteCredential(ctx context.Context, app hecate.AppID, user hecate.UserID, kind hecate.CredentialKind) error {
	return db.run(ctx, deleteCredential, app, user, kind)
}

// FormerPasswords returns the hashes of a user's last passwords before the current one, the newest first.
func (db *DB) FormerPasswords(ctx context.Context, app hecate.AppID, user hecate.UserID, limit int) ([]string, error) {
	return many(ctx, db, scalar[string], historyOf, app, user, limit)
}

// KeepPassword remembers the hash of a password that is being replaced, and forgets all but the last keep ones.
func (db *DB) KeepPassword(ctx context.Context, app hecate.AppID, user hecate.UserID, hash string, keep int) error {
	if err := db.run(ctx, insertHistory, app, user, hash, db.now()); err != nil {
		return err
	}
	return db.run(ctx, trimHistory, app, user, keep)
}
