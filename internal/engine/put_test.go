package engine

import (
	"fmt"
	"sync"
	"testing"

	"hecate"
)

const someID = "0a1b2c3d-1111-11e4-8e1d-0123456789ab"

// drawer is an app whose guests hold grants on paths, and options of a dialect whose collections grow.
type drawer struct {
	*house
	app          *hecate.App
	owner, guest *hecate.Actor
	o            SaveOptions
}

func newDrawer(h *house, grants ...string) *drawer {
	h.t.Helper()
	app, owner := h.app("shelf")
	for _, text := range grants {
		must[[]string](h.t)(h.AddGrant(ctx, owner, hecate.SubjectRole("guest"), text))
	}
	name := hecate.Field{Name: "name", Type: hecate.StringType, Unique: true, Indexed: true, Fold: true}
	return &drawer{h, app, owner, h.enter(app, hecate.Proof{}), SaveOptions{
		Guests: true,
		Extend: func(*hecate.Collection) bool { return true },
		Missing: func(name string, _ any) (hecate.Field, bool) {
			return hecate.Field{Name: name, Type: hecate.JSONType, Indexed: true}, true
		},
		New: CollectionInput{Open: true, Schema: []hecate.Field{name}},
	}}
}

func (s *drawer) save(actor *hecate.Actor, in SaveInput) (*hecate.Record, error) {
	s.t.Helper()
	in.Collection = "devices"
	out, err := s.SaveRecords(ctx, actor, []SaveInput{in}, s.o)
	if err != nil {
		return nil, err
	}
	return out[0].Record, out[0].Err
}

func byID(id hecate.RecordID, mode SaveMode, values hecate.Values) SaveInput {
	return SaveInput{Mode: mode, Input: RecordInput{ID: id, Values: values}}
}

func byName(name string, mode SaveMode, values hecate.Values) SaveInput {
	return SaveInput{Mode: mode, By: FieldText{"name", name}, Input: RecordInput{Values: values}}
}

func TestRecordsSavedByIDOrName(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		s := newDrawer(h, "put:/devices/*")
		r := must[*hecate.Record](t)(s.save(s.guest, byID(someID, Put, hecate.Values{"a": int64(1)})))
		if r.ID != someID || r.Key != someID || r.Version != 1 {
			t.Errorf("record %+v", r)
		}
		r = must[*hecate.Record](t)(s.save(s.guest, byID(someID, Put, hecate.Values{"b": "x"})))
		if r.Values["b"] != "x" || r.Values["a"] != nil { // who may not read sees what he sent
			t.Errorf("values %v", r.Values)
		}
		fails(t, fault(s.save(s.guest, byID(someID, MakeOnly, nil))), hecate.Exists, "id")
		out := must[[]SaveResult](t)(s.SaveRecords(ctx, s.guest, []SaveInput{{Collection: "things", Mode: MakeOnly}, {Collection: "things", Mode: Put}}, s.o))
		fails(t, out[0].Err, hecate.Forbidden, "collection")
		fails(t, out[1].Err, hecate.Forbidden, "collection")
		fails(t, fault(s.save(s.owner, byID("0a1b2c3d-2222-11e4-8e1d-0123456789ab", ChangeOnly, nil))), hecate.NotFound, "record")
		for _, bad := range []hecate.RecordID{"x", "0A1B2C3D-1111-11E4-8E1D-0123456789AB", "{0a1b2c3d-1111-11e4-8e1d-0123456789ab}"} {
			fails(t, fault(s.save(s.owner, byID(bad, Put, nil))), hecate.Invalid, "id")
		}
		u := h.user(s.owner, "ann")
		fails(t, fault(s.save(s.owner, byID(u.User.ID.ProfileID(), Put, nil))), hecate.Exists, "id")

		n := must[*hecate.Record](t)(s.save(s.guest, byName("Phone", Put, nil)))
		again := must[*hecate.Record](t)(s.save(s.owner, byName("phone", Put, hecate.Values{"c": true})))
		if again.ID != n.ID || again.Values["name"] != "Phone" || !again.UpdatedAt.After(n.UpdatedAt) {
			t.Errorf("records %+v, %+v", n, again)
		}
		fails(t, fault(s.save(s.owner, SaveInput{Mode: MakeOnly, Input: RecordInput{Values: hecate.Values{"name": "PHONE"}}})), hecate.Exists, "name")
		c := must[*hecate.Collection](t)(s.LookupCollection(ctx, s.app.ID, "devices"))
		if id := must[hecate.RecordID](t)(s.NamedRecord(ctx, c, "name", "pHone")); id != n.ID {
			t.Errorf("found %s", id)
		}
		fails(t, fault(s.NamedRecord(ctx, c, "name", "none")), hecate.NotFound, "")
		for _, name := range []string{"a", "b", "c"} {
			if f := c.Field(name); f == nil || !f.Indexed || f.Type != hecate.JSONType {
				t.Errorf("field %s: %+v", name, f)
			}
		}
		gone := must[[]*hecate.Record](t)(s.TakeRecords(ctx, s.owner, c, []hecate.RecordID{n.ID, "none", someID, n.ID}))
		if len(gone) != 2 || gone[0].ID != n.ID || gone[1].ID != someID {
			t.Errorf("deleted %v", gone)
		}
	})
}

func TestConcurrentPutsMakeOneRecord(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		s := newDrawer(h)
		for round := range 5 {
			var wg sync.WaitGroup
			ids := make([]hecate.RecordID, 6)
			for i := range ids {
				in := byName(fmt.Sprint("n", round), Put, hecate.Values{fmt.Sprint("p", i): int64(i)})
				wg.Go(func() {
					if r, err := s.save(s.owner, in); err != nil {
						t.Error(err)
					} else {
						ids[i] = r.ID
					}
				})
			}
			wg.Wait()
			for _, id := range ids {
				if id != ids[0] {
					t.Errorf("round %d: %v", round, ids)
				}
			}
		}
	})
}

func TestAnOpenCollectionGrowsToItsBound(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		s := newDrawer(h)
		values := hecate.Values{}
		for i := range 100 {
			values[fmt.Sprint("f", i)] = int64(i)
		}
		r := must[*hecate.Record](t)(s.save(s.owner, SaveInput{Mode: MakeOnly, Input: RecordInput{Values: values}}))
		c := must[*hecate.Collection](t)(s.LookupCollection(ctx, s.app.ID, "devices"))
		if len(c.Fields()) != s.Limits().FieldsPerSchema || len(r.Values) != 100 {
			t.Errorf("%d fields, %d values", len(c.Fields()), len(r.Values))
		}
		settings := s.app.Settings
		settings.ClosedSchema = true
		must[*AppDetail](t)(h.UpdateApp(ctx, s.owner, s.app.ID, UpdateAppInput{Settings: &settings}))
		u := h.user(s.owner, "ann")
		ann := h.enter(s.app, hecate.Proof{Token: u.Token})
		must[*hecate.Record](t)(s.save(ann, SaveInput{Mode: MakeOnly, Input: RecordInput{Values: hecate.Values{"more": true}}}))
		out, err := s.SaveRecords(ctx, ann, []SaveInput{{Collection: "others", Mode: MakeOnly}}, s.o)
		fails(t, err, hecate.Invalid, "schema")
		if len(out) != 0 {
			t.Errorf("results %v", out)
		}
	})
}

func TestAFieldThatComesLaterFindsOlderValues(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		s := newDrawer(h)
		c := must[*hecate.Collection](t)(h.CreateCollection(ctx, s.owner, CollectionInput{Name: "devices", Open: true}))
		old := must[*hecate.Record](t)(h.CreateRecord(ctx, s.owner, c, RecordInput{Values: hecate.Values{"color": "red", "on": false}}))
		must[*hecate.Record](t)(s.save(s.owner, SaveInput{Input: RecordInput{Values: hecate.Values{"color": "blue", "size": int64(1)}}}))
		c = must[*hecate.Collection](t)(s.LookupCollection(ctx, s.app.ID, "devices"))
		if f := c.Field("color"); f == nil || !f.Indexed {
			t.Fatalf("field %+v", f)
		}
		red := hecate.Filter{Op: hecate.OpEqual, Operand: hecate.FieldOperand(c.Field("color")), Value: "red"}
		page := must[hecate.Page[*hecate.Record]](t)(h.Records(ctx, s.owner, c, hecate.Query{Filter: red, Limit: 10}))
		if len(page.Rows) != 1 || page.Rows[0].ID != old.ID {
			t.Errorf("found %v", page.Rows)
		}
	})
}

func fault[T any](_ T, err error) error { return err }
