package syncano

import (
	"net/http"
	"net/http/httptest"
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
