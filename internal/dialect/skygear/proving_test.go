package skygear

import (
	"net/url"
	"regexp"
	"testing"
	"time"
)

func TestEachKeyIsProvedInItsOwnWay(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		x := w.newApp(t, "books", dialectSettings(obj{"verify": obj{
			"keys": []any{"email", "work", "home"}, "success_redirect": "https://app.example/done", "error_redirect": "https://app.example/wrong",
			"key_options": obj{
				"work": obj{"code_format": "complex", "expiry": "1h", "success_redirect": "https://app.example/work", "error_redirect": "https://app.example/notwork"},
				"home": obj{"code_format": "numeric", "expiry": "0s"},
			},
		}}))
		id, token := w.signUpAs(t, x, "ben", obj{"work": "ben@work.example", "home": "ben@home.example"})
		tell := func(code string) reply { return w.lambda(t, x, token, "user:verify_code", obj{"code": code}) }

		work, home, email := w.code(t, x, token, "work", "ben@work.example"), w.code(t, x, token, "home", "ben@home.example"), w.code(t, x, token, "email", "ben@example.com")
		numeric, complex := regexp.MustCompile(`^[0-9]{8}$`), regexp.MustCompile(`^[a-z0-9]{8}$`)
		if !complex.MatchString(work) || numeric.MatchString(work) || !numeric.MatchString(home) || !numeric.MatchString(email) {
			t.Errorf("codes %q %q %q", work, home, email)
		}
		w.clock.Advance(2 * time.Hour)
		tell(work).says(t, 400, invalidArgument, textExpired)
		tell(email).nothing(t)
		w.clock.Advance(20 * 24 * time.Hour)
		tell(home).nothing(t)

		// The page ends where the key says, else where all do.
		page := "/user/verify-code/form?app=books&auth_id=" + id + "&code="
		w.visit(t, page+w.code(t, x, token, "work", "ben@work.example"), url.Values{}).leads(t, "https://app.example/work")
		w.saveOwn(t, x, id, token, obj{"home": "new@home.example"})
		w.visit(t, page+w.code(t, x, token, "home", "new@home.example"), url.Values{}).leads(t, "https://app.example/done")
		stale := w.code(t, x, token, "work", "ben@work.example")
		w.saveOwn(t, x, id, token, obj{"work": "new@work.example"})
		w.visit(t, page+stale, url.Values{}).leads(t, "https://app.example/notwork")
		w.visit(t, page+"1", url.Values{}).leads(t, "https://app.example/wrong")
	})
}

func TestAUsernameThatIsAnAddressIsVerified(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		x := w.newApp(t, "books", dialectSettings(obj{"verify": obj{"keys": []any{"username"}, "auto_update": true, "auto_send_signup": true, "auto_send_update": true}}))
		id, token := w.signUp(t, x, "ann@user.example")
		_, plain := w.signUp(t, x, "plain")
		w.lambda(t, x, plain, "user:verify_request", obj{"record_key": "username"}).refused(t, 503, notConfigured)
		first := w.letter(t, "verify", "ann@user.example").Secret.Reveal() // at sign-up
		if own := w.me(t, x, token); own["username_verified"] != false || own["is_verified"] != false {
			t.Errorf("%v", own)
		}
		w.lambda(t, x, plain, "user:verify_code", obj{"code": first}).refused(t, 400, invalidArgument)
		w.lambda(t, x, token, "user:verify_code", obj{"code": first}).nothing(t)
		if own := w.me(t, x, token); own["username_verified"] != true || own["is_verified"] != true || own["email_verified"] != nil {
			t.Errorf("%v", own)
		}
		// A name that changes is not verified, and the code of the one before is of no use.
		late := w.code(t, x, token, "username", "ann@user.example")
		w.saveOwn(t, x, id, token, obj{"username": "other@user.example"})
		if n := w.lettersTo(t, "other@user.example"); n["verify"] != 1 {
			t.Errorf("the new name: %v", n)
		}
		w.lambda(t, x, token, "user:verify_code", obj{"code": late}).refused(t, 400, invalidArgument)
		if own := w.me(t, x, token); own["username_verified"] != false {
			t.Errorf("%v", own)
		}
		w.visit(t, "/user/verify-code/form?app=books&auth_id=nobody&code="+late, url.Values{}).shows(t, 400, "code not found")
		w.saveOwn(t, x, id, token, obj{"username_verified": true})
		if own := w.me(t, x, token); own["username_verified"] != false {
			t.Errorf("written by himself: %v", own)
		}
	})
}

// TestACustomTokenThatBringsAnotherAddress: contracts/skygear.md 2.9 and 3.1. The app's server vouches for who he is; that the address is his it
// does not prove.
func TestACustomTokenThatBringsAnotherAddress(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		const shared = "a shared secret of the app"
		x := w.newApp(t, "books", dialectSettings(obj{"custom_token_secret": shared, "verify": obj{
			"keys": []any{"email", "work"}, "auto_send_signup": true, "auto_send_update": true,
		}}))
		const times = `"iat":1500000000,"exp":4000000000`
		login := func(profile string) string {
			t.Helper()
			token := customToken("HS256", shared, `{"sub":"42",`+times+`,"skyprofile":`+profile+`}`)
			return text(t, w.post(t, "sso:custom_token:login", obj{"api_key": x.key, "token": token}).ok(t), "access_token")
		}
		token := login(`{"email":"ben@example.com","work":"ben@work.example"}`)
		if a, b := w.lettersTo(t, "ben@example.com"), w.lettersTo(t, "ben@work.example"); a["verify"] != 1 || b["verify"] != 1 {
			t.Errorf("at the first login: %v %v", a, b)
		}
		w.lambda(t, x, token, "user:verify_code", obj{"code": w.letter(t, "verify", "ben@example.com").Secret.Reveal()}).nothing(t)
		login(`{"email":"BEN@example.com","work":"ben@work.example"}`)
		login(`{}`)
		if a, b := w.lettersTo(t, "BEN@example.com"), w.lettersTo(t, "ben@work.example"); b["verify"] != 1 || a["moved"] != 0 {
			t.Errorf("nothing has changed: %v %v", a, b)
		}
		late := w.code(t, x, token, "email", "BEN@example.com")
		login(`{"email":"new@example.com","work":"new@work.example"}`)
		if n := w.lettersTo(t, "BEN@example.com"); n["moved"] != 1 {
			t.Errorf("the old address: %v", n)
		}
		if a, b := w.lettersTo(t, "new@example.com"), w.lettersTo(t, "new@work.example"); a["verify"] != 1 || b["verify"] != 1 {
			t.Errorf("the new addresses: %v %v", a, b)
		}
		if own := w.me(t, x, token); own["email"] != "new@example.com" || own["email_verified"] != false {
			t.Errorf("%v", own)
		}
		w.lambda(t, x, token, "user:verify_code", obj{"code": late}).refused(t, 400, invalidArgument)
		// One that is somebody else's changes nothing and sends nothing.
		w.signUpAs(t, x, "eve", nil)
		took := customToken("HS256", shared, `{"sub":"42",`+times+`,"skyprofile":{"email":"eve@example.com","work":"lost@work.example"}}`)
		w.post(t, "sso:custom_token:login", obj{"api_key": x.key, "token": took}).refused(t, 409, duplicated)
		if n := w.lettersTo(t, "lost@work.example"); len(n) != 0 {
			t.Errorf("a login that was refused: %v", n)
		}
	})
}
