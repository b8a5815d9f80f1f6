package e2e

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"hecate/internal/mail/mailtest"
)

// linkInLetter is the first link of a letter.
var linkInLetter = regexp.MustCompile(`https?://\S+`)

func letterLink(t *testing.T, m mailtest.Mail) *url.URL {
	t.Helper()
	u, err := url.Parse(linkInLetter.FindString(m.Text))
	if err != nil || u.Host == "" {
		t.Fatalf("no link in\n%s", m.Text)
	}
	if !strings.Contains(m.HTML, strings.ReplaceAll(u.String(), "&", "&amp;")) {
		t.Errorf("the other part has another link:\n%s", m.HTML)
	}
	return u
}

// TestSkygearsLetters follows the letters of the unmodified client for forgotten passwords and verification over a real mail server, in its own
// calls and in a browser; a new password lets in through every dialect.
func TestSkygearsLetters(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		post := mailtest.Start(t, mailtest.Config{StartTLS: true, User: "post", Password: "crow bar"})
		landing := servePage(t)
		spec := strings.Replace(crossSpec, "    keys:\n", `    settings: {skygear: {welcome_mail: true, verify: {keys: [email], auto_update: true, success_redirect: "`+landing.URL+`/?done"}}}
    keys:
`, 1)
		c := &crossing{start(t, options{database: database, apply: spec, args: append(
			mailArgs("smtp://post:crow%20bar@"+post.Addr+"?tls=required&ca="+post.CAFile), "--host", "skygear=localhost")}), t}
		for _, site := range skygearSites {
			t.Run("by "+site.name, func(t *testing.T) { c.skygearLetters(t, post, site, landing.URL) })
		}
		c.stop(t)
		if log := c.log.String(); strings.Contains(log, `"level":"ERROR"`) {
			t.Errorf("the server's log has errors:\n%s", log)
		}
	})
}

func (c *crossing) skygearLetters(t *testing.T, post *mailtest.Server, site skygearSite, landing string) {
	const first, second, third = "first secret", "second secret", "third secret"
	name := "ben-" + site.name
	to := name + "@example.com"
	end := c.at(site)
	step := func(step, password string, env ...string) {
		t.Helper()
		runScript(t, "skygear/mail.js", append(env, "STEP="+step, "NAME="+name, "PASSWORD="+password, "ENDPOINT="+end,
			"API_KEY=key-of-the-app-three", "MASTER_KEY=master-of-the-app-three")...)
	}
	leads := func(u *url.URL, path string) {
		t.Helper()
		if got := u.Scheme + "://" + u.Host + u.Path; got != strings.TrimSuffix(end, "/")+path {
			t.Errorf("the letter leads to %s", got)
		}
	}
	step("signup", first)
	if m := post.Wait(t, to, "Welcome!"); !m.Secure || m.HTML == "" || !strings.Contains(m.Text, name) {
		t.Errorf("the welcome: %+v", m)
	}
	u := letterLink(t, post.Wait(t, to, "User Verification"))
	leads(u, "/user/verify-code/form")
	step("verify", first, "CODE="+u.Query().Get("code"))

	step("forgot", first)
	u = letterLink(t, post.Wait(t, to, "Reset password instructions"))
	leads(u, "/reset-password")
	b := openBrowser(t)
	b.do(chromedp.Navigate(u.String()))
	b.see("Reset password")
	b.enter("password", second)
	b.enter("confirm", "something else")
	b.press("Submit")
	b.seeText("confirm password does not match the password")
	b.enter("password", second)
	b.enter("confirm", second)
	b.press("Submit")
	b.seeText("Your password is reset successfully.")
	b.expect("400")
	b.do(chromedp.Navigate(u.String()))
	b.seeText("Invalid URL")
	for _, d := range doors {
		c.mustRefuse(t, d, name, first)
		c.mustLogin(t, d, name, second)
	}

	step("forgot", second)
	var q url.Values
	eventually(t, stepLimit, "a second letter", func() bool {
		q = letterLink(t, post.Wait(t, to, "Reset password instructions")).Query()
		return q.Get("code") != u.Query().Get("code")
	})
	step("reset", third, "CODE="+q.Get("code"), "USER_ID="+q.Get("user_id"), "EXPIRE_AT="+q.Get("expire_at"))
	for _, d := range doors {
		c.mustLogin(t, d, name, third)
	}

	// The same proof by the link of the letter, which ends on the app's own page.
	name, to = "eve-"+site.name, "eve-"+site.name+"@example.com"
	step("signup", first)
	u = letterLink(t, post.Wait(t, to, "User Verification"))
	b.do(chromedp.Navigate(u.String()))
	b.see("Verify your account")
	b.press("Verify")
	b.see("Ready")
	if at := run1(b, chromedp.Location()); at != landing+"/?done" {
		t.Errorf("it ends at %s", at)
	}
	step("verified", first)
	if strings.Contains(c.log.String(), q.Get("code")) {
		t.Error("the ticket is in the log")
	}
	for _, m := range post.Mails() {
		if strings.HasPrefix(m.To, "nobody") {
			t.Error(fmt.Sprint("a letter to nobody: ", m.Subject))
		}
	}
}
