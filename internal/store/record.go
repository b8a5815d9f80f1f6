package store

import (
	"context"
	"encoding/json"
	"fmt"

	"hecate"
)

const (
	recordColumns = `r.id, r.seq, r.key, r.owner_id, r.owner_seq, r.private, r.version,
  r.own, r.for_public, r.for_anyone, r.for_owner, ` + namedGrants + `,
  r.data, r.extra, r.created_by, r.updated_by, r.created_at, r.updated_at`

	recordsIn = `select ` + recordColumns + ` from records r where r.app_id = $1 and r.collection_id = $2`
	// The id comes with the collection: an id of another one is not found here.
	recordByID  = recordsIn + ` and r.id = $3`
	recordBySeq = recordsIn + ` and r.seq = $3`
	recordByKey = recordsIn + ` and r.key = $3`

	recordIDByID  = `select r.id from records r where r.app_id = $1 and r.collection_id = $2 and r.id = $3`
	recordIDBySeq = `select r.id from records r where r.app_id = $1 and r.collection_id = $2 and r.seq = $3`
	recordIDByKey = `select r.id from records r where r.app_id = $1 and r.collection_id = $2 and r.key = $3`

	insertRecord = `
insert into records (app_id, id, collection_id, seq, key, owner_id, owner_seq, private, version, own, for_public,
  for_anyone, for_owner, data, extra, created_by, updated_by, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
on conflict do nothing`

	updateRecord = `
update records set owner_id = $4, owner_seq = $5, version = $6, own = $7, for_public = $8, for_anyone = $9,
  for_owner = $10, data = $11, extra = $12, updated_by = $13, updated_at = $14
where app_id = $1 and collection_id = $2 and id = $3`

	deleteRecord  = `delete from records where app_id = $1 and collection_id = $2 and id = $3`
	deleteOwned   = `delete from records where app_id = $1 and (owner_id = $2 or id = $2)`
	purgeRecords  = `delete from records where app_id = $1`
	purgeFiles    = `delete from files where app_id = $1 returning id`
	purgeSchema   = `delete from collections where app_id = $1`
	recordsExist  = `select 1 from records where app_id = $1 and collection_id = $2 limit 1`
	profilesByIDs = `select ` + recordColumns + ` from records r where r.app_id = $1 and r.id in `
)

// Stored is a record as it is kept: Doc holds the values by slot, and Values
// what of them the schema shows.
type Stored struct {
	*hecate.Record
	Doc  Document
	Size int // of what was read as JSON, in bytes
}

// Stamp names one state of a record: the numbers of an app are given out once, and the time moves on with every change of the row.
// What is taken from the grants of a record because its subject goes away is no change of the row.
type Stamp struct {
	Seq     int64
	Updated int64 // microseconds
}

// StampOf is the stamp of a record as it is.
func StampOf(r *hecate.Record) Stamp { return Stamp{r.Seq, r.UpdatedAt.UnixMicro()} }

const stampColumns = `r.seq, r.updated_at`

func scanStamp(s scanner) (at Stamp, err error) {
	err = s.Scan(&at.Seq, &at.Updated)
	return at, err
}

// recordRow is where a row of recordColumns is read into.
type recordRow struct {
	record                hecate.Record
	public, anyone, owner int64
	names, data, extra    string
}

func (r *recordRow) places() []any {
	return []any{(*string)(&r.record.ID), &r.record.Seq, &r.record.Key, (*string)(&r.record.Owner), &r.record.OwnerSeq, &r.record.Private,
		&r.record.Version, &r.record.Access.Own, &r.public, &r.anyone, &r.owner, &r.names, &r.data, &r.extra,
		(*string)(&r.record.CreatedBy), (*string)(&r.record.UpdatedBy), &r.record.CreatedAt, &r.record.UpdatedAt}
}

// scanRecord reads records of c. What it returns is for one query: all rows pass through the same places.
func scanRecord(c *hecate.Collection) func(scanner) (Stored, error) {
	row := &recordRow{}
	places := row.places()
	return func(s scanner) (Stored, error) {
		if err := s.Scan(places...); err != nil {
			return Stored{}, err
		}
		return row.stored(c)
	}
}

// scanWhole is scanRecord without what only this room wants of it.
func scanWhole(c *hecate.Collection) func(scanner) (*hecate.Record, error) {
	scan := scanRecord(c)
	return func(s scanner) (*hecate.Record, error) {
		r, err := scan(s)
		return r.Record, err
	}
}

// stored makes a record of c of the row.
func (r *recordRow) stored(c *hecate.Collection) (Stored, error) {
	made := r.record
	made.App, made.Collection = c.App, c.ID
	n := nameless{hecate.Permissions(r.public), hecate.Permissions(r.anyone), hecate.Permissions(r.owner)}
	var err error
	if made.Access, err = accessOf(made.Access.Own, n, r.names); err != nil {
		return Stored{}, err
	}
	doc, err := DecodeDocument(r.data)
	if err != nil {
		return Stored{}, fmt.Errorf("record %s: %w", made.ID, err)
	}
	made.Values = doc.Named(c)
	if r.extra != "{}" {
		if made.Extra, err = decodeExtra([]byte(r.extra)); err != nil {
			return Stored{}, fmt.Errorf("record %s: %w", made.ID, err)
		}
	}
	return Stored{Record: &made, Doc: doc, Size: len(r.data) + len(r.extra)}, nil
}

// RecordRef names a record in a collection: the first non-zero of ID, Seq, Key.
type RecordRef struct {
	ID  hecate.RecordID
	Seq int64
	Key string
}

// by picks the text for the reference, and its bind.
func (ref RecordRef) by(id, seq, key string) (text string, value any) {
	switch {
	case ref.ID != "":
		return id, ref.ID
	case ref.Seq != 0:
		return seq, ref.Seq
	}
	return key, ref.Key
}

// Record returns a record of c. Kinds: NotFound.
func (db *DB) Record(ctx context.Context, c *hecate.Collection, ref RecordRef) (Stored, error) {
	text, value := ref.by(recordByID, recordBySeq, recordByKey)
	return one(ctx, db, scanRecord(c), text, c.App, c.ID, value)
}

// LockRecord returns a record of c that no other Write changes until this one ends. Kinds: NotFound.
func (db *DB) LockRecord(ctx context.Context, c *hecate.Collection, ref RecordRef) (Stored, error) {
	if db.Single() {
		return db.Record(ctx, c, ref)
	}
	// Two statements: only one that begins after the lock sees the grants of the write it waited for.
	text, value := ref.by(recordIDByID, recordIDBySeq, recordIDByKey)
	id, err := one(ctx, db, scalar[hecate.RecordID], text+` for update`, c.App, c.ID, value)
	if err != nil {
		return Stored{}, err
	}
	return db.Record(ctx, c, RecordRef{ID: id})
}

// Profiles returns the profile records of users, those that exist.
func (db *DB) Profiles(ctx context.Context, c *hecate.Collection, ids []hecate.UserID) ([]Stored, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	b := binds{args: []any{c.App}}
	return many(ctx, db, scanRecord(c), profilesByIDs+list(&b, ids), b.args...)
}

// InsertRecord stores a new record of c with its grants and what makes it
// findable. Kinds: Exists on "key" or on the name of a unique field.
func (db *DB) InsertRecord(ctx context.Context, c *hecate.Collection, s Stored) error {
	r := s.Record
	data, extra, err := s.encode()
	if err != nil {
		return err
	}
	n := namelessOf(r.Access)
	ok, err := db.changed(ctx, insertRecord, r.App, r.ID, c.ID, r.Seq, r.Key, r.Owner, r.OwnerSeq, r.Private, r.Version,
		r.Access.Own, int64(n.public), int64(n.anyone), int64(n.owner), data, extra, r.CreatedBy, r.UpdatedBy, r.CreatedAt, r.UpdatedAt)
	if err != nil {
		return err
	}
	if !ok {
		return hecate.E(hecate.Exists, "create record").On("key")
	}
	if err := db.insertNamed(ctx, r.App, r.ID, r.Access); err != nil {
		return err
	}
	return db.reindex(ctx, c, r, nil, s.Doc)
}

// UpdateRecord stores a record of c instead of before, which this Write has
// locked. Kinds: Exists on the name of a unique field, NotFound.
func (db *DB) UpdateRecord(ctx context.Context, c *hecate.Collection, before, s Stored) error {
	r := s.Record
	data, extra, err := s.encode()
	if err != nil {
		return err
	}
	n := namelessOf(r.Access)
	if err := db.must(ctx, updateRecord, r.App, c.ID, r.ID, r.Owner, r.OwnerSeq, r.Version,
		r.Access.Own, int64(n.public), int64(n.anyone), int64(n.owner), data, extra, r.UpdatedBy, r.UpdatedAt); err != nil {
		return err
	}
	if !sameGrants(before.Access, r.Access) {
		if err := db.replaceNamed(ctx, r.App, r.ID, before.Access, r.Access); err != nil {
			return err
		}
	}
	return db.reindex(ctx, c, r, before.Doc, s.Doc)
}

func (s Stored) encode() (data, extra string, err error) {
	if data, err = s.Doc.Encode(); err != nil {
		return "", "", err
	}
	raw, err := json.Marshal(orEmpty(s.Extra))
	return data, string(raw), err
}

func sameGrants(a, b hecate.Access) bool {
	x, y := named(a), named(b)
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if x[i] != y[i] {
			return false
		}
	}
	return true
}

// DeleteRecord removes a record of c and everything that hangs on it but its
// files. Kinds: NotFound.
func (db *DB) DeleteRecord(ctx context.Context, c *hecate.Collection, id hecate.RecordID) error {
	return db.must(ctx, deleteRecord, c.App, c.ID, id)
}

// DeleteOwned removes the user's profile and every record it owns, with their
// rows of files and those it staged, and returns the files' ids.
func (db *DB) DeleteOwned(ctx context.Context, app hecate.AppID, u hecate.UserID) ([]hecate.FileID, error) {
	files, err := many(ctx, db, scalar[hecate.FileID], deleteFilesOf, app, u)
	if err != nil {
		return nil, err
	}
	if err := db.run(ctx, deleteOwned, app, u); err != nil {
		return nil, err
	}
	return files, db.DeleteGrantsFor(ctx, app, hecate.SubjectUser(u))
}

// PurgeRecords removes all collections, records and rows of files of an app
// and returns the files' ids.
func (db *DB) PurgeRecords(ctx context.Context, app hecate.AppID) ([]hecate.FileID, error) {
	files, err := many(ctx, db, scalar[hecate.FileID], purgeFiles, app)
	if err != nil {
		return nil, err
	}
	if err := db.run(ctx, purgeRecords, app); err != nil {
		return nil, err
	}
	return files, db.run(ctx, purgeSchema, app)
}

// HasRecords reports whether the collection holds any record.
func (db *DB) HasRecords(ctx context.Context, c *hecate.Collection) (bool, error) {
	found, err := many(ctx, db, scalar[int64], recordsExist, c.App, c.ID)
	return len(found) > 0, err
}

// Target is what a reference points to, by whatever the caller gave.
type Target struct {
	ID  hecate.RecordID
	Seq int64
	Key string
}

const (
	targetRecords = `select t.id, t.seq, t.key from records t where t.app_id = $1 and t.collection_id = $2 and `
	targetUsers   = `select t.id, t.seq, t.key from users t where t.app_id = $1 and `
)

func scanTarget(s scanner) (t Target, err error) {
	err = s.Scan(&t.ID, &t.Seq, &t.Key)
	return t, err
}

// Targets finds the records of a collection, or the users with
// hecate.UserTarget, that refs name by ID, Seq or Key, in one query: records of the shared space, and of the
// private one of a user that is not "".
func (db *DB) Targets(ctx context.Context, app hecate.AppID, in hecate.CollectionID, refs []hecate.Ref, private hecate.UserID) ([]Target, error) {
	b := binds{args: []any{app}}
	text := targetUsers
	if in != hecate.UserTarget {
		b.add(in)
		text = targetRecords + `not t.private and `
		if private != "" {
			text = targetRecords + `(not t.private or t.owner_id = ` + b.add(private) + `) and `
		}
	}
	var ids, keys []string
	var seqs []int64
	for _, r := range refs {
		switch {
		case r.ID != "":
			ids = append(ids, string(r.ID))
		case r.Seq != 0:
			seqs = append(seqs, r.Seq)
		default:
			keys = append(keys, r.Key)
		}
	}
	return many(ctx, db, scanTarget, text+anyOf(&b, ids, seqs, keys), b.args...)
}

// anyOf is the condition that t has one of the ids, numbers or keys.
func anyOf(b *binds, ids []string, seqs []int64, keys []string) string {
	text := "(false"
	if len(ids) > 0 {
		text += " or t.id in " + list(b, ids)
	}
	if len(seqs) > 0 {
		text += " or t.seq in " + list(b, seqs)
	}
	if len(keys) > 0 {
		text += " or t.key in " + list(b, keys)
	}
	return text + ")"
}
