package skygear

import (
	"context"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"hecate"
)

// recordQuery is what record:query asks for.
type recordQuery struct {
	hecate.Query
	all      bool            // no limit was given: Limit is 0 and all rows are wanted
	includes []include       // by name
	fields   map[string]bool // the only fields wanted; nil: all
	// near is the one order that hecate.Query has no word for: by distance, before or
	// after the others. nil: there is none.
	near []distanceOrder
}

// distanceOrder sorts by the distance from a point; at is its place among the orders.
type distanceOrder struct {
	distance
	at   int
	desc bool
}

// include is a value that every record of the answer shows in _transient: the
// record that it refers to, or a distance.
type include struct {
	name   string
	field  *hecate.Field // a reference
	column hecate.Column // else a column that names a user
	near   *distance     // else a distance in metres
}

// distance is between a field and a point.
type distance struct {
	field *hecate.Field
	from  hecate.Geo
}

// fieldRights is what the field access of an app lets a caller do with a field of any record.
type fieldRights struct{ readable, comparable, discoverable bool }

// queryReader reads the queries of one request. What it must look up it is handed as functions.
type queryReader struct {
	values *values
	// collection finds what a reference points to; hecate.UserTarget is the profiles. Kinds: NotFound.
	collection func(ctx context.Context, id hecate.CollectionID) (*hecate.Collection, error)
	// users finds users by key, all at once; those that are not there are left out.
	users func(ctx context.Context, keys []string) (map[string]hecate.UserID, error)
	// rights is the field access of the caller; nil: everything is allowed.
	rights func(c *hecate.Collection, field string) fieldRights
	// related is the filter of userRelation; nil: not supported.
	related func(ctx context.Context, who *operand, r relation) (hecate.Filter, error)
}

// badQuery is what is wrong with the form of a query.
func badQuery(reason string) *failure { return invalid("failed to construct query: " + reason) }

func noKeypath(name string) *failure {
	return fail(recordQueryInvalid, `keypath "`+name+`" does not exist`)
}

// readRecordType reads the type that a query is about.
func readRecordType(p payload) (string, error) {
	typ, err := p.text("record_type")
	switch {
	case err != nil:
		return "", err
	case typ == "":
		return "", invalid("recordType cannot be empty", "recordType")
	case reserved(typ):
		return "", invalid(`record type "`+typ+`" is reserved`, "record_type")
	}
	return typ, nil
}

// read reads everything but record_type and database_id, as a query on c. The
// errors are failures, or those of the look-ups.
func (q *queryReader) read(ctx context.Context, c *hecate.Collection, p payload) (*recordQuery, error) {
	out := &recordQuery{}
	var err error
	if out.Filter, err = q.filter(ctx, c, p["predicate"]); err != nil {
		return nil, err
	}
	if err = q.sort(ctx, c, p["sort"], out); err != nil {
		return nil, err
	}
	if err = page(p, out); err != nil {
		return nil, err
	}
	if out.includes, err = q.includes(ctx, c, p); err != nil {
		return nil, err
	}
	out.fields, err = desired(c, p)
	return out, err
}

func page(p payload, out *recordQuery) error {
	limit, given, err := p.int("limit")
	if err != nil {
		return err
	}
	offset, _, err := p.int("offset")
	if err != nil {
		return err
	}
	if limit < 0 || offset < 0 {
		return badQuery("limit and offset must not be negative")
	}
	out.Limit, out.Offset, out.all = int(limit), int(offset), !given
	out.Count, err = p.bool("count")
	return err
}

// desired reads the only fields that the answer shall have.
func desired(c *hecate.Collection, p payload) (map[string]bool, error) {
	names, err := p.texts("desired_keys")
	if err != nil || names == nil {
		return nil, err
	}
	fields := make(map[string]bool, len(names))
	for _, name := range names {
		if _, err := find(c, name); err != nil {
			return nil, err
		}
		fields[name] = true
	}
	return fields, nil
}

// operandKind is what may be compared with an operand.
type operandKind uint8

const (
	fieldKind operandKind = iota
	keyKind               // text: a key without its type
	userKind              // text: the key of a user
	timeKind
	loginKind // text: a login name
)

// operand is a keypath, resolved.
type operand struct {
	hecate.Operand
	name    string
	kind    operandKind
	field   *hecate.Field      // with fieldKind
	through *hecate.Field      // the reference before the dot; nil without one
	in      *hecate.Collection // where the field is
}

// columns are the reserved members that a query may name.
var columns = map[string]struct {
	column hecate.Column
	kind   operandKind
}{
	"_id":         {hecate.KeyColumn, keyKind},
	"_owner":      {hecate.OwnerColumn, userKind},
	"_owner_id":   {hecate.OwnerColumn, userKind},
	"_created_at": {hecate.CreatedColumn, timeKind},
	"_updated_at": {hecate.UpdatedColumn, timeKind},
	"_created_by": {hecate.CreatedByColumn, userKind},
	"_updated_by": {hecate.UpdatedByColumn, userKind},
}

// members are the fields of a profile that are columns. Login names compare without case, as their uniqueness does.
var members = map[string]struct {
	hecate.Operand
	kind operandKind
}{
	usernameField:  {hecate.Operand{Column: hecate.UsernameColumn, Fold: true}, loginKind},
	emailField:     {hecate.Operand{Column: hecate.EmailColumn, Fold: true}, loginKind},
	lastLoginField: {hecate.Operand{Column: hecate.LastLoginColumn}, timeKind},
}

// find resolves a name without a dot.
func find(c *hecate.Collection, name string) (*operand, error) {
	if row, ok := columns[name]; ok {
		return &operand{Operand: hecate.Operand{Column: row.column}, name: name, kind: row.kind, in: c}, nil
	}
	if row, ok := members[name]; ok && c.Kind == hecate.ProfileCollection {
		return &operand{Operand: row.Operand, name: name, kind: row.kind, in: c}, nil
	}
	f := c.Field(name)
	if f == nil || reserved(name) {
		return nil, noKeypath(name)
	}
	return &operand{Operand: hecate.FieldOperand(f), name: name, field: f, in: c}, nil
}

// path resolves a keypath of one or two components.
func (q *queryReader) path(ctx context.Context, c *hecate.Collection, name string) (*operand, error) {
	first, rest, dotted := strings.Cut(name, ".")
	if !dotted {
		return find(c, name)
	}
	reference := c.Field(first)
	if reference == nil || reserved(first) || reference.Type != hecate.ReferenceType || strings.Contains(rest, ".") {
		return nil, noKeypath(name)
	}
	target, err := q.collection(ctx, reference.Target)
	if hecate.KindOf(err) == hecate.NotFound && err != nil {
		return nil, noKeypath(name)
	}
	if err != nil {
		return nil, err
	}
	o, err := find(target, rest)
	if err != nil {
		return nil, noKeypath(name)
	}
	o.through = reference
	if q.rights != nil && !q.rights(c, first).comparable {
		return nil, denied(first, "comparable")
	}
	return o, nil
}

func denied(field, need string) *failure {
	return fail(recordQueryDenied, `Cannot query on field "`+field+`" due to Field ACL, need to be `+need)
}

// may asks whether the caller may compare the operand; equal is for plain equality.
func (q *queryReader) may(o *operand, equal bool) error {
	if _, member := members[o.name]; q.rights == nil || o.kind != fieldKind && !member {
		return nil
	}
	r := q.rights(o.in, o.name)
	switch {
	case equal && !r.discoverable && !r.comparable:
		return denied(o.name, "discoverable or comparable")
	case !equal && !r.comparable:
		return denied(o.name, "comparable")
	}
	return nil
}

// where says that the condition holds of what the operand belongs to.
func (o *operand) where(f hecate.Filter) hecate.Filter {
	if o.through == nil {
		return f
	}
	return hecate.Filter{Op: hecate.OpJoined, Operand: hecate.FieldOperand(o.through), Target: o.through.Target, Sub: []hecate.Filter{f}}
}

// nothing is the filter that no record matches.
func nothing() hecate.Filter { return hecate.Filter{Op: hecate.OpAny} }

// filter reads a predicate and finds the users it names, all in one look-up.
func (q *queryReader) filter(ctx context.Context, c *hecate.Collection, raw any) (hecate.Filter, error) {
	if raw == nil {
		return hecate.Filter{}, nil
	}
	list, ok := raw.([]any)
	if !ok {
		return hecate.Filter{}, invalid(`expecting "predicate" to be an array`)
	}
	if len(list) == 0 {
		return hecate.Filter{}, nil
	}
	f, err := q.predicate(ctx, c, list, 0)
	if err != nil {
		return hecate.Filter{}, err
	}
	return f, q.nameUsers(ctx, &f)
}

// userNamed stands in a filter for the id of a user until all of them are looked up.
type userNamed string

func (q *queryReader) nameUsers(ctx context.Context, f *hecate.Filter) error {
	keys := map[string]bool{}
	eachUser(f, func(key userNamed) any { keys[string(key)] = true; return key })
	if len(keys) == 0 {
		return nil
	}
	ids, err := q.users(ctx, slices.Sorted(maps.Keys(keys)))
	if err != nil {
		return err
	}
	eachUser(f, func(key userNamed) any {
		if id, ok := ids[string(key)]; ok {
			return string(id)
		}
		return string(key) // the id of nobody
	})
	return nil
}

// eachUser replaces the users that a filter names.
func eachUser(f *hecate.Filter, replace func(userNamed) any) {
	switch v := f.Value.(type) {
	case userNamed:
		f.Value = replace(v)
	case []any:
		for i := range v {
			if key, ok := v[i].(userNamed); ok {
				v[i] = replace(key)
			}
		}
	}
	for i := range f.Sub {
		eachUser(&f.Sub[i], replace)
	}
}

func (q *queryReader) predicate(ctx context.Context, c *hecate.Collection, raw any, depth int) (hecate.Filter, error) {
	list, ok := raw.([]any)
	if !ok || len(list) == 0 {
		return hecate.Filter{}, badQuery("got non-array or empty predicate")
	}
	if depth > hecate.MaxFilterDepth {
		return hecate.Filter{}, badQuery("predicate is nested too deeply")
	}
	name, ok := list[0].(string)
	if !ok {
		return hecate.Filter{}, badQuery("operator must be a string")
	}
	args := list[1:]
	if row, ok := compounds[name]; ok {
		return q.compound(ctx, c, name, row, args, depth)
	}
	if row, ok := comparisons[name]; ok {
		return q.comparison(ctx, c, name, row, args)
	}
	switch name {
	case "in":
		return q.in(ctx, c, args)
	case "func":
		return q.function(ctx, c, args)
	}
	return hecate.Filter{}, badQuery("unrecognized operator = " + name)
}

// compounds are the operators on predicates.
var compounds = map[string]struct {
	op   hecate.Op
	most int
}{"and": {hecate.OpAll, hecate.MaxFilterNodes}, "or": {hecate.OpAny, hecate.MaxFilterNodes}, "not": {hecate.OpNot, 1}}

func (q *queryReader) compound(ctx context.Context, c *hecate.Collection, name string, row struct {
	op   hecate.Op
	most int
}, args []any, depth int) (hecate.Filter, error) {
	if len(args) == 0 || len(args) > row.most {
		return hecate.Filter{}, badQuery("wrong number of predicates for operator = " + name)
	}
	f := hecate.Filter{Op: row.op, Sub: make([]hecate.Filter, len(args))}
	for i := range args {
		var err error
		if f.Sub[i], err = q.predicate(ctx, c, args[i], depth+1); err != nil {
			return hecate.Filter{}, err
		}
	}
	return f, nil
}

// comparison is an operator on two expressions.
type comparison struct {
	op      hecate.Op
	flipped hecate.Op // with the keypath on the right
	text    bool      // only text can be compared so
	fold    bool
	far     bool // on a distance: beyond it
}

var comparisons = map[string]comparison{
	"eq":    {op: hecate.OpEqual, flipped: hecate.OpEqual},
	"neq":   {op: hecate.OpNotEqual, flipped: hecate.OpNotEqual},
	"gt":    {op: hecate.OpGreater, flipped: hecate.OpLess, far: true},
	"gte":   {op: hecate.OpGreaterEqual, flipped: hecate.OpLessEqual, far: true},
	"lt":    {op: hecate.OpLess, flipped: hecate.OpGreater},
	"lte":   {op: hecate.OpLessEqual, flipped: hecate.OpGreaterEqual},
	"like":  {op: hecate.OpLike, text: true},
	"ilike": {op: hecate.OpLike, text: true, fold: true},
}

// expression is one side of a comparison.
type expression struct {
	path    *operand
	near    *distance
	literal any
}

func (e *expression) isLiteral() bool { return e.path == nil && e.near == nil }

func (q *queryReader) comparison(ctx context.Context, c *hecate.Collection, name string, row comparison, args []any) (hecate.Filter, error) {
	if len(args) != 2 {
		return hecate.Filter{}, badQuery("expected two expressions for operator = " + name)
	}
	left, err := q.expression(ctx, c, args[0])
	if err != nil {
		return hecate.Filter{}, err
	}
	right, err := q.expression(ctx, c, args[1])
	if err != nil {
		return hecate.Filter{}, err
	}
	if left.isLiteral() && !row.text {
		left, right, row.op = right, left, row.flipped
		row.far = row.op == hecate.OpGreater || row.op == hecate.OpGreaterEqual
	}
	if left.isLiteral() || !right.isLiteral() {
		return hecate.Filter{}, badQuery("one side of operator = " + name + " must be a keypath, the other a value")
	}
	if left.near != nil {
		return within(left.near, row, right.literal)
	}
	if err := q.may(left.path, row.op == hecate.OpEqual); err != nil {
		return hecate.Filter{}, err
	}
	return compare(left.path, row, right.literal)
}

// expression reads a keypath, a function or a literal.
func (q *queryReader) expression(ctx context.Context, c *hecate.Collection, raw any) (*expression, error) {
	if list, ok := raw.([]any); ok && len(list) > 0 && list[0] == "func" {
		near, err := q.distance(ctx, c, list[1:])
		return &expression{near: near}, err
	}
	v, err := q.values.read(ctx, raw)
	if err != nil {
		return nil, err
	}
	name, ok := v.(keypath)
	if !ok {
		return &expression{literal: v}, nil
	}
	path, err := q.path(ctx, c, string(name))
	return &expression{path: path}, err
}

// compare makes the condition of an operator on a keypath and a value.
func compare(o *operand, row comparison, value any) (hecate.Filter, error) {
	if value == nil {
		return compareNull(o, row.op), nil
	}
	if row.text && !o.isText() {
		return hecate.Filter{}, badQuery(`"` + o.name + `" is no text`)
	}
	v, err := o.comparable(value)
	if err != nil {
		return hecate.Filter{}, err
	}
	if _, isRef := v.(hecate.Ref); isRef && row.op != hecate.OpEqual && row.op != hecate.OpNotEqual {
		return hecate.Filter{}, badQuery(`"` + o.name + `" has no order`)
	}
	f := hecate.Filter{Op: row.op, Operand: o.Operand, Value: v}
	if row.text {
		f.Operand.Fold, f.Value = f.Operand.Fold || row.fold, pattern(v)
	}
	if row.op == hecate.OpNotEqual {
		// As in SQL, what is absent is neither equal nor different.
		f = hecate.And(f, hecate.Filter{Op: hecate.OpNotEqual, Operand: o.Operand})
	}
	return o.where(f), nil
}

// compareNull: eq and neq ask whether there is a value; with null nothing else is true.
func compareNull(o *operand, op hecate.Op) hecate.Filter {
	if op != hecate.OpEqual && op != hecate.OpNotEqual {
		return nothing()
	}
	f := o.where(hecate.Filter{Op: op, Operand: o.Operand})
	if op == hecate.OpEqual && o.through != nil {
		// Without the reference there is no value behind it either.
		absent := hecate.Filter{Op: hecate.OpEqual, Operand: hecate.FieldOperand(o.through)}
		f = hecate.Filter{Op: hecate.OpAny, Sub: []hecate.Filter{absent, f}}
	}
	return f
}

func (o *operand) isText() bool {
	if o.kind == fieldKind {
		return o.field.Type == hecate.TextType || o.field.Type == hecate.StringType
	}
	return o.kind != timeKind
}

// pattern is text whose escapes are complete: a last lone backslash stands for itself.
func pattern(v any) any {
	s, ok := v.(string)
	if tail := len(s) - len(strings.TrimRight(s, `\`)); ok && tail%2 == 1 {
		return s + `\`
	}
	return v
}

// comparable turns a literal into what the operand is compared with.
func (o *operand) comparable(value any) (any, error) {
	ref, isRef := value.(hecate.Ref)
	text, isText := value.(string)
	switch o.kind {
	case keyKind:
		if isRef {
			return ref.Key, nil
		}
		if isText {
			return text, nil
		}
	case userKind:
		if isRef && ref.Collection == hecate.UserTarget {
			return userNamed(ref.Key), nil
		}
		if isText {
			return userNamed(text), nil
		}
	case loginKind:
		if isText {
			return text, nil
		}
	case timeKind:
		if t, ok := value.(time.Time); ok {
			return t, nil
		}
	case fieldKind:
		if v, ok := literalFor(o.field, value); ok {
			return v, nil
		}
	}
	return nil, badQuery(`"` + o.name + `" cannot be compared with this value`)
}

// literalFor reports whether values of the field can be compared with the literal.
func literalFor(f *hecate.Field, value any) (any, bool) {
	if text, ok := value.(string); ok && f.Type == hecate.ReferenceType {
		return hecate.Ref{Collection: f.Target, Key: text}, true // a bare key
	}
	if ref, ok := value.(hecate.Ref); ok {
		return ref, f.Type == hecate.ReferenceType && f.Target == ref.Collection
	}
	typ, _, _ := typeOfValue(value)
	return value, slices.Contains(compares[f.Type], typ)
}

// compares are the types of literals that a field can be compared with.
var compares = map[hecate.FieldType][]hecate.FieldType{
	hecate.StringType:   {hecate.TextType},
	hecate.TextType:     {hecate.TextType},
	hecate.NumberType:   {hecate.NumberType},
	hecate.IntegerType:  {hecate.NumberType},
	hecate.SequenceType: {hecate.NumberType},
	hecate.BooleanType:  {hecate.BooleanType},
	hecate.TimeType:     {hecate.TimeType},
	hecate.JSONType:     {hecate.TextType, hecate.NumberType, hecate.BooleanType},
}

// within compares a distance.
func within(d *distance, row comparison, value any) (hecate.Filter, error) {
	meters, ok := number(value)
	if !ok || row.text || row.op == hecate.OpEqual || row.op == hecate.OpNotEqual {
		return hecate.Filter{}, badQuery("a distance is compared with a number of metres, by gt, gte, lt or lte")
	}
	if meters < 0 {
		if row.far {
			return hecate.Filter{Op: hecate.OpNotEqual, Operand: hecate.FieldOperand(d.field)}, nil
		}
		return nothing(), nil
	}
	f := hecate.Filter{Op: hecate.OpNear, Operand: hecate.FieldOperand(d.field), Value: d.from, Meters: meters}
	if row.far {
		present := hecate.Filter{Op: hecate.OpNotEqual, Operand: hecate.FieldOperand(d.field)}
		f = hecate.And(present, hecate.Filter{Op: hecate.OpNot, Sub: []hecate.Filter{f}})
	}
	return f, nil
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// in reads both forms: a keypath in a list, and a value in a field that is a list.
func (q *queryReader) in(ctx context.Context, c *hecate.Collection, args []any) (hecate.Filter, error) {
	if len(args) != 2 {
		return hecate.Filter{}, badQuery("expected two expressions for operator = in")
	}
	left, err := q.expression(ctx, c, args[0])
	if err != nil {
		return hecate.Filter{}, err
	}
	if left.path != nil {
		return q.inList(ctx, left.path, args[1])
	}
	right, err := q.expression(ctx, c, args[1])
	if err != nil {
		return hecate.Filter{}, err
	}
	if right.path == nil || left.near != nil {
		return hecate.Filter{}, badQuery("operator = in needs a keypath and a list, or a value and a keypath")
	}
	if err := q.may(right.path, false); err != nil {
		return hecate.Filter{}, err
	}
	if right.path.field == nil || !slices.Contains(lists, right.path.field.Type) {
		return hecate.Filter{}, badQuery(`"` + right.path.name + `" is no list`)
	}
	switch left.literal.(type) {
	case string, bool, int64, float64:
	default:
		return hecate.Filter{}, badQuery("a list cannot be searched for this value")
	}
	return right.path.where(hecate.Filter{Op: hecate.OpContains, Operand: right.path.Operand, Value: []any{left.literal}}), nil
}

// lists are the types of fields that hold lists.
var lists = []hecate.FieldType{hecate.JSONType, hecate.ArrayType}

// inList reads membership; nulls in the list equal nothing.
func (q *queryReader) inList(ctx context.Context, o *operand, raw any) (hecate.Filter, error) {
	list, ok := raw.([]any)
	if !ok {
		return hecate.Filter{}, badQuery("operator = in needs a list of values")
	}
	if err := q.may(o, true); err != nil {
		return hecate.Filter{}, err
	}
	values := make([]any, 0, len(list))
	for _, item := range list {
		v, err := q.values.read(ctx, item)
		if err != nil {
			return hecate.Filter{}, err
		}
		if v == nil {
			continue
		}
		if v, err = o.comparable(v); err != nil {
			return hecate.Filter{}, err
		}
		values = append(values, v)
	}
	if len(values) == 0 {
		return nothing(), nil
	}
	return o.where(hecate.Filter{Op: hecate.OpIn, Operand: o.Operand, Value: values}), nil
}

// function reads a function that is a predicate itself.
func (q *queryReader) function(ctx context.Context, c *hecate.Collection, args []any) (hecate.Filter, error) {
	if len(args) != 3 || args[0] != "userRelation" {
		return hecate.Filter{}, badQuery("unrecognized function")
	}
	who, err := q.expression(ctx, c, args[1])
	if err != nil {
		return hecate.Filter{}, err
	}
	v, err := q.values.read(ctx, args[2])
	if err != nil {
		return hecate.Filter{}, err
	}
	r, ok := v.(relation)
	if !ok || who.path == nil || who.path.through != nil || !who.path.isUser() {
		return hecate.Filter{}, badQuery("userRelation needs the keypath of a user and a relation")
	}
	if err := q.may(who.path, true); err != nil {
		return hecate.Filter{}, err
	}
	if q.related == nil {
		return hecate.Filter{}, fail(notSupported, "userRelation is not supported")
	}
	return q.related(ctx, who.path, r)
}

// distance reads the arguments of ["func", "distance", keypath, geo].
func (q *queryReader) distance(ctx context.Context, c *hecate.Collection, args []any) (*distance, error) {
	if len(args) != 3 || args[0] != "distance" {
		return nil, badQuery("unrecognized function")
	}
	where, err := q.values.read(ctx, args[1])
	if err != nil {
		return nil, err
	}
	point, err := q.values.read(ctx, args[2])
	if err != nil {
		return nil, err
	}
	name, ok1 := where.(keypath)
	from, ok2 := point.(hecate.Geo)
	if !ok1 || !ok2 {
		return nil, badQuery("distance needs a keypath and a location")
	}
	o, err := find(c, string(name))
	if err != nil {
		return nil, err
	}
	if o.field == nil || o.field.Type != hecate.GeoType {
		return nil, badQuery(`"` + o.name + `" is no location`)
	}
	return &distance{o.field, from}, q.may(o, false)
}

// directions are the words of a sort.
var directions = map[any]bool{"asc": false, "desc": true}

// sort reads [[keypath or distance, "asc" or "desc"], …].
func (q *queryReader) sort(ctx context.Context, c *hecate.Collection, raw any, out *recordQuery) error {
	if raw == nil {
		return nil
	}
	list, ok := raw.([]any)
	if !ok {
		return invalid(`expecting "sort" to be an array`)
	}
	if len(list) > hecate.MaxOrders {
		return badQuery("too many sorts")
	}
	for i, item := range list {
		pair, ok := item.([]any)
		if !ok || len(pair) != 2 {
			return badQuery("a sort is an array of expression and order")
		}
		word, _ := pair[1].(string)
		desc, known := directions[word]
		if !known {
			return badQuery(`unknown sort order "` + word + `"`)
		}
		if err := q.order(ctx, c, pair[0], desc, i, out); err != nil {
			return err
		}
	}
	return nil
}

func (q *queryReader) order(ctx context.Context, c *hecate.Collection, raw any, desc bool, at int, out *recordQuery) error {
	e, err := q.expression(ctx, c, raw)
	switch {
	case err != nil:
		return err
	case e.near != nil:
		out.near = append(out.near, distanceOrder{*e.near, at, desc})
		return nil
	case e.path == nil || e.path.through != nil:
		return badQuery("sort needs a field of the record or a distance")
	}
	if err := q.may(e.path, false); err != nil {
		return err
	}
	out.Order = append(out.Order, hecate.Order{Operand: e.path.Operand, Desc: desc})
	return nil
}

// includes reads {name: keypath or distance}.
func (q *queryReader) includes(ctx context.Context, c *hecate.Collection, p payload) ([]include, error) {
	given, err := p.object("include")
	if err != nil {
		return nil, err
	}
	list := make([]include, 0, len(given))
	for _, name := range slices.Sorted(maps.Keys(given)) {
		in, err := q.include(ctx, c, given[name])
		if err != nil {
			return nil, err
		}
		in.name = name
		list = append(list, in)
	}
	return list, nil
}

func (q *queryReader) include(ctx context.Context, c *hecate.Collection, raw any) (include, error) {
	e, err := q.expression(ctx, c, raw)
	switch {
	case err != nil:
		return include{}, err
	case e.near != nil:
		return include{near: e.near}, nil
	case e.path == nil || e.path.through != nil:
		return include{}, badQuery("include needs a reference or a distance")
	case e.path.kind == userKind:
		return include{column: e.path.Column}, nil
	case e.path.field == nil || e.path.field.Type != hecate.ReferenceType:
		return include{}, badQuery(`"` + e.path.name + `" is no reference`)
	}
	if q.rights != nil && !q.rights(c, e.path.name).readable {
		return include{}, denied(e.path.name, "readable")
	}
	return include{field: e.path.field}, nil
}

// earthRadius is the mean one, in metres.
const earthRadius = 6371008.8

// to is the distance to a record's place in metres; false when the record has none.
func (d *distance) to(rec *hecate.Record) (float64, bool) {
	at, ok := rec.Values[d.field.Name].(hecate.Geo)
	if !ok {
		return 0, false
	}
	const degree = math.Pi / 180
	dLat, dLng := math.Sin((at.Lat-d.from.Lat)*degree/2), math.Sin((at.Lng-d.from.Lng)*degree/2)
	h := dLat*dLat + math.Cos(at.Lat*degree)*math.Cos(d.from.Lat*degree)*dLng*dLng
	return 2 * earthRadius * math.Asin(min(1, math.Sqrt(h))), true
}
