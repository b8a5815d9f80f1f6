package usergrid

import (
	"net/http"
	"strings"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// socialRoutes are the ways in by somebody else's word: contracts/usergrid.md 4.8. They are asked about like data: a guest
// needs "get:/auth/facebook".
func (a *api) socialRoutes() []web.Route[*call] {
	var routes []web.Route[*call]
	for name := range socialUsers {
		routes = append(routes,
			web.Get("/auth/"+name, a.anyone(), a.socialLogin(name)),
			web.Post("/auth/"+name, a.anyone(), a.socialLogin(name)))
	}
	return routes
}

// socialUser is how a provider's token is presented, and what a new user of his is called.
type socialUser struct {
	parameter string
	username  func(p *hecate.Profile) string
	name      func(p *hecate.Profile) string
	picture   func(p *hecate.Profile) string
	keep      bool // what the provider says of him becomes a property of its name
}

// socialUsers are the providers of the wire.
var socialUsers = map[string]socialUser{
	"facebook": {
		parameter: "fb_access_token", keep: true,
		username: func(p *hecate.Profile) string { return "fb_" + p.Subject },
		name:     func(p *hecate.Profile) string { return p.Name },
		picture:  func(p *hecate.Profile) string { return "http://graph.facebook.com/" + p.Subject + "/picture" },
	},
	"foursquare": {
		parameter: "fq_access_token", keep: true,
		username: func(p *hecate.Profile) string { return p.Subject },
		name:     func(p *hecate.Profile) string { return p.Name },
		picture:  func(p *hecate.Profile) string { return p.Picture },
	},
	"pingident": {
		parameter: "ping_access_token",
		username:  func(p *hecate.Profile) string { return "pinguser_" + p.Subject },
		name:      func(*hecate.Profile) string { return "pinguser" },
		picture:   func(*hecate.Profile) string { return "" },
	},
}

// socialLogin answers the token of a provider with one of ours.
func (a *api) socialLogin(provider string) web.Handler[*call] {
	kind := socialUsers[provider]
	return func(w *web.Response, r *web.Request, c *call) error {
		token, ttl, err := socialToken(r, kind.parameter)
		if err != nil {
			return err
		}
		l, err := userLife(c.app).asked(ttl)
		if err != nil {
			return err
		}
		if token == "" {
			return invalidRequest("missing access token")
		}
		profile, err := a.engine.SocialProfile(r.Context(), c.app, engine.SocialToken{Provider: provider, Secret: hecate.NewSecret(token)})
		if err != nil {
			return socialFault(err)
		}
		open := l.open()
		result, _, err := a.engine.LoginSocial(r.Context(), c.actor, engine.SocialLoginInput{
			Profile: profile, New: kind.newUser(provider, profile), Admitted: true, Closed: !registrationOpen(c.app), Dialect: dialectName, Open: &open,
		})
		if err != nil {
			return socialFault(err)
		}
		return a.answerUserToken(w, r, c, result, l)
	}
}

// newUser is what a new user of the provider brings.
func (kind socialUser) newUser(provider string, p *hecate.Profile) engine.CreateUserInput {
	values := hecate.Values{}
	set := func(name, value string) {
		if value != "" {
			values[name] = value
		}
	}
	set("name", kind.name(p))
	set("picture", kind.picture(p))
	if kind.keep {
		said := map[string]any{"id": p.Subject}
		for name, value := range map[string]string{"name": p.Name, "email": p.Email, "username": p.Username} {
			if value != "" {
				said[name] = value
			}
		}
		values[provider] = said
	}
	if provider == "foursquare" {
		set("location", p.Location)
	}
	return engine.CreateUserInput{
		Username: kind.username(p), Email: p.Email, Profile: engine.RecordInput{Values: values, Access: noAccess}, Growth: profileGrowth,
	}
}

// socialToken reads the provider's token from a form or JSON, else from the query.
func socialToken(r *web.Request, parameter string) (token string, ttl any, err error) {
	var p payload
	if r.Method == http.MethodPost {
		if p, err = readPayload(r); err != nil {
			return "", nil, err
		}
	}
	if token = p.text(parameter); token == "" {
		token = r.QueryOne(parameter)
	}
	if ttl = p.object["ttl"]; ttl == nil {
		ttl = r.QueryOne("ttl")
	}
	return strings.TrimSpace(token), ttl, nil
}

// socialFault is what the wire says of a provider, of its token, and of whom it stands for.
func socialFault(err error) error {
	d := hecate.Detail(err)
	switch {
	case d.Kind == hecate.Unsupported:
		return invalidRequest("the application has no such provider").because(err)
	case d.Kind == hecate.BadToken:
		return invalidRequest("invalid access token").because(err)
	case d.Kind == hecate.TooMany && d.Field == "provider":
		return &fault{status: http.StatusTooManyRequests, code: "too_many_requests", description: "the provider does not answer, try again later", exception: classRuntime, err: err}
	case d.Kind == hecate.Exists:
		return invalidRequest("an account has this name or address and is not linked to the provider").because(err)
	case d.Kind == hecate.Forbidden && d.Field == "user":
		return invalidRequest("invalid user").because(err)
	}
	return err
}

// providerSettings are the members of a provider's configuration that count.
var providerSettings = []string{"api_url", "client_id", "client_secret"}

// setProvider configures a provider of an application: contracts/usergrid.md 4.8, sia-provider.
func (a *api) setProvider(w *web.Response, r *web.Request, m *manager) error {
	_, app, err := a.orgApp(r, m)
	if err != nil {
		return err
	}
	name := strings.ToLower(strings.TrimSpace(r.QueryOne("provider_key")))
	if _, ok := socialUsers[name]; !ok {
		return illegalArgument("unknown provider: " + name)
	}
	p, err := readPayload(r)
	if err != nil {
		return err
	}
	configured := map[string]any{}
	for _, member := range providerSettings {
		text := p.text(member)
		if len(text) > maxProviderSetting {
			return illegalArgument(member + " is too long")
		}
		configured[member] = text
	}
	if err := a.engine.SetSocialProvider(r.Context(), m.actor, app.ID, name, configured); err != nil {
		return err
	}
	return a.answerManager(w, r, m, reply{action: "post signin provider configuration", status: "ok", application: string(app.ID)})
}

const maxProviderSetting = 2048
