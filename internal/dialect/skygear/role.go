package skygear

import (
	"context"
	"maps"
	"slices"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// rolesIn are the roles of a user who has just come in, sorted: those of his groups count.
func (a *api) rolesIn(ctx context.Context, c *call, seer *hecate.Actor, u *hecate.User) ([]string, error) {
	if seer.User == nil { // an admin's key speaks for the admin, whatever the token
		return a.engine.UserRoles(ctx, c.actor, engine.UserRef{ID: u.ID})
	}
	var roles []string
	for _, s := range seer.Subjects {
		if kind, name := s.Split(); kind == "role" {
			roles = append(roles, name)
		}
	}
	slices.Sort(roles)
	return slices.Compact(roles), nil
}

// rolesOf reads a list that must be there.
func rolesOf(c *call) ([]string, error) {
	roles, err := c.args.texts("roles")
	if err == nil && roles == nil {
		return nil, invalid("unspecified roles in request", "roles")
	}
	return roles, err
}

func (a *api) roleDefault(w *web.Response, r *web.Request, c *call) error {
	return a.setRoles(w, r, c, a.engine.SetDefaultRoles)
}

func (a *api) roleAdmin(w *web.Response, r *web.Request, c *call) error {
	return a.setRoles(w, r, c, a.engine.SetAdminRoles)
}

func (a *api) setRoles(w *web.Response, r *web.Request, c *call, set func(context.Context, *hecate.Actor, []string) error) error {
	roles, err := rolesOf(c)
	if err != nil {
		return err
	}
	if err := set(r.Context(), c.actor, roles); err != nil {
		return err
	}
	return answerResult(w, web.AppendPageJSON(nil, anyList(roles)))
}

func anyList(texts []string) []any {
	out := make([]any, len(texts))
	for i, t := range texts {
		out[i] = t
	}
	return out
}

func (a *api) roleAssign(w *web.Response, r *web.Request, c *call) error {
	return a.changeRoles(w, r, c, a.engine.AssignRoles)
}

func (a *api) roleRevoke(w *web.Response, r *web.Request, c *call) error {
	return a.changeRoles(w, r, c, a.engine.RevokeRoles)
}

func (a *api) changeRoles(w *web.Response, r *web.Request, c *call, change func(ctx context.Context, actor *hecate.Actor, users, roles []string) error) error {
	roles, err := rolesOf(c)
	if err != nil {
		return err
	}
	users, err := c.args.texts("users")
	if err == nil && users == nil {
		err = invalid("unspecified users in request", "users")
	}
	if err != nil {
		return err
	}
	if err := change(r.Context(), c.actor, users, roles); err != nil {
		return err
	}
	return answerText(w, "OK")
}

func (a *api) roleGet(w *web.Response, r *web.Request, c *call) error {
	users, err := c.args.texts("users")
	if err == nil && len(users) == 0 {
		err = invalid("unspecified user IDs in request", "users")
	}
	if err != nil {
		return err
	}
	if err := mayGetRoles(c, users); err != nil {
		return err
	}
	found, err := a.engine.RolesOfUsers(r.Context(), c.actor, users)
	if err != nil {
		return err
	}
	j := newJSON(nil)
	j.Open()
	for _, id := range slices.Sorted(maps.Keys(found)) {
		j.texts(id, found[id])
	}
	j.Close()
	return answerResult(w, j.Buf)
}

// mayGetRoles lets users see their own roles and administrators everybody's.
func mayGetRoles(c *call, users []string) error {
	if c.administers() {
		return nil
	}
	if c.actor.User == nil {
		return fail(notAuthenticated, textLoginFirst)
	}
	own := userKey(c.actor.User)
	if slices.ContainsFunc(users, func(id string) bool { return id != own }) {
		return fail(permissionDenied, "no permission to get other users' roles")
	}
	return nil
}
