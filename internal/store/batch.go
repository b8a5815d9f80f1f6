package store

import (
	"context"

	"hecate"
)

const recordsAcross = `select r.collection_id, ` + recordColumns + ` from records r where r.app_id = $1 and `

// scanAcross reads a record whose collection is not at hand yet.
func scanAcross(s scanner) (recordRow, error) {
	var row recordRow
	err := s.Scan(append([]any{(*string)(&row.record.Collection)}, row.places()...)...)
	return row, err
}

// across reads records of any collections that meet a condition; find gives their collections.
func (db *DB) across(ctx context.Context, cond string, b *binds, find func(hecate.CollectionID) (*hecate.Collection, error)) ([]Stored, error) {
	rows, err := many(ctx, db, scanAcross, recordsAcross+cond, b.args...)
	if err != nil {
		return nil, err
	}
	out := make([]Stored, len(rows))
	for i := range rows {
		c, err := find(rows[i].record.Collection)
		if err != nil {
			return nil, err
		}
		if out[i], err = rows[i].stored(c); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// RecordsByIDs returns those of the app's records that exist, whatever their space, in one query; find gives their collections.
func (db *DB) RecordsByIDs(ctx context.Context, app hecate.AppID, ids []hecate.RecordID, find func(hecate.CollectionID) (*hecate.Collection, error)) ([]Stored, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	b := &binds{args: []any{app}}
	return db.across(ctx, "r.id in "+list(b, ids), b, find)
}

// RecordsByKeys returns those of the app's records that exist under keys in collections, whatever their space, in one query.
func (db *DB) RecordsByKeys(ctx context.Context, app hecate.AppID, keys map[hecate.CollectionID][]string, find func(hecate.CollectionID) (*hecate.Collection, error)) ([]Stored, error) {
	b := &binds{args: []any{app}}
	cond := "(false"
	for id, of := range keys {
		if len(of) > 0 {
			cond += " or r.collection_id = " + b.add(id) + " and r.key in " + list(b, of)
		}
	}
	if len(b.args) == 1 {
		return nil, nil
	}
	return db.across(ctx, cond+")", b, find)
}

// Referred returns which of the records are referred to by a field of records of from, other than those that are going.
func (db *DB) Referred(ctx context.Context, from *hecate.Collection, f *hecate.Field, ids, going []hecate.RecordID) ([]hecate.RecordID, error) {
	b := &binds{args: []any{from.App, from.ID}}
	if f.Indexed {
		slot := b.add(f.Slot)
		in := list(b, ids)
		return many(ctx, db, scalar[hecate.RecordID], `select distinct i.txt from record_index i
where i.app_id = $1 and i.collection_id = $2 and i.slot = `+slot+` and i.absent = 0 and i.txt in `+in+` and i.record_id not in `+list(b, going), b.args...)
	}
	at := db.field([]string{f.Slot, tagRef, "id"}, fieldText)
	in := list(b, ids)
	return many(ctx, db, scalar[hecate.RecordID], `select distinct `+at+` from records r
where r.app_id = $1 and r.collection_id = $2 and `+at+` in `+in+` and r.id not in `+list(b, going), b.args...)
}

const fillFile = `update files set type = $3, size = $4, digest = $5 where app_id = $1 and id = $2 and digest = $6`

// FillFile stores what is known of a file's bytes where its digest is still the one before, and reports whether it was.
func (db *DB) FillFile(ctx context.Context, f *hecate.File, before string) (bool, error) {
	return db.changed(ctx, fillFile, f.App, f.ID, f.Type, f.Size, f.Digest, before)
}
