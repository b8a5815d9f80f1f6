package engine

import (
	"context"
	"time"

	"hecate"
)

// SignUpInput is a new user who comes in at once.
type SignUpInput struct {
	CreateUserInput
	// Names are login names by field, instead of Username and Email: at least one entry of
	// Settings.LoginKeys must be complete, and none may be unknown. Names without an identity of their own are
	// kept as fields of the profile. Empty with an empty Password: a user without names (anonymous).
	Names  map[string]string
	Open   *OpenSession
	Extend bool           // add to the profile's schema what the values need, see SaveOptions
	Fields []hecate.Field // types of the fields to add, where the values do not say enough
}

// SignUp is CreateUser for the user himself: it also opens a session, counts as his first login, and knows Names.
// Kinds: those of CreateUser; Invalid on "names" for names that are unknown or incomplete; Exists on the field of a
// name that is taken ("realm,nick" for several together); Invalid on "schema" as of SaveRecords.
func (e *Engine) SignUp(ctx context.Context, actor *hecate.Actor, in SignUpInput) (*LoginResult, error) {
	panic("not built yet")
}

// OpenSession opens a further session of the signed-in user; the one presented stays. SeenBefore of the result is
// when he was last seen. Kinds: Unauthenticated.
func (e *Engine) OpenSession(ctx context.Context, actor *hecate.Actor, dialect string, o OpenSession) (*LoginResult, error) {
	panic("not built yet")
}

// EndToken ends the session of a token, whoever the user is by now (also one who is disabled); a standing session is
// renewed. Kinds: BadToken for one that is unknown or ended already, Expired.
func (e *Engine) EndToken(ctx context.Context, actor *hecate.Actor, token hecate.Secret) error {
	panic("not built yet")
}

// ChangePasswordInput says what goes with a new password.
type ChangePasswordInput struct {
	EndAll      bool         // every session of the user ends, whatever opened it
	Open        *OpenSession // also open a session, which the change does not end
	Dialect     string
	MinPassword int // the dialect's historical minimum, where the app sets none
}

// ChangePassword replaces the signed-in user's password. The same one again counts as a change unless the policy
// refuses former ones. The standing session is renewed; the others end as each of them asks, all of them with
// EndAll, Settings.Sessions.EndOnPasswordChange or Settings.Sessions.Signed. Kinds: Unauthenticated, WrongPassword (also for
// a user without one), Invalid on "password" for an empty new one, TooLarge, WeakPassword with Info "reason".
func (e *Engine) ChangePassword(ctx context.Context, actor *hecate.Actor, old, new hecate.Secret, in ChangePasswordInput) (*LoginResult, error) {
	panic("not built yet")
}

// ResetPassword sets a user's password without the old one, for whoever manages users; all else is as with
// ChangePassword. Kinds: Forbidden, NotFound on "user", Invalid on "password", TooLarge, WeakPassword with Info "reason".
func (e *Engine) ResetPassword(ctx context.Context, actor *hecate.Actor, ref UserRef, new hecate.Secret, in ChangePasswordInput) (*LoginResult, error) {
	panic("not built yet")
}

// ExternalLoginInput is a user whom somebody else vouches for.
type ExternalLoginInput struct {
	Provider string // "custom" for tokens of the app's own server
	Subject  string // who he is there
	// Profile, Username and Email are given to a new user, and change a known one at each login.
	Profile         RecordInput
	Fields          []hecate.Field
	Extend          bool
	Username, Email *string
	Dialect         string
	Open            *OpenSession
}

// LoginExternal logs in the user of an external identity that the caller has verified, and makes him at the first time: without a
// password and without the roles that new users get. Kinds: Invalid on "subject", UserDisabled (before
// anything changes), those of SignUp for names and profile.
func (e *Engine) LoginExternal(ctx context.Context, actor *hecate.Actor, in ExternalLoginInput) (_ *LoginResult, created bool, err error) {
	panic("not built yet")
}

// Claims are what a signed token of the app's own server says.
type Claims struct {
	Subject   string
	IssuedAt  time.Time
	ExpiresAt time.Time
	Raw       []byte // all claims, as JSON
}

// VerifyClaims checks a token that the app's own server signed with HMAC (HS256, HS384, HS512) and a shared secret. Kinds: Malformed for
// one that cannot be read, is signed otherwise, has expired or is not valid yet; BadToken on
// "sub", "exp" or "iat" where that claim is missing; Unsupported without a secret.
func (e *Engine) VerifyClaims(token string, shared hecate.Secret) (*Claims, error) {
	panic("not built yet")
}
