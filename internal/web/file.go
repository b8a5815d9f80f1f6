package web

import (
	"io"
	"net/http"
	"strings"

	"hecate"
)

// File answers with the bytes of a stored file: ranges, conditions and the media type are the standard library's
// business, and whatever a user uploaded, no browser runs it as a page of this origin.
func (w *Response) File(r *Request, f *hecate.File, bytes io.ReadSeeker) {
	h := w.Header()
	h.Set("Content-Type", mediaTypeOf(f.Type))
	h.Set("X-Content-Type-Options", "nosniff")
	how := "inline"
	if !harmless[plainType(f.Type)] {
		how = "attachment"
		h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	}
	h.Set("Content-Disposition", disposition(how, f.Name))
	h.Set("ETag", `"`+f.Digest+`"`)
	// A file never changes under its URL, but it may go: its record may drop it.
	h.Set("Cache-Control", "private, no-cache")
	http.ServeContent(w, r.Request, "", f.CreatedAt, bytes)
}

func mediaTypeOf(declared string) string {
	if declared == "" || strings.ContainsAny(declared, "\r\n\x00") {
		return "application/octet-stream"
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

func plainType(mediaType string) string {
	kind, _, _ := strings.Cut(strings.ToLower(mediaType), ";")
	return strings.TrimSpace(kind)
}

func disposition(how, name string) string {
	if name == "" {
		return how
	}
	return how + "; filename*=UTF-8''" + escapeName(name)
}

// escapeName escapes a file name for RFC 8187: all but letters, digits and a few marks.
func escapeName(name string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', digits[c>>4], digits[c&15]})
	}
	return b.String()
}
