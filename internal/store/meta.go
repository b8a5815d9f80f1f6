package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hecate"
)

const (
	metaByName = `select value from meta where name = $1`
	insertMeta = `insert into meta (name, value) values ($1, $2) on conflict (name) do nothing`
	setMeta    = `insert into meta (name, value) values ($1, $2) on conflict (name) do update set value = excluded.value`
)

// Meta returns a fact about the whole server. Kinds: NotFound.
func (db *DB) Meta(ctx context.Context, name string) (string, error) {
	return one(ctx, db, scalar[string], metaByName, name)
}

// InsertMeta stores a fact about the whole server unless it is there, and reports whether it was not.
func (db *DB) InsertMeta(ctx context.Context, name, value string) (bool, error) {
	return db.changed(ctx, insertMeta, name, value)
}

// SetMeta stores a fact about the whole server in place of the one before.
func (db *DB) SetMeta(ctx context.Context, name, value string) error {
	return db.run(ctx, setMeta, name, value)
}

// changed runs a statement and reports whether it changed any row.
func (db *DB) changed(ctx context.Context, text string, args ...any) (bool, error) {
	n, err := db.exec(ctx, text, args...)
	return n > 0, err
}

// run runs a statement whose number of changed rows says nothing.
func (db *DB) run(ctx context.Context, text string, args ...any) error {
	_, err := db.exec(ctx, text, args...)
	return err
}

// must runs a statement that changes one row: NotFound when it changed none.
func (db *DB) must(ctx context.Context, text string, args ...any) error {
	n, err := db.exec(ctx, text, args...)
	if err == nil && n == 0 {
		return hecate.NotFound
	}
	return err
}

// List is a page of things ordered by their number.
type List struct {
	After    int64 // rows beyond this number; 0 from the start (or the end, with Desc)
	Backward bool  // the rows before After instead, still in the normal order
	Desc     bool
	Limit    int
	Prefix   string // only rows whose name starts with it
}

// page finishes a text that ends inside its where clause: bounds, order and limit by the column seq.
func page[T any](ctx context.Context, db *DB, scan func(scanner) (T, error), text, seq string, b *binds, in List) (hecate.Page[T], error) {
	compare, order := ">", "asc"
	if in.Desc != in.Backward {
		compare, order = "<", "desc"
	}
	var q strings.Builder
	q.WriteString(text)
	if in.After != 0 {
		fmt.Fprintf(&q, " and %s %s %s", seq, compare, b.add(in.After))
	}
	fmt.Fprintf(&q, " order by %s %s limit %s", seq, order, b.add(in.Limit+1))
	rows, err := many(ctx, db, scan, q.String(), b.args...)
	if err != nil {
		return hecate.Page[T]{}, err
	}
	p := hecate.Page[T]{Rows: rows}
	if len(rows) > in.Limit {
		p.Rows, p.More = rows[:in.Limit], true
	}
	if in.Backward {
		slices.Reverse(p.Rows)
	}
	return p, nil
}

// startsWith is the condition that a text column starts with the prefix, byte for byte.
func startsWith(column string, b *binds, prefix string) string {
	at := b.add(prefix)
	return fmt.Sprintf(" and substr(%s, 1, length(%s)) = %s", column, at, at)
}

// Sealed is a row with what is kept of its secret.
type Sealed[T any] struct {
	Row    T
	Hash   string // lookup hash
	Sealed string
}

// encodeMap is how a map is stored: nil as the empty object.
func encodeMap(m map[string]any) (json.RawMessage, error) {
	if m == nil {
		return json.RawMessage("{}"), nil
	}
	raw, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return raw, nil
}

// decodeMap reads what encodeMap stored. Whole numbers come back as int64, others as float64.
func decodeMap(raw json.RawMessage) (map[string]any, error) {
	m := map[string]any{}
	if err := decodeJSON(raw, &m); err != nil {
		return nil, err
	}
	for k, v := range m {
		m[k] = plainNumbers(v)
	}
	return m, nil
}

func decodeJSON(raw json.RawMessage, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	return nil
}

// plainNumbers replaces json.Number in v, in place where it can.
func plainNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return n
		}
		f, _ := v.Float64()
		return f
	case map[string]any:
		for k, x := range v {
			v[k] = plainNumbers(x)
		}
	case []any:
		for i, x := range v {
			v[i] = plainNumbers(x)
		}
	}
	return v
}
