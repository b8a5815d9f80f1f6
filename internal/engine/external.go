package engine

import (
	"context"
	"errors"

	"hecate"
	"hecate/internal/store"
)

// ExternalLoginInput is a user whom somebody else vouches for.
type ExternalLoginInput struct {
	Provider string // "custom" for tokens of the app's own server
	Subject  string // who he is there
	// Profile, Username and Email are given to a new user, and change a known one at each login.
	Profile         RecordInput
	Fields          []hecate.Field
	Extend          bool
	Username, Email *string
	Letters         []UserLetter // what a new user gets
	// Changed are what a known one gets with what changes, which is seen as it was and as it is; nil: nothing. Whom he had an address from
	// until now is told anyway.
	Changed func(was, is UserDetail) []UserLetter
	Dialect string
	Open    *OpenSession
}

// LoginExternal logs in the user of an external identity that the caller has verified, and makes him at the first time: without a
// password and without the roles that new users get. Kinds: Forbidden when the actor may not log users in, Invalid on "subject",
// UserDisabled (before anything changes), those of SignUp for names and profile.
func (e *Engine) LoginExternal(ctx context.Context, actor *hecate.Actor, in ExternalLoginInput) (_ *LoginResult, created bool, err error) {
	const op = "login"
	app, err := inApp(actor, op)
	if err != nil {
		return nil, false, err
	}
	if err := e.allowArea(actor, hecate.Login, hecate.AreaApp, op); err != nil {
		return nil, false, err
	}
	if err := checkText(op, "subject", in.Subject, 1, maxName); err != nil {
		return nil, false, hecate.E(hecate.Invalid, op).On("subject").Because(err)
	}
	who := hecate.Identity{Kind: hecate.ProviderIdentity(in.Provider), Value: in.Subject, Match: in.Subject}
	for range loginTries {
		i, err := e.db.Identity(ctx, app.ID, who.Kind, who.Match)
		if err == nil {
			out, err := e.loginKnown(ctx, actor, app, i.User, in)
			return out, false, err
		}
		if !errors.Is(err, hecate.NotFound) {
			return nil, false, err
		}
		u, token, err := e.bringIn(ctx, actor, app, newcomer{
			CreateUserInput: CreateUserInput{Username: deref(in.Username), Email: deref(in.Email), Profile: in.Profile, Dialect: in.Dialect, Letters: in.Letters},
			open:            in.Open, external: &who, withoutRoles: true, arrives: true, wish: &wish{in.Fields, in.Extend},
		}, "create user")
		if errors.Is(err, hecate.Exists) && hecate.Detail(err).Field == "subject" {
			continue // somebody was quicker with the same subject
		}
		if err != nil {
			return nil, false, ownName(err, &app.Settings)
		}
		out, err := e.loggedIn(ctx, app, u, token)
		return out, true, err
	}
	return nil, false, hecate.E(hecate.TooMany, op)
}

// loginKnown logs in a user known by an external identity.
func (e *Engine) loginKnown(ctx context.Context, actor *hecate.Actor, app *hecate.App, id hecate.UserID, in ExternalLoginInput) (*LoginResult, error) {
	const op = "login"
	if err := checkNames(op, deref(in.Username), deref(in.Email)); err != nil {
		return nil, err
	}
	got, err := e.loginVouched(ctx, actor, app, id, in.Dialect, in.Open, func(tx *store.DB, u *hecate.User) error {
		return e.updateKnown(ctx, tx, actor, app, u, in, op)
	})
	if err != nil {
		return nil, ownName(err, &app.Settings)
	}
	return got, nil
}

// loginVouched logs in a user for whom somebody else vouches, after change in the same write, which has him locked.
// Kinds: NotFound on "user", UserDisabled (then nothing changes).
func (e *Engine) loginVouched(ctx context.Context, actor *hecate.Actor, app *hecate.App, id hecate.UserID, dialect string, open *OpenSession, change func(tx *store.DB, u *hecate.User) error) (*LoginResult, error) {
	const op = "login"
	u, err := e.db.User(ctx, app.ID, id)
	if err != nil {
		return nil, missing(err, op, "user")
	}
	opened, token, err := e.openedFor(app, u, dialect, open)
	if err != nil {
		return nil, err
	}
	var before hecate.User
	err = e.db.Write(ctx, func(tx *store.DB) error {
		l, err := e.loadUser(ctx, tx, app.ID, id, op)
		if err != nil {
			return err
		}
		if before = *l.User; before.MayAct(e.now()) != nil {
			e.refused(actor, app.ID, op, string(hecate.SubjectUser(id)), "disabled")
			return before.MayAct(e.now())
		}
		if err := change(tx, l.User); err != nil {
			return err
		}
		if opened != nil {
			if err := tx.InsertSession(ctx, *opened); err != nil {
				return err
			}
		}
		if err := tx.TouchUser(ctx, app.ID, id); err != nil {
			return err
		}
		if err := e.forgetUser(ctx, tx, app.ID, id); err != nil {
			return err
		}
		return e.record(ctx, tx, actor, app.ID, op, string(hecate.SubjectUser(id)))
	})
	if err != nil {
		return nil, err
	}
	return e.loggedIn(ctx, app, &before, token)
}

// updateKnown gives a user the names and profile that come with his login, as the one who vouches for him says, and the letters that follow. An
// address that comes so is not proved: the one who vouches says who he is, not where he is to be reached.
func (e *Engine) updateKnown(ctx context.Context, tx *store.DB, actor *hecate.Actor, app *hecate.App, u *hecate.User, in ExternalLoginInput, op string) error {
	if in.Changed == nil {
		return e.changeKnown(ctx, tx, actor, app, u, in, op)
	}
	was, err := e.stored(ctx, tx, u)
	if err != nil {
		return err
	}
	if err := e.changeKnown(ctx, tx, actor, app, u, in, op); err != nil {
		return err
	}
	is, err := e.stored(ctx, tx, u)
	if err != nil {
		return err
	}
	return e.sendAll(ctx, tx, app, u, in.Changed(was, is))
}

// stored is a user who is locked, as he is now, with the whole of his profile.
func (e *Engine) stored(ctx context.Context, tx *store.DB, u *hecate.User) (UserDetail, error) {
	c, err := e.profileCollection(ctx, tx, u.App)
	if err != nil {
		return UserDetail{}, err
	}
	r, err := tx.Record(ctx, c, store.RecordRef{ID: u.ID.ProfileID()})
	return UserDetail{User: new(*u), Profile: r.Record}, err
}

func (e *Engine) changeKnown(ctx context.Context, tx *store.DB, actor *hecate.Actor, app *hecate.App, u *hecate.User, in ExternalLoginInput, op string) error {
	profile, err := e.extendProfile(ctx, tx, actor, app, in.Profile, &wish{in.Fields, in.Extend})
	if err != nil {
		return err
	}
	u.UpdatedAt = e.stamp()
	if err := e.rename(ctx, tx, app, u, UpdateUserInput{Username: in.Username, Email: in.Email}, op); err != nil {
		return err
	}
	if err := tx.UpdateUser(ctx, u); err != nil {
		return err
	}
	if len(profile.Values) == 0 {
		return nil
	}
	himself := *actor
	himself.User = u
	himself.Powers[hecate.AreaUsers] |= hecate.Update // changeProfile asks: the statement of the vouching side is what decides
	_, err = e.changeProfile(ctx, tx, &himself, app, u, profile)
	return inProfile(err)
}
