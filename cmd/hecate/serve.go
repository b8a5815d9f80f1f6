package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"

	"hecate"
	"hecate/internal/console"
	"hecate/internal/dialect/native"
	"hecate/internal/dialect/skygear"
	"hecate/internal/dialect/syncano"
	"hecate/internal/dialect/usergrid"
	"hecate/internal/engine"
	"hecate/internal/secret"
	"hecate/internal/web"
)

// dialectNames are the dialects that --host can map.
var dialectNames = []string{"native", "skygear", "syncano", "usergrid"}

// boundDialects are those that can serve one app alone on a host name. The paths of the others name the app.
var boundDialects = []string{"skygear"}

// Run serves until the terminal's context ends.
func (c *serveCommand) Run(t *terminal) (err error) {
	// Passwords are hashed in child processes. Should those fail, they are hashed here, and Go's scheduler
	// lets a hashing goroutine run for 10 ms at a time; with more Ps than cores the kernel shares them
	// fairly, and cheap requests stay fast. With children it made no difference (docs/adr/0007).
	runtime.GOMAXPROCS(secret.Procs(runtime.NumCPU()))
	collectSeldom()
	buffer := web.NewLogBuffer(t.err, 0)
	defer func() { err = errors.Join(err, buffer.Close()) }()
	log := newLog(buffer)

	sender, err := c.post(log)
	if err != nil {
		return err
	}
	r, err := open(t.ctx, c.storage, log, door{open: c.Registration == "open", admission: c.admission}, sender)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	r.public = c.PublicURL.text
	if c.Apply != "" {
		if err := c.applyFirst(t, r); err != nil {
			return err
		}
	}
	return c.serve(t, r, log, buffer)
}

func (c *serveCommand) applyFirst(t *terminal, r *rooms) error {
	text, err := os.ReadFile(c.Apply)
	if err != nil {
		return err
	}
	return applyText(t.ctx, r, c.Apply, text, t.out)
}

// newLog writes one JSON object per line.
func newLog(w io.Writer) *slog.Logger { return slog.New(slog.NewJSONHandler(w, nil)) }

func (c *serveCommand) serve(t *terminal, r *rooms, log *slog.Logger, access io.Writer) error {
	listener, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return err
	}
	public := c.PublicURL.text
	if public == "" {
		public = "http://" + listener.Addr().String()
		if c.SMTPURL != "" {
			log.Warn("links in letters lead to where this server listens; --public-url says where people reach it", "links", public)
		}
	}
	r.public = public
	handler, err := c.sites(r, public, log)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	if err := offerSetup(t, r.engine, public); err != nil {
		return errors.Join(err, listener.Close())
	}

	background, stop := context.WithCancel(context.WithoutCancel(t.ctx))
	done := make(chan error, 1)
	go func() { done <- r.engine.Run(background) }()
	controlled := control(background, c.Data, r, log)
	err = web.Serve(t.ctx, web.Config{
		Listener: listener, Handler: handler, Log: log, Access: access, Trusted: c.TrustedProxy,
		OnListen: func(a net.Addr) { t.say("hecate: listening on http://%s", a) },
	})
	stop()
	<-controlled
	return errors.Join(err, <-done)
}

// sites puts every dialect at its prefix, and at the root of the host names mapped to it.
func (c *serveCommand) sites(r *rooms, public string, log *slog.Logger) (http.Handler, error) {
	publicURL := func() string { return public }
	nativeAPI, nativeErr := native.Handler(native.Config{Engine: r.engine, Log: log, FixedMail: c.Registration == "open"})
	syncanoAPI, syncanoErr := syncano.Handler(syncano.Config{Engine: r.engine, PublicURL: publicURL, Log: log})
	skygearAPI, skygearErr := skygear.Handler(skygear.Config{Engine: r.engine, PublicURL: publicURL, HostApp: c.hostApp, Log: log})
	usergridAPI, usergridErr := usergrid.Handler(usergrid.Config{
		Engine: r.engine, PublicURL: publicURL, PagesURL: func() string { return c.pagesURL(public, "usergrid") }, Log: log,
		ServiceAdmin: usergrid.ServiceAdmin{Name: c.ServiceAdmin.name, Password: c.ServiceAdmin.password},
	})
	if err := errors.Join(nativeErr, syncanoErr, skygearErr, usergridErr); err != nil {
		return nil, err
	}
	dialects := map[string]http.Handler{
		"native":   nativeAPI,
		"skygear":  skygearAPI,
		"syncano":  syncanoAPI,
		"usergrid": usergridAPI,
	}
	hosts := map[string]http.Handler{}
	for _, h := range c.Host {
		hosts[h.Name] = dialects[h.Dialect]
	}
	return web.NewSwitch(web.SwitchConfig{
		Ready: r.db.Ping,
		Hosts: hosts,
		Sites: []web.Site{
			{Prefix: "/api", Handler: dialects["native"]},
			{Prefix: "/skygear", Strip: true, Handler: dialects["skygear"]},
			{Prefix: "/usergrid", Strip: true, Handler: dialects["usergrid"]},
			{Prefix: "/v1", Handler: dialects["syncano"]},
			{Prefix: "/v1.1", Handler: dialects["syncano"]},
			{Prefix: "/console", Strip: true, Handler: console.Handler()},
			{Prefix: "", Handler: front(dialects["syncano"])},
		},
	})
}

// admission is what is asked of those who register. Its letters lead to pages whose place is known once the server listens.
func (c *serveCommand) admission(r *rooms) engine.Admission {
	asked := func(who newcomers) (w hecate.Awaiting) {
		if slices.Contains(c.RequireConfirmation, who) {
			w |= hecate.AwaitsConfirmation
		}
		if slices.Contains(c.RequireApproval, who) {
			w |= hecate.AwaitsApproval
		}
		return w
	}
	a := engine.Admission{Admins: asked(admins), Orgs: asked(organizations)}
	a.Letters = func() engine.AdmissionLetters { return usergrid.AdmissionLetters(c.pagesURL(r.public, "usergrid")) }
	for _, m := range c.OperatorMail {
		a.Operators = append(a.Operators, string(m))
	}
	return a
}

// pagesURL is the base of links in letters to pages of a dialect: below its prefix, unless the public URL is on a host name of its own.
func (c *serveCommand) pagesURL(public, dialect string) string {
	u, err := url.Parse(public)
	for _, h := range c.Host {
		if err == nil && h.Dialect == dialect && strings.EqualFold(h.Name, u.Hostname()) {
			return public
		}
	}
	return public + "/" + dialect
}

// front answers the root: browsers are sent to the console, everybody else
// gets the Syncano contract's JSON.
func front(other http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" && prefersHTML(r.Header.Get("Accept")) {
			http.Redirect(w, r, "/console/", http.StatusFound)
			return
		}
		other.ServeHTTP(w, r)
	})
}

// prefersHTML reports whether the first media type of an Accept header is HTML, as browsers send it.
func prefersHTML(accept string) bool {
	first, _, _ := strings.Cut(accept, ",")
	first, _, _ = strings.Cut(first, ";")
	return strings.TrimSpace(first) == "text/html"
}

// offerSetup prints the one-time link with which the first admin is made.
func offerSetup(t *terminal, e *engine.Engine, public string) error {
	ticket, err := e.SetupTicket(t.ctx)
	if err != nil {
		return fmt.Errorf("first start: %w", err)
	}
	if !ticket.IsZero() {
		// The fragment never reaches a log: browsers do not send it.
		t.say("hecate: no admin yet; make the first one at %s/console/#setup=%s", public, ticket.Reveal())
	}
	return nil
}
