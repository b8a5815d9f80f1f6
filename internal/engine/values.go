package engine

import (
	"context"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"hecate"
	"hecate/internal/store"
)

// merge computes the document that in makes of before, that of r: values checked against
// the schema of c, references resolved in one query per target, operations applied.
// Kinds: Invalid on a field's name, TooLarge on "record".
func (e *Engine) merge(ctx context.Context, tx *store.DB, c *hecate.Collection, r *hecate.Record, before store.Document, in *RecordInput) (store.Document, error) {
	m := &merging{c: c, next: make(store.Document, len(before)+len(in.Values)), depth: e.limits.RecordDepth}
	for slot, v := range before {
		m.next[slot] = v
	}
	found, err := e.resolve(ctx, tx, c, r, in)
	if err != nil {
		return nil, err
	}
	m.found = found
	for _, name := range sortedKeys(in.Values) {
		if err := m.set(name, in.Values[name]); err != nil {
			return nil, err
		}
	}
	for _, change := range in.Changes {
		if err := m.change(change); err != nil {
			return nil, err
		}
	}
	return m.next, nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// merging is a document on its way.
type merging struct {
	c     *hecate.Collection
	next  store.Document
	found targets
	depth int
}

// anyField is how a value is taken that an open collection's schema does not name.
func anyField(name string) *hecate.Field {
	return &hecate.Field{Name: name, Slot: name}
}

// field returns the schema's entry for a name. Kinds: Invalid.
func (m *merging) field(name string) (*hecate.Field, error) {
	f := m.c.Field(name)
	switch {
	case f != nil:
		return f, nil
	case !m.c.Open:
		return nil, invalid(name, "no such field")
	case badText(name) != "" || name == "" || len(name) > maxFieldName:
		return nil, hecate.E(hecate.Invalid, "write record").On("values").Says("unusable field name")
	case slices.ContainsFunc(m.c.Schema, func(f hecate.Field) bool { return f.Slot == name }):
		return nil, invalid(name, "the name is taken by hidden values")
	}
	return anyField(name), nil
}

func (m *merging) set(name string, v any) error {
	f, err := m.field(name)
	if err != nil {
		return err
	}
	if v == nil {
		delete(m.next, f.Slot)
		return nil
	}
	value, err := m.value(f, v)
	if err != nil {
		return err
	}
	m.next[f.Slot] = value
	return nil
}

// value checks and completes a value for a field.
func (m *merging) value(f *hecate.Field, v any) (any, error) {
	check, ok := checks[f.Type]
	if !ok {
		check = checkJSON
	}
	switch {
	case f.Type == hecate.ReferenceType:
		return m.reference(f, v)
	case f.Type == hecate.RelationType:
		refs, ok := refsOf(v)
		if !ok {
			return nil, invalid(f.Name, "not a list of references")
		}
		return m.relation(f, refs), nil
	case f.Type == "":
		if file, ok := v.(hecate.FileRef); ok {
			return file, nil
		}
	}
	value, problem := check(v, m.depth)
	if problem == tooDeep {
		return nil, hecate.E(hecate.TooLarge, "write record").On("record").Says(f.Name + ": " + tooDeep)
	}
	if problem != "" {
		return nil, invalid(f.Name, problem)
	}
	return value, nil
}

func invalid(field, text string) error {
	return hecate.E(hecate.Invalid, "write record").On(field).Says(text)
}

// checks says for each type whether a value fits, and gives it its one Go form.
var checks = map[hecate.FieldType]func(v any, depth int) (value any, problem string){
	hecate.StringType:   checkString,
	hecate.TextType:     checkString,
	hecate.IntegerType:  checkInteger,
	hecate.SequenceType: checkInteger,
	hecate.NumberType:   checkNumber,
	hecate.BooleanType:  checkBoolean,
	hecate.TimeType:     checkTime,
	hecate.FileType:     checkFile,
	hecate.ArrayType:    checkArray,
	hecate.ObjectType:   checkObject,
	hecate.GeoType:      checkGeo,
	hecate.JSONType:     checkJSON,
}

const tooDeep = "nested too deeply"

// badText returns what is wrong with a text, "" when nothing is.
func badText(s string) string {
	if !utf8.ValidString(s) {
		return "not valid UTF-8"
	}
	if strings.ContainsRune(s, 0) {
		return "null characters cannot be stored"
	}
	return ""
}

func checkString(v any, _ int) (any, string) {
	s, ok := v.(string)
	if !ok {
		return nil, "not a text"
	}
	return s, badText(s)
}

func checkInteger(v any, _ int) (any, string) {
	switch n := v.(type) {
	case int64:
		return n, ""
	case int:
		return int64(n), ""
	case float64:
		if n == math.Trunc(n) && n >= -1<<63 && n < 1<<63 {
			return int64(n), ""
		}
	}
	return nil, "not a whole number"
}

func checkNumber(v any, _ int) (any, string) {
	switch n := v.(type) {
	case int64:
		return n, ""
	case int:
		return int64(n), ""
	case float64:
		if !math.IsNaN(n) && !math.IsInf(n, 0) {
			return n + 0, ""
		}
	}
	return nil, "not a number"
}

func checkBoolean(v any, _ int) (any, string) {
	if b, ok := v.(bool); ok {
		return b, ""
	}
	return nil, "not true or false"
}

func checkTime(v any, _ int) (any, string) {
	t, ok := v.(time.Time)
	if !ok {
		return nil, "not a time"
	}
	if t = t.UTC().Truncate(time.Microsecond); t.Year() < 0 || t.Year() > 9999 {
		return nil, "time out of range"
	}
	return t, ""
}

func checkFile(v any, _ int) (any, string) {
	if f, ok := v.(hecate.FileRef); ok && f.ID != "" {
		return f, ""
	}
	return nil, "not a file"
}

func checkGeo(v any, _ int) (any, string) {
	g, ok := v.(hecate.Geo)
	if !ok || !(g.Lat >= -90 && g.Lat <= 90 && g.Lng >= -180 && g.Lng <= 180) {
		return nil, "not a place on earth"
	}
	return g, ""
}

func checkArray(v any, depth int) (any, string) {
	if list, ok := v.([]any); ok {
		return checkJSON(list, depth)
	}
	return nil, "not a list"
}

func checkObject(v any, depth int) (any, string) {
	if m, ok := v.(map[string]any); ok {
		return checkJSON(m, depth)
	}
	return nil, "not an object"
}

// checkJSON takes anything that JSON can hold, and times, places and
// references inside it, and returns a copy.
func checkJSON(v any, depth int) (any, string) {
	if depth < 0 {
		return nil, tooDeep
	}
	switch v := v.(type) {
	case nil:
		return nil, ""
	case string:
		return v, badText(v)
	case bool:
		return v, ""
	case int, int64, float64:
		return checkNumber(v, 0)
	case time.Time:
		return checkTime(v, 0)
	case hecate.Geo:
		return checkGeo(v, 0)
	case hecate.Ref:
		return v, badText(string(v.ID) + v.Key + string(v.Collection))
	case []any:
		return checkItems(v, depth)
	case map[string]any:
		return checkMembers(v, depth)
	}
	return nil, "not a value that can be stored"
}

func checkItems(list []any, depth int) (any, string) {
	items := make([]any, len(list))
	for i, v := range list {
		item, problem := checkJSON(v, depth-1)
		if problem != "" {
			return nil, problem
		}
		items[i] = item
	}
	return items, ""
}

func checkMembers(m map[string]any, depth int) (any, string) {
	members := make(map[string]any, len(m))
	for k, v := range m {
		if problem := badText(k); problem != "" {
			return nil, problem
		}
		member, problem := checkJSON(v, depth-1)
		if problem != "" {
			return nil, problem
		}
		members[k] = member
	}
	return members, ""
}

// refsOf reads a relation's value.
func refsOf(v any) ([]hecate.Ref, bool) {
	switch v := v.(type) {
	case []hecate.Ref:
		return v, true
	case hecate.Ref:
		return []hecate.Ref{v}, true
	case []any:
		refs := make([]hecate.Ref, len(v))
		for i, item := range v {
			r, ok := item.(hecate.Ref)
			if !ok {
				return nil, false
			}
			refs[i] = r
		}
		return refs, true
	}
	return nil, false
}

// targets are the things that references lead to, by collection and by
// whatever the caller named them with.
type targets map[hecate.CollectionID]map[any]hecate.Ref

func (t targets) find(in hecate.CollectionID, r hecate.Ref) (hecate.Ref, bool) {
	found, ok := t[in][nameOf(r)]
	return found, ok
}

// nameOf is by what a reference names its target: an id, a number or a key.
func nameOf(r hecate.Ref) any {
	switch {
	case r.ID != "":
		return r.ID
	case r.Seq != 0:
		return r.Seq
	}
	return r.Key
}

// resolve finds all targets that the input for r refers to, in one query per collection. A
// private record may lead to others of its owner's space.
func (e *Engine) resolve(ctx context.Context, tx *store.DB, c *hecate.Collection, r *hecate.Record, in *RecordInput) (targets, error) {
	var space hecate.UserID
	if r.Private {
		space = r.Owner
	}
	wanted := map[hecate.CollectionID][]hecate.Ref{}
	want := func(name string, v any) {
		f := c.Field(name)
		if f == nil || f.Type != hecate.ReferenceType && f.Type != hecate.RelationType {
			return
		}
		refs, _ := refsOf(v)
		for _, r := range refs {
			if badText(string(r.ID)+r.Key) == "" && nameOf(r) != "" {
				wanted[f.Target] = append(wanted[f.Target], r)
			}
		}
	}
	for name, v := range in.Values {
		want(name, v)
	}
	for _, change := range in.Changes {
		if change.Op != hecate.RemoveItems {
			want(change.Field, change.Value)
		}
	}
	all := targets{}
	for in, refs := range wanted {
		if len(refs) > maxRefs {
			return nil, hecate.E(hecate.TooLarge, "write record").On("record").Says("too many references")
		}
		found, err := tx.Targets(ctx, c.App, in, refs, space)
		if err != nil {
			return nil, err
		}
		all[in] = map[any]hecate.Ref{}
		for _, t := range found {
			r := hecate.Ref{Collection: in, ID: t.ID, Seq: t.Seq}
			if t.Key != string(t.ID) {
				r.Key = t.Key
			}
			all[in][t.ID], all[in][t.Seq], all[in][t.Key] = r, r, r
		}
	}
	return all, nil
}

// maxRefs bounds the references of one input.
const maxRefs = 4000

func (m *merging) reference(f *hecate.Field, v any) (any, error) {
	r, ok := v.(hecate.Ref)
	if !ok {
		return nil, invalid(f.Name, "not a reference")
	}
	found, ok := m.found.find(f.Target, r)
	if !ok {
		return nil, hecate.E(hecate.Invalid, "write record").On(f.Name).Says("no such record").With("missing", r)
	}
	return found, nil
}

// relation keeps those that exist, each once, in order.
func (m *merging) relation(f *hecate.Field, refs []hecate.Ref) []hecate.Ref {
	list := make([]hecate.Ref, 0, len(refs))
	seen := make(map[hecate.RecordID]bool, len(refs))
	for _, r := range refs {
		if found, ok := m.found.find(f.Target, r); ok && !seen[found.ID] {
			seen[found.ID] = true
			list = append(list, found)
		}
	}
	return list
}

// change applies one operation to the stored value.
func (m *merging) change(ch hecate.Change) error {
	f, err := m.field(ch.Field)
	if err != nil {
		return err
	}
	if ch.Op == hecate.Increment {
		return m.increment(f, ch.Value)
	}
	if f.Type == hecate.RelationType {
		return m.changeRelation(f, ch)
	}
	return m.changeArray(f, ch)
}

func (m *merging) increment(f *hecate.Field, by any) error {
	step, problem := checkNumber(by, 0)
	if problem != "" {
		return invalid(f.Name, problem)
	}
	current, ok := m.next[f.Slot]
	if !ok {
		current = int64(0)
	}
	if _, problem := checkNumber(current, 0); problem != "" {
		return invalid(f.Name, problem)
	}
	sum, ok := add(current, step)
	if !ok {
		return invalid(f.Name, "the sum is out of range")
	}
	return m.set(f.Name, sum)
}

// add sums two numbers, as integers when both are.
func add(a, b any) (any, bool) {
	x, whole := a.(int64)
	y, also := b.(int64)
	if whole && also {
		sum := x + y
		return sum, (sum > x) == (y > 0)
	}
	sum := asFloat(a) + asFloat(b)
	return sum, !math.IsInf(sum, 0)
}

func asFloat(v any) float64 {
	switch n := v.(type) {
	case int64:
		return float64(n)
	case float64:
		return n
	}
	return 0
}

func (m *merging) changeRelation(f *hecate.Field, ch hecate.Change) error {
	refs, ok := refsOf(ch.Value)
	if !ok {
		return invalid(f.Name, "not a list of references")
	}
	have, _ := m.next[f.Slot].([]hecate.Ref)
	have = slices.Clone(have)
	if ch.Op == hecate.RemoveItems {
		have = slices.DeleteFunc(have, func(r hecate.Ref) bool {
			return slices.ContainsFunc(refs, func(given hecate.Ref) bool { return pointsTo(given, r) })
		})
	} else {
		for _, r := range m.relation(f, refs) {
			if !slices.ContainsFunc(have, func(h hecate.Ref) bool { return h.ID == r.ID }) {
				have = append(have, r)
			}
		}
	}
	m.next[f.Slot] = have
	return nil
}

// pointsTo reports whether given leads to the stored reference.
func pointsTo(given, stored hecate.Ref) bool {
	switch {
	case given.ID != "":
		return given.ID == stored.ID
	case given.Seq != 0:
		return given.Seq == stored.Seq
	case stored.Key != "":
		return given.Key == stored.Key
	}
	return given.Key == string(stored.ID)
}

func (m *merging) changeArray(f *hecate.Field, ch hecate.Change) error {
	if f.Type != hecate.ArrayType && f.Type != hecate.JSONType && f.Type != "" {
		return invalid(f.Name, "not a list")
	}
	given, problem := checkArray(ch.Value, m.depth)
	if problem != "" {
		return invalid(f.Name, problem)
	}
	current, there := m.next[f.Slot]
	have, ok := current.([]any)
	if there && !ok {
		return invalid(f.Name, "not a list")
	}
	have = slices.Clone(have)
	if have == nil {
		have = []any{}
	}
	for _, item := range given.([]any) {
		isItem := func(v any) bool { return equal(v, item) }
		switch ch.Op {
		case hecate.AddItems:
			have = append(have, item)
		case hecate.AddUnique:
			if !slices.ContainsFunc(have, isItem) {
				have = append(have, item)
			}
		case hecate.RemoveItems:
			have = slices.DeleteFunc(have, isItem)
		}
	}
	m.next[f.Slot] = have
	return nil
}

// equal compares two stored values; numbers by what they say, not by type.
func equal(a, b any) bool {
	switch a.(type) {
	case int64, float64:
		switch b.(type) {
		case int64, float64:
			return a == b || asFloat(a) == asFloat(b)
		}
	}
	return reflect.DeepEqual(a, b)
}
