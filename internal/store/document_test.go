package store

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hecate"
)

// storable draws a value that a document may hold, nested up to depth.
func storable(depth int) *rapid.Generator[any] {
	text := rapid.StringMatching(`[a-z$"\\\n\t<&é~ ]{0,6}`)
	scalars := []*rapid.Generator[any]{
		rapid.Custom(func(t *rapid.T) any { return text.Draw(t, "text") }),
		rapid.Custom(func(t *rapid.T) any { return rapid.Int64().Draw(t, "int") }),
		rapid.Custom(func(t *rapid.T) any {
			f := rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{0, 1, -1, 1e18, 1e21, 1e300, 5e-324, 0.1, math.MaxFloat64})).Draw(t, "float")
			if f == 0 || math.IsNaN(f) || math.IsInf(f, 0) {
				return 0.0
			}
			return f
		}),
		rapid.Custom(func(t *rapid.T) any { return rapid.Bool().Draw(t, "bool") }),
		rapid.Custom(func(t *rapid.T) any {
			return time.UnixMicro(rapid.Int64Range(-62135596800000000, 253402300799999999).Draw(t, "micros")).UTC()
		}),
		rapid.Custom(func(t *rapid.T) any {
			return hecate.Geo{Lat: rapid.Float64Range(-90, 90).Draw(t, "lat") + 0, Lng: rapid.Float64Range(-180, 180).Draw(t, "lng") + 0}
		}),
		rapid.Custom(func(t *rapid.T) any { return drawRef(t) }),
		rapid.Custom(func(t *rapid.T) any {
			return rapid.SliceOfN(rapid.Custom(drawRef), 0, 3).Draw(t, "refs")
		}),
		rapid.Custom(func(t *rapid.T) any {
			return hecate.FileRef{ID: "f", Handle: "h", Name: text.Draw(t, "name"), Type: "image/png", Size: rapid.Int64Min(0).Draw(t, "size")}
		}),
	}
	if depth == 0 {
		return rapid.OneOf(scalars...)
	}
	inner := rapid.Deferred(func() *rapid.Generator[any] { return storable(depth - 1) })
	key := rapid.OneOf(rapid.SampledFrom([]string{tagTime, tagRef, tagRefs, tagGeo, tagFile, tagObject, "$", "a", ""}), text)
	return rapid.OneOf(append(scalars,
		rapid.Custom(func(t *rapid.T) any {
			list := rapid.SliceOfN(inner, 0, 3).Draw(t, "list")
			return append([]any{}, list...)
		}),
		rapid.Custom(func(t *rapid.T) any { return rapid.MapOfN(key, inner, 0, 3).Draw(t, "object") }),
	)...)
}

func drawRef(t *rapid.T) hecate.Ref {
	return hecate.Ref{ID: "r", Seq: rapid.Int64Min(1).Draw(t, "seq"), Collection: "c", Key: rapid.SampledFrom([]string{"", "k\"<"}).Draw(t, "key")}
}

// same0 makes negative zero, which is not kept, plain zero.
func noNegativeZero(v any) any {
	switch v := v.(type) {
	case hecate.Geo:
		return hecate.Geo{Lat: v.Lat + 0, Lng: v.Lng + 0}
	case []any:
		for i := range v {
			v[i] = noNegativeZero(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = noNegativeZero(v[k])
		}
	}
	return v
}

func TestDocumentsComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := Document{}
		for k, v := range rapid.MapOfN(rapid.StringMatching(`[a-z$~"é]{1,4}`), storable(3), 0, 4).Draw(t, "document") {
			d[k] = noNegativeZero(v)
		}
		text, err := d.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid([]byte(text)) {
			t.Fatalf("not JSON: %s", text)
		}
		back, err := DecodeDocument(text)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(back, d) {
			t.Fatalf("%s\n%#v\n%#v", text, d, back)
		}
	})
}

// The databases may write JSON anew (jsonb does): values must survive that too.
func TestDocumentsSurviveTheDatabase(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		c := testCollection(t, db, hecate.Field{Name: "v", Type: hecate.JSONType})
		rapid.Check(t, func(rt *rapid.T) {
			d := Document{"v": noNegativeZero(storable(2).Draw(rt, "value"))}
			s := testRecord(t, db, c, d)
			got, err := db.Record(t.Context(), c, RecordRef{ID: s.ID})
			if err != nil {
				rt.Fatal(err)
			}
			if !reflect.DeepEqual(got.Doc, d) {
				rt.Fatalf("%#v\n%#v", d, got.Doc)
			}
		})
	})
}

func TestWhatLooksLikeATagStaysWhatItWas(t *testing.T) {
	t.Parallel()
	for _, v := range []any{
		map[string]any{"$time": "2020-01-01T00:00:00.000000Z"},
		map[string]any{"$ref": map[string]any{"id": "x"}},
		map[string]any{"$object": map[string]any{"$time": int64(1)}},
		map[string]any{"$unknown": int64(1)},
		[]any{map[string]any{"$geo": nil}},
	} {
		text, err := Document{"v": v}.Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := DecodeDocument(text)
		if err != nil || !reflect.DeepEqual(back["v"], v) {
			t.Errorf("%s came back as %#v, %v", text, back["v"], err)
		}
	}
}

func TestADocumentShowsWhatItsSchemaNames(t *testing.T) {
	t.Parallel()
	d := Document{"a": "old", "a~2": int64(1), "gone": true, "free": "x"}
	c := &hecate.Collection{Schema: []hecate.Field{
		{Name: "a", Type: hecate.IntegerType, Slot: "a~2"},
		{Name: "a", Type: hecate.StringType, Slot: "a", Dropped: true},
		{Name: "gone", Type: hecate.BooleanType, Slot: "gone", Dropped: true},
	}}
	if got := d.Named(c); !reflect.DeepEqual(got, hecate.Values{"a": int64(1)}) {
		t.Errorf("closed: %v", got)
	}
	c.Open = true
	if got := d.Named(c); !reflect.DeepEqual(got, hecate.Values{"a": int64(1), "free": "x"}) {
		t.Errorf("open: %v", got)
	}
}
