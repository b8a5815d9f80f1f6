package engine

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hecate"
)

func listed[T any](rows []T, name func(T) string) string {
	var list []string
	for _, r := range rows {
		list = append(list, name(r))
	}
	return strings.Join(list, " ")
}

func TestCollectionsAreListedProfileFirst(t *testing.T) {
	withRecords(t, func(t *testing.T, h *records) {
		h.collection("abc")
		must[*hecate.Collection](t)(h.CreateCollection(ctx, h.owner, CollectionInput{Name: "hidden", Access: hecate.Access{Own: true}}))
		list := func(actor *hecate.Actor, in List) string {
			t.Helper()
			page := must[hecate.Page[*hecate.Collection]](t)(h.Collections(ctx, actor, in))
			return fmt.Sprintf("%s %v", listed(page.Rows, func(c *hecate.Collection) string { return c.Name }), page.More)
		}
		for _, test := range []struct {
			in   List
			want string
		}{
			{List{Limit: 10}, "users things abc hidden false"},
			{List{Limit: 2}, "users things true"},
			{List{Limit: 2, After: 2}, "abc hidden false"},
			{List{Limit: 2, After: 4, Backward: true}, "things abc true"},
			{List{Limit: 2, Desc: true}, "hidden abc true"},
			{List{Limit: 2, Desc: true, After: 3}, "things users false"},
			{List{Limit: 1, Desc: true, After: 1, Backward: true}, "things true"},
			{List{Limit: 10, Prefix: "A"}, "abc false"},
			{List{Limit: 0}, " true"},
		} {
			if got := list(h.owner, test.in); got != test.want {
				t.Errorf("%+v: %q, want %q", test.in, got, test.want)
			}
		}
		ann := h.as(h.app, h.key, h.user(h.owner, "ann"))
		if got := list(ann, List{Limit: 10}); got != "users things abc false" {
			t.Errorf("a user sees %q", got)
		}
		failed[*hecate.Collection](t, hecate.NotFound, "")(h.Collection(ctx, ann, "hidden"))
		for _, name := range []string{"none", "a\x00", "\xff", ""} {
			failed[*hecate.Collection](t, hecate.NotFound, "")(h.Collection(ctx, h.owner, name))
		}
		if c := must[*hecate.Collection](t)(h.Collection(ctx, h.owner, "ABC")); c.Name != "abc" {
			t.Error(c.Name)
		}
		failed[*hecate.Collection](t, hecate.Forbidden, "")(h.CreateCollection(ctx, ann, CollectionInput{Name: "x"}))
		failed[*hecate.Collection](t, hecate.Forbidden, "")(h.UpdateCollection(ctx, ann, "abc", 0, func(*CollectionInput) error { return nil }))
		fails(t, h.DeleteCollection(ctx, ann, "abc"), hecate.Forbidden, "")
	})
}

func TestBadCollectionsAreRefused(t *testing.T) {
	withRecords(t, func(t *testing.T, h *records) {
		for _, name := range []string{"", strings.Repeat("x", 65), "a/b", "a\x00", "\xff", "a\n"} {
			failed[*hecate.Collection](t, hecate.Invalid, "name")(h.CreateCollection(ctx, h.owner, CollectionInput{Name: name}))
		}
		failed[*hecate.Collection](t, hecate.Exists, "name")(h.CreateCollection(ctx, h.owner, CollectionInput{Name: "THINGS"}))
		for _, fields := range [][]hecate.Field{
			{{Name: "", Type: hecate.StringType}}, {{Name: "a", Type: "nonsense"}}, {{Name: "a"}},
			{{Name: "a", Type: hecate.StringType}, {Name: "a", Type: hecate.StringType}},
			{{Name: "a", Type: hecate.ReferenceType}}, {{Name: "a", Type: hecate.RelationType, Target: "none"}},
			{{Name: "a", Type: hecate.ArrayType, Unique: true}}, {{Name: "a\x00", Type: hecate.StringType}}, make([]hecate.Field, 65),
		} {
			failed[*hecate.Collection](t, hecate.Invalid, "schema")(h.CreateCollection(ctx, h.owner, CollectionInput{Name: "bad", Schema: fields}))
		}
		failed[*hecate.Collection](t, hecate.Stale, "")(h.UpdateCollection(ctx, h.owner, "things", 7, func(*CollectionInput) error { return nil }))
		failed[*hecate.Collection](t, hecate.NotFound, "")(h.UpdateCollection(ctx, h.owner, "none", 0, func(*CollectionInput) error { return nil }))
		fails(t, h.DeleteCollection(ctx, h.owner, "none"), hecate.NotFound, "")
		h.limits.CollectionsPerApp = 3
		h.collection("third")
		_, err := h.CreateCollection(ctx, h.owner, CollectionInput{Name: "fourth"})
		fails(t, err, hecate.TooLarge, "collections")
		if hecate.Detail(err).Info["limit"] != 3 {
			t.Errorf("%v", hecate.Detail(err).Info)
		}
	})
}

// change gives the collection of h another schema.
func (h *records) schema(fields ...hecate.Field) {
	h.t.Helper()
	h.c = must[*hecate.Collection](h.t)(h.UpdateCollection(ctx, h.owner, h.c.Name, 0, func(in *CollectionInput) error {
		in.Schema = fields
		return nil
	}))
}

func TestFieldsComeAndGoWithTheirValues(t *testing.T) {
	withRecords(t, func(t *testing.T, h *records) {
		text := hecate.Field{Name: "x", Type: hecate.StringType, Indexed: true}
		number := hecate.Field{Name: "x", Type: hecate.IntegerType, Indexed: true}
		h.c = h.collection("plain", text)
		r := h.make(h.owner, hecate.Values{"x": "old"})
		shows := func(want any) {
			t.Helper()
			if got := h.load(r).Values["x"]; got != want {
				t.Errorf("shows %v, want %v", got, want)
			}
			if want == nil {
				return
			}
			page := must[hecate.Page[*hecate.Record]](t)(h.Records(ctx, h.owner, h.c, hecate.Query{Limit: 9, Filter: hecate.Filter{Op: hecate.OpEqual, Operand: hecate.FieldOperand(h.c.Field("x")), Value: want}}))
			if len(page.Rows) != 1 {
				t.Errorf("%v is not found", want)
			}
		}
		h.schema() // removed
		shows(nil)
		if h.c.Revision != 2 {
			t.Errorf("revision %d", h.c.Revision)
		}
		h.schema(text) // back
		shows("old")
		h.schema(number) // retyped: empty
		shows(nil)
		h.change(h.owner, r, RecordInput{Values: hecate.Values{"x": int64(7)}})
		shows(int64(7))
		h.schema(text) // typed back: empty again
		shows(nil)
		h.change(h.owner, r, RecordInput{Values: hecate.Values{"x": "new"}})
		h.schema()
		h.schema(number) // another type in between, while it was removed
		shows(nil)
		h.schema(text)
		shows(nil)
		h.change(h.owner, r, RecordInput{Values: hecate.Values{"x": "newest"}})
		h.schema()
		h.schema(text)
		shows("newest")
		before := h.c.Revision
		h.schema(text)
		if h.c.Revision != before {
			t.Error("the same schema is a new revision")
		}
		got := must[*hecate.Collection](t)(h.UpdateCollection(ctx, h.owner, "plain", before, func(in *CollectionInput) error {
			in.Description = "d"
			in.Metadata = map[string]any{"n": int64(1)}
			return nil
		}))
		if got.Revision != before || got.Description != "d" || got.Name != "plain" || !reflect.DeepEqual(got.Metadata, map[string]any{"n": int64(1)}) {
			t.Errorf("%+v", got)
		}
	})
}

func TestIndexesAreBuiltForWhatIsThere(t *testing.T) {
	withRecords(t, func(t *testing.T, h *records) {
		fields := []hecate.Field{{Name: "i", Type: hecate.IntegerType}, {Name: "a", Type: hecate.ArrayType}}
		h.c = h.collection("plain", fields...)
		for i := range 7 {
			h.make(h.owner, hecate.Values{"i": int64(i % 3), "a": []any{int64(i), "x"}})
		}
		h.make(h.owner, nil)
		fields[0].Indexed, fields[0].Ordered, fields[1].Indexed = true, true, true
		h.schema(fields...)
		find := func(f hecate.Filter) int {
			t.Helper()
			return len(must[hecate.Page[*hecate.Record]](t)(h.Records(ctx, h.owner, h.c, hecate.Query{Limit: 9, Filter: f})).Rows)
		}
		if n := find(hecate.Filter{Op: hecate.OpEqual, Operand: hecate.FieldOperand(&fields[0]), Value: int64(0)}); n != 3 {
			t.Errorf("%d records", n)
		}
		if n := find(hecate.Filter{Op: hecate.OpContains, Operand: hecate.FieldOperand(&fields[1]), Value: []any{"x", int64(6)}}); n != 1 {
			t.Errorf("%d records", n)
		}
		page := must[hecate.Page[*hecate.Record]](t)(h.Records(ctx, h.owner, h.c, hecate.Query{Limit: 9, Order: []hecate.Order{{Operand: hecate.FieldOperand(&fields[0])}}}))
		if got := listed(page.Rows, func(r *hecate.Record) string { return fmt.Sprint(r.Values["i"]) }); got != "0 0 0 1 1 2 2 <nil>" {
			t.Error(got)
		}
		unique := slices.Clone(fields)
		unique[0].Unique = true
		failed[*hecate.Collection](t, hecate.Invalid, "schema")(h.UpdateCollection(ctx, h.owner, "plain", 0, func(in *CollectionInput) error {
			in.Schema = unique
			return nil
		}))
		h.schema(fields[1]) // i goes, and comes back as unique: its values are in the way
		failed[*hecate.Collection](t, hecate.Invalid, "schema")(h.UpdateCollection(ctx, h.owner, "plain", 0, func(in *CollectionInput) error {
			in.Schema = unique
			return nil
		}))
		h.schema(append(fields, hecate.Field{Name: "new", Type: hecate.StringType, Unique: true})...)
		h.make(h.owner, hecate.Values{"new": "x"})
		failed[*hecate.Record](t, hecate.Exists, "new")(h.CreateRecord(ctx, h.owner, h.c, RecordInput{Values: hecate.Values{"new": "x"}}))
	})
}

func TestADeletedCollectionLeavesNothing(t *testing.T) {
	withRecords(t, func(t *testing.T, h *records) {
		file := must[hecate.FileRef](t)(h.StageFile(ctx, h.owner, Upload{Name: "x", Bytes: strings.NewReader("x")}))
		r := h.make(h.owner, hecate.Values{"u": "x", "f": file, "a": []any{"y"}})
		must[*hecate.Record](t)(h.Record(ctx, h.owner, h.c, RecordRef{ID: r.ID}))
		works(t, h.DeleteCollection(ctx, h.owner, "things"))
		failed[*hecate.Collection](t, hecate.NotFound, "")(h.Collection(ctx, h.owner, "things"))
		failed[*hecate.Record](t, hecate.NotFound, "")(h.Record(ctx, h.owner, h.c, RecordRef{ID: r.ID}))
		_, _, err := h.OpenFile(ctx, file.Handle)
		fails(t, err, hecate.NotFound, "")
		again := h.collection("things", testFields...)
		if again.ID == h.c.ID || again.Seq <= h.c.Seq {
			t.Errorf("%+v", again)
		}
		h.c = again
		h.make(h.owner, hecate.Values{"u": "x"})
		counts := must[map[hecate.CollectionID]int](t)(h.CountRecords(ctx, h.app.ID, []hecate.CollectionID{again.ID}, 1000))
		if counts[again.ID] != 1 {
			t.Errorf("%v", counts)
		}
	})
}

// Whatever a schema goes through, live fields have slots of their own, and a
// field that comes back has the slot it had, unless it had another type in between.
func TestSchemasEvolveWithoutMixingValues(t *testing.T) {
	t.Parallel()
	field := rapid.Custom(func(t *rapid.T) hecate.Field {
		f := hecate.Field{Name: rapid.SampledFrom([]string{"a", "b", "a~2", "a~3", "b~2"}).Draw(t, "name")}
		f.Type = rapid.SampledFrom([]hecate.FieldType{hecate.StringType, hecate.IntegerType, hecate.ReferenceType}).Draw(t, "type")
		if f.Type == hecate.ReferenceType {
			f.Target = rapid.SampledFrom([]hecate.CollectionID{"c1", "c2"}).Draw(t, "target")
		}
		return f
	})
	rapid.Check(t, func(t *rapid.T) {
		var schema []hecate.Field
		type place struct{ what, slot string }
		home, used := map[string]place{}, map[string]string{}
		for range rapid.IntRange(1, 12).Draw(t, "changes") {
			wanted := rapid.SliceOfNDistinct(field, 0, 5, func(f hecate.Field) string { return f.Name }).Draw(t, "wanted")
			schema = evolve(schema, wanted)
			slots := map[string]bool{}
			for i, f := range schema {
				if slots[f.Slot] {
					t.Fatalf("slot %s is used twice: %+v", f.Slot, schema)
				}
				slots[f.Slot] = true
				if f.Dropped != (i >= len(wanted)) || !f.Dropped && f.Name != wanted[i].Name {
					t.Fatalf("%+v is not %+v", schema, wanted)
				}
				what := fmt.Sprint(f.Name, f.Type, f.Target)
				was, known := home[f.Name]
				if !f.Dropped && known && (was.slot == f.Slot) != (was.what == what) {
					t.Fatalf("%s was %s in %s and is in %s", what, was.what, was.slot, f.Slot)
				}
				if f.Dropped {
					continue
				}
				if used[f.Slot] != "" && used[f.Slot] != what {
					t.Fatalf("%s shows what %s held", what, used[f.Slot])
				}
				used[f.Slot], home[f.Name] = what, place{what, f.Slot}
			}
		}
	})
}

// A field that is called something else now keeps its values, though a new one takes its name in the same change, whichever comes first.
func TestARenamedFieldKeepsItsValuesFromItsNamesake(t *testing.T) {
	t.Parallel()
	old := evolve(nil, []hecate.Field{{Name: "a", Type: hecate.StringType}})
	renamed, namesake := hecate.Field{Name: "b", Type: hecate.StringType, Slot: "a"}, hecate.Field{Name: "a", Type: hecate.StringType}
	for _, wanted := range [][]hecate.Field{{renamed, namesake}, {namesake, renamed}} {
		for _, f := range evolve(old, wanted) {
			if (f.Name == "b") != (f.Slot == "a") {
				t.Errorf("%+v has the slot %q", wanted, f.Slot)
			}
		}
	}
}
