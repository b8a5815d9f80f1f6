package blob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"

	"hecate"
)

// Dir keeps each blob as one file below a directory. It opens everything
// through an os.Root, so no name can lead outside.
type Dir struct{ root *os.Root }

const temporary = "tmp"

// OpenDir returns the blobs below dir, making it when missing, and removes what a
// crash left half-written. The caller must Close it.
func OpenDir(dir string) (*Dir, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open blobs: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open blobs: %w", err)
	}
	if err := errors.Join(root.RemoveAll(temporary), root.Mkdir(temporary, 0o700)); err != nil {
		_ = root.Close()
		return nil, fmt.Errorf("open blobs: %w", err)
	}
	return &Dir{root}, nil
}

// Close releases the directory.
func (d *Dir) Close() error { return d.root.Close() }

// Put implements Store: the bytes go to a temporary file, are synced, and get
// their name in one step; the directory is synced before Put returns.
func (d *Dir) Put(ctx context.Context, name string, r io.Reader, limit int64) (int64, string, error) {
	if err := checkName(name); err != nil {
		return 0, "", err
	}
	tmp := path.Join(temporary, hex.EncodeToString([]byte(name)))
	size, digest, err := d.write(ctx, tmp, r, limit)
	if err == nil {
		err = d.publish(tmp, name)
	}
	if err != nil {
		_ = d.root.Remove(tmp)
		return 0, "", fmt.Errorf("store blob: %w", err)
	}
	return size, digest, nil
}

func (d *Dir) write(ctx context.Context, tmp string, r io.Reader, limit int64) (size int64, digest string, err error) {
	f, err := d.root.OpenFile(tmp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	size, digest, err = digestCopy(ctx, f, r, limit)
	if err != nil {
		return 0, "", err
	}
	return size, digest, f.Sync()
}

// publish gives the finished file its name and makes that durable.
func (d *Dir) publish(tmp, name string) error {
	dir := path.Dir(name)
	if err := d.root.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := d.root.Rename(tmp, name); err != nil {
		return err
	}
	for at := dir; ; at = path.Dir(at) {
		if err := d.syncDir(at); err != nil || at == "." {
			return err
		}
	}
}

func (d *Dir) syncDir(dir string) error {
	f, err := d.root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Open implements Store.
func (d *Dir) Open(_ context.Context, name string) (io.ReadSeekCloser, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	f, err := d.root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, hecate.E(hecate.NotFound, "open blob")
	}
	if err != nil {
		return nil, fmt.Errorf("open blob: %w", err)
	}
	return f, nil
}

// Delete implements Store.
func (d *Dir) Delete(_ context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	if err := d.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete blob: %w", err)
	}
	return nil
}

// listed is how many entries of a directory are read at once: one may hold millions.
const listed = 512

var errStopped = errors.New("stopped")

// All implements Store.
func (d *Dir) All(ctx context.Context) iter.Seq2[Blob, error] {
	return func(yield func(Blob, error) bool) {
		err := d.each(ctx, ".", func(b Blob) error {
			if !yield(b, nil) {
				return errStopped
			}
			return ctx.Err()
		})
		if err != nil && !errors.Is(err, errStopped) {
			yield(Blob{}, fmt.Errorf("list blobs: %w", err))
		}
	}
}

// each calls fn for what lies below dir, which may go meanwhile.
func (d *Dir) each(ctx context.Context, dir string, fn func(Blob) error) error {
	f, err := d.root.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	for {
		entries, end := f.ReadDir(listed)
		for _, entry := range entries {
			if err := d.entry(ctx, path.Join(dir, entry.Name()), entry, fn); err != nil {
				return err
			}
		}
		if errors.Is(end, io.EOF) {
			return nil
		}
		if end != nil {
			return end
		}
	}
}

func (d *Dir) entry(ctx context.Context, name string, entry fs.DirEntry, fn func(Blob) error) error {
	if checkName(name) != nil {
		return nil // no blob: half-written ones, somebody's own files
	}
	if entry.IsDir() {
		return d.each(ctx, name, fn)
	}
	info, err := d.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return nil
	}
	if err != nil {
		return err
	}
	return fn(Blob{name, info.ModTime()})
}

// checkName refuses what is not one of the names that Store documents.
func checkName(name string) error {
	ok := name != "" && len(name) <= 200 && filepath.IsLocal(name) && path.Clean(name) == name
	for _, c := range []byte(name) {
		ok = ok && (c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '/')
	}
	if !ok || name == temporary || len(name) > 3 && name[:4] == temporary+"/" {
		return hecate.E(hecate.Invalid, "blob").On("name")
	}
	return nil
}

// digestCopy copies at most limit bytes of r and returns their size and SHA-256.
func digestCopy(ctx context.Context, w io.Writer, r io.Reader, limit int64) (int64, string, error) {
	sum := sha256.New()
	size, err := io.Copy(io.MultiWriter(w, sum), io.LimitReader(contextReader{ctx, r}, limit+1))
	if err != nil {
		return 0, "", err
	}
	if size > limit {
		return 0, "", hecate.E(hecate.TooLarge, "store file").On("file").With("limit", limit)
	}
	return size, hex.EncodeToString(sum.Sum(nil)), nil
}

// contextReader stops a copy when its caller has gone.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
