package store

import (
	"context"
	"encoding/json"
	"time"

	"hecate"
)

const (
	setProviderProfile = `
insert into provider_profiles (app_id, user_id, provider, profile, updated_at) values ($1, $2, $3, $4, $5)
on conflict (app_id, user_id, provider) do update set profile = excluded.profile, updated_at = excluded.updated_at`
	providerProfiles      = `select provider, profile from provider_profiles where app_id = $1 and user_id = $2 order by provider`
	deleteProviderProfile = `delete from provider_profiles where app_id = $1 and user_id = $2 and provider = $3`

	adminSubjects       = `select count(*) from admin_identities where admin_id = $1 and provider = $2`
	adminBySubject      = `select admin_id from admin_identities where provider = $1 and subject = $2`
	insertAdminIdentity = `
insert into admin_identities (provider, subject, admin_id, created_at) values ($1, $2, $3, $4)
on conflict (provider, subject) do nothing`
)

// SetProviderProfile keeps what a provider says of a user.
func (db *DB) SetProviderProfile(ctx context.Context, app hecate.AppID, user hecate.UserID, provider string, profile map[string]any) error {
	raw, err := encodeMap(profile)
	if err != nil {
		return err
	}
	return db.run(ctx, setProviderProfile, app, user, provider, raw, db.now())
}

// ProviderProfile is what a provider said of a user.
type ProviderProfile struct {
	Provider string
	Profile  map[string]any
}

// ProviderProfiles lists what providers said of a user.
func (db *DB) ProviderProfiles(ctx context.Context, app hecate.AppID, user hecate.UserID) ([]ProviderProfile, error) {
	return many(ctx, db, scanProviderProfile, providerProfiles, app, user)
}

func scanProviderProfile(s scanner) (p ProviderProfile, err error) {
	var raw json.RawMessage
	if err := s.Scan(&p.Provider, &raw); err != nil {
		return p, err
	}
	p.Profile, err = decodeMap(raw)
	return p, err
}

// DeleteProviderProfile forgets what a provider said of a user.
func (db *DB) DeleteProviderProfile(ctx context.Context, app hecate.AppID, user hecate.UserID, provider string) error {
	return db.run(ctx, deleteProviderProfile, app, user, provider)
}

// AdminBySubject returns the admin of an identity at a provider. Kinds: NotFound.
func (db *DB) AdminBySubject(ctx context.Context, provider, subject string) (hecate.AdminID, error) {
	return one(ctx, db, scalar[hecate.AdminID], adminBySubject, provider, subject)
}

// AdminHasSubject reports whether an admin has an identity at a provider.
func (db *DB) AdminHasSubject(ctx context.Context, admin hecate.AdminID, provider string) (bool, error) {
	n, err := one(ctx, db, scalar[int64], adminSubjects, admin, provider)
	return n > 0, err
}

// InsertAdminIdentity stores an identity of an admin and reports whether it was free.
func (db *DB) InsertAdminIdentity(ctx context.Context, provider, subject string, admin hecate.AdminID, at time.Time) (bool, error) {
	return db.changed(ctx, insertAdminIdentity, provider, subject, admin, at)
}
