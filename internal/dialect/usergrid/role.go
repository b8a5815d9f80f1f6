package usergrid

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// role finds the role whom a path names, by UUID or name, whoever asks. Errors: faults.
func (a *api) role(ctx context.Context, c *call, ref string) (hecate.Role, error) {
	by := engine.RoleRef{Name: strings.TrimSpace(ref)}
	if isUUID(by.Name) {
		by = engine.RoleRef{ID: hecate.RoleID(strings.ToLower(by.Name))}
	}
	role, err := a.engine.LookupRole(ctx, c.app.ID, by)
	if errors.Is(err, hecate.NotFound) {
		return role, itemOf(ref).absent()
	}
	return role, err
}

func rolePath(r hecate.Role) string { return "/roles/" + string(r.ID) }

// notRole are members of a role's JSON that are no properties of it.
var notRole = map[string]bool{"name": true, "roleName": true, "title": true, "inactivity": true, "permissions": true}

// The metadata of a role.
var (
	roleSets        = sameNames("permissions")
	roleCollections = sameNames("groups", "users")
)

// roleThing is a role as answers show it: contracts/usergrid.md 8.3.
func roleThing(r hecate.Role, m meta) *thing {
	if m.path == "" {
		m.path = rolePath(r)
	}
	m.own, m.sets, m.collections = rolePath(r), roleSets, roleCollections
	t := newThing("role", string(r.ID), m)
	t.set("name", r.Name)
	t.set("created", r.CreatedAt.UnixMilli())
	t.set("modified", r.UpdatedAt.UnixMilli())
	t.set("roleName", r.Name)
	t.set("title", r.Title)
	t.set("inactivity", r.Inactivity.Milliseconds())
	t.setAll(r.Properties)
	return t
}

// maxInactivityMS is the longest inactivity that a time.Duration holds.
const maxInactivityMS = int64(1<<63-1) / int64(time.Millisecond)

// readRole reads what a body says of a role.
func readRole(object map[string]any) (engine.RoleChange, error) {
	var in engine.RoleChange
	if title, given, err := textMember(object, "title"); err != nil {
		return in, err
	} else if given {
		in.Title = &title
	}
	if v := object["inactivity"]; v != nil && v != "" {
		ms, err := json.Number(payload{object: object}.text("inactivity")).Int64()
		if err != nil || ms < 0 || ms > maxInactivityMS {
			return in, illegalArgument("inactivity must be a number >= 0")
		}
		in.Inactivity = new(time.Duration(ms) * time.Millisecond)
	}
	var err error
	in.Properties, err = propertiesOf(object, notRole)
	return in, err
}

// propertiesOf are the members of a body that a group or role keeps as they are; null and "" remove one.
func propertiesOf(object map[string]any, not map[string]bool) (map[string]any, error) {
	out := map[string]any{}
	for name, v := range object {
		switch {
		case not[name] || reserved[name]:
		case v == "":
			out[name] = nil
		default:
			value, problem := plainValue(v)
			if problem != "" {
				return nil, illegalArgument(name + ": " + problem)
			}
			out[name] = value
		}
	}
	return out, nil
}

// roles serves the application's roles.
func (a *api) roles() *shelf {
	return &shelf{
		api: a, path: "/roles", param: "role", key: "name",
		all: a.allRoles, create: a.newRole, change: a.changeRole,
		find: func(ctx context.Context, c *call, ref string) (*thing, error) {
			role, err := a.role(ctx, c, ref)
			if err != nil {
				return nil, err
			}
			return roleThing(role, meta{}), nil
		},
		remove: func(ctx context.Context, actor *hecate.Actor, id string) error {
			_, err := a.engine.DeleteRole(ctx, actor, engine.RoleRef{ID: hecate.RoleID(id)})
			return err
		},
	}
}

func (a *api) newRole(ctx context.Context, c *call, object map[string]any) (*thing, error) {
	name, _, err := textMember(object, "name")
	if err != nil {
		return nil, err
	}
	if name = strings.TrimSpace(name); name == "" {
		return nil, requiredProperty("role", "name")
	}
	in, err := readRole(object)
	if err != nil {
		return nil, err
	}
	role, err := a.engine.CreateRole(ctx, c.actor, name, in)
	if errors.Is(err, hecate.Exists) {
		return nil, duplicate("role", "name", name).because(err)
	}
	if err != nil {
		return nil, notReached(c, http.MethodPost, "/roles", err)
	}
	return roleThing(role, meta{}), nil
}

// allRoles lists the application's roles; an application has few.
func (a *api) allRoles(r *web.Request, c *call) func(engine.List) (things, error) {
	return func(in engine.List) (things, error) {
		roles, err := a.engine.Roles(r.Context(), c.actor)
		if err != nil {
			return things{}, notReached(c, http.MethodGet, "/roles", err)
		}
		return rolesPage(roles, in, ""), nil
	}
}

// rolesPage is a stretch of a list of roles, the newest first; a role's number is its place, from 1.
func rolesPage(roles []hecate.Role, in engine.List, under string) things {
	slices.SortStableFunc(roles, func(x, y hecate.Role) int {
		if in.Desc {
			x, y = y, x
		}
		if n := x.CreatedAt.Compare(y.CreatedAt); n != 0 {
			return n
		}
		return strings.Compare(string(x.ID), string(y.ID))
	})
	from := min(int(in.After), len(roles))
	to := min(from+in.Limit, len(roles))
	out := things{last: int64(to), more: to < len(roles)}
	for _, role := range roles[from:to] {
		m := meta{}
		if under != "" {
			m.path = under + "/" + string(role.ID)
		}
		out.rows = append(out.rows, roleThing(role, m))
	}
	return out
}

// changeRole changes what a body says of a role.
func (a *api) changeRole(ctx context.Context, c *call, t *thing, object map[string]any) (*thing, error) {
	in, err := readRole(object)
	if err != nil {
		return nil, err
	}
	at := "/roles/" + t.id
	role, err := a.engine.UpdateRole(ctx, c.via(at), engine.RoleRef{ID: hecate.RoleID(t.id)}, in)
	if err != nil {
		return nil, refusedAt(c, http.MethodPut, at, err)
	}
	return roleThing(role, meta{}), nil
}

// roleMember is a role with a user or a group that may hold it, of a path in either direction.
type roleMember struct {
	role    hecate.Role
	subject hecate.Subject
	under   string // the list in which the answer stands
	path    string
	shown   func(actor *hecate.Actor) (*thing, error)
}

// findRoleMember reads a path that names a role and who may hold it; from says which of them stands first.
func (a *api) findRoleMember(r *web.Request, c *call, from string) (roleMember, error) {
	var m roleMember
	var err error
	if m.role, err = a.role(r.Context(), c, r.PathValue("role")); err != nil {
		return m, lostUser(err)
	}
	var holder, id string
	var shown func(actor *hecate.Actor) (*thing, error)
	if r.PathValue("user") != "" {
		u, err := a.userOf(r, c)
		if err != nil {
			return m, lostUser(err)
		}
		holder, id, m.subject = userPath(u), string(u.ID), hecate.SubjectUser(u.ID)
		shown = func(actor *hecate.Actor) (*thing, error) { return a.shownUser(r, c, actor, u, m.under) }
	} else {
		g, err := a.group(r.Context(), c, r.PathValue("group"))
		if err != nil {
			return m, lostUser(err)
		}
		holder, id, m.subject = groupPath(g), string(g.ID), hecate.SubjectGroup(g.ID)
		shown = func(*hecate.Actor) (*thing, error) { return groupThing(g, meta{path: m.under + "/" + id}), nil }
	}
	kind, _, _ := strings.Cut(holder[1:], "/")
	if from == "roles" {
		m.under = rolePath(m.role) + "/" + kind
		m.path, m.shown = m.under+"/"+id, func(actor *hecate.Actor) (*thing, error) { return shown(actor) }
		return m, nil
	}
	m.under = holder + "/roles"
	m.path = m.under + "/" + string(m.role.ID)
	m.shown = func(*hecate.Actor) (*thing, error) { return roleThing(m.role, meta{path: m.path}), nil }
	return m, nil
}

// giveRole and takeRole answer POST and DELETE of a role's holder, named from the role's side or from his own.
func (a *api) giveRole(from string) web.Handler[*call] {
	return func(w *web.Response, r *web.Request, c *call) error {
		return a.changeHolder(w, r, c, from, func(actor *hecate.Actor, m roleMember) error {
			_, err := a.engine.GiveRole(r.Context(), actor, engine.RoleRef{ID: m.role.ID}, m.subject)
			return err
		})
	}
}

func (a *api) takeRole(from string) web.Handler[*call] {
	return func(w *web.Response, r *web.Request, c *call) error {
		return a.changeHolder(w, r, c, from, func(actor *hecate.Actor, m roleMember) error {
			_, err := a.engine.TakeRole(r.Context(), actor, engine.RoleRef{ID: m.role.ID}, m.subject)
			return err
		})
	}
}

func (a *api) changeHolder(w *web.Response, r *web.Request, c *call, from string, change func(*hecate.Actor, roleMember) error) error {
	m, err := a.findRoleMember(r, c, from)
	if err != nil {
		return err
	}
	actor := c.via(m.path)
	if err := a.permit(c, actor, r.Method, m.path); err != nil {
		return err
	}
	if err := change(actor, m); err != nil {
		return refusedAt(c, r.Method, m.path, err)
	}
	t, err := m.shown(actor)
	if err != nil {
		return err
	}
	return a.answerThing(w, r, c, m.under, t)
}

// readHolder answers GET of a role's holder: 404 where it does not hold it.
func (a *api) readHolder(from string) web.Handler[*call] {
	return func(w *web.Response, r *web.Request, c *call) error {
		m, err := a.findRoleMember(r, c, from)
		if err != nil {
			return err
		}
		actor := c.via(m.path)
		roles, err := a.engine.RolesOf(r.Context(), actor, m.subject)
		if err != nil {
			return refusedAt(c, http.MethodGet, m.path, err)
		}
		if !slices.ContainsFunc(roles, func(r hecate.Role) bool { return r.ID == m.role.ID }) {
			return resourceNotFound()
		}
		t, err := m.shown(actor)
		if err != nil {
			return err
		}
		return a.answerThing(w, r, c, m.under, t)
	}
}

// rolesOf answers GET of the roles of a user or a group.
func (a *api) rolesOf(w *web.Response, r *web.Request, c *call) error {
	h, err := a.holder(r, c)
	if err != nil {
		return err
	}
	under := h.path + "/roles"
	actor := c.via(under)
	return a.answerList(w, r, c, reply{path: under}, qlText(r), func(in engine.List) (things, error) {
		roles, err := a.engine.RolesOf(r.Context(), actor, h.subject)
		if err != nil {
			return things{}, refusedAt(c, http.MethodGet, under, err)
		}
		return rolesPage(roles, in, under), nil
	})
}

// usersOfRole answers GET of the users who hold a role themselves.
func (a *api) usersOfRole(w *web.Response, r *web.Request, c *call) error {
	role, err := a.role(r.Context(), c, r.PathValue("role"))
	if err != nil {
		return err
	}
	under := rolePath(role) + "/users"
	actor := c.via(under)
	return a.answerList(w, r, c, reply{path: under}, qlText(r), func(in engine.List) (things, error) {
		page, err := a.engine.RoleUsers(r.Context(), actor, engine.RoleRef{ID: role.ID}, in)
		if err != nil {
			return things{}, refusedAt(c, http.MethodGet, under, err)
		}
		return a.usersPage(r, c, actor, page, under)
	})
}

// groupsOfRole answers GET of the groups that hold a role.
func (a *api) groupsOfRole(w *web.Response, r *web.Request, c *call) error {
	role, err := a.role(r.Context(), c, r.PathValue("role"))
	if err != nil {
		return err
	}
	under := rolePath(role) + "/groups"
	actor := c.via(under)
	return a.answerList(w, r, c, reply{path: under}, qlText(r), func(in engine.List) (things, error) {
		page, err := a.engine.RoleGroups(r.Context(), actor, engine.RoleRef{ID: role.ID}, in)
		if err != nil {
			return things{}, refusedAt(c, http.MethodGet, under, err)
		}
		return groupsPage(page, under), nil
	})
}

// roleNames answers with the names and titles of a user's or a group's roles: contracts/usergrid.md 7.2.
func (a *api) roleNames(w *web.Response, r *web.Request, c *call) error {
	h, err := a.holder(r, c)
	if err != nil {
		return err
	}
	return a.answerRoleNames(w, r, c, h, c.via(h.path+"/rolenames"))
}

func (a *api) answerRoleNames(w *web.Response, r *web.Request, c *call, h holder, reader *hecate.Actor) error {
	path := h.path + "/rolenames"
	roles, err := a.engine.RolesOf(r.Context(), reader, h.subject)
	if err != nil {
		return refusedAt(c, r.Method, path, err)
	}
	var j web.JSONWriter
	j.Open()
	for _, role := range roles {
		j.Text(role.Name, role.Title)
	}
	j.Close()
	return a.answer(w, r, c, reply{path: path, entities: []raw{}, data: j.Buf})
}

// addRoleName gives the role that a body names.
func (a *api) addRoleName(w *web.Response, r *web.Request, c *call) error {
	h, err := a.holder(r, c)
	if err != nil {
		return err
	}
	body, err := readPayload(r)
	if err != nil {
		return err
	}
	name := body.text("name")
	if name == "" {
		return illegalArgument("You must provide a 'name' property")
	}
	role, err := a.role(r.Context(), c, name)
	if err != nil {
		return lostUser(err)
	}
	path := h.path + "/rolenames"
	if err := a.permit(c, c.via(path), r.Method, path); err != nil {
		return err
	}
	if _, err := a.engine.GiveRole(r.Context(), c.via(path), engine.RoleRef{ID: role.ID}, h.subject); err != nil {
		return refusedAt(c, r.Method, path, err)
	}
	return a.answerRoleNames(w, r, c, h, engine.SystemIn(c.app)) // who changes them is told what they are
}

// dropRoleName takes the role that a path names.
func (a *api) dropRoleName(w *web.Response, r *web.Request, c *call) error {
	h, err := a.holder(r, c)
	if err != nil {
		return err
	}
	role, err := a.role(r.Context(), c, r.PathValue("role"))
	if err != nil {
		return lostUser(err)
	}
	path := h.path + "/rolenames/" + string(role.ID)
	if _, err := a.engine.TakeRole(r.Context(), c.via(path), engine.RoleRef{ID: role.ID}, h.subject); err != nil {
		return refusedAt(c, http.MethodDelete, path, err)
	}
	return a.answerRoleNames(w, r, c, h, engine.SystemIn(c.app)) // who changes them is told what they are
}
