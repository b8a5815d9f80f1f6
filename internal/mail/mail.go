// Package mail writes letters and sends them: tickets (reset, verify, invite) and notices. It must never know the
// database, the rules or HTTP.
package mail

import (
	"context"
	"errors"

	"hecate"
)

// Letter is one mail to be sent: which one, to whom, with which facts.
type Letter struct {
	Name   string // one of Names: "activate", "reset", "invite" …
	To     string
	App    string            // the app's name, "" for the server's own
	Fields map[string]string // the other facts, see Facts
	Secret hecate.Secret     // the ticket that its link carries; a log shows it only where no mail is set up
	Link   hecate.Secret     // where to go, the ticket included; empty when there is no page to go to

	ID       string // stays the same when the letter has to be sent again; the Message-ID is made of it
	Language string // what the recipient reads, "de-AT"; empty when nobody knows
	// Subject takes the place of the built-in one, for letters whose subject a contract names. "{address}" in it is the recipient.
	Subject string
	// Settings are the app's own sender and templates.
	Settings hecate.MailSettings
}

// Sender takes letters. It must end with ctx.
type Sender interface {
	// Send returns nil once the letter is somebody else's business. Errors that IsRefused are final; all others may pass.
	Send(ctx context.Context, l Letter) error
}

// Refused is an error that trying again does not help: the mail server wants this letter or this recipient never.
type Refused struct{ Err error }

func (r *Refused) Error() string { return "refused: " + r.Err.Error() }

// Unwrap returns what the server said.
func (r *Refused) Unwrap() error { return r.Err }

// IsRefused reports whether trying again is no use.
func IsRefused(err error) bool {
	var r *Refused
	return errors.As(err, &r)
}
