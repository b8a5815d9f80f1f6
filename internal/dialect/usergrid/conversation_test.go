package usergrid_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hecate"
	"hecate/internal/dialect/usergrid"
	"hecate/internal/engine"
	"hecate/internal/engine/enginetest"
	"hecate/internal/store/storetest"
)

// Recorded conversations are the files testdata/*.txt:
//
//	# a comment
//	! empty                            the server knows nobody yet (before the first request)
//	= say hello                        the name of what follows, up to the next one
//	~ 3h                               so much later
//	> POST /acme/sandbox/users {"a":1} a request and its body, on one line: JSON as application/json, "form a=b" as a form,
//	                                   "raw TYPE text" as anything
//	+ Authorization: Bearer <T>        a header of that request
//	< 200 {"uuid":"<U>"}               the answer: status and body ("empty" for none, "text …" for one that is no JSON)
//	* X-Header: value                  a header of that answer
//
// <U> stands for a value: bound where an answer first has it, the same from then on, in requests too. In an answer "…" is
// any value, "a…b" any text of that form, and a member "…" allows for further members.
//
// Unless it is empty, the server knows two organizations: acme of ada@x.io (s3cret) with the apps sandbox, which is one, and
// books, which is none; and other of eve@x.io (s3cret) with the app files. The operator's login is superuser:operator.

func TestConversations(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no conversations", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c, err := parseConversation(string(text))
			if err != nil {
				t.Fatalf("%s:%v", file, err)
			}
			for _, engineName := range storetest.Engines {
				t.Run(engineName, func(t *testing.T) { c.hold(t, newServer(t, engineName, c.empty)) })
			}
		})
	}
}

// conversation is one file.
type conversation struct {
	empty     bool
	exchanges []exchange
}

type exchange struct {
	line         int
	name         string
	later        time.Duration // before the request
	method, path string
	body         string
	headers      [][2]string
	status       int
	want         any
	text         *string // of an answer that is no JSON
	wantHeaders  [][2]string
}

func parseConversation(text string) (*conversation, error) {
	c := &conversation{}
	p := &parser{into: c}
	for i, line := range strings.Split(text, "\n") {
		mark, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if err := p.take(i+1, mark, rest); err != nil {
			return nil, fmt.Errorf("%d: %w", i+1, err)
		}
	}
	if p.open || len(c.exchanges) == 0 {
		return nil, fmt.Errorf("the conversation ends with a request, or says nothing")
	}
	return c, nil
}

type parser struct {
	into  *conversation
	name  string
	later time.Duration
	open  bool // the last request has no answer yet
}

func (p *parser) last() *exchange { return &p.into.exchanges[len(p.into.exchanges)-1] }

func (p *parser) take(line int, mark, rest string) error {
	switch mark {
	case "", "#":
	case "!":
		p.into.empty = true
		if rest != "empty" || len(p.into.exchanges) > 0 {
			return fmt.Errorf("unknown instruction %q", rest)
		}
	case "=":
		p.name = rest
	case "~":
		later, err := time.ParseDuration(rest)
		p.later += later
		return err
	case ">":
		if p.open {
			return fmt.Errorf("the request before has no answer")
		}
		p.open = true
		x := exchange{line: line, name: p.name, later: p.later}
		p.later = 0
		x.method, rest, _ = strings.Cut(rest, " ")
		x.path, x.body, _ = strings.Cut(rest, " ")
		p.into.exchanges = append(p.into.exchanges, x)
		if word, _, _ := strings.Cut(x.body, " "); word != "" && word != "form" && word != "raw" && !json.Valid([]byte(x.body)) {
			return fmt.Errorf("the body is no JSON")
		}
	case "+", "*":
		header, value, ok := strings.Cut(rest, ": ")
		if !ok || len(p.into.exchanges) == 0 || p.open != (mark == "+") {
			return fmt.Errorf("not a header of a request or an answer")
		}
		if mark == "+" {
			p.last().headers = append(p.last().headers, [2]string{header, value})
		} else {
			p.last().wantHeaders = append(p.last().wantHeaders, [2]string{header, value})
		}
	case "<":
		if !p.open {
			return fmt.Errorf("an answer without a request")
		}
		p.open = false
		return p.last().answer(rest)
	default:
		return fmt.Errorf("unknown mark %q", mark)
	}
	return nil
}

func (x *exchange) answer(text string) error {
	status, body, _ := strings.Cut(text, " ")
	var err error
	if x.status, err = strconv.Atoi(status); err != nil {
		return err
	}
	if body == "empty" {
		x.text = new(string)
		return nil
	}
	if text, ok := strings.CutPrefix(body, "text "); ok {
		x.text = &text
		return nil
	}
	if err := json.Unmarshal([]byte(body), &x.want); err != nil {
		return fmt.Errorf("the answer is no JSON: %w", err)
	}
	return nil
}

// server is the dialect on a real engine and a real store.
type server struct {
	*enginetest.House
	handler http.Handler
	bound   map[string]string
	clock   *enginetest.Clock
	engine  *engine.Engine
	post    postbox // the letters that went out
}

func newServer(t *testing.T, engineName string, empty bool) *server {
	t.Helper()
	s := &server{bound: map[string]string{}}
	s.House = enginetest.New(t, engineName, &s.post, func(c *engine.Config) { c.OpenRegistration = true })
	s.engine, s.clock = s.Engine, s.Clock
	s.serve(t)
	if !empty {
		s.populate(t)
	}
	return s
}

// serve puts the dialect on the engine.
func (s *server) serve(t *testing.T) {
	t.Helper()
	log := s.Logger()
	var err error
	s.handler, err = usergrid.Handler(usergrid.Config{
		Engine: s.engine, PublicURL: func() string { return "http://host" }, Log: log, Now: s.clock.Now,
		ServiceAdmin: usergrid.ServiceAdmin{Name: "superuser", Password: hecate.NewSecret("operator")},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// populate makes what conversations find, through the dialect itself.
func (s *server) populate(t *testing.T) {
	t.Helper()
	setUp := func(text string) {
		c, err := parseConversation(text)
		if err != nil {
			t.Fatal("set up: ", err)
		}
		c.hold(t, s)
	}
	setUp(`
= set up
> POST /management/organizations {"organization":"acme","username":"ada","name":"Ada","email":"ada@x.io","password":"s3cret"}
< 200 {"data":{"owner":{"uuid":"<ADA>","…":"…"},"organization":{"uuid":"<ACME>","…":"…"}},"…":"…"}
> POST /management/organizations {"organization":"other","username":"eve","name":"Eve","email":"eve@x.io","password":"s3cret"}
< 200 {"data":{"owner":{"uuid":"<EVE>","…":"…"},"…":"…"},"…":"…"}
> POST /management/token {"grant_type":"password","username":"ada","password":"s3cret"}
< 200 {"access_token":"<ADATOKEN>","…":"…"}
> POST /management/token {"grant_type":"password","username":"eve","password":"s3cret"}
< 200 {"access_token":"<EVETOKEN>","…":"…"}
> POST /management/organizations/acme/applications {"name":"books"}
+ Authorization: Bearer <ADATOKEN>
< 200 {"data":{"acme/books":"<BOOKS>"},"…":"…"}
> POST /management/organizations/other/applications {"name":"files"}
+ Authorization: Bearer <EVETOKEN>
< 200 {"data":{"other/files":"<FILES>"},"…":"…"}
> GET /management/organizations/acme/applications/sandbox/credentials
+ Authorization: Bearer <ADATOKEN>
< 200 {"credentials":{"client_id":"<SANDBOXID>","client_secret":"<SANDBOXSECRET>"},"…":"…"}
> GET /management/organizations/acme/applications/books/credentials
+ Authorization: Bearer <ADATOKEN>
< 200 {"credentials":{"client_id":"<BOOKSID>","client_secret":"<BOOKSSECRET>"},"…":"…"}
> GET /management/organizations/acme/credentials
+ Authorization: Bearer <ADATOKEN>
< 200 {"credentials":{"client_id":"<ACMEID>","client_secret":"<ACMESECRET>"},"…":"…"}
> POST /acme/sandbox/token {"grant_type":"client_credentials","client_id":"<SANDBOXID>","client_secret":"<SANDBOXSECRET>"}
< 200 {"access_token":"<SANDBOXTOKEN>","…":"…"}
> POST /acme/books/token {"grant_type":"client_credentials","client_id":"<BOOKSID>","client_secret":"<BOOKSSECRET>"}
< 200 {"access_token":"<BOOKSTOKEN>","…":"…"}
`)
}

// hold asks and compares; it stops at the first answer that differs, since the next ones build on it.
func (c *conversation) hold(t *testing.T, s *server) {
	t.Helper()
	m := &matcher{bound: s.bound}
	for _, x := range c.exchanges {
		s.clock.Advance(x.later)
		r := x.request(m)
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, r)
		if fault := m.check(x, w); fault != "" {
			t.Fatalf("line %d (%s): %s %s\nanswer %d %s\n%s", x.line, x.name, x.method, r.URL, w.Code, w.Body, fault)
		}
	}
}

func (x *exchange) request(m *matcher) *http.Request {
	kind, body, _ := strings.Cut(x.body, " ")
	contentType := "application/json"
	switch kind {
	case "form":
		contentType = "application/x-www-form-urlencoded"
	case "raw":
		contentType, body, _ = strings.Cut(body, " ")
	default:
		body = x.body
	}
	var reader io.Reader
	if x.body != "" {
		reader = strings.NewReader(m.fill(body))
	}
	r := httptest.NewRequest(x.method, m.fill(x.path), reader)
	r.Host = "host"
	if x.body != "" && contentType != "none" {
		r.Header.Set("Content-Type", contentType)
	}
	for _, header := range x.headers {
		r.Header.Set(header[0], m.fill(header[1]))
	}
	return r
}

func (m *matcher) check(x exchange, w *httptest.ResponseRecorder) string {
	if w.Code != x.status {
		return fmt.Sprintf("want status %d", x.status)
	}
	for _, h := range x.wantHeaders {
		if fault := m.matchText("header "+h[0], h[1], w.Header().Get(h[0])); fault != "" {
			return fault
		}
	}
	if x.text != nil {
		return m.matchText("body", *x.text, w.Body.String())
	}
	if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, "application/json") {
		return fmt.Sprintf("Content-Type is %q", got)
	}
	var got any
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		return err.Error()
	}
	return m.match("", x.want, got)
}

// matcher knows what the names stand for.
type matcher struct{ bound map[string]string }

var namePattern = regexp.MustCompile(`<[A-Z]+[0-9]*>`)

// fill puts the values of bound names in their places.
func (m *matcher) fill(s string) string {
	return namePattern.ReplaceAllStringFunc(s, func(name string) string {
		if value, ok := m.bound[name]; ok {
			return value
		}
		return name
	})
}

// match compares, binding names on the way; it returns what differs, and where.
func (m *matcher) match(where string, want, got any) string {
	switch want := want.(type) {
	case string:
		if want == "…" {
			return ""
		}
		text, ok := got.(string)
		if !ok {
			return fmt.Sprintf("%s: want %q, got %v", where, want, got)
		}
		return m.matchText(where, want, text)
	case map[string]any:
		return m.matchObject(where, want, got)
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			return fmt.Sprintf("%s: want %d items, got %v", where, len(want), got)
		}
		for i := range want {
			if fault := m.match(fmt.Sprintf("%s[%d]", where, i), want[i], list[i]); fault != "" {
				return fault
			}
		}
		return ""
	}
	if !reflect.DeepEqual(want, got) {
		return fmt.Sprintf("%s: want %v, got %v", where, want, got)
	}
	return ""
}

// matchText compares with a text in which "…" is anything and unbound names are bound.
func (m *matcher) matchText(where, want, got string) string {
	var pattern strings.Builder
	var fresh []string
	rest := m.fill(want)
	for _, part := range splitMarks(rest) {
		switch {
		case part == "…":
			pattern.WriteString("(?:.|\n)*")
		case namePattern.MatchString(part):
			fresh = append(fresh, part)
			pattern.WriteString("(.+)")
		default:
			pattern.WriteString(regexp.QuoteMeta(part))
		}
	}
	found := regexp.MustCompile(`\A(?:` + pattern.String() + `)\z`).FindStringSubmatch(got)
	if found == nil {
		return fmt.Sprintf("%s: want %q, got %q", where, m.fill(want), got)
	}
	for i, name := range fresh {
		m.bound[name] = found[i+1]
	}
	return ""
}

// splitMarks takes a text apart at its names and "…", which stand alone in the result.
func splitMarks(s string) []string {
	var out []string
	for s != "" {
		at := regexp.MustCompile(namePattern.String() + "|…").FindStringIndex(s)
		if at == nil {
			return append(out, s)
		}
		out = append(out, s[:at[0]], s[at[0]:at[1]])
		s = s[at[1]:]
	}
	return out
}

func (m *matcher) matchObject(where string, want map[string]any, got any) string {
	object, ok := got.(map[string]any)
	if !ok {
		return fmt.Sprintf("%s: want an object, got %v", where, got)
	}
	_, open := want["…"]
	known := map[string]bool{}
	for _, name := range sortedNames(want) {
		if name == "…" {
			continue
		}
		key := m.fill(name)
		known[key] = true
		value, ok := object[key]
		if !ok {
			return fmt.Sprintf("%s: no %s", where, key)
		}
		if fault := m.match(where+"."+key, want[name], value); fault != "" {
			return fault
		}
	}
	for key := range object {
		if !open && !known[key] {
			return fmt.Sprintf("%s: unexpected %s", where, key)
		}
	}
	return ""
}

// sortedNames puts what binds names first, so that other members may speak of them.
func sortedNames(object map[string]any) []string {
	var names []string
	for name := range object {
		names = append(names, name)
	}
	first := []string{"uuid", "access_token"}
	slices.SortFunc(names, func(a, b string) int {
		if x, y := slices.Contains(first, a), slices.Contains(first, b); x != y {
			if x {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	return names
}

func TestARecordedConversationIsCompared(t *testing.T) {
	t.Parallel()
	c, err := parseConversation(`
= sign in
> POST /login {"key":"k"}
< 200 {"path":"/users/<U>","uuid":"<U>","at":"…","…":"…"}
~ 1s
> PUT /me/<U>?token=<U> form a=<U>
+ X-Key: <U>
< 200 {"<U>":["a…c",1,null,true]}
* X-Told: yes`)
	if err != nil {
		t.Fatal(err)
	}
	answers := []string{`{"path":"/users/7","uuid":"7","at":1,"more":2}`, `{"7":["abc",1,null,true]}`}
	var asked []string
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = append(asked, r.URL.String()+" "+r.Header.Get("X-Key")+" "+string(body))
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Told", "yes")
		_, _ = io.WriteString(w, answers[len(asked)-1])
	})
	c.hold(t, &server{handler: h, bound: map[string]string{}, clock: &enginetest.Clock{}})
	if want := []string{`/login  {"key":"k"}`, `/me/7?token=7 7 a=7`}; !reflect.DeepEqual(asked, want) {
		t.Errorf("asked %q", asked)
	}
	m := &matcher{bound: map[string]string{"<U>": "7"}}
	for want, got := range map[string]string{
		`{"a":1}`: `{"a":1,"b":2}`, `{"a":1,"b":2}`: `{"a":1}`, `["<U>"]`: `["8"]`, `"x/<U>"`: `"x/8"`, `[1]`: `[1,2]`, `"a…c"`: `"ab"`, `{}`: `[]`,
		`"<U>"`: `7`,
	} {
		var w, g any
		if json.Unmarshal([]byte(want), &w) != nil || json.Unmarshal([]byte(got), &g) != nil || m.match("", w, g) == "" {
			t.Errorf("%s passes for %s", got, want)
		}
	}
}
