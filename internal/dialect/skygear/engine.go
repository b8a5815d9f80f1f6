package skygear

import (
	"context"
	"errors"
	"strings"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// dialectName is how the engine's lists of sessions call this dialect.
const dialectName = "skygear"

// godID is what the old server called the user of a master key that names none: here it is nobody.
const godID = "_god"

// engineDoors are the doors of the engine. hostApp may be nil.
func (a *api) engineDoors(hostApp func(host string) string) doors {
	d := doors{
		appByKey:      a.engine.AppByKey,
		authenticate:  a.authenticate,
		passwordValid: func(_ context.Context, actor *hecate.Actor) error { return a.engine.PasswordValid(actor) },
		verified:      a.verifiedUser,
	}
	if hostApp != nil {
		d.appByHost = func(r *web.Request) (*hecate.App, error) { return a.appNamed(r.Context(), hostApp(r.Host)) }
	}
	return d
}

// appNamed finds the app that a host name stands for: "alias" or "org/name". Kinds: NoApp for "".
func (a *api) appNamed(ctx context.Context, name string) (*hecate.App, error) {
	if name == "" {
		return nil, hecate.E(hecate.NoApp, "find app of host")
	}
	var app *hecate.App
	var err error
	if org, own, ok := strings.Cut(name, "/"); ok {
		app, err = a.engine.AppByName(ctx, org, own)
	} else {
		app, err = a.engine.AppByAlias(ctx, name)
	}
	if errors.Is(err, hecate.NoApp) {
		// Not NoApp: then the key would decide, and this host serves one app alone.
		return nil, fail(notConfigured, "the app of this host name does not exist")
	}
	return app, err
}

// authenticate is Engine.Authenticate, which also makes the users that a master key acts as: contracts/skygear.md 1.1.
func (a *api) authenticate(ctx context.Context, app *hecate.App, p hecate.Proof) (*hecate.Actor, error) {
	if p.User == godID {
		p.User = ""
	}
	actor, err := a.engine.Authenticate(ctx, app, p)
	if actor == nil || p.User == "" || !errors.Is(err, hecate.UnknownUser) {
		return actor, err
	}
	in := engine.CreateUserInput{Key: p.User, Dialect: dialectName}
	if in.Profile, err = a.newProfile(ctx, app, nil); err != nil {
		return nil, err
	}
	if _, err := a.engine.CreateUser(ctx, actor, in); err != nil && !errors.Is(err, hecate.Exists) {
		return nil, err
	}
	return a.engine.Authenticate(ctx, app, p)
}
