package usergrid_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// The language over HTTP, as the contract describes it: what is indexed, nested, or in a list answers alike.
func TestQueriesFindEntities(t *testing.T) {
	eachKennel(t, func(t *testing.T, k *kennel) {
		for _, e := range []object{
			{"name": "Rex", "color": "Black", "size": 1, "tags": []any{"Good", "big dog"}, "at": object{"latitude": 52.5, "longitude": 13.4}},
			{"name": "Ärger", "color": "BROWN", "size": 2.5, "tags": "good", "in": object{"deep": object{"er": "Yes"}}},
			{"name": "Fido", "color": 7, "size": "large", "good": true, "at": object{"latitude": 52.6, "longitude": 13.4}},
			{"name": "Bello", "color": []any{"black", 7, true}, "good": 1},
		} {
			if got := k.send(k.client, "POST", "/acme/books/dogs", e); got.status != 200 {
				t.Fatalf("%d %s", got.status, got.text)
			}
		}
		names := func(path string) string {
			got := k.send(k.client, "GET", path, nil)
			if got.status != 200 {
				return fmt.Sprint(got.status, " ", got.body["error"])
			}
			var out []string
			for _, e := range got.body["entities"].([]any) {
				out = append(out, fmt.Sprint(e.(object)["name"]))
			}
			if cursor, ok := got.body["cursor"].(string); ok {
				out = append(out, "…"+cursor)
			}
			return strings.Join(out, " ")
		}
		for ql, want := range map[string]string{
			"":                                     "Bello Fido Ärger Rex",
			"select * where color = 'BLACK'":       "Bello Rex",
			"COLOR = 7":                            "Bello Fido",
			"color = true":                         "Bello",
			"good = true":                          "Fido",
			"good = 1":                             "Bello",
			"not color = 'black'":                  "Fido Ärger",
			"color = 'b*'":                         "Bello Ärger Rex",
			"size > 1":                             "Ärger",
			"size >= 1.0 order by size desc":       "Ärger Rex",
			"size > 'a'":                           "Fido",
			"name = 'ärger'":                       "Ärger",
			"name = 'ÄR*' or name = 'fido'":        "Fido Ärger",
			"tags = 'GOOD'":                        "Ärger Rex",
			"tags contains 'dog'":                  "Rex",
			"tags contains 'do*'":                  "Rex",
			"in.deep.er = 'yes'":                   "Ärger",
			"at within 1000 of 52.5, 13.4":         "Rex",
			"at within 50000 of 52.6, 13.41":       "Fido Rex",
			"at within 50000 of 52.4, 13.41":       "Rex Fido",
			"order by size":                        "Rex Ärger Fido Bello",
			"order by size desc":                   "Ärger Rex Fido Bello",
			"order by name":                        "Bello Fido Rex Ärger",
			"type = 'dog' and size = 1":            "Rex",
			"type = 'cat'":                         "",
			"created > 0 and modified > 0":         "Bello Fido Ärger Rex",
			"nothing = 1":                          "",
			`name = "Rex"`:                         "400 query_token",
			"name = ":                              "400 query_parse",
			"select name where nothing.at.all < 1": "",
		} {
			if got := names("/acme/books/dogs?ql=" + url.QueryEscape(ql)); got != want {
				t.Errorf("%s: %s, want %s", ql, got, want)
			}
		}
		for _, order := range []string{"", "order by size", "order by size desc", "order by name desc", "order by created", "at within 1e9 of 50, 10 or size > 0", "order by good, color"} {
			q := "/acme/books/dogs?ql=" + url.QueryEscape(order)
			whole := names(q)
			var pages []string
			for cursor := ""; ; {
				page := names(q + "&limit=1&cursor=" + cursor)
				var more bool
				page, cursor, more = strings.Cut(page, " …")
				pages = append(pages, page)
				if !more || len(pages) > 9 {
					break
				}
			}
			if got := strings.Join(pages, " "); got != whole {
				t.Errorf("%s: pages %s, whole %s", order, got, whole)
			}
		}
		first := names("/acme/books/dogs?limit=1")
		_, cursor, _ := strings.Cut(first, "…")
		if got := names("/acme/books/dogs?limit=1&ql=order+by+size&cursor=" + cursor); got != "400 illegal_argument" {
			t.Errorf("a cursor of another query: %s", got)
		}
		if got := names("/acme/books/dogs?reversed=true"); got != "Rex Ärger Fido Bello" {
			t.Errorf("reversed: %s", got)
		}
		k.login("zoe")
		k.login("Adam")
		if got := k.send(k.client, "GET", "/acme/books/users?ql="+url.QueryEscape("username = 'ZOE' or username = 'ad*' order by username"), nil); !slices.Equal(usernames(got), []string{"Adam", "zoe"}) {
			t.Errorf("%v", usernames(got))
		}
		if got := k.send(k.client, "GET", "/acme/books/users?ql="+url.QueryEscape("activated = true and not username = 'zoe'"), nil); !slices.Equal(usernames(got), []string{"Adam"}) {
			t.Errorf("%v", usernames(got))
		}
		page := k.send(k.client, "GET", "/acme/books/users?limit=1&ql="+url.QueryEscape("order by username desc"), nil)
		next, _ := page.body["cursor"].(string)
		if got := k.send(k.client, "GET", "/acme/books/users?limit=1&cursor="+next+"&ql="+url.QueryEscape("order by username desc"), nil); !slices.Equal(usernames(got), []string{"Adam"}) {
			t.Errorf("%v after %v", usernames(got), usernames(page))
		}
	})
}

func usernames(a answer) []string {
	var out []string
	list, _ := a.body["entities"].([]any)
	for _, e := range list {
		out = append(out, fmt.Sprint(e.(object)["username"]))
	}
	return out
}
