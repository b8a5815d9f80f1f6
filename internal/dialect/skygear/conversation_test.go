package skygear

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"hecate/internal/web"
)

// Recorded conversations are the files testdata/*.txt:
//
//	# a comment
//	! settings {"skygear": …}          the app's settings, before the first request
//	= say hello                        the name of what follows, up to the next one
//	> POST /auth/login {"api_key":"K"} a request and its body, on one line
//	+ X-Skygear-API-Key: K             a header of that request
//	< 200 {"result":{"user_id":"U"}}   the answer: status and body ("empty" for none)
//
// A string of capitals and digits (U, T, T2), alone or behind a slash ("user/U"), stands for a
// value: bound where an answer first has it, the same from then on, also in paths and names of members. Bound
// from the start: K (API key), MASTER (master key), OTHER (another app's key). In an answer "…" is any value,
// "a…b" any text of that form, and a member "…" allows for further members.

func TestConversations(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no conversations", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			c := readConversation(t, file)
			eachWorld(t, func(t *testing.T, w *world) {
				h, bound := conversationWorld(t, w, c.settings)
				c.hold(t, h, bound)
			})
		})
	}
}

// conversation is one file.
type conversation struct {
	settings  map[string]any
	exchanges []exchange
}

type exchange struct {
	line         int
	name         string
	method, path string
	body         string // JSON, or "raw " and anything
	headers      [][2]string
	status       int
	want         any
	empty        bool
}

func readConversation(t *testing.T, file string) *conversation {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c, err := parseConversation(string(text))
	if err != nil {
		t.Fatalf("%s:%v", file, err)
	}
	return c
}

func parseConversation(text string) (*conversation, error) {
	c := &conversation{}
	name, open := "", false
	for i, line := range strings.Split(text, "\n") {
		at := i + 1
		mark, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		var err error
		switch mark {
		case "", "#":
		case "=":
			name = rest
		case "!":
			err = c.setting(rest)
		case ">":
			if open {
				return nil, fmt.Errorf("%d: the request before has no answer", at)
			}
			open = true
			x := exchange{line: at, name: name}
			x.method, rest, _ = strings.Cut(rest, " ")
			x.path, x.body, _ = strings.Cut(rest, " ")
			if x.body != "" && !strings.HasPrefix(x.body, "raw ") && !json.Valid([]byte(x.body)) {
				err = fmt.Errorf("the body is no JSON")
			}
			c.exchanges = append(c.exchanges, x)
		case "+":
			header, value, ok := strings.Cut(rest, ": ")
			if !ok || !open {
				return nil, fmt.Errorf("%d: not a header of a request", at)
			}
			x := &c.exchanges[len(c.exchanges)-1]
			x.headers = append(x.headers, [2]string{header, value})
		case "<":
			if !open {
				return nil, fmt.Errorf("%d: an answer without a request", at)
			}
			open = false
			err = c.exchanges[len(c.exchanges)-1].answer(rest)
		default:
			err = fmt.Errorf("unknown mark %q", mark)
		}
		if err != nil {
			return nil, fmt.Errorf("%d: %w", at, err)
		}
	}
	if open || len(c.exchanges) == 0 {
		return nil, fmt.Errorf("the conversation ends with a request, or says nothing")
	}
	return c, nil
}

func (c *conversation) setting(text string) error {
	word, body, _ := strings.Cut(text, " ")
	if word != "settings" {
		return fmt.Errorf("unknown instruction %q", word)
	}
	return json.Unmarshal([]byte(body), &c.settings)
}

func (x *exchange) answer(text string) error {
	status, body, _ := strings.Cut(text, " ")
	var err error
	if x.status, err = strconv.Atoi(status); err != nil {
		return err
	}
	if body == "empty" {
		x.empty = true
		return nil
	}
	if x.want, err = web.DecodeJSON([]byte(body), &jsonLimits); err != nil {
		return fmt.Errorf("the answer is no JSON: %w", err)
	}
	return nil
}

// hold asks and compares; it stops at the first answer that differs, since the next ones build on it.
func (c *conversation) hold(t *testing.T, h http.Handler, bound map[string]string) {
	t.Helper()
	m := &matcher{bound: bound}
	for _, x := range c.exchanges {
		body := m.fillJSON(t, x.body)
		r := httptest.NewRequest(x.method, m.fillPath(x.path), strings.NewReader(body))
		for _, header := range x.headers {
			r.Header.Set(header[0], m.fill(header[1]))
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if fault := m.check(x, w); fault != "" {
			t.Fatalf("line %d (%s): %s %s %s\nanswer %d %s\n%s", x.line, x.name, x.method, x.path, body, w.Code, w.Body, fault)
		}
	}
}

func (m *matcher) check(x exchange, w *httptest.ResponseRecorder) string {
	if w.Code != x.status {
		return fmt.Sprintf("want status %d", x.status)
	}
	if x.empty {
		if w.Body.Len() > 0 {
			return "want no body"
		}
		return ""
	}
	if got := w.Header().Get("Content-Type"); got != "application/json" {
		return fmt.Sprintf("Content-Type is %q", got)
	}
	got, err := web.DecodeJSON(w.Body.Bytes(), &jsonLimits)
	if err != nil {
		return err.Error()
	}
	return m.match("", x.want, got)
}

// matcher knows what the names stand for.
type matcher struct{ bound map[string]string }

var namePattern = regexp.MustCompile(`^[A-Z]+[0-9]*$`)

// splitName takes "user/U" apart; ok reports whether the last part is a name.
func splitName(s string) (front, name string, ok bool) {
	i := strings.LastIndexByte(s, '/')
	front, name = s[:i+1], s[i+1:]
	return front, name, namePattern.MatchString(name)
}

// fill puts the value of a bound name in its place.
func (m *matcher) fill(s string) string {
	if front, name, ok := splitName(s); ok {
		if value, known := m.bound[name]; known {
			return front + value
		}
	}
	return s
}

func (m *matcher) fillPath(path string) string {
	segments := strings.Split(path, "/")
	for i := range segments {
		segments[i] = m.fill(segments[i])
	}
	return strings.Join(segments, "/")
}

func (m *matcher) fillJSON(t *testing.T, body string) string {
	t.Helper()
	if raw, ok := strings.CutPrefix(body, "raw "); ok || body == "" {
		return raw
	}
	return string(web.AppendPageJSON(nil, m.fillValue(decode(t, body))))
}

func (m *matcher) fillValue(v any) any {
	switch v := v.(type) {
	case string:
		return m.fill(v)
	case []any:
		for i := range v {
			v[i] = m.fillValue(v[i])
		}
	case map[string]any:
		filled := make(map[string]any, len(v))
		for name := range v {
			filled[m.fill(name)] = m.fillValue(v[name])
		}
		return filled
	}
	return v
}

// match compares, binding names on the way; it returns what differs, and where.
func (m *matcher) match(where string, want, got any) string {
	switch want := want.(type) {
	case string:
		return m.matchText(where, want, got)
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

func (m *matcher) matchText(where, want string, got any) string {
	if want == "…" {
		return ""
	}
	text, ok := got.(string)
	if !ok {
		return fmt.Sprintf("%s: want %q, got %v", where, want, got)
	}
	if front, name, isName := splitName(want); isName {
		if _, known := m.bound[name]; !known {
			value, ok := strings.CutPrefix(text, front)
			if !ok || value == "" {
				return fmt.Sprintf("%s: nothing to bind %s to in %q", where, name, text)
			}
			m.bound[name] = value
			return ""
		}
	}
	want = m.fill(want)
	pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(want), "…", "(?s:.*)") + "$"
	if !regexp.MustCompile(pattern).MatchString(text) {
		return fmt.Sprintf("%s: want %q, got %q", where, want, text)
	}
	return ""
}

func (m *matcher) matchObject(where string, want map[string]any, got any) string {
	object, ok := got.(map[string]any)
	if !ok {
		return fmt.Sprintf("%s: want an object, got %v", where, got)
	}
	seen := map[string]bool{}
	for _, name := range sortedNames(want) {
		if name == "…" {
			continue
		}
		filled := m.fill(name)
		seen[filled] = true
		value, there := object[filled]
		if !there {
			return fmt.Sprintf("%s.%s is missing", where, filled)
		}
		if fault := m.match(where+"."+filled, want[name], value); fault != "" {
			return fault
		}
	}
	if _, more := want["…"]; more {
		return ""
	}
	for name := range object {
		if !seen[name] {
			return fmt.Sprintf("%s.%s is not expected", where, name)
		}
	}
	return ""
}

// sortedNames puts user_id and access_token first, so that names are bound by them.
func sortedNames(object map[string]any) []string {
	var names []string
	for _, first := range [...]string{"user_id", "access_token"} {
		if _, ok := object[first]; ok {
			names = append(names, first)
		}
	}
	for name := range object {
		if name != "user_id" && name != "access_token" {
			names = append(names, name)
		}
	}
	return names
}

func TestARecordedConversationIsCompared(t *testing.T) {
	t.Parallel()
	c, err := parseConversation(`
= sign in
> POST /login {"api_key":"K"}
< 200 {"result":{"user_id":"U","id":"user/U","token":"T","at":"…","…":"…"}}
> POST /me/U {"token":"T"}
+ X-Key: K
< 200 {"U":["a…c",1,null,true]}`)
	if err != nil {
		t.Fatal(err)
	}
	answers := []string{
		`{"result":{"user_id":"7","id":"user/7","token":"x","at":1,"more":2}}`, `{"7":["abc",1,null,true]}`,
	}
	var asked []string
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := make([]byte, r.ContentLength)
		_, _ = r.Body.Read(body)
		asked = append(asked, r.URL.Path+" "+r.Header.Get("X-Key")+" "+string(body))
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(answers[len(asked)-1]))
	})
	c.hold(t, h, map[string]string{"K": "key"})
	if want := []string{`/login  {"api_key":"key"}`, `/me/7 key {"token":"x"}`}; !reflect.DeepEqual(asked, want) {
		t.Errorf("asked %q", asked)
	}
	m := &matcher{bound: map[string]string{"U": "7"}}
	for want, got := range map[string]string{
		`{"a":1}`: `{"a":1,"b":2}`, `{"a":1,"b":2}`: `{"a":1}`, `["U"]`: `["8"]`, `"user/U"`: `"user/8"`, `[1]`: `[1,2]`, `"a…c"`: `"ab"`, `{}`: `[]`,
	} {
		if m.match("", decode(t, want), decode(t, got)) == "" {
			t.Errorf("%s passes for %s", got, want)
		}
	}
}
