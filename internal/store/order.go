package store

import (
	"strings"
	"time"

	"hecate"
)

// sortKey is one thing that rows are sorted by.
type sortKey struct {
	text      string
	desc      bool
	nullsLast bool
	never     bool // it is never null
	value     any  // of the row at the cursor; nil is null
}

// order returns the condition on rows beyond the cursor (" and …" or nothing) and
// what follows "order by".
func (q *compiler) order(s Search) (after, by string) {
	query := s.Query
	keys, unique := q.sortKeys(s)
	if !unique {
		desc := query.SeqDesc
		if len(query.Order) > 0 {
			desc = query.Order[0].Desc
		}
		seq := sortKey{text: "r.seq", desc: desc, never: true}
		if query.After != nil {
			seq.value = query.After.Seq
		}
		keys = append(keys, seq)
	}
	if query.Backward {
		for i := range keys {
			k := &keys[i]
			k.nullsLast = !k.atEnd()
			k.desc = !k.desc
		}
	} else {
		for i := range keys {
			keys[i].nullsLast = keys[i].atEnd()
		}
	}
	if query.After != nil {
		after = " and " + q.beyond(keys)
	}
	terms := make([]string, len(keys))
	for i, k := range keys {
		terms[i] = k.term()
	}
	return after, strings.Join(terms, ", ")
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
	k := keys[0]
	equal, later := k.text+" is null", "false"
	switch {
	case k.value == nil && !k.nullsLast && !k.never:
		later = k.text + " is not null"
	case k.value != nil:
		at := q.b.add(k.value)
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
			return foldText(bound.(string)), true
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

// mixedKeys sorts values of any type: numbers, texts, then booleans.
func (q *compiler) mixedKeys(l *level, o hecate.Order, value any) ([]sortKey, bool) {
	classes := []class{numberClass, textClass, boolClass}
	rank := sortKey{text: "(case", desc: o.Desc, nullsLast: o.NullsLast}
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
