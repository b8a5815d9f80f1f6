package skygear

import (
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"hecate/internal/engine"
	"hecate/internal/web"
)

// Config is what the dialect stands on. Engine is required.
type Config struct {
	Engine    *engine.Engine
	PublicURL func() string // base of the URLs of assets, without a final slash; nil: they are path-absolute
	// HostApp names the app that a host name stands for, as "alias" or "org/name"; "": none. The host is that of the request,
	// with its port. nil: no host name stands for an app.
	HostApp func(host string) string
	Origin  string           // of the CORS headers; "": *
	Log     *slog.Logger     // faults of ours; nil: slog.Default
	Limits  web.Limits       // zero fields: defaults
	Limiter *web.Limiter     // per client address; nil: no rate limit
	Now     func() time.Time // of the URLs of assets; nil: time.Now
}

// Handler serves the actions, the files and the sockets.
func Handler(c Config) (http.Handler, error) {
	a := &api{engine: c.Engine, publicURL: c.PublicURL, log: c.Log, origin: c.Origin}
	if a.log == nil {
		a.log = slog.Default()
	}
	if a.now = c.Now; a.now == nil {
		a.now = time.Now
	}
	if a.publicURL == nil {
		a.publicURL = func() string { return "" }
	}
	a.doors = a.engineDoors(c.HostApp)
	return a.mux(a.table(), a.routes(), c.Limits, c.Limiter)
}

// jsonType is exact: the old server named no charset.
const jsonType = "application/json"

// serverName is what the old server called itself; tools that look for it find it.
const serverName = "Skygear Server/1.7.3"

// answerTime is how long an action may take before 503 ResponseTimeout.
const answerTime = 60 * time.Second

// api is the dialect: actions are its methods.
type api struct {
	engine    *engine.Engine
	publicURL func() string
	doors     doors
	actions   actionTable
	log       *slog.Logger
	rand      io.Reader // request ids
	origin    string    // of the CORS headers
	now       func() time.Time
	hub       hub
}

// mux serves the actions behind the other routes (files, pages, sockets), which
// bring their own security.
func (a *api) mux(rows []action, routes []web.Route[*call], limits web.Limits, limiter *web.Limiter) (*web.Mux[*call], error) {
	var err error
	if a.actions, err = newActionTable(rows); err != nil {
		return nil, err
	}
	if a.rand == nil {
		a.rand = rand.Reader
	}
	if a.origin == "" {
		a.origin = "*"
	}
	if limits.Time == 0 {
		limits.Time = answerTime
	}
	routes = append(routes, web.Any("/{path...}", web.Require("the gate of the action", a.resolve), a.serve))
	return web.NewMux(web.MuxConfig{
		Begin:   a.begin,
		Errors:  a.answerError,
		Log:     a.log,
		Limits:  limits,
		Limiter: limiter,
		// What the server answers with is configured and never the request's own Origin: contracts/skygear.md 1.3.
		CORS: &web.CORS{
			Origin:      func(*http.Request) string { return a.origin },
			Credentials: true,
			AllOptions:  true,
		},
		NotFound: func(*web.Response, *web.Request) error { return fail(undefinedOperation, textUnmatched) },
	}, routes)
}

// begin sets the headers that stand on every answer.
func (a *api) begin(w *web.Response, r *web.Request) {
	h := w.Header()
	h["Server"] = []string{serverName}
	h["X-Skygear-Request-Id"] = []string{a.requestID()}
	// Echoed on every answer, not on preflights alone.
	for _, part := range [...]string{"Method", "Headers"} {
		if asked := r.Header["Access-Control-Request-"+part]; len(asked) > 0 {
			h[allowHeaders[part]] = asked[:1:1]
		}
	}
}

var allowHeaders = map[string]string{"Method": "Access-Control-Allow-Methods", "Headers": "Access-Control-Allow-Headers"}

// requestID is a random UUID. The log's own id is in X-Request-Id.
func (a *api) requestID() string { return randomUUID(a.rand) }

func randomUUID(random io.Reader) string {
	var b [16]byte
	// Without randomness the id is of no use, but the answer still is.
	_, _ = io.ReadFull(random, b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// answerOK is the result of actions that have nothing to say.
func answerOK(w *web.Response) error { return answerResult(w, []byte(`{"status":"OK"}`)) }

// answerNothing is a null result, which the wire leaves out.
func answerNothing(w *web.Response) error { return send(w, []byte("{}\n")) }

// answerText is a result that is a string.
func answerText(w *web.Response, text string) error {
	return answerResult(w, web.AppendPageText(nil, text))
}

// answerResult sends {"result": result}; result is JSON.
func answerResult(w *web.Response, result []byte) error {
	j := newJSON(make([]byte, 0, len(result)+16))
	j.Open()
	j.Raw("result", result)
	j.Close()
	return send(w, append(j.Buf, '\n'))
}

// answerList sends {"info": {"count": n}, "result": result}.
func answerList(w *web.Response, count int, result []byte) error {
	j := newJSON(make([]byte, 0, len(result)+40))
	j.Open()
	j.Name("info")
	j.Open()
	j.Int("count", int64(count))
	j.Close()
	j.Raw("result", result)
	j.Close()
	return send(w, append(j.Buf, '\n'))
}

func send(w *web.Response, body []byte) error {
	w.SetType(jsonType)
	return w.Bytes(http.StatusOK, body)
}
