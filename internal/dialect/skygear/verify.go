package skygear

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"slices"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// Verification, contracts/skygear.md 2.9. Which address was proved is kept, and whether a user is verified follows from what his
// record holds now: whichever dialect changes an address, the new one is not verified, and nobody can write that it were.

const (
	textMustLogIn  = "You must log in to perform this action."
	textModified   = "the user data has since been modified, a new verification is required"
	textExpired    = "the code has expired"
	textNoProof    = "letters can go to e-mail addresses only: no provider is configured for record_key `"
	subjectVerify  = "User Verification"
	flagSuffix     = "_verified"
	allVerified    = "is_verified"
	keptVerified   = "verified" // in Extra of the profile: the proved addresses by key
	verifyPagePath = "/user/verify-code/form"
)

// person is a user with what his record holds.
type person struct {
	user    *hecate.User
	profile *hecate.Record
}

// address is what a key of the user's record holds, "" for nothing and for what is no text.
func (p person) address(key string) string {
	switch key {
	case emailField:
		return p.user.Email
	case usernameField:
		return p.user.Username
	}
	if p.profile == nil {
		return ""
	}
	text, _ := p.profile.Values[key].(string)
	return text
}

// proved reports whether the address that a key holds has been proved to be the user's.
func (p person) proved(key string) bool {
	if key == emailField {
		return p.user.Email != "" && p.user.EmailVerified
	}
	address := p.address(key)
	return address != "" && p.profile != nil && provedIn(p.profile.Extra)[key] == address
}

// provedIn are the proved addresses by key.
func provedIn(extra hecate.Extra) map[string]any {
	proved, _ := extra[extraName][keptVerified].(map[string]any)
	return proved
}

// verified reports whether the user is verified as the app wants it.
func (v *verification) verified(p person) bool {
	if len(v.needed) == 0 {
		return false
	}
	if v.all {
		return !slices.ContainsFunc(v.needed, func(key string) bool { return !p.proved(key) })
	}
	return slices.ContainsFunc(v.needed, p.proved)
}

// addTo adds the flags to what a user's record shows, for whoever may see them: the user himself and the master key. Stored values of
// these names show to nobody.
func (v *verification) addTo(more hecate.Values, p person, mayRead bool) {
	if len(v.keys) == 0 {
		return
	}
	for _, key := range v.keys {
		more[key+flagSuffix] = nil
		if mayRead {
			more[key+flagSuffix] = p.proved(key)
		}
	}
	if more[allVerified] = nil; v.shown && mayRead {
		more[allVerified] = v.verified(p)
	}
}

// owns reports whether a field of a user's record is a flag, which the server alone sets.
func (v *verification) owns(field string) bool {
	if len(v.keys) == 0 {
		return false
	}
	return field == allVerified || slices.ContainsFunc(v.keys, func(key string) bool { return field == key+flagSuffix })
}

// verifiedUser is what the gates ask, see doors.verified.
func (a *api) verifiedUser(ctx context.Context, actor *hecate.Actor) error {
	v := settingsOf(actor.App).verify
	if !v.required {
		return nil
	}
	p := person{user: actor.User}
	if slices.ContainsFunc(v.needed, func(key string) bool { return key != emailField }) {
		d, err := a.whole(ctx, actor.App, actor.User.ID)
		if err != nil {
			return err
		}
		p = *d
	}
	if v.verified(p) {
		return nil
	}
	return hecate.E(hecate.Unverified, "act")
}

// whole is a user with the whole of his profile, whoever asks. Kinds: NotFound.
func (a *api) whole(ctx context.Context, app *hecate.App, id hecate.UserID) (*person, error) {
	d, err := a.engine.User(ctx, engine.SystemIn(app), engine.UserRef{ID: id})
	if err != nil {
		return nil, err
	}
	return &person{d.User, d.Profile}, nil
}

// letter is the letter that asks for the proof of the address in a key.
func (a *api) verifyLetter(r *web.Request, app *hecate.App, key, address string) engine.UserLetter {
	how := settingsOf(app).verify.each[key]
	l := engine.UserLetter{
		Mailing: engine.Mailing{Link: a.pageLink(r, app, verifyPagePath, "code={ticket}&auth_id={key}"), Subject: subjectVerify},
		Ticket:  engine.VerifyTicket, Form: how.form, TTL: how.life, About: key,
	}
	if key != emailField {
		l.To = address
	}
	return l
}

// verifyLetters are the letters for those addresses that are to be proved and that letters can go to.
func (a *api) verifyLetters(r *web.Request, app *hecate.App, keys []string, address func(key string) string) []engine.UserLetter {
	var out []engine.UserLetter
	for _, key := range keys {
		if to := address(key); engine.IsAddress(to) {
			out = append(out, a.verifyLetter(r, app, key, to))
		}
	}
	return out
}

// signUpLetters are what a new user gets: the welcome, and what asks for his addresses.
func (a *api) signUpLetters(r *web.Request, app *hecate.App, address func(key string) string) []engine.UserLetter {
	s := settingsOf(app)
	var out []engine.UserLetter
	if s.welcomeMail && address(emailField) != "" {
		out = append(out, welcomeLetter(address))
	}
	if s.verify.atSignUp {
		out = append(out, a.verifyLetters(r, app, s.verify.keys, address)...)
	}
	return out
}

// updateLetters are what a user gets whose record was saved; nil where nobody ever gets any.
func (a *api) updateLetters(r *web.Request, app *hecate.App) func(was, is engine.UserDetail) []engine.UserLetter {
	v := settingsOf(app).verify
	if !v.atUpdate || len(v.keys) == 0 {
		return nil
	}
	return func(was, is engine.UserDetail) []engine.UserLetter {
		before, now := person{was.User, was.Profile}, person{is.User, is.Profile}
		changed := slices.DeleteFunc(slices.Clone(v.keys), func(key string) bool { return before.address(key) == now.address(key) })
		return a.verifyLetters(r, app, changed, now.address)
	}
}

// lambdaUser demands somebody signed in. One who is disabled is told so: contracts/skygear.md 8.
func lambdaUser(c *call) error {
	if c.actor.User != nil {
		return nil
	}
	if c.refused != nil {
		return c.refused
	}
	return fail(notAuthenticated, textMustLogIn)
}

// lambdaArgument reads the one string that a lambda of somebody signed in takes.
func lambdaArgument(c *call, name string) (string, error) {
	if err := lambdaUser(c); err != nil {
		return "", err
	}
	args, err := c.args.arguments(name)
	if err != nil {
		return "", err
	}
	if !args.has(name) {
		return "", invalid(name+" must be set", name)
	}
	return args.text(name)
}

// verifyRequest sends the user a code for one of his addresses.
func (a *api) verifyRequest(w *web.Response, r *web.Request, c *call) error {
	key, err := lambdaArgument(c, "record_key")
	if err != nil {
		return err
	}
	if v := settingsOf(c.app).verify; !v.has(key) {
		return invalid("record_key `" + key + "` is not configured to verify")
	}
	p, err := a.whole(r.Context(), c.app, c.actor.User.ID)
	if err != nil {
		return err
	}
	switch address := p.address(key); {
	case address == "":
		return invalid("there is nothing to verify for record_key `" + key + "` with auth_id `" + userKey(p.user) + "`")
	case !engine.IsAddress(address):
		return fail(notConfigured, textNoProof+key+"`")
	default:
		err = a.engine.AskVerification(r.Context(), c.actor, engine.VerificationInput{Letter: a.verifyLetter(r, c.app, key, address)})
	}
	if err != nil {
		return err
	}
	return answerNothing(w)
}

// verifyCode takes a code of verifyRequest.
func (a *api) verifyCode(w *web.Response, r *web.Request, c *call) error {
	code, err := lambdaArgument(c, "code")
	if err != nil {
		return err
	}
	_, err = a.proveAddress(r.Context(), c.app, engine.UserRef{ID: c.actor.User.ID}, code)
	if text := proofFault(err); text != "" {
		return invalid(text)
	}
	if hecate.KindOf(err) == hecate.BadToken {
		return invalid("the code `" + code + "` is not valid for user `" + userKey(c.actor.User) + "`")
	}
	if err != nil {
		return err
	}
	return answerNothing(w)
}

// proofFault says what is wrong with a code that was right once, else "".
func proofFault(err error) string {
	switch hecate.KindOf(err) {
	case hecate.Stale:
		return textModified
	case hecate.Expired:
		return textExpired
	}
	return ""
}

// proveAddress uses a code up, and says of which key where that is known. Kinds: BadToken, Expired, Stale where the record holds another address by now.
func (a *api) proveAddress(ctx context.Context, app *hecate.App, who engine.UserRef, code string) (key string, err error) {
	v := settingsOf(app).verify
	username := ""
	if v.has(usernameField) {
		d, err := a.engine.User(ctx, engine.SystemIn(app), who)
		if errors.Is(err, hecate.NotFound) {
			return "", hecate.E(hecate.BadToken, "verify")
		}
		if err != nil {
			return "", err
		}
		username = d.User.Username
	}
	proved, err := a.engine.ConfirmAddress(ctx, app, engine.TicketInput{
		Ticket: hecate.NewSecret(code), User: who,
		Profile: func(t *hecate.Ticket) *engine.RecordInput {
			key = t.About
			if key == emailField { // the engine keeps that one
				return nil
			}
			return keepProved(&v, t, username)
		},
	})
	if err == nil {
		key = proved.Ticket.About
	}
	return key, err
}

// keepProved is the change of a profile that keeps which address was proved, for its user of that name.
func keepProved(v *verification, t *hecate.Ticket, username string) *engine.RecordInput {
	return &engine.RecordInput{Resolve: func(current *hecate.Record, in *engine.RecordInput) error {
		now, _ := current.Values[t.About].(string)
		if t.About == usernameField {
			now = username
		}
		if !v.has(t.About) || now != t.Address {
			return hecate.E(hecate.Stale, "verify").On(t.About)
		}
		proved := map[string]any{}
		maps.Copy(proved, provedIn(current.Extra))
		proved[t.About] = t.Address
		own := maps.Clone(current.Extra[extraName])
		if own == nil {
			own = map[string]any{}
		}
		own[keptVerified] = proved
		if in.Extra = maps.Clone(current.Extra); in.Extra == nil {
			in.Extra = hecate.Extra{}
		}
		in.Extra[extraName] = own
		return nil
	}}
}

// pageLink is where a letter leads: a page below the base of this API, with what it needs. Where no host name stands for the app
// the page is told which one it is about.
func (a *api) pageLink(r *web.Request, app *hecate.App, path, query string) string {
	link := a.letterBase(r) + path + "?" + query
	if a.doors.appByHost != nil {
		if _, err := a.doors.appByHost(r); err == nil {
			return link
		}
	}
	return link + "&app=" + url.QueryEscape(app.Alias)
}
