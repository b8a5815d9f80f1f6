package usergrid_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"hecate"
	"hecate/internal/dialect/skygear"
	"hecate/internal/dialect/syncano"
	"hecate/internal/engine"
	"hecate/internal/store/storetest"
)

// These tests use three dialects on one engine: a record's own grants hold in all of them, and one without any is governed by the role
// policy in all of them (design.md, "where the dialects disagree").

// square is a hall whose engine Syncano and Skygear serve too.
type square struct {
	*hall
	syncano, skygear http.Handler
	keys             map[string]string // of app and kind: "books plain"
}

func eachSquare(t *testing.T, fn func(t *testing.T, q *square)) {
	t.Parallel()
	for _, name := range storetest.Engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := &square{hall: newHall(t, name), keys: map[string]string{}}
			log := q.Logger()
			var err error
			if q.syncano, err = syncano.Handler(syncano.Config{Engine: q.engine, Log: log}); err != nil {
				t.Fatal(err)
			}
			if q.skygear, err = skygear.Handler(skygear.Config{Engine: q.engine, Log: log, Now: q.clock.Now}); err != nil {
				t.Fatal(err)
			}
			for _, app := range []string{"books", "sandbox", "narrow"} {
				for kind, flags := range map[string]hecate.KeyFlags{"plain": 0, "anonymous": hecate.ReadsAsAnyone, "master": hecate.Master} {
					k, _, err := q.engine.DeclareKey(context.Background(), engine.SystemIn(q.apps[app]), engine.KeyInput{Name: kind, Flags: flags})
					if err != nil {
						t.Fatal(err)
					}
					q.keys[app+" "+kind] = k.Key.Reveal()
				}
			}
			fn(t, q)
		})
	}
}

// person is a user with his token, which counts in every dialect.
type person struct {
	name, id, token string
	seq             int64
}

func (q *square) person(app string) *person {
	q.t.Helper()
	p := &person{}
	p.name, p.token = q.newUser(app, "")
	u, err := q.engine.LookupUser(context.Background(), q.apps[app].ID, engine.UserRef{Username: p.name})
	if err != nil {
		q.t.Fatal(err)
	}
	p.id, p.seq, p.token = string(u.ID), u.Seq, strings.TrimPrefix(p.token, "Bearer ")
	return p
}

func (q *square) send(h http.Handler, method, path string, body any, headers ...string) answer {
	q.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		q.t.Fatal(err)
	}
	r := httptest.NewRequest(method, path, strings.NewReader(string(text)))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] != "" {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	out := answer{t: q.t, status: w.Code, text: w.Body.String(), header: w.Header()}
	_ = json.Unmarshal(w.Body.Bytes(), &out.body) // a list is compared as text
	return out
}

// inSyncano asks about an app with one of its keys, as p, who may be nil.
func (q *square) inSyncano(app, kind string, p *person, method, path string, body any) answer {
	q.t.Helper()
	token := ""
	if p != nil {
		token = p.token
	}
	return q.send(q.syncano, method, "/v1.1/instances/"+q.apps[app].Alias+path, body, "X-API-KEY", q.keys[app+" "+kind], "X-USER-KEY", token)
}

// inSkygear takes an action.
func (q *square) inSkygear(app, kind string, p *person, action string, body object) answer {
	q.t.Helper()
	body["api_key"] = q.keys[app+" "+kind]
	if p != nil {
		body["access_token"] = p.token
	}
	return q.send(q.skygear, "POST", "/"+strings.ReplaceAll(action, ":", "/"), body)
}

// inUsergrid asks as p, who may be nil.
func (q *square) inUsergrid(app string, p *person, method, path string, body any) answer {
	q.t.Helper()
	as := ""
	if p != nil {
		as = "Bearer " + p.token
	}
	return q.say(as, method, q.at(app)+path, body)
}

// names are the titles of an answer's entities.
func titles(a answer) []string {
	var out []string
	list, _ := a.body["entities"].([]any)
	for _, e := range list {
		if title, ok := e.(object)["title"].(string); ok {
			out = append(out, title)
		}
	}
	return out
}

// reach is what somebody can do with a record.
type reach int

const (
	nothing reach = iota
	reads
	writes
	owns // deletes too
)

// obeys checks all that Usergrid's routes do with one record, called title in the collection, against what its grants give p. A path
// says where it is: "/notes/<id>".
func (q *square) obeys(app, cell string, p *person, collection, id, title string, want reach) {
	q.t.Helper()
	path := "/" + collection + "/" + id
	says := func(what string, got answer, statuses ...int) {
		q.t.Helper()
		if !slices.Contains(statuses, got.status) {
			q.t.Errorf("%s: %s: %d %s, want %v", cell, what, got.status, got.text, statuses)
		}
	}
	by := func(from reach, refused ...int) []int {
		switch {
		case want >= from:
			return []int{200}
		case want == nothing:
			return []int{404}
		}
		return refused
	}
	listed := func(what string, got answer) {
		q.t.Helper()
		if got.status != 200 || slices.Contains(titles(got), title) != (want >= reads) {
			q.t.Errorf("%s: %s: %d %s, want it listed: %v", cell, what, got.status, got.text, want >= reads)
		}
		if want < reads && strings.Contains(got.text, "hidden in "+title) {
			q.t.Errorf("%s: %s tells of it: %s", cell, what, got.text)
		}
	}
	// A dog of everybody's is connected to it both ways by the operator.
	dog := q.madeID(q.at(app)+"/dogs", object{"title": "dog"})
	q.must(operator, "POST", q.at(app)+"/dogs/"+dog+"/likes/"+id, nil)
	q.must(operator, "POST", q.at(app)+path+"/likes/"+dog, nil)
	ask := func(method, path string, body any) answer {
		q.t.Helper()
		return q.inUsergrid(app, p, method, path, body)
	}

	says("GET", ask("GET", path, nil), by(reads)...)
	says("POST", ask("POST", path, object{}), by(reads)...)
	listed("list", ask("GET", "/"+collection+"?limit=1000", nil))
	listed("query", ask("GET", "/"+collection+"?ql="+url.QueryEscape("title='"+title+"'"), nil))
	listed("query by uuid", ask("GET", "/"+collection+"?ql="+url.QueryEscape("uuid="+id), nil))
	listed("connected", ask("GET", "/dogs/"+dog+"/likes", nil))
	listed("connected in a collection", ask("GET", "/dogs/"+dog+"/likes/"+collection, nil))
	listed("connected by a query", ask("GET", "/dogs/"+dog+"/likes?ql="+url.QueryEscape("title='"+title+"'"), nil))
	listed("connecting", ask("GET", "/dogs/"+dog+"/connecting/likes", nil))
	says("one connected", ask("GET", "/dogs/"+dog+"/likes/"+id, nil), by(reads)...)
	says("connections from it", ask("GET", path+"/likes", nil), by(reads)...)
	says("connections to it", ask("GET", path+"/connecting/likes", nil), by(reads)...)
	says("connect to it", ask("POST", "/dogs/"+dog+"/knows/"+id, nil), by(reads)...)
	says("disconnect from it", ask("DELETE", "/dogs/"+dog+"/likes/"+id, nil), by(reads)...)
	says("connect it", ask("POST", path+"/knows/"+dog, nil), by(writes, 401)...)
	says("connect it to something new", ask("POST", path+"/knows/dogs", object{}), by(writes, 401)...)
	says("disconnect it", ask("DELETE", path+"/likes/"+dog, nil), by(writes, 401)...)
	says("PUT", ask("PUT", path, object{"title": title}), append(by(writes, 401), map[reach][]int{nothing: {401}}[want]...)...) // its id is taken
	changed := ask("PUT", "/"+collection+"?ql="+url.QueryEscape("title='"+title+"'"), object{"title": title})
	if want >= writes != (changed.status == 200 && len(titles(changed)) == 1) {
		q.t.Errorf("%s: PUT by a query: %d %s", cell, changed.status, changed.text)
	}
	gone := ask("DELETE", "/"+collection+"?ql="+url.QueryEscape("title='"+title+"'")+"&limit=5", nil)
	if want >= owns != (gone.status == 200 && len(titles(gone)) == 1) {
		q.t.Errorf("%s: DELETE by a query: %d %s", cell, gone.status, gone.text)
	}
	if want < owns {
		says("DELETE", ask("DELETE", path, nil), by(owns, 401)...)
		says("still there", q.say(operator, "GET", q.at(app)+path, nil), 200)
	}
}

// closed checks that a collection whose gate is shut to guests shows them nothing.
func (q *square) closed(app, cell, collection, id, title string) {
	q.t.Helper()
	dog := q.madeID(q.at(app)+"/dogs", object{"title": "dog"})
	q.must(operator, "POST", q.at(app)+"/dogs/"+dog+"/likes/"+id, nil)
	path := "/" + collection + "/" + id
	for _, ask := range []struct{ method, path string }{
		{"GET", path}, {"POST", path}, {"PUT", path}, {"DELETE", path}, {"GET", "/" + collection}, {"GET", "/" + collection + "?ql=title='" + title + "'"},
		{"PUT", "/" + collection + "?ql=title='" + title + "'"}, {"DELETE", "/" + collection + "?ql=title='" + title + "'"}, {"POST", "/" + collection},
		{"GET", "/dogs/" + dog + "/likes"}, {"GET", "/dogs/" + dog + "/likes/" + collection}, {"GET", "/dogs/" + dog + "/likes/" + id},
		{"POST", "/dogs/" + dog + "/knows/" + id}, {"DELETE", "/dogs/" + dog + "/likes/" + id}, {"GET", path + "/likes"}, {"POST", path + "/likes/" + dog},
		{"POST", "/dogs/" + dog + "/likes/" + collection},
	} {
		got := q.inUsergrid(app, nil, ask.method, strings.ReplaceAll(ask.path, "'", "%27"), object{"title": "taken"})
		if strings.Contains(got.text, "hidden in") || got.status == 200 && len(titles(got)) > 0 {
			q.t.Errorf("%s: %s %s: %d %s", cell, ask.method, ask.path, got.status, got.text)
		}
	}
	if got := q.say(operator, "GET", q.at(app)+path, nil).one(); got["title"] != title {
		q.t.Errorf("%s: it is %v now", cell, got)
	}
}

// TestSyncanosPermissionsHoldOnUsergridsRoutes for an object's owner, a member of its group, others, and guests.
func TestSyncanosPermissionsHoldOnUsergridsRoutes(t *testing.T) {
	eachSquare(t, func(t *testing.T, q *square) {
		levels := map[string]reach{"none": nothing, "read": reads, "write": writes, "full": owns}
		for _, app := range []string{"books", "sandbox"} {
			ann, bob, eve := q.person(app), q.person(app), q.person(app)
			made := q.inSyncano(app, "master", nil, "POST", "/groups/", object{"label": q.fresh("group")})
			group := made.body["id"]
			q.wants(q.inSyncano(app, "master", nil, "POST", fmt.Sprintf("/users/%d/groups/", bob.seq), object{"group": group}), 201)
			q.wants(q.inSyncano(app, "master", nil, "POST", "/classes/", object{"name": "note", "other_permissions": "create_objects",
				"schema": []object{{"name": "title", "type": "string", "filter_index": true}, {"name": "body", "type": "string"}}}), 201)
			for _, set := range [][3]string{{"full", "none", "none"}, {"none", "none", "none"}, {"full", "read", "none"}, {"full", "none", "read"},
				{"read", "full", "none"}, {"full", "write", "read"}, {"full", "none", "full"}} {
				for _, who := range []struct {
					name string
					p    *person
					want reach
				}{
					{"the owner", ann, max(levels[set[0]], levels[set[2]])}, {"a member", bob, max(levels[set[1]], levels[set[2]])},
					{"another", eve, levels[set[2]]}, {"a guest", nil, nothing},
				} {
					if app == "books" && who.p == nil {
						continue // the role guest lets nobody in
					}
					title := q.fresh("note")
					o := q.inSyncano(app, "master", nil, "POST", "/classes/note/objects/", object{"title": title, "body": "hidden in " + title, "owner": ann.seq,
						"owner_permissions": set[0], "group": group, "group_permissions": set[1], "other_permissions": set[2]})
					q.wants(o, 201)
					cell := fmt.Sprintf("%s: %s of an object with owner %s, group %s, others %s", app, who.name, set[0], set[1], set[2])
					if id := q.idOf(app, "notes", title); who.p != nil {
						q.obeys(app, cell, who.p, "notes", id, title, who.want)
					} else {
						q.closed(app, cell, "notes", id, title)
					}
				}
			}
		}
	})
}

func (q *square) wants(a answer, status int) {
	q.t.Helper()
	if a.status != status {
		q.t.Fatalf("answer %d %s, want %d", a.status, a.text, status)
	}
}

// idOf is the UUID of a record by its title.
func (q *square) idOf(app, collection, title string) string {
	q.t.Helper()
	list := q.say(operator, "GET", q.at(app)+"/"+collection+"?ql="+url.QueryEscape("title='"+title+"'"), nil).ok()
	if len(list) != 1 {
		q.t.Fatalf("%d are called %s", len(list), title)
	}
	return uuidOf(list[0])
}

// TestSkygearsAccessHoldsOnUsergridsRoutes for a record's owner, somebody who is named, who holds a role that is named, others and guests.
func TestSkygearsAccessHoldsOnUsergridsRoutes(t *testing.T) {
	eachSquare(t, func(t *testing.T, q *square) {
		entry := func(level string, more ...any) object {
			o := object{"level": level}
			for i := 0; i < len(more); i += 2 {
				o[more[i].(string)] = more[i+1]
			}
			return o
		}
		for _, app := range []string{"books", "sandbox"} {
			ann, bob, eve := q.person(app), q.person(app), q.person(app)
			q.must(operator, "POST", q.at(app)+"/roles", object{"name": "editor"})
			q.must(operator, "POST", q.at(app)+"/roles/editor/users/"+bob.id, nil)
			for _, set := range []struct {
				name            string
				access          any
				named, everyone reach
				guest           reach
			}{
				{"nothing", []object{}, nothing, nothing, nothing},
				{"null", nil, owns, owns, reads},
				{"public read", []object{entry("read", "public", true)}, reads, reads, reads},
				{"public write", []object{entry("write", "public", true)}, owns, owns, reads},
				{"bob read", []object{entry("read", "user_id", bob.id)}, reads, nothing, nothing},
				{"bob write", []object{entry("write", "user_id", bob.id)}, owns, nothing, nothing},
				{"editors read", []object{entry("read", "role", "editor")}, reads, nothing, nothing},
				{"editors write", []object{entry("write", "role", "editor"), entry("read", "public", true)}, owns, reads, reads},
			} {
				for _, who := range []struct {
					name string
					p    *person
					want reach
				}{{"the owner", ann, owns}, {"the named", bob, set.named}, {"another", eve, set.everyone}, {"a guest", nil, set.guest}} {
					if app == "books" && who.p == nil {
						continue
					}
					title := q.fresh("memo")
					saved := q.inSkygear(app, "plain", ann, "record:save", object{"records": []object{{"_id": "memo/" + title, "title": title, "body": "hidden in " + title, "_access": set.access}}})
					if saved.status != 200 || strings.Contains(saved.text, `"error"`) {
						t.Fatal(saved.text)
					}
					cell := fmt.Sprintf("%s: %s of a record with %s", app, who.name, set.name)
					q.obeys(app, cell, who.p, "memos", q.idOf(app, "memos", title), title, who.want)
				}
			}
		}
	})
}

// TestRecordsWithoutGrantsFollowTheRolePolicyInEveryDialect: what Usergrid refuses is refused by the others.
func TestRecordsWithoutGrantsFollowTheRolePolicyInEveryDialect(t *testing.T) {
	eachSquare(t, func(t *testing.T, q *square) {
		const app = "narrow"
		for role, grants := range map[string][]string{
			"default": {"get:/notices/**", "get,post,put,delete:/reviews/**", "post,put,delete:/letters/**"}, "guest": {"get:/notices/**"},
		} {
			for _, g := range grants {
				q.must(operator, "POST", q.at(app)+"/roles/"+role+"/permissions", object{"permission": g})
			}
		}
		ann := q.person(app)
		// Letters are written and not read, which the others need not let anybody do.
		for _, collection := range []string{"notices", "reviews", "letters", "dogs"} {
			for _, who := range []struct {
				name, kind string
				p          *person
			}{{"a user", "plain", ann}, {"a guest", "plain", nil}, {"a guest with a key that reads", "anonymous", nil}} {
				for _, op := range []string{"read", "list", "create", "update", "delete"} {
					title := q.fresh("thing")
					id := q.madeID(q.at(app)+"/"+collection, object{"title": title, "body": "hidden in " + title})
					here := q.doesUsergrid(app, who.p, collection, op, id, title)
					id = q.madeID(q.at(app)+"/"+collection, object{"title": title, "body": "hidden in " + title})
					if there := q.doesSyncano(app, who.kind, who.p, collection, op, id, title); there && !here || who.p != nil && there != here && collection != "letters" {
						t.Errorf("%s may %s %s: %v on Usergrid, %v on Syncano", who.name, op, collection, here, there)
					}
					id = q.madeID(q.at(app)+"/"+collection, object{"title": title, "body": "hidden in " + title})
					if there := q.doesSkygear(app, who.kind, who.p, collection, op, id, title); there && !here || who.p != nil && there != here && collection != "letters" {
						t.Errorf("%s may %s %s: %v on Usergrid, %v on Skygear", who.name, op, collection, here, there)
					}
				}
			}
		}
	})
}

func (q *square) doesUsergrid(app string, p *person, collection, op, id, title string) bool {
	q.t.Helper()
	path := "/" + collection + "/" + id
	switch op {
	case "read":
		return q.inUsergrid(app, p, "GET", path, nil).status == 200
	case "list":
		return strings.Contains(q.inUsergrid(app, p, "GET", "/"+collection+"?limit=1000", nil).text, "hidden in "+title)
	case "create":
		return q.inUsergrid(app, p, "POST", "/"+collection, object{"title": title}).status == 200
	case "update":
		return q.inUsergrid(app, p, "PUT", path, object{"title": title}).status == 200
	}
	return q.inUsergrid(app, p, "DELETE", path, nil).status == 200
}

func (q *square) doesSyncano(app, kind string, p *person, collection, op, id, title string) bool {
	q.t.Helper()
	coll, err := q.engine.LookupCollection(context.Background(), q.apps[app].ID, collection)
	if err != nil {
		q.t.Fatal(err)
	}
	rec, err := q.engine.Record(context.Background(), engine.SystemIn(q.apps[app]), coll, engine.RecordRef{ID: hecate.RecordID(id)})
	if err != nil {
		q.t.Fatal(err)
	}
	all := "/classes/" + collection + "/objects/"
	one := fmt.Sprintf("%s%d/", all, rec.Seq)
	switch op {
	case "read":
		return q.inSyncano(app, kind, p, "GET", one, nil).status == 200
	case "list":
		return strings.Contains(q.inSyncano(app, kind, p, "GET", all+"?page_size=500", nil).text, "hidden in "+title)
	case "create":
		return q.inSyncano(app, kind, p, "POST", all, object{"title": title}).status == 201
	case "update":
		return q.inSyncano(app, kind, p, "PATCH", one, object{"title": title}).status == 200
	}
	return q.inSyncano(app, kind, p, "DELETE", one, nil).status == 204
}

func (q *square) doesSkygear(app, kind string, p *person, collection, op, id, title string) bool {
	q.t.Helper()
	did := func(action string, body object) (string, bool) {
		got := q.inSkygear(app, kind, p, action, body)
		return got.text, got.status == 200 && !strings.Contains(got.text, `"error"`) && !strings.Contains(got.text, `"_type":"error"`)
	}
	key := collection + "/" + id
	var ok bool
	switch op {
	case "read":
		text, _ := did("record:fetch", object{"ids": []string{key}})
		return strings.Contains(text, "hidden in "+title)
	case "list":
		text, _ := did("record:query", object{"record_type": collection, "limit": 1000})
		return strings.Contains(text, "hidden in "+title)
	case "create":
		_, ok = did("record:save", object{"records": []object{{"_id": collection + "/" + q.fresh("new")}}}) // a title is JSON there, which is no text to Skygear
	case "update":
		_, ok = did("record:save", object{"records": []object{{"_id": key}}})
	default:
		_, ok = did("record:delete", object{"ids": []string{key}})
	}
	return ok
}

// TestUsersOfUsergridAreShownByOtherDialectsAsFarAsTheRolePolicySays and changed by nobody else.
func TestUsersOfUsergridAreShownByOtherDialectsAsFarAsTheRolePolicySays(t *testing.T) {
	eachSquare(t, func(t *testing.T, q *square) {
		for app, seen := range map[string]bool{"narrow": false, "books": true} {
			ann, bob := q.person(app), q.person(app)
			q.must(operator, "PUT", q.at(app)+"/users/"+ann.id, object{"body": "hidden in ann"})
			if got := q.inUsergrid(app, bob, "GET", "/users/"+ann.id, nil); strings.Contains(got.text, "hidden in ann") != seen {
				t.Errorf("%s: Usergrid shows %s", app, got.text)
			}
			for name, got := range map[string]answer{
				"profiles":       q.inSyncano(app, "plain", bob, "GET", "/classes/user_profile/objects/", nil),
				"no user":        q.inSyncano(app, "plain", nil, "GET", "/classes/user_profile/objects/", nil),
				"anonymous":      q.inSyncano(app, "anonymous", nil, "GET", "/classes/user_profile/objects/", nil),
				"users":          q.inSyncano(app, "plain", bob, "GET", "/users/", nil),
				"one":            q.inSyncano(app, "plain", bob, "GET", fmt.Sprintf("/users/%d/", ann.seq), nil),
				"records":        q.inSkygear(app, "plain", bob, "record:query", object{"record_type": "user"}),
				"a record":       q.inSkygear(app, "plain", bob, "record:fetch", object{"ids": []string{"user/" + ann.id}}),
				"without a user": q.inSkygear(app, "plain", nil, "record:query", object{"record_type": "user"}),
			} {
				shows := strings.Contains(got.text, "hidden in ann") || strings.Contains(got.text, ann.name+"@x.io")
				if shows && (!seen || strings.Contains(name, "no") || name == "without a user") {
					t.Errorf("%s: %s shows %s", app, name, got.text)
				}
			}
			for name, got := range map[string]answer{
				"Syncano's user":  q.inSyncano(app, "plain", bob, "PATCH", fmt.Sprintf("/users/%d/", ann.seq), object{"username": "taken"}),
				"its password":    q.inSyncano(app, "plain", bob, "PATCH", fmt.Sprintf("/users/%d/", ann.seq), object{"password": "taken"}),
				"its end":         q.inSyncano(app, "plain", bob, "DELETE", fmt.Sprintf("/users/%d/", ann.seq), nil),
				"its key":         q.inSyncano(app, "plain", bob, "POST", fmt.Sprintf("/users/%d/reset_key/", ann.seq), object{}),
				"Skygear's reset": q.inSkygear(app, "plain", bob, "auth:reset_password", object{"auth_id": ann.id, "password": "taken"}),
				"Skygear's state": q.inSkygear(app, "plain", bob, "auth:disable:set", object{"auth_id": ann.id, "disabled": true}),
				"Skygear's roles": q.inSkygear(app, "plain", bob, "role:assign", object{"users": []string{bob.id}, "roles": []string{"admin"}}),
			} {
				if got.status < 400 {
					t.Errorf("%s: %s is changed: %d %s", app, name, got.status, got.text)
				}
			}
			q.must("", "POST", q.at(app)+"/token", object{"grant_type": "password", "username": ann.name, "password": "pass"})
			q.must("Bearer "+ann.token, "GET", q.at(app)+"/users/me", nil)
		}
	})
}

// TestConnectingShowsNothingThatOneMayNotRead: whoever may do everything in one collection must not read all others by connecting to them.
func TestConnectingShowsNothingThatOneMayNotRead(t *testing.T) {
	eachSquare(t, func(t *testing.T, q *square) {
		at, reviewer, someone := q.at("narrow"), q.tokenOf("a reviewer", false), q.person("narrow")
		review := at + "/reviews/" + q.madeID(at+"/reviews", object{"title": "r"})
		another := q.madeID(at+"/reviews", object{"title": "another"})
		dog := q.madeID(at+"/dogs", object{"title": "hidden dog", "name": "rex"})
		for _, to := range []string{dog, "dogs/" + dog, "dogs/rex", someone.id, "users/" + someone.id, "users/" + someone.name} {
			q.say(reviewer, "POST", review+"/likes/"+to, nil).fails(404, "service_resource_not_found")
			q.say(reviewer, "PUT", review+"/connections/likes/"+to, nil).fails(404, "service_resource_not_found")
		}
		if got := q.say(reviewer, "GET", review+"/likes", nil).ok(); len(got) != 0 {
			t.Errorf("connected are %v", got)
		}
		q.say(reviewer, "POST", review+"/likes/"+another, nil).one()
		q.say(reviewer, "POST", review+"/by/users/me", nil).one()
		// What somebody else connected is shown, as the path says.
		q.must(operator, "POST", review+"/about/"+dog, nil)
		q.say(reviewer, "GET", review+"/about", nil).one()
	})
}
