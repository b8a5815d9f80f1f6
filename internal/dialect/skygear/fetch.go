package skygear

import (
	"errors"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// maxRecords bounds the records that one request names.
const maxRecords = hecate.MaxPage

const textNoDelete = "cannot delete user record"

// recordFetch answers records by id, each for itself.
func (a *api) recordFetch(w *web.Response, r *web.Request, c *call) error {
	d, err := readDatabase(c)
	if err != nil {
		return err
	}
	ids, err := readSomeIDs(c.args)
	if err != nil {
		return err
	}
	space, err := a.space(r, c, d)
	if err != nil {
		return err
	}
	found, err := a.engine.RecordsByKey(r.Context(), c.actor, space, recordNames(ids))
	if err != nil {
		return err
	}
	return a.answerItems(w, r, c, found, ids, itemFailure, nil)
}

// recordDelete deletes records, each for itself or all of them or none.
func (a *api) recordDelete(w *web.Response, r *web.Request, c *call) error {
	d, err := readDatabase(c)
	if err != nil {
		return err
	}
	if err := d.writable(); err != nil {
		return err
	}
	ids, err := readSomeIDs(c.args)
	if err != nil {
		return err
	}
	atomic, err := c.args.bool("atomic")
	if err != nil {
		return err
	}
	space, err := a.space(r, c, d)
	if err != nil {
		return err
	}
	results, err := a.engine.DeleteRecords(r.Context(), c.actor, space, recordNames(ids), atomic)
	if err != nil {
		return err
	}
	if atomic {
		if err := atomicFailure(results, ids, deleteFailure); err != nil {
			return err
		}
	}
	return a.answerItems(w, r, c, results, ids, deleteFailure, writeDeleted)
}

func readSomeIDs(args payload) ([]recordID, error) {
	ids, err := readIDs(args)
	if err == nil && len(ids) > maxRecords {
		return nil, invalid("too many records in one request", "ids")
	}
	return ids, err
}

// recordNames are the ids as the engine takes them.
func recordNames(ids []recordID) []engine.RecordName {
	names := make([]engine.RecordName, len(ids))
	for i, id := range ids {
		names[i] = engine.RecordName{Collection: id.collection(), Key: id.key}
	}
	return names
}

// shown is the id of an item, "" where none could be read.
func (id recordID) shown() string {
	if id.typ == "" {
		return ""
	}
	return id.String()
}

// collection is the name of the collection that holds the records of the type; "" for a type that cannot be.
func (id recordID) collection() string {
	switch {
	case id.typ == userType:
		return hecate.ProfileName
	case unusable(id.typ):
		return ""
	}
	return id.typ
}

// unusable reports whether no record can be of that type: it is reserved, or it is what profiles are called by others.
func unusable(typ string) bool { return reserved(typ) || typ == hecate.ProfileName }

// space is where the engine looks for the records of a database. Kinds: NotFound for the database of nobody.
func (a *api) space(r *web.Request, c *call, d database) (engine.Space, error) {
	switch {
	case d.union:
		return engine.Space{All: true}, nil
	case !d.private:
		return engine.Space{}, nil
	case d.owner == "":
		return engine.Space{Private: c.actor.UserID()}, nil
	}
	u, err := a.engine.LookupUser(r.Context(), c.app.ID, engine.UserRef{Key: d.owner})
	if err != nil {
		return engine.Space{}, err
	}
	return engine.Space{Private: u.ID}, nil
}

// answerItems answers the results of a batch, in the order of ids. done writes what was a success; nil: the record.
func (a *api) answerItems(w *web.Response, r *web.Request, c *call, results []engine.SaveResult, ids []recordID, failed func(error, recordID) *failure, done func(*jsonWriter, recordID)) error {
	records := make([]*hecate.Record, len(results))
	for i := range results {
		if err := results[i].Err; err != nil && hecate.KindOf(err) == hecate.Internal {
			return err
		}
		records[i] = results[i].Record
	}
	var v *view
	if done == nil {
		var err error
		if v, err = a.viewOf(r, c, records); err != nil {
			return err
		}
	}
	j := newJSON(make([]byte, 0, 256*len(results)))
	j.OpenList()
	for i := range results {
		switch {
		case results[i].Err != nil:
			failed(results[i].Err, ids[i]).writeItem(&j, ids[i].shown())
		case done != nil:
			done(&j, ids[i])
		default:
			j.Comma()
			j.Buf = v.append(j.Buf, records[i], nil)
		}
	}
	j.CloseList()
	return answerResult(w, j.Buf)
}

// atomicFailure is the failure of an atomic batch, nil when nothing failed.
func atomicFailure(results []engine.SaveResult, ids []recordID, failed func(error, recordID) *failure) error {
	each := map[string]*failure{}
	for i := range results {
		if err := results[i].Err; err != nil {
			if hecate.KindOf(err) == hecate.Internal {
				return err
			}
			each[ids[i].String()] = failed(err, ids[i])
		}
	}
	if len(each) == 0 {
		return nil
	}
	return rolledBack(each)
}

// itemFailure shows why one record is not there.
func itemFailure(err error, _ recordID) *failure { return translate(err) }

// deleteFailure shows why one record was not deleted.
func deleteFailure(err error, id recordID) *failure {
	d := hecate.Detail(err)
	switch {
	case errors.Is(err, hecate.Exists) && d.Field == "reference":
		return fail(constraintViolated, "delete "+id.String()+": failed to delete record because other records have reference to it")
	case errors.Is(err, hecate.Forbidden) && id.typ == userType:
		return fail(permissionDenied, textNoDelete)
	}
	return translate(err)
}
