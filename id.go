package hecate

import (
	"fmt"
	"io"
)

// Every row has an ID: a time-ordered UUID (version 7), as canonical lower-case text.
// The named types keep an id of one thing from being passed as the id of another.
type (
	OrgID        string
	AppID        string
	AdminID      string
	UserID       string
	KeyID        string
	ClientID     string
	GroupID      string
	RoleID       string
	CollectionID string
	RecordID     string
	FileID       string
	SessionID    string
	TicketID     string
	LetterID     string
	InvitationID string
	EventID      string
)

// ProfileID is the id of the user's profile record: a user and its profile share one id.
func (id UserID) ProfileID() RecordID { return RecordID(id) }

// Secret is a clear secret (a key, a token, a password). It prints, logs and
// encodes as "[redacted]"; Reveal is the only way to its text. Secrets cannot be compared with ==.
type Secret struct {
	// Behind a pointer, since fmt reads unexported fields of a struct inside a
	// struct without asking Format; what it finds there is an address.
	text *string
	_    [0]func()
}

// NewSecret wraps text.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{text: &text}
}

// Reveal returns the clear text, for the one place that must show or hash it.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.text == nil }

const redacted = "[redacted]"

// Format prints "[redacted]" whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

func (Secret) String() string { return redacted }

// MarshalText encodes as "[redacted]".
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
