package usergrid

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// Connections are the engine's links. Their names are compared in lower case, as the original compared them.

// The words that stand in paths where the name of a connection could.
const (
	outgoingWord = "connections"
	incomingWord = "connecting"
)

// followers are those from whom connections named following lead to a user: contracts/usergrid.md 7.2.
const (
	followingLink = "following"
	followersWord = "followers"
)

// devicesLink is the name of the links from a user to his devices: a collection of his own, which answers do not call connections.
const devicesLink = "devices of a user"

const devicesName = "devices"

// walk is a path along connections: "/dogs/<id>/likes/cats/fido", "/dogs/<id>/connecting/likes".
type walk struct {
	from     anchor
	word     string // how the path calls the connections: "likes", "connections/likes", "followers"
	name     string // of the links
	incoming bool
	base     string // path of what hangs there: "/dogs/<id>/likes", "/dogs/<id>/connecting"
	in       string // plural name of the collection that the path names; "": none
	item     string // what it names there, or an id alone; "": none
}

// anchor is an end of connections.
type anchor struct {
	id   hecate.RecordID
	path string // "/dogs/<id>"
}

// connections answers all paths behind an entity that are no collections of it: contracts/usergrid.md 10.
func (a *api) connections(w *web.Response, r *web.Request, c *call) error {
	segments := segmentsOf(r.URL)
	if len(segments) < 3 {
		return noRoute(w, r)
	}
	x, err := a.walk(r, c, segments)
	if err != nil {
		return err
	}
	switch r.Method {
	case http.MethodPost, http.MethodPut:
		return a.connect(w, r, c, x)
	case http.MethodDelete:
		return a.disconnect(w, r, c, x)
	}
	if x.item != "" {
		return a.connected(w, r, c, x)
	}
	return a.listConnected(w, r, c, x)
}

// walk reads a path of at least three segments, the first of them in the plural.
func (a *api) walk(r *web.Request, c *call, segments []string) (walk, error) {
	tail := segments[2:]
	word := strings.ToLower(tail[0])
	x := walk{name: word, word: word}
	switch {
	case (word == outgoingWord || word == incomingWord) && len(tail) > 1:
		x.name, x.incoming, tail = strings.ToLower(tail[1]), word == incomingWord, tail[1:]
		x.word = word + "/" + x.name
	case word == outgoingWord || word == incomingWord:
		return x, unsupportedOperation()
	case segments[0] == "users" && word == followersWord:
		x.name, x.incoming = followingLink, true
	case segments[0] == "users" && hecate.Plural(word) == devicesName:
		x.name, x.word = devicesLink, devicesName
	}
	if err := x.target(segments[0], tail[1:]); err != nil {
		return x, err
	}
	var err error
	if x.from, err = a.anchor(r.Context(), c, r.Method, segments[0], segments[1]); err != nil {
		return x, err
	}
	x.base = x.from.path + "/" + x.word
	switch {
	case word == incomingWord:
		x.base = x.from.path + "/" + incomingWord
	case word == outgoingWord:
		x.base = x.from.path + "/" + x.name
	}
	return x, nil
}

// target reads what a path says behind the name of the connection: a collection, an id, or both.
func (x *walk) target(owner string, tail []string) error {
	switch {
	case len(tail) > 2:
		return resourceNotFound()
	case len(tail) == 2:
		x.in, x.item = hecate.Plural(strings.ToLower(tail[0])), tail[1]
	case len(tail) == 1 && isUUID(tail[0]):
		x.item = tail[0]
	case len(tail) == 1 && x.name == devicesLink:
		x.in, x.item = devicesName, tail[0]
	case len(tail) == 1 && owner == "users" && x.name == followingLink && hecate.Plural(strings.ToLower(tail[0])) != "users":
		x.in, x.item = "users", tail[0] // "/users/fred/following/barney", as a collection of the user
	case len(tail) == 1:
		x.in = hecate.Plural(strings.ToLower(tail[0]))
	}
	if x.name == devicesLink && x.in == "" && x.item == "" {
		x.in = devicesName
	}
	return nil
}

// anchor finds what a collection and an item name as an end of connections. Groups and roles are no records and have none.
func (a *api) anchor(ctx context.Context, c *call, method, collection, item string) (anchor, error) {
	if collection == "users" {
		u, err := a.user(ctx, c, item)
		if err != nil {
			return anchor{}, changed(method, err)
		}
		return anchor{id: u.ID.ProfileID(), path: "/users/" + string(u.ID)}, nil
	}
	ref := itemOf(item)
	if ref.many {
		return anchor{}, unsupportedOperation()
	}
	coll, err := a.dataCollection(ctx, c, collection)
	if errors.Is(err, hecate.NotFound) {
		return anchor{}, changed(method, ref.absent())
	}
	if err != nil {
		return anchor{}, err
	}
	id, err := a.locateItem(ctx, coll, ref)
	if errors.Is(err, hecate.NotFound) {
		return anchor{}, changed(method, ref.absent())
	}
	return anchor{id: id, path: entityPath(coll, id)}, err
}

// changed is err where something is read, else what changes answer about the same: contracts/usergrid.md 2.3.
func changed(method string, err error) error {
	var f *fault
	if method != http.MethodGet && method != http.MethodHead && (errors.Is(err, hecate.NotFound) || errors.As(err, &f) && f.status == http.StatusNotFound) {
		return resourceNotFound()
	}
	return err
}

// reached says on the wire why the engine refused a path along connections.
func reached(c *call, method, path string, err error) error {
	var f *fault
	switch {
	case err == nil || errors.As(err, &f):
		return err
	case errors.Is(err, hecate.Forbidden):
		return unpermitted(c, method, path)
	case errors.Is(err, hecate.NotFound):
		return resourceNotFound()
	}
	return err
}

// end is the other end that a path names, and the path with ids in the places of names.
func (a *api) end(ctx context.Context, c *call, method string, x walk) (hecate.RecordID, string, error) {
	if x.in == "" {
		id := hecate.RecordID(strings.ToLower(x.item))
		return id, x.from.path + "/" + x.word + "/" + string(id), nil
	}
	to, err := a.anchor(ctx, c, method, x.in, x.item)
	if x.name == devicesLink {
		return to.id, x.from.path + "/" + x.word + "/" + string(to.id), err
	}
	return to.id, x.from.path + "/" + x.word + to.path, err
}

// connect makes a connection: to what the path names, or to what the body makes there.
func (a *api) connect(w *web.Response, r *web.Request, c *call, x walk) error {
	switch {
	case x.incoming:
		return unsupportedOperation()
	case x.item == "" && x.in == "":
		return unsupportedOperation()
	case x.name == devicesLink:
		return a.connectDevice(w, r, c, x)
	case x.item == "":
		return a.connectNew(w, r, c, x)
	}
	id, path, err := a.end(r.Context(), c, r.Method, x)
	if err != nil {
		return err
	}
	actor := c.via(path)
	if err := a.knows(r.Context(), c, id); err != nil {
		return reached(c, r.Method, path, err)
	}
	if err := a.engine.Link(r.Context(), actor, x.from.id, x.name, id); err != nil {
		return reached(c, r.Method, path, err)
	}
	to, err := a.engine.RecordAnywhere(r.Context(), actor, id)
	if err != nil {
		return reached(c, r.Method, path, err)
	}
	return a.answerConnected(w, r, c, actor, x, []engine.Placed{to}, "")
}

// knows refuses what the caller may not read by itself: else a grant on his own entities would show him all others, once he has connected
// them. Kinds: NotFound.
func (a *api) knows(ctx context.Context, c *call, id hecate.RecordID) error {
	if c.actor.User != nil && id == c.actor.User.ID.ProfileID() {
		return nil
	}
	_, err := a.engine.RecordAnywhere(ctx, c.actor, id)
	return err
}

// connectNew makes the entities of the body and connects them, in one write.
func (a *api) connectNew(w *web.Response, r *web.Request, c *call, x walk) error {
	if slices.Contains(elsewhere, x.in) {
		return unsupportedOperation()
	}
	path := x.from.path + "/" + x.word + "/" + x.in
	on := *c
	on.actor, on.onto = c.via(path), &engine.Onto{From: x.from.id, Name: x.name}
	body, err := a.readBody(r, &on)
	if err != nil {
		return err
	}
	to, err := a.saveAll(r.Context(), &on, x.in, body)
	if err != nil {
		a.drop(r.Context(), &on, body)
		return reached(c, r.Method, path, err)
	}
	return a.answerConnected(w, r, c, on.actor, x, to, "")
}

// saveAll makes what a body brings to a collection.
func (a *api) saveAll(ctx context.Context, on *call, name string, body entityBody) ([]engine.Placed, error) {
	if body.batch == nil {
		coll, rec, err := a.createEntity(ctx, on, on.actor, name, body)
		return []engine.Placed{{Collection: coll, Record: rec}}, err
	}
	records, err := a.saveList(ctx, on, name, body.batch)
	if err != nil || len(records) == 0 {
		return nil, err
	}
	coll, err := a.dataCollection(ctx, on, name)
	to := make([]engine.Placed, len(records))
	for i, rec := range records {
		to[i] = engine.Placed{Collection: coll, Record: rec}
	}
	return to, err
}

// saveList makes the entities of an array; what cannot be made is left out.
func (a *api) saveList(ctx context.Context, on *call, name string, batch []map[string]any) ([]*hecate.Record, error) {
	coll, err := a.dataCollection(ctx, on, name)
	if err != nil && !errors.Is(err, hecate.NotFound) {
		return nil, err
	}
	in := engine.SaveInput{Mode: engine.MakeOnly, Collection: name}
	if coll != nil {
		in.Collection = coll.Name
	}
	items := make([]engine.SaveInput, 0, len(batch))
	for _, object := range batch {
		object, err := complete(on.actor, name, object)
		if err != nil {
			continue
		}
		if in.Input.Values, err = valuesOf(coll, object); err == nil {
			items = append(items, in)
		}
	}
	return a.saveMany(ctx, on, items, name)
}

// saveRecords saves records, and hangs them on what the call says.
func (a *api) saveRecords(ctx context.Context, c *call, actor *hecate.Actor, items []engine.SaveInput, o engine.SaveOptions) ([]engine.SaveResult, error) {
	if c.onto != nil {
		return a.engine.SaveOnto(ctx, actor, *c.onto, items, o)
	}
	return a.engine.SaveRecords(ctx, actor, items, o)
}

// disconnect takes a connection away and shows what it led to.
func (a *api) disconnect(w *web.Response, r *web.Request, c *call, x walk) error {
	if x.incoming || x.item == "" {
		return unsupportedOperation()
	}
	id, path, err := a.end(r.Context(), c, r.Method, x)
	if err != nil {
		return err
	}
	actor := c.via(path)
	to, err := a.engine.RecordAnywhere(r.Context(), actor, id)
	if err != nil {
		return reached(c, r.Method, path, err)
	}
	if err := a.engine.Unlink(r.Context(), actor, x.from.id, x.name, id); err != nil {
		return reached(c, r.Method, path, err)
	}
	return a.answerConnected(w, r, c, actor, x, []engine.Placed{to}, "")
}

// connected answers with one entity that is connected.
func (a *api) connected(w *web.Response, r *web.Request, c *call, x walk) error {
	id, path, err := a.end(r.Context(), c, r.Method, x)
	if err != nil {
		return err
	}
	page, err := a.engine.Linked(r.Context(), c.via(path), engine.LinkedInput{Record: x.from.id, Name: x.name, Incoming: x.incoming,
		Query: hecate.Query{Limit: 1, Filter: hecate.Filter{Op: hecate.OpEqual, Operand: hecate.Operand{Column: hecate.IDColumn}, Value: string(id)}}})
	if err != nil {
		return reached(c, r.Method, path, err)
	}
	if len(page.Rows) == 0 {
		return resourceNotFound()
	}
	return a.answerConnected(w, r, c, c.via(path), x, []engine.Placed{page.Rows[0].Placed}, "")
}

// listConnected answers with a page of what is connected, the latest connected first.
func (a *api) listConnected(w *web.Response, r *web.Request, c *call, x walk) error {
	path := x.from.path + "/" + x.word
	in := engine.LinkedInput{Record: x.from.id, Name: x.name, Incoming: x.incoming}
	if x.in != "" {
		if x.name != devicesLink {
			path += "/" + x.in
		}
		coll, err := a.collection(r.Context(), c, x.in, false)
		if errors.Is(err, hecate.NotFound) {
			if err := a.permit(c, c.actor, r.Method, path); err != nil {
				return err
			}
			return a.answerConnected(w, r, c, c.actor, x, nil, "")
		}
		if err != nil {
			return err
		}
		in.Collection = coll
	}
	page, cursor, err := a.linkedPage(r, in, func(in engine.LinkedInput) (hecate.Page[engine.LinkedRecord], error) {
		return a.engine.Linked(r.Context(), c.via(path), in)
	})
	if err != nil {
		return reached(c, r.Method, path, err)
	}
	return a.answerConnected(w, r, c, c.via(path), x, page, cursor)
}

// linkedPage reads a page of linked records by ql, limit and cursor of a request.
func (a *api) linkedPage(r *web.Request, in engine.LinkedInput, read func(engine.LinkedInput) (hecate.Page[engine.LinkedRecord], error)) ([]engine.Placed, string, error) {
	q, err := requestQL(r)
	if err != nil {
		return nil, "", err
	}
	limit, err := limitOf(r)
	if err != nil {
		return nil, "", err
	}
	in.Query = hecate.Query{Limit: limit}
	in.FilterOf = func(c *hecate.Collection) (hecate.Filter, bool, error) { return q.where.filter(c), true, nil }
	ordered := in.Collection != nil && (len(q.order) > 0 || q.where.nearest() != nil)
	if ordered {
		if in.Query, err = q.query(in.Collection, r); err != nil {
			return nil, "", err
		}
	} else if text := r.QueryOne("cursor"); text != "" {
		if in.Query.After, err = readLinkCursor(text); err != nil {
			return nil, "", err
		}
	}
	page, err := read(in)
	if err != nil {
		return nil, "", err
	}
	rows := make([]engine.Placed, len(page.Rows))
	for i, row := range page.Rows {
		rows[i] = row.Placed
	}
	if !page.More || len(rows) == 0 {
		return rows, "", nil
	}
	last := page.Rows[len(rows)-1]
	if ordered {
		cursor, err := a.cursorAt(r.Context(), in.Collection, q, in.Query, last.Record)
		return rows, cursor, err
	}
	return rows, linkCursor(last), nil
}

// linkPlace is a cursor among links: when the last one was made, and the number of its record.
type linkPlace struct {
	Made int64 `json:"l"`
	Seq  int64 `json:"s"`
}

func linkCursor(last engine.LinkedRecord) string {
	text, _ := json.Marshal(linkPlace{last.MadeAt.UnixMicro(), last.Seq}) // of numbers
	return base64.RawURLEncoding.EncodeToString(text)
}

func readLinkCursor(text string) (*hecate.Cursor, error) {
	bad := illegalArgument("The cursor does not belong to this query")
	if len(text) > maxCursor {
		return nil, bad
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return nil, bad.because(hecate.Invalid)
	}
	var p linkPlace
	if err := json.Unmarshal(raw, &p); err != nil || p.Made == 0 || p.Seq == 0 {
		return nil, bad
	}
	return &hecate.Cursor{Values: []any{p.Made}, Seq: p.Seq}, nil
}

// answerConnected answers with entities as they are reached along a path.
func (a *api) answerConnected(w *web.Response, r *web.Request, c *call, actor *hecate.Actor, x walk, rows []engine.Placed, cursor string) error {
	entities, err := a.walked(r, c, actor, x.base, rows)
	if err != nil {
		return err
	}
	return a.answer(w, r, c, reply{path: x.base, entities: entities, cursor: cursor})
}

// walked shows entities as they are reached along a path: their metadata speak of it, and lead on from it.
func (a *api) walked(r *web.Request, c *call, actor *hecate.Actor, base string, rows []engine.Placed) ([]raw, error) {
	ids := make([]hecate.RecordID, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
	}
	metas, err := a.walkedMeta(r, c, base, ids)
	if err != nil {
		return nil, err
	}
	users, err := a.usersAmong(r, c, actor, rows)
	if err != nil {
		return nil, err
	}
	out := make([]raw, 0, len(rows))
	for i, row := range rows {
		if row.Collection.Kind != hecate.ProfileCollection {
			out = append(out, a.recordEntity(row.Collection, row.Record, metas[i]))
			continue
		}
		if t := users[row.ID]; t != nil { // else deleted a moment ago
			t.meta.path, t.meta.connections, t.meta.connecting = metas[i].path, metas[i].connections, metas[i].connecting
			out = append(out, t.json(nil))
		}
	}
	return out, nil
}

// usersAmong are the users whose profiles are among records, as the caller may see them.
func (a *api) usersAmong(r *web.Request, c *call, actor *hecate.Actor, rows []engine.Placed) (map[hecate.RecordID]*thing, error) {
	var ids []hecate.UserID
	for _, row := range rows {
		if row.Collection.Kind == hecate.ProfileCollection {
			ids = append(ids, hecate.UserID(row.ID))
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	found, err := a.engine.LookupUsers(r.Context(), c.app.ID, ids)
	if err != nil {
		return nil, err
	}
	list, err := a.shownUsers(r, c, actor, slices.Collect(maps.Values(found)), "")
	if err != nil {
		return nil, err
	}
	shown := make(map[hecate.RecordID]*thing, len(list))
	for _, t := range list {
		if t != nil {
			shown[hecate.RecordID(t.id)] = t
		}
	}
	return shown, nil
}

// walkedMeta is the metadata of entities reached along a path.
func (a *api) walkedMeta(r *web.Request, c *call, base string, ids []hecate.RecordID) ([]meta, error) {
	metas := make([]meta, len(ids))
	for i, id := range ids {
		metas[i].path = base + "/" + string(id)
	}
	which := r.QueryOne("connections")
	if len(ids) == 0 || which == "none" {
		return metas, nil
	}
	names, err := a.engine.LinkNames(r.Context(), c.app.ID, ids)
	if err != nil {
		return nil, err
	}
	for i, id := range ids {
		if which != "in" {
			metas[i].connections = pathsTo(names[id].From, metas[i].path+"/")
		}
		if which != "out" {
			metas[i].connecting = pathsTo(names[id].To, metas[i].path+"/connecting/")
		}
	}
	return metas, nil
}
