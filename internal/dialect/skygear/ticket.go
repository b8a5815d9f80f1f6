package skygear

import (
	"hecate/internal/web"
)

// The flows that send letters have no sender yet. What can be answered rightly without one is: nothing is
// configured to be verified, and no code was ever sent.

const (
	textNoMail    = "mail is not configured"
	textMustLogIn = "You must log in to perform this action."
)

func (a *api) passwordForgotten(_ *web.Response, _ *web.Request, c *call) error {
	args, err := c.args.arguments("email")
	if err != nil {
		return err
	}
	if !args.has("email") {
		return invalid("email must be set")
	}
	if _, err := args.text("email"); err != nil {
		return err
	}
	return fail(notConfigured, textNoMail)
}

// passwordByCode refuses every code.
func (a *api) passwordByCode(_ *web.Response, _ *web.Request, c *call) error {
	args, err := c.args.arguments("user_id", "code", "expire_at", "new_password")
	if err != nil {
		return err
	}
	for _, name := range [...]string{"user_id", "code", "expire_at"} {
		if v := args[name]; v == nil || v == "" {
			return invalid(name + " must be set")
		}
	}
	password, err := args.text("new_password")
	if err != nil {
		return err
	}
	if password == "" {
		return invalid("empty password", "password")
	}
	return fail(resourceNotFound, "user_id is not found or code invalid")
}

// lambdaArgument reads the one string that a lambda of somebody signed in takes.
func lambdaArgument(c *call, name string) (string, error) {
	if c.actor.User == nil {
		return "", fail(notAuthenticated, textMustLogIn)
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

func (a *api) verifyRequest(_ *web.Response, _ *web.Request, c *call) error {
	key, err := lambdaArgument(c, "record_key")
	if err != nil {
		return err
	}
	return invalid("record_key `" + key + "` is not configured to verify")
}

func (a *api) verifyCode(_ *web.Response, _ *web.Request, c *call) error {
	code, err := lambdaArgument(c, "code")
	if err != nil {
		return err
	}
	return invalid("the code `" + code + "` is not valid for user `" + userKey(c.actor.User) + "`")
}

// letterTest would send one letter to try a configuration.
func (a *api) letterTest(_ *web.Response, _ *web.Request, c *call) error {
	if !c.master() {
		return fail(accessKeyNotAccepted, "master key is required")
	}
	return fail(notConfigured, textNoMail)
}
