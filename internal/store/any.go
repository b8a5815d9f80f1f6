package store

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"hecate"
)

// singleTypes are those of fields that hold one value, never a list.
var singleTypes = []hecate.FieldType{
	hecate.StringType, hecate.TextType, hecate.IntegerType, hecate.NumberType, hecate.SequenceType, hecate.BooleanType, hecate.TimeType,
	hecate.FileType, hecate.ReferenceType, hecate.GeoType,
}

// itemwise reports whether a condition on the operand holds where it holds of any item of a list. What is no list by its type is
// compared as ever.
func itemwise(l *level, o hecate.Operand) bool {
	if !o.Any || o.Column != hecate.FieldColumn || len(o.Path) == 0 {
		return false
	}
	f := l.c.Field(o.Path[0])
	return f == nil || len(o.Path) > 1 || !slices.Contains(singleTypes, f.Type)
}

// some compiles a comparison with the value or with any of its items.
func (q *compiler) some(l *level, f *hecate.Filter, at spot) string {
	if f.Op == hecate.OpNotEqual {
		positive := *f
		positive.Op = hecate.OpEqual
		return "not coalesce(" + q.some(l, &positive, spot{place: at.place, negated: true}) + ", false)"
	}
	sign, known := comparison[f.Op]
	if !known {
		return q.invalid("unknown operator")
	}
	as, value := classOf(f.Value)
	if as != textClass && as != numberClass && as != boolClass { // no item of a list is a time, a place or the like
		return q.compare(l, f, at)
	}
	path, _, ok := q.path(l, f.Operand)
	if !ok {
		return "false"
	}
	by, exact := q.someByIndex(l, f, as, value, at)
	if exact {
		return by
	}
	place, _ := q.bind(f.Operand, f.Op, as, value)
	text := q.either(path, as, f.Operand.Fold, func(item string) string { return item + sign + place })
	if by != "" {
		return by + " and " + text
	}
	return text
}

// someIn compiles OpIn and OpNotIn on the value or any of its items.
func (q *compiler) someIn(l *level, f *hecate.Filter, at spot) string {
	inside := f.Op == hecate.OpIn
	at.top = false
	at.negated = at.negated || !inside
	var ways []string
	for _, v := range f.Value.([]any) {
		one := hecate.Filter{Op: hecate.OpEqual, Operand: f.Operand, Value: v}
		ways = append(ways, "("+q.leaf(l, &one, at)+")")
	}
	switch {
	case len(ways) == 0:
		return strconv.FormatBool(!inside)
	case inside:
		return "(" + strings.Join(ways, " or ") + ")"
	}
	return "not coalesce(" + strings.Join(ways, " or ") + ", false)"
}

// someText compiles an operator on texts, which on says of one, for the value or any of its items.
func (q *compiler) someText(l *level, f *hecate.Filter, at spot, on func(text string) string) string {
	path, field, ok := q.path(l, f.Operand)
	if !ok {
		return "false"
	}
	value := f.Value.(string)
	text := func() string { return q.either(path, textClass, f.Operand.Fold, on) }
	if f.Op != hecate.OpPrefix || value == "" || !indexedItems(l, f.Operand, field, at) {
		return text()
	}
	by, exact := q.startsWith(field, folded(field, value), at)
	if exact && f.Operand.Fold {
		return by
	}
	return by + " and " + text()
}

// either is the condition on the value at path, or on any item of the list that is there.
func (q *compiler) either(path []string, as class, fold bool, cond func(item string) string) string {
	typ := map[class]fieldType{textClass: fieldText, numberClass: fieldNumber, boolClass: fieldBoolean}[as]
	form := func(item string) string {
		if fold && as == textClass {
			return q.fold(item)
		}
		return item
	}
	return "(" + cond(form(q.db.field(path, typ))) + " or exists (select 1 from (" + q.idiom.items(path, "", typ) + ") i where " + cond(form("i.v")) + "))"
}

// indexedItems reports whether record_index has the scalars of the field, one by one.
func indexedItems(l *level, o hecate.Operand, f *hecate.Field, at spot) bool {
	return f != nil && f.Type == hecate.JSONType && (f.Indexed || f.Ordered) && len(o.Path) == 1 && !l.masked && !at.negated
}

// someByIndex narrows a comparison by record_index, where the field has one: "" where not. exact says that nothing else need be
// asked. The index holds texts without case, and true and false as numbers.
func (q *compiler) someByIndex(l *level, f *hecate.Filter, as class, value any, at spot) (text string, exact bool) {
	_, field, _ := q.path(l, f.Operand)
	if !indexedItems(l, f.Operand, field, at) {
		return "", false
	}
	column, key := "num", any(nil)
	switch as {
	case textClass:
		name := FoldName(value.(string))
		column, key = "txt", clip(name)
		exact = f.Operand.Fold && len(name) < indexText-utf8.UTFMax
		if !f.Operand.Fold && f.Op != hecate.OpEqual {
			return "", false // the index has them in another order
		}
	case numberClass:
		key = floatOf(value)
	case boolClass:
		key = float64(boolNumber(value.(bool)))
	}
	sign := comparison[f.Op]
	if !exact && f.Op != hecate.OpEqual {
		sign = strings.TrimRight(sign, "= ") + "= "
	}
	return q.indexed(field, "x."+column+sign+q.b.add(key), at, f.Op == hecate.OpEqual), exact
}
