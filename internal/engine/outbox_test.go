package engine

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"hecate"
	"hecate/internal/mail"
	"hecate/internal/mail/mailtest"
	"hecate/internal/store"
	"hecate/internal/store/storetest"
)

// post is a house whose letters go to a real mail server.
func post(t *testing.T, h *house, c mailtest.Config) *mailtest.Server {
	t.Helper()
	s := mailtest.Start(t, c)
	h.mail = smtpTo(t, h, s.Addr)
	return s
}

func smtpTo(t *testing.T, h *house, addr string) *mail.SMTP {
	t.Helper()
	m, err := mail.NewSMTP("smtp://"+addr+"?timeout=2s", "Hecate <no-reply@example.org>", h.clock.now)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// withAddress signs a user with an address up.
func (h *house) withAddress(owner *hecate.Actor, name string) *UserDetail {
	h.t.Helper()
	return must[*UserDetail](h.t)(h.CreateUser(ctx, owner, CreateUserInput{Username: name, Email: name + "@example.com", Password: clear("password of " + name)}))
}

func TestALetterLeavesWhenItsCauseHasHappenedAndNotBefore(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		h.publicURL = func() string { return "https://id.example.org" }
		h.withAddress(owner, "ada")
		s := post(t, h, mailtest.Config{})
		h.carry() // the owner's own letter
		ask := AskInput{Email: "ADA@example.com", Letter: UserLetter{Mailing: Mailing{
			Link: "/app/books/users/{user}/reset?token={ticket}&until={expires}&to={address}", Subject: "Password Reset {address}",
		}}}
		works(t, h.AskReset(ctx, app, ask))
		if n := len(s.Mails()); n != 1 {
			t.Fatalf("%d mails left before the worker ran", n)
		}
		if n := must[int](t)(h.WaitingLetters(ctx, System())); n != 1 {
			t.Fatalf("%d letters wait", n)
		}
		// Another process takes the database over: what the first one queued leaves then.
		next := New(h.config)
		next.mail = h.mail
		run, stop := context.WithCancel(ctx)
		done := make(chan error, 1)
		go func() { done <- next.Run(run) }()
		m := s.Wait(t, "ada@example.com", "Password Reset ada@example.com")
		stop()
		works(t, <-done)
		if !strings.Contains(m.Text, "https://id.example.org/app/books/users/") || !strings.Contains(m.Text, "&to=ada%40example.com") || !strings.Contains(m.Text, "for books") {
			t.Errorf("text:\n%s", m.Text)
		}
		failed[*hecate.Org](t, hecate.Forbidden, "")(nil, second(h.WaitingLetters(ctx, owner)))
		if n := must[int](t)(h.WaitingLetters(ctx, System())); n != 0 {
			t.Errorf("%d letters still wait", n)
		}

		t.Run("a write that fails leaves no letter", func(t *testing.T) {
			failed[*UserDetail](t, hecate.Exists, "username")(h.CreateUser(ctx, owner, CreateUserInput{
				Username: "ada", Email: "other@example.com", Letters: []UserLetter{{Mailing: Mailing{Letter: "welcome"}}},
			}))
			if n := must[int](t)(h.WaitingLetters(ctx, System())); n != 0 {
				t.Errorf("%d letters wait", n)
			}
			must[*UserDetail](t)(h.CreateUser(ctx, owner, CreateUserInput{
				Username: "bob", Email: "bob@example.com", Letters: []UserLetter{{Mailing: Mailing{Letter: "welcome"}}, {Ticket: VerifyTicket, Form: NumericCode}},
			}))
			h.carry()
			s.Wait(t, "bob@example.com", "Welcome to books")
			s.Wait(t, "bob@example.com", "Verify your address")
		})
	})
}

func second[T any](_ T, err error) error { return err }

// failedLetters are the newest letters that could not be sent, as the actor sees them.
func (h *house) failedLetters(t *testing.T, actor *hecate.Actor, limit int) []*hecate.Letter {
	t.Helper()
	return must[hecate.Page[*hecate.Letter]](t)(h.Letters(ctx, actor, LetterList{State: ptr(hecate.LetterFailed), Limit: limit})).Rows
}

func TestALetterThatCannotBeSentIsTriedAgainAndGivenUpInTheEnd(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		h.withAddress(owner, "ada")
		h.withAddress(owner, "bob")
		_, other := h.app("films")
		h.carry()
		var down atomic.Bool
		down.Store(true)
		s := post(t, h, mailtest.Config{Refuse: func(to string) error {
			switch {
			case strings.HasPrefix(to, "bob"):
				return &smtp.SMTPError{Code: 550, Message: "no such mailbox"}
			case down.Load():
				return &smtp.SMTPError{Code: 451, Message: "greylisted"}
			}
			return nil
		}})
		reset := func(name string, ttl time.Duration) {
			t.Helper()
			works(t, h.AskReset(ctx, app, AskInput{User: UserRef{Login: name}, Letter: UserLetter{TTL: ttl}}))
		}
		t.Run("a recipient who is refused for good fails at once and is seen", func(t *testing.T) {
			reset("bob", 0)
			h.carry()
			list := h.failedLetters(t, System(), 10)
			if len(list) != 1 || list[0].Address != "bob@example.com" || list[0].Name != "reset" || list[0].Attempts != 1 || !strings.Contains(list[0].LastError, "no such mailbox") {
				t.Fatalf("failed: %+v", list)
			}
			if list := h.failedLetters(t, owner, 10); len(list) != 1 {
				t.Errorf("the app's owner sees %d", len(list))
			}
			if list := h.failedLetters(t, other, 10); len(list) != 0 {
				t.Errorf("another app's owner sees %d", len(list))
			}
			failed[hecate.Page[*hecate.Letter]](t, hecate.Forbidden, "")(h.Letters(ctx, nil, LetterList{Limit: 10}))
		})
		t.Run("the delay grows", func(t *testing.T) {
			reset("ada", 0)
			var tried []time.Duration
			began, asked := h.clock.now(), s.Asked()
			for h.clock.now().Sub(began) < 10*time.Minute {
				h.carry()
				if n := s.Asked(); n != asked {
					asked = n
					tried = append(tried, h.clock.now().Sub(began))
				}
				h.clock.move(5 * time.Second)
			}
			if len(tried) < 5 || len(tried) > 7 || tried[1] > 25*time.Second || tried[len(tried)-1]-tried[len(tried)-2] < 2*time.Minute {
				t.Errorf("tried after %v", tried)
			}
		})
		t.Run("once the server takes it, it leaves once", func(t *testing.T) {
			down.Store(false)
			h.clock.move(time.Hour)
			h.carry()
			h.clock.move(time.Hour)
			h.carry()
			n := 0
			for _, m := range s.Mails() {
				if m.To == "ada@example.com" {
					n++
				}
			}
			if n != 1 {
				t.Errorf("it left %d times", n)
			}
		})
		t.Run("a letter is given up when its ticket is of no use any more", func(t *testing.T) {
			down.Store(true)
			reset("ada", time.Hour)
			for range 40 {
				h.carry()
				h.clock.move(5 * time.Minute)
			}
			list := h.failedLetters(t, System(), 1)
			if len(list) != 1 || list[0].Address != "ada@example.com" || !strings.Contains(list[0].LastError, "greylisted") || list[0].EndedAt.Sub(list[0].CreatedAt) > time.Hour {
				t.Fatalf("failed: %+v", list)
			}
		})
		t.Run("what ended is forgotten after a while", func(t *testing.T) {
			h.clock.move(25 * time.Hour)
			works(t, h.sweepSessions(ctx))
			if list := h.failedLetters(t, System(), 10); len(list) != 2 {
				t.Errorf("%d failed letters are left", len(list))
			}
			h.clock.move(30 * 24 * time.Hour)
			works(t, h.sweepSessions(ctx))
			if list := h.failedLetters(t, System(), 10); len(list) != 0 {
				t.Errorf("%d failed letters are left", len(list))
			}
		})
	})
}

func TestNoLetterIsSentByTwoNodes(t *testing.T) {
	t.Parallel()
	for _, database := range storetest.Engines {
		t.Run(database, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, database, Config{OpenRegistration: true})
			app, owner := h.app("books")
			h.limits.LettersPerAddress = 1000
			h.withAddress(owner, "ada")
			h.carry()
			s := post(t, h, mailtest.Config{Delay: 2 * time.Millisecond})
			h.config.Mail = h.mail
			const letters = 60
			for range letters {
				works(t, h.AskReset(ctx, app, AskInput{Email: "ada@example.com"}))
			}
			run, stop := context.WithCancel(ctx)
			var nodes sync.WaitGroup
			for range 3 {
				n := New(h.config) // on PostgreSQL a node of its own as far as leases go
				nodes.Go(func() { n.carryLetters(run) })
			}
			for range 1000 {
				if must[int](t)(h.WaitingLetters(ctx, System())) == 0 {
					break
				}
				time.Sleep(20 * time.Millisecond)
			}
			stop()
			nodes.Wait()
			seen := map[string]int{}
			for _, m := range s.Mails() {
				seen[m.ID()]++
			}
			if len(seen) != letters || len(s.Mails()) != letters {
				t.Errorf("%d mails with %d ids, want %d", len(s.Mails()), len(seen), letters)
			}
		})
	}
}

func TestALeaseThatEndsGivesTheLetterToAnother(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		h.withAddress(owner, "ada")
		h.carry()
		s := post(t, h, mailtest.Config{})
		works(t, h.AskReset(ctx, app, AskInput{Email: "ada@example.com"}))
		// One process claims it, sends it and dies before it stores that.
		rows := must[[]store.Sealed[*hecate.Letter]](t)(h.claim(ctx, 4))
		if len(rows) != 1 {
			t.Fatalf("%d rows", len(rows))
		}
		works(t, h.post(ctx, rows[0]))
		other := New(h.config)
		other.mail = h.mail
		if again := must[[]store.Sealed[*hecate.Letter]](t)(other.claim(ctx, 4)); len(again) != 0 {
			t.Fatal("two processes have one letter")
		}
		h.clock.move(letterLease)
		again := must[[]store.Sealed[*hecate.Letter]](t)(other.claim(ctx, 4))
		if len(again) != 1 {
			t.Fatal("nobody takes the letter up")
		}
		other.deliver(ctx, again[0])
		mails := s.Mails()
		if len(mails) != 2 || mails[0].ID() != mails[1].ID() {
			t.Errorf("%d mails: a second one must be recognizable", len(mails))
		}
		// The first one comes back to life: it no longer has a say.
		if err := h.endLetter(ctx, rows[0].Row, hecate.LetterFailed, "x"); err == nil {
			t.Error("a process without a lease changed the letter")
		}
		if list := h.failedLetters(t, System(), 10); len(list) != 0 {
			t.Errorf("failed: %+v", list[0])
		}
	})
}

func TestAnAdminsTicketIsLookedAtBeforeItIsUsed(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		h.publicURL = func() string { return "https://id.example.org" }
		_, ada := h.admin("ada@example.com")
		works(t, h.AskAdminReset(ctx, "ada@example.com", Mailing{Link: "/management/users/{admin}/resetpw?token={ticket}", Subject: "Password Reset"}))
		l := h.last()
		if want := "https://id.example.org/management/users/" + string(ada.Admin.ID) + "/resetpw?token=" + l.Secret.Reveal(); l.Link.Reveal() != want || l.Subject != "Password Reset" {
			t.Errorf("%q, %q", l.Link.Reveal(), l.Subject)
		}
		uid, ticket := l.Fields["uid"], l.Secret.Reveal()
		for range 2 {
			if a := must[*hecate.Admin](t)(h.CheckAdminTicket(ctx, uid, ticket, AdminResetTicket)); a.ID != ada.Admin.ID {
				t.Errorf("%+v", a)
			}
		}
		failed[*hecate.Admin](t, hecate.BadToken, "token")(h.CheckAdminTicket(ctx, uid, ticket, AdminActivateTicket))
		must[*AdminDetail](t)(h.ConfirmAdminReset(ctx, uid, ticket, clear("next one")))
		failed[*hecate.Admin](t, hecate.BadToken, "token")(h.CheckAdminTicket(ctx, uid, ticket, AdminResetTicket))
	})
}

func TestASlowMailServerHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", Config{OpenRegistration: true})
	app, owner := h.app("books")
	h.withAddress(owner, "ada")
	h.carry()
	s := mailtest.Start(t, mailtest.Config{Delay: time.Minute})
	h.config.Mail = smtpTo(t, h, s.Addr)
	h.limits.LettersPerAddress = 1000
	node := New(h.config)
	run, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan struct{})
	go func() { defer close(done); node.carryLetters(run) }()
	began := time.Now()
	for range 50 {
		works(t, h.AskReset(ctx, app, AskInput{Email: "ada@example.com"}))
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("50 requests took %s", took)
	}
	time.Sleep(300 * time.Millisecond)
	if n := s.Asked(); n > letterSenders {
		t.Errorf("%d letters are under way", n)
	}
	stop()
	select {
	case <-done:
	case <-time.After(letterGrace + 5*time.Second):
		t.Error("the worker does not stop")
	}
	if n := must[int](t)(h.WaitingLetters(ctx, System())); n != 50 {
		t.Errorf("%d letters wait", n)
	}
}

func TestAnAddressGetsSoManyLettersAndNoMore(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		h.withAddress(owner, "ada")
		h.limits.LettersPerAddress = 3
		before := h.letters()
		for range 3 {
			works(t, h.AskReset(ctx, app, AskInput{Email: "ada@example.com"}))
		}
		last := h.last()
		fails(t, h.AskReset(ctx, app, AskInput{User: UserRef{Login: "ada"}}), hecate.TooMany, "")
		works(t, h.AskReset(ctx, app, AskInput{User: UserRef{Login: "ada"}, Quiet: true}))
		if n := h.letters() - before; n != 3 {
			t.Errorf("%d letters", n)
		}
		// The last one still counts: what is not sent ends nothing.
		must[*TicketDetail](t)(h.CheckTicket(ctx, app, TicketInput{Purpose: ResetTicket, Ticket: last.Secret}))
		h.clock.move(time.Hour + time.Second)
		works(t, h.AskReset(ctx, app, AskInput{Email: "ada@example.com"}))
	})
}

func TestTemplatesAreCheckedWhenSettingsAreSaved(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		h.withAddress(owner, "ada")
		save := func(key, text string) error {
			s := app.Settings
			s.Mail = hecate.MailSettings{Sender: "Books <books@example.com>", Language: "de", Templates: map[string]hecate.MailTemplate{key: {Subject: "Hallo {{.name}}", Text: text}}}
			_, err := h.UpdateApp(ctx, owner, app.ID, UpdateAppInput{Settings: &s})
			return err
		}
		fails(t, save("reset.de", "{{.nosuch}}"), hecate.Invalid, "mail.templates.reset.de")
		fails(t, save("reset.de", "{{range .link}}"), hecate.Invalid, "mail.templates.reset.de")
		fails(t, save("nosuch.de", "x"), hecate.Invalid, "mail.templates.nosuch.de")
		works(t, save("reset.de", "Neu: {{.ticket}}"))
		s := post(t, h, mailtest.Config{})
		h.carry()
		works(t, h.AskReset(ctx, app, AskInput{Email: "ada@example.com"}))
		h.carry()
		if m := s.Wait(t, "ada@example.com", "Hallo"); !strings.HasPrefix(m.Text, "Neu: ") || m.From != "books@example.com" {
			t.Errorf("%q from %q", m.Text, m.From)
		}
	})
}

func TestAMovedAddressIsTold(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		ada := h.withAddress(owner, "ada")
		s := post(t, h, mailtest.Config{})
		h.carry()
		works(t, h.AskReset(ctx, app, AskInput{Email: "ada@example.com"}))
		must[*UserDetail](t)(h.UpdateUser(ctx, owner, UserRef{ID: ada.User.ID}, UpdateUserInput{Email: ptr("new@example.com")}))
		h.carry()
		s.Wait(t, "ada@example.com", "The address of your account was changed")
		_, err := h.UpdateAdmin(ctx, owner, UpdateAdminInput{Email: ptr("elsewhere@example.com")})
		works(t, err)
		h.carry()
		s.Wait(t, "books@example.com", "The address of your account was changed")
		s.Wait(t, "elsewhere@example.com", "Confirm your address")
	})
}

func TestALetterWithoutMailIsLogged(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", Config{OpenRegistration: true})
	h.mail = nil
	h.app("books")
	h.carry()
	if n := must[int](t)(h.WaitingLetters(ctx, System())); n != 0 {
		t.Errorf("%d letters wait", n)
	}
}
