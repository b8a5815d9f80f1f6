package syncano

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"hecate"
	"hecate/internal/web"
)

// Limits of the query language.
const (
	maxQueryKeys   = 16
	maxQueryKey    = 64
	maxQueryList   = 128
	maxQueries     = 16 // query parameters in one request
	maxJoins       = 4
	metersPerMile  = 1609.344
	metersPerKm    = 1000
	defaultMiles   = 100
	equatorMiles   = 24901
	equatorKm      = 40075
	badQuery       = "Query passed in invalid format."
	badDistance    = "Invalid distance value."
	badCoordinates = "Invalid longitude/latitude values."
	doubleNested   = "Double nested queries are not allowed."
)

// queryFault is what is wrong with a query, as the client is told under "query".
type queryFault string

func (f queryFault) Error() string { return string(f) }

func queryFaultf(format string, args ...any) queryFault {
	for i, a := range args {
		if text, ok := a.(string); ok {
			args[i] = quoted(text) // %q would escape as Go does
		}
	}
	return queryFault(fmt.Sprintf(format, args...))
}

// queryReader reads the filters of one request. What it must look up it is handed as functions.
type queryReader struct {
	class  *hecate.Collection
	target func(ctx context.Context, id hecate.CollectionID) (*hecate.Collection, error) // NotFound
	group  func(ctx context.Context, seq int64) (hecate.GroupID, error)                  // NotFound
	joins  int
}

// read returns the filter that all texts together ask for. Its error is a queryFault, or one of the look-ups.
func (q *queryReader) read(ctx context.Context, texts []string) (hecate.Filter, error) {
	if len(texts) > maxQueries {
		return hecate.Filter{}, queryFault(badQuery)
	}
	var all []hecate.Filter
	for _, text := range texts {
		if text == "" {
			continue
		}
		v, err := web.DecodeJSON([]byte(text), &innerJSON)
		if err != nil {
			return hecate.Filter{}, queryFault(textNotJSON)
		}
		q.joins = 0
		filters, err := q.object(ctx, queried{class: q.class}, v)
		if err != nil {
			return hecate.Filter{}, err
		}
		all = append(all, filters...)
	}
	return hecate.And(all...), nil
}

// queried is what a query object is about: the objects of a class, or, inside a join, also users.
type queried struct {
	class  *hecate.Collection
	users  bool // the class is that of the profiles, and stands for their users
	joined bool
}

func (q *queryReader) object(ctx context.Context, about queried, raw any) ([]hecate.Filter, error) {
	object, ok := raw.(map[string]any)
	if !ok {
		return nil, queryFault(badQuery)
	}
	if len(object) > maxQueryKeys {
		return nil, queryFaultf("Too many keys defined (exceeds %d).", maxQueryKeys)
	}
	var all []hecate.Filter
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if utf8.RuneCountInString(name) > maxQueryKey {
			return nil, queryFaultf("Too long key defined (exceeds %d).", maxQueryKey)
		}
		f, err := q.field(about, name)
		if err != nil {
			return nil, err
		}
		filters, err := q.lookups(ctx, about, f, object[name])
		if err != nil {
			return nil, err
		}
		all = append(all, filters...)
	}
	return all, nil
}

// queryField is one thing that may be asked about.
type queryField struct {
	name    string
	kind    queryKind
	operand hecate.Operand
	field   *hecate.Field // a schema field; nil for what every object has
	absent  bool          // no object ever has it: channels are not kept here
	always  bool          // every object has it
}

// queryKind is what values of a field look like in a query.
type queryKind uint8

const (
	textKind queryKind = iota
	integerKind
	idKind
	floatKind
	booleanKind
	timeKind
	referenceKind
	relationKind
	arrayKind
	geoKind
	groupKind
	opaqueKind // values cannot be compared, only be there or not
)

// builtInFields may be asked about in every class.
var builtInFields = map[string]queryField{
	"id":           {kind: idKind, operand: hecate.Operand{Column: hecate.SeqColumn}, always: true},
	"created_at":   {kind: timeKind, operand: hecate.Operand{Column: hecate.CreatedColumn}, always: true},
	"updated_at":   {kind: timeKind, operand: hecate.Operand{Column: hecate.UpdatedColumn}, always: true},
	"revision":     {kind: integerKind, operand: hecate.Operand{Column: hecate.VersionColumn}, always: true},
	"owner":        {kind: idKind, operand: hecate.Operand{Column: hecate.OwnerSeqColumn}},
	"group":        {kind: groupKind, operand: hecate.Operand{Column: hecate.GroupColumn}},
	"channel":      {kind: textKind, absent: true},
	"channel_room": {kind: textKind, absent: true},
}

// userFields replace and join the built-in ones where users are asked about.
var userFields = map[string]queryField{
	"id":       {kind: idKind, operand: hecate.Operand{Column: hecate.UserSeqColumn}, always: true},
	"username": {kind: textKind, operand: hecate.Operand{Column: hecate.UsernameColumn}, always: true},
}

// queryKinds are the kinds of schema fields.
var queryKinds = map[hecate.FieldType]queryKind{
	hecate.StringType: textKind, hecate.TextType: textKind, hecate.IntegerType: integerKind, hecate.SequenceType: integerKind,
	hecate.NumberType: floatKind, hecate.BooleanType: booleanKind, hecate.TimeType: timeKind, hecate.ReferenceType: referenceKind,
	hecate.RelationType: relationKind, hecate.ArrayType: arrayKind, hecate.GeoType: geoKind, hecate.JSONType: opaqueKind,
	hecate.ObjectType: opaqueKind, hecate.FileType: opaqueKind,
}

func (q *queryReader) field(about queried, name string) (*queryField, error) {
	if f, ok := userFields[name]; ok && about.users {
		f.name = name
		return &f, nil
	}
	if f, ok := builtInFields[name]; ok {
		f.name = name
		return &f, nil
	}
	if builtInNames[name] && name != "links" {
		return nil, queryFaultf("Field %q cannot be used in a query as it is not indexed.", name)
	}
	f := about.class.Field(name)
	if f == nil || !isShown(f) {
		return nil, queryFaultf("Invalid field name defined: %q.", name)
	}
	if !f.Indexed {
		return nil, queryFaultf("Field %q cannot be used in a query as it is not indexed.", name)
	}
	return &queryField{name: name, kind: queryKinds[f.Type], operand: hecate.FieldOperand(f), field: f}, nil
}

// lookup is one operator of the language.
type lookup struct {
	name  string // as errors call it
	op    hecate.Op
	fold  bool
	kinds uint16 // the kinds it is for, as bits
	value func(*lookup, *queryField, any) (any, error)
}

func kinds(list ...queryKind) uint16 {
	var set uint16
	for _, k := range list {
		set |= 1 << k
	}
	return set
}

var (
	compared = kinds(textKind, integerKind, idKind, floatKind, booleanKind, timeKind, referenceKind)
	equated  = compared | kinds(groupKind)
	written  = kinds(textKind)
	listed   = kinds(arrayKind, relationKind)
	existing = equated | kinds(relationKind, geoKind, opaqueKind)
	joinable = kinds(referenceKind, relationKind)
)

// lookups are the operators, by the word that names them. A word may mean different things for different kinds.
var lookups = map[string][]lookup{
	"_eq":          {{"eq", hecate.OpEqual, false, equated, oneValue}},
	"_neq":         {{"neq", hecate.OpNotEqual, false, equated, oneValue}},
	"_gt":          {{"gt", hecate.OpGreater, false, compared, oneValue}},
	"_gte":         {{"gte", hecate.OpGreaterEqual, false, compared, oneValue}},
	"_lt":          {{"lt", hecate.OpLess, false, compared, oneValue}},
	"_lte":         {{"lte", hecate.OpLessEqual, false, compared, oneValue}},
	"_in":          {{"in", hecate.OpIn, false, equated, listOfValues}},
	"_nin":         {{"nin", hecate.OpNotIn, false, equated, listOfValues}},
	"_exists":      {{"exists", hecate.OpExists, false, existing, truth}},
	"_contains":    {{"contains", hecate.OpSubstring, false, written, text}, {"contains", hecate.OpContains, false, listed, items}},
	"_startswith":  {{"startswith", hecate.OpPrefix, false, written, text}},
	"_endswith":    {{"endswith", hecate.OpSuffix, false, written, text}},
	"_like":        {{"like", hecate.OpLike, false, written, pattern}},
	"_icontains":   {{"icontains", hecate.OpSubstring, true, written, text}},
	"_istartswith": {{"istartswith", hecate.OpPrefix, true, written, text}},
	"_iendswith":   {{"iendswith", hecate.OpSuffix, true, written, text}},
	"_ilike":       {{"ilike", hecate.OpLike, true, written, pattern}},
	"_ieq":         {{"ieq", hecate.OpEqual, true, written, text}},
	"_is":          {{"is", hecate.OpJoined, false, joinable, nil}},
	"_near":        {{"near", hecate.OpNear, false, kinds(geoKind), nil}},
}

func (q *queryReader) lookups(ctx context.Context, about queried, f *queryField, raw any) ([]hecate.Filter, error) {
	object, ok := raw.(map[string]any)
	if !ok {
		return nil, queryFaultf("Invalid field %q lookup type. Expected JSON object.", f.name)
	}
	var all []hecate.Filter
	for _, word := range slices.Sorted(maps.Keys(object)) {
		l := find(word, f)
		if l == nil {
			return nil, queryFaultf("Invalid lookup %q defined for field %q.", word, f.name)
		}
		filter, err := q.filter(ctx, about, f, l, object[word])
		if err != nil {
			return nil, err
		}
		all = append(all, filter)
	}
	return all, nil
}

func find(word string, f *queryField) *lookup {
	for i, l := range lookups[word] {
		if l.kinds&(1<<f.kind) != 0 {
			return &lookups[word][i]
		}
	}
	return nil
}

// nothing and everything are the filters whose answer is known before.
func nothing() hecate.Filter    { return hecate.Filter{Op: hecate.OpAny} }
func everything() hecate.Filter { return hecate.Filter{Op: hecate.OpAll} }

func (q *queryReader) filter(ctx context.Context, about queried, f *queryField, l *lookup, raw any) (hecate.Filter, error) {
	switch l.op {
	case hecate.OpJoined:
		return q.join(ctx, about, f, l, raw)
	case hecate.OpNear:
		return near(f, l, raw)
	}
	v, err := l.value(l, f, raw)
	if err != nil {
		return hecate.Filter{}, err
	}
	if f.kind == groupKind && l.op != hecate.OpExists {
		if v, err = q.groups(ctx, v); err != nil {
			return hecate.Filter{}, err
		}
	}
	if f.absent {
		return ofAbsent(l.op, v), nil
	}
	if l.op == hecate.OpExists && f.always {
		if v == true {
			return everything(), nil
		}
		return nothing(), nil
	}
	operand := f.operand
	operand.Fold = l.fold
	return hecate.Filter{Op: l.op, Operand: operand, Value: v}, nil
}

// ofAbsent is the answer for a field that no object has.
func ofAbsent(op hecate.Op, v any) hecate.Filter {
	if op == hecate.OpNotEqual || op == hecate.OpNotIn || op == hecate.OpExists && v == false {
		return everything()
	}
	return nothing()
}

// groups replaces numbers of groups by their ids; unknown ones are ids of nothing.
func (q *queryReader) groups(ctx context.Context, v any) (any, error) {
	if list, ok := v.([]any); ok {
		ids := make([]any, len(list))
		for i := range list {
			id, err := q.groups(ctx, list[i])
			if err != nil {
				return nil, err
			}
			ids[i] = id
		}
		return ids, nil
	}
	seq, _ := v.(int64)
	id, err := q.group(ctx, seq)
	if err != nil && !errors.Is(err, hecate.NotFound) {
		return nil, err
	}
	return string(id), nil
}

// join reads `_is`: a query about the objects that a reference or relation points to.
func (q *queryReader) join(ctx context.Context, about queried, f *queryField, l *lookup, raw any) (hecate.Filter, error) {
	if about.joined {
		return hecate.Filter{}, queryFault(doubleNested)
	}
	if q.joins++; q.joins > maxJoins {
		return hecate.Filter{}, queryFaultf("Too many nested queries defined (exceeds %d).", maxJoins)
	}
	target := queried{joined: true}
	id := f.field.Target
	switch id {
	case about.class.ID, targetSelf:
		target.class, id = about.class, about.class.ID
	case hecate.UserTarget:
		target.users = true
	}
	if target.class == nil {
		c, err := q.target(ctx, id)
		if errors.Is(err, hecate.NotFound) {
			return hecate.Filter{}, queryFault("Referenced class does not exist.")
		}
		if err != nil {
			return hecate.Filter{}, err
		}
		target.class = c
	}
	filters, err := q.object(ctx, target, raw)
	if err != nil {
		return hecate.Filter{}, err
	}
	return hecate.Filter{Op: l.op, Operand: f.operand, Target: id, Sub: []hecate.Filter{hecate.And(filters...)}}, nil
}

// near reads `_near`: a place and a distance.
func near(f *queryField, l *lookup, raw any) (hecate.Filter, error) {
	object, ok := raw.(map[string]any)
	if !ok {
		return hecate.Filter{}, wrongValue(l, f)
	}
	_, hasLat := object["latitude"]
	_, hasLng := object["longitude"]
	if !hasLat || !hasLng {
		return hecate.Filter{}, wrongValue(l, f)
	}
	geo, ok := geopoint(object)
	if !ok {
		return hecate.Filter{}, queryFault(badCoordinates)
	}
	meters, err := distance(object)
	if err != nil {
		return hecate.Filter{}, err
	}
	return hecate.Filter{Op: l.op, Operand: f.operand, Value: geo, Meters: meters}, nil
}

func distance(object map[string]any) (float64, error) {
	for _, unit := range []struct {
		key         string
		meters, max float64
	}{{"distance_in_miles", metersPerMile, equatorMiles}, {"distance_in_kilometers", metersPerKm, equatorKm}} {
		raw, ok := object[unit.key]
		if !ok {
			continue
		}
		number, ok := raw.(json.Number)
		if !ok {
			return 0, queryFault(badDistance)
		}
		n, err := number.Float64()
		if err != nil || n < 0 || n > unit.max {
			return 0, queryFault(badDistance)
		}
		return n * unit.meters, nil
	}
	return defaultMiles * metersPerMile, nil
}

func wrongValue(l *lookup, f *queryField) error {
	return queryFaultf("Invalid value type provided for %q lookup of field %q.", l.name, f.name)
}

func failedValue(l *lookup, f *queryField, text string) error {
	return queryFault(queryFaultf("Validation of value provided for %q lookup of field %q failed: ", l.name, f.name) + queryFault(text))
}

// oneValue reads a value to compare with.
func oneValue(l *lookup, f *queryField, raw any) (any, error) {
	switch f.kind {
	case textKind:
		return text(l, f, raw)
	case integerKind, idKind, groupKind:
		return whole(l, f, raw)
	case referenceKind:
		n, err := whole(l, f, raw)
		if err != nil {
			return nil, err
		}
		return hecate.Ref{Collection: f.field.Target, Seq: n.(int64)}, nil
	case floatKind:
		n, fault := float(raw)
		if fault != "" {
			return nil, wrongValue(l, f)
		}
		return n, nil
	case booleanKind:
		in, fault := readBoolean(nil, raw)
		if fault != "" || in.value == nil {
			return nil, wrongValue(l, f)
		}
		return in.value, nil
	case timeKind:
		s, _ := raw.(string)
		t, ok := moment(s)
		if !ok {
			return nil, wrongValue(l, f)
		}
		return t, nil
	}
	return nil, wrongValue(l, f)
}

// whole reads a whole number; those of fields stay within 32 bits, ids only positive.
func whole(l *lookup, f *queryField, raw any) (any, error) {
	n, fault := integer(raw)
	if fault != "" {
		return nil, wrongValue(l, f)
	}
	if f.kind == integerKind {
		if fault := integerFault(n); fault != "" {
			return nil, failedValue(l, f, fault)
		}
	} else if n < 0 || n > math.MaxInt32 {
		return nil, failedValue(l, f, idFault(n))
	}
	return n, nil
}

func idFault(n int64) string {
	if n < 0 {
		return "Ensure this value is greater than or equal to 0."
	}
	return tooLargeInteger
}

// text reads a text to compare with or to look for.
func text(l *lookup, f *queryField, raw any) (any, error) {
	var s string
	switch v := raw.(type) {
	case string:
		s = v
	case json.Number:
		s = v.String()
	default:
		return nil, wrongValue(l, f)
	}
	if f.absent && l.kinds == written {
		return nil, queryFault(l.name + " is not supported on this field type.")
	}
	if n := utf8.RuneCountInString(s); n > maxQueryText {
		return nil, failedValue(l, f, "Ensure this value has at most "+strconv.Itoa(maxQueryText)+" characters (it has "+strconv.Itoa(n)+").")
	}
	return s, nil
}

// pattern is text whose escapes are complete: a last lone backslash stands for itself.
func pattern(l *lookup, f *queryField, raw any) (any, error) {
	v, err := text(l, f, raw)
	if err != nil {
		return nil, err
	}
	s := v.(string)
	if tail := len(s) - len(strings.TrimRight(s, `\`)); tail%2 == 1 {
		s += `\`
	}
	return s, nil
}

func listOfValues(l *lookup, f *queryField, raw any) (any, error) {
	return list(l, f, raw, oneValue)
}

func list(l *lookup, f *queryField, raw any, one func(*lookup, *queryField, any) (any, error)) (any, error) {
	given, ok := raw.([]any)
	if !ok {
		return nil, wrongValue(l, f)
	}
	if len(given) > maxQueryList {
		return nil, queryFaultf("Too many values provided for %q lookup of field %q. Max 128.", l.name, f.name)
	}
	values := make([]any, len(given))
	for i, item := range given {
		v, err := one(l, f, item)
		if err != nil {
			return nil, err
		}
		values[i] = v
	}
	return values, nil
}

// items reads what an array or a relation must hold.
func items(l *lookup, f *queryField, raw any) (any, error) {
	if f.kind == relationKind {
		return list(l, f, raw, relationItem)
	}
	return list(l, f, raw, arrayItem)
}

func relationItem(l *lookup, f *queryField, raw any) (any, error) {
	number, ok := raw.(json.Number)
	if !ok {
		return nil, wrongValue(l, f)
	}
	n, err := strconv.ParseInt(number.String(), 10, 64)
	if err != nil {
		return nil, wrongValue(l, f)
	}
	return hecate.Ref{Collection: f.field.Target, Seq: n}, nil
}

func arrayItem(l *lookup, f *queryField, raw any) (any, error) {
	switch v := raw.(type) {
	case bool:
		return v, nil
	case string:
		return text(l, f, v)
	case json.Number:
		return plainNumber(v), nil
	}
	return nil, wrongValue(l, f)
}

func truth(l *lookup, f *queryField, raw any) (any, error) {
	v, ok := raw.(bool)
	if !ok {
		return nil, wrongValue(l, f)
	}
	return v, nil
}

// momentLayouts are the forms of ISO 8601 that a query may use; a fraction may follow the seconds in each.
var momentLayouts = []string{
	"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07", "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00",
	"2006-01-02T15:04", "2006-01-02",
}

// moment reads a time in a query; without a zone it is UTC.
func moment(s string) (time.Time, bool) {
	if len(s) > 10 && s[10] == ' ' {
		s = s[:10] + "T" + s[11:]
	}
	for _, layout := range momentLayouts {
		if t, err := time.Parse(layout, s); err == nil && t.UTC().Year() >= 1 && t.UTC().Year() <= 9999 {
			return t.UTC().Truncate(time.Microsecond), true
		}
	}
	return time.Time{}, false
}
