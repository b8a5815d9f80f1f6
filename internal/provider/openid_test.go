package provider

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"hecate"
)

// issuer is an OpenID provider with one key.
type issuer struct {
	*httptest.Server
	key    *ecdsa.PrivateKey
	tokens map[string]map[string]any // by access token: what introspection says
	short  bool                      // its ID tokens for codes name the subject alone
	other  string                    // whom /me names instead of the one who signed in

	tampered map[string]any // claims of its ID tokens for codes
	me       map[string]any // what /me says
	fails    int            // how /me fails
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{key: key, tokens: map[string]map[string]any{}}
	mux := http.NewServeMux()
	say := func(path string, answer func(r *http.Request) any) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(answer(r))
		})
	}
	say("/.well-known/openid-configuration", func(*http.Request) any {
		return map[string]any{
			"issuer": i.URL, "authorization_endpoint": i.URL + "/auth", "token_endpoint": i.URL + "/token", "jwks_uri": i.URL + "/keys",
			"userinfo_endpoint": i.URL + "/me", "introspection_endpoint": i.URL + "/introspect", "id_token_signing_alg_values_supported": []string{"ES256"},
		}
	})
	say("/keys", func(*http.Request) any {
		return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: i.key.Public(), KeyID: "1", Algorithm: "ES256", Use: "sig"}}}
	})
	say("/me", func(*http.Request) any {
		if i.me != nil {
			return i.me
		}
		return map[string]any{"sub": cmp.Or(i.other, "10"), "email": "ada@example.com", "email_verified": true, "name": "Ada L"}
	})
	say("/introspect", func(r *http.Request) any { return i.tokens[r.Form.Get("token")] })
	say("/token", func(r *http.Request) any {
		if r.Form.Get("code") != "code" || r.Form.Get("code_verifier") != "verifier" {
			return map[string]any{"error": "invalid_grant"}
		}
		said := i.claims("ours", "nonce")
		if i.short {
			maps.DeleteFunc(said, func(name string, _ any) bool { return strings.HasPrefix(name, "email") || name == "name" })
		}
		maps.Copy(said, i.tampered)
		return map[string]any{"access_token": "opaque", "token_type": "Bearer", "id_token": i.sign(t, said)}
	})
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/me" && i.fails != 0 {
			w.Header().Set("Location", "/away")
			w.WriteHeader(i.fails)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) claims(audience any, nonce string) map[string]any {
	return map[string]any{
		"iss": i.URL, "sub": "10", "aud": audience, "nonce": nonce, "iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(),
		"email": "ada@example.com", "email_verified": true, "name": "Ada L",
	}
}

func (i *issuer) sign(t *testing.T, claims map[string]any) string {
	return signedBy(t, i.key, claims)
}

// unsigned is a token that nobody with the issuer's key has made.
func unsigned(t *testing.T, algorithm string, key []byte, claims map[string]any) string {
	t.Helper()
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"`+algorithm+`","kid":"1"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(jsonOf(t, claims)))
	if key == nil {
		return text + "."
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (i *issuer) publicKey(t *testing.T) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(i.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func signedBy(t *testing.T, key *ecdsa.PrivateKey, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "1"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(text)
	if err != nil {
		t.Fatal(err)
	}
	out, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestOpenIDTokens(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	p := New(Config{})
	s := Settings{Issuer: i.URL, ClientID: "ours", ClientSecret: "secret"}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	with := func(change func(map[string]any)) string {
		c := i.claims("ours", "nonce")
		change(c)
		return i.sign(t, c)
	}
	i.tokens["ours-opaque"] = map[string]any{"active": true, "client_id": "ours"}
	i.tokens["theirs-opaque"] = map[string]any{"active": true, "client_id": "theirs"}
	i.tokens["ended"] = map[string]any{"active": false}
	for name, c := range map[string]struct {
		token, nonce string
		refused      bool
	}{
		"a good ID token":                     {token: with(func(map[string]any) {}), nonce: "nonce"},
		"one without a question of a nonce":   {token: with(func(map[string]any) {})},
		"another sign-in's nonce":             {token: with(func(map[string]any) {}), nonce: "other", refused: true},
		"another app's":                       {token: with(func(c map[string]any) { c["aud"] = "theirs" }), nonce: "nonce", refused: true},
		"another app asked":                   {token: with(func(c map[string]any) { c["azp"] = "theirs" }), nonce: "nonce", refused: true},
		"several apps, nobody says who asked": {token: with(func(c map[string]any) { c["aud"] = []string{"ours", "theirs"} }), nonce: "nonce", refused: true},
		"expired":                             {token: with(func(c map[string]any) { c["exp"] = time.Now().Add(-time.Hour).Unix() }), nonce: "nonce", refused: true},
		"another issuer's":                    {token: with(func(c map[string]any) { c["iss"] = "https://other.example" }), nonce: "nonce", refused: true},
		"signed by a stranger":                {token: signedBy(t, other, i.claims("ours", "nonce")), nonce: "nonce", refused: true},
		"unsigned":                            {token: "eyJhbGciOiJub25lIn0.e30.", nonce: "nonce", refused: true},
		"unsigned, with claims":               {token: unsigned(t, "none", nil, i.claims("ours", "nonce")), nonce: "nonce", refused: true},
		"signed with what everybody knows":    {token: unsigned(t, "HS256", i.publicKey(t), i.claims("ours", "nonce")), nonce: "nonce", refused: true},
		"one app in a list, which asked":      {token: with(func(c map[string]any) { c["aud"], c["azp"] = []string{"ours", "API"}, "ours" }), nonce: "nonce"},
		"no nonce":                            {token: with(func(c map[string]any) { delete(c, "nonce") }), nonce: "nonce", refused: true},
		"not yet":                             {token: with(func(c map[string]any) { c["nbf"] = time.Now().Add(time.Hour).Unix() }), nonce: "nonce", refused: true},
		"without an end":                      {token: with(func(c map[string]any) { delete(c, "exp") }), nonce: "nonce", refused: true},
		"without a subject":                   {token: with(func(c map[string]any) { delete(c, "sub") }), nonce: "nonce", refused: true},
		"an access token of ours":             {token: "ours-opaque"},
		"an access token of another app":      {token: "theirs-opaque", refused: true},
		"an access token that has ended":      {token: "ended", refused: true},
		"a signed access token of ours":       {token: with(func(c map[string]any) { c["aud"] = "an API"; c["client_id"] = "ours" })},
		"a signed access token of another":    {token: with(func(c map[string]any) { c["aud"] = "an API"; c["client_id"] = "theirs" }), refused: true},
		"an access token for an ID token":     {token: "ours-opaque", nonce: "nonce", refused: true},
		"no token at all":                     {token: "\x00", refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := p.Profile(t.Context(), Token{Provider: "oidc:test", Secret: hecate.NewSecret(c.token), Nonce: c.nonce}, s)
			switch {
			case c.refused && !errors.Is(err, hecate.BadToken):
				t.Errorf("profile = %+v, err = %v", got, err)
			case !c.refused && err != nil:
				t.Error(err)
			case !c.refused && (got.Subject != "10" || !got.EmailVerified || got.Provider != "oidc:test"):
				t.Errorf("profile = %+v", got)
			}
		})
	}
}

func TestAnIssuerThatIsAwayIsNoRefusal(t *testing.T) {
	t.Parallel()
	s := Settings{Issuer: "http://127.0.0.1:1", ClientID: "ours"}
	if _, err := ask(t, New(Config{}), "oidc:test", "x", s); !errors.Is(err, hecate.TooMany) {
		t.Errorf("err = %v", err)
	}
	if _, err := ask(t, New(Config{}), "oidc:test", "x", Settings{}); !errors.Is(err, hecate.Unsupported) {
		t.Errorf("without settings: err = %v", err)
	}
	if _, err := ask(t, New(Config{}), "myspace", "x", Settings{}); !errors.Is(err, hecate.Unsupported) || Known("myspace") || !Known("oidc:test") {
		t.Errorf("unknown: err = %v", err)
	}
}

func TestTheConsentFlow(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	p := New(Config{})
	s := Settings{Issuer: i.URL, ClientID: "ours", ClientSecret: "secret"}
	c := Consent{
		Provider: "oidc:test", RedirectURL: "https://app.example/back", State: "state", Nonce: "nonce", Verifier: "verifier",
		Options: map[string]string{"client_id": "theirs", "state": "x", "login_hint": "ada"},
	}
	text, err := p.ConsentURL(t.Context(), c, s)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"client_id": "ours", "state": "state", "nonce": "nonce", "redirect_uri": "https://app.example/back", "login_hint": "ada",
		"response_type": "code", "code_challenge_method": "S256", "scope": "openid profile email",
	} {
		if got := u.Query().Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	granted, err := p.Exchange(t.Context(), c, "code", s)
	if err != nil {
		t.Fatal(err)
	}
	if granted.Profile.Subject != "10" || granted.Profile.Name != "Ada L" {
		t.Errorf("profile = %+v", granted.Profile)
	}
	for name, change := range map[string]func(*Consent){
		"another nonce":    func(c *Consent) { c.Nonce = "other" },
		"another verifier": func(c *Consent) { c.Verifier = "other" },
	} {
		wrong := c
		change(&wrong)
		if _, err := p.Exchange(t.Context(), wrong, "code", s); !errors.Is(err, hecate.BadToken) {
			t.Errorf("%s: err = %v", name, err)
		}
	}
	if _, err := p.Exchange(t.Context(), c, "used", s); !errors.Is(err, hecate.BadToken) {
		t.Errorf("a wrong code: err = %v", err)
	}
}

// A conforming provider names the address at its UserInfo endpoint only, where the ID token comes with an access token.
func TestWhatAnIDTokenDoesNotSayIsAsked(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	i.short = true
	p := New(Config{})
	s := Settings{Issuer: i.URL, ClientID: "ours", ClientSecret: "secret"}
	c := Consent{Provider: "oidc:test", RedirectURL: "https://app.example/back", Nonce: "nonce", Verifier: "verifier"}
	granted, err := p.Exchange(t.Context(), c, "code", s)
	if err != nil {
		t.Fatal(err)
	}
	if got := granted.Profile; got.Subject != "10" || got.Email != "ada@example.com" || !got.EmailVerified || got.Name != "Ada L" {
		t.Errorf("profile = %+v", got)
	}
	i.other = "11"
	if _, err := p.Exchange(t.Context(), c, "code", s); !errors.Is(err, hecate.BadToken) {
		t.Errorf("of somebody else: err = %v", err)
	}
	if _, err := p.Exchange(t.Context(), c, "", s); !errors.Is(err, hecate.BadToken) {
		t.Errorf("no consent: err = %v", err)
	}
}
