package syncano

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"hecate"
	"hecate/internal/web"
)

func TestValuesAreReadByTheirTypes(t *testing.T) {
	day := time.Date(1932, 2, 4, 0, 0, 0, 500_000_000, time.UTC)
	cases := []struct {
		kind  hecate.FieldType
		wire  string
		want  any
		fault string
	}{
		{hecate.StringType, `" x "`, " x ", ""},
		{hecate.StringType, `""`, "", ""},
		{hecate.StringType, `12.5`, "12.5", ""},
		{hecate.StringType, `true`, nil, textNotString},
		{hecate.StringType, `{}`, nil, textNotString},
		{hecate.StringType, `"` + strings.Repeat("é", 128) + `"`, strings.Repeat("é", 128), ""},
		{hecate.StringType, `"` + strings.Repeat("é", 129) + `"`, nil, "Ensure this field has no more than 128 characters."},
		{hecate.TextType, `"` + strings.Repeat("x", 32001) + `"`, nil, "Ensure this field has no more than 32000 characters."},
		{hecate.StringType, `null`, nil, ""},
		{hecate.IntegerType, `7`, int64(7), ""},
		{hecate.IntegerType, `" -7 "`, int64(-7), ""},
		{hecate.IntegerType, `7.0`, int64(7), ""},
		{hecate.IntegerType, `1e3`, int64(1000), ""},
		{hecate.IntegerType, `1.5`, nil, textNotInteger},
		{hecate.IntegerType, `"many"`, nil, textNotInteger},
		{hecate.IntegerType, `""`, nil, textNotInteger},
		{hecate.IntegerType, `true`, nil, textNotInteger},
		{hecate.IntegerType, `{}`, nil, textNotInteger},
		{hecate.IntegerType, `2147483647`, int64(2147483647), ""},
		{hecate.IntegerType, `2147483648`, nil, tooLargeInteger},
		{hecate.IntegerType, `-2147483649`, nil, tooSmallInteger},
		{hecate.IntegerType, `99999999999999999999999999`, nil, tooLargeInteger},
		{hecate.IntegerType, `1e400`, nil, textNotInteger},
		{hecate.NumberType, `9.5`, 9.5, ""},
		{hecate.NumberType, `"9"`, 9.0, ""},
		{hecate.NumberType, `"NaN"`, nil, badNumber},
		{hecate.NumberType, `"inf"`, nil, badNumber},
		{hecate.NumberType, `"0x1p3"`, nil, badNumber},
		{hecate.NumberType, `1e999`, nil, badNumber},
		{hecate.NumberType, `"much"`, nil, badNumber},
		{hecate.BooleanType, `true`, true, ""},
		{hecate.BooleanType, `"false"`, false, ""},
		{hecate.BooleanType, `"1"`, true, ""},
		{hecate.BooleanType, `0`, false, ""},
		{hecate.BooleanType, `"null"`, nil, ""},
		{hecate.BooleanType, `"perhaps"`, nil, textNotBoolean},
		{hecate.BooleanType, `[]`, nil, textNotBoolean},
		{hecate.TimeType, `"1932-02-04T00:00:00.5Z"`, day, ""},
		{hecate.TimeType, `{"type":"datetime","value":"1932-02-04T00:00:00.500000Z"}`, day, ""},
		{hecate.TimeType, `"1932-02-04T00:00:00Z"`, nil, badDatetime},
		{hecate.TimeType, `"2016-02-30T00:00:00.0Z"`, nil, badDatetime},
		{hecate.TimeType, `"2016-02-03T00:00:00.0+01:00"`, nil, badDatetime},
		{hecate.TimeType, `"yesterday"`, nil, badDatetime},
		{hecate.TimeType, `5`, nil, badDatetime},
		{hecate.ReferenceType, `5`, hecate.Ref{Collection: "t", Seq: 5}, ""},
		{hecate.ReferenceType, `{"type":"reference","target":"author","value":5}`, hecate.Ref{Collection: "t", Seq: 5}, ""},
		{hecate.ReferenceType, `"Orwell"`, nil, textNotInteger},
		{hecate.ReferenceType, `-1`, nil, badTarget},
		{hecate.RelationType, `[5,7,5]`, []hecate.Ref{{Collection: "t", Seq: 5}, {Collection: "t", Seq: 7}}, ""},
		{hecate.RelationType, `"[5]"`, []hecate.Ref{{Collection: "t", Seq: 5}}, ""},
		{hecate.RelationType, `{"type":"relation","target":"author","value":[5]}`, []hecate.Ref{{Collection: "t", Seq: 5}}, ""},
		{hecate.RelationType, `["5"]`, nil, badRelationItem},
		{hecate.RelationType, `5`, nil, badRelation},
		{hecate.RelationType, `"Orwell"`, nil, badRelation},
		{hecate.RelationType, `{"_add":[5]}`, nil, badRelation},
		{hecate.ArrayType, `["a",1,true,1.5]`, []any{"a", int64(1), true, 1.5}, ""},
		{hecate.ArrayType, `"[\"a\"]"`, []any{"a"}, ""},
		{hecate.ArrayType, `[]`, []any{}, ""},
		{hecate.ArrayType, `"x"`, nil, badArray},
		{hecate.ArrayType, `{}`, nil, badArray},
		{hecate.ArrayType, `[{}]`, nil, badItem},
		{hecate.ArrayType, `[null]`, nil, badItem},
		{hecate.ObjectType, `{"a":[1,{"b":null}]}`, map[string]any{"a": []any{int64(1), map[string]any{"b": nil}}}, ""},
		{hecate.ObjectType, `"{\"a\":1}"`, map[string]any{"a": int64(1)}, ""},
		{hecate.ObjectType, `"x"`, nil, badObject},
		{hecate.ObjectType, `[1]`, nil, badObject},
		{hecate.GeoType, `{"latitude":51.5,"longitude":-0.12}`, hecate.Geo{Lat: 51.5, Lng: -0.12}, ""},
		{hecate.GeoType, `{"type":"geopoint","latitude":1,"longitude":2}`, hecate.Geo{Lat: 1, Lng: 2}, ""},
		{hecate.GeoType, `"{\"latitude\":1,\"longitude\":2}"`, hecate.Geo{Lat: 1, Lng: 2}, ""},
		{hecate.GeoType, `{"latitude":91,"longitude":0}`, nil, badGeopoint},
		{hecate.GeoType, `{"latitude":1}`, nil, badGeopoint},
		{hecate.GeoType, `{"latitude":"1","longitude":"2"}`, nil, badGeopoint},
		{hecate.GeoType, `"here"`, nil, badGeopoint},
		{hecate.FileType, `null`, nil, ""},
		{hecate.FileType, `5`, nil, badFile},
		{hecate.FileType, `{"type":"file"}`, nil, badFile},
		{hecate.JSONType, `[1]`, []any{int64(1)}, ""},
	}
	for _, c := range cases {
		f := &hecate.Field{Name: "x", Type: c.kind, Target: "t"}
		got, fault := readValue(f, decode(t, c.wire), manner{})
		if fault != c.fault || fault == "" && !reflect.DeepEqual(got.value, c.want) {
			t.Errorf("%s %.60s: got %#v %q, want %#v %q", c.kind, c.wire, got.value, fault, c.want, c.fault)
		}
	}
}

func TestAnEmptyFormFieldIsNullUnlessItIsText(t *testing.T) {
	for kind := range valueReaders {
		got, fault := readValue(&hecate.Field{Name: "x", Type: kind}, "", manner{form: true})
		want := any(nil)
		if kind == hecate.StringType || kind == hecate.TextType {
			want = ""
		}
		if fault != "" || got.value != want {
			t.Errorf("%s: %#v %q", kind, got.value, fault)
		}
	}
}

func TestOperationsAreReadOnUpdatesOnly(t *testing.T) {
	change := func(op hecate.ChangeOp, v any) hecate.Change {
		return hecate.Change{Field: "x", Op: op, Value: v}
	}
	cases := []struct {
		kind  hecate.FieldType
		wire  string
		want  []hecate.Change
		fault string
	}{
		{hecate.IntegerType, `{"_increment":5}`, []hecate.Change{change(hecate.Increment, int64(5))}, ""},
		{hecate.IntegerType, `"{\"_increment\": -1}"`, []hecate.Change{change(hecate.Increment, int64(-1))}, ""},
		{hecate.IntegerType, `{"_increment":"many"}`, nil, textNotInteger},
		{hecate.IntegerType, `{"_increment":2147483648}`, nil, tooLargeInteger},
		{hecate.IntegerType, `{"_add":5}`, nil, textNotInteger},
		{hecate.NumberType, `{"_increment":-0.5}`, []hecate.Change{change(hecate.Increment, -0.5)}, ""},
		{hecate.NumberType, `{"_increment":1,"_add":1}`, nil, badNumber},
		{hecate.ArrayType, `{"_add":["a",1]}`, []hecate.Change{change(hecate.AddItems, []any{"a", int64(1)})}, ""},
		{hecate.ArrayType, `{"_addunique":"a"}`, []hecate.Change{change(hecate.AddUnique, []any{"a"})}, ""},
		{hecate.ArrayType, `{"_remove":[true],"_add":["b"]}`, []hecate.Change{change(hecate.AddItems, []any{"b"}), change(hecate.RemoveItems, []any{true})}, ""},
		{hecate.ArrayType, `{"_add":[{}]}`, nil, badItem},
		{hecate.ArrayType, `{"_increment":1}`, nil, badArray},
		{hecate.RelationType, `{"_add":[5,5]}`, []hecate.Change{change(hecate.AddUnique, []hecate.Ref{{Collection: "t", Seq: 5}})}, ""},
		{hecate.RelationType, `{"_remove":5}`, []hecate.Change{change(hecate.RemoveItems, []hecate.Ref{{Collection: "t", Seq: 5}})}, ""},
		{hecate.RelationType, `{"_addunique":[5]}`, nil, badArray},
	}
	for _, c := range cases {
		f := &hecate.Field{Name: "x", Type: c.kind, Target: "t"}
		got, fault := readValue(f, decode(t, c.wire), manner{update: true})
		if fault != c.fault || !reflect.DeepEqual(got.changes, c.want) {
			t.Errorf("%s %s: got %v %q", c.kind, c.wire, got.changes, fault)
		}
		if _, fault := readValue(f, decode(t, c.wire), manner{}); fault == "" {
			t.Errorf("%s %s: accepted on creation", c.kind, c.wire)
		}
	}
}

func FuzzValue(f *testing.F) {
	for _, seed := range []string{`"x"`, `1e9`, `{"_add":[1]}`, `{"_increment":1}`, `[1,"a",null]`, `{"type":"file","value":"http://x/"}`, `"{\"latitude\":1}"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for kind := range valueReaders {
			for _, how := range []manner{{}, {update: true}, {form: true, update: true}} {
				v, err := web.DecodeJSON([]byte(text), &innerJSON)
				if err != nil {
					return
				}
				field := &hecate.Field{Name: "x", Type: kind, Target: "t"}
				got, fault := readValue(field, v, how)
				if fault == "" && len(got.changes) == 0 && got.url == "" {
					shown := (&api{publicURL: func() string { return "" }, known: known{classes: map[hecate.CollectionID]string{"t": "author"}}}).
						appendField(nil, &hecate.App{}, &hecate.Collection{}, field, got.value)
					if !json.Valid(shown) {
						t.Fatalf("%s %s shown as %s", kind, text, shown)
					}
				}
			}
		}
	})
}
