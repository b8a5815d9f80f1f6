package skygear

import (
	"fmt"
	"net/http"
	"testing"

	"hecate"
)

// These tests use two dialects on one engine: users, sessions and records are the same ones through both.

// syncano asks Syncano's API about an app.
func (w *world) syncano(t *testing.T, x *tenant, method, path string, body obj, userKey string) reply {
	t.Helper()
	headers := []string{"X-API-KEY", x.other}
	if userKey != "" {
		headers = append(headers, "X-USER-KEY", userKey)
	}
	return w.ask(t, w.other, method, "/v1.1/instances/"+x.app.Alias+path, body, headers...)
}

func (r reply) want(t testing.TB, want int) obj {
	t.Helper()
	if r.status != want {
		t.Fatalf("answer %d %s, want %d", r.status, r.body, want)
	}
	return r.value
}

func credentials(x *tenant, name, password string) obj {
	return obj{"api_key": x.key, "auth_data": obj{"username": name}, "password": password}
}

func TestAUserOfOneDialectLogsInThroughTheOther(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		x := w.newApp(t, "books", hecate.Settings{})
		up := credentials(x, "Ben", "p1")
		up["profile"] = obj{"interest": "reading", "born": obj{"$type": "date", "$date": "2000-01-02T03:04:05Z"}}
		w.post(t, "auth:signup", up).ok(t)
		got := w.syncano(t, x, "POST", "/user/auth/", obj{"username": "ben", "password": "p1"}, "").want(t, 200)
		profile := got["profile"].(obj)
		if profile["interest"] != "reading" || profile["born"].(obj)["value"] != "2000-01-02T03:04:05.000000Z" {
			t.Errorf("the profile is %v", profile)
		}
		w.syncano(t, x, "POST", "/user/auth/", obj{"username": "ben", "password": "p2"}, "").want(t, 401)

		made := w.syncano(t, x, "POST", "/users/", obj{"username": "Ann", "password": "p2", "profile": obj{"interest": "running"}}, "").want(t, 201)
		in := w.post(t, "auth:login", credentials(x, "ann", "p2")).ok(t)
		shown := in["profile"].(obj)
		if shown["interest"] != "running" || shown["username"] != "Ann" || shown["_id"] != "user/"+text(t, in, "user_id") {
			t.Errorf("the profile is %v", shown)
		}
		if made["user_key"] == in["access_token"] {
			t.Error("both dialects gave the same token")
		}
		// A user's standing token is a token like any other.
		w.post(t, "me", obj{"api_key": x.key, "access_token": made["user_key"]}).ok(t)
		w.syncano(t, x, "GET", "/user/", nil, text(t, in, "access_token")).want(t, 200)

		// Names are one namespace.
		w.post(t, "auth:signup", credentials(x, "aNN", "p1")).refused(t, 409, duplicated)
		w.syncano(t, x, "POST", "/users/", obj{"username": "bEn", "password": "p2"}, "").want(t, 400)
	})
}

func TestADisabledUserIsRefusedByBothDialects(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		x := w.newApp(t, "books", hecate.Settings{})
		id, token := w.signUp(t, x, "ben")
		userKey := text(t, w.syncano(t, x, "POST", "/user/auth/", obj{"username": "ben", "password": "p1"}, "").want(t, 200), "user_key")
		w.post(t, "auth:disable:set", obj{"api_key": x.master, "auth_id": id, "disabled": true, "message": "banned"}).ok(t)
		w.post(t, "auth:login", credentials(x, "ben", "p1")).refused(t, 403, userDisabled)
		w.post(t, "me", obj{"api_key": x.key, "access_token": token}).refused(t, 403, userDisabled)
		w.syncano(t, x, "POST", "/user/auth/", obj{"username": "ben", "password": "p1"}, "").want(t, 403)
		w.syncano(t, x, "GET", "/user/", nil, userKey).want(t, 403)

		w.post(t, "auth:disable:set", obj{"api_key": x.master, "auth_id": id, "disabled": false}).ok(t)
		w.post(t, "me", obj{"api_key": x.key, "access_token": token}).ok(t)
		w.syncano(t, x, "GET", "/user/", nil, userKey).want(t, 200)
	})
}

func TestAPasswordChangedInOneDialectIsChangedInTheOther(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		x := w.newApp(t, "books", hecate.Settings{})
		_, token := w.signUp(t, x, "ben")
		login := func(password string) reply {
			return w.syncano(t, x, "POST", "/user/auth/", obj{"username": "ben", "password": password}, "")
		}
		old := text(t, login("p1").want(t, 200), "user_key")

		// Through Skygear: its own tokens stay, the user key is another one.
		w.post(t, "auth:password", obj{"api_key": x.key, "access_token": token, "old_password": "p1", "password": "p2"}).ok(t)
		w.syncano(t, x, "GET", "/user/", nil, old).want(t, 403)
		login("p1").want(t, 401)
		next := text(t, login("p2").want(t, 200), "user_key")
		if next == old {
			t.Error("the user key is the old one")
		}
		w.post(t, "me", obj{"api_key": x.key, "access_token": token}).ok(t)

		// Through Syncano.
		changed := w.syncano(t, x, "PATCH", "/user/", obj{"password": "p3"}, next).want(t, 200)
		if changed["user_key"] == next {
			t.Error("the user key is the old one")
		}
		w.post(t, "auth:login", credentials(x, "ben", "p2")).refused(t, 401, invalidCredentials)
		w.post(t, "auth:login", credentials(x, "ben", "p3")).ok(t)
		w.post(t, "me", obj{"api_key": x.key, "access_token": token}).ok(t)

		// With invalidate every session ends, in every dialect.
		w.post(t, "auth:password", obj{"api_key": x.key, "access_token": token, "old_password": "p3", "password": "p4", "invalidate": true}).ok(t)
		w.post(t, "me", obj{"api_key": x.key, "access_token": token}).refused(t, 401, accessTokenNotAccepted)
		w.syncano(t, x, "GET", "/user/", nil, text(t, changed, "user_key")).want(t, 403)
	})
}

func TestARecordsGrantsHoldInBothDialects(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		x := w.newApp(t, "books", hecate.Settings{})
		_, bens := w.signUp(t, x, "ben")
		annsID, anns := w.signUp(t, x, "ann")
		save := func(token string, record obj) reply {
			return w.post(t, "record:save", obj{"api_key": x.key, "access_token": token, "records": []any{record}})
		}
		for name, access := range map[string]any{
			"own": []any{}, "shown": []any{obj{"level": "read", "public": true}}, "shared": []any{obj{"level": "write", "user_id": annsID}},
		} {
			save(bens, obj{"_id": "note/" + name, "title": name, "_access": access}).want(t, 200)
		}
		list := w.syncano(t, x, "GET", "/classes/note/objects/", nil, anns).want(t, 200)
		at := map[string]int{}
		for _, o := range list["objects"].([]any) {
			at[o.(obj)["title"].(string)] = int(o.(obj)["id"].(float64))
		}
		if len(at) != 2 || at["own"] != 0 {
			t.Errorf("she sees %v, want shown and shared", at)
		}
		change := func(name, token string) reply {
			return w.syncano(t, x, "PATCH", fmt.Sprintf("/classes/note/objects/%d/", at[name]), obj{"title": name}, token)
		}
		change("shared", anns).want(t, 200)
		change("shown", anns).want(t, 403)
		change("shown", bens).want(t, 200)

		// And the other way round: an object of Syncano is a record with the same grants.
		made := w.syncano(t, x, "POST", "/classes/note/objects/", obj{"title": "hers"}, anns).want(t, http.StatusCreated)
		found := func(token string) int {
			got := w.post(t, "record:query", obj{"api_key": x.key, "access_token": token, "record_type": "note",
				"predicate": []any{"eq", obj{"$type": "keypath", "$val": "title"}, "hers"}})
			return len(got.value["result"].([]any))
		}
		if hers, his := found(anns), found(bens); hers != 1 || his != 0 {
			t.Errorf("of %v she finds %d, he %d", made, hers, his)
		}
	})
}

// TestAProfileIsWrittenByItsUserOnly through every dialect: `_access: null` is read by all here, and no more.
func TestAProfileIsWrittenByItsUserOnly(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		x := w.newApp(t, "books", hecate.Settings{})
		id, bens := w.signUp(t, x, "ben")
		_, anns := w.signUp(t, x, "ann")
		w.post(t, "record:save", obj{"api_key": x.key, "access_token": bens, "records": []any{
			obj{"_id": "user/" + id, "nick": "Ben"}}}).want(t, 200)
		saved := w.post(t, "record:save", obj{"api_key": x.key, "access_token": anns, "records": []any{obj{"_id": "user/" + id, "nick": "taken"}}})
		if fault := saved.value["result"].([]any)[0].(obj); fault["code"] != float64(permissionDenied) {
			t.Errorf("she changes his profile: %s", saved.body)
		}
		list := w.syncano(t, x, "GET", "/classes/user_profile/objects/", nil, anns).want(t, 200)
		seen := 0
		for _, o := range list["objects"].([]any) {
			if o.(obj)["nick"] != "Ben" {
				continue
			}
			seen++
			path := fmt.Sprintf("/classes/user_profile/objects/%v/", o.(obj)["id"])
			if got := w.syncano(t, x, "PATCH", path, obj{"nick": "taken"}, anns); got.status < 400 {
				t.Errorf("she changes his profile through Syncano: %d %s", got.status, got.body)
			}
		}
		if seen != 1 {
			t.Errorf("she sees his profile %d times", seen)
		}
	})
}
