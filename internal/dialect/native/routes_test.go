package native

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestTheDescriptionHasEveryRoute and nothing but the routes, with who may enter them.
func TestTheDescriptionHasEveryRoute(t *testing.T) {
	t.Parallel()
	described := describedRoutes(t)
	for _, rt := range (&api{}).routes() {
		method, pattern, security := rt.Describe()
		security, _, _ = strings.Cut(security, ":") // the reason of an open route is for its reader
		name := method + " " + pattern
		switch got, ok := described[name]; {
		case !ok:
			t.Errorf("%s is not in openapi.yaml", name)
		case got != security:
			t.Errorf("%s is %s in openapi.yaml, %s in routes.go", name, got, security)
		}
		delete(described, name)
	}
	for name := range described {
		t.Errorf("%s is in openapi.yaml, but not in routes.go", name)
	}
}

// describedRoutes gives the security of each operation in openapi.yaml.
func describedRoutes(t *testing.T) map[string]string {
	t.Helper()
	var document struct {
		Paths map[string]map[string]yaml.Node
	}
	if err := yaml.Unmarshal(openapi, &document); err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for path, operations := range document.Paths {
		for method, node := range operations {
			if method == "parameters" {
				continue
			}
			var operation struct {
				Security string `yaml:"x-security"`
			}
			if err := node.Decode(&operation); err != nil {
				t.Fatal(err)
			}
			if operation.Security == "" {
				operation.Security = "open"
			}
			found[strings.ToUpper(method)+" "+path] = operation.Security
		}
	}
	return found
}

func TestTheDescriptionIsServed(t *testing.T) {
	t.Parallel()
	a := newServer(t).want(t, 200, "GET", "/api/v1/openapi.yaml", "", nil)
	if a.text != string(openapi) || a.header.Get("Content-Type") != "application/yaml" {
		t.Errorf("%s, %d bytes", a.header.Get("Content-Type"), len(a.text))
	}
}

// eachRoute calls fn with a concrete target for every route that needs an admin; alias stands in for {alias}.
func eachRoute(alias string, fn func(method, target string)) {
	fill := strings.NewReplacer("{alias}", alias, "{seq}", "1")
	for _, rt := range (&api{}).routes() {
		if method, pattern, security := rt.Describe(); security == "admin" || security == "member" {
			fn(method, fill.Replace(pattern))
		}
	}
}

func TestNobodyEntersWithoutAnAccountKey(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ann := s.newAdmin(t, "ann@example.com")
	app := s.newApp(t, ann, "books")
	apiKey := text(s.want(t, 201, "POST", app+"/keys", ann, object{"flags": []string{"master"}}), "key")
	for _, key := range []string{"", "wrong", apiKey} {
		for _, alias := range []string{"books", "nothing"} {
			eachRoute(alias, func(method, target string) {
				a := s.want(t, 401, method, target, key, object{})
				if a.header.Get("WWW-Authenticate") == "" {
					t.Errorf("%s %s: no WWW-Authenticate", method, target)
				}
			})
		}
	}
}

func TestAnAppOfOthersIsLikeOneThatDoesNotExist(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ann, bob := s.newAdmin(t, "ann@example.com"), s.newAdmin(t, "bob@example.com")
	app := s.newApp(t, ann, "books")
	s.want(t, 201, "POST", app+"/keys", ann, object{"name": "web site"})
	said := map[string]bool{}
	for _, alias := range []string{"books", "nothing"} {
		eachRoute(alias, func(method, target string) {
			if !strings.Contains(target, alias) {
				return
			}
			a := s.want(t, 404, method, target+"?confirm="+alias, bob, object{})
			delete(a.object, "request_id")
			said[canonical(t, a.object)] = true
		})
	}
	if len(said) != 1 {
		t.Errorf("the answers differ: %v", said)
	}
	if list := s.want(t, 200, "GET", "/api/v1/apps", bob, nil); len(list.object["items"].([]any)) != 0 {
		t.Errorf("the other admin sees %s", list.text)
	}
	s.want(t, 200, "GET", app+"/keys/1", ann, nil)
}

func TestAKeyOfAnotherAppIsNotFound(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ann, bob := s.newAdmin(t, "ann@example.com"), s.newAdmin(t, "bob@example.com")
	books, films := s.newApp(t, ann, "books"), s.newApp(t, bob, "films")
	s.want(t, 201, "POST", books+"/keys", ann, object{"name": "web site"})
	theirs := films + "/keys/1"
	s.want(t, 404, "GET", theirs, bob, nil)
	s.want(t, 404, "PATCH", theirs, bob, object{"description": "mine"})
	s.want(t, 404, "POST", theirs+"/reset", bob, nil)
	s.want(t, 404, "DELETE", theirs, bob, nil)
	if got := text(s.want(t, 200, "GET", books+"/keys/1", ann, nil), "name"); got != "web site" {
		t.Errorf("the key is now %q", got)
	}
}
