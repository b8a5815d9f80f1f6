package skygear

import (
	"time"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// The fields of a user's record that are no values of the profile.
const (
	usernameField  = "username"
	emailField     = "email"
	lastLoginField = "last_login_at"
)

// profileRecord is a user's record as the wire shows it: the profile, which a login at the time of
// lastLogin has touched, and what stands beside its values.
func profileRecord(u *hecate.User, profile *hecate.Record, lastLogin time.Time) (*hecate.Record, hecate.Values) {
	more := hecate.Values{}
	// A stored value under one of these names would be another dialect's: it does not show through.
	more[usernameField], more[emailField], more[lastLoginField] = nil, nil, nil
	if u.Username != "" {
		more[usernameField] = u.Username
	}
	if u.Email != "" {
		more[emailField] = u.Email
	}
	if lastLogin.IsZero() {
		return profile, more
	}
	more[lastLoginField] = lastLogin
	if lastLogin.After(profile.UpdatedAt) {
		touched := *profile
		touched.UpdatedAt, touched.UpdatedBy = lastLogin, u.ID
		return &touched, more
	}
	return profile, more
}

// answerAuth answers with an AuthResponse: the user, and what he may see of his own record.
func (a *api) answerAuth(w *web.Response, r *web.Request, c *call, l *engine.LoginResult) error {
	result, err := a.authResponse(r, c, l)
	if err != nil {
		return err
	}
	return answerResult(w, result)
}

func (a *api) authResponse(r *web.Request, c *call, l *engine.LoginResult) ([]byte, error) {
	// Who he is from now on: what the fields show depends on his roles. The next request finds all of it cached.
	seer, err := a.engine.Authenticate(r.Context(), c.app, hecate.Proof{Key: c.proof.Key, Token: l.SessionToken})
	if err != nil {
		return nil, err
	}
	return a.responseTo(r, c, seer, l)
}

// responseTo is the AuthResponse as seer, who is its user, sees it.
func (a *api) responseTo(r *web.Request, c *call, seer *hecate.Actor, l *engine.LoginResult) ([]byte, error) {
	ctx := r.Context()
	roles, err := a.rolesIn(ctx, c, seer, l.User)
	if err != nil {
		return nil, err
	}
	profile, more := profileRecord(l.User, l.Profile, l.Before)
	verify := settingsOf(c.app).verify
	verify.addTo(more, person{l.User, l.Profile}, true)
	shape, err := a.profileShape(r, c.app, seer, l.User, profile)
	if err != nil {
		return nil, err
	}
	j := newJSON(make([]byte, 0, 1024))
	j.Open()
	j.Text("user_id", userKey(l.User))
	j.Name("profile")
	j.Buf = shape.append(j.Buf, userType, profile, more)
	if len(roles) > 0 {
		j.texts("roles", roles)
	}
	j.Text("access_token", l.SessionToken.Reveal())
	if !l.Before.IsZero() {
		j.time("last_login_at", l.Before)
	}
	if !l.SeenBefore.IsZero() {
		j.time("last_seen_at", l.SeenBefore)
	}
	j.Close()
	return j.Buf, nil
}

// profileShape says how a user's own record is shown to seer.
func (a *api) profileShape(r *web.Request, app *hecate.App, seer *hecate.Actor, u *hecate.User, profile *hecate.Record) (*recordShape, error) {
	ctx := r.Context()
	collection, err := a.engine.LookupCollection(ctx, app.ID, hecate.ProfileName)
	if err != nil {
		return nil, err
	}
	shape := &recordShape{values: a.valuesOf(r, app)}
	if shape.readable, err = a.readable(ctx, seer, collection); err != nil {
		return nil, err
	}
	shape.userKey, err = a.userKeys(ctx, app, []*hecate.Record{profile}, u)
	return shape, err
}
