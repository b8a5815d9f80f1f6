package store

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hecate"
)

// The compiler is tested against a second reading of package hecate's words,
// in Go: random records, random filters, orders and cursors.

var (
	queryTexts  = []string{"", "a", "A", "ab", "aB", "b%", "a_b", `a\b`, "é", "É", "[a]", "a b", "a,b c", "*", "b", longText + "a", longText + "B"}
	longText    = strings.Repeat("é", indexText/2+20) // alike as far as an index keeps them
	queryTimes  = []time.Time{time.UnixMicro(0).UTC(), time.UnixMicro(1).UTC(), time.Date(1500, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC)}
	queryInts   = []int64{0, 1, -1, 2, 1 << 53, 1<<53 + 1, math.MaxInt64, math.MinInt64}
	queryFloats = []float64{0, 1, 1.5, -2.25, 1e18, 1e300, 5e-324}
	queryPlaces = []hecate.Geo{{Lat: 0, Lng: 0}, {Lat: 0.001, Lng: 0}, {Lat: 1e-200, Lng: -1e-170}, {Lat: 52.5, Lng: 13.4}, {Lat: 90, Lng: 0}, {Lat: -90, Lng: 180}, {Lat: 0, Lng: 180}, {Lat: 0, Lng: -180}}
)

// world is a collection full of records of every kind, and one that they refer to.
type world struct {
	db      *DB
	c       *hecate.Collection
	target  *hecate.Collection
	targets []Stored
	records []Stored
	visible hecate.Visibility // of the targets
	small   bool              // no whole numbers that a float cannot tell apart
}

func newWorld(t testing.TB, db *DB) *world {
	w := &world{db: db, visible: hecate.Visibility{All: true}}
	w.target = testCollection(t, db, hecate.Field{Name: "s", Type: hecate.StringType, Indexed: true}, hecate.Field{Name: "i", Type: hecate.IntegerType})
	var fields []hecate.Field
	for _, typ := range []hecate.FieldType{
		hecate.StringType, hecate.IntegerType, hecate.NumberType, hecate.BooleanType, hecate.TimeType, hecate.ReferenceType,
		hecate.RelationType, hecate.ArrayType, hecate.GeoType, hecate.JSONType,
	} {
		for _, indexed := range []bool{false, true} {
			f := hecate.Field{Name: string(typ), Type: typ, Indexed: indexed, Ordered: indexed}
			if indexed {
				f.Name, f.Slot = f.Name+"_x", f.Name+"~2" // slots that are not names
			}
			if typ == hecate.ReferenceType || typ == hecate.RelationType {
				f.Target = w.target.ID
			}
			fields = append(fields, f)
		}
	}
	fields = append(fields, hecate.Field{Name: "string_f", Slot: "string_f", Type: hecate.StringType, Indexed: true, Ordered: true, Fold: true})
	fields = append(fields, hecate.Field{Name: "gone", Slot: "gone", Type: hecate.StringType, Dropped: true})
	w.c = testCollection(t, db, fields...)
	return w
}

// fillBySeed fills the world by one draw, since storing takes longer than asking.
func (w *world) fillBySeed(t testing.TB, n int) {
	seed := int(time.Now().UnixNano() % 1000)
	t.Logf("the world of seed %d", seed)
	rapid.Custom(func(rt *rapid.T) int {
		if len(w.records) == 0 {
			w.fill(t, rt, n)
		}
		return 0
	}).Example(seed)
}

func (w *world) fill(t testing.TB, rt *rapid.T, n int) {
	for range 3 {
		d := Document{"s": rapid.SampledFrom(queryTexts).Draw(rt, "target text")}
		if rapid.Bool().Draw(rt, "target number") {
			d["i"] = rapid.SampledFrom(queryInts).Draw(rt, "i")
		}
		w.targets = append(w.targets, testRecord(t, w.db, w.target, d, func(r *hecate.Record) {
			r.Access = hecate.Access{Own: true}
			if rapid.Bool().Draw(rt, "target is public") {
				r.Access.Grants = []hecate.Grant{{Subject: hecate.Public, Permissions: hecate.Read}}
			}
		}))
	}
	for range n {
		d := Document{"gone": "a"}
		for _, f := range w.c.Fields() {
			if rapid.IntRange(0, 3).Draw(rt, "present") > 0 {
				d[f.Slot] = w.value(rt, f.Type)
			}
		}
		owner := rapid.SampledFrom([]string{"", "u1", "u2"}).Draw(rt, "owner")
		w.records = append(w.records, testRecord(t, w.db, w.c, d, func(r *hecate.Record) {
			r.Owner, r.CreatedBy = hecate.UserID(owner), hecate.UserID(owner)
			r.OwnerSeq = int64(len(owner))
			r.Version = rapid.Int64Range(1, 3).Draw(rt, "version")
			r.CreatedAt = rapid.SampledFrom(queryTimes).Draw(rt, "created")
			r.Access = hecate.Access{Own: true}
			if rapid.Bool().Draw(rt, "group") {
				r.Access.Grants = []hecate.Grant{{Subject: hecate.Subject("group:" + rapid.SampledFrom([]string{"g1", "g2"}).Draw(rt, "g"))}}
			}
		}))
	}
}

func (w *world) value(t *rapid.T, typ hecate.FieldType) any {
	switch typ {
	case hecate.StringType:
		return rapid.SampledFrom(queryTexts).Draw(t, "text")
	case hecate.IntegerType:
		if w.small {
			return rapid.SampledFrom(queryInts[:4]).Draw(t, "int")
		}
		return rapid.SampledFrom(queryInts).Draw(t, "int")
	case hecate.NumberType:
		if rapid.Bool().Draw(t, "whole") {
			return rapid.SampledFrom(queryInts[:5]).Draw(t, "int")
		}
		return rapid.SampledFrom(queryFloats).Draw(t, "float")
	case hecate.BooleanType:
		return rapid.Bool().Draw(t, "bool")
	case hecate.TimeType:
		return rapid.SampledFrom(queryTimes).Draw(t, "time")
	case hecate.ReferenceType:
		return w.ref(rapid.SampledFrom(w.targets).Draw(t, "target"))
	case hecate.RelationType:
		refs := []hecate.Ref{}
		for _, s := range rapid.SliceOfNDistinct(rapid.SampledFrom(w.targets), 0, 3, func(s Stored) hecate.RecordID { return s.ID }).Draw(t, "targets") {
			refs = append(refs, w.ref(s))
		}
		return refs
	case hecate.ArrayType:
		return append([]any{}, rapid.SliceOfN(rapid.Custom(func(t *rapid.T) any {
			return w.value(t, rapid.SampledFrom([]hecate.FieldType{hecate.StringType, hecate.IntegerType, hecate.BooleanType}).Draw(t, "item type"))
		}), 0, 3).Draw(t, "items")...)
	case hecate.GeoType:
		return rapid.SampledFrom(queryPlaces).Draw(t, "place")
	}
	types := []hecate.FieldType{hecate.StringType, hecate.IntegerType, hecate.BooleanType, hecate.ArrayType, hecate.TimeType}
	if rapid.IntRange(0, 5).Draw(t, "place") == 0 {
		at := rapid.SampledFrom(queryPlaces).Draw(t, "where")
		return map[string]any{"latitude": at.Lat, "longitude": at.Lng}
	}
	if rapid.Bool().Draw(t, "object") {
		return map[string]any{"k": w.value(t, rapid.SampledFrom(types).Draw(t, "member type")), "n": nil}
	}
	return w.value(t, rapid.SampledFrom(types).Draw(t, "json type"))
}

func (w *world) ref(s Stored) hecate.Ref {
	return hecate.Ref{Collection: w.target.ID, ID: s.ID, Seq: s.Seq}
}

func (w *world) operand(t *rapid.T) hecate.Operand {
	if rapid.IntRange(0, 4).Draw(t, "column") == 0 {
		return hecate.Operand{Fold: rapid.Bool().Draw(t, "fold"), Column: rapid.SampledFrom([]hecate.Column{
			hecate.IDColumn, hecate.SeqColumn, hecate.KeyColumn, hecate.CreatedColumn, hecate.VersionColumn, hecate.OwnerColumn,
			hecate.OwnerSeqColumn, hecate.GroupColumn, hecate.CreatedByColumn,
		}).Draw(t, "which")}
	}
	f := rapid.SampledFrom(w.c.Schema).Draw(t, "field")
	o := hecate.FieldOperand(&f)
	o.Fold = rapid.IntRange(0, 3).Draw(t, "fold") == 0
	o.Any = rapid.IntRange(0, 2).Draw(t, "any item") == 0
	if o.Any {
		o.Fold = rapid.IntRange(0, 3).Draw(t, "fold") > 0
	}
	if f.Type == hecate.JSONType && rapid.Bool().Draw(t, "inside") {
		o.Path = append(o.Path, rapid.SampledFrom([]string{"k", "n", "it's \"x\""}).Draw(t, "member"))
	}
	return o
}

// constant draws a value to compare with, mostly of the operand's type.
func (w *world) constant(t *rapid.T, o hecate.Operand) any {
	switch {
	case rapid.IntRange(0, 5).Draw(t, "any type") == 0:
		return w.value(t, rapid.SampledFrom([]hecate.FieldType{hecate.StringType, hecate.IntegerType, hecate.NumberType, hecate.BooleanType, hecate.TimeType, hecate.ReferenceType}).Draw(t, "type"))
	case o.Column == hecate.FieldColumn:
		typ := o.Type
		switch typ {
		case hecate.RelationType:
			typ = hecate.ReferenceType
		case hecate.ArrayType, hecate.JSONType, hecate.GeoType:
			typ = rapid.SampledFrom([]hecate.FieldType{hecate.StringType, hecate.IntegerType, hecate.BooleanType}).Draw(t, "item type")
		}
		v := w.value(t, typ)
		if r, ok := v.(hecate.Ref); ok && rapid.Bool().Draw(t, "by number") {
			return hecate.Ref{Seq: r.Seq}
		}
		return v
	case o.Column == hecate.CreatedColumn:
		return rapid.SampledFrom(queryTimes).Draw(t, "time")
	case o.Column == hecate.GroupColumn:
		return rapid.SampledFrom([]string{"g1", "g2", "g3"}).Draw(t, "group")
	case o.Column == hecate.OwnerColumn || o.Column == hecate.CreatedByColumn:
		return rapid.SampledFrom([]string{"u1", "u2", "U1", ""}).Draw(t, "user")
	case o.Column == hecate.SeqColumn:
		return rapid.SampledFrom(w.records).Draw(t, "seq").Seq
	case o.Column == hecate.VersionColumn || o.Column == hecate.OwnerSeqColumn:
		return rapid.SampledFrom([]any{int64(0), int64(1), int64(2), 2.0, 1.5, 1e300, -1e300}).Draw(t, "number")
	}
	return string(rapid.SampledFrom(w.records).Draw(t, "id").ID)
}

func (w *world) filter(t *rapid.T, depth int) hecate.Filter {
	kind := rapid.IntRange(0, 9).Draw(t, "kind")
	if depth > 0 && kind < 4 {
		f := hecate.Filter{Op: rapid.SampledFrom([]hecate.Op{hecate.OpAll, hecate.OpAny, hecate.OpNot}).Draw(t, "op")}
		n := 1
		if f.Op != hecate.OpNot {
			n = rapid.IntRange(0, 3).Draw(t, "parts")
		}
		for range n {
			f.Sub = append(f.Sub, w.filter(t, depth-1))
		}
		return f
	}
	f := hecate.Filter{Op: hecate.Op(rapid.IntRange(int(hecate.OpEqual), int(hecate.OpCount)-1).Draw(t, "leaf")), Operand: w.operand(t)}
	switch f.Op {
	case hecate.OpIn, hecate.OpNotIn, hecate.OpContains:
		list := []any{}
		for range rapid.IntRange(0, 5).Draw(t, "values") {
			if f.Op != hecate.OpContains && rapid.IntRange(0, 6).Draw(t, "null") == 0 {
				list = append(list, nil)
				continue
			}
			list = append(list, w.constant(t, f.Operand))
		}
		f.Value = list
	case hecate.OpExists:
		f.Value = rapid.Bool().Draw(t, "exists")
	case hecate.OpLike, hecate.OpSubstring, hecate.OpPrefix, hecate.OpSuffix, hecate.OpWord:
		f.Value = rapid.SampledFrom([]string{"", "a", "A", "%", "_", "a%", "%b", `a\%`, `a\_b`, `\`, "%%_%", "*", "a*", "b", "é", "[a", "?", "a.b", "g1", "u_"}).Draw(t, "pattern")
	case hecate.OpNear:
		f.Value, f.Meters = rapid.SampledFrom(queryPlaces).Draw(t, "center"), rapid.SampledFrom([]float64{0, 100, 112, 1e6, 2e7, 1e9, -1}).Draw(t, "meters")
		f.Operand = hecate.Operand{Path: []string{rapid.SampledFrom([]string{"geopoint", "geopoint_x", "json", "json_x"}).Draw(t, "place")}, Any: rapid.Bool().Draw(t, "plain")}
	case hecate.OpJoined:
		f.Target = w.target.ID
		f.Operand = hecate.Operand{Path: []string{rapid.SampledFrom([]string{"reference", "reference_x", "relation", "relation_x"}).Draw(t, "way")}}
		sub := hecate.Filter{Op: rapid.SampledFrom([]hecate.Op{hecate.OpEqual, hecate.OpNotEqual, hecate.OpLike, hecate.OpExists, hecate.OpIn}).Draw(t, "sub")}
		sub.Operand = rapid.SampledFrom([]hecate.Operand{{Path: []string{"s"}, Type: hecate.StringType}, {Path: []string{"i"}, Type: hecate.IntegerType}, {Column: hecate.SeqColumn}, {Column: hecate.VersionColumn}}).Draw(t, "sub operand")
		switch sub.Op {
		case hecate.OpLike:
			sub.Value = "a%"
		case hecate.OpExists:
			sub.Value = rapid.Bool().Draw(t, "sub exists")
		case hecate.OpIn:
			sub.Value = []any{"a", "b", int64(1), w.targets[0].Seq}
		default:
			sub.Value = rapid.SampledFrom([]any{"a", "A", int64(1), w.targets[0].Seq, nil}).Draw(t, "sub value")
		}
		if rapid.Bool().Draw(t, "not") {
			sub = hecate.Filter{Op: hecate.OpNot, Sub: []hecate.Filter{sub}}
		}
		f.Sub = []hecate.Filter{sub}
	default:
		if f.Op <= hecate.OpNotEqual && rapid.IntRange(0, 4).Draw(t, "null") == 0 {
			break
		}
		f.Value = w.constant(t, f.Operand)
	}
	return f
}

// holds is what the filter says of the record.
func (w *world) holds(f *hecate.Filter, s Stored, c *hecate.Collection, open bool) bool {
	switch f.Op {
	case hecate.OpAll:
		return !slices.ContainsFunc(f.Sub, func(sub hecate.Filter) bool { return !w.holds(&sub, s, c, open) })
	case hecate.OpAny:
		return slices.ContainsFunc(f.Sub, func(sub hecate.Filter) bool { return w.holds(&sub, s, c, open) })
	case hecate.OpNot:
		return !w.holds(&f.Sub[0], s, c, open)
	}
	if f.Operand.Column == hecate.GroupColumn {
		return w.holdsGroup(f, s)
	}
	v := valueOf(f.Operand, s, c, open)
	if itemwise(&level{c: c}, f.Operand) {
		if list, ok := v.([]any); ok || f.Op == hecate.OpNotEqual || f.Op == hecate.OpNotIn {
			if handled, holds := w.holdsAny(f, s, c, v, list); handled {
				return holds
			}
		}
	}
	switch f.Op {
	case hecate.OpEqual:
		return v == nil && f.Value == nil || f.Value != nil && compareValues(f.Operand, v, f.Value, func(n int) bool { return n == 0 })
	case hecate.OpNotEqual:
		return v != nil && f.Value == nil || f.Value != nil && !compareValues(f.Operand, v, f.Value, func(n int) bool { return n == 0 })
	case hecate.OpLess:
		return compareValues(f.Operand, v, f.Value, func(n int) bool { return n < 0 })
	case hecate.OpLessEqual:
		return compareValues(f.Operand, v, f.Value, func(n int) bool { return n <= 0 })
	case hecate.OpGreater:
		return compareValues(f.Operand, v, f.Value, func(n int) bool { return n > 0 })
	case hecate.OpGreaterEqual:
		return compareValues(f.Operand, v, f.Value, func(n int) bool { return n >= 0 })
	case hecate.OpIn, hecate.OpNotIn:
		in := slices.ContainsFunc(f.Value.([]any), func(x any) bool {
			return x == nil && v == nil || x != nil && compareValues(f.Operand, v, x, func(n int) bool { return n == 0 })
		})
		return in == (f.Op == hecate.OpIn)
	case hecate.OpExists:
		return (v != nil) == f.Value.(bool)
	case hecate.OpContains:
		return w.holdsAll(f, v, open)
	case hecate.OpNear:
		g, ok := placeIn(v, f.Operand.Any)
		return ok && distance(g, f.Value.(hecate.Geo)) <= f.Meters+0.02 // the rounding that is allowed
	case hecate.OpJoined:
		return w.holdsJoined(f, v)
	}
	text, ok := v.(string)
	return ok && matches(f, text)
}

// holdsAny is what the filter says of a list whose items it compares one by one.
func (w *world) holdsAny(f *hecate.Filter, s Stored, c *hecate.Collection, v any, list []any) (handled, holds bool) {
	one := *f
	switch f.Op {
	case hecate.OpNotEqual, hecate.OpNotIn:
		if f.Value == nil {
			return false, false
		}
		one.Op = map[hecate.Op]hecate.Op{hecate.OpNotEqual: hecate.OpEqual, hecate.OpNotIn: hecate.OpIn}[f.Op]
		return true, !w.holds(&one, s, c, true)
	case hecate.OpExists, hecate.OpContains, hecate.OpNear, hecate.OpJoined:
		return false, false
	case hecate.OpEqual:
		if f.Value == nil {
			return false, false
		}
	}
	field := &hecate.Collection{Schema: []hecate.Field{{Name: "v", Slot: "v"}}}
	one.Operand.Path, one.Operand.Any = []string{"v"}, false
	return true, slices.ContainsFunc(list, func(item any) bool {
		switch item.(type) {
		case string, int64, float64, bool:
			return w.holds(&one, Stored{Record: s.Record, Doc: Document{"v": item}}, field, true)
		}
		return false
	})
}

// placeIn is a place, or with plain an object that says one.
func placeIn(v any, plain bool) (hecate.Geo, bool) {
	if m, ok := v.(map[string]any); ok && plain {
		lat, ok := m["latitude"].(float64)
		lng, also := m["longitude"].(float64)
		return hecate.Geo{Lat: lat, Lng: lng}, ok && also
	}
	g, ok := v.(hecate.Geo)
	return g, ok
}

func (w *world) holdsAll(f *hecate.Filter, v any, open bool) bool {
	if f.Operand.Column != hecate.FieldColumn {
		return false
	}
	if len(f.Value.([]any)) == 0 {
		return v != nil
	}
	switch v.(type) {
	case []any, []hecate.Ref:
	default:
		return false
	}
	for _, want := range f.Value.([]any) {
		if _, ok := want.(time.Time); ok {
			return false
		}
		if !slices.ContainsFunc(items(v), func(item any) bool {
			return compareValues(f.Operand, item, want, func(n int) bool { return n == 0 })
		}) {
			return false
		}
	}
	return true
}

func (w *world) holdsGroup(f *hecate.Filter, s Stored) bool {
	var groups []any
	for _, g := range s.Access.Grants {
		if name, ok := strings.CutPrefix(string(g.Subject), "group:"); ok {
			groups = append(groups, name)
		}
	}
	some := func(f hecate.Filter) bool {
		return slices.ContainsFunc(groups, func(g any) bool {
			f.Operand.Column, f.Operand.Path = hecate.FieldColumn, []string{"v"}
			c := &hecate.Collection{Schema: []hecate.Field{{Name: "v", Slot: "v"}}}
			return w.holds(&f, Stored{Doc: Document{"v": g}}, c, true)
		})
	}
	f0 := *f
	f0.Operand.Fold = f.Operand.Fold && f.Op >= hecate.OpLike // names of groups compare exactly
	switch f.Op {
	case hecate.OpExists:
		return f.Value.(bool) == (len(groups) > 0)
	case hecate.OpNotEqual, hecate.OpNotIn:
		f0.Op--
		if f.Op == hecate.OpNotIn {
			f0.Op = hecate.OpIn
		}
		return !w.holdsGroup(&f0, s)
	case hecate.OpIn:
		return slices.Contains(f.Value.([]any), nil) && len(groups) == 0 || some(f0)
	case hecate.OpEqual:
		if f.Value == nil {
			return len(groups) == 0
		}
	case hecate.OpContains, hecate.OpNear, hecate.OpJoined:
		return false
	}
	return some(f0)
}

func (w *world) holdsJoined(f *hecate.Filter, v any) bool {
	for _, item := range items(v) {
		r, ok := item.(hecate.Ref)
		if !ok {
			continue
		}
		for _, t := range w.targets {
			open := w.visible.All || t.Access.Of(hecate.Public).Has(hecate.Read)
			if t.ID == r.ID && w.holds(&f.Sub[0], t, w.target, open) {
				return true
			}
		}
	}
	return false
}

func valueOf(o hecate.Operand, s Stored, c *hecate.Collection, open bool) any {
	if o.Column == hecate.SeqColumn {
		return s.Seq
	}
	if !open {
		return nil
	}
	text := func(t string) any {
		if t == "" {
			return nil
		}
		return t
	}
	switch o.Column {
	case hecate.IDColumn:
		return string(s.ID)
	case hecate.KeyColumn:
		return s.Key
	case hecate.CreatedColumn:
		return s.CreatedAt
	case hecate.VersionColumn:
		return s.Version
	case hecate.OwnerColumn:
		return text(string(s.Owner))
	case hecate.CreatedByColumn:
		return text(string(s.CreatedBy))
	case hecate.OwnerSeqColumn:
		if s.OwnerSeq == 0 {
			return nil
		}
		return s.OwnerSeq
	}
	f := c.Field(o.Path[0])
	if f == nil {
		return nil
	}
	v := s.Doc[f.Slot]
	for _, part := range o.Path[1:] {
		m, _ := v.(map[string]any)
		v = m[part]
	}
	return v
}

// compareValues reports whether both are of one class and ok says so of their comparison.
func compareValues(o hecate.Operand, a, b any, ok func(int) bool) bool {
	switch x := a.(type) {
	case string:
		y, is := b.(string)
		if o.Fold {
			x, y = FoldName(x), FoldName(y)
		}
		return is && ok(cmp.Compare(x, y))
	case bool:
		y, is := b.(bool)
		return is && ok(cmp.Compare(asInt(x), asInt(y)))
	case time.Time:
		y, is := b.(time.Time)
		return is && ok(x.Compare(y))
	case hecate.Ref:
		y, is := b.(hecate.Ref)
		if y.ID != "" {
			return is && ok(cmp.Compare(x.ID, y.ID))
		}
		return is && ok(cmp.Compare(x.Seq, y.Seq))
	case int64, float64:
		switch b.(type) {
		case int64, float64:
			return ok(compareNumbers(x, b))
		}
	}
	return false
}

func asInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func compareNumbers(a, b any) int {
	x, whole := a.(int64)
	y, also := b.(int64)
	if whole && also {
		return cmp.Compare(x, y)
	}
	f, g := floatOf(a), floatOf(b)
	if f == g && math.Abs(f) < 1e19 { // equal as far as floats can tell
		if whole {
			return cmp.Compare(x, int64(g))
		}
		return cmp.Compare(int64(f), y+0)*asInt(also) + cmp.Compare(f, g)*asInt(!also)
	}
	return cmp.Compare(f, g)
}

func matches(f *hecate.Filter, text string) bool {
	pattern := f.Value.(string)
	if f.Operand.Fold {
		text, pattern = FoldName(text), FoldName(pattern)
	}
	switch f.Op {
	case hecate.OpSubstring:
		return strings.Contains(text, pattern)
	case hecate.OpPrefix:
		return strings.HasPrefix(text, pattern)
	case hecate.OpSuffix:
		return strings.HasSuffix(text, pattern)
	case hecate.OpLike:
		return likes([]rune(pattern), []rune(text))
	}
	word, start := strings.CutSuffix(pattern, "*")
	if word == "" {
		return false
	}
	padded := " " + text + " "
	for at := range padded {
		rest, ok := strings.CutPrefix(padded[at:], word)
		if ok && at > 0 && !isWord([]rune(padded[:at])[len([]rune(padded[:at]))-1]) && (start || !isWord([]rune(rest + " ")[0])) {
			return true
		}
	}
	return false
}

func isWord(r rune) bool {
	return r >= 0x80 || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

func likes(pattern, text []rune) bool {
	if len(pattern) == 0 {
		return len(text) == 0
	}
	switch p := pattern[0]; {
	case p == '%':
		return likes(pattern[1:], text) || len(text) > 0 && likes(pattern, text[1:])
	case p == '_':
		return len(text) > 0 && likes(pattern[1:], text[1:])
	case p == '\\' && len(pattern) > 1:
		pattern = pattern[1:]
	}
	return len(text) > 0 && text[0] == pattern[0] && likes(pattern[1:], text[1:])
}

func distance(a, b hecate.Geo) float64 {
	rad := math.Pi / 180
	dLat, dLng := math.Sin((a.Lat-b.Lat)*rad/2), math.Sin((a.Lng-b.Lng)*rad/2)
	h := dLat*dLat + math.Cos(a.Lat*rad)*math.Cos(b.Lat*rad)*dLng*dLng
	return 2 * earthRadius * math.Asin(math.Sqrt(min(1, h)))
}

func (w *world) search(q hecate.Query) Search {
	return Search{Collection: w.c, Visible: hecate.Visibility{All: true}, Query: q, Targets: map[hecate.CollectionID]Joined{
		w.target.ID: {Collection: w.target, Visible: w.visible},
	}}
}

func TestFiltersFindWhatTheySay(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		w := newWorld(t, db)
		w.fillBySeed(t, 40)
		rapid.Check(t, func(rt *rapid.T) {
			w.visible = hecate.Visibility{All: true}
			if rapid.Bool().Draw(rt, "some targets hidden") {
				w.visible = hecate.Visibility{Want: hecate.Read, Subjects: []hecate.Subject{hecate.Public}}
			}
			for range 5 {
				f := w.filter(rt, 3)
				page, err := db.Records(t.Context(), w.search(hecate.Query{Filter: f, Limit: 100, Count: true}))
				if err != nil {
					rt.Fatalf("%+v: %v", f, err)
				}
				var want, got []int64
				for _, s := range w.records {
					if w.holds(&f, s, w.c, true) {
						want = append(want, s.Seq)
					}
				}
				for _, r := range page.Rows {
					got = append(got, r.Seq)
				}
				if !slices.Equal(want, got) || page.Count != len(want) {
					text, args, _ := db.compilePage(w.search(hecate.Query{Filter: f, Limit: 100}), recordColumns)
					_, filter, _ := strings.Cut(text, "r.updated_at from")
					rt.Fatalf("%+v\nwant %v\ngot  %v (%d counted)\n%s\n%v\n%s", f, want, got, page.Count, filter, args, w.differing(want, got))
				}
			}
		})
	})
}

func (w *world) differing(want, got []int64) string {
	for _, s := range w.records {
		if slices.Contains(want, s.Seq) != slices.Contains(got, s.Seq) {
			text, _ := s.Doc.Encode()
			return fmt.Sprintf("%d: %s %+v", s.Seq, text, s.Record)
		}
	}
	return ""
}

// Pages by cursor, forwards and backwards, are the whole list cut in pieces.
func TestCursorsWalkEveryOrderBothWays(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		w := newWorld(t, db)
		w.small = true // beyond 53 bits the index orders by seq
		w.fillBySeed(t, 14)
		rapid.Check(t, func(rt *rapid.T) {
			q := hecate.Query{Limit: rapid.IntRange(1, 4).Draw(rt, "limit"), SeqDesc: rapid.Bool().Draw(rt, "desc")}
			for range rapid.SampledFrom([]int{0, 1, 1, 1, 2, 3}).Draw(rt, "orders") {
				name := rapid.SampledFrom([]string{"string", "integer", "number", "boolean", "time", "reference", "json"}).Draw(rt, "by") +
					rapid.SampledFrom([]string{"", "_x"}).Draw(rt, "index")
				o := hecate.FieldOperand(w.c.Field(name))
				if rapid.IntRange(0, 4).Draw(rt, "column") == 0 {
					o = hecate.Operand{Column: rapid.SampledFrom([]hecate.Column{hecate.SeqColumn, hecate.CreatedColumn, hecate.OwnerColumn, hecate.VersionColumn}).Draw(rt, "which")}
				}
				o.Fold = o.Type == hecate.StringType && rapid.Bool().Draw(rt, "fold")
				if o.Column == hecate.FieldColumn && rapid.Bool().Draw(rt, "any item") {
					o.Any, o.Fold = true, rapid.Bool().Draw(rt, "fold")
				}
				q.Order = append(q.Order, hecate.Order{Operand: o, Desc: rapid.Bool().Draw(rt, "desc"), NullsLast: rapid.Bool().Draw(rt, "nulls last")})
			}
			if len(q.Order) > 0 && rapid.Bool().Draw(rt, "then by number") {
				q.Order = append(q.Order, hecate.Order{Operand: hecate.Operand{Column: hecate.SeqColumn}, Desc: rapid.Bool().Draw(rt, "desc")})
			}
			all := slices.Clone(w.records)
			if rapid.Bool().Draw(rt, "filtered") {
				q.Filter = w.filter(rt, 1)
				all = slices.DeleteFunc(all, func(s Stored) bool { return !w.holds(&q.Filter, s, w.c, true) })
			}
			slices.SortStableFunc(all, func(a, b Stored) int { return w.sorted(q, a, b) })
			want := seqs(all)
			if got := w.walk(t, rt, q, false); !slices.Equal(got, want) {
				rt.Fatalf("%+v forwards\nwant %v\ngot  %v", q.Order, want, got)
			}
			if got := w.walk(t, rt, q, true); !slices.Equal(got, want) {
				rt.Fatalf("%+v backwards\nwant %v\ngot  %v", q.Order, want, got)
			}
		})
	})
}

func seqs(list []Stored) []int64 {
	out := make([]int64, len(list))
	for i, s := range list {
		out[i] = s.Seq
	}
	return out
}

// walk collects all pages, from the end with back.
func (w *world) walk(t *testing.T, rt *rapid.T, q hecate.Query, back bool) []int64 {
	var all []int64
	q.Backward = back
	for range 40 {
		page, err := w.db.Records(t.Context(), w.search(q))
		if err != nil {
			rt.Fatal(err)
		}
		var part []int64
		for _, r := range page.Rows {
			part = append(part, r.Seq)
		}
		if back {
			all = append(part, all...)
		} else {
			all = append(all, part...)
		}
		if !page.More {
			return all
		}
		edge := page.Rows[len(page.Rows)-1]
		if back {
			edge = page.Rows[0]
		}
		at := slices.IndexFunc(w.records, func(s Stored) bool { return s.ID == edge.ID })
		q.After = &hecate.Cursor{Seq: edge.Seq}
		for _, o := range q.Order {
			v := valueOf(o.Operand, w.records[at], w.c, true)
			if o.From != nil {
				if place, ok := placeIn(v, o.Operand.Any); ok {
					v = place
				} else {
					v = nil
				}
			}
			switch v.(type) { // what an order by JSON takes for absent
			case []any, map[string]any, time.Time:
				if o.Operand.Type == hecate.JSONType {
					v = nil
				}
			}
			q.After.Values = append(q.After.Values, v)
		}
	}
	rt.Fatal("the pages do not end")
	return nil
}

func (w *world) sorted(q hecate.Query, a, b Stored) int {
	desc := q.SeqDesc
	for i, o := range q.Order {
		if i == 0 {
			desc = o.Desc
		}
		x, y := sortable(o.Operand, valueOf(o.Operand, a, w.c, true)), sortable(o.Operand, valueOf(o.Operand, b, w.c, true))
		n := 0
		switch {
		case x == nil || y == nil:
			mixed := o.Operand.Any && o.Operand.Type == hecate.JSONType
			if n = asInt(x == nil) - asInt(y == nil); (o.NullsLast || mixed) && o.Desc {
				n = -n
			}
		default:
			n = cmp.Compare(rank(x), rank(y))
			if n != 0 && o.Operand.Any && o.Desc {
				n = -n // numbers come first either way
			}
			if n == 0 {
				n = order(o.Operand, x, y)
			}
		}
		if n != 0 {
			if o.Desc {
				return -n
			}
			return n
		}
	}
	if desc {
		return cmp.Compare(b.Seq, a.Seq)
	}
	return cmp.Compare(a.Seq, b.Seq)
}

func sortable(o hecate.Operand, v any) any {
	switch x := v.(type) {
	case hecate.Ref:
		return x.Seq
	case string:
		if o.Any {
			return firstRunes(x, hecate.SortText)
		}
		return v
	case int64, float64, bool:
		return v
	case time.Time:
		if o.Type != hecate.JSONType {
			return v
		}
	}
	return nil
}

func rank(v any) int {
	switch v.(type) {
	case int64, float64:
		return 0
	case string:
		return 1
	}
	return 2
}

func order(o hecate.Operand, x, y any) (n int) {
	compareValues(o, x, y, func(c int) bool { n = c; return true })
	return n
}

// Pages in the order of a distance are the whole list cut in pieces, whatever the database makes of two places equally far.
func TestTheNearestComeFirst(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		w := newWorld(t, db)
		w.fillBySeed(t, 30)
		rapid.Check(t, func(rt *rapid.T) {
			from := rapid.SampledFrom(queryPlaces).Draw(rt, "from")
			field := rapid.SampledFrom([]string{"geopoint", "geopoint_x", "json"}).Draw(rt, "field")
			o := hecate.FieldOperand(w.c.Field(field))
			o.Any = field == "json" || rapid.Bool().Draw(rt, "any")
			desc := rapid.Bool().Draw(rt, "desc")
			q := hecate.Query{Limit: rapid.IntRange(1, 5).Draw(rt, "limit"), Order: []hecate.Order{
				{Operand: o, From: &from, Desc: desc, NullsLast: true}, {Operand: hecate.Operand{Column: hecate.SeqColumn}, Desc: true}}}
			got := w.walk(t, rt, q, rapid.Bool().Draw(rt, "backwards"))
			if len(got) != len(w.records) {
				rt.Fatalf("%d of %d records: %v", len(got), len(w.records), got)
			}
			last, missing := -1.0, false
			if desc {
				last = math.MaxFloat64
			}
			seen := map[int64]bool{}
			for _, seq := range got {
				at := slices.IndexFunc(w.records, func(s Stored) bool { return s.Seq == seq })
				place, ok := placeIn(valueOf(o, w.records[at], w.c, true), o.Any)
				if seen[seq] || ok && missing {
					rt.Fatalf("%d out of order in %v", seq, got)
				}
				seen[seq], missing = true, !ok
				if far := distance(place, from); ok {
					if desc && far > last+0.1 || !desc && far < last-0.1 {
						rt.Fatalf("%d is %v away, after %v", seq, far, last)
					}
					last = far
				}
			}
		})
	})
}

func TestBadQueriesAreRefusedNotFailed(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		w := newWorld(t, db)
		s := hecate.Operand{Path: []string{"string"}, Type: hecate.StringType}
		long := make([]any, 1000)
		for i := range long {
			long[i] = fmt.Sprint(i)
		}
		var many []hecate.Filter
		for range 20 {
			many = append(many, hecate.Filter{Op: hecate.OpIn, Operand: s, Value: long})
		}
		var wide []hecate.Filter
		for range 250 {
			wide = append(wide, hecate.Filter{Op: hecate.OpEqual, Operand: s, Value: "x"})
		}
		deep := hecate.Filter{Op: hecate.OpEqual, Operand: s, Value: "x"}
		for range 15 {
			deep = hecate.Filter{Op: hecate.OpNot, Sub: []hecate.Filter{deep}}
		}
		for name, test := range map[string]struct {
			q    hecate.Query
			want error
		}{
			"near without a place":  {hecate.Query{Filter: hecate.Filter{Op: hecate.OpNear, Operand: s, Value: "x"}}, hecate.Invalid},
			"exists without a bool": {hecate.Query{Filter: hecate.Filter{Op: hecate.OpExists, Operand: s}}, hecate.Invalid},
			"like a number":         {hecate.Query{Filter: hecate.Filter{Op: hecate.OpLike, Operand: s, Value: int64(1)}}, hecate.Invalid},
			"pattern too long":      {hecate.Query{Filter: hecate.Filter{Op: hecate.OpLike, Operand: s, Value: strings.Repeat("%a", 5000)}}, hecate.TooLarge},
			"too many values":       {hecate.Query{Filter: hecate.And(many...)}, hecate.TooLarge},
			"order by an array":     {hecate.Query{Order: []hecate.Order{{Operand: hecate.Operand{Path: []string{"array"}, Type: hecate.ArrayType}}}}, hecate.Invalid},
			"order by a group":      {hecate.Query{Order: []hecate.Order{{Operand: hecate.Operand{Column: hecate.GroupColumn}}}}, hecate.Invalid},
			"cursor of other order": {hecate.Query{Order: []hecate.Order{{Operand: s}}, After: &hecate.Cursor{Seq: 1}}, hecate.Invalid},
			"cursor of other type":  {hecate.Query{Order: []hecate.Order{{Operand: s}}, After: &hecate.Cursor{Seq: 1, Values: []any{int64(1)}}}, hecate.Invalid},
			"unknown column":        {hecate.Query{Filter: hecate.Filter{Op: hecate.OpExists, Operand: hecate.Operand{Column: 99}, Value: true}}, hecate.Invalid},
			"wide":                  {hecate.Query{Filter: hecate.And(wide...)}, nil},
			"wide or":               {hecate.Query{Filter: hecate.Filter{Op: hecate.OpAny, Sub: wide}}, nil},
			"deep":                  {hecate.Query{Filter: deep}, nil},
			"one long list":         {hecate.Query{Filter: many[0]}, nil},
			"a null character":      {hecate.Query{Filter: hecate.Filter{Op: hecate.OpEqual, Operand: s, Value: "a\x00"}}, nil},
			"broken UTF-8":          {hecate.Query{Filter: hecate.Filter{Op: hecate.OpPrefix, Operand: s, Value: "\xff"}}, nil},
			"not a number":          {hecate.Query{Filter: hecate.Filter{Op: hecate.OpEqual, Operand: s, Value: math.NaN()}}, nil},
			"an object":             {hecate.Query{Filter: hecate.Filter{Op: hecate.OpEqual, Operand: s, Value: map[string]any{}}}, nil},
			"unknown field":         {hecate.Query{Filter: hecate.Filter{Op: hecate.OpEqual, Operand: hecate.Operand{Path: []string{"\x00'"}}, Value: "x"}}, nil},
			"no field":              {hecate.Query{Filter: hecate.Filter{Op: hecate.OpEqual, Value: "x"}}, nil},
			"unknown target":        {hecate.Query{Filter: hecate.Filter{Op: hecate.OpJoined, Operand: s, Target: "x", Sub: []hecate.Filter{{}}}}, nil},
		} {
			test.q.Limit, test.q.Count = 10, true
			_, err := db.Records(t.Context(), w.search(test.q))
			if !errors.Is(err, test.want) || err != nil && hecate.Detail(err).Field != "query" {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// What is asked for all the time must not read the whole collection.
func TestIndexesAnswerWhatTheyAreFor(t *testing.T) {
	t.Parallel()
	db := openTest(t, testConfig(t, "sqlite", nil))
	c := testCollection(t, db,
		hecate.Field{Name: "name", Type: hecate.StringType, Indexed: true, Ordered: true}, hecate.Field{Name: "color", Type: hecate.StringType, Indexed: true},
		hecate.Field{Name: "size", Type: hecate.IntegerType, Indexed: true, Ordered: true}, hecate.Field{Name: "plain", Type: hecate.IntegerType},
		hecate.Field{Name: "place", Type: hecate.GeoType, Indexed: true})
	for name, want := range map[string]string{
		"page by seq":               "SEARCH r USING INDEX sqlite_autoindex_records_2 (app_id=? AND collection_id=? AND seq>?)",
		"page by seq, own only":     "SEARCH r USING INDEX sqlite_autoindex_records_2 (app_id=? AND collection_id=? AND seq>?)",
		"equal, a fifth":            "record_index_txt (app_id=? AND collection_id=? AND slot=? AND absent=? AND txt=?)",
		"range of an indexed field": "record_index_num (app_id=? AND collection_id=? AND slot=? AND absent=? AND num<?)",
		"prefix":                    "record_index_txt (app_id=? AND collection_id=? AND slot=? AND absent=? AND txt>? AND txt<?)",
		"order, from the middle":    "record_index_num (app_id=? AND collection_id=? AND slot=? AND (absent,num,seq)<(?,?,?))",
		"near":                      "record_index_num (app_id=? AND collection_id=? AND slot=? AND absent=? AND num>? AND num<?)",
	} {
		got := plan(t, db, manyQueries(c)[name])
		if !strings.Contains(got, want) || strings.Contains(got, "SCAN") || strings.HasPrefix(name, "order") && strings.Contains(got, "TEMP B-TREE") {
			t.Errorf("%s:\n%s", name, got)
		}
	}
}
