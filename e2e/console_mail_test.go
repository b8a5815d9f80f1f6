package e2e

import (
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/emersion/go-smtp"

	"hecate/internal/mail/mailtest"
)

// withMail are the flags of a server with closed registration whose letters go there.
func withMail(post *mailtest.Server) options {
	return options{args: []string{"--smtp-url", "smtp://" + post.Addr, "--mail-sender", mailSender}}
}

// firstAdmin uses the setup link up, and gives the account key.
func (s *server) firstAdmin(t *testing.T, email, password string) string {
	t.Helper()
	_, ticket, _ := strings.Cut(setupLink(t, s), "#setup=")
	return text(s.want(t, 201, call{method: "POST", path: "/api/v1/setup", json: object{"ticket": ticket, "email": email, "password": password}}).object, "account_key")
}

// signInAtConsole signs an admin in at the console's first page.
func (b *browser) signInAtConsole(s *server, email, password string) {
	b.t.Helper()
	b.do(chromedp.Navigate("about:blank"), chromedp.Navigate(s.url+"/console/"))
	b.see("Sign in")
	b.enter("login", email)
	b.enter("password", password)
	b.press("Sign in")
	b.see("Apps")
}

// follow clicks a link.
func (b *browser) follow(label string) {
	b.t.Helper()
	b.do(chromedp.Click(`//main//a[.=` + quoted(label) + `]`))
}

// TestTheConsoleShowsLettersAndSendsThemOnceMore has letters refused for good, for a while, and taken.
func TestTheConsoleShowsLettersAndSendsThemOnceMore(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		var refuses atomic.Int32
		refuses.Store(550)
		post := mailtest.Start(t, mailtest.Config{Refuse: func(string) error {
			if code := int(refuses.Load()); code != 0 {
				return &smtp.SMTPError{Code: code, Message: "<b>no</b> such mailbox"}
			}
			return nil
		}})
		o := withMail(post)
		o.database = database
		s := start(t, o)
		const email, password = "eli@example.com", "a long password"
		key := map[string]string{"X-API-KEY": s.firstAdmin(t, email, password)}
		s.want(t, 201, call{method: "POST", path: "/v1.1/instances/", header: key, json: object{"name": "blackmesa"}})
		invite := func(to string) {
			t.Helper()
			s.want(t, 201, call{method: "POST", path: "/v1.1/instances/blackmesa/invitations/", header: key, json: object{"email": to, "role": "read"}})
		}
		b := openBrowser(t)
		b.signInAtConsole(s, email, password)
		b.follow("blackmesa")
		b.see("blackmesa")
		b.follow("Letters")
		b.see("Letters")
		b.seeText("No letters")

		refresh := func(state string) {
			t.Helper()
			eventually(t, stepLimit, "a letter "+state, func() bool {
				b.press("Refresh")
				b.seeText("The list is as it is now.")
				return run1(b, chromedp.Evaluate[bool](`[...document.querySelectorAll(".cards .badge")].some((badge) => badge.textContent === "`+state+`")`))
			})
		}
		invite("gordon@example.com")
		refresh("Failed")
		b.seeText("gordon@example.com")
		b.do(chromedp.WaitVisible(`//p[contains(., "<b>no</b> such mailbox")]`))
		b.fitsIn(360)
		refuses.Store(0)
		b.press("Send again")
		b.seeText("“Invitation” to gordon@example.com goes out at once.")
		post.Wait(t, "gordon@example.com", "You are invited to blackmesa")
		eventually(t, stepLimit, "the letter has left the list", func() bool {
			b.press("Refresh")
			b.seeText("The list is as it is now.")
			return run1(b, chromedp.Evaluate[int64](`document.querySelectorAll(".cards > li").length`)) == 0
		})

		refuses.Store(451)
		invite("alyx@example.com")
		refresh("Waiting")
		refuses.Store(0)
		b.press("Send now")
		b.seeText("“Invitation” to alyx@example.com goes out at once.")
		post.Wait(t, "alyx@example.com", "You are invited to blackmesa")

		refuses.Store(550)
		invite("barney@example.com")
		refresh("Failed")
		b.press("Give up")
		b.press("Give up")
		b.seeText("“Invitation” to barney@example.com is given up.")
		b.seeText("No letters")
		b.expect("404")
		b.await(`location.hash = "#/apps/xen/letters"`) // an app of others is one that there is not
		b.see("That did not work")
		if n := len(post.Mails()); n != 2 {
			t.Errorf("%d mails left", n)
		}
	})
}

// TestTheConsoleSaysHowLettersLook writes a template, is told what is wrong with it, and has a sample sent.
func TestTheConsoleSaysHowLettersLook(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		post := mailtest.Start(t, mailtest.Config{})
		o := withMail(post)
		o.database = database
		s := start(t, o)
		const email, password = "eli@example.com", "a long password"
		key := map[string]string{"X-API-KEY": s.firstAdmin(t, email, password)}
		s.want(t, 201, call{method: "POST", path: "/v1.1/instances/", header: key, json: object{"name": "blackmesa"}})
		b := openBrowser(t)
		b.signInAtConsole(s, email, password)
		b.follow("blackmesa")
		b.follow("How letters look")
		b.see("How letters look")
		b.seeText("No templates")

		b.expect("400")
		b.enter("sender", "Black Mesa")
		b.press("Save")
		b.do(chromedp.WaitVisible(`//p[contains(., "is no sender")]`))
		b.enter("sender", " <mail@blackmesa.example.com>")
		b.press("Save")
		b.seeText("Saved.")

		b.press("New template")
		b.await(`document.querySelector("dialog select[name=letter]").value = "invite"`)
		b.press("Start with the built-in letter")
		b.seeText("Invitation in en")
		b.expect("400")
		b.await(`document.querySelector("dialog [name=html]").value = ""`)
		b.await(`document.querySelector("dialog [name=subject]").value = ""`)
		b.enter("subject", "Come to {{.app}}")
		b.enter("text", "{{.password}}")
		b.press("Save")
		b.do(chromedp.WaitVisible(`//dialog//p[contains(., "has no fact .password")]`))
		b.await(`document.querySelector("dialog [name=text]").value = ""`)
		b.enter("text", "Take the tram: {{.link}}")
		b.fitsIn(360)
		b.press("Save")
		b.seeText("Come to {{.app}}")
		b.press("Send me a sample")
		b.seeText("A sample is on its way to eli@example.com.")
		m := post.Wait(t, email, "Come to blackmesa")
		if m.From != "mail@blackmesa.example.com" || !strings.HasPrefix(m.Text, "Take the tram: ") || m.HTML != "" {
			t.Errorf("from %s: %q", m.From, m.Text)
		}
		s.want(t, 201, call{method: "POST", path: "/v1.1/instances/blackmesa/invitations/", header: key, json: object{"email": "gordon@example.com", "role": "read"}})
		if m := post.Wait(t, "gordon@example.com", "Come to blackmesa"); !strings.Contains(m.Text, s.url+"/console/#invitation=") && !regexp.MustCompile(`invitation=\S+`).MatchString(m.Text) {
			t.Errorf("%q", m.Text)
		}
		b.press("Remove")
		b.press("Remove template")
		b.seeText("No templates")
	})
}

// TestAForgottenPasswordOfTheConsole follows the letter that the sign-in page asks for.
func TestAForgottenPasswordOfTheConsole(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		post := mailtest.Start(t, mailtest.Config{})
		o := withMail(post)
		o.database = database
		s := start(t, o)
		const email, old, fresh = "eli@example.com", "a long password", "another long one"
		s.firstAdmin(t, email, old)
		b := openBrowser(t)
		b.tolerate("username fields for accessibility") // as in TestLettersOfAccountsLeadToTheConsole
		for _, asked := range []string{"nobody@example.com", email} {
			b.do(chromedp.Navigate("about:blank"), chromedp.Navigate(s.url+"/console/"))
			b.see("Sign in")
			b.press("Forgot your password?")
			b.see("Forgot your password?")
			b.fitsIn(360)
			b.enter("email", asked)
			b.press("Send me a link")
			b.seeText("If an account has the address " + asked + ", a letter is on its way to it. Its link lets you choose a new password.")
			b.press("Back to sign in")
			b.see("Sign in")
		}
		link := letterLink(t, post.Wait(t, email, "Reset your password")).String()
		b.do(chromedp.Navigate("about:blank"), chromedp.Navigate(link))
		b.see("Choose a new password")
		b.enter("password", fresh)
		b.press("Set password")
		b.see("Sign in")
		b.enter("login", email)
		b.enter("password", fresh)
		b.press("Sign in")
		b.see("Apps")
		s.want(t, 401, call{method: "POST", path: "/api/v1/admin/login", json: object{"login": email, "password": old}})
		for _, m := range post.Mails() {
			if m.To != email {
				t.Errorf("a letter to %s", m.To)
			}
		}
	})
}
