package skygear

import (
	"context"
	"maps"
	"slices"
	"time"

	"hecate"
)

// givenRecord is one record of record:save.
type givenRecord struct {
	id     recordID
	access *givenAccess   // nil: absent or null
	fields map[string]any // read values, nil to clear; sequence{} asks for a counting field
}

// readRecord reads a record. Reserved members but _id and _access are left out,
// and so are values that ask to be ignored. When only the id could be read, it stands in the
// record beside the error. The errors are failures of one item, or those of the look-ups.
func (v *values) readRecord(ctx context.Context, raw any) (g givenRecord, err error) {
	object, ok := raw.(map[string]any)
	if !ok {
		return g, invalid("record must be an object", "records")
	}
	if g.id, err = readRecordID(object["_id"]); err != nil {
		return g, err
	}
	if g.access, err = readRecordAccess(object["_access"]); err != nil {
		return g, err
	}
	g.fields = make(map[string]any, len(object))
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if reserved(name) {
			continue
		}
		if g.fields[name], err = v.readField(ctx, object[name]); err != nil {
			return g, err
		}
		if g.fields[name] == (ignored{}) {
			delete(g.fields, name)
		}
	}
	return g, nil
}

// readField reads a value that a record is to hold: markers of queries are none.
func (v *values) readField(ctx context.Context, raw any) (any, error) {
	value, err := v.read(ctx, raw)
	switch value.(type) {
	case keypath:
		return nil, invalid("unknown $type = keypath")
	case relation:
		return nil, invalid("unknown $type = relation")
	}
	return value, err
}

// readProfile reads the fields of a profile. Members that are reserved, and
// nulls for fields that are not there yet, would have broken the old server; both are left out.
func (v *values) readProfile(ctx context.Context, object map[string]any, c *hecate.Collection) (map[string]any, error) {
	fields := make(map[string]any, len(object))
	for _, name := range slices.Sorted(maps.Keys(object)) {
		raw := object[name]
		if reserved(name) || raw == nil && c.Field(name) == nil {
			continue
		}
		value, err := v.readField(ctx, raw)
		if err != nil {
			return nil, err
		}
		if value != (ignored{}) {
			fields[name] = value
		}
	}
	return fields, nil
}

func readRecordID(raw any) (recordID, error) {
	text, ok := raw.(string)
	if !ok || text == "" {
		return recordID{}, invalid("missing required fields", "id")
	}
	id, ok := parseRecordID(text)
	if !ok {
		return recordID{}, badRecordID(text)
	}
	if reserved(id.typ) {
		return recordID{}, invalid(`record type "`+id.typ+`" is reserved`, "id")
	}
	return id, nil
}

// readIDs reads the ids of record:fetch and record:delete.
func readIDs(p payload) ([]recordID, error) {
	list, err := p.texts("ids")
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, invalid("expected list of id", "ids")
	}
	ids := make([]recordID, len(list))
	for i, text := range list {
		id, ok := parseRecordID(text)
		if !ok {
			return nil, invalid(`invalid id format "`+text+`"`, "ids")
		}
		ids[i] = id
	}
	return ids, nil
}

// typeOfValue is the type of the field that a value makes when it is the first
// one under its name; false for null, which makes none. target is set for references.
func typeOfValue(value any) (typ hecate.FieldType, target hecate.CollectionID, ok bool) {
	if ref, isRef := value.(hecate.Ref); isRef {
		return hecate.ReferenceType, ref.Collection, true
	}
	switch value.(type) {
	case string:
		return hecate.TextType, "", true
	case bool:
		return hecate.BooleanType, "", true
	case int64, float64:
		return hecate.NumberType, "", true
	}
	return typeOfSpecial(value)
}

func typeOfSpecial(value any) (hecate.FieldType, hecate.CollectionID, bool) {
	switch value.(type) {
	case sequence:
		return hecate.SequenceType, "", true
	case []any, map[string]any:
		return hecate.JSONType, "", true
	}
	if value == nil {
		return "", "", false
	}
	typ, ok := goTypes(value)
	return typ, "", ok
}

// fit returns the value as a field of that type holds it, or 114. nil fits
// everywhere; a sequence marker fits a counting field and comes back as nil.
func fit(f *hecate.Field, value any) (any, error) {
	switch value := value.(type) {
	case nil:
		return nil, nil
	case sequence:
		if f.Type == hecate.SequenceType {
			return nil, nil
		}
		return nil, conflicting(f)
	case hecate.Ref:
		if f.Type != hecate.ReferenceType || f.Target != value.Collection {
			return nil, conflicting(f)
		}
		return value, nil
	case float64:
		if whole := int64(value); f.Type == hecate.IntegerType && float64(whole) == value {
			return whole, nil
		}
	}
	typ, _, _ := typeOfValue(value)
	if f.Type == typ || slices.Contains(alsoFits[f.Type], typ) {
		return inType(f.Type, value)
	}
	if refs, ok := refList(f, value); ok {
		return refs, nil
	}
	return nil, conflicting(f)
}

// alsoFits are the types of values that a field takes besides its own.
var alsoFits = map[hecate.FieldType][]hecate.FieldType{
	hecate.StringType:   {hecate.TextType},
	hecate.IntegerType:  {hecate.NumberType},
	hecate.SequenceType: {hecate.NumberType},
	hecate.ArrayType:    {hecate.JSONType},
	hecate.ObjectType:   {hecate.JSONType},
	// What another dialect made of any type holds whatever its clients send.
	hecate.JSONType: {hecate.StringType, hecate.TextType, hecate.IntegerType, hecate.NumberType, hecate.BooleanType, hecate.ArrayType, hecate.ObjectType},
}

// inType checks what the type of a value alone does not say: arrays and objects are both JSON here.
func inType(t hecate.FieldType, value any) (any, error) {
	_, isList := value.([]any)
	_, isObject := value.(map[string]any)
	_, isFloat := value.(float64)
	if t == hecate.ArrayType && !isList || t == hecate.ObjectType && !isObject ||
		(t == hecate.IntegerType || t == hecate.SequenceType) && isFloat {
		return nil, conflicting(&hecate.Field{Type: t})
	}
	return value, nil
}

func conflicting(f *hecate.Field) *failure {
	name := f.Name
	if name == "" {
		name = string(f.Type)
	}
	return fail(incompatibleSchema, "conflicting schema of "+name)
}

// refList reads back what the wire shows of a relation, which only other dialects make.
func refList(f *hecate.Field, value any) ([]hecate.Ref, bool) {
	list, ok := value.([]any)
	if !ok || f.Type != hecate.RelationType {
		return nil, false
	}
	refs := make([]hecate.Ref, len(list))
	for i, item := range list {
		object, _ := item.(map[string]any)
		text, _ := object["$id"].(string)
		id, ok := parseRecordID(text)
		if !ok || object["$type"] != "ref" {
			return nil, false
		}
		refs[i] = hecate.Ref{Collection: f.Target, Key: id.key}
	}
	return refs, true
}

// recordShape says how records are written. It serves one answer.
type recordShape struct {
	values *values
	// userKey is what a user is called on the wire.
	userKey func(hecate.UserID) string
	// readable is the field access of the caller; nil: everything.
	readable func(rec *hecate.Record, field string) bool
	// fields are the only ones wanted; nil: all.
	fields map[string]bool
}

// transient is a value that stands in a record's _transient; JSON already.
type transient struct {
	name  string
	value []byte
}

// append appends a record of the type typ. more are values that the record shows
// besides its own, or in their place: a profile's username and email.
func (s *recordShape) append(dst []byte, typ string, rec *hecate.Record, more hecate.Values, besides ...transient) []byte {
	// A writer of its own: in dst no comma may be guessed.
	j := newJSON(append(dst, '{'))
	if typ == userType && isOpenProfile(rec.Access) {
		j.Null("_access")
	} else {
		writeAccess(&j, "_access", rec.Access, rec.Extra, s.userKey)
	}
	j.time("_created_at", rec.CreatedAt)
	j.Text("_created_by", s.user(rec.CreatedBy))
	j.Text("_id", recordID{typ, keyOf(rec)}.String())
	j.Text("_ownerID", s.user(rec.Owner))
	if len(besides) > 0 {
		j.Name("_transient")
		j.Open()
		for _, t := range besides {
			j.Raw(t.name, t.value)
		}
		j.Close()
	}
	j.Text("_type", "record")
	j.time("_updated_at", rec.UpdatedAt)
	j.Text("_updated_by", s.user(rec.UpdatedBy))
	s.writeFields(&j, rec, more)
	j.Close()
	return j.Buf
}

func (s *recordShape) writeFields(j *jsonWriter, rec *hecate.Record, more hecate.Values) {
	all := rec.Values
	if len(more) > 0 {
		all = make(hecate.Values, len(rec.Values)+len(more))
		maps.Copy(all, rec.Values)
		maps.Copy(all, more)
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if all[name] == nil || reserved(name) || s.fields != nil && !s.fields[name] {
			continue
		}
		if s.readable != nil && !s.readable(rec, name) {
			continue
		}
		j.Name(name)
		j.Buf = s.values.append(j.Buf, all[name])
	}
}

func (s *recordShape) user(id hecate.UserID) string {
	if id == "" {
		return ""
	}
	return s.userKey(id)
}

// keyOf is what a record is called inside its type.
func keyOf(rec *hecate.Record) string {
	if rec.Key != "" {
		return rec.Key
	}
	return string(rec.ID)
}

// writeDeleted writes the item of a record that was deleted.
func writeDeleted(j *jsonWriter, id recordID) {
	j.Open()
	j.Text("_id", id.String())
	j.Text("_type", "record")
	j.Close()
}

// goTypes are the field types of values with a Go type of their own.
func goTypes(value any) (hecate.FieldType, bool) {
	switch value.(type) {
	case time.Time:
		return hecate.TimeType, true
	case hecate.Geo:
		return hecate.GeoType, true
	case hecate.FileRef:
		return hecate.FileType, true
	}
	return "", false
}
