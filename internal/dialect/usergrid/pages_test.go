package usergrid_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/mail"
)

// postbox keeps the letters that the engine sends.
type postbox struct {
	mu   sync.Mutex
	all  []mail.Letter
	seen int // by the test
}

func (p *postbox) Send(_ context.Context, l mail.Letter) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = append(p.all, l)
	return nil
}

// next are the letters that came since the test looked last; it waits for n of them.
func (o *office) next(n int) []mail.Letter {
	o.t.Helper()
	var out []mail.Letter
	soon(o.t, fmt.Sprintf("%d letters come", n), func() bool {
		o.post.mu.Lock()
		defer o.post.mu.Unlock()
		out = o.post.all[o.post.seen:]
		return len(out) >= n
	})
	o.post.mu.Lock()
	defer o.post.mu.Unlock()
	o.post.seen += len(out)
	if len(out) != n {
		o.t.Fatalf("%d letters, want %d: %+v", len(out), n, out)
	}
	out = slices.Clone(out)
	slices.SortFunc(out, func(a, b mail.Letter) int { return strings.Compare(a.ID, b.ID) }) // as they were queued
	return out
}

// none demands that no letter came; it gives one that should not be there a moment.
func (o *office) none() {
	o.t.Helper()
	time.Sleep(50 * time.Millisecond)
	o.next(0)
}

// letter demands one letter with that subject and recipient.
func (o *office) letter(subject, to string) mail.Letter {
	o.t.Helper()
	l := o.next(1)[0]
	if l.Subject != subject || l.To != to {
		o.t.Fatalf("letter %q to %s, want %q to %s", l.Subject, l.To, subject, to)
	}
	return l
}

// path is where a letter leads, below the server.
func (o *office) path(l mail.Letter) string {
	o.t.Helper()
	rest, ok := strings.CutPrefix(l.Link.Reveal(), "http://host/")
	if !ok {
		o.t.Fatalf("link %q", l.Link.Reveal())
	}
	return "/" + rest
}

var tag = regexp.MustCompile(`<[^>]*>`)

// page demands a page that holds the texts, and is safe as all of them are.
func (a answer) page(texts ...string) string {
	a.t.Helper()
	if a.status != 200 {
		a.t.Fatalf("answer %d %s", a.status, a.text)
	}
	return a.pageAt(texts...)
}

func (a answer) pageAt(texts ...string) string {
	a.t.Helper()
	for name, want := range map[string]string{
		"Content-Type": "text/html; charset=utf-8", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Frame-Options": "DENY",
		"X-Content-Type-Options": "nosniff",
	} {
		if got := a.header.Get(name); got != want {
			a.t.Errorf("%s: %q", name, got)
		}
	}
	if csp := a.header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'; style-src 'sha256-") || !strings.Contains(csp, "form-action 'self'; frame-ancestors 'none'") {
		a.t.Errorf("policy %q", csp)
	}
	if !regexp.MustCompile(`^<!doctype html>\n<html lang="[a-z]{2}">`).MatchString(a.text) || !strings.Contains(a.text, "<title>") || strings.Contains(a.text, "<script") {
		a.t.Errorf("page %s", a.text)
	}
	for _, in := range regexp.MustCompile(`<input id="(\w+)"`).FindAllStringSubmatch(a.text, -1) {
		if !strings.Contains(a.text, `<label for="`+in[1]+`">`) {
			a.t.Errorf("%s has no label", in[1])
		}
	}
	plain := strings.NewReplacer("&#39;", "'", "&lt;", "<", "&gt;", ">", "&amp;", "&", "&#43;", "+").Replace(tag.ReplaceAllString(a.text, ""))
	for _, text := range texts {
		if !strings.Contains(plain, text) && !strings.Contains(a.text, text) {
			a.t.Errorf("the page does not say %q: %s", text, a.text)
		}
	}
	return a.text
}

// The texts of contracts/usergrid.md 6.6.
const (
	saysSent    = "Email with instructions for password reset sent to "
	saysBlank   = "No email provided, try again..."
	saysUnknown = "We don't recognize that email, try again..."
	saysSet     = "New password set for "
	saysDiffer  = "Passwords didn't match, let's try again..."
	saysBad     = "Sorry, you have an invalid token. Let's try again..."
	emailField  = `name="email"`
	newPassword = `name="password1"`
	deadLink    = "Sorry, you have an invalid token."
)

// recovering are the two flows: of users, and of admins.
type recovering struct {
	base        string // of users
	name, email string
	uuid        string
	old         string
	token       string // the token endpoint
	other       string // somebody else's page
}

func (o *office) eachRecovery(t *testing.T, fn func(t *testing.T, x recovering)) {
	t.Helper()
	tom := o.ask("", "POST", "/acme/sandbox/users", object{"username": "tom", "email": "Tom@x.io", "password": "testpw"}).one()
	t.Run("user", func(t *testing.T) {
		fn(t, recovering{"/acme/sandbox/users", "tom", "Tom@x.io", uuidOf(tom), "testpw", "/acme/sandbox/token", "/acme/sandbox/users/john"})
	})
	t.Run("admin", func(t *testing.T) {
		fn(t, recovering{"/management/users", "ada", "ada@x.io", o.bound["<ADA>"], "s3cret", "/management/token", "/management/users/eve"})
	})
}

func (o *office) logs(x recovering, password string) bool {
	return o.ask("", "POST", x.token, object{"grant_type": "password", "username": x.name, "password": password}).status == 200
}

func eachPostOffice(t *testing.T, fn func(t *testing.T, o *office)) {
	t.Helper()
	eachOffice(t, func(t *testing.T, o *office) {
		o.next(2) // ada and eve were asked to confirm their addresses
		fn(t, o)
	})
}

func TestAForgottenPassword(t *testing.T) {
	eachPostOffice(t, func(t *testing.T, o *office) {
		o.eachRecovery(t, func(t *testing.T, x recovering) {
			ask := x.base + "/resetpw"
			if text := o.ask("", "GET", ask, nil).page(emailField, `<form method="post">`); strings.Contains(text, "action=") {
				t.Error("the form goes elsewhere")
			}
			o.ask("", "POST", ask, "email=").page(saysBlank, emailField)
			o.ask("", "POST", ask, "").page(saysBlank, emailField)
			o.ask("", "POST", ask, "email="+url.QueryEscape(`nobody"><b>@x.io`)).page(saysUnknown, emailField)
			o.none()

			o.ask("", "POST", ask, "email="+x.email).page(saysSent + x.email)
			first := o.letter("Password Reset", x.email)
			o.ask("", "POST", ask, "email="+x.name).page(saysSent + x.name)
			second := o.letter("Password Reset", x.email)
			o.ask("", "POST", x.base+"/"+x.uuid+"/resetpw", "").page(saysSent + x.uuid) // not the address: who asks need not know it
			third := o.letter("Password Reset", x.email)
			link := o.path(third)
			if want := x.base + "/" + x.uuid + "/resetpw?token=" + url.QueryEscape(third.Secret.Reveal()); link != want {
				t.Fatalf("link %s, want %s", link, want)
			}
			for _, dead := range []mail.Letter{first, second} {
				o.ask("", "GET", o.path(dead), nil).page(emailField, saysBad)
			}
			page, _, _ := strings.Cut(link, "?")
			token := "token=" + url.QueryEscape(third.Secret.Reveal())
			for range 3 { // opening the link changes nothing
				o.ask("", "GET", link, nil).page(newPassword, `name="password2"`, `<input type="hidden" name="token" value="`+third.Secret.Reveal()+`">`)
				o.ask("", "HEAD", link, nil)
			}
			if !o.logs(x, x.old) {
				t.Fatal("the old password is gone")
			}
			session := o.ask("", "POST", x.token, object{"grant_type": "password", "username": x.name, "password": x.old}).body["access_token"].(string)
			// By name and by address, too.
			o.ask("", "GET", x.base+"/"+x.name+"/resetpw?"+token, nil).page(newPassword)
			o.ask("", "GET", x.base+"/"+x.email+"/resetpw?"+token, nil).page(newPassword)
			// Not on the page of somebody else, nor where it is none.
			for _, other := range []string{x.other + "/resetpw", "/acme/books/users/" + x.name + "/resetpw", "/other/files/users/" + x.uuid + "/resetpw"} {
				o.ask("", "GET", other+"?"+token, nil).page(emailField)
				o.ask("", "POST", other, token+"&password1=taken-over&password2=taken-over").page(saysBad, emailField)
			}
			for _, bad := range []string{"", "token=", "token=12345678", "token=" + strings.Repeat("x", 43), "token=" + strings.Repeat("y", 5000)} {
				o.ask("", "POST", page, bad+"&password1=taken-over&password2=taken-over").page(saysBad, emailField)
			}
			o.ask("", "POST", page, token+"&password1=new-pass&password2=other").page(saysDiffer, newPassword)
			o.ask("", "POST", page, token+"&password1=&password2=").page("No password provided", newPassword)
			o.ask("", "POST", page, token+"&password1=abc&password2=abc").page("error_length_policy: must be at least 4 characters", newPassword)
			if !o.logs(x, x.old) {
				t.Fatal("the old password is gone")
			}
			o.ask("", "POST", page, token+"&password1=new-pass&password2=new-pass").page(saysSet + x.email)
			if o.logs(x, x.old) || !o.logs(x, "new-pass") {
				t.Error("the new password does not count alone")
			}
			me := "/acme/sandbox/users/me"
			if x.token == "/management/token" {
				me = "/management/users/me"
			}
			o.ask("Bearer "+session, "GET", me, nil).fails(401, "auth_invalid")
			o.ask("", "POST", page, token+"&password1=another&password2=another").page(saysBad, emailField)
			o.ask("", "GET", link, nil).page(emailField)

			// A ticket does not outlive its time.
			o.ask("", "POST", ask, "email="+x.email).page(saysSent)
			l := o.letter("Password Reset", x.email)
			o.clock.Advance(4 * 24 * time.Hour)
			o.ask("", "GET", o.path(l), nil).page(emailField, saysBad)
			o.ask("", "POST", o.path(l), "password1=too-late&password2=too-late").page(saysBad)
		})
	})
}

func TestAChangedAddressEndsTicketsForTheOldOne(t *testing.T) {
	eachPostOffice(t, func(t *testing.T, o *office) {
		o.ask("", "POST", "/acme/sandbox/users", object{"username": "tom", "email": "tom@x.io", "password": "testpw"}).one()
		o.ask("", "POST", "/acme/sandbox/users/resetpw", "email=tom").page(saysSent)
		l := o.letter("Password Reset", "tom@x.io")
		o.ask("app", "PUT", "/acme/sandbox/users/tom", object{"email": "new@x.io"}).one()
		o.ask("", "GET", o.path(l), nil).page(emailField, saysBad)
		if told := o.next(1)[0]; told.Name != "moved" || told.To != "tom@x.io" {
			t.Errorf("%+v", told)
		}

		o.ask("", "POST", "/management/users/resetpw", "email=ada").page(saysSent)
		l = o.letter("Password Reset", "ada@x.io")
		o.ask("ada", "PUT", "/management/users/ada", object{"email": "lovelace@x.io"}).did("update user info")
		o.ask("", "GET", o.path(l), nil).page(emailField, saysBad)
		both := o.next(2)
		if both[0].Name != "moved" || both[0].To != "ada@x.io" || both[1].Subject != "User Account Confirmation: {address}" || both[1].To != "lovelace@x.io" {
			t.Errorf("%+v", both)
		}
	})
}

func TestTheResetPageTellsNothingWhereAccountsAreHidden(t *testing.T) {
	eachPostOffice(t, func(t *testing.T, o *office) {
		o.ask("", "POST", "/acme/sandbox/users", object{"username": "tom", "email": "tom@x.io", "password": "testpw"}).one()
		o.hide("sandbox")
		for _, ref := range []string{"tom@x.io", "nobody@x.io", "tom", "nobody"} {
			got := o.ask("", "POST", "/acme/sandbox/users/resetpw", "email="+ref).page(saysSent + ref)
			want := o.ask("", "POST", "/acme/sandbox/users/resetpw", "email=zed").page(saysSent + "zed")
			if strings.ReplaceAll(got, "to "+ref, "to zed") != want {
				t.Errorf("%s: %s", ref, got)
			}
			for _, path := range []string{"/sendpin", "/reactivate"} {
				if got := o.ask("", "GET", "/acme/sandbox/users/"+ref+path, nil); got.status != 200 {
					t.Errorf("%s%s: %d %s", ref, path, got.status, got.text)
				}
			}
		}
	})
}

func TestTooManyLettersAreSaidOnAPage(t *testing.T) {
	eachPostOffice(t, func(t *testing.T, o *office) {
		o.eachRecovery(t, func(t *testing.T, x recovering) {
			var last answer
			for range 25 {
				if last = o.ask("", "POST", x.base+"/resetpw", "email="+x.name); last.status != 200 {
					break
				}
			}
			if last.status != 429 || last.header.Get("Retry-After") == "" {
				t.Fatalf("answer %d", last.status)
			}
			last.pageAt("Too many emails have been sent")
		})
	})
}

func TestPagesSpeakTheLanguageOfWhoReadsThem(t *testing.T) {
	eachPostOffice(t, func(t *testing.T, o *office) {
		o.ask("", "POST", "/acme/sandbox/users", object{"username": "uwe", "email": "uwe@x.io", "password": "testpw", "locale": "de_AT"}).one()
		for accept, want := range map[string]string{
			"": "en", "de": "de", "de-CH,en;q=0.5": "de", "en;q=0.5,de": "de", "fr,en;q=0.4,de;q=0.3": "en", "xx": "en", ";;q=,": "en", "de;q=0,en": "en",
			strings.Repeat("x,", 5000): "en",
		} {
			got := o.send("GET", "/acme/sandbox/users/resetpw", "", "Accept-Language", accept)
			if text := got.page(); !strings.Contains(text, `<html lang="`+want+`">`) || got.header.Get("Vary") == "" {
				t.Errorf("%q: %s", accept, text)
			}
		}
		o.send("POST", "/acme/sandbox/users/resetpw", "email=uwe", "Accept-Language", "en").page(saysSent)
		link := o.path(o.letter("Password Reset", "uwe@x.io"))
		o.send("GET", link, "", "Accept-Language", "en").page(`<html lang="de">`, "Neues Passwort", newPassword)
		o.send("POST", link, "password1=abc&password2=abc", "Accept-Language", "en").page("mindestens 4 Zeichen", newPassword)
	})
}

// french are an application's own texts.
var french = hecate.PageTexts{"fr": {
	hecate.TextResetTitle: "Nouveau mot de passe <b>", hecate.TextResetText: "Pour {address} :", hecate.TextResetMismatch: "Les mots de passe diffèrent",
	hecate.TextResetDone: "Mot de passe de {address} enregistré", hecate.TextPasswordRefused: "Refusé : {reason}", hecate.TextPasswordTooShort: "{min} caractères au moins",
	hecate.TextActivateDone: "{address} est actif",
}}

func TestPagesSayWhatAnApplicationWrites(t *testing.T) {
	eachPostOffice(t, func(t *testing.T, o *office) {
		o.settings("sandbox", func(s *hecate.Settings) { s.Pages, s.Mail.Language = french, "de" })
		o.ask("", "POST", "/acme/sandbox/users", object{"username": "ann", "email": "ann@x.io", "password": "testpw", "locale": "fr_CA"}).one()
		o.ask("", "POST", "/acme/sandbox/users", object{"username": "tom", "email": "tom@x.io", "password": "testpw"}).one()
		ask := "/acme/sandbox/users/resetpw"
		o.send("POST", ask, "email=ann", "Accept-Language", "en").page(saysSent)
		link := o.path(o.letter("Password Reset", "ann@x.io"))
		o.send("GET", link, "", "Accept-Language", "en").page(`<html lang="fr">`, "Nouveau mot de passe <b>", "Pour ann@x.io :", "Dasselbe Passwort noch einmal", newPassword)
		o.send("POST", link, "password1=abc&password2=abcd").page("Les mots de passe diffèrent", newPassword)
		o.send("POST", link, "password1=abc&password2=abc").page("Refusé : 4 caractères au moins", newPassword)
		o.send("POST", link, "password1=new-pass&password2=new-pass").page("Mot de passe de ann@x.io enregistré")
		if o.ask("", "POST", "/acme/sandbox/token", object{"grant_type": "password", "username": "ann", "password": "new-pass"}).status != 200 {
			t.Error("the new password does not count")
		}
		// Whoever says nothing reads what the browser asks for, then what the application writes.
		o.send("GET", ask, "", "Accept-Language", "fr-CH,en").page(`<html lang="fr">`, "Nouveau mot de passe", "Geben Sie Ihre E-Mail-Adresse")
		o.send("GET", ask, "").page(`<html lang="de">`)
		o.send("GET", ask, "", "Accept-Language", "en").page(`<html lang="en">`, "Reset password")
		// The texts are one application's.
		o.send("GET", "/acme/books/users/resetpw", "", "Accept-Language", "fr").page(`<html lang="en">`)
		o.send("GET", "/management/users/resetpw", "", "Accept-Language", "fr").page(`<html lang="en">`)

		// Own pages go before: the letter leads there, and their form comes here.
		o.settings("sandbox", func(s *hecate.Settings) {
			s.Dialects = map[string]map[string]any{"usergrid": {"pages": map[string]any{"resetpw": "https://app.example/reset?lang=fr"}}}
		})
		o.send("POST", ask, "email=tom", "Accept-Language", "en").page(saysSent)
		l := o.letter("Password Reset", "tom@x.io")
		own := l.Link.Reveal()
		if !strings.HasPrefix(own, "https://app.example/reset?lang=fr&user=") || !strings.HasSuffix(own, "&token="+url.QueryEscape(l.Secret.Reveal())) {
			t.Errorf("link %s", own)
		}
		o.send("POST", "/acme/sandbox/users/tom/resetpw", "token="+url.QueryEscape(l.Secret.Reveal())+"&password1=new-pass&password2=new-pass", "Accept-Language", "fr").
			page("Mot de passe de tom@x.io enregistré")
	})
}

func TestWhatWasTypedIsEscaped(t *testing.T) {
	eachPostOffice(t, func(t *testing.T, o *office) {
		o.hide("sandbox")
		const evil = `"><script>alert(1)</script>`
		for _, got := range []answer{
			o.ask("", "POST", "/acme/sandbox/users/resetpw", "email="+url.QueryEscape(evil)),
			o.ask("", "POST", "/management/users/resetpw", "email="+url.QueryEscape(evil)),
			o.ask("", "GET", "/acme/sandbox/users/john/resetpw?token="+url.QueryEscape(evil), nil),
			o.ask("", "GET", "/acme/sandbox/users/john/activate?token="+url.QueryEscape(evil), nil),
		} {
			if text := got.page(); strings.Contains(text, "<script>") {
				t.Error(text)
			}
		}
	})
}

func TestAnUnknownAdminHasNoPage(t *testing.T) {
	eachPostOffice(t, func(t *testing.T, o *office) {
		for _, method := range []string{"GET", "POST"} {
			o.ask("", method, "/management/users/nobody/resetpw", nil).says(400, "management", "Could not find user for username: nobody")
		}
		o.ask("", "GET", "/acme/nosuch/users/resetpw", nil).fails(404, "organization_application_not_found")
		o.ask("", "POST", "/acme/sandbox/users/nobody/resetpw", "").page(saysUnknown)
	})
}

// hide lets an application of acme hide which accounts it has.
func (o *office) hide(app string) {
	o.settings(app, func(s *hecate.Settings) { s.HideAccountExistence = true })
}

// settings changes the settings of an application of acme.
func (o *office) settings(name string, change func(*hecate.Settings)) {
	o.t.Helper()
	ctx := context.Background()
	app, err := o.engine.AppByName(ctx, "acme", name)
	if err != nil {
		o.t.Fatal(err)
	}
	_, err = o.engine.UpdateApp(ctx, engine.SystemIn(app), app.ID, engine.UpdateAppInput{Adjust: func(s *hecate.Settings) error { change(s); return nil }})
	if err != nil {
		o.t.Fatal(err)
	}
}

// send asks without credentials, a form where there is a body.
func (o *office) send(method, path, body string, headers ...string) answer {
	o.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	o.handler.ServeHTTP(w, r)
	out := answer{t: o.t, status: w.Code, text: w.Body.String(), header: w.Header()}
	_ = json.Unmarshal(w.Body.Bytes(), &out.body)
	return out
}
