package hecate

import "strings"

// MatchPath reports whether a pattern of the role policy covers a path.
// Segments are compared without case; "*" stands for one segment or a part of
// one, "**" for any number of segments including none, "${user}" for the
// caller's id or username. "me" behind "users" is the caller too, in the pattern and
// in the path. A leading and a trailing slash mean nothing, and "*" alone is "**".
func MatchPath(pattern, path string, user *User) bool {
	if pattern == "*" {
		return true
	}
	return matchSegments(callerNamed(split(pattern), user), callerNamed(split(path), user), user)
}

// callerNamed puts the caller's id for "me" behind "users".
func callerNamed(segments []string, user *User) []string {
	if user == nil || len(segments) < 2 || !strings.EqualFold(segments[0], "users") || !strings.EqualFold(segments[1], "me") {
		return segments
	}
	segments[1] = string(user.ID)
	return segments
}

func firstSegment(path string) string {
	first, _, _ := strings.Cut(strings.TrimLeft(path, "/"), "/")
	return first
}

func split(path string) []string {
	path = strings.Trim(path, "/")
	if path == "" {
		return nil
	}
	return strings.Split(path, "/")
}

// matchSegments walks both once, back to behind the last "**" where they part: a "**" that took too little is the only
// one worth trying again, so the time is at most the product of the lengths.
func matchSegments(pattern, path []string, user *User) bool {
	p, at := 0, 0
	again, from := -1, 0 // behind the last "**", and where its rest was tried
	for at < len(path) {
		switch {
		case p < len(pattern) && pattern[p] == "**":
			p++
			again, from = p, at
		case p < len(pattern) && matchSegment(pattern[p], path[at], user):
			p, at = p+1, at+1
		case again < 0:
			return false
		default:
			from++
			p, at = again, from
		}
	}
	for p < len(pattern) && pattern[p] == "**" {
		p++
	}
	return p == len(pattern)
}

func matchSegment(pattern, segment string, user *User) bool {
	if strings.EqualFold(pattern, "${user}") {
		return user != nil && (strings.EqualFold(segment, string(user.ID)) ||
			user.Username != "" && strings.EqualFold(segment, user.Username))
	}
	return matchWild(strings.ToLower(pattern), strings.ToLower(segment))
}

// matchWild matches "*" against any run of characters within one segment.
func matchWild(pattern, text string) bool {
	first, rest, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == text
	}
	if !strings.HasPrefix(text, first) {
		return false
	}
	text = text[len(first):]
	for {
		part, next, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(text, part)
		}
		at := strings.Index(text, part)
		if at < 0 {
			return false
		}
		text, rest = text[at+len(part):], next
	}
}
