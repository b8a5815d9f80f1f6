package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"hecate"
	"hecate/internal/store"
)

// wish is what a caller says about the fields that values need.
type wish struct {
	fields []hecate.Field
	extend bool
}

// extension gathers the fields that values need and adds those that their collections lack.
type extension struct {
	e     *Engine
	tx    *store.DB
	actor *hecate.Actor
	app   *hecate.App
	may   func(c *hecate.Collection) bool // nil: never
	new   CollectionInput                 // what a missing collection begins with
	// missing is what a field becomes that a collection lacks; nil: what the values say. See SaveOptions.Missing.
	missing func(name string, value any) (hecate.Field, bool)
	all     []*hecate.Collection          // of the app, once a target had to be looked up
	names   []string                      // of wants, in order
	wants   map[string][]hecate.Field     // by name of the collection
	found   map[string]*hecate.Collection // by exact name; nil: missing
}

// schemaFault is Invalid on "schema" with one of the facts that SaveRecords documents.
func schemaFault(fact, name string) error {
	return hecate.E(hecate.Invalid, "extend schema").On("schema").With(fact, name)
}

// collection finds a collection by its exact name; nil when there is none.
func (x *extension) collection(ctx context.Context, name string) (*hecate.Collection, error) {
	if c, known := x.found[name]; known {
		return c, nil
	}
	c, err := x.e.collection(ctx, x.tx, x.app.ID, name)
	if err != nil && !errors.Is(err, hecate.NotFound) {
		return nil, err
	}
	if err != nil || c.Name != name {
		c = nil
	}
	if x.found == nil {
		x.found = map[string]*hecate.Collection{}
	}
	x.found[name] = c
	return c, nil
}

// need notes the fields that values need in a collection. Kinds: Invalid on "schema".
func (x *extension) need(ctx context.Context, name string, values hecate.Values, declared []hecate.Field) error {
	if x.wants == nil {
		x.wants = map[string][]hecate.Field{}
	}
	if _, known := x.wants[name]; !known {
		x.names, x.wants[name] = append(x.names, name), nil
	}
	add := func(f hecate.Field) error {
		var err error
		if f.Target, err = x.target(ctx, f.Target); err != nil {
			return err
		}
		f.Unique, f.Fold, f.Slot, f.Dropped = false, false, "", false
		if at := slices.IndexFunc(x.wants[name], func(w hecate.Field) bool { return w.Name == f.Name }); at >= 0 {
			if w := x.wants[name][at]; w.Type != f.Type || w.Target != f.Target {
				return schemaFault("conflict", f.Name)
			}
			return nil
		}
		x.wants[name] = append(x.wants[name], f)
		return nil
	}
	for _, f := range declared {
		if err := add(f); err != nil {
			return err
		}
	}
	for _, field := range sortedKeys(values) {
		if slices.ContainsFunc(declared, func(f hecate.Field) bool { return f.Name == field }) {
			continue
		}
		if f, ok := x.fieldFor(field, values[field]); ok {
			if err := add(f); err != nil {
				return err
			}
		}
	}
	return nil
}

// fieldFor is the field that a value makes where its collection lacks one.
func (x *extension) fieldFor(name string, v any) (hecate.Field, bool) {
	if x.missing == nil {
		return fieldFor(name, v)
	}
	if v == nil || usableName(name, maxFieldName) != "" {
		return hecate.Field{}, false
	}
	return x.missing(name, v)
}

// target resolves the name of a collection, or its id. Kinds: Invalid on "schema".
func (x *extension) target(ctx context.Context, t hecate.CollectionID) (hecate.CollectionID, error) {
	switch t {
	case "", selfTarget, hecate.UserTarget:
		return t, nil
	case hecate.CollectionID(hecate.ProfileName):
		return hecate.UserTarget, nil
	}
	if x.all == nil {
		var err error
		if x.all, err = x.tx.Collections(ctx, x.app.ID); err != nil {
			return "", err
		}
	}
	for _, c := range x.all {
		if c.ID == t || c.Name == string(t) {
			if c.Kind == hecate.ProfileCollection {
				return hecate.UserTarget, nil
			}
			return c.ID, nil
		}
	}
	return "", schemaFault("target", string(t))
}

// apply brings the schemas up to what was noted. Kinds: Invalid on "schema".
func (x *extension) apply(ctx context.Context) error {
	var lacking []string
	for _, name := range x.names {
		c, err := x.collection(ctx, name)
		if err != nil {
			return err
		}
		missing, err := x.lacks(c, x.wants[name])
		if err != nil {
			return err
		}
		if c != nil && len(missing) == 0 {
			continue
		}
		if !x.allowed(c) {
			if c != nil && c.Open {
				continue // it takes the values without fields
			}
			if c == nil {
				return schemaFault("closed", name)
			}
			return schemaFault("closed", missing[0].Name)
		}
		lacking = append(lacking, name)
	}
	if len(lacking) == 0 {
		return nil
	}
	// Only now, and before any record of this write: who writes records holds their collections.
	if err := x.tx.Lock(ctx, "collections:"+string(x.app.ID)); err != nil {
		return err
	}
	for _, name := range lacking { // mostly one
		if err := x.grow(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

func (x *extension) allowed(c *hecate.Collection) bool {
	if x.may == nil || !x.may(c) {
		return false
	}
	return !x.app.Settings.ClosedSchema || x.actor.Can(hecate.Update, hecate.AreaSchema)
}

// grow makes a collection, or gives it the fields that it lacks, as it is now that nobody else changes it.
func (x *extension) grow(ctx context.Context, name string) error {
	c, err := x.tx.CollectionByName(ctx, x.app.ID, name)
	switch {
	case errors.Is(err, hecate.NotFound):
		c, err = x.make(ctx, name)
		if err != nil {
			return err
		}
	case err != nil:
		return err
	case c.Name != name: // the same name but for its case
		return schemaFault("conflict", name)
	}
	missing, err := x.lacks(c, x.wants[name])
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		err := x.e.changeCollection(ctx, x.tx, c, func(in *CollectionInput) error {
			in.Schema = append(in.Schema, missing...)
			return nil
		})
		if err != nil {
			return err
		}
	}
	x.found[name] = c
	return errors.Join(x.e.record(ctx, x.tx, x.actor, x.app.ID, "extend schema", name), x.e.forgetCollection(ctx, x.tx, c))
}

func (x *extension) make(ctx context.Context, name string) (*hecate.Collection, error) {
	if problem := usableCollection(name); problem != "" {
		return nil, hecate.E(hecate.Invalid, "extend schema").On("schema").Says("the name "+problem).With("closed", name)
	}
	n, err := x.tx.CountCollections(ctx, x.app.ID)
	if err != nil {
		return nil, err
	}
	if n >= x.e.limits.CollectionsPerApp {
		return nil, hecate.E(hecate.TooLarge, "extend schema").On("collections").With("limit", x.e.limits.CollectionsPerApp)
	}
	in := x.new
	in.Name, in.Schema = name, slices.Clone(in.Schema)
	return x.e.insertCollection(ctx, x.tx, x.app.ID, hecate.DataCollection, in)
}

// lacks are the wanted fields that c, which may be nil, has not. Kinds: Invalid on "schema" for one of another type.
func (x *extension) lacks(c *hecate.Collection, wants []hecate.Field) ([]hecate.Field, error) {
	var missing []hecate.Field
	for _, w := range wants {
		var f *hecate.Field
		if c != nil {
			f = c.Field(w.Name)
			if w.Target == selfTarget {
				w.Target = c.ID
			}
		}
		switch {
		case f == nil && c != nil && c.Open && x.missing == nil:
			// Open collections take any field without being told.
		case f == nil:
			missing = append(missing, w)
		case x.missing == nil && !takes(f, w):
			return nil, schemaFault("conflict", w.Name)
		}
	}
	if open := c == nil && x.new.Open || c != nil && c.Open; open && x.missing != nil {
		missing = missing[:min(len(missing), x.room(c))]
	}
	return missing, nil
}

// room is how many fields c may still be given.
func (x *extension) room(c *hecate.Collection) int {
	have := x.new.Schema
	if c != nil {
		have = c.Fields()
	}
	return max(0, x.e.limits.FieldsPerSchema-len(have))
}

// takes reports whether a field may hold values of the wanted one.
func takes(f *hecate.Field, w hecate.Field) bool {
	if f.Type == w.Type {
		return f.Target == w.Target
	}
	return slices.Contains(widerTypes[f.Type], w.Type)
}

// widerTypes are the types of values that a field may take besides its own; the value decides.
var widerTypes = map[hecate.FieldType][]hecate.FieldType{
	hecate.StringType:   {hecate.TextType},
	hecate.TextType:     {hecate.StringType},
	hecate.IntegerType:  {hecate.NumberType},
	hecate.SequenceType: {hecate.NumberType, hecate.IntegerType},
	hecate.NumberType:   {hecate.IntegerType},
	hecate.ArrayType:    {hecate.JSONType},
	hecate.ObjectType:   {hecate.JSONType},
	hecate.RelationType: {hecate.JSONType},
	hecate.JSONType: {
		hecate.StringType, hecate.TextType, hecate.NumberType, hecate.IntegerType, hecate.BooleanType, hecate.ArrayType, hecate.ObjectType,
	},
}

// fieldFor is the field that a value makes when it is the first under its name; nil makes none.
func fieldFor(name string, v any) (hecate.Field, bool) {
	f := hecate.Field{Name: name, Indexed: true}
	switch v := v.(type) {
	case string:
		f.Type = hecate.TextType
	case bool:
		f.Type = hecate.BooleanType
	case int, int64, float64:
		f.Type = hecate.NumberType
	case time.Time:
		f.Type = hecate.TimeType
	case hecate.Ref:
		f.Type, f.Target = hecate.ReferenceType, v.Collection
	case []hecate.Ref:
		f.Type = hecate.RelationType
		if len(v) > 0 {
			f.Target = v[0].Collection
		}
	case hecate.Geo:
		f.Type, f.Indexed = hecate.GeoType, false
	case hecate.FileRef:
		f.Type, f.Indexed = hecate.FileType, false
	case []any, map[string]any:
		f.Type, f.Indexed = hecate.JSONType, false
	default:
		return f, false
	}
	return f, true
}

// EnsureCollection returns a collection by its exact name, and makes it where it is missing as SaveRecords would for the first record in
// it. Kinds: Forbidden for an actor who may make no records there, Invalid on "schema", TooLarge on "collections".
func (e *Engine) EnsureCollection(ctx context.Context, actor *hecate.Actor, name string, o SaveOptions) (*hecate.Collection, error) {
	const op = "make collection"
	app, err := inApp(actor, op)
	if err != nil {
		return nil, err
	}
	scope := hecate.Scope{Area: hecate.AreaRecords, Path: "/" + hecate.Plural(name)}
	if err := e.allow(actor, hecate.Policy{Collection: o.New.Access}, hecate.Create, scope, op); err != nil {
		return nil, err
	}
	var c *hecate.Collection
	err = e.db.Write(ctx, func(tx *store.DB) error {
		x := &extension{e: e, tx: tx, actor: actor, app: app, may: o.Extend, new: o.New, missing: o.Missing}
		if err := x.need(ctx, name, nil, nil); err != nil {
			return err
		}
		if err := x.apply(ctx); err != nil {
			return err
		}
		c = x.found[name]
		return nil
	})
	return c, err
}

// withoutUnknownNils is values without those that clear a field which is not there.
func withoutUnknownNils(c *hecate.Collection, values hecate.Values) hecate.Values {
	out := make(hecate.Values, len(values))
	for name, v := range values {
		if v != nil || c.Open || c.Field(name) != nil {
			out[name] = v
		}
	}
	return out
}

// extendProfile gives the profile's schema the fields that the input needs, and returns the input without what means
// nothing there. Without a wish it changes nothing. Kinds: Invalid on "schema", see SaveRecords.
func (e *Engine) extendProfile(ctx context.Context, tx *store.DB, actor *hecate.Actor, app *hecate.App, in RecordInput, w *wish) (RecordInput, error) {
	if w == nil {
		return in, nil
	}
	x := &extension{e: e, tx: tx, actor: actor, app: app, may: func(*hecate.Collection) bool { return w.extend }}
	if err := x.need(ctx, hecate.ProfileName, in.Values, w.fields); err != nil {
		return in, err
	}
	if err := x.apply(ctx); err != nil {
		return in, err
	}
	in.Values = withoutUnknownNils(x.found[hecate.ProfileName], in.Values)
	return in, nil
}
