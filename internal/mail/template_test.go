package mail

import (
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"testing"
	"time"

	"hecate"
)

func TestEveryLetterHasItsBuiltInTemplate(t *testing.T) {
	t.Parallel()
	for name := range Names {
		plain, err := standard(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if plain.Subject == "" || plain.Text == "" || !strings.Contains(plain.HTML, "<p>Hello") {
			t.Errorf("%s: %+v", name, plain)
		}
		if err := CheckTemplate(name+".en", plain); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		l := Letter{Name: name, To: "a@example.com", Secret: hecate.NewSecret("the-ticket")} // with hardly a fact
		if out, err := compose(&l); err != nil || len(Names[name]) > 2 && !strings.Contains(out.text, "the-ticket") {
			t.Errorf("%s: %v\n%s", name, err, out.text)
		}
	}
	if _, err := compose(&Letter{Name: "nosuch"}); !IsRefused(err) {
		t.Errorf("err = %v", err)
	}
}

func TestABrokenTemplateIsRefusedWhenItIsSaved(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("{{if .link}}", 10)
	for says, c := range map[string]struct {
		key string
		t   hecate.MailTemplate
	}{
		"unclosed action":          {"reset.en", hecate.MailTemplate{Text: "{{.link"}},
		"unexpected EOF":           {"reset.en", hecate.MailTemplate{Text: deep}},
		"no fact .password":        {"reset.en", hecate.MailTemplate{Text: "{{.password}}"}},
		"no fact .inviter":         {"reset.en", hecate.MailTemplate{Text: "{{if false}}{{.inviter}}{{end}}"}},
		"no fact .link.Scheme":     {"reset.en", hecate.MailTemplate{Text: "{{.link.Scheme}}"}},
		`"printf" not defined`:     {"reset.en", hecate.MailTemplate{Text: `{{printf "%999999999d" 1}}`}},
		`"call" not defined`:       {"reset.en", hecate.MailTemplate{Text: `{{call .link}}`}},
		`"js" not defined`:         {"reset.en", hecate.MailTemplate{HTML: `{{js .link}}`}},
		"not offered in letters":   {"reset.en", hecate.MailTemplate{Text: "{{range 1000000000}}x{{end}}"}},
		"{{template":               {"reset.en", hecate.MailTemplate{Text: `{{template "letter"}}`}},
		"define and block":         {"reset.en", hecate.MailTemplate{Text: `{{define "x"}}{{end}}`}},
		"variables":                {"reset.en", hecate.MailTemplate{Text: `{{$x := .link}}`}},
		"{{with":                   {"reset.en", hecate.MailTemplate{Text: `{{with .link}}{{end}}`}},
		"longer than":              {"reset.en", hecate.MailTemplate{Text: strings.Repeat("x", maxSource+1)}},
		"one line":                 {"reset.en", hecate.MailTemplate{Subject: "a\r\nBcc: b@example.com", Text: "x"}},
		"subject: ":                {"reset.en", hecate.MailTemplate{Subject: "{{.nosuch}}", Text: "x"}},
		"a text, an html part":     {"reset.en", hecate.MailTemplate{Subject: "x"}},
		"named <mail>.<language>":  {"nosuch.en", hecate.MailTemplate{Text: "x"}},
		"such as reset.en":         {"reset", hecate.MailTemplate{Text: "x"}},
		"the mails are activate, ": {"reset.e_n", hecate.MailTemplate{Text: "x"}},
		"no fact .user; it has":    {"reset.en", hecate.MailTemplate{Text: "{{.user}}"}}, // of other letters
		"cannot work":              {"reset.en", hecate.MailTemplate{Text: "x{{if .name}}{{eq .name true}}{{end}}"}},
		"incompatible types":       {"reset.en", hecate.MailTemplate{HTML: "x{{if false}}{{if (eq .name true)}}{{end}}{{end}}"}},
		"eq cannot work":           {"reset.en", hecate.MailTemplate{Subject: "{{if .name}}{{eq}}{{end}}", Text: "x"}},
		"but has arguments":        {"reset.en", hecate.MailTemplate{Text: `x{{if .name}}{{.name .link}}{{end}}`}},
		"nested too deeply":        {"reset.en", hecate.MailTemplate{Text: "{{" + strings.Repeat("(", 5000) + ".link" + strings.Repeat(")", 5000) + "}}"}},
		"too deeply":               {"reset.en", hecate.MailTemplate{Text: strings.Repeat("{{if .link}}", 1000) + "x" + strings.Repeat("{{end}}", 1000)}},
		"would be empty":           {"reset.en", hecate.MailTemplate{Text: " {{if false}}x{{end}}"}},
		"longer than 262144":       {"reset.en", hecate.MailTemplate{Text: strings.Repeat("{{.link}}", 3000)}},
		"is named <mail>":          {"reset." + strings.Repeat("abcdefgh-", 5) + "x", hecate.MailTemplate{Text: "x"}},
		"end in":                   {"reset.en", hecate.MailTemplate{HTML: `<a href="{{if .link}}{{.link}}">x</a>{{end}}`}},
	} {
		err := Check(hecate.MailSettings{Templates: map[string]hecate.MailTemplate{c.key: c.t}})
		var fault *hecate.Error
		if !errors.As(err, &fault) || fault.Kind != hecate.Invalid || fault.Field != "mail.templates."+c.key || !strings.Contains(err.Error(), says) {
			t.Errorf("want %q: %v", says, err)
		}
	}
	good := hecate.MailSettings{Sender: "Books <books@example.com>", Language: "de-AT", Templates: map[string]hecate.MailTemplate{
		"reset.de-AT": {Subject: "{{.app}}", Text: "{{/* a note */}}{{if and .name (ne .name .username)}}{{.name}}{{else}}{{.username}}{{end}} {{.link}}"},
		"verify.en":   {HTML: `<a href="{{.link}}">{{.code}}</a>`},
	}}
	if err := Check(good); err != nil {
		t.Error(err)
	}
	for _, bad := range []hecate.MailSettings{{Sender: "x"}, {Sender: "a@example.com\r\nX: y"}, {Language: "../x"},
		{Sender: "=?utf-8?q?Books=0D=0ABcc:_eve@example.com?= <a@example.com>"}, {Sender: "a@example.com, b@example.com"}, {Sender: strings.Repeat("x", 400) + " <a@example.com>"},
		{Language: strings.Repeat("abcdefgh-", 5) + "x"},
		{Templates: map[string]hecate.MailTemplate{"reset.de": {Text: "x"}, "reset.DE": {Text: "y"}}},
	} {
		if err := Check(bad); !errors.Is(err, hecate.Invalid) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

func TestATemplateCannotMakeAHugeLetter(t *testing.T) {
	t.Parallel()
	l := Letter{Name: "reset", To: "a@example.com", Link: hecate.NewSecret("https://example.com/" + strings.Repeat("x", 1000))}
	l.Settings.Templates = map[string]hecate.MailTemplate{"reset.en": {Text: strings.Repeat("{{.link}}", maxSource/10)}}
	out, err := compose(&l)
	if err != nil || !strings.HasPrefix(out.text, "Hello") {
		t.Errorf("%v: %.60q", err, out.text)
	}
}

func TestANameIsNoPlaceForAMessage(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Ada": "Ada", "": "", "Win at https://evil.example": "", "WWW.evil.example": "", strings.Repeat("x", 500): strings.Repeat("x", maxFact) + "…",
		"a\r\nb": "a  b",
	} {
		l := Letter{Name: "reset", Fields: map[string]string{"name": name}}
		if got := l.data()["name"]; got != want {
			t.Errorf("%q: %q", name, got)
		}
	}
}

func TestTemplatesAreNotTooMany(t *testing.T) {
	t.Parallel()
	many, long := map[string]hecate.MailTemplate{}, map[string]hecate.MailTemplate{}
	for i := range maxTemplates + 1 {
		many[fmt.Sprintf("reset.x%d", i)] = hecate.MailTemplate{Text: "x"}
	}
	for i := range maxSources/maxSource + 1 {
		long[fmt.Sprintf("reset.x%d", i)] = hecate.MailTemplate{Text: strings.Repeat("x", maxSource)}
	}
	for _, templates := range []map[string]hecate.MailTemplate{many, long} {
		err := Check(hecate.MailSettings{Templates: templates})
		if e := hecate.Detail(err); !errors.Is(err, hecate.TooLarge) || e.Field != "mail.templates" {
			t.Errorf("%d templates: %v", len(templates), err)
		}
	}
}

func TestTheWorstTemplateIsCheckedInTime(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]string{
		"conditions": strings.Repeat("{{if and .link .name .app}}{{or .link .name}}{{end}}", maxSource/52),
		"arguments":  "{{eq" + strings.Repeat(" .link", maxSource/6-2) + "}}",
		"brackets":   "{{" + strings.Repeat("(", maxSource/2-10) + ".link" + strings.Repeat(")", maxSource/2-10) + "}}",
		"attributes": strings.Repeat(`<a href="{{.link}}?{{.name}}" onclick="f({{.app}})">`, maxSource/54),
	} {
		began := time.Now()
		_ = Check(hecate.MailSettings{Templates: map[string]hecate.MailTemplate{"reset.en": {Text: source, HTML: source}}})
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s: %s", name, took)
		}
	}
}

func TestNobodyAddsALineToALetter(t *testing.T) {
	t.Parallel()
	evil := "a\r\nBcc: eve@example.com\r\n\r\nhello\u2028x"
	l := Letter{Name: "invite", To: "a@example.com", App: evil, ID: "1", Subject: evil + "{address}", Fields: map[string]string{"name": evil, "inviter": evil, "org": evil, "username": evil}}
	for _, templates := range []map[string]hecate.MailTemplate{nil, {"invite.en": {Subject: "{{.inviter}} {{.name}} {{.app}}", Text: "{{.org}}"}}} {
		l.Settings.Templates = templates
		out, err := compose(&l)
		if err != nil || strings.ContainsAny(out.subject, "\r\n\u2028") || strings.Contains(out.text, "\nBcc:") {
			t.Errorf("%v: %q\n%s", err, out.subject, out.text)
		}
		m, err := message(&l, mail.Address{Name: evil, Address: "b@example.com"}, time.Unix(0, 0))
		if err != nil {
			t.Fatal(err)
		}
		var wire strings.Builder
		if _, err := m.WriteTo(&wire); err != nil {
			t.Fatal(err)
		}
		head, _, _ := strings.Cut(wire.String(), "\r\n\r\n")
		if strings.Contains(strings.ToLower(head), "\nbcc:") {
			t.Errorf("a header was added:\n%s", head)
		}
	}
}

func TestASubjectIsNoTemplate(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"{{.link}}@example.com", "{{{.link}}}@example.com", "{{{{.link}}@example.com", "{{@example.com", `{{"{"}}@example.com`} {
		l := Letter{Name: "reset", To: address, Subject: "Password Reset {address}", Link: hecate.NewSecret("https://example.com/the-ticket")}
		out, err := compose(&l)
		if err != nil || out.subject != "Password Reset "+address {
			t.Errorf("%q: %q, %v", address, out.subject, err)
		}
	}
}

func TestALetterWithoutItsFactsHasASubjectAndAText(t *testing.T) {
	t.Parallel()
	l := Letter{Name: "reset", To: "a@example.com", App: "books"}
	l.Settings.Templates = map[string]hecate.MailTemplate{"reset.en": {Subject: "{{.name}}", Text: "{{.username}} is you"}}
	if out, err := compose(&l); err != nil || out.subject == "" || out.text != " is you" {
		t.Errorf("%v: %+v", err, out)
	}
	l.Settings.Templates = map[string]hecate.MailTemplate{"reset.en": {Subject: "x", Text: "{{.name}}"}}
	if out, err := compose(&l); err != nil || !strings.HasPrefix(out.text, "Hello") {
		t.Errorf("%v: %+v", err, out)
	}
}
