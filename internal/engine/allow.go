package engine

import "hecate"

// allow is the one door: it decides, and records what it refuses. The error is of Kind Forbidden.
func (e *Engine) allow(actor *hecate.Actor, p hecate.Policy, want hecate.Permissions, s hecate.Scope, op string) error {
	if actor != nil && p.Allow(actor, want, s) {
		return nil
	}
	e.refused(actor, appOf(actor), op, s.Path, "")
	return hecate.E(hecate.Forbidden, op)
}

// allowArea asks the door for a whole area of the actor's app.
func (e *Engine) allowArea(actor *hecate.Actor, want hecate.Permissions, area hecate.Area, op string) error {
	return e.allow(actor, hecate.Policy{}, want, hecate.Scope{Area: area}, op)
}

func appOf(actor *hecate.Actor) hecate.AppID {
	if actor == nil || actor.App == nil {
		return ""
	}
	return actor.App.ID
}

// System is the actor of the operator of the server: the command line and start-up.
func System() *hecate.Actor {
	a := &hecate.Actor{Kind: hecate.SystemActor, Role: hecate.OwnerRole, Powers: hecate.RolePowers[hecate.OwnerRole]}
	return a
}

// SystemIn is the operator inside one app.
func SystemIn(app *hecate.App) *hecate.Actor {
	a := System()
	a.App = app
	return a
}
