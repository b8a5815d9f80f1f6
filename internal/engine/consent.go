package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"hecate"
	"hecate/internal/provider"
	"hecate/internal/secret"
)

// ConsentInput is a question to a person in his browser.
type ConsentInput struct {
	Provider    string
	RedirectURL string            // where the browser comes back
	Scopes      []string          // nil: the provider's
	Options     map[string]string // further parameters of the provider's page
	Data        map[string]string // what FinishConsent gives back
	// Session is whose person asks; where it has ended the answer does not count. "": nobody's.
	Session hecate.SessionID
}

// consentLife is how long a person may take to answer.
const consentLife = 10 * time.Minute

// consentState is what travels through the browser, sealed: whoever holds it can neither read nor change it.
type consentState struct {
	App      hecate.AppID
	Provider string
	Redirect string
	Nonce    string
	Verifier string
	Scopes   []string
	Data     map[string]string
	Session  hecate.SessionID
	Expires  int64 // seconds since the epoch
}

const consentContext = "consent"

// BeginConsent returns the page of the provider that asks a person for consent. Kinds: NoApp, Unsupported on "provider",
// TooMany when the provider cannot be reached.
func (e *Engine) BeginConsent(ctx context.Context, app *hecate.App, in ConsentInput) (string, error) {
	const op = "ask provider"
	s, err := socialSettings(app, in.Provider, op)
	if err != nil {
		return "", err
	}
	nonce, err := secret.Token(e.rand, consentNonce)
	if err != nil {
		return "", err
	}
	verifier, err := secret.Token(e.rand, consentVerifier)
	if err != nil {
		return "", err
	}
	state := consentState{
		App: app.ID, Provider: in.Provider, Redirect: in.RedirectURL, Nonce: nonce, Verifier: verifier, Scopes: in.Scopes, Data: in.Data,
		Session: in.Session, Expires: e.now().Add(consentLife).Unix(),
	}
	text, err := json.Marshal(state)
	if err != nil {
		return "", fmt.Errorf("%s: %w", op, err)
	}
	sealed, err := e.keys.Seal(text, consentContext)
	if err != nil {
		return "", fmt.Errorf("%s: %w", op, err)
	}
	return e.providers.ConsentURL(ctx, state.question(sealed, in.Options), s)
}

// The randomness of a nonce and of a PKCE verifier, in bytes.
const (
	consentNonce    = 16
	consentVerifier = 32
)

func (s *consentState) question(sealed string, options map[string]string) provider.Consent {
	return provider.Consent{
		Provider: s.Provider, RedirectURL: s.Redirect, State: sealed, Nonce: s.Nonce, Verifier: s.Verifier, Scopes: s.Scopes, Options: options,
	}
}

// Consented is who came back from a provider, and to which app.
type Consented struct {
	App     *hecate.App
	Profile *hecate.Profile // nil where only the state counts
	Data    map[string]string
}

// OpenConsent reads the state that a browser came back with. Kinds: BadToken on "state", also when the session that asked has ended; Expired, NoApp.
func (e *Engine) OpenConsent(ctx context.Context, name, state string) (*Consented, error) {
	c, _, err := e.openConsent(ctx, name, state)
	return c, err
}

func (e *Engine) openConsent(ctx context.Context, name, state string) (*Consented, *consentState, error) {
	const op = "return from provider"
	text, err := e.keys.Open(state, consentContext)
	var s consentState
	if err != nil || json.Unmarshal(text, &s) != nil || s.Provider != name {
		return nil, nil, hecate.E(hecate.BadToken, op).On("state")
	}
	if e.now().Unix() >= s.Expires {
		return nil, nil, hecate.E(hecate.Expired, op).On("state")
	}
	app, err := e.AppByID(ctx, s.App)
	if err != nil {
		return nil, nil, err
	}
	if s.Session != "" {
		open, err := e.db.SessionOpen(ctx, s.App, s.Session)
		if err != nil {
			return nil, nil, err
		}
		if !open {
			return nil, nil, hecate.E(hecate.BadToken, op).On("state")
		}
	}
	return &Consented{App: app, Data: s.Data}, &s, nil
}

// FinishConsent exchanges the code that a browser came back with for who he is. With Kinds of the provider the
// Consented is there all the same, without its Profile. Kinds: those of OpenConsent and of provider.Exchange.
func (e *Engine) FinishConsent(ctx context.Context, name, code, state string) (*Consented, error) {
	c, s, err := e.openConsent(ctx, name, state)
	if err != nil {
		return nil, err
	}
	settings, err := socialSettings(c.App, name, "return from provider")
	if err != nil {
		return c, err
	}
	granted, err := e.providers.Exchange(ctx, s.question(state, nil), code, settings)
	if err != nil {
		return c, err
	}
	c.Profile = reachable(granted.Profile)
	return c, nil
}
