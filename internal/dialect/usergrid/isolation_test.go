package usergrid_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/store/storetest"
)

// theirs is the text that everything in a foreign application holds.
const theirs = "THEIRS"

// foreign makes one of everything in an application, and says how it is called.
func (h *hall) foreign(app string) *scene {
	h.t.Helper()
	s := h.scene(app)
	for _, name := range []string{"item", "item2", "user", "user2", "role", "group", "asset", "activity", "device"} {
		s.thing(name)
	}
	s.said["{mine}"] = s.said["token"]
	s.joined()
	at := h.at(app)
	for _, path := range []string{"/dogs/{item}", "/dogs/{item2}", "/users/{user}", "/users/{user2}", "/assets/{asset}", "/activities/{activity}", "/devices/{device}"} {
		h.must(operator, "PUT", at+s.fill(path), object{"note": theirs})
	}
	h.must(operator, "PUT", at+s.fill("/roles/{role}"), object{"title": theirs})
	h.must(operator, "PUT", at+s.fill("/groups/{group}"), object{"title": theirs})
	h.must(operator, "PUT", at+s.fill("/users/{user}"), object{"email": strings.ToLower(theirs) + h.fresh("") + "@x.io", "name": theirs})
	h.must(operator, "POST", at+s.fill("/users/{user}/permissions"), object{"permission": "get:/" + theirs})
	h.must(operator, "POST", at+s.fill("/groups/{group}/activities"), object{"verb": "post", "actor": object{"displayName": theirs}, "content": theirs})
	h.must(operator, "POST", at+s.fill("/users/{user}/following/users/{user2}"), nil)
	h.must(operator, "POST", at+s.fill("/users/{user}/devices/{device}"), nil)
	h.must(operator, "PUT", at+s.fill("/assets/{asset}/data"), "bytes "+theirs)
	return s
}

// dump is everything that an application holds, as its operator reads it.
func (h *hall) dump(app string) string {
	h.t.Helper()
	ctx, actor := context.Background(), engine.SystemIn(h.apps[app])
	var b strings.Builder
	write := func(what string, v any, err error) {
		text, bad := json.Marshal(v)
		if err != nil || bad != nil {
			h.t.Fatalf("dump %s: %v %v", what, err, bad)
		}
		fmt.Fprintf(&b, "%s %s\n", what, text)
	}
	now, err := h.engine.AppByID(ctx, h.apps[app].ID)
	write("app", now, err)
	client, err := h.engine.Client(ctx, actor, hecate.Client{App: now.ID})
	write("client "+client.Secret.Reveal(), client, err)
	all := engine.List{Limit: hecate.MaxPage}
	var subjects []hecate.Subject
	users, err := h.engine.Users(ctx, actor, all)
	write("users", users, err)
	for _, u := range users.Rows {
		subjects = append(subjects, hecate.SubjectUser(u.User.ID))
	}
	groups, err := h.engine.Groups(ctx, actor, all)
	write("groups", groups, err)
	for _, g := range groups.Rows {
		subjects = append(subjects, hecate.SubjectGroup(g.ID))
		members, err := h.engine.GroupMembers(ctx, actor, engine.GroupRef{ID: g.ID}, all)
		write("members", members, err)
	}
	roles, err := h.engine.Roles(ctx, actor)
	write("roles", roles, err)
	for _, s := range subjects {
		held, err := h.engine.RolesOf(ctx, actor, s)
		write("roles of "+string(s), held, err)
	}
	for _, r := range roles {
		subjects = append(subjects, hecate.SubjectRole(r.Name))
	}
	for _, s := range subjects {
		grants, err := h.engine.GrantsOf(ctx, actor, s)
		write("grants of "+string(s), grants, err)
	}
	collections, err := h.engine.Collections(ctx, actor, all)
	write("collections", collections, err)
	for _, c := range collections.Rows {
		records, err := h.engine.Records(ctx, actor, c, hecate.Query{Limit: hecate.MaxPage})
		write("records", records, err)
		for _, r := range records.Rows {
			names, err := h.engine.LinkNames(ctx, now.ID, []hecate.RecordID{r.ID})
			write("links", names, err)
			for _, name := range names[r.ID].From {
				to, err := h.engine.Linked(ctx, actor, engine.LinkedInput{Record: r.ID, Name: name, Query: hecate.Query{Limit: hecate.MaxPage}})
				write("linked", to, err)
			}
		}
	}
	return b.String()
}

// differs is the first line in which two dumps differ, "" where none does.
func differs(before, after string) string {
	old := strings.Split(before, "\n")
	for i, line := range strings.Split(after, "\n") {
		if i >= len(old) || line != old[i] {
			return fmt.Sprintf("before: %s\nafter: %s", old[min(i, len(old)-1)], line)
		}
	}
	return ""
}

// isPage reports whether an answer is a page for people, which says what is wrong with status 200: contracts/usergrid.md 6.6.
func isPage(a answer) bool { return strings.HasPrefix(a.header.Get("Content-Type"), "text/html") }

// positions are the places of a text that name a thing which another application could have too.
func positions(text string) []string {
	var out []string
	for _, place := range placePattern.FindAllString(text, -1) {
		if !slices.Contains(out, place) && !slices.Contains([]string{"{new}", "{mine}", "{collection}", "{rest...}"}, place) {
			out = append(out, place)
		}
	}
	return out
}

// TestNoRouteReachesIntoAnotherApplication asks every route once for each place of its path and body, with what stands there in another
// application: one of the same organization, and one of another.
func TestNoRouteReachesIntoAnotherApplication(t *testing.T) {
	t.Parallel()
	for _, name := range storetest.Engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHall(t, name)
			for _, app := range []string{"shelf", "files"} {
				h.reach(t, app)
			}
		})
	}
}

// reach asks about the things of one foreign application.
func (h *hall) reach(t *testing.T, app string) {
	t.Helper()
	abroad := h.foreign(app)
	before := h.dump(app)
	if n := strings.Count(before, theirs); n < 10 {
		t.Fatalf("the dump has %d of the marks", n)
	}
	askers := []caller{{name: "a user", app: "books"}, {name: "a guest of a sandbox", app: "sandbox"}, {name: "its client's token", app: "books"},
		{name: "its organization's client", app: "books"}, {name: "an admin of its organization", app: "books"}}
	for _, x := range rowsInside {
		_, path, _ := strings.Cut(x.route, " ")
		if x.path != "" {
			path = x.path
		}
		if strings.HasPrefix(path, "/reviews") {
			continue // the same as dogs
		}
		for _, place := range positions(strings.ReplaceAll(path, "{collection}/{item}", "dogs/{item}") + x.body) {
			for _, who := range askers {
				s := h.scene(who.app)
				for _, mine := range []string{"activity", "asset"} { // made beside somebody of ours
					if strings.Contains(path, "{"+mine+"}") {
						s.thing(mine)
					}
				}
				s.said[strings.Trim(place, "{}")] = abroad.thing(strings.Trim(place, "{}"))
				s.set = true // what is of two applications cannot belong together
				got, request := h.asked(x, who, s, true)
				if strings.Contains(strings.ToUpper(got.text), theirs) {
					t.Errorf("%s, %s: %s %s", who.name, place, request, firstLine(got))
				}
				if found, _ := got.body["entities"].([]any); got.status != http.StatusOK || place == "{token}" || isPage(got) || strings.Contains(path, "?ql=") && len(found) == 0 {
					continue // not found, or nothing was found, or it is no error that nothing was
				}
				if x.route != "PUT /{collection}/{item}" {
					t.Errorf("%s, %s: %s succeeds: %s", who.name, place, request, firstLine(got))
					continue
				}
				// An entity of one's own with that id: it goes, for the next one to ask.
				h.must(operator, "DELETE", h.at(who.app)+"/dogs/"+abroad.said["item"], nil)
			}
		}
	}
	if d := differs(before, h.dump(app)); d != "" {
		t.Errorf("%s was changed from books:\n%s", app, d)
	}
	h.must("Bearer "+abroad.said["token"], "GET", h.at(app)+"/users/me", nil)
	h.must("", "POST", h.at(app)+"/token", object{"grant_type": "password", "username": abroad.said["user:name"], "password": "pass"})
}

// TestNoManagerReachesIntoAnotherOrganization asks every management route with another organization, its applications and its admins
// in each place, as those who manage acme.
func TestNoManagerReachesIntoAnotherOrganization(t *testing.T) {
	t.Parallel()
	for _, name := range storetest.Engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHall(t, name)
			h.must(operator, "PUT", "/management/organizations/other", object{"properties": object{"note": theirs}})
			h.must(operator, "PUT", "/management/users/eve", object{"name": theirs})
			h.must(operator, "PUT", "/other/files", object{"note": theirs})
			before := h.dumpOrg() + h.dump("files")
			files := string(h.apps["files"].ID)
			for _, x := range rowsOutside {
				_, path, _ := strings.Cut(x.route, " ")
				if x.path != "" {
					path = x.path
				}
				if !strings.HasPrefix(path, "/management/") || strings.Contains(path, "/token") || strings.Contains(path, "{outsider}") {
					continue // a member may be anybody whose name one knows: contracts/usergrid.md 6.1
				}
				for place, others := range map[string][]string{"{org}": {"other", string(h.other)}, "/acme": {"/other"}, "{app}": {"files", files},
					"{deletedapp}": {files}, "{user}": {"eve", h.bound["<EVE>"], "eve@x.io"}} {
					for _, it := range others {
						if !strings.Contains(path, place) || strings.Contains(path, "/password") && strings.Contains(x.body, "old") {
							continue // the old password is the proof
						}
						for _, who := range callers[1][:4] {
							x := x
							x.path = strings.ReplaceAll(path, place, it)
							got, request := h.asked(x, who, h.scene(who.app), false)
							if strings.Contains(got.text, theirs) || got.status == http.StatusOK && !isPage(got) {
								t.Errorf("%s, %s: %s %s", who.name, place, request, firstLine(got))
							}
						}
					}
				}
			}
			if d := differs(before, h.dumpOrg()+h.dump("files")); d != "" {
				t.Errorf("other was changed from acme:\n%s", d)
			}
			h.must("Bearer "+h.bound["<EVETOKEN>"], "GET", "/management/users/eve", nil)
			h.must("", "POST", "/management/token", object{"grant_type": "password", "username": "eve", "password": "s3cret"})
		})
	}
}

// dumpOrg is what the server knows of the organization other and of its admin.
func (h *hall) dumpOrg() string {
	h.t.Helper()
	var b strings.Builder
	for _, path := range []string{"/management/organizations/other", "/management/organizations/other/users", "/management/organizations/other/credentials",
		"/management/organizations/other/applications/files", "/management/organizations/other/applications/files/credentials",
		"/management/users/eve", "/management/users/eve/organizations"} {
		got := h.must(operator, "GET", path, nil)
		delete(got, "timestamp")
		delete(got, "duration")
		text, err := json.Marshal(got)
		if err != nil {
			h.t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s %s\n", path, text)
	}
	return b.String()
}

// TestApplicationsAreFoundUnderTheirOwnOrganizationAlone by every form of address, and nobody's credentials count in another one.
func TestApplicationsAreFoundUnderTheirOwnOrganizationAlone(t *testing.T) {
	t.Parallel()
	h := newHall(t, storetest.Engines[0])
	books, files := string(h.apps["books"].ID), string(h.apps["files"].ID)
	for _, path := range []string{"/acme/" + files, "/" + string(h.acme) + "/files", "/acme/files", "/orgs/acme/apps/files", "/organizations/acme/" + files,
		"/o/" + string(h.other) + "/a/" + books, "/other/" + books} {
		for _, as := range []string{"", h.tokens["client"], h.tokens["org client"], h.tokens["admin"], operator, h.tokens["garbage"]} {
			h.say(as, "GET", path+"/users", nil).fails(404, "organization_application_not_found")
		}
	}
	for _, path := range []string{"/other/files", "/" + files, "/apps/" + files, "/applications/" + files, "/" + string(h.other) + "/" + files, "/OTHER/FILES"} {
		for who, code := range map[string]string{"client": "auth_invalid", "org client": "auth_invalid", "admin": "unauthorized", "another client": "auth_invalid"} {
			h.say(h.tokens[who], "GET", path+"/users", nil).fails(401, code)
		}
		h.say(basicOf(h.clientOf("books")), "GET", path+"/users", nil).fails(401, "auth_invalid_credentials")
		c := h.clientOf("books")
		h.say("", "GET", path+"/users?client_id="+c.Public+"&client_secret="+c.Secret.Reveal(), nil).fails(401, "invalid_client")
		h.must(h.tokens["another admin"], "GET", path+"/users", nil)
	}
	// Nor does a login of one open another.
	name, _ := h.newUser("books", "")
	h.say("", "POST", "/other/files/token", object{"grant_type": "password", "username": name, "password": "pass"}).fails(400, "invalid_grant")
	c := h.clientOf("books")
	h.say("", "POST", "/other/files/token", object{"grant_type": "client_credentials", "client_id": c.Public, "client_secret": c.Secret.Reveal()}).fails(400, "invalid_grant")
}
