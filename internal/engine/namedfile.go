package engine

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"hecate"
	"hecate/internal/secret"
	"hecate/internal/store"
)

// idLength is how long an id is as text.
const idLength = 36

// FileName is how a file is called in public: its id and its own name.
func FileName(f hecate.FileRef) string { return string(f.ID) + "-" + f.Name }

// splitFileName takes a public name apart; false when it is none.
func splitFileName(public string) (hecate.FileID, string, bool) {
	if len(public) <= idLength || public[idLength] != '-' || badText(public) != "" || len(public) > idLength+1+maxFileName {
		return "", "", false
	}
	return hecate.FileID(public[:idLength]), public[idLength+1:], true
}

// ReserveFile promises a place for a file whose bytes come later, by UploadFile. A place nobody fills, and a file that no record takes, is
// swept after an hour. Kinds: as StageFile.
func (e *Engine) ReserveFile(ctx context.Context, actor *hecate.Actor, name, mediaType string) (hecate.FileRef, error) {
	const op = "reserve file"
	if actor == nil || actor.App == nil || !mayUpload(actor) {
		return hecate.FileRef{}, e.forbid(actor, op, "")
	}
	f, err := e.newFile(actor.App.ID, actor.UserID(), Upload{Name: name, Type: mediaType})
	if err != nil {
		return hecate.FileRef{}, err
	}
	if err := e.db.Write(ctx, func(tx *store.DB) error { return tx.InsertFile(ctx, f) }); err != nil {
		return hecate.FileRef{}, fmt.Errorf("%s: %w", op, err)
	}
	return f.FileRef, nil
}

// UploadFile fills a reserved place, once. Kinds: Forbidden, NotFound where nothing was reserved under that public name, Exists when it is
// filled already, Invalid on "bytes" for none, TooLarge.
func (e *Engine) UploadFile(ctx context.Context, actor *hecate.Actor, name string, in Upload) (hecate.FileRef, error) {
	const op = "upload file"
	if actor == nil || actor.App == nil || !mayUpload(actor) {
		return hecate.FileRef{}, e.forbid(actor, op, "")
	}
	f, err := e.namedFile(ctx, actor.App.ID, name, op)
	if err != nil {
		return hecate.FileRef{}, err
	}
	if f.Digest != "" {
		return hecate.FileRef{}, hecate.E(hecate.Exists, op).On("name")
	}
	head := bufio.NewReader(in.Bytes)
	if _, err := head.Peek(1); errors.Is(err, io.EOF) {
		return hecate.FileRef{}, hecate.E(hecate.Invalid, op).On("bytes").Says("must not be empty")
	}
	in.Bytes = head
	if in.Type != "" {
		f.Type = in.Type
	}
	if err := e.fill(ctx, f, in); err != nil {
		return hecate.FileRef{}, fmt.Errorf("%s: %w", op, err)
	}
	return f.FileRef, nil
}

// fill stores the bytes of a reserved file, and then that they are there. Kinds: Exists where somebody was quicker.
func (e *Engine) fill(ctx context.Context, f *hecate.File, in Upload) error {
	if err := checkUpload(Upload{Name: f.Name, Type: f.Type}); err != nil {
		return err
	}
	if f.Type == "" {
		var err error
		if f.Type, in.Bytes, err = sniff(in.Bytes); err != nil {
			return err
		}
	}
	limit := e.limits.FileBytes
	if in.Limit > 0 {
		limit = in.Limit
	}
	// The place is taken first: of two uploads at once one alone puts bytes there.
	taking := *f
	taking.Digest = fillingDigest
	if err := e.setFile(ctx, &taking, ""); err != nil {
		return err
	}
	size, digest, err := e.blobs.Put(ctx, blobName(f.App, f.ID), in.Bytes, limit)
	if err != nil {
		ctx := context.WithoutCancel(ctx)
		taking.Digest = ""
		return errors.Join(err, e.setFile(ctx, &taking, fillingDigest))
	}
	f.Size, f.Digest = size, digest
	return e.setFile(ctx, f, fillingDigest)
}

// fillingDigest stands for the digest of a file whose bytes are on their way.
const fillingDigest = "-"

// setFile stores what is known of a file's bytes where its digest is still the one before.
func (e *Engine) setFile(ctx context.Context, f *hecate.File, before string) error {
	return e.db.Write(ctx, func(tx *store.DB) error {
		ok, err := tx.FillFile(ctx, f, before)
		if err == nil && !ok {
			err = hecate.E(hecate.Exists, "upload file").On("name")
		}
		return err
	})
}

// filled reports whether the bytes of a file are there.
func filled(f *hecate.File) bool { return len(f.Digest) > len(fillingDigest) }

// FilesByName finds files of the app by their public names, in one query; unknown ones are absent. Reserved places
// are among them, without Digest.
func (e *Engine) FilesByName(ctx context.Context, app hecate.AppID, names []string) (map[string]*hecate.File, error) {
	var ids []hecate.FileID
	for _, name := range names {
		if id, _, ok := splitFileName(name); ok {
			ids = append(ids, id)
		}
	}
	if len(ids) > maxBatch {
		return nil, hecate.E(hecate.TooLarge, "files").On("names").With("limit", maxBatch)
	}
	rows, err := e.db.Files(ctx, app, ids)
	if err != nil {
		return nil, err
	}
	all := make(map[string]*hecate.File, len(rows))
	for _, f := range rows {
		if !filled(f) {
			f.Digest = ""
		}
		all[FileName(f.FileRef)] = f
	}
	out := make(map[string]*hecate.File, len(names))
	for _, name := range names {
		if f := all[name]; f != nil {
			out[name] = f
		}
	}
	return out, nil
}

// namedFile finds one file by its public name. Kinds: NotFound.
func (e *Engine) namedFile(ctx context.Context, app hecate.AppID, name, op string) (*hecate.File, error) {
	found, err := e.FilesByName(ctx, app, []string{name})
	if err == nil && found[name] == nil {
		err = hecate.E(hecate.NotFound, op).On("name")
	}
	return found[name], err
}

// SignFile returns the signature with which OpenSignedFile gives the file of that public name until expires (whole seconds).
func (e *Engine) SignFile(app hecate.AppID, name string, expires time.Time) string {
	text := strconv.FormatInt(expires.Unix(), 10) + "/" + name
	return base64.RawURLEncoding.EncodeToString(e.keys.Sign("file of "+string(app), []byte(text)))
}

// OpenSignedFile returns a file and its bytes by its public name. The caller closes the reader. Kinds: Expired, BadToken for a
// signature that is not right, NotFound.
func (e *Engine) OpenSignedFile(ctx context.Context, app hecate.AppID, name string, expires time.Time, signature string) (*hecate.File, io.ReadSeekCloser, error) {
	const op = "open file"
	if !secret.Equal(strings.TrimRight(signature, "="), e.SignFile(app, name, expires)) {
		return nil, nil, hecate.E(hecate.BadToken, op)
	}
	if !e.now().Before(expires) {
		return nil, nil, hecate.E(hecate.Expired, op)
	}
	f, err := e.namedFile(ctx, app, name, op)
	if err != nil {
		return nil, nil, err
	}
	if !filled(f) {
		return nil, nil, hecate.E(hecate.NotFound, op)
	}
	r, err := e.blobs.Open(ctx, blobName(f.App, f.ID))
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", op, err)
	}
	return f, r, nil
}
