package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

const (
	codeSerialization = "40001"
	codeDeadlock      = "40P01"
	codeNoTable       = "42P01"

	pgConns    = 16
	pgAttempts = 8 // of one Write that conflicts

	// migrationLock is the advisory lock that lets several nodes start at once.
	migrationLock = 0x6865636174650001
)

// postgres is the engine on PostgreSQL: any number of processes write. pgx
// prepares each text once per connection by itself.
type postgres struct {
	*sql.DB
	config *pgx.ConnConfig
	log    *slog.Logger
	writes sync.RWMutex // held for reading by every Write, so that close can wait for them
}

func openPostgres(ctx context.Context, c Config) (engine, error) {
	config, err := pgx.ParseConfig(c.URL)
	if err != nil {
		return nil, fmt.Errorf("read the PostgreSQL address: %w", err)
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 5 * time.Second
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "hecate"
	}
	conns := c.Readers
	if conns <= 0 {
		conns = pgConns
	}
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	db.SetConnMaxIdleTime(5 * time.Minute)
	p := &postgres{DB: db, config: config, log: c.Log}
	if err := p.upgrade(ctx, c.migrations); err != nil {
		db.Close()
		return nil, fmt.Errorf("PostgreSQL %s/%s: %w", config.Host, config.Database, err)
	}
	return p, nil
}

// upgrade brings the schema up to date, under a lock that other nodes wait for.
func (p *postgres) upgrade(ctx context.Context, files fs.FS) error {
	want, err := latest(files)
	if err != nil {
		return err
	}
	if ok, err := p.current(ctx, want); ok || err != nil {
		return err
	}
	conn, err := p.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, `select pg_advisory_lock($1)`, int64(migrationLock)); err != nil {
		return err
	}
	defer conn.ExecContext(context.WithoutCancel(ctx), `select pg_advisory_unlock($1)`, int64(migrationLock))
	if ok, err := p.current(ctx, want); ok || err != nil {
		return err
	}
	return migrate(ctx, p.DB, files, goose.DialectPostgres)
}

func (p *postgres) current(ctx context.Context, want int64) (bool, error) {
	var have int64
	err := p.QueryRowContext(ctx, versionText).Scan(&have)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == codeNoTable {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return current(have, want)
}

func (p *postgres) single() bool                   { return false }
func (p *postgres) state(string) (uint64, bool)    { return 0, false }
func (p *postgres) ping(ctx context.Context) error { return p.PingContext(ctx) }

func (p *postgres) close() error {
	p.writes.Lock()
	defer p.writes.Unlock()
	return p.DB.Close()
}

func (p *postgres) query(ctx context.Context, text string, args []any) (source, error) {
	return pgQuery(ctx, p.DB, text, args)
}

func (p *postgres) exec(ctx context.Context, text string, args []any) (int64, error) {
	return pgExec(ctx, p.DB, text, args)
}

// write runs fn in a transaction, again when it lost against another one.
func (p *postgres) write(ctx context.Context, fn func(*tx) error) error {
	p.writes.RLock()
	defer p.writes.RUnlock()
	for attempt := 1; ; attempt++ {
		err := p.writeOnce(ctx, fn)
		if attempt == pgAttempts || !conflict(err) {
			return err
		}
		pause := time.Duration(rand.Int64N(int64(5*time.Millisecond) << attempt))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (p *postgres) writeOnce(ctx context.Context, fn func(*tx) error) error {
	native, err := p.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	t := &tx{runner: pgTx{native}}
	if err := t.finish(fn(t)); err != nil {
		if back := native.Rollback(); back != nil && !errors.Is(back, sql.ErrTxDone) {
			p.log.WarnContext(ctx, "roll back", "err", back)
		}
		return err
	}
	if err := native.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	runAfters(p.log, t.afters)
	return nil
}

func conflict(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == codeSerialization || pg.Code == codeDeadlock)
}

func (p *postgres) lock(ctx context.Context, t *tx, key string) error {
	_, err := t.exec(ctx, `select pg_advisory_xact_lock(hashtextextended($1, 0))`, []any{key})
	return classify(err)
}

// pgTx is a transaction as a runner.
type pgTx struct{ *sql.Tx }

func (t pgTx) query(ctx context.Context, text string, args []any) (source, error) {
	return pgQuery(ctx, t.Tx, text, args)
}

func (t pgTx) exec(ctx context.Context, text string, args []any) (int64, error) {
	return pgExec(ctx, t.Tx, text, args)
}

// pgHandle is what *sql.DB and *sql.Tx share.
type pgHandle interface {
	QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error)
}

func pgQuery(ctx context.Context, h pgHandle, text string, args []any) (source, error) {
	native, err := h.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	names, err := native.Columns()
	if err != nil {
		native.Close()
		return nil, err
	}
	s := &pgRows{Rows: native, vals: make([]driver.Value, len(names)), dest: make([]any, len(names))}
	for i := range s.vals {
		s.dest[i] = (*any)(&s.vals[i])
	}
	return s, nil
}

func pgExec(ctx context.Context, h pgHandle, text string, args []any) (int64, error) {
	result, err := h.ExecContext(ctx, text, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// pgRows yields rows as plain values, so that both engines share one way to scan.
type pgRows struct {
	*sql.Rows
	vals []driver.Value
	dest []any
}

func (s *pgRows) values() []driver.Value { return s.vals }
func (s *pgRows) close() error           { return s.Rows.Close() }

func (s *pgRows) next() (bool, error) {
	if !s.Rows.Next() {
		return false, s.Rows.Err()
	}
	return true, s.Rows.Scan(s.dest...)
}

// fieldType is what a record filter compares a field as.
type fieldType uint8

const (
	fieldText fieldType = iota
	fieldNumber
	fieldBoolean
	fieldJSON
)

// field returns the operand of a record filter: the value at path inside the JSON column
// `data`, or SQL null when nothing is there or it is of another type; fieldJSON takes any value.
// Each part of path is the name of a member, whatever bytes it holds: it is quoted here.
// The same path and type give the same text always, so it can be the expression of an index.
func (db *DB) field(path []string, typ fieldType) string { return db.eng.field(path, typ) }

// speakable reports whether the names can occur in stored JSON and in the text of a statement at all.
func speakable(path []string) bool {
	for _, part := range path {
		if !utf8.ValidString(part) || strings.ContainsRune(part, 0) {
			return false
		}
	}
	return len(path) > 0
}

func (p *postgres) field(path []string, typ fieldType) string {
	at := "data"
	if !speakable(path) {
		at = "null::jsonb"
		path = nil
	}
	for _, part := range path {
		at += " -> '" + strings.ReplaceAll(part, "'", "''") + "'::text"
	}
	const text = ") #>> '{}')"
	switch typ {
	case fieldText:
		return `(case jsonb_typeof(` + at + `) when 'string' then ((` + at + text + ` collate "C" end)`
	case fieldNumber:
		return `(case jsonb_typeof(` + at + `) when 'number' then ((` + at + text + `::numeric end)`
	case fieldBoolean:
		return `(case jsonb_typeof(` + at + `) when 'boolean' then ((` + at + text + `::boolean end)`
	}
	return "(" + at + ")"
}
