package skygear

import (
	"cmp"
	"math"
	"slices"
	"time"

	"hecate"
	"hecate/internal/engine"
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
	each         map[string]proving
}

// proving says how the address of one key is proved, where that differs.
type proving struct {
	form         engine.CodeForm
	life         time.Duration // of a code; 0: the engine's own
	success, bad string
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
	v.keys = slices.DeleteFunc(v.keys, reserved)
	options := own.part("key_options")
	v.each = make(map[string]proving, len(v.keys))
	for _, key := range v.keys {
		v.each[key] = v.provingOf(options.part(key))
	}
	if v.needed = own.list("criteria"); len(v.needed) > 0 {
		v.all = true
		return v
	}
	v.needed, v.all = v.keys, own.text("criteria") == "all"
	return v
}

// codeForms are the forms of codes by what the setting calls them.
var codeForms = map[string]engine.CodeForm{"numeric": engine.NumericCode, "complex": engine.TextCode}

func (v *verification) provingOf(own plain) proving {
	p := proving{form: engine.NumericCode, success: cmp.Or(own.text("success_redirect"), v.success), bad: cmp.Or(own.text("error_redirect"), v.bad)}
	if form, ok := codeForms[own.text("code_format")]; ok {
		p.form = form
	}
	if text := own.text("expiry"); text != "" {
		p.life, _ = time.ParseDuration(text) // checked where settings are stored
		if p.life == 0 {
			p.life = math.MaxInt64 // never, contracts/skygear.md 2.9; the engine knows a longest time
		}
	}
	return p
}

// ends are all the places where the page of a link may end.
func (v *verification) ends() []string {
	all := []string{v.success, v.bad}
	for _, p := range v.each {
		all = append(all, p.success, p.bad)
	}
	slices.Sort(all)
	return slices.Compact(all)
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
