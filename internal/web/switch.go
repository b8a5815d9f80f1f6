package web

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Site is a handler under a path prefix. The prefix "/v1" takes /v1 and /v1/…, not
// /v1.1/…; the prefix "" takes everything that no other site does.
type Site struct {
	Prefix  string
	Strip   bool // the handler sees the path without the prefix; Request.Prefix tells it
	Handler http.Handler
}

// SwitchConfig says who serves what.
type SwitchConfig struct {
	Sites []Site                  // on every host that is not in Hosts; the longest prefix wins
	Hosts map[string]http.Handler // by host name without port: the handler has the whole host

	// Ready says whether this process can serve; nil: always. It gets two seconds.
	Ready func(context.Context) error
}

// Switch sends requests to sites and hosts. On every host it answers /healthz (the
// process runs) and /readyz (Ready returns nil: 200, else 503). What belongs
// to nobody is a plain 404.
type Switch struct {
	sites []Site
	hosts map[string]http.Handler
	ready func(context.Context) error
	alone *Observer // for requests that come without one
}

// NewSwitch checks the configuration: prefixes begin with a slash, do not end with one, and differ.
func NewSwitch(c SwitchConfig) (*Switch, error) {
	s := &Switch{sites: slices.Clone(c.Sites), hosts: map[string]http.Handler{}, ready: c.Ready, alone: NewObserver(Observation{})}
	for i, site := range s.sites {
		if site.Prefix != "" && (site.Prefix[0] != '/' || strings.HasSuffix(site.Prefix, "/")) {
			return nil, errors.New("web: prefix " + site.Prefix + " must begin with a slash and not end with one")
		}
		if slices.ContainsFunc(s.sites[:i], func(other Site) bool { return other.Prefix == site.Prefix }) {
			return nil, errors.New("web: prefix " + site.Prefix + " is given twice")
		}
	}
	slices.SortStableFunc(s.sites, func(a, b Site) int { return len(b.Prefix) - len(a.Prefix) })
	for name, handler := range c.Hosts {
		s.hosts[hostName(name)] = handler
	}
	return s, nil
}

// ServeHTTP sends the request on.
func (s *Switch) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	resp, ok := w.(*Response)
	if !ok {
		s.alone.serve(w, r, s)
		return
	}
	if isHealth(r.URL.Path) {
		s.health(w, r)
		return
	}
	if len(s.hosts) > 0 {
		if handler, ok := s.hosts[hostName(r.Host)]; ok {
			handler.ServeHTTP(w, r)
			return
		}
	}
	for i := range s.sites {
		if site := &s.sites[i]; site.takes(r.URL.Path) {
			site.serve(resp, r)
			return
		}
	}
	http.Error(w, "not found", http.StatusNotFound)
}

func (site *Site) takes(path string) bool {
	rest, ok := strings.CutPrefix(path, site.Prefix)
	return ok && (rest == "" || site.Prefix == "" || rest[0] == '/')
}

// serve strips in place: the URL is this server's own, and RequestURI keeps what was asked.
func (site *Site) serve(w *Response, r *http.Request) {
	if site.Strip {
		w.x.prefix = site.Prefix
		r.URL.Path = or(strings.TrimPrefix(r.URL.Path, site.Prefix), "/")
		raw, ok := strings.CutPrefix(r.URL.RawPath, site.Prefix)
		if !ok {
			raw = "" // the prefix itself was escaped: net/url then escapes Path anew
		}
		r.URL.RawPath = raw
	}
	site.Handler.ServeHTTP(w, r)
}

// hostName brings a Host header or a configured name to one form.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

func isHealth(path string) bool { return path == "/healthz" || path == "/readyz" }

// readyTime bounds the question whether the process can serve.
const readyTime = 2 * time.Second

func (s *Switch) health(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	if r.URL.Path == "/readyz" && s.ready != nil {
		ctx, cancel := context.WithTimeout(r.Context(), readyTime)
		defer cancel()
		// The reason may name hosts and files: Ready's owner logs it, strangers do not see it.
		if err := s.ready(ctx); err != nil {
			http.Error(w, "not ready", http.StatusServiceUnavailable)
			return
		}
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	// A failed write means that nobody waits for it.
	_, _ = w.Write([]byte("ok\n"))
}
