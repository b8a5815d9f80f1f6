package usergrid

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"hecate"
	"hecate/internal/web"
)

// ql is a query of the dialect's language: contracts/usergrid.md 9.2.
type ql struct {
	fields []projection // the only properties wanted; nil: all
	where  *condition   // nil: everything
	order  []sorting
	key    string // the text without what means nothing: spaces, and the case of words
}

// projection is a property wanted in answers, under its name or another one.
type projection struct{ name, property string }

// sorting is one property to order by.
type sorting struct {
	property string
	desc     bool
}

// condition is a tree: And, Or, Not of sub, else a comparison of a property.
type condition struct {
	op       hecate.Op // OpAll, OpAny, OpNot; OpEqual to OpGreaterEqual, OpWord, OpNear
	sub      []*condition
	property string
	value    any // string, int64, float64, bool; hecate.Geo with OpNear
	meters   float64
}

// Limits of a query's text.
const (
	maxQuery   = 16 << 10 // bytes
	maxParens  = 64       // open at once
	maxFields  = 256      // in a projection
	maxOrderBy = hecate.MaxOrders - 1
)

// parseQL reads a query; an empty text asks for everything. Errors are faults of the wire.
func parseQL(text string) (*ql, error) {
	if len(text) > maxQuery {
		return nil, queryParse("the query is too long")
	}
	tokens, err := tokensOf(text)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	q := p.query()
	if p.err != nil {
		return nil, p.err
	}
	q.key = keyOf(tokens)
	return q, nil
}

// requestQL is the query of a request: the parameter ql, or one of its aliases.
func requestQL(r *web.Request) (*ql, error) { return parseQL(qlText(r)) }

// qlText is the text of a request's query, "" where there is none.
func qlText(r *web.Request) string {
	for _, name := range []string{"ql", "query", "q"} {
		if text := r.QueryOne(name); text != "" {
			return text
		}
	}
	return ""
}

// tokenKind is what a token is.
type tokenKind uint8

const (
	endToken    tokenKind = iota
	wordToken             // a name or a word of the language
	textToken             // a string, without its quotes
	numberToken           // int64 or float64
	uuidToken
	signToken // ( ) , : { } * = < <= > >=
)

type token struct {
	kind  tokenKind
	text  string // a word or sign as it was written, a string's content
	value any    // a number's
}

// is reports whether the token is that word of the language or that sign.
func (t token) is(text string) bool {
	return t.kind == signToken && t.text == text || t.kind == wordToken && strings.EqualFold(t.text, text)
}

func (t token) String() string {
	if t.kind == endToken {
		return "the end"
	}
	return strconv.Quote(t.text)
}

// signs are the tokens of signs, the longer ones first.
var signs = []string{"<=", ">=", "<", ">", "=", "(", ")", ",", ":", "{", "}", "*"}

// tokensOf cuts a query into tokens. Errors are faults: query_token.
func tokensOf(text string) ([]token, error) {
	var out []token
	for {
		text = strings.TrimLeftFunc(text, unicode.IsSpace)
		if text == "" {
			return out, nil
		}
		t, rest, err := nextToken(text)
		if err != nil {
			return nil, err
		}
		out, text = append(out, t), rest
	}
}

func nextToken(text string) (t token, rest string, err error) {
	if text[0] == '\'' {
		return stringToken(text)
	}
	for _, sign := range signs {
		if rest, ok := strings.CutPrefix(text, sign); ok {
			return token{kind: signToken, text: sign}, rest, nil
		}
	}
	n := 0
	for i, r := range text {
		if !inWord(r) && !(i == 0 && r == '+') {
			break
		}
		n = i + len(string(r))
	}
	if n == 0 {
		return t, "", queryToken("The query cannot contain the following token: " + firstRune(text))
	}
	t, err = wordOf(text[:n])
	return t, text[n:], err
}

func firstRune(text string) string { return string([]rune(text[:min(len(text), 4)])[:1]) }

func inWord(r rune) bool {
	return r == '_' || r == '-' || r == '.' || r == '$' || unicode.IsLetter(r) || unicode.IsDigit(r)
}

// stringToken reads a quoted string; a backslash stands before a quote or another backslash.
func stringToken(text string) (t token, rest string, err error) {
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\'':
			return token{kind: textToken, text: b.String()}, text[i+1:], nil
		case c == '\\' && i+1 < len(text) && (text[i+1] == '\'' || text[i+1] == '\\'):
			i++
			b.WriteByte(text[i])
		default:
			b.WriteByte(c)
		}
	}
	return t, "", queryToken("The query has a string without an end: " + text[:min(len(text), 40)])
}

// wordOf tells names, numbers and UUIDs apart.
func wordOf(word string) (token, error) {
	switch {
	case isUUID(word):
		return token{kind: uuidToken, text: strings.ToLower(word)}, nil
	case !looksNumeric(word):
		if strings.ContainsRune("+-.", rune(word[0])) {
			return token{}, queryToken("The query cannot contain the following token: " + word)
		}
		return token{kind: wordToken, text: word}, nil
	}
	if n, err := strconv.ParseInt(word, 10, 64); err == nil {
		return token{kind: numberToken, text: word, value: n}, nil
	}
	f, err := strconv.ParseFloat(strings.TrimRight(word, "fFdDlL"), 64)
	if err != nil || math.IsInf(f, 0) {
		return token{}, queryToken("The query has a number that is none: " + word)
	}
	return token{kind: numberToken, text: word, value: f}, nil
}

// looksNumeric reports whether a word is digits with at most one dot, a sign, an exponent and the letter of a Java type.
func looksNumeric(word string) bool {
	word = strings.TrimLeft(word, "+-")
	mantissa, exponent, scaled := strings.Cut(strings.ToLower(strings.TrimRight(word, "fFdDlL")), "e")
	exponent = strings.TrimPrefix(exponent, "-")
	return strings.Count(mantissa, ".") <= 1 && digitsOnly(strings.Replace(mantissa, ".", "", 1)) && (!scaled || digitsOnly(exponent))
}

func digitsOnly(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

// keyOf is the text of tokens such that two of them are alike only where the queries are.
func keyOf(tokens []token) string {
	var b strings.Builder
	for _, t := range tokens {
		switch t.kind {
		case textToken:
			b.WriteString(strconv.Quote(t.text))
		case wordToken:
			b.WriteString(strings.ToLower(t.text))
		default:
			b.WriteString(t.text)
		}
		b.WriteByte(' ')
	}
	return b.String()
}

// parser reads tokens by descent. The first error stays in err, and everything after it is nothing.
type parser struct {
	tokens []token
	nodes  int
	parens int
	err    error
}

func (p *parser) peek() token {
	if len(p.tokens) == 0 {
		return token{}
	}
	return p.tokens[0]
}

func (p *parser) next() token {
	t := p.peek()
	if len(p.tokens) > 0 {
		p.tokens = p.tokens[1:]
	}
	return t
}

// take consumes that word or sign if it is the next.
func (p *parser) take(text string) bool {
	if !p.peek().is(text) {
		return false
	}
	p.next()
	return true
}

// want consumes that word or sign, which must be the next.
func (p *parser) want(text string) {
	if !p.take(text) {
		p.unexpected(strconv.Quote(text))
	}
}

func (p *parser) unexpected(instead string) {
	p.fail("The query cannot be parsed: " + p.peek().String() + " where " + instead + " is expected")
}

func (p *parser) fail(text string) {
	if p.err == nil {
		p.err = queryParse(text)
	}
	p.tokens = nil
}

// query: [select …] [where] [condition] [order by …].
func (p *parser) query() *ql {
	q := &ql{}
	switch {
	case p.take("select"):
		q.fields = p.projections()
	case p.peek().is("*"): // 0.10.11 sends q=*
		p.next()
	}
	where := p.take("where")
	if p.err == nil && (where || p.peek().kind != endToken && !p.atOrder()) {
		q.where = p.or()
	}
	if p.atOrder() {
		q.order = p.orders()
	}
	if t := p.peek(); p.err == nil && t.kind != endToken {
		p.unexpected("the end")
	}
	return q
}

// atOrder reports whether "order by" is next.
func (p *parser) atOrder() bool {
	return len(p.tokens) > 1 && p.tokens[0].is("order") && p.tokens[1].is("by")
}

// projections: * | a, b | {alias: a, …}.
func (p *parser) projections() []projection {
	if p.take("*") {
		return nil
	}
	renamed := p.take("{")
	var out []projection
	for {
		name := p.name()
		f := projection{name, name}
		if renamed {
			p.want(":")
			f.property = p.name()
		}
		if out = append(out, f); len(out) > maxFields {
			p.fail("The query selects too many properties")
		}
		if !p.take(",") {
			break
		}
	}
	if renamed {
		p.want("}")
	}
	return out
}

// name is the name of a property.
func (p *parser) name() string {
	if t := p.peek(); t.kind != wordToken {
		p.unexpected("a property")
		return ""
	}
	return p.next().text
}

func (p *parser) orders() []sorting {
	p.next()
	p.next()
	var out []sorting
	for {
		s := sorting{property: p.name()}
		if s.desc = p.take("desc"); !s.desc {
			p.take("asc")
		}
		if out = append(out, s); len(out) > maxOrderBy {
			p.fail("The query orders by too many properties")
		}
		if !p.take(",") {
			return out
		}
	}
}

// or: and {"or" and}.
func (p *parser) or() *condition { return p.chain(hecate.OpAny, "or", p.and) }

// and: not {"and" not}.
func (p *parser) and() *condition { return p.chain(hecate.OpAll, "and", p.not) }

func (p *parser) chain(op hecate.Op, word string, part func() *condition) *condition {
	first := part()
	if !p.peek().is(word) {
		return first
	}
	c := &condition{op: op, sub: []*condition{first}}
	for p.take(word) {
		c.sub = append(c.sub, part())
	}
	return p.counted(c)
}

// not: {"not"} primary. Two of them are none.
func (p *parser) not() *condition {
	negated := false
	for p.take("not") {
		negated = !negated
	}
	c := p.primary()
	if negated {
		return p.counted(&condition{op: hecate.OpNot, sub: []*condition{c}})
	}
	return c
}

// counted bounds the conditions of a query.
func (p *parser) counted(c *condition) *condition {
	if p.nodes++; p.nodes > hecate.MaxFilterNodes {
		p.fail("The query has too many conditions")
	}
	return c
}

// primary: "(" or ")" | property operator value.
func (p *parser) primary() *condition {
	if p.take("(") {
		if p.parens++; p.parens > maxParens {
			p.fail("The query is nested too deeply")
			return &condition{}
		}
		c := p.or()
		p.parens--
		p.want(")")
		return c
	}
	c := &condition{property: p.name()}
	t := p.peek()
	op, known := operators[strings.ToLower(t.text)]
	if !known || t.kind != signToken && t.kind != wordToken {
		p.unexpected("an operator")
		return c
	}
	p.next()
	if c.op = op; op == hecate.OpNear {
		p.near(c)
	} else {
		c.value = p.value()
	}
	return p.counted(c)
}

var operators = map[string]hecate.Op{
	"=": hecate.OpEqual, "eq": hecate.OpEqual, "<": hecate.OpLess, "lt": hecate.OpLess, "<=": hecate.OpLessEqual, "lte": hecate.OpLessEqual,
	">": hecate.OpGreater, "gt": hecate.OpGreater, ">=": hecate.OpGreaterEqual, "gte": hecate.OpGreaterEqual,
	"contains": hecate.OpWord, "within": hecate.OpNear,
}

// near: meters "of" latitude "," longitude.
func (p *parser) near(c *condition) {
	c.meters = p.number()
	p.want("of")
	at := hecate.Geo{Lat: p.number()}
	p.want(",")
	at.Lng = p.number()
	if p.err == nil && (math.Abs(at.Lat) > 90 || math.Abs(at.Lng) > 360) {
		p.fail("The query asks for a place that is not on earth")
	}
	c.value = at
}

func (p *parser) number() float64 {
	t := p.peek()
	if t.kind != numberToken {
		p.unexpected("a number")
		return 0
	}
	return asFloat(p.next().value)
}

// value: a string, a number, true, false or a UUID.
func (p *parser) value() any {
	t := p.peek()
	switch {
	case t.kind == textToken || t.kind == uuidToken:
		return p.next().text
	case t.kind == numberToken:
		return p.next().value
	case t.is("true") || t.is("false"):
		p.next()
		return t.is("true")
	}
	p.unexpected("a value")
	return nil
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

// property is what a name in a query means in a collection.
type property struct {
	operand  hecate.Operand
	field    *hecate.Field // nil: none of the schema
	constant string        // instead of operand: the same text in every record
}

// columns are the properties that every entity has, and that are no field.
var columns = map[string]hecate.Column{"uuid": hecate.IDColumn, "created": hecate.CreatedColumn, "modified": hecate.UpdatedColumn}

// userColumns are those of users.
var userColumns = map[string]hecate.Column{
	"username": hecate.UsernameColumn, "email": hecate.EmailColumn, "activated": hecate.ActivatedColumn, "disabled": hecate.DisabledColumn,
}

// propertyOf finds a property by its name, whose case means nothing as far as the schema knows it.
func propertyOf(c *hecate.Collection, name string) property {
	low := strings.ToLower(name)
	if low == "type" {
		return property{constant: hecate.Singular(c.Name)}
	}
	if col, ok := columns[low]; ok {
		return property{operand: hecate.Operand{Column: col}}
	}
	if col, ok := userColumns[low]; ok && c.Kind == hecate.ProfileCollection {
		return property{operand: hecate.Operand{Column: col, Fold: true}}
	}
	path := []string{name}
	f := fieldOf(c, name)
	if f == nil {
		path = strings.Split(name, ".")
		f = fieldOf(c, path[0])
	}
	o := hecate.Operand{Path: path, Type: hecate.JSONType, Fold: true, Any: true}
	if f != nil {
		path[0] = f.Name
		if len(path) == 1 {
			o.Type = f.Type
		}
	}
	return property{operand: o, field: f}
}

// fieldOf finds a field by its exact name, else without case.
func fieldOf(c *hecate.Collection, name string) *hecate.Field {
	if f := c.Field(name); f != nil {
		return f
	}
	for i := range c.Schema {
		if f := &c.Schema[i]; !f.Dropped && strings.EqualFold(f.Name, name) {
			return f
		}
	}
	return nil
}

// filter is the condition on the records of c.
func (x *condition) filter(c *hecate.Collection) hecate.Filter {
	if x == nil {
		return hecate.Filter{}
	}
	switch x.op {
	case hecate.OpAll, hecate.OpAny, hecate.OpNot:
		f := hecate.Filter{Op: x.op, Sub: make([]hecate.Filter, len(x.sub))}
		for i, sub := range x.sub {
			f.Sub[i] = sub.filter(c)
		}
		return f
	}
	p := propertyOf(c, x.property)
	switch {
	case p.constant != "":
		return constant(x.holds(p.constant))
	case x.op == hecate.OpNear:
		if p.operand.Column != hecate.FieldColumn {
			return constant(false)
		}
		return hecate.Filter{Op: hecate.OpNear, Operand: p.operand, Value: x.value, Meters: x.meters}
	case p.operand.Column == hecate.CreatedColumn || p.operand.Column == hecate.UpdatedColumn:
		return momentFilter(x.op, p.operand, x.value)
	}
	f := hecate.Filter{Op: x.op, Operand: p.operand, Value: x.value}
	if p.field != nil && p.operand.Type == hecate.TimeType {
		f.Value = momentOf(x.value)
	}
	text, isText := f.Value.(string)
	if p.operand.Column == hecate.IDColumn && isText {
		text = strings.ToLower(text)
		f.Value = text
	}
	start, open := strings.CutSuffix(text, "*")
	switch {
	case x.op == hecate.OpWord && isText:
		return wordsFilter(f, text)
	case x.op == hecate.OpWord:
		f.Op = hecate.OpEqual
	case x.op == hecate.OpEqual && isText && open:
		f.Op, f.Value = hecate.OpPrefix, start
	}
	return f
}

// constant is the filter that lets through everything, or nothing.
func constant(yes bool) hecate.Filter {
	if yes {
		return hecate.And()
	}
	return hecate.Filter{Op: hecate.OpAny}
}

// wordsFilter asks for every word of a text.
func wordsFilter(f hecate.Filter, text string) hecate.Filter {
	words := strings.Fields(text)
	if len(words) == 0 {
		return constant(false)
	}
	all := make([]hecate.Filter, len(words))
	for i, word := range words {
		all[i] = f
		all[i].Value = word
	}
	if len(all) == 1 {
		return all[0]
	}
	return hecate.And(all...)
}

// momentFilter compares a time with milliseconds, as answers show it: what is below a millisecond does not count.
func momentFilter(op hecate.Op, o hecate.Operand, value any) hecate.Filter {
	var from, to int64 // the first millisecond that equals the value or is later, and the first one that is later
	switch v := value.(type) {
	case int64:
		from, to = v, v+1
	case float64:
		from, to = int64(math.Ceil(v)), int64(math.Floor(v))+1
	default:
		return constant(false)
	}
	at := func(op hecate.Op, ms int64) hecate.Filter {
		return hecate.Filter{Op: op, Operand: o, Value: time.UnixMilli(min(max(ms, -maxMillis), maxMillis)).UTC()}
	}
	switch op {
	case hecate.OpLess:
		return at(hecate.OpLess, from)
	case hecate.OpLessEqual:
		return at(hecate.OpLess, to)
	case hecate.OpGreater:
		return at(hecate.OpGreaterEqual, to)
	case hecate.OpGreaterEqual:
		return at(hecate.OpGreaterEqual, from)
	case hecate.OpEqual, hecate.OpWord:
		return hecate.And(at(hecate.OpGreaterEqual, from), at(hecate.OpLess, to))
	}
	return constant(false)
}

// maxMillis bounds times to those that microseconds of 64 bits can tell.
const maxMillis = math.MaxInt64 / 1000 / 2

// momentOf reads a value that is compared with a field of times: a time of RFC 3339 or milliseconds. Anything else stays what it is.
func momentOf(value any) any {
	switch v := value.(type) {
	case string:
		if t, err := time.Parse(time.RFC3339, v); err == nil {
			return t.UTC()
		}
	case int64:
		return time.UnixMilli(min(max(v, -maxMillis), maxMillis)).UTC()
	}
	return value
}

// nearest is the first condition that asks for places around one, whose distance orders what the query does not.
func (x *condition) nearest() *condition {
	if x == nil || x.op == hecate.OpNear {
		return x
	}
	if x.op == hecate.OpNot {
		return nil
	}
	for _, sub := range x.sub {
		if n := sub.nearest(); n != nil {
			return n
		}
	}
	return nil
}

// sortable are the types of fields that an order can go by.
var sortable = []hecate.FieldType{
	hecate.StringType, hecate.TextType, hecate.IntegerType, hecate.NumberType, hecate.SequenceType, hecate.BooleanType, hecate.TimeType,
	hecate.ReferenceType, hecate.JSONType,
}

// orders are what the records of c are ordered by; none means by their numbers. What is absent comes last either way, and what is
// alike has the newest first.
func (q *ql) orders(c *hecate.Collection, reversed bool) []hecate.Order {
	var out []hecate.Order
	for _, s := range q.order {
		p := propertyOf(c, s.property)
		if p.constant != "" || p.operand.Column == hecate.FieldColumn && !slices.Contains(sortable, p.operand.Type) {
			continue // alike in all records
		}
		out = append(out, hecate.Order{Operand: p.operand, Desc: s.desc != reversed, NullsLast: true})
	}
	if near := q.where.nearest(); near != nil && len(q.order) == 0 {
		if p := propertyOf(c, near.property); p.constant == "" && p.operand.Column == hecate.FieldColumn {
			from := near.value.(hecate.Geo)
			out = append(out, hecate.Order{Operand: p.operand, From: &from, Desc: reversed, NullsLast: true})
		}
	}
	if len(out) > 0 {
		out = append(out, hecate.Order{Operand: hecate.Operand{Column: hecate.SeqColumn}, Desc: !reversed})
	}
	return out
}

// query is what q asks of the records of c, with limit, cursor and reversed of the request.
func (q *ql) query(c *hecate.Collection, r *web.Request) (hecate.Query, error) {
	limit, err := limitOf(r)
	if err != nil {
		return hecate.Query{}, err
	}
	reversed := strings.EqualFold(r.QueryOne("reversed"), "true")
	out := hecate.Query{Filter: q.where.filter(c), Order: q.orders(c, reversed), SeqDesc: !reversed, Limit: limit}
	if text := r.QueryOne("cursor"); text != "" {
		if out.After, err = readCursor(text, q.cursorKey(c, reversed), out.Order); err != nil {
			return hecate.Query{}, err
		}
	}
	return out, out.Check()
}
