package engine

import (
	"context"

	"hecate"
)

// Collections lists those the actor may read. ProfileFirst order: the profile collection leads the first page.
// Prefix filters by name. Kinds: Forbidden.
func (e *Engine) Collections(ctx context.Context, actor *hecate.Actor, in List) (hecate.Page[*hecate.Collection], error) {
	panic("not built yet")
}

// Collection returns one by name, compared without case. hecate.ProfileName names the profile collection.
// Kinds: NotFound, also when it is hidden from the actor.
func (e *Engine) Collection(ctx context.Context, actor *hecate.Actor, name string) (*hecate.Collection, error) {
	panic("not built yet")
}

// LookupCollection finds a collection by name whoever asks. Kinds: NotFound.
func (e *Engine) LookupCollection(ctx context.Context, app hecate.AppID, name string) (*hecate.Collection, error) {
	panic("not built yet")
}

// LookupCollectionByID finds a collection by id whoever asks. Kinds: NotFound.
func (e *Engine) LookupCollectionByID(ctx context.Context, app hecate.AppID, id hecate.CollectionID) (*hecate.Collection, error) {
	panic("not built yet")
}

// CountRecords counts the records of collections, each up to max, in one query.
func (e *Engine) CountRecords(ctx context.Context, app hecate.AppID, ids []hecate.CollectionID, max int) (map[hecate.CollectionID]int, error) {
	panic("not built yet")
}

// CollectionInput describes a collection. In Schema, Target may be "self" for the collection itself.
type CollectionInput struct {
	Name        string
	Description string
	Schema      []hecate.Field
	Open        bool
	Access      hecate.Access
	Metadata    map[string]any
	Extra       hecate.Extra
}

// CreateCollection makes a collection. Kinds: Forbidden, Invalid on "name" or "schema", Exists on "name", TooLarge on "collections" with Info "limit".
func (e *Engine) CreateCollection(ctx context.Context, actor *hecate.Actor, in CollectionInput) (*hecate.Collection, error) {
	panic("not built yet")
}

// UpdateCollection changes a collection; the name stays. expect, when not 0, must be the current revision. A removed
// field hides its values, a retyped one starts empty; Unique may be set on new fields only.
// Kinds: Forbidden, NotFound, Invalid on "schema", Stale with Info "expected" and "current".
func (e *Engine) UpdateCollection(ctx context.Context, actor *hecate.Actor, name string, expect int64, change func(*CollectionInput) error) (*hecate.Collection, error) {
	panic("not built yet")
}

// DeleteCollection deletes a collection with its records and files. Kinds: Forbidden (also for the profile collection), NotFound.
func (e *Engine) DeleteCollection(ctx context.Context, actor *hecate.Actor, name string) error {
	panic("not built yet")
}
