package hecate

import "strings"

// irregular are words whose plural follows no rule, or one of too few words: singular, plural.
var irregular = [][2]string{
	{"person", "people"}, {"man", "men"}, {"woman", "women"}, {"child", "children"}, {"ox", "oxen"}, {"mouse", "mice"}, {"louse", "lice"},
	{"goose", "geese"}, {"foot", "feet"}, {"tooth", "teeth"}, {"quiz", "quizzes"}, {"datum", "data"}, {"medium", "media"},
	{"matrix", "matrices"}, {"vertex", "vertices"}, {"index", "indices"}, {"axis", "axes"}, {"crisis", "crises"}, {"analysis", "analyses"},
	{"diagnosis", "diagnoses"}, {"thesis", "theses"}, {"hypothesis", "hypotheses"}, {"synopsis", "synopses"}, {"octopus", "octopi"},
	{"virus", "viri"}, {"bus", "buses"}, {"alias", "aliases"}, {"status", "statuses"}, {"hero", "heroes"}, {"potato", "potatoes"},
	{"tomato", "tomatoes"}, {"buffalo", "buffaloes"}, {"echo", "echoes"}, {"movie", "movies"}, {"cookie", "cookies"}, {"zombie", "zombies"},
	{"selfie", "selfies"}, {"tie", "ties"}, {"pie", "pies"}, {"lie", "lies"}, {"knife", "knives"}, {"wife", "wives"}, {"life", "lives"},
	{"leaf", "leaves"}, {"wolf", "wolves"}, {"half", "halves"}, {"shelf", "shelves"}, {"self", "selves"}, {"calf", "calves"}, {"thief", "thieves"},
}

// uncountable are words that are their own plural.
var uncountable = map[string]bool{
	"equipment": true, "information": true, "rice": true, "money": true, "species": true, "series": true, "fish": true, "sheep": true, "news": true,
}

// The irregular words both ways.
var (
	pluralOf   = pairs(0, 1)
	singularOf = pairs(1, 0)
)

func pairs(from, to int) map[string]string {
	m := make(map[string]string, len(irregular))
	for _, pair := range irregular {
		m[pair[from]] = pair[to]
	}
	return m
}

// hissing are endings that need "es".
var hissing = []string{"x", "ch", "sh", "ss"}

// Plural is the plural of an English name in lower case: what a collection is called in paths of the role policy, so
// that a grant reaches "book" and "books" alike. A plural stays as it is, and so does any other name that ends in s.
func Plural(name string) string {
	name = Fold(name)
	if p, ok := pluralOf[name]; ok {
		return p
	}
	if _, ok := singularOf[name]; ok || uncountable[name] || name == "" {
		return name
	}
	for _, end := range hissing {
		if strings.HasSuffix(name, end) {
			return name + "es"
		}
	}
	if stem, ok := strings.CutSuffix(name, "y"); ok && endsInConsonant(stem) {
		return stem + "ies"
	}
	if strings.HasSuffix(name, "s") {
		return name
	}
	return name + "s"
}

// Singular is the singular of an English name in lower case: what one record of a collection is called. Its plural is the
// plural of the name, always: "nodejs" is the plural of "nodej".
func Singular(name string) string {
	name = Fold(name)
	if s, ok := singularOf[name]; ok {
		return s
	}
	if _, ok := pluralOf[name]; ok || uncountable[name] {
		return name
	}
	plural := Plural(name)
	for _, guess := range singularGuesses(name) {
		if guess != "" && Plural(guess) == plural {
			return guess
		}
	}
	return name
}

// singularGuesses are what a plural may come from, the likeliest first.
func singularGuesses(name string) []string {
	var guesses []string
	if stem, ok := strings.CutSuffix(name, "ies"); ok && endsInConsonant(stem) {
		guesses = append(guesses, stem+"y")
	}
	if stem, ok := strings.CutSuffix(name, "es"); ok {
		for _, end := range hissing {
			if strings.HasSuffix(stem, end) {
				guesses = append(guesses, stem)
			}
		}
	}
	if stem, ok := strings.CutSuffix(name, "s"); ok {
		guesses = append(guesses, stem)
	}
	return guesses
}

// endsInConsonant reports whether a y behind the stem becomes "ies": toy does not, query and colloquy do.
func endsInConsonant(stem string) bool {
	if stem == "" {
		return false
	}
	return strings.HasSuffix(stem, "qu") || !strings.ContainsRune("aeiou", rune(stem[len(stem)-1]))
}
