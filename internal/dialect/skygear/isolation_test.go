package skygear

import (
	"net/http"
	"strings"
	"testing"

	"hecate"
)

// ids are what the other app would like to reach.
type ids struct{ user, record string }

// intrusion is a body that names everything of ours that an action may be about.
func (i ids) intrusion(key, token string) obj {
	return obj{
		"api_key": key, "access_token": token, "auth_id": i.user, "users": []string{i.user}, "roles": []string{"Intruder"},
		"password": "taken", "old_password": "p1", "disabled": true, "message": "taken", "invalidate": true,
		"auth_data": obj{"username": "ours"}, "user_id": i.user, "provider": nil, "token": token, "id": i.user, "type": "ios",
		"records":     []any{obj{"_id": i.record, "note": "taken"}, obj{"_id": "user/" + i.user, "username": "taken", "note": "taken"}},
		"ids":         []string{i.record},
		"record_type": "note", "item_name": "note", "new_name": "taken", "record_types": obj{},
		"database_id": "_public", "name": "friend", "direction": "outward", "targets": []string{i.user},
		"filename": "a", "content-type": "text/plain", "content-size": 1, "access": []any{},
		"args": obj{
			"email": "ours@example.com", "user_id": i.user, "code": "1", "expire_at": 4100000000, "new_password": "taken",
			"record_key": "email", "access_token": token,
		},
	}
}

// furnish makes a user and a record in an app.
func (w *world) furnish(t *testing.T, x *tenant) (ids, string) {
	t.Helper()
	id, token := w.signUp(t, x, "ours")
	saved := w.post(t, "record:save", obj{"api_key": x.key, "access_token": token, "records": []any{obj{"_id": "note/n1", "note": "ours"}}})
	if saved.status != http.StatusOK || strings.Contains(saved.body, `"error"`) {
		t.Fatal(saved.body)
	}
	return ids{user: id, record: "note/n1"}, token
}

// TestEveryActionKeepsAppsApart goes through the whole table.
func TestEveryActionKeepsAppsApart(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		here, there := w.newApp(t, "here", hecate.Settings{}), w.newApp(t, "there", hecate.Settings{})
		ours, token := w.furnish(t, here)
		_, theirToken := w.signUp(t, there, "theirs")
		for _, a := range (&api{}).table() {
			path := "/" + strings.ReplaceAll(strings.ReplaceAll(a.name, "*", "google"), ":", "/")
			ask := func(key, token string, headers ...string) reply {
				return w.ask(t, w.serve, "POST", path, ours.intrusion(key, token), headers...)
			}
			host := []string{"Host", "here.apps.test"}
			switch a.gate.key {
			case keyFree:
				continue
			case keyNeeded:
				ask("", token).named(t, a.name).refused(t, 401, notAuthenticated)
				ask("wrong", token).named(t, a.name).refused(t, 401, accessKeyNotAccepted)
			case keyOrToken:
				ask("wrong", token).named(t, a.name).refused(t, 401, accessKeyNotAccepted)
				// A token of one app is unknown in the other, and never taken for nobody's.
				for _, key := range []string{there.key, there.master} {
					ask(key, token).named(t, a.name).refused(t, 401, accessTokenNotAccepted)
				}
				ask("", theirToken, host...).named(t, a.name).refused(t, 401, accessTokenNotAccepted)
			case keyIgnored:
				// Whoever asks with another app's key is asked about that app.
				if got := ask(there.key, token); got.status == http.StatusOK && a.name != "user:forgot-password" { // which says so of everybody
					t.Errorf("%s: %d %s", a.name, got.status, got.body)
				}
				continue
			}
			// On the host of an app another one's keys are wrong, the master key too.
			for _, key := range []string{there.key, there.master, there.other} {
				ask(key, theirToken, host...).named(t, a.name).refused(t, 401, accessKeyNotAccepted)
			}
			// With everything that the other app has: whatever the answer, it is about that app.
			ask(there.master, "")
			ask(there.key, theirToken)
		}
		w.unharmed(t, here, ours, token)
	})
}

// unharmed finds everything as it was.
func (w *world) unharmed(t *testing.T, x *tenant, ours ids, token string) {
	t.Helper()
	got := w.post(t, "auth:login", obj{"api_key": x.key, "auth_data": obj{"username": "ours"}, "password": "p1"}).ok(t)
	if got["user_id"] != ours.user || got["roles"] != nil {
		t.Errorf("login answers %v", got)
	}
	if profile := got["profile"].(obj); profile["note"] != nil {
		t.Errorf("the profile was changed: %v", profile)
	}
	w.post(t, "me", obj{"api_key": x.key, "access_token": token}).ok(t)
	fetched := w.post(t, "record:fetch", obj{"api_key": x.key, "access_token": token, "ids": []string{ours.record}})
	if !strings.Contains(fetched.body, `"note":"ours"`) {
		t.Errorf("the record was changed: %s", fetched.body)
	}
	roles := w.post(t, "role:get", obj{"api_key": x.master, "users": []string{ours.user}})
	if strings.Contains(roles.body, "Intruder") {
		t.Errorf("roles were given: %s", roles.body)
	}
}

// TestWhatOtherAppsHaveIsNotThere names the things of one app with the keys of another.
func TestWhatOtherAppsHaveIsNotThere(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		here, there := w.newApp(t, "here", hecate.Settings{}), w.newApp(t, "there", hecate.Settings{})
		ours, token := w.furnish(t, here)
		_, theirToken := w.signUp(t, there, "theirs")
		as := func(key, token string) obj { return ours.intrusion(key, token) }
		w.post(t, "auth:login", as(there.key, "")).refused(t, 404, resourceNotFound)
		w.post(t, "auth:reset_password", as(there.master, "")).refused(t, 500, unexpectedAuthInfoNotFound)
		w.post(t, "auth:disable:set", as(there.master, "")).refused(t, 404, resourceNotFound)
		for action, want := range map[string]string{
			"record:fetch": `"code":110`, "record:delete": `"code":110`, "role:get": `{"result":{"` + ours.user + `":[]}}`, "record:query": `{"result":[]}`,
		} {
			if got := w.post(t, action, as(there.master, "")); !strings.Contains(got.body, want) {
				t.Errorf("%s: %d %s, want %s", action, got.status, got.body, want)
			}
		}
		// The same key names another record there, and a user of another app is nobody to be acted as.
		if got := w.post(t, "record:save", as(there.key, theirToken)); !strings.Contains(got.body, `"note":"taken"`) || !strings.Contains(got.body, `"code":102`) {
			t.Errorf("record:save: %s", got.body)
		}
		acted := w.post(t, "me", obj{"api_key": there.master, "_user_id": ours.user}).ok(t)
		if profile := acted["profile"].(obj); profile["username"] != nil {
			t.Errorf("acts as a user of another app: %v", profile)
		}
		w.unharmed(t, here, ours, token)
	})
}
