package engine

import (
	"context"
	"strconv"

	"hecate"
	"hecate/internal/store"
)

// known is a record as the cache has it.
type known struct {
	record *hecate.Record
	by     naming
	weight uint32 // in records of up to a kilobyte
}

// naming is what of a collection decides by what names the values of its records are known.
type naming struct {
	revision int64
	open     bool
}

func namingOf(c *hecate.Collection) naming { return naming{c.Revision, c.Open} }

// recordByID and recordBySeq are the names of a record in the cache.
func recordByID(c *hecate.Collection, id hecate.RecordID) string {
	return string(c.App) + "/" + string(c.ID) + "/" + string(id)
}

func recordBySeq(c *hecate.Collection, seq int64) string {
	room := [96]byte{}
	name := append(append(append(append(room[:0], c.App...), '/'), c.ID...), "/#"...)
	return string(strconv.AppendInt(name, seq, 10))
}

// knownRecord returns a record of c from the cache, nil where it is not there as the schema of c has it.
func (e *Engine) knownRecord(c *hecate.Collection, name string) *hecate.Record {
	k, ok := e.cache.records.peek(name)
	if !ok || k.by != namingOf(c) {
		return nil
	}
	return k.record
}

// knowRecord keeps a record of c that was read since the generation was.
func (e *Engine) knowRecord(c *hecate.Collection, name string, s store.Stored, before uint64) {
	e.cache.records.keep(name, known{record: s.Record, by: namingOf(c), weight: uint32(1 + s.Size>>10)}, before)
}

// page reads a page in two steps: which records are on it, and in what state, says the database in one statement, and those
// that the cache does not have in that state are read in another. Where the two do not agree, because somebody has changed one of the
// records in between, one statement reads the whole page: what the caller gets was so at one moment.
func (e *Engine) page(ctx context.Context, s store.Search) (hecate.Page[*hecate.Record], error) {
	if e.cache.off.Load() {
		return e.db.Records(ctx, s)
	}
	stamps, err := e.db.Stamps(ctx, s)
	if err != nil {
		return hecate.Page[*hecate.Record]{}, err
	}
	rows, whole, err := e.recordsAt(ctx, s.Collection, stamps.Rows)
	if err != nil {
		return hecate.Page[*hecate.Record]{}, err
	}
	if !whole {
		return e.db.Records(ctx, s)
	}
	return hecate.Page[*hecate.Record]{Rows: rows, More: stamps.More, Count: stamps.Count}, nil
}

// recordsAt returns records of c in the states that the stamps name; whole is false where one of them is in that state no more.
func (e *Engine) recordsAt(ctx context.Context, c *hecate.Collection, stamps []store.Stamp) (rows []*hecate.Record, whole bool, err error) {
	rows = make([]*hecate.Record, len(stamps))
	var seqs []int64
	for i, at := range stamps {
		if r := e.knownRecord(c, recordBySeq(c, at.Seq)); r != nil && store.StampOf(r) == at {
			rows[i] = r
		} else {
			seqs = append(seqs, at.Seq)
		}
	}
	if len(seqs) == 0 {
		return rows, true, nil
	}
	read, err := e.readRecords(ctx, c, seqs)
	if err != nil {
		return nil, false, err
	}
	for i, at := range stamps {
		if rows[i] == nil {
			rows[i] = read[at]
		}
		if rows[i] == nil {
			return nil, false, nil
		}
	}
	return rows, true, nil
}

// readRecords reads records of c in one statement, and keeps them.
func (e *Engine) readRecords(ctx context.Context, c *hecate.Collection, seqs []int64) (map[store.Stamp]*hecate.Record, error) {
	before := make(map[int64]uint64, len(seqs))
	for _, seq := range seqs {
		before[seq] = e.cache.records.gen(recordBySeq(c, seq)).Load()
	}
	stored, err := e.db.RecordsBySeq(ctx, c, seqs)
	if err != nil {
		return nil, err
	}
	read := make(map[store.Stamp]*hecate.Record, len(stored))
	for _, s := range stored {
		read[store.StampOf(s.Record)] = s.Record
		e.knowRecord(c, recordBySeq(c, s.Seq), s, before[s.Seq])
	}
	return read, nil
}
