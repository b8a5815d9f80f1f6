package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// request returns the bytes of one HTTP request, to be sent as they are any
// number of times. Headers are "Name: value" lines.
func request(method, path string, body []byte, headers ...string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: bench\r\n", method, path)
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	if body != nil {
		fmt.Fprintf(&b, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes()
}

// patience is how long one answer may take before it counts as lost.
const patience = 30 * time.Second

// client is one kept-alive connection that does as little per request as it
// can: the load generator shares the cores with what it measures. One goroutine uses it.
type client struct {
	conn       net.Conn
	buf        []byte // everything read and not yet consumed is buf[start:end]
	start, end int
}

func dial(address string) (*client, error) {
	conn, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		return nil, err
	}
	return newClient(conn), nil
}

func newClient(conn net.Conn) *client { return &client{conn: conn, buf: make([]byte, 64<<10)} }

func (c *client) close() { c.conn.Close() }

// do sends one request, reads the whole answer and returns its status and, where
// it is short enough to be still there, its body, which the next do overwrites.
func (c *client) do(request []byte) (status int, body []byte, err error) {
	if _, err := c.conn.Write(request); err != nil {
		return 0, nil, err
	}
	return c.answer()
}

func (c *client) answer() (status int, body []byte, err error) {
	for {
		head, err := c.head()
		if err != nil {
			return 0, nil, err
		}
		a, err := parseHead(head)
		if err != nil {
			return 0, nil, err
		}
		if a.status < 200 { // 100 Continue and its kind precede the answer
			continue
		}
		body, err := c.body(a)
		if err == nil && a.close {
			err = errClosing
		}
		return a.status, body, err
	}
}

// errClosing comes with a good answer after which the server hangs up.
var errClosing = errors.New("the server closes the connection")

var headEnd = []byte("\r\n\r\n")

// head returns the next bytes up to the empty line, valid until more is read.
func (c *client) head() ([]byte, error) {
	looked := 0
	for {
		if i := bytes.Index(c.buf[c.start+looked:c.end], headEnd); i >= 0 {
			from := c.start
			c.start += looked + i + len(headEnd)
			return c.buf[from:c.start], nil
		}
		looked = max(0, c.end-c.start-len(headEnd)+1)
		if err := c.more(); err != nil {
			return nil, err
		}
	}
}

// more reads at least one byte behind what is there.
func (c *client) more() error {
	if c.start == c.end {
		c.start, c.end = 0, 0
	}
	if c.end == len(c.buf) {
		if c.start == 0 {
			return errors.New("the head of the answer is too long")
		}
		c.end = copy(c.buf, c.buf[c.start:c.end])
		c.start = 0
	}
	n, err := c.conn.Read(c.buf[c.end:])
	c.end += n
	if n > 0 {
		return nil
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// body consumes the body of an answer.
func (c *client) body(a head) ([]byte, error) {
	switch {
	case a.status == 204 || a.status == 304:
		return nil, nil
	case a.chunked:
		return nil, c.skipChunks()
	case a.length < 0:
		return nil, errors.New("an answer of unknown length")
	}
	return c.take(a.length)
}

// take consumes n bytes; it returns them if they fit the buffer.
func (c *client) take(n int) ([]byte, error) {
	if n > len(c.buf)/2 {
		return nil, c.skip(n)
	}
	for c.end-c.start < n {
		if err := c.more(); err != nil {
			return nil, err
		}
	}
	c.start += n
	return c.buf[c.start-n : c.start], nil
}

func (c *client) skip(n int) error {
	for n > 0 {
		if c.start == c.end {
			if err := c.more(); err != nil {
				return err
			}
		}
		step := min(n, c.end-c.start)
		c.start += step
		n -= step
	}
	return nil
}

func (c *client) skipChunks() error {
	for {
		line, err := c.line()
		if err != nil {
			return err
		}
		size, _, _ := strings.Cut(string(line), ";")
		n, err := strconv.ParseUint(strings.TrimSpace(size), 16, 31)
		if err != nil {
			return fmt.Errorf("the size of a chunk: %w", err)
		}
		if n == 0 {
			return c.skipTrailers()
		}
		if err := c.skip(int(n) + len("\r\n")); err != nil {
			return err
		}
	}
}

func (c *client) skipTrailers() error {
	for {
		line, err := c.line()
		if err != nil || len(line) == 0 {
			return err
		}
	}
}

func (c *client) line() ([]byte, error) {
	for {
		if i := bytes.IndexByte(c.buf[c.start:c.end], '\n'); i >= 0 {
			line := c.buf[c.start : c.start+i]
			c.start += i + 1
			return bytes.TrimSuffix(line, []byte("\r")), nil
		}
		if err := c.more(); err != nil {
			return nil, err
		}
	}
}

// head is what the generator needs of an answer's status line and headers.
type head struct {
	status  int
	length  int // -1: not told
	chunked bool
	close   bool
}

func parseHead(text []byte) (head, error) {
	h := head{length: -1}
	// "HTTP/1.1 200 OK"
	if len(text) < 12 || !bytes.HasPrefix(text, []byte("HTTP/1.")) {
		return h, fmt.Errorf("no HTTP answer: %.40q", text)
	}
	status, err := strconv.Atoi(string(text[9:12]))
	if err != nil {
		return h, fmt.Errorf("no HTTP status: %.40q", text)
	}
	h.status = status
	for {
		end := bytes.IndexByte(text, '\n')
		if end < 0 || end+1 >= len(text) {
			return h, nil
		}
		text = text[end+1:]
		if c := text[0] | 0x20; c != 'c' && c != 't' { // of Content-Length, Connection, Transfer-Encoding
			continue
		}
		if err := h.header(text); err != nil {
			return h, err
		}
	}
}

func (h *head) header(line []byte) error {
	if end := bytes.IndexByte(line, '\r'); end >= 0 {
		line = line[:end]
	}
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimSpace(value)
	var err error
	switch {
	case is(name, "content-length"):
		if h.length, err = strconv.Atoi(string(value)); err != nil || h.length < 0 {
			return fmt.Errorf("bad Content-Length %q", value)
		}
	case is(name, "transfer-encoding"):
		h.chunked = is(value, "chunked")
	case is(name, "connection"):
		h.close = is(value, "close")
	}
	return nil
}

func is(text []byte, lower string) bool {
	return len(text) == len(lower) && bytes.EqualFold(text, []byte(lower))
}
