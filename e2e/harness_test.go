package e2e

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// binary is the program under test, built once by TestMain.
var binary string

func TestMain(m *testing.M) {
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "hecate-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "hecate")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", binary, "hecate/cmd/hecate")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "e2e: build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// options say how a server is started. The zero value is SQLite in a new directory with closed registration.
type options struct {
	database string   // a PostgreSQL URL; empty for SQLite in the data directory
	dataDir  string   // an existing data directory; empty for a new one
	apply    string   // YAML to bring the server to before it answers
	args     []string // further flags of `serve`
	env      []string // further environment
}

// server is one running process.
type server struct {
	url     string
	dataDir string
	cmd     *exec.Cmd
	log     *output
	exited  chan struct{} // closed when the process has ended and exitErr is set
	exitErr error
	killed  atomic.Bool // set before a test kills it on purpose
}

const (
	startLimit = 20 * time.Second
	stopLimit  = 15 * time.Second
	shownLines = 15 // of a server's log, where a test fails
)

// start runs `hecate serve` on a free port and waits until it answers. The test ends it with SIGTERM and demands a clean exit.
func start(t *testing.T, o options) *server {
	t.Helper()
	s, err := tryStart(t, o)
	if err != nil {
		t.Fatalf("start: %v\n%s", err, s.log.tail(shownLines))
	}
	t.Cleanup(func() { s.stop(t) })
	return s
}

// tryStart is start for servers that may refuse to; the caller ends the process.
func tryStart(t *testing.T, o options) (*server, error) {
	t.Helper()
	if o.dataDir == "" {
		o.dataDir = t.TempDir()
	}
	var args []string
	if o.database != "" {
		args = append(args, "--database", o.database)
	}
	if o.apply != "" {
		args = append(args, "--apply", writeFile(t, "apply.yaml", o.apply))
	}
	s, err := launch(serveArgs("127.0.0.1:0", o.dataDir, append(args, o.args...)), o.dataDir, o.env)
	s.dataDir = o.dataDir
	return s, err
}

func serveArgs(addr, dataDir string, more []string) []string {
	return append([]string{"serve", "--addr", addr, "--data", dataDir}, more...)
}

// launch runs the binary in dir until it prints its address. The server it returns is never nil.
func launch(args []string, dir string, env []string) (*server, error) {
	s := &server{log: &output{}, exited: make(chan struct{})}
	s.cmd = exec.Command(binary, args...)
	s.cmd.Dir = dir
	s.cmd.Env = append(cleanEnv(), env...)
	read, write := io.Pipe()
	s.cmd.Stdout = io.MultiWriter(s.log, write)
	s.cmd.Stderr = s.cmd.Stdout
	s.cmd.WaitDelay = stopLimit
	if err := s.cmd.Start(); err != nil {
		return s, err
	}
	go func() {
		s.exitErr = s.cmd.Wait()
		write.Close()
		close(s.exited)
	}()
	address := make(chan string, 1)
	go findAddress(read, address)
	select {
	case s.url = <-address:
		if s.url == "" {
			<-s.exited
			return s, fmt.Errorf("it ended before it listened: %w", errors.Join(s.exitErr, errNoAddress))
		}
		return s, nil
	case <-time.After(startLimit):
		s.kill()
		return s, fmt.Errorf("no address within %v", startLimit)
	}
}

var errNoAddress = errors.New("no line with the address")

// findAddress sends the address that the server prints, or nothing when its output ends, and reads on so that it never blocks.
func findAddress(from io.Reader, found chan<- string) {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 1<<20)
	sent := false
	for lines.Scan() {
		_, address, ok := strings.Cut(lines.Text(), "hecate: listening on ")
		if ok && !sent {
			found <- strings.TrimSpace(address)
			sent = true
		}
	}
	if !sent {
		found <- ""
	}
	_, _ = io.Copy(io.Discard, from)
}

// stop asks the server to end and fails the test unless it does so cleanly. Stopping twice is fine.
func (s *server) stop(t *testing.T) {
	t.Helper()
	if err := s.terminate(); err != nil {
		t.Error(err)
	}
	if strings.Contains(s.log.String(), "panic") {
		t.Errorf("the server panicked:\n%s", s.log.from("panic", shownLines))
	}
	if t.Failed() {
		t.Logf("the log of %s ends:\n%s", s.url, s.log.tail(shownLines))
	}
}

// terminate sends SIGTERM and waits for a clean exit. A process that was killed on purpose has no exit to be clean.
func (s *server) terminate() error {
	if s.killed.Load() {
		return nil
	}
	select {
	case <-s.exited:
	default:
		if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			return fmt.Errorf("SIGTERM: %w", err)
		}
	}
	select {
	case <-s.exited:
	case <-time.After(stopLimit):
		s.kill()
		return fmt.Errorf("it did not stop within %v of SIGTERM", stopLimit)
	}
	if s.exitErr != nil {
		return fmt.Errorf("it ended with %w", s.exitErr)
	}
	return nil
}

// kill ends the process as a power cut would, and waits until it is gone.
func (s *server) kill() {
	s.killed.Store(true)
	_ = s.cmd.Process.Kill()
	<-s.exited
}

// cleanEnv is the environment without Hecate's own variables.
func cleanEnv() []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "HECATE_") {
			env = append(env, v)
		}
	}
	return env
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// eventually repeats ask until it holds; it fails the test when the limit passes first.
func eventually(t *testing.T, limit time.Duration, claim string, ask func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		if ask() {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", limit, claim)
		}
	}
}

// output collects what a process prints; it may be read while the process runs.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// tail is the last n lines.
func (o *output) tail(n int) string {
	lines := strings.Split(strings.TrimRight(o.String(), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// from is n lines, beginning with the first that contains word.
func (o *output) from(word string, n int) string {
	text := o.String()
	at := strings.LastIndexByte(text[:max(0, strings.Index(text, word))], '\n') + 1
	lines := strings.Split(text[at:], "\n")
	return strings.Join(lines[:min(len(lines), n)], "\n")
}

// databases are the two engines; database is called once per test, for a fresh one.
var databases = []struct {
	name     string
	database func(t *testing.T) string
}{
	{"sqlite", func(*testing.T) string { return "" }},
	{"postgres", postgres},
}

// onBoth runs a test on SQLite and on PostgreSQL.
func onBoth(t *testing.T, test func(t *testing.T, database string)) {
	for _, d := range databases {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			test(t, d.database(t))
		})
	}
}

// noRedirect is a client that shows redirects as they are and gives up in time.
var noRedirect = &http.Client{
	Timeout:       20 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}
