package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// flowLimit ends a flow that hangs: the client waits for ever where a server answers 429 or never ends its pages.
const flowLimit = 90 * time.Second

// flows are the scripts in js/: each drives the server through the unmodified npm client and exits with its verdict.
var flows = []string{
	"seeds", "ping", "accounts", "instances", "admins", "apikeys", "users", "groups", "classes", "objects", "files", "batch",
}

func TestTheUnmodifiedSyncanoClient(t *testing.T) {
	if _, err := os.Stat("js/node_modules/syncano/package.json"); err != nil {
		t.Fatal("the npm client is not installed: run scripts/setup-tests.sh node npm")
	}
	onBoth(t, func(t *testing.T, database string) {
		s := start(t, options{database: database, apply: flowAdmins(), args: []string{"--registration", "open"}})
		t.Run("flows", func(t *testing.T) {
			for _, name := range flows {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					runFlow(t, s, name)
				})
			}
		})
	})
}

// Every flow has an owner and a guest of its own, so that they may run side by side.
func flowAdmins() string {
	var yaml strings.Builder
	yaml.WriteString("admins:\n")
	for i, name := range flows {
		for n, who := range []string{"owner", "guest"} {
			fmt.Fprintf(&yaml, "  - {email: %s, password: %q, account_key: %s}\n", flowEmail(name, who), who+" secret", flowKey(i, n))
		}
	}
	return yaml.String()
}

func flowEmail(flow, who string) string { return who + "-" + flow + "@example.com" }

// flowKey is an account key: 40 hex digits, the last one even.
func flowKey(flow, who int) string { return fmt.Sprintf("%038x%x0", flow+1, who+1) }

func runFlow(t *testing.T, s *server, name string) {
	index := slices.Index(flows, name)
	runScript(t, name+".js",
		"BASE_URL="+s.url,
		"ACCOUNT_EMAIL="+flowEmail(name, "owner"), "ACCOUNT_PASSWORD=owner secret", "ACCOUNT_KEY="+flowKey(index, 0),
		"GUEST_EMAIL="+flowEmail(name, "guest"), "GUEST_PASSWORD=guest secret", "GUEST_KEY="+flowKey(index, 1),
	)
}

// runScript runs a script of js/ with this environment; the test fails where the script does.
func runScript(t *testing.T, script string, env ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), flowLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", script)
	cmd.Dir = "js"
	cmd.Env = append(cleanEnv(), env...)
	out, err := cmd.CombinedOutput()
	t.Logf("node %s\n%s", script, out)
	if err != nil {
		t.Errorf("the flow %s failed: %v", script, err)
	}
}
