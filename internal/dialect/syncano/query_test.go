package syncano

import (
	"context"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"hecate"
)

var queryClass = &hecate.Collection{ID: "book-id", Name: "book", Schema: []hecate.Field{
	{Name: "title", Type: hecate.StringType, Indexed: true},
	{Name: "note", Type: hecate.StringType},
	{Name: "pages", Type: hecate.IntegerType, Indexed: true},
	{Name: "price", Type: hecate.NumberType, Indexed: true},
	{Name: "sold", Type: hecate.BooleanType, Indexed: true},
	{Name: "out", Type: hecate.TimeType, Indexed: true},
	{Name: "author", Type: hecate.ReferenceType, Target: "author-id", Indexed: true},
	{Name: "readers", Type: hecate.RelationType, Target: hecate.UserTarget, Indexed: true},
	{Name: "next", Type: hecate.ReferenceType, Target: "book-id", Indexed: true},
	{Name: "lost", Type: hecate.ReferenceType, Target: "lost-id", Indexed: true},
	{Name: "tags", Type: hecate.ArrayType, Indexed: true},
	{Name: "place", Type: hecate.GeoType, Indexed: true},
	{Name: "old", Type: hecate.StringType, Indexed: true, Dropped: true},
}}

func newQueryReader() *queryReader {
	return &queryReader{
		class: queryClass,
		target: func(_ context.Context, id hecate.CollectionID) (*hecate.Collection, error) {
			switch id {
			case "author-id":
				return &hecate.Collection{ID: id, Schema: []hecate.Field{{Name: "name", Type: hecate.StringType, Indexed: true}}}, nil
			case hecate.UserTarget:
				return &hecate.Collection{ID: "users-id", Schema: []hecate.Field{{Name: "age", Type: hecate.IntegerType, Indexed: true}}}, nil
			}
			return nil, hecate.E(hecate.NotFound, "find class")
		},
		group: func(_ context.Context, seq int64) (hecate.GroupID, error) {
			if seq == 7 {
				return "group-7", nil
			}
			return "", hecate.E(hecate.NotFound, "find group")
		},
	}
}

func TestAWrongQueryIsRefusedWithItsReason(t *testing.T) {
	keys := make([]string, 17)
	for i := range keys {
		keys[i] = `"f` + strings.Repeat("x", i) + `":{}`
	}
	cases := []struct{ query, want string }{
		{`{not`, "Not a valid JSON string."},
		{`[]`, badQuery},
		{`5`, badQuery},
		{`{` + strings.Join(keys, ",") + `}`, "Too many keys defined (exceeds 16)."},
		{`{"` + strings.Repeat("k", 65) + `":{}}`, "Too long key defined (exceeds 64)."},
		{`{"nothing":{"_eq":1}}`, `Invalid field name defined: "nothing".`},
		{`{"old":{"_eq":1}}`, `Invalid field name defined: "old".`},
		{`{"links":{"_eq":1}}`, `Invalid field name defined: "links".`},
		{`{"note":{"_eq":"x"}}`, `Field "note" cannot be used in a query as it is not indexed.`},
		{`{"owner_permissions":{"_eq":"x"}}`, `Field "owner_permissions" cannot be used in a query as it is not indexed.`},
		{`{"pages":5}`, `Invalid field "pages" lookup type. Expected JSON object.`},
		{`{"pages":{"_bigger":1}}`, `Invalid lookup "_bigger" defined for field "pages".`},
		{`{"pages":{"_like":"1"}}`, `Invalid lookup "_like" defined for field "pages".`},
		{`{"pages":{"_contains":[1]}}`, `Invalid lookup "_contains" defined for field "pages".`},
		{`{"tags":{"_eq":1}}`, `Invalid lookup "_eq" defined for field "tags".`},
		{`{"tags":{"_exists":true}}`, `Invalid lookup "_exists" defined for field "tags".`},
		{`{"place":{"_gt":1}}`, `Invalid lookup "_gt" defined for field "place".`},
		{`{"pages":{"_near":{}}}`, `Invalid lookup "_near" defined for field "pages".`},
		{`{"title":{"_is":{}}}`, `Invalid lookup "_is" defined for field "title".`},
		{`{"pages":{"_eq":"many"}}`, `Invalid value type provided for "eq" lookup of field "pages".`},
		{`{"pages":{"_eq":null}}`, `Invalid value type provided for "eq" lookup of field "pages".`},
		{`{"pages":{"_eq":2147483648}}`, `Validation of value provided for "eq" lookup of field "pages" failed: Ensure this value is less than or equal to 2147483647.`},
		{`{"id":{"_gt":-1}}`, `Validation of value provided for "gt" lookup of field "id" failed: Ensure this value is greater than or equal to 0.`},
		{`{"price":{"_lt":"cheap"}}`, `Invalid value type provided for "lt" lookup of field "price".`},
		{`{"sold":{"_eq":"perhaps"}}`, `Invalid value type provided for "eq" lookup of field "sold".`},
		{`{"out":{"_eq":"yesterday"}}`, `Invalid value type provided for "eq" lookup of field "out".`},
		{`{"out":{"_eq":"2016-02-30"}}`, `Invalid value type provided for "eq" lookup of field "out".`},
		{`{"title":{"_eq":{}}}`, `Invalid value type provided for "eq" lookup of field "title".`},
		{`{"title":{"_eq":"` + strings.Repeat("x", 129) + `"}}`, `Validation of value provided for "eq" lookup of field "title" failed: Ensure this value has at most 128 characters (it has 129).`},
		{`{"channel":{"_startswith":"x"}}`, `startswith is not supported on this field type.`},
		{`{"pages":{"_in":5}}`, `Invalid value type provided for "in" lookup of field "pages".`},
		{`{"pages":{"_in":["a"]}}`, `Invalid value type provided for "in" lookup of field "pages".`},
		{`{"pages":{"_nin":` + many(129, "%d") + `}}`, `Too many values provided for "nin" lookup of field "pages". Max 128.`},
		{`{"pages":{"_exists":1}}`, `Invalid value type provided for "exists" lookup of field "pages".`},
		{`{"tags":{"_contains":"x"}}`, `Invalid value type provided for "contains" lookup of field "tags".`},
		{`{"tags":{"_contains":[{}]}}`, `Invalid value type provided for "contains" lookup of field "tags".`},
		{`{"readers":{"_contains":["x"]}}`, `Invalid value type provided for "contains" lookup of field "readers".`},
		{`{"author":{"_is":5}}`, badQuery},
		{`{"author":{"_is":{"nothing":{"_eq":1}}}}`, `Invalid field name defined: "nothing".`},
		{`{"author":{"_is":{"username":{"_eq":"x"}}}}`, `Invalid field name defined: "username".`},
		{`{"next":{"_is":{"next":{"_is":{}}}}}`, doubleNested},
		{`{"lost":{"_is":{}}}`, `Referenced class does not exist.`},
		{`{"place":{"_near":5}}`, `Invalid value type provided for "near" lookup of field "place".`},
		{`{"place":{"_near":{"latitude":1}}}`, `Invalid value type provided for "near" lookup of field "place".`},
		{`{"place":{"_near":{"latitude":91,"longitude":1}}}`, badCoordinates},
		{`{"place":{"_near":{"latitude":1,"longitude":1,"distance_in_miles":-4}}}`, badDistance},
		{`{"place":{"_near":{"latitude":1,"longitude":1,"distance_in_miles":24902}}}`, badDistance},
		{`{"place":{"_near":{"latitude":1,"longitude":1,"distance_in_kilometers":"x"}}}`, badDistance},
	}
	for _, c := range cases {
		_, err := newQueryReader().read(t.Context(), []string{c.query})
		if fault, ok := err.(queryFault); !ok || string(fault) != c.want {
			t.Errorf("%.90s\n got %v\nwant %s", c.query, err, c.want)
		}
	}
}

func TestAQueryBecomesAFilter(t *testing.T) {
	field := func(name string) hecate.Operand { return hecate.FieldOperand(queryClass.Field(name)) }
	folded := func(o hecate.Operand) hecate.Operand { o.Fold = true; return o }
	column := func(c hecate.Column) hecate.Operand { return hecate.Operand{Column: c} }
	day := time.Date(1945, 8, 17, 0, 0, 0, 0, time.UTC)
	cases := []struct {
		query string
		want  hecate.Filter
	}{
		{`{"title":{"_eq":"x"}}`, hecate.Filter{Op: hecate.OpEqual, Operand: field("title"), Value: "x"}},
		{`{"title":{"_ieq":"x"}}`, hecate.Filter{Op: hecate.OpEqual, Operand: folded(field("title")), Value: "x"}},
		{`{"title":{"_contains":"%"}}`, hecate.Filter{Op: hecate.OpSubstring, Operand: field("title"), Value: "%"}},
		{`{"title":{"_istartswith":"a"}}`, hecate.Filter{Op: hecate.OpPrefix, Operand: folded(field("title")), Value: "a"}},
		{`{"title":{"_endswith":"a"}}`, hecate.Filter{Op: hecate.OpSuffix, Operand: field("title"), Value: "a"}},
		{`{"title":{"_like":"a\\"}}`, hecate.Filter{Op: hecate.OpLike, Operand: field("title"), Value: `a\\`}},
		{`{"title":{"_like":"a\\\\"}}`, hecate.Filter{Op: hecate.OpLike, Operand: field("title"), Value: `a\\`}},
		{`{"pages":{"_gte":"5"}}`, hecate.Filter{Op: hecate.OpGreaterEqual, Operand: field("pages"), Value: int64(5)}},
		{`{"price":{"_lt":5}}`, hecate.Filter{Op: hecate.OpLess, Operand: field("price"), Value: 5.0}},
		{`{"sold":{"_neq":"true"}}`, hecate.Filter{Op: hecate.OpNotEqual, Operand: field("sold"), Value: true}},
		{`{"out":{"_lte":"1945-08-17"}}`, hecate.Filter{Op: hecate.OpLessEqual, Operand: field("out"), Value: day}},
		{`{"out":{"_gt":"1945-08-17T02:00:00+02:00"}}`, hecate.Filter{Op: hecate.OpGreater, Operand: field("out"), Value: day}},
		{`{"pages":{"_in":[1,"2"]}}`, hecate.Filter{Op: hecate.OpIn, Operand: field("pages"), Value: []any{int64(1), int64(2)}}},
		{`{"author":{"_eq":5}}`, hecate.Filter{Op: hecate.OpEqual, Operand: field("author"), Value: hecate.Ref{Collection: "author-id", Seq: 5}}},
		{`{"readers":{"_contains":[5]}}`, hecate.Filter{Op: hecate.OpContains, Operand: field("readers"), Value: []any{hecate.Ref{Collection: hecate.UserTarget, Seq: 5}}}},
		{`{"tags":{"_contains":["a",1,true]}}`, hecate.Filter{Op: hecate.OpContains, Operand: field("tags"), Value: []any{"a", int64(1), true}}},
		{`{"pages":{"_exists":false}}`, hecate.Filter{Op: hecate.OpExists, Operand: field("pages"), Value: false}},
		{`{"id":{"_exists":false}}`, nothing()},
		{`{"id":{"_exists":true}}`, everything()},
		{`{"id":{"_gt":3}}`, hecate.Filter{Op: hecate.OpGreater, Operand: column(hecate.SeqColumn), Value: int64(3)}},
		{`{"owner":{"_eq":3}}`, hecate.Filter{Op: hecate.OpEqual, Operand: column(hecate.OwnerSeqColumn), Value: int64(3)}},
		{`{"owner":{"_exists":false}}`, hecate.Filter{Op: hecate.OpExists, Operand: column(hecate.OwnerSeqColumn), Value: false}},
		{`{"group":{"_in":[7,8]}}`, hecate.Filter{Op: hecate.OpIn, Operand: column(hecate.GroupColumn), Value: []any{"group-7", ""}}},
		{`{"channel":{"_eq":"x"}}`, nothing()},
		{`{"channel":{"_neq":"x"}}`, everything()},
		{`{"channel_room":{"_exists":false}}`, everything()},
		{`{"place":{"_near":{"latitude":1,"longitude":2,"distance_in_kilometers":20}}}`, hecate.Filter{Op: hecate.OpNear, Operand: field("place"), Value: hecate.Geo{Lat: 1, Lng: 2}, Meters: 20000}},
		{`{"place":{"_near":{"latitude":1,"longitude":2}}}`, hecate.Filter{Op: hecate.OpNear, Operand: field("place"), Value: hecate.Geo{Lat: 1, Lng: 2}, Meters: 160934.4}},
		{`{"next":{"_is":{"pages":{"_eq":1}}}}`, hecate.Filter{Op: hecate.OpJoined, Operand: field("next"), Target: "book-id",
			Sub: []hecate.Filter{hecate.And(hecate.Filter{Op: hecate.OpEqual, Operand: field("pages"), Value: int64(1)})}}},
		{`{"readers":{"_is":{"id":{"_in":[1]}}}}`, hecate.Filter{Op: hecate.OpJoined, Operand: field("readers"), Target: hecate.UserTarget,
			Sub: []hecate.Filter{hecate.And(hecate.Filter{Op: hecate.OpIn, Operand: column(hecate.UserSeqColumn), Value: []any{int64(1)}})}}},
	}
	for _, c := range cases {
		got, err := newQueryReader().read(t.Context(), []string{c.query})
		if err != nil {
			t.Errorf("%s: %v", c.query, err)
			continue
		}
		near := len(got.Sub) == 1 && got.Sub[0].Op == hecate.OpNear && math.Abs(got.Sub[0].Meters-c.want.Meters) < 1e-6
		if near {
			got.Sub[0].Meters = c.want.Meters
		}
		if !reflect.DeepEqual(got, hecate.And(c.want)) {
			t.Errorf("%s\n got %+v\nwant %+v", c.query, got, hecate.And(c.want))
		}
	}
}

func TestSeveralQueriesAllHold(t *testing.T) {
	got, err := newQueryReader().read(t.Context(), []string{`{"pages":{"_gt":1,"_lt":5}}`, ``, `{"title":{"_eq":"x"}}`})
	if err != nil || got.Op != hecate.OpAll || len(got.Sub) != 3 {
		t.Errorf("%+v %v", got, err)
	}
	if got, err := newQueryReader().read(t.Context(), nil); err != nil || got.Op != hecate.OpAll || len(got.Sub) != 0 {
		t.Errorf("%+v %v", got, err)
	}
}

func TestAtMostFourJoins(t *testing.T) {
	class := *queryClass
	class.Schema = nil
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		class.Schema = append(class.Schema, hecate.Field{Name: name, Type: hecate.ReferenceType, Target: class.ID, Indexed: true})
	}
	reader := newQueryReader()
	reader.class = &class
	if _, err := reader.read(t.Context(), []string{`{"a":{"_is":{}},"b":{"_is":{}},"c":{"_is":{}},"d":{"_is":{}}}`}); err != nil {
		t.Error(err)
	}
	_, err := reader.read(t.Context(), []string{`{"a":{"_is":{}},"b":{"_is":{}},"c":{"_is":{}},"d":{"_is":{}},"e":{"_is":{}}}`})
	if err == nil || err.Error() != "Too many nested queries defined (exceeds 4)." {
		t.Error(err)
	}
}

func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		`{"title":{"_like":"a\\"}}`, `{"author":{"_is":{"name":{"_eq":"x"}}}}`, `{"pages":{"_in":[1,2,3]}}`, `{"place":{"_near":{"latitude":1,"longitude":2}}}`,
		`{"out":{"_gt":"2016-01-01"}}`, `{"group":{"_nin":[7]}}`, `{"readers":{"_is":{"username":{"_ilike":"%"}}}}`, `{"id":{"_eq":1e400}}`, `null`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		filter, err := newQueryReader().read(t.Context(), []string{text})
		if err != nil {
			if _, ok := err.(queryFault); !ok {
				t.Fatalf("not a fault of the query: %v", err)
			}
			return
		}
		q := hecate.Query{Filter: filter, Limit: 100}
		if err := q.Check(); err != nil && hecate.KindOf(err) != hecate.TooLarge {
			t.Fatal(err)
		}
	})
}
