package skygear

import (
	"html"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"hecate"
)

// french are an app's own texts of pages.
var french = hecate.PageTexts{"fr": {
	hecate.TextResetTitle: "Nouveau mot de passe <b>", hecate.TextResetText: "Pour {address} :", hecate.TextResetMismatch: "Les mots de passe diffèrent",
	hecate.TextResetDone: "Mot de passe de {address} enregistré", hecate.TextPasswordRefused: "Refusé : {reason}", hecate.TextPasswordTooShort: "{min} caractères au moins",
	hecate.TextVerifyTitle: "Votre adresse", hecate.TextVerifyDone: "Merci", hecate.TextVerifyInvalid: "Ce lien ne vaut plus",
}}

// reads demands a page in a language that has the texts.
func (r reply) reads(t testing.TB, status int, language string, texts ...string) {
	t.Helper()
	r.shows(t, status, `<html lang="`+language+`">`)
	for _, text := range texts {
		if !strings.Contains(html.UnescapeString(r.body), text) {
			t.Errorf("the page does not say %q: %s", text, r.body)
		}
	}
	if got := r.header.Get("Content-Language"); got != language {
		t.Errorf("Content-Language %q", got)
	}
}

func TestPagesSpeakTheLanguageOfWhoReadsThem(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		s := dialectSettings(obj{"verify": obj{"keys": []any{"email"}}})
		s.Pages, s.Password.MinLength = french, 2
		x := w.newApp(t, "books", s)
		w.newApp(t, "films", hecate.Settings{})
		w.signUpAs(t, x, "ann", obj{"locale": "fr_CA"})
		id, token := w.signUpAs(t, x, "ben", nil)

		at := "/reset-password?" + w.forgets(t, x, "ann@example.com").Encode()
		w.visit(t, at, nil, "Accept-Language", "en").reads(t, 200, "fr", "<h1>Nouveau mot de passe <b></h1>", "Pour ann :", "The same password again")
		w.visit(t, at, url.Values{"password": {"a"}, "confirm": {"b"}}).reads(t, 200, "fr", "<title>Error: Nouveau mot de passe", "Les mots de passe diffèrent")
		w.visit(t, at, url.Values{"password": {"a"}, "confirm": {"a"}}).reads(t, 200, "fr", "Refusé : 2 caractères au moins")
		w.visit(t, at, url.Values{"password": {"long enough"}, "confirm": {"long enough"}}).reads(t, 200, "fr", "Mot de passe de ann enregistré")
		if !w.logsIn(t, x, "ann", "long enough") {
			t.Error("no login with the new password")
		}
		w.visit(t, at, nil, "Accept-Language", "en").reads(t, 400, "en", "Invalid URL") // a link that proves nobody
		w.visit(t, at, nil, "Accept-Language", "de").reads(t, 400, "de", "Dieser Link ist nicht gültig.")
		w.visit(t, "/reset-password?app=films", nil, "Accept-Language", "fr").reads(t, 400, "en", "Invalid URL") // the texts are another app's

		at = "/reset-password?" + w.forgets(t, x, "ben@example.com").Encode()
		w.visit(t, at, nil, "Accept-Language", "de-CH,en;q=0.5").reads(t, 200, "de", "Neues Passwort", "Passwort setzen")
		w.visit(t, at, url.Values{}, "Accept-Language", "de").reads(t, 200, "de", "Kein Passwort angegeben")

		at = "/user/verify-code/form?app=books&auth_id=" + id + "&code="
		w.visit(t, at+"1", url.Values{}, "Accept-Language", "fr").reads(t, 400, "fr", "Ce lien ne vaut plus")
		at += w.code(t, x, token, "email", "ben@example.com")
		w.visit(t, at, nil, "Accept-Language", "fr").reads(t, 200, "fr", "<h1>Votre adresse</h1>", "Verify")
		w.visit(t, at, nil, "Accept-Language", "de").reads(t, 200, "de", "Adresse bestätigen")
		w.visit(t, at, url.Values{}, "Accept-Language", "fr").reads(t, 200, "fr", "<title>Done: Votre adresse – books</title>", "<p>Merci</p>")
	})
}

func TestAnEndElsewhereIsToldInTheContractsWords(t *testing.T) {
	t.Parallel()
	w := lite(t)
	s := dialectSettings(obj{"forgot_password": obj{"error_redirect": "https://app.example/wrong"}})
	s.Pages = french
	x := w.newApp(t, "books", s)
	w.signUpAs(t, x, "ann", obj{"locale": "fr"})
	w.visit(t, "/reset-password?app=books", nil, "Accept-Language", "fr").leads(t, "https://app.example/wrong?error=Invalid+URL")
	at := "/reset-password?" + w.forgets(t, x, "ann@example.com").Encode()
	got := w.visit(t, at, url.Values{"password": {"a"}, "confirm": {"b"}})
	if to := got.header.Get("Location"); got.status != 302 || !strings.Contains(to, "error=confirm+password+does+not+match+the+password&") {
		t.Errorf("%d to %s", got.status, to)
	}
}

func TestLookingAtALinkUsesNothingUp(t *testing.T) {
	t.Parallel()
	w := lite(t)
	x := w.newApp(t, "books", dialectSettings(obj{"verify": obj{"keys": []any{"email"}}}))
	id, token := w.signUpAs(t, x, "ben", nil)
	reset := "/reset-password?" + w.forgets(t, x, "ben@example.com").Encode()
	verify := "/user/verify-code/form?app=books&auth_id=" + id + "&code=" + w.code(t, x, token, "email", "ben@example.com")
	for _, method := range []string{"GET", "HEAD"} {
		for _, at := range []string{reset, verify, reset + "&password=p9&confirm=p9"} {
			got := httptest.NewRecorder()
			w.serve.ServeHTTP(got, httptest.NewRequest(method, at, nil))
			if got.Code != 200 {
				t.Errorf("%s %s: %d", method, at, got.Code)
			}
		}
	}
	w.visit(t, verify, url.Values{}).shows(t, 200, "verified successfully")
	if !w.logsIn(t, x, "ben", "p1") {
		t.Error("the password changed")
	}
}
