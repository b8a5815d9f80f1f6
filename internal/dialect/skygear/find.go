package skygear

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"math"
	"slices"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// Bounds of what one query answers where the client sets none, or a large one.
const (
	maxFound      = 10_000   // records
	maxFoundBytes = 32 << 20 // of the answer
	maxIncludes   = 16
)

// finding is one record:query on its way.
type finding struct {
	api     *api
	call    *call
	request *web.Request
	typ     *hecate.Collection
	space   engine.Space
	query   *recordQuery
}

// recordQuery answers the records of a type that match.
func (a *api) recordQuery(w *web.Response, r *web.Request, c *call) error {
	f := &finding{api: a, call: c, request: r}
	known, err := f.read()
	if err != nil {
		return err
	}
	if !known {
		return f.answer(w, 0, []byte("[]"))
	}
	count, list, err := f.run()
	if err != nil {
		return err
	}
	return f.answer(w, count, list)
}

func (f *finding) answer(w *web.Response, count int, list []byte) error {
	asked, err := f.call.args.bool("count")
	if err != nil {
		return err
	}
	if asked {
		return answerList(w, count, list)
	}
	return answerResult(w, list)
}

// read reads the query; known is false for a type that nobody knows, in which nothing is found.
func (f *finding) read() (known bool, err error) {
	a, c, ctx := f.api, f.call, f.request.Context()
	d, err := readDatabase(c)
	if err != nil {
		return false, err
	}
	name, err := readRecordType(c.args)
	if err != nil {
		return false, err
	}
	if f.space, err = a.space(f.request, c, d); err != nil {
		return false, err
	}
	f.typ, err = a.collectionOf(ctx, c.app, name)
	if errors.Is(err, hecate.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	reader, err := f.reader(ctx)
	if err != nil {
		return false, err
	}
	f.query, err = reader.read(ctx, f.typ, c.args)
	if err != nil {
		return false, err
	}
	if len(f.query.includes) > maxIncludes {
		return false, badQuery("too many includes")
	}
	for i, near := range f.query.near {
		if near.at != i {
			return false, badQuery("a sort by distance goes before the others")
		}
	}
	f.query.Private, f.query.AllSpaces = f.space.Private, f.space.All
	return true, nil
}

// reader is the reader of this query, with the caller's field access.
func (f *finding) reader(ctx context.Context) (*queryReader, error) {
	a, app := f.api, f.call.app
	rights, err := a.engine.FieldRights(ctx, f.call.actor)
	if err != nil {
		return nil, err
	}
	return &queryReader{
		related: f.related,
		values:  a.valuesOf(f.request, app),
		collection: func(ctx context.Context, id hecate.CollectionID) (*hecate.Collection, error) {
			if id == hecate.UserTarget {
				return a.engine.LookupCollection(ctx, app.ID, hecate.ProfileName)
			}
			return a.engine.LookupCollectionByID(ctx, app.ID, id)
		},
		users: func(ctx context.Context, keys []string) (map[string]hecate.UserID, error) {
			return a.userIDs(ctx, app, keys)
		},
		rights: func(c *hecate.Collection, field string) fieldRights {
			have := rights.Of(c, field, nil)
			return fieldRights{
				readable: have.Has(hecate.FieldRead), comparable: have.Has(hecate.FieldCompare), discoverable: have.Has(hecate.FieldDiscover),
			}
		},
	}, nil
}

// run finds the records and shows them.
func (f *finding) run() (count int, list []byte, err error) {
	j := newJSON(make([]byte, 0, 4096))
	j.OpenList()
	if len(f.query.near) > 0 {
		count, err = f.nearest(&j)
	} else {
		count, err = f.pages(f.query.Query, f.wanted(), func(rows []*hecate.Record) error { return f.show(&j, rows) })
	}
	j.CloseList()
	return count, j.Buf, err
}

// wanted is how many records the answer may have.
func (f *finding) wanted() int {
	if f.query.all || f.query.Limit > maxFound {
		return maxFound
	}
	return f.query.Limit
}

// bounded reports whether the client asked for more than maxFound: then what does not fit is an error, never left out silently.
func (f *finding) bounded() bool { return f.query.all || f.query.Limit > maxFound }

func tooMuch() *failure { return badQuery("too many records match; use limit and offset") }

// pages hands on the first n rows of q, a page at a time, and returns the count of all that match where q asks for it.
func (f *finding) pages(q hecate.Query, n int, each func([]*hecate.Record) error) (count int, err error) {
	more := true
	for first := true; first || more && n > 0; first = false {
		q.Limit = min(n, hecate.MaxPage)
		page, err := f.api.engine.Records(f.request.Context(), f.call.actor, f.typ, q)
		if err != nil {
			return 0, queryFault(err)
		}
		if first {
			count, q.Count = page.Count, false
		}
		if err := each(page.Rows); err != nil {
			return 0, err
		}
		n -= len(page.Rows)
		q.Offset += len(page.Rows)
		more = page.More && len(page.Rows) > 0
	}
	if more && f.bounded() {
		return 0, tooMuch()
	}
	return count, nil
}

// queryFault shows what the engine says about a query that the reader let pass.
func queryFault(err error) error {
	d := hecate.Detail(err)
	if errors.Is(err, hecate.Forbidden) && d.Field != "" {
		return denied(d.Field, "discoverable or comparable")
	}
	return err
}

// place is a record on its way into an order by distance.
type place struct {
	name engine.RecordName
	far  []float64 // in metres, one for each order; NaN without a place
}

// nearest finds all matches, orders them by distance, and shows those wanted. Records of the same distance stay in the order of
// the other sorts, in which they were found.
func (f *finding) nearest(j *jsonWriter) (int, error) {
	q := f.query.Query
	q.Offset = 0
	q.Count = f.query.Count
	var all []place
	collection := recordID{typ: typeNameOf(f.typ)}.collection()
	count, err := f.pages(q, maxFound+1, func(rows []*hecate.Record) error {
		for _, rec := range rows {
			all = append(all, place{engine.RecordName{Collection: collection, Key: keyOf(rec)}, f.distances(rec)})
		}
		if len(all) > maxFound {
			return tooMuch()
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	slices.SortStableFunc(all, f.compareNear)
	all = all[min(f.query.Offset, len(all)):]
	all = all[:min(f.wanted(), len(all))]
	for chunk := range slices.Chunk(all, maxRecords) {
		names := make([]engine.RecordName, len(chunk))
		for i := range chunk {
			names[i] = chunk[i].name
		}
		found, err := f.api.engine.RecordsByKey(f.request.Context(), f.call.actor, f.space, names)
		if err != nil {
			return 0, err
		}
		rows := make([]*hecate.Record, 0, len(found))
		for _, one := range found {
			if one.Err == nil { // else it went meanwhile
				rows = append(rows, one.Record)
			}
		}
		if err := f.show(j, rows); err != nil {
			return 0, err
		}
	}
	return count, nil
}

func (f *finding) distances(rec *hecate.Record) []float64 {
	far := make([]float64, len(f.query.near))
	for i := range f.query.near {
		var ok bool
		if far[i], ok = f.query.near[i].to(rec); !ok {
			far[i] = math.Inf(1) // what is nowhere counts as farthest, as absent values count as largest
		}
	}
	return far
}

func (f *finding) compareNear(a, b place) int {
	for i, near := range f.query.near {
		if c := cmp.Compare(a.far[i], b.far[i]); c != 0 {
			if near.desc {
				return -c
			}
			return c
		}
	}
	return 0
}

// show appends records with what they include.
func (f *finding) show(j *jsonWriter, rows []*hecate.Record) error {
	targets, err := f.targets(rows)
	if err != nil {
		return err
	}
	all := slices.Clone(rows)
	for _, t := range targets {
		all = append(all, t)
	}
	v, err := f.api.viewOf(f.request, f.call, all)
	if err != nil {
		return err
	}
	for _, rec := range rows {
		j.Comma()
		j.Buf = v.append(j.Buf, rec, f.query.fields, f.transients(v, rec, targets)...)
		if len(j.Buf) > maxFoundBytes {
			return tooMuch()
		}
	}
	return nil
}

// targets finds what the records include: in one query, and in a second one what lies in the same private space.
func (f *finding) targets(rows []*hecate.Record) (map[hecate.RecordID]*hecate.Record, error) {
	wanted := map[hecate.RecordID]bool{}
	for _, rec := range rows {
		for i := range f.query.includes {
			if id, _ := f.query.includes[i].target(rec); id != "" {
				wanted[id] = true
			}
		}
	}
	if len(wanted) == 0 {
		return nil, nil
	}
	found := make(map[hecate.RecordID]*hecate.Record, len(wanted))
	ids := make([]hecate.RecordID, 0, len(wanted))
	for id := range wanted {
		ids = append(ids, id)
	}
	for chunk := range slices.Chunk(ids, maxRecords) { // mostly one
		some, err := f.api.engine.RecordsByID(f.request.Context(), f.call.actor, chunk)
		if err != nil {
			return nil, err
		}
		maps.Copy(found, some)
	}
	return found, f.privateTargets(rows, found)
}

// privateTargets adds what the records of a private space include of that space.
func (f *finding) privateTargets(rows []*hecate.Record, found map[hecate.RecordID]*hecate.Record) error {
	if f.space == (engine.Space{}) {
		return nil
	}
	wanted := map[engine.RecordName]bool{}
	for _, rec := range rows {
		for i := range f.query.includes {
			in := &f.query.includes[i]
			if id, ok := in.target(rec); !ok || found[id] != nil || in.field == nil || in.field.Target == hecate.UserTarget {
				continue
			}
			t, err := f.api.engine.LookupCollectionByID(f.request.Context(), f.call.app.ID, in.field.Target) // cached
			if errors.Is(err, hecate.NotFound) {
				continue
			}
			if err != nil {
				return err
			}
			ref, _ := rec.Values[in.field.Name].(hecate.Ref)
			wanted[engine.RecordName{Collection: t.Name, Key: refKey(ref)}] = true
		}
	}
	for chunk := range slices.Chunk(slices.Collect(maps.Keys(wanted)), maxRecords) { // mostly one
		some, err := f.api.engine.RecordsByKey(f.request.Context(), f.call.actor, f.space, chunk)
		if err != nil {
			return err
		}
		for _, one := range some {
			if one.Record != nil {
				found[one.Record.ID] = one.Record
			}
		}
	}
	return nil
}

// target is the record that an include shows, "" for none.
func (in *include) target(rec *hecate.Record) (hecate.RecordID, bool) {
	switch {
	case in.near != nil:
		return "", false
	case in.field != nil:
		ref, ok := rec.Values[in.field.Name].(hecate.Ref)
		return ref.ID, ok
	}
	users := map[hecate.Column]hecate.UserID{
		hecate.OwnerColumn: rec.Owner, hecate.CreatedByColumn: rec.CreatedBy, hecate.UpdatedByColumn: rec.UpdatedBy,
	}
	id := users[in.column].ProfileID()
	return id, id != ""
}

// transients are the values that a record shows in _transient.
func (f *finding) transients(v *view, rec *hecate.Record, targets map[hecate.RecordID]*hecate.Record) []transient {
	if len(f.query.includes) == 0 {
		return nil
	}
	out := make([]transient, 0, len(f.query.includes))
	for i := range f.query.includes {
		in := &f.query.includes[i]
		t := transient{name: in.name, value: []byte("null")}
		if in.near != nil {
			if meters, ok := in.near.to(rec); ok {
				t.value = web.AppendPageJSON(nil, meters)
			}
		} else if id, ok := in.target(rec); ok && targets[id] != nil {
			t.value = v.append(nil, targets[id], nil)
		}
		out = append(out, t)
	}
	return out
}
