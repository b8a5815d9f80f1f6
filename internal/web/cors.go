package web

import (
	"net/http"
	"strconv"
	"time"
)

// CORS says what browsers on other origins may do. Its headers stand on every
// answer of the mux, errors included; preflights are answered before limits,
// routing and security.
type CORS struct {
	// Origin returns the value of Access-Control-Allow-Origin, "" for no CORS
	// headers at all. AnyOrigin and EchoOrigin are the usual ones.
	Origin      func(r *http.Request) string
	Credentials bool          // Access-Control-Allow-Credentials: true
	Methods     string        // of preflights; "": what the request asks for
	Headers     string        // of preflights; "": what the request asks for
	Expose      string        // headers that scripts may read; "": none beyond the browser's own list
	MaxAge      time.Duration // how long browsers may keep a preflight; 0: the browser's default
	AllOptions  bool          // every OPTIONS is answered as a preflight, also one that is none
	Status      int           // of preflights; 0: 200
}

// AnyOrigin allows "*" to every request that has an Origin.
func AnyOrigin(r *http.Request) string {
	if len(r.Header["Origin"]) == 0 {
		return ""
	}
	return "*"
}

// EchoOrigin allows the request's own Origin.
func EchoOrigin(r *http.Request) string { return r.Header.Get("Origin") }

// corsHeaders is CORS with its header values made once. Each slice has capacity one, so nobody can append to it.
type corsHeaders struct {
	CORS
	methods, headers, expose, maxAge []string
}

var (
	anyOrigin  = []string{"*"}
	yes        = []string{"true"}
	varyOrigin = []string{"Origin"}
)

func (c *CORS) headers() *corsHeaders {
	if c == nil {
		return nil
	}
	h := &corsHeaders{CORS: *c, methods: one(c.Methods), headers: one(c.Headers), expose: one(c.Expose)}
	if c.MaxAge > 0 {
		h.maxAge = one(strconv.Itoa(int(c.MaxAge / time.Second)))
	}
	h.Status = or(h.Status, http.StatusOK)
	if h.Origin == nil {
		h.Origin = AnyOrigin
	}
	return h
}

func one(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}

// answer sets the headers, and reports whether it has answered a preflight.
func (c *corsHeaders) answer(x *exchange) bool {
	r := x.req.Request
	preflight := r.Method == http.MethodOptions && (c.AllOptions || len(r.Header["Access-Control-Request-Method"]) > 0)
	h := x.resp.Header()
	if origin := c.Origin(r); origin != "" {
		c.allow(h, origin)
		if preflight {
			set(h, "Access-Control-Allow-Methods", c.methods, r.Header["Access-Control-Request-Method"])
			set(h, "Access-Control-Allow-Headers", c.headers, r.Header["Access-Control-Request-Headers"])
			set(h, "Access-Control-Max-Age", c.maxAge, nil)
		}
	}
	if preflight {
		x.resp.WriteHeader(c.Status)
	}
	return preflight
}

func (c *corsHeaders) allow(h http.Header, origin string) {
	if origin == "*" {
		h["Access-Control-Allow-Origin"] = anyOrigin
	} else {
		h["Access-Control-Allow-Origin"] = []string{origin}
		h["Vary"] = varyOrigin
	}
	if c.Credentials {
		h["Access-Control-Allow-Credentials"] = yes
	}
	set(h, "Access-Control-Expose-Headers", c.expose, nil)
}

// set gives a header its configured value, else the one asked for, else none.
func set(h http.Header, name string, configured, asked []string) {
	switch {
	case configured != nil:
		h[name] = configured
	case asked != nil:
		h[name] = asked
	}
}
