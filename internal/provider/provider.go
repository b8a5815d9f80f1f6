// Package provider asks social providers whose token it is: a token goes in, a hecate.Profile comes out. One table says
// how each provider is asked.
//
// It must never know the database, the rules, HTTP servers, or which dialect is calling. Who a profile belongs to here,
// and whether its address may join an account, is the engine's to decide.
package provider

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"hecate"
)

// Settings are one provider as an app configured it. All may be empty where the table has defaults.
type Settings struct {
	Issuer       string   // OpenID Connect: the issuer's URL
	APIURL       string   // base of the provider's API, or with pingident the whole URL; without a final slash
	AuthURL      string   // where a browser asks for consent
	TokenURL     string   // where a code becomes a token
	ClientID     string   // the app's own id there; where it is set, tokens issued for others are refused
	ClientSecret string   // and its secret
	Scopes       []string // asked for in a browser; nil: the table's
}

// Config is what the room stands on. Every field may be left out.
type Config struct {
	Client *http.Client     // nil: one that follows no redirect
	Now    func() time.Time // nil: time.Now
	Wait   time.Duration    // for one provider, all its requests together; 0: 8 s
	AtOnce int              // questions at the same time; 0: 128. One provider gets a quarter of them
}

// Providers asks providers. It is safe for concurrent use.
type Providers struct {
	client *http.Client
	now    func() time.Time
	wait   time.Duration
	busy   places
	oidc   issuers
}

// New returns Providers.
func New(c Config) *Providers {
	p := &Providers{client: c.Client, now: c.Now, wait: c.Wait}
	if p.client == nil {
		p.client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	client := *p.client
	if client.Transport == nil {
		client.Transport = http.DefaultTransport
	}
	client.Transport = bounded{client.Transport}
	p.client = &client
	if p.now == nil {
		p.now = time.Now
	}
	if p.wait <= 0 {
		p.wait = 8 * time.Second
	}
	if c.AtOnce <= 0 {
		c.AtOnce = 128
	}
	p.busy = places{all: c.AtOnce, each: max(1, c.AtOnce/4), taken: map[string]int{}}
	return p
}

// Token is what somebody presents as his at a provider.
type Token struct {
	Provider string // a name of the table, or "oidc:<name>"
	Secret   hecate.Secret
	Nonce    string        // OpenID Connect: what the ID token must carry; "" does not ask
	Access   hecate.Secret // OpenID Connect: the access token that came with an ID token; may be empty
	Version  string        // of the provider's API, as the first segment of its paths ("v2.4"); "": none
}

// Known reports whether there is a provider of that name.
func Known(name string) bool {
	_, ok := table[kindOf(name)]
	return ok
}

// kindOf is the row of a provider's name: "oidc" for "oidc:<name>".
func kindOf(name string) string {
	kind, _, _ := strings.Cut(name, ":")
	return kind
}

// Profile asks the provider whose token it is. Kinds: Unsupported on "provider" for an unknown one, or where settings
// are missing that it needs; BadToken when the provider refuses the token, or issued it for another app than
// the settings' ClientID; TooMany when the provider is down, slow, or asked too often: RetryAfter says when to try again.
func (p *Providers) Profile(ctx context.Context, t Token, s Settings) (*hecate.Profile, error) {
	const op = "ask provider"
	row, ok := table[kindOf(t.Provider)]
	if !ok {
		return nil, hecate.E(hecate.Unsupported, op).On("provider").Says("no such provider")
	}
	if t.Secret.IsZero() {
		return nil, hecate.E(hecate.BadToken, op).On("token")
	}
	a, done, err := p.begin(ctx, row, s)
	if err != nil {
		return nil, err
	}
	defer done()
	a.token = t
	if row.issuedFor != nil && s.ClientID != "" {
		if err := row.issuedFor(a); err != nil {
			return nil, err
		}
	}
	out, err := row.profile(a)
	if err != nil {
		return nil, err
	}
	if !names(kindOf(t.Provider), out.Subject) {
		return nil, refused("the provider names nobody")
	}
	out.Provider = t.Provider
	return out, nil
}

// begin takes a place among those who ask, and bounds how long it takes. done gives the place back.
func (p *Providers) begin(ctx context.Context, row provider, s Settings) (a *asking, done func(), err error) {
	a = &asking{p: p, settings: s, base: strings.TrimSuffix(s.APIURL, "/"), row: row}
	if a.base == "" {
		a.base = row.base
	}
	at := cmp.Or(s.Issuer, a.base)
	if !p.busy.take(at) {
		return nil, nil, hecate.E(hecate.TooMany, "ask provider").On("provider").Says("too many sign-ins at once").After(time.Second)
	}
	var cancel context.CancelFunc
	a.ctx, cancel = context.WithTimeout(ctx, p.wait)
	return a, func() { cancel(); p.busy.leave(at) }, nil
}

// places are the questions that may stand open: who waits for a slow provider leaves places for the others.
type places struct {
	mu        sync.Mutex
	all, each int
	sum       int
	taken     map[string]int // by the provider's address
}

func (p *places) take(at string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sum >= p.all || p.taken[at] >= p.each {
		return false
	}
	p.sum++
	p.taken[at]++
	return true
}

func (p *places) leave(at string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sum--
	if p.taken[at]--; p.taken[at] == 0 {
		delete(p.taken, at)
	}
}

// asking is one question to a provider.
type asking struct {
	p        *Providers
	ctx      context.Context
	row      provider
	settings Settings
	base     string
	token    Token
}

// refused says that the provider does not know the token.
func refused(why string) error {
	return hecate.E(hecate.BadToken, "ask provider").On("token").Says(why)
}

// unreachable says that the provider did not answer as it should; try again later.
func unreachable(err error) error {
	return hecate.E(hecate.TooMany, "ask provider").On("provider").Because(err).With("unreachable", true).After(5 * time.Second)
}
