package skygear

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// The pages that links in letters lead to. Programs open links too, so opening one changes nothing: the form on the page does.

// wording are the sentences of the pages that contracts/skygear.md 2.9 and 2.10 have word for word, and those of broken password rules.
var wording = web.Pages{English: withWeaknesses(map[hecate.PageText]string{
	hecate.TextResetInvalid:    "Invalid URL",
	hecate.TextResetButton:     "Submit",
	hecate.TextResetEmpty:      "password cannot be empty",
	hecate.TextResetMismatch:   "confirm password does not match the password",
	hecate.TextResetDone:       "Your password is reset successfully.",
	hecate.TextPasswordRefused: "{reason}",
	hecate.TextVerifyDone:      "Your account information is verified successfully.",
	hecate.TextVerifyNoUser:    "missing auth_id",
	hecate.TextVerifyNoCode:    "missing code_str",
	hecate.TextVerifyInvalid:   "code not found",
	hecate.TextVerifyChanged:   textModified,
	hecate.TextVerifyExpired:   textExpired,
})}

// withWeaknesses adds what the wire says of passwords that break a rule.
func withWeaknesses(texts map[hecate.PageText]string) map[hecate.PageText]string {
	for reason, w := range weaknesses {
		texts[hecate.PageText("password_"+reason)] = w.message
	}
	return texts
}

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

// hidden are those of the parameters that were given, for a form to send along.
func (p parameters) hidden(names ...string) []web.PageField {
	var fields []web.PageField
	for _, name := range names {
		if value := p.one(name); value != "" {
			fields = append(fields, web.Hidden(name, value))
		}
	}
	return fields
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

// nowhere is the page of a link that names no app; other errors are answered as everywhere.
func nowhere(w *web.Response, r *web.Request, err error, title, problem hecate.PageText) error {
	if !errors.Is(err, hecate.NoApp) && !errors.Is(err, hecate.BadKey) {
		return err
	}
	rd := wording.Reader(r, nil, "")
	return rd.Show(w, http.StatusBadRequest, web.Page{Title: rd.Says(title), Problem: rd.Says(problem)})
}

// resetPage shows the form for a new password, and takes it.
func (a *api) resetPage(w *web.Response, r *web.Request, _ *call) error {
	p, err := readParameters(r)
	if err != nil {
		return err
	}
	app, err := a.pageApp(r, p)
	if err != nil {
		return nowhere(w, r, err, hecate.TextResetTitle, hecate.TextResetInvalid)
	}
	ends := settingsOf(app).forgot
	t, holder, err := a.openReset(r, app, p)
	rd := wording.Reader(r, app, holder.language)
	var wrong remark
	if err == nil && r.Method == http.MethodPost {
		wrong, err = a.takePassword(r, app, t, p.form)
	}
	title := rd.Says(hecate.TextResetTitle)
	if isFailure(err) {
		told := url.Values{"error": {wording.Contract().Says(hecate.TextResetInvalid)}}
		return endPage(w, rd, http.StatusBadRequest, ends.bad, told, web.Page{Title: title, Problem: rd.Says(hecate.TextResetInvalid)})
	}
	if err != nil {
		return err
	}
	form := web.Page{
		Title: title, Text: rd.Says(hecate.TextResetText, "address", holder.name), Action: "reset-password", Button: rd.Says(hecate.TextResetButton),
		Fields: append(p.hidden("code", "user_id", "expire_at", "app"), web.Whose(holder.name),
			web.NewPassword("password", rd.Says(hecate.TextResetPassword)), web.NewPassword("confirm", rd.Says(hecate.TextResetRepeat))),
		Targets: []string{ends.success, ends.bad},
	}
	told := url.Values{"code": {t.code}, "user_id": {t.user}, "expire_at": {p.one("expire_at")}}
	switch {
	case r.Method != http.MethodPost:
		return rd.Show(w, http.StatusOK, form)
	case wrong != nil:
		form.Problem = wrong(rd)
		told.Set("error", wrong(wording.Contract()))
		return endPage(w, rd, http.StatusOK, ends.bad, told, form)
	}
	return endPage(w, rd, http.StatusOK, ends.success, told, web.Page{Title: title, Done: rd.Says(hecate.TextResetDone, "address", holder.name)})
}

// ticketHolder is whose a ticket is.
type ticketHolder struct {
	name     string // as pages call him
	language string // that he reads
}

// openReset finds whose password a link is about, and uses nothing up. A link that does not count is a failure.
func (a *api) openReset(r *web.Request, app *hecate.App, p parameters) (resetTicket, ticketHolder, error) {
	t := resetTicket{user: p.one("user_id"), code: p.one("code")}
	if t.user == "" || t.code == "" {
		return t, ticketHolder{}, fail(resourceNotFound, textBadCode)
	}
	var err error
	if t.expires, err = seconds(p.one("expire_at")); err != nil {
		return t, ticketHolder{}, err
	}
	u, err := a.checkReset(r, app, t)
	if err != nil {
		return t, ticketHolder{}, err
	}
	language, err := a.engine.UserLanguage(r.Context(), app, u.ID)
	return t, ticketHolder{cmp.Or(u.Username, u.Email), language}, err
}

// remark is what a page says of its form, to whoever reads it.
type remark func(*web.Reader) string

func saying(name hecate.PageText) remark {
	return func(rd *web.Reader) string { return rd.Says(name) }
}

// takePassword sets the password of a form, or says what is wrong with it. A link that does not count any more is a failure.
func (a *api) takePassword(r *web.Request, app *hecate.App, t resetTicket, form url.Values) (remark, error) {
	password := form.Get("password") // never from the address, which logs and histories keep
	switch {
	case password == "":
		return saying(hecate.TextResetEmpty), nil
	case password != form.Get("confirm"):
		return saying(hecate.TextResetMismatch), nil
	}
	err := a.reset(r, app, t, password)
	switch hecate.KindOf(err) {
	case hecate.WeakPassword, hecate.TooLarge, hecate.Invalid:
		return func(rd *web.Reader) string { return rd.Weakness(err, translate(err).message) }, nil
	}
	return nil, err
}

// isFailure reports whether an error is one that the wire knows.
func isFailure(err error) bool {
	var f *failure
	return errors.As(err, &f)
}

// proofTexts are what the page says of codes that do not count.
var proofTexts = map[hecate.Kind]hecate.PageText{
	hecate.BadToken: hecate.TextVerifyInvalid, hecate.Stale: hecate.TextVerifyChanged, hecate.Expired: hecate.TextVerifyExpired,
}

// verifyPage shows a button, and takes the code when it is pressed. Whether the code is right is not looked at before: asking again and again
// would find it. So nobody is proved either whose language the page could speak.
func (a *api) verifyPage(w *web.Response, r *web.Request, _ *call) error {
	p, err := readParameters(r)
	if err != nil {
		return err
	}
	app, err := a.pageApp(r, p)
	if err != nil {
		return nowhere(w, r, err, hecate.TextVerifyTitle, hecate.TextVerifyInvalid)
	}
	verify, rd := settingsOf(app).verify, wording.Reader(r, app, "")
	key, fault, err := a.takeCode(r, app, p)
	if err != nil {
		return err
	}
	ends, known := verify.each[key]
	if !known {
		ends.success, ends.bad = verify.success, verify.bad
	}
	page := web.Page{Title: rd.Says(hecate.TextVerifyTitle)}
	switch {
	case fault != "":
		page.Problem = rd.Says(fault)
		return endPage(w, rd, http.StatusBadRequest, ends.bad, nil, page)
	case r.Method == http.MethodPost:
		page.Done = rd.Says(hecate.TextVerifyDone)
		return endPage(w, rd, http.StatusOK, ends.success, nil, page)
	}
	page.Text, page.Button, page.Action = rd.Says(hecate.TextVerifyText), rd.Says(hecate.TextVerifyButton), "form"
	page.Fields, page.Targets = p.hidden("code", "auth_id", "app"), verify.ends()
	return rd.Show(w, http.StatusOK, page)
}

// takeCode uses the code of a form up, or says what is wrong with the link. The key is the code's, where it was ever right.
func (a *api) takeCode(r *web.Request, app *hecate.App, p parameters) (key string, fault hecate.PageText, err error) {
	user, code := p.one("auth_id"), p.one("code")
	switch {
	case user == "":
		return "", hecate.TextVerifyNoUser, nil
	case code == "":
		return "", hecate.TextVerifyNoCode, nil
	case r.Method != http.MethodPost:
		return "", "", nil
	}
	key, err = a.proveAddress(r.Context(), app, engine.UserRef{Key: user}, code)
	if text, known := proofTexts[hecate.KindOf(err)]; known {
		return key, text, nil
	}
	return key, "", err
}

// endPage goes where the app wants such an end to lead, and says how it went; else it shows a page.
func endPage(w *web.Response, rd *web.Reader, status int, to string, told url.Values, otherwise web.Page) error {
	if to == "" {
		return rd.Show(w, status, otherwise)
	}
	u, err := url.Parse(to) // of the app's settings: there are no others
	if err != nil {
		return err
	}
	if len(told) > 0 { // its own query is kept
		if u.RawQuery != "" {
			u.RawQuery += "&"
		}
		u.RawQuery += told.Encode()
	}
	w.GuardPage()
	return redirect(w, u.String())
}
