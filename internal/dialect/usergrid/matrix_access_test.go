package usergrid_test

import (
	"slices"
	"strings"
	"testing"

	"hecate/internal/dialect/usergrid"
	"hecate/internal/store/storetest"
)

// Who may do what, on every route: contracts/usergrid.md 3.1, 8.2, and sections 7 to 10 for single routes.
//
// A row is a route, the path that is asked for where it is not the route's own, the body, and what each of the callers is answered, in
// their order:
//
//	+ 200   > 302, 303, 307   u 401   f 403   n 404   b 400   m 405   x 501
//
// Everything that a row speaks of is made for one caller alone, in the application in which he calls: {user} is somebody else, "me" the
// caller; his own things were made by nobody. Users who are members of {group} and hold {role} are so before the request.

// callers are who calls, in groups as they stand in the rows, and how a refused one is answered.
var callers = [][]caller{
	{ // as users: by the role policy
		{"a guest", "books", "unauthorized"}, {"a guest of a sandbox", "sandbox", "unauthorized"}, {"a user", "books", "unauthorized"},
		{"a reviewer", "narrow", "unauthorized"},
	},
	{ // who manage the application
		{"its client's token", "books", "unauthorized"}, {"its client by Basic", "books", "unauthorized"}, {"its organization's client", "books", "unauthorized"},
		{"an admin of its organization", "books", "unauthorized"}, {"the service admin", "books", "unauthorized"},
	},
	{ // strangers
		{"a user of another application", "books", "auth_invalid"}, {"the client of another application", "books", "auth_invalid"},
		{"the client of another organization", "books", "auth_invalid"}, {"an admin of another organization", "books", "unauthorized"},
	},
	{ // credentials that do not count any more, or never did
		{"a disabled user", "books", "auth_invalid"}, {"an expired token", "books", "expired_token"}, {"a revoked token", "books", "auth_invalid"},
		{"garbage", "books", "auth_bad_access_token"},
	},
}

type caller struct{ name, app, code string }

// credentials are those of a caller; renewed makes them anew for who is somebody, whose things the request may end.
func (h *hall) credentials(who string, renewed bool) string {
	switch who {
	case "a guest", "a guest of a sandbox":
		return ""
	case "a user", "a reviewer":
		return h.tokenOf(who, renewed)
	case "an admin of its organization":
		if renewed {
			_, token := h.newAdmin(h.acme)
			return token
		}
		return h.tokens["admin"]
	case "an admin of another organization":
		if renewed {
			_, token := h.newAdmin(h.other)
			return token
		}
	case "its client by Basic":
		return basicOf(h.clientOf("books"))
	}
	return h.tokens[map[string]string{
		"its client's token": "client", "its organization's client": "org client", "the service admin": "service admin",
		"a user of another application": "another user", "the client of another application": "another client",
		"the client of another organization": "another org client", "an admin of another organization": "another admin",
		"a disabled user": "disabled", "an expired token": "expired", "a revoked token": "revoked", "garbage": "garbage",
	}[who]]
}

// tokenOf is the token of a user, or of one who holds the role reviewer.
func (h *hall) tokenOf(who string, renewed bool) string {
	if token := h.tokens[who]; token != "" && !renewed {
		return token
	}
	app := map[string]string{"a user": "books", "a reviewer": "narrow"}[who]
	name, token := h.newUser(app, "")
	if who == "a reviewer" {
		h.must(operator, "POST", "/acme/narrow/roles/reviewer/users/"+name, nil)
	}
	if !renewed {
		h.tokens[who] = token
	}
	return token
}

type row struct{ cells, route, path, body string }

// marks are the statuses of cells.
var marks = map[int]byte{200: '+', 302: '>', 303: '>', 307: '>', 401: 'u', 403: 'f', 404: 'n', 400: 'b', 405: 'm', 501: 'x'}

// asked is what a row asks of one caller, about things in s.
func (h *hall) asked(x row, who caller, s *scene, inside bool) (answer, string) {
	h.t.Helper()
	method, path, _ := strings.Cut(x.route, " ")
	if method == "ANY" {
		method = "GET"
	}
	if x.path != "" {
		path = x.path
	}
	if !inside {
		path = strings.NewReplacer("{user}", "{member}", "{app}", "{newapp}", "{org}", "acme").Replace(path)
	}
	as := h.credentials(who.name, strings.Contains(path, "/me"))
	s.said["mine"] = as[strings.Index(as, " ")+1:]
	if strings.HasPrefix(path, "/reviews") {
		s.said["collection"] = "reviews"
	}
	path, body := s.fill(path), s.fill(x.body)
	if inside {
		if !s.set {
			s.joined()
			s.set = true
		}
		path = h.at(who.app) + strings.TrimSuffix(path, "/")
	}
	path = strings.NewReplacer(" ", "%20", "'", "%27").Replace(path)
	var in any
	if body != "" {
		in = body
	}
	return h.say(as, method, path, in), method + " " + path + " " + body
}

func TestWhoMayReachEveryRoute(t *testing.T) {
	t.Parallel()
	for _, name := range storetest.Engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHall(t, name)
			inside, outside := usergrid.Routes(h.handler)
			h.walk(t, inside, rowsInside, true)
			h.walk(t, outside, rowsOutside, false)
		})
	}
}

// walk goes through a table with all callers, and demands a row for every route.
func (h *hall) walk(t *testing.T, routes []string, rows []row, inside bool) {
	t.Helper()
	for _, route := range routes {
		if !slices.ContainsFunc(rows, func(x row) bool { return x.route == route }) {
			t.Errorf("no row says who may reach %s", route)
		}
	}
	for _, x := range rows {
		if !slices.Contains(routes, x.route) {
			t.Errorf("there is no route %s", x.route)
			continue
		}
		var cells strings.Builder
		var faults []string
		strangers := h.scene("books") // inside of the application they change nothing, and the same things do for all
		for i, group := range callers {
			if i > 0 {
				cells.WriteByte(' ')
			}
			for _, who := range group {
				s := strangers
				if i < 2 || !inside {
					s = h.scene(who.app)
				}
				got, request := h.asked(x, who, s, inside)
				mark := marks[got.status]
				if mark == 0 {
					mark = '?'
				}
				if at := cells.Len(); at >= len(x.cells) || x.cells[at] != mark {
					faults = append(faults, who.name+": "+request+": "+firstLine(got))
				}
				if code, _ := got.body["error"].(string); mark == 'u' && code != who.code && inside {
					faults = append(faults, who.name+": "+request+": 401 "+code+", want "+who.code)
				}
				cells.WriteByte(mark)
			}
		}
		if cells.String() != x.cells || len(faults) > 0 {
			t.Errorf("%s %s %s\n got %s\nwant %s\n%s", x.route, x.path, x.body, cells.String(), x.cells, strings.Join(faults, "\n"))
		}
	}
}

func firstLine(a answer) string {
	line, _, _ := strings.Cut(a.text, "\n")
	return a.t.Name() + " " + line[:min(len(line), 200)]
}
