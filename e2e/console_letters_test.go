package e2e

import (
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"hecate/internal/mail/mailtest"
)

// TestLettersOfAccountsLeadToTheConsole follows the links of letters that the Syncano API asked for in a browser.
func TestLettersOfAccountsLeadToTheConsole(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		post := mailtest.Start(t, mailtest.Config{})
		s := start(t, options{database: database, args: mailArgs("smtp://" + post.Addr)})
		b := openBrowser(t)
		b.tolerate("username fields for accessibility") // the page of a reset does not know whose it is, and the letter's link does not tell
		const email, old, fresh = "alyx@example.com", "gravity gun", "a crowbar instead"
		login := func(status int, password string) answer {
			t.Helper()
			return s.want(t, status, call{method: "POST", path: "/v1.1/account/auth/", json: object{"email": email, "password": password}})
		}
		open := func(subject, path string) string {
			t.Helper()
			link := letterLink(t, post.Wait(t, email, subject)).String()
			if !strings.HasPrefix(link, s.url+"/console/#"+path+"=") {
				t.Fatalf("the letter leads to %s", link)
			}
			b.do(chromedp.Navigate("about:blank"), chromedp.Navigate(link))
			return link
		}

		s.registerByMail(t, email)
		activation := open("Confirm your address", "activate")
		b.see("Confirm your address")
		if at := run1(b, chromedp.Location()); at != s.url+"/console/" {
			t.Errorf("the address still is %s", at)
		}
		if login(200, old).object["is_active"] != false {
			t.Error("opening the link activates the account")
		}
		b.press("Confirm address")
		b.see("Sign in")
		b.seeText("Your address is confirmed. Sign in to go on.")
		if login(200, old).object["is_active"] != true {
			t.Error("the account is not active")
		}

		s.want(t, 204, call{method: "POST", path: "/v1.1/account/password/reset/", json: object{"email": email}})
		link := open("Reset your password", "reset")
		b.see("Choose a new password")
		b.fitsIn(360)
		b.enter("password", fresh)
		b.press("Set password")
		b.see("Sign in")
		login(401, old)
		login(200, fresh)

		b.expect("401")
		b.do(chromedp.Navigate("about:blank"), chromedp.Navigate(link))
		b.see("Choose a new password")
		b.enter("password", "yet another one")
		b.press("Set password")
		b.seeText("This link is not valid any more: it was used already, or a newer letter has taken its place.")
		b.press("Leave it as it is")
		b.see("Sign in")
		login(200, fresh)

		// A refused link does not end the session of whoever is signed in.
		b.enter("login", email)
		b.enter("password", fresh)
		b.press("Sign in")
		b.see("Apps")
		b.expect("401")
		b.await(`location.hash = "` + activation[strings.Index(activation, "#"):] + `"`)
		b.see("Confirm your address")
		b.press("Confirm address")
		b.seeText("This link is not valid any more: it was used already, or a newer letter has taken its place.")
		b.press("Leave it as it is")
		b.see("Apps")
		for _, l := range []string{activation, link} {
			if ticket := l[strings.LastIndex(l, "/")+1:]; strings.Contains(s.log.String(), ticket) {
				t.Error("a ticket is in the log")
			}
		}
	})
}

// TestInvitationsLeadToTheConsole accepts one with a new account and one with an account there is.
func TestInvitationsLeadToTheConsole(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		post := mailtest.Start(t, mailtest.Config{})
		s := start(t, options{database: database, args: mailArgs("smtp://" + post.Addr)})
		b := openBrowser(t)
		const to, password = "gordon@example.com", "no words at all"
		owner := text(s.want(t, 201, call{method: "POST", path: "/v1.1/account/register/",
			json: object{"email": "eli@example.com", "password": "resistance"}}).object, "account_key")
		key := map[string]string{"X-API-KEY": owner}
		invite := func(instance string) string {
			t.Helper()
			s.want(t, 201, call{method: "POST", path: "/v1.1/instances/", header: key, json: object{"name": instance}})
			s.want(t, 201, call{method: "POST", path: "/v1.1/instances/" + instance + "/invitations/", header: key, json: object{"email": to, "role": "read"}})
			found := regexp.MustCompile(`#invitation=\S+`)
			link := found.FindString(post.Wait(t, to, "You are invited to "+instance).Text)
			if link == "" {
				t.Fatal("no link in the letter")
			}
			return s.url + "/console/" + link
		}
		b.do(chromedp.Navigate(invite("blackmesa")))
		b.see("You are invited")
		b.enter("email", to)
		b.enter("password", password)
		b.press("Create account and accept")
		b.see("Apps")
		b.seeText("blackmesa")
		post.Wait(t, to, "Confirm your address")

		b.do(chromedp.Navigate("about:blank"), chromedp.Navigate(invite("xenworld")))
		b.see("You are invited")
		b.press("I have an account: sign in")
		b.see("Sign in")
		b.enter("login", to)
		b.enter("password", password)
		b.press("Sign in")
		b.press("Accept invitation")
		b.see("Apps")
		b.seeText("xenworld")
	})
}
