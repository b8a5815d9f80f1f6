package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"hecate"
)

// usualSubjects is how many an actor has room for at once: public, a key, anyone, the user and a few groups or roles.
const usualSubjects = 8

// Authenticate resolves who calls into an app. A key may be an API key of the app or an admin's account
// key; a token counts beside an API key or alone, never beside an admin's key, which speaks for itself.
// An admin without a role in the app comes back with NoRole and no powers. A bearer token may be of any principal: a
// user or the client of the app, the client of its org, an admin.
//
// Kinds: BadKey for a key or client unknown in this app; Inactive on "org" for an app whose org may not be used yet; those of
// adminMayAct for an admin; BadToken, Expired and UserDisabled for a token that does
// not count, UnknownUser and UserDisabled for a user whom a master key cannot act as: then the Actor returned is the one without the token, for dialects that go on.
func (e *Engine) Authenticate(ctx context.Context, app *hecate.App, p hecate.Proof) (*hecate.Actor, error) {
	a := &hecate.Actor{App: app, Subjects: append(make([]hecate.Subject, 0, usualSubjects), hecate.Public)}
	if !p.Key.IsZero() {
		if err := e.presentKey(ctx, a, p.Key); err != nil {
			return nil, err
		}
	}
	if p.ClientID != "" {
		if err := e.presentClient(ctx, a, p.ClientID, p.ClientSecret); err != nil {
			return nil, err
		}
	}
	if err := e.orgMayBeUsed(app.OrgAwaits, "authenticate"); err != nil {
		return nil, err
	}
	var tokenErr error
	switch {
	case !p.Token.IsZero() && a.Admin == nil:
		tokenErr = e.presentToken(ctx, a, p.Token)
	case !p.Bearer.IsZero() && a.Admin == nil:
		tokenErr = e.presentBearer(ctx, a, p.Bearer)
	case p.Token.IsZero() && p.User != "" && a.Key != nil && a.Key.Flags.Has(hecate.Master):
		tokenErr = e.presentUser(ctx, a, p.User)
	}
	if a.Key == nil && a.Kind == hecate.Guest {
		a.Powers[hecate.AreaApp] |= hecate.Login // an app that is named by its address needs no key to come in
	}
	if err := e.addPolicy(ctx, a); err != nil {
		return nil, err
	}
	return a, tokenErr
}

// presentKey makes a the holder of an API key of its app, or the admin whose key it is.
func (e *Engine) presentKey(ctx context.Context, a *hecate.Actor, key hecate.Secret) error {
	hash := e.lookup(key)
	if admin, ok := e.cache.admins.peek(hash); ok { // no query for the API key that it is not
		return e.actAsAdmin(ctx, a, admin)
	}
	k, err := e.cache.keys.get(ctx, hash, func(ctx context.Context) (*hecate.APIKey, error) {
		return e.db.KeyByHash(ctx, hash)
	})
	switch {
	case err == nil && k.App == a.App.ID:
		a.Key, a.Powers = k, k.Flags.Powers()
		a.Subjects = append(a.Subjects, hecate.SubjectKey(k.ID))
		if k.Flags.Has(hecate.ReadsAsAnyone) {
			a.Subjects = append(a.Subjects, hecate.Anyone)
		}
		return nil
	case err == nil:
		return hecate.E(hecate.BadKey, "authenticate")
	case !errors.Is(err, hecate.NotFound):
		return err
	}
	return e.presentAdminKey(ctx, a, hash)
}

func (e *Engine) presentAdminKey(ctx context.Context, a *hecate.Actor, hash string) error {
	admin, err := e.adminByKey(ctx, hash)
	if errors.Is(err, hecate.NotFound) {
		return hecate.E(hecate.BadKey, "authenticate")
	}
	if err != nil {
		return err
	}
	return e.actAsAdmin(ctx, a, admin)
}

func (e *Engine) adminByKey(ctx context.Context, hash string) (*hecate.Admin, error) {
	return e.cache.admins.get(ctx, hash, func(ctx context.Context) (*hecate.Admin, error) {
		return e.db.AdminByKeyHash(ctx, hash)
	})
}

// actAsAdmin gives a the powers of the admin's role in its app. Kinds: those of adminMayAct.
func (e *Engine) actAsAdmin(ctx context.Context, a *hecate.Actor, admin *hecate.Admin) error {
	if err := e.adminMayAct(admin, "authenticate"); err != nil {
		return err
	}
	a.Kind, a.Admin = hecate.AdminActor, admin
	if a.App == nil {
		return nil
	}
	key := string(a.App.ID) + "/" + string(admin.ID)
	role, err := e.cache.roles.get(ctx, key, func(ctx context.Context) (hecate.AdminRole, error) {
		return e.db.AdminRole(ctx, a.App.ID, a.App.Org, admin.ID)
	})
	if err != nil {
		return err
	}
	a.Role, a.Powers = role, hecate.RolePowers[role]
	return nil
}

// presentClient makes a the app's or its org's own client.
func (e *Engine) presentClient(ctx context.Context, a *hecate.Actor, id string, given hecate.Secret) error {
	c, err := e.client(ctx, id, given, "authenticate")
	if err != nil {
		return err
	}
	if !clientBelongs(c, a.App) {
		return hecate.E(hecate.BadKey, "authenticate")
	}
	actAsClient(a, c.Org)
	return nil
}

// presentToken makes a the one whose session the token opens.
func (e *Engine) presentToken(ctx context.Context, a *hecate.Actor, token hecate.Secret) error {
	s, _, err := e.presentedSession(ctx, a.App.ID, token)
	if errors.Is(err, hecate.NotFound) || err == nil && s.Principal != hecate.UserPrincipal {
		return hecate.E(hecate.BadToken, "authenticate")
	}
	if err != nil {
		return err
	}
	if s.Expired(e.now()) {
		return hecate.E(hecate.Expired, "authenticate")
	}
	return e.actAsUser(ctx, a, s.User, s)
}

// presentUser makes a the user of that key, for whoever holds the master key; its powers stay.
func (e *Engine) presentUser(ctx context.Context, a *hecate.Actor, key string) error {
	const op = "authenticate"
	u, err := e.findUser(ctx, a.App.ID, UserRef{Key: key}, op)
	if errors.Is(err, hecate.NotFound) {
		return hecate.E(hecate.UnknownUser, op).On("user")
	}
	if err != nil {
		return err
	}
	powers := a.Powers
	if err := e.actAsUser(ctx, a, u.ID, nil); err != nil {
		return err
	}
	a.Powers = powers
	return nil
}

func (e *Engine) session(ctx context.Context, app hecate.AppID, hash string) (*hecate.Session, error) {
	return e.cache.sessions.get(ctx, string(app)+"/"+hash, func(ctx context.Context) (*hecate.Session, error) {
		return e.db.SessionByHash(ctx, app, hash)
	})
}

// actAsUser gives a everything that the user is: groups, roles, and the subjects they make.
func (e *Engine) actAsUser(ctx context.Context, a *hecate.Actor, id hecate.UserID, s *hecate.Session) error {
	m, err := e.member(ctx, a.App.ID, id)
	if errors.Is(err, hecate.NotFound) {
		return hecate.E(hecate.BadToken, "authenticate")
	}
	if err != nil {
		return err
	}
	if err := m.user.MayAct(e.now()); err != nil {
		return err
	}
	a.Kind, a.User, a.Session = hecate.UserActor, m.user, s
	idle, err := e.useSession(ctx, a.App.ID, s)
	if err != nil {
		return err
	}
	a.Subjects = append(a.Subjects, m.subjects...)
	a.Policy = append(a.Policy, m.grants...)
	for i, r := range m.roles {
		if r.Inactivity > 0 && idle > r.Inactivity {
			continue
		}
		a.Subjects = append(a.Subjects, m.holds[i])
		if r.Admin {
			a.Powers[hecate.AreaUsers] |= hecate.AllPermissions
			a.Powers[hecate.AreaRoles] |= hecate.AllPermissions
		}
	}
	return nil
}

func (e *Engine) member(ctx context.Context, app hecate.AppID, id hecate.UserID) (*member, error) {
	return e.cache.users.get(ctx, string(app)+"/"+string(id), func(ctx context.Context) (*member, error) {
		u, err := e.db.User(ctx, app, id)
		if err != nil {
			return nil, err
		}
		groups, roles, err := e.db.Memberships(ctx, app, id)
		if err != nil {
			return nil, err
		}
		m := &member{user: u, roles: roles, subjects: []hecate.Subject{hecate.Anyone, hecate.SubjectUser(id)}}
		if m.grants, err = e.db.PolicyFor(ctx, app, hecate.SubjectUser(id)); err != nil {
			return nil, err
		}
		for _, g := range groups {
			m.subjects = append(m.subjects, hecate.SubjectGroup(g))
		}
		for _, r := range roles {
			m.holds = append(m.holds, hecate.SubjectRole(r.Name))
		}
		return m, nil
	})
}

// The roles whose grants in the policy hold without being given to anybody.
const (
	GuestRole   = "guest"   // everybody who is not signed in
	DefaultRole = "default" // every signed-in user
)

// rolePolicy is what an app's roles give, and what sessions must not lie idle for.
type rolePolicy struct {
	grants map[hecate.Subject][]hecate.Grant // of all but single users, who have theirs with them, and of groups, see addPolicy
	idle   time.Duration                     // the shortest time after which some role is lost; 0: none ever is
	since  time.Time                         // since when there is such a role
}

func (e *Engine) rolePolicy(ctx context.Context, app hecate.AppID) (*rolePolicy, error) {
	return e.cache.policies.get(ctx, string(app), func(ctx context.Context) (*rolePolicy, error) {
		p := &rolePolicy{}
		var err error
		if p.grants, err = e.db.Policy(ctx, app); err != nil {
			return nil, err
		}
		roles, err := e.db.Roles(ctx, app)
		for _, r := range roles {
			if r.Inactivity <= 0 {
				continue
			}
			if p.idle == 0 || r.UpdatedAt.Before(p.since) {
				p.since = r.UpdatedAt
			}
			if p.idle == 0 || r.Inactivity < p.idle {
				p.idle = r.Inactivity
			}
		}
		return p, err
	})
}

// addPolicy collects the app's role policy as far as it concerns the actor. Grants to a group itself are kept and never
// applied; the roles that it holds are (contracts/usergrid.md 8.2).
func (e *Engine) addPolicy(ctx context.Context, a *hecate.Actor) error {
	p, err := e.rolePolicy(ctx, a.App.ID)
	if err != nil || len(p.grants) == 0 {
		return err
	}
	all := p.grants
	builtIn := hecate.SubjectRole(GuestRole)
	if a.User != nil {
		builtIn = hecate.SubjectRole(DefaultRole)
	}
	a.Policy = append(a.Policy, all[builtIn]...)
	a.Sandbox = a.App.Settings.Sandbox && slices.ContainsFunc(all[hecate.SubjectRole(GuestRole)], func(g hecate.Grant) bool {
		return g.Path == "/**" && g.Permissions.Has(mayAll)
	})
	for _, s := range a.Subjects {
		if s != builtIn {
			a.Policy = append(a.Policy, all[s]...)
		}
	}
	return nil
}
