package usergrid

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// historySize is the property of an organization that says how many former passwords its admins may not use again.
const historySize = "passwordHistorySize"

// orgInfo is an organization with its applications and users, as token answers show it: contracts/usergrid.md 4.2.
func (a *api) orgInfo(ctx context.Context, org *hecate.Org) (raw, error) {
	d, err := a.engine.OrgDetail(ctx, engine.System(), org.ID)
	if err != nil {
		return nil, err
	}
	return a.orgEntry(d), nil
}

// orgEntry is an organization with its applications by full name and its users by username.
func (a *api) orgEntry(d *engine.OrgDetail) raw {
	var j web.JSONWriter
	j.Open()
	a.orgMembers(&j, d.Org)
	j.Name("applications")
	writeApps(&j, d.Apps)
	j.Name("users")
	j.Open()
	for _, m := range d.Members {
		j.Raw(adminName(m.Admin), a.adminEntry(m.Admin, nil))
	}
	j.Close()
	j.Close()
	return raw(j.Buf)
}

// plainOrg is an organization without what belongs to it.
func (a *api) plainOrg(org *hecate.Org) raw {
	var j web.JSONWriter
	j.Open()
	a.orgMembers(&j, org)
	j.Close()
	return raw(j.Buf)
}

// orgMembers writes what every form of an organization has.
func (a *api) orgMembers(j *web.JSONWriter, org *hecate.Org) {
	j.Text("name", org.Name)
	j.Text("uuid", string(org.ID))
	j.Name("properties")
	j.Buf = web.AppendJSON(j.Buf, orEmpty(org.Properties))
	j.Int(historySize, int64(wholeNumber(org.Properties[historySize])))
	if a.engine.OrgAwaits(org) != 0 { // the old server showed no member of that name
		j.Bool("activated", false)
	}
}

// writeApps writes the ids of applications by their full names.
func writeApps(j *web.JSONWriter, apps []*hecate.App) {
	j.Open()
	for _, app := range apps {
		j.Text(fullName(app), string(app.ID))
	}
	j.Close()
}

// fullName is "org/app" in lower case, as an application is called in lists.
func fullName(app *hecate.App) string { return strings.ToLower(app.OrgName + "/" + app.Name) }

// orEmpty is m, or an empty one.
func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

// org is the organization that the path names, where the caller belongs to it. Who does not is told nothing about it, not even
// whether there is one: contracts/usergrid.md 6.
func (a *api) org(r *web.Request, m *manager) (*hecate.Org, error) {
	ref := strings.TrimSpace(r.PathValue("org"))
	org, err := a.engine.Org(r.Context(), m.actor, ref)
	return org, noOrg(err, m, ref)
}

// noOrg says that there is no such organization, to the operator.
func noOrg(err error, m *manager, ref string) error {
	switch {
	case !errors.Is(err, hecate.NotFound):
		return err
	case m.actor.Kind == hecate.SystemActor:
		return managementFault("Could not find organization for name: " + ref).because(err)
	}
	return unauthorized("No organization access authorized").because(err)
}

// registerOrg makes an organization, its owner and its sandbox.
func (a *api) registerOrg(w *web.Response, r *web.Request, m *manager) error {
	f, err := readForm(r)
	if err != nil {
		return err
	}
	if f.object == nil && !f.isForm {
		return illegalArgument("missing json post data")
	}
	in := engine.RegisterOrgInput{Name: strings.TrimSpace(f.field("organization"))}
	if in.Name == "" {
		return illegalArgument("The organization parameter was missing")
	}
	if err := checkPathName("organization", in.Name, reservedOrgs...); err != nil {
		return err
	}
	if in.Properties, err = f.properties(); err != nil {
		return err
	}
	if in.Owner, err = f.admin(); err != nil {
		return err
	}
	in.Owner.Properties, in.Owner.Mailing = f.adminProperties(), a.adminConfirmation(r)
	made, err := a.engine.RegisterOrg(r.Context(), m.actor, in)
	if err != nil {
		return takenBy(err, in.Name, in.Owner)
	}
	var j web.JSONWriter
	j.Open()
	j.Raw("owner", a.adminEntry(made.Owner, nil))
	j.Raw("organization", a.plainOrg(made.Org))
	j.Close()
	return a.answerManager(w, r, m, reply{action: "new organization", status: "ok", data: raw(j.Buf)})
}

// listOrgs shows all organizations of the server to its operator.
func (a *api) listOrgs(w *web.Response, r *web.Request, m *manager) error {
	limit, err := limitOf(r)
	if err != nil {
		return err
	}
	beyond, err := nameOfCursor(r.QueryOne("cursor"))
	if err != nil {
		return err
	}
	orgs, more, err := a.engine.AllOrgs(r.Context(), m.actor, beyond, limit)
	if err != nil {
		return err
	}
	var j web.JSONWriter
	j.Open()
	j.Text("action", "get")
	j.Text("status", "ok")
	j.Name("organizations")
	j.OpenList()
	for _, d := range orgs {
		j.Open()
		a.orgMembers(&j, d.Org)
		j.Name("applications")
		writeApps(&j, d.Apps)
		j.Close()
	}
	j.CloseList()
	a.clock(&j, m.began.UnixMilli())
	j.Int("count", int64(len(orgs)))
	if more {
		j.Text("cursor", nameCursor(orgs[len(orgs)-1].Org.Name))
	}
	j.Close()
	return send(w, r, http.StatusOK, j.Buf)
}

func (a *api) showOrg(w *web.Response, r *web.Request, m *manager) error {
	org, err := a.org(r, m)
	if err != nil {
		return err
	}
	return a.answerOrg(w, r, m, org.ID, "get")
}

func (a *api) answerOrg(w *web.Response, r *web.Request, m *manager, id hecate.OrgID, action string) error {
	d, err := a.engine.OrgDetail(r.Context(), m.actor, id)
	if err != nil {
		return err
	}
	return a.answerManager(w, r, m, reply{action: action, status: "ok", organization: a.orgEntry(d)})
}

// updateOrg sets properties; those that are not named stay, a null removes one.
func (a *api) updateOrg(w *web.Response, r *web.Request, m *manager) error {
	org, err := a.org(r, m)
	if err != nil {
		return err
	}
	f, err := readForm(r)
	if err != nil {
		return err
	}
	if active, _ := f.object["activated"].(bool); active && m.actor.Kind == hecate.SystemActor { // the operator's word, without a letter
		if _, err := a.engine.AdmitOrg(r.Context(), m.actor, org.ID); err != nil {
			return err
		}
	}
	changes, err := f.properties()
	if err != nil {
		return err
	}
	next := merged(org.Properties, changes)
	if size, given := f.object[historySize]; given {
		next[historySize] = size
	}
	if size, set := next[historySize]; set {
		n, err := strconv.Atoi(plainText(size))
		if err != nil || n < 0 {
			return illegalArgument(historySize + " must be a number >= 0")
		}
		next[historySize] = n
	}
	if _, err := a.engine.UpdateOrg(r.Context(), m.actor, org.ID, next); err != nil {
		return err
	}
	return a.answerOrg(w, r, m, org.ID, "put")
}

func (a *api) deleteOrg(w *web.Response, r *web.Request, m *manager) error {
	if _, err := a.org(r, m); err != nil {
		return err
	}
	return notOffered(w, r, m)
}

func (a *api) listOrgUsers(w *web.Response, r *web.Request, m *manager) error {
	org, err := a.org(r, m)
	if err != nil {
		return err
	}
	members, err := a.engine.OrgMembers(r.Context(), m.actor, org.ID)
	if err != nil {
		return err
	}
	var j web.JSONWriter
	j.OpenList()
	for _, admin := range members {
		j.RawItem(a.adminEntry(admin, nil))
	}
	j.CloseList()
	return a.answerManager(w, r, m, reply{action: "get organization users", status: "ok", data: raw(j.Buf)})
}

// createOrgUser makes an admin and a member of him; one whose address is known only becomes a member.
func (a *api) createOrgUser(w *web.Response, r *web.Request, m *manager) error {
	org, err := a.org(r, m)
	if err != nil {
		return err
	}
	f, err := readForm(r)
	if err != nil {
		return err
	}
	in, err := f.admin()
	if err != nil {
		return err
	}
	in.Properties, in.Mailing = f.adminProperties(), a.adminConfirmation(r)
	var letters []engine.Mailing
	if !strings.EqualFold(r.QueryOne("invite"), "false") {
		letters = append(letters, engine.Mailing{Subject: "User Invited To Organization"})
	}
	admin, err := a.engine.CreateOrgAdmin(r.Context(), m.actor, org.ID, in, letters...)
	if err != nil {
		return takenBy(err, "", in)
	}
	return a.answerAdmin(w, r, m, admin, "create user")
}

// answerAdmin answers with an admin as data.user.
func (a *api) answerAdmin(w *web.Response, r *web.Request, m *manager, admin *hecate.Admin, action string) error {
	var j web.JSONWriter
	j.Open()
	j.Raw("user", a.adminEntry(admin, nil))
	j.Close()
	return a.answerManager(w, r, m, reply{action: action, status: "ok", data: raw(j.Buf)})
}

// userRef is the admin whom the path names; "me" is the caller.
func userRef(r *web.Request, m *manager) string {
	ref := strings.TrimSpace(r.PathValue("user"))
	if strings.EqualFold(ref, "me") && m.actor.Admin != nil {
		return string(m.actor.Admin.ID)
	}
	return ref
}

// noAdmin says that there is no such admin, to those who may know it.
func noAdmin(err error, ref string) error {
	if errors.Is(err, hecate.NotFound) && hecate.Detail(err).Field == "admin" {
		return managementFault("Could not find user for username: " + ref).because(err)
	}
	return err
}

func (a *api) addOrgUser(w *web.Response, r *web.Request, m *manager) error {
	org, err := a.org(r, m)
	if err != nil {
		return err
	}
	ref := userRef(r, m)
	admin, err := a.engine.AddOrgAdmin(r.Context(), m.actor, org.ID, ref)
	if err != nil {
		return noAdmin(err, ref)
	}
	return a.answerAdmin(w, r, m, admin, "add user to organization")
}

func (a *api) removeOrgUser(w *web.Response, r *web.Request, m *manager) error {
	org, err := a.org(r, m)
	if err != nil {
		return err
	}
	return a.removeFrom(w, r, m, org, userRef(r, m))
}

// removeFrom takes an admin out of an organization, unless he is its last one.
func (a *api) removeFrom(w *web.Response, r *web.Request, m *manager, org *hecate.Org, ref string) error {
	admin, err := a.engine.OrgAdmin(r.Context(), m.actor, org.ID, ref)
	if err != nil {
		return noAdmin(err, ref)
	}
	err = a.engine.RemoveOrgMember(r.Context(), m.actor, org.ID, admin.ID)
	if errors.Is(err, hecate.Invalid) {
		return lastAdmin(org.Name).because(err)
	}
	if err != nil {
		return noAdmin(err, ref)
	}
	return a.answerAdmin(w, r, m, admin, "remove user from organization")
}

func (a *api) showOrgCredentials(w *web.Response, r *web.Request, m *manager) error {
	org, err := a.org(r, m)
	if err != nil {
		return err
	}
	c, err := a.engine.Client(r.Context(), m.actor, hecate.Client{Org: org.ID})
	if errors.Is(err, hecate.NotFound) { // an organization that another way made has none yet
		c, err = a.engine.SetClient(r.Context(), m.actor, hecate.Client{Org: org.ID})
		if errors.Is(err, hecate.Exists) { // somebody else asked at the same time
			c, err = a.engine.Client(r.Context(), m.actor, hecate.Client{Org: org.ID})
		}
	}
	return a.answerCredentials(w, r, m, c, err, "get organization client credentials")
}

func (a *api) renewOrgCredentials(w *web.Response, r *web.Request, m *manager) error {
	org, err := a.org(r, m)
	if err != nil {
		return err
	}
	c, err := a.engine.SetClient(r.Context(), m.actor, hecate.Client{Org: org.ID})
	return a.answerCredentials(w, r, m, c, err, "generate organization client credentials")
}

func (a *api) answerCredentials(w *web.Response, r *web.Request, m *manager, c *hecate.Client, err error, action string) error {
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return a.answerManager(w, r, m, reply{action: action, status: "ok", credentials: credentialsOf(c)})
}
