package native

import (
	"encoding/json"
	"strings"
	"testing"

	"hecate"
)

func canonical(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestEveryKindHasItsProblem(t *testing.T) {
	t.Parallel()
	for kind, p := range problems {
		if p.status < 400 || p.status > 599 || p.name == "" || p.title == "" || !strings.HasSuffix(p.detail, ".") && p.status != 401 {
			t.Errorf("%v: %+v", hecate.Kind(kind), p)
		}
	}
	if problems[hecate.UnknownUser] != problems[hecate.WrongPassword] {
		t.Error("an unknown admin can be told from a wrong password")
	}
	if problems[hecate.NoApp] != problems[hecate.NotFound] {
		t.Error("a missing app can be told from a missing thing")
	}
}

func TestEveryRefusalIsAProblemThatNobodyKeeps(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ann := s.newAdmin(t, "ann@example.com")
	for _, c := range []struct {
		claim          string
		status         int
		method, target string
		body           any
	}{
		{"no such route", 404, "GET", "/api/v1/nothing", nil},
		{"no such route outside the API", 404, "GET", "/", nil},
		{"a final slash is another path", 404, "GET", "/api/v1/apps/", nil},
		{"another method", 405, "PUT", "/api/v1/apps", object{}},
		{"no JSON", 400, "POST", "/api/v1/apps", `{"name":`},
		{"a NUL in a text", 400, "POST", "/api/v1/apps", `{"name":"a\u0000b"}`},
		{"a wrong type", 400, "POST", "/api/v1/apps", `{"name":7}`},
		{"too large", 413, "POST", "/api/v1/apps", `{"name":"` + strings.Repeat("a", maxBody) + `"}`},
		{"a page that is none", 400, "GET", "/api/v1/apps?after=x", nil},
		{"too long a page", 400, "GET", "/api/v1/apps?limit=1000", nil},
	} {
		a := s.want(t, c.status, c.method, c.target, ann, c.body)
		if a.header.Get("Content-Type") != "application/problem+json" || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", c.claim, a.header)
		}
		for _, name := range []string{"type", "title", "detail", "request_id"} {
			if text(a, name) == "" {
				t.Errorf("%s: no %s in %s", c.claim, name, a.text)
			}
		}
		if a.object["status"] != float64(c.status) {
			t.Errorf("%s: %s", c.claim, a.text)
		}
		if c.status == 405 && a.header.Get("Allow") == "" {
			t.Errorf("%s: no Allow", c.claim)
		}
	}
}

func TestNoAnswerIsKept(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	a := s.want(t, 200, "GET", "/api/v1/apps", s.newAdmin(t, "ann@example.com"), nil)
	if a.header.Get("Cache-Control") != "no-store" || a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Error(a.header)
	}
}
