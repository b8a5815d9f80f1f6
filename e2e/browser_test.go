package e2e

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// browser is one tab of a headless Chromium.
type browser struct {
	t         *testing.T
	ctx       context.Context
	expected  []string // words of complaints that a test provokes, each once
	tolerated []string // words of complaints that may come, at any time
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
	b := &browser{t: t, ctx: ctx}
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start the browser: %v", err)
	}
	b.listen()
	return b
}

// chromium finds the browser; without one the test fails, since it can be installed.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "headless-shell"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("no Chromium here: scripts/setup-tests.sh chromium installs it")
	return ""
}

// listen collects what the page writes to its console, and reports it when the test ends.
func (b *browser) listen() {
	ctx, stop := context.WithCancel(b.ctx)
	messages := chromedp.Console(ctx)
	var mu sync.Mutex
	var complaints []string
	var done sync.WaitGroup
	done.Go(func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			mu.Lock()
			complaints = append(complaints, m.String()+" "+m.URL)
			mu.Unlock()
		}
	})
	heard := func(words string) int {
		return slices.IndexFunc(complaints, func(c string) bool { return strings.Contains(c, words) })
	}
	t := b.t // steps of a test may lend the browser their own
	t.Cleanup(func() {
		// The last complaint may still be on its way.
		for deadline := time.Now().Add(stepLimit); len(b.expected) > 0 && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			mu.Lock()
			last := heard(b.expected[len(b.expected)-1])
			enough := last >= 0 && len(complaints) >= len(b.expected)
			mu.Unlock()
			if enough {
				break
			}
		}
		stop()
		done.Wait()
		for _, words := range b.expected {
			at := heard(words)
			if at < 0 {
				t.Errorf("the browser did not complain of %q", words)
				continue
			}
			complaints = slices.Delete(complaints, at, at+1)
		}
		complaints = slices.DeleteFunc(complaints, func(c string) bool {
			return slices.ContainsFunc(b.tolerated, func(words string) bool { return strings.Contains(c, words) })
		})
		if len(complaints) > 0 {
			t.Errorf("the browser's console:\n%s", strings.Join(complaints, "\n"))
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

// expect names words of a complaint that the next steps cause, as every answer with an error status does.
func (b *browser) expect(words string) { b.expected = append(b.expected, words) }

// tolerate names words of a complaint that is not the server's fault.
func (b *browser) tolerate(words string) { b.tolerated = append(b.tolerated, words) }

// await evaluates an expression of the page; a promise is waited for.
func (b *browser) await(expression string) string {
	b.t.Helper()
	return run1(b, chromedp.Evaluate[string](expression, chromedp.EvalAwaitPromise))
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
