package engine

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"hecate"
)

// read returns the bytes behind a handle.
func (h *records) read(handle string) (*hecate.File, string) {
	h.t.Helper()
	f, r, err := h.OpenFile(ctx, handle)
	if err != nil {
		h.t.Fatal(err)
	}
	defer r.Close()
	return f, string(must[[]byte](h.t)(io.ReadAll(r)))
}

func (h *records) stage(actor *hecate.Actor, text string) hecate.FileRef {
	h.t.Helper()
	return must[hecate.FileRef](h.t)(h.StageFile(ctx, actor, Upload{Name: "note.txt", Bytes: strings.NewReader(text)}))
}

// stored reports whether the bytes are still kept.
func (h *records) stored(f hecate.FileRef) bool {
	h.t.Helper()
	h.drops.Wait()
	r, err := h.blobs.Open(ctx, blobName(h.app.ID, f.ID))
	if err == nil {
		r.Close()
	} else if !errors.Is(err, hecate.NotFound) {
		h.t.Fatal(err)
	}
	return err == nil
}

func TestFilesLiveAndDieWithTheirRecord(t *testing.T) {
	withRecords(t, func(t *testing.T, h *records) {
		first := h.stage(h.owner, "first")
		_, _, err := h.OpenFile(ctx, first.Handle)
		fails(t, err, hecate.NotFound, "") // nobody holds it yet
		lie := first
		lie.Size, lie.Name, lie.Handle = 1, "lie", "lie"
		r := h.make(h.owner, hecate.Values{"f": lie})
		if r.Values["f"] != first || len(first.Handle) != 40 || first.Size != 5 || !strings.HasPrefix(first.Type, "text/plain") {
			t.Errorf("%+v", r.Values["f"])
		}
		if f, text := h.read(first.Handle); text != "first" || f.Record != r.ID || f.Name != "note.txt" || f.App != h.app.ID {
			t.Errorf("%+v %q", f, text)
		}
		// A record does not take what another has, not even from itself anew.
		failed[*hecate.Record](t, hecate.Invalid, "f")(h.CreateRecord(ctx, h.owner, h.c, RecordInput{Values: hecate.Values{"f": first}}))
		if got := h.change(h.owner, r, RecordInput{Values: hecate.Values{"f": lie}}); got.Version != 1 || got.Values["f"] != first {
			t.Errorf("%+v", got)
		}
		second := h.stage(h.owner, "second")
		if got := h.change(h.owner, r, RecordInput{Values: hecate.Values{"f": second}}); got.Version != 2 {
			t.Errorf("%+v", got)
		}
		if h.stored(first) || !h.stored(second) {
			t.Error("the replaced file stays, or the new one goes")
		}
		_, _, err = h.OpenFile(ctx, first.Handle)
		fails(t, err, hecate.NotFound, "")
		h.change(h.owner, r, RecordInput{Values: hecate.Values{"f": nil}})
		third := h.stage(h.owner, "third")
		h.change(h.owner, r, RecordInput{Values: hecate.Values{"f": third}})
		works(t, h.DeleteRecord(ctx, h.owner, h.c, RecordRef{ID: r.ID}))
		if h.stored(second) || h.stored(third) {
			t.Error("files outlive their record")
		}
	})
}

func TestAFailedWriteLeavesTheFileStaged(t *testing.T) {
	withRecords(t, func(t *testing.T, h *records) {
		f := h.stage(h.owner, "x")
		failed[*hecate.Record](t, hecate.Invalid, "i")(h.CreateRecord(ctx, h.owner, h.c, RecordInput{Values: hecate.Values{"f": f, "i": "no"}}))
		h.make(h.owner, hecate.Values{"f": f})
		g := h.stage(h.owner, "y")
		h.DiscardFiles(ctx, h.owner, []hecate.FileRef{f, g})
		if !h.stored(f) || h.stored(g) {
			t.Error("discards the wrong files")
		}
	})
}

func TestStagedFilesAreSweptAfterAnHour(t *testing.T) {
	withRecords(t, func(t *testing.T, h *records) {
		held, old := h.stage(h.owner, "held"), h.stage(h.owner, "old")
		h.make(h.owner, hecate.Values{"f": held})
		h.clock.move(59 * time.Minute)
		fresh := h.stage(h.owner, "fresh")
		works(t, h.sweepFiles(ctx))
		if !h.stored(old) {
			t.Error("swept too early")
		}
		h.clock.move(2 * time.Minute)
		works(t, h.sweepFiles(ctx))
		if h.stored(old) || !h.stored(fresh) || !h.stored(held) {
			t.Error("swept the wrong files")
		}
		failed[*hecate.Record](t, hecate.Invalid, "f")(h.CreateRecord(ctx, h.owner, h.c, RecordInput{Values: hecate.Values{"f": old}}))
	})
}

func TestBytesThatNoFileNamesAreSweptAfterADay(t *testing.T) {
	withRecords(t, func(t *testing.T, h *records) {
		put := func(app hecate.AppID, id string) hecate.FileRef {
			t.Helper()
			_, _, err := h.blobs.Put(ctx, blobName(app, hecate.FileID(id)), strings.NewReader("x"), 1)
			works(t, err)
			return hecate.FileRef{ID: hecate.FileID(id)}
		}
		held, staged := h.stage(h.owner, "held"), h.stage(h.owner, "staged")
		h.make(h.owner, hecate.Values{"f": held})
		stray := put(h.app.ID, "00000000-0000-7000-8000-000000000001")
		for n := range strayBatch {
			put(h.app.ID, fmt.Sprintf("00000000-0000-7000-9000-%012d", n))
		}
		foreign := hecate.AppID("00000000-0000-7000-8000-00000000000a")
		elsewhere := put(foreign, "00000000-0000-7000-8000-000000000002")
		kept := func() (n int) {
			for _, err := range h.blobs.All(ctx) {
				works(t, err)
				n++
			}
			return n
		}
		all := kept()
		// The bytes carry the time of this machine, whatever the clock of the test shows.
		h.clock.move(time.Since(h.clock.now()) + 23*time.Hour)
		works(t, h.sweepStrays(ctx))
		if got := kept(); got != all {
			t.Errorf("%d of %d are left, swept too early", got, all)
		}
		h.clock.move(2 * time.Hour)
		works(t, h.sweepStrays(ctx))
		if h.stored(stray) || !h.stored(held) || !h.stored(staged) || kept() != all-1-strayBatch {
			t.Errorf("stray %v, held %v, staged %v; %d of %d are left", h.stored(stray), h.stored(held), h.stored(staged), kept(), all)
		}
		r, err := h.blobs.Open(ctx, blobName(foreign, elsewhere.ID))
		if err != nil {
			t.Fatal("bytes of an app that is not in this database are gone")
		}
		r.Close()
	})
}

func TestUploadsAreCheckedAndCopied(t *testing.T) {
	withRecords(t, func(t *testing.T, h *records) {
		png := must[hecate.FileRef](t)(h.StageFile(ctx, h.owner, Upload{Name: "p", Bytes: bytes.NewReader([]byte("\x89PNG\r\n\x1a\n0000"))}))
		if png.Type != "image/png" {
			t.Error(png.Type)
		}
		said := must[hecate.FileRef](t)(h.StageFile(ctx, h.owner, Upload{Name: "p", Type: "x/y", Bytes: strings.NewReader("")}))
		if said.Type != "x/y" || said.Size != 0 {
			t.Errorf("%+v", said)
		}
		failed[hecate.FileRef](t, hecate.TooLarge, "")(h.StageFile(ctx, h.owner, Upload{Bytes: strings.NewReader("12345"), Limit: 4}))
		failed[hecate.FileRef](t, hecate.Invalid, "name")(h.StageFile(ctx, h.owner, Upload{Name: "a\x00", Bytes: strings.NewReader("")}))
		failed[hecate.FileRef](t, hecate.Invalid, "type")(h.StageFile(ctx, h.owner, Upload{Type: "a\r\nb", Bytes: strings.NewReader("")}))
		guest := h.enter(h.app, hecate.Proof{})
		guest.Policy = []hecate.Grant{{Path: "/**", Permissions: hecate.Read | hecate.List}}
		failed[hecate.FileRef](t, hecate.Forbidden, "")(h.StageFile(ctx, guest, Upload{Bytes: strings.NewReader("")}))
		f := h.stage(h.owner, "text")
		failed[hecate.FileRef](t, hecate.NotFound, "")(h.CopyFile(ctx, h.owner, f.Handle))
		h.make(h.owner, hecate.Values{"f": f})
		twin := must[hecate.FileRef](t)(h.CopyFile(ctx, h.owner, f.Handle))
		h.make(h.owner, hecate.Values{"f": twin})
		if twin.Handle == f.Handle || twin.Name != f.Name || twin.Size != f.Size {
			t.Errorf("%+v", twin)
		}
		if _, text := h.read(twin.Handle); text != "text" {
			t.Error(text)
		}
		_, stranger := h.house.app("other")
		failed[hecate.FileRef](t, hecate.NotFound, "")(h.CopyFile(ctx, stranger, f.Handle))
		for _, handle := range []string{"", "x", strings.Repeat("0", 40), strings.Repeat("\x00", 40)} {
			_, _, err := h.OpenFile(ctx, handle)
			fails(t, err, hecate.NotFound, "")
		}
	})
}
