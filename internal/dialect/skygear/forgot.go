package skygear

import (
	"encoding/json"
	"net"
	"net/url"
	"strconv"
	"strings"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// Forgotten passwords and welcome letters, contracts/skygear.md 2.10.

const (
	textBadCode    = "user_id is not found or code invalid"
	textNoPassword = "empty password"
	subjectReset   = "Reset password instructions"
	subjectWelcome = "Welcome!"
	letterWelcome  = "welcome"
	resetPagePath  = "/reset-password"
)

// passwordForgotten queues a letter to whoever has the address. Whether somebody has it is told only where the app asks for that.
func (a *api) passwordForgotten(w *web.Response, r *web.Request, c *call) error {
	args, err := c.args.arguments("email")
	if err != nil {
		return err
	}
	if !args.has("email") {
		return invalid("email must be set")
	}
	email, err := args.text("email")
	if err != nil {
		return err
	}
	s := settingsOf(c.app).forgot
	err = a.engine.AskReset(r.Context(), c.app, engine.AskInput{
		Email: email, Quiet: !s.secureMatch || c.app.Settings.HideAccountExistence, Letter: engine.UserLetter{
			Mailing: engine.Mailing{Link: a.pageLink(r, c.app, resetPagePath, "code={ticket}&user_id={key}&expire_at={expires}"), Subject: subjectReset},
			TTL:     s.life,
			// Any login ends what was asked for before: contracts/skygear.md 2.10.
			UntilLogin: true,
		},
	})
	if hecate.KindOf(err) == hecate.NotFound {
		return invalid("user_id must be set")
	}
	if err != nil {
		return err
	}
	return answerOK(w)
}

// resetTicket is what a letter about a forgotten password leads to.
type resetTicket struct {
	user, code string
	expires    int64
}

// passwordByCode sets a new password by what a letter said.
func (a *api) passwordByCode(w *web.Response, r *web.Request, c *call) error {
	t, password, err := readReset(c.args)
	if err != nil {
		return err
	}
	if password == "" {
		return invalid(textNoPassword, "password")
	}
	if _, err := a.checkReset(r, c.app, t); err != nil {
		return err
	}
	if err := a.reset(r, c.app, t, password); err != nil {
		return err
	}
	return answerOK(w)
}

// readReset reads {user_id, code, expire_at, new_password}. The time may come as text, as links have it.
func readReset(from payload) (t resetTicket, password string, err error) {
	args, err := from.arguments("user_id", "code", "expire_at", "new_password")
	if err != nil {
		return t, "", err
	}
	for _, name := range [...]string{"user_id", "code", "expire_at"} {
		if v := args[name]; v == nil || v == "" {
			return t, "", invalid(name + " must be set")
		}
	}
	if t.user, err = args.text("user_id"); err != nil {
		return t, "", err
	}
	if t.code, err = args.text("code"); err != nil {
		return t, "", err
	}
	if t.expires, err = seconds(args["expire_at"]); err != nil {
		return t, "", err
	}
	password, err = args.text("new_password")
	return t, password, err
}

// seconds reads a time since 1970, in whole seconds, given as a number or as text.
func seconds(v any) (int64, error) {
	switch v := v.(type) {
	case json.Number:
		n, _, err := payload{"n": v}.int("n")
		return n, err
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return 0, fail(resourceNotFound, textBadCode)
		}
		return n, nil
	}
	return 0, undecodable()
}

func (t resetTicket) input() engine.TicketInput {
	return engine.TicketInput{Purpose: engine.ResetTicket, Ticket: hecate.NewSecret(t.code), User: engine.UserRef{Key: t.user}}
}

// checkReset refuses what is not exactly what the letter said, and uses nothing up. The user is whose password it is.
func (a *api) checkReset(r *web.Request, app *hecate.App, t resetTicket) (*hecate.User, error) {
	d, err := a.engine.CheckTicket(r.Context(), app, t.input())
	if err == nil && d.Ticket.ExpiresAt.Unix() != t.expires {
		err = hecate.E(hecate.BadToken, "reset password")
	}
	if err != nil {
		return nil, resetFault(err)
	}
	return d.User, nil
}

// reset sets the password. Every session of the user ends, in every dialect.
func (a *api) reset(r *web.Request, app *hecate.App, t resetTicket, password string) error {
	_, err := a.engine.ResetByTicket(r.Context(), app, engine.ResetInput{
		TicketInput: t.input(), Password: hecate.NewSecret(password), Dialect: dialectName,
	})
	return resetFault(err)
}

func resetFault(err error) error {
	switch hecate.KindOf(err) {
	case hecate.BadToken, hecate.Expired:
		return fail(resourceNotFound, textBadCode)
	}
	return err
}

// welcomeLetter is what a new user with an address gets.
func welcomeLetter(address func(key string) string) engine.UserLetter {
	name := address(usernameField)
	if name == "" {
		name = address(emailField)
	}
	return engine.UserLetter{Mailing: engine.Mailing{Letter: letterWelcome, Subject: subjectWelcome}, Fields: map[string]string{"user": name}}
}

// testLetter sends one letter to try how it arrives; it leads nowhere.
func (a *api) testLetter(l engine.UserLetter, path, to string) func(w *web.Response, r *web.Request, c *call) error {
	return func(w *web.Response, r *web.Request, c *call) error {
		if !c.master() {
			return fail(accessKeyNotAccepted, "master key is required")
		}
		args, err := c.args.arguments(to)
		if err != nil {
			return err
		}
		for _, name := range [...]string{"text_template", "html_template", "sender", "sender_name", "reply_to", "reply_to_name", "templates", "provider_settings"} {
			if args.has(name) {
				return fail(notSupported, "senders and templates are settings of the app").about(name)
			}
		}
		address, err := args.text(to)
		if err != nil {
			return err
		}
		if !engine.IsAddress(address) {
			return invalid(to+" must be set", to)
		}
		subject, err := args.text("subject")
		if err != nil {
			return err
		}
		letter := l
		if subject != "" {
			letter.Subject = subject
		}
		if path != "" {
			letter.Link = a.pageLink(r, c.app, path, "code={ticket}")
		}
		if err := a.engine.TryLetter(r.Context(), c.actor, address, letter); err != nil {
			return err
		}
		return answerOK(w)
	}
}

func testOf(letter, subject string) engine.UserLetter {
	return engine.UserLetter{Mailing: engine.Mailing{Letter: letter, Subject: subject}}
}

// letterBase is base for letters. They go to somebody else than the caller: of a mapped host name he decides nothing but that it is
// that one; scheme and port are those of the public URL.
func (a *api) letterBase(r *web.Request) string {
	public, err := url.Parse(a.publicURL())
	if r.Prefix() != "" || err != nil {
		return a.base(r)
	}
	name := r.Host
	if host, _, err := net.SplitHostPort(name); err == nil {
		name = host
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if port := public.Port(); port != "" {
		name = net.JoinHostPort(name, port)
	}
	return (&url.URL{Scheme: public.Scheme, Host: name}).String()
}
