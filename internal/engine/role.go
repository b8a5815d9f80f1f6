package engine

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"

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

// RoleRef names a role: the first non-zero of ID, Name. Name is compared without case where no role has exactly that one.
type RoleRef struct {
	ID   hecate.RoleID
	Name string
}

// findRole resolves a reference. Kinds: NotFound on "role".
func (e *Engine) findRole(ctx context.Context, db *store.DB, app hecate.AppID, ref RoleRef, op string) (hecate.Role, error) {
	unknown := hecate.E(hecate.NotFound, op).On("role")
	if ref.ID != "" {
		r, err := db.Role(ctx, app, ref.ID)
		return r, missing(unheldText(err), op, "role")
	}
	if ref.Name == "" || badText(ref.Name) != "" {
		return hecate.Role{}, unknown
	}
	r, err := db.RoleByName(ctx, app, ref.Name)
	if err == nil || !errors.Is(err, hecate.NotFound) {
		return r, err
	}
	all, err := db.Roles(ctx, app) // an app has few
	if err != nil {
		return r, err
	}
	at := slices.IndexFunc(all, func(r hecate.Role) bool { return strings.EqualFold(r.Name, ref.Name) })
	if at < 0 {
		return r, unknown
	}
	return all[at], nil
}

// Role returns one role. Kinds: Forbidden, NotFound on "role".
func (e *Engine) Role(ctx context.Context, actor *hecate.Actor, ref RoleRef) (hecate.Role, error) {
	const op = "role"
	app, err := inApp(actor, op)
	if err != nil {
		return hecate.Role{}, err
	}
	if err := e.allowArea(actor, hecate.Read, hecate.AreaRoles, op); err != nil {
		return hecate.Role{}, err
	}
	return e.findRole(ctx, e.db, app.ID, ref, op)
}

// LookupRole finds a role whoever asks. Kinds: NotFound on "role".
func (e *Engine) LookupRole(ctx context.Context, app hecate.AppID, ref RoleRef) (hecate.Role, error) {
	return e.findRole(ctx, e.db, app, ref, "role")
}

// maxRolesPerApp bounds the roles that CreateRole makes in an app.
const maxRolesPerApp = 1000

// RoleChange describes a role. What is nil stays as it is, or as a new role has it.
type RoleChange struct {
	Title      *string
	Inactivity *time.Duration // sessions idle for longer do not hold it; 0: all do
	Properties map[string]any // merged by name into what is there; nil values remove
}

func (in *RoleChange) apply(op string, r *hecate.Role) error {
	if in.Title != nil {
		if err := checkText(op, "title", *in.Title, 0, maxName); err != nil {
			return err
		}
	}
	if in.Inactivity != nil && (*in.Inactivity < 0 || *in.Inactivity > maxInactivity) {
		return hecate.E(hecate.Invalid, op).On("inactivity").With("max", maxInactivity)
	}
	set(&r.Title, in.Title)
	set(&r.Inactivity, in.Inactivity)
	var err error
	r.Properties, err = mergeProperties(op, r.Properties, in.Properties)
	return err
}

// maxInactivity keeps what is stored within range.
const maxInactivity = 100 * 365 * 24 * time.Hour

// maxPropertiesDepth bounds the nesting of a group's or role's properties.
const maxPropertiesDepth = 16

// mergeProperties puts properties over those that are there; nil removes one. Kinds: Invalid and TooLarge on "properties".
func mergeProperties(op string, have, more map[string]any) (map[string]any, error) {
	if len(more) == 0 {
		return have, nil
	}
	next := make(map[string]any, len(have)+len(more))
	for name, v := range have {
		next[name] = v
	}
	for name, v := range more {
		if name == "" || len(name) > maxFieldName {
			return nil, hecate.E(hecate.Invalid, op).On("properties").Says("unusable name")
		}
		if v == nil {
			delete(next, name)
			continue
		}
		next[name] = v
	}
	return next, checkOwn(op, next)
}

// checkOwn checks the properties of a group or role. Kinds: Invalid and TooLarge on "properties".
func checkOwn(op string, properties map[string]any) error {
	switch _, problem := checkMembers(properties, maxPropertiesDepth); {
	case problem == tooDeep:
		return hecate.E(hecate.TooLarge, op).On("properties").Says(problem)
	case problem != "":
		return hecate.E(hecate.Invalid, op).On("properties").Says(problem)
	}
	return checkProperties(op, properties)
}

// CreateRole makes a role. Names that differ in case alone are the same here. Kinds: Forbidden, Invalid on "name", "title",
// "inactivity" or "properties", TooLarge (also on "roles" with Info "limit"), Exists on "name".
func (e *Engine) CreateRole(ctx context.Context, actor *hecate.Actor, name string, in RoleChange) (hecate.Role, error) {
	const op = "create role"
	var role hecate.Role
	app, err := inApp(actor, op)
	if err != nil {
		return role, err
	}
	if err := e.allowArea(actor, hecate.Create, hecate.AreaRoles, op); err != nil {
		return role, err
	}
	if err := checkRoleName(op, name); err != nil {
		return role, err
	}
	err = e.db.Write(ctx, func(tx *store.DB) error {
		var err error
		if role, err = e.newRole(app.ID, name); err != nil {
			return err
		}
		if err := in.apply(op, &role); err != nil {
			return err
		}
		if err := tx.Lock(ctx, "roles/"+string(app.ID)); err != nil {
			return err
		}
		all, err := tx.Roles(ctx, app.ID)
		switch {
		case err != nil:
			return err
		case slices.ContainsFunc(all, func(r hecate.Role) bool { return strings.EqualFold(r.Name, name) }):
			return hecate.E(hecate.Exists, op).On("name")
		case len(all) >= maxRolesPerApp:
			return hecate.E(hecate.TooLarge, op).On("roles").With("limit", maxRolesPerApp)
		}
		if free, err := tx.InsertRole(ctx, role); err != nil || !free {
			return taken(err, op, "name")
		}
		return e.changedRole(ctx, tx, actor, role, op)
	})
	return role, err
}

// checkRoleName refuses names that cannot stand in paths and grants. Kinds: Invalid and TooLarge on "name".
func checkRoleName(op, name string) error {
	if err := checkText(op, "name", name, 1, maxName); err != nil {
		return err
	}
	if strings.ContainsFunc(name, unicode.IsControl) || strings.TrimSpace(name) != name {
		return hecate.E(hecate.Invalid, op).On("name").Says("unusable name")
	}
	return nil
}

// changedRole drops what is cached of a role: its grants, and what its holders are.
func (e *Engine) changedRole(ctx context.Context, tx *store.DB, actor *hecate.Actor, r hecate.Role, op string) error {
	if err := e.forget(ctx, tx, "policies", string(r.App)); err != nil {
		return err
	}
	return e.record(ctx, tx, actor, r.App, op, string(hecate.SubjectRole(r.Name)))
}

// changeRole runs fn inside one write on a role that the actor may change.
func (e *Engine) changeRole(ctx context.Context, actor *hecate.Actor, ref RoleRef, want hecate.Permissions, op string,
	fn func(tx *store.DB, r *hecate.Role) error) (hecate.Role, error) {
	var role hecate.Role
	app, err := inApp(actor, op)
	if err != nil {
		return role, err
	}
	if err := e.allowArea(actor, want, hecate.AreaRoles, op); err != nil {
		return role, err
	}
	err = e.db.Write(ctx, func(tx *store.DB) error {
		if err := tx.Lock(ctx, "roles/"+string(app.ID)); err != nil {
			return err
		}
		var err error
		if role, err = e.findRole(ctx, tx, app.ID, ref, op); err != nil {
			return err
		}
		if err := fn(tx, &role); err != nil {
			return err
		}
		if err := e.forgetAll(ctx, tx, "users"); err != nil { // of its holders, who may be many
			return err
		}
		return e.changedRole(ctx, tx, actor, role, op)
	})
	return role, err
}

// UpdateRole changes a role; its name stays. Kinds: Forbidden, NotFound on "role", and those of CreateRole.
func (e *Engine) UpdateRole(ctx context.Context, actor *hecate.Actor, ref RoleRef, in RoleChange) (hecate.Role, error) {
	const op = "update role"
	return e.changeRole(ctx, actor, ref, hecate.Update, op, func(tx *store.DB, r *hecate.Role) error {
		if err := in.apply(op, r); err != nil {
			return err
		}
		r.UpdatedAt = e.stamp()
		return tx.UpdateRole(ctx, *r)
	})
}

// DeleteRole deletes a role with its grants and takes it from all who hold it; the grants of things that name it go
// too. Kinds: Forbidden, NotFound on "role".
func (e *Engine) DeleteRole(ctx context.Context, actor *hecate.Actor, ref RoleRef) (hecate.Role, error) {
	const op = "delete role"
	return e.changeRole(ctx, actor, ref, hecate.Delete, op, func(tx *store.DB, r *hecate.Role) error {
		subject := hecate.SubjectRole(r.Name)
		if err := e.dropFromCollections(ctx, tx, r.App, subject); err != nil {
			return err
		}
		if err := e.dropSubject(ctx, tx, r.App, subject); err != nil {
			return err
		}
		return tx.DeleteRole(ctx, *r)
	})
}

// RoleUsers lists the users to whom a role was given themselves. Kinds: Forbidden, NotFound on "role".
func (e *Engine) RoleUsers(ctx context.Context, actor *hecate.Actor, ref RoleRef, in List) (hecate.Page[*hecate.User], error) {
	r, err := e.Role(ctx, actor, ref)
	if err != nil {
		return hecate.Page[*hecate.User]{}, err
	}
	return e.db.RoleUsers(ctx, r.App, r.ID, in.bounded())
}

// RoleGroups lists the groups to which a role was given. Kinds: Forbidden, NotFound on "role".
func (e *Engine) RoleGroups(ctx context.Context, actor *hecate.Actor, ref RoleRef, in List) (hecate.Page[*hecate.Group], error) {
	r, err := e.Role(ctx, actor, ref)
	if err != nil {
		return hecate.Page[*hecate.Group]{}, err
	}
	return e.db.RoleGroups(ctx, r.App, r.ID, in.bounded())
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
		return e.changedRole(ctx, tx, actor, role, op)
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
