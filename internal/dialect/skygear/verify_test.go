package skygear

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"hecate/internal/engine"
)

// me is the user's own record, as me shows it.
func (w *world) me(t testing.TB, x *tenant, token string) obj {
	t.Helper()
	return w.post(t, "me", obj{"api_key": x.key, "access_token": token}).ok(t)["profile"].(obj)
}

func (w *world) lambda(t testing.TB, x *tenant, token, action string, args obj) reply {
	t.Helper()
	return w.post(t, action, obj{"api_key": x.key, "access_token": token, "args": args})
}

func (r reply) nothing(t testing.TB) {
	t.Helper()
	if r.status != 200 || strings.TrimSpace(r.body) != "{}" {
		t.Errorf("answer %d %s, want {}", r.status, r.body)
	}
}

// says demands an error of that text.
func (r reply) says(t testing.TB, status int, want code, message string) {
	t.Helper()
	r.refused(t, status, want)
	if fault, _ := r.value["error"].(obj); fault["message"] != message {
		t.Errorf("message %q, want %q", fault["message"], message)
	}
}

// code asks for a code and returns it.
func (w *world) code(t testing.TB, x *tenant, token, key, address string) string {
	t.Helper()
	w.lambda(t, x, token, "user:verify_request", obj{"record_key": key}).nothing(t)
	return w.letter(t, "verify", address).Secret.Reveal()
}

// saveOwn saves fields of the user's own record.
func (w *world) saveOwn(t testing.TB, x *tenant, id, token string, fields obj) obj {
	t.Helper()
	got := w.post(t, "record:save", obj{"api_key": x.key, "access_token": token, "database_id": "_public", "records": []any{with(fields, "_id", "user/"+id)}})
	list, _ := got.value["result"].([]any)
	if got.status != 200 || len(list) != 1 || list[0].(obj)["_type"] == "error" {
		t.Fatalf("save: %d %s", got.status, got.body)
	}
	return list[0].(obj)
}

func TestAnAddressIsVerifiedByItsCode(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		x := w.newApp(t, "books", dialectSettings(obj{"verify": obj{"keys": []any{"email", "work", "phone"}, "auto_update": true}}))
		films := w.newApp(t, "films", dialectSettings(obj{"verify": obj{"keys": []any{"email"}}}))
		id, token := w.signUpAs(t, x, "ben", obj{"work": "ben@work.example", "phone": "+491234"})
		_, eve := w.signUpAs(t, x, "eve", nil)
		_, away := w.signUpAs(t, films, "ben", nil)
		if n := w.lettersTo(t, "ben@example.com"); len(n) != 0 {
			t.Errorf("letters that nobody asked for: %v", n)
		}
		own := w.me(t, x, token)
		for _, flag := range []string{"email_verified", "work_verified", "phone_verified", "is_verified"} {
			if own[flag] != false {
				t.Errorf("%s is %v right after sign-up", flag, own[flag])
			}
		}
		ask, tell := "user:verify_request", "user:verify_code"
		w.lambda(t, x, "", ask, obj{"record_key": "email"}).says(t, 401, notAuthenticated, "You must log in to perform this action.")
		w.lambda(t, x, "bad", ask, obj{"record_key": "email"}).refused(t, 401, notAuthenticated)
		w.lambda(t, x, token, ask, obj{}).refused(t, 400, invalidArgument)
		w.lambda(t, x, token, ask, obj{"record_key": "nickname"}).says(t, 400, invalidArgument, "record_key `nickname` is not configured to verify")
		w.lambda(t, x, eve, ask, obj{"record_key": "work"}).refused(t, 400, invalidArgument)
		w.lambda(t, x, token, ask, obj{"record_key": "phone"}).refused(t, 503, notConfigured)
		w.lambda(t, films, away, ask, obj{"record_key": "work"}).says(t, 400, invalidArgument, "record_key `work` is not configured to verify")

		code := w.code(t, x, token, "email", "ben@example.com")
		l := w.letter(t, "verify", "ben@example.com")
		if len(code) < 8 || l.Subject != "User Verification" || l.Fields["code"] != code {
			t.Errorf("letter %+v with code %q", l, code)
		}
		if want := "http://example.com/user/verify-code/form?code=" + code + "&auth_id=" + id + "&app=books"; l.Link.Reveal() != want {
			t.Errorf("link %s\nwant %s", l.Link.Reveal(), want)
		}
		bad := func(c string) string { return fmt.Sprintf("the code `%s` is not valid for user `%s`", c, id) }
		w.lambda(t, x, token, tell, obj{"code": "x"}).says(t, 400, invalidArgument, bad("x"))
		w.lambda(t, x, eve, tell, obj{"code": code}).refused(t, 400, invalidArgument)
		w.lambda(t, films, away, tell, obj{"code": code}).refused(t, 400, invalidArgument)
		w.lambda(t, x, "", tell, obj{"code": code}).refused(t, 401, notAuthenticated)
		w.lambda(t, x, token, tell, obj{}).refused(t, 400, invalidArgument)
		w.lambda(t, x, token, tell, obj{"code": code}).nothing(t)
		w.lambda(t, x, token, tell, obj{"code": code}).says(t, 400, invalidArgument, bad(code))
		if own = w.me(t, x, token); own["email_verified"] != true || own["work_verified"] != false || own["is_verified"] != true {
			t.Errorf("after the code: %v", own)
		}

		// A field of the record, and what ends its code.
		first := w.code(t, x, token, "work", "ben@work.example")
		second := w.code(t, x, token, "work", "ben@work.example")
		w.lambda(t, x, token, tell, obj{"code": first}).says(t, 400, invalidArgument, bad(first))
		w.saveOwn(t, x, id, token, obj{"work": "new@work.example"})
		w.lambda(t, x, token, tell, obj{"code": second}).says(t, 400, invalidArgument, textModified)
		third := w.code(t, x, token, "work", "new@work.example")
		w.clock.Advance(24 * time.Hour)
		w.lambda(t, x, token, tell, obj{"code": third}).says(t, 400, invalidArgument, "the code has expired")
		w.lambda(t, x, token, tell, obj{"code": w.code(t, x, token, "work", "new@work.example")}).nothing(t)
		if own = w.me(t, x, token); own["work_verified"] != true {
			t.Errorf("after the code: %v", own)
		}

		// Whoever is disabled hears it.
		w.post(t, "auth:disable:set", obj{"api_key": x.master, "auth_id": id, "disabled": true}).ok(t)
		w.lambda(t, x, token, ask, obj{"record_key": "email"}).refused(t, 403, userDisabled)
		w.lambda(t, x, token, tell, obj{"code": "1"}).refused(t, 403, userDisabled)
	})
}

func TestACodeIsGuessedFiveTimes(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		x := w.newApp(t, "books", dialectSettings(obj{"verify": obj{"keys": []any{"email"}}}))
		id, token := w.signUpAs(t, x, "ben", nil)
		code := w.code(t, x, token, "email", "ben@example.com")
		for i := range 3 {
			w.lambda(t, x, token, "user:verify_code", obj{"code": fmt.Sprint(i)}).refused(t, 400, invalidArgument)
		}
		at := "/user/verify-code/form?auth_id=" + id + "&app=books&code="
		for i := range 2 {
			w.visit(t, at+fmt.Sprint(i), url.Values{}).shows(t, 400, "code not found")
		}
		w.lambda(t, x, token, "user:verify_code", obj{"code": code}).refused(t, 400, invalidArgument)
		w.visit(t, at+code, url.Values{}).shows(t, 400, "code not found")
	})
}

func TestOnlyAProofVerifies(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		x := w.newApp(t, "books", dialectSettings(obj{"verify": obj{"keys": []any{"email", "work"}, "auto_update": true, "criteria": "all"}}))
		claims := obj{"email_verified": true, "work_verified": true, "is_verified": true, "work": "ben@work.example"}
		id, token := w.signUpAs(t, x, "ben", claims)
		unverified := func(step string, flags ...string) {
			t.Helper()
			own := w.me(t, x, token)
			for _, flag := range flags {
				if own[flag] != false {
					t.Errorf("%s: %s is %v", step, flag, own[flag])
				}
			}
		}
		unverified("claimed at sign-up", "email_verified", "work_verified", "is_verified")
		w.saveOwn(t, x, id, token, claims)
		unverified("claimed by saving", "email_verified", "work_verified", "is_verified")
		w.post(t, "record:save", obj{"api_key": x.key, "access_token": token, "database_id": "_public", "atomic": true, "records": []any{with(claims, "_id", "user/"+id)}})
		unverified("claimed by saving at once", "is_verified")

		// By another dialect, whose name for the field means nothing here.
		users := w.ask(t, w.other, "POST", "/v1.1/instances/books/user/auth/", obj{"username": "ben", "password": "p1"}, "X-API-KEY", x.other)
		key := text(t, users.value, "user_key")
		patch := func(profile obj) {
			t.Helper()
			if got := w.ask(t, w.other, "PATCH", "/v1.1/instances/books/user/", obj{"profile": profile}, "X-API-KEY", x.other, "X-USER-KEY", key); got.status != 200 {
				t.Fatalf("%d %s", got.status, got.body)
			}
		}
		patch(obj{"work_verified": true, "is_verified": true})
		unverified("claimed in another dialect", "work_verified", "is_verified")

		tell := func(key, address string) {
			t.Helper()
			w.lambda(t, x, token, "user:verify_code", obj{"code": w.code(t, x, token, key, address)}).nothing(t)
		}
		tell("email", "ben@example.com")
		unverified("one of two", "is_verified")
		tell("work", "ben@work.example")
		if own := w.me(t, x, token); own["is_verified"] != true || own["work_verified"] != true {
			t.Errorf("both: %v", own)
		}
		if own := w.saveOwn(t, x, id, token, obj{"city": "Graz"}); own["is_verified"] != true {
			t.Errorf("saving something else: %v", own)
		}
		if got := w.saveOwn(t, x, id, token, obj{"work": "x@work.example"}); got["work_verified"] != false || got["is_verified"] != false || got["email_verified"] != true {
			t.Errorf("a new address: %v", got)
		}
		tell("work", "x@work.example")
		patch(obj{"work": "y@work.example", "group_permissions": "read"})
		unverified("a new address by another dialect", "work_verified", "is_verified")
		patch(obj{"work": "x@work.example"})
		if own := w.me(t, x, token); own["work_verified"] != true {
			t.Errorf("the proved address again: %v", own)
		}
		w.saveOwn(t, x, id, token, obj{"email": "other@example.com"})
		unverified("a new e-mail address", "email_verified")

		// Others do not see the flags, the master key does.
		_, eve := w.signUpAs(t, x, "eve", nil)
		query := func(body obj) string {
			t.Helper()
			return w.post(t, "record:query", with(with(body, "database_id", "_public"), "record_type", "user")).body
		}
		if seen := query(obj{"api_key": x.key}); strings.Contains(seen, "_verified") {
			t.Errorf("guests see %s", seen)
		}
		if seen := query(obj{"api_key": x.key, "access_token": eve}); strings.Count(seen, "email_verified") != 1 {
			t.Errorf("somebody else sees %s", seen)
		}
		if seen := query(obj{"api_key": x.master}); strings.Count(seen, "email_verified") != 2 {
			t.Errorf("the master key sees %s", seen)
		}
	})
}

func TestWhatIsRequiredIsVerifiedFirst(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for _, key := range []string{"email", "work"} {
			x := w.newApp(t, "by"+key, dialectSettings(obj{"verify": obj{"keys": []any{key}, "required": true}}))
			address := map[string]string{"email": "ben@example.com", "work": key + "@work.example"}[key]
			id, token := w.signUpAs(t, x, "ben", obj{"work": key + "@work.example"})
			record := obj{"api_key": x.key, "access_token": token, "database_id": "_public"}
			save := with(record, "records", []any{obj{"_id": "note/a"}})
			find := with(record, "record_type", "note")
			for action, body := range map[string]obj{
				"me": record, "record:save": save, "record:query": find, "auth:password": with(with(record, "old_password", "p1"), "password", "p2"),
				"record:fetch": with(record, "ids", []any{"note/a"}), "record:delete": with(record, "ids", []any{"note/a"}),
				"device:register": with(record, "type", "ios"), "relation:query": with(record, "name", "_friend"), "sso:provider_profiles": record,
			} {
				w.post(t, action, body).named(t, action).says(t, 403, verificationRequired, "User is not yet verified")
			}
			w.post(t, "record:query", with(find, "access_token", nil)) // a type that is not there yet
			w.post(t, "role:get", with(record, "users", []any{id})).ok(t)
			if !w.logsIn(t, x, "ben", "p1") {
				t.Error("no login")
			}
			w.post(t, "me", obj{"api_key": x.master, "_user_id": id}).ok(t) // the master key is exempt
			w.post(t, "auth:logout", obj{"api_key": x.key, "access_token": w.login(t, x, "ben", "p1")}).ok(t)

			code := w.letter(t, "verify", address).Secret.Reveal() // sent at sign-up
			w.lambda(t, x, token, "user:verify_code", obj{"code": code}).nothing(t)
			w.me(t, x, token)
			w.post(t, "record:save", save)
			if got := w.post(t, "record:save", save); got.status != 200 {
				t.Errorf("%d %s", got.status, got.body)
			}
			w.saveOwn(t, x, id, token, obj{key: "changed@example.com"})
			w.post(t, "me", record).refused(t, 403, verificationRequired)
		}
	})
}

// login returns a fresh token.
func (w *world) login(t testing.TB, x *tenant, name, password string) string {
	t.Helper()
	return text(t, w.post(t, "auth:login", obj{"api_key": x.key, "auth_data": obj{"username": name}, "password": password}).ok(t), "access_token")
}

func TestCodesAreSentWithoutBeingAskedFor(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		x := w.newApp(t, "books", dialectSettings(obj{"welcome_mail": true, "verify": obj{
			"keys": []any{"email", "work", "phone"}, "auto_send_signup": true, "auto_send_update": true, "criteria": []any{"email", "work"}, "auto_update": true,
		}}))
		id, token := w.signUpAs(t, x, "ben", obj{"phone": "+491234"})
		w.signUp(t, x, "plain")
		if n := w.lettersTo(t, "ben@example.com"); n["verify"] != 1 || n["welcome"] != 1 {
			t.Errorf("at sign-up: %v", n)
		}
		w.saveOwn(t, x, id, token, obj{"city": "Graz", "email": "ben@example.com"})
		if n := w.lettersTo(t, "ben@example.com"); n["verify"] != 1 {
			t.Errorf("nothing has changed: %v", n)
		}
		w.saveOwn(t, x, id, token, obj{"work": "ben@work.example", "phone": "+495678"})
		w.saveOwn(t, x, id, token, obj{"email": "new@example.com", "work": nil})
		if n := w.lettersTo(t, "ben@work.example"); n["verify"] != 1 {
			t.Errorf("the new address: %v", n)
		}
		if n := w.lettersTo(t, "new@example.com"); n["verify"] != 1 {
			t.Errorf("the new e-mail address: %v", n)
		}
		w.lambda(t, x, token, "user:verify_code", obj{"code": w.letter(t, "verify", "new@example.com").Secret.Reveal()}).nothing(t)
		if own := w.me(t, x, token); own["email_verified"] != true || own["is_verified"] != false {
			t.Errorf("%v", own)
		}
		// What fails sends nothing.
		w.signUpAs(t, x, "eve", nil)
		w.post(t, "record:save", obj{"api_key": x.key, "access_token": token, "database_id": "_public", "atomic": true, "records": []any{
			obj{"_id": "user/" + id, "work": "lost@work.example"}, obj{"_id": "user/" + id, "email": "eve@example.com"},
		}})
		if n := w.lettersTo(t, "lost@work.example"); len(n) != 0 {
			t.Errorf("a change that was undone: %v", n)
		}
	})
}

func TestThePageOfACodeVerifies(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		x := w.newApp(t, "books", dialectSettings(obj{"verify": obj{"keys": []any{"email"}}}))
		w.newApp(t, "films", dialectSettings(obj{"verify": obj{"keys": []any{"email"}}}))
		id, token := w.signUpAs(t, x, "ben", nil)
		w.code(t, x, token, "email", "ben@example.com")
		u := linkOf(t, w.letter(t, "verify", "ben@example.com"))
		for range 6 { // programs open links too
			w.visit(t, u.RequestURI(), nil).shows(t, 200, `<form method="post" action="form">`)
		}
		if own := w.me(t, x, token); own["email_verified"] != false {
			t.Fatal("opening a link verified")
		}
		const page = "/user/verify-code/form"
		for _, form := range []url.Values{nil, {}} {
			w.visit(t, page+"?app=books&code=1", form).shows(t, 400, "missing auth_id")
			w.visit(t, page+"?app=books&auth_id="+id, form).shows(t, 400, "missing code_str")
			w.visit(t, page+"?app=nowhere&code=1&auth_id="+id, form).shows(t, 400, "code not found")
			w.visit(t, page+"?code=1&auth_id="+id, form).shows(t, 400, "code not found")
		}
		nasty := w.visit(t, page+"?app=books&code="+url.QueryEscape(`"><script>x</script>`)+"&auth_id="+url.QueryEscape("<b>"), nil)
		if nasty.shows(t, 200, "&lt;b&gt;"); strings.Contains(nasty.body, "<script") || strings.Contains(nasty.body, "<b>") {
			t.Error(nasty.body)
		}
		q := u.Query()
		w.visit(t, page+"?app=films&auth_id="+id+"&code="+q.Get("code"), url.Values{}).shows(t, 400, "code not found")
		w.visit(t, page+"?app=books&auth_id=nobody&code="+q.Get("code"), url.Values{}).shows(t, 400, "code not found")
		w.visit(t, page, q).shows(t, 200, "<p>Your account information is verified successfully.</p>")
		w.visit(t, page, q).shows(t, 400, "code not found")
		if own := w.me(t, x, token); own["email_verified"] != true {
			t.Errorf("%v", own)
		}
	})
}

func TestThePageOfACodeEndsWhereTheAppSays(t *testing.T) {
	t.Parallel()
	w := lite(t)
	x := w.newApp(t, "books", dialectSettings(obj{"verify": obj{
		"keys": []any{"email"}, "success_redirect": "https://app.example/done", "error_redirect": "https://app.example/wrong?a=1",
	}}))
	id, token := w.signUpAs(t, x, "ben", nil)
	at := "/user/verify-code/form?app=books&auth_id=" + id + "&code="
	w.visit(t, at+"1", url.Values{"error_redirect": {"https://evil.example"}}).leads(t, "https://app.example/wrong?a=1")
	w.visit(t, at, nil).leads(t, "https://app.example/wrong?a=1")
	code := w.code(t, x, token, "email", "ben@example.com")
	w.visit(t, at+code, nil).shows(t, 200, "<form")
	w.visit(t, at+code, url.Values{}).leads(t, "https://app.example/done")
}

func TestAVerifiedAddressOutlivesOtherDialectsChanges(t *testing.T) {
	t.Parallel()
	w := lite(t)
	x := w.newApp(t, "books", dialectSettings(obj{"verify": obj{"keys": []any{"work"}}}))
	_, token := w.signUpAs(t, x, "ben", obj{"work": "ben@work.example"})
	w.lambda(t, x, token, "user:verify_code", obj{"code": w.code(t, x, token, "work", "ben@work.example")}).nothing(t)
	d, err := w.engine.User(context.Background(), engine.SystemIn(x.app), engine.UserRef{Username: "ben"})
	if err != nil {
		t.Fatal(err)
	}
	got := w.ask(t, w.other, "PATCH", fmt.Sprintf("/v1.1/instances/books/classes/user_profile/objects/%d/", d.Profile.Seq),
		obj{"group_permissions": "read", "other_permissions": "read"}, "X-API-KEY", x.other, "X-USER-KEY", d.Token.Reveal())
	if got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if own := w.me(t, x, token); own["work_verified"] != true {
		t.Errorf("%v", own)
	}
}
