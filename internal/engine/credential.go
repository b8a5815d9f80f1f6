package engine

import (
	"context"
	"errors"
	"strings"
	"time"

	"hecate"
	"hecate/internal/store"
)

// PasswordChange is a new password of a user, and the old one as proof.
type PasswordChange struct {
	Old         hecate.Secret // may be empty where the caller manages the app's users; verified whenever it is given
	New         hecate.Secret
	MinPassword int    // where the app sets no minimum
	From        string // address of the client, for the limit on failures; "": no limit
}

// ChangePasswordOf changes the password of a user who knows the old one, signed in or not, or for whoever manages the app's
// users. Sessions end as each of them asks, and all of them where the app wants that. Kinds: NotFound on "user" (WrongPassword where the
// app hides who exists), WrongPassword on "old", UserDisabled, Invalid, TooLarge and WeakPassword on "password", TooMany.
func (e *Engine) ChangePasswordOf(ctx context.Context, actor *hecate.Actor, ref UserRef, in PasswordChange) error {
	const op = "change password"
	app, err := inApp(actor, op)
	if err != nil {
		return err
	}
	u, err := e.findUser(ctx, app.ID, ref, op)
	manager := managesUsers(actor, hecate.Update)
	if errors.Is(err, hecate.NotFound) && !manager && app.Settings.HideAccountExistence {
		return e.failOld(ctx, app, ref, in, op)
	}
	if err != nil {
		return err
	}
	var verified *string
	if !manager || !in.Old.IsZero() {
		hash, err := e.verifyOldOf(ctx, actor, u, in, op)
		if err != nil {
			return err
		}
		verified = &hash
	}
	_, err = e.replacePassword(ctx, actor, app, u.ID, verified, in.New, ChangePasswordInput{MinPassword: in.MinPassword}, op)
	if errors.Is(err, errChanged) {
		return hecate.E(hecate.WrongPassword, op).On("old")
	}
	return err
}

// failOld is verifyOldOf of somebody whom there is not, as it is for those who do not know the password. Kinds: WrongPassword on "old", TooMany.
func (e *Engine) failOld(ctx context.Context, app *hecate.App, ref UserRef, in PasswordChange, op string) error {
	key := ""
	if in.From != "" {
		key = string(app.ID) + "/nobody/" + clip(FoldLogin(string(ref.ID)+ref.Key+ref.Login+ref.Username+ref.Email)) + "/" + in.From
	}
	done, err := e.logins.begin(op, key)
	if err != nil {
		return err
	}
	_, _, err = e.hasher.Verify(ctx, "", in.Old.Reveal())
	done(err == nil)
	if err != nil {
		return err
	}
	return hecate.E(hecate.WrongPassword, op).On("old")
}

// verifyOldOf checks the old password and returns its stored form. Kinds: WrongPassword on "old", UserDisabled, TooMany.
func (e *Engine) verifyOldOf(ctx context.Context, actor *hecate.Actor, u *hecate.User, in PasswordChange, op string) (string, error) {
	key := ""
	if in.From != "" {
		key = userCacheKey(u.App, u.ID) + "/" + in.From
	}
	done, err := e.logins.begin(op, key)
	if err != nil {
		return "", err
	}
	hash, err := e.checkOld(ctx, actor, u, in.Old, op)
	done(isWrongGuess(err))
	return hash, err
}

// checkOld compares the old password and returns its stored form.
func (e *Engine) checkOld(ctx context.Context, actor *hecate.Actor, u *hecate.User, old hecate.Secret, op string) (string, error) {
	hash, err := e.db.Credential(ctx, u.App, u.ID, hecate.PasswordCredential)
	if err != nil && !errors.Is(err, hecate.NotFound) {
		return "", err
	}
	if len(old.Reveal()) > maxPassword {
		old = hecate.Secret{}
	}
	ok, _, err := e.hasher.Verify(ctx, hash, old.Reveal())
	if err != nil {
		return "", err
	}
	subject := string(hecate.SubjectUser(u.ID))
	if !ok {
		e.refused(actor, u.App, op, subject, "wrong password")
		return "", hecate.E(hecate.WrongPassword, op).On("old")
	}
	if err := u.MayAct(e.now()); err != nil {
		e.refused(actor, u.App, op, subject, "disabled")
		return "", err
	}
	return hash, nil
}

// portable are the beginnings of stored passwords that another server can verify: those that came from one.
var portable = []string{"chain$", "$2a$", "$2b$", "$2y$"}

// ExportPassword returns the stored form of a user's password, and since when it is in force, for the operator. Kinds:
// Forbidden, NotFound on "user" or "password", Unsupported for a password that was set or renewed here: it is keyed with
// this server's own key and could be verified nowhere else.
func (e *Engine) ExportPassword(ctx context.Context, actor *hecate.Actor, ref UserRef) (hash string, since time.Time, err error) {
	const op = "export password"
	u, err := e.userForOperator(ctx, actor, ref, op)
	if err != nil {
		return "", since, err
	}
	hash, err = e.db.Credential(ctx, u.App, u.ID, hecate.PasswordCredential)
	if err != nil {
		return "", since, missing(err, op, "password")
	}
	for _, prefix := range portable {
		if strings.HasPrefix(hash, prefix) {
			return hash, u.PasswordChangedAt, nil
		}
	}
	return "", since, hecate.E(hecate.Unsupported, op).Says("the password is keyed with this server's own key")
}

// ImportPassword installs the stored form of a password that another server made, for the operator: the user logs in
// with the password he had there, and at that login it is hashed anew. Kinds: Forbidden, NotFound on "user", Invalid on "hash".
func (e *Engine) ImportPassword(ctx context.Context, actor *hecate.Actor, ref UserRef, hash string) error {
	const op = "import password"
	u, err := e.userForOperator(ctx, actor, ref, op)
	if err != nil {
		return err
	}
	if hash == "" {
		return hecate.E(hecate.Invalid, op).On("hash").Says("must not be empty")
	}
	if err := e.hasher.Check(hash); err != nil {
		return err
	}
	next, _, err := e.standing(u.App, u.ID, "")
	if err != nil {
		return err
	}
	c := userChange{hash: hash, standing: &next}
	return e.db.Write(ctx, func(tx *store.DB) error {
		l, err := e.loadUser(ctx, tx, u.App, u.ID, op)
		if err != nil {
			return err
		}
		l.User.UpdatedAt = e.stamp()
		if err := e.setPassword(ctx, tx, actor, l, c, op); err != nil {
			return err
		}
		return e.saveUser(ctx, tx, actor, l.User, op)
	})
}

func (e *Engine) userForOperator(ctx context.Context, actor *hecate.Actor, ref UserRef, op string) (*hecate.User, error) {
	app, err := inApp(actor, op)
	if err != nil {
		return nil, err
	}
	if actor.Kind != hecate.SystemActor {
		e.refused(actor, app.ID, op, "", "")
		return nil, hecate.E(hecate.Forbidden, op)
	}
	return e.findUser(ctx, app.ID, ref, op)
}
