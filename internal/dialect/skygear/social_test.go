package skygear

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"hecate"
	"hecate/internal/engine"
)

// account is google for these tests: the token or code "<id>:<address>" is that person's.
func account(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		w.Header().Set("Content-Type", "application/json")
		id, address, ok := strings.Cut(r.Form.Get("access_token"), ":")
		switch {
		case r.URL.Path == "/token" && strings.Contains(r.Form.Get("code"), ":") && r.Form.Get("code_verifier") != "":
			fmt.Fprintf(w, `{"access_token":%q,"token_type":"Bearer"}`, r.Form.Get("code"))
		case r.URL.Path == "/oauth2/v3/tokeninfo" && ok:
			fmt.Fprint(w, `{"aud":"ours"}`)
		case r.URL.Path == "/oauth2/v1/userinfo" && ok:
			fmt.Fprintf(w, `{"id":%q,"email":%q,"verified_email":true,"name":"Ädä"}`, id, address)
		default:
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// withGoogle makes an app that knows that provider.
func (w *world) withGoogle(t *testing.T, name string) *tenant {
	t.Helper()
	at := account(t)
	return w.newApp(t, name, hecate.Settings{
		Social: map[string]map[string]any{"google-oauth2": {
			"api_url": at, "token_url": at + "/token", "auth_url": at + "/auth", "client_id": "ours", "client_secret": "s",
		}},
		Dialects: map[string]map[string]any{extraName: {"allowed_callback_urls": []any{"https://app.test/done", "myapp://back"}}},
	})
}

// TestSocialSignIn: contracts/skygear.md 3.3.
func TestSocialSignIn(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		x := w.withGoogle(t, "books")
		by := func(action, token string, more obj) reply {
			body := obj{"api_key": x.key, "args": obj{"access_token": token}}
			for k, v := range more {
				body[k] = v
			}
			return w.post(t, "sso:google:"+action, body)
		}
		nested := func(r reply) obj {
			t.Helper()
			inner, _ := r.ok(t)["result"].(obj)
			if inner == nil {
				t.Fatalf("%s", r.body)
			}
			return inner
		}
		first := nested(by("login", "1:ada@example.com", nil))
		t.Run("the next time he is the same", func(t *testing.T) {
			again := nested(by("login", "1:elsewhere@example.com", nil))
			if text(t, again, "user_id") != text(t, first, "user_id") || !strings.Contains(fmt.Sprint(again["profile"]), "ada@example.com") {
				t.Errorf("%v", again)
			}
			w.post(t, "me", obj{"api_key": x.key, "access_token": again["access_token"]}).ok(t)
		})
		t.Run("a bad token is refused", func(t *testing.T) {
			by("login", "bad", nil).refused(t, 401, invalidCredentials)
			by("login", "", nil).refused(t, 400, invalidArgument)
			w.post(t, "sso:facebook:login", obj{"api_key": x.key, "args": obj{"access_token": "x"}}).refused(t, 503, notConfigured)
		})
		t.Run("who signed up beforehand with the address gets nothing", func(t *testing.T) {
			w.post(t, "auth:signup", obj{"api_key": x.key, "auth_data": obj{"email": "victim@example.com"}, "password": "attack"}).ok(t)
			by("login", "2:Victim@example.com", nil).refused(t, 409, duplicated)
		})
		t.Run("an account is linked, and unlinked", func(t *testing.T) {
			ben := w.post(t, "auth:signup", obj{"api_key": x.key, "auth_data": obj{"username": "ben"}, "password": "p"}).ok(t)
			signed := obj{"access_token": ben["access_token"]}
			by("link", "1:", signed).refused(t, 400, invalidArgument)
			if got := by("link", "3:", signed).ok(t); got["result"] != "OK" {
				t.Errorf("%v", got)
			}
			by("link", "4:", signed).refused(t, 400, invalidArgument)
			by("link", "3:", nil).refused(t, 401, notAuthenticated)
			if got := nested(by("login", "3:", nil)); got["user_id"] != ben["user_id"] {
				t.Errorf("%v", got)
			}
			profiles := w.post(t, "sso:provider_profiles", obj{"api_key": x.key, "access_token": ben["access_token"]}).ok(t)
			if google, _ := profiles["google"].(obj); google["id"] != "3" {
				t.Errorf("%v", profiles)
			}
			by("unlink", "", signed).ok(t)
			by("unlink", "", signed).refused(t, 404, resourceNotFound)
		})
		t.Run("a key that may not sign users up makes none", func(t *testing.T) {
			k, _, err := w.engine.DeclareKey(t.Context(), engine.SystemIn(x.app), engine.KeyInput{Name: "plain"})
			if err != nil {
				t.Fatal(err)
			}
			plain := obj{"api_key": k.Key.Reveal()}
			by("login", "9:nine@example.com", plain).refused(t, 403, permissionDenied)
			nested(by("login", "1:", plain))
		})
		t.Run("another app knows nobody of here", func(t *testing.T) {
			other := w.withGoogle(t, "films")
			got := w.post(t, "sso:google:login", obj{"api_key": other.key, "args": obj{"access_token": "1:ada@example.com"}}).ok(t)
			if inner, _ := got["result"].(obj); inner["user_id"] == first["user_id"] {
				t.Error("the same user in two apps")
			}
		})
	})
}

// come follows a browser through the provider: it returns the answer to the browser that comes back.
func (w *world) come(t *testing.T, authURL, code string) *httptest.ResponseRecorder {
	t.Helper()
	u, err := url.Parse(authURL)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	back, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || q.Get("client_id") != "ours" || q.Get("response_type") != "code" {
		t.Fatalf("%s: %v", authURL, err)
	}
	back.RawQuery = url.Values{"code": {code}, "state": {q.Get("state")}}.Encode()
	return w.browse("GET", back.RequestURI())
}

// browse is a browser at an address.
func (w *world) browse(method, at string) *httptest.ResponseRecorder {
	got := httptest.NewRecorder()
	w.serve.ServeHTTP(got, httptest.NewRequest(method, at, nil))
	return got
}

// formAction is the address to which the form of a page goes.
var formAction = regexp.MustCompile(`action="([^"]+)"`)

// agree presses the button of a page about a link.
func (w *world) agree(t *testing.T, page *httptest.ResponseRecorder, name string) *httptest.ResponseRecorder {
	t.Helper()
	action := formAction.FindStringSubmatch(page.Body.String())
	if page.Code != 200 || action == nil || len(page.Result().Cookies()) > 0 || !strings.Contains(page.Body.String(), name) {
		t.Fatalf("%d %s", page.Code, page.Body)
	}
	return w.browse("POST", "/sso/google/"+html.UnescapeString(action[1]))
}

func TestSignInInABrowser(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		x := w.withGoogle(t, "books")
		ask := func(action, mode, callback string, more obj) reply {
			body := obj{"api_key": x.key, "args": obj{"ux_mode": mode, "callback_url": callback}}
			for k, v := range more {
				body[k] = v
			}
			return w.post(t, "sso:google:"+action, body)
		}
		page := func(action, mode, callback string, more obj) string {
			t.Helper()
			return text(t, ask(action, mode, callback, more).ok(t), "auth_url")
		}
		cookie := func(got *httptest.ResponseRecorder) obj {
			t.Helper()
			for _, c := range got.Result().Cookies() {
				if c.Name != resultCookie {
					continue
				}
				raw, err := base64.StdEncoding.DecodeString(c.Value)
				if err != nil || c.HttpOnly || strings.ContainsFunc(string(raw), func(r rune) bool { return r > 127 }) {
					t.Fatalf("cookie %v: %v", c, err)
				}
				var out obj
				if err := json.Unmarshal(raw, &out); err != nil {
					t.Fatal(err)
				}
				return out
			}
			t.Fatalf("no cookie: %d %s", got.Code, got.Body)
			return nil
		}
		t.Run("a popup gets a page and the result in a cookie", func(t *testing.T) {
			got := w.come(t, page("login_auth_url", popupMode, "https://app.test/done?x=1", nil), "1:ada@example.com")
			data := cookie(got)
			result, _ := data["result"].(obj)
			inner, _ := result["result"].(obj)
			if got.Code != 200 || data["callback_url"] != "https://app.test/done?x=1" || inner["access_token"] == nil {
				t.Errorf("%d %v", got.Code, data)
			}
		})
		t.Run("a redirect goes back to the page", func(t *testing.T) {
			got := w.come(t, page("login_auth_url", redirectMode, "https://app.test/done", nil), "1:ada@example.com")
			if cookie(got); got.Code != 302 || got.Header().Get("Location") != "https://app.test/done" {
				t.Errorf("%d %v", got.Code, got.Header())
			}
		})
		t.Run("a phone gets the result in the address", func(t *testing.T) {
			got := w.come(t, page("login_auth_url", iosMode, "myapp://back", nil), "1:ada@example.com")
			if at := got.Header().Get("Location"); got.Code != 302 || !strings.HasPrefix(at, "myapp://back?result=") {
				t.Errorf("%d %s", got.Code, at)
			}
		})
		t.Run("an identity is linked", func(t *testing.T) {
			ben := w.post(t, "auth:signup", obj{"api_key": x.key, "auth_data": obj{"username": "ben"}, "password": "p"}).ok(t)
			signed := obj{"access_token": ben["access_token"]}
			link := func(code string) *httptest.ResponseRecorder {
				t.Helper()
				return w.come(t, page("link_auth_url", popupMode, "https://app.test/done", signed), code)
			}
			// Who was sent there by somebody else, and agrees to nothing, has given nothing.
			victim := link("5:")
			profiles := w.post(t, "sso:provider_profiles", obj{"api_key": x.key, "access_token": ben["access_token"]}).ok(t)
			if victim.Header().Get("X-Frame-Options") != "DENY" || len(profiles) > 0 {
				t.Errorf("%v, %v", profiles, victim.Header())
			}
			if got := cookie(w.agree(t, victim, "of ben here")); fmt.Sprint(got["result"]) != "map[result:OK]" {
				t.Errorf("%v", got)
			}
			got := cookie(w.agree(t, link("6:"), "of ben here"))
			if result, _ := got["result"].(obj); result["error"] == nil {
				t.Errorf("%v", got)
			}
			ask("link_auth_url", popupMode, "https://app.test/done", nil).refused(t, 401, notAuthenticated)
		})
		t.Run("a code that does not count is told to the page", func(t *testing.T) {
			got := cookie(w.come(t, page("login_auth_url", popupMode, "https://app.test/done", nil), "bad"))
			if result, _ := got["result"].(obj); !strings.Contains(fmt.Sprint(result["error"]), textBadSocial) {
				t.Errorf("%v", got)
			}
		})
		t.Run("no result goes where the app does not want it", func(t *testing.T) {
			for _, callback := range []string{
				"", "https://evil.test/done", "https://app.test.evil.test/done", "https://app.test@evil.test/done", "javascript:alert(1)", "https://app.test/other",
				"https://app.test/done/../other", "https://app.test/done/%2e%2e/other", "https://app.test:444/done", "http://app.test/done", "https://user@app.test/done",
				`https://app.test\@evil.test/done`, "https://app.test%2f@evil.test/done", "//app.test/done", "myapp://other/back", " https://app.test/done", "https://app.test/done\r\nX: y",
			} {
				ask("login_auth_url", popupMode, callback, nil).refused(t, 400, invalidArgument)
			}
			ask("login_auth_url", "web_window", "https://app.test/done", nil).refused(t, 400, invalidArgument)
		})
		t.Run("a state that is not ours, or old, is refused", func(t *testing.T) {
			at := page("login_auth_url", popupMode, "https://app.test/done", nil)
			if got := w.come(t, strings.Replace(at, "state=", "state=x", 1), "1:"); got.Code != 400 {
				t.Errorf("%d %s", got.Code, got.Body)
			}
			w.clock.Advance(11 * 60 * 1e9)
			if got := w.come(t, at, "1:"); got.Code != 400 || len(got.Result().Cookies()) > 0 {
				t.Errorf("%d %s", got.Code, got.Body)
			}
		})
		t.Run("pages ask which addresses are allowed", func(t *testing.T) {
			got := w.post(t, "sso:config", obj{"api_key": x.key}).ok(t)
			if fmt.Sprint(got["authorized_urls"]) != "[https://app.test/done myapp://back]" {
				t.Errorf("%v", got)
			}
			r := httptest.NewRecorder()
			w.serve.ServeHTTP(r, httptest.NewRequest("GET", "/sso/iframe_handler", nil))
			if r.Code != 200 || !strings.Contains(r.Body.String(), "window.parent") {
				t.Errorf("%d %s", r.Code, r.Body)
			}
		})
	})
}
