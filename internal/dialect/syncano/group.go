package syncano

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// Limits of a group.
const maxLabel = 64

func (a *api) groupList(w *web.Response, r *web.Request, c *call) error {
	p, err := readPaging(r)
	if err != nil {
		return err
	}
	page, err := a.engine.Groups(r.Context(), c.actor, p.list(r.QueryOne("label__startswith")))
	if err != nil {
		return err
	}
	return sendPage(w, r, p, page, groupNest, groupSeq,
		func(dst []byte, g *hecate.Group) []byte { return appendGroup(dst, c.version, c.app, g) })
}

func groupSeq(g *hecate.Group) int64 { return g.Seq }

func (a *api) groupCreate(w *web.Response, r *web.Request, c *call) error {
	in, err := readInput(r)
	if err != nil {
		return err
	}
	var g engine.GroupInput
	change := in.groupChange()
	if err := in.err(); err != nil {
		return err
	}
	change(&g)
	created, err := a.engine.CreateGroup(r.Context(), c.actor, g)
	if err != nil {
		return err
	}
	return a.sendGroup(w, r, http.StatusCreated, c, created)
}

// groupChange reads label, description and name, and returns what they do to a group.
func (in *input) groupChange() func(*engine.GroupInput) {
	label := filled(in, in.text("label", textRule{blank: true, max: maxLabel}), "")
	description := filled(in, in.text("description", textRule{blank: true, max: maxDescription}), "")
	name := filled(in, in.slug("name"), "")
	return func(g *engine.GroupInput) {
		g.Title = or(label, g.Title)
		g.Description = or(description, g.Description)
		g.Name = or(name, g.Name)
	}
}

// slug reads a name of letters, digits, - and _ that begins with a letter; null is none.
func (in *input) slug(field string) *string {
	s := in.text(field, textRule{blank: true, null: true, max: maxLabel})
	if s == nil || *s == "" {
		return s
	}
	for i, c := range []byte(*s) {
		letter := 'a' <= c && c <= 'z'
		if !letter && (i == 0 || !('0' <= c && c <= '9' || c == '-' || c == '_')) {
			in.errs.add(field, "Enter a valid value consisting of letters, numbers, underscores or hyphens.")
			return nil
		}
	}
	return s
}

func (a *api) groupGet(w *web.Response, r *web.Request, c *call) error {
	g, err := a.engine.Group(r.Context(), c.actor, engine.GroupRef{Seq: number(r.PathValue("id"))})
	if err != nil {
		return err
	}
	return a.sendGroup(w, r, http.StatusOK, c, g)
}

func (a *api) groupUpdate(w *web.Response, r *web.Request, c *call) error {
	in, err := readInput(r)
	if err != nil {
		return err
	}
	change := in.groupChange()
	if err := in.err(); err != nil {
		return err
	}
	g, err := a.engine.UpdateGroup(r.Context(), c.actor, engine.GroupRef{Seq: number(r.PathValue("id"))}, change)
	if err != nil {
		return err
	}
	return a.sendGroup(w, r, http.StatusOK, c, g)
}

func (a *api) groupDelete(w *web.Response, r *web.Request, c *call) error {
	if err := a.engine.DeleteGroup(r.Context(), c.actor, engine.GroupRef{Seq: number(r.PathValue("id"))}); err != nil {
		return err
	}
	return a.nothing(w)
}

func (a *api) sendGroup(w *web.Response, r *web.Request, status int, c *call, g *hecate.Group) error {
	return a.answer(w, r, status, groupNest, func(dst []byte) []byte { return appendGroup(dst, c.version, c.app, g) })
}

// Memberships, seen from the user: users/{user}/groups/.

// appendUserGroup appends one row of a user's groups.
func appendUserGroup(dst []byte, c *call, g *hecate.Group) []byte {
	j := newJSON(dst)
	j.Open()
	j.Name("group")
	j.Buf = appendGroup(j.Buf, c.version, c.app, g)
	j.Name("links")
	j.Open()
	j.membership(c, "users/", c.user.Seq, "groups/", g.Seq)
	j.Close()
	j.Close()
	return j.Buf
}

// membership writes the link of a membership: <instance><kind><of>/<inner><n>/.
func (j *jsonWriter) membership(c *call, kind string, of int64, inner string, n int64) {
	j.link("self", c.version, c.app.Alias, kind, of, inner+strconv.FormatInt(n, 10)+"/")
}

func (a *api) userGroupList(w *web.Response, r *web.Request, c *call) error {
	p, err := readPaging(r)
	if err != nil {
		return err
	}
	page, err := a.engine.UserGroups(r.Context(), c.actor, engine.UserRef{ID: c.user.ID}, p.list(""))
	if err != nil {
		return err
	}
	return sendPage(w, r, p, page, groupRowNest, groupSeq,
		func(dst []byte, g *hecate.Group) []byte { return appendUserGroup(dst, c, g) })
}

func (a *api) userGroupGet(w *web.Response, r *web.Request, c *call) error {
	_, g, err := a.engine.Membership(r.Context(), c.actor, engine.UserRef{ID: c.user.ID}, engine.GroupRef{Seq: number(r.PathValue("id"))})
	if err != nil {
		return err
	}
	return a.sendUserGroup(w, r, http.StatusOK, c, g)
}

func (a *api) userGroupAdd(w *web.Response, r *web.Request, c *call) error {
	seq, err := readPK(r, "group")
	if err != nil {
		return err
	}
	_, g, err := a.engine.AddMember(r.Context(), c.actor, engine.UserRef{ID: c.user.ID}, engine.GroupRef{Seq: seq})
	if err != nil {
		return memberError(err, "group", seq)
	}
	return a.sendUserGroup(w, r, http.StatusCreated, c, g)
}

func (a *api) userGroupRemove(w *web.Response, r *web.Request, c *call) error {
	err := a.engine.RemoveMemberOf(r.Context(), c.actor, engine.UserRef{ID: c.user.ID}, engine.GroupRef{Seq: number(r.PathValue("id"))})
	if err != nil {
		return err
	}
	return a.nothing(w)
}

func (a *api) sendUserGroup(w *web.Response, r *web.Request, status int, c *call, g *hecate.Group) error {
	return a.answer(w, r, status, groupRowNest, func(dst []byte) []byte { return appendUserGroup(dst, c, g) })
}

// readPK reads the one field of a new membership.
func readPK(r *web.Request, name string) (int64, error) {
	in, err := readInput(r)
	if err != nil {
		return 0, err
	}
	pk := in.pk(name)
	if err := in.err(); err != nil {
		return 0, err
	}
	if pk <= 0 {
		return 0, badPK(name, pk)
	}
	return pk, nil
}

// memberError: what is wrong with a new membership.
func memberError(err error, field string, pk int64) error {
	switch d := hecate.Detail(err); {
	case errors.Is(err, hecate.NotFound) && d.Field == field:
		return badPK(field, pk)
	case d.Kind == hecate.Exists:
		return detail(http.StatusBadRequest, "User is already a part of that group.")
	case d.Kind == hecate.TooLarge:
		return detail(http.StatusBadRequest, "User's group count exceeded ("+shownLimit(d)+").")
	}
	return err
}

func shownLimit(d *hecate.Error) string {
	if limit, ok := d.Info["limit"].(int); ok {
		return strconv.Itoa(limit)
	}
	return "32"
}

// Memberships, seen from the group: groups/{group}/users/.

// groupUser appends one row of a group's users.
func (u userWriter) groupUser(dst []byte, d *engine.UserDetail) []byte {
	j := newJSON(dst)
	j.Open()
	j.Name("user")
	j.Buf = u.append(j.Buf, d)
	j.Name("links")
	j.Open()
	j.membership(u.c, "groups/", u.c.group.Seq, "users/", d.User.Seq)
	j.Close()
	j.Close()
	return j.Buf
}

func (a *api) groupUserList(w *web.Response, r *web.Request, c *call) error {
	p, err := readPaging(r)
	if err != nil {
		return err
	}
	var page hecate.Page[*engine.UserDetail]
	if c.own() {
		page, err = a.ownMembership(r.Context(), c, p)
	} else {
		page, err = a.engine.GroupUsers(r.Context(), c.actor, engine.GroupRef{ID: c.group.ID}, p.list(""))
	}
	if err != nil {
		return err
	}
	u, err := a.showUsers(r.Context(), c, page.Rows...)
	if err != nil {
		return err
	}
	return sendPage(w, r, p, page, userRowNest, func(d *engine.UserDetail) int64 { return d.User.Seq }, u.groupUser)
}

// ownMembership is the list of a group's users as a user key sees it: himself, if he is in the group.
func (a *api) ownMembership(ctx context.Context, c *call, p paging) (page hecate.Page[*engine.UserDetail], err error) {
	_, _, err = a.engine.Membership(ctx, c.actor, engine.UserRef{ID: c.actor.User.ID}, engine.GroupRef{ID: c.group.ID})
	if errors.Is(err, hecate.NotFound) {
		return page, nil
	}
	if err != nil {
		return page, err
	}
	return a.ownPage(ctx, c, p)
}

func (a *api) groupUserGet(w *web.Response, r *web.Request, c *call) error {
	ref, err := userRef(c, number(r.PathValue("id")))
	if err != nil {
		return err
	}
	d, _, err := a.engine.Membership(r.Context(), c.actor, ref, engine.GroupRef{ID: c.group.ID})
	if err != nil {
		return err
	}
	return a.sendGroupUser(w, r, http.StatusOK, c, d)
}

func (a *api) groupUserAdd(w *web.Response, r *web.Request, c *call) error {
	seq, err := readPK(r, "user")
	if err != nil {
		return err
	}
	d, _, err := a.engine.AddMember(r.Context(), c.actor, engine.UserRef{Seq: seq}, engine.GroupRef{ID: c.group.ID})
	if err != nil {
		return memberError(err, "user", seq)
	}
	return a.sendGroupUser(w, r, http.StatusCreated, c, d)
}

func (a *api) groupUserRemove(w *web.Response, r *web.Request, c *call) error {
	err := a.engine.RemoveMemberOf(r.Context(), c.actor, engine.UserRef{Seq: number(r.PathValue("id"))}, engine.GroupRef{ID: c.group.ID})
	if err != nil {
		return err
	}
	return a.nothing(w)
}

func (a *api) sendGroupUser(w *web.Response, r *web.Request, status int, c *call, d *engine.UserDetail) error {
	u, err := a.showUsers(r.Context(), c, d)
	if err != nil {
		return err
	}
	return a.answer(w, r, status, userRowNest, func(dst []byte) []byte { return u.groupUser(dst, d) })
}
