package syncano

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"
)

// jsonWriter appends JSON to a buffer, members in the order of the calls. The
// commas take care of themselves: one is written unless the buffer is empty or
// ends with an opening bracket or a colon.
//
//	j := jsonWriter{dst}
//	j.open()
//	j.text("name", "books")
//	j.name("links")
//	j.open()
//	…
//	j.close()
//	j.close()
//	return j.buf
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

// textOrNull writes null instead of "".
func (j *jsonWriter) textOrNull(name, v string) {
	if v == "" {
		j.null(name)
		return
	}
	j.text(name, v)
}

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

// time writes a member that is a moment, see appendTime.
func (j *jsonWriter) time(name string, t time.Time) { j.name(name); j.buf = appendTime(j.buf, t) }

// raw writes a member whose value is JSON already.
func (j *jsonWriter) raw(name string, value []byte) { j.name(name); j.buf = append(j.buf, value...) }

// object writes a member that is a map of JSON values; a nil one is {}.
func (j *jsonWriter) object(name string, v map[string]any) {
	j.name(name)
	if len(v) == 0 {
		j.buf = append(j.buf, "{}"...)
		return
	}
	j.buf = appendValue(j.buf, v)
}

// textItem writes an item of an array that is a string.
func (j *jsonWriter) textItem(v string) { j.comma(); j.buf = appendText(j.buf, v) }

// appendValue appends anything that JSON can hold (maps, lists, strings,
// numbers, booleans, nil). What it cannot hold becomes null.
func appendValue(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case string:
		return appendText(dst, v)
	case bool:
		return strconv.AppendBool(dst, v)
	case int64:
		return strconv.AppendInt(dst, v, 10)
	case json.Number:
		return append(dst, v...)
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	// Values were read from JSON: only NaN and infinities, which no input holds, would fail.
	if err := enc.Encode(v); err != nil {
		return append(dst, "null"...)
	}
	return append(dst, bytes.TrimRight(buf.Bytes(), "\n")...)
}

const hexDigits = "0123456789abcdef"

// appendText appends s as a JSON string. UTF-8 and <>& stay as they are.
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

// appendTime appends t as the wire shows moments: UTC, always six fraction digits.
func appendTime(dst []byte, t time.Time) []byte {
	dst = append(dst, '"')
	dst = appendMoment(dst, t)
	return append(dst, '"')
}

// appendMoment is appendTime without the quotes, written by hand because every object has two.
func appendMoment(dst []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	dst = appendDigits(dst, year, 4)
	dst = appendDigits(append(dst, '-'), int(month), 2)
	dst = appendDigits(append(dst, '-'), day, 2)
	dst = appendDigits(append(dst, 'T'), hour, 2)
	dst = appendDigits(append(dst, ':'), minute, 2)
	dst = appendDigits(append(dst, ':'), second, 2)
	dst = appendDigits(append(dst, '.'), t.Nanosecond()/1000, 6)
	return append(dst, 'Z')
}

func appendDigits(dst []byte, v, width int) []byte {
	at := len(dst)
	for range width {
		dst = append(dst, '0')
	}
	for i := at + width - 1; i >= at && v > 0; i-- {
		dst[i] = byte('0' + v%10)
		v /= 10
	}
	return dst
}

func appendInt(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) }
