package web

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"hecate"
)

// The pages that links in letters lead to. Programs open links too, so opening one changes nothing: its form, with the same parameters, acts.

// Page is one of them, or the answer to its form. All of it is text, which the template escapes.
type Page struct {
	Title   string
	Problem string // what went wrong
	Done    string // what was done
	Text    string // what the form is for
	Fields  []PageField
	Button  string   // "": there is no form
	Action  string   // where the form goes; "": to the page itself
	Targets []string // URLs that the answer to the form may lead to
}

// PageField is an input of a page's form.
type PageField struct {
	Name, Label, Value string
	Kind               string // of the input: "text", "password", "hidden"; UsernameField
	Autocomplete       string
	Least              int // characters; 0: any
}

// UsernameField is the Kind of a field that nobody sees: it tells a browser that keeps passwords whose the new one is.
const UsernameField = "username"

// Hidden is a field that a form sends along.
func Hidden(name, value string) PageField { return PageField{Name: name, Value: value, Kind: "hidden"} }

// NewPassword is a field for a new password.
func NewPassword(name, label string) PageField {
	return PageField{Name: name, Label: label, Kind: "password", Autocomplete: "new-password"}
}

// Whose is the field that says whose password a form sets.
func Whose(name string) PageField {
	return PageField{Name: "username", Value: name, Kind: UsernameField, Autocomplete: "username"}
}

// pageStyle is the look of the pages; the browser takes no other. Long names wrap, and the colors are the reader's own.
const pageStyle = `:root{color-scheme:light dark}body{font:1rem/1.5 sans-serif;max-width:32rem;margin:2rem auto;padding:0 1rem;overflow-wrap:anywhere}` +
	`label{display:block}input{font:inherit;width:100%;box-sizing:border-box;padding:.4rem}button{font:inherit;padding:.4rem 1rem}`

var pageStyleHash = func() string {
	sum := sha256.Sum256([]byte(pageStyle))
	return base64.StdEncoding.EncodeToString(sum[:])
}()

var pageTemplate = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="{{.Lang}}"{{if .RightToLeft}} dir="rtl"{{end}}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Heading}}</title>
<style>{{.Style}}</style>
</head>
<body>
<main>
<h1>{{.Title}}</h1>
{{with .Problem}}<div id="problem" role="alert"><p>{{.}}</p></div>
{{end}}{{with .Done}}<div role="status"><p>{{.}}</p></div>
{{end}}{{with .Text}}<p>{{.}}</p>
{{end}}{{if .Button}}<form method="post"{{with .Action}} action="{{.}}"{{end}}>
{{range .Fields}}{{if eq .Kind "hidden"}}<input type="hidden" name="{{.Name}}" value="{{.Value}}">
{{else if eq .Kind "username"}}<input type="text" name="{{.Name}}" value="{{.Value}}" autocomplete="{{.Autocomplete}}" readonly hidden>
{{else}}<p><label for="{{.Name}}">{{.Label}}</label>
<input id="{{.Name}}" name="{{.Name}}" type="{{.Kind}}" value="{{.Value}}" autocomplete="{{.Autocomplete}}" required
{{- if .Least}} minlength="{{.Least}}"{{end}}{{if $.Problem}} aria-describedby="problem"{{end}}{{if eq .Name $.Focus}} autofocus{{end}}></p>
{{end}}{{end}}<p><button type="submit">{{.Button}}</button></p>
</form>
{{end}}</main>
</body>
</html>
`))

// Pages are those of one dialect.
type Pages struct {
	// English are the sentences that the dialect's contract has word for word, in place of ours.
	English map[hecate.PageText]string
}

// Reader is who reads a page, as far as that decides what it says.
type Reader struct {
	lang  string
	app   string
	texts []map[hecate.PageText]string // the best first
}

// Reader finds the language of a page: what the user whom a ticket proves reads (own, "" for nobody), what the browser asks for, what the
// app writes, English. app is nil where a page is about none. What its language does not say the app's says, else English.
func (p Pages) Reader(r *Request, app *hecate.App, own string) *Reader {
	rd := &Reader{lang: english}
	var texts hecate.PageTexts
	chain := []string{english}
	if app != nil {
		rd.app, texts = app.Name, app.Settings.Pages
		chain = hecate.Languages(app.Settings.Mail.Language, english)
	}
	wanted := append([]string{own}, acceptedLanguages(r.Header.Get("Accept-Language"))...)
	for _, tag := range append(hecate.Languages(wanted...), chain...) {
		if texts[tag] != nil || pageLanguages[tag] != nil {
			rd.lang = tag
			break
		}
	}
	for _, tag := range hecate.Languages(append([]string{rd.lang}, chain...)...) {
		rd.texts = append(rd.texts, texts[tag])
		if tag == english {
			rd.texts = append(rd.texts, p.English)
		}
		rd.texts = append(rd.texts, pageLanguages[tag])
	}
	return rd
}

// Says is a text in the reader's language. marks are its marks and what stands in their place, in turn.
func (rd *Reader) Says(name hecate.PageText, marks ...string) string {
	for _, texts := range rd.texts {
		if text, ok := texts[name]; ok {
			return fillMarks(text, marks)
		}
	}
	return ""
}

// Contract is who reads what the dialect's contract says: programs, to which a page's end is told in a URL.
func (p Pages) Contract() *Reader {
	return &Reader{lang: english, texts: []map[hecate.PageText]string{p.English, pageLanguages[english]}}
}

func fillMarks(text string, marks []string) string {
	pairs := make([]string, len(marks))
	for i := 0; i+1 < len(marks); i += 2 {
		pairs[i], pairs[i+1] = "{"+marks[i]+"}", shown(marks[i+1])
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// maxShown is how many characters of what others chose a page shows; an address has 254.
const maxShown = 300

// shown is what others chose, kept from turning the direction of the text around it, and from filling the page.
func shown(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > maxShown {
		return string(runes[:maxShown]) + "…"
	}
	return text
}

// Weakness is why a password was refused, otherwise where the error does not say it by a reason that has a text.
func (rd *Reader) Weakness(err error, otherwise string) string {
	d := hecate.Detail(err)
	reason, _ := d.Info["reason"].(string)
	name := hecate.PageText("password_" + reason)
	text := rd.Says(name, "min", fmt.Sprint(d.Info["min_length"]))
	if d.Kind != hecate.WeakPassword || text == "" || name == hecate.TextPasswordRefused {
		text = otherwise
	}
	return rd.Says(hecate.TextPasswordRefused, "reason", text)
}

// Show sends a page.
func (rd *Reader) Show(w *Response, status int, p Page) error {
	view := struct {
		Page
		Lang, Heading, Focus string
		RightToLeft          bool
		Style                template.CSS
	}{p, rd.lang, rd.heading(p), firstInput(p.Fields), rightToLeft(rd.lang), pageStyle}
	var b strings.Builder
	if err := pageTemplate.Execute(&b, view); err != nil {
		return fmt.Errorf("show a page: %w", err)
	}
	w.GuardPage(p.Targets...)
	h := w.Header()
	h.Set("Content-Language", rd.lang)
	h.Add("Vary", "Accept-Language")
	w.SetType("text/html; charset=utf-8")
	return w.Bytes(status, []byte(b.String()))
}

// Busy sends a page that says that an address has had enough letters for a while; other errors are answered as everywhere.
func (rd *Reader) Busy(w *Response, title string, err error) error {
	d := hecate.Detail(err)
	if d.Kind != hecate.TooMany {
		return err
	}
	w.Header().Set("Retry-After", strconv.Itoa(max(1, int((d.RetryAfter+time.Second-1)/time.Second))))
	return rd.Show(w, http.StatusTooManyRequests, Page{Title: title, Problem: rd.Says(hecate.TextTooManyLetters)})
}

// heading is the title of the window, which screen readers say first: it tells how things went.
func (rd *Reader) heading(p Page) string {
	heading := p.Title
	switch {
	case p.Problem != "":
		heading = rd.Says(hecate.TextPageProblem, "title", heading)
	case p.Done != "":
		heading = rd.Says(hecate.TextPageDone, "title", heading)
	}
	if rd.app != "" {
		heading += " – " + shown(rd.app)
	}
	return heading
}

func firstInput(fields []PageField) string {
	for _, f := range fields {
		if f.Kind != "hidden" && f.Kind != UsernameField {
			return f.Name
		}
	}
	return ""
}

// GuardPage keeps a page out of frames and caches, and its address, which carries a ticket, from other sites. Nothing runs on it, and its form
// goes here, or on to the targets: browsers hold the policy against redirects too.
func (w *Response) GuardPage(targets ...string) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'sha256-"+pageStyleHash+"'; form-action 'self'"+origins(targets)+
		"; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
}

// origins are those of URLs, each after a space. Where an app is meant by its own scheme, the scheme is all that browsers compare.
func origins(urls []string) string {
	var out strings.Builder
	for _, to := range urls {
		u, err := url.Parse(to)
		switch {
		case err != nil || u.Scheme == "":
		case u.Scheme != "http" && u.Scheme != "https":
			out.WriteString(" " + u.Scheme + ":")
		case u.Host != "" && !strings.ContainsFunc(u.Host, notInHost):
			out.WriteString(" " + u.Scheme + "://" + u.Host)
		}
	}
	return out.String()
}

// notInHost leaves nothing that means something in a policy.
func notInHost(r rune) bool {
	return r != '.' && r != '-' && r != ':' && r != '[' && r != ']' && r != '_' && !('0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z')
}

// The limits of what is read of an Accept-Language header.
const (
	maxAcceptHeader = 1000
	maxAccepted     = 20
)

// acceptedLanguages are those of an Accept-Language header, the best first.
func acceptedLanguages(header string) []string {
	type choice struct {
		tag string
		q   float64
	}
	var list []choice
	for part := range strings.SplitSeq(header[:min(len(header), maxAcceptHeader)], ",") {
		tag, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		q := 1.0
		if text, given := strings.CutPrefix(strings.TrimSpace(params), "q="); given {
			q, _ = strconv.ParseFloat(text, 64) // what is no number is not wanted
		}
		if tag = strings.TrimSpace(tag); hecate.IsLanguage(tag) && q > 0 && q <= 1 && len(list) < maxAccepted {
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

// rightToLeft reports whether a language is written from right to left.
func rightToLeft(lang string) bool {
	base, _, _ := strings.Cut(lang, "-")
	return slices.Contains([]string{"ar", "dv", "fa", "he", "ku", "ps", "sd", "ug", "ur", "yi"}, base)
}
