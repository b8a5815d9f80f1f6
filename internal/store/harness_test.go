package store

import (
	"context"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/fstest"

	"hecate/internal/store/pgtest"
)

// each runs fn on both engines, on a fresh store with the real schema. Tests
// inside this package use it; tests of other rooms use storetest.Each.
func each(t *testing.T, fn func(t *testing.T, db *DB)) {
	t.Helper()
	eachWith(t, nil, fn)
}

// eachWith is each with a schema of the test's own: the text of one migration.
func eachWith(t *testing.T, schema fs.FS, fn func(t *testing.T, db *DB)) {
	t.Helper()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			fn(t, openTest(t, testConfig(t, engine, schema)))
		})
	}
}

// testConfig names a fresh database: with the real schema already there, or empty for another one.
func testConfig(t testing.TB, engine string, schema fs.FS) Config {
	t.Helper()
	c := Config{Log: slog.New(slog.DiscardHandler), migrations: schema}
	switch {
	case engine == "postgres" && schema != nil:
		c.URL = pgtest.Fresh(t)
	case engine == "postgres":
		c.URL = pgtest.From(t, "hecate_store_"+pgtest.Digest(Migrations()), func(address string) error {
			return migrated(Config{URL: address, Log: c.Log})
		})
	case schema != nil:
		c.Dir = t.TempDir()
	default:
		c.Dir = t.TempDir()
		raw, err := emptyLite()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(c.Dir, liteName), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func openTest(t testing.TB, c Config) *DB {
	t.Helper()
	db, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return db
}

func migrated(c Config) error {
	db, err := Open(context.Background(), c)
	if err != nil {
		return err
	}
	return db.Close()
}

var emptyLite = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "hecate-empty-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := migrated(Config{Dir: dir, Log: slog.New(slog.DiscardHandler)}); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, liteName))
})

// schemaOf makes one migration of text.
func schemaOf(text string) fs.FS {
	return fstest.MapFS{"00001_test.sql": {Data: []byte("-- +goose Up\n" + text)}}
}
