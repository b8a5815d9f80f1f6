package store

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hecate"
)

// wildValue draws anything that could stand in a query.
func wildValue(w *world) *rapid.Generator[any] {
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"\x00", "\xff\xfe", "'", `"`, `\`, "%_%_%_", "**?[", "$1", "(", "]", "[^", "\U0010ffff", "a\u0300"}))
	one := rapid.OneOf(
		rapid.Custom(func(t *rapid.T) any { return text.Draw(t, "text") }),
		rapid.Custom(func(t *rapid.T) any { return rapid.Int64().Draw(t, "int") }),
		rapid.Custom(func(t *rapid.T) any { return rapid.Float64().Draw(t, "float") }),
		rapid.SampledFrom([]any{nil, true, false, math.NaN(), math.Inf(1), math.MaxFloat64, 7, time.Time{}, time.Unix(1<<40, 0), hecate.Ref{}, hecate.Ref{ID: "\x00"},
			hecate.Ref{Key: "k"}, hecate.Geo{Lat: math.NaN()}, hecate.Geo{Lat: 1e300, Lng: -1e300}, struct{}{}, []string{"x"}, hecate.UserID("u"), map[string]any{"a": 1}}),
		rapid.Custom(func(t *rapid.T) any {
			return w.value(t, rapid.SampledFrom([]hecate.FieldType{hecate.StringType, hecate.NumberType, hecate.TimeType, hecate.ReferenceType, hecate.GeoType}).Draw(t, "type"))
		}),
	)
	return rapid.OneOf(one, rapid.Custom(func(t *rapid.T) any {
		return append([]any{}, rapid.SliceOfN(one, 0, 6).Draw(t, "list")...)
	}))
}

func wildOperand(w *world, t *rapid.T) hecate.Operand {
	if rapid.IntRange(0, 3).Draw(t, "tame") > 0 {
		return w.operand(t)
	}
	part := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"string", "json", "relation_x", "$time", "gone", "\x00", "\xff", `"`, "'", "", "~2", "a.b", `\`}))
	types := []hecate.FieldType{"", hecate.StringType, hecate.JSONType, hecate.NumberType, hecate.ArrayType, hecate.RelationType, "nonsense", hecate.FileType}
	return hecate.Operand{
		Column: hecate.Column(rapid.SampledFrom([]int{0, 0, 0, 0, 0, 0, 9, 12, 13, 14, 16, 17, 0, 200}).Draw(t, "column")), Fold: rapid.Bool().Draw(t, "fold"), Any: rapid.Bool().Draw(t, "any"),
		Path: rapid.SliceOfN(part, 0, 3).Draw(t, "path"), Type: rapid.SampledFrom(types).Draw(t, "type"),
	}
}

func wildFilter(w *world, t *rapid.T, depth int) hecate.Filter {
	f := hecate.Filter{
		Op: hecate.Op(rapid.IntRange(0, int(hecate.OpCount)).Draw(t, "op")), Operand: wildOperand(w, t), Value: wildValue(w).Draw(t, "value"),
		Meters: rapid.SampledFrom([]float64{0, 1, -1, math.NaN(), math.Inf(1), 1e7}).Draw(t, "meters"),
		Target: rapid.SampledFrom([]hecate.CollectionID{"", "none", hecate.UserTarget, w.target.ID, w.c.ID}).Draw(t, "target"),
	}
	parts := rapid.IntRange(0, 2).Draw(t, "parts")
	if rapid.IntRange(0, 9).Draw(t, "well formed") > 0 {
		fit(w, t, &f, &parts)
	}
	for range parts {
		if depth > 0 || f.Op == hecate.OpNot || f.Op == hecate.OpJoined {
			f.Sub = append(f.Sub, wildFilter(w, t, max(0, depth-1)))
		}
	}
	return f
}

// fit gives an operator the shape it needs, so that most queries get as far as the database.
func fit(w *world, t *rapid.T, f *hecate.Filter, parts *int) {
	f.Op %= hecate.OpCount
	switch f.Op {
	case hecate.OpNot, hecate.OpJoined:
		*parts = 1
	case hecate.OpIn, hecate.OpNotIn, hecate.OpContains:
		if _, ok := f.Value.([]any); !ok {
			f.Value = []any{f.Value}
		}
	case hecate.OpExists:
		f.Value = rapid.Bool().Draw(t, "exists")
	case hecate.OpLike, hecate.OpSubstring, hecate.OpPrefix, hecate.OpSuffix, hecate.OpWord:
		f.Value = rapid.String().Draw(t, "pattern")
	case hecate.OpNear:
		f.Value = hecate.Geo{Lat: rapid.Float64().Draw(t, "lat"), Lng: rapid.Float64().Draw(t, "lng")}
		f.Meters = max(0, min(f.Meters, 1e300))
	}
}

// anyQuery runs whatever a caller may ask: it is answered or refused, soon, and is never a fault.
func anyQuery(t *testing.T, w *world, rt *rapid.T) {
	q := hecate.Query{
		Filter: wildFilter(w, rt, 4), Limit: rapid.IntRange(0, 20).Draw(rt, "limit"), Offset: rapid.IntRange(0, 3).Draw(rt, "offset"),
		Backward: rapid.Bool().Draw(rt, "backward"), Count: rapid.Bool().Draw(rt, "count"), CountMax: rapid.IntRange(0, 3).Draw(rt, "count to"),
		SeqDesc: rapid.Bool().Draw(rt, "desc"), Private: hecate.UserID(rapid.SampledFrom([]string{"", "u1"}).Draw(rt, "private")),
	}
	for range rapid.IntRange(0, 2).Draw(rt, "orders") {
		q.Order = append(q.Order, hecate.Order{Operand: wildOperand(w, rt), Desc: rapid.Bool().Draw(rt, "down"), NullsLast: rapid.Bool().Draw(rt, "nulls last")})
		if rapid.IntRange(0, 4).Draw(rt, "by distance") == 0 {
			q.Order[len(q.Order)-1].From = &hecate.Geo{Lat: rapid.Float64().Draw(rt, "from lat"), Lng: rapid.SampledFrom([]float64{0, math.NaN(), 180, 1e300}).Draw(rt, "from lng")}
		}
	}
	if rapid.Bool().Draw(rt, "after") {
		q.After = &hecate.Cursor{Seq: rapid.Int64().Draw(rt, "seq")}
		for range q.Order {
			q.After.Values = append(q.After.Values, wildValue(w).Draw(rt, "cursor"))
		}
	}
	s := w.search(q)
	s.Targets[hecate.UserTarget] = Joined{Collection: w.c, Visible: hecate.Visibility{Want: hecate.Read, User: "u1", Subjects: []hecate.Subject{"user:u1", hecate.Anyone}}}
	s.Targets[w.c.ID] = Joined{Collection: w.c, Visible: hecate.Visibility{All: true}}
	soon, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err := w.db.Records(soon, s)
	if err != nil && !errors.Is(err, hecate.Invalid) && !errors.Is(err, hecate.TooLarge) {
		text, args, _ := w.db.compilePage(s, recordColumns)
		rt.Fatalf("%+v: %v\n%s\n%#v", q, err, text, args)
	}
}

func TestAnyQueryIsAnsweredOrRefused(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		w := newWorld(t, db)
		w.fillBySeed(t, 12)
		rapid.Check(t, func(rt *rapid.T) {
			for range 5 {
				anyQuery(t, w, rt)
			}
		})
	})
}

func FuzzQuery(f *testing.F) {
	db := openTest(f, testConfig(f, "sqlite", nil))
	w := newWorld(f, db)
	w.fillBySeed(f, 12)
	f.Fuzz(func(t *testing.T, input []byte) {
		rapid.MakeFuzz(func(rt *rapid.T) { anyQuery(t, w, rt) })(t, input)
	})
}
