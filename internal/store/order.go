package store

import (
	"math"
	"strconv"
	"strings"
	"time"

	"hecate"
)

// sortKey is one thing that rows are sorted by.
type sortKey struct {
	text      string
	desc      bool
	nullsLast bool
	never     bool   // it is never null
	value     any    // of the row at the cursor; nil is null
	at        string // the value as an expression; "" binds it
}

// ordered reports whether record_index has every record once and in the order asked for. Numbers that no float tells
// apart, and texts that are alike as far as the index keeps them, count as equal then.
func (q *compiler) ordered(s Search) bool {
	if len(s.Query.Order) != 1 {
		return false
	}
	o := s.Query.Order[0]
	f, ok := q.indexable(&level{c: s.Collection}, o.Operand)
	if ok && isText(f.Type) && (f.Fold != o.Operand.Fold || o.Operand.Any) {
		return false // which the index has in another order
	}
	return ok && o.From == nil && f.Ordered && f.Type == o.Operand.Type && sortColumn[f.Type] != "" && !(o.Desc && o.NullsLast)
}

// orderedRows are the rows that ordered found.
func (q *compiler) orderedRows(s Search) *leader {
	f := s.Collection.Field(s.Query.Order[0].Operand.Path[0])
	return &leader{cond: "x.slot = " + q.b.add(f.Slot) + " and x." + sortColumn[f.Type] + " is not null", inOrder: true}
}

// byIndexKeys are the keys of an order by record_index, where absent values come last of all.
func (q *compiler) byIndexKeys(s Search) []sortKey {
	o := s.Query.Order[0]
	absent := sortKey{text: "x.absent", desc: o.Desc, never: true}
	value := sortKey{text: "x." + sortColumn[o.Operand.Type], desc: o.Desc, never: true}
	a := s.Query.After
	if a == nil {
		return []sortKey{absent, value}
	}
	if len(a.Values) != 1 {
		q.invalid("the cursor does not fit the order")
		return []sortKey{absent, value}
	}
	key, ok := indexCursor(o.Operand, a.Values[0])
	if !ok {
		q.invalid("the cursor does not fit the order")
	}
	absent.value, value.value = int64(0), key
	if a.Values[0] == nil {
		absent.value = int64(1)
	}
	return []sortKey{absent, value}
}

// indexCursor is the value of a cursor as it stands in record_index.
func indexCursor(o hecate.Operand, v any) (any, bool) {
	column := sortColumn[o.Type]
	if v == nil {
		if column == "num" {
			return 0.0, true
		}
		return "", true
	}
	bound, ok := sortValue(o, sortClass[o.Type], v)
	if !ok {
		return nil, false
	}
	switch v := bound.(type) {
	case string:
		return clip(v), column == "txt"
	case bool:
		return float64(boolNumber(v)), column == "num"
	}
	return floatOf(bound), column == "num"
}

func boolNumber(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// order returns the condition on rows beyond the cursor (" and …" or nothing) and
// what follows "order by". byIndex says that the rows come through q.orderedRows;
// onIndex that the condition speaks of rows of record_index only.
func (q *compiler) order(s Search, byIndex bool) (after, by string, onIndex bool) {
	query := s.Query
	var keys []sortKey
	var unique bool
	seq := sortKey{text: "r.seq", desc: query.SeqDesc, never: true}
	if byIndex || q.lead != nil {
		seq.text = "x.seq"
	}
	if byIndex {
		keys = q.byIndexKeys(s)
	} else {
		keys, unique = q.sortKeys(s)
	}
	if !unique {
		if len(query.Order) > 0 {
			seq.desc = query.Order[0].Desc
		}
		if query.After != nil {
			seq.value = query.After.Seq
		}
		keys = append(keys, seq)
	}
	for i := range keys {
		k := &keys[i]
		if k.nullsLast = k.atEnd(); query.Backward {
			k.nullsLast, k.desc = !k.nullsLast, !k.desc
		}
	}
	if query.After != nil {
		after = " and " + q.beyond(keys)
	}
	terms := make([]string, len(keys))
	for i, k := range keys {
		terms[i] = k.term()
	}
	return after, strings.Join(terms, ", "), after != "" && (byIndex || q.lead != nil && len(keys) == 1 && !unique)
}

// atEnd says where absent values stand in the direction of an order.
func (k sortKey) atEnd() bool { return k.nullsLast || !k.desc }

func (k sortKey) term() string {
	text := k.text
	if k.desc {
		text += " desc"
	}
	switch {
	case k.never: // saying it would keep SQLite from its index
	case k.nullsLast:
		text += " nulls last"
	default:
		text += " nulls first"
	}
	return text
}

// beyond is the condition that a row comes after the values of the keys:
// a later first key, or an equal one and a later second …
func (q *compiler) beyond(keys []sortKey) string {
	if text, ok := q.tuple(keys); ok {
		return text
	}
	k := keys[0]
	equal, later := k.text+" is null", "false"
	switch {
	case k.value == nil && !k.nullsLast && !k.never:
		later = k.text + " is not null"
	case k.value != nil:
		at := k.at
		if at == "" {
			at = q.b.add(k.value)
		}
		sign := " > "
		if k.desc {
			sign = " < "
		}
		equal, later = k.text+" = "+at, k.text+sign+at
		if k.nullsLast && !k.never {
			later += " or " + k.text + " is null"
		}
	}
	if len(keys) == 1 {
		return "(" + later + ")"
	}
	return "(" + later + " or " + equal + " and " + q.beyond(keys[1:]) + ")"
}

// tuple is beyond in one comparison, which an index can answer: where all
// keys run the same way and none is ever null.
func (q *compiler) tuple(keys []sortKey) (string, bool) {
	names, places := make([]string, len(keys)), make([]string, len(keys))
	for i, k := range keys {
		if !k.never || k.value == nil || k.desc != keys[0].desc {
			return "", false
		}
		names[i] = k.text
	}
	for i, k := range keys {
		places[i] = q.b.add(k.value)
	}
	sign := ") > ("
	if keys[0].desc {
		sign = ") < ("
	}
	return "(" + strings.Join(names, ", ") + sign + strings.Join(places, ", ") + ")", true
}

// sortKeys returns the keys of the orders asked for; unique says that no two
// rows are equal in them.
func (q *compiler) sortKeys(s Search) (keys []sortKey, unique bool) {
	l, query := &level{c: s.Collection}, s.Query
	for i, o := range query.Order {
		var value any
		if a := query.After; a != nil {
			if len(a.Values) != len(query.Order) {
				q.invalid("the cursor does not fit the order")
				return nil, false
			}
			value = a.Values[i]
		}
		parts, ok := q.keysOf(l, o, value)
		if !ok {
			q.invalid("cannot order by this")
			return nil, false
		}
		keys = append(keys, parts...)
		if o.Operand.Column == hecate.SeqColumn || o.Operand.Column == hecate.IDColumn || o.Operand.Column == hecate.KeyColumn {
			return keys, true
		}
	}
	return keys, false
}

// sortClass is how values of a field type are sorted.
var sortClass = map[hecate.FieldType]class{
	"": textClass, hecate.StringType: textClass, hecate.TextType: textClass,
	hecate.IntegerType: numberClass, hecate.NumberType: numberClass, hecate.SequenceType: numberClass,
	hecate.BooleanType: boolClass, hecate.TimeType: timeClass, hecate.ReferenceType: refSeqClass,
}

func (q *compiler) keysOf(l *level, o hecate.Order, value any) ([]sortKey, bool) {
	if o.Operand.Column != hecate.FieldColumn {
		col, ok := columnOf(o.Operand.Column)
		if !ok {
			return nil, false
		}
		return q.key(l, o, col.class, value, col.never)
	}
	if o.From != nil {
		return q.distanceKey(l, o, value)
	}
	if o.Operand.Type == hecate.JSONType {
		return q.mixedKeys(l, o, value)
	}
	as, ok := sortClass[o.Operand.Type]
	if !ok {
		return nil, false
	}
	return q.key(l, o, as, value, false)
}

func (q *compiler) key(l *level, o hecate.Order, as class, value any, never bool) ([]sortKey, bool) {
	k := sortKey{desc: o.Desc, nullsLast: o.NullsLast, never: never}
	var ok bool
	if k.text, ok = q.expr(l, o.Operand, as); !ok {
		// No record has it: all rows are equal.
		return nil, true
	}
	if as == textClass && o.Operand.Any {
		k.text = "substr(" + k.text + ", 1, " + strconv.Itoa(hecate.SortText) + ")"
	}
	if value == nil {
		return []sortKey{k}, true
	}
	k.value, ok = sortValue(o.Operand, as, value)
	return []sortKey{k}, ok
}

// sortValue is the value of a cursor as it is bound for a key of that class.
func sortValue(o hecate.Operand, as class, value any) (any, bool) {
	have, bound := classOf(value)
	if as == refSeqClass {
		if r, ok := value.(hecate.Ref); ok {
			return r.Seq, true
		}
		return bound, have == numberClass
	}
	if have != as {
		return nil, false
	}
	switch as {
	case textClass:
		if o.Fold {
			bound = FoldName(bound.(string))
		}
		if o.Any {
			bound = firstRunes(bound.(string), hecate.SortText)
		}
	case timeClass:
		if o.Column == hecate.FieldColumn {
			return bound.(time.Time).UTC().Format(timeText), true
		}
		return bound.(time.Time).UnixMicro(), true
	case numberClass:
		if o.Column != hecate.FieldColumn {
			n, ok := whole(bound, hecate.OpEqual)
			return n, ok
		}
	}
	return bound, true
}

// firstRunes is the beginning of a text of n characters at most.
func firstRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// distanceKey sorts places by how far they are from one. The cursor's place takes the same way through the database as the
// others, so that it has the same distance to the last bit.
func (q *compiler) distanceKey(l *level, o hecate.Order, value any) ([]sortKey, bool) {
	from := *o.From
	if !(math.Abs(from.Lat) <= 90 && math.Abs(from.Lng) <= 360) {
		return nil, false
	}
	path, _, ok := q.path(l, o.Operand)
	if !ok {
		return nil, true
	}
	from.Lat, from.Lng = roundDegrees(from.Lat), roundDegrees(from.Lng)
	lat, lng := q.place(path, o.Operand.Any)
	k := sortKey{text: "(" + q.haversine(lat, lng, from) + ")", desc: o.Desc, nullsLast: o.NullsLast}
	if value == nil {
		return []sortKey{k}, true
	}
	place, ok := value.(hecate.Geo)
	number := func(v float64) string {
		return degrees("cast(" + q.b.add(strconv.FormatFloat(v, 'f', -1, 64)) + " as numeric)")
	}
	if ok = ok && math.Abs(place.Lat) <= 90 && math.Abs(place.Lng) <= 360; ok {
		k.value, k.at = place, "("+q.haversine(number(place.Lat), number(place.Lng), from)+")"
	}
	return []sortKey{k}, ok
}

// mixedKeys sorts values of any type: numbers, texts, then booleans.
func (q *compiler) mixedKeys(l *level, o hecate.Order, value any) ([]sortKey, bool) {
	classes := []class{numberClass, textClass, boolClass}
	rank := sortKey{text: "(case", desc: o.Desc, nullsLast: o.NullsLast}
	if o.Operand.Any {
		rank.desc, rank.nullsLast, o.NullsLast = false, true, true
	}
	keys := []sortKey{rank}
	have, _ := classOf(value)
	for i, as := range classes {
		of, _ := q.key(l, o, as, nil, false)
		if len(of) == 0 {
			return nil, true
		}
		if value != nil && have == as {
			v, ok := sortValue(o.Operand, as, value)
			if !ok {
				return nil, false
			}
			of[0].value, keys[0].value = v, int64(i)
		}
		keys[0].text += " when " + of[0].text + " is not null then " + string(rune('0'+i))
		keys = append(keys, of...)
	}
	keys[0].text += " end)"
	return keys, value == nil || keys[0].value != nil
}
