package engine

import (
	"fmt"
	"strings"
	"testing"

	"hecate"
	"hecate/internal/store"
)

func TestCreateApp(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		owner, d := h.admin("Eli.Vance@example.com")
		out := must[*AppDetail](t)(h.CreateApp(ctx, owner, CreateAppInput{
			Name: "Books", Description: "d", Metadata: map[string]any{"n": int64(5)}, Settings: hecate.Settings{Dialects: map[string]map[string]any{"x": {"n": int64(7)}}},
		}))
		app := out.App
		if app.Seq != 1 || app.Alias != "books" || app.Name != "Books" || app.OrgName != "eli-vance" || out.Owner.ID != d.Admin.ID || out.Role != hecate.OwnerRole {
			t.Errorf("app = %+v", app)
		}
		for name, find := range map[string]func() (*hecate.App, error){
			"alias": func() (*hecate.App, error) { return h.AppByAlias(ctx, "BOOKS") },
			"name":  func() (*hecate.App, error) { return h.AppByName(ctx, "ELI-vance", "books") },
			"id":    func() (*hecate.App, error) { return h.AppByID(ctx, app.ID) },
		} {
			found := must[*hecate.App](t)(find())
			if found.ID != app.ID || found.Metadata["n"] != int64(5) || found.Settings.Dialects["x"]["n"] != int64(7) || found.Owner != d.Admin.ID {
				t.Errorf("by %s: %+v", name, found)
			}
		}
		actor := h.enter(app, hecate.Proof{Key: d.Key})
		if actor.Role != hecate.OwnerRole {
			t.Errorf("role = %d", actor.Role)
		}
		var roles []string
		for _, r := range must[[]hecate.Role](t)(h.Roles(ctx, actor)) {
			roles = append(roles, r.Name+"="+r.Title)
		}
		if got := fmt.Sprint(roles); got != "[admin=Administrator default=Default guest=Guest]" {
			t.Errorf("roles = %s", got)
		}
		policy := must[map[hecate.Subject][]hecate.Grant](t)(h.db.Policy(ctx, app.ID))
		if len(policy["role:guest"]) != 3 || len(policy["role:default"]) != 1 || policy["role:default"][0].Permissions != mayAll || policy["role:default"][0].Path != "/**" {
			t.Errorf("policy = %v", policy)
		}
		client := must[*hecate.Client](t)(h.Client(ctx, actor, hecate.Client{App: app.ID}))
		if len(client.Public) != 26 || len(client.Secret.Reveal()) != 31 || !strings.HasPrefix(client.Public, "YXA6") || !strings.HasPrefix(client.Secret.Reveal(), "YXA6") {
			t.Errorf("client = %q %q", client.Public, client.Secret.Reveal())
		}
		c := h.enter(app, hecate.Proof{ClientID: client.Public, ClientSecret: client.Secret})
		if c.Kind != hecate.ClientActor || c.Role != hecate.FullRole {
			t.Errorf("client = %+v", c)
		}
		_, err := h.Authenticate(ctx, app, hecate.Proof{ClientID: client.Public, ClientSecret: clear("x")})
		fails(t, err, hecate.BadKey, "")

		create := func(a *hecate.Actor, in CreateAppInput) error { _, err := h.CreateApp(ctx, a, in); return err }
		other, _ := h.admin("b@example.com")
		fails(t, create(other, CreateAppInput{Name: "BOOKS"}), hecate.Exists, "alias")
		fails(t, create(owner, CreateAppInput{Name: "books", Alias: "free"}), hecate.Exists, "name")
		fails(t, create(other, CreateAppInput{Name: ""}), hecate.Invalid, "name")
		fails(t, create(other, CreateAppInput{Name: strings.Repeat("x", 65)}), hecate.TooLarge, "name")
		fails(t, create(other, CreateAppInput{Name: "x", Org: app.Org}), hecate.Forbidden, "")
		fails(t, create(nil, CreateAppInput{Name: "x"}), hecate.Forbidden, "")
		fails(t, create(System(), CreateAppInput{Name: "x"}), hecate.Forbidden, "")
		fails(t, create(h.enter(app, hecate.Proof{Key: h.key(actor, hecate.Master)}), CreateAppInput{Name: "x"}), hecate.Forbidden, "")
		must[*AppDetail](t)(h.CreateApp(ctx, other, CreateAppInput{Name: "books", Alias: "books-of-b"}))
		must[*AppDetail](t)(h.CreateApp(ctx, System(), CreateAppInput{Name: "more", Org: app.Org}))

		t.Run("the sandbox lets guests do everything", func(t *testing.T) {
			sand := must[*AppDetail](t)(h.CreateApp(ctx, owner, CreateAppInput{Name: "sand", Settings: hecate.Settings{Sandbox: true}})).App
			guest := func() int { return len(h.enter(sand, hecate.Proof{}).Policy) }
			if guest() != 4 {
				t.Errorf("%d grants", guest())
			}
			must[*AppDetail](t)(h.UpdateApp(ctx, owner, sand.ID, UpdateAppInput{Settings: &hecate.Settings{}}))
			if guest() != 3 {
				t.Errorf("%d grants after", guest())
			}
			must[*AppDetail](t)(h.UpdateApp(ctx, owner, sand.ID, UpdateAppInput{Settings: &hecate.Settings{Sandbox: true}}))
			if guest() != 4 {
				t.Errorf("%d grants again", guest())
			}
		})
	})
}

func TestAppLimit(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", Config{OpenRegistration: true, Limits: Limits{AppsPerAdmin: 2}})
	owner, _ := h.admin("a@example.com")
	create := func(name string) (*AppDetail, error) { return h.CreateApp(ctx, owner, CreateAppInput{Name: name}) }
	one := must[*AppDetail](t)(create("one")).App
	must[*AppDetail](t)(create("two"))
	_, err := create("three")
	fails(t, err, hecate.TooLarge, "apps")
	if hecate.Detail(err).Info["limit"] != 2 {
		t.Errorf("info = %v", hecate.Detail(err).Info)
	}
	works(t, h.DeleteApp(ctx, owner, one.ID, false))
	must[*AppDetail](t)(create("three"))
}

func TestWhoSeesAndChangesApps(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		h.app("films")
		outside := func(key hecate.Secret) *hecate.Actor {
			return must[*hecate.Actor](t)(h.AuthenticateAdmin(ctx, hecate.Proof{Key: key}))
		}
		member := map[hecate.AdminRole]*hecate.Actor{}
		for role := hecate.NoRole; role <= hecate.FullRole; role++ {
			_, d := h.admin(fmt.Sprintf("role%d@example.com", role))
			member[role] = outside(d.Key)
			if role > hecate.NoRole {
				works(t, h.db.Write(ctx, func(tx *store.DB) error { return tx.SetMember(ctx, app.ID, d.Admin.ID, role) }))
			}
		}
		member[hecate.OwnerRole] = outside(must[*AdminDetail](t)(h.OwnAdmin(ctx, owner)).Key)
		for role, a := range member {
			in := UpdateAppInput{Description: ptr("new")}
			_, see := h.App(ctx, a, app.ID)
			_, update := h.UpdateApp(ctx, a, app.ID, in)
			_, rename := h.UpdateApp(ctx, a, app.ID, UpdateAppInput{Alias: ptr("books")})
			list := len(must[hecate.Page[*AppDetail]](t)(h.Apps(ctx, a, List{Limit: 10})).Rows)
			switch {
			case role == hecate.NoRole:
				fails(t, see, hecate.NotFound, "")
				fails(t, update, hecate.NotFound, "")
				fails(t, h.DeleteApp(ctx, a, app.ID, true), hecate.NotFound, "")
			case role < hecate.FullRole:
				works(t, see)
				fails(t, update, hecate.Forbidden, "")
			default:
				works(t, update)
			}
			if role < hecate.OwnerRole && role > hecate.NoRole {
				fails(t, rename, hecate.Forbidden, "")
				fails(t, h.DeleteApp(ctx, a, app.ID, true), hecate.Forbidden, "")
			}
			if want := min(int(role), 1); list != want {
				t.Errorf("role %d lists %d apps", role, list)
			}
			if role > hecate.NoRole {
				if d := must[*AppDetail](t)(h.App(ctx, a, app.ID)); d.Role != role || d.Owner.ID != owner.Admin.ID {
					t.Errorf("role %d sees role %d", role, d.Role)
				}
			}
		}
		key := h.enter(app, hecate.Proof{Key: h.key(owner, hecate.Master)})
		p := must[hecate.Page[*AppDetail]](t)(h.Apps(ctx, key, List{Limit: 10}))
		if len(p.Rows) != 1 || p.Rows[0].App.ID != app.ID || p.Rows[0].Role != hecate.OwnerRole && p.Rows[0].Role != hecate.NoRole {
			t.Errorf("a key lists %+v", p.Rows)
		}
		fails(t, h.DeleteApp(ctx, key, app.ID, true), hecate.Forbidden, "")
		failed[hecate.Page[*AppDetail]](t, hecate.Unauthenticated, "")(h.Apps(ctx, nil, List{}))
		failed[*AppDetail](t, hecate.NotFound, "")(h.App(ctx, owner, "x"))
		if p := must[hecate.Page[*AppDetail]](t)(h.Apps(ctx, System(), List{Limit: 10, Prefix: "boo"})); len(p.Rows) != 1 {
			t.Errorf("the operator lists %+v", p.Rows)
		}
	})
}

func TestUpdateApp(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		h.app("films")
		update := func(in UpdateAppInput) error { _, err := h.UpdateApp(ctx, owner, app.ID, in); return err }
		works(t, update(UpdateAppInput{Config: map[string]any{"a": []any{true}}, Metadata: map[string]any{"b": "c"}}))
		if a := must[*hecate.App](t)(h.AppByAlias(ctx, "books")); fmt.Sprint(a.Config, a.Metadata) != "map[a:[true]] map[b:c]" {
			t.Errorf("app = %+v", a)
		}
		fails(t, update(UpdateAppInput{Alias: ptr("Films")}), hecate.Exists, "alias")
		fails(t, update(UpdateAppInput{Alias: ptr("")}), hecate.Invalid, "alias")
		works(t, update(UpdateAppInput{Alias: ptr("books")}))
		works(t, update(UpdateAppInput{Alias: ptr("Novels")}))
		failed[*hecate.App](t, hecate.NoApp, "")(h.AppByAlias(ctx, "books"))
		if a := must[*hecate.App](t)(h.AppByAlias(ctx, "novels")); a.ID != app.ID || a.Name != "Novels" {
			t.Errorf("app = %+v", a)
		}
		failed[*hecate.App](t, hecate.NoApp, "")(h.AppByName(ctx, app.OrgName, "books"))
		// The old names are free, in the same org too.
		must[*AppDetail](t)(h.CreateApp(ctx, &hecate.Actor{Kind: hecate.AdminActor, Admin: owner.Admin}, CreateAppInput{Name: "books"}))
		failed[*hecate.App](t, hecate.NoApp, "")(h.AppByAlias(ctx, "\x00"))
		failed[*hecate.App](t, hecate.NoApp, "")(h.AppByName(ctx, "\xff", "\x00"))
	})
}

func TestDeleteApp(t *testing.T) {
	t.Parallel()
	for _, purge := range []bool{false, true} {
		t.Run(fmt.Sprintf("purge %v", purge), func(t *testing.T) {
			t.Parallel()
			inHouse(t, func(t *testing.T, h *house) {
				app, owner := h.app("books")
				key := h.key(owner, 0)
				gordon := h.user(owner, "gordon")
				h.as(app, key, gordon)
				must[*hecate.App](t)(h.AppByKey(ctx, key))
				g := must[*hecate.Group](t)(h.CreateGroup(ctx, owner, GroupInput{}))
				_, _, err := h.AddMember(ctx, owner, UserRef{Seq: 1}, GroupRef{ID: g.ID})
				works(t, err)
				must[*hecate.Invitation](t)(h.Invite(ctx, owner, "x@example.com", hecate.ReadRole))

				works(t, h.DeleteApp(ctx, owner, app.ID, purge))
				failed[*hecate.App](t, hecate.NoApp, "")(h.AppByAlias(ctx, "books"))
				failed[*hecate.App](t, hecate.NoApp, "")(h.AppByID(ctx, app.ID))
				failed[*hecate.App](t, hecate.BadKey, "")(h.AppByKey(ctx, key))
				fails(t, h.DeleteApp(ctx, owner, app.ID, purge), hecate.NotFound, "")
				if n := h.events("", "delete app"); n != 1 {
					t.Errorf("%d events", n)
				}
				_, err = h.db.User(ctx, app.ID, gordon.User.ID)
				if purge {
					fails(t, err, hecate.NotFound, "")
				} else {
					works(t, err)
				}
				again := must[*AppDetail](t)(h.CreateApp(ctx, &hecate.Actor{Kind: hecate.AdminActor, Admin: owner.Admin}, CreateAppInput{Name: "books"})).App
				_, err = h.Authenticate(ctx, again, hecate.Proof{Key: key})
				fails(t, err, hecate.BadKey, "")
				if again.Seq != 2 {
					t.Errorf("seq = %d", again.Seq)
				}
			})
		})
	}
}

func TestMembersAndInvitations(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		_, eli := h.admin("eli@example.com")
		eliOutside := must[*hecate.Actor](t)(h.AuthenticateAdmin(ctx, hecate.Proof{Key: eli.Key}))
		as := func(d *AdminDetail) *hecate.Actor { return h.enter(app, hecate.Proof{Key: d.Key}) }
		if as(eli).Role != hecate.NoRole {
			t.Fatal("a stranger has a role")
		}
		failed[hecate.Page[hecate.Member]](t, hecate.Forbidden, "")(h.Members(ctx, as(eli), List{Limit: 1}))
		failed[hecate.Page[hecate.Member]](t, hecate.Forbidden, "")(h.Members(ctx, h.enter(app, hecate.Proof{Key: h.key(owner, hecate.ManagesData)}), List{Limit: 1}))

		i := must[*hecate.Invitation](t)(h.Invite(ctx, owner, "Eli@example.com", hecate.ReadRole))
		if i.Email != "eli@example.com" || i.Inviter != "books@example.com" || len(i.Key.Reveal()) != 40 || i.AppAlias != "books" || i.State != hecate.InvitationNew {
			t.Errorf("invitation = %+v", i)
		}
		if l := h.last(); l.Name != "invite" || l.To != "eli@example.com" || !sameSecret(l.Secret, i.Key) || l.App != "books" {
			t.Errorf("letter = %+v", l)
		}
		failed[*hecate.Invitation](t, hecate.Exists, "invitation")(h.Invite(ctx, owner, "eli@EXAMPLE.com", hecate.FullRole))
		failed[*hecate.Invitation](t, hecate.Exists, "member")(h.Invite(ctx, owner, "books@example.com", hecate.FullRole))
		failed[*hecate.Invitation](t, hecate.Invalid, "email")(h.Invite(ctx, owner, "x", hecate.FullRole))
		failed[*hecate.Invitation](t, hecate.Invalid, "role")(h.Invite(ctx, owner, "x@example.com", hecate.OwnerRole))
		failed[*hecate.Invitation](t, hecate.Forbidden, "")(h.Invite(ctx, as(eli), "x@example.com", hecate.ReadRole))

		t.Run("it can be read, changed, sent again and declined", func(t *testing.T) {
			if got := must[*hecate.Invitation](t)(h.UpdateInvitation(ctx, owner, i.Seq, hecate.WriteRole)); got.Role != hecate.WriteRole || !sameSecret(got.Key, i.Key) {
				t.Errorf("invitation = %+v", got)
			}
			before := h.letters()
			works(t, h.ResendInvitation(ctx, owner, i.Seq))
			if h.letters() != before+1 {
				t.Error("no letter")
			}
			p := must[hecate.Page[*hecate.Invitation]](t)(h.OwnInvitations(ctx, eliOutside, List{Limit: 5}))
			if len(p.Rows) != 1 || !sameSecret(p.Rows[0].Key, i.Key) {
				t.Errorf("own = %+v", p.Rows)
			}
			failed[*hecate.Invitation](t, hecate.NotFound, "")(h.OwnInvitation(ctx, &hecate.Actor{Admin: owner.Admin}, i.Seq))
			works(t, h.DeclineInvitation(ctx, eliOutside, i.Seq))
			fails(t, h.DeclineInvitation(ctx, eliOutside, i.Seq), hecate.NotFound, "")
			fails(t, h.AcceptInvitation(ctx, eliOutside, i.Key), hecate.NotFound, "key")
			if got := must[*hecate.Invitation](t)(h.Invitation(ctx, owner, i.Seq)); got.State != hecate.InvitationDeclined {
				t.Errorf("state = %d", got.State)
			}
			works(t, h.ResendInvitation(ctx, owner, i.Seq))
			if h.letters() != before+1 {
				t.Error("a letter for a declined one")
			}
		})
		t.Run("a declined one is replaced, and gives its role to whoever holds the key", func(t *testing.T) {
			again := must[*hecate.Invitation](t)(h.Invite(ctx, owner, "eli@example.com", hecate.WriteRole))
			failed[*hecate.Invitation](t, hecate.NotFound, "")(h.Invitation(ctx, owner, i.Seq))
			works(t, h.AcceptInvitation(ctx, eliOutside, again.Key))
			fails(t, h.AcceptInvitation(ctx, eliOutside, again.Key), hecate.NotFound, "key")
			if a := as(eli); a.Role != hecate.WriteRole {
				t.Errorf("role = %d", a.Role)
			}
			failed[*hecate.Invitation](t, hecate.Exists, "member")(h.Invite(ctx, owner, "eli@example.com", hecate.FullRole))
		})
		t.Run("another one raises a role but never lowers it", func(t *testing.T) {
			for _, c := range []struct{ offered, want hecate.AdminRole }{{hecate.ReadRole, hecate.WriteRole}, {hecate.FullRole, hecate.FullRole}} {
				other := must[*hecate.Invitation](t)(h.Invite(ctx, owner, fmt.Sprintf("other%d@example.com", c.offered), c.offered))
				works(t, h.AcceptInvitation(ctx, eliOutside, other.Key))
				if a := as(eli); a.Role != c.want {
					t.Errorf("role = %d, want %d", a.Role, c.want)
				}
			}
			last := must[hecate.Page[*hecate.Invitation]](t)(h.Invitations(ctx, owner, List{Limit: 1, Desc: true})).Rows[0]
			works(t, h.DeleteInvitation(ctx, owner, last.Seq))
			fails(t, h.DeleteInvitation(ctx, owner, last.Seq), hecate.NotFound, "")
		})
		t.Run("members change at once", func(t *testing.T) {
			p := must[hecate.Page[hecate.Member]](t)(h.Members(ctx, owner, List{Limit: 5}))
			if len(p.Rows) != 2 || p.Rows[0].Role != hecate.OwnerRole || p.Rows[1].Admin.Email != "eli@example.com" {
				t.Errorf("members = %+v", p.Rows)
			}
			seq := eli.Admin.Seq
			if m := must[hecate.Member](t)(h.SetMember(ctx, owner, seq, hecate.ReadRole)); m.Role != hecate.ReadRole {
				t.Errorf("member = %+v", m)
			}
			if as(eli).Role != hecate.ReadRole {
				t.Error("an old role was kept")
			}
			failed[hecate.Member](t, hecate.Forbidden, "")(h.SetMember(ctx, as(eli), seq, hecate.FullRole))
			failed[hecate.Member](t, hecate.Forbidden, "")(h.SetMember(ctx, owner, owner.Admin.Seq, hecate.ReadRole))
			failed[hecate.Member](t, hecate.Invalid, "role")(h.SetMember(ctx, owner, seq, hecate.OwnerRole))
			failed[hecate.Member](t, hecate.NotFound, "")(h.SetMember(ctx, owner, 99, hecate.ReadRole))
			fails(t, h.RemoveMember(ctx, owner, owner.Admin.Seq), hecate.Forbidden, "")
			fails(t, h.RemoveMember(ctx, as(eli), owner.Admin.Seq), hecate.Forbidden, "")
			works(t, h.RemoveMember(ctx, as(eli), seq))
			if as(eli).Role != hecate.NoRole {
				t.Error("still a member")
			}
			fails(t, h.RemoveMember(ctx, as(eli), seq), hecate.Forbidden, "")
			fails(t, h.RemoveMember(ctx, owner, seq), hecate.NotFound, "")
			failed[hecate.Member](t, hecate.NotFound, "")(h.Member(ctx, owner, seq))
		})
		t.Run("invitations of another app are out of reach", func(t *testing.T) {
			_, other := h.app("films")
			i := must[*hecate.Invitation](t)(h.Invite(ctx, owner, "z@example.com", hecate.ReadRole))
			failed[*hecate.Invitation](t, hecate.NotFound, "")(h.Invitation(ctx, other, i.Seq))
			fails(t, h.DeleteInvitation(ctx, other, i.Seq), hecate.NotFound, "")
			fails(t, h.ResendInvitation(ctx, other, i.Seq), hecate.NotFound, "")
			failed[*hecate.Invitation](t, hecate.NotFound, "")(h.UpdateInvitation(ctx, other, i.Seq, hecate.FullRole))
		})
	})
}

func TestOrgs(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		eli, e := h.admin("eli@example.com")
		azian, a := h.admin("azian@example.com")
		org := must[*hecate.Org](t)(h.CreateOrg(ctx, System(), "Acme"))
		failed[*hecate.Org](t, hecate.Exists, "name")(h.CreateOrg(ctx, System(), "ACME"))
		failed[*hecate.Org](t, hecate.Invalid, "name")(h.CreateOrg(ctx, System(), ""))
		failed[*hecate.Org](t, hecate.Forbidden, "")(h.CreateOrg(ctx, nil, "x"))
		failed[*hecate.Org](t, hecate.NotFound, "org")(h.OrgByName(ctx, eli, "acme"))
		works(t, h.AddOrgMember(ctx, System(), org.ID, e.Admin.ID))
		works(t, h.AddOrgMember(ctx, System(), org.ID, e.Admin.ID))
		fails(t, h.AddOrgMember(ctx, System(), org.ID, "x"), hecate.NotFound, "admin")
		fails(t, h.AddOrgMember(ctx, azian, org.ID, a.Admin.ID), hecate.NotFound, "org")
		if got := must[*hecate.Org](t)(h.OrgByName(ctx, eli, "aCME")); got.Name != "Acme" {
			t.Errorf("org = %+v", got)
		}
		app := must[*AppDetail](t)(h.CreateApp(ctx, eli, CreateAppInput{Org: org.ID, Name: "books"})).App

		// A new member owns the apps that are there, at once, and loses them as quickly.
		if r := h.enter(app, hecate.Proof{Key: a.Key}).Role; r != hecate.NoRole {
			t.Errorf("role = %d", r)
		}
		works(t, h.AddOrgMember(ctx, eli, org.ID, a.Admin.ID))
		if r := h.enter(app, hecate.Proof{Key: a.Key}).Role; r != hecate.OwnerRole {
			t.Errorf("role = %d", r)
		}
		if p := must[hecate.Page[*AppDetail]](t)(h.Apps(ctx, azian, List{Limit: 5})); len(p.Rows) != 1 || p.Rows[0].Role != hecate.OwnerRole {
			t.Errorf("apps = %+v", p.Rows)
		}
		works(t, h.RemoveOrgMember(ctx, eli, org.ID, a.Admin.ID))
		if r := h.enter(app, hecate.Proof{Key: a.Key}).Role; r != hecate.NoRole {
			t.Errorf("role = %d", r)
		}
		fails(t, h.RemoveOrgMember(ctx, eli, org.ID, a.Admin.ID), hecate.NotFound, "admin")
		fails(t, h.RemoveOrgMember(ctx, eli, org.ID, e.Admin.ID), hecate.Invalid, "admin")

		t.Run("clients", func(t *testing.T) {
			failed[*hecate.Client](t, hecate.NotFound, "client")(h.Client(ctx, eli, hecate.Client{Org: org.ID}))
			c := must[*hecate.Client](t)(h.SetClient(ctx, eli, hecate.Client{Org: org.ID}))
			if !strings.HasPrefix(c.Public, "b3U6") || len(c.Public) != 26 || len(c.Secret.Reveal()) != 31 {
				t.Errorf("client = %q %q", c.Public, c.Secret.Reveal())
			}
			again := must[*hecate.Client](t)(h.SetClient(ctx, eli, hecate.Client{Org: org.ID}))
			if again.Public != c.Public || sameSecret(again.Secret, c.Secret) {
				t.Errorf("again = %q", again.Public)
			}
			_, err := h.Authenticate(ctx, app, hecate.Proof{ClientID: c.Public, ClientSecret: c.Secret})
			fails(t, err, hecate.BadKey, "")
			h.enter(app, hecate.Proof{ClientID: c.Public, ClientSecret: again.Secret})
			given := hecate.Client{App: app.ID, Public: "my id", Secret: clear("my secret")}
			failed[*hecate.Client](t, hecate.Forbidden, "")(h.SetClient(ctx, eli, given))
			must[*hecate.Client](t)(h.SetClient(ctx, System(), given))
			h.enter(app, hecate.Proof{ClientID: "my id", ClientSecret: clear("my secret")})
			if got := must[*hecate.Client](t)(h.Client(ctx, eli, hecate.Client{App: app.ID})); got.Public != "my id" || got.Secret.Reveal() != "my secret" {
				t.Errorf("client = %+v", got)
			}
			failed[*hecate.Client](t, hecate.Exists, "client_id")(h.SetClient(ctx, System(), hecate.Client{Org: org.ID, Public: "my id", Secret: clear("x")}))
			failed[*hecate.Client](t, hecate.NotFound, "org")(h.Client(ctx, azian, hecate.Client{Org: org.ID}))
			failed[*hecate.Client](t, hecate.NotFound, "")(h.Client(ctx, azian, hecate.Client{App: app.ID}))
			other, _ := h.app("films")
			_, err = h.Authenticate(ctx, other, hecate.Proof{ClientID: "my id", ClientSecret: clear("my secret")})
			fails(t, err, hecate.BadKey, "")
			_, err = h.Authenticate(ctx, other, hecate.Proof{ClientID: c.Public, ClientSecret: again.Secret})
			fails(t, err, hecate.BadKey, "")
		})
		t.Run("an own org is named after its admin", func(t *testing.T) {
			h.admin("eli@example.org")
			second, _ := h.admin("eli@example.net")
			must[*AppDetail](t)(h.CreateApp(ctx, eli, CreateAppInput{Name: "one"}))
			app := must[*AppDetail](t)(h.CreateApp(ctx, second, CreateAppInput{Name: "two"})).App
			if app.OrgName != fmt.Sprintf("eli-%d", second.Admin.Seq) {
				t.Errorf("org = %q", app.OrgName)
			}
		})
	})
}

func TestOrgsAreSeenByTheirMembers(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		eli, d := h.admin("eli@example.com")
		azian, _ := h.admin("azian@example.com")
		org := must[*hecate.Org](t)(h.CreateOrg(ctx, eli, "acme"))
		for a, want := range map[*hecate.Actor]int{eli: 1, azian: 0, System(): 1} {
			if got := must[[]*hecate.Org](t)(h.Orgs(ctx, a)); len(got) != want {
				t.Errorf("%s: %d orgs", a.Name(), len(got))
			}
		}
		failed[[]*hecate.Org](t, hecate.Unauthenticated, "")(h.Orgs(ctx, nil))
		if got := must[[]*hecate.Admin](t)(h.OrgMembers(ctx, eli, org.ID)); len(got) != 1 || got[0].ID != d.Admin.ID {
			t.Errorf("members = %+v", got)
		}
		failed[[]*hecate.Admin](t, hecate.NotFound, "org")(h.OrgMembers(ctx, azian, org.ID))
		failed[*hecate.Org](t, hecate.NotFound, "org")(h.OrgByName(ctx, System(), "\xff\x00"))
	})
}

func TestTheOperatorFindsAndKeysAdmins(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		me, d := h.admin("eli@example.com")
		_, other := h.admin("azian@example.com")
		if got := must[*AdminDetail](t)(h.AdminByEmail(ctx, System(), "ELI@example.com")); got.Admin.ID != d.Admin.ID || !sameSecret(got.Key, d.Key) {
			t.Errorf("admin = %+v", got.Admin)
		}
		failed[*AdminDetail](t, hecate.Forbidden, "")(h.AdminByEmail(ctx, me, "eli@example.com"))
		failed[*AdminDetail](t, hecate.NotFound, "email")(h.AdminByEmail(ctx, System(), "nobody@example.com"))
		key := clear(strings.Repeat("0a", 20))
		failed[*AdminDetail](t, hecate.Forbidden, "")(h.SetAdminKeyByOperator(ctx, me, d.Admin.ID, key))
		failed[*AdminDetail](t, hecate.Exists, "account_key")(h.SetAdminKeyByOperator(ctx, System(), d.Admin.ID, other.Key))
		must[*AdminDetail](t)(h.SetAdminKeyByOperator(ctx, System(), d.Admin.ID, key))
		failed[*hecate.Actor](t, hecate.BadKey, "")(h.AuthenticateAdmin(ctx, hecate.Proof{Key: d.Key}))
		must[*hecate.Actor](t)(h.AuthenticateAdmin(ctx, hecate.Proof{Key: key}))
	})
}
