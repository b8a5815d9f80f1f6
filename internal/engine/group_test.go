package engine

import (
	"fmt"
	"testing"

	"hecate"
	"hecate/internal/store"
)

func TestGroups(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		_, other := h.app("films")
		plain, creating, managing := h.key(owner, 0), h.key(owner, hecate.CreatesGroups), h.key(owner, hecate.ManagesData)
		g := must[*hecate.Group](t)(h.CreateGroup(ctx, owner, GroupInput{Name: "Lambda/Team", Title: "Lambda", Description: "d", Properties: map[string]any{"n": int64(1)}}))
		if g.Seq != 1 || g.Name != "Lambda/Team" {
			t.Errorf("group = %+v", g)
		}
		for _, ref := range []GroupRef{{ID: g.ID}, {Seq: 1}, {Name: "lambda/TEAM"}} {
			if got := must[*hecate.Group](t)(h.Group(ctx, h.enter(app, hecate.Proof{Key: plain}), ref)); got.ID != g.ID || got.Properties["n"] != int64(1) {
				t.Errorf("%+v: %+v", ref, got)
			}
			failed[*hecate.Group](t, hecate.NotFound, "group")(h.LookupGroup(ctx, other.App.ID, GroupRef{ID: g.ID}))
		}
		failed[*hecate.Group](t, hecate.NotFound, "group")(h.Group(ctx, owner, GroupRef{}))
		failed[*hecate.Group](t, hecate.NotFound, "group")(h.Group(ctx, owner, GroupRef{Name: "\xff\x00"}))
		failed[*hecate.Group](t, hecate.Exists, "name")(h.CreateGroup(ctx, owner, GroupInput{Name: "lambda/team"}))
		failed[*hecate.Group](t, hecate.Invalid, "title")(h.CreateGroup(ctx, owner, GroupInput{Title: "\x00"}))
		failed[*hecate.Group](t, hecate.Forbidden, "")(h.CreateGroup(ctx, h.enter(app, hecate.Proof{Key: plain}), GroupInput{}))
		failed[*hecate.Group](t, hecate.Forbidden, "")(h.CreateGroup(ctx, h.enter(app, hecate.Proof{Key: managing}), GroupInput{}))
		second := must[*hecate.Group](t)(h.CreateGroup(ctx, h.enter(app, hecate.Proof{Key: creating}), GroupInput{Title: "other"}))
		must[*hecate.Group](t)(h.CreateGroup(ctx, owner, GroupInput{Title: "other"}))
		if p := must[hecate.Page[*hecate.Group]](t)(h.Groups(ctx, h.enter(app, hecate.Proof{Key: plain}), List{Limit: 9, Prefix: "oth"})); len(p.Rows) != 2 {
			t.Errorf("groups = %+v", p.Rows)
		}
		failed[hecate.Page[*hecate.Group]](t, hecate.Forbidden, "")(h.Groups(ctx, h.enter(app, hecate.Proof{}), List{Limit: 9}))
		all := must[map[hecate.GroupID]*hecate.Group](t)(h.LookupGroups(ctx, app.ID, []hecate.GroupID{g.ID, second.ID, "x"}))
		if len(all) != 2 || all[second.ID].Title != "other" {
			t.Errorf("groups = %+v", all)
		}

		gordon := h.user(owner, "gordon")
		_, _, err := h.AddMember(ctx, owner, UserRef{Seq: 1}, GroupRef{Seq: 1})
		works(t, err)
		must[*UserDetail](t)(h.User(ctx, owner, UserRef{Seq: 1})) // warm
		must[*hecate.Group](t)(h.UpdateGroup(ctx, owner, GroupRef{Seq: 1}, func(in *GroupInput) { in.Title, in.Name = "Xen", "" }))
		if d := must[*UserDetail](t)(h.User(ctx, owner, UserRef{Seq: 1})); len(d.Groups) != 1 || d.Groups[0].Title != "Xen" {
			t.Errorf("groups = %+v", d.Groups)
		}
		failed[*hecate.Group](t, hecate.NotFound, "group")(h.UpdateGroup(ctx, owner, GroupRef{Seq: 99}, func(*GroupInput) {}))
		failed[*hecate.Group](t, hecate.Forbidden, "")(h.UpdateGroup(ctx, h.enter(app, hecate.Proof{Key: creating}), GroupRef{Seq: 1}, func(*GroupInput) {}))
		must[*hecate.Group](t)(h.UpdateGroup(ctx, owner, GroupRef{Seq: 2}, func(in *GroupInput) { in.Name = "lambda/team" }))
		failed[*hecate.Group](t, hecate.Exists, "name")(h.UpdateGroup(ctx, owner, GroupRef{Seq: 1}, func(in *GroupInput) { in.Name = "LAMBDA/team" }))

		a := h.as(app, plain, gordon)
		if !a.Is(hecate.SubjectGroup(g.ID)) {
			t.Error("not in his group")
		}
		fails(t, h.DeleteGroup(ctx, a, GroupRef{Seq: 1}), hecate.Forbidden, "")
		fails(t, h.DeleteGroup(ctx, other, GroupRef{ID: g.ID}), hecate.NotFound, "group")
		works(t, h.DeleteGroup(ctx, owner, GroupRef{Seq: 1}))
		if a := h.as(app, plain, gordon); a.Is(hecate.SubjectGroup(g.ID)) {
			t.Error("still in the deleted group")
		}
		if d := must[*UserDetail](t)(h.User(ctx, owner, UserRef{Seq: 1})); len(d.Groups) != 0 {
			t.Errorf("groups = %+v", d.Groups)
		}
	})
}

func TestMemberships(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		h.limits.GroupsPerUser = 2
		app, owner := h.app("books")
		plain, managing, master := h.key(owner, 0), h.key(owner, hecate.ManagesData), h.key(owner, hecate.Master)
		gordon, alyx := h.user(owner, "gordon"), h.user(owner, "alyx")
		for i := range 3 {
			must[*hecate.Group](t)(h.CreateGroup(ctx, owner, GroupInput{Title: fmt.Sprint(i)}))
		}
		add := func(a *hecate.Actor, user, group int64) error {
			_, _, err := h.AddMember(ctx, a, UserRef{Seq: user}, GroupRef{Seq: group})
			return err
		}
		d, g, err := h.AddMember(ctx, owner, UserRef{Seq: 1}, GroupRef{Seq: 1})
		works(t, err)
		if d.User.ID != gordon.User.ID || g.Seq != 1 || len(d.Groups) != 1 {
			t.Errorf("membership = %+v %+v", d.User, g)
		}
		fails(t, add(owner, 1, 1), hecate.Exists, "membership")
		fails(t, add(owner, 9, 1), hecate.NotFound, "user")
		fails(t, add(owner, 1, 9), hecate.NotFound, "group")
		works(t, add(owner, 1, 2))
		fails(t, add(owner, 1, 3), hecate.TooLarge, "groups")
		if n := len(must[*UserDetail](t)(h.User(ctx, owner, UserRef{Seq: 1})).Groups); n != 2 {
			t.Errorf("%d groups", n)
		}
		works(t, add(owner, 2, 1))

		keyOnly, manager := h.enter(app, hecate.Proof{Key: plain}), h.enter(app, hecate.Proof{Key: managing})
		me := h.as(app, plain, gordon)
		for _, a := range []*hecate.Actor{keyOnly, manager, me, h.enter(app, hecate.Proof{})} {
			fails(t, add(a, 2, 2), hecate.Forbidden, "")
			fails(t, h.RemoveMemberOf(ctx, a, UserRef{Seq: 1}, GroupRef{Seq: 1}), hecate.Forbidden, "")
		}
		for _, a := range []*hecate.Actor{keyOnly, manager} {
			failed[hecate.Page[*hecate.Group]](t, hecate.Forbidden, "")(h.UserGroups(ctx, a, UserRef{Seq: 1}, List{Limit: 9}))
			failed[hecate.Page[*UserDetail]](t, hecate.Forbidden, "")(h.GroupUsers(ctx, a, GroupRef{Seq: 1}, List{Limit: 9}))
		}
		t.Run("a user sees his own memberships only", func(t *testing.T) {
			if p := must[hecate.Page[*hecate.Group]](t)(h.UserGroups(ctx, me, UserRef{Seq: 1}, List{Limit: 9})); len(p.Rows) != 2 {
				t.Errorf("groups = %+v", p.Rows)
			}
			failed[hecate.Page[*hecate.Group]](t, hecate.Forbidden, "")(h.UserGroups(ctx, me, UserRef{Seq: 2}, List{Limit: 9}))
			p := must[hecate.Page[*UserDetail]](t)(h.GroupUsers(ctx, me, GroupRef{Seq: 1}, List{Limit: 9}))
			if len(p.Rows) != 1 || p.Rows[0].User.ID != gordon.User.ID {
				t.Errorf("users = %+v", p.Rows)
			}
			if p := must[hecate.Page[*UserDetail]](t)(h.GroupUsers(ctx, me, GroupRef{Seq: 3}, List{Limit: 9})); len(p.Rows) != 0 {
				t.Errorf("users = %+v", p.Rows)
			}
			_, _, err := h.Membership(ctx, me, UserRef{Seq: 1}, GroupRef{Seq: 1})
			works(t, err)
			_, _, err = h.Membership(ctx, me, UserRef{Seq: 2}, GroupRef{Seq: 1})
			fails(t, err, hecate.Forbidden, "")
		})
		t.Run("managers see all", func(t *testing.T) {
			for _, a := range []*hecate.Actor{owner, h.enter(app, hecate.Proof{Key: master})} {
				p := must[hecate.Page[*UserDetail]](t)(h.GroupUsers(ctx, a, GroupRef{Seq: 1}, List{Limit: 1}))
				if len(p.Rows) != 1 || !p.More || p.Rows[0].Token.IsZero() {
					t.Errorf("users = %+v", p)
				}
				_, _, err := h.Membership(ctx, a, UserRef{Seq: 2}, GroupRef{Seq: 2})
				fails(t, err, hecate.NotFound, "membership")
				_, _, err = h.Membership(ctx, a, UserRef{Seq: 9}, GroupRef{Seq: 2})
				fails(t, err, hecate.NotFound, "user")
				_, _, err = h.Membership(ctx, a, UserRef{Seq: 2}, GroupRef{Seq: 9})
				fails(t, err, hecate.NotFound, "group")
			}
		})
		t.Run("leaving counts at once", func(t *testing.T) {
			second := must[*hecate.Group](t)(h.Group(ctx, owner, GroupRef{Seq: 2}))
			if !h.as(app, plain, gordon).Is(hecate.SubjectGroup(second.ID)) {
				t.Fatal("not in his group")
			}
			works(t, h.RemoveMemberOf(ctx, owner, UserRef{Seq: 1}, GroupRef{Seq: 2}))
			if h.as(app, plain, gordon).Is(hecate.SubjectGroup(second.ID)) {
				t.Error("still in the group")
			}
			fails(t, h.RemoveMemberOf(ctx, owner, UserRef{Seq: 1}, GroupRef{Seq: 2}), hecate.NotFound, "membership")
		})
		_ = alyx
	})
}

func TestRoles(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		plain := h.key(owner, 0)
		gordon, alyx := h.user(owner, "gordon"), h.user(owner, "alyx")
		one := UserRef{Seq: 1}
		names := func(a *hecate.Actor, ref UserRef) string {
			return fmt.Sprint(must[[]string](t)(h.UserRoles(ctx, a, ref)))
		}

		works(t, h.AssignRole(ctx, owner, one, []string{"b", "a", "b"}))
		works(t, h.AssignRole(ctx, owner, one, []string{"a"}))
		if got := names(owner, one); got != "[a b]" {
			t.Errorf("roles = %s", got)
		}
		me := h.as(app, plain, gordon)
		if !me.Is("role:a") || names(me, one) != "[a b]" {
			t.Errorf("subjects = %v", me.Subjects)
		}
		failed[[]string](t, hecate.Forbidden, "")(h.UserRoles(ctx, me, UserRef{Seq: 2}))
		works(t, h.RevokeRole(ctx, owner, one, []string{"a", "unknown"}))
		if me = h.as(app, plain, gordon); me.Is("role:a") || !me.Is("role:b") {
			t.Errorf("subjects = %v", me.Subjects)
		}
		fails(t, h.AssignRole(ctx, me, one, []string{"a"}), hecate.Forbidden, "")
		fails(t, h.AssignRole(ctx, owner, UserRef{Seq: 9}, []string{"a"}), hecate.NotFound, "user")
		fails(t, h.AssignRole(ctx, owner, one, []string{""}), hecate.Invalid, "role")
		fails(t, h.AssignRole(ctx, owner, one, []string{"\x00"}), hecate.Invalid, "role")
		fails(t, h.AssignRole(ctx, owner, one, make([]string, maxRoles+1)), hecate.TooLarge, "role")

		t.Run("holders of an admin role manage users and roles", func(t *testing.T) {
			must[hecate.Role](t)(h.DeclareRole(ctx, owner, "Admin", RoleInput{Admin: ptr(true)}))
			works(t, h.AssignRole(ctx, owner, one, []string{"Admin"}))
			me := h.as(app, plain, gordon)
			works(t, h.AssignRole(ctx, me, UserRef{Seq: 2}, []string{"c"}))
			works(t, h.DisableUser(ctx, me, UserRef{Seq: 2}, DisableUserInput{Disabled: true}))
			must[hecate.Role](t)(h.DeclareRole(ctx, owner, "Admin", RoleInput{Admin: ptr(false)}))
			me = h.as(app, plain, gordon)
			fails(t, h.DisableUser(ctx, me, UserRef{Seq: 1}, DisableUserInput{Disabled: true}), hecate.Forbidden, "")
		})
		t.Run("new users get the default roles", func(t *testing.T) {
			must[hecate.Role](t)(h.DeclareRole(ctx, owner, "reader", RoleInput{Default: ptr(true), Title: ptr("Reader")}))
			eli := h.user(owner, "eli")
			if got := names(owner, UserRef{ID: eli.User.ID}); got != "[reader]" {
				t.Errorf("roles = %s", got)
			}
			if got := names(owner, UserRef{ID: alyx.User.ID}); got != "[c]" {
				t.Errorf("roles = %s", got)
			}
			failed[hecate.Role](t, hecate.Forbidden, "")(h.DeclareRole(ctx, h.as(app, plain, gordon), "reader", RoleInput{}))
			failed[[]hecate.Role](t, hecate.Forbidden, "")(h.Roles(ctx, h.as(app, plain, gordon)))
		})
		t.Run("a group's role is its members'", func(t *testing.T) {
			g := must[*hecate.Group](t)(h.CreateGroup(ctx, owner, GroupInput{}))
			role := must[hecate.Role](t)(h.DeclareRole(ctx, owner, "grouped", RoleInput{}))
			works(t, h.db.Write(ctx, func(tx *store.DB) error {
				_, err := tx.HoldRole(ctx, app.ID, role.ID, hecate.SubjectGroup(g.ID))
				return err
			}))
			_, _, err := h.AddMember(ctx, owner, one, GroupRef{ID: g.ID})
			works(t, err)
			if !h.as(app, plain, gordon).Is("role:grouped") {
				t.Error("not held")
			}
			works(t, h.RemoveMemberOf(ctx, owner, one, GroupRef{ID: g.ID}))
			if h.as(app, plain, gordon).Is("role:grouped") {
				t.Error("still held")
			}
		})
	})
}
