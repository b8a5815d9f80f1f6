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
	"net/url"
	"os"
	"path/filepath"
	"time"

	"hecate/internal/mail"
)

// A running server owns its SQLite file, so `hecate apply` and `hecate letters` have it do
// what they were told, through a socket in the data directory that only the operator's
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
		log.Warn("no control socket: apply only through serve --apply, and no hecate letters", "err", err)
		close(stopped)
		return stopped
	}
	server := &http.Server{Handler: controlHandler(r), ReadTimeout: time.Minute}
	go func() {
		defer close(stopped)
		_ = server.Serve(listener)
	}()
	context.AfterFunc(ctx, func() { _ = server.Close() })
	return stopped
}

// orders is what the command line may have a running server do, by path: with the parameters and the body of a request. What they
// write is printed.
var orders = map[string]func(ctx context.Context, r *rooms, q url.Values, body []byte, out io.Writer) error{
	"apply":                applyOrder,
	"letters":              listLetters,
	"letters/drop":         dropLetters,
	"letters/retry":        retryLetters,
	"letters/retry-failed": retryFailed,
}

// controlHandler carries orders out. What was done before an error is told with it.
func controlHandler(r *rooms) http.Handler {
	mux := http.NewServeMux()
	for name, do := range orders {
		mux.HandleFunc("POST /"+name, func(w http.ResponseWriter, req *http.Request) {
			body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxSpecBytes))
			var out bytes.Buffer
			if err == nil {
				err = do(req.Context(), r, req.URL.Query(), body, &out)
			}
			if err != nil {
				http.Error(w, out.String()+err.Error(), http.StatusUnprocessableEntity)
				return
			}
			_, _ = w.Write(out.Bytes())
		})
	}
	return mux
}

// order has the running server do something; where there is none it is done on the storage itself.
func (s storage) order(t *terminal, name string, q url.Values, body []byte) (err error) {
	if err := handOver(t.ctx, s.Data, name, q, body, t.out); !errors.Is(err, errNoServer) {
		return err
	}
	log := newLog(t.err)
	// What is queued here leaves when a server runs.
	r, err := open(t.ctx, s, log, door{}, mail.Log{To: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	return orders[name](t.ctx, r, q, body, t.out)
}

// errNoServer says that no running server listens for the data directory.
var errNoServer = errors.New("no running server")

// handOver has the running server of a data directory do something.
func handOver(ctx context.Context, dir, name string, q url.Values, body []byte, out io.Writer) error {
	path := filepath.Join(dir, controlSocket)
	client := http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		},
	}}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://control/"+name, bytes.NewReader(body))
	if err != nil {
		return err
	}
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
