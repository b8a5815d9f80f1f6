package store

import (
	"context"
	"encoding/binary"
	"hash/maphash"
	"math"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/maypok86/otter/v2"

	"hecate"
)

// foundRoom bounds what is kept of searches, in bytes.
const foundRoom = 16 << 20

// found is what searches of records found, by their statements: what nothing has changed is not searched again. Where this process is
// the only one that writes, it knows when that was.
type found struct {
	pages *otter.Cache[string, foundPage]
}

type foundPage struct {
	hecate.Page[Stamp]
	state uint64 // of what the search looked at, before it did
}

func newFound() *found {
	weight := func(key string, p foundPage) uint32 { return uint32(128 + len(key) + 16*len(p.Rows)) }
	return &found{pages: otter.Must(&otter.Options[string, foundPage]{MaximumWeight: foundRoom, Weigher: weight})}
}

// Stamps returns the stamps of the records on the page that s asks for; they are read-only. Kinds: Invalid and TooLarge on "query".
func (db *DB) Stamps(ctx context.Context, s Search) (hecate.Page[Stamp], error) {
	text, args, err := db.compileSearch(s, stampColumns)
	if err != nil {
		return hecate.Page[Stamp]{}, err
	}
	read := func() (hecate.Page[Stamp], error) { return search(ctx, db, s, text, args, scanStamp) }
	state, exact := db.eng.state(string(s.Collection.App))
	if !exact || db.tx != nil || text == "" || plain(args) != nil {
		return read()
	}
	key := foundKey(s.Query, text, args)
	if p, ok := db.found.pages.GetIfPresent(key); ok && p.state == state {
		return p.Page, nil
	}
	page, err := read()
	if err == nil {
		db.found.pages.Set(key, foundPage{page, state})
	}
	return page, err
}

// foundKey tells searches apart that could find different things: one statement may serve both directions.
func foundKey(q hecate.Query, text string, args []any) string {
	size := len(text) + 10
	for _, a := range args {
		s, _ := a.(string)
		size += 9 + len(s)
	}
	key := make([]byte, 0, size)
	number := func(kind byte, n uint64) { key = binary.LittleEndian.AppendUint64(append(key, kind), n) }
	count := -1
	if q.Count {
		count = q.CountMax
	}
	number('c', uint64(count))
	key = append(key, byte(boolNumber(q.Backward)))
	for _, a := range args {
		switch a := a.(type) {
		case nil:
			key = append(key, 'n')
		case bool:
			key = append(key, 'b', byte(boolNumber(a)))
		case int64:
			number('i', uint64(a))
		case float64:
			number('f', math.Float64bits(a))
		case string:
			number('s', uint64(len(a)))
			key = append(key, a...)
		case []byte:
			number('y', uint64(len(a)))
			key = append(key, a...)
		}
	}
	return string(append(key, text...))
}

// states are numbers that grow with every commit that may change what a search of an app finds. Apps may share one.
type states struct {
	seed    maphash.Seed
	numbers [256]atomic.Uint64
	all     atomic.Uint64

	touched  [256]bool // by the transaction under way; the writer's own
	anything bool
}

func (s *states) of(app string) uint64 {
	// Both only grow, so that their sum never comes twice.
	return s.numbers[s.at(app)].Load() + s.all.Load()
}

func (s *states) at(app string) uint64 { return maphash.String(s.seed, app) & 255 }

// unsearched are the tables that change most and that no search of records looks at.
var unsearched = []string{"sessions", "session_uses", "tickets", "events", "outbox", "serials"}

// touch notes a statement of a write and reports whether it changes anything. Every one that changes something of an app has it
// as its first value.
func (s *states) touch(text string, args []any) bool {
	table, writes := written(text)
	if !writes || slices.Contains(unsearched, table) {
		return writes
	}
	if len(args) > 0 {
		if app, ok := args[0].(string); ok {
			s.touched[s.at(app)] = true
			return true
		}
	}
	s.anything = true
	return true
}

// written returns the table that a statement changes, "" where that is not clear; writes is false for one that only reads.
func written(text string) (table string, writes bool) {
	words := strings.Fields(text[:min(len(text), 64)])
	switch {
	case len(words) > 0 && words[0] == "select":
		return "", false
	case len(words) > 2 && (words[0] == "insert" || words[0] == "delete"):
		return words[2], true
	case len(words) > 1 && words[0] == "update":
		return words[1], true
	}
	return "", true
}

// committed makes the states of what was touched others than before. It comes after the commit and before anybody is told of it.
func (s *states) committed() {
	for i, touched := range s.touched {
		if touched {
			s.numbers[i].Add(1)
		}
	}
	if s.anything {
		s.all.Add(1)
	}
	clear(s.touched[:])
	s.anything = false
}
