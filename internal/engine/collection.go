package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"hecate"
	"hecate/internal/store"
)

// Collections lists those the actor may read. ProfileFirst order: the profile collection leads the first page.
// Prefix filters by name. Kinds: Forbidden.
func (e *Engine) Collections(ctx context.Context, actor *hecate.Actor, in List) (hecate.Page[*hecate.Collection], error) {
	var page hecate.Page[*hecate.Collection]
	if actor == nil || actor.App == nil {
		return page, hecate.E(hecate.Forbidden, "list collections")
	}
	// An app has a hundred at most: they are read at once and cut here.
	all, err := e.db.Collections(ctx, actor.App.ID)
	if err != nil {
		return page, fmt.Errorf("list collections: %w", err)
	}
	prefix := strings.ToLower(in.Prefix)
	shown := slices.DeleteFunc(all, func(c *hecate.Collection) bool {
		return !strings.HasPrefix(strings.ToLower(c.Name), prefix) || !mayRead(actor, c)
	})
	return cut(shown, in, func(c *hecate.Collection) int64 { return c.Seq }), nil
}

// cut takes a page out of a list in the order of its numbers.
func cut[T any](all []T, in List, seq func(T) int64) hecate.Page[T] {
	var page hecate.Page[T]
	if in.Desc {
		slices.Reverse(all)
	}
	if in.After != 0 {
		before := func(v T) bool { return (seq(v) < in.After) != in.Desc && seq(v) != in.After }
		all = slices.DeleteFunc(all, func(v T) bool { return seq(v) == in.After || before(v) != in.Backward })
	}
	if page.More = len(all) > in.Limit; !page.More {
		page.Rows = all
	} else if in.Backward {
		page.Rows = all[len(all)-in.Limit:]
	} else {
		page.Rows = all[:in.Limit]
	}
	return page
}

func mayRead(actor *hecate.Actor, c *hecate.Collection) bool {
	return hecate.Policy{Collection: c.Access}.Allow(actor, hecate.Read, hecate.Scope{Area: hecate.AreaSchema, Path: pathOf(c)})
}

// pathOf is the collection's path in the role policy, where every collection has its plural.
func pathOf(c *hecate.Collection) string { return "/" + hecate.Plural(c.Name) }

// Collection returns one by name, compared without case. hecate.ProfileName names the profile collection.
// Kinds: NotFound, also when it is hidden from the actor.
func (e *Engine) Collection(ctx context.Context, actor *hecate.Actor, name string) (*hecate.Collection, error) {
	c, err := e.LookupCollection(ctx, appOf(actor), name)
	if err != nil {
		return nil, err
	}
	if !mayRead(actor, c) {
		return nil, hecate.E(hecate.NotFound, "collection")
	}
	return c, nil
}

// LookupCollection finds a collection by name whoever asks. Kinds: NotFound.
func (e *Engine) LookupCollection(ctx context.Context, app hecate.AppID, name string) (*hecate.Collection, error) {
	return e.collection(ctx, e.db, app, name)
}

// collection finds a collection by name, on db where it is not cached.
func (e *Engine) collection(ctx context.Context, db *store.DB, app hecate.AppID, name string) (*hecate.Collection, error) {
	if badText(name) != "" {
		return nil, hecate.E(hecate.NotFound, "collection")
	}
	c, err := e.cache.collections.get(ctx, nameKey(app, name), func(ctx context.Context) (*hecate.Collection, error) {
		return db.CollectionByName(ctx, app, name)
	})
	if err != nil {
		return nil, fmt.Errorf("collection: %w", err)
	}
	return c, nil
}

func nameKey(app hecate.AppID, name string) string {
	return string(app) + "/name:" + store.FoldName(name)
}

func idKey(app hecate.AppID, id hecate.CollectionID) string { return string(app) + "/id:" + string(id) }

// LookupCollectionByID finds a collection by id whoever asks. Kinds: NotFound.
func (e *Engine) LookupCollectionByID(ctx context.Context, app hecate.AppID, id hecate.CollectionID) (*hecate.Collection, error) {
	if badText(string(id)) != "" {
		return nil, hecate.E(hecate.NotFound, "collection")
	}
	c, err := e.cache.collections.get(ctx, idKey(app, id), func(ctx context.Context) (*hecate.Collection, error) {
		return e.db.Collection(ctx, app, id)
	})
	if err != nil {
		return nil, fmt.Errorf("collection: %w", err)
	}
	return c, nil
}

// CountRecords counts the records of collections, each up to max, in one query.
func (e *Engine) CountRecords(ctx context.Context, app hecate.AppID, ids []hecate.CollectionID, max int) (map[hecate.CollectionID]int, error) {
	return e.db.CountRecords(ctx, app, ids, max)
}

// CollectionInput describes a collection. In Schema, Target may be "self" for the collection itself.
type CollectionInput struct {
	Name        string
	Description string
	Schema      []hecate.Field
	Open        bool
	Access      hecate.Access
	Defaults    *hecate.Access // of new records that bring no access of their own
	Metadata    map[string]any
	Extra       hecate.Extra
}

// CreateCollection makes a collection. Kinds: Forbidden, Invalid on "name" or "schema", Exists on "name", TooLarge on "collections" with Info "limit".
func (e *Engine) CreateCollection(ctx context.Context, actor *hecate.Actor, in CollectionInput) (*hecate.Collection, error) {
	const op = "create collection"
	if err := e.allowArea(actor, hecate.Create, hecate.AreaSchema, op); err != nil {
		return nil, err
	}
	if problem := usableCollection(in.Name); problem != "" {
		return nil, hecate.E(hecate.Invalid, op).On("name").Says("the name " + problem)
	}
	var c *hecate.Collection
	err := e.db.Write(ctx, func(tx *store.DB) error {
		if err := tx.Lock(ctx, "collections:"+string(actor.App.ID)); err != nil {
			return err
		}
		n, err := tx.CountCollections(ctx, actor.App.ID)
		if err != nil {
			return err
		}
		if n >= e.limits.CollectionsPerApp {
			return hecate.E(hecate.TooLarge, op).On("collections").With("limit", e.limits.CollectionsPerApp)
		}
		if c, err = e.insertCollection(ctx, tx, actor.App.ID, hecate.DataCollection, in); err != nil {
			return err
		}
		if err := e.record(ctx, tx, actor, c.App, op, c.Name); err != nil {
			return err
		}
		return e.forgetCollection(ctx, tx, c)
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	return c, nil
}

func usableCollection(name string) string {
	if problem := usableName(name, 4*maxCollectionName); problem != "" {
		return problem
	}
	if utf8.RuneCountInString(name) > maxCollectionName {
		return "is too long"
	}
	return ""
}

func (e *Engine) insertCollection(ctx context.Context, tx *store.DB, app hecate.AppID, kind hecate.CollectionKind, in CollectionInput) (*hecate.Collection, error) {
	id, err := e.newID()
	if err != nil {
		return nil, err
	}
	now := e.stamp()
	c := &hecate.Collection{
		ID: hecate.CollectionID(id), App: app, Name: in.Name, Kind: kind, Description: in.Description, Open: in.Open,
		Revision: 1, Access: in.Access, Defaults: in.Defaults, Metadata: in.Metadata, Extra: in.Extra, CreatedAt: now, UpdatedAt: now,
	}
	if err := checkCollection(c); err != nil {
		return nil, err
	}
	if _, err := e.changeSchema(ctx, tx, c, slices.Clone(in.Schema)); err != nil {
		return nil, err
	}
	if c.Seq, err = tx.NextSerial(ctx, app, "collections"); err != nil {
		return nil, err
	}
	free, err := tx.InsertCollection(ctx, c)
	if err == nil && !free {
		err = hecate.E(hecate.Exists, "create collection").On("name")
	}
	return c, err
}

// checkCollection refuses what cannot be stored.
func checkCollection(c *hecate.Collection) error {
	if problem := badText(c.Description); problem != "" {
		return hecate.E(hecate.Invalid, "write collection").On("description").Says(problem)
	}
	if _, problem := checkJSON(orObject(c.Metadata), 64); problem != "" {
		return hecate.E(hecate.Invalid, "write collection").On("metadata").Says(problem)
	}
	if err := checkExtra(c.Extra); err != nil {
		return err
	}
	if err := checkAccess(c.Access); err != nil {
		return err
	}
	if c.Defaults != nil {
		return checkAccess(*c.Defaults)
	}
	return nil
}

func orObject(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

func checkExtra(x hecate.Extra) error {
	for dialect, m := range x {
		if _, problem := checkJSON(orObject(m), 64); problem != "" || badText(dialect) != "" {
			return hecate.E(hecate.Invalid, "write").On("extra").Says(problem)
		}
	}
	return nil
}

// UpdateCollection changes a collection; the name stays. expect, when not 0, must be the current revision. A removed
// field hides its values, a retyped one starts empty; Unique may be set on new fields only.
// Kinds: Forbidden, NotFound, Invalid on "schema", Stale with Info "expected" and "current".
func (e *Engine) UpdateCollection(ctx context.Context, actor *hecate.Actor, name string, expect int64, change func(*CollectionInput) error) (*hecate.Collection, error) {
	const op = "update collection"
	if err := e.allowArea(actor, hecate.Update, hecate.AreaSchema, op); err != nil {
		return nil, err
	}
	if badText(name) != "" {
		return nil, hecate.E(hecate.NotFound, op)
	}
	var c *hecate.Collection
	err := e.db.Write(ctx, func(tx *store.DB) (err error) {
		if err := tx.Lock(ctx, "collections:"+string(actor.App.ID)); err != nil {
			return err
		}
		if c, err = tx.CollectionByName(ctx, actor.App.ID, name); err != nil {
			return err
		}
		if expect != 0 && expect != c.Revision {
			return hecate.E(hecate.Stale, op).With("expected", expect).With("current", c.Revision)
		}
		if err := e.changeCollection(ctx, tx, c, change); err != nil {
			return err
		}
		if err := e.record(ctx, tx, actor, c.App, op, c.Name); err != nil {
			return err
		}
		return e.forgetCollection(ctx, tx, c)
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	return c, nil
}

func (e *Engine) changeCollection(ctx context.Context, tx *store.DB, c *hecate.Collection, change func(*CollectionInput) error) error {
	in := CollectionInput{
		Name: c.Name, Description: c.Description, Schema: c.Fields(), Open: c.Open, Access: c.Access, Defaults: c.Defaults,
		Metadata: c.Metadata, Extra: c.Extra,
	}
	if err := change(&in); err != nil {
		return err
	}
	old := c.Schema
	changed, err := e.changeSchema(ctx, tx, c, slices.Clone(in.Schema))
	if err != nil {
		return err
	}
	c.Description, c.Open, c.Access, c.Defaults, c.Metadata, c.Extra = in.Description, in.Open, in.Access, in.Defaults, in.Metadata, in.Extra
	c.UpdatedAt = e.stamp()
	if changed {
		c.Revision++
	}
	if err := checkCollection(c); err != nil {
		return err
	}
	// The row before the records: whoever writes a record by the old schema
	// holds the row until he is done, and is seen by the rebuilding then.
	if err := tx.UpdateCollection(ctx, c); err != nil || !changed {
		return err
	}
	return e.reindex(ctx, tx, c, old)
}

// DeleteCollection deletes a collection with its records and files. Kinds: Forbidden (also for the profile collection), NotFound.
func (e *Engine) DeleteCollection(ctx context.Context, actor *hecate.Actor, name string) error {
	const op = "delete collection"
	if err := e.allowArea(actor, hecate.Delete, hecate.AreaSchema, op); err != nil {
		return err
	}
	c, err := e.LookupCollection(ctx, actor.App.ID, name)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	if c.Kind == hecate.ProfileCollection {
		return hecate.E(hecate.Forbidden, op)
	}
	err = e.db.Write(ctx, func(tx *store.DB) error {
		files, err := tx.DeleteCollectionFiles(ctx, c.App, c.ID)
		if err != nil {
			return err
		}
		if err := tx.DeleteCollection(ctx, c.App, c.ID); err != nil {
			return err
		}
		e.dropLater(ctx, tx, c.App, files)
		if err := e.record(ctx, tx, actor, c.App, op, c.Name); err != nil {
			return err
		}
		if err := e.forgetAll(ctx, tx, "records"); err != nil {
			return err
		}
		if err := e.forgetAll(ctx, tx, "links"); err != nil {
			return err
		}
		return e.forgetCollection(ctx, tx, c)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return nil
}

func (e *Engine) forgetCollection(ctx context.Context, tx *store.DB, c *hecate.Collection) error {
	if c.Kind == hecate.ProfileCollection { // users are cached with their profiles, read by the schema of then
		if err := e.forgetAll(ctx, tx, "details"); err != nil {
			return err
		}
	}
	return e.forget(ctx, tx, "collections", nameKey(c.App, c.Name), idKey(c.App, c.ID))
}

// dropFromCollections takes a subject that is going out of the grants of the app's collections.
func (e *Engine) dropFromCollections(ctx context.Context, tx *store.DB, app hecate.AppID, s hecate.Subject) error {
	if err := tx.Lock(ctx, "collections:"+string(app)); err != nil {
		return err
	}
	all, err := tx.Collections(ctx, app) // a hundred at most
	if err != nil {
		return err
	}
	named := func(g hecate.Grant) bool { return g.Subject == s }
	for _, c := range all {
		inDefaults := c.Defaults != nil && slices.ContainsFunc(c.Defaults.Grants, named)
		if !inDefaults && !slices.ContainsFunc(c.Access.Grants, named) {
			continue
		}
		c.Access.Grants = slices.DeleteFunc(c.Access.Grants, named)
		if inDefaults {
			c.Defaults.Grants = slices.DeleteFunc(c.Defaults.Grants, named)
		}
		if err := errors.Join(tx.UpdateCollection(ctx, c), e.forgetCollection(ctx, tx, c)); err != nil {
			return err
		}
	}
	return nil
}

// profileCollection returns the collection that holds the users' profiles.
func (e *Engine) profileCollection(ctx context.Context, db *store.DB, app hecate.AppID) (*hecate.Collection, error) {
	return e.collection(ctx, db, app, hecate.ProfileName)
}

// current returns c as it is now, inside a write. While the write goes on nobody changes its schema.
func (e *Engine) current(ctx context.Context, tx *store.DB, c *hecate.Collection) (*hecate.Collection, error) {
	revision, err := tx.HoldRevision(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("collection: %w", err)
	}
	if revision == c.Revision {
		return c, nil
	}
	now, err := tx.Collection(ctx, c.App, c.ID)
	if errors.Is(err, hecate.NotFound) {
		return nil, hecate.E(hecate.NotFound, "collection")
	}
	return now, err
}
