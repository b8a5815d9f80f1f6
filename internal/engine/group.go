package engine

import (
	"context"
	"errors"

	"hecate"
	"hecate/internal/store"
)

// GroupRef names a group: the first non-zero of ID, Seq, Name.
type GroupRef struct {
	ID   hecate.GroupID
	Seq  int64
	Name string
}

// findGroup resolves a reference. Kinds: NotFound on "group".
func (e *Engine) findGroup(ctx context.Context, db *store.DB, app hecate.AppID, ref GroupRef, op string) (*hecate.Group, error) {
	var g *hecate.Group
	var err error
	switch {
	case ref.ID != "":
		g, err = db.Group(ctx, app, ref.ID)
	case ref.Seq != 0:
		g, err = db.GroupBySeq(ctx, app, ref.Seq)
	case ref.Name != "":
		g, err = db.GroupByName(ctx, app, ref.Name)
	default:
		err = hecate.NotFound
	}
	return g, missing(unheldText(err), op, "group")
}

// Groups lists the app's groups. Prefix filters by title. Kinds: Forbidden.
func (e *Engine) Groups(ctx context.Context, actor *hecate.Actor, in List) (hecate.Page[*hecate.Group], error) {
	const op = "list groups"
	var none hecate.Page[*hecate.Group]
	app, err := inApp(actor, op)
	if err != nil {
		return none, err
	}
	if err := e.allowArea(actor, hecate.List, hecate.AreaGroups, op); err != nil {
		return none, err
	}
	return e.db.Groups(ctx, app.ID, in.bounded())
}

// Group returns one group. Kinds: Forbidden, NotFound on "group".
func (e *Engine) Group(ctx context.Context, actor *hecate.Actor, ref GroupRef) (*hecate.Group, error) {
	const op = "group"
	app, err := inApp(actor, op)
	if err != nil {
		return nil, err
	}
	if err := e.allowArea(actor, hecate.Read, hecate.AreaGroups, op); err != nil {
		return nil, err
	}
	return e.findGroup(ctx, e.db, app.ID, ref, op)
}

// LookupGroups finds groups by id, in one query, whoever asks. Unknown ids are absent from the result.
func (e *Engine) LookupGroups(ctx context.Context, app hecate.AppID, ids []hecate.GroupID) (map[hecate.GroupID]*hecate.Group, error) {
	return e.db.GroupsByID(ctx, app, ids)
}

// LookupGroup finds a group whoever asks: ids for grants. Kinds: NotFound on "group".
func (e *Engine) LookupGroup(ctx context.Context, app hecate.AppID, ref GroupRef) (*hecate.Group, error) {
	return e.findGroup(ctx, e.db, app, ref, "group")
}

// GroupInput describes a group.
type GroupInput struct {
	Name, Title, Description string
	Properties               map[string]any
}

func (in *GroupInput) check(op string) error {
	return errors.Join(checkText(op, "name", in.Name, 0, maxName), checkText(op, "title", in.Title, 0, maxName),
		checkText(op, "description", in.Description, 0, maxText), checkOwn(op, in.Properties))
}

// CreateGroup makes a group. Kinds: Forbidden, Invalid, Exists on "name".
func (e *Engine) CreateGroup(ctx context.Context, actor *hecate.Actor, in GroupInput) (*hecate.Group, error) {
	const op = "create group"
	app, err := inApp(actor, op)
	if err != nil {
		return nil, err
	}
	if err := e.allowArea(actor, hecate.Create, hecate.AreaGroups, op); err != nil {
		return nil, err
	}
	if err := in.check(op); err != nil {
		return nil, err
	}
	id, err := e.newID()
	if err != nil {
		return nil, err
	}
	g := &hecate.Group{
		ID: hecate.GroupID(id), App: app.ID, Name: in.Name, Title: in.Title, Description: in.Description, Properties: in.Properties,
		CreatedAt: e.stamp(),
	}
	g.UpdatedAt = g.CreatedAt
	err = e.db.Write(ctx, func(tx *store.DB) error {
		var err error
		if g.Seq, err = tx.NextSerial(ctx, app.ID, "groups"); err != nil {
			return err
		}
		if free, err := tx.InsertGroup(ctx, g); err != nil || !free {
			return taken(err, op, "name")
		}
		return e.record(ctx, tx, actor, app.ID, op, string(hecate.SubjectGroup(g.ID)))
	})
	if err != nil {
		return nil, err
	}
	return g, nil
}

// changeGroup runs fn inside one write on a group that the actor may change.
func (e *Engine) changeGroup(ctx context.Context, actor *hecate.Actor, ref GroupRef, want hecate.Permissions, op string,
	fn func(tx *store.DB, g *hecate.Group) error) error {
	app, err := inApp(actor, op)
	if err != nil {
		return err
	}
	if err := e.allowArea(actor, want, hecate.AreaGroups, op); err != nil {
		return err
	}
	return e.db.Write(ctx, func(tx *store.DB) error {
		if err := tx.Lock(ctx, "groups/"+string(app.ID)); err != nil {
			return err
		}
		g, err := e.findGroup(ctx, tx, app.ID, ref, op)
		if err != nil {
			return err
		}
		if err := fn(tx, g); err != nil {
			return err
		}
		if err := e.forgetAll(ctx, tx, "details"); err != nil { // of its members, who may be many
			return err
		}
		return e.record(ctx, tx, actor, app.ID, op, string(hecate.SubjectGroup(g.ID)))
	})
}

// UpdateGroup changes a group. Kinds: Forbidden, NotFound, Invalid, Exists on "name".
func (e *Engine) UpdateGroup(ctx context.Context, actor *hecate.Actor, ref GroupRef, change func(*GroupInput)) (*hecate.Group, error) {
	const op = "update group"
	var out *hecate.Group
	err := e.changeGroup(ctx, actor, ref, hecate.Update, op, func(tx *store.DB, g *hecate.Group) error {
		in := GroupInput{Name: g.Name, Title: g.Title, Description: g.Description, Properties: g.Properties}
		change(&in)
		if err := in.check(op); err != nil {
			return err
		}
		if in.Name != "" {
			if used, err := tx.GroupTaken(ctx, g.App, in.Name, g.ID); err != nil || used {
				return taken(err, op, "name")
			}
		}
		g.Name, g.Title, g.Description, g.Properties, g.UpdatedAt = in.Name, in.Title, in.Description, in.Properties, e.stamp()
		out = g
		return tx.UpdateGroup(ctx, g)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// DeleteGroup deletes a group, its memberships and the grants that name it. Kinds: Forbidden, NotFound.
func (e *Engine) DeleteGroup(ctx context.Context, actor *hecate.Actor, ref GroupRef) error {
	const op = "delete group"
	return e.changeGroup(ctx, actor, ref, hecate.Delete, op, func(tx *store.DB, g *hecate.Group) error {
		if err := e.dropFromCollections(ctx, tx, g.App, hecate.SubjectGroup(g.ID)); err != nil {
			return err
		}
		if err := e.dropSubject(ctx, tx, g.App, hecate.SubjectGroup(g.ID)); err != nil {
			return err
		}
		if err := e.forgetAll(ctx, tx, "users"); err != nil {
			return err
		}
		return tx.DeleteGroup(ctx, g.App, g.ID)
	})
}

// readMemberships asks the door who is in which group. An API key reads groups but not who is in them, so it takes
// the roles' area too, which no key but the master has.
func (e *Engine) readMemberships(actor *hecate.Actor, op string) error {
	if err := e.allowArea(actor, hecate.Read, hecate.AreaGroups, op); err != nil {
		return err
	}
	return e.allowArea(actor, hecate.Read, hecate.AreaRoles, op)
}

// ownMemberships reports whether the actor sees only his own memberships.
func ownMemberships(actor *hecate.Actor) bool {
	return actor.User != nil && !actor.Can(hecate.Read, hecate.AreaRoles)
}

// UserGroups lists the groups of a user. A signed-in user may ask for himself. Kinds: Forbidden, NotFound on "user".
func (e *Engine) UserGroups(ctx context.Context, actor *hecate.Actor, user UserRef, in List) (hecate.Page[*hecate.Group], error) {
	const op = "list groups of user"
	var none hecate.Page[*hecate.Group]
	u, err := e.memberFor(ctx, actor, user, op)
	if err != nil {
		return none, err
	}
	return e.db.GroupsOfUser(ctx, u.App, u.ID, in.bounded())
}

// memberFor finds a user whose memberships the actor may read: anybody's, or his own.
func (e *Engine) memberFor(ctx context.Context, actor *hecate.Actor, user UserRef, op string) (*hecate.User, error) {
	app, err := inApp(actor, op)
	if err != nil {
		return nil, err
	}
	own := ownMemberships(actor)
	if !own {
		if err := e.readMemberships(actor, op); err != nil {
			return nil, err
		}
	}
	u, err := e.findUser(ctx, app.ID, user, op)
	if err != nil {
		return nil, err
	}
	if own && u.ID != actor.UserID() {
		if err := e.readMemberships(actor, op); err != nil {
			return nil, err
		}
	}
	return u, nil
}

// GroupUsers lists the members of a group; a signed-in user sees only himself. Kinds: Forbidden, NotFound on "group".
func (e *Engine) GroupUsers(ctx context.Context, actor *hecate.Actor, group GroupRef, in List) (hecate.Page[*UserDetail], error) {
	const op = "list members of group"
	var none hecate.Page[*UserDetail]
	app, err := inApp(actor, op)
	if err != nil {
		return none, err
	}
	own := ownMemberships(actor)
	if !own {
		if err := e.readMemberships(actor, op); err != nil {
			return none, err
		}
	}
	g, err := e.findGroup(ctx, e.db, app.ID, group, op)
	if err != nil {
		return none, err
	}
	if own {
		return e.onlySelfIn(ctx, actor, g, in)
	}
	rows, err := e.db.GroupUsers(ctx, app.ID, g.ID, in.bounded())
	if err != nil {
		return none, err
	}
	return e.detailPage(ctx, app.ID, rows)
}

// GroupMembers lists the members of a group, for whoever may read who is in which group. Kinds: Forbidden, NotFound on "group".
func (e *Engine) GroupMembers(ctx context.Context, actor *hecate.Actor, group GroupRef, in List) (hecate.Page[*hecate.User], error) {
	const op = "list members of group"
	var none hecate.Page[*hecate.User]
	app, err := inApp(actor, op)
	if err != nil {
		return none, err
	}
	if err := e.readMemberships(actor, op); err != nil {
		return none, err
	}
	g, err := e.findGroup(ctx, e.db, app.ID, group, op)
	if err != nil {
		return none, err
	}
	return e.db.GroupUsers(ctx, app.ID, g.ID, in.bounded())
}

// onlySelfIn is the list of a group's members as a signed-in user sees it.
func (e *Engine) onlySelfIn(ctx context.Context, actor *hecate.Actor, g *hecate.Group, in List) (hecate.Page[*UserDetail], error) {
	in.Prefix = ""
	is, err := e.db.IsGroupMember(ctx, g.App, g.ID, actor.UserID())
	if err != nil || !is {
		return hecate.Page[*UserDetail]{}, err
	}
	return e.onlySelf(ctx, actor, in)
}

// Membership returns the group and the user when he is a member. Kinds: Forbidden, NotFound on "user", "group" or "membership".
func (e *Engine) Membership(ctx context.Context, actor *hecate.Actor, user UserRef, group GroupRef) (*UserDetail, *hecate.Group, error) {
	const op = "membership"
	u, err := e.memberFor(ctx, actor, user, op)
	if err != nil {
		return nil, nil, err
	}
	g, err := e.findGroup(ctx, e.db, u.App, group, op)
	if err != nil {
		return nil, nil, err
	}
	is, err := e.db.IsGroupMember(ctx, u.App, g.ID, u.ID)
	if err != nil {
		return nil, nil, err
	}
	if !is {
		return nil, nil, hecate.E(hecate.NotFound, op).On("membership")
	}
	d, err := e.detail(ctx, u.App, u.ID)
	return d, g, err
}

// changeMembership runs fn inside one write for a user and a group, when the actor may change who is in it.
func (e *Engine) changeMembership(ctx context.Context, actor *hecate.Actor, user UserRef, group GroupRef, want hecate.Permissions, op string,
	fn func(tx *store.DB, u *hecate.User, g *hecate.Group) error) (*hecate.User, *hecate.Group, error) {
	app, err := inApp(actor, op)
	if err != nil {
		return nil, nil, err
	}
	if err := e.allowArea(actor, byPath(actor, want, hecate.Update), hecate.AreaGroups, op); err != nil {
		return nil, nil, err
	}
	u, err := e.findUser(ctx, app.ID, user, op)
	if err != nil {
		return nil, nil, err
	}
	g, err := e.findGroup(ctx, e.db, app.ID, group, op)
	if err != nil {
		return nil, nil, err
	}
	err = e.db.Write(ctx, func(tx *store.DB) error {
		if err := e.lockUser(ctx, tx, app.ID, u.ID, op); err != nil {
			return err
		}
		if err := fn(tx, u, g); err != nil {
			return err
		}
		if err := e.forgetUser(ctx, tx, app.ID, u.ID); err != nil {
			return err
		}
		return e.record(ctx, tx, actor, app.ID, op, string(hecate.SubjectUser(u.ID))+" "+string(hecate.SubjectGroup(g.ID)))
	})
	return u, g, err
}

// AddMember puts a user into a group. Kinds: Forbidden, NotFound on "user" or "group", Exists on "membership", TooLarge on "groups" with Info "limit".
func (e *Engine) AddMember(ctx context.Context, actor *hecate.Actor, user UserRef, group GroupRef) (*UserDetail, *hecate.Group, error) {
	const op = "add member"
	u, g, err := e.changeMembership(ctx, actor, user, group, hecate.Create, op, func(tx *store.DB, u *hecate.User, g *hecate.Group) error {
		added, err := tx.InsertMembership(ctx, u.App, g.ID, u.ID)
		if errors.Is(err, hecate.NotFound) {
			return hecate.E(hecate.NotFound, op).On("group") // deleted meanwhile: the user is locked
		}
		if err != nil || !added {
			return taken(err, op, "membership")
		}
		n, err := tx.CountGroupsOfUser(ctx, u.App, u.ID)
		if err == nil && n > e.limits.GroupsPerUser {
			return hecate.E(hecate.TooLarge, op).On("groups").With("limit", e.limits.GroupsPerUser)
		}
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	d, err := e.detail(ctx, u.App, u.ID)
	return d, g, err
}

// RemoveMemberOf takes a user out of a group. Kinds: Forbidden, NotFound on "user", "group" or "membership".
func (e *Engine) RemoveMemberOf(ctx context.Context, actor *hecate.Actor, user UserRef, group GroupRef) error {
	const op = "remove member"
	_, _, err := e.changeMembership(ctx, actor, user, group, hecate.Delete, op, func(tx *store.DB, u *hecate.User, g *hecate.Group) error {
		was, err := tx.DeleteMembership(ctx, u.App, g.ID, u.ID)
		if err == nil && !was {
			return hecate.E(hecate.NotFound, op).On("membership")
		}
		return err
	})
	return err
}
