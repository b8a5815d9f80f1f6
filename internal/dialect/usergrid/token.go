package usergrid

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// grant is a request for a token: contracts/usergrid.md 4.1, 4.2.
type grant struct {
	kind          string
	login         string
	password, pin hecate.Secret
	clientID      string
	clientSecret  hecate.Secret
	ttl           any
}

// readGrant reads a grant from a body of JSON or a form, and what that does not say from the query.
func (a *api) readGrant(r *web.Request) (grant, error) {
	var p payload
	if r.Method != http.MethodGet { // a body of GET is ignored: contracts/usergrid.md 2.1
		var err error
		if p, err = readPayload(r); err != nil {
			return grant{}, err
		}
	}
	field := func(name string) string {
		if _, said := p.object[name]; said {
			return p.text(name)
		}
		return r.QueryOne(name)
	}
	g := grant{
		kind: field("grant_type"), login: field("username"), password: hecate.NewSecret(field("password")), pin: hecate.NewSecret(field("pin")),
		clientID: field("client_id"), clientSecret: hecate.NewSecret(field("client_secret")), ttl: p.object["ttl"],
	}
	if g.login == "" { // a client of ours sends the address alone: contracts/usergrid.md 4.1
		g.login = field("email")
	}
	if g.ttl == nil {
		g.ttl = r.QueryOne("ttl")
	}
	if scheme, rest, _ := strings.Cut(r.Header.Get("Authorization"), " "); g.clientID == "" && strings.EqualFold(scheme, "Basic") {
		name, secret, _ := decodeBasic(strings.TrimSpace(rest))
		g.clientID, g.clientSecret = name, hecate.NewSecret(secret)
	}
	return g, nil
}

// appToken is the token endpoint of an application. Credentials of other kinds that come along are not looked at: a
// client may still send a token that has ended (contracts/usergrid.md 3.3).
func (a *api) appToken(w *web.Response, r *web.Request, c *call) error {
	g, err := a.readGrant(r)
	if err != nil {
		return err
	}
	switch g.kind {
	case "password", "pin":
		return a.userToken(w, r, c, g)
	case "client_credentials":
		return a.clientToken(w, r, c.app, g)
	}
	return invalidGrant("")
}

// userToken logs a user in.
func (a *api) userToken(w *web.Response, r *web.Request, c *call, g grant) error {
	l, err := userLife(c.app).asked(g.ttl)
	if err != nil {
		return err
	}
	in := engine.LoginInput{Login: g.login, Password: g.password, From: r.ClientIP(), Dialect: dialectName, Open: new(l.open())}
	if g.kind == "pin" {
		in.Password, in.PIN = hecate.Secret{}, g.pin
	}
	if g.login == "" || in.Password.IsZero() && in.PIN.IsZero() {
		return invalidGrant("")
	}
	result, err := a.engine.Login(r.Context(), c.actor, in)
	if err != nil {
		return loginFault(err)
	}
	return a.answerUserToken(w, r, c, result, l)
}

// loginFault is how a login that failed is answered.
func loginFault(err error) error {
	switch hecate.KindOf(err) {
	case hecate.UnknownUser, hecate.WrongPassword, hecate.BadKey:
		return invalidGrant("").because(err)
	}
	return err
}

// answerUserToken shows a user's new token and the user.
func (a *api) answerUserToken(w *web.Response, r *web.Request, c *call, in *engine.LoginResult, l life) error {
	j := openToken(in.SessionToken, l.seconds())
	j.Raw("user", a.userEntity(r.Context(), c, in.User, in.Profile, meta{path: "/users/" + string(in.User.ID)}))
	return sendToken(w, r, j)
}

// openToken begins the answer of a token endpoint.
func openToken(token hecate.Secret, seconds int64) *web.JSONWriter {
	j := &web.JSONWriter{}
	j.Open()
	j.Text("access_token", token.Reveal())
	j.Int("expires_in", seconds)
	return j
}

func sendToken(w *web.Response, r *web.Request, j *web.JSONWriter) error {
	j.Close()
	w.Header().Set("Cache-Control", "no-store")
	return send(w, r, http.StatusOK, j.Buf)
}

// clientToken opens a session of a client: of this application or its organization, or of any where in is nil.
func (a *api) clientToken(w *web.Response, r *web.Request, in *hecate.App, g grant) error {
	l, err := life{ttl: standardLife}.asked(g.ttl)
	if err != nil {
		return err
	}
	if g.clientID == "" {
		return invalidGrant("")
	}
	opened, err := a.engine.OpenClientSession(r.Context(), in, g.clientID, g.clientSecret, dialectName, l.open())
	if err != nil {
		return loginFault(err)
	}
	j := openToken(opened.Token, l.seconds())
	if opened.Org == nil {
		j.Text("application", string(opened.Client.App))
		return sendToken(w, r, j)
	}
	info, err := a.orgInfo(r.Context(), opened.Org)
	if err != nil {
		return err
	}
	j.Raw("organization", info)
	return sendToken(w, r, j)
}

// managementToken is the token endpoint of admins and clients. Without a grant, the token of an admin opens another one.
func (a *api) managementToken(w *web.Response, r *web.Request, _ *manager) error {
	return a.managementGrant(w, r, a.renewAdmin)
}

// managementMe is the same, but that the token of an admin is shown again: contracts/usergrid.md 4.3.
func (a *api) managementMe(w *web.Response, r *web.Request, _ *manager) error {
	return a.managementGrant(w, r, a.showAdminToken)
}

// byToken answers an admin who comes with a token instead of a grant.
type byToken func(w *web.Response, r *web.Request, actor *hecate.Actor, p *presented, ttl any) error

func (a *api) managementGrant(w *web.Response, r *web.Request, without byToken) error {
	g, err := a.readGrant(r)
	if err != nil {
		return err
	}
	switch g.kind {
	case "password":
		return a.adminToken(w, r, g)
	case "client_credentials":
		return a.clientToken(w, r, nil, g)
	case "":
	default:
		return invalidGrant("")
	}
	p, err := a.present(r)
	if err != nil {
		return err
	}
	if p.nothing() {
		return invalidGrant("")
	}
	actor, err := a.managerOf(r, &p)
	if err != nil {
		return err
	}
	if actor.Admin == nil || actor.Session == nil {
		return unauthorized("No admin user access authorized")
	}
	return without(w, r, actor, &p, g.ttl)
}

// adminToken logs an admin in.
func (a *api) adminToken(w *web.Response, r *web.Request, g grant) error {
	l, err := life{ttl: standardLife}.asked(g.ttl)
	if err != nil {
		return err
	}
	opened, err := a.loginAdmin(r, g, l)
	if err != nil {
		return err
	}
	return a.answerAdminToken(w, r, opened.Admin, opened.Token, l.seconds(), false)
}

// loginAdmin opens a session of an admin by name and password.
func (a *api) loginAdmin(r *web.Request, g grant, l life) (*engine.Opened, error) {
	if g.login == "" || g.password.IsZero() {
		return nil, invalidGrant("")
	}
	opened, err := a.engine.OpenAdminSession(r.Context(), engine.AdminLoginInput{
		Login: g.login, Password: g.password, From: r.ClientIP(), Dialect: dialectName, Open: l.open(),
	})
	if errors.Is(err, hecate.UserDisabled) {
		return nil, disabledAdmin()
	}
	if err != nil {
		return nil, loginFault(err)
	}
	return opened, nil
}

// renewAdmin opens another session of an admin.
func (a *api) renewAdmin(w *web.Response, r *web.Request, actor *hecate.Actor, _ *presented, ttl any) error {
	l, err := life{ttl: standardLife}.asked(ttl)
	if err != nil {
		return err
	}
	opened, err := a.engine.RenewAdminSession(r.Context(), actor, dialectName, l.open())
	if err != nil {
		return err
	}
	return a.answerAdminToken(w, r, opened.Admin, opened.Token, l.seconds(), false)
}

// showAdminToken shows an admin the token with which he came, and how long it will live.
func (a *api) showAdminToken(w *web.Response, r *web.Request, actor *hecate.Actor, p *presented, _ any) error {
	left := int64(endlessSeconds)
	if end := actor.Session.ExpiresAt; !end.IsZero() {
		left = int64(end.Sub(a.now()) / time.Second)
	}
	return a.answerAdminToken(w, r, actor.Admin, p.bearer, left, true)
}

// answerAdminToken shows an admin's token and the admin. With data the token also stands where the browser SDK looks for
// it: contracts/usergrid.md 4.3.
func (a *api) answerAdminToken(w *web.Response, r *web.Request, admin *hecate.Admin, token hecate.Secret, seconds int64, data bool) error {
	user, err := a.adminUser(r.Context(), admin, true)
	if err != nil {
		return err
	}
	j := openToken(token, seconds)
	// When the password was changed is not kept of admins; what is kept is never before it.
	j.Int("passwordChanged", admin.UpdatedAt.UnixMilli())
	j.Raw("user", user)
	if data {
		j.Name("data")
		j.Open()
		j.Text("access_token", token.Reveal())
		j.Close()
	}
	return sendToken(w, r, j)
}

// tokenFor opens a session of a user for somebody who manages the application: contracts/usergrid.md 4.6.
func (a *api) tokenFor(w *web.Response, r *web.Request, c *call) error {
	switch c.actor.Kind {
	case hecate.UserActor:
		return &fault{status: http.StatusForbidden, code: "unauthorized_client", description: "users cannot ask for tokens of users",
			oauth: true, err: hecate.Forbidden}
	case hecate.Guest:
		return unauthorized("No application access authorized")
	}
	u, err := a.user(r.Context(), c, r.PathValue("user"))
	if err != nil {
		return err
	}
	l, err := userLife(c.app).asked(r.QueryOne("ttl"))
	if err != nil {
		return err
	}
	result, err := a.engine.OpenUserSession(r.Context(), c.actor, engine.UserRef{ID: u.ID}, dialectName, l.open())
	if err != nil {
		return err
	}
	return a.answerUserToken(w, r, c, result, l)
}
