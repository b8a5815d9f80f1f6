package engine

import (
	"context"

	"hecate"
	"hecate/internal/store"
)

// VerificationInput asks for a proof that an address is a user's own.
type VerificationInput struct {
	User UserRef // nil value: the actor himself
	// Letter is what he gets. Its About names a field other than the user's own address; then To is what the field holds. Its Form may be a code.
	Letter UserLetter
}

// AskVerification queues a letter with a ticket that proves an address; those before for the same field are dead. Kinds: Forbidden, Unauthenticated
// without a user, NotFound on "user", NotFound on "address" where there is none, Invalid on "address", TooMany.
func (e *Engine) AskVerification(ctx context.Context, actor *hecate.Actor, in VerificationInput) error {
	const op = "ask verification"
	app, err := inApp(actor, op)
	if err != nil {
		return err
	}
	if in.User == (UserRef{}) {
		if actor.User == nil {
			return hecate.E(hecate.Unauthenticated, op)
		}
		in.User.ID = actor.User.ID
	}
	u, err := e.userFor(ctx, actor, in.User, hecate.Update, op)
	if err != nil {
		return err
	}
	in.Letter.Ticket = VerifyTicket
	if keyOf(in.Letter.About) == emailField {
		in.Letter.To = u.Email
	}
	if in.Letter.To == "" {
		return hecate.E(hecate.NotFound, op).On("address")
	}
	if err := checkEmail(op, "address", in.Letter.To); err != nil {
		return err
	}
	return e.db.Write(ctx, func(tx *store.DB) error {
		sent, err := e.sendUser(ctx, tx, app, u, in.Letter, false)
		if err != nil {
			return err
		}
		if !sent {
			return manyLetters(op)
		}
		return e.record(ctx, tx, actor, app.ID, op, string(hecate.SubjectUser(u.ID)))
	})
}

// ConfirmAddress uses a ticket or code of AskVerification up. The user's own address is verified from then on. For the address in another field
// the caller compares Ticket.Address with what Ticket.About holds now, and keeps the result: in.Profile. Kinds: BadToken, Expired, what in.Profile refuses.
func (e *Engine) ConfirmAddress(ctx context.Context, app *hecate.App, in TicketInput) (*TicketDetail, error) {
	in.Purpose = VerifyTicket
	return e.confirm(ctx, app, in, "confirm address", func(t *hecate.Ticket, u *hecate.User) (verified, activated bool) {
		return t.About == emailField, u.Activated
	})
}

// Activate uses a ticket of AskActivation up: the user may come in from then on. Where the ticket went to his own address, that is
// verified too. Kinds: BadToken (also when he is active already and the ticket is used), Expired.
func (e *Engine) Activate(ctx context.Context, app *hecate.App, in TicketInput) (*TicketDetail, error) {
	in.Purpose = ActivateTicket
	return e.confirm(ctx, app, in, "activate user", func(t *hecate.Ticket, _ *hecate.User) (verified, activated bool) {
		return t.About == emailField, true
	})
}

// confirm uses a ticket up and stores what it proves.
func (e *Engine) confirm(ctx context.Context, app *hecate.App, in TicketInput, op string,
	proves func(*hecate.Ticket, *hecate.User) (verified, activated bool)) (*TicketDetail, error) {
	var out *TicketDetail
	err := e.withTicket(ctx, app, in, op, func(tx *store.DB, t *TicketDetail, l store.Login) error {
		if err := e.useUserTicket(ctx, tx, app, in, t, op); err != nil {
			return err
		}
		u := l.User
		u.UpdatedAt = e.stamp()
		verified, activated := proves(t.Ticket, u)
		u.Activated = activated
		if verified && !u.EmailVerified {
			yes := true
			if err := e.setNames(ctx, tx, u, UpdateUserInput{EmailVerified: &yes}, op); err != nil {
				return err
			}
		}
		if err := e.provedProfile(ctx, tx, app, t.Ticket, u, in.Profile); err != nil {
			return err
		}
		if err := e.sendAll(ctx, tx, app, u, in.Letters); err != nil {
			return err
		}
		out = &TicketDetail{Ticket: t.Ticket, User: u}
		return e.saveUser(ctx, tx, asUser(app, u), u, op)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// provedProfile changes a user's profile as a proof says.
func (e *Engine) provedProfile(ctx context.Context, tx *store.DB, app *hecate.App, t *hecate.Ticket, u *hecate.User, proves func(*hecate.Ticket) *RecordInput) error {
	if proves == nil {
		return nil
	}
	in := proves(t)
	if in == nil {
		return nil
	}
	himself := asUser(app, u)
	himself.Powers[hecate.AreaUsers] |= hecate.Update // changeProfile asks: the ticket is what decides
	_, err := e.changeProfile(ctx, tx, himself, app, u, *in)
	return inProfile(err)
}

// IsAddress reports whether letters can go to an address.
func IsAddress(text string) bool { return text != "" && checkEmail("", "", text) == nil }
