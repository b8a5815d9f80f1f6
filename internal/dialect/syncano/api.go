package syncano

import (
	"fmt"
	"log/slog"
	"net/http"
	"sync"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// Config is what the dialect stands on. Engine is required.
type Config struct {
	Engine    *engine.Engine
	PublicURL func() string // base of the URLs of files, without a final slash; nil: they are path-absolute
	Log       *slog.Logger  // faults of ours; nil: slog.Default
	Limits    web.Limits    // zero fields: defaults
	Limiter   *web.Limiter  // per client address; nil: no rate limit
}

// Handler serves /v1/, /v1.1/ and the list of versions at /. The error is a fault of the route table.
func Handler(c Config) (http.Handler, error) {
	a := &api{engine: c.Engine, publicURL: c.PublicURL, log: c.Log}
	if a.log == nil {
		a.log = slog.Default()
	}
	if a.publicURL == nil {
		a.publicURL = func() string { return "" }
	}
	h, err := a.mux(c, append(a.routes("v1"), append(a.routes("v1.1"), a.root())...))
	if err != nil {
		return nil, fmt.Errorf("syncano: %w", err)
	}
	a.self = h
	return h, nil
}

// Root serves only the list of versions at /: what a client's ping of the bare base URL wants. The error is a fault of the route.
func Root() (http.Handler, error) {
	a := &api{log: slog.Default()}
	return a.mux(Config{}, []web.Route[*call]{a.root()})
}

// api is the dialect: handlers are its methods.
type api struct {
	engine    *engine.Engine
	publicURL func() string
	log       *slog.Logger
	self      http.Handler // serves the requests inside a batch
	known     known        // what objects show of other things
}

func (a *api) mux(c Config, routes []web.Route[*call]) (http.Handler, error) {
	return web.NewMux(web.MuxConfig{
		Errors: a.fail,
		Log:    a.log,
		Limits: c.Limits,
		CORS: &web.CORS{
			Methods:    "DELETE, GET, OPTIONS, PATCH, POST, PUT",
			Headers:    "accept, accept-encoding, authorization, content-type, dnt, origin, user-agent, x-csrftoken, x-requested-with, x-api-key, x-user-key",
			Expose:     "Retry-After",
			MaxAge:     86400e9,
			AllOptions: true,
		},
		Limiter: c.Limiter,
	}, routes)
}

// call is one request, resolved: what the path names and who asks. Fields that
// the route has no use for are nil.
type call struct {
	version string // "v1" or "v1.1"
	proof   hecate.Proof
	app     *hecate.App
	actor   *hecate.Actor
	class   *hecate.Collection // {class}
	user    *hecate.User       // {user}, where it is a parent
	group   *hecate.Group      // {group}, where it is a parent
}

// own reports whether the caller is a user, by API key and user key together.
func (c *call) own() bool { return c.actor.User != nil && c.actor.Key != nil }

// can reports whether the caller holds p over a whole area.
func (c *call) can(p hecate.Permissions, area hecate.Area) bool { return c.actor.Can(p, area) }

// runs reports whether the caller runs the app (an admin, or a master key) and
// holds p over an area: for what no other API key may do, whatever its flags.
func (c *call) runs(p hecate.Permissions, area hecate.Area) bool {
	master := c.actor.Key != nil && c.actor.Key.Flags.Has(hecate.Master)
	return (c.actor.Admin != nil || master) && c.actor.Can(p, area)
}

// path appends the path of the instance with its final slash: every link begins with it.
func (c *call) path(dst []byte) []byte { return appendPath(dst, c.version, c.app.Alias) }

func appendPath(dst []byte, version, alias string) []byte {
	dst = append(append(append(dst, '/'), version...), "/instances/"...)
	return append(append(dst, alias...), '/')
}

const jsonType = "application/json; charset=utf-8"

// buffers holds the buffers in which answers are written.
var buffers = sync.Pool{New: func() any { return &buffer{bytes: make([]byte, 0, 2048)} }}

type buffer struct{ bytes []byte }

func getBuffer() *buffer { return buffers.Get().(*buffer) }

// putBuffer keeps a buffer for the next answer, unless it grew so large that keeping it would be waste.
func putBuffer(b *buffer) {
	if cap(b.bytes) <= 256<<10 {
		buffers.Put(b)
	}
}

// answer sends what write appends: one object of the kind that n describes.
func (a *api) answer(w *web.Response, r *web.Request, status int, n *nest, write func(dst []byte) []byte) error {
	b := getBuffer()
	defer putBuffer(b)
	b.bytes = write(b.bytes[:0])
	return a.send(w, r, status, n, b.bytes)
}

// send sends one object; fields and excluded_fields pick its members.
func (a *api) send(w *web.Response, r *web.Request, status int, n *nest, object []byte) error {
	if f := readPick(r); f != nil {
		object = f.appendObject(nil, object, n)
	}
	return writeJSON(w, status, object)
}

// noStore: most answers hold a key of somebody.
var noStore = []string{"no-store"}

// writeJSON sends JSON that is written already.
func writeJSON(w *web.Response, status int, body []byte) error {
	w.SetType(jsonType)
	w.Header()["Cache-Control"] = noStore
	return w.Bytes(status, body)
}

// nothing answers 204.
func (a *api) nothing(w *web.Response) error {
	w.WriteHeader(http.StatusNoContent)
	return nil
}
