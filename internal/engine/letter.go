package engine

import (
	"context"
	"errors"
	"time"

	"hecate"
	"hecate/internal/mail"
	"hecate/internal/store"
)

// What those who run the server or an app may know of letters, and do about them. Nobody is shown what a letter says: whoever could read the
// letters of others could take their accounts.

// LetterList asks for letters, the newest first.
type LetterList struct {
	State *hecate.LetterState // LetterWaiting or LetterFailed alone; nil both
	After hecate.LetterID     // older than this one; "" from the newest
	Limit int
}

// Letters lists the letters that wait or failed: all of them, those of admins' accounts too, for the operator outside apps, else those of
// the actor's app. Failed ones are kept for 30 days. Kinds: Forbidden, Invalid on "state" or "after".
func (e *Engine) Letters(ctx context.Context, actor *hecate.Actor, in LetterList) (hecate.Page[*hecate.Letter], error) {
	const op = "letters"
	list := store.LetterList{From: hecate.LetterWaiting, To: hecate.LetterFailed, After: in.After, Limit: min(max(in.Limit, 0), hecate.MaxPage)}
	app, err := e.postmaster(actor, op)
	if err != nil {
		return hecate.Page[*hecate.Letter]{}, err
	}
	if in.State != nil {
		if *in.State != hecate.LetterWaiting && *in.State != hecate.LetterFailed {
			return hecate.Page[*hecate.Letter]{}, hecate.E(hecate.Invalid, op).On("state")
		}
		list.From, list.To = *in.State, *in.State
	}
	if err := checkText(op, "after", string(in.After), 0, maxName); err != nil {
		return hecate.Page[*hecate.Letter]{}, err
	}
	var page hecate.Page[*hecate.Letter]
	if app == nil {
		page, err = e.db.AllLetters(ctx, list)
	} else {
		page, err = e.db.Letters(ctx, app.ID, list)
	}
	now := e.now()
	for _, l := range page.Rows { // a lease that ended claims nothing
		l.Claimed = l.Claimed && l.DueAt.After(now)
	}
	return page, err
}

// postmaster is the door to letters: the app whose letters they are, nil for the operator outside apps. Kinds: Forbidden.
func (e *Engine) postmaster(actor *hecate.Actor, op string) (*hecate.App, error) {
	if actor != nil && actor.Kind == hecate.SystemActor && actor.App == nil {
		return nil, nil
	}
	app, err := inApp(actor, op)
	if err != nil {
		return nil, hecate.E(hecate.Forbidden, op)
	}
	return app, e.allowArea(actor, hecate.Update, hecate.AreaApp, op)
}

// WaitingLetters counts the letters that wait or are being sent, for the operator. Kinds: Forbidden.
func (e *Engine) WaitingLetters(ctx context.Context, actor *hecate.Actor) (int, error) {
	if actor == nil || actor.Kind != hecate.SystemActor {
		return 0, hecate.E(hecate.Forbidden, "waiting letters")
	}
	return e.db.WaitingLetters(ctx)
}

// RetryLetter makes a letter that waits or failed go out at the next turn, and be tried as long as a new one. It stays the same letter, with the same
// ticket, and counts as one more to its address. Kinds: Forbidden; NotFound, also for a letter that has left; TooMany; Stale on "letter" when it
// is being sent, when what it says was not kept, and when its ticket, invitation or user is of no use any more.
func (e *Engine) RetryLetter(ctx context.Context, actor *hecate.Actor, id hecate.LetterID) (*hecate.Letter, error) {
	const op = "retry letter"
	return e.mendLetter(ctx, actor, id, op, func(tx *store.DB, row store.Sealed[*hecate.Letter], now time.Time) (bool, error) {
		l := row.Row
		if l.State == hecate.LetterWaiting && !l.DueAt.After(now) {
			return true, nil // it is due already
		}
		expires, err := e.ofUse(ctx, tx, row, now, op)
		if err != nil {
			return false, err
		}
		sent, err := tx.LettersTo(ctx, l.App, l.Address, now.Add(-letterWindow))
		if err != nil {
			return false, err
		}
		if sent >= e.limits.LettersPerAddress {
			return false, hecate.E(hecate.TooMany, op).Says("this address has had many letters").After(letterWindow)
		}
		l.State, l.Attempts, l.DueAt, l.ExpiresAt, l.EndedAt = hecate.LetterWaiting, 0, now, expires, time.Time{}
		tx.After(e.outbox.ring)
		return tx.RetryLetter(ctx, l.App, l.ID, now, expires)
	})
}

// DropLetter gives a letter that waits or failed up for good, and forgets what it says. Its ticket, which nobody has, stays as it is. Kinds: Forbidden,
// NotFound, also for a letter that has left; Stale on "letter" when it is being sent.
func (e *Engine) DropLetter(ctx context.Context, actor *hecate.Actor, id hecate.LetterID) error {
	_, err := e.mendLetter(ctx, actor, id, "drop letter", func(tx *store.DB, row store.Sealed[*hecate.Letter], now time.Time) (bool, error) {
		row.Row.State, row.Row.EndedAt = hecate.LetterDropped, now
		return tx.DropLetter(ctx, row.Row.App, row.Row.ID, now)
	})
	return err
}

// mendLetter changes a letter that nobody is sending, apart from those who claim letters. change reports whether that was so.
func (e *Engine) mendLetter(ctx context.Context, actor *hecate.Actor, id hecate.LetterID, op string,
	change func(tx *store.DB, row store.Sealed[*hecate.Letter], now time.Time) (bool, error),
) (*hecate.Letter, error) {
	app, err := e.postmaster(actor, op)
	if err != nil {
		return nil, err
	}
	if checkText(op, "letter", string(id), 1, maxName) != nil {
		return nil, hecate.E(hecate.NotFound, op).On("letter")
	}
	var out *hecate.Letter
	err = e.db.Write(ctx, func(tx *store.DB) error {
		if err := tx.Lock(ctx, outboxLock); err != nil {
			return err
		}
		row, err := letterFor(ctx, tx, app, id)
		if err != nil {
			return missing(err, op, "letter")
		}
		now := e.stamp()
		free := !row.Row.Claimed || !row.Row.DueAt.After(now)
		if free {
			free, err = change(tx, row, now)
		}
		if err != nil {
			return err
		}
		if !free {
			return hecate.E(hecate.Stale, op).On("letter").Says("the letter is being sent right now")
		}
		out = row.Row
		return e.record(ctx, tx, actor, out.App, op, "letter:"+string(out.ID))
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func letterFor(ctx context.Context, tx *store.DB, app *hecate.App, id hecate.LetterID) (store.Sealed[*hecate.Letter], error) {
	if app == nil {
		return tx.AnyLetter(ctx, id)
	}
	return tx.Letter(ctx, app.ID, id)
}

// ofUse returns until when a letter would be tried that somebody asks for once more. Kinds: Stale on "letter" for one that helps nobody any more.
func (e *Engine) ofUse(ctx context.Context, tx *store.DB, row store.Sealed[*hecate.Letter], now time.Time, op string) (time.Time, error) {
	stale := func(reason string) error { return hecate.E(hecate.Stale, op).On("letter").Says(reason) }
	until := now.Add(letterLife)
	if row.Sealed == "" {
		return until, stale("what the letter says was not kept; a new one has to be asked for")
	}
	s, err := e.openLetter(row)
	if err != nil {
		return until, err
	}
	l := row.Row
	var user *hecate.User
	if l.User != "" {
		user, err = tx.User(ctx, l.App, l.User)
		if errors.Is(err, hecate.NotFound) {
			return until, stale("the user whom the letter is about is gone")
		}
		if err != nil {
			return until, err
		}
	}
	switch {
	case s.Invitation:
		i, err := tx.InvitationByKey(ctx, e.lookup(hecate.NewSecret(s.Ticket)))
		if errors.Is(err, hecate.NotFound) || err == nil && (i.Row.App != l.App || i.Row.State != hecate.InvitationNew) {
			err = stale("the invitation in the letter was used or withdrawn")
		}
		return until, err
	case s.Hash == "":
		return until, nil
	}
	t, err := tx.Ticket(ctx, l.App, s.Hash)
	if errors.Is(err, hecate.NotFound) || err == nil && user != nil && outlived(t, user) {
		err = stale("the ticket in the letter was used, or something newer has taken its place")
	}
	if err != nil {
		return until, err
	}
	if !now.Before(t.ExpiresAt) {
		return until, stale("the ticket in the letter has expired")
	}
	if t.ExpiresAt.Before(until) {
		until = t.ExpiresAt
	}
	return until, nil
}

// TryLetter queues one letter for somebody who looks at how letters arrive. What it tells is a sample: its link and its code lead
// nowhere. Kinds: Forbidden for whoever does not govern the app, Invalid on "to" or "letter", TooMany.
func (e *Engine) TryLetter(ctx context.Context, actor *hecate.Actor, to string, l UserLetter) error {
	const op = "try letter"
	app, err := inApp(actor, op)
	if err != nil {
		return err
	}
	if err := e.allowArea(actor, hecate.Manage, hecate.AreaUsers, op); err != nil {
		return err
	}
	if !IsAddress(to) {
		return hecate.E(hecate.Invalid, op).On("to").Says("not an address")
	}
	if _, known := mail.Names[l.Letter]; !known {
		return hecate.E(hecate.Invalid, op).On("letter")
	}
	return e.db.Write(ctx, func(tx *store.DB) error {
		full, err := e.queue(ctx, tx, outgoing{Mailing: l.Mailing, app: app, to: to, fields: l.Fields, clear: hecate.NewSecret(sampleTicket)})
		if err != nil {
			return err
		}
		if full {
			return hecate.E(hecate.TooMany, op).Says("this address has had many letters").After(letterWindow)
		}
		return e.record(ctx, tx, actor, app.ID, op, "app:"+string(app.ID))
	})
}

// sampleTicket is what stands for the ticket in a letter that is only looked at.
const sampleTicket = "sample"
