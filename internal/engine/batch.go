package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"hecate"
	"hecate/internal/store"
)

// maxBatch bounds the records of one batch.
const maxBatch = 1000

// SaveInput is one record of a batch: made where its collection has none of that name, else changed.
type SaveInput struct {
	Collection string // exactly as the collection is called; hecate.ProfileName for the profiles
	// Input.ID, else Input.Key, else By names the record; without any it is a new one. Input.Private says in which space it is
	// meant to be. A nil value for a field that the collection lacks, or for one that the server counts, changes nothing.
	Input RecordInput
	By    FieldText
	Mode  SaveMode
	// Fields are the types of fields that the collection may lack; for those not listed the value says enough. Only
	// Name, Type, Target, Indexed and Ordered count. In Target a name serves instead of an id.
	Fields []hecate.Field
	// Username and Email, profiles only, change the user's login names; "" removes one.
	Username, Email *string
	// Letters, profiles only, are what their user gets with the change, which is seen as it was and as it is.
	Letters func(was, is UserDetail) []UserLetter
}

// FieldText names a record by the text of a unique field. One that is made gets it. A collection whose field is not
// unique has no record of that name.
type FieldText struct{ Field, Text string }

// SaveMode says what may become of an item.
type SaveMode uint8

// The modes.
const (
	MakeOrChange SaveMode = iota // made by who holds Create, changed by who holds Update
	MakeOnly                     // Exists on "id" or "key" where it is there
	ChangeOnly                   // NotFound on "record" where it is not
	Put                          // as MakeOrChange, but to make it takes Update at the path where the record is to be
)

// SaveOptions say how a batch is saved.
type SaveOptions struct {
	Atomic bool // all or nothing
	Guests bool // nobody has to be signed in: the door decides of each item alone
	// Missing is what a field becomes that a collection lacks, false for none; fields that are there stay what they are, and values
	// must fit them. Open collections get such fields too, as long as there is room. nil: fields are made as SaveInput.Fields
	// and the values say, and values of another type are a conflict.
	Missing func(name string, value any) (hecate.Field, bool)
	// Extend asks whether a collection may be given the fields that values need; c is nil where the collection itself
	// is missing and would be made. nil: never. Where Settings.ClosedSchema holds, only who may change schemas extends them.
	Extend func(c *hecate.Collection) bool
	// New is what a missing collection begins with: Schema, Access, Defaults, Open, Extra.
	New CollectionInput

	onto hanging // what becomes of each record that was saved; nil: nothing
}

// SaveResult is what became of one record: Record, or Err. Record is what the actor may see of it.
type SaveResult struct {
	Record *hecate.Record
	Err    error
}

// SaveRecords makes and changes records of any collections in one write, in order. The results stand in the order of items; those
// that fail leave no trace and do not keep the others from being saved, unless Atomic: then nothing
// is, the results of the items at fault have an Err, and err is nil.
//
// Kinds of items: Forbidden (on "record" to change it, "collection" to make one there, and with Atomic on the name of a
// field that rules close, which is left out silently else), Invalid on a field's name, Exists on "key" (also
// for a record in another space), on "id" (also for one of another collection), on a unique field's name, on "username", "email"
// or a login key; Stale, TooLarge, NotFound by the item's Mode. A profile is
// changed by its user and by who manages users, whatever its grants say, and never made here.
//
// Kinds of err: Unauthenticated without a user or powers over records; TooLarge on "records"; Invalid on "schema" where the
// schema is not as the values need it, with Info "conflict" (the name of a field that has another type),
// "closed" (a missing field or collection) or "target" (a reference to a collection that does not exist).
func (e *Engine) SaveRecords(ctx context.Context, actor *hecate.Actor, items []SaveInput, o SaveOptions) ([]SaveResult, error) {
	const op = "save records"
	app, err := inApp(actor, op)
	if err != nil {
		return nil, err
	}
	if actor.User == nil && !o.Guests && !actor.Can(hecate.Create|hecate.Update, hecate.AreaRecords) {
		return nil, hecate.E(hecate.Unauthenticated, op)
	}
	if len(items) > maxBatch {
		return nil, hecate.E(hecate.TooLarge, op).On("records").With("limit", maxBatch)
	}
	rights, err := e.FieldRights(ctx, actor)
	if err != nil {
		return nil, err
	}
	var b *saving
	for range saveTries {
		err = e.db.Write(ctx, func(tx *store.DB) error {
			b = &saving{
				extension: extension{e: e, tx: tx, actor: actor, app: app, may: o.Extend, new: o.New, missing: o.Missing},
				items:     slices.Clone(items), atomic: o.Atomic, rights: rights, results: make([]SaveResult, len(items)), onto: o.onto,
			}
			return b.run(ctx)
		})
		if !errors.Is(err, errRaced) {
			break
		}
	}
	switch {
	case errors.Is(err, errRaced):
		return nil, hecate.E(hecate.TooMany, op).Says("others make the same records").After(time.Second)
	case err != nil && !errors.Is(err, errPart):
		return nil, err
	}
	return b.results, nil
}

// errPart ends a write of which a part failed, so that nothing of it stays; what failed is in the results.
var errPart = errors.New("a part failed")

// saveTries is how often a batch starts again because somebody else makes its records at the same time.
const saveTries = 4

// errRaced says that a record which was not there has come meanwhile: it is one to change, not to make.
var errRaced = errors.New("a record was made by somebody else")

// partFault reports whether err is the fault of one part of a batch; all else fails the whole.
func partFault(err error) bool {
	kind := hecate.KindOf(err)
	return kind != hecate.Internal && kind != hecate.TooMany
}

// failed reports whether some result is an error.
func anyFailed(results []SaveResult) bool {
	return slices.ContainsFunc(results, func(r SaveResult) bool { return r.Err != nil })
}

// saving is a batch on its way.
type saving struct {
	extension
	items    []SaveInput
	atomic   bool
	rights   FieldRights
	existing []*hecate.Record // by item, as they were before the batch; nil: none
	results  []SaveResult
	onto     hanging
	whole    *hecate.Record // what change stored last, whoever may see what of it
}

func (b *saving) run(ctx context.Context) error {
	if err := b.load(ctx); err != nil {
		return err
	}
	for i := range b.items {
		if err := b.admit(i); err != nil {
			b.results[i].Err = err
			continue
		}
		if err := b.need(ctx, b.items[i].Collection, b.items[i].Input.Values, b.items[i].Fields); err != nil {
			return err
		}
	}
	if b.atomic && anyFailed(b.results) {
		return errPart
	}
	if err := b.apply(ctx); err != nil {
		return err
	}
	for i := range b.items {
		if b.results[i].Err != nil {
			continue
		}
		if err := b.part(ctx, i); err != nil {
			return err
		}
	}
	if b.atomic && anyFailed(b.results) {
		for i := range b.results {
			b.results[i].Record = nil
		}
		return errPart
	}
	return nil
}

// load finds the collections, and in one query for each way to name them the records that are there already.
func (b *saving) load(ctx context.Context) error {
	b.existing = make([]*hecate.Record, len(b.items))
	names := make([]RecordName, 0, len(b.items))
	var ids []hecate.RecordID
	for i := range b.items {
		item := &b.items[i]
		c, err := b.collection(ctx, item.Collection)
		if err != nil {
			return err
		}
		id, err := b.named(ctx, c, item)
		if err != nil {
			return err
		}
		if id != "" {
			ids = append(ids, id)
		}
		names = append(names, RecordName{item.Collection, item.Input.Key})
	}
	found, err := b.e.recordsNamed(ctx, b.tx, b.found, names)
	if err != nil {
		return err
	}
	there, err := b.recordsOf(ctx, ids)
	if err != nil {
		return err
	}
	for i, n := range names {
		r := there[b.items[i].Input.ID]
		if s, ok := found[n]; ok && b.items[i].Input.ID == "" {
			r = s.Record
		}
		if c := b.found[n.Collection]; r != nil && c != nil && r.Collection == c.ID {
			b.existing[i] = r
		}
	}
	return nil
}

// named gives an item named by a unique field the id of its record, or of the one that is to be made.
func (b *saving) named(ctx context.Context, c *hecate.Collection, item *SaveInput) (hecate.RecordID, error) {
	if item.Input.ID != "" || item.Input.Key != "" || item.By.Field == "" && item.Mode != Put {
		return item.Input.ID, nil
	}
	id, err := b.e.recordByUnique(ctx, b.tx, c, item.By)
	if err != nil && !errors.Is(err, hecate.NotFound) {
		return "", err
	}
	if id == "" {
		fresh, err := b.e.newID()
		if err != nil {
			return "", err
		}
		item.Input.ID = hecate.RecordID(fresh)
		return "", nil
	}
	item.Input.ID = id
	return id, nil
}

// recordByUnique finds the record of c, which may be nil, that has that text in a unique field. Kinds: NotFound.
func (e *Engine) recordByUnique(ctx context.Context, db *store.DB, c *hecate.Collection, by FieldText) (hecate.RecordID, error) {
	if c == nil || badText(by.Text) != "" {
		return "", hecate.NotFound
	}
	f := c.Field(by.Field)
	if f == nil || !f.Unique || by.Text == "" {
		return "", hecate.NotFound
	}
	return db.RecordByUnique(ctx, c, f, by.Text)
}

// recordsOf returns the app's records with those ids that are in collections of the batch, in one query.
func (b *saving) recordsOf(ctx context.Context, ids []hecate.RecordID) (map[hecate.RecordID]*hecate.Record, error) {
	ids = slices.DeleteFunc(slices.Clone(ids), func(id hecate.RecordID) bool { return badText(string(id)) != "" })
	cs := map[hecate.CollectionID]*hecate.Collection{}
	for _, c := range b.found {
		if c != nil {
			cs[c.ID] = c
		}
	}
	out := map[hecate.RecordID]*hecate.Record{}
	if len(cs) == 0 {
		return out, nil
	}
	rows, err := b.tx.RecordsByIDs(ctx, b.app.ID, ids, func(id hecate.CollectionID) (*hecate.Collection, error) {
		if c := cs[id]; c != nil {
			return c, nil
		}
		return &hecate.Collection{ID: id, App: b.app.ID}, nil // of another collection: its values do not matter
	})
	for _, r := range rows {
		if cs[r.Collection] != nil {
			out[r.ID] = r.Record
		}
	}
	return out, err
}

// recordsNamed finds records by their names in one query; found are the collections by exact name.
func (e *Engine) recordsNamed(ctx context.Context, db *store.DB, found map[string]*hecate.Collection, names []RecordName) (map[RecordName]store.Stored, error) {
	keys := map[hecate.CollectionID][]string{}
	byID := map[hecate.CollectionID]*hecate.Collection{}
	for _, n := range names {
		if c := found[n.Collection]; c != nil && n.Key != "" && badText(n.Key) == "" {
			keys[c.ID], byID[c.ID] = append(keys[c.ID], n.Key), c
		}
	}
	rows, err := db.RecordsByKeys(ctx, e.appOfAny(byID), keys, func(id hecate.CollectionID) (*hecate.Collection, error) { return byID[id], nil })
	if err != nil {
		return nil, err
	}
	out := make(map[RecordName]store.Stored, len(rows))
	for _, r := range rows {
		out[RecordName{byID[r.Collection].Name, r.Key}] = r
	}
	return out, nil
}

// appOfAny is the app of the collections, which all have the same.
func (e *Engine) appOfAny(cs map[hecate.CollectionID]*hecate.Collection) hecate.AppID {
	for _, c := range cs {
		return c.App
	}
	return ""
}

// admit asks the door about an item before anything is written for it.
func (b *saving) admit(i int) error {
	item := &b.items[i]
	c := b.found[item.Collection]
	if r := b.existing[i]; r != nil {
		if item.Mode == MakeOnly {
			return item.taken()
		}
		return b.mayChange(c, r, item)
	}
	if item.Mode == ChangeOnly {
		return hecate.E(hecate.NotFound, "save records").On("record")
	}
	return b.mayMake(c, item)
}

// taken is the error of an item whose name another record has.
func (item *SaveInput) taken() error {
	field := "key"
	if item.Input.ID != "" {
		field = "id"
	}
	return hecate.E(hecate.Exists, "save records").On(field)
}

// mayChange refuses changes of a record that the actor may not make. Kinds: Exists on "key", Forbidden on "record".
func (b *saving) mayChange(c *hecate.Collection, r *hecate.Record, item *SaveInput) error {
	if !b.inSpace(c, r, item) {
		return hecate.E(hecate.Exists, "save records").On("key")
	}
	if c.Kind == hecate.ProfileCollection && r.Owner != b.actor.UserID() && !actsForAll(b.actor, hecate.Update) {
		return b.refuse(c, r.ID, "record")
	}
	if !may(b.asked(c), c, r, hecate.Update) {
		return b.refuse(c, r.ID, "record")
	}
	return nil
}

// inSpace reports whether the record is in the space that the item means.
func (b *saving) inSpace(c *hecate.Collection, r *hecate.Record, item *SaveInput) bool {
	if !item.Input.Private || c.Kind == hecate.ProfileCollection {
		return !r.Private
	}
	owner := b.actor.UserID()
	if item.Input.Owner != nil {
		owner = *item.Input.Owner
	}
	return r.Private && r.Owner == owner
}

// asked is the actor as the door knows him in c: who manages users manages their profiles.
func (b *saving) asked(c *hecate.Collection) *hecate.Actor {
	if c.Kind != hecate.ProfileCollection || !actsForAll(b.actor, hecate.Update) {
		return b.actor
	}
	manager := *b.actor
	manager.Powers[hecate.AreaRecords] |= hecate.AllPermissions
	return &manager
}

// mayMake refuses new records that the actor may not make. Kinds: Forbidden on "collection".
func (b *saving) mayMake(c *hecate.Collection, item *SaveInput) error {
	access := b.new.Access
	if c != nil {
		access = c.Access
	} else if !b.allowed(nil) {
		return nil // the missing collection is what counts, and is said of the whole batch
	}
	want, scope := hecate.Create, hecate.Scope{Area: hecate.AreaRecords, Path: "/" + hecate.Plural(item.Collection)}
	if item.Mode == Put && !access.Own {
		want, scope.Path = hecate.Update, scope.Path+"/"+string(item.Input.ID)
	}
	if c != nil && c.Kind == hecate.ProfileCollection || !(hecate.Policy{Collection: access}).Allow(b.actor, want, scope) {
		return b.refuse(c, "", "collection")
	}
	return nil
}

func (b *saving) refuse(c *hecate.Collection, id hecate.RecordID, field string) error {
	path := ""
	if c != nil {
		path = scopeOf(c, id).Path
	}
	b.e.refused(b.actor, b.app.ID, "save records", path, "")
	return hecate.E(hecate.Forbidden, "save records").On(field)
}

// part saves one item so that nothing of it stays when it fails. An item alone needs no part: the write is its own.
func (b *saving) part(ctx context.Context, i int) error {
	save := func() error {
		r, err := b.save(ctx, i)
		if err == nil && b.onto != nil {
			err = b.onto(ctx, b.tx, r)
		}
		b.results[i] = SaveResult{Record: r, Err: err}
		return err
	}
	var err error
	if alone := len(b.items) == 1; alone {
		if err = save(); err != nil && partFault(err) {
			return errPart
		}
		return err
	}
	if err = b.tx.Try(ctx, save); err != nil && !partFault(err) {
		return err
	}
	return nil
}

func (b *saving) save(ctx context.Context, i int) (*hecate.Record, error) {
	item := b.items[i]
	c := b.found[item.Collection]
	in := item.Input
	in.Values = withoutUnknownNils(c, in.Values)
	var names userNames
	if c.Kind == hecate.ProfileCollection {
		var err error
		if names, err = b.holdUser(ctx, i); err != nil {
			return nil, err
		}
	}
	c, err := b.e.current(ctx, b.tx, c)
	if err != nil {
		return nil, err
	}
	before, err := b.lock(ctx, c, &item)
	switch {
	case errors.Is(err, hecate.NotFound) && item.Mode == ChangeOnly:
		return nil, hecate.E(hecate.NotFound, "save records").On("record")
	case errors.Is(err, hecate.NotFound):
		return b.make(ctx, c, &item, in)
	case err != nil:
		return nil, err
	case item.Mode == MakeOnly:
		return nil, item.taken()
	}
	if err := b.mayChange(c, before.Record, &item); err != nil { // it may be another than it was
		return nil, err
	}
	if item.Letters == nil || names.user == nil {
		return b.change(ctx, c, before, in, names)
	}
	was := UserDetail{User: new(*names.user), Profile: before.Record}
	r, err := b.change(ctx, c, before, in, names)
	if err != nil {
		return nil, err
	}
	return r, b.e.sendAll(ctx, b.tx, b.app, names.user, item.Letters(was, UserDetail{User: names.user, Profile: b.whole}))
}

func (b *saving) lock(ctx context.Context, c *hecate.Collection, item *SaveInput) (store.Stored, error) {
	ref := RecordRef{ID: item.Input.ID, Key: item.Input.Key}
	if !ref.usable() {
		return store.Stored{}, hecate.NotFound
	}
	return b.tx.LockRecord(ctx, c, store.RecordRef(ref))
}

// userNames are a user and the names he is to have.
type userNames struct {
	user  *hecate.User
	names UpdateUserInput
}

// holdUser locks the user of a profile whose login names the item changes, before his profile is.
func (b *saving) holdUser(ctx context.Context, i int) (userNames, error) {
	const op = "save records"
	item, r := &b.items[i], b.existing[i]
	if item.Username == nil && item.Email == nil && item.Letters == nil || r == nil {
		return userNames{}, nil
	}
	if err := checkNames(op, deref(item.Username), deref(item.Email)); err != nil {
		return userNames{}, err
	}
	l, err := b.e.loadUser(ctx, b.tx, b.app.ID, hecate.UserID(r.ID), op)
	return userNames{l.User, UpdateUserInput{Username: item.Username, Email: item.Email}}, err
}

func (b *saving) make(ctx context.Context, c *hecate.Collection, item *SaveInput, in RecordInput) (*hecate.Record, error) {
	if err := b.mayMake(c, item); err != nil {
		return nil, err
	}
	r, err := b.e.newRecord(ctx, b.tx, b.actor, c, &in)
	if err != nil {
		return nil, err
	}
	if err := b.closed(c, r, &in); err != nil {
		return nil, err
	}
	if item.By.Field != "" {
		in.Values[item.By.Field] = item.By.Text
	}
	r, err = b.e.insertRecord(ctx, b.tx, c, r, &in)
	if errors.Is(err, hecate.Exists) {
		return nil, b.raced(ctx, c, item, err)
	}
	if err != nil {
		return nil, err
	}
	return b.rights.strip(c, r), nil
}

// raced is what became of an item that could not be made: errRaced where it has come meanwhile and is to be changed.
func (b *saving) raced(ctx context.Context, c *hecate.Collection, item *SaveInput, err error) error {
	switch field := hecate.Detail(err).Field; {
	case field != "key" && field != item.By.Field:
		return err
	case field == "key" && item.Input.ID == "" && item.Input.Key == "":
		return err
	case item.Mode == MakeOnly:
		return item.taken()
	case field == "key" && item.Input.ID != "":
		// An id is one of the whole app: what has it may be in another collection, or a user.
		rows, lookup := b.tx.LockRecords(ctx, c, []hecate.RecordID{item.Input.ID})
		if lookup != nil {
			return lookup
		}
		if len(rows) == 0 {
			return item.taken()
		}
	}
	return errRaced
}

func (b *saving) change(ctx context.Context, c *hecate.Collection, before store.Stored, in RecordInput, names userNames) (*hecate.Record, error) {
	if in.Resolve != nil {
		if err := in.Resolve(before.Record, &in); err != nil {
			return nil, err
		}
	}
	in.Private = false // says where the record is, which never changes
	in.Owner = nil
	if err := b.closed(c, before.Record, &in); err != nil {
		return nil, err
	}
	if err := b.recount(ctx, c, before, &in); err != nil {
		return nil, err
	}
	if names.names.Username != nil || names.names.Email != nil {
		if err := b.rename(ctx, c, before.Record, names); err != nil {
			return nil, err
		}
	}
	r, err := b.e.changeHeld(ctx, b.tx, b.asked(c), c, before, in)
	if err != nil {
		return nil, err
	}
	b.whole = r
	return b.rights.strip(c, echo(b.asked(c), c, before.Record, r, &in)), nil
}

// closed deals with fields that rules close to the actor: with an atomic batch they are refused, else left out.
func (b *saving) closed(c *hecate.Collection, r *hecate.Record, in *RecordInput) error {
	if b.atomic {
		return b.rights.checkWrite(c, r, in)
	}
	b.rights.dropClosed(c, r, in)
	return nil
}

// recount keeps what the server counts from being cleared, and numbers a record that is older than the field.
func (b *saving) recount(ctx context.Context, c *hecate.Collection, before store.Stored, in *RecordInput) error {
	for _, name := range sortedKeys(in.Values) {
		f := c.Field(name)
		if in.Values[name] != nil || f == nil || f.Type != hecate.SequenceType {
			continue
		}
		delete(in.Values, name)
		if _, counted := before.Doc[f.Slot]; counted {
			continue
		}
		n, err := b.tx.NextSerial(ctx, c.App, sequenceName(c, f))
		if err != nil {
			return err
		}
		in.Values[name] = n
	}
	return nil
}

// rename changes a user's login names as far as the rules for fields let the actor.
func (b *saving) rename(ctx context.Context, c *hecate.Collection, r *hecate.Record, n userNames) error {
	for _, part := range []struct {
		field   string
		wanted  **string
		current string
	}{{usernameField, &n.names.Username, n.user.Username}, {emailField, &n.names.Email, n.user.Email}} {
		switch {
		case *part.wanted == nil || **part.wanted == part.current || b.rights.Of(c, part.field, r).Has(hecate.FieldWrite):
		case b.atomic:
			return hecate.E(hecate.Forbidden, "save records").On(part.field)
		default:
			*part.wanted = nil
		}
	}
	n.user.UpdatedAt = b.e.stamp()
	if err := b.e.rename(ctx, b.tx, b.app, n.user, n.names, "save records"); err != nil {
		return err
	}
	return b.tx.UpdateUser(ctx, n.user)
}

// Space is where records are looked for: the shared space, or with Private that user's own.
type Space struct {
	Private hecate.UserID
	All     bool // every space; for managers of records
}

// has reports whether a record is in the space.
func (s Space) has(r *hecate.Record) bool {
	return s.All || r.Private == (s.Private != "") && (!r.Private || r.Owner == s.Private)
}

// enter refuses a space that is closed to the actor.
func (e *Engine) enterSpace(actor *hecate.Actor, s Space, want hecate.Permissions, op string) (*hecate.App, error) {
	app, err := inApp(actor, op)
	if err != nil {
		return nil, err
	}
	if (s.All || s.Private != "" && s.Private != actor.UserID()) && !actor.Can(want, hecate.AreaRecords) {
		return nil, e.forbid(actor, op, "")
	}
	return app, nil
}

// RecordName names a record by collection and key.
type RecordName struct {
	Collection string // exactly; hecate.ProfileName for the profiles
	Key        string
}

// RecordsByKey returns records in the order of names, each for itself: a query for all of them. Kinds of an item: NotFound, Forbidden
// for one that is there and not readable. Kinds of err: Forbidden for another user's space, TooLarge on "records".
func (e *Engine) RecordsByKey(ctx context.Context, actor *hecate.Actor, space Space, names []RecordName) ([]SaveResult, error) {
	const op = "read records"
	app, err := e.enterSpace(actor, space, hecate.Read, op)
	if err != nil {
		return nil, err
	}
	if len(names) > maxBatch {
		return nil, hecate.E(hecate.TooLarge, op).On("records").With("limit", maxBatch)
	}
	cs, err := e.collectionsNamed(ctx, e.db, app.ID, names)
	if err != nil {
		return nil, err
	}
	found, err := e.recordsNamed(ctx, e.db, cs, names)
	if err != nil {
		return nil, err
	}
	out := make([]SaveResult, len(names))
	for i, n := range names {
		r, there := found[n]
		switch {
		case !there || !space.has(r.Record):
			out[i].Err = hecate.E(hecate.NotFound, op).On("record")
		case !may(actor, cs[n.Collection], r.Record, hecate.Read):
			out[i].Err = hecate.E(hecate.Forbidden, op).On("record")
		default:
			if out[i].Record, err = e.Shown(ctx, actor, cs[n.Collection], r.Record); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// collectionsNamed finds the collections of names, by exact name; those that are missing are left out.
func (e *Engine) collectionsNamed(ctx context.Context, db *store.DB, app hecate.AppID, names []RecordName) (map[string]*hecate.Collection, error) {
	found := map[string]*hecate.Collection{}
	for _, n := range names {
		if _, known := found[n.Collection]; known {
			continue
		}
		c, err := e.collection(ctx, db, app, n.Collection) // cached
		if err != nil && !errors.Is(err, hecate.NotFound) {
			return nil, err
		}
		if err != nil || c.Name != n.Collection {
			c = nil
		}
		found[n.Collection] = c
	}
	return found, nil
}

// RecordsByID returns those of the app's shared records, of any collection and profiles too, that exist and that the
// actor may read, in one query. Kinds: TooLarge on "records".
func (e *Engine) RecordsByID(ctx context.Context, actor *hecate.Actor, ids []hecate.RecordID) (map[hecate.RecordID]*hecate.Record, error) {
	const op = "read records"
	app, err := inApp(actor, op)
	if err != nil {
		return nil, err
	}
	if len(ids) > maxBatch {
		return nil, hecate.E(hecate.TooLarge, op).On("records").With("limit", maxBatch)
	}
	cs := map[hecate.CollectionID]*hecate.Collection{}
	rows, err := e.db.RecordsByIDs(ctx, app.ID, ids, func(id hecate.CollectionID) (*hecate.Collection, error) {
		if cs[id] == nil {
			c, err := e.LookupCollectionByID(ctx, app.ID, id) // cached
			if err != nil {
				return nil, err
			}
			cs[id] = c
		}
		return cs[id], nil
	})
	if err != nil {
		return nil, err
	}
	out := make(map[hecate.RecordID]*hecate.Record, len(rows))
	for _, r := range rows {
		c := cs[r.Collection]
		if r.Private || !may(actor, c, r.Record, hecate.Read) {
			continue
		}
		if out[r.ID], err = e.Shown(ctx, actor, c, r.Record); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// DeleteRecords deletes records; the results stand in the order of names. With atomic nothing is deleted where one cannot be, and
// the items at fault have an Err. Kinds of an item: NotFound, Forbidden (also for profiles, then on
// "users"), Exists on "reference" where another record refers to it. Kinds of err: as RecordsByKey.
func (e *Engine) DeleteRecords(ctx context.Context, actor *hecate.Actor, space Space, names []RecordName, atomic bool) ([]SaveResult, error) {
	const op = "delete records"
	app, err := e.enterSpace(actor, space, hecate.Delete, op)
	if err != nil {
		return nil, err
	}
	if len(names) > maxBatch {
		return nil, hecate.E(hecate.TooLarge, op).On("records").With("limit", maxBatch)
	}
	var out []SaveResult
	err = e.db.Write(ctx, func(tx *store.DB) error {
		d := &deleting{e: e, tx: tx, actor: actor, app: app, names: names, results: make([]SaveResult, len(names))}
		out = d.results
		return d.run(ctx, space, atomic)
	})
	if err != nil && !errors.Is(err, errPart) {
		return nil, err
	}
	return out, nil
}

// deleting is a batch of deletions on its way.
type deleting struct {
	e       *Engine
	tx      *store.DB
	actor   *hecate.Actor
	app     *hecate.App
	names   []RecordName
	cs      map[string]*hecate.Collection
	found   map[RecordName]store.Stored
	results []SaveResult
}

func (d *deleting) run(ctx context.Context, space Space, atomic bool) error {
	var err error
	if d.cs, err = d.e.collectionsNamed(ctx, d.tx, d.app.ID, d.names); err != nil {
		return err
	}
	if d.found, err = d.e.recordsNamed(ctx, d.tx, d.cs, d.names); err != nil {
		return err
	}
	seen := map[RecordName]bool{}
	for i, n := range d.names {
		d.results[i].Err = d.admit(n, space, seen[n])
		seen[n] = true
	}
	if err := d.refuseReferred(ctx); err != nil {
		return err
	}
	if atomic && anyFailed(d.results) {
		return errPart
	}
	for i, n := range d.names {
		if d.results[i].Err == nil {
			if err := d.delete(ctx, i, n); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *deleting) admit(n RecordName, space Space, again bool) error {
	const op = "delete records"
	c := d.cs[n.Collection]
	if c != nil && c.Kind == hecate.ProfileCollection {
		return hecate.E(hecate.Forbidden, op).On(hecate.ProfileName)
	}
	r, there := d.found[n]
	switch {
	case !there || again || !space.has(r.Record):
		return hecate.E(hecate.NotFound, op).On("record")
	case !may(d.actor, c, r.Record, hecate.Delete):
		d.e.refused(d.actor, d.app.ID, op, scopeOf(c, r.ID).Path, "")
		return hecate.E(hecate.Forbidden, op).On("record")
	}
	return nil
}

// refuseReferred refuses what records that stay refer to: one query for each field that may.
func (d *deleting) refuseReferred(ctx context.Context) error {
	going := map[hecate.CollectionID][]hecate.RecordID{}
	var all []hecate.RecordID
	for i, n := range d.names {
		if d.results[i].Err == nil {
			r := d.found[n]
			going[r.Collection], all = append(going[r.Collection], r.ID), append(all, r.ID)
		}
	}
	if len(all) == 0 {
		return nil
	}
	cs, err := d.tx.Collections(ctx, d.app.ID)
	if err != nil {
		return err
	}
	referred := map[hecate.RecordID]bool{}
	for _, c := range cs {
		for _, f := range c.Fields() {
			ids := going[f.Target]
			if f.Type != hecate.ReferenceType || len(ids) == 0 {
				continue
			}
			found, err := d.tx.Referred(ctx, c, &f, ids, all)
			if err != nil {
				return err
			}
			for _, id := range found {
				referred[id] = true
			}
		}
	}
	for i, n := range d.names {
		if d.results[i].Err == nil && referred[d.found[n].ID] {
			d.results[i].Err = hecate.E(hecate.Exists, "delete records").On("reference")
		}
	}
	return nil
}

func (d *deleting) delete(ctx context.Context, i int, n RecordName) error {
	c, r := d.cs[n.Collection], d.found[n]
	blobs, err := d.tx.DeleteRecordFiles(ctx, c.App, r.ID)
	if err != nil {
		return err
	}
	if err := d.e.forgetLinksOf(ctx, d.tx, c.App, r.ID); err != nil {
		return err
	}
	err = d.tx.DeleteRecord(ctx, c, r.ID)
	if errors.Is(err, hecate.NotFound) { // gone meanwhile
		d.results[i].Err = hecate.E(hecate.NotFound, "delete records").On("record")
		return nil
	}
	if err != nil {
		return err
	}
	d.e.dropLater(ctx, d.tx, c.App, blobs)
	d.results[i].Record = r.Record
	return d.e.forgetRecord(ctx, d.tx, c, r.Record)
}

// RenameField gives a field of a collection another name; its values stay. Kinds: Forbidden, NotFound on "collection" or "field",
// Exists on "field", Invalid on "schema".
func (e *Engine) RenameField(ctx context.Context, actor *hecate.Actor, collection, from, to string) (*hecate.Collection, error) {
	return e.changeFields(ctx, actor, collection, from, func(fields []hecate.Field, at int) ([]hecate.Field, error) {
		if slices.ContainsFunc(fields, func(f hecate.Field) bool { return f.Name == to }) {
			return nil, hecate.E(hecate.Exists, "rename field").On("field")
		}
		fields[at].Name = to
		return fields, nil
	})
}

// DeleteField takes a field out of a collection's schema. Kinds: Forbidden, NotFound on "collection" or "field".
func (e *Engine) DeleteField(ctx context.Context, actor *hecate.Actor, collection, field string) (*hecate.Collection, error) {
	return e.changeFields(ctx, actor, collection, field, func(fields []hecate.Field, at int) ([]hecate.Field, error) {
		return slices.Delete(fields, at, at+1), nil
	})
}

func (e *Engine) changeFields(ctx context.Context, actor *hecate.Actor, collection, field string, change func([]hecate.Field, int) ([]hecate.Field, error)) (*hecate.Collection, error) {
	known := false
	c, err := e.UpdateCollection(ctx, actor, collection, 0, func(in *CollectionInput) (err error) {
		known = in.Name == collection
		at := slices.IndexFunc(in.Schema, func(f hecate.Field) bool { return f.Name == field })
		if !known || at < 0 {
			return hecate.E(hecate.NotFound, "change fields").On("field")
		}
		in.Schema, err = change(in.Schema, at)
		return err
	})
	if errors.Is(err, hecate.NotFound) && !known {
		return nil, hecate.E(hecate.NotFound, "change fields").On("collection")
	}
	return c, err
}
