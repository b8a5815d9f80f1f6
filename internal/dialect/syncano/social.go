package syncano

import (
	"errors"
	"net/http"
	"slices"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// The texts of sign-in by a provider: contracts/syncano.md 2.6.
const (
	textBadSocial     = "Invalid authorization token."
	textBadBackend    = "Unsupported social backend."
	textNoAddress     = "Invalid social scope, missing email."
	textMayNotCreate  = "You do not have permission to create new user."
	textAddressIsUsed = "An account with this email exists and is not linked to this backend."
)

// The providers by which users and admins may come. Of admins the old server refused the others' tokens.
var (
	userBackends  = []string{"facebook", "google-oauth2", "linkedin", "twitter", "github"}
	adminBackends = []string{"facebook", "google-oauth2", "github"}
)

// apiVersion is the version in the paths of a provider's API, where the old server named one.
var apiVersion = map[string]string{"facebook": "v2.4"}

// placeholderHost makes the name of a user whose provider tells no address: contracts/syncano.md 2.6.
var placeholderHost = map[string]string{"linkedin": "linkedin.com", "twitter": "twitter.com"}

// userSocial signs a user in by a provider's token, and up at the first time.
func (a *api) userSocial(w *web.Response, r *web.Request, c *call) error {
	token, err := socialToken(r)
	if err != nil {
		return err
	}
	profile, err := a.engine.SocialProfile(r.Context(), c.app, token)
	if err != nil {
		return socialError(err)
	}
	d, _, err := a.engine.LoginSocial(r.Context(), c.actor, engine.SocialLoginInput{
		Profile: profile, Dialect: dialectName,
		New: engine.CreateUserInput{Username: socialName(profile), Email: profile.Email},
	})
	if err != nil {
		return socialError(err)
	}
	return a.sendUser(w, r, http.StatusOK, c, d.UserDetail)
}

// accountSocial signs an admin in by a provider's token.
func (a *api) accountSocial(w *web.Response, r *web.Request, _ *call) error {
	token, err := socialToken(r)
	if err != nil {
		return err
	}
	if !slices.Contains(adminBackends, token.Provider) {
		return detail(http.StatusUnauthorized, textBadSocial)
	}
	d, created, err := a.engine.LoginAdminSocial(r.Context(), token)
	if err != nil {
		return socialError(err)
	}
	return a.answer(w, r, http.StatusOK, accountNest, func(dst []byte) []byte {
		dst = appendAccount(dst, d, true)
		j := newJSON(dst[:len(dst)-1])
		j.Bool("created", created)
		j.Close()
		return j.Buf
	})
}

// socialToken reads the provider and its token. A missing token comes before an unknown provider, as in the old server.
func socialToken(r *web.Request) (t engine.SocialToken, err error) {
	in, err := readInput(r)
	if err != nil {
		return t, err
	}
	text, _ := in.values["access_token"].(string)
	if text == "" {
		return t, detail(http.StatusUnauthorized, textBadSocial)
	}
	t = engine.SocialToken{Provider: r.PathValue("backend"), Secret: hecate.NewSecret(text)}
	if !slices.Contains(userBackends, t.Provider) {
		return t, detail(http.StatusBadRequest, textBadBackend)
	}
	t.Version = apiVersion[t.Provider]
	return t, nil
}

// socialName is the username of a new user: his address, else what stands for one.
func socialName(p *hecate.Profile) string {
	if p.Email != "" {
		return p.Email
	}
	if host := placeholderHost[p.Provider]; host != "" {
		return p.Subject + "@" + host
	}
	return "" // shown as user_<number>: contracts/syncano.md D4
}

// socialError is what the wire says of a provider, of its token, and of whom it stands for.
func socialError(err error) error {
	d := hecate.Detail(err)
	switch {
	case d.Kind == hecate.Unsupported:
		return detail(http.StatusBadRequest, textBadBackend)
	case d.Kind == hecate.BadToken, d.Kind == hecate.TooMany && d.Field == "provider":
		// The old server did not tell a provider that is down from one that refuses.
		return detail(http.StatusUnauthorized, textBadSocial)
	case d.Kind == hecate.Invalid && d.Field == "email":
		return detail(http.StatusBadRequest, textNoAddress)
	case d.Kind == hecate.Exists:
		return detail(http.StatusBadRequest, textAddressIsUsed)
	case d.Kind == hecate.Forbidden && d.Field == "user":
		return detail(http.StatusForbidden, textMayNotCreate)
	case errors.Is(err, hecate.Forbidden) && d.Err != nil: // registration is closed
		return detail(http.StatusForbidden, textMayNotCreate)
	}
	return err
}
