package skygear

import (
	"encoding/json"
	"time"

	"hecate"
	"hecate/internal/web"
)

// jsonWriter is web.JSONWriter with this dialect's moments and lists of texts. As in
// the old server's answers <, > and & are escaped: make one with newJSON.
type jsonWriter struct{ web.JSONWriter }

func newJSON(dst []byte) jsonWriter { return jsonWriter{web.JSONWriter{Buf: dst, Page: true}} }

// time writes a member that is a moment as a plain string.
func (j *jsonWriter) time(name string, t time.Time) {
	j.Name(name)
	j.Buf = web.AppendTime(j.Buf, t)
}

// texts writes a member that is a list of strings; none is [].
func (j *jsonWriter) texts(name string, list []string) {
	j.Name(name)
	j.Buf = web.AppendList(j.Buf, list, web.AppendPageText)
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
