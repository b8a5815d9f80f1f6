package syncano

import (
	"time"

	"hecate/internal/web"
)

// jsonWriter is web.JSONWriter with this dialect's moments and nulls.
//
//	j := newJSON(dst)
//	j.Open()
//	j.Text("name", "books")
//	j.Name("links")
//	j.Open()
//	…
//	j.Close()
//	j.Close()
//	return j.Buf
type jsonWriter struct{ web.JSONWriter }

func newJSON(dst []byte) jsonWriter { return jsonWriter{web.JSONWriter{Buf: dst}} }

// textOrNull writes null instead of "".
func (j *jsonWriter) textOrNull(name, v string) {
	if v == "" {
		j.Null(name)
		return
	}
	j.Text(name, v)
}

// time writes a member that is a moment, see appendTime.
func (j *jsonWriter) time(name string, t time.Time) { j.Name(name); j.Buf = appendTime(j.Buf, t) }

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
