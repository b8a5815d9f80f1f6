package skygear

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"hecate"
	"hecate/internal/mail"
)

// letterBox is where the letters of a world arrive.
type letterBox struct {
	mu      sync.Mutex
	letters []mail.Letter
}

// Send implements mail.Sender.
func (b *letterBox) Send(_ context.Context, l mail.Letter) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.letters = append(b.letters, l)
	return nil
}

// to are the letters to an address so far, in order.
func (b *letterBox) to(address string) []mail.Letter {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []mail.Letter
	for _, l := range b.letters {
		if l.To == address {
			out = append(out, l)
		}
	}
	return out
}

// settle waits until everything queued has left.
func (w *world) settle(t testing.TB) {
	t.Helper()
	ctx := context.Background()
	for range 500 {
		n, err := w.engine.WaitingLetters(ctx, systemActor())
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("letters do not leave")
}

// letter is the newest letter of that name to an address.
func (w *world) letter(t testing.TB, name, address string) mail.Letter {
	t.Helper()
	w.settle(t)
	all := w.mailed.to(address)
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].Name == name {
			return all[i]
		}
	}
	t.Fatalf("no letter %q to %s among %d", name, address, len(all))
	return mail.Letter{}
}

// letters counts the letters to an address, by name.
func (w *world) lettersTo(t testing.TB, address string) map[string]int {
	t.Helper()
	w.settle(t)
	out := map[string]int{}
	for _, l := range w.mailed.to(address) {
		out[l.Name]++
	}
	return out
}

// linkOf is the path and the parameters of a letter's link.
func linkOf(t testing.TB, l mail.Letter) *url.URL {
	t.Helper()
	u, err := url.Parse(l.Link.Reveal())
	if err != nil || u.Host == "" {
		t.Fatalf("link %q: %v", l.Link.Reveal(), err)
	}
	return u
}

// visit opens a page, or with a form sends it.
func (w *world) visit(t testing.TB, path string, form url.Values, headers ...string) reply {
	t.Helper()
	var r *http.Request
	if form == nil {
		r = httptest.NewRequest("GET", path, nil)
	} else {
		r = httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	got := httptest.NewRecorder()
	w.serve.ServeHTTP(got, r)
	return reply{status: got.Code, body: got.Body.String(), header: got.Header()}
}

// shows demands a safe page of that status that says so.
func (r reply) shows(t testing.TB, status int, text string) {
	t.Helper()
	if r.status != status || !strings.Contains(r.body, text) {
		t.Errorf("page %d %s\nwant %d with %q", r.status, r.body, status, text)
	}
	r.safe(t)
}

func (r reply) safe(t testing.TB) {
	t.Helper()
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff",
		"Content-Security-Policy": "default-src 'none'",
	} {
		if got := r.header.Get(name); !strings.Contains(got, want) {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// leads demands a redirect to exactly that place.
func (r reply) leads(t testing.TB, to string) {
	t.Helper()
	if got := r.header.Get("Location"); r.status != http.StatusFound || got != to {
		t.Errorf("answer %d to %q, want 302 to %q", r.status, got, to)
	}
	r.safe(t)
}

// dialectSettings are settings of an app of this dialect alone.
func dialectSettings(own obj) hecate.Settings {
	return hecate.Settings{Dialects: map[string]map[string]any{extraName: own}}
}
