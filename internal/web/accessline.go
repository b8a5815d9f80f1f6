package web

import (
	"encoding/json"
	"strconv"
	"time"
)

// writeLine writes what line would log through slog's JSON handler, at less than half
// of its cost: this is the one thing that every request logs.
func (o *Observer) writeLine(x *exchange, status int) {
	buf := getBuffer()
	defer putBuffer(buf)
	now := o.now()
	r := x.req.Request
	b := buf.AvailableBuffer()
	b = append(b, `{"time":"`...)
	b = now.AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","level":"INFO","msg":"request","id":`...)
	b = appendJSON(b, x.id[0])
	b = append(b, `,"method":`...)
	b = appendJSON(b, r.Method)
	b = append(b, `,"route":`...)
	b = appendJSON(b, r.Pattern)
	b = append(b, `,"path":`...)
	b = appendJSON(b, logPath(x))
	b = append(b, `,"status":`...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, `,"bytes":`...)
	b = strconv.AppendInt(b, x.resp.bytes, 10)
	b = append(b, `,"took":`...)
	b = strconv.AppendInt(b, int64(now.Sub(x.began)), 10)
	b = append(b, `,"client":`...)
	b = appendJSON(b, x.req.ClientIP())
	b = append(b, '}', '\n')
	buf.Write(b) // keeps what b has grown to for the next line
	// A log that cannot be written has nobody to be told to.
	_, _ = o.access.Write(buf.Bytes())
}

// appendJSON appends s as a JSON string.
func appendJSON(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			quoted, err := json.Marshal(s)
			if err != nil {
				return append(b, `""`...)
			}
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
