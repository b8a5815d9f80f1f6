package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
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

// TestNobodyLearnsWhoHasAnAccount asks for accounts that there are and that there are not, in turn, in an app that hides which: status, body
// and time are alike.
func TestNobodyLearnsWhoHasAnAccount(t *testing.T) {
	t.Parallel()
	w := newTown(t, "hide_account_existence: true")
	address := func(kind string, i int) string { return fmt.Sprintf("%s%02d@example.com", kind, i) } // of one length
	for i := range enumerationSamples {
		w.want(t, 200, townSignUps["skygear"]("", address("some", i)))
	}
	for what, ask := range townQuestions { // one after the other: they would disturb each other's times
		t.Run(what, func(t *testing.T) {
			took := map[string][]time.Duration{}
			said := map[string]string{}
			for i := range enumerationSamples {
				kinds := []string{"some", "none"}
				rand.Shuffle(2, func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
				for _, kind := range kinds {
					began := time.Now()
					a := w.do(t, ask(address(kind, i)))
					took[kind] = append(took[kind], time.Since(began))
					text := strings.ReplaceAll(a.String(), address(kind, i), "ADDRESS")
					if before, ok := said[kind]; ok && before != text {
						t.Fatalf("%s: first %s, then %s", kind, before, text)
					}
					said[kind] = text
				}
			}
			if said["some"] != said["none"] {
				t.Errorf("an account: %s\nno account: %s", said["some"], said["none"])
			}
			share, some, none := compared(took["some"], took["none"])
			t.Logf("an account: %v, no account: %v, the former is longer in %.0f %% of all pairs", some, none, 100*share)
			apart := max(some, none) - min(some, none)
			if (share > 0.5+enumerationShare || share < 0.5-enumerationShare) && float64(apart) > enumerationMedians*float64(min(some, none)) {
				t.Errorf("the times tell: an account %v, no account %v, %.0f %% of all pairs", some, none, 100*share)
			}
		})
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
