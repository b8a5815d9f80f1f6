// Package enginetest gives tests of the dialects a real engine: on a fresh store, with files on disk, a clock that they move
// and a log in which no error may stand.
package enginetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"hecate/internal/blob"
	"hecate/internal/engine"
	"hecate/internal/mail"
	"hecate/internal/secret"
	"hecate/internal/store/storetest"
)

// House is a running engine and what it stands on.
type House struct {
	Engine *engine.Engine
	Clock  *Clock
	Log    *Log   // warnings and errors
	Files  string // the directory that holds the bytes of files
}

// Logger writes into the house's log, for whoever is built on the engine.
func (h *House) Logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(h.Log, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// New starts an engine on a fresh store of one of storetest.Engines. Letters go to post; change, when not nil, adjusts the
// rest of what the engine stands on. It ends with the test, which fails when the log then holds an error.
func New(t testing.TB, database string, post mail.Sender, change func(*engine.Config)) *House {
	t.Helper()
	h := &House{Clock: &Clock{}, Log: &Log{}, Files: t.TempDir()}
	t.Cleanup(func() {
		if text := h.Log.String(); strings.Contains(text, "level=ERROR") {
			t.Errorf("the log holds errors:\n%s", text)
		}
	})
	stored := storetest.Config(t, database)
	stored.Now = h.Clock.Now
	db := storetest.Open(t, stored)
	keys := secret.NewKeys([32]byte{1, 2, 3})
	// The cheapest hash: what it costs is tested where it is made.
	hasher := secret.NewHasher(secret.Config{Keys: keys, Rand: rand.Reader, Cost: secret.Cost{Memory: 8, Time: 1, Threads: 1}})
	t.Cleanup(hasher.Close)
	blobs, err := blob.OpenDir(h.Files)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = blobs.Close() })
	config := engine.Config{
		DB: db, Keys: keys, Hasher: hasher, Blobs: blobs, Mail: post, Now: h.Clock.Now, Rand: rand.Reader, Log: h.Logger(),
	}
	if change != nil {
		change(&config)
	}
	h.Engine = engine.New(config)
	h.run(t)
	return h
}

// run lets the engine do its work in the background until the test ends.
func (h *House) run(t testing.TB) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := h.Engine.Run(ctx); err != nil && ctx.Err() == nil {
			t.Errorf("run the engine: %v", err)
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
}

// Clock is real time, moved.
type Clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

// Now is the moved time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

// Advance moves it.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// Log keeps what is logged.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String is everything so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
