package e2e

import (
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"hecate/internal/mail/mailtest"
)

// frenchPages are the texts of an app that writes its own; the others are those of the language that it has letters in.
const frenchPages = `    settings:
      mail: {language: de}
      pages:
        fr:
          page_problem: "Erreur : {title}"
          page_done: "Voilà : {title}"
          reset_title: Nouveau mot de passe
          reset_text: "Choisissez le mot de passe de {address} <b>"
          reset_password_label: Mot de passe
          reset_button: Enregistrer
          reset_mismatch: Les mots de passe ne sont pas les mêmes.
          reset_done: Le mot de passe de {address} est enregistré.
    keys:
`

// recoveringPage is how a dialect's page for a new password is reached, and what it is made of.
type recoveringPage struct {
	door          string
	fields        [2]string
	ask           func(c *crossing, b *browser, address string)
	subject, name string // of the letter; whom the page names
}

// TestPagesInAnAppsOwnLanguage follows the letters of two dialects in a browser to pages in a language that only the app's settings have: they set
// the password, break none of the browser's rules (the console would say so), fit a small screen and tell aloud how it went.
func TestPagesInAnAppsOwnLanguage(t *testing.T) {
	t.Parallel()
	const long = "anne-marie-de-la-tour-et-du-chateau-d-eau-de-la-republique"
	onBoth(t, func(t *testing.T, database string) {
		post := mailtest.Start(t, mailtest.Config{})
		c := &crossing{start(t, options{database: database, apply: strings.Replace(crossSpec, "    keys:\n", frenchPages, 1), args: mailArgs("smtp://" + post.Addr)}), t}
		for _, x := range []recoveringPage{
			{"Usergrid", [2]string{"password1", "password2"}, askOnThePage, "Password Reset", "u" + long + "@example.com"},
			{"Skygear", [2]string{"password", "confirm"}, askByLambda, "Reset password instructions", "s" + long},
		} {
			t.Run(x.door, func(t *testing.T) {
				user, _, _ := strings.Cut(x.name, "@")
				address := user + "@example.com"
				accepted(t, "sign up", c.usergrid("POST", "/users", "", object{"username": user, "email": address, "password": "first secret", "locale": "fr_FR"}))
				b := openBrowser(t)
				x.ask(c, b, address)
				c.recoverInFrench(t, b, x, letterLink(t, post.Wait(t, address, x.subject)))
				for _, d := range doors {
					c.mustRefuse(t, d, user, "first secret")
					c.mustLogin(t, d, user, "second secret")
				}
			})
		}
	})
}

// askOnThePage asks for the letter on the page that is for that, in the browser's English.
func askOnThePage(c *crossing, b *browser, address string) {
	b.do(chromedp.Navigate(c.url + "/usergrid/labs/three/users/resetpw"))
	b.see("Reset password")
	b.enter("email", address)
	b.press("Send")
	b.seeText("Email with instructions for password reset sent to " + address)
}

func askByLambda(c *crossing, b *browser, address string) {
	accepted(b.t, "ask for a letter", c.skygear("user/forgot-password", object{"action": "user:forgot-password", "args": object{"email": address}}))
}

func (c *crossing) recoverInFrench(t *testing.T, b *browser, x recoveringPage, link *url.URL) {
	t.Helper()
	is := func(what, expression, want string) {
		t.Helper()
		if got := run1(b, chromedp.Evaluate[string](expression)); got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	const button = `document.querySelector("button").textContent`
	b.do(chromedp.Navigate(link.String()))
	b.see("Nouveau mot de passe")
	b.fitsIn(320)
	b.seeText("Choisissez le mot de passe de " + x.name + " <b>")
	is("language", `document.documentElement.lang`, "fr")
	is("title", `document.title`, "Nouveau mot de passe – three")
	is("label", `document.querySelector("label[for=`+x.fields[0]+`]").textContent`, "Mot de passe")
	is("what the app left out", `document.querySelector("label[for=`+x.fields[1]+`]").textContent`, "Dasselbe Passwort noch einmal")
	is("button", button, "Enregistrer")
	is("focus", `document.activeElement.id`, x.fields[0])
	is("whose password a browser keeps", `document.querySelector("[autocomplete=username]").value`, x.name)
	is("new passwords", `String(document.querySelectorAll("input[type=password][autocomplete=new-password][required]").length)`, "2")

	b.enter(x.fields[0], "second secret")
	b.enter(x.fields[1], "something else")
	b.press("Enregistrer")
	b.seeText("Les mots de passe ne sont pas les mêmes.")
	b.fitsIn(320)
	is("title", `document.title`, "Erreur : Nouveau mot de passe – three")
	is("problem", `document.querySelector("[role=alert]").textContent`, "Les mots de passe ne sont pas les mêmes.")
	is("its field", `document.activeElement.getAttribute("aria-describedby")`, "problem")

	b.enter(x.fields[0], "second secret")
	b.enter(x.fields[1], "second secret")
	b.press("Enregistrer")
	b.seeText("Le mot de passe de " + x.name + " est enregistré.")
	b.fitsIn(320)
	is("title", `document.title`, "Voilà : Nouveau mot de passe – three")
	is("how it went", `document.querySelector("[role=status]").textContent`, "Le mot de passe de "+x.name+" est enregistré.")
}
