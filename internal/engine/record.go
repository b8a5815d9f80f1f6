package engine

import (
	"context"

	"hecate"
)

// RecordRef names a record in a collection: the first non-zero of ID, Seq, Key.
type RecordRef struct {
	ID  hecate.RecordID
	Seq int64
	Key string
}

// RecordInput is what a caller asks of a record. Values with a nil value clear the field.
type RecordInput struct {
	Key     string                                                                      // creation only
	Values  hecate.Values                                                               // merged into the stored ones
	Changes []hecate.Change                                                             // operations on stored values
	Owner   *hecate.UserID                                                              // nil: the calling user on creation, unchanged on update; only managers of records may name another
	Access  func(current hecate.Access, held hecate.Permissions) (hecate.Access, error) // new grants, computed inside the write; asked only when the actor holds Manage there (or creates). nil keeps them
	Extra   hecate.Extra                                                                // per dialect, replaced as a whole
	Expect  int64                                                                       // the version that must be current; 0 does not ask
	Private bool                                                                        // creation only
	// Resolve is called inside the write before anything else on an update,
	// with the current record; it may refuse or adjust the input.
	Resolve func(current *hecate.Record, in *RecordInput) error
}

// Record returns one record. Kinds: Forbidden when the collection is closed to the actor, NotFound when the
// record does not exist or is not visible to him.
func (e *Engine) Record(ctx context.Context, actor *hecate.Actor, c *hecate.Collection, ref RecordRef) (*hecate.Record, error) {
	panic("not built yet")
}

// Records returns a page of the records that the actor may read. Kinds: Forbidden when the collection is closed
// to the actor, Invalid or TooLarge on "query".
func (e *Engine) Records(ctx context.Context, actor *hecate.Actor, c *hecate.Collection, q hecate.Query) (hecate.Page[*hecate.Record], error) {
	panic("not built yet")
}

// CreateRecord makes a record. Kinds: Forbidden, Invalid on a field's name, Exists on a unique field's name or
// "key", TooLarge on "record".
func (e *Engine) CreateRecord(ctx context.Context, actor *hecate.Actor, c *hecate.Collection, in RecordInput) (*hecate.Record, error) {
	panic("not built yet")
}

// UpdateRecord changes a record. Version grows only when Values really change. Kinds: NotFound when not visible, Forbidden
// when visible but not changeable, Stale with Info "expected" and "current", and those of CreateRecord;
// Forbidden on "owner" when the owner may not be changed.
func (e *Engine) UpdateRecord(ctx context.Context, actor *hecate.Actor, c *hecate.Collection, ref RecordRef, in RecordInput) (*hecate.Record, error) {
	panic("not built yet")
}

// DeleteRecord deletes a record and its files. Kinds: NotFound when not visible, Forbidden (also for profiles).
func (e *Engine) DeleteRecord(ctx context.Context, actor *hecate.Actor, c *hecate.Collection, ref RecordRef) error {
	panic("not built yet")
}
