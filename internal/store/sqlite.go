package store

import (
	lru "container/list"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
)

const (
	liteName      = "hecate.db"
	liteStmts     = 256 // prepared statements kept by one connection
	liteLockWait  = 5 * time.Second
	closeWait     = 5 * time.Second // for readers that are still in use
	checkpointAt  = 4 << 20         // bytes of write-ahead log that are worth copying back
	restartAt     = 16 << 20        // bytes at which the writer helps, so that the log can start over
	checkpointGap = 200 * time.Millisecond

	litePragmas = `pragma busy_timeout = 5000; pragma foreign_keys = on; pragma temp_store = memory; pragma cache_size = -8000;`
	writePragma = litePragmas + ` pragma journal_mode = wal; pragma synchronous = full; pragma wal_autocheckpoint = 0; pragma journal_size_limit = 4194304;`
	readPragmas = litePragmas + ` pragma query_only = on;`
)

// lite is the engine on SQLite: a pool of connections that only read, one that
// writes and belongs to the writer goroutine, and one that copies the write-ahead log
// back. They talk to the driver itself: database/sql would cost as much again as a point read.
type lite struct {
	dsn  string
	path string
	log  *slog.Logger
	held *dirLock

	slots chan struct{} // one for each reader that may be in use
	mu    sync.Mutex
	idle  []*liteConn // readers, the one used last on top

	writer  *liteConn
	jobs    chan *job
	closing sync.RWMutex // held for reading while a job is handed in
	closed  bool
	over    chan struct{} // closed by close
	finish  atomic.Bool   // asks the writer to finish a checkpoint
	written chan struct{} // tells the checkpointer that the log has grown
	states  states
	careful int // for so many transactions more every job has a savepoint; the writer's own
	stopped sync.WaitGroup
}

func openLite(ctx context.Context, c Config) (engine, error) {
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	lock, err := lockDir(ctx, dir)
	if err != nil {
		return nil, err
	}
	readers := c.Readers
	if readers <= 0 {
		readers = max(4, 2*runtime.NumCPU())
	}
	l := &lite{
		path: filepath.Join(dir, liteName), log: c.Log, held: lock,
		slots: make(chan struct{}, readers), jobs: make(chan *job, batchMax), written: make(chan struct{}, 1), over: make(chan struct{}),
		states: states{seed: maphash.MakeSeed()},
	}
	// As a URI, with every byte that means something there escaped.
	l.dsn = (&url.URL{Scheme: "file", Path: filepath.ToSlash(l.path)}).String()
	if err := l.start(ctx, c.migrations); err != nil {
		l.writer.close()
		lock.release()
		return nil, fmt.Errorf("%s: %w", l.path, err)
	}
	return l, nil
}

// makePrivate makes the database file, when it is missing, for the server's account alone; the log beside it takes
// its permissions from it.
func makePrivate(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func (l *lite) start(ctx context.Context, files fs.FS) (err error) {
	if err := makePrivate(l.path); err != nil {
		return err
	}
	if l.writer, err = dial(l.dsn, writePragma); err != nil {
		return err
	}
	if err := l.upgrade(ctx, files); err != nil {
		return err
	}
	l.stopped.Add(2)
	go l.writeLoop()
	go l.checkpointLoop()
	return nil
}

// upgrade brings the schema up to date. Nobody else is there: the directory is locked.
func (l *lite) upgrade(ctx context.Context, files fs.FS) error {
	want, err := latest(files)
	if err != nil {
		return err
	}
	have, err := l.version(ctx)
	if err != nil {
		return err
	}
	if ok, err := current(have, want); ok || err != nil {
		return err
	}
	db, err := sql.Open("sqlite", l.dsn+"?_pragma=foreign_keys(1)&_pragma=busy_timeout(5000)")
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	return migrate(ctx, db, files, goose.DialectSQLite3)
}

func (l *lite) version(ctx context.Context) (int64, error) {
	n, err := l.writer.int(ctx, `select count(*) from sqlite_schema where name = 'goose_db_version'`)
	if n == 0 || err != nil {
		return 0, err
	}
	return l.writer.int(ctx, versionText)
}

func (l *lite) single() bool { return true }

// tend has nothing to do: SQLite chooses by the indexes alone, and the statements are written for that.
func (l *lite) tend(context.Context) error { return nil }

func (l *lite) state(app string) (uint64, bool) { return l.states.of(app), true }

func (l *lite) ping(ctx context.Context) error {
	src, err := l.query(ctx, `select 1`, nil)
	if err != nil {
		return err
	}
	return src.close()
}

// close lets the writes handed in so far finish, empties the write-ahead log and closes everything.
func (l *lite) close() error {
	l.closing.Lock()
	already := l.closed
	l.closed = true
	l.closing.Unlock()
	if already {
		return nil
	}
	close(l.over)
	close(l.jobs)
	l.stopped.Wait()
	errs := []error{l.closeReaders()}
	_, err := l.writer.exec(context.Background(), `pragma wal_checkpoint(truncate)`, nil)
	return errors.Join(append(errs, err, l.writer.close(), l.held.release())...)
}

// closeReaders takes every reader's place, so that nobody gets one any more, and
// closes those that came back in time.
func (l *lite) closeReaders() error {
	var errs []error
	patience := time.After(closeWait)
	for n := range cap(l.slots) {
		select {
		case l.slots <- struct{}{}:
			continue
		case <-patience:
		}
		errs = append(errs, fmt.Errorf("%d readers were still in use", cap(l.slots)-n))
		break
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.idle {
		errs = append(errs, c.close())
	}
	l.idle = nil
	return errors.Join(errs...)
}

var errClosed = errors.New("the database is closed")

// reader takes a reader out of the pool, waiting while all are in use.
func (l *lite) reader(ctx context.Context) (*liteConn, error) {
	select {
	case l.slots <- struct{}{}:
	default:
		select {
		case l.slots <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-l.over:
			return nil, errClosed
		}
	}
	l.mu.Lock()
	if n := len(l.idle); n > 0 {
		c := l.idle[n-1]
		l.idle = l.idle[:n-1]
		l.mu.Unlock()
		return c, nil
	}
	l.mu.Unlock()
	c, err := dial(l.dsn, readPragmas)
	if err != nil {
		<-l.slots
	}
	return c, err
}

// putBack returns a reader to the pool.
func (l *lite) putBack(c *liteConn) {
	l.mu.Lock()
	l.idle = append(l.idle, c)
	l.mu.Unlock()
	<-l.slots
}

func (l *lite) isClosed() bool {
	l.closing.RLock()
	defer l.closing.RUnlock()
	return l.closed
}

func (l *lite) query(ctx context.Context, text string, args []any) (source, error) {
	if l.isClosed() {
		return nil, errClosed
	}
	c, err := l.reader(ctx)
	if err != nil {
		return nil, err
	}
	r, err := c.query(ctx, text, args)
	if err != nil {
		l.putBack(c)
		return nil, err
	}
	r.pool = l
	return r, nil
}

// exec outside Write refuses: reads return rows, and writes belong to the writer.
func (l *lite) exec(context.Context, string, []any) (int64, error) {
	return 0, errors.New("store: exec outside Write")
}

// lock has nothing to do: there is one writer.
func (l *lite) lock(context.Context, *tx, string) error { return nil }

// notify and listen have nothing to do: there are no other nodes.
func (l *lite) notify(context.Context, *tx, string) error              { return nil }
func (l *lite) listen(context.Context, func(string), func(bool)) error { return nil }

// field says the same as postgres.field in SQLite's words.
func (l *lite) field(path []string, typ fieldType) string {
	if !speakable(path) {
		return "(null)"
	}
	var b strings.Builder
	b.WriteString("'$")
	for _, part := range path {
		b.WriteString(`."` + litePart.Replace(part) + `"`)
	}
	b.WriteString("'")
	at := b.String()
	switch typ {
	case fieldText:
		return `(case json_type(data, ` + at + `) when 'text' then data ->> ` + at + ` end)`
	case fieldNumber:
		return `(case when json_type(data, ` + at + `) in ('integer', 'real') then data ->> ` + at + ` end)`
	case fieldBoolean:
		return `(case json_type(data, ` + at + `) when 'true' then 1 when 'false' then 0 end)`
	}
	return `(data -> ` + at + `)`
}

// litePart quotes a member's name as a label of a JSON path inside an SQL string.
var litePart = strings.NewReplacer(`'`, `''`, `"`, `\"`, `\`, `\\`)

// liteConn is one connection with its prepared statements. One goroutine uses it at a time.
type liteConn struct {
	native interface {
		driver.Conn
		driver.ConnPrepareContext
	}
	stmts map[string]*lru.Element // of *liteStmt
	used  *lru.List               // the statement used last in front
	args  []driver.NamedValue
}

type liteStmt struct {
	text string
	run  interface {
		driver.Stmt
		driver.StmtQueryContext
		driver.StmtExecContext
	}
	vals  []driver.Value
	inUse bool // its rows are still open
}

// foldFunction is FoldName in SQL.
const foldFunction = "fold_name"

// liteDriver is the driver with our functions.
var liteDriver = sync.OnceValues(func() (*sqlite.Driver, error) {
	d := &sqlite.Driver{}
	return d, d.RegisterDeterministicScalarFunction(foldFunction, 1, func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		switch v := args[0].(type) {
		case string:
			return FoldName(v), nil
		default:
			return v, nil
		}
	})
})

// dial opens a connection and sets it up.
func dial(dsn, pragmas string) (*liteConn, error) {
	d, err := liteDriver()
	if err != nil {
		return nil, err
	}
	native, err := d.Open(dsn)
	if err != nil {
		return nil, err
	}
	c := &liteConn{stmts: map[string]*lru.Element{}, used: lru.New()}
	var ok bool
	if c.native, ok = native.(interface {
		driver.Conn
		driver.ConnPrepareContext
	}); !ok {
		native.Close()
		return nil, errors.New("the SQLite driver cannot prepare statements")
	}
	if _, err := c.exec(context.Background(), pragmas, nil); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *liteConn) close() error {
	if c == nil {
		return nil
	}
	for e := c.used.Front(); e != nil; e = e.Next() {
		e.Value.(*liteStmt).run.Close()
	}
	c.stmts, c.used = map[string]*lru.Element{}, lru.New()
	return c.native.Close()
}

// prepare returns the statement of text, prepared once. While rows of it are open a
// second one is made, which the caller must close: keep is false.
func (c *liteConn) prepare(text string) (s *liteStmt, keep bool, err error) {
	if e, ok := c.stmts[text]; ok {
		if s := e.Value.(*liteStmt); !s.inUse {
			c.used.MoveToFront(e)
			return s, true, nil
		}
	}
	native, err := c.native.PrepareContext(context.Background(), text)
	if err != nil {
		return nil, false, err
	}
	s = &liteStmt{text: text}
	var ok bool
	if s.run, ok = native.(interface {
		driver.Stmt
		driver.StmtQueryContext
		driver.StmtExecContext
	}); !ok {
		native.Close()
		return nil, false, errors.New("the SQLite driver's statements take no context")
	}
	if _, taken := c.stmts[text]; taken {
		return s, false, nil
	}
	c.stmts[text] = c.used.PushFront(s)
	c.evict()
	return s, true, nil
}

// evict closes the statements not used for longest.
func (c *liteConn) evict() {
	for e := c.used.Back(); e != nil && c.used.Len() > liteStmts; {
		s, before := e.Value.(*liteStmt), e.Prev()
		if !s.inUse {
			s.run.Close()
			delete(c.stmts, s.text)
			c.used.Remove(e)
		}
		e = before
	}
}

// named wraps args for the driver, which copies them before it returns.
func (c *liteConn) named(args []any) []driver.NamedValue {
	c.args = c.args[:0]
	for i, a := range args {
		c.args = append(c.args, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	return c.args
}

func (c *liteConn) query(ctx context.Context, text string, args []any) (*liteRows, error) {
	s, keep, err := c.prepare(text)
	if err != nil {
		return nil, err
	}
	native, err := s.run.QueryContext(ctx, c.named(args))
	if err != nil {
		if !keep {
			s.run.Close()
		}
		return nil, err
	}
	if s.vals == nil {
		s.vals = make([]driver.Value, len(native.Columns()))
	}
	s.inUse = true
	return &liteRows{ctx: ctx, conn: c, stmt: s, keep: keep, native: native}, nil
}

func (c *liteConn) exec(ctx context.Context, text string, args []any) (int64, error) {
	s, keep, err := c.prepare(text)
	if err != nil {
		return 0, err
	}
	if !keep {
		defer s.run.Close()
	}
	result, err := s.run.ExecContext(ctx, c.named(args))
	if err != nil || result == nil {
		return 0, err
	}
	return result.RowsAffected()
}

// int runs a text that yields one number.
func (c *liteConn) int(ctx context.Context, text string) (int64, error) {
	r, err := c.query(ctx, text, nil)
	if err != nil {
		return 0, err
	}
	defer r.close()
	if _, err := r.next(); err != nil {
		return 0, err
	}
	n, _ := r.stmt.vals[0].(int64)
	return n, nil
}

// liteRows is an open result set.
type liteRows struct {
	ctx    context.Context
	conn   *liteConn
	stmt   *liteStmt
	keep   bool
	native driver.Rows
	pool   *lite // where the connection goes back to; nil for the writer
	closed bool
}

func (r *liteRows) values() []driver.Value { return r.stmt.vals }

func (r *liteRows) next() (bool, error) {
	if err := r.ctx.Err(); err != nil {
		return false, err
	}
	err := r.native.Next(r.stmt.vals)
	if err == io.EOF {
		return false, nil
	}
	return err == nil, err
}

func (r *liteRows) close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	err := r.native.Close()
	r.stmt.inUse = false
	if !r.keep {
		err = errors.Join(err, r.stmt.run.Close())
	}
	if r.pool != nil {
		r.pool.putBack(r.conn)
	}
	return err
}
