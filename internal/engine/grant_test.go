package engine

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"hecate"
	"hecate/internal/store"
)

func TestReadGrant(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, kept, path string
		verbs            hecate.Permissions
	}{
		{"get:/x", "get:/x", "/x", mayGet},
		{" GET,Post:/Dogs/** ", "get,post:/dogs/**", "/dogs/**", mayGet | mayPost},
		{"get, put:/x", "get, put:/x", "/x", mayGet | mayPut},
		{"*:/x", "*:/x", "/x", mayAll},
		{":/x", ":/x", "/x", mayAll},
		{"/x", "/x", "/x", mayAll},
		{"delete:x", "delete:x", "/x", mayDelete},
		{"get:*", "get:*", "/**", mayGet},
		{"get:/", "get:/", "/", mayGet},
		{"get:/users/${user}/a:b", "get:/users/${user}/a:b", "/users/${user}/a:b", mayGet},
	} {
		kept, g, err := ReadGrant(c.text)
		if err != nil || kept != c.kept || g.Path != c.path || g.Permissions != c.verbs {
			t.Errorf("%q: %q %+v %v", c.text, kept, g, err)
		}
	}
	for text, kind := range map[string]hecate.Kind{
		"": hecate.Invalid, "get:": hecate.Invalid, "steal:/x": hecate.Invalid, "get,,put:/x": hecate.Invalid, "get:/\x00": hecate.Invalid, "get:/a\nb": hecate.Invalid,
		"get:/\xff": hecate.Invalid, "get:/" + strings.Repeat("a", 2000): hecate.TooLarge, "get:" + strings.Repeat("/**", 20): hecate.TooLarge,
		"get:" + strings.Repeat("/a", 100): hecate.TooLarge,
	} {
		_, _, err := ReadGrant(text)
		fails(t, err, kind, "permission")
	}
}

func FuzzReadGrant(f *testing.F) {
	for _, seed := range []string{"get,post,put,delete:/**", "/x", "*:*", "get:/users/${user}/**", ":", "get :x", "PUT:/A b/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		kept, g, err := ReadGrant(text)
		if err != nil {
			if k := hecate.KindOf(err); k != hecate.Invalid && k != hecate.TooLarge {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		again, same, err := ReadGrant(kept)
		if err != nil || again != kept || same != g {
			t.Errorf("%q is kept as %q, which is %q %+v %v", text, kept, again, same, err)
		}
		if g.Path == "" || g.Path[0] != '/' || g.Permissions == 0 || g.Permissions&^mayAll != 0 {
			t.Errorf("%q: %+v", text, g)
		}
	})
}

// reaches reports whether the policy lets an actor read a path.
func reachesPath(a *hecate.Actor, path string) bool { return hecate.MayEnter(a, hecate.Read, path) }

func TestGrants(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		ann := h.user(owner, "ann")
		group := must[*hecate.Group](t)(h.CreateGroup(ctx, owner, GroupInput{Name: "crew"}))
		_, _, err := h.AddMember(ctx, owner, UserRef{ID: ann.User.ID}, GroupRef{ID: group.ID})
		works(t, err)
		role, err := h.CreateRole(ctx, owner, "reader", RoleChange{})
		works(t, err)
		must[[]string](t)(h.RemoveGrants(ctx, owner, hecate.SubjectRole(DefaultRole), []string{"GET,put,post,delete:/**"}))
		user, crew, reader := hecate.SubjectUser(ann.User.ID), hecate.SubjectGroup(group.ID), hecate.SubjectRole("reader")
		sees := func(path string) bool { return reachesPath(h.enter(app, hecate.Proof{Token: ann.Token}), path) }
		add := func(s hecate.Subject, text string) string {
			return fmt.Sprint(must[[]string](t)(h.AddGrant(ctx, owner, s, text)))
		}

		t.Run("of a user, a role and a role of his group count at once, of a group never", func(t *testing.T) {
			if sees("/a") {
				t.Fatal("without a grant")
			}
			if got := add(user, "GET:/a") + add(user, "get:/a"); got != "[get:/a][get:/a]" || !sees("/a") {
				t.Errorf("own grants %s", got)
			}
			add(crew, "get:/b")
			add(reader, "get:/c")
			if sees("/b") || sees("/c") {
				t.Error("a group's grant, or a role's that is not held")
			}
			_, err := h.GiveRole(ctx, owner, RoleRef{Name: "READER"}, crew)
			works(t, err)
			if !sees("/c") || sees("/b") {
				t.Error("the role of the group does not count")
			}
			_, err = h.TakeRole(ctx, owner, RoleRef{ID: role.ID}, crew)
			works(t, err)
			_, err = h.TakeRole(ctx, owner, RoleRef{ID: role.ID}, crew)
			fails(t, err, hecate.NotFound, "membership")
			if sees("/c") {
				t.Error("the role was taken")
			}
			_, err = h.GiveRole(ctx, owner, RoleRef{ID: role.ID}, user)
			works(t, err)
			if got := must[[]string](t)(h.RemoveGrants(ctx, owner, reader, []string{"get:/c", "none"})); len(got) != 0 || sees("/c") {
				t.Errorf("left %v", got)
			}
		})
		t.Run("of others nobody sees or changes them", func(t *testing.T) {
			_, other := h.app("films")
			guest, self := h.enter(app, hecate.Proof{}), h.enter(app, hecate.Proof{Token: ann.Token})
			for _, a := range []*hecate.Actor{guest, self, h.enter(app, hecate.Proof{Key: h.key(owner, hecate.ManagesData)})} {
				for _, s := range []hecate.Subject{user, crew, reader} {
					failed[[]string](t, hecate.Forbidden, "")(h.GrantsOf(ctx, a, s))
					failed[[]string](t, hecate.Forbidden, "")(h.AddGrant(ctx, a, s, "get:/**"))
					failed[[]string](t, hecate.Forbidden, "")(h.RemoveGrants(ctx, a, s, []string{"get:/a"}))
				}
				failed[hecate.Role](t, hecate.Forbidden, "")(h.GiveRole(ctx, a, RoleRef{Name: "admin"}, user))
				failed[hecate.Role](t, hecate.Forbidden, "")(h.CreateRole(ctx, a, "x", RoleChange{}))
				failed[hecate.Role](t, hecate.Forbidden, "")(h.UpdateRole(ctx, a, RoleRef{Name: "reader"}, RoleChange{}))
				failed[hecate.Role](t, hecate.Forbidden, "")(h.DeleteRole(ctx, a, RoleRef{Name: "reader"}))
			}
			for _, s := range []hecate.Subject{user, crew, reader} {
				kind, _ := s.Split()
				failed[[]string](t, hecate.NotFound, kind)(h.GrantsOf(ctx, other, s))
				failed[[]string](t, hecate.NotFound, kind)(h.AddGrant(ctx, other, s, "get:/**"))
			}
			failed[hecate.Role](t, hecate.NotFound, "role")(h.Role(ctx, other, RoleRef{ID: role.ID}))
			failed[hecate.Role](t, hecate.NotFound, "role")(h.GiveRole(ctx, owner, RoleRef{Name: "none"}, user))
			failed[hecate.Role](t, hecate.NotFound, "user")(h.GiveRole(ctx, other, RoleRef{Name: "admin"}, user))
			failed[hecate.Role](t, hecate.Invalid, "subject")(h.GiveRole(ctx, owner, RoleRef{Name: "admin"}, hecate.Public))
			failed[[]string](t, hecate.Invalid, "subject")(h.AddGrant(ctx, owner, hecate.Public, "get:/x"))
			failed[hecate.Role](t, hecate.NotFound, "role")(h.Role(ctx, owner, RoleRef{Name: "\x00"}))
			failed[hecate.Role](t, hecate.NotFound, "role")(h.Role(ctx, owner, RoleRef{ID: "\xff"}))
		})
		t.Run("a deleted role is gone from everywhere", func(t *testing.T) {
			add(reader, "get:/d")
			if !sees("/d") {
				t.Fatal("the role is not held")
			}
			_, err := h.DeleteRole(ctx, owner, RoleRef{Name: "reader"})
			works(t, err)
			again, err := h.CreateRole(ctx, owner, "reader", RoleChange{})
			works(t, err)
			_, err = h.GiveRole(ctx, owner, RoleRef{ID: again.ID}, user)
			works(t, err)
			if sees("/d") {
				t.Error("a grant outlived its role")
			}
			if got := must[hecate.Page[*hecate.User]](t)(h.RoleUsers(ctx, owner, RoleRef{ID: again.ID}, List{Limit: 5})); len(got.Rows) != 1 || got.Rows[0].Username != "ann" {
				t.Errorf("holders %v", got.Rows)
			}
		})
		t.Run("there is an end to them", func(t *testing.T) {
			works(t, h.db.Write(ctx, func(tx *store.DB) error {
				for i := range maxGrantsOfSubject {
					if _, err := tx.InsertPolicy(ctx, app.ID, fmt.Sprint("get:/n", i), hecate.Grant{Subject: crew, Permissions: mayGet, Path: "/n"}); err != nil {
						return err
					}
				}
				return nil
			}))
			failed[[]string](t, hecate.TooLarge, "permissions")(h.AddGrant(ctx, owner, crew, "get:/more"))
		})
	})
}

func TestRolesAsThings(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		role, err := h.CreateRole(ctx, owner, "Editor", RoleChange{Title: ptr("T"), Inactivity: ptr(time.Hour), Properties: map[string]any{"a": int64(1), "b": "x"}})
		works(t, err)
		if role.Name != "Editor" || role.Title != "T" || role.Inactivity != time.Hour || role.Admin || role.Default {
			t.Errorf("role = %+v", role)
		}
		failed[hecate.Role](t, hecate.Exists, "name")(h.CreateRole(ctx, owner, "EDITOR", RoleChange{}))
		failed[hecate.Role](t, hecate.Exists, "name")(h.CreateRole(ctx, owner, "Guest", RoleChange{}))
		failed[hecate.Role](t, hecate.Invalid, "name")(h.CreateRole(ctx, owner, "", RoleChange{}))
		failed[hecate.Role](t, hecate.Invalid, "name")(h.CreateRole(ctx, owner, " x", RoleChange{}))
		failed[hecate.Role](t, hecate.Invalid, "name")(h.CreateRole(ctx, owner, "a\nb", RoleChange{}))
		failed[hecate.Role](t, hecate.TooLarge, "name")(h.CreateRole(ctx, owner, strings.Repeat("x", 300), RoleChange{}))
		failed[hecate.Role](t, hecate.Invalid, "inactivity")(h.CreateRole(ctx, owner, "x", RoleChange{Inactivity: ptr(-time.Second)}))
		failed[hecate.Role](t, hecate.TooLarge, "properties")(h.CreateRole(ctx, owner, "x", RoleChange{Properties: map[string]any{"a": strings.Repeat("x", 70_000)}}))
		var deep any = "x"
		for range 30 {
			deep = []any{deep}
		}
		failed[hecate.Role](t, hecate.TooLarge, "properties")(h.CreateRole(ctx, owner, "x", RoleChange{Properties: map[string]any{"a": deep}}))
		failed[hecate.Role](t, hecate.Invalid, "properties")(h.CreateRole(ctx, owner, "x", RoleChange{Properties: map[string]any{"a": "\x00"}}))
		failed[*hecate.Group](t, hecate.Invalid, "properties")(h.CreateGroup(ctx, owner, GroupInput{Name: "x", Properties: map[string]any{"a": "\x00"}}))

		_, err = h.UpdateRole(ctx, owner, RoleRef{Name: "editor"}, RoleChange{Properties: map[string]any{"a": nil, "c": true}})
		works(t, err)
		now, err := h.Role(ctx, owner, RoleRef{ID: role.ID})
		works(t, err)
		if now.Title != "T" || fmt.Sprint(now.Properties) != "map[b:x c:true]" {
			t.Errorf("role = %+v", now)
		}
		t.Run("of many that make one role exactly one does", func(t *testing.T) {
			var wg sync.WaitGroup
			var mu sync.Mutex
			made := 0
			for i := range 8 {
				wg.Go(func() {
					name := "same"
					if i%2 == 1 {
						name = "SAME"
					}
					if _, err := h.CreateRole(context.Background(), owner, name, RoleChange{}); err == nil {
						mu.Lock()
						made++
						mu.Unlock()
					}
				})
			}
			wg.Wait()
			if made != 1 {
				t.Errorf("%d were made", made)
			}
		})
		if n := h.events(app.ID, "update role"); n != 1 {
			t.Errorf("%d events", n)
		}
	})
}

func TestARoleIsLostByAnIdleSession(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		d := h.user(owner, "ann")
		user := hecate.SubjectUser(d.User.ID)
		in := LoginInput{Login: "ann", Password: clear("password of ann"), Open: &OpenSession{}}
		early := must[*LoginResult](t)(h.Login(ctx, owner, in)).SessionToken
		h.clock.move(5 * time.Hour) // before there is such a role nobody counts
		_, err := h.CreateRole(ctx, owner, "shift", RoleChange{Inactivity: ptr(10 * time.Minute)})
		works(t, err)
		_, err = h.GiveRole(ctx, owner, RoleRef{Name: "shift"}, user)
		works(t, err)
		must[[]string](t)(h.AddGrant(ctx, owner, hecate.SubjectRole("shift"), "get:/shift"))
		must[[]string](t)(h.RemoveGrants(ctx, owner, hecate.SubjectRole(DefaultRole), []string{"get,put,post,delete:/**"}))
		late := must[*LoginResult](t)(h.Login(ctx, owner, in)).SessionToken
		on := func(token hecate.Secret) bool {
			t.Helper()
			a := h.enter(app, hecate.Proof{Token: token})
			if a.Is(hecate.SubjectRole("shift")) != reachesPath(a, "/shift") {
				t.Error("subjects and policy disagree")
			}
			return reachesPath(a, "/shift")
		}
		if !on(early) || !on(late) {
			t.Fatal("the role does not count")
		}
		for range 5 { // as long as it is used it stays
			h.clock.move(9 * time.Minute)
			if !on(late) {
				t.Fatal("lost while it was used")
			}
		}
		if on(early) {
			t.Error("kept though it lay idle")
		}
		if on(early) {
			t.Error("back with the next request")
		}
		h.clock.move(11 * time.Minute)
		if on(late) {
			t.Error("kept though it lay idle")
		}
		other := New(h.config) // what is stored is what other nodes know
		a := must[*hecate.Actor](t)(other.Authenticate(ctx, app, hecate.Proof{Token: late}))
		if a.Is(hecate.SubjectRole("shift")) {
			t.Error("another server gives it back")
		}
		fresh := must[*LoginResult](t)(h.Login(ctx, owner, in)).SessionToken
		if !on(fresh) {
			t.Error("a new session has not got it")
		}
		_, err = h.UpdateRole(ctx, owner, RoleRef{Name: "shift"}, RoleChange{Inactivity: ptr(time.Duration(0))})
		works(t, err)
		if !on(early) || !on(late) {
			t.Error("without the limit it counts again")
		}
	})
}

func TestTheUseOfASessionIsStoredSeldom(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", Config{})
	_, err := h.DeclareOrg(ctx, System(), "acme", nil)
	works(t, err)
	app, _, err := h.DeclareApp(ctx, System(), DeclareAppInput{Org: "acme", Name: "books", Alias: "books"})
	works(t, err)
	owner := SystemIn(app)
	d := h.user(owner, "ann")
	_, err = h.CreateRole(ctx, owner, "shift", RoleChange{Inactivity: ptr(time.Hour)})
	works(t, err)
	s := h.enter(app, hecate.Proof{Token: d.Token}).Session
	stored := map[time.Time]bool{}
	for range 60 {
		h.clock.move(5 * time.Second)
		h.enter(app, hecate.Proof{Token: d.Token})
		u, err := h.db.SessionUse(ctx, app.ID, s.ID)
		if err == nil {
			stored[u.At] = true
		}
	}
	if n := len(stored); n < 4 || n > 6 { // five minutes
		t.Errorf("stored %d times", n)
	}
}
