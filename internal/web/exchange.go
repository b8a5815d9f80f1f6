package web

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// exchange is everything web keeps about one request, in one allocation. It is
// not pooled: net/http may read headers, and handlers may keep the request, after
// the handler has returned.
type exchange struct {
	resp    Response
	req     Request
	ctx     requestContext
	verdict verdict
	id      [1]string // the request id, as the value of its header

	observer *Observer
	began    time.Time
	prefix   string   // taken off the path by a Switch
	hidden   []string // names of path wildcards that hold secrets
	err      error    // what the route's handler returned
	entered  bool     // one of our routes was reached
	gone     bool     // the client left before the answer
}

// startContext sets the time limit of this request.
func (x *exchange) startContext(limit time.Duration) {
	x.ctx.parent = x.req.Request.Context()
	x.ctx.deadline = time.Now().Add(limit)
}

// extend replaces the time limit, and the connection's read and write deadlines with it.
func (x *exchange) extend(limit time.Duration) {
	x.ctx.deadline = time.Now().Add(limit)
	conn := http.NewResponseController(x.resp.ResponseWriter)
	// A writer without deadlines (a Capture) has none to extend; the error says only that.
	_ = conn.SetReadDeadline(x.ctx.deadline)
	_ = conn.SetWriteDeadline(x.ctx.deadline.Add(answerTime))
}

// answerTime is what an answer may still take after the time limit of its handler.
const answerTime = 10 * time.Second

// Request is the request as handlers see it. Use its own methods before those of
// the embedded http.Request: Context carries the time limit, Query is parsed once
// and checked, ReadBody and the like know the limits. Leave FormValue and
// ParseMultipartForm alone: they know none.
type Request struct {
	*http.Request
	x      *exchange
	limits *Limits
	query  url.Values
	client string
	body   *Body
	failed error // of reading the body

	maxBody, maxUpload int64
}

// ID returns the request id: what X-Request-Id and the log say.
func (r *Request) ID() string { return r.x.id[0] }

// Route returns the pattern of the route in force, "" before routing.
func (r *Request) Route() string { return r.Pattern }

// Query returns the query's pairs. They are parsed leniently (an escape that is
// none stands for itself, ';' and '?' separate nothing) and are valid UTF-8
// without NUL. Callers must not change the map. It is nil where there is no query.
func (r *Request) Query() url.Values { return r.query }

// QueryOne returns the last value given for name, "" when there is none.
func (r *Request) QueryOne(name string) string {
	values := r.query[name]
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}

// Limits returns the limits in force. Callers must not change them.
func (r *Request) Limits() *Limits { return r.limits }

// Prefix returns what a Switch took off the front of the path, "" when nothing.
func (r *Request) Prefix() string { return r.x.prefix }

// ClientIP returns the address of the client: the peer, or, when the peer is a
// trusted proxy, the last address in X-Forwarded-For that is none.
func (r *Request) ClientIP() string {
	if r.client == "" {
		r.client = r.x.observer.clientIP(r.Request)
	}
	return r.client
}

// Context returns the request's context, which ends at the time limit, when the
// client goes away and when the server gives up waiting at shutdown.
func (r *Request) Context() context.Context { return &r.x.ctx }

// requestContext adds a deadline to the server's context without starting a
// timer until somebody waits for it.
type requestContext struct {
	parent   context.Context
	deadline time.Time
	mu       sync.Mutex
	timed    context.Context
	cancel   context.CancelFunc
	over     bool
}

func (c *requestContext) Deadline() (time.Time, bool) { return c.deadline, true }

func (c *requestContext) Done() <-chan struct{} { return c.start().Done() }

func (c *requestContext) Err() error {
	if timed := c.started(); timed != nil {
		return timed.Err()
	}
	if err := c.parent.Err(); err != nil {
		return err
	}
	// The deadline is a moment of the real clock, as the timers of Done are.
	if !time.Now().Before(c.deadline) {
		return c.start().Err()
	}
	return nil
}

func (c *requestContext) Value(key any) any {
	if timed := c.started(); timed != nil {
		return timed.Value(key)
	}
	return c.parent.Value(key)
}

func (c *requestContext) started() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.timed
}

func (c *requestContext) start() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timed == nil {
		c.timed, c.cancel = context.WithDeadline(c.parent, c.deadline)
		if c.over {
			c.cancel()
		}
	}
	return c.timed
}

// end frees the timer once the answer is written.
func (c *requestContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	if c.cancel != nil {
		c.cancel()
	}
}

// Response is the one ResponseWriter of a request; it knows what was written.
type Response struct {
	http.ResponseWriter
	x      *exchange
	status int
	bytes  int64
}

// Written reports whether the status line has been sent.
func (w *Response) Written() bool { return w.status != 0 }

// Status returns the status sent, 0 when none was.
func (w *Response) Status() int { return w.status }

// Unwrap serves http.ResponseController.
func (w *Response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader sends the status; a second call does nothing.
func (w *Response) WriteHeader(status int) {
	if w.status != 0 {
		return
	}
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *Response) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	if err != nil {
		err = &writeError{err}
	}
	return n, err
}

// ReadFrom keeps the kernel's file-to-socket copy available to io.Copy.
func (w *Response) ReadFrom(src io.Reader) (int64, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := io.Copy(w.ResponseWriter, src)
	w.bytes += n
	// Errors of reading src are ours; those of the connection come as OpError, and nothing else here does.
	var sending *net.OpError
	if errors.As(err, &sending) {
		err = &writeError{err}
	}
	return n, err
}

// Flush sends what is buffered.
func (w *Response) Flush() {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	// An error means that the writer below cannot flush, or that the client is gone: the next Write will tell.
	_ = http.NewResponseController(w.ResponseWriter).Flush()
}

// Hijack hands the connection over to another protocol: nothing more is answered here. It serves http.ResponseController.
func (w *Response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.status = http.StatusSwitchingProtocols
	}
	return conn, buffered, err
}

// SetType sets the Content-Type.
func (w *Response) SetType(contentType string) {
	if contentType == jsonType[0] {
		w.Header()["Content-Type"] = jsonType
		return
	}
	w.Header()["Content-Type"] = []string{contentType}
}

// jsonType is shared by all answers: its capacity of one keeps an append from writing to it.
var jsonType = []string{"application/json; charset=utf-8"}

// JSON answers with v as JSON, UTF-8, nothing escaped that need not be, and a
// newline at the end. A Content-Type set before is kept. Nothing is written when v
// cannot be encoded: the error is Internal.
func (w *Response) JSON(status int, v any) error {
	buf := getBuffer()
	defer putBuffer(buf)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	if _, set := w.Header()["Content-Type"]; !set {
		w.Header()["Content-Type"] = jsonType
	}
	return w.Bytes(status, buf.Bytes())
}

// Bytes answers with body, with the Content-Type set before.
func (w *Response) Bytes(status int, body []byte) error {
	// net/http counts small answers by itself; beyond its buffer it would send chunks.
	if len(body) > 2048 {
		w.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	w.WriteHeader(status)
	_, err := w.Write(body)
	return err
}

// writeError marks a failure to send, which is the client's or the network's, not ours.
type writeError struct{ err error }

func (e *writeError) Error() string { return "send answer: " + e.err.Error() }
func (e *writeError) Unwrap() error { return e.err }

// forget removes what a handler said about a body that will not be sent.
func (w *Response) forget() {
	h := w.Header()
	for _, name := range [...]string{"Content-Length", "Content-Type", "Content-Encoding", "Content-Disposition", "Content-Range",
		"Accept-Ranges", "Cache-Control", "Etag", "Last-Modified"} {
		delete(h, name)
	}
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func getBuffer() *bytes.Buffer { return buffers.Get().(*bytes.Buffer) }

// putBuffer keeps a buffer for the next request, unless it grew so large that keeping it would be waste.
func putBuffer(b *bytes.Buffer) {
	if b.Cap() > 256<<10 {
		return
	}
	b.Reset()
	buffers.Put(b)
}

// verdict is the ResponseWriter that the inner ServeMux sees: it passes the
// exchange to our routes and swallows the mux's own answers (404, 405, redirects).
type verdict struct {
	x      *exchange
	header http.Header
	status int
}

func (v *verdict) Header() http.Header {
	if v.header == nil {
		v.header = http.Header{}
	}
	return v.header
}

func (v *verdict) WriteHeader(status int) { v.status = status }

func (v *verdict) Write(p []byte) (int, error) { return len(p), nil }

// Capture is a ResponseWriter that keeps the answer in memory, for requests that
// a dialect serves within another one (batches).
type Capture struct {
	Code int // 0 when nothing was written, which means 200
	Body bytes.Buffer
	Head http.Header
}

// Header returns the header, made at first use.
func (c *Capture) Header() http.Header {
	if c.Head == nil {
		c.Head = http.Header{}
	}
	return c.Head
}

// WriteHeader keeps the first final status.
func (c *Capture) WriteHeader(status int) {
	if c.Code == 0 && status >= 200 {
		c.Code = status
	}
}

func (c *Capture) Write(p []byte) (int, error) {
	c.WriteHeader(http.StatusOK)
	return c.Body.Write(p)
}
