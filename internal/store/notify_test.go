package store

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// heard collects what Listen reports.
type heard chan string

func (h heard) want(t testing.TB, what string, within time.Duration) {
	t.Helper()
	select {
	case got := <-h:
		if got != what {
			t.Fatalf("heard %q, want %q", got, what)
		}
	case <-time.After(within):
		t.Fatalf("did not hear %q within %v", what, within)
	}
}

func listenTest(t testing.TB, db *DB) heard {
	h := make(heard, 100)
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() {
		err := db.Listen(ctx, func(m string) { h <- m }, func(connected bool) {
			h <- map[bool]string{true: "connected", false: "gap"}[connected]
		})
		if err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); done.Wait() })
	return h
}

func TestListen(t *testing.T) {
	c := testConfig(t, "postgres", ledger)
	here, there := openTest(t, c), openTest(t, c)
	h := listenTest(t, there)
	h.want(t, "connected", 5*time.Second)
	tell := func(payload string, end error) {
		err := here.Write(t.Context(), func(tx *DB) error {
			return errors.Join(tx.notify(t.Context(), payload), end)
		})
		if !errors.Is(err, end) {
			t.Fatal(err)
		}
	}
	tell("never", errors.New("rolled back"))
	tell("one", nil)
	h.want(t, "one", time.Second)

	// Longer than the silence after which the connection is asked, and nothing is lost.
	time.Sleep(2 * listenQuiet)
	tell("two 'é'", nil)
	h.want(t, "two 'é'", time.Second)

	t.Run("a connection that the server ends is noticed and made again", func(t *testing.T) {
		_, err := many(t.Context(), here, scalar[bool],
			`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query = 'listen hecate' or query = '-- ping'`)
		if err != nil {
			t.Fatal(err)
		}
		h.want(t, "gap", time.Second)
		h.want(t, "connected", 5*time.Second)
		tell("three", nil)
		h.want(t, "three", time.Second)
	})
}

func TestAConnectionThatDiesSilentlyIsNoticedWithinASecond(t *testing.T) {
	c := testConfig(t, "postgres", ledger)
	p := newRelay(t, c.URL)
	far := c
	far.URL = p.address
	h := listenTest(t, openTest(t, far))
	h.want(t, "connected", 5*time.Second)
	time.Sleep(listenQuiet / 2)
	p.freeze()
	h.want(t, "gap", 1200*time.Millisecond) // under a second, and room for a busy machine
	p.thaw()
	h.want(t, "connected", 10*time.Second)
}

func TestListenOnSQLiteReturnsAtOnce(t *testing.T) {
	db := openTest(t, testConfig(t, "sqlite", ledger))
	if err := db.Listen(t.Context(), nil, nil); err != nil {
		t.Fatal(err)
	}
	err := db.Write(t.Context(), func(tx *DB) error { return tx.notify(t.Context(), "x") })
	if err != nil {
		t.Fatal(err)
	}
}

// relay stands between a client and the server, and can hold everything back without closing anything.
type relay struct {
	address string
	mu      sync.RWMutex
}

func (r *relay) freeze() { r.mu.Lock() }
func (r *relay) thaw()   { r.mu.Unlock() }

func newRelay(t *testing.T, target string) *relay {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	network, where := "tcp", u.Host
	query := u.Query()
	if dir := query.Get("host"); strings.HasPrefix(dir, "/") {
		network, where = "unix", dir+"/.s.PGSQL.5432"
		query.Del("host")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	u.Host, u.RawQuery = listener.Addr().String(), query.Encode()
	r := &relay{address: u.String()}
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial(network, where)
			if err != nil {
				near.Close()
				continue
			}
			go r.pass(near, far)
			go r.pass(far, near)
		}
	}()
	return r
}

func (r *relay) pass(to, from net.Conn) {
	defer to.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		r.mu.RLock()
		_, bad := to.Write(buffer[:n])
		r.mu.RUnlock()
		if err != nil || bad != nil {
			if err != io.EOF {
				from.Close()
			}
			return
		}
	}
}
