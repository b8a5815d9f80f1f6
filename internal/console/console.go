// Package console is the web console: a page that is a browser client of the
// native API and of nothing else. It is plain HTML, CSS and JavaScript, embedded
// as written.
//
// It must never know a rule of its own, the engine, or a dialect's Go code.
package console

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed page
var page embed.FS

// policy lets the page load its own parts and call its own server, and nothing
// else. Trusted types make the browser itself refuse text as markup.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
	"form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

// headers stand on every answer.
var headers = [...][2]string{
	{"Content-Security-Policy", policy},
	{"X-Content-Type-Options", "nosniff"},
	{"Referrer-Policy", "no-referrer"},
	{"Cross-Origin-Opener-Policy", "same-origin"},
	{"Cross-Origin-Resource-Policy", "same-origin"},
}

// types are the media types by file extension: those of the machine may be any.
var types = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

type asset struct {
	mediaType string
	tag       string
	content   []byte
}

// Handler serves the console. It expects the prefix under which it is mounted to
// be stripped; the page finds the native API at ../api/v1 from there.
func Handler() http.Handler {
	assets := readAssets()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, h := range headers {
			w.Header().Set(h[0], h[1])
		}
		switch a, ok := assets[r.URL.Path]; {
		case !ok:
			http.Error(w, "not found", http.StatusNotFound)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		case r.URL.Path == "/" && !endsInSlash(r):
			redirectToSlash(w, r)
		default:
			a.serve(w, r)
		}
	})
}

// endsInSlash looks at what was asked for: stripped, /console and /console/ are the same.
func endsInSlash(r *http.Request) bool {
	asked, _, _ := strings.Cut(r.RequestURI, "?")
	return asked == "" || strings.HasSuffix(asked, "/")
}

// redirectToSlash makes the page's relative links mean what they say. Browsers carry a fragment along.
func redirectToSlash(w http.ResponseWriter, r *http.Request) {
	asked, _, _ := strings.Cut(r.RequestURI, "?")
	w.Header().Set("Location", path.Base(asked)+"/")
	w.WriteHeader(http.StatusPermanentRedirect)
}

func (a asset) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", a.mediaType)
	w.Header().Set("Cache-Control", "no-cache") // kept, but asked about: a new release shows at once
	w.Header().Set("Etag", a.tag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.content))
}

// readAssets reads the page by the paths under which it is served.
func readAssets() map[string]asset {
	assets := map[string]asset{}
	// Neither walking nor reading an embedded tree fails; a file of unknown type is left out, and a test finds it.
	_ = fs.WalkDir(page, "page", func(name string, entry fs.DirEntry, err error) error {
		mediaType := types[path.Ext(name)]
		if err != nil || entry.IsDir() || mediaType == "" {
			return err
		}
		content, err := page.ReadFile(name)
		digest := sha256.Sum256(content)
		tag := `"` + base64.RawURLEncoding.EncodeToString(digest[:12]) + `"`
		assets[strings.TrimPrefix(name, "page")] = asset{mediaType, tag, content}
		return err
	})
	assets["/"] = assets["/index.html"]
	delete(assets, "/index.html") // one page, one address
	return assets
}
