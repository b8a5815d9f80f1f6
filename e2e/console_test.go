package e2e

import (
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestTheConsoleFromFirstStartToLastApp follows the printed setup link in a real browser and does everything that
// the console offers. Whatever the browser complains about (scripts, policy, missing files) fails it.
func TestTheConsoleFromFirstStartToLastApp(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	b := openBrowser(t)
	const email, password, app = "ada@example.com", "a long password", "books"
	const markup = `<img src=x onerror="document.title='owned'">`

	b.do(chromedp.Navigate(setupLink(t, s)))
	b.see("Welcome to Hecate")
	if address := run1(b, chromedp.Location()); address != s.url+"/console/" {
		t.Errorf("the address still is %s", address)
	}
	b.enter("email", email)
	b.enter("first_name", "Ada")
	b.enter("password", password)
	b.press("Create account")
	b.see("Apps")

	b.do(chromedp.Reload())
	b.see("Sign in")
	b.enter("login", email)
	b.enter("password", password)
	b.press("Sign in")
	b.see("Apps")

	b.press("New app")
	b.enter("name", app)
	b.enter("description", markup)
	b.press("Create app")
	b.see(app)
	b.seeText(markup)

	b.press("New key")
	b.enter("name", "web site")
	b.do(chromedp.Click(chromedp.CSS(`input[value="allow_user_create"]`)))
	b.press("Create key")
	b.seeText("“web site” is created.")
	first := run1(b, chromedp.Text(chromedp.CSS("code.secret")))
	if got := s.keyOf(t, email, password, app); got != first {
		t.Errorf("the console shows the key %s, the server has %s", first, got)
	}
	b.fitsIn(360)

	b.press("Reset")
	b.press("Reset key")
	b.seeText("“web site” has a new secret.")
	second := run1(b, chromedp.Text(chromedp.CSS("code.secret")))
	if got := s.keyOf(t, email, password, app); first == second || got != second {
		t.Errorf("after the reset of %s the console shows the key %s, the server has %s", first, second, got)
	}
	b.press("Edit") // the description's, then the key's
	b.press("Cancel")
	b.press("Delete")
	b.press("Delete key")
	b.seeText("No keys yet")

	b.press("Delete app …")
	b.enter("confirm", app[:3])
	b.press("Delete app")
	b.seeText("This is not the same.")
	b.enter("confirm", app[3:])
	b.press("Delete app")
	b.see("Apps")
	b.seeText("No apps yet")

	b.do(chromedp.Click(`//a[.="` + email + `"]`))
	b.see("Account")
	b.press("Sign out")
	b.see("Sign in")

	b.do(chromedp.Navigate(s.url + "/console/?again"))
	b.see("Sign in")
	b.do(chromedp.Navigate(setupLink(t, s)))
	b.see("Welcome to Hecate")
	if strings.Contains(s.log.String(), password) || strings.Contains(s.log.String(), first) {
		t.Error("the server's log holds a secret")
	}
}

// setupLink is what the server printed for its first admin.
func setupLink(t *testing.T, s *server) string {
	t.Helper()
	link := regexp.MustCompile(regexp.QuoteMeta(s.url) + `/console/#setup=\S+`).FindString(s.log.String())
	if link == "" {
		t.Fatalf("no setup link in:\n%s", s.log)
	}
	return link
}

// keyOf asks the native API for the app's first key.
func (s *server) keyOf(t *testing.T, email, password, app string) string {
	t.Helper()
	account := text(s.want(t, 200, call{method: "POST", path: "/api/v1/admin/login", json: object{"login": email, "password": password}}).object, "account_key")
	return text(s.want(t, 200, call{method: "GET", path: "/api/v1/apps/" + app + "/keys/1", header: map[string]string{"Authorization": "Bearer " + account}}).object, "key")
}
