package engine

import (
	"encoding/json"
	"errors"
	"fmt"

	"hecate"
	"hecate/internal/mail"
	"hecate/internal/store"
)

func settingsContext(id hecate.AppID) string { return "settings:" + string(id) }

// checkSettings returns nil when an app may have these. Kinds: those of mail.Check; Invalid on "pages.<language>.<name>", TooLarge on "pages".
func checkSettings(s *hecate.Settings) error {
	return errors.Join(mail.Check(s.Mail), s.Pages.Check("pages"))
}

// sealedApp returns the app as the store keeps it: what may hold other people's secrets (client secrets of providers,
// shared secrets of dialects) is one sealed text.
func (e *Engine) sealedApp(app *hecate.App) (*hecate.App, error) {
	stored := *app
	if len(app.Settings.Dialects) == 0 && len(app.Settings.Social) == 0 {
		return &stored, nil
	}
	text, err := json.Marshal(hecate.Settings{Dialects: app.Settings.Dialects, Social: app.Settings.Social})
	if err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	stored.Settings.Sealed, err = e.keys.Seal(text, settingsContext(app.ID))
	stored.Settings.Dialects, stored.Settings.Social = nil, nil
	return &stored, err
}

// openApp gives an app that the store returned its settings back.
func (e *Engine) openApp(app *hecate.App, err error) (*hecate.App, error) {
	if err != nil || app.Settings.Sealed == "" {
		return app, err
	}
	text, err := e.keys.Open(app.Settings.Sealed, settingsContext(app.ID))
	if err != nil {
		return nil, fmt.Errorf("settings of app %s: %w", app.ID, err)
	}
	var s hecate.Settings
	if err := store.DecodeSettings(text, &s); err != nil {
		return nil, fmt.Errorf("settings of app %s: %w", app.ID, err)
	}
	app.Settings.Dialects, app.Settings.Social, app.Settings.Sealed = s.Dialects, s.Social, ""
	return app, nil
}
