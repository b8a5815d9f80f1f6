package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The figures of docs/adr/0002-storage.md:
//
//	go test ./internal/store -run '^$' -bench . -benchtime 2s

const benchEntry = `insert into entries (app_id, id, n) values ($1, $2, $3)`

func benchStore(b *testing.B, engine string) *DB {
	db := openTest(b, testConfig(b, engine, ledger))
	err := db.Write(b.Context(), func(tx *DB) error {
		for i := range 10_000 {
			if _, err := tx.exec(b.Context(), benchEntry, "bench", fmt.Sprintf("row-%05d", i), i); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	return db
}

func BenchmarkWrite(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		for _, callers := range []int{1, 32} {
			b.Run(fmt.Sprintf("%s/%d_callers", engine, callers), func(b *testing.B) {
				db := benchStore(b, engine)
				payload := strings.Repeat("x", 200)
				var next, worst atomic.Int64
				var all sync.WaitGroup
				for range callers {
					all.Go(func() {
						for {
							i := next.Add(1)
							if i > int64(b.N) {
								return
							}
							start := time.Now()
							err := db.Write(context.Background(), func(tx *DB) error {
								_, err := tx.exec(context.Background(), benchEntry, "w", fmt.Sprint(i, payload), i)
								return err
							})
							if err != nil {
								b.Error(err)
								return
							}
							if took := int64(time.Since(start)); took > worst.Load() {
								worst.Store(took)
							}
						}
					})
				}
				all.Wait()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
				b.ReportMetric(float64(worst.Load())/1e6, "worst-ms")
			})
		}
	}
}

const readEntry = `select id, n from entries where app_id = $1 and id = $2`

type benchRow struct {
	id string
	n  int64
}

func scanBenchRow(s scanner) (benchRow, error) {
	var r benchRow
	err := s.Scan(&r.id, &r.n)
	return r, err
}

func BenchmarkPointRead(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		for _, kind := range []string{"background", "request"} {
			b.Run(engine+"/"+kind+"_context", func(b *testing.B) {
				db := benchStore(b, engine)
				ctx := context.Background()
				if kind == "request" {
					var cancel func()
					ctx, cancel = context.WithCancel(ctx)
					defer cancel()
				}
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					i++
					if _, err := one(ctx, db, scanBenchRow, readEntry, "bench", fmt.Sprintf("row-%05d", i%10_000)); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reads/s")
			})
		}
	}
	b.Run("sqlite/database_sql_for_comparison", func(b *testing.B) {
		db := benchStore(b, "sqlite")
		plain, err := sql.Open("sqlite", db.eng.(*lite).dsn)
		if err != nil {
			b.Fatal(err)
		}
		defer plain.Close()
		stmt, err := plain.Prepare(readEntry)
		if err != nil {
			b.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			i++
			var r benchRow
			if err := stmt.QueryRowContext(ctx, "bench", fmt.Sprintf("row-%05d", i%10_000)).Scan(&r.id, &r.n); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reads/s")
	})
}

func BenchmarkPage(b *testing.B) {
	db := benchStore(b, "sqlite")
	for b.Loop() {
		page, err := many(b.Context(), db, scanBenchRow, `select id, n from entries where app_id = $1 order by id limit 100`, "bench")
		if err != nil || len(page) != 100 {
			b.Fatal(len(page), err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		b.Run(engine, func(b *testing.B) {
			c := testConfig(b, engine, nil)
			for b.Loop() {
				db, err := Open(b.Context(), c)
				if err != nil {
					b.Fatal(err)
				}
				if err := db.Ping(b.Context()); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				db.Close()
				b.StartTimer()
			}
		})
	}
}
