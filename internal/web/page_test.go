package web

import (
	"html"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hecate"
)

// contractWords are those of the tests' dialect.
var contractWords = Pages{English: map[hecate.PageText]string{hecate.TextResetMismatch: "Passwords didn't match"}}

// pageServer serves one page to whoever asks.
func pageServer(t *testing.T, app *hecate.App, own string, show func(rd *Reader) Page) func(accept string) answer {
	t.Helper()
	s := serve(t, newMux(t, MuxConfig{}, Get("/page", open, func(w *Response, r *Request, _ caller) error {
		rd := contractWords.Reader(r, app, own)
		return rd.Show(w, http.StatusOK, show(rd))
	})))
	return func(accept string) answer { return do(t, "GET", s.URL+"/page", nil, "Accept-Language", accept) }
}

func TestEveryBuiltInTextIsOneThatAnAppCouldHave(t *testing.T) {
	t.Parallel()
	for language, texts := range pageLanguages {
		for _, name := range hecate.PageTextNames() {
			if err := name.Check(texts[name]); err != nil {
				t.Errorf("%s in %s: %v", name, language, err)
			}
		}
		if extra := len(texts) - len(hecate.PageTextNames()); extra != 0 {
			t.Errorf("%s has %d texts that there are not", language, extra)
		}
	}
}

func TestAPageFallsBackTextByText(t *testing.T) {
	t.Parallel()
	const repeat, mismatch, button, title = hecate.TextResetRepeat, hecate.TextResetMismatch, hecate.TextResetButton, hecate.TextResetTitle
	app := &hecate.App{Name: "Books"}
	app.Settings.Mail.Language = "it-CH"
	app.Settings.Pages = hecate.PageTexts{
		"fr-ca": {title: "titre (CA)"},
		"fr":    {title: "titre", repeat: "encore"},
		"it":    {title: "titolo", button: "imposta"},
		"de":    {title: "Kennwort"},
	}
	shows := func(rd *Reader) Page {
		return Page{Title: rd.Says(title), Text: strings.Join([]string{rd.Says(repeat), rd.Says(button), rd.Says(mismatch)}, "/")}
	}
	for _, c := range []struct{ name, own, accept, lang, title, text string }{
		{"regional, language, app, English", "", "fr-CA", "fr-ca", "titre (CA)", "encore/imposta/Passwords didn't match"},
		{"another region", "", "fr-BE,en;q=0.5", "fr", "titre", "encore/imposta/Passwords didn't match"},
		{"the app's before what is built in", "", "de-AT", "de", "Kennwort",
			"Dasselbe Passwort noch einmal/Passwort setzen/Die Passwörter sind nicht gleich, bitte versuchen Sie es noch einmal."},
		{"the reader's own first", "fr_FR", "de", "fr", "titre", "encore/imposta/Passwords didn't match"},
		{"a language that nobody wrote", "", "pt,xx", "it", "titolo", "The same password again/imposta/Passwords didn't match"},
		{"nothing asked for", "", "", "it", "titolo", "The same password again/imposta/Passwords didn't match"},
		{"own that nobody wrote", "pt", "fr", "fr", "titre", "encore/imposta/Passwords didn't match"},
		{"English", "", "en-GB", "en", "Reset password", "The same password again/Set password/Passwords didn't match"},
	} {
		got := pageServer(t, app, c.own, shows)(c.accept)
		plain := html.UnescapeString(got.body)
		for _, want := range []string{`<html lang="` + c.lang + `">`, "<h1>" + c.title + "</h1>", "<p>" + c.text + "</p>", "<title>" + c.title + " – Books</title>"} {
			if !strings.Contains(plain, want) {
				t.Errorf("%s: no %s in\n%s", c.name, want, plain)
			}
		}
		if got.header.Get("Content-Language") != c.lang || got.header.Get("Vary") != "Accept-Language" {
			t.Errorf("%s: %v", c.name, got.header)
		}
	}
	if got := contractWords.Contract().Says(mismatch); got != "Passwords didn't match" {
		t.Errorf("the contract says %q", got)
	}
}

func TestWhatABrowserAcceptsIsReadWithinBounds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ header, want string }{
		{"", ""}, {"de", "de"}, {"de-CH,en;q=0.5", "de-CH en"}, {"en;q=0.5, de", "de en"}, {"fr;q=0.2,de;q=0.9,it", "it de fr"}, {"de;q=0,en", "en"},
		{"de;q=NaN,en;q=Inf,it;q=-1,fr;q=2,es;q=x", ""}, {"*", ""}, {";;q=,", ""}, {`<script>,"de"`, ""},
		{strings.Repeat("xx,", 19) + "de,en", strings.TrimSpace(strings.Repeat("xx ", 19) + "de")},
		{strings.Repeat(",", 2000) + "de", ""}, {strings.Repeat("a", 5000), ""},
	} {
		if got := strings.Join(acceptedLanguages(c.header), " "); got != c.want {
			t.Errorf("%.60q: %q, want %q", c.header, got, c.want)
		}
	}
}

func TestAPageEscapesWhateverItIsTold(t *testing.T) {
	t.Parallel()
	const evil = `"><script>alert(1)</script>'{{.}}{address}`
	app := &hecate.App{Name: evil}
	app.Settings.Pages = hecate.PageTexts{"en": {}}
	for _, name := range hecate.PageTextNames() {
		app.Settings.Pages["en"][name] = evil
	}
	got := pageServer(t, app, evil, func(rd *Reader) Page {
		said := rd.Says(hecate.TextResetDone, "address", evil)
		return Page{Title: said, Problem: said, Done: said, Text: said, Button: said, Action: "javascript:alert(1)", Targets: []string{"https://" + evil, "https://a.example;x/", "https://good.example/x"},
			Fields: []PageField{Hidden(evil, evil), Whose(evil), NewPassword(evil, evil), {Name: evil, Label: evil, Value: evil, Kind: evil, Autocomplete: evil}}}
	})(evil)
	if got.code != 200 || strings.Contains(got.body, "<script") || strings.Contains(got.body, `action="javascript`) || strings.Count(got.body, "<form") != 1 {
		t.Errorf("%d %s", got.code, got.body)
	}
	for _, in := range regexp.MustCompile(`<[^>]*>`).FindAllString(got.body, -1) {
		if strings.Contains(in, "alert(1)<") || strings.Count(in, `"`)%2 != 0 {
			t.Errorf("tag %s", in)
		}
	}
	policy := got.header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "form-action 'self' https://good.example; frame-ancestors 'none'") {
		t.Errorf("policy %s", policy)
	}
}

func TestAPageIsGuarded(t *testing.T) {
	t.Parallel()
	got := pageServer(t, nil, "", func(*Reader) Page { return Page{Title: "x"} })("")
	for name, want := range map[string]string{
		"Content-Type": "text/html; charset=utf-8", "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
		"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; style-src 'sha256-" + pageStyleHash +
			"'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
	} {
		if got.header.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, got.header.Get(name), want)
		}
	}
	if !strings.Contains(got.body, "<style>"+pageStyle+"</style>") || strings.Contains(got.body, "style=") || strings.Contains(got.body, "<form") {
		t.Error(got.body)
	}
}

func TestAPageCanBeUsedByEverybody(t *testing.T) {
	t.Parallel()
	form := Page{Title: "Reset", Button: "Go", Fields: []PageField{
		Hidden("token", "t"), Whose("ann@example.com"), NewPassword("password1", "New"), {Name: "mail", Label: "Mail", Kind: "email", Least: 3},
	}}
	ask := func(p Page) string {
		return pageServer(t, &hecate.App{Name: "Books"}, "", func(*Reader) Page { return p })("").body
	}
	got := ask(form)
	for _, want := range []string{
		`<html lang="en">`, `<title>Reset – Books</title>`, `<form method="post">`, `<input type="hidden" name="token" value="t">`,
		`<input type="text" name="username" value="ann@example.com" autocomplete="username" readonly hidden>`,
		`<label for="password1">New</label>`, `<input id="password1" name="password1" type="password" value="" autocomplete="new-password" required autofocus>`,
		`<label for="mail">Mail</label>`, `minlength="3"`, `name="viewport" content="width=device-width, initial-scale=1"`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	if strings.Count(got, "autofocus") != 1 || strings.Contains(got, "aria-describedby") || strings.Contains(got, "role=") {
		t.Error(got)
	}
	wrong := form
	wrong.Problem = "no"
	if got = ask(wrong); !strings.Contains(got, `<title>Error: Reset – Books</title>`) || !strings.Contains(got, `<div id="problem" role="alert"><p>no</p></div>`) ||
		strings.Count(got, `aria-describedby="problem"`) != 2 {
		t.Error(got)
	}
	if got = ask(Page{Title: "Reset", Done: "yes"}); !strings.Contains(got, `<title>Done: Reset – Books</title>`) || !strings.Contains(got, `<div role="status"><p>yes</p></div>`) {
		t.Error(got)
	}
	app := &hecate.App{}
	app.Settings.Pages = hecate.PageTexts{"ar": {hecate.TextResetTitle: "x"}}
	if got := pageServer(t, app, "", func(*Reader) Page { return Page{Title: "x"} })("ar-EG"); !strings.Contains(got.body, `<html lang="ar" dir="rtl">`) {
		t.Error(got.body)
	}
}

func TestWhatOthersChoseTurnsNoTextAround(t *testing.T) {
	t.Parallel()
	rd := contractWords.Contract()
	if got := rd.Says(hecate.TextResetDone, "address", "ann\u202e\u2066\x00\nmoc"); got != "The new password is set for annmoc" {
		t.Errorf("%q", got)
	}
	if got := rd.Says(hecate.TextResetDone, "address", "{address}"); got != "The new password is set for {address}" {
		t.Errorf("%q", got)
	}
	if got := rd.Says(hecate.TextResetDone, "address", strings.Repeat("é", 5000)); len([]rune(got)) > 350 {
		t.Errorf("%d characters", len(got))
	}
}

func TestWhyAPasswordIsRefused(t *testing.T) {
	t.Parallel()
	weak := func(reason string) error {
		return hecate.E(hecate.WeakPassword, "x").With("reason", reason).With("min_length", 8)
	}
	rd := Pages{}.Contract()
	for _, c := range []struct {
		err  error
		want string
	}{
		{weak("too_short"), "at least 8 characters"}, {weak("digit_required"), "at least one digit"}, {weak("nosuch"), "otherwise"}, {weak("refused"), "otherwise"},
		{hecate.E(hecate.TooLarge, "x").On("password"), "otherwise"},
	} {
		if got := rd.Weakness(c.err, "otherwise"); got != "The password was not accepted: "+c.want {
			t.Errorf("%v: %s", c.err, got)
		}
	}
}

func TestTheTextsStandInTheirGuide(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../docs/settings.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range hecate.PageTextNames() {
		if row := "| `" + string(name) + "` | " + pageLanguages[english][name] + " |\n"; !strings.Contains(string(guide), row) {
			t.Errorf("docs/settings.md has no row %s", row)
		}
	}
}

func TestBuiltInLanguages(t *testing.T) {
	t.Parallel()
	if got := slices.Sorted(maps.Keys(pageLanguages)); !slices.Equal(got, []string{"de", "en"}) {
		t.Errorf("docs/settings.md says otherwise: %v", got)
	}
}
