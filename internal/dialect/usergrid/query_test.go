package usergrid

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hecate"
)

// show writes a condition in full.
func (x *condition) show() string {
	if x == nil {
		return "all"
	}
	var sub []string
	for _, s := range x.sub {
		sub = append(sub, s.show())
	}
	switch x.op {
	case hecate.OpAll:
		return "(" + strings.Join(sub, " & ") + ")"
	case hecate.OpAny:
		return "(" + strings.Join(sub, " | ") + ")"
	case hecate.OpNot:
		return "!" + sub[0]
	case hecate.OpNear:
		return fmt.Sprintf("%s near %v %v", x.property, x.value, x.meters)
	}
	return fmt.Sprintf("%s %s %#v", x.property, map[hecate.Op]string{
		hecate.OpEqual: "=", hecate.OpLess: "<", hecate.OpLessEqual: "<=", hecate.OpGreater: ">", hecate.OpGreaterEqual: ">=", hecate.OpWord: "~",
	}[x.op], x.value)
}

func (q *ql) show() string {
	text := q.where.show()
	for _, s := range q.order {
		text += fmt.Sprintf(" by %s %v", s.property, s.desc)
	}
	if q.fields != nil {
		text += fmt.Sprint(" ", q.fields)
	}
	return text
}

func TestQueriesOfTheClientsAreRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                  "all",
		"  ":                                "all",
		"*":                                 "all",
		"select *":                          "all",
		"SELECT * WHERE color = 'black'":    `color = "black"`,
		"select * where color = 'black'":    `color = "black"`,
		"select * where username ='barney'": `username = "barney"`,
		"select * where name = 'A' or name = 'B'  order by name asc": `(name = "A" | name = "B") by name false`,
		"select * where not username = 'authtest'":                   `!username = "authtest"`,
		"order by index":                                              "all by index false",
		"select * order by created desc, name":                        "all by created true by name false",
		"username='x'":                                                `username = "x"`,
		"where username='x'":                                          `username = "x"`,
		"select * where username ='marty*'":                           `username = "marty*"`,
		"select * where username = 'x' or email = 'y'":                `(username = "x" | email = "y")`,
		"a = 1 or b = 2 and not c = 3":                                "(a = 1 | (b = 2 & !c = 3))",
		"(a eq 1 or b lt 2) and c gte -3.5 and d lte .5 and e gt 1e3": "((a = 1 | b < 2) & c >= -3.5 & d <= 0.5 & e > 1000)",
		"not not a = true":                                            "a = true",
		"not (a = 1 and b = FALSE)":                                   "!(a = 1 & b = false)",
		"a='it\\'s'":                                                  `a = "it's"`,
		`a='back\\slash \n'`:                                          `a = "back\\slash \\n"`,
		"title contains 'some wor*'":                                  `title ~ "some wor*"`,
		"location within 200 of 37.76 , -122.41":                      "location near {37.76 -122.41} 200",
		"uuid = 0192F4A0-0000-7000-8000-0000000000aa":                 `uuid = "0192f4a0-0000-7000-8000-0000000000aa"`,
		"select a, b.c where a>1":                                     "a > 1 [{a a} {b.c b.c}]",
		"select {x:a, y : b.c}":                                       "all [{x a} {y b.c}]",
		"order = 5 order by order":                                    "order = 5 by order false",
		"größe = 'Ä'":                                                 `größe = "Ä"`,
		"n = 9223372036854775808":                                     "n = 9.223372036854776e+18",
		"n = 5L":                                                      "n = 5",
	} {
		q, err := parseQL(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := q.show(); got != want {
			t.Errorf("%s: %s", text, got)
		}
	}
}

func TestBadQueriesAreRefused(t *testing.T) {
	t.Parallel()
	for text, code := range map[string]string{
		`name = "x"`:                           "query_token",
		"a != 1":                               "query_token",
		"a = 'open":                            "query_token",
		"a = 1e999":                            "query_token",
		"a = --1":                              "query_token",
		"a = #":                                "query_token",
		"a =":                                  "query_parse",
		"a = 1 and":                            "query_parse",
		"and a = 1":                            "query_parse",
		"not":                                  "query_parse",
		"(a = 1":                               "query_parse",
		"a = 1)":                               "query_parse",
		"a = b":                                "query_parse",
		"a like 'x'":                           "query_parse",
		"select":                               "query_parse",
		"select * where":                       "query_parse",
		"select * where order by":              "query_parse",
		"order by":                             "query_parse",
		"a = 1 order by b c":                   "query_parse",
		"a = 1 limit 5":                        "query_parse",
		"a within 5 of 1":                      "query_parse",
		"a within 5 of 91, 1":                  "query_parse",
		"a within 'x' of 1, 2":                 "query_parse",
		"'a' = 1":                              "query_parse",
		"1 = 1":                                "query_parse",
		"select {a:b":                          "query_parse",
		strings.Repeat("(", 100) + "a = 1":     "query_parse",
		strings.Repeat("a = 1 and ", 300) + "": "query_parse",
		strings.Repeat("x", maxQuery+1):        "query_parse",
		"order by " + strings.Repeat("a,", 20): "query_parse",
	} {
		_, err := parseQL(text)
		if f := faultOf(err); err == nil || f.code != code || f.status != 400 {
			t.Errorf("%.60s: %v", text, err)
		}
	}
	deep, err := parseQL(strings.Repeat("not (", 20) + "a = 1 and b = 1" + strings.Repeat(")", 20))
	if err != nil {
		t.Fatal(err)
	}
	_ = deep // its depth is the engine's to judge: it is folded to one Not
}

func TestPropertiesAreFoundInTheSchema(t *testing.T) {
	t.Parallel()
	c := &hecate.Collection{Name: "dogs", Open: true, Schema: []hecate.Field{
		{Name: "Color", Type: hecate.JSONType, Slot: "Color"}, {Name: "a.b", Type: hecate.JSONType}, {Name: "born", Type: hecate.TimeType}}}
	users := &hecate.Collection{Name: hecate.ProfileName, Kind: hecate.ProfileCollection, Open: true}
	for _, test := range []struct {
		c    *hecate.Collection
		text string
		want string
	}{
		{c, "color = 'x'", "Color"}, {c, "COLOR.deep = 'x'", "Color/deep"}, {c, "A.B = 'x'", "a.b"}, {c, "x.y = 'x'", "x/y"},
		{c, "uuid = 'X'", "column 1"}, {c, "username = 'x'", "username"}, {users, "userName = 'x'", "column 12"}, {users, "EMAIL = 'x'", "column 13"},
	} {
		q, err := parseQL(test.text)
		if err != nil {
			t.Fatal(err)
		}
		o := q.where.filter(test.c).Operand
		got := strings.Join(o.Path, "/")
		if o.Column != hecate.FieldColumn {
			got = fmt.Sprint("column ", o.Column)
		}
		if got != test.want {
			t.Errorf("%s: %s", test.text, got)
		}
	}
	for text, want := range map[string]int{"type = 'DOG'": 0, "type = 'd*'": 0, "type = 'dogs'": 1, "type contains 'dog'": 0, "type > 'cat'": 0, "type = 5": 1} {
		q, _ := parseQL(text)
		if f := q.where.filter(c); (f.Op == hecate.OpAny) != (want == 1) {
			t.Errorf("%s: %+v", text, f)
		}
	}
	q, _ := parseQL("born > '2020-01-02T03:04:05Z'")
	if at := q.where.filter(c).Value; at != time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC) {
		t.Errorf("a time is compared as %v", at)
	}
}

// Times are compared as answers show them, in whole milliseconds.
func TestMomentsAreMilliseconds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		micros := rapid.Int64Range(-5000, 5000).Draw(rt, "stored")
		var value any = rapid.Int64Range(-6, 6).Draw(rt, "value")
		if rapid.Bool().Draw(rt, "float") {
			value = float64(rapid.IntRange(-12, 12).Draw(rt, "halves")) / 2
		}
		at := time.UnixMicro(micros)
		for op, sign := range map[hecate.Op]func(n int) bool{
			hecate.OpEqual: func(n int) bool { return n == 0 }, hecate.OpLess: func(n int) bool { return n < 0 }, hecate.OpLessEqual: func(n int) bool { return n <= 0 },
			hecate.OpGreater: func(n int) bool { return n > 0 }, hecate.OpGreaterEqual: func(n int) bool { return n >= 0 },
		} {
			f := momentFilter(op, hecate.Operand{Column: hecate.CreatedColumn}, value)
			if got, want := holdsMoment(f, at), sign(compare(at.UnixMilli(), value)); got != want {
				rt.Fatalf("%v %v %v: %v", at.UnixMicro(), op, value, got)
			}
		}
	})
}

func holdsMoment(f hecate.Filter, at time.Time) bool {
	switch f.Op {
	case hecate.OpAll:
		return holdsMoment(f.Sub[0], at) && holdsMoment(f.Sub[1], at)
	case hecate.OpLess:
		return at.Before(f.Value.(time.Time))
	}
	return !at.Before(f.Value.(time.Time))
}

func TestListsAreMatchedAndOrdered(t *testing.T) {
	t.Parallel()
	values := map[string]any{"Name": "Ärger Dog", "n": int64(5), "tags": []any{"Red", int64(7), true}, "at": map[string]any{"latitude": 52.5, "longitude": 13.4},
		"in": map[string]any{"k": "v"}}
	for text, want := range map[string]bool{
		"": true, "name = 'ÄRGER dog'": true, "name = 'är*'": true, "name contains 'DOG'": true, "name contains 'do'": false, "name contains 'do*'": true,
		"n = 5.0": true, "n > 4 and n < 6": true, "n = '5'": false, "tags = 'red'": true, "tags = 7": true, "tags = true": true, "tags = 1": false,
		"not x = 1": true, "x = 1": false, "x < 1": false, "in.k = 'V'": true, "in.x = 'V'": false, "at within 1000 of 52.5, 13.41": true,
		"at within 10 of 52.5, 13.41": false, "name within 10 of 1,1": false, "tags contains 'red'": true, "n contains 5": true,
	} {
		q, err := parseQL(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := q.matches(values); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	one, two, text, none := map[string]any{"a": 1.0}, map[string]any{"a": int64(2)}, map[string]any{"A": "x"}, map[string]any{}
	for order, list := range map[string][]map[string]any{"order by a": {one, two, text, none}, "order by a desc": {two, one, text, none}} {
		q, _ := parseQL(order)
		for i := range list {
			for j := range list {
				if got := q.less(list[i], list[j]); got != (i < j) {
					t.Errorf("%s: %d before %d: %v", order, i, j, got)
				}
			}
		}
	}
}

func TestCursorsBelongToTheirQuery(t *testing.T) {
	t.Parallel()
	c := &hecate.Collection{ID: "c1", Name: "dogs", Open: true}
	other := &hecate.Collection{ID: "c2", Name: "cats", Open: true}
	q, _ := parseQL("select * where a = 1 order by b desc, c.d, created")
	same, _ := parseQL("SELECT *  where A = 1 order by b DESC,c.d , created")
	r := &hecate.Record{Seq: 7, CreatedAt: time.UnixMicro(1234567).UTC(), Values: hecate.Values{
		"b": strings.Repeat("ä", 200), "c": map[string]any{"d": 1.5}}}
	query := hecate.Query{SeqDesc: true, Order: q.orders(c, false)}
	text := q.cursor(c, query, r, nil)
	if strings.ContainsAny(text, "+/=&?% ") {
		t.Errorf("the cursor needs escapes: %s", text)
	}
	got, err := readCursor(text, same.cursorKey(c, false), query.Order)
	if err != nil {
		t.Fatal(err)
	}
	want := []any{strings.Repeat("ä", hecate.SortText), 1.5, r.CreatedAt, int64(7)}
	if got.Seq != 7 || fmt.Sprint(got.Values) != fmt.Sprint(want) {
		t.Errorf("%+v", got)
	}
	for name, key := range map[string]string{"another collection": q.cursorKey(other, false), "the other way": q.cursorKey(c, true), "another query": (&ql{}).cursorKey(c, false)} {
		if _, err := readCursor(text, key, query.Order); err == nil || faultOf(err).status != 400 {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, bad := range []string{"x", "!!", "bnVsbA", text + "AAAA", text[:len(text)/2], strings.Repeat("A", maxCursor+1)} {
		if _, err := readCursor(bad, q.cursorKey(c, false), query.Order); err == nil || faultOf(err).code != "illegal_argument" {
			t.Errorf("%.20s: %v", bad, err)
		}
	}
}

func TestEveryValueOfACursorComesBack(t *testing.T) {
	t.Parallel()
	for _, v := range []any{nil, "", "x", "i5", int64(-1 << 63), 1.5, -0.1, 1e300, true, false, time.UnixMicro(-5).UTC(), hecate.Geo{Lat: -1.25, Lng: 1e-9}} {
		if got, ok := readValue(writeValue(v)); !ok || got != v {
			t.Errorf("%#v: %#v %v", v, got, ok)
		}
	}
	for _, bad := range []string{"x", "i", "iq", "fNaN", "fInf", "g1", "t", "bmaybe"} {
		if _, ok := readValue(bad); ok {
			t.Errorf("%q is read", bad)
		}
	}
}

func FuzzQL(f *testing.F) {
	for _, seed := range []string{"", "select * where color = 'black'", "a within 1 of 2,3 order by b desc", "select {a:b} where not (x contains 'y*' or z = 'it\\'s')",
		"uuid=0192f4a0-0000-7000-8000-0000000000aa", "\"", "((((", "a = 1e5L"} {
		f.Add(seed)
	}
	c := &hecate.Collection{ID: "c", Name: "dogs", Open: true}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := parseQL(text)
		if err != nil {
			if code := faultOf(err).code; code != "query_parse" && code != "query_token" {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		q.matches(map[string]any{"a": "x", "b": int64(1)})
		filter := q.where.filter(c)
		if err := (&hecate.Query{Filter: filter, Order: q.orders(c, false)}).Check(); err != nil && hecate.KindOf(err) != hecate.TooLarge {
			t.Fatalf("%q: %v", text, err)
		}
	})
}
