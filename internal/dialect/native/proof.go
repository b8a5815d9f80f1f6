package native

import (
	"strings"

	"hecate"
	"hecate/internal/web"
)

// proof reads `Authorization: Bearer <account key>`. Another scheme is no proof at all.
func proof(r *web.Request) hecate.Proof {
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return hecate.Proof{}
	}
	return hecate.Proof{Key: hecate.NewSecret(strings.TrimSpace(key))}
}

// attempt lets in whoever has not tried too often of late: these routes take secrets that could be guessed.
func (a *api) attempt(r *web.Request) (caller, error) {
	if ok, after := a.attempts.Allow(r.ClientIP()); !ok {
		return nil, hecate.E(hecate.TooMany, "attempt").After(after)
	}
	return nil, nil
}

// admin resolves the admin who calls.
func (a *api) admin(r *web.Request) (caller, error) {
	return a.engine.AuthenticateAdmin(r.Context(), proof(r))
}

// member resolves an admin with a role in the app of the path. To all others the
// app does not exist, and strangers are refused before it is even looked for.
func (a *api) member(r *web.Request) (caller, error) {
	p := proof(r)
	if _, err := a.engine.AuthenticateAdmin(r.Context(), p); err != nil {
		return nil, err
	}
	app, err := a.engine.AppByAlias(r.Context(), r.PathValue("alias"))
	if err != nil {
		return nil, err
	}
	actor, err := a.engine.Authenticate(r.Context(), app, p)
	if err != nil {
		return nil, err
	}
	if actor.Role == hecate.NoRole {
		return nil, hecate.E(hecate.NoApp, "authenticate")
	}
	return actor, nil
}
