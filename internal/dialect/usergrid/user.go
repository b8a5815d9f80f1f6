package usergrid

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// profileOf are the properties of a body that belong to a user's profile.
func (a *api) profileOf(ctx context.Context, c *call, object map[string]any) (hecate.Values, error) {
	coll, err := a.engine.LookupCollection(ctx, c.app.ID, hecate.ProfileName)
	if err != nil {
		return nil, err
	}
	own := make(map[string]any, len(object))
	for name, v := range object {
		if !notProfile[name] {
			own[name] = v
		}
	}
	return valuesOf(coll, own)
}

// profileGrowth lets a profile take properties that it has no field for.
var profileGrowth = &engine.Growth{Extend: true, Missing: missingField}

// noAccess leaves who reaches a profile made here to the role policy, in every dialect.
func noAccess(hecate.Access, hecate.Permissions) (hecate.Access, error) { return hecate.Access{}, nil }

// gravatar is the picture of users who bring an address and none: contracts/usergrid.md 7.2.
func gravatar(email string) string {
	sum := md5.Sum([]byte(strings.ToLower(email)))
	return "http://www.gravatar.com/avatar/" + hex.EncodeToString(sum[:])
}

// textMember is a member of a body that has to be a text; ok is false where there is none. null is "".
func textMember(object map[string]any, name string) (text string, ok bool, err error) {
	v, ok := object[name]
	if !ok {
		return "", false, nil
	}
	switch v.(type) {
	case nil:
		return "", true, nil
	case map[string]any, []any, bool:
		return "", true, illegalArgument(name + " must be a text")
	}
	return payload{object: object}.text(name), true, nil
}

// boolMember is a member of a body that is true or false, also as a text; nil where there is none.
func boolMember(object map[string]any, name string) (*bool, error) {
	switch v := object[name].(type) {
	case nil:
		return nil, nil
	case bool:
		return &v, nil
	case string:
		switch strings.ToLower(v) {
		case "true":
			return new(true), nil
		case "false":
			return new(false), nil
		}
	}
	return nil, illegalArgument(name + " must be true or false")
}

// readNewUser reads a new user from a body.
func (a *api) readNewUser(ctx context.Context, c *call, object map[string]any) (engine.CreateUserInput, error) {
	in := engine.CreateUserInput{MinPassword: leastPassword, Dialect: dialectName, Growth: profileGrowth}
	var password, pin string
	for _, m := range []struct {
		name string
		to   *string
	}{{"username", &in.Username}, {"email", &in.Email}, {"password", &password}, {"pin", &pin}} {
		text, _, err := textMember(object, m.name)
		if err != nil {
			return in, err
		}
		*m.to = text
	}
	switch {
	case strings.TrimSpace(in.Username) == "":
		return in, requiredProperty("user", "username")
	case strings.EqualFold(in.Username, "me"):
		return in, illegalArgument("Username \"me\" is reserved")
	}
	in.Password, in.PIN = hecate.NewSecret(password), hecate.NewSecret(pin)
	active, err := boolMember(object, "activated")
	if err != nil {
		return in, err
	}
	hidden := engine.ConfirmsSignUps(c.actor)
	if hidden && in.Email == "" {
		return in, requiredProperty("user", "email")
	}
	in.NotActivated = active != nil && !*active || needsConfirmation(c.app) && !hidden || needsApproval(c.app)
	if active != nil && *active && !c.isUserOrGuest() {
		in.NotActivated = false
	}
	switch {
	case hidden && needsApproval(c.app): // his address is confirmed before he is made
		in.Letters, err = a.approvalLetters(ctx, c, in.Username, in.Email)
	case in.NotActivated && !hidden:
		in.Letters, err = a.newcomerLetters(ctx, c, in.Username, in.Email)
	}
	if err != nil {
		return in, err
	}
	values, err := a.profileOf(ctx, c, object)
	if err != nil {
		return in, err
	}
	if in.Email != "" && values["picture"] == nil {
		values["picture"] = gravatar(in.Email)
	}
	in.Profile = engine.RecordInput{Values: values, Access: noAccess}
	return in, nil
}

// isUserOrGuest reports whether the caller is none of those who manage the application.
func (c *call) isUserOrGuest() bool {
	return c.actor.Kind == hecate.UserActor || c.actor.Kind == hecate.Guest
}

// createUser makes one user.
func (a *api) createUser(ctx context.Context, c *call, object map[string]any) (*engine.UserDetail, error) {
	if !registrationOpen(c.app) && c.isUserOrGuest() {
		return nil, unauthorized("")
	}
	in, err := a.readNewUser(ctx, c, object)
	if err != nil {
		return nil, err
	}
	d, err := a.engine.CreateUser(ctx, c.actor, in)
	return d, userFault(err, in.Username, in.Email)
}

// userFault says which of a user's names is taken.
func userFault(err error, username, email string) error {
	if !errors.Is(err, hecate.Exists) {
		return err
	}
	switch hecate.Detail(err).Field {
	case "username":
		return duplicate("user", "username", username).because(err)
	case "email":
		return duplicate("user", "email", email).because(err)
	}
	return err
}

// createdUser is a new user as whoever made him sees him.
func createdUser(d *engine.UserDetail) *thing {
	return userThing(d.User, d.Profile, nameRights{true, true}, meta{})
}

// createUsers answers POST of one user or of an array of them. Of an array those who cannot be made are left out without a
// word, and passwords are dropped: contracts/usergrid.md 7.2, 9.
func (a *api) createUsers(w *web.Response, r *web.Request, c *call) error {
	body, err := readPayload(r)
	if err != nil {
		return err
	}
	for _, object := range body.batch {
		delete(object, "password")
		delete(object, "pin")
	}
	return a.createThings(w, r, c, "/users", body, func(object map[string]any) (*thing, error) {
		d, err := a.createUser(r.Context(), c, object)
		if err != nil {
			return nil, err
		}
		return createdUser(d), nil
	})
}

// listUsers answers GET of all users, or of those that a query finds.
func (a *api) listUsers(w *web.Response, r *web.Request, c *call) error {
	return a.listUsersMatching(w, r, c, qlText(r), true)
}

func (a *api) listUsersMatching(w *web.Response, r *web.Request, c *call, text string, counted bool) error {
	if err := a.permit(c, c.actor, http.MethodGet, "/users"); err != nil {
		return err
	}
	list, q, cursor, err := a.usersMatching(r, c, text, 0)
	if err != nil {
		return err
	}
	things, err := a.shownUsers(r, c, c.actor, list, "")
	if err != nil {
		return err
	}
	shown := make([]*thing, 0, len(things))
	for _, t := range things {
		if t != nil {
			shown = append(shown, t)
		}
	}
	return a.answerThings(w, r, c, reply{path: "/users", counted: counted, cursor: cursor}, shown, q.fields)
}

// usersMatching finds the users that a query means and the caller may see; limit is for requests that say none, 0: the usual one.
func (a *api) usersMatching(r *web.Request, c *call, text string, limit int) ([]*hecate.User, *ql, string, error) {
	if strings.TrimSpace(text) == "*" { // 0.10.11 sends q=* for all
		text = ""
	}
	q, err := parseQL(text)
	if err != nil {
		return nil, nil, "", err
	}
	ctx := r.Context()
	coll, err := a.engine.LookupCollection(ctx, c.app.ID, hecate.ProfileName)
	if err != nil {
		return nil, nil, "", err
	}
	page, cursor := hecate.Page[*hecate.Record]{}, ""
	if limit == 0 || r.QueryOne("limit") != "" {
		page, cursor, err = a.page(ctx, c.actor, coll, q, r)
	} else {
		var query hecate.Query
		if query, err = q.query(coll, r); err == nil {
			query.Limit = limit
			page, err = a.engine.Records(ctx, c.actor, coll, query)
		}
	}
	if err != nil {
		return nil, nil, "", err
	}
	ids := make([]hecate.UserID, len(page.Rows))
	for i, rec := range page.Rows {
		ids[i] = hecate.UserID(rec.ID)
	}
	found, err := a.engine.LookupUsers(ctx, c.app.ID, ids)
	if err != nil {
		return nil, nil, "", err
	}
	users := make([]*hecate.User, 0, len(ids))
	for _, id := range ids {
		if u := found[id]; u != nil { // not deleted since
			users = append(users, u)
		}
	}
	return users, q, cursor, nil
}

// readUser answers GET of one user: everybody sees himself, others as the role policy and the profile's grants say.
func (a *api) readUser(w *web.Response, r *web.Request, c *call) error {
	if ref := itemOf(r.PathValue("user")); ref.many {
		return a.listUsersMatching(w, r, c, ref.ql, false)
	}
	u, err := a.userOf(r, c)
	if err != nil {
		return err
	}
	return a.answerFound(w, r, c, u, http.MethodGet)
}

// postUser answers POST on a user: he stays as he is.
func (a *api) postUser(w *web.Response, r *web.Request, c *call) error {
	u, err := a.userOf(r, c)
	if err != nil {
		return lostUser(err)
	}
	return a.answerFound(w, r, c, u, http.MethodPost)
}

// lostUser is what changes and deletions say of a UUID that leads to nobody: contracts/usergrid.md 2.3.
func lostUser(err error) error {
	if errors.Is(err, hecate.NotFound) {
		return resourceNotFound()
	}
	return err
}

func (a *api) answerFound(w *web.Response, r *web.Request, c *call, u *hecate.User, method string) error {
	if !c.isSelf(u) || method != http.MethodGet {
		if err := a.permit(c, c.actor, method, userPath(u)); err != nil {
			return err
		}
	}
	list, err := a.shownUsers(r, c, c.actor, []*hecate.User{u}, "")
	if err != nil {
		return err
	}
	if list[0] == nil { // his profile is closed to the caller by its own grants
		return resourceNotFound()
	}
	return a.answerThing(w, r, c, "/users", list[0])
}

// updateUser merges properties into a user; one who does not exist is made where the body names him.
func (a *api) updateUser(w *web.Response, r *web.Request, c *call) error {
	body, err := readPayload(r)
	if err != nil {
		return err
	}
	if ref := itemOf(r.PathValue("user")); ref.many {
		return a.updateUsersMatching(w, r, c, ref.ql, body.object)
	}
	u, err := a.userOf(r, c)
	switch {
	case errors.Is(err, hecate.NotFound) && !isUUID(r.PathValue("user")) && !strings.EqualFold(r.PathValue("user"), "me"):
		d, err := a.createUser(r.Context(), c, body.object)
		if err != nil {
			return err
		}
		return a.answerThing(w, r, c, "/users", createdUser(d))
	case err != nil:
		return lostUser(err)
	}
	if err := a.changeUser(r.Context(), c, u, body.object); err != nil {
		return err
	}
	return a.answerChanged(w, r, c, reply{path: "/users"}, u.ID)
}

// answerChanged answers with a user as he is now.
func (a *api) answerChanged(w *web.Response, r *web.Request, c *call, x reply, id hecate.UserID) error {
	u, err := a.engine.LookupUser(r.Context(), c.app.ID, engine.UserRef{ID: id})
	if err != nil {
		return lostUser(err)
	}
	t, err := a.shownUser(r, c, c.actor, u, "")
	if err != nil {
		return err
	}
	return a.answerThings(w, r, c, x, []*thing{t}, nil)
}

// changeUser changes what a body says of a user. His own properties follow his profile's grants and the role policy; login
// names and activation are the account's, which takes more.
func (a *api) changeUser(ctx context.Context, c *call, u *hecate.User, object map[string]any) error {
	if err := a.permit(c, c.actor, http.MethodPut, userPath(u)); err != nil {
		return err
	}
	in, err := userChangesOf(u, object)
	if err != nil {
		return err
	}
	if off, err := boolMember(object, "disabled"); err != nil {
		return err
	} else if off != nil && *off != u.Disabled {
		if err := a.engine.DisableUser(ctx, c.actor, engine.UserRef{ID: u.ID}, engine.DisableUserInput{Disabled: *off}); err != nil {
			return notReached(c, http.MethodPut, userPath(u), err)
		}
	}
	values, err := a.profileOf(ctx, c, object)
	if err != nil {
		return err
	}
	account := in.Username != nil || in.Email != nil || in.Activated != nil
	if len(values) > 0 || !account {
		in.Profile = &engine.RecordInput{Values: values}
	}
	in.Growth, in.Granted, in.MinPassword = profileGrowth, true, leastPassword
	_, err = a.engine.UpdateUser(ctx, c.actor, engine.UserRef{ID: u.ID}, in)
	return userFault(notReached(c, http.MethodPut, userPath(u), err), textOf(in.Username), textOf(in.Email))
}

func textOf(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// notReached is err, said of somebody who exists: where he is not found, it is because the caller does not reach him.
func notReached(c *call, method, path string, err error) error {
	if errors.Is(err, hecate.NotFound) || errors.Is(err, hecate.Forbidden) {
		return unpermitted(c, method, path)
	}
	return err
}

// userChangesOf are the login names and the activation that a body gives a user, where they are others than his. Clients send
// back what they were shown.
func userChangesOf(u *hecate.User, object map[string]any) (engine.UpdateUserInput, error) {
	var in engine.UpdateUserInput
	username, given, err := textMember(object, "username")
	if err != nil {
		return in, err
	}
	if given && username != "" && username != u.Username && username != shownName(u) {
		if strings.EqualFold(username, "me") {
			return in, illegalArgument("Username \"me\" is reserved")
		}
		in.Username = &username
	}
	email, given, err := textMember(object, "email")
	if err != nil {
		return in, err
	}
	if given && email != u.Email {
		in.Email = &email
	}
	active, err := boolMember(object, "activated")
	if err == nil && active != nil && *active != u.Activated {
		in.Activated = active
	}
	return in, err
}

// replaceUsers answers PUT on all users: it changes those that a query finds, and is POST without one.
func (a *api) replaceUsers(w *web.Response, r *web.Request, c *call) error {
	if !asksQuery(r) {
		return a.createUsers(w, r, c)
	}
	body, err := readPayload(r)
	if err != nil {
		return err
	}
	return a.updateUsersMatching(w, r, c, qlText(r), body.object)
}

// updateUsersMatching changes the users that a query finds, each for himself. Those whom the caller may not change stay.
func (a *api) updateUsersMatching(w *web.Response, r *web.Request, c *call, text string, object map[string]any) error {
	users, q, _, err := a.usersMatching(r, c, text, hecate.MaxPage)
	if err != nil {
		return err
	}
	if len(users) == 0 {
		return resourceNotFound()
	}
	if object["username"] != nil || object["email"] != nil {
		return illegalArgument("login names are changed one by one")
	}
	changed := []hecate.UserID{}
	var refused error
	for _, u := range users {
		err := a.changeUser(r.Context(), c, u, object)
		switch {
		case err == nil:
			changed = append(changed, u.ID)
		case errors.Is(err, hecate.Forbidden):
			refused = err
		default:
			return err
		}
	}
	if len(changed) == 0 {
		return refused
	}
	found, err := a.engine.LookupUsers(r.Context(), c.app.ID, changed)
	if err != nil {
		return err
	}
	list := make([]*hecate.User, 0, len(changed))
	for _, id := range changed {
		if u := found[id]; u != nil {
			list = append(list, u)
		}
	}
	shown, err := a.shownUsers(r, c, c.actor, list, "")
	if err != nil {
		return err
	}
	return a.answerThings(w, r, c, reply{path: "/users"}, present(shown), q.fields)
}

// present are the things that may be seen.
func present(list []*thing) []*thing {
	out := make([]*thing, 0, len(list))
	for _, t := range list {
		if t != nil {
			out = append(out, t)
		}
	}
	return out
}

// deleteUser deletes a user and shows him.
func (a *api) deleteUser(w *web.Response, r *web.Request, c *call) error {
	if ref := itemOf(r.PathValue("user")); ref.many {
		return a.deleteUsersMatching(w, r, c, ref.ql)
	}
	u, err := a.userOf(r, c)
	if err != nil {
		return lostUser(err)
	}
	t, err := a.takeUser(r, c, u)
	if err != nil {
		return err
	}
	return a.answerThing(w, r, c, "/users", t)
}

func (a *api) takeUser(r *web.Request, c *call, u *hecate.User) (*thing, error) {
	if err := a.permit(c, c.actor, http.MethodDelete, userPath(u)); err != nil {
		return nil, err
	}
	t, err := a.shownUser(r, c, c.actor, u, "")
	if err != nil {
		return nil, err
	}
	return t, notReached(c, http.MethodDelete, userPath(u), a.engine.DeleteUser(r.Context(), c.actor, engine.UserRef{ID: u.ID}))
}

// deleteUsers answers DELETE on all users, which has to say who is meant.
func (a *api) deleteUsers(w *web.Response, r *web.Request, c *call) error {
	if !asksQuery(r) && r.QueryOne("limit") == "" {
		return unsupportedOperation()
	}
	return a.deleteUsersMatching(w, r, c, qlText(r))
}

func (a *api) deleteUsersMatching(w *web.Response, r *web.Request, c *call, text string) error {
	users, _, _, err := a.usersMatching(r, c, text, deleteLimit)
	if err != nil {
		return err
	}
	gone := []*thing{}
	var refused error
	for _, u := range users {
		t, err := a.takeUser(r, c, u)
		switch {
		case err == nil:
			gone = append(gone, t)
		case errors.Is(err, hecate.Forbidden):
			refused = err
		default:
			return err
		}
	}
	if len(gone) == 0 && refused != nil {
		return refused
	}
	return a.answerThings(w, r, c, reply{path: "/users"}, gone, nil)
}

// deactivateUser takes a user out of use and ends his sessions, in every dialect: contracts/usergrid.md 7.2.
func (a *api) deactivateUser(w *web.Response, r *web.Request, c *call) error {
	u, err := a.userOf(r, c)
	if err != nil {
		return lostUser(err)
	}
	path := userPath(u) + "/deactivate"
	actor := c.actor
	if !c.isSelf(u) {
		actor = c.via(path)
	}
	if err := a.permit(c, actor, http.MethodPost, path); err != nil {
		return err
	}
	_, err = a.engine.UpdateUser(r.Context(), actor, engine.UserRef{ID: u.ID}, engine.UpdateUserInput{Activated: new(false)})
	if err != nil {
		return notReached(c, http.MethodPost, path, err)
	}
	if u, err = a.engine.LookupUser(r.Context(), c.app.ID, engine.UserRef{ID: u.ID}); err != nil {
		return lostUser(err)
	}
	t, err := a.shownUser(r, c, c.actor, u, "")
	if err != nil {
		return err
	}
	t.set("deactivated", a.now().UnixMilli())
	return a.answerThings(w, r, c, reply{action: "Deactivate user", path: "/users"}, []*thing{t}, nil)
}
