package usergrid

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"hecate/internal/web"
)

// reply is a successful answer. What is zero is left out, in the order of contracts/usergrid.md 2.2.
type reply struct {
	action        string
	status        string // "ok" on management-style answers
	path          string // canonical path of the collection: "/dogs"
	entities      []raw  // nil: absent; empty: []
	data          raw
	list          raw
	counted       bool // the answer is a page of a bare collection, whose size it says
	cursor        string
	applications  raw
	organization  raw // of management answers; answers of an application have its organization's name
	application   string
	credentials   raw
	configuration raw
	bare          bool // only action, timestamp and duration (and what is set)
}

// raw is JSON.
type raw []byte

// jsonType is what the answers are called.
const jsonType = "application/json"

// unsaid are query parameters that are not echoed: contracts/usergrid.md 2.2.
var unsaid = []string{
	"client_id", "client_secret", "password", "username", "access_token", "client_credentials",
	"fb_access_token", "fq_access_token", "ping_access_token", "token",
}

// answer sends the envelope of a call on an application.
func (a *api) answer(w *web.Response, r *web.Request, c *call, x reply) error {
	j := web.JSONWriter{Buf: make([]byte, 0, x.room())}
	j.Open()
	if x.action == "" {
		x.action = strings.ToLower(r.Method)
	}
	j.Text("action", x.action)
	if !x.bare {
		j.Text("application", string(c.app.ID))
		params(&j, r.Query())
		if x.path != "" {
			j.Text("path", x.path)
			j.Text("uri", a.root(r, c)+x.path)
		}
	}
	x.middle(&j)
	a.clock(&j, c.began.UnixMilli())
	if !x.bare {
		j.Text("organization", c.app.OrgName)
		j.Text("applicationName", c.app.Name)
	}
	x.end(&j)
	j.Close()
	return send(w, r, http.StatusOK, j.Buf)
}

// answerManager sends the envelope of a management answer.
func (a *api) answerManager(w *web.Response, r *web.Request, m *manager, x reply) error {
	var j web.JSONWriter
	j.Open()
	j.Text("action", x.action)
	if x.application != "" {
		j.Text("application", x.application)
		params(&j, r.Query())
	}
	x.middle(&j)
	a.clock(&j, m.began.UnixMilli())
	if x.organization != nil {
		j.Raw("organization", x.organization)
	}
	x.end(&j)
	j.Close()
	return send(w, r, http.StatusOK, j.Buf)
}

// room is about how long the answer is.
func (x *reply) room() int {
	n := envelopeRoom + len(x.list) + len(x.data)
	for _, e := range x.entities {
		n += len(e) + 1
	}
	return n
}

// middle writes what stands before the times.
func (x *reply) middle(j *web.JSONWriter) {
	if x.status != "" {
		j.Text("status", x.status)
	}
	if x.applications != nil {
		j.Raw("applications", x.applications)
	}
	if x.entities != nil {
		j.Name("entities")
		j.OpenList()
		for _, e := range x.entities {
			j.RawItem(e)
		}
		j.CloseList()
	}
	if x.list != nil {
		j.Raw("list", x.list)
	}
	if x.data != nil {
		j.Raw("data", x.data)
	}
}

// end writes what stands behind them.
func (x *reply) end(j *web.JSONWriter) {
	if x.counted {
		j.Int("count", int64(len(x.entities)))
	}
	if x.cursor != "" {
		j.Text("cursor", x.cursor)
	}
	if x.credentials != nil {
		j.Raw("credentials", x.credentials)
	}
	if x.configuration != nil {
		j.Raw("configuration", x.configuration)
	}
}

// clock writes the time of the answer and how long it took, in milliseconds.
func (a *api) clock(j *web.JSONWriter, began int64) {
	now := a.now().UnixMilli()
	j.Int("timestamp", now)
	j.Int("duration", now-began)
}

// params writes the query parameters that may be repeated, in the order of their names.
func params(j *web.JSONWriter, query url.Values) {
	j.Name("params")
	j.Open()
	names := make([]string, 0, len(query))
	for name := range query {
		if !slices.Contains(unsaid, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		j.Value(name, query[name])
	}
	j.Close()
}

// send writes an answer: JSON, or with a callback parameter a script that calls it, always with status 200 since
// browsers cannot see the status of scripts (contracts/usergrid.md 1).
func send(w *web.Response, r *web.Request, status int, body []byte) error {
	callback := strings.TrimSpace(r.QueryOne("callback"))
	if callback == "" {
		w.SetType(jsonType)
		return w.Bytes(status, body)
	}
	w.SetType("application/javascript")
	if !isCallback(callback) {
		callback = "callback"
	}
	out := make([]byte, 0, len(callback)+len(body)+2)
	out = append(append(append(append(out, callback...), '('), body...), ')')
	return w.Bytes(http.StatusOK, out)
}

// isCallback reports whether a text is the name of a function, so that nobody can have other script sent from here.
func isCallback(name string) bool {
	for _, c := range []byte(name) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && !strings.ContainsRune("_$.[]", rune(c)) {
			return false
		}
	}
	return len(name) <= 128
}
