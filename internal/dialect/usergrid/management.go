package usergrid

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// minPassword is the shortest password of an admin, in bytes: contracts/usergrid.md 5.
const minPassword = 4

// organizationRoutes are those of /management/organizations and what belongs to one: contracts/usergrid.md 6.1, 6.3, 4.9.
// managementPath has turned the other spellings into these.
func (a *api) organizationRoutes() []web.Route[*manager] {
	const (
		all  = "/management/organizations"
		org  = all + "/{org}"
		user = org + "/users/{user}"
		app  = org + "/applications/{app}"
	)
	return []web.Route[*manager]{
		web.Post(all, a.perhapsManager("registration"), a.registerOrg),
		web.Get(all, a.asService(), a.listOrgs),
		web.Get(org, a.asManager(), a.showOrg),
		web.Put(org, a.asManager(), a.updateOrg),
		web.Delete(org, a.asManager(), a.deleteOrg),
		web.Get(org+"/users", a.asManager(), a.listOrgUsers),
		web.Post(org+"/users", a.asManager(), a.createOrgUser),
		web.Put(user, a.asManager(), a.addOrgUser),
		web.Delete(user, a.asManager(), a.removeOrgUser),
		web.Get(org+"/feed", a.asManager(), a.orgFeed),
		web.Get(org+"/credentials", a.asManager(), a.showOrgCredentials),
		web.Post(org+"/credentials", a.asManager(), a.renewOrgCredentials),
		web.Get(org+"/applications", a.asManager(), a.listApps),
		web.Post(org+"/applications", a.asManager(), a.createApp),
		web.Get(app, a.asManager(), a.showApp),
		web.Delete(app, a.asManager(), a.deleteApp),
		web.Put(app, a.asManager(), a.restoreApp),
		web.Get(app+"/credentials", a.asManager(), a.showAppCredentials),
		web.Post(app+"/credentials", a.asManager(), a.renewAppCredentials),
		web.Post(app+"/sia-provider", a.asManager(), a.setProvider),
	}
}

// adminRoutes are those of /management/users that show and change accounts: contracts/usergrid.md 6.2.
func (a *api) adminRoutes() []web.Route[*manager] {
	const (
		all  = "/management/users"
		user = all + "/{user}"
		orgs = user + "/organizations"
	)
	return []web.Route[*manager]{
		web.Post(all, a.perhapsManager("registration"), a.registerAdmin),
		web.Get(user, a.asManager(), a.showAdmin),
		web.Put(user, a.asManager(), a.updateAdmin),
		web.Put(user+"/password", a.perhapsManager("the old password is the proof"), a.changeAdminPassword),
		web.Post(user+"/password", a.perhapsManager("the old password is the proof"), a.changeAdminPassword),
		web.Get(orgs, a.asManager(), a.listAdminOrgs),
		web.Post(orgs, a.asManager(), a.createAdminOrg),
		web.Put(orgs+"/{org}", a.asManager(), a.joinOrg),
		web.Delete(orgs+"/{org}", a.asManager(), a.leaveOrg),
		web.Get(user+"/feed", a.asManager(), a.adminFeed),
	}
}

// serviceRoutes are what we do not offer, and what nobody ever did.
func (a *api) serviceRoutes() []web.Route[*manager] {
	return []web.Route[*manager]{
		web.Any("/system", a.asService(), notOffered),
		web.Any("/system/{rest...}", a.asService(), notOffered),
		web.Any("/{org}", a.asNobody("there is nothing"), orgRoot),
		web.Any("/organizations/{org}", a.asNobody("there is nothing"), orgRoot),
		web.Any("/orgs/{org}", a.asNobody("there is nothing"), orgRoot),
		web.Any("/o/{org}", a.asNobody("there is nothing"), orgRoot),
	}
}

func notOffered(*web.Response, *web.Request, *manager) error {
	return notImplemented("not implemented")
}

// orgRoot answers /{org}: contracts/usergrid.md 1.8.
func orgRoot(w *web.Response, r *web.Request, m *manager) error {
	if r.Method == http.MethodDelete {
		return notOffered(w, r, m)
	}
	return noRoute(w, r)
}

// perhapsManager resolves the caller where somebody presents himself; what he presents has to count. The handler asks the door.
func (a *api) perhapsManager(reason string) web.Security[*manager] {
	return web.Require("open: "+reason, func(r *web.Request) (*manager, error) {
		m := &manager{began: a.now()}
		var err error
		m.actor, err = a.authenticateManager(r)
		if errors.Is(err, hecate.Unauthenticated) {
			m.actor, err = &hecate.Actor{Subjects: []hecate.Subject{hecate.Public}}, nil
		}
		return m, err
	})
}

// prefixes are the other names of parts of the management API, by the number of the segment: contracts/usergrid.md 6.
var prefixes = map[int]map[string]string{
	1: {"orgs": "organizations"},
	3: {"apps": "applications"},
}

// inManagement is the request with each part of its path under its first name.
func inManagement(r *http.Request) *http.Request {
	path := r.URL.EscapedPath()
	first := managementPath(path)
	if first == path {
		return r
	}
	clear, err := url.PathUnescape(first)
	if err != nil {
		return r
	}
	in := new(http.Request)
	*in = *r
	u := *r.URL
	u.Path, u.RawPath = clear, first
	in.URL = &u
	return in
}

// managementPath is an escaped path of the management API with each part under its first name.
func managementPath(path string) string {
	parts := strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
	if len(parts) == 0 || !strings.EqualFold(parts[0], "management") {
		return path
	}
	parts[0] = "management"
	for i, other := range prefixes {
		if i < len(parts) && other[parts[i]] != "" {
			parts[i] = other[parts[i]]
		}
	}
	return "/" + strings.Join(parts, "/")
}

// form is the body of a request of the management API: JSON or a form, whose fields may stand in the query instead.
type form struct {
	payload
	isForm bool
	r      *web.Request
}

// readForm reads JSON or a form. Kinds: those of readPayload.
func readForm(r *web.Request) (form, error) {
	p, err := readPayload(r)
	if err == nil && p.batch != nil {
		err = illegalArgument("an object is expected")
	}
	return form{payload: p, isForm: r.MediaType() == "application/x-www-form-urlencoded", r: r}, err
}

// field is a member of the body, or for a form of the query.
func (f form) field(name string) string {
	if text := f.text(name); text != "" || !f.isForm {
		return text
	}
	return f.r.QueryOne(name)
}

// admin is the account that the body describes: contracts/usergrid.md 6.1, 6.2.
func (f form) admin() (engine.RegisterAdminInput, error) {
	in := engine.RegisterAdminInput{
		Email: strings.TrimSpace(f.field("email")), Username: strings.TrimSpace(f.field("username")), Name: f.field("name"),
		MinPassword: minPassword,
	}
	if in.Email == "" {
		return in, illegalArgument("email form parameter is required")
	}
	if in.Username == "" {
		in.Username = in.Email
	}
	if in.Name == "" {
		in.Name = in.Email
	}
	if password := f.field("password"); strings.TrimSpace(password) != "" {
		in.Password = hecate.NewSecret(password)
	}
	return in, checkAdminName(in.Username)
}

// checkAdminName refuses usernames under which nobody could be found.
func checkAdminName(name string) error {
	if strings.EqualFold(name, "me") {
		return illegalArgument("username is not available: " + name)
	}
	if isUUID(name) || strings.Contains(name, "/") {
		return illegalArgument("Not a valid user identifier: " + name)
	}
	return nil
}

// adminWords are members of an admin's JSON that are no properties of his.
var adminWords = map[string]bool{
	"organization": true, "username": true, "name": true, "email": true, "password": true, "oldpassword": true, "newpassword": true,
	"properties": true, "uuid": true, "type": true, "applicationId": true, "activated": true, "confirmed": true, "disabled": true,
	"adminUser": true, "displayEmailAddress": true, "htmldisplayEmailAddress": true, "organizations": true, "metadata": true, "token": true,
	"created": true, "modified": true, "passwordChanged": true,
}

// adminProperties are the members of a JSON body that are no words of an account's.
func (f form) adminProperties() map[string]any {
	if f.isForm {
		return nil
	}
	properties := map[string]any{}
	for name, v := range f.object {
		if !adminWords[name] {
			properties[name] = v
		}
	}
	return properties
}

// properties is the member of that name, nil where there is none.
func (f form) properties() (map[string]any, error) {
	v, given := f.object["properties"]
	if !given || v == nil || f.isForm {
		return nil, nil
	}
	properties, ok := v.(map[string]any)
	if !ok {
		return nil, illegalArgument("properties must be an object")
	}
	return properties, nil
}

// merged is old with the members of changes; a null removes one.
func merged(old, changes map[string]any) map[string]any {
	out := make(map[string]any, len(old)+len(changes))
	for name, v := range old {
		out[name] = v
	}
	for name, v := range changes {
		if v == nil {
			delete(out, name)
			continue
		}
		out[name] = v
	}
	return out
}

// reservedOrgs are names of organizations whose paths would mean something else.
var reservedOrgs = []string{"management", "system", "status", "lb-status", "organizations", "orgs", "o", "applications", "apps"}

// checkPathName refuses names that no path can name.
func checkPathName(what, name string, reserved ...string) error {
	bad := name != strings.TrimSpace(name) || name == "." || name == ".." || isUUID(name) || strings.ContainsFunc(name, func(r rune) bool {
		return r < ' ' || r == 0x7f || strings.ContainsRune(`/\?#%;{}`, r)
	})
	for _, word := range reserved {
		bad = bad || strings.EqualFold(name, word)
	}
	if bad {
		return illegalArgument("The '" + what + "' parameter is not a valid name: " + name)
	}
	return nil
}

// takenBy says which value of an account or organization is taken.
func takenBy(err error, org string, admin engine.RegisterAdminInput) error {
	if !errors.Is(err, hecate.Exists) {
		return err
	}
	switch hecate.Detail(err).Field {
	case "name":
		return duplicate("organization", "name", org).because(err)
	case "email":
		return duplicate("user", "email", admin.Email).because(err)
	case "username":
		return duplicate("user", "username", admin.Username).because(err)
	}
	return err
}

// A cursor of names is the last one, so that no page depends on another.
func nameCursor(name string) string { return base64.RawURLEncoding.EncodeToString([]byte(name)) }

func nameOfCursor(cursor string) (string, error) {
	name, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return "", illegalArgument("the cursor is not valid")
	}
	return string(name), nil
}
