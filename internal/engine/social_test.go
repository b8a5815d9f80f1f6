package engine

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"hecate"
)

// social is somebody at a provider.
func social(subject, email string, verified bool) *hecate.Profile {
	return &hecate.Profile{
		Provider: "github", Subject: subject, Email: email, EmailVerified: verified, Name: "Ada",
		Raw: map[string]any{"id": subject, "email": email},
	}
}

func (h *house) arrive(actor *hecate.Actor, p *hecate.Profile) (*LoginResult, bool, error) {
	return h.LoginSocial(ctx, actor, SocialLoginInput{
		Profile: p, New: CreateUserInput{Username: p.Email, Email: p.Email, EmailVerified: true}, Dialect: "test", Open: &OpenSession{},
	})
}

func TestSocialLogin(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		guest, key := h.client(app, owner)
		came := func(p *hecate.Profile) (*LoginResult, bool) {
			t.Helper()
			out, created, err := h.arrive(guest, p)
			works(t, err)
			return out, created
		}
		first, made := came(social("1", "ada@example.com", true))
		t.Run("the first visit makes a user", func(t *testing.T) {
			u := first.User
			if !made || u.Username != "ada@example.com" || !u.EmailVerified || u.HasPassword {
				t.Errorf("made = %v, user = %+v", made, u)
			}
			if a := h.enter(app, hecate.Proof{Key: key, Token: first.SessionToken}); a.UserID() != u.ID {
				t.Error("the token is nobody's")
			}
		})
		t.Run("the identity wins over the address later", func(t *testing.T) {
			again, made := came(social("1", "elsewhere@example.com", true))
			if made || again.User.ID != first.User.ID || again.User.Email != "ada@example.com" {
				t.Errorf("made = %v, user = %+v", made, again.User)
			}
		})
		t.Run("a second provider joins the account with the same proved address", func(t *testing.T) {
			p := social("x", "ADA@example.com", true)
			p.Provider = "google-oauth2"
			again, made := came(p)
			if made || again.User.ID != first.User.ID {
				t.Errorf("made = %v, user = %+v", made, again.User)
			}
			all := must[map[string]map[string]any](t)(h.SocialProfiles(ctx, h.enter(app, hecate.Proof{Key: key, Token: again.SessionToken})))
			if len(all) != 2 || all["google-oauth2"]["id"] != "x" {
				t.Errorf("profiles = %v", all)
			}
		})
		t.Run("an address that the provider does not vouch for joins nothing", func(t *testing.T) {
			_, _, err := h.arrive(guest, social("2", "ada@example.com", false))
			fails(t, err, hecate.Exists, "email")
		})
		t.Run("who signs up beforehand with somebody's address never gets his later visits", func(t *testing.T) {
			must[*UserDetail](t)(h.CreateUser(ctx, guest, CreateUserInput{Username: "mallory", Email: "victim@example.com", Password: clear("attack")}))
			_, _, err := h.arrive(guest, social("3", "victim@example.com", true))
			fails(t, err, hecate.Exists, "email")
			must[*UserDetail](t)(h.CreateUser(ctx, guest, CreateUserInput{Username: "second@example.com", Password: clear("attack")}))
			_, _, err = h.arrive(guest, social("4", "second@example.com", true))
			fails(t, err, hecate.Exists, "username")
		})
		t.Run("who is disabled stays out", func(t *testing.T) {
			d, _ := came(social("5", "five@example.com", true))
			works(t, h.DisableUser(ctx, owner, UserRef{ID: d.User.ID}, DisableUserInput{Disabled: true}))
			_, _, err := h.arrive(guest, social("5", "five@example.com", true))
			fails(t, err, hecate.UserDisabled, "")
		})
		t.Run("a key that may not sign users up makes none", func(t *testing.T) {
			plain := h.enter(app, hecate.Proof{Key: h.key(owner, 0)})
			_, _, err := h.arrive(plain, social("6", "six@example.com", true))
			fails(t, err, hecate.Forbidden, "user")
			known, made, err := h.arrive(plain, social("1", "", false))
			if works(t, err); made || known.User.ID != first.User.ID {
				t.Errorf("made = %v, user = %+v", made, known.User)
			}
		})
		t.Run("another app knows none of it", func(t *testing.T) {
			other, otherOwner := h.app("films")
			otherGuest, _ := h.client(other, otherOwner)
			d, made, err := h.arrive(otherGuest, social("1", "ada@example.com", true))
			if works(t, err); !made || d.User.ID == first.User.ID {
				t.Errorf("made = %v, user = %+v", made, d.User)
			}
		})
		t.Run("many first visits at once make one user", func(t *testing.T) {
			var wg sync.WaitGroup
			ids, errs := make([]hecate.UserID, 8), make([]error, 8)
			for i := range ids {
				wg.Go(func() {
					d, _, err := h.arrive(guest, social("7", "seven@example.com", true))
					if errs[i] = err; err == nil {
						ids[i] = d.User.ID
					}
				})
			}
			wg.Wait()
			for i := range ids {
				if errs[i] != nil || ids[i] != ids[0] {
					t.Fatalf("%v %v", ids, errs)
				}
			}
		})
	})
}

func TestLinkingAProvider(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		guest, key := h.client(app, owner)
		ada, ben := h.as(app, key, h.user(owner, "ada")), h.as(app, key, h.user(owner, "ben"))
		works(t, h.LinkSocial(ctx, ada, social("1", "any@example.com", false)))
		works(t, h.LinkSocial(ctx, ada, social("1", "any@example.com", false)))
		fails(t, h.LinkSocial(ctx, ben, social("1", "", false)), hecate.Exists, "subject")
		fails(t, h.LinkSocial(ctx, ada, social("2", "", false)), hecate.Exists, "provider")
		fails(t, h.LinkSocial(ctx, guest, social("2", "", false)), hecate.Unauthenticated, "")
		d, made, err := h.arrive(guest, social("1", "", false))
		if works(t, err); made || d.User.ID != ada.UserID() {
			t.Errorf("made = %v, user = %+v", made, d.User)
		}
		fails(t, h.UnlinkSocial(ctx, ben, "github"), hecate.NotFound, "provider")
		works(t, h.UnlinkSocial(ctx, ada, "github"))
		if left := must[map[string]map[string]any](t)(h.SocialProfiles(ctx, ada)); len(left) != 0 {
			t.Errorf("left = %v", left)
		}
		works(t, h.LinkSocial(ctx, ben, social("1", "", false)))
	})
}

func TestAdminsComeByAProvider(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		emails := map[string]string{"1": "ada@example.com", "2": "h@example.com", "3": "nobody@example.com"}
		fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
			if r.URL.Path == "/applications/ours/token" {
				fmt.Fprint(w, `{}`)
				return
			}
			if r.URL.Path == "/user" {
				fmt.Fprintf(w, `{"id":%s}`, token)
				return
			}
			fmt.Fprintf(w, `[{"email":%q,"primary":true,"verified":true}]`, emails[token])
		}))
		t.Cleanup(fake.Close)
		come := func(token string) (*AdminDetail, bool, error) {
			return h.LoginAdminSocial(ctx, SocialToken{Provider: "github", Secret: clear(token)})
		}
		_, _, err := come("1")
		fails(t, err, hecate.Unsupported, "provider")
		own := map[string]map[string]any{"github": {"api_url": fake.URL, "client_id": "ours", "client_secret": "s"}}
		outsider, _ := h.admin("outsider@example.com")
		fails(t, h.SetAdminProviders(ctx, outsider, own), hecate.Forbidden, "")
		fails(t, h.SetAdminProviders(ctx, System(), map[string]map[string]any{"github": {"api_url": fake.URL}}), hecate.Invalid, "social")
		works(t, h.SetAdminProviders(ctx, System(), own))
		d, made, err := come("1")
		if works(t, err); !made || d.Admin.Email != "ada@example.com" || d.Admin.HasPassword || !d.Admin.Activated {
			t.Errorf("made = %v, admin = %+v", made, d.Admin)
		}
		again, made, err := come("1")
		if works(t, err); made || again.Admin.ID != d.Admin.ID {
			t.Errorf("made = %v, admin = %+v", made, again.Admin)
		}
		// Nor does somebody else who has the address there by now come into the account.
		emails["4"] = "ada@example.com"
		_, _, err = come("4")
		fails(t, err, hecate.Exists, "email")
		// An account whose address was never confirmed is not joined.
		h.admin("h@example.com")
		_, _, err = come("2")
		fails(t, err, hecate.Exists, "email")
		h.open = false
		_, _, err = come("3")
		fails(t, err, hecate.Forbidden, "")
	})
}
