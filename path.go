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

func matchSegments(pattern, path []string, user *User) bool {
	for i, p := range pattern {
		if p == "**" {
			rest := pattern[i+1:]
			for skip := 0; i+skip <= len(path); skip++ {
				if matchSegments(rest, path[i+skip:], user) {
					return true
				}
			}
			return false
		}
		if i >= len(path) || !matchSegment(p, path[i], user) {
			return false
		}
	}
	return len(pattern) == len(path)
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
