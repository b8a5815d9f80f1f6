package store

import (
	"context"
	"slices"
	"time"

	"hecate"
)

const (
	letterColumns = `app_id, id, name, address, user_id, state, attempts, due_at, expires_at, last_error, created_at, ended_at, sealed`
	insertLetter  = `
insert into outbox (app_id, id, name, address, user_id, state, attempts, owner, due_at, expires_at, last_error, created_at, ended_at, sealed)
values ($1, $2, $3, $4, $5, $6, 0, '', $7, $8, '', $9, $10, $11)`
	lettersTo = `select count(*) from outbox where app_id = $1 and address = $2 and created_at > $3 and state <> 3`

	// The sender works for all apps. Of two nodes that want the same row the second finds it due no longer.
	claimLetters = `
update outbox set owner = $1, due_at = $2, attempts = attempts + 1
where state = 0 and due_at <= $3 and (app_id, id) in (
  select app_id, id from outbox where state = 0 and due_at <= $3 order by due_at, id limit $4)
returning ` + letterColumns
	nextLetter     = `select due_at from outbox where state = 0 order by due_at limit 1`
	countWaiting   = `select count(*) from outbox where state = 0`
	endLetter      = `update outbox set state = $4, last_error = $5, ended_at = $6, sealed = '', owner = '' where app_id = $1 and id = $2 and owner = $3 and state = 0`
	delayLetter    = `update outbox set due_at = $4, last_error = $5, owner = '' where app_id = $1 and id = $2 and owner = $3 and state = 0`
	releaseLetters = `update outbox set owner = '', due_at = $1 where state = 0 and owner <> ''`

	failedLetters   = `select ` + letterColumns + ` from outbox where state = 2 order by ended_at desc, id desc limit $1`
	failedLettersOf = `select ` + letterColumns + ` from outbox where app_id = $1 and state = 2 order by ended_at desc, id desc limit $2`
	sweepLetters    = `
delete from outbox where (app_id, id) in (
  select app_id, id from outbox where ended_at is not null and ended_at <= $1 and (state <> 2 or ended_at <= $2) limit $3)`
)

func scanLetter(s scanner) (Sealed[*hecate.Letter], error) {
	var l hecate.Letter
	out := Sealed[*hecate.Letter]{Row: &l}
	err := s.Scan(&l.App, &l.ID, &l.Name, &l.Address, &l.User, &l.State, &l.Attempts, &l.DueAt, &l.ExpiresAt, &l.LastError, &l.CreatedAt, &l.EndedAt, &out.Sealed)
	return out, err
}

// InsertLetter queues a letter.
func (db *DB) InsertLetter(ctx context.Context, l Sealed[*hecate.Letter]) error {
	v := l.Row
	return db.run(ctx, insertLetter, v.App, v.ID, v.Name, v.Address, v.User, v.State, v.DueAt, v.ExpiresAt, v.CreatedAt, v.EndedAt, l.Sealed)
}

// LettersTo counts the letters that were queued to a folded address since then.
func (db *DB) LettersTo(ctx context.Context, app hecate.AppID, address string, since time.Time) (int, error) {
	return one(ctx, db, scalar[int], lettersTo, app, address, since)
}

// ClaimLetters gives up to limit letters that are due to one owner until the lease ends, unless he says before how it went, the oldest first. It
// belongs in a Write that holds a lock on the outbox.
func (db *DB) ClaimLetters(ctx context.Context, owner string, now, lease time.Time, limit int) ([]Sealed[*hecate.Letter], error) {
	rows, err := many(ctx, db, scanLetter, claimLetters, owner, lease, now, limit)
	slices.SortFunc(rows, func(a, b Sealed[*hecate.Letter]) int { return a.Row.CreatedAt.Compare(b.Row.CreatedAt) })
	return rows, err
}

// NextLetter returns when the next waiting letter is due. Kinds: NotFound.
func (db *DB) NextLetter(ctx context.Context) (time.Time, error) {
	return one(ctx, db, scalar[time.Time], nextLetter)
}

// WaitingLetters counts the letters of all apps that wait or are being sent.
func (db *DB) WaitingLetters(ctx context.Context) (int, error) {
	return one(ctx, db, scalar[int], countWaiting)
}

// EndLetter stores that a letter of this owner was sent, or failed for good, and reports whether it still was his.
func (db *DB) EndLetter(ctx context.Context, app hecate.AppID, id hecate.LetterID, owner string, s hecate.LetterState, reason string) (bool, error) {
	return db.changed(ctx, endLetter, app, id, owner, s, reason, db.now())
}

// DelayLetter gives a letter of this owner back until then, and reports whether it still was his.
func (db *DB) DelayLetter(ctx context.Context, app hecate.AppID, id hecate.LetterID, owner string, until time.Time, reason string) (bool, error) {
	return db.changed(ctx, delayLetter, app, id, owner, until, reason)
}

// ReleaseLetters makes every letter that somebody was sending due: for the one process of a database, when it starts.
func (db *DB) ReleaseLetters(ctx context.Context) error {
	return db.run(ctx, releaseLetters, db.now())
}

// FailedLetters lists letters that failed for good, the newest first, of one app or, with an empty one, of all.
func (db *DB) FailedLetters(ctx context.Context, app hecate.AppID, limit int) ([]*hecate.Letter, error) {
	text, args := failedLetters, []any{limit}
	if app != "" {
		text, args = failedLettersOf, []any{app, limit}
	}
	return many(ctx, db, func(s scanner) (*hecate.Letter, error) {
		l, err := scanLetter(s)
		return l.Row, err
	}, text, args...)
}

// SweepLetters forgets up to limit letters that ended before that time, failed ones before the other, and returns how many.
func (db *DB) SweepLetters(ctx context.Context, ended, failed time.Time, limit int) (int64, error) {
	return db.exec(ctx, sweepLetters, ended, failed, limit)
}
