package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// route is one line of the Syncano API, for requests that must all fail.
type route struct {
	method string
	path   string // {I} is the instance; {user} {group} {key} {object} {profile} {invitation} {admin} are ids
	// body is a body whose fields all have their right type; nil where the route reads none. A request with it is never sent.
	body object
	// open says that the route wants no key.
	open bool
}

// routes is contracts/syncano.md section 2, every method that reads input.
var routes = []route{
	{"POST", "/account/register/", object{"email": "x@example.com", "password": "x", "first_name": "x", "last_name": "x"}, true},
	{"POST", "/account/auth/", object{"email": "x@example.com", "password": "x"}, true},
	{"GET", "/account/", nil, false},
	{"PUT", "/account/", object{"email": "x@example.com", "first_name": "x", "metadata": object{}}, false},
	{"PATCH", "/account/", object{"email": "x@example.com", "last_name": "x", "metadata": object{}}, false},
	{"POST", "/account/password/", object{"current_password": "x", "new_password": "x"}, false},
	{"POST", "/account/password/set/", object{"password": "x"}, false},
	{"POST", "/account/password/reset/", object{"email": "nobody@example.com"}, true},
	{"POST", "/account/password/reset/confirm/", object{"uid": "x", "token": "x", "new_password": "x"}, true},
	{"POST", "/account/activate/", object{"uid": "x", "token": "x"}, true},
	{"POST", "/account/resend_email/", object{"email": "nobody@example.com"}, true},
	{"GET", "/account/invitations/", nil, false},
	{"POST", "/account/invitations/accept/", object{"invitation_key": "x"}, false},
	{"GET", "/instances/", nil, false},
	{"POST", "/instances/", object{"name": "abcdef", "description": "x", "metadata": object{}}, false},
	{"GET", "{I}/", nil, false},
	{"PATCH", "{I}/", object{"description": "x", "metadata": object{}}, false},
	{"PUT", "{I}/", object{"description": "x", "metadata": object{}}, false},
	{"POST", "{I}/rename/", object{"new_name": "abcdef"}, false},
	{"GET", "{I}/snippets/config/", nil, false},
	{"PUT", "{I}/snippets/config/", object{"config": object{}}, false},
	{"GET", "{I}/admins/", nil, false},
	{"GET", "{I}/admins/{admin}/", nil, false},
	{"PATCH", "{I}/admins/{admin}/", object{"role": "read"}, false},
	{"GET", "{I}/invitations/", nil, false},
	{"POST", "{I}/invitations/", object{"email": "x@example.com", "role": "read"}, false},
	{"PATCH", "{I}/invitations/{invitation}/", object{"role": "read"}, false},
	{"GET", "{I}/api_keys/", nil, false},
	{"POST", "{I}/api_keys/", object{"description": "x", "ignore_acl": false, "allow_user_create": false, "allow_group_create": false, "allow_anonymous_read": false}, false},
	{"PATCH", "{I}/api_keys/{key}/", object{"description": "x", "ignore_acl": false}, false},
	{"PUT", "{I}/api_keys/{key}/", object{"description": "x", "ignore_acl": false}, false},
	{"GET", "{I}/users/", nil, false},
	{"POST", "{I}/users/", object{"username": "x", "password": "x", "profile": object{}}, false},
	{"GET", "{I}/users/{user}/", nil, false},
	{"PUT", "{I}/users/{user}/", object{"username": "x", "password": "x", "profile": object{}}, false},
	{"PATCH", "{I}/users/{user}/", object{"username": "x", "password": "x", "profile": object{}}, false},
	{"POST", "{I}/user/auth/", object{"username": "x", "password": "x"}, false},
	{"GET", "{I}/users/{user}/groups/", nil, false},
	{"POST", "{I}/users/{user}/groups/", object{"group": 1}, false},
	{"GET", "{I}/groups/", nil, false},
	{"POST", "{I}/groups/", object{"label": "x", "description": "x"}, false},
	{"PATCH", "{I}/groups/{group}/", object{"label": "x", "description": "x"}, false},
	{"GET", "{I}/groups/{group}/users/", nil, false},
	{"POST", "{I}/groups/{group}/users/", object{"user": 1}, false},
	{"GET", "{I}/classes/", nil, false},
	{"POST", "{I}/classes/", object{"name": "x", "description": "x", "schema": []any{}, "group": 1, "group_permissions": "none", "other_permissions": "none", "metadata": object{}}, false},
	{"PATCH", "{I}/classes/bad/", object{"description": "x", "schema": []any{}, "group_permissions": "none", "expected_revision": 1}, false},
	{"PUT", "{I}/classes/bad/", object{"description": "x", "schema": []any{}, "group_permissions": "none"}, false},
	{"GET", "{I}/classes/bad/objects/", nil, false},
	{"POST", "{I}/classes/bad/objects/", badObject, false},
	{"GET", "{I}/classes/bad/objects/{object}/", nil, false},
	{"PATCH", "{I}/classes/bad/objects/{object}/", badObject, false},
	{"POST", "{I}/classes/bad/objects/{object}/", badObject, false},
	{"PATCH", "{I}/classes/user_profile/objects/{profile}/", object{"owner_permissions": "full", "group": 1}, false},
	{"POST", "{I}/batch/", object{"requests": []any{}}, false},
}

// badSchema has every type, so that objects can be wrong in every way.
var badSchema = []object{
	{"name": "s", "type": "string", "filter_index": true, "order_index": true}, {"name": "t", "type": "text"},
	{"name": "i", "type": "integer", "filter_index": true}, {"name": "f", "type": "float"}, {"name": "b", "type": "boolean"},
	{"name": "d", "type": "datetime"}, {"name": "file", "type": "file"}, {"name": "r", "type": "reference", "target": "self", "filter_index": true},
	{"name": "rel", "type": "relation", "target": "user"}, {"name": "a", "type": "array", "filter_index": true}, {"name": "o", "type": "object"},
	{"name": "g", "type": "geopoint", "filter_index": true},
}

var badObject = object{
	"s": "x", "t": "x", "i": 1, "f": 1.5, "b": true, "d": "2016-01-01T00:00:00.0Z", "r": 1, "rel": []any{}, "a": []any{}, "o": object{},
	"g": object{"latitude": 1, "longitude": 1}, "owner": 1, "owner_permissions": "full", "group": 1, "group_permissions": "none", "other_permissions": "none",
}

// deletions are checked for keys and ids only.
var deletions = []route{
	{"DELETE", "{I}/", nil, false},
	{"DELETE", "{I}/admins/{admin}/", nil, false},
	{"DELETE", "{I}/invitations/{invitation}/", nil, false},
	{"DELETE", "{I}/api_keys/{key}/", nil, false},
	{"DELETE", "{I}/users/{user}/", nil, false},
	{"DELETE", "{I}/users/{user}/groups/{group}/", nil, false},
	{"DELETE", "{I}/groups/{group}/", nil, false},
	{"DELETE", "{I}/groups/{group}/users/{user}/", nil, false},
	{"DELETE", "{I}/classes/bad/", nil, false},
	{"DELETE", "{I}/classes/bad/objects/{object}/", nil, false},
	{"POST", "{I}/users/{user}/reset_key/", nil, false},
	{"POST", "{I}/api_keys/{key}/reset_key/", nil, false},
	{"POST", "{I}/invitations/{invitation}/resend/", nil, false},
}

// badWorld is a server with one row of everything, and a second instance whose ids and keys must not open the first.
type badWorld struct {
	*server
	base, other       string
	ids               map[string]string
	apiKey, userKey   string
	otherKey, strange string // an ignore_acl key and a user key of the other instance
	otherIDs          map[string]string
}

// clerk is an admin with a role in both instances: the owner's own role cannot be changed, so it would hide what is wrong with a request.
const (
	clerkKey = "00000000000000000000000000000000000000ca"
	clerk    = "  - {email: clerk@example.com, password: clerk secret, account_key: " + clerkKey + "}\n"
)

func newBadWorld(t *testing.T, database string) *badWorld {
	w := &badWorld{server: start(t, options{database: database, apply: rawAdmins + clerk, args: []string{"--registration", "open"}})}
	w.base, w.other = w.newInstance(t, "testchamber"), w.newInstance(t, "oldaperture")
	// The other instance has more of everything, so that its last ids are unknown to the first.
	w.ids, w.apiKey, w.userKey = w.fill(t, w.base, 1)
	w.otherIDs, w.otherKey, w.strange = w.fill(t, w.other, 3)
	return w
}

// fill makes n rows of everything and gives the ids of the last.
func (w *badWorld) fill(t *testing.T, base string, n int) (ids map[string]string, key, userKey string) {
	post := func(path string, body object) object {
		return w.want(t, 201, call{method: "POST", path: base + path, key: accountKey, json: body}).object
	}
	ids = map[string]string{}
	post("/classes/", object{"name": "bad", "schema": badSchema})
	for i := range n {
		user := post("/users/", object{"username": fmt.Sprint("user ", i), "password": "x"})
		userKey = text(user, "user_key")
		apiKey := post("/api_keys/", object{"ignore_acl": true})
		key = text(apiKey, "api_key")
		ids["user"], ids["profile"], ids["key"] = id(user), id(at(user, "profile")), id(apiKey)
		ids["group"] = id(post("/groups/", object{"label": "g"}))
		ids["object"] = id(post("/classes/bad/objects/", object{"s": "kept"}))
		ids["invitation"] = id(post("/invitations/", object{"email": fmt.Sprintf("i%d@example.com", i), "role": "read"}))
	}
	invited := post("/invitations/", object{"email": "clerk@example.com", "role": "read"})
	w.want(t, 204, call{method: "POST", path: "/v1.1/account/invitations/accept/", key: clerkKey, json: object{"invitation_key": invited["key"]}})
	ids["admin"] = id(w.want(t, 200, call{method: "GET", path: "/v1.1/account/", key: clerkKey}).object)
	return ids, key, userKey
}

func id(v any) string { return fmt.Sprint(number(v, "id")) }

// fit puts the ids into a path.
func (w *badWorld) fit(path, base string, ids map[string]string) string {
	if !strings.HasPrefix(path, "{I}") {
		path = "/v1.1" + path
	}
	path = strings.ReplaceAll(path, "{I}", base)
	for name, value := range ids {
		path = strings.ReplaceAll(path, "{"+name+"}", value)
	}
	return path
}

func TestBadInputOverEveryRoute(t *testing.T) {
	checks := []struct {
		name string
		run  func(w *badWorld, t *testing.T)
	}{
		{"no key and wrong keys", (*badWorld).wrongKeys},
		{"an unknown instance", (*badWorld).unknownInstance},
		{"ids that do not exist, are no numbers, or are of another instance", (*badWorld).wrongIDs},
		{"bodies that are no object", (*badWorld).wrongBodies},
		{"fields of a wrong type", (*badWorld).wrongTypes},
		{"NUL bytes and invalid UTF-8", (*badWorld).wrongText},
		{"too long, too deep, too large", (*badWorld).tooMuch},
		{"query parameters", (*badWorld).wrongQueries},
		{"multipart bodies", (*badWorld).wrongMultipart},
		{"methods and paths", (*badWorld).wrongPaths},
	}
	onBoth(t, func(t *testing.T, database string) {
		w := newBadWorld(t, database)
		for _, c := range checks {
			before := w.snapshot(t)
			t.Run(c.name, func(t *testing.T) { c.run(w, t) })
			if after := w.snapshot(t); !maps.Equal(before, after) {
				for path := range after {
					if before[path] != after[path] {
						t.Errorf("%s: %s changed\nfrom %s\n  to %s", c.name, path, before[path], after[path])
					}
				}
			}
		}
	})
}

// snapshot is everything that bad input must leave alone.
func (w *badWorld) snapshot(t *testing.T) map[string]string {
	t.Helper()
	state := map[string]string{}
	paths := []string{"/v1.1/account/", "/v1.1/instances/"}
	for _, base := range []string{w.base, w.other} {
		for _, p := range []string{"/", "/snippets/config/", "/admins/", "/invitations/", "/api_keys/", "/users/", "/groups/", "/classes/",
			"/classes/bad/objects/", "/classes/user_profile/objects/"} {
			paths = append(paths, base+p)
		}
	}
	for _, p := range paths {
		state[p] = string(w.want(t, 200, call{method: "GET", path: p, key: accountKey}).bytes)
	}
	return state
}

// refuse sends a call that must be answered with a clear 4xx in Syncano's shape, one of these statuses if any are given.
func (w *badWorld) refuse(t *testing.T, why string, c call, statuses ...int) {
	t.Helper()
	a, err := w.send(t.Context(), noRedirect, c)
	if err != nil {
		t.Errorf("%s %s, %s: no answer: %v", c.method, shorten(c.path), why, err)
		return
	}
	if a.status < 400 || a.status > 499 || (len(statuses) > 0 && !slices.Contains(statuses, a.status)) {
		t.Errorf("%s %s, %s: want 4xx %v, got %s", c.method, shorten(c.path), why, statuses, shorten(a.String()))
		return
	}
	// net/http itself answers a header that is too large, in plain text.
	if a.status != http.StatusRequestHeaderFieldsTooLarge && !syncanoError(a) {
		t.Errorf("%s %s, %s: not Syncano's shape: %s", c.method, shorten(c.path), why, shorten(a.String()))
	}
}

func shorten(s string) string {
	if len(s) > 300 {
		return s[:300] + "…"
	}
	return s
}

// syncanoError reports whether the body is {"detail": text} or errors by field: a text, texts, or the same nested.
func syncanoError(a answer) bool {
	if len(a.object) == 0 {
		return false
	}
	if detail, ok := a.object["detail"]; ok && len(a.object) == 1 {
		_, isText := detail.(string)
		return isText
	}
	for _, v := range a.object {
		if !fieldError(v) {
			return false
		}
	}
	return true
}

func fieldError(v any) bool {
	switch v := v.(type) {
	case string:
		return v != ""
	case []any:
		return len(v) > 0 && !slices.ContainsFunc(v, func(e any) bool { _, empty := e.(object); return !empty && !fieldError(e) })
	case object:
		return len(v) > 0 && !slices.ContainsFunc(slices.Collect(maps.Values(v)), func(e any) bool { return !fieldError(e) })
	}
	return false
}

func (w *badWorld) wrongKeys(t *testing.T) {
	for _, r := range slices.Concat(routes, deletions) {
		if r.open {
			continue
		}
		c := call{method: r.method, path: w.fit(r.path, w.base, w.ids)}
		if r.body != nil {
			c.json = r.body
		}
		with := func(why, key, userKey string, statuses ...int) {
			c := c
			c.key, c.userKey = key, userKey
			w.refuse(t, why, c, statuses...)
		}
		with("no key", "", "", 403)
		with("a malformed key", "zz", "", 403)
		with("an unknown key", strings.Repeat("3", 40), "", 403)
		with("a user key alone", "", w.userKey, 403)
		if !strings.HasPrefix(r.path, "{I}") {
			continue
		}
		with("an API key of another instance", w.otherKey, "", 403, 404)
		with("an API key and user key of another instance", w.otherKey, w.strange, 403, 404)
		if r.path != "{I}/user/auth/" { // a role is not needed to be refused there: the credentials are wrong as well
			with("an account without a role", otherAccountKey, "", 403, 404)
		}
	}
}

func (w *badWorld) unknownInstance(t *testing.T) {
	for _, r := range slices.Concat(routes, deletions) {
		if !strings.HasPrefix(r.path, "{I}") {
			continue
		}
		c := call{method: r.method, path: w.fit(r.path, "/v1.1/instances/nowhere-at-all", w.ids), key: accountKey}
		if r.body != nil {
			c.json = r.body
		}
		w.refuse(t, "unknown instance", c, 404)
		c.key = ""
		w.refuse(t, "unknown instance and no key", c, 404, 403)
		c.path = w.fit(r.path, "/v1.1/instances/"+strings.Repeat("n", 300), w.ids)
		w.refuse(t, "endless instance name", c, 404, 403)
		c.path = w.fit(r.path, "/v1.1/instances/%00%ff", w.ids)
		w.refuse(t, "binary instance name", c, 404, 403, 400)
	}
}

func (w *badWorld) wrongIDs(t *testing.T) {
	for _, r := range slices.Concat(routes, deletions) {
		for name := range w.ids {
			if !strings.Contains(r.path, "{"+name+"}") {
				continue
			}
			wrong := []string{"0", "-1", "null", "1e3", "1.5", "99999999", "9223372036854775808", "99999999999999999999999", "%00", "%ff", "%F0%9F%94%91", "1%2F..", "'", "id%3B--"}
			if name != "admin" { // the clerk of both is one and the same
				wrong = append(wrong, w.otherIDs[name])
			}
			for _, value := range wrong {
				ids := maps.Clone(w.ids)
				ids[name] = value
				c := call{method: r.method, path: w.fit(r.path, w.base, ids), key: accountKey}
				if r.body != nil {
					c.json = object{}
				}
				w.refuse(t, name+" "+value, c, 404, 400, 403)
			}
		}
	}
	for _, field := range []struct{ path, name, value string }{
		{"{I}/users/{user}/groups/", "group", w.otherIDs["group"]},
		{"{I}/groups/{group}/users/", "user", w.otherIDs["user"]},
		{"{I}/classes/bad/objects/", "group", w.otherIDs["group"]},
		{"{I}/classes/bad/objects/", "owner", w.otherIDs["user"]},
		{"{I}/classes/", "group", w.otherIDs["group"]},
	} {
		w.refuse(t, field.name+" of another instance", call{method: "POST", path: w.fit(field.path, w.base, w.ids), key: accountKey,
			body: []byte(fmt.Sprintf(`{"name":"newer","%s":%s}`, field.name, field.value)), header: map[string]string{"Content-Type": "application/json"}}, 400)
	}
}

// textBodies are bodies that cannot be read as the object that every route expects.
var textBodies = []struct{ why, contentType, body string }{
	{"broken JSON", "application/json", `{"a":`},
	{"text after the JSON", "application/json", `{} {}`},
	{"a list", "application/json", `[1]`},
	{"a number", "application/json", `5`},
	{"a text", "application/json", `"x"`},
	{"null", "application/json", `null`},
	{"not JSON", "application/json", `name=x`},
	{"a type nobody knows", "application/xml", `<a/>`},
	{"a broken content type", ";;;", `{}`},
	{"multipart without a boundary", "multipart/form-data", `x`},
	{"multipart that breaks off", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"username\"\r\n\r\nx"},
	{"an array nested without end", "application/json", strings.Repeat("[", 100000)},
	{"an object nested without end", "application/json", strings.Repeat(`{"a":`, 100000)},
}

func (w *badWorld) wrongBodies(t *testing.T) {
	for _, r := range routes {
		if r.body == nil {
			continue
		}
		for _, b := range textBodies {
			w.refuse(t, b.why, call{method: r.method, path: w.fit(r.path, w.base, w.ids), key: accountKey,
				body: []byte(b.body), header: map[string]string{"Content-Type": b.contentType}})
		}
	}
}

// wrongFor gives values that are wrong where this right value stands.
func wrongFor(right any) []any {
	switch right.(type) {
	case string:
		return []any{object{"a": 1}, []any{"x"}, true}
	case bool:
		return []any{"perhaps", object{}, []any{}, 7}
	case int:
		return []any{"many", object{"a": 1}, []any{1}, 1.5, 1e300, -9e18}
	case float64:
		return []any{"much", object{"a": 1}, []any{1}}
	case []any:
		return []any{"[", 5, object{"a": 1}, true}
	case object:
		return []any{"{", 5, []any{1}, true}
	}
	return nil
}

func (w *badWorld) wrongTypes(t *testing.T) {
	for _, r := range routes {
		for name, right := range r.body {
			for _, wrong := range wrongFor(right) {
				body := maps.Clone(r.body)
				maps.DeleteFunc(body, func(k string, v any) bool {
					return k != name && r.method == "PATCH" || k == "group" && k != name || k == "r" && k != name
				})
				body[name] = wrong
				w.refuse(t, fmt.Sprintf("%s = %v", name, shorten(canonical(t, wrong))), call{method: r.method, path: w.fit(r.path, w.base, w.ids), key: accountKey, json: body}, 400, 401, 403)
			}
		}
	}
}

func (w *badWorld) wrongText(t *testing.T) {
	for _, r := range routes {
		for name, right := range r.body {
			if _, ok := right.(string); !ok {
				continue
			}
			body := maps.Clone(r.body)
			maps.DeleteFunc(body, func(k string, _ any) bool { return k == "group" || k == "r" })
			body[name] = "MARK"
			encoded, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			path := w.fit(r.path, w.base, w.ids)
			for why, text := range map[string]string{
				"a NUL":         `a\u0000b`,
				"a raw NUL":     "a\x00b",
				"invalid UTF-8": "a\xff\xfeb",
			} {
				w.refuse(t, name+" with "+why, call{method: r.method, path: path, key: accountKey, header: map[string]string{"Content-Type": "application/json"},
					body: bytes.Replace(encoded, []byte("MARK"), []byte(text), 1)}, 400, 401)
			}
			form := url.Values{name: {"a\x00b"}}
			w.refuse(t, name+" with a NUL in a form", call{method: r.method, path: path, key: accountKey, form: form}, 400, 401)
			form = url.Values{name: {"a\xffb"}}
			w.refuse(t, name+" with invalid UTF-8 in a form", call{method: r.method, path: path, key: accountKey, form: form}, 400, 401)
		}
	}
	// Names of fields may be wrong, too.
	for _, body := range []string{`{"o":{"a\u0000":1}}`, "{\"o\":{\"a\xff\":1}}", `{"a":["x\u0000"]}`} {
		w.refuse(t, body, call{method: "PATCH", path: w.fit("{I}/classes/bad/objects/{object}/", w.base, w.ids), key: accountKey,
			body: []byte(body), header: map[string]string{"Content-Type": "application/json"}}, 400)
	}
}

func (w *badWorld) tooMuch(t *testing.T) {
	long := strings.Repeat("x", 70000)
	for _, r := range routes {
		for name, right := range r.body {
			if _, ok := right.(string); !ok || name == "new_password" || r.path == "/account/auth/" {
				continue
			}
			body := maps.Clone(r.body)
			maps.DeleteFunc(body, func(k string, _ any) bool { return k == "group" || k == "r" })
			body[name] = long
			w.refuse(t, name+" of 70000 characters", call{method: r.method, path: w.fit(r.path, w.base, w.ids), key: accountKey, json: body}, 400, 401)
		}
	}
	huge := bytes.Repeat([]byte("x"), 17<<20)
	for _, r := range []route{
		{"POST", "{I}/users/", object{}, false},
		{"POST", "{I}/user/auth/", object{}, false},
		{"POST", "/account/auth/", object{}, true},
		{"PATCH", "{I}/classes/bad/objects/{object}/", object{}, false},
	} {
		w.refuse(t, "a body of 17 MB", call{method: r.method, path: w.fit(r.path, w.base, w.ids), key: accountKey,
			header: map[string]string{"Content-Type": "application/json"}, body: slices.Concat([]byte(`{"username":"`), huge, []byte(`"}`))}, 400, 413)
	}
	keys := object{}
	for i := range 2000 {
		keys[fmt.Sprint("k", i)] = i
	}
	w.refuse(t, "2000 keys of configuration", call{method: "PUT", path: w.base + "/snippets/config/", key: accountKey, json: object{"config": keys}}, 400)
	w.refuse(t, "2000 keys of metadata", call{method: "PATCH", path: w.base + "/", key: accountKey, json: object{"metadata": keys}}, 400)
	deep := any("x")
	for range 500 {
		deep = object{"a": deep}
	}
	w.refuse(t, "an object 500 deep", call{method: "PATCH", path: w.fit("{I}/classes/bad/objects/{object}/", w.base, w.ids), key: accountKey, json: object{"o": deep}}, 400, 413)
	w.refuse(t, "a query 500 deep", call{method: "GET", path: w.base + "/classes/bad/objects/?query=" + url.QueryEscape(canonical(t, deep)), key: accountKey}, 400)
	w.refuse(t, "an endless query string", call{method: "GET", path: w.base + "/users/?x=" + strings.Repeat("y", 200000), key: accountKey}, 400, 414, 431)
	w.refuse(t, "an endless key", call{method: "GET", path: w.base + "/users/", key: strings.Repeat("a", 5000)}, 403, 400, 431)
	list := make([]any, 200)
	for i := range list {
		list[i] = i
	}
	w.refuse(t, "200 values for _in", call{method: "GET", key: accountKey,
		path: w.base + "/classes/bad/objects/?query=" + url.QueryEscape(canonical(t, object{"i": object{"_in": list}}))}, 400)
}

func (w *badWorld) wrongQueries(t *testing.T) {
	pages := []string{"page_size=-1", "page_size=x", "page_size=1.5", "page_size=99999999999999999999", "direction=2&last_pk=1", "direction=x&last_pk=1",
		"direction=1&last_pk=x", "direction=1&last_pk=-1", "direction=1&last_pk=99999999999999999999", "page_size=%00", "page_size=%ff"}
	for _, list := range []string{"/v1.1/instances/", w.base + "/users/", w.base + "/groups/", w.base + "/classes/", w.base + "/api_keys/", w.base + "/classes/bad/objects/"} {
		for _, q := range pages {
			w.refuse(t, q, call{method: "GET", path: list + "?" + q, key: accountKey}, 400)
		}
	}
	objects := w.base + "/classes/bad/objects/"
	for _, q := range []string{`x`, `[]`, `5`, `null`, `{"i":5}`, `{"i":{"_eq":{}}}`, `{"i":{"_in":5}}`, `{"i":{"_in":["x"]}}`, `{"s":{"_contains":[]}}`,
		`{"s":{"_eq":"a\u0000b"}}`, "{\"s\":{\"_eq\":\"a\xffb\"}}", `{"nope":{"_eq":1}}`, `{"i":{"_nope":1}}`, `{"i":{}, "s":{"":1}}`, `{"t":{"_eq":"x"}}`, `{"g":{"_near":{}}}`,
		`{"g":{"_near":{"latitude":100,"longitude":0}}}`, `{"g":{"_near":{"latitude":0,"longitude":0,"distance_in_miles":99999999}}}`, `{"g":{"_eq":1}}`,
		`{"r":{"_is":{"nope":{"_eq":1}}}}`, `{"r":{"_is":5}}`, `{"r":{"_is":{"r":{"_is":{"s":{"_eq":"x"}}}}}}`, `{"a":{"_contains":5}}`, `{"a":{"_contains":[{}]}}`,
		`{"i":{"_exists":"perhaps"}}`, `{"created_at":{"_gt":"yesterday"}}`, `{"id":{"_eq":"x"}}`, `{"i');drop table records;--":{"_eq":1}}`,
		`{"s":{"_like":"` + strings.Repeat("%", 129) + `"}}`, strings.Repeat(`{"i":`, 1000), `{"i":{"_eq":1e999}}`} {
		w.refuse(t, "query "+shorten(q), call{method: "GET", path: objects + "?query=" + url.QueryEscape(q), key: accountKey}, 400)
	}
	for _, q := range []string{"order_by=nope", "order_by=t", "order_by=-", "order_by=i%00", "order_by=s;drop", "order_by=s&direction=1&last_pk=x&last_value=y", "order_by=a,b"} {
		w.refuse(t, q, call{method: "GET", path: objects + "?" + q, key: accountKey}, 400)
	}
}

func (w *badWorld) wrongMultipart(t *testing.T) {
	path := w.fit("{I}/classes/bad/objects/{object}/", w.base, w.ids)
	file := func(name, filename string) part {
		return part{name: name, filename: filename, contentType: "image/png", bytes: []byte("x")}
	}
	many := make([]part, 5000)
	for i := range many {
		many[i] = part{name: fmt.Sprint("p", i), bytes: []byte("x")}
	}
	for why, parts := range map[string][]part{
		"a file for a number":           {file("i", "x.png")},
		"a file for a text":             {file("s", "x.png")},
		"text for a file":               {{name: "file", bytes: []byte("x")}},
		"an extension without end":      {file("file", "x."+strings.Repeat("e", 40))},
		"a wrong number beside a file":  {file("file", "x.png"), {name: "i", bytes: []byte("many")}},
		"a NUL beside a file":           {file("file", "x.png"), {name: "s", bytes: []byte("a\x00b")}},
		"invalid UTF-8 beside a file":   {file("file", "x.png"), {name: "s", bytes: []byte("a\xffb")}},
		"broken JSON beside a file":     {file("file", "x.png"), {name: "o", bytes: []byte("{")}},
		"a text too long beside a file": {file("file", "x.png"), {name: "s", bytes: bytes.Repeat([]byte("x"), 1000)}},
		"five thousand parts":           append(many, part{name: "i", bytes: []byte("many")}),
	} {
		for _, method := range []string{"PATCH", "POST"} {
			w.refuse(t, why, call{method: method, path: path, key: accountKey, parts: parts}, 400, 413)
		}
		w.refuse(t, why, call{method: "POST", path: w.base + "/classes/bad/objects/", key: accountKey, parts: parts}, 400, 413)
	}
	w.refuse(t, "a file for a user", call{method: "POST", path: w.base + "/users/", key: accountKey, parts: []part{file("username", "x.png"), file("password", "y.png")}}, 400)
}

func (w *badWorld) wrongPaths(t *testing.T) {
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/v1.1/instances", 404},
		{"GET", "/v1.1/nowhere/", 404},
		{"GET", "/v1.2/instances/", 404},
		{"GET", w.base + "/nowhere/", 404},
		{"GET", w.base + "/users", 404},
		{"GET", w.base + "/classes/nope/", 404},
		{"GET", w.base + "/classes/nope/objects/", 404},
		{"GET", w.base + "/classes/%00/objects/", 400},
		{"GET", w.base + "/classes/" + strings.Repeat("c", 5000) + "/", 404},
		{"PUT", w.base + "/users/", 405},
		{"DELETE", w.base + "/users/", 405},
		{"PUT", w.fit("{I}/classes/bad/objects/{object}/", w.base, w.ids), 405},
		{"DELETE", "/v1.1/account/", 405},
		{"POST", w.base + "/admins/", 405},
		{"GET", w.base + "/user/auth/", 405},
		{"GET", w.base + "/rename/", 405},
		{"BREW", w.base + "/users/", 405},
	} {
		w.refuse(t, "path", call{method: c.method, path: c.path, key: accountKey}, c.status)
	}
	for _, p := range []string{"/v1.1/instances/../instances/x/", "/v1.1//instances/", w.base + "//users/"} {
		w.refuse(t, "path", call{method: "GET", path: p, key: accountKey})
	}
}
