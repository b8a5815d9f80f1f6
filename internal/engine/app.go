package engine

import (
	"context"
	"errors"

	"hecate"
	"hecate/internal/store"
)

// cachedApp finds an app under one of its cache keys. Kinds: NoApp.
func (e *Engine) cachedApp(ctx context.Context, key string, load func(context.Context) (*hecate.App, error)) (*hecate.App, error) {
	app, err := e.cache.apps.get(ctx, key, load)
	if errors.Is(unheldText(err), hecate.NotFound) {
		return nil, hecate.E(hecate.NoApp, "find app")
	}
	return app, err
}

func appAliasKey(alias string) string { return "alias:" + store.FoldName(alias) }
func appNameKey(org, name string) string {
	return "name:" + store.FoldName(org) + "/" + store.FoldName(name)
}
func appIDKey(id hecate.AppID) string { return "id:" + string(id) }

// AppByAlias returns the app of that server-wide alias, compared without case.
// Kinds: NoApp.
func (e *Engine) AppByAlias(ctx context.Context, alias string) (*hecate.App, error) {
	return e.cachedApp(ctx, appAliasKey(alias), func(ctx context.Context) (*hecate.App, error) { return e.openApp(e.db.AppByAlias(ctx, alias)) })
}

// AppByName returns the app of that org, both compared without case.
// Kinds: NoApp.
func (e *Engine) AppByName(ctx context.Context, org, name string) (*hecate.App, error) {
	return e.cachedApp(ctx, appNameKey(org, name), func(ctx context.Context) (*hecate.App, error) { return e.openApp(e.db.AppByName(ctx, org, name)) })
}

// AppByID returns a live app. Kinds: NoApp.
func (e *Engine) AppByID(ctx context.Context, id hecate.AppID) (*hecate.App, error) {
	return e.cachedApp(ctx, appIDKey(id), func(ctx context.Context) (*hecate.App, error) { return e.openApp(e.db.App(ctx, id)) })
}

// AppByKey returns the app to which an API key belongs. Kinds: BadKey.
func (e *Engine) AppByKey(ctx context.Context, key hecate.Secret) (*hecate.App, error) {
	const op = "find app by key"
	hash := e.lookup(key)
	k, err := e.cache.keys.get(ctx, hash, func(ctx context.Context) (*hecate.APIKey, error) { return e.db.KeyByHash(ctx, hash) })
	if errors.Is(err, hecate.NotFound) {
		return nil, hecate.E(hecate.BadKey, op)
	}
	if err != nil {
		return nil, err
	}
	app, err := e.AppByID(ctx, k.App)
	if errors.Is(err, hecate.NoApp) {
		return nil, hecate.E(hecate.BadKey, op)
	}
	return app, err
}

// forgetApp drops an app under all its names.
func (e *Engine) forgetApp(ctx context.Context, tx *store.DB, a *hecate.App) error {
	return e.forget(ctx, tx, "apps", appAliasKey(a.Alias), appNameKey(a.OrgName, a.Name), appIDKey(a.ID))
}

// actorIn is the actor as he is in one app: an admin with his role there, and without powers who has no place in it.
// Kinds: Inactive on "org" for whoever has a place in an app whose org may not be used yet, but for the operator; those of adminMayAct.
func (e *Engine) actorIn(ctx context.Context, actor *hecate.Actor, app *hecate.App) (*hecate.Actor, error) {
	if actor == nil || actor.App != nil && actor.App.ID == app.ID {
		return actor, nil
	}
	in, err := e.placedIn(ctx, actor, app)
	if err == nil && in.Role != hecate.NoRole && in.Kind != hecate.SystemActor {
		err = e.orgMayBeUsed(app.OrgAwaits, "enter app")
	}
	return in, err
}

func (e *Engine) placedIn(ctx context.Context, actor *hecate.Actor, app *hecate.App) (*hecate.Actor, error) {
	in := &hecate.Actor{Kind: actor.Kind, App: app, Admin: actor.Admin, Org: actor.Org, Session: actor.Session, Subjects: actor.Subjects}
	switch {
	case actor.Kind == hecate.SystemActor:
		in.Role = hecate.OwnerRole
	case actor.Kind == hecate.ClientActor && actor.App == nil && actor.Org == app.Org:
		in.Role = hecate.FullRole
	case actor.Admin != nil:
		return in, e.actAsAdmin(ctx, in, actor.Admin)
	}
	in.Powers = hecate.RolePowers[in.Role]
	return in, nil
}

// ActorIn is a caller from outside of apps as he is in one: with his role there, and without powers who has no place in it.
func (e *Engine) ActorIn(ctx context.Context, actor *hecate.Actor, app *hecate.App) (*hecate.Actor, error) {
	return e.actorIn(ctx, actor, app)
}

// appFor finds an app that the actor may see, and the actor in it. Kinds: NotFound.
func (e *Engine) appFor(ctx context.Context, actor *hecate.Actor, id hecate.AppID, op string) (*hecate.App, *hecate.Actor, error) {
	app, err := e.AppByID(ctx, id)
	if errors.Is(err, hecate.NoApp) {
		return nil, nil, hecate.E(hecate.NotFound, op)
	}
	if err != nil {
		return nil, nil, err
	}
	in, err := e.actorIn(ctx, actor, app)
	if err != nil {
		return nil, nil, err
	}
	if err := e.allowArea(in, hecate.Read, hecate.AreaApp, op); err != nil {
		return nil, nil, hecate.E(hecate.NotFound, op)
	}
	return app, in, nil
}

// AppDetail is an app as its admins see it.
type AppDetail struct {
	App   *hecate.App
	Owner *hecate.Admin    // nil when it has none
	Role  hecate.AdminRole // of the caller; NoRole for an API key
}

// App returns one app. Kinds: NotFound when the actor may not see it.
func (e *Engine) App(ctx context.Context, actor *hecate.Actor, id hecate.AppID) (*AppDetail, error) {
	app, in, err := e.appFor(ctx, actor, id, "app")
	if err != nil {
		return nil, err
	}
	return e.appDetail(ctx, app, in.Role)
}

func (e *Engine) appDetail(ctx context.Context, app *hecate.App, role hecate.AdminRole) (*AppDetail, error) {
	list, err := e.appDetails(ctx, []store.AppWithRole{{App: app, Role: role}})
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// appDetails adds the owners, in one query.
func (e *Engine) appDetails(ctx context.Context, apps []store.AppWithRole) ([]*AppDetail, error) {
	var ids []hecate.AdminID
	for _, a := range apps {
		if a.Owner != "" {
			ids = append(ids, a.Owner)
		}
	}
	owners, err := e.db.AdminsByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make([]*AppDetail, len(apps))
	for i, a := range apps {
		out[i] = &AppDetail{App: a.App, Owner: owners[a.Owner], Role: a.Role}
	}
	return out, nil
}

// Apps lists the apps in which the admin has a role, or the one of the actor's key.
// Prefix filters by alias. Kinds: Unauthenticated.
func (e *Engine) Apps(ctx context.Context, actor *hecate.Actor, in List) (hecate.Page[*AppDetail], error) {
	var none hecate.Page[*AppDetail]
	var rows hecate.Page[store.AppWithRole]
	var err error
	switch {
	case actor == nil:
		return none, hecate.E(hecate.Unauthenticated, "list apps")
	case actor.Admin != nil:
		rows, err = e.db.AppsOfAdmin(ctx, actor.Admin.ID, in.bounded())
	case actor.Kind == hecate.SystemActor:
		rows, err = withRole(hecate.OwnerRole)(e.db.Apps(ctx, in.bounded()))
	case actor.Kind == hecate.ClientActor && actor.App == nil:
		rows, err = withRole(hecate.FullRole)(e.db.AppsInOrg(ctx, actor.Org, in.bounded()))
	case actor.App != nil && actor.Can(hecate.Read, hecate.AreaApp):
		rows = onePage(store.AppWithRole{App: actor.App, Role: actor.Role}, actor.App.Seq, in)
	default:
		return none, hecate.E(hecate.Unauthenticated, "list apps")
	}
	if err != nil {
		return none, err
	}
	details, err := e.appDetails(ctx, rows.Rows)
	return hecate.Page[*AppDetail]{Rows: details, More: rows.More}, err
}

func withRole(role hecate.AdminRole) func(hecate.Page[*hecate.App], error) (hecate.Page[store.AppWithRole], error) {
	return func(p hecate.Page[*hecate.App], err error) (hecate.Page[store.AppWithRole], error) {
		if err != nil {
			return hecate.Page[store.AppWithRole]{}, err
		}
		return mapPage(p, func(a *hecate.App) (store.AppWithRole, error) { return store.AppWithRole{App: a, Role: role}, nil })
	}
}

// CreateAppInput describes a new app. An empty Org is the admin's own org, made when missing.
type CreateAppInput struct {
	Org         hecate.OrgID
	Name        string
	Alias       string // "": Name
	AnyAlias    bool   // Alias is not asked for: one that is free is chosen
	Description string
	Metadata    map[string]any
	Settings    hecate.Settings
	Owner       hecate.AdminID // named by the operator alone; else the calling admin
}

func (in *CreateAppInput) check(op string) error {
	if in.Alias == "" {
		in.Alias = in.Name
	}
	return errors.Join(checkText(op, "name", in.Name, 1, maxAlias), checkText(op, "alias", in.Alias, 1, maxAlias),
		checkText(op, "description", in.Description, 0, maxText), checkSettings(&in.Settings))
}

// CreateApp makes an app owned by the admin, with its profile collection, the
// built-in roles (guest, default, admin) and a client. Kinds: Forbidden, Invalid, Exists on "alias" or "name",
// TooLarge on "apps" with Info "limit".
func (e *Engine) CreateApp(ctx context.Context, actor *hecate.Actor, in CreateAppInput) (*AppDetail, error) {
	const op = "create app"
	if err := e.mayCreateApp(ctx, actor, in.Org, op); err != nil {
		return nil, err
	}
	if err := in.check(op); err != nil {
		return nil, err
	}
	app, client, err := e.newApp(in)
	if err != nil {
		return nil, err
	}
	switch {
	case actor.Admin != nil:
		app.Owner = actor.Admin.ID
	case actor.Kind == hecate.SystemActor:
		app.Owner = in.Owner
	}
	err = e.db.Write(ctx, func(tx *store.DB) error {
		if in.AnyAlias {
			org, err := e.orgOf(ctx, tx, actor, in.Org, op)
			if err != nil {
				return err
			}
			if err := e.chooseAlias(ctx, tx, app, org.Name, op); err != nil {
				return err
			}
		}
		return e.insertApp(ctx, tx, actor, app, in.Org, client, op)
	})
	if err != nil {
		return nil, err
	}
	return e.appDetail(ctx, app, hecate.OwnerRole)
}

// newApp prepares an app and its client.
func (e *Engine) newApp(in CreateAppInput) (*hecate.App, store.Sealed[*hecate.Client], error) {
	var client store.Sealed[*hecate.Client]
	id, err := e.newID()
	if err != nil {
		return nil, client, err
	}
	if client, err = e.newClient(hecate.Client{App: hecate.AppID(id)}); err != nil {
		return nil, client, err
	}
	now := e.stamp()
	return &hecate.App{
		ID: hecate.AppID(id), Org: in.Org, Name: in.Name, Alias: store.FoldName(in.Alias), Description: in.Description,
		Metadata: in.Metadata, Settings: in.Settings, CreatedAt: now, UpdatedAt: now,
	}, client, nil
}

// mayCreateApp is the door for apps: the operator, an org's client, and admins in an org of theirs. Kinds: Forbidden, Inactive on "org".
func (e *Engine) mayCreateApp(ctx context.Context, actor *hecate.Actor, org hecate.OrgID, op string) error {
	ok := false
	switch {
	case actor == nil || actor.Key != nil || actor.User != nil:
	case actor.Kind == hecate.SystemActor:
		ok = org != ""
	case actor.Kind == hecate.ClientActor:
		ok = org != "" && actor.Org == org && actor.App == nil
	case actor.Admin != nil && org == "":
		own, err := e.db.OwnOrg(ctx, actor.Admin.ID)
		if errors.Is(err, hecate.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		ok, org = true, own.ID
	case actor.Admin != nil:
		var err error
		if ok, err = e.db.IsOrgMember(ctx, org, actor.Admin.ID); err != nil {
			return err
		}
	}
	if !ok {
		e.refused(actor, "", op, string(org), "")
		return hecate.E(hecate.Forbidden, op)
	}
	if actor.Kind == hecate.SystemActor {
		return nil
	}
	return e.orgOpen(ctx, org, op)
}

func (e *Engine) insertApp(ctx context.Context, tx *store.DB, actor *hecate.Actor, app *hecate.App, in hecate.OrgID,
	client store.Sealed[*hecate.Client], op string) error {
	if err := tx.Lock(ctx, "apps"); err != nil {
		return err
	}
	org, err := e.orgOf(ctx, tx, actor, in, op)
	if err != nil {
		return err
	}
	app.Org, app.OrgName, app.OrgAwaits = org.ID, org.Name, org.Awaits
	if actor.Admin != nil {
		if err := e.roomForApp(ctx, tx, app.Owner, op); err != nil {
			return err
		}
	}
	if err := appNamesFree(ctx, tx, app, op); err != nil {
		return err
	}
	if app.Seq, err = tx.NextSerial(ctx, "", "apps"); err != nil {
		return err
	}
	stored, err := e.sealedApp(app)
	if err != nil {
		return err
	}
	if err := tx.InsertApp(ctx, stored); err != nil {
		return err
	}
	if app.Owner != "" {
		if err := tx.SetMember(ctx, app.ID, app.Owner, hecate.OwnerRole); err != nil {
			return err
		}
	}
	client.Row.Org = org.ID
	if free, err := tx.InsertClient(ctx, client); err != nil || !free {
		return taken(err, op, "client")
	}
	if err := e.createRoles(ctx, tx, app); err != nil {
		return err
	}
	if err := e.createProfileCollection(ctx, tx, app); err != nil {
		return err
	}
	return e.record(ctx, tx, actor, app.ID, op, "app:"+string(app.ID))
}

// orgOf is the org of a new app: the one that was named, or the admin's own.
func (e *Engine) orgOf(ctx context.Context, tx *store.DB, actor *hecate.Actor, id hecate.OrgID, op string) (*hecate.Org, error) {
	if id == "" {
		return e.ownOrg(ctx, tx, actor.Admin)
	}
	org, err := tx.Org(ctx, id)
	return org, missing(err, op, "org")
}

// appNamesFree checks an app's names against those of others; the caller holds the lock.
func appNamesFree(ctx context.Context, tx *store.DB, app *hecate.App, op string) error {
	if used, err := tx.AliasTaken(ctx, app.Alias, app.ID); err != nil || used {
		return taken(err, op, "alias")
	}
	if used, err := tx.AppNameTaken(ctx, app.Org, app.Name, app.ID); err != nil || used {
		return taken(err, op, "name")
	}
	return nil
}

// UpdateAppInput changes what is not nil.
type UpdateAppInput struct {
	Alias       *string // owner only; a Name equal to the old alias goes with it
	Description *string
	Metadata    map[string]any
	Config      map[string]any
	Settings    *hecate.Settings
	// Adjust, instead of Settings, changes the settings as they are when they are written. It may run more than once.
	Adjust func(*hecate.Settings) error
}

// UpdateApp changes an app. Kinds: Forbidden, NotFound, Invalid, Exists on "alias" or "name", and on "login_keys" where two
// users share what new LoginKeys keep apart.
func (e *Engine) UpdateApp(ctx context.Context, actor *hecate.Actor, id hecate.AppID, in UpdateAppInput) (*AppDetail, error) {
	const op = "update app"
	_, inside, err := e.appFor(ctx, actor, id, op)
	if err != nil {
		return nil, err
	}
	want := hecate.Update
	if in.Alias != nil {
		want = hecate.Manage
		if err := checkText(op, "alias", *in.Alias, 1, maxAlias); err != nil {
			return nil, err
		}
	}
	if err := e.allowArea(inside, want, hecate.AreaApp, op); err != nil {
		return nil, err
	}
	if err := checkText(op, "description", deref(in.Description), 0, maxText); err != nil {
		return nil, err
	}
	if in.Settings != nil {
		if err := checkSettings(in.Settings); err != nil {
			return nil, err
		}
	}
	var out *hecate.App
	err = e.db.Write(ctx, func(tx *store.DB) error {
		if err := tx.Lock(ctx, "apps"); err != nil {
			return err
		}
		app, err := e.openApp(tx.App(ctx, id))
		if err != nil {
			return missing(err, op, "")
		}
		out = app
		return e.writeAppChange(ctx, tx, inside, app, in, op)
	})
	if err != nil {
		return nil, err
	}
	return e.appDetail(ctx, out, inside.Role)
}

func (e *Engine) writeAppChange(ctx context.Context, tx *store.DB, actor *hecate.Actor, app *hecate.App, in UpdateAppInput, op string) error {
	if err := e.forgetApp(ctx, tx, app); err != nil { // under the old names
		return err
	}
	if in.Alias != nil && store.FoldName(*in.Alias) != app.Alias {
		if store.FoldName(app.Name) == app.Alias {
			app.Name = *in.Alias
		}
		app.Alias = store.FoldName(*in.Alias)
		if err := appNamesFree(ctx, tx, app, op); err != nil {
			return err
		}
	}
	set(&app.Description, in.Description)
	if in.Metadata != nil {
		app.Metadata = in.Metadata
	}
	if in.Config != nil {
		app.Config = in.Config
	}
	if in.Adjust != nil {
		next := app.Settings
		if err := errors.Join(in.Adjust(&next), next.Pages.Check("pages")); err != nil { // who adjusts letters checks them outside the write
			return err
		}
		in.Settings = &next
	}
	if in.Settings != nil {
		if in.Settings.Sandbox != app.Settings.Sandbox {
			if err := e.setSandbox(ctx, tx, app.ID, in.Settings.Sandbox); err != nil {
				return err
			}
		}
		if err := e.rebuildNames(ctx, tx, app.ID, &app.Settings, in.Settings); err != nil {
			return err
		}
		app.Settings = *in.Settings
	}
	app.UpdatedAt = e.stamp()
	stored, err := e.sealedApp(app)
	if err != nil {
		return err
	}
	if err := tx.UpdateApp(ctx, stored); err != nil {
		return missing(err, op, "")
	}
	if err := e.forgetApp(ctx, tx, app); err != nil {
		return err
	}
	return e.record(ctx, tx, actor, app.ID, op, "app:"+string(app.ID))
}

// mayEndApp is the door to an app's deletion and return: its owner, and its org's own client, whose it is too.
func (e *Engine) mayEndApp(actor, in *hecate.Actor, app *hecate.App, op string) error {
	if actor != nil && actor.Kind == hecate.ClientActor && actor.App == nil && actor.Org == app.Org {
		return nil
	}
	return e.allowArea(in, hecate.Delete, hecate.AreaApp, op)
}

// DeleteApp deletes an app: its names are free at once, its keys and tokens dead. With purge its data goes
// too, else RestoreApp brings it back. Kinds: Forbidden (only the owner and the org's client may), NotFound, without purge Exists on "name" when
// an app of that name was deleted before and is still kept.
func (e *Engine) DeleteApp(ctx context.Context, actor *hecate.Actor, id hecate.AppID, purge bool) error {
	const op = "delete app"
	app, in, err := e.appFor(ctx, actor, id, op)
	if err != nil {
		return err
	}
	if err := e.mayEndApp(actor, in, app, op); err != nil {
		return err
	}
	return e.db.Write(ctx, func(tx *store.DB) error {
		if err := e.forgetApp(ctx, tx, app); err != nil {
			return err
		}
		if !purge {
			if err := e.keepRetired(ctx, tx, app, op); err != nil {
				return err
			}
		}
		// Keys lead to apps by themselves, and would outlive theirs in the cache.
		if err := errors.Join(e.forgetAll(ctx, tx, "keys"), e.forgetAll(ctx, tx, "clients")); err != nil {
			return err
		}
		if err := tx.RetireApp(ctx, id); err != nil {
			return missing(err, op, "")
		}
		if purge {
			if err := e.purgeApp(ctx, tx, id); err != nil {
				return err
			}
		}
		return e.record(ctx, tx, in, "", op, "app:"+string(id)) // an event of the server: the app's own go with it
	})
}

// keepRetired prepares an app for being deleted and kept. One kept app has a name (contracts/usergrid.md 6.3), and the logins end for good:
// only credentials (passwords, keys, standing sessions) come back with the app.
func (e *Engine) keepRetired(ctx context.Context, tx *store.DB, app *hecate.App, op string) error {
	if err := tx.Lock(ctx, "apps"); err != nil {
		return err
	}
	if used, err := tx.RetiredAppNamed(ctx, app.Org, app.Name, app.ID); err != nil || used {
		return taken(err, op, "name")
	}
	if err := tx.EndLogins(ctx, app.ID); err != nil {
		return err
	}
	return e.forgetAll(ctx, tx, "sessions")
}

// RestoreApp brings a deleted app of an org back with its data, its name and a free alias. Its client gets a new secret; logins
// from before stay dead. Kinds: NotFound on "org" or "app", Forbidden, Exists on "name" when another has taken it, TooLarge on "apps".
func (e *Engine) RestoreApp(ctx context.Context, actor *hecate.Actor, org hecate.OrgID, id hecate.AppID) (*hecate.App, error) {
	const op = "restore app"
	if _, err := e.orgFor(ctx, actor, org, op); err != nil {
		return nil, err
	}
	app, err := e.openApp(e.db.RetiredApp(ctx, id))
	if err == nil && app.Org != org {
		err = hecate.NotFound
	}
	if err != nil {
		return nil, missing(unheldText(err), op, "app")
	}
	in, err := e.actorIn(ctx, actor, app)
	if err != nil {
		return nil, err
	}
	if err := e.mayEndApp(actor, in, app, op); err != nil {
		return nil, err
	}
	client, err := e.renewedClient(ctx, hecate.Client{App: id, Org: org})
	if err != nil {
		return nil, err
	}
	err = e.db.Write(ctx, func(tx *store.DB) error {
		if err := e.chooseAlias(ctx, tx, app, app.OrgName, op); err != nil { // it holds the lock on apps
			return err
		}
		if err := appNamesFree(ctx, tx, app, op); err != nil {
			return err
		}
		if actor.Admin != nil {
			if err := e.roomForApp(ctx, tx, app.Owner, op); err != nil {
				return err
			}
		}
		app.UpdatedAt = e.stamp()
		if err := tx.ReviveApp(ctx, app); err != nil {
			return missing(err, op, "app")
		}
		if err := tx.UpdateClient(ctx, client); err != nil {
			return missing(err, op, "client")
		}
		if err := e.forgetApp(ctx, tx, app); err != nil {
			return err
		}
		if err := e.forgetAll(ctx, tx, "clients"); err != nil {
			return err
		}
		return e.record(ctx, tx, in, id, op, "app:"+string(id))
	})
	if err != nil {
		return nil, err
	}
	return app, nil
}

// renewedClient prepares a new secret for the client of an app, which keeps its id.
func (e *Engine) renewedClient(ctx context.Context, c hecate.Client) (store.Sealed[*hecate.Client], error) {
	old, err := e.storedClient(ctx, e.db, c)
	if err != nil {
		return old, missing(err, "client", "client")
	}
	c.ID, c.Public = old.Row.ID, old.Row.Public
	return e.newClient(c)
}

// roomForApp keeps an admin from owning more apps than he may. The caller holds the lock on apps.
func (e *Engine) roomForApp(ctx context.Context, tx *store.DB, owner hecate.AdminID, op string) error {
	n, err := tx.CountOwnApps(ctx, owner)
	if err == nil && n >= e.limits.AppsPerAdmin {
		err = hecate.E(hecate.TooLarge, op).On("apps").With("limit", e.limits.AppsPerAdmin)
	}
	return err
}

// purgeApp removes every row of an app, and later the bytes of its files.
func (e *Engine) purgeApp(ctx context.Context, tx *store.DB, id hecate.AppID) error {
	files, err := e.purgeRecords(ctx, tx, id)
	if err != nil {
		return err
	}
	e.dropLater(ctx, tx, id, files)
	return tx.PurgeApp(ctx, id)
}
