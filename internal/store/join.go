package store

import (
	"context"

	"hecate"
)

const (
	insertJoin = `
insert into tickets (app_id, secret_hash, id, purpose, user_id, admin_id, address, created_at, expires_at, about, short, ends_at_login, payload)
values ($1, $2, $3, $4, $5, '', $6, $7, $8, $9, false, false, $10)`
	joinByHash = `select ` + ticketColumns + `, payload from tickets where app_id = $1 and secret_hash = $2 and purpose = $3`
)

// InsertJoin stores a ticket with what it carries.
func (db *DB) InsertJoin(ctx context.Context, t Sealed[*hecate.Ticket]) error {
	v := t.Row
	return db.run(ctx, insertJoin, v.App, t.Hash, v.ID, v.Purpose, v.User, v.Address, v.CreatedAt, v.ExpiresAt, v.About, t.Sealed)
}

// Join returns a ticket of one purpose with what it carries, also when it has expired. Kinds: NotFound.
func (db *DB) Join(ctx context.Context, app hecate.AppID, hash, purpose string) (Sealed[*hecate.Ticket], error) {
	return one(ctx, db, scanJoin, joinByHash, app, hash, purpose)
}

func scanJoin(s scanner) (Sealed[*hecate.Ticket], error) {
	var t hecate.Ticket
	out := Sealed[*hecate.Ticket]{Row: &t}
	err := s.Scan(append(ticketFields(&t), &out.Sealed)...)
	return out, err
}
