package usergrid

import (
	"context"
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
	return orgEntry(d), nil
}

// orgEntry is an organization with its applications by full name and its users by username.
func orgEntry(d *engine.OrgDetail) raw {
	var j web.JSONWriter
	j.Open()
	orgMembers(&j, d.Org)
	j.Name("applications")
	writeApps(&j, d.Apps)
	j.Name("users")
	j.Open()
	for _, m := range d.Members {
		j.Raw(adminName(m.Admin), adminEntry(m.Admin, nil))
	}
	j.Close()
	j.Close()
	return raw(j.Buf)
}

// plainOrg is an organization without what belongs to it.
func plainOrg(org *hecate.Org) raw {
	var j web.JSONWriter
	j.Open()
	orgMembers(&j, org)
	j.Close()
	return raw(j.Buf)
}

// orgMembers writes what every form of an organization has.
func orgMembers(j *web.JSONWriter, org *hecate.Org) {
	j.Text("name", org.Name)
	j.Text("uuid", string(org.ID))
	j.Name("properties")
	j.Buf = web.AppendJSON(j.Buf, orEmpty(org.Properties))
	j.Int(historySize, int64(wholeNumber(org.Properties[historySize])))
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
