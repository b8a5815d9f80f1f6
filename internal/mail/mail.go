// Package mail sends letters that carry tickets: reset, verify, invite. It
// must never know the database, the rules or HTTP.
package mail

import (
	"context"

	"hecate"
)

// Letter is one mail to be sent: which one, to whom, with which facts.
type Letter struct {
	Name   string // "activate", "reset", "invite"
	To     string
	App    string // the app's name, "" for the server's own
	Fields map[string]string
	Secret hecate.Secret // the ticket that its link carries; a log shows it only where no mail is set up
}

// Sender takes letters. It must not block for long: the caller is a request.
type Sender interface {
	Send(ctx context.Context, l Letter) error
}
