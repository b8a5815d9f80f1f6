package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestHostNames shows that a mapped host name belongs to its dialect alone, and that every other name has everything.
func TestHostNames(t *testing.T) {
	t.Parallel()
	s := start(t, options{apply: rawAdmins, args: []string{"--host", "syncano=api.example.com", "--host", "native=admin.example.com"}})
	for _, c := range []struct {
		host, path, accept string
		status             int
	}{
		{"api.example.com", "/v1.1/", "", 200},
		{"api.example.com", "/v1/", "", 200},
		{"API.example.com:8443", "/v1.1/account/", "", 200},
		{"api.example.com", "/healthz", "", 200},
		{"api.example.com", "/readyz", "", 200},
		{"api.example.com", "/", "text/html", 200},
		{"api.example.com", "/console/", "text/html", 404},
		{"api.example.com", "/api/v1/openapi.yaml", "", 404},
		{"api.example.com", "/nowhere", "", 404},

		{"admin.example.com", "/api/v1/openapi.yaml", "", 200},
		{"admin.example.com", "/healthz", "", 200},
		{"admin.example.com", "/readyz", "", 200},
		{"admin.example.com", "/v1.1/account/", "", 404},
		{"admin.example.com", "/console/", "text/html", 404},

		{"other.example.com", "/v1.1/account/", "", 200},
		{"other.example.com", "/api/v1/openapi.yaml", "", 200},
		{"other.example.com", "/console/", "text/html", 200},
		{"other.example.com", "/", "text/html,application/xhtml+xml", 302},
		{"other.example.com", "/", "application/json", 200},
		{"other.example.com", "/", "", 200},
	} {
		a := s.do(t, call{method: "GET", path: c.path, key: accountKey, header: map[string]string{"Host": c.host, "Accept": c.accept}})
		if a.status != c.status {
			t.Errorf("%s%s: want %d, got %s", c.host, c.path, c.status, a)
		}
	}
	login := s.want(t, 200, call{method: "POST", path: "/v1.1/account/auth/", header: map[string]string{"Host": "api.example.com"},
		form: map[string][]string{"email": {"admin@example.com"}, "password": {"admin secret"}}})
	same(t, "account key", login.object["account_key"], accountKey)
}

// TestRegistration shows who may register an account: the invited, and everybody only where the operator says so.
func TestRegistration(t *testing.T) {
	t.Parallel()
	register := func(email, invitation string) call {
		body := object{"email": email, "password": "x"}
		if invitation != "" {
			body["invitation_key"] = invitation
		}
		return call{method: "POST", path: "/v1.1/account/register/", json: body}
	}
	t.Run("closed is the default, and lets the invited in", func(t *testing.T) {
		t.Parallel()
		s := start(t, options{apply: rawAdmins})
		base := s.newInstance(t, "overwatch")
		same(t, "refusal", s.want(t, 403, register("stranger@example.com", "")).object, object{"detail": "Registration disabled."})
		s.want(t, 403, register("admin@example.com", "")) // nor who is registered already
		for _, wrong := range []string{"nothing", strings.Repeat("a", 40)} {
			if a := s.do(t, register("stranger@example.com", wrong)); a.status != 400 && a.status != 403 {
				t.Errorf("invitation %q: %s", wrong, a)
			}
		}
		invited := s.want(t, 201, call{method: "POST", path: base + "/invitations/", key: accountKey, json: object{"email": "guest@example.com", "role": "write"}})
		guest := s.want(t, 201, register("guest@example.com", text(invited.object, "key")))
		key := text(guest.object, "account_key")
		same(t, "role", s.want(t, 200, call{method: "GET", path: base + "/", key: key}).object["role"], "write")
		a := s.do(t, register("second@example.com", text(invited.object, "key"))) // an invitation is good once
		if a.status != 400 && a.status != 403 {
			t.Errorf("a used invitation: %s", a)
		}
	})
	t.Run("open lets everybody in", func(t *testing.T) {
		t.Parallel()
		s := start(t, options{args: []string{"--registration", "open"}})
		a := s.want(t, 201, register("stranger@example.com", ""))
		s.want(t, 200, call{method: "GET", path: "/v1.1/account/", key: text(a.object, "account_key")})
		same(t, "second time", s.want(t, 400, register("Stranger@example.com", "")).object, object{"email": []string{"This field must be unique."}})
	})
}

// TestStoppingFinishesWhatIsInFlight sends SIGTERM while an upload is half done: it is finished and kept, nobody new gets in,
// and the process ends well.
func TestStoppingFinishesWhatIsInFlight(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		s := start(t, options{database: database, apply: rawAdmins})
		base := s.newInstance(t, "borealis")
		s.want(t, 201, call{method: "POST", path: base + "/classes/", key: accountKey,
			json: object{"name": "crates", "schema": []object{{"name": "label", "type": "string"}}}})

		body, write := io.Pipe()
		reading := make(chan struct{})
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got100Continue: func() { close(reading) }})
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+base+"/classes/crates/objects/", body)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{"Content-Type": "application/json", "X-API-KEY": accountKey, "Expect": "100-continue"} {
			req.Header.Set(name, value)
		}
		type result struct {
			status int
			body   string
			err    error
		}
		done := make(chan result, 1)
		client := &http.Client{Transport: &http.Transport{ExpectContinueTimeout: startLimit}}
		defer client.CloseIdleConnections()
		go func() {
			res, err := client.Do(req)
			if err != nil {
				done <- result{err: err}
				return
			}
			defer res.Body.Close()
			text, err := io.ReadAll(res.Body)
			done <- result{res.StatusCode, string(text), err}
		}()
		select {
		case <-reading: // the server has asked for the body: the request is in its hands
		case r := <-done:
			t.Fatalf("answered before the body: %+v", r)
		}
		fmt.Fprint(write, `{"label": "sent befo`)
		if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		eventually(t, 5*time.Second, "nobody new gets in", func() bool {
			conn, err := net.DialTimeout("tcp", strings.TrimPrefix(s.url, "http://"), time.Second)
			if err == nil {
				conn.Close()
			}
			return err != nil
		})
		select {
		case <-s.exited:
			t.Fatalf("it ended with a request in flight: %v", s.exitErr)
		default:
		}
		fmt.Fprint(write, `re and after"}`)
		write.Close()
		if r := <-done; r.err != nil || r.status != http.StatusCreated {
			t.Fatalf("the request in flight: %+v", r)
		}
		s.stop(t)

		again := start(t, options{database: database, dataDir: s.dataDir})
		a := again.want(t, 200, call{method: "GET", path: base + "/classes/crates/objects/", key: accountKey})
		rows, _ := a.object["objects"].([]any)
		if len(rows) != 1 || text(rows[0], "label") != "sent before and after" {
			t.Errorf("what was in flight was lost: %s", a)
		}
	})
}

// TestStoppingIsQuickWhenNothingIsInFlight shows that an idle connection delays nothing.
func TestStoppingIsQuickWhenNothingIsInFlight(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	s.want(t, 200, call{method: "GET", path: "/healthz"}) // leaves an idle connection
	began := time.Now()
	s.stop(t)
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("it took %v", took)
	}
}

// TestOtherOrigins shows that scripts of any web site may use the API, read its refusals, and know when to try again.
func TestOtherOrigins(t *testing.T) {
	t.Parallel()
	s := start(t, options{apply: rawAdmins})
	base := s.newInstance(t, "lambda")
	origin := map[string]string{"Origin": "https://app.example.org"}
	for name, c := range map[string]call{
		"an answer":            {method: "GET", path: base + "/", key: accountKey},
		"a refusal":            {method: "GET", path: base + "/"},
		"an unknown key":       {method: "GET", path: base + "/", key: strings.Repeat("3", 40)},
		"an unknown path":      {method: "GET", path: "/v1.1/nowhere/"},
		"an unknown instance":  {method: "GET", path: "/v1.1/instances/nowhere/users/"},
		"a wrong method":       {method: "DELETE", path: "/v1.1/account/", key: accountKey},
		"a body of no meaning": {method: "POST", path: base + "/users/", key: accountKey, body: []byte("{")},
	} {
		c.header = origin
		h := s.do(t, c).header
		if h.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(h.Get("Access-Control-Expose-Headers"), "Retry-After") || h.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: %v", name, h)
		}
	}
	if h := s.do(t, call{method: "GET", path: base + "/", key: accountKey}).header; h.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("without Origin: %v", h)
	}
	for _, path := range []string{base + "/users/", "/v1/instances/", "/v1.1/account/", base + "/classes/user_profile/objects/1/"} {
		preflight := call{method: "OPTIONS", path: path, header: map[string]string{"Origin": "https://app.example.org",
			"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "content-type, x-api-key, x-user-key"}}
		a := s.want(t, 200, preflight)
		h := a.header
		if len(a.bytes) != 0 || h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Access-Control-Max-Age") != "86400" {
			t.Errorf("preflight of %s: %v %s", path, h, a)
		}
		for name, wants := range map[string][]string{
			"Access-Control-Allow-Methods": {"DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT"},
			"Access-Control-Allow-Headers": {"accept", "authorization", "content-type", "x-api-key", "x-user-key"},
		} {
			for _, want := range wants {
				if !strings.Contains(h.Get(name), want) {
					t.Errorf("preflight of %s: %s: %s lacks %s", path, name, h.Get(name), want)
				}
			}
		}
	}
}

// TestBehindAProxy shows that addresses in answers are the public ones, and that only a trusted proxy is believed about the client.
func TestBehindAProxy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, trusted, client string }{
		{"a trusted one", "127.0.0.0/8", "203.0.113.9"},
		{"a stranger", "10.0.0.0/8", "127.0.0.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, options{apply: rawAdmins, args: []string{"--public-url", "https://api.example.com/", "--trusted-proxy", c.trusted}})
			base := s.newInstance(t, "kleinerslab")
			s.want(t, 201, call{method: "POST", path: base + "/classes/", key: accountKey, json: object{"name": "photos", "schema": []object{{"name": "file", "type": "file"}}}})
			photo := s.want(t, 201, call{method: "POST", path: base + "/classes/photos/objects/", key: accountKey,
				parts:  []part{{name: "file", filename: "lamarr.png", contentType: "image/png", bytes: []byte("hedy")}},
				header: map[string]string{"X-Forwarded-For": "203.0.113.9"}}).object
			path, ok := strings.CutPrefix(text(photo, "file", "value"), "https://api.example.com/")
			if !ok {
				t.Errorf("file at %s", text(photo, "file", "value"))
			}
			same(t, "file", string(s.want(t, 200, call{method: "GET", path: "/" + path}).bytes), "hedy")
			s.stop(t)
			line := s.log.from(base+`/classes/photos/objects/","status":201`, 1)
			if !strings.Contains(line, `"client":"`+c.client+`"`) {
				t.Errorf("the client should be %s: %s", c.client, line)
			}
		})
	}
}
