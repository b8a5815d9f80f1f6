package engine

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"hecate"
	"hecate/internal/secret"
	"hecate/internal/store"
)

func TestRegisterAdmin(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		register := func(a *hecate.Actor, in RegisterAdminInput) (*AdminDetail, error) { return h.RegisterAdmin(ctx, a, in) }
		pw := clear("x")
		eli := must[*AdminDetail](t)(register(nil, RegisterAdminInput{Email: "Eli@Example.com", Password: pw, FirstName: "Eli", Username: "Eli"}))
		if a := eli.Admin; a.Seq != 1 || a.Email != "eli@example.com" || a.Activated || !a.HasPassword || !isHexKey(eli.Key, false) {
			t.Errorf("admin = %+v", a)
		}
		if l := h.last(); l.Name != "activate" || l.To != "eli@example.com" || l.Fields["uid"] != AdminUID(eli.Admin) || l.Secret.IsZero() {
			t.Errorf("letter = %+v", l)
		}
		for _, c := range []struct {
			name  string
			in    RegisterAdminInput
			kind  hecate.Kind
			field string
		}{
			{"an address is unique without case", RegisterAdminInput{Email: "ELI@example.com", Password: pw}, hecate.Exists, "email"},
			{"a username is unique without case", RegisterAdminInput{Email: "b@example.com", Username: "eLI", Password: pw}, hecate.Exists, "username"},
			{"an address looks like one", RegisterAdminInput{Email: "b", Password: pw}, hecate.Invalid, "email"},
			{"a password is needed", RegisterAdminInput{Email: "b@example.com"}, hecate.Invalid, "password"},
			{"an unknown invitation does not count", RegisterAdminInput{Email: "b@example.com", Password: pw, InvitationKey: clear("x")}, hecate.NotFound, "invitation_key"},
			{"nobody chooses his key", RegisterAdminInput{Email: "b@example.com", Password: pw, AccountKey: clear(strings.Repeat("a", 40))}, hecate.Forbidden, ""},
			{"nobody activates himself", RegisterAdminInput{Email: "b@example.com", Password: pw, Activated: true}, hecate.Forbidden, ""},
			{"no NUL", RegisterAdminInput{Email: "b@example.com", Password: pw, FirstName: "\x00"}, hecate.Invalid, "first_name"},
		} {
			t.Run(c.name, func(t *testing.T) { failed[*AdminDetail](t, c.kind, c.field)(register(nil, c.in)) })
		}
		t.Run("the operator chooses", func(t *testing.T) {
			key := clear(strings.Repeat("Ab", 20))
			in := RegisterAdminInput{Email: "op@example.com", Password: pw, AccountKey: key, Activated: true}
			before := h.letters()
			d := must[*AdminDetail](t)(register(System(), in))
			if !d.Admin.Activated || !sameSecret(d.Key, key) || h.letters() != before {
				t.Errorf("admin = %+v", d.Admin)
			}
			for _, spelt := range []string{key.Reveal(), strings.ToLower(key.Reveal()), strings.ToUpper(key.Reveal())} {
				must[*hecate.Actor](t)(h.AuthenticateAdmin(ctx, hecate.Proof{Key: clear(spelt)}))
			}
			in.Email = "op2@example.com"
			failed[*AdminDetail](t, hecate.Exists, "account_key")(register(System(), in))
		})
		t.Run("of many with one address exactly one works", func(t *testing.T) {
			var wg sync.WaitGroup
			errs := make([]error, 6)
			for i := range errs {
				wg.Go(func() { _, errs[i] = register(nil, RegisterAdminInput{Email: "many@example.com", Password: pw}) })
			}
			wg.Wait()
			made := 0
			for _, err := range errs {
				if err == nil {
					made++
				} else {
					fails(t, err, hecate.Exists, "email")
				}
			}
			if made != 1 {
				t.Errorf("%d were made", made)
			}
		})
	})
}

func TestClosedRegistration(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", Config{})
	in := RegisterAdminInput{Email: "a@example.com", Password: clear("x")}
	failed[*AdminDetail](t, hecate.Forbidden, "")(h.RegisterAdmin(ctx, nil, in))
	owner := must[*AdminDetail](t)(h.RegisterAdmin(ctx, System(), in))
	actor := must[*hecate.Actor](t)(h.AuthenticateAdmin(ctx, hecate.Proof{Key: owner.Key}))
	app := must[*AppDetail](t)(h.CreateApp(ctx, actor, CreateAppInput{Name: "books"})).App
	i := must[*hecate.Invitation](t)(h.Invite(ctx, h.enter(app, hecate.Proof{Key: owner.Key}), "b@example.com", hecate.WriteRole))
	in = RegisterAdminInput{Email: "b@example.com", Password: clear("x"), InvitationKey: i.Key}
	b := must[*AdminDetail](t)(h.RegisterAdmin(ctx, nil, in))
	if a := h.enter(app, hecate.Proof{Key: b.Key}); a.Role != hecate.WriteRole {
		t.Errorf("role = %d", a.Role)
	}
	in.Email = "c@example.com"
	failed[*AdminDetail](t, hecate.NotFound, "invitation_key")(h.RegisterAdmin(ctx, nil, in))
	failed[*hecate.Org](t, hecate.Forbidden, "")(h.CreateOrg(ctx, actor, "acme"))
}

func TestAuthenticateAdmin(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		_, owner := h.app("books")
		api := h.key(owner, hecate.Master)
		failed[*hecate.Actor](t, hecate.Unauthenticated, "")(h.AuthenticateAdmin(ctx, hecate.Proof{}))
		failed[*hecate.Actor](t, hecate.BadKey, "")(h.AuthenticateAdmin(ctx, hecate.Proof{Key: api}))
		failed[*hecate.Actor](t, hecate.BadKey, "")(h.AuthenticateAdmin(ctx, hecate.Proof{Key: clear("\x00")}))
		failed[*hecate.Actor](t, hecate.BadToken, "")(h.AuthenticateAdmin(ctx, hecate.Proof{Token: clear("x")}))
		user := h.user(owner, "gordon")
		failed[*hecate.Actor](t, hecate.BadToken, "")(h.AuthenticateAdmin(ctx, hecate.Proof{Token: user.Token}))

		me, d := h.admin("a@example.com")
		token := clear("an admin's token")
		s := store.Sealed[*hecate.Session]{Hash: h.lookup(token), Row: &hecate.Session{
			ID: "s", Principal: hecate.AdminPrincipal, Admin: d.Admin.ID, EndsOnPassword: true,
			IssuedAt: h.stamp(), LastUsedAt: h.stamp(), ExpiresAt: h.stamp().Add(time.Hour),
		}}
		works(t, h.db.Write(ctx, func(tx *store.DB) error { return tx.InsertSession(ctx, s) }))
		a := must[*hecate.Actor](t)(h.AuthenticateAdmin(ctx, hecate.Proof{Token: token}))
		if a.Admin.ID != me.Admin.ID || a.Kind != hecate.AdminActor {
			t.Errorf("actor = %+v", a)
		}
		_, err := h.Authenticate(ctx, owner.App, hecate.Proof{Token: token})
		fails(t, err, hecate.BadToken, "")
		h.clock.move(time.Hour)
		failed[*hecate.Actor](t, hecate.Expired, "")(h.AuthenticateAdmin(ctx, hecate.Proof{Token: token}))
		h.clock.move(-time.Minute)
		works(t, h.ChangeAdminPassword(ctx, me, clear("adminpass"), clear("y")))
		failed[*hecate.Actor](t, hecate.BadToken, "")(h.AuthenticateAdmin(ctx, hecate.Proof{Token: token}))
	})
}

func TestLoginAdmin(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		d := must[*AdminDetail](t)(h.RegisterAdmin(ctx, nil, RegisterAdminInput{Email: "a@example.com", Username: "Eli", Password: clear("x")}))
		for _, login := range []string{"A@example.com", "eLi"} {
			if l := must[*AdminDetail](t)(h.LoginAdmin(ctx, login, clear("x"))); !sameSecret(l.Key, d.Key) || l.Admin.ID != d.Admin.ID {
				t.Errorf("%s: %+v", login, l.Admin)
			}
		}
		failed[*AdminDetail](t, hecate.WrongPassword, "")(h.LoginAdmin(ctx, "eli", clear("X")))
		failed[*AdminDetail](t, hecate.WrongPassword, "")(h.LoginAdmin(ctx, "eli", clear("")))
		for _, login := range []string{"", "nobody", "\x00", "\xff"} {
			failed[*AdminDetail](t, hecate.UnknownUser, "")(h.LoginAdmin(ctx, login, clear("x")))
		}
		old := must[*store.AdminSecrets](t)(h.db.Admin(ctx, d.Admin.ID)).Password
		weak := secret.NewHasher(secret.Config{Cost: secret.Cost{Memory: 16, Time: 1, Threads: 1}})
		defer weak.Close()
		foreign := must[string](t)(weak.Hash(ctx, "x"))
		works(t, h.db.Write(ctx, func(tx *store.DB) error { return tx.SwapAdminHash(ctx, d.Admin.ID, old, foreign) }))
		must[*AdminDetail](t)(h.LoginAdmin(ctx, "eli", clear("x")))
		if now := must[*store.AdminSecrets](t)(h.db.Admin(ctx, d.Admin.ID)).Password; now == foreign {
			t.Error("not hashed anew")
		}
	})
}

func TestUpdateAdmin(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		me, d := h.admin("a@example.com")
		h.admin("taken@example.com")
		h.carry()
		activation := h.box.letters[0]
		if out := must[*AdminDetail](t)(h.ActivateAdmin(ctx, activation.Fields["uid"], activation.Secret.Reveal())); !out.Admin.Activated || !sameSecret(out.Key, d.Key) {
			t.Errorf("admin = %+v", out.Admin)
		}
		failed[*AdminDetail](t, hecate.BadToken, "token")(h.ActivateAdmin(ctx, activation.Fields["uid"], activation.Secret.Reveal()))

		out := must[*AdminDetail](t)(h.UpdateAdmin(ctx, me, UpdateAdminInput{
			FirstName: ptr("Eli"), LastName: ptr("Vance"), Metadata: map[string]any{"n": int64(1), "f": 1.5, "l": []any{int64(2)}},
		}))
		if !out.Admin.Activated || out.Admin.FirstName != "Eli" {
			t.Errorf("admin = %+v", out.Admin)
		}
		me = must[*hecate.Actor](t)(h.AuthenticateAdmin(ctx, hecate.Proof{Key: d.Key}))
		if me.Admin.FirstName != "Eli" || me.Admin.Metadata["n"] != int64(1) || me.Admin.Metadata["f"] != 1.5 || me.Admin.Metadata["l"].([]any)[0] != int64(2) {
			t.Errorf("admin = %+v", me.Admin)
		}
		failed[*AdminDetail](t, hecate.Exists, "email")(h.UpdateAdmin(ctx, me, UpdateAdminInput{Email: ptr("Taken@example.com")}))
		failed[*AdminDetail](t, hecate.Invalid, "email")(h.UpdateAdmin(ctx, me, UpdateAdminInput{Email: ptr("x")}))
		failed[*AdminDetail](t, hecate.Unauthenticated, "")(h.UpdateAdmin(ctx, &hecate.Actor{}, UpdateAdminInput{}))

		t.Run("a taken address may be left alone, at the price of a new activation", func(t *testing.T) {
			out := must[*AdminDetail](t)(h.UpdateAdmin(ctx, me, UpdateAdminInput{Email: ptr("taken@example.com"), KeepTakenEmail: true, FirstName: ptr("Azian")}))
			if out.Admin.Activated || out.Admin.Email != "a@example.com" || out.Admin.FirstName != "Azian" {
				t.Errorf("admin = %+v", out.Admin)
			}
			if l := h.last(); l.To != "a@example.com" || l.Name != "activate" {
				t.Errorf("letter = %+v", l)
			}
		})
		t.Run("a new address must be confirmed, by the letter that went there", func(t *testing.T) {
			older := h.last()
			out := must[*AdminDetail](t)(h.UpdateAdmin(ctx, me, UpdateAdminInput{Email: ptr("B@example.com")}))
			l := h.last()
			if out.Admin.Activated || out.Admin.Email != "b@example.com" || l.To != "b@example.com" {
				t.Errorf("admin = %+v, letter to %s", out.Admin, l.To)
			}
			uid := AdminUID(out.Admin)
			failed[*AdminDetail](t, hecate.BadToken, "token")(h.ActivateAdmin(ctx, uid, older.Secret.Reveal()))
			must[*AdminDetail](t)(h.ActivateAdmin(ctx, uid, l.Secret.Reveal()))
			works(t, ifKind(h.ResendActivation(ctx, "b@example.com"), hecate.Exists))
		})
	})
}

// ifKind turns an expected error into none.
func ifKind(err error, kind hecate.Kind) error {
	if errors.Is(err, kind) {
		return nil
	}
	return errors.Join(errors.New("another error was expected"), err)
}

func TestAdminTickets(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		me, d := h.admin("a@example.com")
		uid := AdminUID(d.Admin)
		ask := func() string {
			t.Helper()
			works(t, h.AskAdminReset(ctx, "A@example.com"))
			l := h.last()
			if l.Name != "reset" || l.Fields["uid"] != uid {
				t.Fatalf("letter = %+v", l)
			}
			return l.Secret.Reveal()
		}
		reset := func(uid, ticket, password string) error {
			_, err := h.ConfirmAdminReset(ctx, uid, ticket, clear(password))
			return err
		}
		fails(t, h.AskAdminReset(ctx, "nobody@example.com"), hecate.NotFound, "email")
		fails(t, h.AskAdminReset(ctx, "\x00"), hecate.NotFound, "email")
		fails(t, h.ResendActivation(ctx, "nobody@example.com"), hecate.NotFound, "email")

		t.Run("a ticket works once, and only for its account and purpose", func(t *testing.T) {
			_, other := h.admin("b@example.com")
			activation := h.last().Secret.Reveal()
			ticket := ask()
			for _, bad := range []string{"", "!", "999999999", AdminUID(&hecate.Admin{Seq: 99})} {
				fails(t, reset(bad, ticket, "new"), hecate.NotFound, "uid")
			}
			fails(t, reset(AdminUID(other.Admin), ticket, "new"), hecate.BadToken, "token")
			fails(t, reset(uid, ticket+"x", "new"), hecate.BadToken, "token")
			fails(t, reset(AdminUID(other.Admin), activation, "new"), hecate.BadToken, "token")
			failed[*AdminDetail](t, hecate.BadToken, "token")(h.ActivateAdmin(ctx, uid, ticket))
			fails(t, reset(uid, ticket, ""), hecate.Invalid, "new_password")
			works(t, reset(uid, ticket, "new"))
			fails(t, reset(uid, ticket, "newer"), hecate.BadToken, "token")
			must[*AdminDetail](t)(h.LoginAdmin(ctx, "a@example.com", clear("new")))
			failed[*AdminDetail](t, hecate.WrongPassword, "")(h.LoginAdmin(ctx, "a@example.com", clear("adminpass")))
			must[*hecate.Actor](t)(h.AuthenticateAdmin(ctx, hecate.Proof{Key: d.Key}))
		})
		t.Run("a password change ends it", func(t *testing.T) {
			ticket := ask()
			fails(t, h.ChangeAdminPassword(ctx, me, clear("wrong"), clear("x")), hecate.WrongPassword, "current_password")
			fails(t, h.ChangeAdminPassword(ctx, me, clear("new"), clear("")), hecate.Invalid, "new_password")
			works(t, h.ChangeAdminPassword(ctx, me, clear("new"), clear("newest")))
			fails(t, reset(uid, ticket, "x"), hecate.BadToken, "token")
			fails(t, h.SetAdminPassword(ctx, me, clear("x")), hecate.Exists, "password")
		})
		t.Run("time ends it", func(t *testing.T) {
			ticket := ask()
			h.clock.move(adminTicketLife)
			fails(t, reset(uid, ticket, "x"), hecate.Expired, "token")
			works(t, h.sweepOnce(ctx))
			fails(t, reset(uid, ticket, "x"), hecate.BadToken, "token")
		})
		t.Run("of two who use it at once one succeeds", func(t *testing.T) {
			ticket := ask()
			var wg sync.WaitGroup
			errs := make([]error, 4)
			for i := range errs {
				wg.Go(func() { errs[i] = reset(uid, ticket, "p") })
			}
			wg.Wait()
			won := 0
			for _, err := range errs {
				if err == nil {
					won++
				} else {
					fails(t, err, hecate.BadToken, "token")
				}
			}
			if won != 1 {
				t.Errorf("%d succeeded", won)
			}
		})
		t.Run("an activation can be sent again", func(t *testing.T) {
			works(t, h.ResendActivation(ctx, "a@example.com"))
			must[*AdminDetail](t)(h.ActivateAdmin(ctx, uid, h.last().Secret.Reveal()))
			fails(t, h.ResendActivation(ctx, "a@example.com"), hecate.Exists, "")
		})
	})
}

func TestResetAdminKey(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		old := must[*AdminDetail](t)(h.OwnAdmin(ctx, owner)).Key
		d := must[*AdminDetail](t)(h.ResetAdminKey(ctx, owner))
		if sameSecret(d.Key, old) || !isHexKey(d.Key, false) {
			t.Errorf("key = %q", d.Key.Reveal())
		}
		failed[*hecate.Actor](t, hecate.BadKey, "")(h.AuthenticateAdmin(ctx, hecate.Proof{Key: old}))
		_, err := h.Authenticate(ctx, app, hecate.Proof{Key: old})
		fails(t, err, hecate.BadKey, "")
		if a := h.enter(app, hecate.Proof{Key: d.Key}); a.Role != hecate.OwnerRole {
			t.Errorf("role = %d", a.Role)
		}
		if again := must[*AdminDetail](t)(h.OwnAdmin(ctx, owner)); !sameSecret(again.Key, d.Key) {
			t.Error("another key is shown")
		}
		failed[*AdminDetail](t, hecate.Unauthenticated, "")(h.ResetAdminKey(ctx, nil))
		failed[*AdminDetail](t, hecate.Unauthenticated, "")(h.OwnAdmin(ctx, &hecate.Actor{}))
	})
}

func TestSetup(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		old := must[hecate.Secret](t)(h.SetupTicket(ctx))
		ticket := must[hecate.Secret](t)(h.SetupTicket(ctx))
		in := RegisterAdminInput{Email: "a@example.com", Password: clear("x")}
		failed[*AdminDetail](t, hecate.BadToken, "token")(h.Setup(ctx, old, in))
		failed[*AdminDetail](t, hecate.BadToken, "token")(h.Setup(ctx, clear("x"), in))
		failed[*AdminDetail](t, hecate.Invalid, "password")(h.Setup(ctx, ticket, RegisterAdminInput{Email: "a@example.com"}))
		h.clock.move(setupTicketLife)
		failed[*AdminDetail](t, hecate.Expired, "token")(h.Setup(ctx, ticket, in))
		ticket = must[hecate.Secret](t)(h.SetupTicket(ctx))
		if d := must[*AdminDetail](t)(h.Setup(ctx, ticket, in)); !d.Admin.Activated || d.Admin.Seq != 1 {
			t.Errorf("admin = %+v", d.Admin)
		}
		in.Email = "b@example.com"
		failed[*AdminDetail](t, hecate.BadToken, "token")(h.Setup(ctx, ticket, in))
		if again := must[hecate.Secret](t)(h.SetupTicket(ctx)); !again.IsZero() {
			t.Error("a ticket though there is an admin")
		}
	})
}

func TestSetupWhenAnAdminCameMeanwhile(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", Config{OpenRegistration: true})
	ticket := must[hecate.Secret](t)(h.SetupTicket(ctx))
	h.admin("a@example.com")
	failed[*AdminDetail](t, hecate.Exists, "admin")(h.Setup(ctx, ticket, RegisterAdminInput{Email: "b@example.com", Password: clear("x")}))
}

func TestAnotherMasterKeyIsRefused(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		if used := must[bool](t)(KeysInUse(ctx, h.db)); used {
			t.Error("in use before the first start")
		}
		works(t, h.CheckKeys(ctx))
		works(t, h.CheckKeys(ctx))
		if used := must[bool](t)(KeysInUse(ctx, h.db)); !used {
			t.Error("not in use")
		}
		c := h.config
		c.Keys = secret.NewKeys([32]byte{9})
		err := New(c).CheckKeys(ctx)
		fails(t, err, hecate.Invalid, "")
		if !strings.Contains(err.Error(), "does not belong to this database") {
			t.Error(err)
		}
	})
}

func TestAnAdminWithoutPasswordMayGetOne(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		me, d := h.admin("a@example.com")
		works(t, h.db.Write(ctx, func(tx *store.DB) error { return tx.SetAdminPassword(ctx, d.Admin.ID, "") }))
		if own := must[*AdminDetail](t)(h.OwnAdmin(ctx, me)); own.Admin.HasPassword {
			t.Error("has a password")
		}
		failed[*AdminDetail](t, hecate.WrongPassword, "")(h.LoginAdmin(ctx, "a@example.com", clear("")))
		fails(t, h.ChangeAdminPassword(ctx, me, clear(""), clear("x")), hecate.WrongPassword, "current_password")
		fails(t, h.SetAdminPassword(ctx, me, clear("")), hecate.Invalid, "password")
		works(t, h.SetAdminPassword(ctx, me, clear("x")))
		must[*AdminDetail](t)(h.LoginAdmin(ctx, "a@example.com", clear("x")))
		fails(t, h.SetAdminPassword(ctx, me, clear("y")), hecate.Exists, "password")
		if !must[bool](t)(h.SetAdminPasswordByOperator(ctx, System(), d.Admin.ID, clear("z"))) {
			t.Error("not replaced")
		}
		if must[bool](t)(h.SetAdminPasswordByOperator(ctx, System(), d.Admin.ID, clear("z"))) {
			t.Error("replaced by the same")
		}
		failed[bool](t, hecate.Forbidden, "")(h.SetAdminPasswordByOperator(ctx, me, d.Admin.ID, clear("q")))
	})
}
