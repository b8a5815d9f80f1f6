package skygear

import (
	"bytes"
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"hecate"
	"hecate/internal/web"
)

var jsonLimits = web.Limits{JSONDepth: 64, JSONValues: 10_000}

func decode(t testing.TB, text string) any {
	t.Helper()
	v, err := web.DecodeJSON([]byte(text), &jsonLimits)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

var testTypes = map[string]hecate.CollectionID{"note": "c-note", "cat": "c-cat", "user": hecate.UserTarget}

func testValues() *values {
	return &values{
		collection: func(_ context.Context, name string) (hecate.CollectionID, error) {
			if id, ok := testTypes[name]; ok {
				return id, nil
			}
			return "", hecate.NotFound
		},
		file: func(_ context.Context, name string) (hecate.FileRef, error) {
			if name == "gone" {
				return hecate.FileRef{}, hecate.NotFound
			}
			return hecate.FileRef{ID: "f", Handle: "h", Name: name, Type: "text/plain", Size: 5}, nil
		},
		typeName: func(id hecate.CollectionID) string {
			for name, known := range testTypes {
				if known == id {
					return name
				}
			}
			return ""
		},
		asset: func(f hecate.FileRef) (string, string) { return f.Name, "http://host/files/" + f.Name + "?a=1&b=2" },
	}
}

func TestAValueIsRead(t *testing.T) {
	t.Parallel()
	v := testValues()
	date := time.Date(2000, 1, 2, 3, 4, 5, 678901e3, time.UTC)
	for text, want := range map[string]any{
		`null`: nil, `"a"`: "a", `true`: true, `1`: int64(1), `1.5`: 1.5, `1.0`: 1.0, `1e400000`: nil, `-9223372036854775808`: int64(-9223372036854775808),
		`{"$type":"date","$date":"2000-01-02T03:04:05.678901Z"}`:         date,
		`{"$type":"date","$date":"2000-01-02T05:04:05.678901999+02:00"}`: date,
		`{"$type":"ref","$id":"note/a/b"}`:                               hecate.Ref{Collection: "c-note", Key: "a/b"},
		`{"$type":"ref","$id":"user/u"}`:                                 hecate.Ref{Collection: hecate.UserTarget, Key: "u"},
		`{"$type":"geo","$lat":1.5,"$lng":-180}`:                         hecate.Geo{Lat: 1.5, Lng: -180},
		`{"$type":"asset","$name":"x","$url":"ignored"}`:                 hecate.FileRef{ID: "f", Handle: "h", Name: "x", Type: "text/plain", Size: 5},
		`{"$type":"seq"}`: sequence{},
		`{"$type":"unknown","$underlying_type":"money"}`:                           ignored{},
		`{"$type":"keypath","$val":"n"}`:                                           keypath("n"),
		`{"$type":"relation","$name":"_friend","$direction":"mutual"}`:             relation{"_friend", "mutual"},
		`{"$type":"geojson","$val":{"type":"Point","coordinates":[1,2]}}`:          map[string]any{"$type": "geojson", "$val": map[string]any{"type": "Point", "coordinates": []any{int64(1), int64(2)}}},
		`[1,{"a":{"$type":"date","$date":"2000-01-02T03:04:05.678901Z"}}]`:         []any{int64(1), map[string]any{"a": date}},
		`{"a":{"$type":"ref","$id":"note/1"}}`:                                     map[string]any{"a": map[string]any{"$type": "ref", "$id": "note/1"}},
		`{"a":{"$type":"geojson","$val":{"b":{"$type":"geo","$lat":1,"$lng":2}}}}`: map[string]any{"a": map[string]any{"$type": "geojson", "$val": map[string]any{"b": hecate.Geo{Lat: 1, Lng: 2}}}},
	} {
		got, err := v.read(t.Context(), decode(t, text))
		if text == `1e400000` {
			if hecate.KindOf(err) != hecate.Invalid {
				t.Errorf("%s: %v", text, err)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %#v %v, want %#v", text, got, err, want)
		}
	}
}

func TestABadValueIsNamed(t *testing.T) {
	t.Parallel()
	v := testValues()
	for text, want := range map[string]string{
		`{"$type":"money"}`:                               "108 unknown $type = money",
		`{"$type":7}`:                                     "108 $type must be a string",
		`{"$type":null}`:                                  "108 $type must be a string",
		`{"$type":"date"}`:                                "108 missing field $date",
		`{"$type":"date","$date":7}`:                      "108 $date must be a string",
		`{"$type":"date","$date":"yesterday"}`:            "108 failed to parse $date = yesterday",
		`{"$type":"date","$date":"0000-01-01T00:00:00Z"}`: "108 failed to parse $date = 0000-01-01T00:00:00Z",
		`{"$type":"ref","$id":"x"}`:                       "108 failed to parse $id = x",
		`{"$type":"ref","$id":"no/x"}`:                    "114 failed to migrate record schema",
		`{"$type":"geo","$lat":1}`:                        "108 $lng must be a number from -180 to 180",
		`{"$type":"geo","$lat":"1","$lng":1}`:             "108 $lat must be a number from -90 to 90",
		`{"$type":"geojson","$val":1}`:                    "108 $val must be an object",
		`{"$type":"asset"}`:                               "108 missing field $name",
		`{"$type":"asset","$name":"gone"}`:                "108 unknown asset gone",
		`[[{"$type":"nope"}]]`:                            "108 unknown $type = nope",
		`{"a":{"$type":"date"}}`:                          "108 missing field $date",
		strings.Repeat("[", 40) + strings.Repeat("]", 40): "108 value is nested too deeply",
	} {
		_, err := v.read(t.Context(), decode(t, text))
		if got := shown(err); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

// shown is "code message" of an error, "" of none.
func shown(err error) string {
	if err == nil {
		return ""
	}
	f := translate(err)
	return itoa(int(f.code)) + " " + f.message
}

func TestAValueIsWritten(t *testing.T) {
	t.Parallel()
	v := testValues()
	for _, c := range []struct {
		value any
		want  string
	}{
		{nil, `null`}, {"a<b>&\u2028\"\n", "\"a\\u003cb\\u003e\\u0026\u2028\\\"\\n\""}, {int64(3), `3`}, {1.5, `1.5`}, {true, `true`},
		{time.Date(2000, 1, 2, 3, 4, 5, 678e6, time.UTC), `{"$date":"2000-01-02T03:04:05.678Z","$type":"date"}`},
		{time.Date(2000, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600)), `{"$date":"2000-01-02T02:04:05Z","$type":"date"}`},
		{hecate.Ref{Collection: "c-note", ID: "i"}, `{"$id":"note/i","$type":"ref"}`},
		{hecate.Ref{Collection: hecate.UserTarget, ID: "i", Key: "k"}, `{"$id":"user/k","$type":"ref"}`},
		{[]hecate.Ref{{Collection: "c-cat", ID: "i"}}, `[{"$id":"cat/i","$type":"ref"}]`},
		{hecate.Geo{Lat: 1, Lng: -2.5}, `{"$lat":1,"$lng":-2.5,"$type":"geo"}`},
		{hecate.FileRef{Name: "x", Type: "text/plain"}, `{"$content_type":"text/plain","$name":"x","$type":"asset","$url":"http://host/files/x?a=1\u0026b=2"}`},
		{[]any{int64(1), map[string]any{"b": time.Unix(0, 0), "a": nil}}, `[1,{"a":null,"b":{"$date":"1970-01-01T00:00:00Z","$type":"date"}}]`},
	} {
		if got := string(v.append(nil, c.value)); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

func FuzzValue(f *testing.F) {
	for _, seed := range []string{
		`1`, `{"$type":"date","$date":"2000-01-02T03:04:05Z"}`, `{"$type":"ref","$id":"note/1"}`, `{"$type":"geo","$lat":1,"$lng":2}`,
		`{"$type":"geojson","$val":{"$type":"geojson","$val":{}}}`, `[[[{"$type":"seq"}]]]`, `{"$type":"asset","$name":"a"}`, `{"a":[1.5,null,"b"]}`,
	} {
		f.Add([]byte(seed))
	}
	v := testValues()
	f.Fuzz(func(t *testing.T, text []byte) {
		raw, err := web.DecodeJSON(text, &jsonLimits)
		if err != nil {
			return
		}
		value, err := v.read(t.Context(), raw)
		if err != nil {
			if hecate.KindOf(err) == hecate.Internal {
				t.Fatalf("%s: %v", text, err)
			}
			return
		}
		switch value.(type) {
		case sequence, ignored, keypath, relation:
			return
		}
		once := v.append(nil, value)
		if !json.Valid(once) {
			t.Fatalf("%s: written as %s", text, once)
		}
		again, err := v.read(t.Context(), decode(t, string(once)))
		if _, isFile := value.(hecate.FileRef); isFile {
			return // its handle is not written
		}
		if twice := v.append(nil, again); err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%s: %s became %s, %v", text, once, twice, err)
		}
	})
}
