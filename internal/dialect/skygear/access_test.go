package skygear

import (
	"reflect"
	"testing"
	"time"

	"hecate"
)

func keyOfTestUser(id hecate.UserID) string { return "key-" + string(id) }

func accessJSON(a hecate.Access, extra hecate.Extra) string {
	j := newJSON(nil)
	writeAccess(&j, "a", a, extra, keyOfTestUser)
	return string(j.Buf)
}

func TestAnACLSurvivesItsWayThroughTheGrants(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]hecate.Access{
		`[]`:                                {Own: true, Grants: []hecate.Grant{ownerGrant}},
		`[{"level":"read","public":true}]`:  {Own: true, Grants: []hecate.Grant{ownerGrant, {Subject: hecate.Public, Permissions: hecate.Read}}},
		`[{"level":"write","role":"Boss"}]`: {Own: true, Grants: []hecate.Grant{ownerGrant, {Subject: "role:Boss", Permissions: writeLevel}}},
		`[{"level":"read","user_id":"key-u"},{"level":"write","role":"R"}]`: {Own: true, Grants: []hecate.Grant{
			ownerGrant, {Subject: "user:u", Permissions: hecate.Read}, {Subject: "role:R", Permissions: writeLevel}}},
		`[{"level":"write","public":true}]`: {Own: true, Grants: []hecate.Grant{
			ownerGrant, {Subject: hecate.Public, Permissions: hecate.Read}, {Subject: hecate.Anyone, Permissions: writeLevel}}},
		`[{"level":"read","relation":"friend"}]`: {Own: true, Grants: []hecate.Grant{ownerGrant}},
	} {
		given, err := readRecordAccess(decode(t, text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		users := map[string]hecate.UserID{}
		for _, key := range given.users() {
			users[key] = "u"
		}
		got := given.access(users, hecate.Access{})
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", text, got, want)
		}
		if back := accessJSON(got, hecate.Extra{extraName: given.relations()}); back != `"a":`+text {
			t.Errorf("%s came back as %s", text, back)
		}
	}
}

func TestNoACLMeansOpen(t *testing.T) {
	t.Parallel()
	if got := accessJSON(openAccess(), nil); got != `"a":null` {
		t.Errorf("got %s", got)
	}
	if given, err := readRecordAccess(nil); given != nil || err != nil {
		t.Errorf("got %v %v", given, err)
	}
	for name, a := range map[string]hecate.Access{
		"no grants of its own":    {},
		"another dialect's owner": {Own: true, Grants: []hecate.Grant{{Subject: hecate.Owner, Permissions: hecate.Read}}},
		"anyone reads":            {Own: true, Grants: []hecate.Grant{{Subject: hecate.Anyone, Permissions: hecate.Read}}},
		"a group":                 {Own: true, Grants: []hecate.Grant{{Subject: "group:g", Permissions: writeLevel}}},
	} {
		if got := accessJSON(a, nil); got != `"a":[]` {
			t.Errorf("%s is shown as %s", name, got)
		}
	}
}

func TestGrantsThatAreNotShownAreKept(t *testing.T) {
	t.Parallel()
	given, err := readRecordAccess([]any{})
	if err != nil {
		t.Fatal(err)
	}
	group := hecate.Grant{Subject: "group:g", Permissions: hecate.Read}
	got := given.access(nil, hecate.Access{Own: true, Grants: []hecate.Grant{{Subject: hecate.Public, Permissions: hecate.Read}, group}})
	if want := []hecate.Grant{ownerGrant, group}; !reflect.DeepEqual(got.Grants, want) {
		t.Errorf("got %+v", got.Grants)
	}
}

func TestABadACLIsNamed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{}`: "108 _access must be an array", `"x"`: "108 _access must be an array", `[7]`: "108 invalid _access entry",
		`[{"public":true}]`: "108 invalid _access entry", `[{"level":"full","public":true}]`: "108 invalid _access entry",
		`[{"level":"read"}]`: "108 invalid _access entry", `[{"level":"read","public":false}]`: "108 invalid _access entry",
		`[{"level":"read","role":7}]`: "108 invalid _access entry",
	} {
		_, err := readRecordAccess(decode(t, text))
		if got := shown(err); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
	_, err := readDefaultAccess(decode(t, `[1]`))
	if got := shown(err); got != "108 invalid default_access entry" {
		t.Errorf("got %q", got)
	}
}

func testShape() *recordShape { return &recordShape{values: testValues(), userKey: keyOfTestUser} }

func testRecord() *hecate.Record {
	at := time.Date(2026, 11, 22, 13, 49, 50, 911326e3, time.UTC)
	return &hecate.Record{ID: "r", Key: "k", Owner: "u", CreatedBy: "u", UpdatedBy: "u", CreatedAt: at, UpdatedAt: at, Access: openAccess(),
		Values: hecate.Values{"n": int64(3), "gone": nil, "born": at, "_hidden": "x"}}
}

func TestARecordIsWritten(t *testing.T) {
	t.Parallel()
	const head = `{"_access":null,"_created_at":"2026-11-22T13:49:50.911326Z","_created_by":"key-u","_id":"note/k","_ownerID":"key-u",`
	const tail = `"_type":"record","_updated_at":"2026-11-22T13:49:50.911326Z","_updated_by":"key-u"`
	const born = `,"born":{"$date":"2026-11-22T13:49:50.911326Z","$type":"date"}`
	s := testShape()
	if got := string(s.append(nil, "note", testRecord(), nil)); got != head+tail+born+`,"n":3}` {
		t.Errorf("got %s", got)
	}
	got := string(s.append([]byte("["), "note", testRecord(), hecate.Values{"username": "Ben"}, transient{"cat", []byte("null")}))
	if got != "["+head+`"_transient":{"cat":null},`+tail+born+`,"n":3,"username":"Ben"}` {
		t.Errorf("got %s", got)
	}
	s.fields = map[string]bool{"n": true, "born": true}
	s.readable = func(_ *hecate.Record, field string) bool { return field != "born" }
	if got := string(s.append(nil, "note", testRecord(), nil)); got != head+tail+`,"n":3}` {
		t.Errorf("got %s", got)
	}
}

func TestARecordIsRead(t *testing.T) {
	t.Parallel()
	v := testValues()
	got, err := v.readRecord(t.Context(), decode(t, `{"_id":"note/a","_access":[],"_ownerID":"x","_type":"record","n":1,"m":null,
		"s":{"$type":"seq"},"u":{"$type":"unknown","$underlying_type":"money"},"list":[1]}`))
	want := givenRecord{id: recordID{"note", "a"}, access: &givenAccess{entries: []entry{}},
		fields: map[string]any{"n": int64(1), "m": nil, "s": sequence{}, "list": []any{int64(1)}}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v %v", got, err)
	}
	for text, want := range map[string]string{
		`7`: "108 record must be an object", `{}`: "108 missing required fields",
		`{"_id":"x"}`:                  `108 record: "_id" should be of format '{type}/{id}', got "x"`,
		`{"_id":"_auth/x"}`:            `108 record type "_auth" is reserved`,
		`{"_id":"note/x","_access":7}`: "108 _access must be an array",
		`{"_id":"note/x","a":{"$type":"keypath","$val":"b"}}`: "108 unknown $type = keypath",
	} {
		_, err := v.readRecord(t.Context(), decode(t, text))
		if got := shown(err); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestAProfileLeavesOutWhatBrokeTheOldServer(t *testing.T) {
	t.Parallel()
	c := &hecate.Collection{Schema: []hecate.Field{{Name: "known", Type: hecate.TextType}}}
	raw := decode(t, `{"_id":"user/x","new":null,"known":null,"n":1}`).(map[string]any)
	got, err := testValues().readProfile(t.Context(), raw, c)
	if want := map[string]any{"known": nil, "n": int64(1)}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v %v", got, err)
	}
}

func TestAValueFitsItsField(t *testing.T) {
	t.Parallel()
	note := hecate.Ref{Collection: "c-note", Key: "1"}
	for _, c := range []struct {
		field hecate.Field
		value any
		fits  bool
	}{
		{hecate.Field{Type: hecate.TextType}, "a", true}, {hecate.Field{Type: hecate.StringType}, "a", true},
		{hecate.Field{Type: hecate.TextType}, int64(1), false}, {hecate.Field{Type: hecate.NumberType}, 1.5, true},
		{hecate.Field{Type: hecate.NumberType}, "1", false}, {hecate.Field{Type: hecate.IntegerType}, int64(1), true},
		{hecate.Field{Type: hecate.IntegerType}, 1.0, true}, {hecate.Field{Type: hecate.IntegerType}, 1.5, false},
		{hecate.Field{Type: hecate.SequenceType}, sequence{}, true}, {hecate.Field{Type: hecate.NumberType}, sequence{}, false},
		{hecate.Field{Type: hecate.JSONType}, []any{}, true}, {hecate.Field{Type: hecate.JSONType}, map[string]any{}, true},
		{hecate.Field{Type: hecate.JSONType}, "a", true}, {hecate.Field{Type: hecate.JSONType}, int64(1), true}, {hecate.Field{Type: hecate.JSONType}, true, true},
		{hecate.Field{Type: hecate.JSONType}, note, false}, {hecate.Field{Type: hecate.ArrayType}, []any{}, true}, {hecate.Field{Type: hecate.ArrayType}, map[string]any{}, false},
		{hecate.Field{Type: hecate.ObjectType}, []any{}, false}, {hecate.Field{Type: hecate.ReferenceType, Target: "c-note"}, note, true},
		{hecate.Field{Type: hecate.ReferenceType, Target: "c-cat"}, note, false}, {hecate.Field{Type: hecate.TimeType}, time.Now(), true},
		{hecate.Field{Type: hecate.TimeType}, "2000", false}, {hecate.Field{Type: hecate.BooleanType}, nil, true},
		{hecate.Field{Type: hecate.GeoType}, hecate.Geo{}, true}, {hecate.Field{Type: hecate.FileType}, hecate.FileRef{}, true},
		{hecate.Field{Type: hecate.RelationType, Target: "c-note"}, []any{map[string]any{"$type": "ref", "$id": "note/1"}}, true},
		{hecate.Field{Type: hecate.RelationType}, []any{int64(1)}, false},
	} {
		_, err := fit(&c.field, c.value)
		if (err == nil) != c.fits || err != nil && translate(err).code != incompatibleSchema {
			t.Errorf("%s and %#v: %v", c.field.Type, c.value, err)
		}
	}
}
