package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"hecate"
)

const (
	// A link made again moves to the front. Its time is later than that of every other of its name at either end, whatever the clock says.
	setLink = `
insert into links (app_id, from_id, name, to_id, created_at)
select $1, cast($2 as text), cast($3 as text), cast($4 as text), max(t.at) from (
  select cast($5 as bigint) as at
  union all select max(l.created_at) + 1 from links l where l.app_id = $1 and l.from_id = $2 and l.name = $3
  union all select max(l.created_at) + 1 from links l where l.app_id = $1 and l.to_id = $4 and l.name = $3) t
where true -- or SQLite takes the next word for one of a join
on conflict (app_id, from_id, name, to_id) do update set created_at = excluded.created_at`

	deleteLink = `delete from links where app_id = $1 and from_id = $2 and name = $3 and to_id = $4`

	setGroupRecord = `
insert into group_records (app_id, group_id, record_id, created_at)
select $1, cast($2 as text), cast($3 as text), max(t.at) from (
  select cast($4 as bigint) as at
  union all select max(g.created_at) + 1 from group_records g where g.app_id = $1 and g.group_id = $2) t
where true
on conflict (app_id, group_id, record_id) do nothing`

	// Each step of the recursion leads to the next name, so that a record with a hundred thousand links of one name costs two of them.
	linkNames = `
with recursive o(id, name) as (
  select r.id, (select min(l.name) from links l where l.app_id = $1 and l.from_id = r.id) from records r where r.app_id = $1 and r.id in %[1]s
  union all
  select o.id, (select min(l.name) from links l where l.app_id = $1 and l.from_id = o.id and l.name > o.name) from o where o.name is not null
), i(id, name) as (
  select r.id, (select min(l.name) from links l where l.app_id = $1 and l.to_id = r.id) from records r where r.app_id = $1 and r.id in %[1]s
  union all
  select i.id, (select min(l.name) from links l where l.app_id = $1 and l.to_id = i.id and l.name > i.name) from i where i.name is not null
)
select o.id, o.name, 0 as leading_in from o where o.name is not null
union all
select i.id, i.name, 1 as leading_in from i where i.name is not null
order by 1, 3, 2`

	linkEnds = `
select l.to_id from links l where l.app_id = $1 and l.from_id = $2
union select l.from_id from links l where l.app_id = $1 and l.to_id = $2 limit $3`

	linkedIDs = `
select l.to_id from links l where l.app_id = $1 and l.from_id = $2 and l.name = $3 order by l.created_at desc, l.to_id desc limit $4`

	linkedCollections = `select distinct r.collection_id from `
)

// SetLink makes a link between two records that exist, or moves it to the front.
func (db *DB) SetLink(ctx context.Context, app hecate.AppID, l hecate.Link) error {
	return db.must(ctx, setLink, app, l.From, l.Name, l.To, db.now())
}

// DeleteLink takes a link away. Kinds: NotFound.
func (db *DB) DeleteLink(ctx context.Context, app hecate.AppID, l hecate.Link) error {
	return db.must(ctx, deleteLink, app, l.From, l.Name, l.To)
}

// SetGroupRecord shows a record to a group; both exist.
func (db *DB) SetGroupRecord(ctx context.Context, app hecate.AppID, g hecate.GroupID, r hecate.RecordID) error {
	return db.run(ctx, setGroupRecord, app, g, r, db.now())
}

// LinkName is one name of links at a record.
type LinkName struct {
	Record hecate.RecordID
	Name   string
	In     bool // they lead to the record
}

// LinkNames returns the names of the links at records, in order.
func (db *DB) LinkNames(ctx context.Context, app hecate.AppID, ids []hecate.RecordID) ([]LinkName, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	b := binds{args: []any{app}}
	return many(ctx, db, func(s scanner) (n LinkName, err error) {
		var in int64
		err = s.Scan((*string)(&n.Record), &n.Name, &in)
		n.In = in != 0
		return n, err
	}, fmt.Sprintf(linkNames, list(&b, ids)), b.args...)
}

// LinkEnds returns the records at the other ends of a record's links, at most limit.
func (db *DB) LinkEnds(ctx context.Context, app hecate.AppID, id hecate.RecordID, limit int) ([]hecate.RecordID, error) {
	return many(ctx, db, scalar[hecate.RecordID], linkEnds, app, id, limit)
}

// LinkedIDs returns where links of that name lead, the latest first, at most limit.
func (db *DB) LinkedIDs(ctx context.Context, app hecate.AppID, from hecate.RecordID, name string, limit int) ([]hecate.RecordID, error) {
	return many(ctx, db, scalar[hecate.RecordID], linkedIDs, app, from, name, limit)
}

// placedRow is a record as it was read, before its collection was known.
type placedRow struct {
	in  hecate.CollectionID
	at  int64 // when it was linked
	row recordRow
}

func (p *placedRow) places() []any { return append([]any{(*string)(&p.in)}, p.row.places()...) }

// record makes the record of the row.
func (p *placedRow) record(of func(hecate.CollectionID) (*hecate.Collection, error)) (*hecate.Record, error) {
	c, err := of(p.in)
	if err != nil {
		return nil, err
	}
	s, err := p.row.stored(c)
	return s.Record, err
}

// Around says what records hang on: the links of that name that go out from a record or lead to it, or a group that they are shown to.
type Around struct {
	Record hecate.RecordID
	Name   string
	In     bool
	Group  hecate.GroupID // instead of Record
}

// from is what follows "from": rows r of records, with l.created_at.
func (a Around) from(b *binds) string {
	join := func(table, near, far, id string) string {
		return table + " l join records r on r.app_id = l.app_id and r.id = l." + far + " where l.app_id = $1 and l." + near + " = " + id
	}
	switch {
	case a.Group != "":
		return join("group_records", "group_id", "record_id", b.add(a.Group))
	case a.In:
		return join("links", "to_id", "from_id", b.add(a.Record)) + " and l.name = " + b.add(a.Name)
	}
	return join("links", "from_id", "to_id", b.add(a.Record)) + " and l.name = " + b.add(a.Name)
}

// Seen is a collection, and which of its records are meant.
type Seen struct {
	Collection *hecate.Collection
	Visible    hecate.Visibility
	Filter     hecate.Filter
}

// LinkSearch is a query over the records that hang on something, the latest linked first. Query.Order is for one collection
// alone. Without an order the cursor has the time of the link (int64, microseconds) as its one value.
type LinkSearch struct {
	App     hecate.AppID
	Around  Around
	In      []Seen
	Query   hecate.Query // Filter is that of each Seen
	Targets map[hecate.CollectionID]Joined
}

// LinkedRecord is a record and when it was linked.
type LinkedRecord struct {
	*hecate.Record
	Made int64 // microseconds
}

// LinkedCollections says in which collections those records lie.
func (db *DB) LinkedCollections(ctx context.Context, app hecate.AppID, a Around) ([]hecate.CollectionID, error) {
	b := &binds{args: []any{app}}
	return many(ctx, db, scalar[hecate.CollectionID], linkedCollections+a.from(b), b.args...)
}

// Linked returns the page that s asks for. Kinds: Invalid and TooLarge on "query".
func (db *DB) Linked(ctx context.Context, s LinkSearch) (hecate.Page[LinkedRecord], error) {
	var page hecate.Page[LinkedRecord]
	if len(s.In) == 0 || s.Query.Limit == 0 {
		return page, nil
	}
	text, args, err := db.compileLinked(s)
	if err != nil {
		return page, err
	}
	rows, err := many(ctx, db, func(sc scanner) (p *placedRow, err error) {
		p = &placedRow{}
		return p, sc.Scan(append([]any{&p.at}, p.places()...)...)
	}, text, args...)
	if err != nil {
		return page, err
	}
	if page.More = len(rows) > s.Query.Limit; page.More {
		rows = rows[:s.Query.Limit]
	}
	if s.Query.Backward {
		slices.Reverse(rows)
	}
	of := s.collections()
	for _, p := range rows {
		r, err := p.record(of)
		if err != nil {
			return page, err
		}
		page.Rows = append(page.Rows, LinkedRecord{r, p.at})
	}
	return page, nil
}

func (s LinkSearch) collections() func(hecate.CollectionID) (*hecate.Collection, error) {
	all := make(map[hecate.CollectionID]*hecate.Collection, len(s.In))
	for _, in := range s.In {
		all[in.Collection.ID] = in.Collection
	}
	return func(id hecate.CollectionID) (*hecate.Collection, error) {
		if c := all[id]; c != nil {
			return c, nil
		}
		return nil, hecate.E(hecate.NotFound, "linked records").On("collection")
	}
}

// compileLinked returns the statement for the page and one row beyond it.
func (db *DB) compileLinked(s LinkSearch) (string, []any, error) {
	q := &compiler{db: db, idiom: db.eng.(idiom), b: &binds{args: []any{s.App}}, targets: s.Targets, space: "not r.private"}
	from := s.Around.from(q.b)
	parts := make([]string, len(s.In))
	for i, in := range s.In {
		l := &level{c: in.Collection, place: q.b.add(in.Collection.ID)}
		parts[i] = "r.collection_id = " + l.place + " and " + visible(q.b, in.Visible) + " and " + q.filter(l, &in.Filter, spot{place: l.place})
	}
	after, order := q.linkOrder(s)
	text := `select l.created_at, r.collection_id, ` + recordColumns + ` from ` + from + ` and not r.private and (` + strings.Join(parts, " or ") + `)` +
		after + ` order by ` + order + ` limit ` + q.b.add(s.Query.Limit+1)
	return text, q.b.args, q.done()
}

// linkOrder is order for linked records.
func (q *compiler) linkOrder(s LinkSearch) (after, by string) {
	if len(s.Query.Order) > 0 {
		if len(s.In) > 1 {
			q.invalid("records of several collections cannot be ordered by a field")
			return "", "r.seq"
		}
		after, by, _ = q.order(Search{Collection: s.In[0].Collection, Query: s.Query}, false)
		return after, by
	}
	keys := []sortKey{{text: "l.created_at", desc: true, never: true}, {text: "r.seq", desc: true, never: true}}
	if s.Query.Backward {
		keys[0].desc, keys[1].desc = false, false
	}
	if a := s.Query.After; a != nil {
		at, ok := int64(0), len(a.Values) == 1
		if ok {
			at, ok = a.Values[0].(int64)
		}
		if !ok {
			q.invalid("the cursor does not fit the order")
		}
		keys[0].value, keys[1].value = at, a.Seq
		after = " and " + q.beyond(keys)
	}
	return after, keys[0].term() + ", " + keys[1].term()
}
