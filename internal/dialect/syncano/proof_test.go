package syncano

import (
	"bytes"
	"mime/multipart"
	"net/url"
	"strings"
	"testing"
)

// TestTheWaysToPassAKey: contracts/syncano.md 1.2, the first match wins.
func TestTheWaysToPassAKey(t *testing.T) {
	t.Parallel()
	w := lite(t)
	_, owner := w.register(t)
	base := w.instance(t, owner)
	key := w.apiKey(t, base, owner)
	id, user := w.user(t, base, owner)
	_ = id
	list, current, batch := base+"groups/", base+"user/", base+"batch/"
	header := func(pairs ...string) map[string]string {
		h := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			h[pairs[i]] = pairs[i+1]
		}
		return h
	}
	empty := []any{}
	rows := []struct {
		name   string
		status int
		ask    ask
	}{
		{"header", 200, ask{method: "GET", path: list, header: header("X-API-KEY", key)}},
		{"header in capitals", 200, ask{method: "GET", path: list, header: header("X-API-KEY", strings.ToUpper(key))}},
		{"query api_key", 200, ask{method: "GET", path: list + "?api_key=" + key}},
		{"query apikey", 200, ask{method: "GET", path: list + "?apikey=" + key}},
		{"Authorization token", 200, ask{method: "GET", path: list, header: header("Authorization", "token "+key)}},
		{"Authorization any word", 200, ask{method: "GET", path: list, header: header("Authorization", "Bearer "+key)}},
		{"Authorization of one word", 403, ask{method: "GET", path: list, header: header("Authorization", key)}},
		{"Authorization of three words", 403, ask{method: "GET", path: list, header: header("Authorization", "my token "+key)}},
		{"JSON body", 200, ask{method: "POST", path: batch, json: obj{"_api_key": key, "requests": empty}}},
		{"JSON body of a GET", 200, ask{method: "GET", path: list, json: obj{"_api_key": key}}},
		{"text/plain body", 200, ask{method: "POST", path: batch, body: `{"_api_key":"` + key + `","requests":[]}`, header: header("Content-Type", "text/plain")}},
		{"form body", 200, ask{method: "POST", path: base + "user/auth/", form: url.Values{"_api_key": {key}, "username": {"user3"}, "password": {"secret"}}}},
		{"header before query", 403, ask{method: "GET", path: list + "?api_key=" + key, header: header("X-API-KEY", "wrong")}},
		{"query before Authorization", 200, ask{method: "GET", path: list + "?api_key=" + key, header: header("Authorization", "token wrong")}},
		{"Authorization before body", 403, ask{method: "POST", path: batch, json: obj{"_api_key": key, "requests": empty}, header: header("Authorization", "token wrong")}},
		{"an empty header is none", 200, ask{method: "GET", path: list + "?api_key=" + key, header: header("X-API-KEY", "")}},

		{"user key in header", 200, ask{method: "GET", path: current, key: key, user: user}},
		{"user key in capitals", 200, ask{method: "GET", path: current, key: key, user: strings.ToUpper(user)}},
		{"user key in query", 200, ask{method: "GET", path: current + "?user_key=" + user, key: key}},
		{"user key in query, other spelling", 200, ask{method: "GET", path: current + "?userkey=" + user + "&apikey=" + key}},
		{"user key in body", 200, ask{method: "PATCH", path: current, key: key, json: obj{"_user_key": user}}},
		{"both keys in a form", 200, ask{method: "PATCH", path: current, form: url.Values{"_api_key": {key}, "_user_key": {user}}}},
		{"user key alone", 403, ask{method: "GET", path: current, user: user}},
		{"user key as API key", 403, ask{method: "GET", path: current, key: user}},
		{"user key beside an account key", 403, ask{method: "GET", path: current, key: owner, user: user}},
		{"an unknown user key", 403, ask{method: "GET", path: current, key: key, user: strings.Repeat("0", 40)}},
		{"an unknown user key where none is needed", 200, ask{method: "GET", path: list, key: key, user: "unknown"}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) { w.want(t, row.status, row.ask) })
	}
}

func TestKeysInAMultipartBody(t *testing.T) {
	t.Parallel()
	w := lite(t)
	_, owner := w.register(t)
	base := w.instance(t, owner)
	key := w.apiKey(t, base, owner, "allow_user_create", "ignore_acl")
	w.want(t, 201, ask{method: "POST", path: base + "classes/", key: owner, json: obj{"name": "book", "schema": []obj{{"name": "cover", "type": "file"}}}})
	send := func(path string, file bool, fields ...string) ask {
		var body bytes.Buffer
		m := multipart.NewWriter(&body)
		for i := 0; i < len(fields); i += 2 {
			_ = m.WriteField(fields[i], fields[i+1])
		}
		if file {
			part, _ := m.CreateFormFile("cover", "a.txt")
			_, _ = part.Write([]byte("bytes"))
		}
		_ = m.Close()
		return ask{method: "POST", path: path, body: body.String(), header: map[string]string{"Content-Type": m.FormDataContentType()}}
	}
	w.want(t, 201, send(base+"users/", false, "_api_key", key, "username", "Eli", "password", "x"))
	w.want(t, 201, send(base+"classes/book/objects/", false, "_api_key", key))
	// Files are taken only from callers who are known before the body is read.
	w.want(t, 403, send(base+"classes/book/objects/", true, "_api_key", key))
	withFile := send(base+"classes/book/objects/", true)
	withFile.key = key
	w.want(t, 201, withFile)
}

func TestPreflightsAndOrigins(t *testing.T) {
	t.Parallel()
	w := lite(t)
	got := w.want(t, 200, ask{method: "OPTIONS", path: "/v1.1/instances/nothing/users/", header: map[string]string{
		"Origin": "https://app.example.com", "Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "x-api-key"}})
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin":  "*",
		"Access-Control-Allow-Methods": "DELETE, GET, OPTIONS, PATCH, POST, PUT",
		"Access-Control-Allow-Headers": "accept, accept-encoding, authorization, content-type, dnt, origin, user-agent, x-csrftoken, x-requested-with, x-api-key, x-user-key",
		"Access-Control-Max-Age":       "86400",
	} {
		if v := got.header.Get(name); v != want {
			t.Errorf("%s: %q", name, v)
		}
	}
	if got.body != "" || got.header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("a preflight answers %q", got.body)
	}
	got = w.want(t, 403, ask{method: "GET", path: "/v1.1/account/", header: map[string]string{"Origin": "null"}})
	if got.header.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(got.header.Get("Access-Control-Expose-Headers"), "Retry-After") {
		t.Errorf("headers of a refusal: %v", got.header)
	}
	if got = w.want(t, 403, ask{method: "GET", path: "/v1.1/account/"}); got.header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("an answer without origin allows one")
	}
}

func TestTheIndexes(t *testing.T) {
	t.Parallel()
	w := lite(t)
	w.refuses(t, 200, `{"links":{"v1":"/v1/","v1.1":"/v1.1/","v2":"/v2/"}}`, ask{method: "GET", path: "/"})
	w.refuses(t, 200, `{"links":{"instances":"/v1/instances/","backups":"/v1/backups/","account":"/v1/account/","usage":"/v1/usage/"}}`, ask{method: "GET", path: "/v1/"})
	w.refuses(t, 200, `{"links":{"instances":"/v1.1/instances/","backups":"/v1.1/backups/","account":"/v1.1/account/","usage":"/v1.1/usage/"}}`, ask{method: "GET", path: "/v1.1/"})
	var err error
	if w.serve, err = Root(); err != nil {
		t.Fatal(err)
	}
	w.refuses(t, 200, `{"links":{"v1":"/v1/","v1.1":"/v1.1/","v2":"/v2/"}}`, ask{method: "GET", path: "/"})
	w.want(t, 404, ask{method: "GET", path: "/v1.1/"})
}
