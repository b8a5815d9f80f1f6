package syncano

import (
	"strings"
	"testing"

	"hecate/internal/engine"
)

// TestLettersOfAccounts walks the rows of contracts/syncano.md 2.1 and 2.2 that send letters.
func TestLettersOfAccounts(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		email, key := w.register(t)
		first := w.mail.lastTo(t, email)
		if first.Name != "activate" || first.Fields["uid"] == "" || first.Secret.IsZero() {
			t.Fatalf("letter %q with %v", first.Name, first.Fields)
		}
		post := func(status int, path string, body obj) reply {
			t.Helper()
			return w.want(t, status, ask{method: "POST", path: accountPath + path, json: body})
		}
		newest := func(name, address string, not string) obj {
			t.Helper()
			l := w.mail.lastTo(t, address)
			if l.Name != name || l.Secret.Reveal() == not {
				t.Errorf("letter %q, the same as before: %v", l.Name, l.Secret.Reveal() == not)
			}
			return obj{"uid": l.Fields["uid"], "token": l.Secret.Reveal()}
		}
		confirm := func(status int, ticket obj, password string) {
			t.Helper()
			post(status, "password/reset/confirm/", obj{"uid": ticket["uid"], "token": ticket["token"], "new_password": password})
		}

		post(204, "resend_email/", obj{"email": strings.ToUpper(email)})
		second := newest("activate", email, first.Secret.Reveal())
		w.refuses(t, 400, `{"email":["Email not found."]}`, ask{method: "POST", path: accountPath + "resend_email/", json: obj{"email": "nobody@example.com"}})
		w.refuses(t, 400, `{"email":["Email not found."]}`, ask{method: "POST", path: accountPath + "password/reset/", json: obj{"email": "nobody@example.com"}})

		// A ticket serves its purpose and its account alone; one that is not active can reset its password too.
		other, _ := w.register(t)
		theirs := w.mail.lastTo(t, other)
		confirm(400, second, "crowbar")
		post(400, "activate/", obj{"uid": theirs.Fields["uid"], "token": second["token"]})
		post(204, "password/reset/", obj{"email": email})
		old := newest("reset", email, second["token"].(string))
		post(400, "activate/", old)
		post(204, "password/reset/", obj{"email": email})
		fresh := newest("reset", email, old["token"].(string))
		confirm(400, old, "crowbar")
		confirm(400, obj{"uid": fresh["uid"], "token": fresh["token"]}, "")
		confirm(200, fresh, "crowbar")
		confirm(400, fresh, "another")
		post(401, "auth/", obj{"email": email, "password": "another"})
		post(200, "auth/", obj{"email": email, "password": "crowbar"})

		// A password change and another address end what was sent before.
		post(204, "password/reset/", obj{"email": email})
		dead := newest("reset", email, fresh["token"].(string))
		w.want(t, 204, ask{method: "POST", path: accountPath + "password/", key: key, json: obj{"current_password": "crowbar", "new_password": "lamp"}})
		confirm(400, dead, "stolen")
		post(204, "resend_email/", obj{"email": email})
		before := newest("activate", email, second["token"].(string))
		w.want(t, 200, ask{method: "PATCH", path: accountPath, key: key, json: obj{"email": "new." + email}})
		post(400, "activate/", before)
		post(200, "activate/", newest("activate", "new."+email, before["token"].(string)))
	})
}

func TestLettersOfInvitations(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		from, owner := w.register(t)
		base := w.instance(t, owner)
		to := w.unique("asked") + "@example.com"
		made := w.want(t, 201, ask{method: "POST", path: base + "invitations/", key: owner, json: obj{"email": to, "role": "read"}})
		l := w.mail.lastTo(t, to)
		if l.Name != "invite" || l.Secret.Reveal() != made.text(t, "key") || l.Fields["inviter"] != from || l.Fields["role"] != "read" {
			t.Errorf("letter %q with %v", l.Name, l.Fields)
		}
	})
}

// TestLettersLeadToTheConsole asks for every letter there is; the console's side is tested in e2e.
func TestLettersLeadToTheConsole(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite", func(c *engine.Config, _ *Config) {
		c.PublicURL = func() string { return "http://hecate.test" }
	})
	leads := func(to, page string, ask ask, status int) {
		t.Helper()
		w.want(t, status, ask)
		l := w.mail.lastTo(t, to)
		want := "http://hecate.test/console/#" + page + "="
		if uid := l.Fields["uid"]; uid != "" {
			want += uid + "/"
		}
		if want += l.Secret.Reveal(); l.Name != page || l.Link.Reveal() != want {
			t.Errorf("letter %q leads to %s, want %s", l.Name, l.Link.Reveal(), want)
		}
	}
	email, key := w.register(t)
	if l := w.mail.lastTo(t, email); !strings.HasPrefix(l.Link.Reveal(), "http://hecate.test/console/#activate=") {
		t.Errorf("letter %q leads to %s", l.Name, l.Link.Reveal())
	}
	leads(email, "activate", ask{method: "POST", path: accountPath + "resend_email/", json: obj{"email": email}}, 204)
	leads(email, "reset", ask{method: "POST", path: accountPath + "password/reset/", json: obj{"email": email}}, 204)
	leads("new."+email, "activate", ask{method: "PATCH", path: accountPath, key: key, json: obj{"email": "new." + email}}, 200)
	base := w.instance(t, key)
	for i, send := range []ask{
		{method: "POST", path: base + "invitations/", key: key, json: obj{"email": "asked@example.com", "role": "read"}},
		{method: "POST", path: base + "invitations/1/resend/", key: key},
	} {
		w.want(t, []int{201, 204}[i], send)
		l := w.mail.lastTo(t, "asked@example.com")
		if want := "http://hecate.test/console/#invitation=" + l.Secret.Reveal(); l.Link.Reveal() != want {
			t.Errorf("the invitation leads to %s, want %s", l.Link.Reveal(), want)
		}
	}
}
