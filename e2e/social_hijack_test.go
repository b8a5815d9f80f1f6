package e2e

import (
	"fmt"
	"net/url"
	"regexp"
	"testing"

	"hecate/internal/mail/mailtest"
)

// townSignUps make an account with a password, by the means of each dialect.
var townSignUps = map[string]func(name, address string) call{
	"syncano": func(_, address string) call {
		return call{method: "POST", path: "/v1.1/instances/town/users/", key: townKey, json: object{"username": address, "password": attackPassword}}
	},
	"usergrid": func(name, address string) call {
		return call{method: "POST", path: "/usergrid/labs/town/users", json: object{"username": name, "email": address, "password": attackPassword}}
	},
	"skygear": func(_, address string) call {
		return (*town)(nil).skygear("auth:signup", object{"auth_data": object{"email": address}, "password": attackPassword})
	},
}

// townLogins are the ways in with that password.
var townLogins = map[string]func(name string) call{
	"syncano": func(name string) call {
		return call{method: "POST", path: "/v1.1/instances/town/user/auth/", key: townKey, json: object{"username": name, "password": attackPassword}}
	},
	"usergrid": func(name string) call {
		return call{method: "POST", path: "/usergrid/labs/town/token", form: url.Values{"grant_type": {"password"}, "username": {name}, "password": {attackPassword}}}
	},
	"skygear": func(name string) call {
		return (*town)(nil).skygear("auth:login", object{"auth_data": object{"email": name}, "password": attackPassword})
	},
}

const attackPassword = "mallory knows this"

// TestWhoSignsUpWithSomebodysAddressGetsNothingOfHis plays the attack that lies in wait: the attacker signs up with the address of a
// victim, who later comes by a provider that vouches for that address. Through every pair of dialects.
func TestWhoSignsUpWithSomebodysAddressGetsNothingOfHis(t *testing.T) {
	t.Parallel()
	w := newTown(t, "")
	n := 1000
	for early, signUp := range townSignUps {
		for late, door := range townDoors {
			t.Run(early+" then "+late, func(t *testing.T) {
				n++
				address := fmt.Sprintf("victim%d@example.com", n)
				comes := door.enter(w, door.vouches, townToken(door.vouches, "good", fmt.Sprint(n), address))
				attacker := w.do(t, signUp(fmt.Sprint("mallory", n), address))
				if attacker.status >= 300 {
					t.Fatalf("the attacker: %s", attacker)
				}
				// Refused with a clear error; or let in, as somebody else, where the attacker's account has a name like the
				// address and no address.
				victim := w.do(t, comes)
				refused := victim.status >= 400 && victim.status < 500 && len(victim.bytes) > 0
				if !refused && (early != "syncano" || late == "syncano" || victim.status != 200) {
					t.Fatalf("the victim: %s", victim)
				}
				// The attacker's password leads to the attacker's account, wherever it leads at all.
				for dialect, login := range townLogins {
					a := w.do(t, login(address))
					switch {
					case early != "syncano" && a.status != 200:
						t.Errorf("%s: the attacker's own account: %s", dialect, a)
					case early == "syncano" && dialect == "skygear" && a.status < 400, // which was asked for the address
						early == "syncano" && dialect == "usergrid" && text(a.object, "user", "email") != "", // of the victim's account
						early == "syncano" && dialect == "syncano" && number(a.object, "id") != number(attacker.object, "id"):
						t.Errorf("%s: the attacker has become somebody else: %s", dialect, a)
					}
				}
				if early != "syncano" {
					if profiles := w.profiles(t, address); len(profiles) > 0 {
						t.Errorf("the attacker has the victim's identity: %v", profiles)
					}
				}
			})
		}
	}
	for dialect, door := range townDoors {
		t.Run("a victim who was first, "+dialect, func(t *testing.T) {
			n++
			address := fmt.Sprintf("first%d@example.com", n)
			comes := door.enter(w, door.vouches, townToken(door.vouches, "good", fmt.Sprint(n), address))
			victim := door.user(w.want(t, 200, comes))
			for early, signUp := range townSignUps {
				a := w.do(t, signUp(fmt.Sprint("mallory", n, early), address))
				if early != "syncano" && (a.status < 400 || a.status >= 500) {
					t.Errorf("%s: the address was free: %s", early, a)
				}
			}
			if again := door.user(w.want(t, 200, comes)); again != victim {
				t.Errorf("the victim is %s and was %s", again, victim)
			}
		})
	}
}

// profiles are what providers said of the user with that address and password.
func (w *town) profiles(t *testing.T, address string) object {
	t.Helper()
	login := w.want(t, 200, townLogins["skygear"](address))
	a := w.want(t, 200, w.skygear("sso:provider_profiles", object{"access_token": text(login.object, "result", "access_token")}))
	profiles, _ := at(a.object, "result").(map[string]any)
	return profiles
}

// verifyCode is the code of a letter about an address.
var verifyCode = regexp.MustCompile(`\b\d{6,8}\b`)

// TestAnAddressProvedOnBothSidesJoins is the other side: who has proved his address here comes by any provider that vouches for it, in
// each dialect, to the one account that he has.
func TestAnAddressProvedOnBothSidesJoins(t *testing.T) {
	t.Parallel()
	post := mailtest.Start(t, mailtest.Config{})
	w := newTown(t, "skygear: {verify: {keys: [email]}}", "--smtp-url", "smtp://"+post.Addr, "--mail-sender", mailSender)
	const address = "ada@example.com"
	made := w.want(t, 200, townSignUps["skygear"]("", address))
	id, token := text(made.object, "result", "user_id"), text(made.object, "result", "access_token")
	comes := func(condition, provider string) answer {
		return w.do(t, townDoors["skygear"].enter(w, provider, townToken(provider, condition, "7", address)))
	}
	if a := comes("good", "google"); number(a.object, "error", "code") != 109 {
		t.Fatalf("before the address was proved: %s", a)
	}
	w.want(t, 200, w.skygear("user:verify_request", object{"access_token": token, "args": object{"record_key": "email"}}))
	code := verifyCode.FindString(post.Wait(t, address, "").Text)
	w.want(t, 200, w.skygear("user:verify_code", object{"access_token": token, "args": object{"code": code}}))
	if a := comes("good", "facebook"); number(a.object, "error", "code") != 109 {
		t.Errorf("by a provider that does not vouch: %s", a)
	}
	for _, provider := range []string{"google", "github"} {
		if a := comes("good", provider); townDoors["skygear"].user(a) != id {
			t.Errorf("by %s: %s", provider, a)
		}
	}
	syncano := w.want(t, 200, townDoors["syncano"].enter(w, "github", townToken("github", "good", "7", "")))
	usergrid := w.want(t, 200, townDoors["usergrid"].enter(w, "pingident", townToken("pingident", "good", "", address)))
	if text(usergrid.object, "user", "uuid") != id || text(syncano.object, "username") != address {
		t.Errorf("somebody else: %s\n%s", syncano, usergrid)
	}
	w.want(t, 200, townLogins["skygear"](address)) // and his password is still his
	profiles := w.profiles(t, address)
	same(t, "who he is at each", []any{at(profiles, "google", "id"), at(profiles, "github", "login"), len(profiles)}, []any{"7", "ada", 3})
}
