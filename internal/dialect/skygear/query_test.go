package skygear

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"hecate"
	"hecate/internal/web"
)

var noteCollection = &hecate.Collection{ID: "c-note", Name: "note", Schema: []hecate.Field{
	{Name: "title", Type: hecate.TextType}, {Name: "n", Type: hecate.NumberType}, {Name: "done", Type: hecate.BooleanType},
	{Name: "at", Type: hecate.TimeType}, {Name: "cat", Type: hecate.ReferenceType, Target: "c-cat"}, {Name: "tags", Type: hecate.JSONType},
	{Name: "where", Type: hecate.GeoType}, {Name: "boss", Type: hecate.ReferenceType, Target: hecate.UserTarget}, {Name: "file", Type: hecate.FileType},
}}

var catCollection = &hecate.Collection{ID: "c-cat", Name: "cat", Schema: []hecate.Field{{Name: "name", Type: hecate.TextType}}}

var userCollection = &hecate.Collection{ID: "c-user", Name: hecate.ProfileName, Kind: hecate.ProfileCollection, Schema: []hecate.Field{{Name: "nick", Type: hecate.TextType}}}

func testQueries() *queryReader {
	return &queryReader{
		values: testValues(),
		collection: func(_ context.Context, id hecate.CollectionID) (*hecate.Collection, error) {
			switch id {
			case "c-cat":
				return catCollection, nil
			case hecate.UserTarget:
				return userCollection, nil
			}
			return nil, hecate.NotFound
		},
		users: func(_ context.Context, keys []string) (map[string]hecate.UserID, error) {
			ids := map[string]hecate.UserID{}
			for _, k := range keys {
				if k != "nobody" {
					ids[k] = hecate.UserID("id-" + k)
				}
			}
			return ids, nil
		},
	}
}

// brief writes a filter so that a test can be read.
func brief(f hecate.Filter) string {
	ops := map[hecate.Op]string{hecate.OpEqual: "=", hecate.OpNotEqual: "!=", hecate.OpLess: "<", hecate.OpLessEqual: "<=",
		hecate.OpGreater: ">", hecate.OpGreaterEqual: ">=", hecate.OpLike: "like", hecate.OpIn: "in", hecate.OpContains: "has"}
	subs := make([]string, len(f.Sub))
	for i := range f.Sub {
		subs[i] = brief(f.Sub[i])
	}
	name := strings.Join(f.Operand.Path, ".")
	if f.Operand.Column != hecate.FieldColumn {
		name = fmt.Sprintf("#%d", f.Operand.Column)
	}
	if f.Operand.Fold {
		name += "~"
	}
	switch f.Op {
	case hecate.OpAll:
		return "(" + strings.Join(subs, " and ") + ")"
	case hecate.OpAny:
		return "(" + strings.Join(subs, " or ") + ")"
	case hecate.OpNot:
		return "not " + subs[0]
	case hecate.OpJoined:
		return name + "->" + subs[0]
	case hecate.OpNear:
		return fmt.Sprintf("%s near %v %v", name, f.Value, f.Meters)
	}
	return fmt.Sprintf("%s %s %v", name, ops[f.Op], f.Value)
}

// path writes a keypath.
func path(name string) string { return `{"$type":"keypath","$val":"` + name + `"}` }

func TestAPredicateIsRead(t *testing.T) {
	t.Parallel()
	const geo = `{"$type":"geo","$lat":1,"$lng":2}`
	key, owner, author, user, mail := int(hecate.KeyColumn), int(hecate.OwnerColumn), int(hecate.CreatedByColumn), int(hecate.UsernameColumn), 0
	_ = mail
	for text, want := range map[string]string{
		`null`: "()", `[]`: "()",
		`["eq",` + path("n") + `,1]`:       "n = 1",
		`["eq",1,` + path("n") + `]`:       "n = 1",
		`["gt",1,` + path("n") + `]`:       "n < 1",
		`["lte",1.5,` + path("n") + `]`:    "n >= 1.5",
		`["neq",` + path("n") + `,1]`:      "(n != 1 and n != <nil>)",
		`["eq",` + path("n") + `,null]`:    "n = <nil>",
		`["neq",` + path("n") + `,null]`:   "n != <nil>",
		`["gt",` + path("n") + `,null]`:    "()", // nothing: an or of none
		`["gte",` + path("n") + `,1]`:      "n >= 1",
		`["lt",` + path("n") + `,1]`:       "n < 1",
		`["eq",` + path("done") + `,true]`: "done = true",
		`["gt",` + path("at") + `,{"$type":"date","$date":"2000-01-01T00:00:00Z"}]`: "at > 2000-01-01 00:00:00 +0000 UTC",
		`["like",` + path("title") + `,"a%\\"]`:                                     `title like a%\\`,
		`["ilike",` + path("title") + `,"a_"]`:                                      "title~ like a_",
		`["eq",` + path("cat") + `,{"$type":"ref","$id":"cat/1"}]`:                  "cat = {c-cat  0 1}",
		`["eq",` + path("cat") + `,"1"]`:                                            "cat = {c-cat  0 1}",
		`["eq",` + path("tags") + `,"x"]`:                                           "tags = x",
		`["in",` + path("n") + `,[1,null,2]]`:                                       "n in [1 2]",
		`["in",` + path("n") + `,[]]`:                                               "()",
		`["in","x",` + path("tags") + `]`:                                           "tags has [x]",
		`["and",["eq",` + path("n") + `,1],["not",["eq",` + path("n") + `,2]]]`:     "(n = 1 and not n = 2)",
		`["or",["eq",` + path("n") + `,1]]`:                                         "(n = 1)",
		`["eq",` + path("_id") + `,"k"]`:                                            fmt.Sprintf("#%d = k", key),
		`["in",` + path("_id") + `,["k",{"$type":"ref","$id":"note/l"}]]`:           fmt.Sprintf("#%d in [k l]", key),
		`["eq",` + path("_owner") + `,"u"]`:                                         fmt.Sprintf("#%d = id-u", owner),
		`["eq",` + path("_owner_id") + `,"nobody"]`:                                 fmt.Sprintf("#%d = nobody", owner),
		`["in",` + path("_created_by") + `,["u",{"$type":"ref","$id":"user/v"}]]`:   fmt.Sprintf("#%d in [id-u id-v]", author),
		`["eq",` + path("cat.name") + `,"x"]`:                                       "cat->name = x",
		`["eq",` + path("cat.name") + `,null]`:                                      "(cat = <nil> or cat->name = <nil>)",
		`["eq",` + path("boss.username") + `,"Ben"]`:                                fmt.Sprintf("boss->#%d~ = Ben", user),
		`["lte",["func","distance",` + path("where") + `,` + geo + `],100]`:         "where near {1 2} 100",
		`["gt",["func","distance",` + path("where") + `,` + geo + `],100]`:          "(where != <nil> and not where near {1 2} 100)",
		`["gt",100,["func","distance",` + path("where") + `,` + geo + `]]`:          "where near {1 2} 100",
		`["lt",["func","distance",` + path("where") + `,` + geo + `],-1]`:           "()",
	} {
		q, err := testQueries().read(t.Context(), noteCollection, payload{"predicate": decode(t, text)})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := brief(q.Filter); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
		if err := q.Check(); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestABadQueryIsNamed(t *testing.T) {
	t.Parallel()
	const failed = "108 failed to construct query: "
	for text, want := range map[string]string{
		`{"predicate":"x"}`:         `108 expecting "predicate" to be an array`,
		`{"predicate":["xor",1,2]}`: failed + "unrecognized operator = xor",
		`{"predicate":[7]}`:         failed + "operator must be a string",
		`{"predicate":["and"]}`:     failed + "wrong number of predicates for operator = and",
		`{"predicate":["not",["eq",` + path("n") + `,1],["eq",` + path("n") + `,1]]}`: failed + "wrong number of predicates for operator = not",
		`{"predicate":["and",7]}`:                                                 failed + "got non-array or empty predicate",
		`{"predicate":["eq",` + path("n") + `]}`:                                  failed + "expected two expressions for operator = eq",
		`{"predicate":["eq",1,2]}`:                                                failed + "one side of operator = eq must be a keypath, the other a value",
		`{"predicate":["eq",` + path("n") + `,` + path("n") + `]}`:                failed + "one side of operator = eq must be a keypath, the other a value",
		`{"predicate":["eq",` + path("x") + `,1]}`:                                `120 keypath "x" does not exist`,
		`{"predicate":["eq",` + path("_database_id") + `,1]}`:                     `120 keypath "_database_id" does not exist`,
		`{"predicate":["eq",` + path("cat.x") + `,1]}`:                            `120 keypath "cat.x" does not exist`,
		`{"predicate":["eq",` + path("n.x") + `,1]}`:                              `120 keypath "n.x" does not exist`,
		`{"predicate":["eq",` + path("cat.name.x") + `,1]}`:                       `120 keypath "cat.name.x" does not exist`,
		`{"predicate":["eq",` + path("n") + `,"x"]}`:                              failed + `"n" cannot be compared with this value`,
		`{"predicate":["eq",` + path("_id") + `,7]}`:                              failed + `"_id" cannot be compared with this value`,
		`{"predicate":["eq",` + path("cat") + `,{"$type":"ref","$id":"note/1"}]}`: failed + `"cat" cannot be compared with this value`,
		`{"predicate":["gt",` + path("cat") + `,"1"]}`:                            failed + `"cat" has no order`,
		`{"predicate":["like",` + path("n") + `,"1"]}`:                            failed + `"n" is no text`,
		`{"predicate":["in",` + path("n") + `,1]}`:                                failed + "operator = in needs a list of values",
		`{"predicate":["in","x",` + path("n") + `]}`:                              failed + `"n" is no list`,
		`{"predicate":["eq",` + path("n") + `,{"$type":"x"}]}`:                    "108 unknown $type = x",
		`{"predicate":["func","x",1,2]}`:                                          failed + "unrecognized function",
		`{"predicate":["func","userRelation",` + path("_owner") + `,{"$type":"relation","$name":"_friend","$direction":"mutual"}]}`: "111 userRelation is not supported",
		`{"sort":7}`:                           `108 expecting "sort" to be an array`,
		`{"sort":[7]}`:                         failed + "a sort is an array of expression and order",
		`{"sort":[[` + path("n") + `,"up"]]}`:  failed + `unknown sort order "up"`,
		`{"sort":[[` + path("x") + `,"asc"]]}`: `120 keypath "x" does not exist`,
		`{"sort":[["x","asc"]]}`:               failed + "sort needs a field of the record or a distance",
		`{"limit":-1}`:                         failed + "limit and offset must not be negative",
		`{"limit":"1"}`:                        "107 fails to decode the request payload",
		`{"count":1}`:                          "107 fails to decode the request payload",
		`{"include":[]}`:                       "107 fails to decode the request payload",
		`{"include":{"a":` + path("n") + `}}`:  failed + `"n" is no reference`,
		`{"desired_keys":["x"]}`:               `120 keypath "x" does not exist`,
		`{"predicate":` + strings.Repeat(`["not",`, 30) + `["eq",` + path("n") + `,1]` + strings.Repeat("]", 30) + `}`: failed + "predicate is nested too deeply",
	} {
		_, err := testQueries().read(t.Context(), noteCollection, decode(t, text).(map[string]any))
		if got := shown(err); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{`{}`: "108 recordType cannot be empty", `{"record_type":7}`: "107 fails to decode the request payload",
		`{"record_type":"_auth"}`: `108 record type "_auth" is reserved`} {
		_, err := readRecordType(decode(t, text).(map[string]any))
		if got := shown(err); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestAWholeQueryIsRead(t *testing.T) {
	t.Parallel()
	const geo = `{"$type":"geo","$lat":1,"$lng":2}`
	p := decode(t, `{"sort":[[`+path("n")+`,"desc"],[["func","distance",`+path("where")+`,`+geo+`],"asc"],[`+path("_created_at")+`,"asc"]],
		"limit":50,"offset":100,"page":3,"count":true,"desired_keys":["n","_id"],
		"include":{"c":`+path("cat")+`,"o":`+path("_owner_id")+`,"d":["func","distance",`+path("where")+`,`+geo+`]}}`).(map[string]any)
	q, err := testQueries().read(t.Context(), noteCollection, p)
	if err != nil {
		t.Fatal(err)
	}
	want := []hecate.Order{{Operand: hecate.Operand{Path: []string{"n"}, Type: hecate.NumberType}, Desc: true}, {Operand: hecate.Operand{Column: hecate.CreatedColumn}}}
	if !reflect.DeepEqual(q.Order, want) || len(q.near) != 1 || q.near[0].at != 1 || q.near[0].desc {
		t.Errorf("orders %+v, near %+v", q.Order, q.near)
	}
	if q.Limit != 50 || q.Offset != 100 || !q.Count || q.all || !q.fields["n"] {
		t.Errorf("got %+v", q)
	}
	if len(q.includes) != 3 || q.includes[0].field.Name != "cat" || q.includes[1].near == nil || q.includes[2].column != hecate.OwnerColumn {
		t.Errorf("includes %+v", q.includes)
	}
	if q, err = testQueries().read(t.Context(), noteCollection, payload{}); err != nil || !q.all {
		t.Errorf("without a limit: %+v %v", q, err)
	}
}

func TestFieldAccessDecidesWhatMayBeCompared(t *testing.T) {
	t.Parallel()
	q := testQueries()
	q.rights = func(_ *hecate.Collection, field string) fieldRights {
		switch field {
		case "n":
			return fieldRights{discoverable: true, readable: true}
		case "title", "cat":
			return fieldRights{}
		}
		return fieldRights{true, true, true}
	}
	const text = `124 Cannot query on field "%s" due to Field ACL, need to be %s`
	for body, want := range map[string]string{
		`{"predicate":["eq",` + path("n") + `,1]}`:               "",
		`{"predicate":["gt",` + path("n") + `,1]}`:               fmt.Sprintf(text, "n", "comparable"),
		`{"sort":[[` + path("n") + `,"asc"]]}`:                   fmt.Sprintf(text, "n", "comparable"),
		`{"predicate":["eq",` + path("title") + `,"a"]}`:         fmt.Sprintf(text, "title", "discoverable or comparable"),
		`{"include":{"c":` + path("cat") + `}}`:                  fmt.Sprintf(text, "cat", "readable"),
		`{"predicate":["eq",` + path("cat.name") + `,"a"]}`:      fmt.Sprintf(text, "cat", "comparable"),
		`{"predicate":["eq",` + path("_id") + `,"a"]}`:           "",
		`{"predicate":["eq",` + path("boss.username") + `,"a"]}`: "",
	} {
		_, err := q.read(t.Context(), noteCollection, decode(t, body).(map[string]any))
		if got := shown(err); got != want {
			t.Errorf("%s: got %q, want %q", body, got, want)
		}
	}
}

func TestADistanceIsMeasuredOnTheMeanEarth(t *testing.T) {
	t.Parallel()
	d := &distance{&noteCollection.Schema[6], hecate.Geo{}}
	got, ok := d.to(&hecate.Record{Values: hecate.Values{"where": hecate.Geo{Lat: 0, Lng: 90}}})
	if want := earthRadius * math.Pi / 2; !ok || math.Abs(got-want) > 1 {
		t.Errorf("got %v %v, want %v", got, ok, want)
	}
	if _, ok := d.to(&hecate.Record{}); ok {
		t.Error("a record without a place has a distance")
	}
}

func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		`{"predicate":["and",["eq",` + path("n") + `,1],["not",["in","x",` + path("tags") + `]]]}`,
		`{"predicate":["gt",["func","distance",` + path("where") + `,{"$type":"geo","$lat":1,"$lng":2}],5],"sort":[[` + path("n") + `,"asc"]]}`,
		`{"predicate":["in",` + path("_owner") + `,["a"]],"include":{"c":` + path("cat") + `},"limit":1e2,"desired_keys":["n"]}`,
		`{"predicate":["like",` + path("cat.name") + `,"%\\"]}`,
	} {
		f.Add([]byte(seed))
	}
	q := testQueries()
	f.Fuzz(func(t *testing.T, text []byte) {
		raw, err := web.DecodeJSON(text, &jsonLimits)
		object, ok := raw.(map[string]any)
		if err != nil || !ok {
			return
		}
		got, err := q.read(t.Context(), noteCollection, object)
		if err != nil {
			if hecate.KindOf(err) == hecate.Internal {
				t.Fatalf("%s: %v", text, err)
			}
			return
		}
		// What is read may still be too large for the engine, but it is well formed.
		if err := got.Check(); err != nil && hecate.KindOf(err) != hecate.TooLarge {
			t.Fatalf("%s: %v", text, err)
		}
		if _, err := json.Marshal(brief(got.Filter)); err != nil {
			t.Fatal(err)
		}
		eachUser(&got.Filter, func(key userNamed) any { t.Fatalf("%s: user %s was not looked up", text, key); return nil })
	})
}
