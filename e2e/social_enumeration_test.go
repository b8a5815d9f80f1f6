package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"hecate/internal/mail/mailtest"
)

// townQuestions are the calls by which somebody could find out who has an account.
var townQuestions = map[string]func(address string) call{
	"syncano, login": func(address string) call {
		return call{method: "POST", path: "/v1.1/instances/town/user/auth/", key: townKey, json: object{"username": address, "password": "wrong"}}
	},
	"usergrid, login": func(address string) call {
		return call{method: "POST", path: "/usergrid/labs/town/token", form: url.Values{"grant_type": {"password"}, "username": {address}, "password": {"wrong"}}}
	},
	"usergrid, forgot password": func(address string) call {
		return call{method: "POST", path: "/usergrid/labs/town/users/resetpw", form: url.Values{"email": {address}}}
	},
	"usergrid, change of a password": func(address string) call {
		return call{method: "POST", path: "/usergrid/labs/town/users/" + address + "/password", json: object{"oldpassword": "wrong", "newpassword": attackPassword}}
	},
	"usergrid, reading": func(address string) call { return call{method: "GET", path: "/usergrid/labs/town/users/" + address} },
	"usergrid, changing": func(address string) call {
		return call{method: "PUT", path: "/usergrid/labs/town/users/" + address, json: object{"username": "bee", "email": "bee@example.com"}}
	},
	"usergrid, end of a token": func(address string) call {
		return call{method: "PUT", path: "/usergrid/labs/town/users/" + address + "/revoketoken?token=YWMtnothing"}
	},
	"skygear, login": func(address string) call {
		return (*town)(nil).skygear("auth:login", object{"auth_data": object{"email": address}, "password": "wrong"})
	},
	"skygear, forgot password": func(address string) call {
		return (*town)(nil).skygear("user:forgot-password", object{"args": object{"email": address}})
	},
}

// The samples of each kind, and what is taken for a difference. With 24 samples of each kind that come from one source, the share of pairs
// of which the first took longer leaves 0.5 by 0.35 once in 30,000 runs.
const (
	enumerationSamples = 24
	enumerationShare   = 0.35
	enumerationMedians = 0.10 // of the smaller one: less cannot be told from what a cache does
)

// hiddenTown is an app that hides who has an account, with mail and accounts of its own: someNN@example.com, called someNN.
func hiddenTown(t *testing.T, args ...string) *town {
	t.Helper()
	app := newUsergridApp("labs", "town")
	var users strings.Builder
	for i := range enumerationSamples {
		fmt.Fprintf(&users, "{username: some%02d, email: %s, password: %q}, ", i, townAddress("some", i), attackPassword)
	}
	return &town{start(t, options{args: args, apply: fmt.Sprintf(`orgs:
  - {name: labs}
apps:
  - org: labs
    name: town
    alias: town
    client_id: %s
    client_secret: %s
    keys: [{name: client, key: %s, allow_user_create: true}]
    users: [%s]
    settings: {hide_account_existence: true, confirm_sign_ups: true, skygear: {auth_record_keys: [[username], [email]]}}
`, app.id, app.secret, townKey, users.String())})}
}

// townAddress is an address, all of one length.
func townAddress(kind string, i int) string { return fmt.Sprintf("%s%02d@example.com", kind, i) }

// TestNobodyLearnsWhoHasAnAccount asks for accounts that there are and that there are not, in turn, in an app that hides which: status, headers, body
// and time are alike.
func TestNobodyLearnsWhoHasAnAccount(t *testing.T) {
	t.Parallel()
	w := hiddenTown(t)
	for what, ask := range townQuestions { // one after the other: they would disturb each other's times
		t.Run(what, func(t *testing.T) {
			answersAlike(t, w, "some", "none", func(kind string, i int) (call, []string) {
				return ask(townAddress(kind, i)), []string{townAddress(kind, i)}
			})
		})
	}
	for what, signUp := range townJoins {
		for kind, names := range townTaken {
			t.Run(what+", sign up, "+kind, func(t *testing.T) {
				answersAlike(t, w, "known", "fresh", func(one string, i int) (call, []string) {
					name, address := fmt.Sprintf("free%02d", i), fmt.Sprintf("%s%02d@%s.example.com", one, i, kind[:3])
					if one == "known" {
						name, address = names(name, address, i)
					}
					return signUp(name, address), []string{name, address}
				})
			})
		}
	}
}

// townJoins sign somebody up by name and address.
var townJoins = map[string]func(name, address string) call{
	"syncano": func(name, address string) call {
		return call{method: "POST", path: "/v1.1/instances/town/users/", key: townKey, json: object{"username": name, "email": address, "password": attackPassword}}
	},
	"usergrid": func(name, address string) call {
		return call{method: "POST", path: "/usergrid/labs/town/users", json: object{"username": name, "email": address, "password": attackPassword, "city": "17"}}
	},
	"skygear": func(name, address string) call {
		names := object{"username": name}
		if address != "" {
			names["email"] = address
		}
		return (*town)(nil).skygear("auth:signup", object{"auth_data": names, "password": attackPassword, "profile": object{"city": "17"}})
	},
}

// townTaken are the names of which somebody has one.
var townTaken = map[string]func(name, address string, i int) (string, string){
	"address":  func(name, _ string, i int) (string, string) { return name, townAddress("some", i) },
	"username": func(_, address string, i int) (string, string) { return fmt.Sprintf("some%02d", i), address },
	"two of others": func(_, _ string, i int) (string, string) {
		return fmt.Sprintf("some%02d", i), townAddress("some", (i+1)%enumerationSamples)
	},
}

// TestWhoSignsUpHiddenComesInByHisLetter follows the letters of sign-ups in an app that hides who has an account, over a real mail server, and logs in
// through every dialect.
func TestWhoSignsUpHiddenComesInByHisLetter(t *testing.T) {
	t.Parallel()
	post := mailtest.Start(t, mailtest.Config{})
	w := hiddenTown(t, mailArgs("smtp://"+post.Addr)...)
	for dialect, signUp := range townJoins {
		t.Run(dialect, func(t *testing.T) {
			name, address := "new"+dialect, dialect+"@example.com"
			a := w.do(t, signUp(name, address))
			if a.status >= 300 {
				t.Fatal(a)
			}
			link := letterLink(t, post.Wait(t, address, "Confirm your address"))
			if !strings.HasPrefix(link.String(), w.url+"/api/v1/join/") {
				t.Fatalf("the letter leads to %s", link)
			}
			page := call{method: "GET", path: link.RequestURI()}
			for range 2 { // opening it changes nothing
				if a := w.want(t, 200, page); !strings.Contains(string(a.bytes), address) || !strings.Contains(string(a.bytes), `<form method="post">`) {
					t.Fatal(a)
				}
			}
			for _, login := range townLogins {
				if a := w.do(t, login(address)); a.status < 400 {
					t.Errorf("nobody has confirmed the address yet: %s", a)
				}
			}
			page.method = "POST"
			if a := w.want(t, 200, page); !strings.Contains(string(a.bytes), "The account "+address+" has been activated.") {
				t.Error(a)
			}
			for _, login := range townLogins {
				w.want(t, 200, login(address))
			}
			if a := w.want(t, 200, page); !strings.Contains(string(a.bytes), "This link is not valid.") {
				t.Error(a)
			}
			before := len(post.Mails())
			w.want(t, a.status, signUp("other"+dialect, address))
			m := post.Wait(t, address, "You have an account already")
			if linkInLetter.MatchString(m.Text) {
				t.Errorf("a link in %s", m.Text)
			}
			w.want(t, a.status, signUp(name, "other"+address))
			post.Wait(t, "other"+address, "Choose another username")
			if n := len(post.Mails()) - before; n != 2 {
				t.Errorf("%d letters", n)
			}
			if !strings.Contains(w.want(t, 400, signUp(name, "")).String(), "email") {
				t.Error("a sign-up without an address is not refused for that")
			}
		})
	}
}

// Whatever differs between any two answers to a sign-up.
var (
	townRandom = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32,}|"access_token":"[^"]+"`)
	townNumber = regexp.MustCompile(`[0-9]+`)
	townTimes  = regexp.MustCompile(`\.[0-9]+Z`)
)

// said is an answer without what differs between any two: what was sent, times, ids and random texts.
func said(a answer, sent []string) string {
	h := a.header.Clone()
	for _, name := range []string{"Date", "Content-Length", "X-Request-Id"} { // the length is that of numbers
		h.Del(name)
	}
	text := fmt.Sprintf("%s\n%v", a, h)
	for i, value := range sent {
		text = strings.ReplaceAll(text, value, fmt.Sprintf("SENT%c", 'A'+i))
	}
	text = townRandom.ReplaceAllString(townTimes.ReplaceAllString(text, "Z"), "RANDOM")
	return townNumber.ReplaceAllString(text, "N")
}

// answersAlike fails the test where one kind of call can be told from the other by status, headers, body or time. ask gives the i-th call of a kind, and
// what it sends.
func answersAlike(t *testing.T, w *town, one, other string, ask func(kind string, i int) (call, []string)) {
	t.Helper()
	took := map[string][]time.Duration{}
	answers := map[string]string{}
	for i := range enumerationSamples {
		kinds := []string{one, other}
		rand.Shuffle(2, func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
		for _, kind := range kinds {
			c, sent := ask(kind, i)
			began := time.Now()
			a := w.do(t, c)
			took[kind] = append(took[kind], time.Since(began))
			text := said(a, sent)
			if before, ok := answers[kind]; ok && before != text {
				t.Fatalf("%s: first %s, then %s", kind, before, text)
			}
			answers[kind] = text
		}
	}
	if answers[one] != answers[other] {
		t.Errorf("%s: %s\n%s: %s", one, answers[one], other, answers[other])
	}
	share, some, none := compared(took[one], took[other])
	t.Logf("%s: %v, %s: %v, the former is longer in %.0f %% of all pairs", one, some, other, none, 100*share)
	apart := max(some, none) - min(some, none)
	if (share > 0.5+enumerationShare || share < 0.5-enumerationShare) && float64(apart) > enumerationMedians*float64(min(some, none)) {
		t.Errorf("the times tell: %s %v, %s %v, %.0f %% of all pairs", one, some, other, none, 100*share)
	}
}

// compared gives the share of all pairs of which the first is larger (Mann and Whitney's U), and both medians.
func compared(a, b []time.Duration) (share float64, medianA, medianB time.Duration) {
	larger := 0.0
	for _, x := range a {
		for _, y := range b {
			switch {
			case x > y:
				larger++
			case x == y:
				larger += 0.5
			}
		}
	}
	slices.Sort(a)
	slices.Sort(b)
	return larger / float64(len(a)*len(b)), a[len(a)/2], b[len(b)/2]
}
