package syncano

import (
	"strings"
	"testing"
)

func TestInstanceNames(t *testing.T) {
	t.Parallel()
	w := lite(t)
	_, key := w.register(t)
	base := w.instance(t, key)
	create := func(name any) ask {
		return ask{method: "POST", path: "/v1.1/instances/", key: key, json: obj{"name": name}}
	}
	for name, text := range map[string]string{
		"":                                "This field may not be blank.",
		"abcd":                            "Ensure this field has at least 5 characters.",
		strings.Repeat("a", 65):           "Ensure this field has no more than 64 characters.",
		"1abcde":                          "Value has to start with a letter.",
		"żabcde":                          "Value has to start with a letter.",
		"abcde-":                          "Value has to end with a letter or a number.",
		"abc_de":                          "Enter a valid value consisting of letters, numbers, hyphens.",
		"abc/de":                          "Enter a valid value consisting of letters, numbers, hyphens.",
		"abc--de":                         "Double hyphens are reserved.",
		"Panel":                           "Unable to use that value. Please choose a different one.",
		strings.ToUpper(instanceOf(base)): "This field must be unique.",
	} {
		w.refuses(t, 400, `{"name":["`+text+`"]}`, create(name))
		w.refuses(t, 400, `{"new_name":["`+text+`"]}`, ask{method: "POST", path: w.instance(t, key) + "rename/", key: key, json: obj{"new_name": name}})
		last := w.want(t, 200, ask{method: "GET", path: "/v1.1/instances/?ordering=desc&page_size=1", key: key}).list(t)[0]["name"].(string)
		w.want(t, 204, ask{method: "DELETE", path: "/v1.1/instances/" + last + "/", key: key})
	}
	w.refuses(t, 400, `{"name":["This field is required."]}`, ask{method: "POST", path: "/v1.1/instances/", key: key, json: obj{}})
	got := w.want(t, 201, create(" Black-Mesa1 "))
	if got.text(t, "name") != "black-mesa1" {
		t.Errorf("%s", got.body)
	}
	w.want(t, 200, ask{method: "GET", path: "/v1.1/instances/BLACK-mesa1/", key: key})
}

func TestInstances(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		_, key := w.register(t)
		base := w.instance(t, key)
		plain := w.apiKey(t, base, key)

		t.Run("links differ between the versions, and by nothing else", func(t *testing.T) {
			for version, count := range map[string]int{"v1": 20, "v1.1": 18} {
				path := "/" + version + strings.TrimPrefix(base, "/v1.1")
				object := w.want(t, 200, ask{method: "GET", path: path, key: key}).object(t)
				links, _ := object["links"].(obj)
				if links["self"] != path || len(links) != count {
					t.Errorf("%s: %v", version, links)
				}
			}
		})
		t.Run("an API key sees its own instance", func(t *testing.T) {
			w.instance(t, key)
			rows := w.want(t, 200, ask{method: "GET", path: "/v1.1/instances/", key: plain}).list(t)
			if len(rows) != 1 || rows[0]["name"] != instanceOf(base) || rows[0]["role"] != "api_key" {
				t.Errorf("%v", rows)
			}
			w.refuses(t, 403, bodyDenied, ask{method: "POST", path: "/v1.1/instances/", key: plain, json: obj{"name": "another"}})
			w.refuses(t, 403, bodyDenied, ask{method: "GET", path: "/v1.1/instances/"})
			w.refuses(t, 403, bodyNoKey, ask{method: "GET", path: "/v1.1/instances/", key: "nonsense"})
		})
		t.Run("PUT replaces, PATCH changes, the name stays", func(t *testing.T) {
			got := w.want(t, 200, ask{method: "PATCH", path: base, key: key, json: obj{"name": "other", "description": "Books", "metadata": obj{"a": 1}}})
			if got.text(t, "name") != instanceOf(base) || got.text(t, "description") != "Books" {
				t.Errorf("%s", got.body)
			}
			got = w.want(t, 200, ask{method: "PUT", path: base, key: key, json: obj{"name": "other"}})
			if got.text(t, "description") != "" || !strings.Contains(got.body, `"metadata":{}`) {
				t.Errorf("%s", got.body)
			}
			w.want(t, 400, ask{method: "PATCH", path: base, key: key, json: obj{"description": strings.Repeat("x", 257)}})
		})
		t.Run("config is kept as it is", func(t *testing.T) {
			config := base + "snippets/config/"
			w.refuses(t, 200, `{"config":{}}`, ask{method: "GET", path: config, key: plain})
			w.refuses(t, 400, `{"config":["This field is required."]}`, ask{method: "PUT", path: config, key: key, json: obj{}})
			w.refuses(t, 400, `{"config":["This field may not be null."]}`, ask{method: "PUT", path: config, key: key, json: obj{"config": nil}})
			w.refuses(t, 200, `{"config":{"a":[1,2.5,"ż"]}}`, ask{method: "PUT", path: config, key: key, json: obj{"config": `{"a":[1,2.5,"ż"]}`}})
			w.refuses(t, 200, `{"config":{"a":[1,2.5,"ż"]}}`, ask{method: "GET", path: config, key: plain})
		})
		t.Run("a renamed instance leaves its old paths", func(t *testing.T) {
			w.want(t, 200, ask{method: "POST", path: base + "rename/", key: key, json: obj{"new_name": instanceOf(base)}})
			got := w.want(t, 200, ask{method: "POST", path: base + "rename/", key: key, json: obj{"new_name": "Renamed-1"}})
			if got.text(t, "name") != "renamed-1" || !strings.Contains(got.body, `"self":"/v1.1/instances/renamed-1/"`) {
				t.Errorf("%s", got.body)
			}
			w.refuses(t, 404, bodyNoInstance, ask{method: "GET", path: base, key: key})
			base = "/v1.1/instances/renamed-1/"
			w.want(t, 200, ask{method: "GET", path: base, key: plain})
		})
		t.Run("a deleted instance is gone with its keys, and its name is free", func(t *testing.T) {
			w.want(t, 204, ask{method: "DELETE", path: base, key: key})
			w.refuses(t, 404, bodyNoInstance, ask{method: "GET", path: base, key: key})
			w.want(t, 201, ask{method: "POST", path: "/v1.1/instances/", key: key, json: obj{"name": "renamed-1"}})
			w.refuses(t, 403, bodyNoKey, ask{method: "GET", path: base, key: plain})
		})
	})
}

func TestAPIKeys(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		_, owner := w.register(t)
		base := w.instance(t, owner)
		got := w.want(t, 201, ask{method: "POST", path: base + "api_keys/", key: owner,
			form: map[string][]string{"description": {"a form"}, "ignore_acl": {"true"}, "allow_user_create": {"False"}}})
		path := got.object(t)["links"].(obj)["self"].(string)
		key := got.text(t, "api_key")
		if len(key) != 40 || !strings.Contains("13579bdf", key[39:]) {
			t.Errorf("key %q", key)
		}
		got = w.want(t, 200, ask{method: "PATCH", path: path, key: owner, json: obj{"allow_user_create": "1", "api_key": "x", "id": 77}})
		if object := got.object(t); object["ignore_acl"] != true || object["allow_user_create"] != true || object["description"] != "a form" || object["api_key"] != key {
			t.Errorf("%s", got.body)
		}
		// A changed flag holds at once.
		w.want(t, 201, ask{method: "POST", path: base + "users/", key: key, json: obj{"username": "a", "password": "b"}})
		got = w.want(t, 200, ask{method: "PUT", path: path, key: owner, json: obj{}})
		if object := got.object(t); object["ignore_acl"] != false || object["allow_user_create"] != false || object["description"] != "" {
			t.Errorf("%s", got.body)
		}
		w.want(t, 403, ask{method: "POST", path: base + "users/", key: key, json: obj{"username": "c", "password": "d"}})
		next := w.want(t, 200, ask{method: "POST", path: path + "reset_key/", key: owner}).text(t, "api_key")
		w.refuses(t, 403, bodyNoKey, ask{method: "GET", path: base + "groups/", key: key})
		rows := w.want(t, 200, ask{method: "GET", path: base + "api_keys/", key: next}).list(t)
		if len(rows) != 1 || rows[0]["api_key"] != next {
			t.Errorf("a key sees %v", rows)
		}
		w.want(t, 204, ask{method: "DELETE", path: path, key: owner})
		w.refuses(t, 403, bodyNoKey, ask{method: "GET", path: base + "groups/", key: next})
	})
}
