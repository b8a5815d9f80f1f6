package skygear

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hecate"
)

// client is the browser's half of a socket, as simple as can be.
type client struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

// dial opens a socket, or returns the answer of who refused.
func dial(t *testing.T, server *httptest.Server, path string) (*client, *http.Response) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	answer, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &client{t, conn, in}, answer
}

func (c *client) frame(first byte, text string) {
	c.t.Helper()
	b := []byte{first}
	if len(text) < 126 {
		b = append(b, 0x80|byte(len(text)))
	} else {
		b = append(b, 0x80|126, byte(len(text)>>8), byte(len(text)))
	}
	mask := [4]byte{7, 8, 9, 10}
	b = append(b, mask[:]...)
	for i := range len(text) {
		b = append(b, text[i]^mask[i&3])
	}
	if _, err := c.conn.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) say(o obj) {
	c.t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		c.t.Fatal(err)
	}
	c.frame(0x81, string(text))
}

// hear reads one frame, which must be short.
func (c *client) hear() (op byte, text string, err error) {
	var head [2]byte
	if _, err := io.ReadFull(c.in, head[:]); err != nil {
		return 0, "", err
	}
	payload := make([]byte, head[1])
	_, err = io.ReadFull(c.in, payload)
	return head[0] & 0x0f, string(payload), err
}

func (c *client) hears(want string) {
	c.t.Helper()
	if _, got, err := c.hear(); err != nil || got != want {
		c.t.Errorf("hears %q %v, want %q", got, err, want)
	}
}

func TestClientsOfOneAppHearEachOther(t *testing.T) {
	t.Parallel()
	w := lite(t)
	here, there := w.newApp(t, "here", hecate.Settings{}), w.newApp(t, "there", hecate.Settings{})
	server := httptest.NewServer(w.serve)
	t.Cleanup(server.Close)
	open := func(path string) *client {
		t.Helper()
		c, answer := dial(t, server, path)
		// The value is that of RFC 6455 1.3 for this key.
		if answer.StatusCode != 101 || answer.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
			t.Fatalf("%s: %v", path, answer)
		}
		return c
	}
	ben, ann := open("/pubsub?api_key="+here.key), open("/pubsub?api_key="+here.key)
	inside, stranger := open("/_/pubsub?api_key="+here.key), open("/pubsub?api_key="+there.key)
	for _, c := range []*client{ben, ann, inside, stranger} {
		c.say(obj{"action": "sub", "channel": "news"})
	}
	// Each hears itself: then what it asked for before has been done.
	for _, c := range []*client{inside, stranger, ann} {
		c.say(obj{"action": "sub", "channel": "self"})
		c.say(obj{"action": "pub", "channel": "self", "data": 1})
		c.hears(`{"channel":"self","data":1}`)
	}
	ben.frame(0x81, "{what is no JSON is left out")
	ben.frame(0x01, `{"action":"pub","chan`) // in two parts, with a ping between them
	ben.frame(0x89, "are you there")
	ben.frame(0x80, `nel":"news","data":{"a":[1,"<b>"]}}`)
	if op, text, err := ben.hear(); op != opPong || text != "are you there" || err != nil {
		t.Errorf("the answer to a ping is %d %q %v", op, text, err)
	}
	for _, c := range []*client{ben, ann} {
		c.hears(`{"channel":"news","data":{"a":[1,"\u003cb\u003e"]}}`)
	}
	// Those of other apps, and of the other socket, have heard nothing of it: their own word comes next.
	for _, c := range []*client{inside, stranger} {
		c.say(obj{"action": "pub", "channel": "self", "data": 2})
		c.hears(`{"channel":"self","data":2}`)
	}
	ann.say(obj{"action": "unsub", "channel": "news"})
	ann.say(obj{"action": "pub", "channel": "news", "data": 3})
	ben.hears(`{"channel":"news","data":3}`)
	ben.frame(0x88, "\x03\xe8")
	if op, text, err := ben.hear(); op != opClose || text != "\x03\xe8" || err != nil {
		t.Errorf("the answer to the end is %d %q %v", op, text, err)
	}
	if _, _, err := ben.hear(); err != io.EOF {
		t.Errorf("after the end comes %v", err)
	}
	// What no client may send ends the socket.
	ann.conn.Write([]byte{0x81, 0x01, 'x'})
	if _, _, err := ann.hear(); err == nil {
		t.Error("a frame without a mask is taken")
	}
}

func TestASocketNeedsAKey(t *testing.T) {
	t.Parallel()
	w := lite(t)
	w.newApp(t, "here", hecate.Settings{})
	server := httptest.NewServer(w.serve)
	t.Cleanup(server.Close)
	for path, want := range map[string]string{
		"/pubsub": "Api key is empty", "/_/pubsub?api_key=wrong": "Cannot verify api key",
	} {
		_, answer := dial(t, server, path)
		body, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != 401 || !strings.Contains(string(body), want) {
			t.Errorf("%s: %d %s %v", path, answer.StatusCode, body, err)
		}
	}
}

func TestWhoSendsTooMuchIsNotServed(t *testing.T) {
	t.Parallel()
	h := &hub{}
	l := h.join("a", false)
	sub, pub := []byte(`{"action":"sub","channel":"c"}`), []byte(`{"action":"pub","channel":"c","data":1}`)
	h.take(l, sub)
	for range queueLength {
		if !h.take(l, pub) {
			t.Fatal("ended too early")
		}
	}
	if h.take(l, pub) {
		t.Error("who does not read what he is sent stays")
	}
	h.leave(l)
	if len(h.channels) != 0 || h.sockets != 0 {
		t.Errorf("something of a listener stays: %v", h)
	}
	l = h.join("a", false)
	for i := range maxChannels + 1 {
		ok := h.take(l, []byte(`{"action":"sub","channel":"`+strings.Repeat("x", i)+`"}`))
		if ok != (i < maxChannels) {
			t.Errorf("channel %d: %v", i, ok)
		}
	}
}
