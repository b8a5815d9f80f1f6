package store

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// idiom is what the two databases say differently in record filters, besides field.
type idiom interface {
	// items selects, as v, the items of the list at path that are of the type (or
	// that member of its objects); nothing where there is no list.
	items(path []string, member string, typ fieldType) string
	// like is the condition that a text matches the pattern, by characters and case.
	like(b *binds, text string, pattern []token) string
	// fold is FoldName of a text. cases gives binds of the letters beyond ASCII that have a small form, and of those.
	fold(text string, cases func() (large, small string)) string
	// among is the condition that a column has one of the values that a query finds.
	among(column, query string) string
	// leads reports whether an index must be told to go first.
	leads() bool
	// through is what follows "from", with the first conditions: rows x of
	// record_index, and after them the records r they lead to.
	through(lead leader) string
	// word is the condition that the word stands in a text, between characters
	// that belong to no word; with start it may go on. Word characters are ASCII
	// letters and digits, the underscore, and everything beyond ASCII.
	word(b *binds, text, word string, start bool) string
}

var (
	_ idiom = (*lite)(nil)
	_ idiom = (*postgres)(nil)
)

// litePath is a path as SQLite's JSON functions take it.
func litePath(path []string) string {
	var b strings.Builder
	b.WriteString("'$")
	for _, part := range path {
		b.WriteString(`."` + litePart.Replace(part) + `"`)
	}
	return b.String() + "'"
}

func (l *lite) items(path []string, member string, typ fieldType) string {
	at := litePath(path)
	value, kind := "e.atom", "e.type"
	if member != "" {
		value, kind = "e.value ->> "+litePath([]string{member}), "json_type(e.value, "+litePath([]string{member})+")"
		// Only objects have members; the value of any other item may be no JSON at all.
		kind = "case e.type when 'object' then " + kind + " end"
	}
	var is string
	switch typ {
	case fieldNumber:
		is = " in ('integer', 'real')"
	case fieldBoolean:
		is = " in ('true', 'false')"
	default:
		is = " = 'text'"
	}
	return "select case when " + kind + is + " then " + value + " end as v from json_each(data, " + at + ") e where json_type(data, " + at + ") = 'array'"
}

func (p *postgres) items(path []string, member string, typ fieldType) string {
	at, value := p.field(path, fieldJSON), "e.value"
	if member != "" {
		value = "(e.value -> '" + member + "')"
	}
	text := value + " #>> '{}'"
	var kind string
	switch typ {
	case fieldNumber:
		kind, text = "number", "("+text+")::numeric"
	case fieldBoolean:
		kind, text = "boolean", "("+text+")::boolean"
	default:
		kind, text = "string", "("+text+`) collate "C"`
	}
	return "select case jsonb_typeof(" + value + ") when '" + kind + "' then " + text + " end as v from jsonb_array_elements(case jsonb_typeof(" +
		at + ") when 'array' then " + at + " else '[]'::jsonb end) e(value)"
}

func (l *lite) fold(text string, _ func() (large, small string)) string {
	return foldFunction + "(" + text + ")"
}

// PostgreSQL's lower() knows what its locale knows; translate() goes through the whole table for every character, so that it is
// asked only where there is anything for it.
func (p *postgres) fold(text string, cases func() (large, small string)) string {
	large, small := cases()
	low := "lower((" + text + `) collate "C")`
	return "(case when octet_length(" + text + ") = char_length(" + text + ") then " + low + " else translate(" + low + ", cast(" + large + " as text), cast(" + small + ` as text)) end)`
}

// letterCases are the letters beyond ASCII that have a small form, and those.
var letterCases = sync.OnceValue(func() (cases [2]string) {
	var large, small strings.Builder
	for r := rune(utf8.RuneSelf); r <= unicode.MaxRune; r++ {
		if low := unicode.ToLower(r); low != r {
			large.WriteRune(r)
			small.WriteRune(low)
		}
	}
	return [2]string{large.String(), small.String()}
})

// throughIndex reads the index and the record of each row.
func throughIndex(lead leader) string {
	return "record_index x cross join records r where x.app_id = $1 and x.collection_id = $2 and " + lead.cond +
		" and r.app_id = $1 and r.collection_id = $2 and r.seq = x.seq"
}

// SQLite asks the index for the list first, and takes the tables of a cross join as they stand.

func (l *lite) leads() bool                       { return false }
func (l *lite) among(column, query string) string { return column + " in (" + query + ")" }
func (l *lite) through(lead leader) string        { return throughIndex(lead) }

// PostgreSQL thinks of app, collection and slot as independent and so of
// every result as tiny; it would as soon compare each record with each row of the
// index. Neither a hashed list nor two tables behind fences can go that wrong.

func (p *postgres) leads() bool { return true }
func (p *postgres) among(column, query string) string {
	return "(" + column + " in (" + query + ")) is true"
}

func (p *postgres) through(lead leader) string {
	if lead.inOrder { // no fence, which would hide the order
		return throughIndex(lead)
	}
	rows := "select x.seq"
	if lead.many {
		rows = "select distinct x.seq"
	}
	return "(" + rows + " from record_index x where x.app_id = $1 and x.collection_id = $2 and " + lead.cond + " offset 0) x cross join lateral " +
		"(select * from records r where r.app_id = $1 and r.collection_id = $2 and r.seq = x.seq offset 0) r where true"
}

var (
	globPart = strings.NewReplacer("*", "[*]", "?", "[?]", "[", "[[]")
	likePart = strings.NewReplacer("%", `\%`, "_", `\_`, `\`, `\\`)
)

// spell writes a pattern with an engine's own signs.
func spell(pattern []token, one, run string, quote *strings.Replacer) string {
	var b strings.Builder
	for _, t := range pattern {
		switch {
		case t.one:
			b.WriteString(one)
		case t.run:
			b.WriteString(run)
		default:
			b.WriteString(quote.Replace(t.text))
		}
	}
	return b.String()
}

// SQLite's like ignores the case of ASCII letters; glob does not.
func (l *lite) like(b *binds, text string, pattern []token) string {
	return text + " glob " + b.add(spell(pattern, "?", "*", globPart))
}

func (p *postgres) like(b *binds, text string, pattern []token) string {
	return text + " like " + b.add(spell(pattern, "_", "%", likePart))
}

// betweenWords matches one character that is part of no word.
const betweenWords = "[^0-9A-Z_a-z\u0080-\U0010ffff]"

func (l *lite) word(b *binds, text, word string, start bool) string {
	pattern := "*" + betweenWords + globPart.Replace(word)
	if !start {
		pattern += betweenWords
	}
	return "(' ' || " + text + " || ' ') glob " + b.add(pattern+"*")
}

func (p *postgres) word(b *binds, text, word string, start bool) string {
	var pattern strings.Builder
	pattern.WriteString(betweenWords)
	for _, r := range word {
		if r < 0x80 && !(r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z') {
			pattern.WriteByte('\\')
		}
		pattern.WriteRune(r)
	}
	if !start {
		pattern.WriteString(betweenWords)
	}
	return "(' ' || " + text + " || ' ') ~ " + b.add(pattern.String())
}
