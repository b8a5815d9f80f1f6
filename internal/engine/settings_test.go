package engine

import (
	"fmt"
	"strings"
	"testing"

	"hecate"
)

func TestSecretsInSettingsAreSealed(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		settings := hecate.Settings{
			HideAccountExistence: true,
			Dialects:             map[string]map[string]any{"one": {"shared_secret": "hush-dialect"}},
			Social:               map[string]map[string]any{"two": {"client_secret": "hush-social"}},
		}
		must[*AppDetail](t)(h.UpdateApp(ctx, owner, app.ID, UpdateAppInput{Settings: &settings}))
		must[*AppDetail](t)(h.UpdateApp(ctx, owner, app.ID, UpdateAppInput{Description: ptr("read again, written again")}))

		got := must[*hecate.App](t)(h.AppByAlias(ctx, "books")).Settings
		if got.Dialects["one"]["shared_secret"] != "hush-dialect" || got.Social["two"]["client_secret"] != "hush-social" || !got.HideAccountExistence {
			t.Errorf("settings = %+v", got)
		}
		stored := must[*hecate.App](t)(h.db.App(ctx, app.ID)).Settings
		if stored.Sealed == "" || strings.Contains(fmt.Sprintf("%+v", stored), "hush") {
			t.Errorf("the database holds %+v", stored)
		}
	})
}

func TestTextsOfPagesAreCheckedWhereverSettingsAreSaved(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		good := hecate.PageTexts{"fr-ca": {hecate.TextResetTitle: "Bonjour"}}
		bad := hecate.PageTexts{"fr": {hecate.TextResetSent: "the mark is missing"}}
		const field = "pages.fr.reset_sent"
		must[*AppDetail](t)(h.UpdateApp(ctx, owner, app.ID, UpdateAppInput{Settings: &hecate.Settings{Pages: good}}))
		failed[*AppDetail](t, hecate.Invalid, field)(h.UpdateApp(ctx, owner, app.ID, UpdateAppInput{Settings: &hecate.Settings{Pages: bad}}))
		failed[*AppDetail](t, hecate.Invalid, field)(h.UpdateApp(ctx, owner, app.ID, UpdateAppInput{Adjust: func(s *hecate.Settings) error {
			s.Pages = bad
			return nil
		}}))
		_, _, err := h.DeclareApp(ctx, System(), DeclareAppInput{Org: app.OrgName, Name: app.Name, Alias: app.Alias, Settings: hecate.Settings{Pages: bad}})
		fails(t, err, hecate.Invalid, field)
		_, _, err = h.DeclareApp(ctx, System(), DeclareAppInput{Org: app.OrgName, Name: "films", Alias: "films", Settings: hecate.Settings{Pages: bad}})
		fails(t, err, hecate.Invalid, field)
		if got := must[*hecate.App](t)(h.AppByAlias(ctx, "books")).Settings.Pages; len(got) != 1 || got["fr-ca"][hecate.TextResetTitle] != "Bonjour" {
			t.Errorf("texts %v", got)
		}
	})
}
