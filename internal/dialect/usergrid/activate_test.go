package usergrid_test

import (
	"net/url"
	"strings"
	"testing"

	"hecate"
	"hecate/internal/mail"
)

const (
	saysActivated = "has been activated."
	saysConfirmed = "has been confirmed. You will get an email"
)

// signUp registers a user of books, whose application asks for what the flags say, and demands that he cannot come in yet.
func (o *office) signUp(t *testing.T, flags object) string {
	t.Helper()
	o.ask("ada", "PUT", "/acme/books", flags).one()
	got := o.ask("", "POST", "/acme/books/users", object{"username": "tom", "email": "tom@x.io", "password": "testpw", "activated": true}).one()
	if got["activated"] != false {
		t.Errorf("user %v", got)
	}
	o.stays(t, "tom")
	return uuidOf(got)
}

func (o *office) tomLogsIn() answer {
	return o.ask("", "POST", "/acme/books/token", object{"grant_type": "password", "username": "tom", "password": "testpw"})
}

// stays demands that a user is told that he is not activated: contracts/usergrid.md 2.3.
func (o *office) stays(t *testing.T, _ string) {
	t.Helper()
	got := o.tomLogsIn()
	if got.status != 400 || got.body["error"] != "invalid_grant" || got.body["error_description"] != "user not activated" || len(got.body) != 2 {
		t.Errorf("answer %d %s", got.status, got.text)
	}
}

func (o *office) comesIn(t *testing.T) {
	t.Helper()
	if got := o.tomLogsIn(); got.status != 200 {
		t.Errorf("answer %d %s", got.status, got.text)
	}
}

// twice opens a link, which changes nothing, and sends its form; the second time the link is dead.
func (o *office) twice(t *testing.T, l mail.Letter, asks, says string) {
	t.Helper()
	link := o.path(l)
	for range 2 {
		o.ask("", "GET", link, nil).page(asks, `<form method="post">`, `name="token" value="`+l.Secret.Reveal()+`"`)
	}
	o.stays(t, "tom")
	page, _, _ := strings.Cut(link, "?")
	o.ask("", "POST", page, "token="+url.QueryEscape(l.Secret.Reveal())).page(says)
	o.ask("", "POST", link, nil).page(deadLink)
	o.ask("", "GET", link, nil).page(deadLink)
}

func TestANewUserConfirmsHisAddress(t *testing.T) {
	eachPostOffice(t, func(t *testing.T, o *office) {
		id := o.signUp(t, object{"registration_requires_email_confirmation": true})
		first := o.letter("User Account Confirmation: {address}", "tom@x.io")
		if want := "/acme/books/users/" + id + "/confirm?token="; !strings.HasPrefix(o.path(first), want) {
			t.Errorf("link %s", o.path(first))
		}
		// A newer letter ends the older one.
		got := o.ask("", "GET", "/acme/books/users/tom/reactivate", nil)
		if got.status != 200 || got.body["action"] != "reactivate user" || len(got.body) != 3 {
			t.Errorf("answer %d %s", got.status, got.text)
		}
		second := o.letter("User Account Confirmation: {address}", "tom@x.io")
		o.ask("", "POST", o.path(first), nil).page(deadLink)
		// Elsewhere it is none.
		token := "?token=" + url.QueryEscape(second.Secret.Reveal())
		for _, other := range []string{"/acme/sandbox/users/john", "/other/files/users/" + id, "/acme/books/users/nobody"} {
			for _, page := range []string{"/confirm", "/activate"} {
				o.ask("", "GET", other+page+token, nil).page(deadLink)
				o.ask("", "POST", other+page+token, nil).page(deadLink)
			}
		}
		o.ask("", "GET", "/acme/books/users/"+id+"/resetpw"+token, nil).page(emailField)
		o.twice(t, second, "Confirm that tom@x.io is the address of your account?", "tom@x.io "+saysActivated)
		o.letter("User Account Activated", "tom@x.io")
		o.comesIn(t)

		// An active user has nothing to wait for, and one whom an admin took out of use does not let himself in again.
		o.ask("", "GET", "/acme/books/users/tom/reactivate", nil).ok2()
		o.ask("ada", "POST", "/acme/books/users/tom/deactivate", nil).one()
		o.ask("", "GET", "/acme/books/users/tom/reactivate", nil).ok2()
		o.none()
		o.stays(t, "tom")
		o.ask("", "GET", "/acme/books/users/nobody/reactivate", nil).fails(404, "service_resource_not_found")
	})
}

func TestANewUserIsApproved(t *testing.T) {
	eachPostOffice(t, func(t *testing.T, o *office) {
		o.ask("ada", "POST", "/management/organizations/acme/users?invite=false", object{"email": "bob@x.io", "username": "bob", "password": "s3cret"}).did("create user")
		o.letter("User Account Confirmation: {address}", "bob@x.io")
		id := o.signUp(t, object{"registration_requires_admin_approval": "true"})
		asked := o.next(2)
		for i, to := range []string{"ada@x.io", "bob@x.io"} {
			if l := asked[i]; l.To != to || l.Subject != "Request For User Account Activation tom@x.io" || l.Fields["user"] != "tom" ||
				!strings.HasPrefix(o.path(l), "/acme/books/users/"+id+"/activate?token=") {
				t.Errorf("%+v", l)
			}
		}
		o.twice(t, asked[1], "Activate the account tom?", "The account tom "+saysActivated)
		o.ask("", "POST", o.path(asked[0]), nil).page(deadLink)
		o.letter("User Account Activated", "tom@x.io")
		o.comesIn(t)
	})
}

func TestANewUserConfirmsAndIsApproved(t *testing.T) {
	eachPostOffice(t, func(t *testing.T, o *office) {
		o.signUp(t, object{"registration_requires_email_confirmation": true, "registration_requires_admin_approval": true})
		own := o.letter("User Account Confirmation: {address}", "tom@x.io")
		if own.Name != "confirm" {
			t.Errorf("letter %s", own.Name)
		}
		// His own link lets him in by no page.
		page, query, _ := strings.Cut(o.path(own), "?")
		o.ask("", "POST", strings.TrimSuffix(page, "confirm")+"activate?"+query, nil).page(deadLink)
		o.twice(t, own, "Confirm that tom@x.io", saysConfirmed)
		o.stays(t, "tom")
		both := o.next(2)
		if both[0].Subject != "User Account Confirmed" || both[0].To != "tom@x.io" || both[1].To != "ada@x.io" {
			t.Fatalf("%+v", both)
		}
		o.ask("", "GET", "/acme/books/users/tom/reactivate", nil).ok2()
		again := o.letter("Request For User Account Activation tom@x.io", "ada@x.io")
		o.ask("", "POST", o.path(both[1]), nil).page(deadLink)
		o.twice(t, again, "Activate the account tom?", saysActivated)
		o.letter("User Account Activated", "tom@x.io")
		o.comesIn(t)
	})
}

func TestWithoutFlagsNewUsersAreActiveAndGetNoLetter(t *testing.T) {
	eachPostOffice(t, func(t *testing.T, o *office) {
		o.ask("", "POST", "/acme/books/users", object{"username": "tom", "email": "tom@x.io", "password": "testpw"}).one()
		o.none()
		o.comesIn(t)
		// Whoever manages the application decides himself.
		o.ask("ada", "PUT", "/acme/books", object{"registration_requires_email_confirmation": true}).one()
		got := o.ask("ada", "POST", "/acme/books/users", object{"username": "zoe", "email": "zoe@x.io", "activated": true}).one()
		if got["activated"] != true {
			t.Errorf("user %v", got)
		}
		o.none()
	})
}

func TestTheOperatorsOwnPages(t *testing.T) {
	eachPostOffice(t, func(t *testing.T, o *office) {
		o.ask("", "POST", "/acme/sandbox/users", object{"username": "tom", "email": "tom@x.io", "password": "testpw"}).one()
		for own, want := range map[string]string{
			"https://acme.example/reset":                          "https://acme.example/reset?user=USER&token=TICKET",
			"https://acme.example/?page=reset":                    "https://acme.example/?page=reset&user=USER&token=TICKET",
			"https://acme.example/u/{user}/reset?ticket={ticket}": "https://acme.example/u/USER/reset?ticket=TICKET",
		} {
			o.settings("sandbox", func(s *hecate.Settings) {
				s.Dialects = map[string]map[string]any{"usergrid": {"pages": map[string]any{"resetpw": own}}}
			})
			o.ask("", "POST", "/acme/sandbox/users/resetpw", "email=tom").page(saysSent)
			l := o.letter("Password Reset", "tom@x.io")
			id := uuidOf(o.ask("app", "GET", "/acme/sandbox/users/tom", nil).one())
			want = strings.NewReplacer("USER", id, "TICKET", url.QueryEscape(l.Secret.Reveal())).Replace(want)
			if l.Link.Reveal() != want {
				t.Errorf("link %s, want %s", l.Link.Reveal(), want)
			}
			// Its form may be sent here.
			o.ask("", "POST", "/acme/sandbox/users/"+id+"/resetpw", "token="+url.QueryEscape(l.Secret.Reveal())+"&password1=testpw&password2=testpw").page(saysSet)
		}
	})
}

func TestAnAdminConfirmsHisAddress(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		both := o.next(2)
		if both[0].To != "ada@x.io" || both[0].Subject != "User Account Confirmation: {address}" {
			t.Fatalf("%+v", both[0])
		}
		for range 2 { // only who is not confirmed gets another letter, and nobody hears it
			o.ask("", "GET", "/management/users/ada/reactivate", nil).ok2()
			o.ask("", "GET", "/management/users/nobody/reactivate", nil).ok2()
		}
		again := o.next(2)
		o.ask("", "GET", o.path(both[0]), nil).page(deadLink)
		o.ask("", "GET", o.path(again[0]), nil).page(deadLink)
		link := o.path(again[1])
		if !strings.HasPrefix(link, "/management/users/"+o.bound["<ADA>"]+"/confirm?token=") {
			t.Errorf("link %s", link)
		}
		page, query, _ := strings.Cut(link, "?")
		o.ask("", "POST", "/management/users/eve/confirm?"+query, nil).page(deadLink)
		o.ask("", "POST", "/management/users/nobody/confirm?"+query, nil).page(deadLink)
		o.ask("", "GET", strings.TrimSuffix(page, "confirm")+"resetpw?"+query, nil).page(emailField)
		o.ask("", "GET", strings.TrimSuffix(page, "confirm")+"activate?"+query, nil).page("Activate the account ada@x.io?")
		o.ask("", "GET", link, nil).page("Confirm that ada@x.io is the address of your account?")
		o.ask("", "POST", link, nil).page("ada@x.io " + saysActivated)
		o.letter("User Account Activated", "ada@x.io")
		o.ask("", "POST", link, nil).page(deadLink)
		o.ask("", "GET", "/management/users/ada/reactivate", nil).ok2()
		o.none()
	})
}

func TestNewMembersOfAnOrganizationAreTold(t *testing.T) {
	eachPostOffice(t, func(t *testing.T, o *office) {
		const users = "/management/organizations/acme/users"
		o.ask("ada", "POST", users, object{"email": "bob@x.io", "username": "bob"}).did("create user")
		both := o.next(2)
		if both[0].Subject != "User Account Confirmation: {address}" || both[1].Subject != "User Invited To Organization" || both[1].Fields["org"] != "acme" ||
			both[1].Fields["inviter"] != "Ada" {
			t.Errorf("%+v", both)
		}
		o.ask("ada", "POST", users, object{"email": "eve@x.io"}).did("create user")
		o.letter("User Invited To Organization", "eve@x.io")
		o.ask("ada", "POST", users, object{"email": "eve@x.io"}).did("create user") // she is one
		o.none()
		// Bob has no password yet: he chooses one by mail.
		o.ask("", "POST", "/management/users/resetpw", "email=bob").page(saysSent)
		o.ask("", "POST", o.path(o.letter("Password Reset", "bob@x.io")), "password1=bobs-own&password2=bobs-own").page(saysSet + "bob@x.io")
		o.token("/management/token", object{"grant_type": "password", "username": "bob", "password": "bobs-own"})
	})
}

func TestOrganizationsNeedNoActivation(t *testing.T) {
	eachPostOffice(t, func(t *testing.T, o *office) {
		for _, org := range []string{"acme", "nosuch"} {
			for _, page := range []string{"activate", "confirm"} {
				o.ask("", "GET", "/management/organizations/"+org+"/"+page+"?token=x", nil).page("active from the start")
			}
		}
		o.ask("ada", "GET", "/management/organizations/acme/reactivate", nil).ok2()
		o.ask("eve", "GET", "/management/organizations/acme/reactivate", nil).fails(401, "unauthorized")
		o.none()
	})
}
