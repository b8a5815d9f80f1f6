package usergrid_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"hecate"
	"hecate/internal/engine"
)

// hall is a server with everybody who could call. Of acme are the apps books (a usual one), sandbox (which is one), narrow (whose role
// default holds nothing; a role reviewer names /reviews/** alone) and shelf; other has files.
type hall struct {
	*server
	t      *testing.T
	apps   map[string]*hecate.App
	acme   hecate.OrgID
	other  hecate.OrgID
	tokens map[string]string // of callers who stay the same, by name
	made   int
}

const operator = "Basic c3VwZXJ1c2VyOm9wZXJhdG9y" // superuser:operator

func newHall(t *testing.T, engineName string) *hall {
	t.Helper()
	h := &hall{server: newServer(t, engineName, false), t: t, apps: map[string]*hecate.App{}, tokens: map[string]string{}}
	h.acme, h.other = hecate.OrgID(h.bound["<ACME>"]), hecate.OrgID("")
	for _, name := range []string{"narrow", "shelf"} {
		h.must(operator, "POST", "/management/organizations/acme/applications", object{"name": name})
	}
	for _, at := range []string{"acme/books", "acme/sandbox", "acme/narrow", "acme/shelf", "other/files"} {
		org, name, _ := strings.Cut(at, "/")
		app, err := h.engine.AppByName(context.Background(), org, name)
		if err != nil {
			t.Fatal(err)
		}
		h.apps[name], h.other = app, app.Org
	}
	h.must(operator, "DELETE", "/acme/narrow/roles/default/permissions?permission="+url.QueryEscape("get,put,post,delete:/**"), nil)
	h.must(operator, "POST", "/acme/narrow/roles", object{"name": "reviewer"})
	h.must(operator, "POST", "/acme/narrow/roles/reviewer/permissions", object{"permission": "get,put,post,delete:/reviews/**"})

	h.tokens["client"] = h.clientToken("books")
	h.tokens["another client"] = h.clientToken("shelf")
	h.tokens["another user"] = h.userToken("shelf", "")
	h.tokens["org client"], h.tokens["another org client"] = h.orgToken("acme"), h.orgToken("other")
	h.tokens["admin"], h.tokens["another admin"] = "Bearer "+h.bound["<ADATOKEN>"], "Bearer "+h.bound["<EVETOKEN>"]
	h.tokens["service admin"] = operator
	h.tokens["expired"] = h.userToken("books", "1000")
	h.clock.Advance(time.Hour)

	var name string
	name, h.tokens["disabled"] = h.newUser("books", "")
	h.must(operator, "PUT", "/acme/books/users/"+name, object{"disabled": true})
	name, h.tokens["revoked"] = h.newUser("books", "")
	h.must(operator, "PUT", "/acme/books/users/"+name+"/revoketokens", nil)
	h.tokens["garbage"] = "Bearer BADTOKEN"
	return h
}

// at is the path of an app.
func (h *hall) at(app string) string { return "/" + h.apps[app].OrgName + "/" + app }

func (h *hall) fresh(what string) string {
	h.made++
	return fmt.Sprintf("%s%d", what, h.made)
}

// say asks. A body may be a text, sent as JSON.
func (h *hall) say(as, method, path string, body any) answer {
	h.t.Helper()
	text, ok := body.(string)
	if !ok && body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			h.t.Fatal(err)
		}
		text = string(raw)
	}
	r := httptest.NewRequest(method, path, strings.NewReader(text))
	r.Header.Set("Content-Type", "application/json")
	if strings.HasPrefix(text, "bytes ") {
		r.Header.Set("Content-Type", "application/octet-stream")
	}
	if as != "" {
		r.Header.Set("Authorization", as)
	}
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	out := answer{t: h.t, status: w.Code, text: w.Body.String(), header: w.Header()}
	_ = json.Unmarshal(w.Body.Bytes(), &out.body) // pages and bytes are compared as text
	return out
}

// must demands success and returns the whole answer.
func (h *hall) must(as, method, path string, body any) object {
	h.t.Helper()
	got := h.say(as, method, path, body)
	if got.status != 200 {
		h.t.Fatalf("%s %s: %d %s", method, path, got.status, got.text)
	}
	return got.body
}

// madeID makes a thing as the operator and returns its id.
func (h *hall) madeID(path string, body any) string {
	h.t.Helper()
	list, _ := h.must(operator, "POST", path, body)["entities"].([]any)
	if len(list) != 1 {
		h.t.Fatalf("POST %s makes %v", path, list)
	}
	return uuidOf(list[0].(object))
}

// newUser makes a user and logs him in; ttl in ms may be "".
func (h *hall) newUser(app, ttl string) (name, token string) {
	h.t.Helper()
	name = h.fresh("user")
	_, err := h.engine.CreateUser(context.Background(), engine.SystemIn(h.apps[app]),
		engine.CreateUserInput{Username: name, Email: name + "@x.io", Password: hecate.NewSecret("pass"), Dialect: "usergrid",
			Profile: engine.RecordInput{Access: func(hecate.Access, hecate.Permissions) (hecate.Access, error) { return hecate.Access{}, nil }}})
	if err != nil {
		h.t.Fatal(err)
	}
	return name, "Bearer " + h.login(app, name, ttl)
}

func (h *hall) userToken(app, ttl string) string {
	h.t.Helper()
	_, token := h.newUser(app, ttl)
	return token
}

func (h *hall) login(app, name, ttl string) string {
	h.t.Helper()
	grant := object{"grant_type": "password", "username": name, "password": "pass"}
	if ttl != "" {
		grant["ttl"] = ttl
	}
	return h.must("", "POST", h.at(app)+"/token", grant)["access_token"].(string)
}

// clientOf is the client of an app as it is now.
func (h *hall) clientOf(app string) *hecate.Client {
	h.t.Helper()
	c, err := h.engine.Client(context.Background(), engine.SystemIn(h.apps[app]), hecate.Client{App: h.apps[app].ID})
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

func (h *hall) clientToken(app string) string {
	h.t.Helper()
	c := h.clientOf(app)
	got := h.must("", "POST", h.at(app)+"/token", object{"grant_type": "client_credentials", "client_id": c.Public, "client_secret": c.Secret.Reveal()})
	return "Bearer " + got["access_token"].(string)
}

func (h *hall) orgToken(org string) string {
	h.t.Helper()
	c := h.must(operator, "GET", "/management/organizations/"+org+"/credentials", nil)["credentials"].(object)
	got := h.must("", "POST", "/management/token", object{"grant_type": "client_credentials", "client_id": c["client_id"], "client_secret": c["client_secret"]})
	return "Bearer " + got["access_token"].(string)
}

// newAdmin makes a member of an organization and logs him in.
func (h *hall) newAdmin(org hecate.OrgID) (id, token string) {
	h.t.Helper()
	name := h.fresh("admin")
	admin, err := h.engine.CreateOrgAdmin(context.Background(), engine.System(), org,
		engine.RegisterAdminInput{Email: name + "@x.io", Username: name, Name: name, Password: hecate.NewSecret("pass"), MinPassword: 4})
	if err != nil {
		h.t.Fatal(err)
	}
	got := h.must("", "POST", "/management/token", object{"grant_type": "password", "username": name, "password": "pass"})
	return string(admin.ID), "Bearer " + got["access_token"].(string)
}

var placePattern = regexp.MustCompile(`\{[a-z0-9:]+(\.\.\.)?\}`)

// scene makes the things that one request speaks of, each when it is first named, in one app.
type scene struct {
	h    *hall
	app  string
	said map[string]string
	set  bool // what belongs together is joined
}

func (h *hall) scene(app string) *scene { return &scene{h: h, app: app, said: map[string]string{}} }

// fill puts things in the places of their names.
func (s *scene) fill(text string) string {
	return placePattern.ReplaceAllStringFunc(text, func(place string) string { return s.thing(strings.Trim(place, "{}")) })
}

func (s *scene) thing(name string) string {
	if v, ok := s.said[name]; ok {
		return v
	}
	v := s.make(name)
	s.said[name] = v
	return v
}

// collectionOf is where the things of a scene lie: the reviewer may do everything in reviews, and nothing in dogs.
func (s *scene) collection() string { return s.thing("collection") }

func (s *scene) make(name string) string {
	h, at := s.h, s.h.at(s.app)
	switch name {
	case "collection":
		return "dogs"
	case "new":
		return h.fresh("new")
	case "item", "item2":
		s.said[name+":name"] = h.fresh(name)
		return h.madeID(at+"/"+s.collection(), object{"name": s.said[name+":name"], "shoe": 42})
	case "asset":
		id := h.madeID(at+"/assets", object{"path": "/" + h.fresh("asset"), "owner": s.thing("user")})
		h.must(operator, "PUT", at+"/assets/"+id+"/data", "bytes of an asset")
		return id
	case "activity":
		return h.madeID(at+"/users/"+s.thing("user")+"/activities", object{"verb": "post", "content": "x"})
	case "device":
		return h.madeID(at+"/devices", object{"name": h.fresh("device")})
	case "user", "user2":
		name, token := h.newUser(s.app, "")
		s.said["user:name"], s.said["token"] = name, strings.TrimPrefix(token, "Bearer ")
		return uuidOf(h.must(operator, "GET", at+"/users/"+name, nil)["entities"].([]any)[0].(object))
	case "role":
		s.said["role:name"] = h.fresh("role")
		id := h.madeID(at+"/roles", object{"name": s.said["role:name"]})
		h.must(operator, "POST", at+"/roles/"+id+"/permissions", object{"permission": "get:/x"})
		return id
	case "group":
		s.said["group:name"] = h.fresh("group")
		return h.madeID(at+"/groups", object{"path": s.said["group:name"]})
	case "member", "outsider":
		org := map[string]hecate.OrgID{"member": h.acme, "outsider": h.other}[name]
		id, token := h.newAdmin(org)
		s.said[name+":token"] = strings.TrimPrefix(token, "Bearer ")
		return id
	case "member:token":
		s.thing("member")
		return s.said[name]
	case "newapp", "deletedapp":
		d, err := h.engine.CreateApp(context.Background(), engine.System(), engine.CreateAppInput{Org: h.acme, Name: h.fresh("app"), AnyAlias: true})
		if err != nil {
			h.t.Fatal(err)
		}
		if id := string(d.App.ID); name == "deletedapp" {
			h.must(operator, "DELETE", "/management/organizations/acme/applications/"+id+"?confirm_application_identifier="+id, nil)
		}
		return string(d.App.ID)
	case "item:name", "user:name", "role:name", "group:name", "token":
		thing, _, _ := strings.Cut(name, ":")
		if name == "token" {
			thing = "user"
		}
		s.thing(thing)
		return s.said[name]
	}
	h.t.Fatalf("nothing is called %s", name)
	return ""
}

// joined makes a group's member of a user, a role's holder of both, and a connection between items, as far as they are there.
func (s *scene) joined() {
	h, at := s.h, s.h.at(s.app)
	user, group, role := s.said["user"], s.said["group"], s.said["role"]
	join := func(one, other, path string) {
		if one != "" && other != "" {
			h.must(operator, "POST", at+path, nil)
		}
	}
	join(user, group, "/groups/"+group+"/users/"+user)
	join(user, role, "/roles/"+role+"/users/"+user)
	join(group, role, "/roles/"+role+"/groups/"+group)
	if item, item2 := s.said["item"], s.said["item2"]; item != "" && item2 != "" {
		join(item, item2, "/"+s.collection()+"/"+item+"/likes/"+item2)
	}
}

func basicOf(c *hecate.Client) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(c.Public+":"+c.Secret.Reveal()))
}
