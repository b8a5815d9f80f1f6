package usergrid_test

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hecate/internal/dialect/usergrid"
)

func TestApplicationsAreNamedInManyWays(t *testing.T) {
	eachKennel(t, func(t *testing.T, k *kennel) {
		org, app := string(k.books.Org), string(k.books.ID)
		for path, want := range map[string]string{
			"/acme/books/dogs/Fido":              "/dogs/Fido",
			"/ACME/Books/dogs/":                  "/dogs",
			"/acme/books":                        "/",
			"/acme/books//dogs//x/":              "/dogs/x",
			"/" + org + "/" + app + "/dogs":      "/dogs",
			"/acme/" + app + "/dogs":             "/dogs",
			"/" + strings.ToUpper(app) + "/dogs": "/dogs",
			"/applications/" + app + "/dogs":     "/dogs",
			"/apps/" + app:                       "/",
			"/organizations/acme/books/dogs":     "/dogs",
			"/orgs/acme/applications/books/dogs": "/dogs",
			"/o/acme/apps/books/dogs":            "/dogs",
			"/o/acme/a/" + app + "/dogs":         "/dogs",
			"/acme/books/dogs/a%2Fb":             "/dogs/a%2Fb",
			"/acme/books/users;ql=x/me;a=b":      "/users/me",
		} {
			got, _, inside, ok := usergrid.Located(k.serve, httptest.NewRequest("GET", path, nil))
			if !ok || got == nil || got.ID != k.books.ID || inside != want {
				t.Errorf("%s: %v %v %s", path, ok, got, inside)
			}
		}
		for path, status := range map[string]int{
			"/acme/files/dogs": 404, "/other/books/dogs": 404, "/acme/" + string(k.files.ID) + "/dogs": 404, "/nobody/nothing/users": 404,
			"/acme/b%00oks/dogs": 404, "/acme/b%FFoks/dogs": 404, "/00000000-0000-0000-0000-000000000000/dogs": 404, "/acme": 404,
		} {
			got := k.send(k.client, "GET", path, nil)
			if got.status != status || got.body["error"] == nil {
				t.Errorf("%s: %d %s", path, got.status, got.text)
			}
		}
		got := k.send("", "GET", "/otherorg/otherapp/users", nil)
		if got.body["error"] != "organization_application_not_found" ||
			got.body["error_description"] != "Could not find application for otherorg/otherapp from URI: /otherorg/otherapp/users" {
			t.Errorf("%s", got.text)
		}
		if got := k.send(k.client, "DELETE", "/acme/books", nil); got.status != 405 {
			t.Errorf("DELETE of an application: %d %s", got.status, got.text)
		}
		if got := k.send(k.client, "DELETE", "/acme", nil); got.status != 501 {
			t.Errorf("DELETE of an organization: %d %s", got.status, got.text)
		}
	})
}

// Whatever a path is made of, it leads to no application but the one it names, in the organization it names.
func TestNoPathLeavesItsOrganization(t *testing.T) {
	t.Parallel()
	k := newKennel(t, "sqlite")
	names := map[string]string{string(k.books.ID): "books", string(k.files.ID): "files"}
	words := []string{"acme", "ACME", "other", "books", "Books", "files", string(k.books.Org), string(k.files.Org), string(k.books.ID), string(k.files.ID),
		"orgs", "organizations", "o", "apps", "applications", "a", "management", "system", "", "..", ".", "%2F", "%2e%2e", "acme%2Fbooks", ";x=1", "books;y",
		"users", "me", "token", "{a='b;c'}", "%00", "%FF", "%zz", "é"}
	rapid.Check(t, func(rt *rapid.T) {
		parts := rapid.SliceOfN(rapid.SampledFrom(words), 0, 6).Draw(rt, "path")
		r := httptest.NewRequest("GET", "/", nil)
		u, err := url.Parse("http://host/" + strings.Join(parts, "/")) // as a server reads it: resolving it would write it anew
		if err != nil {
			return
		}
		r.URL = u
		app, org, inside, ok := usergrid.Located(k.serve, r)
		if !ok || app == nil {
			return
		}
		if org != "" && !strings.EqualFold(org, app.OrgName) && !strings.EqualFold(org, string(app.Org)) {
			rt.Fatalf("%s leads to %s/%s by way of %q", u, app.OrgName, app.Name, org)
		}
		name := names[string(app.ID)]
		named := false
		for _, part := range parts {
			part, _, _ = strings.Cut(part, ";")
			named = named || strings.EqualFold(part, name) || strings.EqualFold(part, string(app.ID))
		}
		if !named || !strings.HasPrefix(inside, "/") {
			rt.Fatalf("%s leads to %s, path %q", u, name, inside)
		}
	})
}
