package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"hecate"
	"hecate/internal/store"
)

const (
	maxCollectionName = 64
	maxFieldName      = 255
	// selfTarget in a new schema is the collection itself.
	selfTarget hecate.CollectionID = "self"
	// formerFields bounds the hidden fields that a schema remembers, per field that it may have.
	formerFields = 16
)

// uniqueTypes are those whose values can be kept apart.
var uniqueTypes = []hecate.FieldType{
	hecate.StringType, hecate.TextType, hecate.IntegerType, hecate.NumberType, hecate.BooleanType,
	hecate.TimeType, hecate.ReferenceType, hecate.SequenceType,
}

func badSchema(text string, args ...any) error {
	return hecate.E(hecate.Invalid, "write schema").On("schema").Says(fmt.Sprintf(text, args...))
}

// usableName returns what is wrong with the name of a collection or a field, "" when nothing is.
func usableName(name string, limit int) string {
	switch {
	case name == "":
		return "is empty"
	case len(name) > limit:
		return "is too long"
	case badText(name) != "":
		return "is " + badText(name)
	case strings.ContainsFunc(name, unicode.IsControl):
		return "holds control characters"
	case strings.Contains(name, "/"):
		return "holds a slash"
	}
	return ""
}

// checkSchema refuses what no schema may be, and gives every "self" its id.
func (e *Engine) checkSchema(ctx context.Context, tx *store.DB, c *hecate.Collection, fields []hecate.Field) error {
	if len(fields) > e.limits.FieldsPerSchema {
		return hecate.E(hecate.Invalid, "write schema").On("schema").Says("too many fields").With("limit", e.limits.FieldsPerSchema)
	}
	seen := map[string]bool{}
	for i := range fields {
		f := &fields[i]
		if seen[f.Name] {
			return badSchema("field %q is there twice", f.Name)
		}
		seen[f.Name] = true
		if err := checkField(c, f); err != nil {
			return err
		}
	}
	return e.checkFieldTargets(ctx, tx, c, fields)
}

func checkField(c *hecate.Collection, f *hecate.Field) error {
	if problem := usableName(f.Name, maxFieldName); problem != "" {
		return badSchema("the name of field %q %s", f.Name, problem)
	}
	if _, known := checks[f.Type]; !known && f.Type != hecate.ReferenceType && f.Type != hecate.RelationType {
		return badSchema("field %q has no such type: %q", f.Name, f.Type)
	}
	if f.Unique && !slices.Contains(uniqueTypes, f.Type) {
		return badSchema("field %q cannot be unique", f.Name)
	}
	if f.Type != hecate.ReferenceType && f.Type != hecate.RelationType {
		f.Target = ""
		return nil
	}
	if f.Target == selfTarget {
		f.Target = c.ID
	}
	if f.Target == "" {
		return badSchema("field %q has no target", f.Name)
	}
	return nil
}

func (e *Engine) checkFieldTargets(ctx context.Context, tx *store.DB, c *hecate.Collection, fields []hecate.Field) error {
	var known []*hecate.Collection
	for _, f := range fields {
		if f.Target == "" || f.Target == c.ID || f.Target == hecate.UserTarget {
			continue
		}
		if known == nil {
			var err error
			if known, err = tx.Collections(ctx, c.App); err != nil {
				return err
			}
		}
		if !slices.ContainsFunc(known, func(k *hecate.Collection) bool { return k.ID == f.Target }) {
			return badSchema("the target of field %q does not exist", f.Name)
		}
	}
	return nil
}

// evolve returns the schema that the wanted fields make of the old one. A field
// keeps its slot while name, type and target stay; one that was dropped comes back with its values, unless
// its name had another type since.
func evolve(old, wanted []hecate.Field) []hecate.Field {
	next := make([]hecate.Field, 0, len(old)+len(wanted))
	kept := map[string]bool{}
	taken := map[string]bool{}
	for _, f := range old {
		taken[f.Slot] = true
	}
	for _, f := range wanted {
		taken[f.Name] = taken[f.Name] || slices.ContainsFunc(next, func(n hecate.Field) bool { return n.Slot == f.Name })
	}
	named := map[string]bool{}
	for _, f := range wanted {
		named[liveSlot(old, f)] = true
	}
	for _, f := range wanted {
		slot := liveSlot(old, f)
		if slot == "" {
			if slot = formerSlot(old, f); named[slot] {
				slot = "" // of a field that has another name now
			}
		}
		f.Dropped, f.Slot = false, slot
		if f.Slot == "" || kept[f.Slot] {
			f.Slot = freeSlot(f.Name, taken)
		}
		taken[f.Slot], kept[f.Slot] = true, true
		next = append(next, f)
	}
	for _, f := range old {
		if !kept[f.Slot] {
			f.Dropped, f.Indexed, f.Ordered, f.Unique = true, false, false, false
			next = append(next, f)
		}
	}
	return next
}

// liveSlot is the slot of the live field that f is, "" for none: one that names the slot of a live one of its type is that one, whatever
// it is called now.
func liveSlot(old []hecate.Field, f hecate.Field) string {
	for _, o := range old {
		if f.Slot != "" && o.Slot == f.Slot && !o.Dropped && o.Type == f.Type && o.Target == f.Target {
			return o.Slot
		}
	}
	return ""
}

// formerSlot is where the values of a field of that name and type are or were.
func formerSlot(old []hecate.Field, f hecate.Field) string {
	// The first of the name is its latest: live ones come first, then what was dropped last. A field that had another type
	// in between has been retyped, and starts empty: contracts/syncano.md 2.8.
	last := slices.IndexFunc(old, func(o hecate.Field) bool { return o.Name == f.Name })
	if last >= 0 && old[last].Type == f.Type && old[last].Target == f.Target {
		return old[last].Slot
	}
	return ""
}

func freeSlot(name string, taken map[string]bool) string {
	slot := name
	for n := 2; taken[slot]; n++ {
		slot = fmt.Sprintf("%s~%d", name, n)
	}
	return slot
}

// changeSchema gives c the wanted fields inside a write and rebuilds what makes
// records findable. It reports whether anything changed.
func (e *Engine) changeSchema(ctx context.Context, tx *store.DB, c *hecate.Collection, wanted []hecate.Field) (bool, error) {
	if err := e.checkSchema(ctx, tx, c, wanted); err != nil {
		return false, err
	}
	old := c.Schema
	next := evolve(old, wanted)
	if slices.Equal(old, next) {
		return false, nil
	}
	if len(next) > (formerFields+1)*e.limits.FieldsPerSchema {
		return false, badSchema("too many former fields")
	}
	for _, f := range next {
		if f.Unique && wasLive(old, f) && !wasUnique(old, f) {
			any, err := tx.HasRecords(ctx, c)
			if err != nil {
				return false, err
			}
			if any {
				return false, badSchema("field %q can be unique only from its beginning", f.Name)
			}
		}
	}
	c.Schema = next
	return true, nil
}

func wasLive(old []hecate.Field, f hecate.Field) bool {
	return slices.ContainsFunc(old, func(o hecate.Field) bool { return o.Slot == f.Slot && !o.Dropped })
}

func wasUnique(old []hecate.Field, f hecate.Field) bool {
	return slices.ContainsFunc(old, func(o hecate.Field) bool { return o.Slot == f.Slot && o.Unique })
}

// reindex rebuilds the index rows of the fields of c whose flags are not those of old.
func (e *Engine) reindex(ctx context.Context, tx *store.DB, c *hecate.Collection, old []hecate.Field) error {
	var drop, build, fresh []hecate.Field
	for _, f := range c.Schema {
		at := slices.IndexFunc(old, func(o hecate.Field) bool { return o.Slot == f.Slot })
		if at >= 0 && sameIndex(old[at], f) {
			continue
		}
		if at >= 0 && (old[at].Indexed || old[at].Ordered || old[at].Unique) {
			drop = append(drop, f)
		}
		switch {
		case at < 0 && f.Indexed && !f.Ordered && !f.Unique:
			fresh = append(fresh, f)
		case f.Indexed || f.Ordered || f.Unique:
			build = append(build, f)
		}
	}
	// A field that nobody had before is mostly in no record: then there is nothing to read them all for.
	slots := make([]string, len(fresh))
	for i, f := range fresh {
		slots[i] = f.Slot
	}
	held, err := tx.HoldsAny(ctx, c, slots)
	if err != nil {
		return err
	}
	if held {
		build = append(build, fresh...)
	}
	err = tx.Reindex(ctx, c, drop, build)
	if errors.Is(err, hecate.Exists) {
		return badSchema("field %q cannot be unique: two records share a value", hecate.Detail(err).Field)
	}
	return err
}

func sameIndex(a, b hecate.Field) bool {
	return a.Indexed == b.Indexed && a.Ordered == b.Ordered && a.Unique == b.Unique && a.Fold == b.Fold && a.Dropped == b.Dropped
}
