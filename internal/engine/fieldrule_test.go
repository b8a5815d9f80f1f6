package engine

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"hecate"
)

func TestFieldRulesHoldEverywhere(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		s := newShelf(t, h)
		s.saved(s.ben, item("note", "n", hecate.Values{"open": "o", "secret": "s", "fixed": "f"}))
		c := must[*hecate.Collection](t)(s.LookupCollection(ctx, s.app.ID, "note"))
		t.Run("the first rules are about login names", func(t *testing.T) {
			if rules := must[hecate.FieldRules](t)(s.FieldRules(ctx, s.owner)); len(rules) != 4 {
				t.Errorf("%v", rules)
			}
			profiles := must[*hecate.Collection](t)(s.LookupCollection(ctx, s.app.ID, hecate.ProfileName))
			of := func(a *hecate.Actor) hecate.FieldAccess {
				r := &hecate.Record{Owner: s.ben.UserID()}
				return must[FieldRights](t)(s.FieldRights(ctx, a)).Of(profiles, "username", r)
			}
			if of(s.ben) != hecate.AllFieldAccess || of(s.alyx) != hecate.AllFieldAccess&^hecate.FieldWrite || of(s.guest) != 0 || of(s.owner) != hecate.AllFieldAccess {
				t.Errorf("%04b %04b %04b", of(s.ben), of(s.alyx), of(s.guest))
			}
			_, err := s.FieldRules(ctx, s.ben)
			fails(t, err, hecate.Forbidden, "")
			fails(t, s.SetFieldRules(ctx, s.ben, nil), hecate.Forbidden, "")
			fails(t, s.SetFieldRules(ctx, s.owner, hecate.FieldRules{{Collection: "note", Field: "x", Subject: "nonsense"}}), hecate.Invalid, "rules")
		})
		works(t, s.SetFieldRules(ctx, s.owner, hecate.FieldRules{
			{Collection: "note", Field: "secret", Subject: hecate.Owner, Access: hecate.AllFieldAccess},
			{Collection: "note", Field: "secret", Subject: hecate.Anyone, Access: hecate.FieldDiscover},
			{Collection: "note", Field: "fixed", Subject: hecate.Public, Access: hecate.FieldRead},
		}))
		ref := RecordRef{Key: "n"}
		t.Run("what may not be read is left out", func(t *testing.T) {
			for _, r := range []*hecate.Record{
				must[*hecate.Record](t)(s.Record(ctx, s.alyx, c, ref)),
				must[hecate.Page[*hecate.Record]](t)(s.Records(ctx, s.alyx, c, hecate.Query{Limit: 1})).Rows[0],
				s.saved(s.alyx, item("note", "n", hecate.Values{"open": "p"}))[0],
				must[*hecate.Record](t)(s.UpdateRecord(ctx, s.alyx, c, ref, RecordInput{Values: hecate.Values{"open": "q"}})),
				must[[]SaveResult](t)(s.RecordsByKey(ctx, s.alyx, Space{}, []RecordName{{"note", "n"}}))[0].Record,
			} {
				if _, there := r.Values["secret"]; there || r.Values["open"] == nil {
					t.Errorf("%+v", r.Values)
				}
			}
			if r := must[*hecate.Record](t)(s.Record(ctx, s.ben, c, ref)); r.Values["secret"] != "s" {
				t.Errorf("%+v", r.Values)
			}
			if r := must[*hecate.Record](t)(s.Record(ctx, s.owner, c, ref)); r.Values["secret"] != "s" {
				t.Errorf("%+v", r.Values)
			}
		})
		t.Run("what may not be written stays", func(t *testing.T) {
			r := s.saved(s.ben, item("note", "n", hecate.Values{"fixed": "other", "open": "r"}))[0]
			if r.Values["fixed"] != "f" || r.Values["open"] != "r" {
				t.Errorf("%+v", r.Values)
			}
			o := s.open
			o.Atomic = true
			out := must[[]SaveResult](t)(s.SaveRecords(ctx, s.ben, []SaveInput{item("note", "n", hecate.Values{"fixed": "other"})}, o))
			fails(t, out[0].Err, hecate.Forbidden, "fixed")
			works(t, must[[]SaveResult](t)(s.SaveRecords(ctx, s.ben, []SaveInput{item("note", "n", hecate.Values{"fixed": "f"})}, o))[0].Err)
			_, err := s.UpdateRecord(ctx, s.ben, c, ref, RecordInput{Values: hecate.Values{"fixed": "other"}})
			fails(t, err, hecate.Forbidden, "fixed")
		})
		t.Run("what may not be compared is not asked about", func(t *testing.T) {
			ask := func(op hecate.Op, field string) error {
				f := hecate.Filter{Op: op, Operand: hecate.FieldOperand(c.Field(field)), Value: "s"}
				_, err := s.Records(ctx, s.alyx, c, hecate.Query{Limit: 1, Filter: hecate.And(f)})
				return err
			}
			works(t, ask(hecate.OpEqual, "secret"))
			fails(t, ask(hecate.OpLike, "secret"), hecate.Forbidden, "secret")
			fails(t, ask(hecate.OpEqual, "fixed"), hecate.Forbidden, "fixed")
			works(t, ask(hecate.OpLike, "open"))
			_, err := s.Records(ctx, s.alyx, c, hecate.Query{Limit: 1, Order: []hecate.Order{{Operand: hecate.FieldOperand(c.Field("secret"))}}})
			fails(t, err, hecate.Forbidden, "secret")
		})
		t.Run("no rules open everything", func(t *testing.T) {
			works(t, s.SetFieldRules(ctx, s.owner, nil))
			if rules := must[hecate.FieldRules](t)(s.FieldRules(ctx, s.owner)); len(rules) != 0 {
				t.Errorf("%v", rules)
			}
			if r := must[*hecate.Record](t)(s.Record(ctx, s.guest, c, ref)); r.Values["secret"] != "s" {
				t.Errorf("%+v", r.Values)
			}
			_, owner := h.app("films")
			if rules := must[hecate.FieldRules](t)(s.FieldRules(ctx, owner)); len(rules) != 4 {
				t.Error("the rules of one app are another's")
			}
		})
	})
}

func TestNamedFiles(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		s := newShelf(t, h)
		place := must[hecate.FileRef](t)(s.ReserveFile(ctx, s.guest, "a b.txt", "text/plain"))
		name := FileName(place)
		up := func(a *hecate.Actor, name, text string) (hecate.FileRef, error) {
			return s.UploadFile(ctx, a, name, Upload{Bytes: strings.NewReader(text)})
		}
		until := h.clock.now().Add(time.Minute)
		open := func(app hecate.AppID, name string, at time.Time, signature string) (string, error) {
			_, r, err := s.OpenSignedFile(ctx, app, name, at, signature)
			if err != nil {
				return "", err
			}
			defer r.Close()
			var b bytes.Buffer
			_, err = io.Copy(&b, r)
			return b.String(), err
		}
		sign := s.SignFile(s.app.ID, name, until)
		failed[string](t, hecate.NotFound, "")(open(s.app.ID, name, until, sign)) // no bytes yet
		fails(t, s.save(s.ben, item("note", "early", hecate.Values{"file": place}))[0].Err, hecate.Invalid, "file")
		failed[hecate.FileRef](t, hecate.Invalid, "bytes")(up(s.guest, name, ""))
		if f := must[hecate.FileRef](t)(up(s.guest, name, "hello")); f.Size != 5 || FileName(f) != name || f.Type != "text/plain" {
			t.Errorf("%+v", f)
		}
		failed[hecate.FileRef](t, hecate.Exists, "name")(up(s.guest, name, "again"))
		for _, none := range []string{"", "x", name + "x", strings.Repeat("0", 36) + "-a b.txt", "\x00" + name} {
			failed[hecate.FileRef](t, hecate.NotFound, "name")(up(s.guest, none, "x"))
		}
		if got := must[string](t)(open(s.app.ID, name, until, sign)); got != "hello" {
			t.Errorf("%q", got)
		}
		failed[string](t, hecate.BadToken, "")(open(s.app.ID, name, until.Add(time.Hour), sign))
		failed[string](t, hecate.BadToken, "")(open(s.app.ID, name, until, ""))
		other, owner := h.app("films")
		failed[string](t, hecate.BadToken, "")(open(other.ID, name, until, sign))
		failed[string](t, hecate.NotFound, "")(open(other.ID, name, until, s.SignFile(other.ID, name, until)))
		failed[hecate.FileRef](t, hecate.NotFound, "name")(up(owner, name, "x"))

		found := must[map[string]*hecate.File](t)(s.FilesByName(ctx, s.app.ID, []string{name, "nothing"}))
		if len(found) != 1 || found[name].Digest == "" {
			t.Errorf("%+v", found)
		}
		r := s.saved(s.ben, item("note", "n", hecate.Values{"file": hecate.FileRef{ID: found[name].ID}}))[0]
		if f := r.Values["file"].(hecate.FileRef); f.Name != "a b.txt" || f.Size != 5 {
			t.Errorf("%+v", f)
		}
		h.clock.move(2 * time.Minute)
		failed[string](t, hecate.Expired, "")(open(s.app.ID, name, until, sign))
	})
}
