package native

import (
	"strconv"
	"testing"
	"time"
)

func TestTheFirstAdminIsMadeOnceByTheSetupTicket(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	secret, err := s.engine.SetupTicket(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ticket := secret.Reveal()
	const target = "/api/v1/setup"
	good := object{"ticket": ticket, "email": "Ann@Example.com", "password": "ten letter", "first_name": "Ann"}
	with := func(name string, value any) object {
		changed := object{}
		for k, v := range good {
			changed[k] = v
		}
		changed[name] = value
		return changed
	}
	s.refused(t, 400, "ticket", "POST", target, "", with("ticket", ""))
	s.refused(t, 401, "ticket", "POST", target, "", with("ticket", "guessed"))
	s.refused(t, 400, "password", "POST", target, "", with("password", "too short"))
	s.refused(t, 400, "email", "POST", target, "", with("email", "nobody"))
	s.refused(t, 400, "email", "POST", target, "", with("email", 7))

	made := s.want(t, 201, "POST", target, "", good)
	if text(made, "admin", "email") != "ann@example.com" || text(made, "admin", "first_name") != "Ann" {
		t.Errorf("%s", made.text)
	}
	if _, err := time.Parse(time.RFC3339, text(made, "admin", "created_at")); err != nil {
		t.Error(err)
	}
	s.want(t, 200, "GET", "/api/v1/admin", text(made, "account_key"), nil)
	s.refused(t, 401, "ticket", "POST", target, "", with("email", "bob@example.com"))

	login := s.want(t, 200, "POST", "/api/v1/admin/login", "", object{"login": "ann@example.com", "password": "ten letter"})
	if text(login, "account_key") != text(made, "account_key") {
		t.Error("login gives another account key")
	}
}

func TestARefusedLoginDoesNotSayWhy(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.newAdmin(t, "ann@example.com")
	said := map[string]bool{}
	for _, body := range []object{
		{"login": "ann@example.com", "password": "wrong"},
		{"login": "nobody@example.com", "password": "wrong"},
	} {
		a := s.want(t, 401, "POST", "/api/v1/admin/login", "", body)
		delete(a.object, "request_id")
		said[canonical(t, a.object)] = true
	}
	if len(said) != 1 {
		t.Errorf("%v", said)
	}
	s.refused(t, 400, "login", "POST", "/api/v1/admin/login", "", object{"password": "x"})
	s.refused(t, 400, "password", "POST", "/api/v1/admin/login", "", object{"login": "x"})
}

func TestAttemptsAreLimitedPerAddress(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for i := range attemptsPerMinute {
		targets := []string{"/api/v1/setup", "/api/v1/admin/login", "/api/v1/account/activate", "/api/v1/account/reset", "/api/v1/account/register"}
		target := targets[i%len(targets)]
		s.want(t, 400, "POST", target, "", object{})
	}
	a := s.want(t, 429, "POST", "/api/v1/admin/login", "", object{})
	wait, err := strconv.Atoi(a.header.Get("Retry-After"))
	if err != nil || wait < 1 || wait > 6 {
		t.Fatalf("Retry-After is %q", a.header.Get("Retry-After"))
	}
	s.want(t, 429, "POST", "/api/v1/account/reset", "", object{})
	s.clock = s.clock.Add(time.Duration(wait) * time.Second)
	s.want(t, 400, "POST", "/api/v1/admin/login", "", object{})
	s.want(t, 429, "POST", "/api/v1/setup", "", object{})
}

func TestARotatedAccountKeyIsDeadAtOnce(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	old := s.newAdmin(t, "ann@example.com")
	s.want(t, 200, "GET", "/api/v1/admin", old, nil)
	fresh := text(s.want(t, 200, "POST", "/api/v1/admin/key", old, nil), "account_key")
	s.want(t, 401, "GET", "/api/v1/admin", old, nil)
	s.want(t, 200, "GET", "/api/v1/admin", fresh, nil)
}
