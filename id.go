package hecate

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
	InvitationID string
	EventID      string
)

// ProfileID is the id of the user's profile record: a user and its profile share one id.
func (id UserID) ProfileID() RecordID { return RecordID(id) }

// Secret is a clear secret (a key, a token, a password). It prints, logs and
// encodes as "[redacted]"; Reveal is the only way to its text.
type Secret struct{ text string }

// NewSecret wraps text.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal returns the clear text, for the one place that must show or hash it.
func (s Secret) Reveal() string { return s.text }

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.text == "" }

const redacted = "[redacted]"

func (Secret) String() string               { return redacted }
func (Secret) GoString() string             { return redacted }
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
