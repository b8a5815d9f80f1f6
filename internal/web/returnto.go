package web

import (
	"net/url"
	"path"
	"slices"
	"strings"
)

// maxReturn bounds a URL to which a browser is sent back, in bytes.
const maxReturn = 2048

// scripts are the schemes that would run what they carry, or read what is near the browser.
var scripts = []string{"javascript", "data", "vbscript", "file", "blob", "filesystem", "about", "view-source", "jar", "intent"}

// ReturnURL reads where a browser is to be sent back with what was asked for: a web page, or an app by its own scheme. ok is
// false for a URL that runs something, names a login, is no whole one or is too long.
func ReturnURL(text string) (u *url.URL, ok bool) {
	u, err := url.Parse(text)
	if err != nil || len(text) > maxReturn || u.Scheme == "" || u.User != nil || u.Opaque != "" || slices.Contains(scripts, u.Scheme) {
		return nil, false
	}
	if (u.Scheme == "http" || u.Scheme == "https") && u.Host == "" {
		return nil, false
	}
	return u, true
}

// MayReturn reports whether a URL begins with one of those that an app allows, compared without case: with the same scheme and
// host, and a path that leads nowhere else. An empty list allows none.
func MayReturn(allowed []string, text string) bool {
	u, ok := ReturnURL(text)
	if !ok || u.Path != "" && path.Clean(u.Path) != strings.TrimSuffix(u.Path, "/") && u.Path != "/" {
		return false
	}
	return slices.ContainsFunc(allowed, func(prefix string) bool {
		p, err := url.Parse(prefix)
		return err == nil && strings.EqualFold(p.Scheme, u.Scheme) && strings.EqualFold(p.Host, u.Host) &&
			len(text) >= len(prefix) && strings.EqualFold(text[:len(prefix)], prefix)
	})
}
