package web

import (
	"net/url"
	"strings"
)

const redacted = "[redacted]"

// secretWords are what the name of a secret contains. Redacting too much costs a
// reader of the log a moment; too little costs an account.
var secretWords = []string{"key", "token", "secret", "passw", "pwd", "code", "sign", "auth", "credential", "ticket", "otp", "assertion"}

func isSecretName(name string) bool {
	if unescaped, err := url.QueryUnescape(name); err == nil {
		name = unescaped
	}
	name = strings.ToLower(name)
	if name == "pin" || name == "pass" || name == "sig" || name == "session" {
		return true
	}
	for _, word := range secretWords {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

// secretWildcards lists the wildcards of a pattern whose names are those of secrets.
func secretWildcards(pattern string) []string {
	var names []string
	for _, segment := range strings.Split(pattern, "/") {
		name, ok := strings.CutPrefix(segment, "{")
		name = strings.TrimSuffix(strings.TrimSuffix(name, "}"), "...")
		if ok && isSecretName(name) {
			names = append(names, name)
		}
	}
	return names
}

// logPath is the request's path and query as the log may show them.
func logPath(x *exchange) string {
	path, query, found := strings.Cut(x.req.RequestURI, "?")
	if !x.entered {
		path = hideLong(path)
	}
	for _, name := range x.hidden {
		path = hideSegment(path, x.req.PathValue(name))
	}
	if found {
		path += "?" + redactQuery(query)
	}
	path = hideHex(path)
	if len(path) > maxLogPath {
		path = path[:maxLogPath] + "…"
	}
	return path
}

// maxLogPath keeps one request from filling the log.
const maxLogPath = 2048

// hideLong hides what may be a secret in a path that no route has explained, such
// as a reset link with a typing error.
func hideLong(path string) string {
	if len(path) <= maxPlainSegment {
		return path
	}
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if len(s) > maxPlainSegment {
			segments[i] = redacted
		}
	}
	return strings.Join(segments, "/")
}

// maxPlainSegment is shorter than any secret with 128 random bits.
const maxPlainSegment = 20

// minHexKey is how many hexadecimal digits in a row make what may be a key or the handle of a file; a UUID has fewer.
const minHexKey = 32

// hideHex hides keys wherever they stand: clients put them where they do not belong.
func hideHex(s string) string {
	from, run := 0, 0
	var b strings.Builder
	for i := 0; i <= len(s); i++ {
		if i < len(s) && isHex(s[i]) {
			run++
			continue
		}
		if run >= minHexKey {
			b.WriteString(s[from:i-run] + redacted)
			from = i
		}
		run = 0
	}
	if from == 0 {
		return s
	}
	return b.String() + s[from:]
}

// hideSegment replaces the segments of path that mean value, which may span several segments.
func hideSegment(path, value string) string {
	if value == "" {
		return path
	}
	if strings.Contains(value, "/") {
		return strings.ReplaceAll(path, value, redacted)
	}
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if clear, err := url.PathUnescape(s); err == nil && clear == value {
			segments[i] = redacted
		}
	}
	return strings.Join(segments, "/")
}

// redactQuery hides the values of secret names. It splits at '?' and ';' too:
// clients exist that append "?access_token=…" to a query.
func redactQuery(query string) string {
	var b strings.Builder
	for len(query) > 0 {
		end := strings.IndexAny(query, "&?;")
		pair, rest := query, ""
		if end >= 0 {
			pair, rest = query[:end], query[end:]
		}
		name, _, found := strings.Cut(pair, "=")
		switch {
		case found && isSecretName(name):
			b.WriteString(name + "=" + redacted)
		default:
			b.WriteString(pair)
		}
		if rest != "" {
			b.WriteByte(rest[0])
			rest = rest[1:]
		}
		query = rest
	}
	return b.String()
}
