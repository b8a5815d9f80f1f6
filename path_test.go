package hecate

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestMatchPath(t *testing.T) {
	t.Parallel()
	ann := &User{ID: "0192aa", Username: "Ann"}
	for _, c := range []struct {
		pattern, path string
		user          *User
		want          bool
	}{
		{"/**", "/", nil, true},
		{"/**", "/dogs/fido", nil, true},
		{"*", "/dogs/fido", nil, true},
		{"/dogs", "/dogs/", nil, true},
		{"dogs/", "/DOGS", nil, true},
		{"/dogs", "/dogs/fido", nil, false},
		{"/dogs/*", "/dogs", nil, false},
		{"/dogs/*", "/dogs/fido", nil, true},
		{"/dogs/*", "/dogs/fido/likes", nil, false},
		{"/dogs/**", "/dogs", nil, true},
		{"/dogs/fi*", "/dogs/Fido", nil, true},
		{"/dogs/*d*", "/dogs/fido", nil, true},
		{"/dogs/*x*", "/dogs/fido", nil, false},
		{"/**/likes/**", "/dogs/fido/likes/cats/tom", nil, true},
		{"/**/likes", "/dogs/likes/fido/likes", nil, true},
		{"/**/likes", "/dogs/likes/fido", nil, false},
		{"/users/${user}/**", "/users/0192AA/devices", ann, true},
		{"/users/${USER}", "/users/ann", ann, true},
		{"/users/${user}", "/users/bob", ann, false},
		{"/users/${user}", "/users/", nil, false},
		{"/users/${user}", "/users/", &User{ID: "0192aa"}, false},
		{"/users/me/**", "/users/0192aa/devices", ann, true},
		{"/users/0192aa", "/users/me", ann, true},
		{"/users/me", "/users/me", nil, true},
		{"/dogs/me", "/dogs/0192aa", ann, false},
		{"", "/", nil, true},
		{"", "/dogs", nil, false},
	} {
		if got := MatchPath(c.pattern, c.path, c.user); got != c.want {
			t.Errorf("MatchPath(%q, %q) = %v", c.pattern, c.path, got)
		}
	}
}

func TestAHostilePatternCostsLittle(t *testing.T) {
	t.Parallel()
	pattern := strings.Repeat("/**/a", 100) + "/b"
	if MatchPath(pattern, strings.Repeat("/a", 4000), nil) { // exponential in a matcher that tries everything
		t.Error("matched")
	}
}

// slowMatch says the same in the plainest way: every way of taking segments is tried.
func slowMatch(pattern, path []string) bool {
	switch {
	case len(pattern) == 0:
		return len(path) == 0
	case pattern[0] == "**":
		return slowMatch(pattern[1:], path) || len(path) > 0 && slowMatch(pattern, path[1:])
	}
	return len(path) > 0 && slowSegment(strings.ToLower(pattern[0]), strings.ToLower(path[0])) && slowMatch(pattern[1:], path[1:])
}

func slowSegment(pattern, text string) bool {
	switch {
	case pattern == "":
		return text == ""
	case pattern[0] == '*':
		return slowSegment(pattern[1:], text) || text != "" && slowSegment(pattern, text[1:])
	}
	return text != "" && pattern[0] == text[0] && slowSegment(pattern[1:], text[1:])
}

func TestMatchPathAgreesWithASlowMatcher(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		// Few letters, so that patterns often nearly match.
		path := rapid.SliceOfN(rapid.StringMatching(`[abA]{1,4}`), 0, 7).Draw(t, "path")
		pattern := rapid.SliceOfN(rapid.OneOf(rapid.Just("**"), rapid.StringMatching(`[abB*]{1,5}`)), 0, 7).Draw(t, "pattern")
		if len(pattern) == 1 && pattern[0] == "*" {
			return // alone it is "**"
		}
		got := MatchPath("/"+strings.Join(pattern, "/"), "/"+strings.Join(path, "/"), nil)
		if want := slowMatch(pattern, path); got != want {
			t.Fatalf("MatchPath(%q, %q) = %v", pattern, path, got)
		}
	})
}

func FuzzMatchPath(f *testing.F) {
	for _, seed := range [][2]string{{"/**", "/"}, {"/users/${user}/**", "/users/me/x"}, {"/a*b/**/c", "/axb/c"}, {"*", ""}, {"//", "/\x00/"}} {
		f.Add(seed[0], seed[1])
	}
	user := &User{ID: "0192aa", Username: "ann"}
	f.Fuzz(func(t *testing.T, pattern, path string) {
		if len(pattern)+len(path) > 4096 {
			return
		}
		got := MatchPath(pattern, path, user)
		if got != MatchPath("/"+pattern, path+"/", user) && pattern != "*" {
			t.Errorf("MatchPath(%q, %q) depends on outer slashes", pattern, path)
		}
		if !MatchPath("/**", path, user) {
			t.Errorf("/** does not cover %q", path)
		}
	})
}
