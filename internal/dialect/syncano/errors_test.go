package syncano

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

func TestEveryKindHasAnAnswer(t *testing.T) {
	t.Parallel()
	for k := range hecate.KindCount {
		if answers[k].status == 0 || answers[k].detail == "" {
			t.Errorf("%v: no answer", k)
		}
	}
}

// TestTranslation shows each Kind, with and without a field, as a client sees it.
func TestTranslation(t *testing.T) {
	t.Parallel()
	const op = "test"
	rows := []struct {
		err    error
		status int
		body   string
	}{
		{hecate.E(hecate.Internal, op).Says("secret"), 500, `{"detail":"Internal server error."}`},
		{errors.New("secret"), 500, `{"detail":"Internal server error."}`},
		{hecate.E(hecate.Internal, op).On("name").Says("secret"), 500, `{"detail":"Internal server error."}`},
		{hecate.E(hecate.Malformed, op).On("name"), 400, `{"name":["Null characters are not allowed."]}`},
		{hecate.E(hecate.Invalid, op).On("name").Says("must be nice"), 400, `{"name":["Must be nice."]}`},
		{hecate.E(hecate.Invalid, op).On("profile.avatar").Says("must be a file"), 400, `{"profile":{"avatar":["Must be a file."]}}`},
		{hecate.E(hecate.Invalid, op).On("query").Says("no"), 400, `{"query":"No."}`},
		{hecate.E(hecate.Unauthenticated, op), 403, bodyDenied},
		{hecate.E(hecate.BadKey, op), 403, bodyNoKey},
		{hecate.E(hecate.Forbidden, op).On("owner"), 403, bodyDenied},
		{hecate.E(hecate.UnknownUser, op), 401, `{"detail":"Invalid username or password."}`},
		{hecate.E(hecate.WrongPassword, op), 401, `{"detail":"Invalid username or password."}`},
		{hecate.E(hecate.UserDisabled, op), 403, `{"detail":"User is disabled."}`},
		{hecate.E(hecate.WeakPassword, op).Says("needs a digit"), 400, `{"password":["Needs a digit."]}`},
		{hecate.E(hecate.NoApp, op), 404, bodyNoInstance},
		{hecate.E(hecate.NotFound, op).On("user"), 404, bodyNotFound},
		{hecate.E(hecate.Exists, op).On("username"), 400, `{"username":["This field must be unique."]}`},
		{hecate.E(hecate.Stale, op).With("expected", 2).With("current", 5), 400, `{"expected_revision":"Revision mismatch. Expected 2, got 5."}`},
		{hecate.E(hecate.TooLarge, op).On("apps").With("limit", 16), 400, `{"detail":"Instance count exceeded (16)."}`},
		{hecate.E(hecate.TooLarge, op).On("collections").With("limit", 100), 400, `{"detail":"Class count exceeded (100)."}`},
		{hecate.E(hecate.TooLarge, op).On("record"), 400, `{"non_field_errors":["Object maximum size exceeded."]}`},
		{hecate.E(hecate.TooLarge, op).On("username").With("limit", 64), 400, `{"username":["Ensure this field has no more than 64 characters."]}`},
		{hecate.E(hecate.TooLarge, op), 413, `{"detail":"Request is too large."}`},
		{hecate.E(hecate.TooMany, op), 429, `{"detail":"Request was throttled. Expected available in 1 second."}`},
		{hecate.E(hecate.TooMany, op).After(1500 * time.Millisecond), 429, `{"detail":"Request was throttled. Expected available in 2 seconds."}`},
		{hecate.E(hecate.TooMany, op).Because(context.DeadlineExceeded), 408, `{"detail":"Requested query took too long. Timeout was reached."}`},
		{fmt.Errorf("wrapped: %w", hecate.NotFound), 404, bodyNotFound},
	}
	a := &api{}
	for _, row := range rows {
		if f := a.translate(row.err); f.status != row.status || string(f.body) != row.body {
			t.Errorf("%v:\n got %d %s\nwant %d %s", row.err, f.status, f.body, row.status, row.body)
		}
	}
}

// TestErrorRows is contracts/syncano.md 1.6, row by row, as a client meets them.
func TestErrorRows(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		email, key := w.register(t)
		base := w.instance(t, key)
		plain := w.apiKey(t, base, key)
		_, user := w.user(t, base, key)
		const register = "/v1.1/account/register/"
		jsonBody := map[string]string{"Content-Type": "application/json"}
		login := func(body obj) ask { return ask{method: "POST", path: base + "user/auth/", key: plain, json: body} }
		rows := []struct {
			name   string
			status int
			body   string
			ask    ask
		}{
			{"no key", 403, bodyDenied, ask{method: "GET", path: base + "users/"}},
			{"a key that may not", 403, bodyDenied, ask{method: "GET", path: base + "users/", key: plain}},
			{"a malformed key", 403, bodyNoKey, ask{method: "GET", path: base + "users/", key: "zz"}},
			{"an unknown key", 403, bodyNoKey, ask{method: "GET", path: base + "users/", key: strings.Repeat("0", 40)}},
			{"an API key on an account", 403, bodyDenied, ask{method: "GET", path: "/v1.1/account/", key: plain}},
			{"an unknown key on an account", 403, bodyNoKey, ask{method: "GET", path: "/v1.1/account/", key: strings.Repeat("0", 40)}},
			{"an unknown user", 401, `{"detail":"Invalid username or password."}`, login(obj{"username": "nobody", "password": "x"})},
			{"a wrong password", 401, `{"detail":"Invalid username or password."}`, login(obj{"username": "user3", "password": "x"})},
			{"an unknown account", 401, `{"detail":"Invalid email."}`, ask{method: "POST", path: "/v1.1/account/auth/", json: obj{"email": "no@example.com", "password": "x"}}},
			{"a wrong account password", 401, `{"detail":"Invalid password."}`, ask{method: "POST", path: "/v1.1/account/auth/", json: obj{"email": email, "password": "x"}}},
			{"an unknown instance", 404, bodyNoInstance, ask{method: "GET", path: "/v1.1/instances/nothing/users/"}},
			{"an unknown class", 404, `{"detail":"Class was not found."}`, ask{method: "GET", path: base + "classes/nothing/objects/"}},
			{"the stored name of the profiles", 404, `{"detail":"Class was not found."}`, ask{method: "GET", path: base + "classes/users/objects/"}},
			{"an unknown parent user", 404, `{"detail":"User was not found."}`, ask{method: "GET", path: base + "users/99/groups/"}},
			{"an unknown parent group", 404, `{"detail":"Group was not found."}`, ask{method: "GET", path: base + "groups/99/users/"}},
			{"an unknown object", 404, bodyNotFound, ask{method: "GET", path: base + "users/99/", key: key}},
			{"an id that is no number", 404, bodyNotFound, ask{method: "GET", path: base + "invitations/null/", key: key}},
			{"an id beyond all numbers", 404, bodyNotFound, ask{method: "GET", path: base + "users/99999999999999999999/", key: key}},
			{"an unknown path", 404, bodyNotFound, ask{method: "GET", path: base + "nothing/", key: key}},
			{"a path without its slash", 404, bodyNotFound, ask{method: "GET", path: strings.TrimSuffix(base, "/"), key: key}},
			{"a method that is not offered", 405, `{"detail":"Method \"PUT\" not allowed."}`, ask{method: "PUT", path: base + "users/", key: key, json: obj{}}},
			{"deleting oneself", 405, `{"detail":"Method \"DELETE\" not allowed."}`, ask{method: "DELETE", path: base + "user/", key: plain, user: user}},
			{"a method, but no key", 403, bodyDenied, ask{method: "PUT", path: base + "users/", json: obj{}}},
			{"a body that is not JSON", 400, `{"detail":"JSON parse error - it ends too early."}`, ask{method: "POST", path: register, body: `{"email"`, header: jsonBody}},
			{"an unknown content type", 415, `{"detail":"Unsupported media type \"text/xml\" in request."}`, ask{method: "POST", path: register, body: "<x/>", header: map[string]string{"Content-Type": "text/xml; charset=utf-8"}}},
			{"a body that is a list", 400, `{"non_field_errors":["Invalid data. Expected a dictionary, but got list."]}`, ask{method: "POST", path: register, json: []int{1}}},
			{"fields that are missing", 400, `{"email":["This field is required."],"password":["This field is required."]}`, ask{method: "POST", path: register, json: obj{}}},
			{"an empty form", 400, `{"email":["This field is required."],"password":["This field is required."]}`, ask{method: "POST", path: register}},
			{"fields that are null", 400, `{"email":["This field may not be null."],"password":["This field may not be null."]}`, ask{method: "POST", path: register, json: obj{"email": nil, "password": nil}}},
			{"fields that are blank", 400, `{"email":["This field may not be blank."],"password":["This field may not be blank."]}`, ask{method: "POST", path: register, json: obj{"email": " ", "password": "\t"}}},
			{"fields that are no text", 400, `{"email":["Not a valid string."],"password":["Not a valid string."]}`, ask{method: "POST", path: register, json: obj{"email": true, "password": obj{}}}},
			{"fields that are too long", 400, `{"password":["Ensure this field has no more than 128 characters."],"first_name":["Ensure this field has no more than 64 characters."]}`, ask{method: "POST", path: register, json: obj{"email": "a@example.com", "password": strings.Repeat("é", 129), "first_name": strings.Repeat("é", 65)}}},
			{"no address", 400, `{"email":["Enter a valid email address."]}`, ask{method: "POST", path: register, json: obj{"email": "nobody", "password": "x"}}},
			{"an address that is taken", 400, `{"email":["This field must be unique."]}`, ask{method: "POST", path: register, json: obj{"email": strings.ToUpper(email), "password": "x"}}},
			{"no boolean", 400, `{"ignore_acl":["Not a valid boolean."]}`, ask{method: "POST", path: base + "api_keys/", key: key, json: obj{"ignore_acl": "maybe"}}},
			{"no choice", 400, `{"role":["\"king\" is not a valid choice."]}`, ask{method: "POST", path: base + "invitations/", key: key, json: obj{"email": "a@example.com", "role": "king"}}},
			{"an unknown pk", 400, `{"user":["Invalid pk \"9\" - object does not exist."]}`, ask{method: "POST", path: base + "groups/1/users/", key: key, json: obj{"user": 9}}},
			{"no pk", 400, `{"user":["Incorrect type. Expected pk value, received str."]}`, ask{method: "POST", path: base + "groups/1/users/", key: key, json: obj{"user": "x"}}},
			{"no JSON text", 400, `{"metadata":["Not a valid JSON string."]}`, ask{method: "PATCH", path: base, key: key, json: obj{"metadata": "{"}}},
			{"a NUL in a form", 400, `{"username":["Null characters are not allowed."]}`, ask{method: "POST", path: base + "users/", key: key, body: "username=a%00b&password=x", header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}},
			{"a stale revision", 400, `{"expected_revision":"Revision mismatch. Expected 7, got 1."}`, ask{method: "PATCH", path: base + "classes/user_profile/", key: key, json: obj{"expected_revision": 7, "description": "x"}}},
			{"a bad query", 400, `{"query":"Not a valid JSON string."}`, ask{method: "GET", path: base + "classes/user_profile/objects/?query={", key: key}},
			{"a bad page", 400, `{"detail":"Incorrect page parameter provided."}`, ask{method: "GET", path: base + "users/?page_size=x", key: key}},
			{"a bad profile", 400, `{"profile":{"group_permissions":["\"x\" is not a valid choice."]}}`, ask{method: "POST", path: base + "users/", key: key, json: obj{"username": "a", "password": "b", "profile": obj{"group_permissions": "x"}}}},
			{"a profile that is none", 400, `{"profile":{"non_field_errors":["Invalid data. Expected a dictionary, but got str."]}}`, ask{method: "POST", path: base + "users/", key: key, json: obj{"username": "a", "password": "b", "profile": "{}"}}},
			{"an unknown social backend", 400, `{"detail":"Unsupported social backend."}`, ask{method: "POST", path: base + "user/auth/myspace/", key: plain, json: obj{"access_token": "x"}}},
		}
		w.newGroup(t, base, key)
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				w.refuses(t, row.status, row.body, row.ask)
				got := w.do(row.ask)
				if ct := got.header.Get("Content-Type"); ct != jsonType {
					t.Errorf("content type %q", ct)
				}
			})
		}
	})
}

func TestLimitsOfInstancesAndClasses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite", func(c *engine.Config, _ *Config) {
		c.Limits = engine.Limits{AppsPerAdmin: 2, CollectionsPerApp: 3}
	})
	_, key := w.register(t)
	base := w.instance(t, key)
	w.instance(t, key)
	w.refuses(t, 400, `{"detail":"Instance count exceeded (2)."}`, ask{method: "POST", path: "/v1.1/instances/", key: key, json: obj{"name": "one-more"}})
	created := 0
	for i := range 4 {
		got := w.do(ask{method: "POST", path: base + "classes/", key: key, json: obj{"name": fmt.Sprintf("class%d", i)}})
		if got.status == 201 {
			created++
		} else if got.body != `{"detail":"Class count exceeded (3)."}` {
			t.Errorf("%d %s", got.status, got.body)
		}
	}
	if created < 2 || created > 3 {
		t.Errorf("%d classes were created", created)
	}
}

func TestClosedRegistration(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite", func(c *engine.Config, _ *Config) { c.OpenRegistration = false })
	w.refuses(t, 403, `{"detail":"Registration disabled."}`, ask{method: "POST", path: "/v1.1/account/register/", json: obj{"email": "a@example.com", "password": "x"}})
}

func TestThrottling(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite", func(_ *engine.Config, c *Config) {
		c.Limiter = web.NewLimiter(web.LimiterConfig{PerSecond: 0.5, Burst: 2})
	})
	a := ask{method: "GET", path: "/v1.1/"}
	w.want(t, 200, a)
	w.want(t, 200, a)
	got := w.want(t, 429, a)
	if got.body != `{"detail":"Request was throttled. Expected available in 2 seconds."}` || got.header.Get("Retry-After") != "2" {
		t.Errorf("%s, Retry-After %q", got.body, got.header.Get("Retry-After"))
	}
}

func TestFaultsOfOursShowNothing(t *testing.T) {
	t.Parallel()
	a := &api{}
	mux, err := web.NewMux(web.MuxConfig{Errors: a.fail, Log: discard()}, []web.Route[*call]{
		web.Get("/", web.Open[*call]("a test"), func(*web.Response, *web.Request, *call) error { panic("secret") }),
	})
	if err != nil {
		t.Fatal(err)
	}
	rec := httptest.NewRecorder()
	mux.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/", nil))
	if rec.Code != 500 || rec.Body.String() != `{"detail":"Internal server error."}` {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}
