package usergrid_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hecate"
	"hecate/internal/engine"
)

// people is facebook, foursquare and a token service in one: the token "<id>:<address>" is that person's.
func people(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		token := r.Form.Get("access_token") + r.Form.Get("oauth_token") + r.Form.Get("token")
		id, address, ok := strings.Cut(token, ":")
		switch {
		case !ok:
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == "/me":
			fmt.Fprintf(w, `{"id":%q,"name":"Ada L","email":%q}`, id, address)
		case r.URL.Path == "/v2/users/self":
			fmt.Fprintf(w, `{"response":{"user":{"id":%q,"firstName":"Ada","lastName":"L","contact":{"email":%q}}}}`, id, address)
		default:
			fmt.Fprintf(w, `{"access_token":{"subject":%q},"expires_in":100}`, address)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// TestSignInByAProvider: contracts/usergrid.md 4.8.
func TestSignInByAProvider(t *testing.T) {
	eachKennel(t, func(t *testing.T, k *kennel) {
		at := people(t)
		ctx := t.Context()
		for name, url := range map[string]string{"facebook": at + "/me", "foursquare": at, "pingident": at + "/as/token"} {
			if err := k.engine.SetSocialProvider(ctx, engine.SystemIn(k.books), k.books.ID, name, map[string]any{"api_url": url}); err != nil {
				t.Fatal(err)
			}
		}
		login := func(path string) answer { t.Helper(); return k.send("", "GET", "/acme/books/auth/"+path, nil) }
		t.Run("a guest needs the permission", func(t *testing.T) {
			if got := login("facebook?fb_access_token=1:ada@example.com"); got.status != 401 {
				t.Fatalf("%d %v", got.status, got.body)
			}
			for _, grant := range []string{"get,post:/auth/*"} {
				if got := k.send(k.client, "POST", "/acme/books/roles/guest/permissions", object{"permission": grant}); got.status != 200 {
					t.Fatalf("%d %v", got.status, got.body)
				}
			}
		})
		t.Run("each provider makes its kind of user, once", func(t *testing.T) {
			for path, name := range map[string]string{
				"facebook?fb_access_token=1:ada@example.com": "fb_1", "foursquare?fq_access_token=2:four@example.com": "2",
				"pingident?ping_access_token=x:ping@example.com": "pinguser_ping@example.com",
			} {
				first, again := login(path), login(path+"&ttl=500000")
				user, _ := first.body["user"].(object)
				second, _ := again.body["user"].(object)
				if first.status != 200 || user["username"] != name || second["uuid"] != user["uuid"] || again.text == "" || !strings.Contains(again.text, `"expires_in":500,`) {
					t.Errorf("%s: %d %v %v", path, first.status, first.body, again.body)
				}
				token, _ := again.body["access_token"].(string)
				if me := k.send("Bearer "+token, "GET", "/acme/books/users/me", nil); me.status != 200 {
					t.Errorf("%d %v", me.status, me.body)
				}
			}
			ada := login("facebook?fb_access_token=1:ada@example.com").body["user"].(object)
			if said, _ := ada["facebook"].(object); said["id"] != "1" || ada["picture"] != "http://graph.facebook.com/1/picture" || ada["activated"] != true {
				t.Errorf("%v", ada)
			}
		})
		t.Run("what is wrong is said in the shape of OAuth", func(t *testing.T) {
			for path, text := range map[string]string{
				"facebook": "missing access token", "facebook?fb_access_token=bad": "invalid access token", "foursquare?fq_access_token=": "missing access token",
			} {
				got := login(path)
				if got.status != 400 || got.body["error"] != "invalid_request" || got.body["error_description"] != text {
					t.Errorf("%s: %d %v", path, got.status, got.body)
				}
			}
		})
		t.Run("who signed up beforehand with the address gets nothing", func(t *testing.T) {
			_, err := k.engine.CreateUser(ctx, engine.SystemIn(k.books), engine.CreateUserInput{Username: "mallory", Email: "victim@example.com", Password: hecate.NewSecret("attack")})
			if err != nil {
				t.Fatal(err)
			}
			for _, path := range []string{"facebook?fb_access_token=7:victim@example.com", "pingident?ping_access_token=x:victim@example.com"} {
				if got := login(path); got.status != 400 || got.body["error"] != "invalid_request" {
					t.Errorf("%s: %d %v", path, got.status, got.body)
				}
			}
		})
		t.Run("a closed application makes nobody", func(t *testing.T) {
			if got := k.send(k.client, "PUT", "/acme/books", object{"allow_open_registration": false}); got.status != 200 {
				t.Fatalf("%d %v", got.status, got.body)
			}
			if got := login("facebook?fb_access_token=8:eight@example.com"); got.status != 400 {
				t.Errorf("%d %v", got.status, got.body)
			}
			if got := login("facebook?fb_access_token=1:"); got.status != 200 {
				t.Errorf("%d %v", got.status, got.body)
			}
		})
		t.Run("the app of others has no such provider", func(t *testing.T) {
			if got := k.send(k.foreign, "GET", "/other/files/auth/facebook?fb_access_token=1:ada@example.com", nil); got.status != 400 {
				t.Errorf("%d %v", got.status, got.body)
			}
		})
	})
}
