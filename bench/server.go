package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// server is one running `hecate serve`.
type server struct {
	address string
	pid     int
	log     string // file of what it prints
	cmd     *exec.Cmd
	exited  chan error
	health  time.Duration // from spawning it to the first 200 of /healthz
	answer  time.Duration // from spawning it to the first answer of the API
}

const (
	startLimit = 30 * time.Second
	stopLimit  = 20 * time.Second
)

// build compiles the server.
func build(dir string) (string, error) {
	binary := filepath.Join(dir, "hecate")
	cmd := exec.Command("go", "build", "-trimpath", "-o", binary, "hecate/cmd/hecate")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the server: %w\n%s", err, out)
	}
	return binary, nil
}

// startServer starts the server on a free port and waits until it answers probe (nil: /healthz alone) with 200.
func startServer(ctx context.Context, binary, data string, probe []byte, args ...string) (*server, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	log, err := os.OpenFile(filepath.Join(filepath.Dir(data), "server.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	s := &server{address: address, log: log.Name(), exited: make(chan error, 1)}
	s.cmd = exec.CommandContext(ctx, binary, append([]string{"serve", "--addr", address, "--data", data}, args...)...)
	s.cmd.Cancel = func() error { return s.cmd.Process.Signal(syscall.SIGTERM) }
	s.cmd.WaitDelay = stopLimit
	s.cmd.Env = cleanEnv()
	s.cmd.Stdout, s.cmd.Stderr = log, log
	spawned := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	s.pid = s.cmd.Process.Pid
	go func() { s.exited <- s.cmd.Wait() }()
	if err := s.await(spawned, probe); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
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

// await measures how long the first answers take.
func (s *server) await(spawned time.Time, probe []byte) error {
	health := request("GET", "/healthz", nil)
	if err := s.until(health); err != nil {
		return fmt.Errorf("/healthz: %w", err)
	}
	s.health = time.Since(spawned)
	if probe != nil {
		if err := s.until(probe); err != nil {
			return fmt.Errorf("first request: %w", err)
		}
	}
	s.answer = time.Since(spawned)
	return nil
}

// until repeats a request until it is answered with 200.
func (s *server) until(req []byte) error {
	deadline := time.Now().Add(startLimit)
	for {
		status, body, err := once(s.address, req)
		if err == nil && status == 200 {
			return nil
		}
		select {
		case ended := <-s.exited:
			s.exited <- ended
			return fmt.Errorf("the server ended: %w\n%s", errors.Join(ended, errors.New("before it answered")), s.tail())
		default:
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("no 200 within %v: status %d %s, %w\n%s", startLimit, status, body, err, s.tail())
		}
		sleepUntil(time.Now().Add(200 * time.Microsecond))
	}
}

// once sends one request on a connection of its own.
func once(address string, req []byte) (int, string, error) {
	c, err := dial(address)
	if err != nil {
		return 0, "", err
	}
	defer c.close()
	status, body, err := c.do(req)
	return status, string(body), err
}

// tail is the end of what the server printed.
func (s *server) tail() string {
	text, err := os.ReadFile(s.log)
	if err != nil {
		return ""
	}
	return string(text[max(0, len(text)-2000):])
}

// stop ends the server and waits for it. A nil server is fine.
func (s *server) stop() error {
	if s == nil {
		return nil
	}
	// It may have ended already; then waiting says how.
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-s.exited:
		s.exited <- err
		if err != nil {
			return fmt.Errorf("the server ended badly: %w\n%s", err, s.tail())
		}
		return nil
	case <-time.After(stopLimit):
		return errors.Join(fmt.Errorf("the server did not stop within %v", stopLimit), s.cmd.Process.Kill())
	}
}
