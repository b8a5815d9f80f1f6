package usergrid_test

import "testing"

func TestAPINIsMailed(t *testing.T) {
	eachPostOffice(t, func(t *testing.T, o *office) {
		id := uuidOf(o.ask("", "POST", "/acme/sandbox/users", object{"username": "tom", "email": "tom@x.io", "password": "testpw", "pin": "1234"}).one())
		const users = "/acme/sandbox/users"
		pin := "1234"
		logs := func(pin string) int {
			return o.ask("", "POST", "/acme/sandbox/token", object{"grant_type": "pin", "username": "tom", "pin": pin}).status
		}
		if logs(pin) != 200 {
			t.Fatal("the pin of the sign-up does not count")
		}
		for _, c := range []struct {
			method, path string
			body         any
		}{
			{"GET", users + "/sendpin?email=tom@x.io", nil},
			{"POST", users + "/sendpin?email=tom@x.io", nil},
			{"POST", users + "/sendpin", "email=tom@x.io"},
			{"POST", users + "/sendpin", object{"email": "TOM@x.io"}},
			{"GET", users + "/tom/sendpin", nil},
			{"POST", users + "/tom/sendpin", object{}},
			{"POST", users + "/" + id + "/sendpin", nil},
			{"GET", users + "/tom@x.io/sendpin", nil},
		} {
			got := o.ask("", c.method, c.path, c.body).ok2()
			if got["action"] != "retrieve user pin" || len(got) != 3 {
				t.Errorf("%s %s: %v", c.method, c.path, got)
			}
			next := o.letter("Your app pin", "tom@x.io").Secret.Reveal()
			if logs(next) != 200 || pin == "1234" && logs(pin) != 400 { // wrong ones are counted
				t.Errorf("%s %s: the new pin does not count alone", c.method, c.path)
			}
			pin = next
		}
		o.ask("", "GET", users+"/sendpin", nil).says(400, "illegal_argument", "email is required")
		for _, path := range []string{"/sendpin?email=nobody@x.io", "/nobody/sendpin", "/john/sendpin"} { // john has no address
			o.ask("", "GET", users+path, nil).fails(404, "service_resource_not_found")
		}
		o.ask("", "GET", "/other/files/users/"+id+"/sendpin", nil).fails(404, "service_resource_not_found")
		o.none()
		// One that somebody sets is told to nobody.
		got := o.ask("app", "GET", users+"/tom/setpin?pin=4711", nil).ok2()
		if got["action"] != "set user pin" || logs("4711") != 200 || logs(pin) != 400 {
			t.Errorf("%v", got)
		}
		o.none()
	})
}
