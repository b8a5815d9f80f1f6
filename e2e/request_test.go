package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"testing"
)

// The admins that rawAdmins declares. Account keys end in an even digit.
const (
	accountKey      = "00000000000000000000000000000000000000aa"
	otherAccountKey = "00000000000000000000000000000000000000ba"
)

const rawAdmins = `admins:
  - {email: admin@example.com, password: admin secret, account_key: ` + accountKey + `}
  - {email: other@example.com, password: other secret, account_key: ` + otherAccountKey + `}
`

// call is one request as plain curl would send it.
type call struct {
	method, path string
	key, userKey string
	header       map[string]string
	json         any        // curl -H 'Content-Type: application/json' -d
	form         url.Values // curl -d name=value
	parts        []part     // curl -F
	body         []byte     // as it is, with the Content-Type of header
}

// part is one part of a multipart body.
type part struct {
	name, filename, contentType string
	bytes                       []byte
}

// answer is what came back; object is set where the body is a JSON object, array where it is an array.
type answer struct {
	status int
	header http.Header
	bytes  []byte
	object map[string]any
	array  []any
}

func (a answer) String() string {
	return fmt.Sprintf("%d %s", a.status, bytes.TrimSpace(a.bytes[:min(len(a.bytes), 2000)]))
}

// do sends a call and fails the test when there is no answer at all.
func (s *server) do(t *testing.T, c call) answer {
	t.Helper()
	a, err := s.send(t.Context(), noRedirect, c)
	if err != nil {
		t.Fatalf("%s %s: %v", c.method, c.path, err)
	}
	return a
}

// send is do for goroutines and servers that may die meanwhile.
func (s *server) send(ctx context.Context, client *http.Client, c call) (answer, error) {
	body, contentType := c.encode()
	target := c.path
	if !strings.HasPrefix(target, "http") {
		target = s.url + target
	}
	req, err := http.NewRequestWithContext(ctx, c.method, target, body)
	if err != nil {
		return answer{}, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if c.key != "" {
		req.Header.Set("X-API-KEY", c.key)
	}
	if c.userKey != "" {
		req.Header.Set("X-USER-KEY", c.userKey)
	}
	for name, value := range c.header {
		req.Header.Set(name, value)
	}
	req.Host = req.Header.Get("Host") // net/http sends this one; empty means the address's own
	res, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	a := answer{status: res.StatusCode, header: res.Header}
	if a.bytes, err = io.ReadAll(res.Body); err != nil {
		return answer{}, err
	}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") && len(a.bytes) > 0 {
		var v any
		if err := json.Unmarshal(a.bytes, &v); err != nil {
			return a, fmt.Errorf("the answer %s is no JSON: %w", a, err)
		}
		a.object, _ = v.(map[string]any)
		a.array, _ = v.([]any)
	}
	return a, nil
}

func (c call) encode() (io.Reader, string) {
	switch {
	case c.json != nil:
		b, err := json.Marshal(c.json)
		if err != nil {
			panic(err) // a test that cannot be encoded
		}
		return bytes.NewReader(b), "application/json"
	case c.form != nil:
		return strings.NewReader(c.form.Encode()), "application/x-www-form-urlencoded"
	case c.parts != nil:
		return encodeParts(c.parts)
	case c.body != nil:
		return bytes.NewReader(c.body), ""
	}
	return http.NoBody, ""
}

func encodeParts(parts []part) (io.Reader, string) {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, p := range parts {
		h := textproto.MIMEHeader{}
		disposition := fmt.Sprintf(`form-data; name="%s"`, p.name)
		if p.filename != "" {
			disposition += fmt.Sprintf(`; filename="%s"`, p.filename)
		}
		h.Set("Content-Disposition", disposition)
		if p.contentType != "" {
			h.Set("Content-Type", p.contentType)
		}
		pw, _ := w.CreatePart(h) // a bytes.Buffer does not fail
		_, _ = pw.Write(p.bytes)
	}
	_ = w.Close()
	return &body, w.FormDataContentType()
}

// want fails the test unless the call is answered with this status, and gives the answer.
func (s *server) want(t *testing.T, status int, c call) answer {
	t.Helper()
	a := s.do(t, c)
	if a.status != status {
		t.Fatalf("%s %s: want %d, got %s", c.method, c.path, status, a)
	}
	return a
}

// at walks into a JSON value by keys and gives nil where a step is missing.
func at(v any, keys ...string) any {
	for _, k := range keys {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[k]
	}
	return v
}

// text is at for strings, and "" for everything else.
func text(v any, keys ...string) string {
	s, _ := at(v, keys...).(string)
	return s
}

// number is at for integers, and 0 for everything else.
func number(v any, keys ...string) int {
	f, _ := at(v, keys...).(float64)
	return int(f)
}

// same fails the test unless both values encode to the same JSON.
func same(t *testing.T, what string, got, want any) {
	t.Helper()
	g, w := canonical(t, got), canonical(t, want)
	if g != w {
		t.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}

func canonical(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var plain any
	if err := json.Unmarshal(b, &plain); err != nil {
		t.Fatal(err)
	}
	b, err = json.Marshal(plain)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// object is a JSON object in a test.
type object = map[string]any

// newInstance creates an instance of the first admin and gives its path.
func (s *server) newInstance(t *testing.T, name string) string {
	t.Helper()
	s.want(t, 201, call{method: "POST", path: "/v1.1/instances/", key: accountKey, json: object{"name": name}})
	return "/v1.1/instances/" + name
}

// newKey creates an API key with these flags.
func (s *server) newKey(t *testing.T, instance string, flags ...string) string {
	t.Helper()
	body := object{}
	for _, f := range flags {
		body[f] = true
	}
	return text(s.want(t, 201, call{method: "POST", path: instance + "/api_keys/", key: accountKey, json: body}).object, "api_key")
}

// newUser signs a user up with an account key and gives the user object.
func (s *server) newUser(t *testing.T, instance, username, password string) object {
	t.Helper()
	return s.want(t, 201, call{method: "POST", path: instance + "/users/", key: accountKey,
		json: object{"username": username, "password": password}}).object
}
