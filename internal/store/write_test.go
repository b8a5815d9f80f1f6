package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hecate"
)

var ledger = schemaOf(`
create table entries (
  app_id {{text}} not null,
  id     {{text}} not null,
  n      bigint not null,
  primary key (app_id, id)
);
`)

const addEntry = `insert into entries (app_id, id, n) values ('a', $1, $2)`

func entries(t testing.TB, db *DB) []string {
	t.Helper()
	ids, err := many(t.Context(), db, scalar[string], `select id from entries where app_id = 'a' order by id`)
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func TestWrite(t *testing.T) {
	eachWith(t, ledger, func(t *testing.T, db *DB) {
		ctx := t.Context()
		add := func(id string) func(*DB) error {
			return func(tx *DB) error {
				_, err := tx.exec(ctx, addEntry, id, 1)
				return err
			}
		}
		fresh := func(t *testing.T) {
			t.Helper()
			write(t, db, `delete from entries where app_id = 'a'`)
		}
		errOwn := errors.New("own error")

		t.Run("sees what it wrote, and others see it afterwards only", func(t *testing.T) {
			fresh(t)
			err := db.Write(ctx, func(tx *DB) error {
				if err := add("x")(tx); err != nil {
					return err
				}
				inside, err := many(ctx, tx, scalar[string], `select id from entries where app_id = 'a'`)
				if len(inside) != 1 || err != nil {
					return fmt.Errorf("inside: %v %w", inside, err)
				}
				if outside := entries(t, db); len(outside) != 0 {
					return fmt.Errorf("outside: %v", outside)
				}
				return nil
			})
			if err != nil || len(entries(t, db)) != 1 {
				t.Fatal(err)
			}
		})
		t.Run("leaves nothing when it fails", func(t *testing.T) {
			fresh(t)
			err := db.Write(ctx, func(tx *DB) error { return errors.Join(add("x")(tx), errOwn) })
			if !errors.Is(err, errOwn) || len(entries(t, db)) != 0 {
				t.Fatal(err)
			}
		})
		t.Run("leaves nothing when it panics", func(t *testing.T) {
			fresh(t)
			err := db.Write(ctx, func(tx *DB) error {
				if err := add("x")(tx); err != nil {
					return err
				}
				panic("boom")
			})
			if err == nil || !strings.Contains(err.Error(), "boom") || len(entries(t, db)) != 0 {
				t.Fatal(err)
			}
		})
		t.Run("fails as a whole when a statement failed, even if that was ignored", func(t *testing.T) {
			fresh(t)
			err := db.Write(ctx, func(tx *DB) error {
				if err := add("x")(tx); err != nil {
					return err
				}
				if err := add("x")(tx); !errors.Is(err, hecate.Exists) {
					return fmt.Errorf("twice: %w", err)
				}
				if err := add("y")(tx); !errors.Is(err, hecate.Exists) {
					return fmt.Errorf("after a failure: %v", err)
				}
				return nil
			})
			if !errors.Is(err, hecate.Exists) || len(entries(t, db)) != 0 {
				t.Fatal(err, entries(t, db))
			}
		})
		t.Run("joins a write it is called in", func(t *testing.T) {
			fresh(t)
			err := db.Write(ctx, func(tx *DB) error { return errors.Join(tx.Write(ctx, add("x")), errOwn) })
			if !errors.Is(err, errOwn) || len(entries(t, db)) != 0 {
				t.Fatal(err)
			}
		})
		t.Run("may leave rows open and use one text twice at a time", func(t *testing.T) {
			fresh(t)
			if err := errors.Join(db.Write(ctx, add("x")), db.Write(ctx, add("y"))); err != nil {
				t.Fatal(err)
			}
			if !db.Single() {
				t.Skip("PostgreSQL has one result set at a time on a connection")
			}
			err := db.Write(ctx, func(tx *DB) error {
				const text = `select id from entries where app_id = 'a' order by id`
				open, err := tx.query(ctx, text)
				if err != nil || !open.Next() {
					return fmt.Errorf("no rows: %w", err)
				}
				ids, err := many(ctx, tx, scalar[string], text)
				if len(ids) != 2 || err != nil {
					return fmt.Errorf("%v %w", ids, err)
				}
				return add("z")(tx)
			})
			if err != nil || len(entries(t, db)) != 3 {
				t.Fatal(err)
			}
		})
		t.Run("is skipped when its caller has left", func(t *testing.T) {
			fresh(t)
			gone, cancel := context.WithCancel(ctx)
			cancel()
			if err := db.Write(gone, add("x")); !errors.Is(err, context.Canceled) || len(entries(t, db)) != 0 {
				t.Fatal(err)
			}
		})
		t.Run("is rolled back when its caller leaves in the middle", func(t *testing.T) {
			fresh(t)
			leaving, cancel := context.WithCancel(ctx)
			defer cancel()
			err := db.Write(leaving, func(tx *DB) error {
				if _, err := tx.exec(leaving, addEntry, "x", 1); err != nil {
					return err
				}
				cancel()
				_, err := tx.exec(leaving, addEntry, "y", 1)
				return err
			})
			if !errors.Is(err, context.Canceled) || len(entries(t, db)) != 0 {
				t.Fatal(err)
			}
		})
		t.Run("runs what comes after once, and only after a commit", func(t *testing.T) {
			fresh(t)
			var ran []string
			err := db.Write(ctx, func(tx *DB) error {
				tx.after(func() { ran = append(ran, "one") })
				tx.after(func() { panic("boom") })
				tx.after(func() { ran = append(ran, "two") })
				if len(ran) > 0 {
					return errors.New("too early")
				}
				return add("x")(tx)
			})
			if err != nil || !slices.Equal(ran, []string{"one", "two"}) {
				t.Fatal(err, ran)
			}
			err = db.Write(ctx, func(tx *DB) error {
				tx.after(func() { ran = append(ran, "never") })
				return errOwn
			})
			if !errors.Is(err, errOwn) || len(ran) != 2 {
				t.Fatal(err, ran)
			}
		})
		t.Run("refuses statements that write outside of it", func(t *testing.T) {
			if !db.Single() {
				t.Skip("PostgreSQL's pool writes; the rule holds by SQLite's tests")
			}
			if _, err := db.exec(ctx, addEntry, "x", 1); err == nil {
				t.Fatal("exec")
			}
			if _, err := one(ctx, db, scalar[string], addEntry+` returning id`, "x", 1); err == nil {
				t.Fatal("returning")
			}
		})
	})
}

// TestGroupCommit makes the writer wait, so that the writes that follow surely share one transaction.
func TestGroupCommit(t *testing.T) {
	db := openTest(t, testConfig(t, "sqlite", ledger))
	ctx := t.Context()
	hold, held := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		if err := db.Write(ctx, func(*DB) error { close(held); <-hold; return nil }); err != nil {
			t.Error(err)
		}
	})
	<-held
	const callers = 40
	var commits atomic.Int32
	errOwn := errors.New("own error")
	errs := make([]error, callers)
	gone, leave := context.WithCancel(ctx)
	for i := range callers {
		caller := ctx
		if i%4 == 3 {
			caller = gone
		}
		all.Go(func() {
			errs[i] = db.Write(caller, func(tx *DB) error {
				tx.after(func() { commits.Add(1) })
				if _, err := tx.exec(ctx, addEntry, fmt.Sprintf("%02d", i), i); err != nil {
					return err
				}
				switch i % 4 {
				case 1:
					return errOwn
				case 2:
					panic("boom")
				}
				return nil
			})
		})
	}
	eng := db.eng.(*lite)
	for len(eng.jobs) < callers {
		time.Sleep(time.Millisecond)
	}
	leave()
	close(hold)
	all.Wait()
	for i, err := range errs {
		switch i % 4 {
		case 0:
			if err != nil {
				t.Error(i, err)
			}
		case 1:
			if !errors.Is(err, errOwn) {
				t.Error(i, err)
			}
		case 2:
			if err == nil || !strings.Contains(err.Error(), "boom") {
				t.Error(i, err)
			}
		case 3:
			if !errors.Is(err, context.Canceled) {
				t.Error(i, err)
			}
		}
	}
	if got := entries(t, db); len(got) != callers/4 || commits.Load() != callers/4 {
		t.Fatal(len(got), commits.Load())
	}
}

// TestWhatAFailedWriteCostsTheOthers: of writes that share a commit, one that is refused before it writes disturbs nobody, and one that
// fails later has all of them start again, with the same result.
func TestWhatAFailedWriteCostsTheOthers(t *testing.T) {
	for _, late := range []bool{false, true} {
		db := openTest(t, testConfig(t, "sqlite", ledger))
		ctx := t.Context()
		hold, held := make(chan struct{}), make(chan struct{})
		var all sync.WaitGroup
		all.Go(func() { db.Write(ctx, func(*DB) error { close(held); <-hold; return nil }) })
		<-held
		const callers = 8
		var runs, commits atomic.Int32
		for i := range callers {
			all.Go(func() {
				err := db.Write(ctx, func(tx *DB) error {
					runs.Add(1)
					tx.after(func() { commits.Add(1) })
					refuse := i == callers/2
					if !refuse || late {
						if _, err := tx.exec(ctx, addEntry, fmt.Sprint(i), i); err != nil {
							return err
						}
					}
					if refuse {
						return hecate.Forbidden
					}
					return nil
				})
				if refused := errors.Is(err, hecate.Forbidden); refused != (i == callers/2) || err != nil && !refused {
					t.Error(i, err)
				}
			})
		}
		for len(db.eng.(*lite).jobs) < callers {
			time.Sleep(time.Millisecond)
		}
		close(hold)
		all.Wait()
		if n := runs.Load(); n > callers != late || n > 2*callers {
			t.Errorf("late %v: %d runs", late, n)
		}
		if got := entries(t, db); len(got) != callers-1 || commits.Load() != callers-1 {
			t.Error(late, got, commits.Load())
		}
	}
}

func TestATransactionThatSQLiteEndsFailsOnlyThoseThatRan(t *testing.T) {
	db := openTest(t, testConfig(t, "sqlite", ledger))
	ctx := t.Context()
	hold, held := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() { db.Write(ctx, func(*DB) error { close(held); <-hold; return nil }) })
	<-held
	errs := make([]error, 3)
	for i := range errs {
		all.Go(func() {
			errs[i] = db.Write(ctx, func(tx *DB) error {
				text := addEntry
				if i == 1 { // what a full disk does to a transaction
					text = `insert or rollback into entries (app_id, id, n) values ('a', $1, null and $2)`
				}
				_, err := tx.exec(ctx, text, fmt.Sprint(i), i)
				return err
			})
		})
		for len(db.eng.(*lite).jobs) <= i {
			time.Sleep(time.Millisecond)
		}
	}
	close(hold)
	all.Wait()
	if errs[0] == nil || errs[1] == nil || errs[2] != nil {
		t.Fatal(errs)
	}
	if got := entries(t, db); !slices.Equal(got, []string{"2"}) {
		t.Fatal(got)
	}
}

func TestWritersAtOnceLoseNothing(t *testing.T) {
	for _, c := range []struct {
		name            string
		callers, rounds int
		reverse         bool // half of them in the other order: PostgreSQL finds deadlocks, and Write tries again
	}{{"in one order", 8, 10, false}, {"in two orders", 2, 5, true}} {
		t.Run(c.name, func(t *testing.T) {
			eachWith(t, ledger, func(t *testing.T, db *DB) {
				ctx := t.Context()
				write(t, db, addEntry, "one", 0)
				write(t, db, addEntry, "two", 0)
				var all sync.WaitGroup
				for i := range c.callers {
					order := []string{"one", "two"}
					if c.reverse && i%2 == 1 {
						slices.Reverse(order)
					}
					all.Go(func() {
						for range c.rounds {
							if err := db.Write(ctx, func(tx *DB) error { return countUp(ctx, tx, order) }); err != nil {
								t.Error(err)
							}
						}
					})
				}
				all.Wait()
				for _, id := range []string{"one", "two"} {
					if n, err := one(ctx, db, scalar[int], `select n from entries where app_id = 'a' and id = $1`, id); n != c.callers*c.rounds || err != nil {
						t.Fatal(id, n, err)
					}
				}
			})
		})
	}
}

func countUp(ctx context.Context, tx *DB, order []string) error {
	for _, id := range order {
		if _, err := tx.exec(ctx, `update entries set n = n + 1 where app_id = 'a' and id = $1`, id); err != nil {
			return err
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

func TestLockMakesReadThenWriteSafe(t *testing.T) {
	eachWith(t, ledger, func(t *testing.T, db *DB) {
		ctx := t.Context()
		write(t, db, addEntry, "n", 0)
		var all sync.WaitGroup
		for range 6 {
			all.Go(func() {
				err := db.Write(ctx, func(tx *DB) error {
					if err := tx.lock(ctx, "n"); err != nil {
						return err
					}
					n, err := one(ctx, tx, scalar[int], `select n from entries where app_id = 'a' and id = 'n'`)
					if err != nil {
						return err
					}
					time.Sleep(time.Millisecond)
					_, err = tx.exec(ctx, `update entries set n = $1 where app_id = 'a' and id = 'n'`, n+1)
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n, err := one(ctx, db, scalar[int], `select n from entries where app_id = 'a' and id = 'n'`); n != 6 || err != nil {
			t.Fatal(n, err)
		}
	})
}

func TestCloseWaitsForTheWritesUnderWay(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			c := testConfig(t, engine, ledger)
			db, err := Open(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			started := make(chan struct{})
			var all sync.WaitGroup
			all.Go(func() {
				err := db.Write(context.Background(), func(tx *DB) error {
					close(started)
					time.Sleep(30 * time.Millisecond)
					_, err := tx.exec(context.Background(), addEntry, "x", 1)
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
			<-started
			if err := errors.Join(db.Close(), db.Close()); err != nil {
				t.Fatal(err)
			}
			all.Wait()
			if err := db.Write(t.Context(), func(*DB) error { return nil }); err == nil {
				t.Fatal("a write after Close")
			}
			if err := db.Ping(t.Context()); err == nil {
				t.Fatal("a ping after Close")
			}
			if got := entries(t, openTest(t, c)); len(got) != 1 {
				t.Fatal(got)
			}
		})
	}
}

func TestAFreshStoreAnswers(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		if err := db.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, sqlite := db.eng.(*lite); db.Single() != sqlite {
			t.Fatal("only SQLite has a single writer")
		}
	})
}
