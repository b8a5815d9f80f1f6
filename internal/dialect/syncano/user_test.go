package syncano

import (
	"fmt"
	"strings"
	"testing"
)

// TestWhatEndsAUserKey: contracts/syncano.md D1.
func TestWhatEndsAUserKey(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		_, owner := w.register(t)
		base := w.instance(t, owner)
		key := w.apiKey(t, base, owner)
		id, user := w.user(t, base, owner)
		path := fmt.Sprintf("%susers/%d/", base, id)
		alive := func(t *testing.T, userKey string, want int) {
			t.Helper()
			w.want(t, want, ask{method: "GET", path: base + "user/", key: key, user: userKey})
		}
		login := func(t *testing.T, password string, status int) reply {
			t.Helper()
			return w.want(t, status, ask{method: "POST", path: base + "user/auth/", key: key, json: obj{"username": "USER3", "password": password}})
		}
		t.Run("a login does not, nor the same password again", func(t *testing.T) {
			for range 2 {
				if got := login(t, " secret ", 200).text(t, "user_key"); got != user {
					t.Errorf("%q after a login", got)
				}
			}
			got := w.want(t, 200, ask{method: "PUT", path: path, key: owner, json: obj{"username": "user3", "password": "secret"}})
			if got.text(t, "user_key") != user {
				t.Errorf("%s", got.body)
			}
			alive(t, user, 200)
		})
		t.Run("a new password does, whoever sets it", func(t *testing.T) {
			got := w.want(t, 200, ask{method: "PATCH", path: path, key: owner, json: obj{"password": "Secret"}})
			next := got.text(t, "user_key")
			if next == user || len(next) != 40 || !strings.Contains("02468ace", next[39:]) {
				t.Fatalf("key %q", next)
			}
			alive(t, user, 403)
			alive(t, next, 200)
			login(t, "secret", 401)
			if login(t, "Secret", 200).text(t, "user_key") != next {
				t.Error("the login shows another key")
			}
			user = next
			next = w.want(t, 200, ask{method: "PATCH", path: base + "user/", key: key, user: user, json: obj{"password": "own choice"}}).text(t, "user_key")
			alive(t, user, 403)
			alive(t, next, 200)
			user = next
		})
		t.Run("reset_key does", func(t *testing.T) {
			next := w.want(t, 200, ask{method: "POST", path: path + "reset_key/", key: key, user: user}).text(t, "user_key")
			alive(t, user, 403)
			alive(t, next, 200)
			w.want(t, 403, ask{method: "POST", path: path + "reset_key/", key: key})
			user = next
		})
		t.Run("deletion does, and frees the name", func(t *testing.T) {
			w.want(t, 204, ask{method: "DELETE", path: path, key: owner})
			alive(t, user, 403)
			w.refuses(t, 404, bodyNotFound, ask{method: "GET", path: path, key: owner})
			w.want(t, 201, ask{method: "POST", path: base + "users/", key: owner, json: obj{"username": "user3", "password": "x"}})
		})
	})
}

func TestUsers(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		_, owner := w.register(t)
		base := w.instance(t, owner)
		key := w.apiKey(t, base, owner, "allow_user_create")
		users := base + "users/"

		t.Run("names are stored as sent, and unique in any case", func(t *testing.T) {
			got := w.want(t, 201, ask{method: "POST", path: users, key: key, json: obj{"username": " Gordon Freeman ", "password": 1234, "instanceName": "x"}})
			if got.text(t, "username") != "Gordon Freeman" {
				t.Errorf("%s", got.body)
			}
			w.refuses(t, 400, `{"username":["This field must be unique."]}`, ask{method: "POST", path: users, key: key, json: obj{"username": "gordon FREEMAN", "password": "x"}})
			w.want(t, 200, ask{method: "POST", path: base + "user/auth/", key: key, json: obj{"username": "GORDON freeman", "password": "1234"}})
			// D8: the seed's sample logs in with "email".
			w.want(t, 200, ask{method: "POST", path: base + "user/auth/", key: key, json: obj{"email": "gordon freeman", "password": "1234"}})
			w.refuses(t, 400, `{"username":["This field is required."],"password":["This field is required."]}`, ask{method: "POST", path: base + "user/auth/", key: key, json: obj{}})
			got = w.want(t, 200, ask{method: "PATCH", path: users + "1/", key: owner, json: obj{"username": "gordon freeman"}})
			if got.text(t, "username") != "gordon freeman" {
				t.Errorf("%s", got.body)
			}
		})
		t.Run("lengths count characters after trimming", func(t *testing.T) {
			for _, bad := range []obj{{"username": strings.Repeat("é", 65), "password": "x"}, {"username": "x", "password": strings.Repeat("é", 129)},
				{"username": " ", "password": "x"}, {"username": "x", "password": "  "}, {"username": obj{}, "password": "x"}} {
				w.want(t, 400, ask{method: "POST", path: users, key: key, json: bad})
			}
			w.want(t, 201, ask{method: "POST", path: users, key: key, json: obj{"username": strings.Repeat("é", 64), "password": strings.Repeat("é", 128)}})
			w.want(t, 201, ask{method: "POST", path: users, key: key, json: obj{"username": "o'neil+1@example.com <b>", "password": "x"}})
		})
		t.Run("a profile comes with the user, and is merged into later", func(t *testing.T) {
			w.want(t, 200, ask{method: "PATCH", path: base + "classes/user_profile/", key: owner, json: obj{"schema": `[{"name":"nick","type":"string"},{"name":"age","type":"integer"}]`}})
			got := w.want(t, 201, ask{method: "POST", path: users, key: key,
				json: obj{"username": "eli", "password": "x", "profile": obj{"nick": "E", "other_permissions": "read", "owner": 1}}})
			profile := got.object(t)["profile"].(obj)
			if profile["nick"] != "E" || profile["age"] != nil || profile["other_permissions"] != "read" || profile["owner"] != float64(got.id(t)) {
				t.Errorf("%v", profile)
			}
			got = w.want(t, 200, ask{method: "PATCH", path: fmt.Sprintf("%s%d/", users, got.id(t)), key: owner, json: obj{"profile": obj{"age": 60}}})
			profile = got.object(t)["profile"].(obj)
			if profile["nick"] != "E" || profile["age"] != 60.0 || profile["revision"] != 2.0 {
				t.Errorf("%v", profile)
			}
			w.refuses(t, 400, `{"profile":{"age":["A valid integer is required."]}}`, ask{method: "PATCH", path: fmt.Sprintf("%s%d/", users, got.id(t)), key: owner, json: obj{"profile": obj{"age": "old"}}})
			w.refuses(t, 400, `{"password":["This field is required."]}`, ask{method: "PUT", path: fmt.Sprintf("%s%d/", users, got.id(t)), key: owner, json: obj{"username": "eli"}})
		})
		t.Run("a user key sees himself alone, also beside ignore_acl", func(t *testing.T) {
			all := w.apiKey(t, base, owner, "ignore_acl")
			id, user := w.user(t, base, owner)
			if rows := w.want(t, 200, ask{method: "GET", path: users, key: all}).list(t); len(rows) < 3 {
				t.Errorf("%d users", len(rows))
			}
			for _, k := range []string{all, key} {
				rows := w.want(t, 200, ask{method: "GET", path: users, key: k, user: user}).list(t)
				if len(rows) != 1 || rows[0]["id"] != float64(id) {
					t.Errorf("%v", rows)
				}
			}
			for path, want := range map[string]int{"?direction=1&last_pk=1": 1, fmt.Sprintf("?direction=1&last_pk=%d", id): 0, fmt.Sprintf("?direction=0&last_pk=%d", id+1): 1, "?page_size=0": 0} {
				if rows := w.want(t, 200, ask{method: "GET", path: users + path, key: key, user: user}).list(t); len(rows) != want {
					t.Errorf("%s: %v", path, rows)
				}
			}
		})
		t.Run("fields are picked also inside profile and groups", func(t *testing.T) {
			got := w.want(t, 200, ask{method: "GET", path: users + "1/?fields=id,profile,groups", key: owner})
			if !strings.HasPrefix(got.body, `{"id":1,"profile":{"id":1},"groups":[`) {
				t.Errorf("%s", got.body)
			}
		})
	})
}

func TestGroupsAndMemberships(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		_, owner := w.register(t)
		base := w.instance(t, owner)
		key := w.apiKey(t, base, owner)
		id, user := w.user(t, base, owner)
		got := w.want(t, 201, ask{method: "POST", path: base + "groups/", key: owner, json: obj{"label": " Science ", "description": 7, "name": nil}})
		want := fmt.Sprintf(`{"id":1,"name":null,"label":"Science","description":"7","links":{"self":"%sgroups/1/","users":"%sgroups/1/users/"}}`, base, base)
		if got.body != want {
			t.Errorf("%s", got.body)
		}
		w.want(t, 400, ask{method: "POST", path: base + "groups/", key: owner, json: obj{"name": "9lives"}})
		w.want(t, 201, ask{method: "POST", path: base + "groups/", key: owner, json: obj{"name": "team-a_1"}})
		w.refuses(t, 400, `{"name":["This field must be unique."]}`, ask{method: "POST", path: base + "groups/", key: owner, json: obj{"name": "team-a_1"}})
		got = w.want(t, 200, ask{method: "PATCH", path: base + "groups/1/", key: owner, json: obj{"description": "x"}})
		if got.text(t, "label") != "Science" || got.text(t, "description") != "x" {
			t.Errorf("%s", got.body)
		}

		ofUser, ofGroup := fmt.Sprintf("%susers/%d/groups/", base, id), base+"groups/1/users/"
		row := w.want(t, 201, ask{method: "POST", path: ofUser, key: owner, json: obj{"group": "1"}}).body
		if !strings.HasPrefix(row, `{"group":{"id":1,`) || !strings.HasSuffix(row, `"links":{"self":"`+ofUser+`1/"}}`) {
			t.Errorf("%s", row)
		}
		w.refuses(t, 400, `{"detail":"User is already a part of that group."}`, ask{method: "POST", path: ofGroup, key: owner, json: obj{"user": id}})
		row = w.want(t, 200, ask{method: "GET", path: fmt.Sprintf("%s%d/", ofGroup, id), key: owner}).body
		if !strings.HasPrefix(row, fmt.Sprintf(`{"user":{"id":%d,`, id)) || !strings.HasSuffix(row, fmt.Sprintf(`"links":{"self":"%s%d/"}}`, ofGroup, id)) {
			t.Errorf("%s", row)
		}
		// The user's own view shows his groups, and of a group himself alone.
		other, _ := w.user(t, base, owner)
		w.want(t, 201, ask{method: "POST", path: ofGroup, key: owner, json: obj{"user": other}})
		if rows := w.want(t, 200, ask{method: "GET", path: ofGroup, key: owner}).list(t); len(rows) != 2 {
			t.Errorf("%v", rows)
		}
		if rows := w.want(t, 200, ask{method: "GET", path: ofGroup, key: key, user: user}).list(t); len(rows) != 1 {
			t.Errorf("%v", rows)
		}
		if rows := w.want(t, 200, ask{method: "GET", path: base + "groups/2/users/", key: key, user: user}).list(t); len(rows) != 0 {
			t.Errorf("%v", rows)
		}
		if rows := w.want(t, 200, ask{method: "GET", path: ofUser, key: key, user: user}).list(t); len(rows) != 1 {
			t.Errorf("%v", rows)
		}
		groups := w.want(t, 200, ask{method: "GET", path: base + "user/", key: key, user: user}).object(t)["groups"].([]any)
		if len(groups) != 1 {
			t.Errorf("%v", groups)
		}
		w.want(t, 204, ask{method: "DELETE", path: ofUser + "1/", key: owner})
		w.refuses(t, 404, bodyNotFound, ask{method: "GET", path: ofUser + "1/", key: owner})
		w.refuses(t, 404, bodyNotFound, ask{method: "DELETE", path: fmt.Sprintf("%s%d/", ofGroup, id), key: owner})
		w.want(t, 204, ask{method: "DELETE", path: base + "groups/1/", key: owner})
		w.refuses(t, 404, `{"detail":"Group was not found."}`, ask{method: "GET", path: ofGroup, key: owner})
		if got = w.want(t, 200, ask{method: "GET", path: fmt.Sprintf("%susers/%d/", base, other), key: owner}); !strings.Contains(got.body, `"groups":[]`) {
			t.Errorf("%s", got.body)
		}
	})
}

func TestAUserIsInThirtyTwoGroupsAtMost(t *testing.T) {
	t.Parallel()
	w := lite(t)
	_, owner := w.register(t)
	base := w.instance(t, owner)
	w.user(t, base, owner)
	for range 33 {
		w.newGroup(t, base, owner)
	}
	for i := 1; i <= 32; i++ {
		w.want(t, 201, ask{method: "POST", path: base + "users/1/groups/", key: owner, json: obj{"group": i}})
	}
	w.refuses(t, 400, `{"detail":"User's group count exceeded (32)."}`, ask{method: "POST", path: base + "groups/33/users/", key: owner, json: obj{"user": 1}})
}
