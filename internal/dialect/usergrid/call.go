package usergrid

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// call is one request on an application: who calls, and where.
type call struct {
	app   *hecate.App
	actor *hecate.Actor // a guest's where nobody had to say who he is
	at    *address
	began time.Time
	onto  *engine.Onto // what is saved is hung on this; nil: on nothing

	prefix string // of the dialect in the path of the request
}

// manager is one request on the management API.
type manager struct {
	actor *hecate.Actor // an admin, an organization's client, or the operator; a powerless guest on open routes
	began time.Time
}

// verbs are what the methods of HTTP ask of the role policy: contracts/usergrid.md 8.1.
var verbs = map[string]hecate.Permissions{
	http.MethodGet: hecate.Read, http.MethodHead: hecate.Read, http.MethodPost: hecate.Create,
	http.MethodPut: hecate.Update, http.MethodDelete: hecate.Delete,
}

// anyone lets in whoever the application knows, without credentials too, where the role policy allows the path as it was typed:
// the first check of contracts/usergrid.md 8.2. The second, on what is found there, is the engine's.
func (a *api) anyone() web.Security[*call] {
	return web.Require("role policy on the path", func(r *web.Request) (*call, error) {
		c, err := a.identified(r)
		if err != nil {
			return nil, err
		}
		if c.actor.User != nil && c.isOwnPath(r.Method) {
			return c, nil
		}
		return c, a.engine.Enter(c.actor, verbs[r.Method], c.typed())
	})
}

// known lets in whoever the application knows, without credentials too; the handler asks the door.
func (a *api) known() web.Security[*call] {
	return web.Require("any caller whose credentials count", a.identified)
}

// managing lets in the application's own client, its organization's client and admins of it.
func (a *api) managing() web.Security[*call] {
	return web.Require("client or admin of the application", func(r *web.Request) (*call, error) {
		c, err := a.identified(r)
		if err != nil {
			return nil, err
		}
		if c.actor.Kind == hecate.Guest || c.actor.Kind == hecate.UserActor {
			return nil, hecate.E(hecate.Forbidden, "enter")
		}
		return c, nil
	})
}

// unproven lets in everybody and looks at no credentials: the way in itself, and pages of mails.
func (a *api) unproven(reason string) web.Security[*call] {
	return web.Require("open: "+reason, func(r *web.Request) (*call, error) {
		c, err := a.begin(r)
		if err != nil {
			return nil, err
		}
		c.actor, err = a.engine.Authenticate(r.Context(), c.app, hecate.Proof{})
		return c, err
	})
}

// begin is the call of a request on an application that exists.
func (a *api) begin(r *web.Request) (*call, error) {
	at, _ := r.Request.Context().Value(addressKey{}).(*address)
	if at == nil {
		return nil, hecate.E(hecate.NotFound, "find application")
	}
	if errors.Is(at.err, hecate.NoApp) {
		return nil, hecate.E(hecate.NoApp, "find application").With("org", at.org).With("app", at.name).With("path", at.uri)
	}
	return &call{app: at.app, at: at, began: a.now(), prefix: r.Prefix()}, at.err
}

// identified is the call with its actor by the request's credentials.
func (a *api) identified(r *web.Request) (*call, error) {
	c, err := a.begin(r)
	if err != nil {
		return nil, err
	}
	c.actor, err = a.authenticate(r, c.app)
	return c, err
}

// typed is the path inside the application in lower case, for the role policy.
func (c *call) typed() string { return policyPath(c.at.path) }

// isOwnPath reports whether a signed-in user asks for himself, which no role can take from him: contracts/usergrid.md 4.4, 8.2.
func (c *call) isOwnPath(method string) bool {
	if method != http.MethodGet && method != http.MethodHead {
		return false
	}
	first, rest, _ := strings.Cut(strings.TrimPrefix(strings.ToLower(routedPath(c.at.path)), "/"), "/")
	return first == "users" && (rest == "me" || rest == string(c.actor.User.ID))
}

// via is the caller as he reaches things by a path inside the application.
func (c *call) via(path string) *hecate.Actor { return engine.Via(c.actor, path) }

// address of the call in answers: "org/app", as the application was created.
func (c *call) fullName() string { return strings.ToLower(c.app.OrgName + "/" + c.app.Name) }

// root is the URL of the application in answers: below the prefix of the dialect, or on the host name that is the dialect's own.
func (a *api) root(r *web.Request, c *call) string {
	public := a.publicURL()
	if public == "" || r.Prefix() != "" {
		return public + r.Prefix() + "/" + c.fullName()
	}
	scheme, _, _ := strings.Cut(public, "://")
	return scheme + "://" + r.Host + "/" + c.fullName()
}

// asManager resolves the caller of the management API.
func (a *api) asManager() web.Security[*manager] {
	return web.Require("admin, organization client or operator", func(r *web.Request) (*manager, error) {
		m := &manager{began: a.now()}
		var err error
		m.actor, err = a.authenticateManager(r)
		return m, err
	})
}

// asService lets in the operator's own account alone.
func (a *api) asService() web.Security[*manager] {
	return web.Require("service admin", func(r *web.Request) (*manager, error) {
		m := &manager{began: a.now()}
		var err error
		if m.actor, err = a.authenticateManager(r); err != nil {
			return nil, err
		}
		if m.actor.Kind != hecate.SystemActor {
			return nil, unauthorized("No system access authorized")
		}
		return m, nil
	})
}

// asNobody lets everybody in.
func (a *api) asNobody(reason string) web.Security[*manager] {
	return web.Require("open: "+reason, func(*web.Request) (*manager, error) {
		return &manager{actor: &hecate.Actor{Subjects: []hecate.Subject{hecate.Public}}, began: a.now()}, nil
	})
}
