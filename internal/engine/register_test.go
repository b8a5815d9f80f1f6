package engine

import (
	"strings"
	"sync"
	"testing"
	"time"

	"hecate"
)

func registration(org, email string) RegisterOrgInput {
	return RegisterOrgInput{Name: org, Owner: RegisterAdminInput{Email: email, Username: email, Name: "N", Password: clear("s3cret")}}
}

func TestRegisterOrg(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		in := registration("Acme", "Ada@x.io")
		in.Properties = map[string]any{"level": int64(5)}
		made := must[*RegisteredOrg](t)(h.RegisterOrg(ctx, nil, in))
		if made.Org.Name != "Acme" || made.Owner.Email != "ada@x.io" || made.App.Name != "sandbox" || made.App.Alias != "acme-sandbox" || made.App.OrgName != "Acme" {
			t.Errorf("made %+v %+v %+v", made.Org, made.Owner, made.App)
		}
		owner := adminActor(made.Owner)
		app := must[*hecate.App](t)(h.AppByName(ctx, "ACME", "sandbox"))
		if !app.Settings.Sandbox || app.Owner != made.Owner.ID || len(h.enter(app, hecate.Proof{}).Policy) != 4 {
			t.Errorf("app = %+v", app)
		}
		d := must[*OrgDetail](t)(h.OrgDetail(ctx, owner, made.Org.ID))
		if len(d.Apps) != 1 || len(d.Members) != 1 || d.Members[0].ID != made.Owner.ID || d.Org.Properties["level"] != int64(5) || d.Members[0].Since.IsZero() {
			t.Errorf("detail = %+v", d)
		}
		if l := h.last(); l.To != "ada@x.io" {
			t.Errorf("letter = %+v", l)
		}
		must[*AdminDetail](t)(h.LoginAdmin(ctx, "ada@x.io", clear("s3cret")))

		t.Run("what is taken is said, and nothing stays", func(t *testing.T) {
			before := count(t, h)
			for _, c := range []struct {
				in    RegisterOrgInput
				kind  hecate.Kind
				field string
			}{
				{registration("ACME", "new@x.io"), hecate.Exists, "name"},
				{registration("other", "ada@X.io"), hecate.Exists, "email"},
				{RegisterOrgInput{Name: "other", Owner: RegisterAdminInput{Email: "new@x.io", Username: "ADA@x.io"}}, hecate.Exists, "username"},
				{registration("", "new@x.io"), hecate.Invalid, "name"},
				{registration("a\x00b", "new@x.io"), hecate.Invalid, "name"},
				{registration(strings.Repeat("x", 65), "new@x.io"), hecate.TooLarge, "name"},
				{registration("other", "no address"), hecate.Invalid, "email"},
				{RegisterOrgInput{Name: "other", Owner: RegisterAdminInput{Email: "new@x.io", Password: clear("abc"), MinPassword: 4}}, hecate.WeakPassword, "password"},
				{RegisterOrgInput{Name: "other", Owner: RegisterAdminInput{Email: "new@x.io", Activated: true}}, hecate.Forbidden, ""},
				{RegisterOrgInput{Name: "other", Properties: map[string]any{"x": strings.Repeat("x", maxProperties)}, Owner: RegisterAdminInput{Email: "new@x.io"}}, hecate.TooLarge, "properties"},
			} {
				failed[*RegisteredOrg](t, c.kind, c.field)(h.RegisterOrg(ctx, nil, c.in))
			}
			if after := count(t, h); after != before {
				t.Errorf("%v, before %v", after, before)
			}
		})
		t.Run("aliases give way", func(t *testing.T) {
			second := must[*RegisteredOrg](t)(h.RegisterOrg(ctx, nil, registration("acme!", "b@x.io")))
			if second.App.Alias != "acme-sandbox-2" {
				t.Errorf("alias %q", second.App.Alias)
			}
			books := func(org *RegisteredOrg) string {
				return must[*AppDetail](t)(h.CreateApp(ctx, adminActor(org.Owner), CreateAppInput{Org: org.Org.ID, Name: "books", AnyAlias: true})).App.Alias
			}
			if a, b := books(made), books(second); a != "books" || b != "acme-books" {
				t.Errorf("aliases %q, %q", a, b)
			}
			failed[*AppDetail](t, hecate.Exists, "name")(h.CreateApp(ctx, owner, CreateAppInput{Org: made.Org.ID, Name: "BOOKS", AnyAlias: true}))
		})
		t.Run("a password that nobody chose is one that nobody knows", func(t *testing.T) {
			in := registration("quiet", "q@x.io")
			in.Owner.Password = hecate.Secret{}
			made := must[*RegisteredOrg](t)(h.RegisterOrg(ctx, nil, in))
			if !made.Owner.HasPassword {
				t.Error("no password")
			}
			failed[*AdminDetail](t, hecate.WrongPassword, "")(h.LoginAdmin(ctx, "q@x.io", hecate.Secret{}))
		})
		t.Run("of many with one name exactly one works", func(t *testing.T) {
			var wg sync.WaitGroup
			errs := make([]error, 5)
			for i := range errs {
				wg.Go(func() { _, errs[i] = h.RegisterOrg(ctx, nil, registration("many", string(rune('a'+i))+"@many.io")) })
			}
			wg.Wait()
			made := 0
			for _, err := range errs {
				if err == nil {
					made++
				} else {
					fails(t, err, hecate.Exists, "name")
				}
			}
			if made != 1 {
				t.Errorf("%d were made", made)
			}
		})
	})
}

// count is how many orgs and apps there are.
func count(t *testing.T, h *house) [2]int {
	t.Helper()
	orgs, _, err := h.AllOrgs(ctx, System(), "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	apps := 0
	for _, o := range orgs {
		apps += len(o.Apps)
	}
	return [2]int{len(orgs), apps}
}

func adminActor(a *hecate.Admin) *hecate.Actor {
	return &hecate.Actor{Kind: hecate.AdminActor, Admin: a, Subjects: []hecate.Subject{hecate.Public}}
}

func TestClosedRegistrationOfOrgs(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", Config{})
	failed[*RegisteredOrg](t, hecate.Forbidden, "")(h.RegisterOrg(ctx, nil, registration("acme", "a@x.io")))
	in := registration("acme", "a@x.io")
	in.Owner.InvitationKey = clear("x")
	failed[*RegisteredOrg](t, hecate.Forbidden, "")(h.RegisterOrg(ctx, nil, in))
	made := must[*RegisteredOrg](t)(h.RegisterOrg(ctx, System(), registration("acme", "a@x.io")))
	failed[*RegisteredOrg](t, hecate.Forbidden, "")(h.RegisterOrg(ctx, adminActor(made.Owner), registration("more", "b@x.io")))
	t.Run("members invite all the same", func(t *testing.T) {
		a := must[*hecate.Admin](t)(h.CreateOrgAdmin(ctx, adminActor(made.Owner), made.Org.ID, RegisterAdminInput{Email: "c@x.io"}))
		must[*hecate.Org](t)(h.Org(ctx, adminActor(a), "acme"))
	})
}

func TestOrgsAndTheirMembers(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		one := must[*RegisteredOrg](t)(h.RegisterOrg(ctx, nil, registration("one", "ada@x.io")))
		two := must[*RegisteredOrg](t)(h.RegisterOrg(ctx, nil, registration("two", "bob@x.io")))
		ada, bob := adminActor(one.Owner), adminActor(two.Owner)
		client := must[*hecate.Client](t)(h.SetClient(ctx, ada, hecate.Client{Org: one.Org.ID}))
		orgClient := &hecate.Actor{Kind: hecate.ClientActor, Org: one.Org.ID}
		if client.Org != one.Org.ID {
			t.Errorf("client = %+v", client)
		}
		sandbox := must[*hecate.App](t)(h.AppByID(ctx, one.App.ID))
		appClient := &hecate.Actor{Kind: hecate.ClientActor, App: sandbox, Org: one.Org.ID, Role: hecate.FullRole, Powers: hecate.RolePowers[hecate.FullRole]}

		for _, ref := range []string{"one", "ONE", string(one.Org.ID), strings.ToUpper(string(one.Org.ID))} {
			for _, a := range []*hecate.Actor{ada, orgClient, System()} {
				if o := must[*hecate.Org](t)(h.Org(ctx, a, ref)); o.ID != one.Org.ID {
					t.Errorf("%s leads to %s", ref, o.Name)
				}
			}
			for _, a := range []*hecate.Actor{nil, {}, bob, appClient} {
				failed[*hecate.Org](t, hecate.NotFound, "org")(h.Org(ctx, a, ref))
			}
		}
		failed[*hecate.Org](t, hecate.NotFound, "org")(h.Org(ctx, System(), "\x00"))
		for name, verb := range map[string]func(a *hecate.Actor) error{
			"detail": func(a *hecate.Actor) error { _, err := h.OrgDetail(ctx, a, one.Org.ID); return err },
			"update": func(a *hecate.Actor) error { _, err := h.UpdateOrg(ctx, a, one.Org.ID, nil); return err },
			"add":    func(a *hecate.Actor) error { _, err := h.AddOrgAdmin(ctx, a, one.Org.ID, "bob@x.io"); return err },
			"member": func(a *hecate.Actor) error { _, err := h.OrgAdmin(ctx, a, one.Org.ID, "ada@x.io"); return err },
			"create": func(a *hecate.Actor) error {
				_, err := h.CreateOrgAdmin(ctx, a, one.Org.ID, RegisterAdminInput{Email: "x@x.io"})
				return err
			},
			"restore": func(a *hecate.Actor) error { _, err := h.RestoreApp(ctx, a, one.Org.ID, one.App.ID); return err },
		} {
			for _, a := range []*hecate.Actor{nil, {}, bob, appClient} {
				if err := verb(a); hecate.KindOf(err) != hecate.NotFound || hecate.Detail(err).Field != "org" {
					t.Errorf("%s by %+v: %v", name, a, err)
				}
			}
		}
		t.Run("members come, by any name, and leave", func(t *testing.T) {
			for _, ref := range []string{"bob@x.io", "BOB@x.io", string(two.Owner.ID)} {
				must[*hecate.Admin](t)(h.AddOrgAdmin(ctx, ada, one.Org.ID, ref))
			}
			must[*OrgDetail](t)(h.OrgDetail(ctx, bob, one.Org.ID))
			if role := h.enter(sandbox, hecate.Proof{Key: must[*AdminDetail](t)(h.OwnAdmin(ctx, bob)).Key}).Role; role != hecate.OwnerRole {
				t.Errorf("role %d", role)
			}
			list := must[[]*OrgDetail](t)(h.OrgDetailsOf(ctx, bob, two.Owner.ID))
			if len(list) != 2 || list[0].Org.Name != "one" || len(list[0].Members) != 2 || len(list[1].Members) != 1 || len(list[1].Apps) != 1 {
				t.Errorf("orgs = %+v", list)
			}
			works(t, h.RemoveOrgMember(ctx, ada, one.Org.ID, two.Owner.ID))
			failed[*hecate.Admin](t, hecate.NotFound, "admin")(h.OrgAdmin(ctx, ada, one.Org.ID, "bob@x.io"))
			failed[*OrgDetail](t, hecate.NotFound, "org")(h.OrgDetail(ctx, bob, one.Org.ID))
			fails(t, h.RemoveOrgMember(ctx, ada, one.Org.ID, one.Owner.ID), hecate.Invalid, "admin")
			failed[*hecate.Admin](t, hecate.NotFound, "admin")(h.AddOrgAdmin(ctx, ada, one.Org.ID, "nobody@x.io"))
		})
		t.Run("a new admin comes with his membership", func(t *testing.T) {
			eve := must[*hecate.Admin](t)(h.CreateOrgAdmin(ctx, ada, one.Org.ID, RegisterAdminInput{Email: "Eve@x.io", Username: "eve", Password: clear("evespass")}))
			must[*hecate.Org](t)(h.Org(ctx, adminActor(eve), "one"))
			failed[*hecate.Admin](t, hecate.Exists, "username")(h.CreateOrgAdmin(ctx, ada, one.Org.ID, RegisterAdminInput{Email: "e2@x.io", Username: "EVE"}))
			failed[*hecate.Admin](t, hecate.Invalid, "email")(h.CreateOrgAdmin(ctx, ada, one.Org.ID, RegisterAdminInput{Email: "e2"}))
			same := must[*hecate.Admin](t)(h.CreateOrgAdmin(ctx, bob, two.Org.ID, RegisterAdminInput{Email: "eve@x.io", Password: clear("other")}))
			if same.ID != eve.ID {
				t.Errorf("another %s", same.ID)
			}
			must[*AdminDetail](t)(h.LoginAdmin(ctx, "eve", clear("evespass"))) // not the one bob wrote
		})
		t.Run("properties are kept", func(t *testing.T) {
			must[*hecate.Org](t)(h.UpdateOrg(ctx, orgClient, one.Org.ID, map[string]any{"n": int64(3)}))
			if o := must[*hecate.Org](t)(h.Org(ctx, ada, "one")); o.Properties["n"] != int64(3) {
				t.Errorf("properties %v", o.Properties)
			}
			failed[*hecate.Org](t, hecate.TooLarge, "properties")(h.UpdateOrg(ctx, ada, one.Org.ID, map[string]any{"n": strings.Repeat("x", maxProperties)}))
			failed[*hecate.Org](t, hecate.Invalid, "properties")(h.UpdateOrg(ctx, ada, one.Org.ID, map[string]any{"n": "\x00"}))
		})
		t.Run("the operator alone lists all, in pages", func(t *testing.T) {
			var names []string
			for beyond, more := "", true; more; {
				var list []*OrgDetail
				var err error
				if list, more, err = h.AllOrgs(ctx, System(), beyond, 1); err != nil || len(list) != 1 {
					t.Fatal(list, err)
				}
				beyond = list[0].Org.Name
				names = append(names, beyond)
			}
			if strings.Join(names, " ") != "one two" {
				t.Errorf("names %v", names)
			}
			for _, a := range []*hecate.Actor{nil, {}, ada, orgClient} {
				_, _, err := h.AllOrgs(ctx, a, "", 10)
				fails(t, err, hecate.Forbidden, "")
			}
			_, _, err := h.AllOrgs(ctx, System(), "\x00", 10)
			fails(t, err, hecate.Invalid, "beyond")
		})
		failed[[]*OrgDetail](t, hecate.Forbidden, "")(h.OrgDetailsOf(ctx, bob, one.Owner.ID))
		failed[[]*OrgDetail](t, hecate.Forbidden, "")(h.OrgDetailsOf(ctx, orgClient, one.Owner.ID))
	})
}

func TestAdminAccounts(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		in := registration("one", "ada@x.io")
		in.Owner.Username = "ada"
		one := must[*RegisteredOrg](t)(h.RegisterOrg(ctx, nil, in))
		two := must[*RegisteredOrg](t)(h.RegisterOrg(ctx, nil, registration("two", "bob@x.io")))
		ada, bob := adminActor(one.Owner), adminActor(two.Owner)
		for _, ref := range []string{"ada", "ADA", "Ada@x.io", string(one.Owner.ID)} {
			for _, a := range []*hecate.Actor{ada, System()} {
				if found := must[*hecate.Admin](t)(h.Admin(ctx, a, ref)); found.ID != one.Owner.ID {
					t.Errorf("%s is %s", ref, found.Email)
				}
			}
			for _, a := range []*hecate.Actor{nil, {}, bob, {Kind: hecate.ClientActor, Org: one.Org.ID}} {
				failed[*hecate.Admin](t, hecate.Forbidden, "")(h.Admin(ctx, a, ref))
			}
		}
		failed[*hecate.Admin](t, hecate.Forbidden, "")(h.Admin(ctx, bob, "nobody"))
		failed[*hecate.Admin](t, hecate.NotFound, "admin")(h.Admin(ctx, System(), "nobody"))
		failed[*hecate.Admin](t, hecate.NotFound, "admin")(h.Admin(ctx, System(), "\x00"))

		t.Run("he and the operator change the account", func(t *testing.T) {
			for i, a := range []*hecate.Actor{ada, System()} {
				name := []string{"Ada L", "Ada K"}[i]
				if got := must[*hecate.Admin](t)(h.UpdateAdminAccount(ctx, a, one.Owner.ID, UpdateAdminInput{Name: &name})); got.Name != name {
					t.Errorf("name %q", got.Name)
				}
			}
			failed[*hecate.Admin](t, hecate.Forbidden, "")(h.UpdateAdminAccount(ctx, bob, one.Owner.ID, UpdateAdminInput{Name: ptr("x")}))
			failed[*hecate.Admin](t, hecate.Exists, "email")(h.UpdateAdminAccount(ctx, ada, one.Owner.ID, UpdateAdminInput{Email: ptr("BOB@x.io")}))
			failed[*hecate.Admin](t, hecate.TooLarge, "properties")(h.UpdateAdminAccount(ctx, ada, one.Owner.ID,
				UpdateAdminInput{Properties: map[string]any{"x": strings.Repeat("x", maxProperties)}}))
		})
		t.Run("the old password is the proof", func(t *testing.T) {
			change := func(a *hecate.Actor, in AdminPasswordInput) error { return h.ReplaceAdminPassword(ctx, a, in) }
			works(t, change(nil, AdminPasswordInput{Ref: "ada", Old: clear("s3cret"), New: clear("second")}))
			must[*AdminDetail](t)(h.LoginAdmin(ctx, "ada", clear("second")))
			fails(t, change(nil, AdminPasswordInput{Ref: "ada", Old: clear("s3cret"), New: clear("third")}), hecate.WrongPassword, "old")
			fails(t, change(ada, AdminPasswordInput{Ref: "ada", New: clear("third")}), hecate.WrongPassword, "old")
			fails(t, change(bob, AdminPasswordInput{Ref: "ada", New: clear("third")}), hecate.WrongPassword, "old")
			fails(t, change(nil, AdminPasswordInput{Ref: "nobody", Old: clear("x"), New: clear("third")}), hecate.UnknownUser, "")
			fails(t, change(nil, AdminPasswordInput{Ref: "ada", Old: clear("second"), New: clear("abc"), Min: 4}), hecate.WeakPassword, "new")
			fails(t, change(nil, AdminPasswordInput{Ref: "ada", Old: clear("second")}), hecate.Invalid, "new")
			works(t, change(System(), AdminPasswordInput{Ref: "ada", New: clear("third")}))
			fails(t, change(System(), AdminPasswordInput{Ref: "nobody", New: clear("third")}), hecate.NotFound, "admin")
			must[*AdminDetail](t)(h.LoginAdmin(ctx, "ada", clear("third")))
		})
		t.Run("former passwords are refused where an org says so", func(t *testing.T) {
			change := func(next string) error {
				h.clock.move(time.Second)
				return h.ReplaceAdminPassword(ctx, System(), AdminPasswordInput{Ref: "ada", New: clear(next)})
			}
			works(t, change("third")) // nobody asks yet
			must[*hecate.Org](t)(h.UpdateOrg(ctx, ada, one.Org.ID, map[string]any{"passwordHistorySize": 2}))
			fails(t, change("third"), hecate.WeakPassword, "new")
			for _, next := range []string{"p1", "p2", "p3"} {
				works(t, change(next))
			}
			for _, used := range []string{"p1", "p2", "p3"} {
				fails(t, change(used), hecate.WeakPassword, "new")
				fails(t, h.ChangeAdminPassword(ctx, ada, clear("p3"), clear(used)), hecate.WeakPassword, "new_password")
			}
			works(t, h.AskAdminReset(ctx, "ada@x.io"))
			letter := h.last()
			failed[*AdminDetail](t, hecate.WeakPassword, "new_password")(h.ConfirmAdminReset(ctx, letter.Fields["uid"], letter.Secret.Reveal(), clear("p2")))
			works(t, change("third")) // three ago
			must[*hecate.Org](t)(h.UpdateOrg(ctx, ada, one.Org.ID, nil))
			works(t, change("p3"))
			must[*hecate.Org](t)(h.UpdateOrg(ctx, ada, one.Org.ID, map[string]any{"passwordHistorySize": 5}))
			works(t, change("third")) // what was kept went with the wish
		})
		t.Run("guesses from one place are bounded", func(t *testing.T) {
			var err error
			for range 1000 {
				if err = h.ReplaceAdminPassword(ctx, nil, AdminPasswordInput{Ref: "bob@x.io", Old: clear("x"), New: clear("y"), From: "192.0.2.1"}); hecate.KindOf(err) == hecate.TooMany {
					break
				}
			}
			fails(t, err, hecate.TooMany, "")
		})
	})
}

func TestRestoreApp(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		one := must[*RegisteredOrg](t)(h.RegisterOrg(ctx, nil, registration("one", "ada@x.io")))
		two := must[*RegisteredOrg](t)(h.RegisterOrg(ctx, nil, registration("two", "bob@x.io")))
		ada, bob := adminActor(one.Owner), adminActor(two.Owner)
		orgClient := &hecate.Actor{Kind: hecate.ClientActor, Org: one.Org.ID}
		in := CreateAppInput{Org: one.Org.ID, Name: "books", AnyAlias: true, Settings: hecate.Settings{Dialects: map[string]map[string]any{"x": {"n": int64(7)}}}}
		app := must[*AppDetail](t)(h.CreateApp(ctx, ada, in)).App
		inside := h.enter(app, hecate.Proof{Key: must[*AdminDetail](t)(h.OwnAdmin(ctx, ada)).Key})
		u := h.user(inside, "reader")
		key := h.key(inside, 0)
		opened := must[*LoginResult](t)(h.Login(ctx, h.enter(app, hecate.Proof{}), LoginInput{Login: "reader", Password: clear("password of reader"), Open: &OpenSession{}}))
		must[*hecate.Actor](t)(h.Authenticate(ctx, app, hecate.Proof{Token: opened.SessionToken}))
		before := must[*hecate.Client](t)(h.Client(ctx, ada, hecate.Client{App: app.ID}))
		h.enter(app, hecate.Proof{ClientID: before.Public, ClientSecret: before.Secret})

		restore := func(a *hecate.Actor, org hecate.OrgID, id hecate.AppID) (*hecate.App, error) {
			return h.RestoreApp(ctx, a, org, id)
		}
		failed[*hecate.App](t, hecate.NotFound, "app")(restore(ada, one.Org.ID, app.ID)) // it is there
		fails(t, h.DeleteApp(ctx, bob, app.ID, false), hecate.NotFound, "")
		h.clock.move(time.Minute)
		works(t, h.DeleteApp(ctx, ada, app.ID, false))
		_, err := h.AppByID(ctx, app.ID)
		fails(t, err, hecate.NoApp, "")

		failed[*hecate.App](t, hecate.NotFound, "app")(restore(bob, two.Org.ID, app.ID))
		failed[*hecate.App](t, hecate.NotFound, "org")(restore(bob, one.Org.ID, app.ID))
		failed[*hecate.App](t, hecate.NotFound, "app")(restore(ada, one.Org.ID, "nonsense\x00"))

		second := must[*AppDetail](t)(h.CreateApp(ctx, ada, in)).App
		failed[*hecate.App](t, hecate.Exists, "name")(restore(ada, one.Org.ID, app.ID))
		fails(t, h.DeleteApp(ctx, ada, second.ID, false), hecate.Exists, "name")
		works(t, h.DeleteApp(ctx, ada, second.ID, true))

		back := must[*hecate.App](t)(restore(orgClient, one.Org.ID, app.ID))
		if back.ID != app.ID || back.Name != "books" || back.Alias != "books" || back.Settings.Dialects["x"]["n"] != int64(7) {
			t.Errorf("back = %+v", back)
		}
		found := must[*hecate.App](t)(h.AppByName(ctx, "one", "books"))
		after := must[*hecate.Client](t)(h.Client(ctx, ada, hecate.Client{App: app.ID}))
		if after.Public != before.Public || sameSecret(after.Secret, before.Secret) {
			t.Errorf("client %q %q", after.Public, after.Secret.Reveal())
		}
		_, err = h.Authenticate(ctx, found, hecate.Proof{ClientID: before.Public, ClientSecret: before.Secret})
		fails(t, err, hecate.BadKey, "")
		h.enter(found, hecate.Proof{ClientID: after.Public, ClientSecret: after.Secret})
		_, err = h.Authenticate(ctx, found, hecate.Proof{Token: opened.SessionToken})
		fails(t, err, hecate.BadToken, "")
		if a := h.enter(found, hecate.Proof{Key: key, Token: u.Token}); a.User == nil || a.User.ID != u.User.ID {
			t.Errorf("actor = %+v", a)
		}
		must[*LoginResult](t)(h.Login(ctx, h.enter(found, hecate.Proof{}), LoginInput{Login: "reader", Password: clear("password of reader"), Open: &OpenSession{}}))
		works(t, h.DeleteApp(ctx, orgClient, app.ID, false))
	})
}

func TestRestoredAppsCount(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", Config{OpenRegistration: true, Limits: Limits{AppsPerAdmin: 2}})
	one := must[*RegisteredOrg](t)(h.RegisterOrg(ctx, nil, registration("one", "ada@x.io")))
	ada := adminActor(one.Owner)
	create := func(name string) *hecate.App {
		return must[*AppDetail](t)(h.CreateApp(ctx, ada, CreateAppInput{Org: one.Org.ID, Name: name, AnyAlias: true})).App
	}
	first := create("first")
	works(t, h.DeleteApp(ctx, ada, first.ID, false))
	create("second")
	failed[*hecate.App](t, hecate.TooLarge, "apps")(h.RestoreApp(ctx, ada, one.Org.ID, first.ID))
}

func TestAdjustedSettings(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		one := must[*RegisteredOrg](t)(h.RegisterOrg(ctx, nil, registration("one", "ada@x.io")))
		var wg sync.WaitGroup
		for i := range 5 {
			wg.Go(func() {
				_, err := h.UpdateApp(ctx, adminActor(one.Owner), one.App.ID, UpdateAppInput{Adjust: func(s *hecate.Settings) error {
					if s.Dialects == nil {
						s.Dialects = map[string]map[string]any{"d": {"properties": map[string]any{}}}
					}
					s.Dialects["d"]["properties"].(map[string]any)[string(rune('a'+i))] = true
					return nil
				}})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		app := must[*hecate.App](t)(h.AppByID(ctx, one.App.ID))
		if p, _ := app.Settings.Dialects["d"]["properties"].(map[string]any); len(p) != 5 {
			t.Errorf("settings %v", app.Settings.Dialects)
		}
		t.Run("a declaration leaves what it does not speak of", func(t *testing.T) {
			in := DeclareAppInput{Org: "one", Name: "sandbox", Alias: app.Alias, Settings: hecate.Settings{Dialects: map[string]map[string]any{"d": {"ttl": "1h"}}}}
			for range 2 {
				got, _, err := h.DeclareApp(ctx, System(), in)
				if err != nil {
					t.Fatal(err)
				}
				if d := got.Settings.Dialects["d"]; d["ttl"] != "1h" || len(d["properties"].(map[string]any)) != 5 {
					t.Errorf("settings %v", d)
				}
			}
			if len(in.Settings.Dialects["d"]) != 1 {
				t.Error("the declaration was changed")
			}
		})
	})
}
