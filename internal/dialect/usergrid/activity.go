package usergrid

import (
	"context"
	"errors"
	"maps"
	"net/http"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// Activities are records of the collection of that name. Those posted at a user are his (his is the record), those posted at a group
// are shown to it. A feed is put together when it is read: contracts/usergrid.md 7.2, 8.3.

const (
	activitiesName = "activities"
	feedName       = "feed"
)

// postActivity makes an activity of a user.
func (a *api) postActivity(w *web.Response, r *web.Request, c *call) error {
	u, err := a.userOf(r, c)
	if err != nil {
		return changed(r.Method, err)
	}
	profiles, err := a.engine.Profiles(r.Context(), engine.SystemIn(c.app), []hecate.UserID{u.ID})
	if err != nil {
		return err
	}
	who := actorOf(u, profiles[u.ID])
	return a.post(w, r, c, userPath(u)+"/"+activitiesName, engine.Onto{User: u.ID}, func(given map[string]any) map[string]any {
		actor := maps.Clone(who)
		maps.Copy(actor, given)
		actor["uuid"] = string(u.ID) // nobody else posts here
		return actor
	})
}

// postGroupActivity makes an activity of a group, by whoever posts it.
func (a *api) postGroupActivity(w *web.Response, r *web.Request, c *call) error {
	g, err := a.group(r.Context(), c, r.PathValue("group"))
	if err != nil {
		return changed(r.Method, err)
	}
	return a.post(w, r, c, groupPath(g)+"/"+activitiesName, engine.Onto{Group: g.ID}, func(given map[string]any) map[string]any {
		if c.actor.User == nil {
			return given
		}
		actor := actorOf(c.actor.User, nil)
		maps.Copy(actor, given)
		return actor
	})
}

// actorOf is what an activity says of the user who did it. His address is left out: activities are read by others.
func actorOf(u *hecate.User, profile *hecate.Record) map[string]any {
	actor := map[string]any{"entityType": "user", "objectType": "person", "uuid": string(u.ID), "username": shownName(u), "displayName": shownName(u)}
	if profile == nil {
		return actor
	}
	if name, ok := profile.Values[nameField].(string); ok && name != "" {
		actor["displayName"] = name
	}
	if picture, ok := profile.Values["picture"].(string); ok && picture != "" {
		actor["picture"] = picture
	}
	return actor
}

// post makes the activity of a request's body at a path, and hangs it on what it belongs to.
func (a *api) post(w *web.Response, r *web.Request, c *call, path string, onto engine.Onto, actor func(given map[string]any) map[string]any) error {
	on := *c
	on.actor, on.onto = c.via(path), &onto
	body, err := a.readBody(r, &on)
	if err != nil {
		return err
	}
	if body.batch != nil {
		return illegalArgument("one activity is expected")
	}
	object := maps.Clone(body.object)
	if object == nil {
		object = map[string]any{}
	}
	given, _ := object["actor"].(map[string]any)
	if filled := actor(given); filled != nil {
		object["actor"] = filled
	}
	if object["published"] == nil {
		object["published"] = a.now().UnixMilli()
	}
	body.object = object
	coll, rec, err := a.createEntity(r.Context(), &on, on.actor, activitiesName, body)
	if err != nil {
		a.drop(r.Context(), &on, body)
		return reached(c, r.Method, path, err)
	}
	return a.answerConnected(w, r, c, on.actor, walk{base: path}, []engine.Placed{{Collection: coll, Record: rec}}, "")
}

// userActivities answers with the activities of a user, the newest first.
func (a *api) userActivities(w *web.Response, r *web.Request, c *call) error {
	return a.listActivities(w, r, c, activitiesName, "")
}

// userFeed answers with the activities of a user and of those he follows, the newest first.
func (a *api) userFeed(w *web.Response, r *web.Request, c *call) error {
	return a.listActivities(w, r, c, feedName, followingLink)
}

// listActivities answers with the activities of a user, and with a name of those to whom his links of that name lead.
func (a *api) listActivities(w *web.Response, r *web.Request, c *call, word, name string) error {
	u, err := a.userOf(r, c)
	if err != nil {
		return err
	}
	path := userPath(u) + "/" + word
	if err := a.permit(c, c.actor, r.Method, path); err != nil {
		return err
	}
	coll, err := a.dataCollection(r.Context(), c, activitiesName)
	if errors.Is(err, hecate.NotFound) {
		return a.answer(w, r, c, reply{path: path, entities: []raw{}})
	}
	if err != nil {
		return err
	}
	actor := c.via(path)
	of, err := a.engine.OwnersAround(r.Context(), actor, u.ID, name)
	if err != nil {
		return reached(c, r.Method, path, err)
	}
	rows, cursor, err := a.filteredPage(r, actor, coll, of)
	if err != nil {
		return reached(c, r.Method, path, err)
	}
	return a.answerConnected(w, r, c, actor, walk{base: path}, rows, cursor)
}

// filteredPage is the page of a collection that a request asks for, of those records that also match a filter.
func (a *api) filteredPage(r *web.Request, actor *hecate.Actor, coll *hecate.Collection, also hecate.Filter) ([]engine.Placed, string, error) {
	q, err := requestQL(r)
	if err != nil {
		return nil, "", err
	}
	query, err := q.query(coll, r)
	if err != nil {
		return nil, "", err
	}
	query.Filter = hecate.And(also, query.Filter)
	page, err := a.engine.Records(r.Context(), actor, coll, query)
	if err != nil {
		return nil, "", err
	}
	rows := make([]engine.Placed, len(page.Rows))
	for i, rec := range page.Rows {
		rows[i] = engine.Placed{Collection: coll, Record: rec}
	}
	if !page.More || len(rows) == 0 {
		return rows, "", nil
	}
	cursor, err := a.cursorAt(r.Context(), coll, q, query, page.Rows[len(rows)-1])
	return rows, cursor, err
}

// userActivity answers with one activity of a user.
func (a *api) userActivity(w *web.Response, r *web.Request, c *call) error {
	u, err := a.userOf(r, c)
	if err != nil {
		return err
	}
	base := userPath(u) + "/" + activitiesName
	ref := itemOf(r.PathValue("item"))
	coll, rec, err := a.ownActivity(r.Context(), c, u, base, ref)
	if errors.Is(err, hecate.NotFound) {
		return resourceNotFound()
	}
	if err != nil {
		return err
	}
	return a.answerConnected(w, r, c, c.via(base), walk{base: base}, []engine.Placed{{Collection: coll, Record: rec}}, "")
}

// ownActivity finds an activity of a user. Kinds: NotFound, also for that of somebody else; Forbidden.
func (a *api) ownActivity(ctx context.Context, c *call, u *hecate.User, base string, ref itemRef) (*hecate.Collection, *hecate.Record, error) {
	if ref.many {
		return nil, nil, unsupportedOperation()
	}
	coll, err := a.dataCollection(ctx, c, activitiesName)
	if err != nil {
		return nil, nil, err
	}
	id, err := a.locateItem(ctx, coll, ref)
	if err != nil {
		return nil, nil, err
	}
	path := base + "/" + string(id)
	if err := a.permit(c, c.actor, http.MethodGet, path); err != nil {
		return nil, nil, err
	}
	rec, err := a.engine.Record(ctx, c.via(path), coll, engine.RecordRef{ID: id})
	if err == nil && rec.Owner != u.ID {
		err = hecate.E(hecate.NotFound, "read activity")
	}
	return coll, rec, err
}

// groupActivities and groupFeed answer with what was posted to a group, the newest first.
func (a *api) groupActivities(w *web.Response, r *web.Request, c *call) error {
	return a.listGroupActivities(w, r, c, activitiesName)
}

func (a *api) groupFeed(w *web.Response, r *web.Request, c *call) error {
	return a.listGroupActivities(w, r, c, feedName)
}

func (a *api) listGroupActivities(w *web.Response, r *web.Request, c *call, word string) error {
	g, err := a.group(r.Context(), c, r.PathValue("group"))
	if err != nil {
		return err
	}
	path := groupPath(g) + "/" + word
	if err := a.permit(c, c.actor, r.Method, path); err != nil {
		return err
	}
	coll, err := a.dataCollection(r.Context(), c, activitiesName)
	if errors.Is(err, hecate.NotFound) {
		return a.answer(w, r, c, reply{path: path, entities: []raw{}})
	}
	if err != nil {
		return err
	}
	actor := c.via(path)
	rows, cursor, err := a.linkedPage(r, engine.LinkedInput{Collection: coll}, func(in engine.LinkedInput) (hecate.Page[engine.LinkedRecord], error) {
		return a.engine.GroupRecords(r.Context(), actor, g.ID, in)
	})
	if err != nil {
		return reached(c, r.Method, path, err)
	}
	return a.answerConnected(w, r, c, actor, walk{base: path}, rows, cursor)
}
