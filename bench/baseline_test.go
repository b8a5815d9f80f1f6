package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// runChild drives a baseline inside the test and returns its one summary.
func runChild(t *testing.T, kind, file string, measure time.Duration) summary {
	t.Helper()
	order, err := json.Marshal(command{Measure: measure})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := children[kind](file, bytes.NewReader(order), &out); err != nil {
		t.Fatal(err)
	}
	ready, answer, _ := strings.Cut(out.String(), "\n")
	var s summary
	if err := json.Unmarshal([]byte(answer), &s); err != nil || ready != "ready" {
		t.Fatalf("%q: %v", out.String(), err)
	}
	return s
}

func TestHashingAloneIsMeasured(t *testing.T) {
	t.Parallel()
	if s := runChild(t, "argon", "", time.Second); s.Count == 0 || s.Errors != 0 || s.P50 < time.Millisecond {
		t.Errorf("%+v", s)
	}
}

const testSchema = `
create table serials (app_id text not null, name text not null, value bigint not null, primary key (app_id, name));
create table records (app_id text not null, id text not null, seq bigint not null, own boolean not null, data text not null,
  created_at bigint not null, primary key (app_id, id), unique (app_id, seq));
create table grants (app_id text not null, record_id text not null, subject text not null,
  foreign key (app_id, record_id) references records (app_id, id));
insert into serials values ('a', 'record', 1);
insert into records values ('a', 'id-1', 1, true, '{}', 5);`

const testCreate = `
update serials set value = 2;
insert into records values ('a', 'id-2', 2, true, '{"x":"id-1"}', 6);
insert into grants values ('a', 'id-2', 'user:u');
insert into grants values ('a', 'id-2', 'record:id-2!');`

func TestTheBareProgramCommitsTheRowsOfACreate(t *testing.T) {
	t.Parallel()
	ctx, dir := context.Background(), t.TempDir()
	live := filepath.Join(dir, "live.db")
	db, err := sql.Open("sqlite", "file:"+live+"?_pragma=journal_mode(wal)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	mustExec := func(text string, args ...any) {
		t.Helper()
		if _, err := db.ExecContext(ctx, text, args...); err != nil {
			t.Fatal(err)
		}
	}
	mustExec(testSchema)
	reader, err := readOnly(live)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	before, err := snapshot(ctx, reader)
	if err != nil {
		t.Fatal(err)
	}
	mustExec(testCreate)
	after, err := snapshot(ctx, reader)
	if err != nil {
		t.Fatal(err)
	}
	f, err := difference(before, after)
	if err != nil {
		t.Fatal(err)
	}
	if got := f.String(); got != "1 records, 2 grants, update serials" {
		t.Fatal(got)
	}
	f.Callers, f.Database = 8, filepath.Join(dir, "bare.db")
	if _, err := reader.ExecContext(ctx, `vacuum into $1`, f.Database); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "commit.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	s := runChild(t, "commit", file, 300*time.Millisecond)
	if s.Count == 0 || s.Errors != 0 {
		t.Fatalf("%+v", s)
	}
	checkCommitted(t, f.Database, s.Count)
}

func checkCommitted(t *testing.T, file string, atLeast int) {
	t.Helper()
	db, err := readOnly(file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for name, text := range map[string]string{
		"records":             `select count(*) from records`,
		"serial":              `select value from serials`,
		"highest serial":      `select max(seq) from records`,
		"records with grants": `select count(distinct record_id) from grants where subject = 'user:u'`,
		"replaced inside":     `select count(*) from grants where subject = 'record:' || record_id || '!'`,
		"unchanged elsewhere": `select count(*) + 1 from records where data = '{"x":"id-1"}'`,
		"with a time":         `select count(*) from records where created_at > 1000 or id in ('id-1', 'id-2')`,
	} {
		var n int
		if err := db.QueryRow(text).Scan(&n); err != nil {
			t.Fatal(name, err)
		}
		// Those of the last moment are committed but no longer counted.
		if n < atLeast || n > atLeast+1000 {
			t.Errorf("%s: %d of %d commits", name, n, atLeast)
		}
	}
}

func TestTheBareServerWritesTheSameAnswer(t *testing.T) {
	t.Parallel()
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Request-Id", "r1")
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		io.WriteString(w, `{"a":1}`)
	})
	get := request("GET", "/", nil)
	real, err := capture(address, get)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(real)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "answer.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	in, stop := io.Pipe()
	out, print := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- children["bare"](file, in, print) }()
	ready := make([]byte, 100)
	n, err := out.Read(ready)
	if err != nil {
		t.Fatal(err)
	}
	bare, err := capture(strings.TrimSpace(strings.TrimPrefix(string(ready[:n]), "ready ")), get)
	if err != nil {
		t.Fatal(err)
	}
	if string(bare.Body) != string(real.Body) || len(bare.Header) != len(real.Header) || bare.Header.Get("X-Request-Id") != "r1" {
		t.Errorf("%+v, want %+v", bare, real)
	}
	stop.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
