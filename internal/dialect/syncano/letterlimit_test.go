package syncano

import (
	"fmt"
	"testing"
	"time"

	"hecate/internal/engine"
)

// TestManyLettersToOneAddress asks for letters until an address has had its share: then every call says so, sends nothing, and leaves the ticket
// of the last letter as it was.
func TestManyLettersToOneAddress(t *testing.T) {
	t.Parallel()
	const share = 3
	w := newWorld(t, "sqlite", func(c *engine.Config, _ *Config) { c.Limits.LettersPerAddress = share })
	_, owner := w.register(t)
	base := w.instance(t, owner)
	asked := w.unique("asked") + "@example.com"
	invitation := w.want(t, 201, ask{method: "POST", path: base + "invitations/", key: owner, json: obj{"email": asked}}).id(t)
	forgetful, _ := w.register(t)
	sleepy, _ := w.register(t)
	for name, c := range map[string]struct {
		to  string
		ask ask
	}{
		"a forgotten password": {forgetful, ask{method: "POST", path: accountPath + "password/reset/", json: obj{"email": forgetful}}},
		"an activation":        {sleepy, ask{method: "POST", path: accountPath + "resend_email/", json: obj{"email": sleepy}}},
		"an invitation":        {asked, ask{method: "POST", path: fmt.Sprintf("%sinvitations/%d/resend/", base, invitation), key: owner}},
	} {
		t.Run(name, func(t *testing.T) {
			for range share - 1 { // the first was that of the sign-up, or of the invitation itself
				w.want(t, 204, c.ask)
			}
			last := w.mail.lastTo(t, c.to)
			a := w.want(t, 429, c.ask)
			if a.header.Get("Retry-After") == "" || a.text(t, "detail") == "" {
				t.Errorf("no word of when to come back: %v", a)
			}
			if now := w.mail.lastTo(t, c.to); now.ID != last.ID {
				t.Errorf("another letter %q", now.Name)
			}
		})
	}
	reset := w.mail.lastTo(t, forgetful)
	w.want(t, 200, ask{method: "POST", path: accountPath + "password/reset/confirm/",
		json: obj{"uid": reset.Fields["uid"], "token": reset.Secret.Reveal(), "new_password": "crowbar"}})
}

// TestTicketsOfAccountsExpire uses letters up to three days after they were written, and then no more: contracts/syncano.md 2.1.
func TestTicketsOfAccountsExpire(t *testing.T) {
	t.Parallel()
	w := lite(t)
	const life = 3 * 24 * time.Hour
	type letters struct{ activate, reset obj }
	asked := func() letters {
		email, _ := w.register(t)
		activate := w.mail.lastTo(t, email)
		w.want(t, 204, ask{method: "POST", path: accountPath + "password/reset/", json: obj{"email": email}})
		reset := w.mail.lastTo(t, email)
		return letters{
			obj{"uid": activate.Fields["uid"], "token": activate.Secret.Reveal()},
			obj{"uid": reset.Fields["uid"], "token": reset.Secret.Reveal(), "new_password": "crowbar"},
		}
	}
	use := func(status int, l letters) {
		t.Helper()
		w.want(t, status, ask{method: "POST", path: accountPath + "activate/", json: l.activate})
		w.want(t, status, ask{method: "POST", path: accountPath + "password/reset/confirm/", json: l.reset})
	}
	inTime, late := asked(), asked()
	w.Clock.Advance(life - time.Minute)
	use(200, inTime)
	w.Clock.Advance(2 * time.Minute)
	use(400, late)
}
