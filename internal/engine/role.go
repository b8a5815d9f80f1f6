package engine

import (
	"context"
	"slices"
	"time"

	"hecate"
	"hecate/internal/store"
)

// AdminRoleName is the third built-in role: a name without grants, for apps to use.
const AdminRoleName = "admin"

// verbs of the grants that roles begin with.
const (
	mayGet    = hecate.List | hecate.Read
	mayPost   = hecate.Create
	mayPut    = hecate.Update
	mayDelete = hecate.Delete
	mayAll    = mayGet | mayPost | mayPut | mayDelete
)

// builtInRoles are made with every app (contracts/usergrid.md 6.4).
var builtInRoles = []struct{ name, title string }{
	{GuestRole, "Guest"}, {DefaultRole, "Default"}, {AdminRoleName, "Administrator"},
}

// builtInGrants is the policy every app begins with.
var builtInGrants = []struct {
	role, source, path string
	permissions        hecate.Permissions
	sandbox            bool // only in an app declared so
}{
	{role: DefaultRole, source: "get,put,post,delete:/**", path: "/**", permissions: mayAll},
	{role: GuestRole, source: "post:/users", path: "/users", permissions: mayPost},
	{role: GuestRole, source: "post:/devices", path: "/devices", permissions: mayPost},
	{role: GuestRole, source: "put:/devices/*", path: "/devices/*", permissions: mayPut},
	{role: GuestRole, source: "get,post,put,delete:/**", path: "/**", permissions: mayAll, sandbox: true},
}

// createRoles gives a new app its roles and policy.
func (e *Engine) createRoles(ctx context.Context, tx *store.DB, app *hecate.App) error {
	for _, r := range builtInRoles {
		role, err := e.newRole(app.ID, r.name)
		if err != nil {
			return err
		}
		role.Title = r.title
		if _, err := tx.InsertRole(ctx, role); err != nil {
			return err
		}
	}
	for _, g := range builtInGrants {
		if g.sandbox && !app.Settings.Sandbox {
			continue
		}
		grant := hecate.Grant{Subject: hecate.SubjectRole(g.role), Permissions: g.permissions, Path: g.path}
		if _, err := tx.InsertPolicy(ctx, app.ID, g.source, grant); err != nil {
			return err
		}
	}
	return nil
}

// setSandbox adds or removes what guests may do in an app declared a sandbox.
func (e *Engine) setSandbox(ctx context.Context, tx *store.DB, app hecate.AppID, on bool) error {
	for _, g := range builtInGrants {
		if !g.sandbox {
			continue
		}
		grant := hecate.Grant{Subject: hecate.SubjectRole(g.role), Permissions: g.permissions, Path: g.path}
		var err error
		if on {
			_, err = tx.InsertPolicy(ctx, app, g.source, grant)
		} else {
			_, err = tx.DeletePolicy(ctx, app, grant.Subject, g.source)
		}
		if err != nil {
			return err
		}
	}
	return e.forget(ctx, tx, "policies", string(app))
}

func (e *Engine) newRole(app hecate.AppID, name string) (hecate.Role, error) {
	id, err := e.newID()
	now := e.stamp()
	return hecate.Role{ID: hecate.RoleID(id), App: app, Name: name, Title: name, CreatedAt: now, UpdatedAt: now}, err
}

// Roles lists the app's roles by name. Kinds: Forbidden.
func (e *Engine) Roles(ctx context.Context, actor *hecate.Actor) ([]hecate.Role, error) {
	const op = "list roles"
	app, err := inApp(actor, op)
	if err != nil {
		return nil, err
	}
	if err := e.allowArea(actor, hecate.List, hecate.AreaRoles, op); err != nil {
		return nil, err
	}
	return e.db.Roles(ctx, app.ID)
}

// UserRoles returns the names of the roles given to a user himself, sorted. A signed-in user may ask for himself. Kinds: Forbidden, NotFound on "user".
func (e *Engine) UserRoles(ctx context.Context, actor *hecate.Actor, user UserRef) ([]string, error) {
	const op = "roles of user"
	app, err := inApp(actor, op)
	if err != nil {
		return nil, err
	}
	u, err := e.findUser(ctx, app.ID, user, op)
	if err == nil && u.ID == actor.UserID() {
		return e.rolesGiven(ctx, app.ID, u.ID)
	}
	if err := e.allowArea(actor, hecate.Read, hecate.AreaRoles, op); err != nil {
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	return e.rolesGiven(ctx, app.ID, u.ID)
}

func (e *Engine) rolesGiven(ctx context.Context, app hecate.AppID, id hecate.UserID) ([]string, error) {
	given, err := e.db.RolesOf(ctx, app, hecate.SubjectUser(id))
	out := make([]string, len(given))
	for i, r := range given {
		out[i] = r.Name
	}
	return out, err
}

// RoleInput changes what is not nil of a role.
type RoleInput struct {
	Title      *string
	Default    *bool          // given to new users
	Admin      *bool          // its holders manage users and roles
	Inactivity *time.Duration // sessions idle for longer do not hold it
}

// DeclareRole makes a role, or changes the one of that name. Kinds: Forbidden, Invalid on "name".
func (e *Engine) DeclareRole(ctx context.Context, actor *hecate.Actor, name string, in RoleInput) (hecate.Role, error) {
	const op = "declare role"
	var role hecate.Role
	app, err := e.rolesFor(actor, []string{name}, op)
	if err != nil {
		return role, err
	}
	err = e.db.Write(ctx, func(tx *store.DB) error {
		ids, err := e.roleIDs(ctx, tx, app.ID, []string{name}, true)
		if err != nil {
			return err
		}
		if role, err = tx.Role(ctx, app.ID, ids[0]); err != nil {
			return err
		}
		set(&role.Title, in.Title)
		set(&role.Default, in.Default)
		set(&role.Admin, in.Admin)
		set(&role.Inactivity, in.Inactivity)
		role.UpdatedAt = e.stamp()
		if err := tx.UpdateRole(ctx, role); err != nil {
			return err
		}
		if err := e.forgetAll(ctx, tx, "users"); err != nil { // of its holders, who may be many
			return err
		}
		return e.record(ctx, tx, actor, app.ID, op, string(hecate.SubjectRole(name)))
	})
	return role, err
}

// set stores *v in place when there is one.
func set[T any](place *T, v *T) {
	if v != nil {
		*place = *v
	}
}

// AssignRole gives roles to a user; unknown roles are made, roles held already are left alone. Kinds: Forbidden,
// NotFound on "user", Invalid on "role".
func (e *Engine) AssignRole(ctx context.Context, actor *hecate.Actor, user UserRef, roles []string) error {
	return e.changeRoles(ctx, actor, user, roles, "assign role", true)
}

// RevokeRole takes roles from a user; those it does not hold are left alone. Kinds: Forbidden, NotFound on "user".
func (e *Engine) RevokeRole(ctx context.Context, actor *hecate.Actor, user UserRef, roles []string) error {
	return e.changeRoles(ctx, actor, user, roles, "revoke role", false)
}

func (e *Engine) changeRoles(ctx context.Context, actor *hecate.Actor, user UserRef, roles []string, op string, give bool) error {
	app, err := e.rolesFor(actor, roles, op)
	if err != nil {
		return err
	}
	u, err := e.findUser(ctx, app.ID, user, op)
	if err != nil || len(roles) == 0 {
		return err
	}
	subject := hecate.SubjectUser(u.ID)
	return e.db.Write(ctx, func(tx *store.DB) error {
		if err := e.lockUser(ctx, tx, app.ID, u.ID, op); err != nil {
			return err
		}
		ids, err := e.roleIDs(ctx, tx, app.ID, roles, give)
		if err != nil {
			return err
		}
		for _, id := range ids { // a request names few
			if give {
				_, err = tx.HoldRole(ctx, app.ID, id, subject)
			} else {
				_, err = tx.LeaveRole(ctx, app.ID, id, subject)
			}
			if err != nil {
				return err
			}
		}
		if err := e.forgetUser(ctx, tx, app.ID, u.ID); err != nil {
			return err
		}
		return e.record(ctx, tx, actor, app.ID, op, string(subject))
	})
}

// maxRoles bounds how many roles one request may name.
const maxRoles = 64

// rolesFor asks the door to change roles, and checks their names.
func (e *Engine) rolesFor(actor *hecate.Actor, roles []string, op string) (*hecate.App, error) {
	app, err := inApp(actor, op)
	if err != nil {
		return nil, err
	}
	if err := e.allowArea(actor, hecate.Update, hecate.AreaRoles, op); err != nil {
		return nil, err
	}
	if len(roles) > maxRoles {
		return nil, hecate.E(hecate.TooLarge, op).On("role").With("limit", maxRoles)
	}
	for _, name := range roles {
		if err := checkText(op, "role", name, 1, maxName); err != nil {
			return nil, err
		}
	}
	return app, nil
}

// roleIDs finds roles by name, and makes those that are missing when asked to; else they are left out.
func (e *Engine) roleIDs(ctx context.Context, tx *store.DB, app hecate.AppID, names []string, create bool) ([]hecate.RoleID, error) {
	if err := tx.Lock(ctx, "roles/"+string(app)); err != nil {
		return nil, err
	}
	all, err := tx.Roles(ctx, app)
	if err != nil {
		return nil, err
	}
	var ids []hecate.RoleID
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		at := slices.IndexFunc(all, func(r hecate.Role) bool { return r.Name == name })
		if at >= 0 {
			ids = append(ids, all[at].ID)
			continue
		}
		if !create {
			continue
		}
		role, err := e.newRole(app, name)
		if err != nil {
			return nil, err
		}
		if free, err := tx.InsertRole(ctx, role); err != nil || !free {
			return nil, taken(err, "create role", "role")
		}
		ids = append(ids, role.ID)
	}
	return ids, nil
}
