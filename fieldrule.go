package hecate

import "slices"

// FieldAccess is what somebody may do with one field of a record.
type FieldAccess uint8

// The uses of a field.
const (
	FieldWrite    FieldAccess = 1 << iota
	FieldRead                 // see its value
	FieldCompare              // use it in any condition or order
	FieldDiscover             // use it in a condition that tests for equality

	AllFieldAccess = FieldWrite | FieldRead | FieldCompare | FieldDiscover
)

// Has reports whether a includes every use of b.
func (a FieldAccess) Has(b FieldAccess) bool { return a&b == b }

// AnyName stands for every collection, or every field, in a FieldRule.
const AnyName = "*"

// SubjectField names the users to whom a field of the record itself points: its owner is
// the user whose id the field holds.
func SubjectField(name string) Subject { return Subject("field:" + name) }

// FieldRule says what a subject may do with a field.
type FieldRule struct {
	Collection string // a name, or AnyName
	Field      string // a name, or AnyName
	Subject    Subject
	Access     FieldAccess
}

// FieldRules are an app's rules in the order they were given.
type FieldRules []FieldRule

// fieldSubjects is the order in which a rule's subject decides: the first kind that
// fits the actor counts.
var fieldSubjects = []string{"owner", "user", "field", "role", "anyone", "public"}

// Access returns what the actor may do with one field of a record. The rules of the
// collection's name go before those of AnyName, and within them the rules of the field's name; a field that no
// rule covers is open, and one whose rules fit the actor nowhere is closed. values are the record's, for
// subjects that a field names; nil before there is a record.
func (rules FieldRules) Access(a *Actor, collection, field string, owner UserID, values Values) FieldAccess {
	if a.Can(Manage, AreaSchema) {
		return AllFieldAccess
	}
	covering := rules.covering(collection, field)
	if len(covering) == 0 {
		return AllFieldAccess
	}
	for _, kind := range fieldSubjects {
		for _, r := range covering {
			if k, name := r.Subject.Split(); k == kind && r.fits(a, kind, name, owner, values) {
				return r.Access
			}
		}
	}
	return 0
}

// covering are the rules that decide about a field.
func (rules FieldRules) covering(collection, field string) FieldRules {
	for _, c := range []string{collection, AnyName} {
		ofCollection := rules.where(func(r FieldRule) bool { return r.Collection == c })
		if len(ofCollection) == 0 {
			continue
		}
		for _, f := range []string{field, AnyName} {
			if ofField := ofCollection.where(func(r FieldRule) bool { return r.Field == f }); len(ofField) > 0 {
				return ofField
			}
		}
		return nil
	}
	return nil
}

func (rules FieldRules) where(keep func(FieldRule) bool) FieldRules {
	return slices.DeleteFunc(slices.Clone(rules), func(r FieldRule) bool { return !keep(r) })
}

func (r FieldRule) fits(a *Actor, kind, name string, owner UserID, values Values) bool {
	switch kind {
	case "owner":
		return owner != "" && owner == a.UserID()
	case "field":
		ref, ok := values[name].(Ref)
		return ok && a.User != nil && ref.ID == a.User.ID.ProfileID()
	}
	return a.Is(r.Subject)
}
