package e2e

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// The app whose people come by an OpenID provider. Its page and the server have names of one site, as www.example.com
// and api.example.com have: the page's hidden frame reads a cookie of the server.
const (
	openIDApp    = "openid"
	openIDHost   = "api.books.localhost"
	openIDPage   = "www.books.localhost"
	openIDClient = "books-at-the-provider"
	openIDSecret = "secret of books"
	openIDOther  = "films-at-the-provider"
)

// openIDPeople are the provider's, by subject.
var openIDPeople = object{
	"ada":   object{"email": "ada@example.com", "email_verified": true, "name": "Ada Lovelace"},
	"ben":   object{"email": "ben@example.com", "email_verified": true, "name": "Ben Ä"},
	"cleo":  object{"email": "cleo@example.com", "email_verified": false},
	"mole":  object{"email": "victim@example.com", "email_verified": true},
	"proof": object{"email": "proof@example.com", "email_verified": true},
}

// openID is a provider in a process of its own.
type openID struct{ issuer, back string }

// startOpenID runs the provider for apps whose browsers come back there. It ends with its standard input.
func startOpenID(t *testing.T, back string) *openID {
	t.Helper()
	if _, err := os.Stat("oidc/node_modules/oidc-provider/package.json"); err != nil {
		t.Fatal("the OpenID provider is not installed: run scripts/setup-tests.sh node npm")
	}
	client := func(id string) object {
		return object{"client_id": id, "client_secret": openIDSecret, "redirect_uris": []string{back}}
	}
	clients, people := canonical(t, []object{client(openIDClient), client(openIDOther)}), canonical(t, openIDPeople)
	log := &output{}
	cmd := exec.Command("node", "provider.js")
	cmd.Dir = "oidc"
	cmd.Env = append(cleanEnv(), "NODE_NO_WARNINGS=1", "CLIENTS="+clients, "PEOPLE="+people)
	cmd.Stderr = log
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		late := time.AfterFunc(stopLimit, func() { _ = cmd.Process.Kill() })
		defer late.Stop()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the provider ended with %v", err)
		}
		if t.Failed() {
			t.Logf("the provider's log:\n%s", log.tail(shownLines))
		}
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if issuer, ok := strings.CutPrefix(lines.Text(), "issuer "); ok {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return &openID{issuer, back}
		}
	}
	t.Fatalf("the provider did not start:\n%s", log.tail(shownLines))
	return nil
}

// withOpenID starts a server with an app whose people come by an OpenID provider, declared by `hecate apply`, and the provider.
func withOpenID(t *testing.T, database, page string) (*server, *openID) {
	t.Helper()
	s := start(t, options{database: database, args: []string{"--host", "skygear/labs/" + openIDApp + "=" + openIDHost, "--registration", "open"}})
	p := startOpenID(t, s.openIDPoint()+"/sso/test/auth_handler")
	s.apply(t, "orgs:\n  - {name: labs}\napps:\n"+skygearApp(openIDApp, fmt.Sprintf(
		`social: {oidc: [{name: test, issuer: %q, client_id: %s, client_secret: %q}]}, skygear: {allowed_callback_urls: [%q]}`,
		p.issuer, openIDClient, openIDSecret, page)))
	return s, p
}

// apply brings a running server to a declared state, as an operator does.
func (s *server) apply(t *testing.T, yaml string) {
	t.Helper()
	cmd := exec.Command(binary, "apply", "--data", s.dataDir, "-f", writeFile(t, "state.yaml", yaml))
	cmd.Env = cleanEnv()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("hecate apply: %v\n%s", err, out)
	}
}

// named is the server's address under another name of this machine.
func named(address, name string) string { return strings.Replace(address, "127.0.0.1", name, 1) }

func (s *server) openIDPoint() string { return named(s.url, openIDHost) }

// TestSignInByAnOpenIDProvider lets the unmodified client sign in at a certified provider, with a browser that clicks through
// the provider's pages.
func TestSignInByAnOpenIDProvider(t *testing.T) {
	t.Parallel()
	onBoth(t, signInByOpenID)
}

func signInByOpenID(t *testing.T, database string) {
	site := named(servePage(t).URL, openIDPage)
	s, provider := withOpenID(t, database, site)
	p := &skygearTab{openBrowser(t), fmt.Sprintf("(window.configured ??= skygear.config({endPoint: %q, apiKey: %q}))", s.openIDPoint()+"/", skygearKey(openIDApp))}
	p.tolerate("WebSocket is closed before the connection is established")
	p.do(chromedp.Navigate(site))
	p.see("Ready")
	const me, logOut = `return skygear.auth.currentUser._id`, `await skygear.auth.logout(); return skygear.auth.currentUser`
	var ada string
	step := func(name string, test func(t *testing.T)) {
		t.Run(name, func(t *testing.T) {
			p.t = t
			defer func() { p.t = t }()
			test(t)
		})
		if t.Failed() {
			t.FailNow()
		}
	}
	step("a popup signs up, and in", func(t *testing.T) {
		p.popUp(`loginOAuthProviderWithPopup("test")`, "ada")
		p.is("ada@example.com", `return (await window.outcome).email`)
		ada = p.await(`(async () => { ` + me + ` })()`)
		p.is(ada, `return (await skygear.auth.whoami())._id`)
		p.is("ada ada@example.com Ada Lovelace", `const {test} = await skygear.auth.getOAuthProviderProfiles(); return [test.sub, test.email, test.name].join(" ")`)
	})
	step("a redirect comes back to the page with the same user", func(t *testing.T) {
		p.is("null", logOut)
		p.goAway(`loginOAuthProviderWithRedirect("test", {options: {prompt: "login"}})`, "ada")
		p.see("Ready")
		p.is(ada, `return (await skygear.auth.getLoginRedirectResult())._id`)
		p.is("undefined", `return skygear.auth.getLoginRedirectResult()`)
		p.is(ada, me)
	})
	step("one who is signed in at the provider sees no page of it", func(t *testing.T) {
		p.is("null", logOut)
		p.is(ada, `return (await skygear.auth.loginOAuthProviderWithPopup("test"))._id`)
		p.is("null", logOut)
	})
	step("who refuses, or goes away, is not signed in", func(t *testing.T) {
		pop := p.open(`loginOAuthProviderWithPopup("test", {options: {prompt: "login consent"}})`)
		pop.signIn("ada")
		pop.press("Refuse")
		p.is("refused: 105", `await window.outcome`)
		pop = p.open(`loginOAuthProviderWithPopup("test", {options: {prompt: "login"}})`)
		pop.see("Who are you?")
		pop.do(chromedp.Evaluate[chromedp.Void](`setTimeout(() => window.close(), 50)`))
		p.is("User cancel the login flow", `return window.outcome.catch((e) => e.error.message)`)
		p.is("undefined", `return (skygear.auth.currentUser || {})._id`)
	})
	step("an account is linked by a popup, and unlinked", func(t *testing.T) {
		p.is("ben", `return (await skygear.auth.signupWithUsername("ben", "p1")).username`)
		p.popUp(`linkOAuthProviderWithPopup("test", {options: {prompt: "login"}})`, "ben").agree("ben")
		p.is("OK", `return (await window.outcome).result`)
		p.is("test ben", `const all = await skygear.auth.getOAuthProviderProfiles(); return Object.keys(all) + " " + all.test.sub`)
		ben := p.await(`(async () => { ` + me + ` })()`)
		p.is("null", logOut)
		p.is(ben, `return (await skygear.auth.loginOAuthProviderWithPopup("test"))._id`)
		p.is("OK", `return (await skygear.auth.unlinkOAuthProvider("test")).result`)
		p.is("0", `return Object.keys(await skygear.auth.getOAuthProviderProfiles()).length`)
		p.expect("404")
		p.is("refused: 110", `await skygear.auth.unlinkOAuthProvider("test")`)
	})
	step("an account is linked by a redirect; an identity of somebody else is not", func(t *testing.T) {
		p.goAway(`linkOAuthProviderWithRedirect("test", {options: {prompt: "login"}})`, "ada")
		p.agree("ben")
		p.see("Ready")
		p.is("refused: 108", `await skygear.auth.getLinkRedirectResult()`)
		p.goAway(`linkOAuthProviderWithRedirect("test", {options: {prompt: "login"}})`, "ben")
		p.agree("ben")
		p.see("Ready")
		p.is("OK", `return (await skygear.auth.getLinkRedirectResult()).result`)
		p.is("ben", `return (await skygear.auth.getOAuthProviderProfiles()).test.sub`)
		p.is("null", logOut)
	})
	step("a token of the provider will do, if it was issued for this app", func(t *testing.T) {
		ours, theirs := provider.tokens(t, openIDClient, "ada"), provider.tokens(t, openIDOther, "ada")
		withToken := func(token string) string {
			return fmt.Sprintf(`return (await skygear.auth.loginOAuthProviderWithAccessToken("test", %q))._id`, token)
		}
		p.is(ada, withToken(ours.ID))
		p.is(ada, withToken(ours.Access))
		for _, token := range []string{theirs.ID, theirs.Access, "nonsense", ours.ID + "x"} {
			p.expect("401")
			p.is("refused: 105", withToken(token))
		}
		provider.revoke(t, ours.Access)
		p.expect("401")
		p.is("refused: 105", withToken(ours.Access))
		p.is("null", logOut)
	})
	step("a page that the app does not name gets nothing", func(t *testing.T) {
		p.expect("400")
		p.is("refused: 108", `await skygear.auth.loginOAuthProviderWithRedirect("test", {callbackURL: "http://evil.localhost/"})`)
	})
	if log := s.log.String(); strings.Contains(log, `"level":"ERROR"`) {
		t.Errorf("the server's log has errors:\n%s", s.log.from(`"level":"ERROR"`, shownLines))
	}
}

// open starts a call of skygear.auth by a click, as a popup needs it; its promise is window.outcome.
func (p *skygearTab) open(call string) *browser {
	p.t.Helper()
	p.await(fmt.Sprintf(`%s.then(() => { document.onclick = () => { window.outcome = skygear.auth.%s; window.outcome.catch(() => {}); }; return ""; })`, p.config, call))
	opened := chromedp.WaitNewTarget(p.ctx, func(info *target.Info) bool { return info.Type == "page" })
	p.do(chromedp.Click(chromedp.CSS("h1")))
	select {
	case id := <-opened:
		ctx, closeTab := chromedp.NewContext(p.ctx, chromedp.WithTargetID(id))
		p.t.Cleanup(closeTab)
		// The tab lives as long as the context of the first call does, so that one has no limit.
		if err := chromedp.Do(ctx); err != nil {
			p.t.Fatal(err)
		}
		return &browser{t: p.t, ctx: ctx}
	case <-time.After(stepLimit):
		p.t.Fatalf("%s opened no window", call)
		return nil
	}
}

// popUp is a call whose person signs in and consents in the window that it opens.
func (p *skygearTab) popUp(call, person string) *browser {
	p.t.Helper()
	pop := p.open(call)
	pop.signIn(person)
	pop.press("Allow")
	return pop
}

// agree presses the button of the page that says into which account an identity would lead.
func (b *browser) agree(user string) {
	b.t.Helper()
	b.see("Link your account?")
	b.do(chromedp.WaitVisible(`//p[contains(., "the account of ` + user + ` here")]`))
	b.press("Link")
}

// goAway is a call that leaves the page for the provider; the person signs in there, and comes back.
func (p *skygearTab) goAway(call, person string) {
	p.t.Helper()
	p.await(fmt.Sprintf(`%s.then(() => { skygear.auth.%s; return ""; })`, p.config, call))
	p.signIn(person)
	// The provider remembers who consented before.
	p.do(chromedp.WaitVisible(`//h1[.="Ready" or .="Link your account?" or .="May they know you?"]`))
	if run1(p.browser, chromedp.Evaluate[bool](`location.pathname.startsWith("/interaction/")`)) {
		p.press("Allow")
	}
}

// signIn tells the provider's page who is there.
func (b *browser) signIn(person string) {
	b.t.Helper()
	b.see("Who are you?")
	b.enter("login", person)
	b.press("Sign in")
}

// challengeOf is the challenge of PKCE for a verifier.
func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// openIDTokens are what a provider gives for a code.
type openIDTokens struct {
	ID     string `json:"id_token"`
	Access string `json:"access_token"`
}

// tokens signs somebody in at an app, as the app's own program on a phone would.
func (p *openID) tokens(t *testing.T, client, person string) (out openIDTokens) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	var code string
	browser := &http.Client{Jar: jar, Timeout: stepLimit, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), p.back) {
			code = r.URL.Query().Get("code")
			return http.ErrUseLastResponse
		}
		return nil
	}}
	const verifier = "a-verifier-of-at-least-forty-three-characters-see"
	at := p.issuer + "/auth?" + url.Values{
		"client_id": {client}, "response_type": {"code"}, "scope": {"openid email profile"}, "redirect_uri": {p.back}, "state": {"x"},
		"code_challenge": {challengeOf(verifier)}, "code_challenge_method": {"S256"},
	}.Encode()
	res, err := browser.Get(at)
	for _, form := range []url.Values{{"login": {person}}, {"answer": {"yes"}}} {
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		res, err = browser.PostForm(res.Request.URL.String(), form)
	}
	if err != nil || code == "" {
		t.Fatalf("no code: %v", err)
	}
	res.Body.Close()
	p.ask(t, client, "/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {p.back}, "code_verifier": {verifier},
	}, &out)
	if out.ID == "" || out.Access == "" {
		t.Fatal("no tokens")
	}
	return out
}

func (p *openID) revoke(t *testing.T, token string) {
	t.Helper()
	p.ask(t, openIDClient, "/token/revocation", url.Values{"token": {token}}, nil)
}

// ask asks the provider as an app does.
func (p *openID) ask(t *testing.T, client, path string, form url.Values, out any) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), stepLimit)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, "POST", p.issuer+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(client), url.QueryEscape(openIDSecret))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s %v", path, res.StatusCode, body, err)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal(body, out); err != nil {
		t.Fatal(err)
	}
}
