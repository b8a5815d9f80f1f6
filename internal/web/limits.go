package web

import (
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"hecate"
)

// Limits bound what one request may cost. A zero field means its default.
type Limits struct {
	Body        int64         // bytes of a body held in memory: JSON, forms, all text parts together; 15 MiB
	JSONDepth   int           // arrays and objects inside each other; 64
	JSONValues  int           // values in one JSON text, keys not counted; 200,000
	HeaderBytes int           // names and values of the header; 32 KiB
	HeaderCount int           // header values; 100
	PathBytes   int           // the escaped path; 8 KiB
	QueryBytes  int           // the query string; 32 KiB
	Pairs       int           // name=value pairs in a query string or form; 1,000
	Parts       int           // parts of a multipart body; 200
	FieldBytes  int64         // one text part; 1 MiB
	FileBytes   int64         // one file part; 128 MiB (routes must allow uploads first, see Route.MaxUpload)
	Time        time.Duration // from the first handler to the answer, see Request.Context; 30 s
}

var defaultLimits = Limits{
	Body: 15 << 20, JSONDepth: 64, JSONValues: 200_000,
	HeaderBytes: 32 << 10, HeaderCount: 100, PathBytes: 8 << 10, QueryBytes: 32 << 10, Pairs: 1000,
	Parts: 200, FieldBytes: 1 << 20, FileBytes: 128 << 20, Time: 30 * time.Second,
}

func (l Limits) withDefaults() Limits {
	d := defaultLimits
	return Limits{
		Body: or(l.Body, d.Body), JSONDepth: or(l.JSONDepth, d.JSONDepth), JSONValues: or(l.JSONValues, d.JSONValues),
		HeaderBytes: or(l.HeaderBytes, d.HeaderBytes), HeaderCount: or(l.HeaderCount, d.HeaderCount),
		PathBytes: or(l.PathBytes, d.PathBytes), QueryBytes: or(l.QueryBytes, d.QueryBytes), Pairs: or(l.Pairs, d.Pairs),
		Parts: or(l.Parts, d.Parts), FieldBytes: or(l.FieldBytes, d.FieldBytes), FileBytes: or(l.FileBytes, d.FileBytes),
		Time: or(l.Time, d.Time),
	}
}

// or returns v, or its default when v is zero.
func or[T comparable](v, byDefault T) T {
	var zero T
	if v == zero {
		return byDefault
	}
	return v
}

func tooLarge(what string, limit int64) error {
	return hecate.E(hecate.TooLarge, "read request").Says(what+" is too large").With("limit", limit)
}

func malformed(text string) *hecate.Error {
	return hecate.E(hecate.Malformed, "read request").Says(text)
}

// checkHead looks at what arrives before the body: sizes, then text.
func (l *Limits) checkHead(r *http.Request) error {
	if len(r.URL.RawQuery) > l.QueryBytes {
		return tooLarge("query string", int64(l.QueryBytes))
	}
	if len(r.URL.Path) > l.PathBytes {
		return tooLarge("path", int64(l.PathBytes))
	}
	count, size := 0, 0
	for name, values := range r.Header {
		count += len(values)
		for _, v := range values {
			size += len(name) + len(v)
		}
	}
	if count > l.HeaderCount {
		return tooLarge("number of headers", int64(l.HeaderCount))
	}
	if size > l.HeaderBytes {
		return tooLarge("header", int64(l.HeaderBytes))
	}
	if fault := textFault(r.URL.Path); fault != "" {
		return malformed("path " + fault)
	}
	return nil
}

// textFault says what keeps s from being stored as text, "" when nothing does.
func textFault(s string) string {
	if strings.IndexByte(s, 0) >= 0 {
		return "contains a NUL character"
	}
	if !utf8.ValidString(s) {
		return "is not valid UTF-8"
	}
	return ""
}
