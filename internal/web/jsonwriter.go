package web

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// JSONWriter appends JSON to a buffer, members in the order of the calls. The
// commas take care of themselves: one is written unless the buffer is empty or
// ends with an opening bracket or a colon. An answer is made of one such buffer
// from front to end, so a text cannot be mistaken for a bracket: it ends with a quote.
type JSONWriter struct {
	Buf []byte
	// Page has <, > and & in texts escaped too: an answer taken for a page is none.
	Page bool
}

// Comma writes the comma that must stand before what comes next, if one must.
func (j *JSONWriter) Comma() {
	if len(j.Buf) == 0 {
		return
	}
	switch j.Buf[len(j.Buf)-1] {
	case '{', '[', ':', ',':
	default:
		j.Buf = append(j.Buf, ',')
	}
}

// Open begins an object, as an item or as the value of the name before.
func (j *JSONWriter) Open() { j.Comma(); j.Buf = append(j.Buf, '{') }

// Close ends an object.
func (j *JSONWriter) Close() { j.Buf = append(j.Buf, '}') }

// OpenList begins an array.
func (j *JSONWriter) OpenList() { j.Comma(); j.Buf = append(j.Buf, '[') }

// CloseList ends an array.
func (j *JSONWriter) CloseList() { j.Buf = append(j.Buf, ']') }

// Name begins a member; its value must follow.
func (j *JSONWriter) Name(name string) {
	j.Comma()
	j.Buf = append(appendText(j.Buf, name, escapedIn(j.Page)), ':')
}

// Text writes a member that is a string.
func (j *JSONWriter) Text(name, v string) {
	j.Name(name)
	j.Buf = appendText(j.Buf, v, escapedIn(j.Page))
}

// Int writes a member that is a whole number.
func (j *JSONWriter) Int(name string, v int64) { j.Name(name); j.Buf = strconv.AppendInt(j.Buf, v, 10) }

// Bool writes a member that is true or false.
func (j *JSONWriter) Bool(name string, v bool) { j.Name(name); j.Buf = strconv.AppendBool(j.Buf, v) }

// Null writes a member that is null.
func (j *JSONWriter) Null(name string) { j.Name(name); j.Buf = append(j.Buf, "null"...) }

// Value writes a member that is anything JSON can hold, see AppendJSON.
func (j *JSONWriter) Value(name string, v any) {
	j.Name(name)
	j.Buf = appendAny(j.Buf, v, j.Page)
}

// Raw writes a member whose value is JSON already.
func (j *JSONWriter) Raw(name string, value []byte) {
	j.Name(name)
	j.Buf = append(j.Buf, value...)
}

// TextItem writes an item of an array that is a string.
func (j *JSONWriter) TextItem(v string) {
	j.Comma()
	j.Buf = appendText(j.Buf, v, escapedIn(j.Page))
}

// RawItem writes an item of an array that is JSON already.
func (j *JSONWriter) RawItem(value []byte) { j.Comma(); j.Buf = append(j.Buf, value...) }

// AppendJSON appends what JSON itself can hold (maps, lists, strings, numbers, booleans, nil), members
// by name; a moment is a string, see AppendTime. What it cannot hold becomes null.
func AppendJSON(dst []byte, v any) []byte { return appendAny(dst, v, false) }

// AppendPageJSON is AppendJSON with <, > and & escaped, see JSONWriter.Page.
func AppendPageJSON(dst []byte, v any) []byte { return appendAny(dst, v, true) }

func appendAny(dst []byte, v any, page bool) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case string:
		return appendText(dst, v, escapedIn(page))
	case bool:
		return strconv.AppendBool(dst, v)
	case int:
		return strconv.AppendInt(dst, int64(v), 10)
	case int64:
		return strconv.AppendInt(dst, v, 10)
	case json.Number:
		return append(dst, v...)
	case json.RawMessage:
		return append(dst, v...)
	case time.Time:
		return AppendTime(dst, v)
	}
	text, item := AppendText, AppendJSON
	if page {
		text, item = AppendPageText, AppendPageJSON
	}
	switch v := v.(type) {
	case []string:
		return AppendList(dst, v, text)
	case []any:
		return AppendList(dst, v, item)
	case map[string]any:
		return AppendObject(dst, v, text, item)
	}
	return appendOther(dst, v, page)
}

// appendOther appends what encoding/json makes of v: floats, structs.
func appendOther(dst []byte, v any, page bool) []byte {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(page)
	if err := enc.Encode(v); err != nil { // NaN and infinities, which no input holds
		return append(dst, "null"...)
	}
	return append(dst, bytes.TrimSuffix(out.Bytes(), []byte{'\n'})...)
}

// AppendList appends an array of what item makes of each of list.
func AppendList[T any](dst []byte, list []T, item func([]byte, T) []byte) []byte {
	dst = append(dst, '[')
	for i, v := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = item(dst, v)
	}
	return append(dst, ']')
}

// AppendObject appends an object, members by name: text writes their names, item their values.
func AppendObject(dst []byte, object map[string]any, text func([]byte, string) []byte, item func([]byte, any) []byte) []byte {
	dst = append(dst, '{')
	for i, name := range slices.Sorted(maps.Keys(object)) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = item(append(text(dst, name), ':'), object[name])
	}
	return append(dst, '}')
}

// AppendTime appends a moment as a string: RFC 3339 in UTC, microseconds at most, without trailing zeros.
func AppendTime(dst []byte, t time.Time) []byte {
	dst = append(dst, '"')
	dst = t.UTC().AppendFormat(dst, "2006-01-02T15:04:05.999999Z")
	return append(dst, '"')
}

const hexDigits = "0123456789abcdef"

// ascii says which characters of ASCII are escaped.
type ascii [utf8.RuneSelf]bool

var (
	always = escaping("\"\\")
	inPage = escaping("\"\\<>&")
)

func escaping(characters string) *ascii {
	var table ascii
	for c := range ' ' {
		table[c] = true
	}
	for _, c := range characters {
		table[c] = true
	}
	return &table
}

func escapedIn(page bool) *ascii {
	if page {
		return inPage
	}
	return always
}

// AppendText appends s as a JSON string. UTF-8 and <>& stay as they are; what is no UTF-8 becomes U+FFFD.
func AppendText(dst []byte, s string) []byte { return appendText(dst, s, always) }

// AppendPageText is AppendText with <, > and & escaped, see JSONWriter.Page.
func AppendPageText(dst []byte, s string) []byte { return appendText(dst, s, inPage) }

func appendText(dst []byte, s string, escaped *ascii) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(append(dst, s[start:i]...), `\ufffd`...)
				start = i + 1
			}
			i += size
			continue
		}
		if !escaped[c] {
			i++
			continue
		}
		dst = appendEscape(append(dst, s[start:i]...), c)
		i++
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}
