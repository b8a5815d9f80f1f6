package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

	"hecate"
	"hecate/internal/store"
)

// RecordRef names a record in a collection: the first non-zero of ID, Seq, Key.
type RecordRef struct {
	ID  hecate.RecordID
	Seq int64
	Key string
}

// RecordInput is what a caller asks of a record. Values with a nil value clear the field.
type RecordInput struct {
	ID      hecate.RecordID                                                             // creation only: a canonical UUID that no record and no user of the app has; "": a new one
	Key     string                                                                      // creation only
	Values  hecate.Values                                                               // merged into the stored ones
	Changes []hecate.Change                                                             // operations on stored values
	Owner   *hecate.UserID                                                              // nil: the calling user on creation, unchanged on update; only managers of records may name another
	Access  func(current hecate.Access, held hecate.Permissions) (hecate.Access, error) // new grants, computed inside the write; asked only when the actor holds Manage there (or creates). nil keeps them
	Extra   hecate.Extra                                                                // per dialect, replaced as a whole
	Expect  int64                                                                       // the version that must be current; 0 does not ask
	Private bool                                                                        // creation only
	// Resolve is called inside the write before anything else on an update,
	// with the current record; it may refuse or adjust the input.
	Resolve func(current *hecate.Record, in *RecordInput) error
}

const maxKey = 512

// scopeOf is where a record stands for the role policy.
func scopeOf(c *hecate.Collection, id hecate.RecordID) hecate.Scope {
	return hecate.Scope{Area: hecate.AreaRecords, Path: pathOf(c) + "/" + string(id)}
}

func policyOf(c *hecate.Collection, r *hecate.Record) hecate.Policy {
	return hecate.Policy{Collection: c.Access, Record: r.Access, Owner: r.Owner}
}

// held are the permissions that the actor has on the record.
func held(actor *hecate.Actor, c *hecate.Collection, r *hecate.Record) hecate.Permissions {
	if r.Private {
		if r.Owner != "" && r.Owner == actor.UserID() && !visible(actor, c, hecate.Read).None {
			return full
		}
		return actor.Powers[hecate.AreaRecords]
	}
	return policyOf(c, r).Levels(actor, scopeOf(c, r.ID))
}

// may reports whether the actor holds the permission on the record.
func may(actor *hecate.Actor, c *hecate.Collection, r *hecate.Record, want hecate.Permissions) bool {
	if r.Private {
		return held(actor, c, r).Has(want)
	}
	return policyOf(c, r).Allow(actor, want, scopeOf(c, r.ID))
}

// forbid records a refusal and returns it.
func (e *Engine) forbid(actor *hecate.Actor, op, path string) error {
	e.refused(actor, appOf(actor), op, path, "")
	return hecate.E(hecate.Forbidden, op)
}

// usable refuses references to what no record can be.
func (ref RecordRef) usable() bool {
	return (ref.ID != "" || ref.Seq != 0 || ref.Key != "") && badText(string(ref.ID)+ref.Key) == ""
}

// Record returns one record. Kinds: Forbidden when the collection is closed to the actor, NotFound when the
// record does not exist or is not visible to him.
func (e *Engine) Record(ctx context.Context, actor *hecate.Actor, c *hecate.Collection, ref RecordRef) (*hecate.Record, error) {
	const op = "read record"
	if visible(actor, c, hecate.Read).None {
		return nil, e.forbid(actor, op, pathOf(c))
	}
	if !ref.usable() {
		return nil, hecate.E(hecate.NotFound, op)
	}
	r, err := e.loadRecord(ctx, c, ref)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	if !may(actor, c, r, hecate.Read) {
		return nil, hecate.E(hecate.NotFound, op)
	}
	return e.Shown(ctx, actor, c, r)
}

// loadRecord finds a record whoever asks, through the cache where that is exact.
func (e *Engine) loadRecord(ctx context.Context, c *hecate.Collection, ref RecordRef) (*hecate.Record, error) {
	var name string
	switch {
	case !e.db.Single():
	case ref.ID != "":
		name = recordByID(c, ref.ID)
	case ref.Seq != 0:
		name = recordBySeq(c, ref.Seq)
	}
	if name == "" {
		s, err := e.db.Record(ctx, c, store.RecordRef(ref))
		return s.Record, err
	}
	if r := e.knownRecord(c, name); r != nil {
		return r, nil
	}
	before := e.cache.records.gen(name).Load()
	s, err := e.db.Record(ctx, c, store.RecordRef(ref))
	if err != nil {
		return nil, err
	}
	e.knowRecord(c, name, s, before)
	return s.Record, nil
}

// forgetRecord drops what is cached of a record that is being written.
func (e *Engine) forgetRecord(ctx context.Context, tx *store.DB, c *hecate.Collection, r *hecate.Record) error {
	if e.db.Single() { // elsewhere the cache is asked for records in a known state only
		if err := e.forget(ctx, tx, "records", recordByID(c, r.ID), recordBySeq(c, r.Seq)); err != nil {
			return err
		}
	}
	if c.Kind != hecate.ProfileCollection {
		return nil
	}
	key := string(c.App) + "/" + string(r.ID)
	if err := e.forget(ctx, tx, "users", key); err != nil {
		return err
	}
	return e.forget(ctx, tx, "details", key)
}

// Records returns a page of the records that the actor may read. Kinds: Forbidden when the collection is closed
// to the actor, Invalid or TooLarge on "query".
func (e *Engine) Records(ctx context.Context, actor *hecate.Actor, c *hecate.Collection, q hecate.Query) (hecate.Page[*hecate.Record], error) {
	const op = "list records"
	s := store.Search{Collection: c, Visible: visible(actor, c, hecate.Read), Query: q, Targets: map[hecate.CollectionID]store.Joined{}}
	if s.Visible.None {
		return hecate.Page[*hecate.Record]{}, e.forbid(actor, op, pathOf(c))
	}
	if err := q.Check(); err != nil {
		return hecate.Page[*hecate.Record]{}, err
	}
	if err := e.checkQuery(ctx, actor, c, &q); err != nil {
		return hecate.Page[*hecate.Record]{}, err
	}
	if q.Private != "" || q.AllSpaces {
		if (q.AllSpaces || q.Private != actor.UserID()) && !actor.Can(hecate.Read, hecate.AreaRecords) {
			return hecate.Page[*hecate.Record]{}, e.forbid(actor, op, pathOf(c))
		}
		s.Visible = hecate.Visibility{All: true} // of this one space, whose owner or manager he is
	}
	if err := e.joinedTargets(ctx, actor, &q.Filter, s.Targets); err != nil {
		return hecate.Page[*hecate.Record]{}, fmt.Errorf("%s: %w", op, err)
	}
	page, err := e.page(ctx, s)
	if err != nil {
		return page, fmt.Errorf("%s: %w", op, err)
	}
	page.Rows, err = e.shown(ctx, actor, c, page.Rows)
	return page, err
}

// CreateRecord makes a record. Kinds: Forbidden, Invalid on a field's name, Exists on a unique field's name, "id" or
// "key", TooLarge on "record".
func (e *Engine) CreateRecord(ctx context.Context, actor *hecate.Actor, c *hecate.Collection, in RecordInput) (*hecate.Record, error) {
	const op = "create record"
	if err := e.allow(actor, hecate.Policy{Collection: c.Access}, hecate.Create, hecate.Scope{Area: hecate.AreaRecords, Path: pathOf(c)}, op); err != nil {
		return nil, err
	}
	if c.Kind == hecate.ProfileCollection {
		return nil, e.forbid(actor, op, pathOf(c))
	}
	var made *hecate.Record
	err := e.db.Write(ctx, func(tx *store.DB) error {
		in := in
		r, err := e.newRecord(ctx, tx, actor, c, &in)
		if err != nil {
			return err
		}
		if err := e.mayWrite(ctx, tx, actor, c, r, &in); err != nil {
			return err
		}
		made, err = e.insertRecord(ctx, tx, c, r, &in)
		if in.ID != "" && errors.Is(err, hecate.Exists) && hecate.Detail(err).Field == "key" && in.Key == "" {
			return hecate.E(hecate.Exists, op).On("id")
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	return e.Shown(ctx, actor, c, made)
}

// newRecord prepares a record as its caller wants it, without values.
func (e *Engine) newRecord(ctx context.Context, tx *store.DB, actor *hecate.Actor, c *hecate.Collection, in *RecordInput) (*hecate.Record, error) {
	id, err := e.recordID(in.ID)
	if err != nil {
		return nil, err
	}
	r := &hecate.Record{ID: id, App: c.App, Key: in.Key, Private: in.Private, CreatedBy: actor.UserID(), UpdatedBy: actor.UserID()}
	if r.Key == "" {
		r.Key = string(id)
	}
	if problem := usableKey(r.Key); problem != "" {
		return nil, hecate.E(hecate.Invalid, "create record").On("key").Says(problem)
	}
	if actor.User != nil {
		r.Owner, r.OwnerSeq = actor.User.ID, actor.User.Seq
	}
	if in.Owner != nil {
		if err := e.setOwner(ctx, tx, actor, c, r, *in.Owner); err != nil {
			return nil, err
		}
	}
	if in.Private && r.Owner == "" {
		return nil, hecate.E(hecate.Invalid, "create record").On("owner").Says("a private record needs an owner")
	}
	if c.Defaults != nil {
		r.Access = *c.Defaults
	}
	return r, nil
}

// recordID is the wanted id of a new record, or a fresh one. Kinds: Invalid on "id".
func (e *Engine) recordID(wanted hecate.RecordID) (hecate.RecordID, error) {
	if wanted == "" {
		id, err := e.newID()
		return hecate.RecordID(id), err
	}
	if parsed, err := uuid.Parse(string(wanted)); err != nil || parsed.String() != string(wanted) {
		return "", hecate.E(hecate.Invalid, "create record").On("id").Says("not a UUID in its usual form")
	}
	return wanted, nil
}

func usableKey(key string) string {
	if len(key) > maxKey {
		return "too long"
	}
	if strings.ContainsFunc(key, unicode.IsControl) {
		return "control characters cannot stand in a key"
	}
	return badText(key)
}

// setOwner makes a user the owner of r, or nobody with "". Kinds: Forbidden and Invalid on "owner".
func (e *Engine) setOwner(ctx context.Context, tx *store.DB, actor *hecate.Actor, c *hecate.Collection, r *hecate.Record, owner hecate.UserID) error {
	if owner == r.Owner {
		return nil
	}
	if c.Kind == hecate.ProfileCollection || !actor.Can(hecate.Manage, hecate.AreaRecords) {
		e.refused(actor, c.App, "change owner", scopeOf(c, r.ID).Path, "")
		return hecate.E(hecate.Forbidden, "change owner").On("owner")
	}
	r.Owner, r.OwnerSeq = "", 0
	if owner == "" {
		return nil
	}
	if badText(string(owner)) != "" {
		return hecate.E(hecate.Invalid, "change owner").On("owner").Says("no such user")
	}
	found, err := tx.Targets(ctx, c.App, hecate.UserTarget, []hecate.Ref{{ID: hecate.RecordID(owner)}}, "")
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return hecate.E(hecate.Invalid, "change owner").On("owner").Says("no such user").With("missing", owner)
	}
	r.Owner, r.OwnerSeq = owner, found[0].Seq
	return nil
}

// insertRecord completes r, of which identity, owner and default access are set, by the
// input and stores it. Where it is refused as Exists, r is complete all the same.
func (e *Engine) insertRecord(ctx context.Context, tx *store.DB, c *hecate.Collection, r *hecate.Record, in *RecordInput) (*hecate.Record, error) {
	c, err := e.current(ctx, tx, c)
	if err != nil {
		return nil, err
	}
	now := e.stamp()
	r.Collection, r.Version, r.Extra, r.CreatedAt, r.UpdatedAt = c.ID, 1, in.Extra, now, now
	if in.Access != nil {
		if r.Access, err = in.Access(r.Access, hecate.AllPermissions); err != nil {
			return nil, err
		}
	}
	if err := checkAccess(r.Access); err != nil {
		return nil, err
	}
	doc, err := e.merge(ctx, tx, c, r, nil, in)
	if err != nil {
		return nil, err
	}
	if err := e.count(ctx, tx, c, doc); err != nil {
		return nil, err
	}
	if _, err := e.takeFiles(ctx, tx, c, r, nil, doc); err != nil {
		return nil, err
	}
	if _, err := e.checkSize(doc, r.Extra); err != nil {
		return nil, err
	}
	if r.Seq, err = tx.NextSerial(ctx, c.App, "records"); err != nil {
		return nil, err
	}
	r.Values = doc.Named(c)
	if err := tx.InsertRecord(ctx, c, store.Stored{Record: r, Doc: doc}); err != nil {
		return r, err
	}
	return r, e.wrote(ctx, tx, c, r)
}

// wrote does what follows from a written record: login names follow their profile, and nothing old stays cached.
func (e *Engine) wrote(ctx context.Context, tx *store.DB, c *hecate.Collection, r *hecate.Record) error {
	if c.Kind == hecate.ProfileCollection {
		if err := e.syncNames(ctx, tx, c.App, r); err != nil {
			return err
		}
	}
	return e.forgetRecord(ctx, tx, c, r)
}

// count gives the next numbers to the fields that the server counts.
func (e *Engine) count(ctx context.Context, tx *store.DB, c *hecate.Collection, doc store.Document) error {
	for _, f := range c.Schema {
		if _, given := doc[f.Slot]; f.Type != hecate.SequenceType || f.Dropped || given {
			continue
		}
		n, err := tx.NextSerial(ctx, c.App, sequenceName(c, &f))
		if err != nil {
			return err
		}
		doc[f.Slot] = n
	}
	return nil
}

// sequenceName is the counter of a field that the server counts.
func sequenceName(c *hecate.Collection, f *hecate.Field) string {
	return "sequence:" + string(c.ID) + "/" + f.Slot
}

// checkSize returns the stored form of a document. Kinds: TooLarge on "record", Invalid on "extra".
func (e *Engine) checkSize(doc store.Document, extra hecate.Extra) (string, error) {
	text, err := doc.Encode()
	if err != nil {
		return "", err
	}
	size := len(text)
	if len(extra) > 0 {
		if err := checkExtra(extra); err != nil {
			return "", err
		}
		raw, err := json.Marshal(extra)
		if err != nil {
			return "", hecate.E(hecate.Invalid, "write record").On("extra").Because(err)
		}
		size += len(raw)
	}
	if size > e.limits.RecordBytes {
		return "", hecate.E(hecate.TooLarge, "write record").On("record").With("limit", e.limits.RecordBytes)
	}
	return text, nil
}

const maxGrants = 1000

// checkAccess refuses grants that cannot be kept. Kinds: Invalid and TooLarge on "access".
func checkAccess(a hecate.Access) error {
	if len(a.Grants) > maxGrants {
		return hecate.E(hecate.TooLarge, "write access").On("access").With("limit", maxGrants)
	}
	for _, g := range a.Grants {
		kind, name := g.Subject.Split()
		named := kind == "user" || kind == "group" || kind == "role" || kind == "key"
		nameless := g.Subject == hecate.Public || g.Subject == hecate.Anyone || g.Subject == hecate.Owner
		if !nameless && !(named && name != "") || g.Permissions&^hecate.AllPermissions != 0 ||
			badText(name) != "" || strings.ContainsFunc(name, unicode.IsControl) || len(name) > maxKey {
			return hecate.E(hecate.Invalid, "write access").On("access").Says("unusable grant")
		}
	}
	return nil
}

// UpdateRecord changes a record. Version grows only when Values really change. Kinds: NotFound when not visible, Forbidden
// when visible but not changeable, Stale with Info "expected" and "current", and those of CreateRecord;
// Forbidden on "owner" when the owner may not be changed.
func (e *Engine) UpdateRecord(ctx context.Context, actor *hecate.Actor, c *hecate.Collection, ref RecordRef, in RecordInput) (*hecate.Record, error) {
	const op = "update record"
	if visible(actor, c, hecate.Read).None {
		return nil, e.forbid(actor, op, pathOf(c))
	}
	if !ref.usable() {
		return nil, hecate.E(hecate.NotFound, op)
	}
	var r *hecate.Record
	err := e.db.Write(ctx, func(tx *store.DB) (err error) {
		r, err = e.updateIn(ctx, tx, actor, c, ref, in)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	return e.Shown(ctx, actor, c, r)
}

// updateIn is UpdateRecord inside a write.
func (e *Engine) updateIn(ctx context.Context, tx *store.DB, actor *hecate.Actor, c *hecate.Collection, ref RecordRef, in RecordInput) (*hecate.Record, error) {
	c, before, err := e.holdRecord(ctx, tx, actor, c, ref, hecate.Update)
	if err != nil {
		return nil, err
	}
	if in.Resolve != nil {
		if err := in.Resolve(before.Record, &in); err != nil {
			return nil, err
		}
	}
	if !may(actor, c, before.Record, hecate.Update) {
		return nil, e.forbid(actor, "update record", scopeOf(c, before.ID).Path)
	}
	if err := e.mayWrite(ctx, tx, actor, c, before.Record, &in); err != nil {
		return nil, err
	}
	r, err := e.changeHeld(ctx, tx, actor, c, before, in)
	if err != nil {
		return nil, err
	}
	return echo(actor, c, before.Record, r, &in), nil
}

// echo is what an actor may see of a record that he changed or deleted: where he could not read it before, nothing but what he gave.
func echo(actor *hecate.Actor, c *hecate.Collection, before, r *hecate.Record, in *RecordInput) *hecate.Record {
	if may(actor, c, before, hecate.Read) {
		return r
	}
	seen := *r
	seen.Values, seen.Extra, seen.Access = hecate.Values{}, nil, hecate.Access{}
	for name, given := range in.Values {
		if v, ok := r.Values[name]; ok && given != nil {
			seen.Values[name] = v
		}
	}
	return &seen
}

// after is now, but later than a time by a millisecond at least: who compares the times of two versions sees a change.
func (e *Engine) after(t time.Time) time.Time {
	now, least := e.stamp(), t.Add(time.Millisecond)
	if now.Before(least) {
		return least
	}
	return now
}

// changeHeld changes a record that the actor may change.
func (e *Engine) changeHeld(ctx context.Context, tx *store.DB, actor *hecate.Actor, c *hecate.Collection, before store.Stored, in RecordInput) (*hecate.Record, error) {
	if in.Expect != 0 && in.Expect != before.Version {
		return nil, hecate.E(hecate.Stale, "update record").With("expected", in.Expect).With("current", before.Version)
	}
	next := *before.Record
	next.UpdatedAt, next.UpdatedBy = e.after(before.UpdatedAt), actor.UserID()
	if in.Extra != nil {
		next.Extra = in.Extra
	}
	if in.Owner != nil {
		if err := e.setOwner(ctx, tx, actor, c, &next, *in.Owner); err != nil {
			return nil, err
		}
	}
	if err := changeAccess(actor, c, before.Record, &next, in.Access); err != nil {
		return nil, err
	}
	return e.storeChange(ctx, tx, c, before, &next, &in)
}

// mayWrite refuses what the app's rules for fields close to the actor. Kinds: Forbidden on the field.
func (e *Engine) mayWrite(ctx context.Context, tx *store.DB, actor *hecate.Actor, c *hecate.Collection, r *hecate.Record, in *RecordInput) error {
	rights, err := e.setRights(ctx, tx, actor)
	if err != nil || rights == nil {
		return err
	}
	return rights.checkWrite(c, r, in)
}

// holdRecord loads a record for a change that the actor may see, or may change in that way though he cannot see it.
func (e *Engine) holdRecord(ctx context.Context, tx *store.DB, actor *hecate.Actor, c *hecate.Collection, ref RecordRef, want hecate.Permissions) (*hecate.Collection, store.Stored, error) {
	c, err := e.current(ctx, tx, c)
	if err != nil {
		return nil, store.Stored{}, err
	}
	s, err := tx.LockRecord(ctx, c, store.RecordRef(ref))
	if err != nil {
		return nil, s, err
	}
	if !may(actor, c, s.Record, hecate.Read) && !may(actor, c, s.Record, want) {
		return nil, s, hecate.E(hecate.NotFound, "record")
	}
	return c, s, nil
}

// changeAccess computes new grants for those who may change them; for the others they stay.
func changeAccess(actor *hecate.Actor, c *hecate.Collection, before, next *hecate.Record, change func(hecate.Access, hecate.Permissions) (hecate.Access, error)) error {
	if change == nil || !may(actor, c, before, hecate.Manage) {
		return nil
	}
	access, err := change(before.Access, held(actor, c, before))
	if err != nil {
		return err
	}
	next.Access = access
	return checkAccess(access)
}

// storeChange gives next its values and stores it instead of before.
func (e *Engine) storeChange(ctx context.Context, tx *store.DB, c *hecate.Collection, before store.Stored, next *hecate.Record, in *RecordInput) (*hecate.Record, error) {
	doc, err := e.merge(ctx, tx, c, next, before.Doc, in)
	if err != nil {
		return nil, err
	}
	blobs, err := e.takeFiles(ctx, tx, c, next, before.Doc, doc)
	if err != nil {
		return nil, err
	}
	was, err := before.Doc.Encode()
	if err != nil {
		return nil, err
	}
	is, err := e.checkSize(doc, next.Extra)
	if err != nil {
		return nil, err
	}
	if is != was {
		next.Version++
	}
	if err := tx.UpdateRecord(ctx, c, before, store.Stored{Record: next, Doc: doc}); err != nil {
		return nil, err
	}
	e.dropLater(ctx, tx, c.App, blobs)
	next.Values = doc.Named(c)
	return next, e.wrote(ctx, tx, c, next)
}

// DeleteRecord deletes a record and its files. Kinds: NotFound when not visible, Forbidden (also for profiles).
func (e *Engine) DeleteRecord(ctx context.Context, actor *hecate.Actor, c *hecate.Collection, ref RecordRef) error {
	_, err := e.TakeRecord(ctx, actor, c, ref)
	return err
}

// TakeRecord is DeleteRecord and returns what was deleted, as far as the actor could see it.
func (e *Engine) TakeRecord(ctx context.Context, actor *hecate.Actor, c *hecate.Collection, ref RecordRef) (*hecate.Record, error) {
	const op = "delete record"
	if visible(actor, c, hecate.Read).None {
		return nil, e.forbid(actor, op, pathOf(c))
	}
	if !ref.usable() {
		return nil, hecate.E(hecate.NotFound, op)
	}
	var gone *hecate.Record
	err := e.db.Write(ctx, func(tx *store.DB) error {
		c, s, err := e.holdRecord(ctx, tx, actor, c, ref, hecate.Delete)
		if err != nil {
			return err
		}
		if c.Kind == hecate.ProfileCollection || !may(actor, c, s.Record, hecate.Delete) {
			return e.forbid(actor, op, scopeOf(c, s.ID).Path)
		}
		gone = echo(actor, c, s.Record, s.Record, &RecordInput{})
		return e.takeHeld(ctx, tx, c, []store.Stored{s})
	})
	if errors.Is(err, hecate.NotFound) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	return e.Shown(ctx, actor, c, gone)
}

// takeHeld deletes records of c that this write holds.
func (e *Engine) takeHeld(ctx context.Context, tx *store.DB, c *hecate.Collection, records []store.Stored) error {
	ids := make([]hecate.RecordID, len(records))
	for i, r := range records {
		ids[i] = r.ID
	}
	if err := e.forgetLinksOfAll(ctx, tx, c.App, ids); err != nil {
		return err
	}
	blobs, err := tx.DeleteRecords(ctx, c, ids)
	if err != nil {
		return err
	}
	e.dropLater(ctx, tx, c.App, blobs)
	for _, r := range records {
		if err := e.forgetRecord(ctx, tx, c, r.Record); err != nil {
			return err
		}
	}
	return nil
}

// forgetLinksOfAll is forgetLinksOf for many records: without asking for the ends of each.
func (e *Engine) forgetLinksOfAll(ctx context.Context, tx *store.DB, app hecate.AppID, ids []hecate.RecordID) error {
	switch len(ids) {
	case 0:
		return nil
	case 1:
		return e.forgetLinksOf(ctx, tx, app, ids[0])
	}
	return e.forgetAll(ctx, tx, "links")
}

// TakeRecords deletes those of the records of a collection that exist and that the actor may delete, with their files, in one write, and
// returns them in the order of ids, as far as he could see them. Kinds: Forbidden (also for profiles), TooLarge on "records".
func (e *Engine) TakeRecords(ctx context.Context, actor *hecate.Actor, c *hecate.Collection, ids []hecate.RecordID) ([]*hecate.Record, error) {
	const op = "delete records"
	if c.Kind == hecate.ProfileCollection || visible(actor, c, hecate.Delete).None {
		return nil, e.forbid(actor, op, pathOf(c))
	}
	if len(ids) > maxBatch {
		return nil, hecate.E(hecate.TooLarge, op).On("records").With("limit", maxBatch)
	}
	taken := make(map[hecate.RecordID]*hecate.Record, len(ids))
	err := e.db.Write(ctx, func(tx *store.DB) error {
		c, err := e.current(ctx, tx, c)
		if err != nil {
			return err
		}
		rows, err := tx.LockRecords(ctx, c, ids)
		if err != nil {
			return err
		}
		rows = slices.DeleteFunc(rows, func(r store.Stored) bool { return !may(actor, c, r.Record, hecate.Delete) })
		for _, r := range rows {
			taken[r.ID] = echo(actor, c, r.Record, r.Record, &RecordInput{})
		}
		return e.takeHeld(ctx, tx, c, rows)
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	gone := make([]*hecate.Record, 0, len(taken))
	for _, id := range ids {
		if r := taken[id]; r != nil {
			gone = append(gone, r)
			delete(taken, id)
		}
	}
	return e.shown(ctx, actor, c, gone)
}

// NamedRecord finds a record by a text field, compared without case, whoever asks; of several the newest. It says nothing of the
// record but its id. Kinds: NotFound.
func (e *Engine) NamedRecord(ctx context.Context, c *hecate.Collection, field, text string) (hecate.RecordID, error) {
	const op = "find record"
	if badText(field+text) != "" || text == "" {
		return "", hecate.E(hecate.NotFound, op)
	}
	f := c.Field(field)
	if f != nil && f.Unique && f.Fold {
		return e.db.RecordByUnique(ctx, c, f, text)
	}
	if f == nil && !c.Open {
		return "", hecate.E(hecate.NotFound, op)
	}
	equal := hecate.Filter{Op: hecate.OpEqual, Operand: hecate.Operand{Path: []string{field}, Type: hecate.StringType, Fold: true}, Value: text}
	page, err := e.db.Records(ctx, store.Search{
		Collection: c, Visible: hecate.Visibility{All: true}, Query: hecate.Query{Filter: equal, SeqDesc: true, Limit: 1},
	})
	if err != nil {
		return "", fmt.Errorf("%s: %w", op, err)
	}
	if len(page.Rows) == 0 {
		return "", hecate.E(hecate.NotFound, op)
	}
	return page.Rows[0].ID, nil
}
