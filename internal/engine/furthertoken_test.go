package engine

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"hecate"
)

// further asks for a fresh token by one.
func (h *house) further(app *hecate.App, key, token hecate.Secret) hecate.Secret {
	h.t.Helper()
	l := must[*LoginResult](h.t)(h.FurtherToken(ctx, h.enter(app, hecate.Proof{Key: key, Token: token}), token, "x", OpenSession{}))
	return l.SessionToken
}

// sessionsOf counts the stored sessions of a user.
func (h *house) sessionsOf(app *hecate.App, u hecate.UserID) int {
	h.t.Helper()
	return len(must[[]*hecate.Session](h.t)(h.db.Sessions(ctx, app.ID, u)))
}

func TestFurtherTokens(t *testing.T) {
	t.Parallel()
	for name, signed := range map[string]bool{"opaque": false, "signed": true} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, func(t *testing.T, h *house) { testFurtherTokens(t, h, signed) })
		})
	}
}

func testFurtherTokens(t *testing.T, h *house, signed bool) {
	app, owner := h.app("books")
	other, otherOwner := h.app("films")
	want := func(ttl time.Duration) hecate.Settings {
		return hecate.Settings{Sessions: hecate.SessionSettings{Signed: signed, TTL: ttl}}
	}
	works(t, h.settings(app, owner, want(0)))
	works(t, h.settings(other, otherOwner, want(0)))
	_, key := h.client(app, owner)
	guest := h.enter(app, hecate.Proof{Key: key})
	ben := must[*LoginResult](t)(h.SignUp(ctx, guest, SignUpInput{Names: map[string]string{"username": "ben"},
		CreateUserInput: CreateUserInput{Password: clear("p")}, Open: &OpenSession{}}))
	login := func() hecate.Secret {
		t.Helper()
		guest := h.enter(app, hecate.Proof{Key: key})
		return must[*LoginResult](t)(h.Login(ctx, guest, LoginInput{Login: "ben", Password: clear("p"), Open: &OpenSession{}})).SessionToken
	}
	his := func(tokens ...hecate.Secret) {
		t.Helper()
		for _, token := range tokens {
			if a := h.enter(app, hecate.Proof{Key: key, Token: token}); a.UserID() != ben.User.ID {
				t.Error("not his")
			}
		}
	}

	t.Run("each is another, and all of them count; no more than one session is stored for them", func(t *testing.T) {
		first := login()
		before := h.sessionsOf(app, ben.User.ID)
		second, third := h.further(app, key, first), h.further(app, key, first)
		fourth := h.further(app, key, third)
		seen := map[string]bool{}
		for _, token := range []hecate.Secret{first, second, third, fourth} {
			seen[token.Reveal()] = true
			his(token)
		}
		for range 20 {
			h.further(app, key, first)
		}
		if got := h.sessionsOf(app, ben.User.ID) - before; len(seen) != 4 || got != 1 {
			t.Errorf("%d tokens, %d more sessions", len(seen), got)
		}
	})
	t.Run("each ends alone", func(t *testing.T) {
		first := login()
		second, third := h.further(app, key, first), h.further(app, key, first)
		his(first, second, third)
		works(t, h.EndToken(ctx, guest, second))
		h.deadToken(app, key, second)
		his(first, third)
		fails(t, h.EndToken(ctx, guest, second), hecate.BadToken, "")
		works(t, h.EndToken(ctx, guest, first))
		h.deadToken(app, key, first)
		his(third, h.further(app, key, third))
		works(t, h.EndTokenOf(ctx, guest, UserRef{ID: ben.User.ID}, third))
		works(t, h.EndTokenOf(ctx, guest, UserRef{ID: ben.User.ID}, third))
		h.deadToken(app, key, third)
	})
	t.Run("one that was changed, and one of another app, is refused", func(t *testing.T) {
		token := h.further(app, key, login())
		h.deadToken(other, h.key(otherOwner, 0), token)
		text := token.Reveal()
		h.deadToken(app, key, clear(text[:len(text)-1]))
		h.deadToken(app, key, clear(text+"A"))
		h.deadToken(app, key, clear(furtherTag))
		i := len(text) * 2 / 3
		h.deadToken(app, key, clear(text[:i]+string('A'+(text[i]+1)%26)+text[i+1:]))
	})
	t.Run("it may not be made up from what a session or a user is called", func(t *testing.T) {
		first := login()
		h.further(app, key, first)
		h.deadToken(app, key, clear("token/"+h.lookup(first)))
		h.deadToken(app, key, clear("user/"+string(ben.User.ID)))
		for _, s := range must[[]*hecate.Session](t)(h.db.Sessions(ctx, app.ID, ben.User.ID)) {
			h.deadToken(app, key, clear(string(s.ID)))
		}
	})
	t.Run("of an ended session, and of one that follows it, none comes back", func(t *testing.T) {
		first := login()
		second := h.further(app, key, first)
		works(t, h.EndSession(ctx, h.enter(app, hecate.Proof{Key: key, Token: second})))
		h.deadToken(app, key, second)
		third := h.further(app, key, first)
		h.deadToken(app, key, second)
		his(third)
	})
	t.Run("the user is seen, not more than once a minute", func(t *testing.T) {
		first := login()
		see := func() time.Time {
			a := h.enter(app, hecate.Proof{Key: key, Token: first})
			return must[*LoginResult](t)(h.FurtherToken(ctx, a, first, "x", OpenSession{})).SeenBefore
		}
		came := see()
		h.clock.move(time.Hour)
		if got := see(); !got.Equal(came) {
			t.Errorf("seen before: %v, want %v", got, came)
		}
		if got := see(); got.Sub(came) != time.Hour {
			t.Errorf("seen before: %v, want an hour after %v", got, came)
		}
		now := see()
		h.clock.move(seenEvery / 2)
		if got := see(); !got.Equal(now) || !see().Equal(now) {
			t.Errorf("seen before: %v, want %v", got, now)
		}
	})
	t.Run("who is disabled gets none, and his count again when he is not", func(t *testing.T) {
		first := login()
		second := h.further(app, key, first)
		works(t, h.DisableUser(ctx, owner, UserRef{ID: ben.User.ID}, DisableUserInput{Disabled: true}))
		for _, token := range []hecate.Secret{first, second} {
			_, err := h.Authenticate(ctx, app, hecate.Proof{Key: key, Token: token})
			fails(t, err, hecate.UserDisabled, "")
		}
		works(t, h.DisableUser(ctx, owner, UserRef{ID: ben.User.ID}, DisableUserInput{}))
		his(first, second)
	})
	t.Run("a password change ends what it ends of other tokens", func(t *testing.T) {
		first := login()
		second := h.further(app, key, first)
		as := h.enter(app, hecate.Proof{Key: key, Token: first})
		must[*LoginResult](t)(h.ChangePassword(ctx, as, clear("p"), clear("p"), ChangePasswordInput{Open: &OpenSession{}}))
		if !signed {
			his(first, second)
			must[*LoginResult](t)(h.ChangePassword(ctx, as, clear("p"), clear("p"), ChangePasswordInput{EndAll: true}))
		}
		h.deadToken(app, key, first)
		h.deadToken(app, key, second)
	})
	t.Run("each ends in its own time", func(t *testing.T) {
		works(t, h.settings(app, owner, want(16*time.Hour)))
		app = must[*hecate.App](t)(h.AppByKey(ctx, key))
		expired := func(token hecate.Secret) {
			t.Helper()
			_, err := h.Authenticate(ctx, app, hecate.Proof{Key: key, Token: token})
			fails(t, err, hecate.Expired, "")
		}
		first := login()
		second := h.further(app, key, first)
		h.clock.move(10 * time.Hour)
		third := h.further(app, key, first)
		before := h.sessionsOf(app, ben.User.ID)
		h.clock.move(7 * time.Hour)
		expired(first)
		expired(second)
		his(third)
		fourth := h.further(app, key, third)
		fails(t, h.EndToken(ctx, guest, second), hecate.Expired, "")
		h.clock.move(10 * time.Hour)
		expired(third)
		his(fourth)
		if got := h.sessionsOf(app, ben.User.ID); got != before {
			t.Errorf("%d sessions, want %d", got, before)
		}
		works(t, h.settings(app, owner, want(0)))
		app = must[*hecate.App](t)(h.AppByKey(ctx, key))
		fifth := h.further(app, key, fourth)
		h.clock.move(1000 * time.Hour)
		his(fifth)
		expired(fourth)
	})
	t.Run("of a deleted user none counts", func(t *testing.T) {
		first := login()
		second := h.further(app, key, first)
		works(t, h.DeleteUser(ctx, owner, UserRef{ID: ben.User.ID}))
		h.deadToken(app, key, first)
		h.deadToken(app, key, second)
	})
}

func TestAMasterKeyGetsOneSessionForAUser(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		ben := h.user(owner, "ben")
		key := h.key(owner, hecate.Master)
		before := h.sessionsOf(app, ben.User.ID)
		for range 3 {
			a := h.enter(app, hecate.Proof{Key: key, User: ben.User.Key})
			l := must[*LoginResult](t)(h.FurtherToken(ctx, a, hecate.Secret{}, "x", OpenSession{}))
			if h.enter(app, hecate.Proof{Key: key, Token: l.SessionToken}).UserID() != ben.User.ID {
				t.Error("not his")
			}
		}
		if got := h.sessionsOf(app, ben.User.ID) - before; got != 1 {
			t.Errorf("%d more sessions", got)
		}
		failed[*LoginResult](t, hecate.Unauthenticated, "")(h.FurtherToken(ctx, h.enter(app, hecate.Proof{Key: key}), hecate.Secret{}, "x", OpenSession{}))
	})
}

// TestNoOtherTokenLooksLikeAFurtherOne guards the tag: what begins a random token by chance must not be taken for it.
func TestNoOtherTokenLooksLikeAFurtherOne(t *testing.T) {
	if strings.ContainsAny(furtherTag, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") {
		t.Errorf("%q may begin a random token", furtherTag)
	}
}

// TestASignedFurtherTokenNamesItself checks what the client may read in it.
func TestASignedFurtherTokenNamesItself(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", Config{OpenRegistration: true})
	app, owner := h.app("books")
	works(t, h.settings(app, owner, hecate.Settings{Sessions: hecate.SessionSettings{Signed: true}}))
	_, key := h.client(app, owner)
	guest := h.enter(app, hecate.Proof{Key: key})
	first := must[*LoginResult](t)(h.SignUp(ctx, guest, SignUpInput{Open: &OpenSession{}}))
	app = must[*hecate.App](t)(h.AppByKey(ctx, key))
	said := func(token hecate.Secret) (c struct{ Jti, Sub, Iss string }) {
		works(t, json.Unmarshal(must[[]byte](t)(datedText.DecodeString(strings.Split(token.Reveal(), ".")[1])), &c))
		return c
	}
	a, b := said(first.SessionToken), said(h.further(app, key, first.SessionToken))
	if a.Sub != b.Sub || a.Iss != b.Iss || a.Jti == b.Jti || b.Jti == "" {
		t.Errorf("%+v %+v", a, b)
	}
}
