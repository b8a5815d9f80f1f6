package usergrid

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestPathsAreRoutedByThePluralOfTheirCollection(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"": "/", "/": "/", "/Dog": "/dogs", "/dogs/Fido": "/dogs/Fido", "/user/me": "/users/me", "/person": "/people", "/nodej/x": "/nodejs/x",
		"/token": "/token", "/Auth/facebook": "/auth/facebook", "/CAF%C3%89": "/caf%C3%A9s", "/a%2Fb/c": "/a%2Fbs/c", "/my%20dog": "/my%20dogs",
	} {
		if got := routedPath(path); got != want {
			t.Errorf("%s: %s", path, got)
		}
	}
}

func TestTheRolePolicyReadsPathsWithoutEscapes(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/Users/ME": "/users/me", "/my%20dogs/Fido": "/my dogs/fido", "/users%2Fme": "/users%2fme", "/%2575sers/me": "/%75sers/me", "/": "/",
		"/d%C3%89": "/dé", "/a%25": "/a%",
	} {
		if got := policyPath(path); got != want {
			t.Errorf("%s: %s", path, got)
		}
	}
}

func TestOriginsOfReferrers(t *testing.T) {
	t.Parallel()
	for referrer, want := range map[string]string{
		"https://a.example:81/x?y#z": "https://a.example:81", "": "", "::bad": "", "/only/path": "", "http://u:p@h/": "http://h",
	} {
		if got := originOf(referrer); got != want {
			t.Errorf("%s: %s", referrer, got)
		}
	}
}

func FuzzPath(f *testing.F) {
	for _, seed := range []string{"/acme/books/dogs/fido", "/a%2Fb/%zz//;x=1/{q}", "/%25/%2525", "//", "/users/me/é", "/groups/a/b/c/users/x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := url.Parse("http://host" + text)
		if err != nil {
			return
		}
		segments := segmentsOf(u)
		path := joinSegments(segments)
		again, err := url.Parse("http://host" + path)
		if err != nil {
			t.Fatalf("%q becomes %q: %v", text, path, err)
		}
		if back := segmentsOf(again); !slices.Equal(back, segments) {
			t.Fatalf("%q: %q, and back %q", text, segments, back)
		}
		if n := strings.Count(policyPath(path), "/"); n != max(1, len(segments)) {
			t.Fatalf("%q has %d segments, but %d for the policy", text, len(segments), n)
		}
		routed := routedPath(path)
		if _, err := url.Parse("http://host" + routed); err != nil || !strings.HasPrefix(routed, "/") {
			t.Fatalf("%q is routed as %q: %v", text, routed, err)
		}
	})
}
