package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/chromedp/chromedp"
)

// usergridPage is a page of an app that sends what the browser SDK sends.
const usergridPage = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>app</title><script src="/page.js"></script><h1>Ready</h1>`

// TestUsergridsBrowserRequests sends the requests of the browser SDK, contracts/usergrid.md 12.3, from a page of another origin:
// each goes through the browser's own rules for other origins, with a preflight wherever the content type is JSON.
func TestUsergridsBrowserRequests(t *testing.T) {
	t.Parallel()
	app := newUsergridApp(usergridOrg, "browser")
	s := start(t, options{
		apply: fmt.Sprintf("admins:\n  - {email: %s, password: %q, username: boss}\norgs:\n  - {name: %s, admins: [%s]}\napps:\n",
			usergridBoss, usergridSecret, usergridOrg, usergridBoss) + app.declared(true),
		args: []string{"--host", "usergrid=localhost"},
	})
	page := serveUsergridPage(t)
	for _, site := range usergridSites {
		t.Run("by "+site.name, func(t *testing.T) {
			p := &usergridTab{openBrowser(t)}
			base := s.usergridAt(site) + "/" + app.org + "/" + app.name
			p.do(chromedp.Navigate(page + "/?base=" + url.QueryEscape(base)))
			p.see("Ready")
			p.users(site.name)
			p.entities(site.name)
			p.oddities(site.name)
			p.managed(s.usergridAt(site))
		})
	}
}

func serveUsergridPage(t *testing.T) string {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, usergridPage) })
	mux.HandleFunc("GET /page.js", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, "js/usergrid/browser/page.js")
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

type usergridTab struct{ *browser }

// is runs steps of JavaScript and demands their result, as text.
func (p *usergridTab) is(want, steps string) {
	p.t.Helper()
	got := p.await(fmt.Sprintf("(async () => { %s })().then(String, (e) => 'thrown: ' + e.message)", steps))
	if got != want {
		p.t.Errorf("%s:\n got %s\nwant %s", steps, got, want)
	}
}

// users is the life of users, from sign-up to log-out.
func (p *usergridTab) users(at string) {
	ann := "ann-" + at
	p.is(ann+" user true", `
		const {entities: [u]} = await ok("POST", "users", {username: "`+ann+`", password: "secret", email: "`+ann+`@example.com", name: "Ann"});
		return u.username + " " + u.type + " " + u.activated`)
	p.expect("400")
	p.is("400 duplicate_unique_property_exists", `return refused("POST", "users", {username: "`+ann+`", password: "secret"})`)
	p.expect("400")
	p.is("400 invalid_grant", `return refused("POST", "token", {username: "`+ann+`", password: "wrong", grant_type: "password"})`)
	p.is(ann+" 604800", `const {user, expires_in} = await login("`+ann+`", "secret"); return user.username + " " + expires_in`)
	p.is(ann, `return (await ok("GET", "users/me")).entities[0].username`)

	p.is("set user password", `
		const {entities: [u]} = await ok("GET", "users/me");
		return (await ok("PUT", "users/" + u.uuid + "/password", {uuid: u.uuid, username: u.username, oldpassword: "secret", newpassword: "secret2"})).action`)
	p.is(ann, `return (await login("`+ann+`", "secret2")).user.username`)

	// The SDK appends its own query to that of the address: "revoketoken?token=T?access_token=A", and "revoketoken?token=T?".
	p.is("revoked user token", `
		const first = token;
		await login("`+ann+`", "secret2");
		window.first = first;
		return (await destroyToken("`+ann+`", first, false)).action`)
	p.expect("401")
	p.is("401 auth_invalid", `
		const mine = token; token = first;
		try { return await refused("GET", "users/me"); } finally { token = mine; }`)
	p.is(ann, `return (await ok("GET", "users/me")).entities[0].username`)
	p.is("revoked user token", `
		const mine = token;
		token = null;
		window.first = mine;
		return (await destroyToken("`+ann+`", mine, false)).action`)
	p.expect("401")
	p.is("401 auth_invalid", `token = first; try { return await refused("GET", "users/me"); } finally { token = null; }`)
	p.is("revoked user tokens", `await login("`+ann+`", "secret2"); return (await destroyToken("`+ann+`", null, true)).action`)
	p.expect("401")
	p.is("401 auth_invalid", `try { return await refused("GET", "users/me"); } finally { token = null; }`)
	p.expect("401")
	p.is("401 auth_bad_access_token", `token = "BADTOKEN"; try { return await refused("GET", "users"); } finally { token = null; }`)

	p.is("hello hello", `
		await login("`+ann+`", "secret2");
		const {entities: [a]} = await ok("POST", "users/`+ann+`/activities", {actor: {displayName: "Ann"}, verb: "post", content: "hello"});
		return a.content + " " + (await ok("GET", "users/`+ann+`/feed")).entities[0].content`)
}

func (p *usergridTab) entities(at string) {
	dogs := "dog" + at
	p.is("Rex "+dogs+" 0", `
		const {entities: [e]} = await ok("POST", "`+dogs+`", {name: "Rex", color: "black"});
		window.rex = e;
		return e.name + " " + e.type + " " + (e.modified - e.created)`)
	p.expect("400")
	p.is("400 duplicate_unique_property_exists", `return refused("POST", "`+dogs+`", {name: "Rex"})`)
	p.is("white black", `
		const before = (await ok("GET", "`+dogs+`/" + rex.uuid)).entities[0].color;
		const after = (await ok("PUT", "`+dogs+`/" + rex.uuid, {color: "white"})).entities[0].color;
		return after + " " + before`)
	p.is("Rex", `
		const {entities: [bone]} = await ok("POST", "bones", {name: "bone `+at+`"});
		await ok("POST", "`+dogs+`/" + rex.uuid + "/likes/bones/" + bone.uuid);
		const likes = (await ok("GET", "`+dogs+`/" + rex.uuid + "/likes")).entities.map((e) => e.name).join();
		if (likes !== bone.name) return likes;
		await ok("DELETE", "`+dogs+`/" + rex.uuid + "/likes/bones/" + bone.uuid);
		return (await ok("GET", "`+dogs+`", undefined, {qs: {ql: "color = 'white'"}})).entities.map((e) => e.name).join()`)
	p.is("image/png 8 image/png 8", `
		const bytes = new Blob([new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])]);
		const me = (await ok("GET", "users/me")).entities[0];
		const {entities: [asset]} = await ok("POST", "assets", {name: "pic `+at+`", path: "/pictures", owner: me.uuid});
		await ok("POST", "assets/" + asset.uuid + "/data", bytes, {headers: {"Content-Type": "application/octet-stream"}});
		const down = await send("GET", base + "/assets/" + asset.uuid + "/data?access_token=" + token, undefined, {}, "blob");
		const form = new FormData();
		form.set("file", bytes, "pic.png");
		const {entities: [e]} = await ok("POST", "`+dogs+`/" + rex.uuid, form, {headers: {}});
		return down.type + " " + down.body.size + " " + e["file-metadata"]["content-type"] + " " + e["file-metadata"]["content-length"]`)
	p.is("delete 0", `
		const {action} = await ok("DELETE", "`+dogs+`/" + rex.uuid);
		return action + " " + (await ok("GET", "`+dogs+`")).count`)
	p.expect("404")
	p.is("404 entity_not_found", `return refused("GET", "`+dogs+`/" + rex.uuid)`)
}

// oddities are the second question marks, the query that comes with every call, and scripts in place of requests.
func (p *usergridTab) oddities(at string) {
	p.is("x", `return (await ok("GET", "users", undefined, {qs: {test1: "x"}})).params.test1[0]`)
	p.is("2", `
		for (const name of ["one", "two"]) await ok("POST", "pages`+at+`", {name});
		const seen = [];
		let cursor;
		do {
			const page = await ok("GET", "pages`+at+`", undefined, {qs: Object.assign({limit: 1}, cursor && {cursor})});
			seen.push(...page.entities.map((e) => e.name));
			cursor = page.cursor;
		} while (cursor && seen.length < 5);
		return new Set(seen).size`)
	p.is("1 one", `
		const {entities, action} = await jsonp("pages`+at+`?ql=" + encodeURIComponent("name = 'one'"));
		return entities.length + " " + entities[0].name`)
	// A script's status cannot be seen, so an error comes with status 200, or the browser would not run it.
	p.is("entity_not_found", `return (await jsonp("pages`+at+`/nobody")).error`)
	p.is("auth_bad_access_token", `return (await jsonp("users?access_token=BADTOKEN")).error`)
	p.expect("404")
	p.is("404 organization_application_not_found", `return refused("GET", "users", undefined, {from: base + "nothing"})`)
}

// managed are the two calls of an admin, which go beside the application.
func (p *usergridTab) managed(root string) {
	p.is(usergridBoss+" true true", `
		token = null;
		const from = "`+root+`";
		const {access_token, user} = await ok("POST", "management/token", {username: "`+usergridBoss+`", password: "`+usergridSecret+`", grant_type: "password"}, {from});
		token = access_token;
		const lite = await ok("GET", "management/me", undefined, {from});
		const full = await ok("GET", "management/users/`+usergridBoss+`", undefined, {from});
		return full.data.email + " " + (lite.access_token === token) + " " + (Object.keys(full.data.organizations).length === 1)`)
}
