package engine

import (
	"slices"
	"testing"

	"hecate"
)

func TestWhoDecidesMayBeSeveral(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		h.carry()
		d := must[*UserDetail](t)(h.CreateUser(ctx, owner, CreateUserInput{
			Username: "ada", Email: "ada@example.com", Password: clear("secret"), NotActivated: true,
			Letters: []UserLetter{{Mailing: Mailing{Letter: "approve"}, Ticket: ActivateTicket, To: "one@example.com", Copies: []string{"two@example.com"}}},
		}))
		n := h.letters()
		got := h.box.letters[n-2:]
		if got[0].To != "one@example.com" || got[1].To != "two@example.com" || got[0].Secret.Reveal() != got[1].Secret.Reveal() {
			t.Fatalf("%+v", got)
		}
		must[*TicketDetail](t)(h.Activate(ctx, app, tokenOf(got[1].Secret)))
		failed[*TicketDetail](t, hecate.BadToken, "token")(h.Activate(ctx, app, tokenOf(got[0].Secret)))
		if u := must[*hecate.User](t)(h.LookupUser(ctx, app.ID, UserRef{ID: d.User.ID})); !u.Activated || u.EmailVerified {
			t.Errorf("%+v", u)
		}
	})
}

func TestWhoWasTakenOutOfUseGetsNoLetterThatLetsHimIn(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		make := func(name string) UserRef {
			d := must[*UserDetail](t)(h.CreateUser(ctx, owner, CreateUserInput{
				Username: name, Email: name + "@example.com", Password: clear("secret"), NotActivated: true, Letters: []UserLetter{{Ticket: ActivateTicket}},
			}))
			return UserRef{ID: d.User.ID}
		}
		activate := func(ref UserRef, yes bool) {
			t.Helper()
			must[*UserDetail](t)(h.UpdateUser(ctx, owner, ref, UpdateUserInput{Activated: &yes}))
		}
		ada := make("ada")
		old := h.last()
		activate(ada, true)
		activate(ada, false)
		failed[*TicketDetail](t, hecate.BadToken, "token")(h.Activate(ctx, app, tokenOf(old.Secret)))

		activate(ada, true)
		if !h.canLogin(owner, "ada", "secret") {
			t.Fatal("ada does not come in")
		}
		activate(ada, false)
		fails(t, h.AskActivation(ctx, app, AskInput{User: ada}), hecate.Exists, "activation")
		works(t, h.AskActivation(ctx, app, AskInput{User: ada, Letter: UserLetter{To: "boss@example.com"}}))

		// A letter that only proves the address lets nobody in.
		bob := make("bob")
		works(t, h.AskActivation(ctx, app, AskInput{User: bob, Letter: UserLetter{Ticket: VerifyTicket}}))
		d := must[*TicketDetail](t)(h.ConfirmAddress(ctx, app, tokenOf(h.last().Secret)))
		if d.User.Activated || !d.User.EmailVerified {
			t.Errorf("%+v", d.User)
		}
		fails(t, h.AskActivation(ctx, app, AskInput{User: bob}), hecate.Exists, "activation")
	})
}

func TestAnAdminsTicketEndsThoseBeforeAndHisResetEverySession(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		_, ada := h.admin("ada@example.com")
		uid := AdminUID(ada.Admin)
		works(t, h.AskAdminReset(ctx, "ada@example.com"))
		first := h.last()
		works(t, h.AskAdminReset(ctx, "ada@example.com"))
		second := h.last()
		failed[*hecate.Admin](t, hecate.BadToken, "token")(h.CheckAdminTicket(ctx, uid, first.Secret.Reveal(), AdminResetTicket))
		must[*AdminDetail](t)(h.ConfirmAdminReset(ctx, uid, second.Secret.Reveal(), clear("fresh one")))

		opened := must[*Opened](t)(h.OpenAdminSession(ctx, AdminLoginInput{Login: "ada@example.com", Password: clear("fresh one"), Open: OpenSession{}}))
		must[*hecate.Actor](t)(h.AuthenticateAdmin(ctx, hecate.Proof{Token: opened.Token}))
		works(t, h.AskAdminReset(ctx, "ada@example.com"))
		must[*AdminDetail](t)(h.ConfirmAdminReset(ctx, uid, h.last().Secret.Reveal(), clear("fresher one")))
		failed[*hecate.Actor](t, hecate.BadToken, "")(h.AuthenticateAdmin(ctx, hecate.Proof{Token: opened.Token}))
	})
}

func TestNewMembersOfAnOrgAreTold(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		owner, _ := h.admin("ada@example.com")
		org := must[*hecate.Org](t)(h.CreateOrg(ctx, owner, "acme"))
		said := func(n int) (names []string) {
			for _, l := range h.box.letters[n:] {
				names = append(names, l.Name+" "+l.To+" "+l.Fields["org"]+" "+l.Subject)
			}
			return names
		}
		for _, c := range []struct {
			email string
			want  []string
		}{
			{"new@example.com", []string{"activate new@example.com  ", "member new@example.com acme You may"}},
			{"new@example.com", nil}, // he is one already
		} {
			n := h.letters()
			must[*hecate.Admin](t)(h.CreateOrgAdmin(ctx, owner, org.ID, RegisterAdminInput{Email: c.email}, Mailing{Subject: "You may"}))
			h.carry()
			if got := said(n); !slices.Equal(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		}
		h.admin("bob@example.com")
		must[*hecate.Admin](t)(h.CreateOrgAdmin(ctx, owner, org.ID, RegisterAdminInput{Email: "bob@example.com"}, Mailing{}))
		if l := h.last(); l.Name != "member" || l.To != "bob@example.com" {
			t.Errorf("%+v", l)
		}
		n := h.letters()
		d := must[*AdminDetail](t)(h.RegisterAdmin(ctx, nil, RegisterAdminInput{Email: "eve@example.com", Password: clear("secret")}))
		l := h.last()
		must[*AdminDetail](t)(h.ActivateAdmin(ctx, AdminUID(d.Admin), l.Secret.Reveal(), Mailing{Letter: "activated"}))
		if h.letters() != n+2 || h.last().Name != "activated" {
			t.Errorf("%+v", h.last())
		}
	})
}
