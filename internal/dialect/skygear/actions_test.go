package skygear

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"hecate"
	"hecate/internal/web"
)

// fakeApp answers the questions of the gates as the engine does, for one app:
// keys "K" and "MASTER", tokens by name. It stands where the engine does; the engine's own answers are tested by the conversations.
func fakeDoors() doors {
	app := &hecate.App{ID: "a"}
	user := func(token string) *hecate.User {
		return &hecate.User{ID: hecate.UserID(token), Key: token, Activated: true}
	}
	return doors{
		appByKey: func(_ context.Context, key hecate.Secret) (*hecate.App, error) {
			if k := key.Reveal(); k != "K" && k != "MASTER" {
				return nil, hecate.E(hecate.BadKey, "find app")
			}
			return app, nil
		},
		appByHost: func(r *web.Request) (*hecate.App, error) {
			if strings.HasPrefix(r.Host, "mapped") {
				return app, nil
			}
			return nil, hecate.E(hecate.NoApp, "find app")
		},
		authenticate: func(_ context.Context, app *hecate.App, p hecate.Proof) (*hecate.Actor, error) {
			a := &hecate.Actor{App: app}
			switch p.Key.Reveal() {
			case "":
			case "K":
				a.Key = &hecate.APIKey{}
			case "MASTER":
				a.Key = &hecate.APIKey{Flags: hecate.Master}
				a.Powers = hecate.Master.Powers()
				if p.User != "" {
					a.Kind, a.User = hecate.UserActor, user(p.User)
				}
			default:
				return nil, hecate.E(hecate.BadKey, "authenticate")
			}
			switch token := p.Token.Reveal(); token {
			case "":
			case "expired":
				return a, hecate.E(hecate.Expired, "authenticate")
			case "disabled":
				return a, hecate.E(hecate.UserDisabled, "act").With("message", "banned")
			case "user", "admin", "unverified", "old":
				a.Kind, a.User = hecate.UserActor, user(token)
				if token == "admin" {
					a.Powers[hecate.AreaUsers], a.Powers[hecate.AreaRoles] = hecate.AllPermissions, hecate.AllPermissions
				}
			default:
				return a, hecate.E(hecate.BadToken, "authenticate")
			}
			return a, nil
		},
		passwordValid: func(_ context.Context, a *hecate.Actor) error {
			if a.User.Key == "old" {
				return hecate.E(hecate.WeakPassword, "act").With("reason", "expired")
			}
			return nil
		},
		verified: func(_ context.Context, a *hecate.Actor) error {
			if a.User.Key == "unverified" {
				return hecate.E(hecate.Unverified, "act")
			}
			return nil
		},
	}
}

// who answers with the action and the user of a call.
func who(w *web.Response, _ *web.Request, c *call) error {
	user := "nobody"
	if c.actor != nil && c.actor.User != nil {
		user = c.actor.User.Key
	}
	return answerText(w, c.action.name+c.segment+" "+user)
}

func testServer(t *testing.T) http.Handler {
	t.Helper()
	a := &api{doors: fakeDoors(), log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	mux, err := a.mux([]action{
		on("_status:healthz", openGate, func(w *web.Response, _ *web.Request, _ *call) error { return answerOK(w) }),
		on("auth:signup", keyOnly, who),
		on("auth:login", keyOnly, who),
		on("auth:logout", tokenOnly, who),
		on("me", verifiedUser, who),
		on("auth:password", passwordChange, who),
		on("record:save", verifiedOrMaster, who),
		on("record:query", verifiedOptional, who),
		on("role:get", optionalUser, who),
		on("role:assign", administrator, who),
		on("role:admin", devOnly, who),
		on("auth:reset_password", masterKey, who),
		on("user:forgot-password", plainLambda, who),
		on("sso:custom_token:login", keyOnly, who),
		on("sso:*:login", plainLambda, who),
		on("sso:*:link", userLambda, who),
		on("fault", openGate, func(*web.Response, *web.Request, *call) error { return io.ErrNoProgress }),
	}, nil, web.Limits{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return mux
}

func do(h http.Handler, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestAnActionIsFound(t *testing.T) {
	t.Parallel()
	h := testServer(t)
	for name, c := range map[string][3]string{
		"by its path":                             {"/auth/login", `{"api_key":"K"}`, "auth:login nobody"},
		"by its path with colons":                 {"/auth:login", `{"api_key":"K"}`, "auth:login nobody"},
		"by path before body":                     {"/auth/login", `{"api_key":"K","action":"auth:signup"}`, "auth:login nobody"},
		"by body at the root":                     {"/", `{"api_key":"K","action":"auth:signup"}`, "auth:signup nobody"},
		"by body under an unknown path":           {"/x/y", `{"api_key":"K","action":"auth:signup"}`, "auth:signup nobody"},
		"by the slashes of the client's own path": {"/sso/google/login", `{"api_key":"K","action":"sso/google/login"}`, "sso:*:logingoogle nobody"},
		"by the slashes of the client's own body": {"/", `{"api_key":"K","action":"sso/google/login"}`, "sso:*:logingoogle nobody"},
		"by its own name before a *":              {"/sso/custom_token/login", `{"api_key":"K"}`, "sso:custom_token:login nobody"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := do(h, "POST", c[0], c[1])
			if got := w.Body.String(); w.Code != 200 || got != `{"result":"`+c[2]+"\"}\n" {
				t.Errorf("got %d %s", w.Code, got)
			}
		})
	}
}

func TestWhatNamesNoActionIsHome(t *testing.T) {
	t.Parallel()
	h := testServer(t)
	for _, c := range [][2]string{{"/", ""}, {"/", "{}"}, {"/x", `{"action":""}`}, {"/x", `{"action":7}`}, {"/_status/healthz", ""}} {
		if w := do(h, "POST", c[0], c[1]); w.Code != 200 || w.Body.String() != "{\"result\":{\"status\":\"OK\"}}\n" {
			t.Errorf("%s %s: got %d %s", c[0], c[1], w.Code, w.Body)
		}
	}
	w := do(h, "POST", "/x", `{"action":"no:such"}`)
	if want := `{"error":{"name":"UndefinedOperation","code":117,"message":"route unmatched"}}` + "\n"; w.Code != 404 || w.Body.String() != want {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestABodyIsReadWhateverMethodAndTypeSay(t *testing.T) {
	t.Parallel()
	h := testServer(t)
	for _, c := range [][2]string{{"GET", "text/plain"}, {"PUT", "multipart/form-data"}, {"PATCH", ""}, {"DELETE", "x"}, {"POST", "application/x-www-form-urlencoded"}} {
		if w := do(h, c[0], "/auth/login", `{"api_key":"K"}`, "Content-Type", c[1]); w.Code != 200 {
			t.Errorf("%s %s: got %d %s", c[0], c[1], w.Code, w.Body)
		}
	}
}

func TestABodyThatIsNoObjectIsRefusedWithoutAWord(t *testing.T) {
	t.Parallel()
	h := testServer(t)
	for _, body := range []string{"{", "[]", `"x"`, "7", "null", "true", "{} {}", "{\"a\":\"\\u0000\"}", "\xff"} {
		w := do(h, "POST", "/auth/login", body)
		if w.Code != 400 || w.Body.Len() != 0 || len(w.Header()["Content-Type"]) != 0 {
			t.Errorf("%q: got %d %q %q", body, w.Code, w.Body, w.Header()["Content-Type"])
		}
	}
}

func TestTheGatesRefuseInOrder(t *testing.T) {
	t.Parallel()
	const (
		ok          = ""
		empty       = "401 101 Api key is empty"
		bothEmpty   = "401 101 Both api key and access token are empty"
		wrongKey    = "401 103 Cannot verify api key: `wrong`"
		badToken    = "401 104 token does not exist or it has expired"
		loginFirst  = "401 101 Authentication is required for this action, please login."
		disabled    = "403 127 user is disabled"
		unverified  = "403 128 User is not yet verified"
		oldPassword = "401 126 password expired"
		userFirst   = "401 101 User is required for this action, please login."
		notAdmin    = "401 102 no permission to perform this action"
		notMaster   = "401 102 no permission to this action"
		devOnly     = "403 102 Attempt to access dev only end-point"
	)
	h := testServer(t)
	for _, c := range []struct {
		action, key, token, want, user string
	}{
		{"auth:login", "", "user", empty, ""},
		{"auth:login", "wrong", "user", wrongKey, ""},
		{"auth:login", "K", "bad", ok, "nobody"},
		{"auth:login", "K", "disabled", ok, "nobody"},
		{"auth:login", "K", "user", ok, "nobody"}, // tokens are not looked at

		{"me", "", "", bothEmpty, ""},
		{"me", "wrong", "user", wrongKey, ""},
		{"me", "K", "bad", badToken, ""},
		{"me", "K", "expired", badToken, ""},
		{"me", "K", "", loginFirst, ""},
		{"me", "MASTER", "", loginFirst, ""},
		{"me", "K", "disabled", disabled, ""},
		{"me", "K", "old", oldPassword, ""},
		{"me", "K", "unverified", unverified, ""},
		{"me", "MASTER", "unverified", ok, "unverified"},
		{"me", "K", "user", ok, "user"},

		{"auth:password", "K", "old", ok, "old"},
		{"auth:password", "K", "unverified", unverified, ""},

		{"auth:logout", "K", "", ok, "nobody"},
		{"auth:logout", "K", "bad", badToken, ""},
		{"auth:logout", "K", "disabled", ok, "nobody"},
		{"auth:logout", "K", "unverified", ok, "unverified"},

		{"record:save", "K", "", loginFirst, ""},
		{"record:save", "MASTER", "", ok, "nobody"},
		{"record:save", "K", "disabled", disabled, ""},

		{"record:query", "K", "", ok, "nobody"},
		{"record:query", "K", "bad", badToken, ""},
		{"record:query", "K", "disabled", ok, "nobody"},
		{"record:query", "K", "old", ok, "nobody"},
		{"record:query", "K", "unverified", unverified, ""},
		{"record:query", "K", "user", ok, "user"},

		{"role:get", "K", "unverified", ok, "unverified"},

		{"role:assign", "K", "", userFirst, ""},
		{"role:assign", "K", "disabled", userFirst, ""},
		{"role:assign", "K", "user", notAdmin, ""},
		{"role:assign", "K", "admin", ok, "admin"},
		{"role:assign", "MASTER", "", ok, "nobody"},

		{"role:admin", "", "admin", empty, ""},
		{"role:admin", "K", "admin", devOnly, ""},
		{"role:admin", "MASTER", "", ok, "nobody"},
		{"auth:reset_password", "K", "admin", notMaster, ""},
		{"auth:reset_password", "MASTER", "", ok, "nobody"},

		{"user:forgot-password", "K", "bad", ok, "nobody"},
		{"user:forgot-password", "K", "user", ok, "user"},
		{"user:forgot-password", "K", "disabled", ok, "nobody"},
		{"user:forgot-password", "wrong", "", empty, ""},
		{"user:forgot-password", "", "", empty, ""},
		{"sso:google:link", "K", "", loginFirst, ""},
		{"sso:google:link", "K", "user", ok, "user"},
	} {
		t.Run(c.action+"/"+c.key+"/"+c.token, func(t *testing.T) {
			t.Parallel()
			w := do(h, "POST", "/"+strings.ReplaceAll(c.action, ":", "/"), `{"api_key":"`+c.key+`","access_token":"`+c.token+`"}`)
			got, user := summary(w)
			if got != c.want || c.want == ok && user != c.user {
				t.Errorf("got %q as %q, want %q as %q", got, user, c.want, c.user)
			}
		})
	}
}

var parts = regexp.MustCompile(`"code":(\d+),"message":"([^"]*)"`)

// summary is "status code message" of an error, or the user of who's answer.
func summary(w *httptest.ResponseRecorder) (fault, user string) {
	body := w.Body.String()
	if w.Code == 200 {
		_, user, _ = strings.Cut(strings.TrimSuffix(body, "\"}\n"), " ")
		return "", user
	}
	m := parts.FindStringSubmatch(body)
	if m == nil {
		return body, ""
	}
	return itoa(w.Code) + " " + m[1] + " " + m[2], ""
}

func TestAMappedHostNamesItsApp(t *testing.T) {
	t.Parallel()
	h := testServer(t)
	if got, user := summary(do(h, "POST", "/me", `{"access_token":"user"}`, "Host", "mapped.example")); got != "" || user != "user" {
		t.Errorf("a token alone: got %q %q", got, user)
	}
	if got, _ := summary(do(h, "POST", "/me", `{"access_token":"user"}`)); got != "401 101 Api key is empty" {
		t.Errorf("a token without a host: got %q", got)
	}
	if got, user := summary(do(h, "POST", "/user/forgot-password", `{"api_key":"wrong"}`, "Host", "mapped.example")); got != "" || user != "nobody" {
		t.Errorf("a lambda with a wrong key: got %q %q", got, user)
	}
	if got, _ := summary(do(h, "POST", "/auth/login", `{"api_key":"wrong"}`, "Host", "mapped.example")); got != "401 103 Cannot verify api key: `wrong`" {
		t.Errorf("a wrong key: got %q", got)
	}
}

func TestHeadersWinOverTheBody(t *testing.T) {
	t.Parallel()
	h := testServer(t)
	if got, user := summary(do(h, "POST", "/me", `{"api_key":"wrong","access_token":"bad"}`,
		"X-Skygear-API-Key", "K", "X-Skygear-Access-Token", "user")); got != "" || user != "user" {
		t.Errorf("got %q %q", got, user)
	}
	if got, _ := summary(do(h, "POST", "/me?api_key=K&access_token=user", "{}")); got != "401 101 Both api key and access token are empty" {
		t.Errorf("the query counts for an action: got %q", got)
	}
	if got, _ := summary(do(h, "POST", "/me", `{"api_key":7,"access_token":["user"]}`)); got != "401 101 Both api key and access token are empty" {
		t.Errorf("other types than strings count: got %q", got)
	}
}

func TestTheMasterKeyActsAsAUserOnlyWithoutAToken(t *testing.T) {
	t.Parallel()
	h := testServer(t)
	if got, user := summary(do(h, "POST", "/me", `{"api_key":"MASTER","_user_id":"ben"}`)); got != "" || user != "ben" {
		t.Errorf("got %q %q", got, user)
	}
	if got, user := summary(do(h, "POST", "/me", `{"api_key":"MASTER","_user_id":"ben","access_token":"user"}`)); got != "" || user != "user" {
		t.Errorf("got %q %q", got, user)
	}
	if got, _ := summary(do(h, "POST", "/me", `{"api_key":"K","_user_id":"ben"}`)); got != "401 101 Authentication is required for this action, please login." {
		t.Errorf("got %q", got)
	}
}

func TestTheHeadersStandOnEveryAnswer(t *testing.T) {
	t.Parallel()
	h := testServer(t)
	for _, path := range []string{"/", "/me", "/no/such", "/fault"} {
		w := do(h, "POST", path, `{"action":"x"}`, "Origin", "https://example.com",
			"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type,x-skygear-api-key")
		for name, want := range map[string]string{
			"Content-Type": "application/json", "Server": "Skygear Server/1.7.3",
			"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Credentials": "true",
			"Access-Control-Allow-Methods": "POST", "Access-Control-Allow-Headers": "content-type,x-skygear-api-key",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		if id := w.Header().Get("X-Skygear-Request-Id"); !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(id) {
			t.Errorf("%s: request id %q", path, id)
		}
		if !strings.HasSuffix(w.Body.String(), "}\n") {
			t.Errorf("%s: body %q", path, w.Body)
		}
	}
}

func TestEveryOptionsIsAPreflight(t *testing.T) {
	t.Parallel()
	h := testServer(t)
	w := do(h, "OPTIONS", "/auth/login", `{`)
	if w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("got %d %q %v", w.Code, w.Body, w.Header())
	}
	w = do(h, "OPTIONS", "/x", "", "Origin", "https://a.example", "Access-Control-Request-Method", "PUT")
	if w.Header().Get("Access-Control-Allow-Methods") != "PUT" || w.Header().Get("Access-Control-Allow-Credentials") != "true" {
		t.Errorf("got %v", w.Header())
	}
}

func TestAFaultOfOursShowsNothing(t *testing.T) {
	t.Parallel()
	w := do(testServer(t), "POST", "/fault", "")
	if w.Code != 500 || w.Body.String() != `{"error":{"name":"UnexpectedError","code":10000,"message":"unexpected error"}}`+"\n" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestATableWithAHoleIsRefused(t *testing.T) {
	t.Parallel()
	for name, rows := range map[string][]action{
		"no gate":    {{name: "x", serve: who}},
		"no handler": {on("x", keyOnly, nil)},
		"twice":      {on("x", keyOnly, who), on("x", openGate, who)},
	} {
		if _, err := newActionTable(rows); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
