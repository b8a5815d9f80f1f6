package store

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"hecate"
)

const (
	orgColumns = `o.id, o.name, o.awaits, o.properties, o.created_at, o.updated_at`
	orgByID    = `select ` + orgColumns + ` from orgs o where o.id = $1`
	orgByName  = `select ` + orgColumns + ` from orgs o where o.name_match = $1`
	ownOrg     = `select ` + orgColumns + ` from orgs o where o.admin_id = $1`
	orgsOf     = `select ` + orgColumns + ` from orgs o join org_members m on m.org_id = o.id where m.admin_id = $1 order by o.name_match`
	allOrgs    = `select ` + orgColumns + ` from orgs o order by o.name_match`

	insertOrg = `
insert into orgs (id, name, name_match, admin_id, properties, created_at, updated_at, awaits)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict do nothing`
	updateOrg       = `update orgs set properties = $2, updated_at = $3, awaits = $4 where id = $1`
	insertOrgMember = `insert into org_members (org_id, admin_id, created_at) values ($1, $2, $3) on conflict (org_id, admin_id) do nothing`
	deleteOrgMember = `delete from org_members where org_id = $1 and admin_id = $2`
	isOrgMember     = `select count(*) from org_members where org_id = $1 and admin_id = $2`
	orgMembers      = `select ` + adminColumns + ` from admins a join org_members m on m.admin_id = a.id where m.org_id = $1 order by m.created_at, a.seq`
	appsOfOrg       = `select id from apps where org_id = $1`

	orgsBeyond  = `select ` + orgColumns + ` from orgs o where o.name_match > $1 order by o.name_match limit $2`
	appsOfOrgs  = `select ` + appColumns + appTables + liveApps + ` and a.org_id in `
	adminsOfOrg = `select m.org_id, m.created_at, ` + adminColumns + ` from org_members m join admins a on a.id = m.admin_id where m.org_id in `
)

// OrgsBeyond lists up to limit orgs behind that name, by name; "" begins with the first.
func (db *DB) OrgsBeyond(ctx context.Context, name string, limit int) ([]*hecate.Org, error) {
	return many(ctx, db, scanOrg, orgsBeyond, FoldName(name), limit)
}

// AppsOfOrgs lists up to limit live apps of orgs, the oldest first, in one query.
func (db *DB) AppsOfOrgs(ctx context.Context, orgs []hecate.OrgID, limit int) ([]*hecate.App, error) {
	if len(orgs) == 0 {
		return nil, nil
	}
	var b binds
	text := appsOfOrgs + list(&b, orgs) + ` order by a.seq limit ` + b.add(limit)
	return many(ctx, db, scanApp, text, b.args...)
}

// OrgAdmin is an admin as a member of an org.
type OrgAdmin struct {
	Org   hecate.OrgID
	Since time.Time
	Admin *hecate.Admin
}

func scanOrgAdmin(s scanner) (OrgAdmin, error) {
	m := OrgAdmin{Admin: &hecate.Admin{}}
	err := scanAdminInto(before{s, []any{&m.Org, &m.Since}}, m.Admin)
	return m, err
}

// before is a scanner of rows that begin with other columns.
type before struct {
	scanner
	first []any
}

// Scan scans those columns too.
func (s before) Scan(dest ...any) error { return s.scanner.Scan(append(s.first, dest...)...) }

// MembersOfOrgs lists up to limit members of orgs, the earliest first, in one query.
func (db *DB) MembersOfOrgs(ctx context.Context, orgs []hecate.OrgID, limit int) ([]OrgAdmin, error) {
	if len(orgs) == 0 {
		return nil, nil
	}
	var b binds
	text := adminsOfOrg + list(&b, orgs) + ` order by m.created_at, a.seq limit ` + b.add(limit)
	return many(ctx, db, scanOrgAdmin, text, b.args...)
}

func scanOrg(s scanner) (*hecate.Org, error) {
	var o hecate.Org
	var properties json.RawMessage
	err := s.Scan(&o.ID, &o.Name, &o.Awaits, &properties, &o.CreatedAt, &o.UpdatedAt)
	if err != nil {
		return nil, err
	}
	o.Properties, err = decodeMap(properties)
	return &o, err
}

// FoldName is how names that are compared without case are compared.
func FoldName(name string) string { return strings.ToLower(name) }

// Org returns an org. Kinds: NotFound.
func (db *DB) Org(ctx context.Context, id hecate.OrgID) (*hecate.Org, error) {
	return one(ctx, db, scanOrg, orgByID, id)
}

// OrgByName returns the org of that name, compared without case. Kinds: NotFound.
func (db *DB) OrgByName(ctx context.Context, name string) (*hecate.Org, error) {
	return one(ctx, db, scanOrg, orgByName, FoldName(name))
}

// OwnOrg returns the org that is an admin's own. Kinds: NotFound.
func (db *DB) OwnOrg(ctx context.Context, admin hecate.AdminID) (*hecate.Org, error) {
	return one(ctx, db, scanOrg, ownOrg, admin)
}

// OrgsOf lists the orgs an admin belongs to, by name.
func (db *DB) OrgsOf(ctx context.Context, admin hecate.AdminID) ([]*hecate.Org, error) {
	return many(ctx, db, scanOrg, orgsOf, admin)
}

// Orgs lists all orgs of the server, by name.
func (db *DB) Orgs(ctx context.Context) ([]*hecate.Org, error) {
	return many(ctx, db, scanOrg, allOrgs)
}

// InsertOrg stores an org, the own one of admin unless that is empty, and reports whether the name was free.
func (db *DB) InsertOrg(ctx context.Context, o *hecate.Org, admin hecate.AdminID) (bool, error) {
	properties, err := encodeMap(o.Properties)
	if err != nil {
		return false, err
	}
	return db.changed(ctx, insertOrg, o.ID, o.Name, FoldName(o.Name), orNull(string(admin)), properties, o.CreatedAt, o.UpdatedAt, o.Awaits)
}

// UpdateOrg stores an org's properties and what it waits for. Kinds: NotFound.
func (db *DB) UpdateOrg(ctx context.Context, o *hecate.Org) error {
	properties, err := encodeMap(o.Properties)
	if err != nil {
		return err
	}
	return db.must(ctx, updateOrg, o.ID, properties, o.UpdatedAt, o.Awaits)
}

// InsertOrgMember makes an admin a member and reports whether he was none.
func (db *DB) InsertOrgMember(ctx context.Context, org hecate.OrgID, admin hecate.AdminID) (bool, error) {
	return db.changed(ctx, insertOrgMember, org, admin, db.now())
}

// DeleteOrgMember takes an admin out of an org and reports whether he was a member.
func (db *DB) DeleteOrgMember(ctx context.Context, org hecate.OrgID, admin hecate.AdminID) (bool, error) {
	return db.changed(ctx, deleteOrgMember, org, admin)
}

// IsOrgMember reports whether an admin belongs to an org.
func (db *DB) IsOrgMember(ctx context.Context, org hecate.OrgID, admin hecate.AdminID) (bool, error) {
	n, err := one(ctx, db, scalar[int64], isOrgMember, org, admin)
	return n > 0, err
}

// OrgMembers lists the admins of an org, the earliest first.
func (db *DB) OrgMembers(ctx context.Context, org hecate.OrgID) ([]*hecate.Admin, error) {
	return many(ctx, db, scanAdmin, orgMembers, org)
}

// AppsOfOrg lists the ids of an org's apps, the deleted ones too.
func (db *DB) AppsOfOrg(ctx context.Context, org hecate.OrgID) ([]hecate.AppID, error) {
	return many(ctx, db, scalar[hecate.AppID], appsOfOrg, org)
}

// orNull is text as a bind, the empty text as null.
func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}
