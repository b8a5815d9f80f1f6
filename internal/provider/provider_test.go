package provider

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"hecate"
)

// fake is a provider that answers as its documentation says, for these tokens: "good", "other" (of another app),
// "expired", "limited", and fails for "down" and "slow".
type fake struct {
	*httptest.Server
	mu   sync.Mutex
	seen []*http.Request
}

func newFake(t *testing.T, answers map[string]string) *fake {
	t.Helper()
	f := &fake{}
	release := make(chan struct{})
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		f.mu.Lock()
		f.seen = append(f.seen, r)
		f.mu.Unlock()
		switch token := tokenOf(r); {
		case strings.HasPrefix(token, "slow"):
			select {
			case <-release:
			case <-r.Context().Done():
			}
		case strings.HasPrefix(token, "down"):
			w.WriteHeader(http.StatusBadGateway)
		case strings.HasPrefix(token, "limited"):
			w.Header().Set("Retry-After", "17")
			w.WriteHeader(http.StatusTooManyRequests)
		case strings.HasPrefix(token, "expired"):
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`{"error":"invalid_token"}`))
		default:
			answer, ok := answers[r.URL.Path+" "+token]
			if !ok {
				answer, ok = answers[r.URL.Path]
			}
			if !ok {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			_, _ = w.Write([]byte(answer))
		}
	}))
	t.Cleanup(func() { close(release); f.Close() })
	return f
}

// tokenOf is the token that a request presents, wherever its provider wants it.
func tokenOf(r *http.Request) string {
	for _, name := range []string{"input_token", "oauth_token", "token", "access_token"} {
		if v := r.Form.Get(name); v != "" {
			return v
		}
	}
	header := r.Header.Get("Authorization")
	if _, signed, ok := strings.Cut(header, `oauth_token="`); ok {
		token, _, _ := strings.Cut(signed, `"`)
		return token
	}
	if strings.HasPrefix(header, "Basic ") { // the app asks about a token in the body
		var body map[string]string
		_ = json.NewDecoder(r.Body).Decode(&body)
		return body["access_token"]
	}
	return strings.TrimPrefix(header, "Bearer ")
}

// documented are the answers of each provider for a good token.
var documented = map[string]struct {
	answers map[string]string
	token   string // in front of the secret that twitter wants
	want    hecate.Profile
}{
	"facebook": {map[string]string{
		"/me":                `{"id":"10","name":"Ada L","email":"ada@example.com","first_name":"Ada","last_name":"L"}`,
		"/v2.4/me":           `{"id":"10","email":"ada@example.com"}`,
		"/debug_token":       `{"data":{"app_id":"ours","is_valid":true,"user_id":"10"}}`,
		"/debug_token other": `{"data":{"app_id":"theirs","is_valid":true,"user_id":"10"}}`,
		"/app":               `{"id":"ours","name":"Our app"}`,
		"/app other":         `{"id":"theirs","name":"Their app"}`,
	}, "", hecate.Profile{Subject: "10", Email: "ada@example.com", Name: "Ada L", FirstName: "Ada", LastName: "L"}},
	"google-oauth2": {map[string]string{
		"/oauth2/v1/userinfo":        `{"id":"10","email":"ada@example.com","verified_email":true,"name":"Ada L"}`,
		"/oauth2/v3/tokeninfo":       `{"aud":"ours","sub":"10"}`,
		"/oauth2/v3/tokeninfo other": `{"aud":"theirs","sub":"10"}`,
	}, "", hecate.Profile{Subject: "10", Email: "ada@example.com", EmailVerified: true, Name: "Ada L"}},
	"linkedin": {map[string]string{
		"/v1/people/~:(id,emailAddress)":  `{"id":"10","emailAddress":"ada@example.com"}`,
		"/oauth/v2/introspectToken":       `{"active":true,"client_id":"ours"}`,
		"/oauth/v2/introspectToken other": `{"active":true,"client_id":"theirs"}`,
	}, "", hecate.Profile{Subject: "10", Email: "ada@example.com"}},
	"github": {map[string]string{
		"/user":                    `{"id":10,"login":"ada","name":"Ada L"}`,
		"/user/emails":             `[{"email":"old@example.com","primary":false,"verified":true},{"email":"ada@example.com","primary":true,"verified":true}]`,
		"/applications/ours/token": `{"id":1}`,
	}, "", hecate.Profile{Subject: "10", Email: "ada@example.com", EmailVerified: true, Username: "ada", Name: "Ada L"}},
	"twitter": {map[string]string{
		"/1.1/account/verify_credentials.json": `{"id":10,"id_str":"10","screen_name":"ada","name":"Ada L"}`,
	}, ":secret", hecate.Profile{Subject: "10", Username: "ada", Name: "Ada L"}},
	"foursquare": {map[string]string{
		"/v2/users/self": `{"meta":{"code":200},"response":{"user":{"id":"10","firstName":"Ada","lastName":"L","photo":{"prefix":"https://p/","suffix":"/a.jpg"},"contact":{"email":"ada@example.com"},"homeCity":"London"}}}`,
	}, "", hecate.Profile{Subject: "10", Email: "ada@example.com", FirstName: "Ada", LastName: "L", Name: "Ada L", Location: "London", Picture: "https://p/original/a.jpg"}},
	"instagram": {map[string]string{
		"/me": `{"id":"17841405793187218","username":"ada"}`,
	}, "", hecate.Profile{Subject: "17841405793187218", Username: "ada"}},
	"pingident": {map[string]string{
		"/": `{"access_token":{"subject":"ada@example.com"},"expires_in":100}`,
	}, "", hecate.Profile{Subject: "ada@example.com", Email: "ada@example.com", EmailVerified: true}},
}

func ask(t *testing.T, p *Providers, name, secret string, s Settings) (*hecate.Profile, error) {
	t.Helper()
	return p.Profile(t.Context(), Token{Provider: name, Secret: hecate.NewSecret(secret)}, s)
}

func TestEveryProvider(t *testing.T) {
	t.Parallel()
	for name, d := range documented {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, d.answers)
			p := New(Config{Wait: 300 * time.Millisecond})
			s := Settings{APIURL: f.URL, ClientID: "ours", ClientSecret: "secret"}
			if name == "pingident" {
				s.APIURL += "/"
			}
			got, err := ask(t, p, name, "good"+d.token, s)
			if err != nil {
				t.Fatal(err)
			}
			if got.Provider != name || len(got.Raw) == 0 {
				t.Errorf("profile = %+v", got)
			}
			got.Provider, got.Raw = "", nil
			if w, g := jsonOf(t, d.want), jsonOf(t, got); w != g {
				t.Errorf("profile\n got %s\nwant %s", g, w)
			}
			for token, kind := range map[string]hecate.Kind{
				"expired": hecate.BadToken, "limited": hecate.TooMany, "down": hecate.TooMany, "slow": hecate.TooMany, "": hecate.BadToken,
			} {
				began := time.Now()
				if token != "" {
					token += d.token
				}
				if _, err := ask(t, p, name, token, s); !errors.Is(err, kind) {
					t.Errorf("%s: err = %v, want %v", token, err, kind)
				} else if strings.Contains(err.Error(), "secret") {
					t.Errorf("%s: the error tells a secret: %v", token, err)
				}
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("%s took %v", token, took)
				}
			}
			if name == "facebook" || name == "google-oauth2" || name == "linkedin" {
				if _, err := ask(t, p, name, "other", s); !errors.Is(err, hecate.BadToken) {
					t.Errorf("another app's token: err = %v", err)
				}
				s.ClientID = ""
				if _, err := ask(t, p, name, "other", s); err != nil {
					t.Errorf("without a client id nobody can tell: %v", err)
				}
			}
			f.Close()
			if _, err := ask(t, p, name, "good"+d.token, s); !errors.Is(err, hecate.TooMany) {
				t.Errorf("nobody there: err = %v", err)
			}
		})
	}
}

func TestARateLimitSaysWhen(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	_, err := ask(t, New(Config{}), "facebook", "limited", Settings{APIURL: f.URL})
	if d := hecate.Detail(err); d.RetryAfter != 17*time.Second {
		t.Errorf("retry after %v", d.RetryAfter)
	}
}

func TestTheVersionOfAnAPIIsPartOfItsPaths(t *testing.T) {
	t.Parallel()
	f := newFake(t, documented["facebook"].answers)
	got, err := New(Config{}).Profile(t.Context(), Token{Provider: "facebook", Secret: hecate.NewSecret("good"), Version: "v2.4"}, Settings{APIURL: f.URL})
	if err != nil || got.Name != "" || f.seen[0].URL.Path != "/v2.4/me" {
		t.Errorf("profile = %+v, err = %v", got, err)
	}
}

func TestAPathThatIsGoneIsAskedAnew(t *testing.T) {
	t.Parallel()
	f := newFake(t, map[string]string{"/v2/userinfo": `{"sub":"10","email":"ada@example.com","email_verified":true}`})
	got, err := ask(t, New(Config{}), "linkedin", "good", Settings{APIURL: f.URL})
	if err != nil || got.Subject != "10" || !got.EmailVerified {
		t.Errorf("profile = %+v, err = %v", got, err)
	}
}

func TestNoMoreQuestionsThanAllowedStandOpen(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	p := New(Config{AtOnce: 2, Wait: time.Second})
	results := make(chan error, 8)
	for range 8 {
		go func() { _, err := ask(t, p, "facebook", "slow", Settings{APIURL: f.URL}); results <- err }()
	}
	for range 8 {
		if err := <-results; !errors.Is(err, hecate.TooMany) {
			t.Errorf("err = %v", err)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.seen) > 2 {
		t.Errorf("%d questions at once", len(f.seen))
	}
}

func TestASlowProviderLeavesPlacesForTheOthers(t *testing.T) {
	t.Parallel()
	slow, quick := newFake(t, nil), newFake(t, documented["facebook"].answers)
	p := New(Config{AtOnce: 8, Wait: time.Second})
	results := make(chan error, 8)
	for range 8 {
		go func() { _, err := ask(t, p, "facebook", "slow", Settings{APIURL: slow.URL}); results <- err }()
	}
	for range 6 { // those that are turned away at once
		<-results
	}
	if _, err := ask(t, p, "facebook", "good", Settings{APIURL: quick.URL}); err != nil {
		t.Error(err)
	}
	<-results
	<-results
	if len(p.busy.taken) > 0 || p.busy.sum != 0 {
		t.Errorf("places are still taken: %v", p.busy.taken)
	}
}

// A refusal that is not about the token is none: each provider says so in its own way.
func TestALimitIsKnownWithoutA429(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status  int
		header  http.Header
		body    string
		refusal bool
	}{
		"facebook's limit":           {400, nil, `{"error":{"message":"(#4) Application request limit reached","type":"OAuthException","is_transient":true,"code":4}}`, false},
		"facebook's own failure":     {400, nil, `{"error":{"message":"An unknown error occurred","type":"OAuthException","code":1}}`, false},
		"facebook's expired session": {400, nil, `{"error":{"message":"Session has expired","type":"OAuthException","code":190,"error_subcode":463}}`, true},
		"instagram's expired token":  {400, nil, `{"error":{"message":"Error validating access token: Session has expired on Sunday, 22-Nov-26","type":"OAuthException","code":190,"fbtrace_id":"A"}}`, true},
		"instagram's revoked token":  {400, nil, `{"error":{"message":"Error validating access token: The session has been invalidated","type":"OAuthException","code":190,"error_subcode":460}}`, true},
		"instagram's limit":          {403, nil, `{"error":{"message":"Application request limit reached","type":"OAuthException","code":4}}`, false},
		"google's limit":             {403, nil, `{"error":{"errors":[{"domain":"usageLimits","reason":"userRateLimitExceeded"}],"code":403}}`, false},
		"google's invalid token":     {401, nil, `{"error":{"code":401,"message":"Invalid Credentials","status":"UNAUTHENTICATED"}}`, true},
		"google's word of OAuth":     {400, nil, `{"error":"invalid_token","error_description":"Invalid Value"}`, true},
		"github's limit":             {403, http.Header{"X-Ratelimit-Remaining": {"0"}}, `{"message":"API rate limit exceeded"}`, false},
		"github's second limit":      {403, http.Header{"Retry-After": {"60"}}, `{"message":"You have exceeded a secondary rate limit"}`, false},
		"github's bad credentials":   {401, http.Header{"X-Ratelimit-Remaining": {"59"}}, `{"message":"Bad credentials"}`, true},
		"foursquare's limit":         {403, nil, `{"meta":{"code":403,"errorType":"rate_limit_exceeded"},"response":{}}`, false},
		"foursquare's revoked token": {401, nil, `{"meta":{"code":401,"errorType":"invalid_auth"},"response":{}}`, true},
		"no JSON":                    {403, nil, `<html>`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				maps.Copy(w.Header(), c.header)
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			}))
			t.Cleanup(s.Close)
			want := hecate.TooMany
			if c.refusal {
				want = hecate.BadToken
			}
			if _, err := ask(t, New(Config{}), "facebook", "x", Settings{APIURL: s.URL}); !errors.Is(err, want) {
				t.Errorf("err = %v, want %v", err, want)
			}
		})
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	inner := newFake(t, documented["facebook"].answers)
	outer := httptest.NewServer(http.RedirectHandler(inner.URL+"/me", http.StatusFound))
	t.Cleanup(outer.Close)
	if _, err := ask(t, New(Config{}), "facebook", "good", Settings{APIURL: outer.URL}); err == nil || len(inner.seen) > 0 {
		t.Errorf("err = %v, %d requests behind the redirect", err, len(inner.seen))
	}
}

// The example of RFC 5849 section 1.2, whose signature its section 3.4 explains.
func TestOAuth1SignsAsItsStandardSays(t *testing.T) {
	t.Parallel()
	o := oauth1{consumer: "dpf43f3p2l4k3l03", consumerSecret: "kd94hf93k423kf44", token: "nnch734d00sl2jdk", tokenSecret: "pfkkdhi9sl3r4s00"}
	u, _ := url.Parse("http://photos.example.net/photos?file=vacation.jpg&size=original")
	got := o.signature("GET", u, map[string]string{
		"oauth_consumer_key": "dpf43f3p2l4k3l03", "oauth_token": "nnch734d00sl2jdk", "oauth_signature_method": "HMAC-SHA1",
		"oauth_timestamp": "137131202", "oauth_nonce": "chapoH",
	})
	if got != "MdpQcU8iPSUjWoN/UDMsK2sui9I=" {
		t.Errorf("signature = %s", got)
	}
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
