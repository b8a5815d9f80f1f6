package store

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"hecate"
)

const manyRecords = 100_000

// bigCollection stores 100,000 records of a handful of fields.
func bigCollection(t testing.TB, db *DB, n int) *hecate.Collection {
	t.Helper()
	c := testCollection(t, db,
		hecate.Field{Name: "name", Type: hecate.StringType, Indexed: true, Ordered: true},
		hecate.Field{Name: "color", Type: hecate.StringType, Indexed: true},
		hecate.Field{Name: "size", Type: hecate.IntegerType, Indexed: true, Ordered: true},
		hecate.Field{Name: "plain", Type: hecate.IntegerType},
		hecate.Field{Name: "place", Type: hecate.GeoType, Indexed: true},
	)
	for from := 0; from < n; from += 1000 {
		b := binds{args: []any{c.App, c.ID, time.Now().UnixMicro()}}
		var rows []string
		for i := from; i < from+1000; i++ {
			doc := Document{"name": fmt.Sprintf("name %06d", i*7919%n), "color": fmt.Sprint("color", i%5), "size": int64(i * 31 % 1000), "plain": int64(i % 1000),
				"place": hecate.Geo{Lat: float64(i%180) - 90, Lng: float64(i%360) - 180}}
			text, err := doc.Encode()
			if err != nil {
				t.Fatal(err)
			}
			id, owner, seq, data := b.add(testID(t)), b.add(fmt.Sprintf("u%d", i%100)), b.add(i+1), b.add(text)
			rows = append(rows, "($1,"+id+",$2,"+seq+","+id+","+owner+",1,false,1,true,0,0,127,"+data+",'{}','','',$3,$3)")
		}
		err := db.Write(t.Context(), func(tx *DB) error {
			return tx.run(t.Context(), `insert into records (app_id, id, collection_id, seq, key, owner_id, owner_seq, private, version, own, for_public,
  for_anyone, for_owner, data, extra, created_by, updated_by, created_at, updated_at) values `+strings.Join(rows, ","), b.args...)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	if err := db.Write(t.Context(), func(tx *DB) error { return tx.Reindex(t.Context(), c, nil, c.Schema) }); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d records indexed in %v", n, time.Since(began))
	if !db.Single() && os.Getenv("HECATE_MANY") != "fresh" { // autovacuum does so by itself within a minute or two
		if err := db.Write(t.Context(), func(tx *DB) error { return tx.run(t.Context(), `analyze`) }); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func manyQueries(c *hecate.Collection) map[string]Search {
	name, size, plain := hecate.FieldOperand(c.Field("name")), hecate.FieldOperand(c.Field("size")), hecate.FieldOperand(c.Field("plain"))
	color := hecate.FieldOperand(c.Field("color"))
	all, mine := hecate.Visibility{All: true}, hecate.Visibility{Want: hecate.Read, User: "u7", Subjects: []hecate.Subject{hecate.Public, hecate.Anyone, "user:u7", "group:g"}}
	middle := &hecate.Cursor{Seq: manyRecords / 2}
	eq := func(o hecate.Operand, v any) hecate.Filter {
		return hecate.Filter{Op: hecate.OpEqual, Operand: o, Value: v}
	}
	return map[string]Search{
		"page by seq":               {Collection: c, Visible: all, Query: hecate.Query{Limit: 100, After: middle}},
		"page by seq backwards":     {Collection: c, Visible: all, Query: hecate.Query{Limit: 100, After: middle, Backward: true}},
		"page by seq, own only":     {Collection: c, Visible: mine, Query: hecate.Query{Limit: 100, After: middle}},
		"equal, few":                {Collection: c, Visible: all, Query: hecate.Query{Limit: 100, Filter: eq(name, "name 000007"), Count: true, CountMax: 1000}},
		"equal, 100":                {Collection: c, Visible: all, Query: hecate.Query{Limit: 100, Filter: eq(size, int64(31))}},
		"equal, a fifth":            {Collection: c, Visible: all, Query: hecate.Query{Limit: 100, Filter: eq(color, "color3")}},
		"equal and equal":           {Collection: c, Visible: all, Query: hecate.Query{Limit: 100, Filter: hecate.And(eq(color, "color3"), eq(size, int64(93)))}},
		"prefix":                    {Collection: c, Visible: all, Query: hecate.Query{Limit: 100, Filter: hecate.Filter{Op: hecate.OpPrefix, Operand: name, Value: "name 00012"}}},
		"range of an indexed field": {Collection: c, Visible: all, Query: hecate.Query{Limit: 100, Filter: hecate.Filter{Op: hecate.OpLess, Operand: size, Value: int64(2)}}},
		"equal without index":       {Collection: c, Visible: all, Query: hecate.Query{Limit: 100, Filter: eq(plain, int64(31))}},
		"near":                      {Collection: c, Visible: all, Query: hecate.Query{Limit: 100, Filter: hecate.Filter{Op: hecate.OpNear, Operand: hecate.FieldOperand(c.Field("place")), Value: hecate.Geo{Lat: 50, Lng: 13}, Meters: 300_000}}},
		"order by an ordered field": {Collection: c, Visible: all, Query: hecate.Query{Limit: 100, Order: []hecate.Order{{Operand: name}}}},
		"order, from the middle":    {Collection: c, Visible: all, Query: hecate.Query{Limit: 100, Order: []hecate.Order{{Operand: size, Desc: true}}, After: &hecate.Cursor{Values: []any{int64(500)}, Seq: 50_000}}},
		"count to 1000":             {Collection: c, Visible: all, Query: hecate.Query{Count: true, CountMax: 1000}},
	}
}

// TestManyRecords prints what queries over 100,000 records cost: HECATE_MANY=1 go test -run ManyRecords -v.
func TestManyRecords(t *testing.T) {
	if os.Getenv("HECATE_MANY") == "" {
		t.Skip("slow: set HECATE_MANY=1")
	}
	each(t, func(t *testing.T, db *DB) {
		began := time.Now()
		c := bigCollection(t, db, manyRecords)
		t.Logf("%d records stored in %v", manyRecords, time.Since(began))
		for _, name := range sortedNames(manyQueries(c)) {
			s := manyQueries(c)[name]
			const rounds = 5
			var best time.Duration
			var rows int
			for range rounds {
				began := time.Now()
				page, err := db.Records(t.Context(), s)
				if err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); best == 0 || took < best {
					best = took
				}
				rows = len(page.Rows)
			}
			t.Logf("%-28s %10v  %d rows", name, best.Round(10*time.Microsecond), rows)
			if os.Getenv("HECATE_MANY") == "plans" {
				t.Log(plan(t, db, s))
			}
		}
	})
}

func sortedNames(m map[string]Search) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}

	slices.Sort(names)
	return names
}

// plan is how the database would run the page of s.
func plan(t testing.TB, db *DB, s Search) string {
	t.Helper()
	text, args, err := db.compilePage(s, recordColumns)
	if err != nil {
		t.Fatal(err)
	}
	explain := "explain "
	if db.Single() {
		explain = "explain query plan "
	}
	lines, err := many(t.Context(), db, func(s scanner) (string, error) {
		var line string
		if db.Single() {
			var a, b, c int64
			err := s.Scan(&a, &b, &c, &line)
			return line, err
		}
		err := s.Scan(&line)
		return line, err
	}, explain+text, args...)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}
