package syncano

import (
	"net/url"
	"strings"

	"hecate/internal/web"
)

// handleOf takes the handle out of the last segment of a file's URL: what precedes the extension.
func handleOf(segment string) string {
	handle, _, _ := strings.Cut(segment, ".")
	return handle
}

// ownHandle returns the handle that a URL of ours names, "" when it is none of ours.
func (a *api) ownHandle(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return ""
	}
	base, err := url.Parse(a.publicURL())
	if err != nil || !strings.EqualFold(u.Host, base.Host) || !sameScheme(u.Scheme, base.Scheme) {
		return ""
	}
	segment, ok := strings.CutPrefix(u.Path, base.Path+filesPath)
	if !ok || strings.Contains(segment, "/") {
		return ""
	}
	return handleOf(segment)
}

// sameScheme takes http for https: a proxy in front may have changed it.
func sameScheme(a, b string) bool {
	return a == b || (a == "http" || a == "https") && (b == "http" || b == "https")
}

// fileGet serves the bytes of a file to whoever has its URL, with or without the extension.
func (a *api) fileGet(w *web.Response, r *web.Request, _ *call) error {
	handle := handleOf(r.PathValue("handle"))
	if handle == "" {
		return notFound()
	}
	f, bytes, err := a.engine.OpenFile(r.Context(), handle)
	if err != nil {
		return err
	}
	defer bytes.Close()
	w.File(r, f, bytes)
	return nil
}
