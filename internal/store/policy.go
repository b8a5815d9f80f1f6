package store

import (
	"context"

	"hecate"
)

const (
	policyOf = `
select subject, permissions, path from policy
where app_id = $1 and (subject < 'group:' or subject > 'group;' and subject < 'user:' or subject > 'user;')
order by subject, created_at, source`
	policyFor    = `select subject, permissions, path from policy where app_id = $1 and subject = $2 order by created_at, source`
	countSources = `select count(*) from policy where app_id = $1 and subject = $2`
	sourcesOf    = `select source from policy where app_id = $1 and subject = $2 order by created_at, source`
	insertPolicy = `
insert into policy (app_id, subject, source, permissions, path, created_at) values ($1, $2, $3, $4, $5, $6)
on conflict (app_id, subject, source) do nothing`
	deletePolicy = `delete from policy where app_id = $1 and subject = $2 and source = $3`
	dropPolicy   = `delete from policy where app_id = $1 and subject = $2`
)

func scanPolicy(s scanner) (hecate.Grant, error) {
	var g hecate.Grant
	err := s.Scan(&g.Subject, &g.Permissions, &g.Path)
	return g, err
}

// Policy returns an app's role policy by subject, but for single users and groups, who may be many.
func (db *DB) Policy(ctx context.Context, app hecate.AppID) (map[hecate.Subject][]hecate.Grant, error) {
	rows, err := many(ctx, db, scanPolicy, policyOf, app)
	if err != nil {
		return nil, err
	}
	all := make(map[hecate.Subject][]hecate.Grant)
	for _, g := range rows {
		all[g.Subject] = append(all[g.Subject], g)
	}
	return all, nil
}

// PolicyFor returns the grants of one subject.
func (db *DB) PolicyFor(ctx context.Context, app hecate.AppID, s hecate.Subject) ([]hecate.Grant, error) {
	return many(ctx, db, scanPolicy, policyFor, app, s)
}

// CountPolicy counts the grants of one subject.
func (db *DB) CountPolicy(ctx context.Context, app hecate.AppID, s hecate.Subject) (int, error) {
	return one(ctx, db, scalar[int], countSources, app, s)
}

// PolicySources lists the grants of a subject as they were written.
func (db *DB) PolicySources(ctx context.Context, app hecate.AppID, s hecate.Subject) ([]string, error) {
	return many(ctx, db, scalar[string], sourcesOf, app, s)
}

// InsertPolicy adds a grant, written as source, and reports whether it was new.
func (db *DB) InsertPolicy(ctx context.Context, app hecate.AppID, source string, g hecate.Grant) (bool, error) {
	return db.changed(ctx, insertPolicy, app, g.Subject, source, g.Permissions, g.Path, db.now())
}

// DeletePolicy removes a grant by its exact text and reports whether it was there.
func (db *DB) DeletePolicy(ctx context.Context, app hecate.AppID, s hecate.Subject, source string) (bool, error) {
	return db.changed(ctx, deletePolicy, app, s, source)
}
