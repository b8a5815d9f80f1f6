package web

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Observation is what NewObserver needs. Every field may be left out.
type Observation struct {
	Log     *slog.Logger     // panics, and one line per request where Access is nil; nil: no lines
	Access  io.Writer        // one line per request, as slog's JSON handler would write it; a LogBuffer makes it cheap
	Trusted []netip.Prefix   // proxies whose X-Forwarded-For and X-Request-Id are believed
	Now     func() time.Time // nil: time.Now
	Rand    io.Reader        // for the prefix of the request ids; nil: crypto/rand
}

// Observer gives requests an id and a client address, and logs them.
type Observer struct {
	log     *slog.Logger
	access  io.Writer
	trusted []netip.Prefix
	now     func() time.Time
	prefix  string
	count   atomic.Uint64
}

// NewObserver makes an Observer.
func NewObserver(o Observation) *Observer {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	var start [6]byte
	// Request ids are for finding log lines, not for secrecy: a failing source costs uniqueness across restarts only.
	_, _ = io.ReadFull(o.Rand, start[:])
	return &Observer{log: o.Log, access: o.Access, trusted: o.Trusted, now: o.Now, prefix: hex.EncodeToString(start[:]) + "-"}
}

// Observe wraps next: request id, last recovery, access log.
func (o *Observer) Observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { o.serve(w, r, next) })
}

func (o *Observer) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	x := &exchange{observer: o}
	x.resp = Response{ResponseWriter: w, x: x}
	x.req = Request{Request: r, x: x, limits: &defaultLimits}
	x.ctx.parent = r.Context()
	x.id[0] = o.requestID(r)
	w.Header()["X-Request-Id"] = x.id[:]
	if o.log != nil || o.access != nil {
		x.began = o.now()
	}
	defer o.done(x)
	next.ServeHTTP(&x.resp, r)
}

// done frees the request's timer and logs the request, also when a panic passes through.
func (o *Observer) done(x *exchange) {
	v := recover()
	x.ctx.end()
	if v != nil && v != http.ErrAbortHandler {
		o.panicked(x, v)
		if x.resp.Written() {
			v = http.ErrAbortHandler
		} else {
			x.resp.forget()
			http.Error(&x.resp, "internal error", http.StatusInternalServerError)
			v = nil
		}
	}
	if v != nil && x.resp.status == 0 && !x.gone {
		x.resp.status = http.StatusInternalServerError
	}
	if o.log != nil || o.access != nil {
		o.line(x)
	}
	if v != nil {
		panic(v)
	}
}

func (o *Observer) panicked(x *exchange, v any) {
	log := o.log
	if log == nil {
		log = slog.Default()
	}
	log.LogAttrs(context.Background(), slog.LevelError, "panic", slog.String("id", x.id[0]), slog.Any("panic", v),
		slog.String("stack", string(debug.Stack())))
}

// statusClientGone is logged, never sent: the client left before its answer.
const statusClientGone = 499

// line writes the access log's one line.
func (o *Observer) line(x *exchange) {
	status, level := x.resp.status, slog.LevelInfo
	switch {
	case x.gone:
		status = statusClientGone
	case status == 0:
		status = http.StatusOK
	}
	r := x.req.Request
	if isHealth(r.URL.Path) && status < 300 {
		level = slog.LevelDebug
	}
	if o.access != nil {
		if level >= slog.LevelInfo {
			o.writeLine(x, status)
		}
		return
	}
	o.log.LogAttrs(context.Background(), level, "request",
		slog.String("id", x.id[0]),
		slog.String("method", r.Method),
		slog.String("route", r.Pattern),
		slog.String("path", logPath(x)),
		slog.Int("status", status),
		slog.Int64("bytes", x.resp.bytes),
		slog.Duration("took", o.now().Sub(x.began)),
		slog.String("client", x.req.ClientIP()))
}

// requestID takes a trusted proxy's id when it is a sane one, and else counts on.
func (o *Observer) requestID(r *http.Request) string {
	if len(o.trusted) > 0 {
		if id := r.Header.Get("X-Request-Id"); saneID(id) && o.isTrusted(peer(r.RemoteAddr)) {
			return id
		}
	}
	var b [40]byte
	return string(strconv.AppendUint(append(b[:0], o.prefix...), o.count.Add(1), 36))
}

func saneID(id string) bool {
	if len(id) < 1 || len(id) > 64 {
		return false
	}
	for i := range len(id) {
		c := id[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.') {
			return false
		}
	}
	return true
}

func (o *Observer) isTrusted(host string) bool {
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	addr = addr.Unmap().WithZone("")
	for _, p := range o.trusted {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

func (o *Observer) clientIP(r *http.Request) string {
	client := peer(r.RemoteAddr)
	if len(o.trusted) == 0 || !o.isTrusted(client) {
		return client
	}
	// From the right: each trusted hop vouches for the address before it, nobody for what stands left of a stranger.
	hops := strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		addr, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			return client
		}
		client = addr.Unmap().String()
		if !o.isTrusted(client) {
			return client
		}
	}
	return client
}

// peer is the host of a RemoteAddr, without brackets.
func peer(remote string) string {
	if i := strings.LastIndexByte(remote, ':'); i >= 0 {
		remote = remote[:i]
	}
	return strings.TrimSuffix(strings.TrimPrefix(remote, "["), "]")
}
