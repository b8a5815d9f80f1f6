package syncano

import (
	"strconv"

	"hecate"
	"hecate/internal/engine"
)

// What picking of fields goes on inside of.
var (
	accountNest    = &nest{}
	instanceNest   = &nest{"owner": nil}
	keyNest        = &nest{}
	userNest       = &nest{"profile": nil, "groups": nil}
	groupNest      = &nest{}
	userRowNest    = &nest{"user": *userNest}
	groupRowNest   = &nest{"group": nil}
	adminNest      = &nest{}
	invitationNest = &nest{}
)

// roleNames are the roles as the wire shows them: an owner has full.
var roleNames = [...]string{
	hecate.NoRole: "api_key", hecate.ReadRole: "read", hecate.WriteRole: "write", hecate.FullRole: "full", hecate.OwnerRole: "full",
}

// roleWords are the roles that may be given, and roles what they mean.
var (
	roleWords = []string{"read", "write", "full"}
	roles     = []hecate.AdminRole{hecate.ReadRole, hecate.WriteRole, hecate.FullRole}
)

var stateNames = [...]string{hecate.InvitationNew: "new", hecate.InvitationDeclined: "declined", hecate.InvitationAccepted: "accepted"}

// account writes the members of an account.
func (j *jsonWriter) account(a *hecate.Admin) {
	j.Int("id", a.Seq)
	j.Text("email", a.Email)
	j.Text("first_name", a.FirstName)
	j.Text("last_name", a.LastName)
	j.Bool("is_active", a.Activated)
	j.Bool("has_password", a.HasPassword)
	j.Value("metadata", a.Metadata)
}

// appendAccount appends an account, with its key only where that is asked for.
func appendAccount(dst []byte, d *engine.AdminDetail, withKey bool) []byte {
	j := newJSON(dst)
	j.Open()
	j.account(d.Admin)
	if withKey {
		j.Text("account_key", d.Key.Reveal())
	}
	j.Close()
	return j.Buf
}

// suffix is a link: its name, and its path below the thing it belongs to.
type suffix struct{ name, path string }

// instanceLinks are the links of an instance, the one thing besides the version in which v1 and v1.1 differ.
var instanceLinks = map[string][]suffix{
	"v1.1": {
		{"self", ""}, {"admins", "admins/"}, {"snippets", "snippets/"}, {"endpoints", "endpoints/"},
		{"push_notification", "push_notifications/"}, {"classes", "classes/"}, {"invitations", "invitations/"}, {"api_keys", "api_keys/"},
		{"triggers", "triggers/"}, {"schedules", "schedules/"}, {"users", "users/"}, {"groups", "groups/"}, {"channels", "channels/"},
		{"batch", "batch/"}, {"rename", "rename/"}, {"backups", "backups/"}, {"restores", "restores/"}, {"hosting", "hosting/"},
	},
	"v1": {
		{"self", ""}, {"admins", "admins/"}, {"classes", "classes/"}, {"codeboxes", "codeboxes/"}, {"runtimes", "runtimes/"},
		{"invitations", "invitations/"}, {"api_keys", "api_keys/"}, {"triggers", "triggers/"}, {"webhooks", "webhooks/"},
		{"schedules", "schedules/"}, {"users", "users/"}, {"groups", "groups/"}, {"channels", "channels/"}, {"hla_objects", "api/objects/"},
		{"batch", "batch/"}, {"templates", "snippets/templates/"}, {"rename", "rename/"}, {"push_notification", "push_notifications/"},
		{"backups", "backups/"}, {"restores", "restores/"},
	},
}

// appendInstance appends an instance. The role is the caller's.
func appendInstance(dst []byte, version string, d *engine.AppDetail) []byte {
	j := newJSON(dst)
	j.Open()
	j.Text("name", d.App.Alias)
	j.Text("description", d.App.Description)
	if d.Owner == nil {
		j.Null("owner")
	} else {
		j.Name("owner")
		j.Open()
		j.account(d.Owner)
		j.Close()
	}
	j.time("created_at", d.App.CreatedAt)
	j.time("updated_at", d.App.UpdatedAt)
	j.Text("role", roleNames[d.Role])
	j.Text("location", "eu1")
	j.Value("metadata", d.App.Metadata)
	self := appendPath(make([]byte, 0, 96), version, d.App.Alias)
	j.Name("links")
	j.Open()
	for _, l := range instanceLinks[version] {
		j.Text(l.name, string(self)+l.path)
	}
	j.Close()
	j.Close()
	return j.Buf
}

// link writes a member that is the path of something numbered inside an instance: <instance><kind><number>/<rest>.
func (j *jsonWriter) link(name, version, alias, kind string, number int64, rest string) {
	j.Name(name)
	j.Buf = append(j.Buf, '"')
	j.Buf = append(appendPath(j.Buf, version, alias), kind...) // an alias needs no escaping
	j.Buf = append(strconv.AppendInt(j.Buf, number, 10), '/')
	j.Buf = append(append(j.Buf, rest...), '"')
}

// appendMember appends an admin of an instance.
func appendMember(dst []byte, version string, app *hecate.App, m hecate.Member) []byte {
	j := newJSON(dst)
	j.Open()
	j.Int("id", m.Admin.Seq)
	j.Text("role", roleNames[m.Role])
	j.Text("email", m.Admin.Email)
	j.Text("first_name", m.Admin.FirstName)
	j.Text("last_name", m.Admin.LastName)
	j.Name("links")
	j.Open()
	j.link("self", version, app.Alias, "admins/", m.Admin.Seq, "")
	j.Close()
	j.Close()
	return j.Buf
}

// appendInvitation appends an invitation as its instance shows it, or, when own, as the account does that was invited.
func appendInvitation(dst []byte, version string, i *hecate.Invitation, own bool) []byte {
	j := newJSON(dst)
	j.Open()
	j.Int("id", i.Seq)
	j.Text("email", i.Email)
	j.Text("role", roleNames[i.Role])
	j.Text("key", i.Key.Reveal())
	if own {
		j.Text("instance", i.AppAlias)
	}
	j.Text("inviter", i.Inviter)
	j.time("created_at", i.CreatedAt)
	j.time("updated_at", i.UpdatedAt)
	j.Text("state", stateNames[i.State])
	j.Name("links")
	j.Open()
	if own {
		j.Text("self", "/"+version+"/account/invitations/"+strconv.FormatInt(i.Seq, 10)+"/")
		j.Text("instance", string(appendPath(nil, version, i.AppAlias)))
	} else {
		j.link("self", version, i.AppAlias, "invitations/", i.Seq, "")
		j.link("resend", version, i.AppAlias, "invitations/", i.Seq, "resend/")
	}
	j.Close()
	j.Close()
	return j.Buf
}

// keyFlags are the flags of an API key by their names on the wire.
var keyFlags = []struct {
	name string
	flag hecate.KeyFlags
}{
	{"ignore_acl", hecate.ManagesData},
	{"allow_user_create", hecate.CreatesUsers},
	{"allow_group_create", hecate.CreatesGroups},
	{"allow_anonymous_read", hecate.ReadsAsAnyone},
}

// appendKey appends an API key.
func appendKey(dst []byte, version string, app *hecate.App, k *hecate.APIKey) []byte {
	j := newJSON(dst)
	j.Open()
	j.Int("id", k.Seq)
	j.Text("description", k.Description)
	j.Text("api_key", k.Key.Reveal())
	for _, f := range keyFlags {
		j.Bool(f.name, k.Flags.Has(f.flag))
	}
	j.time("created_at", k.CreatedAt)
	j.Name("links")
	j.Open()
	j.link("self", version, app.Alias, "api_keys/", k.Seq, "")
	j.link("reset_key", version, app.Alias, "api_keys/", k.Seq, "reset_key/")
	j.Close()
	j.Close()
	return j.Buf
}

// username is what a user is called: his username, else his address, else his number.
func username(u *hecate.User) string {
	switch {
	case u.Username != "":
		return u.Username
	case u.Email != "":
		return u.Email
	}
	return "user_" + strconv.FormatInt(u.Seq, 10)
}

// appendUser appends a user: the same shape wherever users are shown. profiles is the app's profile collection.
func (a *api) appendUser(dst []byte, version string, app *hecate.App, profiles *hecate.Collection, d *engine.UserDetail) []byte {
	j := newJSON(dst)
	j.Open()
	j.Int("id", d.User.Seq)
	j.Text("username", username(d.User))
	j.textOrNull("user_key", d.Token.Reveal())
	j.Name("profile")
	if d.Profile == nil {
		j.Buf = append(j.Buf, "null"...)
	} else {
		j.Buf = a.appendObject(j.Buf, app, profiles, d.Profile, version)
	}
	j.Name("groups")
	j.OpenList()
	for _, g := range d.Groups {
		j.Comma()
		j.Buf = appendGroup(j.Buf, version, app, g)
	}
	j.CloseList()
	j.Name("links")
	j.Open()
	j.link("self", version, app.Alias, "users/", d.User.Seq, "")
	j.link("groups", version, app.Alias, "users/", d.User.Seq, "groups/")
	j.link("reset-key", version, app.Alias, "users/", d.User.Seq, "reset_key/")
	if d.Profile != nil {
		j.link("profile", version, app.Alias, "classes/"+profileClass+"/objects/", d.Profile.Seq, "")
	}
	j.Close()
	j.Close()
	return j.Buf
}

// appendGroup appends a group.
func appendGroup(dst []byte, version string, app *hecate.App, g *hecate.Group) []byte {
	j := newJSON(dst)
	j.Open()
	j.Int("id", g.Seq)
	j.textOrNull("name", g.Name)
	j.Text("label", g.Title)
	j.Text("description", g.Description)
	j.Name("links")
	j.Open()
	j.link("self", version, app.Alias, "groups/", g.Seq, "")
	j.link("users", version, app.Alias, "groups/", g.Seq, "users/")
	j.Close()
	j.Close()
	return j.Buf
}
