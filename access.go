package hecate

import (
	"slices"
	"strings"
)

// Permissions is a set of verbs.
type Permissions uint16

// The verbs.
const (
	List Permissions = 1 << iota
	Read
	Create
	Update
	Delete
	Login
	Manage // change grants, owners and what lies beneath

	NoPermissions  Permissions = 0
	AllPermissions             = List | Read | Create | Update | Delete | Login | Manage
)

// Has reports whether p includes every verb of q.
func (p Permissions) Has(q Permissions) bool { return p&q == q }

// Subject is who a grant is for.
type Subject string

// The subjects without a name.
const (
	Public Subject = "public" // everybody, signed in or not
	Anyone Subject = "anyone" // every signed-in user
	Owner  Subject = "owner"  // the owner of the thing
)

// SubjectUser names one user.
func SubjectUser(id UserID) Subject { return Subject("user:" + string(id)) }

// SubjectGroup names the members of a group.
func SubjectGroup(id GroupID) Subject { return Subject("group:" + string(id)) }

// SubjectRole names the holders of a role. Roles are named, not numbered:
// a grant may name a role that does not exist yet.
func SubjectRole(name string) Subject { return Subject("role:" + name) }

// SubjectKey names one API key.
func SubjectKey(id KeyID) Subject { return Subject("key:" + string(id)) }

// Split gives the kind of the subject ("user", "group", "role", "key", "public", …) and its name.
func (s Subject) Split() (kind, name string) {
	kind, name, _ = strings.Cut(string(s), ":")
	return kind, name
}

// Area is a part of an app that permissions are about.
type Area uint8

// The areas.
const (
	AreaApp     Area = iota // the app itself: description, config, settings, its deletion
	AreaMembers             // its admins and invitations
	AreaKeys                // API keys and clients
	AreaUsers
	AreaGroups // groups and who is in them
	AreaRoles  // roles, who holds them, and their grants
	AreaSchema // collections
	AreaRecords
	AreaFiles

	AreaCount
)

// Scope is what a permission is asked for: an area, and in it a path for the
// role policy ("/books/0192…"). For one record the Policy carries the rest.
type Scope struct {
	Area Area
	Path string
	User UserID // with AreaUsers: the user in question
}

// Grant gives a subject some permissions. In the role policy Path says where
// (segments; * is one, ** any number, ${user} the caller); on a record or a
// collection Path is empty. Zero Permissions are kept: they name the subject
// without giving it anything.
type Grant struct {
	Subject     Subject
	Permissions Permissions
	Path        string
}

// Access are the grants of a thing itself. Without any of its own the thing
// is governed by the app's role policy.
type Access struct {
	Own    bool
	Grants []Grant
}

// Of returns the permissions that the access gives exactly this subject.
func (a Access) Of(s Subject) Permissions {
	var p Permissions
	for _, g := range a.Grants {
		if g.Subject == s {
			p |= g.Permissions
		}
	}
	return p
}

// First returns the name and permissions of the first grant whose subject is of that kind.
func (a Access) First(kind string) (name string, p Permissions, ok bool) {
	for _, g := range a.Grants {
		if k, n := g.Subject.Split(); k == kind {
			return n, g.Permissions, true
		}
	}
	return "", 0, false
}

// Powers are permissions over whole areas, whatever the grants of single things say.
type Powers [AreaCount]Permissions

// RolePowers is what an admin's role gives.
var RolePowers = [...]Powers{
	NoRole: {},
	ReadRole: {
		AreaApp: Read | Login, AreaMembers: List | Read, AreaUsers: List | Read, AreaGroups: List | Read,
		AreaRoles: List | Read, AreaSchema: List | Read, AreaRecords: List | Read, AreaFiles: List | Read,
	},
	WriteRole: {
		AreaApp: Read | Login, AreaMembers: List | Read, AreaUsers: everyday, AreaGroups: everyday,
		AreaRoles: List | Read, AreaSchema: everyday, AreaRecords: everyday, AreaFiles: everyday,
	},
	FullRole: {
		AreaApp: Read | Update | Login, AreaMembers: everyday, AreaKeys: everyday, AreaUsers: everyday, AreaGroups: everyday,
		AreaRoles: everyday, AreaSchema: everyday, AreaRecords: everyday, AreaFiles: everyday,
	},
	OwnerRole: {
		AreaApp: everyday, AreaMembers: everyday, AreaKeys: everyday, AreaUsers: everyday, AreaGroups: everyday,
		AreaRoles: everyday, AreaSchema: everyday, AreaRecords: everyday, AreaFiles: everyday,
	},
}

const everyday = AllPermissions

// Powers is what an API key gives whoever holds it.
func (f KeyFlags) Powers() Powers {
	p := Powers{AreaApp: Read | Login, AreaKeys: Read, AreaGroups: List | Read}
	if f.Has(CreatesUsers) {
		p[AreaUsers] |= Create
	}
	if f.Has(CreatesGroups) {
		p[AreaGroups] |= Create
	}
	if f.Has(ManagesData) {
		p[AreaUsers], p[AreaRecords], p[AreaFiles] = everyday, everyday, everyday
		p[AreaSchema] |= List | Read
	}
	if f.Has(Master) {
		p = RolePowers[OwnerRole]
		p[AreaApp] &^= Delete
	}
	return p
}

// ActorKind says who is calling.
type ActorKind uint8

// The kinds of actor.
const (
	Guest       ActorKind = iota // nobody, or an API key alone
	UserActor                    // a signed-in user
	AdminActor                   // an admin
	ClientActor                  // the app's or the org's own client
	SystemActor                  // the operator of the server
)

// Actor is the caller of one request, resolved once, with all its subjects.
// It is a value: treat it and what it points to as read-only.
type Actor struct {
	Kind     ActorKind
	App      *App // the app in which it acts; nil outside apps
	Key      *APIKey
	User     *User
	Admin    *Admin
	Org      OrgID // with ClientActor: the org of an org client
	Role     AdminRole
	Session  *Session
	Subjects []Subject // Public, and all that it is: Anyone, user:…, group:…, role:…, key:…
	Powers   Powers
	Policy   []Grant // the app's role policy as far as it concerns this actor
	// Via, when set, is the path by which the actor reaches things ("/users/0192…/devices"): the role policy is asked
	// about it instead of the things' own paths. What else governs them stays in force.
	Via string
	// Sandbox says that the app's guests may do everything now: then a grant need not name accounts to reach them.
	Sandbox bool
}

// UserID is the id of the signed-in user, or "".
func (a *Actor) UserID() UserID {
	if a.User == nil {
		return ""
	}
	return a.User.ID
}

// Can reports whether the actor holds all of p over a whole area.
func (a *Actor) Can(p Permissions, area Area) bool { return a.Powers[area].Has(p) }

// Is reports whether the actor is the subject.
func (a *Actor) Is(s Subject) bool { return slices.Contains(a.Subjects, s) }

// Name is how events call the actor.
func (a *Actor) Name() string {
	switch {
	case a.User != nil:
		return string(SubjectUser(a.User.ID))
	case a.Admin != nil:
		return "admin:" + string(a.Admin.ID)
	case a.Key != nil:
		return string(SubjectKey(a.Key.ID))
	case a.Kind == ClientActor:
		return "client"
	case a.Kind == SystemActor:
		return "system"
	}
	return ""
}

// Policy is what is in force for one thing: the gate of its collection, its
// own access and its owner. The role policy comes with the Actor.
type Policy struct {
	Collection Access
	Record     Access
	Owner      UserID
}

// Allow decides whether the actor holds all of p on the thing in that scope.
// It is pure: the one place where the answer to "may they?" is computed.
func (p Policy) Allow(a *Actor, want Permissions, s Scope) bool {
	if a.Can(want, s.Area) {
		return true
	}
	switch s.Area {
	case AreaRecords:
		return p.enter(a, want, s) && p.allowRecord(a, want, s)
	case AreaSchema:
		if p.Collection.Own {
			return (List | Read).Has(want) && p.describes(a)
		}
		return s.Path != "" && rolePolicy(a, s.Path).Has(want)
	case AreaUsers:
		self := s.User != "" && s.User == a.UserID()
		return self && ((Read|Update).Has(want) || want == Delete && s.Path != "" && rolePolicy(a, s.Path).Has(want)) || accountPolicy(a, want, s.Path)
	case AreaGroups, AreaRoles:
		return accountPolicy(a, want, s.Path) && (a.Sandbox || takesNothing(a, want) || holdingPolicy(a, s.Path).Has(want))
	}
	return s.Path != "" && rolePolicy(a, s.Path).Has(want)
}

// accountPolicy is the role policy on accounts, groups and roles. Every signed-in user of a usual app holds "/**", which
// must not give him the accounts of others: to change those a grant has to name the place ("/users/**") unless
// the app is a sandbox. Listing, reading, and making users and groups takes nothing from anybody.
func accountPolicy(a *Actor, want Permissions, path string) bool {
	switch {
	case path == "":
		return false
	case a.Sandbox || (List | Read).Has(want):
		return rolePolicy(a, path).Has(want)
	case want == Create && a.Via == "" && (strings.EqualFold(path, "/users") || strings.EqualFold(path, "/groups")):
		return rolePolicy(a, path).Has(want)
	}
	return namingPolicy(a, path).Has(want)
}

// describes reports whether the actor may know the collection's schema: who may read there, and the app's own keys
// where any signed-in user may.
func (p Policy) describes(a *Actor) bool {
	held := grants(p.Collection.Grants, a, "")
	if a.Key != nil {
		held |= p.Collection.Of(Anyone)
	}
	return held.Has(Read)
}

// enter is the collection's gate: Create where a record is made, Read for the rest.
func (p Policy) enter(a *Actor, want Permissions, s Scope) bool {
	if !p.Collection.Own {
		return true // the role policy decides, on the record's path
	}
	need := Read
	if want.Has(Create) {
		need = Create
	}
	return grants(p.Collection.Grants, a, "").Has(need)
}

func (p Policy) allowRecord(a *Actor, want Permissions, s Scope) bool {
	if want.Has(Create) {
		return p.Collection.Own || rolePolicy(a, s.Path).Has(want)
	}
	if !p.Record.Own {
		return rolePolicy(a, s.Path).Has(want)
	}
	return grants(p.Record.Grants, a, p.Owner).Has(want)
}

// Levels returns every permission the actor holds on the record, for rules
// that cap what a caller may hand on.
func (p Policy) Levels(a *Actor, s Scope) Permissions {
	var all Permissions
	for v := List; v <= Manage; v <<= 1 {
		if p.Allow(a, v, s) {
			all |= v
		}
	}
	return all
}

// grants sums what the list gives the actor.
func grants(list []Grant, a *Actor, owner UserID) Permissions {
	var sum Permissions
	for _, g := range list {
		switch {
		case g.Subject == Owner:
			if owner != "" && owner == a.UserID() {
				sum |= g.Permissions
			}
		case g.Subject == Anyone && a.User == nil && a.Is(Anyone):
			sum |= g.Permissions & (List | Read) // a key that reads as anyone
		case a.Is(g.Subject):
			sum |= g.Permissions
		}
	}
	return sum
}

// rolePolicy sums what the role policy gives the actor on a path.
func rolePolicy(a *Actor, path string) Permissions {
	return policySum(a, path, func(string, string) bool { return true })
}

// namingPolicy is rolePolicy by those grants alone that name the first segment of the path.
func namingPolicy(a *Actor, path string) Permissions {
	return policySum(a, path, namesFirst)
}

// namesFirst reports whether a pattern names the first segment of a path.
func namesFirst(pattern, path string) bool {
	return strings.EqualFold(firstSegment(pattern), firstSegment(path))
}

// takesNothing reports whether an actor only looks, or makes something that nobody has yet.
func takesNothing(a *Actor, want Permissions) bool {
	return (List | Read).Has(want) || want == Create && a.Via == ""
}

// holdingPolicy is namingPolicy without what somebody was given on all that is his own ("/users/${user}/**"): it must not
// let him make himself somebody else, by a role, a permission or a group. A grant that says so itself ("/groups/*/users/${user}") counts.
func holdingPolicy(a *Actor, path string) Permissions {
	return policySum(a, path, func(pattern, path string) bool {
		return namesFirst(pattern, path) && (!namesCaller(pattern) || namesHolding(pattern))
	})
}

// namesCaller reports whether a pattern means something else for every caller.
func namesCaller(pattern string) bool {
	segments := split(strings.ToLower(pattern))
	return slices.Contains(segments, "${user}") || len(segments) > 1 && segments[0] == "users" && segments[1] == "me"
}

// holdings are the segments that say what makes somebody more than he is.
var holdings = []string{"roles", "rolenames", "permissions", "groups"}

func namesHolding(pattern string) bool {
	return slices.ContainsFunc(split(strings.ToLower(pattern)), func(s string) bool { return slices.Contains(holdings, s) })
}

// policySum sums those grants of the role policy that count, on the path by which the actor came or else on the given one.
func policySum(a *Actor, path string, counts func(pattern, path string) bool) Permissions {
	if a.Via != "" {
		path = a.Via
	}
	var sum Permissions
	for _, g := range a.Policy {
		if counts(g.Path, path) && MatchPath(g.Path, path, a.User) {
			sum |= g.Permissions
		}
	}
	return sum
}

// MayEnter reports whether the role policy lets the actor do what is wanted on a path, whatever lies there. It is the
// check on the path as somebody typed it; what lies there is asked about by itself. App managers need no policy.
func MayEnter(a *Actor, want Permissions, path string) bool {
	if a.Kind != Guest && a.Kind != UserActor {
		return a.Can(want, AreaRecords)
	}
	return rolePolicy(a, path).Has(want)
}

// Visibility is the SQL half of Policy.Allow: which records of one collection
// an actor may see or touch in one statement.
type Visibility struct {
	All        bool        // every record, whatever its grants
	None       bool        // no record at all
	Want       Permissions // the one verb asked for
	User       UserID      // whose own records count as owned; "" nobody's
	Subjects   []Subject
	Ungoverned bool // records without grants of their own are included
}

// Visible prepares the Visibility of a collection's records for the actor.
// want is one verb; path is the collection's path in the role policy.
func (p Policy) Visible(a *Actor, want Permissions, path string) Visibility {
	s := Scope{Area: AreaRecords, Path: path}
	v := Visibility{Want: want, User: a.UserID(), Subjects: a.Subjects}
	switch {
	case a.Can(want, AreaRecords):
		v.All = true
	case !p.enter(a, want, s):
		v.None = true
	default:
		v.Ungoverned = rolePolicy(a, path).Has(want)
		if a.User == nil && !(List | Read).Has(want) {
			v.Subjects = slices.DeleteFunc(slices.Clone(v.Subjects), func(s Subject) bool { return s == Anyone })
		}
	}
	return v
}
