package syncano

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hecate/internal/engine"
)

// graph is a provider like facebook and google: the token "fb:<id>:<address>" is that person's.
func graph(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		parts := strings.Split(r.URL.Query().Get("access_token"), ":")
		if len(parts) != 3 || r.URL.Path != "/v2.4/me" && r.URL.Path != "/oauth2/v1/userinfo" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		fmt.Fprintf(w, `{"id":%q,"email":%q,"verified_email":true}`, parts[1], parts[2])
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// TestSocialSignIn: contracts/syncano.md 2.6, and its security note.
func TestSocialSignIn(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		_, owner := w.register(t)
		base := w.instance(t, owner)
		creating, plain := w.apiKey(t, base, owner, "allow_user_create"), w.apiKey(t, base, owner)
		name := strings.Split(strings.Trim(base, "/"), "/")[2]
		app, err := w.engine.AppByAlias(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		login := func(status int, key, backend, token string) reply {
			t.Helper()
			return w.want(t, status, ask{method: "POST", path: base + "user/auth/" + backend + "/", key: key, json: obj{"access_token": token}})
		}
		if got := login(400, creating, "facebook", "fb:1:ada@example.com"); !strings.Contains(got.body, textBadBackend) {
			t.Errorf("not configured: %s", got.body)
		}
		settings := app.Settings
		settings.Social = map[string]map[string]any{"facebook": {"api_url": graph(t)}, "google-oauth2": {"api_url": graph(t)}}
		if _, err := w.engine.UpdateApp(t.Context(), engine.SystemIn(app), app.ID, engine.UpdateAppInput{Settings: &settings}); err != nil {
			t.Fatal(err)
		}
		t.Run("the first time makes a user, the next logs him in", func(t *testing.T) {
			first := login(200, creating, "facebook", "fb:1:Ada@example.com")
			if first.text(t, "username") != "Ada@example.com" || len(first.text(t, "user_key")) != 40 {
				t.Errorf("%s", first.body)
			}
			again := login(200, plain, "facebook", "fb:1:elsewhere@example.com")
			if again.text(t, "user_key") != first.text(t, "user_key") {
				t.Errorf("%s", again.body)
			}
		})
		t.Run("nobody gets in without a good token", func(t *testing.T) {
			for _, token := range []string{"", "bad"} {
				if got := login(401, creating, "facebook", token); !strings.Contains(got.body, textBadSocial) {
					t.Errorf("%q: %s", token, got.body)
				}
			}
			login(400, creating, "myspace", "fb:1:x")
			w.want(t, 401, ask{method: "POST", path: base + "user/auth/facebook/", key: creating, json: obj{}})
			w.want(t, 403, ask{method: "POST", path: base + "user/auth/facebook/", json: obj{"access_token": "fb:1:x"}})
			_, stranger := w.register(t)
			login(403, stranger, "facebook", "fb:1:ada@example.com")
		})
		t.Run("a key that may not sign users up makes none", func(t *testing.T) {
			if got := login(403, plain, "facebook", "fb:2:two@example.com"); !strings.Contains(got.body, textMayNotCreate) {
				t.Errorf("%s", got.body)
			}
			login(200, owner, "facebook", "fb:2:two@example.com")
		})
		t.Run("who signed up beforehand with the address gets nothing", func(t *testing.T) {
			w.want(t, 201, ask{method: "POST", path: base + "users/", key: creating, json: obj{"username": "victim@example.com", "password": "attack"}})
			for _, backend := range []string{"facebook", "google-oauth2"} {
				if got := login(400, creating, backend, "fb:3:Victim@example.com"); !strings.Contains(got.body, textAddressIsUsed) {
					t.Errorf("%s", got.body)
				}
			}
		})
		t.Run("without an address there is a made name", func(t *testing.T) {
			if got := login(200, creating, "facebook", "fb:4:").text(t, "username"); !strings.HasPrefix(got, "user_") {
				t.Errorf("username = %q", got)
			}
		})
		t.Run("a disabled user stays out", func(t *testing.T) {
			u, err := w.engine.LookupUser(t.Context(), app.ID, engine.UserRef{Login: "ada@example.com"})
			if err != nil {
				t.Fatal(err)
			}
			if err := w.engine.DisableUser(t.Context(), engine.SystemIn(app), engine.UserRef{ID: u.ID}, engine.DisableUserInput{Disabled: true}); err != nil {
				t.Fatal(err)
			}
			login(403, creating, "facebook", "fb:1:ada@example.com")
		})
	})
}

func TestAccountsComeByAProvider(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.want(t, 400, ask{method: "POST", path: "/v1.1/account/auth/google-oauth2/", json: obj{"access_token": "g:1:ada@example.com"}})
		w.want(t, 401, ask{method: "POST", path: "/v1.1/account/auth/linkedin/", json: obj{}})
		social := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/oauth2/v3/tokeninfo" {
				fmt.Fprint(out, `{"aud":"ours"}`)
				return
			}
			fmt.Fprint(out, `{"id":"1","email":"ada@example.com","verified_email":true}`)
		}))
		t.Cleanup(social.Close)
		own := map[string]map[string]any{"google-oauth2": {"api_url": social.URL, "client_id": "ours"}}
		if err := w.engine.SetAdminProviders(t.Context(), engine.System(), own); err != nil {
			t.Fatal(err)
		}
		first := w.want(t, 200, ask{method: "POST", path: "/v1.1/account/auth/google-oauth2/", json: obj{"access_token": "good"}})
		again := w.want(t, 200, ask{method: "POST", path: "/v1/account/auth/google-oauth2/", json: obj{"access_token": "good"}})
		if first.text(t, "email") != "ada@example.com" || first.text(t, "account_key") != again.text(t, "account_key") {
			t.Errorf("%s\n%s", first.body, again.body)
		}
		if !strings.Contains(first.body, `"created":true`) || !strings.Contains(again.body, `"created":false`) || !strings.Contains(first.body, `"has_password":false`) {
			t.Errorf("%s\n%s", first.body, again.body)
		}
		w.want(t, 400, ask{method: "POST", path: "/v1.1/account/auth/myspace/", json: obj{"access_token": "x"}})
		w.want(t, 401, ask{method: "POST", path: "/v1.1/account/auth/linkedin/", json: obj{"access_token": "x"}})
		w.want(t, 200, ask{method: "GET", path: "/v1.1/account/", key: first.text(t, "account_key")})
	})
}
