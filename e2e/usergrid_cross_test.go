package e2e

import (
	"fmt"
	"net/url"
	"testing"
)

// crossSpec is an application that three dialects serve: an instance with API keys, an app with a client key and a master
// key, an application with a client.
const crossSpec = `admins:
  - {email: admin@example.com, password: admin secret, account_key: ` + accountKey + `}
orgs:
  - {name: labs, admins: [admin@example.com]}
apps:
  - org: labs
    name: three
    alias: three
    client_id: YXA6three
    client_secret: YXA6three-secret
    keys:
      - {name: syncano, key: ` + crossUserKey + `, allow_user_create: true, allow_group_create: true}
      - {name: client, key: key-of-the-app-three, allow_user_create: true}
      - {name: master, key: master-of-the-app-three, master: true}
  - {org: labs, name: apart, alias: apart, client_id: YXA6apart, client_secret: YXA6apart-secret, keys: [{name: client, key: key-of-the-app-apart, allow_user_create: true}]}
`

const crossUserKey = "3333333333333333333333333333333333333333"

// door is one of the three dialects as a user of the application meets it.
type door struct {
	name   string
	signUp func(c *crossing, t *testing.T, user, password string, profile object)
	login  func(c *crossing, user, password string) (answer, session) // of any outcome
	change func(c *crossing, t *testing.T, s session, user, from, to string)
	self   func(c *crossing, s session) (answer, object) // the user and the profile of a session
}

// session is what a login gave.
type session struct{ door, token string }

// crossing is the server and the application.
type crossing struct {
	*server
	t *testing.T
}

func (c *crossing) skygear(action string, body object) answer {
	if _, named := body["api_key"]; !named {
		body["api_key"] = "key-of-the-app-three"
	}
	return c.do(c.t, call{method: "POST", path: "/skygear/" + action, json: body})
}

func (c *crossing) syncano(method, path, userKey string, body any) answer {
	return c.do(c.t, call{method: method, path: "/v1.1/instances/three" + path, key: crossUserKey, userKey: userKey, json: body})
}

func (c *crossing) usergrid(method, path, token string, body any) answer {
	x := call{method: method, path: "/usergrid/labs/three" + path, json: body}
	if token != "" {
		x.header = map[string]string{"Authorization": "Bearer " + token}
	}
	return c.do(c.t, x)
}

// accepted fails the test unless the answer is a success.
func accepted(t *testing.T, what string, a answer) {
	t.Helper()
	if a.status/100 != 2 {
		t.Fatalf("%s: %s", what, a)
	}
}

// entity is the one entity of an answer of Usergrid, or nil.
func entity(a answer) object {
	list, _ := a.object["entities"].([]any)
	if len(list) != 1 {
		return nil
	}
	e, _ := list[0].(object)
	return e
}

var doors = []door{
	{
		name: "Syncano",
		signUp: func(c *crossing, t *testing.T, user, password string, profile object) {
			accepted(t, "sign up", c.syncano("POST", "/users/", "", object{"username": user, "password": password, "profile": profile}))
		},
		login: func(c *crossing, user, password string) (answer, session) {
			a := c.syncano("POST", "/user/auth/", "", object{"username": user, "password": password})
			return a, session{"Syncano", text(a.object, "user_key")}
		},
		change: func(c *crossing, t *testing.T, s session, _, _, to string) {
			accepted(t, "change the password", c.syncano("PATCH", "/user/", s.token, object{"password": to}))
		},
		self: func(c *crossing, s session) (answer, object) {
			a := c.syncano("GET", "/user/", s.token, nil)
			profile, _ := a.object["profile"].(object)
			return a, profile
		},
	},
	{
		name: "Skygear",
		signUp: func(c *crossing, t *testing.T, user, password string, profile object) {
			accepted(t, "sign up", c.skygear("auth/signup", object{"auth_data": object{"username": user}, "password": password, "profile": profile}))
		},
		login: func(c *crossing, user, password string) (answer, session) {
			a := c.skygear("auth/login", object{"auth_data": object{"username": user}, "password": password})
			return a, session{"Skygear", text(a.object, "result", "access_token")}
		},
		change: func(c *crossing, t *testing.T, s session, _, from, to string) {
			accepted(t, "change the password", c.skygear("auth/password", object{"access_token": s.token, "old_password": from, "password": to}))
		},
		self: func(c *crossing, s session) (answer, object) {
			a := c.skygear("me", object{"access_token": s.token})
			profile, _ := at(a.object, "result", "profile").(object)
			return a, profile
		},
	},
	{
		name: "Usergrid",
		signUp: func(c *crossing, t *testing.T, user, password string, profile object) {
			body := object{"username": user, "password": password}
			for name, value := range profile {
				body[name] = value
			}
			accepted(t, "sign up", c.usergrid("POST", "/users", "", body))
		},
		login: func(c *crossing, user, password string) (answer, session) {
			a := c.usergrid("POST", "/token", "", object{"grant_type": "password", "username": user, "password": password})
			return a, session{"Usergrid", text(a.object, "access_token")}
		},
		change: func(c *crossing, t *testing.T, _ session, user, from, to string) {
			accepted(t, "change the password", c.usergrid("PUT", "/users/"+user+"/password", "", object{"oldpassword": from, "newpassword": to}))
		},
		self: func(c *crossing, s session) (answer, object) {
			a := c.usergrid("GET", "/users/me", s.token, nil)
			return a, entity(a)
		},
	},
}

// mustLogin demands a session.
func (c *crossing) mustLogin(t *testing.T, d door, user, password string) session {
	t.Helper()
	a, s := d.login(c, user, password)
	if a.status != 200 || s.token == "" {
		t.Fatalf("%s does not let %s in: %s", d.name, user, a)
	}
	return s
}

// mustRefuse demands that nobody is let in.
func (c *crossing) mustRefuse(t *testing.T, d door, user, password string) {
	t.Helper()
	if a, s := d.login(c, user, password); a.status/100 == 2 || s.token != "" {
		t.Errorf("%s lets %s in: %s", d.name, user, a)
	}
}

// TestAUserOfAnyDialectIsAUserOfAll shows design.md section 2 through the wire: one user, one profile, every dialect.
func TestAUserOfAnyDialectIsAUserOfAll(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		c := &crossing{start(t, options{database: database, apply: crossSpec}), t}
		// Syncano takes only what the class of profiles has; the other two add fields as they come.
		accepted(t, "declare the fields of profiles", c.do(t, call{method: "PATCH", path: "/v1.1/instances/three/classes/user_profile/", key: accountKey,
			json: object{"schema": []object{{"name": "city", "type": "string"}, {"name": "age", "type": "integer"}}}}))
		for _, from := range doors {
			t.Run("signed up through "+from.name, func(t *testing.T) { c.live(t, from) })
		}
		t.Run("names are one namespace", c.oneNamespace)
		t.Run("grants of a record", c.recordGrants)
		t.Run("tokens stay in their application", c.tokensStay)
	})
}

// live signs up through one door and goes in and out of all.
func (c *crossing) live(t *testing.T, from door) {
	user := "Ann of " + from.name
	from.signUp(c, t, user, "first secret", object{"city": "Zürich", "age": 41})
	for _, d := range doors {
		s := c.mustLogin(t, d, user, "first secret")
		a, profile := d.self(c, s)
		if text(profile, "city") != "Zürich" || number(profile, "age") != 41 {
			t.Errorf("through %s the profile is %v in %s", d.name, profile, a)
		}
		c.mustRefuse(t, d, user, "wrong secret")
	}

	t.Run("what one changes all see", func(t *testing.T) {
		s := c.mustLogin(t, doors[2], user, "first secret")
		me := entity(c.usergrid("GET", "/users/me", s.token, nil))
		a := c.do(t, call{method: "PUT", path: "/usergrid/labs/three/users/" + text(me, "uuid") + "?client_id=YXA6three&client_secret=YXA6three-secret",
			json: object{"city": "Bern"}})
		accepted(t, "change the city", a)
		for _, d := range doors {
			if a, profile := d.self(c, c.mustLogin(t, d, user, "first secret")); text(profile, "city") != "Bern" || number(profile, "age") != 41 {
				t.Errorf("through %s the profile is %v in %s", d.name, profile, a)
			}
		}
	})

	password := "first secret"
	for i, by := range doors {
		t.Run("the password changed through "+by.name, func(t *testing.T) {
			s := c.mustLogin(t, by, user, password)
			next := fmt.Sprintf("secret number %d", i)
			by.change(c, t, s, url.PathEscape(user), password, next)
			for _, d := range doors {
				c.mustRefuse(t, d, user, password)
				c.mustLogin(t, d, user, next)
			}
			password = next
		})
	}

	for _, way := range c.deactivations(user) {
		t.Run("deactivated through "+way.name, func(t *testing.T) {
			var open []session
			for _, d := range doors {
				open = append(open, c.mustLogin(t, d, user, password))
			}
			way.off(t)
			for i, d := range doors {
				c.mustRefuse(t, d, user, password)
				if a, _ := d.self(c, open[i]); a.status/100 == 2 {
					t.Errorf("the session of %s still counts: %s", d.name, a)
				}
			}
			way.on(t)
			for _, d := range doors {
				c.mustLogin(t, d, user, password)
			}
		})
	}
}

type deactivation struct {
	name    string
	off, on func(t *testing.T)
}

// deactivations are the two dialects that can.
func (c *crossing) deactivations(user string) []deactivation {
	as := "?client_id=YXA6three&client_secret=YXA6three-secret"
	ask := func(t *testing.T, method, path string, body object) answer {
		a := c.usergrid(method, path+as, "", body)
		accepted(t, method+" "+path, a)
		return a
	}
	find := func(t *testing.T) string {
		return text(entity(ask(t, "GET", "/users/"+url.PathEscape(user), nil)), "uuid")
	}
	skygear := func(disabled bool) func(t *testing.T) {
		return func(t *testing.T) {
			in := c.skygear("auth/disable/set", object{"api_key": "master-of-the-app-three", "auth_id": find(t), "disabled": disabled})
			accepted(t, "disable", in)
		}
	}
	return []deactivation{
		{"Skygear", skygear(true), skygear(false)},
		{"Usergrid",
			func(t *testing.T) { ask(t, "POST", "/users/"+find(t)+"/deactivate", object{}) },
			func(t *testing.T) { ask(t, "PUT", "/users/"+find(t), object{"activated": true}) }},
	}
}

func (c *crossing) oneNamespace(t *testing.T) {
	doors[0].signUp(c, t, "taken", "first secret", object{})
	for name, a := range map[string]answer{
		"Skygear":  c.skygear("auth/signup", object{"auth_data": object{"username": "TAKEN"}, "password": "x secret"}),
		"Usergrid": c.usergrid("POST", "/users", "", object{"username": "Taken", "password": "x secret"}),
		"Syncano":  c.syncano("POST", "/users/", "", object{"username": "tAKEN", "password": "x secret"}),
	} {
		if a.status != 409 && a.status != 400 {
			t.Errorf("%s gives the name a second time: %s", name, a)
		}
	}
}

// recordGrants shows that a record's own grants hold on Usergrid's routes and in its queries, and that nobody's role path widens
// them: the role default allows users everything.
func (c *crossing) recordGrants(t *testing.T) {
	doors[1].signUp(c, t, "owner", "first secret", object{})
	doors[1].signUp(c, t, "other", "first secret", object{})
	token := func(d int, user string) string { return c.mustLogin(t, doors[d], user, "first secret").token }

	accepted(t, "save through Skygear", c.skygear("record/save", object{"access_token": token(1, "owner"), "database_id": "_public", "records": []object{
		{"_id": "paper/own", "title": "own", "_access": []any{}},
		{"_id": "paper/shown", "title": "shown", "_access": []object{{"level": "read", "public": true}}},
	}}))
	accepted(t, "make a class", c.do(t, call{method: "POST", path: "/v1.1/instances/three/classes/", key: accountKey,
		json: object{"name": "letter", "schema": []object{{"name": "title", "type": "string"}}}}))
	accepted(t, "save through Syncano", c.syncano("POST", "/classes/letter/objects/", token(0, "owner"), object{"title": "own"}))

	for _, collection := range []string{"papers", "letters"} {
		titles := func(who string) []any {
			a := c.usergrid("GET", "/"+collection, who, nil)
			accepted(t, "list "+collection, a)
			list, _ := a.object["entities"].([]any)
			found := []any{}
			for _, e := range list {
				found = append(found, at(e, "title"))
			}
			return found
		}
		owner, other := token(2, "owner"), token(2, "other")
		want := map[string][2][]any{"papers": {{"shown", "own"}, {"shown"}}, "letters": {{"own"}, {}}}[collection]
		same(t, "the owner's "+collection, len(titles(owner)), len(want[0]))
		same(t, "another's "+collection, titles(other), want[1])
		a := c.usergrid("GET", "/"+collection+"?ql="+url.QueryEscape("title = 'own'"), other, nil)
		accepted(t, "query", a)
		same(t, "found by another", a.object["entities"], []any{})
		a = c.usergrid("GET", "/"+collection+"?ql="+url.QueryEscape("title = 'own'"), owner, nil)
		one := entity(a)
		if one == nil {
			t.Fatalf("the owner does not find his record: %s", a)
		}
		path := "/" + collection + "/" + text(one, "uuid")
		accepted(t, "the owner reads", c.usergrid("GET", path, owner, nil))
		for _, method := range []string{"GET", "PUT", "DELETE"} {
			if a := c.usergrid(method, path, other, object{"title": "stolen"}); a.status != 401 && a.status != 404 {
				t.Errorf("%s of another: %s", method, a)
			}
		}
		for _, path := range []string{"/" + collection + "?limit=100", "/" + collection + "?ql=" + url.QueryEscape("title = 'own'")} {
			if a := c.usergrid("DELETE", path, other, nil); a.status/100 == 2 {
				same(t, "deleted by another: "+path, len(a.object["entities"].([]any)), 0)
			}
		}
		accepted(t, "it is still there", c.usergrid("GET", path, owner, nil))
	}
}

// tokensStay shows that a session of any dialect is one of all in its application, and nothing in another.
func (c *crossing) tokensStay(t *testing.T) {
	doors[0].signUp(c, t, "walker", "first secret", object{})
	for _, d := range doors {
		s := c.mustLogin(t, d, "walker", "first secret")
		a := c.do(t, call{method: "GET", path: "/usergrid/labs/apart/users/me", header: map[string]string{"Authorization": "Bearer " + s.token}})
		if a.status != 401 {
			t.Errorf("a token of %s in another application: %s", d.name, a)
		}
		b := c.do(t, call{method: "POST", path: "/skygear/me", json: object{"api_key": "key-of-the-app-apart", "access_token": s.token}})
		if b.status != 401 {
			t.Errorf("a token of %s in another application: %s", d.name, b)
		}
	}
}
