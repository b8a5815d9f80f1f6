package hecate

import "time"

// Org owns apps and is run by admins.
type Org struct {
	ID         OrgID
	Name       string // unique on the server, compared without case
	Awaits     Awaiting
	Properties map[string]any
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// App is one tenant: the isolation boundary. It is unique by (Org, Name) and
// has one server-wide Alias.
type App struct {
	ID          AppID
	Org         OrgID
	OrgName     string
	OrgAwaits   Awaiting
	Seq         int64
	Name        string
	Alias       string // unique on the server; lower case
	Owner       AdminID
	Description string
	Metadata    map[string]any // small notes of the owner
	Config      map[string]any // read by the app's clients
	Settings    Settings
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Admin is a person who manages apps.
type Admin struct {
	ID          AdminID
	Seq         int64
	Email       string // lower case, unique without case
	Username    string // unique without case when set
	Name        string
	FirstName   string
	LastName    string
	Activated   bool // the address was confirmed
	Disabled    bool
	Awaits      Awaiting
	HasPassword bool
	Metadata    map[string]any
	Properties  map[string]any
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// AdminRole is what an admin may do in one app. Roles are ordered: each
// includes those below it.
type AdminRole uint8

// The admin roles, lowest first.
const (
	NoRole AdminRole = iota
	ReadRole
	WriteRole
	FullRole
	OwnerRole
)

// Member is an admin with a role in an app.
type Member struct {
	Admin Admin
	Role  AdminRole
}

// Invitation asks somebody, by address, to manage an app.
type Invitation struct {
	ID        InvitationID
	Seq       int64
	App       AppID
	AppAlias  string
	Email     string
	Role      AdminRole
	Key       Secret // shown to admins of the app and to whoever was invited
	Inviter   string // e-mail address of the admin who asked
	State     InvitationState
	CreatedAt time.Time
	UpdatedAt time.Time
}

// InvitationState is where an invitation stands.
type InvitationState uint8

// The states of an invitation.
const (
	InvitationNew InvitationState = iota
	InvitationDeclined
	InvitationAccepted
)

// KeyFlags are the grants an API key holds besides those of every key.
type KeyFlags uint8

// The flags of an API key.
const (
	CreatesUsers  KeyFlags = 1 << iota // may sign users up
	CreatesGroups                      // may create groups
	ReadsAsAnyone                      // reads records as any signed-in user would, without one
	ManagesData                        // holds every permission on users and records
	Master                             // holds every permission in the app
)

// Has reports whether f includes every flag of g.
func (f KeyFlags) Has(g KeyFlags) bool { return f&g == g }

// APIKey is an app's own credential. Key is filled only by calls that show it.
type APIKey struct {
	ID          KeyID
	Seq         int64 // counts over the whole server
	App         AppID
	Name        string
	Description string
	Flags       KeyFlags
	Key         Secret
	CreatedAt   time.Time
}

// Client is a client id and secret: of an app, or of an org when App is empty.
type Client struct {
	ID     ClientID
	Org    OrgID
	App    AppID
	Public string // the client id
	Secret Secret
}

// MailTemplate is one mail in one language.
type MailTemplate struct {
	Subject string
	Text    string
	HTML    string
}

// Settings are the choices an app makes; docs/settings.md lists them. Zero values are the defaults.
type Settings struct {
	HideAccountExistence bool
	ConfirmSignUps       bool // with HideAccountExistence: nobody is made before he has confirmed his address
	Sandbox              bool // guests may do everything that only role grants govern
	Password             PasswordPolicy
	Sessions             SessionSettings
	// LoginKeys are the sets of profile fields that identify a user at login, the first complete one
	// counts; nil means {username}, {email}.
	LoginKeys [][]string
	// ClosedSchema keeps a saved record from adding fields and collections.
	ClosedSchema bool
	Mail         MailSettings
	Pages        PageTexts // own texts of the pages that links in letters lead to
	// Dialects holds each dialect's own settings by dialect name, kept and
	// validated by the dialect itself.
	Dialects map[string]map[string]any
	// Social holds provider settings by provider name.
	Social map[string]map[string]any
	// Sealed is how the store keeps Dialects and Social, which hold secrets; "" outside it.
	Sealed string
}

// PasswordPolicy is what a new password must satisfy. MinLength 0 leaves each
// dialect its historical minimum.
type PasswordPolicy struct {
	MinLength  int
	Uppercase  bool
	Lowercase  bool
	Digit      bool
	Symbol     bool
	Blocklist  []string // refused anywhere in the password, without case
	History    int      // how many former passwords are refused
	ExpiryDays int      // 0: never
}

// SessionSettings govern how long logins live.
type SessionSettings struct {
	TTL                 time.Duration // 0: the dialect's default
	EndOnPasswordChange bool          // true: a password change ends every session, whatever opened it
	Signed              bool          // tokens are signed statements, all ended by a password change
}

// MailSettings are an app's sender and templates by "<mail>.<language>".
type MailSettings struct {
	Sender    string
	Language  string // of letters to those whose own language is not known; "": English
	Templates map[string]MailTemplate
}
