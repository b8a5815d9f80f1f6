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
	return e.allow(actor, hecate.Policy{}, want, hecate.Scope{Area: area, Path: areaPath(actor, area)}, op)
}

// areaPaths are the areas that have a place in the role policy.
var areaPaths = [hecate.AreaCount]string{hecate.AreaUsers: "/users", hecate.AreaGroups: "/groups", hecate.AreaRoles: "/roles"}

// areaPath is where an area stands in the role policy. Whoever presents an app's key is governed by the key's flags there.
func areaPath(actor *hecate.Actor, area hecate.Area) string {
	switch {
	case actor == nil:
		return ""
	case actor.Via != "" && areaPaths[area] != "":
		return actor.Via
	case actor.Key != nil:
		return ""
	}
	return areaPaths[area]
}

// byPath is the permission that a change asks for: that of its own verb where the actor comes by a path, whose grants tell
// the verbs apart; usual where they do not.
func byPath(actor *hecate.Actor, own, usual hecate.Permissions) hecate.Permissions {
	if actor != nil && actor.Via != "" {
		return own
	}
	return usual
}

// Enter asks the door whether the actor may do what is wanted on a path of his app, as somebody typed it. What lies
// there is asked about by the verbs that reach it. Kinds: Forbidden.
func (e *Engine) Enter(actor *hecate.Actor, want hecate.Permissions, path string) error {
	if actor != nil && actor.App != nil && hecate.MayEnter(actor, want, path) {
		return nil
	}
	e.refused(actor, appOf(actor), "enter", path, "")
	return hecate.E(hecate.Forbidden, "enter")
}

// Via is the actor as he reaches things by a path, about which the role policy is asked instead of the things' own.
func Via(actor *hecate.Actor, path string) *hecate.Actor {
	a := *actor
	a.Via = path
	return &a
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
