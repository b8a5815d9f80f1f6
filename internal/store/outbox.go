package store

import (
	"context"
	"slices"
	"time"

	"hecate"
)

const (
	letterColumns = `app_id, id, name, address, user_id, state, attempts, owner, due_at, expires_at, last_error, created_at, ended_at, sealed`
	insertLetter  = `
insert into outbox (app_id, id, name, address, user_id, state, attempts, owner, due_at, expires_at, last_error, created_at, ended_at, sealed)
values ($1, $2, $3, $4, $5, $6, 0, '', $7, $8, '', $9, $10, $11)`
	lettersTo = `
select (select count(*) from outbox where app_id = $1 and address = $2 and created_at > $3 and state <> 3)
  + (select coalesce(sum(retries), 0) from outbox where app_id = $1 and address = $2 and retried_at > $3)`

	// The sender works for all apps. Of two nodes that want the same row the second finds it due no longer.
	claimLetters = `
update outbox set owner = $1, due_at = $2, attempts = attempts + 1
where state = 0 and due_at <= $3 and (app_id, id) in (
  select app_id, id from outbox where state = 0 and due_at <= $3 order by due_at, id limit $4)
returning ` + letterColumns
	nextLetter     = `select due_at from outbox where state = 0 order by due_at limit 1`
	countWaiting   = `select count(*) from outbox where state = 0`
	endLetter      = `update outbox set state = $4, last_error = $5, ended_at = $6, sealed = '', owner = '' where app_id = $1 and id = $2 and owner = $3 and state = 0`
	failLetter     = `update outbox set state = 2, last_error = $4, ended_at = $5, owner = '' where app_id = $1 and id = $2 and owner = $3 and state = 0`
	delayLetter    = `update outbox set due_at = $4, last_error = $5, owner = '' where app_id = $1 and id = $2 and owner = $3 and state = 0`
	releaseLetters = `update outbox set owner = '', due_at = $1 where state = 0 and owner <> ''`

	// Letters that wait or failed, between two states, older than an id.
	lettersOf = `
select ` + letterColumns + ` from outbox
where app_id = $1 and state in (0, 2) and state between $2 and $3 and id < $4 order by id desc limit $5`
	lettersOfAll = `
select ` + letterColumns + ` from outbox
where state in (0, 2) and state between $1 and $2 and id < $3 order by id desc limit $4`
	letterOfAll = `select ` + letterColumns + ` from outbox where id = $1 and state in (0, 2)`
	letterOf    = `select ` + letterColumns + ` from outbox where app_id = $1 and id = $2 and state in (0, 2)`
	retryLetter = `
update outbox set state = 0, attempts = 0, owner = '', due_at = $3, expires_at = $4, ended_at = null, retries = retries + 1, retried_at = $3
where app_id = $1 and id = $2 and state in (0, 2) and (owner = '' or due_at <= $3)`
	dropLetter = `
update outbox set state = 4, owner = '', ended_at = $3, sealed = '' where app_id = $1 and id = $2 and state in (0, 2) and (owner = '' or due_at <= $3)`
	sweepLetters = `
delete from outbox where (app_id, id) in (
  select app_id, id from outbox where ended_at is not null and ended_at <= $1 and (state <> 2 or ended_at <= $2) limit $3)`
)

func scanLetter(s scanner) (Sealed[*hecate.Letter], error) {
	var l hecate.Letter
	var owner string
	out := Sealed[*hecate.Letter]{Row: &l}
	err := s.Scan(&l.App, &l.ID, &l.Name, &l.Address, &l.User, &l.State, &l.Attempts, &owner, &l.DueAt, &l.ExpiresAt, &l.LastError, &l.CreatedAt, &l.EndedAt, &out.Sealed)
	l.Claimed = owner != ""
	return out, err
}

// InsertLetter queues a letter.
func (db *DB) InsertLetter(ctx context.Context, l Sealed[*hecate.Letter]) error {
	v := l.Row
	return db.run(ctx, insertLetter, v.App, v.ID, v.Name, v.Address, v.User, v.State, v.DueAt, v.ExpiresAt, v.CreatedAt, v.EndedAt, l.Sealed)
}

// LettersTo counts the letters that were queued to a folded address since then, and how often others were asked for once more.
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

// FailLetter stores that a letter of this owner failed, and reports whether it still was his. What it says stays: somebody may ask for it once more.
func (db *DB) FailLetter(ctx context.Context, app hecate.AppID, id hecate.LetterID, owner, reason string) (bool, error) {
	return db.changed(ctx, failLetter, app, id, owner, reason, db.now())
}

// EndLetter stores that a letter of this owner was sent, or failed and can never be sent, and reports whether it still was his.
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

// LetterList asks for letters that wait or failed, the newest first.
type LetterList struct {
	From, To hecate.LetterState // the first and the last state wanted
	After    hecate.LetterID    // older than this one; "" from the newest
	Limit    int
}

// pastEveryID sorts behind all ids, which are written in hexadecimal.
const pastEveryID = "~"

// Letters lists letters of one app; those of the server itself have an empty one.
func (db *DB) Letters(ctx context.Context, app hecate.AppID, in LetterList) (hecate.Page[*hecate.Letter], error) {
	return db.letters(ctx, in, lettersOf, app)
}

// AllLetters lists letters of all apps and of the server itself.
func (db *DB) AllLetters(ctx context.Context, in LetterList) (hecate.Page[*hecate.Letter], error) {
	return db.letters(ctx, in, lettersOfAll)
}

func (db *DB) letters(ctx context.Context, in LetterList, text string, args ...any) (hecate.Page[*hecate.Letter], error) {
	if in.After == "" {
		in.After = pastEveryID
	}
	rows, err := many(ctx, db, func(s scanner) (*hecate.Letter, error) {
		l, err := scanLetter(s)
		return l.Row, err
	}, text, append(args, in.From, in.To, in.After, in.Limit+1)...)
	page := hecate.Page[*hecate.Letter]{Rows: rows, More: len(rows) > in.Limit}
	if page.More {
		page.Rows = rows[:in.Limit]
	}
	return page, err
}

// Letter returns a letter of one app that waits or failed. Kinds: NotFound.
func (db *DB) Letter(ctx context.Context, app hecate.AppID, id hecate.LetterID) (Sealed[*hecate.Letter], error) {
	return one(ctx, db, scanLetter, letterOf, app, id)
}

// AnyLetter returns a letter of whichever app that waits or failed. Kinds: NotFound.
func (db *DB) AnyLetter(ctx context.Context, id hecate.LetterID) (Sealed[*hecate.Letter], error) {
	return one(ctx, db, scanLetter, letterOfAll, id)
}

// RetryLetter makes a letter due at once, to be tried until it expires, and reports whether nobody was sending it. It belongs in a Write that holds
// the lock of ClaimLetters.
func (db *DB) RetryLetter(ctx context.Context, app hecate.AppID, id hecate.LetterID, now, expires time.Time) (bool, error) {
	return db.changed(ctx, retryLetter, app, id, now, expires)
}

// DropLetter ends a letter that nobody is sending, and reports whether that was so. It belongs where RetryLetter does.
func (db *DB) DropLetter(ctx context.Context, app hecate.AppID, id hecate.LetterID, now time.Time) (bool, error) {
	return db.changed(ctx, dropLetter, app, id, now)
}

// SweepLetters forgets up to limit letters that ended before that time, failed ones before the other, and returns how many.
func (db *DB) SweepLetters(ctx context.Context, ended, failed time.Time, limit int) (int64, error) {
	return db.exec(ctx, sweepLetters, ended, failed, limit)
}
