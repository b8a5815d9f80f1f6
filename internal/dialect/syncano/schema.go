package syncano

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"hecate"
	"hecate/internal/web"
)

// Limits of a schema.
const (
	maxFields      = 32
	maxIndexes     = 16
	maxGeoIndexes  = 1
	maxFieldName   = 64
	badSchema      = "Schema passed in invalid format."
	targetSelf     = "self"
	targetUser     = "user"
	targetUsers    = "users"
	oldUniqueField = "Unique index can only be set on a new field. Delete field first."
)

// keys of a schema entry.
const (
	keyName   = "name"
	keyType   = "type"
	keyOrder  = "order_index"
	keyFilter = "filter_index"
	keyUnique = "unique"
	keyTarget = "target"
)

// fieldKind is what a schema may say about fields of one type.
type fieldKind struct {
	wire     string
	stored   hecate.FieldType
	ordered  bool // may have order_index
	filtered bool // may have filter_index
	unique   bool // may be unique
	targeted bool // must have a target
}

// fieldKinds are the types a schema may name, in the order in which errors list them.
var fieldKinds = []fieldKind{
	{"string", hecate.StringType, true, true, true, false},
	{"text", hecate.TextType, false, false, false, false},
	{"integer", hecate.IntegerType, true, true, true, false},
	{"float", hecate.NumberType, true, true, true, false},
	{"boolean", hecate.BooleanType, true, true, true, false},
	{"datetime", hecate.TimeType, true, true, true, false},
	{"file", hecate.FileType, false, false, false, false},
	{"reference", hecate.ReferenceType, true, true, true, true},
	{"relation", hecate.RelationType, false, true, false, true},
	{"array", hecate.ArrayType, false, true, false, false},
	{"object", hecate.ObjectType, false, false, false, false},
	{"geopoint", hecate.GeoType, false, true, false, false},
}

// keys lists what a definition of this kind may consist of.
func (k *fieldKind) keys() []string {
	keys := []string{keyName, keyType}
	for _, optional := range []struct {
		has bool
		key string
	}{{k.ordered, keyOrder}, {k.filtered, keyFilter}, {k.unique, keyUnique}, {k.targeted, keyTarget}} {
		if optional.has {
			keys = append(keys, optional.key)
		}
	}
	return keys
}

func kindOf(wire string) *fieldKind {
	for i := range fieldKinds {
		if fieldKinds[i].wire == wire {
			return &fieldKinds[i]
		}
	}
	return nil
}

// builtInNames are the members every object has, under which no schema field can be shown.
var builtInNames = map[string]bool{
	"id": true, "created_at": true, "updated_at": true, "revision": true,
	"owner": true, "owner_permissions": true, "group": true, "group_permissions": true, "other_permissions": true,
	"channel": true, "channel_room": true, "links": true,
}

// reservedNames are further names, in lower case, that no schema may use: what clients send beside
// fields, and what the models of the old server had as attributes.
var reservedNames = map[string]bool{
	"owner_id": true, "group_id": true, "channel_id": true, "acl": true, "expected_revision": true, "self": true,
	"save": true, "delete": true, "clean": true, "objects": true, "pk": true, "check": true, "full_clean": true,
	"clean_fields": true, "validate_unique": true, "serializable_value": true, "refresh_from_db": true,
	"from_db": true, "get_deferred_fields": true, "date_error_message": true, "unique_error_message": true,
	"prepare_database_save": true, "save_base": true,
}

var fieldName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

// schemaReader reads a schema as a client sent it.
type schemaReader struct {
	old    []hecate.Field                                                      // the schema so far
	target func(ctx context.Context, class string) (*hecate.Collection, error) // a class by its lower-case name; NotFound
	counts struct{ order, filter, geo int }
	names  map[string]bool
}

// schemaFault is what is wrong with a schema, as the client is told.
type schemaFault string

func (f schemaFault) Error() string { return string(f) }

// read returns the fields of a schema. Its error is a schemaFault, or one of looking for targets.
func (s *schemaReader) read(ctx context.Context, raw any) ([]hecate.Field, error) {
	if text, ok := raw.(string); ok {
		if raw = fromText(text, firstByte(text)); raw == text {
			return nil, schemaFault(textNotJSON)
		}
	}
	list, ok := raw.([]any)
	if !ok {
		return nil, schemaFault(badSchema)
	}
	if len(list) > maxFields {
		return nil, schemaFault(fmt.Sprintf("Too many fields defined (exceeds %d).", maxFields))
	}
	s.names = make(map[string]bool, len(list))
	fields := make([]hecate.Field, 0, len(list))
	for i, item := range list {
		entry, ok := item.(map[string]any)
		if !ok {
			return nil, schemaFault(badSchema)
		}
		f, err := s.field(ctx, entry)
		var fault schemaFault
		if errors.As(err, &fault) {
			return nil, schemaFault(fmt.Sprintf("Error processing field definition %q #%d: %s", shownName(entry), i, fault))
		}
		if err != nil {
			return nil, err
		}
		fields = append(fields, f)
	}
	return append(fields, s.unseen()...), nil
}

// unseen are fields of the old schema that this dialect cannot show: a client that sends back what it saw does not drop them.
func (s *schemaReader) unseen() []hecate.Field {
	var fields []hecate.Field
	for i := range s.old {
		if f := &s.old[i]; !f.Dropped && !isShown(f) {
			fields = append(fields, *f)
		}
	}
	return fields
}

// isShown reports whether objects can have a member for the field.
func isShown(f *hecate.Field) bool {
	return !f.Dropped && !builtInNames[f.Name] && wireTypes[f.Type] != ""
}

func firstByte(text string) byte {
	if text = strings.TrimSpace(text); text == "" {
		return 0
	}
	return text[0]
}

// shownName is how an error names an entry; what is no text is shown as the client wrote it.
func shownName(entry map[string]any) quoted {
	switch name := entry[keyName].(type) {
	case nil:
		return "unknown"
	case string:
		return quoted(name)
	default:
		return quoted(web.AppendJSON(nil, name))
	}
}

// quoted prints with plain quotes around it, not as Go would quote it.
type quoted string

// Format writes the text between double quotes.
func (q quoted) Format(f fmt.State, _ rune) {
	// A fmt.State of Sprintf cannot fail.
	_, _ = f.Write([]byte(`"` + string(q) + `"`))
}

// field reads one entry.
func (s *schemaReader) field(ctx context.Context, entry map[string]any) (hecate.Field, error) {
	old, kind, err := s.head(entry)
	if err != nil {
		return hecate.Field{}, err
	}
	allowed := kind.keys()
	for key := range entry {
		if !slices.Contains(allowed, key) {
			return hecate.Field{}, schemaFault(fmt.Sprintf("Field %s definition can only consist of %s.", kind.wire, strings.Join(allowed, ", ")))
		}
	}
	f := hecate.Field{Name: entry[keyName].(string), Type: kind.stored}
	if s.names[f.Name] {
		return f, schemaFault(fmt.Sprintf("Field %q defined more than once.", quoted(f.Name)))
	}
	s.names[f.Name] = true
	if old != nil && wireTypes[old.Type] == kind.wire {
		// A type that only another dialect makes survives being sent back by a client that knows its nearest kin.
		f.Type = old.Type
	}
	if err := s.indexes(&f, kind, entry, old); err != nil {
		return f, err
	}
	if kind.targeted {
		f.Target, err = s.targetOf(ctx, entry[keyTarget], old)
	}
	return f, err
}

// head checks name and type, and returns the field of that name in the old schema, if there is one.
func (s *schemaReader) head(entry map[string]any) (*hecate.Field, *fieldKind, error) {
	rawName, hasName := entry[keyName]
	rawType, hasType := entry[keyType]
	if !hasName || !hasType {
		return nil, nil, schemaFault("Field name and type is required.")
	}
	name, ok := rawName.(string)
	if !ok {
		return nil, nil, schemaFault("Invalid type of field name. Expected string.")
	}
	old := s.oldField(name)
	if old == nil {
		if fault := nameFault(name); fault != "" {
			return nil, nil, schemaFault(fault)
		}
	}
	wire, ok := rawType.(string)
	if !ok {
		return nil, nil, schemaFault("Invalid type of field type. Expected string.")
	}
	kind := kindOf(strings.ToLower(wire))
	if kind == nil {
		return nil, nil, schemaFault("Invalid field type value. Possible types: " + typeList() + ".")
	}
	return old, kind, nil
}

func typeList() string {
	names := make([]string, len(fieldKinds))
	for i := range fieldKinds {
		names[i] = fieldKinds[i].wire
	}
	return strings.Join(names, ", ")
}

func (s *schemaReader) oldField(name string) *hecate.Field {
	for i := range s.old {
		if f := &s.old[i]; f.Name == name && !f.Dropped {
			return f
		}
	}
	return nil
}

func nameFault(name string) string {
	switch n := utf8.RuneCountInString(name); {
	case n > maxFieldName:
		return "Value of field name is too long, maximum length is " + strconv.Itoa(maxFieldName) + "."
	case n == 0:
		return "Value of field name is too short, minimum length is 1."
	}
	if !fieldName.MatchString(name) {
		return fmt.Sprintf("Wrong characters used in field name %q. Allowed characters are: letters, numbers and underscores. "+
			"Name has to start with a letter.", quoted(name))
	}
	if low := strings.ToLower(name); builtInNames[low] || reservedNames[low] {
		return fmt.Sprintf("Field name %q is reserved.", quoted(name))
	}
	return ""
}

// indexes reads the flags and keeps count of them.
func (s *schemaReader) indexes(f *hecate.Field, kind *fieldKind, entry map[string]any, old *hecate.Field) error {
	if !kind.ordered && !kind.filtered {
		if old != nil && old.Type == f.Type {
			f.Ordered, f.Indexed, f.Unique = old.Ordered, old.Indexed, old.Unique // another dialect's, unseen here
		}
		return nil
	}
	for _, flag := range []struct {
		key, name string
		to        *bool
	}{{keyUnique, "unique index", &f.Unique}, {keyOrder, "order index", &f.Ordered}, {keyFilter, "filter index", &f.Indexed}} {
		raw, given := entry[flag.key]
		if !given {
			continue
		}
		on, ok := raw.(bool)
		if !ok {
			return schemaFault(fmt.Sprintf("Invalid type of field %q. Expected boolean.", quoted(flag.name)))
		}
		*flag.to = on
	}
	if f.Unique {
		if old != nil && old.Type == f.Type && !old.Unique {
			return schemaFault(oldUniqueField)
		}
		f.Indexed = true
	}
	return s.count(f)
}

func (s *schemaReader) count(f *hecate.Field) error {
	if f.Ordered {
		s.counts.order++
	}
	if f.Indexed {
		s.counts.filter++
		if f.Type == hecate.GeoType {
			s.counts.geo++
		}
	}
	if s.counts.order+s.counts.filter > maxIndexes {
		return schemaFault(fmt.Sprintf("Too many indexes defined (exceeds %d).", maxIndexes))
	}
	if s.counts.geo > maxGeoIndexes {
		return schemaFault(fmt.Sprintf("Too many indexes defined on field type geopoint (exceeds %d).", maxGeoIndexes))
	}
	return nil
}

// targetOf reads the target of a reference or relation.
func (s *schemaReader) targetOf(ctx context.Context, raw any, _ *hecate.Field) (hecate.CollectionID, error) {
	if raw == nil {
		return "", schemaFault(`Target must specify class name or "self".`)
	}
	name, ok := raw.(string)
	if !ok || name == "" {
		return "", schemaFault("Invalid value of target. Expected non-empty string.")
	}
	switch name = strings.ToLower(name); name {
	case targetUsers:
		return "", schemaFault(`Target cannot be set to "users". Use "user" instead.`)
	case targetSelf:
		return targetSelf, nil
	case targetUser:
		return hecate.UserTarget, nil
	}
	c, err := s.target(ctx, name)
	if errors.Is(err, hecate.NotFound) {
		return "", schemaFault("Class specified by target is missing.")
	}
	if err != nil {
		return "", err
	}
	return c.ID, nil
}

// appendSchema writes the schema of a class; names gives the class names of targets.
func appendSchema(dst []byte, c *hecate.Collection, names func(hecate.CollectionID) string) []byte {
	j := newJSON(dst)
	j.OpenList()
	for i := range c.Schema {
		f := &c.Schema[i]
		if !isShown(f) {
			continue
		}
		kind := kindOf(wireTypes[f.Type])
		j.Open()
		j.Text(keyName, f.Name)
		j.Text(keyType, kind.wire)
		for _, flag := range []struct {
			key string
			on  bool
		}{{keyOrder, f.Ordered && kind.ordered}, {keyFilter, f.Indexed && kind.filtered}, {keyUnique, f.Unique && kind.unique}} {
			if flag.on {
				j.Bool(flag.key, true)
			}
		}
		if kind.targeted {
			j.Text(keyTarget, targetName(c, f, names))
		}
		j.Close()
	}
	j.CloseList()
	return j.Buf
}

// targetName is the target of a field as this dialect writes it.
func targetName(c *hecate.Collection, f *hecate.Field, names func(hecate.CollectionID) string) string {
	switch f.Target {
	case hecate.UserTarget:
		return targetUser
	case c.ID, targetSelf:
		return targetSelf
	}
	return names(f.Target)
}
