package engine

import (
	"context"
	"io"
	"time"

	"hecate"
)

// FileName is how a file is called in public: its id and its own name.
func FileName(f hecate.FileRef) string { return string(f.ID) + "-" + f.Name }

// ReserveFile promises a place for a file whose bytes come later, by UploadFile. A place nobody fills, and a file that no record takes, is
// swept after an hour. Kinds: as StageFile.
func (e *Engine) ReserveFile(ctx context.Context, actor *hecate.Actor, name, mediaType string) (hecate.FileRef, error) {
	panic("not built yet")
}

// UploadFile fills a reserved place, once. Kinds: Forbidden, NotFound where nothing was reserved under that public name, Exists when it is
// filled already, Invalid on "bytes" for none, TooLarge.
func (e *Engine) UploadFile(ctx context.Context, actor *hecate.Actor, name string, in Upload) (hecate.FileRef, error) {
	panic("not built yet")
}

// FilesByName finds files of the app by their public names, in one query; unknown ones are absent. Reserved places
// are among them, without Digest.
func (e *Engine) FilesByName(ctx context.Context, app hecate.AppID, names []string) (map[string]*hecate.File, error) {
	panic("not built yet")
}

// SignFile returns the signature with which OpenSignedFile gives the file of that public name until expires (whole seconds).
func (e *Engine) SignFile(app hecate.AppID, name string, expires time.Time) string {
	panic("not built yet")
}

// OpenSignedFile returns a file and its bytes by its public name. The caller closes the reader. Kinds: Expired, BadToken for a
// signature that is not right, NotFound.
func (e *Engine) OpenSignedFile(ctx context.Context, app hecate.AppID, name string, expires time.Time, signature string) (*hecate.File, io.ReadSeekCloser, error) {
	panic("not built yet")
}
