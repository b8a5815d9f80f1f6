package skygear

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"hecate"
	"hecate/internal/engine"
)

func systemActor() *hecate.Actor { return engine.System() }

// signUpAs makes a user with both names and returns his id and token.
func (w *world) signUpAs(t testing.TB, x *tenant, name string, profile obj) (id, token string) {
	t.Helper()
	got := w.post(t, "auth:signup", obj{
		"api_key": x.key, "auth_data": obj{"username": name, "email": name + "@example.com"}, "password": "p1", "profile": profile,
	}).ok(t)
	return text(t, got, "user_id"), text(t, got, "access_token")
}

// forgets asks for a letter and returns what its link carries.
func (w *world) forgets(t testing.TB, x *tenant, email string) url.Values {
	t.Helper()
	w.post(t, "user:forgot-password", obj{"api_key": x.key, "args": obj{"email": email}}).ok(t)
	return linkOf(t, w.letter(t, "reset", strings.ToLower(email))).Query()
}

// resetArgs are the arguments that a client makes of a link.
func resetArgs(t testing.TB, q url.Values, password string) obj {
	t.Helper()
	at, err := strconv.ParseInt(q.Get("expire_at"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return obj{"user_id": q.Get("user_id"), "code": q.Get("code"), "expire_at": at, "new_password": password}
}

func (w *world) resets(t testing.TB, x *tenant, args obj) reply {
	t.Helper()
	return w.post(t, "user:reset-password", obj{"api_key": x.key, "args": args})
}

func (w *world) logsIn(t testing.TB, x *tenant, name, password string) bool {
	t.Helper()
	return w.post(t, "auth:login", obj{"api_key": x.key, "auth_data": obj{"username": name}, "password": password}).status == 200
}

func with(o obj, name string, value any) obj {
	out := obj{}
	for k, v := range o {
		out[k] = v
	}
	out[name] = value
	return out
}

func TestAForgottenPasswordIsReplacedByWhatTheLetterSays(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		x, films := w.newApp(t, "books", hecate.Settings{}), w.newApp(t, "films", hecate.Settings{})
		id, token := w.signUpAs(t, x, "ben", nil)
		eve, _ := w.signUpAs(t, x, "eve", nil)
		w.signUpAs(t, films, "ben", nil)

		q := w.forgets(t, x, "Ben@example.com")
		l := w.letter(t, "reset", "ben@example.com")
		if l.Subject != "Reset password instructions" {
			t.Errorf("subject %q", l.Subject)
		}
		raw := l.Link.Reveal()
		if want := "http://example.com/reset-password?code=" + q.Get("code") + "&user_id=" + id + "&expire_at=" + q.Get("expire_at") + "&app=books"; raw != want {
			t.Errorf("link %s\nwant %s", raw, want)
		}
		good := resetArgs(t, q, "p2")
		for name, args := range map[string]obj{
			"a wrong code":        with(good, "code", "d819e774"),
			"somebody else":       with(good, "user_id", eve),
			"nobody":              with(good, "user_id", "nobody"),
			"another time":        with(good, "expire_at", good["expire_at"].(int64)+1),
			"a time that is none": with(good, "expire_at", "tomorrow"),
		} {
			w.resets(t, x, args).named(t, name).refused(t, 404, resourceNotFound)
		}
		w.resets(t, films, good).named(t, "another app").refused(t, 404, resourceNotFound)
		w.resets(t, x, with(good, "new_password", "")).refused(t, 400, invalidArgument)
		for _, name := range []string{"user_id", "code", "expire_at"} {
			w.resets(t, x, with(good, name, "")).named(t, name).refused(t, 400, invalidArgument)
		}
		// Links have the time as text, and neither key nor token has to be right.
		got := w.resets(t, x, with(good, "expire_at", q.Get("expire_at"))).ok(t)
		if got["status"] != "OK" {
			t.Errorf("answer %v", got)
		}
		w.post(t, "me", obj{"api_key": x.key, "access_token": token}).refused(t, 401, accessTokenNotAccepted)
		w.resets(t, x, good).named(t, "used").refused(t, 404, resourceNotFound)
		if !w.logsIn(t, x, "ben", "p2") || w.logsIn(t, x, "ben", "p1") || !w.logsIn(t, films, "ben", "p1") {
			t.Error("the password is not the new one, or changed in the other app")
		}
		login := w.ask(t, w.other, "POST", "/v1.1/instances/books/user/auth/", obj{"username": "ben", "password": "p2"}, "X-API-KEY", x.other)
		if login.status != 200 {
			t.Errorf("Syncano says %d %s", login.status, login.body)
		}
	})
}

func TestWhatEndsALinkToANewPassword(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		x := w.newApp(t, "books", dialectSettings(obj{"forgot_password": obj{"reset_ttl": "1h0m0s"}}))
		id, token := w.signUpAs(t, x, "ben", nil)
		const address = "ben@example.com"
		dead := func(name string, q url.Values) {
			t.Helper()
			w.resets(t, x, resetArgs(t, q, "stolen")).named(t, name).refused(t, 404, resourceNotFound)
			w.visit(t, "/reset-password?"+q.Encode(), nil).shows(t, 400, "Invalid URL")
		}
		first := w.forgets(t, x, address)
		second := w.forgets(t, x, address)
		dead("superseded", first)

		w.clock.Advance(time.Hour)
		dead("expired", second)

		q := w.forgets(t, x, address)
		w.clock.Advance(time.Second)
		if !w.logsIn(t, x, "ben", "p1") {
			t.Fatal("no login")
		}
		dead("after a login", q)

		q = w.forgets(t, x, address)
		w.post(t, "auth:password", obj{"access_token": token, "api_key": x.key, "old_password": "p1", "password": "p1"}).ok(t)
		dead("after a password change", q)

		q = w.forgets(t, x, address)
		saved := w.post(t, "record:save", obj{"api_key": x.key, "access_token": token, "database_id": "_public",
			"records": []any{obj{"_id": "user/" + id, "email": "new@example.com"}}})
		if saved.status != 200 || strings.Contains(saved.body, "error") {
			t.Fatal(saved.body)
		}
		dead("sent to a former address", q)
		if n := w.lettersTo(t, address); n["moved"] != 1 {
			t.Errorf("the old address was told %d times", n["moved"])
		}

		// Whoever is disabled is not let in by a new password.
		q = w.forgets(t, x, "new@example.com")
		w.post(t, "auth:disable:set", obj{"api_key": x.master, "auth_id": id, "disabled": true}).ok(t)
		w.resets(t, x, resetArgs(t, q, "p3")).ok(t)
		w.post(t, "auth:login", obj{"api_key": x.key, "auth_data": obj{"username": "ben"}, "password": "p3"}).refused(t, 403, userDisabled)
	})
}

func TestForgottenPasswordsTellOfAccountsOnlyWhereTheAppWantsIt(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		secure := obj{"forgot_password": obj{"secure_match": true}}
		usual, telling := w.newApp(t, "usual", hecate.Settings{}), w.newApp(t, "telling", dialectSettings(secure))
		hidden := dialectSettings(secure)
		hidden.HideAccountExistence = true
		hiding := w.newApp(t, "hiding", hidden)
		ask := func(x *tenant, email any) reply {
			t.Helper()
			return w.post(t, "user:forgot-password", obj{"api_key": x.key, "args": obj{"email": email}})
		}
		for _, x := range []*tenant{usual, telling, hiding} {
			w.signUpAs(t, x, "ben", nil)
			w.signUp(t, x, "plain")
			known := ask(x, "ben@example.com")
			known.ok(t)
			for _, unknown := range []string{"nobody@example.com", "", "plain", strings.Repeat("x", 500)} {
				got := ask(x, unknown)
				if x != telling {
					if got.status != known.status || got.body != known.body {
						t.Errorf("%s: %q is answered %s", x.app.Name, unknown, got.body)
					}
					continue
				}
				got.refused(t, 400, invalidArgument)
				if !strings.Contains(got.body, "user_id must be set") {
					t.Error(got.body)
				}
			}
			ask(x, nil).refused(t, 400, invalidArgument)
			ask(x, 5).refused(t, 400, badRequest)
			w.post(t, "user:forgot-password", obj{"api_key": x.key}).refused(t, 400, invalidArgument)
			w.post(t, "user:forgot-password", obj{"api_key": x.key, "args": []any{"ben@example.com"}}).ok(t)
		}
		if n := w.lettersTo(t, "ben@example.com")["reset"]; n != 6 {
			t.Errorf("%d letters", n)
		}
		// Many letters to one address: it gets no more, and nobody learns it.
		for range 25 {
			ask(usual, "ben@example.com").ok(t)
		}
		if n := w.lettersTo(t, "ben@example.com")["reset"]; n > 30 {
			t.Errorf("%d letters", n)
		}
		// Without a key nothing says which app is meant, but a host name does.
		w.post(t, "user:forgot-password", obj{"args": obj{"email": "ben@example.com"}}).refused(t, 401, notAuthenticated)
		w.ask(t, w.serve, "POST", "/user/forgot-password", obj{"args": obj{"email": "ben@example.com"}, "access_token": "bad"}, "Host", "hiding.apps.test").ok(t)
		if got := w.letter(t, "reset", "ben@example.com").Link.Reveal(); !strings.HasPrefix(got, "http://hiding.apps.test/reset-password?") || strings.Contains(got, "app=") {
			t.Errorf("link %s", got)
		}
	})
}

func TestThePasswordPolicyHoldsForForgottenPasswords(t *testing.T) {
	t.Parallel()
	w := lite(t)
	x := w.newApp(t, "books", hecate.Settings{})
	w.signUpAs(t, x, "ben", nil)
	s := x.app.Settings
	s.Password.MinLength = 8
	if _, _, err := w.engine.DeclareApp(context.Background(), engine.System(), engine.DeclareAppInput{Org: "acme", Name: "books", Alias: "books", Settings: s}); err != nil {
		t.Fatal(err)
	}
	q := w.forgets(t, x, "ben@example.com")
	w.resets(t, x, resetArgs(t, q, "short")).refused(t, 500, passwordPolicyViolated)
	form := url.Values{"password": {"short"}, "confirm": {"short"}}
	w.visit(t, "/reset-password?"+q.Encode(), form).shows(t, 200, "password too short")
	w.resets(t, x, resetArgs(t, q, "long enough")).ok(t)
}

func TestThePageOfALetterSetsAPassword(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		x := w.newApp(t, "books", hecate.Settings{})
		w.newApp(t, "films", hecate.Settings{})
		w.signUpAs(t, x, "ben", nil)
		q := w.forgets(t, x, "ben@example.com")
		at := "/reset-password?" + q.Encode()
		for range 3 { // programs open links too
			got := w.visit(t, at, nil)
			got.shows(t, 200, `<form method="post" action="reset-password">`)
			got.shows(t, 200, `name="code" value="`+q.Get("code")+`"`)
		}
		for _, name := range []string{"code", "user_id", "expire_at", "app"} {
			wrong := url.Values{}
			for k, v := range q {
				wrong[k] = v
			}
			wrong.Del(name)
			w.visit(t, "/reset-password?"+wrong.Encode(), nil).named(t, name).shows(t, 400, "Invalid URL")
			wrong.Set(name, `"><script>alert(1)</script>`)
			got := w.visit(t, "/reset-password?"+wrong.Encode(), nil)
			got.shows(t, 400, "Invalid URL")
			if strings.Contains(got.body, "<script") {
				t.Error("a parameter is part of the page")
			}
			w.visit(t, "/reset-password", wrong).shows(t, 400, "Invalid URL")
		}
		foreign := url.Values{}
		for k, v := range q {
			foreign[k] = v
		}
		foreign.Set("app", "films")
		w.visit(t, "/reset-password?"+foreign.Encode(), nil).shows(t, 400, "Invalid URL")
		w.visit(t, at, nil, "Host", "films.apps.test").shows(t, 400, "Invalid URL")

		w.visit(t, at, url.Values{}).shows(t, 200, "password cannot be empty")
		w.visit(t, at+"&password=p9&confirm=p9", url.Values{}).shows(t, 200, "password cannot be empty")
		w.visit(t, at, url.Values{"password": {"p2"}, "confirm": {"p3"}}).shows(t, 200, "confirm password does not match the password")
		form := url.Values{"password": {"p2"}, "confirm": {"p2"}}
		for k, v := range q {
			form[k] = v
		}
		got := w.visit(t, "/reset-password", form)
		got.shows(t, 200, "Your password is reset successfully.")
		if !w.logsIn(t, x, "ben", "p2") {
			t.Error("no login with the new password")
		}
		w.visit(t, "/reset-password", form).shows(t, 400, "Invalid URL")
	})
}

func TestThePageEndsWhereTheAppSays(t *testing.T) {
	t.Parallel()
	w := lite(t)
	x := w.newApp(t, "books", dialectSettings(obj{"forgot_password": obj{
		"success_redirect": "https://app.example/done?a=1", "error_redirect": "https://app.example/wrong",
	}}))
	id, _ := w.signUpAs(t, x, "ben", nil)
	w.visit(t, "/reset-password?app=books", nil).leads(t, "https://app.example/wrong?error=Invalid+URL")
	w.visit(t, "/reset-password?app=books&error_redirect=https://evil.example", url.Values{"success_redirect": {"https://evil.example"}}).
		leads(t, "https://app.example/wrong?error=Invalid+URL")
	q := w.forgets(t, x, "ben@example.com")
	at := "/reset-password?" + q.Encode()
	got := w.visit(t, at, nil)
	got.shows(t, 200, "<form")
	if policy := got.header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self' https://app.example") {
		t.Errorf("policy %q lets no browser follow the answer", policy)
	}
	carried := "code=" + url.QueryEscape(q.Get("code")) + "&"
	rest := "expire_at=" + q.Get("expire_at") + "&user_id=" + id
	w.visit(t, at, url.Values{"password": {"a"}, "confirm": {"b"}}).
		leads(t, "https://app.example/wrong?"+carried+"error=confirm+password+does+not+match+the+password&"+rest)
	w.visit(t, at, url.Values{"password": {"p2"}, "confirm": {"p2"}}).leads(t, "https://app.example/done?a=1&"+carried+rest)
}

func TestNewUsersAreWelcomed(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		x, silent := w.newApp(t, "books", dialectSettings(obj{"welcome_mail": true})), w.newApp(t, "films", hecate.Settings{})
		w.signUpAs(t, x, "ben", nil)
		w.signUp(t, x, "plain")
		w.signUpAs(t, silent, "eve", nil)
		w.post(t, "auth:signup", obj{"api_key": x.key, "auth_data": obj{"username": "ann"}, "password": "p1", "profile": obj{"email": "ann@example.com"}}).ok(t)
		w.post(t, "auth:signup", obj{"api_key": x.key, "auth_data": obj{"username": "ben"}, "password": "p1", "profile": obj{"email": "late@example.com"}}).
			refused(t, 409, duplicated)
		l := w.letter(t, "welcome", "ben@example.com")
		if l.Subject != "Welcome!" || l.Fields["user"] != "ben" || !l.Link.IsZero() || !l.Secret.IsZero() {
			t.Errorf("letter %+v", l)
		}
		w.letter(t, "welcome", "ann@example.com")
		if n := len(w.lettersTo(t, "eve@example.com")) + len(w.lettersTo(t, "late@example.com")); n != 0 {
			t.Errorf("%d letters to those who get none", n)
		}
	})
}

func TestTheMasterKeyTriesLetters(t *testing.T) {
	t.Parallel()
	w := lite(t)
	x := w.newApp(t, "books", hecate.Settings{})
	other := w.newApp(t, "films", hecate.Settings{})
	for _, c := range []struct{ action, argument, letter, subject string }{
		{"user:forgot-password:test", "email", "reset", "Reset password instructions"},
		{"user:welcome-email:test", "email", "welcome", "Welcome!"},
		{"user:verify_request:test", "record_value", "verify", "User Verification"},
	} {
		args := obj{c.argument: "try@example.com"}
		w.post(t, c.action, obj{"api_key": x.key, "args": args}).refused(t, 401, accessKeyNotAccepted)
		w.post(t, c.action, obj{"args": args}).refused(t, 401, notAuthenticated)
		w.ask(t, w.serve, "POST", "/"+strings.ReplaceAll(c.action, ":", "/"), obj{"api_key": other.master, "args": args}, "Host", "books.apps.test").
			refused(t, 401, accessKeyNotAccepted)
		w.post(t, c.action, obj{"api_key": x.master, "args": obj{}}).refused(t, 400, invalidArgument)
		w.post(t, c.action, obj{"api_key": x.master, "args": obj{c.argument: "a\r\nBcc: b@example.com"}}).refused(t, 400, invalidArgument)
		w.post(t, c.action, obj{"api_key": x.master, "args": with(args, "text_template", "x")}).refused(t, 501, notSupported)
		w.post(t, c.action, obj{"api_key": x.master, "args": args}).ok(t)
		if l := w.letter(t, c.letter, "try@example.com"); l.Subject != c.subject {
			t.Errorf("%s: subject %q", c.action, l.Subject)
		}
		w.post(t, c.action, obj{"api_key": x.master, "args": with(args, "subject", "A try")}).ok(t)
		if l := w.letter(t, c.letter, "try@example.com"); l.Subject != "A try" {
			t.Errorf("%s: subject %q", c.action, l.Subject)
		}
	}
}
