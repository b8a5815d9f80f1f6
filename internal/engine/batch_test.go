package engine

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"hecate"
)

// shelf is an app with two users, and how its records begin.
type shelf struct {
	*house
	t           *testing.T
	app         *hecate.App
	owner       *hecate.Actor
	guest       *hecate.Actor
	key         hecate.Secret
	ben, alyx   *hecate.Actor
	open        SaveOptions
	anyoneWrite hecate.Access
}

func newShelf(t *testing.T, h *house) *shelf {
	t.Helper()
	s := &shelf{house: h, t: t}
	s.app, s.owner = h.app("books")
	s.guest, s.key = h.client(s.app, s.owner)
	s.ben, s.alyx = s.signUp("ben"), s.signUp("alyx")
	s.anyoneWrite = hecate.Access{Own: true, Grants: []hecate.Grant{
		{Subject: hecate.Public, Permissions: hecate.Read}, {Subject: hecate.Anyone, Permissions: full &^ hecate.List},
	}}
	s.open = SaveOptions{
		Extend: func(*hecate.Collection) bool { return true },
		New: CollectionInput{Defaults: &s.anyoneWrite, Access: hecate.Access{Own: true, Grants: []hecate.Grant{
			{Subject: hecate.Public, Permissions: hecate.Read}, {Subject: hecate.Anyone, Permissions: hecate.Read | hecate.Create},
		}}},
	}
	return s
}

func (s *shelf) signUp(name string) *hecate.Actor {
	s.t.Helper()
	l := must[*LoginResult](s.t)(s.SignUp(ctx, s.guest, SignUpInput{Names: map[string]string{"username": name},
		CreateUserInput: CreateUserInput{Password: clear("p")}, Open: &OpenSession{}}))
	return s.enter(s.app, hecate.Proof{Key: s.key, Token: l.SessionToken})
}

// item is one record to save.
func item(collection, key string, values hecate.Values) SaveInput {
	return SaveInput{Collection: collection, Input: RecordInput{Key: key, Values: values}}
}

func (s *shelf) save(a *hecate.Actor, items ...SaveInput) []SaveResult {
	s.t.Helper()
	return must[[]SaveResult](s.t)(s.SaveRecords(ctx, a, items, s.open))
}

func (s *shelf) saved(a *hecate.Actor, items ...SaveInput) []*hecate.Record {
	s.t.Helper()
	var out []*hecate.Record
	for _, r := range s.save(a, items...) {
		works(s.t, r.Err)
		out = append(out, r.Record)
	}
	return out
}

func private(in SaveInput) SaveInput { in.Input.Private = true; return in }

// ownersOnly gives a record to its owner alone.
func ownersOnly(in SaveInput) SaveInput {
	in.Input.Access = func(hecate.Access, hecate.Permissions) (hecate.Access, error) {
		return hecate.Access{Own: true, Grants: []hecate.Grant{{Subject: hecate.Owner, Permissions: full}}}, nil
	}
	return in
}

func TestSaveRecords(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		s := newShelf(t, h)
		t.Run("collections and fields come with the first values", func(t *testing.T) {
			when := time.Date(2000, 1, 2, 3, 4, 5, 678000, time.UTC)
			r := s.saved(s.ben, item("note", "n1", hecate.Values{"text": "hello", "n": int64(1), "at": when, "tags": []any{"a"}, "gone": nil}))[0]
			if r.Key != "n1" || r.Owner != s.ben.UserID() || r.Values["at"] != when || len(r.Values) != 4 || !r.Access.Of(hecate.Anyone).Has(hecate.Update) {
				t.Errorf("%+v", r)
			}
			r = s.saved(s.alyx, item("note", "n1", hecate.Values{"n": int64(2), "more": true, "text": nil}))[0]
			if r.Values["n"] != int64(2) || r.Values["more"] != true || r.Values["text"] != nil || r.Owner != s.ben.UserID() || r.UpdatedBy != s.alyx.UserID() {
				t.Errorf("%+v", r)
			}
		})
		t.Run("one that fails leaves the others alone and no trace", func(t *testing.T) {
			s.saved(s.ben, ownersOnly(item("note", "mine", hecate.Values{"text": "x"})))
			out := s.save(s.alyx,
				item("note", "a", hecate.Values{"text": "a"}),
				item("note", "mine", hecate.Values{"text": "y"}),
				item("note", "bad\x01", hecate.Values{"text": "c"}),
				item("note", "d", hecate.Values{"text": "d"}),
				item("note", "d", hecate.Values{"n": int64(4)}))
			works(t, out[0].Err)
			fails(t, out[1].Err, hecate.Forbidden, "record")
			fails(t, out[2].Err, hecate.Invalid, "key")
			works(t, out[3].Err)
			if out[4].Record.Values["text"] != "d" || out[4].Record.Values["n"] != int64(4) {
				t.Errorf("%+v", out[4])
			}
		})
		t.Run("atomic is all or nothing", func(t *testing.T) {
			o := s.open
			o.Atomic = true
			out := must[[]SaveResult](t)(s.SaveRecords(ctx, s.alyx, []SaveInput{
				item("note", "e", hecate.Values{"text": "e", "fresh": true}),
				item("note", "bad\x01", hecate.Values{"text": "c"}),
			}, o))
			if fails(t, out[1].Err, hecate.Invalid, "key"); out[0].Record != nil || out[0].Err != nil {
				t.Errorf("%+v", out[0])
			}
			out = must[[]SaveResult](t)(s.SaveRecords(ctx, s.alyx, []SaveInput{
				item("note", "e", hecate.Values{"text": "e"}), item("note", "mine", hecate.Values{"text": "c"}),
			}, o))
			fails(t, out[1].Err, hecate.Forbidden, "record")
			got := must[[]SaveResult](t)(s.RecordsByKey(ctx, s.alyx, Space{}, []RecordName{{"note", "e"}}))
			fails(t, got[0].Err, hecate.NotFound, "record")
			if c := must[*hecate.Collection](t)(s.LookupCollection(ctx, s.app.ID, "note")); c.Field("fresh") != nil {
				t.Error("the schema kept what was rolled back")
			}
			out = must[[]SaveResult](t)(s.SaveRecords(ctx, s.alyx, []SaveInput{item("note", "e", hecate.Values{"text": "e"}), item("note", "f", nil)}, o))
			works(t, out[0].Err)
			works(t, out[1].Err)
		})
		t.Run("the schema is in the way", func(t *testing.T) {
			fault := func(o SaveOptions, fact, name string, items ...SaveInput) {
				t.Helper()
				_, err := s.SaveRecords(ctx, s.ben, items, o)
				if fails(t, err, hecate.Invalid, "schema"); hecate.Detail(err).Info[fact] != name {
					t.Errorf("%v %v", err, hecate.Detail(err).Info)
				}
			}
			fault(s.open, "conflict", "n", item("note", "x", hecate.Values{"n": "text"}))
			fault(s.open, "conflict", "new", item("note", "x", hecate.Values{"new": "text"}), item("note", "y", hecate.Values{"new": true}))
			fault(s.open, "conflict", "NOTE", item("NOTE", "x", nil))
			fault(s.open, "target", "nothing", item("note", "x", hecate.Values{"ref": hecate.Ref{Collection: "nothing", Key: "k"}}))
			fault(SaveOptions{}, "closed", "new", item("note", "x", hecate.Values{"new": "text"}))
			fault(SaveOptions{}, "closed", "other", item("other", "x", nil))
			works(t, s.settings(s.app, s.owner, hecate.Settings{ClosedSchema: true}))
			defer func() { works(t, s.settings(s.app, s.owner, hecate.Settings{})) }()
			s.ben.App = must[*hecate.App](t)(s.AppByID(ctx, s.app.ID))
			fault(s.open, "closed", "new", item("note", "x", hecate.Values{"new": "text"}))
			s.saved(s.enter(s.app, hecate.Proof{Key: s.house.key(s.owner, hecate.Master)}), item("note", "m", hecate.Values{"new": "text"}))
		})
		s.ben.App = must[*hecate.App](t)(s.AppByID(ctx, s.app.ID))
		t.Run("guests save nothing", func(t *testing.T) {
			_, err := s.SaveRecords(ctx, s.guest, []SaveInput{item("note", "x", nil)}, s.open)
			fails(t, err, hecate.Unauthenticated, "")
		})
		t.Run("references are by key, and may lead nowhere only when they are wrong", func(t *testing.T) {
			s.saved(s.ben, item("cat", "c1", nil))
			cat := must[*hecate.Collection](t)(s.LookupCollection(ctx, s.app.ID, "cat"))
			ref := func(key string) hecate.Values { return hecate.Values{"cat": hecate.Ref{Collection: cat.ID, Key: key}} }
			r := s.saved(s.ben, item("note", "r", ref("c1")))[0]
			if got := r.Values["cat"].(hecate.Ref); got.Key != "c1" || got.Collection != cat.ID {
				t.Errorf("%+v", got)
			}
			fails(t, s.save(s.ben, item("note", "r2", ref("none")))[0].Err, hecate.Invalid, "cat")
			s.saved(s.ben, item("note", "u", hecate.Values{"by": hecate.Ref{Collection: hecate.UserTarget, Key: s.alyx.User.Key}}))
		})
		t.Run("creation has its gate", func(t *testing.T) {
			must[*hecate.Collection](t)(s.UpdateCollection(ctx, s.owner, "cat", 0, func(in *CollectionInput) error {
				in.Access.Grants = append(in.Access.Grants[:1], hecate.Grant{Subject: hecate.Anyone, Permissions: hecate.Read},
					hecate.Grant{Subject: hecate.SubjectRole("Editor"), Permissions: hecate.Create})
				return nil
			}))
			fails(t, s.save(s.ben, item("cat", "c2", nil))[0].Err, hecate.Forbidden, "collection")
			works(t, s.AssignRoles(ctx, s.owner, []string{s.ben.User.Key}, []string{"Editor"}))
			s.ben = s.enter(s.app, hecate.Proof{Key: s.key, Token: must[*LoginResult](t)(s.OpenSession(ctx, s.ben, "", OpenSession{})).SessionToken})
			s.saved(s.ben, item("cat", "c2", nil))
		})
		t.Run("too many", func(t *testing.T) {
			_, err := s.SaveRecords(ctx, s.ben, make([]SaveInput, maxBatch+1), s.open)
			fails(t, err, hecate.TooLarge, "records")
		})
		t.Run("another app has none of it", func(t *testing.T) {
			_, owner := h.app("films")
			got := must[[]SaveResult](t)(s.RecordsByKey(ctx, owner, Space{All: true}, []RecordName{{"note", "n1"}}))
			fails(t, got[0].Err, hecate.NotFound, "record")
			id := must[[]SaveResult](t)(s.RecordsByKey(ctx, s.ben, Space{}, []RecordName{{"note", "n1"}}))[0].Record.ID
			if found := must[map[hecate.RecordID]*hecate.Record](t)(s.RecordsByID(ctx, owner, []hecate.RecordID{id})); len(found) != 0 {
				t.Error("found")
			}
			got = must[[]SaveResult](t)(s.DeleteRecords(ctx, owner, Space{}, []RecordName{{"note", "n1"}}, false))
			fails(t, got[0].Err, hecate.NotFound, "record")
		})
	})
}

func TestManySaveAtOnce(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		s := newShelf(t, h)
		const many = 8
		errs := make(chan error, many)
		for i := range many {
			go func() {
				values := hecate.Values{fmt.Sprintf("f%d", i): int64(i), "common": "c"}
				out, err := s.SaveRecords(ctx, s.ben, []SaveInput{item("note", "same", values), item("note", fmt.Sprint(i), values)}, s.open)
				for _, r := range out {
					err = errors.Join(err, r.Err)
				}
				errs <- err
			}()
		}
		for range many {
			works(t, <-errs)
		}
		r := must[[]SaveResult](t)(s.RecordsByKey(ctx, s.ben, Space{}, []RecordName{{"note", "same"}}))[0].Record
		if len(r.Values) != many+1 {
			t.Errorf("%+v", r.Values)
		}
	})
}

func TestSequencesCountInTheSameWrite(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		s := newShelf(t, h)
		s.saved(s.ben, item("note", "old", nil))
		counted := func(key string) SaveInput {
			in := item("note", key, hecate.Values{"no": nil})
			in.Fields = []hecate.Field{{Name: "no", Type: hecate.SequenceType}}
			return in
		}
		for i, r := range s.saved(s.ben, counted("a"), counted("b"), counted("old"), counted("a"), item("note", "c", nil)) {
			if want := []int64{1, 2, 3, 1, 4}[i]; r.Values["no"] != want {
				t.Errorf("%d: %v, want %d", i, r.Values["no"], want)
			}
		}
	})
}

func TestPrivateSpace(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		s := newShelf(t, h)
		s.saved(s.ben, private(item("note", "p", hecate.Values{"text": "secret"})), item("note", "s", nil))
		mine := Space{Private: s.ben.UserID()}
		name := []RecordName{{"note", "p"}}
		works(t, must[[]SaveResult](t)(s.RecordsByKey(ctx, s.ben, mine, name))[0].Err)
		fails(t, must[[]SaveResult](t)(s.RecordsByKey(ctx, s.ben, Space{}, name))[0].Err, hecate.NotFound, "record")
		_, err := s.RecordsByKey(ctx, s.alyx, mine, name)
		fails(t, err, hecate.Forbidden, "")
		_, err = s.RecordsByKey(ctx, s.alyx, Space{All: true}, name)
		fails(t, err, hecate.Forbidden, "")
		works(t, must[[]SaveResult](t)(s.RecordsByKey(ctx, s.owner, Space{All: true}, name))[0].Err)
		fails(t, s.save(s.ben, item("note", "p", nil))[0].Err, hecate.Exists, "key")
		fails(t, s.save(s.alyx, private(item("note", "p", nil)))[0].Err, hecate.Exists, "key")
		fails(t, s.save(s.ben, private(item("note", "s", nil)))[0].Err, hecate.Exists, "key")
		s.saved(s.ben, private(item("note", "p", hecate.Values{"text": "changed"})))
		byOwner := private(item("note", "p", hecate.Values{"text": "by the manager"}))
		byOwner.Input.Owner = ptr(s.ben.UserID())
		s.saved(s.owner, byOwner)
		c := must[*hecate.Collection](t)(s.LookupCollection(ctx, s.app.ID, "note"))
		if p := must[hecate.Page[*hecate.Record]](t)(s.Records(ctx, s.alyx, c, hecate.Query{Limit: 10})); len(p.Rows) != 1 || p.Rows[0].Key != "s" {
			t.Errorf("%+v", p.Rows)
		}
		_, err = s.DeleteRecords(ctx, s.alyx, mine, name, false)
		fails(t, err, hecate.Forbidden, "")
		works(t, must[[]SaveResult](t)(s.DeleteRecords(ctx, s.ben, mine, name, false))[0].Err)
	})
}

func TestProfilesAreSavedByTheirUsers(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		s := newShelf(t, h)
		profile := func(of *hecate.Actor, username *string, values hecate.Values) SaveInput {
			in := item(hecate.ProfileName, of.User.Key, values)
			in.Username = username
			return in
		}
		s.saved(s.ben, profile(s.ben, ptr("Benjamin"), hecate.Values{"city": "HK"}))
		must[*LoginResult](t)(s.Login(ctx, s.guest, LoginInput{Login: "benjamin", Password: clear("p")}))
		failed[*LoginResult](t, hecate.UnknownUser, "")(s.Login(ctx, s.guest, LoginInput{Login: "ben", Password: clear("p")}))
		fails(t, s.save(s.ben, profile(s.ben, ptr("ALYX"), nil))[0].Err, hecate.Exists, "username")
		out := s.save(s.ben, profile(s.ben, ptr("alyx"), hecate.Values{"city": "lost"}), item("note", "kept", nil))
		fails(t, out[0].Err, hecate.Exists, "username")
		works(t, out[1].Err)
		if d := must[*UserDetail](t)(s.User(ctx, s.ben, UserRef{ID: s.ben.UserID()})); d.Profile.Values["city"] != "HK" || d.User.Username != "Benjamin" {
			t.Errorf("%+v %+v", d.Profile, d.User)
		}
		t.Run("others may not, whatever the grants", func(t *testing.T) {
			in := profile(s.ben, nil, nil)
			in.Input.Access = func(hecate.Access, hecate.Permissions) (hecate.Access, error) { return s.anyoneWrite, nil }
			s.saved(s.ben, in)
			fails(t, s.save(s.alyx, profile(s.ben, nil, hecate.Values{"city": "x"}))[0].Err, hecate.Forbidden, "record")
			fails(t, s.save(s.alyx, item(hecate.ProfileName, "made by hand", nil))[0].Err, hecate.Forbidden, "collection")
			fails(t, s.save(s.owner, item(hecate.ProfileName, "made by hand", nil))[0].Err, hecate.Forbidden, "collection")
		})
		t.Run("managers may", func(t *testing.T) {
			s.saved(s.owner, profile(s.ben, ptr(""), hecate.Values{"city": "y"}))
			if u := must[*UserDetail](t)(s.User(ctx, s.owner, UserRef{ID: s.ben.UserID()})).User; u.Username != "" {
				t.Errorf("%+v", u)
			}
			works(t, s.AssignRoles(ctx, s.owner, []string{s.alyx.User.Key}, []string{FirstAdminRole}))
			token := must[*LoginResult](t)(s.OpenSession(ctx, s.alyx, "", OpenSession{})).SessionToken
			admin := s.enter(s.app, hecate.Proof{Key: s.key, Token: token})
			// Rules for fields keep the name; the rest is his to change.
			s.saved(admin, profile(s.ben, ptr("mine"), hecate.Values{"city": "z"}))
			if d := must[*UserDetail](t)(s.User(ctx, s.owner, UserRef{ID: s.ben.UserID()})); d.User.Username != "" || d.Profile.Values["city"] != "z" {
				t.Errorf("%+v", d.User)
			}
		})
		t.Run("profiles stay", func(t *testing.T) {
			out := must[[]SaveResult](t)(s.DeleteRecords(ctx, s.owner, Space{}, []RecordName{{hecate.ProfileName, s.ben.User.Key}}, false))
			fails(t, out[0].Err, hecate.Forbidden, hecate.ProfileName)
		})
	})
}

func TestDeleteRecords(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		s := newShelf(t, h)
		s.saved(s.ben, item("cat", "c1", nil), item("cat", "c2", nil), ownersOnly(item("cat", "c3", nil)))
		cat := must[*hecate.Collection](t)(s.LookupCollection(ctx, s.app.ID, "cat"))
		ref := func(field, key string) hecate.Values {
			return hecate.Values{field: hecate.Ref{Collection: cat.ID, Key: key}}
		}
		s.saved(s.ben, item("note", "n1", ref("cat", "c1")))
		plain := item("note", "n2", ref("plain", "c2"))
		plain.Fields = []hecate.Field{{Name: "plain", Type: hecate.ReferenceType, Target: cat.ID}} // without an index
		s.saved(s.ben, plain)
		remove := func(a *hecate.Actor, atomic bool, names ...RecordName) []SaveResult {
			return must[[]SaveResult](t)(s.DeleteRecords(ctx, a, Space{}, names, atomic))
		}
		out := remove(s.alyx, false, RecordName{"cat", "c1"}, RecordName{"cat", "c2"}, RecordName{"cat", "c3"}, RecordName{"cat", "none"}, RecordName{"nothing", "x"})
		fails(t, out[0].Err, hecate.Exists, "reference")
		fails(t, out[1].Err, hecate.Exists, "reference")
		fails(t, out[2].Err, hecate.Forbidden, "record")
		fails(t, out[3].Err, hecate.NotFound, "record")
		fails(t, out[4].Err, hecate.NotFound, "record")
		out = remove(s.alyx, true, RecordName{"note", "n1"}, RecordName{"cat", "c3"})
		if fails(t, out[1].Err, hecate.Forbidden, "record"); out[0].Err != nil {
			t.Error(out[0].Err)
		}
		// What goes with it does not keep it.
		for _, r := range remove(s.alyx, true, RecordName{"cat", "c1"}, RecordName{"note", "n1"}) {
			works(t, r.Err)
		}
		fails(t, must[[]SaveResult](t)(s.RecordsByKey(ctx, s.ben, Space{}, []RecordName{{"cat", "c1"}}))[0].Err, hecate.NotFound, "record")
		works(t, must[[]SaveResult](t)(s.RecordsByKey(ctx, s.ben, Space{}, []RecordName{{"cat", "c3"}}))[0].Err)
		fails(t, must[[]SaveResult](t)(s.RecordsByKey(ctx, s.alyx, Space{}, []RecordName{{"cat", "c3"}}))[0].Err, hecate.Forbidden, "record")
	})
}

func TestRecordsByID(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		s := newShelf(t, h)
		rs := s.saved(s.ben, item("cat", "c1", nil), item("note", "n1", hecate.Values{"x": "y"}), ownersOnly(item("note", "n2", nil)), private(item("note", "n3", nil)))
		ids := []hecate.RecordID{rs[0].ID, rs[1].ID, rs[2].ID, rs[3].ID, "nothing", s.ben.UserID().ProfileID()}
		found := must[map[hecate.RecordID]*hecate.Record](t)(s.RecordsByID(ctx, s.alyx, ids))
		if len(found) != 2 || found[rs[1].ID].Values["x"] != "y" || found[rs[0].ID].Collection != rs[0].Collection {
			t.Errorf("%+v", found)
		}
		if found := must[map[hecate.RecordID]*hecate.Record](t)(s.RecordsByID(ctx, s.ben, ids)); len(found) != 4 {
			t.Errorf("%d", len(found))
		}
	})
}

func TestFieldsAreRenamedWithTheirValues(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		s := newShelf(t, h)
		s.saved(s.ben, item("note", "n", hecate.Values{"a": "kept", "b": "hidden"}))
		_, err := s.RenameField(ctx, s.ben, "note", "a", "title")
		fails(t, err, hecate.Forbidden, "")
		must[*hecate.Collection](t)(s.RenameField(ctx, s.owner, "note", "a", "title"))
		_, err = s.RenameField(ctx, s.owner, "note", "title", "b")
		fails(t, err, hecate.Exists, "field")
		_, err = s.RenameField(ctx, s.owner, "note", "nothing", "c")
		fails(t, err, hecate.NotFound, "field")
		_, err = s.DeleteField(ctx, s.owner, "nothing", "c")
		fails(t, err, hecate.NotFound, "collection")
		must[*hecate.Collection](t)(s.DeleteField(ctx, s.owner, "note", "b"))
		r := s.saved(s.ben, item("note", "n", hecate.Values{"a": "anew"}))[0]
		if len(r.Values) != 2 || r.Values["title"] != "kept" || r.Values["a"] != "anew" {
			t.Errorf("%+v", r.Values)
		}
	})
}

func TestManyRoles(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		s := newShelf(t, h)
		keys := []string{s.ben.User.Key, s.alyx.User.Key, "nobody", ""}
		roles := func(a *hecate.Actor, users ...string) map[string][]string {
			t.Helper()
			return must[map[string][]string](t)(s.RolesOfUsers(ctx, a, users))
		}
		fails(t, s.AssignRoles(ctx, s.ben, keys, []string{"Editor"}), hecate.Forbidden, "")
		for range 2 {
			works(t, s.AssignRoles(ctx, s.owner, keys, []string{"Editor", "Viewer"}))
		}
		if got := roles(s.owner, keys...); len(got) != 4 || strings.Join(got[keys[0]], " ") != "Editor Viewer" || len(got["nobody"]) != 0 {
			t.Errorf("%v", got)
		}
		works(t, s.RevokeRoles(ctx, s.owner, keys, []string{"Viewer", "unknown"}))
		works(t, s.RevokeRoles(ctx, s.owner, nil, nil))
		if got := roles(s.ben, s.ben.User.Key); strings.Join(got[s.ben.User.Key], " ") != "Editor" {
			t.Errorf("%v", got)
		}
		_, err := s.RolesOfUsers(ctx, s.ben, keys)
		fails(t, err, hecate.Forbidden, "")

		again := func(a *hecate.Actor) *hecate.Actor {
			return s.enter(s.app, hecate.Proof{Key: s.key, Token: must[*LoginResult](t)(s.OpenSession(ctx, a, "", OpenSession{})).SessionToken})
		}
		t.Run("the first admin role is Admin", func(t *testing.T) {
			admins, _, err := s.AdminRoles(ctx, s.owner)
			if works(t, err); len(admins) != 1 || admins[0] != FirstAdminRole {
				t.Errorf("%v", admins)
			}
			works(t, s.AssignRoles(ctx, s.owner, keys[:1], []string{FirstAdminRole}))
			if a := again(s.ben); !a.Can(hecate.Manage, hecate.AreaRoles) || !a.Can(hecate.Manage, hecate.AreaUsers) {
				t.Error("no powers")
			}
		})
		t.Run("until the app says otherwise", func(t *testing.T) {
			works(t, s.SetAdminRoles(ctx, s.owner, []string{"Chief"}))
			if a := again(s.ben); a.Can(hecate.Manage, hecate.AreaRoles) {
				t.Error("still powers")
			}
			works(t, s.SetAdminRoles(ctx, s.owner, nil))
			if admins, _, err := s.AdminRoles(ctx, s.owner); err != nil || len(admins) != 0 {
				t.Errorf("%v %v", admins, err)
			}
		})
		t.Run("sign-ups get the default roles", func(t *testing.T) {
			works(t, s.SetDefaultRoles(ctx, s.owner, []string{"Member", "Editor"}))
			works(t, s.SetDefaultRoles(ctx, s.owner, []string{"Member"}))
			carl := s.signUp("carl")
			if got := roles(s.owner, carl.User.Key); strings.Join(got[carl.User.Key], " ") != "Member" {
				t.Errorf("%v", got)
			}
			if got := roles(s.owner, s.ben.User.Key); strings.Contains(strings.Join(got[s.ben.User.Key], " "), "Member") {
				t.Errorf("%v", got)
			}
		})
		t.Run("another app has none of it", func(t *testing.T) {
			_, owner := h.app("films")
			works(t, s.AssignRoles(ctx, owner, keys, []string{"Editor"}))
			if got := must[map[string][]string](t)(s.RolesOfUsers(ctx, owner, keys)); len(got[keys[0]]) != 0 {
				t.Errorf("%v", got)
			}
		})
	})
}
