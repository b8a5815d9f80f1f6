package usergrid

import (
	"html"
	"slices"
	"time"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// maxFeed is how many entries a feed has.
const maxFeed = 100

// A feed is told from what is there (when an organization, its applications and memberships began and by whom), not from
// the audit log, which other people's doings fill as well.

// orgFeed answers with how an organization came to be what it is, the newest first: contracts/usergrid.md 6.1.
func (a *api) orgFeed(w *web.Response, r *web.Request, m *manager) error {
	org, err := a.org(r, m)
	if err != nil {
		return err
	}
	d, err := a.engine.OrgDetail(r.Context(), m.actor, org.ID)
	if err != nil {
		return err
	}
	return a.answerFeed(w, r, m, "get organization feed", orgStory(d))
}

// adminFeed answers with the organizations and applications that an admin began.
func (a *api) adminFeed(w *web.Response, r *web.Request, m *manager) error {
	admin, err := a.admin(r, m)
	if err != nil {
		return err
	}
	orgs, err := a.engine.OrgDetailsOf(r.Context(), m.actor, admin.ID)
	if err != nil {
		return err
	}
	story := []deed{{at: admin.CreatedAt, by: admin, what: "user", id: string(admin.ID), name: adminName(admin), said: "created an admin user account"}}
	for _, d := range orgs {
		for _, x := range orgStory(d) {
			if x.by != nil && x.by.ID == admin.ID {
				story = append(story, x)
			}
		}
	}
	return a.answerFeed(w, r, m, "get admin user feed", story)
}

// deed is one entry of a feed.
type deed struct {
	at             time.Time
	by             *hecate.Admin // nil: nobody who is still known
	what, id, name string        // the thing: "group", "application", "user"
	said           string
}

// orgStory is what happened in an organization.
func orgStory(d *engine.OrgDetail) []deed {
	admins := map[hecate.AdminID]*hecate.Admin{}
	for _, m := range d.Members {
		admins[m.ID] = m.Admin
	}
	var founder *hecate.Admin
	if len(d.Members) > 0 {
		founder = d.Members[0].Admin
	}
	story := []deed{{at: d.Org.CreatedAt, by: founder, what: "group", id: string(d.Org.ID), name: d.Org.Name, said: "created a new organization account named " + d.Org.Name}}
	for _, m := range d.Members {
		story = append(story, deed{at: m.Since, by: m.Admin, what: "user", id: string(m.ID), name: adminName(m.Admin), said: "joined the organization " + d.Org.Name})
	}
	for _, app := range d.Apps {
		story = append(story, deed{
			at: app.CreatedAt, by: admins[app.Owner], what: "application", id: string(app.ID), name: fullName(app), said: "created a new application named " + fullName(app),
		})
	}
	return story
}

func (a *api) answerFeed(w *web.Response, r *web.Request, m *manager, action string, story []deed) error {
	slices.SortStableFunc(story, func(x, y deed) int { return y.at.Compare(x.at) })
	entries := []raw{}
	for _, x := range story[:min(len(story), maxFeed)] {
		entries = append(entries, x.activity())
	}
	return a.answerManager(w, r, m, reply{action: action, status: "ok", entities: entries})
}

// activity is an entry as the activities of users look. It has the id of the thing that began.
func (x deed) activity() raw {
	title := html.EscapeString(x.said)
	var j web.JSONWriter
	j.Open()
	j.Text("uuid", x.id)
	j.Text("type", "activity")
	j.Int("created", x.at.UnixMilli())
	j.Int("modified", x.at.UnixMilli())
	j.Int("published", x.at.UnixMilli())
	j.Text("verb", "create")
	j.Text("category", "admin")
	if x.by != nil {
		shown := html.EscapeString(adminTitle(x.by) + " (" + x.by.Email + ")")
		title = `<a href="mailto:` + html.EscapeString(x.by.Email) + `">` + shown + "</a> " + title
		j.Name("actor")
		j.Open()
		j.Text("displayName", adminTitle(x.by))
		j.Text("objectType", "person")
		j.Text("entityType", "user")
		j.Text("uuid", string(x.by.ID))
		j.Close()
	}
	j.Name("object")
	j.Open()
	j.Text("displayName", x.name)
	j.Text("objectType", x.what)
	j.Text("entityType", x.what)
	j.Text("uuid", x.id)
	j.Close()
	j.Text("title", title)
	j.Close()
	return raw(j.Buf)
}
