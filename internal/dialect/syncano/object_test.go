package syncano

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

// everyType is a schema with every type, and every index it may have.
var everyType = []obj{
	{"name": "title", "type": "string", "order_index": true, "filter_index": true},
	{"name": "text", "type": "text"},
	{"name": "pages", "type": "integer", "order_index": true, "filter_index": true},
	{"name": "price", "type": "float", "order_index": true, "filter_index": true},
	{"name": "sold", "type": "boolean", "filter_index": true},
	{"name": "out", "type": "datetime", "order_index": true, "filter_index": true},
	{"name": "cover", "type": "file"},
	{"name": "next", "type": "reference", "target": "self", "filter_index": true, "order_index": true},
	{"name": "reader", "type": "reference", "target": "user", "filter_index": true},
	{"name": "readers", "type": "relation", "target": "user", "filter_index": true},
	{"name": "tags", "type": "array", "filter_index": true},
	{"name": "extra", "type": "object"},
	{"name": "place", "type": "geopoint", "filter_index": true},
}

func TestAnObjectIsMadeChangedAndDeleted(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		c := newCast(t, w)
		class := c.class(t, obj{"schema": everyType})
		first := c.object(t, class, obj{"title": "first"})
		made := w.want(t, 201, ask{method: "POST", path: class + "objects/", key: c.owner, json: obj{
			"title": " x ", "text": "long", "pages": 7, "price": 9.5, "sold": "true", "out": "2016-01-02T03:04:05.6Z", "next": first, "reader": c.annID,
			"readers": []int{c.bobID, c.annID, c.bobID, 999}, "tags": []any{"a", 1, true}, "extra": obj{"a": []any{1, nil}}, "place": `{"latitude":1,"longitude":2.5}`,
			"owner": c.annID, "group": c.groupID, "group_permissions": "read", "unknown": "ignored", "id": 99, "revision": 99,
		}}).object(t)
		id := int(made["id"].(float64))
		for _, unstable := range []string{"created_at", "updated_at"} {
			delete(made, unstable)
		}
		self := c.path(class, id)
		want := map[string]any{
			"id": float64(first + 1), "revision": 1.0, "owner": float64(c.annID), "owner_permissions": "full", "group": float64(c.groupID), "group_permissions": "read",
			"other_permissions": "none", "channel": nil, "channel_room": nil, "title": " x ", "text": "long", "pages": 7.0, "price": 9.5, "sold": true,
			"out": map[string]any{"type": "datetime", "value": "2016-01-02T03:04:05.600000Z"}, "cover": nil,
			"next":    map[string]any{"type": "reference", "target": "self", "value": float64(first)},
			"reader":  map[string]any{"type": "reference", "target": "user", "value": float64(c.annID)},
			"readers": map[string]any{"type": "relation", "target": "user", "value": []any{float64(c.bobID), float64(c.annID)}},
			"tags":    []any{"a", 1.0, true}, "extra": map[string]any{"a": []any{1.0, nil}},
			"place": map[string]any{"type": "geopoint", "longitude": 2.5, "latitude": 1.0},
			"links": map[string]any{"self": self, "owner": c.base + "users/" + strconv.Itoa(c.annID) + "/", "group": c.base + "groups/" + strconv.Itoa(c.groupID) + "/"},
		}
		if !reflect.DeepEqual(made, want) {
			t.Errorf("got  %v\nwant %v", made, want)
		}
		patch := func(body obj) map[string]any {
			t.Helper()
			return w.want(t, 200, ask{method: "PATCH", path: self, key: c.owner, json: body}).object(t)
		}
		// What a client has read it may send back as it is.
		again := patch(made)
		if again["revision"] != 1.0 {
			t.Errorf("sent back, the object has revision %v", again["revision"])
		}
		delete(again, "created_at")
		delete(again, "updated_at")
		if !reflect.DeepEqual(again, want) {
			t.Errorf("got  %v\nwant %v", again, want)
		}
		steps := []struct {
			body  obj
			field string
			want  any
			rev   float64
		}{
			{obj{"pages": obj{"_increment": 5}}, "pages", 12.0, 2},
			{obj{"price": `{"_increment":-0.5}`}, "price", 9.0, 3},
			{obj{"tags": obj{"_add": []any{"a", "b"}}}, "tags", []any{"a", 1.0, true, "a", "b"}, 4},
			{obj{"tags": obj{"_addunique": []any{"a", "c"}}}, "tags", []any{"a", 1.0, true, "a", "b", "c"}, 5},
			{obj{"tags": obj{"_remove": []any{"a", 1, true}}}, "tags", []any{"b", "c"}, 6},
			{obj{"readers": obj{"_remove": []int{c.bobID, c.annID}}}, "readers", nil, 7},
			{obj{"readers": obj{"_add": c.annID}}, "readers", map[string]any{"type": "relation", "target": "user", "value": []any{float64(c.annID)}}, 8},
			{obj{"title": nil}, "title", nil, 9},
			{obj{"title": nil}, "title", nil, 9},
			{obj{"text": ""}, "text", "", 10},
			{obj{"tags": []any{}}, "tags", []any{}, 11},
			{obj{"channel": "x"}, "channel", nil, 11},
			{obj{"group_permissions": "none"}, "group", float64(c.groupID), 11},
			{obj{"group": nil}, "group", nil, 11},
			{obj{"group_permissions": "write"}, "group_permissions", "write", 11},
			{obj{"owner": c.bobID}, "owner", float64(c.bobID), 11},
			{obj{"owner": nil}, "owner", nil, 11},
		}
		for _, s := range steps {
			got := patch(s.body)
			if !reflect.DeepEqual(got[s.field], s.want) || got["revision"] != s.rev {
				t.Errorf("%v: %s is %v at revision %v, want %v at %v", s.body, s.field, got[s.field], got["revision"], s.want, s.rev)
			}
		}
		// A full update leaves fields alone, but not permissions.
		patch(obj{"other_permissions": "read", "owner_permissions": "none"})
		full := w.want(t, 200, ask{method: "POST", path: self, key: c.owner, json: obj{"text": "y"}}).object(t)
		if full["text"] != "y" || full["pages"] != 12.0 || full["other_permissions"] != "none" || full["owner_permissions"] != "full" || full["group_permissions"] != "none" {
			t.Error(full)
		}
		w.refuses(t, 405, `{"detail":"Method \"PUT\" not allowed."}`, ask{method: "PUT", path: self, key: c.owner, json: obj{}})
		w.refuses(t, 400, `{"expected_revision":"Revision mismatch. Expected 1, got 12."}`, ask{method: "PATCH", path: self, key: c.owner, json: obj{"expected_revision": 1}})
		w.want(t, 204, ask{method: "DELETE", path: self, key: c.owner})
		w.refuses(t, 404, `{"detail":"Not found."}`, ask{method: "GET", path: self, key: c.owner})
		w.refuses(t, 404, `{"detail":"Not found."}`, ask{method: "GET", path: class + "objects/null/", key: c.owner})
	})
}

func TestAWrongObjectIsRefusedByFieldAndChangesNothing(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		c := newCast(t, w)
		class := c.class(t, obj{"schema": everyType})
		id := c.object(t, class, obj{"pages": 2147483647, "tags": []string{"x"}})
		path := c.path(class, id)
		before := w.want(t, 200, ask{method: "GET", path: path, key: c.owner}).body
		for _, one := range []struct {
			body any
			want string
		}{
			{obj{"title": strings.Repeat("x", 129)}, `{"title":["Ensure this field has no more than 128 characters."]}`},
			{obj{"pages": "x", "price": "y"}, `{"pages":["A valid integer is required."],"price":["A valid number is required."]}`},
			{obj{"pages": obj{"_increment": 1}}, `{"pages":["` + tooLargeInteger + `"]}`},
			{obj{"price": obj{"_increment": "x"}}, `{"price":["A valid number is required."]}`},
			{obj{"out": "2016"}, `{"out":["` + badDatetime + `"]}`},
			{obj{"next": 99999}, `{"next":["` + badTarget + `"]}`},
			{obj{"reader": 99999}, `{"reader":["` + badTarget + `"]}`},
			{obj{"next": "x"}, `{"next":["A valid integer is required."]}`},
			{obj{"readers": "x"}, `{"readers":["` + badRelation + `"]}`},
			{obj{"tags": obj{"_increment": 1}}, `{"tags":["Not a valid array."]}`},
			{obj{"extra": []int{1}}, `{"extra":["Not a valid object."]}`},
			{obj{"place": obj{"latitude": 91, "longitude": 0}}, `{"place":["Not a valid geopoint."]}`},
			{obj{"cover": "just text"}, `{"cover":["` + badFile + `"]}`},
			{obj{"cover": "http://example.com/x.jpg"}, `{"cover":["File URL is invalid."]}`},
			{obj{"cover": "http://files.test/v1.1/files/" + strings.Repeat("a", 40)}, `{"cover":["File URL is invalid."]}`},
			{obj{"owner_permissions": "all"}, `{"owner_permissions":["\"all\" is not a valid choice."]}`},
			{obj{"owner": 9999}, `{"owner":["Invalid pk \"9999\" - object does not exist."]}`},
			{obj{"owner": obj{}}, `{"owner":["Incorrect type. Expected pk value, received dict."]}`},
			{obj{"group": 9999}, `{"group":["Invalid pk \"9999\" - object does not exist."]}`},
			{obj{"expected_revision": "x"}, `{"expected_revision":["A valid integer is required."]}`},
			{obj{"extra": obj{"x": strings.Repeat("v", 33000)}}, `{"non_field_errors":["Object maximum size exceeded."]}`},
			{[]int{1}, `{"non_field_errors":["Invalid data. Expected a dictionary, but got list."]}`},
		} {
			w.refuses(t, 400, one.want, ask{method: "PATCH", path: path, key: c.owner, json: one.body})
		}
		many := make([]int, 1001)
		for i := range many {
			many[i] = i + 1
		}
		w.refuses(t, 400, `{"readers":["`+badRelationLength+`"]}`, ask{method: "PATCH", path: path, key: c.owner, json: obj{"readers": many}})
		w.refuses(t, 400, `{"channel":["Object with name=news does not exist."]}`, ask{method: "POST", path: class + "objects/", key: c.owner, json: obj{"channel": "news"}})
		if after := w.want(t, 200, ask{method: "GET", path: path, key: c.owner}).body; after != before {
			t.Errorf("before %s\nafter  %s", before, after)
		}
	})
}

func TestUsersHandOnNoMoreThanTheyHold(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		c := newCast(t, w)
		class := c.class(t, obj{"schema": everyType})
		mine := w.want(t, 201, ask{method: "POST", path: class + "objects/", key: c.plain, user: c.ann, json: obj{"owner": c.bobID, "other_permissions": "write"}}).object(t)
		if mine["owner"] != float64(c.annID) || mine["other_permissions"] != "write" {
			t.Error(mine)
		}
		path := c.path(class, int(mine["id"].(float64)))
		// Who may write may not hand on.
		got := w.want(t, 200, ask{method: "PATCH", path: path, key: c.plain, user: c.eve, json: obj{"other_permissions": "full", "title": "eve"}}).object(t)
		if got["other_permissions"] != "write" || got["title"] != "eve" {
			t.Error(got)
		}
		for _, user := range []string{c.eve, c.ann} {
			w.refuses(t, 400, `{"owner":["Cannot change owner of Data Object."]}`, ask{method: "PATCH", path: path, key: c.plain, user: user, json: obj{"owner": c.bobID}})
			w.refuses(t, 400, `{"group":["Invalid group specified."]}`, ask{method: "PATCH", path: path, key: c.plain, user: user, json: obj{"group": c.groupID}})
			w.want(t, 200, ask{method: "PATCH", path: path, key: c.plain, user: user, json: obj{"owner": c.annID, "group": nil}})
		}
		w.refuses(t, 400, `{"group":["Invalid group specified."]}`, ask{method: "POST", path: class + "objects/", key: c.plain, user: c.ann, json: obj{"group": c.groupID}})
		w.want(t, 201, ask{method: "POST", path: class + "objects/", key: c.plain, user: c.bob, json: obj{"group": c.groupID}})
		// A group that an admin gave stays when it is sent back.
		w.want(t, 200, ask{method: "PATCH", path: path, key: c.owner, json: obj{"group": c.groupID, "group_permissions": "read"}})
		got = w.want(t, 200, ask{method: "PATCH", path: path, key: c.plain, user: c.ann, json: obj{"group": c.groupID}}).object(t)
		if got["group"] != float64(c.groupID) {
			t.Error(got)
		}
		// A key that ignores rules makes objects of nobody, or of whom it says.
		got = w.want(t, 201, ask{method: "POST", path: class + "objects/", key: c.strong, json: obj{"owner": c.bobID}}).object(t)
		if got["owner"] != float64(c.bobID) {
			t.Error(got)
		}
		if got = w.want(t, 201, ask{method: "POST", path: class + "objects/", key: c.strong, json: obj{}}).object(t); got["owner"] != nil {
			t.Error(got)
		}
		// A deleted group is gone from what it was given.
		w.want(t, 204, ask{method: "DELETE", path: c.base + "groups/" + strconv.Itoa(c.groupID) + "/", key: c.owner})
		if got = w.want(t, 200, ask{method: "GET", path: path, key: c.owner}).object(t); got["group"] != nil {
			t.Error(got)
		}
	})
}

// titles asks for a list and returns the titles in it.
func (c *cast) titles(t *testing.T, class, query string) string {
	t.Helper()
	var titles []string
	for _, o := range c.want(t, 200, ask{method: "GET", path: class + "objects/?" + query, key: c.owner}).list(t) {
		title, _ := o["title"].(string)
		titles = append(titles, title)
	}
	return strings.Join(titles, " ")
}

func TestObjectsAreFoundOrderedPagedAndCounted(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		c := newCast(t, w)
		class := c.class(t, obj{"schema": everyType})
		a := c.object(t, class, obj{"title": "a", "pages": 3, "price": 1.5, "out": "2016-01-01T00:00:00.0Z", "sold": true, "owner": c.annID, "group": c.groupID})
		b := c.object(t, class, obj{"title": "b", "pages": 1, "next": a, "reader": c.annID, "readers": []int{c.annID, c.bobID}, "tags": []any{"x", 1}})
		c.object(t, class, obj{"title": "c", "pages": 2, "price": 1.5, "next": b, "place": obj{"latitude": 51.5, "longitude": -0.1}, "out": "2017-01-01T00:00:00.0Z"})
		c.object(t, class, obj{"title": "d", "tags": []any{"x", "y"}, "readers": []int{c.bobID}, "place": obj{"latitude": 52.5, "longitude": 13.4}})
		for query, want := range map[string]string{
			`{"title":{"_in":["a","d"]}}`:                                     "a d",
			`{"pages":{"_gt":1},"sold":{"_neq":true}}`:                        "c",
			`{"pages":{"_nin":[1,2]}}`:                                        "a d",
			`{"pages":{"_exists":false}}`:                                     "d",
			`{"out":{"_gte":"2016-06-01"}}`:                                   "c",
			`{"next":{"_eq":` + strconv.Itoa(a) + `}}`:                        "b",
			`{"next":{"_exists":true}}`:                                       "b c",
			`{"next":{"_is":{"pages":{"_gt":1}}}}`:                            "b",
			`{"next":{"_is":{"id":{"_in":[` + strconv.Itoa(b) + `]}}}}`:       "c",
			`{"reader":{"_eq":` + strconv.Itoa(c.annID) + `}}`:                "b",
			`{"reader":{"_is":{"id":{"_eq":` + strconv.Itoa(c.annID) + `}}}}`: "b",
			`{"readers":{"_contains":[` + strconv.Itoa(c.bobID) + `]}}`:       "b d",
			`{"readers":{"_is":{"username":{"_istartswith":"USER"}}}}`:        "b d",
			`{"readers":{"_exists":false}}`:                                   "a c",
			`{"tags":{"_contains":["x"]}}`:                                    "b d",
			`{"tags":{"_contains":[1,"x"]}}`:                                  "b",
			`{"place":{"_near":{"latitude":51.5,"longitude":-0.1}}}`:          "c",
			`{"place":{"_exists":true}}`:                                      "c d",
			`{"owner":{"_eq":` + strconv.Itoa(c.annID) + `}}`:                 "a",
			`{"owner":{"_exists":false}}`:                                     "b c d",
			`{"group":{"_eq":` + strconv.Itoa(c.groupID) + `}}`:               "a",
			`{"group":{"_neq":` + strconv.Itoa(c.groupID) + `}}`:              "b c d",
			`{"group":{"_in":[` + strconv.Itoa(c.groupID) + `,99]}}`:          "a",
			`{"group":{"_exists":true}}`:                                      "a",
			`{"group":{"_exists":false}}`:                                     "b c d",
			`{"group":{"_eq":99}}`:                                            "",
			`{"channel":{"_eq":"x"}}`:                                         "",
			`{"id":{"_exists":true},"revision":{"_eq":1}}`:                    "a b c d",
			`{"created_at":{"_gt":"2000-01-01T00:00:00"}}`:                    "a b c d",
			`{"title":{"_like":"\\"}}`:                                        "",
			`{}`:                                                              "a b c d",
		} {
			if got := c.titles(t, class, "query="+url.QueryEscape(query)); got != want {
				t.Errorf("%s: %q, want %q", query, got, want)
			}
		}
		if got := c.titles(t, class, `query={"pages":{"_gt":1}}&query={"pages":{"_lt":3}}`); got != "c" {
			t.Errorf("two queries: %q", got)
		}
		for order, want := range map[string]string{
			"pages": "b c a d", "-pages": "d a c b", "price": "a c b d", "-price": "d b c a", "out": "a c b d", "title": "a b c d", "-title": "d c b a",
			"next": "b c a d", "-id": "d c b a", "id": "a b c d", "created_at": "a b c d", "-updated_at": "d c b a",
		} {
			if got := c.titles(t, class, "order_by="+order); got != want {
				t.Errorf("order_by=%s: %q, want %q", order, got, want)
			}
			c.walk(t, class, "order_by="+order, want)
		}
		c.walk(t, class, "", "a b c d")
		for order, text := range map[string]string{
			"nothing": textBadOrder, "text": textOrderNoFlag, "owner": textNoOrder, "revision": textNoOrder, "-tags": textOrderNoFlag, "-": textBadOrder,
		} {
			w.refuses(t, 400, `{"detail":"`+text+`"}`, ask{method: "GET", path: class + "objects/?order_by=" + order, key: c.owner})
		}
		w.refuses(t, 400, `{"detail":"Incorrect page parameter provided."}`,
			ask{method: "GET", path: class + "objects/?order_by=pages&direction=1&last_pk=1&last_value=x", key: c.owner})
		w.refuses(t, 400, `{"query":"Not a valid JSON string."}`, ask{method: "GET", path: class + "objects/?query=%7Bnot", key: c.owner})

		count := w.want(t, 200, ask{method: "GET", path: class + "objects/?include_count=True&page_size=0&query=" + url.QueryEscape(`{"pages":{"_exists":true}}`), key: c.owner})
		if count.body != `{"next":null,"prev":null,"objects":[],"objects_count":3}` {
			t.Error(count.body)
		}
		picked := w.want(t, 200, ask{method: "GET", path: class + "objects/?fields=id,title&page_size=1", key: c.owner})
		if want := fmt.Sprintf(`"objects":[{"id":%d,"title":"a"}]`, a); !strings.Contains(picked.body, want) {
			t.Error(picked.body)
		}
	})
}

// walk follows next to the end and prev back, by pages of one and of two.
func (c *cast) walk(t *testing.T, class, query, want string) {
	t.Helper()
	for _, size := range []string{"1", "2", "4"} {
		var forth []string
		var lastPage map[string]any
		for at, turns := class+"objects/?page_size="+size+"&"+query, 0; at != ""; turns++ {
			if turns > 10 {
				t.Fatalf("%s by %s: the pages do not end", query, size)
			}
			page := c.want(t, 200, ask{method: "GET", path: at, key: c.owner})
			for _, o := range page.list(t) {
				forth = append(forth, o["title"].(string))
			}
			lastPage = page.object(t)
			at, _ = lastPage["next"].(string)
		}
		if got := strings.Join(forth, " "); got != want {
			t.Errorf("%s by %s: %q, want %q", query, size, got, want)
		}
		back := []string{}
		for _, o := range lastPage["objects"].([]any) {
			back = append(back, o.(map[string]any)["title"].(string))
		}
		for at, _ := lastPage["prev"].(string); at != ""; {
			page := c.want(t, 200, ask{method: "GET", path: at, key: c.owner})
			rows := page.list(t)
			for i := len(rows) - 1; i >= 0; i-- {
				back = append([]string{rows[i]["title"].(string)}, back...)
			}
			at, _ = page.object(t)["prev"].(string)
		}
		if got := strings.Join(back, " "); got != want {
			t.Errorf("%s by %s, back: %q, want %q", query, size, got, want)
		}
	}
}

func TestObjectsOfOneInstanceAreOutOfReachOfAnother(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		c, other := newCast(t, w), newCast(t, w)
		schema := []obj{{"name": "title", "type": "string", "filter_index": true}, {"name": "cover", "type": "file"}, {"name": "mates", "type": "relation", "target": "self"}, {"name": "user", "type": "reference", "target": "user"}}
		for _, base := range []string{c.base, other.base} {
			w.want(t, 201, ask{method: "POST", path: base + "classes/", key: map[bool]string{true: c.owner, false: other.owner}[base == c.base], json: obj{"name": "same", "schema": schema}})
		}
		here, there := c.base+"classes/same/", other.base+"classes/same/"
		secret := c.object(t, here, obj{"title": "secret", "other_permissions": "full", "owner": c.annID})
		// Keys of the other instance open nothing here.
		for _, k := range []struct{ key, user string }{{other.owner, ""}, {other.strong, ""}, {other.plain, other.ann}, {other.admins["full"], ""}} {
			for _, a := range []ask{
				{method: "GET", path: here + "objects/"}, {method: "GET", path: c.path(here, secret)}, {method: "PATCH", path: c.path(here, secret), json: obj{"title": "x"}},
				{method: "DELETE", path: c.path(here, secret)}, {method: "POST", path: here + "objects/", json: obj{}}, {method: "GET", path: here}, {method: "DELETE", path: here},
				{method: "PATCH", path: here, json: obj{"description": "x"}}, {method: "POST", path: c.base + "batch/", json: obj{"requests": []obj{{"method": "GET", "path": here}}}},
			} {
				a.key, a.user = k.key, k.user
				c.says(t, "a key of another instance", 403, a)
			}
		}
		// A user key of the other instance is no user here.
		c.says(t, "a foreign user key", 403, ask{method: "GET", path: c.path(here, secret), key: c.plain, user: other.ann})
		// Numbers of this instance mean nothing there.
		w.refuses(t, 404, `{"detail":"Not found."}`, ask{method: "GET", path: other.path(there, secret+1000), key: other.owner})
		got := w.want(t, 201, ask{method: "POST", path: there + "objects/", key: other.owner, json: obj{"title": "t", "mates": []int{secret}}}).object(t)
		if mates, ok := got["mates"].(map[string]any); ok && got["id"] != float64(secret) {
			t.Errorf("an object of another instance was found: %v", mates)
		}
		if got := other.titles(t, there, "query="+url.QueryEscape(`{"title":{"_eq":"secret"}}`)); got != "" {
			t.Error(got)
		}
	})
}

func TestFieldsOfAnotherClassAreNoTargets(t *testing.T) {
	w := lite(t)
	c := newCast(t, w)
	target := c.class(t, obj{})
	name := strings.TrimSuffix(strings.TrimPrefix(target, c.base+"classes/"), "/")
	class := c.class(t, obj{"schema": []obj{{"name": "to", "type": "reference", "target": name}, {"name": "all", "type": "relation", "target": name}}})
	right, wrong := c.object(t, target, obj{}), c.object(t, class, obj{})
	w.refuses(t, 400, `{"to":["`+badTarget+`"]}`, ask{method: "POST", path: class + "objects/", key: c.owner, json: obj{"to": wrong}})
	got := w.want(t, 201, ask{method: "POST", path: class + "objects/", key: c.owner, json: obj{"to": right, "all": []int{wrong, right}}}).object(t)
	want := map[string]any{"type": "relation", "target": name, "value": []any{float64(right)}}
	if !reflect.DeepEqual(got["all"], want) {
		t.Error(got)
	}
}

func TestSmallThingsOfTheWire(t *testing.T) {
	w := lite(t)
	c := newCast(t, w)
	class := c.class(t, obj{"schema": everyType})
	// A form: empty is null, lists and places are JSON text.
	got := w.want(t, 201, ask{method: "POST", path: class + "objects/", key: c.owner, form: url.Values{
		"title": {""}, "pages": {""}, "price": {"1.5"}, "sold": {"true"}, "tags": {`["a"]`}, "place": {`{"latitude":1,"longitude":2}`}, "group": {""}, "cover": {""},
	}}).object(t)
	if got["title"] != "" || got["pages"] != nil || got["price"] != 1.5 || got["sold"] != true || got["cover"] != nil {
		t.Error(got)
	}
	// Both versions link to themselves, and names are found in any case.
	path := strings.Replace(strings.ToUpper(class[len("/v1.1/instances/"):]), "CLASSES", "classes", 1)
	old := w.want(t, 200, ask{method: "GET", path: "/v1/instances/" + path + "objects/", key: c.owner}).list(t)
	if link := old[0]["links"].(map[string]any)["self"].(string); !strings.HasPrefix(link, "/v1/instances/"+strings.TrimPrefix(c.base, "/v1.1/instances/")) {
		t.Error(link)
	}
	w.refuses(t, 415, `{"detail":"Unsupported media type \"text/csv\" in request."}`, ask{method: "POST", path: class + "objects/", key: c.owner, body: "a,b", header: map[string]string{"Content-Type": "text/csv"}})
	w.want(t, 400, ask{method: "POST", path: class + "objects/", key: c.owner, body: "{", header: map[string]string{"Content-Type": "application/json"}})
	w.want(t, 400, ask{method: "POST", path: class + "objects/", key: c.owner, body: `{"title":"a\u0000b"}`, header: map[string]string{"Content-Type": "application/json"}})
	var page struct{ Next, Prev json.RawMessage }
	if err := json.Unmarshal([]byte(w.want(t, 200, ask{method: "GET", path: class + "objects/", key: c.owner}).body), &page); err != nil || string(page.Next) != "null" || string(page.Prev) != "null" {
		t.Errorf("%s %s %v", page.Next, page.Prev, err)
	}
}

func TestASlowQueryIsToldSo(t *testing.T) {
	slow := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	var f *failure
	if err := within(t.Context(), time.Millisecond, slow); !errors.As(err, &f) || f.status != 408 || string(f.body) != `{"detail":"Requested query took too long. Timeout was reached."}` {
		t.Error(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := within(gone, time.Hour, slow); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
