package usergrid

import (
	"net/http"

	"hecate"
)

// Located is what a request's path says to a handler of the dialect: the application, the organization as typed, and the path inside.
func Located(h http.Handler, r *http.Request) (app *hecate.App, org, path string, ok bool) {
	at, ok := h.(*api).locate(unrolled(r))
	return at.app, at.org, at.path, ok
}
