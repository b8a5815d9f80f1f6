package usergrid

import (
	"net/http"

	"hecate"
	"hecate/internal/web"
)

// Located is what a request's path says to a handler of the dialect: the application, the organization as typed, and the path inside.
func Located(h http.Handler, r *http.Request) (app *hecate.App, org, path string, ok bool) {
	at, ok := h.(*api).locate(unrolled(r))
	return at.app, at.org, at.path, ok
}

// Routes are the lines of both route tables, "GET /users/{user}": inside of applications, and outside of them. Routes of any method
// are "ANY /system".
func Routes(h http.Handler) (inside, outside []string) {
	a := h.(*api)
	return routeLines(a.appRoutes()), routeLines(a.managementRoutes())
}

func routeLines[C any](routes []web.Route[C]) []string {
	lines := make([]string, len(routes))
	for i, rt := range routes {
		method, pattern, _ := rt.Describe()
		if method == "" {
			method = "ANY"
		}
		lines[i] = method + " " + pattern
	}
	return lines
}
