package usergrid

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// groupRef names a group as paths do: by UUID or by its path.
func groupRef(ref string) engine.GroupRef {
	ref = strings.Trim(strings.TrimSpace(ref), "/")
	if isUUID(ref) {
		return engine.GroupRef{ID: hecate.GroupID(strings.ToLower(ref))}
	}
	return engine.GroupRef{Name: ref}
}

// group finds the group that a path names, whoever asks. Errors: faults.
func (a *api) group(ctx context.Context, c *call, ref string) (*hecate.Group, error) {
	g, err := a.engine.LookupGroup(ctx, c.app.ID, groupRef(ref))
	if errors.Is(err, hecate.NotFound) {
		return nil, itemOf(ref).absent()
	}
	return g, err
}

func groupPath(g *hecate.Group) string { return "/groups/" + string(g.ID) }

// The segments that may stand below a user, a group or a role, as clients write them: contracts/usergrid.md 12.1.
var belowWords = map[string]string{
	"users": "users", "user": "users", "userss": "users", "groups": "groups", "group": "groups", "groupss": "groups", "roles": "roles", "role": "roles",
	"rolenames": "rolenames", "rolename": "rolenames", "permissions": "permissions", "permission": "permissions",
	"activities": "activities", "activity": "activities", "feed": "feed",
}

// membered are those of them behind which a member may stand.
var membered = []string{"users", "groups", "roles", "rolenames", "activities"}

// below what may hold a group's path, which has any number of segments.
var holdsGroups = []string{"users", "roles"}

// joinedGroup is the rest of a path below users, groups or roles with a group's path as one segment, and with the segments below
// them as routes know them. A group's path is read from the right: what follows it is known.
func joinedGroup(first, rest string) string {
	segments := strings.Split(strings.Trim(rest, "/"), "/")
	switch {
	case first == "groups":
		at := len(segments)
		if !isUUID(segments[0]) {
			at = groupEnd(segments)
		} else if len(segments) > 1 {
			at = 1
		}
		joined := append([]string{strings.Join(segments[:at], "%2F")}, segments[at:]...)
		return strings.Join(knownBelow(joined), "/")
	case slices.Contains(holdsGroups, first) && len(segments) > 1:
		segments = knownBelow(segments)
		if segments[1] == "groups" && len(segments) > 3 {
			segments = append(segments[:2:2], strings.Join(segments[2:], "%2F"))
		}
		return strings.Join(segments, "/")
	}
	return rest
}

// groupEnd is where a group's path ends.
func groupEnd(segments []string) int {
	n := len(segments)
	if n > 2 && slices.Contains(membered, belowWords[strings.ToLower(segments[n-2])]) {
		return n - 2
	}
	if n > 1 && belowWords[strings.ToLower(segments[n-1])] != "" {
		return n - 1
	}
	return n
}

// knownBelow writes the second segment as routes know it.
func knownBelow(segments []string) []string {
	if len(segments) > 1 {
		if known := belowWords[strings.ToLower(segments[1])]; known != "" {
			segments[1] = known
		}
	}
	return segments
}

// The metadata of a group.
var (
	groupSets        = []lead{{"permissions", "permissions"}, {"rolenames", "roles"}}
	groupCollections = sameNames("activities", "feed", "roles", "users")
)

// notGroup are members of a group's JSON that are no properties of it.
var notGroup = map[string]bool{"path": true, "title": true, "description": true}

// groupThing is a group as answers show it. One that another dialect made may have no path: then it has its title.
func groupThing(g *hecate.Group, m meta) *thing {
	if m.path == "" {
		m.path = groupPath(g)
	}
	m.own, m.sets, m.collections = groupPath(g), groupSets, groupCollections
	t := newThing("group", string(g.ID), m)
	t.set("name", g.Properties["name"])
	t.set("created", g.CreatedAt.UnixMilli())
	t.set("modified", g.UpdatedAt.UnixMilli())
	path := g.Name
	if path == "" {
		path = g.Title
	}
	t.set("path", path)
	t.set("title", g.Title)
	t.set("description", g.Description)
	t.setAll(g.Properties)
	return t
}

// groupsPage turns a page of groups into things.
func groupsPage(page hecate.Page[*hecate.Group], under string) things {
	out := things{more: page.More}
	for _, g := range page.Rows {
		m := meta{}
		if under != "" {
			m.path = under + "/" + string(g.ID)
		}
		out.rows, out.last = append(out.rows, groupThing(g, m)), g.Seq
	}
	return out
}

// groupShape is what a group's path may be.
var groupShape = regexp.MustCompile(`^[A-Za-z0-9./-]+$`)

// readPath reads the path of a group. Errors: faults, contracts/usergrid.md 8.3.
func readPath(text string) (string, error) {
	path := strings.Trim(strings.TrimSpace(text), "/")
	switch {
	case path == "":
		return "", illegalArgument("You must provide a 'path' property when creating a group")
	case !groupShape.MatchString(path) || strings.Contains(path, "//"):
		return "", illegalArgument("Illegal characters found in group name: " + text)
	case isUUID(path):
		return "", illegalArgument("A group cannot be called like a UUID: " + text)
	}
	return path, nil
}

// groups serves the application's groups.
func (a *api) groups() *shelf {
	return &shelf{
		api: a, path: "/groups", param: "group", key: "path",
		all: a.allGroups, create: a.newGroup, change: a.changeGroup,
		find: func(ctx context.Context, c *call, ref string) (*thing, error) {
			g, err := a.group(ctx, c, ref)
			if err != nil {
				return nil, err
			}
			return groupThing(g, meta{}), nil
		},
		remove: func(ctx context.Context, actor *hecate.Actor, id string) error {
			return a.engine.DeleteGroup(ctx, actor, engine.GroupRef{ID: hecate.GroupID(id)})
		},
	}
}

func (a *api) newGroup(ctx context.Context, c *call, object map[string]any) (*thing, error) {
	text, _, err := textMember(object, "path")
	if err != nil {
		return nil, err
	}
	path, err := readPath(text)
	if err != nil {
		return nil, err
	}
	in := engine.GroupInput{Name: path}
	if err := readGroup(&in, object); err != nil {
		return nil, err
	}
	g, err := a.engine.CreateGroup(ctx, c.actor, in)
	if errors.Is(err, hecate.Exists) {
		return nil, duplicate("group", "path", path).because(err)
	}
	if err != nil {
		return nil, refusedAt(c, http.MethodPost, "/groups", err)
	}
	return groupThing(g, meta{}), nil
}

// readGroup puts what a body says of a group, but for its path, over what is there.
func readGroup(in *engine.GroupInput, object map[string]any) error {
	for _, m := range []struct {
		name string
		to   *string
	}{{"title", &in.Title}, {"description", &in.Description}} {
		text, given, err := textMember(object, m.name)
		if err != nil {
			return err
		}
		if given {
			*m.to = text
		}
	}
	more, err := propertiesOf(object, notGroup)
	if err != nil {
		return err
	}
	next := make(map[string]any, len(in.Properties)+len(more))
	for name, v := range in.Properties {
		next[name] = v
	}
	for name, v := range more {
		if next[name] = v; v == nil {
			delete(next, name)
		}
	}
	in.Properties = next
	return nil
}

// allGroups lists the application's groups.
func (a *api) allGroups(r *web.Request, c *call) func(engine.List) (things, error) {
	return func(in engine.List) (things, error) {
		page, err := a.engine.Groups(r.Context(), c.actor, in)
		return groupsPage(page, ""), refusedAt(c, http.MethodGet, "/groups", err)
	}
}

// changeGroup merges what a body says into a group.
func (a *api) changeGroup(ctx context.Context, c *call, t *thing, object map[string]any) (*thing, error) {
	path, err := newPath(t, object)
	if err != nil {
		return nil, err
	}
	if err := readGroup(&engine.GroupInput{}, object); err != nil {
		return nil, err
	}
	g, err := a.engine.UpdateGroup(ctx, c.via("/groups/"+t.id), engine.GroupRef{ID: hecate.GroupID(t.id)}, func(in *engine.GroupInput) {
		if path != "" {
			in.Name = path
		}
		_ = readGroup(in, object) // it was read a moment ago
	})
	if errors.Is(err, hecate.Exists) {
		return nil, duplicate("group", "path", path).because(err)
	}
	if err != nil {
		return nil, refusedAt(c, http.MethodPut, "/groups", err)
	}
	return groupThing(g, meta{}), nil
}

// newPath is the path that a body gives a group, "" for the one that it shows already.
func newPath(t *thing, object map[string]any) (string, error) {
	text, _, err := textMember(object, "path")
	if shown, _ := t.values["path"].(string); err != nil || text == "" || strings.EqualFold(text, shown) {
		return "", err
	}
	return readPath(text)
}

// membership is a user with a group, of a path in either direction.
type membership struct {
	user  *hecate.User
	group *hecate.Group
	under string // the list in which the answer stands
	path  string
}

func (a *api) findMembership(r *web.Request, c *call, from string) (membership, error) {
	var m membership
	var err error
	if m.user, err = a.userOf(r, c); err != nil {
		return m, lostUser(err)
	}
	if m.group, err = a.group(r.Context(), c, r.PathValue("group")); err != nil {
		return m, lostUser(err)
	}
	if from == "groups" {
		m.under = groupPath(m.group) + "/users"
		m.path = m.under + "/" + string(m.user.ID)
		return m, nil
	}
	m.under = userPath(m.user) + "/groups"
	m.path = m.under + "/" + string(m.group.ID)
	return m, nil
}

// answerMember shows the end of a membership that the path names last.
func (a *api) answerMember(w *web.Response, r *web.Request, c *call, actor *hecate.Actor, m membership, from string) error {
	if from != "groups" {
		return a.answerThing(w, r, c, m.under, groupThing(m.group, meta{path: m.path}))
	}
	t, err := a.shownUser(r, c, actor, m.user, m.under)
	if err != nil {
		return err
	}
	return a.answerThing(w, r, c, m.under, t)
}

// addMember and dropMember answer POST and DELETE of a membership, named from the group's side or from the user's.
func (a *api) addMember(from string) web.Handler[*call] {
	return func(w *web.Response, r *web.Request, c *call) error {
		return a.changeMember(w, r, c, from, func(actor *hecate.Actor, m membership) error {
			_, _, err := a.engine.AddMember(r.Context(), actor, engine.UserRef{ID: m.user.ID}, engine.GroupRef{ID: m.group.ID})
			if errors.Is(err, hecate.Exists) {
				return nil // he is in it
			}
			return err
		})
	}
}

func (a *api) dropMember(from string) web.Handler[*call] {
	return func(w *web.Response, r *web.Request, c *call) error {
		return a.changeMember(w, r, c, from, func(actor *hecate.Actor, m membership) error {
			return a.engine.RemoveMemberOf(r.Context(), actor, engine.UserRef{ID: m.user.ID}, engine.GroupRef{ID: m.group.ID})
		})
	}
}

func (a *api) changeMember(w *web.Response, r *web.Request, c *call, from string, change func(*hecate.Actor, membership) error) error {
	m, err := a.findMembership(r, c, from)
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
	return a.answerMember(w, r, c, actor, m, from)
}

// readMember answers GET of a membership: 404 where there is none.
func (a *api) readMember(from string) web.Handler[*call] {
	return func(w *web.Response, r *web.Request, c *call) error {
		m, err := a.findMembership(r, c, from)
		if err != nil {
			return err
		}
		actor := c.via(m.path)
		if err := a.permit(c, actor, http.MethodGet, m.path); err != nil {
			return err
		}
		_, _, err = a.engine.Membership(r.Context(), actor, engine.UserRef{ID: m.user.ID}, engine.GroupRef{ID: m.group.ID})
		if err != nil {
			return refusedAt(c, http.MethodGet, m.path, err)
		}
		return a.answerMember(w, r, c, actor, m, from)
	}
}

// groupUsers answers GET of the members of a group.
func (a *api) groupUsers(w *web.Response, r *web.Request, c *call) error {
	g, err := a.group(r.Context(), c, r.PathValue("group"))
	if err != nil {
		return err
	}
	under := groupPath(g) + "/users"
	actor := c.via(under)
	return a.answerList(w, r, c, reply{path: under}, qlText(r), func(in engine.List) (things, error) {
		page, err := a.engine.GroupMembers(r.Context(), actor, engine.GroupRef{ID: g.ID}, in)
		if err != nil {
			return things{}, refusedAt(c, http.MethodGet, under, err)
		}
		return a.usersPage(r, c, actor, page, under)
	})
}

// userGroups answers GET of the groups of a user.
func (a *api) userGroups(w *web.Response, r *web.Request, c *call) error {
	u, err := a.userOf(r, c)
	if err != nil {
		return err
	}
	under := userPath(u) + "/groups"
	actor := c.via(under)
	if err := a.permit(c, actor, http.MethodGet, under); err != nil {
		return err
	}
	return a.answerList(w, r, c, reply{path: under}, qlText(r), func(in engine.List) (things, error) {
		page, err := a.engine.UserGroups(r.Context(), actor, engine.UserRef{ID: u.ID}, in)
		if err != nil {
			return things{}, refusedAt(c, http.MethodGet, under, err)
		}
		return groupsPage(page, under), nil
	})
}
