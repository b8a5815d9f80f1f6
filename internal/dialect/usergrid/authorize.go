package usergrid

import (
	"errors"
	"net/http"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// authorization is a login in the browser on behalf of a client: contracts/usergrid.md 4.7.
type authorization struct {
	ResponseType, ClientID, RedirectURI, Scope, State, Username string

	in     *hecate.App     // nil: for admins
	target string          // where the token goes, as the page says it; "" where the address is wrong
	fault  hecate.PageText // what went wrong, "" for nothing
}

// readAuthorization reads the parameters of the query, and of the form where one was sent.
func readAuthorization(r *web.Request) (*authorization, map[string][]string, error) {
	form, err := formOf(r)
	if err != nil {
		return nil, nil, err
	}
	param := func(name string) string {
		if values := form[name]; len(values) > 0 {
			return last(values)
		}
		return r.QueryOne(name)
	}
	return &authorization{
		ResponseType: param("response_type"), ClientID: param("client_id"), RedirectURI: param("redirect_uri"), Scope: param("scope"),
		State: param("state"), Username: param("username"),
	}, form, nil
}

// check notes what is wrong with the address of the page.
func (a *api) check(r *web.Request, x *authorization) error {
	_, err := a.engine.FindClient(r.Context(), x.in, x.ClientID)
	if errors.Is(err, hecate.BadKey) {
		x.fault = hecate.TextSignInNoClient
		return nil
	}
	if err != nil {
		return err
	}
	u, ok := web.ReturnURL(x.RedirectURI)
	if !ok || x.in != nil && !mayReturn(x.in, x.RedirectURI) {
		x.fault = hecate.TextSignInNoTarget
		return nil
	}
	x.target = u.Scheme + "://" + u.Host
	return nil
}

// settingRedirects are where an application lets its login page lead; docs/settings.md.
const settingRedirects = "redirect_uris"

// mayReturn reports whether an application lets its login page lead there. One that names no places lets it lead anywhere, as
// the original did: the page says where.
func mayReturn(app *hecate.App, to string) bool {
	list, _ := app.Settings.Dialects[dialectName][settingRedirects].([]any)
	if len(list) == 0 {
		return true
	}
	allowed := make([]string, 0, len(list))
	for _, item := range list {
		if prefix, ok := item.(string); ok && prefix != "" {
			allowed = append(allowed, prefix)
		}
	}
	return web.MayReturn(allowed, to)
}

// show sends the page: the form, and what went wrong.
func (x *authorization) show(w *web.Response, r *web.Request) error {
	rd := wording.Reader(r, x.in, "")
	p := web.Page{Title: rd.Says(hecate.TextSignInTitle)}
	if x.fault != "" {
		p.Problem = rd.Says(x.fault)
	}
	if x.target == "" {
		return rd.Show(w, http.StatusOK, p)
	}
	if p.Text = rd.Says(hecate.TextSignInServerText, "target", x.target); x.in != nil {
		p.Text = rd.Says(hecate.TextSignInText, "app", x.in.Name, "target", x.target)
	}
	p.Targets, p.Button = []string{x.RedirectURI}, rd.Says(hecate.TextSignInButton)
	p.Fields = []web.PageField{
		web.Hidden("response_type", x.ResponseType), web.Hidden("client_id", x.ClientID), web.Hidden("redirect_uri", x.RedirectURI),
		web.Hidden("scope", x.Scope), web.Hidden("state", x.State),
		{Name: "username", Label: rd.Says(hecate.TextSignInName), Value: x.Username, Kind: "text", Autocomplete: "username"},
		{Name: "password", Label: rd.Says(hecate.TextSignInPassword), Kind: "password", Autocomplete: "current-password"},
	}
	return rd.Show(w, http.StatusOK, p)
}

// returnWith sends the browser back with a token: the "code" is one already (contracts/usergrid.md 4.7).
func returnWith(w *web.Response, x *authorization, token hecate.Secret) error {
	u, ok := web.ReturnURL(x.RedirectURI)
	if !ok {
		return illegalArgument("redirect_uri")
	}
	query := u.Query()
	query.Set("code", token.Reveal())
	if x.State != "" {
		query.Set("state", x.State)
	}
	u.RawQuery = query.Encode()
	h := w.Header()
	h.Set("Location", u.String())
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// askUser is the form for users of an application.
func (a *api) askUser(w *web.Response, r *web.Request, c *call) error { return a.ask(w, r, c.app) }

// askAdmin is the form for admins.
func (a *api) askAdmin(w *web.Response, r *web.Request, _ *manager) error { return a.ask(w, r, nil) }

func (a *api) ask(w *web.Response, r *web.Request, in *hecate.App) error {
	x, _, err := readAuthorization(r)
	if err != nil {
		return err
	}
	x.in, x.Username = in, ""
	if err := a.check(r, x); err != nil {
		return err
	}
	return x.show(w, r)
}

// authorizeUser takes the form of a user.
func (a *api) authorizeUser(w *web.Response, r *web.Request, c *call) error {
	return a.authorize(w, r, c.app, func(x *authorization, password hecate.Secret) (hecate.Secret, error) {
		result, err := a.engine.Login(r.Context(), c.actor, engine.LoginInput{
			Login: x.Username, Password: password, From: r.ClientIP(), Dialect: dialectName, Open: new(userLife(c.app).open()),
		})
		if err != nil {
			return hecate.Secret{}, err
		}
		return result.SessionToken, nil
	})
}

// authorizeAdmin takes the form of an admin.
func (a *api) authorizeAdmin(w *web.Response, r *web.Request, _ *manager) error {
	return a.authorize(w, r, nil, func(x *authorization, password hecate.Secret) (hecate.Secret, error) {
		opened, err := a.loginAdmin(r, grant{login: x.Username, password: password}, life{ttl: standardLife})
		if err != nil {
			return hecate.Secret{}, err
		}
		return opened.Token, nil
	})
}

// signInFaults are what the page says of a login that failed.
var signInFaults = map[hecate.Kind]hecate.PageText{
	hecate.UnknownUser: hecate.TextSignInWrong, hecate.WrongPassword: hecate.TextSignInWrong, hecate.UserDisabled: hecate.TextSignInWrong,
	hecate.Unverified: hecate.TextSignInWaits, hecate.Inactive: hecate.TextSignInWaits, hecate.TooMany: hecate.TextSignInTooMany,
}

func (a *api) authorize(w *web.Response, r *web.Request, in *hecate.App, login func(*authorization, hecate.Secret) (hecate.Secret, error)) error {
	x, form, err := readAuthorization(r)
	if err != nil {
		return err
	}
	x.in = in
	if err := a.check(r, x); err != nil {
		return err
	}
	if x.fault != "" {
		return x.show(w, r)
	}
	token, err := login(x, hecate.NewSecret(last(form["password"])))
	if x.fault = signInFaults[hecate.KindOf(err)]; err != nil && x.fault != "" {
		return x.show(w, r)
	}
	if err != nil {
		return err
	}
	return returnWith(w, x, token)
}
