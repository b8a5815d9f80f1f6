package usergrid

import (
	"net/http"
	"net/url"
	"strings"
)

// unrolled is the request with the matrix parameters of its path in its query: "/users;limit=3" is "/users?limit=3"
// (contracts/usergrid.md 1). A query in braces keeps its semicolons.
func unrolled(r *http.Request) *http.Request {
	if !strings.Contains(escapedPath(r.URL), ";") {
		return r
	}
	segments := strings.Split(escapedPath(r.URL), "/")
	query := r.URL.RawQuery
	for i, segment := range segments {
		if strings.HasPrefix(segment, "{") || strings.HasPrefix(strings.ToUpper(segment), "%7B") {
			continue
		}
		name, params, _ := strings.Cut(segment, ";")
		segments[i] = name
		for param := range strings.SplitSeq(params, ";") {
			key, value, _ := strings.Cut(param, "=")
			if param == "" {
				continue
			}
			if query != "" {
				query += "&"
			}
			query += pathText(key) + "=" + pathText(value)
		}
	}
	u := *r.URL
	u.RawPath, u.RawQuery = strings.Join(segments, "/"), query
	u.Path = u.RawPath
	if path, err := url.PathUnescape(u.RawPath); err == nil {
		u.Path = path
	}
	out := *r
	out.URL = &u
	return &out
}

// pathText is a part of a path as a query holds it: there a plus is a plus.
func pathText(s string) string {
	if text, err := url.PathUnescape(s); err == nil {
		s = text
	}
	return url.QueryEscape(s)
}
