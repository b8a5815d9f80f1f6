package usergrid_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"hecate"
	"hecate/internal/engine"
)

// person makes a user as this dialect does, whose profile the role policy governs, and returns his id and credentials.
func (k *kennel) person(name string) (id, as string) {
	k.t.Helper()
	_, err := k.engine.CreateUser(context.Background(), engine.SystemIn(k.books), engine.CreateUserInput{
		Username: name, Password: hecate.NewSecret("pass of " + name),
		Profile: engine.RecordInput{Access: func(hecate.Access, hecate.Permissions) (hecate.Access, error) { return hecate.Access{}, nil }},
	})
	if err != nil {
		k.t.Fatal(err)
	}
	got := k.send("", "POST", "/acme/books/token", object{"grant_type": "password", "username": name, "password": "pass of " + name})
	token, _ := got.body["access_token"].(string)
	user, _ := got.body["user"].(object)
	if token == "" || user == nil {
		k.t.Fatalf("no token: %d %s", got.status, got.text)
	}
	return uuidOf(user), "Bearer " + token
}

// on is the kennel as a part of a test uses it.
func (k *kennel) on(t *testing.T) *kennel {
	part := *k
	part.t = t
	return &part
}

func (k *kennel) dog(name string) string {
	k.t.Helper()
	return uuidOf(k.ask(k.client, "POST", "/dogs", object{"name": name}).one())
}

// named are the names of the entities of an answer.
func (a answer) named() string {
	a.t.Helper()
	var out []string
	for _, e := range a.ok() {
		name, _ := e["name"].(string)
		if name == "" {
			name, _ = e["username"].(string)
		}
		out = append(out, name)
	}
	return strings.Join(out, " ")
}

// at is what stands at a path of members.
func at(o object, path ...string) string {
	var v any = o
	for _, name := range path {
		m, _ := v.(object)
		v = m[name]
	}
	s, _ := v.(string)
	return s
}

func (k *kennel) is(got, want string) {
	k.t.Helper()
	if got != want {
		k.t.Errorf("%q, want %q", got, want)
	}
}

func TestConnections(t *testing.T) {
	eachKennel(t, func(t *testing.T, k *kennel) {
		rex, max := k.dog("rex"), k.dog("max")
		tom := uuidOf(k.ask(k.client, "POST", "/cats", object{"name": "tom", "age": 3}).one())

		t.Run("are made by id, by name and with a body", func(t *testing.T) {
			k := k.on(t)
			got := k.ask(k.client, "POST", "/dogs/"+rex+"/likes/"+max, object{})
			e := got.one()
			k.is(at(got.body, "path"), "/dogs/"+rex+"/likes")
			k.is(uuidOf(e), max)
			k.is(at(e, "metadata", "path"), "/dogs/"+rex+"/likes/"+max)
			k.is(at(e, "metadata", "connecting", "likes"), "/dogs/"+rex+"/likes/"+max+"/connecting/likes")
			k.is(k.ask(k.client, "PUT", "/dog/rex/likes/cat/TOM", nil).named(), "tom")
			k.is(k.ask(k.client, "POST", "/dogs/rex/Likes/birds", object{"name": "tweety"}).named(), "tweety")
			k.is(k.ask(k.client, "POST", "/dogs/rex/likes/birds", []object{{"name": "raven"}, {"name": "tweety"}, {"name": "owl"}}).named(), "raven owl")
			k.is(k.ask(k.client, "GET", "/dogs/rex/likes", nil).named(), "owl raven tweety tom max")
			k.is(k.ask(k.client, "POST", "/dogs/rex/likes/dogs/max", nil).named(), "max")
			k.is(k.ask(k.client, "GET", "/dogs/rex/likes/", nil).named(), "max owl raven tweety tom")
			k.is(k.ask(k.client, "GET", "/birds", nil).named(), "owl raven tweety")
		})
		t.Run("are listed in both directions with what leads on", func(t *testing.T) {
			k := k.on(t)
			for _, path := range []string{"/dogs/rex/likes", "/dog/" + rex + "/connections/likes"} {
				got := k.ask(k.client, "GET", path, nil)
				k.is(at(got.body, "path"), "/dogs/"+rex+"/likes")
				e := got.ok()[0]
				k.is(at(e, "metadata", "path"), "/dogs/"+rex+"/likes/"+max)
				k.is(at(e, "metadata", "connecting", "likes"), "/dogs/"+rex+"/likes/"+max+"/connecting/likes")
			}
			got := k.ask(k.client, "GET", "/cats/tom/connecting/likes", nil)
			k.is(at(got.body, "path"), "/cats/"+tom+"/connecting")
			e := got.one()
			k.is(uuidOf(e), rex)
			k.is(at(e, "metadata", "path"), "/cats/"+tom+"/connecting/"+rex)
			k.is(at(e, "metadata", "connections", "likes"), "/cats/"+tom+"/connecting/"+rex+"/likes")
			k.is(at(k.ask(k.client, "GET", "/dogs/rex", nil).one(), "metadata", "connections", "likes"), "/dogs/"+rex+"/likes")
			k.is(at(k.ask(k.client, "GET", "/cats/tom", nil).one(), "metadata", "connecting", "likes"), "/cats/"+tom+"/connecting/likes")
			k.is(at(k.ask(k.client, "GET", "/cats/tom?connections=none", nil).one(), "metadata", "connecting", "likes"), "")
		})
		t.Run("are listed by collection, query, limit and cursor", func(t *testing.T) {
			k := k.on(t)
			k.is(k.ask(k.client, "GET", "/dogs/rex/likes/birds", nil).named(), "owl raven tweety")
			k.is(k.ask(k.client, "GET", "/dogs/rex/likes/bird?ql="+url.QueryEscape("name = 'r*'"), nil).named(), "raven")
			k.is(k.ask(k.client, "GET", "/dogs/rex/likes?ql="+url.QueryEscape("age > 2"), nil).named(), "tom")
			k.is(k.ask(k.client, "GET", "/dogs/rex/likes/birds?ql="+url.QueryEscape("order by name"), nil).named(), "owl raven tweety")
			k.is(k.ask(k.client, "GET", "/dogs/rex/likes/fish", nil).named(), "")
			k.is(k.ask(k.client, "GET", "/cats/tom/connecting/likes/dogs", nil).named(), "rex")
			k.is(k.ask(k.client, "GET", "/cats/tom/connecting/likes/birds", nil).named(), "")
			for _, path := range []string{"/dogs/rex/likes", "/dogs/rex/likes/birds?ql=" + url.QueryEscape("order by name")} {
				var all []string
				cursor, sign := "", "?"
				if strings.Contains(path, "?") {
					sign = "&"
				}
				for range 9 {
					got := k.ask(k.client, "GET", path+sign+"limit=2"+cursor, nil)
					all = append(all, got.named())
					next, _ := got.body["cursor"].(string)
					if next == "" {
						break
					}
					cursor = "&cursor=" + next
				}
				want := "max owl raven tweety tom"
				if sign == "&" {
					want = "owl raven tweety"
				}
				k.is(strings.Join(all, " "), want)
			}
			k.ask(k.client, "GET", "/dogs/rex/likes?cursor=xyz", nil).fails(400, "illegal_argument")
			k.ask(k.client, "GET", "/dogs/rex/likes?ql=%3D%3D", nil).fails(400, "query_parse")
		})
		t.Run("are taken away", func(t *testing.T) {
			k := k.on(t)
			k.is(k.ask(k.client, "GET", "/dogs/rex/likes/cats/tom", nil).named(), "tom")
			k.is(k.ask(k.client, "DELETE", "/dogs/rex/likes/cats/tom", object{}).named(), "tom")
			for _, method := range []string{"GET", "DELETE"} {
				k.ask(k.client, method, "/dogs/rex/likes/cats/tom", nil).fails(404, "service_resource_not_found")
				k.ask(k.client, method, "/dogs/rex/likes/"+aUUID, nil).fails(404, "service_resource_not_found")
			}
			k.is(k.ask(k.client, "DELETE", "/dogs/rex/likes/"+max, nil).named(), "max")
			k.is(k.ask(k.client, "GET", "/dogs/rex/likes", nil).named(), "owl raven tweety")
			k.ask(k.client, "GET", "/cats/tom", nil).one()
			k.ask(k.client, "DELETE", "/birds/owl", nil).one()
			k.is(k.ask(k.client, "GET", "/dogs/rex/likes", nil).named(), "raven tweety")
		})
		t.Run("may lead to the entity itself", func(t *testing.T) {
			k := k.on(t)
			node := uuidOf(k.ask(k.client, "POST", "/nodejs", object{"name": "n"}).one())
			path := "/nodej/" + node + "/foos/nodej/" + node
			e := k.ask(k.client, "POST", path, nil).one()
			k.is(e["type"].(string), "nodej")
			k.is(at(k.ask(k.client, "GET", "/nodej/"+node+"/foos/", nil).one(), "metadata", "connecting", "foos"), "/nodejs/"+node+"/foos/"+node+"/connecting/foos")
			k.is(at(k.ask(k.client, "GET", "/nodej/"+node+"/connecting/foos/", nil).one(), "metadata", "connections", "foos"), "/nodejs/"+node+"/connecting/"+node+"/foos")
			k.ask(k.client, "DELETE", path, nil).one()
			k.is(k.ask(k.client, "GET", "/nodej/"+node+"/foos", nil).named(), "")
		})
		t.Run("are refused where there is nothing", func(t *testing.T) {
			k := k.on(t)
			k.ask(k.client, "GET", "/dogs/none/likes", nil).fails(404, "entity_not_found")
			k.ask(k.client, "GET", "/wolves/none/likes", nil).fails(404, "entity_not_found")
			k.ask(k.client, "POST", "/dogs/none/likes/"+max, nil).fails(404, "service_resource_not_found")
			k.ask(k.client, "POST", "/dogs/rex/likes/dogs/none", nil).fails(404, "service_resource_not_found")
			k.ask(k.client, "POST", "/dogs/rex/likes/"+aUUID, nil).fails(404, "service_resource_not_found")
			k.ask(k.client, "POST", "/dogs/"+aUUID+"/likes/"+max, nil).fails(404, "service_resource_not_found")
			k.ask(k.client, "POST", "/dogs/rex/likes", object{"name": "x"}).fails(405, "unsupported_service_operation")
			k.ask(k.client, "DELETE", "/dogs/rex/likes", nil).fails(405, "unsupported_service_operation")
			k.ask(k.client, "POST", "/dogs/rex/connecting/likes/"+max, nil).fails(405, "unsupported_service_operation")
			k.ask(k.client, "POST", "/dogs/rex/"+strings.Repeat("x", 300)+"/"+max, nil).fails(413, "request_too_large")
			k.ask(k.client, "GET", "/dogs/rex/likes/cats/tom/more", nil).fails(404, "service_resource_not_found")
		})
		t.Run("stay in their application", func(t *testing.T) {
			k := k.on(t)
			alien := uuidOf(k.send(k.foreign, "POST", "/other/files/dogs", object{"name": "alien"}).one())
			k.ask(k.client, "POST", "/dogs/"+rex+"/likes/"+alien, nil).fails(404, "service_resource_not_found")
			k.ask(k.client, "POST", "/dogs/"+rex+"/likes/dogs/"+alien, nil).fails(404, "service_resource_not_found")
			k.ask(k.client, "POST", "/dogs/"+alien+"/likes/"+rex, nil).fails(404, "service_resource_not_found")
			k.ask(k.client, "GET", "/dogs/"+alien+"/likes", nil).fails(404, "service_resource_not_found")
			k.ask(k.client, "GET", "/dogs/"+alien+"/connecting/likes", nil).fails(404, "service_resource_not_found")
			k.ask(k.client, "DELETE", "/dogs/"+alien+"/likes/"+alien, nil).fails(404, "service_resource_not_found")
			for _, method := range []string{"GET", "POST", "DELETE"} {
				if got := k.ask(k.foreign, method, "/dogs/"+rex+"/likes/"+max, nil); got.status != 401 {
					t.Errorf("%s with another app's client: %d %s", method, got.status, got.text)
				}
			}
		})
	})
}

func TestConnectionsOfUsers(t *testing.T) {
	eachKennel(t, func(t *testing.T, k *kennel) {
		rex := k.dog("rex")
		annID, ann := k.person("ann")
		bobID, bob := k.person("bob")

		t.Run("go out and lead in, by name, id and me", func(t *testing.T) {
			k := k.on(t)
			got := k.ask(ann, "POST", "/users/me/likes/dogs/rex", nil)
			k.is(at(got.body, "path"), "/users/"+annID+"/likes")
			k.is(at(got.one(), "metadata", "path"), "/users/"+annID+"/likes/"+rex)
			k.is(k.ask(ann, "GET", "/users/ann/likes", nil).named(), "rex")
			k.is(k.ask(bob, "GET", "/user/"+annID+"/likes/dogs", nil).named(), "rex")
			e := k.ask(ann, "GET", "/dogs/rex/connecting/likes", nil).one()
			k.is(uuidOf(e), annID)
			k.is(e["type"].(string), "user")
			k.is(at(e, "metadata", "path"), "/dogs/"+rex+"/connecting/"+annID)
			k.is(at(e, "metadata", "connections", "likes"), "/dogs/"+rex+"/connecting/"+annID+"/likes")
			k.is(k.ask(bob, "POST", "/dogs/rex/likedby/users/ann", nil).named(), "ann")
			k.is(k.ask(bob, "POST", "/dogs/rex/likedby/users/me", nil).named(), "bob")
			k.is(k.ask(ann, "GET", "/dogs/rex/likedby/users", nil).named(), "bob ann")
			k.is(k.ask(ann, "DELETE", "/users/me/likes/"+rex, nil).named(), "rex")
		})
		t.Run("are the user's own to change", func(t *testing.T) {
			k := k.on(t)
			k.ask(bob, "POST", "/users/ann/likes/dogs/rex", nil).fails(401, "unauthorized")
			k.is(k.ask(ann, "POST", "/users/me/likes/dogs/rex", nil).named(), "rex")
			k.ask(bob, "DELETE", "/users/ann/likes/dogs/rex", nil).fails(401, "unauthorized")
			k.ask("", "GET", "/users/ann/likes", nil).fails(401, "unauthorized")
			k.ask("", "POST", "/users/me/likes/dogs/rex", nil).fails(401, "unauthorized")
			k.ask(k.client, "GET", "/users/me/likes", nil).fails(404, "service_resource_not_found")
			k.is(k.ask(k.client, "DELETE", "/users/ann/likes/dogs/rex", nil).named(), "rex")
		})
		t.Run("named following make followers", func(t *testing.T) {
			k := k.on(t)
			k.is(k.ask(bob, "POST", "/users/me/following/users/ann", nil).named(), "ann")
			k.is(k.ask(bob, "GET", "/users/bob/following", nil).named(), "ann")
			got := k.ask(ann, "GET", "/users/ann/followers", nil)
			k.is(got.named(), "bob")
			k.is(at(got.body, "path"), "/users/"+annID+"/followers")
			k.is(k.ask(bob, "DELETE", "/users/me/following/ann", nil).named(), "ann")
			k.is(k.ask(bob, "POST", "/users/me/following/user/"+annID, nil).named(), "ann")
			k.is(k.ask(bob, "POST", "/users/me/following/"+annID, nil).named(), "ann")
			k.is(k.ask(ann, "GET", "/users/me/followers", nil).named(), "bob")
			k.ask(ann, "POST", "/users/me/followers/users/bob", nil).fails(405, "unsupported_service_operation")
		})
		t.Run("hide what has grants of its own", func(t *testing.T) {
			k := k.on(t)
			k.login("eve") // of another dialect: her profile is hers alone
			k.ask(bob, "POST", "/users/me/following/users/eve", nil).fails(404, "service_resource_not_found")
			k.ask(k.client, "POST", "/users/bob/following/users/eve", nil).one()
			k.is(k.ask(k.client, "GET", "/users/bob/following", nil).named(), "eve ann")
			k.is(k.ask(bob, "GET", "/users/bob/following", nil).named(), "ann")
			k.ask(bob, "GET", "/users/eve/followers", nil).fails(404, "service_resource_not_found")
		})
		t.Run("end with the user", func(t *testing.T) {
			k := k.on(t)
			if err := k.engine.DeleteUser(context.Background(), engine.SystemIn(k.books), engine.UserRef{ID: hecate.UserID(bobID)}); err != nil {
				t.Fatal(err)
			}
			k.is(k.ask(ann, "GET", "/users/me/followers", nil).named(), "")
			k.is(k.ask(ann, "GET", "/dogs/rex/likedby", nil).named(), "ann")
		})
	})
}

func TestActivities(t *testing.T) {
	eachKennel(t, func(t *testing.T, k *kennel) {
		annID, ann := k.person("ann")
		_, bob := k.person("bob")
		post := func(as, user, content string) answer {
			return k.ask(as, "POST", "/users/"+user+"/activities", object{"verb": "post", "content": content, "actor": object{"displayName": "A"}})
		}
		contents := func(got answer) string {
			t.Helper()
			var out []string
			for _, e := range got.ok() {
				out = append(out, fmt.Sprint(e["content"]))
			}
			return strings.Join(out, " ")
		}
		k.is(contents(k.ask(ann, "GET", "/users/me/feed", nil)), "")

		got := post(ann, "me", "a1")
		e := got.one()
		k.is(at(got.body, "path"), "/users/"+annID+"/activities")
		k.is(e["type"].(string), "activity")
		k.is(at(e, "actor", "uuid"), annID)
		k.is(at(e, "actor", "displayName"), "A")
		k.is(at(e, "actor", "username"), "ann")
		k.is(at(e, "metadata", "path"), "/users/"+annID+"/activities/"+uuidOf(e))
		if e["published"] == nil {
			t.Errorf("no time: %v", e)
		}
		k.is(contents(k.ask(ann, "GET", "/users/ann/activities/"+uuidOf(e), nil)), "a1")
		k.ask(ann, "GET", "/users/bob/activities/"+uuidOf(e), nil).fails(404, "service_resource_not_found")

		post(bob, "bob", "b1").one()
		post(k.client, "ann", "a2").one()
		post(bob, "ann", "forged").fails(401, "unauthorized")
		forged := k.ask(bob, "POST", "/users/me/activities", object{"verb": "post", "content": "b2", "actor": object{"uuid": annID}}).one()
		if at(forged, "actor", "uuid") == annID {
			t.Error("bob posts in ann's name")
		}
		k.ask(ann, "POST", "/users/me/activities", object{"content": "x"}).fails(400, "required_property_not_found")
		k.ask(bob, "POST", "/users/me/following/users/ann", nil).one()
		k.is(contents(k.ask(ann, "GET", "/users/me/activities", nil)), "a2 a1")
		k.is(contents(k.ask(bob, "GET", "/users/me/feed", nil)), "b2 a2 b1 a1")
		k.is(contents(k.ask(ann, "GET", "/users/me/feed", nil)), "a2 a1")
		k.is(contents(k.ask(bob, "GET", "/users/me/feed?ql="+url.QueryEscape("content = 'a*'"), nil)), "a2 a1")
		first := k.ask(bob, "GET", "/users/me/feed?limit=3", nil)
		k.is(contents(first), "b2 a2 b1")
		rest := k.ask(bob, "GET", "/users/me/feed?limit=3&cursor="+first.body["cursor"].(string), nil)
		k.is(contents(rest), "a1")
		if rest.body["cursor"] != nil {
			t.Error("a cursor at the end")
		}
		k.ask("", "GET", "/users/ann/feed", nil).fails(401, "unauthorized")
		k.ask("", "POST", "/users/ann/activities", object{"verb": "post"}).fails(401, "unauthorized")
		if _, _, err := k.engine.DeclareApp(context.Background(), engine.System(), engine.DeclareAppInput{
			Org: "acme", Name: "books", Alias: "books", Settings: hecate.Settings{Sandbox: true},
		}); err != nil {
			t.Fatal(err)
		}
		k.is(at(post("", "ann", "a3").one(), "actor", "uuid"), annID)
		k.is(contents(k.ask("", "GET", "/users/ann/feed", nil)), "a3 a2 a1")
		k.is(k.ask("", "POST", "/users/ann/following/users/bob", nil).named(), "bob")
		k.is(contents(k.ask("", "GET", "/users/ann/feed?limit=2", nil)), "a3 b2")
		for _, path := range []string{"/users/ann/activities", "/users/ann/feed"} {
			if got := k.ask(k.foreign, "GET", path, nil); got.status != 401 {
				t.Errorf("another app's client: %d %s", got.status, got.text)
			}
		}
	})
}

func TestDevices(t *testing.T) {
	eachKennel(t, func(t *testing.T, k *kennel) {
		annID, ann := k.person("ann")
		_, bob := k.person("bob")
		got := k.ask(ann, "POST", "/users/me/devices", object{"name": "phone", "model": "X"})
		e := got.one()
		k.is(at(got.body, "path"), "/users/"+annID+"/devices")
		k.is(e["type"].(string), "device")
		k.is(at(e, "metadata", "path"), "/users/"+annID+"/devices/"+uuidOf(e))
		k.is(at(e, "metadata", "connecting", "devices of a user"), "")

		free := uuidOf(k.ask("", "POST", "/devices", object{"name": "tablet"}).one())
		k.is(k.ask(ann, "POST", "/users/me/devices/"+free, nil).named(), "tablet")
		k.is(k.ask(ann, "POST", "/users/me/devices", object{"name": "phone", "model": "Y"}).named(), "phone")
		k.is(k.ask(ann, "PUT", "/users/me/devices/watch", object{"model": "Z"}).named(), "watch")
		got = k.ask(ann, "GET", "/users/ann/devices", nil)
		k.is(got.named(), "watch phone tablet")
		k.is(got.ok()[1]["model"].(string), "Y")
		k.is(k.ask(ann, "GET", "/users/me/devices/phone", nil).named(), "phone")
		k.is(k.ask(ann, "GET", "/users/me/devices/"+free, nil).named(), "tablet")
		k.is(k.ask(ann, "GET", "/users/me/devices?ql="+url.QueryEscape("model = 'Z'"), nil).named(), "watch")
		k.is(k.ask(ann, "DELETE", "/users/me/devices/phone", nil).named(), "phone")
		k.is(k.ask(ann, "GET", "/users/me/devices", nil).named(), "watch tablet")
		k.is(k.ask(k.client, "GET", "/devices", nil).named(), "watch tablet phone")
		k.ask(ann, "POST", "/users/me/devices/"+aUUID, nil).fails(404, "service_resource_not_found")
		k.ask(bob, "POST", "/users/ann/devices", object{"name": "spy"}).fails(401, "unauthorized")
		k.is(k.ask(bob, "GET", "/users/me/devices", nil).named(), "")
		alien := uuidOf(k.send(k.foreign, "POST", "/other/files/devices", object{"name": "alien"}).one())
		k.ask(ann, "POST", "/users/me/devices/"+alien, nil).fails(404, "service_resource_not_found")
	})
}

func TestActivitiesOfGroups(t *testing.T) {
	eachKennel(t, func(t *testing.T, k *kennel) {
		annID, ann := k.person("ann")
		group := k.ask(k.client, "POST", "/groups", object{"path": "club/chess", "title": "Chess"}).one()
		base := "/groups/" + uuidOf(group)
		got := k.ask(ann, "POST", "/groups/club/chess/activities", object{"verb": "post", "content": "g1"})
		e := got.one()
		k.is(at(got.body, "path"), base+"/activities")
		k.is(at(e, "actor", "uuid"), annID)
		k.is(at(e, "metadata", "path"), base+"/activities/"+uuidOf(e))
		k.ask(k.client, "POST", base+"/activities", object{"verb": "post", "content": "g2"}).fails(400, "required_property_not_found")
		k.ask(k.client, "POST", base+"/activities", object{"verb": "post", "content": "g2", "actor": object{"displayName": "the club"}}).one()
		for _, word := range []string{"activities", "feed"} {
			list := k.ask(ann, "GET", "/groups/club/chess/"+word, nil).ok()
			if len(list) != 2 || list[0]["content"] != "g2" || list[1]["content"] != "g1" {
				t.Errorf("%s: %v", word, list)
			}
			page := k.ask(ann, "GET", base+"/"+word+"?limit=1", nil)
			next := k.ask(ann, "GET", base+"/"+word+"?limit=1&cursor="+fmt.Sprint(page.body["cursor"]), nil)
			if list := next.ok(); len(list) != 1 || list[0]["content"] != "g1" || next.body["cursor"] != nil {
				t.Errorf("%s: %s", word, next.text)
			}
		}
		k.ask("", "GET", base+"/feed", nil).fails(401, "unauthorized")
		k.ask(ann, "GET", "/groups/none/feed", nil).fails(404, "entity_not_found")
		k.ask(ann, "POST", "/groups/none/activities", object{"verb": "post"}).fails(404, "service_resource_not_found")
		alien := k.send(k.foreign, "POST", "/other/files/groups", object{"path": "alien"}).one()
		k.ask(k.client, "GET", "/groups/"+uuidOf(alien)+"/feed", nil).fails(404, "entity_not_found")
		k.ask(k.client, "POST", "/groups/"+uuidOf(alien)+"/activities", object{"verb": "x", "actor": object{"displayName": "y"}}).fails(404, "service_resource_not_found")
		k.ask(k.client, "POST", base+"/likes/"+uuidOf(e), nil).fails(404, "service_resource_not_found")
	})
}
