package hecate

import (
	"testing"

	"pgregory.net/rapid"
)

func TestNamesHaveThePluralsThatClientsExpect(t *testing.T) {
	t.Parallel()
	for singular, plural := range map[string]string{
		"user": "users", "dog": "dogs", "role": "roles", "group": "groups", "asset": "assets", "folder": "folders", "event": "events",
		"device": "devices", "activity": "activities", "nodej": "nodejs", "person": "people", "man": "men", "child": "children",
		"sex": "sexes", "move": "moves", "stadium": "stadiums", "equipment": "equipment", "information": "information", "rice": "rice",
		"money": "money", "species": "species", "series": "series", "fish": "fish", "sheep": "sheep", "box": "boxes", "church": "churches",
		"dish": "dishes", "class": "classes", "toy": "toys", "query": "queries", "bus": "buses", "status": "statuses", "shoe": "shoes",
		"house": "houses", "wave": "waves", "hero": "heroes", "movie": "movies", "cafe": "cafes", "receipt": "receipts", "notifier": "notifiers",
	} {
		if got := Plural(singular); got != plural {
			t.Errorf("Plural(%q) = %q", singular, got)
		}
		if got := Plural(plural); got != plural {
			t.Errorf("Plural(%q) = %q", plural, got)
		}
		if got := Singular(plural); got != singular {
			t.Errorf("Singular(%q) = %q", plural, got)
		}
		if got := Singular(singular); Plural(got) != plural {
			t.Errorf("Singular(%q) = %q", singular, got)
		}
	}
	if got := Plural("Assets"); got != "assets" {
		t.Errorf("Plural of capitals: %q", got)
	}
}

func TestEveryNameHasOnePlural(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-z]{0,4}(s|ss|es|ies|y|ch|x|ves|oes|us|is|people|)`)).Draw(t, "name")
		plural := Plural(name)
		if again := Plural(plural); again != plural {
			t.Fatalf("%q: %q, and then %q", name, plural, again)
		}
		if back := Plural(Singular(name)); back != plural {
			t.Fatalf("%q is the singular of %q, whose plural is %q", Singular(name), plural, back)
		}
		if Singular(plural) != Singular(Singular(plural)) && Plural(Singular(Singular(plural))) != plural {
			t.Fatalf("%q", name)
		}
	})
}
