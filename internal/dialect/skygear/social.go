package skygear

import (
	"errors"
	"slices"
	"strings"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// providerNames are the engine's names of providers that this dialect calls otherwise. One identity is one, whichever
// dialect it comes by.
var providerNames = map[string]string{"google": "google-oauth2"}

// providerOf is the engine's name of a provider. An issuer of OpenID Connect is called by its own name alone.
func providerOf(app *hecate.App, name string) string {
	if known, ok := providerNames[name]; ok {
		return known
	}
	if _, ok := app.Settings.Social["oidc:"+name]; ok {
		return "oidc:" + name
	}
	return name
}

// wireProvider is what this dialect calls a provider of the engine.
func wireProvider(name string) string {
	for wire, known := range providerNames {
		if known == name {
			return wire
		}
	}
	return strings.TrimPrefix(name, "oidc:")
}

// The texts of sign-in by a provider, contracts/skygear.md 3.2 and 3.3.
const (
	textNoProvider    = "provider is not configured"
	textBadSocial     = "Invalid access token"
	textLinkedToOther = "provider account already linked with existing user"
	textLinkedAlready = "user linked to the provider already"
	textNotConnected  = "no connected user"
	textNoCallback    = "callback_url is not allowed"
)

// socialProfile asks the provider of the call whose token is in its arguments.
func (a *api) socialProfile(r *web.Request, c *call) (*hecate.Profile, error) {
	args, err := c.args.arguments("access_token")
	if err != nil {
		return nil, err
	}
	token, err := args.text("access_token")
	if err != nil {
		return nil, err
	}
	if token == "" {
		return nil, invalid("access_token must be set", "access_token")
	}
	return a.engine.SocialProfile(r.Context(), c.app, engine.SocialToken{Provider: providerOf(c.app, c.segment), Secret: hecate.NewSecret(token)})
}

// socialLogin signs in by a provider's token. The result holds another result: contracts/skygear.md 3.3.
func (a *api) socialLogin(w *web.Response, r *web.Request, c *call) error {
	profile, err := a.socialProfile(r, c)
	if err != nil {
		return socialFault(err)
	}
	result, err := a.arrive(r, c, profile)
	if err != nil {
		return socialFault(err)
	}
	return answerResult(w, nested(result))
}

// arrive logs the user of a profile in, and up at the first time, and returns the AuthResponse.
func (a *api) arrive(r *web.Request, c *call, profile *hecate.Profile) ([]byte, error) {
	record, err := a.newProfile(r.Context(), c.app, nil)
	if err != nil {
		return nil, err
	}
	l, _, err := a.engine.LoginSocial(r.Context(), c.actor, engine.SocialLoginInput{
		Profile: profile, New: engine.CreateUserInput{Email: profile.Email, Profile: record, Letters: a.socialLetters(r, c, profile)}, Extend: true,
		Dialect: dialectName, Open: opening(),
	})
	if err != nil {
		return nil, err
	}
	return a.authResponse(r, c, l)
}

// socialLetters are what a new user gets; an address that the provider has verified needs no other proof.
func (a *api) socialLetters(r *web.Request, c *call, profile *hecate.Profile) []engine.UserLetter {
	letters := a.signUpLetters(r, c.app, func(key string) string {
		if key == emailField {
			return profile.Email
		}
		return ""
	})
	return slices.DeleteFunc(letters, func(l engine.UserLetter) bool { return l.Ticket != "" && profile.EmailVerified })
}

// nested is {"result": result}.
func nested(result []byte) []byte {
	j := newJSON(nil)
	j.Open()
	j.Raw("result", result)
	j.Close()
	return j.Buf
}

var linkedOK = []byte(`"OK"`)

// socialLink gives the user an identity at a provider, by its token.
func (a *api) socialLink(w *web.Response, r *web.Request, c *call) error {
	profile, err := a.socialProfile(r, c)
	if err != nil {
		return socialFault(err)
	}
	if err := a.engine.LinkSocial(r.Context(), c.actor, profile); err != nil {
		return socialFault(err)
	}
	return answerResult(w, nested(linkedOK))
}

func (a *api) socialUnlink(w *web.Response, r *web.Request, c *call) error {
	if err := a.engine.UnlinkSocial(r.Context(), c.actor, providerOf(c.app, c.segment)); err != nil {
		return socialFault(err)
	}
	return answerResult(w, nested(linkedOK))
}

// socialProfiles are the profiles by provider, as the providers said them.
func (a *api) socialProfiles(w *web.Response, r *web.Request, c *call) error {
	profiles, err := a.engine.SocialProfiles(r.Context(), c.actor)
	if err != nil {
		return err
	}
	out := make(map[string]any, len(profiles))
	for name, said := range profiles {
		out[wireProvider(name)] = said
	}
	return answerResult(w, web.AppendPageJSON(nil, out))
}

// socialServer answers the actions by which an app's own server did what is built in here; their wire is
// not served: contracts/skygear.md 3.2 (P3).
func (a *api) socialServer(*web.Response, *web.Request, *call) error {
	return fail(notSupported, "sign-in by providers is built in: use sso/<provider>/login")
}

// socialFault is what the wire says of a provider, of its token, and of whom it stands for.
func socialFault(err error) error {
	d := hecate.Detail(err)
	switch {
	case d.Kind == hecate.Unsupported:
		return fail(notConfigured, textNoProvider)
	case d.Kind == hecate.BadToken && d.Field == "token":
		return fail(invalidCredentials, textBadSocial)
	case d.Kind == hecate.BadKey:
		return fail(invalidCredentials, "the provider refuses the app's client id and secret")
	case d.Kind == hecate.TooMany && d.Field == "provider":
		return fail(pluginTimeout, "the provider does not answer")
	case d.Kind == hecate.Exists && d.Field == "subject":
		return invalid(textLinkedToOther)
	case d.Kind == hecate.Exists && d.Field == "provider":
		return invalid(textLinkedAlready)
	case errors.Is(err, hecate.NotFound) && d.Field == "provider":
		return fail(resourceNotFound, textNotConnected)
	}
	return signUpFault(err)
}
