package skygear

import (
	"cmp"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// The pages that links in letters lead to. Programs open links too, so opening one changes nothing: the form on the page does.

const (
	textBadURL       = "Invalid URL"
	textVerified     = "Your account information is verified successfully."
	textReset        = "Your password is reset successfully."
	textNothingTyped = "password cannot be empty"
	textMismatch     = "confirm password does not match the password"
	textNoCode       = "code not found"
)

// parameters are what a page was given: the form where one was sent, else the query.
type parameters struct{ form, query url.Values }

func (p parameters) one(name string) string {
	for _, from := range [...]url.Values{p.form, p.query} {
		if list := from[name]; len(list) > 0 {
			return list[len(list)-1]
		}
	}
	return ""
}

func readParameters(r *web.Request) (parameters, error) {
	p := parameters{query: r.Query()}
	if r.Method != http.MethodPost {
		return p, nil
	}
	body, err := r.ReadBody(web.Reading{})
	if err != nil {
		return p, err
	}
	p.form = body.Form
	return p, nil
}

// sheet is what a page shows. The zero values are left out.
type sheet struct {
	Title, Text, Error string
	Action             string            // of the form, "" for none
	Passwords          bool              // the form asks for a new password, twice
	Username           string            // whose password it is, for the browser that keeps passwords
	Button             string            // of the form
	Hidden             map[string]string // what the form sends along
}

// pageApp finds the app of a page: that of the host name, else of a key, else the one that the link names.
func (a *api) pageApp(r *web.Request, p parameters) (*hecate.App, error) {
	app, err := a.doors.place(r, readPageProof(r))
	if errors.Is(err, hecate.NoApp) {
		if alias := p.one("app"); alias != "" {
			return a.engine.AppByAlias(r.Context(), alias)
		}
	}
	return app, err
}

// noApp reports whether an error says that there is no such app.
func noApp(err error) bool { return errors.Is(err, hecate.NoApp) || errors.Is(err, hecate.BadKey) }

// resetPage shows the form for a new password, and takes it.
func (a *api) resetPage(w *web.Response, r *web.Request, _ *call) error {
	p, err := readParameters(r)
	if err != nil {
		return err
	}
	app, err := a.pageApp(r, p)
	if noApp(err) {
		return showPage(w, http.StatusBadRequest, "", sheet{Title: "Reset password", Error: textBadURL})
	}
	if err != nil {
		return err
	}
	s := settingsOf(app).forgot
	t, valid := pageTicket(p)
	name := ""
	if valid {
		var u *hecate.User
		if u, err = a.checkReset(r, app, t); err == nil {
			name = cmp.Or(u.Username, u.Email)
		}
		valid = err == nil
	}
	if err != nil && !isFailure(err) {
		return err
	}
	if !valid {
		return endPage(w, http.StatusBadRequest, s.bad, url.Values{"error": {textBadURL}}, sheet{Title: "Reset password", Error: textBadURL})
	}
	given := url.Values{"code": {t.code}, "user_id": {t.user}, "expire_at": {p.one("expire_at")}}
	form := sheet{
		Title: "Reset password", Action: "reset-password", Passwords: true, Username: name, Button: "Submit",
		Hidden: map[string]string{"code": t.code, "user_id": t.user, "expire_at": p.one("expire_at"), "app": p.one("app")},
	}
	if r.Method != http.MethodPost {
		return showPage(w, http.StatusOK, formTargets(s.success, s.bad), form)
	}
	fault, err := a.takePassword(r, app, t, p)
	if err != nil {
		return err
	}
	if fault == "" {
		return endPage(w, http.StatusOK, s.success, given, sheet{Title: "Reset password", Text: textReset})
	}
	if form.Error = fault; s.bad != "" {
		given.Set("error", fault)
		return redirectWith(w, s.bad, given)
	}
	return showPage(w, http.StatusOK, formTargets(s.success, s.bad), form)
}

// takePassword sets the password of a form, or says what is wrong with it.
func (a *api) takePassword(r *web.Request, app *hecate.App, t resetTicket, p parameters) (fault string, err error) {
	password := p.form.Get("password") // never from the address, which logs and histories keep
	switch {
	case password == "":
		return textNothingTyped, nil
	case password != p.form.Get("confirm"):
		return textMismatch, nil
	}
	err = a.reset(r, app, t, password)
	switch hecate.KindOf(err) {
	case hecate.Internal:
		if err != nil && !isFailure(err) {
			return "", err
		}
	case hecate.TooMany: // overloaded: the same form serves again
		return "", err
	}
	if err == nil {
		return "", nil
	}
	return translate(err).message, nil
}

// pageTicket reads what a link about a forgotten password carries.
func pageTicket(p parameters) (resetTicket, bool) {
	t := resetTicket{user: p.one("user_id"), code: p.one("code")}
	expires, err := seconds(p.one("expire_at"))
	t.expires = expires
	return t, err == nil && t.user != "" && t.code != ""
}

// isFailure reports whether an error is one that the wire knows.
func isFailure(err error) bool {
	var f *failure
	return errors.As(err, &f)
}

// verifyPage shows a button, and takes the code when it is pressed.
func (a *api) verifyPage(w *web.Response, r *web.Request, _ *call) error {
	p, err := readParameters(r)
	if err != nil {
		return err
	}
	const title = "Verify your account"
	app, err := a.pageApp(r, p)
	if noApp(err) {
		return showPage(w, http.StatusBadRequest, "", sheet{Title: title, Error: textNoCode})
	}
	if err != nil {
		return err
	}
	v := settingsOf(app).verify
	user, code := p.one("auth_id"), p.one("code")
	fault := ""
	switch {
	case user == "":
		fault = "missing auth_id"
	case code == "":
		fault = "missing code_str"
	case r.Method != http.MethodPost:
		// Whether the code is right is not looked at: asking again and again would find it.
		return showPage(w, http.StatusOK, formTargets(v.success, v.bad), sheet{
			Title: title, Text: "Press the button to confirm that this address is yours.", Action: "form", Button: "Verify",
			Hidden: map[string]string{"code": code, "auth_id": user, "app": p.one("app")},
		})
	default:
		err = a.proveAddress(r.Context(), app, engine.UserRef{Key: user}, code)
		if fault = proofFault(err); fault == "" && hecate.KindOf(err) == hecate.BadToken {
			fault = textNoCode
		}
		if fault == "" && err != nil {
			return err
		}
	}
	if fault != "" {
		return endPage(w, http.StatusBadRequest, v.bad, nil, sheet{Title: title, Error: fault})
	}
	return endPage(w, http.StatusOK, v.success, nil, sheet{Title: title, Text: textVerified})
}

// endPage goes where the app wants such an end to lead, else shows a page.
func endPage(w *web.Response, status int, to string, with url.Values, otherwise sheet) error {
	if to != "" {
		return redirectWith(w, to, with)
	}
	return showPage(w, status, "", otherwise)
}

// redirectWith goes to a URL of the app's settings, the only ones there are. Its own query is kept, and values are added.
func redirectWith(w *web.Response, to string, with url.Values) error {
	u, err := url.Parse(to)
	if err != nil {
		return err
	}
	if len(with) > 0 {
		if u.RawQuery != "" {
			u.RawQuery += "&"
		}
		u.RawQuery += with.Encode()
	}
	pageHeaders(w, "")
	return redirect(w, u.String())
}

// formTargets are the origins that the answer to a form may lead to: browsers hold the policy against redirects too.
func formTargets(urls ...string) string {
	targets := ""
	for _, to := range urls {
		if u, err := url.Parse(to); err == nil && u.Host != "" && !strings.ContainsAny(u.Host, " ;,") {
			targets += " " + u.Scheme + "://" + u.Host
		}
	}
	return targets
}

// pageHeaders keep a page out of frames and caches, and its address, which carries a ticket, from other sites.
func pageHeaders(w *web.Response, targets string) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'"+targets+"; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
}

func showPage(w *web.Response, status int, targets string, p sheet) error {
	var b strings.Builder
	if err := sheetPage.Execute(&b, p); err != nil {
		return err
	}
	pageHeaders(w, targets)
	w.SetType("text/html; charset=utf-8")
	return w.Bytes(status, []byte(b.String()))
}

var sheetPage = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{{.Title}}</title>
<style>body{font:1rem/1.5 sans-serif;max-width:32rem;margin:3rem auto;padding:0 1rem}label,input,button{display:block;font:inherit}
input{width:100%;box-sizing:border-box;margin-bottom:1rem;padding:.4rem}button{padding:.4rem 1.2rem}</style></head>
<body><main><h1>{{.Title}}</h1>
{{with .Error}}<p role="alert">{{.}}</p>
{{end}}{{with .Text}}<p>{{.}}</p>
{{end}}{{if .Action}}<form method="post" action="{{.Action}}">
{{range $name, $value := .Hidden}}{{if $value}}<input type="hidden" name="{{$name}}" value="{{$value}}">
{{end}}{{end}}{{if .Passwords}}<input type="text" name="username" autocomplete="username" value="{{.Username}}" readonly hidden>
<label for="password">New password</label><input id="password" type="password" name="password" autocomplete="new-password" required autofocus>
<label for="confirm">New password, again</label><input id="confirm" type="password" name="confirm" autocomplete="new-password" required>
{{end}}<button type="submit">{{.Button}}</button>
</form>
{{end}}</main></body></html>
`))
