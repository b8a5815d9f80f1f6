package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"hecate"
)

// The risky parts of "one text for both engines", kept as tests. See docs/adr/0002-storage.md.

var trial = schemaOf(`
create table things (
  app_id  {{text}} not null,
  id      {{text}} not null,
  n       bigint,
  f       double precision,
  active  boolean,
  raw     {{bytes}},
  data    {{json}},
  primary key (app_id, id)
);
create unique index things_n on things (app_id, n);
create table parts (
  app_id   {{text}} not null,
  thing_id {{text}} not null,
  label    {{text}} not null check (label <> 'bad'),
  foreign key (app_id, thing_id) references things (app_id, id) on delete cascade
);
create unique index parts_lower on parts (app_id, lower(label));
create table grants (
  app_id  {{text}} not null,
  id      {{text}} not null,
  subject {{text}} not null,
  primary key (app_id, id, subject)
);
`)

const insertThing = `insert into things (app_id, id, n, f, active, raw, data) values ($1, $2, $3, $4, $5, $6, $7)`

func write(t testing.TB, db *DB, text string, args ...any) {
	t.Helper()
	if err := tryWrite(t, db, text, args...); err != nil {
		t.Fatal(err)
	}
}

func tryWrite(t testing.TB, db *DB, text string, args ...any) error {
	t.Helper()
	return db.Write(t.Context(), func(tx *DB) error {
		_, err := tx.exec(t.Context(), text, args...)
		return err
	})
}

func addThing(t testing.TB, db *DB, id, data string) {
	t.Helper()
	write(t, db, insertThing, "a", id, nil, nil, nil, nil, data)
}

type namedText string

func TestBinds(t *testing.T) {
	eachWith(t, trial, func(t *testing.T, db *DB) {
		ctx := t.Context()

		t.Run("every kind of value comes back as it went in", func(t *testing.T) {
			raw := []byte{0, 1, 0xff}
			at := time.Date(2026, 2, 3, 4, 5, 6, 789_012_000, time.UTC)
			write(t, db, insertThing, namedText("a"), "kinds", at, 1.5, true, raw, json.RawMessage(`{"a": "é\"'"}`))
			var (
				app    namedText
				n      *int64
				when   time.Time
				f      float64
				active bool
				back   []byte
				data   json.RawMessage
			)
			err := db.queryRow(ctx, `select app_id, n, n, f, active, raw, data from things where app_id = $1 and id = $2`, "a", "kinds").
				Scan(&app, &n, &when, &f, &active, &back, &data)
			if err != nil {
				t.Fatal(err)
			}
			var doc map[string]string
			if err := json.Unmarshal(data, &doc); err != nil {
				t.Fatal(err)
			}
			if app != "a" || !fromMicros(n).Equal(at) || !when.Equal(at) || f != 1.5 || !active || !bytes.Equal(back, raw) || doc["a"] != `é"'` {
				t.Fatal(app, n, when, f, active, back, doc)
			}
		})

		t.Run("nil, zero times and nil pointers are null", func(t *testing.T) {
			if micros(time.Time{}) != nil || !fromMicros(micros(time.UnixMicro(7))).Equal(time.UnixMicro(7)) {
				t.Fatal("micros")
			}
			write(t, db, insertThing, "a", "nulls", time.Time{}, nil, (*bool)(nil), nil, json.RawMessage(nil))
			var (
				n      *int64
				when   = time.Now()
				active *bool
				raw    []byte
				data   json.RawMessage
			)
			err := db.queryRow(ctx, `select n, n, active, raw, data from things where app_id = $1 and id = $2`, "a", "nulls").Scan(&n, &when, &active, &raw, &data)
			if err != nil || n != nil || !when.IsZero() || active != nil || raw != nil || data != nil {
				t.Fatal(err, n, when, active, raw, data)
			}
			var wrong string
			err = db.queryRow(ctx, `select n from things where app_id = $1 and id = $2`, "a", "nulls").Scan(&wrong)
			if !errors.Is(err, errNull) {
				t.Fatalf("null into a string: %v", err)
			}
		})

		t.Run("binds may repeat and come in any order", func(t *testing.T) {
			got, err := many(ctx, db, scalar[string], `select id from things where app_id = $2 and (id = $1 or id = $3 or id = $1) and $1 = id order by id`, "kinds", "a", "other")
			if err != nil || !slices.Equal(got, []string{"kinds"}) {
				t.Fatal(got, err)
			}
		})

		t.Run("a bind alone needs a cast", func(t *testing.T) {
			got, err := one(ctx, db, scalar[int], `select count(*) from things where app_id = $1 and (cast($2 as text) is null or id = $2)`, "a", nil)
			if err != nil || got != 2 {
				t.Fatal(got, err)
			}
		})

		t.Run("booleans", func(t *testing.T) {
			for _, where := range []string{"active", "active = true", "active = $2", "not (active = false)", "coalesce(active, false)"} {
				text := `select id from things where app_id = $1 and ` + where + ` and cast($2 as boolean)`
				got, err := many(ctx, db, scalar[string], text, "a", true)
				if err != nil || !slices.Equal(got, []string{"kinds"}) {
					t.Fatal(where, got, err)
				}
			}
		})

		t.Run("lists, even empty ones", func(t *testing.T) {
			for _, ids := range [][]namedText{nil, {"kinds"}, {"x", "nulls", "kinds"}} {
				b := binds{}
				text := `select id from things where app_id = ` + b.add("a") + ` and id in ` + list(&b, ids) + ` order by id`
				got, err := many(ctx, db, scalar[namedText], text, b.args...)
				want := slices.DeleteFunc(slices.Sorted(slices.Values(ids)), func(n namedText) bool { return n == "x" })
				if err != nil || !slices.Equal(got, want) {
					t.Fatal(got, want, err)
				}
			}
			b := binds{}
			if got := list(&b, []int{1, 2, 3}); got != "($1,$2,$3,$3)" || len(b.args) != 3 {
				t.Fatal(got, b.args)
			}
		})

		t.Run("a secret cannot be bound", func(t *testing.T) {
			_, err := many(ctx, db, scalar[string], `select id from things where app_id = $1`, hecate.NewSecret("x"))
			if err == nil || strings.Contains(err.Error(), `"x"`) {
				t.Fatal(err)
			}
		})

		t.Run("no rows are NotFound from one and nothing from many", func(t *testing.T) {
			const none = `select id from things where app_id = $1 and id = 'none'`
			if _, err := one(ctx, db, scalar[string], none, "a"); !errors.Is(err, hecate.NotFound) {
				t.Fatal(err)
			}
			if got, err := many(ctx, db, scalar[string], none, "a"); got != nil || err != nil {
				t.Fatal(got, err)
			}
			var id string
			if err := db.queryRow(ctx, none, "a").Scan(&id); !errors.Is(err, hecate.NotFound) {
				t.Fatal(err)
			}
		})
	})
}

func TestReturning(t *testing.T) {
	eachWith(t, trial, func(t *testing.T, db *DB) {
		ctx := t.Context()
		const count = `
insert into things (app_id, id, n) values ($1, $2, 1)
on conflict (app_id, id) do update set n = things.n + excluded.n
returning n`
		const close = `update things set active = $3, n = n * 10 where app_id = $1 and id = $2 returning n, active`
		err := db.Write(ctx, func(tx *DB) error {
			for want := 1; want <= 3; want++ {
				if got, err := one(ctx, tx, scalar[int], count, "a", "counter"); got != want || err != nil {
					return fmt.Errorf("got %d, want %d: %w", got, want, err)
				}
			}
			var n int
			var active bool
			if err := tx.queryRow(ctx, close, "a", "counter", true).Scan(&n, &active); err != nil || n != 30 || !active {
				return fmt.Errorf("got %d %t: %w", n, active, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := one(ctx, db, scalar[int], `select n from things where app_id = $1 and id = 'counter'`, "a"); got != 30 || err != nil {
			t.Fatal("what returning changed must be kept: ", got, err)
		}
	})
}

func TestErrors(t *testing.T) {
	eachWith(t, trial, func(t *testing.T, db *DB) {
		write(t, db, insertThing, "a", "one", 1, nil, nil, nil, nil)
		const addPart = `insert into parts (app_id, thing_id, label) values ($1, $2, $3)`
		write(t, db, addPart, "a", "one", "label")
		for _, c := range []struct {
			name       string
			text       string
			args       []any
			kind       hecate.Kind
			field      string
			constraint any
		}{
			{"a taken key", insertThing, []any{"a", "one", 2, nil, nil, nil, nil}, hecate.Exists, "id", "things(app_id,id)"},
			{"a taken unique value", insertThing, []any{"a", "two", 1, nil, nil, nil, nil}, hecate.Exists, "n", "things(app_id,n)"},
			{"a taken expression", addPart, []any{"a", "one", "LABEL"}, hecate.Exists, "", "parts_lower"},
			{"a reference to nothing", addPart, []any{"a", "none", "x"}, hecate.NotFound, "", nil},
			{"a null that may not be", addPart, []any{"a", "one", nil}, hecate.Invalid, "label", nil},
			{"a value that is refused", addPart, []any{"a", "one", "bad"}, hecate.Invalid, "", nil},
			{"a statement that is wrong", `insert into nowhere (x) values ($1)`, []any{"a"}, hecate.Internal, "", nil},
		} {
			t.Run(c.name, func(t *testing.T) {
				err := tryWrite(t, db, c.text, c.args...)
				d := hecate.Detail(err)
				if err == nil || d.Kind != c.kind || d.Field != c.field {
					t.Fatalf("got %v, field %q", err, d.Field)
				}
				if c.constraint != nil && d.Info["constraint"] != c.constraint {
					t.Fatalf("constraint %v, want %v", d.Info["constraint"], c.constraint)
				}
			})
		}
	})
}

// awkward are names of members that try to break out of where they are put.
var awkward = []string{
	"plain", "with space", "it's", `say "hi"`, `back\slash`, `\"`, `\\`, "a.b", "$", "$.x", "$1", "[0]", "0", "-1", "#", "é", "日本", "🙂",
	"'; drop table things; --", `"]')`, "new\nline", "tab\t", "", "{}", "%", "?", "a'||'b", "E'x'", "\u2028", "\x7f", "<&>",
}

func TestFieldsWithAnyName(t *testing.T) {
	eachWith(t, trial, func(t *testing.T, db *DB) {
		ctx := t.Context()
		for i, name := range awkward {
			value := "value of " + name
			raw, err := json.Marshal(map[string]any{name: value, "nested": map[string]any{name: map[string]any{"n": i}}})
			if err != nil {
				t.Fatal(err)
			}
			addThing(t, db, fmt.Sprint("thing", i), string(raw))
			for _, f := range []struct {
				operand string
				bind    any
			}{{db.field([]string{name}, fieldText), value}, {db.field([]string{"nested", name, "n"}, fieldNumber), i}} {
				text := `select id from things where app_id = $1 and ` + f.operand + ` = $2`
				got, err := many(ctx, db, scalar[string], text, "a", f.bind)
				if err != nil || !slices.Equal(got, []string{fmt.Sprint("thing", i)}) {
					t.Errorf("%q: %v %v\n%s", name, got, err, text)
				}
			}
		}
	})
}

func TestFieldsThatCannotBeStoredAreNull(t *testing.T) {
	eachWith(t, trial, func(t *testing.T, db *DB) {
		addThing(t, db, "x", `{"a": "b"}`)
		for _, path := range [][]string{nil, {"a\x00"}, {"\xff"}, {"a", "\x00'"}} {
			for typ := fieldText; typ <= fieldJSON; typ++ {
				got, err := one(t.Context(), db, scalar[int], `select count(*) from things where app_id = $1 and `+db.field(path, typ)+` is null`, "a")
				if got != 1 || err != nil {
					t.Fatal(path, typ, got, err)
				}
			}
		}
	})
}

func TestFieldTypes(t *testing.T) {
	eachWith(t, trial, func(t *testing.T, db *DB) {
		for i, v := range []string{
			`"5"`, `5`, `5.0`, `5.5`, `-1`, `1e3`, `true`, `false`, `null`, `[5]`, `{"0": 5}`, `"b"`, `"B"`, `"é"`, `""`,
			`9007199254740993`, `0.1`, `"true"`, `[]`,
		} {
			addThing(t, db, fmt.Sprintf("%02d", i), `{"v": `+v+`}`)
		}
		addThing(t, db, "none", `{}`)
		text, number := db.field([]string{"v"}, fieldText), db.field([]string{"v"}, fieldNumber)
		truth, value := db.field([]string{"v"}, fieldBoolean), db.field([]string{"v"}, fieldJSON)
		for _, c := range []struct {
			where string
			bind  any
			want  string
		}{
			{text + ` = $2`, "5", "00"},
			{text + ` > $2`, "A", "11 12 13 17"},
			{text + ` >= $2 and ` + text + ` < 'c'`, "b", "11"},
			{text + ` like $2`, "%", "00 11 12 13 14 17"},
			{`lower(` + text + `) = $2`, "b", "11 12"},
			{number + ` = $2`, 5, "01 02"},
			{number + ` = $2`, 5.0, "01 02"},
			{number + ` > $2`, 5, "03 05 15"},
			{number + ` = $2`, 0.1, "16"},
			{number + ` = $2`, int64(9007199254740993), "15"},
			{number + ` = $2`, int64(9007199254740992), ""},
			{truth + ` = $2`, true, "06"},
			{truth + ` = $2`, false, "07"},
			{value + ` is null and cast($2 as text) is null`, nil, "none"},
		} {
			ids, err := many(t.Context(), db, scalar[string], `select id from things where app_id = $1 and `+c.where+` order by id`, "a", c.bind)
			if got := strings.Join(ids, " "); got != c.want || err != nil {
				t.Errorf("%s, %v: got %q, want %q, %v", c.where, c.bind, got, c.want, err)
			}
		}
		t.Run("they order alike", func(t *testing.T) {
			for _, c := range []struct{ by, want string }{
				{text + ` asc nulls last`, "14 00 12 11 17 13"},
				{number + ` desc nulls last`, "15 05 03 01 02 16"},
			} {
				ids, err := many(t.Context(), db, scalar[string], `select id from things where app_id = $1 order by `+c.by+`, id limit 6`, "a")
				if got := strings.Join(ids, " "); got != c.want || err != nil {
					t.Errorf("%s: got %q, want %q, %v", c.by, got, c.want, err)
				}
			}
		})
	})
}

func TestAFieldCanBeIndexed(t *testing.T) {
	eachWith(t, trial, func(t *testing.T, db *DB) {
		ctx := t.Context()
		for typ := fieldText; typ <= fieldBoolean; typ++ {
			name := fmt.Sprint("things_by_", typ)
			write(t, db, `create index `+name+` on things (app_id, `+db.field([]string{"a'b", `c"`}, typ)+`)`)
		}
		if !db.Single() {
			return // the planner of PostgreSQL prefers no index on an empty table
		}
		plan, err := many(ctx, db, func(s scanner) (string, error) {
			var a, b, c any
			var detail string
			err := s.Scan(&a, &b, &c, &detail)
			return detail, err
		}, `explain query plan select id from things where app_id = $1 and `+db.field([]string{"a'b", `c"`}, fieldText)+` = $2`, "a", "x")
		if err != nil || !strings.Contains(strings.Join(plan, " "), "things_by_0") {
			t.Fatal(plan, err)
		}
	})
}

// TestVisibilityInTheStatementOfThePage shows that who may see a row can be decided where the page is cut:
// the pages hold exactly the visible rows, whatever the grants are.
func TestVisibilityInTheStatementOfThePage(t *testing.T) {
	eachWith(t, trial, func(t *testing.T, db *DB) {
		ctx := t.Context()
		subjects := []string{"public", "user:1", "user:2", "group:a", "role:x"}
		random := rand.New(rand.NewPCG(1, 2))
		granted := map[string][]string{}
		err := db.Write(ctx, func(tx *DB) error {
			for i := range 60 {
				id := fmt.Sprintf("%03d", i)
				data := fmt.Sprintf(`{"n": %d}`, i%7)
				if _, err := tx.exec(ctx, insertThing, "a", id, nil, nil, nil, nil, data); err != nil {
					return err
				}
				for _, s := range subjects {
					if random.IntN(4) > 0 {
						continue
					}
					granted[id] = append(granted[id], s)
					if _, err := tx.exec(ctx, `insert into grants (app_id, id, subject) values ($1, $2, $3)`, "a", id, s); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, actor := range [][]string{{"public"}, {"public", "user:1"}, {"user:2", "group:a", "role:x"}, {"nobody"}, {}} {
			var want []string
			for i := range 60 {
				id := fmt.Sprintf("%03d", i)
				sees := slices.ContainsFunc(granted[id], func(s string) bool { return slices.Contains(actor, s) })
				if sees && i%7 >= 2 {
					want = append(want, id)
				}
			}
			b := binds{}
			visible := ` from things r where r.app_id = ` + b.add("a") + ` and ` + db.field([]string{"n"}, fieldNumber) + ` >= ` + b.add(2) +
				` and exists (select 1 from grants g where g.app_id = r.app_id and g.id = r.id and g.subject in ` + list(&b, actor) + `)`
			total, err := one(ctx, db, scalar[int], `select count(*)`+visible, b.args...)
			if err != nil || total != len(want) {
				t.Fatal(actor, total, len(want), err)
			}
			var got []string
			for after := ""; ; {
				args := slices.Clone(b.args)
				page := binds{args: args}
				ids, err := many(ctx, db, scalar[string], `select r.id`+visible+` and r.id > `+page.add(after)+` order by r.id limit `+page.add(5), page.args...)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, ids...)
				if len(ids) < 5 {
					break
				}
				after = ids[4]
			}
			if !slices.Equal(got, want) {
				t.Fatal(actor, got, want)
			}
		}
	})
}
