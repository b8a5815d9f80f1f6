package e2e

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"hecate/internal/mail/mailtest"
)

// admissionLink is where a letter about an account or organization leads.
var admissionLink = regexp.MustCompile(`https?://\S+/usergrid/management/\S+\?token=\S+`)

// press follows the link of a letter as a person does: looks at the page, which changes nothing, and presses its button.
func (s *server) press(t *testing.T, m mailtest.Mail, asks, says string) {
	t.Helper()
	link := admissionLink.FindString(m.Text)
	at, err := url.Parse(link)
	if err != nil || link == "" {
		t.Fatalf("no link in\n%s", m.Text)
	}
	for range 2 {
		if a := s.want(t, 200, call{method: "GET", path: at.RequestURI()}); !strings.Contains(string(a.bytes), asks) {
			t.Errorf("the page does not ask %q: %s", asks, a)
		}
	}
	if a := s.want(t, 200, call{method: "POST", path: at.RequestURI()}); !strings.Contains(string(a.bytes), says) {
		t.Errorf("the page does not say %q: %s", says, a)
	}
	if a := s.want(t, 200, call{method: "POST", path: at.RequestURI()}); !strings.Contains(string(a.bytes), "invalid token") {
		t.Errorf("the link counts twice: %s", a)
	}
}

// TestARegisteredOrganizationIsConfirmedAndApproved takes an organization and its owner from registration to the first entity, by the letters
// that the flags ask for.
func TestARegisteredOrganizationIsConfirmedAndApproved(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		const operator, owner = "operator@example.org", "ada@example.com"
		post := mailtest.Start(t, mailtest.Config{})
		s := start(t, options{database: database, args: append(mailArgs("smtp://"+post.Addr),
			"--require-confirmation", "admins,organizations", "--require-approval", "admins", "--require-approval", "organizations", "--operator-mail", operator)})
		made := s.want(t, 200, call{method: "POST", path: "/usergrid/management/organizations", json: object{
			"organization": "acme", "username": "ada", "email": owner, "password": "s3cret pass"}})
		if at(made.object, "data", "owner", "activated") != false || at(made.object, "data", "owner", "confirmed") != false {
			t.Errorf("owner %s", made)
		}
		key := text(s.want(t, 201, call{method: "POST", path: "/v1.1/account/register/", json: object{"email": "gordon@example.com", "password": "gravity gun"}}).object, "account_key")
		login := func(status int, want string) {
			t.Helper()
			a := s.want(t, status, call{method: "POST", path: "/usergrid/management/token", json: object{"grant_type": "password", "username": "ada", "password": "s3cret pass"}})
			if got := text(a.object, "error"); got != want {
				t.Errorf("login: %s", a)
			}
			if status == 200 {
				return
			}
			for _, c := range []call{ // the same account by the other ways in
				{method: "POST", path: "/v1.1/account/auth/", json: object{"email": owner, "password": "s3cret pass"}},
				{method: "POST", path: "/api/v1/admin/login", json: object{"login": owner, "password": "s3cret pass"}},
			} {
				if a := s.do(t, c); a.status != 403 {
					t.Errorf("%s: %s", c.path, a)
				}
			}
		}
		login(403, "invalid_grant")
		s.press(t, post.Wait(t, owner, "User Account Confirmation: "+owner), "Confirm that", "has been confirmed. You will get an email")
		post.Wait(t, owner, "User Account Confirmed")
		login(400, "auth_unactivated_admin")
		s.press(t, post.Wait(t, operator, "Request For Admin User Account Activation "+owner), "Activate the account", "has been activated")
		post.Wait(t, owner, "User Account Activated")
		post.Wait(t, operator, "New User Account Activated "+owner)
		login(200, "")

		users := call{method: "GET", path: "/usergrid/acme/sandbox/users"}
		if a := s.want(t, 400, users); text(a.object, "error") != "auth_unactivated_organization" {
			t.Errorf("%s", a)
		}
		s.press(t, post.Wait(t, owner, "Organization Account Confirmation"), "Confirm that you registered", "has been confirmed. You will get an email")
		post.Wait(t, owner, "Organization Account Confirmed")
		s.want(t, 400, users)
		s.press(t, post.Wait(t, operator, "Request For Organization Account Activation acme"), "Activate the organization", "has been activated")
		post.Wait(t, owner, "Organization Account Activated: acme")
		s.want(t, 200, users)
		s.want(t, 200, call{method: "POST", path: "/usergrid/acme/sandbox/books", json: object{"title": "Ulysses"}})

		// An account key that was shown at registration opens nothing before its account may act.
		s.want(t, 403, call{method: "GET", path: "/v1.1/account/?api_key=" + url.QueryEscape(key)})
	})
}

// TestWhatApprovalNeeds is about flags that cannot work.
func TestWhatApprovalNeeds(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--require-approval", "admins"}, {"--require-confirmation", "users"}, {"--require-approval", "admins", "--operator-mail", "nobody"},
	} {
		if s, err := tryStart(t, options{args: args}); err == nil {
			s.kill()
			t.Errorf("%q: it starts", args)
		}
	}
}
