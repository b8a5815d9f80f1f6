package usergrid_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/url"
	"testing"

	"hecate"
	"hecate/internal/engine"
)

func (a answer) data() string {
	a.t.Helper()
	if a.status != 200 {
		a.t.Fatalf("answer %d %s", a.status, a.text)
	}
	return fmt.Sprint(a.body["data"])
}

func TestRoles(t *testing.T) {
	eachKennel(t, func(t *testing.T, k *kennel) {
		role := k.ask(k.client, "POST", "/roles", object{"name": "Manager", "title": "The manager", "inactivity": 60000, "level": 3}).one()
		id := uuidOf(role)
		path := "/roles/" + id
		t.Run("a role is shown as the contract says", func(t *testing.T) {
			m := role["metadata"].(object)
			if role["type"] != "role" || role["name"] != "Manager" || role["roleName"] != "Manager" || role["title"] != "The manager" || fmt.Sprint(role["inactivity"]) != "60000" ||
				fmt.Sprint(role["level"]) != "3" || m["path"] != path || m["sets"].(object)["permissions"] != path+"/permissions" || m["collections"].(object)["groups"] != path+"/groups" {
				t.Errorf("role = %v", role)
			}
			for _, ref := range []string{"manager", "MANAGER", id} {
				if got := k.ask(k.client, "GET", "/role/"+ref, nil).one(); uuidOf(got) != id {
					t.Errorf("%s: %v", ref, got)
				}
			}
			k.ask(k.client, "GET", "/roles/none", nil).fails(404, "entity_not_found")
			k.ask(k.client, "DELETE", "/roles/none", nil).fails(404, "service_resource_not_found")
			k.ask(k.client, "POST", "/roles", object{"name": "MANAGER"}).fails(400, "duplicate_unique_property_exists")
			k.ask(k.client, "POST", "/roles", object{"title": "x"}).fails(400, "required_property_not_found")
			k.ask(k.client, "POST", "/roles", object{"name": "x", "inactivity": -1}).fails(400, "illegal_argument")
			k.ask(k.client, "POST", "/roles", object{"name": "x", "inactivity": "soon"}).fails(400, "illegal_argument")
		})
		t.Run("lists, queries and pages", func(t *testing.T) {
			if got := namesOf(k.ask(k.client, "GET", "/roles?ql=order+by+name", nil).ok(), "name"); got != "admin default guest Manager" {
				t.Errorf("roles: %s", got)
			}
			if got := namesOf(k.ask(k.client, "GET", "/roles?ql=level=3", nil).ok(), "name"); got != "Manager" {
				t.Errorf("found: %s", got)
			}
			seen, cursor := "", ""
			for range 4 {
				got := k.ask(k.client, "GET", "/roles?limit=1&ql="+url.QueryEscape("order by name")+"&cursor="+cursor, nil)
				seen += namesOf(got.ok(), "name") + " "
				cursor, _ = got.body["cursor"].(string)
			}
			if seen != "admin default guest Manager " || cursor != "" {
				t.Errorf("pages: %s, %q", seen, cursor)
			}
			k.ask(k.client, "GET", "/roles?cursor=zzz", nil).fails(400, "illegal_argument")
		})
		t.Run("a name stays, the rest changes", func(t *testing.T) {
			got := k.ask(k.client, "PUT", path, object{"name": "other", "title": "Boss", "level": nil, "color": "red"}).one()
			if got["name"] != "Manager" || got["title"] != "Boss" || got["level"] != nil || got["color"] != "red" || fmt.Sprint(got["inactivity"]) != "60000" {
				t.Errorf("role = %v", got)
			}
		})
		t.Run("permissions are kept as written, in lower case, each once", func(t *testing.T) {
			all := []string{"get:/x", "get,post:/Dogs/**", "/y", "*:/z", "get:/x"}
			for _, text := range all {
				k.ask(k.client, "POST", path+"/permissions", object{"permission": text}).ok()
			}
			got := k.ask(k.client, "GET", "/roles/manager/permissions", nil)
			if got.data() != "[get:/x get,post:/dogs/** /y *:/z]" || len(got.ok()) != 0 || got.body["entities"] == nil {
				t.Errorf("permissions: %s", got.text)
			}
			for _, text := range []string{"steal:/x", "get:", "", "get,:/x", "get:/a\u0001"} {
				k.ask(k.client, "POST", path+"/permissions", object{"permission": text}).fails(400, "illegal_argument")
			}
			gone := k.ask(k.client, "DELETE", path+"/permissions/?permission="+url.QueryEscape("get,post:/Dogs/**")+"&permission=nothing", nil)
			if gone.data() != "[get:/x /y *:/z]" || fmt.Sprint(gone.body["params"]) != "map[permission:[get,post:/Dogs/** nothing]]" {
				t.Errorf("left: %s", gone.text)
			}
		})
		t.Run("a deleted role leaves nothing behind", func(t *testing.T) {
			ann := k.login("ann")
			k.ask(k.client, "DELETE", "/roles/default", nil).one()
			k.ask(ann, "GET", "/dogs", nil).fails(401, "unauthorized")
			k.ask(k.client, "POST", "/users/ann/roles/manager", nil).one()
			k.ask(k.client, "POST", path+"/permissions", object{"permission": "get:/dogs"}).ok()
			k.ask(ann, "GET", "/dogs", nil).ok()
			if got := uuidOf(k.ask(k.client, "DELETE", path, nil).one()); got != id {
				t.Errorf("deleted %s", got)
			}
			k.ask(ann, "GET", "/dogs", nil).fails(401, "unauthorized")
			k.ask(k.client, "POST", "/roles", object{"name": "Manager"}).one()
			if got := k.ask(k.client, "GET", "/roles/manager/permissions", nil).data(); got != "[]" {
				t.Errorf("permissions %s", got)
			}
			k.ask(ann, "GET", "/dogs", nil).fails(401, "unauthorized")
			k.ask(k.client, "DELETE", "/roles", nil).fails(405, "unsupported_service_operation")
			if got := namesOf(k.ask(k.client, "DELETE", "/roles?ql=name='manager'", nil).ok(), "name"); got != "Manager" {
				t.Errorf("deleted %s", got)
			}
		})
	})
}

func TestGroups(t *testing.T) {
	eachKennel(t, func(t *testing.T, k *kennel) {
		k.login("ann")
		k.login("bob")
		group := k.ask(k.client, "POST", "/groups", object{"path": "team/Red", "title": "Reds", "color": "red", "name": "N"}).one()
		id := uuidOf(group)
		t.Run("a group is found by its path of many segments", func(t *testing.T) {
			m := group["metadata"].(object)
			if group["type"] != "group" || group["path"] != "team/Red" || group["title"] != "Reds" || group["color"] != "red" || group["name"] != "N" || m["path"] != "/groups/"+id ||
				m["collections"].(object)["users"] != "/groups/"+id+"/users" || m["sets"].(object)["rolenames"] != "/groups/"+id+"/roles" {
				t.Errorf("group = %v", group)
			}
			for _, ref := range []string{"team/red", "TEAM/Red/", id, "team%2Fred"} {
				if got := k.ask(k.client, "GET", "/group/"+ref, nil).one(); uuidOf(got) != id {
					t.Errorf("%s: %v", ref, got)
				}
			}
			k.ask(k.client, "GET", "/groups/team", nil).fails(404, "entity_not_found")
			k.ask(k.client, "POST", "/groups", object{"path": "TEAM/red"}).fails(400, "duplicate_unique_property_exists")
			got := k.ask(k.client, "POST", "/groups", object{"title": "x"})
			if got.fails(400, "illegal_argument"); got.body["error_description"] != "You must provide a 'path' property when creating a group" {
				t.Errorf("%s", got.text)
			}
			got = k.ask(k.client, "POST", "/groups", object{"path": "a b"})
			if got.fails(400, "illegal_argument"); got.body["error_description"] != "Illegal characters found in group name: a b" {
				t.Errorf("%s", got.text)
			}
		})
		t.Run("members come and go from both sides", func(t *testing.T) {
			got := k.ask(k.client, "POST", "/groups/team/red/users/ann", object{})
			ann := got.one()
			under := "/groups/" + id + "/users"
			if ann["username"] != "ann" || got.body["path"] != under || ann["metadata"].(object)["path"] != under+"/"+uuidOf(ann) {
				t.Errorf("added %s", got.text)
			}
			k.ask(k.client, "POST", "/groups/team/red/users/ann", nil).one()
			got = k.ask(k.client, "POST", "/users/bob/groups/team/red", nil)
			if g := got.one(); uuidOf(g) != id || g["path"] != "team/Red" {
				t.Errorf("joined %s", got.text)
			}
			if got := namesOf(k.ask(k.client, "GET", "/groups/team/red/users", nil).ok(), "username"); got != "bob ann" {
				t.Errorf("members %s", got)
			}
			if got := namesOf(k.ask(k.client, "GET", "/groups/"+id+"/users?ql=username='a*'", nil).ok(), "username"); got != "ann" {
				t.Errorf("found %s", got)
			}
			first := k.ask(k.client, "GET", "/groups/team/red/users?limit=1", nil)
			second := k.ask(k.client, "GET", "/groups/team/red/users?limit=1&cursor="+first.body["cursor"].(string), nil)
			if got := namesOf(append(first.ok(), second.ok()...), "username"); got != "bob ann" || second.body["cursor"] != nil {
				t.Errorf("pages %s, %s", got, second.text)
			}
			if got := namesOf(k.ask(k.client, "GET", "/users/ann/groups", nil).ok(), "path"); got != "team/Red" {
				t.Errorf("groups %s", got)
			}
			k.ask(k.client, "GET", "/users/ann/groups/team/red", nil).one()
			k.ask(k.client, "GET", "/groups/team/red/users/ann", nil).one()
			k.ask(k.client, "DELETE", "/groups/team/red/users/ann", nil).one()
			k.ask(k.client, "DELETE", "/groups/team/red/users/ann", nil).fails(404, "service_resource_not_found")
			k.ask(k.client, "GET", "/groups/team/red/users/ann", nil).fails(404, "service_resource_not_found")
			k.ask(k.client, "DELETE", "/users/bob/groups/"+id, nil).one()
			k.ask(k.client, "POST", "/groups/none/users/ann", nil).fails(404, "service_resource_not_found")
			k.ask(k.client, "POST", "/groups/team/red/users/none", nil).fails(404, "service_resource_not_found")
		})
		t.Run("changes, lists and deletions", func(t *testing.T) {
			got := k.ask(k.client, "PUT", "/groups/team/red", object{"title": "Best", "color": nil, "motto": "go", "path": "team/red"}).one()
			if got["title"] != "Best" || got["color"] != nil || got["motto"] != "go" || got["path"] != "team/Red" {
				t.Errorf("group = %v", got)
			}
			made := k.ask(k.client, "PUT", "/groups/blue", object{"title": "Blues"}).one()
			if made["path"] != "blue" || made["title"] != "Blues" {
				t.Errorf("made %v", made)
			}
			if got := namesOf(k.ask(k.client, "POST", "/groups", []object{{"path": "green"}, {"path": "blue"}, {}}).ok(), "path"); got != "green" {
				t.Errorf("made %s", got)
			}
			list := k.ask(k.client, "GET", "/groups?ql=order+by+path+desc", nil)
			if got := namesOf(list.ok(), "path"); got != "team/Red green blue" || fmt.Sprint(list.body["count"]) != "3" {
				t.Errorf("groups %s", list.text)
			}
			if got := namesOf(k.ask(k.client, "GET", "/groups?ql=motto+contains+'go'", nil).ok(), "path"); got != "team/Red" {
				t.Errorf("found %s", got)
			}
			if got := uuidOf(k.ask(k.client, "DELETE", "/groups/team/red", nil).one()); got != id {
				t.Errorf("deleted %s", got)
			}
			k.ask(k.client, "DELETE", "/groups/team/red", nil).fails(404, "service_resource_not_found")
			if got := len(k.ask(k.client, "DELETE", "/groups?q=*", nil).ok()); got != 2 {
				t.Errorf("%d deleted", got)
			}
		})
	})
}

// The scenarios of contracts/usergrid.md 8.2 and 8.3.
func TestPermissions(t *testing.T) {
	eachKennel(t, func(t *testing.T, k *kennel) {
		k.sandbox()
		t.Run("what guests may counts from the next request on", func(t *testing.T) {
			client := k.clientOf("sand")
			everything := "get,post,put,delete:/**"
			k.sand("", "GET", "/users", nil).ok()
			gone := k.sand(client, "DELETE", "/roles/guest/permissions/?permission="+url.QueryEscape(everything), nil)
			if gone.data() != "[post:/users post:/devices put:/devices/*]" {
				t.Errorf("left %s", gone.text)
			}
			k.sand("", "GET", "/users", nil).fails(401, "unauthorized")
			made := k.sand("", "POST", "/users", object{"username": "late", "password": "secret"}).one()
			k.sand("", "PUT", "/users/"+uuidOf(made), object{"x": 1}).fails(401, "unauthorized")
			// And with it goes what signed-in users may do with the accounts of others.
			eve := k.sandLogin("eve")
			k.sand(eve, "PUT", "/users/late", object{"username": "stolen"}).fails(401, "unauthorized")
			k.sand(client, "POST", "/roles/guest/permissions", object{"permission": everything}).ok()
			k.sand("", "GET", "/users", nil).ok()
			k.sand(eve, "PUT", "/users/late", object{"username": "renamed"}).one()
		})
		k.ask(k.client, "POST", "/reviews", object{"name": "good", "stars": 5}).one()
		ann := k.login("ann")
		self := uuidOf(k.ask(ann, "GET", "/users/me", nil).one())
		k.ask(k.client, "DELETE", "/roles/default/permissions?permission="+url.QueryEscape("get,put,post,delete:/**"), nil).ok()
		closed := func() { t.Helper(); k.ask(ann, "GET", "/reviews", nil).fails(401, "unauthorized") }
		open := func() { t.Helper(); k.ask(ann, "GET", "/reviews/good", nil).one() }
		closed()
		t.Run("by a role alone one reaches what it names, and oneself", func(t *testing.T) {
			k.ask(k.client, "POST", "/roles", object{"name": "reviewer"}).one()
			k.ask(k.client, "POST", "/roles/reviewer/permissions", object{"permission": "get,put,post,delete:/reviews/**"}).ok()
			closed()
			got := k.ask(k.client, "POST", "/roles/reviewer/users/ann", nil)
			if u := got.one(); uuidOf(u) != self || u["type"] != "user" {
				t.Errorf("answer %s", got.text)
			}
			open()
			k.ask(ann, "POST", "/reviews", object{"name": "bad"}).one()
			k.ask(ann, "GET", "/dogs", nil).fails(401, "unauthorized")
			k.ask(ann, "GET", "/users", nil).fails(401, "unauthorized")
			k.ask(ann, "PUT", "/users/me", object{"x": 1}).fails(401, "unauthorized")
			k.ask(ann, "GET", "/users/me", nil).one()
			k.ask(ann, "GET", "/users/"+self, nil).one()
			if got := k.ask(k.client, "GET", "/users/ann/rolenames", nil).data(); got != "map[reviewer:reviewer]" {
				t.Errorf("names %s", got)
			}
			k.ask(k.client, "GET", "/users/ann/roles/reviewer", nil).one()
			if got := namesOf(k.ask(k.client, "GET", "/roles/reviewer/users", nil).ok(), "username"); got != "ann" {
				t.Errorf("holders %s", got)
			}
			k.ask(k.client, "DELETE", "/users/ann/roles/reviewer", nil).one()
			closed()
			k.ask(k.client, "DELETE", "/users/ann/roles/reviewer", nil).fails(404, "service_resource_not_found")
			k.ask(k.client, "PUT", "/users/ann/rolenames", object{"name": "Reviewer"}).ok()
			open()
			if got := k.ask(k.client, "DELETE", "/users/ann/rolenames/reviewer", nil).data(); got != "map[]" {
				t.Errorf("names %s", got)
			}
			closed()
		})
		t.Run("the clients' own misspelling of the collections below a role", func(t *testing.T) {
			k.ask(k.client, "POST", "/roles/reviewer/userss/"+self, nil).one()
			open()
			k.ask(k.client, "DELETE", "/roles/reviewer/userss/"+self, nil).one()
			closed()
		})
		t.Run("a role of the group counts, the group's own permissions do not", func(t *testing.T) {
			k.ask(k.client, "POST", "/groups", object{"path": "crew/night"}).one()
			k.ask(k.client, "POST", "/groups/crew/night/users/ann", nil).one()
			k.ask(k.client, "POST", "/groups/crew/night/permissions", object{"permission": "get:/**"}).ok()
			closed()
			if got := k.ask(k.client, "GET", "/groups/crew/night/permissions", nil).data(); got != "[get:/**]" {
				t.Errorf("permissions %s", got)
			}
			k.ask(k.client, "POST", "/groups/crew/night/roles/reviewer", nil).one()
			open()
			if got := namesOf(k.ask(k.client, "GET", "/groups/crew/night/roles", nil).ok(), "name"); got != "reviewer" {
				t.Errorf("roles %s", got)
			}
			if got := namesOf(k.ask(k.client, "GET", "/roles/reviewer/groups", nil).ok(), "path"); got != "crew/night" {
				t.Errorf("groups %s", got)
			}
			k.ask(k.client, "DELETE", "/roles/reviewer/groups/crew/night", nil).one()
			closed()
			k.ask(k.client, "POST", "/roles/reviewer/groupss/crew/night", nil).one()
			open()
			k.ask(k.client, "DELETE", "/users/ann/groups/crew/night", nil).one()
			closed()
		})
		t.Run("a permission of one's own", func(t *testing.T) {
			k.ask(k.client, "POST", "/users/ann/permissions", object{"permission": "get:/reviews/good"}).ok()
			// By name alone it does not pass the check on the path with ids: contracts/usergrid.md 8.2.
			k.ask(ann, "GET", "/reviews/good", nil).fails(401, "unauthorized")
			k.ask(k.client, "POST", "/users/ann/permissions", object{"permission": "get:/reviews/*"}).ok()
			open()
			k.ask(k.client, "DELETE", "/users/ann/permissions?permission=get:/reviews/*", nil).ok()
			k.ask(ann, "GET", "/reviews/good", nil).fails(401, "unauthorized")
		})
		t.Run("a deleted user's permissions are nobody's", func(t *testing.T) {
			k.ask(k.client, "POST", "/users/ann/permissions", object{"permission": "get:/**"}).ok()
			k.ask(k.client, "DELETE", "/users/ann", nil).one()
			if got := k.ask(ann, "GET", "/reviews", nil); got.status != 401 {
				t.Errorf("answer %s", got.text)
			}
		})
		t.Run("without the role guest nobody comes in unknown", func(t *testing.T) {
			k.ask(k.client, "DELETE", "/roles/guest", nil).one()
			k.ask("", "POST", "/users", object{"username": "x"}).fails(401, "unauthorized")
			k.ask("", "POST", "/devices", object{"name": "x"}).fails(401, "unauthorized")
		})
	})
}

// clientOf are the credentials of an app's client.
func (k *kennel) clientOf(name string) string {
	k.t.Helper()
	ctx := context.Background()
	app, err := k.engine.AppByName(ctx, "acme", name)
	if err != nil {
		k.t.Fatal(err)
	}
	c, err := k.engine.Client(ctx, engine.SystemIn(app), hecate.Client{App: app.ID})
	if err != nil {
		k.t.Fatal(err)
	}
	return basic(c.Public, c.Secret.Reveal())
}

// sandLogin makes a user of the sandbox and logs him in.
func (k *kennel) sandLogin(name string) string {
	k.t.Helper()
	k.sand("", "POST", "/users", object{"username": name, "password": "secret"}).one()
	return k.token("sand", name, "secret")
}

func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
}
