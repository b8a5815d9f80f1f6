package syncano

import (
	"net/http"
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
	h := w.Header()
	h.Set("Content-Type", mediaType(f.Type))
	h.Set("X-Content-Type-Options", "nosniff")
	how := "inline"
	if !isHarmless(f.Type) {
		// Whatever a user uploads, no browser may run it as a page of this origin.
		how = "attachment"
		h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	}
	h.Set("Content-Disposition", disposition(how, f.Name))
	h.Set("ETag", `"`+f.Digest+`"`)
	// A file never changes under its URL, but it may go: its record may drop it.
	h.Set("Cache-Control", "private, no-cache")
	http.ServeContent(w, r.Request, "", f.CreatedAt, bytes)
	return nil
}

// fallbackType is what bytes of no known type are.
const fallbackType = "application/octet-stream"

func mediaType(declared string) string {
	if declared == "" || strings.ContainsAny(declared, "\r\n\x00") {
		return fallbackType
	}
	return declared
}

// harmless are the types that a browser shows without running anything in them.
var harmless = map[string]bool{
	"image/png": true, "image/jpeg": true, "image/gif": true, "image/webp": true, "image/avif": true, "image/bmp": true, "image/x-icon": true,
	"text/plain": true, "application/pdf": true, "application/json": true,
	"audio/mpeg": true, "audio/ogg": true, "audio/wav": true, "audio/mp4": true, "audio/webm": true, "audio/aac": true, "audio/flac": true,
	"video/mp4": true, "video/webm": true, "video/ogg": true, "video/quicktime": true,
}

func isHarmless(mediaType string) bool {
	kind, _, _ := strings.Cut(strings.ToLower(mediaType), ";")
	return harmless[strings.TrimSpace(kind)]
}

func disposition(how, name string) string {
	if name == "" {
		return how
	}
	return how + "; filename*=UTF-8''" + escapeName(name)
}

// escapeName escapes a file name for RFC 8187: all but letters, digits and a few marks.
func escapeName(name string) string {
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', upperHex[c>>4], upperHex[c&15]})
	}
	return b.String()
}

const upperHex = "0123456789ABCDEF"
