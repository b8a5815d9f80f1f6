package usergrid

import (
	"errors"

	"hecate"
	"hecate/internal/web"
)

// The actions of answers: the clients' own tests compare them (contracts/usergrid.md 4.5).
const (
	actionRevoked    = "revoked user token"
	actionRevokedAll = "revoked user tokens"
)

// tokenToRevoke is the parameter, without the second query that the browser SDK hangs on it.
func tokenToRevoke(r *web.Request) (hecate.Secret, error) {
	text := r.QueryOne("token")
	if text == "" {
		p, err := readPayload(r)
		if err != nil {
			return hecate.Secret{}, err
		}
		text = p.text("token")
	}
	if text = beforeQuestion(text); text == "" {
		return hecate.Secret{}, illegalArgument("token is required")
	}
	return hecate.NewSecret(text), nil
}

// revokeToken ends one token of a user. Holding it is proof enough: contracts/usergrid.md 16.
func (a *api) revokeToken(w *web.Response, r *web.Request, c *call) error {
	token, err := tokenToRevoke(r)
	if err != nil {
		return err
	}
	ref, err := a.userByProof(r, c)
	if err != nil {
		return err
	}
	if err := a.engine.EndTokenOf(r.Context(), c.actor, ref, token); err != nil && !(ref.ID == "" && errors.Is(err, hecate.NotFound)) {
		return err
	}
	return a.answer(w, r, c, reply{action: actionRevoked, bare: true})
}

// revokeTokens ends every session of a user: himself, who manages the application, and whom a role names the path.
func (a *api) revokeTokens(w *web.Response, r *web.Request, c *call) error {
	ref, err := a.userByProof(r, c)
	if err != nil {
		return err
	}
	if ref.ID == "" {
		return hecate.E(hecate.Forbidden, "end sessions")
	}
	actor := c.via("/users/" + string(ref.ID) + "/revoketokens")
	if err := a.engine.EndUserSessions(r.Context(), actor, ref); err != nil {
		return err
	}
	return a.answer(w, r, c, reply{action: actionRevokedAll, bare: true})
}

// revokeAdminToken ends one token of an admin. The answer speaks of all: contracts/usergrid.md 4.5.
func (a *api) revokeAdminToken(w *web.Response, r *web.Request, m *manager) error {
	token, err := tokenToRevoke(r)
	if err != nil {
		return err
	}
	admin, err := a.admin(r, m)
	if err != nil {
		return err
	}
	if err := a.engine.EndAdminToken(r.Context(), m.actor, admin.ID, token); err != nil {
		return err
	}
	return a.answerManager(w, r, m, reply{action: actionRevokedAll})
}

// revokeAdminTokens ends every session of an admin.
func (a *api) revokeAdminTokens(w *web.Response, r *web.Request, m *manager) error {
	admin, err := a.admin(r, m)
	if err != nil {
		return err
	}
	if err := a.engine.EndAdminSessions(r.Context(), m.actor, admin.ID); err != nil {
		return err
	}
	return a.answerManager(w, r, m, reply{action: actionRevokedAll})
}
