package usergrid

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"hecate"
)

// address is the application that a path names, and the path inside it.
type address struct {
	app  *hecate.App
	err  error  // why app is nil
	org  string // as typed; "" in paths without one
	name string // as typed
	path string // inside the application, as typed: "/dogs/fido"
	uri  string // the whole path of the request
}

// outside are first segments that name no organization.
var outside = []string{"management", "status", "lb-status", "system", ""}

// The words that may stand in front of an organization and of an application: contracts/usergrid.md 1.
var (
	orgWords = []string{"organizations", "orgs", "o"}
	appWords = []string{"applications", "apps", "a"}
)

// locate reads the part of the path that names an application; ok is false for paths that name none.
func (a *api) locate(r *http.Request) (at address, ok bool) {
	segments := segmentsOf(r.URL)
	if len(segments) == 0 || slices.Contains(outside, strings.ToLower(segments[0])) {
		return at, false
	}
	ctx := r.Context()
	first := strings.ToLower(segments[0])
	switch {
	case slices.Contains(orgWords, first) && len(segments) > 1:
		rest := segments[2:]
		if len(rest) > 0 && slices.Contains(appWords, strings.ToLower(rest[0])) {
			rest = rest[1:]
		}
		return a.inOrg(ctx, segments[1], rest)
	case (first == "applications" || first == "apps") && len(segments) > 1:
		return a.byID(ctx, segments[1], segments[2:]), true
	case isUUID(first):
		if len(segments) > 1 && isUUID(segments[1]) {
			if at, ok := a.inOrg(ctx, segments[0], segments[1:]); ok && at.err == nil {
				return at, true
			}
		}
		return a.byID(ctx, segments[0], segments[1:]), true
	}
	return a.inOrg(ctx, segments[0], segments[1:])
}

// byID is an application named by its id alone.
func (a *api) byID(ctx context.Context, id string, rest []string) address {
	at := address{name: id, path: joinSegments(rest)}
	at.app, at.err = a.appWithID(ctx, id)
	return at
}

// appWithID is the application of that id; nobody reaches the master application: contracts/usergrid.md 1.7.
func (a *api) appWithID(ctx context.Context, id string) (*hecate.App, error) {
	app := hecate.AppID(strings.ToLower(id))
	if app == masterApp {
		return nil, unauthorized("No application access authorized")
	}
	return a.engine.AppByID(ctx, app)
}

// inOrg is the application that the first of rest names in an organization; ok is false where there is none to name.
func (a *api) inOrg(ctx context.Context, org string, rest []string) (at address, ok bool) {
	at.org = org
	if len(rest) == 0 {
		return at, false
	}
	at.name, at.path = rest[0], joinSegments(rest[1:])
	if isUUID(at.name) {
		at.app, at.err = a.appWithID(ctx, at.name)
		if at.err == nil && !strings.EqualFold(at.app.OrgName, org) && !strings.EqualFold(string(at.app.Org), org) {
			at.app, at.err = nil, hecate.E(hecate.NoApp, "find application")
		}
		return at, true
	}
	at.app, at.err = a.engine.AppByName(ctx, org, at.name)
	return at, true
}

// addressKey is the context key of an address.
type addressKey struct{}

// inside is the request with the path inside the application, its first segment in the plural.
func (at address) inside(r *http.Request) *http.Request {
	at.uri = r.URL.Path
	in := r.WithContext(context.WithValue(r.Context(), addressKey{}, &at))
	u := *r.URL
	u.RawPath = routedPath(at.path)
	u.Path, _ = url.PathUnescape(u.RawPath) // it was escaped a moment ago
	in.URL = &u
	return in
}

// segmentsOf are the segments of a path, unescaped; doubled and trailing slashes make none.
func segmentsOf(u *url.URL) []string {
	var out []string
	for part := range strings.SplitSeq(escapedPath(u), "/") {
		if part == "" {
			continue
		}
		if clear, err := url.PathUnescape(part); err == nil {
			part = clear
		}
		out = append(out, part)
	}
	return out
}

// escapedPath is a path as it was sent. url.URL writes one anew that holds a character such as {, and a slash inside of a segment
// would become one between two.
func escapedPath(u *url.URL) string {
	if sent, err := url.PathUnescape(u.RawPath); err == nil && u.RawPath != "" && sent == u.Path {
		return u.RawPath
	}
	return u.EscapedPath()
}

// joinSegments is a path of segments, each escaped.
func joinSegments(segments []string) string {
	var b strings.Builder
	for _, s := range segments {
		b.WriteString("/" + url.PathEscape(s))
	}
	if b.Len() == 0 {
		return "/"
	}
	return b.String()
}

// notCollections are first segments inside an application that are no collections.
var notCollections = []string{"token", "authorize", "auth", "credentials"}

// routedPath is the path as routes know it: the collection in the plural, in lower case.
func routedPath(path string) string {
	first, rest, more := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if first == "" {
		return "/"
	}
	if clear, err := url.PathUnescape(first); err == nil {
		first = clear // only then all its letters have a case
	}
	if first = strings.ToLower(first); !slices.Contains(notCollections, first) {
		first = hecate.Plural(first)
	}
	first = url.PathEscape(first)
	if more {
		return "/" + first + "/" + joinedGroup(first, rest)
	}
	return "/" + first
}

// policyPath is a path as the role policy reads it: in lower case and without escapes, but for slashes inside of segments, so that
// no escape makes one path look like another.
func policyPath(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if clear, err := url.PathUnescape(s); err == nil {
			segments[i] = strings.ReplaceAll(clear, "/", "%2f")
		}
	}
	return strings.ToLower(strings.Join(segments, "/"))
}

// originOf is the origin of a URL, "" where it has none.
func originOf(referrer string) string {
	u, err := url.Parse(referrer)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// isUUID reports whether text has the shape of a UUID.
func isUUID(text string) bool {
	if len(text) != 36 {
		return false
	}
	for i, c := range []byte(text) {
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if c < '0' || c > '9' && c < 'A' || c > 'F' && c < 'a' || c > 'f' {
				return false
			}
		}
	}
	return true
}
