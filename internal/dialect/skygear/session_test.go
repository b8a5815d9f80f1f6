package skygear

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"testing"
	"time"

	"hecate"
	"hecate/internal/engine"
)

// signUp makes a user and returns his id and token.
func (w *world) signUp(t testing.TB, x *tenant, name string) (id, token string) {
	t.Helper()
	got := w.post(t, "auth:signup", obj{"api_key": x.key, "auth_data": obj{"username": name}, "password": "p1"}).ok(t)
	return text(t, got, "user_id"), text(t, got, "access_token")
}

func TestTheAnswerToALoginTellsOfTheOneBefore(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		x := w.newApp(t, "books", hecate.Settings{})
		w.signUp(t, x, "ben")
		credentials := obj{"api_key": x.key, "auth_data": obj{"username": "ben"}, "password": "p1"}
		w.clock.Advance(time.Hour)
		first := w.post(t, "auth:login", credentials).ok(t)
		w.clock.Advance(time.Hour)
		second := w.post(t, "auth:login", credentials).ok(t)
		moment := func(o obj, name string) time.Time {
			at, err := time.Parse(time.RFC3339Nano, text(t, o, name))
			if err != nil {
				t.Fatal(err)
			}
			return at
		}
		if gap := moment(second, "last_login_at").Sub(moment(first, "last_login_at")); gap < 59*time.Minute || gap > 61*time.Minute {
			t.Errorf("logins are %v apart", gap)
		}
		profile := second["profile"].(obj)
		if at := profile["last_login_at"].(obj)["$date"]; at != second["last_login_at"] || profile["_updated_at"] != at {
			t.Errorf("the profile says %v and %v, want %v", at, profile["_updated_at"], second["last_login_at"])
		}

		// me is no login, but he was seen.
		w.clock.Advance(time.Hour)
		token := text(t, second, "access_token")
		w.post(t, "me", obj{"api_key": x.key, "access_token": token}).ok(t)
		again := w.post(t, "me", obj{"api_key": x.key, "access_token": token}).ok(t)
		if gap := moment(again, "last_seen_at").Sub(moment(again, "last_login_at")); gap < 59*time.Minute || gap > 61*time.Minute {
			t.Errorf("seen %v after the login, want an hour", gap)
		}
	})
}

func TestATokenExpires(t *testing.T) {
	for _, signed := range []bool{false, true} {
		name := map[bool]string{false: "opaque", true: "signed"}[signed]
		t.Run(name, func(t *testing.T) {
			eachWorld(t, func(t *testing.T, w *world) {
				x := w.newApp(t, "books", hecate.Settings{Sessions: hecate.SessionSettings{TTL: time.Hour, Signed: signed}})
				_, token := w.signUp(t, x, "ben")
				w.clock.Advance(59 * time.Minute)
				w.post(t, "me", obj{"api_key": x.key, "access_token": token}).ok(t)
				w.clock.Advance(2 * time.Minute)
				for _, action := range []string{"me", "auth:logout", "auth:password", "role:get"} {
					w.post(t, action, obj{"api_key": x.key, "access_token": token, "users": []string{"x"}}).refused(t, 401, accessTokenNotAccepted)
				}
			})
		})
	}
}

func TestAPasswordExpires(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		x := w.newApp(t, "books", hecate.Settings{Password: hecate.PasswordPolicy{ExpiryDays: 30}})
		id, token := w.signUp(t, x, "ben")
		anonymous := text(t, w.post(t, "auth:signup", obj{"api_key": x.key}).ok(t), "access_token")
		w.clock.Advance(30*24*time.Hour + time.Minute)
		w.post(t, "me", obj{"api_key": x.key, "access_token": token}).refused(t, 401, passwordPolicyViolated)
		// Who has no password has none that is too old; where no user is needed he counts as nobody.
		w.post(t, "me", obj{"api_key": x.key, "access_token": anonymous}).ok(t)
		w.post(t, "role:get", obj{"api_key": x.key, "access_token": token, "users": []string{id}}).refused(t, 401, notAuthenticated)
		w.post(t, "auth:login", obj{"api_key": x.key, "auth_data": obj{"username": "ben"}, "password": "p1"}).ok(t)
		// The change is what he may still do.
		w.post(t, "auth:password", obj{"api_key": x.key, "access_token": token, "old_password": "p1", "password": "p2"}).ok(t)
		w.post(t, "me", obj{"api_key": x.key, "access_token": token}).ok(t)
	})
}

func TestTheTokenOfADeletedUserEndsTheClientsSession(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		x := w.newApp(t, "books", hecate.Settings{})
		id, token := w.signUp(t, x, "ben")
		if err := w.engine.DeleteUser(context.Background(), engine.SystemIn(x.app), engine.UserRef{Key: id}); err != nil {
			t.Fatal(err)
		}
		for _, action := range []string{"me", "role:get", "auth:logout"} {
			w.post(t, action, obj{"api_key": x.key, "access_token": token, "users": []string{id}}).refused(t, 401, accessTokenNotAccepted)
		}
	})
}

func TestATokenAloneSufficesOnTheHostOfItsApp(t *testing.T) {
	t.Parallel()
	w := lite(t)
	x := w.newApp(t, "books", hecate.Settings{})
	w.newApp(t, "films", hecate.Settings{})
	_, token := w.signUp(t, x, "ben")
	w.ask(t, w.serve, "POST", "/me", obj{"access_token": token}, "Host", "books.apps.test").ok(t)
	w.ask(t, w.serve, "POST", "/me", obj{"access_token": token}, "Host", "films.apps.test").refused(t, 401, accessTokenNotAccepted)
	w.ask(t, w.serve, "POST", "/me", obj{"access_token": token}, "Host", "none.apps.test").refused(t, 503, notConfigured)
	w.post(t, "me", obj{"access_token": token}).refused(t, 401, notAuthenticated)
}

// customToken signs claims as an app's own server does.
func customToken(alg, secret, claims string) string {
	encode := func(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
	signed := encode([]byte(`{"alg":"`+alg+`","typ":"JWT"}`)) + "." + encode([]byte(claims))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signed))
	return signed + "." + encode(mac.Sum(nil))
}

func TestTheAppsOwnServerVouchesForUsers(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		const shared = "a shared secret of some length"
		x := w.newApp(t, "books", hecate.Settings{Dialects: map[string]map[string]any{extraName: {"custom_token_secret": shared}}})
		login := func(token string) reply {
			return w.post(t, "sso:custom_token:login", obj{"api_key": x.key, "access_token": nil, "token": token})
		}
		const times = `"iat":1600000000,"exp":4100000000`
		first := login(customToken("HS256", shared, `{"sub":"42",`+times+`,"skyprofile":{"email":"ben@example.com","born":{"$type":"date","$date":"2000-01-02T00:00:00Z"}}}`)).ok(t)
		profile := first["profile"].(obj)
		if profile["email"] != "ben@example.com" || profile["born"].(obj)["$date"] != "2000-01-02T00:00:00Z" {
			t.Errorf("profile %v", profile)
		}
		again := login(customToken("HS256", shared, `{"sub":"42",`+times+`,"skyprofile":{"nick":"Ben"}}`)).ok(t)
		profile = again["profile"].(obj)
		if again["user_id"] != first["user_id"] || profile["nick"] != "Ben" || profile["email"] != "ben@example.com" || again["last_login_at"] == nil {
			t.Errorf("the second login answers %v after %v", again, first)
		}
		w.post(t, "me", obj{"api_key": x.key, "access_token": again["access_token"]}).ok(t)

		for name, token := range map[string]string{
			"none":              "",
			"no token":          "x",
			"wrong signature":   customToken("HS256", "another", `{"sub":"42",`+times+`}`),
			"no signature":      customToken("none", shared, `{"sub":"42",`+times+`}`),
			"another algorithm": customToken("RS256", shared, `{"sub":"42",`+times+`}`),
			"expired":           customToken("HS256", shared, `{"sub":"42","iat":1500000000,"exp":1600000000}`),
			"from tomorrow":     customToken("HS256", shared, `{"sub":"42","iat":4000000000,"exp":4100000000}`),
		} {
			got := login(token)
			if got.refused(t, 400, badRequest); t.Failed() {
				t.Fatal(name)
			}
		}
		for claims, want := range map[string]string{
			`{` + times + `}`:               "invalid token: subject (sub) not specified",
			`{"sub":"42","iat":1600000000}`: "invalid token: expires at (exp) not specified",
			`{"sub":"42","exp":4100000000}`: "invalid token: issued at (iat) not specified",
		} {
			got := login(customToken("HS256", shared, claims))
			got.refused(t, 401, invalidCredentials)
			if fault := got.value["error"].(obj); fault["message"] != want {
				t.Errorf("%s: %v", claims, fault)
			}
		}
		// Names of others, and a disabled user, who is not changed first.
		w.post(t, "auth:signup", obj{"api_key": x.key, "auth_data": obj{"email": "ann@example.com"}, "password": "p1"}).ok(t)
		login(customToken("HS256", shared, `{"sub":"43",`+times+`,"skyprofile":{"email":"ann@example.com"}}`)).refused(t, 409, duplicated)
		w.post(t, "auth:disable:set", obj{"api_key": x.master, "auth_id": first["user_id"], "disabled": true})
		login(customToken("HS256", shared, `{"sub":"42",`+times+`,"skyprofile":{"nick":"changed"}}`)).refused(t, 403, userDisabled)
		w.post(t, "auth:disable:set", obj{"api_key": x.master, "auth_id": first["user_id"]})
		last := login(customToken("HS256", shared, `{"sub":"42",`+times+`}`)).ok(t)
		if nick := last["profile"].(obj)["nick"]; nick != "Ben" {
			t.Errorf("a refused login changed the profile: %v", nick)
		}
	})
}
