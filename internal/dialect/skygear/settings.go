package skygear

import (
	"slices"
	"time"

	"hecate"
)

// settings are the app's settings that are this dialect's alone; the others stand in hecate.Settings. docs/settings.md says what they mean.
type settings struct {
	customTokenSecret hecate.Secret
	verify            verification
	forgot            forgotten
	welcomeMail       bool
}

// verification says which of a user's addresses are to be proved.
type verification struct {
	keys         []string // fields of the user's record that hold them
	needed       []string // those that make him verified …
	all          bool     // … all together; otherwise one of them
	required     bool     // who is not verified does little
	shown        bool     // is_verified stands in his record
	atSignUp     bool
	atUpdate     bool
	success, bad string // where the page of the link ends, "" on itself
}

// forgotten says how forgotten passwords are replaced.
type forgotten struct {
	secureMatch  bool
	life         time.Duration // of a link; 0: the engine's own
	success, bad string        // where the page of the link ends, "" on itself
}

func settingsOf(app *hecate.App) settings {
	own := plain(app.Settings.Dialects[extraName])
	forgot := own.part("forgot_password")
	life, _ := time.ParseDuration(forgot.text("reset_ttl")) // checked where settings are stored
	return settings{
		customTokenSecret: hecate.NewSecret(own.text("custom_token_secret")),
		welcomeMail:       own.yes("welcome_mail"),
		verify:            verificationOf(own.part("verify")),
		forgot: forgotten{
			secureMatch: forgot.yes("secure_match"), life: life,
			success: forgot.text("success_redirect"), bad: forgot.text("error_redirect"),
		},
	}
}

func verificationOf(own plain) verification {
	v := verification{
		keys: own.list("keys"), required: own.yes("required"), shown: own.yes("auto_update"),
		atSignUp: own.yes("auto_send_signup") || own.yes("required"), atUpdate: own.yes("auto_send_update"),
		success: own.text("success_redirect"), bad: own.text("error_redirect"),
	}
	v.keys = slices.DeleteFunc(v.keys, func(key string) bool { return reserved(key) || key == usernameField })
	if v.needed = own.list("criteria"); len(v.needed) > 0 {
		v.all = true
		return v
	}
	v.needed, v.all = v.keys, own.text("criteria") == "all"
	return v
}

// has reports whether a key is to be proved.
func (v *verification) has(key string) bool { return slices.Contains(v.keys, key) }

// plain are settings as the app keeps them; what has another type counts as absent.
type plain map[string]any

func (p plain) text(name string) string { text, _ := p[name].(string); return text }

func (p plain) yes(name string) bool { yes, _ := p[name].(bool); return yes }

func (p plain) part(name string) plain { part, _ := p[name].(map[string]any); return part }

func (p plain) list(name string) []string {
	list, _ := p[name].([]any)
	out := make([]string, 0, len(list))
	for _, item := range list {
		if text, ok := item.(string); ok && text != "" {
			out = append(out, text)
		}
	}
	return out
}
