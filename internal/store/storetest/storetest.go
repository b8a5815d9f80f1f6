// Package storetest gives tests of other rooms a real store: fresh, migrated, on both engines.
package storetest

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"hecate/internal/store"
	"hecate/internal/store/pgtest"
)

// Engines are the names that Config takes, in the order Each runs them.
var Engines = []string{"sqlite", "postgres"}

// Each runs fn as one subtest on SQLite and one on PostgreSQL, each on a fresh, empty store.
func Each(t *testing.T, fn func(t *testing.T, db *store.DB)) {
	t.Helper()
	for _, engine := range Engines {
		t.Run(engine, func(t *testing.T) {
			fn(t, Open(t, Config(t, engine)))
		})
	}
}

// Open opens a store that is closed when the test ends.
func Open(t testing.TB, c store.Config) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	return db
}

// Config names a fresh store, already migrated, on "sqlite" or "postgres". Opened twice on postgres it is
// one database with two nodes.
func Config(t testing.TB, engine string) store.Config {
	t.Helper()
	c := store.Config{Log: slog.New(slog.DiscardHandler)}
	if engine == "postgres" {
		c.URL = pgtest.From(t, "hecate_template_"+pgtest.Digest(store.Migrations()), func(address string) error {
			return prepare(store.Config{URL: address, Log: c.Log})
		})
		return c
	}
	c.Dir = t.TempDir()
	raw, err := emptyLite()
	if err != nil {
		t.Fatalf("prepare an empty store: %v", err)
	}
	if err := os.WriteFile(filepath.Join(c.Dir, "hecate.db"), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

func prepare(c store.Config) error {
	db, err := store.Open(context.Background(), c)
	if err != nil {
		return err
	}
	return db.Close()
}

// emptyLite is the file of a migrated store, made once in a process and then copied.
var emptyLite = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "hecate-empty-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := prepare(store.Config{Dir: dir, Log: slog.New(slog.DiscardHandler)}); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, "hecate.db"))
})
