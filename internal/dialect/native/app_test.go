package native

import (
	"fmt"
	"strings"
	"testing"

	"hecate"
	"hecate/internal/engine"
)

func TestAnAppLives(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ann := s.newAdmin(t, "ann@example.com")
	made := s.want(t, 201, "POST", "/api/v1/apps", ann, object{"name": "Books", "description": "What I read."})
	path := made.header.Get("Location")
	if path != "/api/v1/apps/books" || text(made, "name") != "Books" || text(made, "role") != "owner" || text(made, "owner") != "ann@example.com" {
		t.Fatalf("at %s: %s", path, made.text)
	}
	s.refused(t, 409, "alias", "POST", "/api/v1/apps", ann, object{"name": "books"})
	if got := text(s.want(t, 200, "GET", "/api/v1/apps/BOOKS", ann, nil), "alias"); got != "books" {
		t.Errorf("found %q", got)
	}
	changed := s.want(t, 200, "PATCH", path, ann, object{"description": "What I read twice."})
	if text(changed, "description") != "What I read twice." {
		t.Error(changed.text)
	}
	s.refused(t, 400, "confirm", "DELETE", path, ann, nil)
	s.refused(t, 400, "confirm", "DELETE", path+"?confirm=films", ann, nil)
	s.want(t, 204, "DELETE", path+"?confirm=books", ann, nil)
	s.want(t, 404, "GET", path, ann, nil)
	s.newApp(t, ann, "books") // the name is free again
}

func TestOnlyTheOwnerDeletesAnApp(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ann, bob := s.newAdmin(t, "ann@example.com"), s.newAdmin(t, "bob@example.com")
	path := s.newApp(t, ann, "books")
	s.join(t, "books", bob, hecate.FullRole)
	s.want(t, 200, "PATCH", path, bob, object{"description": "ours"})
	s.want(t, 403, "DELETE", path+"?confirm=books", bob, nil)
}

func TestAReaderSeesNoKeysAndChangesNothing(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ann, bob := s.newAdmin(t, "ann@example.com"), s.newAdmin(t, "bob@example.com")
	path := s.newApp(t, ann, "books")
	s.want(t, 201, "POST", path+"/keys", ann, object{})
	s.join(t, "books", bob, hecate.ReadRole)
	if got := text(s.want(t, 200, "GET", path, bob, nil), "role"); got != "read" {
		t.Errorf("the role is %q", got)
	}
	s.want(t, 403, "PATCH", path, bob, object{"description": "mine"})
	s.want(t, 403, "GET", path+"/keys", bob, nil)
	s.want(t, 403, "GET", path+"/keys/1", bob, nil)
	s.want(t, 403, "POST", path+"/keys", bob, object{})
	s.want(t, 403, "POST", path+"/keys/1/reset", bob, nil)
	s.want(t, 403, "DELETE", path+"/keys/1", bob, nil)
}

// join gives an admin a role in an app, by way of an invitation.
func (s *server) join(t *testing.T, alias, key string, role hecate.AdminRole) {
	t.Helper()
	app, err := s.engine.AppByAlias(t.Context(), alias)
	if err != nil {
		t.Fatal(err)
	}
	invitation, err := s.engine.Invite(t.Context(), engine.SystemIn(app), "guest@example.com", role)
	if err != nil {
		t.Fatal(err)
	}
	guest, err := s.engine.AuthenticateAdmin(t.Context(), hecate.Proof{Key: hecate.NewSecret(key)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.engine.AcceptInvitation(t.Context(), guest, invitation.Key); err != nil {
		t.Fatal(err)
	}
}

func TestAPatchChangesOnlyTheSettingsItNames(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ann := s.newAdmin(t, "ann@example.com")
	path := s.newApp(t, ann, "books")
	s.want(t, 200, "PATCH", path, ann, object{"settings": object{
		"sandbox": true, "password": object{"min_length": 12, "blocklist": []string{"books", "hecate"}}, "sessions": object{"ttl": "720h"},
	}})
	s.want(t, 200, "PATCH", path, ann, object{"settings": object{"password": object{"digit": true}, "sessions": object{"end_on_password_change": "all"},
		"pages": object{"fr": object{"reset_title": "Mot de passe", "reset_sent": "Envoyé à {address}"}, "de-AT": object{"reset_title": "Kennwort"}}}})
	s.want(t, 200, "PATCH", path, ann, object{"settings": object{"pages": object{"fr": object{"reset_title": "Mot de passe"}, "de-at": nil}}})
	s.want(t, 200, "PATCH", path, ann, object{"settings": nil})
	got := canonical(t, s.want(t, 200, "GET", path, ann, nil).object["settings"])
	want := `{"confirm_sign_ups":false,"hide_account_existence":false,"pages":{"fr":{"reset_title":"Mot de passe"}},"password":{"blocklist":["books","hecate"],"digit":true,"expiry_days":0,"history":0,"lowercase":false,` +
		`"min_length":12,"symbol":false,"uppercase":false},"sandbox":true,"sessions":{"end_on_password_change":"all","ttl":"720h0m0s"}}`
	if got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	s.want(t, 200, "PATCH", path, ann, object{"settings": object{"password": object{"blocklist": []string{"x"}}}})

	for field, settings := range map[string]object{
		"settings.password.min_length":             {"password": object{"min_length": -1}},
		"settings.password.history":                {"password": object{"history": 1 << 20}},
		"settings.sessions.ttl":                    {"sessions": object{"ttl": "soon"}},
		"settings.sessions.end_on_password_change": {"sessions": object{"end_on_password_change": "some"}},
		"settings.sandbox":                         {"sandbox": "yes"},
		"settings.pages.fr.reset_titel":            {"pages": object{"fr": object{"reset_titel": "x"}}},
		"settings.pages.fr.reset_sent":             {"pages": object{"fr": object{"reset_sent": "Envoyé"}}},
		"settings.pages.fr.reset_title":            {"pages": object{"fr": object{"reset_title": strings.Repeat("x", 501)}}},
		"settings.pages.f":                         {"pages": object{"f": object{"reset_title": "x"}}},
	} {
		s.refused(t, 400, field, "PATCH", path, ann, object{"settings": settings})
	}
}

func TestNamesOfAppsCanStandInPaths(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ann := s.newAdmin(t, "ann@example.com")
	for _, name := range []string{"", "1books", "-books", "books-", "my--books", "my books", "books/films", "..", "bücher", "a?b"} {
		s.refused(t, 400, "name", "POST", "/api/v1/apps", ann, object{"name": name})
	}
	s.refused(t, 400, "alias", "POST", "/api/v1/apps", ann, object{"name": "books", "alias": "my books"})
	s.want(t, 201, "POST", "/api/v1/apps", ann, object{"name": "books", "alias": "my-books-2"})
}

func TestAListGoesOnWhereItEnded(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ann := s.newAdmin(t, "ann@example.com")
	for i := range 5 {
		s.newApp(t, ann, fmt.Sprintf("app-%d", i))
	}
	var seen []any
	target := "/api/v1/apps?limit=2"
	for pages := 1; ; pages++ {
		page := s.want(t, 200, "GET", target, ann, nil)
		for _, item := range page.object["items"].([]any) {
			seen = append(seen, item.(object)["alias"])
		}
		next, more := page.object["next"].(float64)
		if !more {
			break
		}
		if pages == 3 {
			t.Fatal("a fourth page")
		}
		target = fmt.Sprintf("/api/v1/apps?limit=2&after=%d", int(next))
	}
	if got := fmt.Sprint(seen); got != "[app-0 app-1 app-2 app-3 app-4]" {
		t.Error(got)
	}
}
