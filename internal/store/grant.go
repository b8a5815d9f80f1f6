package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hecate"
)

// The grants of a record to subjects without a name are columns of its row;
// those that name somebody are rows of record_grants.

// namedGrants gathers a record's rows into one text: "12 user:…" by lines.
const namedGrants = `case when r.own then coalesce((select string_agg(cast(g.permissions as text) || ' ' || g.subject, '
') from record_grants g where g.app_id = r.app_id and g.record_id = r.id), '') else '' end`

const (
	deleteGrants    = `delete from record_grants where app_id = $1 and record_id = $2`
	insertGrants    = `insert into record_grants (app_id, record_id, subject, permissions) values `
	deleteGrantsFor = `delete from record_grants where app_id = $1 and subject = $2`
)

// nameless are the permissions of the subjects that are columns.
type nameless struct{ public, anyone, owner hecate.Permissions }

func namelessOf(a hecate.Access) nameless {
	return nameless{a.Of(hecate.Public), a.Of(hecate.Anyone), a.Of(hecate.Owner)}
}

// accessOf puts an access together again: Public, Anyone, Owner, then the named ones in order.
func accessOf(own bool, n nameless, named string) (hecate.Access, error) {
	a := hecate.Access{Own: own}
	if !own {
		return a, nil
	}
	for _, g := range []hecate.Grant{
		{Subject: hecate.Public, Permissions: n.public},
		{Subject: hecate.Anyone, Permissions: n.anyone},
		{Subject: hecate.Owner, Permissions: n.owner},
	} {
		if g.Permissions != 0 {
			a.Grants = append(a.Grants, g)
		}
	}
	at := len(a.Grants)
	for line := range strings.Lines(named) {
		number, subject, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		p, err := strconv.ParseUint(number, 10, 16)
		if err != nil {
			return a, fmt.Errorf("stored grants: %w", err)
		}
		a.Grants = append(a.Grants, hecate.Grant{Subject: hecate.Subject(subject), Permissions: hecate.Permissions(p)})
	}
	slices.SortFunc(a.Grants[at:], func(x, y hecate.Grant) int { return cmp.Compare(x.Subject, y.Subject) })
	return a, nil
}

// named sums the grants to subjects with a name, one for each subject.
func named(a hecate.Access) []hecate.Grant {
	var list []hecate.Grant
	if !a.Own {
		return nil
	}
	for _, g := range a.Grants {
		switch g.Subject {
		case hecate.Public, hecate.Anyone, hecate.Owner:
			continue
		}
		if i := slices.IndexFunc(list, func(have hecate.Grant) bool { return have.Subject == g.Subject }); i >= 0 {
			list[i].Permissions |= g.Permissions
			continue
		}
		list = append(list, hecate.Grant{Subject: g.Subject, Permissions: g.Permissions})
	}
	return list
}

// insertNamed stores the grants of a that name somebody.
func (db *DB) insertNamed(ctx context.Context, app hecate.AppID, id hecate.RecordID, a hecate.Access) error {
	list := named(a)
	if len(list) == 0 {
		return nil
	}
	b := binds{args: []any{app, id}}
	rows := make([]string, len(list))
	for i, g := range list {
		rows[i] = "($1,$2," + b.add(g.Subject) + "," + b.add(int64(g.Permissions)) + ")"
	}
	return db.run(ctx, insertGrants+strings.Join(rows, ","), b.args...)
}

// replaceNamed stores the grants of a that name somebody instead of those before.
func (db *DB) replaceNamed(ctx context.Context, app hecate.AppID, id hecate.RecordID, before, a hecate.Access) error {
	if len(named(before)) > 0 {
		if err := db.run(ctx, deleteGrants, app, id); err != nil {
			return err
		}
	}
	return db.insertNamed(ctx, app, id, a)
}

// DeleteGrantsFor removes the grants of records that name the subject.
func (db *DB) DeleteGrantsFor(ctx context.Context, app hecate.AppID, s hecate.Subject) error {
	return db.run(ctx, deleteGrantsFor, app, s)
}

// visible is the condition that v lets the record r through. $1 is the app.
func visible(b *binds, v hecate.Visibility) string {
	switch {
	case v.All:
		return "true"
	case v.None:
		return "false"
	}
	want := b.add(int64(v.Want))
	holds := func(column string) string { return "(" + column + " & " + want + ") <> 0" }
	ways := []string{}
	var names []hecate.Subject
	for _, s := range v.Subjects {
		switch s {
		case hecate.Public:
			ways = append(ways, holds("r.for_public"))
		case hecate.Anyone:
			ways = append(ways, holds("r.for_anyone"))
		default:
			names = append(names, s)
		}
	}
	if v.User != "" {
		ways = append(ways, "r.owner_id = "+b.add(v.User)+" and "+holds("r.for_owner"))
	}
	if len(names) > 0 {
		ways = append(ways, `exists (select 1 from record_grants g where g.app_id = $1 and g.record_id = r.id and g.subject in `+
			list(b, names)+` and `+holds("g.permissions")+`)`)
	}
	text := "false"
	if len(ways) > 0 {
		text = "r.own and (" + strings.Join(ways, " or ") + ")"
	}
	if v.Ungoverned {
		text = "not r.own or " + text
	}
	return "(" + text + ")"
}
