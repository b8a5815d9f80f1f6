package hecate

import "time"

// User is an end user of one App.
type User struct {
	ID                UserID
	App               AppID
	Seq               int64
	Key               string // unique text; by default the ID
	Username          string // as given; "" when the user has none
	Email             string // as given; "" when the user has none
	EmailVerified     bool
	HasPassword       bool
	Activated         bool // false until a required confirmation or approval, or after deactivation
	Disabled          bool
	DisabledMessage   string
	DisabledUntil     time.Time // zero: until enabled again
	PasswordChangedAt time.Time
	LastLoginAt       time.Time
	LastSeenAt        time.Time
	CreatedAt         time.Time
	UpdatedAt         time.Time
}

// MayAct returns nil when the user may use the app at the given time, else an
// error of Kind UserDisabled with Info "message" and "until" where set.
func (u *User) MayAct(now time.Time) error {
	if u.Disabled && (u.DisabledUntil.IsZero() || now.Before(u.DisabledUntil)) {
		e := E(UserDisabled, "act")
		if u.DisabledMessage != "" {
			e = e.With("message", u.DisabledMessage)
		}
		if !u.DisabledUntil.IsZero() {
			e = e.With("until", u.DisabledUntil)
		}
		return e
	}
	if !u.Activated {
		return E(UserDisabled, "act").With("activated", false)
	}
	return nil
}

// IdentityKind names a namespace of login names: Username, Email, Phone,
// ProviderIdentity(name), or the name of an app's own auth key.
type IdentityKind string

// The built-in identity kinds.
const (
	UsernameIdentity IdentityKind = "username"
	EmailIdentity    IdentityKind = "email"
	PhoneIdentity    IdentityKind = "phone"
)

// ProviderIdentity is the kind of subjects of a social provider.
func ProviderIdentity(provider string) IdentityKind { return IdentityKind("provider:" + provider) }

// Identity is one unique login name of a User. (App, Kind, Match) is unique.
type Identity struct {
	User       UserID
	Kind       IdentityKind
	Value      string // as given
	Match      string // as compared: folded for usernames and addresses
	VerifiedAt time.Time
	CreatedAt  time.Time
}

// CredentialKind names a stored proof.
type CredentialKind string

// The credential kinds.
const (
	PasswordCredential CredentialKind = "password"
	PINCredential      CredentialKind = "pin"
)

// Group is a named set of users.
type Group struct {
	ID          GroupID
	App         AppID
	Seq         int64
	Name        string // unique in the app when set; may have several segments
	Title       string
	Description string
	Properties  map[string]any
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Role is a named bundle of grants, given to users or groups. Names never change.
type Role struct {
	ID         RoleID
	App        AppID
	Name       string
	Title      string
	Inactivity time.Duration // sessions idle for longer do not hold the role; 0: never
	Default    bool          // given to new users
	Admin      bool          // its holders manage users and roles
	Properties map[string]any
	CreatedAt  time.Time
	UpdatedAt  time.Time
}
