package usergrid

import (
	"cmp"
	"encoding/json"
	"math"
	"math/big"
	"slices"
	"strings"

	"hecate"
)

// matches reports whether what a query asks for holds of properties as answers show them: for lists of things that are no
// records. It says the same as the database does of records.
func (q *ql) matches(values map[string]any) bool { return q.where.matches(values) }

func (x *condition) matches(values map[string]any) bool {
	if x == nil {
		return true
	}
	holds := func(sub *condition) bool { return sub.matches(values) }
	switch x.op {
	case hecate.OpAll:
		return !slices.ContainsFunc(x.sub, func(sub *condition) bool { return !holds(sub) })
	case hecate.OpAny:
		return slices.ContainsFunc(x.sub, holds)
	case hecate.OpNot:
		return !holds(x.sub[0])
	}
	return x.holds(valueAt(values, x.property))
}

// valueAt is the value of a property: of that name, else at that path. The case of the first part means nothing.
func valueAt(values map[string]any, name string) any {
	if v, ok := member(values, name); ok {
		return v
	}
	first, rest, dotted := strings.Cut(name, ".")
	v, _ := member(values, first)
	for dotted {
		m, _ := v.(map[string]any)
		first, rest, dotted = strings.Cut(rest, ".")
		v = m[first]
	}
	return v
}

func member(values map[string]any, name string) (any, bool) {
	if v, ok := values[name]; ok {
		return v, true
	}
	for k, v := range values {
		if strings.EqualFold(k, name) {
			return v, true
		}
	}
	return nil, false
}

// holds reports whether a comparison holds of a value, or of one of the items of a list.
func (x *condition) holds(v any) bool {
	if x.op == hecate.OpNear {
		at, ok := placeOf(v)
		return ok && distance(at, x.value.(hecate.Geo)) <= x.meters
	}
	items, isList := v.([]any)
	if !isList {
		items = []any{v}
	}
	text, isText := x.value.(string)
	if x.op == hecate.OpWord && isText {
		words := strings.Fields(hecate.Fold(text))
		return len(words) > 0 && !slices.ContainsFunc(words, func(word string) bool {
			return !slices.ContainsFunc(items, func(item any) bool { return hasWord(item, word) })
		})
	}
	return slices.ContainsFunc(items, x.holdsOf)
}

// holdsOf reports whether a comparison holds of a single value.
func (x *condition) holdsOf(item any) bool {
	if text, ok := x.value.(string); ok && x.op == hecate.OpEqual {
		if start, open := strings.CutSuffix(text, "*"); open {
			have, ok := item.(string)
			return ok && strings.HasPrefix(hecate.Fold(have), hecate.Fold(start))
		}
	}
	if rank(item) != rank(x.value) || rank(item) == absentRank {
		return false
	}
	n := compare(item, x.value)
	switch x.op {
	case hecate.OpLess:
		return n < 0
	case hecate.OpLessEqual:
		return n <= 0
	case hecate.OpGreater:
		return n > 0
	case hecate.OpGreaterEqual:
		return n >= 0
	}
	return n == 0
}

// hasWord reports whether a word, which with a final * is the start of one, stands in a text.
func hasWord(item any, word string) bool {
	text, ok := item.(string)
	word, start := strings.CutSuffix(word, "*")
	if !ok || word == "" {
		return false
	}
	before := ' '
	text = hecate.Fold(text)
	for at, r := range text {
		rest, found := strings.CutPrefix(text[at:], word)
		if found && !ofWord(before) && (start || !ofWord([]rune(rest + " ")[0])) {
			return true
		}
		before = r
	}
	return false
}

// ofWord reports whether a character is part of words.
func ofWord(r rune) bool {
	return r >= 0x80 || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// The ranks of values in an order.
const (
	numberRank = iota
	textRank
	booleanRank
	absentRank
)

func rank(v any) int {
	switch v.(type) {
	case int, int64, float64, json.Number:
		return numberRank
	case string:
		return textRank
	case bool:
		return booleanRank
	}
	return absentRank
}

// compare compares two values of one rank: numbers exactly, texts without case.
func compare(a, b any) int {
	switch rank(a) {
	case numberRank:
		return exact(a).Cmp(exact(b))
	case textRank:
		return strings.Compare(hecate.Fold(a.(string)), hecate.Fold(b.(string)))
	case booleanRank:
		return cmp.Compare(boolInt(a.(bool)), boolInt(b.(bool)))
	}
	return 0
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func exact(v any) *big.Float {
	switch n := v.(type) {
	case int:
		return new(big.Float).SetInt64(int64(n))
	case int64:
		return new(big.Float).SetInt64(n)
	}
	f, _ := numberOf(v)
	if math.IsNaN(f) {
		f = 0
	}
	return big.NewFloat(f)
}

// distance is that of two places on earth, in metres.
func distance(a, b hecate.Geo) float64 {
	const rad, radius = math.Pi / 180, 6371008.8
	dLat, dLng := math.Sin((a.Lat-b.Lat)*rad/2), math.Sin((a.Lng-b.Lng)*rad/2)
	h := dLat*dLat + math.Cos(a.Lat*rad)*math.Cos(b.Lat*rad)*dLng*dLng
	return 2 * radius * math.Asin(math.Sqrt(min(1, h)))
}

// less reports whether a comes before b as a query orders: numbers, texts, booleans, and what lacks the property last in both
// directions.
func (q *ql) less(a, b map[string]any) bool {
	for _, s := range q.order {
		x, y := valueAt(a, s.property), valueAt(b, s.property)
		if n := cmp.Compare(rank(x), rank(y)); n != 0 {
			return n < 0
		}
		n := compare(x, y)
		if s.desc {
			n = -n
		}
		if n != 0 {
			return n < 0
		}
	}
	if near := q.where.nearest(); near != nil && len(q.order) == 0 {
		x, ok := placeOf(valueAt(a, near.property))
		y, also := placeOf(valueAt(b, near.property))
		from := near.value.(hecate.Geo)
		return ok && (!also || distance(x, from) < distance(y, from))
	}
	return false
}
