package engine

import (
	"context"
	"slices"
	"strings"

	"hecate"
	"hecate/internal/store"
)

// Grants of the role policy are written as texts: "<verbs>:<path>", as contracts/usergrid.md 8.1 says. A text is kept as it
// was written, in lower case, and removed by itself.

// What a text and a subject may hold.
const (
	maxGrantText       = 1024 // bytes
	maxGrantSegments   = 64
	maxGrantWild       = 8 // of "**"
	maxGrantsOfSubject = 500
	maxRolesOfSubject  = 100
)

// grantVerbs are the verbs of grant texts.
var grantVerbs = map[string]hecate.Permissions{"get": mayGet, "post": mayPost, "put": mayPut, "delete": mayDelete, "*": mayAll}

// ReadGrant reads a grant of the role policy: its text as it is kept, and what it means; the subject is the caller's to set.
// Kinds: Invalid and TooLarge on "permission".
func ReadGrant(text string) (string, hecate.Grant, error) {
	const op = "read permission"
	var g hecate.Grant
	bad := func(why string) (string, hecate.Grant, error) {
		return "", g, hecate.E(hecate.Invalid, op).On("permission").Says(why)
	}
	if len(text) > maxGrantText {
		return "", g, hecate.E(hecate.TooLarge, op).On("permission").With("max", maxGrantText)
	}
	problem := badText(text) // before lower case makes something else of it
	if text = strings.ToLower(strings.TrimSpace(text)); problem != "" || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return bad("not plain text")
	}
	verbs, path, cut := strings.Cut(text, ":")
	if !cut {
		verbs, path = "", text
	}
	if g.Permissions = readVerbs(verbs); g.Permissions == 0 {
		return bad("its operations are get, post, put and delete")
	}
	switch path = strings.TrimSpace(path); {
	case path == "":
		return bad("it has no path")
	case path == "*":
		path = "/**"
	case path[0] != '/':
		path = "/" + path
	}
	if strings.Count(path, "/") > maxGrantSegments || strings.Count(path, "**") > maxGrantWild {
		return "", g, hecate.E(hecate.TooLarge, op).On("permission").With("segments", maxGrantSegments).With("wildcards", maxGrantWild)
	}
	g.Path = path
	return text, g, nil
}

// readVerbs sums a list of verbs; none at all are all. It returns 0 for one that is unknown.
func readVerbs(list string) hecate.Permissions {
	if strings.TrimSpace(list) == "" {
		return mayAll
	}
	var sum hecate.Permissions
	for verb := range strings.SplitSeq(list, ",") {
		p := grantVerbs[strings.TrimSpace(verb)]
		if p == 0 {
			return 0
		}
		sum |= p
	}
	return sum
}

// GrantsOf returns the texts of a role's, user's or group's own grants in the role policy, the oldest first. Kinds: Forbidden, NotFound on
// "role", "user" or "group".
func (e *Engine) GrantsOf(ctx context.Context, actor *hecate.Actor, s hecate.Subject) ([]string, error) {
	const op = "list permissions"
	app, err := e.subjectFor(ctx, actor, s, hecate.Read, op)
	if err != nil {
		return nil, err
	}
	return e.db.PolicySources(ctx, app.ID, s)
}

// subjectFor asks the door about the grants and roles of a subject that exists.
func (e *Engine) subjectFor(ctx context.Context, actor *hecate.Actor, s hecate.Subject, want hecate.Permissions, op string) (*hecate.App, error) {
	app, err := inApp(actor, op)
	if err != nil {
		return nil, err
	}
	if err := e.allowArea(actor, want, hecate.AreaRoles, op); err != nil {
		return nil, err
	}
	return app, e.exists(ctx, e.db, app.ID, s, op)
}

// exists returns nil for a role, user or group of the app. Kinds: NotFound on "role", "user" or "group", Invalid on "subject".
func (e *Engine) exists(ctx context.Context, db *store.DB, app hecate.AppID, s hecate.Subject, op string) error {
	var err error
	switch kind, name := s.Split(); kind {
	case "role":
		_, err = db.RoleByName(ctx, app, name)
		return missing(unheldText(err), op, kind)
	case "user":
		_, err = db.User(ctx, app, hecate.UserID(name))
		return missing(unheldText(err), op, kind)
	case "group":
		_, err = db.Group(ctx, app, hecate.GroupID(name))
		return missing(unheldText(err), op, kind)
	}
	return hecate.E(hecate.Invalid, op).On("subject")
}

// AddGrant gives a role, user or group a grant in the role policy, in force from the next request on; one that it has
// already changes nothing. It returns all texts as GrantsOf. Kinds: Forbidden, NotFound on "role", "user" or "group", Invalid and TooLarge on
// "permission", TooLarge on "permissions" with Info "limit".
func (e *Engine) AddGrant(ctx context.Context, actor *hecate.Actor, s hecate.Subject, text string) ([]string, error) {
	const op = "add permission"
	text, grant, err := ReadGrant(text)
	if err != nil {
		return nil, err
	}
	grant.Subject = s
	return e.changeGrants(ctx, actor, s, hecate.Create, op, func(tx *store.DB, app hecate.AppID) error {
		added, err := tx.InsertPolicy(ctx, app, text, grant)
		if err != nil || !added {
			return err
		}
		n, err := tx.CountPolicy(ctx, app, s)
		if err == nil && n > maxGrantsOfSubject {
			return hecate.E(hecate.TooLarge, op).On("permissions").With("limit", maxGrantsOfSubject)
		}
		return err
	})
}

// RemoveGrants takes grants away by their exact texts (but for case); those that are not there are left alone. It
// returns what is left. Kinds: Forbidden, NotFound on "role", "user" or "group", TooLarge on "permission".
func (e *Engine) RemoveGrants(ctx context.Context, actor *hecate.Actor, s hecate.Subject, texts []string) ([]string, error) {
	const op = "remove permission"
	if len(texts) > maxGrantsOfSubject {
		return nil, hecate.E(hecate.TooLarge, op).On("permission").With("limit", maxGrantsOfSubject)
	}
	return e.changeGrants(ctx, actor, s, hecate.Delete, op, func(tx *store.DB, app hecate.AppID) error {
		for _, text := range texts { // a request names one or few
			if badText(text) != "" {
				continue
			}
			if _, err := tx.DeletePolicy(ctx, app, s, strings.ToLower(strings.TrimSpace(text))); err != nil {
				return err
			}
		}
		return nil
	})
}

// changeGrants runs fn inside one write on the grants of a subject, and returns what they are then.
func (e *Engine) changeGrants(ctx context.Context, actor *hecate.Actor, s hecate.Subject, want hecate.Permissions, op string,
	fn func(tx *store.DB, app hecate.AppID) error) ([]string, error) {
	app, err := e.subjectFor(ctx, actor, s, byPath(actor, want, hecate.Update), op)
	if err != nil {
		return nil, err
	}
	var texts []string
	err = e.db.Write(ctx, func(tx *store.DB) error {
		if err := e.holdSubject(ctx, tx, app.ID, s, op); err != nil {
			return err
		}
		if err := fn(tx, app.ID); err != nil {
			return err
		}
		if err := e.forgetSubject(ctx, tx, app.ID, s); err != nil {
			return err
		}
		if texts, err = tx.PolicySources(ctx, app.ID, s); err != nil {
			return err
		}
		return e.record(ctx, tx, actor, app.ID, op, string(s))
	})
	return texts, err
}

// holdSubject makes concurrent changes of what a subject holds wait for each other, and for its deletion. Kinds: as exists.
func (e *Engine) holdSubject(ctx context.Context, tx *store.DB, app hecate.AppID, s hecate.Subject, op string) error {
	kind, name := s.Split()
	lock := kind + "s/" + string(app)
	if kind == "user" {
		lock = "user/" + userCacheKey(app, hecate.UserID(name))
	}
	if err := tx.Lock(ctx, lock); err != nil {
		return err
	}
	return e.exists(ctx, tx, app, s, op)
}

// forgetSubject drops what is cached of a subject's grants and roles.
func (e *Engine) forgetSubject(ctx context.Context, tx *store.DB, app hecate.AppID, s hecate.Subject) error {
	switch kind, name := s.Split(); kind {
	case "user":
		return e.forgetUser(ctx, tx, app, hecate.UserID(name))
	case "group":
		return e.forgetAll(ctx, tx, "users") // of its members, who may be many
	}
	return e.forget(ctx, tx, "policies", string(app))
}

// RolesOf returns the roles given to a user or a group itself, by name. Kinds: Forbidden, NotFound on "user" or "group".
func (e *Engine) RolesOf(ctx context.Context, actor *hecate.Actor, s hecate.Subject) ([]hecate.Role, error) {
	app, err := e.subjectFor(ctx, actor, s, hecate.Read, "list roles")
	if err != nil {
		return nil, err
	}
	return e.db.RolesOf(ctx, app.ID, s)
}

// GiveRole gives a role to a user or a group, in force from the next request on; one that it holds already stays. Kinds: Forbidden,
// NotFound on "role", "user" or "group", TooLarge on "roles" with Info "limit".
func (e *Engine) GiveRole(ctx context.Context, actor *hecate.Actor, role RoleRef, s hecate.Subject) (hecate.Role, error) {
	const op = "assign role"
	return e.changeHolder(ctx, actor, role, s, hecate.Create, op, func(tx *store.DB, r hecate.Role) error {
		given, err := tx.HoldRole(ctx, r.App, r.ID, s)
		if err != nil || !given {
			return missing(err, op, "role")
		}
		n, err := tx.CountRolesOf(ctx, r.App, s)
		if err == nil && n > maxRolesOfSubject {
			return hecate.E(hecate.TooLarge, op).On("roles").With("limit", maxRolesOfSubject)
		}
		return err
	})
}

// TakeRole takes a role from a user or a group. Kinds: Forbidden, NotFound on "role", "user" or "group", or on "membership" where
// the role was not held.
func (e *Engine) TakeRole(ctx context.Context, actor *hecate.Actor, role RoleRef, s hecate.Subject) (hecate.Role, error) {
	const op = "revoke role"
	return e.changeHolder(ctx, actor, role, s, hecate.Delete, op, func(tx *store.DB, r hecate.Role) error {
		held, err := tx.LeaveRole(ctx, r.App, r.ID, s)
		if err == nil && !held {
			return hecate.E(hecate.NotFound, op).On("membership")
		}
		return err
	})
}

func (e *Engine) changeHolder(ctx context.Context, actor *hecate.Actor, ref RoleRef, s hecate.Subject, want hecate.Permissions, op string,
	fn func(tx *store.DB, r hecate.Role) error) (hecate.Role, error) {
	var role hecate.Role
	if kind, _ := s.Split(); !slices.Contains([]string{"user", "group"}, kind) {
		return role, hecate.E(hecate.Invalid, op).On("subject")
	}
	app, err := e.subjectFor(ctx, actor, s, byPath(actor, want, hecate.Update), op)
	if err != nil {
		return role, err
	}
	err = e.db.Write(ctx, func(tx *store.DB) error {
		if err := e.holdSubject(ctx, tx, app.ID, s, op); err != nil {
			return err
		}
		if err := tx.Lock(ctx, "roles/"+string(app.ID)); err != nil {
			return err
		}
		var err error
		if role, err = e.findRole(ctx, tx, app.ID, ref, op); err != nil {
			return err
		}
		if err := fn(tx, role); err != nil {
			return err
		}
		if err := e.forgetSubject(ctx, tx, app.ID, s); err != nil {
			return err
		}
		return e.record(ctx, tx, actor, app.ID, op, string(s))
	})
	return role, err
}
