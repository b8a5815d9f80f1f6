package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"modernc.org/sqlite"
)

// footprint is what one record create did to the database: found by comparing
// all rows before and after, so that it stays true whatever the schema becomes.
type footprint struct {
	Database string // a copy of the server's database, for the bare program alone
	Callers  int
	Inserts  []rowWrite
	Updates  []rowWrite
	IDs      []string // those that are new in every create
}

// rowWrite is one inserted row, or the changed columns of one updated row.
type rowWrite struct {
	Table   string
	RowID   int64 // of updates
	Columns []string
	Values  []any // nil, string, float64, and int64 (json.Number while it is a file)
}

// table is the content of one table.
type table struct {
	columns []string
	rows    map[int64][]any
}

// readOnly opens the database of a running server beside it.
func readOnly(file string) (*sql.DB, error) {
	return sql.Open("sqlite", (&url.URL{Scheme: "file", Path: file, RawQuery: "mode=ro&_pragma=busy_timeout(5000)"}).String())
}

// snapshot reads every row of every table.
func snapshot(ctx context.Context, db *sql.DB) (map[string]table, error) {
	names, err := tableNames(ctx, db)
	if err != nil {
		return nil, err
	}
	all := map[string]table{}
	for _, name := range names {
		if all[name], err = readTable(ctx, db, name); err != nil {
			return nil, fmt.Errorf("read table %s: %w", name, err)
		}
	}
	return all, nil
}

func tableNames(ctx context.Context, db *sql.DB) ([]string, error) {
	rows, err := db.QueryContext(ctx, `select name from sqlite_schema where type = 'table' and name not like 'sqlite%' order by name`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}

func readTable(ctx context.Context, db *sql.DB, name string) (table, error) {
	rows, err := db.QueryContext(ctx, `select rowid, * from "`+name+`"`)
	if err != nil {
		return table{}, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return table{}, err
	}
	t := table{columns[1:], map[int64][]any{}}
	for rows.Next() {
		values := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return table{}, err
		}
		id, ok := values[0].(int64)
		if !ok {
			return table{}, errors.New("no row id")
		}
		t.rows[id] = values[1:]
	}
	return t, rows.Err()
}

// difference is the footprint of what happened between two snapshots.
func difference(before, after map[string]table) (footprint, error) {
	var f footprint
	for name, now := range after {
		for id, row := range now.rows {
			old, ok := before[name].rows[id]
			switch {
			case !ok:
				f.Inserts = append(f.Inserts, rowWrite{Table: name, RowID: id, Columns: now.columns, Values: row})
			case !reflect.DeepEqual(old, row):
				f.Updates = append(f.Updates, changed(name, id, now.columns, old, row))
			}
		}
	}
	if len(f.Inserts) == 0 {
		return f, errors.New("nothing was written")
	}
	// Parents before children, as they were written: foreign keys are checked.
	slices.SortFunc(f.Inserts, func(a, b rowWrite) int {
		return strings.Compare(order(a), order(b))
	})
	for _, w := range f.Inserts {
		if i := slices.Index(w.Columns, "id"); i >= 0 {
			if id, ok := w.Values[i].(string); ok {
				f.IDs = append(f.IDs, id)
			}
		}
	}
	return f, nil
}

// order sorts tables with an id of their own, which others refer to, to the front.
func order(w rowWrite) string {
	if slices.Contains(w.Columns, "id") {
		return "0" + w.Table
	}
	return "1" + w.Table
}

func changed(name string, id int64, columns []string, before, after []any) rowWrite {
	w := rowWrite{Table: name, RowID: id}
	for i, c := range columns {
		if !reflect.DeepEqual(before[i], after[i]) {
			w.Columns, w.Values = append(w.Columns, c), append(w.Values, after[i])
		}
	}
	return w
}

// String says what is written, for the report: "1 records, 1 events, update serials".
func (f footprint) String() string {
	var parts []string
	count := map[string]int{}
	for _, w := range f.Inserts {
		if count[w.Table]++; count[w.Table] == 1 {
			parts = append(parts, w.Table)
		}
	}
	for i, name := range parts {
		parts[i] = fmt.Sprintf("%d %s", count[name], name)
	}
	for _, w := range f.Updates {
		parts = append(parts, "update "+w.Table)
	}
	return strings.Join(parts, ", ")
}

// The bare program opens its database as the server does (design, section 4).
const (
	barePragmas = `pragma busy_timeout = 5000; pragma foreign_keys = on; pragma temp_store = memory; pragma cache_size = -8000;
pragma journal_mode = wal; pragma synchronous = full; pragma wal_autocheckpoint = 0;`
	bareBatch      = 256
	bareCheckWait  = 200 * time.Millisecond
	bareCheckAt    = 4 << 20
	bareTruncateAt = 64 << 20
)

// commitOnCommand is the child that writes a footprint again and again, from a
// number of callers through one writer that commits together what waits together.
func commitOnCommand(file string, in io.Reader, out io.Writer) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var f footprint
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	if err := decoder.Decode(&f); err != nil {
		return err
	}
	w, err := newWriter(&f)
	if err != nil {
		return err
	}
	go w.run()
	stop := make(chan struct{})
	defer close(stop)
	go w.checkpoint(f.Database, stop)
	return obey(in, out, func(c command) (summary, error) {
		return inProcess(f.Callers, c, w.commit), nil
	})
}

// writer owns the one connection that writes.
type writer struct {
	conn  driver.Conn
	begin driver.StmtExecContext
	end   driver.StmtExecContext
	rows  []rowText
	ids   []string
	count int64
	jobs  chan chan error
}

// rowText is one statement, and how each of its values is made anew.
type rowText struct {
	run  driver.StmtExecContext
	fill []func(w *writer, fresh []string) driver.Value
	args []driver.NamedValue
}

func newWriter(f *footprint) (*writer, error) {
	conn, err := openBare(f.Database, barePragmas)
	if err != nil {
		return nil, err
	}
	w := &writer{conn: conn, ids: f.IDs, jobs: make(chan chan error, bareBatch)}
	if w.begin, err = prepare(conn, `begin immediate`); err != nil {
		return nil, err
	}
	if w.end, err = prepare(conn, `commit`); err != nil {
		return nil, err
	}
	for _, u := range f.Updates {
		if err := w.add(u, updateText(u), true); err != nil {
			return nil, err
		}
	}
	for _, i := range f.Inserts {
		if err := w.add(i, insertText(i), false); err != nil {
			return nil, err
		}
	}
	return w, nil
}

func openBare(file, pragmas string) (driver.Conn, error) {
	conn, err := (&sqlite.Driver{}).Open((&url.URL{Scheme: "file", Path: file}).String())
	if err != nil {
		return nil, err
	}
	if err := execute(conn, pragmas); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

func execute(conn driver.Conn, text string) error {
	run, ok := conn.(driver.ExecerContext)
	if !ok {
		return errors.New("the driver executes no text")
	}
	_, err := run.ExecContext(context.Background(), text, nil)
	return err
}

func prepare(conn driver.Conn, text string) (driver.StmtExecContext, error) {
	s, err := conn.Prepare(text)
	if err != nil {
		return nil, fmt.Errorf("prepare %s: %w", text, err)
	}
	run, ok := s.(driver.StmtExecContext)
	if !ok {
		return nil, errors.New("the driver's statements take no context")
	}
	return run, nil
}

func insertText(r rowWrite) string {
	places := make([]string, len(r.Columns))
	for i := range places {
		places[i] = fmt.Sprintf("$%d", i+1)
	}
	return `insert into "` + r.Table + `" ("` + strings.Join(r.Columns, `", "`) + `") values (` + strings.Join(places, ", ") + `)`
}

func updateText(r rowWrite) string {
	sets := make([]string, len(r.Columns))
	for i, c := range r.Columns {
		sets[i] = fmt.Sprintf(`"%s" = $%d`, c, i+1)
	}
	return fmt.Sprintf(`update "%s" set %s where rowid = %d`, r.Table, strings.Join(sets, ", "), r.RowID)
}

// add prepares one statement; the numbers of a row that is updated each time count on.
func (w *writer) add(r rowWrite, text string, counts bool) error {
	run, err := prepare(w.conn, text)
	if err != nil {
		return err
	}
	t := rowText{run: run, args: make([]driver.NamedValue, len(r.Columns))}
	for i, c := range r.Columns {
		t.fill = append(t.fill, w.filler(c, r.Values[i], counts))
		t.args[i].Ordinal = i + 1
	}
	w.rows = append(w.rows, t)
	return nil
}

// filler says what stands in a column from one create to the next: fresh ids, a serial that
// counts on, the time, or what stood there in the row that is copied.
func (w *writer) filler(column string, value any, counts bool) func(*writer, []string) driver.Value {
	switch v := value.(type) {
	case string:
		return w.textFiller(v)
	case json.Number:
		n, err := v.Int64()
		if err != nil {
			f, _ := v.Float64()
			return constant(f)
		}
		switch {
		case column == "seq" || counts:
			return func(w *writer, _ []string) driver.Value { return n + w.count }
		case column == "at" || strings.HasSuffix(column, "_at"):
			return func(*writer, []string) driver.Value { return time.Now().UnixMicro() }
		}
		return constant(n)
	}
	return constant(value)
}

func constant(v driver.Value) func(*writer, []string) driver.Value {
	return func(*writer, []string) driver.Value { return v }
}

func (w *writer) textFiller(v string) func(*writer, []string) driver.Value {
	for i, id := range w.ids {
		before, after, found := strings.Cut(v, id)
		switch {
		case v == id:
			return func(_ *writer, fresh []string) driver.Value { return fresh[i] }
		case found:
			return func(_ *writer, fresh []string) driver.Value { return before + fresh[i] + after }
		}
	}
	return constant(v)
}

// commit writes one footprint and returns when it is on the disk.
func (w *writer) commit() error {
	done := make(chan error, 1)
	w.jobs <- done
	return <-done
}

// run is the group commit: whatever waits now shares one transaction.
func (w *writer) run() {
	var batch []chan error
	for first := range w.jobs {
		batch = append(batch[:0], first)
	gather:
		for len(batch) < bareBatch {
			select {
			case next := <-w.jobs:
				batch = append(batch, next)
			default:
				break gather
			}
		}
		err := w.commitBatch(len(batch))
		for _, done := range batch {
			done <- err
		}
	}
}

func (w *writer) commitBatch(n int) error {
	ctx := context.Background()
	if _, err := w.begin.ExecContext(ctx, nil); err != nil {
		return err
	}
	for range n {
		if err := w.write(ctx); err != nil {
			return errors.Join(err, execute(w.conn, `rollback`))
		}
	}
	_, err := w.end.ExecContext(ctx, nil)
	return err
}

func (w *writer) write(ctx context.Context) error {
	w.count++
	fresh := make([]string, len(w.ids))
	for i := range fresh {
		id, err := uuid.NewV7()
		if err != nil {
			return err
		}
		fresh[i] = id.String()
	}
	for i := range w.rows {
		r := &w.rows[i]
		for k := range r.args {
			r.args[k].Value = r.fill[k](w, fresh)
		}
		if _, err := r.run.ExecContext(ctx, r.args); err != nil {
			return err
		}
	}
	return nil
}

// checkpoint copies the write-ahead log back beside the writer, as the server does.
func (w *writer) checkpoint(file string, stop <-chan struct{}) {
	conn, err := openBare(file, `pragma busy_timeout = 5000`)
	if err != nil {
		return // the log only grows then; the figures are the writer's
	}
	defer conn.Close()
	for {
		select {
		case <-stop:
			return
		case <-time.After(bareCheckWait):
		}
		info, err := os.Stat(file + "-wal")
		if err != nil || info.Size() < bareCheckAt {
			continue
		}
		// What is busy comes at the next turn.
		_ = execute(conn, `pragma wal_checkpoint(passive)`)
		if info.Size() >= bareTruncateAt {
			_ = execute(conn, `pragma wal_checkpoint(truncate)`)
		}
	}
}
