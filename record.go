package hecate

import "time"

// CollectionKind tells the app's profile collection from the others.
type CollectionKind uint8

// The kinds of collection.
const (
	DataCollection    CollectionKind = iota
	ProfileCollection                // one per app; its records are the users' profiles
)

// ProfileName is the name under which the profile collection is stored.
const ProfileName = "users"

// Collection is a named set of records with an optional schema.
type Collection struct {
	ID          CollectionID
	App         AppID
	Seq         int64
	Name        string // unique in the app without case
	Kind        CollectionKind
	Description string
	Schema      []Field
	Open        bool  // records may hold fields that the schema does not name
	Revision    int64 // grows by one with every change of the schema
	Access      Access
	// Defaults are given to a new record that brings no access of its own; nil leaves it to the caller.
	Defaults  *Access
	Metadata  map[string]any
	Extra     Extra
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Field returns the schema entry of that name, nil when there is none (or it was dropped).
func (c *Collection) Field(name string) *Field {
	for i := range c.Schema {
		if f := &c.Schema[i]; f.Name == name && !f.Dropped {
			return f
		}
	}
	return nil
}

// Fields returns the schema without what was dropped.
func (c *Collection) Fields() []Field {
	live := make([]Field, 0, len(c.Schema))
	for _, f := range c.Schema {
		if !f.Dropped {
			live = append(live, f)
		}
	}
	return live
}

// FieldType is what a field holds.
type FieldType string

// The field types, and the Go type of their values.
const (
	StringType    FieldType = "string"    // string, short
	TextType      FieldType = "text"      // string, long
	IntegerType   FieldType = "integer"   // int64
	NumberType    FieldType = "number"    // int64 or float64
	BooleanType   FieldType = "boolean"   // bool
	TimeType      FieldType = "time"      // time.Time, UTC, microseconds
	FileType      FieldType = "file"      // FileRef
	ReferenceType FieldType = "reference" // Ref
	RelationType  FieldType = "relation"  // []Ref
	ArrayType     FieldType = "array"     // []any
	ObjectType    FieldType = "object"    // map[string]any
	GeoType       FieldType = "geopoint"  // Geo
	JSONType      FieldType = "json"      // anything that JSON can hold
	SequenceType  FieldType = "sequence"  // int64, counted by the server
)

// UserTarget as a Field's Target means the app's users, not a collection.
const UserTarget CollectionID = "user"

// Field is one schema entry.
type Field struct {
	Name    string
	Type    FieldType
	Target  CollectionID // reference and relation: a collection, or UserTarget
	Ordered bool         // pages may be ordered by it
	Indexed bool         // queries may filter by it
	Unique  bool         // no two records of the collection share a value
	Fold    bool         // unique and indexed texts are compared without case
	Slot    string       // the key of its values in the stored document; a retyped field starts in a new slot
	Dropped bool         // no longer in the schema; its values stay hidden in their slot
}

// Values are a record's fields by name. The Go types are those listed with
// FieldType; an absent field and a nil one are the same.
type Values map[string]any

// Ref points to a record or a user. A caller may give any one of ID, Seq or
// Key; what is stored and returned has ID and Seq.
type Ref struct {
	Collection CollectionID
	ID         RecordID
	Seq        int64
	Key        string // set only where it differs from ID
}

// Geo is a point on the earth in degrees.
type Geo struct{ Lat, Lng float64 }

// FileRef is a file as a record's value.
type FileRef struct {
	ID     FileID
	Handle string // unguessable: whoever has it may read the bytes
	Name   string // as uploaded
	Type   string // media type
	Size   int64
}

// Extra is what a dialect keeps with a thing and nobody else reads, by dialect name.
type Extra map[string]map[string]any

// Record is a JSON document with identity, owner, version and grants.
type Record struct {
	ID         RecordID
	App        AppID
	Collection CollectionID
	Seq        int64  // counts over all collections of the app
	Key        string // unique text in its collection; by default the ID
	Owner      UserID
	OwnerSeq   int64 // the owner's User.Seq, 0 without owner
	Private    bool  // in its owner's private space: only he and the app's managers reach it
	Version    int64
	Access     Access
	Values     Values
	Extra      Extra
	CreatedBy  UserID
	UpdatedBy  UserID
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// ChangeOp is an operation on a stored value.
type ChangeOp uint8

// The operations.
const (
	Increment   ChangeOp = iota // add Value (int64 or float64); an absent field counts as 0
	AddItems                    // append the items of Value ([]any or []Ref)
	AddUnique                   // append those that are not there yet
	RemoveItems                 // remove every item equal to one of Value
)

// Change is an operation on one field, computed inside the write.
type Change struct {
	Field string
	Op    ChangeOp
	Value any
}

// Link is a named edge between two records (or profiles).
type Link struct {
	From   RecordID
	Name   string
	To     RecordID
	MadeAt time.Time
}
