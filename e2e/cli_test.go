package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestTheCommandLine runs the scripts in testdata/cli, each in a directory of its own with the built binary on the path.
// Beside testscript's own commands they have
//
//	up [FLAG…]                        (with the variables of scriptEnv) run `hecate serve FLAG…` on a free port with --data ./data; $URL is its address
//	down                              end it with SIGTERM, demand a clean exit, and leave its output in server.log
//	http STATUS METHOD PATH [KEY=…] [JSON]   send a request, demand the status, and leave the body for stdout
func TestTheCommandLine(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/cli",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", filepath.Dir(binary)+string(os.PathListSeparator)+os.Getenv("PATH"))
			env.Values[cliServer{}] = &cliServer{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"up":   func(ts *testscript.TestScript, neg bool, args []string) { started(ts).start(ts, neg, args) },
			"down": func(ts *testscript.TestScript, neg bool, args []string) { started(ts).stop(ts, neg, args) },
			"http": func(ts *testscript.TestScript, neg bool, args []string) { started(ts).http(ts, neg, args) },
		},
	})
}

// cliServer is the server that a script has running.
type cliServer struct{ running *server }

func started(ts *testscript.TestScript) *cliServer { return ts.Value(cliServer{}).(*cliServer) }

func (c *cliServer) start(ts *testscript.TestScript, neg bool, args []string) {
	if neg || c.running != nil {
		ts.Fatalf("usage: up [FLAG…], while no server runs")
	}
	s, err := launch(serveArgs("127.0.0.1:0", ts.MkAbs("data"), args), ts.MkAbs("."), scriptEnv(ts))
	if err != nil {
		ts.Fatalf("up: %v\n%s", err, s.log.tail(shownLines))
	}
	c.running = s
	ts.Setenv("URL", s.url)
	ts.Defer(func() {
		if c.running != nil {
			c.running.kill()
		}
	})
}

// scriptEnv are the variables of the server that the script has set.
func scriptEnv(ts *testscript.TestScript) []string {
	var env []string
	for _, name := range []string{"HECATE_MASTER_KEY", "HECATE_REGISTRATION", "HECATE_HOST", "HECATE_APPLY", "HECATE_PUBLIC_URL"} {
		if value := ts.Getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

func (c *cliServer) stop(ts *testscript.TestScript, neg bool, _ []string) {
	if neg || c.running == nil {
		ts.Fatalf("no server runs")
	}
	s := c.running
	c.running = nil
	if err := s.terminate(); err != nil {
		ts.Fatalf("down: %v\n%s", err, s.log.tail(shownLines))
	}
	ts.Logf("[server]\n%s", s.log.tail(shownLines))
	ts.Check(os.WriteFile(ts.MkAbs("server.log"), []byte(s.log.String()), 0o600))
}

func (c *cliServer) http(ts *testscript.TestScript, neg bool, args []string) {
	if neg || c.running == nil || len(args) < 3 {
		ts.Fatalf("usage: http STATUS METHOD PATH [KEY=…] [JSON], while a server runs")
	}
	request := call{method: args[1], path: args[2], header: map[string]string{}}
	for _, a := range args[3:] {
		if key, ok := strings.CutPrefix(a, "KEY="); ok {
			request.key = key
			continue
		}
		request.body = []byte(a)
		request.header["Content-Type"] = "application/json"
	}
	got, err := c.running.send(context.Background(), noRedirect, request)
	ts.Check(err)
	_, _ = fmt.Fprintf(ts.Stdout(), "%s\n", got.bytes)
	if strconv.Itoa(got.status) != args[0] {
		ts.Fatalf("%s %s: want %s, got %s", args[1], args[2], args[0], got)
	}
}
