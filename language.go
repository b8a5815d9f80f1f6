package hecate

import (
	"slices"
	"strings"
)

// maxLanguageTag is more than any tag that is in use has.
const maxLanguageTag = 35

// IsLanguage reports whether a text has the shape of a language tag, such as en or de-AT.
func IsLanguage(tag string) bool {
	if len(tag) > maxLanguageTag {
		return false
	}
	for i, part := range strings.Split(tag, "-") {
		if len(part) < 1 || len(part) > 8 || i == 0 && len(part) < 2 || strings.ContainsFunc(part, notInTag) {
			return false
		}
	}
	return true
}

func notInTag(r rune) bool {
	return !('0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z')
}

// Languages are those of the tags that have the shape of one, each followed by what is more general (de-at, de), in lower case and without
// repetitions. Profiles may write de_AT.
func Languages(tags ...string) []string {
	var out []string
	for _, tag := range tags {
		tag = strings.ToLower(strings.ReplaceAll(tag, "_", "-"))
		for tag != "" && IsLanguage(tag) {
			if !slices.Contains(out, tag) {
				out = append(out, tag)
			}
			tag = tag[:max(strings.LastIndexByte(tag, '-'), 0)]
		}
	}
	return out
}

// Language is what a profile says that its user reads, "" where it says nothing.
func (r *Record) Language() string {
	if r == nil {
		return ""
	}
	for _, name := range []string{"locale", "language", "lang"} {
		if text, ok := r.Values[name].(string); ok && text != "" {
			return text
		}
	}
	return ""
}
