package hecate

import "strings"

// Fold is the form of a text in which texts are compared without case.
func Fold(text string) string { return strings.ToLower(text) }

// Op is an operator of a filter.
type Op uint8

// The operators. Comparisons with an absent field are false, but OpNotEqual and
// OpNotIn match it.
const (
	OpAll      Op = iota // every Sub holds; an empty one holds
	OpAny                // some Sub holds; an empty one does not
	OpNot                // its one Sub does not hold
	OpEqual              // Value nil: the field is absent
	OpNotEqual           // Value nil: the field is present
	OpLess
	OpLessEqual
	OpGreater
	OpGreaterEqual
	OpIn        // Value []any
	OpNotIn     // Value []any
	OpExists    // Value bool
	OpLike      // Value is a pattern: % any run, _ any character, \ escapes
	OpSubstring // Value occurs in the text
	OpPrefix    // the text starts with Value
	OpSuffix    // the text ends with Value
	OpWord      // Value occurs as a word of the text; a final * matches its start
	OpContains  // array or relation: holds every item of Value ([]any)
	OpNear      // geopoint within Meters of Value (Geo)
	OpJoined    // reference or relation: a target record matches Sub[0]

	OpCount
)

// Column is a property that every record has.
type Column uint8

// The columns. FieldColumn means the operand is a field of the document.
const (
	FieldColumn Column = iota
	IDColumn
	SeqColumn
	KeyColumn
	CreatedColumn
	UpdatedColumn
	VersionColumn
	OwnerColumn    // UserID as string; nil without owner
	OwnerSeqColumn // the owner's number
	GroupColumn    // GroupID as string: the record has a grant that names the group
	CreatedByColumn
	UpdatedByColumn
	UsernameColumn  // profiles only: the user's username
	EmailColumn     // profiles only: the user's address
	UserSeqColumn   // profiles only: the user's number
	LastLoginColumn // profiles only: when the user last signed in
	ActivatedColumn // profiles only: bool, User.Activated
	DisabledColumn  // profiles only: bool, User.Disabled
)

// Operand is what a filter compares or an order sorts by: a Column, or a
// field of the document by name, or a part of it by a longer Path.
type Operand struct {
	Column Column
	Path   []string  // with FieldColumn: field name, then keys inside it
	Type   FieldType // with FieldColumn: how to compare; StringType when unknown
	Fold   bool      // compare text without case, as hecate.Fold has it
	// Any compares each item of a list, or else the value itself: the condition holds where it holds of one of them, and the
	// negative operators where their positive twins do not. OpNear takes objects with "latitude" and "longitude" for places
	// too. In an order, numbers come before texts and those before booleans, in both directions, and everything else counts
	// as absent.
	Any bool
}

// FieldOperand is the operand of a schema field.
func FieldOperand(f *Field) Operand {
	return Operand{Path: []string{f.Name}, Type: f.Type}
}

// Filter is a tree of conditions. The zero Filter (an empty OpAll) matches everything.
type Filter struct {
	Op      Op
	Operand Operand
	Value   any // string, bool, int64, float64, time.Time, Geo, Ref (by Seq or ID), []any of these, nil
	Meters  float64
	Target  CollectionID // with OpJoined: where the targets are; UserTarget for users
	Sub     []Filter
}

// And joins filters; none at all matches everything.
func And(fs ...Filter) Filter { return Filter{Op: OpAll, Sub: fs} }

// Order sorts by one operand.
type Order struct {
	Operand   Operand
	Desc      bool
	NullsLast bool // absent values last in both directions; else they count as largest
	// From orders by the distance of the operand, a place, from this one. A cursor's value is the place of the row.
	From *Geo
}

// SortText is as much of a text as an order by an operand with Any compares, in characters.
const SortText = 128

// Cursor is a place between rows: the values of the order's operands in the
// row next to it, and that row's Seq.
type Cursor struct {
	Values []any
	Seq    int64
}

// Query asks for a page of records of one collection.
type Query struct {
	Filter Filter
	Order  []Order // then by Seq, in the direction of the first order (or SeqDesc)
	// SeqDesc orders by Seq downwards where Order is empty.
	SeqDesc  bool
	Limit    int // rows wanted; 0 gives none (for counts alone)
	Offset   int
	After    *Cursor // rows beyond it
	Backward bool    // the rows before After instead, still in the normal order
	Count    bool    // also count all rows that match, up to CountMax
	CountMax int     // 0: no bound
	Private  UserID  // search this user's private space instead of the shared one
	// AllSpaces searches the shared space and every private one; for managers of records. Private is "" then.
	AllSpaces bool
}

// Page is a run of rows.
type Page[T any] struct {
	Rows  []T
	More  bool // a further row exists in the direction of travel
	Count int  // with Query.Count
}

// Limits of a query, enforced by Query.Check.
const (
	MaxFilterDepth = 16
	MaxFilterNodes = 256
	MaxListValues  = 1000
	MaxPage        = 1000
	MaxOrders      = 8
)

// Check returns nil when the query is within the limits and well formed,
// else an error of Kind Invalid or TooLarge on "query".
func (q *Query) Check() error {
	nodes := 0
	if err := q.Filter.check(0, &nodes); err != nil {
		return err
	}
	switch {
	case q.Limit < 0 || q.Offset < 0:
		return E(Invalid, "query").On("query").Says("limit and offset must not be negative")
	case q.Limit > MaxPage:
		return E(TooLarge, "query").On("query").Says("page too large")
	case len(q.Order) > MaxOrders:
		return E(TooLarge, "query").On("query").Says("too many orders")
	}
	return nil
}

func (f *Filter) check(depth int, nodes *int) error {
	if *nodes++; depth > MaxFilterDepth || *nodes > MaxFilterNodes {
		return E(TooLarge, "query").On("query").Says("filter too large")
	}
	switch f.Op {
	case OpNot, OpJoined:
		if len(f.Sub) != 1 {
			return E(Invalid, "query").On("query").Says("needs exactly one condition")
		}
	case OpIn, OpNotIn, OpContains:
		list, ok := f.Value.([]any)
		if !ok {
			return E(Invalid, "query").On("query").Says("needs a list")
		}
		if len(list) > MaxListValues {
			return E(TooLarge, "query").On("query").Says("list too long")
		}
	}
	if f.Op >= OpCount {
		return E(Invalid, "query").On("query").Says("unknown operator")
	}
	for i := range f.Sub {
		if err := f.Sub[i].check(depth+1, nodes); err != nil {
			return err
		}
	}
	return nil
}
