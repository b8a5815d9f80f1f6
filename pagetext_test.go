package hecate_test

import (
	"fmt"
	"strings"
	"testing"

	"hecate"
)

func TestTextsOfPages(t *testing.T) {
	t.Parallel()
	many := hecate.PageTexts{}
	for i := range 51 {
		many[fmt.Sprintf("x%d", i+10)] = map[hecate.PageText]string{"reset_title": "x"}
	}
	large := hecate.PageTexts{}
	for i := range 13 {
		large[fmt.Sprintf("x%d", i+10)] = map[hecate.PageText]string{}
		for _, name := range []hecate.PageText{"reset_title", "reset_ask", "reset_button", "reset_empty", "reset_mismatch", "verify_text", "verify_title"} {
			large[fmt.Sprintf("x%d", i+10)][name] = strings.Repeat("語", 500)
		}
	}
	one := func(language, name, text string) hecate.PageTexts {
		return hecate.PageTexts{language: {hecate.PageText(name): text}}
	}
	for name, c := range map[string]struct {
		texts hecate.PageTexts
		field string // at fault; "": none
		says  string
	}{
		"nothing":                  {nil, "", ""},
		"a text":                   {one("fr", "reset_title", "Nouveau mot de passe <b>"), "", ""},
		"a mark":                   {one("fr-ca", "reset_sent", "{address}: envoyé, {address}"), "", ""},
		"two marks":                {one("fr", "link_text", "{address} par {provider}"), "", ""},
		"a brace that is no mark":  {one("fr", "reset_title", "a { b"), "", ""},
		"an unknown name":          {one("fr", "reset_titel", "x"), "p.fr.reset_titel", "there is no text of this name"},
		"a missing mark":           {one("fr", "reset_sent", "envoyé"), "p.fr.reset_sent", "the mark {address} is missing"},
		"one of two marks":         {one("fr", "link_text", "{address}"), "p.fr.link_text", "the mark {provider} is missing"},
		"a mark of another text":   {one("fr", "reset_title", "pour {address}"), "p.fr.reset_title", "{address} is no mark of this text"},
		"a mark of a template":     {one("fr", "reset_title", "{{.link}}"), "p.fr.reset_title", "{.link} is no mark of this text"},
		"an empty text":            {one("fr", "reset_title", " "), "p.fr.reset_title", "the text is empty"},
		"a control character":      {one("fr", "reset_title", "a\nb"), "p.fr.reset_title", "without control characters"},
		"no UTF-8":                 {one("fr", "reset_title", "a\xff"), "p.fr.reset_title", "one line of text"},
		"500 characters":           {one("fr", "reset_title", strings.Repeat("é", 500)), "", ""},
		"more":                     {one("fr", "reset_title", strings.Repeat("é", 501)), "p.fr.reset_title", "at most 500 characters"},
		"no language":              {one("french!", "reset_title", "x"), "p.french!", "want a language"},
		"a path":                   {one("../../x", "reset_title", "x"), "p.../../x", "want a language"},
		"an upper-case language":   {one("fr-CA", "reset_title", "x"), "p.fr-CA", "want a language"},
		"too many languages":       {many, "p", "at most 50 languages"},
		"too many texts together":  {large, "p", "bytes of texts"},
		"a percent sign is a text": {one("fr", "reset_title", "100 %s %d"), "", ""},
	} {
		err := c.texts.Check("p")
		if c.field == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if d := hecate.Detail(err); err == nil || d.Field != c.field || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v (field %q), want %q on %q", name, err, d.Field, c.says, c.field)
		}
	}
}

func TestLanguagesOfTextsHaveOneForm(t *testing.T) {
	t.Parallel()
	given := hecate.PageTexts{"fr-CA": {"reset_title": "x"}, "de": {}, "en": nil}
	got, err := given.Canonical("p")
	if err != nil || len(got) != 1 || got["fr-ca"]["reset_title"] != "x" || got.Check("p") != nil {
		t.Errorf("%v, %v", got, err)
	}
	if got["fr-ca"]["reset_title"] = "y"; given["fr-CA"]["reset_title"] != "x" {
		t.Error("the copy shares its texts")
	}
	if got, err := (hecate.PageTexts{"de": nil}).Canonical("p"); got != nil || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	given["fr-ca"] = map[hecate.PageText]string{"reset_title": "z"}
	if _, err := given.Canonical("p"); hecate.KindOf(err) != hecate.Invalid {
		t.Errorf("a language twice: %v", err)
	}
}

func TestLanguagesFromTheMostSpecificOnToTheGeneral(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ tags, want string }{
		{"de_AT fr", "de-at de fr"}, {"zh-Hant-TW zh", "zh-hant-tw zh-hant zh"}, {"de de-AT de", "de de-at"},
		{"* ../x <b> x en", "en"}, {strings.Repeat("a", 9) + " en", "en"}, {strings.Repeat("aa-", 30) + "aa", ""}, {"- -en en- e", ""},
	} {
		if got := strings.Join(hecate.Languages(strings.Fields(c.tags)...), " "); got != c.want {
			t.Errorf("%s: %s, want %s", c.tags, got, c.want)
		}
	}
}
