package engine

import (
	"context"
	"errors"
	"time"

	"hecate"
	"hecate/internal/secret"
	"hecate/internal/store"
)

// LoginInput is a name and a password.
type LoginInput struct {
	Login string // username, else address
	// Names are login names by field, instead of Login: the first complete entry of Settings.LoginKeys decides.
	Names    map[string]string
	Password hecate.Secret
	PIN      hecate.Secret // instead of the password
	From     string        // address of the client, for the limit on failures; "": no limit
	Dialect  string
	Open     *OpenSession // also open a session; nil where the standing one serves
}

// OpenSession describes a session to open.
type OpenSession struct {
	TTL            int64 // microseconds; 0: the app's setting, else never
	Forever        bool  // never ends by itself, whatever the app's setting
	EndsOnPassword bool
	Dated          bool // the token says when it ends, see InspectToken; an app's signed ones say so anyway
}

// LoginResult is who logged in, and the token of the session that was opened.
type LoginResult struct {
	*UserDetail
	SessionToken hecate.Secret
	Before       time.Time // the last login before this one; zero for the first
	SeenBefore   time.Time // when the user was seen last before
}

// openedBytes is the randomness of a token that is shown once.
const openedBytes = 32

// FoldLogin is how login names are compared: usernames and addresses without case.
func FoldLogin(name string) string { return store.FoldName(name) }

// Login checks a password at the same cost for unknown and for disabled users. Kinds: Forbidden when the actor may not log users
// in, Invalid on "names" for unknown or incomplete ones, UnknownUser, WrongPassword, UserDisabled (whatever the password, unless the app hides who
// has an account), TooMany.
func (e *Engine) Login(ctx context.Context, actor *hecate.Actor, in LoginInput) (*LoginResult, error) {
	const op = "login"
	app, err := inApp(actor, op)
	if err != nil {
		return nil, err
	}
	if err := e.allowArea(actor, hecate.Login, hecate.AreaApp, op); err != nil {
		return nil, err
	}
	if in.Names != nil {
		if _, _, err := identify(&app.Settings, in.Names, op); err != nil {
			return nil, err
		}
	}
	done, err := e.logins.begin(op, in.guessKey(app.ID))
	if err != nil {
		e.refused(actor, app.ID, op, "", "too many failures")
		return nil, err
	}
	out, err := e.tryLogin(ctx, actor, app, in)
	done(isWrongGuess(err))
	return out, err
}

func (e *Engine) tryLogin(ctx context.Context, actor *hecate.Actor, app *hecate.App, in LoginInput) (*LoginResult, error) {
	for range loginTries {
		l, err := e.checkLogin(ctx, actor, app, in)
		if err != nil {
			return nil, err
		}
		out, err := e.completeLogin(ctx, actor, app, l, in)
		if !errors.Is(err, errChanged) {
			return out, err
		}
	}
	return nil, hecate.E(hecate.WrongPassword, "login")
}

// loginTries is how often a login starts again because the password is changed at the same time.
const loginTries = 3

// errChanged says that a password is no longer the one that was verified.
var errChanged = errors.New("the password has changed meanwhile")

// completeLogin stores the login of a user whose password was right, unless it changed meanwhile: then errChanged.
func (e *Engine) completeLogin(ctx context.Context, actor *hecate.Actor, app *hecate.App, l checkedLogin, in LoginInput) (*LoginResult, error) {
	const op = "login"
	s, token, err := e.openedFor(app, l.User, in.Dialect, in.Open)
	if err != nil {
		return nil, err
	}
	key := userCacheKey(app.ID, l.User.ID)
	err = e.db.Write(ctx, func(tx *store.DB) error {
		// Behind a change of the password, not beside it: sessions that the change ends are all there when it does.
		now, err := e.loadUser(ctx, tx, app.ID, l.User.ID, op)
		if err != nil {
			return err
		}
		if now.Hash != l.Hash {
			return errChanged
		}
		if l.pin != "" {
			if err := samePIN(ctx, tx, app.ID, l); err != nil {
				return err
			}
		}
		if l.rehashed != "" {
			if err := tx.SwapCredential(ctx, app.ID, l.User.ID, hecate.PasswordCredential, l.Hash, l.rehashed); err != nil {
				return err
			}
		}
		if err := tx.TouchUser(ctx, app.ID, l.User.ID); err != nil {
			return missing(err, op, "user")
		}
		if s != nil {
			if err := tx.InsertSession(ctx, *s); err != nil {
				return err
			}
		}
		if err := errors.Join(e.forget(ctx, tx, "users", key), e.forget(ctx, tx, "details", key)); err != nil {
			return err
		}
		return e.record(ctx, tx, actor, app.ID, op, string(hecate.SubjectUser(l.User.ID)))
	})
	if errors.Is(err, hecate.NotFound) { // deleted meanwhile
		return nil, hecate.E(hecate.UnknownUser, op)
	}
	if err != nil {
		return nil, err
	}
	return e.loggedIn(ctx, app, l.User, token)
}

// checkedLogin is a user whose password was right.
type checkedLogin struct {
	store.Login
	rehashed string // a better hash of the same password, or ""
	pin      string // the stored form of the PIN that was right instead of the password, or ""
}

// checkLogin finds the user and verifies the password. Every way out costs one verification at least.
func (e *Engine) checkLogin(ctx context.Context, actor *hecate.Actor, app *hecate.App, in LoginInput) (checkedLogin, error) {
	const op = "login"
	var logins []store.Login
	var err error
	if (in.Names != nil || checkText(op, "login", in.Login, 1, maxName) == nil) && len(in.Password.Reveal()) <= maxPassword {
		if logins, err = e.findLogins(ctx, app, in); err != nil {
			return checkedLogin{}, err
		}
	} else {
		in.Password, in.PIN = hecate.Secret{}, hecate.Secret{}
	}
	l, ok, rehash, err := e.verifyLogins(ctx, app, logins, in)
	if err != nil {
		return l, err
	}
	if l.User == nil {
		e.refused(actor, app.ID, op, "", "unknown user")
		return l, hecate.E(hecate.UnknownUser, op)
	}
	subject := string(hecate.SubjectUser(l.User.ID))
	mayAct := l.User.MayAct(e.now())
	if mayAct != nil && app.Settings.HideAccountExistence && !ok { // only who knows the password hears of the account
		mayAct = nil
	}
	if err := mayAct; err != nil {
		e.refused(actor, app.ID, op, subject, "disabled")
		return l, err
	}
	if !ok {
		e.refused(actor, app.ID, op, subject, "wrong password")
		return l, hecate.E(hecate.WrongPassword, op)
	}
	if rehash {
		l.rehashed, err = e.hasher.Hash(ctx, in.Password.Reveal())
	}
	return l, err
}

// verifyLogin compares the password, or the PIN where that was given.
func (e *Engine) verifyLogin(ctx context.Context, app *hecate.App, l *checkedLogin, in LoginInput) (ok, rehash bool, err error) {
	if !in.PIN.IsZero() {
		ok, err = e.verifyPIN(ctx, app, l, in)
		return ok, false, err
	}
	return e.hasher.Verify(ctx, l.Hash, in.Password.Reveal())
}

// verifyLogins finds the one whose password it is among those whom a name means, the first of them where it is nobody's. Whoever took the
// address of somebody for a username keeps nobody out so, and neither does the other. Where there is nobody it costs as much.
func (e *Engine) verifyLogins(ctx context.Context, app *hecate.App, logins []store.Login, in LoginInput) (l checkedLogin, ok, rehash bool, err error) {
	if len(logins) == 0 {
		logins = make([]store.Login, 1)
	}
	for i, login := range logins {
		one := checkedLogin{Login: login}
		ok, rehash, err = e.verifyLogin(ctx, app, &one, in)
		if i == 0 || ok {
			l = one
		}
		if ok || err != nil {
			break
		}
	}
	return l, ok, rehash, err
}

// findLogins finds those whom the input names, the first of whom it means, with the hashes of their passwords.
func (e *Engine) findLogins(ctx context.Context, app *hecate.App, in LoginInput) ([]store.Login, error) {
	if in.Names == nil {
		return e.db.Logins(ctx, app.ID, FoldLogin(in.Login))
	}
	kind, match, err := identify(&app.Settings, in.Names, "login")
	if errors.Is(err, hecate.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	l, err := e.db.LoginByIdentity(ctx, app.ID, kind, match)
	if errors.Is(err, hecate.NotFound) {
		return nil, nil
	}
	return []store.Login{l}, err
}

// newSession prepares a session of a user.
func (e *Engine) newSession(app hecate.AppID, user hecate.UserID, dialect string, token hecate.Secret) (store.Sealed[*hecate.Session], error) {
	id, err := e.newID()
	now := e.stamp()
	return store.Sealed[*hecate.Session]{
		Hash: e.lookup(token),
		Row: &hecate.Session{
			ID: hecate.SessionID(id), App: app, Principal: hecate.UserPrincipal, User: user, Dialect: dialect,
			IssuedAt: now, LastUsedAt: now,
		},
	}, err
}

// openedFor is opened for those who asked for a session; nil and no token for the others.
func (e *Engine) openedFor(app *hecate.App, u *hecate.User, dialect string, o *OpenSession) (*store.Sealed[*hecate.Session], hecate.Secret, error) {
	if o == nil {
		return nil, hecate.Secret{}, nil
	}
	s, token, err := e.opened(app, u, dialect, *o)
	return &s, token, err
}

// opened prepares a session whose token is shown once.
func (e *Engine) opened(app *hecate.App, u *hecate.User, dialect string, o OpenSession) (store.Sealed[*hecate.Session], hecate.Secret, error) {
	s, err := e.newSession(app.ID, u.ID, dialect, hecate.Secret{})
	if err != nil {
		return s, hecate.Secret{}, err
	}
	o.apply(s.Row, app.Settings.Sessions.TTL)
	token, err := e.newToken(app, u, s.Row, o.Dated)
	s.Hash = e.lookup(token)
	return s, token, err
}

// apply gives a session its end. setting is how long it lives where the caller does not say.
func (o OpenSession) apply(s *hecate.Session, setting time.Duration) {
	s.EndsOnPassword = o.EndsOnPassword
	ttl := time.Duration(o.TTL) * time.Microsecond
	if ttl <= 0 {
		ttl = setting
	}
	if ttl > 0 && !o.Forever {
		s.ExpiresAt = s.IssuedAt.Add(ttl)
	}
}

// newToken makes the token of a user's session: a signed statement where the app wants those, else random.
func (e *Engine) newToken(app *hecate.App, u *hecate.User, s *hecate.Session, dated bool) (hecate.Secret, error) {
	if app.Settings.Sessions.Signed {
		return e.signedToken(app, u, s, furtherClaims{})
	}
	return e.randomToken(s, dated)
}

// randomToken makes the token of a session: random, with its end where it is to be dated.
func (e *Engine) randomToken(s *hecate.Session, dated bool) (hecate.Secret, error) {
	if dated {
		return e.datedToken(s)
	}
	text, err := secret.Token(e.rand, openedBytes)
	return hecate.NewSecret(text), err
}

// loggedIn is the answer to somebody who has come in; u is the user as he was before.
func (e *Engine) loggedIn(ctx context.Context, app *hecate.App, u *hecate.User, token hecate.Secret) (*LoginResult, error) {
	d, err := e.detail(ctx, app.ID, u.ID)
	if err != nil {
		return nil, err
	}
	return &LoginResult{UserDetail: d, SessionToken: token, Before: u.LastLoginAt, SeenBefore: u.LastSeenAt}, nil
}

// standing prepares a user's standing session, whose token can be shown again.
func (e *Engine) standing(app hecate.AppID, user hecate.UserID, dialect string) (store.Sealed[*hecate.Session], hecate.Secret, error) {
	token, err := e.newKey(evenDigit)
	if err != nil {
		return store.Sealed[*hecate.Session]{}, token, err
	}
	s, err := e.newSession(app, user, dialect, token)
	if err != nil {
		return s, token, err
	}
	s.Row.Standing, s.Row.EndsOnPassword = true, true
	s.Sealed, err = e.seal(token, sessionContext(app, user))
	return s, token, err
}

func sessionContext(app hecate.AppID, user hecate.UserID) string {
	return "session:" + string(app) + "/" + string(user)
}

// endSessions ends sessions of a user inside a write, on every node at once. Where the standing one is among them, next takes its place.
func (e *Engine) endSessions(ctx context.Context, tx *store.DB, app hecate.AppID, user hecate.UserID, which store.Which, next *store.Sealed[*hecate.Session]) error {
	hashes, err := tx.EndSessions(ctx, app, user, which)
	if err != nil {
		return err
	}
	if next != nil {
		if which == store.SessionsByPassword { // an imported one may have been made otherwise
			more, err := tx.EndSessions(ctx, app, user, store.StandingSession)
			if err != nil {
				return err
			}
			hashes = append(hashes, more...)
		}
		if err := tx.InsertSession(ctx, *next); err != nil {
			return err
		}
	}
	for i, hash := range hashes {
		hashes[i] = string(app) + "/" + hash
	}
	if err := e.forget(ctx, tx, "sessions", hashes...); err != nil {
		return err
	}
	return e.forget(ctx, tx, "details", userCacheKey(app, user))
}

// RenewStanding ends the user's standing session and opens the next one. Kinds: Forbidden, NotFound.
func (e *Engine) RenewStanding(ctx context.Context, actor *hecate.Actor, ref UserRef) (*UserDetail, error) {
	return e.endAndRenew(ctx, actor, ref, store.StandingSession, "renew standing session")
}

// EndSessions ends every session of the user in every dialect. Kinds: Forbidden, NotFound.
func (e *Engine) EndSessions(ctx context.Context, actor *hecate.Actor, ref UserRef) error {
	_, err := e.endAndRenew(ctx, actor, ref, store.AllSessions, "end sessions")
	return err
}

func (e *Engine) endAndRenew(ctx context.Context, actor *hecate.Actor, ref UserRef, which store.Which, op string) (*UserDetail, error) {
	u, err := e.userFor(ctx, actor, ref, hecate.Update, op)
	if err != nil {
		return nil, err
	}
	if err := e.renew(ctx, actor, u.App, u.ID, which, op); err != nil {
		return nil, err
	}
	return e.detail(ctx, u.App, u.ID)
}

func (e *Engine) renew(ctx context.Context, actor *hecate.Actor, app hecate.AppID, user hecate.UserID, which store.Which, op string) error {
	next, _, err := e.standing(app, user, "")
	if err != nil {
		return err
	}
	return e.db.Write(ctx, func(tx *store.DB) error {
		if err := e.lockUser(ctx, tx, app, user, op); err != nil {
			return err
		}
		if err := e.endSessions(ctx, tx, app, user, which, &next); err != nil {
			return err
		}
		return e.record(ctx, tx, actor, app, op, string(hecate.SubjectUser(user)))
	})
}

// EndSession ends the actor's own session; a standing one is renewed. Kinds: Unauthenticated.
func (e *Engine) EndSession(ctx context.Context, actor *hecate.Actor) error {
	const op = "end session"
	if actor == nil || actor.Session == nil {
		return hecate.E(hecate.Unauthenticated, op)
	}
	s := actor.Session
	if s.Standing {
		return e.renew(ctx, actor, s.App, s.User, store.StandingSession, op)
	}
	return e.db.Write(ctx, func(tx *store.DB) error {
		hash, err := tx.EndSession(ctx, s.App, s.ID)
		if errors.Is(err, hecate.NotFound) {
			return nil // ended already
		}
		if err != nil {
			return err
		}
		if err := e.forget(ctx, tx, "sessions", string(s.App)+"/"+hash); err != nil {
			return err
		}
		return e.record(ctx, tx, actor, s.App, op, string(hecate.SubjectUser(s.User)))
	})
}

// sweepBatch bounds how long the sweeper keeps other writers waiting.
const sweepBatch = 500

// sweepSessions removes sessions and tickets that have expired, and letters that left long ago, a batch at a time.
func (e *Engine) sweepSessions(ctx context.Context) error {
	for _, sweep := range []func(*store.DB) (int64, error){
		func(tx *store.DB) (int64, error) { return tx.SweepSessions(ctx, e.now(), sweepBatch) },
		func(tx *store.DB) (int64, error) { return tx.SweepTickets(ctx, e.now(), sweepBatch) },
		func(tx *store.DB) (int64, error) { return e.sweepLetters(ctx, tx) },
	} {
		for more := true; more; {
			err := e.db.Write(ctx, func(tx *store.DB) error {
				n, err := sweep(tx)
				more = n == sweepBatch
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
