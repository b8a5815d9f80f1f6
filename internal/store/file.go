package store

import (
	"context"
	"time"

	"hecate"
)

const (
	fileColumns = `f.app_id, f.id, f.handle, f.name, f.type, f.size, f.digest, f.owner_id, f.record_id, f.public, f.created_at`

	fileByHandle = `select ` + fileColumns + ` from files f where f.handle = $1`
	filesByIDs   = `select ` + fileColumns + ` from files f where f.app_id = $1 and f.id in `
	stagedFiles  = `select ` + fileColumns + ` from files f where f.record_id = '' and f.created_at < $1 order by f.created_at limit $2`

	insertFile = `
insert into files (app_id, id, handle, name, type, size, digest, owner_id, record_id, public, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`

	attachFiles       = `update files set record_id = $2 where app_id = $1 and record_id = '' and id in `
	deleteAttached    = `delete from files where app_id = $1 and record_id = $2 and id in `
	deleteStaged      = `delete from files where app_id = $1 and record_id = '' and id in `
	deleteRecordFiles = `delete from files where app_id = $1 and record_id = $2 returning id`
	deleteFilesIn     = `
delete from files where app_id = $1 and record_id in
  (select r.id from records r where r.app_id = $1 and r.collection_id = $2) returning id`
	deleteFilesOf = `
delete from files where app_id = $1 and (record_id = '' and owner_id = $2
  or record_id in (select r.id from records r where r.app_id = $1 and (r.owner_id = $2 or r.id = $2))) returning id`
)

func scanFile(s scanner) (*hecate.File, error) {
	var f hecate.File
	err := s.Scan(&f.App, &f.ID, &f.Handle, &f.Name, &f.Type, &f.Size, &f.Digest, &f.Owner, &f.Record, &f.Public, &f.CreatedAt)
	return &f, err
}

// InsertFile stores the row of a file.
func (db *DB) InsertFile(ctx context.Context, f *hecate.File) error {
	return db.run(ctx, insertFile, f.App, f.ID, f.Handle, f.Name, f.Type, f.Size, f.Digest, f.Owner, f.Record, f.Public, f.CreatedAt)
}

// FileByHandle returns a file of any app by its unguessable handle. Kinds: NotFound.
func (db *DB) FileByHandle(ctx context.Context, handle string) (*hecate.File, error) {
	return one(ctx, db, scanFile, fileByHandle, handle)
}

// Files returns those of the app's files that exist.
func (db *DB) Files(ctx context.Context, app hecate.AppID, ids []hecate.FileID) ([]*hecate.File, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	b := binds{args: []any{app}}
	return many(ctx, db, scanFile, filesByIDs+list(&b, ids), b.args...)
}

// AttachFiles gives staged files to a record and returns how many were still there to give.
func (db *DB) AttachFiles(ctx context.Context, app hecate.AppID, id hecate.RecordID, files []hecate.FileID) (int, error) {
	if len(files) == 0 {
		return 0, nil
	}
	b := binds{args: []any{app, id}}
	n, err := db.exec(ctx, attachFiles+list(&b, files), b.args...)
	return int(n), err
}

// DeleteFiles removes rows of files that a record holds, or staged ones with an empty id,
// and returns which there were.
func (db *DB) DeleteFiles(ctx context.Context, app hecate.AppID, id hecate.RecordID, files []hecate.FileID) ([]hecate.FileID, error) {
	if len(files) == 0 {
		return nil, nil
	}
	b := binds{args: []any{app}}
	text := deleteStaged
	if id != "" {
		b.add(id)
		text = deleteAttached
	}
	return many(ctx, db, scalar[hecate.FileID], text+list(&b, files)+` returning id`, b.args...)
}

// DeleteRecordFiles removes the rows of a record's files and returns their ids.
func (db *DB) DeleteRecordFiles(ctx context.Context, app hecate.AppID, id hecate.RecordID) ([]hecate.FileID, error) {
	return many(ctx, db, scalar[hecate.FileID], deleteRecordFiles, app, id)
}

// DeleteCollectionFiles removes the rows of the files of all records of a
// collection and returns their ids.
func (db *DB) DeleteCollectionFiles(ctx context.Context, app hecate.AppID, id hecate.CollectionID) ([]hecate.FileID, error) {
	return many(ctx, db, scalar[hecate.FileID], deleteFilesIn, app, id)
}

// StagedFiles returns up to limit files of all apps that no record has taken and that are older than before.
func (db *DB) StagedFiles(ctx context.Context, before time.Time, limit int) ([]*hecate.File, error) {
	return many(ctx, db, scanFile, stagedFiles, before, limit)
}
