package engine

import (
	"context"
	"errors"
	"strings"

	"hecate"
	"hecate/internal/store"
)

// newcomer is a new user with all that he may bring.
type newcomer struct {
	CreateUserInput
	open         *OpenSession
	external     *hecate.Identity // vouched for by somebody else
	says         map[string]any   // what a provider says of him; nil: nothing to keep
	withoutRoles bool
	arrives      bool   // being made is his first login
	pin          string // the stored form of the PIN
	wish         *wish  // what the profile's schema may become; nil: as it is
}

// bringIn makes a user with profile and standing session, and what else he asks for. Kinds: those of CreateUser.
func (e *Engine) bringIn(ctx context.Context, actor *hecate.Actor, app *hecate.App, in newcomer, op string) (*hecate.User, hecate.Secret, error) {
	none := hecate.Secret{}
	if err := in.check(op, app.Settings.Password); err != nil {
		return nil, none, err
	}
	if err := e.namesFree(ctx, app.ID, in.Username, in.Email, op); err != nil { // before a hash is paid for
		return nil, none, err
	}
	n, err := e.prepare(ctx, app, in, op)
	if err != nil {
		return nil, none, err
	}
	err = e.db.Write(ctx, func(tx *store.DB) error {
		var err error
		n := n
		if n.Profile, err = e.shapeProfile(ctx, tx, actor, app, in); err != nil {
			return err
		}
		if n.user.Seq, err = tx.NextSerial(ctx, app.ID, "users"); err != nil {
			return err
		}
		return e.insertNewcomer(ctx, tx, actor, app, n, op)
	})
	return n.user, n.token, err
}

// prepared is a newcomer with everything slow done.
type prepared struct {
	newcomer
	user     *hecate.User
	hash     string
	sessions []store.Sealed[*hecate.Session] // the standing one, and perhaps the one that he asked for
	token    hecate.Secret                   // of the latter
}

// prepare hashes and makes what a newcomer needs. Kinds: Invalid and TooLarge on "pin".
func (e *Engine) prepare(ctx context.Context, app *hecate.App, in newcomer, op string) (prepared, error) {
	n := prepared{newcomer: in}
	var err error
	if !in.Password.IsZero() {
		if n.hash, err = e.hasher.Hash(ctx, in.Password.Reveal()); err != nil {
			return n, err
		}
	}
	if n.pin, err = e.hashPIN(ctx, op, in.PIN); err != nil {
		return n, err
	}
	if n.user, err = e.newUser(app.ID, in.CreateUserInput, n.hash); err != nil {
		return n, err
	}
	standing, _, err := e.standing(app.ID, n.user.ID, in.Dialect)
	if err != nil {
		return n, err
	}
	n.sessions = []store.Sealed[*hecate.Session]{standing}
	opened, token, err := e.openedFor(app, n.user, in.Dialect, in.open)
	if opened != nil {
		n.sessions, n.token = append(n.sessions, *opened), token
	}
	return n, err
}

// shapeProfile brings the schema of the profiles up to what a newcomer brings, as far as he may, and returns his profile as it fits.
func (e *Engine) shapeProfile(ctx context.Context, tx *store.DB, actor *hecate.Actor, app *hecate.App, in newcomer) (RecordInput, error) {
	profile, err := e.extendProfile(ctx, tx, actor, app, in.Profile, in.wish)
	if err != nil {
		return profile, err
	}
	return e.growProfile(ctx, tx, actor, app, profile, in.Growth)
}

// insertNewcomer stores a numbered user, inside a write.
func (e *Engine) insertNewcomer(ctx context.Context, tx *store.DB, actor *hecate.Actor, app *hecate.App, n prepared, op string) error {
	u := n.user
	if err := e.insertUser(ctx, tx, u, n.hash, op); err != nil {
		return err
	}
	if err := e.insertNames(ctx, tx, u, op); err != nil {
		return err
	}
	if err := e.settle(ctx, tx, app, n, op); err != nil {
		return err
	}
	if _, err := e.createProfile(ctx, tx, app, u, n.Profile); err != nil {
		return inProfile(err)
	}
	if n.arrives {
		if err := tx.TouchUser(ctx, app.ID, u.ID); err != nil {
			return err
		}
	}
	if err := e.sendAll(ctx, tx, app, u, n.Letters); err != nil {
		return err
	}
	return e.record(ctx, tx, actor, app.ID, op, string(hecate.SubjectUser(u.ID)))
}

// settle stores what a new user holds beside his names and his profile.
func (e *Engine) settle(ctx context.Context, tx *store.DB, app *hecate.App, n prepared, op string) error {
	u := n.user
	if n.pin != "" {
		if err := setPIN(ctx, tx, u, n.pin); err != nil {
			return err
		}
	}
	if n.external != nil {
		i := *n.external
		i.User, i.CreatedAt, i.VerifiedAt = u.ID, u.CreatedAt, u.CreatedAt
		if free, err := tx.InsertIdentity(ctx, app.ID, i); err != nil || !free {
			return taken(err, op, "subject")
		}
	}
	if n.says != nil {
		name := strings.TrimPrefix(string(n.external.Kind), string(hecate.ProviderIdentity("")))
		if err := tx.SetProviderProfile(ctx, app.ID, u.ID, name, n.says); err != nil {
			return err
		}
	}
	if !n.withoutRoles {
		if err := e.giveDefaultRoles(ctx, tx, u); err != nil {
			return err
		}
	}
	for _, s := range n.sessions { // one or two
		if err := tx.InsertSession(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// SignUpInput is a new user who comes in at once.
type SignUpInput struct {
	CreateUserInput
	// Names are login names by field, instead of Username and Email: at least one entry of
	// Settings.LoginKeys must be complete, and none may be unknown. Names without an identity of their own are
	// kept as fields of the profile. Empty with an empty Password: a user without names (anonymous).
	Names  map[string]string
	Open   *OpenSession
	Extend bool           // add to the profile's schema what the values need, see SaveOptions
	Fields []hecate.Field // types of the fields to add, where the values do not say enough
}

// SignUp is CreateUser for the user himself: it also opens a session, counts as his first login, and knows Names. The session of an
// Awaited user may open nothing.
// Kinds: those of CreateUser; Invalid on "names" for names that are unknown or incomplete and on "password" for names without one; Exists on the field of a
// name that is taken ("realm,nick" for several together); Invalid on "schema" as of SaveRecords.
func (e *Engine) SignUp(ctx context.Context, actor *hecate.Actor, in SignUpInput) (*LoginResult, error) {
	const op = "create user"
	app, err := inApp(actor, op)
	if err != nil {
		return nil, err
	}
	if err := e.allowArea(actor, hecate.Create, hecate.AreaUsers, op); err != nil {
		return nil, err
	}
	if len(in.Names) > 0 || !in.Password.IsZero() {
		if _, _, err := identify(&app.Settings, in.Names, op); err != nil {
			return nil, err
		}
		if in.Password.IsZero() {
			return nil, hecate.E(hecate.Invalid, op).On("password").Says("must not be empty")
		}
		spread(&in.CreateUserInput, in.Names)
	}
	n := newcomer{CreateUserInput: in.CreateUserInput, open: in.Open, arrives: true, wish: &wish{in.Fields, in.Extend}}
	if joins(actor, &n.CreateUserInput) {
		d, token, err := e.askToJoin(ctx, actor, app, n, op)
		return &LoginResult{UserDetail: d, SessionToken: token}, err
	}
	u, token, err := e.bringIn(ctx, actor, app, n, op)
	if err != nil {
		return nil, ownName(err, &app.Settings)
	}
	return e.loggedIn(ctx, app, u, token)
}

// ownName takes the fields of a login name out of the profile again: the caller gave them as names.
func ownName(err error, s *hecate.Settings) error {
	var fault *hecate.Error
	if !errors.As(err, &fault) || fault.Kind != hecate.Exists {
		return err
	}
	for _, fields := range ownKeys(s) {
		if fault.Field == "profile."+joinFields(fields) {
			moved := *fault
			moved.Field = joinFields(fields)
			return &moved
		}
	}
	return err
}

// OpenSession opens a further session of the signed-in user; the one presented stays. SeenBefore of the result is
// when he was last seen. Kinds: Unauthenticated.
func (e *Engine) OpenSession(ctx context.Context, actor *hecate.Actor, dialect string, o OpenSession) (*LoginResult, error) {
	const op = "open session"
	app, err := inApp(actor, op)
	if err != nil {
		return nil, err
	}
	if actor.User == nil {
		return nil, hecate.E(hecate.Unauthenticated, op)
	}
	s, token, err := e.opened(app, actor.User, dialect, o)
	if err != nil {
		return nil, err
	}
	var before *hecate.User
	err = e.db.Write(ctx, func(tx *store.DB) error {
		l, err := e.loadUser(ctx, tx, app.ID, actor.User.ID, op)
		if err != nil {
			return err
		}
		before = l.User
		// A session that ended since it was presented opens no other one.
		if actor.Session != nil && !actor.Session.Standing {
			if err := e.stillOpen(ctx, tx, app.ID, actor.Session, op); err != nil {
				return err
			}
		}
		if err := tx.InsertSession(ctx, s); err != nil {
			return err
		}
		if err := tx.SeeUser(ctx, app.ID, before.ID, e.stamp()); err != nil {
			return err
		}
		return e.forgetUser(ctx, tx, app.ID, before.ID)
	})
	if errors.Is(err, hecate.NotFound) { // deleted meanwhile
		return nil, hecate.E(hecate.Unauthenticated, op)
	}
	if err != nil {
		return nil, err
	}
	return e.loggedIn(ctx, app, before, token)
}

// stillOpen refuses a session that is no longer stored. Kinds: Unauthenticated.
func (e *Engine) stillOpen(ctx context.Context, tx *store.DB, app hecate.AppID, s *hecate.Session, op string) error {
	open, err := tx.SessionOpen(ctx, app, s.ID)
	if err == nil && !open {
		return hecate.E(hecate.Unauthenticated, op)
	}
	return err
}

// EndToken ends the session of a token, or the further token alone, whoever the user is by now (also one who is disabled); a standing
// session is renewed. Kinds: BadToken for one that is unknown or ended already, Expired.
func (e *Engine) EndToken(ctx context.Context, actor *hecate.Actor, token hecate.Secret) error {
	const op = "end session"
	app, err := inApp(actor, op)
	if err != nil {
		return err
	}
	s, further, err := e.presentedSession(ctx, app.ID, token)
	switch {
	case errors.Is(err, hecate.NotFound):
		return hecate.E(hecate.BadToken, op)
	case err != nil:
		return err
	case s.Expired(e.now()):
		return hecate.E(hecate.Expired, op)
	}
	holder := *actor
	holder.Session = s
	return e.endPresented(ctx, &holder, further)
}

// ChangePasswordInput says what goes with a new password.
type ChangePasswordInput struct {
	EndAll      bool         // every session of the user ends, whatever opened it
	Open        *OpenSession // also open a session, which the change does not end
	Dialect     string
	MinPassword int // the dialect's historical minimum, where the app sets none

	within func(tx *store.DB, l store.Login) error // what else belongs to the write, before the change; the user is locked
}

// ChangePassword replaces the signed-in user's password. The same one again counts as a change unless the policy
// refuses former ones. The standing session is renewed; the others end as each of them asks, all of them with
// EndAll, Settings.Sessions.EndOnPasswordChange or Settings.Sessions.Signed. Kinds: Unauthenticated, WrongPassword (also for
// a user without one), Invalid on "password" for an empty new one, TooLarge, WeakPassword with Info "reason".
func (e *Engine) ChangePassword(ctx context.Context, actor *hecate.Actor, old, new hecate.Secret, in ChangePasswordInput) (*LoginResult, error) {
	const op = "change password"
	app, err := inApp(actor, op)
	if err != nil {
		return nil, err
	}
	if actor.User == nil {
		return nil, hecate.E(hecate.Unauthenticated, op)
	}
	for range loginTries {
		hash, err := e.verifyOld(ctx, actor, old, op)
		if err != nil {
			return nil, err
		}
		out, err := e.replacePassword(ctx, actor, app, actor.User.ID, &hash, new, in, op)
		if !errors.Is(err, errChanged) {
			return out, err
		}
	}
	return nil, hecate.E(hecate.WrongPassword, op)
}

// verifyOld checks the signed-in user's password and returns its hash. Kinds: WrongPassword.
func (e *Engine) verifyOld(ctx context.Context, actor *hecate.Actor, old hecate.Secret, op string) (string, error) {
	hash, err := e.db.Credential(ctx, actor.App.ID, actor.User.ID, hecate.PasswordCredential)
	if err != nil && !errors.Is(err, hecate.NotFound) {
		return "", err
	}
	if len(old.Reveal()) > maxPassword {
		old = hecate.Secret{}
	}
	ok, _, err := e.hasher.Verify(ctx, hash, old.Reveal())
	if err == nil && !ok {
		e.refused(actor, actor.App.ID, op, string(hecate.SubjectUser(actor.User.ID)), "wrong password")
		err = hecate.E(hecate.WrongPassword, op)
	}
	return hash, err
}

// ResetPassword sets a user's password without the old one, for whoever manages users; all else is as with
// ChangePassword. Kinds: Forbidden, NotFound on "user", Invalid on "password", TooLarge, WeakPassword with Info "reason".
func (e *Engine) ResetPassword(ctx context.Context, actor *hecate.Actor, ref UserRef, new hecate.Secret, in ChangePasswordInput) (*LoginResult, error) {
	const op = "reset password"
	u, err := e.userFor(ctx, actor, ref, hecate.Manage, op)
	if err != nil {
		return nil, err
	}
	return e.replacePassword(ctx, actor, actor.App, u.ID, nil, new, in, op)
}

// replacePassword gives a user a new password, where the stored one is still verified; nil does not ask.
func (e *Engine) replacePassword(ctx context.Context, actor *hecate.Actor, app *hecate.App, id hecate.UserID, verified *string,
	new hecate.Secret, in ChangePasswordInput, op string) (*LoginResult, error) {
	if err := checkPassword(op, "password", app.Settings.Password, in.MinPassword, new); err != nil {
		return nil, err
	}
	c := userChange{endAll: in.EndAll}
	var err error
	if c.hash, err = e.hashUnused(ctx, app, id, new, op); err != nil {
		return nil, err
	}
	standing, _, err := e.standing(app.ID, id, "")
	if err != nil {
		return nil, err
	}
	c.standing = &standing
	m, err := e.db.User(ctx, app.ID, id)
	if err != nil {
		return nil, missing(err, op, "user")
	}
	opened, token, err := e.openedFor(app, m, in.Dialect, in.Open)
	if err != nil {
		return nil, err
	}
	var before hecate.User
	err = e.db.Write(ctx, func(tx *store.DB) error {
		l, err := e.loadUser(ctx, tx, app.ID, id, op)
		if err != nil {
			return err
		}
		if verified != nil && l.Hash != *verified {
			return errChanged
		}
		if in.within != nil {
			if err := in.within(tx, l); err != nil {
				return err
			}
		}
		before = *l.User
		l.User.UpdatedAt = e.stamp()
		if err := e.setPassword(ctx, tx, actor, l, c, op); err != nil {
			return err
		}
		if opened != nil {
			if err := tx.InsertSession(ctx, *opened); err != nil {
				return err
			}
		}
		if err := tx.UpdateUser(ctx, l.User); err != nil {
			return missing(err, op, "user")
		}
		return e.forgetUser(ctx, tx, app.ID, id)
	})
	if err != nil {
		return nil, err
	}
	return e.loggedIn(ctx, app, &before, token)
}

// hashUnused hashes a password that the policy does not refuse as a former one; the current one is among them.
func (e *Engine) hashUnused(ctx context.Context, app *hecate.App, id hecate.UserID, password hecate.Secret, op string) (string, error) {
	if size := app.Settings.Password.History; size > 0 {
		current, err := e.db.Credential(ctx, app.ID, id, hecate.PasswordCredential)
		if err != nil && !errors.Is(err, hecate.NotFound) {
			return "", err
		}
		same, _, err := e.hasher.Verify(ctx, current, password.Reveal())
		if err != nil {
			return "", err
		}
		if same {
			return "", hecate.E(hecate.WeakPassword, op).On("password").With("reason", "reused").With("history_size", size)
		}
		if err := e.notReused(ctx, app, id, password, op); err != nil {
			return "", err
		}
	}
	return e.hasher.Hash(ctx, password.Reveal())
}
