package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"hecate"
)

const (
	insertIndex    = `insert into record_index (app_id, collection_id, slot, absent, num, txt, seq, record_id) values `
	deleteIndex    = `delete from record_index where app_id = $1 and record_id = $2 and slot in `
	dropIndex      = `delete from record_index where app_id = $1 and collection_id = $2 and slot = $3`
	insertUniques  = `insert into record_uniques (app_id, collection_id, slot, value, record_id) values `
	deleteUniques  = `delete from record_uniques where app_id = $1 and record_id = $2 and slot in `
	dropUniques    = `delete from record_uniques where app_id = $1 and collection_id = $2 and slot = $3`
	documentsAfter = `select r.id, r.seq, r.data from records r where r.app_id = $1 and r.collection_id = $2 and r.seq > $3 order by r.seq limit $4`
)

// indexText bounds the text kept in an index: an index row of PostgreSQL holds no
// more than 2,700 bytes. Whoever looks up a longer text must compare it again, and
// texts that are alike so far are ordered by their record's number.
const indexText = 512

// entry is one row of record_index.
type entry struct {
	slot   string
	absent int64
	num    *float64
	txt    *string
}

// sortColumn is the column of record_index by which values of a type are ordered.
var sortColumn = map[hecate.FieldType]string{
	hecate.StringType: "txt", hecate.TextType: "txt", hecate.TimeType: "txt",
	hecate.IntegerType: "num", hecate.NumberType: "num", hecate.SequenceType: "num", hecate.BooleanType: "num", hecate.ReferenceType: "num",
}

// entriesOf returns the rows for a field whose stored value is v.
func entriesOf(f *hecate.Field, v any) []entry {
	if f.Dropped || !f.Indexed && !f.Ordered {
		return nil
	}
	if f.Type == hecate.JSONType {
		return scalarsOf(f, v)
	}
	var rows []entry
	for _, item := range items(v) {
		if text, ok := item.(string); ok {
			item = folded(f, text)
		}
		if num, txt, ok := indexed(item); ok {
			rows = append(rows, entry{slot: f.Slot, num: num, txt: txt})
		}
	}
	if len(rows) == 0 && f.Ordered {
		switch sortColumn[f.Type] {
		case "num":
			rows = append(rows, entry{slot: f.Slot, absent: 1, num: new(float64)})
		case "txt":
			rows = append(rows, entry{slot: f.Slot, absent: 1, txt: new(string)})
		}
	}
	return rows
}

// folded is a text of the field as it stands in the index.
func folded(f *hecate.Field, text string) string {
	if f.Fold || f.Type == hecate.JSONType {
		return FoldName(text)
	}
	return text
}

// scalarsOf returns the rows for the texts, numbers and booleans that a field of any JSON holds, each once.
func scalarsOf(f *hecate.Field, v any) []entry {
	var rows []entry
	seen := map[any]bool{}
	for _, item := range items(v) {
		switch v := item.(type) {
		case string:
			item = folded(f, v)
		case int64, float64, bool:
		default:
			continue
		}
		num, txt, _ := indexed(item)
		var key any
		if num != nil {
			key = *num
		} else {
			key = *txt
		}
		if !seen[key] {
			seen[key] = true
			rows = append(rows, entry{slot: f.Slot, num: num, txt: txt})
		}
	}
	return rows
}

// items are the values by which v is found: those inside a list, else itself.
func items(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	case []hecate.Ref:
		list := make([]any, len(v))
		for i, r := range v {
			list[i] = r
		}
		return list
	}
	return []any{v}
}

// indexed is a value as it stands in the index.
func indexed(v any) (num *float64, txt *string, ok bool) {
	number := func(f float64) (*float64, *string, bool) { return &f, nil, true }
	switch v := v.(type) {
	case int64:
		return number(float64(v))
	case float64:
		return number(v)
	case bool:
		if v {
			return number(1)
		}
		return number(0)
	case string:
		text := clip(v)
		return nil, &text, true
	case time.Time:
		text := v.UTC().Format(timeText)
		return nil, &text, true
	case hecate.Ref:
		seq, id := float64(v.Seq), string(v.ID)
		return &seq, &id, true
	case hecate.Geo:
		return number(v.Lat)
	}
	return nil, nil, false
}

// clip cuts a text to what an index holds, between two characters.
func clip(s string) string {
	if len(s) <= indexText {
		return s
	}
	n := indexText
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// uniqueText is the form in which values of a unique field are compared; "" does not count.
func uniqueText(f *hecate.Field, v any) string {
	switch v := v.(type) {
	case string:
		if f.Fold {
			v = FoldName(v)
		}
		if len(v) > indexText {
			sum := sha256.Sum256([]byte(v))
			return "h:" + hex.EncodeToString(sum[:])
		}
		return "s:" + v
	case int64:
		return "n:" + strconv.FormatInt(v, 10)
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<63 {
			return "n:" + strconv.FormatInt(int64(v), 10)
		}
		return "n:" + strconv.FormatFloat(v, 'g', -1, 64)
	case bool:
		return "b:" + strconv.FormatBool(v)
	case time.Time:
		return "t:" + v.UTC().Format(timeText)
	case hecate.Ref:
		return "r:" + string(v.ID)
	}
	return ""
}

// unique is one row of record_uniques.
type unique struct{ slot, value string }

// reindex brings record_index and record_uniques from what before asked for to what
// after asks for. Kinds: Exists on the name of a unique field.
func (db *DB) reindex(ctx context.Context, c *hecate.Collection, r *hecate.Record, before, after Document) error {
	var drop, dropUnique []string
	var add []entry
	var addUnique []unique
	for i := range c.Schema {
		f := &c.Schema[i]
		was, is := before[f.Slot], after[f.Slot]
		if old, next := entriesOf(f, was), entriesOf(f, is); before == nil || !sameEntries(old, next) {
			if before != nil && len(old) > 0 {
				drop = append(drop, f.Slot)
			}
			add = append(add, next...)
		}
		if !f.Unique || f.Dropped {
			continue
		}
		if old, next := uniqueText(f, was), uniqueText(f, is); old != next {
			if old != "" {
				dropUnique = append(dropUnique, f.Slot)
			}
			if next != "" {
				addUnique = append(addUnique, unique{f.Slot, next})
			}
		}
	}
	if err := db.deleteSlots(ctx, deleteIndex, c.App, r.ID, drop); err != nil {
		return err
	}
	if err := db.deleteSlots(ctx, deleteUniques, c.App, r.ID, dropUnique); err != nil {
		return err
	}
	if err := db.insertEntries(ctx, c, []indexedRecord{{r.ID, r.Seq, add}}); err != nil {
		return err
	}
	return db.insertUniques(ctx, c, r.ID, addUnique)
}

func sameEntries(a, b []entry) bool { return slices.EqualFunc(a, b, entry.equal) }

func (e entry) equal(o entry) bool {
	return e.slot == o.slot && e.absent == o.absent && same(e.num, o.num) && same(e.txt, o.txt)
}

func same[T comparable](a, b *T) bool {
	return a == b || a != nil && b != nil && *a == *b
}

func (db *DB) deleteSlots(ctx context.Context, text string, app hecate.AppID, id hecate.RecordID, slots []string) error {
	if len(slots) == 0 {
		return nil
	}
	b := binds{args: []any{app, id}}
	return db.run(ctx, text+list(&b, slots), b.args...)
}

// indexedRecord is a record with its rows of the index.
type indexedRecord struct {
	id   hecate.RecordID
	seq  int64
	rows []entry
}

// indexBatch bounds the rows of one statement.
const indexBatch = 500

func (db *DB) insertEntries(ctx context.Context, c *hecate.Collection, records []indexedRecord) error {
	b := binds{args: []any{c.App, c.ID}}
	var text strings.Builder
	flush := func() error {
		if text.Len() == 0 {
			return nil
		}
		err := db.run(ctx, insertIndex+text.String(), b.args...)
		b.args = b.args[:2:2]
		text.Reset()
		return err
	}
	count := 0
	for _, r := range records {
		at := "" // binds of number and id
		for _, e := range r.rows {
			if at == "" {
				at = b.add(r.seq) + "," + b.add(r.id)
			}
			if text.Len() > 0 {
				text.WriteByte(',')
			}
			text.WriteString("($1,$2," + b.add(e.slot) + "," + b.add(e.absent) + "," + place(&b, e.num) + "," + place(&b, e.txt) + "," + at + ")")
			if count++; count%indexBatch == 0 {
				if err := flush(); err != nil {
					return err
				}
				at = ""
			}
		}
	}
	return flush()
}

// place binds what p points to, or says null.
func place[T any](b *binds, p *T) string {
	if p == nil {
		return "null"
	}
	return b.add(*p)
}

// insertUniques claims values. Kinds: Exists on the name of the field whose value is taken.
func (db *DB) insertUniques(ctx context.Context, c *hecate.Collection, id hecate.RecordID, values []unique) error {
	if len(values) == 0 {
		return nil
	}
	b := binds{args: []any{c.App, c.ID, id}}
	rows := make([]string, len(values))
	for i, u := range values {
		rows[i] = "($1,$2," + b.add(u.slot) + "," + b.add(u.value) + ",$3)"
	}
	free, err := many(ctx, db, scalar[string], insertUniques+strings.Join(rows, ",")+
		` on conflict (app_id, collection_id, slot, value) do nothing returning slot`, b.args...)
	if err != nil {
		return err
	}
	for _, u := range values {
		if !slices.Contains(free, u.slot) {
			return hecate.E(hecate.Exists, "write record").On(fieldOf(c, u.slot))
		}
	}
	return nil
}

func fieldOf(c *hecate.Collection, slot string) string {
	for _, f := range c.Schema {
		if f.Slot == slot {
			return f.Name
		}
	}
	return slot
}

// Reindex rebuilds the index rows of the given fields over all records of c,
// after their flags or types have changed from what before says.
// Kinds: Exists on a field that became unique while two records share a value.
func (db *DB) Reindex(ctx context.Context, c *hecate.Collection, before, fields []hecate.Field) error {
	for _, f := range before {
		if err := db.run(ctx, dropIndex, c.App, c.ID, f.Slot); err != nil {
			return err
		}
		if err := db.run(ctx, dropUniques, c.App, c.ID, f.Slot); err != nil {
			return err
		}
	}
	if len(fields) == 0 {
		return nil
	}
	after := int64(math.MinInt64)
	for {
		rows, err := many(ctx, db, scanDocument, documentsAfter, c.App, c.ID, after, indexBatch)
		if err != nil || len(rows) == 0 {
			return err
		}
		if err := db.indexSome(ctx, c, fields, rows); err != nil {
			return err
		}
		after = rows[len(rows)-1].seq
	}
}

type document struct {
	id  hecate.RecordID
	seq int64
	doc Document
}

func scanDocument(s scanner) (d document, err error) {
	var data string
	if err := s.Scan((*string)(&d.id), &d.seq, &data); err != nil {
		return d, err
	}
	d.doc, err = DecodeDocument(data)
	return d, err
}

func (db *DB) indexSome(ctx context.Context, c *hecate.Collection, fields []hecate.Field, rows []document) error {
	records := make([]indexedRecord, len(rows))
	for i, d := range rows {
		records[i].id, records[i].seq = d.id, d.seq
		var claims []unique
		for j := range fields {
			f := &fields[j]
			records[i].rows = append(records[i].rows, entriesOf(f, d.doc[f.Slot])...)
			if value := uniqueText(f, d.doc[f.Slot]); f.Unique && value != "" {
				claims = append(claims, unique{f.Slot, value})
			}
		}
		// Only a field that comes back with values of old has any to claim.
		if err := db.insertUniques(ctx, c, d.id, claims); err != nil {
			return err
		}
	}
	return db.insertEntries(ctx, c, records)
}
