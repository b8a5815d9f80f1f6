// Package store knows how everything in the words of package hecate is kept:
// one DB, on SQLite inside the process or on PostgreSQL, with one text per query.
//
// It must never know clear passwords, policy decisions or HTTP.
//
// # How to write a query here
//
// A query is a constant beside its scan function and runs through one, many or
// db.exec, which work on the pool, or on the transaction when db is one. What
// keeps one text working on both engines:
//
//   - Binds are $1, $2 …; each may be used many times and in any order. Where a bind
//     is all PostgreSQL has to find a type (`$3 is null`, `select $1`), write
//     cast($3 as text). Lists go through binds.list.
//   - Times are bigint microseconds since the epoch, UTC: a time.Time may be bound
//     as it is (the zero time becomes null), and fromMicros reads it back.
//   - Booleans are `boolean` columns: `where active`, `not active` and `active = true`
//     work on both.
//   - JSON is bound as string or json.RawMessage, never as []byte, which is a blob.
//   - Text columns are declared {{text}}, so both engines compare and order by bytes.
//     Nulls sort differently: always say nulls first or nulls last.
//   - Inside Write any failed statement fails the whole Write, as PostgreSQL has
//     it: do not go on after hecate.Exists, say `on conflict` instead.
//   - Inside Write PostgreSQL runs at read committed. Decide by what a statement
//     returns (update … returning, insert … on conflict), or take db.lock first.
package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"hecate"
)

// Config says which database to open.
type Config struct {
	Dir     string           // where the SQLite file hecate.db is kept; created when missing
	URL     string           // postgres://…; empty means SQLite in Dir
	Now     func() time.Time // the clock; time.Now when nil
	Log     *slog.Logger     // where background work reports; slog.Default() when nil
	Readers int              // connections that read (SQLite), or all connections (PostgreSQL); 0 means 2 per core, at least 4, or 16

	migrations fs.FS // tests only: instead of the embedded ones
}

// DB is the store, or one transaction on it: inside Write the function is
// handed a DB that stands for the transaction. It is safe for concurrent use,
// a transaction is not.
type DB struct {
	eng   engine
	now   func() time.Time
	log   *slog.Logger
	found *found
	tx    *tx // nil outside Write
}

// runner runs statements: the pool of an engine or one transaction.
type runner interface {
	query(ctx context.Context, text string, args []any) (source, error)
	exec(ctx context.Context, text string, args []any) (int64, error)
}

// engine is what differs between the two databases.
type engine interface {
	runner
	write(ctx context.Context, fn func(*tx) error) error
	ping(ctx context.Context) error
	close() error
	single() bool
	// state is a number that is another one after every commit that may change what searches of an app find; exact is
	// false where others may write too.
	state(app string) (number uint64, exact bool)
	tend(ctx context.Context) error
	field(path []string, typ fieldType) string
	lock(ctx context.Context, t *tx, key string) error
	notify(ctx context.Context, t *tx, payload string) error
	listen(ctx context.Context, onMessage func(string), onGap func(bool)) error
}

// tx is one Write under way.
type tx struct {
	runner
	afters []func()
	failed error // the first statement that failed; nothing runs after it
}

// Open opens the database that c names and brings its schema up to date.
// The caller must Close it.
func Open(ctx context.Context, c Config) (*DB, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.migrations == nil {
		c.migrations = Migrations()
	}
	open := openLite
	if c.URL != "" {
		open = openPostgres
	}
	eng, err := open(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	return &DB{eng: eng, now: c.Now, log: c.Log, found: newFound()}, nil
}

// Close waits for the writes under way, then closes everything. Calls made
// after Close fail.
func (db *DB) Close() error { return db.eng.close() }

// Ping reports whether the database answers.
func (db *DB) Ping(ctx context.Context) error {
	if err := db.eng.ping(ctx); err != nil {
		return fmt.Errorf("ping database: %w", err)
	}
	return nil
}

// Single reports whether this process is the only one that can write to the
// database (SQLite, whose directory is locked), so that a cache kept up to date
// by the writes of this process is exact.
func (db *DB) Single() bool { return db.eng.single() }

// Write runs fn in one transaction and returns once it is durable. When fn fails
// or panics, or any of its statements failed, nothing of it stays and Write
// returns that error. fn sees its own writes; it may run more than once
// (PostgreSQL retries conflicts, SQLite what shared a commit with a write that
// failed), so it must set, not add to, what it shares with its caller. It must be quick and must use only the DB it is handed: on SQLite all writes
// wait for it, and a Write on another handle inside it would wait for itself.
// Called on a transaction, fn simply joins it.
//
// A ctx that ends before the turn of fn comes skips it. Kinds: those of fn;
// TooMany when conflicts persist or the database stays busy.
func (db *DB) Write(ctx context.Context, fn func(tx *DB) error) error {
	if db.tx != nil {
		return fn(db)
	}
	err := db.eng.write(ctx, func(t *tx) error {
		return guard(func() error {
			return fn(&DB{eng: db.eng, now: db.now, log: db.log, tx: t})
		})
	})
	return classify(err)
}

// guard turns a panic of fn into an error, so that one bad write cannot take the
// writer, and with it every other caller, down.
func guard(fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in a write: %v", p)
		}
	}()
	return fn()
}

// finish is called when fn of a Write has returned err: a failed statement fails the
// write even when fn went on as if nothing had happened.
func (t *tx) finish(err error) error {
	if err == nil {
		return t.failed
	}
	return err
}

// after has fn run once the transaction is durable, before Write returns, and not at all when it is
// rolled back. On SQLite such functions run in commit order, one at a time, on
// the writer: they must be quick and must not touch the database. Outside a Write fn runs at once.
func (db *DB) after(fn func()) {
	if db.tx == nil {
		fn()
		return
	}
	db.tx.afters = append(db.tx.afters, fn)
}

// runAfters runs what was given to after, in order; a panic in one is logged and
// keeps none of the others from running.
func runAfters(log *slog.Logger, afters []func()) {
	for _, fn := range afters {
		if err := guard(func() error { fn(); return nil }); err != nil {
			log.Error("after a write", "err", err)
		}
	}
}

// lock makes every other Write that locks key, on any node, wait until this one
// ends: for rules that read before they write. On SQLite there is one writer anyway.
func (db *DB) lock(ctx context.Context, key string) error {
	if db.tx == nil {
		return errors.New("store: lock outside Write")
	}
	return db.eng.lock(ctx, db.tx, key)
}

// notify tells every node that listens, this one too, about payload (under
// 8,000 bytes) when the transaction commits. It does nothing on SQLite.
func (db *DB) notify(ctx context.Context, payload string) error {
	if db.tx == nil {
		return errors.New("store: notify outside Write")
	}
	return db.eng.notify(ctx, db.tx, payload)
}

// Listen calls onMessage for every payload that any node notified, until ctx
// ends. onGap(false) says that messages may be lost from now on, since the
// connection broke or does not answer; onGap(true) that all is heard again (it is also the first
// call): the caller drops what it cached in between, and caches nothing it cannot
// check while it is not connected. Both are called from one goroutine.
// On SQLite, which has no other nodes, Listen returns nil at once.
func (db *DB) Listen(ctx context.Context, onMessage func(payload string), onGap func(connected bool)) error {
	return db.eng.listen(ctx, onMessage, onGap)
}

// runner returns where statements of db run.
func (db *DB) runner() runner {
	if db.tx != nil {
		return db.tx.runner
	}
	return db.eng
}

// usable refuses statements on a transaction that has already failed.
func (db *DB) usable() error {
	if db.tx != nil && db.tx.failed != nil {
		return fmt.Errorf("statement after a failed one: %w", db.tx.failed)
	}
	return nil
}

// fail classifies the error of a statement and remembers it in the transaction.
func (db *DB) fail(err error) error {
	err = classify(err)
	if err != nil && db.tx != nil && db.tx.failed == nil {
		db.tx.failed = err
	}
	return err
}

// query runs a statement that returns rows; the caller closes them.
func (db *DB) query(ctx context.Context, text string, args ...any) (*rows, error) {
	if err := db.usable(); err != nil {
		return nil, err
	}
	if err := plain(args); err != nil {
		return nil, db.fail(err)
	}
	src, err := db.runner().query(ctx, text, args)
	if err != nil {
		return nil, db.fail(err)
	}
	return &rows{db: db, src: src, vals: src.values()}, nil
}

// queryRow runs a statement for its first row. Scan of the result returns
// NotFound when there is none.
func (db *DB) queryRow(ctx context.Context, text string, args ...any) row {
	r, err := db.query(ctx, text, args...)
	return row{rows: r, err: err}
}

// exec runs a statement that returns no rows and returns how many it changed.
func (db *DB) exec(ctx context.Context, text string, args ...any) (int64, error) {
	if err := db.usable(); err != nil {
		return 0, err
	}
	if err := plain(args); err != nil {
		return 0, db.fail(err)
	}
	n, err := db.runner().exec(ctx, text, args)
	return n, db.fail(err)
}

// one returns the first row of a statement; NotFound when there is none.
func one[T any](ctx context.Context, db *DB, scan func(scanner) (T, error), text string, args ...any) (T, error) {
	var none T
	r, err := db.query(ctx, text, args...)
	if err != nil {
		return none, err
	}
	defer r.Close()
	if !r.Next() {
		if err := r.Err(); err != nil {
			return none, err
		}
		return none, hecate.NotFound
	}
	v, err := scan(r)
	if err != nil {
		return none, err
	}
	return v, r.finish()
}

// many returns all rows of a statement, nil when there are none.
func many[T any](ctx context.Context, db *DB, scan func(scanner) (T, error), text string, args ...any) ([]T, error) {
	r, err := db.query(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var out []T
	for r.Next() {
		v, err := scan(r)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, r.finish()
}

// scalar is the scan function of statements with one column.
func scalar[T any](s scanner) (T, error) {
	var v T
	err := s.Scan(&v)
	return v, err
}

// micros is how a time is stored: microseconds since the epoch, null for the zero time.
func micros(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	us := t.UnixMicro()
	return &us
}

// fromMicros is the time that micros stored: the zero time for null.
func fromMicros(us *int64) time.Time {
	if us == nil {
		return time.Time{}
	}
	return time.UnixMicro(*us).UTC()
}
