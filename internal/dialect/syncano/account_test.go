package syncano

import (
	"strconv"
	"strings"
	"testing"
)

const accountPath = "/v1.1/account/"

func TestAccounts(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		email, key := w.register(t)
		other, _ := w.register(t)

		t.Run("a number is a name, a boolean is none", func(t *testing.T) {
			got := w.want(t, 200, ask{method: "PATCH", path: accountPath, key: key, json: obj{"first_name": 42}})
			if got.text(t, "first_name") != "42" {
				t.Errorf("%s", got.body)
			}
			w.want(t, 400, ask{method: "PATCH", path: accountPath, key: key, json: obj{"first_name": true}})
		})
		t.Run("PUT demands an address and empties what is missing", func(t *testing.T) {
			w.refuses(t, 400, `{"email":["This field is required."]}`, ask{method: "PUT", path: accountPath, key: key, json: obj{"first_name": "x"}})
			got := w.want(t, 200, ask{method: "PUT", path: accountPath, key: key, json: obj{"email": email, "last_name": " Vance "}})
			if got.text(t, "first_name") != "" || got.text(t, "last_name") != "Vance" {
				t.Errorf("%s", got.body)
			}
		})
		t.Run("metadata may come as text, and has limits", func(t *testing.T) {
			got := w.want(t, 200, ask{method: "PATCH", path: accountPath, key: key, json: obj{"metadata": `{"a":{"b":1}}`}})
			if !strings.Contains(got.body, `"metadata":{"a":{"b":1}}`) {
				t.Errorf("%s", got.body)
			}
			many := obj{}
			for i := range 9 {
				many[strings.Repeat("k", i+1)] = i
			}
			for _, bad := range []any{many, obj{strings.Repeat("k", 17): 1}, obj{"k": strings.Repeat("v", 5000)}, []int{1}, nil, "[1]"} {
				w.want(t, 400, ask{method: "PATCH", path: accountPath, key: key, json: obj{"metadata": bad}})
			}
		})
		t.Run("an address that is taken stays where it is", func(t *testing.T) {
			got := w.want(t, 200, ask{method: "PUT", path: accountPath, key: key, json: obj{"email": other, "first_name": "Judith"}})
			if got.text(t, "email") != email || got.text(t, "first_name") != "Judith" || got.object(t)["is_active"] != false {
				t.Errorf("%s", got.body)
			}
		})
		t.Run("a letter activates the account once", func(t *testing.T) {
			letter := w.mail.lastTo(t, email)
			body := obj{"uid": letter.Fields["uid"], "token": letter.Secret.Reveal()}
			w.refuses(t, 400, `{"uid":["Invalid token."]}`, ask{method: "POST", path: accountPath + "activate/", json: obj{"uid": "nobody", "token": body["token"]}})
			w.refuses(t, 400, `{"non_field_errors":["Invalid token or account already activated."]}`,
				ask{method: "POST", path: accountPath + "activate/", json: obj{"uid": body["uid"], "token": "wrong"}})
			got := w.want(t, 200, ask{method: "POST", path: accountPath + "activate/", json: body})
			if got.text(t, "account_key") != key || got.object(t)["is_active"] != true {
				t.Errorf("%s", got.body)
			}
			w.refuses(t, 400, `{"non_field_errors":["Invalid token or account already activated."]}`, ask{method: "POST", path: accountPath + "activate/", json: body})
			w.refuses(t, 400, `{"detail":"Account has already been activated."}`, ask{method: "POST", path: accountPath + "resend_email/", json: obj{"email": email}})
			w.want(t, 204, ask{method: "POST", path: accountPath + "resend_email/", json: obj{"email": other}})
		})
		t.Run("a new address is confirmed again", func(t *testing.T) {
			moved := "moved." + email
			got := w.want(t, 200, ask{method: "PATCH", path: accountPath, key: key, json: obj{"email": strings.ToUpper(moved)}})
			if got.text(t, "email") != moved || got.object(t)["is_active"] != false {
				t.Errorf("%s", got.body)
			}
			w.mail.lastTo(t, moved)
			email = moved
		})
		t.Run("a password is reset by letter, once", func(t *testing.T) {
			w.want(t, 204, ask{method: "POST", path: accountPath + "password/reset/", json: obj{"email": email}})
			letter := w.mail.lastTo(t, email)
			body := obj{"uid": letter.Fields["uid"], "token": letter.Secret.Reveal(), "new_password": "crowbar"}
			w.refuses(t, 400, `{"non_field_errors":["Invalid token."]}`,
				ask{method: "POST", path: accountPath + "password/reset/confirm/", json: obj{"uid": body["uid"], "token": "wrong", "new_password": "x"}})
			got := w.want(t, 200, ask{method: "POST", path: accountPath + "password/reset/confirm/", json: body})
			if got.text(t, "account_key") != key {
				t.Errorf("a new password changed the key: %s", got.body)
			}
			w.want(t, 400, ask{method: "POST", path: accountPath + "password/reset/confirm/", json: body})
			w.want(t, 200, ask{method: "POST", path: accountPath + "auth/", form: map[string][]string{"email": {" " + email}, "password": {"crowbar "}}})
		})
		t.Run("every missing field of a password change is named", func(t *testing.T) {
			w.refuses(t, 400, `{"current_password":["This field is required."],"new_password":["This field is required."]}`, ask{method: "POST", path: accountPath + "password/", key: key})
			w.refuses(t, 400, `{"current_password":["Invalid password."]}`, ask{method: "POST", path: accountPath + "password/", key: key, json: obj{"current_password": "x", "new_password": "y"}})
			w.want(t, 204, ask{method: "POST", path: accountPath + "password/", key: key, json: obj{"current_password": "crowbar", "new_password": "y"}})
			w.refuses(t, 400, `{"password":["Admin already has password."]}`, ask{method: "POST", path: accountPath + "password/set/", key: key, json: obj{"password": "z"}})
		})
		t.Run("a reset key ends the old one", func(t *testing.T) {
			next := w.want(t, 200, ask{method: "POST", path: accountPath + "reset_key/", key: key}).text(t, "account_key")
			w.refuses(t, 403, bodyNoKey, ask{method: "GET", path: accountPath, key: key})
			w.want(t, 200, ask{method: "GET", path: accountPath, key: next})
			if strings.Trim(next, "0123456789abcdef") != "" || len(next) != 40 || !strings.Contains("02468ace", next[39:]) {
				t.Errorf("key %q", next)
			}
		})
	})
}

func TestAnInvitationAtRegistrationGivesItsRole(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		_, owner := w.register(t)
		base := w.instance(t, owner)
		email := w.unique("invited") + "@example.com"
		invitation := w.want(t, 201, ask{method: "POST", path: base + "invitations/", key: owner, json: obj{"email": strings.ToUpper(email), "role": "write"}})
		w.refuses(t, 400, `{"invitation_key":"Invitation not found."}`,
			ask{method: "POST", path: accountPath + "register/", json: obj{"email": email, "password": "x", "invitation_key": strings.Repeat("0", 40)}})
		key := w.want(t, 201, ask{method: "POST", path: accountPath + "register/",
			json: obj{"email": email, "password": "x", "invitation_key": invitation.text(t, "key")}}).text(t, "account_key")
		if got := w.want(t, 200, ask{method: "GET", path: base, key: key}).text(t, "role"); got != "write" {
			t.Errorf("role %q", got)
		}
	})
}

func TestInvitations(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		_, owner := w.register(t)
		base := w.instance(t, owner)
		email, key := w.register(t)
		invite := func(status int, role string) reply {
			t.Helper()
			return w.want(t, status, ask{method: "POST", path: base + "invitations/", key: owner, json: obj{"email": email, "role": role}})
		}
		first := invite(201, "read")
		if got := invite(400, "read").body; got != `{"detail":"Admin with specified Email already has an invitation created."}` {
			t.Errorf("a second invitation: %s", got)
		}
		path := base + "invitations/" + strconv.Itoa(first.id(t)) + "/"
		// The address stays; the role changes; PUT without one means full.
		got := w.want(t, 200, ask{method: "PATCH", path: path, key: owner, json: obj{"email": "x@example.com"}})
		if got.text(t, "email") != email || got.text(t, "role") != "read" {
			t.Errorf("%s", got.body)
		}
		if got = w.want(t, 200, ask{method: "PUT", path: path, key: owner, json: obj{}}); got.text(t, "role") != "full" {
			t.Errorf("%s", got.body)
		}
		own := accountPath + "invitations/" + strconv.Itoa(first.id(t)) + "/"
		view := w.want(t, 200, ask{method: "GET", path: own, key: key}).object(t)
		if view["instance"] != instanceOf(base) {
			t.Errorf("%v", view)
		}
		links, _ := view["links"].(obj)
		if links["self"] != own || links["instance"] != base || len(links) != 2 {
			t.Errorf("links %v", links)
		}
		w.want(t, 204, ask{method: "DELETE", path: own, key: key})
		w.want(t, 404, ask{method: "GET", path: own, key: key})
		if state := w.want(t, 200, ask{method: "GET", path: path, key: owner}).text(t, "state"); state != "declined" {
			t.Errorf("state %q", state)
		}
		// A declined one is made anew; any admin who holds the key may take it.
		second := invite(201, "write")
		_, holder := w.register(t)
		w.want(t, 204, ask{method: "POST", path: accountPath + "invitations/accept/", key: holder, json: obj{"invitation_key": second.text(t, "key")}})
		if role := w.want(t, 200, ask{method: "GET", path: base, key: holder}).text(t, "role"); role != "write" {
			t.Errorf("role %q", role)
		}
		w.refuses(t, 400, `{"invitation_key":"Invitation not found."}`,
			ask{method: "POST", path: accountPath + "invitations/accept/", key: key, json: obj{"invitation_key": second.text(t, "key")}})
	})
}
