package skygear

import (
	"strings"
	"testing"

	"hecate"
)

// TestNoCallerDecidesWhereALetterLeads asks for letters to somebody else under every spelling of the app's host name.
func TestNoCallerDecidesWhereALetterLeads(t *testing.T) {
	t.Parallel()
	w := lite(t)
	x := w.newApp(t, "books", hecate.Settings{})
	w.signUpAs(t, x, "ben", nil)
	for _, host := range []string{"books.apps.test", "books.apps.test:31337", "BOOKS.apps.test:80", "books.apps.test."} {
		w.ask(t, w.serve, "POST", "/user/forgot-password", obj{"api_key": x.key, "args": obj{"email": "ben@example.com"}}, "Host", host).ok(t)
		if got := w.letter(t, "reset", "ben@example.com").Link.Reveal(); !strings.HasPrefix(got, "http://books.apps.test/reset-password?") {
			t.Errorf("asked at %s, the letter leads to %s", host, got)
		}
	}
}
