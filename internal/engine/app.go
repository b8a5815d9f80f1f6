package engine

import (
	"context"

	"hecate"
)

// AppByAlias returns the app of that server-wide alias, compared without case.
// Kinds: NoApp.
func (e *Engine) AppByAlias(ctx context.Context, alias string) (*hecate.App, error) {
	panic("not built yet")
}

// AppByName returns the app of that org, both compared without case.
// Kinds: NoApp.
func (e *Engine) AppByName(ctx context.Context, org, name string) (*hecate.App, error) {
	panic("not built yet")
}

// AppByID returns a live app. Kinds: NoApp.
func (e *Engine) AppByID(ctx context.Context, id hecate.AppID) (*hecate.App, error) {
	panic("not built yet")
}

// AppByKey returns the app to which an API key belongs. Kinds: BadKey.
func (e *Engine) AppByKey(ctx context.Context, key hecate.Secret) (*hecate.App, error) {
	panic("not built yet")
}

// AppDetail is an app as its admins see it.
type AppDetail struct {
	App   *hecate.App
	Owner *hecate.Admin
	Role  hecate.AdminRole // of the caller; NoRole for an API key
}

// App returns one app. Kinds: NotFound when the actor may not see it.
func (e *Engine) App(ctx context.Context, actor *hecate.Actor, id hecate.AppID) (*AppDetail, error) {
	panic("not built yet")
}

// Apps lists the apps in which the admin has a role, or the one of the actor's key.
// Prefix filters by alias.
func (e *Engine) Apps(ctx context.Context, actor *hecate.Actor, in List) (hecate.Page[*AppDetail], error) {
	panic("not built yet")
}

// CreateAppInput describes a new app. An empty Org is the admin's own org, made when missing.
type CreateAppInput struct {
	Org         hecate.OrgID
	Name        string
	Alias       string // "": Name
	Description string
	Metadata    map[string]any
	Settings    hecate.Settings
}

// CreateApp makes an app owned by the admin, with its profile collection, the
// built-in roles (guest, default, admin) and a client. Kinds: Forbidden, Invalid, Exists on "alias" or "name",
// TooLarge on "apps" with Info "limit".
func (e *Engine) CreateApp(ctx context.Context, actor *hecate.Actor, in CreateAppInput) (*AppDetail, error) {
	panic("not built yet")
}

// UpdateAppInput changes what is not nil.
type UpdateAppInput struct {
	Alias       *string // owner only
	Description *string
	Metadata    map[string]any
	Config      map[string]any
	Settings    *hecate.Settings
}

// UpdateApp changes an app. Kinds: Forbidden, NotFound, Exists on "alias".
func (e *Engine) UpdateApp(ctx context.Context, actor *hecate.Actor, id hecate.AppID, in UpdateAppInput) (*AppDetail, error) {
	panic("not built yet")
}

// DeleteApp deletes an app: its names are free at once, its keys and tokens dead. With purge its data goes
// too, else it can be restored. Kinds: Forbidden (only the owner may), NotFound.
func (e *Engine) DeleteApp(ctx context.Context, actor *hecate.Actor, id hecate.AppID, purge bool) error {
	panic("not built yet")
}

// Members lists the admins of an app in the order of their Seq. Kinds: Forbidden.
func (e *Engine) Members(ctx context.Context, actor *hecate.Actor, in List) (hecate.Page[hecate.Member], error) {
	panic("not built yet")
}

// Member returns one admin of the actor's app by his Seq. Kinds: Forbidden, NotFound.
func (e *Engine) Member(ctx context.Context, actor *hecate.Actor, seq int64) (hecate.Member, error) {
	panic("not built yet")
}

// SetMember changes a member's role. Kinds: Forbidden (also for the owner's row), NotFound, Invalid on "role".
func (e *Engine) SetMember(ctx context.Context, actor *hecate.Actor, seq int64, role hecate.AdminRole) (hecate.Member, error) {
	panic("not built yet")
}

// RemoveMember takes an admin out of the app; anybody may remove himself. Kinds: Forbidden (also for the owner), NotFound.
func (e *Engine) RemoveMember(ctx context.Context, actor *hecate.Actor, seq int64) error {
	panic("not built yet")
}

// Invitations lists the invitations to the actor's app. Kinds: Forbidden.
func (e *Engine) Invitations(ctx context.Context, actor *hecate.Actor, in List) (hecate.Page[*hecate.Invitation], error) {
	panic("not built yet")
}

// Invitation returns one by its Seq. Kinds: Forbidden, NotFound.
func (e *Engine) Invitation(ctx context.Context, actor *hecate.Actor, seq int64) (*hecate.Invitation, error) {
	panic("not built yet")
}

// Invite asks the holder of an address to manage the app, and hands the letter to mail.
// Kinds: Forbidden, Invalid on "email" or "role", Exists on "member" or "invitation".
func (e *Engine) Invite(ctx context.Context, actor *hecate.Actor, email string, role hecate.AdminRole) (*hecate.Invitation, error) {
	panic("not built yet")
}

// UpdateInvitation changes the role that is offered. Kinds: Forbidden, NotFound.
func (e *Engine) UpdateInvitation(ctx context.Context, actor *hecate.Actor, seq int64, role hecate.AdminRole) (*hecate.Invitation, error) {
	panic("not built yet")
}

// DeleteInvitation withdraws one. Kinds: Forbidden, NotFound.
func (e *Engine) DeleteInvitation(ctx context.Context, actor *hecate.Actor, seq int64) error {
	panic("not built yet")
}

// ResendInvitation sends the letter again while the invitation is new. Kinds: Forbidden, NotFound.
func (e *Engine) ResendInvitation(ctx context.Context, actor *hecate.Actor, seq int64) error {
	panic("not built yet")
}

// OwnInvitations lists the new invitations to the admin's address.
func (e *Engine) OwnInvitations(ctx context.Context, actor *hecate.Actor, in List) (hecate.Page[*hecate.Invitation], error) {
	panic("not built yet")
}

// OwnInvitation returns one of them by Seq. Kinds: NotFound.
func (e *Engine) OwnInvitation(ctx context.Context, actor *hecate.Actor, seq int64) (*hecate.Invitation, error) {
	panic("not built yet")
}

// DeclineInvitation declines one of them. Kinds: NotFound.
func (e *Engine) DeclineInvitation(ctx context.Context, actor *hecate.Actor, seq int64) error {
	panic("not built yet")
}

// AcceptInvitation makes the admin a member; it works for any admin who holds
// the key, and raises a lower role. Kinds: NotFound on "key".
func (e *Engine) AcceptInvitation(ctx context.Context, actor *hecate.Actor, key hecate.Secret) error {
	panic("not built yet")
}
