package syncano

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
)

// cast is an instance with everybody who could call.
type cast struct {
	*world
	base, owner                       string // the base path, and the account key of the instance's owner
	admins                            map[string]string
	stranger, foreignKey              string // an account without a role here, and an API key of another instance
	plain, strong, anonymous          string // API keys: no flag, ignore_acl, allow_anonymous_read
	ann, bob, eve                     string // user keys: ann owns, bob is in the group, eve is neither
	annID, bobID, groupID, otherGroup int
}

func newCast(t *testing.T, w *world) *cast {
	_, owner := w.register(t)
	c := &cast{world: w, owner: owner, base: w.instance(t, owner), admins: map[string]string{"owner": owner}}
	for _, role := range []string{"read", "write", "full"} {
		_, c.admins[role] = w.member(t, c.base, owner, role)
	}
	_, c.stranger = w.register(t)
	c.foreignKey = w.apiKey(t, w.instance(t, c.stranger), c.stranger, "ignore_acl")
	c.plain = w.apiKey(t, c.base, owner)
	c.strong = w.apiKey(t, c.base, owner, "ignore_acl")
	c.anonymous = w.apiKey(t, c.base, owner, "allow_anonymous_read")
	c.annID, c.ann = w.user(t, c.base, owner)
	c.bobID, c.bob = w.user(t, c.base, owner)
	_, c.eve = w.user(t, c.base, owner)
	c.groupID = w.newGroup(t, c.base, owner)
	c.otherGroup = w.newGroup(t, c.base, owner)
	w.want(t, 201, ask{method: "POST", path: c.base + "users/" + strconv.Itoa(c.bobID) + "/groups/", key: owner, json: obj{"group": c.groupID}})
	return c
}

// class makes a class and returns its path.
func (c *cast) class(t testing.TB, body obj) string {
	t.Helper()
	name := c.unique("class")
	body["name"] = name
	if body["schema"] == nil {
		body["schema"] = []obj{{"name": "title", "type": "string", "filter_index": true}}
	}
	c.want(t, 201, ask{method: "POST", path: c.base + "classes/", key: c.owner, json: body})
	return c.base + "classes/" + name + "/"
}

func (c *cast) object(t testing.TB, class string, body obj) int {
	t.Helper()
	return c.want(t, 201, ask{method: "POST", path: class + "objects/", key: c.owner, json: body}).id(t)
}

func (c *cast) path(class string, id int) string { return class + "objects/" + strconv.Itoa(id) + "/" }

// says checks one cell of a matrix.
func (c *cast) says(t *testing.T, cell string, status int, a ask) {
	t.Helper()
	if got := c.do(a); got.status != status {
		t.Errorf("%s: %s %s: %d, want %d: %s", cell, a.method, a.path, got.status, status, got.body)
	}
}

func TestWhoMayDoWhatWithClasses(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		c := newCast(t, w)
		levels := []string{"none", "read", "create_objects"}
		classes := map[[2]string]string{}
		for _, other := range levels {
			for _, group := range levels {
				classes[[2]string{other, group}] = c.class(t, obj{"other_permissions": other, "group_permissions": group, "group": c.groupID})
			}
		}
		rows := []struct {
			name, key, user string
			reads           func(other, group string) bool
			writes          bool
			member          bool // else 403 on everything
		}{
			{"no key", "", "", nil, false, false},
			{"a stranger's account key", c.stranger, "", nil, false, false},
			{"a key of another instance", c.foreignKey, "", nil, false, false},
			{"an admin who reads", c.admins["read"], "", always, false, true},
			{"an admin who writes", c.admins["write"], "", always, true, true},
			{"an admin with all", c.admins["full"], "", always, true, true},
			{"the owner", c.owner, "", always, true, true},
			{"an API key", c.plain, "", func(other, _ string) bool { return other != "none" }, false, true},
			{"an anonymous reader", c.anonymous, "", func(other, _ string) bool { return other != "none" }, false, true},
			{"an API key that ignores rules", c.strong, "", always, false, true},
			{"a user", c.plain, c.eve, func(other, _ string) bool { return other != "none" }, false, true},
			{"a user of the group", c.plain, c.bob, func(other, group string) bool { return other != "none" || group != "none" }, false, true},
		}
		for _, row := range rows {
			for at, path := range classes {
				cell := fmt.Sprintf("%s, others %s, group %s", row.name, at[0], at[1])
				get, write := 403, 403
				if row.member {
					get = 404
					if row.reads(at[0], at[1]) {
						get = 200
					}
				}
				if row.writes {
					write = 200
				}
				c.says(t, cell, get, ask{method: "GET", path: path, key: row.key, user: row.user})
				c.says(t, cell, write, ask{method: "PATCH", path: path, key: row.key, user: row.user, json: obj{"description": "x"}})
				if !row.writes {
					c.says(t, cell, 403, ask{method: "PUT", path: path, key: row.key, user: row.user, json: obj{}})
					c.says(t, cell, 403, ask{method: "DELETE", path: path, key: row.key, user: row.user})
				}
				if !row.member {
					continue
				}
				name := path[len(c.base)+len("classes/") : len(path)-1]
				listed := slices.ContainsFunc(w.want(t, 200, ask{method: "GET", path: c.base + "classes/", key: row.key, user: row.user}).list(t),
					func(o map[string]any) bool { return o["name"] == name })
				if listed != (get == 200) {
					t.Errorf("%s: listed %v", cell, listed)
				}
			}
			create, remove := 403, 403
			if row.writes {
				create, remove = 201, 204
			}
			name := w.unique("made")
			c.says(t, row.name, create, ask{method: "POST", path: c.base + "classes/", key: row.key, user: row.user, json: obj{"name": name}})
			if row.writes {
				c.says(t, row.name, 200, ask{method: "PUT", path: c.base + "classes/" + name + "/", key: row.key, json: obj{}})
				c.says(t, row.name, remove, ask{method: "DELETE", path: c.base + "classes/" + name + "/", key: row.key})
			}
			// The class of the profiles stays, whoever asks.
			c.says(t, row.name, 403, ask{method: "DELETE", path: c.base + "classes/user_profile/", key: row.key, user: row.user})
		}
	})
}

func always(string, string) bool { return true }

var levelWords = []string{"none", "read", "write", "full"}

// rank orders the levels of objects.
func rank(word string) int { return slices.Index(levelWords, word) }

func TestWhoMayDoWhatWithObjects(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		c := newCast(t, w)
		class := c.class(t, obj{})
		users := []struct {
			name, key      string
			owns, isMember bool
		}{{"the owner", c.ann, true, false}, {"a member of the group", c.bob, false, true}, {"another user", c.eve, false, false}}
		for _, owner := range levelWords {
			for _, group := range levelWords {
				for _, others := range levelWords {
					body := obj{"owner": c.annID, "owner_permissions": owner, "group": c.groupID, "group_permissions": group, "other_permissions": others}
					id := c.object(t, class, body)
					for _, u := range users {
						effective := rank(others)
						if u.owns {
							effective = max(effective, rank(owner))
						}
						if u.isMember {
							effective = max(effective, rank(group))
						}
						cell := fmt.Sprintf("%s of owner %s, group %s, others %s", u.name, owner, group, others)
						by := func(from int, yes int) int {
							switch {
							case effective == 0:
								return 404
							case effective < from:
								return 403
							}
							return yes
						}
						path := c.path(class, id)
						c.says(t, cell, by(1, 200), ask{method: "GET", path: path, key: c.plain, user: u.key})
						c.says(t, cell, by(2, 200), ask{method: "PATCH", path: path, key: c.plain, user: u.key, json: obj{}})
						query := class + "objects/?query=%7B%22id%22%3A%7B%22_eq%22%3A" + strconv.Itoa(id) + "%7D%7D&include_count=1"
						got := w.want(t, 200, ask{method: "GET", path: query, key: c.plain, user: u.key})
						if n := len(got.list(t)); (n == 1) != (effective > 0) || got.object(t)["objects_count"] != float64(n) {
							t.Errorf("%s: listed %d, counted %v", cell, n, got.object(t)["objects_count"])
						}
						if remove := by(3, 204); remove != 204 {
							c.says(t, cell, remove, ask{method: "DELETE", path: path, key: c.plain, user: u.key})
						} else {
							c.says(t, cell, 204, ask{method: "DELETE", path: c.path(class, c.object(t, class, body)), key: c.plain, user: u.key})
						}
					}
					// POST on an object resets its permissions, so each caller gets an object of his own.
					for _, u := range users[:1] {
						want := 200
						switch effective := max(rank(others), rank(owner)); {
						case effective == 0:
							want = 404
						case effective < 2:
							want = 403
						}
						c.says(t, "POST on an object", want, ask{method: "POST", path: c.path(class, c.object(t, class, body)), key: c.plain, user: u.key, json: obj{}})
					}
					anonymous := 404
					if rank(others) >= 1 {
						anonymous = 200
					}
					c.says(t, "anonymous, others "+others, anonymous, ask{method: "GET", path: c.path(class, id), key: c.anonymous})
				}
			}
		}
	})
}

func TestTheClassIsTheGateToItsObjects(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		c := newCast(t, w)
		levels := []string{"none", "read", "create_objects"}
		for _, other := range levels {
			for _, group := range levels {
				class := c.class(t, obj{"other_permissions": other, "group_permissions": group, "group": c.groupID})
				id := c.object(t, class, obj{"other_permissions": "full"})
				for _, u := range []struct {
					name, key string
					level     int
				}{
					{"a user", c.eve, slices.Index(levels, other)},
					{"a user of the group", c.bob, max(slices.Index(levels, other), slices.Index(levels, group))},
				} {
					cell := fmt.Sprintf("%s, class others %s, group %s", u.name, other, group)
					read, create := 403, 403
					if u.level >= 1 {
						read = 200
					}
					if u.level >= 2 {
						create = 201
					}
					c.says(t, cell, read, ask{method: "GET", path: c.path(class, id), key: c.plain, user: u.key})
					c.says(t, cell, read, ask{method: "GET", path: class + "objects/", key: c.plain, user: u.key})
					c.says(t, cell, read, ask{method: "PATCH", path: c.path(class, id), key: c.plain, user: u.key, json: obj{}})
					c.says(t, cell, create, ask{method: "POST", path: class + "objects/", key: c.plain, user: u.key, json: obj{}})
					if read == 403 {
						c.says(t, cell, 403, ask{method: "DELETE", path: c.path(class, id), key: c.plain, user: u.key})
					}
				}
				anonymous := 403
				if other != "none" {
					anonymous = 200
				}
				c.says(t, "anonymous, class others "+other, anonymous, ask{method: "GET", path: class + "objects/", key: c.anonymous})
				c.says(t, "anonymous, class others "+other, anonymous, ask{method: "GET", path: c.path(class, id), key: c.anonymous})
			}
		}
	})
}

func TestWhoMayDoWhatWithObjectsWithoutBeingAUser(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		c := newCast(t, w)
		class := c.class(t, obj{"other_permissions": "none", "group_permissions": "none"})
		rows := []struct {
			name, key     string
			reads, writes bool
		}{
			{"no key", "", false, false},
			{"a stranger", c.stranger, false, false},
			{"a key of another instance", c.foreignKey, false, false},
			{"an admin who reads", c.admins["read"], true, false},
			{"an admin who writes", c.admins["write"], true, true},
			{"an admin with all", c.admins["full"], true, true},
			{"the owner", c.owner, true, true},
			{"an API key alone", c.plain, false, false},
			{"an anonymous reader", c.anonymous, false, false},
			{"an API key that ignores rules", c.strong, true, true},
		}
		for _, row := range rows {
			id := c.object(t, class, obj{"owner": c.annID, "owner_permissions": "none"})
			path := c.path(class, id)
			get, write, create, remove := 403, 403, 403, 403
			if row.reads {
				get = 200
			}
			if row.writes {
				write, create, remove = 200, 201, 204
			}
			c.says(t, row.name, get, ask{method: "GET", path: path, key: row.key})
			c.says(t, row.name, get, ask{method: "GET", path: class + "objects/", key: row.key})
			c.says(t, row.name, create, ask{method: "POST", path: class + "objects/", key: row.key, json: obj{}})
			c.says(t, row.name, write, ask{method: "PATCH", path: path, key: row.key, json: obj{}})
			c.says(t, row.name, write, ask{method: "POST", path: path, key: row.key, json: obj{}})
			c.says(t, row.name, remove, ask{method: "DELETE", path: path, key: row.key})
			// Beside an account key a user key does not count.
			c.says(t, row.name+" and a user key", 403, ask{method: "PUT", path: c.base + "user/", key: row.key, user: "0000000000000000000000000000000000000000"})
		}
		// In an open class an anonymous reader still writes nothing.
		open := c.class(t, obj{})
		id := c.object(t, open, obj{"other_permissions": "full"})
		c.says(t, "an anonymous reader", 200, ask{method: "GET", path: c.path(open, id), key: c.anonymous})
		for _, a := range []ask{
			{method: "POST", path: open + "objects/", json: obj{}}, {method: "PATCH", path: c.path(open, id), json: obj{}},
			{method: "POST", path: c.path(open, id), json: obj{}}, {method: "DELETE", path: c.path(open, id)},
		} {
			a.key = c.anonymous
			c.says(t, "an anonymous reader", 403, a)
		}
	})
}

func TestProfilesAreProtected(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		c := newCast(t, w)
		class := c.base + "classes/user_profile/"
		user := w.want(t, 200, ask{method: "GET", path: c.base + "users/" + strconv.Itoa(c.annID) + "/", key: c.owner}).object(t)
		id := int(user["profile"].(map[string]any)["id"].(float64))
		path := c.path(class, id)
		for _, k := range []struct{ key, user string }{{c.owner, ""}, {c.strong, ""}, {c.plain, c.ann}, {c.admins["write"], ""}} {
			w.refuses(t, 403, `{"detail":"`+textDenied+`"}`, ask{method: "DELETE", path: class, key: k.key, user: k.user})
			w.refuses(t, 403, `{"detail":"`+textDenied+`"}`, ask{method: "POST", path: class + "objects/", key: k.key, user: k.user, json: obj{}})
			w.refuses(t, 403, `{"detail":"`+textDenied+`"}`, ask{method: "DELETE", path: path, key: k.key, user: k.user})
		}
		for _, k := range []string{c.owner, c.strong} {
			for _, owner := range []any{c.bobID, nil, 99999} {
				w.refuses(t, 400, `{"owner":["`+textProfileOwner+`"]}`, ask{method: "PATCH", path: path, key: k, json: obj{"owner": owner}})
			}
			w.want(t, 200, ask{method: "PATCH", path: path, key: k, json: obj{"owner": c.annID}})
		}
		w.refuses(t, 400, `{"owner":["`+textOwnerStays+`"]}`, ask{method: "PATCH", path: path, key: c.plain, user: c.ann, json: obj{"owner": c.bobID}})
		w.want(t, 200, ask{method: "PATCH", path: class, key: c.owner, json: obj{"schema": []obj{{"name": "city", "type": "string"}}}})
		got := w.want(t, 200, ask{method: "PATCH", path: path, key: c.plain, user: c.ann, json: obj{"city": "Xen", "other_permissions": "read"}}).object(t)
		if got["city"] != "Xen" || got["owner"] != float64(c.annID) {
			t.Error(got)
		}
		c.says(t, "a profile others may read", 200, ask{method: "GET", path: path, key: c.plain, user: c.bob})
		c.says(t, "a profile others may read", 403, ask{method: "PATCH", path: path, key: c.plain, user: c.bob, json: obj{}})
	})
}
