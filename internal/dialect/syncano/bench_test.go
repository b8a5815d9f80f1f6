package syncano

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
)

// BenchmarkCurrentUser is GET I/user/ without the network; allocations are what to watch.
func BenchmarkCurrentUser(b *testing.B) {
	w := lite(b)
	_, owner := w.register(b)
	base := w.instance(b, owner)
	key := w.apiKey(b, base, owner)
	_, user := w.user(b, base, owner)
	r := httptest.NewRequest(http.MethodGet, base+"user/", nil)
	r.Body = http.NoBody
	r.Header.Set("X-API-KEY", key)
	r.Header.Set("X-USER-KEY", user)
	b.ReportAllocs()
	for b.Loop() {
		rec := &nowhere{header: http.Header{}}
		w.serve.ServeHTTP(rec, r)
		if rec.status != 200 {
			b.Fatal(rec.status)
		}
	}
}

// nowhere is a ResponseWriter that keeps only the status.
type nowhere struct {
	header http.Header
	status int
}

func (n *nowhere) Header() http.Header         { return n.header }
func (n *nowhere) WriteHeader(status int)      { n.status = status }
func (n *nowhere) Write(p []byte) (int, error) { return len(p), nil }

// BenchmarkObjectPage is GET objects/?page_size=100 of 300 objects, without the network.
func BenchmarkObjectPage(b *testing.B) { benchObjects(b, "?page_size=100") }

// BenchmarkObject is GET of one object again and again, without the network.
func BenchmarkObject(b *testing.B) { benchObjects(b, "") }

func benchObjects(b *testing.B, target string) {
	w := lite(b)
	_, owner := w.register(b)
	base := w.instance(b, owner)
	key := w.apiKey(b, base, owner)
	_, user := w.user(b, base, owner)
	w.want(b, 201, ask{method: "POST", path: base + "classes/", key: owner, json: obj{"name": "book", "schema": []obj{
		{"name": "title", "type": "string", "filter_index": true}, {"name": "author", "type": "string"}, {"name": "blurb", "type": "text"},
		{"name": "pages", "type": "integer", "order_index": true}, {"name": "lent", "type": "boolean"}},
		"group_permissions": "create_objects", "other_permissions": "create_objects"}})
	for n := range 300 {
		made := w.want(b, 201, ask{method: "POST", path: base + "classes/book/objects/", key: key, user: user, json: obj{
			"title": "The long way home", "author": "A. N. Author", "blurb": strings.Repeat("a word ", 30), "pages": n, "lent": false}})
		if target == "" {
			target = strconv.Itoa(made.id(b)) + "/"
		}
	}
	r := httptest.NewRequest(http.MethodGet, base+"classes/book/objects/"+target, nil)
	r.Body = http.NoBody
	r.Header.Set("X-API-KEY", key)
	r.Header.Set("X-USER-KEY", user)
	b.ReportAllocs()
	for b.Loop() {
		rec := &nowhere{header: http.Header{}}
		w.serve.ServeHTTP(rec, r)
		if rec.status != 200 {
			b.Fatal(rec.status)
		}
	}
}
