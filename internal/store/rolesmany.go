package store

import (
	"context"

	"hecate"
)

const (
	setDefaults = `update roles set updated_at = $2, is_default = `
	setAdmins   = `update roles set updated_at = $2, is_admin = `

	holdMany = `
insert into role_holders (app_id, role_id, subject, created_at)
select r.app_id, r.id, 'user:' || u.id, cast($2 as bigint) from roles r join users u on u.app_id = r.app_id
where r.app_id = $1 and r.name in `
	leaveMany = `
delete from role_holders where app_id = $1 and role_id in (select id from roles where app_id = $1 and name in `
	rolesOfMany = `
select u.key, r.name from users u
join role_holders h on h.app_id = u.app_id and h.subject = 'user:' || u.id
join roles r on r.app_id = h.app_id and r.id = h.role_id
where u.app_id = $1 and u.key in `
)

// SetDefaultRoles makes exactly the roles of those names the ones that new users get.
func (db *DB) SetDefaultRoles(ctx context.Context, app hecate.AppID, names []string) error {
	return db.setRoleFlag(ctx, setDefaults, "is_default", app, names)
}

// SetAdminRoles makes exactly the roles of those names the ones whose holders manage users and roles.
func (db *DB) SetAdminRoles(ctx context.Context, app hecate.AppID, names []string) error {
	return db.setRoleFlag(ctx, setAdmins, "is_admin", app, names)
}

func (db *DB) setRoleFlag(ctx context.Context, text, column string, app hecate.AppID, names []string) error {
	b := binds{args: []any{app, db.now()}}
	among := "false"
	if len(names) > 0 {
		among = "name in " + list(&b, names)
	}
	return db.run(ctx, text+"("+among+") where app_id = $1 and "+column+" <> ("+among+")", b.args...)
}

// HoldRoles gives roles, by name, to users, by key; unknown ones are left out.
func (db *DB) HoldRoles(ctx context.Context, app hecate.AppID, names, users []string) error {
	b := binds{args: []any{app, db.now()}}
	return db.run(ctx, holdMany+list(&b, names)+" and u.key in "+list(&b, users)+" on conflict (app_id, role_id, subject) do nothing", b.args...)
}

// LeaveRoles takes roles, by name, from users, by key.
func (db *DB) LeaveRoles(ctx context.Context, app hecate.AppID, names, users []string) error {
	b := binds{args: []any{app}}
	return db.run(ctx, leaveMany+list(&b, names)+`)
and subject in (select 'user:' || id from users where app_id = $1 and key in `+list(&b, users)+")", b.args...)
}

// RolesOfUsers returns the names of the roles given to each user himself, by key, in one query; users without any are absent.
func (db *DB) RolesOfUsers(ctx context.Context, app hecate.AppID, users []string) (map[string][]string, error) {
	if len(users) == 0 {
		return nil, nil
	}
	b := binds{args: []any{app}}
	type row struct{ user, role string }
	rows, err := many(ctx, db, func(s scanner) (r row, err error) {
		err = s.Scan(&r.user, &r.role)
		return r, err
	}, rolesOfMany+list(&b, users)+" order by r.name", b.args...)
	if err != nil {
		return nil, err
	}
	held := map[string][]string{}
	for _, r := range rows {
		held[r.user] = append(held[r.user], r.role)
	}
	return held, nil
}
