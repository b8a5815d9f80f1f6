package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/mail"
)

// commandLine is everything that can be said on it.
type commandLine struct {
	Serve   serveCommand   `cmd:"" help:"Run the server."`
	Apply   applyCommand   `cmd:"" help:"Bring the server to a declared state."`
	Letters lettersCommand `cmd:"" help:"Look after letters that wait or failed."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

// storage says where everything is kept; the commands share it.
type storage struct {
	Data     string `help:"Directory of the database, the files and the master key (${default})." default:"./hecate-data" env:"HECATE_DATA" placeholder:"DIR"`
	Database string `help:"PostgreSQL to use instead of SQLite in the data directory." env:"HECATE_DATABASE" placeholder:"postgres://…"`
	Files    string `help:"Bucket for files instead of the data directory." env:"HECATE_FILES" placeholder:"s3://KEY:SECRET@HOST/BUCKET"`
	// The master key has no flag: command lines are visible to every process.
	MasterKey string `hidden:"" env:"HECATE_MASTER_KEY"`
}

// serveCommand runs the server.
type serveCommand struct {
	storage
	Addr         string        `help:"Address to listen on (${default})." default:"127.0.0.1:8080" env:"HECATE_ADDR" placeholder:"HOST:PORT"`
	Host         []hostMapping `help:"Serve one dialect at the root of a host name; may be repeated." env:"HECATE_HOST" placeholder:"DIALECT[/APP]=NAME"`
	Apply        string        `help:"File to apply before serving." env:"HECATE_APPLY" placeholder:"FILE" type:"existingfile"`
	PublicURL    publicURL     `help:"Where clients reach this server, for links in answers and mails." env:"HECATE_PUBLIC_URL" placeholder:"https://…"`
	Registration string        `help:"Who may register accounts and organizations: closed (the invited) or open (everybody)." enum:"closed,open" default:"closed" env:"HECATE_REGISTRATION"`
	// Who registers may have to wait; nobody waits by default.
	RequireConfirmation []newcomers    `help:"Whose address must be confirmed before they may be used: admins, organizations, or both." env:"HECATE_REQUIRE_CONFIRMATION" placeholder:"WHO,…"`
	RequireApproval     []newcomers    `help:"Whom the operator must approve before they may be used: admins, organizations, or both; needs --operator-mail." env:"HECATE_REQUIRE_APPROVAL" placeholder:"WHO,…"`
	OperatorMail        []mailAddress  `help:"Address that is asked for approval; may be repeated." env:"HECATE_OPERATOR_MAIL" placeholder:"ADDRESS"`
	SMTPURL             string         `name:"smtp-url" help:"Mail server to send through; without one letters go to the log." env:"HECATE_SMTP_URL" placeholder:"smtp://USER:PASSWORD@HOST"`
	MailSender          string         `help:"Address that letters come from, unless an app has its own; needed with --smtp-url." env:"HECATE_MAIL_SENDER" placeholder:"NAME <ADDRESS>"`
	ServiceAdmin        serviceAdmin   `name:"service-admin" help:"Login of the operator for HTTP Basic on the Usergrid API; none by default." env:"HECATE_SERVICE_ADMIN" placeholder:"NAME:PASSWORD"`
	TrustedProxy        []netip.Prefix `help:"Proxy whose X-Forwarded-For is believed; may be repeated." env:"HECATE_TRUSTED_PROXY" placeholder:"CIDR"`
}

// Validate refuses what cannot work, before anything is opened.
func (c *serveCommand) Validate() error {
	if _, err := c.post(nil); err != nil {
		return err
	}
	if len(c.RequireApproval) > 0 && len(c.OperatorMail) == 0 {
		return errors.New("--require-approval needs --operator-mail, the address that is asked")
	}
	names := map[string]bool{}
	for _, h := range c.Host {
		if names[h.Name] {
			return fmt.Errorf("--host: %s is mapped twice", h.Name)
		}
		names[h.Name] = true
	}
	return nil
}

// newcomers are those who register: "admins" or "organizations".
type newcomers string

// UnmarshalText reads one of them.
func (n *newcomers) UnmarshalText(text []byte) error {
	*n = newcomers(text)
	if *n != admins && *n != organizations {
		return fmt.Errorf("want %s or %s, got %q", admins, organizations, text)
	}
	return nil
}

const (
	admins        newcomers = "admins"
	organizations newcomers = "organizations"
)

// mailAddress is an address without a name.
type mailAddress string

// UnmarshalText checks it.
func (m *mailAddress) UnmarshalText(text []byte) error {
	if !engine.IsAddress(string(text)) {
		return fmt.Errorf("want an address, got %q", text)
	}
	*m = mailAddress(text)
	return nil
}

// post is how letters leave: through the mail server, or without one into the log.
func (c *serveCommand) post(log *slog.Logger) (mail.Sender, error) {
	if c.SMTPURL == "" {
		return mail.Log{To: log}, nil
	}
	if c.MailSender == "" {
		return nil, errors.New("--smtp-url needs --mail-sender, the address that letters come from")
	}
	s, err := mail.NewSMTP(c.SMTPURL, c.MailSender, time.Now)
	if err != nil {
		return nil, fmt.Errorf("--smtp-url, --mail-sender: %w", err)
	}
	return s, nil
}

// hostMapping is one --host: a dialect, perhaps bound to one app, at the root of a host name.
type hostMapping struct{ Dialect, App, Name string }

// UnmarshalText reads DIALECT[/APP]=NAME.
func (h *hostMapping) UnmarshalText(text []byte) error {
	what, name, ok := strings.Cut(string(text), "=")
	dialect, app, bound := strings.Cut(what, "/")
	if !ok || name == "" || bound && app == "" || strings.ContainsAny(name, "/:@ ") {
		return fmt.Errorf("want DIALECT[/APP]=NAME, got %q", text)
	}
	if !slices.Contains(dialectNames, dialect) {
		return fmt.Errorf("no dialect %q; there are %s", dialect, strings.Join(dialectNames, ", "))
	}
	if bound && !slices.Contains(boundDialects, dialect) {
		return fmt.Errorf("a host name can be bound to one app only for %s, got %q", strings.Join(boundDialects, ", "), text)
	}
	*h = hostMapping{dialect, app, strings.ToLower(name)}
	return nil
}

// hostApp returns the app that a host name is bound to, "" when it is bound to none. host may have a port.
func (c *serveCommand) hostApp(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, h := range c.Host { // a server has few
		if h.Name == host {
			return h.App
		}
	}
	return ""
}

// publicURL is an absolute http or https URL without a path of its own.
type publicURL struct{ text string }

// UnmarshalText checks and trims the URL.
func (p *publicURL) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return nil
	}
	u, err := url.Parse(string(text))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return fmt.Errorf("want http(s)://HOST[/PATH], got %q", text)
	}
	p.text = strings.TrimRight(u.String(), "/")
	return nil
}

// serviceAdmin is a login of the operator; without a name there is none.
type serviceAdmin struct {
	name     string
	password hecate.Secret
}

// leastServicePassword is the shortest password of a login that may do everything, in characters.
const leastServicePassword = 12

// UnmarshalText reads NAME:PASSWORD. Its errors quote neither.
func (a *serviceAdmin) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return nil
	}
	name, password, ok := strings.Cut(string(text), ":")
	switch {
	case !ok || name == "":
		return errors.New("want NAME:PASSWORD")
	case utf8.RuneCountInString(password) < leastServicePassword:
		return fmt.Errorf("the password must have at least %d characters", leastServicePassword)
	}
	*a = serviceAdmin{name, hecate.NewSecret(password)}
	return nil
}

// versionCommand prints the version.
type versionCommand struct{}

// Run implements the command.
func (versionCommand) Run(t *terminal) error {
	t.say("hecate %s", version)
	return nil
}
