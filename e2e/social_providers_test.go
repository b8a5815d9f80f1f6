package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// providerSays is one answer of a provider.
type providerSays struct {
	status int
	header map[string]string
	body   string
}

// providerRefusals are the answers that each provider documents for tokens that it does not take, and for asking too often.
var providerRefusals = map[string]map[string]providerSays{
	"facebook": {
		"expired": {400, nil, `{"error":{"message":"Error validating access token: Session has expired.","type":"OAuthException","code":190,"error_subcode":463}}`},
		"revoked": {400, nil, `{"error":{"message":"Error validating access token: The user has not authorized application 1.","type":"OAuthException","code":190,"error_subcode":458}}`},
		"limited": {400, nil, `{"error":{"message":"(#4) Application request limit reached","type":"OAuthException","is_transient":true,"code":4}}`},
	},
	"google-oauth2": {
		"expired": {400, nil, `{"error":"invalid_token","error_description":"Invalid Value"}`},
		"revoked": {401, nil, `{"error":{"code":401,"message":"Request had invalid authentication credentials.","status":"UNAUTHENTICATED"}}`},
		"limited": {403, nil, `{"error":{"errors":[{"domain":"usageLimits","reason":"userRateLimitExceeded","message":"User Rate Limit Exceeded"}],"code":403,"message":"User Rate Limit Exceeded"}}`},
	},
	"linkedin": {
		"expired": {401, nil, `{"serviceErrorCode":65602,"message":"The token used in the request has expired","status":401}`},
		"revoked": {401, nil, `{"serviceErrorCode":65601,"message":"The token used in the request has been revoked by the user","status":401}`},
		"limited": {429, nil, `{"serviceErrorCode":101,"message":"Resource level throttle limit for calls to this resource is reached.","status":429}`},
	},
	"github": {
		"expired": {401, nil, `{"message":"Bad credentials","documentation_url":"https://docs.github.com/rest","status":"401"}`},
		"revoked": {401, nil, `{"message":"Bad credentials","documentation_url":"https://docs.github.com/rest","status":"401"}`},
		"limited": {403, map[string]string{"X-RateLimit-Remaining": "0"}, `{"message":"API rate limit exceeded for user ID 1."}`},
	},
	"twitter": {
		"expired": {401, nil, `{"errors":[{"code":89,"message":"Invalid or expired token."}]}`},
		"revoked": {401, nil, `{"errors":[{"code":89,"message":"Invalid or expired token."}]}`},
		"other":   {401, nil, `{"errors":[{"code":32,"message":"Could not authenticate you."}]}`},
		"limited": {429, nil, `{"errors":[{"code":88,"message":"Rate limit exceeded"}]}`},
	},
	"foursquare": {
		"expired": {401, nil, `{"meta":{"code":401,"errorType":"invalid_auth","errorDetail":"OAuth token invalid or revoked."},"response":{}}`},
		"revoked": {401, nil, `{"meta":{"code":401,"errorType":"invalid_auth","errorDetail":"OAuth token invalid or revoked."},"response":{}}`},
		"limited": {403, nil, `{"meta":{"code":403,"errorType":"rate_limit_exceeded","errorDetail":"Quota exceeded"},"response":{}}`},
	},
	"pingident": {
		"expired": {400, nil, `{"error":"invalid_grant","error_description":"token not found, expired or invalid"}`},
		"revoked": {400, nil, `{"error":"invalid_grant","error_description":"token not found, expired or invalid"}`},
		"other":   {400, nil, `{"error":"invalid_grant","error_description":"token not found, expired or invalid"}`},
		"limited": {429, map[string]string{"Retry-After": "30"}, `{}`},
	},
}

// providerDown is what a gateway says for a provider that is away.
var providerDown = providerSays{503, nil, "<html><h1>Service Unavailable</h1></html>"}

// townProviders serves all providers below their names. The token "<condition>.<id>.<address>" is that person's, in that condition.
func townProviders(t *testing.T) string {
	t.Helper()
	released := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, path, _ := strings.Cut(r.URL.Path, "/town/")
		name, path, _ := strings.Cut(path, "/")
		token := presentedToken(r)
		parts := strings.SplitN(token, ".", 3)
		if len(parts) != 3 {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if parts[0] == "slow" {
			select {
			case <-released:
			case <-r.Context().Done():
			}
			return
		}
		said := providerSaid(name, path, parts[0], parts[1], parts[2])
		for name, value := range said.header {
			w.Header().Set(name, value)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(said.status)
		fmt.Fprint(w, said.body)
	}))
	t.Cleanup(func() { close(released); s.Close() })
	return s.URL + "/town/"
}

// presentedToken is the token of a question, wherever that provider wants it.
func presentedToken(r *http.Request) string {
	_ = r.ParseForm()
	for _, name := range []string{"input_token", "oauth_token", "token", "access_token"} {
		if v := r.Form.Get(name); v != "" {
			return v
		}
	}
	header := r.Header.Get("Authorization")
	if _, signed, ok := strings.Cut(header, `oauth_token="`); ok {
		token, _, _ := strings.Cut(signed, `"`)
		token, _ = url.QueryUnescape(token)
		return token
	}
	if strings.HasPrefix(header, "Basic ") { // github, where the app asks about a token
		body := make([]byte, 1000)
		n, _ := r.Body.Read(body)
		_, token, _ := strings.Cut(string(body[:n]), `"access_token":"`)
		token, _, _ = strings.Cut(token, `"`)
		return token
	}
	return strings.TrimPrefix(header, "Bearer ")
}

func providerSaid(name, path, condition, id, address string) providerSays {
	if condition == "down" {
		return providerDown
	}
	issued := map[bool]string{true: "theirs", false: "ours"}[condition == "other"]
	switch path { // the questions about whose token it is
	case "debug_token":
		return providerSays{200, nil, fmt.Sprintf(`{"data":{"app_id":%q,"is_valid":%t,"user_id":%q}}`, issued, condition == "good" || condition == "other" || condition == "limited", id)}
	case "applications/ours/token":
		if condition == "other" || condition == "expired" || condition == "revoked" {
			return providerSays{404, nil, `{"message":"Not Found"}`}
		}
		return providerSays{200, nil, `{"id":1}`}
	case "oauth/v2/introspectToken":
		return providerSays{200, nil, fmt.Sprintf(`{"active":%t,"client_id":%q}`, condition != "expired" && condition != "revoked", issued)}
	case "oauth2/v3/tokeninfo":
		if condition == "good" || condition == "other" {
			return providerSays{200, nil, fmt.Sprintf(`{"aud":%q,"sub":%q}`, issued, id)}
		}
	}
	if said, ok := providerRefusals[name][condition]; ok {
		return said
	}
	return providerSays{200, nil, map[string]string{
		"facebook":      fmt.Sprintf(`{"id":%q,"name":"Ada L","email":%q}`, id, address),
		"google-oauth2": fmt.Sprintf(`{"id":%q,"email":%q,"verified_email":true}`, id, address),
		"linkedin":      fmt.Sprintf(`{"id":%q,"emailAddress":%q}`, id, address),
		"github":        map[bool]string{true: fmt.Sprintf(`[{"email":%q,"primary":true,"verified":true}]`, address), false: fmt.Sprintf(`{"id":%s,"login":"ada"}`, id)}[path == "user/emails"],
		"twitter":       fmt.Sprintf(`{"id_str":%q,"screen_name":"ada"}`, id),
		"foursquare":    fmt.Sprintf(`{"meta":{"code":200},"response":{"user":{"id":%q,"firstName":"Ada","contact":{"email":%q}}}}`, id, address),
		"pingident":     fmt.Sprintf(`{"access_token":{"subject":%q},"expires_in":100}`, address),
	}[name]}
}

// town is an app to which people come by every provider and every dialect.
type town struct{ *server }

const townKey = "0123456789abcdef0123456789abcdef01234567"

// newTown starts a server with that app.
func newTown(t *testing.T, settings string, args ...string) *town {
	t.Helper()
	return newTownAt(t, "", townProviders(t), settings, args...)
}

// newTownAt is newTown with its providers at another place.
func newTownAt(t *testing.T, database, at, settings string, args ...string) *town {
	t.Helper()
	var social strings.Builder
	for name := range providerRefusals {
		fmt.Fprintf(&social, "%s: {api_url: %q, client_id: ours, client_secret: secret}, ", name, at+name)
	}
	app := newUsergridApp("labs", "town")
	s := start(t, options{database: database, args: args, apply: fmt.Sprintf(`orgs:
  - {name: labs}
apps:
  - org: labs
    name: town
    alias: town
    client_id: %s
    client_secret: %s
    keys: [{name: client, key: %s, allow_user_create: true}]
    settings: {social: {%s}, %s}
`, app.id, app.secret, townKey, social.String(), settings)})
	w := &town{s}
	login := s.want(t, 200, call{method: "POST", path: "/usergrid/labs/town/token", json: object{"grant_type": "client_credentials", "client_id": app.id, "client_secret": app.secret}})
	s.want(t, 200, call{method: "POST", path: "/usergrid/labs/town/roles/guest/permissions", json: object{"permission": "get,post:/auth/*"},
		header: map[string]string{"Authorization": "Bearer " + text(login.object, "access_token")}})
	return w
}

// skygear is an action of the app's client.
func (*town) skygear(action string, more object) call {
	body := object{"action": action, "api_key": townKey}
	for name, value := range more {
		body[name] = value
	}
	return call{method: "POST", path: "/skygear/", json: body}
}

// townDoor is how one dialect lets people in.
type townDoor struct {
	providers []string
	vouches   string // a provider of these whose word on an address counts
	enter     func(w *town, provider, token string) call
	user      func(a answer) string // whom an answer lets in
	refuses   func(a answer) bool   // the token
	busy      func(a answer) bool   // the provider does not answer
}

var townDoors = map[string]townDoor{
	"syncano": {
		providers: []string{"facebook", "google-oauth2", "linkedin", "twitter", "github"}, vouches: "google-oauth2",
		enter: func(_ *town, provider, token string) call {
			return call{method: "POST", path: "/v1.1/instances/town/user/auth/" + provider + "/", key: townKey, json: object{"access_token": token}}
		},
		user: func(a answer) string { return text(a.object, "username") },
		refuses: func(a answer) bool {
			return a.status == 401 && text(a.object, "detail") == "Invalid authorization token."
		},
		busy: func(a answer) bool {
			return a.status == 401 && text(a.object, "detail") == "Invalid authorization token."
		},
	},
	"usergrid": {
		providers: []string{"facebook", "foursquare", "pingident"}, vouches: "pingident",
		enter: func(_ *town, provider, token string) call {
			parameter := map[string]string{"facebook": "fb_access_token", "foursquare": "fq_access_token", "pingident": "ping_access_token"}[provider]
			return call{method: "GET", path: "/usergrid/labs/town/auth/" + provider + "?" + parameter + "=" + url.QueryEscape(token)}
		},
		user: func(a answer) string { return text(a.object, "user", "username") },
		refuses: func(a answer) bool {
			return a.status == 400 && text(a.object, "error") == "invalid_request" && text(a.object, "error_description") == "invalid access token"
		},
		busy: func(a answer) bool { return a.status == 429 && a.header.Get("Retry-After") != "" },
	},
	"skygear": {
		providers: []string{"facebook", "google", "linkedin", "github", "twitter", "foursquare"}, vouches: "google",
		enter: func(w *town, provider, token string) call {
			return w.skygear("sso:"+provider+":login", object{"args": object{"access_token": token}})
		},
		user:    func(a answer) string { return text(a.object, "result", "result", "user_id") },
		refuses: func(a answer) bool { return a.status == 401 && number(a.object, "error", "code") == 105 },
		busy:    func(a answer) bool { return a.status == 504 && number(a.object, "error", "code") == 119 },
	},
}

// answerLimit is what a sign-in may take whose provider does not answer.
const answerLimit = 10 * time.Second

// townToken is somebody's token at a provider.
func townToken(provider, condition, id, address string) string {
	token := condition + "." + id + "." + address
	if provider == "twitter" {
		token += ":secret"
	}
	return token
}

// TestEveryProviderThroughEveryDialect: whatever a provider answers, and whether it does, the caller hears it in his dialect's
// words, and in time.
func TestEveryProviderThroughEveryDialect(t *testing.T) {
	t.Parallel()
	w := newTown(t, "")
	var all sync.WaitGroup
	for dialect, door := range townDoors {
		for i, provider := range door.providers {
			for _, condition := range []string{"good", "expired", "revoked", "other", "limited", "down", "slow"} {
				all.Go(func() {
					if condition == "other" && provider == "foursquare" {
						return // which cannot say for whom a token was issued
					}
					what := fmt.Sprintf("%s, %s, %s", dialect, provider, condition)
					token := townToken(provider, condition, fmt.Sprint(100+i), fmt.Sprintf("%s-%s@example.com", dialect, provider))
					began := time.Now()
					a, err := w.send(t.Context(), noRedirect, door.enter(w, provider, token))
					if err != nil {
						t.Errorf("%s: %v", what, err)
						return
					}
					if took := time.Since(began); took > answerLimit {
						t.Errorf("%s: answered after %v", what, took)
					}
					right := map[string]func(answer) bool{
						"good": func(a answer) bool { return a.status == 200 && door.user(a) != "" }, "limited": door.busy, "down": door.busy, "slow": door.busy,
					}[condition]
					if right == nil {
						right = door.refuses
					}
					if !right(a) {
						t.Errorf("%s: %s", what, a)
					}
					if strings.Contains(string(a.bytes), token) {
						t.Errorf("%s: the answer tells the token: %s", what, a)
					}
				})
			}
		}
	}
	all.Wait()
	if log := w.log.String(); strings.Contains(log, "@example.com") || strings.Contains(log, `"level":"ERROR"`) {
		t.Errorf("the log has tokens or errors:\n%s", w.log.tail(shownLines))
	}
}

// TestManySlowSignInsHoldNobodyUp: a provider that does not answer costs only those who come by it.
func TestManySlowSignInsHoldNobodyUp(t *testing.T) {
	t.Parallel()
	w := newTown(t, "")
	w.want(t, 201, call{method: "POST", path: "/v1.1/instances/town/users/", key: townKey, json: object{"username": "eva", "password": "p1"}})
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 1}}
	before := w.held(t)
	const many = 200
	var slow sync.WaitGroup
	for i := range many {
		slow.Go(func() {
			dialect := []string{"syncano", "usergrid", "skygear"}[i%3]
			began := time.Now()
			a, err := w.send(t.Context(), client, townDoors[dialect].enter(w, "facebook", townToken("facebook", "slow", fmt.Sprint(i), "x@example.com")))
			if took := time.Since(began); err != nil || !townDoors[dialect].busy(a) || took > answerLimit+2*time.Second {
				t.Errorf("%s: %v after %v: %s", dialect, err, took, a)
			}
		})
	}
	time.Sleep(500 * time.Millisecond) // they stand now
	for i := range 10 {
		for what, c := range map[string]call{
			"readiness":             {method: "GET", path: "/readyz"},
			"a login by a password": {method: "POST", path: "/v1.1/instances/town/user/auth/", key: townKey, json: object{"username": "eva", "password": "p1"}},
			"another provider":      townDoors["skygear"].enter(w, "google", townToken("google", "good", fmt.Sprint(1+i), "")),
		} {
			began := time.Now()
			w.want(t, 200, c)
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("%s took %v", what, took)
			}
		}
	}
	if during := w.held(t); during.threads > before.threads+30 {
		t.Errorf("%d threads, %d before", during.threads, before.threads)
	}
	slow.Wait()
	client.CloseIdleConnections()
	eventually(t, 10*time.Second, "what the sign-ins held is given back", func() bool { return w.held(t).files <= before.files+10 })
}

// held is what a process has of the machine.
type held struct{ threads, files int }

func (s *server) held(t *testing.T) (h held) {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d", s.cmd.Process.Pid)
	for name, n := range map[string]*int{"task": &h.threads, "fd": &h.files} {
		entries, err := os.ReadDir(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		*n = len(entries)
	}
	return h
}
