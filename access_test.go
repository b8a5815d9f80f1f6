package hecate

import "testing"

// granted is a signed-in user with grants of the role policy.
func granted(grants ...Grant) *Actor {
	return &Actor{Kind: UserActor, User: &User{ID: "ann"}, Subjects: []Subject{Public, Anyone}, Policy: grants}
}

func TestRolePathsOnAccounts(t *testing.T) {
	t.Parallel()
	const all = List | Read | Create | Update | Delete
	bare, named := Grant{Path: "/**", Permissions: all}, Grant{Path: "/users/**", Permissions: all}
	own := Grant{Path: "/users/${user}/**", Permissions: all}
	mine := Grant{Path: "/users/me/**", Permissions: all}
	for _, c := range []struct {
		name  string
		grant Grant
		want  Permissions
		scope Scope
		via   string
		ok    bool
	}{
		{"anybody reads by a bare grant", bare, Read, Scope{Area: AreaUsers, Path: "/users/bob", User: "bob"}, "", true},
		{"a bare grant changes no account", bare, Update, Scope{Area: AreaUsers, Path: "/users/bob", User: "bob"}, "", false},
		{"his own he changes", bare, Update, Scope{Area: AreaUsers, Path: "/users/ann", User: "ann"}, "", true},
		{"a naming grant changes accounts", named, Delete, Scope{Area: AreaUsers, Path: "/users/bob", User: "bob"}, "", true},
		{"without a path nothing is reached", named, Update, Scope{Area: AreaUsers, User: "bob"}, "", false},
		{"who manages users gives roles", named, Create, Scope{Area: AreaRoles, Path: "/roles"}, "/users/ann/roles/admin", true},
		{"a bare grant gives no roles", bare, Create, Scope{Area: AreaRoles, Path: "/roles"}, "/users/ann/roles/admin", false},
		{"nor lets it join groups", bare, Create, Scope{Area: AreaGroups, Path: "/groups"}, "/groups/g/users/ann", false},
		{"but make them", bare, Create, Scope{Area: AreaGroups, Path: "/groups"}, "", true},
		{"not roles", bare, Create, Scope{Area: AreaRoles, Path: "/roles"}, "", false},
		{"what is all his own holds no roles", own, Create, Scope{Area: AreaRoles, Path: "/roles"}, "/users/ann/roles/admin", false},
		{"nor permissions", mine, Create, Scope{Area: AreaRoles, Path: "/roles"}, "/users/ann/permissions", false},
		{"nor groups", own, Create, Scope{Area: AreaGroups, Path: "/groups"}, "/users/ann/groups/g", false},
		{"but shows them", own, Read, Scope{Area: AreaRoles, Path: "/roles"}, "/users/ann/roles", true},
		{"a grant that says so lets users join", Grant{Path: "/groups/*/users/${user}", Permissions: all}, Create, Scope{Area: AreaGroups, Path: "/groups"}, "/groups/g/users/ann", true},
		{"himself alone", Grant{Path: "/groups/*/users/${user}", Permissions: all}, Create, Scope{Area: AreaGroups, Path: "/groups"}, "/groups/g/users/bob", false},
		{"a grant that begins with a wildcard names nothing", Grant{Path: "/*/**", Permissions: all}, Update, Scope{Area: AreaUsers, Path: "/users/bob", User: "bob"}, "", false},
	} {
		a := granted(c.grant)
		a.Via = c.via
		if got := (Policy{}).Allow(a, c.want, c.scope); got != c.ok {
			t.Errorf("%s: %v", c.name, got)
		}
		a.Sandbox = true
		if reached := c.grant == bare && c.scope.Path != ""; reached && !(Policy{}).Allow(a, c.want, c.scope) {
			t.Errorf("%s: not in a sandbox", c.name)
		}
	}
}
