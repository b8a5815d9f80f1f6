package usergrid

import (
	"errors"
	"net/http"

	"hecate"
	"hecate/internal/web"
)

// fault is an error of the wire: contracts/usergrid.md 2.3.
type fault struct {
	status      int
	code        string
	description string
	exception   string // class name; "" leaves it out
	oauth       bool   // only error and error_description, as the token endpoints answer
	err         error
}

// Error is the description.
func (f *fault) Error() string { return f.code + ": " + f.description }

// Unwrap gives the cause.
func (f *fault) Unwrap() error { return f.err }

// kinds are the wire's errors by Kind.
var kinds = [hecate.KindCount]fault{
	hecate.Internal: {status: http.StatusInternalServerError, code: "runtime", description: "internal error", exception: "java.lang.RuntimeException"},
}

// fail answers err in the dialect's shape.
func (a *api) fail(w *web.Response, r *web.Request, err error) {
	var f *fault
	if !errors.As(err, &f) {
		known := kinds[hecate.KindOf(err)]
		f = &known
	}
	var j web.JSONWriter
	j.Open()
	j.Text("error", f.code)
	if !f.oauth {
		now := a.now().UnixMilli()
		j.Int("timestamp", now)
		j.Int("duration", 0)
		if f.exception != "" {
			j.Text("exception", f.exception)
		}
	}
	j.Text("error_description", f.description)
	j.Close()
	_ = send(w, r, f.status, j.Buf) // the client is gone
}

func noRoute(_ *web.Response, r *web.Request) error {
	return &fault{status: http.StatusNotFound, code: "not_found", description: "null for uri: " + r.URL.Path,
		exception: "com.sun.jersey.api.NotFoundException"}
}

func methodNotAllowed(_ *web.Response, _ *web.Request, _ string) error {
	return &fault{status: http.StatusMethodNotAllowed, code: "not_allowed", description: "null",
		exception: "javax.ws.rs.NotAllowedException"}
}
