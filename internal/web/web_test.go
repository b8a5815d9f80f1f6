package web

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"hecate"
)

// caller is what the tests' dialect resolves.
type caller struct{ name string }

// answerError is the tests' dialect: kind and cause, with the kind as the status's last two digits.
func answerError(w *Response, r *Request, err error) {
	e := hecate.Detail(err)
	cause := ""
	if e.Err != nil {
		cause = e.Err.Error()
	}
	_ = w.JSON(400+int(e.Kind), map[string]any{"kind": e.Kind.Error(), "field": e.Field, "cause": cause})
}

func keyCaller(r *Request) (caller, error) {
	switch r.Header.Get("X-Api-Key") {
	case "":
		return caller{}, hecate.E(hecate.Unauthenticated, "authenticate")
	case "good":
		return caller{"ann"}, nil
	}
	return caller{}, hecate.E(hecate.BadKey, "authenticate")
}

var (
	open = Open[caller]("a test")
	key  = Require("key", keyCaller)
)

func hello(w *Response, r *Request, c caller) error { return w.JSON(200, "hello "+c.name) }

// echo answers with the body it read.
func echo(how Reading) Handler[caller] {
	return func(w *Response, r *Request, _ caller) error {
		body, err := r.ReadBody(how)
		if err != nil {
			return err
		}
		stream := ""
		if body.Stream != nil {
			text, err := io.ReadAll(body.Stream)
			if err != nil {
				return err
			}
			stream = string(text)
		}
		return w.JSON(200, map[string]any{"kind": body.Kind, "type": body.MediaType, "value": body.Value, "form": body.Form, "stream": stream})
	}
}

func newMux(t testing.TB, config MuxConfig, routes ...Route[caller]) *Mux[caller] {
	t.Helper()
	config.Errors = answerError
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	m, err := NewMux(config, routes)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func serve(t testing.TB, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

type answer struct {
	code   int
	body   string
	header http.Header
}

// do sends a request; header holds name, value pairs.
func do(t testing.TB, method, url string, body io.Reader, header ...string) answer {
	t.Helper()
	req, err := http.NewRequest(method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		return answer{body: err.Error()}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{code: -1, body: err.Error()}
	}
	return answer{resp.StatusCode, string(text), resp.Header}
}

func (a answer) is(t testing.TB, code int, contains string) {
	t.Helper()
	if a.code != code || !strings.Contains(a.body, contains) {
		t.Errorf("got %d %s, want %d with %q", a.code, a.body, code, contains)
	}
}

func kind(k hecate.Kind) int { return 400 + int(k) }

func TestRoutes(t *testing.T) {
	t.Parallel()
	s := serve(t, newMux(t, MuxConfig{},
		Get("/", open, hello),
		Get("/keyed/", key, hello),
		Post("/keyed/", key, hello),
		Get("/things/{id}/", open, func(w *Response, r *Request, _ caller) error { return w.JSON(200, r.PathValue("id")) }),
		Any("/any/{rest...}", open, func(w *Response, r *Request, _ caller) error { return w.JSON(200, r.PathValue("rest")) })))
	for _, c := range []struct {
		name, method, path, key string
		code                    int
		contains                string
	}{
		{"an open route lets everybody in", "GET", "/", "", 200, "hello "},
		{"a keyed route resolves the caller", "GET", "/keyed/", "good", 200, "hello ann"},
		{"a keyed route refuses nobody", "GET", "/keyed/", "", kind(hecate.Unauthenticated), "not authenticated"},
		{"a keyed route refuses a bad key", "GET", "/keyed/", "x", kind(hecate.BadKey), "bad key"},
		{"a missing slash is not found", "GET", "/keyed", "good", kind(hecate.NotFound), "not found"},
		{"a missing slash is not found with POST", "POST", "/keyed", "good", kind(hecate.NotFound), "not found"},
		{"a final slash means exactly that path", "GET", "/keyed/more", "good", kind(hecate.NotFound), "not found"},
		{"doubled slashes are not cleaned", "GET", "//keyed/", "good", kind(hecate.NotFound), "not found"},
		{"dots are not cleaned", "GET", "/x/../keyed/", "good", kind(hecate.NotFound), "not found"},
		{"an unknown method is not allowed", "PUT", "/keyed/", "good", kind(hecate.Unsupported), "method not allowed"},
		{"path values are unescaped", "GET", "/things/a%20b%2Fc/", "", 200, "a b/c"},
		{"any method is any method", "PURGE", "/any/x/y", "", 200, "x/y"},
		{"HEAD is GET", "HEAD", "/", "", 200, ""},
		{"NUL in a path is malformed", "GET", "/things/a%00b/", "", kind(hecate.Malformed), "path contains a NUL"},
		{"invalid UTF-8 in a path is malformed", "GET", "/things/a%ffb/", "", kind(hecate.Malformed), "path is not valid UTF-8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var header []string
			if c.key != "" {
				header = []string{"X-Api-Key", c.key}
			}
			a := do(t, c.method, s.URL+c.path, nil, header...)
			a.is(t, c.code, c.contains)
			if a.header.Get("X-Request-Id") == "" {
				t.Error("no request id")
			}
			if a.code == kind(hecate.Unsupported) && a.header.Get("Allow") != "GET, HEAD, POST" {
				t.Errorf("Allow is %q", a.header.Get("Allow"))
			}
		})
	}
}

func TestNewMuxRefuses(t *testing.T) {
	t.Parallel()
	for name, routes := range map[string][]Route[caller]{
		"a route without security":     {Get("/", Security[caller]{}, hello)},
		"open without a reason":        {Get("/", Open[caller](""), hello)},
		"a route without handler":      {Get[caller]("/", open, nil)},
		"an empty route":               {{}},
		"a bad pattern":                {Get("/{", open, hello)},
		"two routes of the same paths": {Get("/{a}/x", open, hello), Get("/y/{b}", open, hello)},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := NewMux(MuxConfig{Errors: answerError}, routes); err == nil {
				t.Error("accepted")
			}
		})
	}
	if _, err := NewMux[caller](MuxConfig{}, nil); err == nil {
		t.Error("a mux without Errors is accepted")
	}
}

func TestHooksAnswerUnknownPathsAndMethods(t *testing.T) {
	t.Parallel()
	s := serve(t, newMux(t, MuxConfig{
		Begin:            func(w *Response, r *Request) { w.Header().Set("Server", "test") },
		NotFound:         func(w *Response, r *Request) error { return w.JSON(404, "nothing at "+r.URL.Path) },
		MethodNotAllowed: func(w *Response, r *Request, allow string) error { return w.JSON(405, r.Method+" not in "+allow) },
	}, Get("/a", open, hello)))
	a := do(t, "GET", s.URL+"/b", nil)
	a.is(t, 404, "nothing at /b")
	if a.header.Get("Server") != "test" {
		t.Error("Begin's header is missing")
	}
	do(t, "PUT", s.URL+"/a", nil).is(t, 405, "PUT not in GET, HEAD")
}

func TestLooseSlashIgnoresDoubledAndTrailingSlashes(t *testing.T) {
	t.Parallel()
	s := serve(t, newMux(t, MuxConfig{LooseSlash: true}, Get("/a/{b}", open, func(w *Response, r *Request, _ caller) error {
		return w.JSON(200, r.PathValue("b"))
	}), Get("/", open, hello)))
	for path, want := range map[string]string{"/a/x": `"x"`, "/a/x/": `"x"`, "//a///x//": `"x"`, "/a/x%2F%2F/": `"x//"`, "/": "hello"} {
		do(t, "GET", s.URL+path, nil).is(t, 200, want)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	limits := Limits{Body: 1000, JSONDepth: 5, JSONValues: 50, HeaderBytes: 2000, HeaderCount: 20, PathBytes: 200, QueryBytes: 300, Pairs: 10}
	s := serve(t, newMux(t, MuxConfig{Limits: limits}, Any("/{path...}", open, echo(Reading{})),
		Post("/large", open, echo(Reading{})).MaxBody(5000)))
	js := []string{"Content-Type", "application/json"}
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	long := strings.Repeat("x", 1100)
	for _, c := range []struct {
		name, path, body string
		header           []string
		code             int
		contains         string
	}{
		{"a small body passes", "/", `{"a":[1,{"b":2}]}`, js, 200, `"b":2`},
		{"a large body is too large", "/", `"` + long + `"`, js, kind(hecate.TooLarge), "body"},
		{"a large form is too large", "/", "a=" + long, form, kind(hecate.TooLarge), "body"},
		{"a route may take more", "/large", `"` + long + `"`, js, 200, "xxx"},
		{"deep JSON is too large", "/", `[[[[[[1]]]]]]`, js, kind(hecate.TooLarge), "nesting"},
		{"many JSON values are too large", "/", `[1` + strings.Repeat(",1", 60) + `]`, js, kind(hecate.TooLarge), "number of JSON values"},
		{"many form pairs are too large", "/", strings.Repeat("a=1&", 12), form, kind(hecate.TooLarge), "parameters"},
		{"a long query is too large", "/?q=" + long, "", nil, kind(hecate.TooLarge), "query string"},
		{"many query pairs are too large", "/?" + strings.Repeat("a=1&", 12), "", nil, kind(hecate.TooLarge), "parameters"},
		{"a long path is too large", "/" + long, "", nil, kind(hecate.TooLarge), "path"},
		{"a large header is too large", "/", "", []string{"X-A", long + long}, kind(hecate.TooLarge), "header"},
		{"many headers are too large", "/", "", strings.Split(strings.Repeat("X-A,1,", 30), ","), kind(hecate.TooLarge), "headers"},
		{"NUL in a query is malformed", "/?q=a%00", "", nil, kind(hecate.Malformed), `"field":"q"`},
		{"invalid UTF-8 in a query is malformed", "/?q=%ff", "", nil, kind(hecate.Malformed), "UTF-8"},
		{"NUL in a form is malformed", "/", "f=%00", form, kind(hecate.Malformed), `"field":"f"`},
		{"NUL in JSON is malformed", "/", `{"a":"x\u0000"}`, js, kind(hecate.Malformed), "NUL"},
		{"an encoded body is unsupported", "/", `{}`, append(js, "Content-Encoding", "gzip"), kind(hecate.Unsupported), "Content-Encoding"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var body io.Reader
			if c.body != "" {
				body = strings.NewReader(c.body)
			}
			do(t, "POST", s.URL+c.path, body, c.header...).is(t, c.code, c.contains)
			if c.body != "" && !strings.HasPrefix(c.path, "/?") {
				// The same without a declared length.
				do(t, "POST", s.URL+c.path, io.MultiReader(strings.NewReader(c.body)), c.header...).is(t, c.code, c.contains)
			}
		})
	}
}

func TestHeaderBeyondTheServerBoundIsRefused(t *testing.T) {
	t.Parallel()
	url, stop := start(t, Config{Handler: newMux(t, MuxConfig{}, Get("/", open, hello)), Limits: Limits{HeaderBytes: 1000, PathBytes: 1000, QueryBytes: 1000}})
	defer stop()
	do(t, "GET", url+"/", nil, "X-Big", strings.Repeat("x", 20_000)).is(t, 431, "")
}

func TestOversizeUploadGetsItsAnswer(t *testing.T) {
	t.Parallel()
	s := serve(t, newMux(t, MuxConfig{Limits: Limits{Body: 1000}}, Post("/", open, echo(Reading{}))))
	big := bytes.Repeat([]byte("x"), 8<<20)
	// Raw, as a client that first sends all and then reads would see it.
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", len(big))
	go func() { _, _ = conn.Write(big) }()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != kind(hecate.TooLarge) {
		t.Errorf("got %d", resp.StatusCode)
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	s := serve(t, newMux(t, MuxConfig{}, Any("/strict", open, echo(Reading{})), Any("/always", open, echo(Reading{AlwaysJSON: true})),
		Any("/sniff", open, echo(Reading{SniffJSON: true})), Any("/plain", open, echo(Reading{PlainIsJSON: true})),
		Any("/ignore", open, hello)))
	form := "application/x-www-form-urlencoded"
	for _, c := range []struct {
		name, method, path, contentType, body string
		code                                  int
		contains                              string
	}{
		{"numbers stay as they are", "POST", "/strict", "application/json", `{"n":12345678901234567890.10}`, 200, `12345678901234567890.10`},
		{"the last duplicate wins", "POST", "/strict", "application/json; charset=utf-8", `{"a":1,"a":2}`, 200, `{"a":2}`},
		{"a byte order mark is skipped", "POST", "/strict", "application/json", "\xef\xbb\xbf{}", 200, `"kind":1`},
		{"null is a value", "POST", "/strict", "application/json", `null`, 200, `"kind":1`},
		{"no body is no body", "POST", "/strict", "application/json", ``, 200, `"kind":0`},
		{"blanks are no body", "POST", "/strict", "application/json", " \n", 200, `"kind":0`},
		{"garbage behind JSON is refused", "POST", "/strict", "application/json", `{} x`, kind(hecate.Malformed), "extra data at byte 3"},
		{"half JSON is refused", "POST", "/strict", "application/json", `{"a":`, kind(hecate.Malformed), "ends too early"},
		{"bad JSON is refused", "POST", "/strict", "application/json", `{a}`, kind(hecate.Malformed), "invalid character"},
		{"invalid UTF-8 is refused", "POST", "/strict", "application/json", "\"\xff\"", kind(hecate.Malformed), "UTF-8"},
		{"a form is read", "PATCH", "/strict", form, `a=1&a=2&schema=%5B%7B%7D%5D&odd=100%&+x`, 200, `{" x":[""],"a":["1","2"],"odd":["100%"],"schema":["[{}]"]}`},
		{"GET bodies are read", "GET", "/strict", "application/json", `{"a":1}`, 200, `{"a":1}`},
		{"GET bodies may be ignored", "GET", "/ignore", "application/json", `{"a":1}`, 200, `hello`},
		{"DELETE bodies may be ignored", "DELETE", "/ignore", "application/json", `{"a":`, 200, `hello`},
		{"other types are streamed", "PUT", "/strict", "image/png", "PNG", 200, `"stream":"PNG"`},
		{"always JSON", "GET", "/always", "text/html", `{"a":1}`, 200, `{"a":1}`},
		{"sniffed JSON in a form type", "POST", "/sniff", form, ` {"a":1}`, 200, `{"a":1}`},
		{"sniffed JSON without a type", "POST", "/sniff", "", `[1]`, 200, `[1]`},
		{"a form stays a form when sniffing", "POST", "/sniff", form, `a=1`, 200, `"a":["1"]`},
		{"octets are not sniffed", "POST", "/sniff", "application/octet-stream", `{"a":1}`, 200, `"stream":"{`},
		{"plain text as JSON", "POST", "/plain", "text/plain;charset=UTF-8", `{"a":1}`, 200, `{"a":1}`},
		{"a broken type is other", "POST", "/strict", ";;;", `{}`, 200, `"kind":4`},
	} {
		t.Run(c.name, func(t *testing.T) {
			do(t, c.method, s.URL+c.path, strings.NewReader(c.body), "Content-Type", c.contentType).is(t, c.code, c.contains)
		})
	}
}

func TestDecodeIntoNamesTheFieldOfAWrongType(t *testing.T) {
	t.Parallel()
	s := serve(t, newMux(t, MuxConfig{}, Post("/", open, func(w *Response, r *Request, _ caller) error {
		var in struct {
			Name string `json:"name"`
			Age  int    `json:"age"`
		}
		if err := r.DecodeInto(&in); err != nil {
			return err
		}
		return w.JSON(200, in)
	})))
	do(t, "POST", s.URL, strings.NewReader(`{"name":"x","age":3,"more":1}`)).is(t, 200, `{"name":"x","age":3}`)
	do(t, "POST", s.URL, strings.NewReader(`{"name":3}`)).is(t, kind(hecate.Invalid), `"field":"name"`)
	do(t, "POST", s.URL, nil).is(t, 200, `{"name":"","age":0}`)
}

// form builds a multipart body from parts "name=text" and "name@filename=text".
func form(t testing.TB, parts ...string) (io.Reader, string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, p := range parts {
		name, text, _ := strings.Cut(p, "=")
		part, file, isFile := strings.Cut(name, "@")
		var out io.Writer
		var err error
		if isFile {
			out, err = w.CreateFormFile(part, file)
		} else {
			out, err = w.CreateFormField(part)
		}
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(out, text)
	}
	_ = w.Close()
	return &b, w.FormDataContentType()
}

func TestMultipart(t *testing.T) {
	t.Parallel()
	take := func(w *Response, r *Request, _ caller) error {
		var files []string
		body, err := r.ReadBody(Reading{File: func(p *Part) error {
			text, err := io.ReadAll(p)
			files = append(files, fmt.Sprintf("%s %s %s %d", p.Name, p.Filename, p.ContentType, len(text)))
			if p.Filename == "swallow" {
				return nil
			}
			return err
		}})
		if err != nil {
			return err
		}
		return w.JSON(200, map[string]any{"files": files, "form": body.Form})
	}
	s := serve(t, newMux(t, MuxConfig{Limits: Limits{Body: 500, FieldBytes: 100, FileBytes: 2000, Parts: 5}},
		Post("/upload", open, take).MaxUpload(10_000), Post("/small", open, take), Post("/none", open, echo(Reading{}))))
	text := func(n int) string { return strings.Repeat("x", n) }
	for _, c := range []struct {
		name, path string
		parts      []string
		code       int
		contains   string
	}{
		{"files go to the sink, text to the form", "/upload", []string{"a=1", "f@pic.png=" + text(1500), "b=2"}, 200,
			`{"files":["f pic.png application/octet-stream 1500"],"form":{"a":["1"],"b":["2"]}}`},
		{"a path in a filename is dropped", "/upload", []string{"f@../../etc/passwd=x"}, 200, `"f passwd`},
		{"a large file is too large", "/upload", []string{"f@a=" + text(2001)}, kind(hecate.TooLarge), "file is too large"},
		{"a large file is too large though the sink swallows it", "/upload", []string{"f@swallow=" + text(2001)}, kind(hecate.TooLarge), "file"},
		{"a large field is too large", "/upload", []string{"a=" + text(101)}, kind(hecate.TooLarge), "part a"},
		{"all fields together are limited", "/upload", []string{"f@x=1", "a=" + text(100) + "&b", "b=" + text(100), "c=" + text(100), "d=" + text(100)}, 200, ""},
		{"many parts are too large", "/upload", []string{"a=1", "b=1", "c=1", "d=1", "e=1", "f=1"}, kind(hecate.TooLarge), "parts"},
		{"many files are too large together", "/upload", []string{"a@a=" + text(1999), "b@b=" + text(1999), "c@c=" + text(1999), "d@d=" + text(1999), "e@e=" + text(1999)}, kind(hecate.TooLarge), "body"},
		{"a route without uploads keeps the body limit", "/small", []string{"f@a=" + text(600)}, kind(hecate.TooLarge), "body"},
		{"a route without a sink takes no files", "/none", []string{"f@a=x"}, kind(hecate.Unsupported), "files"},
		{"NUL in a field is malformed", "/upload", []string{"a=\x00"}, kind(hecate.Malformed), `"field":"a"`},
		{"invalid UTF-8 in a name is malformed", "/upload", []string{"\xff=1"}, kind(hecate.Malformed), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			body, contentType := form(t, c.parts...)
			if c.name == "all fields together are limited" {
				c.code, c.contains = kind(hecate.TooLarge), "part"
			}
			do(t, "POST", s.URL+c.path, body, "Content-Type", contentType).is(t, c.code, c.contains)
		})
	}
	t.Run("no boundary is malformed", func(t *testing.T) {
		do(t, "POST", s.URL+"/upload", strings.NewReader("x"), "Content-Type", "multipart/form-data").is(t, kind(hecate.Malformed), "boundary")
	})
	t.Run("half a body is malformed", func(t *testing.T) {
		body, contentType := form(t, "a=1", "f@x=123456")
		text, _ := io.ReadAll(body)
		do(t, "POST", s.URL+"/upload", bytes.NewReader(text[:len(text)-60]), "Content-Type", contentType).is(t, kind(hecate.Malformed), "")
	})
}

func TestMultipartFileWithoutFilenameWhenTheDialectSaysSo(t *testing.T) {
	t.Parallel()
	got := make(chan string, 1)
	s := serve(t, newMux(t, MuxConfig{}, Post("/", open, func(w *Response, r *Request, _ caller) error {
		_, err := r.ReadBody(Reading{
			IsFile: func(p *Part) bool { return p.HasFilename || p.ContentType != "" },
			File:   func(p *Part) error { text, err := io.ReadAll(p); got <- p.Name + ":" + string(text); return err }})
		return err
	})))
	body := "--b\r\nContent-Disposition: form-data; name=\"f\"\r\nContent-Type: application/octet-stream\r\n\r\nbytes\r\n--b--\r\n"
	do(t, "POST", s.URL, strings.NewReader(body), "Content-Type", "multipart/form-data; boundary=b").is(t, 200, "")
	if g := <-got; g != "f:bytes" {
		t.Error(g)
	}
}

func TestUnreadBodiesKeepTheConnection(t *testing.T) {
	t.Parallel()
	s := serve(t, newMux(t, MuxConfig{}, Any("/", open, hello)))
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	body := strings.Repeat("x", 100_000)
	for range 3 {
		fmt.Fprintf(conn, "DELETE / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if text, _ := io.ReadAll(resp.Body); resp.StatusCode != 200 || !strings.Contains(string(text), "hello") {
			t.Fatalf("got %d %s", resp.StatusCode, text)
		}
	}
}

// lines is a log in memory.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) { l.mu.Lock(); defer l.mu.Unlock(); return l.b.Write(p) }
func (l *lines) String() string              { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }

func jsonLog(w io.Writer) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Error("never: " + what)
}

func TestPanics(t *testing.T) {
	t.Parallel()
	var log lines
	m := newMux(t, MuxConfig{Log: jsonLog(&log)},
		Get("/early", open, func(w *Response, r *Request, _ caller) error {
			w.Header().Set("Content-Length", "7")
			panic("boom one")
		}),
		Get("/late", open, func(w *Response, r *Request, _ caller) error {
			_, _ = io.WriteString(w, "half")
			w.Flush()
			panic("boom two")
		}),
		Get("/half", open, func(w *Response, r *Request, _ caller) error {
			_, _ = io.WriteString(w, "half")
			w.Flush()
			return hecate.E(hecate.NotFound, "read")
		}),
		Get("/internal", open, func(w *Response, r *Request, _ caller) error { return errors.New("disk of secrets") }),
		Get("/security", Require("bad", func(*Request) (caller, error) { panic("boom three") }), hello))
	s := serve(t, NewObserver(Observation{Log: jsonLog(&log)}).Observe(m))
	do(t, "GET", s.URL+"/early", nil).is(t, kind(hecate.Internal), `internal error`)
	do(t, "GET", s.URL+"/security", nil).is(t, kind(hecate.Internal), "internal error")
	do(t, "GET", s.URL+"/internal", nil).is(t, kind(hecate.Internal), "internal error")
	for _, path := range []string{"/late", "/half"} {
		if a := do(t, "GET", s.URL+path, nil); a.code != -1 {
			t.Errorf("%s: half an answer passes for a whole one: %+v", path, a)
		}
	}
	s.Close()
	for text, want := range map[string]int{`"panic":"boom one"`: 1, `"panic":"boom two"`: 1, `"panic":"boom three"`: 1, "disk of secrets": 1, `"msg":"request"`: 5} {
		if got := strings.Count(log.String(), text); got != want {
			t.Errorf("%q is logged %d times, want %d", text, got, want)
		}
	}
	if !strings.Contains(log.String(), "web_test.go") {
		t.Error("no stack in the log")
	}
}

func TestAClientThatLeavesIsNoErrorOfOurs(t *testing.T) {
	t.Parallel()
	for name, send := range map[string]func(*Response) error{
		"write": func(w *Response) error {
			for {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return fmt.Errorf("download: %w", err)
				}
			}
		},
		"copy": func(w *Response) error { _, err := io.Copy(w, neverEnding{}); return err },
	} {
		t.Run(name, func(t *testing.T) {
			var access, faults lines
			s := serve(t, NewObserver(Observation{Access: &access}).Observe(newMux(t, MuxConfig{Log: jsonLog(&faults)}, Get("/", open,
				func(w *Response, _ *Request, _ caller) error { return send(w) }))))
			conn, err := net.Dial("tcp", s.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			_, _ = conn.Read(make([]byte, 100))
			conn.Close()
			eventually(t, "the line says 499", func() bool { return strings.Contains(access.String(), `"status":499`) })
			if faults.String() != "" {
				t.Errorf("logged: %s", faults.String())
			}
		})
	}
}

type neverEnding struct{}

func (neverEnding) Read(p []byte) (int, error) { return len(p), nil }

func TestAPanicOfErrorsIsAnswered(t *testing.T) {
	t.Parallel()
	m, err := NewMux(MuxConfig{Log: slog.New(slog.DiscardHandler), Errors: func(*Response, *Request, error) { panic("errors") }}, []Route[caller]{Get("/", key, hello)})
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, NewObserver(Observation{Log: slog.New(slog.DiscardHandler)}).Observe(m))
	do(t, "GET", s.URL, nil).is(t, 500, "internal error")
}

func TestAccessLogHidesSecrets(t *testing.T) {
	t.Parallel()
	var log lines
	m := newMux(t, MuxConfig{}, Get("/reset/{token}/{name}/", open, hello))
	s := serve(t, NewObserver(Observation{Log: jsonLog(&log)}).Observe(m))
	secret := "s3cr3t"
	for _, name := range []string{"api_key", "apikey", "user_key", "userkey", "_user_key", "staff_key", "access_token", "client_secret", "token", "password",
		"newpassword", "code", "signature", "invitation_key", "API_KEY", "api%5Fkey", "ticket", "pin", "x=1?access_token", "a=1;token"} {
		do(t, "GET", s.URL+"/reset/"+secret+"/x/?page_size=7&"+name+"="+secret, nil)
	}
	do(t, "GET", s.URL+"/reset/"+strings.Repeat("s3cr3t", 5), nil)
	do(t, "GET", s.URL+"/reset/"+strings.Repeat("s3cr3t", 5)+"/x/?a=%00", nil)
	s.Close()
	if strings.Contains(log.String(), secret) {
		t.Errorf("a secret is logged:\n%s", log.String())
	}
	var line map[string]any
	if err := json.Unmarshal([]byte(strings.SplitN(log.String(), "\n", 2)[0]), &line); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{"method": "GET", "route": "GET /reset/{token}/{name}/{$}", "status": 200.0, "client": "127.0.0.1",
		"path": "/reset/[redacted]/x/?page_size=7&api_key=[redacted]", "bytes": 9.0} {
		if line[name] != want {
			t.Errorf("%s is %v, want %v", name, line[name], want)
		}
	}
}

func TestAccessLogHidesWhatLooksLikeAKeyAnywhere(t *testing.T) {
	t.Parallel()
	hex := strings.Repeat("0aF9", 10)
	for path, want := range map[string]string{
		"/files/" + hex + ".png": "/files/[redacted].png",
		hex:                      "[redacted]",
		"/users/" + hex + "/" + hex + "/x?q=" + hex[8:]: "/users/[redacted]/[redacted]/x?q=[redacted]",
		"/users/0192f0c1-2b3c-7d4e-8f50-123456789abc/":  "/users/0192f0c1-2b3c-7d4e-8f50-123456789abc/",
		"/" + hex[9:]: "/" + hex[9:],
	} {
		if got := hideHex(path); got != want {
			t.Errorf("%s is logged as %s", path, got)
		}
	}
}

func TestAccessWritesTheLineThatSlogWould(t *testing.T) {
	t.Parallel()
	var fast, slow lines
	m := newMux(t, MuxConfig{}, Get("/a/{key}", open, hello))
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	for _, o := range []Observation{{Access: &fast}, {Log: jsonLog(&slow)}} {
		o.Now, o.Rand = func() time.Time { return at }, strings.NewReader("abcdef")
		h := NewObserver(o).Observe(m)
		for _, path := range []string{"/a/b?q=%22", "/a/b?token=x&q=\"\\<\u00fc\x01", "/nowhere"} {
			req := httptest.NewRequest("GET", "/a/b", nil)
			req.RequestURI = path
			h.ServeHTTP(&Capture{}, req)
		}
		req := httptest.NewRequest("GET", "/nowhere", nil)
		h.ServeHTTP(&Capture{}, req)
	}
	got, want := strings.Split(fast.String(), "\n"), strings.Split(slow.String(), "\n")
	if len(got) != len(want) || len(got) != 5 {
		t.Fatalf("%d lines, want %d", len(got), len(want))
	}
	for i := range got[:4] {
		var g, w map[string]any
		if err := errors.Join(json.Unmarshal([]byte(got[i]), &g), json.Unmarshal([]byte(want[i]), &w)); err != nil {
			t.Fatal(err)
		}
		delete(g, "time")
		delete(w, "time")
		if fmt.Sprint(g) != fmt.Sprint(w) {
			t.Errorf("got  %v\nwant %v", g, w)
		}
	}
}

func TestClientAddressAndRequestID(t *testing.T) {
	t.Parallel()
	m := newMux(t, MuxConfig{}, Get("/", open, func(w *Response, r *Request, _ caller) error { return w.JSON(200, r.ClientIP()+" "+r.ID()) }))
	plain := serve(t, NewObserver(Observation{}).Observe(m))
	trusting := serve(t, NewObserver(Observation{Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}}).Observe(m))
	forward := func(v ...string) []string {
		h := []string{"X-Request-Id", "abc.1"}
		for _, x := range v {
			h = append(h, "X-Forwarded-For", x)
		}
		return h
	}
	a := do(t, "GET", plain.URL, nil, forward("1.2.3.4")...)
	a.is(t, 200, "127.0.0.1 ")
	if a.header.Get("X-Request-Id") == "abc.1" {
		t.Error("a stranger's request id is believed")
	}
	do(t, "GET", trusting.URL, nil, forward("1.2.3.4")...).is(t, 200, "1.2.3.4 abc.1")
	do(t, "GET", trusting.URL, nil, forward("6.6.6.6, 1.2.3.4", "10.1.1.1")...).is(t, 200, "1.2.3.4 ")
	do(t, "GET", trusting.URL, nil, forward("nonsense, 10.1.1.1")...).is(t, 200, "10.1.1.1 ")
	do(t, "GET", trusting.URL, nil, forward()...).is(t, 200, "127.0.0.1 ")
	do(t, "GET", trusting.URL, nil, "X-Request-Id", "bad id").is(t, 200, "127.0.0.1 ")
	if a := do(t, "GET", trusting.URL, nil, "X-Request-Id", "bad id"); a.header.Get("X-Request-Id") == "bad id" {
		t.Error("an unclean request id is taken")
	}
}

func TestTimeLimit(t *testing.T) {
	t.Parallel()
	wait := func(w *Response, r *Request, _ caller) error {
		select {
		case <-r.Context().Done():
			return fmt.Errorf("query: %w", r.Context().Err())
		case <-time.After(200 * time.Millisecond):
			return w.JSON(200, "done")
		}
	}
	s := serve(t, newMux(t, MuxConfig{Limits: Limits{Time: 20 * time.Millisecond}}, Get("/short", open, wait), Get("/long", open, wait).Timeout(5*time.Second),
		Get("/poll", open, func(w *Response, r *Request, _ caller) error {
			for r.Context().Err() == nil {
				time.Sleep(time.Millisecond)
			}
			return r.Context().Err()
		})))
	do(t, "GET", s.URL+"/short", nil).is(t, kind(hecate.TooMany), "time limit")
	do(t, "GET", s.URL+"/poll", nil).is(t, kind(hecate.TooMany), "time limit")
	do(t, "GET", s.URL+"/long", nil).is(t, 200, "done")
}

func TestContextOfARequestDerivesWithoutGoroutinesAndEnds(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	type name struct{}
	s := serve(t, newMux(t, MuxConfig{}, Get("/", open, func(w *Response, r *Request, _ caller) error {
		ctx, cancel := context.WithCancel(context.WithValue(r.Context(), name{}, 1))
		go func() { defer cancel(); <-ctx.Done(); ended <- ctx.Err() }()
		if _, has := r.Context().Deadline(); !has || ctx.Value(name{}) != 1 || ctx.Value(http.ServerContextKey) == nil {
			return errors.New("deadline or values are missing")
		}
		return w.JSON(200, "ok")
	})))
	do(t, "GET", s.URL, nil).is(t, 200, "ok")
	if err := <-ended; err == nil {
		t.Error("the context did not end with its request")
	}
}

func TestCORS(t *testing.T) {
	t.Parallel()
	s := serve(t, newMux(t, MuxConfig{CORS: &CORS{Methods: "GET, POST", Headers: "x-api-key", Expose: "Retry-After", MaxAge: 24 * time.Hour}},
		Get("/", key, hello)))
	echoing := serve(t, newMux(t, MuxConfig{CORS: &CORS{Origin: EchoOrigin, Credentials: true, AllOptions: true}}, Get("/", key, hello)))
	check := func(name string, a answer, want ...string) {
		t.Helper()
		for i := 0; i < len(want); i += 2 {
			if got := a.header.Get(want[i]); got != want[i+1] {
				t.Errorf("%s: %s is %q, want %q", name, want[i], got, want[i+1])
			}
		}
	}
	a := do(t, "OPTIONS", s.URL+"/nowhere/", nil, "Origin", "http://x", "Access-Control-Request-Method", "PUT")
	a.is(t, 200, "")
	check("preflight", a, "Access-Control-Allow-Origin", "*", "Access-Control-Allow-Methods", "GET, POST", "Access-Control-Allow-Headers", "x-api-key",
		"Access-Control-Max-Age", "86400", "Access-Control-Allow-Credentials", "")
	a = do(t, "GET", s.URL, nil, "Origin", "http://x")
	a.is(t, kind(hecate.Unauthenticated), "")
	check("error", a, "Access-Control-Allow-Origin", "*", "Access-Control-Expose-Headers", "Retry-After")
	check("same origin", do(t, "GET", s.URL, nil), "Access-Control-Allow-Origin", "")
	do(t, "OPTIONS", s.URL, nil, "Origin", "http://x").is(t, kind(hecate.Unsupported), "")
	a = do(t, "OPTIONS", echoing.URL, nil, "Origin", "http://x", "Access-Control-Request-Headers", "a, b")
	a.is(t, 200, "")
	check("echo", a, "Access-Control-Allow-Origin", "http://x", "Access-Control-Allow-Headers", "a, b", "Access-Control-Allow-Credentials", "true", "Vary", "Origin")
}

func TestLimiter(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	l := NewLimiter(LimiterConfig{PerSecond: 2, Burst: 3, MaxKeys: 4, Now: func() time.Time { return now }})
	for range 3 {
		if ok, _ := l.Allow("a"); !ok {
			t.Fatal("a full bucket refuses")
		}
	}
	if ok, after := l.Allow("a"); ok || after != 500*time.Millisecond {
		t.Errorf("an empty bucket says %v %v", ok, after)
	}
	if ok, _ := l.Allow("b"); !ok {
		t.Error("one key empties another's bucket")
	}
	now = now.Add(500 * time.Millisecond)
	if ok, _ := l.Allow("a"); !ok {
		t.Error("the bucket does not fill")
	}
	for i := range 1000 {
		l.Allow(fmt.Sprint(i))
		l.Allow("a")
		if n := len(l.young) + len(l.old); n > 5 {
			t.Fatalf("%d keys are remembered", n)
		}
	}
	if ok, _ := l.Allow("a"); ok {
		t.Error("a key in use was forgotten")
	}
	if ok, _ := (*Limiter)(nil).Allow("a"); !ok || NewLimiter(LimiterConfig{}) != nil {
		t.Error("off is not off")
	}
	s := serve(t, newMux(t, MuxConfig{Limiter: NewLimiter(LimiterConfig{PerSecond: 0.001, Burst: 1})}, Get("/", open, hello)))
	do(t, "GET", s.URL, nil).is(t, 200, "")
	do(t, "GET", s.URL, nil).is(t, kind(hecate.TooMany), "too many requests")
}

func TestLogBuffer(t *testing.T) {
	t.Parallel()
	var out lines
	b := NewLogBuffer(&out, 20*time.Millisecond)
	_, _ = b.Write([]byte("one\n"))
	eventually(t, "the line is flushed by time", func() bool { return out.String() == "one\n" })
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 2000 {
				_, _ = b.Write([]byte("0123456789abcdef\n"))
			}
		})
	}
	wg.Wait()
	if err := errors.Join(b.Close(), b.Close()); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "0123456789abcdef\n"); n != 16_000 {
		t.Errorf("%d lines", n)
	}
	_, _ = b.Write([]byte("last\n"))
	if !strings.HasSuffix(out.String(), "last\n") {
		t.Error("a line after Close is lost")
	}
}

// start runs Serve on a random port; stop ends it and returns its error.
func start(t testing.TB, c Config) (url string, stop func() error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.Listener = listener
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- Serve(ctx, c) }()
	return "http://" + listener.Addr().String(), func() error { cancel(); return <-result }
}

func TestShutdownFinishesWhatIsInFlight(t *testing.T) {
	t.Parallel()
	entered, finish := make(chan bool), make(chan bool)
	url, stop := start(t, Config{Handler: newMux(t, MuxConfig{}, Get("/", open, func(w *Response, r *Request, _ caller) error {
		entered <- true
		<-finish
		if r.Context().Err() != nil {
			return r.Context().Err()
		}
		return w.JSON(200, "finished")
	}))})
	got := make(chan answer, 1)
	go func() { got <- do(t, "GET", url, nil) }()
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	eventually(t, "the listener closes", func() bool { _, err := net.Dial("tcp", strings.TrimPrefix(url, "http://")); return err != nil })
	close(finish)
	(<-got).is(t, 200, "finished")
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestShutdownGivesUpAfterDrain(t *testing.T) {
	t.Parallel()
	entered, ended := make(chan bool), make(chan error, 1)
	url, stop := start(t, Config{Drain: 30 * time.Millisecond, Handler: newMux(t, MuxConfig{}, Get("/", open, func(w *Response, r *Request, _ caller) error {
		entered <- true
		<-r.Context().Done()
		ended <- r.Context().Err()
		return r.Context().Err()
	}))})
	go func() { _ = do(t, "GET", url, nil) }()
	<-entered
	if err := stop(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the request saw %v", err)
	}
}

func TestSlowClientsAreCutOff(t *testing.T) {
	t.Parallel()
	url, stop := start(t, Config{ReadHeader: 50 * time.Millisecond, Read: 100 * time.Millisecond,
		Handler: newMux(t, MuxConfig{}, Post("/", open, echo(Reading{})))})
	defer stop()
	for name, begin := range map[string]string{
		"slow header": "POST / HTTP/1.1\r\nHost: x\r\n",
		"slow body":   "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, begin)
		_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		text, err := io.ReadAll(conn)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if name == "slow body" && !strings.Contains(string(text), "did not arrive in time") {
			t.Errorf("%s: %s", name, text)
		}
		conn.Close()
	}
}

func TestSwitch(t *testing.T) {
	t.Parallel()
	say := func(name string) http.Handler {
		return newMux(t, MuxConfig{}, Any("/{path...}", open, func(w *Response, r *Request, _ caller) error {
			return w.JSON(200, name+" "+r.URL.EscapedPath()+" under "+r.Prefix())
		}))
	}
	ready := errors.New("no database")
	sw, err := NewSwitch(SwitchConfig{
		Sites: []Site{{Prefix: "", Handler: say("root")}, {Prefix: "/v1", Handler: say("one")}, {Prefix: "/v1.1", Handler: say("oneone")},
			{Prefix: "/grid", Strip: true, Handler: say("grid")}},
		Hosts: map[string]http.Handler{"API.example.com": say("host")},
		Ready: func(context.Context) error { return ready },
	})
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, sw)
	get := func(host, path string) answer {
		req, _ := http.NewRequest("GET", s.URL+path, nil)
		req.Host = host
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		return answer{resp.StatusCode, string(text), resp.Header}
	}
	for _, c := range [][3]string{
		{"x", "/", `"root / under "`}, {"x", "/v1/a/", `"one /v1/a/ under "`}, {"x", "/v1.1/a", `"oneone /v1.1/a`}, {"x", "/v1x", `"root /v1x`},
		{"x", "/grid", `"grid / under /grid"`}, {"x", "/grid/a%2Fb/", `"grid /a%2Fb/ under /grid"`},
		{"api.example.com", "/v1/a", `"host /v1/a under "`}, {"api.example.com:8080", "/grid/a", `"host /grid/a`}, {"API.EXAMPLE.COM.", "/x", `"host /x`},
	} {
		get(c[0], c[1]).is(t, 200, c[2])
	}
	for _, host := range []string{"x", "api.example.com"} {
		get(host, "/healthz").is(t, 200, "ok")
		get(host, "/readyz").is(t, 503, "not ready")
	}
	ready = nil
	get("x", "/readyz").is(t, 200, "ok")
	do(t, "POST", s.URL+"/healthz", nil).is(t, 405, "")
	if _, err := NewSwitch(SwitchConfig{Sites: []Site{{Prefix: "/a/"}}}); err == nil {
		t.Error("a prefix with a final slash is taken")
	}
	if _, err := NewSwitch(SwitchConfig{Sites: []Site{{Prefix: "/a"}, {Prefix: "/a"}}}); err == nil {
		t.Error("a prefix is taken twice")
	}
}

func TestCaptureServesARequestWithinARequest(t *testing.T) {
	t.Parallel()
	m := newMux(t, MuxConfig{}, Get("/inner", key, hello))
	var c Capture
	req, _ := http.NewRequestWithContext(t.Context(), "GET", "/inner", nil)
	req.Header.Set("X-Api-Key", "good")
	m.ServeHTTP(&c, req)
	if c.Code != 200 || !strings.Contains(c.Body.String(), "hello ann") {
		t.Errorf("got %d %s", c.Code, c.Body.String())
	}
}

func FuzzDecodeJSON(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":[1,2.5e3,"x\u0000y"]}`, `[[[[1]]]]`, `"\ud800"`, `"\\u0000"`, `{"a":1} x`, "\xef\xbb\xbf1", `"`, `"\`, `{`, `nul`, "\"\xff\""} {
		f.Add([]byte(seed))
	}
	limits := Limits{JSONDepth: 8, JSONValues: 100}.withDefaults()
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := DecodeJSON(text, &limits)
		if err != nil {
			if k := hecate.KindOf(err); k != hecate.Malformed && k != hecate.TooLarge {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		out, err := json.Marshal(v)
		if err != nil {
			t.Fatalf("%q decoded to what does not encode: %v", text, err)
		}
		if bytes.Contains(out, []byte(`\u0000`)) && !bytes.Contains(text, []byte(`\\u0000`)) {
			t.Errorf("%q: NUL passed", text)
		}
	})
}

func FuzzMultipart(f *testing.F) {
	f.Add([]byte("--b\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\nbytes\r\n--b--\r\n"))
	f.Add([]byte("--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\nbytes"))
	f.Add([]byte("--b\r\n\r\n--b--"))
	m := newMux(f, MuxConfig{}, Post("/", open, echo(Reading{File: func(p *Part) error { _, err := io.Copy(io.Discard, p); return err }})))
	f.Fuzz(func(t *testing.T, body []byte) {
		req := httptest.NewRequest("POST", "/", bytes.NewReader(body))
		req.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		var c Capture
		m.ServeHTTP(&c, req)
		if c.Code == kind(hecate.Internal) || c.Code == 500 {
			t.Errorf("%q: %d %s", body, c.Code, c.Body.String())
		}
	})
}
