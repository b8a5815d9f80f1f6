package syncano

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http/httptest"
	"net/textproto"
	"path/filepath"
	"strings"
	"testing"
)

// filePart is one part of a multipart body.
type filePart struct {
	name, filename, contentType, body string
	noFilename                        bool // as one client sends files: with a type and no file name
}

func multipartAsk(method, path, key, user string, parts ...filePart) ask {
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for _, p := range parts {
		h := textproto.MIMEHeader{}
		disposition := fmt.Sprintf(`form-data; name=%q`, p.name)
		if p.filename != "" && !p.noFilename {
			disposition += fmt.Sprintf(`; filename=%q`, p.filename)
		}
		h.Set("Content-Disposition", disposition)
		if p.contentType != "" {
			h.Set("Content-Type", p.contentType)
		}
		part, _ := m.CreatePart(h)
		_, _ = part.Write([]byte(p.body))
	}
	_ = m.Close()
	return ask{method: method, path: path, key: key, user: user, body: b.String(), header: map[string]string{"Content-Type": m.FormDataContentType()}}
}

// fileOf is the path of the file that a field of an object shows.
func fileOf(t *testing.T, o map[string]any, field string) string {
	t.Helper()
	f, ok := o[field].(map[string]any)
	if !ok || f["type"] != "file" {
		t.Fatalf("%s is %v", field, o[field])
	}
	path, ok := strings.CutPrefix(f["value"].(string), "http://files.test")
	if !ok {
		t.Fatal(f)
	}
	return path
}

var photoSchema = []obj{
	{"name": "title", "type": "string"}, {"name": "size", "type": "integer"}, {"name": "picture", "type": "file"}, {"name": "thumb", "type": "file"}, {"name": "tags", "type": "array"},
}

func TestFilesComeAndGoWithTheirObjects(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		c := newCast(t, w)
		class := c.class(t, obj{"schema": photoSchema})
		read := func(path, body string) {
			t.Helper()
			if got := w.want(t, 200, ask{method: "GET", path: path}); got.body != body {
				t.Errorf("%s: %q, want %q", path, got.body, body)
			}
		}
		gone := func(path string) {
			t.Helper()
			w.refuses(t, 404, `{"detail":"Not found."}`, ask{method: "GET", path: path})
		}
		made := w.want(t, 201, multipartAsk("POST", class+"objects/", c.owner, "",
			filePart{name: "title", body: " x "}, filePart{name: "picture", filename: `C:\Chell.JPG`, contentType: "image/jpeg", body: "jpeg"},
			filePart{name: "size", body: "4"}, filePart{name: "tags", body: `["a"]`}, filePart{name: "thumb", body: ""}))
		o := made.object(t)
		if o["title"] != " x " || o["size"] != 4.0 || o["thumb"] != nil || len(o["tags"].([]any)) != 1 {
			t.Error(o)
		}
		first := fileOf(t, o, "picture")
		if !strings.HasSuffix(first, ".jpg") || len(first) != len("/v1.1/files/")+40+len(".jpg") {
			t.Error(first)
		}
		read(first, "jpeg")
		read(strings.TrimSuffix(first, ".jpg"), "jpeg")
		read(strings.Replace(first, "/v1.1/", "/v1/", 1), "jpeg")
		path := c.path(class, int(o["id"].(float64)))

		// A file without a name, as one client sends buffers; the old one goes.
		o = w.want(t, 200, multipartAsk("PATCH", path, c.owner, "", filePart{name: "picture", noFilename: true, contentType: "application/octet-stream", body: "GIF89a"})).object(t)
		second := fileOf(t, o, "picture")
		if len(second) != len("/v1.1/files/")+40 || o["revision"] != 2.0 || o["title"] != " x " {
			t.Error(o)
		}
		gone(first)
		if got := w.want(t, 200, ask{method: "GET", path: second}); got.header.Get("Content-Type") != "image/gif" {
			t.Error(got.header)
		}
		// Sent back as shown, or as its URL alone, it stays.
		for _, same := range []any{o["picture"], o["picture"].(map[string]any)["value"]} {
			if o = w.want(t, 200, ask{method: "PATCH", path: path, key: c.owner, json: obj{"picture": same}}).object(t); fileOf(t, o, "picture") != second || o["revision"] != 2.0 {
				t.Error(o)
			}
		}
		// Another object that takes the URL gets a copy.
		copied := w.want(t, 201, ask{method: "POST", path: class + "objects/", key: c.owner, json: obj{"thumb": o["picture"]}}).object(t)
		third := fileOf(t, copied, "thumb")
		if third == second {
			t.Error("two objects share a file")
		}
		w.want(t, 204, ask{method: "DELETE", path: c.path(class, int(copied["id"].(float64))), key: c.owner})
		gone(third)
		read(second, "GIF89a")
		w.want(t, 200, ask{method: "PATCH", path: path, key: c.owner, json: obj{"picture": nil}})
		gone(second)

		// An empty file is a file; the last of two parts of one name counts.
		o = w.want(t, 200, multipartAsk("PATCH", path, c.owner, "", filePart{name: "picture", filename: "e.txt", body: "first"}, filePart{name: "picture", filename: "e.txt"})).object(t)
		read(fileOf(t, o, "picture"), "")
		// What the class goes, goes with it.
		w.want(t, 204, ask{method: "DELETE", path: class, key: c.owner})
		gone(fileOf(t, o, "picture"))
	})
}

func TestAFailedRequestLeavesNoFile(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		c := newCast(t, w)
		class := c.class(t, obj{"schema": photoSchema})
		path := c.path(class, c.object(t, class, obj{"title": "x"}))
		picture := filePart{name: "picture", filename: "a.png", body: "bytes"}
		for _, one := range []struct {
			status int
			body   string
			ask    ask
		}{
			{400, `{"size":["A valid integer is required."]}`, multipartAsk("PATCH", path, c.owner, "", picture, filePart{name: "size", body: "x"})},
			{400, `{"expected_revision":"Revision mismatch. Expected 9, got 1."}`, multipartAsk("PATCH", path, c.owner, "", picture, filePart{name: "expected_revision", body: "9"})},
			{400, `{"thumb":["` + badExtension + `"]}`, multipartAsk("PATCH", path, c.owner, "", picture, filePart{name: "thumb", filename: "x." + strings.Repeat("e", 16), body: "x"})},
			{400, `{"title":["Not a valid string."]}`, multipartAsk("PATCH", path, c.owner, "", picture, filePart{name: "title", filename: "x.txt", body: "x"})},
			{403, `{"detail":"` + textDenied + `"}`, multipartAsk("PATCH", path, c.admins["read"], "", picture)},
			{403, `{"detail":"` + textDenied + `"}`, multipartAsk("POST", class+"objects/", c.plain, "", picture)},
			{403, `{"detail":"` + textDenied + `"}`, multipartAsk("POST", class+"objects/", "", "", picture)},
			{404, `{"detail":"Not found."}`, multipartAsk("PATCH", path, c.plain, c.eve, picture)},
			{404, `{"detail":"Class was not found."}`, multipartAsk("POST", c.base+"classes/nowhere/objects/", c.owner, "", picture)},
		} {
			w.refuses(t, one.status, one.body, one.ask)
		}
		if n := w.blobCount(t); n != 0 {
			t.Errorf("%d files are left", n)
		}
		// Files for fields that are none are read and forgotten.
		o := w.want(t, 200, multipartAsk("PATCH", path, c.owner, "", filePart{name: "nothing", filename: "x.png", body: "x"}, filePart{name: "title", body: "y"})).object(t)
		if o["title"] != "y" || o["picture"] != nil || w.blobCount(t) != 0 {
			t.Error(o)
		}
	})
}

func TestTheSampleOfTheOldDocumentationUploads(t *testing.T) {
	w := lite(t)
	c := newCast(t, w)
	class := c.base + "classes/user_profile/"
	w.want(t, 200, ask{method: "PATCH", path: class, key: c.owner, json: obj{"schema": []obj{{"name": "avatar", "type": "file"}}}})
	profile := w.want(t, 200, ask{method: "GET", path: c.base + "user/", key: c.plain, user: c.ann}).object(t)["profile"].(map[string]any)
	path := c.path(class, int(profile["id"].(float64)))
	o := w.want(t, 200, multipartAsk("PATCH", path, c.plain, c.ann, filePart{name: "name", body: "avatar"}, filePart{name: "filename", filename: "face.png", body: "face"})).object(t)
	if got := w.want(t, 200, ask{method: "GET", path: fileOf(t, o, "avatar")}); got.body != "face" {
		t.Error(got.body)
	}
	if o["revision"].(float64) <= profile["revision"].(float64) || o["updated_at"].(string) <= profile["updated_at"].(string) {
		t.Errorf("before %v\nafter %v", profile, o)
	}
	user := w.want(t, 200, ask{method: "GET", path: c.base + "user/", key: c.plain, user: c.ann}).object(t)
	if fileOf(t, user["profile"].(map[string]any), "avatar") != fileOf(t, o, "avatar") {
		t.Error(user)
	}
	// A field that is no file's leaves nothing behind.
	w.want(t, 200, multipartAsk("PATCH", path, c.plain, c.ann, filePart{name: "name", body: "nothing"}, filePart{name: "filename", filename: "face.png", body: "face"}))
	if n := w.blobCount(t); n != 1 {
		t.Errorf("%d files are kept", n)
	}
}

func TestNoBrowserRunsWhatUsersUpload(t *testing.T) {
	w := lite(t)
	c := newCast(t, w)
	class := c.class(t, obj{"schema": photoSchema})
	for _, one := range []struct {
		contentType, body string
		safe              bool
	}{
		{"text/html", "<script>alert(1)</script>", false}, {"application/octet-stream", "<!DOCTYPE html><script>alert(1)</script>", false},
		{"image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", false}, {"text/xml", "<a/>", false}, {"application/xhtml+xml", "<a/>", false},
		{"TEXT/HTML; charset=utf-7", "x", false}, {"multipart/x-mixed-replace", "x", false}, {"image/png", "<script>alert(1)</script>", true}, {"text/plain", "x", true},
	} {
		o := w.want(t, 201, multipartAsk("POST", class+"objects/", c.owner, "", filePart{name: "picture", filename: "pa\"ge\r\n.html", contentType: one.contentType, body: one.body})).object(t)
		got := w.want(t, 200, ask{method: "GET", path: fileOf(t, o, "picture")})
		how := got.header.Get("Content-Disposition")
		if got.header.Get("X-Content-Type-Options") != "nosniff" || strings.HasPrefix(how, "inline") != one.safe ||
			!one.safe && (!strings.HasPrefix(how, "attachment") || !strings.Contains(got.header.Get("Content-Security-Policy"), "sandbox")) {
			t.Errorf("%s: %v", one.contentType, got.header)
		}
		if strings.ContainsAny(how, "\r\n\"") {
			t.Errorf("%q", how)
		}
	}
}

func TestPartsOfFilesAndUnchangedOnes(t *testing.T) {
	w := lite(t)
	c := newCast(t, w)
	class := c.class(t, obj{"schema": photoSchema})
	o := w.want(t, 201, multipartAsk("POST", class+"objects/", c.owner, "", filePart{name: "picture", filename: "a.txt", contentType: "text/plain", body: "0123456789"})).object(t)
	path := fileOf(t, o, "picture")
	part := w.want(t, 206, ask{method: "GET", path: path, header: map[string]string{"Range": "bytes=2-4"}})
	if part.body != "234" || part.header.Get("Content-Range") != "bytes 2-4/10" {
		t.Error(part)
	}
	tag := part.header.Get("ETag")
	if len(tag) != 66 {
		t.Error(tag)
	}
	w.want(t, 304, ask{method: "GET", path: path, header: map[string]string{"If-None-Match": tag}})
	w.want(t, 416, ask{method: "GET", path: path, header: map[string]string{"Range": "bytes=20-"}})
	if head := w.want(t, 200, ask{method: "HEAD", path: path}); head.body != "" || head.header.Get("Content-Length") != "10" {
		t.Error(head)
	}
	for _, wrong := range []string{"x", strings.Repeat("a", 40), path[len("/v1.1/files/"):] + "/", "..%2f..%2fetc", "%00"} {
		got := w.do(ask{method: "GET", path: "/v1.1/files/" + wrong})
		if got.status != 404 && got.status != 400 {
			t.Errorf("%s: %d", wrong, got.status)
		}
	}
	w.want(t, 405, ask{method: "POST", path: path, json: obj{}})
}

func TestAFileHasALargestSize(t *testing.T) {
	w := lite(t)
	c := newCast(t, w)
	class := c.class(t, obj{"schema": photoSchema})
	a := multipartAsk("POST", class+"objects/", c.owner, "", filePart{name: "picture", filename: "a.txt", body: "x"})
	at := strings.Index(a.body, "\r\n\r\nx") + 4
	head, tail := a.body[:at], a.body[at+1:]
	got := w.stream(t, a, head, 129<<20, tail)
	if got.status != 413 || w.blobCount(t) != 0 {
		t.Errorf("%d %s, %d files", got.status, got.body, w.blobCount(t))
	}
}

// FuzzMultipart sends any bytes as a multipart body: never a fault of ours, never a hang, and no file is left behind a refusal.
func FuzzMultipart(f *testing.F) {
	for _, seed := range []string{
		"--b\r\nContent-Disposition: form-data; name=\"picture\"; filename=\"a.png\"\r\n\r\nx\r\n--b--\r\n",
		"--b\r\nContent-Disposition: form-data; name=\"picture\"\r\nContent-Type: image/png\r\n\r\nx\r\n--b--\r\n",
		"--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\npicture\r\n--b\r\nContent-Disposition: form-data; name=\"filename\"; filename=\"x\"\r\n\r\nx\r\n--b--\r\n",
		"--b\r\nContent-Disposition: form-data; name=\"tags\"\r\n\r\n[\"a\"]\r\n--b--\r\n",
		"--b\r\nContent-Disposition: form-data; name=\"title\"; filename=\"\"\r\n\r\n\xff\r\n--b\r\n",
		"--b--", "", "--b\r\n\r\n",
	} {
		f.Add(seed)
	}
	w := lite(f)
	_, key := w.register(f)
	base := w.instance(f, key)
	w.want(f, 201, ask{method: "POST", path: base + "classes/", key: key, json: obj{"name": "photo", "schema": photoSchema}})
	f.Fuzz(func(t *testing.T, body string) {
		before := w.blobCount(t)
		got := w.do(ask{method: "POST", path: base + "classes/photo/objects/", key: key, body: body, header: map[string]string{"Content-Type": "multipart/form-data; boundary=b"}})
		if got.status >= 500 || got.status != 201 && w.blobCount(t) != before {
			t.Fatalf("%d %s, %d files more", got.status, got.body, w.blobCount(t)-before)
		}
	})
}

// blobCount counts the files whose bytes are kept. Those of deleted objects go a moment after the answer.
func (w *world) blobCount(t testing.TB) int {
	t.Helper()
	n := 0
	for range 100 {
		n = 0
		err := filepath.WalkDir(w.Files, func(_ string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				n++
			}
			return err
		})
		if err == nil {
			break
		}
	}
	return n
}

// stream sends a body with many bytes in its middle, which are not held in memory.
func (w *world) stream(_ testing.TB, a ask, head string, middle int64, tail string) reply {
	body := io.MultiReader(strings.NewReader(head), io.LimitReader(zeros{}, middle), strings.NewReader(tail))
	r := httptest.NewRequest(a.method, a.path, body)
	r.ContentLength = -1
	r.Header.Set("Content-Type", a.header["Content-Type"])
	r.Header.Set("X-API-KEY", a.key)
	rec := httptest.NewRecorder()
	w.serve.ServeHTTP(rec, r)
	return reply{rec.Code, rec.Header(), rec.Body.String()}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
