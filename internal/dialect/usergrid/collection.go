package usergrid

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// nameField is the property that names an entity in its collection.
const nameField = "name"

// elsewhere are collections that have routes of their own.
var elsewhere = []string{"users", "groups", "roles"}

// demanded are the properties without which nothing is made in a collection: contracts/usergrid.md 9.
var demanded = map[string][]string{"assets": {"path", "owner"}, "activities": {"actor", "verb"}}

// collection finds the collection that a path names, in the singular or the plural; with create a missing one is made, where the
// caller may make things in it. "users" is the profiles'. Kinds: NotFound, Forbidden, TooLarge.
func (a *api) collection(ctx context.Context, c *call, name string, create bool) (*hecate.Collection, error) {
	plural := hecate.Plural(name)
	for _, try := range []string{plural, hecate.Singular(name), name} {
		coll, err := a.engine.LookupCollection(ctx, c.app.ID, try)
		if err == nil || !errors.Is(err, hecate.NotFound) {
			return coll, err
		}
	}
	if !create || slices.Contains(elsewhere, plural) {
		return nil, hecate.E(hecate.NotFound, "collection")
	}
	return a.engine.EnsureCollection(ctx, c.actor, plural, saveOptions(c.actor, plural))
}

// dataCollection is collection for routes of plain collections: users, groups and roles are none.
func (a *api) dataCollection(ctx context.Context, c *call, name string) (*hecate.Collection, error) {
	if slices.Contains(elsewhere, hecate.Plural(name)) {
		return nil, hecate.E(hecate.NotFound, "collection")
	}
	return a.collection(ctx, c, name, false)
}

// saveOptions say how entities of a collection are saved: it comes into being with the first of them, and every property
// that it lacks becomes a field that queries find.
func saveOptions(actor *hecate.Actor, plural string) engine.SaveOptions {
	fields := []hecate.Field{{Name: nameField, Type: hecate.StringType, Unique: true, Indexed: true, Fold: true}}
	if plural == "events" { // contracts/usergrid.md 9: they may repeat their names
		fields[0].Unique = false
	}
	return engine.SaveOptions{
		Guests:  true,
		Missing: missingField,
		Extend:  func(c *hecate.Collection) bool { return c == nil || grows(actor, c) },
		New:     engine.CollectionInput{Open: true, Schema: fields},
	}
}

// grows reports whether entities may give a collection fields: those of other dialects that have a gate of their own have the
// fields that their makers gave them.
func grows(actor *hecate.Actor, c *hecate.Collection) bool {
	return c.Open || !c.Access.Own || actor.Can(hecate.Update, hecate.AreaSchema)
}

// missingField is what a property becomes that a collection has no field for.
func missingField(name string, v any) (hecate.Field, bool) {
	if _, ok := v.(hecate.FileRef); ok {
		return hecate.Field{Name: name, Type: hecate.FileType}, true
	}
	return hecate.Field{Name: name, Type: hecate.JSONType, Indexed: true}, true
}

// list answers GET of a collection.
func (a *api) list(w *web.Response, r *web.Request, c *call) error {
	return a.listMatching(w, r, c, qlText(r), true)
}

// listMatching answers with a page of a collection. One that does not exist is empty.
func (a *api) listMatching(w *web.Response, r *web.Request, c *call, text string, counted bool) error {
	q, err := parseQL(text)
	if err != nil {
		return err
	}
	name := r.PathValue("collection")
	coll, err := a.dataCollection(r.Context(), c, name)
	if errors.Is(err, hecate.NotFound) {
		return a.answer(w, r, c, reply{path: "/" + hecate.Plural(name), entities: []raw{}, counted: counted})
	}
	if err != nil {
		return err
	}
	path := "/" + hecate.Plural(coll.Name)
	if err := a.permit(c, c.actor, http.MethodGet, path); err != nil {
		return err
	}
	page, cursor, err := a.page(r.Context(), c.actor, coll, q, r)
	if err != nil {
		return err
	}
	entities, err := a.entities(r, c, coll, page.Rows, q.fields)
	if err != nil {
		return err
	}
	return a.answer(w, r, c, reply{path: path, entities: entities, counted: counted, cursor: cursor})
}

// create answers POST on a collection: one entity, or those of an array.
func (a *api) create(w *web.Response, r *web.Request, c *call) error {
	ctx, name := r.Context(), r.PathValue("collection")
	body, err := a.readBody(r, c)
	if err != nil {
		return err
	}
	if body.batch != nil {
		return a.createMany(w, r, c, name, body.batch)
	}
	coll, rec, err := a.createEntity(ctx, c, c.actor, name, body)
	if err != nil {
		a.drop(ctx, c, body)
		return lost(err)
	}
	if c.onto != nil {
		return a.answerOne(w, r, c, coll, rec)
	}
	// Nothing leads to what was made a moment ago.
	return a.answer(w, r, c, reply{path: "/" + hecate.Plural(coll.Name), entities: []raw{a.recordEntity(coll, rec, meta{})}})
}

// createEntity makes an entity in a collection, which comes into being where it is missing.
func (a *api) createEntity(ctx context.Context, c *call, actor *hecate.Actor, name string, body entityBody) (*hecate.Collection, *hecate.Record, error) {
	plural := hecate.Plural(name)
	object, err := complete(actor, plural, body.object)
	if err != nil {
		return nil, nil, err
	}
	body.object = object
	return a.saveBody(ctx, c, actor, name, engine.SaveInput{Mode: engine.MakeOnly}, body)
}

// complete refuses an entity that lacks what its collection demands, and says who is the actor of an activity.
func complete(actor *hecate.Actor, plural string, object map[string]any) (map[string]any, error) {
	for _, name := range demanded[plural] {
		if v := object[name]; v == nil || v == "" {
			return nil, requiredProperty(hecate.Singular(plural), name)
		}
	}
	who, ok := object["actor"].(map[string]any)
	if plural != "activities" || !ok || who["uuid"] != nil || actor.User == nil {
		return object, nil
	}
	filled := make(map[string]any, len(object))
	for name, v := range object {
		filled[name] = v
	}
	named := map[string]any{"uuid": string(actor.User.ID)}
	for name, v := range who {
		named[name] = v
	}
	filled["actor"] = named
	return filled, nil
}

// saveBody saves one entity with the properties and the asset of a body, and returns it with its collection.
func (a *api) saveBody(ctx context.Context, c *call, actor *hecate.Actor, name string, in engine.SaveInput, body entityBody) (*hecate.Collection, *hecate.Record, error) {
	coll, err := a.dataCollection(ctx, c, name)
	plural := hecate.Plural(name)
	switch {
	case err == nil:
		in.Collection = coll.Name
	case !errors.Is(err, hecate.NotFound) || slices.Contains(elsewhere, plural):
		return nil, nil, err
	default:
		in.Collection = plural
	}
	if in.Input.Values, err = valuesOf(coll, body.object); err != nil {
		return nil, nil, err
	}
	if body.asset != nil {
		in.Input.Values[assetField] = *body.asset
	}
	o := saveOptions(actor, plural)
	o.Atomic = true
	saved, err := a.saveRecords(ctx, c, actor, []engine.SaveInput{in}, o)
	if err == nil {
		err = saved[0].Err
	}
	if err != nil {
		return nil, nil, saveFault(c, &in, err)
	}
	if coll, err = a.engine.LookupCollection(ctx, c.app.ID, in.Collection); err != nil {
		return nil, nil, err
	}
	return coll, saved[0].Record, nil
}

// saveFault says why an entity could not be saved.
func saveFault(c *call, in *engine.SaveInput, err error) error {
	d := hecate.Detail(err)
	typ := hecate.Singular(in.Collection)
	switch {
	case d.Kind == hecate.Exists && (d.Field == "id" || d.Field == "key"): // it is something else, or in somebody's private space
		return resourceNotFound()
	case d.Kind == hecate.Exists:
		value := in.By.Text
		if v, ok := in.Input.Values[d.Field]; ok && v != nil {
			value = strings.Trim(string(appendValue(nil, v)), `"`)
		}
		return duplicate(typ, d.Field, value).because(err)
	case d.Kind == hecate.Forbidden && d.Field == "collection":
		method, path := http.MethodPost, "/"+hecate.Plural(in.Collection)
		if in.Mode == engine.Put {
			method = http.MethodPut
		}
		return unpermitted(c, method, path)
	case d.Kind == hecate.Invalid && d.Field == "schema":
		if name, ok := d.Info["closed"].(string); ok && name == in.Collection {
			return illegalArgument("no collection " + name + " may be made here")
		} else if ok {
			return illegalArgument("no property " + name + " may be added to " + in.Collection)
		}
	}
	return err
}

// replaceCollection answers PUT on a collection: it changes what a query finds, and is POST without one.
func (a *api) replaceCollection(w *web.Response, r *web.Request, c *call) error {
	if !asksQuery(r) {
		return a.create(w, r, c)
	}
	body, err := a.readBody(r, c)
	if err != nil {
		return err
	}
	a.drop(r.Context(), c, body)
	return a.updateMatching(w, r, c, qlText(r), body)
}

// asksQuery reports whether a request says which entities of a collection it means.
func asksQuery(r *web.Request) bool { return qlText(r) != "" }
