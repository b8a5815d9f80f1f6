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

// createMany makes the entities of an array. What cannot be made is left out without a word: contracts/usergrid.md 9.
func (a *api) createMany(w *web.Response, r *web.Request, c *call, name string, batch []map[string]any) error {
	ctx, plural := r.Context(), hecate.Plural(name)
	coll, err := a.dataCollection(ctx, c, name)
	if err != nil && (!errors.Is(err, hecate.NotFound) || slices.Contains(elsewhere, plural)) {
		return lost(err)
	}
	in := engine.SaveInput{Mode: engine.MakeOnly, Collection: plural}
	if coll != nil {
		in.Collection = coll.Name
	}
	items := make([]engine.SaveInput, 0, len(batch))
	for _, object := range batch {
		object, err := complete(c.actor, plural, object)
		if err != nil {
			continue
		}
		if in.Input.Values, err = valuesOf(coll, object); err == nil {
			items = append(items, in)
		}
	}
	records, err := a.saveMany(ctx, c, items, plural)
	if err != nil {
		return err
	}
	entities := []raw{}
	if len(records) > 0 {
		if coll, err = a.engine.LookupCollection(ctx, c.app.ID, in.Collection); err != nil {
			return err
		}
		if entities, err = a.entities(r, c, coll, records, nil); err != nil {
			return err
		}
	}
	return a.answer(w, r, c, reply{path: "/" + plural, entities: entities})
}

// saveMany saves entities, each for itself, and returns those that could be. A caller who may save none is told so.
func (a *api) saveMany(ctx context.Context, c *call, items []engine.SaveInput, plural string) ([]*hecate.Record, error) {
	if len(items) == 0 {
		return nil, nil
	}
	saved, err := a.saveRecords(ctx, c, c.actor, items, saveOptions(c.actor, plural))
	if err != nil {
		return nil, saveFault(c, &items[0], err)
	}
	records := make([]*hecate.Record, 0, len(saved))
	refused := 0
	for _, s := range saved {
		switch {
		case s.Err == nil:
			records = append(records, s.Record)
		case errors.Is(s.Err, hecate.Forbidden):
			refused++
		}
	}
	if refused == len(saved) {
		return nil, unpermitted(c, methodOf[items[0].Mode], "/"+plural)
	}
	return records, nil
}

// methodOf is by which method items of a mode come.
var methodOf = map[engine.SaveMode]string{engine.MakeOnly: http.MethodPost, engine.ChangeOnly: http.MethodPut, engine.Put: http.MethodPut}

// matching finds the entities of a collection that a query means, at most limit where the request says none.
func (a *api) matching(r *web.Request, c *call, coll *hecate.Collection, text string, limit int) ([]*hecate.Record, error) {
	if strings.TrimSpace(text) == "*" { // 0.10.11 sends q=* for all
		text = ""
	}
	q, err := parseQL(text)
	if err != nil {
		return nil, err
	}
	query, err := q.query(coll, r)
	if err != nil {
		return nil, err
	}
	if r.QueryOne("limit") == "" {
		query.Limit = limit
	}
	page, err := a.engine.Records(r.Context(), c.actor, coll, query)
	return page.Rows, err
}

// updateMatching changes all entities that a query finds: contracts/usergrid.md 9 and 16.
func (a *api) updateMatching(w *web.Response, r *web.Request, c *call, text string, body entityBody) error {
	object, err := body.single()
	if err != nil {
		return err
	}
	coll, err := a.dataCollection(r.Context(), c, r.PathValue("collection"))
	if err != nil {
		return lost(err)
	}
	found, err := a.matching(r, c, coll, text, hecate.MaxPage)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return resourceNotFound()
	}
	values, err := valuesOf(coll, object)
	if err != nil {
		return err
	}
	items := make([]engine.SaveInput, len(found))
	for i, rec := range found {
		items[i] = engine.SaveInput{Collection: coll.Name, Mode: engine.ChangeOnly, Input: engine.RecordInput{ID: rec.ID, Values: values}}
	}
	plural := hecate.Plural(coll.Name)
	records, err := a.saveMany(r.Context(), c, items, plural)
	if err != nil {
		return err
	}
	entities, err := a.entities(r, c, coll, records, nil)
	if err != nil {
		return err
	}
	return a.answer(w, r, c, reply{path: "/" + plural, entities: entities})
}

// deleteSome answers DELETE on a collection, which has to say what is meant.
func (a *api) deleteSome(w *web.Response, r *web.Request, c *call) error {
	if !asksQuery(r) && r.QueryOne("limit") == "" {
		return unsupportedOperation()
	}
	return a.takeMatching(w, r, c, qlText(r))
}

// deleteLimit is how many entities one deletion takes that names no limit.
const deleteLimit = 10

// takeMatching deletes entities that a query finds, and shows them.
func (a *api) takeMatching(w *web.Response, r *web.Request, c *call, text string) error {
	name := r.PathValue("collection")
	coll, err := a.dataCollection(r.Context(), c, name)
	if errors.Is(err, hecate.NotFound) {
		return a.answer(w, r, c, reply{path: "/" + hecate.Plural(name), entities: []raw{}})
	}
	if err != nil {
		return err
	}
	found, err := a.matching(r, c, coll, text, deleteLimit)
	if err != nil {
		return err
	}
	ids := make([]hecate.RecordID, len(found))
	for i, rec := range found {
		ids[i] = rec.ID
	}
	gone, err := a.engine.TakeRecords(r.Context(), c.actor, coll, ids)
	if err != nil {
		return err
	}
	if len(gone) == 0 && len(found) > 0 {
		return unpermitted(c, http.MethodDelete, "/"+hecate.Plural(coll.Name))
	}
	entities := make([]raw, len(gone))
	for i, rec := range gone {
		entities[i] = a.recordEntity(coll, rec, meta{})
	}
	return a.answer(w, r, c, reply{path: "/" + hecate.Plural(coll.Name), entities: entities})
}
