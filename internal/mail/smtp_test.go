package mail_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"hecate"
	"hecate/internal/mail"
	"hecate/internal/mail/mailtest"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func sender(t *testing.T, address string) *mail.SMTP {
	t.Helper()
	s, err := mail.NewSMTP(address, "Hecate <no-reply@example.org>", func() time.Time { return noon })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func letter() mail.Letter {
	return mail.Letter{
		ID: "0192-a", Name: "reset", To: "ada@example.com", App: "books", Fields: map[string]string{"name": "Ada Łovelace", "expires": "tonight"},
		Secret: hecate.NewSecret("the-ticket"), Link: hecate.NewSecret("https://books.example.org/reset?token=the-ticket&user=7"),
	}
}

func TestALetterGoesOverTheWire(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		server mailtest.Config
		url    func(s *mailtest.Server) string
	}{
		"plain":            {mailtest.Config{}, func(s *mailtest.Server) string { return "smtp://" + s.Addr }},
		"starttls":         {mailtest.Config{StartTLS: true}, func(s *mailtest.Server) string { return "smtp://" + s.Addr + "?tls=required&ca=" + s.CAFile }},
		"starttls offered": {mailtest.Config{StartTLS: true}, func(s *mailtest.Server) string { return "smtp://" + s.Addr + "?ca=" + s.CAFile }},
		"tls":              {mailtest.Config{TLS: true}, func(s *mailtest.Server) string { return "smtps://" + s.Addr + "?ca=" + s.CAFile }},
		"auth over starttls": {mailtest.Config{StartTLS: true, User: "post", Password: "se cret@1"}, func(s *mailtest.Server) string {
			return "smtp://post:se%20cret%401@" + s.Addr + "?ca=" + s.CAFile
		}},
		"auth over tls": {mailtest.Config{TLS: true, User: "post", Password: "secret"}, func(s *mailtest.Server) string {
			return "smtps://post:secret@" + s.Addr + "?auth=plain&ca=" + s.CAFile
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := mailtest.Start(t, c.server)
			if err := sender(t, c.url(s)).Send(t.Context(), letter()); err != nil {
				t.Fatal(err)
			}
			m := s.Wait(t, "ada@example.com", "Reset your password")
			if m.Secure != (c.server.TLS || c.server.StartTLS) || m.User != c.server.User {
				t.Errorf("secure %v, user %q", m.Secure, m.User)
			}
			if m.From != "no-reply@example.org" || m.ID() != "<0192-a@example.org>" || m.Header.Get("From") != `"Hecate" <no-reply@example.org>` {
				t.Errorf("from %q, %q, id %q", m.From, m.Header.Get("From"), m.ID())
			}
			if !strings.Contains(m.Text, "https://books.example.org/reset?token=the-ticket&user=7\n") || !strings.Contains(m.Text, "Hello Ada Łovelace,") {
				t.Errorf("text:\n%s", m.Text)
			}
			if !strings.Contains(m.HTML, `href="https://books.example.org/reset?token=the-ticket&amp;user=7"`) || !strings.Contains(m.HTML, "until tonight") {
				t.Errorf("html:\n%s", m.HTML)
			}
		})
	}
}

func TestAMailServerThatCannotBeTrustedGetsNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		server mailtest.Config
		url    func(s *mailtest.Server) string
	}{
		"no starttls where it is required": {mailtest.Config{}, func(s *mailtest.Server) string { return "smtp://" + s.Addr + "?tls=required" }},
		"a certificate of nobody":          {mailtest.Config{StartTLS: true}, func(s *mailtest.Server) string { return "smtp://" + s.Addr + "?tls=required" }},
		"tls with one of nobody":           {mailtest.Config{TLS: true}, func(s *mailtest.Server) string { return "smtps://" + s.Addr }},
		"a wrong password":                 {mailtest.Config{User: "post", Password: "x"}, func(s *mailtest.Server) string { return "smtp://post:y@" + s.Addr }},
		"no password":                      {mailtest.Config{User: "post", Password: "x"}, func(s *mailtest.Server) string { return "smtp://" + s.Addr }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := mailtest.Start(t, c.server)
			err := sender(t, c.url(s)).Send(t.Context(), letter())
			if err == nil || mail.IsRefused(err) {
				t.Errorf("err = %v, want one that may pass", err)
			}
			if n := len(s.Mails()); n != 0 {
				t.Errorf("%d mails came", n)
			}
		})
	}
}

func TestWhatTheServerSaysDecidesWhetherToTryAgain(t *testing.T) {
	t.Parallel()
	s := mailtest.Start(t, mailtest.Config{Refuse: func(to string) error {
		switch {
		case strings.HasPrefix(to, "never"):
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox"}
		case strings.HasPrefix(to, "later"):
			return &smtp.SMTPError{Code: 451, Message: "try again"}
		}
		return nil
	}})
	post := sender(t, "smtp://"+s.Addr)
	for to, refused := range map[string]bool{"never@example.com": true, "later@example.com": false} {
		l := letter()
		l.To = to
		if err := post.Send(t.Context(), l); err == nil || mail.IsRefused(err) != refused {
			t.Errorf("%s: %v", to, err)
		}
	}
	s.Stop()
	if err := post.Send(t.Context(), letter()); err == nil || mail.IsRefused(err) {
		t.Errorf("a server that is away: %v", err)
	}
}

func TestASlowServerIsLeft(t *testing.T) {
	t.Parallel()
	s := mailtest.Start(t, mailtest.Config{Delay: 20 * time.Second})
	began := time.Now()
	if err := sender(t, "smtp://"+s.Addr+"?timeout=300ms").Send(t.Context(), letter()); err == nil || mail.IsRefused(err) {
		t.Errorf("err = %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := sender(t, "smtp://"+s.Addr).Send(ctx, letter()); err == nil || mail.IsRefused(err) {
		t.Errorf("err = %v", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestNoHeaderCanBeInjected(t *testing.T) {
	t.Parallel()
	s := mailtest.Start(t, mailtest.Config{})
	post := sender(t, "smtp://"+s.Addr)
	for _, to := range []string{
		"a@example.com\r\nBcc: b@example.com", "a@example.com\nX: y", "a@example.com, b@example.com", "<a@example.com> b", "a@example.com>\r\nRCPT TO:<b@example.com",
		"Name <a@example.com>", "a@exa mple.com", "a@example.com\x00", "", "nobody",
	} {
		l := letter()
		l.To = to
		if err := post.Send(t.Context(), l); !mail.IsRefused(err) {
			t.Errorf("%q: %v", to, err)
		}
	}
	if n := s.Asked(); n != 0 {
		t.Errorf("the server was asked for %d recipients", n)
	}
	evil := "x\r\nBcc: b@example.com\r\n\r\nbody\u2028\u202e"
	l := letter()
	l.App, l.Fields = evil, map[string]string{"name": evil, "username": evil, "expires": evil}
	l.Settings.Templates = map[string]hecate.MailTemplate{"reset.en": {Subject: "{{.app}} for {{.name}}", Text: "{{.name}}"}}
	if err := post.Send(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	m := s.Wait(t, "ada@example.com", "")
	if m.Header.Get("Bcc") != "" || m.Subject != "x Bcc: b@example.com body for x Bcc: b@example.com body" && !strings.HasPrefix(m.Subject, "x  Bcc:") {
		t.Errorf("subject %q in\n%s", m.Subject, m.Raw)
	}
	if strings.Count(strings.TrimSpace(m.Text), "\n") != 0 {
		t.Errorf("text %q", m.Text)
	}
}

func TestALetterIsWrittenInTheBestLanguageThereIs(t *testing.T) {
	t.Parallel()
	s := mailtest.Start(t, mailtest.Config{})
	post := sender(t, "smtp://"+s.Addr)
	templates := map[string]hecate.MailTemplate{
		"reset.de":    {Subject: "Passwort für {{.app}}", Text: "Neu: {{.link}}", HTML: `<a href="{{.link}}">neu für {{.name}}</a>`},
		"reset.de-AT": {Text: "Servus: {{.link}}"},
		"reset.fr":    {Subject: "Mot de passe", Text: "Nouveau: {{.link}}"},
	}
	for i, c := range []struct{ own, app, subject, text string }{
		{"de-AT", "fr", "Reset your password", "Servus: "}, // a subject of the built-in one
		{"de_CH", "fr", "Passwort für books", "Neu: "},
		{"it", "fr", "Mot de passe", "Nouveau: "},
		{"", "fr", "Mot de passe", "Nouveau: "},
		{"", "", "Reset your password", "Hello"},
		{"../../x", "", "Reset your password", "Hello"},
	} {
		l := letter()
		l.To = string(rune('a'+i)) + "@example.com"
		l.Language, l.Settings = c.own, hecate.MailSettings{Sender: "Bücher <books@example.net>", Language: c.app, Templates: templates}
		l.Fields["name"] = "<b>Ada</b>"
		if err := post.Send(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		m := s.Wait(t, l.To, "")
		if m.Subject != c.subject || !strings.HasPrefix(m.Text, c.text) || m.From != "books@example.net" || strings.Contains(m.HTML, "<b>") {
			t.Errorf("%+v: subject %q, from %q, text %q, html %q", c, m.Subject, m.From, m.Text, m.HTML)
		}
	}
}

func TestAMailURLIsReadStrictly(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"", "example.com", "http://example.com", "smtp://", "smtp://h/path", "smtp://h?tls=maybe", "smtps://h?tls=off", "smtp://h:99999",
		"smtp://h?nosuch=1", "smtp://u:p@h?auth=ntlm", "smtp://h?timeout=1h", "smtp://h?ca=/no/such/file", "smtp://u:p%zz@h",
	} {
		s, err := mail.NewSMTP(bad, "a@example.com", nil)
		if err == nil {
			t.Errorf("%q is taken: %v", bad, s)
		} else if strings.Contains(err.Error(), "p%zz") {
			t.Errorf("%v shows the password", err)
		}
	}
	for _, from := range []string{"", "nobody", "a@example.com\r\nX: y", "a@example.com, b@example.com"} {
		if _, err := mail.NewSMTP("smtp://h", from, nil); err == nil {
			t.Errorf("sender %q is taken", from)
		}
	}
}
