package usergrid_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"hecate"
	"hecate/internal/engine"
)

// sandbox makes an app in which guests may do everything.
func (k *kennel) sandbox() *hecate.App {
	k.t.Helper()
	app, _, err := k.engine.DeclareApp(context.Background(), engine.System(), engine.DeclareAppInput{
		Org: "acme", Name: "sand", Alias: "sand", Settings: hecate.Settings{Sandbox: true},
	})
	if err != nil {
		k.t.Fatal(err)
	}
	return app
}

func (k *kennel) sand(as, method, path string, body any) answer {
	k.t.Helper()
	return k.send(as, method, "/acme/sand"+path, body)
}

// token logs a user in.
func (k *kennel) token(app, name, password string) string {
	k.t.Helper()
	got := k.send("", "POST", "/acme/"+app+"/token", object{"grant_type": "password", "username": name, "password": password})
	token, _ := got.body["access_token"].(string)
	if token == "" {
		k.t.Fatalf("no token: %s", got.text)
	}
	return "Bearer " + token
}

func namesOf(list []object, member string) string {
	var out []string
	for _, e := range list {
		out = append(out, fmt.Sprint(e[member]))
	}
	return strings.Join(out, " ")
}

func TestUsers(t *testing.T) {
	eachKennel(t, func(t *testing.T, k *kennel) {
		k.sandbox()
		ann := k.sand("", "POST", "/users", object{
			"username": "Ann", "email": "Ann@x.io", "password": "secret", "pin": "1234", "age": 33, "tags": []string{"a"}, "name": "Ann A", "uuid": "x", "type": "y",
		}).one()
		id := uuidOf(ann)
		t.Run("a new user has what he brought but his secrets", func(t *testing.T) {
			for name, want := range map[string]string{
				"type": "user", "username": "Ann", "email": "Ann@x.io", "name": "Ann A", "age": "33", "tags": "[a]", "activated": "true",
			} {
				if got := fmt.Sprint(ann[name]); got != want {
					t.Errorf("%s = %s, want %s", name, got, want)
				}
			}
			if ann["password"] != nil || ann["pin"] != nil || ann["created"] != ann["modified"] || len(id) != 36 {
				t.Errorf("user = %v", ann)
			}
			m := ann["metadata"].(object)
			path := "/users/" + id
			if m["path"] != path || m["sets"].(object)["rolenames"] != path+"/roles" || m["collections"].(object)["feed"] != path+"/feed" {
				t.Errorf("metadata = %v", m)
			}
			got := k.send("", "POST", "/acme/sand/token", object{"grant_type": "pin", "username": "ann", "pin": "1234"})
			if got.status != 200 {
				t.Errorf("login with the pin: %s", got.text)
			}
		})
		t.Run("what cannot be is refused, and nobody is made", func(t *testing.T) {
			for _, c := range []struct {
				body object
				code string
			}{
				{object{"username": "ann"}, "duplicate_unique_property_exists"},
				{object{"username": "b1", "email": "ANN@x.io"}, "duplicate_unique_property_exists"},
				{object{"email": "b2@x.io"}, "required_property_not_found"},
				{object{"username": ""}, "required_property_not_found"},
				{object{"username": "Me"}, "illegal_argument"},
				{object{"username": "b3", "password": "abc"}, "error_password_policy_violation"},
				{object{"username": "b4", "email": "nonsense"}, "illegal_argument"},
				{object{"username": object{}}, "illegal_argument"},
				{object{"username": "b5", "pin": "1"}, "illegal_argument"},
			} {
				k.sand("", "POST", "/users", c.body).fails(400, c.code)
			}
			if got := k.sand("", "POST", "/users", object{"username": "ann"}); got.body["error_description"] !=
				`Entity "user" requires that property named "username" be unique, value of ann exists` {
				t.Errorf("description %v", got.body["error_description"])
			}
			if list := k.sand("", "GET", "/users", nil).ok(); len(list) != 1 {
				t.Errorf("%d users", len(list))
			}
		})
		t.Run("an array leaves out who cannot be made, and all passwords", func(t *testing.T) {
			made := k.sand("", "POST", "/users", []object{{"username": "bob", "password": "secret"}, {"username": "ANN"}, {}, {"username": "cid"}}).ok()
			if got := namesOf(made, "username"); got != "bob cid" {
				t.Errorf("made %s", got)
			}
			k.send("", "POST", "/acme/sand/token", object{"grant_type": "password", "username": "bob", "password": "secret"}).fails(400, "invalid_grant")
		})
		t.Run("a user is found by uuid, name and address, and nobody else is", func(t *testing.T) {
			for _, ref := range []string{id, strings.ToUpper(id), "ann", "ANN", "ann@X.io", "ann?force=name", "Ann@x.io?force=email"} {
				if got := k.sand("", "GET", "/user/"+ref, nil).one(); uuidOf(got) != id || got["age"] == nil {
					t.Errorf("%s: %v", ref, got)
				}
			}
			k.sand("", "GET", "/users/nobody", nil).fails(404, "service_resource_not_found")
			k.sand("", "GET", "/users/ann?force=email", nil).fails(404, "service_resource_not_found")
			k.sand("", "GET", "/users/no@x.io", nil).fails(404, "service_resource_not_found")
			k.sand("", "GET", "/users/me", nil).fails(404, "service_resource_not_found")
			k.sand("", "GET", "/users/"+string(k.books.ID), nil).fails(404, "entity_not_found")
			k.sand("", "GET", "/users/a%25b", nil).fails(400, "illegal_argument")
			if got := k.sand("", "GET", "/users/a%25b", nil); got.body["error_description"] != "Not a valid user identifier: a%b" {
				t.Errorf("description %v", got.body["error_description"])
			}
		})
		t.Run("an address is its owner's before somebody's name", func(t *testing.T) {
			k.sand("", "POST", "/users", object{"username": "dot@x.io"}).one()
			dot := uuidOf(k.sand("", "POST", "/users", object{"username": "dot", "email": "dot@x.io"}).one())
			if got := k.sand("", "GET", "/users/dot@x.io", nil).one(); uuidOf(got) != dot {
				t.Errorf("found %v", got)
			}
			k.sand("", "DELETE", "/users/dot@x.io?force=name", nil).one()
			k.sand("", "DELETE", "/users/"+dot, nil).one()
			k.sand("", "POST", "/users", object{"username": "ann@x.io"}).fails(400, "duplicate_unique_property_exists")
		})
		t.Run("queries, pages and projections", func(t *testing.T) {
			for query, want := range map[string]string{
				"ql=select+*+where+username='ann'": "Ann", "ql=username='B*'": "bob", "ql=age=33": "Ann", "ql=order+by+username": "Ann bob cid",
				"ql=select+*+where+not+username='ann'&limit=20": "cid bob", "ql=username='zoe'": "", "ql=email='ann@x.io'": "Ann",
			} {
				if got := namesOf(k.sand("", "GET", "/users/?"+query, nil).ok(), "username"); got != want {
					t.Errorf("%s: %s", query, got)
				}
			}
			first := k.sand("", "GET", "/users?limit=2", nil)
			cursor, _ := first.body["cursor"].(string)
			rest := k.sand("", "GET", "/users?limit=2&cursor="+cursor, nil)
			if got := namesOf(append(first.ok(), rest.ok()...), "username"); got != "cid bob Ann" || rest.body["cursor"] != nil || fmt.Sprint(first.body["count"]) != "2" {
				t.Errorf("pages: %s, %s", got, rest.text)
			}
			got := k.sand("", "GET", "/users?ql=select+username,age+where+username='ann'", nil).one()
			if got["username"] != "Ann" || fmt.Sprint(got["age"]) != "33" || got["name"] != nil || got["metadata"] == nil {
				t.Errorf("projection = %v", got)
			}
		})
		t.Run("a change merges, and ignores what is no property", func(t *testing.T) {
			now := k.sand("", "PUT", "/users/ann", object{"age": nil, "city": "Oslo", "tags": "", "password": "other", "created": 1, "metadata": object{}, "username": "anna"}).one()
			if now["age"] != nil || now["tags"] != nil || now["city"] != "Oslo" || now["username"] != "anna" || now["name"] != "Ann A" || now["password"] != nil {
				t.Errorf("user = %v", now)
			}
			k.sand("", "PUT", "/users/anna", object{"username": "bob"}).fails(400, "duplicate_unique_property_exists")
			k.sand("", "PUT", "/users/anna", object{"username": "ann"}).one()
			k.token("sand", "ann", "secret")
			k.sand("", "PUT", "/users/dan", object{"x": 1}).fails(400, "required_property_not_found")
			k.sand("", "PUT", "/users/dan", object{"username": "dan"}).one()
			k.sand("", "PUT", "/users/"+string(k.books.ID), object{"username": "eva"}).fails(404, "service_resource_not_found")
			k.sand("", "PUT", "/users/me", object{"username": "eva"}).fails(404, "service_resource_not_found")
			changed := k.sand("", "PUT", "/users?ql=username='d*'", object{"city": "Rome"}).one()
			if changed["city"] != "Rome" {
				t.Errorf("changed %v", changed)
			}
			k.sand("", "PUT", "/users?ql=username='zzz'", object{"city": "Rome"}).fails(404, "service_resource_not_found")
			if got := uuidOf(k.sand("", "POST", "/users/ann", object{"city": "ignored"}).one()); got != id {
				t.Errorf("posted %s", got)
			}
		})
		t.Run("deactivation ends every session, and is undone", func(t *testing.T) {
			token := k.token("sand", "ann", "secret")
			k.sand(token, "GET", "/users/me", nil).one()
			got := k.sand("", "POST", "/users/ann/deactivate", nil)
			if u := got.one(); u["activated"] != false || u["deactivated"] == nil || got.body["action"] != "Deactivate user" {
				t.Errorf("answer %s", got.text)
			}
			if got := k.sand(token, "GET", "/users/me", nil); got.status != 401 {
				t.Errorf("answer %s", got.text)
			}
			got = k.send("", "POST", "/acme/sand/token", object{"grant_type": "password", "username": "ann", "password": "secret"})
			if got.fails(400, "invalid_grant"); got.body["error_description"] != "user not activated" {
				t.Errorf("answer %s", got.text)
			}
			k.sand("", "PUT", "/users/ann", object{"activated": true}).one()
			if got := k.sand(token, "GET", "/users/me", nil); got.status != 401 {
				t.Errorf("answer %s", got.text)
			}
			k.token("sand", "ann", "secret")
		})
		t.Run("the deleted user is shown once more", func(t *testing.T) {
			token := k.token("sand", "ann", "secret")
			if got := k.sand("", "DELETE", "/users/ann", nil).one(); uuidOf(got) != id || got["city"] != "Oslo" {
				t.Errorf("deleted %v", got)
			}
			k.sand("", "DELETE", "/users/ann", nil).fails(404, "service_resource_not_found")
			k.sand("", "DELETE", "/users/"+id, nil).fails(404, "service_resource_not_found")
			if got := k.sand(token, "GET", "/users/me", nil); got.status != 401 {
				t.Errorf("answer %s", got.text)
			}
			k.sand("", "DELETE", "/users", nil).fails(405, "unsupported_service_operation")
			if got := namesOf(k.sand("", "DELETE", "/users?ql=username='b*'", nil).ok(), "username"); got != "bob" {
				t.Errorf("deleted %s", got)
			}
			if got := namesOf(k.sand("", "DELETE", "/users?q=*&limit=50", nil).ok(), "username"); got != "dan cid" {
				t.Errorf("deleted %s", got)
			}
		})
	})
}

func TestUsersOfOthers(t *testing.T) {
	eachKennel(t, func(t *testing.T, k *kennel) {
		ann, bob := k.login("ann"), k.login("bob")
		bobID := uuidOf(k.ask(bob, "GET", "/users/me", nil).one())
		t.Run("the bare default role reads and changes properties, not accounts", func(t *testing.T) {
			// These profiles were not made here: their own grants show them to nobody else.
			k.ask(ann, "GET", "/users/bob", nil).fails(404, "service_resource_not_found")
			made := k.ask("", "POST", "/users", object{"username": "cid", "password": "secret"}).one()
			path := "/users/" + uuidOf(made)
			if got := k.ask(ann, "GET", "/users/cid", nil).one(); got["username"] != "cid" {
				t.Errorf("read %v", got)
			}
			if got := k.ask(ann, "PUT", "/users/cid", object{"color": "red", "username": "cid", "activated": true}).one(); got["color"] != "red" {
				t.Errorf("changed %v", got)
			}
			for _, body := range []object{{"username": "mine"}, {"email": "ann@x.io"}, {"activated": false}, {"disabled": true}} {
				k.ask(ann, "PUT", path, body).fails(401, "unauthorized")
			}
			k.ask(ann, "DELETE", path, nil).fails(401, "unauthorized")
			k.ask(ann, "POST", path+"/deactivate", nil).fails(401, "unauthorized")
			k.ask(ann, "PUT", "/users/"+bobID, object{"color": "red"}).fails(401, "unauthorized")
			k.token("books", "cid", "secret")
		})
		t.Run("oneself one changes", func(t *testing.T) {
			if got := k.ask(bob, "PUT", "/users/me", object{"username": "bobby", "color": "blue"}).one(); got["username"] != "bobby" || got["color"] != "blue" {
				t.Errorf("changed %v", got)
			}
			k.ask(bob, "PUT", "/users/me", object{"username": "cid"}).fails(400, "duplicate_unique_property_exists")
		})
		t.Run("whom a role names the users, he manages them", func(t *testing.T) {
			k.ask(k.client, "POST", "/users/ann/permissions", object{"permission": "put,delete,post:/users/**"}).ok()
			if got := k.ask(ann, "PUT", "/users/cid", object{"username": "sid"}).one(); got["username"] != "sid" {
				t.Errorf("changed %v", got)
			}
			k.ask(ann, "POST", "/users/sid/deactivate", nil).one()
			k.ask(ann, "PUT", "/users/sid", object{"activated": true}).one()
			k.ask(ann, "DELETE", "/users/sid", nil).one()
		})
		t.Run("guests may only come in", func(t *testing.T) {
			for _, c := range []struct{ method, path string }{
				{"GET", "/users"}, {"GET", "/users/ann"}, {"GET", "/users/me"}, {"PUT", "/users/ann"}, {"DELETE", "/users/ann"}, {"GET", "/roles"}, {"POST", "/roles"},
				{"GET", "/groups"}, {"POST", "/groups"}, {"GET", "/users/ann/roles"}, {"POST", "/roles/admin/users/ann"}, {"GET", "/roles/default/permissions"},
				{"POST", "/roles/guest/permissions"}, {"DELETE", "/roles/default/permissions?permission=x"}, {"GET", "/users/ann/permissions"},
				{"POST", "/users/ann/deactivate"}, {"PUT", "/users?ql=username='ann'"}, {"DELETE", "/users?ql=username='ann'"},
			} {
				k.ask("", c.method, c.path, object{"name": "x", "path": "x", "permission": "get:/x"}).fails(401, "unauthorized")
			}
			made := k.ask("", "POST", "/users", object{"username": "new", "password": "secret"}).one()
			k.ask("", "GET", "/users/"+uuidOf(made), nil).fails(401, "unauthorized")
		})
		t.Run("nobody makes himself more", func(t *testing.T) {
			eve := k.login("eve")
			k.ask(k.client, "POST", "/groups", object{"path": "staff"}).one()
			k.ask(k.client, "POST", "/roles/admin/groups/staff", nil).one()
			attempts := []struct{ method, path string }{
				{"POST", "/roles/admin/users/eve"}, {"POST", "/users/eve/roles/admin"}, {"POST", "/users/me/roles/admin"}, {"PUT", "/users/me/rolenames"},
				{"POST", "/users/me/permissions"}, {"POST", "/users/eve/permissions"}, {"POST", "/groups/staff/users/eve"}, {"POST", "/users/me/groups/staff"},
				{"POST", "/roles/default/permissions"}, {"POST", "/roles/guest/permissions"}, {"DELETE", "/roles/default/permissions?permission=x"},
				{"DELETE", "/roles/guest"}, {"PUT", "/roles/default"}, {"POST", "/groups/staff/permissions"}, {"POST", "/groups/staff/roles/default"},
				{"POST", "/roles"}, {"PUT", "/roles/new"}, {"DELETE", "/groups/staff"}, {"PUT", "/groups/staff"},
				{"DELETE", "/roles?ql=name='guest'"}, {"DELETE", "/groups?ql=path='staff'"},
			}
			body := object{"permission": "get,post,put,delete:/**", "name": "admin", "title": "x"}
			for _, c := range attempts {
				k.ask(eve, c.method, c.path, body).fails(401, "unauthorized")
			}
			// Neither does what is usually granted on one's own.
			k.ask(k.client, "POST", "/roles/default/permissions", object{"permission": "get,put,post,delete:/users/${user}/**"}).ok()
			k.ask(k.client, "POST", "/roles/default/permissions", object{"permission": "get,put,post,delete:/users/me/**"}).ok()
			for _, c := range attempts {
				k.ask(eve, c.method, c.path, body).fails(401, "unauthorized")
			}
		})
		t.Run("clients of other apps and their users are nobody here", func(t *testing.T) {
			foreign := k.send(k.foreign, "POST", "/other/files/users", object{"username": "zoe", "password": "secret"}).one()
			for _, c := range []struct{ method, path string }{{"GET", "/users"}, {"GET", "/users/" + uuidOf(foreign)}, {"GET", "/roles"}, {"POST", "/users"}} {
				if got := k.ask(k.foreign, c.method, c.path, object{"username": "x"}); got.status != 401 {
					t.Errorf("%s %s: %s", c.method, c.path, got.text)
				}
			}
			role := k.send(k.foreign, "POST", "/other/files/roles", object{"name": "theirs"}).one()
			group := k.send(k.foreign, "POST", "/other/files/groups", object{"path": "theirs"}).one()
			for _, path := range []string{
				"/users/" + uuidOf(foreign), "/users/zoe", "/roles/" + uuidOf(role), "/roles/theirs", "/groups/" + uuidOf(group), "/groups/theirs",
				"/roles/" + uuidOf(role) + "/permissions", "/users/" + uuidOf(foreign) + "/roles", "/groups/" + uuidOf(group) + "/users",
			} {
				if got := k.ask(k.client, "GET", path, nil); got.status != 404 {
					t.Errorf("%s: %s", path, got.text)
				}
			}
			for _, path := range []string{
				"/roles/admin/users/" + uuidOf(foreign), "/roles/" + uuidOf(role) + "/users/ann", "/groups/" + uuidOf(group) + "/users/ann",
				"/users/ann/roles/" + uuidOf(role), "/users/ann/groups/" + uuidOf(group), "/roles/admin/groups/" + uuidOf(group),
				"/users/" + uuidOf(foreign) + "/permissions", "/users/" + uuidOf(foreign) + "/deactivate",
			} {
				if got := k.ask(k.client, "POST", path, object{"permission": "get:/x"}); got.status != 404 {
					t.Errorf("%s: %s", path, got.text)
				}
			}
		})
	})
}

func TestRegistration(t *testing.T) {
	eachKennel(t, func(t *testing.T, k *kennel) {
		k.ask(k.client, "PUT", "/", object{"allow_open_registration": false}).ok()
		k.ask("", "POST", "/users", object{"username": "ann"}).fails(401, "unauthorized")
		k.ask(k.client, "POST", "/users", object{"username": "ann"}).one()
		k.ask(k.client, "PUT", "/", object{"allow_open_registration": true, "registration_requires_admin_approval": true}).ok()
		if got := k.ask("", "POST", "/users", object{"username": "bob", "password": "secret", "activated": true}).one(); got["activated"] != false {
			t.Errorf("user = %v", got)
		}
		k.ask("", "POST", "/token", object{"grant_type": "password", "username": "bob", "password": "secret"}).fails(400, "invalid_grant")
		k.ask(k.client, "PUT", "/users/bob", object{"activated": true}).one()
		k.token("books", "bob", "secret")
	})
}
