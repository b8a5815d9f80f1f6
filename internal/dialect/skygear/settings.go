package skygear

import "hecate"

// settings are the app's settings that are this dialect's alone; the others stand in hecate.Settings.
type settings struct {
	customTokenSecret hecate.Secret
}

func settingsOf(app *hecate.App) settings {
	own := app.Settings.Dialects[extraName]
	secret, _ := own["custom_token_secret"].(string)
	return settings{customTokenSecret: hecate.NewSecret(secret)}
}
