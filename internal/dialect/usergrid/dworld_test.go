package usergrid_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hecate"
	"hecate/internal/dialect/usergrid"
	"hecate/internal/engine"
	"hecate/internal/engine/enginetest"
	"hecate/internal/mail"
	"hecate/internal/store/storetest"
)

// kennel is a server with the org acme and its app books, which is no sandbox, and other/files.
type kennel struct {
	t       *testing.T
	serve   http.Handler
	engine  *engine.Engine
	books   *hecate.App
	files   *hecate.App
	client  string // the credentials of the client of books
	foreign string // those of files
	dir     string // of the bytes of files
}

type object = map[string]any

// eachKennel runs fn on both databases.
func eachKennel(t *testing.T, fn func(t *testing.T, k *kennel)) {
	t.Parallel()
	for _, name := range storetest.Engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fn(t, newKennel(t, name))
		})
	}
}

func newKennel(t *testing.T, engineName string) *kennel {
	t.Helper()
	k := &kennel{t: t}
	house := enginetest.New(t, engineName, mail.Log{To: slog.New(slog.DiscardHandler)}, nil)
	k.engine, k.dir = house.Engine, house.Files
	var err error
	if k.serve, err = usergrid.Handler(usergrid.Config{Engine: k.engine, PublicURL: func() string { return "http://host" }, Log: house.Logger()}); err != nil {
		t.Fatal(err)
	}
	k.books, k.client = k.newApp("acme", "books")
	k.files, k.foreign = k.newApp("other", "files")
	return k
}

// newApp makes an app and returns it with its client's credentials, as HTTP Basic takes them.
func (k *kennel) newApp(org, name string) (*hecate.App, string) {
	k.t.Helper()
	ctx := context.Background()
	if _, err := k.engine.DeclareOrg(ctx, engine.System(), org, nil); err != nil {
		k.t.Fatal(err)
	}
	app, _, err := k.engine.DeclareApp(ctx, engine.System(), engine.DeclareAppInput{Org: org, Name: name, Alias: name})
	if err != nil {
		k.t.Fatal(err)
	}
	c, err := k.engine.Client(ctx, engine.SystemIn(app), hecate.Client{App: app.ID})
	if err != nil {
		k.t.Fatal(err)
	}
	return app, "Basic " + base64.StdEncoding.EncodeToString([]byte(c.Public+":"+c.Secret.Reveal()))
}

// login makes a user and returns his credentials.
func (k *kennel) login(name string) string {
	k.t.Helper()
	_, err := k.engine.CreateUser(context.Background(), engine.SystemIn(k.books), engine.CreateUserInput{Username: name, Password: hecate.NewSecret("pass of " + name)})
	if err != nil {
		k.t.Fatal(err)
	}
	got := k.send("", "POST", "/acme/books/token", object{"grant_type": "password", "username": name, "password": "pass of " + name})
	token, _ := got.body["access_token"].(string)
	if token == "" {
		k.t.Fatalf("no token: %d %v", got.status, got.body)
	}
	return "Bearer " + token
}

// answer is what came back.
type answer struct {
	t      testing.TB
	status int
	body   object
	text   string
	header http.Header
}

// send asks as somebody: body may be a string, bytes, or anything that is sent as JSON.
func (k *kennel) send(as, method, path string, body any, headers ...string) answer {
	k.t.Helper()
	var in io.Reader
	kind := "application/json"
	switch b := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(b)
	case []byte:
		in, kind = bytes.NewReader(b), "application/octet-stream"
	default:
		text, err := json.Marshal(b)
		if err != nil {
			k.t.Fatal(err)
		}
		in = bytes.NewReader(text)
	}
	r := httptest.NewRequest(method, path, in)
	r.Host = "host"
	if in != nil {
		r.Header.Set("Content-Type", kind)
	}
	if as != "" {
		r.Header.Set("Authorization", as)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	k.serve.ServeHTTP(w, r)
	out := answer{t: k.t, status: w.Code, text: w.Body.String(), header: w.Header()}
	dec := json.NewDecoder(strings.NewReader(out.text))
	dec.UseNumber()
	_ = dec.Decode(&out.body) // bytes are compared as text
	return out
}

// books is send inside the app books.
func (k *kennel) ask(as, method, path string, body any, headers ...string) answer {
	k.t.Helper()
	return k.send(as, method, "/acme/books"+path, body, headers...)
}

// ok demands success and returns the entities.
func (a answer) ok() []object {
	a.t.Helper()
	if a.status != http.StatusOK {
		a.t.Fatalf("answer %d %s", a.status, a.text)
	}
	list, _ := a.body["entities"].([]any)
	out := make([]object, len(list))
	for i, e := range list {
		out[i] = e.(object)
	}
	return out
}

// one demands success with one entity.
func (a answer) one() object {
	a.t.Helper()
	list := a.ok()
	if len(list) != 1 {
		a.t.Fatalf("%d entities: %s", len(list), a.text)
	}
	return list[0]
}

// fails demands an error.
func (a answer) fails(status int, code string) {
	a.t.Helper()
	if a.status != status || a.body["error"] != code {
		a.t.Errorf("answer %d %s, want %d %s", a.status, a.text, status, code)
	}
}

func uuidOf(e object) string { s, _ := e["uuid"].(string); return s }

// form is a multipart body with its header.
func form(t testing.TB, file []byte, fields map[string]string) (string, []string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, v := range fields {
		if err := w.WriteField(name, v); err != nil {
			t.Fatal(err)
		}
	}
	if file != nil {
		part, err := w.CreateFormFile("file", "photo.bin")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write(file); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String(), []string{"Content-Type", w.FormDataContentType()}
}

// soon waits for what happens beside the callers.
func soon(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for range 200 {
		if holds() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error(what)
}
