package store

import (
	"testing"
	"time"
)

// TestAFilledTableIsNotTakenForAnEmptyOne, without waiting for the database to look by itself.
func TestAFilledTableIsNotTakenForAnEmptyOne(t *testing.T) {
	t.Parallel()
	db := openTest(t, testConfig(t, "postgres", schemaOf(`create table filled (x bigint);`)))
	p := db.eng.(*postgres)
	if _, err := p.ExecContext(t.Context(), `insert into filled select generate_series(1, 5000)`); err != nil {
		t.Fatal(err)
	}
	for until := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) { // it counts what was written a moment later
		if err := db.Tend(t.Context()); err != nil {
			t.Fatal(err)
		}
		var rows float64
		if err := p.QueryRowContext(t.Context(), `select reltuples from pg_class where oid = 'filled'::regclass`).Scan(&rows); err != nil {
			t.Fatal(err)
		}
		if rows == 5000 {
			return
		}
		if time.Now().After(until) {
			t.Fatalf("the database reckons with %v rows", rows)
		}
	}
}
