package skygear

import (
	"context"
	"errors"
	"maps"
	"slices"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// view shows records of any types to the caller of one request. What it needs beside them is looked up once for all of them.
type view struct {
	shape  recordShape
	rights engine.FieldRights
	users  map[hecate.UserID]*hecate.User
	types  map[hecate.CollectionID]*hecate.Collection
	verify verification
	self   hecate.UserID // who looks
	master bool          // it is the master key
}

// viewOf prepares the view of records; nil ones are skipped.
func (a *api) viewOf(r *web.Request, c *call, records []*hecate.Record) (*view, error) {
	ctx := r.Context()
	v := &view{types: map[hecate.CollectionID]*hecate.Collection{}, verify: settingsOf(c.app).verify, self: c.actor.UserID(), master: c.master()}
	var err error
	if v.rights, err = a.engine.FieldRights(ctx, c.actor); err != nil {
		return nil, err
	}
	if err := a.findTypes(ctx, c.app, v.types, records); err != nil {
		return nil, err
	}
	if v.users, err = a.usersOf(ctx, c, v.types, records); err != nil {
		return nil, err
	}
	v.shape.values, v.shape.userKey = a.valuesOf(r, c.app), v.userKey
	return v, nil
}

// findTypes finds the collections of records; those that are gone meanwhile stay out.
func (a *api) findTypes(ctx context.Context, app *hecate.App, into map[hecate.CollectionID]*hecate.Collection, records []*hecate.Record) error {
	for _, rec := range records {
		if rec == nil || into[rec.Collection] != nil {
			continue
		}
		c, err := a.engine.LookupCollectionByID(ctx, app.ID, rec.Collection) // cached
		if errors.Is(err, hecate.NotFound) {
			continue
		}
		if err != nil {
			return err
		}
		into[rec.Collection] = c
	}
	return nil
}

// usersOf finds the users whom records name, in one query. The caller himself is at hand, but for his profile he is looked
// up: what he is called may have changed with this very request.
func (a *api) usersOf(ctx context.Context, c *call, types map[hecate.CollectionID]*hecate.Collection, records []*hecate.Record) (map[hecate.UserID]*hecate.User, error) {
	found := map[hecate.UserID]*hecate.User{}
	if u := c.actor.User; u != nil {
		found[u.ID] = u
	}
	asked := map[hecate.UserID]bool{}
	for _, rec := range records {
		if rec == nil {
			continue
		}
		if t := types[rec.Collection]; t != nil && t.Kind == hecate.ProfileCollection {
			asked[hecate.UserID(rec.ID)] = true
		}
		for _, id := range namedUsers(rec) {
			if id != "" && found[id] == nil {
				asked[id] = true
			}
		}
	}
	if len(asked) == 0 {
		return found, nil
	}
	for chunk := range slices.Chunk(slices.Collect(maps.Keys(asked)), maxNamed) { // mostly one
		users, err := a.engine.LookupUsers(ctx, c.app.ID, chunk)
		if err != nil {
			return nil, err
		}
		maps.Copy(found, users)
	}
	return found, nil
}

// namedUsers are the users whom a record names beside its values.
func namedUsers(rec *hecate.Record) []hecate.UserID {
	ids := []hecate.UserID{rec.Owner, rec.CreatedBy, rec.UpdatedBy}
	for _, g := range rec.Access.Grants {
		if kind, name := g.Subject.Split(); kind == "user" {
			ids = append(ids, hecate.UserID(name))
		}
	}
	return ids
}

// userKey names a user; one who is gone keeps his id.
func (v *view) userKey(id hecate.UserID) string {
	if u := v.users[id]; u != nil {
		return userKey(u)
	}
	return string(id)
}

// append appends a record; fields are the only ones wanted, nil all.
func (v *view) append(dst []byte, rec *hecate.Record, fields map[string]bool, besides ...transient) []byte {
	t := v.types[rec.Collection]
	shape := v.shape
	shape.fields = fields
	if t == nil {
		return shape.append(dst, "", rec, nil, besides...)
	}
	if t.Kind != hecate.ProfileCollection {
		return shape.append(dst, t.Name, rec, nil, besides...)
	}
	// What the engine returns is without the fields that its reader may not see; login names are no fields to it.
	shape.readable = func(rec *hecate.Record, field string) bool { return v.rights.Of(t, field, rec).Has(hecate.FieldRead) }
	var more hecate.Values
	if u := v.users[hecate.UserID(rec.ID)]; u != nil {
		p := person{u, rec}
		rec, more = profileRecord(u, rec, u.LastLoginAt)
		v.verify.addTo(more, p, v.master || v.self == u.ID)
	}
	return shape.append(dst, userType, rec, more, besides...)
}
