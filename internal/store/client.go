package store

import (
	"context"

	"hecate"
)

const (
	clientColumns  = `c.id, c.org_id, c.app_id, c.public`
	clientByPublic = `select ` + clientColumns + `, c.secret_hash from clients c where c.public = $1`
	clientOfApp    = `select ` + clientColumns + `, c.secret_hash, c.secret_sealed from clients c where c.app_id = $1 order by c.created_at, c.id limit 1`
	clientOfOrg    = `select ` + clientColumns + `, c.secret_hash, c.secret_sealed from clients c where c.app_id = '' and c.org_id = $1 order by c.created_at, c.id limit 1`
	insertClient   = `
insert into clients (app_id, id, org_id, public, secret_hash, secret_sealed, created_at)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (public) do nothing`
	updateClient = `update clients set public = $3, secret_hash = $4, secret_sealed = $5 where app_id = $1 and id = $2`
	publicTaken  = `select count(*) from clients where public = $1 and id <> $2`
)

func scanClientWithHash(s scanner) (Sealed[*hecate.Client], error) {
	c := Sealed[*hecate.Client]{Row: &hecate.Client{}}
	err := s.Scan(&c.Row.ID, &c.Row.Org, &c.Row.App, &c.Row.Public, &c.Hash)
	return c, err
}

func scanClient(s scanner) (Sealed[*hecate.Client], error) {
	c := Sealed[*hecate.Client]{Row: &hecate.Client{}}
	err := s.Scan(&c.Row.ID, &c.Row.Org, &c.Row.App, &c.Row.Public, &c.Hash, &c.Sealed)
	return c, err
}

// ClientByPublic returns a client by its id and the lookup hash of its secret. Kinds: NotFound.
func (db *DB) ClientByPublic(ctx context.Context, id string) (*hecate.Client, string, error) {
	c, err := one(ctx, db, scanClientWithHash, clientByPublic, id)
	return c.Row, c.Hash, err
}

// AppClient returns an app's own client. Kinds: NotFound.
func (db *DB) AppClient(ctx context.Context, app hecate.AppID) (Sealed[*hecate.Client], error) {
	return one(ctx, db, scanClient, clientOfApp, app)
}

// OrgClient returns an org's own client. Kinds: NotFound.
func (db *DB) OrgClient(ctx context.Context, org hecate.OrgID) (Sealed[*hecate.Client], error) {
	return one(ctx, db, scanClient, clientOfOrg, org)
}

// ClientTaken reports whether another client than id has that public id.
func (db *DB) ClientTaken(ctx context.Context, public string, id hecate.ClientID) (bool, error) {
	n, err := one(ctx, db, scalar[int64], publicTaken, public, id)
	return n > 0, err
}

// InsertClient stores a client and reports whether its public id was free.
func (db *DB) InsertClient(ctx context.Context, s Sealed[*hecate.Client]) (bool, error) {
	c := s.Row
	return db.changed(ctx, insertClient, c.App, c.ID, c.Org, c.Public, s.Hash, s.Sealed, db.now())
}

// UpdateClient replaces a client's public id and secret. Kinds: NotFound, Exists on "public".
func (db *DB) UpdateClient(ctx context.Context, s Sealed[*hecate.Client]) error {
	return db.must(ctx, updateClient, s.Row.App, s.Row.ID, s.Row.Public, s.Hash, s.Sealed)
}
