package engine

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hecate"
)

// records is an app with a collection that any signed-in user may read and write.
type records struct {
	*house
	app   *hecate.App
	owner *hecate.Actor // of the app
	key   hecate.Secret // an API key without flags
	c     *hecate.Collection
}

// signedIn lets every signed-in user in.
var signedIn = hecate.Access{Own: true, Grants: []hecate.Grant{{Subject: hecate.Anyone, Permissions: hecate.Read | hecate.Create}}}

var testFields = []hecate.Field{
	{Name: "s", Type: hecate.StringType, Indexed: true, Ordered: true},
	{Name: "u", Type: hecate.StringType, Unique: true, Indexed: true},
	{Name: "i", Type: hecate.IntegerType, Indexed: true},
	{Name: "n", Type: hecate.NumberType},
	{Name: "b", Type: hecate.BooleanType},
	{Name: "t", Type: hecate.TimeType, Ordered: true},
	{Name: "f", Type: hecate.FileType},
	{Name: "r", Type: hecate.ReferenceType, Target: "self", Indexed: true},
	{Name: "rs", Type: hecate.RelationType, Target: "self", Indexed: true},
	{Name: "who", Type: hecate.ReferenceType, Target: hecate.UserTarget},
	{Name: "a", Type: hecate.ArrayType, Indexed: true},
	{Name: "o", Type: hecate.ObjectType},
	{Name: "g", Type: hecate.GeoType},
	{Name: "j", Type: hecate.JSONType},
	{Name: "q", Type: hecate.SequenceType},
}

func withRecords(t *testing.T, fn func(t *testing.T, h *records)) {
	t.Helper()
	inHouse(t, func(t *testing.T, h *house) {
		h.t = t
		r := &records{house: h}
		r.app, r.owner = h.app("app")
		r.key = h.key(r.owner, 0)
		r.c = r.collection("things", testFields...)
		fn(t, r)
	})
}

func (h *records) collection(name string, fields ...hecate.Field) *hecate.Collection {
	h.t.Helper()
	return must[*hecate.Collection](h.t)(h.CreateCollection(ctx, h.owner, CollectionInput{Name: name, Schema: fields, Access: signedIn}))
}

func (h *records) make(actor *hecate.Actor, v hecate.Values) *hecate.Record {
	h.t.Helper()
	return must[*hecate.Record](h.t)(h.CreateRecord(ctx, actor, h.c, RecordInput{Values: v}))
}

// load reads a record past the cache.
func (h *records) load(r *hecate.Record) *hecate.Record {
	h.t.Helper()
	h.cache.records.clear()
	return must[*hecate.Record](h.t)(h.Record(ctx, h.owner, h.c, RecordRef{ID: r.ID}))
}

func (h *records) change(actor *hecate.Actor, r *hecate.Record, in RecordInput) *hecate.Record {
	h.t.Helper()
	return must[*hecate.Record](h.t)(h.UpdateRecord(ctx, actor, h.c, RecordRef{ID: r.ID}, in))
}

func ownedBy(grants ...hecate.Grant) func(hecate.Access, hecate.Permissions) (hecate.Access, error) {
	return func(hecate.Access, hecate.Permissions) (hecate.Access, error) {
		return hecate.Access{Own: true, Grants: grants}, nil
	}
}

func TestEveryTypeOfValueIsKept(t *testing.T) {
	withRecords(t, func(t *testing.T, h *records) {
		user := h.user(h.owner, "ann")
		first, second := h.make(h.owner, nil), h.make(h.owner, nil)
		at := time.Date(2020, 2, 3, 4, 5, 6, 789000, time.FixedZone("", 3600))
		r := h.make(h.owner, hecate.Values{
			"s": "text", "i": int64(math.MaxInt64), "n": 1.0, "b": false, "t": at, "r": hecate.Ref{Seq: first.Seq},
			"rs":  []hecate.Ref{{ID: second.ID}, {Seq: first.Seq}, {Key: second.Key}, {Seq: 99999}},
			"who": hecate.Ref{Seq: user.User.Seq}, "a": []any{"x", int64(1), true, nil}, "o": map[string]any{"$time": "x", "k": nil},
			"g": hecate.Geo{Lat: 1.5, Lng: -2}, "j": []any{map[string]any{"deep": []any{}}},
		})
		one, two := hecate.Ref{Collection: h.c.ID, ID: first.ID, Seq: first.Seq}, hecate.Ref{Collection: h.c.ID, ID: second.ID, Seq: second.Seq}
		want := hecate.Values{
			"s": "text", "i": int64(math.MaxInt64), "n": 1.0, "b": false, "t": at.UTC(), "r": one, "rs": []hecate.Ref{two, one},
			"who": hecate.Ref{Collection: hecate.UserTarget, ID: hecate.RecordID(user.User.ID), Seq: user.User.Seq},
			"a":   []any{"x", int64(1), true, nil}, "o": map[string]any{"$time": "x", "k": nil},
			"g": hecate.Geo{Lat: 1.5, Lng: -2}, "j": []any{map[string]any{"deep": []any{}}}, "q": int64(3),
		}
		for _, got := range []*hecate.Record{r, h.load(r)} {
			if !reflect.DeepEqual(got.Values, want) {
				t.Errorf("got  %v\nwant %v", got.Values, want)
			}
		}
		if r.Version != 1 || r.Key != string(r.ID) || !r.CreatedAt.Equal(h.clock.now()) || !r.UpdatedAt.Equal(r.CreatedAt) {
			t.Errorf("%+v", r)
		}
	})
}

func TestBadValuesAreRefusedOnTheirField(t *testing.T) {
	withRecords(t, func(t *testing.T, h *records) {
		deep := any("x")
		for range 40 {
			deep = []any{deep}
		}
		for _, test := range []struct {
			field string
			value any
			kind  hecate.Kind
			on    string
		}{
			{"s", 1, hecate.Invalid, "s"}, {"s", "a\x00", hecate.Invalid, "s"}, {"s", "\xff", hecate.Invalid, "s"},
			{"i", 1.5, hecate.Invalid, "i"}, {"i", "1", hecate.Invalid, "i"}, {"i", 1e19, hecate.Invalid, "i"},
			{"n", math.NaN(), hecate.Invalid, "n"}, {"n", math.Inf(1), hecate.Invalid, "n"},
			{"b", "true", hecate.Invalid, "b"}, {"t", "2020", hecate.Invalid, "t"}, {"t", time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), hecate.Invalid, "t"},
			{"f", hecate.FileRef{ID: "none"}, hecate.Invalid, "f"}, {"f", "x", hecate.Invalid, "f"},
			{"r", hecate.Ref{Seq: 12345}, hecate.Invalid, "r"}, {"r", hecate.Ref{}, hecate.Invalid, "r"}, {"r", hecate.Ref{ID: "\x00"}, hecate.Invalid, "r"}, {"r", 1, hecate.Invalid, "r"},
			{"rs", []any{1}, hecate.Invalid, "rs"}, {"rs", make([]hecate.Ref, 5000), 0, ""},
			{"a", map[string]any{}, hecate.Invalid, "a"}, {"a", []any{[]any{"\xff"}}, hecate.Invalid, "a"}, {"a", []any{struct{}{}}, hecate.Invalid, "a"},
			{"o", []any{}, hecate.Invalid, "o"}, {"o", map[string]any{"a\x00": 1}, hecate.Invalid, "o"}, {"j", []any{hecate.FileRef{ID: "x"}}, hecate.Invalid, "j"},
			{"g", hecate.Geo{Lat: 91}, hecate.Invalid, "g"}, {"g", hecate.Geo{Lng: math.NaN()}, hecate.Invalid, "g"},
			{"unknown", "x", hecate.Invalid, "unknown"}, {"j", deep, hecate.TooLarge, "record"},
			{"s", strings.Repeat("x", 1<<20), hecate.TooLarge, "record"},
		} {
			_, err := h.CreateRecord(ctx, h.owner, h.c, RecordInput{Values: hecate.Values{test.field: test.value}})
			if test.kind == 0 {
				works(t, err)
				continue
			}
			fails(t, err, test.kind, test.on)
		}
		_, err := h.CreateRecord(ctx, h.owner, h.c, RecordInput{Values: hecate.Values{"r": hecate.Ref{Seq: 777}}})
		if hecate.Detail(err).Info["missing"] != (hecate.Ref{Seq: 777}) {
			t.Errorf("missing = %v", hecate.Detail(err).Info)
		}
		for _, key := range []string{"a\x00", "\xff", "a\nb", strings.Repeat("k", 600)} {
			_, err := h.CreateRecord(ctx, h.owner, h.c, RecordInput{Key: key})
			fails(t, err, hecate.Invalid, "key")
		}
		if page := must[hecate.Page[*hecate.Record]](t)(h.Records(ctx, h.owner, h.c, hecate.Query{Count: true})); page.Count != 1 {
			t.Errorf("%d records were made", page.Count)
		}
	})
}

func TestChangesAreComputedFromWhatIsStored(t *testing.T) {
	withRecords(t, func(t *testing.T, h *records) {
		x, y := h.make(h.owner, nil), h.make(h.owner, nil)
		r := h.make(h.owner, nil)
		ref := func(r *hecate.Record) hecate.Ref { return hecate.Ref{Seq: r.Seq} }
		apply := func(cs ...hecate.Change) hecate.Values {
			t.Helper()
			return h.change(h.owner, r, RecordInput{Changes: cs}).Values
		}
		v := apply(
			hecate.Change{Field: "i", Op: hecate.Increment, Value: int64(2)}, hecate.Change{Field: "i", Op: hecate.Increment, Value: int64(-5)},
			hecate.Change{Field: "n", Op: hecate.Increment, Value: 0.5},
			hecate.Change{Field: "a", Op: hecate.AddItems, Value: []any{"x", int64(1), "x"}},
			hecate.Change{Field: "rs", Op: hecate.AddItems, Value: []hecate.Ref{ref(x), ref(y), ref(x), {Seq: 9999}}},
		)
		if v["i"] != int64(-3) || v["n"] != 0.5 || len(v["a"].([]any)) != 3 || len(v["rs"].([]hecate.Ref)) != 2 {
			t.Errorf("%v", v)
		}
		v = apply(
			hecate.Change{Field: "n", Op: hecate.Increment, Value: int64(1)},
			hecate.Change{Field: "a", Op: hecate.AddUnique, Value: []any{"x", 1.0, "y"}},
			hecate.Change{Field: "rs", Op: hecate.RemoveItems, Value: []hecate.Ref{ref(x), {ID: "gone"}}},
		)
		if v["n"] != 1.5 || !reflect.DeepEqual(v["a"], []any{"x", int64(1), "x", "y"}) || len(v["rs"].([]hecate.Ref)) != 1 {
			t.Errorf("%v", v)
		}
		if v = apply(hecate.Change{Field: "a", Op: hecate.RemoveItems, Value: []any{"x", 1.0}}); !reflect.DeepEqual(v["a"], []any{"y"}) {
			t.Errorf("%v", v)
		}
		for _, bad := range []hecate.Change{
			{Field: "i", Op: hecate.Increment, Value: 0.5}, {Field: "i", Op: hecate.Increment, Value: "1"}, {Field: "i", Op: hecate.Increment, Value: int64(math.MinInt64)},
			{Field: "s", Op: hecate.AddItems, Value: []any{"x"}}, {Field: "a", Op: hecate.AddItems, Value: "x"}, {Field: "rs", Op: hecate.AddItems, Value: []any{"x"}},
			{Field: "none", Op: hecate.Increment, Value: int64(1)}, {Field: "s", Op: hecate.Increment, Value: int64(1)},
		} {
			r := r
			if bad.Field == "i" && bad.Value == int64(math.MinInt64) {
				h.change(h.owner, r, RecordInput{Values: hecate.Values{"i": int64(-1)}})
			}
			if bad.Field == "s" && bad.Op == hecate.Increment {
				h.change(h.owner, r, RecordInput{Values: hecate.Values{"s": "x"}})
			}
			_, err := h.UpdateRecord(ctx, h.owner, h.c, RecordRef{ID: r.ID}, RecordInput{Changes: []hecate.Change{bad}})
			fails(t, err, hecate.Invalid, bad.Field)
		}
	})
}

func TestNoIncrementIsLost(t *testing.T) {
	withRecords(t, func(t *testing.T, h *records) {
		r := h.make(h.owner, nil)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 5 {
					_, err := h.UpdateRecord(ctx, h.owner, h.c, RecordRef{Seq: r.Seq}, RecordInput{Changes: []hecate.Change{{Field: "i", Op: hecate.Increment, Value: int64(1)}}})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if got := h.load(r); got.Values["i"] != int64(40) || got.Version != 41 {
			t.Errorf("%v, version %d", got.Values, got.Version)
		}
	})
}

func TestVersionsGrowWithValuesOnly(t *testing.T) {
	withRecords(t, func(t *testing.T, h *records) {
		r := h.make(h.owner, hecate.Values{"s": "x", "i": int64(1)})
		h.clock.move(time.Minute)
		same := h.change(h.owner, r, RecordInput{Values: hecate.Values{"s": "x"}})
		if same.Version != 1 || !same.UpdatedAt.Equal(h.clock.now()) {
			t.Errorf("same values: version %d at %v", same.Version, same.UpdatedAt)
		}
		if got := h.change(h.owner, r, RecordInput{Access: ownedBy()}); got.Version != 1 || !got.Access.Own {
			t.Errorf("new grants: %+v", got)
		}
		if got := h.change(h.owner, r, RecordInput{Values: hecate.Values{"s": nil}}); got.Version != 2 || got.Values["s"] != nil || got.Values["i"] != int64(1) {
			t.Errorf("cleared: %+v", got)
		}
		_, err := h.UpdateRecord(ctx, h.owner, h.c, RecordRef{ID: r.ID}, RecordInput{Expect: 1})
		fails(t, err, hecate.Stale, "")
		if d := hecate.Detail(err); d.Info["expected"] != int64(1) || d.Info["current"] != int64(2) {
			t.Errorf("%v", d.Info)
		}
		h.change(h.owner, r, RecordInput{Expect: 2, Values: hecate.Values{"s": "y"}})
	})
}

func TestUniqueValuesAndKeys(t *testing.T) {
	withRecords(t, func(t *testing.T, h *records) {
		first := must[*hecate.Record](t)(h.CreateRecord(ctx, h.owner, h.c, RecordInput{Key: "k", Values: hecate.Values{"u": "x"}}))
		failed[*hecate.Record](t, hecate.Exists, "u")(h.CreateRecord(ctx, h.owner, h.c, RecordInput{Values: hecate.Values{"u": "x"}}))
		failed[*hecate.Record](t, hecate.Exists, "key")(h.CreateRecord(ctx, h.owner, h.c, RecordInput{Key: "k"}))
		other := h.make(h.owner, hecate.Values{"u": "X"})
		failed[*hecate.Record](t, hecate.Exists, "u")(h.UpdateRecord(ctx, h.owner, h.c, RecordRef{ID: other.ID}, RecordInput{Values: hecate.Values{"u": "x"}}))
		h.change(h.owner, first, RecordInput{Values: hecate.Values{"u": nil}})
		h.change(h.owner, other, RecordInput{Values: hecate.Values{"u": "x"}})
		works(t, h.DeleteRecord(ctx, h.owner, h.c, RecordRef{ID: other.ID}))
		h.make(h.owner, hecate.Values{"u": "x"})
		if got := must[*hecate.Record](t)(h.Record(ctx, h.owner, h.c, RecordRef{Key: "k"})); got.ID != first.ID {
			t.Error("found another record by its key")
		}
	})
}

func TestGrantsOfARecordDecide(t *testing.T) {
	withRecords(t, func(t *testing.T, h *records) {
		ann, bob := h.as(h.app, h.key, h.user(h.owner, "ann")), h.as(h.app, h.key, h.user(h.owner, "bob"))
		r := must[*hecate.Record](t)(h.CreateRecord(ctx, ann, h.c, RecordInput{Values: hecate.Values{"s": "x"},
			Access: ownedBy(hecate.Grant{Subject: hecate.Owner, Permissions: full})}))
		if r.Owner != ann.UserID() || r.OwnerSeq != ann.User.Seq || r.CreatedBy != ann.UserID() {
			t.Errorf("%+v", r)
		}
		ref := RecordRef{ID: r.ID}
		see := func(actor *hecate.Actor, want int) {
			t.Helper()
			page := must[hecate.Page[*hecate.Record]](t)(h.Records(ctx, actor, h.c, hecate.Query{Limit: 10, Count: true}))
			if len(page.Rows) != want || page.Count != want {
				t.Errorf("sees %d, counts %d, want %d", len(page.Rows), page.Count, want)
			}
		}
		see(ann, 1)
		see(bob, 0)
		failed[*hecate.Record](t, hecate.NotFound, "")(h.Record(ctx, bob, h.c, ref))
		failed[*hecate.Record](t, hecate.NotFound, "")(h.UpdateRecord(ctx, bob, h.c, ref, RecordInput{}))
		fails(t, h.DeleteRecord(ctx, bob, h.c, ref), hecate.NotFound, "")

		let := func(p hecate.Permissions) {
			h.change(ann, r, RecordInput{Access: ownedBy(hecate.Grant{Subject: hecate.Owner, Permissions: full}, hecate.Grant{Subject: hecate.SubjectUser(bob.UserID()), Permissions: p})})
		}
		let(hecate.Read)
		see(bob, 1)
		failed[*hecate.Record](t, hecate.Forbidden, "")(h.UpdateRecord(ctx, bob, h.c, ref, RecordInput{}))
		fails(t, h.DeleteRecord(ctx, bob, h.c, ref), hecate.Forbidden, "")
		let(hecate.Read | hecate.Update)
		// Without Manage the grants stay, silently.
		got := h.change(bob, r, RecordInput{Values: hecate.Values{"s": "y"}, Access: func(hecate.Access, hecate.Permissions) (hecate.Access, error) {
			t.Error("asked for grants")
			return hecate.Access{}, nil
		}})
		if got.Values["s"] != "y" || got.UpdatedBy != bob.UserID() || len(got.Access.Grants) != 2 {
			t.Errorf("%+v", got)
		}
		let(hecate.Read | hecate.Update | hecate.Manage)
		h.change(bob, r, RecordInput{Access: func(current hecate.Access, held hecate.Permissions) (hecate.Access, error) {
			if want := hecate.Read | hecate.Update | hecate.Manage | hecate.Create; held != want { // Create is the collection's
				t.Errorf("held = %b, want %b", held, want)
			}
			return current, nil
		}})
		failed[*hecate.Record](t, hecate.Invalid, "access")(h.UpdateRecord(ctx, ann, h.c, ref, RecordInput{Access: ownedBy(hecate.Grant{Subject: "nonsense", Permissions: 1})}))
		works(t, h.DeleteRecord(ctx, ann, h.c, ref))
		see(ann, 0)
	})
}

func TestOwnersAreChangedByManagersOnly(t *testing.T) {
	withRecords(t, func(t *testing.T, h *records) {
		a, b := h.user(h.owner, "ann"), h.user(h.owner, "bob")
		ann := h.as(h.app, h.key, a)
		failed[*hecate.Record](t, hecate.Forbidden, "owner")(h.CreateRecord(ctx, ann, h.c, RecordInput{Owner: &b.User.ID}))
		r := must[*hecate.Record](t)(h.CreateRecord(ctx, ann, h.c, RecordInput{Owner: &a.User.ID, Access: ownedBy(hecate.Grant{Subject: hecate.Owner, Permissions: full})}))
		failed[*hecate.Record](t, hecate.Forbidden, "owner")(h.UpdateRecord(ctx, ann, h.c, RecordRef{ID: r.ID}, RecordInput{Owner: &b.User.ID}))
		got := h.change(h.owner, r, RecordInput{Owner: &b.User.ID})
		if got.Owner != b.User.ID || got.OwnerSeq != b.User.Seq || got.Version != 1 {
			t.Errorf("%+v", got)
		}
		failed[*hecate.Record](t, hecate.NotFound, "")(h.Record(ctx, ann, h.c, RecordRef{ID: r.ID}))
		got = h.change(h.owner, r, RecordInput{Owner: ptr(hecate.UserID(""))})
		if got.Owner != "" || got.OwnerSeq != 0 {
			t.Errorf("%+v", got)
		}
		failed[*hecate.Record](t, hecate.Invalid, "owner")(h.UpdateRecord(ctx, h.owner, h.c, RecordRef{ID: r.ID}, RecordInput{Owner: ptr(hecate.UserID("nobody"))}))
	})
}

func TestPrivateRecordsAreTheirOwners(t *testing.T) {
	withRecords(t, func(t *testing.T, h *records) {
		ann, bob := h.as(h.app, h.key, h.user(h.owner, "ann")), h.as(h.app, h.key, h.user(h.owner, "bob"))
		public := ownedBy(hecate.Grant{Subject: hecate.Public, Permissions: full})
		r := must[*hecate.Record](t)(h.CreateRecord(ctx, ann, h.c, RecordInput{Private: true, Access: public}))
		failed[*hecate.Record](t, hecate.Invalid, "owner")(h.CreateRecord(ctx, h.owner, h.c, RecordInput{Private: true}))
		count := func(actor *hecate.Actor, private hecate.UserID) int {
			t.Helper()
			return len(must[hecate.Page[*hecate.Record]](t)(h.Records(ctx, actor, h.c, hecate.Query{Limit: 10, Private: private})).Rows)
		}
		if count(ann, "") != 0 || count(ann, ann.UserID()) != 1 || count(bob, bob.UserID()) != 0 || count(h.owner, ann.UserID()) != 1 {
			t.Error("private records are not where they belong")
		}
		failed[hecate.Page[*hecate.Record]](t, hecate.Forbidden, "")(h.Records(ctx, bob, h.c, hecate.Query{Limit: 1, Private: ann.UserID()}))
		failed[*hecate.Record](t, hecate.NotFound, "")(h.Record(ctx, bob, h.c, RecordRef{ID: r.ID}))
		failed[*hecate.Record](t, hecate.NotFound, "")(h.UpdateRecord(ctx, bob, h.c, RecordRef{ID: r.ID}, RecordInput{}))
		h.change(ann, r, RecordInput{Values: hecate.Values{"s": "x"}})
		// A private record is no target for references of the shared space.
		failed[*hecate.Record](t, hecate.Invalid, "r")(h.CreateRecord(ctx, ann, h.c, RecordInput{Values: hecate.Values{"r": hecate.Ref{Seq: r.Seq}}}))
		// From another one of the same space it may be, and is found through it.
		link := must[*hecate.Record](t)(h.CreateRecord(ctx, ann, h.c, RecordInput{Private: true, Values: hecate.Values{"r": hecate.Ref{Seq: r.Seq}}}))
		through := hecate.Filter{Op: hecate.OpJoined, Target: h.c.ID, Operand: hecate.FieldOperand(h.c.Field("r")), Sub: []hecate.Filter{{Op: hecate.OpEqual, Operand: hecate.FieldOperand(h.c.Field("s")), Value: "x"}}}
		for q, want := range map[hecate.UserID]int{ann.UserID(): 1, "": 0} {
			page := must[hecate.Page[*hecate.Record]](t)(h.Records(ctx, ann, h.c, hecate.Query{Limit: 9, Private: q, Filter: through}))
			if len(page.Rows) != want || want == 1 && page.Rows[0].ID != link.ID {
				t.Errorf("%q: %d records", q, len(page.Rows))
			}
		}
		works(t, h.DeleteRecord(ctx, ann, h.c, RecordRef{ID: r.ID}))
	})
}

func TestAClosedCollectionLetsNobodyIn(t *testing.T) {
	withRecords(t, func(t *testing.T, h *records) {
		ann := h.as(h.app, h.key, h.user(h.owner, "ann"))
		alone := h.enter(h.app, hecate.Proof{Key: h.key})
		r := must[*hecate.Record](t)(h.CreateRecord(ctx, ann, h.c, RecordInput{Access: ownedBy(hecate.Grant{Subject: hecate.Public, Permissions: full})}))
		for _, actor := range []*hecate.Actor{alone} {
			failed[*hecate.Record](t, hecate.Forbidden, "")(h.Record(ctx, actor, h.c, RecordRef{ID: r.ID}))
			failed[hecate.Page[*hecate.Record]](t, hecate.Forbidden, "")(h.Records(ctx, actor, h.c, hecate.Query{Limit: 1}))
			failed[*hecate.Record](t, hecate.Forbidden, "")(h.CreateRecord(ctx, actor, h.c, RecordInput{}))
			failed[*hecate.Record](t, hecate.Forbidden, "")(h.UpdateRecord(ctx, actor, h.c, RecordRef{ID: r.ID}, RecordInput{}))
			fails(t, h.DeleteRecord(ctx, actor, h.c, RecordRef{ID: r.ID}), hecate.Forbidden, "")
		}
		// A key that reads as anyone reads, and writes nothing.
		reader := h.enter(h.app, hecate.Proof{Key: h.house.key(h.owner, hecate.ReadsAsAnyone)})
		must[*hecate.Record](t)(h.Record(ctx, reader, h.c, RecordRef{ID: r.ID}))
		failed[*hecate.Record](t, hecate.Forbidden, "")(h.CreateRecord(ctx, reader, h.c, RecordInput{}))
	})
}

func TestRecordsOfOtherAppsDoNotExist(t *testing.T) {
	withRecords(t, func(t *testing.T, h *records) {
		r := h.make(h.owner, hecate.Values{"s": "x"})
		otherApp, otherOwner := h.house.app("other")
		c := must[*hecate.Collection](t)(h.CreateCollection(ctx, otherOwner, CollectionInput{Name: "things", Schema: testFields, Access: signedIn}))
		for _, ref := range []RecordRef{{ID: r.ID}, {Key: r.Key}, {Seq: r.Seq + 1000}} {
			failed[*hecate.Record](t, hecate.NotFound, "")(h.Record(ctx, otherOwner, c, ref))
			failed[*hecate.Record](t, hecate.NotFound, "")(h.UpdateRecord(ctx, otherOwner, c, ref, RecordInput{}))
			fails(t, h.DeleteRecord(ctx, otherOwner, c, ref), hecate.NotFound, "")
		}
		failed[*hecate.Record](t, hecate.Invalid, "r")(h.CreateRecord(ctx, otherOwner, c, RecordInput{Values: hecate.Values{"r": hecate.Ref{ID: r.ID}}}))
		failed[*hecate.Collection](t, hecate.NotFound, "")(h.LookupCollectionByID(ctx, otherApp.ID, h.c.ID))
		file := must[hecate.FileRef](t)(h.StageFile(ctx, h.owner, Upload{Name: "a", Bytes: strings.NewReader("x")}))
		failed[*hecate.Record](t, hecate.Invalid, "f")(h.CreateRecord(ctx, otherOwner, c, RecordInput{Values: hecate.Values{"f": file}}))
		if page := must[hecate.Page[*hecate.Record]](t)(h.Records(ctx, otherOwner, c, hecate.Query{Limit: 9, Filter: hecate.Filter{Op: hecate.OpEqual, Operand: hecate.FieldOperand(c.Field("s")), Value: "x"}})); len(page.Rows) != 0 {
			t.Error("saw a record of another app")
		}
	})
}

func TestAWarmRecordCostsNoQuery(t *testing.T) {
	h := newHouse(t, "sqlite", Config{OpenRegistration: true})
	r := &records{house: h}
	r.app, r.owner = h.app("app")
	r.c = r.collection("things", testFields...)
	made := r.make(r.owner, hecate.Values{"s": "x"})
	for _, ref := range []RecordRef{{ID: made.ID}, {Seq: made.Seq}} {
		must[*hecate.Record](t)(h.Record(ctx, r.owner, r.c, ref))
		dead, cancel := context.WithCancel(ctx)
		cancel() // the store refuses every query now
		must[*hecate.Record](t)(h.Record(dead, r.owner, r.c, ref))
		r.change(r.owner, made, RecordInput{Values: hecate.Values{"s": fmt.Sprint(ref)}})
		if got := must[*hecate.Record](t)(h.Record(ctx, r.owner, r.c, ref)); got.Values["s"] != fmt.Sprint(ref) {
			t.Errorf("%v is stale: %v", ref, got.Values)
		}
	}
	works(t, h.DeleteRecord(ctx, r.owner, r.c, RecordRef{ID: made.ID}))
	failed[*hecate.Record](t, hecate.NotFound, "")(h.Record(ctx, r.owner, r.c, RecordRef{ID: made.ID}))
}

func TestProfilesAreRecordsWithGuards(t *testing.T) {
	withRecords(t, func(t *testing.T, h *records) {
		c := must[*hecate.Collection](t)(h.Collection(ctx, h.owner, hecate.ProfileName))
		h.c = must[*hecate.Collection](t)(h.UpdateCollection(ctx, h.owner, "USERS", 0, func(in *CollectionInput) error {
			in.Schema = []hecate.Field{{Name: "nick", Type: hecate.StringType, Unique: true}}
			return nil
		}))
		if c.Seq != 1 || c.Kind != hecate.ProfileCollection {
			t.Errorf("%+v", c)
		}
		a, b := h.user(h.owner, "ann"), h.user(h.owner, "bob")
		ann, bob := h.as(h.app, h.key, a), h.as(h.app, h.key, b)
		ref := RecordRef{ID: a.User.ID.ProfileID()}
		p := must[*hecate.Record](t)(h.Record(ctx, ann, h.c, ref))
		if p.Owner != a.User.ID || p.OwnerSeq != a.User.Seq || p.Access.Of(hecate.Owner) != full || !p.Access.Own {
			t.Errorf("%+v", p)
		}
		failed[*hecate.Record](t, hecate.NotFound, "")(h.Record(ctx, bob, h.c, ref))
		must[*hecate.Record](t)(h.UpdateRecord(ctx, ann, h.c, ref, RecordInput{Values: hecate.Values{"nick": "a"}}))
		if d := must[*UserDetail](t)(h.User(ctx, h.owner, UserRef{ID: a.User.ID})); d.Profile.Values["nick"] != "a" {
			t.Errorf("the user shows an old profile: %v", d.Profile.Values)
		}
		failed[*hecate.Record](t, hecate.Exists, "nick")(h.UpdateRecord(ctx, bob, h.c, RecordRef{ID: b.User.ID.ProfileID()}, RecordInput{Values: hecate.Values{"nick": "a"}}))
		for _, actor := range []*hecate.Actor{ann, h.owner} {
			failed[*hecate.Record](t, hecate.Forbidden, "")(h.CreateRecord(ctx, actor, h.c, RecordInput{}))
			fails(t, h.DeleteRecord(ctx, actor, h.c, ref), hecate.Forbidden, "")
			failed[*hecate.Record](t, hecate.Forbidden, "owner")(h.UpdateRecord(ctx, actor, h.c, ref, RecordInput{Owner: &b.User.ID}))
		}
		fails(t, h.DeleteCollection(ctx, h.owner, "users"), hecate.Forbidden, "")
	})
}

func TestADeletedUserTakesItsRecordsAlong(t *testing.T) {
	withRecords(t, func(t *testing.T, h *records) {
		a, b := h.user(h.owner, "ann"), h.user(h.owner, "bob")
		ann, bob := h.as(h.app, h.key, a), h.as(h.app, h.key, b)
		file := must[hecate.FileRef](t)(h.StageFile(ctx, ann, Upload{Name: "x.txt", Bytes: strings.NewReader("bytes")}))
		gone := must[*hecate.Record](t)(h.CreateRecord(ctx, ann, h.c, RecordInput{Values: hecate.Values{"f": file}}))
		kept := must[*hecate.Record](t)(h.CreateRecord(ctx, bob, h.c, RecordInput{Access: ownedBy(hecate.Grant{Subject: hecate.SubjectUser(a.User.ID), Permissions: full})}))
		must[*hecate.Record](t)(h.Record(ctx, h.owner, h.c, RecordRef{ID: kept.ID}))
		works(t, h.DeleteUser(ctx, h.owner, UserRef{ID: a.User.ID}))
		failed[*hecate.Record](t, hecate.NotFound, "")(h.Record(ctx, h.owner, h.c, RecordRef{ID: gone.ID}))
		_, _, err := h.OpenFile(ctx, file.Handle)
		fails(t, err, hecate.NotFound, "")
		h.drops.Wait()
		if _, err := h.blobs.Open(ctx, blobName(h.app.ID, file.ID)); !errors.Is(err, hecate.NotFound) {
			t.Errorf("the bytes are still there: %v", err)
		}
		if got := must[*hecate.Record](t)(h.Record(ctx, h.owner, h.c, RecordRef{ID: kept.ID})); len(got.Access.Grants) != 0 {
			t.Errorf("grants to the deleted user: %v", got.Access.Grants)
		}
	})
}

func TestReferencesLeadToWhatMayBeSeen(t *testing.T) {
	withRecords(t, func(t *testing.T, h *records) {
		a := h.user(h.owner, "ann")
		ann, bob := h.as(h.app, h.key, a), h.as(h.app, h.key, h.user(h.owner, "bob"))
		mine := hecate.Grant{Subject: hecate.Owner, Permissions: full}
		everyone := hecate.Grant{Subject: hecate.Anyone, Permissions: hecate.Read}
		secret := must[*hecate.Record](t)(h.CreateRecord(ctx, ann, h.c, RecordInput{Values: hecate.Values{"s": "secret"}, Access: ownedBy(mine)}))
		link := must[*hecate.Record](t)(h.CreateRecord(ctx, ann, h.c, RecordInput{
			Values: hecate.Values{"r": hecate.Ref{ID: secret.ID}, "rs": []hecate.Ref{{ID: secret.ID}}, "who": hecate.Ref{ID: hecate.RecordID(a.User.ID)}}, Access: ownedBy(mine, everyone)}))
		find := func(actor *hecate.Actor, field string, target hecate.CollectionID, o hecate.Operand, v any) int {
			t.Helper()
			f := hecate.Filter{Op: hecate.OpJoined, Operand: hecate.FieldOperand(h.c.Field(field)), Target: target, Sub: []hecate.Filter{{Op: hecate.OpEqual, Operand: o, Value: v}}}
			page := must[hecate.Page[*hecate.Record]](t)(h.Records(ctx, actor, h.c, hecate.Query{Filter: f, Limit: 9}))
			if len(page.Rows) == 1 && page.Rows[0].ID != link.ID {
				t.Error("found another record")
			}
			return len(page.Rows)
		}
		s := hecate.FieldOperand(h.c.Field("s"))
		for _, field := range []string{"r", "rs"} {
			if find(ann, field, h.c.ID, s, "secret") != 1 || find(h.owner, field, h.c.ID, s, "secret") != 1 {
				t.Errorf("%s: the owner does not find it", field)
			}
			if find(bob, field, h.c.ID, s, "secret") != 0 {
				t.Errorf("%s: a stranger guesses a hidden value", field)
			}
			if find(bob, field, h.c.ID, hecate.Operand{Column: hecate.SeqColumn}, secret.Seq) != 1 {
				t.Errorf("%s: the number, which the reference shows, is not found", field)
			}
		}
		username := hecate.Operand{Column: hecate.UsernameColumn, Fold: true}
		if find(bob, "who", hecate.UserTarget, username, "ANN") != 1 || find(bob, "who", hecate.UserTarget, hecate.Operand{Column: hecate.UserSeqColumn}, a.User.Seq) != 1 ||
			find(h.owner, "who", hecate.UserTarget, username, "bob") != 0 {
			t.Error("users are not found by name or number")
		}
	})
}

func TestOpenCollectionsTakeAnyField(t *testing.T) {
	withRecords(t, func(t *testing.T, h *records) {
		h.c = must[*hecate.Collection](t)(h.CreateCollection(ctx, h.owner, CollectionInput{Name: "open", Open: true, Access: signedIn,
			Schema: []hecate.Field{{Name: "name", Type: hecate.StringType, Unique: true}}}))
		file := must[hecate.FileRef](t)(h.StageFile(ctx, h.owner, Upload{Name: "x", Bytes: strings.NewReader("x")}))
		r := h.make(h.owner, hecate.Values{"name": "x", "any": map[string]any{"deep": int64(1)}, "file": file})
		if got := h.load(r); !reflect.DeepEqual(got.Values["any"], map[string]any{"deep": int64(1)}) || got.Values["file"] != file {
			t.Errorf("%v", got.Values)
		}
		f := hecate.Filter{Op: hecate.OpEqual, Operand: hecate.Operand{Path: []string{"any", "deep"}}, Value: 1.0}
		if page := must[hecate.Page[*hecate.Record]](t)(h.Records(ctx, h.owner, h.c, hecate.Query{Filter: f, Limit: 9})); len(page.Rows) != 1 {
			t.Error("not found by a path")
		}
		for _, name := range []string{"", "a\x00", "\xff", strings.Repeat("x", 300)} {
			failed[*hecate.Record](t, hecate.Invalid, "values")(h.CreateRecord(ctx, h.owner, h.c, RecordInput{Values: hecate.Values{name: "x"}}))
		}
		fails(t, func() error {
			_, err := h.CreateRecord(ctx, h.owner, h.c, RecordInput{Values: hecate.Values{"name": int64(1)}})
			return err
		}(), hecate.Invalid, "name")
	})
}

func TestResolveMayRefuseOrAdjustInsideTheWrite(t *testing.T) {
	withRecords(t, func(t *testing.T, h *records) {
		r := h.make(h.owner, hecate.Values{"s": "x"})
		got := h.change(h.owner, r, RecordInput{Resolve: func(current *hecate.Record, in *RecordInput) error {
			in.Values = hecate.Values{"s": current.Values["s"].(string) + "y"}
			return nil
		}})
		if got.Values["s"] != "xy" {
			t.Errorf("%v", got.Values)
		}
		_, err := h.UpdateRecord(ctx, h.owner, h.c, RecordRef{ID: r.ID}, RecordInput{Values: hecate.Values{"s": "z"},
			Resolve: func(*hecate.Record, *RecordInput) error { return hecate.E(hecate.Unsupported, "x").On("y") }})
		fails(t, err, hecate.Unsupported, "y")
		if got := h.load(r); got.Values["s"] != "xy" {
			t.Errorf("%v", got.Values)
		}
	})
}

func TestDefaultsAreForRecordsWithoutAccessOfTheirOwn(t *testing.T) {
	withRecords(t, func(t *testing.T, h *records) {
		defaults := &hecate.Access{Own: true, Grants: []hecate.Grant{{Subject: hecate.Anyone, Permissions: hecate.Read}}}
		h.c = must[*hecate.Collection](t)(h.CreateCollection(ctx, h.owner, CollectionInput{Name: "with", Access: signedIn, Defaults: defaults}))
		if r := h.make(h.owner, nil); !reflect.DeepEqual(r.Access, *defaults) {
			t.Errorf("%v", r.Access)
		}
		r := must[*hecate.Record](t)(h.CreateRecord(ctx, h.owner, h.c, RecordInput{Access: func(current hecate.Access, held hecate.Permissions) (hecate.Access, error) {
			if !reflect.DeepEqual(current, *defaults) || held != hecate.AllPermissions {
				t.Errorf("%v, %b", current, held)
			}
			return hecate.Access{}, nil
		}}))
		if r.Access.Own {
			t.Errorf("%v", r.Access)
		}
		if got := h.load(r); got.Access.Own || len(got.Access.Grants) != 0 {
			t.Errorf("%v", got.Access)
		}
	})
}

func TestUngovernedRecordsFollowTheRolePolicy(t *testing.T) {
	withRecords(t, func(t *testing.T, h *records) {
		h.c = must[*hecate.Collection](t)(h.CreateCollection(ctx, h.owner, CollectionInput{Name: "novels", Open: true}))
		ann := h.as(h.app, h.key, h.user(h.owner, "ann"))
		ann.Policy = nil
		failed[*hecate.Record](t, hecate.Forbidden, "")(h.CreateRecord(ctx, ann, h.c, RecordInput{}))
		ann.Policy = []hecate.Grant{{Path: "/novels/**", Permissions: hecate.Read | hecate.Create | hecate.List}}
		r := h.make(ann, hecate.Values{"title": "x"})
		must[*hecate.Record](t)(h.Record(ctx, ann, h.c, RecordRef{ID: r.ID}))
		failed[*hecate.Record](t, hecate.Forbidden, "")(h.UpdateRecord(ctx, ann, h.c, RecordRef{ID: r.ID}, RecordInput{}))
		ann.Policy = []hecate.Grant{{Path: "/novels/" + string(r.ID), Permissions: hecate.AllPermissions}}
		h.change(ann, r, RecordInput{Values: hecate.Values{"title": "y"}})
		guest := h.enter(h.app, hecate.Proof{})
		failed[*hecate.Record](t, hecate.NotFound, "")(h.Record(ctx, guest, h.c, RecordRef{ID: r.ID}))
		if page := must[hecate.Page[*hecate.Record]](t)(h.Records(ctx, guest, h.c, hecate.Query{Limit: 9})); len(page.Rows) != 0 {
			t.Error("a guest sees it")
		}
	})
}

// A write by a schema of yesterday follows the schema of today.
func TestWritesFollowTheCurrentSchema(t *testing.T) {
	withRecords(t, func(t *testing.T, h *records) {
		old := h.c
		must[*hecate.Collection](t)(h.UpdateCollection(ctx, h.owner, "things", 0, func(in *CollectionInput) error {
			in.Schema = []hecate.Field{{Name: "s", Type: hecate.IntegerType, Indexed: true}, {Name: "new", Type: hecate.StringType, Indexed: true}}
			return nil
		}))
		h.c = old
		failed[*hecate.Record](t, hecate.Invalid, "s")(h.CreateRecord(ctx, h.owner, old, RecordInput{Values: hecate.Values{"s": "x"}}))
		r := must[*hecate.Record](t)(h.CreateRecord(ctx, h.owner, old, RecordInput{Values: hecate.Values{"s": int64(1), "new": "y"}}))
		c := must[*hecate.Collection](t)(h.LookupCollection(ctx, h.app.ID, "things"))
		page := must[hecate.Page[*hecate.Record]](t)(h.Records(ctx, h.owner, c, hecate.Query{Limit: 9, Filter: hecate.Filter{Op: hecate.OpEqual, Operand: hecate.FieldOperand(c.Field("new")), Value: "y"}}))
		if len(page.Rows) != 1 || page.Rows[0].ID != r.ID {
			t.Error("the new index does not know the record")
		}
		works(t, h.DeleteCollection(ctx, h.owner, "things"))
		failed[*hecate.Record](t, hecate.NotFound, "")(h.CreateRecord(ctx, h.owner, old, RecordInput{}))
	})
}

func TestManyWritersAndTheirSchema(t *testing.T) {
	withRecords(t, func(t *testing.T, h *records) {
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				for j := range 10 {
					if _, err := h.CreateRecord(ctx, h.owner, h.c, RecordInput{Values: hecate.Values{"n": int64(i*10 + j)}}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Go(func() {
			for i := range 6 {
				_, err := h.UpdateCollection(ctx, h.owner, "things", 0, func(in *CollectionInput) error {
					at := slices.IndexFunc(in.Schema, func(f hecate.Field) bool { return f.Name == "n" })
					in.Schema[at].Indexed = i%2 == 0 || i == 5
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
		wg.Wait()
		c := must[*hecate.Collection](t)(h.LookupCollection(ctx, h.app.ID, "things"))
		for n := range 40 {
			page := must[hecate.Page[*hecate.Record]](t)(h.Records(ctx, h.owner, c, hecate.Query{Limit: 9, Filter: hecate.Filter{Op: hecate.OpEqual, Operand: hecate.FieldOperand(c.Field("n")), Value: int64(n)}}))
			if len(page.Rows) != 1 {
				t.Fatalf("%d is found %d times", n, len(page.Rows))
			}
		}
	})
}
