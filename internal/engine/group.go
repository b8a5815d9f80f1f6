package engine

import (
	"context"

	"hecate"
)

// GroupRef names a group: the first non-zero of ID, Seq, Name.
type GroupRef struct {
	ID   hecate.GroupID
	Seq  int64
	Name string
}

// Groups lists the app's groups. Prefix filters by title. Kinds: Forbidden.
func (e *Engine) Groups(ctx context.Context, actor *hecate.Actor, in List) (hecate.Page[*hecate.Group], error) {
	panic("not built yet")
}

// Group returns one group. Kinds: Forbidden, NotFound.
func (e *Engine) Group(ctx context.Context, actor *hecate.Actor, ref GroupRef) (*hecate.Group, error) {
	panic("not built yet")
}

// LookupGroups finds groups by id, in one query, whoever asks. Unknown ids are absent from the result.
func (e *Engine) LookupGroups(ctx context.Context, app hecate.AppID, ids []hecate.GroupID) (map[hecate.GroupID]*hecate.Group, error) {
	panic("not built yet")
}

// LookupGroup finds a group whoever asks: ids for grants. Kinds: NotFound.
func (e *Engine) LookupGroup(ctx context.Context, app hecate.AppID, ref GroupRef) (*hecate.Group, error) {
	panic("not built yet")
}

// GroupInput describes a group.
type GroupInput struct {
	Name, Title, Description string
	Properties               map[string]any
}

// CreateGroup makes a group. Kinds: Forbidden, Invalid, Exists on "name".
func (e *Engine) CreateGroup(ctx context.Context, actor *hecate.Actor, in GroupInput) (*hecate.Group, error) {
	panic("not built yet")
}

// UpdateGroup changes a group. Kinds: Forbidden, NotFound, Exists on "name".
func (e *Engine) UpdateGroup(ctx context.Context, actor *hecate.Actor, ref GroupRef, change func(*GroupInput)) (*hecate.Group, error) {
	panic("not built yet")
}

// DeleteGroup deletes a group, its memberships and the grants that name it. Kinds: Forbidden, NotFound.
func (e *Engine) DeleteGroup(ctx context.Context, actor *hecate.Actor, ref GroupRef) error {
	panic("not built yet")
}

// UserGroups lists the groups of a user. A signed-in user may ask for himself. Kinds: Forbidden, NotFound on "user".
func (e *Engine) UserGroups(ctx context.Context, actor *hecate.Actor, user UserRef, in List) (hecate.Page[*hecate.Group], error) {
	panic("not built yet")
}

// GroupUsers lists the members of a group; a signed-in user sees only himself. Kinds: Forbidden, NotFound on "group".
func (e *Engine) GroupUsers(ctx context.Context, actor *hecate.Actor, group GroupRef, in List) (hecate.Page[*UserDetail], error) {
	panic("not built yet")
}

// Membership returns the group and the user when he is a member. Kinds: Forbidden, NotFound on "user", "group" or "membership".
func (e *Engine) Membership(ctx context.Context, actor *hecate.Actor, user UserRef, group GroupRef) (*UserDetail, *hecate.Group, error) {
	panic("not built yet")
}

// AddMember puts a user into a group. Kinds: Forbidden, NotFound on "user" or "group", Exists, TooLarge with Info "limit".
func (e *Engine) AddMember(ctx context.Context, actor *hecate.Actor, user UserRef, group GroupRef) (*UserDetail, *hecate.Group, error) {
	panic("not built yet")
}

// RemoveMemberOf takes a user out of a group. Kinds: Forbidden, NotFound on "user", "group" or "membership".
func (e *Engine) RemoveMemberOf(ctx context.Context, actor *hecate.Actor, user UserRef, group GroupRef) error {
	panic("not built yet")
}
