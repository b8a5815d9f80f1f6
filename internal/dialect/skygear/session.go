package skygear

import (
	"errors"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// opening is how sessions are opened here: they live as long as the app says, and a password change ends them only where the
// app's tokens are signed, or where it is asked to (contracts/skygear.md 2.7).
func opening() *engine.OpenSession { return &engine.OpenSession{} }

const textBadAuthData = "invalid auth data"

// readNames reads auth_data: login names by field, null counting as absent. Never nil without error.
// mistyped is the failure for a value that is no string.
func readNames(args payload, mistyped func(field string) *failure) (map[string]string, error) {
	data, err := args.object("auth_data")
	if err != nil {
		return nil, err
	}
	names := make(map[string]string, len(data))
	for field, raw := range data {
		switch value := raw.(type) {
		case nil:
		case string:
			names[field] = value
		default:
			return nil, mistyped(field)
		}
	}
	return names, nil
}

func badAuthData(string) *failure { return invalid(textBadAuthData, "auth_data") }

// namesFault shows what the engine says about login names.
func namesFault(err error) error {
	if errors.Is(err, hecate.Invalid) && hecate.Detail(err).Field == "names" {
		return badAuthData("")
	}
	return err
}

// noProvider refuses sign-in by a provider's plugin: there is none.
func noProvider(args payload) error {
	if !args.has("provider") {
		return nil
	}
	name, err := args.text("provider")
	if err != nil || name == "" {
		return err
	}
	return invalid(`no auth provider of name "`+name+`"`, "provider")
}

func (a *api) login(w *web.Response, r *web.Request, c *call) error {
	if err := noProvider(c.args); err != nil {
		return err
	}
	names, err := readNames(c.args, badAuthData)
	if err != nil {
		return err
	}
	password, err := c.args.text("password")
	if err != nil {
		return err
	}
	l, err := a.engine.Login(r.Context(), c.actor, engine.LoginInput{
		Names: names, Password: hecate.NewSecret(password), From: r.ClientIP(), Dialect: dialectName, Open: opening(),
	})
	if err != nil {
		return loginFault(err, c.app)
	}
	return a.answerAuth(w, r, c, l)
}

// loginFault tells nobody apart from a wrong password only where the app does not mind that accounts are found out.
func loginFault(err error, app *hecate.App) error {
	hidden := app.Settings.HideAccountExistence
	if hidden && (errors.Is(err, hecate.UnknownUser) || errors.Is(err, hecate.UserDisabled)) {
		return fail(invalidCredentials, textBadCredentials)
	}
	return namesFault(err)
}

func (a *api) logout(w *web.Response, r *web.Request, c *call) error {
	if !c.proof.Token.IsZero() {
		if err := a.engine.EndToken(r.Context(), c.actor, c.proof.Token); err != nil {
			return err
		}
	}
	return answerOK(w)
}

// me answers who the caller is, with a fresh token each time; the one that he has stays: contracts/skygear.md 2.5.
func (a *api) me(w *web.Response, r *web.Request, c *call) error {
	l, err := a.engine.FurtherToken(r.Context(), c.actor, c.proof.Token, dialectName, *opening())
	if errors.Is(err, hecate.Unauthenticated) { // the session ended meanwhile
		return hecate.E(hecate.BadToken, "me")
	}
	if err != nil {
		return err
	}
	result, err := a.responseTo(r, c, c.actor, l)
	if err != nil {
		return err
	}
	return answerResult(w, result)
}
