package engine

import (
	"context"
	"errors"

	"hecate"
	"hecate/internal/store"
)

// What a PIN may be, in characters.
const (
	minPIN = 4
	maxPIN = 64
)

// SetPIN gives a user a PIN beside his password; an empty one takes it away. Only who manages the app's users may.
// Kinds: Forbidden, NotFound on "user", Invalid and TooLarge on "pin".
func (e *Engine) SetPIN(ctx context.Context, actor *hecate.Actor, ref UserRef, pin hecate.Secret) error {
	const op = "set pin"
	u, err := e.managedUser(ctx, actor, ref, op)
	if err != nil {
		return err
	}
	hash, err := e.hashPIN(ctx, op, pin)
	if err != nil {
		return err
	}
	return e.db.Write(ctx, func(tx *store.DB) error {
		if err := e.lockUser(ctx, tx, u.App, u.ID, op); err != nil {
			return err
		}
		if err := setPIN(ctx, tx, u, hash); err != nil {
			return err
		}
		return e.record(ctx, tx, actor, u.App, op, string(hecate.SubjectUser(u.ID)))
	})
}

// hashPIN is the stored form of a PIN, "" of none. Kinds: Invalid and TooLarge on "pin".
func (e *Engine) hashPIN(ctx context.Context, op string, pin hecate.Secret) (string, error) {
	if pin.IsZero() {
		return "", nil
	}
	if err := checkText(op, "pin", pin.Reveal(), minPIN, maxPIN); err != nil {
		return "", err
	}
	return e.hasher.Hash(ctx, pin.Reveal())
}

func setPIN(ctx context.Context, tx *store.DB, u *hecate.User, hash string) error {
	if hash == "" {
		return tx.DeleteCredential(ctx, u.App, u.ID, hecate.PINCredential)
	}
	return tx.SetCredential(ctx, u.App, u.ID, hecate.PINCredential, hash)
}

// verifyPIN compares a PIN with that of the user, if there is one, at the cost of one verification and one guess in any case. Kinds: TooMany.
func (e *Engine) verifyPIN(ctx context.Context, app *hecate.App, l *checkedLogin, in LoginInput) (bool, error) {
	stored, guessed := "", string(app.ID)+"/nobody/"+clip(FoldLogin(in.Login))
	if l.User != nil {
		var err error
		if stored, err = e.db.Credential(ctx, app.ID, l.User.ID, hecate.PINCredential); err != nil && !errors.Is(err, hecate.NotFound) {
			return false, err
		}
		guessed = userCacheKey(app.ID, l.User.ID)
	}
	done, err := e.pins.begin("login", guessed)
	if err != nil {
		return false, err
	}
	ok, _, err := e.hasher.Verify(ctx, stored, in.PIN.Reveal())
	done(!ok && err == nil)
	if ok {
		l.pin = stored
	}
	return ok, err
}

// samePIN makes sure, inside a login's write, that the PIN is still the one that was verified. Kinds: errChanged.
func samePIN(ctx context.Context, tx *store.DB, app hecate.AppID, l checkedLogin) error {
	now, err := tx.Credential(ctx, app, l.User.ID, hecate.PINCredential)
	if errors.Is(err, hecate.NotFound) || err == nil && now != l.pin {
		return errChanged
	}
	return err
}

// managesUsers reports whether the actor is somebody who manages an app's users for it: its client, an admin, the
// operator. A user never is, whatever roles he holds.
func managesUsers(actor *hecate.Actor, want hecate.Permissions) bool {
	return actor.Kind != hecate.Guest && actor.Kind != hecate.UserActor && actor.Can(want, hecate.AreaUsers)
}

// managedUser finds a user for somebody who manages the app's users. Kinds: Forbidden, NotFound on "user".
func (e *Engine) managedUser(ctx context.Context, actor *hecate.Actor, ref UserRef, op string) (*hecate.User, error) {
	app, err := inApp(actor, op)
	if err != nil {
		return nil, err
	}
	if !managesUsers(actor, hecate.Manage) {
		e.refused(actor, app.ID, op, "", "")
		return nil, hecate.E(hecate.Forbidden, op)
	}
	return e.findUser(ctx, app.ID, ref, op)
}
