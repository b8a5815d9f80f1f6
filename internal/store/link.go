package store

import (
	"context"

	"hecate"
)

const (
	insertLinks = `
insert into links (app_id, from_id, name, to_id, created_at)
select u.app_id, cast($2 as text), cast($3 as text), u.id, cast($4 as bigint) from users u where u.app_id = $1 and u.id in `
	deleteLinks = `delete from links where app_id = $1 and from_id = $2 and name = $3 and to_id in `

	linksFrom  = ` from links l where l.app_id = $1 and l.from_id = $2 and l.name = $3`
	linksTo    = ` from links l where l.app_id = $1 and l.to_id = $2 and l.name = $3`
	linkedBack = ` and exists (select 1 from links b where b.app_id = $1 and b.from_id = l.to_id and b.name = $3 and b.to_id = $2)`
	linkOrder  = ` order by l.created_at, l.`
)

// Links says which links of a user are meant.
type Links struct {
	User  hecate.UserID
	Name  string
	To    bool // those that lead to him, not those that go out from him
	Both  bool // only those that another one leads back
	Limit int  // 0: none
	Skip  int
}

func (l Links) text() (condition, other string) {
	switch {
	case l.Both:
		return linksFrom + linkedBack, "to_id"
	case l.To:
		return linksTo, "from_id"
	}
	return linksFrom, "to_id"
}

// InsertLinks makes links from a user to others; those that are there already and those to nobody are left out.
func (db *DB) InsertLinks(ctx context.Context, app hecate.AppID, from hecate.UserID, name string, to []hecate.UserID) error {
	b := binds{args: []any{app, from, name, db.now()}}
	return db.run(ctx, insertLinks+list(&b, to)+" on conflict (app_id, from_id, name, to_id) do nothing", b.args...)
}

// DeleteLinks takes links away.
func (db *DB) DeleteLinks(ctx context.Context, app hecate.AppID, from hecate.UserID, name string, to []hecate.UserID) error {
	b := binds{args: []any{app, from, name}}
	return db.run(ctx, deleteLinks+list(&b, to), b.args...)
}

// LinkedUsers returns the users at the other end, the oldest link first.
func (db *DB) LinkedUsers(ctx context.Context, app hecate.AppID, l Links) ([]hecate.UserID, error) {
	condition, other := l.text()
	return many(ctx, db, scalar[hecate.UserID], "select l."+other+condition+linkOrder+other+" limit $4 offset $5", app, l.User, l.Name, l.Limit, l.Skip)
}

// CountLinks counts the users at the other end.
func (db *DB) CountLinks(ctx context.Context, app hecate.AppID, l Links) (int, error) {
	condition, _ := l.text()
	return one(ctx, db, scalar[int], "select count(*)"+condition, app, l.User, l.Name)
}
