package syncano

import (
	"strconv"
	"strings"
	"testing"
)

// tenants are two instances that must know nothing of each other.
type tenants struct {
	*world
	here, there string // base paths
	owner       string // of here
	foreign     string // admin of there alone
	plain       string // API key of here without flags
	foreignKeys []string
	foreignUser string            // user key of there
	ours        map[string]string // ids of here, by wildcard of the routes
	theirs      map[string]string // ids that exist only there
}

func newTenants(t *testing.T, w *world) *tenants {
	_, owner := w.register(t)
	_, foreign := w.register(t)
	x := &tenants{world: w, owner: owner, foreign: foreign, here: w.instance(t, owner), there: w.instance(t, foreign)}
	x.plain = w.apiKey(t, x.here, owner)
	x.foreignKeys = []string{w.apiKey(t, x.there, foreign), w.apiKey(t, x.there, foreign, "ignore_acl", "allow_user_create", "allow_group_create")}
	x.ours = x.furnish(t, x.here, owner, 1)
	x.theirs = x.furnish(t, x.there, foreign, 5)
	_, x.foreignUser = w.user(t, x.there, foreign)
	return x
}

// furnish makes so many of everything and returns the last of each; more of them give ids that the other instance lacks.
func (x *tenants) furnish(t *testing.T, base, key string, count int) map[string]string {
	ids := map[string]string{"backend": "facebook", "handle": "none"}
	for range count {
		id, _ := x.user(t, base, key)
		ids["user"] = strconv.Itoa(id)
		ids["group"] = strconv.Itoa(x.newGroup(t, base, key))
		ids["key"] = strconv.Itoa(x.want(t, 201, ask{method: "POST", path: base + "api_keys/", key: key, json: obj{}}).id(t))
		ids["invitation"] = strconv.Itoa(x.want(t, 201, ask{method: "POST", path: base + "invitations/", key: key,
			json: obj{"email": x.unique("invited") + "@example.com"}}).id(t))
		ids["class"] = x.unique("class")
		x.want(t, 201, ask{method: "POST", path: base + "classes/", key: key, json: obj{"name": ids["class"]}})
		ids["object"] = strconv.Itoa(x.want(t, 201, ask{method: "POST", path: base + "classes/" + ids["class"] + "/objects/", key: key, json: obj{}}).id(t))
		ids["admin"] = strconv.Itoa(x.want(t, 200, ask{method: "GET", path: "/v1.1/account/", key: key}).id(t))
	}
	return ids
}

// kinds says what {id} is, by the segment before it and the one before that.
func kindOfID(path string) string {
	segments := strings.Split(strings.Trim(path, "/"), "/")
	for i, s := range segments {
		if s == "{id}" {
			return map[string]string{"admins": "admin", "invitations": "invitation", "api_keys": "key", "users": "user", "groups": "group", "objects": "object"}[segments[i-1]]
		}
	}
	return ""
}

// fill puts ids into a route's path.
func fill(version, path, instance string, ids map[string]string) string {
	path = strings.ReplaceAll("/"+version+path, "{instance}", instance)
	path = strings.ReplaceAll(path, "{id}", ids[kindOfID(path)])
	for name, id := range ids {
		path = strings.ReplaceAll(path, "{"+name+"}", id)
	}
	return path
}

func instanceOf(base string) string { return strings.Split(base, "/")[3] }

// TestEveryRouteKeepsTenantsApart goes through the whole table, in both versions.
func TestEveryRouteKeepsTenantsApart(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		x := newTenants(t, w)
		for _, version := range []string{"v1", "v1.1"} {
			for _, l := range table {
				if !strings.HasPrefix(l.path, in) {
					continue
				}
				x.outsiders(t, version, l)
				x.foreignIDs(t, version, l)
			}
		}
		x.unharmed(t)
	})
}

const (
	bodyDenied     = `{"detail":"You do not have permission to perform this action."}`
	bodyNoKey      = `{"detail":"No such API Key."}`
	bodyNotFound   = `{"detail":"Not found."}`
	bodyNoInstance = `{"detail":"Instance was not found."}`
)

// outsiders are refused before anything else is looked at, whatever they send.
func (x *tenants) outsiders(t *testing.T, version string, l line) {
	path := fill(version, l.path, instanceOf(x.here), x.ours)
	a := ask{method: l.method, path: path, body: "{not json", header: map[string]string{"Content-Type": "application/json"}}
	with := func(key, user string) ask { a.key, a.user = key, user; return a }

	unknown := a
	unknown.path, unknown.key = fill(version, l.path, "nobodys-instance", x.ours), x.owner
	x.refuses(t, 404, bodyNoInstance, unknown)
	unknown.key = ""
	x.refuses(t, 404, bodyNoInstance, unknown)

	x.refuses(t, 403, bodyDenied, with("", ""))
	x.refuses(t, 403, bodyDenied, with("", x.foreignUser))
	x.refuses(t, 403, bodyNoKey, with("not a key", ""))
	x.refuses(t, 403, bodyNoKey, with(strings.Repeat("f", 40), ""))
	for _, key := range x.foreignKeys {
		x.refuses(t, 403, bodyNoKey, with(key, ""))
		x.refuses(t, 403, bodyNoKey, with(key, x.foreignUser))
	}
	x.refuses(t, 403, bodyNoKey, with(x.foreignUser, "")) // a user key is no API key
	if l.path == in {
		x.refuses(t, 404, bodyNotFound, with(x.foreign, ""))
	} else {
		x.refuses(t, 403, bodyDenied, with(x.foreign, ""))
	}
	// A user key of the other instance counts as none.
	alone, beside := x.do(with(x.plain, "")), x.do(with(x.plain, x.foreignUser))
	if alone.status != beside.status || alone.body != beside.body {
		t.Errorf("%s %s: a foreign user key changes the answer:\n%d %s\n%d %s", l.method, path, alone.status, alone.body, beside.status, beside.body)
	}
}

// foreignIDs: what exists there does not exist here, one wildcard at a time.
func (x *tenants) foreignIDs(t *testing.T, version string, l line) {
	for _, wildcard := range []string{"{id}", "{user}", "{group}", "{class}"} {
		if !strings.Contains(l.path, wildcard) {
			continue
		}
		name := strings.Trim(wildcard, "{}")
		if name == "id" {
			name = kindOfID(l.path)
		}
		mixed := map[string]string{}
		for k, v := range x.ours {
			mixed[k] = v
		}
		mixed[name] = x.theirs[name]
		if name == "user" && strings.Contains(l.path, "{user}") && wildcard == "{id}" {
			mixed["user"] = x.ours["user"]
		}
		a := ask{method: l.method, path: fill(version, l.path, instanceOf(x.here), mixed), key: x.owner}
		if l.method != get && l.method != remove {
			a.json = obj{"username": x.unique("taken"), "password": "taken", "label": "taken", "role": "read", "description": "taken"}
		}
		if got := x.do(a); got.status != 404 {
			t.Errorf("%s %s: %d, want 404: %s", a.method, a.path, got.status, got.body)
		}
	}
}

// unharmed finds everything there as it was.
func (x *tenants) unharmed(t *testing.T) {
	for _, path := range []string{"users/" + x.theirs["user"], "groups/" + x.theirs["group"], "api_keys/" + x.theirs["key"],
		"invitations/" + x.theirs["invitation"], "classes/" + x.theirs["class"], "classes/" + x.theirs["class"] + "/objects/" + x.theirs["object"]} {
		got := x.want(t, 200, ask{method: "GET", path: x.there + path + "/", key: x.foreign})
		if strings.Contains(got.body, "taken") {
			t.Errorf("%s was changed from outside: %s", path, got.body)
		}
	}
}

// TestInvitationsOfOthers are not there for an account.
func TestInvitationsOfOthers(t *testing.T) {
	t.Parallel()
	w := lite(t)
	_, owner := w.register(t)
	email, key := w.register(t)
	_, other := w.register(t)
	base := w.instance(t, owner)
	id := strconv.Itoa(w.want(t, 201, ask{method: "POST", path: base + "invitations/", key: owner, json: obj{"email": email}}).id(t))
	path := "/v1.1/account/invitations/" + id + "/"
	w.want(t, 200, ask{method: "GET", path: path, key: key})
	for _, method := range []string{"GET", "DELETE"} {
		w.refuses(t, 404, bodyNotFound, ask{method: method, path: path, key: other})
	}
	if rows := w.want(t, 200, ask{method: "GET", path: "/v1.1/account/invitations/", key: other}).list(t); len(rows) != 0 {
		t.Errorf("others see %v", rows)
	}
}
