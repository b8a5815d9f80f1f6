package engine

import (
	"context"
	"errors"

	"hecate"
	"hecate/internal/secret"
	"hecate/internal/store"
)

// AuthenticateManager resolves who calls outside any app: an admin by account key or token, or the client of an
// org by token or by id and secret, who comes back with its Org and no App.
// Kinds: Unauthenticated when nothing was presented; BadKey, BadToken, Expired; those of adminMayAct for an admin; Inactive on "org"; Forbidden for the client of
// an app, which has no say here.
func (e *Engine) AuthenticateManager(ctx context.Context, p hecate.Proof) (*hecate.Actor, error) {
	const op = "authenticate"
	a := &hecate.Actor{Subjects: []hecate.Subject{hecate.Public}}
	var err error
	switch {
	case !p.Key.IsZero():
		err = e.presentAdminKey(ctx, a, e.lookup(p.Key))
	case !p.Bearer.IsZero():
		err = e.presentBearer(ctx, a, p.Bearer)
	case p.ClientID != "":
		err = e.presentOrgClient(ctx, a, p.ClientID, p.ClientSecret)
	default:
		err = hecate.E(hecate.Unauthenticated, op)
	}
	if err != nil {
		return nil, err
	}
	return a, nil
}

func (e *Engine) presentOrgClient(ctx context.Context, a *hecate.Actor, id string, given hecate.Secret) error {
	c, err := e.client(ctx, id, given, "authenticate")
	if err != nil {
		return err
	}
	if c.App != "" {
		return hecate.E(hecate.Forbidden, "authenticate")
	}
	if err := e.orgOpen(ctx, c.Org, "authenticate"); err != nil {
		return err
	}
	a.Kind, a.Org = hecate.ClientActor, c.Org
	return nil
}

// client finds a client of whatever app or org by its id and secret. Kinds: BadKey.
func (e *Engine) client(ctx context.Context, id string, given hecate.Secret, op string) (*hecate.Client, error) {
	c, err := e.clientByPublic(ctx, id, op)
	if err != nil {
		return nil, err
	}
	if !secret.Equal(c.Hash, e.keys.Lookup(given.Reveal())) {
		return nil, hecate.E(hecate.BadKey, op)
	}
	return c.Row, nil
}

func (e *Engine) clientByPublic(ctx context.Context, id, op string) (store.Sealed[*hecate.Client], error) {
	c, err := e.cache.clients.get(ctx, id, func(ctx context.Context) (store.Sealed[*hecate.Client], error) {
		c, hash, err := e.db.ClientByPublic(ctx, id)
		return store.Sealed[*hecate.Client]{Row: c, Hash: hash}, err
	})
	if errors.Is(unheldText(err), hecate.NotFound) {
		err = hecate.E(hecate.BadKey, op)
	}
	return c, err
}

// FindClient finds a client by its id alone, for pages that only name it. Within one app (in; nil: any) other apps' and
// other orgs' clients are unknown. Kinds: BadKey.
func (e *Engine) FindClient(ctx context.Context, in *hecate.App, id string) (*hecate.Client, error) {
	const op = "find client"
	c, err := e.clientByPublic(ctx, id, op)
	if err == nil && !clientBelongs(c.Row, in) {
		err = hecate.E(hecate.BadKey, op)
	}
	if err != nil {
		return nil, err
	}
	return c.Row, nil
}

// clientBelongs reports whether a client is an app's own or its org's; every client belongs to no app (nil).
func clientBelongs(c *hecate.Client, in *hecate.App) bool {
	return in == nil || c.App == in.ID || c.App == "" && c.Org == in.Org
}

// actAsClient makes a a client in its app.
func actAsClient(a *hecate.Actor, org hecate.OrgID) {
	a.Kind, a.Org = hecate.ClientActor, org
	a.Role, a.Powers = hecate.FullRole, hecate.RolePowers[hecate.FullRole]
}

// presentBearer makes a the one whose session the token opens: in a's app, or outside of apps where a has none. Kinds:
// BadToken (also for a session that has no place here), Expired, UserDisabled.
func (e *Engine) presentBearer(ctx context.Context, a *hecate.Actor, token hecate.Secret) error {
	const op = "authenticate"
	s, err := e.bearerSession(ctx, a.App, token)
	if errors.Is(err, hecate.NotFound) {
		return hecate.E(hecate.BadToken, op)
	}
	if err != nil {
		return err
	}
	if s.Expired(e.now()) {
		return hecate.E(hecate.Expired, op)
	}
	return e.actAsPrincipal(ctx, a, s)
}

// bearerSession finds a session of an app (nil: of none), else of the server; nothing is asked of the store that is known already.
// Kinds: NotFound, and those of presentedSession.
func (e *Engine) bearerSession(ctx context.Context, app *hecate.App, token hecate.Secret) (*hecate.Session, error) {
	server := "/" + e.lookup(token)
	if s, ok := e.cache.sessions.peek(server); ok {
		return s, nil
	}
	if app != nil {
		s, _, err := e.presentedSession(ctx, app.ID, token)
		if !errors.Is(err, hecate.NotFound) {
			return s, err
		}
	}
	return e.session(ctx, "", e.lookup(token))
}

// actAsPrincipal gives a what the principal of a session is. Kinds: BadToken, UserDisabled, those of adminMayAct, Inactive on "org".
func (e *Engine) actAsPrincipal(ctx context.Context, a *hecate.Actor, s *hecate.Session) error {
	foreign := hecate.E(hecate.BadToken, "authenticate")
	switch s.Principal {
	case hecate.UserPrincipal:
		if a.App == nil {
			return foreign
		}
		return e.actAsUser(ctx, a, s.User, s)
	case hecate.AdminPrincipal:
		admin, err := e.adminByID(ctx, s.Admin)
		if errors.Is(err, hecate.NotFound) {
			return foreign
		}
		if err != nil {
			return err
		}
		a.Session = s
		return e.actAsAdmin(ctx, a, admin)
	case hecate.AppPrincipal:
		if a.App == nil || s.App != a.App.ID {
			return foreign
		}
		actAsClient(a, s.Org)
	case hecate.OrgPrincipal:
		if a.App == nil {
			if err := e.orgOpen(ctx, s.Org, "authenticate"); err != nil {
				return err
			}
			a.Kind, a.Org = hecate.ClientActor, s.Org
			break
		}
		if a.App.Org != s.Org {
			return foreign
		}
		actAsClient(a, s.Org)
	}
	a.Session = s
	return nil
}

func adminIDKey(id hecate.AdminID) string { return "id:" + string(id) }

func (e *Engine) adminByID(ctx context.Context, id hecate.AdminID) (*hecate.Admin, error) {
	return e.cache.admins.get(ctx, adminIDKey(id), func(ctx context.Context) (*hecate.Admin, error) {
		a, err := e.db.Admin(ctx, id)
		if err != nil {
			return nil, err
		}
		return &a.Admin, nil
	})
}

// Opened is a session and its token, which is shown this once.
type Opened struct {
	Session *hecate.Session
	Token   hecate.Secret
	Admin   *hecate.Admin  // with AdminPrincipal
	Client  *hecate.Client // with AppPrincipal and OrgPrincipal, without its secret
	Org     *hecate.Org    // with OrgPrincipal
}

// openedAs prepares a session of an admin or a client, described by s.
func (e *Engine) openedAs(s hecate.Session, o OpenSession) (store.Sealed[*hecate.Session], hecate.Secret, error) {
	var row store.Sealed[*hecate.Session]
	id, err := e.newID()
	if err != nil {
		return row, hecate.Secret{}, err
	}
	now := e.stamp()
	s.ID, s.IssuedAt, s.LastUsedAt = hecate.SessionID(id), now, now
	o.apply(&s, 0)
	token, err := e.randomToken(&s, o.Dated)
	row.Row, row.Hash = &s, e.lookup(token)
	return row, token, err
}

// AdminLoginInput is an admin's name and password.
type AdminLoginInput struct {
	Login    string // address or username
	Password hecate.Secret
	From     string // address of the client, for the limit on failures; "": no limit
	Dialect  string
	Open     OpenSession
}

// OpenAdminSession checks an admin's password as LoginAdmin does and opens a session of his. Kinds: UnknownUser, WrongPassword,
// those of adminMayAct, TooMany.
func (e *Engine) OpenAdminSession(ctx context.Context, in AdminLoginInput) (*Opened, error) {
	done, err := e.logins.begin(loginAdmin, adminGuessKey(in.From, in.Login))
	if err != nil {
		e.refused(nil, "", loginAdmin, "", "too many failures")
		return nil, err
	}
	out, err := e.openAdminSession(ctx, in)
	done(isWrongGuess(err))
	return out, err
}

func adminGuessKey(from, login string) string {
	if from == "" {
		return ""
	}
	return "/" + from + "/" + clip(FoldLogin(login))
}

func (e *Engine) openAdminSession(ctx context.Context, in AdminLoginInput) (*Opened, error) {
	l, err := e.checkAdminLogin(ctx, in.Login, in.Password)
	if err != nil {
		return nil, err
	}
	s, token, err := e.openedAs(hecate.Session{Principal: hecate.AdminPrincipal, Admin: l.ID, Dialect: in.Dialect}, in.Open)
	if err != nil {
		return nil, err
	}
	if err := e.completeAdminLogin(ctx, l, &s); err != nil {
		return nil, err
	}
	return &Opened{Session: s.Row, Token: token, Admin: &l.Admin}, nil
}

// RenewAdminSession opens another session of the calling admin; the one he came with stays. Kinds: Unauthenticated, those of adminMayAct.
func (e *Engine) RenewAdminSession(ctx context.Context, actor *hecate.Actor, dialect string, o OpenSession) (*Opened, error) {
	const op = "renew admin session"
	own, err := e.ownAdmin(ctx, actor, op)
	if err != nil {
		return nil, err
	}
	s, token, err := e.openedAs(hecate.Session{Principal: hecate.AdminPrincipal, Admin: own.ID, Dialect: dialect}, o)
	if err != nil {
		return nil, err
	}
	err = e.db.Write(ctx, func(tx *store.DB) error {
		if err := tx.Lock(ctx, adminsLock); err != nil {
			return err
		}
		now, err := tx.Admin(ctx, own.ID)
		if err != nil {
			return missing(err, op, "admin")
		}
		if err := e.adminMayAct(&now.Admin, op); err != nil {
			return err
		}
		if err := tx.InsertSession(ctx, s); err != nil {
			return err
		}
		return e.record(ctx, tx, actor, "", op, "admin:"+string(own.ID))
	})
	if err != nil {
		return nil, err
	}
	return &Opened{Session: s.Row, Token: token, Admin: &own.Admin}, nil
}

// OpenClientSession opens a session of the client with that id, of an app or an org. Within one app (in; nil: any) other
// apps' and other orgs' clients are unknown. Kinds: BadKey, Inactive on "org".
func (e *Engine) OpenClientSession(ctx context.Context, in *hecate.App, id string, given hecate.Secret, dialect string, o OpenSession) (*Opened, error) {
	const op = "open client session"
	c, err := e.client(ctx, id, given, op)
	if err != nil {
		e.refused(nil, "", op, "", "")
		return nil, err
	}
	if !clientBelongs(c, in) {
		return nil, hecate.E(hecate.BadKey, op)
	}
	out := &Opened{Client: c}
	s := hecate.Session{App: c.App, Principal: hecate.AppPrincipal, Org: c.Org, Dialect: dialect}
	if c.App == "" {
		s.Principal = hecate.OrgPrincipal
		if out.Org, err = e.db.Org(ctx, c.Org); err != nil {
			return nil, err
		}
		if err := e.orgMayBeUsed(out.Org.Awaits, op); err != nil {
			return nil, err
		}
	} else if app, err := e.AppByID(ctx, c.App); err != nil {
		return nil, goneApp(err, op)
	} else if err := e.orgMayBeUsed(app.OrgAwaits, op); err != nil {
		return nil, err
	}
	row, token, err := e.openedAs(s, o)
	if err != nil {
		return nil, err
	}
	out.Session, out.Token = row.Row, token
	err = e.db.Write(ctx, func(tx *store.DB) error {
		if err := tx.InsertSession(ctx, row); err != nil {
			return err
		}
		return e.record(ctx, tx, nil, c.App, op, "client:"+string(c.ID))
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// goneApp says of the client of an app that is deleted that it is unknown.
func goneApp(err error, op string) error {
	if errors.Is(err, hecate.NoApp) {
		return hecate.E(hecate.BadKey, op)
	}
	return err
}

// OpenUserSession opens a session of a user for somebody who manages the app's users. Kinds: Forbidden, NotFound on "user", UserDisabled.
func (e *Engine) OpenUserSession(ctx context.Context, actor *hecate.Actor, ref UserRef, dialect string, o OpenSession) (*LoginResult, error) {
	const op = "open session for user"
	u, err := e.managedUser(ctx, actor, ref, op)
	if err != nil {
		return nil, err
	}
	s, token, err := e.opened(actor.App, u, dialect, o)
	if err != nil {
		return nil, err
	}
	err = e.db.Write(ctx, func(tx *store.DB) error {
		l, err := e.loadUser(ctx, tx, u.App, u.ID, op)
		if err != nil {
			return err
		}
		if err := l.User.MayAct(e.now()); err != nil {
			return err
		}
		if err := tx.InsertSession(ctx, s); err != nil {
			return err
		}
		return e.record(ctx, tx, actor, u.App, op, string(hecate.SubjectUser(u.ID)))
	})
	if err != nil {
		return nil, err
	}
	return e.loggedIn(ctx, actor.App, u, token)
}

// EndUserSessions ends every session of a user in every dialect: for himself, for who manages the app's users, and for
// whom the role policy allows it by name, on the user's path or the one by which he comes. Kinds: Forbidden, NotFound on "user".
func (e *Engine) EndUserSessions(ctx context.Context, actor *hecate.Actor, ref UserRef) error {
	const op = "end sessions"
	app, err := inApp(actor, op)
	if err != nil {
		return err
	}
	u, err := e.findUser(ctx, app.ID, ref, op)
	if err != nil {
		return err
	}
	s := hecate.Scope{Area: hecate.AreaUsers, User: u.ID, Path: "/users/" + string(u.ID)}
	if err := e.allow(actor, hecate.Policy{}, hecate.Update, s, op); err != nil {
		return err
	}
	return e.renew(ctx, actor, app.ID, u.ID, store.AllSessions, op)
}

// EndTokenOf ends the session of a user that a token opens; a standing one is renewed. Whoever presents the token could act
// as that user, so nothing else is asked of him. A token that does not count any more is ended already. Kinds: NotFound
// on "user", where the app does not hide who exists; Forbidden for the token of somebody else.
func (e *Engine) EndTokenOf(ctx context.Context, actor *hecate.Actor, ref UserRef, token hecate.Secret) error {
	const op = "end session"
	app, err := inApp(actor, op)
	if err != nil {
		return err
	}
	u, err := e.findUser(ctx, app.ID, ref, op)
	if errors.Is(err, hecate.NotFound) && HidesUsers(actor) {
		u, err = &hecate.User{App: app.ID}, nil // no token is his
	}
	if err != nil {
		return err
	}
	s, further, err := e.presentedSession(ctx, app.ID, token)
	switch hecate.KindOf(err) {
	case hecate.NotFound, hecate.BadToken, hecate.Expired:
		return nil
	}
	if err != nil {
		return err
	}
	if s.Principal != hecate.UserPrincipal || s.User != u.ID {
		e.refused(actor, app.ID, op, string(hecate.SubjectUser(u.ID)), "token of another")
		return hecate.E(hecate.Forbidden, op).On("token")
	}
	return e.endPresented(ctx, &hecate.Actor{Kind: hecate.UserActor, App: app, User: u, Session: s}, further)
}

// mayEndAdmin is the door to an admin's sessions: himself and the operator. Kinds: Forbidden.
func (e *Engine) mayEndAdmin(actor *hecate.Actor, id hecate.AdminID, op string) error {
	if actor != nil && (actor.Kind == hecate.SystemActor || actor.Admin != nil && actor.Admin.ID == id) {
		return nil
	}
	e.refused(actor, "", op, "admin:"+string(id), "")
	return hecate.E(hecate.Forbidden, op)
}

// EndAdminSessions ends every session of an admin, for himself and the operator. Kinds: Forbidden.
func (e *Engine) EndAdminSessions(ctx context.Context, actor *hecate.Actor, id hecate.AdminID) error {
	const op = "end admin sessions"
	if err := e.mayEndAdmin(actor, id, op); err != nil {
		return err
	}
	return e.db.Write(ctx, func(tx *store.DB) error {
		if err := tx.Lock(ctx, adminsLock); err != nil {
			return err
		}
		if err := e.endAdminSessions(ctx, tx, id, true); err != nil {
			return err
		}
		return e.record(ctx, tx, actor, "", op, "admin:"+string(id))
	})
}

// endAdminSessions ends an admin's sessions: all of them, or those that end with his password.
func (e *Engine) endAdminSessions(ctx context.Context, tx *store.DB, id hecate.AdminID, all bool) error {
	ended, err := tx.EndAdminSessions(ctx, id, all)
	if err != nil {
		return err
	}
	for i, hash := range ended {
		ended[i] = "/" + hash
	}
	return e.forget(ctx, tx, "sessions", ended...)
}

// EndAdminToken ends the session of an admin that a token opens, for himself and the operator. A token that does not
// count any more is ended already. Kinds: Forbidden, also for the token of somebody else.
func (e *Engine) EndAdminToken(ctx context.Context, actor *hecate.Actor, id hecate.AdminID, token hecate.Secret) error {
	const op = "end admin session"
	if err := e.mayEndAdmin(actor, id, op); err != nil {
		return err
	}
	hash := e.lookup(token)
	s, err := e.db.SessionByHash(ctx, "", hash)
	if errors.Is(err, hecate.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if s.Principal != hecate.AdminPrincipal || s.Admin != id {
		e.refused(actor, "", op, "admin:"+string(id), "token of another")
		return hecate.E(hecate.Forbidden, op).On("token")
	}
	return e.db.Write(ctx, func(tx *store.DB) error {
		if _, err := tx.EndSessionByHash(ctx, "", hash); err != nil {
			return err
		}
		if err := e.forget(ctx, tx, "sessions", "/"+hash); err != nil {
			return err
		}
		return e.record(ctx, tx, actor, "", op, "admin:"+string(id))
	})
}
