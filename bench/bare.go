package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/crypto/argon2"
)

// answer is one answer of the server, to be written again by the bare handler.
type answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// capture asks once and keeps the answer.
func capture(address string, request []byte) (*answer, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if _, err := conn.Write(request); err != nil {
		return nil, err
	}
	r, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if r.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d: %.300s", r.StatusCode, body)
	}
	r.Header.Del("Date") // net/http sets its own
	return &answer{r.StatusCode, r.Header, body}, nil
}

// startBare starts a bare net/http server that gives every request the answer
// that the server gave to this one.
func startBare(dir, name, address string, request []byte) (*child, error) {
	a, err := capture(address, request)
	if err != nil {
		return nil, fmt.Errorf("capture %s: %w", name, err)
	}
	text, err := json.Marshal(a)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "bare-"+name+".json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, err
	}
	return startChild("bare", file)
}

// serveBare is the child: net/http with one handler, which sets the same headers
// and writes the same bytes.
func serveBare(file string, in io.Reader, out io.Writer) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var a answer
	if err := json.Unmarshal(text, &a); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, in)
		listener.Close()
	}()
	fmt.Fprintln(out, "ready", listener.Addr())
	err = http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		for name, values := range a.Header {
			h[name] = values
		}
		w.WriteHeader(a.Status)
		_, _ = w.Write(a.Body) // a client that is gone has nobody to be told
	}))
	if _, closed := err.(*net.OpError); closed {
		return nil
	}
	return err
}

// The cost of one password hash, as the server's own (design, section 5).
const (
	argonMemory = 19 * 1024 // KiB
	argonPasses = 2
	argonLanes  = 1
)

// hashOnCommand is the child that computes argon2id on every core and nothing else.
func hashOnCommand(_ string, in io.Reader, out io.Writer) error {
	password, salt := []byte("correct horse battery staple"), make([]byte, 16)
	return obey(in, out, func(c command) (summary, error) {
		return inProcess(runtime.NumCPU(), c, func() error {
			argon2.IDKey(password, salt, argonPasses, argonMemory, argonLanes, 32)
			return nil
		}), nil
	})
}
