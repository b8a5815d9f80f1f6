package store

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"hecate"
)

// TestSearchesThatFoundBefore does to an app whatever may change what a search finds, and searches again: what is kept of the searches
// before must not be found.
func TestSearchesThatFoundBefore(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		c := testCollection(t, db, hecate.Field{Name: "name", Type: hecate.StringType, Indexed: true, Ordered: true})
		ids := map[string]hecate.RecordID{}
		write := func(fn func(tx *DB) error) {
			t.Helper()
			if err := db.Write(t.Context(), fn); err != nil {
				t.Fatal(err)
			}
		}
		insert := func(tx *DB, seq int64, name string, grants ...hecate.Grant) error {
			r := &hecate.Record{ID: hecate.RecordID(testID(t)), App: c.App, Seq: seq, Access: hecate.Access{Own: true, Grants: grants}, Version: 1, CreatedAt: time.Unix(1, 0), UpdatedAt: time.Unix(1, 0)}
			r.Key, ids[name] = string(r.ID), r.ID
			return tx.InsertRecord(t.Context(), c, Stored{Record: r, Doc: Document{"name": name}})
		}
		guest := hecate.Visibility{Want: hecate.Read, Subjects: []hecate.Subject{hecate.Public, "group:g"}}
		name := hecate.FieldOperand(c.Field("name"))
		queries := map[string]hecate.Query{
			"all":       {Limit: 2, Count: true},
			"backwards": {Limit: 2, SeqDesc: true},
			"from back": {Limit: 2, Backward: true},
			"counted":   {Limit: 2, Count: true, CountMax: 1},
			"a":         {Limit: 2, Filter: hecate.Filter{Op: hecate.OpEqual, Operand: name, Value: "a"}},
			"b":         {Limit: 2, Filter: hecate.Filter{Op: hecate.OpEqual, Operand: name, Value: "b"}},
			"none":      {Count: true},
			"none of a": {Count: true, Filter: hecate.Filter{Op: hecate.OpEqual, Operand: name, Value: "a"}},
		}
		see := func() map[string]string {
			t.Helper()
			seen := map[string]string{}
			for _, v := range []hecate.Visibility{{All: true}, guest} {
				for of, q := range queries {
					var want []Stamp
					s := Search{Collection: c, Visible: v, Query: q}
					whole, err := db.Records(t.Context(), s)
					if err != nil {
						t.Fatal(err)
					}
					for _, r := range whole.Rows {
						want = append(want, StampOf(r))
					}
					for range 2 { // the second time from what is kept
						got, err := db.Stamps(t.Context(), s)
						if err != nil || got.Count != whole.Count || got.More != whole.More || len(got.Rows) != len(want) || len(want) > 0 && !reflect.DeepEqual(got.Rows, want) {
							t.Fatalf("%s, all %v: %+v, %v, want %v of %d", of, v.All, got, err, want, whole.Count)
						}
					}
					seen[fmt.Sprint(of, v.All)] = fmt.Sprint(want, whole.Count)
				}
			}
			return seen
		}
		steps := []struct {
			does string
			how  func(tx *DB) error
		}{
			{"a record", func(tx *DB) error { return insert(tx, 1, "a") }},
			{"a record that guests see", func(tx *DB) error {
				return insert(tx, 2, "b", hecate.Grant{Subject: hecate.Public, Permissions: hecate.Read})
			}},
			{"a record that a group sees", func(tx *DB) error {
				return insert(tx, 3, "a~", hecate.Grant{Subject: "group:g", Permissions: hecate.Read})
			}},
			{"its grant goes", func(tx *DB) error { return tx.DeleteGrantsFor(t.Context(), c.App, "group:g") }},
			{"a change", func(tx *DB) error {
				before, err := tx.Record(t.Context(), c, RecordRef{Seq: 1})
				if err != nil {
					return err
				}
				next := *before.Record
				next.UpdatedAt = next.UpdatedAt.Add(time.Microsecond)
				return tx.UpdateRecord(t.Context(), c, before, Stored{Record: &next, Doc: Document{"name": "b"}})
			}},
			{"a deletion", func(tx *DB) error { return tx.DeleteRecord(t.Context(), c, ids["a"]) }},
			{"the collection goes", func(tx *DB) error { return tx.DeleteCollection(t.Context(), c.App, c.ID) }},
		}
		last := see()
		for _, step := range steps {
			write(step.how)
			now := see()
			if reflect.DeepEqual(now, last) {
				t.Errorf("%s: nothing changed for any search", step.does)
			}
			last = now
		}
	})
}

// TestEveryStatementSaysWhatItChanges: the table of a statement that changes something is known, whatever its layout.
func TestEveryStatementSaysWhatItChanges(t *testing.T) {
	for text, want := range map[string]string{
		insertRecord: "records", updateRecord: "records", deleteRecord: "records", insertGrants: "record_grants", dropRecordGrants: "record_grants",
		insertIndex: "record_index", nextSerial: "serials", "with x as (select 1) update records set seq = 1": "",
	} {
		if table, writes := written(text); table != want || !writes {
			t.Errorf("%.40s: changes %q, %v, want %q", strings.TrimSpace(text), table, writes, want)
		}
	}
	if _, writes := written(recordByID); writes {
		t.Error("reading changes something")
	}
}
