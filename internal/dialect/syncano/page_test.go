package syncano

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// page is a list's envelope.
type page struct {
	next, prev string // "" for null
	ids        []int
}

func (w *world) page(t *testing.T, path, key string) page {
	t.Helper()
	got := w.want(t, 200, ask{method: "GET", path: path, key: key})
	object := got.object(t)
	p := page{}
	for _, name := range []string{"next", "prev"} {
		if _, ok := object[name]; !ok {
			t.Fatalf("%s: no %s: %s", path, name, got.body)
		}
	}
	p.next, _ = object["next"].(string)
	p.prev, _ = object["prev"].(string)
	for _, row := range got.list(t) {
		id, _ := row["id"].(float64)
		p.ids = append(p.ids, int(id))
	}
	return p
}

func (p page) equals(next, prev string, ids ...int) bool {
	return p.next == next && p.prev == prev && slices.Equal(p.ids, ids)
}

// TestPages is contracts/syncano.md 1.5, on five groups.
func TestPages(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		_, key := w.register(t)
		base := w.instance(t, key)
		for range 5 {
			w.newGroup(t, base, key)
		}
		g := base + "groups/"
		rows := []struct {
			query      string
			next, prev string
			ids        []int
		}{
			{"", "", "", []int{1, 2, 3, 4, 5}},
			{"?page_size=2", "?page_size=2&direction=1&last_pk=2", "", []int{1, 2}},
			{"?page_size=2&direction=1&last_pk=2", "?page_size=2&direction=1&last_pk=4", "?page_size=2&direction=0&last_pk=3", []int{3, 4}},
			{"?page_size=2&direction=1&last_pk=4", "", "?page_size=2&direction=0&last_pk=5", []int{5}},
			// D5: a last page that is exactly full has no next.
			{"?page_size=2&direction=1&last_pk=3", "", "?page_size=2&direction=0&last_pk=4", []int{4, 5}},
			{"?page_size=5", "", "", []int{1, 2, 3, 4, 5}},
			{"?page_size=2&direction=1&last_pk=5", "", "?page_size=2&direction=0&last_pk=5", nil},
			{"?page_size=2&direction=0&last_pk=5", "?page_size=2&direction=1&last_pk=4", "?page_size=2&direction=0&last_pk=3", []int{3, 4}},
			{"?page_size=2&direction=0&last_pk=3", "?page_size=2&direction=1&last_pk=2", "", []int{1, 2}},
			{"?page_size=2&direction=0&last_pk=1", "?page_size=2&direction=1&last_pk=1", "", nil},
			{"?ordering=desc&page_size=2", "?page_size=2&ordering=desc&direction=1&last_pk=4", "", []int{5, 4}},
			{"?page_size=2&ordering=desc&direction=1&last_pk=4", "?page_size=2&ordering=desc&direction=1&last_pk=2", "?page_size=2&ordering=desc&direction=0&last_pk=3", []int{3, 2}},
			{"?page_size=2&ordering=desc&direction=0&last_pk=3", "?page_size=2&ordering=desc&direction=1&last_pk=4", "", []int{5, 4}},
			{"?ordering=asc", "", "", []int{1, 2, 3, 4, 5}},
			{"?ordering=sideways", "", "", []int{1, 2, 3, 4, 5}},
			{"?page_size=0", "", "", nil},
			{"?page_size=1000", "", "", []int{1, 2, 3, 4, 5}},
			{"?last_pk=3", "", "", []int{1, 2, 3, 4, 5}},
			// Clients append their own parameters to a link again: the last value wins.
			{"?page_size=1&direction=1&last_pk=1&page_size=2", "?page_size=2&direction=1&last_pk=3", "?page_size=2&direction=0&last_pk=2", []int{2, 3}},
		}
		for _, row := range rows {
			full := func(query string) string {
				if query == "" {
					return ""
				}
				return g + query
			}
			if got := w.page(t, g+row.query, key); !got.equals(full(row.next), full(row.prev), row.ids...) {
				t.Errorf("%s: %+v\nwant next %q prev %q %v", row.query, got, row.next, row.prev, row.ids)
			}
		}
		for _, query := range []string{"page_size=-1", "page_size=x", "page_size=", "direction=2&last_pk=1", "direction=1", "direction=1&last_pk=0", "direction=0&last_pk=x", "direction=&last_pk=1"} {
			w.refuses(t, 400, `{"detail":"Incorrect page parameter provided."}`, ask{method: "GET", path: g + "?" + query, key: key})
		}
	})
}

func TestPagesHoldAHundredRows(t *testing.T) {
	t.Parallel()
	w := lite(t)
	_, key := w.register(t)
	base := w.instance(t, key)
	for range 101 {
		w.newGroup(t, base, key)
	}
	first := w.page(t, base+"groups/?page_size=500", key)
	if len(first.ids) != 100 || first.next != base+"groups/?page_size=100&direction=1&last_pk=100" {
		t.Errorf("%d rows, next %q", len(first.ids), first.next)
	}
	if rest := w.page(t, first.next, key); len(rest.ids) != 1 || rest.next != "" {
		t.Errorf("the rest: %+v", rest)
	}
}

func TestListsFilterByTheStartOfANameAndPageWithoutVisibleIDs(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		_, key := w.register(t)
		base := w.instance(t, key)
		for _, name := range []string{"alpha-one", "alpha-two", "beta-one"} {
			w.want(t, 201, ask{method: "POST", path: "/v1.1/instances/", key: key, json: obj{"name": name}})
		}
		names := func(path, member string) string {
			var list []string
			for _, row := range w.want(t, 200, ask{method: "GET", path: path, key: key}).list(t) {
				list = append(list, fmt.Sprint(row[member]))
			}
			return strings.Join(list, " ")
		}
		for _, name := range []string{"Alyx", "alYssa", "Eli"} {
			w.want(t, 201, ask{method: "POST", path: base + "users/", key: key, json: obj{"username": name, "password": "x"}})
			w.want(t, 201, ask{method: "POST", path: base + "groups/", key: key, json: obj{"label": name}})
		}
		for path, want := range map[string]string{
			"/v1.1/instances/?name__startswith=alpha":              "name: alpha-one alpha-two",
			"/v1.1/instances/?name__startswith=beta&page_size=1":   "name: beta-one",
			"/v1.1/instances/?page_size=2&ordering=desc":           "name: beta-one alpha-two",
			base + "users/?username__startswith=El":                "username: Eli",
			base + "groups/?label__startswith=Al":                  "label: Alyx",
			base + "users/?username__startswith=Q":                 "username: ",
			base + "users/?username__startswith=%25":               "username: ",
			base + "classes/?name__startswith=user_p":              "name: user_profile",
			"/v1/instances/?name__startswith=alpha&fields=name":    "name: alpha-one alpha-two",
			"/v1/instances/?name__startswith=alpha&fields=role":    "name: <nil> <nil>",
			"/v1.1/instances/?excluded_fields=name&page_size=1":    "name: <nil>",
			base + "users/?fields=username&username__startswith=E": "username: Eli",
		} {
			member, want, _ := strings.Cut(want, ": ")
			if got := names(path, member); got != want {
				t.Errorf("%s: %q, want %q", path, got, want)
			}
		}
		// Following next walks over all instances.
		var walked []string
		for path := "/v1.1/instances/?page_size=1"; path != "" && len(walked) < 9; {
			got := w.want(t, 200, ask{method: "GET", path: path, key: key})
			walked = append(walked, fmt.Sprint(got.list(t)[0]["name"]))
			path, _ = got.object(t)["next"].(string)
		}
		if len(walked) != 4 {
			t.Errorf("walked over %v", walked)
		}
	})
}
