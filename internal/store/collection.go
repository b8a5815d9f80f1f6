package store

import (
	"context"
	"encoding/json"
	"strings"

	"hecate"
)

const (
	collectionColumns = `
  c.app_id, c.id, c.seq, c.name, c.kind, c.description, c.schema, c.open, c.revision,
  c.own, c.grants, c.defaults, c.metadata, c.extra, c.created_at, c.updated_at`

	collections      = `select` + collectionColumns + ` from collections c where c.app_id = $1 order by c.seq`
	collectionByID   = `select` + collectionColumns + ` from collections c where c.app_id = $1 and c.id = $2`
	collectionByName = `select` + collectionColumns + ` from collections c where c.app_id = $1 and c.name_match = $2`
	countCollections = `select count(*) from collections where app_id = $1`

	insertCollection = `
insert into collections (app_id, id, seq, name, name_match, kind, description, schema, open, revision,
  own, grants, defaults, metadata, extra, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
on conflict (app_id, name_match) do nothing`

	updateCollection = `
update collections set description = $3, schema = $4, open = $5, revision = $6, own = $7, grants = $8,
  defaults = $9, metadata = $10, extra = $11, updated_at = $12
where app_id = $1 and id = $2`

	deleteCollection = `delete from collections where app_id = $1 and id = $2`
)

// fieldJSON and accessJSON are stored forms: what is zero is left out.
type fieldRow struct {
	Name    string              `json:"name"`
	Type    hecate.FieldType    `json:"type"`
	Target  hecate.CollectionID `json:"target,omitempty"`
	Ordered bool                `json:"ordered,omitempty"`
	Indexed bool                `json:"indexed,omitempty"`
	Unique  bool                `json:"unique,omitempty"`
	Fold    bool                `json:"fold,omitempty"`
	Slot    string              `json:"slot"`
	Dropped bool                `json:"dropped,omitempty"`
}

type grantRow struct {
	Subject     hecate.Subject     `json:"subject"`
	Permissions hecate.Permissions `json:"permissions"`
}

type accessRow struct {
	Own    bool       `json:"own,omitempty"`
	Grants []grantRow `json:"grants,omitempty"`
}

func grantRows(grants []hecate.Grant) []grantRow {
	rows := make([]grantRow, len(grants))
	for i, g := range grants {
		rows[i] = grantRow{g.Subject, g.Permissions}
	}
	return rows
}

func grantsOf(rows []grantRow) []hecate.Grant {
	var grants []hecate.Grant
	for _, r := range rows {
		grants = append(grants, hecate.Grant{Subject: r.Subject, Permissions: r.Permissions})
	}
	return grants
}

// collectionJSON are the columns of a collection that hold JSON.
type collectionJSON struct {
	schema, grants, metadata, extra string
	defaults                        *string
}

func encodeCollection(c *hecate.Collection) (j collectionJSON, err error) {
	fields := make([]fieldRow, len(c.Schema))
	for i, f := range c.Schema {
		fields[i] = fieldRow(f)
	}
	encode := func(v any) string {
		b, e := json.Marshal(v)
		if e != nil {
			err = e
		}
		return string(b)
	}
	j = collectionJSON{schema: encode(fields), grants: encode(grantRows(c.Access.Grants)), extra: encode(orEmpty(c.Extra))}
	if c.Defaults != nil {
		text := encode(accessRow{c.Defaults.Own, grantRows(c.Defaults.Grants)})
		j.defaults = &text
	}
	metadata, e := encodeMap(c.Metadata)
	if e != nil {
		err = e
	}
	j.metadata = string(metadata)
	return j, err
}

func orEmpty(x hecate.Extra) hecate.Extra {
	if x == nil {
		return hecate.Extra{}
	}
	return x
}

func decodeExtra(raw []byte) (hecate.Extra, error) {
	var x hecate.Extra
	if err := decodeJSON(raw, &x); err != nil {
		return nil, err
	}
	for _, m := range x {
		for k, v := range m {
			m[k] = plainNumbers(v)
		}
	}
	return x, nil
}

func scanCollection(s scanner) (*hecate.Collection, error) {
	var c hecate.Collection
	var schema, grants, defaults, metadata, extra json.RawMessage
	if err := s.Scan(&c.App, &c.ID, &c.Seq, &c.Name, &c.Kind, &c.Description, &schema, &c.Open, &c.Revision,
		&c.Access.Own, &grants, &defaults, &metadata, &extra, &c.CreatedAt, &c.UpdatedAt); err != nil {
		return nil, err
	}
	var fields []fieldRow
	var rows []grantRow
	if err := decodeJSON(schema, &fields); err != nil {
		return nil, err
	}
	if err := decodeJSON(grants, &rows); err != nil {
		return nil, err
	}
	for _, f := range fields {
		c.Schema = append(c.Schema, hecate.Field(f))
	}
	c.Access.Grants = grantsOf(rows)
	if defaults != nil {
		var a accessRow
		if err := decodeJSON(defaults, &a); err != nil {
			return nil, err
		}
		c.Defaults = &hecate.Access{Own: a.Own, Grants: grantsOf(a.Grants)}
	}
	var err error
	if c.Metadata, err = decodeMap(metadata); err != nil {
		return nil, err
	}
	c.Extra, err = decodeExtra(extra)
	return &c, err
}

// Collections returns all collections of an app in the order of their Seq.
func (db *DB) Collections(ctx context.Context, app hecate.AppID) ([]*hecate.Collection, error) {
	return many(ctx, db, scanCollection, collections, app)
}

// Collection returns a collection by id. Kinds: NotFound.
func (db *DB) Collection(ctx context.Context, app hecate.AppID, id hecate.CollectionID) (*hecate.Collection, error) {
	return one(ctx, db, scanCollection, collectionByID, app, id)
}

// CollectionByName returns a collection by name, compared without case. Kinds: NotFound.
func (db *DB) CollectionByName(ctx context.Context, app hecate.AppID, name string) (*hecate.Collection, error) {
	return one(ctx, db, scanCollection, collectionByName, app, FoldName(name))
}

// CountCollections says how many collections an app has.
func (db *DB) CountCollections(ctx context.Context, app hecate.AppID) (int, error) {
	return one(ctx, db, scalar[int], countCollections, app)
}

// InsertCollection stores a new collection and reports whether its name was free.
func (db *DB) InsertCollection(ctx context.Context, c *hecate.Collection) (bool, error) {
	j, err := encodeCollection(c)
	if err != nil {
		return false, err
	}
	return db.changed(ctx, insertCollection, c.App, c.ID, c.Seq, c.Name, FoldName(c.Name), int64(c.Kind), c.Description,
		j.schema, c.Open, c.Revision, c.Access.Own, j.grants, j.defaults, j.metadata, j.extra, c.CreatedAt, c.UpdatedAt)
}

// UpdateCollection stores everything of a collection but its name, number and kind. Kinds: NotFound.
func (db *DB) UpdateCollection(ctx context.Context, c *hecate.Collection) error {
	j, err := encodeCollection(c)
	if err != nil {
		return err
	}
	return db.must(ctx, updateCollection, c.App, c.ID, c.Description, j.schema, c.Open, c.Revision,
		c.Access.Own, j.grants, j.defaults, j.metadata, j.extra, c.UpdatedAt)
}

// DeleteCollection removes a collection with its records; their files are the
// caller's to remove before. Kinds: NotFound.
func (db *DB) DeleteCollection(ctx context.Context, app hecate.AppID, id hecate.CollectionID) error {
	return db.must(ctx, deleteCollection, app, id)
}

// CountRecords counts the shared records of each collection, up to max (0: all of them), in one query.
func (db *DB) CountRecords(ctx context.Context, app hecate.AppID, ids []hecate.CollectionID, max int) (map[hecate.CollectionID]int, error) {
	counts := make(map[hecate.CollectionID]int, len(ids))
	if len(ids) == 0 {
		return counts, nil
	}
	b := binds{args: []any{app}}
	bound := ""
	if max > 0 {
		bound = " limit " + b.add(max)
	}
	parts := make([]string, len(ids))
	for i, id := range ids {
		at := b.add(id)
		parts[i] = `select cast(` + at + ` as text), count(*) from (select 1 from records r
where r.app_id = $1 and r.collection_id = ` + at + ` and not r.private` + bound + `) n`
	}
	type row struct {
		id hecate.CollectionID
		n  int
	}
	rows, err := many(ctx, db, func(s scanner) (r row, err error) {
		err = s.Scan(&r.id, &r.n)
		return r, err
	}, strings.Join(parts, "\nunion all\n"), b.args...)
	for _, r := range rows {
		counts[r.id] = r.n
	}
	return counts, err
}

const revisionOf = `select c.revision from collections c where c.app_id = $1 and c.id = $2`

// HoldRevision returns the current revision of the schema of c and keeps it from
// changing until this Write ends. Kinds: NotFound.
func (db *DB) HoldRevision(ctx context.Context, c *hecate.Collection) (int64, error) {
	text := revisionOf
	if !db.Single() {
		text += ` for share`
	}
	return one(ctx, db, scalar[int64], text, c.App, c.ID)
}
