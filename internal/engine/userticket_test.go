package engine

import (
	"slices"
	"strings"
	"testing"
	"time"

	"hecate"
)

func tokenOf(s hecate.Secret) TicketInput { return TicketInput{Ticket: s} }

func resetWith(s hecate.Secret, password string) ResetInput {
	return ResetInput{TicketInput: tokenOf(s), Password: clear(password)}
}

// canLogin reports whether a user logs in with that password.
func (h *house) canLogin(owner *hecate.Actor, login, password string) bool {
	h.t.Helper()
	_, err := h.Login(ctx, owner, LoginInput{Login: login, Password: clear(password)})
	return err == nil
}

func TestAForgottenPasswordIsResetByATicketOnce(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		key := h.key(owner, 0)
		ada, bob := h.withAddress(owner, "ada"), h.withAddress(owner, "bob")
		ask := func(in AskInput) hecate.Secret {
			t.Helper()
			works(t, h.AskReset(ctx, app, in))
			return h.last().Secret
		}
		byEmail := AskInput{Email: "ada@example.com"}
		opened := must[*LoginResult](t)(h.Login(ctx, owner, LoginInput{Login: "ada", Password: clear("password of ada"), Open: &OpenSession{}}))

		t.Run("whoever is unknown is told so, unless the app hides it", func(t *testing.T) {
			n := h.letters()
			for _, in := range []AskInput{{Email: "nobody@example.com"}, {User: UserRef{Login: "nobody"}}, {User: UserRef{ID: "x"}}, {Email: "\x00"}, {Email: strings.Repeat("x", 999)}, {}} {
				fails(t, h.AskReset(ctx, app, in), hecate.NotFound, "user")
				in.Quiet = true
				works(t, h.AskReset(ctx, app, in))
			}
			plain := h.user(owner, "plain")
			fails(t, h.AskReset(ctx, app, AskInput{User: UserRef{ID: plain.User.ID}}), hecate.NotFound, "email")
			if h.letters() != n {
				t.Error("somebody got a letter")
			}
		})
		t.Run("looking at a ticket uses nothing up", func(t *testing.T) {
			s := ask(byEmail)
			for range 3 {
				d := must[*TicketDetail](t)(h.CheckTicket(ctx, app, TicketInput{Purpose: ResetTicket, Ticket: s}))
				if d.User.ID != ada.User.ID || d.Ticket.Address != "ada@example.com" {
					t.Fatalf("%+v", d)
				}
			}
		})
		t.Run("a ticket serves its purpose, user and app alone", func(t *testing.T) {
			s := ask(byEmail)
			films, _ := h.app("films")
			for name, c := range map[string]struct {
				app *hecate.App
				in  TicketInput
			}{
				"another purpose": {app, TicketInput{Purpose: VerifyTicket, Ticket: s}},
				"another user":    {app, TicketInput{Purpose: ResetTicket, Ticket: s, User: UserRef{ID: bob.User.ID}}},
				"nobody":          {app, TicketInput{Purpose: ResetTicket, Ticket: s, User: UserRef{Login: "nobody"}}},
				"another app":     {films, TicketInput{Purpose: ResetTicket, Ticket: s}},
				"another ticket":  {app, TicketInput{Purpose: ResetTicket, Ticket: clear(s.Reveal() + "x")}},
				"none":            {app, TicketInput{Purpose: ResetTicket}},
				"bad text":        {app, TicketInput{Purpose: ResetTicket, Ticket: clear("\x00" + strings.Repeat("x", 50))}},
			} {
				_, err := h.CheckTicket(ctx, c.app, c.in)
				if hecate.KindOf(err) != hecate.BadToken {
					t.Errorf("%s: %v", name, err)
				}
				in := ResetInput{TicketInput: c.in, Password: clear("stolen!")}
				if c.in.Purpose == ResetTicket {
					failed[*LoginResult](t, hecate.BadToken, "token")(h.ResetByTicket(ctx, c.app, in))
				}
			}
			must[*TicketDetail](t)(h.CheckTicket(ctx, app, TicketInput{Purpose: ResetTicket, Ticket: s, User: UserRef{Login: "ADA"}}))
		})
		t.Run("a newer ticket ends the older", func(t *testing.T) {
			old := ask(byEmail)
			s := ask(AskInput{User: UserRef{Login: "ada"}})
			failed[*LoginResult](t, hecate.BadToken, "token")(h.ResetByTicket(ctx, app, resetWith(old, "new password")))
			failed[*LoginResult](t, hecate.Invalid, "password")(h.ResetByTicket(ctx, app, resetWith(s, "")))
			in := resetWith(s, "abc")
			in.MinPassword = 6
			failed[*LoginResult](t, hecate.WeakPassword, "password")(h.ResetByTicket(ctx, app, in))
			works(t, h.SetPIN(ctx, owner, UserRef{ID: ada.User.ID}, clear("12345678")))
			in.Password, in.Open = clear("new password"), &OpenSession{}
			out := must[*LoginResult](t)(h.ResetByTicket(ctx, app, in))
			if sameSecret(out.Token, ada.Token) || out.SessionToken.IsZero() {
				t.Error("the standing session stays, or none was opened")
			}
			h.deadToken(app, key, ada.Token)
			h.deadToken(app, key, opened.SessionToken)
			if a := h.enter(app, hecate.Proof{Key: key, Token: out.SessionToken}); a.UserID() != ada.User.ID {
				t.Error("the session that was asked for is dead")
			}
			if !h.canLogin(owner, "ada", "new password") || h.canLogin(owner, "ada", "password of ada") {
				t.Error("the password was not changed")
			}
			if _, err := h.Login(ctx, owner, LoginInput{Login: "ada", PIN: clear("12345678")}); err == nil {
				t.Error("the PIN still lets in")
			}
			failed[*LoginResult](t, hecate.BadToken, "token")(h.ResetByTicket(ctx, app, resetWith(s, "another")))
		})
		t.Run("time, a new password, a new address and, if asked, a login end a ticket", func(t *testing.T) {
			id := UserRef{ID: ada.User.ID}
			s := ask(byEmail)
			h.clock.move(12 * time.Hour)
			failed[*LoginResult](t, hecate.Expired, "token")(h.ResetByTicket(ctx, app, resetWith(s, "x")))
			s = ask(AskInput{Email: "ada@example.com", Letter: UserLetter{TTL: time.Minute}})
			h.clock.move(time.Minute)
			failed[*TicketDetail](t, hecate.Expired, "token")(h.CheckTicket(ctx, app, TicketInput{Purpose: ResetTicket, Ticket: s}))
			s = ask(byEmail)
			must[*LoginResult](t)(h.ResetPassword(ctx, owner, id, clear("by the owner"), ChangePasswordInput{}))
			failed[*LoginResult](t, hecate.BadToken, "token")(h.ResetByTicket(ctx, app, resetWith(s, "x")))
			s = ask(byEmail)
			must[*UserDetail](t)(h.UpdateUser(ctx, owner, id, UpdateUserInput{Email: ptr("ada.new@example.com")}))
			failed[*LoginResult](t, hecate.BadToken, "token")(h.ResetByTicket(ctx, app, resetWith(s, "x")))
			must[*UserDetail](t)(h.UpdateUser(ctx, owner, id, UpdateUserInput{Email: ptr("ada@example.com")}))
			failed[*LoginResult](t, hecate.BadToken, "token")(h.ResetByTicket(ctx, app, resetWith(s, "x")))
			h.clock.move(time.Hour)
			s = ask(AskInput{Email: "ada@example.com", Letter: UserLetter{UntilLogin: true}})
			h.clock.move(time.Second)
			if !h.canLogin(owner, "ada", "by the owner") {
				t.Fatal("no login")
			}
			failed[*LoginResult](t, hecate.BadToken, "token")(h.ResetByTicket(ctx, app, resetWith(s, "x")))
			s = ask(byEmail)
			if !h.canLogin(owner, "ada", "by the owner") {
				t.Fatal("no login")
			}
			must[*LoginResult](t)(h.ResetByTicket(ctx, app, resetWith(s, "x")))
		})
		t.Run("of many who use one ticket at once one succeeds", func(t *testing.T) {
			h.clock.move(time.Hour)
			s := ask(byEmail)
			errs := make(chan error, 8)
			for range 8 {
				go func() {
					_, err := h.ResetByTicket(ctx, app, resetWith(s, "at once"))
					errs <- err
				}()
			}
			ok := 0
			for range 8 {
				if err := <-errs; err == nil {
					ok++
				} else if hecate.KindOf(err) != hecate.BadToken {
					t.Error(err)
				}
			}
			if ok != 1 {
				t.Errorf("%d succeeded", ok)
			}
		})
		t.Run("a user who is deleted has no tickets", func(t *testing.T) {
			works(t, h.AskReset(ctx, app, AskInput{Email: "bob@example.com"}))
			s := h.last().Secret
			works(t, h.DeleteUser(ctx, owner, UserRef{ID: bob.User.ID}))
			failed[*LoginResult](t, hecate.BadToken, "token")(h.ResetByTicket(ctx, app, resetWith(s, "x")))
		})
	})
}

func TestAnAddressIsVerified(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		key := h.key(owner, 0)
		ada, bob := h.withAddress(owner, "ada"), h.withAddress(owner, "bob")
		me, other := h.as(app, key, ada), h.as(app, key, bob)
		id := UserRef{ID: ada.User.ID}
		ask := func(l UserLetter) hecate.Secret {
			t.Helper()
			works(t, h.AskVerification(ctx, me, VerificationInput{Letter: l}))
			return h.last().Secret
		}
		t.Run("by a link", func(t *testing.T) {
			s := ask(UserLetter{})
			d := must[*TicketDetail](t)(h.ConfirmAddress(ctx, app, tokenOf(s)))
			if !d.User.EmailVerified || d.Ticket.About != "email" {
				t.Errorf("%+v", d)
			}
			failed[*TicketDetail](t, hecate.BadToken, "token")(h.ConfirmAddress(ctx, app, tokenOf(s)))
			if !must[*UserDetail](t)(h.User(ctx, me, id)).User.EmailVerified {
				t.Error("the address is not verified")
			}
		})
		t.Run("a new address is not verified", func(t *testing.T) {
			s := ask(UserLetter{})
			u := must[*UserDetail](t)(h.UpdateUser(ctx, me, id, UpdateUserInput{Email: ptr("mine@example.com")})).User
			if u.EmailVerified {
				t.Error("it is")
			}
			failed[*TicketDetail](t, hecate.BadToken, "token")(h.ConfirmAddress(ctx, app, tokenOf(s)))
		})
		t.Run("by a code, for its user alone", func(t *testing.T) {
			code := ask(UserLetter{Form: NumericCode})
			if text := code.Reveal(); len(text) != 8 || strings.Trim(text, "0123456789") != "" {
				t.Fatalf("code %q", text)
			}
			failed[*TicketDetail](t, hecate.BadToken, "token")(h.ConfirmAddress(ctx, app, tokenOf(code)))
			failed[*TicketDetail](t, hecate.BadToken, "token")(h.ConfirmAddress(ctx, app, TicketInput{Ticket: code, User: UserRef{ID: bob.User.ID}}))
			must[*TicketDetail](t)(h.CheckTicket(ctx, app, TicketInput{Purpose: VerifyTicket, Ticket: code, User: id}))
			must[*TicketDetail](t)(h.ConfirmAddress(ctx, app, TicketInput{Ticket: clear(" " + code.Reveal() + " "), User: id}))
			failed[*TicketDetail](t, hecate.BadToken, "token")(h.ConfirmAddress(ctx, app, TicketInput{Ticket: code, User: id}))
			text := ask(UserLetter{Form: TextCode}).Reveal()
			if len(text) != 8 || strings.Trim(text, codeAlphabet) != "" {
				t.Errorf("code %q", text)
			}
			must[*TicketDetail](t)(h.ConfirmAddress(ctx, app, TicketInput{Ticket: clear(strings.ToUpper(text)), User: UserRef{Login: "ada"}}))
		})
		t.Run("wrong codes end the right one", func(t *testing.T) {
			code := ask(UserLetter{Form: NumericCode}).Reveal()
			wrong := "00000000"
			if code == wrong {
				wrong = "00000001"
			}
			for i := range codeTries {
				in := TicketInput{Purpose: VerifyTicket, Ticket: clear(wrong), User: id}
				if i%2 == 0 { // looking is trying
					failed[*TicketDetail](t, hecate.BadToken, "token")(h.CheckTicket(ctx, app, in))
				} else {
					failed[*TicketDetail](t, hecate.BadToken, "token")(h.ConfirmAddress(ctx, app, in))
				}
			}
			failed[*TicketDetail](t, hecate.BadToken, "token")(h.ConfirmAddress(ctx, app, TicketInput{Ticket: clear(code), User: id}))
			must[*TicketDetail](t)(h.ConfirmAddress(ctx, app, TicketInput{Ticket: ask(UserLetter{Form: NumericCode}), User: id}))
			// New codes do not go on for ever: five tries each, and so many letters in an hour.
			var last error
			for range h.limits.LettersPerAddress {
				if last = h.AskVerification(ctx, me, VerificationInput{Letter: UserLetter{Form: NumericCode}}); last != nil {
					break
				}
			}
			fails(t, last, hecate.TooMany, "")
			h.clock.move(time.Hour + time.Second)
		})
		t.Run("another field's address", func(t *testing.T) {
			l := UserLetter{About: "backup", To: "backup@example.net", Form: NumericCode}
			code := ask(l)
			if letter := h.last(); letter.To != "backup@example.net" || letter.Fields["key"] != "backup" || letter.Fields["code"] != code.Reveal() {
				t.Errorf("%+v", letter)
			}
			own := ask(UserLetter{}) // does not end the other
			d := must[*TicketDetail](t)(h.ConfirmAddress(ctx, app, TicketInput{Ticket: code, User: id}))
			if d.Ticket.About != "backup" || d.Ticket.Address != "backup@example.net" {
				t.Errorf("%+v", d.Ticket)
			}
			must[*TicketDetail](t)(h.ConfirmAddress(ctx, app, tokenOf(own)))
			l.To = "x\r\nBcc: y@example.com"
			fails(t, h.AskVerification(ctx, me, VerificationInput{Letter: l}), hecate.Invalid, "address")
			l.To = ""
			fails(t, h.AskVerification(ctx, me, VerificationInput{Letter: l}), hecate.NotFound, "address")
		})
		t.Run("nobody asks for another", func(t *testing.T) {
			fails(t, h.AskVerification(ctx, other, VerificationInput{User: id}), hecate.NotFound, "user")
			fails(t, h.AskVerification(ctx, h.enter(app, hecate.Proof{Key: key}), VerificationInput{}), hecate.Unauthenticated, "")
			_, stranger := h.app("films")
			fails(t, h.AskVerification(ctx, stranger, VerificationInput{User: id}), hecate.NotFound, "user")
			works(t, h.AskVerification(ctx, owner, VerificationInput{User: id}))
		})
	})
}

func TestAnAccountIsActivatedByATicket(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		h.carry()
		make := func(name string, letters ...UserLetter) UserRef {
			t.Helper()
			d := must[*UserDetail](t)(h.CreateUser(ctx, owner, CreateUserInput{
				Username: name, Email: name + "@example.com", Password: clear("secret"), NotActivated: true, Letters: letters,
			}))
			return UserRef{ID: d.User.ID}
		}
		ada := make("ada", UserLetter{Ticket: ActivateTicket})
		first := h.last()
		if first.Name != "activate" || first.To != "ada@example.com" {
			t.Fatalf("%+v", first)
		}
		works(t, h.AskActivation(ctx, app, AskInput{Email: "ada@example.com"}))
		second := h.last()
		failed[*TicketDetail](t, hecate.BadToken, "token")(h.Activate(ctx, app, tokenOf(first.Secret)))
		if h.canLogin(owner, "ada", "secret") {
			t.Error("ada comes in before")
		}
		d := must[*TicketDetail](t)(h.Activate(ctx, app, TicketInput{Ticket: second.Secret, Letters: []UserLetter{{Mailing: Mailing{Letter: "activated"}}}}))
		if !d.User.Activated || !d.User.EmailVerified || !h.canLogin(owner, "ada", "secret") {
			t.Errorf("%+v", d.User)
		}
		if l := h.last(); l.Name != "activated" || l.To != "ada@example.com" {
			t.Errorf("%+v", l)
		}
		failed[*TicketDetail](t, hecate.BadToken, "token")(h.Activate(ctx, app, tokenOf(second.Secret)))
		fails(t, h.AskActivation(ctx, app, AskInput{User: ada}), hecate.Exists, "activation")

		// Somebody else approves: that proves nothing of the address.
		bob := make("bob")
		works(t, h.AskActivation(ctx, app, AskInput{User: bob, Letter: UserLetter{To: "boss@example.com", Mailing: Mailing{Letter: "approve"}}}))
		l := h.last()
		if l.To != "boss@example.com" || l.Fields["user"] != "bob" {
			t.Errorf("%+v", l)
		}
		d = must[*TicketDetail](t)(h.Activate(ctx, app, tokenOf(l.Secret)))
		if !d.User.Activated || d.User.EmailVerified {
			t.Errorf("%+v", d.User)
		}
	})
}

func TestAPINComesByMail(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		ada := h.withAddress(owner, "ada")
		works(t, h.SetPIN(ctx, owner, UserRef{ID: ada.User.ID}, clear("1111")))
		works(t, h.AskPIN(ctx, app, AskInput{User: UserRef{Login: "ada"}}))
		l := h.last()
		if l.Name != "pin" || len(l.Secret.Reveal()) != 8 {
			t.Fatalf("%+v", l)
		}
		must[*LoginResult](t)(h.Login(ctx, owner, LoginInput{Login: "ada", PIN: l.Secret}))
		failed[*LoginResult](t, hecate.WrongPassword, "")(h.Login(ctx, owner, LoginInput{Login: "ada", PIN: clear("1111")}))
		fails(t, h.AskPIN(ctx, app, AskInput{Email: "nobody@example.com"}), hecate.NotFound, "user")
		works(t, h.AskPIN(ctx, app, AskInput{Email: "nobody@example.com", Quiet: true}))
	})
}

// TestAskingTellsNothingOfAccounts compares the times of many requests: with hide-existence on, who is known and who is not must take
// alike, in the same rows.
func TestAskingTellsNothingOfAccounts(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		h.limits.LettersPerAddress = 1 << 30
		s := app.Settings
		s.HideAccountExistence = true
		must[*AppDetail](t)(h.UpdateApp(ctx, owner, app.ID, UpdateAppInput{Settings: &s}))
		app = must[*hecate.App](t)(h.AppByID(ctx, app.ID))
		h.withAddress(owner, "ada")
		h.carry()
		const rounds = 60
		var took [2][]time.Duration
		for i := range 2 * rounds {
			name := [...]string{"ada@example.com", "eve@example.com"}[i%2]
			began := time.Now()
			works(t, h.AskReset(ctx, app, AskInput{Email: name}))
			took[i%2] = append(took[i%2], time.Since(began))
		}
		known, unknown := median(took[0]), median(took[1])
		t.Logf("median: known %v, unknown %v", known, unknown)
		if gap := (known - unknown).Abs(); gap > max(known, unknown)/10 {
			t.Errorf("known %v, unknown %v", known, unknown)
		}
		if n := h.letters(); n == 0 {
			t.Error("ada got nothing")
		}
		for _, l := range h.box.letters {
			if l.To == "eve@example.com" {
				t.Fatal("eve got a letter")
			}
		}
		for _, in := range []AskInput{{User: UserRef{Login: "nobody"}}, {Email: "\x00"}, {}} {
			works(t, h.AskReset(ctx, app, in))
			works(t, h.AskActivation(ctx, app, in))
			works(t, h.AskPIN(ctx, app, in))
		}
		works(t, h.AskActivation(ctx, app, AskInput{Email: "ada@example.com"})) // she is active
	})
}

func median(d []time.Duration) time.Duration {
	d = slices.Clone(d)
	slices.Sort(d)
	return d[len(d)/2]
}
