package skygear

import (
	"hecate"
)

// What the two levels of an ACL entry let do.
const (
	readLevel  = hecate.Read
	writeLevel = hecate.Read | hecate.Update | hecate.Delete | hecate.Manage
)

// extraName is this dialect's name in Extra, and in the settings of an app.
const extraName = "skygear"

// keptRelations is where entries for relations stand in Extra: they are shown again and grant nothing.
const keptRelations = "access_relations"

// openAccess is `_access: null`: everybody reads, who is signed in writes.
func openAccess() hecate.Access {
	return hecate.Access{Own: true, Grants: []hecate.Grant{
		{Subject: hecate.Public, Permissions: readLevel},
		{Subject: hecate.Anyone, Permissions: writeLevel},
	}}
}

// openProfile is `_access: null` of a user's record: everybody reads, but only the user himself (and who manages users)
// writes, here and in every other dialect. It is told from [{public, read}] by its second grant.
var openProfile = hecate.Access{Own: true, Grants: []hecate.Grant{
	{Subject: hecate.Public, Permissions: readLevel},
	{Subject: hecate.Anyone, Permissions: readLevel},
	ownerGrant,
}}

// isOpenProfile reports whether a user's record still has the access that it began with.
func isOpenProfile(a hecate.Access) bool {
	return a.Own && len(a.Grants) == len(openProfile.Grants) &&
		a.Of(hecate.Public) == readLevel && a.Of(hecate.Anyone) == readLevel && a.Of(hecate.Owner) == writeLevel
}

// ownerGrant stands in every access that was given as a list: the owner always has full access. It also tells
// [{public, write}] from null, which has none.
var ownerGrant = hecate.Grant{Subject: hecate.Owner, Permissions: writeLevel}

// entry is one member of an ACL.
type entry struct {
	write                bool
	public               bool
	role, user, relation string
}

// givenAccess is an ACL as a client sent it.
type givenAccess struct{ entries []entry }

// readAccess reads a list of entries; fault is the text for an entry that is none.
// nil without error is null or absent: what that means depends on the record.
func readAccess(raw any, argument, fault string) (*givenAccess, error) {
	if raw == nil {
		return nil, nil
	}
	list, ok := raw.([]any)
	if !ok {
		return nil, invalid(argument+" must be an array", argument)
	}
	given := &givenAccess{entries: make([]entry, len(list))}
	for i, item := range list {
		e, ok := readEntry(item)
		if !ok {
			return nil, invalid(fault, argument)
		}
		given.entries[i] = e
	}
	return given, nil
}

// readRecordAccess reads the _access of a record.
func readRecordAccess(raw any) (*givenAccess, error) {
	return readAccess(raw, "_access", "invalid _access entry")
}

// readDefaultAccess reads the default_access of a record type.
func readDefaultAccess(raw any) (*givenAccess, error) {
	return readAccess(raw, "default_access", "invalid default_access entry")
}

func readEntry(raw any) (entry, bool) {
	object, ok := raw.(map[string]any)
	if !ok {
		return entry{}, false
	}
	e := entry{write: object["level"] == "write"}
	if !e.write && object["level"] != "read" {
		return entry{}, false
	}
	for _, who := range [...]struct {
		name string
		into *string
	}{{"relation", &e.relation}, {"role", &e.role}, {"user_id", &e.user}} {
		if text, ok := object[who.name].(string); ok && text != "" {
			*who.into = text
			return e, true
		}
	}
	e.public = object["public"] == true
	return e, e.public
}

// users are the keys of the users whom the entries name, for one look-up of them all.
func (g *givenAccess) users() []string {
	var keys []string
	for _, e := range g.entries {
		if e.user != "" {
			keys = append(keys, e.user)
		}
	}
	return keys
}

// access is what the entries grant. users are the ids of the users named, by
// key; one that is not there is kept as it is. current are the grants in force, whose part that
// this dialect cannot show (groups, keys) stays: nobody can take away what he does not see.
func (g *givenAccess) access(users map[string]hecate.UserID, current hecate.Access) hecate.Access {
	out := hecate.Access{Own: true, Grants: []hecate.Grant{ownerGrant}}
	for _, e := range g.entries {
		out.Grants = append(out.Grants, e.grants(users)...)
	}
	for _, c := range current.Grants {
		if kind, _ := c.Subject.Split(); kind == "group" || kind == "key" {
			out.Grants = append(out.Grants, c)
		}
	}
	return out
}

func (e entry) grants(users map[string]hecate.UserID) []hecate.Grant {
	level := readLevel
	if e.write {
		level = writeLevel
	}
	switch {
	case e.role != "":
		return []hecate.Grant{{Subject: hecate.SubjectRole(e.role), Permissions: level}}
	case e.user != "":
		id, known := users[e.user]
		if !known {
			id = hecate.UserID(e.user)
		}
		return []hecate.Grant{{Subject: hecate.SubjectUser(id), Permissions: level}}
	case e.public && e.write:
		// Whoever writes is signed in, always, so a public entry lets no guest of another dialect write.
		return openAccess().Grants
	case e.public:
		return []hecate.Grant{{Subject: hecate.Public, Permissions: level}}
	}
	return nil
}

// relations is what Extra keeps of the entries, nil when there is nothing to keep.
func (g *givenAccess) relations() map[string]any {
	var kept []any
	for _, e := range g.entries {
		if e.relation != "" {
			kept = append(kept, map[string]any{"level": e.level(), "relation": e.relation})
		}
	}
	if kept == nil {
		return nil
	}
	return map[string]any{keptRelations: kept}
}

func (e entry) level() string {
	if e.write {
		return "write"
	}
	return "read"
}

// entriesOf shows grants as entries; null reports whether they are those of openAccess.
// Grants that no entry can say are left out. userKey names a user on the wire.
func entriesOf(a hecate.Access, extra hecate.Extra, userKey func(hecate.UserID) string) (list []entry, null bool) {
	everybodyWrites := a.Of(hecate.Anyone).Has(writeLevel) && a.Of(hecate.Public).Has(readLevel)
	public, others := false, false
	for _, g := range a.Grants {
		kind, name := g.Subject.Split()
		e := entry{write: g.Permissions.Has(writeLevel)}
		switch {
		case g.Subject == hecate.Anyone:
			continue // shown with public
		case !g.Permissions.Has(readLevel):
			others = others || g.Subject == hecate.Owner
			continue
		case g.Subject == hecate.Public:
			if public {
				continue
			}
			public, e.public, e.write = true, true, e.write || everybodyWrites
		case kind == "role":
			e.role = name
		case kind == "user":
			e.user = userKey(hecate.UserID(name))
		default:
			others = true // owner, groups, keys
			continue
		}
		list = append(list, e)
	}
	list = append(list, relationsOf(extra)...)
	null = a.Own && everybodyWrites && !others && len(list) == 1 && list[0].public
	return list, null
}

func relationsOf(extra hecate.Extra) []entry {
	kept, _ := extra[extraName][keptRelations].([]any)
	var list []entry
	for _, raw := range kept {
		if e, ok := readEntry(raw); ok && e.relation != "" {
			list = append(list, e)
		}
	}
	return list
}

// writeTo writes the entry as an item.
func (e entry) writeTo(j *jsonWriter) {
	j.Open()
	j.Text("level", e.level())
	switch {
	case e.public:
		j.Bool("public", true)
	case e.relation != "":
		j.Text("relation", e.relation)
	case e.role != "":
		j.Text("role", e.role)
	default:
		j.Text("user_id", e.user)
	}
	j.Close()
}

// writeAccess writes the member name: null, or a list of entries. What has no
// grants of its own is shown as the owner's alone, never as open.
func writeAccess(j *jsonWriter, name string, a hecate.Access, extra hecate.Extra, userKey func(hecate.UserID) string) {
	list, null := entriesOf(a, extra, userKey)
	if null {
		j.Null(name)
		return
	}
	j.Name(name)
	j.OpenList()
	for _, e := range list {
		e.writeTo(j)
	}
	j.CloseList()
}
