package skygear

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

const textUserTaken = "user duplicated"

func (a *api) signUp(w *web.Response, r *web.Request, c *call) error {
	in, err := a.readSignUp(r, c)
	if err != nil {
		return err
	}
	l, err := a.engine.SignUp(r.Context(), c.actor, in)
	if err != nil {
		return signUpFault(err)
	}
	if l.Awaited {
		return a.answerAwaited(w, r, c, l)
	}
	return a.answerAuth(w, r, c, l)
}

// answerAwaited answers a sign-up that a letter has to confirm as if there were a user: his token opens nothing, which clients hear at the next
// call as of a session that has ended.
func (a *api) answerAwaited(w *web.Response, r *web.Request, c *call, l *engine.LoginResult) error {
	himself := &hecate.Actor{
		Kind: hecate.UserActor, App: c.app, Key: c.actor.Key, User: l.User,
		Subjects: []hecate.Subject{hecate.Public, hecate.Anyone, hecate.SubjectUser(l.User.ID)},
	}
	result, err := a.responseTo(r, c, himself, l)
	if err != nil {
		return err
	}
	return answerResult(w, result)
}

// readSignUp reads {auth_data, password, profile}; all of them absent make a user without names.
func (a *api) readSignUp(r *web.Request, c *call) (in engine.SignUpInput, err error) {
	if err := noProvider(c.args); err != nil {
		return in, err
	}
	if in.Names, err = readNames(c.args, conflictingName); err != nil {
		return in, err
	}
	password, err := c.args.text("password")
	if err != nil {
		return in, err
	}
	raw, err := c.args.object("profile")
	if err != nil {
		return in, err
	}
	if twice := slices.DeleteFunc(slices.Sorted(maps.Keys(raw)), func(field string) bool { return in.Names[field] == "" }); len(twice) > 0 {
		return in, invalid("duplicated keys found in auth data in profile", twice...)
	}
	given, err := a.readProfile(r, c, raw)
	if err != nil {
		return in, err
	}
	in.Profile, in.Fields = given.record, given.fields
	in.Username, in.Email = given.name(usernameField), given.name(emailField)
	in.Letters = a.signUpLetters(r, c.app, given.address(in.Names))
	in.Password, in.Extend, in.Open, in.Dialect = hecate.NewSecret(password), true, opening(), dialectName
	return in, nil
}

// conflictingName is the failure of a login name that is no text.
func conflictingName(field string) *failure {
	return fail(incompatibleSchema, "conflicting schema of "+field)
}

// givenProfile is a profile as a client sent it, sorted out.
type givenProfile struct {
	record engine.RecordInput
	fields []hecate.Field     // that the schema lacks
	names  map[string]*string // username and email, where given and not null
}

func (g *givenProfile) name(field string) string {
	if p := g.names[field]; p != nil {
		return *p
	}
	return ""
}

// address is what a key of the new user's record will hold; names are login names given beside the profile.
func (g *givenProfile) address(names map[string]string) func(key string) string {
	return func(key string) string {
		if name := names[key]; name != "" {
			return name
		}
		if name := g.name(key); name != "" {
			return name
		}
		text, _ := g.record.Values[key].(string)
		return text
	}
}

// readProfile reads the profile of a user who is about to be made. last_login_at is the server's own.
func (a *api) readProfile(r *web.Request, c *call, raw map[string]any) (*givenProfile, error) {
	g := &givenProfile{names: map[string]*string{}}
	fields := make(map[string]any, len(raw))
	verify := settingsOf(c.app).verify
	for name, value := range raw {
		switch name {
		case usernameField, emailField:
			text, isText := value.(string)
			if value != nil && !isText {
				return nil, conflictingName(name)
			}
			if isText {
				g.names[name] = &text
			}
		case lastLoginField:
		default:
			if !verify.owns(name) {
				fields[name] = value
			}
		}
	}
	ctx := r.Context()
	collection, err := a.engine.LookupCollection(ctx, c.app.ID, hecate.ProfileName)
	if err != nil {
		return nil, err
	}
	values, missing, err := readFields(ctx, a.valuesOf(r, c.app), collection, fields)
	if err != nil {
		return nil, err
	}
	g.fields = missing
	g.record, err = a.newProfile(ctx, c.app, values)
	return g, err
}

// signUpFault shows what the engine refuses of a new user.
func signUpFault(err error) error {
	d := hecate.Detail(err)
	switch {
	case errors.Is(err, hecate.Exists):
		return fail(duplicated, textUserTaken)
	case errors.Is(err, hecate.Invalid) && (d.Field == usernameField || d.Field == emailField) && d.Err != nil:
		return invalid(d.Field+" "+d.Err.Error(), d.Field)
	case errors.Is(err, hecate.Invalid) && d.Field == "password":
		return invalid("empty password", "password")
	case errors.Is(err, hecate.Invalid) && strings.HasPrefix(d.Field, "profile.") && d.Info["type"] != nil:
		return conflictingName(strings.TrimPrefix(d.Field, "profile."))
	}
	return namesFault(schemaFault(err))
}

// customTokenLogin signs in whom the app's own server vouches for, contracts/skygear.md 3.1.
func (a *api) customTokenLogin(w *web.Response, r *web.Request, c *call) error {
	token, err := c.args.text("token")
	if err != nil {
		return err
	}
	claims, err := a.engine.VerifyClaims(token, settingsOf(c.app).customTokenSecret)
	if err != nil {
		return claimsFault(err)
	}
	raw, err := customProfile(r, claims.Raw)
	if err != nil {
		return err
	}
	given, err := a.readProfile(r, c, raw)
	if err != nil {
		return err
	}
	l, err := a.loginExternal(r, c, claims.Subject, given)
	if err != nil {
		return signUpFault(err)
	}
	return a.answerAuth(w, r, c, l)
}

func (a *api) loginExternal(r *web.Request, c *call, subject string, given *givenProfile) (*engine.LoginResult, error) {
	l, _, err := a.engine.LoginExternal(r.Context(), c.actor, engine.ExternalLoginInput{
		Provider: "custom", Subject: subject, Profile: given.record, Fields: given.fields, Extend: true,
		Username: given.names[usernameField], Email: given.names[emailField], Dialect: dialectName, Open: opening(),
		Letters: a.signUpLetters(r, c.app, given.address(nil)), Changed: a.updateLetters(r, c.app),
	})
	return l, err
}

// customProfile is the claim skyprofile, nil where there is none.
func customProfile(r *web.Request, raw []byte) (map[string]any, error) {
	var claims struct {
		Profile json.RawMessage `json:"skyprofile"`
	}
	if err := json.Unmarshal(raw, &claims); err != nil {
		return nil, undecodable()
	}
	if len(claims.Profile) == 0 {
		return nil, nil
	}
	v, err := web.DecodeJSON(claims.Profile, r.Limits())
	if err != nil {
		return nil, undecodable()
	}
	profile, isObject := v.(map[string]any)
	if v != nil && !isObject {
		return nil, undecodable()
	}
	return profile, nil
}

// missingClaims are the texts for a claim that is not there.
var missingClaims = map[string]string{
	"sub": "invalid token: subject (sub) not specified",
	"exp": "invalid token: expires at (exp) not specified",
	"iat": "invalid token: issued at (iat) not specified",
}

func claimsFault(err error) error {
	switch hecate.KindOf(err) {
	case hecate.Unsupported:
		return fail(notConfigured, "login with custom token requires CUSTOM_TOKEN_SECRET config")
	case hecate.Malformed:
		return undecodable()
	case hecate.BadToken:
		if text := missingClaims[hecate.Detail(err).Field]; text != "" {
			return fail(invalidCredentials, text)
		}
		return undecodable()
	}
	return err
}
