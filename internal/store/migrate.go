package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"testing/fstest"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// versionText asks how far the schema is. It runs on the pool, before goose is
// set up at all: opening a database that is up to date costs this one row.
const versionText = `select coalesce(max(version_id), 0) from goose_db_version`

// Migrations are the embedded migrations as they were written, for tests that cache what they make.
func Migrations() fs.FS {
	sub, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return migrationFiles // cannot be: the name is a constant
	}
	return sub
}

// words are the few places where the migrations of the two engines differ. Text has the
// collation "C" on PostgreSQL, so that both engines compare, order and fold
// case alike, whatever the locale of the database is.
var words = map[goose.Dialect]map[string]string{
	goose.DialectSQLite3:  {"{{json}}": "text", "{{text}}": "text", "{{bytes}}": "blob"},
	goose.DialectPostgres: {"{{json}}": "jsonb", "{{text}}": `text collate "C"`, "{{bytes}}": "bytea"},
}

// render returns the migrations in the words of one dialect, for goose to read.
func render(files fs.FS, dialect goose.Dialect) (fs.FS, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, err
	}
	out := fstest.MapFS{}
	for _, name := range names {
		raw, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		text := string(raw)
		for word, with := range words[dialect] {
			text = strings.ReplaceAll(text, word, with)
		}
		if at := strings.Index(text, "{{"); at >= 0 {
			return nil, fmt.Errorf("migration %s: unknown word %.20q", name, text[at:])
		}
		out[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o444}
	}
	return out, nil
}

// latest is the version the migrations lead to: the number their last file begins with.
func latest(files fs.FS) (int64, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return 0, err
	}
	var last int64
	for _, name := range names {
		number, _, _ := strings.Cut(name, "_")
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("migration %s does not begin with its number", name)
		}
		last = max(last, n)
	}
	return last, nil
}

// current reports whether a schema of version have needs nothing to reach want.
func current(have, want int64) (bool, error) {
	if have > want {
		return false, fmt.Errorf("it was written by a newer Hecate (its schema is version %d, this program knows %d): run that one, or restore a backup", have, want)
	}
	return have == want, nil
}

// migrate applies the migrations that db lacks, each in a transaction of its own.
func migrate(ctx context.Context, db *sql.DB, files fs.FS, dialect goose.Dialect) error {
	rendered, err := render(files, dialect)
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(dialect, db, rendered, goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	_, err = p.Up(ctx)
	var partial *goose.PartialError
	if errors.As(err, &partial) && partial.Failed != nil {
		return fmt.Errorf("migration %s: %w", partial.Failed.Source.Path, partial.Err)
	}
	if err != nil {
		return fmt.Errorf("bring the schema up to date: %w", err)
	}
	return nil
}
