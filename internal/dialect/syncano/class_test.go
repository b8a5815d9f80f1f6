package syncano

import (
	"net/url"
	"reflect"
	"strings"
	"testing"
)

func TestAClassIsMadeChangedAndDeleted(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		c := newCast(t, w)
		made := w.want(t, 201, ask{method: "POST", path: c.base + "classes/", key: c.owner, json: obj{"name": " Book ", "metadata": obj{"a": 1.5}}})
		o := made.object(t)
		delete(o, "created_at")
		delete(o, "updated_at")
		want := map[string]any{
			"name": "book", "description": "", "schema": []any{}, "status": "ready", "objects_count": 0.0, "revision": 1.0, "group": nil,
			"group_permissions": "create_objects", "other_permissions": "create_objects", "metadata": map[string]any{"a": 1.5},
			"links": map[string]any{"self": c.base + "classes/book/", "objects": c.base + "classes/book/objects/"},
		}
		if !reflect.DeepEqual(o, want) {
			t.Errorf("got %v", o)
		}
		path := c.base + "classes/book/"
		w.refuses(t, 400, `{"name":["This field must be unique."]}`, ask{method: "POST", path: c.base + "classes/", key: c.owner, json: obj{"name": "BOOK"}})

		// Only a changed schema counts as a revision.
		schema := []obj{{"name": "title", "type": "string"}}
		for i, step := range []struct {
			body obj
			want float64
		}{{obj{"description": "x"}, 1}, {obj{"schema": schema}, 2}, {obj{"schema": schema}, 2}, {obj{"schema": []obj{}}, 3}} {
			if got := w.want(t, 200, ask{method: "PATCH", path: path, key: c.owner, json: step.body}).object(t)["revision"]; got != step.want {
				t.Errorf("step %d: revision %v, want %v", i, got, step.want)
			}
		}
		w.refuses(t, 400, `{"expected_revision":"Revision mismatch. Expected 1, got 3."}`,
			ask{method: "PATCH", path: path, key: c.owner, json: obj{"expected_revision": 1, "description": "y"}})
		w.want(t, 200, ask{method: "PATCH", path: path, key: c.owner, json: obj{"expected_revision": 0}})
		w.refuses(t, 400, `{"expected_revision":["A valid integer is required."]}`, ask{method: "PATCH", path: path, key: c.owner, json: obj{"expected_revision": "x"}})

		group := w.want(t, 200, ask{method: "PATCH", path: path, key: c.owner, json: obj{"group": c.groupID, "group_permissions": "none", "other_permissions": "read"}}).object(t)
		if group["group"] != float64(c.groupID) || group["group_permissions"] != "none" || group["links"].(map[string]any)["group"] == nil {
			t.Error(group)
		}
		w.refuses(t, 400, `{"group":["Invalid pk \"99\" - object does not exist."]}`, ask{method: "PATCH", path: path, key: c.owner, json: obj{"group": 99}})
		w.refuses(t, 400, `{"group":["Incorrect type. Expected pk value, received str."]}`, ask{method: "PATCH", path: path, key: c.owner, json: obj{"group": "x"}})

		// PUT gives what it does not name its default.
		put := w.want(t, 200, ask{method: "PUT", path: path, key: c.owner, json: obj{"name": "other"}}).object(t)
		if put["name"] != "book" || put["group"] != nil || put["group_permissions"] != "create_objects" || put["other_permissions"] != "create_objects" ||
			len(put["metadata"].(map[string]any)) != 0 || put["description"] != "" {
			t.Error(put)
		}
		w.want(t, 204, ask{method: "DELETE", path: path, key: c.owner})
		w.refuses(t, 404, `{"detail":"Not found."}`, ask{method: "GET", path: path, key: c.owner})
		w.refuses(t, 404, `{"detail":"Class was not found."}`, ask{method: "GET", path: path + "objects/"})
		w.want(t, 201, ask{method: "POST", path: c.base + "classes/", key: c.owner, json: obj{"name": "book"}})
	})
}

func TestAFormPatchesTheSchemaOfTheProfiles(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		c := newCast(t, w)
		path := c.base + "classes/user_profile/"
		got := w.want(t, 200, ask{method: "GET", path: path, key: c.owner}).object(t)
		if got["description"] != "Class that holds profiles for users." || got["other_permissions"] != "create_objects" || got["group_permissions"] != "create_objects" ||
			got["objects_count"] != 3.0 || len(got["schema"].([]any)) != 0 {
			t.Error(got)
		}
		got = w.want(t, 200, ask{method: "PATCH", path: path, key: c.owner, form: url.Values{"schema": {`[{"name":"avatar","type":"file"}]`}}}).object(t)
		if !reflect.DeepEqual(got["schema"], []any{map[string]any{"name": "avatar", "type": "file"}}) {
			t.Error(got)
		}
		users := w.want(t, 200, ask{method: "GET", path: c.base + "users/", key: c.owner}).list(t)
		for _, u := range users {
			if v, ok := u["profile"].(map[string]any)["avatar"]; !ok || v != nil {
				t.Error(u)
			}
		}
		// The name under which the engine keeps it is no class here.
		w.refuses(t, 404, `{"detail":"Not found."}`, ask{method: "GET", path: c.base + "classes/users/", key: c.owner})
		w.refuses(t, 404, `{"detail":"Class was not found."}`, ask{method: "GET", path: c.base + "classes/users/objects/", key: c.owner})
		w.refuses(t, 404, `{"detail":"Not found."}`, ask{method: "DELETE", path: c.base + "classes/users/", key: c.owner})
	})
}

func TestClassesAreListedWithTheProfilesFirst(t *testing.T) {
	w := lite(t)
	c := newCast(t, w)
	for _, name := range []string{"alpha", "user_data", "userx", "beta"} {
		w.want(t, 201, ask{method: "POST", path: c.base + "classes/", key: c.owner, json: obj{"name": name}})
	}
	for query, want := range map[string]string{
		"":                                    "user_profile alpha user_data userx beta",
		"?name__startswith=user":              "user_profile user_data userx",
		"?name__startswith=user_":             "user_profile user_data",
		"?name__startswith=users":             "",
		"?name__startswith=user_&page_size=1": "user_profile",
		"?name__startswith=BE":                "beta",
		"?ordering=desc&page_size=2":          "beta userx",
	} {
		var names []string
		for _, o := range w.want(t, 200, ask{method: "GET", path: c.base + "classes/" + query, key: c.owner}).list(t) {
			names = append(names, o["name"].(string))
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	// Pages lead through all of them, each once.
	var names []string
	for next := any(c.base + "classes/?page_size=2"); next != nil; {
		page := w.want(t, 200, ask{method: "GET", path: next.(string), key: c.owner})
		for _, o := range page.list(t) {
			names = append(names, o["name"].(string))
		}
		next = page.object(t)["next"]
	}
	if got := strings.Join(names, " "); got != "user_profile alpha user_data userx beta" {
		t.Error(got)
	}
}

func TestAWrongClassIsRefusedByField(t *testing.T) {
	w := lite(t)
	c := newCast(t, w)
	for _, one := range []struct {
		body any
		want string
	}{
		{obj{}, `{"name":["This field is required."]}`},
		{obj{"name": nil}, `{"name":["This field may not be null."]}`},
		{obj{"name": " "}, `{"name":["This field may not be blank."]}`},
		{obj{"name": obj{}}, `{"name":["Not a valid string."]}`},
		{obj{"name": strings.Repeat("n", 65)}, `{"name":["Ensure this field has no more than 64 characters."]}`},
		{obj{"name": "1st"}, `{"name":["Value has to start with a letter."]}`},
		{obj{"name": "tail_"}, `{"name":["Value has to end with a letter or a number."]}`},
		{obj{"name": "with-dash"}, `{"name":["Enter a valid value consisting of letters, numbers and underscores."]}`},
		{obj{"name": "naïve"}, `{"name":["Enter a valid value consisting of letters, numbers and underscores."]}`},
		{obj{"name": "users"}, `{"name":["Unable to use that value. Please choose a different one."]}`},
		{obj{"name": "self"}, `{"name":["Unable to use that value. Please choose a different one."]}`},
		{obj{"name": "user_profile"}, `{"name":["This field must be unique."]}`},
		{obj{"name": "a", "other_permissions": "all"}, `{"other_permissions":["\"all\" is not a valid choice."]}`},
		{obj{"name": "a", "group_permissions": nil}, `{"group_permissions":["This field may not be null."]}`},
		{obj{"name": "a", "schema": nil}, `{"schema":["This field may not be null."]}`},
		{obj{"name": "a", "schema": "{"}, `{"schema":["Not a valid JSON string."]}`},
		{obj{"name": "a", "schema": 5}, `{"schema":["Schema passed in invalid format."]}`},
		{obj{"name": "a", "metadata": []int{1}}, `{"metadata":["Expected a dictionary of items but got type \"list\"."]}`},
		{obj{"name": "", "schema": []int{1}}, `{"name":["This field may not be blank."],"schema":["Schema passed in invalid format."]}`},
		{[]int{1}, `{"non_field_errors":["Invalid data. Expected a dictionary, but got list."]}`},
	} {
		w.refuses(t, 400, one.want, ask{method: "POST", path: c.base + "classes/", key: c.owner, json: one.body})
	}
}

func TestAnInstanceHoldsOnlySoManyClasses(t *testing.T) {
	w := lite(t)
	c := newCast(t, w)
	for range 99 { // that of the profiles counts
		c.class(t, obj{"schema": []obj{}})
	}
	w.refuses(t, 400, `{"detail":"Class count exceeded (100)."}`, ask{method: "POST", path: c.base + "classes/", key: c.owner, json: obj{"name": "onemore"}})
}
