package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"hecate"
	"hecate/internal/store"
)

// Links lead from one record to another one of the same app; a user's profile is a record. Whoever has to do with them needs, for the role
// policy, the verb on the path by which he comes (Actor.Via, else "/<from's collection>/<from>/<name>/<to's collection>/<to>"). Ends with
// grants of their own are asked for them too: making and breaking links changes the record from which they go out.

// LinkNames are the names of the links at a record.
type LinkNames struct {
	From []string // of those that go out from it, in order
	To   []string // of those that lead to it, in order
}

// Placed is a record and the collection in which it lies.
type Placed struct {
	Collection *hecate.Collection
	*hecate.Record
}

// LinkedRecord is what a link leads to, or where it comes from.
type LinkedRecord struct {
	Placed
	MadeAt time.Time
}

// LinkedInput says which records are meant.
type LinkedInput struct {
	Record     hecate.RecordID
	Name       string
	Incoming   bool               // those from which links lead to Record
	Collection *hecate.Collection // only those in it; nil: of all collections
	// FilterOf makes the filter for a collection, instead of Query.Filter; nil: Query.Filter is for all. What it returns as ok = false
	// leaves the collection out.
	FilterOf func(*hecate.Collection) (f hecate.Filter, ok bool, err error)
	// Query pages. Without an order the latest link comes first, and the cursor's one value is LinkedRecord.MadeAt in microseconds;
	// an order is for records of one collection.
	Query hecate.Query
}

// linkAccess is one question at the door of links.
type linkAccess struct {
	op   string
	want hecate.Permissions // Create, Read or Delete, on the path
	or   hecate.Permissions // does as well there
	from hecate.Permissions // on a from-record with grants of its own
}

var (
	connecting = linkAccess{"link", hecate.Create, hecate.Update, hecate.Update}
	unlinking  = linkAccess{"unlink", hecate.Delete, hecate.Delete, hecate.Update}
	lookingUp  = linkAccess{"linked records", hecate.Read, hecate.Read, hecate.Read}
)

// RecordAnywhere returns a record by its id, whatever its collection. Kinds: NotFound when it does not exist or is not visible to the actor.
func (e *Engine) RecordAnywhere(ctx context.Context, actor *hecate.Actor, id hecate.RecordID) (Placed, error) {
	const op = "read record"
	app, err := inApp(actor, op)
	if err != nil {
		return Placed{}, err
	}
	found, err := e.placed(ctx, e.db, app.ID, id)
	if err != nil {
		return Placed{}, fmt.Errorf("%s: %w", op, err)
	}
	p := found[id]
	if p.Record == nil || !reaches(actor, p, hecate.Read) {
		return Placed{}, hecate.E(hecate.NotFound, op)
	}
	p.Record, err = e.Shown(ctx, actor, p.Collection, p.Record)
	return p, err
}

// placed finds records by their ids in one query.
func (e *Engine) placed(ctx context.Context, db *store.DB, app hecate.AppID, ids ...hecate.RecordID) (map[hecate.RecordID]Placed, error) {
	ids = slices.DeleteFunc(ids, func(id hecate.RecordID) bool { return id == "" || badText(string(id)) != "" })
	places := map[hecate.CollectionID]*hecate.Collection{}
	records, err := db.RecordsByIDs(ctx, app, ids, func(id hecate.CollectionID) (c *hecate.Collection, err error) {
		if c = places[id]; c == nil {
			c, err = e.collectionOn(ctx, db, app, id)
			places[id] = c
		}
		return c, err
	})
	found := make(map[hecate.RecordID]Placed, len(records))
	for _, r := range records {
		found[r.ID] = Placed{places[r.Collection], r.Record}
	}
	return found, err
}

// collectionOn is a collection, which the write that db stands for may have made.
func (e *Engine) collectionOn(ctx context.Context, db *store.DB, app hecate.AppID, id hecate.CollectionID) (*hecate.Collection, error) {
	if db == e.db {
		return e.LookupCollectionByID(ctx, app, id)
	}
	if c, ok := e.cache.collections.peek(idKey(app, id)); ok {
		return c, nil
	}
	return db.Collection(ctx, app, id)
}

// reaches reports whether the grants of a record and of its collection let the actor do that with it; where it has none of its own,
// the path by which he comes was asked before.
func reaches(actor *hecate.Actor, p Placed, want hecate.Permissions) bool {
	switch {
	case actor.Can(want, hecate.AreaRecords):
		return true
	case p.Private || p.Access.Own || actor.Via == "":
		return may(actor, p.Collection, p.Record, want)
	}
	return !visible(actor, p.Collection, hecate.Read).None
}

// mayLink asks the door about links of that name from a record. Links from a user's profile are his own to make and break, as his
// account is his own to change: others need a grant that names the users.
func (e *Engine) mayLink(actor *hecate.Actor, q linkAccess, from Placed, path string) error {
	account := from.Collection.Kind == hecate.ProfileCollection && q.want != hecate.Read && hecate.UserID(from.ID) != actor.UserID()
	switch {
	case actor.Can(q.want, hecate.AreaRecords):
		return nil
	case !hecate.MayEnter(actor, q.want, path) && !hecate.MayEnter(actor, q.or, path):
	case account && (actor.Key != nil || !mayForOthers(actor, q.want, path) && !mayForOthers(actor, q.or, path)):
	case (from.Private || from.Access.Own) && !may(actor, from.Collection, from.Record, q.from):
	case visible(actor, from.Collection, hecate.Read).None:
	default:
		return nil
	}
	return e.forbid(actor, q.op, path)
}

// mayForOthers reports whether a grant names the users in question.
func mayForOthers(actor *hecate.Actor, want hecate.Permissions, path string) bool {
	return hecate.Policy{}.Allow(actor, want, hecate.Scope{Area: hecate.AreaUsers, Path: path})
}

func (p Placed) path() string { return scopeOf(p.Collection, p.ID).Path }

func linkPath(from Placed, name string, to Placed) string {
	return from.path() + "/" + name + to.path()
}

// ends checks the name and finds both ends of a link. Kinds: Invalid and TooLarge on "name", NotFound on "from" or "to".
func (e *Engine) ends(ctx context.Context, db *store.DB, actor *hecate.Actor, q linkAccess, l hecate.Link) (from, to Placed, err error) {
	app, err := inApp(actor, q.op)
	if err == nil {
		err = checkText(q.op, "name", l.Name, 1, maxName)
	}
	if err != nil {
		return from, to, err
	}
	found, err := e.placed(ctx, db, app.ID, l.From, l.To)
	if err != nil {
		return from, to, err
	}
	from, to = found[l.From], found[l.To]
	if from.Record == nil || !reaches(actor, from, hecate.Read) {
		return from, to, hecate.E(hecate.NotFound, q.op).On("from")
	}
	if to.Record == nil || !reaches(actor, to, hecate.Read) {
		return from, to, hecate.E(hecate.NotFound, q.op).On("to")
	}
	return from, to, nil
}

// Link makes a link between two records, or moves it to the front. A record may be linked to itself. Names are compared exactly.
// Kinds: Forbidden, NotFound on "from" or "to" for a record that is not there or not visible to the actor, Invalid and TooLarge on "name".
func (e *Engine) Link(ctx context.Context, actor *hecate.Actor, from hecate.RecordID, name string, to hecate.RecordID) error {
	return e.changeLink(ctx, actor, connecting, hecate.Link{From: from, Name: name, To: to}, (*store.DB).SetLink)
}

// Unlink takes a link away. Kinds: as Link; NotFound on "link" where there is none.
func (e *Engine) Unlink(ctx context.Context, actor *hecate.Actor, from hecate.RecordID, name string, to hecate.RecordID) error {
	return e.changeLink(ctx, actor, unlinking, hecate.Link{From: from, Name: name, To: to}, (*store.DB).DeleteLink)
}

// linkStep is what becomes of a link in the database.
type linkStep func(*store.DB, context.Context, hecate.AppID, hecate.Link) error

func (e *Engine) changeLink(ctx context.Context, actor *hecate.Actor, q linkAccess, l hecate.Link, change linkStep) error {
	err := e.db.Write(ctx, func(tx *store.DB) error { return e.setLink(ctx, tx, actor, q, l, change) })
	if err != nil {
		return fmt.Errorf("%s: %w", q.op, err)
	}
	return nil
}

// setLink changes one link inside a write.
func (e *Engine) setLink(ctx context.Context, tx *store.DB, actor *hecate.Actor, q linkAccess, l hecate.Link, change linkStep) error {
	from, to, err := e.ends(ctx, tx, actor, q, l)
	if err != nil {
		return err
	}
	if err := e.mayLink(actor, q, from, linkPath(from, l.Name, to)); err != nil {
		return err
	}
	if err := change(tx, ctx, from.App, l); err != nil {
		return missing(err, q.op, "link")
	}
	return e.forgetLinks(ctx, tx, from.App, l.From, l.To)
}

// MayLink asks the door whether the actor may make links of that name from a record, before he makes what they lead to.
// Kinds: as Link.
func (e *Engine) MayLink(ctx context.Context, actor *hecate.Actor, from hecate.RecordID, name string) error {
	f, _, err := e.ends(ctx, e.db, actor, connecting, hecate.Link{From: from, Name: name, To: from})
	if err != nil {
		return err
	}
	return e.mayLink(actor, connecting, f, f.path()+"/"+name)
}

// Linked returns a page of the records that links lead to, or come from, of those that the actor may read: by their own
// grants, else by the role policy. Kinds: Forbidden, NotFound on "from", Invalid and TooLarge on "name" and "query".
func (e *Engine) Linked(ctx context.Context, actor *hecate.Actor, in LinkedInput) (hecate.Page[LinkedRecord], error) {
	var page hecate.Page[LinkedRecord]
	from, _, err := e.ends(ctx, e.db, actor, lookingUp, hecate.Link{From: in.Record, Name: in.Name, To: in.Record})
	if err != nil {
		return page, err
	}
	if err := e.mayLink(actor, lookingUp, from, from.path()+"/"+in.Name); err != nil {
		return page, err
	}
	return e.searchLinked(ctx, actor, store.Around{Record: in.Record, Name: in.Name, In: in.Incoming}, in)
}

// searchLinked is Linked for whoever was let in.
func (e *Engine) searchLinked(ctx context.Context, actor *hecate.Actor, around store.Around, in LinkedInput) (hecate.Page[LinkedRecord], error) {
	var page hecate.Page[LinkedRecord]
	s := store.LinkSearch{App: actor.App.ID, Around: around, Query: in.Query, Targets: map[hecate.CollectionID]store.Joined{}}
	if err := in.Query.Check(); err != nil {
		return page, err
	}
	if in.Query.Offset != 0 || in.Query.Count || in.Query.Private != "" || in.Query.AllSpaces {
		return page, hecate.E(hecate.Unsupported, "linked records").On("query")
	}
	collections, err := e.linkedCollections(ctx, actor.App.ID, around, in)
	if err != nil {
		return page, fmt.Errorf("linked records: %w", err)
	}
	for _, c := range collections {
		seen, ok, err := e.seen(ctx, actor, c, in, s.Targets)
		if err != nil {
			return page, err
		}
		if ok {
			s.In = append(s.In, seen)
		}
	}
	rows, err := e.db.Linked(ctx, s)
	if err != nil {
		return page, fmt.Errorf("linked records: %w", err)
	}
	page.More = rows.More
	page.Rows, err = e.placeLinked(ctx, actor, collections, rows.Rows)
	return page, err
}

// seen is what of a collection the search may find.
func (e *Engine) seen(ctx context.Context, actor *hecate.Actor, c *hecate.Collection, in LinkedInput,
	targets map[hecate.CollectionID]store.Joined) (store.Seen, bool, error) {
	s := store.Seen{Collection: c, Visible: visible(actor, c, hecate.Read), Filter: in.Query.Filter}
	if s.Visible.None {
		return s, false, nil
	}
	if in.FilterOf != nil {
		f, ok, err := in.FilterOf(c)
		if err != nil || !ok {
			return s, false, err
		}
		s.Filter = f
	}
	q := in.Query
	q.Filter = s.Filter
	if err := q.Check(); err != nil {
		return s, false, err
	}
	if err := e.checkQuery(ctx, actor, c, &q); err != nil {
		return s, false, err
	}
	return s, true, e.joinedTargets(ctx, actor, &s.Filter, targets)
}

// linkedCollections are those in which to look: the one that was named, else all of the app, or with an order only those
// in which something is.
func (e *Engine) linkedCollections(ctx context.Context, app hecate.AppID, around store.Around, in LinkedInput) ([]*hecate.Collection, error) {
	switch {
	case in.Collection != nil:
		return []*hecate.Collection{in.Collection}, nil
	case len(in.Query.Order) == 0:
		return e.db.Collections(ctx, app)
	}
	ids, err := e.db.LinkedCollections(ctx, app, around)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	all, err := e.db.Collections(ctx, app)
	return slices.DeleteFunc(all, func(c *hecate.Collection) bool { return !slices.Contains(ids, c.ID) }), err
}

// placeLinked gives the records their collections, and hides of them what the actor may not see.
func (e *Engine) placeLinked(ctx context.Context, actor *hecate.Actor, collections []*hecate.Collection, rows []store.LinkedRecord) ([]LinkedRecord, error) {
	rights, err := e.setRights(ctx, e.db, actor)
	if err != nil {
		return nil, err
	}
	out := make([]LinkedRecord, len(rows))
	for i, r := range rows {
		at := slices.IndexFunc(collections, func(c *hecate.Collection) bool { return c.ID == r.Collection })
		out[i] = LinkedRecord{Placed{collections[at], r.Record}, time.UnixMicro(r.Made).UTC()}
		if rights != nil {
			out[i].Record = rights.strip(collections[at], r.Record)
		}
	}
	return out, nil
}

// IsLinked reports whether a link is there, for whoever may list it. Kinds: as Linked.
func (e *Engine) IsLinked(ctx context.Context, actor *hecate.Actor, from hecate.RecordID, name string, to hecate.RecordID) (bool, error) {
	page, err := e.Linked(ctx, actor, LinkedInput{Record: from, Name: name, Query: hecate.Query{Limit: 1, Filter: hecate.Filter{
		Op: hecate.OpEqual, Operand: hecate.Operand{Column: hecate.IDColumn}, Value: string(to)}}})
	return len(page.Rows) == 1, err
}

// LinkNames returns the names of the links at records, whoever asks: for answers that show what there is to follow. Records without
// links are absent.
func (e *Engine) LinkNames(ctx context.Context, app hecate.AppID, ids []hecate.RecordID) (map[hecate.RecordID]LinkNames, error) {
	var named map[hecate.RecordID]LinkNames
	var unknown []hecate.RecordID
	note := func(id hecate.RecordID, n LinkNames) {
		if len(n.From) == 0 && len(n.To) == 0 {
			return
		}
		if named == nil {
			named = make(map[hecate.RecordID]LinkNames, len(ids))
		}
		named[id] = n
	}
	for _, id := range ids {
		if n, ok := e.cache.links.peek(recordOf(app, id)); ok {
			note(id, n)
			continue
		}
		unknown = append(unknown, id)
	}
	if len(unknown) == 0 {
		return named, nil
	}
	loaded, err := e.loadLinkNames(ctx, app, unknown)
	if err != nil {
		return nil, fmt.Errorf("link names: %w", err)
	}
	for id, n := range loaded {
		note(id, n)
	}
	return named, nil
}

func recordOf(app hecate.AppID, id hecate.RecordID) string { return string(app) + "/" + string(id) }

// loadLinkNames reads names and keeps them, also that there are none.
func (e *Engine) loadLinkNames(ctx context.Context, app hecate.AppID, ids []hecate.RecordID) (map[hecate.RecordID]LinkNames, error) {
	t := e.cache.links
	keys, gens := make([]string, len(ids)), make([]uint64, len(ids))
	for i, id := range ids {
		keys[i] = recordOf(app, id)
		gens[i] = t.gen(keys[i]).Load()
	}
	rows, err := e.db.LinkNames(ctx, app, ids)
	if err != nil {
		return nil, err
	}
	loaded := make(map[hecate.RecordID]LinkNames, len(ids))
	for _, id := range ids {
		loaded[id] = LinkNames{}
	}
	for _, r := range rows {
		n := loaded[r.Record]
		if r.In {
			n.To = append(n.To, r.Name)
		} else {
			n.From = append(n.From, r.Name)
		}
		loaded[r.Record] = n
	}
	for i, id := range ids {
		t.keep(keys[i], loaded[id], gens[i])
	}
	return loaded, nil
}

// keep stores what was loaded since the generation was read, unless it was dropped meanwhile.
func (t *table[V]) keep(key string, v V, before uint64) {
	if t.owner.off.Load() {
		return
	}
	t.rows.Set(key, v)
	if t.gen(key).Load() != before || t.owner.off.Load() {
		t.rows.Invalidate(key)
	}
}

// forgetLinks drops what is cached of the links at records.
func (e *Engine) forgetLinks(ctx context.Context, tx *store.DB, app hecate.AppID, ids ...hecate.RecordID) error {
	if len(ids) > maxForgetLinks {
		return e.forgetAll(ctx, tx, "links")
	}
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = recordOf(app, id)
	}
	return e.forget(ctx, tx, "links", keys...)
}

// maxForgetLinks is how many records are dropped one by one; beyond it all are.
const maxForgetLinks = 64

// forgetLinksOf drops what is cached at both ends of the links of a record that is about to be deleted.
func (e *Engine) forgetLinksOf(ctx context.Context, tx *store.DB, app hecate.AppID, id hecate.RecordID) error {
	ends, err := tx.LinkEnds(ctx, app, id, maxForgetLinks)
	if err != nil {
		return err
	}
	return e.forgetLinks(ctx, tx, app, append(ends, id)...)
}

// Onto is what records are hung on by the write that saves them.
type Onto struct {
	// From and Name: a link leads to them from there.
	From hecate.RecordID
	Name string
	// User: they become his, whoever makes them. The door is that of links from his profile.
	User hecate.UserID
	// Group: they are shown to it. The door is that of the records, which its path decides (Actor.Via).
	Group hecate.GroupID
}

// hanging hangs a record that was saved on something.
type hanging func(ctx context.Context, tx *store.DB, r *hecate.Record) error

// SaveOnto is SaveRecords for records that are hung on something at once. Kinds of err: also those of Link, NotFound on "group".
func (e *Engine) SaveOnto(ctx context.Context, actor *hecate.Actor, onto Onto, items []SaveInput, o SaveOptions) ([]SaveResult, error) {
	app, err := inApp(actor, "save records")
	if err != nil {
		return nil, err
	}
	switch {
	case onto.Group != "":
		if badText(string(onto.Group)) != "" {
			return nil, hecate.E(hecate.NotFound, "save records").On("group")
		}
		if _, err := e.db.Group(ctx, app.ID, onto.Group); err != nil {
			return nil, fmt.Errorf("save records: %w", missing(err, "save records", "group"))
		}
		o.onto = func(ctx context.Context, tx *store.DB, r *hecate.Record) error {
			return tx.SetGroupRecord(ctx, app.ID, onto.Group, r.ID)
		}
	case onto.User != "":
		if err := e.MayLink(ctx, actor, onto.User.ProfileID(), "owner"); err != nil {
			return nil, err
		}
		actor, items = forUser(actor, onto.User, items)
	default:
		if err := e.MayLink(ctx, actor, onto.From, onto.Name); err != nil {
			return nil, err
		}
		o.onto = func(ctx context.Context, tx *store.DB, r *hecate.Record) error {
			return e.setLink(ctx, tx, actor, connecting, hecate.Link{From: onto.From, Name: onto.Name, To: r.ID}, (*store.DB).SetLink)
		}
	}
	return e.SaveRecords(ctx, actor, items, o)
}

// forUser gives what is made to a user, in the place of whoever makes it.
func forUser(actor *hecate.Actor, user hecate.UserID, items []SaveInput) (*hecate.Actor, []SaveInput) {
	if user == actor.UserID() {
		return actor, items
	}
	manager := *actor // of owners alone
	manager.Powers[hecate.AreaRecords] |= hecate.Manage
	items = slices.Clone(items)
	for i := range items {
		items[i].Input.Owner = &user
	}
	return &manager, items
}

// GroupRecords returns a page of the records of in.Collection that are shown to a group, the latest first, of those that the
// actor may read. in says the rest; its Record and Name mean nothing. Kinds: Forbidden, Invalid and TooLarge on "query".
func (e *Engine) GroupRecords(ctx context.Context, actor *hecate.Actor, group hecate.GroupID, in LinkedInput) (hecate.Page[LinkedRecord], error) {
	const op = "records of a group"
	if _, err := inApp(actor, op); err != nil {
		return hecate.Page[LinkedRecord]{}, err
	}
	if path := "/groups/" + string(group); !actor.Can(hecate.Read, hecate.AreaRecords) && !hecate.MayEnter(actor, hecate.Read, path) {
		return hecate.Page[LinkedRecord]{}, e.forbid(actor, op, path)
	}
	return e.searchLinked(ctx, actor, store.Around{Group: group}, in)
}

// OwnersAround is the filter that a record is a user's, or with a name also that it is one of those to whom his links of that name
// lead: the latest thousand of them. Kinds: Forbidden, NotFound on "from".
func (e *Engine) OwnersAround(ctx context.Context, actor *hecate.Actor, user hecate.UserID, name string) (hecate.Filter, error) {
	f := hecate.Filter{Op: hecate.OpEqual, Operand: hecate.Operand{Column: hecate.OwnerColumn}, Value: string(user)}
	if name == "" {
		return f, nil
	}
	from, _, err := e.ends(ctx, e.db, actor, lookingUp, hecate.Link{From: user.ProfileID(), Name: name, To: user.ProfileID()})
	if err != nil {
		return f, err
	}
	if err := e.mayLink(actor, lookingUp, from, from.path()+"/"+name); err != nil {
		return f, err
	}
	ids, err := e.db.LinkedIDs(ctx, from.App, from.ID, name, hecate.MaxListValues-1)
	if err != nil {
		return f, fmt.Errorf("linked users: %w", err)
	}
	owners := []any{string(user)}
	for _, id := range ids {
		owners = append(owners, string(id))
	}
	f.Op, f.Value = hecate.OpIn, owners
	return f, nil
}
