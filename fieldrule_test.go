package hecate_test

import (
	"testing"

	"hecate"
)

func TestFieldRules(t *testing.T) {
	t.Parallel()
	const ben, alyx = hecate.UserID("ben"), hecate.UserID("alyx")
	guest := &hecate.Actor{Subjects: []hecate.Subject{hecate.Public}}
	user := func(id hecate.UserID, roles ...string) *hecate.Actor {
		a := &hecate.Actor{User: &hecate.User{ID: id}, Subjects: []hecate.Subject{hecate.Public, hecate.Anyone, hecate.SubjectUser(id)}}
		for _, r := range roles {
			a.Subjects = append(a.Subjects, hecate.SubjectRole(r))
		}
		return a
	}
	master := &hecate.Actor{}
	master.Powers[hecate.AreaSchema] = hecate.AllPermissions
	const read, all = hecate.FieldRead, hecate.AllFieldAccess
	values := hecate.Values{"editor": hecate.Ref{ID: alyx.ProfileID()}, "text": "alyx"}

	for _, c := range []struct {
		name  string
		rules hecate.FieldRules
		actor *hecate.Actor
		want  hecate.FieldAccess
	}{
		{"no rule, no limit", nil, guest, all},
		{"rules of another collection do not count", hecate.FieldRules{{"cat", "text", hecate.Public, 0}}, guest, all},
		{"rules of another field do not count", hecate.FieldRules{{"note", "n", hecate.Public, 0}}, guest, all},
		{"the exact field goes before any", hecate.FieldRules{{"note", "*", hecate.Public, all}, {"note", "text", hecate.Public, read}}, guest, read},
		{"the exact collection goes before any", hecate.FieldRules{{"*", "text", hecate.Public, all}, {"note", "*", hecate.Public, read}}, guest, read},
		{"a collection with rules for other fields alone hides those for all", hecate.FieldRules{{"*", "text", hecate.Public, 0}, {"note", "n", hecate.Public, read}}, guest, all},
		{"any collection, any field", hecate.FieldRules{{"*", "*", hecate.Public, read}}, guest, read},
		{"who fits no rule may nothing", hecate.FieldRules{{"note", "text", hecate.Owner, all}}, user(alyx), 0},
		{"the owner goes before all", hecate.FieldRules{{"note", "text", hecate.Public, all}, {"note", "text", hecate.Owner, read}}, user(ben), read},
		{"a named user goes before roles", hecate.FieldRules{{"note", "text", hecate.SubjectRole("e"), all}, {"note", "text", hecate.SubjectUser(alyx), read}}, user(alyx, "e"), read},
		{"who a field names goes before roles", hecate.FieldRules{{"note", "text", hecate.SubjectRole("e"), all}, {"note", "text", hecate.SubjectField("editor"), read}}, user(alyx, "e"), read},
		{"a field that names nobody fits nobody", hecate.FieldRules{{"note", "text", hecate.SubjectField("text"), all}}, user(alyx), 0},
		{"a role goes before anyone", hecate.FieldRules{{"note", "text", hecate.Anyone, all}, {"note", "text", hecate.SubjectRole("e"), read}}, user(alyx, "e"), read},
		{"anyone goes before everybody", hecate.FieldRules{{"note", "text", hecate.Public, all}, {"note", "text", hecate.Anyone, read}}, user(alyx), read},
		{"a guest is everybody", hecate.FieldRules{{"note", "text", hecate.Anyone, all}, {"note", "text", hecate.Public, read}}, guest, read},
		{"who manages schemas is bound by none", hecate.FieldRules{{"*", "*", hecate.Public, 0}}, master, all},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := c.rules.Access(c.actor, "note", "text", ben, values); got != c.want {
				t.Errorf("got %04b, want %04b", got, c.want)
			}
		})
	}
}
