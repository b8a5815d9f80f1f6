package e2e

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	hex40     = regexp.MustCompile(`^[0-9a-f]{40}$`)
	timestamp = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$`)
	denied    = object{"detail": "You do not have permission to perform this action."}
)

// seedFlow is the state that the points of the acceptance list hand to each other.
type seedFlow struct {
	*server
	base    string // path of the instance
	apiKey  string // may create users
	user    object // as the sign-up answered
	userKey string // the one in force
}

// TestTheSeedDocumentsByCurl is the acceptance list, contracts/syncano.md section 5, with the requests that the documents' curl
// lines send. Point 9, social login, has an issue of its own.
func TestTheSeedDocumentsByCurl(t *testing.T) {
	points := []struct {
		name string
		run  func(f *seedFlow, t *testing.T)
	}{
		{"1 an account key creates an API key", (*seedFlow).createKey},
		{"2 the API key creates a user", (*seedFlow).createUser},
		{"2 an account key creates one too, a plain key does not", (*seedFlow).createUserOtherwise},
		{"3 a fresh instance has user_profile, protected", (*seedFlow).profileClass},
		{"4 a form gives the profile an avatar", (*seedFlow).profileSchema},
		{"5 the user uploads his avatar", (*seedFlow).uploadAvatar},
		{"6 logging in", (*seedFlow).login},
		{"7 an object belongs to the user who creates it", (*seedFlow).createObject},
		{"8 the current user", (*seedFlow).currentUser},
		{"10 resetting the user key", (*seedFlow).resetKey},
		{"11 a changed password ends the user key", (*seedFlow).changePassword},
		{"1.2 the five ways to pass a key", (*seedFlow).fiveWays},
	}
	onBoth(t, func(t *testing.T, database string) {
		f := &seedFlow{server: start(t, options{database: database, apply: rawAdmins})}
		f.base = f.newInstance(t, "blackmesa")
		for _, p := range points {
			if !t.Run(p.name, func(t *testing.T) { p.run(f, t) }) && f.userKey == "" && f.user != nil {
				t.Fatal("the later points need this one")
			}
		}
	})
}

func (f *seedFlow) createKey(t *testing.T) {
	a := f.want(t, 201, call{method: "POST", path: f.base + "/api_keys/", key: accountKey, json: object{"allow_user_create": true}})
	id := number(a.object, "id")
	f.apiKey = text(a.object, "api_key")
	same(t, "content type", a.header.Get("Content-Type"), "application/json; charset=utf-8")
	if !hex40.MatchString(f.apiKey) {
		t.Errorf("api_key %q", f.apiKey)
	}
	if created := text(a.object, "created_at"); !timestamp.MatchString(created) {
		t.Errorf("created_at %q", created)
	}
	want := object{
		"id": id, "description": "", "api_key": f.apiKey, "ignore_acl": false, "allow_user_create": true, "allow_group_create": false,
		"allow_anonymous_read": false, "created_at": a.object["created_at"],
		"links": object{"self": fmt.Sprintf("%s/api_keys/%d/", f.base, id), "reset_key": fmt.Sprintf("%s/api_keys/%d/reset_key/", f.base, id)},
	}
	same(t, "API key", a.object, want)
}

func (f *seedFlow) createUser(t *testing.T) {
	a := f.want(t, 201, call{method: "POST", path: f.base + "/users/", key: f.apiKey,
		json: object{"username": "Gordon Freeman", "password": "Black Mesa"}})
	f.user, f.userKey = a.object, text(a.object, "user_key")
	if !hex40.MatchString(f.userKey) {
		t.Errorf("user_key %q", f.userKey)
	}
	id, profile := number(a.object, "id"), number(a.object, "profile", "id")
	self := fmt.Sprintf("%s/users/%d/", f.base, id)
	profilePath := fmt.Sprintf("%s/classes/user_profile/objects/%d/", f.base, profile)
	same(t, "user", a.object, object{
		"id": id, "username": "Gordon Freeman", "user_key": f.userKey,
		"profile": object{
			"id": profile, "created_at": at(a.object, "profile", "created_at"), "updated_at": at(a.object, "profile", "updated_at"),
			"revision": 1, "owner": id, "owner_permissions": "full", "group": nil, "group_permissions": "none", "other_permissions": "none",
			"channel": nil, "channel_room": nil, "links": object{"self": profilePath, "owner": self},
		},
		"groups": []any{},
		"links":  object{"self": self, "groups": self + "groups/", "reset-key": self + "reset_key/", "profile": profilePath},
	})
	for _, field := range []string{"created_at", "updated_at"} {
		if v := text(a.object, "profile", field); !timestamp.MatchString(v) {
			t.Errorf("profile.%s %q", field, v)
		}
	}
}

func (f *seedFlow) createUserOtherwise(t *testing.T) {
	a := f.want(t, 201, call{method: "POST", path: f.base + "/users/", key: accountKey,
		form: url.Values{"username": {"Alyx Vance"}, "password": {"D0g"}}})
	same(t, "username", a.object["username"], "Alyx Vance")
	a = f.want(t, 403, call{method: "POST", path: f.base + "/users/", key: f.newKey(t, f.base),
		json: object{"username": "G-Man", "password": "x"}})
	same(t, "refusal", a.object, denied)
	a = f.want(t, 403, call{method: "POST", path: f.base + "/users/", json: object{"username": "G-Man", "password": "x"}})
	same(t, "refusal without a key", a.object, denied)
	a = f.want(t, 400, call{method: "POST", path: f.base + "/users/", key: f.apiKey,
		json: object{"username": "gordon freeman", "password": "x"}})
	same(t, "duplicate", a.object, object{"username": []string{"This field must be unique."}})
}

func (f *seedFlow) profileClass(t *testing.T) {
	class := f.base + "/classes/user_profile/"
	profile := fmt.Sprintf("%sobjects/%d/", class, number(f.user, "profile", "id"))
	a := f.want(t, 200, call{method: "GET", path: class, key: accountKey})
	same(t, "schema", a.object["schema"], []any{})
	same(t, "status", a.object["status"], "ready")
	for _, c := range []call{
		{method: "DELETE", path: class, key: accountKey},
		{method: "POST", path: class + "objects/", key: accountKey, json: object{"owner": 1}},
		{method: "DELETE", path: profile, key: accountKey},
		{method: "DELETE", path: profile, key: f.apiKey, userKey: f.userKey},
	} {
		same(t, c.method+" "+c.path, f.want(t, 403, c).object, denied)
	}
	a = f.want(t, 400, call{method: "PATCH", path: profile, key: accountKey, json: object{"owner": 2}})
	same(t, "new owner", a.object, object{"owner": []string{"Cannot change owner of User Profile object."}})
}

func (f *seedFlow) profileSchema(t *testing.T) {
	a := f.want(t, 200, call{method: "PATCH", path: f.base + "/classes/user_profile/", key: accountKey,
		form: url.Values{"schema": {`[{"name":"avatar","type":"file"}]`}}})
	same(t, "schema", a.object["schema"], []any{object{"name": "avatar", "type": "file"}})
	same(t, "revision", a.object["revision"], 2)
	a = f.want(t, 200, call{method: "GET", path: f.base + "/users/", key: accountKey})
	users, _ := a.object["objects"].([]any)
	if len(users) != 2 {
		t.Errorf("%d users in place of 2", len(users))
	}
	for _, u := range users {
		profile, _ := at(u, "profile").(object)
		if v, ok := profile["avatar"]; !ok || v != nil {
			t.Errorf("avatar of %s: %v, present %t", text(u, "username"), v, ok)
		}
	}
}

func (f *seedFlow) uploadAvatar(t *testing.T) {
	profile := fmt.Sprintf("%s/classes/user_profile/objects/%d/", f.base, number(f.user, "profile", "id"))
	picture := []byte("\x89PNG\r\n\x1a\nnot really\x00\xff")
	a := f.want(t, 200, call{method: "PATCH", path: profile, key: f.apiKey, userKey: f.userKey,
		parts: []part{{name: "avatar", filename: "crowbar.png", contentType: "image/png", bytes: picture}}})
	same(t, "kind of avatar", at(a.object, "avatar", "type"), "file")
	same(t, "revision", a.object["revision"], 2)
	if before, after := text(f.user, "profile", "updated_at"), text(a.object, "updated_at"); after <= before {
		t.Errorf("updated_at %s after %s", after, before)
	}
	file := f.want(t, 200, call{method: "GET", path: text(a.object, "avatar", "value")})
	if string(file.bytes) != string(picture) {
		t.Errorf("the file comes back as %q", file.bytes)
	}

	// The seed's own line: -F name=avatar -F filename=@file.
	a = f.want(t, 200, call{method: "PATCH", path: profile, key: f.apiKey, userKey: f.userKey, parts: []part{
		{name: "name", bytes: []byte("avatar")},
		{name: "filename", filename: "lambda.png", contentType: "image/png", bytes: []byte("lambda")},
	}})
	file = f.want(t, 200, call{method: "GET", path: text(a.object, "avatar", "value")})
	same(t, "file of the seed's line", string(file.bytes), "lambda")
}

func (f *seedFlow) login(t *testing.T) {
	login := call{method: "POST", path: f.base + "/user/auth/", key: f.apiKey, json: object{"username": "Gordon Freeman", "password": "Black Mesa"}}
	for _, attempt := range []string{"first", "second"} {
		a := f.want(t, 200, login)
		same(t, attempt+" login's key", a.object["user_key"], f.userKey)
		same(t, attempt+" login's words", slices.Sorted(maps.Keys(a.object)), slices.Sorted(maps.Keys(f.user)))
	}
	byForm := login
	byForm.json, byForm.form, byForm.key = nil, url.Values{"username": {"GORDON FREEMAN"}, "password": {"Black Mesa"}}, accountKey
	same(t, "user_key by form and account key", f.want(t, 200, byForm).object["user_key"], f.userKey)

	for _, wrong := range []object{
		{"username": "Gordon Freeman", "password": "Black mesa"},
		{"username": "Gordon Freeman", "password": "nothing"},
		{"username": "Nobody", "password": "Black Mesa"},
	} {
		refused := login
		refused.json = wrong
		same(t, fmt.Sprint(wrong), f.want(t, 401, refused).object, object{"detail": "Invalid username or password."})
	}
	empty := login
	empty.json = object{}
	same(t, "empty login", f.want(t, 400, empty).object,
		object{"username": []string{"This field is required."}, "password": []string{"This field is required."}})
	keyless := login
	keyless.key = ""
	same(t, "login without a key", f.want(t, 403, keyless).object, denied)
}

func (f *seedFlow) createObject(t *testing.T) {
	f.want(t, 201, call{method: "POST", path: f.base + "/classes/", key: accountKey,
		form: url.Values{"name": {"quotes"}, "schema": {`[{"name":"text","type":"string"}]`}}})
	objects := f.base + "/classes/quotes/objects/"
	a := f.want(t, 201, call{method: "POST", path: objects, key: f.apiKey, userKey: f.userKey, json: object{"text": "Rise and shine"}})
	id, owner := number(a.object, "id"), number(f.user, "id")
	same(t, "object", a.object, object{
		"id": id, "created_at": a.object["created_at"], "updated_at": a.object["updated_at"], "revision": 1,
		"owner": owner, "owner_permissions": "full", "group": nil, "group_permissions": "none", "other_permissions": "none",
		"channel": nil, "channel_room": nil, "text": "Rise and shine",
		"links": object{"self": fmt.Sprintf("%s%d/", objects, id), "owner": fmt.Sprintf("%s/users/%d/", f.base, owner)},
	})
	a = f.want(t, 200, call{method: "GET", path: objects, key: f.apiKey, userKey: f.userKey})
	if !strings.Contains(string(a.bytes), `"next":null`) || !strings.Contains(string(a.bytes), `"prev":null`) {
		t.Errorf("the only page must say null for next and prev: %s", a)
	}
	same(t, "refusal of the plain key", f.want(t, 403, call{method: "GET", path: objects, key: f.apiKey}).object, denied)
}

func (f *seedFlow) currentUser(t *testing.T) {
	path := f.base + "/user/"
	a := f.want(t, 200, call{method: "GET", path: path, key: f.apiKey, userKey: f.userKey})
	same(t, "id", a.object["id"], f.user["id"])
	a = f.want(t, 200, call{method: "PATCH", path: path, key: f.apiKey, userKey: f.userKey, json: object{"username": "Dr. Freeman"}})
	same(t, "new name", a.object["username"], "Dr. Freeman")
	f.want(t, 200, call{method: "PUT", path: path, key: f.apiKey, userKey: f.userKey, json: object{"username": "Gordon Freeman", "password": "Black Mesa"}})
	for name, c := range map[string]call{
		"an account key":                   {key: accountKey},
		"an account key beside a user key": {key: accountKey, userKey: f.userKey},
		"an API key alone":                 {key: f.apiKey},
		"an unknown user key":              {key: f.apiKey, userKey: strings.Repeat("0", 40)},
		"no key":                           {userKey: f.userKey},
	} {
		c.method, c.path = "GET", path
		same(t, name, f.want(t, 403, c).object, denied)
	}
	f.want(t, 405, call{method: "DELETE", path: path, key: f.apiKey, userKey: f.userKey})
}

func (f *seedFlow) resetKey(t *testing.T) {
	path := fmt.Sprintf("%s/users/%d/reset_key/", f.base, number(f.user, "id"))
	strong := f.newKey(t, f.base, "ignore_acl")
	for _, by := range []struct {
		who  string
		keys func() call
	}{
		{"the account", func() call { return call{key: accountKey} }},
		{"an ignore_acl key", func() call { return call{key: strong} }},
		{"the user", func() call { return call{key: f.apiKey, userKey: f.userKey} }},
	} {
		c := by.keys()
		c.method, c.path = "POST", path
		a := f.want(t, 200, c)
		fresh := text(a.object, "user_key")
		if !hex40.MatchString(fresh) || fresh == f.userKey {
			t.Errorf("by %s: key %q after %q", by.who, fresh, f.userKey)
		}
		f.want(t, 403, call{method: "GET", path: f.base + "/user/", key: f.apiKey, userKey: f.userKey})
		f.want(t, 200, call{method: "GET", path: f.base + "/user/", key: f.apiKey, userKey: fresh})
		f.userKey = fresh
	}
	same(t, "by a plain key", f.want(t, 403, call{method: "POST", path: path, key: f.apiKey}).object, denied)
}

func (f *seedFlow) changePassword(t *testing.T) {
	path := f.base + "/user/"
	a := f.want(t, 200, call{method: "PATCH", path: path, key: f.apiKey, userKey: f.userKey, json: object{"password": "Black Mesa"}})
	same(t, "key after the same password", a.object["user_key"], f.userKey)

	a = f.want(t, 200, call{method: "PATCH", path: path, key: f.apiKey, userKey: f.userKey, form: url.Values{"password": {"Xen"}}})
	fresh := text(a.object, "user_key")
	if !hex40.MatchString(fresh) || fresh == f.userKey {
		t.Errorf("key %q after the password change, before %q", fresh, f.userKey)
	}
	f.want(t, 403, call{method: "GET", path: path, key: f.apiKey, userKey: f.userKey})
	f.want(t, 200, call{method: "GET", path: path, key: f.apiKey, userKey: fresh})
	f.want(t, 401, call{method: "POST", path: f.base + "/user/auth/", key: f.apiKey, json: object{"username": "Gordon Freeman", "password": "Black Mesa"}})
	a = f.want(t, 200, call{method: "POST", path: f.base + "/user/auth/", key: f.apiKey, json: object{"username": "Gordon Freeman", "password": "Xen"}})
	same(t, "key of the next login", a.object["user_key"], fresh)
	f.userKey = fresh
}

func (f *seedFlow) fiveWays(t *testing.T) {
	path := f.base + "/user/"
	for name, c := range map[string]call{
		"headers":           {key: f.apiKey, userKey: f.userKey},
		"query":             {path: "?api_key=" + f.apiKey + "&user_key=" + f.userKey},
		"short query":       {path: "?apikey=" + f.apiKey + "&userkey=" + f.userKey},
		"Authorization":     {header: map[string]string{"Authorization": "Token " + f.apiKey}, userKey: f.userKey},
		"upper case":        {key: strings.ToUpper(f.apiKey), userKey: f.userKey},
		"the older version": {path: "v1", key: f.apiKey, userKey: f.userKey},
	} {
		c.method = "GET"
		if c.path == "v1" {
			c.path = strings.Replace(path, "/v1.1/", "/v1/", 1)
		} else {
			c.path = path + c.path
		}
		if a := f.do(t, c); a.status != 200 {
			t.Errorf("%s: %s", name, a)
		}
	}
	for name, c := range map[string]call{
		"JSON body": {json: object{"_api_key": f.apiKey, "_user_key": f.userKey}},
		"form":      {form: url.Values{"_api_key": {f.apiKey}, "_user_key": {f.userKey}}},
	} {
		c.method, c.path = "PATCH", path
		if a := f.do(t, c); a.status != 200 {
			t.Errorf("%s: %s", name, a)
		}
	}
	for name, c := range map[string]call{
		"a malformed key": {key: "no key"},
		"an unknown key":  {key: strings.Repeat("1", 40)},
	} {
		c.method, c.path = "GET", path
		same(t, name, f.want(t, 403, c).object, object{"detail": "No such API Key."})
	}
	a := f.want(t, 404, call{method: "GET", path: "/v1.1/instances/nowhere/user/", key: "no key"})
	same(t, "an unknown instance, before any key", a.object, object{"detail": "Instance was not found."})
	f.want(t, 404, call{method: "GET", path: f.base + "/user", key: f.apiKey, userKey: f.userKey})
}
