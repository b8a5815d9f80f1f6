package syncano

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// callers are the kinds of caller, in the order of the matrix's columns.
var callers = []string{"nobody", "stranger", "foreign", "read", "write", "full", "owner", "plain", "users+", "groups+", "anon", "acl", "plain/u", "acl/u", "owner/u"}

// matrix is contracts/syncano.md 2.2, 2.3, 2.4, 2.5 and 2.7, cell by cell: every
// kind of caller on every route, and the status that answers.
//
// stranger is an admin without a role here, foreign an API key of another
// instance; "/u" adds the user key of the user {me}. What stands in braces is
// made for the cell: {user} another user, {group} a group without members,
// {mygroup} a group of {me}, {joined} a group of {user}, {key} an API key,
// {own} the caller's key, {admin} an admin, {self} the caller himself, {invitation} an invitation. A dash asks nothing.
const matrix = `
                                      nobody stranger foreign read write full owner plain users+ groups+ anon acl plain/u acl/u owner/u
GET    .                              403    404      403     200  200   200  200   200   200    200     200  200 200     200   200
PUT    .                              403    404      403     403  403   200  200   403   403    403     403  403 403     403   200
PATCH  .                              403    404      403     403  403   200  200   403   403    403     403  403 403     403   200
POST   rename/ {rename}               403    403      403     403  403   403  200   403   403    403     403  403 403     403   200
GET    snippets/config/               403    403      403     200  200   200  200   200   200    200     200  200 200     200   200
PUT    snippets/config/ {config}      403    403      403     403  403   200  200   403   403    403     403  403 403     403   200
PATCH  snippets/config/ {config}      403    403      403     403  403   200  200   403   403    403     403  403 403     403   200

GET    admins/                        403    403      403     200  200   200  200   403   403    403     403  403 403     403   200
GET    admins/{admin}/                403    403      403     200  200   200  200   403   403    403     403  403 403     403   200
PUT    admins/{admin}/ {role}         403    403      403     403  403   200  200   403   403    403     403  403 403     403   200
PATCH  admins/{admin}/ {role}         403    403      403     403  403   200  200   403   403    403     403  403 403     403   200
DELETE admins/{admin}/                403    403      403     403  403   204  204   403   403    403     403  403 403     403   204
GET    admins/{boss}/                 403    403      403     200  200   200  200   403   403    403     403  403 403     403   200
PATCH  admins/{boss}/ {role}          403    403      403     403  403   403  403   403   403    403     403  403 403     403   403
DELETE admins/{boss}/                 403    403      403     403  403   403  403   403   403    403     403  403 403     403   403

GET    invitations/                   403    403      403     200  200   200  200   403   403    403     403  403 403     403   200
POST   invitations/ {invite}          403    403      403     403  403   201  201   403   403    403     403  403 403     403   201
GET    invitations/{invitation}/      403    403      403     200  200   200  200   403   403    403     403  403 403     403   200
PUT    invitations/{invitation}/ {role} 403  403      403     403  403   200  200   403   403    403     403  403 403     403   200
PATCH  invitations/{invitation}/ {role} 403  403      403     403  403   200  200   403   403    403     403  403 403     403   200
POST   invitations/{invitation}/resend/ 403  403      403     403  403   204  204   403   403    403     403  403 403     403   204
DELETE invitations/{invitation}/      403    403      403     403  403   204  204   403   403    403     403  403 403     403   204

GET    api_keys/                      403    403      403     403  403   200  200   200   200    200     200  200 200     200   200
POST   api_keys/                      403    403      403     403  403   201  201   403   403    403     403  403 403     403   201
GET    api_keys/{key}/                403    403      403     403  403   200  200   404   404    404     404  404 404     404   200
GET    api_keys/{own}/                403    403      403     403  403   200  200   200   200    200     200  200 200     200   200
PUT    api_keys/{key}/                403    403      403     403  403   200  200   403   403    403     403  403 403     403   200
PATCH  api_keys/{key}/                403    403      403     403  403   200  200   403   403    403     403  403 403     403   200
POST   api_keys/{key}/reset_key/      403    403      403     403  403   200  200   403   403    403     403  403 403     403   200
DELETE api_keys/{key}/                403    403      403     403  403   204  204   403   403    403     403  403 403     403   204
PATCH  api_keys/{own}/                403    403      403     403  403   200  200   403   403    403     403  403 403     403   200

GET    users/                         403    403      403     200  200   200  200   403   403    403     403  200 200     200   200
POST   users/ {newuser}               403    403      403     403  201   201  201   403   201    403     403  201 403     201   201
GET    users/{user}/                  403    403      403     200  200   200  200   403   403    403     403  200 404     404   200
PUT    users/{user}/ {newuser}        403    403      403     403  200   200  200   403   403    403     403  200 404     404   200
PATCH  users/{user}/                  403    403      403     403  200   200  200   403   403    403     403  200 404     404   200
POST   users/{user}/reset_key/        403    403      403     403  200   200  200   403   403    403     403  200 404     404   200
DELETE users/{user}/                  403    403      403     403  204   204  204   403   403    403     403  204 403     404   204
GET    users/{me}/                    403    403      403     200  200   200  200   403   403    403     403  200 200     200   200
PUT    users/{me}/ {same}             403    403      403     403  200   200  200   403   403    403     403  200 200     200   200
PATCH  users/{me}/                    403    403      403     403  200   200  200   403   403    403     403  200 200     200   200

GET    user/                          403    403      403     403  403   403  403   403   403    403     403  403 200     200   403
PUT    user/ {same}                   403    403      403     403  403   403  403   403   403    403     403  403 200     200   403
PATCH  user/                          403    403      403     403  403   403  403   403   403    403     403  403 200     200   403
POST   user/auth/ {login}             403    403      403     200  200   200  200   200   200    200     200  200 200     200   200

GET    users/{me}/groups/             403    403      403     200  200   200  200   403   403    403     403  403 200     200   200
GET    users/{me}/groups/{mygroup}/   403    403      403     200  200   200  200   403   403    403     403  403 200     200   200
GET    users/{user}/groups/           403    403      403     200  200   200  200   403   403    403     403  403 403     403   200
GET    users/{user}/groups/{joined}/  403    403      403     200  200   200  200   403   403    403     403  403 403     403   200
POST   users/{user}/groups/ {togroup} 403    403      403     403  201   201  201   403   403    403     403  403 403     403   201
POST   users/{me}/groups/ {togroup}   403    403      403     403  201   201  201   403   403    403     403  403 403     403   201
DELETE users/{user}/groups/{joined}/  403    403      403     403  204   204  204   403   403    403     403  403 403     403   204

GET    groups/                        403    403      403     200  200   200  200   200   200    200     200  200 200     200   200
POST   groups/                        403    403      403     403  201   201  201   403   403    201     403  403 403     403   201
GET    groups/{group}/                403    403      403     200  200   200  200   200   200    200     200  200 200     200   200
PUT    groups/{group}/                403    403      403     403  200   200  200   403   403    403     403  403 403     403   200
PATCH  groups/{group}/                403    403      403     403  200   200  200   403   403    403     403  403 403     403   200
DELETE groups/{group}/                403    403      403     403  204   204  204   403   403    403     403  403 403     403   204
GET    groups/{mygroup}/users/        403    403      403     200  200   200  200   403   403    403     403  403 200     200   200
GET    groups/{mygroup}/users/{me}/   403    403      403     200  200   200  200   403   403    403     403  403 200     200   200
GET    groups/{joined}/users/{user}/  403    403      403     200  200   200  200   403   403    403     403  403 404     404   200
POST   groups/{group}/users/ {touser} 403    403      403     403  201   201  201   403   403    403     403  403 403     403   201
DELETE groups/{joined}/users/{user}/  403    403      403     403  204   204  204   403   403    403     403  403 403     403   204

POST   batch/ {requests}              403    403      403     200  200   200  200   200   200    200     200  200 200     200   200
DELETE .                              403    404      403     403  403   403  -     403   403    403     403  403 403     403   -
DELETE admins/{self}/                 403    403      403     204  204   204  403   403   403    403     403  403 403     403   403
DELETE .                              -      -        -       -    -     -    204   -     -      -       -    -   -       -     -
`

// stage is one instance with everybody in it.
type stage struct {
	*world
	t        *testing.T
	base     string
	keys     map[string]string // by caller, without "/u"
	ids      map[string]string // what stands in braces
	own      map[string]string // {own} and {self} by caller
	userKey  string
	username string
	email    string // of somebody who may be invited
}

func newStage(t *testing.T, w *world) *stage {
	_, owner := w.register(t)
	_, stranger := w.register(t)
	base := w.instance(t, owner)
	s := &stage{world: w, t: t, base: base, ids: map[string]string{}, own: map[string]string{}}
	s.keys = map[string]string{"nobody": "", "stranger": stranger, "owner": owner}
	s.keys["foreign"] = w.apiKey(t, w.instance(t, stranger), stranger, "ignore_acl", "allow_user_create")
	for _, role := range []string{"read", "write", "full"} {
		id, key := w.member(t, base, owner, role)
		s.keys[role], s.own[role+"self"] = key, strconv.Itoa(id)
	}
	boss := w.want(t, 200, ask{method: "GET", path: "/v1.1/account/", key: owner}).id(t)
	s.ids["boss"], s.own["ownerself"] = strconv.Itoa(boss), strconv.Itoa(boss)
	for caller, flag := range map[string]string{"plain": "", "users+": "allow_user_create", "groups+": "allow_group_create", "anon": "allow_anonymous_read", "acl": "ignore_acl"} {
		k := w.want(t, 201, ask{method: "POST", path: base + "api_keys/", key: owner, json: obj{"x": 1, flag: true}})
		s.keys[caller], s.own[caller+"own"] = k.text(t, "api_key"), strconv.Itoa(k.id(t))
	}
	me := w.want(t, 201, ask{method: "POST", path: base + "users/", key: owner, json: obj{"username": "me", "password": "secret"}})
	s.ids["me"], s.userKey, s.username = strconv.Itoa(me.id(t)), me.text(t, "user_key"), "me"
	mine := w.newGroup(t, base, owner)
	w.want(t, 201, ask{method: "POST", path: fmt.Sprintf("%sgroups/%d/users/", base, mine), key: owner, json: obj{"user": me.id(t)}})
	s.ids["mygroup"] = strconv.Itoa(mine)
	s.refresh()
	return s
}

// refresh makes anew what a cell may have used up.
func (s *stage) refresh() {
	t, owner := s.t, s.keys["owner"]
	id, _ := s.user(t, s.base, owner)
	s.ids["user"] = strconv.Itoa(id)
	s.ids["group"] = strconv.Itoa(s.newGroup(t, s.base, owner))
	joined := s.newGroup(t, s.base, owner)
	s.want(t, 201, ask{method: "POST", path: fmt.Sprintf("%sgroups/%d/users/", s.base, joined), key: owner, json: obj{"user": id}})
	s.ids["joined"] = strconv.Itoa(joined)
	s.ids["key"] = strconv.Itoa(s.want(t, 201, ask{method: "POST", path: s.base + "api_keys/", key: owner, json: obj{}}).id(t))
	admin, _ := s.member(t, s.base, owner, "read")
	s.ids["admin"] = strconv.Itoa(admin)
	s.email = s.unique("invited") + "@example.com"
	invitation := s.want(t, 201, ask{method: "POST", path: s.base + "invitations/", key: owner, json: obj{"email": s.email, "role": "read"}})
	s.ids["invitation"] = strconv.Itoa(invitation.id(t))
}

// body is what a row sends.
func (s *stage) body(name string) any {
	number := func(id string) int { n, _ := strconv.Atoi(s.ids[id]); return n }
	return map[string]any{
		"":         obj{},
		"rename":   obj{"new_name": strings.Trim(strings.TrimPrefix(s.base, "/v1.1/instances/"), "/")},
		"config":   obj{"config": obj{"a": 1}},
		"role":     obj{"role": "write"},
		"invite":   obj{"email": s.unique("invited") + "@example.com", "role": "read"},
		"newuser":  obj{"username": s.unique("user"), "password": "secret"},
		"same":     obj{"username": s.username, "password": "secret"},
		"login":    obj{"username": s.username, "password": "secret"},
		"togroup":  obj{"group": number("group")},
		"touser":   obj{"user": number("user")},
		"requests": obj{"requests": []any{}},
	}[name]
}

// path fills in what stands in braces.
func (s *stage) path(caller, pattern string) string {
	own := func(kind string, otherwise string) string {
		if id, ok := s.own[caller+kind]; ok {
			return id
		}
		return s.ids[otherwise]
	}
	path := strings.NewReplacer("{own}", own("own", "key"), "{self}", own("self", "boss")).Replace(pattern)
	for name, id := range s.ids {
		path = strings.ReplaceAll(path, "{"+name+"}", id)
	}
	return s.base + strings.TrimPrefix(path, ".")
}

// TestPermissions runs the matrix.
func TestPermissions(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		s := newStage(t, w)
		for row := range strings.SplitSeq(matrix, "\n") {
			cells := strings.Fields(row)
			if len(cells) <= 2 || cells[0] == callers[0] {
				continue
			}
			method, pattern, rest, body := cells[0], cells[1], cells[2:], ""
			if strings.HasPrefix(rest[0], "{") {
				body, rest = strings.Trim(rest[0], "{}"), rest[1:]
			}
			if len(rest) != len(callers) {
				t.Fatalf("row %q has %d cells, want %d", row, len(rest), len(callers))
			}
			s.runRow(t, method, pattern, body, rest)
		}
	})
}

func (s *stage) runRow(t *testing.T, method, pattern, body string, cells []string) {
	t.Run(method+" "+strings.ReplaceAll(pattern, "/", "|"), func(t *testing.T) {
		for i, caller := range callers {
			if cells[i] == "-" {
				continue
			}
			name, asUser := strings.CutSuffix(caller, "/u")
			a := ask{method: method, path: s.path(name, pattern), key: s.keys[name]}
			if asUser {
				a.user = s.userKey
			}
			if method != "GET" && method != "DELETE" {
				a.json = s.body(body)
			}
			got := s.do(a)
			if strconv.Itoa(got.status) != cells[i] {
				t.Errorf("%-9s %s %s: %d, want %s: %s", caller, method, a.path, got.status, cells[i], got.body)
			}
			if got.status < 300 && method != "GET" && pattern != "." && pattern != "admins/{self}/" {
				s.refresh()
			}
		}
	})
}
