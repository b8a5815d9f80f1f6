package usergrid

import (
	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// leastPassword is the shortest password where an application sets no minimum: contracts/usergrid.md 5.
const leastPassword = 4

// changePassword changes a user's password. The old one is the proof, a token is not needed; who manages the
// application may leave it out: contracts/usergrid.md 7.2.
func (a *api) changePassword(w *web.Response, r *web.Request, c *call) error {
	p, err := readPayload(r)
	if err != nil {
		return err
	}
	next := p.text("newpassword")
	if next == "" {
		return illegalArgument("newpassword is required")
	}
	ref, err := a.userByProof(r, c)
	if err != nil {
		return err
	}
	err = a.engine.ChangePasswordOf(r.Context(), c.actor, ref, engine.PasswordChange{
		Old: hecate.NewSecret(p.text("oldpassword")), New: hecate.NewSecret(next), MinPassword: leastPassword, From: r.ClientIP(),
	})
	if err != nil {
		return err
	}
	return a.answer(w, r, c, reply{action: "set user password", bare: true})
}

// setPIN gives a user a PIN: contracts/usergrid.md 7.2.
func (a *api) setPIN(w *web.Response, r *web.Request, c *call) error {
	pin := r.QueryOne("pin")
	if pin == "" {
		p, err := readPayload(r)
		if err != nil {
			return err
		}
		pin = p.text("pin")
	}
	if pin == "" {
		return illegalArgument("pin is required")
	}
	u, err := a.user(r.Context(), c, r.PathValue("user"))
	if err != nil {
		return err
	}
	if err := a.engine.SetPIN(r.Context(), c.actor, engine.UserRef{ID: u.ID}, hecate.NewSecret(pin)); err != nil {
		return err
	}
	return a.answer(w, r, c, reply{action: "set user pin", bare: true})
}
