package usergrid

import (
	"log/slog"
	"net/http"
	"time"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// Config is what the dialect stands on. Engine is required.
type Config struct {
	Engine    *engine.Engine
	PublicURL func() string // base of the URLs in answers, without a final slash and without the dialect's prefix; nil: none
	PagesURL  func() string // base of the links in letters, the dialect's prefix included; nil: PublicURL and the prefix of the request
	// ServiceAdmin is the name and password of the operator's own account for HTTP Basic; without a name there is none.
	ServiceAdmin ServiceAdmin
	Log          *slog.Logger     // faults of ours; nil: slog.Default
	Limits       web.Limits       // zero fields: defaults
	Limiter      *web.Limiter     // per client address; nil: no rate limit
	Now          func() time.Time // nil: time.Now
}

// ServiceAdmin is a login of the operator of the server.
type ServiceAdmin struct {
	Name     string
	Password hecate.Secret
}

// dialectName is how the engine's lists of sessions call this dialect.
const dialectName = "usergrid"

// api is the dialect: routes are its methods.
type api struct {
	engine    *engine.Engine
	publicURL func() string
	pages     func() string // nil: publicURL and the prefix of the request
	service   ServiceAdmin
	log       *slog.Logger
	now       func() time.Time

	apps       *web.Mux[*call]    // paths inside an application
	management *web.Mux[*manager] // all other paths
}

// Handler serves the whole dialect. Errors are those of a wrong route table.
func Handler(c Config) (http.Handler, error) {
	a := &api{engine: c.Engine, publicURL: c.PublicURL, pages: c.PagesURL, service: c.ServiceAdmin, log: c.Log, now: c.Now}
	if a.log == nil {
		a.log = slog.Default()
	}
	if a.now == nil {
		a.now = time.Now
	}
	if a.publicURL == nil {
		a.publicURL = func() string { return "" }
	}
	config := web.MuxConfig{
		Errors:           a.refuse,
		NotFound:         noRoute,
		MethodNotAllowed: methodNotAllowed,
		LooseSlash:       true,
		CORS:             &web.CORS{Origin: allowedOrigin, Credentials: true, AllOptions: true},
		Limiter:          c.Limiter,
		Limits:           c.Limits,
		Log:              a.log,
	}
	var err error
	if a.apps, err = web.NewMux(config, a.appRoutes()); err != nil {
		return nil, err
	}
	if a.management, err = web.NewMux(config, a.managementRoutes()); err != nil {
		return nil, err
	}
	return a, nil
}

// ServeHTTP sends paths of an application to its routes, with the part that names it taken off the front.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r = unrolled(r)
	at, ok := a.locate(r)
	if !ok {
		a.management.ServeHTTP(w, inManagement(r))
		return
	}
	a.apps.ServeHTTP(w, at.inside(r))
}

// allowedOrigin echoes the request's origin, else that of its referrer: contracts/usergrid.md 1.
func allowedOrigin(r *http.Request) string {
	if origin := web.EchoOrigin(r); origin != "" {
		return origin
	}
	if origin := originOf(r.Referer()); origin != "" {
		return origin
	}
	return "*"
}
