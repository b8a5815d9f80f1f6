package engine

import (
	"context"
	"errors"
	"time"

	"hecate"
	"hecate/internal/secret"
	"hecate/internal/store"
)

// AskInput asks for a letter to a user, on behalf of somebody who proves nothing: that he reads the letter is the proof.
type AskInput struct {
	User  UserRef // whom
	Email string  // or, before User: whoever has this address
	// Quiet answers alike, in time too, for accounts that there are and are not, also where the app does not hide them.
	Quiet  bool
	Letter UserLetter // its Ticket is the verb's own
}

// evenTime is the grain of the times in which questions about accounts are answered where nobody may learn of accounts.
const evenTime = 20 * time.Millisecond

// evenly makes what follows take a whole number of grains. The work for accounts that there are and are not is the same but for
// some microseconds of reading, which somebody with patience could measure. It is the world's time that counts here, not Config's.
func (in *AskInput) evenly(ctx context.Context, app *hecate.App) (settle func()) {
	if !in.hides(app) {
		return func() {}
	}
	return evenly(ctx)
}

// evenly makes what is done until settle take a whole number of grains.
func evenly(ctx context.Context) (settle func()) {
	began := time.Now()
	return func() {
		select {
		case <-ctx.Done():
		case <-time.After(evenTime - time.Since(began)%evenTime):
		}
	}
}

// hides reports whether nobody may learn which accounts there are.
func (in *AskInput) hides(app *hecate.App) bool { return in.Quiet || app.Settings.HideAccountExistence }

// AskReset queues a letter with a ticket that sets a new password; those before are dead. Where the app hides which accounts it has nobody
// learns from answer or time whether there was one. Kinds otherwise: NotFound on "user", NotFound on "email" for a user without
// an address, TooMany.
func (e *Engine) AskReset(ctx context.Context, app *hecate.App, in AskInput) error {
	defer in.evenly(ctx, app)()
	in.Letter.Ticket, in.Letter.To = ResetTicket, ""
	const op = "ask reset"
	u, err := e.asked(ctx, app, in, op)
	if err != nil {
		return err
	}
	return e.askFor(ctx, app, in, u, op, nil)
}

// AskActivation queues a letter with a ticket that activates a user: to himself, or with Letter.To to whoever decides. With VerifyTicket as Letter.Ticket
// it only proves his address, where somebody else lets him in. Kinds: those of AskReset; Exists on "activation" for one who is active
// or was before (whoever took him out of use lets him in again, no letter to himself does), where the app does not hide that.
func (e *Engine) AskActivation(ctx context.Context, app *hecate.App, in AskInput) error {
	const op = "ask activation"
	defer in.evenly(ctx, app)()
	if in.Letter.Ticket != VerifyTicket {
		in.Letter.Ticket = ActivateTicket
	}
	u, err := e.asked(ctx, app, in, op)
	if err != nil {
		return err
	}
	if u != nil && (u.Activated || in.Letter.To == "" && wasActive(u)) {
		if !in.hides(app) {
			return hecate.E(hecate.Exists, op).On("activation")
		}
		u = nil
	}
	return e.askFor(ctx, app, in, u, op, nil)
}

// wasActive reports whether a user who is not active has been let in before, as far as is known: he logged in, or confirmed his address.
func wasActive(u *hecate.User) bool { return !u.LastLoginAt.IsZero() || u.EmailVerified }

// AskPIN gives a user a new PIN of 8 digits and queues the letter that tells it; the PIN before is dead. Kinds: those of AskReset.
func (e *Engine) AskPIN(ctx context.Context, app *hecate.App, in AskInput) error {
	const op = "ask pin"
	defer in.evenly(ctx, app)()
	in.Letter.Ticket, in.Letter.To = "", ""
	if in.Letter.Letter == "" {
		in.Letter.Letter = letterPIN
	}
	u, err := e.asked(ctx, app, in, op)
	if err != nil {
		return err
	}
	pin, err := secret.Digits(e.rand, codeLength)
	if err != nil {
		return err
	}
	hash, err := e.hasher.Hash(ctx, pin)
	if err != nil {
		return err
	}
	in.Letter.clear = hecate.NewSecret(pin)
	return e.askFor(ctx, app, in, u, op, func(tx *store.DB, u *hecate.User, blank bool) error {
		if err := tx.Lock(ctx, "user/"+userCacheKey(app.ID, u.ID)); err != nil {
			return err
		}
		if blank {
			return setPIN(ctx, tx, u, "") // nobody has one
		}
		return setPIN(ctx, tx, u, hash)
	})
}

// asked finds whom a letter is asked for, in one query whoever it is; nil where there is nobody and nobody may know.
func (e *Engine) asked(ctx context.Context, app *hecate.App, in AskInput, op string) (*hecate.User, error) {
	u, err := e.byAddress(ctx, app, in, op)
	if err == nil && u.Email == "" && in.Letter.To == "" {
		u, err = nil, hecate.E(hecate.NotFound, op).On("email")
	}
	if in.hides(app) && errors.Is(err, hecate.NotFound) {
		return nil, nil
	}
	return u, err
}

func (e *Engine) byAddress(ctx context.Context, app *hecate.App, in AskInput, op string) (*hecate.User, error) {
	if in.Email == "" {
		if checkText(op, "user", in.User.Login, 0, maxName) != nil {
			return nil, hecate.E(hecate.NotFound, op).On("user")
		}
		return e.findUser(ctx, app.ID, in.User, op)
	}
	if checkText(op, "email", in.Email, 1, maxEmail) != nil {
		return nil, hecate.E(hecate.NotFound, op).On("user")
	}
	l, err := e.db.LoginByIdentity(ctx, app.ID, hecate.EmailIdentity, FoldLogin(in.Email))
	return l.User, missing(unheldText(err), op, "user")
}

// askFor queues the letter. For nobody it does the same work, down to the rows, on a letter and a ticket that are of no use: that
// takes as long.
func (e *Engine) askFor(ctx context.Context, app *hecate.App, in AskInput, u *hecate.User, op string, also func(tx *store.DB, u *hecate.User, blank bool) error) error {
	blank := u == nil
	if blank {
		id, err := e.newID()
		if err != nil {
			return err
		}
		u = &hecate.User{ID: hecate.UserID(id), App: app.ID, Email: askedName(in)}
	}
	return e.db.Write(ctx, func(tx *store.DB) error {
		sent, err := e.sendUser(ctx, tx, app, u, in.Letter, blank)
		if err != nil {
			return err
		}
		if !sent && !in.hides(app) {
			return manyLetters(op)
		}
		if also != nil && (sent || blank) {
			if err := also(tx, u, blank); err != nil {
				return err
			}
		}
		if blank {
			return e.record(ctx, tx, nil, app.ID, op, "")
		}
		return e.record(ctx, tx, nil, app.ID, op, string(hecate.SubjectUser(u.ID)))
	})
}

// askedName is what somebody asked for, as far as it can be stored, for the row of a letter that goes nowhere.
func askedName(in AskInput) string {
	for _, text := range []string{in.Email, in.User.Login} {
		if text != "" && checkText("", "", text, 1, maxEmail) == nil {
			return text
		}
	}
	return "nobody"
}

// ResetInput is a new password by ticket.
type ResetInput struct {
	TicketInput // its Purpose is the verb's own
	Password    hecate.Secret
	MinPassword int          // the dialect's historical minimum, where the app sets none
	Open        *OpenSession // also open a session
	Dialect     string
}

// ResetByTicket sets a new password by a ticket. Every session of the user ends in every dialect, the standing one is renewed, and his PIN is gone:
// who knew the old ways in is out. The address to which the ticket went is proved; if it was not before, the identities at providers are gone as well. A password that the policy refuses leaves the ticket as it is. Kinds: BadToken, Expired;
// Invalid on "password" for an empty one, TooLarge, WeakPassword with Info "reason".
func (e *Engine) ResetByTicket(ctx context.Context, app *hecate.App, in ResetInput) (*LoginResult, error) {
	const op = "reset by ticket"
	in.Purpose = ResetTicket
	held, err := e.CheckTicket(ctx, app, in.TicketInput)
	if err != nil {
		return nil, err
	}
	in.User = UserRef{ID: held.User.ID}
	within := func(tx *store.DB, l store.Login) error { // the user is locked
		t, err := e.heldTicket(ctx, tx, app, in.TicketInput, op)
		if err != nil {
			return err
		}
		if err := e.useUserTicket(ctx, tx, app, in.TicketInput, t, op); err != nil {
			return err
		}
		if err := tx.DeleteCredential(ctx, app.ID, l.User.ID, hecate.PINCredential); err != nil {
			return err
		}
		if err := e.provedByReset(ctx, tx, app, l.User, op); err != nil {
			return err
		}
		return e.sendAll(ctx, tx, app, l.User, in.Letters)
	}
	return e.replacePassword(ctx, asUser(app, held.User), app, held.User.ID, nil, in.Password,
		ChangePasswordInput{EndAll: true, Open: in.Open, Dialect: in.Dialect, MinPassword: in.MinPassword, within: within}, op)
}

// provedByReset stores that a user, who is locked, has proved his address.
func (e *Engine) provedByReset(ctx context.Context, tx *store.DB, app *hecate.App, u *hecate.User, op string) error {
	if u.EmailVerified || u.Email == "" {
		return nil
	}
	if err := e.dropUnproved(ctx, tx, asUser(app, u), u); err != nil {
		return err
	}
	u.UpdatedAt = e.stamp()
	yes := true
	return e.setNames(ctx, tx, u, UpdateUserInput{EmailVerified: &yes}, op)
}
