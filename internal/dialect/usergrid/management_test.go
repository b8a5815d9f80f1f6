package usergrid_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"hecate/internal/store/storetest"
)

// office is a server with acme of ada and other of eve, as conversations find it, and callers of every kind.
type office struct {
	*server
	t       *testing.T
	callers map[string]string // the Authorization header by who it is
}

// eachOffice runs fn on both databases.
func eachOffice(t *testing.T, fn func(t *testing.T, o *office)) {
	t.Parallel()
	for _, name := range storetest.Engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fn(t, newOffice(t, name))
		})
	}
}

func newOffice(t *testing.T, engineName string) *office {
	t.Helper()
	o := &office{server: newServer(t, engineName, false), t: t}
	o.callers = map[string]string{
		"": "", "ada": "Bearer " + o.bound["<ADATOKEN>"], "eve": "Bearer " + o.bound["<EVETOKEN>"], "app": "Bearer " + o.bound["<SANDBOXTOKEN>"],
		"service": "Basic " + base64.StdEncoding.EncodeToString([]byte("superuser:operator")),
	}
	o.callers["client"] = "Bearer " + o.token("/management/token", o.grant("<ACMEID>", "<ACMESECRET>"))
	other := o.ask("eve", "GET", "/management/organizations/other/credentials", nil).ok2()["credentials"].(object)
	o.callers["foreign"] = "Bearer " + o.token("/management/token",
		object{"grant_type": "client_credentials", "client_id": other["client_id"], "client_secret": other["client_secret"]})
	o.ask("", "POST", "/acme/sandbox/users", object{"username": "john", "password": "testpw"}).ok()
	o.callers["user"] = "Bearer " + o.token("/acme/sandbox/token", object{"grant_type": "password", "username": "john", "password": "testpw"})
	return o
}

func (o *office) grant(id, secret string) object {
	return object{"grant_type": "client_credentials", "client_id": o.bound[id], "client_secret": o.bound[secret]}
}

func (o *office) token(path string, grant object) string {
	o.t.Helper()
	got := o.ask("", "POST", path, grant)
	token, _ := got.body["access_token"].(string)
	if token == "" {
		o.t.Fatalf("no token: %d %s", got.status, got.text)
	}
	return token
}

// fill puts what the set-up bound in its places.
func (o *office) fill(text string) string { return (&matcher{bound: o.bound}).fill(text) }

// ask asks as one of the callers; a string is a form.
func (o *office) ask(as, method, path string, body any) answer {
	o.t.Helper()
	var in io.Reader
	kind := "application/json"
	switch b := body.(type) {
	case nil:
	case string:
		in, kind = strings.NewReader(b), "application/x-www-form-urlencoded"
	default:
		text, err := json.Marshal(b)
		if err != nil {
			o.t.Fatal(err)
		}
		in = strings.NewReader(string(text))
	}
	r := httptest.NewRequest(method, o.fill(path), in)
	if in != nil {
		r.Header.Set("Content-Type", kind)
	}
	header, known := o.callers[as]
	if !known {
		header = as
	}
	if header != "" {
		r.Header.Set("Authorization", header)
	}
	w := httptest.NewRecorder()
	o.handler.ServeHTTP(w, r)
	out := answer{t: o.t, status: w.Code, text: w.Body.String(), header: w.Header()}
	_ = json.Unmarshal(w.Body.Bytes(), &out.body)
	return out
}

// ok2 demands success and returns the whole answer, which says that all is well and holds no error.
func (a answer) ok2() object {
	a.t.Helper()
	if a.status != http.StatusOK || a.body["error"] != nil || a.body["timestamp"] == nil || a.body["duration"] == nil {
		a.t.Fatalf("answer %d %s", a.status, a.text)
	}
	return a.body
}

// did demands success with that action, and status ok.
func (a answer) did(action string) object {
	a.t.Helper()
	body := a.ok2()
	if body["action"] != action || body["status"] != "ok" {
		a.t.Errorf("answer %s, want action %q", a.text, action)
	}
	return body
}

// says demands an error with that description.
func (a answer) says(status int, code, description string) {
	a.t.Helper()
	a.fails(status, code)
	if a.body["error_description"] != description {
		a.t.Errorf("answer %s, want %q", a.text, description)
	}
}

func member(o object, path ...string) any {
	var v any = o
	for _, name := range path {
		m, _ := v.(object)
		v = m[name]
	}
	return v
}

func TestRegisteringAnOrganization(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		const all = "/management/organizations"
		in := object{"organization": "Zoes", "username": "zoe", "name": "Zoe", "email": "Zoe@x.io", "password": "s3cret",
			"properties": object{"level": 5}, "shoe": 42}
		made := o.ask("", "POST", all, in).did("new organization")
		owner := member(made, "data", "owner").(object)
		for name, want := range (object{
			"applicationId": "b6768a08-b5d5-11e3-a495-11ddb1de66c8", "username": "zoe", "name": "Zoe", "email": "zoe@x.io", "activated": true,
			"confirmed": true, "disabled": false, "adminUser": true, "displayEmailAddress": "Zoe <zoe@x.io>",
			"htmldisplayEmailAddress": `Zoe <<a href="mailto:zoe@x.io">zoe@x.io</a>>`,
		}) {
			if owner[name] != want {
				t.Errorf("%s = %v", name, owner[name])
			}
		}
		if member(owner, "properties", "shoe") != 42.0 || len(owner) != 12 {
			t.Errorf("owner %v", owner)
		}
		org := member(made, "data", "organization").(object)
		if org["name"] != "Zoes" || member(org, "properties", "level") != 5.0 || org["passwordHistorySize"] != 0.0 || org["uuid"] == nil || len(org) != 4 {
			t.Errorf("organization %v", org)
		}
		t.Run("its sandbox lets everybody in", func(t *testing.T) {
			o.ask("", "POST", "/zoes/sandbox/dogs", object{"name": "fido"}).ok()
			o.ask("", "GET", "/zoes/sandbox/dogs/fido", nil).ok()
		})
		t.Run("the token of its owner shows it", func(t *testing.T) {
			got := o.ask("", "POST", "/management/token", object{"grant_type": "password", "username": "zoe@x.io", "password": "s3cret"})
			mine := member(got.body, "user", "organizations", "Zoes").(object)
			if member(mine, "applications", "zoes/sandbox") == nil || member(mine, "users", "zoe", "email") != "zoe@x.io" || mine["uuid"] != org["uuid"] {
				t.Errorf("organizations %s", got.text)
			}
		})
		t.Run("a form, with what is missing in the query, and only an address", func(t *testing.T) {
			made := o.ask("", "POST", all+"?organization=forms", "email=form%40x.io&password=").did("new organization")
			if member(made, "data", "owner", "username") != "form@x.io" || member(made, "data", "owner", "name") != "form@x.io" {
				t.Errorf("made %v", made)
			}
		})
		for name, c := range map[string]struct {
			body        any
			path        string
			code, words string
		}{
			"without a body":            {nil, all, "illegal_argument", "missing json post data"},
			"with a query alone":        {nil, all + "?organization=q&email=q@x.io&username=q&password=s3cret", "illegal_argument", "missing json post data"},
			"without a name":            {object{"email": "n@x.io"}, all, "illegal_argument", "The organization parameter was missing"},
			"without a name, as a form": {"email=n%40x.io", all, "illegal_argument", "The organization parameter was missing"},
			"with a name that is taken": {object{"organization": "ACME", "email": "n@x.io"}, all, "duplicate_unique_property_exists",
				`Entity "organization" requires that property named "name" be unique, value of ACME exists`},
			"with an address that is taken": {object{"organization": "n", "email": "ADA@x.io"}, all, "duplicate_unique_property_exists",
				`Entity "user" requires that property named "email" be unique, value of ADA@x.io exists`},
			"with a username that is taken": {object{"organization": "n", "email": "n@x.io", "username": "ada"}, all, "duplicate_unique_property_exists",
				`Entity "user" requires that property named "username" be unique, value of ada exists`},
			"with a short password": {object{"organization": "n", "email": "n@x.io", "password": "abc"}, all, "error_password_policy_violation",
				"error_length_policy: must be at least 4 characters "},
		} {
			t.Run(name, func(t *testing.T) { o.ask("", "POST", c.path, c.body).says(400, c.code, c.words) })
		}
		for _, body := range []object{
			{"organization": "management", "email": "n@x.io"}, {"organization": "a/b", "email": "n@x.io"}, {"organization": "n", "email": "no address"},
			{"organization": o.bound["<ACME>"], "email": "n@x.io"}, {"organization": "n", "email": "n@x.io", "username": "me"},
			{"organization": "n", "email": "n@x.io", "properties": 5}, {"organization": "n"},
		} {
			o.ask("", "POST", all, body).fails(400, "illegal_argument")
		}
		o.ask("", "POST", all, []any{1}).fails(400, "json_parse")
		o.ask("", "POST", all, object{"organization": "n\x00", "email": "n@x.io"}).fails(400, "json_parse")
		o.ask("", "POST", all, "organization=n%00&email=n@x.io").fails(400, "json_parse")
		o.ask("", "POST", all, "organization=n&email=n@x.io&name=%00").fails(400, "json_parse")
		o.ask("", "POST", all, "organization=n&email=n@x.io&username=%ff").fails(400, "json_parse")
		o.ask("user", "POST", all, in).fails(401, "unauthorized")
		o.ask("Bearer nonsense", "POST", all, in).fails(401, "auth_bad_access_token")
		o.ask("service", "POST", all, object{"organization": "ops", "email": "ops@x.io"}).did("new organization")
	})
}

func TestClosedRegistrationOfOrganizations(t *testing.T) {
	t.Parallel()
	k := newKennel(t, "sqlite")
	k.send("", "POST", "/management/organizations", object{"organization": "n", "email": "n@x.io", "password": "s3cret"}).fails(401, "unauthorized")
	k.send("", "POST", "/management/users", object{"email": "n@x.io", "password": "s3cret"}).fails(401, "unauthorized")
}

func TestApplicationsPerAdmin(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "sqlite") // ada owns two already
	for i := range 14 {
		o.ask("ada", "POST", "/management/orgs/acme/apps", object{"name": fmt.Sprint("app", i)}).ok2()
	}
	o.ask("ada", "POST", "/management/orgs/acme/apps", object{"name": "more"}).
		says(403, "forbidden_service_operation", "an admin owns at most 16 applications")
}

func TestOrganizations(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		for _, path := range []string{
			"/management/organizations/acme", "/management/orgs/ACME/", "/management/organizations/<ACME>", "/management/orgs/<ACME>",
		} {
			for _, as := range []string{"ada", "client", "service"} {
				org := o.ask(as, "GET", path, nil).did("get")["organization"].(object)
				if org["name"] != "acme" || org["uuid"] != o.bound["<ACME>"] || member(org, "applications", "acme/books") != o.bound["<BOOKS>"] ||
					member(org, "users", "ada", "uuid") != o.bound["<ADA>"] || org["passwordHistorySize"] != 0.0 || member(org, "properties") == nil {
					t.Errorf("%s: %v", path, org)
				}
			}
		}
		t.Run("properties are merged", func(t *testing.T) {
			put := func(body object) object {
				return o.ask("ada", "PUT", "/management/orgs/acme", body).did("put")["organization"].(object)
			}
			put(object{"properties": object{"a": 1, "b": "x"}})
			org := put(object{"properties": object{"a": nil}, "passwordHistorySize": 3})
			if member(org, "properties", "a") != nil || member(org, "properties", "b") != "x" || org["passwordHistorySize"] != 3.0 {
				t.Errorf("organization %v", org)
			}
			for _, bad := range []object{{"properties": 1}, {"passwordHistorySize": "many"}, {"passwordHistorySize": -1}} {
				o.ask("ada", "PUT", "/management/orgs/acme", bad).fails(400, "illegal_argument")
			}
		})
		o.ask("ada", "DELETE", "/management/organizations/acme", nil).fails(501, "not_implemented")
		o.ask("", "DELETE", "/acme", nil).fails(501, "not_implemented")
		o.ask("", "DELETE", "/orgs/acme", nil).fails(501, "not_implemented")
		o.ask("", "GET", "/acme", nil).fails(404, "not_found")
		o.ask("service", "GET", "/management/organizations/nobody", nil).says(400, "management", "Could not find organization for name: nobody")
		o.ask("ada", "GET", "/management/organizations/nobody", nil).says(401, "unauthorized", "No organization access authorized")
		o.ask("eve", "GET", "/management/organizations/acme", nil).says(401, "unauthorized", "No organization access authorized")
		o.ask("service", "GET", "/system/database/setup", nil).fails(501, "not_implemented")
		for _, as := range []string{"", "ada", "client", "user"} {
			o.ask(as, "GET", "/system/anything", nil).fails(401, "unauthorized")
			o.ask(as, "GET", "/management/organizations", nil).fails(401, "unauthorized")
		}
		t.Run("the service admin pages through all", func(t *testing.T) {
			var names []string
			for path := "/management/organizations?limit=1"; path != ""; {
				page := o.ask("service", "GET", path, nil).did("get")
				list := page["organizations"].([]any)
				if page["count"] != 1.0 || len(list) != 1 {
					t.Fatalf("page %v", page)
				}
				names = append(names, member(list[0].(object), "name").(string))
				if path = ""; page["cursor"] != nil {
					path = "/management/organizations?limit=1&cursor=" + page["cursor"].(string)
				}
			}
			if strings.Join(names, " ") != "acme other" {
				t.Errorf("names %v", names)
			}
			o.ask("service", "GET", "/management/organizations?cursor=%21", nil).fails(400, "illegal_argument")
			o.ask("service", "GET", "/management/organizations?cursor=AAAA", nil).fails(400, "illegal_argument")
			o.ask("service", "GET", "/management/organizations?limit=x", nil).fails(400, "illegal_argument")
		})
	})
}

func TestMembersOfAnOrganization(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		const users = "/management/organizations/acme/users"
		names := func() string {
			var out []string
			for _, u := range o.ask("ada", "GET", users, nil).did("get organization users")["data"].([]any) {
				out = append(out, u.(object)["username"].(string))
			}
			return strings.Join(out, " ")
		}
		made := o.ask("ada", "POST", users, object{"email": "bob@x.io", "username": "bob", "password": "bobpass", "team": "red"}).did("create user")
		if member(made, "data", "user", "username") != "bob" || member(made, "data", "user", "properties", "team") != "red" {
			t.Errorf("made %v", made)
		}
		bob := "Bearer " + o.token("/management/token", object{"grant_type": "password", "username": "bob", "password": "bobpass"})
		o.ask(bob, "GET", "/management/organizations/acme", nil).did("get")
		o.ask(bob, "POST", "/acme/books/dogs", object{"name": "rex"}).ok()
		o.ask("client", "POST", users, "email=carl%40x.io").did("create user")
		same := o.ask("ada", "POST", users, object{"email": "EVE@x.io", "password": "stolen1"}).did("create user")
		if member(same, "data", "user", "uuid") != o.bound["<EVE>"] {
			t.Errorf("another eve: %v", same)
		}
		o.ask("", "POST", "/management/token", object{"grant_type": "password", "username": "eve", "password": "stolen1"}).fails(400, "invalid_grant")
		o.ask("eve", "GET", "/management/organizations/acme", nil).did("get")
		if got := names(); got != "ada bob carl@x.io eve" {
			t.Errorf("users %s", got)
		}
		if gone := o.ask("ada", "DELETE", users+"/eve", nil).did("remove user from organization"); member(gone, "data", "user", "username") != "eve" {
			t.Errorf("gone %v", gone)
		}
		o.ask("eve", "GET", "/management/organizations/acme", nil).fails(401, "unauthorized")
		o.ask("eve", "GET", "/acme/books/dogs", nil).fails(401, "unauthorized")
		for _, ref := range []string{"eve@x.io", "<EVE>", "eve"} {
			o.ask("ada", "PUT", users+"/"+ref, nil).did("add user to organization")
			o.ask("ada", "DELETE", users+"/"+ref, nil).did("remove user from organization")
		}
		o.ask("ada", "DELETE", users+"/eve", nil).says(400, "management", "Could not find user for username: eve")
		o.ask("ada", "PUT", users+"/nobody", nil).says(400, "management", "Could not find user for username: nobody")
		o.ask("ada", "POST", users, object{}).says(400, "illegal_argument", "email form parameter is required")
		o.ask("ada", "POST", users, object{"email": "d@x.io", "username": "ada"}).fails(400, "duplicate_unique_property_exists")
		o.ask("ada", "POST", users, object{"email": "d@x.io", "password": "abc"}).fails(400, "error_password_policy_violation")
		for _, ref := range []string{"bob", "carl@x.io"} {
			o.ask("ada", "DELETE", users+"/"+ref, nil).did("remove user from organization")
		}
		o.ask("ada", "DELETE", users+"/me", nil).fails(400, "unable_to_leave_organization")
		o.ask("service", "DELETE", users+"/ada", nil).fails(400, "unable_to_leave_organization")
		if got := names(); got != "ada" {
			t.Errorf("users %s", got)
		}
	})
}

func TestAdminAccounts(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		const all = "/management/users"
		made := o.ask("", "POST", all, "email=bob%40x.io&username=bob&name=Bob&password=bobpass").did("create user")
		if member(made, "data", "user", "name") != "Bob" {
			t.Errorf("made %v", made)
		}
		o.ask("", "POST", all, object{"username": "x"}).says(400, "illegal_argument", "email form parameter is required")
		o.ask("", "POST", all, object{"email": "m@x.io", "username": "me"}).fails(400, "illegal_argument")
		o.ask("", "POST", all, object{"email": "bob@x.io"}).fails(400, "duplicate_unique_property_exists")
		o.ask("", "POST", all, object{"email": "c@x.io", "password": "abc"}).fails(400, "error_password_policy_violation")
		token := o.token("/management/token", object{"grant_type": "password", "username": "bob", "password": "bobpass"})
		bob := "Bearer " + token

		for _, ref := range []string{"ada", "ada@x.io", "me", "<ADA>", "ADA"} {
			got := o.ask("ada", "GET", all+"/"+ref, nil).did("get admin user")["data"].(object)
			if got["uuid"] != o.bound["<ADA>"] || member(got, "organizations", "acme", "applications", "acme/sandbox") == nil ||
				member(got, "organizations", "acme", "uuid") != o.bound["<ACME>"] || "Bearer "+got["token"].(string) != o.callers["ada"] {
				t.Errorf("%s: %v", ref, got)
			}
			if ref != "me" {
				if got := o.ask("service", "GET", all+"/"+ref, nil).did("get admin user")["data"].(object); got["uuid"] != o.bound["<ADA>"] || got["token"] != nil {
					t.Errorf("%s: %v", ref, got)
				}
			}
			for _, as := range []string{"", "eve", "client", "app", "user", "foreign", bob} {
				if ref == "me" && (as == "eve" || as == bob) {
					continue // themselves
				}
				o.ask(as, "GET", all+"/"+ref, nil).fails(401, "unauthorized")
				o.ask(as, "PUT", all+"/"+ref, object{"name": "X"}).fails(401, "unauthorized")
			}
		}
		if got := o.ask("ada", "GET", all+"/me?shallow=true", nil).did("get admin user")["data"].(object); got["organizations"] != nil {
			t.Errorf("shallow: %v", got)
		}
		o.ask("eve", "GET", all+"/nobody", nil).fails(401, "unauthorized")
		o.ask("service", "GET", all+"/nobody", nil).says(400, "management", "Could not find user for username: nobody")

		t.Run("an account changes", func(t *testing.T) {
			got := o.ask(bob, "PUT", all+"/bob", object{"name": "Robert", "team": "red", "uuid": "x", "disabled": true, "properties": object{"shoe": 42}}).did("update user info")["data"].(object)
			if got["name"] != "Robert" || member(got, "properties", "team") != "red" || member(got, "properties", "shoe") != 42.0 || got["disabled"] != false {
				t.Errorf("changed %v", got)
			}
			got = o.ask("service", "PUT", all+"/bob", object{"username": "bobby", "email": "bobby@x.io"}).did("update user info")["data"].(object)
			if got["username"] != "bobby" || got["email"] != "bobby@x.io" || member(got, "properties", "team") != "red" {
				t.Errorf("changed %v", got)
			}
			o.ask(bob, "PUT", all+"/me", object{"username": "ada"}).fails(400, "duplicate_unique_property_exists")
			o.ask(bob, "PUT", all+"/me", object{"email": "ada@x.io"}).fails(400, "duplicate_unique_property_exists")
			o.ask(bob, "PUT", all+"/me", object{"email": "no address"}).fails(400, "illegal_argument")
			o.ask(bob, "PUT", all+"/me", object{"username": "me"}).fails(400, "illegal_argument")
			o.ask(bob, "PUT", all+"/me", object{"name": "New", "oldpassword": "wrong", "newpassword": "second"}).fails(400, "auth_invalid_username_or_password")
			o.ask(bob, "PUT", all+"/me", object{"name": "New", "oldpassword": "bobpass", "newpassword": "second"}).did("update user info")
			o.token("/management/token", object{"grant_type": "password", "username": "bobby", "password": "second"})
		})
		t.Run("a password changes by the old one, without a token", func(t *testing.T) {
			for _, method := range []string{"PUT", "POST"} {
				got := o.ask("", method, all+"/bobby/password", object{"oldpassword": "second", "newpassword": "third1"}).ok2()
				if got["action"] != "set user password" {
					t.Errorf("answer %v", got)
				}
				o.ask("", method, all+"/bobby/password", object{"oldpassword": "second", "newpassword": "third1"}).
					says(400, "auth_invalid_username_or_password", "Unable to authenticate due to username or password being incorrect")
				o.ask("", method, all+"/nobody/password", object{"oldpassword": "second", "newpassword": "third1"}).
					says(400, "auth_invalid_username_or_password", "Unable to authenticate due to username or password being incorrect")
				o.ask("service", method, all+"/bobby@x.io/password", object{"newpassword": "second"}).ok2()
			}
			o.ask("", "PUT", all+"/bobby/password", object{"oldpassword": "second"}).fails(400, "illegal_argument")
			o.ask("", "PUT", all+"/bobby/password", object{"oldpassword": "second", "newpassword": "abc"}).fails(400, "error_password_policy_violation")
			for _, as := range []string{"ada", "client", "user", "app"} {
				if got := o.ask(as, "PUT", all+"/bobby/password", object{"newpassword": "stolen"}); got.status == 200 {
					t.Errorf("%s: %s", as, got.text)
				}
			}
			o.ask("", "PUT", all+"/bobby/password", "oldpassword=second&newpassword=third1").ok2()
			o.ask(bob, "GET", all+"/me", nil).did("get admin user") // tokens outlive passwords
		})
	})
}

func TestMembershipsOfAnAdmin(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		const orgs = "/management/users/ada/organizations"
		if got := o.ask("ada", "GET", orgs, nil).did("get user management"); member(got, "data", "acme", "uuid") != o.bound["<ACME>"] {
			t.Errorf("memberships %v", got)
		}
		made := o.ask("ada", "POST", orgs, object{"organization": "second"}).did("new organization for user")
		if member(made, "data", "organization", "name") != "second" {
			t.Errorf("made %v", made)
		}
		o.ask("ada", "GET", "/management/organizations/second", nil).did("get")
		o.ask("ada", "POST", orgs, object{"organization": "ACME"}).fails(400, "duplicate_unique_property_exists")
		o.ask("ada", "POST", orgs, object{}).fails(400, "illegal_argument")
		o.ask("service", "POST", orgs, object{"organization": "third"}).did("new organization for user")
		o.ask("ada", "GET", "/management/organizations/third", nil).did("get")
		o.ask("service", "PUT", orgs+"/other", nil).did("add user to organization")
		o.ask("ada", "GET", "/management/organizations/other", nil).did("get")
		o.ask("ada", "DELETE", orgs+"/other", nil).did("remove user from organization")
		o.ask("ada", "GET", "/management/organizations/other", nil).fails(401, "unauthorized")
		o.ask("ada", "PUT", orgs+"/other", nil).fails(401, "unauthorized")
		o.ask("ada", "DELETE", orgs+"/acme", nil).fails(400, "unable_to_leave_organization")
		for _, as := range []string{"", "eve", "client", "app", "user"} {
			o.ask(as, "GET", orgs, nil).fails(401, "unauthorized")
			o.ask(as, "POST", orgs, object{"organization": "stolen"}).fails(401, "unauthorized")
			o.ask(as, "PUT", orgs+"/other", nil).fails(401, "unauthorized")
			o.ask(as, "DELETE", orgs+"/acme", nil).fails(401, "unauthorized")
		}
	})
}

func TestApplicationsOfAnOrganization(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		const apps = "/management/organizations/acme/applications"
		list := o.ask("ada", "GET", "/management/orgs/<ACME>/apps", nil).did("get organization application")["data"].(object)
		if len(list) != 2 || list["acme/books"] != o.bound["<BOOKS>"] {
			t.Errorf("applications %v", list)
		}
		made := o.ask("client", "POST", apps, "name=Films").did("new application for organization")
		films := member(made, "data", "acme/films").(string)
		entity := made["entities"].([]any)[0].(object)
		for name, want := range (object{"uuid": films, "type": "application", "name": "acme/films", "applicationName": "films", "organizationName": "acme"}) {
			if entity[name] != want {
				t.Errorf("%s = %v", name, entity[name])
			}
		}
		if entity["created"] == nil || entity["modified"] == nil || member(entity, "metadata", "collections", "users", "count") != 0.0 ||
			member(entity, "metadata", "collections", "roles", "count") != 3.0 {
			t.Errorf("application %v", entity)
		}
		o.ask("ada", "POST", apps, object{}).says(400, "illegal_argument", "The 'name' parameter is required and cannot be empty: null")
		o.ask("ada", "POST", apps, object{"name": "a/b"}).fails(400, "illegal_argument")
		o.ask("ada", "POST", apps, object{"name": "BOOKS"}).fails(409, "application_already_exists")
		o.ask("ada", "GET", apps+"/nothing", nil).fails(404, "organization_application_not_found")
		o.ask("ada", "GET", apps+"/<FILES>", nil).fails(404, "organization_application_not_found") // another's
		o.ask("ada", "GET", apps+"/files", nil).fails(404, "organization_application_not_found")
		o.ask("ada", "GET", apps+"/b6768a08-b5d5-11e3-a495-11ddb1de66c8", nil).fails(401, "unauthorized")
		for _, path := range []string{"/b6768a08-b5d5-11e3-a495-11ddb1de66c8/users", "/acme/B6768A08-b5d5-11e3-a495-11ddb1de66c8", "/apps/b6768a08-b5d5-11e3-a495-11ddb1de66c8"} {
			o.ask("ada", "GET", path, nil).fails(401, "unauthorized")
		}

		t.Run("collections are counted", func(t *testing.T) {
			for _, name := range []string{"fido", "rex"} {
				o.ask("ada", "POST", "/acme/books/dog", object{"name": name}).ok()
			}
			o.ask("ada", "POST", "/acme/books/users", object{"username": "u"}).ok()
			for _, ref := range []string{"books", "<BOOKS>", "Books"} {
				got := o.ask("ada", "GET", apps+"/"+ref, nil).did("get")["entities"].([]any)[0].(object)
				dogs, _ := member(got, "metadata", "collections", "dogs").(object)
				if dogs["count"] != 2.0 || dogs["type"] != "dog" || dogs["name"] != "dogs" || dogs["title"] != "Dogs" || member(got, "metadata", "collections", "users", "count") != 1.0 {
					t.Errorf("%s: %v", ref, got)
				}
			}
		})
		t.Run("credentials are shown and renewed", func(t *testing.T) {
			shown := o.ask("client", "GET", apps+"/books/credentials", nil).did("get application client credentials")["credentials"].(object)
			if shown["client_id"] != o.bound["<BOOKSID>"] || shown["client_secret"] != o.bound["<BOOKSSECRET>"] {
				t.Errorf("credentials %v", shown)
			}
			next := o.ask("ada", "POST", "/management/orgs/acme/apps/books/credentials", nil).did("generate application client credentials")["credentials"].(object)
			if next["client_id"] != shown["client_id"] || next["client_secret"] == shown["client_secret"] || len(next["client_secret"].(string)) != 31 {
				t.Errorf("credentials %v", next)
			}
			o.ask("", "POST", "/acme/books/token", o.grant("<BOOKSID>", "<BOOKSSECRET>")).fails(400, "invalid_grant")
			o.ask("Bearer "+o.bound["<BOOKSTOKEN>"], "GET", "/acme/books/dogs", nil).ok() // tokens stay
			org := o.ask("client", "GET", "/management/orgs/acme/credentials", nil).did("get organization client credentials")["credentials"].(object)
			if org["client_id"] != o.bound["<ACMEID>"] || org["client_secret"] != o.bound["<ACMESECRET>"] || !strings.HasPrefix(org["client_id"].(string), "b3U6") {
				t.Errorf("credentials %v", org)
			}
			renewed := o.ask("ada", "POST", "/management/orgs/acme/credentials", nil).did("generate organization client credentials")["credentials"].(object)
			if renewed["client_id"] != org["client_id"] || renewed["client_secret"] == org["client_secret"] {
				t.Errorf("credentials %v", renewed)
			}
		})
		t.Run("an application goes and comes back", func(t *testing.T) {
			const books = apps + "/books"
			o.ask("ada", "PUT", apps+"/<BOOKS>", nil).says(404, "entity_not_found", o.fill("Could not find application with UUID '<BOOKS>'"))
			o.ask("ada", "PUT", books, nil).fails(404, "entity_not_found")
			for _, path := range []string{books, books + "?confirm_application_identifier=other", books + "?confirm_application_identifier=<BOOKS>",
				apps + "/<BOOKS>?confirm_application_identifier=books"} {
				o.ask("ada", "DELETE", path, nil).fails(400, "illegal_argument")
			}
			gone := o.ask("ada", "DELETE", books+"?confirm_application_identifier=books", nil).did("delete")
			if gone["application"] != o.bound["<BOOKS>"] || member(gone, "params", "confirm_application_identifier") == nil {
				t.Errorf("gone %v", gone)
			}
			for _, path := range []string{"/acme/books/dogs", "/acme/<BOOKS>/dogs", "/<BOOKS>/dogs"} {
				for _, as := range []string{"ada", "", "Bearer " + o.bound["<BOOKSTOKEN>"]} {
					o.ask(as, "GET", path, nil).fails(404, "organization_application_not_found")
				}
			}
			o.ask("ada", "GET", books, nil).fails(404, "organization_application_not_found")
			if list := o.ask("ada", "GET", apps, nil).ok2()["data"].(object); list["acme/books"] != nil {
				t.Errorf("list %v", list)
			}
			o.ask("eve", "PUT", apps+"/<BOOKS>", nil).fails(401, "unauthorized")
			o.ask("eve", "PUT", "/management/organizations/other/applications/<BOOKS>", nil).fails(404, "entity_not_found")

			again := member(o.ask("ada", "POST", apps, object{"name": "books"}).ok2(), "data", "acme/books").(string)
			o.ask("ada", "PUT", apps+"/<BOOKS>", nil).fails(409, "conflict")
			o.ask("ada", "DELETE", books+"?confirm_application_identifier=books", nil).fails(409, "conflict")
			o.ask("ada", "GET", apps+"/"+again, nil).did("get")

			o.ask("ada", "DELETE", apps+"/"+films+"?confirm_application_identifier="+films, nil).did("delete")
			if got := o.ask("ada", "PUT", apps+"/"+films, nil).did("restore"); got["application"] != films {
				t.Errorf("back %v", got)
			}
			o.ask("ada", "GET", "/acme/films/users", nil).ok()
		})
	})
}

func TestRestoredApplicationsKeepDataAndLoseTokens(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		const apps = "/management/organizations/acme/applications"
		o.ask("", "POST", "/acme/sandbox/dogs", object{"name": "fido"}).ok()
		before := o.ask("ada", "GET", apps+"/sandbox/credentials", nil).ok2()["credentials"].(object)
		id := o.ask("ada", "GET", apps+"/sandbox", nil).ok2()["application"].(string)
		for range 2 {
			o.ask("client", "DELETE", apps+"/sandbox?confirm_application_identifier=sandbox", nil).did("delete")
			o.ask("client", "PUT", apps+"/"+id, nil).did("restore")
		}
		o.ask("", "GET", "/acme/sandbox/dogs/fido", nil).ok()
		after := o.ask("ada", "GET", apps+"/sandbox/credentials", nil).ok2()["credentials"].(object)
		if after["client_id"] != before["client_id"] || after["client_secret"] == before["client_secret"] {
			t.Errorf("credentials %v, before %v", after, before)
		}
		for _, as := range []string{"user", "app"} {
			if got := o.ask(as, "GET", "/acme/sandbox/users/me", nil); got.status != 401 {
				t.Errorf("%s: %d %s", as, got.status, got.text)
			}
		}
		o.token("/acme/sandbox/token", object{"grant_type": "password", "username": "john", "password": "testpw"})
	})
}

func TestPropertiesOfAnApplication(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		books := "Bearer " + o.bound["<BOOKSTOKEN>"]
		for _, as := range []string{books, "client", "ada", "service"} {
			got := o.ask(as, "PUT", "/acme/books", object{"accesstokenttl": "1800000", "color": "red", "uuid": "x", "name": "x"}).one()
			if got["accesstokenttl"] != "1800000" || got["color"] != "red" || got["uuid"] != o.bound["<BOOKS>"] || got["name"] != "acme/books" ||
				got["applicationName"] != "books" || got["organizationName"] != "acme" || got["type"] != "application" {
				t.Errorf("%s: %v", as, got)
			}
		}
		got := o.ask("ada", "GET", "/acme/books/", nil)
		if e := got.one(); e["color"] != "red" || got.body["application"] != o.bound["<BOOKS>"] || member(e, "metadata", "collections", "users") == nil {
			t.Errorf("application %s", got.text)
		}
		for _, as := range []string{"", "user", "eve", "app", "foreign"} {
			o.ask(as, "PUT", "/acme/books", object{"color": "blue"}).fails(401, o.refusal(as))
			o.ask(as, "GET", "/acme/books", nil).fails(401, o.refusal(as))
			o.ask(as, "DELETE", "/acme/books", nil).status405or401()
		}
		o.ask("ada", "DELETE", "/acme/books", nil).fails(405, "not_allowed")

		t.Run("a user of a sandbox reads, and never writes", func(t *testing.T) {
			if e := o.ask("user", "GET", "/acme/sandbox", nil).one(); member(e, "metadata", "collections", "users", "count") != nil {
				t.Errorf("application %v", e)
			}
			o.ask("user", "PUT", "/acme/sandbox", object{"accesstokenttl": 1}).fails(401, "unauthorized")
			o.ask("", "PUT", "/acme/sandbox", object{"accesstokenttl": 1}).fails(401, "unauthorized")
		})
		t.Run("values of known properties mean something", func(t *testing.T) {
			for _, bad := range []object{
				{"accesstokenttl": -1}, {"accesstokenttl": "soon"}, {"accesstokenttl": 1e30}, {"allow_open_registration": 5}, {"allow_open_registration": "maybe"},
			} {
				o.ask("ada", "PUT", "/acme/books", bad).fails(400, "illegal_argument")
			}
			o.ask("ada", "PUT", "/acme/books", []any{}).fails(400, "illegal_argument")
			if got := o.ask("ada", "PUT", "/acme/books", object{"x": strings.Repeat("x", 70<<10)}); got.status != 413 {
				t.Errorf("answer %d", got.status)
			}
		})
		t.Run("tokens live as long as the application says", func(t *testing.T) {
			o.ask(books, "POST", "/acme/books/users", object{"username": "jane", "password": "testpw"}).ok()
			grant := object{"grant_type": "password", "username": "jane", "password": "testpw"}
			for _, c := range []struct {
				ttl  any
				want float64
			}{{"1800000", 1800}, {31536000000, 31536000}, {nil, 604800}} {
				o.ask("ada", "PUT", "/acme/books", object{"accesstokenttl": c.ttl}).ok()
				if got := o.ask("", "POST", "/acme/books/token", grant); got.body["expires_in"] != c.want {
					t.Errorf("ttl %v: %s", c.ttl, got.text)
				}
			}
			o.ask("ada", "PUT", "/acme/books", object{"accesstokenttl": 0}).ok()
			if got := o.ask("", "POST", "/acme/books/token", grant); got.body["expires_in"].(float64) < 1e9 {
				t.Errorf("for ever: %s", got.text)
			}
		})
		t.Run("registration closes", func(t *testing.T) {
			o.ask("", "POST", "/acme/books/users", object{"username": "open", "password": "testpw"}).ok()
			o.ask("ada", "PUT", "/acme/books", object{"allow_open_registration": false}).ok()
			o.ask("", "POST", "/acme/books/users", object{"username": "closed", "password": "testpw"}).fails(401, "unauthorized")
			o.ask("ada", "POST", "/acme/books/users", object{"username": "closed", "password": "testpw"}).ok()
		})
	})
}

// refusal is how a caller without a place in books is refused there.
func (o *office) refusal(as string) string {
	got := o.ask(as, "GET", "/acme/books/dogs", nil)
	if got.status != 401 {
		o.t.Errorf("%s: %d %s", as, got.status, got.text)
	}
	code, _ := got.body["error"].(string)
	return code
}

func (a answer) status405or401() {
	a.t.Helper()
	if a.status != 405 && a.status != 401 {
		a.t.Errorf("answer %d %s", a.status, a.text)
	}
}

func TestFeeds(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		titles := func(got object) string {
			var out []string
			for _, e := range got["entities"].([]any) {
				x := e.(object)
				if x["type"] != "activity" || x["verb"] != "create" || x["uuid"] == nil || x["published"] == nil || member(x, "object", "uuid") == nil {
					t.Errorf("entry %v", x)
				}
				out = append(out, x["title"].(string))
			}
			return strings.Join(out, "\n")
		}
		got := titles(o.ask("ada", "GET", "/management/orgs/acme/feed", nil).did("get organization feed"))
		for _, want := range []string{"created a new organization account named acme", "created a new application named acme/books",
			`<a href="mailto:ada@x.io">Ada (ada@x.io)</a>`} {
			if !strings.Contains(got, want) {
				t.Errorf("no %q in\n%s", want, got)
			}
		}
		got = titles(o.ask("ada", "GET", "/management/users/ada/feed", nil).did("get admin user feed"))
		if !strings.Contains(got, "acme/books") || strings.Contains(got, "other") {
			t.Errorf("feed\n%s", got)
		}
		o.ask("eve", "GET", "/management/users/ada/feed", nil).fails(401, "unauthorized")
	})
}

// TestManagementIsForItsOwn asks every route of an organization as everybody who has no place in it.
func TestManagementIsForItsOwn(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		routes := []string{
			"GET .", "PUT .", "DELETE .", "GET ./users", "POST ./users", "PUT ./users/eve", "DELETE ./users/ada", "GET ./feed",
			"GET ./credentials", "POST ./credentials", "GET ./applications", "POST ./applications", "GET ./applications/books",
			"DELETE ./applications/books?confirm_application_identifier=books", "PUT ./applications/<BOOKS>", "GET ./applications/<BOOKS>",
			"GET ./apps/books/credentials", "POST ./apps/books/credentials", "GET ./apps/<BOOKS>/credentials",
		}
		before := o.ask("ada", "GET", "/management/orgs/acme", nil).ok2()["organization"]
		for _, route := range routes {
			method, path, _ := strings.Cut(route, " ")
			for _, org := range []string{"/management/organizations/acme", "/management/orgs/<ACME>"} {
				for _, as := range []string{"", "eve", "foreign", "app", "user", "Bearer nonsense"} {
					got := o.ask(as, method, strings.Replace(path, ".", org, 1), object{"name": "stolen", "email": "stolen@x.io", "properties": object{"x": 1}})
					if got.status != 401 || strings.Contains(got.text, "client_secret") {
						t.Errorf("%s %s as %s: %d %s", method, path, as, got.status, got.text)
					}
				}
			}
		}
		after := o.ask("ada", "GET", "/management/orgs/acme", nil).ok2()["organization"]
		if !reflect.DeepEqual(before, after) {
			t.Errorf("something changed: %v\n%v", before, after)
		}
	})
}
