package syncano

import (
	"fmt"
	"net/url"
	"testing"
)

// awkward are queries that are right, and reach into corners of the stores.
var awkward = []string{
	`{"title":{"_in":[]}}`, `{"title":{"_nin":[]}}`, `{"tags":{"_contains":[]}}`, `{"readers":{"_contains":[]}}`, `{"group":{"_in":[]}}`, `{"owner":{"_nin":[]}}`,
	`{"title":{"_like":"%\\"}}`, `{"title":{"_ilike":"\\%_\\_"}}`, `{"title":{"_contains":""}}`, `{"title":{"_endswith":"'\";--"}}`, `{"title":{"_eq":"\ud800"}}`,
	`{"title":{"_gt":"\u0001\uffff"}}`, `{"title":{"_istartswith":"İIıſß"}}`, `{"pages":{"_eq":-2147483648}}`, `{"price":{"_gt":1e308}}`, `{"price":{"_eq":-0.0}}`,
	`{"out":{"_gt":"0001-01-01"}}`, `{"out":{"_lt":"9999-12-31T23:59:59.999999Z"}}`, `{"created_at":{"_neq":"2016-01-01T00:00:00.000001+14:00"}}`,
	`{"next":{"_gt":0}}`, `{"next":{"_lte":2147483647}}`, `{"next":{"_nin":[1,2]}}`, `{"next":{"_neq":1}}`, `{"reader":{"_gte":1}}`, `{"next":{"_is":{}}}`,
	`{"readers":{"_is":{"owner":{"_eq":1},"created_at":{"_exists":true},"username":{"_neq":"x"}}}}`, `{"next":{"_is":{"title":{"_like":"%"}}},"readers":{"_is":{"id":{"_gt":0}}}}`,
	`{"place":{"_near":{"latitude":90,"longitude":180,"distance_in_kilometers":0}}}`, `{"place":{"_near":{"latitude":-90,"longitude":-180,"distance_in_miles":24901}}}`,
	`{"place":{"_exists":false}}`, `{"sold":{"_gt":false}}`, `{"sold":{"_in":[true,false]}}`, `{"tags":{"_contains":["x",1,1.0,true,""]}}`, `{"group":{"_neq":99}}`,
	`{"id":{"_in":[0,1,2147483647]}}`, `{"revision":{"_lte":-5}}`, `{"owner":{"_gt":0,"_lt":9,"_exists":true}}`, `{"group":{"_nin":[1,99]}}`,
}

func queriedClass(t testing.TB, w *world) (class, key string) {
	_, key = w.register(t)
	base := w.instance(t, key)
	w.want(t, 201, ask{method: "POST", path: base + "classes/", key: key, json: obj{"name": "book", "schema": everyType}})
	user, _ := w.user(t, base, key)
	class = base + "classes/book/"
	w.want(t, 201, ask{method: "POST", path: class + "objects/", key: key, json: obj{"title": "a", "owner": user, "other_permissions": "read"}})
	w.want(t, 201, ask{method: "POST", path: class + "objects/", key: key, json: obj{
		"title": "İı%_\\", "pages": -1, "price": 0.1, "sold": false, "out": "0001-01-01T00:00:00.0Z", "next": user + 1, "reader": user, "readers": []int{user},
		"tags": []any{"x", 1, 1.5, true, ""}, "place": obj{"latitude": 90, "longitude": -180}, "other_permissions": "read",
	}})
	return class, key
}

func TestAwkwardQueriesAreAnsweredByBothStores(t *testing.T) {
	answers := map[string]map[string]string{}
	eachWorld(t, func(t *testing.T, w *world) {
		class, key := queriedClass(t, w)
		base := class[:len(class)-len("classes/book/")]
		plain := w.apiKey(t, base, key)
		_, user := w.user(t, base, key)
		for _, query := range awkward {
			for _, k := range []struct{ key, user string }{{key, ""}, {plain, user}} {
				got := w.want(t, 200, ask{method: "GET", path: class + "objects/?fields=id&include_count=1&query=" + url.QueryEscape(query), key: k.key, user: k.user})
				name := fmt.Sprint(query, k.user != "")
				if answers[name] == nil {
					answers[name] = map[string]string{}
				}
				answers[name][t.Name()] = got.body
			}
		}
	})
	for query, by := range answers {
		seen := map[string]bool{}
		for _, body := range by {
			seen[body] = true
		}
		if len(seen) > 1 {
			t.Errorf("%s: the stores differ: %v", query, by)
		}
	}
}

// FuzzList asks for lists in all manner of ways, as the admin and as a user: never a fault of ours, never a hang.
func FuzzList(f *testing.F) {
	for i, query := range awkward {
		f.Add(query, []string{"", "title", "-pages", "out", "-created_at", "next"}[i%6], "1", "x")
	}
	f.Add(`{"pages":{"_eq":1}}`, "pages", "0", "2147483648")
	f.Add(``, "-out", "1", "2016-01-01")
	w := lite(f)
	class, key := queriedClass(f, w)
	base := class[:len(class)-len("classes/book/")]
	plain := w.apiKey(f, base, key)
	_, user := w.user(f, base, key)
	f.Fuzz(func(t *testing.T, query, order, direction, value string) {
		pairs := url.Values{"query": {query}, "order_by": {order}, "direction": {direction}, "last_pk": {"2"}, "last_value": {value}, "include_count": {"1"}}
		for _, a := range []ask{{key: key}, {key: plain, user: user}} {
			a.method, a.path = "GET", class+"objects/?"+pairs.Encode()
			if got := w.do(a); got.status != 200 && got.status != 400 {
				t.Fatalf("%d %s", got.status, got.body)
			}
		}
	})
}
