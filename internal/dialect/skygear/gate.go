package skygear

import (
	"context"
	"errors"
	"net/http"

	"hecate"
	"hecate/internal/web"
)

// gate is who may take an action. The zero gate is none: newAPI refuses a table that has it.
type gate struct {
	name        string
	key         keyRule
	user        userRule
	verified    bool                // a user whom the app wants verified must be
	oldPassword bool                // an expired password is good enough
	may         func(c *call) error // the last question, nil when there is none
}

// keyRule is what an action asks of key and token.
type keyRule uint8

const (
	keyFree    keyRule = iota // nothing, the action is about no app
	keyIgnored                // nothing, but the app must be known; what is wrong counts as absent
	keyNeeded                 // an API key; tokens are not looked at
	keyOrToken                // one of the two, and none that is wrong
)

// userRule is what an action asks of the user.
type userRule uint8

const (
	userUnasked  userRule = iota // whether the user may act is not asked
	userOptional                 // a user who may not act counts as nobody
	userOrMaster                 // a user who may act, or the master key alone
	userNeeded                   // a user who may act
)

// The gates, contracts/skygear.md 1.5. An action is declared with one of them.
var (
	openGate         = gate{name: "open"}
	plainLambda      = gate{name: "plain lambda", key: keyIgnored, user: userOptional, oldPassword: true}
	userLambda       = gate{name: "user lambda", key: keyOrToken, user: userNeeded, verified: true}
	keyOnly          = gate{name: "key", key: keyNeeded}
	masterKey        = gate{name: "master key", key: keyNeeded, may: mayMaster}
	devOnly          = gate{name: "dev only", key: keyNeeded, may: mayDevelop}
	tokenOnly        = gate{name: "token", key: keyOrToken}
	optionalUser     = gate{name: "optional user", key: keyOrToken, user: userOptional}
	verifiedOptional = gate{name: "optional verified user", key: keyOrToken, user: userOptional, verified: true}
	verifiedUser     = gate{name: "verified user", key: keyOrToken, user: userNeeded, verified: true}
	verifiedOrMaster = gate{name: "verified user or master key", key: keyOrToken, user: userOrMaster, verified: true}
	passwordChange   = gate{name: "user with any password", key: keyOrToken, user: userNeeded, verified: true, oldPassword: true}
	administrator    = gate{name: "administrator", key: keyOrToken, user: userOptional, may: mayAdminister}
)

// doors is what the gates ask of the engine. Functions that may be nil say so.
type doors struct {
	// appByKey finds the app of an API key. Kinds: BadKey.
	appByKey func(ctx context.Context, key hecate.Secret) (*hecate.App, error)
	// appByHost finds the app that the host name of the request stands for; nil: none has one. Kinds: NoApp.
	appByHost func(r *web.Request) (*hecate.App, error)
	// authenticate is Engine.Authenticate: BadKey without an actor; BadToken, Expired and UserDisabled with the
	// actor as it is without the token.
	authenticate func(ctx context.Context, app *hecate.App, p hecate.Proof) (*hecate.Actor, error)
	// passwordValid refuses a user whose password is too old; nil: none is. Kinds: WeakPassword with Info "reason" "expired".
	passwordValid func(ctx context.Context, actor *hecate.Actor) error
	// verified refuses a user who must verify an address first; nil: none must. Kinds: Unverified.
	verified func(ctx context.Context, actor *hecate.Actor) error
}

// enter asks all questions of the gate in the order that decides which refusal
// wins, and completes the call with app and actor.
func (d *doors) enter(r *web.Request, g gate, c *call) error {
	if g.key == keyFree {
		return nil
	}
	if g.key == keyIgnored {
		return d.enterLoosely(r, g, c)
	}
	if err := g.key.presented(&c.proof); err != nil {
		return err
	}
	refused, err := d.authenticated(r, c)
	if err != nil {
		return err
	}
	if err := d.askUser(r.Context(), g, c, refused); err != nil {
		return err
	}
	if g.may != nil {
		return g.may(c)
	}
	return nil
}

// presented checks that there is what the rule needs, and drops what it does not look at.
func (k keyRule) presented(p *hecate.Proof) error {
	switch {
	case k == keyNeeded && p.Key.IsZero():
		return fail(notAuthenticated, textNoKey)
	case k == keyNeeded:
		p.Token = hecate.Secret{}
	case p.Key.IsZero() && p.Token.IsZero():
		return fail(notAuthenticated, textNothingGiven)
	}
	return nil
}

// authenticated finds app and actor. A user who may not act comes back as
// refused: what it means depends on the action. All else that is wrong is err.
func (d *doors) authenticated(r *web.Request, c *call) (refused, err error) {
	if c.app, err = d.place(r, c.proof); err != nil {
		return nil, badKey(err, c.proof)
	}
	c.actor, err = d.authenticate(r.Context(), c.app, c.proof)
	switch {
	case err == nil:
		return nil, nil
	case c.actor != nil && errors.Is(err, hecate.UserDisabled):
		return err, nil
	}
	return nil, badKey(err, c.proof)
}

// place finds the app: what the host name stands for, else what the key belongs to.
func (d *doors) place(r *web.Request, p hecate.Proof) (*hecate.App, error) {
	if d.appByHost != nil {
		app, err := d.appByHost(r)
		if !errors.Is(err, hecate.NoApp) {
			return app, err
		}
	}
	if p.Key.IsZero() {
		// A token alone says nothing about its app.
		return nil, hecate.E(hecate.NoApp, "find app")
	}
	return d.appByKey(r.Context(), p.Key)
}

// badKey tells the client which key it was that it sent.
func badKey(err error, p hecate.Proof) error {
	if errors.Is(err, hecate.BadKey) {
		return fail(accessKeyNotAccepted, "Cannot verify api key: `"+p.Key.Reveal()+"`")
	}
	return err
}

// askUser asks whether the user may act: enabled, password, verification.
func (d *doors) askUser(ctx context.Context, g gate, c *call, refused error) error {
	if g.user == userUnasked {
		return nil
	}
	if refused == nil && c.actor.User != nil && !g.oldPassword && d.passwordValid != nil {
		if refused = d.passwordValid(ctx, c.actor); refused != nil && hecate.KindOf(refused) == hecate.Internal {
			return refused
		}
	}
	if refused != nil {
		if g.user != userOptional {
			return refused
		}
		return d.withoutUser(ctx, c)
	}
	if c.actor.User == nil {
		if g.user == userNeeded || g.user == userOrMaster && !c.master() {
			return fail(notAuthenticated, textLoginFirst)
		}
		return nil
	}
	if g.verified && !c.master() && d.verified != nil {
		return d.verified(ctx, c.actor)
	}
	return nil
}

// withoutUser makes the call that of nobody: a user who may not act is treated so where none is needed.
func (d *doors) withoutUser(ctx context.Context, c *call) error {
	if c.actor.User == nil {
		return nil
	}
	var err error
	p := c.proof
	p.Token, p.User = hecate.Secret{}, ""
	c.actor, err = d.authenticate(ctx, c.app, p)
	return err
}

// enterLoosely lets everybody in: a wrong key or token only means that nobody is logged in.
func (d *doors) enterLoosely(r *web.Request, g gate, c *call) error {
	app, err := d.place(r, c.proof)
	if errors.Is(err, hecate.BadKey) {
		return hecate.E(hecate.NoApp, "find app") // no app, so nothing to be nobody in
	}
	if err != nil {
		return err
	}
	c.app = app
	c.actor, err = d.authenticate(r.Context(), app, c.proof)
	if errors.Is(err, hecate.BadKey) {
		c.actor, err = d.authenticate(r.Context(), app, hecate.Proof{})
	}
	if err != nil && (c.actor == nil || hecate.KindOf(err) == hecate.Internal) {
		return err
	}
	if errors.Is(err, hecate.UserDisabled) {
		c.refused = err
	}
	return d.askUser(r.Context(), g, c, nil)
}

// mayMaster asks for the master key.
func mayMaster(c *call) error {
	if c.master() {
		return nil
	}
	// 401, not the code's 403: contracts/skygear.md 1.5.
	return fail(permissionDenied, textNotMaster).as(http.StatusUnauthorized)
}

// mayDevelop asks for the master key where the old server's default, a switch for developers, let everybody in.
func mayDevelop(c *call) error {
	if c.master() {
		return nil
	}
	return fail(permissionDenied, textDevOnly)
}

// mayAdminister asks for the master key, or a user with an admin role.
func mayAdminister(c *call) error {
	switch {
	case c.administers():
		return nil
	case c.actor.User == nil:
		return fail(notAuthenticated, textUserFirst)
	}
	return fail(permissionDenied, textNotAdmin).as(http.StatusUnauthorized)
}
