package engine

import (
	"context"
	"errors"

	"hecate"
	"hecate/internal/store"
)

func roleCacheKey(app hecate.AppID, admin hecate.AdminID) string {
	return string(app) + "/" + string(admin)
}

// membersOf asks the door about the admins of the actor's app.
func (e *Engine) membersOf(actor *hecate.Actor, want hecate.Permissions, op string) (*hecate.App, error) {
	app, err := inApp(actor, op)
	if err != nil {
		return nil, err
	}
	return app, e.allowArea(actor, want, hecate.AreaMembers, op)
}

// Members lists the admins of an app in the order of their Seq. Kinds: Forbidden.
func (e *Engine) Members(ctx context.Context, actor *hecate.Actor, in List) (hecate.Page[hecate.Member], error) {
	app, err := e.membersOf(actor, hecate.List, "list members")
	if err != nil {
		return hecate.Page[hecate.Member]{}, err
	}
	return e.db.Members(ctx, app.ID, app.Org, in.bounded())
}

// Member returns one admin of the actor's app by his Seq. Kinds: Forbidden, NotFound.
func (e *Engine) Member(ctx context.Context, actor *hecate.Actor, seq int64) (hecate.Member, error) {
	const op = "member"
	app, err := e.membersOf(actor, hecate.Read, op)
	if err != nil {
		return hecate.Member{}, err
	}
	m, err := e.db.Member(ctx, app.ID, app.Org, seq)
	return m, missing(err, op, "")
}

// SetMember changes a member's role. Kinds: Forbidden (also for the owner's row), NotFound, Invalid on "role".
func (e *Engine) SetMember(ctx context.Context, actor *hecate.Actor, seq int64, role hecate.AdminRole) (hecate.Member, error) {
	const op = "set member"
	if _, err := e.membersOf(actor, hecate.Update, op); err != nil {
		return hecate.Member{}, err
	}
	if err := checkRole(op, role); err != nil {
		return hecate.Member{}, err
	}
	return e.changeMember(ctx, actor, seq, op, func(tx *store.DB, m *hecate.Member) error {
		m.Role = role
		return tx.SetMember(ctx, actor.App.ID, m.Admin.ID, role)
	})
}

// checkRole returns nil for the roles that can be given: the owner's cannot.
func checkRole(op string, role hecate.AdminRole) error {
	if role < hecate.ReadRole || role > hecate.FullRole {
		return hecate.E(hecate.Invalid, op).On("role")
	}
	return nil
}

// changeMember runs fn inside one write on a member who is not the owner.
func (e *Engine) changeMember(ctx context.Context, actor *hecate.Actor, seq int64, op string, fn func(tx *store.DB, m *hecate.Member) error) (hecate.Member, error) {
	app := actor.App
	var m hecate.Member
	err := e.db.Write(ctx, func(tx *store.DB) error {
		if err := tx.Lock(ctx, "members/"+string(app.ID)); err != nil {
			return err
		}
		var err error
		if m, err = tx.Member(ctx, app.ID, app.Org, seq); err != nil {
			return missing(err, op, "")
		}
		if m.Role == hecate.OwnerRole {
			return hecate.E(hecate.Forbidden, op).Says("the owner's role stays")
		}
		if err := fn(tx, &m); err != nil {
			return err
		}
		if err := e.forget(ctx, tx, "roles", roleCacheKey(app.ID, m.Admin.ID)); err != nil {
			return err
		}
		return e.record(ctx, tx, actor, app.ID, op, "admin:"+string(m.Admin.ID))
	})
	return m, err
}

// RemoveMember takes an admin out of the app; anybody may remove himself. Kinds: Forbidden (also for the owner), NotFound.
func (e *Engine) RemoveMember(ctx context.Context, actor *hecate.Actor, seq int64) error {
	const op = "remove member"
	if _, err := inApp(actor, op); err != nil {
		return err
	}
	himself := actor.Admin != nil && actor.Admin.Seq == seq && actor.Role != hecate.NoRole
	if !himself {
		if _, err := e.membersOf(actor, hecate.Delete, op); err != nil {
			return err
		}
	}
	_, err := e.changeMember(ctx, actor, seq, op, func(tx *store.DB, m *hecate.Member) error {
		_, err := tx.DeleteMember(ctx, actor.App.ID, m.Admin.ID)
		return err
	})
	return err
}

func invitationContext(id hecate.InvitationID) string { return "invitation:" + string(id) }

// showInvitation fills in the clear key.
func (e *Engine) showInvitation(s store.Sealed[*hecate.Invitation]) (*hecate.Invitation, error) {
	var err error
	s.Row.Key, err = e.unseal(s.Sealed, invitationContext(s.Row.ID))
	return s.Row, err
}

// Invitations lists the invitations to the actor's app. Kinds: Forbidden.
func (e *Engine) Invitations(ctx context.Context, actor *hecate.Actor, in List) (hecate.Page[*hecate.Invitation], error) {
	app, err := e.membersOf(actor, hecate.List, "list invitations")
	if err != nil {
		return hecate.Page[*hecate.Invitation]{}, err
	}
	rows, err := e.db.Invitations(ctx, app.ID, in.bounded())
	if err != nil {
		return hecate.Page[*hecate.Invitation]{}, err
	}
	return mapPage(rows, e.showInvitation)
}

// Invitation returns one by its Seq. Kinds: Forbidden, NotFound.
func (e *Engine) Invitation(ctx context.Context, actor *hecate.Actor, seq int64) (*hecate.Invitation, error) {
	const op = "invitation"
	app, err := e.membersOf(actor, hecate.Read, op)
	if err != nil {
		return nil, err
	}
	row, err := e.db.Invitation(ctx, app.ID, seq)
	if err != nil {
		return nil, missing(err, op, "")
	}
	return e.showInvitation(row)
}

// Invite asks the holder of an address to manage the app, and queues the letter, which may be described. One that was declined or
// accepted is replaced. Kinds: Forbidden, Invalid on "email" or "role", Exists on "member" or "invitation".
func (e *Engine) Invite(ctx context.Context, actor *hecate.Actor, email string, role hecate.AdminRole, letter ...Mailing) (*hecate.Invitation, error) {
	const op = "invite"
	app, err := e.membersOf(actor, hecate.Create, op)
	if err != nil {
		return nil, err
	}
	if err := checkEmail(op, "email", email); err != nil {
		return nil, err
	}
	if err := checkRole(op, role); err != nil {
		return nil, err
	}
	row, err := e.newInvitation(actor, app, FoldLogin(email), role)
	if err != nil {
		return nil, err
	}
	err = e.db.Write(ctx, func(tx *store.DB) error {
		if err := e.roomForInvitation(ctx, tx, app, row.Row.Email, op); err != nil {
			return err
		}
		var err error
		if row.Row.Seq, err = tx.NextSerial(ctx, "", "invitations"); err != nil {
			return err
		}
		if err := tx.InsertInvitation(ctx, row); err != nil {
			return err
		}
		if _, err := e.sendInvitation(ctx, tx, app, row.Row, letter); err != nil {
			return err
		}
		return e.record(ctx, tx, actor, app.ID, op, "invitation:"+string(row.Row.ID))
	})
	if err != nil {
		return nil, err
	}
	return row.Row, nil
}

func (e *Engine) newInvitation(actor *hecate.Actor, app *hecate.App, email string, role hecate.AdminRole) (store.Sealed[*hecate.Invitation], error) {
	var row store.Sealed[*hecate.Invitation]
	id, err := e.newID()
	if err != nil {
		return row, err
	}
	key, err := e.newKey(anyDigit)
	if err != nil {
		return row, err
	}
	row.Row = &hecate.Invitation{
		ID: hecate.InvitationID(id), App: app.ID, AppAlias: app.Alias, Email: email, Role: role, Key: key, CreatedAt: e.stamp(),
	}
	row.Row.UpdatedAt = row.Row.CreatedAt
	if actor.Admin != nil {
		row.Row.Inviter = actor.Admin.Email
	}
	row.Hash = e.lookup(key)
	row.Sealed, err = e.seal(key, invitationContext(row.Row.ID))
	return row, err
}

// roomForInvitation refuses an address that has a role or a new invitation already, and removes an old one.
func (e *Engine) roomForInvitation(ctx context.Context, tx *store.DB, app *hecate.App, email, op string) error {
	if err := tx.Lock(ctx, "members/"+string(app.ID)); err != nil {
		return err
	}
	admin, err := tx.AdminByEmail(ctx, email)
	if err != nil && !errors.Is(err, hecate.NotFound) {
		return err
	}
	if err == nil {
		role, err := tx.AdminRole(ctx, app.ID, app.Org, admin.ID)
		if err != nil || role != hecate.NoRole {
			return taken(err, op, "member")
		}
	}
	old, err := tx.InvitationByEmail(ctx, app.ID, email)
	switch {
	case errors.Is(err, hecate.NotFound):
		return nil
	case err != nil:
		return err
	case old.Row.State == hecate.InvitationNew:
		return hecate.E(hecate.Exists, op).On("invitation")
	}
	_, err = tx.DeleteInvitation(ctx, app.ID, old.Row.ID)
	return err
}

// sendInvitation queues the letter of an invitation. full says that its address has had so many that it does not get it.
func (e *Engine) sendInvitation(ctx context.Context, tx *store.DB, app *hecate.App, i *hecate.Invitation, letter []Mailing) (full bool, err error) {
	l := outgoing{
		Mailing: the(letter), app: app, to: i.Email, clear: i.Key, invitation: true, fields: map[string]string{"inviter": i.Inviter, "role": roleNames[i.Role]},
	}
	if l.Letter == "" {
		l.Letter = letterInvite
	}
	return e.queue(ctx, tx, l)
}

// roleNames are the roles as letters call them.
var roleNames = [...]string{hecate.NoRole: "none", hecate.ReadRole: "read", hecate.WriteRole: "write", hecate.FullRole: "full", hecate.OwnerRole: "owner"}

// UpdateInvitation changes the role that is offered. Kinds: Forbidden, NotFound, Invalid on "role".
func (e *Engine) UpdateInvitation(ctx context.Context, actor *hecate.Actor, seq int64, role hecate.AdminRole) (*hecate.Invitation, error) {
	const op = "update invitation"
	app, err := e.membersOf(actor, hecate.Update, op)
	if err != nil {
		return nil, err
	}
	if err := checkRole(op, role); err != nil {
		return nil, err
	}
	var out *hecate.Invitation
	err = e.db.Write(ctx, func(tx *store.DB) error {
		row, err := tx.Invitation(ctx, app.ID, seq)
		if err != nil {
			return missing(err, op, "")
		}
		row.Row.Role, row.Row.UpdatedAt = role, e.stamp()
		if out, err = e.showInvitation(row); err != nil {
			return err
		}
		was, err := tx.SetInvitation(ctx, out, out.State, out.UpdatedAt)
		if err == nil && !was {
			return hecate.E(hecate.NotFound, op) // answered meanwhile
		}
		if err != nil {
			return err
		}
		return e.record(ctx, tx, actor, app.ID, op, "invitation:"+string(out.ID))
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// DeleteInvitation withdraws one. Kinds: Forbidden, NotFound.
func (e *Engine) DeleteInvitation(ctx context.Context, actor *hecate.Actor, seq int64) error {
	const op = "delete invitation"
	app, err := e.membersOf(actor, hecate.Delete, op)
	if err != nil {
		return err
	}
	return e.db.Write(ctx, func(tx *store.DB) error {
		row, err := tx.Invitation(ctx, app.ID, seq)
		if err != nil {
			return missing(err, op, "")
		}
		was, err := tx.DeleteInvitation(ctx, app.ID, row.Row.ID)
		if err == nil && !was {
			return hecate.E(hecate.NotFound, op)
		}
		if err != nil {
			return err
		}
		return e.record(ctx, tx, actor, app.ID, op, "invitation:"+string(row.Row.ID))
	})
}

// ResendInvitation sends the letter again while the invitation is new. Kinds: Forbidden, NotFound, TooMany.
func (e *Engine) ResendInvitation(ctx context.Context, actor *hecate.Actor, seq int64, letter ...Mailing) error {
	const op = "resend invitation"
	app, err := e.membersOf(actor, hecate.Create, op)
	if err != nil {
		return err
	}
	row, err := e.db.Invitation(ctx, app.ID, seq)
	if err != nil {
		return missing(err, op, "")
	}
	i, err := e.showInvitation(row)
	if err != nil || i.State != hecate.InvitationNew {
		return err
	}
	return e.db.Write(ctx, func(tx *store.DB) error {
		full, err := e.sendInvitation(ctx, tx, app, i, letter)
		if err == nil && full {
			err = manyLetters(op)
		}
		return err
	})
}

// OwnInvitations lists the new invitations to the admin's address. Kinds: Unauthenticated.
func (e *Engine) OwnInvitations(ctx context.Context, actor *hecate.Actor, in List) (hecate.Page[*hecate.Invitation], error) {
	admin, err := anAdmin(actor, "list own invitations")
	if err != nil {
		return hecate.Page[*hecate.Invitation]{}, err
	}
	rows, err := e.db.OwnInvitations(ctx, admin.Email, in.bounded())
	if err != nil {
		return hecate.Page[*hecate.Invitation]{}, err
	}
	return mapPage(rows, e.showInvitation)
}

// OwnInvitation returns one of them by Seq. Kinds: NotFound, Unauthenticated.
func (e *Engine) OwnInvitation(ctx context.Context, actor *hecate.Actor, seq int64) (*hecate.Invitation, error) {
	const op = "own invitation"
	admin, err := anAdmin(actor, op)
	if err != nil {
		return nil, err
	}
	row, err := e.db.OwnInvitation(ctx, admin.Email, seq)
	if err != nil {
		return nil, missing(err, op, "")
	}
	return e.showInvitation(row)
}

// DeclineInvitation declines one of them. Kinds: NotFound, Unauthenticated.
func (e *Engine) DeclineInvitation(ctx context.Context, actor *hecate.Actor, seq int64) error {
	const op = "decline invitation"
	i, err := e.OwnInvitation(ctx, actor, seq)
	if err != nil {
		return err
	}
	i.State = hecate.InvitationDeclined
	return e.db.Write(ctx, func(tx *store.DB) error {
		was, err := tx.SetInvitation(ctx, i, hecate.InvitationNew, e.stamp())
		if err == nil && !was {
			return hecate.E(hecate.NotFound, op)
		}
		if err != nil {
			return err
		}
		return e.record(ctx, tx, actor, i.App, op, "invitation:"+string(i.ID))
	})
}

// AcceptInvitation makes the admin a member; it works for any admin who holds
// the key, and raises a lower role. Kinds: NotFound on "key", Unauthenticated.
func (e *Engine) AcceptInvitation(ctx context.Context, actor *hecate.Actor, key hecate.Secret) error {
	const op = "accept invitation"
	admin, err := anAdmin(actor, op)
	if err != nil {
		return err
	}
	return e.db.Write(ctx, func(tx *store.DB) error {
		return e.accept(ctx, tx, actor, admin.ID, key, op, "key")
	})
}

// accept uses an invitation up and gives its role. Kinds: NotFound on the field.
func (e *Engine) accept(ctx context.Context, tx *store.DB, actor *hecate.Actor, admin hecate.AdminID, key hecate.Secret, op, field string) error {
	row, err := tx.InvitationByKey(ctx, e.lookup(key))
	if err != nil {
		return missing(err, op, field)
	}
	i := row.Row
	if err := tx.Lock(ctx, "members/"+string(i.App)); err != nil {
		return err
	}
	i.State = hecate.InvitationAccepted
	was, err := tx.SetInvitation(ctx, i, hecate.InvitationNew, e.stamp())
	if err == nil && !was {
		return hecate.E(hecate.NotFound, op).On(field)
	}
	if err != nil {
		return err
	}
	held, err := tx.AdminRole(ctx, i.App, "", admin)
	if err != nil {
		return err
	}
	if i.Role > held {
		if err := tx.SetMember(ctx, i.App, admin, i.Role); err != nil {
			return err
		}
	}
	if err := e.forget(ctx, tx, "roles", roleCacheKey(i.App, admin)); err != nil {
		return err
	}
	return e.record(ctx, tx, actor, i.App, op, "admin:"+string(admin))
}

// anAdmin returns the calling admin. Kinds: Unauthenticated.
func anAdmin(actor *hecate.Actor, op string) (*hecate.Admin, error) {
	if actor == nil || actor.Admin == nil {
		return nil, hecate.E(hecate.Unauthenticated, op)
	}
	return actor.Admin, nil
}
