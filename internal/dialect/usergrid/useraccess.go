package usergrid

import (
	"context"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// The shapes of references to users, in the order in which they are tried: contracts/usergrid.md 1.5.
var (
	emailShape = regexp.MustCompile(`^[A-Za-z0-9._%'+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}$`)
	nameShape  = regexp.MustCompile(`^[A-Za-z0-9_./'+ -]*$`)
)

// withoutName is how users without a name of their own are called, by their number.
const withoutName = "user_"

// userRefs are the ways in which a reference may name a user. force is "email" or "name", or "" for all.
func userRefs(ref, force string) ([]engine.UserRef, error) {
	email, name := engine.UserRef{Email: ref}, engine.UserRef{Username: ref}
	switch {
	case force == "email":
		return []engine.UserRef{email}, nil
	case force == "name":
		return []engine.UserRef{name}, nil
	case isUUID(ref):
		return []engine.UserRef{{ID: hecate.UserID(strings.ToLower(ref))}}, nil
	case emailShape.MatchString(ref):
		return []engine.UserRef{email, name}, nil
	case !nameShape.MatchString(ref):
		return nil, illegalArgument("Not a valid user identifier: " + ref)
	}
	return []engine.UserRef{name}, nil
}

// user finds the user whom a path names: by UUID, username or e-mail, or as "me". It asks nobody whether the caller may see
// him. Errors: faults, 404 of the kind that reading says.
func (a *api) user(ctx context.Context, c *call, ref string) (*hecate.User, error) {
	return a.userForced(ctx, c, ref, "")
}

// userOf is user for the path of a request, with its parameter force.
func (a *api) userOf(r *web.Request, c *call) (*hecate.User, error) {
	return a.userForced(r.Context(), c, r.PathValue("user"), r.QueryOne("force"))
}

// userByProof is the user whom a path names, for calls on which a proof other than who calls decides. Where the application hides who has an account
// nobody hears that there is none: the name stands for him.
func (a *api) userByProof(r *web.Request, c *call) (engine.UserRef, error) {
	name := r.PathValue("user")
	u, err := a.user(r.Context(), c, name)
	if errors.Is(err, hecate.NotFound) && engine.HidesUsers(c.actor) && !strings.EqualFold(strings.TrimSpace(name), "me") {
		return engine.UserRef{Username: strings.TrimSpace(name)}, nil
	}
	if err != nil {
		return engine.UserRef{}, err
	}
	return engine.UserRef{ID: u.ID}, nil
}

func (a *api) userForced(ctx context.Context, c *call, ref, force string) (*hecate.User, error) {
	ref = strings.TrimSpace(ref)
	if strings.EqualFold(ref, "me") && force == "" {
		if c.actor.User == nil {
			return nil, resourceNotFound()
		}
		return c.actor.User, nil
	}
	refs, err := userRefs(ref, force)
	if err != nil {
		return nil, err
	}
	for _, named := range refs { // two at most
		u, err := a.engine.LookupUser(ctx, c.app.ID, named)
		if err == nil || !errors.Is(err, hecate.NotFound) {
			return u, err
		}
	}
	if seq, err := strconv.ParseInt(strings.TrimPrefix(strings.ToLower(ref), withoutName), 10, 64); err == nil && refs[0].Username != "" {
		u, err := a.engine.LookupUser(ctx, c.app.ID, engine.UserRef{Seq: seq})
		if err == nil && strings.EqualFold(shownName(u), ref) {
			return u, nil
		}
		if err != nil && !errors.Is(err, hecate.NotFound) {
			return nil, err
		}
	}
	if refs[0].ID != "" {
		return nil, entityNotFound(ref)
	}
	return nil, resourceNotFound()
}

// shownName is what stands as a user's username.
func shownName(u *hecate.User) string {
	switch {
	case u.Username != "":
		return u.Username
	case u.Email != "":
		return u.Email
	}
	return withoutName + strconv.FormatInt(u.Seq, 10)
}

func userPath(u *hecate.User) string { return "/users/" + string(u.ID) }

// isSelf reports whether the caller is that user.
func (c *call) isSelf(u *hecate.User) bool { return c.actor.User != nil && c.actor.User.ID == u.ID }

// The metadata of a user: contracts/usergrid.md 7.1.
var (
	userSets        = []lead{{"permissions", "permissions"}, {"rolenames", "roles"}}
	userCollections = sameNames("activities", "devices", "feed", "followers", "following", "groups", "roles")
)

func sameNames(names ...string) []lead {
	leads := make([]lead, len(names))
	for i, name := range names {
		leads[i] = lead{name, name}
	}
	return leads
}

func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// nameRights are the login names of users that a caller may see.
type nameRights struct{ username, email bool }

// userThing is a user as answers show him; without a profile he has no properties of his own.
func userThing(u *hecate.User, profile *hecate.Record, names nameRights, m meta) *thing {
	if m.path == "" {
		m.path = userPath(u)
	}
	m.own, m.sets, m.collections = userPath(u), userSets, userCollections
	t := newThing("user", string(u.ID), m)
	var values hecate.Values
	modified := u.UpdatedAt
	if profile != nil {
		values = profile.Values
		if profile.Version > 1 && profile.UpdatedAt.After(modified) {
			modified = profile.UpdatedAt
		}
	}
	t.set(nameField, values[nameField])
	t.set("created", u.CreatedAt.UnixMilli())
	t.set("modified", modified.UnixMilli())
	if names.username {
		t.set("username", shownName(u))
	}
	if names.email {
		t.set("email", u.Email)
	}
	t.set("activated", u.Activated)
	if u.Disabled {
		t.set("disabled", true)
	}
	if u.EmailVerified {
		t.set("confirmed", true)
	}
	t.set("picture", values["picture"])
	for _, name := range sortedNames(values) {
		if !notProfile[name] && !reserved[name] {
			t.set(name, values[name])
		}
	}
	return t
}

// notProfile are members of a user's JSON that are no properties of his profile.
var notProfile = map[string]bool{
	"username": true, "email": true, "activated": true, "disabled": true, "confirmed": true, "deactivated": true,
	"password": true, "pin": true, "oldpassword": true, "newpassword": true,
}

// userEntity is a user as he and who manages him see him: with his names.
func (a *api) userEntity(_ context.Context, _ *call, u *hecate.User, profile *hecate.Record, m meta) raw {
	return userThing(u, profile, nameRights{true, true}, m).json(nil)
}

// shownUsers are users as the caller may see them, in the same order; nil stands for one whom he may not see at all. under is the path
// by which they were reached, "" for their own.
func (a *api) shownUsers(r *web.Request, c *call, actor *hecate.Actor, users []*hecate.User, under string) ([]*thing, error) {
	if len(users) == 0 {
		return nil, nil
	}
	ctx := r.Context()
	ids, profileIDs := make([]hecate.UserID, len(users)), make([]hecate.RecordID, len(users))
	for i, u := range users {
		ids[i], profileIDs[i] = u.ID, u.ID.ProfileID()
	}
	coll, err := a.engine.LookupCollection(ctx, c.app.ID, hecate.ProfileName)
	if err != nil {
		return nil, err
	}
	profiles, err := a.engine.Profiles(ctx, actor, ids)
	if err != nil {
		return nil, err
	}
	rights, err := a.engine.FieldRights(ctx, actor)
	if err != nil {
		return nil, err
	}
	metas, err := a.connectedMeta(r, c, coll, profileIDs)
	if err != nil {
		return nil, err
	}
	out := make([]*thing, len(users))
	for i, u := range users {
		profile := profiles[u.ID]
		if profile == nil {
			continue
		}
		// The rules that hold before an app sets any keep names from guests. Here the role policy has let them in.
		sees := func(field string) bool {
			return !rights.Set() || rights.Of(coll, field, profile).Has(hecate.FieldRead)
		}
		m := metas[profile.ID]
		if under != "" {
			m.path = under + "/" + string(u.ID)
		}
		out[i] = userThing(u, profile, nameRights{sees("username"), sees("email")}, m)
	}
	return out, nil
}

// shownUser is shownUsers for one, whom the caller has some other right to know of: he is shown without properties where the
// profile is hidden from the caller.
func (a *api) shownUser(r *web.Request, c *call, actor *hecate.Actor, u *hecate.User, under string) (*thing, error) {
	list, err := a.shownUsers(r, c, actor, []*hecate.User{u}, under)
	if err != nil {
		return nil, err
	}
	if list[0] != nil {
		return list[0], nil
	}
	m := meta{}
	if under != "" {
		m.path = under + "/" + string(u.ID)
	}
	return userThing(u, nil, nameRights{username: true}, m), nil
}

// usersPage turns a page of users into what the caller may see of it.
func (a *api) usersPage(r *web.Request, c *call, actor *hecate.Actor, page hecate.Page[*hecate.User], under string) (things, error) {
	list, err := a.shownUsers(r, c, actor, page.Rows, under)
	if err != nil || len(page.Rows) == 0 {
		return things{}, err
	}
	list = slices.DeleteFunc(list, func(t *thing) bool { return t == nil })
	return things{rows: list, last: page.Rows[len(page.Rows)-1].Seq, more: page.More}, nil
}
