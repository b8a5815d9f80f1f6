package engine

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"hecate"
)

// Providers give the addresses of people who left to others.
func TestAnAddressThatChangedHandsAtItsProviderJoinsNothing(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		guest, _ := h.client(app, owner)
		first, _, err := h.arrive(guest, social("1", "ada@example.com", true))
		works(t, err)
		_, _, err = h.arrive(guest, social("2", "ada@example.com", true))
		fails(t, err, hecate.Exists, "email")
		if again, _, err := h.arrive(guest, social("1", "", false)); err != nil || again.User.ID != first.User.ID {
			t.Errorf("the first one: %v, %v", again, err)
		}
	})
}

// "İ" and the sign of Kelvin fold to letters of other mailboxes.
func TestAddressesThatOnlyFoldAlikeAreTwo(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		guest, key := h.client(app, owner)
		for i, c := range [][2]string{{"victim@github.com", "victim@gİthub.com"}, {"karl@example.com", "\u212aarl@example.com"}} {
			_, _, err := h.arrive(guest, social(fmt.Sprint("v", i), c[0], true))
			works(t, err)
			p := social(fmt.Sprint("m", i), c[1], true)
			p.Provider = "google-oauth2"
			_, _, err = h.arrive(guest, p)
			fails(t, err, hecate.Exists, "email")
		}
		// Nor is an address proved because one that looks like it was.
		mallory, _, err := h.arrive(guest, social("m", "eve@\u212aelvin.example", true))
		works(t, err)
		himself := h.enter(app, hecate.Proof{Key: key, Token: mallory.SessionToken})
		theirs := "eve@kelvin.example"
		d := must[*UserDetail](t)(h.UpdateUser(ctx, himself, UserRef{ID: mallory.User.ID}, UpdateUserInput{Email: &theirs}))
		if d.User.EmailVerified {
			t.Error("an address that nobody has proved counts as verified")
		}
	})
}

// Whoever makes an account with the address of somebody else may give it an identity of his own, too. It must not outlive the day on which the
// address's owner takes the account.
func TestWhoProvesTheAddressHasTheAccountAlone(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		guest, key := h.client(app, owner)
		victim := h.withAddress(owner, "victim")
		mallory := h.as(app, key, victim)
		works(t, h.LinkSocial(ctx, mallory, social("mallory", "m@example.com", true)))
		reset := func() {
			works(t, h.AskReset(ctx, app, AskInput{Email: victim.User.Email}))
			must[*LoginResult](t)(h.ResetByTicket(ctx, app, resetWith(h.last().Secret, "mine alone")))
		}
		reset()
		got, _, err := h.arrive(guest, social("mallory", "m@example.com", true))
		if err == nil && got.User.ID == victim.User.ID {
			t.Fatal("the one who came first is still in")
		}
		d := must[*UserDetail](t)(h.User(ctx, owner, UserRef{ID: victim.User.ID}))
		if !d.User.EmailVerified {
			t.Error("the letter proved nothing")
		}
		// From then on what he links is his own, and stays.
		works(t, h.LinkSocial(ctx, h.as(app, key, d), social("victim", victim.User.Email, true)))
		reset()
		if again, made, err := h.arrive(guest, social("victim", "", false)); err != nil || made || again.User.ID != victim.User.ID {
			t.Errorf("his own identity: made = %v, %v", made, err)
		}
	})
}

func TestTheLastWayInStays(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		guest, key := h.client(app, owner)
		first, _, err := h.LoginSocial(ctx, guest, SocialLoginInput{Profile: social("1", "", false), Dialect: "test", Open: &OpenSession{}})
		works(t, err)
		himself := h.enter(app, hecate.Proof{Key: key, Token: first.SessionToken})
		fails(t, h.UnlinkSocial(ctx, himself, "github"), hecate.Invalid, "provider")
		other := social("x", "", false)
		other.Provider = "google-oauth2"
		works(t, h.LinkSocial(ctx, himself, other))
		works(t, h.UnlinkSocial(ctx, himself, "github"))
		fails(t, h.UnlinkSocial(ctx, himself, "google-oauth2"), hecate.Invalid, "provider")
		if n := h.events(app.ID, "link provider"); n != 1 {
			t.Errorf("%d events", n)
		}
	})
}

func TestAnIdentityThatJoinsIsRecorded(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		guest, _ := h.client(app, owner)
		for _, name := range []string{"github", "google-oauth2"} {
			p := social("1", "ada@example.com", true)
			p.Provider = name
			_, _, err := h.arrive(guest, p)
			works(t, err)
		}
		if n := h.events(app.ID, "link provider"); n != 1 {
			t.Errorf("%d events", n)
		}
	})
}

// Whoever has somebody's token for a moment must not come back later, when its owner has ended it.
func TestALinkThatWasBegunEndsWithItsSession(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if r.URL.Path == "/token" {
				fmt.Fprint(w, `{"access_token":"x","token_type":"Bearer"}`)
				return
			}
			fmt.Fprint(w, `{"id":"1","email":"nobody"}`)
		}))
		t.Cleanup(fake.Close)
		app, owner := h.app("books")
		works(t, h.settings(app, owner, hecate.Settings{Social: map[string]map[string]any{"facebook": {
			"api_url": fake.URL, "auth_url": fake.URL, "token_url": fake.URL + "/token", "client_id": "ours", "client_secret": "s",
		}}}))
		app = must[*hecate.App](t)(h.AppByID(ctx, app.ID))
		_, key := h.client(app, owner)
		d := h.user(owner, "ada")
		for what, end := range map[string]func(himself *hecate.Actor) error{
			"it goes on": nil,
			"logged out": func(himself *hecate.Actor) error { return h.EndSession(ctx, himself) },
			"another password, all out": func(himself *hecate.Actor) error {
				password := clear("another one")
				_, err := h.UpdateUser(ctx, owner, UserRef{ID: d.User.ID}, UpdateUserInput{Password: &password})
				return err
			},
		} {
			himself := h.as(app, key, must[*UserDetail](t)(h.User(ctx, owner, UserRef{ID: d.User.ID})))
			if what == "another password, all out" && !himself.Session.EndsOnPassword && !himself.Session.Standing {
				t.Fatal("this session would stay")
			}
			at := must[string](t)(h.BeginConsent(ctx, app, ConsentInput{Provider: "facebook", RedirectURL: "https://a.example", Session: himself.Session.ID}))
			u := must[*url.URL](t)(url.Parse(at))
			state := u.Query().Get("state")
			if end == nil {
				if c := must[*Consented](t)(h.OpenConsent(ctx, "facebook", state)); c.App.ID != app.ID {
					t.Errorf("app %s", c.App.ID)
				}
				continue
			}
			works(t, end(himself))
			failed[*Consented](t, hecate.BadToken, "state")(h.OpenConsent(ctx, "facebook", state))
			failed[*Consented](t, hecate.BadToken, "state")(h.FinishConsent(ctx, "facebook", "code", state))
		}
	})
}
