package engine

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"hecate"
	"hecate/internal/mail"
	"hecate/internal/store"
)

// gate is a Sender that lets letters through while it is open.
type gate struct {
	letterBox
	err error // nil: open
}

func (g *gate) Send(ctx context.Context, l mail.Letter) error {
	g.mu.Lock()
	err := g.err
	g.mu.Unlock()
	if err != nil {
		return err
	}
	return g.letterBox.Send(ctx, l)
}

func (g *gate) set(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.err = err
}

func (g *gate) passed() []mail.Letter {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]mail.Letter(nil), g.letters...)
}

var errNoMailbox = &mail.Refused{Err: errors.New("550 no such mailbox")}

// gated is a house in which no letter leaves before the gate opens.
func gated(h *house) *gate {
	h.t.Helper()
	h.carry() // the owners' own
	g := &gate{err: errNoMailbox}
	h.mail = g
	return g
}

// refusedLetter is the one letter that was refused.
func (h *house) refusedLetter(t *testing.T, actor *hecate.Actor) *hecate.Letter {
	t.Helper()
	h.carry()
	list := h.failedLetters(t, actor, 10)
	if len(list) != 1 {
		t.Fatalf("%d letters failed", len(list))
	}
	return list[0]
}

func TestAFailedLetterGoesOutOnceMoreAndOnce(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		h.withAddress(owner, "ada")
		g := gated(h)
		works(t, h.AskReset(ctx, app, AskInput{Email: "ada@example.com"}))
		l := h.refusedLetter(t, owner)
		if l.LastError != "refused: 550 no such mailbox" || l.Name != "reset" {
			t.Errorf("%+v", l)
		}
		g.set(nil)
		again := must[*hecate.Letter](t)(h.RetryLetter(ctx, owner, l.ID))
		if again.State != hecate.LetterWaiting || again.ID != l.ID {
			t.Errorf("%+v", again)
		}
		must[*hecate.Letter](t)(h.RetryLetter(ctx, owner, l.ID)) // it is due already
		h.carry()
		h.carry()
		sent := g.passed()
		if len(sent) != 1 || sent[0].ID != string(l.ID) {
			t.Fatalf("%d letters left", len(sent))
		}
		must[*TicketDetail](t)(h.CheckTicket(ctx, app, TicketInput{Purpose: ResetTicket, Ticket: sent[0].Secret}))
		failed[*hecate.Letter](t, hecate.NotFound, "letter")(h.RetryLetter(ctx, owner, l.ID))
		fails(t, h.DropLetter(ctx, owner, l.ID), hecate.NotFound, "letter")
	})
}

func TestALetterThatWaitsGoesOutAtOnceWhenItIsAskedFor(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		h.withAddress(owner, "ada")
		g := gated(h)
		g.set(errors.New("connection refused"))
		works(t, h.AskReset(ctx, app, AskInput{Email: "ada@example.com"}))
		for range 10 {
			h.carry()
			h.clock.move(2 * time.Hour)
		}
		h.carry()
		page := must[hecate.Page[*hecate.Letter]](t)(h.Letters(ctx, owner, LetterList{State: ptr(hecate.LetterFailed), Limit: 10}))
		if len(page.Rows) != 1 || page.Rows[0].LastError != "connection refused" { // its ticket lives for 12 hours
			t.Fatalf("%+v", page.Rows)
		}
		failed[*hecate.Letter](t, hecate.Stale, "letter")(h.RetryLetter(ctx, owner, page.Rows[0].ID))

		works(t, h.AskReset(ctx, app, AskInput{Email: "ada@example.com"}))
		h.carry()
		page = must[hecate.Page[*hecate.Letter]](t)(h.Letters(ctx, owner, LetterList{State: ptr(hecate.LetterWaiting), Limit: 10}))
		if len(page.Rows) != 1 || page.Rows[0].LastError != "connection refused" || !page.Rows[0].DueAt.After(h.clock.now()) || page.Rows[0].Claimed {
			t.Fatalf("%+v", page.Rows)
		}
		g.set(nil)
		h.carry()
		if n := len(g.passed()); n != 0 {
			t.Fatalf("%d letters left before their time", n)
		}
		must[*hecate.Letter](t)(h.RetryLetter(ctx, owner, page.Rows[0].ID))
		h.carry()
		if n := len(g.passed()); n != 1 {
			t.Errorf("%d letters left", n)
		}
	})
}

func TestNothingDeadIsSentOnceMore(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		g := gated(h)
		var ada *UserDetail
		ask := func(in UserLetter) func() error {
			return func() error { return h.AskReset(ctx, app, AskInput{Email: "ada@example.com", Letter: in}) }
		}
		for name, c := range map[string]struct {
			ask  func() error
			then func() error
		}{
			"its ticket has expired": {ask(UserLetter{TTL: time.Hour}), func() error { h.clock.move(time.Hour); return nil }},
			"its code has expired":   {ask(UserLetter{TTL: time.Hour, Form: NumericCode}), func() error { h.clock.move(time.Hour); return nil }},
			"a newer letter has taken its place": {ask(UserLetter{}), func() error {
				g.set(nil)
				defer g.set(errNoMailbox)
				err := h.AskReset(ctx, app, AskInput{Email: "ada@example.com"})
				h.carry()
				return err
			}},
			"the address is another one": {ask(UserLetter{}), func() error {
				g.set(nil)
				defer g.set(errNoMailbox)
				_, err := h.UpdateUser(ctx, owner, UserRef{ID: ada.User.ID}, UpdateUserInput{Email: ptr("else@example.com")})
				h.carry()
				return err
			}},
			"the user is gone":   {ask(UserLetter{}), func() error { return h.DeleteUser(ctx, owner, UserRef{ID: ada.User.ID}) }},
			"a PIN was not kept": {func() error { return h.AskPIN(ctx, app, AskInput{Email: "ada@example.com"}) }, func() error { return nil }},
			"the invitation is withdrawn": {func() error {
				_, err := h.Invite(ctx, owner, "eve@example.com", hecate.ReadRole)
				return err
			}, func() error {
				list, err := h.Invitations(ctx, owner, List{Limit: 10})
				if err != nil || len(list.Rows) != 1 {
					return errors.Join(err, errors.New("no invitation"))
				}
				return h.DeleteInvitation(ctx, owner, list.Rows[0].Seq)
			}},
		} {
			t.Log(name)
			ada = h.withAddress(owner, "ada")
			h.carry()
			works(t, c.ask())
			l := h.refusedLetter(t, owner)
			works(t, c.then())
			if _, err := h.RetryLetter(ctx, owner, l.ID); hecate.KindOf(err) != hecate.Stale || hecate.Detail(err).Field != "letter" {
				t.Errorf("%s: %v", name, err)
			}
			works(t, h.DropLetter(ctx, owner, l.ID))
			if list := h.failedLetters(t, owner, 10); len(list) != 0 {
				t.Errorf("%s: the dropped letter is still seen", name)
			}
			if _, err := h.User(ctx, owner, UserRef{ID: ada.User.ID}); err == nil {
				works(t, h.DeleteUser(ctx, owner, UserRef{ID: ada.User.ID}))
			}
			h.clock.move(2 * time.Hour)
		}
		for _, l := range g.passed() {
			if l.Name != "reset" && l.Name != "moved" {
				t.Errorf("%s left", l.Name)
			}
		}
	})
}

func TestALetterBelongsToItsApp(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		films, other := h.app("films")
		ada := h.withAddress(owner, "ada")
		gated(h)
		works(t, h.AskReset(ctx, app, AskInput{Email: "ada@example.com"}))
		works(t, h.AskAdminReset(ctx, "books@example.com"))
		l := h.refusedLetter(t, owner)
		var own *hecate.Letter
		for _, row := range h.failedLetters(t, System(), 10) {
			if row.App == "" {
				own = row
			}
		}
		if own == nil || own.Address != "books@example.com" {
			t.Fatal("the operator does not see the letters of admins")
		}
		key, master := h.key(owner, 0), h.key(other, hecate.Master)
		for name, c := range map[string]struct {
			actor  *hecate.Actor
			letter hecate.LetterID
			kind   hecate.Kind
		}{
			"nobody":                            {nil, l.ID, hecate.Forbidden},
			"an admin outside apps":             {must[*hecate.Actor](t)(h.AuthenticateAdmin(ctx, hecate.Proof{Key: h.ownKeyOf(owner)})), l.ID, hecate.Forbidden},
			"a key of the app":                  {h.enter(app, hecate.Proof{Key: key}), l.ID, hecate.Forbidden},
			"a user of the app":                 {h.as(app, key, ada), l.ID, hecate.Forbidden},
			"the owner of another app":          {other, l.ID, hecate.NotFound},
			"another app's master key":          {h.enter(films, hecate.Proof{Key: master}), l.ID, hecate.NotFound},
			"the operator in another app":       {SystemIn(films), l.ID, hecate.NotFound},
			"the owner, of the server's own":    {owner, own.ID, hecate.NotFound},
			"the owner, of one there never was": {owner, "01930000-0000-7000-8000-000000000000", hecate.NotFound},
			"the owner, of what is no id":       {owner, "x\x00", hecate.NotFound},
		} {
			if _, err := h.RetryLetter(ctx, c.actor, c.letter); hecate.KindOf(err) != c.kind {
				t.Errorf("%s retries: %v", name, err)
			}
			if err := h.DropLetter(ctx, c.actor, c.letter); hecate.KindOf(err) != c.kind {
				t.Errorf("%s drops: %v", name, err)
			}
			if page, err := h.Letters(ctx, c.actor, LetterList{Limit: 10}); c.kind == hecate.Forbidden && hecate.KindOf(err) != hecate.Forbidden {
				t.Errorf("%s sees %d letters, %v", name, len(page.Rows), err)
			}
		}
		if n := len(h.failedLetters(t, System(), 10)); n != 2 {
			t.Errorf("%d failed letters are left", n)
		}
		must[*hecate.Letter](t)(h.RetryLetter(ctx, System(), l.ID))
		must[*hecate.Letter](t)(h.RetryLetter(ctx, System(), own.ID))
	})
}

// ownKeyOf is an admin's account key.
func (h *house) ownKeyOf(actor *hecate.Actor) hecate.Secret {
	h.t.Helper()
	return must[*AdminDetail](h.t)(h.OwnAdmin(ctx, &hecate.Actor{Kind: hecate.AdminActor, Admin: actor.Admin})).Key
}

func TestLettersArePagedFromTheNewest(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		h.withAddress(owner, "ada")
		gated(h)
		for range 5 {
			works(t, h.AskReset(ctx, app, AskInput{Email: "ada@example.com"}))
			h.clock.move(time.Second)
			h.carry()
		}
		works(t, h.AskReset(ctx, app, AskInput{Email: "ada@example.com"}))
		var states []hecate.LetterState
		var last time.Time
		for after := hecate.LetterID(""); ; {
			page := must[hecate.Page[*hecate.Letter]](t)(h.Letters(ctx, owner, LetterList{After: after, Limit: 2}))
			for _, l := range page.Rows {
				if !last.IsZero() && !l.CreatedAt.Before(last) {
					t.Error("an older letter comes first")
				}
				last = l.CreatedAt
				states = append(states, l.State)
			}
			if !page.More {
				break
			}
			after = page.Rows[len(page.Rows)-1].ID
		}
		if len(states) != 6 || states[0] != hecate.LetterWaiting || states[1] != hecate.LetterFailed {
			t.Errorf("states: %v", states)
		}
		failed[hecate.Page[*hecate.Letter]](t, hecate.Invalid, "state")(h.Letters(ctx, owner, LetterList{State: ptr(hecate.LetterSent), Limit: 2}))
		failed[hecate.Page[*hecate.Letter]](t, hecate.Invalid, "after")(h.Letters(ctx, owner, LetterList{After: "\x00", Limit: 2}))
	})
}

func TestALetterThatIsBeingSentIsLeftAlone(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		h.withAddress(owner, "ada")
		g := gated(h)
		g.set(nil)
		works(t, h.AskReset(ctx, app, AskInput{Email: "ada@example.com"}))
		rows := must[[]store.Sealed[*hecate.Letter]](t)(h.claim(ctx, 4))
		if len(rows) != 1 {
			t.Fatalf("%d rows", len(rows))
		}
		id := rows[0].Row.ID
		page := must[hecate.Page[*hecate.Letter]](t)(h.Letters(ctx, owner, LetterList{Limit: 2}))
		if len(page.Rows) != 1 || !page.Rows[0].Claimed {
			t.Errorf("%+v", page.Rows)
		}
		failed[*hecate.Letter](t, hecate.Stale, "letter")(h.RetryLetter(ctx, owner, id))
		fails(t, h.DropLetter(ctx, owner, id), hecate.Stale, "letter")
		h.deliver(ctx, rows[0])
		h.carry()
		if n := len(g.passed()); n != 1 {
			t.Errorf("%d letters left", n)
		}
	})
}

func TestOfManyWhoAskForALetterAtOnceOneIsHeard(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		h.withAddress(owner, "ada")
		g := gated(h)
		works(t, h.AskReset(ctx, app, AskInput{Email: "ada@example.com"}))
		l := h.refusedLetter(t, owner)
		g.set(nil)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				_, err := h.RetryLetter(ctx, owner, l.ID)
				if k := hecate.KindOf(err); err != nil && k != hecate.Stale && k != hecate.NotFound {
					t.Error(err)
				}
				h.carry()
			})
		}
		all.Wait()
		h.carry()
		if n := len(g.passed()); n != 1 {
			t.Errorf("%d letters left", n)
		}
	})
}

func TestAskingOnceMoreCountsToTheAddress(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		h.withAddress(owner, "ada")
		gated(h)
		h.limits.LettersPerAddress = 3
		works(t, h.AskReset(ctx, app, AskInput{Email: "ada@example.com"}))
		l := h.refusedLetter(t, owner)
		for range 2 {
			must[*hecate.Letter](t)(h.RetryLetter(ctx, owner, l.ID))
			h.carry()
		}
		failed[*hecate.Letter](t, hecate.TooMany, "")(h.RetryLetter(ctx, owner, l.ID))
		fails(t, h.AskReset(ctx, app, AskInput{Email: "ada@example.com"}), hecate.TooMany, "")
		works(t, h.DropLetter(ctx, owner, l.ID)) // what is forgotten still counts
		fails(t, h.AskReset(ctx, app, AskInput{Email: "ada@example.com"}), hecate.TooMany, "")
		h.clock.move(letterWindow + time.Second)
		works(t, h.AskReset(ctx, app, AskInput{Email: "ada@example.com"}))
	})
}

func TestWhatAMailServerSaysShowsNoTicket(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		h.publicURL = func() string { return "https://id.example.org" }
		app, owner := h.app("books")
		h.withAddress(owner, "ada")
		h.carry()
		quoter := &quotingSender{}
		h.mail = quoter
		works(t, h.AskReset(ctx, app, AskInput{Email: "ada@example.com", Letter: UserLetter{Mailing: Mailing{Link: "/reset?token={ticket}"}}}))
		l := h.refusedLetter(t, owner)
		if strings.Contains(l.LastError, quoter.ticket) || strings.Contains(l.LastError, "token=") || !strings.HasPrefix(l.LastError, "refused: 554 bad link") {
			t.Errorf("reason: %q", l.LastError)
		}
		if strings.ContainsAny(l.LastError, "\x1b\r\n") {
			t.Errorf("the reason is not one line of text: %q", l.LastError)
		}
	})
}

// quotingSender refuses letters as some filters do, quoting them.
type quotingSender struct{ ticket string }

func (q *quotingSender) Send(_ context.Context, l mail.Letter) error {
	q.ticket = l.Secret.Reveal()
	return &mail.Refused{Err: errors.New("554 bad link " + l.Link.Reveal() + " and " + q.ticket + "\x1b[2J\r\nsee above")}
}

func TestALetterOnceMoreIsAnEvent(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		h.withAddress(owner, "ada")
		gated(h)
		works(t, h.AskReset(ctx, app, AskInput{Email: "ada@example.com"}))
		l := h.refusedLetter(t, owner)
		must[*hecate.Letter](t)(h.RetryLetter(ctx, owner, l.ID))
		works(t, h.DropLetter(ctx, owner, l.ID))
		for _, verb := range []string{"retry letter", "drop letter"} {
			if n := h.events(app.ID, verb); n != 1 {
				t.Errorf("%d events %q", n, verb)
			}
		}
	})
}
