package e2e

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// TestTheWire is contracts/syncano.md section 1 where the flows of the client do not show it.
func TestTheWire(t *testing.T) {
	t.Parallel()
	s := start(t, options{apply: rawAdmins})
	w := &wire{server: s, base: s.newInstance(t, "anomalous-materials")}
	s.want(t, 201, call{method: "POST", path: w.base + "/classes/", key: accountKey, json: object{"name": "crystals", "schema": wireSchema}})
	for _, c := range []struct {
		name string
		run  func(w *wire, t *testing.T)
	}{
		{"roots and versions", (*wire).roots},
		{"paths", (*wire).paths},
		{"every content type on POST, PUT and PATCH", (*wire).contentTypes},
		{"JSON text inside strings", (*wire).jsonText},
		{"bodies on GET and DELETE are ignored", (*wire).idleBodies},
		{"texts are trimmed, numbers are texts", (*wire).texts},
		{"pages", (*wire).pages},
		{"fields and excluded_fields", (*wire).fields},
		{"answers", (*wire).answers},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(w, t) })
	}
}

type wire struct {
	*server
	base string
}

var wireSchema = []object{
	{"name": "label", "type": "string", "order_index": true}, {"name": "n", "type": "integer"}, {"name": "place", "type": "geopoint"},
	{"name": "tags", "type": "array"}, {"name": "info", "type": "object"}, {"name": "friends", "type": "relation", "target": "self"},
}

func (w *wire) roots(t *testing.T) {
	same(t, "/", w.want(t, 200, call{method: "GET", path: "/"}).object, object{"links": object{"v1": "/v1/", "v1.1": "/v1.1/", "v2": "/v2/"}})
	same(t, "/v1.1/", w.want(t, 200, call{method: "GET", path: "/v1.1/"}).object, object{"links": object{"instances": "/v1.1/instances/",
		"backups": "/v1.1/backups/", "account": "/v1.1/account/", "usage": "/v1.1/usage/"}})
	name := "/instances/anomalous-materials/"
	for version, keys := range map[string]string{
		"/v1.1": "self admins snippets endpoints push_notification classes invitations api_keys triggers schedules users groups channels batch rename backups restores hosting",
		"/v1":   "self admins classes codeboxes runtimes invitations api_keys triggers webhooks schedules users groups channels hla_objects batch templates rename push_notification backups restores",
	} {
		links, _ := w.want(t, 200, call{method: "GET", path: version + name, key: accountKey}).object["links"].(object)
		same(t, "links of "+version, slices.Sorted(maps.Keys(links)), slices.Sorted(slices.Values(strings.Fields(keys))))
		for key, link := range links {
			if !strings.HasPrefix(fmt.Sprint(link), version+name) {
				t.Errorf("%s: link %s is %v", version, key, link)
			}
		}
		same(t, "self", links["self"], version+name)
		same(t, "rename", links["rename"], version+name+"rename/")
		same(t, "push_notification", links["push_notification"], version+name+"push_notifications/")
	}
}

func (w *wire) paths(t *testing.T) {
	for _, c := range []struct {
		path   string
		status int
	}{
		{strings.Replace(w.base, "anomalous", "Anomalous", 1) + "/classes/CRYSTALS/objects/", 200},
		{w.base + "/classes/Crystals/", 200},
		{w.base, 404}, {w.base + "/users", 404}, {"/v1.1", 404}, {"/v1.1/instances", 404}, {w.base + "/classes/crystals/objects", 404},
		{w.base + "/users/null/", 404}, {w.base + "/classes/crystals/objects/null/", 404}, {w.base + "/invitations/undefined/", 404},
		{w.base + "/groups/1.5/", 404}, {w.base + "/api_keys/-1/", 404}, {w.base + "/admins/x/", 404},
		{"/v2/instances/", 404}, {"/v1.2/instances/", 404},
	} {
		if a := w.do(t, call{method: "GET", path: c.path, key: accountKey}); a.status != c.status || a.status == 404 && text(a.object, "detail") == "" {
			t.Errorf("%s: want %d, got %s", c.path, c.status, a)
		}
	}
}

func (w *wire) contentTypes(t *testing.T) {
	create := w.base + "/groups/"
	id := number(w.want(t, 201, call{method: "POST", path: create, key: accountKey, json: object{"label": "first"}}).object, "id")
	one := fmt.Sprintf("%s%d/", create, id)
	for _, method := range []string{"POST", "PUT", "PATCH"} {
		path, status := one, 200
		if method == "POST" {
			path, status = create, 201
		}
		for kind, c := range map[string]call{
			"json":           {json: object{"label": method, "nobody": "knows this", "links": object{}, "instanceName": "x"}},
			"form":           {form: url.Values{"label": {method}, "nobody": {"x"}}},
			"multipart":      {parts: []part{{name: "label", bytes: []byte(method)}, {name: "nobody", bytes: []byte("x")}}},
			"json+charset":   {body: []byte(`{"label":"` + method + `"}`), header: map[string]string{"Content-Type": "application/json; charset=UTF-8"}},
			"form+charset":   {body: []byte("label=" + method), header: map[string]string{"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}},
			"form, two give": {body: []byte("label=x&label=" + method), header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}},
		} {
			c.method, c.path, c.key = method, path, accountKey
			if a := w.do(t, c); a.status != status || text(a.object, "label") != method {
				t.Errorf("%s by %s: %s", method, kind, a)
			}
		}
		a := w.want(t, 415, call{method: method, path: path, key: accountKey, body: []byte("<a/>"), header: map[string]string{"Content-Type": "application/xml"}})
		same(t, "unknown type", a.object, object{"detail": `Unsupported media type "application/xml" in request.`})
	}
}

func (w *wire) jsonText(t *testing.T) {
	objects := w.base + "/classes/crystals/objects/"
	first := number(w.want(t, 201, call{method: "POST", path: objects, key: accountKey, json: object{"label": "friend"}}).object, "id")
	fields := map[string]string{"place": `{"latitude":52.5,"longitude":13.4}`, "tags": `["a",1,true]`, "info": `{"a":{"b":[1]}}`, "friends": fmt.Sprintf("[%d]", first), "n": "5"}
	asText, asForm := object{}, url.Values{}
	for name, v := range fields {
		asText[name] = v
		asForm.Set(name, v)
	}
	for kind, c := range map[string]call{"json": {json: asText}, "form": {form: asForm}} {
		c.method, c.path, c.key = "POST", objects, accountKey
		a := w.want(t, 201, c)
		same(t, kind+": place", a.object["place"], object{"type": "geopoint", "latitude": 52.5, "longitude": 13.4})
		same(t, kind+": tags", a.object["tags"], []any{"a", 1, true})
		same(t, kind+": info", a.object["info"], object{"a": object{"b": []any{1}}})
		same(t, kind+": friends", a.object["friends"], object{"type": "relation", "target": "self", "value": []any{first}})
		same(t, kind+": n", a.object["n"], 5)
		one := call{method: "PATCH", path: fmt.Sprintf("%s%d/", objects, number(a.object, "id")), key: accountKey}
		one.json = object{"n": `{"_increment": 2}`, "tags": `{"_add": "z"}`, "friends": fmt.Sprintf(`{"_remove": [%d]}`, first)}
		a = w.want(t, 200, one)
		same(t, kind+": incremented", a.object["n"], 7)
		same(t, kind+": added", a.object["tags"], []any{"a", 1, true, "z"})
		same(t, kind+": removed", a.object["friends"], nil)
	}
	a := w.want(t, 201, call{method: "POST", path: w.base + "/classes/", key: accountKey,
		json: object{"name": "texts", "schema": `[{"name":"a","type":"string"}]`, "metadata": `{"color":"red"}`}})
	same(t, "schema", a.object["schema"], []any{object{"name": "a", "type": "string"}})
	same(t, "metadata", a.object["metadata"], object{"color": "red"})
	a = w.want(t, 200, call{method: "PUT", path: w.base + "/snippets/config/", key: accountKey, json: object{"config": `{"a":1}`}})
	same(t, "config", a.object, object{"config": object{"a": 1}})
}

func (w *wire) idleBodies(t *testing.T) {
	for kind, c := range map[string]call{
		"an empty object": {json: object{}},
		"an object":       {json: object{"label": "x", "user": 5}},
		"no JSON":         {body: []byte("{"), header: map[string]string{"Content-Type": "application/json"}},
		"nothing":         {header: map[string]string{"Content-Type": "application/json"}},
		"a form":          {form: url.Values{"a": {"b"}}},
	} {
		c.key, c.method, c.path = accountKey, "GET", w.base+"/groups/"
		if a := w.do(t, c); a.status != 200 {
			t.Errorf("GET with %s: %s", kind, a)
		}
		id := number(w.want(t, 201, call{method: "POST", path: w.base + "/groups/", key: accountKey, json: object{}}).object, "id")
		c.method, c.path = "DELETE", fmt.Sprintf("%s/groups/%d/", w.base, id)
		if a := w.do(t, c); a.status != 204 || len(a.bytes) != 0 {
			t.Errorf("DELETE with %s: %s", kind, a)
		}
	}
}

func (w *wire) texts(t *testing.T) {
	users := w.base + "/users/"
	a := w.want(t, 201, call{method: "POST", path: users, key: accountKey, json: object{"username": "  eli vance \n", "password": " kleiner "}})
	same(t, "username", a.object["username"], "eli vance")
	w.want(t, 200, call{method: "POST", path: w.base + "/user/auth/", key: accountKey, json: object{"username": "eli vance", "password": "kleiner"}})
	a = w.want(t, 201, call{method: "POST", path: users, key: accountKey, json: object{"username": 42, "password": 4711}})
	same(t, "username", a.object["username"], "42")
	w.want(t, 200, call{method: "POST", path: w.base + "/user/auth/", key: accountKey, form: url.Values{"username": {"42"}, "password": {"4711"}}})
	a = w.want(t, 400, call{method: "POST", path: users, key: accountKey, json: object{"username": true, "password": object{}}})
	same(t, "no texts", a.object, object{"username": []string{"Not a valid string."}, "password": []string{"Not a valid string."}})
	a = w.want(t, 400, call{method: "POST", path: users, key: accountKey, json: object{"username": "  ", "password": nil}})
	same(t, "blank and null", a.object, object{"username": []string{"This field may not be blank."}, "password": []string{"This field may not be null."}})
	a = w.want(t, 201, call{method: "POST", path: w.base + "/classes/crystals/objects/", key: accountKey, json: object{"label": "  kept \n"}})
	same(t, "a schema's text", a.object["label"], "  kept \n")
	a = w.want(t, 400, call{method: "POST", path: users, key: accountKey, json: []any{1}})
	same(t, "a list", a.object, object{"non_field_errors": []string{"Invalid data. Expected a dictionary, but got list."}})
	a = w.want(t, 201, call{method: "POST", path: users, key: accountKey, json: object{"username": "ünïcödé 🔑", "password": "x"}})
	if !strings.Contains(string(a.bytes), "ünïcödé 🔑") {
		t.Errorf("escaped: %s", a)
	}
}

func (w *wire) pages(t *testing.T) {
	w.want(t, 201, call{method: "POST", path: w.base + "/classes/", key: accountKey,
		json: object{"name": "pages", "schema": []object{{"name": "n", "type": "integer", "order_index": true}}}})
	list := w.base + "/classes/pages/objects/"
	var ids []int
	for n := range 5 {
		ids = append(ids, number(w.want(t, 201, call{method: "POST", path: list, key: accountKey, json: object{"n": n % 3}}).object, "id"))
	}
	page := func(path string) (next, prev any, got []int) {
		a := w.want(t, 200, call{method: "GET", path: path, key: accountKey})
		for _, key := range []string{"next", "prev"} {
			if _, ok := a.object[key]; !ok {
				t.Errorf("%s: no %s", path, key)
			}
		}
		rows, _ := a.object["objects"].([]any)
		for _, row := range rows {
			got = append(got, number(row, "id"))
		}
		return a.object["next"], a.object["prev"], got
	}
	walk := func(path string, forwards bool) (all []int) {
		for range 10 {
			next, prev, got := page(path)
			to := next
			if forwards {
				all = append(all, got...)
			} else {
				all, to = append(got, all...), prev
			}
			link, ok := to.(string)
			if !ok {
				return all
			}
			path = link
		}
		t.Fatalf("%s has no end", path)
		return nil
	}
	byN := []int{ids[0], ids[3], ids[1], ids[4], ids[2]}
	same(t, "all", walk(list, true), ids)
	same(t, "in twos", walk(list+"?page_size=2", true), ids)
	same(t, "in fives, the last page exactly full", walk(list+"?page_size=5", true), ids)
	same(t, "by n", walk(list+"?page_size=2&order_by=n", true), byN)
	slices.Reverse(byN)
	same(t, "by n downwards", walk(list+"?page_size=2&order_by=-n", true), byN)
	same(t, "backwards", walk(fmt.Sprintf("%s?page_size=2&direction=0&last_pk=%d", list, ids[4]), false), ids[:4])

	next, prev, got := page(list + "?page_size=2")
	same(t, "first page", []any{prev, got}, []any{nil, ids[:2]})
	next, prev, got = page(fmt.Sprint(next) + "&page_size=2&page_size=3") // clients append what the link says already: the last one counts
	same(t, "rest", []any{next, got}, []any{nil, ids[2:]})
	if prev == nil {
		t.Error("a later page has prev")
	}
	_, _, got = page(list + "?page_size=0")
	same(t, "page_size=0", len(got), 0)
	_, _, got = page(list + "?page_size=100000")
	same(t, "page_size=100000", got, ids)
	a := w.want(t, 200, call{method: "GET", path: list + "?page_size=0&include_count=True", key: accountKey})
	same(t, "count", a.object["objects_count"], 5)
	for _, wrong := range []string{"page_size=x", "page_size=-1", "direction=1&last_pk=x", "direction=5&last_pk=1"} {
		a := w.want(t, 400, call{method: "GET", path: list + "?" + wrong, key: accountKey})
		same(t, wrong, a.object, object{"detail": "Incorrect page parameter provided."})
	}
}

func (w *wire) fields(t *testing.T) {
	user := w.newUser(t, w.base, "arne", "x")
	path := fmt.Sprintf("%s/users/%d/", w.base, number(user, "id"))
	keys := func(query string) []string {
		a := w.want(t, 200, call{method: "GET", path: path + query, key: accountKey})
		return slices.Sorted(maps.Keys(a.object))
	}
	same(t, "two", keys("?fields=id,username"), []string{"id", "username"})
	same(t, "without", keys("?excluded_fields=links,profile,user_key"), []string{"groups", "id", "username"})
	same(t, "exclusion wins", keys("?fields=id,username&excluded_fields=id"), []string{"username"})
	list := w.want(t, 200, call{method: "GET", path: w.base + "/users/?fields=id", key: accountKey})
	rows, _ := list.object["objects"].([]any)
	for _, row := range rows {
		if m, _ := row.(object); len(m) != 1 {
			t.Errorf("a row shows %v", m)
		}
	}
	nested := w.want(t, 200, call{method: "GET", path: path + "?excluded_fields=links", key: accountKey})
	if at(nested.object, "profile", "links") != nil || at(nested.object, "profile", "id") == nil {
		t.Errorf("the profile keeps its links: %s", nested)
	}
}

func (w *wire) answers(t *testing.T) {
	for _, c := range []call{
		{method: "GET", path: w.base + "/", key: accountKey}, {method: "GET", path: w.base + "/"}, {method: "GET", path: "/v1.1/nowhere/"},
		{method: "POST", path: "/v1.1/account/auth/", json: object{"email": "x@example.com", "password": "y"}},
	} {
		if got := w.do(t, c).header.Get("Content-Type"); got != "application/json; charset=utf-8" {
			t.Errorf("%s: %q", c.path, got)
		}
	}
	for name, c := range map[string]struct {
		call
		status int
		body   object
	}{
		"a wrong method":           {call{method: "PUT", path: w.base + "/users/", key: accountKey}, 405, object{"detail": `Method "PUT" not allowed.`}},
		"broken JSON":              {call{method: "POST", path: w.base + "/users/", key: accountKey, body: []byte("{"), header: map[string]string{"Content-Type": "application/json"}}, 400, nil},
		"an unknown class":         {call{method: "GET", path: w.base + "/classes/none/objects/", key: "bad"}, 404, object{"detail": "Class was not found."}},
		"an unknown user":          {call{method: "GET", path: w.base + "/users/999/groups/", key: "bad"}, 404, object{"detail": "User was not found."}},
		"an unknown group":         {call{method: "GET", path: w.base + "/groups/999/users/", key: "bad"}, 404, object{"detail": "Group was not found."}},
		"an unknown object":        {call{method: "GET", path: w.base + "/classes/crystals/objects/999/", key: accountKey}, 404, object{"detail": "Not found."}},
		"a foreign instance":       {call{method: "GET", path: w.base + "/", key: otherAccountKey}, 404, object{"detail": "Not found."}},
		"inside a foreign one":     {call{method: "GET", path: w.base + "/users/", key: otherAccountKey}, 403, denied},
		"an unreadable file":       {call{method: "GET", path: "/v1.1/files/" + strings.Repeat("a", 40) + ".png"}, 404, object{"detail": "Not found."}},
		"a stale revision":         {call{method: "PATCH", path: w.base + "/classes/crystals/", key: accountKey, json: object{"expected_revision": 9}}, 400, object{"expected_revision": "Revision mismatch. Expected 9, got 1."}},
		"a query that is no query": {call{method: "GET", path: w.base + "/classes/crystals/objects/?query=x", key: accountKey}, 400, object{"query": "Not a valid JSON string."}},
	} {
		a := w.want(t, c.status, c.call)
		if c.body != nil {
			same(t, name, a.object, c.body)
		} else if !strings.HasPrefix(text(a.object, "detail"), "JSON parse error - ") {
			t.Errorf("%s: %s", name, a)
		}
	}
}
