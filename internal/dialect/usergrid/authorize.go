package usergrid

import (
	"errors"
	"html/template"
	"net/http"
	"strings"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// authorization is a login in the browser on behalf of a client: contracts/usergrid.md 4.7.
type authorization struct {
	ResponseType, ClientID, RedirectURI, Scope, State, Username string

	Client string // whom it is for, as the page says it
	Target string // where the token goes, as the page says it
	Error  string
	Ask    bool // show the form
}

// authorizePage shows the form, or what is wrong with the address. What comes from outside is escaped by the template.
var authorizePage = template.Must(template.New("authorize").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Sign in</title></head><body>
<h1>Sign in</h1>
{{with .Error}}<p role="alert">{{.}}</p>{{end}}
{{if .Ask}}<form method="post">
<p>{{.Client}} will be opened at <b>{{.Target}}</b> in your name.</p>
<input type="hidden" name="response_type" value="{{.ResponseType}}">
<input type="hidden" name="client_id" value="{{.ClientID}}">
<input type="hidden" name="redirect_uri" value="{{.RedirectURI}}">
<input type="hidden" name="scope" value="{{.Scope}}">
<input type="hidden" name="state" value="{{.State}}">
<p><label>Username or e-mail <input name="username" value="{{.Username}}" autocomplete="username"></label></p>
<p><label>Password <input name="password" type="password" autocomplete="current-password"></label></p>
<p><button>Sign in</button></p>
</form>{{end}}
</body></html>
`))

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

// check says on the page what is wrong with the address, and reports whether nothing is. in is the application, nil outside.
func (a *api) check(r *web.Request, in *hecate.App, x *authorization) (bool, error) {
	_, err := a.engine.FindClient(r.Context(), in, x.ClientID)
	if errors.Is(err, hecate.BadKey) {
		x.Error = "The address names no client that is known here."
		return false, nil
	}
	if err != nil {
		return false, err
	}
	u, ok := web.ReturnURL(x.RedirectURI)
	if !ok || in != nil && !mayReturn(in, x.RedirectURI) {
		x.Error = "The address names no place to return to."
		return false, nil
	}
	x.Target = u.Scheme + "://" + u.Host
	x.Client = "This server"
	if in != nil {
		x.Client = in.Name
	}
	return true, nil
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

// showAuthorization sends the page. It may not be framed, and its address, which has the state of the client, goes nowhere.
func showAuthorization(w *web.Response, x *authorization) error {
	var b strings.Builder
	if err := authorizePage.Execute(&b, x); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.SetType("text/html; charset=utf-8")
	return w.Bytes(http.StatusOK, []byte(b.String()))
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
	x.Username = ""
	if x.Ask, err = a.check(r, in, x); err != nil {
		return err
	}
	return showAuthorization(w, x)
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

func (a *api) authorize(w *web.Response, r *web.Request, in *hecate.App, login func(*authorization, hecate.Secret) (hecate.Secret, error)) error {
	x, form, err := readAuthorization(r)
	if err != nil {
		return err
	}
	if x.Ask, err = a.check(r, in, x); err != nil {
		return err
	}
	if !x.Ask {
		return showAuthorization(w, x)
	}
	token, err := login(x, hecate.NewSecret(last(form["password"])))
	switch hecate.KindOf(err) {
	case hecate.UnknownUser, hecate.WrongPassword, hecate.UserDisabled:
		x.Error = "Username or password do not match"
		return showAuthorization(w, x)
	case hecate.Unverified, hecate.Inactive:
		x.Error = "The account has yet to be confirmed or approved."
		return showAuthorization(w, x)
	case hecate.TooMany:
		x.Error = "Too many attempts; try again later."
		return showAuthorization(w, x)
	}
	if err != nil {
		return err
	}
	return returnWith(w, x, token)
}
