package skygear

import (
	"errors"
	"time"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// textParameter reads a string that must not be empty.
func textParameter(args payload, name, fault string) (string, error) {
	text, err := args.text(name)
	if err == nil && text == "" {
		return "", invalid(fault, name)
	}
	return text, err
}

// passwordInput is what goes with every new password here.
func passwordInput() engine.ChangePasswordInput {
	return engine.ChangePasswordInput{Open: opening(), Dialect: dialectName}
}

func (a *api) passwordChange(w *web.Response, r *web.Request, c *call) error {
	for _, name := range [...]string{"old_password", "password"} { // types first, as a whole
		if _, err := c.args.text(name); err != nil {
			return err
		}
	}
	in := passwordInput()
	var err error
	if in.EndAll, err = c.args.bool("invalidate"); err != nil {
		return err
	}
	old, err := textParameter(c.args, "old_password", "empty old password")
	if err != nil {
		return err
	}
	password, err := textParameter(c.args, "password", "empty password")
	if err != nil {
		return err
	}
	l, err := a.engine.ChangePassword(r.Context(), c.actor, hecate.NewSecret(old), hecate.NewSecret(password), in)
	if errors.Is(err, hecate.WrongPassword) {
		return fail(invalidCredentials, "Incorrect old password")
	}
	if err != nil {
		return err
	}
	return a.answerAuth(w, r, c, l)
}

// passwordReset sets a user's password without the old one.
func (a *api) passwordReset(w *web.Response, r *web.Request, c *call) error {
	id, err := textParameter(c.args, "auth_id", "empty auth_id")
	if err != nil {
		return err
	}
	password, err := textParameter(c.args, "password", "empty password")
	if err != nil {
		return err
	}
	l, err := a.engine.ResetPassword(r.Context(), c.actor, engine.UserRef{Key: id}, hecate.NewSecret(password), passwordInput())
	if errors.Is(err, hecate.NotFound) {
		return fail(unexpectedAuthInfoNotFound, "skydb: AuthInfo ID not found")
	}
	if err != nil {
		return err
	}
	return a.answerAuth(w, r, c, l)
}

// userDisable disables a user, or enables him and forgets why he was not.
func (a *api) userDisable(w *web.Response, r *web.Request, c *call) error {
	id, err := c.args.text("auth_id")
	if err != nil {
		return err
	}
	in, err := readDisable(c.args)
	if err != nil {
		return err
	}
	err = a.engine.DisableUser(r.Context(), c.actor, engine.UserRef{Key: id}, in)
	if errors.Is(err, hecate.NotFound) {
		return fail(resourceNotFound, "User not found")
	}
	if err != nil {
		return err
	}
	return answerOK(w)
}

func readDisable(args payload) (in engine.DisableUserInput, err error) {
	if in.Disabled, err = args.bool("disabled"); err != nil {
		return in, err
	}
	if in.Message, err = args.text("message"); err != nil {
		return in, err
	}
	expiry, err := args.text("expiry")
	if err != nil || expiry == "" {
		return in, err
	}
	var ok bool
	if in.Until, ok = parseTime(expiry); !ok {
		return in, invalid("invalid expiry", "expiry")
	}
	in.Until = in.Until.Truncate(time.Second)
	return in, nil
}
