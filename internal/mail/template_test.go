package mail

import (
	"errors"
	"strings"
	"testing"

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
	for _, bad := range []hecate.MailSettings{{Sender: "x"}, {Sender: "a@example.com\r\nX: y"}, {Language: "../x"}} {
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
