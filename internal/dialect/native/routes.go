package native

import (
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// Config is what the native API stands on. Engine is required.
type Config struct {
	Engine *engine.Engine
	Log    *slog.Logger     // internal errors; nil: slog.Default
	Now    func() time.Time // the clock of the limit on attempts; nil: time.Now
	// FixedMail keeps admins from changing how letters look and whom they come from.
	FixedMail bool
}

// caller is the admin who calls: outside any app, or inside the one the path names. Nil on open routes.
type caller = *hecate.Actor

type api struct {
	engine    *engine.Engine
	attempts  *web.Limiter
	fixedMail bool
}

// routes is the whole API.
func (a *api) routes() []web.Route[caller] {
	var (
		open    = web.Open[caller]("the description of this API, the same for everybody")
		linked  = web.Open[caller]("the page of a letter's link: it shows a form, and changes nothing")
		attempt = web.Require("attempt", a.attempt)
		admin   = web.Require("admin", a.admin)
		member  = web.Require("member", a.member)
	)
	return []web.Route[caller]{
		web.Get("/api/v1/openapi.yaml", open, a.description),

		web.Post("/api/v1/setup", attempt, a.setUp),
		web.Post("/api/v1/admin/login", attempt, a.login),
		web.Get("/api/v1/admin", admin, a.ownAdmin),
		web.Post("/api/v1/admin/key", admin, a.rotateAccountKey),
		web.Post("/api/v1/admin/invitation", admin, a.acceptInvitation),
		web.Post("/api/v1/account/activate", attempt, a.activate),
		web.Post("/api/v1/account/forgot", attempt, a.forgot),
		web.Post("/api/v1/account/reset", attempt, a.reset),
		web.Post("/api/v1/account/register", attempt, a.register),

		web.Get("/api/v1/join/{app}", linked, a.join),
		web.Post("/api/v1/join/{app}", attempt, a.join),

		web.Get("/api/v1/apps", admin, a.apps),
		web.Post("/api/v1/apps", admin, a.createApp),
		web.Get("/api/v1/apps/{alias}", member, a.app),
		web.Patch("/api/v1/apps/{alias}", member, a.updateApp),
		web.Delete("/api/v1/apps/{alias}", member, a.deleteApp),

		web.Get("/api/v1/apps/{alias}/mail", member, a.mail),
		web.Patch("/api/v1/apps/{alias}/mail", member, a.updateMail),
		web.Post("/api/v1/apps/{alias}/mail/sample", member, a.sampleLetter),
		web.Get("/api/v1/apps/{alias}/letters", member, a.letters),
		web.Delete("/api/v1/apps/{alias}/letters/{id}", member, a.dropLetter),
		web.Post("/api/v1/apps/{alias}/letters/{id}/retry", member, a.retryLetter),

		web.Get("/api/v1/apps/{alias}/keys", member, a.keys),
		web.Post("/api/v1/apps/{alias}/keys", member, a.createKey),
		web.Get("/api/v1/apps/{alias}/keys/{seq}", member, a.key),
		web.Patch("/api/v1/apps/{alias}/keys/{seq}", member, a.updateKey),
		web.Delete("/api/v1/apps/{alias}/keys/{seq}", member, a.deleteKey),
		web.Post("/api/v1/apps/{alias}/keys/{seq}/reset", member, a.resetKey),
	}
}

const (
	attemptsPerMinute = 10
	maxBody           = 256 << 10 // an app's settings with a long blocklist fit in
)

// Handler serves the native API. It expects whole paths: nothing may be stripped in front of it.
// The error is a fault of the route table.
func Handler(c Config) (http.Handler, error) {
	a := &api{engine: c.Engine, fixedMail: c.FixedMail, attempts: web.NewLimiter(web.LimiterConfig{
		PerSecond: attemptsPerMinute / 60.0, Burst: attemptsPerMinute, Now: c.Now,
	})}
	mux, err := web.NewMux(web.MuxConfig{
		Begin: begin, Errors: fail, MethodNotAllowed: methodNotAllowed,
		Limits: web.Limits{Body: maxBody}, Log: c.Log,
	}, a.routes())
	if err != nil {
		return nil, fmt.Errorf("native: %w", err)
	}
	return mux, nil
}

// begin sets what stands on every answer: much of it is secret, and none of it is a document to guess the type of.
func begin(w *web.Response, _ *web.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
}
