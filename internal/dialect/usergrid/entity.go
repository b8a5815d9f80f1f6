package usergrid

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// meta is what an entity's metadata says of where it is and what leads on from there.
type meta struct {
	path                    string // "": its place in its collection
	connections, connecting map[string]string
	own                     string // where sets and collections are
	collections, sets       []lead
}

// lead is something that an entity has, and where: below the entity itself.
type lead struct{ name, path string }

// itemRef is what stands behind a collection in a path: contracts/usergrid.md 1.
type itemRef struct {
	id   hecate.RecordID
	name string
	many bool   // a query or the whole collection
	ql   string // with many
}

func itemOf(segment string) itemRef {
	text := strings.TrimSpace(segment)
	switch {
	case isUUID(text):
		return itemRef{id: hecate.RecordID(strings.ToLower(text))}
	case strings.EqualFold(text, "all"):
		return itemRef{many: true}
	case strings.HasPrefix(text, "{") && strings.HasSuffix(text, "}"):
		return itemRef{many: true, ql: text[1 : len(text)-1]}
	}
	return itemRef{name: text}
}

// absent is said of an item that is not there to a caller who reads.
func (ref itemRef) absent() *fault {
	if ref.id != "" {
		return entityNotFound(string(ref.id))
	}
	return entityNameNotFound(ref.name)
}

// entityPath is where an entity is in the role policy, and in answers.
func entityPath(c *hecate.Collection, id hecate.RecordID) string {
	return "/" + hecate.Plural(c.Name) + "/" + string(id)
}

// permit is the second check of contracts/usergrid.md 8.2: the role policy on the path of what was found.
func (a *api) permit(c *call, actor *hecate.Actor, method, path string) error {
	if err := a.engine.Enter(actor, verbs[method], path); err != nil {
		return unpermitted(c, method, path)
	}
	return nil
}

func unpermitted(c *call, method, path string) error {
	return unauthorized(fmt.Sprintf("Subject does not have permission [applications:%s:%s:%s]", strings.ToLower(method), c.app.ID, path))
}

// locateItem finds the id of an item that a path names. Kinds: NotFound.
func (a *api) locateItem(ctx context.Context, coll *hecate.Collection, ref itemRef) (hecate.RecordID, error) {
	if ref.id != "" {
		return ref.id, nil
	}
	return a.engine.NamedRecord(ctx, coll, nameField, ref.name)
}

// record reads the entity that a path names: name is its collection's, ref the segment behind it; method is what the caller wants of
// it. Kinds: NotFound, Forbidden where the role policy refuses it.
func (a *api) record(ctx context.Context, c *call, actor *hecate.Actor, method, name string, ref itemRef) (*hecate.Collection, *hecate.Record, error) {
	coll, err := a.dataCollection(ctx, c, name)
	if err != nil {
		return nil, nil, err
	}
	id, err := a.locateItem(ctx, coll, ref)
	if err != nil {
		return coll, nil, err
	}
	if err := a.permit(c, actor, method, entityPath(coll, id)); err != nil {
		return coll, nil, err
	}
	rec, err := a.engine.Record(ctx, actor, coll, engine.RecordRef{ID: id})
	return coll, rec, err
}

// entity answers GET of one entity, of the bytes of its asset, or of an inline query.
func (a *api) entity(w *web.Response, r *web.Request, c *call) error {
	ref := itemOf(r.PathValue("item"))
	if ref.many {
		return a.listMatching(w, r, c, ref.ql, false)
	}
	coll, rec, err := a.record(r.Context(), c, c.actor, http.MethodGet, r.PathValue("collection"), ref)
	if errors.Is(err, hecate.NotFound) {
		return ref.absent()
	}
	if err != nil {
		return err
	}
	if asset, ok := rec.Values[assetField].(hecate.FileRef); ok && wantsBytes(r) {
		return a.sendAsset(w, r, asset)
	}
	return a.answerOne(w, r, c, coll, rec)
}

// postEntity answers POST on an entity: it stays as it is, unless an asset comes with it.
func (a *api) postEntity(w *web.Response, r *web.Request, c *call) error {
	ctx, ref, name := r.Context(), itemOf(r.PathValue("item")), r.PathValue("collection")
	body, err := a.readBody(r, c)
	if err != nil {
		return err
	}
	if ref.many {
		a.drop(ctx, c, body)
		return unsupportedOperation()
	}
	coll, rec, err := a.record(ctx, c, c.actor, http.MethodPost, name, ref)
	if err == nil && body.asset != nil {
		in := engine.SaveInput{Mode: engine.ChangeOnly, Input: engine.RecordInput{ID: rec.ID}}
		coll, rec, err = a.saveBody(ctx, c, c.actor, name, in, body)
	}
	if err != nil {
		a.drop(ctx, c, body)
		return lost(err)
	}
	return a.answerOne(w, r, c, coll, rec)
}

// putEntity merges properties into an entity, or makes it where it is absent: contracts/usergrid.md 9.
func (a *api) putEntity(w *web.Response, r *web.Request, c *call) error {
	ctx, ref, name := r.Context(), itemOf(r.PathValue("item")), r.PathValue("collection")
	body, err := a.readBody(r, c)
	if err != nil {
		return err
	}
	if ref.many {
		a.drop(ctx, c, body)
		return a.updateMatching(w, r, c, ref.ql, body)
	}
	coll, rec, err := a.putItem(ctx, c, c.actor, name, ref, body)
	if err != nil {
		a.drop(ctx, c, body)
		return lost(err)
	}
	return a.answerOne(w, r, c, coll, rec)
}

// putItem changes or makes what a path names, in one write.
func (a *api) putItem(ctx context.Context, c *call, actor *hecate.Actor, name string, ref itemRef, body entityBody) (*hecate.Collection, *hecate.Record, error) {
	if _, err := body.single(); err != nil {
		return nil, nil, err
	}
	if ref.id == "" && ref.name == "" {
		return nil, nil, resourceNotFound()
	}
	coll, err := a.dataCollection(ctx, c, name)
	if err != nil && !errors.Is(err, hecate.NotFound) {
		return nil, nil, err
	}
	in := engine.SaveInput{Mode: engine.Put, Input: engine.RecordInput{ID: ref.id}}
	if ref.id == "" {
		in.By = engine.FieldText{Field: nameField, Text: ref.name}
	}
	if coll != nil {
		id, err := a.locateItem(ctx, coll, ref)
		switch {
		case err == nil:
			if err := a.permit(c, actor, http.MethodPut, entityPath(coll, id)); err != nil {
				return nil, nil, err
			}
			if !uniquelyNamed(coll) {
				in.Input.ID = id
			}
		case !errors.Is(err, hecate.NotFound):
			return nil, nil, err
		}
	}
	return a.saveBody(ctx, c, actor, name, in, body)
}

// uniquelyNamed reports whether no two entities of a collection share a name, as in all that this dialect makes but events.
func uniquelyNamed(c *hecate.Collection) bool {
	f := c.Field(nameField)
	return f != nil && f.Unique && f.Fold
}

// deleteEntity deletes an entity and shows it.
func (a *api) deleteEntity(w *web.Response, r *web.Request, c *call) error {
	ctx, ref := r.Context(), itemOf(r.PathValue("item"))
	if ref.many {
		return a.takeMatching(w, r, c, ref.ql)
	}
	coll, err := a.dataCollection(ctx, c, r.PathValue("collection"))
	if err != nil {
		return lost(err)
	}
	id, err := a.locateItem(ctx, coll, ref)
	if err != nil {
		return lost(err)
	}
	if err := a.permit(c, c.actor, http.MethodDelete, entityPath(coll, id)); err != nil {
		return err
	}
	rec, err := a.engine.TakeRecord(ctx, c.actor, coll, engine.RecordRef{ID: id})
	if err != nil {
		return lost(err)
	}
	return a.answer(w, r, c, reply{path: "/" + hecate.Plural(coll.Name), entities: []raw{a.recordEntity(coll, rec, meta{})}})
}

// lost is err, said of what a change or deletion does not find: contracts/usergrid.md 2.3.
func lost(err error) error {
	var f *fault
	if errors.Is(err, hecate.NotFound) && !errors.As(err, &f) {
		return resourceNotFound()
	}
	return err
}

// answerOne answers with one entity of a collection.
func (a *api) answerOne(w *web.Response, r *web.Request, c *call, coll *hecate.Collection, rec *hecate.Record) error {
	entities, err := a.entities(r, c, coll, []*hecate.Record{rec}, nil)
	if err != nil {
		return err
	}
	return a.answer(w, r, c, reply{path: "/" + hecate.Plural(coll.Name), entities: entities})
}

// entities are records of a collection as answers show them, with the names of what they are connected by; fields are the
// only properties wanted, nil: all.
func (a *api) entities(r *web.Request, c *call, coll *hecate.Collection, recs []*hecate.Record, fields []projection) ([]raw, error) {
	ids := make([]hecate.RecordID, len(recs))
	for i, rec := range recs {
		ids[i] = rec.ID
	}
	metas, err := a.connectedMeta(r, c, coll, ids)
	if err != nil {
		return nil, err
	}
	out := make([]raw, len(recs))
	l, size := labelsOf(coll), 0
	for i, rec := range recs {
		out[i] = l.projected(rec, metas[rec.ID], fields, size)
		size = len(out[i])
	}
	return out, nil
}

// connectedMeta says of records by what names they are connected, as far as the parameter connections asks for it.
func (a *api) connectedMeta(r *web.Request, c *call, coll *hecate.Collection, ids []hecate.RecordID) (map[hecate.RecordID]meta, error) {
	which := r.QueryOne("connections")
	if len(ids) == 0 || which == "none" {
		return nil, nil
	}
	names, err := a.engine.LinkNames(r.Context(), c.app.ID, ids)
	if err != nil || len(names) == 0 {
		return nil, err
	}
	metas := make(map[hecate.RecordID]meta, len(names))
	for id, n := range names {
		var m meta
		if which != "in" {
			m.connections = pathsTo(n.From, entityPath(coll, id)+"/")
		}
		if which != "out" {
			m.connecting = pathsTo(n.To, entityPath(coll, id)+"/connecting/")
		}
		metas[id] = m
	}
	return metas, nil
}

func pathsTo(names []string, before string) map[string]string {
	if len(names) == 0 {
		return nil
	}
	paths := make(map[string]string, len(names))
	for _, name := range names {
		if name != devicesLink { // a collection of the user, no connection
			paths[name] = before + name
		}
	}
	return paths
}

// recordEntity is a record of a collection as the wire shows it: contracts/usergrid.md 9.
func (a *api) recordEntity(c *hecate.Collection, r *hecate.Record, m meta) raw {
	return labelsOf(c).projected(r, m, nil, 0)
}

// labels are what the entities of a collection have in common, found once for a page.
type labels struct{ typ, base string }

func labelsOf(c *hecate.Collection) labels {
	return labels{typ: hecate.Singular(c.Name), base: entityPath(c, "")}
}

// The room that entities and answers begin with.
const (
	entityRoom   = 1 << 10
	envelopeRoom = 1 << 10
)

// projected is a record on the wire with nothing but the properties wanted, nil: all. about is how long it may become; 0: unknown.
func (l labels) projected(r *hecate.Record, m meta, fields []projection, about int) raw {
	if about == 0 {
		about = entityRoom
	}
	j := web.JSONWriter{Buf: make([]byte, 0, about+about/8)}
	j.Open()
	j.Text("uuid", string(r.ID))
	j.Text("type", l.typ)
	size := 0
	if fields == nil {
		size = everything(&j, r)
	} else {
		size = wanted(&j, r, fields)
	}
	if m.path == "" {
		m.path = l.base + string(r.ID)
	}
	m.write(&j, size)
	j.Close()
	return j.Buf
}

// put writes a member that is a stored value.
func put(j *web.JSONWriter, name string, v any) {
	j.Name(name)
	j.Buf = appendValue(j.Buf, v)
}

// everything writes all properties and returns their size.
func everything(j *web.JSONWriter, r *hecate.Record) int {
	if name, ok := r.Values[nameField]; ok {
		put(j, nameField, name)
	}
	j.Int("created", r.CreatedAt.UnixMilli())
	j.Int("modified", r.UpdatedAt.UnixMilli())
	from := len(j.Buf)
	for _, name := range slices.Sorted(maps.Keys(r.Values)) {
		if name != nameField && (!reserved[name] || name == assetField) {
			put(j, name, r.Values[name])
		}
	}
	return len(j.Buf) - from
}

// wanted writes the properties of a projection that are there and returns their size.
func wanted(j *web.JSONWriter, r *hecate.Record, fields []projection) int {
	from, said := len(j.Buf), map[string]bool{"uuid": true, "type": true, "metadata": true}
	for _, p := range fields {
		if said[p.name] {
			continue
		}
		if v, ok := propertyAt(r, p.property); ok {
			said[p.name] = true
			put(j, p.name, v)
		}
	}
	return len(j.Buf) - from
}

// propertyAt is what stands at a dotted path in a record.
func propertyAt(r *hecate.Record, path string) (any, bool) {
	switch path {
	case "uuid":
		return string(r.ID), true
	case "created":
		return r.CreatedAt.UnixMilli(), true
	case "modified":
		return r.UpdatedAt.UnixMilli(), true
	}
	v := valueAt(r.Values, path)
	return v, v != nil
}

// write writes the metadata block.
func (m *meta) write(j *web.JSONWriter, size int) {
	j.Name("metadata")
	j.Open()
	j.Text("path", m.path)
	j.Int("size", int64(size))
	m.below(j, "sets", m.sets)
	m.below(j, "collections", m.collections)
	paths(j, "connections", m.connections)
	paths(j, "connecting", m.connecting)
	j.Close()
}

// below writes what an entity has.
func (m *meta) below(j *web.JSONWriter, name string, leads []lead) {
	if leads == nil {
		return
	}
	j.Name(name)
	j.Open()
	for _, l := range leads {
		j.Name(l.name)
		b := web.AppendText(j.Buf, m.own)
		b = append(b[:len(b)-1], '/') // over the quote
		j.Buf = append(append(b, l.path...), '"')
	}
	j.Close()
}

// paths writes paths by their names.
func paths(j *web.JSONWriter, name string, paths map[string]string) {
	if paths == nil {
		return
	}
	j.Name(name)
	j.Open()
	for _, name := range slices.Sorted(maps.Keys(paths)) {
		j.Text(name, paths[name])
	}
	j.Close()
}
