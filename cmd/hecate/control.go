package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// A running server owns its SQLite file, so `hecate apply` hands it the file
// to apply through a socket in the data directory that only the operator's
// account can open.
const (
	controlSocket = "control.sock"
	maxSpecBytes  = 16 << 20
)

// control listens on the socket until ctx ends; done is closed when it has stopped.
func control(ctx context.Context, dir string, r *rooms, log *slog.Logger) (done <-chan struct{}) {
	stopped := make(chan struct{})
	path := filepath.Join(dir, controlSocket)
	_ = os.Remove(path) // left by a crash; the data directory itself is locked
	listener, err := (&net.ListenConfig{}).Listen(ctx, "unix", path)
	if err == nil {
		err = os.Chmod(path, 0o600)
	}
	if err != nil {
		log.Warn("no control socket: apply only through serve --apply", "err", err)
		close(stopped)
		return stopped
	}
	server := &http.Server{Handler: applyHandler(r), ReadTimeout: time.Minute}
	go func() {
		defer close(stopped)
		_ = server.Serve(listener)
	}()
	context.AfterFunc(ctx, func() { _ = server.Close() })
	return stopped
}

// applyHandler applies the body of a POST, named by the query's file, and answers what is to be printed.
func applyHandler(r *rooms) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /apply", func(w http.ResponseWriter, req *http.Request) {
		text, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxSpecBytes))
		var out bytes.Buffer
		if err == nil {
			err = applyText(req.Context(), r, req.URL.Query().Get("file"), text, &out)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnprocessableEntity)
			return
		}
		_, _ = w.Write(out.Bytes())
	})
	return mux
}

// errNoServer says that no running server listens for the data directory.
var errNoServer = errors.New("no running server")

// handOver has the running server of a data directory apply the text.
func handOver(ctx context.Context, dir, file string, text []byte, out io.Writer) error {
	path := filepath.Join(dir, controlSocket)
	client := http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		},
	}}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://control/apply", bytes.NewReader(text))
	if err != nil {
		return err
	}
	q := req.URL.Query()
	q.Set("file", file)
	req.URL.RawQuery = q.Encode()
	resp, err := client.Do(req)
	if err != nil {
		return errNoServer
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxSpecBytes))
	if err != nil {
		return fmt.Errorf("hear the running server: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return errors.New(string(bytes.TrimSpace(answer)))
	}
	_, err = out.Write(answer)
	return err
}
