package usergrid_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// jpeg begins as pictures of cameras do.
func jpeg(n int) []byte {
	return append([]byte("\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"), bytes.Repeat([]byte{7}, n-20)...)
}

func stored(t *testing.T, k *kennel) int {
	t.Helper()
	n := 0
	err := filepath.WalkDir(k.dir, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			n++
		}
		if os.IsNotExist(err) {
			return nil
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAssets(t *testing.T) {
	eachKennel(t, func(t *testing.T, k *kennel) {
		before := stored(t, k)
		body, head := form(t, jpeg(109055), map[string]string{"name": "photo", "title": "Sea"})
		e := k.ask(k.client, "POST", "/nodejs", body, head...).one()
		meta, _ := e["file-metadata"].(object)
		if e["name"] != "photo" || e["title"] != "Sea" || meta["content-type"] != "image/jpeg" || meta["content-length"] != json.Number("109055") || meta["etag"] == nil {
			t.Fatalf("entity %v", e)
		}
		at := "/nodejs/" + uuidOf(e)
		got := k.ask(k.client, "GET", at, nil, "Accept", "image/jpeg")
		if got.text != string(jpeg(109055)) || got.header.Get("Content-Type") != "image/jpeg" || got.header.Get("X-Content-Type-Options") != "nosniff" ||
			got.header.Get("ETag") != `"`+meta["etag"].(string)+`"` || got.header.Get("Last-Modified") == "" {
			t.Errorf("%d bytes, %v", len(got.text), got.header)
		}
		for _, accept := range []string{"application/json", "*/*", "image/*, application/json;q=0.5"} {
			k.ask(k.client, "GET", at, nil, "Accept", accept).one()
		}
		part := k.ask(k.client, "GET", at, nil, "Accept", "image/jpeg", "Range", "bytes=0-3")
		if part.status != 206 || part.text != "\xff\xd8\xff\xe0" || part.header.Get("Content-Range") != "bytes 0-3/109055" {
			t.Errorf("answer %d %v", part.status, part.header)
		}
		if same := k.ask(k.client, "GET", at, nil, "Accept", "image/jpeg", "If-Modified-Since", got.header.Get("Last-Modified")); same.status != 304 {
			t.Errorf("answer %d", same.status)
		}
		if e := k.ask(k.client, "PUT", at, e).one(); asJSON(e["file-metadata"]) != asJSON(meta) {
			t.Errorf("entity %v", e)
		}
		// Another asset takes its place.
		body, head = form(t, []byte("plain words"), nil)
		e = k.ask(k.client, "PUT", "/nodejs/photo", body, head...).one()
		if meta, _ := e["file-metadata"].(object); meta["content-length"] != json.Number("11") || e["title"] != "Sea" {
			t.Errorf("entity %v", e)
		}
		k.ask(k.client, "POST", at, []byte("<html><script>alert(1)</script></html>")).one()
		got = k.ask(k.client, "GET", at, nil, "Accept", "text/html")
		if !strings.HasPrefix(got.header.Get("Content-Disposition"), "attachment") || !strings.Contains(got.header.Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("header %v", got.header)
		}
		soon(t, "the bytes of replaced assets stay", func() bool { return stored(t, k) == before+1 })
		k.ask(k.client, "DELETE", at, nil).one()
		soon(t, "the bytes of a deleted asset stay", func() bool { return stored(t, k) == before })

		t.Run("without an entity to hold them go away", func(t *testing.T) {
			body, head := form(t, []byte("x"), map[string]string{"name": "n"})
			k.ask(k.client, "POST", "/nodejs/nobody", body, head...).fails(404, "service_resource_not_found")
			k.ask(k.client, "POST", "/assets", body, head...).fails(400, "required_property_not_found")
			k.ask(k.client, "PUT", "/nodejs?ql=select%20*", body, head...).fails(404, "service_resource_not_found")
			k.ask("", "POST", "/nodejs", body, head...).fails(401, "unauthorized")
			body, head = form(t, jpeg(51<<20), nil)
			k.ask(k.client, "POST", "/nodejs", body, head...).fails(413, "request_too_large")
			soon(t, "bytes stay that nobody holds", func() bool { return stored(t, k) == before })
		})
		t.Run("have their bytes under data too", func(t *testing.T) {
			e := k.ask(k.client, "POST", "/assets", object{"name": "a", "path": "/p", "owner": aUUID}).one()
			at := "/asset/" + uuidOf(e) + "/data"
			k.ask(k.client, "GET", at, nil).fails(404, "service_resource_not_found")
			k.ask(k.client, "POST", at, []byte("first")).one()
			body, head := form(t, []byte("second"), nil)
			k.ask(k.client, "PUT", at, body, head...).one()
			if got := k.ask(k.client, "GET", at, nil); got.text != "second" {
				t.Error(got.status, got.text)
			}
			k.ask(k.client, "PUT", at, object{}).fails(400, "illegal_argument")
			k.ask("", "GET", at, nil).fails(401, "unauthorized")
			k.ask("", "GET", "/assets", nil).fails(401, "unauthorized")
		})
	})
}
