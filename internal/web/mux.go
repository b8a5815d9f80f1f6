package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"hecate"
)

// Handler answers one request for a resolved caller. An error it returns before
// writing is answered by the mux's Errors; after writing, the connection is
// broken off, so that the client cannot take half an answer for a whole one.
type Handler[C any] func(w *Response, r *Request, caller C) error

// Security says who may enter a route, and resolves the caller. It is made by
// Require and Open only; NewMux refuses the zero value.
type Security[C any] struct {
	name    string
	resolve func(*Request) (C, error)
}

// Require makes a security called name (shown in errors at start) that lets in whom
// resolve returns, and refuses with the error it returns.
func Require[C any](name string, resolve func(*Request) (C, error)) Security[C] {
	return Security[C]{name, resolve}
}

// Open lets everybody in, with the zero caller. The reason is for the reader of the route table.
func Open[C any](reason string) Security[C] {
	if reason == "" {
		return Security[C]{}
	}
	return Security[C]{"open: " + reason, func(*Request) (C, error) { var nobody C; return nobody, nil }}
}

// Route is one line of a dialect's API; Get, Post, Put, Patch, Delete, Any and On make it.
type Route[C any] struct {
	method, pattern string
	security        Security[C]
	handler         Handler[C]
	body, upload    int64
	time            time.Duration
}

// On makes a route for method. The pattern is that of http.ServeMux without
// method and host, except that a final slash means exactly that path: a subtree
// is written {rest...}. Path wildcards with the name of a secret ({key}, {token},
// {code} …) are redacted in the log.
func On[C any](method, pattern string, security Security[C], h Handler[C]) Route[C] {
	return Route[C]{method: method, pattern: pattern, security: security, handler: h}
}

// Get makes a route for GET and HEAD.
func Get[C any](pattern string, security Security[C], h Handler[C]) Route[C] {
	return On(http.MethodGet, pattern, security, h)
}

// Post makes a route for POST.
func Post[C any](pattern string, security Security[C], h Handler[C]) Route[C] {
	return On(http.MethodPost, pattern, security, h)
}

// Put makes a route for PUT.
func Put[C any](pattern string, security Security[C], h Handler[C]) Route[C] {
	return On(http.MethodPut, pattern, security, h)
}

// Patch makes a route for PATCH.
func Patch[C any](pattern string, security Security[C], h Handler[C]) Route[C] {
	return On(http.MethodPatch, pattern, security, h)
}

// Delete makes a route for DELETE.
func Delete[C any](pattern string, security Security[C], h Handler[C]) Route[C] {
	return On(http.MethodDelete, pattern, security, h)
}

// Any makes a route for every method that no other route of the path names.
func Any[C any](pattern string, security Security[C], h Handler[C]) Route[C] {
	return On("", pattern, security, h)
}

// MaxBody replaces Limits.Body on this route.
func (rt Route[C]) MaxBody(bytes int64) Route[C] { rt.body = bytes; return rt }

// MaxUpload lets this route take bodies of so many bytes as long as they are
// streamed (file parts, Body.Stream); what is held in memory stays under MaxBody.
func (rt Route[C]) MaxUpload(bytes int64) Route[C] { rt.upload = bytes; return rt }

// Timeout replaces Limits.Time on this route, and the server's read and write timeouts.
func (rt Route[C]) Timeout(d time.Duration) Route[C] { rt.time = d; return rt }

// Describe returns what the route was declared with, for tests that compare a
// route table with its documentation. An open route's security begins with "open: ".
func (rt Route[C]) Describe() (method, pattern, security string) {
	return rt.method, rt.pattern, rt.security.name
}

// MuxConfig is what a dialect hands to NewMux.
type MuxConfig struct {
	// Errors writes err in the dialect's shape. Required. It must not log: the mux
	// has logged what is Internal, once.
	Errors func(w *Response, r *Request, err error)

	// Begin runs before everything else, to set headers that stand on every answer. It may be nil.
	Begin func(w *Response, r *Request)

	// NotFound answers a path without a route. By default Errors gets NotFound.
	NotFound func(w *Response, r *Request) error

	// MethodNotAllowed answers a method without a route; the Allow header is set.
	// By default Errors gets Unsupported, with "method" and "allow" in its Info.
	MethodNotAllowed func(w *Response, r *Request, allow string) error

	// LooseSlash makes doubled and trailing slashes of the path insignificant;
	// patterns are then written without a trailing slash.
	LooseSlash bool

	CORS    *CORS        // nil: no CORS headers, OPTIONS is routed like any method
	Limiter *Limiter     // nil: no rate limit; else keyed by client address, refused as TooMany
	Limits  Limits       // zero fields: defaults
	Log     *slog.Logger // Internal errors and panics; nil: slog.Default
}

// Mux serves the routes of one dialect: CORS, limits, routing, security, handler,
// errors. It never redirects and never cleans paths.
type Mux[C any] struct {
	config MuxConfig
	limits Limits
	cors   *corsHeaders
	inner  *http.ServeMux
	alone  *Observer // for requests that come without one
}

// NewMux checks the routes and builds their mux. Its errors name the route: no
// security, no handler, a pattern that is wrong or conflicts with another.
func NewMux[C any](config MuxConfig, routes []Route[C]) (*Mux[C], error) {
	if config.Errors == nil {
		return nil, errors.New("web: MuxConfig.Errors is required")
	}
	if config.Log == nil {
		config.Log = slog.Default()
	}
	m := &Mux[C]{config: config, limits: config.Limits.withDefaults(), cors: config.CORS.headers(), inner: http.NewServeMux(),
		alone: NewObserver(Observation{})}
	for _, rt := range routes {
		if err := m.add(rt); err != nil {
			return nil, fmt.Errorf("web: route %s %s: %w", rt.method, rt.pattern, err)
		}
	}
	return m, nil
}

func (m *Mux[C]) add(rt Route[C]) (err error) {
	if rt.security.resolve == nil {
		return errors.New("no security declared (web.Require, or web.Open with a reason)")
	}
	if rt.handler == nil {
		return errors.New("no handler")
	}
	if !strings.HasPrefix(rt.pattern, "/") {
		return errors.New("a pattern begins with a slash")
	}
	pattern := rt.pattern
	if strings.HasSuffix(pattern, "/") {
		pattern += "{$}"
	}
	if rt.method != "" {
		pattern = rt.method + " " + pattern
	}
	// ServeMux reports bad and conflicting patterns by panicking.
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%v", v)
		}
	}()
	e := &entry[C]{route: rt, hidden: secretWildcards(rt.pattern)}
	e.body = or(rt.body, m.limits.Body)
	e.upload = max(rt.upload, e.body)
	m.inner.Handle(pattern, e)
	return nil
}

// ServeHTTP serves one request; under an Observer it shares its record of the request.
func (m *Mux[C]) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	resp, ok := w.(*Response)
	if !ok {
		m.alone.serve(w, hr, m)
		return
	}
	x := resp.x
	x.req.Request = hr
	x.startContext(m.limits.Time)
	defer m.rescue(x)
	if err := m.serve(x); err != nil {
		m.fail(x, err)
	}
}

func (m *Mux[C]) serve(x *exchange) error {
	if m.config.Begin != nil {
		m.config.Begin(&x.resp, &x.req)
	}
	if m.cors != nil && m.cors.answer(x) {
		return nil
	}
	r := &x.req
	if m.config.LooseSlash {
		loosen(r.URL)
	}
	r.limits = &m.limits
	if err := m.limits.checkHead(r.Request); err != nil {
		return err
	}
	if err := r.parseQuery(); err != nil {
		return err
	}
	if m.config.Limiter != nil {
		if ok, after := m.config.Limiter.Allow(r.ClientIP()); !ok {
			return hecate.E(hecate.TooMany, "read request").Says("too many requests").After(after)
		}
	}
	x.verdict = verdict{x: x}
	m.inner.ServeHTTP(&x.verdict, r.Request)
	switch {
	case x.entered:
		return x.err
	case x.verdict.status == http.StatusMethodNotAllowed:
		return m.methodNotAllowed(x)
	}
	return m.notFound(x)
}

func (m *Mux[C]) notFound(x *exchange) error {
	if m.config.NotFound != nil {
		return m.config.NotFound(&x.resp, &x.req)
	}
	return hecate.E(hecate.NotFound, "route request")
}

func (m *Mux[C]) methodNotAllowed(x *exchange) error {
	allow := x.verdict.header.Get("Allow")
	x.resp.Header()["Allow"] = []string{allow}
	if m.config.MethodNotAllowed != nil {
		return m.config.MethodNotAllowed(&x.resp, &x.req, allow)
	}
	return hecate.E(hecate.Unsupported, "route request").Says("method not allowed").With("method", x.req.Method).With("allow", allow)
}

// entry is a route inside the ServeMux.
type entry[C any] struct {
	route        Route[C]
	hidden       []string
	body, upload int64
}

// ServeHTTP is called by the inner ServeMux only, with the verdict as its writer.
func (e *entry[C]) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	x := w.(*verdict).x
	x.entered = true
	x.hidden = e.hidden
	x.err = e.serve(x)
}

func (e *entry[C]) serve(x *exchange) error {
	if e.route.time > 0 {
		x.extend(e.route.time)
	}
	if err := x.req.limitBody(&x.resp, e.body, e.upload); err != nil {
		return err
	}
	caller, err := e.route.security.resolve(&x.req)
	if err != nil {
		return err
	}
	return e.route.handler(&x.resp, &x.req, caller)
}

// fail logs err if it is ours, and answers it if that is still possible.
func (m *Mux[C]) fail(x *exchange, err error) {
	if x.clientGone(err) {
		x.gone = true
		panic(http.ErrAbortHandler)
	}
	err = x.explain(err)
	// An error behind a begun answer can be told to nobody but the log.
	if hecate.KindOf(err) == hecate.Internal || x.resp.Written() {
		m.config.Log.LogAttrs(context.Background(), slog.LevelError, "internal error", slog.String("id", x.id[0]),
			slog.String("route", x.req.Pattern), slog.String("error", err.Error()))
	}
	m.answer(x, err)
}

func (m *Mux[C]) answer(x *exchange, err error) {
	if x.resp.Written() {
		panic(http.ErrAbortHandler)
	}
	x.resp.forget()
	m.config.Errors(&x.resp, &x.req, err)
}

// rescue turns a panic into the dialect's Internal. A second panic, of Errors itself, is left to the Observer.
func (m *Mux[C]) rescue(x *exchange) {
	v := recover()
	if v == nil {
		return
	}
	if v == http.ErrAbortHandler {
		panic(v)
	}
	m.config.Log.LogAttrs(context.Background(), slog.LevelError, "panic", slog.String("id", x.id[0]),
		slog.String("route", x.req.Pattern), slog.Any("panic", v), slog.String("stack", string(debug.Stack())))
	m.answer(x, hecate.E(hecate.Internal, "serve request"))
}

// clientGone reports whether err only says that nobody waits for the answer any more.
func (x *exchange) clientGone(err error) bool {
	var failed *writeError
	if errors.As(err, &failed) {
		return true
	}
	return errors.Is(err, context.Canceled) && x.req.Request.Context().Err() != nil
}

// explain gives the end of the time limit its Kind: the server is too slow now, and may be asked again.
func (x *exchange) explain(err error) error {
	if errors.Is(err, context.DeadlineExceeded) && x.ctx.Err() != nil {
		return hecate.E(hecate.TooMany, "serve request").Because(fmt.Errorf("time limit reached: %w", context.DeadlineExceeded)).After(time.Second)
	}
	return err
}

// loosen drops doubled and trailing slashes, in place: the URL is this server's own copy, the log reads RequestURI.
func loosen(u *url.URL) {
	if u.RawPath == "" {
		u.Path = looseSlashes(u.Path)
		return
	}
	// Escaped slashes are part of a segment: they are neither doubled nor trailing.
	raw := looseSlashes(u.RawPath)
	if path, err := url.PathUnescape(raw); err == nil {
		u.Path, u.RawPath = path, raw
	}
}

func looseSlashes(p string) string {
	for strings.Contains(p, "//") {
		p = strings.ReplaceAll(p, "//", "/")
	}
	if len(p) > 1 {
		p = strings.TrimSuffix(p, "/")
	}
	return p
}
