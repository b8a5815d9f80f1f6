package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// skygearPage is a page of an app: it has the browser's build of the SDK, and nothing else.
const skygearPage = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>app</title><script src="/skygear.min.js"></script><h1>Ready</h1>`

// TestTheSkygearClientInABrowser runs the SDK's browser build on a page of another origin: the browser's own rules for
// requests to other origins apply, and its localStorage keeps the user.
func TestTheSkygearClientInABrowser(t *testing.T) {
	t.Parallel()
	const app = "browser"
	s := start(t, options{apply: "orgs:\n  - {name: labs}\napps:\n" + skygearApp(app, ""), args: []string{"--host", "skygear/labs/browser=localhost"}})
	for _, site := range skygearSites {
		t.Run("by "+site.name, func(t *testing.T) {
			p := &skygearTab{openBrowser(t), fmt.Sprintf("(window.configured ??= skygear.config({endPoint: %q, apiKey: %q}))", s.at(site), skygearKey(app))}
			// The SDK opens one of its sockets again whenever the user changes, no matter whether it is open yet.
			p.tolerate("WebSocket is closed before the connection is established")
			p.live(servePage(t).URL, "Ben "+site.name)
		})
	}
}

// servePage serves the page from an origin of its own.
func servePage(t *testing.T) *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, skygearPage) })
	mux.HandleFunc("GET /skygear.min.js", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, "js/node_modules/skygear/dist/skygear.min.js")
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

type skygearTab struct {
	*browser
	config string // the promise of a configured client
}

// is runs steps of JavaScript with the configured client and demands their result, as text.
func (p *skygearTab) is(want, steps string) {
	p.t.Helper()
	got := p.await(fmt.Sprintf("(async () => { await %s; %s })().then(String, (e) => 'refused: ' + (e.error ? e.error.code : e.message))", p.config, steps))
	if got != want {
		p.t.Errorf("%s: got %s, want %s", steps, got, want)
	}
}

// live is the life of a user whose name is given, from sign-up to log-out.
func (p *skygearTab) live(page, user string) {
	const whoAmI = `return (skygear.auth.currentUser || {}).username`
	p.do(chromedp.Navigate(page))
	p.see("Ready")
	p.is("undefined", whoAmI)
	p.is(user, `return (await skygear.auth.signupWithUsername("`+user+`", "p1", {born: new Date(5), city: "Zürich"})).username`)
	p.is("skygear-accesstoken,skygear-user", `return Object.keys(localStorage).filter((k) => k.startsWith("skygear-")).sort()`)

	p.do(chromedp.Reload())
	p.see("Ready")
	p.is(user, whoAmI)
	p.is("5 Zürich", `return skygear.auth.currentUser.born.getTime() + " " + skygear.auth.currentUser.city`)
	p.is(user, `return (await skygear.auth.whoami()).username`)

	p.is("1 hello", `
		const Note = skygear.Record.extend("note");
		const note = await skygear.publicDB.save(new Note({text: "hello", by: "`+user+`"}));
		const found = await skygear.publicDB.query(new skygear.Query(Note).equalTo("by", "`+user+`"));
		return found.length + " " + found[0].text`)
	p.is("text/plain 3", `
		const file = new File(["abc"], "ä b.txt", {type: "text/plain"});
		const note = await skygear.publicDB.save(new (skygear.Record.extend("letter"))({file: new skygear.Asset({name: file.name, file})}));
		const answer = await fetch(note.file.url);
		return answer.headers.get("content-type") + " " + (await answer.text()).length`)
	p.is("1", `
		const heard = new Promise((resolve) => skygear.pubsub.on("news", resolve));
		skygear.pubsub.publish("news", {n: 1});
		return (await heard).n`)

	p.expect("401")
	p.is("refused: 105", `await skygear.auth.changePassword("wrong", "p2")`)
	p.is(user, whoAmI)
	p.is("null", `await skygear.auth.logout(); return skygear.auth.currentUser`)
	p.do(chromedp.Reload())
	p.see("Ready")
	p.is("undefined", whoAmI)
	p.expect("404")
	p.is("refused: 110", `await skygear.auth.loginWithUsername("nobody", "p1")`)
	p.is(user, `return (await skygear.auth.loginWithUsername("`+strings.ToUpper(user)+`", "p1")).username`)
}
