package usergrid

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// presented is what a request says about who calls, the first that counts: contracts/usergrid.md 3.3.
type presented struct {
	bearer       hecate.Secret
	clientID     string
	clientSecret hecate.Secret
	basic        bool // the client, or the operator, came in the Basic scheme
	service      bool // the operator, proven
}

// proof is what of it the engine checks.
func (p *presented) proof() hecate.Proof {
	return hecate.Proof{Bearer: p.bearer, ClientID: p.clientID, ClientSecret: p.clientSecret}
}

// nothing reports whether nobody presented himself.
func (p *presented) nothing() bool { return p.bearer.IsZero() && p.clientID == "" && !p.service }

// present reads who calls: a token in parameters, then one in the header, then a client in parameters, then Basic.
// Errors: a body that cannot be read, a wrong login of the operator.
func (a *api) present(r *web.Request) (p presented, err error) {
	form, err := formOf(r)
	if err != nil {
		return p, err
	}
	param := func(name string) string {
		if v := r.QueryOne(name); v != "" {
			return v
		}
		return last(form[name])
	}
	if text := accessToken(r, param); text != "" {
		p.bearer = hecate.NewSecret(text)
		return p, nil
	}
	scheme, rest, _ := strings.Cut(strings.TrimSpace(r.Header.Get("Authorization")), " ")
	rest = strings.TrimSpace(rest)
	if strings.EqualFold(scheme, "Bearer") && rest != "" {
		p.bearer = hecate.NewSecret(rest)
		return p, nil
	}
	if p.clientID = param("client_id"); p.clientID != "" {
		p.clientSecret = hecate.NewSecret(param("client_secret"))
		return p, nil
	}
	if strings.EqualFold(scheme, "Basic") && rest != "" {
		return a.presentBasic(rest)
	}
	return p, nil
}

// presentBasic reads the login of the operator, or a client.
func (a *api) presentBasic(text string) (p presented, err error) {
	p.basic = true
	name, password, ok := decodeBasic(text)
	if !ok {
		return p, badBasic()
	}
	if a.service.Name == "" || !sameText(name, a.service.Name) {
		p.clientID, p.clientSecret = name, hecate.NewSecret(password)
		return p, nil
	}
	if !sameText(password, a.service.Password.Reveal()) {
		a.log.Warn("wrong login of the service admin")
		return p, wrongService{unauthorized("")}
	}
	p.service = true
	return p, nil
}

func decodeBasic(text string) (name, password string, ok bool) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		raw, err = base64.RawStdEncoding.DecodeString(text)
	}
	if err != nil {
		return "", "", false
	}
	name, password, ok = strings.Cut(string(raw), ":")
	return name, password, ok && name != ""
}

// sameText compares in a time that tells nothing of where two texts differ.
func sameText(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// formOf is the form that a request carries; bodies of other types are left unread.
func formOf(r *web.Request) (map[string][]string, error) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead || r.MediaType() != "application/x-www-form-urlencoded" {
		return nil, nil
	}
	body, err := r.ReadBody(web.Reading{SniffJSON: true}) // as readPayload does: the handler finds it read
	if err != nil {
		return nil, err
	}
	return body.Form, nil
}

func last(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}

// strayToken is how the browser SDK appends its token to a URL that has a query already: contracts/usergrid.md 12.3.
const strayToken = "?access_token="

// accessToken is the parameter of that name, also behind a second question mark of the URL.
func accessToken(r *web.Request, param func(string) string) string {
	if text := beforeQuestion(param("access_token")); text != "" {
		return text
	}
	if !strings.Contains(r.URL.RawQuery, strayToken) {
		return ""
	}
	for _, values := range r.Query() {
		for _, v := range values {
			if _, token, ok := strings.Cut(v, strayToken); ok {
				return beforeQuestion(token)
			}
		}
	}
	return ""
}

// beforeQuestion is a value without the second query that the browser SDK hangs on it.
func beforeQuestion(v string) string {
	v, _, _ = strings.Cut(v, "?")
	return v
}

// authenticate resolves who calls into an application. What is presented and does not count is refused, never a guest.
func (a *api) authenticate(r *web.Request, app *hecate.App) (*hecate.Actor, error) {
	p, err := a.present(r)
	if err != nil {
		return nil, err
	}
	if p.service {
		return engine.SystemIn(app), nil
	}
	if !p.bearer.IsZero() {
		if err := a.engine.InspectToken(app, p.bearer); err != nil {
			return nil, p.refusal(err)
		}
	}
	actor, err := a.engine.Authenticate(r.Context(), app, p.proof())
	if err != nil {
		return nil, p.refusal(err)
	}
	if actor.Kind == hecate.AdminActor && actor.Role == hecate.NoRole {
		return nil, unauthorized("No application access authorized")
	}
	return actor, nil
}

// authenticateManager resolves who calls the management API: an admin, the client of an organization, the operator.
func (a *api) authenticateManager(r *web.Request) (*hecate.Actor, error) {
	p, err := a.present(r)
	if err != nil {
		return nil, err
	}
	actor, err := a.managerOf(r, &p)
	if errors.Is(err, hecate.Unauthenticated) || errors.Is(err, hecate.Forbidden) {
		err = unauthorized(refusalText(r.URL.Path)).because(err)
	}
	return actor, err
}

// refusalText is what the old server says to strangers by the part of the management API: contracts/usergrid.md 2.3.
func refusalText(path string) string {
	switch {
	case strings.HasPrefix(path, "/management/users"):
		return "No admin user access authorized"
	case strings.HasPrefix(path, "/system"):
		return "No system access authorized"
	}
	return "No organization access authorized"
}

func (a *api) managerOf(r *web.Request, p *presented) (*hecate.Actor, error) {
	if p.service {
		return engine.System(), nil
	}
	if !p.bearer.IsZero() {
		if err := a.engine.InspectToken(nil, p.bearer); err != nil {
			return nil, p.refusal(err)
		}
	}
	actor, err := a.engine.AuthenticateManager(r.Context(), p.proof())
	if errors.Is(err, hecate.UserDisabled) {
		return nil, disabledAdmin()
	}
	if err != nil {
		return nil, p.refusal(err)
	}
	return actor, nil
}

// refusal is how credentials that do not count are answered: contracts/usergrid.md 2.3.
func (p *presented) refusal(err error) error {
	switch hecate.KindOf(err) {
	case hecate.Malformed:
		return badAccessToken()
	case hecate.BadToken, hecate.UserDisabled: // deactivation ends tokens: contracts/usergrid.md 3.5
		return revokedToken()
	case hecate.BadKey:
		if p.basic {
			return badBasic()
		}
	}
	return err
}

// wrongService is the refusal of somebody who tried the operator's name.
type wrongService struct{ *fault }

// Unwrap gives the answer.
func (w wrongService) Unwrap() error { return w.fault }

// refuse answers err, and asks whoever tried the operator's name for his login: contracts/usergrid.md 2.3.
func (a *api) refuse(w *web.Response, r *web.Request, err error) {
	var wrong wrongService
	if errors.As(err, &wrong) {
		w.Header().Set("WWW-Authenticate", `Basic realm="Usergrid Authentication"`)
	}
	a.fail(w, r, err)
}
