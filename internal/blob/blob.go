// Package blob keeps file bytes: in a local directory or in an S3 bucket. It
// must never know users, apps' rules, the database or HTTP requests.
package blob

import (
	"context"
	"io"
	"iter"
	"time"
)

// Store keeps bytes under names that the caller makes unique. Names hold
// lower-case letters, digits, '-' and '/' only.
type Store interface {
	// Put stores everything that r gives, durably, before it returns: size in
	// bytes and SHA-256 as lower-case hex. A failed Put leaves nothing behind.
	// More than limit bytes: an error of Kind hecate.TooLarge.
	Put(ctx context.Context, name string, r io.Reader, limit int64) (size int64, digest string, err error)
	// Open returns the bytes. Kinds: hecate.NotFound.
	Open(ctx context.Context, name string) (io.ReadSeekCloser, error)
	// Delete removes the bytes; an unknown name is no error.
	Delete(ctx context.Context, name string) error
	// All gives every blob once, those of one directory in a row. What is put or deleted meanwhile may be
	// left out. An error comes last.
	All(ctx context.Context) iter.Seq2[Blob, error]
}

// Blob is what is known of bytes without reading them.
type Blob struct {
	Name     string
	StoredAt time.Time
}
