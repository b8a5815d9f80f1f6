package skygear

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// The ways in which a browser or a phone goes to a provider and comes back.
const (
	popupMode    = "web_popup"
	redirectMode = "web_redirect"
	iosMode      = "ios"
	androidMode  = "android"
)

var consentModes = []string{popupMode, redirectMode, iosMode, androidMode}

// What the state carries for us.
const (
	stateMode     = "ux_mode"
	stateCallback = "callback_url"
	stateUser     = "user_id" // of whom an identity is linked to; "" at a login
	stateKey      = "api_key" // sealed with the rest: the browser comes back without a key
)

// allowedCallbacks are the URLs at which results may be handed over: prefixes, compared without case. An empty list allows
// none, where the old server let all through: contracts/skygear.md 3.3.
func allowedCallbacks(app *hecate.App) []string {
	list, _ := app.Settings.Dialects[extraName]["allowed_callback_urls"].([]any)
	out := make([]string, 0, len(list))
	for _, item := range list {
		if text, ok := item.(string); ok && text != "" {
			out = append(out, text)
		}
	}
	return out
}

// callbackAllowed compares whole URLs: "https://app.example/a/" allows neither another host that begins so, nor
// "https://app.example@evil.example", nor "https://app.example/a/../b".
func callbackAllowed(app *hecate.App, callback string) bool {
	return web.MayReturn(allowedCallbacks(app), callback)
}

// socialConfig are the URLs to which the pages of the client may answer.
func (a *api) socialConfig(w *web.Response, r *web.Request, c *call) error {
	var allowed []string
	if app, err := a.doors.place(r, c.proof); err == nil { // asked without a key too: then there are none
		allowed = allowedCallbacks(app)
	}
	j := newJSON(nil)
	j.Open()
	j.texts("authorized_urls", allowed)
	j.Close()
	return answerResult(w, j.Buf)
}

// loginConsent and linkConsent answer where a browser asks for consent.
func (a *api) loginConsent(w *web.Response, r *web.Request, c *call) error {
	return a.beginConsent(w, r, c, "")
}

func (a *api) linkConsent(w *web.Response, r *web.Request, c *call) error {
	return a.beginConsent(w, r, c, c.actor.User.ID)
}

func (a *api) beginConsent(w *web.Response, r *web.Request, c *call, user hecate.UserID) error {
	in, err := a.readConsent(r, c)
	if err != nil {
		return err
	}
	in.Data[stateUser], in.Data[stateKey] = string(user), c.proof.Key.Reveal()
	if user != "" && c.actor.Session != nil {
		in.Session = c.actor.Session.ID
	}
	address, err := a.engine.BeginConsent(r.Context(), c.app, in)
	if err != nil {
		return socialFault(err)
	}
	j := newJSON(nil)
	j.Open()
	j.Text("auth_url", address)
	j.Close()
	return answerResult(w, j.Buf)
}

// readConsent reads {ux_mode, callback_url, scope, options}.
func (a *api) readConsent(r *web.Request, c *call) (in engine.ConsentInput, err error) {
	args, err := c.args.arguments("ux_mode", "callback_url", "scope", "options")
	if err != nil {
		return in, err
	}
	mode, err := args.text("ux_mode")
	if err != nil {
		return in, err
	}
	if !slices.Contains(consentModes, mode) {
		return in, invalid("unsupported ux_mode", "ux_mode")
	}
	callback, err := args.text("callback_url")
	if err != nil {
		return in, err
	}
	if !callbackAllowed(c.app, callback) {
		return in, invalid(textNoCallback, "callback_url")
	}
	if in.Scopes, err = args.texts("scope"); err != nil {
		return in, err
	}
	options, err := args.object("options")
	if err != nil {
		return in, err
	}
	in.Options = map[string]string{}
	if c.segment == "facebook" && mode == popupMode {
		in.Options["display"] = "popup"
	}
	for name, value := range options {
		if text, ok := value.(string); ok {
			in.Options[name] = text
		}
	}
	in.Provider = providerOf(c.app, c.segment)
	in.RedirectURL = a.returnURL(r, c.segment)
	in.Data = map[string]string{stateMode: mode, stateCallback: callback}
	return in, nil
}

// returnURL is where a provider sends browsers back to.
func (a *api) returnURL(r *web.Request, name string) string {
	return a.base(r) + "/sso/" + url.PathEscape(name) + "/auth_handler"
}

// comesBack is the security of the return: the sealed state says which app, which key and which user it is for.
func (a *api) comesBack(r *web.Request) (*call, error) {
	wire := r.PathValue("provider")
	c := &call{segment: wire}
	if known, ok := providerNames[wire]; ok {
		c.segment = known
	}
	consented, err := a.engine.OpenConsent(r.Context(), c.segment, r.QueryOne("state"))
	if err != nil {
		c.segment = "oidc:" + wire
		consented, err = a.engine.OpenConsent(r.Context(), c.segment, r.QueryOne("state"))
	}
	if err != nil {
		return nil, fail(badRequest, "invalid state")
	}
	c.app, c.proof = consented.App, hecate.Proof{Key: hecate.NewSecret(consented.Data[stateKey])}
	c.actor, err = a.engine.Authenticate(r.Context(), c.app, c.proof)
	return c, err
}

// consentReturn finishes a sign-in in a browser: the result goes to the page that asked for it. A link is made only when the person agrees to
// the account that it names: the provider's page is an address, and whoever is sent there by somebody else, and has consented before, comes
// back here without having seen anything. His identity must not end up in the account of the one who sent him.
func (a *api) consentReturn(w *web.Response, r *web.Request, c *call) error {
	code, state := r.QueryOne("code"), r.QueryOne("state")
	asked, err := a.engine.OpenConsent(r.Context(), c.segment, state)
	if err != nil {
		return fail(badRequest, "invalid state")
	}
	callback := asked.Data[stateCallback]
	if !callbackAllowed(c.app, callback) {
		return fail(badRequest, textNoCallback)
	}
	links := asked.Data[stateUser] != ""
	if links && code != "" && r.Method != http.MethodPost {
		return a.askToLink(w, r, c, asked)
	}
	if !links && r.Method == http.MethodPost {
		return fail(badRequest, "nothing to agree to")
	}
	consented, err := a.engine.FinishConsent(r.Context(), c.segment, code, state)
	var result []byte
	if err == nil {
		result, err = a.finish(r, c, consented)
	}
	if err != nil {
		result = errorResult(socialFault(err))
	}
	return a.handOver(w, r, asked.Data[stateMode], callback, result)
}

// askToLink shows which account an identity would become a way into.
func (a *api) askToLink(w *web.Response, r *web.Request, c *call, asked *engine.Consented) error {
	u, err := a.engine.LookupUser(r.Context(), c.app.ID, engine.UserRef{ID: hecate.UserID(asked.Data[stateUser])})
	if err != nil {
		return fail(badRequest, "invalid state")
	}
	language, err := a.engine.UserLanguage(r.Context(), c.app, u.ID)
	if err != nil {
		return err
	}
	rd := wording.Reader(r, c.app, language)
	again := url.Values{"code": {r.QueryOne("code")}, "state": {r.QueryOne("state")}}
	return rd.Show(w, http.StatusOK, web.Page{
		Title: rd.Says(hecate.TextLinkTitle), Button: rd.Says(hecate.TextLinkButton), Action: "auth_handler?" + again.Encode(),
		Text:    rd.Says(hecate.TextLinkText, "provider", wireProvider(c.segment), "address", cmp.Or(u.Username, u.Email, u.Key)),
		Targets: []string{asked.Data[stateCallback]},
	})
}

// finish logs in or links, and returns R of contracts/skygear.md 3.3.
func (a *api) finish(r *web.Request, c *call, consented *engine.Consented) ([]byte, error) {
	user := hecate.UserID(consented.Data[stateUser])
	if user == "" {
		result, err := a.arrive(r, c, consented.Profile)
		return nested(result), err
	}
	u, err := a.engine.LookupUser(r.Context(), c.app.ID, engine.UserRef{ID: user})
	if err != nil {
		return nil, err
	}
	if err := u.MayAct(a.now()); err != nil {
		return nil, err
	}
	himself := *c.actor
	himself.Kind, himself.User = hecate.UserActor, u
	return nested(linkedOK), a.engine.LinkSocial(r.Context(), &himself, consented.Profile)
}

// errorResult is {"error": {…}}.
func errorResult(err error) []byte {
	j := newJSON(nil)
	j.Open()
	j.Name("error")
	translate(err).writeTo(&j)
	j.Close()
	return j.Buf
}

// maxCookie is what a cookie may hold in every browser.
const maxCookie = 3900

// resultCookie is read, and deleted, by the pages of the client library.
const resultCookie = "sso_data"

// handOver gives the result to the page that asked for the sign-in.
func (a *api) handOver(w *web.Response, r *web.Request, mode, callback string, result []byte) error {
	if mode == iosMode || mode == androidMode {
		u, err := url.Parse(callback)
		if err != nil {
			return fail(badRequest, textNoCallback)
		}
		query := u.Query()
		query.Set("result", base64.StdEncoding.EncodeToString(ascii(result)))
		u.RawQuery = query.Encode()
		return redirect(w, u.String())
	}
	j := newJSON(nil)
	j.Open()
	j.Text("callback_url", callback)
	j.Raw("result", result)
	j.Close()
	value := base64.StdEncoding.EncodeToString(ascii(j.Buf))
	if len(value) > maxCookie {
		return a.handOver(w, r, mode, callback, errorResult(fail(unexpectedError, "the user's record is too large for a sign-in in a browser")))
	}
	a.setResult(w, value)
	if mode == popupMode {
		return sendPage(w, handOverPage, openingWindow)
	}
	return redirect(w, callback)
}

// setResult sets the cookie that the client's page reads. Behind https it can be read in a frame of another site too.
func (a *api) setResult(w *web.Response, value string) {
	cookie := &http.Cookie{Name: resultCookie, Value: value, Path: "/", MaxAge: 300, SameSite: http.SameSiteLaxMode}
	if strings.HasPrefix(a.publicURL(), "https:") {
		cookie.Secure, cookie.SameSite = true, http.SameSiteNoneMode
	}
	http.SetCookie(w, cookie)
}

func redirect(w *web.Response, to string) error {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusFound)
	return nil
}

// ascii escapes what is not ASCII: the client decodes bytes as characters.
func ascii(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for _, c := range string(text) {
		switch {
		case c < 0x80:
			out = append(out, byte(c))
		case c < 0x10000:
			out = appendHex(out, uint16(c))
		default:
			c -= 0x10000
			out = appendHex(appendHex(out, 0xd800|uint16(c>>10)), 0xdc00|uint16(c&0x3ff))
		}
	}
	return out
}

func appendHex(dst []byte, c uint16) []byte {
	return fmt.Appendf(dst, `\u%04x`, c)
}

// The windows that wait for a result.
const (
	openingWindow template.JS = "window.opener"
	parentWindow  template.JS = "window.parent"
)

// consentFrame answers the hidden frame by which a page asks for its result after a redirect.
func (a *api) consentFrame(w *web.Response, _ *web.Request, _ *call) error {
	return sendPage(w, handOverPage, parentWindow)
}

func sendPage(w *web.Response, page *template.Template, facts any) error {
	var b strings.Builder
	if err := page.Execute(&b, facts); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	w.SetType("text/html; charset=utf-8")
	return w.Bytes(http.StatusOK, []byte(b.String()))
}

// handOverPage does what the pages of the client library do: it takes the result out of the cookie and posts it, to the
// origin of the page that asked for it if the app allows that one, and says that this was all.
var handOverPage = template.Must(template.New("hand over").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Signing in</title></head>
<body><p>Signing in…</p>
<script>
(function () {
  var target = {{.}};
  var pair = document.cookie.split('; ').find(function (c) { return c.indexOf('sso_data=') === 0; });
  document.cookie = 'sso_data=; Path=/; Max-Age=0';
  function end() { if (target) { target.postMessage({type: 'end'}, '*'); } }
  function refuse(text) { target.postMessage({type: 'error', error: text}, '*'); end(); }
  if (!target) { return; }
  if (!pair) { refuse('Fail to retrieve result'); return; }
  var data;
  try { data = JSON.parse(atob(decodeURIComponent(pair.slice(9)).replace(/^"|"$/g, ''))); } catch (e) { refuse('Fail to retrieve result'); return; }
  if (!data.callback_url) { refuse('Fail to retrieve callbackURL'); return; }
  // The server has checked the address against the app's list before it set the cookie.
  target.postMessage({type: 'result', result: data.result}, data.callback_url);
  end();
})();
</script></body></html>
`))
