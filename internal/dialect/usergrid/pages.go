package usergrid

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// The pages behind links in letters: contracts/usergrid.md 6.6. Opening one changes nothing, since scanners of mail open links; its form, with the same
// parameters, acts.

// page is one of them. All of it is text, which the template escapes.
type page struct {
	Lang    string
	Title   string
	Problem string // what went wrong
	Done    string // what was done
	Text    string // what the form is for
	Fields  []pageField
	Button  string // "": there is no form

	Style template.CSS
}

type pageField struct {
	Name, Label, Kind, Value, Complete string
	Least                              int // characters; 0: any
}

// pageStyle is the look of the pages; the browser takes no other.
const pageStyle = `body{font:1rem/1.5 sans-serif;max-width:32rem;margin:2rem auto;padding:0 1rem;color:#1c1c1c;background:#fff}` +
	`label{display:block}input{font:inherit;width:100%;box-sizing:border-box;padding:.4rem}button{font:inherit;padding:.4rem 1rem}`

// pagePolicy lets a page be shown with its own style and send its form here, and nothing else.
var pagePolicy = func() string {
	sum := sha256.Sum256([]byte(pageStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
}()

var pageTemplate = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="{{.Lang}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}}</title>
<style>{{.Style}}</style>
</head>
<body>
<main>
<h1>{{.Title}}</h1>
{{with .Problem}}<p role="alert">{{.}}</p>
{{end}}{{with .Done}}<p role="status">{{.}}</p>
{{end}}{{with .Text}}<p>{{.}}</p>
{{end}}{{if .Button}}<form method="post">
{{range .Fields}}{{if eq .Kind "hidden"}}<input type="hidden" name="{{.Name}}" value="{{.Value}}">
{{else}}<p><label for="{{.Name}}">{{.Label}}</label>
<input id="{{.Name}}" name="{{.Name}}" type="{{.Kind}}" value="{{.Value}}" autocomplete="{{.Complete}}" required{{if .Least}} minlength="{{.Least}}"{{end}}></p>
{{end}}{{end}}<p><button type="submit">{{.Button}}</button></p>
</form>
{{end}}</main>
</body>
</html>
`))

// phrases are the texts of the pages in one language. Those that the contract names stand in it word for word in English.
type phrases struct {
	resetTitle, askText, askLabel, askButton     string
	sent, noEmail, unknownEmail, badTicket       string
	setText, setLabel, repeatLabel, setButton    string
	mismatch, noPassword, newPassword, passwords string
	activateTitle, activateText, activateButton  string
	confirmTitle, confirmText, confirmButton     string
	activated, confirmed, deadTicket, tooMany    string
	organizationTitle, organizationText          string
	weak                                         map[string]string // by the engine's reasons; nil: as errors say it
}

// languages are the texts of the pages. The first is what everybody gets whose language is not among them.
var pageLanguages = map[string]*phrases{
	"en": {
		resetTitle: "Reset password",
		askText:    "Enter your email address or username, and you will get an email with a link to choose a new password.",
		askLabel:   "Email or username", askButton: "Send",
		sent:         "Email with instructions for password reset sent to %s",
		noEmail:      "No email provided, try again...",
		unknownEmail: "We don't recognize that email, try again...",
		badTicket:    "Sorry, you have an invalid token. Let's try again...",
		setText:      "Enter your new password for %s.", setLabel: "New password", repeatLabel: "The same password again", setButton: "Set password",
		mismatch:    "Passwords didn't match, let's try again...",
		noPassword:  "No password provided, try again...",
		newPassword: "New password set for %s",
		passwords:   "The password was not accepted: %s",

		activateTitle: "Activate account", activateText: "Activate the account %s?", activateButton: "Activate",
		confirmTitle: "Confirm account", confirmText: "Confirm that %s is the address of your account?", confirmButton: "Confirm",
		activated:  "The account %s has been activated.",
		confirmed:  "The address %s has been confirmed. You will get an email as soon as the account can be used.",
		deadTicket: "Sorry, you have an invalid token. The link may have been used already, or a newer one has been sent.",
		tooMany:    "Too many emails have been sent to this address. Please try again later.",

		organizationTitle: "Activate organization", organizationText: "Organizations are active from the start: there is nothing to do.",
	},
	"de": {
		resetTitle: "Passwort zurücksetzen",
		askText:    "Geben Sie Ihre E-Mail-Adresse oder Ihren Benutzernamen ein. Sie bekommen dann eine E-Mail mit einem Link zu einem neuen Passwort.",
		askLabel:   "E-Mail oder Benutzername", askButton: "Senden",
		sent:         "Eine E-Mail mit der Anleitung zum Zurücksetzen wurde gesendet an %s",
		noEmail:      "Keine E-Mail-Adresse angegeben, bitte versuchen Sie es noch einmal.",
		unknownEmail: "Diese E-Mail-Adresse kennen wir nicht, bitte versuchen Sie es noch einmal.",
		badTicket:    "Dieser Link ist nicht gültig. Bitte fordern Sie einen neuen an.",
		setText:      "Geben Sie das neue Passwort für %s ein.", setLabel: "Neues Passwort", repeatLabel: "Dasselbe Passwort noch einmal", setButton: "Passwort setzen",
		mismatch:    "Die Passwörter sind nicht gleich, bitte versuchen Sie es noch einmal.",
		noPassword:  "Kein Passwort angegeben, bitte versuchen Sie es noch einmal.",
		newPassword: "Das neue Passwort wurde gesetzt für %s",
		passwords:   "Das Passwort wurde nicht angenommen: %s",

		activateTitle: "Konto freischalten", activateText: "Das Konto %s freischalten?", activateButton: "Freischalten",
		confirmTitle: "Konto bestätigen", confirmText: "Bestätigen, dass %s die Adresse Ihres Kontos ist?", confirmButton: "Bestätigen",
		activated:  "Das Konto %s ist freigeschaltet.",
		confirmed:  "Die Adresse %s ist bestätigt. Sie bekommen eine E-Mail, sobald das Konto benutzt werden kann.",
		deadTicket: "Dieser Link ist nicht gültig. Vielleicht wurde er schon benutzt, oder es wurde ein neuerer gesendet.",
		tooMany:    "An diese Adresse wurden zu viele E-Mails gesendet. Bitte versuchen Sie es später noch einmal.",

		organizationTitle: "Organisation freischalten", organizationText: "Organisationen sind von Anfang an freigeschaltet: Es ist nichts zu tun.",
		weak: map[string]string{
			"too_short":          "mindestens %v Zeichen",
			"uppercase_required": "mindestens ein Großbuchstabe",
			"lowercase_required": "mindestens ein Kleinbuchstabe",
			"digit_required":     "mindestens eine Ziffer",
			"symbol_required":    "mindestens ein Sonderzeichen",
			"excluded_word":      "kein zu einfaches Wort",
			"expired":            "das Passwort ist abgelaufen",
			"reused":             "keines der letzten Passwörter",
		},
	},
}

// reader is who reads a page, as far as that decides how it looks.
type reader struct {
	lang string
	*phrases
}

// readerOf finds the language of a page: what the user whom the ticket proves reads, what the browser asks for, what the application
// writes, English.
func readerOf(r *web.Request, app *hecate.App, own string) reader {
	tags := append([]string{own}, acceptedLanguages(r.Header.Get("Accept-Language"))...)
	if app != nil {
		tags = append(tags, app.Settings.Mail.Language)
	}
	for _, tag := range tags {
		base, _, _ := strings.Cut(strings.ToLower(strings.ReplaceAll(tag, "_", "-")), "-")
		if p := pageLanguages[base]; p != nil {
			return reader{base, p}
		}
	}
	return reader{"en", pageLanguages["en"]}
}

// maxAccepted bounds the languages that are looked at.
const maxAccepted = 20

// acceptedLanguages are those of an Accept-Language header, the best first.
func acceptedLanguages(header string) []string {
	type choice struct {
		tag string
		q   float64
	}
	var list []choice
	for part := range strings.SplitSeq(header, ",") {
		tag, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		q := 1.0
		if text, given := strings.CutPrefix(strings.TrimSpace(params), "q="); given {
			q, _ = strconv.ParseFloat(text, 64) // what is no number is not wanted
		}
		if tag = strings.TrimSpace(tag); tag != "" && q > 0 && len(list) < maxAccepted {
			list = append(list, choice{tag, q})
		}
	}
	slices.SortStableFunc(list, func(a, b choice) int {
		switch {
		case a.q > b.q:
			return -1
		case a.q < b.q:
			return 1
		}
		return 0
	})
	out := make([]string, len(list))
	for i, c := range list {
		out[i] = c.tag
	}
	return out
}

// localeOf is the language that a user's profile names, "" where it names none.
func (a *api) localeOf(ctx context.Context, app *hecate.App, u *hecate.User) string {
	profiles, err := a.engine.Profiles(ctx, engine.SystemIn(app), []hecate.UserID{u.ID})
	if err != nil || profiles[u.ID] == nil {
		return "" // a page in English is better than none
	}
	for _, name := range []string{"locale", "language", "lang"} { // as letters do
		if text, ok := profiles[u.ID].Values[name].(string); ok && text != "" {
			return text
		}
	}
	return ""
}

// show sends a page. It may not be framed or kept, and its address, which has a ticket, goes nowhere.
func (rd reader) show(w *web.Response, status int, p page) error {
	p.Lang, p.Style = rd.lang, pageStyle
	var b strings.Builder
	if err := pageTemplate.Execute(&b, p); err != nil {
		return fmt.Errorf("show a page: %w", err)
	}
	h := w.Header()
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Language", rd.lang)
	h.Add("Vary", "Accept-Language")
	w.SetType("text/html; charset=utf-8")
	return w.Bytes(status, []byte(b.String()))
}

// busy sends a page that says that an address has had enough letters; other errors are answered as everywhere.
func (rd reader) busy(w *web.Response, title string, err error) error {
	if !errors.Is(err, hecate.TooMany) {
		return err
	}
	w.Header().Set("Retry-After", strconv.Itoa(retrySeconds(err)))
	return rd.show(w, http.StatusTooManyRequests, page{Title: title, Problem: rd.tooMany})
}

// shortestTicket is the length below which a text is a code for people to type, which is none of a link.
const shortestTicket = 20

// ticketOf is the ticket of a request: of its form, else of its address. ok is false for what cannot be one of a link.
func ticketOf(r *web.Request, f form) (ticket hecate.Secret, ok bool) {
	text := strings.TrimSpace(f.text("token"))
	if text == "" {
		text = strings.TrimSpace(r.QueryOne("token"))
	}
	return hecate.NewSecret(text), len(text) >= shortestTicket
}

// isBadTicket reports whether a ticket does not count, for whatever reason.
func isBadTicket(err error) bool {
	return errors.Is(err, hecate.BadToken) || errors.Is(err, hecate.Expired) || errors.Is(err, hecate.NotFound)
}

// badTicket is the error of what is no ticket at all.
func badTicket() error { return hecate.E(hecate.BadToken, "check ticket").On("token") }

// pageForm reads the form of a page; GET has none.
func pageForm(r *web.Request) (form, error) {
	if r.Method != http.MethodPost {
		return form{r: r}, nil
	}
	return readForm(r)
}

// Where links of letters lead: contracts/usergrid.md 6.5. It is the operator who says under which URL, never the request's Host.

// pagesURL is the base of links in letters, with the dialect's prefix.
func (a *api) pagesURL(prefix string) string {
	if a.pages != nil {
		return a.pages()
	}
	return a.publicURL() + prefix
}

// The settings of an application for pages of its own; docs/settings.md.
const settingPages = "pages"

// userLink is where a letter to a user of an application leads: to the page of that name here, or to the operator's own.
func (a *api) userLink(c *call, name string) string {
	pages, _ := c.app.Settings.Dialects[dialectName][settingPages].(map[string]any)
	if own, _ := pages[name].(string); own != "" {
		return ownPage(own)
	}
	return a.pagesURL(c.prefix) + "/" + url.PathEscape(strings.ToLower(c.app.OrgName)) + "/" + url.PathEscape(strings.ToLower(c.app.Name)) +
		"/users/{user}/" + name + "?token={ticket}"
}

// ownPage is the operator's page with what it has to know of the letter.
func ownPage(link string) string {
	for _, param := range []struct{ mark, name string }{{"{user}", "user"}, {"{ticket}", "token"}} {
		if strings.Contains(link, param.mark) {
			continue
		}
		sign := "?"
		if strings.Contains(link, "?") {
			sign = "&"
		}
		link += sign + param.name + "=" + param.mark
	}
	return link
}

// adminLink is where a letter to an admin leads.
func (a *api) adminLink(r *web.Request, name string) string {
	return a.pagesURL(r.Prefix()) + "/management/users/{admin}/" + name + "?token={ticket}"
}
