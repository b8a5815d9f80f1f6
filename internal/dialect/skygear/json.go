package skygear

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"hecate"
)

// jsonWriter appends JSON to a buffer, members in the order of the calls. The
// commas take care of themselves: one is written unless the buffer is empty or
// ends with an opening bracket or a colon. Answers are made of one such buffer
// from front to end, so a text cannot be mistaken for a bracket: it ends with a quote.
type jsonWriter struct{ buf []byte }

func (j *jsonWriter) comma() {
	if len(j.buf) == 0 {
		return
	}
	switch j.buf[len(j.buf)-1] {
	case '{', '[', ':', ',':
	default:
		j.buf = append(j.buf, ',')
	}
}

// open begins an object, as an item or as the value of the name before.
func (j *jsonWriter) open() { j.comma(); j.buf = append(j.buf, '{') }

// close ends an object.
func (j *jsonWriter) close() { j.buf = append(j.buf, '}') }

// openList begins an array.
func (j *jsonWriter) openList() { j.comma(); j.buf = append(j.buf, '[') }

// closeList ends an array.
func (j *jsonWriter) closeList() { j.buf = append(j.buf, ']') }

// name begins a member; its value must follow.
func (j *jsonWriter) name(name string) {
	j.comma()
	j.buf = append(appendText(j.buf, name), ':')
}

// text writes a member that is a string.
func (j *jsonWriter) text(name, v string) { j.name(name); j.buf = appendText(j.buf, v) }

// int writes a member that is a whole number.
func (j *jsonWriter) int(name string, v int64) {
	j.name(name)
	j.buf = strconv.AppendInt(j.buf, v, 10)
}

// bool writes a member that is true or false.
func (j *jsonWriter) bool(name string, v bool) {
	j.name(name)
	j.buf = strconv.AppendBool(j.buf, v)
}

// null writes a member that is null.
func (j *jsonWriter) null(name string) { j.name(name); j.buf = append(j.buf, "null"...) }

// time writes a member that is a moment as a plain string.
func (j *jsonWriter) time(name string, t time.Time) {
	j.name(name)
	j.buf = appendTime(j.buf, t)
}

// value writes a member that is anything JSON can hold, see appendPlain.
func (j *jsonWriter) value(name string, v any) { j.name(name); j.buf = appendPlain(j.buf, v) }

// raw writes a member whose value is JSON already.
func (j *jsonWriter) raw(name string, value []byte) { j.name(name); j.buf = append(j.buf, value...) }

// textItem writes an item of an array that is a string.
func (j *jsonWriter) textItem(v string) { j.comma(); j.buf = appendText(j.buf, v) }

// texts writes a member that is a list of strings; none is [].
func (j *jsonWriter) texts(name string, list []string) {
	j.name(name)
	j.openList()
	for _, v := range list {
		j.textItem(v)
	}
	j.closeList()
}

// appendPlain appends what JSON itself can hold, members by name. What it cannot
// hold becomes null.
func appendPlain(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case string:
		return appendText(dst, v)
	case bool:
		return strconv.AppendBool(dst, v)
	case int:
		return strconv.AppendInt(dst, int64(v), 10)
	case int64:
		return strconv.AppendInt(dst, v, 10)
	case json.Number:
		return append(dst, v...)
	case time.Time:
		return appendTime(dst, v)
	case []string:
		return appendList(dst, v, appendText)
	case []any:
		return appendList(dst, v, appendPlain)
	case map[string]any:
		return appendObject(dst, v, appendPlain)
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

func appendObject(dst []byte, object map[string]any, member func([]byte, any) []byte) []byte {
	dst = append(dst, '{')
	for i, name := range slices.Sorted(maps.Keys(object)) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = member(append(appendText(dst, name), ':'), object[name])
	}
	return append(dst, '}')
}

const hexDigits = "0123456789abcdef"

// appendText appends s as a JSON string. As in the old server's answers <, > and &
// are escaped, so that an answer taken for a page is none.
func appendText(dst []byte, s string) []byte {
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
		if c >= ' ' && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&' {
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

// wireTime is RFC 3339 in UTC, microseconds at most, trailing zeros left out.
const wireTime = "2006-01-02T15:04:05.999999Z"

func appendTime(dst []byte, t time.Time) []byte {
	dst = append(dst, '"')
	dst = t.UTC().AppendFormat(dst, wireTime)
	return append(dst, '"')
}

// secondsTime is a moment in whole seconds.
func secondsTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

func plainNumber(n json.Number) (any, error) {
	if i, err := n.Int64(); err == nil {
		return i, nil
	}
	f, err := n.Float64()
	if err != nil {
		return nil, hecate.E(hecate.Invalid, "read value").Says("number out of range")
	}
	return f, nil
}
