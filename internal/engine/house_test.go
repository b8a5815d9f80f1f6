package engine

import (
	"context"
	"crypto/rand"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"hecate"
	"hecate/internal/blob"
	"hecate/internal/mail"
	"hecate/internal/secret"
	"hecate/internal/store"
	"hecate/internal/store/storetest"
)

// house is an engine on a real store, with a clock that the test moves and a letter box.
type house struct {
	*Engine
	t      testing.TB
	clock  *fakeClock
	box    *letterBox
	config Config
	dir    string // of the database, on SQLite
}

type fakeClock struct {
	mu sync.Mutex
	at time.Time
}

func (c *fakeClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *fakeClock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

type letterBox struct {
	mu      sync.Mutex
	letters []mail.Letter
}

func (b *letterBox) Send(_ context.Context, l mail.Letter) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.letters = append(b.letters, l)
	return nil
}

// carry sends what is in the outbox now.
func (h *house) carry() {
	h.t.Helper()
	for {
		rows := must[[]store.Sealed[*hecate.Letter]](h.t)(h.claim(ctx, 1000))
		if len(rows) == 0 {
			return
		}
		for _, row := range rows {
			h.deliver(ctx, row)
		}
	}
}

// last returns the newest letter.
func (h *house) last() mail.Letter {
	h.t.Helper()
	h.carry()
	h.box.mu.Lock()
	defer h.box.mu.Unlock()
	if len(h.box.letters) == 0 {
		h.t.Fatal("no letter was sent")
	}
	return h.box.letters[len(h.box.letters)-1]
}

func (h *house) letters() int {
	h.carry()
	h.box.mu.Lock()
	defer h.box.mu.Unlock()
	return len(h.box.letters)
}

var testKeys = secret.NewKeys([32]byte{1, 2, 3})

// inHouse runs fn in a house on each database.
func inHouse(t *testing.T, fn func(t *testing.T, h *house)) {
	t.Helper()
	for _, name := range storetest.Engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fn(t, newHouse(t, name, Config{OpenRegistration: true}))
		})
	}
}

func newHouse(t testing.TB, database string, c Config) *house {
	t.Helper()
	h := &house{t: t, clock: &fakeClock{at: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}, box: &letterBox{}}
	sc := storetest.Config(t, database)
	sc.Now = h.clock.now
	blobs, err := blob.OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { blobs.Close() })
	hasher := secret.NewHasher(secret.Config{Keys: testKeys, Cost: secret.Cost{Memory: 8, Time: 1, Threads: 1}})
	t.Cleanup(hasher.Close)
	c.DB, c.Keys, c.Hasher, c.Blobs, c.Mail = storetest.Open(t, sc), testKeys, hasher, blobs, h.box
	c.Now, c.Rand, c.Log = h.clock.now, rand.Reader, slog.New(slog.DiscardHandler)
	h.config, h.Engine, h.dir = c, New(c), sc.Dir
	return h
}

func clear(text string) hecate.Secret { return hecate.NewSecret(text) }

// must returns v of a call that has to work.
func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func works(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fails checks the kind of an error and, unless it is "", its field.
func fails(t testing.TB, err error, kind hecate.Kind, field string) {
	t.Helper()
	if hecate.KindOf(err) != kind || err == nil {
		t.Fatalf("err = %v, want %v", err, kind)
	}
	if d := hecate.Detail(err); field != "" && d.Field != field {
		t.Fatalf("err = %v on %q, want it on %q", err, d.Field, field)
	}
}

// failed is fails for calls that also return something.
func failed[T any](t *testing.T, kind hecate.Kind, field string) func(T, error) {
	return func(_ T, err error) {
		t.Helper()
		fails(t, err, kind, field)
	}
}

var ctx = context.Background()

// admin makes an admin account and returns its actor outside apps.
func (h *house) admin(email string) (*hecate.Actor, *AdminDetail) {
	h.t.Helper()
	d := must[*AdminDetail](h.t)(h.RegisterAdmin(ctx, nil, RegisterAdminInput{Email: email, Password: clear("adminpass")}))
	return must[*hecate.Actor](h.t)(h.AuthenticateAdmin(ctx, hecate.Proof{Key: d.Key})), d
}

// app makes an app of a new admin and returns the admin's actor in it.
func (h *house) app(alias string) (*hecate.App, *hecate.Actor) {
	h.t.Helper()
	owner, d := h.admin(alias + "@example.com")
	app := must[*AppDetail](h.t)(h.CreateApp(ctx, owner, CreateAppInput{Name: alias})).App
	return app, h.enter(app, hecate.Proof{Key: d.Key})
}

// enter authenticates in an app.
func (h *house) enter(app *hecate.App, p hecate.Proof) *hecate.Actor {
	h.t.Helper()
	app = must[*hecate.App](h.t)(h.AppByID(ctx, app.ID))
	return must[*hecate.Actor](h.t)(h.Authenticate(ctx, app, p))
}

// key makes an API key with those flags.
func (h *house) key(owner *hecate.Actor, flags hecate.KeyFlags) hecate.Secret {
	h.t.Helper()
	return must[*hecate.APIKey](h.t)(h.CreateKey(ctx, owner, KeyInput{Flags: flags})).Key
}

// user signs a user up and returns it.
func (h *house) user(owner *hecate.Actor, name string) *UserDetail {
	h.t.Helper()
	return must[*UserDetail](h.t)(h.CreateUser(ctx, owner, CreateUserInput{Username: name, Password: clear("password of " + name)}))
}

// as is a user with an API key.
func (h *house) as(app *hecate.App, key hecate.Secret, d *UserDetail) *hecate.Actor {
	h.t.Helper()
	return h.enter(app, hecate.Proof{Key: key, Token: d.Token})
}

// events counts the newest events of an app with that verb.
func (h *house) events(app hecate.AppID, verb string) int {
	h.t.Helper()
	n := 0
	for _, ev := range must[[]hecate.Event](h.t)(h.db.Events(ctx, app, 1000)) {
		if ev.Verb == verb {
			n++
		}
	}
	return n
}

func isHexKey(s hecate.Secret, odd bool) bool {
	text := s.Reveal()
	if len(text) != keyDigits || foldKey(text) != text {
		return false
	}
	n, err := strconv.ParseUint(text[keyDigits-1:], 16, 8)
	return err == nil && (n%2 == 1) == odd
}

// deadToken checks that a token does not count in an app.
func (h *house) deadToken(app *hecate.App, key, token hecate.Secret) {
	h.t.Helper()
	a, err := h.Authenticate(ctx, must[*hecate.App](h.t)(h.AppByID(ctx, app.ID)), hecate.Proof{Key: key, Token: token})
	fails(h.t, err, hecate.BadToken, "")
	if a == nil || a.User != nil || a.Key == nil {
		h.t.Fatalf("actor = %+v", a)
	}
}

func ptr[T any](v T) *T { return &v }

func sameSecret(a, b hecate.Secret) bool { return a.Reveal() == b.Reveal() }
