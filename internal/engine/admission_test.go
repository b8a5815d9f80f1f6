package engine

import (
	"slices"
	"sync"
	"testing"

	"hecate"
	"hecate/internal/store/storetest"
)

const asksAll = hecate.AwaitsConfirmation | hecate.AwaitsApproval

// atGate runs fn in a house on each database that asks that of those who register.
func atGate(t *testing.T, asks Admission, fn func(t *testing.T, h *house)) {
	t.Helper()
	asks.Operators = []string{"operator@example.com"}
	for _, name := range storetest.Engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fn(t, newHouse(t, name, Config{OpenRegistration: true, Admission: asks}))
		})
	}
}

// under is the same server, asking something else.
func (h *house) under(asks Admission) *Engine {
	c := h.config
	c.Admission = asks
	return New(c)
}

// newcomer registers an account.
func (h *house) newcomer(email string) *AdminDetail {
	h.t.Helper()
	return must[*AdminDetail](h.t)(h.RegisterAdmin(ctx, nil, RegisterAdminInput{Email: email, Password: clear("adminpass")}))
}

// named is the newest letter of that name.
func (h *house) named(name string) hecate.Secret {
	h.t.Helper()
	h.carry()
	h.box.mu.Lock()
	defer h.box.mu.Unlock()
	for _, l := range slices.Backward(h.box.letters) {
		if l.Name == name {
			return l.Secret
		}
	}
	h.t.Fatalf("no letter %q", name)
	return hecate.Secret{}
}

// shut demands of every way in that an account is refused so.
func shut(t *testing.T, h *Engine, d *AdminDetail, token hecate.Secret, kind hecate.Kind) {
	t.Helper()
	in := AdminLoginInput{Login: d.Admin.Email, Password: clear("adminpass")}
	failed[*AdminDetail](t, kind, "")(h.LoginAdmin(ctx, in.Login, in.Password))
	failed[*Opened](t, kind, "")(h.OpenAdminSession(ctx, in))
	failed[*hecate.Actor](t, kind, "")(h.AuthenticateAdmin(ctx, hecate.Proof{Key: d.Key}))
	failed[*hecate.Actor](t, kind, "")(h.AuthenticateManager(ctx, hecate.Proof{Key: d.Key}))
	in.Password = clear("wrong")
	failed[*AdminDetail](t, hecate.WrongPassword, "")(h.LoginAdmin(ctx, in.Login, in.Password))
	failed[*Opened](t, hecate.WrongPassword, "")(h.OpenAdminSession(ctx, in))
	fails(t, h.ReplaceAdminPassword(ctx, nil, AdminPasswordInput{Ref: d.Admin.Email, Old: clear("adminpass"), New: clear("another")}), kind, "")
	if !token.IsZero() {
		failed[*hecate.Actor](t, kind, "")(h.AuthenticateAdmin(ctx, hecate.Proof{Token: token}))
		failed[*hecate.Actor](t, kind, "")(h.AuthenticateManager(ctx, hecate.Proof{Bearer: token}))
		failed[*Opened](t, kind, "")(h.RenewAdminSession(ctx, &hecate.Actor{Kind: hecate.AdminActor, Admin: d.Admin}, "", OpenSession{}))
	}
}

func TestWhoWaitsIsRefusedAtEveryDoor(t *testing.T) {
	t.Parallel()
	atGate(t, Admission{Admins: asksAll}, func(t *testing.T, h *house) {
		ada := h.newcomer("ada@example.com")
		shut(t, h.Engine, ada, hecate.Secret{}, hecate.Unverified)
		must[*AdminDetail](t)(h.ActivateAdmin(ctx, AdminUID(ada.Admin), h.named("activate").Reveal()))
		shut(t, h.Engine, ada, hecate.Secret{}, hecate.Inactive)
		must[*hecate.Admin](t)(h.ApproveAdmin(ctx, ada.Admin.ID, h.named("approve")))
		token := must[*Opened](t)(h.OpenAdminSession(ctx, AdminLoginInput{Login: "ada@example.com", Password: clear("adminpass")})).Token
		me := must[*hecate.Actor](t)(h.AuthenticateAdmin(ctx, hecate.Proof{Token: token}))

		must[*AdminDetail](t)(h.UpdateAdmin(ctx, me, UpdateAdminInput{Email: ptr("ada@example.org")}))
		ada.Admin.Email = "ada@example.org"
		shut(t, h.Engine, ada, token, hecate.Unverified)
		must[*AdminDetail](t)(h.ActivateAdmin(ctx, AdminUID(ada.Admin), h.named("activate").Reveal()))
		must[*hecate.Actor](t)(h.AuthenticateAdmin(ctx, hecate.Proof{Token: token})) // he was approved

		failed[*hecate.Admin](t, hecate.Forbidden, "")(h.DisableAdmin(ctx, me, ada.Admin.ID, true))
		must[*hecate.Admin](t)(h.DisableAdmin(ctx, System(), ada.Admin.ID, true))
		shut(t, h.Engine, ada, hecate.Secret{}, hecate.UserDisabled)
		failed[*hecate.Actor](t, hecate.BadToken, "")(h.AuthenticateAdmin(ctx, hecate.Proof{Token: token}))
	})
}

func TestWhatIsAskedMayChange(t *testing.T) {
	t.Parallel()
	atGate(t, Admission{}, func(t *testing.T, h *house) {
		early := h.newcomer("early@example.com")
		all := h.under(Admission{Admins: asksAll, Orgs: asksAll})
		must[*hecate.Actor](t)(all.AuthenticateAdmin(ctx, hecate.Proof{Key: early.Key})) // who was in stays in
		late := must[*AdminDetail](t)(all.RegisterAdmin(ctx, nil, RegisterAdminInput{Email: "late@example.com", Password: clear("adminpass")}))
		shut(t, all, late, hecate.Secret{}, hecate.Unverified)
		shut(t, h.under(Admission{Admins: hecate.AwaitsApproval}), late, hecate.Secret{}, hecate.Inactive)
		must[*hecate.Actor](t)(h.under(Admission{}).AuthenticateAdmin(ctx, hecate.Proof{Key: late.Key}))
	})
}

func TestWhomTheOperatorOrAnInvitationBrings(t *testing.T) {
	t.Parallel()
	atGate(t, Admission{Admins: asksAll, Orgs: asksAll}, func(t *testing.T, h *house) {
		declared := must[*DeclaredAdmin](t)(h.DeclareAdmin(ctx, System(), RegisterAdminInput{Email: "ada@example.com", Password: clear("adminpass"), Activated: true}))
		me := must[*hecate.Actor](t)(h.AuthenticateAdmin(ctx, hecate.Proof{Key: declared.Key}))
		org := must[*hecate.Org](t)(h.DeclareOrg(ctx, System(), "acme", []string{"ada@example.com"}))
		app := must[*AppDetail](t)(h.CreateApp(ctx, me, CreateAppInput{Org: org.ID, Name: "books"})).App
		owner := h.enter(app, hecate.Proof{Key: declared.Key})
		invite := func(email string) hecate.Secret {
			t.Helper()
			return must[*hecate.Invitation](t)(h.Invite(ctx, owner, email, hecate.FullRole, Mailing{})).Key
		}
		register := func(email string, key hecate.Secret) *AdminDetail {
			t.Helper()
			return must[*AdminDetail](t)(h.RegisterAdmin(ctx, nil, RegisterAdminInput{Email: email, Password: clear("adminpass"), InvitationKey: key}))
		}
		must[*hecate.Actor](t)(h.AuthenticateAdmin(ctx, hecate.Proof{Key: register("bob@example.com", invite("bob@example.com")).Key}))
		// The invitation went to another address: this one is not proved.
		shut(t, h.Engine, register("eve@example.com", invite("zoe@example.com")), hecate.Secret{}, hecate.Unverified)

		// Who registered by himself is let in by being declared, and his org too.
		made := must[*RegisteredOrg](t)(h.RegisterOrg(ctx, nil, RegisterOrgInput{Name: "more", Owner: RegisterAdminInput{Email: "tom@example.com", Password: clear("adminpass")}}))
		must[*DeclaredAdmin](t)(h.DeclareAdmin(ctx, System(), RegisterAdminInput{Email: "tom@example.com", Activated: true}))
		key := must[*AdminDetail](t)(h.LoginAdmin(ctx, "tom@example.com", clear("adminpass"))).Key
		_, err := h.Authenticate(ctx, must[*hecate.App](t)(h.AppByID(ctx, made.App.ID)), hecate.Proof{Key: key})
		fails(t, err, hecate.Inactive, "org")
		must[*hecate.Org](t)(h.DeclareOrg(ctx, System(), "more", nil))
		h.enter(made.App, hecate.Proof{Key: key})
	})
}

func TestWhoComesByAProviderWaitsToo(t *testing.T) {
	t.Parallel()
	atGate(t, Admission{Admins: asksAll}, func(t *testing.T, h *house) {
		come := func() (*AdminDetail, bool, error) {
			return h.arriveAdmin(ctx, &hecate.Profile{Provider: "github", Subject: "17", Email: "ada@example.com", EmailVerified: true}, "login admin")
		}
		for range 2 { // the first time makes the account, whose address the provider has proved
			_, _, err := come()
			fails(t, err, hecate.Inactive, "admin")
		}
		ada := must[*AdminDetail](t)(h.AdminByEmail(ctx, System(), "ada@example.com"))
		must[*hecate.Admin](t)(h.ApproveAdmin(ctx, ada.Admin.ID, h.named("approve")))
		d, created, err := come()
		if err != nil || created || !d.Admin.Activated {
			t.Errorf("%+v, created %v, %v", d, created, err)
		}
	})
}

// TestAnAdminsOwnOrgWaits plays the way around: an instance, as another dialect makes it, comes with an org of its own.
func TestAnAdminsOwnOrgWaits(t *testing.T) {
	t.Parallel()
	atGate(t, Admission{Orgs: hecate.AwaitsApproval}, func(t *testing.T, h *house) {
		me, d := h.admin("ada@example.com")
		app := must[*AppDetail](t)(h.CreateApp(ctx, me, CreateAppInput{Name: "books"})).App
		failed[*hecate.Actor](t, hecate.Inactive, "org")(h.Authenticate(ctx, app, hecate.Proof{Key: d.Key}))
		failed[*hecate.Actor](t, hecate.Inactive, "org")(h.Authenticate(ctx, app, hecate.Proof{}))
		failed[*AppDetail](t, hecate.Inactive, "org")(h.CreateApp(ctx, me, CreateAppInput{Name: "more"}))
		failed[*AppDetail](t, hecate.Inactive, "org")(h.App(ctx, me, app.ID))
		failed[*hecate.Org](t, hecate.Forbidden, "")(h.AdmitOrg(ctx, me, app.Org))
		key := must[*hecate.APIKey](t)(h.CreateKey(ctx, SystemIn(app), KeyInput{Flags: hecate.Master})).Key
		failed[*hecate.Actor](t, hecate.Inactive, "org")(h.Authenticate(ctx, app, hecate.Proof{Key: key}))
		stranger, _ := h.admin("eve@example.com")
		failed[*AppDetail](t, hecate.NotFound, "")(h.App(ctx, stranger, app.ID)) // who has no place there learns nothing
		fails(t, h.ResendOrg(ctx, stranger, string(app.Org)), hecate.NotFound, "org")
		must[*AppDetail](t)(h.App(ctx, System(), app.ID))

		must[*hecate.Org](t)(h.SettleOrg(ctx, app.Org, h.named("org-approve"), ApproveOrgTicket))
		h.enter(app, hecate.Proof{Key: d.Key})
		must[*AppDetail](t)(h.CreateApp(ctx, me, CreateAppInput{Name: "more"}))
	})
}

func TestTwoWhoApproveAtOnce(t *testing.T) {
	t.Parallel()
	atGate(t, Admission{Admins: hecate.AwaitsApproval, Orgs: hecate.AwaitsApproval}, func(t *testing.T, h *house) {
		made := must[*RegisteredOrg](t)(h.RegisterOrg(ctx, nil, RegisterOrgInput{Name: "acme", Owner: RegisterAdminInput{Email: "ada@example.com", Password: clear("adminpass")}}))
		admin, org := h.named("approve"), h.named("org-approve")
		n := h.letters()
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() { _, _ = h.ApproveAdmin(ctx, made.Owner.ID, admin) })
			wg.Go(func() { _, _ = h.AdmitAdmin(ctx, System(), made.Owner.ID) })
			wg.Go(func() { _, _ = h.SettleOrg(ctx, made.Org.ID, org, ApproveOrgTicket) })
			wg.Go(func() { _, _ = h.AdmitOrg(ctx, System(), made.Org.ID) })
			wg.Go(func() { _, _ = h.LoginAdmin(ctx, "ada@example.com", clear("adminpass")) })
		}
		wg.Wait()
		if got := h.letters() - n; got != 3 { // to him, to the operator, to the org
			t.Errorf("%d letters", got)
		}
		must[*AdminDetail](t)(h.LoginAdmin(ctx, "ada@example.com", clear("adminpass")))
		failed[*hecate.Admin](t, hecate.BadToken, "token")(h.ApproveAdmin(ctx, made.Owner.ID, admin))
		failed[*hecate.Org](t, hecate.BadToken, "token")(h.SettleOrg(ctx, made.Org.ID, org, ApproveOrgTicket))
	})
}

func TestTicketsOfAdmissionAreBound(t *testing.T) {
	t.Parallel()
	atGate(t, Admission{Admins: hecate.AwaitsApproval, Orgs: asksAll}, func(t *testing.T, h *house) {
		ada := h.newcomer("ada@example.com")
		adas := h.named("approve")
		made := must[*RegisteredOrg](t)(h.RegisterOrg(ctx, nil, RegisterOrgInput{Name: "acme", Owner: RegisterAdminInput{Email: "eve@example.com", Password: clear("adminpass")}}))
		eves, org, own := h.named("approve"), h.named("org-confirm"), h.named("activate")
		for _, ticket := range []hecate.Secret{eves, org, own, clear("no ticket of ours at all, but long enough")} {
			failed[*hecate.Admin](t, hecate.BadToken, "token")(h.ApproveAdmin(ctx, ada.Admin.ID, ticket))
		}
		for _, ticket := range []hecate.Secret{adas, eves, own} {
			failed[*hecate.Org](t, hecate.BadToken, "token")(h.SettleOrg(ctx, made.Org.ID, ticket, ConfirmOrgTicket))
		}
		failed[*hecate.Org](t, hecate.BadToken, "token")(h.SettleOrg(ctx, made.Org.ID, org, ApproveOrgTicket))
		failed[*hecate.Org](t, hecate.NotFound, "org")(h.SettleOrg(ctx, hecate.OrgID(ada.Admin.ID), org, ConfirmOrgTicket))
		must[*hecate.Admin](t)(h.CheckApproval(ctx, ada.Admin.ID, adas)) // looking uses nothing up
		h.clock.move(approvalLife)
		failed[*hecate.Admin](t, hecate.Expired, "token")(h.ApproveAdmin(ctx, ada.Admin.ID, adas))
		failed[*hecate.Org](t, hecate.Expired, "token")(h.SettleOrg(ctx, made.Org.ID, org, ConfirmOrgTicket))
	})
}
