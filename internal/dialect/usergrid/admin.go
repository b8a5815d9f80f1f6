package usergrid

import (
	"context"
	"encoding/json"
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
		return adminEntry(admin, nil), nil
	}
	orgs, err := a.engine.OrgDetailsOf(ctx, engine.System(), admin.ID)
	if err != nil {
		return nil, err
	}
	return adminEntry(admin, orgsByName(orgs)), nil
}

// orgsByName is the member "organizations" of an admin.
func orgsByName(orgs []*engine.OrgDetail) raw {
	var j web.JSONWriter
	j.Open()
	for _, d := range orgs {
		j.Raw(d.Org.Name, orgEntry(d))
	}
	j.Close()
	return raw(j.Buf)
}

// adminEntry is an admin, with his organizations unless they are nil. Nothing asks him to confirm his address before he
// may act, so he shows as active and confirmed: contracts/usergrid.md 6.4.
func adminEntry(admin *hecate.Admin, orgs raw) raw {
	name, email := adminTitle(admin), admin.Email
	var j web.JSONWriter
	j.Open()
	j.Text("applicationId", string(masterApp))
	j.Text("uuid", string(admin.ID))
	j.Text("username", adminName(admin))
	j.Text("name", name)
	j.Text("email", email)
	j.Bool("activated", true)
	j.Bool("confirmed", true)
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
