package provider

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"hecate"
)

// issuers keeps what issuers say of themselves, each for an hour.
type issuers struct {
	mu    sync.Mutex
	known map[string]knownIssuer
}

type knownIssuer struct {
	*oidc.Provider
	introspection string
	since         time.Time
}

const (
	issuerLife = time.Hour
	maxIssuers = 1000
	clockSkew  = 5 * time.Minute // by how much an issuer's clock may be ahead
)

// issuer is the issuer of the settings: discovered, or remembered. Keys that change are fetched anew by go-oidc.
func (a *asking) issuer() (knownIssuer, error) {
	name := a.settings.Issuer
	if name == "" {
		return knownIssuer{}, unconfigured("issuer")
	}
	if a.settings.ClientID == "" {
		return knownIssuer{}, unconfigured("client_id")
	}
	p, now := a.p, a.p.now()
	p.oidc.mu.Lock()
	k, ok := p.oidc.known[name]
	p.oidc.mu.Unlock()
	if ok && now.Sub(k.since) < issuerLife {
		return k, nil
	}
	// The provider keeps its context for later fetches of keys: it must outlive this question. Each
	// fetch is bounded by the client's own time.
	client := *p.client
	client.Timeout = p.wait
	found, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(a.ctx), &client), name)
	if err != nil {
		return k, unreachable(err)
	}
	k = knownIssuer{Provider: found, since: now}
	var more struct {
		Introspection string `json:"introspection_endpoint"`
	}
	if found.Claims(&more) == nil {
		k.introspection = more.Introspection
	}
	p.oidc.mu.Lock()
	defer p.oidc.mu.Unlock()
	if p.oidc.known == nil || len(p.oidc.known) >= maxIssuers {
		p.oidc.known = map[string]knownIssuer{}
	}
	p.oidc.known[name] = k
	return k, nil
}

// openID takes an ID token, which says all by itself, or an access token that can be tied to this client.
func openID(a *asking) (*hecate.Profile, error) {
	issuer, err := a.issuer()
	if err != nil {
		return nil, err
	}
	verifier := issuer.Verifier(&oidc.Config{ClientID: a.settings.ClientID, Now: a.p.now})
	token, err := verifier.Verify(a.ctx, a.clear())
	switch {
	case err == nil:
		return a.byIDToken(issuer, token)
	case a.ctx.Err() != nil || strings.Contains(err.Error(), "fetching keys"):
		return nil, unreachable(err)
	case a.token.Nonce != "":
		return nil, refused("the ID token does not count")
	}
	return a.byAccessToken(issuer)
}

func (a *asking) byIDToken(issuer knownIssuer, token *oidc.IDToken) (*hecate.Profile, error) {
	if a.token.Nonce != "" && token.Nonce != a.token.Nonce {
		return nil, refused("the ID token was made for another sign-in")
	}
	if token.IssuedAt.After(a.p.now().Add(clockSkew)) {
		return nil, refused("the ID token is of the future")
	}
	raw, err := rawClaims(token)
	if err != nil {
		return nil, refused("the ID token has no claims")
	}
	if azp := text(raw["azp"]); azp != "" && azp != a.settings.ClientID {
		return nil, refused("the token was issued for another app")
	}
	if len(token.Audience) > 1 && text(raw["azp"]) == "" {
		return nil, refused("the ID token is for several apps and does not say which one asked")
	}
	if err := a.complete(issuer, raw); err != nil {
		return nil, err
	}
	return claims(raw), nil
}

// complete adds what the issuer says of a person elsewhere: an ID token that came with an access token need not name his
// address (OpenID Connect Core 5.4). What the ID token says itself counts.
func (a *asking) complete(issuer knownIssuer, said map[string]any) error {
	if text(said["email"]) != "" || a.token.Access.IsZero() || issuer.UserInfoEndpoint() == "" {
		return nil
	}
	more, err := a.userInfo(issuer, a.token.Access.Reveal())
	if err != nil {
		return err
	}
	if text(more["sub"]) != text(said["sub"]) {
		return refused("the issuer speaks of two people") // Core 5.3.2
	}
	delete(said, "email_verified") // of no address
	for name, value := range more {
		if _, ok := said[name]; !ok {
			said[name] = value
		}
	}
	return nil
}

// byAccessToken asks the issuer about an access token. Whom it was issued for, a signed one says itself and the issuer's
// introspection tells; one that neither can is refused, since any other app's token would do as well.
func (a *asking) byAccessToken(issuer knownIssuer) (*hecate.Profile, error) {
	if err := a.accessTokenIsOurs(issuer); err != nil {
		return nil, err
	}
	raw, err := a.userInfo(issuer, a.clear())
	if err != nil {
		return nil, err
	}
	return claims(raw), nil
}

// userInfo are the claims that the issuer gives for an access token.
func (a *asking) userInfo(issuer knownIssuer, token string) (map[string]any, error) {
	seen := &watched{next: a.p.client.Transport}
	client := *a.p.client
	client.Transport = seen
	info, err := issuer.UserInfo(oidc.ClientContext(a.ctx, &client), oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token}))
	switch {
	case err == nil:
		raw, err := rawClaims(info)
		if err != nil {
			return nil, unreachable(err)
		}
		return raw, nil
	case a.ctx.Err() != nil, seen.status < 400, seen.status >= 500, seen.status == http.StatusTooManyRequests:
		return nil, unreachable(errors.New("the issuer does not say who it is"))
	}
	return nil, refused("the issuer refuses the token")
}

// watched notes what was answered, which the library does not tell.
type watched struct {
	next   http.RoundTripper
	status int // 0: nothing
}

func (w *watched) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := w.next.RoundTrip(req)
	if err == nil {
		w.status = resp.StatusCode
	}
	return resp, err
}

// rawClaims are the claims of an ID token, or of a person.
func rawClaims(of interface{ Claims(v any) error }) (map[string]any, error) {
	var text json.RawMessage
	if err := of.Claims(&text); err != nil {
		return nil, errNoJSON
	}
	var raw map[string]any
	err := decode(text, &raw)
	return raw, err
}

func (a *asking) accessTokenIsOurs(issuer knownIssuer) error {
	signed := issuer.Verifier(&oidc.Config{SkipClientIDCheck: true, Now: a.p.now})
	if token, err := signed.Verify(a.ctx, a.clear()); err == nil {
		raw, _ := rawClaims(token) // what is missing there counts as another app's
		if slices.Contains(token.Audience, a.settings.ClientID) || text(raw["azp"]) == a.settings.ClientID || text(raw["client_id"]) == a.settings.ClientID {
			return nil
		}
		return refused("the token was issued for another app")
	}
	if issuer.introspection == "" {
		return refused("the issuer does not say for which app the token was issued; an ID token does")
	}
	req, err := a.request(http.MethodPost, issuer.introspection, formBody{"token": {a.clear()}, "token_type_hint": {"access_token"}})
	if err != nil {
		return err
	}
	req.SetBasicAuth(percent(a.settings.ClientID), percent(a.settings.ClientSecret))
	return a.introspect(req)
}
