package usergrid_test

import (
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"hecate"
	"hecate/internal/dialect/usergrid"
	"hecate/internal/engine"
	"hecate/internal/engine/enginetest"
	"hecate/internal/mail"
	"hecate/internal/store/storetest"
)

const (
	both    = hecate.AwaitsConfirmation | hecate.AwaitsApproval
	decider = "operator@x.io"
	orgs    = "/management/organizations"
)

// eachGate is an empty server on each database that asks that of those who register.
func eachGate(t *testing.T, asks engine.Admission, fn func(t *testing.T, o *office)) {
	t.Parallel()
	for _, name := range storetest.Engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fn(t, newGate(t, name, asks))
		})
	}
}

func newGate(t *testing.T, database string, asks engine.Admission) *office {
	t.Helper()
	asks.Operators = []string{decider}
	asks.Letters = func() engine.AdmissionLetters { return usergrid.AdmissionLetters("http://host") }
	s := &server{bound: map[string]string{}}
	s.House = enginetest.New(t, database, &s.post, func(c *engine.Config) { c.OpenRegistration, c.Admission = true, asks })
	s.engine, s.clock = s.Engine, s.Clock
	s.serve(t)
	return &office{server: s, t: t, callers: map[string]string{"": "", "service": operator}}
}

// register makes an organization and its owner, whose password is "s3cret".
func (o *office) register(org, owner string) (orgID, adminID string) {
	o.t.Helper()
	data := o.ask("", "POST", orgs, object{"organization": org, "username": owner, "email": owner + "@x.io", "password": "s3cret"}).did("new organization")["data"].(object)
	return data["organization"].(object)["uuid"].(string), data["owner"].(object)["uuid"].(string)
}

func (o *office) adminLogsIn(name, password string) answer {
	o.t.Helper()
	return o.ask("", "POST", "/management/token", object{"grant_type": "password", "username": name, "password": password})
}

// comesInAs logs an admin in, who may call then.
func (o *office) comesInAs(name string) answer {
	o.t.Helper()
	got := o.adminLogsIn(name, "s3cret")
	if got.status != 200 {
		o.t.Fatalf("answer %d %s", got.status, got.text)
	}
	o.callers[name] = "Bearer " + got.body["access_token"].(string)
	return got
}

// follow opens a link twice, which changes nothing, and sends its form; then the link is dead.
func (o *office) follow(l mail.Letter, asks, says string) {
	o.t.Helper()
	link := o.path(l)
	for range 2 {
		o.ask("", "GET", link, nil).page(asks, `<form method="post">`, `name="token" value="`+l.Secret.Reveal()+`"`)
	}
	page, _, _ := strings.Cut(link, "?")
	o.ask("", "POST", page, "token="+url.QueryEscape(l.Secret.Reveal())).page(says)
	o.ask("", "POST", link, nil).page(deadLink)
	o.ask("", "GET", link, nil).page(deadLink)
}

// subjects are those of the next n letters, with whom they go to, in order.
func (o *office) subjects(n int) (subjects []string, letters map[string]mail.Letter) {
	o.t.Helper()
	letters = map[string]mail.Letter{}
	for _, l := range o.next(n) {
		name := strings.ReplaceAll(l.Subject, "{address}", l.To) + " -> " + l.To
		subjects = append(subjects, name)
		letters[name] = l
	}
	slices.Sort(subjects)
	return subjects, letters
}

func (o *office) letterNamed(name string) mail.Letter {
	o.t.Helper()
	got, letters := o.subjects(1)
	if got[0] != name {
		o.t.Fatalf("letter %q, want %q", got[0], name)
	}
	return letters[name]
}

func TestAnAdminWhoMustConfirmHisAddress(t *testing.T) {
	eachGate(t, engine.Admission{Admins: hecate.AwaitsConfirmation}, func(t *testing.T, o *office) {
		data := o.ask("", "POST", "/management/users", object{"username": "ada", "email": "ada@x.io", "password": "s3cret"}).did("create user")["data"].(object)
		if u := data["user"].(object); u["activated"] != false || u["confirmed"] != false {
			t.Errorf("user %v", u)
		}
		own := o.letterNamed("User Account Confirmation: ada@x.io -> ada@x.io")
		got := o.adminLogsIn("ada", "s3cret")
		got.fails(403, "invalid_grant")
		if got.body["error_description"] != "User must be confirmed to authenticate" || len(got.body) != 2 {
			t.Errorf("answer %s", got.text)
		}
		o.adminLogsIn("ada", "wrong").fails(400, "invalid_grant") // whoever does not know the password learns nothing of it
		o.ask("", "GET", "/management/users/ada/reactivate", nil).ok2()
		again := o.letterNamed("User Account Confirmation: ada@x.io -> ada@x.io")
		o.ask("", "POST", o.path(own), nil).page(deadLink)
		o.follow(again, "Confirm that ada@x.io is the address of your account?", "The account ada@x.io has been activated.")
		if got, _ := o.subjects(2); !slices.Equal(got, []string{"New User Account Activated ada@x.io -> " + decider, "User Account Activated -> ada@x.io"}) {
			t.Errorf("letters %q", got)
		}
		if u := o.comesInAs("ada").body["user"].(object); u["activated"] != true || u["confirmed"] != true {
			t.Errorf("user %v", u)
		}
		// A new address has to be confirmed again, and an old token knows it at once.
		o.ask("ada", "PUT", "/management/users/ada", object{"email": "ada@y.io"}).did("update user info")
		o.next(2)
		o.ask("ada", "GET", "/management/users/ada", nil).fails(403, "invalid_grant")
		o.adminLogsIn("ada", "s3cret").fails(403, "invalid_grant")
		// The operator needs no letter.
		o.ask("service", "PUT", "/management/users/ada", object{"activated": true}).did("update user info")
		o.ask("ada", "GET", "/management/users/ada", nil).did("get admin user")
	})
}

func TestAnAdminWhoMustBeApproved(t *testing.T) {
	eachGate(t, engine.Admission{Admins: hecate.AwaitsApproval}, func(t *testing.T, o *office) {
		_, id := o.register("acme", "ada")
		got, letters := o.subjects(2)
		ask := "Request For Admin User Account Activation ada@x.io -> " + decider
		if !slices.Equal(got, []string{ask, "User Account Confirmation: ada@x.io -> ada@x.io"}) {
			t.Fatalf("letters %q", got)
		}
		if !strings.HasPrefix(o.path(letters[ask]), "/management/users/"+id+"/activate?token=") {
			t.Errorf("link %s", o.path(letters[ask]))
		}
		o.adminLogsIn("ada", "s3cret").fails(400, "auth_unactivated_admin")
		o.adminLogsIn("ada", "wrong").fails(400, "invalid_grant")
		// His own link proves his address; it lets him in by no page.
		o.follow(letters["User Account Confirmation: ada@x.io -> ada@x.io"], "Confirm that ada@x.io", "You will get an email")
		o.adminLogsIn("ada", "s3cret").fails(400, "auth_unactivated_admin")
		// The link that approves him is none of another's, and confirms nothing.
		o.register("other", "eve")
		_, eves := o.subjects(2)
		token := "?token=" + url.QueryEscape(letters[ask].Secret.Reveal())
		for _, page := range []string{"/management/users/eve/activate", "/management/users/ada/confirm", "/management/users/nobody/activate"} {
			o.ask("", "POST", page+token, nil).page(deadLink)
		}
		eve := url.QueryEscape(eves["Request For Admin User Account Activation eve@x.io -> "+decider].Secret.Reveal())
		o.ask("", "POST", "/management/users/ada/activate?token="+eve, nil).page(deadLink)
		o.ask("", "GET", "/management/users/ada/resetpw"+token, nil).page(emailField)
		o.ask("", "GET", "/management/users/ada/reactivate", nil).ok2() // asked less than an hour ago
		o.none()
		o.clock.Advance(2 * 3600e9)
		o.ask("", "GET", "/management/users/ada/reactivate", nil).ok2()
		again := o.letterNamed(ask)
		o.ask("", "POST", o.path(letters[ask]), nil).page(deadLink)
		o.follow(again, "Activate the account ada@x.io?", "The account ada@x.io has been activated.")
		if got, _ := o.subjects(2); !slices.Equal(got, []string{"New User Account Activated ada@x.io -> " + decider, "User Account Activated -> ada@x.io"}) {
			t.Errorf("letters %q", got)
		}
		o.comesInAs("ada")
		o.ask("ada", "GET", orgs+"/acme", nil).did("get")
		// Nobody but the operator lets anybody in.
		o.ask("ada", "PUT", "/management/users/eve", object{"activated": true}).fails(401, "unauthorized")
		o.adminLogsIn("eve", "s3cret").fails(400, "auth_unactivated_admin")
		// Who is a member of an organization speaks for people.
		o.ask("ada", "POST", orgs+"/acme/users?invite=false", object{"email": "bob@x.io", "username": "bob", "password": "s3cret"}).did("create user")
		o.letterNamed("User Account Confirmation: bob@x.io -> bob@x.io")
		o.comesInAs("bob")
		o.ask("bob", "PUT", "/management/users/bob", object{"activated": false, "disabled": true}).did("update user info") // not his to say
		o.ask("bob", "GET", "/management/users/bob", nil).did("get admin user")
		// The operator shuts him out.
		o.ask("service", "PUT", "/management/users/bob", object{"disabled": true}).did("update user info")
		if got := o.ask("bob", "GET", "/management/users/bob", nil); got.status != 401 {
			t.Errorf("answer %d %s", got.status, got.text)
		}
		o.adminLogsIn("bob", "s3cret").fails(400, "auth_disabled_admin")
		o.adminLogsIn("bob", "wrong").fails(400, "invalid_grant")
		o.ask("service", "PUT", "/management/users/bob", object{"disabled": false}).did("update user info")
		o.comesInAs("bob")
	})
}

func TestAnAdminWhoMustConfirmAndBeApproved(t *testing.T) {
	eachGate(t, engine.Admission{Admins: both}, func(t *testing.T, o *office) {
		o.register("acme", "ada")
		own := o.letterNamed("User Account Confirmation: ada@x.io -> ada@x.io")
		o.adminLogsIn("ada", "s3cret").fails(403, "invalid_grant")
		o.follow(own, "Confirm that ada@x.io", "The address ada@x.io has been confirmed. You will get an email")
		got, letters := o.subjects(2)
		ask := "Request For Admin User Account Activation ada@x.io -> " + decider
		if !slices.Equal(got, []string{ask, "User Account Confirmed -> ada@x.io"}) {
			t.Fatalf("letters %q", got)
		}
		o.adminLogsIn("ada", "s3cret").fails(400, "auth_unactivated_admin")
		o.follow(letters[ask], "Activate the account ada@x.io?", "has been activated")
		o.next(2)
		o.comesInAs("ada")
	})
}

func TestAnOrganizationThatWaits(t *testing.T) {
	eachGate(t, engine.Admission{Orgs: both}, func(t *testing.T, o *office) {
		acme, _ := o.register("acme", "ada")
		got, letters := o.subjects(2)
		confirm := "Organization Account Confirmation -> ada@x.io"
		if !slices.Equal(got, []string{confirm, "User Account Confirmation: ada@x.io -> ada@x.io"}) {
			t.Fatalf("letters %q", got)
		}
		if !strings.HasPrefix(o.path(letters[confirm]), "/management/organizations/"+acme+"/confirm?token=") {
			t.Errorf("link %s", o.path(letters[confirm]))
		}
		// Its members come in, and see that it waits.
		user := o.comesInAs("ada").body["user"].(object)
		if org := user["organizations"].(object)["acme"].(object); org["activated"] != false {
			t.Errorf("organization %v", org)
		}
		credentials := o.ask("service", "GET", orgs+"/acme/credentials", nil).ok2()["credentials"].(object)
		apps := o.ask("service", "GET", orgs+"/acme/applications/sandbox/credentials", nil).ok2()["credentials"].(object)
		app := o.ask("service", "GET", orgs+"/acme/applications", nil).ok2()["data"].(object)["acme/sandbox"].(string)
		o.ask("service", "POST", "/acme/sandbox/users", object{"username": "john", "password": "testpw"}).one()
		shut := func() {
			t.Helper()
			for _, c := range [][3]string{
				{"ada", "GET", orgs + "/acme"}, {"ada", "PUT", orgs + "/acme"}, {"ada", "GET", orgs + "/" + acme}, {"ada", "GET", orgs + "/acme/users"},
				{"ada", "POST", orgs + "/acme/users"}, {"ada", "GET", orgs + "/acme/credentials"}, {"ada", "POST", orgs + "/acme/credentials"},
				{"ada", "GET", orgs + "/acme/applications"}, {"ada", "POST", orgs + "/acme/applications"}, {"ada", "GET", orgs + "/acme/applications/sandbox"},
				{"ada", "GET", orgs + "/acme/feed"}, {"ada", "GET", "/acme/sandbox/users"}, {"", "GET", "/acme/sandbox/users"}, {"", "GET", "/" + app + "/users"},
				{"", "POST", "/acme/sandbox/users"}, {"", "GET", "/acme/sandbox/users/resetpw"}, {"", "GET", "/acme/sandbox"},
			} {
				o.ask(c[0], c[1], c[2], object{"name": "more", "email": "zoe@x.io", "username": "zoe"}).fails(400, "auth_unactivated_organization")
			}
			o.ask("", "POST", "/acme/sandbox/token", object{"grant_type": "password", "username": "john", "password": "testpw"}).fails(400, "auth_unactivated_organization")
			for _, c := range []object{credentials, apps} {
				grant := object{"grant_type": "client_credentials", "client_id": c["client_id"], "client_secret": c["client_secret"]}
				o.ask("", "POST", "/management/token", grant).fails(400, "auth_unactivated_organization")
				o.ask("", "POST", "/acme/sandbox/token", grant).fails(400, "auth_unactivated_organization")
				grant["client_secret"] = "wrong"
				o.ask("", "POST", "/management/token", grant).fails(400, "invalid_grant")
			}
			query := "?client_id=" + credentials["client_id"].(string) + "&client_secret=" + credentials["client_secret"].(string)
			o.ask("", "GET", orgs+"/acme"+query, nil).fails(400, "auth_unactivated_organization")
		}
		shut()
		// A member cannot let it in, nor can a stranger learn of it.
		o.register("other", "eve")
		_, eves := o.subjects(2)
		o.comesInAs("eve")
		o.ask("eve", "GET", orgs+"/acme", nil).fails(401, "unauthorized")
		o.ask("eve", "GET", orgs+"/acme/reactivate", nil).fails(401, "unauthorized")
		o.ask("ada", "PUT", orgs+"/acme", object{"activated": true}).fails(400, "auth_unactivated_organization")
		// The link of one is none of another's, of another page or of an admin.
		token := "?token=" + url.QueryEscape(letters[confirm].Secret.Reveal())
		eve := "?token=" + url.QueryEscape(eves["Organization Account Confirmation -> eve@x.io"].Secret.Reveal())
		own := "?token=" + url.QueryEscape(letters["User Account Confirmation: ada@x.io -> ada@x.io"].Secret.Reveal())
		for _, page := range []string{"/acme/confirm" + eve, "/" + acme + "/confirm" + eve, "/" + acme + "/activate" + token, "/other/confirm" + token, "/" + acme + "/confirm" + own,
			"/" + acme + "/activate" + own, "/" + acme + "/confirm?token=x", "/" + acme + "/confirm"} {
			o.ask("", "GET", orgs+page, nil).page(deadLink)
			o.ask("", "POST", orgs+page, nil).page(deadLink)
		}
		o.ask("", "POST", "/management/users/ada/activate"+token, nil).page(deadLink)
		shut()
		// Members ask again; the newer letter ends the older one.
		o.ask("ada", "GET", orgs+"/acme/reactivate", nil).ok2()
		second := o.letterNamed(confirm)
		o.ask("", "POST", o.path(letters[confirm]), nil).page(deadLink)
		o.follow(second, "Confirm that you registered the organization acme?", "The organization acme has been confirmed. You will get an email")
		shut()
		got, letters = o.subjects(2)
		ask := "Request For Organization Account Activation acme -> " + decider
		if !slices.Equal(got, []string{"Organization Account Confirmed -> ada@x.io", ask}) {
			t.Fatalf("letters %q", got)
		}
		o.ask("ada", "GET", orgs+"/acme/reactivate", nil).ok2()
		o.none()
		o.follow(letters[ask], "Activate the organization acme?", "The organization acme has been activated.")
		o.letterNamed("Organization Account Activated: acme -> ada@x.io")
		o.ask("ada", "GET", orgs+"/acme", nil).did("get")
		o.token("/acme/sandbox/token", object{"grant_type": "password", "username": "john", "password": "testpw"})
		o.token("/management/token", object{"grant_type": "client_credentials", "client_id": credentials["client_id"], "client_secret": credentials["client_secret"]})
		o.ask("ada", "GET", orgs+"/acme/reactivate", nil).ok2()
		o.none()

		// One that an admin makes later waits too, and the operator lets it in without a letter.
		o.ask("ada", "POST", "/management/users/ada/organizations", object{"organization": "more"}).did("new organization for user")
		o.letterNamed(confirm)
		o.ask("ada", "GET", orgs+"/more", nil).fails(400, "auth_unactivated_organization")
		o.ask("service", "PUT", orgs+"/more", object{"activated": true}).did("put")
		o.letterNamed("Organization Account Activated: more -> ada@x.io")
		o.ask("ada", "GET", orgs+"/more", nil).did("get")
		// What the operator makes does not wait.
		o.ask("service", "POST", orgs, object{"organization": "own", "username": "zed", "email": "zed@x.io", "password": "s3cret"}).did("new organization")
		o.letterNamed("User Account Confirmation: zed@x.io -> zed@x.io")
		o.comesInAs("zed")
		o.ask("zed", "GET", orgs+"/own", nil).did("get")
	})
}

func TestALinkIsPressedManyTimesAtOnce(t *testing.T) {
	eachGate(t, engine.Admission{Orgs: hecate.AwaitsApproval, Admins: hecate.AwaitsApproval}, func(t *testing.T, o *office) {
		o.register("acme", "ada")
		_, letters := o.subjects(3)
		for _, ask := range []string{"Request For Organization Account Activation acme -> " + decider, "Request For Admin User Account Activation ada@x.io -> " + decider} {
			link := o.path(letters[ask])
			var wg sync.WaitGroup
			answers := make([]answer, 8)
			for i := range answers {
				wg.Go(func() { answers[i] = o.ask("", "POST", link, nil) })
			}
			wg.Wait()
			done := 0
			for _, a := range answers {
				if strings.Contains(a.text, "has been activated") {
					done++
				}
			}
			if done != 1 {
				t.Errorf("%d of the presses count", done)
			}
		}
		if got, _ := o.subjects(3); !slices.Equal(got, []string{
			"New User Account Activated ada@x.io -> " + decider, "Organization Account Activated: acme -> ada@x.io", "User Account Activated -> ada@x.io",
		}) {
			t.Errorf("letters %q", got)
		}
		o.comesInAs("ada")
	})
}
