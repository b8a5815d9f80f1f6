package engine

import (
	"context"

	"hecate"
)

// AuthenticateAdmin resolves an admin's own key or token outside any app.
// Kinds: Unauthenticated when nothing was presented, BadKey, BadToken, Expired, UserDisabled.
func (e *Engine) AuthenticateAdmin(ctx context.Context, p hecate.Proof) (*hecate.Actor, error) {
	panic("not built yet")
}

// RegisterAdminInput describes a new admin account.
type RegisterAdminInput struct {
	Email, Username, Name, FirstName, LastName string
	Password                                   hecate.Secret
	InvitationKey                              hecate.Secret // gives its role at once
	Properties                                 map[string]any
	AccountKey                                 hecate.Secret // given by the operator (apply); else generated
	Activated                                  bool          // only the operator and the setup link say so
}

// AdminDetail is an admin with the account key that shows to nobody else.
type AdminDetail struct {
	Admin *hecate.Admin
	Key   hecate.Secret
}

// RegisterAdmin makes an admin account and hands the activation letter to
// mail. Kinds: Forbidden when registration is closed and no invitation was
// given, Invalid on "email" or "password", Exists on "email" or "username", NotFound on "invitation_key".
func (e *Engine) RegisterAdmin(ctx context.Context, actor *hecate.Actor, in RegisterAdminInput) (*AdminDetail, error) {
	panic("not built yet")
}

// LoginAdmin checks an admin's password, by address or username, at the same
// cost for unknown ones. Kinds: UnknownUser, WrongPassword, UserDisabled, TooMany.
func (e *Engine) LoginAdmin(ctx context.Context, login string, password hecate.Secret) (*AdminDetail, error) {
	panic("not built yet")
}

// OwnAdmin returns the calling admin. Kinds: Unauthenticated.
func (e *Engine) OwnAdmin(ctx context.Context, actor *hecate.Actor) (*AdminDetail, error) {
	panic("not built yet")
}

// UpdateAdminInput changes what is not nil.
type UpdateAdminInput struct {
	Email, Username, Name, FirstName, LastName *string
	Metadata                                   map[string]any
	Properties                                 map[string]any
	// KeepTakenEmail leaves the address as it is when another account has it,
	// instead of refusing; the account then needs activation all the same.
	KeepTakenEmail bool
}

// UpdateAdmin changes the calling admin's account; a new address must be
// confirmed again. Kinds: Unauthenticated, Invalid, Exists on "email".
func (e *Engine) UpdateAdmin(ctx context.Context, actor *hecate.Actor, in UpdateAdminInput) (*AdminDetail, error) {
	panic("not built yet")
}

// ResetAdminKey replaces the calling admin's account key; the old one is dead at once.
func (e *Engine) ResetAdminKey(ctx context.Context, actor *hecate.Actor) (*AdminDetail, error) {
	panic("not built yet")
}

// ChangeAdminPassword changes the password of the calling admin. Kinds: WrongPassword on "current_password", Invalid on "new_password".
func (e *Engine) ChangeAdminPassword(ctx context.Context, actor *hecate.Actor, current, next hecate.Secret) error {
	panic("not built yet")
}

// SetAdminPassword gives a password to a calling admin who has none. Kinds: Exists on "password".
func (e *Engine) SetAdminPassword(ctx context.Context, actor *hecate.Actor, next hecate.Secret) error {
	panic("not built yet")
}

// AskAdminReset hands a letter with a reset ticket to mail. Kinds: NotFound on "email".
func (e *Engine) AskAdminReset(ctx context.Context, email string) error { panic("not built yet") }

// ConfirmAdminReset sets a new password by a ticket; a password change or use ends the ticket.
// Kinds: NotFound on "uid" when there is no such account, BadToken, Expired, Invalid on "new_password".
func (e *Engine) ConfirmAdminReset(ctx context.Context, uid, ticket string, next hecate.Secret) (*AdminDetail, error) {
	panic("not built yet")
}

// ActivateAdmin confirms an admin's address by a ticket. Kinds: NotFound on "uid", BadToken (also when already active), Expired.
func (e *Engine) ActivateAdmin(ctx context.Context, uid, ticket string) (*AdminDetail, error) {
	panic("not built yet")
}

// ResendActivation hands the activation letter to mail again. Kinds: NotFound on "email", Exists when already active.
func (e *Engine) ResendActivation(ctx context.Context, email string) error { panic("not built yet") }

// AdminUID is the public name of an admin in links of mails.
func AdminUID(a *hecate.Admin) string { panic("not built yet") }

// SetupTicket returns the secret of a fresh one-time setup ticket when the server has no admin yet, else an empty Secret.
func (e *Engine) SetupTicket(ctx context.Context) (hecate.Secret, error) { panic("not built yet") }

// Setup makes the first admin by the setup ticket. Kinds: BadToken, Expired, Exists when there is an admin already, Invalid.
func (e *Engine) Setup(ctx context.Context, ticket hecate.Secret, in RegisterAdminInput) (*AdminDetail, error) {
	panic("not built yet")
}
