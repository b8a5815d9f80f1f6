package skygear

import (
	"context"
	"errors"
	"maps"
	"slices"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// selfType stands for the collection of the record itself where it is about to be made.
const selfType hecate.CollectionID = "self"

const (
	textNoCreate  = "no permission to create"
	textBadBatch  = "fails to de-serialize records"
	textNoRecords = "expected list of record"
)

// newTypeAccess is the gate of a record type that is made here: everybody enters, who is signed in makes records. What
// may be done with them their own access says.
var newTypeAccess = hecate.Access{Own: true, Grants: []hecate.Grant{
	{Subject: hecate.Public, Permissions: hecate.Read},
	{Subject: hecate.Anyone, Permissions: hecate.Create},
}}

// grownHere marks, in Extra, the record types that this dialect made: saves may give them fields. Those of others have the
// fields that their makers gave them.
const grownHere = "grows"

func newType() engine.CollectionInput {
	return engine.CollectionInput{Access: newTypeAccess, Extra: hecate.Extra{extraName: {grownHere: true}}}
}

// mayGrow says which record types a save may give fields.
func mayGrow(c *call) func(*hecate.Collection) bool {
	return func(t *hecate.Collection) bool {
		return t == nil || t.Kind == hecate.ProfileCollection || t.Extra[extraName][grownHere] == true || c.master()
	}
}

// saving is one record:save on its way.
type saving struct {
	api    *api
	call   *call
	values *values
	base   engine.RecordInput
	ids    []recordID // of all records, as far as they could be read
	faults []*failure // of those that could not be
	given  []givenRecord
	places []int // of given in the answer

	verify  verification
	letters func(was, is engine.UserDetail) []engine.UserLetter // to a user whose record is saved
}

// recordSave makes and changes records, each for itself or all of them or none.
func (a *api) recordSave(w *web.Response, r *web.Request, c *call) error {
	s := &saving{api: a, call: c, verify: settingsOf(c.app).verify, letters: a.updateLetters(r, c.app)}
	list, atomic, err := s.readRequest(r)
	if err != nil {
		return err
	}
	if err := s.readRecords(r, list); err != nil {
		return err
	}
	if atomic && len(s.given) < len(list) {
		return s.undecodable()
	}
	items, err := s.items(r.Context())
	if err != nil {
		return err
	}
	saved, err := a.engine.SaveRecords(r.Context(), c.actor, items, engine.SaveOptions{Atomic: atomic, Extend: mayGrow(c), New: newType()})
	if err != nil {
		return schemaFault(err)
	}
	results := s.results(saved)
	if atomic {
		if err := atomicFailure(results, s.ids, saveFailure); err != nil {
			return err
		}
	}
	return s.answer(w, r, results)
}

// readRequest reads what goes for all records.
func (s *saving) readRequest(r *web.Request) (list []any, atomic bool, err error) {
	d, err := readDatabase(s.call)
	if err != nil {
		return nil, false, err
	}
	if err := d.writable(); err != nil {
		return nil, false, err
	}
	if list, err = s.call.args.list("records"); err != nil {
		return nil, false, err
	}
	switch {
	case len(list) == 0:
		return nil, false, invalid(textNoRecords, "records")
	case len(list) > maxRecords:
		return nil, false, invalid("too many records in one request", "records")
	}
	if atomic, err = s.call.args.bool("atomic"); err != nil {
		return nil, false, err
	}
	s.base.Private = d.private
	if d.owner != "" {
		space, err := s.api.space(r, s.call, d)
		if err != nil {
			return nil, false, err
		}
		s.base.Owner = &space.Private
	}
	return list, atomic, nil
}

// readRecords sorts the records into those that can be read and the failures of the others.
func (s *saving) readRecords(r *web.Request, list []any) error {
	ctx := r.Context()
	s.values = s.api.valuesOf(r, s.call.app)
	files, err := s.readFiles(ctx, list)
	if err != nil {
		return err
	}
	find := s.values.collection
	s.ids, s.faults = make([]recordID, len(list)), make([]*failure, len(list))
	for i, raw := range list {
		own := typeIn(raw)
		s.values.file = files.of(raw)
		s.values.collection = func(ctx context.Context, name string) (hecate.CollectionID, error) {
			id, err := find(ctx, name)
			if name == own && errors.Is(err, hecate.NotFound) {
				return selfType, nil
			}
			return id, err
		}
		g, err := s.values.readRecord(ctx, raw)
		s.ids[i] = g.id
		var f *failure
		switch {
		case err == nil && g.id.typ == hecate.ProfileName:
			// That is what profiles are called inside: no other type can be called so.
			s.ids[i], f = recordID{}, invalid(`record type "`+g.id.typ+`" is reserved`, "id")
		case err == nil:
			s.given, s.places = append(s.given, g), append(s.places, i)
			continue
		case !errors.As(err, &f) || f.code == incompatibleSchema:
			return err
		}
		s.faults[i] = f
	}
	return nil
}

// typeIn is the type of a record that is about to be read, "" when it has none.
func typeIn(raw any) string {
	id, _ := parseRecordID(idIn(raw))
	return id.typ
}

// undecodable is the failure of an atomic batch with records that cannot be read.
func (s *saving) undecodable() *failure {
	var each []any
	for _, f := range s.faults {
		if f != nil {
			each = append(each, f.asInfo())
		}
	}
	return invalid(textBadBatch).with("arguments", "records").with("errors", each)
}

// items are the records as the engine takes them. The users whom they name are looked up all at once.
func (s *saving) items(ctx context.Context) ([]engine.SaveInput, error) {
	var keys []string
	for _, g := range s.given {
		if g.access != nil {
			keys = append(keys, g.access.users()...)
		}
	}
	users, err := s.api.userIDs(ctx, s.call.app, keys)
	if err != nil {
		return nil, err
	}
	items := make([]engine.SaveInput, len(s.given))
	for i, g := range s.given {
		t, err := s.api.collectionOf(ctx, s.call.app, g.id.typ) // cached
		if err != nil && !errors.Is(err, hecate.NotFound) {
			return nil, err
		}
		if err != nil {
			t = nil
		}
		if items[i], err = s.item(g, t, users); err != nil {
			return nil, err
		}
	}
	return items, nil
}

// item is one record as the engine takes it; t is nil where there is no such type yet.
func (s *saving) item(g givenRecord, t *hecate.Collection, users map[string]hecate.UserID) (engine.SaveInput, error) {
	in := engine.SaveInput{Collection: g.id.collection(), Input: s.base}
	in.Input.Key = g.id.key
	if g.id.typ == userType {
		if err := splitNames(g.fields, &in); err != nil {
			return in, err
		}
		maps.DeleteFunc(g.fields, func(name string, _ any) bool { return s.verify.owns(name) })
		in.Letters = s.letters
	}
	in.Input.Values = make(hecate.Values, len(g.fields))
	for _, name := range slices.Sorted(maps.Keys(g.fields)) {
		value := g.fields[name]
		if t != nil && t.Field(name) != nil {
			fitting, err := fit(t.Field(name), value)
			if err != nil {
				return in, err
			}
			if _, counts := value.(sequence); !counts {
				in.Input.Values[name] = fitting
			}
			continue
		}
		if _, counts := value.(sequence); counts {
			in.Fields = append(in.Fields, hecate.Field{Name: name, Type: hecate.SequenceType, Indexed: true})
			continue
		}
		in.Input.Values[name] = value
	}
	grant(&in.Input, g.access, t, users)
	return in, nil
}

// splitNames takes out of a user's record what is no value of the profile. When he last signed in is the server's own.
func splitNames(fields map[string]any, in *engine.SaveInput) error {
	for name, into := range map[string]**string{usernameField: &in.Username, emailField: &in.Email} {
		value, given := fields[name]
		if !given {
			continue
		}
		text, isText := value.(string)
		if value != nil && !isText {
			return conflictingName(name)
		}
		*into = &text
		delete(fields, name)
	}
	delete(fields, lastLoginField)
	return nil
}

// grant says what access the record gets: a new one what is given, else what its type gives, else openAccess. One that is there
// keeps what it has unless something is given.
func grant(in *engine.RecordInput, given *givenAccess, t *hecate.Collection, users map[string]hecate.UserID) {
	var defaults *hecate.Access
	if t != nil {
		defaults = t.Defaults
	}
	in.Access = func(current hecate.Access, _ hecate.Permissions) (hecate.Access, error) {
		switch {
		case given != nil:
			return given.access(users, hecate.Access{}), nil
		case current.Own:
			return current, nil
		}
		return openAccess(), nil
	}
	if given != nil {
		in.Extra = withRelations(nil, given)
	}
	in.Resolve = func(current *hecate.Record, in *engine.RecordInput) error {
		in.Extra, in.Access = nil, nil
		if given != nil {
			in.Extra = withRelations(current.Extra, given)
			in.Access = func(now hecate.Access, _ hecate.Permissions) (hecate.Access, error) {
				return given.access(users, now), nil
			}
			return nil
		}
		if _, null := entriesOf(current.Access, current.Extra, nameOfID); null && defaults != nil && !isOpenProfile(current.Access) {
			// A stored null becomes what the type now gives: contracts/skygear.md 4.2.
			in.Access = func(hecate.Access, hecate.Permissions) (hecate.Access, error) { return *defaults, nil }
		}
		return nil
	}
}

func nameOfID(id hecate.UserID) string { return string(id) }

// withRelations is extra with what it must keep of the entries given; what other dialects keep there stays.
func withRelations(extra hecate.Extra, given *givenAccess) hecate.Extra {
	kept := given.relations()
	_, had := extra[extraName][keptRelations]
	if kept == nil && !had {
		return extra
	}
	out := maps.Clone(extra)
	if out == nil {
		out = hecate.Extra{}
	}
	own := maps.Clone(extra[extraName])
	if own == nil {
		own = map[string]any{}
	}
	delete(own, keptRelations)
	maps.Copy(own, kept)
	out[extraName] = own
	return out
}

// results puts what was saved beside what could not be read, in the order of the request.
func (s *saving) results(saved []engine.SaveResult) []engine.SaveResult {
	all := make([]engine.SaveResult, len(s.ids))
	for i, f := range s.faults {
		if f != nil {
			all[i].Err = f
		}
	}
	for i, at := range s.places {
		all[at] = saved[i]
	}
	return all
}

// answer answers the results; an id that could not be read is left out.
func (s *saving) answer(w *web.Response, r *web.Request, results []engine.SaveResult) error {
	return s.api.answerItems(w, r, s.call, results, s.ids, saveFailure, nil)
}

// saveFailure shows why one record was not saved.
func saveFailure(err error, id recordID) *failure {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	d := hecate.Detail(err)
	switch {
	case errors.Is(err, hecate.Forbidden) && d.Field == "collection":
		return fail(permissionDenied, textNoCreate)
	case errors.Is(err, hecate.Forbidden) && d.Field != "" && d.Field != "record":
		return fail(deniedArgument, "the field may not be written").about(d.Field)
	case errors.Is(err, hecate.Invalid) && d.Info["missing"] != nil && d.Field != "owner":
		return fail(constraintViolated, `the record that "`+d.Field+`" refers to does not exist`)
	}
	return translate(err)
}
