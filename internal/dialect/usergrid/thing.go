package usergrid

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"hecate/internal/engine"
	"hecate/internal/web"
)

// thing is a user, a group or a role as answers show it: none of them is a record.
type thing struct {
	id, typ string
	names   []string       // of the properties, in the order in which they are shown
	values  map[string]any // all of them, for queries too
	meta    meta
}

func newThing(typ, id string, m meta) *thing {
	return &thing{id: id, typ: typ, values: map[string]any{"uuid": id, "type": typ}, meta: m}
}

// set adds a property; nil and "" are none.
func (t *thing) set(name string, v any) {
	if v == nil || v == "" {
		return
	}
	if _, there := t.values[name]; !there {
		t.names = append(t.names, name)
	}
	t.values[name] = v
}

// setAll adds the properties of an object that mean nothing else here, by name.
func (t *thing) setAll(values map[string]any) {
	for _, name := range sortedNames(values) {
		if _, there := t.values[name]; !there && !reserved[name] {
			t.set(name, values[name])
		}
	}
}

// json is the thing with those properties alone that fields name, nil: with all.
func (t *thing) json(fields []projection) raw {
	j := web.JSONWriter{Buf: make([]byte, 0, entityRoom)}
	j.Open()
	j.Text("uuid", t.id)
	j.Text("type", t.typ)
	from := len(j.Buf)
	if fields == nil {
		for _, name := range t.names {
			put(&j, name, t.values[name])
		}
	}
	if fields != nil {
		t.wanted(&j, fields)
	}
	t.meta.write(&j, len(j.Buf)-from)
	j.Close()
	return j.Buf
}

// wanted writes the properties of a projection that are there.
func (t *thing) wanted(j *web.JSONWriter, fields []projection) {
	said := map[string]bool{"uuid": true, "type": true, "metadata": true}
	for _, p := range fields {
		if v := valueAt(t.values, p.property); v != nil && !said[p.name] {
			said[p.name] = true
			put(j, p.name, v)
		}
	}
}

// things are a stretch of a list: those of its rows that the caller may see.
type things struct {
	rows []*thing
	last int64 // the number of the last row, whether it is shown or not
	more bool
}

// maxScanned bounds how much of a list a query looks at that is no collection of records.
const maxScanned = 5000

// listed reads the page of a list that a request asks for, the newest first: text is its query. It returns the cursor of the
// next page, "" where nothing follows.
func listed(r *web.Request, text string, limit int, fetch func(engine.List) (things, error)) ([]*thing, *ql, string, error) {
	if strings.TrimSpace(text) == "*" { // 0.10.11 sends q=* for all
		text = ""
	}
	q, err := parseQL(text)
	if err != nil {
		return nil, nil, "", err
	}
	if r.QueryOne("limit") != "" {
		if limit, err = limitOf(r); err != nil {
			return nil, nil, "", err
		}
	}
	in := engine.List{Limit: limit, Desc: !strings.EqualFold(r.QueryOne("reversed"), "true")}
	kind, at, err := readListCursor(r.QueryOne("cursor"))
	if err != nil {
		return nil, nil, "", err
	}
	if q.where == nil && len(q.order) == 0 {
		if kind == 'o' {
			return nil, nil, "", badCursor()
		}
		in.After = at
		got, err := fetch(in)
		if err != nil || !got.more {
			return got.rows, q, "", err
		}
		return got.rows, q, listCursor('s', got.last), nil
	}
	if kind == 's' {
		return nil, nil, "", badCursor()
	}
	found, err := scan(q, in, fetch)
	if err != nil {
		return nil, nil, "", err
	}
	found = found[min(int(at), len(found)):]
	if len(found) <= limit {
		return found, q, "", nil
	}
	return found[:limit], q, listCursor('o', at+int64(limit)), nil
}

// scan finds all that a query means in a list, in its order.
func scan(q *ql, in engine.List, fetch func(engine.List) (things, error)) ([]*thing, error) {
	in.Limit = maxLimit
	var found []*thing
	for range maxScanned / maxLimit {
		got, err := fetch(in)
		if err != nil {
			return nil, err
		}
		for _, t := range got.rows {
			if q.matches(t.values) {
				found = append(found, t)
			}
		}
		if !got.more {
			slices.SortStableFunc(found, func(x, y *thing) int {
				switch {
				case q.less(x.values, y.values):
					return -1
				case q.less(y.values, x.values):
					return 1
				}
				return 0
			})
			return found, nil
		}
		in.After = got.last
	}
	return nil, illegalArgument("the list is too long for queries, which look at " + strconv.Itoa(maxScanned) + " of its entities")
}

// listCursor is where a page of a list ended: by the number of a row ('s'), or by how many were found before ('o').
func listCursor(kind byte, at int64) string {
	return base64.RawURLEncoding.EncodeToString(strconv.AppendInt([]byte{kind}, at, 10))
}

func readListCursor(text string) (kind byte, at int64, err error) {
	if text == "" {
		return 0, 0, nil
	}
	clear, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(clear) < 2 || clear[0] != 's' && clear[0] != 'o' {
		return 0, 0, badCursor()
	}
	at, err = strconv.ParseInt(string(clear[1:]), 10, 64)
	if err != nil || at < 0 {
		return 0, 0, badCursor()
	}
	return clear[0], at, nil
}

func badCursor() *fault { return illegalArgument("The cursor does not belong to this query") }

// answerThings answers with a list of things.
func (a *api) answerThings(w *web.Response, r *web.Request, c *call, x reply, list []*thing, fields []projection) error {
	x.entities = make([]raw, len(list))
	for i, t := range list {
		x.entities[i] = t.json(fields)
	}
	return a.answer(w, r, c, x)
}

// answerThing answers with one.
func (a *api) answerThing(w *web.Response, r *web.Request, c *call, path string, t *thing) error {
	return a.answerThings(w, r, c, reply{path: path}, []*thing{t}, nil)
}
