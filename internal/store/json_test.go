package store

import (
	"reflect"
	"testing"
)

func TestStoredObjectsAreReadWithTheirWhiteSpaceAndEscapes(t *testing.T) {
	t.Parallel()
	const text = " {\"a\" : \"x\\\"\\u00e9\\ud83d\\ude00\\n\", \"b\":[ ], \"c\": [1,-2.5, 1e3,\t9223372036854775808 , true,false,null,\"\"],\n\"d\":{ },\"\":{\"e\":\"é\"} } "
	want := map[string]any{
		"a": "x\"é😀\n", "b": []any{}, "c": []any{int64(1), -2.5, 1000.0, 9223372036854775808.0, true, false, nil, ""},
		"d": map[string]any{}, "": map[string]any{"e": "é"},
	}
	if got, err := decodeObject(text); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\n got %#v\nwant %#v", err, got, want)
	}
}

func TestADamagedObjectIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "null", "[]", `"a"`, "{", `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{a:1}`, `{"a" 1}`, `{"a":1 "b":2}`, `{"a":1}x`, `{"a":1}{}`,
		`{"a":}`, `{"a":tru}`, `{"a":nul`, `{"a":-}`, `{"a":1e}`, `{"a":1.2.3}`, `{"a":"`, `{"a":"\`, `{"a":"\"`, `{"a":"\x"}`, "{\"a\":\"\n\"}", `{"a":[}`,
		`{"a":[1,]}`, `{"a":[1 2]}`, `{"a":[1`, `{"a":x}`,
	} {
		if got, err := decodeObject(text); err == nil {
			t.Errorf("%q was read as %v", text, got)
		}
	}
}
