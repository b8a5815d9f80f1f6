package store

import (
	"context"
	"strings"

	"hecate"
)

const (
	uniqueHolder = `select u.record_id from record_uniques u where u.app_id = $1 and u.collection_id = $2 and u.slot = $3 and u.value = $4`

	slotHeld = `select 1 from records r where r.app_id = $1 and r.collection_id = $2 and `

	recordsByID  = recordsIn + ` and r.id in `
	recordsBySeq = recordsIn + ` and r.seq in `
	lockByID     = `select r.id from records r where r.app_id = $1 and r.collection_id = $2 and r.id in `

	deleteRecordsIn  = `delete from records where app_id = $1 and collection_id = $2 and id in `
	deleteFilesOfAny = `delete from files where app_id = $1 and record_id in `
)

// RecordByUnique returns the id of the record of c that holds a value of a unique field. Kinds: NotFound.
func (db *DB) RecordByUnique(ctx context.Context, c *hecate.Collection, f *hecate.Field, value any) (hecate.RecordID, error) {
	return one(ctx, db, scalar[hecate.RecordID], uniqueHolder, c.App, c.ID, f.Slot, uniqueText(f, value))
}

// HoldsAny reports whether some record of c holds a value in one of the slots. It reads all of them where none does, but builds nothing.
func (db *DB) HoldsAny(ctx context.Context, c *hecate.Collection, slots []string) (bool, error) {
	if len(slots) == 0 {
		return false, nil
	}
	held := make([]string, len(slots))
	for i, slot := range slots {
		held[i] = db.field([]string{slot}, fieldJSON) + ` is not null`
	}
	found, err := many(ctx, db, scalar[int64], slotHeld+`(`+strings.Join(held, ` or `)+`) limit 1`, c.App, c.ID)
	return len(found) > 0, err
}

// RecordsBySeq returns those of the records of c that exist, in any order.
func (db *DB) RecordsBySeq(ctx context.Context, c *hecate.Collection, seqs []int64) ([]Stored, error) {
	if len(seqs) == 0 {
		return nil, nil
	}
	b := binds{args: []any{c.App, c.ID}}
	return many(ctx, db, scanRecord(c), recordsBySeq+list(&b, seqs), b.args...)
}

// LockRecords returns those of the records of c that exist, which no other Write changes until this one ends.
func (db *DB) LockRecords(ctx context.Context, c *hecate.Collection, ids []hecate.RecordID) ([]Stored, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	if !db.Single() {
		b := binds{args: []any{c.App, c.ID}}
		// In one order, so that two writes never wait for each other.
		if _, err := many(ctx, db, scalar[hecate.RecordID], lockByID+list(&b, ids)+` order by r.id for update`, b.args...); err != nil {
			return nil, err
		}
	}
	b := binds{args: []any{c.App, c.ID}}
	return many(ctx, db, scanRecord(c), recordsByID+list(&b, ids), b.args...)
}

// DeleteRecords removes records of c, everything that hangs on them, and the rows of their files, whose ids it returns.
func (db *DB) DeleteRecords(ctx context.Context, c *hecate.Collection, ids []hecate.RecordID) ([]hecate.FileID, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	b := binds{args: []any{c.App}}
	files, err := many(ctx, db, scalar[hecate.FileID], deleteFilesOfAny+list(&b, ids)+` returning id`, b.args...)
	if err != nil {
		return nil, err
	}
	b = binds{args: []any{c.App, c.ID}}
	return files, db.run(ctx, deleteRecordsIn+list(&b, ids), b.args...)
}
