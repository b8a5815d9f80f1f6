package engine

import (
	"context"

	"hecate"
)

// FirstAdminRole is an admin role from the moment it is first made, unless the app has said which roles are.
const FirstAdminRole = "Admin"

// SetDefaultRoles says which roles later sign-ups get, instead of those before; unknown ones are made. Kinds: Forbidden, Invalid
// and TooLarge on "role".
func (e *Engine) SetDefaultRoles(ctx context.Context, actor *hecate.Actor, roles []string) error {
	panic("not built yet")
}

// SetAdminRoles says whose holders manage users and roles, instead of those before; unknown roles are made. Kinds: as SetDefaultRoles.
func (e *Engine) SetAdminRoles(ctx context.Context, actor *hecate.Actor, roles []string) error {
	panic("not built yet")
}

// AssignRoles gives roles to many users, named by their Key, at once. Unknown roles are made, unknown users
// left out. Kinds: Forbidden, Invalid on "role", TooLarge on "role" or "users".
func (e *Engine) AssignRoles(ctx context.Context, actor *hecate.Actor, users, roles []string) error {
	panic("not built yet")
}

// RevokeRoles takes roles from many users, named by their Key, at once; what is unknown is left out. Kinds: Forbidden, TooLarge on "role" or "users".
func (e *Engine) RevokeRoles(ctx context.Context, actor *hecate.Actor, users, roles []string) error {
	panic("not built yet")
}

// RolesOfUsers returns the names of the roles given to users, by the users' Key; every key asked for is there. A
// signed-in user may ask for himself alone. Kinds: Forbidden, TooLarge on "users".
func (e *Engine) RolesOfUsers(ctx context.Context, actor *hecate.Actor, users []string) (map[string][]string, error) {
	panic("not built yet")
}
