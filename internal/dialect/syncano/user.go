package syncano

import (
	"context"
	"net/http"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// maxUsername is the longest username, in characters.
const maxUsername = 64

// userWriter knows what every user of one answer is shown with.
type userWriter struct {
	a        *api
	c        *call
	profiles *hecate.Collection
}

// showUsers prepares the answer: what the profiles point to is looked up once for all of them.
func (a *api) showUsers(ctx context.Context, c *call, users ...*engine.UserDetail) (userWriter, error) {
	profiles, err := a.engine.LookupCollection(ctx, c.app.ID, hecate.ProfileName)
	if err != nil {
		return userWriter{}, err
	}
	records := make([]*hecate.Record, 0, len(users))
	for _, d := range users {
		if d.Profile != nil {
			records = append(records, d.Profile)
		}
	}
	if err := a.warmObjects(ctx, c.app, profiles, records); err != nil {
		return userWriter{}, err
	}
	return userWriter{a, c, profiles}, nil
}

func (u userWriter) append(dst []byte, d *engine.UserDetail) []byte {
	return u.a.appendUser(dst, u.c.version, u.c.app, u.profiles, d)
}

func (a *api) sendUser(w *web.Response, r *web.Request, status int, c *call, d *engine.UserDetail) error {
	u, err := a.showUsers(r.Context(), c, d)
	if err != nil {
		return err
	}
	return a.answer(w, r, status, userNest, func(dst []byte) []byte { return u.append(dst, d) })
}

func (a *api) userList(w *web.Response, r *web.Request, c *call) error {
	p, err := readPaging(r)
	if err != nil {
		return err
	}
	var page hecate.Page[*engine.UserDetail]
	if c.own() {
		page, err = a.ownPage(r.Context(), c, p)
	} else {
		page, err = a.engine.Users(r.Context(), c.actor, p.list(r.QueryOne("username__startswith")))
	}
	if err != nil {
		return err
	}
	u, err := a.showUsers(r.Context(), c, page.Rows...)
	if err != nil {
		return err
	}
	return sendPage(w, r, p, page, userNest, func(d *engine.UserDetail) int64 { return d.User.Seq }, u.append)
}

// ownPage is the list of users as a user key sees it, whatever its API key may do: himself.
func (a *api) ownPage(ctx context.Context, c *call, p paging) (page hecate.Page[*engine.UserDetail], err error) {
	if p.size == 0 || p.direction != firstPage && !p.beyond(c.actor.User.Seq) {
		return page, nil
	}
	d, err := a.engine.User(ctx, c.actor, engine.UserRef{ID: c.actor.User.ID})
	if err != nil {
		return page, err
	}
	page.Rows = []*engine.UserDetail{d}
	return page, nil
}

// userRef is the user that the path names. A user key knows nobody but its user: all others are not there.
func userRef(c *call, seq int64) (engine.UserRef, error) {
	if c.own() && seq != c.actor.User.Seq {
		return engine.UserRef{}, notFound()
	}
	return engine.UserRef{Seq: seq}, nil
}

func (a *api) userGet(w *web.Response, r *web.Request, c *call) error {
	ref, err := userRef(c, number(r.PathValue("id")))
	if err != nil {
		return err
	}
	d, err := a.engine.User(r.Context(), c.actor, ref)
	if err != nil {
		return err
	}
	return a.sendUser(w, r, http.StatusOK, c, d)
}

func (a *api) userCreate(w *web.Response, r *web.Request, c *call) error {
	in, err := readInput(r)
	if err != nil {
		return err
	}
	name := in.text("username", textRule{required: true, max: maxUsername})
	password := in.text("password", textRule{required: true, max: maxPassword})
	address := a.signUpAddress(c, in)
	profile, err := a.readProfile(r.Context(), c, in, nil)
	if err != nil {
		return err
	}
	if err := in.err(); err != nil {
		return err
	}
	d, err := a.engine.CreateUser(r.Context(), c.actor, engine.CreateUserInput{
		Username: *name, Email: address, Password: hecate.NewSecret(*password), Profile: profile, MinPassword: 1, Dialect: dialectName,
	})
	if err != nil {
		return err
	}
	return a.sendUser(w, r, http.StatusCreated, c, d)
}

// signUpAddress is where the letter goes that confirms a sign-up where the app hides who has an account: the username, where that is an address,
// unless the body has an email, which the old contract does not know.
func (a *api) signUpAddress(c *call, in *input) string {
	if !engine.ConfirmsSignUps(c.actor) {
		return ""
	}
	if email := in.text("email", textRule{}); email != nil {
		return *email
	}
	if name, _ := in.values["username"].(string); engine.IsAddress(name) {
		return name
	}
	return ""
}

// dialectName is how the engine's lists of sessions call this dialect.
const dialectName = "syncano"

func (a *api) userUpdate(w *web.Response, r *web.Request, c *call) error {
	ref, err := userRef(c, number(r.PathValue("id")))
	if err != nil {
		return err
	}
	return a.updateUser(w, r, c, ref)
}

func (a *api) updateUser(w *web.Response, r *web.Request, c *call, ref engine.UserRef) error {
	// Unknown users are not found before the body is looked at.
	now, err := a.engine.User(r.Context(), c.actor, ref)
	if err != nil {
		return err
	}
	in, err := readInput(r)
	if err != nil {
		return err
	}
	update := engine.UpdateUserInput{
		Username:    in.text("username", textRule{required: true, max: maxUsername}),
		MinPassword: 1,
	}
	if password := in.text("password", textRule{required: true, max: maxPassword}); password != nil {
		s := hecate.NewSecret(*password)
		update.Password = &s
	}
	if in.has("profile") {
		profile, err := a.readProfile(r.Context(), c, in, now.Profile)
		if err != nil {
			return err
		}
		update.Profile = &profile
	}
	if err := in.err(); err != nil {
		return err
	}
	d, err := a.engine.UpdateUser(r.Context(), c.actor, ref, update)
	if err != nil {
		return err
	}
	return a.sendUser(w, r, http.StatusOK, c, d)
}

// readProfile reads the profile inside a user's body; what is wrong with it goes to in.errs
// under "profile.". current is the profile as it is, nil for a new user.
func (a *api) readProfile(ctx context.Context, c *call, in *input, current *hecate.Record) (engine.RecordInput, error) {
	mode := patchProfile
	if current == nil {
		mode = createProfile
	}
	profiles, err := a.engine.LookupCollection(ctx, c.app.ID, hecate.ProfileName)
	if err != nil {
		return engine.RecordInput{}, err
	}
	body := &input{patch: current != nil, limits: in.limits}
	switch v := in.values[profileField].(type) {
	case map[string]any:
		body.values = v
	case nil:
		if in.has(profileField) {
			in.errs.add(profileField, textNull)
		}
	case string:
		if !in.form || v != "" {
			in.errs.add(profileField+".non_field_errors", notObject(v))
		}
	default:
		in.errs.add(profileField+".non_field_errors", notObject(v))
	}
	record, faults, err := a.recordInput(ctx, c.actor, profiles, current, body, mode)
	for _, fault := range faults.rows {
		fault.name = profileField + "." + fault.name
		in.errs.rows = append(in.errs.rows, fault)
	}
	return record, err
}

func (a *api) userDelete(w *web.Response, r *web.Request, c *call) error {
	ref, err := userRef(c, number(r.PathValue("id")))
	if err != nil {
		return err
	}
	if err := a.engine.DeleteUser(r.Context(), c.actor, ref); err != nil {
		return err
	}
	return a.nothing(w)
}

func (a *api) userResetKey(w *web.Response, r *web.Request, c *call) error {
	ref, err := userRef(c, number(r.PathValue("id")))
	if err != nil {
		return err
	}
	d, err := a.engine.RenewStanding(r.Context(), c.actor, ref)
	if err != nil {
		return err
	}
	return a.sendUser(w, r, http.StatusOK, c, d)
}

func (a *api) ownUserGet(w *web.Response, r *web.Request, c *call) error {
	d, err := a.engine.User(r.Context(), c.actor, engine.UserRef{ID: c.actor.User.ID})
	if err != nil {
		return err
	}
	return a.sendUser(w, r, http.StatusOK, c, d)
}

func (a *api) ownUserUpdate(w *web.Response, r *web.Request, c *call) error {
	return a.updateUser(w, r, c, engine.UserRef{ID: c.actor.User.ID})
}

func (a *api) userLogin(w *web.Response, r *web.Request, c *call) error {
	in, err := readInput(r)
	if err != nil {
		return err
	}
	if !in.has("username") && in.has("email") {
		in.values["username"] = in.values["email"] // the seed's own sample: contracts/syncano.md D8
	}
	name := in.text("username", textRule{required: true})
	password := in.text("password", textRule{required: true})
	if err := in.err(); err != nil {
		return err
	}
	d, err := a.engine.Login(r.Context(), c.actor, engine.LoginInput{Login: *name, Password: hecate.NewSecret(*password), From: r.ClientIP(), Dialect: dialectName})
	if err != nil {
		return err
	}
	return a.sendUser(w, r, http.StatusOK, c, d.UserDetail)
}
