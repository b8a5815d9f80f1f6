package skygear

import (
	"context"
	"errors"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// valuesOf reads and writes the values of one request.
func (a *api) valuesOf(r *web.Request, app *hecate.App) *values {
	return &values{
		collection: func(ctx context.Context, name string) (hecate.CollectionID, error) {
			c, err := a.collectionOf(ctx, app, name)
			if err != nil {
				return "", err
			}
			return targetOf(c), nil
		},
		file: func(ctx context.Context, name string) (hecate.FileRef, error) { return a.fileNamed(ctx, app, name) },
		typeName: func(id hecate.CollectionID) string {
			if id == hecate.UserTarget {
				return userType
			}
			c, err := a.engine.LookupCollectionByID(r.Context(), app.ID, id)
			if err != nil {
				return "" // gone since
			}
			return typeNameOf(c)
		},
		asset: func(f hecate.FileRef) (name, url string) { return a.assetOf(r, app, f) },
	}
}

// collectionOf finds the collection of a record type. Names are exact here: "Note" is not "note". Kinds: NotFound.
func (a *api) collectionOf(ctx context.Context, app *hecate.App, name string) (*hecate.Collection, error) {
	if name == userType {
		return a.engine.LookupCollection(ctx, app.ID, hecate.ProfileName)
	}
	c, err := a.engine.LookupCollection(ctx, app.ID, name)
	if err == nil && (c.Name != name || c.Kind == hecate.ProfileCollection) {
		return nil, hecate.E(hecate.NotFound, "record type")
	}
	return c, err
}

// targetOf is what a reference to the collection has as its Collection.
func targetOf(c *hecate.Collection) hecate.CollectionID {
	if c.Kind == hecate.ProfileCollection {
		return hecate.UserTarget
	}
	return c.ID
}

func (a *api) fileNamed(ctx context.Context, app *hecate.App, name string) (hecate.FileRef, error) {
	found, err := a.engine.FilesByName(ctx, app.ID, []string{name})
	if err != nil {
		return hecate.FileRef{}, err
	}
	f := found[name]
	if f == nil {
		return hecate.FileRef{}, hecate.E(hecate.NotFound, "asset")
	}
	return f.FileRef, nil
}

// userKeys finds what the users whom records name are called, in one query. known are users at hand.
func (a *api) userKeys(ctx context.Context, app *hecate.App, records []*hecate.Record, known ...*hecate.User) (func(hecate.UserID) string, error) {
	keys := map[hecate.UserID]string{}
	for _, u := range known {
		keys[u.ID] = userKey(u)
	}
	var ask []hecate.UserID
	want := func(id hecate.UserID) {
		if _, have := keys[id]; have || id == "" {
			return
		}
		keys[id] = string(id) // stays so for users who are gone
		ask = append(ask, id)
	}
	for _, r := range records {
		want(r.Owner)
		want(r.CreatedBy)
		want(r.UpdatedBy)
		for _, g := range r.Access.Grants {
			if kind, name := g.Subject.Split(); kind == "user" {
				want(hecate.UserID(name))
			}
		}
	}
	if len(ask) > 0 {
		users, err := a.engine.LookupUsers(ctx, app.ID, ask)
		if err != nil {
			return nil, err
		}
		for id, u := range users {
			keys[id] = userKey(u)
		}
	}
	return func(id hecate.UserID) string { return keys[id] }, nil
}

// readable is the field access of an actor, as recordShape asks for it.
func (a *api) readable(ctx context.Context, actor *hecate.Actor, c *hecate.Collection) (func(rec *hecate.Record, field string) bool, error) {
	rights, err := a.engine.FieldRights(ctx, actor)
	if err != nil {
		return nil, err
	}
	return func(rec *hecate.Record, field string) bool { return rights.Of(c, field, rec).Has(hecate.FieldRead) }, nil
}

// readFields reads the fields of a record: what a client may not set, and null for a field that is not there, is left out. The
// fields returned are those that c lacks; for a sequence the value is nil.
func readFields(ctx context.Context, v *values, c *hecate.Collection, raw map[string]any) (hecate.Values, []hecate.Field, error) {
	out := make(hecate.Values, len(raw))
	var missing []hecate.Field
	for name, item := range raw {
		if reserved(name) {
			continue
		}
		value, err := v.read(ctx, item)
		if err != nil {
			return nil, nil, err
		}
		if _, skip := value.(ignored); skip {
			continue
		}
		if f := c.Field(name); f != nil {
			if value, err = fit(f, value); err != nil {
				return nil, nil, err
			}
			if f.Type == hecate.SequenceType && value == nil {
				continue // counted by the server
			}
			out[name] = value
			continue
		}
		typ, target, ok := typeOfValue(value)
		if !ok {
			continue
		}
		missing = append(missing, hecate.Field{Name: name, Type: typ, Target: target, Indexed: indexed(typ)})
		if typ != hecate.SequenceType {
			out[name] = value
		}
	}
	return out, missing, nil
}

// schemaFault shows what the engine says about a schema that is not as values need it: contracts/skygear.md 4.2.
func schemaFault(err error) error {
	d := hecate.Detail(err)
	if !errors.Is(err, hecate.Invalid) || d.Field != "schema" {
		return err
	}
	if name, ok := d.Info["conflict"].(string); ok {
		return fail(incompatibleSchema, "conflicting schema of "+name)
	}
	if _, ok := d.Info["target"]; ok {
		return fail(incompatibleSchema, "failed to migrate record schema")
	}
	if _, ok := d.Info["closed"]; ok {
		return fail(incompatibleSchema, textMigrationOff)
	}
	return err
}

// newProfile is the profile of a new user: what a record type's default access says, else open to all readers.
func (a *api) newProfile(ctx context.Context, app *hecate.App, v hecate.Values) (engine.RecordInput, error) {
	c, err := a.engine.LookupCollection(ctx, app.ID, hecate.ProfileName)
	if err != nil {
		return engine.RecordInput{}, err
	}
	in := engine.RecordInput{Values: v}
	if c.Defaults == nil {
		in.Access = func(hecate.Access, hecate.Permissions) (hecate.Access, error) { return openProfile, nil }
	}
	return in, nil
}
