package syncano

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"hecate/internal/engine"
	"hecate/internal/engine/enginetest"
	"hecate/internal/mail"
	"hecate/internal/store/storetest"
)

// world is the dialect on a real engine and a real store, with the letters that it sends kept.
type world struct {
	*enginetest.House
	t      testing.TB
	engine *engine.Engine
	serve  http.Handler
	mail   *letters
	count  int
}

type letters struct {
	engine *engine.Engine
	mu     sync.Mutex
	sent   []mail.Letter
}

func (l *letters) Send(_ context.Context, letter mail.Letter) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent = append(l.sent, letter)
	return nil
}

// lastTo returns the last letter to an address, and waits for it: letters leave by the outbox.
func (l *letters) lastTo(t testing.TB, address string) mail.Letter {
	t.Helper()
	for range 500 {
		waiting, err := l.engine.WaitingLetters(t.Context(), engine.System())
		if err != nil {
			t.Fatal(err)
		}
		if letter, ok := l.find(address); ok && waiting == 0 {
			return letter
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("no letter to %s", address)
	return mail.Letter{}
}

// find is the letter to an address that was queued last: several may leave at once, and ids are in order.
func (l *letters) find(address string) (last mail.Letter, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, letter := range l.sent {
		if letter.To == address && letter.ID > last.ID {
			last, ok = letter, true
		}
	}
	return last, ok
}

// eachWorld runs fn on both stores.
func eachWorld(t *testing.T, fn func(t *testing.T, w *world)) {
	t.Parallel()
	for _, database := range storetest.Engines {
		t.Run(database, func(t *testing.T) { fn(t, newWorld(t, database, nil)) })
	}
}

// lite is a world on SQLite, for what does not depend on the store.
func lite(t testing.TB) *world { return newWorld(t, "sqlite", nil) }

// newWorld makes a world; change, when not nil, adjusts what it stands on.
func newWorld(t testing.TB, database string, change func(*engine.Config, *Config)) *world {
	t.Helper()
	w := &world{t: t, mail: &letters{}}
	dialect := Config{PublicURL: func() string { return "http://files.test" }}
	w.House = enginetest.New(t, database, w.mail, func(c *engine.Config) {
		c.OpenRegistration = true
		if change != nil {
			change(c, &dialect)
		}
	})
	w.engine, w.mail.engine = w.Engine, w.Engine
	dialect.Engine, dialect.Log = w.engine, w.Logger()
	var err error
	if w.serve, err = Handler(dialect); err != nil {
		t.Fatal(err)
	}
	return w
}

// ask is one request.
type ask struct {
	method, path string
	key, user    string // X-API-KEY, X-USER-KEY
	json         any
	form         url.Values
	body         string // as it is, with its type in header
	header       map[string]string
}

// reply is one answer.
type reply struct {
	status int
	header http.Header
	body   string
}

func (w *world) do(a ask) reply {
	body, contentType := a.body, ""
	switch {
	case a.json != nil:
		raw, err := json.Marshal(a.json)
		if err != nil {
			w.t.Fatal(err)
		}
		body, contentType = string(raw), "application/json"
	case a.form != nil:
		body, contentType = a.form.Encode(), "application/x-www-form-urlencoded"
	}
	r := httptest.NewRequest(a.method, a.path, strings.NewReader(body))
	if body == "" {
		r.Body = http.NoBody
	}
	for name, value := range map[string]string{"Content-Type": contentType, "X-API-KEY": a.key, "X-USER-KEY": a.user} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	for name, value := range a.header {
		r.Header.Set(name, value)
	}
	rec := httptest.NewRecorder()
	w.serve.ServeHTTP(rec, r)
	return reply{rec.Code, rec.Header(), rec.Body.String()}
}

// want is do, and demands a status.
func (w *world) want(t testing.TB, status int, a ask) reply {
	t.Helper()
	got := w.do(a)
	if got.status != status {
		t.Fatalf("%s %s: status %d, want %d: %s", a.method, a.path, got.status, status, got.body)
	}
	return got
}

// refuses is want with the exact body.
func (w *world) refuses(t testing.TB, status int, body string, a ask) {
	t.Helper()
	got := w.do(a)
	if got.status != status || got.body != body {
		t.Errorf("%s %s:\n got %d %s\nwant %d %s", a.method, a.path, got.status, got.body, status, body)
	}
}

// object is the answer's JSON object.
func (r reply) object(t testing.TB) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(r.body), &v); err != nil {
		t.Fatalf("not an object: %v: %s", err, r.body)
	}
	return v
}

// list is the objects of the answer's envelope.
func (r reply) list(t testing.TB) []map[string]any {
	t.Helper()
	var v struct{ Objects []map[string]any }
	if err := json.Unmarshal([]byte(r.body), &v); err != nil || v.Objects == nil {
		t.Fatalf("not a list: %v: %s", err, r.body)
	}
	return v.Objects
}

func (r reply) text(t testing.TB, name string) string {
	t.Helper()
	s, _ := r.object(t)[name].(string)
	return s
}

func (r reply) id(t testing.TB) int {
	t.Helper()
	n, ok := r.object(t)["id"].(float64)
	if !ok {
		t.Fatalf("no id: %s", r.body)
	}
	return int(n)
}

// unique makes names that no other call of the world has made.
func (w *world) unique(prefix string) string {
	w.count++
	return fmt.Sprintf("%s%d", prefix, w.count)
}

// register makes an account and returns its address and key.
func (w *world) register(t testing.TB) (email, key string) {
	t.Helper()
	email = w.unique("admin") + "@example.com"
	got := w.want(t, 201, ask{method: "POST", path: "/v1.1/account/register/", json: obj{"email": email, "password": "pass word"}})
	return email, got.text(t, "account_key")
}

// instance makes one and returns its base path.
func (w *world) instance(t testing.TB, key string) string {
	t.Helper()
	name := w.unique("instance")
	w.want(t, 201, ask{method: "POST", path: "/v1.1/instances/", key: key, json: obj{"name": name}})
	return "/v1.1/instances/" + name + "/"
}

// apiKey makes one with these flags.
func (w *world) apiKey(t testing.TB, base, key string, flags ...string) string {
	t.Helper()
	body := obj{}
	for _, f := range flags {
		body[f] = true
	}
	return w.want(t, 201, ask{method: "POST", path: base + "api_keys/", key: key, json: body}).text(t, "api_key")
}

// user makes one and returns its id and key.
func (w *world) user(t testing.TB, base, key string) (id int, userKey string) {
	t.Helper()
	got := w.want(t, 201, ask{method: "POST", path: base + "users/", key: key, json: obj{"username": w.unique("user"), "password": "secret"}})
	return got.id(t), got.text(t, "user_key")
}

// group makes one and returns its id.
func (w *world) newGroup(t testing.TB, base, key string) int {
	t.Helper()
	return w.want(t, 201, ask{method: "POST", path: base + "groups/", key: key, json: obj{"label": "Lambda"}}).id(t)
}

// member invites a fresh account with a role and returns its id there and its key.
func (w *world) member(t testing.TB, base, key, role string) (id int, accountKey string) {
	t.Helper()
	email, accountKey := w.register(t)
	invitation := w.want(t, 201, ask{method: "POST", path: base + "invitations/", key: key, json: obj{"email": email, "role": role}})
	w.want(t, 204, ask{method: "POST", path: "/v1.1/account/invitations/accept/", key: accountKey,
		json: obj{"invitation_key": invitation.text(t, "key")}})
	return w.want(t, 200, ask{method: "GET", path: "/v1.1/account/", key: accountKey}).id(t), accountKey
}

type obj = map[string]any

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }
