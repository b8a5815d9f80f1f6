package console

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"testing"

	"hecate/internal/web"
)

// serve mounts the console as the server does, and asks it.
func serve(t *testing.T, method, target string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	site, err := web.NewSwitch(web.SwitchConfig{Sites: []web.Site{{Prefix: "/console", Strip: true, Handler: Handler()}}})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	site.ServeHTTP(w, r)
	return w
}

// sources gives every file of the page by the path under which it is served.
func sources(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := fs.WalkDir(page, "page", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := page.ReadFile(name)
		found["/console"+strings.TrimPrefix(name, "page")] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestEveryFileIsServedWithItsType(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml",
	}
	for target, text := range sources(t) {
		expected := want[path.Ext(target)]
		w := serve(t, "GET", strings.TrimSuffix(target, "index.html"))
		if got := w.Header().Get("Content-Type"); w.Code != 200 || got != expected || expected == "" {
			t.Errorf("%s: %d %q, want 200 %q", target, w.Code, got, expected)
		}
		if w.Body.String() != text {
			t.Errorf("%s: not the file that was embedded", target)
		}
	}
}

func TestEveryAnswerCarriesTheSecurityHeaders(t *testing.T) {
	t.Parallel()
	for _, request := range [][2]string{{"GET", "/console/"}, {"GET", "/console/main.js"}, {"GET", "/console"}, {"GET", "/console/nothing"}, {"POST", "/console/"}} {
		w := serve(t, request[0], request[1])
		for name, part := range map[string]string{
			"Content-Security-Policy":    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
			"X-Content-Type-Options":     "nosniff",
			"Referrer-Policy":            "no-referrer",
			"Cross-Origin-Opener-Policy": "same-origin",
		} {
			if got := w.Header().Get(name); !strings.HasPrefix(got, part) {
				t.Errorf("%v: %s is %q", request, name, got)
			}
		}
	}
}

func TestUnknownPathsAndMethodsAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method, target string
		status         int
	}{
		{"GET", "/console/apps", 404},
		{"GET", "/console/index.html", 404},
		{"GET", "/console/page/main.js", 404},
		{"GET", "/console/%2e%2e/console.go", 404},
		{"GET", "/console//", 404},
		{"POST", "/console/", 405},
		{"DELETE", "/console/main.js", 405},
		{"HEAD", "/console/", 200},
	} {
		if w := serve(t, c.method, c.target); w.Code != c.status {
			t.Errorf("%s %s: %d, want %d", c.method, c.target, w.Code, c.status)
		}
	}
}

func TestTheAddressWithoutASlashLeadsToTheOneWithIt(t *testing.T) {
	t.Parallel()
	w := serve(t, "GET", "/console?x=1")
	if w.Code != http.StatusPermanentRedirect || w.Header().Get("Location") != "console/" {
		t.Errorf("%d to %q", w.Code, w.Header().Get("Location"))
	}
}

func TestAnUnchangedFileIsNotSentTwice(t *testing.T) {
	t.Parallel()
	first := serve(t, "GET", "/console/style.css")
	again := serve(t, "GET", "/console/style.css", "If-None-Match", first.Header().Get("Etag"))
	if again.Code != http.StatusNotModified || again.Body.Len() != 0 {
		t.Errorf("%d with %d bytes", again.Code, again.Body.Len())
	}
}

func TestEveryFileThatThePageNamesExists(t *testing.T) {
	t.Parallel()
	files := sources(t)
	names := regexp.MustCompile(`(?:from "\./|(?:src|href)=")([a-z]+\.[a-z]+)"`)
	for file, text := range files {
		for _, m := range names.FindAllStringSubmatch(text, -1) {
			if _, ok := files["/console/"+m[1]]; !ok {
				t.Errorf("%s names %s, which does not exist", file, m[1])
			}
		}
	}
}

// The browser refuses these too, but only where somebody looks.
func TestThePageHoldsNothingThatItsPolicyForbids(t *testing.T) {
	t.Parallel()
	forbidden := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|https?://(www\.)?[a-z]+\.(com|net|org|io)/` +
		`|localStorage|sessionStorage|document\.cookie|\sstyle="|<style|<script>|\son[a-z]+="`)
	for file, text := range sources(t) {
		text = strings.ReplaceAll(text, `xmlns="http://www.w3.org/2000/svg"`, "")
		if found := forbidden.FindString(text); found != "" {
			t.Errorf("%s contains %q", file, found)
		}
	}
}
