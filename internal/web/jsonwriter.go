package web

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"
)

// JSONWriter appends JSON to a buffer, members in the order of the calls. The
// commas take care of themselves: one is written unless the buffer is empty or
// ends with an opening bracket or a colon. An answer is made of one such buffer
// from front to end, so a text cannot be mistaken for a bracket: it ends with a quote.
type JSONWriter struct{ Buf []byte }

func (j *JSONWriter) comma() {
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
func (j *JSONWriter) Open() { j.comma(); j.Buf = append(j.Buf, '{') }

// Close ends an object.
func (j *JSONWriter) Close() { j.Buf = append(j.Buf, '}') }

// OpenList begins an array.
func (j *JSONWriter) OpenList() { j.comma(); j.Buf = append(j.Buf, '[') }

// CloseList ends an array.
func (j *JSONWriter) CloseList() { j.Buf = append(j.Buf, ']') }

// Name begins a member; its value must follow.
func (j *JSONWriter) Name(name string) {
	j.comma()
	j.Buf = append(AppendText(j.Buf, name), ':')
}

// Text writes a member that is a string.
func (j *JSONWriter) Text(name, v string) { j.Name(name); j.Buf = AppendText(j.Buf, v) }

// Int writes a member that is a whole number.
func (j *JSONWriter) Int(name string, v int64) { j.Name(name); j.Buf = strconv.AppendInt(j.Buf, v, 10) }

// Bool writes a member that is true or false.
func (j *JSONWriter) Bool(name string, v bool) { j.Name(name); j.Buf = strconv.AppendBool(j.Buf, v) }

// Null writes a member that is null.
func (j *JSONWriter) Null(name string) { j.Name(name); j.Buf = append(j.Buf, "null"...) }

// Value writes a member that is anything JSON can hold, see AppendJSON.
func (j *JSONWriter) Value(name string, v any) { j.Name(name); j.Buf = AppendJSON(j.Buf, v) }

// Raw writes a member whose value is JSON already.
func (j *JSONWriter) Raw(name string, value []byte) {
	j.Name(name)
	j.Buf = append(j.Buf, value...)
}

// TextItem writes an item of an array that is a string.
func (j *JSONWriter) TextItem(v string) { j.comma(); j.Buf = AppendText(j.Buf, v) }

// RawItem writes an item of an array that is JSON already.
func (j *JSONWriter) RawItem(value []byte) { j.comma(); j.Buf = append(j.Buf, value...) }

// AppendJSON appends what JSON itself can hold (maps, lists, strings, numbers, booleans, nil), members
// by name. What it cannot hold becomes null.
func AppendJSON(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case string:
		return AppendText(dst, v)
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
	case []string:
		return appendList(dst, v, AppendText)
	case []any:
		return appendList(dst, v, AppendJSON)
	case map[string]any:
		return appendObject(dst, v)
	}
	text, err := json.Marshal(v)
	if err != nil { // NaN and infinities, which no input holds
		return append(dst, "null"...)
	}
	return append(dst, text...)
}

func appendList[T any](dst []byte, list []T, item func([]byte, T) []byte) []byte {
	dst = append(dst, '[')
	for i, v := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = item(dst, v)
	}
	return append(dst, ']')
}

func appendObject(dst []byte, object map[string]any) []byte {
	dst = append(dst, '{')
	for i, name := range slices.Sorted(maps.Keys(object)) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendJSON(append(AppendText(dst, name), ':'), object[name])
	}
	return append(dst, '}')
}

const hexDigits = "0123456789abcdef"

// AppendText appends s as a JSON string. UTF-8 and <>& stay as they are; what is no UTF-8 becomes U+FFFD.
func AppendText(dst []byte, s string) []byte {
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
		if c >= ' ' && c != '"' && c != '\\' {
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
