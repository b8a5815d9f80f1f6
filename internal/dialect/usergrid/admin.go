package usergrid

import (
	"context"
	"encoding/json"
	"errors"
	"html"
	"strconv"
	"strings"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// masterApp is the id of the application to which the original counts admin users and organizations; every
// installation of it has the same. Nothing lies in it here, and nobody can address it: contracts/usergrid.md 1.7, 4.2.
const masterApp hecate.AppID = "b6768a08-b5d5-11e3-a495-11ddb1de66c8"

// adminUser is an admin as token answers show him, with his organizations where those are asked for: contracts/usergrid.md 4.2.
func (a *api) adminUser(ctx context.Context, admin *hecate.Admin, withOrgs bool) (raw, error) {
	if !withOrgs {
		return a.adminEntry(admin, nil), nil
	}
	orgs, err := a.engine.OrgDetailsOf(ctx, engine.System(), admin.ID)
	if err != nil {
		return nil, err
	}
	return a.adminEntry(admin, a.orgsByName(orgs)), nil
}

// orgsByName is the member "organizations" of an admin.
func (a *api) orgsByName(orgs []*engine.OrgDetail) raw {
	var j web.JSONWriter
	j.Open()
	for _, d := range orgs {
		j.Raw(d.Org.Name, a.orgEntry(d))
	}
	j.Close()
	return raw(j.Buf)
}

// adminEntry is an admin, with his organizations unless they are nil. Who waits for nothing that the server asks for shows as active and
// confirmed: contracts/usergrid.md 6.4.
func (a *api) adminEntry(admin *hecate.Admin, orgs raw) raw {
	name, email, awaits := adminTitle(admin), admin.Email, a.engine.AdminAwaits(admin)
	var j web.JSONWriter
	j.Open()
	j.Text("applicationId", string(masterApp))
	j.Text("uuid", string(admin.ID))
	j.Text("username", adminName(admin))
	j.Text("name", name)
	j.Text("email", email)
	j.Bool("activated", awaits == 0)
	j.Bool("confirmed", !awaits.Has(hecate.AwaitsConfirmation))
	j.Bool("disabled", admin.Disabled)
	j.Name("properties")
	j.Buf = web.AppendJSON(j.Buf, orEmpty(admin.Properties))
	j.Bool("adminUser", true)
	j.Text("displayEmailAddress", name+" <"+email+">")
	shown := html.EscapeString(email)
	j.Text("htmldisplayEmailAddress", html.EscapeString(name)+` <<a href="mailto:`+shown+`">`+shown+"</a>>")
	if orgs != nil {
		j.Raw("organizations", orgs)
	}
	j.Close()
	return raw(j.Buf)
}

// adminName is an admin's username; those whom another dialect registered may have none.
func adminName(admin *hecate.Admin) string {
	if admin.Username != "" {
		return admin.Username
	}
	return admin.Email
}

// adminTitle is an admin's name, from whatever he gave.
func adminTitle(admin *hecate.Admin) string {
	if admin.Name != "" {
		return admin.Name
	}
	if name := strings.TrimSpace(admin.FirstName + " " + admin.LastName); name != "" {
		return name
	}
	return admin.Email
}

// wholeNumber is a number that was sent as a number or as text; 0 for what is none or negative.
func wholeNumber(v any) int {
	var n int64
	switch v := v.(type) {
	case int64:
		n = v
	case int:
		n = int64(v)
	case float64:
		n = int64(v)
	case json.Number:
		n, _ = v.Int64()
	case string:
		n, _ = strconv.ParseInt(v, 10, 32)
	}
	return int(max(0, min(n, 1<<31-1)))
}

// plainText is a text or a number as text, "" for anything else.
func plainText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case int64:
		return strconv.FormatInt(v, 10)
	case int:
		return strconv.Itoa(v)
	}
	return ""
}

// admin is the one whom the path names: the caller himself, or for the operator anybody. Everybody else learns nothing.
func (a *api) admin(r *web.Request, m *manager) (*hecate.Admin, error) {
	ref := userRef(r, m)
	admin, err := a.engine.Admin(r.Context(), m.actor, ref)
	if errors.Is(err, hecate.Forbidden) {
		return nil, unauthorized("No admin user access authorized").because(err)
	}
	return admin, noAdmin(err, ref)
}

// registerAdmin makes an account that belongs to no organization yet.
func (a *api) registerAdmin(w *web.Response, r *web.Request, m *manager) error {
	f, err := readForm(r)
	if err != nil {
		return err
	}
	in, err := f.admin()
	if err != nil {
		return err
	}
	in.Properties, in.Mailing = f.adminProperties(), a.adminConfirmation(r)
	in.RandomPassword = true
	d, err := a.engine.RegisterAdmin(r.Context(), m.actor, in)
	if err != nil {
		return takenBy(err, "", in)
	}
	return a.answerAdmin(w, r, m, d.Admin, "create user")
}

// showAdmin answers with the account, its organizations unless shallow is asked for, and the token by which it was asked,
// where clients look for it: contracts/usergrid.md 6.2.
func (a *api) showAdmin(w *web.Response, r *web.Request, m *manager) error {
	admin, err := a.admin(r, m)
	if err != nil {
		return err
	}
	shown, err := a.adminUser(r.Context(), admin, !strings.EqualFold(r.QueryOne("shallow"), "true"))
	if err != nil {
		return err
	}
	p, err := a.present(r)
	if err != nil {
		return err
	}
	if !p.bearer.IsZero() {
		shown = append(shown[:len(shown)-1], `,"token":`...)
		shown = append(web.AppendText(shown, p.bearer.Reveal()), '}')
		w.Header().Set("Cache-Control", "no-store")
	}
	return a.answerManager(w, r, m, reply{action: "get admin user", status: "ok", data: shown})
}

// updateAdmin changes names and address; what is no word of an account is a property. With a new password the old one is the proof.
func (a *api) updateAdmin(w *web.Response, r *web.Request, m *manager) error {
	admin, err := a.admin(r, m)
	if err != nil {
		return err
	}
	f, err := readForm(r)
	if err != nil {
		return err
	}
	in := engine.UpdateAdminInput{
		Email: f.given("email"), Username: f.given("username"), Name: f.given("name"), Mailing: a.adminConfirmation(r),
	}
	if in.Username != nil {
		if err := checkAdminName(*in.Username); err != nil {
			return err
		}
	}
	more, err := f.properties()
	if err != nil {
		return err
	}
	in.Properties = merged(merged(admin.Properties, more), f.adminProperties())
	if f.field("newpassword") != "" {
		if err := a.setAdminPassword(r, m, string(admin.ID), f); err != nil {
			return err
		}
	}
	if err := a.setAdminState(r.Context(), m, admin.ID, f); err != nil {
		return err
	}
	updated, err := a.engine.UpdateAdminAccount(r.Context(), m.actor, admin.ID, in)
	if err != nil {
		return takenBy(err, "", engine.RegisterAdminInput{Email: f.field("email"), Username: f.field("username")})
	}
	return a.answerManager(w, r, m, reply{action: "update user info", status: "ok", data: a.adminEntry(updated, nil)})
}

// setAdminState lets an admin in or shuts him out, where the operator says so; from others the members are passed over, as they always were.
func (a *api) setAdminState(ctx context.Context, m *manager, id hecate.AdminID, f form) error {
	if m.actor.Kind != hecate.SystemActor {
		return nil
	}
	if active, _ := f.object["activated"].(bool); active {
		if _, err := a.engine.AdmitAdmin(ctx, m.actor, id); err != nil {
			return err
		}
	}
	disabled, given := f.object["disabled"].(bool)
	if !given {
		return nil
	}
	_, err := a.engine.DisableAdmin(ctx, m.actor, id, disabled)
	return err
}

// given is a member that is a text with something in it, else nil.
func (f form) given(name string) *string {
	text := strings.TrimSpace(f.field(name))
	if text == "" {
		return nil
	}
	return &text
}

// changeAdminPassword takes the old password as the proof; the operator needs none: contracts/usergrid.md 6.2.
func (a *api) changeAdminPassword(w *web.Response, r *web.Request, m *manager) error {
	f, err := readForm(r)
	if err != nil {
		return err
	}
	if f.field("newpassword") == "" {
		return illegalArgument("newpassword is required")
	}
	if err := a.setAdminPassword(r, m, userRef(r, m), f); err != nil {
		return err
	}
	return a.answerManager(w, r, m, reply{action: "set user password"})
}

func (a *api) setAdminPassword(r *web.Request, m *manager, ref string, f form) error {
	err := a.engine.ReplaceAdminPassword(r.Context(), m.actor, engine.AdminPasswordInput{
		Ref: ref, Old: hecate.NewSecret(f.field("oldpassword")), New: hecate.NewSecret(f.field("newpassword")), Min: minPassword,
		From: r.ClientIP(),
	})
	switch {
	case errors.Is(err, hecate.UnknownUser): // as a wrong password: nobody learns here who has an account
		return hecate.E(hecate.WrongPassword, "change admin password").Because(err)
	case errors.Is(err, hecate.UserDisabled):
		return disabledAdmin().because(err)
	}
	return noAdmin(err, ref)
}

func (a *api) listAdminOrgs(w *web.Response, r *web.Request, m *manager) error {
	admin, err := a.admin(r, m)
	if err != nil {
		return err
	}
	orgs, err := a.engine.OrgDetailsOf(r.Context(), m.actor, admin.ID)
	if err != nil {
		return err
	}
	return a.answerManager(w, r, m, reply{action: "get user management", status: "ok", data: a.orgsByName(orgs)})
}

// createAdminOrg makes an organization whose first member is the admin.
func (a *api) createAdminOrg(w *web.Response, r *web.Request, m *manager) error {
	admin, err := a.admin(r, m)
	if err != nil {
		return err
	}
	f, err := readForm(r)
	if err != nil {
		return err
	}
	name := strings.TrimSpace(f.field("organization"))
	if name == "" {
		return illegalArgument("The organization parameter was missing")
	}
	if err := checkPathName("organization", name, reservedOrgs...); err != nil {
		return err
	}
	org, err := a.engine.CreateOrg(r.Context(), m.actor, name)
	if err != nil {
		return takenBy(err, name, engine.RegisterAdminInput{})
	}
	if m.actor.Admin == nil {
		if err := a.engine.AddOrgMember(r.Context(), m.actor, org.ID, admin.ID); err != nil {
			return err
		}
	}
	var j web.JSONWriter
	j.Open()
	j.Raw("organization", a.plainOrg(org))
	j.Close()
	return a.answerManager(w, r, m, reply{action: "new organization for user", status: "ok", data: raw(j.Buf)})
}

// joinOrg puts an admin into an organization of the caller's.
func (a *api) joinOrg(w *web.Response, r *web.Request, m *manager) error {
	admin, org, err := a.adminAndOrg(r, m)
	if err != nil {
		return err
	}
	if err := a.engine.AddOrgMember(r.Context(), m.actor, org.ID, admin.ID); err != nil {
		return err
	}
	return a.answerManager(w, r, m, reply{action: "add user to organization", status: "ok", organization: a.plainOrg(org)})
}

func (a *api) leaveOrg(w *web.Response, r *web.Request, m *manager) error {
	admin, org, err := a.adminAndOrg(r, m)
	if err != nil {
		return err
	}
	return a.removeFrom(w, r, m, org, string(admin.ID))
}

func (a *api) adminAndOrg(r *web.Request, m *manager) (*hecate.Admin, *hecate.Org, error) {
	admin, err := a.admin(r, m)
	if err != nil {
		return nil, nil, err
	}
	org, err := a.org(r, m)
	return admin, org, err
}
