package provider

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"golang.org/x/oauth2"

	"hecate"
)

// Consent is a question to a person, asked in his browser.
type Consent struct {
	Provider    string
	RedirectURL string // where the browser comes back with a code
	State       string
	Nonce       string            // OpenID Connect
	Verifier    string            // of PKCE; "": without
	Scopes      []string          // nil: those of the settings, else the table's
	Options     map[string]string // further parameters; they cannot replace the ones above
}

// flow are the addresses of the consent flow.
func (a *asking) flow(redirect string, scopes []string) (*oauth2.Config, error) {
	s := a.settings
	config := &oauth2.Config{
		ClientID: s.ClientID, ClientSecret: s.ClientSecret, RedirectURL: redirect, Scopes: scopes,
		Endpoint: oauth2.Endpoint{AuthURL: s.AuthURL, TokenURL: s.TokenURL},
	}
	if s.ClientID == "" {
		return nil, unconfigured("client_id")
	}
	if config.Scopes == nil {
		config.Scopes = s.Scopes
	}
	if config.Scopes == nil {
		config.Scopes = a.row.scopes
	}
	if s.Issuer != "" && (s.AuthURL == "" || s.TokenURL == "") {
		issuer, err := a.issuer()
		if err != nil {
			return nil, err
		}
		config.Endpoint = issuer.Endpoint()
		return config, nil
	}
	if config.Endpoint.AuthURL == "" {
		config.Endpoint.AuthURL = a.row.auth
	}
	if config.Endpoint.TokenURL == "" {
		config.Endpoint.TokenURL = a.row.code
	}
	if config.Endpoint.AuthURL == "" || config.Endpoint.TokenURL == "" {
		return nil, unconfigured("auth_url")
	}
	return config, nil
}

// ConsentURL is the page of the provider that asks for consent. Kinds: Unsupported on "provider" where there is none or
// settings are missing, TooMany when an issuer cannot be reached.
func (p *Providers) ConsentURL(ctx context.Context, c Consent, s Settings) (string, error) {
	a, done, err := p.known(ctx, c.Provider, s)
	if err != nil {
		return "", err
	}
	defer done()
	config, err := a.flow(c.RedirectURL, c.Scopes)
	if err != nil {
		return "", err
	}
	var options []oauth2.AuthCodeOption
	for name, value := range a.row.extra {
		options = append(options, oauth2.SetAuthURLParam(name, value))
	}
	for name, value := range c.Options {
		if !reserved[name] {
			options = append(options, oauth2.SetAuthURLParam(name, value))
		}
	}
	if c.Nonce != "" {
		options = append(options, oauth2.SetAuthURLParam("nonce", c.Nonce))
	}
	if c.Verifier != "" {
		options = append(options, oauth2.S256ChallengeOption(c.Verifier))
	}
	return config.AuthCodeURL(c.State, options...), nil
}

// reserved are parameters of the consent page that nobody may choose.
var reserved = map[string]bool{
	"client_id": true, "redirect_uri": true, "response_type": true, "state": true, "nonce": true, "scope": true,
	"code_challenge": true, "code_challenge_method": true, "response_mode": true,
	"request": true, "request_uri": true, // which would stand for all of them: OpenID Connect Core 6
}

// Granted is what a code was exchanged for.
type Granted struct {
	Profile *hecate.Profile
	Token   map[string]any // the token's answer as plain values, without secrets
}

// Exchange turns the code that a browser came back with into a profile. Kinds: those of Profile; BadToken for a code that
// does not count.
func (p *Providers) Exchange(ctx context.Context, c Consent, code string, s Settings) (*Granted, error) {
	if code == "" {
		return nil, refused("the person did not consent")
	}
	ctx, cancel := context.WithTimeout(ctx, p.wait) // for the code and for what is asked then together
	defer cancel()
	a, done, err := p.known(ctx, c.Provider, s)
	if err != nil {
		return nil, err
	}
	config, err := a.flow(c.RedirectURL, c.Scopes)
	if err != nil {
		done()
		return nil, err
	}
	var options []oauth2.AuthCodeOption
	if c.Verifier != "" {
		options = append(options, oauth2.VerifierOption(c.Verifier))
	}
	token, err := config.Exchange(context.WithValue(a.ctx, oauth2.HTTPClient, p.client), code, options...)
	done()
	if err != nil {
		return nil, exchangeFault(err)
	}
	present := Token{Provider: c.Provider, Secret: hecate.NewSecret(token.AccessToken)}
	if id, _ := token.Extra("id_token").(string); id != "" && kindOf(c.Provider) == "oidc" {
		present.Secret, present.Nonce, present.Access = hecate.NewSecret(id), c.Nonce, present.Secret
	}
	profile, err := p.Profile(ctx, present, s)
	if err != nil {
		return nil, err
	}
	return &Granted{Profile: profile, Token: map[string]any{"token_type": token.TokenType}}, nil
}

// known begins a question to a provider of the table.
func (p *Providers) known(ctx context.Context, name string, s Settings) (*asking, func(), error) {
	row, ok := table[kindOf(name)]
	if !ok {
		return nil, nil, hecate.E(hecate.Unsupported, "ask provider").On("provider").Says("no such provider")
	}
	return p.begin(ctx, row, s)
}

// exchangeFault tells a code that does not count from a provider that does not answer.
func exchangeFault(err error) error {
	var said *oauth2.RetrieveError
	if !errors.As(err, &said) {
		var failed *url.Error
		if errors.As(err, &failed) {
			return unreachable(failed.Err)
		}
		return refused("the provider's answer holds no token")
	}
	switch {
	case said.Response != nil && said.Response.StatusCode == http.StatusTooManyRequests, said.Response != nil && said.Response.StatusCode >= 500:
		return unreachable(errors.New("the provider fails"))
	case said.ErrorCode == "invalid_client":
		return hecate.E(hecate.BadKey, "ask provider").On("client_id").Says("the provider refuses the app's own id and secret")
	}
	return refused("the code does not count")
}
