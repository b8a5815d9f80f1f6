package store

import (
	"context"
	"time"

	"hecate"
)

const (
	ticketColumns = `id, app_id, purpose, user_id, admin_id, address, about, short, ends_at_login, attempts, created_at, expires_at, used_at`
	ticketByHash  = `select ` + ticketColumns + ` from tickets where app_id = $1 and secret_hash = $2`
	insertTicket  = `
insert into tickets (app_id, secret_hash, id, purpose, user_id, admin_id, address, created_at, expires_at, about, short, ends_at_login)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`
	takeTicket          = `delete from tickets where app_id = $1 and secret_hash = $2 and purpose = $3`
	deleteTickets       = `delete from tickets where app_id = $1 and user_id = $2 and purpose = $3`
	deleteTicketsAbout  = `delete from tickets where app_id = $1 and user_id = $2 and purpose = $3 and about = $4`
	countWrongCode      = `update tickets set attempts = attempts + 1 where app_id = $1 and user_id = $2 and purpose = $3 and short`
	deleteAllTickets    = `delete from tickets where app_id = $1 and user_id = $2`
	deleteAddressed     = `delete from tickets where app_id = $1 and user_id = $2 and address = $3`
	deleteAdminTickets  = `delete from tickets where app_id = '' and admin_id = $1`
	deleteAdminPurpose  = `delete from tickets where app_id = '' and admin_id = $1 and purpose = $2`
	deleteServerAbout   = `delete from tickets where app_id = '' and user_id = '' and purpose = $1 and about = $2`
	ticketsAboutSince   = `select count(*) from tickets where app_id = '' and user_id = '' and purpose = $1 and about = $2 and created_at > $3`
	deleteServerTickets = `delete from tickets where app_id = '' and purpose = $1`
	sweepTickets        = `
delete from tickets where (app_id, secret_hash) in (
  select app_id, secret_hash from tickets where expires_at <= $1 limit $2)`
)

func scanTicket(s scanner) (*hecate.Ticket, error) {
	var t hecate.Ticket
	err := s.Scan(ticketFields(&t)...)
	return &t, err
}

// ticketFields are where the columns of a ticket go.
func ticketFields(t *hecate.Ticket) []any {
	return []any{&t.ID, &t.App, &t.Purpose, &t.User, &t.Admin, &t.Address, &t.About, &t.Short, &t.UntilLogin, &t.Attempts, &t.CreatedAt, &t.ExpiresAt, &t.UsedAt}
}

// Ticket returns a ticket by the lookup hash of its secret, also when it has expired. Kinds: NotFound.
func (db *DB) Ticket(ctx context.Context, app hecate.AppID, hash string) (*hecate.Ticket, error) {
	return one(ctx, db, scanTicket, ticketByHash, app, hash)
}

// InsertTicket stores a ticket.
func (db *DB) InsertTicket(ctx context.Context, t *hecate.Ticket, hash string) error {
	return db.run(ctx, insertTicket, t.App, hash, t.ID, t.Purpose, t.User, t.Admin, t.Address, t.CreatedAt, t.ExpiresAt, t.About, t.Short, t.UntilLogin)
}

// TakeTicket uses a ticket up and reports whether it was there: of two callers only one gets it.
func (db *DB) TakeTicket(ctx context.Context, app hecate.AppID, hash, purpose string) (bool, error) {
	return db.changed(ctx, takeTicket, app, hash, purpose)
}

// DeleteTickets removes a user's tickets of one purpose; an empty purpose means all.
func (db *DB) DeleteTickets(ctx context.Context, app hecate.AppID, user hecate.UserID, purpose string) error {
	if purpose == "" {
		return db.run(ctx, deleteAllTickets, app, user)
	}
	return db.run(ctx, deleteTickets, app, user, purpose)
}

// DeleteTicketsAbout removes a user's tickets of one purpose for the address in one field.
func (db *DB) DeleteTicketsAbout(ctx context.Context, app hecate.AppID, user hecate.UserID, purpose, about string) error {
	return db.run(ctx, deleteTicketsAbout, app, user, purpose, about)
}

// CountWrongCode notes on the codes that a user has for one purpose that a wrong one was tried.
func (db *DB) CountWrongCode(ctx context.Context, app hecate.AppID, user hecate.UserID, purpose string) error {
	return db.run(ctx, countWrongCode, app, user, purpose)
}

// DeleteTicketsTo removes a user's tickets that were sent to an address.
func (db *DB) DeleteTicketsTo(ctx context.Context, app hecate.AppID, user hecate.UserID, address string) error {
	return db.run(ctx, deleteAddressed, app, user, address)
}

// DeleteAdminTickets removes all tickets of an admin.
func (db *DB) DeleteAdminTickets(ctx context.Context, admin hecate.AdminID) error {
	return db.run(ctx, deleteAdminTickets, admin)
}

// DeleteAdminTicketsFor removes an admin's tickets of one purpose.
func (db *DB) DeleteAdminTicketsFor(ctx context.Context, admin hecate.AdminID, purpose string) error {
	return db.run(ctx, deleteAdminPurpose, admin, purpose)
}

// DeleteServerTickets removes the server's tickets of one purpose.
func (db *DB) DeleteServerTickets(ctx context.Context, purpose string) error {
	return db.run(ctx, deleteServerTickets, purpose)
}

// DeleteServerTicketsAbout removes the server's tickets of one purpose about one thing.
func (db *DB) DeleteServerTicketsAbout(ctx context.Context, purpose, about string) error {
	return db.run(ctx, deleteServerAbout, purpose, about)
}

// ServerTicketSince reports whether the server made a ticket of one purpose about one thing after that time, and it is still there.
func (db *DB) ServerTicketSince(ctx context.Context, purpose, about string, since time.Time) (bool, error) {
	n, err := one(ctx, db, scalar[int64], ticketsAboutSince, purpose, about, since)
	return n > 0, err
}

// SweepTickets removes up to limit tickets that had expired at that time and returns how many it removed.
func (db *DB) SweepTickets(ctx context.Context, at time.Time, limit int) (int64, error) {
	return db.exec(ctx, sweepTickets, at, limit)
}
