package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// skygearFlows are the scripts in js/skygear/, each with an app of its own.
var skygearFlows = []struct {
	name     string
	settings string // of the app, as YAML
}{
	{"life", ""},
	{"records", ""},
	{"access", ""},
	{"assets", ""},
	{"admin", "skygear: {custom_token_secret: \"" + customTokenSecret + "\"}"},
	{"signed", "skygear: {token_mode: jwt}"},
	{"expiry", "sessions: {ttl: 1s}"},
	{"settings", `hide_account_existence: true, password: {min_length: 8, digit: true, blocklist: [hecate], history: 2}, ` +
		`skygear: {auth_record_keys: [[username], [realm, nick]]}`},
	{"pubsub", ""},
	{"relations", ""},
	{"both", ""},
}

const customTokenSecret = "a secret shared with the app's own server"

// skygearSite is a way to reach the dialect.
type skygearSite struct{ name, host, path string }

// skygearSites are both: below a path, and as a host name of its own.
var skygearSites = []skygearSite{
	{"path", "127.0.0.1", "/skygear/"},
	{"host", "localhost", "/"},
}

// at is the end point of a client.
func (s *server) at(site skygearSite) string {
	return strings.Replace(s.url, "127.0.0.1", site.host, 1) + site.path
}

func TestTheUnmodifiedSkygearClient(t *testing.T) {
	if _, err := os.Stat("js/node_modules/skygear/package.json"); err != nil {
		t.Fatal("the npm client is not installed: run scripts/setup-tests.sh node npm")
	}
	onBoth(t, func(t *testing.T, database string) {
		s := start(t, options{database: database, apply: skygearApps(), args: []string{"--host", "skygear=localhost"}})
		t.Run("flows", func(t *testing.T) {
			for _, f := range skygearFlows {
				for _, site := range skygearSites {
					t.Run(f.name+" by "+site.name, func(t *testing.T) {
						t.Parallel()
						app := f.name + "-" + site.name
						runScript(t, "skygear/"+f.name+".js",
							"ENDPOINT="+s.at(site), "BASE_URL="+s.url, "APP="+app,
							"API_KEY="+skygearKey(app), "MASTER_KEY="+skygearMaster(app), "CUSTOM_TOKEN_SECRET="+customTokenSecret)
					})
				}
			}
		})
		s.stop(t)
		if log := s.log.String(); strings.Contains(log, `"level":"ERROR"`) {
			t.Errorf("the server's log has errors:\n%s", log)
		}
	})
}

// skygearApps declares an app for every flow at every site.
func skygearApps() string {
	var yaml strings.Builder
	yaml.WriteString("orgs:\n  - {name: labs}\napps:\n")
	for _, f := range skygearFlows {
		for _, site := range skygearSites {
			yaml.WriteString(skygearApp(f.name+"-"+site.name, f.settings))
		}
	}
	return yaml.String()
}

// skygearApp declares one app with its two keys.
func skygearApp(app, settings string) string {
	return fmt.Sprintf(`  - org: labs
    name: %s
    keys:
      - {name: client, key: %s, allow_user_create: true}
      - {name: master, key: %s, master: true}
    settings: {%s}
`, app, skygearKey(app), skygearMaster(app), settings)
}

func skygearKey(app string) string    { return "key-of-the-app-" + app }
func skygearMaster(app string) string { return "master-of-the-app-" + app }

// TestASkygearHostNameOfOneApp shows what is different where the host name says whose app it is: a token alone suffices, and
// the keys of others are wrong.
func TestASkygearHostNameOfOneApp(t *testing.T) {
	t.Parallel()
	s := start(t, options{
		apply: "orgs:\n  - {name: labs}\napps:\n" + skygearApp("ours", "") + skygearApp("theirs", ""),
		args:  []string{"--host", "skygear/labs/ours=ours.example.com", "--host", "skygear=any.example.com"},
	})
	// as posts an action with the credentials given, in the body.
	as := func(host, action string, body object) call {
		path := "/" + strings.ReplaceAll(action, ":", "/")
		if host == "" {
			path = "/skygear" + path
		}
		return call{method: "POST", path: path, json: body, header: map[string]string{"Host": host}}
	}
	refused := func(what string, status, code int, c call) {
		t.Helper()
		if a := s.do(t, c); a.status != status || number(a.object, "error", "code") != code {
			t.Errorf("%s: want %d with code %d, got %s", what, status, code, a)
		}
	}
	signUp := func(app string) string {
		a := s.want(t, 200, as("any.example.com", "auth:signup", object{
			"api_key": skygearKey(app), "auth_data": object{"username": "ann"}, "password": "secret"}))
		return text(a.object, "result", "access_token")
	}
	ours, theirs := signUp("ours"), signUp("theirs") // the same name, in two apps

	s.want(t, 200, as("ours.example.com", "me", object{"access_token": ours}))
	s.want(t, 200, as("ours.example.com", "me", object{"access_token": ours, "api_key": skygearKey("ours")}))
	s.want(t, 200, as("any.example.com", "me", object{"access_token": theirs, "api_key": skygearKey("theirs")}))
	s.want(t, 200, as("", "me", object{"access_token": theirs, "api_key": skygearKey("theirs")}))
	for _, host := range []string{"any.example.com", ""} {
		refused("nobody says whose token it is", 401, 101, as(host, "me", object{"access_token": ours}))
		refused("a token of another app", 401, 104, as(host, "me", object{"access_token": ours, "api_key": skygearKey("theirs")}))
	}
	refused("their token", 401, 104, as("ours.example.com", "me", object{"access_token": theirs}))
	refused("their key", 401, 103, as("ours.example.com", "me", object{"access_token": ours, "api_key": skygearKey("theirs")}))
	refused("their master key", 401, 103, as("ours.example.com", "role:admin", object{"api_key": skygearMaster("theirs"), "roles": []string{}}))
	other := s.want(t, 200, call{method: "GET", path: "/v1.1/", header: map[string]string{"Host": "ours.example.com"}})
	same(t, "home, as any path without an action; no other dialect", other.object, object{"result": object{"status": "OK"}})
}
