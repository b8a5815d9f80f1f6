package store

import (
	"context"
	"encoding/json"
	"time"

	"hecate"
)

const (
	appColumns = `a.id, a.org_id, o.name, o.awaits, a.seq, a.name, coalesce(a.alias, ''), coalesce(a.owner_id, ''), a.description,
  a.metadata, a.config, a.settings, a.created_at, a.updated_at`
	appTables  = ` from apps a join orgs o on o.id = a.org_id`
	appByID    = `select ` + appColumns + appTables + ` where a.id = $1 and a.deleted_at is null`
	appByAlias = `select ` + appColumns + appTables + ` where a.alias = $1`
	appByName  = `select ` + appColumns + appTables + ` where o.name_match = $1 and a.name_match = $2`
	liveApps   = ` where a.deleted_at is null`

	// The highest of an admin's role as a member and, through the org, as owner (4).
	adminRole = `
select coalesce(max(r.role), 0) from (
  select role from members where app_id = $1 and admin_id = $3
  union all
  select 4 from org_members where org_id = $2 and admin_id = $3
) as r`
	appsOfAdmin = `
select ` + appColumns + `, r.role` + appTables + `
join (
  select x.app_id, max(x.role) as role from (
    select app_id, role from members where admin_id = $1
    union all
    select own.id, 4 from apps own join org_members om on om.org_id = own.org_id where om.admin_id = $1
  ) as x group by x.app_id
) as r on r.app_id = a.id` + liveApps
	countOwnApps = `select count(*) from apps where owner_id = $1 and deleted_at is null`

	aliasOfOther = `select count(*) from apps where alias = $1 and id <> $2`
	nameOfOther  = `select count(*) from apps where org_id = $1 and name_match = $2 and id <> $3`
	insertApp    = `
insert into apps (id, org_id, seq, name, name_match, alias, owner_id, description, metadata, config, settings, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`
	updateApp = `
update apps set name = $2, name_match = $3, alias = $4, description = $5, metadata = $6, config = $7, settings = $8, updated_at = $9
where id = $1 and deleted_at is null`
	retiredApp   = `select ` + appColumns + appTables + ` where a.id = $1 and a.deleted_at is not null`
	retiredNamed = `select count(*) from apps where org_id = $1 and name = $2 and id <> $3 and deleted_at is not null`
	reviveApp    = `update apps set name_match = $2, alias = $3, deleted_at = null, updated_at = $4 where id = $1 and deleted_at is not null`
	retireApp    = `update apps set name_match = null, alias = null, deleted_at = $2, updated_at = $2 where id = $1 and deleted_at is null`

	memberTables = ` from admins a join (
  select x.admin_id, max(x.role) as role from (
    select admin_id, role from members where app_id = $1
    union all
    select admin_id, 4 from org_members where org_id = $2
  ) as x group by x.admin_id
) as m on m.admin_id = a.id`
	members     = `select ` + adminColumns + `, m.role` + memberTables + ` where m.role > 0`
	memberBySeq = members + ` and a.seq = $3`
	setMember   = `
insert into members (app_id, admin_id, role, created_at) values ($1, $2, $3, $4)
on conflict (app_id, admin_id) do update set role = excluded.role`
	endLogins     = `delete from sessions where app_id = $1 and not standing`
	endAppTickets = `delete from tickets where app_id = $1`

	deleteMember = `delete from members where app_id = $1 and admin_id = $2`
)

// appTenantTables is every table of a tenant, those that refer to others first.
var appTenantTables = []string{
	"field_rules", "provider_profiles", "links", "record_uniques", "record_index", "record_grants", "files", "records", "collections",
	"policy", "role_holders", "roles", "group_members", "groups", "outbox", "tickets", "sessions", "password_history", "credentials", "identities", "users",
	"clients", "api_keys", "invitations", "members", "events", "serials",
}

// AppWithRole is an app and what one admin may do in it.
type AppWithRole struct {
	*hecate.App
	Role hecate.AdminRole
}

func scanAppInto(s scanner, a *hecate.App, more ...any) error {
	var metadata, config, settings json.RawMessage
	err := s.Scan(append([]any{&a.ID, &a.Org, &a.OrgName, &a.OrgAwaits, &a.Seq, &a.Name, &a.Alias, &a.Owner, &a.Description,
		&metadata, &config, &settings, &a.CreatedAt, &a.UpdatedAt}, more...)...)
	if err != nil {
		return err
	}
	if a.Metadata, err = decodeMap(metadata); err != nil {
		return err
	}
	if a.Config, err = decodeMap(config); err != nil {
		return err
	}
	return DecodeSettings(settings, &a.Settings)
}

// DecodeSettings reads settings that json.Marshal wrote. Whole numbers in them come back as int64, others as float64.
func DecodeSettings(raw json.RawMessage, s *hecate.Settings) error {
	if err := decodeJSON(raw, s); err != nil {
		return err
	}
	for _, m := range s.Dialects {
		plainNumbers(m)
	}
	for _, m := range s.Social {
		plainNumbers(m)
	}
	return nil
}

func scanApp(s scanner) (*hecate.App, error) {
	var a hecate.App
	err := scanAppInto(s, &a)
	return &a, err
}

func scanAppWithRole(s scanner) (AppWithRole, error) {
	a := AppWithRole{App: &hecate.App{}}
	err := scanAppInto(s, a.App, &a.Role)
	return a, err
}

func scanMember(s scanner) (hecate.Member, error) {
	var m hecate.Member
	err := scanAdminInto(s, &m.Admin, &m.Role)
	return m, err
}

// App returns a live app. Kinds: NotFound.
func (db *DB) App(ctx context.Context, id hecate.AppID) (*hecate.App, error) {
	return one(ctx, db, scanApp, appByID, id)
}

// AppByAlias returns the app of an alias, compared without case. Kinds: NotFound.
func (db *DB) AppByAlias(ctx context.Context, alias string) (*hecate.App, error) {
	return one(ctx, db, scanApp, appByAlias, FoldName(alias))
}

// AppByName returns the app of that name in the org of that name, both compared without case. Kinds: NotFound.
func (db *DB) AppByName(ctx context.Context, org, name string) (*hecate.App, error) {
	return one(ctx, db, scanApp, appByName, FoldName(org), FoldName(name))
}

// Apps lists all live apps of the server. Prefix filters by alias.
func (db *DB) Apps(ctx context.Context, in List) (hecate.Page[*hecate.App], error) {
	var b binds
	text := `select ` + appColumns + appTables + liveApps
	if in.Prefix != "" {
		text += startsWith("a.alias", &b, in.Prefix)
	}
	return page(ctx, db, scanApp, text, "a.seq", &b, in)
}

// AppsOfAdmin lists the live apps in which an admin has a role, with the role. Prefix filters by alias.
func (db *DB) AppsOfAdmin(ctx context.Context, admin hecate.AdminID, in List) (hecate.Page[AppWithRole], error) {
	var b binds
	b.add(admin)
	text := appsOfAdmin
	if in.Prefix != "" {
		text += startsWith("a.alias", &b, in.Prefix)
	}
	return page(ctx, db, scanAppWithRole, text, "a.seq", &b, in)
}

// AppsInOrg lists the live apps of an org.
func (db *DB) AppsInOrg(ctx context.Context, org hecate.OrgID, in List) (hecate.Page[*hecate.App], error) {
	var b binds
	text := `select ` + appColumns + appTables + liveApps + ` and a.org_id = ` + b.add(org)
	if in.Prefix != "" {
		text += startsWith("a.alias", &b, in.Prefix)
	}
	return page(ctx, db, scanApp, text, "a.seq", &b, in)
}

// CountOwnApps counts the live apps an admin owns.
func (db *DB) CountOwnApps(ctx context.Context, admin hecate.AdminID) (int, error) {
	return one(ctx, db, scalar[int], countOwnApps, admin)
}

// AdminRole returns what an admin may do in an app of that org, NoRole when nothing.
func (db *DB) AdminRole(ctx context.Context, app hecate.AppID, org hecate.OrgID, admin hecate.AdminID) (hecate.AdminRole, error) {
	return one(ctx, db, scalar[hecate.AdminRole], adminRole, app, org, admin)
}

// AliasTaken reports whether another app than id has the alias, compared without case.
func (db *DB) AliasTaken(ctx context.Context, alias string, id hecate.AppID) (bool, error) {
	n, err := one(ctx, db, scalar[int64], aliasOfOther, FoldName(alias), id)
	return n > 0, err
}

// AppNameTaken reports whether another app of the org than id has the name, compared without case.
func (db *DB) AppNameTaken(ctx context.Context, org hecate.OrgID, name string, id hecate.AppID) (bool, error) {
	n, err := one(ctx, db, scalar[int64], nameOfOther, org, FoldName(name), id)
	return n > 0, err
}

// appMaps are the JSON columns of an app.
func appMaps(a *hecate.App) (metadata, config, settings json.RawMessage, err error) {
	if metadata, err = encodeMap(a.Metadata); err != nil {
		return nil, nil, nil, err
	}
	if config, err = encodeMap(a.Config); err != nil {
		return nil, nil, nil, err
	}
	settings, err = json.Marshal(a.Settings)
	return metadata, config, settings, err
}

// InsertApp stores a new app. Kinds: Exists on "alias" or "name_match".
func (db *DB) InsertApp(ctx context.Context, a *hecate.App) error {
	metadata, config, settings, err := appMaps(a)
	if err != nil {
		return err
	}
	return db.run(ctx, insertApp, a.ID, a.Org, a.Seq, a.Name, FoldName(a.Name), FoldName(a.Alias), orNull(string(a.Owner)), a.Description,
		metadata, config, settings, a.CreatedAt, a.UpdatedAt)
}

// UpdateApp stores a live app's names, texts and settings. Kinds: NotFound, Exists on "alias" or "name_match".
func (db *DB) UpdateApp(ctx context.Context, a *hecate.App) error {
	metadata, config, settings, err := appMaps(a)
	if err != nil {
		return err
	}
	return db.must(ctx, updateApp, a.ID, a.Name, FoldName(a.Name), FoldName(a.Alias), a.Description, metadata, config, settings, a.UpdatedAt)
}

// RetireApp marks a live app as deleted and frees its names. Kinds: NotFound.
func (db *DB) RetireApp(ctx context.Context, id hecate.AppID) error {
	return db.must(ctx, retireApp, id, db.now())
}

// RetiredApp returns an app that was deleted and not purged; it has no alias. Kinds: NotFound.
func (db *DB) RetiredApp(ctx context.Context, id hecate.AppID) (*hecate.App, error) {
	return one(ctx, db, scanApp, retiredApp, id)
}

// RetiredAppNamed reports whether another app than id that was deleted in the org has exactly that name.
func (db *DB) RetiredAppNamed(ctx context.Context, org hecate.OrgID, name string, id hecate.AppID) (bool, error) {
	n, err := one(ctx, db, scalar[int64], retiredNamed, org, name, id)
	return n > 0, err
}

// ReviveApp brings a deleted app back under its name and the alias in a. Kinds: NotFound, Exists on "alias" or "name_match".
func (db *DB) ReviveApp(ctx context.Context, a *hecate.App) error {
	return db.must(ctx, reviveApp, a.ID, FoldName(a.Name), FoldName(a.Alias), a.UpdatedAt)
}

// EndLogins removes the sessions of an app that somebody opened, and its tickets; the standing ones stay.
func (db *DB) EndLogins(ctx context.Context, app hecate.AppID) error {
	if app == "" {
		return hecate.NotFound // those are the server's
	}
	if err := db.run(ctx, endLogins, app); err != nil {
		return err
	}
	return db.run(ctx, endAppTickets, app)
}

// PurgeApp removes every row of an app, and the app. Kinds: NotFound without an id: those rows are the server's.
func (db *DB) PurgeApp(ctx context.Context, id hecate.AppID) error {
	if id == "" {
		return hecate.NotFound
	}
	for _, table := range appTenantTables {
		if err := db.run(ctx, `delete from `+table+` where app_id = $1`, id); err != nil {
			return err
		}
	}
	return db.run(ctx, `delete from apps where id = $1`, id)
}

// Members lists the admins with a role in an app of that org, the org's own included.
func (db *DB) Members(ctx context.Context, app hecate.AppID, org hecate.OrgID, in List) (hecate.Page[hecate.Member], error) {
	var b binds
	b.add(app)
	b.add(org)
	return page(ctx, db, scanMember, members, "a.seq", &b, in)
}

// Member returns one of them by the admin's number. Kinds: NotFound.
func (db *DB) Member(ctx context.Context, app hecate.AppID, org hecate.OrgID, seq int64) (hecate.Member, error) {
	return one(ctx, db, scanMember, memberBySeq, app, org, seq)
}

// SetMember gives an admin a role of his own in an app.
func (db *DB) SetMember(ctx context.Context, app hecate.AppID, admin hecate.AdminID, role hecate.AdminRole) error {
	return db.run(ctx, setMember, app, admin, role, db.now())
}

// DeleteMember takes that role away and reports whether there was one.
func (db *DB) DeleteMember(ctx context.Context, app hecate.AppID, admin hecate.AdminID) (bool, error) {
	return db.changed(ctx, deleteMember, app, admin)
}

const (
	invitationColumns = `i.id, i.seq, i.app_id, coalesce(a.alias, ''), i.email, i.role, i.inviter, i.state, i.created_at, i.updated_at, i.key_hash, i.key_sealed`
	invitationTables  = ` from invitations i join apps a on a.id = i.app_id and a.deleted_at is null`
	invitations       = `select ` + invitationColumns + invitationTables + ` where i.app_id = $1`
	invitationBySeq   = invitations + ` and i.seq = $2`
	invitationByEmail = invitations + ` and i.email = $2`
	invitationByKey   = `select ` + invitationColumns + invitationTables + ` where i.key_hash = $1`
	ownInvitations    = `select ` + invitationColumns + invitationTables + ` where i.email = $1 and i.state = 0`
	ownInvitation     = ownInvitations + ` and i.seq = $2`
	insertInvitation  = `
insert into invitations (app_id, id, seq, email, role, key_hash, key_sealed, inviter, state, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`
	setInvitation    = `update invitations set role = $3, state = $4, updated_at = $5 where app_id = $1 and id = $2 and state = $6`
	deleteInvitation = `delete from invitations where app_id = $1 and id = $2`
)

func scanInvitation(s scanner) (Sealed[*hecate.Invitation], error) {
	i := Sealed[*hecate.Invitation]{Row: &hecate.Invitation{}}
	err := s.Scan(&i.Row.ID, &i.Row.Seq, &i.Row.App, &i.Row.AppAlias, &i.Row.Email, &i.Row.Role, &i.Row.Inviter, &i.Row.State,
		&i.Row.CreatedAt, &i.Row.UpdatedAt, &i.Hash, &i.Sealed)
	return i, err
}

// Invitations lists the invitations to an app.
func (db *DB) Invitations(ctx context.Context, app hecate.AppID, in List) (hecate.Page[Sealed[*hecate.Invitation]], error) {
	var b binds
	b.add(app)
	return page(ctx, db, scanInvitation, invitations, "i.seq", &b, in)
}

// Invitation returns an invitation to an app by its number. Kinds: NotFound.
func (db *DB) Invitation(ctx context.Context, app hecate.AppID, seq int64) (Sealed[*hecate.Invitation], error) {
	return one(ctx, db, scanInvitation, invitationBySeq, app, seq)
}

// InvitationByEmail returns the one to an address, given in lower case. Kinds: NotFound.
func (db *DB) InvitationByEmail(ctx context.Context, app hecate.AppID, email string) (Sealed[*hecate.Invitation], error) {
	return one(ctx, db, scanInvitation, invitationByEmail, app, email)
}

// InvitationByKey returns an invitation to any live app by the lookup hash of its key. Kinds: NotFound.
func (db *DB) InvitationByKey(ctx context.Context, hash string) (Sealed[*hecate.Invitation], error) {
	return one(ctx, db, scanInvitation, invitationByKey, hash)
}

// OwnInvitations lists the new invitations to an address, given in lower case.
func (db *DB) OwnInvitations(ctx context.Context, email string, in List) (hecate.Page[Sealed[*hecate.Invitation]], error) {
	var b binds
	b.add(email)
	return page(ctx, db, scanInvitation, ownInvitations, "i.seq", &b, in)
}

// OwnInvitation returns one of them by its number. Kinds: NotFound.
func (db *DB) OwnInvitation(ctx context.Context, email string, seq int64) (Sealed[*hecate.Invitation], error) {
	return one(ctx, db, scanInvitation, ownInvitation, email, seq)
}

// InsertInvitation stores a new invitation. Kinds: Exists on "email".
func (db *DB) InsertInvitation(ctx context.Context, s Sealed[*hecate.Invitation]) error {
	i := s.Row
	return db.run(ctx, insertInvitation, i.App, i.ID, i.Seq, i.Email, i.Role, s.Hash, s.Sealed, i.Inviter, i.State, i.CreatedAt, i.UpdatedAt)
}

// SetInvitation changes role and state of an invitation that is still in state from, and reports whether it was.
func (db *DB) SetInvitation(ctx context.Context, i *hecate.Invitation, from hecate.InvitationState, at time.Time) (bool, error) {
	return db.changed(ctx, setInvitation, i.App, i.ID, i.Role, i.State, at, from)
}

// DeleteInvitation removes an invitation and reports whether it was there.
func (db *DB) DeleteInvitation(ctx context.Context, app hecate.AppID, id hecate.InvitationID) (bool, error) {
	return db.changed(ctx, deleteInvitation, app, id)
}
