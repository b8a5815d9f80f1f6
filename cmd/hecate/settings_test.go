package main

import (
	"strings"
	"testing"
)

func TestTextsOfPagesAreCheckedAtTheirLine(t *testing.T) {
	t.Parallel()
	const head = "orgs:\n  - {name: acme}\napps:\n  - org: acme\n    name: books\n    settings:\n      pages:\n"
	for _, c := range []struct{ pages, want string }{
		{"        fr: {reset_title: Bonjour}\n        fr-CA: {reset_sent: 'envoyé à {address}'}\n", ""},
		{"        fr:\n          reset_title: Bonjour\n          reset_titel: Bonjour\n", "10: text reset_titel in fr: there is no text of this name"},
		{"        fr:\n          reset_sent: envoyé\n", "9: text reset_sent in fr: the mark {address} is missing"},
		{"        fr:\n          reset_title: " + strings.Repeat("x", 501) + "\n", "9: text reset_title in fr: at most 500 characters"},
		{"        french language:\n          reset_title: x\n", "want a language such as en or de-at"},
		{"        fr-CA: {reset_title: x}\n        fr-ca: {reset_title: x}\n", "the language is there twice"},
		{"        fr: [reset_title]\n", "8: "},
	} {
		s, err := readSpec([]byte(head + c.pages))
		if c.want == "" {
			if err != nil {
				t.Fatal(err)
			}
			settings, err := s.Apps[0].settings()
			if err != nil || settings.Pages["fr-ca"]["reset_sent"] != "envoyé à {address}" || settings.Pages["fr"]["reset_title"] != "Bonjour" {
				t.Errorf("%v, %v", settings.Pages, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v", c.want, err)
		}
	}
}
