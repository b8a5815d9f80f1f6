package engine

import (
	"context"

	"hecate"
)

// SaveInput is one record of a batch: made where its collection has none of that key, else changed.
type SaveInput struct {
	Collection string // exactly as the collection is called; hecate.ProfileName for the profiles
	// Input.Key names the record ("": a new one). Input.Private says in which space it is meant to be. A nil value
	// for a field that the collection lacks, or for one that the server counts, changes nothing.
	Input RecordInput
	// Fields are the types of fields that the collection may lack; for those not listed the value says enough. Only
	// Name, Type, Target, Indexed and Ordered count. In Target a name serves instead of an id.
	Fields []hecate.Field
	// Username and Email, profiles only, change the user's login names; "" removes one.
	Username, Email *string
}

// SaveOptions say how a batch is saved.
type SaveOptions struct {
	Atomic bool // all or nothing
	// Extend asks whether a collection may be given the fields that values need; c is nil where the collection itself
	// is missing and would be made. nil: never. Where Settings.ClosedSchema holds, only who may change schemas extends them.
	Extend func(c *hecate.Collection) bool
	// New is what a missing collection begins with: Access, Defaults, Open, Extra.
	New CollectionInput
}

// SaveResult is what became of one record: Record, or Err. Record is what the actor may see of it.
type SaveResult struct {
	Record *hecate.Record
	Err    error
}

// SaveRecords makes and changes records of any collections in one write, in order. The results stand in the order of items; those
// that fail leave no trace and do not keep the others from being saved, unless Atomic: then nothing
// is, the results of the items at fault have an Err, and err is nil.
//
// Kinds of items: Forbidden (on "record" to change it, "collection" to make one there, and with Atomic on the name of a
// field that rules close, which is left out silently else), Invalid on a field's name, Exists on "key" (also
// for a record in another space), on a unique field's name, on "username", "email" or a login key; Stale, TooLarge. A profile is
// changed by its user and by who manages users, whatever its grants say, and never made here.
//
// Kinds of err: Unauthenticated without a user or powers over records; TooLarge on "records"; Invalid on "schema" where the
// schema is not as the values need it, with Info "conflict" (the name of a field that has another type),
// "closed" (a missing field or collection) or "target" (a reference to a collection that does not exist).
func (e *Engine) SaveRecords(ctx context.Context, actor *hecate.Actor, items []SaveInput, o SaveOptions) ([]SaveResult, error) {
	panic("not built yet")
}

// Space is where records are looked for: the shared space, or with Private that user's own.
type Space struct {
	Private hecate.UserID
	All     bool // every space; for managers of records
}

// RecordName names a record by collection and key.
type RecordName struct {
	Collection string // exactly; hecate.ProfileName for the profiles
	Key        string
}

// RecordsByKey returns records in the order of names, each for itself: a query for all of them. Kinds of an item: NotFound, Forbidden
// for one that is there and not readable. Kinds of err: Forbidden for another user's space, TooLarge on "records".
func (e *Engine) RecordsByKey(ctx context.Context, actor *hecate.Actor, space Space, names []RecordName) ([]SaveResult, error) {
	panic("not built yet")
}

// RecordsByID returns those of the app's shared records, of any collection and profiles too, that exist and that the
// actor may read, in one query. Kinds: TooLarge on "records".
func (e *Engine) RecordsByID(ctx context.Context, actor *hecate.Actor, ids []hecate.RecordID) (map[hecate.RecordID]*hecate.Record, error) {
	panic("not built yet")
}

// DeleteRecords deletes records; the results stand in the order of names. With atomic nothing is deleted where one cannot be, and
// the items at fault have an Err. Kinds of an item: NotFound, Forbidden (also for profiles, then on
// "users"), Exists on "reference" where another record refers to it. Kinds of err: as RecordsByKey.
func (e *Engine) DeleteRecords(ctx context.Context, actor *hecate.Actor, space Space, names []RecordName, atomic bool) ([]SaveResult, error) {
	panic("not built yet")
}

// RenameField gives a field of a collection another name; its values stay. Kinds: Forbidden, NotFound on "collection" or "field",
// Exists on "field", Invalid on "schema".
func (e *Engine) RenameField(ctx context.Context, actor *hecate.Actor, collection, from, to string) (*hecate.Collection, error) {
	panic("not built yet")
}

// DeleteField takes a field out of a collection's schema. Kinds: Forbidden, NotFound on "collection" or "field".
func (e *Engine) DeleteField(ctx context.Context, actor *hecate.Actor, collection, field string) (*hecate.Collection, error) {
	panic("not built yet")
}
