package skygear

import (
	"context"
	"maps"
	"slices"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// relationNames are the relations that there are, as actions and queries call them, and what their links are called.
var relationNames = map[string]string{"friend": "friend", "follow": "follow", "_friend": "friend", "_follow": "follow"}

// relationWays are the directions in which a relation is looked at.
var relationWays = map[string]engine.LinkQuery{"outward": {}, "inward": {To: true}, "mutual": {Both: true}}

// linksNamed reads name and direction. Without a direction friends are those who are so both ways.
func linksNamed(name, way string) (engine.LinkQuery, error) {
	link := relationNames[name]
	if link == "" {
		return engine.LinkQuery{}, fail(notSupported, "Only friend and follow relation is supported")
	}
	if way == "" {
		way = map[string]string{"friend": "mutual", "follow": "outward"}[link]
	}
	q, known := relationWays[way]
	if !known {
		return q, invalid("unknown direction "+way, "direction")
	}
	q.Name = link
	return q, nil
}

func relationOf(args payload) (engine.LinkQuery, error) {
	name, err := args.text("name")
	if err != nil {
		return engine.LinkQuery{}, err
	}
	way, err := args.text("direction")
	if err != nil {
		return engine.LinkQuery{}, err
	}
	return linksNamed(name, way)
}

// readTargets reads the users whom a relation is to, and finds those that there are.
func (a *api) readTargets(ctx context.Context, c *call) (keys []string, ids map[string]hecate.UserID, err error) {
	if keys, err = c.args.texts("targets"); err != nil {
		return nil, nil, err
	}
	switch {
	case keys == nil:
		return nil, nil, invalid("missing required fields", "targets")
	case len(keys) > maxRecords:
		return nil, nil, invalid("too many users in one request", "targets")
	}
	ids, err = a.userIDs(ctx, c.app, keys)
	return keys, ids, err
}

// relationAdd relates the user to others whose records he may read.
func (a *api) relationAdd(w *web.Response, r *web.Request, c *call) error {
	ctx := r.Context()
	q, err := relationOf(c.args)
	if err != nil {
		return err
	}
	keys, ids, err := a.readTargets(ctx, c)
	if err != nil {
		return err
	}
	records, err := a.profilesOf(ctx, c, slices.Collect(maps.Values(ids)))
	if err != nil {
		return err
	}
	if err := a.engine.LinkUsers(ctx, c.actor, q.Name, slices.Collect(maps.Keys(records))); err != nil {
		return err
	}
	v, err := a.viewOf(r, c, slices.Collect(maps.Values(records)))
	if err != nil {
		return err
	}
	j := newJSON(nil)
	j.OpenList()
	for _, key := range keys {
		rec := records[ids[key]]
		switch {
		case ids[key] == "":
			writeRelated(&j, key, nil, fail(resourceNotFound, textNoUser))
		case rec == nil:
			writeRelated(&j, key, nil, fail(permissionDenied, textNotPermitted))
		default:
			writeRelated(&j, key, v.append(nil, rec, nil), nil)
		}
	}
	j.CloseList()
	return answerResult(w, j.Buf)
}

// profilesOf finds the records of users, as far as the caller may read them.
func (a *api) profilesOf(ctx context.Context, c *call, users []hecate.UserID) (map[hecate.UserID]*hecate.Record, error) {
	ids := make([]hecate.RecordID, len(users))
	for i, id := range users {
		ids[i] = id.ProfileID()
	}
	found, err := a.engine.RecordsByID(ctx, c.actor, ids)
	if err != nil {
		return nil, err
	}
	records := make(map[hecate.UserID]*hecate.Record, len(found))
	for _, id := range users {
		if rec := found[id.ProfileID()]; rec != nil {
			records[id] = rec
		}
	}
	return records, nil
}

// writeRelated writes an item: a user with his record, a user without, or a failure.
func writeRelated(j *jsonWriter, key string, record []byte, f *failure) {
	j.Open()
	j.Text("id", key)
	switch {
	case f != nil:
		j.Text("type", "error")
		j.Name("data")
		f.writeTo(j)
	case record != nil:
		j.Text("type", "user")
		j.Raw("data", record)
	}
	j.Close()
}

// relationRemove ends relations of the user.
func (a *api) relationRemove(w *web.Response, r *web.Request, c *call) error {
	q, err := relationOf(c.args)
	if err != nil {
		return err
	}
	keys, ids, err := a.readTargets(r.Context(), c)
	if err != nil {
		return err
	}
	if err := a.engine.UnlinkUsers(r.Context(), c.actor, q.Name, slices.Collect(maps.Values(ids))); err != nil {
		return err
	}
	j := newJSON(nil)
	j.OpenList()
	for _, key := range keys {
		var f *failure
		if ids[key] == "" {
			f = fail(resourceNotFound, textNoUser)
		}
		writeRelated(&j, key, nil, f)
	}
	j.CloseList()
	return answerResult(w, j.Buf)
}

// relationQuery answers the users who are so related to the caller, but for those whose records he may not read.
func (a *api) relationQuery(w *web.Response, r *web.Request, c *call) error {
	q, err := relationOf(c.args)
	if err != nil {
		return err
	}
	if err := relationPage(c.args, &q); err != nil {
		return err
	}
	users, count, err := a.engine.LinkedUsers(r.Context(), c.actor, q)
	if err != nil {
		return err
	}
	records, err := a.profilesOf(r.Context(), c, users)
	if err != nil {
		return err
	}
	v, err := a.viewOf(r, c, slices.Collect(maps.Values(records)))
	if err != nil {
		return err
	}
	j := newJSON(nil)
	j.OpenList()
	for _, id := range users {
		if rec := records[id]; rec != nil {
			writeRelated(&j, v.userKey(id), v.append(nil, rec, nil), nil)
		}
	}
	j.CloseList()
	return answerList(w, count, j.Buf)
}

// relationPage reads limit, and offset or (which is what the client sends here) page.
func relationPage(args payload, q *engine.LinkQuery) error {
	limit, given, err := args.int("limit")
	if err != nil {
		return err
	}
	page, _, err := args.int("page")
	if err != nil {
		return err
	}
	offset, _, err := args.int("offset")
	if err != nil {
		return err
	}
	if limit < 0 || offset < 0 || page < 0 || page > maxFound {
		return invalid("limit, offset and page must not be negative, and page not that large", "limit")
	}
	if !given || limit > hecate.MaxPage {
		limit = hecate.MaxPage
	}
	if offset == 0 {
		offset = page * limit
	}
	q.Limit, q.Offset = int(limit), int(offset)
	return nil
}

// related is the filter of userRelation: who is one of those who are so related to the caller.
func (f *finding) related(ctx context.Context, who *operand, r relation) (hecate.Filter, error) {
	q, err := linksNamed(r.name, r.direction)
	if err != nil {
		return hecate.Filter{}, err
	}
	if f.call.actor.User == nil {
		return nothing(), nil
	}
	q.Limit = hecate.MaxListValues
	users, count, err := f.api.engine.LinkedUsers(ctx, f.call.actor, q)
	if err != nil {
		return hecate.Filter{}, err
	}
	if count > len(users) {
		return hecate.Filter{}, badQuery("userRelation of too many users")
	}
	values := make([]any, len(users))
	for i, id := range users {
		if who.kind == fieldKind {
			values[i] = hecate.Ref{Collection: hecate.UserTarget, ID: id.ProfileID()}
		} else {
			values[i] = string(id)
		}
	}
	if len(values) == 0 {
		return nothing(), nil
	}
	subject := who.Operand
	if who.kind == keyKind {
		subject = hecate.Operand{Column: hecate.IDColumn}
	}
	return hecate.Filter{Op: hecate.OpIn, Operand: subject, Value: values}, nil
}

// isUser reports whether the operand stands for a user: a column that names one, a reference to one, or the id of a user's record.
func (o *operand) isUser() bool {
	return o.kind == userKind || o.kind == keyKind && o.in.Kind == hecate.ProfileCollection ||
		o.kind == fieldKind && o.field.Type == hecate.ReferenceType && o.field.Target == hecate.UserTarget
}
