package e2e

import (
	"fmt"
	"testing"
	"time"
)

// TestTwoNodesOnOneDatabase shows that what one node ends, the other refuses within a second, although it has just served it.
func TestTwoNodesOnOneDatabase(t *testing.T) {
	t.Parallel()
	database := postgres(t)
	// One directory: the nodes share the master key and the files.
	a := start(t, options{database: database, apply: rawAdmins})
	b := start(t, options{database: database, dataDir: a.dataDir})
	base := a.newInstance(t, "citadel")

	const limit = time.Second
	// ends lets node b serve the probe, ends it through node a, and waits for b to refuse.
	ends := func(t *testing.T, probe, end call) answer {
		t.Helper()
		for range 3 { // surely cached
			b.want(t, 200, probe)
		}
		done := a.do(t, end)
		if done.status >= 300 {
			t.Fatalf("%s %s: %s", end.method, end.path, done)
		}
		began := time.Now()
		eventually(t, limit, "node b refuses what node a ended", func() bool { return b.do(t, probe).status >= 400 })
		t.Logf("refused after %v", time.Since(began).Round(time.Millisecond))
		return done
	}
	keyID := func(t *testing.T, key string) int {
		t.Helper()
		list := a.want(t, 200, call{method: "GET", path: base + "/api_keys/", key: accountKey})
		rows, _ := list.object["objects"].([]any)
		for _, row := range rows {
			if text(row, "api_key") == key {
				return number(row, "id")
			}
		}
		t.Fatalf("no key %s", key)
		return 0
	}
	self := func(key, userKey string) call {
		return call{method: "GET", path: base + "/user/", key: key, userKey: userKey}
	}

	t.Run("a deleted API key", func(t *testing.T) {
		key := a.newKey(t, base)
		ends(t, call{method: "GET", path: base + "/groups/", key: key},
			call{method: "DELETE", path: fmt.Sprintf("%s/api_keys/%d/", base, keyID(t, key)), key: accountKey})
	})
	t.Run("a reset API key", func(t *testing.T) {
		key := a.newKey(t, base)
		done := ends(t, call{method: "GET", path: base + "/groups/", key: key},
			call{method: "POST", path: fmt.Sprintf("%s/api_keys/%d/reset_key/", base, keyID(t, key)), key: accountKey})
		b.want(t, 200, call{method: "GET", path: base + "/groups/", key: text(done.object, "api_key")})
	})
	t.Run("a flag taken from an API key", func(t *testing.T) {
		key := a.newKey(t, base, "ignore_acl")
		ends(t, call{method: "GET", path: base + "/users/", key: key},
			call{method: "PATCH", path: fmt.Sprintf("%s/api_keys/%d/", base, keyID(t, key)), key: accountKey, json: object{"ignore_acl": false}})
	})
	t.Run("a user key that was reset", func(t *testing.T) {
		key, user := a.newKey(t, base), a.newUser(t, base, "breen", "administrator")
		done := ends(t, self(key, text(user, "user_key")),
			call{method: "POST", path: fmt.Sprintf("%s/users/%d/reset_key/", base, number(user, "id")), key: accountKey})
		b.want(t, 200, self(key, text(done.object, "user_key")))
	})
	t.Run("a user key whose password changed", func(t *testing.T) {
		key, user := a.newKey(t, base), a.newUser(t, base, "mossman", "judith")
		done := ends(t, self(key, text(user, "user_key")),
			call{method: "PATCH", path: base + "/user/", key: key, userKey: text(user, "user_key"), json: object{"password": "changed"}})
		b.want(t, 200, self(key, text(done.object, "user_key")))
	})
	t.Run("a deleted user", func(t *testing.T) {
		key, user := a.newKey(t, base), a.newUser(t, base, "wallace", "x")
		ends(t, self(key, text(user, "user_key")),
			call{method: "DELETE", path: fmt.Sprintf("%s/users/%d/", base, number(user, "id")), key: accountKey})
	})
	t.Run("a class that was closed", func(t *testing.T) {
		key := a.newKey(t, base, "allow_anonymous_read")
		a.want(t, 201, call{method: "POST", path: base + "/classes/", key: accountKey, json: object{"name": "broadcasts"}})
		ends(t, call{method: "GET", path: base + "/classes/broadcasts/objects/", key: key},
			call{method: "PATCH", path: base + "/classes/broadcasts/", key: accountKey, json: object{"other_permissions": "none"}})
	})
	t.Run("an account key that was reset", func(t *testing.T) {
		done := ends(t, call{method: "GET", path: "/v1.1/account/", key: otherAccountKey},
			call{method: "POST", path: "/v1.1/account/reset_key/", key: otherAccountKey})
		b.want(t, 200, call{method: "GET", path: "/v1.1/account/", key: text(done.object, "account_key")})
	})
	t.Run("a deleted instance", func(t *testing.T) {
		other := a.newInstance(t, "nova-prospekt")
		key := a.newKey(t, other)
		ends(t, call{method: "GET", path: other + "/groups/", key: key}, call{method: "DELETE", path: other + "/", key: accountKey})
	})
}
