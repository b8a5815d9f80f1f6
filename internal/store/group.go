package store

import (
	"context"
	"encoding/json"

	"hecate"
)

const (
	groupColumns = `g.id, g.app_id, g.seq, g.name, g.title, g.description, g.properties, g.created_at, g.updated_at`
	groupTables  = ` from groups g`
	groups       = `select ` + groupColumns + groupTables + ` where g.app_id = $1`
	groupByID    = groups + ` and g.id = $2`
	groupBySeq   = groups + ` and g.seq = $2`
	groupByName  = groups + ` and g.name_match = $2`
	groupsByID   = groups + ` and g.id in `
	groupTaken   = `select count(*) from groups where app_id = $1 and name_match = $2 and id <> $3`
	insertGroup  = `
insert into groups (app_id, id, seq, name, name_match, title, description, properties, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (app_id, name_match) do nothing`
	updateGroup = `
update groups set name = $3, name_match = $4, title = $5, description = $6, properties = $7, updated_at = $8
where app_id = $1 and id = $2`
	deleteGroup = `delete from groups where app_id = $1 and id = $2`

	joinedGroups     = ` join group_members gm on gm.app_id = g.app_id and gm.group_id = g.id where g.app_id = $1`
	groupsOfUser     = `select ` + groupColumns + groupTables + joinedGroups + ` and gm.user_id = $2`
	groupsOfUsers    = `select gm.user_id, ` + groupColumns + groupTables + joinedGroups + ` and gm.user_id in `
	groupIDsOf       = `select group_id from group_members where app_id = $1 and user_id = $2 order by group_id`
	usersOfGroup     = `select ` + userColumns + userTables + ` join group_members gm on gm.app_id = u.app_id and gm.user_id = u.id where u.app_id = $1 and gm.group_id = $2`
	isGroupMember    = `select count(*) from group_members where app_id = $1 and group_id = $2 and user_id = $3`
	countGroupsOf    = `select count(*) from group_members where app_id = $1 and user_id = $2`
	insertMembership = `insert into group_members (app_id, group_id, user_id, created_at) values ($1, $2, $3, $4) on conflict (app_id, group_id, user_id) do nothing`
	deleteMembership = `delete from group_members where app_id = $1 and group_id = $2 and user_id = $3`

	dropRecordGrants = `delete from record_grants where app_id = $1 and subject = $2`
)

func scanGroupInto(s scanner, g *hecate.Group, first ...any) error {
	var properties json.RawMessage
	err := s.Scan(append(first, &g.ID, &g.App, &g.Seq, &g.Name, &g.Title, &g.Description, &properties, &g.CreatedAt, &g.UpdatedAt)...)
	if err != nil {
		return err
	}
	g.Properties, err = decodeMap(properties)
	return err
}

func scanGroup(s scanner) (*hecate.Group, error) {
	var g hecate.Group
	err := scanGroupInto(s, &g)
	return &g, err
}

// Group returns a group. Kinds: NotFound.
func (db *DB) Group(ctx context.Context, app hecate.AppID, id hecate.GroupID) (*hecate.Group, error) {
	return one(ctx, db, scanGroup, groupByID, app, id)
}

// GroupBySeq returns the group of that number. Kinds: NotFound.
func (db *DB) GroupBySeq(ctx context.Context, app hecate.AppID, seq int64) (*hecate.Group, error) {
	return one(ctx, db, scanGroup, groupBySeq, app, seq)
}

// GroupByName returns the group of that name, compared without case. Kinds: NotFound.
func (db *DB) GroupByName(ctx context.Context, app hecate.AppID, name string) (*hecate.Group, error) {
	return one(ctx, db, scanGroup, groupByName, app, FoldName(name))
}

// Groups lists an app's groups. Prefix filters by title.
func (db *DB) Groups(ctx context.Context, app hecate.AppID, in List) (hecate.Page[*hecate.Group], error) {
	var b binds
	b.add(app)
	text := groups
	if in.Prefix != "" {
		text += startsWith("g.title", &b, in.Prefix)
	}
	return page(ctx, db, scanGroup, text, "g.seq", &b, in)
}

// GroupsByID finds groups in one query; unknown ids are absent from the result.
func (db *DB) GroupsByID(ctx context.Context, app hecate.AppID, ids []hecate.GroupID) (map[hecate.GroupID]*hecate.Group, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var b binds
	b.add(app)
	in := list(&b, ids)
	rows, err := many(ctx, db, scanGroup, groupsByID+in, b.args...)
	if err != nil {
		return nil, err
	}
	found := make(map[hecate.GroupID]*hecate.Group, len(rows))
	for _, g := range rows {
		found[g.ID] = g
	}
	return found, nil
}

// GroupTaken reports whether another group than id has the name, compared without case.
func (db *DB) GroupTaken(ctx context.Context, app hecate.AppID, name string, id hecate.GroupID) (bool, error) {
	n, err := one(ctx, db, scalar[int64], groupTaken, app, FoldName(name), id)
	return n > 0, err
}

// InsertGroup stores a group and reports whether its name was free; no name is always free.
func (db *DB) InsertGroup(ctx context.Context, g *hecate.Group) (bool, error) {
	properties, err := encodeMap(g.Properties)
	if err != nil {
		return false, err
	}
	return db.changed(ctx, insertGroup, g.App, g.ID, g.Seq, g.Name, orNull(FoldName(g.Name)), g.Title, g.Description, properties, g.CreatedAt, g.UpdatedAt)
}

// UpdateGroup stores a group. Kinds: NotFound, Exists on "name_match".
func (db *DB) UpdateGroup(ctx context.Context, g *hecate.Group) error {
	properties, err := encodeMap(g.Properties)
	if err != nil {
		return err
	}
	return db.must(ctx, updateGroup, g.App, g.ID, g.Name, orNull(FoldName(g.Name)), g.Title, g.Description, properties, g.UpdatedAt)
}

// DeleteGroup removes a group, its memberships, its roles and grants. Kinds: NotFound.
func (db *DB) DeleteGroup(ctx context.Context, app hecate.AppID, id hecate.GroupID) error {
	if err := db.must(ctx, deleteGroup, app, id); err != nil {
		return err
	}
	return db.DropSubject(ctx, app, hecate.SubjectGroup(id))
}

// DropSubject removes a subject from the holders of roles, from the policy and from the grants of records.
func (db *DB) DropSubject(ctx context.Context, app hecate.AppID, s hecate.Subject) error {
	for _, text := range []string{dropHolder, dropPolicy, dropRecordGrants} {
		if err := db.run(ctx, text, app, s); err != nil {
			return err
		}
	}
	return nil
}

// GroupsOfUser lists the groups of a user.
func (db *DB) GroupsOfUser(ctx context.Context, app hecate.AppID, user hecate.UserID, in List) (hecate.Page[*hecate.Group], error) {
	var b binds
	b.add(app)
	b.add(user)
	text := groupsOfUser
	if in.Prefix != "" {
		text += startsWith("g.title", &b, in.Prefix)
	}
	return page(ctx, db, scanGroup, text, "g.seq", &b, in)
}

// GroupsOfUsers returns the groups of several users, in the order of their numbers, in one query.
func (db *DB) GroupsOfUsers(ctx context.Context, app hecate.AppID, users []hecate.UserID) (map[hecate.UserID][]*hecate.Group, error) {
	if len(users) == 0 {
		return nil, nil
	}
	var b binds
	b.add(app)
	in := list(&b, users)
	type row struct {
		user  hecate.UserID
		group *hecate.Group
	}
	rows, err := many(ctx, db, func(s scanner) (row, error) {
		r := row{group: &hecate.Group{}}
		err := scanGroupInto(s, r.group, &r.user)
		return r, err
	}, groupsOfUsers+in+` order by g.seq`, b.args...)
	if err != nil {
		return nil, err
	}
	found := make(map[hecate.UserID][]*hecate.Group)
	for _, r := range rows {
		found[r.user] = append(found[r.user], r.group)
	}
	return found, nil
}

// GroupUsers lists the members of a group. Prefix filters by username without case.
func (db *DB) GroupUsers(ctx context.Context, app hecate.AppID, group hecate.GroupID, in List) (hecate.Page[*hecate.User], error) {
	var b binds
	b.add(app)
	b.add(group)
	text := usersOfGroup
	if in.Prefix != "" {
		text += startsWith("n.match", &b, FoldName(in.Prefix))
	}
	return page(ctx, db, scanUser, text, "u.seq", &b, in)
}

// IsGroupMember reports whether a user is in a group.
func (db *DB) IsGroupMember(ctx context.Context, app hecate.AppID, group hecate.GroupID, user hecate.UserID) (bool, error) {
	n, err := one(ctx, db, scalar[int64], isGroupMember, app, group, user)
	return n > 0, err
}

// CountGroupsOfUser counts the groups of a user.
func (db *DB) CountGroupsOfUser(ctx context.Context, app hecate.AppID, user hecate.UserID) (int, error) {
	return one(ctx, db, scalar[int], countGroupsOf, app, user)
}

// InsertMembership puts a user into a group and reports whether he was not in it. Kinds: NotFound for an unknown one.
func (db *DB) InsertMembership(ctx context.Context, app hecate.AppID, group hecate.GroupID, user hecate.UserID) (bool, error) {
	return db.changed(ctx, insertMembership, app, group, user, db.now())
}

// DeleteMembership takes a user out of a group and reports whether he was in it.
func (db *DB) DeleteMembership(ctx context.Context, app hecate.AppID, group hecate.GroupID, user hecate.UserID) (bool, error) {
	return db.changed(ctx, deleteMembership, app, group, user)
}
