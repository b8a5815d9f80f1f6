package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hecate"
)

func openDir(t *testing.T) (*Dir, string) {
	t.Helper()
	at := t.TempDir()
	d, err := OpenDir(at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d, at
}

func TestDir(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("hecate ", 10_000)

	t.Run("what was put comes back, with size and digest", func(t *testing.T) {
		t.Parallel()
		d, _ := openDir(t)
		size, digest, err := d.Put(t.Context(), "app/file-1", strings.NewReader(text), 1<<20)
		if err != nil || size != int64(len(text)) {
			t.Fatalf("put: %d, %v", size, err)
		}
		if want := sha256.Sum256([]byte(text)); digest != hex.EncodeToString(want[:]) {
			t.Fatalf("digest %s", digest)
		}
		r, err := d.Open(t.Context(), "app/file-1")
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(r)
		_ = r.Close()
		if string(got) != text {
			t.Fatal("other bytes came back")
		}
	})
	t.Run("all are listed with their times, and nothing else", func(t *testing.T) {
		t.Parallel()
		d, at := openDir(t)
		want := map[string]bool{}
		for n := range listed + 3 {
			want[fmt.Sprintf("app/%d", n)] = true
		}
		if _, _, err := d.Put(t.Context(), "other/1", strings.NewReader("x"), 1); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(filepath.Join(at, "app"), 0o700); err != nil {
			t.Fatal(err)
		}
		for _, name := range append(slices.Collect(maps.Keys(want)), "tmp/half", "README.md", "app/Upper") {
			if err := os.WriteFile(filepath.Join(at, name), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want["other/1"] = true
		if err := os.Symlink("/", filepath.Join(at, "link")); err != nil {
			t.Fatal(err)
		}
		count := 0
		for b, err := range d.All(t.Context()) {
			if err != nil || !want[b.Name] || time.Since(b.StoredAt).Abs() > time.Hour {
				t.Fatalf("%+v, %v", b, err)
			}
			count++
			if err := d.Delete(t.Context(), b.Name); err != nil { // as a sweeper does
				t.Fatal(err)
			}
		}
		if count != len(want) {
			t.Errorf("%d of %d are listed", count, len(want))
		}
		for range d.All(t.Context()) {
			t.Error("a blob is left")
		}
	})
	t.Run("a listing stops when its reader does, and when the context ends", func(t *testing.T) {
		t.Parallel()
		d, _ := openDir(t)
		for _, name := range []string{"a/1", "a/2", "b/1"} {
			if _, _, err := d.Put(t.Context(), name, strings.NewReader("x"), 1); err != nil {
				t.Fatal(err)
			}
		}
		for _, err := range d.All(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var last error
		for _, err := range d.All(ctx) {
			last = err
		}
		if !errors.Is(last, context.Canceled) {
			t.Errorf("err %v", last)
		}
	})
	t.Run("more than the limit is refused and leaves nothing", func(t *testing.T) {
		t.Parallel()
		d, at := openDir(t)
		_, _, err := d.Put(t.Context(), "app/big", strings.NewReader(text), 10)
		if !errors.Is(err, hecate.TooLarge) {
			t.Fatalf("err %v", err)
		}
		assertEmpty(t, at)
	})
	t.Run("a reader that fails leaves nothing", func(t *testing.T) {
		t.Parallel()
		d, at := openDir(t)
		broken := io.MultiReader(strings.NewReader("half"), errReader{})
		if _, _, err := d.Put(t.Context(), "app/half", broken, 1<<20); err == nil {
			t.Fatal("no error")
		}
		assertEmpty(t, at)
	})
	t.Run("an unknown name is not found, and deleting it is no error", func(t *testing.T) {
		t.Parallel()
		d, _ := openDir(t)
		if _, err := d.Open(t.Context(), "app/none"); !errors.Is(err, hecate.NotFound) {
			t.Fatalf("err %v", err)
		}
		if err := d.Delete(t.Context(), "app/none"); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("names that lead elsewhere are refused", func(t *testing.T) {
		t.Parallel()
		d, _ := openDir(t)
		for _, name := range []string{"", "../x", "/etc/x", "a//b", "a/../b", "A", "a\x00", "tmp", "tmp/x", "a/.", strings.Repeat("a", 201)} {
			if _, _, err := d.Put(t.Context(), name, strings.NewReader("x"), 10); !errors.Is(err, hecate.Invalid) {
				t.Errorf("%q: %v", name, err)
			}
		}
	})
	t.Run("what a crash left half-written is gone after the next start", func(t *testing.T) {
		t.Parallel()
		_, at := openDir(t)
		left := filepath.Join(at, temporary, "left")
		if err := os.WriteFile(left, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		again, err := OpenDir(at)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = again.Close() }()
		assertEmpty(t, at)
	})
	t.Run("a deleted blob is gone", func(t *testing.T) {
		t.Parallel()
		d, at := openDir(t)
		if _, _, err := d.Put(t.Context(), "app/x", bytes.NewReader(nil), 10); err != nil {
			t.Fatal(err)
		}
		if err := d.Delete(t.Context(), "app/x"); err != nil {
			t.Fatal(err)
		}
		assertEmpty(t, at)
	})
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errors.New("broken") }

func assertEmpty(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			t.Errorf("left behind: %s", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
