package engine

import (
	"context"
	"io"

	"hecate"
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
	panic("not built yet")
}

// DiscardFiles removes staged files at once, after a failed write. Errors are left to the sweeper.
func (e *Engine) DiscardFiles(ctx context.Context, actor *hecate.Actor, refs []hecate.FileRef) {
	panic("not built yet")
}

// CopyFile stages a copy of a stored file of the same app, by its handle. Kinds: NotFound.
func (e *Engine) CopyFile(ctx context.Context, actor *hecate.Actor, handle string) (hecate.FileRef, error) {
	panic("not built yet")
}

// OpenFile returns a file and its bytes by its unguessable handle. The caller closes the reader. Kinds: NotFound.
func (e *Engine) OpenFile(ctx context.Context, handle string) (*hecate.File, io.ReadSeekCloser, error) {
	panic("not built yet")
}
