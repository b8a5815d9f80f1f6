package syncano

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the answers into the conversations of testdata instead of comparing them")

// exchange is one request of a conversation, and the answer that was recorded.
//
//	== title
//	POST /v1.1/instances/books/users/
//	X-API-KEY: <k1>
//
//	{"username": "Gordon Freeman", "password": "Black Mesa"}
//	-- 201
//	{"id": 1, "user_key": "<k2>", …}
//
// <k1>, <k2> … are keys in the order in which they first appear, <time> is any moment.
type exchange struct {
	title string
	ask   ask
	line  string // of the request, with its headers and body, as it stands
	want  string // status and body
}

func readConversation(t *testing.T, path string) []exchange {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var list []exchange
	for _, block := range strings.Split("\n"+string(raw), "\n== ")[1:] {
		title, rest, _ := strings.Cut(block, "\n")
		request, want, ok := strings.Cut(rest, "\n-- ")
		if !ok {
			request, want = strings.TrimRight(rest, "\n"), ""
		}
		head, body, _ := strings.Cut(request, "\n\n")
		lines := strings.Split(strings.TrimRight(head, "\n"), "\n")
		method, target, ok := strings.Cut(lines[0], " ")
		if !ok {
			t.Fatalf("%s: %s: no request line in %q", path, title, block)
		}
		x := exchange{title: title, line: request, want: strings.TrimSpace(want), ask: ask{method: method, path: target, body: body, header: map[string]string{}}}
		for _, h := range lines[1:] {
			name, value, _ := strings.Cut(h, ": ")
			x.ask.header[name] = value
		}
		if body != "" && x.ask.header["Content-Type"] == "" {
			x.ask.header["Content-Type"] = "application/x-www-form-urlencoded"
			if strings.HasPrefix(body, "{") {
				x.ask.header["Content-Type"] = "application/json"
			}
		}
		list = append(list, x)
	}
	return list
}

// keyNames gives keys their names.
type keyNames struct{ keys []string }

var (
	aKey    = regexp.MustCompile(`\b[0-9a-f]{40}\b`)
	aName   = regexp.MustCompile(`<k([0-9]+)>`)
	aMoment = regexp.MustCompile(`"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"`)
)

// hide puts names in place of keys and moments.
func (k *keyNames) hide(text string) string {
	text = aKey.ReplaceAllStringFunc(text, func(key string) string {
		for i, known := range k.keys {
			if known == key {
				return fmt.Sprintf("<k%d>", i+1)
			}
		}
		k.keys = append(k.keys, key)
		return fmt.Sprintf("<k%d>", len(k.keys))
	})
	return aMoment.ReplaceAllString(text, `"<time>"`)
}

// show puts keys in place of their names.
func (k *keyNames) show(text string) string {
	return aName.ReplaceAllStringFunc(text, func(name string) string {
		n, _ := strconv.Atoi(strings.Trim(name, "<k>"))
		if n < 1 || n > len(k.keys) {
			return name
		}
		return k.keys[n-1]
	})
}

func (k *keyNames) showIn(a ask) ask {
	shown := ask{method: a.method, path: k.show(a.path), body: k.show(a.body), header: map[string]string{}}
	for name, value := range a.header {
		shown.header[name] = k.show(value)
	}
	return shown
}

// TestConversations replays what was recorded, on both stores.
func TestConversations(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no conversations: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			eachWorld(t, func(t *testing.T, w *world) { replay(t, w, file) })
		})
	}
}

func replay(t *testing.T, w *world, file string) {
	names := &keyNames{}
	var record strings.Builder
	for _, x := range readConversation(t, file) {
		got := w.do(names.showIn(x.ask))
		text := strings.TrimSpace(strconv.Itoa(got.status) + "\n" + indented(t, names.hide(got.body)))
		fmt.Fprintf(&record, "== %s\n%s\n-- %s\n\n", x.title, x.line, text)
		if *update {
			continue
		}
		if !sameAnswer(text, x.want) {
			t.Errorf("%s:\n got %s\nwant %s", x.title, text, x.want)
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(strings.TrimRight(record.String(), "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func indented(t *testing.T, body string) string {
	if body == "" {
		return ""
	}
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(body), "", "  "); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return b.String()
}

// sameAnswer compares status and JSON; the order of members means nothing.
func sameAnswer(a, b string) bool {
	statusA, bodyA, _ := strings.Cut(a, "\n")
	statusB, bodyB, _ := strings.Cut(b, "\n")
	if statusA != statusB || (bodyA == "") != (bodyB == "") {
		return false
	}
	if bodyA == "" {
		return true
	}
	var x, y any
	return json.Unmarshal([]byte(bodyA), &x) == nil && json.Unmarshal([]byte(bodyB), &y) == nil && reflect.DeepEqual(x, y)
}
