package engine

import (
	"context"
	"slices"

	"hecate"
	"hecate/internal/store"
)

// FirstAdminRole is an admin role from the moment it is first made here, unless the app has said before which roles are.
const FirstAdminRole = "Admin"

const (
	maxRoleUsers = 1000 // whom one request may name
	forgetOnes   = 16   // more cached users than that are forgotten together
)

// SetDefaultRoles says which roles later sign-ups get, instead of those before; unknown ones are made. Kinds: Forbidden, Invalid
// and TooLarge on "role".
func (e *Engine) SetDefaultRoles(ctx context.Context, actor *hecate.Actor, roles []string) error {
	return e.setRoles(ctx, actor, roles, "set default roles", func(tx *store.DB, app hecate.AppID) error {
		return tx.SetDefaultRoles(ctx, app, roles)
	})
}

// SetAdminRoles says whose holders manage users and roles, instead of those before; unknown roles are made. Kinds: as SetDefaultRoles.
func (e *Engine) SetAdminRoles(ctx context.Context, actor *hecate.Actor, roles []string) error {
	return e.setRoles(ctx, actor, roles, "set admin roles", func(tx *store.DB, app hecate.AppID) error {
		// Made here if it was not, it is nobody's first admin role later.
		if err := e.makeRoles(ctx, tx, app, []string{FirstAdminRole}); err != nil {
			return err
		}
		if err := tx.SetAdminRoles(ctx, app, roles); err != nil {
			return err
		}
		return e.forgetAll(ctx, tx, "users") // of all holders, who may be many
	})
}

func (e *Engine) setRoles(ctx context.Context, actor *hecate.Actor, roles []string, op string, set func(*store.DB, hecate.AppID) error) error {
	app, err := e.rolesFor(actor, roles, op)
	if err != nil {
		return err
	}
	if err := e.allowArea(actor, hecate.Manage, hecate.AreaRoles, op); err != nil {
		return err
	}
	return e.db.Write(ctx, func(tx *store.DB) error {
		if err := e.makeRoles(ctx, tx, app.ID, roles); err != nil {
			return err
		}
		if err := set(tx, app.ID); err != nil {
			return err
		}
		return e.record(ctx, tx, actor, app.ID, op, "app:"+string(app.ID))
	})
}

// makeRoles makes the roles that are missing. The first admin role is born one.
func (e *Engine) makeRoles(ctx context.Context, tx *store.DB, app hecate.AppID, names []string) error {
	if err := tx.Lock(ctx, "roles/"+string(app)); err != nil {
		return err
	}
	all, err := tx.Roles(ctx, app)
	if err != nil {
		return err
	}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) { // a request names few
		if slices.ContainsFunc(all, func(r hecate.Role) bool { return r.Name == name }) {
			continue
		}
		role, err := e.newRole(app, name)
		if err != nil {
			return err
		}
		role.Admin = name == FirstAdminRole
		if free, err := tx.InsertRole(ctx, role); err != nil || !free {
			return taken(err, "create role", "role")
		}
	}
	return nil
}

// AdminRoles returns the names of the roles whose holders manage users and roles, and of those that sign-ups get. Kinds: Forbidden.
func (e *Engine) AdminRoles(ctx context.Context, actor *hecate.Actor) (admins, defaults []string, err error) {
	all, err := e.Roles(ctx, actor)
	if err != nil {
		return nil, nil, err
	}
	first := true
	for _, r := range all {
		first = first && r.Name != FirstAdminRole
		if r.Admin {
			admins = append(admins, r.Name)
		}
		if r.Default {
			defaults = append(defaults, r.Name)
		}
	}
	if first { // nobody holds it yet
		admins = append([]string{FirstAdminRole}, admins...)
	}
	return admins, defaults, nil
}

// AssignRoles gives roles to many users, named by their Key, at once. Unknown roles are made, unknown users
// left out. Kinds: Forbidden, Invalid on "role", TooLarge on "role" or "users".
func (e *Engine) AssignRoles(ctx context.Context, actor *hecate.Actor, users, roles []string) error {
	return e.changeManyRoles(ctx, actor, users, roles, "assign role", func(tx *store.DB, app hecate.AppID) error {
		if err := e.makeRoles(ctx, tx, app, roles); err != nil {
			return err
		}
		return tx.HoldRoles(ctx, app, roles, users)
	})
}

// RevokeRoles takes roles from many users, named by their Key, at once; what is unknown is left out. Kinds: Forbidden, TooLarge on "role" or "users".
func (e *Engine) RevokeRoles(ctx context.Context, actor *hecate.Actor, users, roles []string) error {
	return e.changeManyRoles(ctx, actor, users, roles, "revoke role", func(tx *store.DB, app hecate.AppID) error {
		return tx.LeaveRoles(ctx, app, roles, users)
	})
}

func (e *Engine) changeManyRoles(ctx context.Context, actor *hecate.Actor, users, roles []string, op string, change func(*store.DB, hecate.AppID) error) error {
	app, err := e.rolesFor(actor, roles, op)
	if err != nil {
		return err
	}
	users, err = knownKeys(users, op)
	if err != nil || len(users) == 0 || len(roles) == 0 {
		return err
	}
	return e.db.Write(ctx, func(tx *store.DB) error {
		if err := change(tx, app.ID); err != nil {
			return err
		}
		if err := e.forgetKeys(ctx, tx, app.ID, users); err != nil {
			return err
		}
		return e.record(ctx, tx, actor, app.ID, op, "app:"+string(app.ID))
	})
}

// knownKeys leaves out what can be nobody's key. Kinds: TooLarge on "users".
func knownKeys(users []string, op string) ([]string, error) {
	if len(users) > maxRoleUsers {
		return nil, hecate.E(hecate.TooLarge, op).On("users").With("limit", maxRoleUsers)
	}
	return slices.DeleteFunc(slices.Clone(users), func(key string) bool { return key == "" || badText(key) != "" }), nil
}

// forgetKeys drops what is cached of users named by key.
func (e *Engine) forgetKeys(ctx context.Context, tx *store.DB, app hecate.AppID, users []string) error {
	if len(users) > forgetOnes {
		return e.forgetAll(ctx, tx, "users")
	}
	refs := make([]hecate.Ref, len(users))
	for i, key := range users {
		refs[i].Key = key
	}
	found, err := tx.Targets(ctx, app, hecate.UserTarget, refs, "")
	if err != nil {
		return err
	}
	keys := make([]string, len(found))
	for i, u := range found {
		keys[i] = userCacheKey(app, hecate.UserID(u.ID))
	}
	return e.forget(ctx, tx, "users", keys...)
}

// RolesOfUsers returns the names of the roles given to users, by the users' Key; every key asked for is there. A
// signed-in user may ask for himself alone. Kinds: Forbidden, TooLarge on "users".
func (e *Engine) RolesOfUsers(ctx context.Context, actor *hecate.Actor, users []string) (map[string][]string, error) {
	const op = "roles of users"
	app, err := inApp(actor, op)
	if err != nil {
		return nil, err
	}
	own := actor.User != nil && !slices.ContainsFunc(users, func(key string) bool { return key != actor.User.Key })
	if !own {
		if err := e.allowArea(actor, hecate.Read, hecate.AreaRoles, op); err != nil {
			return nil, err
		}
	}
	known, err := knownKeys(users, op)
	if err != nil {
		return nil, err
	}
	held, err := e.db.RolesOfUsers(ctx, app.ID, known)
	if err != nil {
		return nil, err
	}
	out := make(map[string][]string, len(users))
	for _, key := range users {
		out[key] = held[key]
	}
	return out, nil
}
