package main

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// script is a connection that hands out an answer in pieces and swallows requests.
type script struct {
	net.Conn
	pieces []string
}

func (s *script) Write(p []byte) (int, error) { return len(p), nil }

func (s *script) Read(p []byte) (int, error) {
	if len(s.pieces) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.pieces[0])
	if s.pieces[0] = s.pieces[0][n:]; s.pieces[0] == "" {
		s.pieces = s.pieces[1:]
	}
	return n, nil
}

const created = "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\ncontent-LENGTH: 7\r\nDate: now\r\n\r\n{\"a\":1}"

func TestAnAnswerIsReadHoweverItArrives(t *testing.T) {
	t.Parallel()
	for size := 1; size <= len(created); size++ {
		var pieces []string
		for rest := created + created; rest != ""; {
			n := min(size, len(rest))
			pieces, rest = append(pieces, rest[:n]), rest[n:]
		}
		c := newClient(&script{pieces: pieces})
		for range 2 {
			if status, body, err := c.do(nil); status != 201 || string(body) != `{"a":1}` || err != nil {
				t.Fatalf("in pieces of %d: %d %q %v", size, status, body, err)
			}
		}
	}
}

func TestAnswersOfEveryShapeLeaveTheConnectionAtTheNextOne(t *testing.T) {
	t.Parallel()
	answers := map[string]struct {
		text   string
		status int
		body   string
	}{
		"without a body":    {"HTTP/1.1 204 No Content\r\nX: y\r\n\r\n", 204, ""},
		"with an empty one": {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, ""},
		"with a long one":   {"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 100_000), 200, ""},
		"in chunks":         {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0a\r\n0123456789\r\n0\r\nT: x\r\n\r\n", 200, ""},
		"after a 100":       {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", 404, "no"},
		"with short names":  {"HTTP/1.1 200 OK\r\nc: d\r\nContent-Length: 2\r\nt:\r\n\r\nok", 200, "ok"},
	}
	for name, a := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClient(&script{pieces: []string{a.text + created}})
			if status, body, err := c.do(nil); status != a.status || string(body) != a.body || err != nil {
				t.Errorf("%d %q %v", status, body, err)
			}
			if status, body, err := c.do(nil); status != 201 || string(body) != `{"a":1}` || err != nil {
				t.Errorf("the next one: %d %q %v", status, body, err)
			}
		})
	}
}

func TestWhatIsNoAnswerIsAnError(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing":           "",
		"half a head":       "HTTP/1.1 200 OK\r\nContent-Le",
		"half a body":       "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
		"another protocol":  "SSH-2.0-something else\r\n\r\n",
		"an unknown length": "HTTP/1.1 200 OK\r\n\r\nabc",
		"a bad length":      "HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\n",
		"a bad chunk":       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"an endless head":   "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", 70_000),
	} {
		if status, body, err := newClient(&script{pieces: []string{text}}).do(nil); err == nil {
			t.Errorf("%s: %d %q", name, status, body)
		}
	}
}

func TestAServerThatHangsUpIsToldApart(t *testing.T) {
	t.Parallel()
	text := "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno"
	status, body, err := newClient(&script{pieces: []string{text}}).do(nil)
	if status != 503 || string(body) != "no" || !errors.Is(err, errClosing) {
		t.Error(status, string(body), err)
	}
}

func TestARealServerUnderstandsTheRequest(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		io.WriteString(w, r.Method+" "+r.URL.Path+" "+r.Header.Get("X-Api-Key")+" "+string(body))
	}))
	defer server.Close()
	c, err := dial(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	for range 3 {
		status, body, err := c.do(request("POST", "/a/b/", []byte(`{}`), "X-API-KEY: k"))
		if status != 202 || string(body) != "POST /a/b/ k {}" || err != nil {
			t.Fatal(status, string(body), err)
		}
	}
}
