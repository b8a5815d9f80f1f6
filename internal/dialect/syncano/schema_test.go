package syncano

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"hecate"
	"hecate/internal/web"
)

func decode(t testing.TB, text string) any {
	t.Helper()
	v, err := web.DecodeJSON([]byte(text), &innerJSON)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// oneClass knows the class "author" and no other.
func oneClass(_ context.Context, name string) (*hecate.Collection, error) {
	if name != "author" {
		return nil, hecate.E(hecate.NotFound, "find class")
	}
	return &hecate.Collection{ID: "author-id", Name: "author"}, nil
}

func many(n int, format string) string {
	rows := make([]string, n)
	for i := range rows {
		rows[i] = fmt.Sprintf(format, i)
	}
	return "[" + strings.Join(rows, ",") + "]"
}

func TestAWrongSchemaIsRefusedWithItsReason(t *testing.T) {
	const x = `Error processing field definition "x" #0: `
	cases := []struct{ schema, want string }{
		{`{}`, badSchema},
		{`5`, badSchema},
		{`[5]`, badSchema},
		{`"{not json"`, textNotJSON},
		{`"\"text\""`, badSchema},
		{`""`, textNotJSON},
		{many(33, `{"name":"f%d","type":"string"}`), "Too many fields defined (exceeds 32)."},
		{`[{"name":"x"}]`, x + "Field name and type is required."},
		{`[{"type":"string"}]`, `Error processing field definition "unknown" #0: Field name and type is required.`},
		{`[{"name":5,"type":"string"}]`, `Error processing field definition "5" #0: Invalid type of field name. Expected string.`},
		{`[{"name":"","type":"string"}]`, `Error processing field definition "" #0: Value of field name is too short, minimum length is 1.`},
		{`[{"name":"` + strings.Repeat("a", 65) + `","type":"string"}]`, "Value of field name is too long, maximum length is 64."},
		{`[{"name":"1x","type":"string"}]`, `Wrong characters used in field name "1x". Allowed characters are: letters, numbers and underscores. Name has to start with a letter.`},
		{`[{"name":"x\n","type":"string"}]`, "Wrong characters used in field name"},
		{`[{"name":"Owner","type":"string"}]`, `Field name "Owner" is reserved.`},
		{`[{"name":"created_at","type":"string"}]`, `Field name "created_at" is reserved.`},
		{`[{"name":"PK","type":"string"}]`, `Field name "PK" is reserved.`},
		{`[{"name":"x","type":5}]`, x + "Invalid type of field type. Expected string."},
		{`[{"name":"x","type":"colour"}]`, x + "Invalid field type value. Possible types: string, text, integer, float, boolean, datetime, file, reference, relation, array, object, geopoint."},
		{`[{"name":"a","type":"string"},{"name":"a","type":"text"}]`, `Error processing field definition "a" #1: Field "a" defined more than once.`},
		{`[{"name":"x","type":"text","order_index":false}]`, x + "Field text definition can only consist of name, type."},
		{`[{"name":"x","type":"relation","target":"self","order_index":true}]`, x + "Field relation definition can only consist of name, type, filter_index, target."},
		{`[{"name":"x","type":"string","colour":1}]`, x + "Field string definition can only consist of name, type, order_index, filter_index, unique."},
		{`[{"name":"x","type":"string","order_index":"yes"}]`, x + `Invalid type of field "order index". Expected boolean.`},
		{`[{"name":"x","type":"string","filter_index":1}]`, x + `Invalid type of field "filter index". Expected boolean.`},
		{many(9, `{"name":"f%d","type":"string","order_index":true,"filter_index":true}`), "Too many indexes defined (exceeds 16)."},
		{many(2, `{"name":"f%d","type":"geopoint","filter_index":true}`), "Too many indexes defined on field type geopoint (exceeds 1)."},
		{`[{"name":"x","type":"reference"}]`, x + `Target must specify class name or "self".`},
		{`[{"name":"x","type":"reference","target":""}]`, x + "Invalid value of target. Expected non-empty string."},
		{`[{"name":"x","type":"reference","target":"users"}]`, x + `Target cannot be set to "users". Use "user" instead.`},
		{`[{"name":"x","type":"reference","target":"nowhere"}]`, x + "Class specified by target is missing."},
	}
	for _, c := range cases {
		s := schemaReader{target: oneClass}
		_, err := s.read(t.Context(), decode(t, c.schema))
		fault, ok := err.(schemaFault)
		if !ok || !strings.Contains(string(fault), c.want) {
			t.Errorf("%s\n got %v\nwant %s", c.schema, err, c.want)
		}
	}
}

func TestASchemaIsReadAndShownAlike(t *testing.T) {
	const schema = `[{"name":"s","type":"string","order_index":true,"filter_index":true},{"name":"t","type":"text"},
		{"name":"i","type":"INTEGER","filter_index":true,"unique":true},{"name":"f","type":"float","order_index":true},{"name":"b","type":"boolean"},
		{"name":"d","type":"datetime","order_index":false},{"name":"file","type":"file"},{"name":"r","type":"reference","target":"SELF"},
		{"name":"rs","type":"relation","target":"Author","filter_index":true},{"name":"u","type":"reference","target":"user"},
		{"name":"a","type":"array","filter_index":true},{"name":"o","type":"object"},{"name":"g","type":"geopoint","filter_index":true}]`
	const shown = `[{"name":"s","type":"string","order_index":true,"filter_index":true},{"name":"t","type":"text"},` +
		`{"name":"i","type":"integer","filter_index":true,"unique":true},{"name":"f","type":"float","order_index":true},{"name":"b","type":"boolean"},` +
		`{"name":"d","type":"datetime"},{"name":"file","type":"file"},{"name":"r","type":"reference","target":"self"},` +
		`{"name":"rs","type":"relation","filter_index":true,"target":"author"},{"name":"u","type":"reference","target":"user"},` +
		`{"name":"a","type":"array","filter_index":true},{"name":"o","type":"object"},{"name":"g","type":"geopoint","filter_index":true}]`
	text, _ := json.Marshal(schema)
	for _, form := range []string{schema, string(text)} {
		s := schemaReader{target: oneClass}
		fields, err := s.read(t.Context(), decode(t, form))
		if err != nil {
			t.Fatal(err)
		}
		c := &hecate.Collection{ID: "own-id", Schema: fields}
		got := string(appendSchema(nil, c, func(id hecate.CollectionID) string { return strings.TrimSuffix(string(id), "-id") }))
		if got != shown {
			t.Errorf("got  %s\nwant %s", got, shown)
		}
	}
}

func TestUniqueIsForNewFieldsOnly(t *testing.T) {
	old := []hecate.Field{{Name: "x", Type: hecate.StringType}, {Name: "y", Type: hecate.StringType, Unique: true, Indexed: true}}
	read := func(schema string) error {
		s := schemaReader{target: oneClass, old: old}
		_, err := s.read(t.Context(), decode(t, schema))
		return err
	}
	if err := read(`[{"name":"x","type":"string","unique":true}]`); err == nil || !strings.Contains(err.Error(), oldUniqueField) {
		t.Error(err)
	}
	for _, fine := range []string{`[{"name":"y","type":"string","unique":true}]`, `[{"name":"x","type":"integer","unique":true}]`, `[{"name":"z","type":"string","unique":true}]`} {
		if err := read(fine); err != nil {
			t.Errorf("%s: %v", fine, err)
		}
	}
}

func TestASchemaOfAnotherDialectSurvivesBeingSentBack(t *testing.T) {
	c := &hecate.Collection{ID: "own-id", Schema: []hecate.Field{
		{Name: "tags", Type: hecate.JSONType, Indexed: true}, {Name: "no", Type: hecate.SequenceType}, {Name: "owner", Type: hecate.StringType},
		{Name: "full-name", Type: hecate.TextType, Indexed: true}, {Name: "gone", Type: hecate.TextType, Dropped: true},
	}}
	names := func(hecate.CollectionID) string { return "" }
	wire := appendSchema(nil, c, names)
	if want := `[{"name":"tags","type":"object"},{"name":"no","type":"integer"},{"name":"full-name","type":"text"}]`; string(wire) != want {
		t.Errorf("got %s", wire)
	}
	s := schemaReader{target: oneClass, old: c.Schema}
	fields, err := s.read(t.Context(), decode(t, string(wire)))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]hecate.Field{}
	for _, f := range fields {
		got[f.Name] = f
	}
	if len(fields) != 4 || got["tags"].Type != hecate.JSONType || !got["tags"].Indexed || got["no"].Type != hecate.SequenceType ||
		!got["full-name"].Indexed || got["owner"].Type != hecate.StringType {
		t.Errorf("%+v", fields)
	}
}

func FuzzSchema(f *testing.F) {
	for _, seed := range []string{
		`[{"name":"a","type":"string","unique":true}]`, `[{"name":"a","type":"relation","target":"author"}]`, `"[]"`, `[null]`, `[[]]`, `{"a":1}`,
		`[{"name":null,"type":null,"target":{}}]`, `[{"name":"a","type":"geopoint","filter_index":true}]`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := web.DecodeJSON([]byte(text), &innerJSON)
		if err != nil {
			return
		}
		s := schemaReader{target: oneClass, old: []hecate.Field{{Name: "a", Type: hecate.JSONType}}}
		fields, err := s.read(t.Context(), v)
		if err != nil {
			if _, ok := err.(schemaFault); !ok {
				t.Fatalf("not a fault of the schema: %v", err)
			}
			return
		}
		c := &hecate.Collection{ID: "own-id", Schema: fields}
		shown := appendSchema(nil, c, func(id hecate.CollectionID) string { return strings.TrimSuffix(string(id), "-id") })
		if !json.Valid(shown) {
			t.Fatalf("shown as %s", shown)
		}
		again := schemaReader{target: oneClass, old: fields}
		if _, err := again.read(t.Context(), decode(t, string(shown))); err != nil {
			t.Fatalf("%s was accepted and shown as %s, and then refused: %v", text, shown, err)
		}
	})
}
