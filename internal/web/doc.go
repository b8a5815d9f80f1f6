// Package web knows the mechanics of HTTP: routes that cannot be declared
// without their security, reading bodies under limits, request ids, recovery from
// panics, the access log, CORS, rate limits, and a server that stops cleanly.
//
// It must never know the engine, the store or a dialect: they hand it functions.
//
// A dialect declares its API as one table and says how it answers errors:
//
//	key := web.Require("key", a.keyCaller)    // func(*web.Request) (caller, error)
//	mux, err := web.NewMux(web.MuxConfig{Errors: a.fail, Log: log}, []web.Route[caller]{
//		web.Get("/v1.1/", web.Open[caller]("a list of links, no data"), a.index),
//		web.Post("/v1.1/instances/{instance}/users/", key, a.createUser),
//		web.Post("/v1.1/instances/{instance}/files/", key, a.upload).MaxUpload(128<<20),
//	})
//
// A handler is func(w *web.Response, r *web.Request, caller C) error. What it
// returns, what security refuses, what breaks a limit and what panics all reach
// the same Errors function, as hecate errors.
//
// Around all muxes stands Observe (Serve puts it there): request id, client
// address and one log line per request. A Switch sends host names and path
// prefixes to their handlers and answers /healthz and /readyz.
//
// Limits that a dialect can word go through Errors; only a header block beyond
// twice Limits.HeaderBytes is refused by net/http itself, in plain text.
package web
