package store

import (
	"context"
	"encoding/json"
	"time"

	"hecate"
)

const (
	roleColumns = `r.id, r.app_id, r.name, r.title, r.inactivity, r.is_default, r.is_admin, r.properties, r.created_at, r.updated_at`
	roles       = `select ` + roleColumns + ` from roles r where r.app_id = $1`
	rolesSorted = roles + ` order by r.name`
	roleByName  = roles + ` and r.name = $2`
	roleByID    = roles + ` and r.id = $2`
	defaults    = roles + ` and r.is_default order by r.name`
	rolesHeld   = roles + ` and exists (
  select 1 from role_holders h where h.app_id = r.app_id and h.role_id = r.id and (
    h.subject = $2 or h.subject in (select 'group:' || m.group_id from group_members m where m.app_id = $1 and m.user_id = $3)))
order by r.name`
	rolesGiven = roles + ` and exists (
  select 1 from role_holders h where h.app_id = r.app_id and h.role_id = r.id and h.subject = $2)
order by r.name`
	insertRole = `
insert into roles (app_id, id, name, title, inactivity, is_default, is_admin, properties, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (app_id, name) do nothing`
	updateRole = `
update roles set title = $3, inactivity = $4, is_default = $5, is_admin = $6, properties = $7, updated_at = $8
where app_id = $1 and id = $2`
	deleteRole = `delete from roles where app_id = $1 and id = $2`

	holdRole     = `insert into role_holders (app_id, role_id, subject, created_at) values ($1, $2, $3, $4) on conflict (app_id, role_id, subject) do nothing`
	leaveRole    = `delete from role_holders where app_id = $1 and role_id = $2 and subject = $3`
	holdersOf    = `select subject from role_holders where app_id = $1 and role_id = $2 order by created_at, subject`
	countHolding = `select count(*) from role_holders where app_id = $1 and subject = $2`
	countRoles   = `select count(*) from roles where app_id = $1`
	// A subject is "user:<id>" or "group:<id>".
	heldBy      = ` and h.app_id = $1 and h.role_id = $2 and h.subject`
	usersOfRole = `select ` + userColumns + userTables + ` join role_holders h on u.id = substr(h.subject, 6) where u.app_id = $1` +
		heldBy + ` >= 'user:' and h.subject < 'user;'`
	groupsOfRole = `select ` + groupColumns + groupTables + ` join role_holders h on g.id = substr(h.subject, 7) where g.app_id = $1` +
		heldBy + ` >= 'group:' and h.subject < 'group;'`
	dropHolder = `delete from role_holders where app_id = $1 and subject = $2`
)

func scanRole(s scanner) (hecate.Role, error) {
	var r hecate.Role
	var properties json.RawMessage
	var inactivity int64
	err := s.Scan(&r.ID, &r.App, &r.Name, &r.Title, &inactivity, &r.Default, &r.Admin, &properties, &r.CreatedAt, &r.UpdatedAt)
	if err != nil {
		return r, err
	}
	r.Inactivity = time.Duration(inactivity) * time.Microsecond
	r.Properties, err = decodeMap(properties)
	return r, err
}

// Memberships returns the groups of a user, and the roles that he or one of his groups holds.
func (db *DB) Memberships(ctx context.Context, app hecate.AppID, user hecate.UserID) ([]hecate.GroupID, []hecate.Role, error) {
	groups, err := many(ctx, db, scalar[hecate.GroupID], groupIDsOf, app, user)
	if err != nil {
		return nil, nil, err
	}
	held, err := many(ctx, db, scanRole, rolesHeld, app, hecate.SubjectUser(user), user)
	return groups, held, err
}

// Roles lists an app's roles by name.
func (db *DB) Roles(ctx context.Context, app hecate.AppID) ([]hecate.Role, error) {
	return many(ctx, db, scanRole, rolesSorted, app)
}

// RolesOf lists the roles given to exactly that subject, by name.
func (db *DB) RolesOf(ctx context.Context, app hecate.AppID, s hecate.Subject) ([]hecate.Role, error) {
	return many(ctx, db, scanRole, rolesGiven, app, s)
}

// DefaultRoles lists the roles that new users get.
func (db *DB) DefaultRoles(ctx context.Context, app hecate.AppID) ([]hecate.Role, error) {
	return many(ctx, db, scanRole, defaults, app)
}

// RoleByName returns a role. Kinds: NotFound.
func (db *DB) RoleByName(ctx context.Context, app hecate.AppID, name string) (hecate.Role, error) {
	return one(ctx, db, scanRole, roleByName, app, name)
}

// Role returns a role. Kinds: NotFound.
func (db *DB) Role(ctx context.Context, app hecate.AppID, id hecate.RoleID) (hecate.Role, error) {
	return one(ctx, db, scanRole, roleByID, app, id)
}

// InsertRole stores a role and reports whether its name was free.
func (db *DB) InsertRole(ctx context.Context, r hecate.Role) (bool, error) {
	properties, err := encodeMap(r.Properties)
	if err != nil {
		return false, err
	}
	return db.changed(ctx, insertRole, r.App, r.ID, r.Name, r.Title, r.Inactivity.Microseconds(), r.Default, r.Admin, properties, r.CreatedAt, r.UpdatedAt)
}

// UpdateRole stores everything of a role but its name. Kinds: NotFound.
func (db *DB) UpdateRole(ctx context.Context, r hecate.Role) error {
	properties, err := encodeMap(r.Properties)
	if err != nil {
		return err
	}
	return db.must(ctx, updateRole, r.App, r.ID, r.Title, r.Inactivity.Microseconds(), r.Default, r.Admin, properties, r.UpdatedAt)
}

// DeleteRole removes a role, its holders and its grants. Kinds: NotFound.
func (db *DB) DeleteRole(ctx context.Context, r hecate.Role) error {
	if err := db.must(ctx, deleteRole, r.App, r.ID); err != nil {
		return err
	}
	return db.DropSubject(ctx, r.App, hecate.SubjectRole(r.Name))
}

// HoldRole gives a role to a user or group and reports whether it had it not. Kinds: NotFound for an unknown role.
func (db *DB) HoldRole(ctx context.Context, app hecate.AppID, role hecate.RoleID, s hecate.Subject) (bool, error) {
	return db.changed(ctx, holdRole, app, role, s, db.now())
}

// LeaveRole takes a role away and reports whether it was held.
func (db *DB) LeaveRole(ctx context.Context, app hecate.AppID, role hecate.RoleID, s hecate.Subject) (bool, error) {
	return db.changed(ctx, leaveRole, app, role, s)
}

// RoleHolders lists who was given a role.
func (db *DB) RoleHolders(ctx context.Context, app hecate.AppID, role hecate.RoleID) ([]hecate.Subject, error) {
	return many(ctx, db, scalar[hecate.Subject], holdersOf, app, role)
}

// CountRoles counts an app's roles.
func (db *DB) CountRoles(ctx context.Context, app hecate.AppID) (int, error) {
	return one(ctx, db, scalar[int], countRoles, app)
}

// CountRolesOf counts the roles given to exactly that subject.
func (db *DB) CountRolesOf(ctx context.Context, app hecate.AppID, s hecate.Subject) (int, error) {
	return one(ctx, db, scalar[int], countHolding, app, s)
}

// RoleUsers lists the users to whom a role was given themselves.
func (db *DB) RoleUsers(ctx context.Context, app hecate.AppID, role hecate.RoleID, in List) (hecate.Page[*hecate.User], error) {
	return page(ctx, db, scanUser, usersOfRole, "u.seq", &binds{args: []any{app, role}}, in)
}

// RoleGroups lists the groups to which a role was given.
func (db *DB) RoleGroups(ctx context.Context, app hecate.AppID, role hecate.RoleID, in List) (hecate.Page[*hecate.Group], error) {
	return page(ctx, db, scanGroup, groupsOfRole, "g.seq", &binds{args: []any{app, role}}, in)
}
