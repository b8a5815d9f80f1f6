package store

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"hecate"
)

// Bounds of one statement, beyond those of Query.Check.
const (
	maxQueryBinds  = 8000
	maxPatternText = 8192
)

// Joined is a collection that conditions on references may look into, and
// which of its records: what the caller may not see counts as empty there.
type Joined struct {
	Collection *hecate.Collection
	Visible    hecate.Visibility
}

// Search is a query over the records of one collection.
type Search struct {
	Collection *hecate.Collection
	Visible    hecate.Visibility
	Query      hecate.Query
	Targets    map[hecate.CollectionID]Joined // of OpJoined; hecate.UserTarget leads to the profile collection
}

// Records returns the page that s asks for. Kinds: Invalid and TooLarge on "query".
func (db *DB) Records(ctx context.Context, s Search) (hecate.Page[*hecate.Record], error) {
	text, args, err := db.compileSearch(s, recordColumns)
	if err != nil {
		return hecate.Page[*hecate.Record]{}, err
	}
	return search(ctx, db, s, text, args, scanWhole(s.Collection))
}

// compileSearch checks a search and returns the statement for those columns of its page, "" where it wants no rows.
func (db *DB) compileSearch(s Search, columns string) (string, []any, error) {
	if err := s.Query.Check(); err != nil || s.Query.Limit == 0 {
		return "", nil, err
	}
	return db.compilePage(s, columns)
}

// search reads the page that s asks for by its statement.
func search[T any](ctx context.Context, db *DB, s Search, text string, args []any, scan func(scanner) (T, error)) (hecate.Page[T], error) {
	var page hecate.Page[T]
	if s.Query.Count {
		n, err := db.countRecords(ctx, s)
		if err != nil {
			return page, err
		}
		page.Count = n
	}
	if text == "" {
		return page, nil
	}
	rows, err := many(ctx, db, scan, text, args...)
	if err != nil {
		return page, err
	}
	if page.More = len(rows) > s.Query.Limit; page.More {
		rows = rows[:s.Query.Limit]
	}
	if s.Query.Backward {
		slices.Reverse(rows)
	}
	if page.Rows = rows; rows == nil { // nil is for who asked for none
		page.Rows = []T{}
	}
	return page, nil
}

func (db *DB) countRecords(ctx context.Context, s Search) (int, error) {
	q := newCompiler(db, s)
	where := q.where(s)
	from := q.from(q.lead, where)
	text := `select count(*) from ` + from
	if s.Query.CountMax > 0 {
		text = `select count(*) from (select 1 from ` + from + ` limit ` + q.b.add(s.Query.CountMax) + `) n`
	}
	if err := q.done(); err != nil {
		return 0, err
	}
	return one(ctx, db, scalar[int], text, q.b.args...)
}

// compilePage returns the statement for those columns of the page and of one row beyond it.
func (db *DB) compilePage(s Search, columns string) (string, []any, error) {
	q := newCompiler(db, s)
	where := q.where(s)
	lead := q.lead
	byIndex := lead == nil && q.ordered(s)
	if byIndex {
		lead = q.orderedRows(s)
	}
	after, order, onIndex := q.order(s, byIndex)
	if onIndex {
		lead = &leader{cond: lead.cond + after, many: lead.many, inOrder: lead.inOrder}
	} else {
		where += after
	}
	text := `select ` + columns + ` from ` + q.from(lead, where) + ` order by ` + order + ` limit ` + q.b.add(s.Query.Limit+1)
	if s.Query.Offset > 0 {
		text += ` offset ` + q.b.add(s.Query.Offset)
	}
	return text, q.b.args, q.done()
}

// compiler turns one query into a statement. Every value becomes a bind, $1
// being the app; names of fields are quoted by db.field. Record tables are
// called r at every level: the innermost is meant.
type compiler struct {
	db      *DB
	idiom   idiom
	b       *binds
	targets map[hecate.CollectionID]Joined
	space   string    // condition on the records that references may lead to
	lead    *leader   // how record_index finds the records; nil where they are found by their collection
	cases   [2]string // binds of the letters that lower() does not know, and of their small forms; once they are needed
	err     error
}

// leader is a condition on x, the rows of record_index that lead to the records r.
type leader struct {
	cond    string
	many    bool // several rows may lead to one record
	inOrder bool // the index has them in the order asked for
}

// level is the collection whose records the conditions at hand speak of.
type level struct {
	c      *hecate.Collection
	place  string // bind of its id
	masked bool   // r.shown says which records may be looked into, and r.data is empty in the others
}

// spot is where in the tree a condition stands.
type spot struct {
	negated bool   // below a Not: unknown must be said as false
	place   string // bind of the collection's id
	top     bool   // only Ands above, in the outermost query: the condition holds for every row of the result
}

func newCompiler(db *DB, s Search) *compiler {
	return &compiler{db: db, idiom: db.eng.(idiom), b: &binds{args: []any{s.Collection.App}}, targets: s.Targets}
}

func (q *compiler) fail(err error) {
	if q.err == nil {
		q.err = err
	}
}

func (q *compiler) invalid(text string) string {
	q.fail(hecate.E(hecate.Invalid, "query").On("query").Says(text))
	return "false"
}

func (q *compiler) done() error {
	if q.err == nil && len(q.b.args) > maxQueryBinds {
		return hecate.E(hecate.TooLarge, "query").On("query").Says("too many values")
	}
	return q.err
}

// where is the condition on the records of a search, but for what q.lead says.
func (q *compiler) where(s Search) string {
	l := &level{c: s.Collection, place: q.b.add(s.Collection.ID)}
	space := "not r.private"
	q.space = space
	switch {
	case s.Query.AllSpaces:
		space, q.space = "true", "true"
	case s.Query.Private != "":
		owner := "r.owner_id = " + q.b.add(s.Query.Private)
		space, q.space = "r.private and "+owner, "(not r.private or "+owner+")"
	}
	filter := q.filter(l, &s.Query.Filter, spot{place: l.place, top: true})
	return space + " and " + visible(q.b, s.Visible) + " and " + filter
}

// from is what follows "from" up to the end of the conditions.
func (q *compiler) from(lead *leader, where string) string {
	if lead == nil {
		return "records r where r.app_id = $1 and r.collection_id = $2 and " + where
	}
	return q.idiom.through(*lead) + " and " + where
}

func (q *compiler) filter(l *level, f *hecate.Filter, at spot) string {
	switch f.Op {
	case hecate.OpAll:
		subs := f.Sub
		if at.top && len(subs) > 1 { // the first that an index answers leads
			subs = slices.Clone(subs)
			slices.SortStableFunc(subs, func(a, b hecate.Filter) int { return cmp.Compare(breadth(a.Op), breadth(b.Op)) })
		}
		return q.group(l, subs, " and ", "true", at)
	case hecate.OpAny:
		at.top = at.top && len(f.Sub) == 1
		return q.group(l, f.Sub, " or ", "false", at)
	case hecate.OpNot:
		return "not " + q.filter(l, &f.Sub[0], spot{place: at.place, negated: true})
	}
	text := q.leaf(l, f, at)
	if at.negated && text != "true" && text != "false" {
		return "coalesce(" + text + ", false)"
	}
	return "(" + text + ")"
}

// breadth guesses how much a condition lets through: less is narrower.
func breadth(op hecate.Op) int {
	switch op {
	case hecate.OpEqual:
		return 0
	case hecate.OpIn, hecate.OpContains, hecate.OpPrefix:
		return 1
	case hecate.OpNear, hecate.OpJoined:
		return 2
	}
	return 3
}

func (q *compiler) group(l *level, subs []hecate.Filter, word, empty string, at spot) string {
	if len(subs) == 0 {
		return empty
	}
	parts := make([]string, len(subs))
	for i := range subs {
		parts[i] = q.filter(l, &subs[i], at)
	}
	return "(" + strings.Join(parts, word) + ")"
}

// leaf compiles one condition on one operand.
func (q *compiler) leaf(l *level, f *hecate.Filter, at spot) string {
	switch f.Op {
	case hecate.OpJoined:
		return q.joined(l, f, at)
	case hecate.OpNear:
		return q.near(l, f, at)
	case hecate.OpContains:
		return q.contains(l, f, at)
	case hecate.OpExists:
		want, ok := f.Value.(bool)
		if !ok {
			return q.invalid("needs true or false")
		}
		return q.present(l, f.Operand, want)
	case hecate.OpLike, hecate.OpSubstring, hecate.OpPrefix, hecate.OpSuffix, hecate.OpWord:
		return q.pattern(l, f, at)
	case hecate.OpIn, hecate.OpNotIn:
		if itemwise(l, f.Operand) {
			return q.someIn(l, f, at)
		}
		return q.in(l, f, at)
	case hecate.OpEqual, hecate.OpNotEqual:
		if f.Value == nil {
			return q.present(l, f.Operand, f.Op == hecate.OpNotEqual)
		}
	}
	if itemwise(l, f.Operand) {
		return q.some(l, f, at)
	}
	return q.compare(l, f, at)
}

// class is how a value is compared.
type class uint8

const (
	noClass class = iota
	textClass
	numberClass
	boolClass
	timeClass
	refIDClass
	refSeqClass
	refKeyClass
)

// classOf returns the class of a filter's value, and the value as it is bound.
func classOf(v any) (class, any) {
	switch v := v.(type) {
	case string:
		if !speakable([]string{v}) {
			return noClass, nil // no stored text has such bytes
		}
		return textClass, v
	case int:
		return numberClass, int64(v)
	case int64:
		return numberClass, v
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return noClass, nil
		}
		return numberClass, v
	case bool:
		return boolClass, v
	case time.Time:
		return timeClass, v
	case hecate.UserID:
		return classOf(string(v))
	case hecate.GroupID:
		return classOf(string(v))
	case hecate.RecordID:
		return classOf(string(v))
	case hecate.Ref:
		switch {
		case v.ID != "" && speakable([]string{string(v.ID)}):
			return refIDClass, string(v.ID)
		case v.Seq != 0:
			return refSeqClass, v.Seq
		case v.Key != "" && speakable([]string{v.Key}):
			return refKeyClass, v.Key
		}
	}
	return noClass, nil
}

// path returns the operand's place in the stored document and the schema's
// field; ok is false when no record can have anything there.
func (q *compiler) path(l *level, o hecate.Operand) (path []string, f *hecate.Field, ok bool) {
	if len(o.Path) == 0 {
		return nil, nil, false
	}
	f = l.c.Field(o.Path[0])
	switch {
	case f != nil:
		return append([]string{f.Slot}, o.Path[1:]...), f, speakable(o.Path)
	case !l.c.Open || slices.ContainsFunc(l.c.Schema, func(s hecate.Field) bool { return s.Slot == o.Path[0] }):
		return nil, nil, false
	}
	return o.Path, nil, speakable(o.Path)
}

// expr returns the operand as an expression of that class; ok is false when
// it never holds such a value.
func (q *compiler) expr(l *level, o hecate.Operand, as class) (text string, ok bool) {
	if o.Column != hecate.FieldColumn {
		text, ok = q.column(l, o.Column, as)
	} else {
		path, _, known := q.path(l, o)
		if !known {
			return "", false
		}
		text, ok = q.field(path, as)
	}
	if ok && o.Fold && as == textClass {
		text = q.fold(text)
	}
	return text, ok
}

// fold is FoldName of a text.
func (q *compiler) fold(text string) string {
	return q.idiom.fold(text, func() (large, small string) {
		if q.cases[0] == "" {
			letters := letterCases()
			q.cases = [2]string{q.b.add(letters[0]), q.b.add(letters[1])}
		}
		return q.cases[0], q.cases[1]
	})
}

func (q *compiler) field(path []string, as class) (string, bool) {
	in := func(names ...string) []string { return append(slices.Clone(path), names...) }
	switch as {
	case textClass:
		return q.db.field(path, fieldText), true
	case numberClass:
		return q.db.field(path, fieldNumber), true
	case boolClass:
		return q.db.field(path, fieldBoolean), true
	case timeClass:
		return q.db.field(in(tagTime), fieldText), true
	case refIDClass:
		return q.db.field(in(tagRef, "id"), fieldText), true
	case refSeqClass:
		return q.db.field(in(tagRef, "seq"), fieldNumber), true
	case refKeyClass:
		return "coalesce(" + q.db.field(in(tagRef, "key"), fieldText) + ", " + q.db.field(in(tagRef, "id"), fieldText) + ")", true
	}
	return "", false
}

// column is one of the properties of every record.
type column struct {
	text    string
	class   class
	never   bool // it is never null
	open    bool // it may be asked also where the record may not be looked into
	plain   string
	through string // finds the ids by a value at %s, where that is an index
}

const (
	usernameOf = `(select min(i.value) from identities i where i.app_id = $1 and i.user_id = r.id and i.kind = 'username')`
	emailOf    = `(select min(i.value) from identities i where i.app_id = $1 and i.user_id = r.id and i.kind = 'email')`
	userSeqOf  = `(select u.seq from users u where u.app_id = $1 and u.id = r.id)`
	lastLogin  = `(select u.last_login_at from users u where u.app_id = $1 and u.id = r.id)`
	activated  = `(select u.activated from users u where u.app_id = $1 and u.id = r.id)`
	disabled   = `(select u.disabled from users u where u.app_id = $1 and u.id = r.id)`
)

var recordColumn = [...]column{
	hecate.IDColumn:        {text: "r.id", class: textClass, never: true, open: true},
	hecate.SeqColumn:       {text: "r.seq", class: numberClass, never: true, open: true},
	hecate.KeyColumn:       {text: "r.key", class: textClass, never: true, open: true},
	hecate.CreatedColumn:   {text: "r.created_at", class: timeClass, never: true},
	hecate.UpdatedColumn:   {text: "r.updated_at", class: timeClass, never: true},
	hecate.VersionColumn:   {text: "r.version", class: numberClass, never: true},
	hecate.OwnerColumn:     {text: "nullif(r.owner_id, '')", class: textClass, plain: "r.owner_id"},
	hecate.OwnerSeqColumn:  {text: "nullif(r.owner_seq, 0)", class: numberClass, plain: "r.owner_seq"},
	hecate.CreatedByColumn: {text: "nullif(r.created_by, '')", class: textClass},
	hecate.UpdatedByColumn: {text: "nullif(r.updated_by, '')", class: textClass},
	hecate.UsernameColumn: {text: usernameOf, class: textClass, open: true,
		through: `r.id in (select i.user_id from identities i where i.app_id = $1 and i.kind = 'username' and i.match = %s)`},
	hecate.EmailColumn: {text: emailOf, class: textClass,
		through: `r.id in (select i.user_id from identities i where i.app_id = $1 and i.kind = 'email' and i.match = %s)`},
	hecate.UserSeqColumn: {text: userSeqOf, class: numberClass, open: true,
		through: `r.id in (select u.id from users u where u.app_id = $1 and u.seq = %s)`},
	hecate.LastLoginColumn: {text: lastLogin, class: timeClass},
	hecate.ActivatedColumn: {text: activated, class: boolClass},
	hecate.DisabledColumn:  {text: disabled, class: boolClass},
}

func columnOf(c hecate.Column) (column, bool) {
	if int(c) >= len(recordColumn) || recordColumn[c].text == "" {
		return column{}, false
	}
	return recordColumn[c], true
}

func (q *compiler) column(l *level, c hecate.Column, as class) (string, bool) {
	col, ok := columnOf(c)
	if !ok || col.class != as {
		return "", false
	}
	return l.mask(col), true
}

// mask hides a column of the records that may not be looked into.
func (l *level) mask(col column) string {
	if l.masked && !col.open {
		return "(case when r.shown then " + col.text + " end)"
	}
	return col.text
}

// present compiles "is there" (or is not).
func (q *compiler) present(l *level, o hecate.Operand, want bool) string {
	is := " is null"
	if want {
		is = " is not null"
	}
	switch {
	case o.Column == hecate.GroupColumn:
		return not(!want) + q.grouped(l, "true")
	case o.Column != hecate.FieldColumn:
		col, ok := columnOf(o.Column)
		if !ok {
			return q.invalid("unknown column")
		}
		return l.mask(col) + is
	}
	path, _, ok := q.path(l, o)
	if !ok {
		return strconv.FormatBool(!want)
	}
	// A null inside an object counts as absent too.
	return "nullif(cast(" + q.db.field(path, fieldJSON) + " as text), 'null')" + is
}

func not(yes bool) string {
	if yes {
		return "not "
	}
	return ""
}

// grouped is the condition that the record has a grant that names a group of which cond holds.
func (q *compiler) grouped(l *level, cond string) string {
	text := `exists (select 1 from record_grants g where g.app_id = $1 and g.record_id = r.id and g.subject >= 'group:' and g.subject < 'group;' and ` + cond + `)`
	if l.masked {
		return "(r.shown and " + text + ")"
	}
	return text
}

var comparison = map[hecate.Op]string{
	hecate.OpEqual: " = ", hecate.OpNotEqual: " <> ", hecate.OpLess: " < ", hecate.OpLessEqual: " <= ",
	hecate.OpGreater: " > ", hecate.OpGreaterEqual: " >= ",
}

// compare compiles the six comparisons with a value.
func (q *compiler) compare(l *level, f *hecate.Filter, at spot) string {
	sign, ok := comparison[f.Op]
	if !ok {
		return q.invalid("unknown operator")
	}
	as, value := classOf(f.Value)
	if f.Operand.Column == hecate.GroupColumn {
		return q.compareGroup(l, f.Op, as, value)
	}
	if text, ok := q.byIndex(l, f.Operand, f.Op, []any{f.Value}, at); ok {
		return text
	}
	if text, ok := q.byColumn(l, f, as, value); ok {
		return text
	}
	text, known := q.expr(l, f.Operand, as)
	if !known {
		return strconv.FormatBool(f.Op == hecate.OpNotEqual)
	}
	bind, fits := q.bind(f.Operand, f.Op, as, value)
	switch {
	case !fits && f.Op == hecate.OpNotEqual:
		return "true"
	case !fits:
		return "false"
	case f.Op == hecate.OpNotEqual:
		return text + " is null or " + text + " <> " + bind
	}
	return text + sign + bind
}

// bind adds a value for comparison with an operand of its class.
func (q *compiler) bind(o hecate.Operand, op hecate.Op, as class, v any) (place string, ok bool) {
	switch as {
	case textClass:
		if o.Fold {
			v = FoldName(v.(string))
		}
	case timeClass:
		if o.Column == hecate.FieldColumn {
			v = v.(time.Time).UTC().Format(timeText)
		} else {
			v = v.(time.Time).UnixMicro()
		}
	case numberClass:
		if o.Column != hecate.FieldColumn {
			if v, ok = whole(v, op); !ok {
				return "", false
			}
		}
	}
	return q.b.add(v), true
}

// whole makes the number one that a column of whole numbers compares alike with.
func whole(v any, op hecate.Op) (int64, bool) {
	f, ok := v.(float64)
	if !ok {
		return v.(int64), true
	}
	switch op {
	case hecate.OpLess, hecate.OpGreaterEqual:
		f = math.Ceil(f)
	case hecate.OpLessEqual, hecate.OpGreater:
		f = math.Floor(f)
	}
	switch {
	case f != math.Trunc(f):
		return 0, false
	case f >= math.MaxInt64:
		return math.MaxInt64, true
	case f <= math.MinInt64:
		return math.MinInt64, true
	}
	return int64(f), true
}

func (q *compiler) compareGroup(l *level, op hecate.Op, as class, v any) string {
	if as != textClass {
		return strconv.FormatBool(op == hecate.OpNotEqual)
	}
	switch op {
	case hecate.OpEqual, hecate.OpNotEqual:
		return not(op == hecate.OpNotEqual) + q.grouped(l, "g.subject = "+q.b.add("group:"+v.(string)))
	}
	return q.grouped(l, "substr(g.subject, 7)"+comparison[op]+q.b.add(v))
}

// byColumn compiles equality with a column that an index finds.
func (q *compiler) byColumn(l *level, f *hecate.Filter, as class, v any) (string, bool) {
	col, ok := columnOf(f.Operand.Column)
	if !ok || f.Operand.Column == hecate.FieldColumn || col.class != as || f.Op != hecate.OpEqual || l.masked && !col.open {
		return "", false
	}
	if as == numberClass {
		n, ok := whole(v, f.Op)
		if !ok {
			return "false", true
		}
		v = n
	}
	switch {
	case col.plain != "" && !f.Operand.Fold && v != "" && v != int64(0):
		return col.plain + " = " + q.b.add(v), true
	case col.through == "":
		return "", false
	case as == numberClass:
		return fmt.Sprintf(col.through, q.b.add(v)), true
	case f.Operand.Fold:
		// Names are stored folded: with all letters, not only those that lower() knows.
		return fmt.Sprintf(col.through, q.b.add(FoldName(v.(string)))), true
	}
	return fmt.Sprintf(col.through, q.b.add(FoldName(v.(string)))) + " and " + col.text + " = " + q.b.add(v), true
}

// byIndex compiles a comparison with one of values by record_index, where the field has one.
func (q *compiler) byIndex(l *level, o hecate.Operand, op hecate.Op, values []any, at spot) (string, bool) {
	f, ok := q.indexable(l, o)
	if ok && isText(f.Type) && f.Fold && !o.Fold && op != hecate.OpEqual && op != hecate.OpIn {
		return "", false // the index has them in another order
	}
	// The items of a relation are in the index one by one; it equals none of them.
	if !ok || f.Type == hecate.RelationType || at.negated || op == hecate.OpNotEqual || len(values) == 0 {
		return "", false
	}
	column, keys, exact := "", make([]any, len(values)), true
	for i, v := range values {
		c, key, precise, fits := indexKey(f, v)
		precise = precise && f.Fold == o.Fold || precise && !isText(f.Type)
		if !fits || column != "" && c != column {
			return "", false
		}
		column, keys[i], exact = c, key, exact && precise
	}
	as, _ := classOf(values[0])
	if op == hecate.OpEqual || op == hecate.OpIn {
		text := q.indexed(f, "x."+column+" in "+list(q.b, keys), at, len(values) == 1)
		if exact {
			return text, true
		}
		again, ok := q.oneOf(l, o, as, values)
		return text + " and " + again, ok
	}
	sign := comparison[op]
	if !exact {
		sign = strings.TrimRight(sign, "= ") + "= "
	}
	text := q.indexed(f, "x."+column+sign+q.b.add(keys[0]), at, false)
	if exact {
		return text, true
	}
	operand, _ := q.expr(l, o, as)
	_, bound := classOf(values[0])
	bind, ok := q.bind(o, op, as, bound)
	return text + " and " + operand + comparison[op] + bind, ok
}

// indexable returns the field of an operand that record_index can find.
func (q *compiler) indexable(l *level, o hecate.Operand) (*hecate.Field, bool) {
	if o.Column != hecate.FieldColumn || len(o.Path) != 1 || l.masked {
		return nil, false
	}
	f := l.c.Field(o.Path[0])
	if f == nil || !f.Indexed && !f.Ordered {
		return nil, false
	}
	return f, !o.Fold || caseless[f.Type] || isText(f.Type) && f.Fold
}

// caseless are the types whose values have no letters.
var caseless = map[hecate.FieldType]bool{
	hecate.IntegerType: true, hecate.NumberType: true, hecate.SequenceType: true, hecate.BooleanType: true, hecate.TimeType: true,
	hecate.ReferenceType: true, hecate.RelationType: true, hecate.GeoType: true,
}

// indexed is the condition that record_index has a row of the field for which
// cond holds. The first at the top may lead the query instead: always when
// equal says that all the rows have one value, since they come in the order of the records then.
func (q *compiler) indexed(f *hecate.Field, cond string, at spot, equal bool) string {
	cond = "x.slot = " + q.b.add(f.Slot) + " and x.absent = 0 and " + cond
	many := sortColumn[f.Type] == "" && f.Type != hecate.GeoType && !(f.Type == hecate.JSONType && equal) // no value of which is there twice
	if at.top && q.lead == nil && (equal && !many || q.idiom.leads()) {
		q.lead = &leader{cond: cond, many: many, inOrder: equal && !many}
		return "true"
	}
	return q.idiom.among("r.seq", "select x.seq from record_index x where x.app_id = $1 and x.collection_id = "+at.place+" and "+cond)
}

// indexKey returns the column of record_index in which values like v of the
// field stand, the value there, and whether that says everything.
func indexKey(f *hecate.Field, v any) (column string, key any, exact, ok bool) {
	as, bound := classOf(v)
	switch f.Type {
	case hecate.StringType, hecate.TextType:
		if as == textClass {
			text := clip(folded(f, bound.(string)))
			// Shorter than anything that was cut.
			return "txt", text, len(text) < indexText-utf8.UTFMax, true
		}
	case hecate.IntegerType, hecate.NumberType, hecate.SequenceType:
		if as == numberClass {
			n := floatOf(bound)
			return "num", n, math.Abs(n) < 1<<53, true
		}
	case hecate.BooleanType:
		if as == boolClass {
			n := 0.0
			if bound.(bool) {
				n = 1
			}
			return "num", n, true, true
		}
	case hecate.TimeType:
		if as == timeClass {
			return "txt", bound.(time.Time).UTC().Format(timeText), true, true
		}
	case hecate.ReferenceType, hecate.RelationType:
		switch as {
		case refIDClass:
			return "txt", bound, true, true
		case refSeqClass:
			return "num", float64(bound.(int64)), true, true
		}
	}
	return "", nil, false, false
}

// in compiles OpIn and OpNotIn.
func (q *compiler) in(l *level, f *hecate.Filter, at spot) string {
	values, inside := f.Value.([]any), f.Op == hecate.OpIn
	if len(values) == 0 {
		return strconv.FormatBool(!inside)
	}
	if inside {
		if text, ok := q.byIndex(l, f.Operand, f.Op, values, at); ok {
			return text
		}
	}
	var ways []string
	byClass := map[class][]any{}
	for _, v := range values {
		as, bound := classOf(v)
		if v == nil {
			ways = append(ways, q.present(l, f.Operand, false))
		} else if as != noClass {
			byClass[as] = append(byClass[as], bound)
		}
	}
	for as := textClass; as <= refKeyClass; as++ {
		if text, ok := q.oneOf(l, f.Operand, as, byClass[as]); ok {
			ways = append(ways, text)
		}
	}
	if len(ways) == 0 {
		return strconv.FormatBool(!inside)
	}
	text := "(" + strings.Join(ways, " or ") + ")"
	if inside {
		return text
	}
	return "not coalesce(" + text + ", false)"
}

// oneOf is the condition that the operand equals one of values of one class.
func (q *compiler) oneOf(l *level, o hecate.Operand, as class, values []any) (string, bool) {
	if len(values) == 0 {
		return "", false
	}
	if o.Column == hecate.GroupColumn {
		if as != textClass {
			return "", false
		}
		subjects := make([]string, len(values))
		for i, v := range values {
			subjects[i] = "group:" + v.(string)
		}
		return q.grouped(l, "g.subject in "+list(q.b, subjects)), true
	}
	text, ok := q.expr(l, o, as)
	if !ok {
		return "", false
	}
	if col, known := columnOf(o.Column); known && col.plain != "" && !o.Fold && !l.masked && !slices.Contains(values, any("")) && !slices.Contains(values, any(int64(0))) {
		text = col.plain
	}
	var places []string
	for _, v := range values {
		if place, fits := q.bind(o, hecate.OpEqual, as, v); fits {
			places = append(places, place)
		}
	}
	if len(places) == 0 {
		return "", false
	}
	return text + " in (" + strings.Join(pad(places), ",") + ")", true
}

// pad repeats the last place up to a power of two, as list does.
func pad(places []string) []string {
	for n := len(places); n&(n-1) != 0; n++ {
		places = append(places, places[n-1])
	}
	return places
}

// pattern compiles the operators on texts.
func (q *compiler) pattern(l *level, f *hecate.Filter, at spot) string {
	value, ok := f.Value.(string)
	switch {
	case !ok:
		return q.invalid("needs a text")
	case len(value) > maxPatternText:
		q.fail(hecate.E(hecate.TooLarge, "query").On("query").Says("pattern too long"))
		return "false"
	case !speakable([]string{value}), f.Op == hecate.OpWord && (value == "" || value == "*"):
		return "false"
	}
	on := func(text string) string {
		if f.Op == hecate.OpWord {
			return q.word(text, value, f.Operand.Fold)
		}
		return q.idiom.like(q.b, text, tokens(f.Op, value, f.Operand.Fold))
	}
	if f.Operand.Column == hecate.GroupColumn {
		return q.grouped(l, on("substr(g.subject, 7)"))
	}
	if itemwise(l, f.Operand) {
		return q.someText(l, f, at, on)
	}
	by := ""
	if field, found := q.indexable(l, f.Operand); found && f.Op == hecate.OpPrefix && value != "" && !at.negated && isText(field.Type) {
		cond, exact := q.startsWith(field, folded(field, value), at)
		if exact && field.Fold == f.Operand.Fold {
			return cond
		}
		by = cond + " and "
	}
	// Only now: PostgreSQL refuses binds that the text does not name.
	text, ok := q.expr(l, f.Operand, textClass)
	if !ok {
		return "false"
	}
	return by + on(text)
}

// startsWith is the condition that record_index has a text of the field that starts so; exact is whether that says everything.
func (q *compiler) startsWith(f *hecate.Field, value string, at spot) (text string, exact bool) {
	from := clip(value)
	cond := "x.txt >= " + q.b.add(from)
	if end := beyond(from); end != "" {
		cond += " and x.txt < " + q.b.add(end)
	}
	return q.indexed(f, cond, at, false), from == value
}

func isText(t hecate.FieldType) bool { return t == hecate.StringType || t == hecate.TextType }

// beyond is the least text after all that start with s, in the order of bytes; "" when there is none.
func beyond(s string) string {
	runes := []rune(s)
	for i := len(runes) - 1; i >= 0; i-- {
		next := runes[i] + 1
		if next == 0xD800 {
			next = 0xE000
		}
		if next <= 0x10FFFF {
			return string(append(runes[:i], next))
		}
	}
	return ""
}

// token is a part of a pattern: literal text, or one character or any run of them.
type token struct {
	text string
	one  bool
	run  bool
}

// tokens reads the value of an operator on texts as a pattern.
func tokens(op hecate.Op, value string, fold bool) []token {
	if fold {
		value = FoldName(value)
	}
	text, run := token{text: value}, token{run: true}
	switch op {
	case hecate.OpSubstring:
		return []token{run, text, run}
	case hecate.OpPrefix:
		return []token{text, run}
	case hecate.OpSuffix:
		return []token{run, text}
	}
	var list []token
	var literal strings.Builder
	wild := func(t token) {
		if literal.Len() > 0 {
			list = append(list, token{text: literal.String()})
			literal.Reset()
		}
		if n := len(list); n > 0 && t.run && list[n-1].run {
			return
		}
		list = append(list, t)
	}
	escaped := false
	for _, r := range value {
		switch {
		case escaped:
			literal.WriteRune(r)
			escaped = false
		case r == '\\':
			escaped = true
		case r == '%':
			wild(token{run: true})
		case r == '_':
			wild(token{one: true})
		default:
			literal.WriteRune(r)
		}
	}
	if escaped {
		literal.WriteByte('\\')
	}
	if literal.Len() > 0 {
		list = append(list, token{text: literal.String()})
	}
	return list
}

// word is the condition that a text holds the word, or with a final * one that starts with it.
func (q *compiler) word(text, word string, fold bool) string {
	word, start := strings.CutSuffix(word, "*")
	if fold {
		word = FoldName(word)
	}
	return q.idiom.word(q.b, text, word, start)
}

// contains compiles OpContains: the list holds every one of the values.
func (q *compiler) contains(l *level, f *hecate.Filter, at spot) string {
	path, field, ok := q.path(l, f.Operand)
	if f.Operand.Column != hecate.FieldColumn || !ok {
		return "false"
	}
	values := f.Value.([]any)
	if len(values) == 0 {
		return q.present(l, f.Operand, true)
	}
	byClass := map[class][]any{}
	for _, v := range values {
		as, bound := classOf(v)
		if as == noClass || as == timeClass {
			return "false"
		}
		if as == textClass && f.Operand.Fold {
			bound = FoldName(bound.(string))
		}
		if n, ok := bound.(float64); ok && n == math.Trunc(n) && math.Abs(n) < 1<<53 {
			bound = int64(n)
		}
		if !slices.Contains(byClass[as], bound) {
			byClass[as] = append(byClass[as], bound)
		}
	}
	var all []string
	if by, ok := q.containsByIndex(l, f.Operand, field, values[0], at); ok {
		all = append(all, by)
	}
	for as := textClass; as <= refKeyClass; as++ {
		if len(byClass[as]) > 0 {
			all = append(all, q.holds(path, as, byClass[as], f.Operand.Fold))
		}
	}
	return strings.Join(all, " and ")
}

// containsByIndex narrows OpContains by one of its values.
func (q *compiler) containsByIndex(l *level, o hecate.Operand, f *hecate.Field, v any, at spot) (string, bool) {
	if _, ok := q.indexable(l, o); !ok || at.negated {
		return "", false
	}
	key := *f
	if f.Type == hecate.ArrayType {
		switch v.(type) {
		case string:
			key.Type = hecate.StringType
		case bool:
			key.Type = hecate.BooleanType
		default:
			key.Type = hecate.NumberType
		}
	}
	column, value, _, ok := indexKey(&key, v)
	if !ok {
		return "", false
	}
	return q.indexed(f, "x."+column+" = "+q.b.add(value), at, false), true
}

// holds is the condition that the list at path has all the values, which differ.
func (q *compiler) holds(path []string, as class, values []any, fold bool) string {
	member, typ := "", fieldText
	switch as {
	case numberClass:
		typ = fieldNumber
	case boolClass:
		typ = fieldBoolean
	case refIDClass:
		path, member = append(slices.Clone(path), tagRefs), "id"
	case refSeqClass:
		path, member, typ = append(slices.Clone(path), tagRefs), "seq", fieldNumber
	case refKeyClass:
		path, member = append(slices.Clone(path), tagRefs), "key"
	}
	column := "i.v"
	if fold && as == textClass {
		column = q.fold("i.v")
	}
	return "(select count(distinct " + column + ") from (" + q.idiom.items(path, member, typ) + ") i where " +
		column + " in " + list(q.b, values) + ") = " + q.b.add(int64(len(values)))
}

const earthRadius = 6371008.8 // metres, the mean

// roundDegrees rounds as the places in the database are: PostgreSQL fails on products that are too small for it.
func roundDegrees(v float64) float64 { return math.Round(v*1e12) / 1e12 }

// near compiles OpNear by the haversine formula, without the inverse sine,
// whose argument rounding may push beyond its domain.
func (q *compiler) near(l *level, f *hecate.Filter, at spot) string {
	center, ok := f.Value.(hecate.Geo)
	if !ok || !(math.Abs(center.Lat) <= 90 && math.Abs(center.Lng) <= 360) || math.IsNaN(f.Meters) {
		return q.invalid("needs a place and a distance")
	}
	center.Lat, center.Lng = roundDegrees(center.Lat), roundDegrees(center.Lng)
	path, _, ok := q.path(l, f.Operand)
	if !ok || f.Operand.Column != hecate.FieldColumn || f.Meters < 0 {
		return "false"
	}
	lat, lng := q.place(path, f.Operand.Any)
	if f.Meters >= math.Pi*earthRadius {
		return lat + " is not null and " + lng + " is not null"
	}
	band := "true"
	if field, ok := q.indexable(l, f.Operand); ok && !at.negated && field.Type == hecate.GeoType {
		reach := f.Meters/earthRadius*180/math.Pi + 1e-6
		band = q.indexed(field, "x.num between "+q.b.add(center.Lat-reach)+" and "+q.b.add(center.Lat+reach), at, false)
	}
	most := math.Sin(f.Meters / (2 * earthRadius))
	// The addend, a centimetre at short distances, is for rounding: a point is near itself.
	return band + " and " + q.haversine(lat, lng, center) + " <= " + q.double(most*most+1e-18)
}

func (q *compiler) double(v float64) string { return "cast(" + q.b.add(v) + " as double precision)" }

// haversine grows with the distance of a place from the center.
func (q *compiler) haversine(lat, lng string, center hecate.Geo) string {
	dLat := "sin((radians(" + lat + ") - " + q.double(center.Lat*math.Pi/180) + ") / 2)"
	dLng := "sin((radians(" + lng + ") - " + q.double(center.Lng*math.Pi/180) + ") / 2)"
	return dLat + " * " + dLat + " + cos(radians(" + lat + ")) * " + q.double(math.Cos(center.Lat*math.Pi/180)) + " * " + dLng + " * " + dLng
}

// degrees is a number as it is compared: rounded, see roundDegrees.
func degrees(number string) string { return "cast(round(" + number + ", 12) as double precision)" }

// place is the latitude and the longitude of the place at path: with plain also of an object that says them by those names.
func (q *compiler) place(path []string, plain bool) (lat, lng string) {
	part := func(name, long string, most string) string {
		tagged := degrees(q.db.field(append(slices.Clone(path), tagGeo, name), fieldNumber))
		if !plain {
			return tagged
		}
		number := q.db.field(append(slices.Clone(path), long), fieldNumber)
		return "coalesce(" + tagged + ", case when " + number + " between -" + most + " and " + most + " then " + degrees(number) + " end)"
	}
	return part("lat", "latitude", "90"), part("lng", "longitude", "360")
}

// joined compiles OpJoined: the reference, or one of the relation, leads to a record of which Sub holds.
func (q *compiler) joined(l *level, f *hecate.Filter, at spot) string {
	target, ok := q.targets[f.Target]
	path, field, known := q.path(l, f.Operand)
	if !ok || !known || f.Operand.Column != hecate.FieldColumn || target.Visible.None {
		return "false"
	}
	inner := q.targetIDs(target, &f.Sub[0])
	if _, found := q.indexable(l, f.Operand); found && !at.negated && field.Type != hecate.JSONType {
		return q.indexed(field, "x.txt in ("+inner+")", at, false)
	}
	ref := q.db.field(append(slices.Clone(path), tagRef, "id"), fieldText)
	if field != nil && field.Type == hecate.ReferenceType {
		return ref + " in (" + inner + ")"
	}
	return "exists (select 1 from (" + q.idiom.items(append(slices.Clone(path), tagRefs), "id", fieldText) + ") i where i.v in (" + inner + "))"
}

// targetIDs selects the ids of the target's records of which the filter holds.
func (q *compiler) targetIDs(t Joined, f *hecate.Filter) string {
	l := &level{c: t.Collection, place: q.b.add(t.Collection.ID), masked: !t.Visible.All}
	from := "records r"
	if l.masked {
		// A private record that q.space lets through belongs to whoever asks.
		shown := "(r.private or " + visible(q.b, t.Visible) + ")"
		from = `(select r.id, r.app_id, r.collection_id, r.seq, r.key, r.owner_id, r.owner_seq, r.private, r.version, r.created_at, r.updated_at,
  r.created_by, r.updated_by, ` + shown + ` as shown, case when ` + shown + ` then r.data else '{}' end as data
  from records r where r.app_id = $1 and r.collection_id = ` + l.place + `) r`
	}
	return "select r.id from " + from + " where r.app_id = $1 and r.collection_id = " + l.place + " and " + q.space + " and " +
		q.filter(l, f, spot{place: l.place})
}
