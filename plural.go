package hecate

import "strings"

// Plural is the plural of an English name in lower case: what a collection is called in paths of the role policy, so
// that a grant reaches "book" and "books" alike. A plural stays as it is.
func Plural(name string) string {
	name = strings.ToLower(name)
	if strings.HasSuffix(name, "s") {
		return name
	}
	return name + "s"
}

// Singular is the singular of an English name in lower case: what one record of a collection is called.
func Singular(name string) string { return strings.TrimSuffix(strings.ToLower(name), "s") }
