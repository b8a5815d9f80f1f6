package e2e

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// unsentLetter marks the log lines of letters that no mail server took: their tickets are there on purpose, for the operator.
const unsentLetter = "no mail server is set up"

// TestNoSecretReachesTheLog passes every kind of secret in every way that a request has, rightly and wrongly, and looks for
// all of them in what the server printed.
func TestNoSecretReachesTheLog(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		s := start(t, options{database: database, apply: rawAdmins, args: []string{"--registration", "open"}})
		secrets := map[string]string{
			"the account key": accountKey, "another account key": otherAccountKey,
			"the admin's password": "admin secret", "an admin's password": "register-secret-0", "a changed password": "changed-secret-1",
			"a user's password": "user-secret-2", "a user's next password": "user-secret-3", "a wrong password": "wrong-secret-4",
			"an unknown key": strings.Repeat("7", 40), "a malformed key": "no-key-at-all-5", "an unknown user key": strings.Repeat("6", 40),
		}
		base := s.newInstance(t, "anticitizen")
		key := s.want(t, 201, call{method: "POST", path: base + "/api_keys/", key: accountKey, json: object{"ignore_acl": true}}).object
		apiKey := text(key, "api_key")
		secrets["an API key"] = apiKey
		user := s.want(t, 201, call{method: "POST", path: base + "/users/", key: apiKey, form: url.Values{"username": {"gordon"}, "password": {"user-secret-2"}}}).object
		userKey := text(user, "user_key")
		secrets["a user key"] = userKey

		query := func(pairs ...string) string {
			v := url.Values{}
			for i := 0; i < len(pairs); i += 2 {
				v.Set(pairs[i], pairs[i+1])
			}
			return "?" + v.Encode()
		}
		me := base + "/user/"
		for _, c := range []call{
			{method: "GET", path: me, key: apiKey, userKey: userKey},
			{method: "GET", path: me + query("api_key", apiKey, "user_key", userKey)},
			{method: "GET", path: me + query("apikey", apiKey, "userkey", userKey)},
			{method: "GET", path: strings.ToUpper(me) + query("API_KEY", apiKey, "User_Key", userKey)},
			{method: "GET", path: me + "?%61pi_key=" + apiKey + "&user%5Fkey=" + userKey},
			{method: "GET", path: me + "?api_key=" + apiKey + ";user_key=" + userKey + "?api_key=" + apiKey},
			{method: "GET", path: me + query("api_key", strings.Repeat("7", 40))},
			{method: "GET", path: me, key: "no-key-at-all-5", userKey: strings.Repeat("6", 40)},
			{method: "GET", path: me, header: map[string]string{"Authorization": "Token " + apiKey}},
			{method: "PATCH", path: me, json: object{"_api_key": apiKey, "_user_key": userKey}},
			{method: "PATCH", path: me, form: url.Values{"_api_key": {apiKey}, "_user_key": {userKey}}},
			{method: "PATCH", path: me, body: []byte(`{"_api_key":"` + apiKey + `",`), header: map[string]string{"Content-Type": "application/json"}},
			{method: "GET", path: "/v1.1/nowhere/" + apiKey + "/"},
			{method: "GET", path: base + "/users/" + userKey + "/", key: apiKey},
			{method: "GET", path: base + "/classes/" + userKey + "/objects/" + query("api_key", apiKey)},
			{method: "GET", path: "/" + userKey + query("api_key", apiKey)},
			{method: "GET", path: "/api/v1/admin", header: map[string]string{"Authorization": "Bearer " + accountKey}},
			{method: "POST", path: base + "/user/auth/", key: apiKey, json: object{"username": "gordon", "password": "user-secret-2"}},
			{method: "POST", path: base + "/user/auth/", key: apiKey, json: object{"username": "gordon", "password": "wrong-secret-4"}},
			{method: "POST", path: base + "/user/auth/" + query("username", "gordon", "password", "user-secret-2"), key: apiKey},
			{method: "POST", path: base + "/user/auth/facebook/", key: apiKey, json: object{"access_token": "wrong-secret-4"}},
			{method: "POST", path: base + "/users/", key: apiKey, json: object{"username": "gordon", "password": "wrong-secret-4"}},
			{method: "POST", path: base + "/users/", key: apiKey, json: object{"username": "nul\x00", "password": "wrong-secret-4"}},
			{method: "POST", path: "/v1.1/account/register/", json: object{"email": "new@example.com", "password": "register-secret-0"}},
			{method: "POST", path: "/v1.1/account/auth/", json: object{"email": "admin@example.com", "password": "admin secret"}},
			{method: "POST", path: "/v1.1/account/auth/", form: url.Values{"email": {"admin@example.com"}, "password": {"wrong-secret-4"}}},
			{method: "POST", path: "/v1.1/account/password/", key: otherAccountKey, json: object{"current_password": "other secret", "new_password": "changed-secret-1"}},
			{method: "POST", path: "/v1.1/account/password/reset/", json: object{"email": "admin@example.com"}},
			{method: "POST", path: "/v1.1/account/password/reset/confirm/", json: object{"uid": "x", "token": "wrong-secret-4", "new_password": "changed-secret-1"}},
			{method: "POST", path: base + "/batch/", key: apiKey, json: object{"requests": []object{
				{"method": "GET", "path": base + "/user/" + query("api_key", apiKey)},
				{"method": "POST", "path": base + "/user/auth/", "body": object{"username": "gordon", "password": "wrong-secret-4"}}}}},
		} {
			s.do(t, c)
		}

		fresh := func(what string, field string, c call) {
			if v := text(s.want(t, 200, c).object, field); len(v) == 40 {
				secrets[what] = v
			} else {
				t.Errorf("%s: %q", what, v)
			}
		}
		fresh("a user key after a new password", "user_key", call{method: "PATCH", path: me, key: apiKey, userKey: userKey, json: object{"password": "user-secret-3"}})
		fresh("a reset user key", "user_key", call{method: "POST", path: fmt.Sprintf("%s/users/%d/reset_key/", base, number(user, "id")), key: accountKey})
		fresh("a reset API key", "api_key", call{method: "POST", path: fmt.Sprintf("%s/api_keys/%d/reset_key/", base, number(key, "id")), key: accountKey})
		fresh("a reset account key", "account_key", call{method: "POST", path: "/v1.1/account/reset_key/", key: otherAccountKey})
		invitation := s.want(t, 201, call{method: "POST", path: base + "/invitations/", key: accountKey, json: object{"email": "guest@example.com"}}).object
		secrets["an invitation's key"] = text(invitation, "key")

		// Whoever has a file's address may read it.
		s.want(t, 201, call{method: "POST", path: base + "/classes/", key: accountKey, json: object{"name": "photos", "schema": []object{{"name": "file", "type": "file"}}}})
		file := s.want(t, 201, call{method: "POST", path: base + "/classes/photos/objects/", key: accountKey,
			parts: []part{{name: "file", filename: "x.png", contentType: "image/png", bytes: []byte("x")}}}).object
		address := text(file, "file", "value")
		s.want(t, 200, call{method: "GET", path: address})
		handle := address[strings.LastIndexByte(address, '/')+1:]
		secrets["a file's handle"] = strings.TrimSuffix(handle, ".png")

		s.stop(t) // the access log is complete then
		lines := strings.Split(s.log.String(), "\n")
		if requests := strings.Count(s.log.String(), `"msg":"request"`); requests < 40 {
			t.Errorf("only %d requests are in the log", requests)
		}
		for _, line := range lines {
			for what, secret := range secrets {
				if strings.Contains(strings.ToLower(line), strings.ToLower(secret)) && !strings.Contains(line, unsentLetter) {
					t.Errorf("%s is in the log: %s", what, line)
				}
			}
		}
	})
}

// TestRequestsCanBeFound shows that every answer, also a refusal, names the line of the log that tells about it.
func TestRequestsCanBeFound(t *testing.T) {
	t.Parallel()
	s := start(t, options{apply: rawAdmins})
	ids := map[string]string{}
	for _, path := range []string{"/v1.1/account/", "/v1.1/instances/nowhere/", "/nowhere", "/console/", "/api/v1/admin"} {
		id := s.do(t, call{method: "GET", path: path, key: accountKey}).header.Get("X-Request-Id")
		if id == "" || ids[id] != "" {
			t.Errorf("%s: request id %q", path, id)
		}
		ids[id] = path
	}
	s.stop(t)
	for id, path := range ids {
		if !strings.Contains(s.log.String(), fmt.Sprintf(`"id":%q`, id)) {
			t.Errorf("%s: the log does not know %s", path, id)
		}
	}
}
