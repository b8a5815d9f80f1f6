package engine

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hecate"
	"hecate/internal/store"
)

// meadow is an app whose records have no grants of their own: animals in two collections, and users whose roles say it all.
type meadow struct {
	*house
	t          *testing.T
	app        *hecate.App
	owner      *hecate.Actor
	key        hecate.Secret
	dogs, cats *hecate.Collection
	n          int
}

func inMeadow(t *testing.T, fn func(t *testing.T, m *meadow)) {
	t.Helper()
	inHouse(t, func(t *testing.T, h *house) {
		h.t = t
		m := &meadow{house: h, t: t}
		m.app, m.owner = h.app("app")
		m.key = h.key(m.owner, 0)
		m.dogs, m.cats = m.open("dogs"), m.open("cats")
		fn(t, m)
	})
}

func (m *meadow) open(name string) *hecate.Collection {
	m.t.Helper()
	return must[*hecate.Collection](m.t)(m.CreateCollection(ctx, m.owner, CollectionInput{Name: name, Open: true}))
}

func (m *meadow) animal(c *hecate.Collection, in RecordInput) *hecate.Record {
	m.t.Helper()
	m.n++
	if in.Values == nil {
		in.Values = hecate.Values{"name": fmt.Sprint(strings.TrimSuffix(c.Name, "s"), m.n)}
	}
	return must[*hecate.Record](m.t)(m.CreateRecord(ctx, m.owner, c, in))
}

// holder is a user of the app whose roles grant exactly that on those paths; his profile has no grants of its own.
func (m *meadow) holder(name string, want hecate.Permissions, paths ...string) *hecate.Actor {
	m.t.Helper()
	a := *m.as(m.app, m.key, m.user(m.owner, name))
	a.Policy, a.Key = nil, nil
	users := must[*hecate.Collection](m.t)(m.LookupCollection(ctx, m.app.ID, "users"))
	must[*hecate.Record](m.t)(m.UpdateRecord(ctx, m.owner, users, RecordRef{ID: profileOf(&a)}, RecordInput{
		Access: func(hecate.Access, hecate.Permissions) (hecate.Access, error) { return hecate.Access{}, nil },
	}))
	for _, p := range paths {
		a.Policy = append(a.Policy, hecate.Grant{Subject: hecate.SubjectRole("default"), Permissions: want, Path: p})
	}
	return &a
}

func profileOf(a *hecate.Actor) hecate.RecordID { return a.User.ID.ProfileID() }

// onto saves a record that is hung on something.
func (m *meadow) onto(actor *hecate.Actor, on Onto, c *hecate.Collection, name string) (*hecate.Record, error) {
	item := SaveInput{Collection: c.Name, Mode: MakeOnly, Input: RecordInput{Values: hecate.Values{"name": name}}}
	o := SaveOptions{Atomic: true, Guests: true, Missing: func(name string, _ any) (hecate.Field, bool) {
		return hecate.Field{Name: name, Type: hecate.JSONType}, true
	},
		Extend: func(*hecate.Collection) bool { return true }}
	saved, err := m.SaveOnto(ctx, actor, on, []SaveInput{item}, o)
	if err == nil {
		err = saved[0].Err
	}
	if err != nil {
		return nil, err
	}
	return saved[0].Record, nil
}

// names lists what is linked, by the field name, else "?".
func (m *meadow) names(actor *hecate.Actor, in LinkedInput) string {
	m.t.Helper()
	if in.Query.Limit == 0 {
		in.Query.Limit = 100
	}
	page := must[hecate.Page[LinkedRecord]](m.t)(m.Linked(ctx, actor, in))
	var out []string
	for _, r := range page.Rows {
		name, _ := r.Values["name"].(string)
		if name == "" {
			name = "?"
		}
		if r.Placed.Collection == nil || r.Record.Collection != r.Placed.Collection.ID {
			m.t.Fatalf("%s is not placed", r.ID)
		}
		out = append(out, name)
	}
	if page.More {
		out = append(out, "…")
	}
	return strings.Join(out, " ")
}

func TestLinksLeadFromRecordToRecordOfAnyCollection(t *testing.T) {
	inMeadow(t, func(t *testing.T, m *meadow) {
		d, other, c := m.animal(m.dogs, RecordInput{}), m.animal(m.dogs, RecordInput{}), m.animal(m.cats, RecordInput{})
		for _, to := range []*hecate.Record{other, c, d} {
			works(t, m.Link(ctx, m.owner, d.ID, "likes", to.ID))
		}
		works(t, m.Link(ctx, m.owner, c.ID, "likes", d.ID))
		works(t, m.Link(ctx, m.owner, d.ID, "hates", c.ID))
		likes := LinkedInput{Record: d.ID, Name: "likes"}
		eq := func(in LinkedInput, want string) {
			t.Helper()
			if got := m.names(m.owner, in); got != want {
				t.Errorf("linked %q, want %q", got, want)
			}
		}
		eq(likes, "dog1 cat3 dog2")
		works(t, m.Link(ctx, m.owner, d.ID, "likes", other.ID))
		eq(likes, "dog2 dog1 cat3")
		eq(LinkedInput{Record: d.ID, Name: "likes", Collection: m.dogs}, "dog2 dog1")
		eq(LinkedInput{Record: d.ID, Name: "likes", Incoming: true}, "cat3 dog1")
		eq(LinkedInput{Record: d.ID, Name: "Likes"}, "")
		name := hecate.Operand{Path: []string{"name"}, Type: hecate.StringType}
		is := hecate.Filter{Op: hecate.OpPrefix, Operand: name, Value: "dog"}
		eq(LinkedInput{Record: d.ID, Name: "likes", Query: hecate.Query{Filter: is}}, "dog2 dog1")
		eq(LinkedInput{Record: d.ID, Name: "likes", FilterOf: func(c *hecate.Collection) (hecate.Filter, bool, error) {
			return hecate.Filter{}, c.Name == "cats", nil
		}}, "cat3")
		eq(LinkedInput{Record: d.ID, Name: "likes", Collection: m.dogs, Query: hecate.Query{Order: []hecate.Order{{Operand: name}}}}, "dog1 dog2")
		eq(LinkedInput{Record: c.ID, Name: "likes", Query: hecate.Query{Order: []hecate.Order{{Operand: name}}}}, "dog1")
		_, err := m.Linked(ctx, m.owner, LinkedInput{Record: d.ID, Name: "likes", Query: hecate.Query{Limit: 9, Order: []hecate.Order{{Operand: name}}}})
		fails(t, err, hecate.Invalid, "query")

		works(t, m.Unlink(ctx, m.owner, d.ID, "likes", other.ID))
		fails(t, m.Unlink(ctx, m.owner, d.ID, "likes", other.ID), hecate.NotFound, "link")
		fails(t, m.Unlink(ctx, m.owner, d.ID, "Likes", c.ID), hecate.NotFound, "link")
		eq(likes, "dog1 cat3")
		puppy := must[*hecate.Record](t)(m.onto(m.owner, Onto{From: d.ID, Name: "likes"}, m.dogs, "puppy"))
		eq(likes, "puppy dog1 cat3")
		works(t, m.Unlink(ctx, m.owner, d.ID, "likes", puppy.ID))
		failed[*hecate.Record](t, hecate.NotFound, "from")(m.onto(m.owner, Onto{From: "none", Name: "likes"}, m.dogs, "puppy"))
		if yes := must[bool](t)(m.IsLinked(ctx, m.owner, d.ID, "likes", c.ID)); !yes {
			t.Error("not linked")
		}
		if yes := must[bool](t)(m.IsLinked(ctx, m.owner, d.ID, "likes", other.ID)); yes {
			t.Error("still linked")
		}
		for _, bad := range []string{"", strings.Repeat("x", maxName+1), "a\x00", "\xff"} {
			if err := m.Link(ctx, m.owner, d.ID, bad, c.ID); err == nil {
				t.Errorf("name %q is taken", bad)
			}
		}
		for _, id := range []hecate.RecordID{"", "nobody", "\xff", "a\x00"} {
			fails(t, m.Link(ctx, m.owner, id, "likes", c.ID), hecate.NotFound, "from")
			fails(t, m.Link(ctx, m.owner, c.ID, "likes", id), hecate.NotFound, "to")
		}
	})
}

func TestPagesOfLinksHaveEachOnceWhileOthersLinkAndUnlink(t *testing.T) {
	inMeadow(t, func(t *testing.T, m *meadow) {
		hub := m.animal(m.dogs, RecordInput{})
		want := map[hecate.RecordID]bool{}
		var extra []*hecate.Record
		for i := range 23 {
			r := m.animal([]*hecate.Collection{m.dogs, m.cats}[i%2], RecordInput{})
			works(t, m.Link(ctx, m.owner, hub.ID, "likes", r.ID))
			if i%5 == 4 {
				extra = append(extra, r)
				continue
			}
			want[r.ID] = true
		}
		q := hecate.Query{Limit: 3}
		seen := map[hecate.RecordID]bool{}
		for {
			page := must[hecate.Page[LinkedRecord]](t)(m.Linked(ctx, m.owner, LinkedInput{Record: hub.ID, Name: "likes", Query: q}))
			for _, r := range page.Rows {
				if seen[r.ID] {
					t.Errorf("%v came twice", r.Values)
				}
				seen[r.ID] = true
				q.After = &hecate.Cursor{Values: []any{r.MadeAt.UnixMicro()}, Seq: r.Seq}
			}
			if !page.More {
				break
			}
			works(t, m.Link(ctx, m.owner, hub.ID, "likes", m.animal(m.cats, RecordInput{}).ID))
			if len(extra) > 0 {
				works(t, m.Unlink(ctx, m.owner, hub.ID, "likes", extra[0].ID))
				extra = extra[1:]
			}
		}
		for id := range want {
			if !seen[id] {
				t.Errorf("%s was not seen", id)
			}
		}
		q.After = &hecate.Cursor{Values: []any{"x"}}
		_, err := m.Linked(ctx, m.owner, LinkedInput{Record: hub.ID, Name: "likes", Query: q})
		fails(t, err, hecate.Invalid, "query")
		_, err = m.Linked(ctx, m.owner, LinkedInput{Record: hub.ID, Name: "likes", Query: hecate.Query{Limit: hecate.MaxPage + 1}})
		fails(t, err, hecate.TooLarge, "query")
	})
}

func TestThePathDecidesAboutLinks(t *testing.T) {
	inMeadow(t, func(t *testing.T, m *meadow) {
		d, c := m.animal(m.dogs, RecordInput{}), m.animal(m.cats, RecordInput{})
		path := "/dogs/" + string(d.ID) + "/likes"
		nobody := m.holder("nobody", hecate.AllPermissions, "/birds/**")
		maker := m.holder("maker", hecate.Create, "/dogs/*/likes/**")
		reader := m.holder("reader", hecate.Read, "/dogs/*/likes/**")
		breaker := m.holder("breaker", hecate.Delete, "/dogs/*/likes/**")
		at := func(a *hecate.Actor) *hecate.Actor { return Via(a, path) }
		for _, a := range []*hecate.Actor{nobody, reader, breaker} {
			fails(t, m.Link(ctx, at(a), d.ID, "likes", c.ID), hecate.Forbidden, "")
		}
		works(t, m.Link(ctx, at(maker), d.ID, "likes", c.ID))
		for _, a := range []*hecate.Actor{nobody, maker, breaker} {
			failed[hecate.Page[LinkedRecord]](t, hecate.Forbidden, "")(m.Linked(ctx, at(a), LinkedInput{Record: d.ID, Name: "likes", Query: hecate.Query{Limit: 1}}))
		}
		if got := m.names(at(reader), LinkedInput{Record: d.ID, Name: "likes"}); got != "cat2" {
			t.Errorf("the reader sees %q", got)
		}
		for _, a := range []*hecate.Actor{nobody, maker, reader} {
			fails(t, m.Unlink(ctx, at(a), d.ID, "likes", c.ID), hecate.Forbidden, "")
		}
		works(t, m.Unlink(ctx, at(breaker), d.ID, "likes", c.ID))
		// Without a path of the caller's own the engine asks about the whole one, and about the ends themselves.
		whole := m.holder("whole", hecate.AllPermissions, "/dogs/**", "/cats/**")
		works(t, m.Link(ctx, whole, d.ID, "likes", c.ID))
		half := m.holder("half", hecate.AllPermissions, "/dogs/**")
		fails(t, m.Link(ctx, half, d.ID, "likes", c.ID), hecate.NotFound, "to")
	})
}

func TestEndsWithGrantsOfTheirOwnAreAskedToo(t *testing.T) {
	inMeadow(t, func(t *testing.T, m *meadow) {
		ann, bob := m.holder("ann", hecate.AllPermissions, "/**"), m.holder("bob", hecate.AllPermissions, "/**")
		only := func(who *hecate.Actor, p hecate.Permissions) func(hecate.Access, hecate.Permissions) (hecate.Access, error) {
			return ownedBy(hecate.Grant{Subject: hecate.SubjectUser(who.User.ID), Permissions: p})
		}
		open := m.animal(m.dogs, RecordInput{})
		seen := m.animal(m.dogs, RecordInput{Access: only(ann, hecate.Read)})
		changed := m.animal(m.dogs, RecordInput{Access: only(ann, hecate.Read|hecate.Update)})
		via := func(a *hecate.Actor, from *hecate.Record) *hecate.Actor {
			return Via(a, "/dogs/"+string(from.ID)+"/likes")
		}

		works(t, m.Link(ctx, via(ann, open), open.ID, "likes", seen.ID))
		fails(t, m.Link(ctx, via(bob, open), open.ID, "likes", seen.ID), hecate.NotFound, "to")
		fails(t, m.Link(ctx, via(ann, seen), seen.ID, "likes", open.ID), hecate.Forbidden, "")
		fails(t, m.Link(ctx, via(bob, seen), seen.ID, "likes", open.ID), hecate.NotFound, "from")
		works(t, m.Link(ctx, via(ann, changed), changed.ID, "likes", open.ID))
		works(t, m.Link(ctx, via(ann, open), open.ID, "likes", changed.ID))
		in := LinkedInput{Record: open.ID, Name: "likes"}
		if a, b := m.names(via(ann, open), in), m.names(via(bob, open), in); a != "dog3 dog2" || b != "" {
			t.Errorf("ann sees %q, bob %q", a, b)
		}
		in.Incoming = true
		if a, b := m.names(via(ann, open), in), m.names(via(bob, open), in); a != "dog3" || b != "" {
			t.Errorf("incoming: ann sees %q, bob %q", a, b)
		}
		fails(t, m.Unlink(ctx, via(bob, changed), changed.ID, "likes", open.ID), hecate.NotFound, "from")
		works(t, m.Unlink(ctx, via(ann, changed), changed.ID, "likes", open.ID))

		// A closed collection hides what is in it, whatever the path gives.
		closed := must[*hecate.Collection](t)(m.CreateCollection(ctx, m.owner, CollectionInput{Name: "owls", Open: true, Access: hecate.Access{Own: true}}))
		owl := m.animal(closed, RecordInput{})
		works(t, m.Link(ctx, m.owner, open.ID, "fears", owl.ID))
		if got := m.names(via(ann, open), LinkedInput{Record: open.ID, Name: "fears"}); got != "" {
			t.Errorf("ann sees %q", got)
		}
		fails(t, m.Link(ctx, via(ann, open), open.ID, "likes", owl.ID), hecate.NotFound, "to")
		failed[Placed](t, hecate.NotFound, "")(m.RecordAnywhere(ctx, ann, owl.ID))
		failed[Placed](t, hecate.NotFound, "")(m.RecordAnywhere(ctx, bob, seen.ID))
		if got := must[Placed](t)(m.RecordAnywhere(ctx, ann, seen.ID)); got.Collection.Name != "dogs" {
			t.Errorf("found %+v", got)
		}
	})
}

func TestLinksFromAUserAreHisOwn(t *testing.T) {
	inMeadow(t, func(t *testing.T, m *meadow) {
		d := m.animal(m.dogs, RecordInput{})
		ann, bob := m.holder("ann", hecate.AllPermissions, "/**"), m.holder("bob", hecate.AllPermissions, "/**")
		of := func(a *hecate.Actor) string { return "/users/" + string(a.User.ID) + "/likes" }
		works(t, m.Link(ctx, Via(ann, of(ann)), profileOf(ann), "likes", d.ID))
		fails(t, m.Link(ctx, Via(bob, of(ann)), profileOf(ann), "likes", d.ID), hecate.Forbidden, "")
		fails(t, m.Unlink(ctx, Via(bob, of(ann)), profileOf(ann), "likes", d.ID), hecate.Forbidden, "")
		if got := m.names(Via(bob, of(ann)), LinkedInput{Record: profileOf(ann), Name: "likes"}); got == "" {
			t.Error("bob cannot see what ann likes")
		}
		works(t, m.Link(ctx, Via(bob, of(bob)), profileOf(bob), "likes", profileOf(ann)))
		works(t, m.Link(ctx, Via(bob, "/dogs/"+string(d.ID)+"/likedby"), d.ID, "likedby", profileOf(ann)))
		sandbox := *bob
		sandbox.Sandbox = true
		works(t, m.Link(ctx, Via(&sandbox, of(ann)), profileOf(ann), "likes", profileOf(bob)))
		named := m.holder("named", hecate.AllPermissions, "/users/*/likes/**")
		works(t, m.Unlink(ctx, Via(named, of(ann)), profileOf(ann), "likes", profileOf(bob)))
		shy := m.holder("shy", hecate.Read, "/**")
		fails(t, m.Link(ctx, Via(shy, of(shy)), profileOf(shy), "likes", d.ID), hecate.Forbidden, "")
	})
}

func TestLinksStayInTheirApp(t *testing.T) {
	inMeadow(t, func(t *testing.T, m *meadow) {
		app, owner := m.house.app("other")
		there := must[*hecate.Collection](t)(m.CreateCollection(ctx, owner, CollectionInput{Name: "dogs", Open: true}))
		alien := must[*hecate.Record](t)(m.CreateRecord(ctx, owner, there, RecordInput{Values: hecate.Values{"name": "alien"}}))
		alien2 := must[*hecate.Record](t)(m.CreateRecord(ctx, owner, there, RecordInput{Values: hecate.Values{"name": "alien2"}}))
		works(t, m.Link(ctx, owner, alien.ID, "likes", alien2.ID))
		d := m.animal(m.dogs, RecordInput{})
		fails(t, m.Link(ctx, m.owner, d.ID, "likes", alien.ID), hecate.NotFound, "to")
		fails(t, m.Link(ctx, m.owner, alien.ID, "likes", d.ID), hecate.NotFound, "from")
		fails(t, m.Unlink(ctx, m.owner, alien.ID, "likes", alien2.ID), hecate.NotFound, "from")
		fails(t, m.MayLink(ctx, m.owner, alien.ID, "likes"), hecate.NotFound, "from")
		failed[Placed](t, hecate.NotFound, "")(m.RecordAnywhere(ctx, m.owner, alien.ID))
		for _, in := range []bool{false, true} {
			failed[hecate.Page[LinkedRecord]](t, hecate.NotFound, "from")(m.Linked(ctx, m.owner, LinkedInput{Record: alien.ID, Name: "likes", Incoming: in, Query: hecate.Query{Limit: 1}}))
		}
		if got := must[map[hecate.RecordID]LinkNames](t)(m.Engine.LinkNames(ctx, m.app.ID, []hecate.RecordID{alien.ID, alien2.ID})); len(got) != 0 {
			t.Errorf("names of another app's links: %v", got)
		}
		if got := must[map[hecate.RecordID]LinkNames](t)(m.Engine.LinkNames(ctx, app.ID, []hecate.RecordID{alien.ID})); len(got) != 1 {
			t.Errorf("names of links: %v", got)
		}
		group := must[*hecate.Group](t)(m.CreateGroup(ctx, owner, GroupInput{Title: "g"}))
		failed[*hecate.Record](t, hecate.NotFound, "group")(m.onto(m.owner, Onto{Group: group.ID}, m.dogs, "x"))
		must[*hecate.Record](t)(m.onto(owner, Onto{Group: group.ID}, there, "x"))
		if got := must[hecate.Page[LinkedRecord]](t)(m.GroupRecords(ctx, m.owner, group.ID, LinkedInput{Query: hecate.Query{Limit: 9}})); len(got.Rows) != 0 {
			t.Errorf("another app's group shows %v", got.Rows)
		}
		if got := must[hecate.Page[LinkedRecord]](t)(m.GroupRecords(ctx, owner, group.ID, LinkedInput{Query: hecate.Query{Limit: 9}})); len(got.Rows) != 1 {
			t.Errorf("the group shows %v", got.Rows)
		}
		stranger := m.user(owner, "stranger")
		failed[*hecate.Record](t, hecate.NotFound, "from")(m.onto(m.owner, Onto{User: stranger.User.ID}, m.dogs, "x"))
		if _, err := m.OwnersAround(ctx, m.owner, stranger.User.ID, "following"); hecate.KindOf(err) != hecate.NotFound {
			t.Errorf("around another app's user: %v", err)
		}
	})
}

func TestNamesOfLinksAreCachedAndNeverOld(t *testing.T) {
	inMeadow(t, func(t *testing.T, m *meadow) {
		d, c := m.animal(m.dogs, RecordInput{}), m.animal(m.cats, RecordInput{})
		ids := []hecate.RecordID{d.ID, c.ID}
		is := func(want string) {
			t.Helper()
			got := must[map[hecate.RecordID]LinkNames](t)(m.Engine.LinkNames(ctx, m.app.ID, ids))
			if text := fmt.Sprint(got[d.ID], got[c.ID]); text != want {
				t.Errorf("names %s, want %s", text, want)
			}
		}
		is("{[] []} {[] []}")
		works(t, m.Link(ctx, m.owner, d.ID, "likes", c.ID))
		is("{[likes] []} {[] [likes]}")
		works(t, m.Link(ctx, m.owner, d.ID, "fears", d.ID))
		is("{[fears likes] [fears]} {[] [likes]}")
		if m.db.Single() { // else this house hears nothing of other nodes' changes, and keeps nothing
			behind := hecate.Link{From: d.ID, Name: "fears", To: d.ID} // what is warm asks no query
			works(t, m.db.Write(ctx, func(tx *store.DB) error { return tx.DeleteLink(ctx, m.app.ID, behind) }))
			is("{[fears likes] [fears]} {[] [likes]}")
		}
		works(t, m.Link(ctx, m.owner, d.ID, "fears", d.ID))
		works(t, m.Unlink(ctx, m.owner, d.ID, "fears", d.ID))
		is("{[likes] []} {[] [likes]}")
		works(t, m.DeleteRecord(ctx, m.owner, m.cats, RecordRef{ID: c.ID}))
		is("{[] []} {[] []}")

		ann, bob := m.holder("ann", hecate.AllPermissions, "/**"), m.holder("bob", hecate.AllPermissions, "/**")
		ids = []hecate.RecordID{d.ID, profileOf(bob)}
		c = &hecate.Record{ID: profileOf(bob)}
		works(t, m.LinkUsers(ctx, ann, "friend", []hecate.UserID{bob.User.ID}))
		is("{[] []} {[] [friend]}")
		works(t, m.Link(ctx, m.owner, d.ID, "owner", profileOf(ann)))
		works(t, m.UnlinkUsers(ctx, ann, "friend", []hecate.UserID{bob.User.ID}))
		is("{[owner] []} {[] []}")
		works(t, m.DeleteUser(ctx, m.owner, UserRef{ID: ann.User.ID}))
		is("{[] []} {[] []}")

		works(t, m.Link(ctx, m.owner, profileOf(bob), "likes", m.animal(m.cats, RecordInput{}).ID))
		is("{[] []} {[likes] []}")
		works(t, m.DeleteCollection(ctx, m.owner, "cats"))
		is("{[] []} {[] []}")
	})
}

func TestAnActivityBelongsToItsUserAndComesToWhoFollowsHim(t *testing.T) {
	inMeadow(t, func(t *testing.T, m *meadow) {
		acts := m.open("activities")
		ann, bob, eve := m.holder("ann", hecate.AllPermissions, "/**"), m.holder("bob", hecate.AllPermissions, "/**"), m.holder("eve", hecate.AllPermissions, "/**")
		via := func(a *hecate.Actor, of *hecate.Actor) *hecate.Actor {
			return Via(a, "/users/"+string(of.User.ID)+"/activities")
		}
		post := func(a, of *hecate.Actor, what string) error {
			m.clock.move(time.Second)
			r, err := m.onto(via(a, of), Onto{User: of.User.ID}, acts, what)
			if err == nil && r.Owner != of.User.ID {
				t.Errorf("%s belongs to %q", what, r.Owner)
			}
			return err
		}
		works(t, post(ann, ann, "a1"))
		works(t, post(bob, bob, "b1"))
		works(t, post(m.owner, ann, "a2"))
		sandbox := *bob
		sandbox.Sandbox = true
		works(t, post(&sandbox, ann, "a3"))
		fails(t, post(bob, ann, "forged"), hecate.Forbidden, "")
		works(t, m.Link(ctx, Via(bob, "/users/"+string(bob.User.ID)+"/following"), profileOf(bob), "following", profileOf(eve)))
		works(t, m.Link(ctx, m.owner, profileOf(bob), "following", profileOf(ann)))
		feed := func(a *hecate.Actor, name string) string {
			t.Helper()
			f := must[hecate.Filter](t)(m.OwnersAround(ctx, Via(a, "/users/"+string(a.User.ID)+"/feed"), a.User.ID, name))
			page := must[hecate.Page[*hecate.Record]](t)(m.Records(ctx, a, acts, hecate.Query{Filter: f, SeqDesc: true, Limit: 10}))
			var out []string
			for _, r := range page.Rows {
				out = append(out, r.Values["name"].(string))
			}
			return strings.Join(out, " ")
		}
		for _, want := range []struct {
			who  *hecate.Actor
			name string
			is   string
		}{{ann, "", "a3 a2 a1"}, {ann, "following", "a3 a2 a1"}, {bob, "", "b1"}, {bob, "following", "a3 a2 b1 a1"}, {eve, "following", ""}} {
			if got := feed(want.who, want.name); got != want.is {
				t.Errorf("%s: %q, want %q", want.who.User.Username, got, want.is)
			}
		}
	})
}

func TestAGroupShowsWhatIsPostedToIt(t *testing.T) {
	inMeadow(t, func(t *testing.T, m *meadow) {
		acts := m.open("activities")
		g := must[*hecate.Group](t)(m.CreateGroup(ctx, m.owner, GroupInput{Title: "g"}))
		path := "/groups/" + string(g.ID) + "/activities"
		ann := m.holder("ann", hecate.AllPermissions, "/groups/**")
		shy := m.holder("shy", hecate.AllPermissions, "/dogs/**")
		failed[*hecate.Record](t, hecate.Forbidden, "")(m.onto(Via(shy, path), Onto{Group: g.ID}, acts, "x"))
		failed[*hecate.Record](t, hecate.NotFound, "group")(m.onto(Via(ann, path), Onto{Group: "none"}, acts, "x"))
		for _, name := range []string{"one", "two"} {
			must[*hecate.Record](t)(m.onto(Via(ann, path), Onto{Group: g.ID}, acts, name))
		}
		page := must[hecate.Page[LinkedRecord]](t)(m.GroupRecords(ctx, Via(ann, path), g.ID, LinkedInput{Collection: acts, Query: hecate.Query{Limit: 9}}))
		if len(page.Rows) != 2 || page.Rows[0].Values["name"] != "two" {
			t.Errorf("%v", page.Rows)
		}
		failed[hecate.Page[LinkedRecord]](t, hecate.Forbidden, "")(m.GroupRecords(ctx, Via(shy, path), g.ID, LinkedInput{Query: hecate.Query{Limit: 9}}))
		works(t, m.DeleteGroup(ctx, m.owner, GroupRef{ID: g.ID}))
		page = must[hecate.Page[LinkedRecord]](t)(m.GroupRecords(ctx, Via(ann, path), g.ID, LinkedInput{Collection: acts, Query: hecate.Query{Limit: 9}}))
		if len(page.Rows) != 0 {
			t.Errorf("%v", page.Rows)
		}
	})
}

// A random sequence of changes leaves what a list of links kept by hand says.
func TestLinksAreWhatASimpleModelSays(t *testing.T) {
	inMeadow(t, func(t *testing.T, m *meadow) {
		type end struct {
			id hecate.RecordID
			c  *hecate.Collection
		}
		type link struct {
			from int
			name string
			to   int
		}
		rapid.Check(t, func(rt *rapid.T) {
			ends := []end{}
			for i := range 4 {
				c := []*hecate.Collection{m.dogs, m.cats}[i%2]
				ends = append(ends, end{m.animal(c, RecordInput{}).ID, c})
			}
			var model []link // the latest last
			names := []string{"likes", "fears"}
			pick := func() link {
				return link{rapid.IntRange(0, 3).Draw(rt, "from"), names[rapid.IntRange(0, 1).Draw(rt, "name")], rapid.IntRange(0, 3).Draw(rt, "to")}
			}
			idOf := func(l link) (hecate.RecordID, string, hecate.RecordID) { return ends[l.from].id, l.name, ends[l.to].id }
			has := func(l link) func(link) bool { return func(x link) bool { return x == l } }
			rt.Repeat(map[string]func(*rapid.T){
				"link": func(rt *rapid.T) {
					l := pick()
					from, name, to := idOf(l)
					if err := m.Link(ctx, m.owner, from, name, to); err != nil {
						rt.Fatal(err)
					}
					model = append(slices.DeleteFunc(model, has(l)), l)
				},
				"unlink": func(rt *rapid.T) {
					l := pick()
					from, name, to := idOf(l)
					err := m.Unlink(ctx, m.owner, from, name, to)
					if there := slices.ContainsFunc(model, has(l)); there != (err == nil) || !there && hecate.KindOf(err) != hecate.NotFound {
						rt.Fatalf("unlink: %v, there %v", err, there)
					}
					model = slices.DeleteFunc(model, has(l))
				},
				"delete": func(rt *rapid.T) {
					i := rapid.IntRange(0, 3).Draw(rt, "which")
					if err := m.DeleteRecord(ctx, m.owner, ends[i].c, RecordRef{ID: ends[i].id}); err != nil {
						rt.Fatal(err)
					}
					ends[i].id = m.animal(ends[i].c, RecordInput{}).ID
					model = slices.DeleteFunc(model, func(l link) bool { return l.from == i || l.to == i })
				},
				"": func(rt *rapid.T) {
					at := rapid.IntRange(0, 3).Draw(rt, "at")
					incoming := rapid.Bool().Draw(rt, "incoming")
					var only *hecate.Collection
					if rapid.Bool().Draw(rt, "one collection") {
						only = m.cats
					}
					for _, name := range names {
						var want, got []hecate.RecordID
						for _, l := range slices.Backward(model) {
							near, far := l.from, l.to
							if incoming {
								near, far = l.to, l.from
							}
							if near == at && l.name == name && (only == nil || ends[far].c.ID == only.ID) {
								want = append(want, ends[far].id)
							}
						}
						page, err := m.Linked(ctx, m.owner, LinkedInput{Record: ends[at].id, Name: name, Incoming: incoming, Collection: only, Query: hecate.Query{Limit: 10}})
						if err != nil {
							rt.Fatal(err)
						}
						for _, r := range page.Rows {
							got = append(got, r.ID)
						}
						if !slices.Equal(got, want) {
							rt.Fatalf("%s of %d (incoming %v): %v, want %v", name, at, incoming, got, want)
						}
					}
					var ids []hecate.RecordID
					want := map[hecate.RecordID]LinkNames{}
					for i, e := range ends {
						ids = append(ids, e.id)
						var n LinkNames
						for _, name := range slices.Sorted(slices.Values(names)) {
							if slices.ContainsFunc(model, func(l link) bool { return l.from == i && l.name == name }) {
								n.From = append(n.From, name)
							}
							if slices.ContainsFunc(model, func(l link) bool { return l.to == i && l.name == name }) {
								n.To = append(n.To, name)
							}
						}
						if n.From != nil || n.To != nil {
							want[e.id] = n
						}
					}
					got, err := m.Engine.LinkNames(ctx, m.app.ID, ids)
					if err != nil || !maps.EqualFunc(got, want, func(a, b LinkNames) bool { return slices.Equal(a.From, b.From) && slices.Equal(a.To, b.To) }) {
						rt.Fatalf("names %v, want %v (%v)", got, want, err)
					}
				},
			})
		})
	})
}
