package e2e

import (
	"io"
	"net"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// TestTheDatabaseGoesAwayAndComesBack cuts the server off from PostgreSQL: it says that it is not ready, answers requests with
// an error in time instead of hanging or dying, and serves again, without a restart, when the database is back.
func TestTheDatabaseGoesAwayAndComesBack(t *testing.T) {
	t.Parallel()
	gate := newGate(t, postgres(t))
	s := start(t, options{database: gate.url, apply: rawAdmins})
	base := s.newInstance(t, "whiteforest")
	key, user := s.newKey(t, base), s.newUser(t, base, "magnusson", "casserole")
	me := call{method: "GET", path: base + "/user/", key: key, userKey: text(user, "user_key")}
	s.want(t, 200, call{method: "GET", path: "/readyz"})
	s.want(t, 200, me)

	gate.close()
	eventually(t, 5*time.Second, "it is not ready", func() bool { return s.do(t, call{method: "GET", path: "/readyz"}).status == 503 })
	s.want(t, 200, call{method: "GET", path: "/healthz"})
	eventually(t, time.Second, "nothing is served from memory", func() bool { return s.do(t, me).status >= 500 })
	for _, c := range []call{
		me,
		{method: "GET", path: base + "/users/", key: accountKey},
		{method: "POST", path: base + "/users/", key: accountKey, json: object{"username": "kleiner", "password": "x"}},
		{method: "POST", path: base + "/user/auth/", key: key, json: object{"username": "magnusson", "password": "casserole"}},
	} {
		began := time.Now()
		a := s.do(t, c)
		if a.status < 500 || text(a.object, "detail") == "" {
			t.Errorf("%s %s without a database: %s", c.method, c.path, a)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%s %s took %v", c.method, c.path, took)
		}
	}

	gate.open(t)
	eventually(t, 10*time.Second, "it is ready again", func() bool { return s.do(t, call{method: "GET", path: "/readyz"}).status == 200 })
	s.want(t, 200, me)
	s.newUser(t, base, "kleiner", "x")
	// What changed meanwhile on another node is known: nothing old is served from memory.
	other := start(t, options{database: gate.url, dataDir: s.dataDir})
	other.want(t, 200, call{method: "PATCH", path: base + "/user/", key: key, userKey: text(user, "user_key"), json: object{"password": "changed"}})
	eventually(t, 10*time.Second, "changes of other nodes are heard again", func() bool { return s.do(t, me).status == 403 })
}

// gate stands between a server and PostgreSQL, and can be shut.
type gate struct {
	url     string
	address string // of ours
	target  string // of PostgreSQL
	network string

	mu       sync.Mutex
	listener net.Listener // nil while shut
	conns    map[net.Conn]bool
}

func newGate(t *testing.T, database string) *gate {
	t.Helper()
	config, err := pgx.ParseConfig(database)
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{network: "tcp", target: net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port))), address: "127.0.0.1:0", conns: map[net.Conn]bool{}}
	if config.Host[0] == '/' {
		g.network, g.target = "unix", config.Host+"/.s.PGSQL."+strconv.Itoa(int(config.Port))
	}
	g.open(t)
	t.Cleanup(g.close)
	u := url.URL{Scheme: "postgres", Host: g.address, Path: "/" + config.Database, User: url.UserPassword(config.User, config.Password), RawQuery: "sslmode=disable"}
	g.url = u.String()
	return g
}

// open lets connections through, on the same address as before.
func (g *gate) open(t *testing.T) {
	t.Helper()
	listener, err := net.Listen("tcp", g.address)
	if err != nil {
		t.Fatal(err)
	}
	g.mu.Lock()
	g.listener, g.address = listener, listener.Addr().String()
	g.mu.Unlock()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go g.pass(conn)
		}
	}()
}

// pass carries one connection.
func (g *gate) pass(client net.Conn) {
	server, err := net.Dial(g.network, g.target)
	if err != nil {
		client.Close()
		return
	}
	if !g.keep(client, server) {
		return
	}
	go func() {
		_, _ = io.Copy(server, client)
		server.Close()
	}()
	_, _ = io.Copy(client, server)
	client.Close()
}

// keep remembers a pair of connections, or ends it when the gate is shut.
func (g *gate) keep(pair ...net.Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range pair {
		if g.listener == nil {
			c.Close()
		} else {
			g.conns[c] = true
		}
	}
	return g.listener != nil
}

// close ends every connection and refuses new ones.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.listener != nil {
		g.listener.Close()
		g.listener = nil
	}
	for c := range g.conns {
		c.Close()
		delete(g.conns, c)
	}
}
