package store

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"hecate"
)

var grantSubjects = []hecate.Subject{
	hecate.Public, hecate.Anyone, hecate.Owner, "user:u1", "user:u2", "group:g1", "group:g2", "role:r1", "role:r2", "key:k1", "key:k2",
}

func drawAccess(t *rapid.T, subjects []hecate.Subject) hecate.Access {
	grant := rapid.Custom(func(t *rapid.T) hecate.Grant {
		return hecate.Grant{
			Subject:     rapid.SampledFrom(subjects).Draw(t, "subject"),
			Permissions: hecate.Permissions(rapid.Uint16Range(0, uint16(hecate.AllPermissions)).Draw(t, "permissions")),
		}
	})
	a := hecate.Access{Own: rapid.Bool().Draw(t, "own")}
	if a.Own {
		a.Grants = rapid.SliceOfN(grant, 0, 4).Draw(t, "grants")
	}
	return a
}

// drawActor draws anybody: guests, keys that read as anyone or not, users with
// groups and roles, managers, under a role policy for the path or none.
func drawActor(t *rapid.T, path string) *hecate.Actor {
	a := &hecate.Actor{Subjects: []hecate.Subject{hecate.Public}}
	if rapid.Bool().Draw(t, "key") {
		k := &hecate.APIKey{ID: hecate.KeyID(rapid.SampledFrom([]string{"k1", "k2"}).Draw(t, "key id"))}
		k.Flags = hecate.KeyFlags(rapid.SampledFrom([]hecate.KeyFlags{0, hecate.CreatesUsers, hecate.ReadsAsAnyone, hecate.ReadsAsAnyone | hecate.CreatesGroups, hecate.ManagesData}).Draw(t, "flags"))
		a.Key, a.Powers = k, k.Flags.Powers()
		a.Subjects = append(a.Subjects, hecate.SubjectKey(k.ID))
		if k.Flags.Has(hecate.ReadsAsAnyone) {
			a.Subjects = append(a.Subjects, hecate.Anyone)
		}
	}
	if rapid.Bool().Draw(t, "signed in") {
		u := &hecate.User{ID: hecate.UserID(rapid.SampledFrom([]string{"u1", "u2"}).Draw(t, "user"))}
		a.Kind, a.User = hecate.UserActor, u
		a.Subjects = append(a.Subjects, hecate.Anyone, hecate.SubjectUser(u.ID))
		a.Subjects = append(a.Subjects, rapid.SliceOfNDistinct(rapid.SampledFrom([]hecate.Subject{"group:g1", "group:g2", "role:r1", "role:r2"}), 0, 3,
			rapid.ID[hecate.Subject]).Draw(t, "memberships")...)
	} else if rapid.IntRange(0, 4).Draw(t, "admin") == 0 {
		a.Admin = &hecate.Admin{}
		a.Powers = hecate.RolePowers[rapid.SampledFrom([]hecate.AdminRole{hecate.NoRole, hecate.ReadRole, hecate.WriteRole, hecate.FullRole}).Draw(t, "role")]
	}
	if rapid.Bool().Draw(t, "policy") {
		a.Policy = []hecate.Grant{{
			Path:        rapid.SampledFrom([]string{path, path + "/**", "/**", "/elsewhere"}).Draw(t, "pattern"),
			Permissions: hecate.Permissions(rapid.Uint16Range(0, uint16(hecate.AllPermissions)).Draw(t, "role permissions")),
		}}
	}
	return a
}

// The rule and the statement must say the same of every record, for every
// actor, verb and collection gate.
func TestPolicyAllowAndTheSQLAgree(t *testing.T) {
	verbs := []hecate.Permissions{hecate.List, hecate.Read, hecate.Update, hecate.Delete, hecate.Manage}
	each(t, func(t *testing.T, db *DB) {
		rapid.Check(t, func(rt *rapid.T) {
			c := testCollection(t, db)
			c.Access = drawAccess(rt, grantSubjects)
			path := "/" + c.Name
			var records []Stored
			for range rapid.IntRange(1, 5).Draw(rt, "records") {
				access := drawAccess(rt, grantSubjects)
				owner := hecate.UserID(rapid.SampledFrom([]string{"", "u1", "u2", "u3"}).Draw(rt, "owner"))
				records = append(records, testRecord(t, db, c, Document{}, func(r *hecate.Record) { r.Access, r.Owner = access, owner }))
			}
			actor := drawActor(rt, path)
			for _, want := range verbs {
				policy := hecate.Policy{Collection: c.Access}
				search := Search{Collection: c, Visible: policy.Visible(actor, want, path), Query: hecate.Query{Limit: 10, Count: true}}
				page, err := db.Records(t.Context(), search)
				if err != nil {
					rt.Fatal(err)
				}
				var expected int
				for _, s := range records {
					// As stored, so that what is kept of the grants is tested as well.
					stored, err := db.Record(t.Context(), c, RecordRef{ID: s.ID})
					if err != nil {
						rt.Fatal(err)
					}
					policy.Record, policy.Owner = stored.Access, stored.Owner
					allowed := policy.Allow(actor, want, hecate.Scope{Area: hecate.AreaRecords, Path: path})
					policy.Record = s.Access
					if policy.Allow(actor, want, hecate.Scope{Area: hecate.AreaRecords, Path: path}) != allowed {
						rt.Fatalf("the stored grants say something else: %+v, %+v", s.Access, stored.Access)
					}
					shown := slices.ContainsFunc(page.Rows, func(r *hecate.Record) bool { return r.ID == s.ID })
					if shown != allowed {
						rt.Fatalf("verb %b: rule %v, statement %v\nactor %+v\ncollection %+v\nrecord %+v owner %q", want, allowed, shown, actor, c.Access, s.Access, s.Owner)
					}
					if allowed {
						expected++
					}
				}
				if page.Count != expected {
					rt.Fatalf("counted %d of %d", page.Count, expected)
				}
			}
		})
	})
}
