package skygear

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"hecate"
)

// upload sends a file as the client does: with the key, and without a token.
func (w *world) upload(t testing.TB, key, action, content string) reply {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	_ = form.WriteField("extra", "field")
	part, err := form.CreateFormFile("file", "whatever.bin")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write([]byte(content))
	_ = form.Close()
	return w.send(t, "POST", action, body.String(), "Content-Type", form.FormDataContentType(), keyHeader, key)
}

// send asks with a body that is no JSON; a path with spaces is escaped as the client does.
func (w *world) send(t testing.TB, method, path, body string, headers ...string) reply {
	t.Helper()
	r := httptest.NewRequest(method, strings.ReplaceAll(path, " ", "%20"), strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	got := httptest.NewRecorder()
	w.serve.ServeHTTP(got, r)
	out := reply{status: got.Code, body: got.Body.String(), header: got.Header()}
	out.read()
	return out
}

// asset puts a file and returns its name and URL.
func (w *world) asset(t testing.TB, x *tenant, name, typ, content string) (key, at string) {
	t.Helper()
	put := w.post(t, "asset:put", obj{"api_key": x.key, "filename": name, "content-type": typ, "content-size": len(content)}).ok(t)
	stored := w.upload(t, x.key, text(t, put["post-request"].(obj), "action"), content).ok(t)
	if stored["$name"] != put["asset"].(obj)["$name"] || stored["$type"] != "asset" || stored["$content_type"] != typ {
		t.Fatalf("stored %v, promised %v", stored, put)
	}
	return text(t, stored, "$name"), text(t, stored, "$url")
}

// pathOf takes the host off a URL.
func pathOf(t testing.TB, at string) string {
	t.Helper()
	u, err := url.Parse(at)
	if err != nil || u.Host == "" {
		t.Fatalf("%q is no absolute URL: %v", at, err)
	}
	return u.RequestURI()
}

func TestAnAssetIsUploadedAndRead(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		x := w.newApp(t, "books", hecate.Settings{})
		_, token := w.signUp(t, x, "ben")
		name, at := w.asset(t, x, "a b?.txt", "text/plain", "0123456789")
		if !strings.HasSuffix(name, "-a b?.txt") {
			t.Errorf("it is called %q", name)
		}
		got := w.send(t, "GET", pathOf(t, at), "")
		if got.status != 200 || got.body != "0123456789" || got.header.Get("Content-Type") != "text/plain" {
			t.Errorf("answer %d %q %v", got.status, got.body, got.header)
		}
		part := w.send(t, "GET", pathOf(t, at), "", "Range", "bytes=2-4")
		if part.status != 206 || part.body != "234" || part.header.Get("Content-Range") != "bytes 2-4/10" {
			t.Errorf("a range: %d %q %v", part.status, part.body, part.header)
		}
		if head := w.send(t, "HEAD", pathOf(t, at), ""); head.status != 200 || head.header.Get("Content-Length") != "10" {
			t.Errorf("the head: %d %v", head.status, head.header)
		}

		// In a record it is signed afresh, and stays when the record is saved again.
		save := obj{"api_key": x.key, "access_token": token, "records": []any{obj{"_id": "note/n", "file": obj{"$type": "asset", "$name": name, "$url": "ignored"}}}}
		for range 2 {
			saved := w.post(t, "record:save", save).items(t)[0]
			file := saved["file"].(obj)
			if got := w.send(t, "GET", pathOf(t, text(t, file, "$url")), ""); file["$name"] != name || got.body != "0123456789" {
				t.Fatalf("the record has %v: %s", saved, got.body)
			}
		}
		w.clock.Advance(14 * time.Minute)
		if got := w.send(t, "GET", pathOf(t, at), ""); got.status != 200 {
			t.Errorf("after 14 minutes: %d", got.status)
		}
		w.clock.Advance(2 * time.Minute)
		w.send(t, "GET", pathOf(t, at), "").refused(t, 403, permissionDenied)

		// With its record it goes.
		w.post(t, "record:delete", obj{"api_key": x.key, "access_token": token, "ids": []string{"note/n"}})
		fresh := w.post(t, "record:save", save).items(t)[0]
		if fresh["_type"] != "error" || fresh["code"] != float64(invalidArgument) {
			t.Errorf("a record took the file of a deleted one: %v", fresh)
		}
	})
}

func TestAnAssetsURLCannotBeForged(t *testing.T) {
	t.Parallel()
	w := lite(t)
	here, there := w.newApp(t, "books", hecate.Settings{}), w.newApp(t, "films", hecate.Settings{})
	_, at := w.asset(t, here, "a.txt", "text/plain", "secret")
	_, other := w.asset(t, here, "b.txt", "text/plain", "other")
	good := pathOf(t, at)
	u, err := url.Parse(good)
	if err != nil {
		t.Fatal(err)
	}
	with := func(name, value string) string {
		q := u.Query()
		if q.Set(name, value); value == "" {
			q.Del(name)
		}
		return u.EscapedPath() + "?" + q.Encode()
	}
	otherFile, _ := url.Parse(other)
	for _, one := range []struct {
		path   string
		host   string
		status int
		code   code
	}{
		{with(signQuery, ""), "", 401, invalidSignature},
		{with(signQuery, otherFile.Query().Get(signQuery)), "", 401, invalidSignature},
		{with(expiryQuery, "99999999999"), "", 401, invalidSignature},
		{with(expiryQuery, ""), "", 400, invalidArgument},
		{with(expiryQuery, "x"), "", 400, invalidArgument},
		{with(appQuery, string(there.app.ID)), "", 401, invalidSignature},
		{with(appQuery, ""), "", 401, invalidSignature},
		{good, "films.apps.test", 401, invalidSignature},
		{strings.Replace(good, "a.txt", "b.txt", 1), "", 401, invalidSignature},
	} {
		w.send(t, "GET", one.path, "", "Host", one.host).refused(t, one.status, one.code)
	}
	if got := w.send(t, "GET", with(appQuery, ""), "", "Host", "books.apps.test"); got.body != "secret" {
		t.Errorf("on the host of the app: %d %s", got.status, got.body)
	}
}

func TestAnUploadIsChecked(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		here, there := w.newApp(t, "books", hecate.Settings{}), w.newApp(t, "films", hecate.Settings{})
		_, token := w.signUp(t, here, "ben")
		place := func() string {
			put := w.post(t, "asset:put", obj{"api_key": here.key, "filename": "a", "content-type": "text/plain", "content-size": 3}).ok(t)
			return text(t, put["post-request"].(obj), "action")
		}
		action := place()
		w.upload(t, there.key, action, "abc").refused(t, 404, resourceNotFound)
		w.upload(t, "wrong", action, "abc").refused(t, 401, accessKeyNotAccepted)
		w.upload(t, "", action, "abc").refused(t, 401, notAuthenticated)
		w.upload(t, here.key, action, "").refused(t, 400, invalidArgument)
		w.upload(t, here.key, "/files/nothing-here", "abc").refused(t, 404, resourceNotFound)
		name := strings.TrimPrefix(action, "/files/")
		record := obj{"api_key": here.key, "access_token": token, "records": []any{obj{"_id": "note/n", "f": obj{"$type": "asset", "$name": name}}}}
		if got := w.post(t, "record:save", record).items(t)[0]; got["code"] != float64(invalidArgument) {
			t.Errorf("a record took a file that is not there: %v", got)
		}
		w.upload(t, here.key, action, "abc").ok(t)
		w.upload(t, here.key, action, "xyz").refused(t, 409, duplicated) // never replaced
		if got := w.send(t, "POST", place(), "abc", keyHeader, here.key, "Content-Type", "multipart/form-data; boundary=x"); got.status != 400 {
			t.Errorf("no form: %d %s", got.status, got.body)
		}

		// As it is, with and without a place.
		w.send(t, "PUT", place(), "abc", keyHeader, here.key, "Content-Type", "text/plain").ok(t)
		put := w.send(t, "PUT", "/files/raw.txt", "abc", keyHeader, here.key, "Content-Type", "text/plain").ok(t)
		if !strings.HasSuffix(text(t, put, "$name"), "-raw.txt") {
			t.Errorf("it is called %v", put)
		}
		if got := w.send(t, "GET", pathOf(t, text(t, put, "$url")), ""); got.body != "abc" {
			t.Errorf("it holds %s", got.body)
		}
		w.send(t, "PUT", "/files/raw.txt", "abc", keyHeader, here.key).refused(t, 400, invalidArgument)
		w.send(t, "PUT", "/files/raw.txt", "", keyHeader, here.key, "Content-Type", "text/plain").refused(t, 400, invalidArgument)
		w.send(t, "PUT", "/files/raw.txt?api_key="+there.key, "abc", "Content-Type", "text/plain").ok(t)
		w.post(t, "asset:put", obj{"api_key": here.key, "filename": "a", "content-type": "text/plain", "content-size": maxAsset + 1}).refused(t, 500, assetSizeTooLarge)
		w.post(t, "asset:put", obj{"api_key": here.key, "filename": "a\n", "content-type": "text/plain", "content-size": 1}).refused(t, 400, invalidArgument)
	})
}

func TestNoUploadRunsAsAPage(t *testing.T) {
	t.Parallel()
	w := lite(t)
	x := w.newApp(t, "books", hecate.Settings{})
	for typ, safe := range map[string]bool{
		"image/png": true, "text/plain": true, "text/html": false, "image/svg+xml": false, "application/xhtml+xml": false,
		"text/html; charset=utf-8": false, "application/javascript": false, "nonsense": false,
	} {
		_, at := w.asset(t, x, "x", typ, "<script>1</script>")
		got := w.send(t, "GET", pathOf(t, at), "")
		how := got.header.Get("Content-Disposition")
		if got.header.Get("X-Content-Type-Options") != "nosniff" || strings.HasPrefix(how, "inline") != safe ||
			strings.Contains(got.header.Get("Content-Security-Policy"), "sandbox") == safe {
			t.Errorf("%s: %v", typ, got.header)
		}
	}
}

// read reads the body where it is an object.
func (r *reply) read() { _ = json.Unmarshal([]byte(r.body), &r.value) }

// items demands a result that is a list of objects.
func (r reply) items(t testing.TB) []obj {
	t.Helper()
	list, ok := r.value["result"].([]any)
	if r.status != 200 || !ok {
		t.Fatalf("answer %d %s", r.status, r.body)
	}
	out := make([]obj, len(list))
	for i := range list {
		out[i], _ = list[i].(obj)
	}
	return out
}
