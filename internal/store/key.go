package store

import (
	"context"

	"hecate"
)

const (
	keyColumns       = `k.id, k.seq, k.app_id, k.name, k.description, k.flags, k.created_at`
	keySecretColumns = keyColumns + `, k.key_hash, k.key_sealed`
	keyByHash        = `select ` + keyColumns + ` from api_keys k join apps a on a.id = k.app_id and a.deleted_at is null where k.key_hash = $1`
	keysOfApp        = `select ` + keySecretColumns + ` from api_keys k where k.app_id = $1`
	keyBySeq         = keysOfApp + ` and k.seq = $2`
	keyByName        = keysOfApp + ` and k.name = $2 order by k.seq limit 1`
	insertKey        = `
insert into api_keys (app_id, id, seq, name, description, flags, key_hash, key_sealed, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (key_hash) do nothing`
	updateKey = `update api_keys set name = $3, description = $4, flags = $5 where app_id = $1 and id = $2`
	setKey    = `update api_keys set key_hash = $3, key_sealed = $4 where app_id = $1 and id = $2`
	isAPIKey  = `select count(*) from api_keys where key_hash = $1`
	deleteKey = `delete from api_keys where app_id = $1 and id = $2`
)

func scanKeyInto(s scanner, k *hecate.APIKey, more ...any) error {
	return s.Scan(append([]any{&k.ID, &k.Seq, &k.App, &k.Name, &k.Description, &k.Flags, &k.CreatedAt}, more...)...)
}

func scanKey(s scanner) (*hecate.APIKey, error) {
	var k hecate.APIKey
	err := scanKeyInto(s, &k)
	return &k, err
}

func scanSealedKey(s scanner) (Sealed[*hecate.APIKey], error) {
	k := Sealed[*hecate.APIKey]{Row: &hecate.APIKey{}}
	err := scanKeyInto(s, k.Row, &k.Hash, &k.Sealed)
	return k, err
}

// KeyByHash returns the API key of a live app by its lookup hash. Kinds: NotFound.
func (db *DB) KeyByHash(ctx context.Context, hash string) (*hecate.APIKey, error) {
	return one(ctx, db, scanKey, keyByHash, hash)
}

// Keys lists an app's API keys.
func (db *DB) Keys(ctx context.Context, app hecate.AppID, in List) (hecate.Page[Sealed[*hecate.APIKey]], error) {
	var b binds
	b.add(app)
	return page(ctx, db, scanSealedKey, keysOfApp, "k.seq", &b, in)
}

// Key returns an API key of an app by its number. Kinds: NotFound.
func (db *DB) Key(ctx context.Context, app hecate.AppID, seq int64) (Sealed[*hecate.APIKey], error) {
	return one(ctx, db, scanSealedKey, keyBySeq, app, seq)
}

// KeyByName returns the oldest API key of that name. Kinds: NotFound.
func (db *DB) KeyByName(ctx context.Context, app hecate.AppID, name string) (Sealed[*hecate.APIKey], error) {
	return one(ctx, db, scanSealedKey, keyByName, app, name)
}

// IsAPIKey reports whether some app has a key of that lookup hash.
func (db *DB) IsAPIKey(ctx context.Context, hash string) (bool, error) {
	n, err := one(ctx, db, scalar[int64], isAPIKey, hash)
	return n > 0, err
}

// InsertKey stores an API key and reports whether its key was free.
func (db *DB) InsertKey(ctx context.Context, s Sealed[*hecate.APIKey]) (bool, error) {
	k := s.Row
	return db.changed(ctx, insertKey, k.App, k.ID, k.Seq, k.Name, k.Description, k.Flags, s.Hash, s.Sealed, k.CreatedAt)
}

// UpdateKey stores name, description and flags. Kinds: NotFound.
func (db *DB) UpdateKey(ctx context.Context, k *hecate.APIKey) error {
	return db.must(ctx, updateKey, k.App, k.ID, k.Name, k.Description, k.Flags)
}

// SetKey replaces the clear key. Kinds: NotFound, Exists.
func (db *DB) SetKey(ctx context.Context, k *hecate.APIKey, hash, sealed string) error {
	return db.must(ctx, setKey, k.App, k.ID, hash, sealed)
}

// DeleteKey removes an API key. Kinds: NotFound.
func (db *DB) DeleteKey(ctx context.Context, app hecate.AppID, id hecate.KeyID) error {
	return db.must(ctx, deleteKey, app, id)
}
