package usergrid

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// Properties of an application that mean something here: contracts/usergrid.md 3.5, 6.3, 7.2.
const (
	propertyTokenTTL     = "accesstokenttl"                           // ms
	propertyOpen         = "allow_open_registration"                  // absent: yes
	propertyConfirmation = "registration_requires_email_confirmation" // absent: no
	propertyApproval     = "registration_requires_admin_approval"     // absent: no
)

// How settings of a declaration are called; docs/settings.md.
const (
	settingTokenTTL   = "access_token_ttl" // "30m"
	settingProperties = "properties"       // what clients set
)

// applicationRoutes are those of the application itself: contracts/usergrid.md 6.3.
func (a *api) applicationRoutes() []web.Route[*call] {
	return []web.Route[*call]{
		web.Get("/", a.anyone(), a.showRoot),
		web.Put("/", a.managing(), a.updateRoot),
		web.Delete("/", a.known(), refuseDelete),
	}
}

// refuseDelete answers who tries to delete an application at its own URL: contracts/usergrid.md 1.8.
func refuseDelete(w *web.Response, r *web.Request, _ *call) error {
	return methodNotAllowed(w, r, "GET, HEAD, PUT")
}

// appProperties are the properties that clients see: what they set, and where they did not, what the operator declared.
func appProperties(app *hecate.App) map[string]any {
	declared := app.Settings.Dialects[dialectName]
	out := map[string]any{}
	for _, name := range []string{propertyOpen, propertyConfirmation, propertyApproval} {
		if v, set := declared[name]; set {
			out[name] = v
		}
	}
	if ttl, set := declaredTTL(app); set {
		out[propertyTokenTTL] = ttl.Milliseconds()
	}
	set, _ := declared[settingProperties].(map[string]any)
	maps.Copy(out, set)
	return out
}

// declaredTTL is the life of tokens that the operator declared; 0 there says nothing.
func declaredTTL(app *hecate.App) (time.Duration, bool) {
	text, _ := app.Settings.Dialects[dialectName][settingTokenTTL].(string)
	ttl, err := time.ParseDuration(text)
	return ttl, err == nil && ttl > 0
}

// tokenLife is the longest life, and the usual one, of tokens of the application's users; set is false where the application
// leaves it to the server. 0 that is set is for ever: contracts/usergrid.md 3.5.
func tokenLife(app *hecate.App) (life time.Duration, set bool) {
	properties, _ := app.Settings.Dialects[dialectName][settingProperties].(map[string]any)
	if v, own := properties[propertyTokenTTL]; own {
		ms, err := strconv.ParseInt(plainText(v), 10, 64)
		return time.Duration(ms) * time.Millisecond, err == nil
	}
	return declaredTTL(app)
}

// registrationOpen reports whether guests and users may make users, where the role policy lets them: contracts/usergrid.md 7.2.
func registrationOpen(app *hecate.App) bool { return flag(app, propertyOpen, true) }

// needsConfirmation reports whether new users must confirm their address first.
func needsConfirmation(app *hecate.App) bool { return flag(app, propertyConfirmation, false) }

// needsApproval reports whether new users wait for an admin.
func needsApproval(app *hecate.App) bool { return flag(app, propertyApproval, false) }

func flag(app *hecate.App, name string, absent bool) bool {
	switch v := appProperties(app)[name].(type) {
	case bool:
		return v
	case string:
		if on, err := strconv.ParseBool(v); err == nil {
			return on
		}
	}
	return absent
}

// notProperties are members of an application's JSON that are no properties of it.
var notProperties = map[string]bool{
	"uuid": true, "type": true, "name": true, "applicationName": true, "organizationName": true, "created": true, "modified": true, "metadata": true,
	"collections": true, "organization": true, "application": true, "action": true, "path": true, "uri": true,
}

// maxAppProperties bounds what clients may set of an application, in bytes of JSON and levels.
const maxAppProperties = 64 << 10

// checkAppProperties refuses values of known properties that mean nothing, and too many of them.
func checkAppProperties(properties map[string]any) error {
	if v := properties[propertyTokenTTL]; v != nil {
		// The longest that a time.Duration holds is 292 years.
		if ms, err := strconv.ParseInt(plainText(v), 10, 64); err != nil || ms < 0 || ms > int64(1<<63-1)/int64(time.Millisecond) {
			return illegalArgument("ttl must be a number >= 0")
		}
	}
	for _, name := range []string{propertyOpen, propertyConfirmation, propertyApproval} {
		switch v := properties[name].(type) {
		case nil, bool:
		case string:
			if _, err := strconv.ParseBool(v); err != nil {
				return illegalArgument(name + " must be true or false")
			}
		default:
			return illegalArgument(name + " must be true or false")
		}
	}
	text, err := json.Marshal(properties)
	if err != nil || strings.Contains(string(text), `\u0000`) {
		return illegalArgument("properties must be plain text")
	}
	if len(text) > maxAppProperties {
		return hecate.E(hecate.TooLarge, "update app").On("properties").Says("too many properties")
	}
	return nil
}

// updateRoot sets properties of the application; those that are not named stay, a null removes one.
func (a *api) updateRoot(w *web.Response, r *web.Request, c *call) error {
	p, err := readPayload(r)
	if err != nil {
		return err
	}
	if p.batch != nil {
		return illegalArgument("an object is expected")
	}
	changes := map[string]any{}
	for name, v := range p.object {
		if !notProperties[name] {
			changes[name] = v
		}
	}
	if err := checkAppProperties(changes); err != nil {
		return err
	}
	d, err := a.engine.UpdateApp(r.Context(), c.actor, c.app.ID, engine.UpdateAppInput{Adjust: func(s *hecate.Settings) error {
		mine := maps.Clone(s.Dialects[dialectName])
		if mine == nil {
			mine = map[string]any{}
		}
		now, _ := mine[settingProperties].(map[string]any)
		next := merged(now, changes)
		if err := checkAppProperties(next); err != nil {
			return err
		}
		mine[settingProperties] = next
		s.Dialects = maps.Clone(s.Dialects)
		if s.Dialects == nil {
			s.Dialects = map[string]map[string]any{}
		}
		s.Dialects[dialectName] = mine
		return nil
	}})
	if err != nil {
		return err
	}
	c.app = d.App
	return a.showRoot(w, r, c)
}

// showRoot answers with the application as an entity.
func (a *api) showRoot(w *web.Response, r *web.Request, c *call) error {
	entity, err := a.appEntity(r.Context(), c.actor, c.app)
	if err != nil {
		return err
	}
	return a.answer(w, r, c, reply{path: "/", entities: []raw{entity}})
}

// maxCount bounds how far a collection is counted.
const maxCount = 10_000

// appEntity is an application with its properties and its collections. How many things are in them is for those who
// manage it: others may not see all of them.
func (a *api) appEntity(ctx context.Context, actor *hecate.Actor, app *hecate.App) (raw, error) {
	collections, err := a.appCollections(ctx, actor, app)
	if err != nil {
		return nil, err
	}
	var j web.JSONWriter
	j.Open()
	j.Text("uuid", string(app.ID))
	j.Text("type", "application")
	j.Text("name", fullName(app))
	j.Int("created", app.CreatedAt.UnixMilli())
	j.Int("modified", app.UpdatedAt.UnixMilli())
	j.Text("applicationName", app.Name)
	j.Text("organizationName", app.OrgName)
	properties := appProperties(app)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		j.Value(name, properties[name])
	}
	j.Name("metadata")
	j.Open()
	j.Raw("collections", collections)
	j.Close()
	j.Close()
	return raw(j.Buf), nil
}

// appCollections is metadata.collections: contracts/usergrid.md 6.3.
func (a *api) appCollections(ctx context.Context, actor *hecate.Actor, app *hecate.App) (raw, error) {
	page, err := a.engine.Collections(ctx, actor, engine.List{Limit: hecate.MaxPage})
	if err != nil {
		return nil, err
	}
	type entry struct {
		id    hecate.CollectionID
		count int
	}
	shown := map[string]entry{"users": {}, "roles": {}}
	ids := make([]hecate.CollectionID, len(page.Rows))
	for i, c := range page.Rows {
		name := strings.ToLower(hecate.Plural(c.Name))
		if c.Kind == hecate.ProfileCollection {
			name = "users"
		}
		shown[name], ids[i] = entry{id: c.ID}, c.ID
	}
	counting := actor.Can(hecate.List, hecate.AreaRecords)
	counts := map[hecate.CollectionID]int{}
	if counting {
		if counts, err = a.engine.CountRecords(ctx, app.ID, ids, maxCount); err != nil {
			return nil, err
		}
		roles, err := a.engine.Roles(ctx, actor)
		if err != nil {
			return nil, err
		}
		shown["roles"] = entry{count: len(roles)}
	}
	var j web.JSONWriter
	j.Open()
	for _, name := range slices.Sorted(maps.Keys(shown)) {
		j.Name(name)
		j.Open()
		if counting {
			j.Int("count", int64(shown[name].count+counts[shown[name].id]))
		}
		j.Text("type", hecate.Singular(name))
		j.Text("name", name)
		j.Text("title", strings.ToUpper(name[:1])+name[1:])
		j.Close()
	}
	j.Close()
	return raw(j.Buf), nil
}

// orgApp is the application that the path of the management API names, and its organization, to which the caller belongs.
func (a *api) orgApp(r *web.Request, m *manager) (*hecate.Org, *hecate.App, error) {
	org, err := a.org(r, m)
	if err != nil {
		return nil, nil, err
	}
	ref := strings.TrimSpace(r.PathValue("app"))
	find := func() (*hecate.App, error) { return a.engine.AppByName(r.Context(), org.Name, ref) }
	if isUUID(ref) {
		find = func() (*hecate.App, error) { return a.appWithID(r.Context(), ref) }
	}
	app, err := find()
	if err == nil && app.Org != org.ID {
		err = hecate.E(hecate.NoApp, "find application")
	}
	if errors.Is(err, hecate.NoApp) {
		err = hecate.E(hecate.NoApp, "find application").With("org", org.Name).With("app", ref).With("path", r.URL.Path)
	}
	return org, app, err
}

// listApps answers with the ids of the organization's applications.
func (a *api) listApps(w *web.Response, r *web.Request, m *manager) error {
	org, err := a.org(r, m)
	if err != nil {
		return err
	}
	d, err := a.engine.OrgDetail(r.Context(), m.actor, org.ID)
	if err != nil {
		return err
	}
	var j web.JSONWriter
	writeApps(&j, d.Apps)
	return a.answerManager(w, r, m, reply{action: "get organization application", status: "ok", data: raw(j.Buf)})
}

// createApp makes an application with its roles and its client. Its name is kept in lower case.
func (a *api) createApp(w *web.Response, r *web.Request, m *manager) error {
	org, err := a.org(r, m)
	if err != nil {
		return err
	}
	f, err := readForm(r)
	if err != nil {
		return err
	}
	name := strings.ToLower(strings.TrimSpace(f.field("name")))
	if name == "" {
		return illegalArgument("The 'name' parameter is required and cannot be empty: null")
	}
	if err := checkPathName("name", name); err != nil {
		return err
	}
	d, err := a.engine.CreateApp(r.Context(), m.actor, engine.CreateAppInput{Org: org.ID, Name: name, AnyAlias: true})
	if errors.Is(err, hecate.Exists) {
		return applicationExists(name).because(err)
	}
	if err != nil {
		return tooManyApps(err)
	}
	entity, err := a.managedApp(r, m, d.App)
	if err != nil {
		return err
	}
	var j web.JSONWriter
	writeApps(&j, []*hecate.App{d.App})
	return a.answerManager(w, r, m, reply{
		action: "new application for organization", status: "ok", entities: []raw{entity}, data: raw(j.Buf),
	})
}

// tooManyApps tells an admin that he owns as many applications as he may.
func tooManyApps(err error) error {
	d := hecate.Detail(err)
	if most, ok := d.Info["limit"].(int); ok && errors.Is(err, hecate.TooLarge) {
		return forbiddenOperation("an admin owns at most " + strconv.Itoa(most) + " applications").because(err)
	}
	return err
}

// managedApp is the entity of an application for one of its managers.
func (a *api) managedApp(r *web.Request, m *manager, app *hecate.App) (raw, error) {
	inside, err := a.engine.ActorIn(r.Context(), m.actor, app)
	if err != nil {
		return nil, err
	}
	return a.appEntity(r.Context(), inside, app)
}

func (a *api) showApp(w *web.Response, r *web.Request, m *manager) error {
	_, app, err := a.orgApp(r, m)
	if err != nil {
		return err
	}
	entity, err := a.managedApp(r, m, app)
	if err != nil {
		return err
	}
	return a.answerManager(w, r, m, reply{action: "get", status: "ok", application: string(app.ID), entities: []raw{entity}})
}

// confirmation is the query parameter that repeats the name or id of an application that is to be deleted.
const confirmation = "confirm_application_identifier"

// deleteApp deletes an application; it can be restored. Whoever names it in the path has to say it twice.
func (a *api) deleteApp(w *web.Response, r *web.Request, m *manager) error {
	_, app, err := a.orgApp(r, m)
	if err != nil {
		return err
	}
	again := strings.TrimSpace(r.QueryOne(confirmation))
	if again == "" || !strings.EqualFold(again, strings.TrimSpace(r.PathValue("app"))) {
		return illegalArgument("Cannot delete application without its name or UUID in the parameter " + confirmation)
	}
	err = a.engine.DeleteApp(r.Context(), m.actor, app.ID, false)
	if errors.Is(err, hecate.Exists) {
		return conflict("An application named " + fullName(app) + " was deleted before and can still be restored").because(err)
	}
	if err != nil {
		return err
	}
	return a.answerManager(w, r, m, reply{action: "delete", status: "ok", application: string(app.ID)})
}

// restoreApp brings a deleted application back: contracts/usergrid.md 6.3.
func (a *api) restoreApp(w *web.Response, r *web.Request, m *manager) error {
	org, err := a.org(r, m)
	if err != nil {
		return err
	}
	ref := strings.TrimSpace(r.PathValue("app"))
	gone := &fault{status: http.StatusNotFound, code: "entity_not_found", exception: classNoEntity, err: hecate.NotFound,
		description: "Could not find application with UUID '" + ref + "'"}
	if !isUUID(ref) {
		return gone
	}
	app, err := a.engine.RestoreApp(r.Context(), m.actor, org.ID, hecate.AppID(strings.ToLower(ref)))
	switch {
	case errors.Is(err, hecate.NotFound):
		return gone.because(err)
	case errors.Is(err, hecate.Exists):
		return conflict("The name of the application is in use again").because(err)
	case err != nil:
		return tooManyApps(err)
	}
	return a.answerManager(w, r, m, reply{action: "restore", status: "ok", application: string(app.ID)})
}

func (a *api) showAppCredentials(w *web.Response, r *web.Request, m *manager) error {
	_, app, err := a.orgApp(r, m)
	if err != nil {
		return err
	}
	c, err := a.engine.Client(r.Context(), m.actor, hecate.Client{App: app.ID})
	return a.answerCredentials(w, r, m, c, err, "get application client credentials")
}

func (a *api) renewAppCredentials(w *web.Response, r *web.Request, m *manager) error {
	_, app, err := a.orgApp(r, m)
	if err != nil {
		return err
	}
	c, err := a.engine.SetClient(r.Context(), m.actor, hecate.Client{App: app.ID})
	return a.answerCredentials(w, r, m, c, err, "generate application client credentials")
}
