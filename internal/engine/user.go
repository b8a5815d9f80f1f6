package engine

import (
	"context"
	"time"

	"hecate"
)

// UserDetail is a user with what belongs to it.
type UserDetail struct {
	User    *hecate.User
	Profile *hecate.Record
	Groups  []*hecate.Group
	Token   hecate.Secret // the token of the standing session
}

// UserRef names a user: the first non-zero of ID, Seq, Key, Login (username, else address).
type UserRef struct {
	ID    hecate.UserID
	Seq   int64
	Key   string
	Login string
}

// Users lists the users that the actor may list. Prefix filters by username. Kinds: Forbidden.
func (e *Engine) Users(ctx context.Context, actor *hecate.Actor, in List) (hecate.Page[*UserDetail], error) {
	panic("not built yet")
}

// User returns one user. Kinds: Forbidden when the actor may see no users at all, NotFound.
func (e *Engine) User(ctx context.Context, actor *hecate.Actor, ref UserRef) (*UserDetail, error) {
	panic("not built yet")
}

// LookupUser finds a user of the app without asking whether the actor may see its details: ids for
// owners and members. Kinds: NotFound.
func (e *Engine) LookupUser(ctx context.Context, app hecate.AppID, ref UserRef) (*hecate.User, error) {
	panic("not built yet")
}

// CreateUserInput describes a new user. Empty names are not identities.
type CreateUserInput struct {
	Key           string
	Username      string
	Email         string
	Password      hecate.Secret // empty: no usable password
	Profile       RecordInput   // Values, Access, Extra of the profile
	NotActivated  bool
	MinPassword   int // the dialect's historical minimum, where the app sets none
	Dialect       string
	EmailVerified bool // only where a provider or the operator says so
}

// CreateUser signs a user up, with profile and standing session. Kinds: Forbidden, Invalid or TooLarge on
// "username", "email", "password" or "profile.<field>", WeakPassword with Info "reason", Exists on "username", "email" or "key".
func (e *Engine) CreateUser(ctx context.Context, actor *hecate.Actor, in CreateUserInput) (*UserDetail, error) {
	panic("not built yet")
}

// UpdateUserInput changes what is not nil; "" removes a name.
type UpdateUserInput struct {
	Username    *string
	Email       *string
	Password    *hecate.Secret // a real change ends sessions as each of them asks; the same password again changes nothing
	Profile     *RecordInput
	Activated   *bool
	MinPassword int
}

// UpdateUser changes a user in one write. Kinds: Forbidden, NotFound, and those of CreateUser and UpdateRecord.
func (e *Engine) UpdateUser(ctx context.Context, actor *hecate.Actor, ref UserRef, in UpdateUserInput) (*UserDetail, error) {
	panic("not built yet")
}

// DeleteUser deletes a user with profile, sessions, memberships and the records and files it owns. Kinds: Forbidden, NotFound.
func (e *Engine) DeleteUser(ctx context.Context, actor *hecate.Actor, ref UserRef) error {
	panic("not built yet")
}

// RenewStanding ends the user's standing session and opens the next one. Kinds: Forbidden, NotFound.
func (e *Engine) RenewStanding(ctx context.Context, actor *hecate.Actor, ref UserRef) (*UserDetail, error) {
	panic("not built yet")
}

// DisableUserInput says whether and how a user is disabled.
type DisableUserInput struct {
	Disabled bool
	Message  string
	Until    time.Time // zero: until enabled again
}

// DisableUser disables or enables a user, for every dialect at once. Kinds: Forbidden, NotFound.
func (e *Engine) DisableUser(ctx context.Context, actor *hecate.Actor, ref UserRef, in DisableUserInput) error {
	panic("not built yet")
}
