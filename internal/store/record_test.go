package store

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"hecate"
)

const testApp hecate.AppID = "app"

func testID(t testing.TB) string {
	t.Helper()
	id, err := uuid.NewV7()
	if err != nil {
		t.Fatal(err)
	}
	return id.String()
}

// testCollection stores an empty collection with that schema; slots are names where not given.
func testCollection(t testing.TB, db *DB, fields ...hecate.Field) *hecate.Collection {
	t.Helper()
	return testCollectionIn(t, db, testApp, fields...)
}

func testCollectionIn(t testing.TB, db *DB, app hecate.AppID, fields ...hecate.Field) *hecate.Collection {
	t.Helper()
	for i := range fields {
		if fields[i].Slot == "" {
			fields[i].Slot = fields[i].Name
		}
	}
	id := testID(t)
	c := &hecate.Collection{ID: hecate.CollectionID(id), App: app, Name: "c-" + id, Schema: fields, Revision: 1, CreatedAt: time.Now(), UpdatedAt: time.Now()}
	err := db.Write(t.Context(), func(tx *DB) (err error) {
		if c.Seq, err = tx.NextSerial(t.Context(), app, "collections"); err != nil {
			return err
		}
		_, err = tx.InsertCollection(t.Context(), c)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// testRecord stores a record, changed as asked before.
func testRecord(t testing.TB, db *DB, c *hecate.Collection, d Document, change ...func(*hecate.Record)) Stored {
	t.Helper()
	id := testID(t)
	r := &hecate.Record{ID: hecate.RecordID(id), App: c.App, Collection: c.ID, Key: id, Version: 1, CreatedAt: time.Now(), UpdatedAt: time.Now()}
	for _, fn := range change {
		fn(r)
	}
	s := Stored{Record: r, Doc: d}
	err := db.Write(t.Context(), func(tx *DB) (err error) {
		if r.Seq, err = tx.NextSerial(t.Context(), c.App, "records"); err != nil {
			return err
		}
		return tx.InsertRecord(t.Context(), c, s)
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestARecordKeepsEverything(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		c := testCollection(t, db, hecate.Field{Name: "a", Type: hecate.StringType})
		s := testRecord(t, db, c, Document{"a": "x"}, func(r *hecate.Record) {
			r.Owner, r.OwnerSeq, r.Key, r.Private = "u", 7, "key", true
			r.CreatedBy, r.UpdatedBy = "u", "w"
			r.Extra = hecate.Extra{"x": {"n": int64(1)}}
			r.Access = hecate.Access{Own: true, Grants: []hecate.Grant{
				{Subject: hecate.Public, Permissions: hecate.Read},
				{Subject: hecate.Owner, Permissions: hecate.AllPermissions},
				{Subject: "group:g", Permissions: hecate.NoPermissions},
				{Subject: "user:u", Permissions: hecate.Update},
			}}
		})
		for _, ref := range []RecordRef{{ID: s.ID}, {Seq: s.Seq}, {Key: "key"}} {
			got, err := db.Record(t.Context(), c, ref)
			if err != nil {
				t.Fatal(err)
			}
			if got.Values["a"] != "x" || got.OwnerSeq != 7 || !got.Private || got.Extra["x"]["n"] != int64(1) || got.UpdatedBy != "w" ||
				fmt.Sprint(got.Access) != fmt.Sprint(s.Access) {
				t.Errorf("%+v: %+v", ref, got.Record)
			}
		}
		other := testCollection(t, db)
		if _, err := db.Record(t.Context(), other, RecordRef{ID: s.ID}); !errors.Is(err, hecate.NotFound) {
			t.Errorf("found in another collection: %v", err)
		}
		strange := *c
		strange.App = "other"
		if _, err := db.Record(t.Context(), &strange, RecordRef{ID: s.ID}); !errors.Is(err, hecate.NotFound) {
			t.Errorf("found in another app: %v", err)
		}
	})
}

func TestAUniqueValueIsTakenOnce(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		c := testCollection(t, db, hecate.Field{Name: "a", Type: hecate.NumberType, Unique: true}, hecate.Field{Name: "b", Type: hecate.TextType, Unique: true})
		long := fmt.Sprintf("%05000d", 1)
		first := testRecord(t, db, c, Document{"a": int64(1), "b": long})
		testRecord(t, db, c, Document{})
		testRecord(t, db, c, Document{})
		insert := func(d Document) error {
			id := testID(t)
			return db.Write(t.Context(), func(tx *DB) error {
				return tx.InsertRecord(t.Context(), c, Stored{Doc: d, Record: &hecate.Record{ID: hecate.RecordID(id), App: c.App, Key: id, Seq: time.Now().UnixNano(), CreatedAt: time.Now(), UpdatedAt: time.Now()}})
			})
		}
		for name, d := range map[string]Document{"a": {"a": 1.0}, "b": {"b": long}} {
			if err := insert(d); !errors.Is(err, hecate.Exists) || hecate.Detail(err).Field != name {
				t.Errorf("%s: %v", name, err)
			}
		}
		// A changed record gives its value free.
		err := db.Write(t.Context(), func(tx *DB) error {
			return tx.UpdateRecord(t.Context(), c, first, Stored{Record: first.Record, Doc: Document{"a": int64(2)}})
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := insert(Document{"a": int64(1), "b": long}); err != nil {
			t.Error(err)
		}
	})
}

func TestCollectionsAreCountedInOneQuery(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		a, b := testCollection(t, db), testCollection(t, db)
		for range 3 {
			testRecord(t, db, a, Document{})
		}
		testRecord(t, db, a, Document{}, func(r *hecate.Record) { r.Private, r.Owner = true, "u" })
		got, err := db.CountRecords(t.Context(), testApp, []hecate.CollectionID{a.ID, b.ID}, 2)
		if err != nil || got[a.ID] != 2 || got[b.ID] != 0 {
			t.Errorf("%v %v", got, err)
		}
		got, err = db.CountRecords(t.Context(), testApp, []hecate.CollectionID{a.ID}, 0)
		if err != nil || got[a.ID] != 3 {
			t.Errorf("%v %v", got, err)
		}
	})
}
