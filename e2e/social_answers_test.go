package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// scripted is a provider whose tokens say what it answers: base64 of JSON, by the last segment of the path. An answer "-> URL" is a redirect, and
// "* text" much of that text.
func scripted(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := base64.RawURLEncoding.DecodeString(presentedToken(r))
		var answers map[string]string
		if json.Unmarshal(text, &answers) != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		answer, ok := answers[r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]]
		if !ok {
			answer = `{"data":{"app_id":"ours","is_valid":true}}`
		}
		if to, ok := strings.CutPrefix(answer, "-> "); ok {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
			return
		}
		if much, ok := strings.CutPrefix(answer, "* "); ok {
			answer = strings.Repeat(much, 1<<17)
		}
		fmt.Fprint(w, answer)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func scriptedToken(answers map[string]string) string {
	text, _ := json.Marshal(answers)
	return base64.RawURLEncoding.EncodeToString(text)
}

// TestWhateverAProviderSays: nobody is let in as nobody, nothing is asked that a provider points to, and no answer is the server's fault.
func TestWhateverAProviderSays(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		var within atomic.Int32
		inside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			within.Add(1)
			fmt.Fprint(w, `{"id":"1"}`)
		}))
		t.Cleanup(inside.Close)
		w := newTownAt(t, database, scripted(t)+"/", "")
		users := map[string]string{}
		for name, c := range map[string]struct {
			me   string
			says string // "in", "refused" or "busy"
		}{
			"no JSON": {"<html>", "busy"}, "nothing": {"", "busy"}, "a list": {"[]", "busy"}, "two answers": {`{"id":"2"}{"id":"3"}`, "busy"}, "null": {"null", "refused"},
			"much": {"* 0123456789", "busy"}, "a redirect inside": {"-> " + inside.URL, "busy"}, "a redirect to a file": {"-> file:///etc/passwd", "busy"},
			"a number that is none": {`{"id":"4","x":1e400}`, "busy"},
			"nobody":                {`{"name":"x"}`, "refused"}, "an empty subject": {`{"id":""}`, "refused"}, "zero": {`{"id":0}`, "refused"}, "blank": {`{"id":" "}`, "refused"},
			"true": {`{"id":true}`, "refused"}, "an object": {`{"id":{"a":1}}`, "refused"}, "a null character": {`{"id":"a\u0000b"}`, "refused"}, "half a character": {`{"id":"\ud800"}`, "refused"},
			"a long number": {`{"id":9007199254740993}`, "in"}, "the number beside it": {`{"id":9007199254740992}`, "in"},
			"null characters in a name": {`{"id":"5","name":"a\u0000b","x\u0000":[1]}`, "in"}, "an address that is none": {`{"id":"6","email":"nobody"}`, "in"},
			"another one": {`{"id":"7","email":"a\u0000b@example.com"}`, "in"}, "a long address": {fmt.Sprintf(`{"id":"8","email":"%s@example.com"}`, strings.Repeat("e", 500)), "in"},
			"an address that is a number": {`{"id":"9","email":7}`, "in"}, "markup": {`{"id":"10","name":"<script>alert(1)</script>"}`, "in"},
		} {
			token := scriptedToken(map[string]string{"me": c.me})
			for dialect, door := range townDoors {
				a := w.do(t, door.enter(w, "facebook", token))
				right := map[string]func(answer) bool{"in": func(a answer) bool { return a.status == 200 && door.user(a) != "" }, "refused": door.refuses, "busy": door.busy}[c.says]
				if !right(a) {
					t.Errorf("%s, %s: %s", name, dialect, a)
				}
				if c.says == "in" && dialect == "skygear" && a.status == 200 {
					if before := users[door.user(a)]; before != "" {
						t.Errorf("%s is the same as %s", name, before)
					}
					users[door.user(a)] = name
				}
			}
		}
		if n := within.Load(); n > 0 {
			t.Errorf("%d questions where a provider pointed", n)
		}
		if log := w.log.String(); strings.Contains(log, `"level":"ERROR"`) || strings.Contains(log, "SQLSTATE") {
			t.Errorf("the log has errors:\n%s", w.log.tail(shownLines))
		}
	})
}

// TestNobodyDeclaresAnAddressProved: whatever a user says of himself through each dialect, the owner of the address does not end up in his account.
func TestNobodyDeclaresAnAddressProved(t *testing.T) {
	t.Parallel()
	w := newTown(t, "")
	victim := func(name, address string) {
		t.Helper()
		if profiles := w.profiles(t, address); len(profiles) > 0 {
			t.Fatalf("%s: the attacker has identities already: %v", name, profiles)
		}
		for dialect, door := range townDoors {
			a := w.do(t, door.enter(w, door.vouches, townToken(door.vouches, "good", "9"+fmt.Sprint(len(name)), address)))
			if dialect != "syncano" && (a.status < 400 || a.status >= 500) {
				t.Errorf("%s, then %s: %s", name, dialect, a)
			}
		}
		if profiles := w.profiles(t, address); len(profiles) > 0 {
			t.Errorf("%s: the attacker has the victim's identities: %v", name, profiles)
		}
	}
	claims := object{"confirmed": true, "activated": true, "email_verified": true, "emailVerified": true, "is_verified": true, "verified": true}
	with := func(more object) object {
		out := object{}
		for _, o := range []object{claims, more} {
			for name, value := range o {
				out[name] = value
			}
		}
		return out
	}
	// As he signs up.
	w.do(t, call{method: "POST", path: "/usergrid/labs/town/users", json: with(object{"username": "u1", "email": "one@example.com", "password": attackPassword})})
	victim("usergrid, at sign-up", "one@example.com")
	w.want(t, 200, w.skygear("auth:signup", object{"auth_data": object{"email": "two@example.com"}, "password": attackPassword, "profile": claims}))
	victim("skygear, at sign-up", "two@example.com")
	// Later, on himself.
	w.want(t, 200, call{method: "POST", path: "/usergrid/labs/town/users", json: object{"username": "u3", "email": "three@example.com", "password": attackPassword}})
	login := w.want(t, 200, townLogins["usergrid"]("u3"))
	bearer := map[string]string{"Authorization": "Bearer " + text(login.object, "access_token")}
	w.do(t, call{method: "PUT", path: "/usergrid/labs/town/users/me", json: claims, header: bearer})
	victim("usergrid, on himself", "three@example.com")
	// With an address that he proved, and then changed.
	for dialect, change := range map[string]func(token string, address string) answer{
		"usergrid": func(token, address string) answer {
			return w.do(t, call{method: "PUT", path: "/usergrid/labs/town/users/me", json: with(object{"email": address}), header: map[string]string{"Authorization": "Bearer " + token}})
		},
		"skygear": func(token, address string) answer {
			me := w.want(t, 200, w.skygear("me", object{"access_token": token}))
			record := with(object{"_id": "user/" + text(me.object, "result", "user_id"), "email": address})
			return w.do(t, w.skygear("record:save", object{"access_token": token, "records": []any{record}}))
		},
	} {
		own, theirs := "own-"+dialect+"@example.com", "later-"+dialect+"@example.com"
		came := w.want(t, 200, townDoors["skygear"].enter(w, "google", townToken("google", "good", "77"+fmt.Sprint(len(dialect)), own)))
		token := text(came.object, "result", "result", "access_token")
		a := change(token, theirs)
		a2 := w.do(t, townDoors["skygear"].enter(w, "github", townToken("github", "good", "88"+fmt.Sprint(len(dialect)), theirs)))
		if townDoors["skygear"].user(a2) == townDoors["skygear"].user(came) && a2.status == 200 {
			t.Errorf("%s: the victim is in the attacker's account\n%s\n%s", dialect, a, a2)
		}
	}
}
