package skygear

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hecate"
)

// BenchmarkMe is the client's whoami: the user, with a fresh token each time.
func BenchmarkMe(b *testing.B) {
	w := lite(b)
	x := w.newApp(b, "books", hecate.Settings{})
	_, token := w.signUp(b, x, "ben")
	body := `{"action":"me","api_key":"` + x.key + `","access_token":"` + token + `"}`
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			got := httptest.NewRecorder()
			w.serve.ServeHTTP(got, httptest.NewRequest("POST", "/me", strings.NewReader(body)))
			if got.Code != http.StatusOK {
				b.Fatal(got.Body)
			}
		}
	})
}
