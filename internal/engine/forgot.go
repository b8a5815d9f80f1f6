package engine

import (
	"context"
	"errors"

	"hecate"
	"hecate/internal/store"
)

// ForgotAdmin queues a letter with a reset ticket for the admin with that address, if there is one. Neither the answer nor its time tells whether there
// is, or whether he has had many letters: then what he has stays as it is.
func (e *Engine) ForgotAdmin(ctx context.Context, email string, letter Mailing) error {
	const op = "forgot admin"
	ask := AskInput{Email: email, Quiet: true}
	defer ask.evenly(ctx, nil)()
	a, err := e.adminOfEmail(ctx, email, op)
	blank := errors.Is(err, hecate.NotFound)
	if blank {
		a, err = &store.AdminSecrets{Admin: hecate.Admin{Email: askedName(ask)}}, nil
	}
	if err != nil {
		return err
	}
	t, clear, err := e.adminTicket(&a.Admin, ticketAdminReset)
	if err != nil {
		return err
	}
	if letter.Letter == "" {
		letter.Letter = letterReset
	}
	return e.db.Write(ctx, func(tx *store.DB) error {
		full, err := e.queue(ctx, tx, outgoing{
			Mailing: letter, to: a.Email, admin: a.ID, ticket: t, clear: clear, blank: blank,
			fields: map[string]string{"uid": AdminUID(&a.Admin), "name": a.Name, "username": a.Username},
		})
		if err != nil {
			return err
		}
		owner, hash := a.ID, e.lookup(clear)
		if full || blank {
			var nobody hecate.UserID
			nobody, hash = e.useless(&hecate.App{}, a.Email, clear)
			owner = hecate.AdminID(nobody)
		}
		own := *t
		own.Admin = owner
		if err := tx.DeleteAdminTicketsFor(ctx, owner, ticketAdminReset); err != nil {
			return err
		}
		if err := tx.InsertTicket(ctx, &own, hash); err != nil {
			return err
		}
		return e.record(ctx, tx, nil, "", op, "admin:"+string(a.ID))
	})
}
