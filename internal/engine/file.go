package engine

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/gabriel-vasile/mimetype"

	"hecate"
	"hecate/internal/store"
)

const (
	handleBytes    = 20
	sniffBytes     = 3072
	maxFileName    = 512
	maxMediaType   = 256
	stagedFor      = time.Hour
	sweepFileBatch = 500
	// strayAge is how old bytes must be to be strays: a file that is being stored has bytes before it has a row.
	strayAge   = 24 * time.Hour
	strayBatch = 100
)

// Upload is a file on its way in. Bytes are read once, to the end.
type Upload struct {
	Name  string
	Type  string // media type as declared; "" is found out from the bytes
	Bytes io.Reader
	Limit int64 // 0: Limits.FileBytes
}

// StageFile stores the bytes durably and returns the reference to put into a record's Values. A staged file that no
// record takes is swept after an hour. Kinds: Forbidden for an actor who may write nothing, TooLarge, Invalid.
func (e *Engine) StageFile(ctx context.Context, actor *hecate.Actor, in Upload) (hecate.FileRef, error) {
	const op = "store file"
	if actor == nil || actor.App == nil || !mayUpload(actor) {
		return hecate.FileRef{}, e.forbid(actor, op, "")
	}
	return e.stage(ctx, actor.App.ID, actor.UserID(), in)
}

// mayUpload reports whether the actor could put a file anywhere: whoever presented nothing cannot.
func mayUpload(actor *hecate.Actor) bool {
	return actor.Kind != hecate.Guest || actor.Key != nil ||
		slices.ContainsFunc(actor.Policy, func(g hecate.Grant) bool { return g.Permissions&(hecate.Create|hecate.Update) != 0 })
}

func (e *Engine) stage(ctx context.Context, app hecate.AppID, owner hecate.UserID, in Upload) (hecate.FileRef, error) {
	const op = "store file"
	limit := e.limits.FileBytes
	if in.Limit > 0 {
		limit = in.Limit
	}
	f, err := e.newFile(app, owner, in)
	if err != nil {
		return hecate.FileRef{}, err
	}
	if f.Type == "" {
		if f.Type, in.Bytes, err = sniff(in.Bytes); err != nil {
			return hecate.FileRef{}, fmt.Errorf("%s: %w", op, err)
		}
	}
	if f.Size, f.Digest, err = e.blobs.Put(ctx, blobName(app, f.ID), in.Bytes, limit); err != nil {
		return hecate.FileRef{}, fmt.Errorf("%s: %w", op, err)
	}
	if err := e.db.Write(ctx, func(tx *store.DB) error { return tx.InsertFile(ctx, f) }); err != nil {
		e.dropBlobs(context.WithoutCancel(ctx), app, []hecate.FileID{f.ID})
		return hecate.FileRef{}, fmt.Errorf("%s: %w", op, err)
	}
	return f.FileRef, nil
}

// checkUpload refuses names and media types that cannot be kept. Kinds: Invalid on "name" or "type".
func checkUpload(in Upload) error {
	const op = "store file"
	if badText(in.Name) != "" || len(in.Name) > maxFileName || strings.ContainsFunc(in.Name, unicode.IsControl) {
		return hecate.E(hecate.Invalid, op).On("name").Says("unusable file name")
	}
	if badText(in.Type) != "" || len(in.Type) > maxMediaType || strings.ContainsFunc(in.Type, unicode.IsControl) {
		return hecate.E(hecate.Invalid, op).On("type").Says("unusable media type")
	}
	return nil
}

// newFile is a file without bytes. Kinds: as checkUpload.
func (e *Engine) newFile(app hecate.AppID, owner hecate.UserID, in Upload) (*hecate.File, error) {
	if err := checkUpload(in); err != nil {
		return nil, err
	}
	f := &hecate.File{App: app, Owner: owner, Public: true, CreatedAt: e.stamp(), FileRef: hecate.FileRef{Name: in.Name, Type: in.Type}}
	return f, e.nameFile(f)
}

// nameFile gives a file its id and its unguessable handle.
func (e *Engine) nameFile(f *hecate.File) error {
	id, err := e.newID()
	if err != nil {
		return err
	}
	handle := make([]byte, handleBytes)
	if _, err := io.ReadFull(e.rand, handle); err != nil {
		return fmt.Errorf("name a file: %w", err)
	}
	f.ID, f.Handle = hecate.FileID(id), hex.EncodeToString(handle)
	return nil
}

// sniff finds out a media type and returns a reader that still gives every byte.
func sniff(r io.Reader) (string, io.Reader, error) {
	head := make([]byte, sniffBytes)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", nil, err
	}
	return mimetype.Detect(head[:n]).String(), io.MultiReader(bytes.NewReader(head[:n]), r), nil
}

func blobName(app hecate.AppID, id hecate.FileID) string { return string(app) + "/" + string(id) }

// DiscardFiles removes staged files at once, after a failed write. Errors are left to the sweeper.
func (e *Engine) DiscardFiles(ctx context.Context, actor *hecate.Actor, refs []hecate.FileRef) {
	if len(refs) == 0 || appOf(actor) == "" {
		return
	}
	ctx = context.WithoutCancel(ctx)
	ids := make([]hecate.FileID, len(refs))
	for i, r := range refs {
		ids[i] = r.ID
	}
	if err := e.discard(ctx, actor.App.ID, ids); err != nil {
		e.log.WarnContext(ctx, "discard staged files", "err", err)
	}
}

// discard removes the rows of staged files, then their bytes.
func (e *Engine) discard(ctx context.Context, app hecate.AppID, ids []hecate.FileID) error {
	var gone []hecate.FileID
	err := e.db.Write(ctx, func(tx *store.DB) (err error) {
		gone, err = tx.DeleteFiles(ctx, app, "", ids)
		return err
	})
	if err != nil {
		return err
	}
	e.dropBlobs(ctx, app, gone)
	return nil
}

// CopyFile stages a copy of a stored file of the same app, by its handle. Kinds: NotFound.
func (e *Engine) CopyFile(ctx context.Context, actor *hecate.Actor, handle string) (hecate.FileRef, error) {
	f, r, err := e.OpenFile(ctx, handle)
	if err != nil {
		return hecate.FileRef{}, err
	}
	defer r.Close()
	if f.App != appOf(actor) {
		return hecate.FileRef{}, hecate.E(hecate.NotFound, "copy file")
	}
	return e.StageFile(ctx, actor, Upload{Name: f.Name, Type: f.Type, Bytes: r, Limit: max(f.Size, 1)})
}

// OpenFile returns a file and its bytes by its unguessable handle. The caller closes the reader. Kinds: NotFound.
func (e *Engine) OpenFile(ctx context.Context, handle string) (*hecate.File, io.ReadSeekCloser, error) {
	const op = "open file"
	if len(handle) != 2*handleBytes || badText(handle) != "" {
		return nil, nil, hecate.E(hecate.NotFound, op)
	}
	f, err := e.db.FileByHandle(ctx, handle)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", op, err)
	}
	if f.Record == "" || !f.Public {
		return nil, nil, hecate.E(hecate.NotFound, op)
	}
	r, err := e.blobs.Open(ctx, blobName(f.App, f.ID))
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", op, err)
	}
	return f, r, nil
}

// takeFiles gives the files that are new in doc to the record, completes their references, and
// removes the rows of those that are gone; their blobs are returned, to be dropped after the commit.
// Kinds: Invalid on the field whose file is no staged one of this app.
func (e *Engine) takeFiles(ctx context.Context, tx *store.DB, c *hecate.Collection, r *hecate.Record, before, doc store.Document) ([]hecate.FileID, error) {
	had, has := fileSlots(before), fileSlots(doc)
	var fresh, gone []hecate.FileID
	for id := range has {
		if _, kept := had[id]; !kept {
			fresh = append(fresh, id)
		}
	}
	for id, slot := range had {
		if at, kept := has[id]; !kept {
			gone = append(gone, id)
		} else {
			doc[at] = before[slot] // whatever else the caller says of it
		}
	}
	if err := e.attach(ctx, tx, c, r, doc, has, fresh); err != nil || len(gone) == 0 {
		return nil, err
	}
	return tx.DeleteFiles(ctx, c.App, r.ID, gone)
}

func fileSlots(d store.Document) map[hecate.FileID]string {
	var slots map[hecate.FileID]string
	for slot, v := range d {
		if f, ok := v.(hecate.FileRef); ok {
			if slots == nil {
				slots = map[hecate.FileID]string{}
			}
			slots[f.ID] = slot
		}
	}
	return slots
}

func (e *Engine) attach(ctx context.Context, tx *store.DB, c *hecate.Collection, r *hecate.Record, doc store.Document, slots map[hecate.FileID]string, fresh []hecate.FileID) error {
	if len(fresh) == 0 {
		return nil
	}
	slices.Sort(fresh)
	rows, err := tx.Files(ctx, c.App, fresh)
	if err != nil {
		return err
	}
	for _, f := range rows {
		if f.Record == "" && filled(f) {
			doc[slots[f.ID]] = f.FileRef
			delete(slots, f.ID)
		}
	}
	for _, id := range fresh {
		if slot, missing := slots[id]; missing {
			return invalid(fieldName(c, slot), "no such staged file")
		}
	}
	n, err := tx.AttachFiles(ctx, c.App, r.ID, fresh)
	if err == nil && n != len(fresh) {
		err = hecate.E(hecate.Stale, "write record").Says("a file was taken by another record")
	}
	return err
}

func fieldName(c *hecate.Collection, slot string) string {
	for _, f := range c.Schema {
		if f.Slot == slot {
			return f.Name
		}
	}
	return slot
}

// dropBlobs removes the bytes of files whose rows are gone. What fails is logged: nothing leads there any more.
func (e *Engine) dropBlobs(ctx context.Context, app hecate.AppID, ids []hecate.FileID) {
	for _, id := range ids {
		if err := e.blobs.Delete(ctx, blobName(app, id)); err != nil {
			e.log.WarnContext(ctx, "delete the bytes of a file", "app", app, "file", id, "err", err)
		}
	}
}

// dropLater is dropBlobs beside the callers, once the write is durable. Run waits for it before it returns.
func (e *Engine) dropLater(ctx context.Context, tx *store.DB, app hecate.AppID, ids []hecate.FileID) {
	if len(ids) == 0 {
		return
	}
	ctx = context.WithoutCancel(ctx)
	tx.After(func() { e.drops.Go(func() { e.dropBlobs(ctx, app, ids) }) })
}

// sweepFiles removes the files of all apps that no record has taken within an hour.
func (e *Engine) sweepFiles(ctx context.Context) error {
	for {
		old, err := e.db.StagedFiles(ctx, e.now().Add(-stagedFor), sweepFileBatch)
		if err != nil {
			return fmt.Errorf("sweep files: %w", err)
		}
		byApp := map[hecate.AppID][]hecate.FileID{}
		for _, f := range old {
			byApp[f.App] = append(byApp[f.App], f.ID)
		}
		for app, ids := range byApp {
			if err := e.discard(ctx, app, ids); err != nil {
				return fmt.Errorf("sweep files: %w", err)
			}
		}
		if len(old) < sweepFileBatch {
			return nil
		}
	}
}

// sweepStrays removes bytes that no file names. A process that ends between a commit and the removal of the bytes that
// it made useless leaves such.
func (e *Engine) sweepStrays(ctx context.Context) error {
	const op = "sweep strays"
	before := e.now().Add(-strayAge)
	var app hecate.AppID
	var ids []hecate.FileID
	for b, err := range e.blobs.All(ctx) {
		if err != nil {
			return fmt.Errorf("%s: %w", op, err)
		}
		of, id, ok := strings.Cut(b.Name, "/")
		if !ok || !b.StoredAt.Before(before) {
			continue
		}
		if hecate.AppID(of) != app || len(ids) == strayBatch {
			if err := e.dropStrays(ctx, app, ids); err != nil {
				return fmt.Errorf("%s: %w", op, err)
			}
			app, ids = hecate.AppID(of), ids[:0]
		}
		ids = append(ids, hecate.FileID(id))
	}
	if err := e.dropStrays(ctx, app, ids); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return nil
}

// dropStrays removes those of an app's bytes that no file names. Bytes of an app that is not in this database stay:
// another server may keep its files here too, and a database that was put back in a hurry may be the wrong one.
func (e *Engine) dropStrays(ctx context.Context, app hecate.AppID, ids []hecate.FileID) error {
	if len(ids) == 0 {
		return nil
	}
	if _, err := e.db.App(ctx, app); errors.Is(err, hecate.NotFound) {
		return nil
	} else if err != nil {
		return err
	}
	rows, err := e.db.Files(ctx, app, ids)
	if err != nil {
		return err
	}
	named := make(map[hecate.FileID]bool, len(rows))
	for _, f := range rows {
		named[f.ID] = true
	}
	strays := slices.DeleteFunc(ids, func(id hecate.FileID) bool { return named[id] })
	e.dropBlobs(ctx, app, strays)
	if len(strays) > 0 {
		e.log.InfoContext(ctx, "removed bytes that no file names", "app", app, "count", len(strays))
	}
	return nil
}
