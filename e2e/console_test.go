package e2e

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
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

// browser is one tab of a headless Chromium.
type browser struct {
	t   *testing.T
	ctx context.Context
}

// stepLimit is what one step may take, on a machine that is busy with other tests.
const stepLimit = 15 * time.Second

// openBrowser starts a browser for one test, which fails if the page had anything to complain about.
func openBrowser(t *testing.T) *browser {
	t.Helper()
	path := chromium(t)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // its sandbox refuses to run as root
	}
	allocator, stop := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	t.Cleanup(stop)
	ctx, closeTab := chromedp.NewContext(allocator)
	t.Cleanup(closeTab)
	b := &browser{t, ctx}
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start the browser: %v", err)
	}
	b.listen()
	return b
}

// chromium finds the browser, or skips the test where there is none.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "headless-shell"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no Chromium here: scripts/setup-tests.sh chromium")
	return ""
}

// listen collects what the page writes to its console, and reports it when the test ends.
func (b *browser) listen() {
	ctx, stop := context.WithCancel(b.ctx)
	messages := chromedp.Console(ctx)
	var complaints []string
	var done sync.WaitGroup
	done.Go(func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			complaints = append(complaints, m.String()+" "+m.URL)
		}
	})
	b.t.Cleanup(func() {
		stop()
		done.Wait()
		if len(complaints) > 0 {
			b.t.Errorf("the browser's console:\n%s", strings.Join(complaints, "\n"))
		}
	})
}

// do runs steps in the tab.
func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, stop := context.WithTimeout(b.ctx, stepLimit)
	defer stop()
	if err := chromedp.Do(ctx, steps...); err != nil {
		shown, _ := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS("body")))
		b.t.Fatalf("%v; the page shows:\n%s", err, shown)
	}
}

// run1 runs one step that has a result.
func run1[T any](b *browser, step chromedp.Action[T]) T {
	b.t.Helper()
	ctx, stop := context.WithTimeout(b.ctx, stepLimit)
	defer stop()
	v, err := chromedp.Run(ctx, step)
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

// see waits for the view with that heading.
func (b *browser) see(heading string) {
	b.t.Helper()
	b.do(chromedp.WaitVisible(`//h1[.="` + heading + `"]`))
}

// seeText waits for an element with exactly that text.
func (b *browser) seeText(text string) {
	b.t.Helper()
	b.do(chromedp.WaitVisible(`//*[text()=` + quoted(text) + `]`))
}

// quoted is a string of XPath, which knows no escapes.
func quoted(text string) string {
	return `concat('` + strings.ReplaceAll(text, `'`, `',"'",'`) + `','')`
}

// press clicks a button: of the dialog, where one is open.
func (b *browser) press(label string) {
	b.t.Helper()
	b.do(chromedp.Click(`(//dialog//button[.=` + quoted(label) + `] | //main[not(//dialog)]//button[.=` + quoted(label) + `]` +
		` | //header[not(//dialog)]//button[.=` + quoted(label) + `])[last()]`))
}

// enter types at the end of a field.
func (b *browser) enter(name, text string) {
	b.t.Helper()
	field := chromedp.CSS(`[name="` + name + `"]`)
	b.do(chromedp.WaitVisible(field), chromedp.SendKeys(field, text))
}

// fitsIn demands that the page needs no scrolling sideways on a screen of that width.
func (b *browser) fitsIn(width int64) {
	b.t.Helper()
	metrics := emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 700, DeviceScaleFactor: 1}
	if _, err := chromedp.Call(b.ctx, emulation.SetDeviceMetricsOverride, metrics); err != nil {
		b.t.Fatal(err)
	}
	if needed := run1(b, chromedp.Evaluate[int64]("document.documentElement.scrollWidth")); needed > width {
		b.t.Errorf("the page is %d wide on a screen of %d", needed, width)
	}
}
