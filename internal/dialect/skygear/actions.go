package skygear

import (
	"fmt"
	"strings"

	"hecate"
	"hecate/internal/web"
)

// action is one line of the API: its name on the wire, who may take it, what it does.
type action struct {
	name  string // segments are parted by colons; * stands for one segment, see call.segment
	gate  gate
	serve func(w *web.Response, r *web.Request, c *call) error
}

// on makes an action; there is no way to leave the gate out.
func on(name string, g gate, serve func(w *web.Response, r *web.Request, c *call) error) action {
	return action{name: name, gate: g, serve: serve}
}

// call is one request for an action, resolved: what it is for, what it brings, and who asks.
type call struct {
	action  *action
	segment string // what * stood for in the action's name
	args    payload
	proof   hecate.Proof // as presented, without the token where the gate does not look at it
	app     *hecate.App
	actor   *hecate.Actor
	refused error // where nobody has to be logged in: why the user who is may not act
}

// master reports whether the caller holds the master key (or runs the app as an admin).
func (c *call) master() bool {
	a := c.actor
	return a != nil && (a.Key != nil && a.Key.Flags.Has(hecate.Master) || a.Admin != nil && a.Can(hecate.Manage, hecate.AreaUsers))
}

// administers reports whether the caller may manage users and roles.
func (c *call) administers() bool {
	return c.master() || c.actor.User != nil && c.actor.Can(hecate.Manage, hecate.AreaUsers) && c.actor.Can(hecate.Manage, hecate.AreaRoles)
}

// actionTable finds actions by name.
type actionTable map[string]*action

func newActionTable(rows []action) (actionTable, error) {
	t := make(actionTable, len(rows))
	for i := range rows {
		a := &rows[i]
		switch {
		case a.name == "" || a.serve == nil:
			return nil, fmt.Errorf("skygear: action %q is incomplete", a.name)
		case a.gate.name == "":
			return nil, fmt.Errorf("skygear: action %q has no gate", a.name)
		case t[a.name] != nil:
			return nil, fmt.Errorf("skygear: action %q is declared twice", a.name)
		}
		t[a.name] = a
	}
	return t, nil
}

// find returns the action of that name, and what a * in its name stands for.
func (t actionTable) find(name string) (a *action, segment string) {
	if a := t[name]; a != nil {
		return a, ""
	}
	// Only the second of several segments may be anything: sso:google:login.
	first, rest, ok := strings.Cut(name, ":")
	if !ok {
		return nil, ""
	}
	segment, rest, ok = strings.Cut(rest, ":")
	if !ok || segment == "" {
		return nil, ""
	}
	if a := t[first+":*:"+rest]; a != nil {
		return a, segment
	}
	return nil, ""
}

// home is what a request without an action is answered with.
var home = on("", openGate, func(w *web.Response, _ *web.Request, _ *call) error { return answerOK(w) })

// route finds the action that a request names: by its path, else by "action" in its body.
func (t actionTable) route(path string, args payload) (*action, string, error) {
	if a, segment := t.find(actionName(strings.TrimPrefix(path, "/"))); a != nil {
		return a, segment, nil
	}
	named, _ := args["action"].(string)
	if named == "" {
		return &home, "", nil
	}
	if a, segment := t.find(actionName(named)); a != nil {
		return a, segment, nil
	}
	return nil, "", fail(undefinedOperation, textUnmatched)
}

// actionName writes the slashes of a path (and of the client's own sso/google/login) as colons.
func actionName(text string) string { return strings.ReplaceAll(text, "/", ":") }

// resolve is the security of the route that takes all actions: it reads the
// body, finds the action, and asks its gate.
func (a *api) resolve(r *web.Request) (*call, error) {
	args, err := readArgs(r)
	if err != nil {
		return nil, err
	}
	found, segment, err := a.actions.route(r.URL.Path, args)
	if err != nil {
		return nil, err
	}
	c := &call{action: found, segment: segment, args: args, proof: readProof(r, args)}
	if err := a.doors.enter(r, found.gate, c); err != nil {
		return nil, err
	}
	return c, nil
}

// readArgs reads the body, whatever method and media type say. Nothing is {}. Kinds: Malformed, also for JSON that is no object.
func readArgs(r *web.Request) (payload, error) {
	v, err := r.ReadJSON()
	if err != nil {
		return nil, err
	}
	body, err := r.ReadBody(web.Reading{AlwaysJSON: true})
	if err != nil {
		return nil, err
	}
	if body.Kind == web.NoBody {
		return payload{}, nil
	}
	args, ok := v.(map[string]any)
	if !ok {
		return nil, errEmpty400
	}
	return args, nil
}

// serve takes the action of a resolved call.
func (a *api) serve(w *web.Response, r *web.Request, c *call) error { return c.action.serve(w, r, c) }
