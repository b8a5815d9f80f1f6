package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"hecate"
	"hecate/internal/store/pgtest"
)

func TestOpen(t *testing.T) {
	more := fstest.MapFS{
		"00001_test.sql": ledger.(fstest.MapFS)["00001_test.sql"],
		"00002_more.sql": {Data: []byte("-- +goose Up\nalter table entries add column note {{text}};\n")},
	}
	bad := fstest.MapFS{
		"00001_test.sql": more["00001_test.sql"],
		"00002_bad.sql":  {Data: []byte("-- +goose Up\ncreate table half (x bigint);\nalter table nowhere add column y bigint;\n")},
	}
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			reopen := func(t *testing.T, c Config, fn func(db *DB)) {
				t.Helper()
				db, err := Open(t.Context(), c)
				if err != nil {
					t.Fatal(err)
				}
				fn(db)
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
			}
			t.Run("applies what is missing and keeps what is there", func(t *testing.T) {
				c := testConfig(t, engine, ledger)
				reopen(t, c, func(db *DB) { write(t, db, addEntry, "x", 1) })
				c.migrations = more
				reopen(t, c, func(db *DB) {
					write(t, db, `update entries set note = 'kept' where app_id = 'a'`)
				})
				reopen(t, c, func(db *DB) {
					if got := entries(t, db); len(got) != 1 {
						t.Fatal(got)
					}
				})
			})
			t.Run("refuses a schema newer than the program", func(t *testing.T) {
				c := testConfig(t, engine, more)
				reopen(t, c, func(*DB) {})
				c.migrations = ledger
				if _, err := Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), "newer Hecate") {
					t.Fatal(err)
				}
			})
			t.Run("leaves nothing of a migration that fails", func(t *testing.T) {
				c := testConfig(t, engine, ledger)
				reopen(t, c, func(*DB) {})
				c.migrations = bad
				if _, err := Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), "00002_bad.sql") {
					t.Fatal(err)
				}
				c.migrations = ledger
				reopen(t, c, func(db *DB) {
					if _, err := one(t.Context(), db, scalar[int], `select count(*) from half`); err == nil {
						t.Fatal("the first statement stayed")
					}
				})
			})
			t.Run("refuses a word it does not know", func(t *testing.T) {
				c := testConfig(t, engine, schemaOf(`create table x (y {{jason}});`))
				if _, err := Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), "{{jason}}") {
					t.Fatal(err)
				}
			})
			t.Run("the real schema, from nothing", func(t *testing.T) {
				reopen(t, testConfig(t, engine, Migrations()), func(*DB) {})
			})
		})
	}
}

func TestTwoNodesMayStartTogether(t *testing.T) {
	c := testConfig(t, "postgres", ledger)
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			db, err := Open(t.Context(), c)
			if err != nil {
				t.Error(err)
				return
			}
			db.Close()
		})
	}
	all.Wait()
}

func TestSQLiteFiles(t *testing.T) {
	t.Run("any directory name will do", func(t *testing.T) {
		c := testConfig(t, "sqlite", ledger)
		c.Dir = filepath.Join(c.Dir, "a b?c#d%41&é", "deeper")
		openTest(t, c)
		if _, err := os.Stat(filepath.Join(c.Dir, liteName)); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("a directory in use is refused, and free again after Close", func(t *testing.T) {
		c := testConfig(t, "sqlite", ledger)
		db := openTest(t, c)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := Open(ctx, c); err == nil || !strings.Contains(err.Error(), "in use") {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		openTest(t, c)
	})
	t.Run("a file that is no database is refused", func(t *testing.T) {
		c := testConfig(t, "sqlite", ledger)
		if err := os.WriteFile(filepath.Join(c.Dir, liteName), []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), "not a database") {
			t.Fatal(err)
		}
	})
	t.Run("it is durable by the settings that say so", func(t *testing.T) {
		db := openTest(t, testConfig(t, "sqlite", ledger))
		err := db.Write(t.Context(), func(tx *DB) error {
			for text, want := range map[string]string{
				`pragma journal_mode`: "wal", `pragma synchronous`: "2", `pragma foreign_keys`: "1", `pragma wal_autocheckpoint`: "0",
			} {
				if got, err := one(t.Context(), tx, scalar[looseText], text); string(got) != want || err != nil {
					t.Error(text, got, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	t.Run("the log is copied back while it is written", func(t *testing.T) {
		db := openTest(t, testConfig(t, "sqlite", ledger))
		eng := db.eng.(*lite)
		big := strings.Repeat("x", 1<<20)
		main := func() int64 {
			info, err := os.Stat(eng.path)
			if err != nil {
				t.Fatal(err)
			}
			return info.Size()
		}
		for i := 0; main() < 4<<20; i++ {
			if i > 200 {
				t.Fatal("no checkpoint")
			}
			write(t, db, addEntry, big+string(rune('a'+i)), i)
			time.Sleep(5 * time.Millisecond)
		}
	})
}

// looseText takes numbers too.
type looseText string

func TestPostgresThatCannotBeReachedIsSaidPlainly(t *testing.T) {
	_, err := Open(t.Context(), Config{URL: "postgres://someone:hush@127.0.0.1:1/nothing"})
	if err == nil || !strings.Contains(err.Error(), "127.0.0.1") || strings.Contains(err.Error(), "hush") {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Config{URL: "postgres://someone:hush@[::1/nothing"}); err == nil || strings.Contains(err.Error(), "hush") {
		t.Fatal(err)
	}
}

func TestPostgresKeepsNoNUL(t *testing.T) {
	db := openTest(t, Config{URL: pgtest.Fresh(t), migrations: ledger})
	if err := tryWrite(t, db, addEntry, "a\x00b", 1); !errors.Is(err, hecate.Invalid) {
		t.Fatal(err)
	}
}
