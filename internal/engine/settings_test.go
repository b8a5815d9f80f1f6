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
