package engine

import (
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hecate"
)

// nodes are two engines on one database, of which the second hears nothing of the first, and one that keeps nothing.
type nodes struct {
	*records
	deaf, bare *Engine
}

func withNodes(t *testing.T, fn func(t *testing.T, n *nodes)) {
	t.Helper()
	withRecords(t, func(t *testing.T, h *records) {
		n := &nodes{records: h, deaf: New(h.config), bare: New(h.config)}
		h.cache.off.Store(false)
		n.deaf.cache.off.Store(false)
		n.bare.cache.off.Store(true)
		fn(t, n)
	})
}

// seenBy lets those read and change a record that an owner shows it to.
func seenBy(subjects ...hecate.Subject) func(hecate.Access, hecate.Permissions) (hecate.Access, error) {
	grants := []hecate.Grant{{Subject: hecate.Owner, Permissions: hecate.AllPermissions}}
	for _, s := range subjects {
		grants = append(grants, hecate.Grant{Subject: s, Permissions: hecate.Read})
	}
	return ownedBy(grants...)
}

// TestPagesThroughTheCache compares pages with those of an engine without one, after changes of any kind.
func TestPagesThroughTheCache(t *testing.T) {
	withNodes(t, func(t *testing.T, n *nodes) {
		ann, bob := n.as(n.app, n.key, n.user(n.owner, "ann")), n.as(n.app, n.key, n.user(n.owner, "bob"))
		actors := []*hecate.Actor{ann, bob, n.owner}
		s := hecate.FieldOperand(n.c.Field("s"))
		queries := []hecate.Query{
			{Limit: 100},
			{Limit: 3, SeqDesc: true, Count: true},
			{Limit: 100, Filter: hecate.Filter{Op: hecate.OpEqual, Operand: s, Value: "b"}},
			{Limit: 5, Order: []hecate.Order{{Operand: s, Desc: true}}},
			{Limit: 4, Offset: 2, Backward: true, Order: []hecate.Order{{Operand: s}}},
		}
		texts := rapid.SampledFrom([]string{"a", "b", "c"})
		shows := rapid.SampledFrom([][]hecate.Subject{{}, {hecate.Anyone}, {hecate.SubjectUser(bob.User.ID)}, {hecate.SubjectUser(ann.User.ID), hecate.SubjectUser(bob.User.ID)}})
		var all []hecate.RecordID
		named := 0
		rapid.Check(t, func(r *rapid.T) {
			pick := func() (RecordRef, bool) {
				if len(all) == 0 {
					return RecordRef{}, false
				}
				return RecordRef{ID: rapid.SampledFrom(all).Draw(r, "record")}, true
			}
			change := func(in RecordInput) {
				if ref, ok := pick(); ok {
					must[*hecate.Record](t)(n.UpdateRecord(ctx, n.owner, n.c, ref, in))
				}
			}
			for range rapid.IntRange(1, 6).Draw(r, "changes") {
				switch rapid.IntRange(0, 6).Draw(r, "change") {
				case 0, 1:
					made := must[*hecate.Record](t)(n.CreateRecord(ctx, rapid.SampledFrom(actors).Draw(r, "maker"), n.c,
						RecordInput{Values: hecate.Values{"s": texts.Draw(r, "text")}, Access: seenBy(shows.Draw(r, "shown to")...)}))
					all = append(all, made.ID)
				case 2:
					change(RecordInput{Values: hecate.Values{"s": texts.Draw(r, "text"), "o": map[string]any{"n": int64(len(all))}}})
				case 3:
					change(RecordInput{Access: seenBy(shows.Draw(r, "shown to")...)})
				case 4:
					change(RecordInput{Owner: &bob.User.ID})
				case 5:
					if ref, ok := pick(); ok {
						works(t, n.DeleteRecord(ctx, n.owner, n.c, ref))
						left := all[:0]
						for _, id := range all {
							if id != ref.ID {
								left = append(left, id)
							}
						}
						all = left
					}
				case 6: // a field gets another name, so that the same stored values are known by others
					from, to := "n", "n"+fmt.Sprint(named+1)
					if named > 0 {
						from = "n" + fmt.Sprint(named)
					}
					named++
					change(RecordInput{Values: hecate.Values{from: int64(7)}})
					n.c = must[*hecate.Collection](t)(n.RenameField(ctx, n.owner, n.c.Name, from, to))
				}
				n.clock.move(rapid.SampledFrom([]time.Duration{0, time.Microsecond}).Draw(r, "time"))
			}
			actor, q := rapid.SampledFrom(actors).Draw(r, "reader"), rapid.SampledFrom(queries).Draw(r, "query")
			want := must[hecate.Page[*hecate.Record]](t)(n.bare.Records(ctx, actor, n.c, q))
			for name, e := range map[string]*Engine{"the node that wrote": n.Engine, "a node that hears nothing": n.deaf} {
				if got := must[hecate.Page[*hecate.Record]](t)(e.Records(ctx, actor, n.c, q)); !reflect.DeepEqual(got, want) {
					r.Fatalf("%s shows\n%+v, want\n%+v", name, got, want)
				}
			}
		})
	})
}

// TestPagesWhileOthersWrite reads pages while records appear, change, are hidden and go. What a page shows is what was there at one
// moment: no half of a change, nothing of a state that its reader may not see, nothing older than what was confirmed before.
func TestPagesWhileOthersWrite(t *testing.T) {
	withNodes(t, func(t *testing.T, n *nodes) {
		ann, bob := n.as(n.app, n.key, n.user(n.owner, "ann")), n.as(n.app, n.key, n.user(n.owner, "bob"))
		const records, rounds = 8, 60
		made := make([]*hecate.Record, records)
		for i := range made {
			made[i] = must[*hecate.Record](t)(n.CreateRecord(ctx, ann, n.c, RecordInput{Values: hecate.Values{"i": int64(0), "n": int64(0)}, Access: seenBy(hecate.Anyone)}))
		}
		var confirmed sync.Map // RecordID -> the number of its last confirmed change
		done := make(chan struct{})
		var writers, readers sync.WaitGroup
		for i := range records {
			writers.Go(func() {
				for k := int64(1); k <= rounds; k++ {
					show := seenBy() // odd states are ann's alone
					if k%2 == 0 {
						show = seenBy(hecate.Anyone)
					}
					_, err := n.UpdateRecord(ctx, ann, n.c, RecordRef{ID: made[i].ID}, RecordInput{Values: hecate.Values{"i": k, "n": k}, Access: show})
					if err != nil {
						t.Error(err)
						return
					}
					confirmed.Store(made[i].ID, k)
				}
			})
		}
		for _, e := range []*Engine{n.Engine, n.deaf} {
			readers.Go(func() {
				for {
					select {
					case <-done:
						return
					default:
					}
					least := map[hecate.RecordID]int64{}
					confirmed.Range(func(id, k any) bool { least[id.(hecate.RecordID)] = k.(int64); return true })
					page, err := e.Records(ctx, bob, n.c, hecate.Query{Limit: 100})
					if err != nil {
						t.Error(err)
						return
					}
					for _, r := range page.Rows {
						i := r.Values["i"].(int64)
						if i != r.Values["n"] || i%2 != 0 || i < least[r.ID] {
							t.Errorf("bob sees i = %v, n = %v, at least %d was confirmed", i, r.Values["n"], least[r.ID])
							return
						}
					}
				}
			})
		}
		writers.Wait()
		close(done)
		readers.Wait()
	})
}
