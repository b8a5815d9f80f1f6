package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// usergridFlows are the scripts in js/usergrid/, each with an application of its own: v0 drives usergrid@0.10.11, v2 drives
// usergrid@2.0.0-rc.2.
var usergridFlows = []struct {
	name   string
	closed bool // the application is no sandbox: guests may register, and no more
}{
	{"v0/auth", false},
	{"v0/entities", false},
	{"v0/collections", false},
	{"v0/groups", true},
	{"v0/social", false},
	{"v2/auth", false},
	{"v2/users", false},
	{"v2/entities", false},
	{"v2/connections", false},
	{"v2/assets", false},
}

// usergridSite is a way to reach the dialect.
type usergridSite struct{ name, host, path string }

// usergridSites are both: below a path, and as a host name of its own.
var usergridSites = []usergridSite{
	{"path", "127.0.0.1", "/usergrid"},
	{"host", "localhost", ""},
}

// usergridAt is the base URL of a client, without a final slash.
func (s *server) usergridAt(site usergridSite) string {
	return strings.Replace(s.url, "127.0.0.1", site.host, 1) + site.path
}

// The owner of the organization that usergridApps declares, and its own client.
const (
	usergridOrg    = "Labs"
	usergridBoss   = "boss@example.com"
	usergridSecret = "boss secret"
)

func TestTheUnmodifiedUsergridClients(t *testing.T) {
	for _, module := range []string{"usergrid", "usergrid-2"} {
		if _, err := os.Stat("js/node_modules/" + module + "/package.json"); err != nil {
			t.Fatal("the npm clients are not installed: run scripts/setup-tests.sh node npm")
		}
	}
	onBoth(t, func(t *testing.T, database string) {
		s := start(t, options{database: database, apply: usergridApps(), args: []string{"--host", "usergrid=localhost"}})
		// Each flow runs on both databases and at both sites, but not on each at each: the time of four runs would tell no more.
		at := 0
		if database != "" {
			at = 1
		}
		t.Run("flows", func(t *testing.T) {
			for i, f := range usergridFlows {
				site := usergridSites[(i+at)%2]
				t.Run(f.name+" by "+site.name, func(t *testing.T) {
					t.Parallel()
					runUsergrid(t, f.name, newUsergridApp(usergridOrg, strings.ReplaceAll(f.name, "/", "-")), usergridBoss, s.usergridAt(site))
				})
			}
		})
		s.stop(t)
		if log := s.log.String(); strings.Contains(log, `"level":"ERROR"`) {
			t.Errorf("the server's log has errors:\n%s", s.log.from(`"level":"ERROR"`, shownLines))
		}
	})
}

// usergridApp is an application with its own client.
type usergridApp struct{ org, name, id, secret string }

func newUsergridApp(org, name string) usergridApp {
	return usergridApp{org: org, name: name, id: clientWord(name, 16), secret: clientWord(name+" secret", 20)}
}

// clientWord is an id or secret in the shape of an application's: contracts/usergrid.md 3.2.
func clientWord(of string, size int) string {
	b := make([]byte, size)
	copy(b, of)
	return "YXA6" + base64.RawURLEncoding.EncodeToString(b)
}

// usergridApps declares an application for every flow.
func usergridApps() string {
	var yaml strings.Builder
	fmt.Fprintf(&yaml, "admins:\n  - {email: %s, password: %q, username: boss, name: The Boss}\n", usergridBoss, usergridSecret)
	fmt.Fprintf(&yaml, "orgs:\n  - {name: %s, admins: [%s]}\napps:\n", usergridOrg, usergridBoss)
	for _, f := range usergridFlows {
		yaml.WriteString(newUsergridApp(usergridOrg, strings.ReplaceAll(f.name, "/", "-")).declared(!f.closed))
	}
	return yaml.String()
}

func (a usergridApp) declared(sandbox bool) string {
	return fmt.Sprintf("  - {org: %s, name: %s, client_id: %s, client_secret: %s, sandbox: %t}\n", a.org, a.name, a.id, a.secret, sandbox)
}

// runUsergrid runs a flow. The second client finds its base URL in a config.json beside the main script, so that is a file of
// a directory of its own which does nothing but load the flow.
func runUsergrid(t *testing.T, flow string, app usergridApp, admin, endPoint string) {
	t.Helper()
	dir := t.TempDir()
	config, err := json.Marshal(map[string]string{
		"orgId": app.org, "appId": app.name, "baseUrl": endPoint, "clientId": app.id, "clientSecret": app.secret,
	})
	if err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs(filepath.Join("js", "usergrid", flow+".js"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"config.json": string(config), "main.js": fmt.Sprintf("require(%q);\n", script)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	runScript(t, filepath.Join(dir, "main.js"),
		"ENDPOINT="+endPoint, "ORG="+app.org, "APP="+app.name, "CLIENT_ID="+app.id, "CLIENT_SECRET="+app.secret,
		"NODE_NO_WARNINGS=1", "ADMIN_EMAIL="+admin, "ADMIN_PASSWORD="+usergridSecret)
}

// TestARegisteredOrganization makes what the other tests declare by the management API itself: an organization with its
// sandbox, whose credentials the clients then use.
func TestARegisteredOrganization(t *testing.T) {
	t.Parallel()
	s := start(t, options{args: []string{"--registration", "open", "--host", "usergrid=localhost"}})
	const email = "ada@example.com"
	made := s.want(t, 200, call{method: "POST", path: "/usergrid/management/organizations",
		json: object{"organization": "acme", "username": "ada", "name": "Ada", "email": email, "password": usergridSecret}})
	same(t, "owner", at(made.object, "data", "owner", "email"), email)
	login := s.want(t, 200, call{method: "POST", path: "/usergrid/management/token",
		form: url.Values{"grant_type": {"password"}, "username": {"ada"}, "password": {usergridSecret}}})
	bearer := map[string]string{"Authorization": "Bearer " + text(login.object, "access_token")}
	keys := s.want(t, 200, call{method: "GET", path: "/usergrid/management/organizations/acme/applications/sandbox/credentials", header: bearer})
	sandbox := usergridApp{"acme", "sandbox", text(keys.object, "credentials", "client_id"), text(keys.object, "credentials", "client_secret")}
	for i, flow := range []string{"v0/auth", "v2/connections"} {
		t.Run(flow, func(t *testing.T) { runUsergrid(t, flow, sandbox, email, s.usergridAt(usergridSites[i])) })
	}

	closed := start(t, options{})
	refusal := closed.do(t, call{method: "POST", path: "/usergrid/management/organizations",
		json: object{"organization": "acme", "username": "ada", "name": "Ada", "email": email, "password": usergridSecret}})
	if refusal.status != 401 && refusal.status != 403 {
		t.Errorf("registration is closed, but: %s", refusal)
	}
}
