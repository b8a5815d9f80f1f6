package syncano

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// gate says who may enter a route. What is checked, in this order: the
// instance exists, the parents in the path exist, the key is good, the rule.
type gate struct {
	name         string
	resolve      func(a *api, r *web.Request, c *call) error // fills c
	rule         func(*call) bool                            // nil: everybody whom resolve let in
	carriesFiles bool
}

// The gates. byMember shows instances only to those who belong to them; inside
// is for everything beneath an instance, where strangers get a refusal.
var (
	open      = gate{name: "open", resolve: func(*api, *web.Request, *call) error { return nil }}
	byAccount = gate{name: "account key", resolve: (*api).resolveAccount}
	byAnyKey  = gate{name: "any key", resolve: (*api).resolveAnyKey}
	byMember  = gate{name: "member of the instance", resolve: (*api).resolveMember}
	inside    = gate{name: "inside the instance", resolve: (*api).resolveInside}
)

// with narrows a gate by a rule.
func (g gate) with(rule func(*call) bool) gate { g.rule = rule; return g }

// files says that bodies may hold files, which are read only by the handler.
func (g gate) files() gate { g.carriesFiles = true; return g }

// bare is the gate without its rule.
func (g gate) bare() gate { g.rule = nil; return g }

// security makes the gate of one route. What the path names is looked up only
// where the path has it, so that is found out once, here.
func (a *api) security(g gate, version, path string) web.Security[*call] {
	hasClass, hasUser, hasGroup := strings.Contains(path, "{class}/objects/"), strings.Contains(path, "{user}"), strings.Contains(path, "{group}")
	parents := hasClass || hasUser || hasGroup
	return web.Require(g.name, func(r *web.Request) (*call, error) {
		c := &call{version: version}
		if strings.HasPrefix(path[1+len(version):], in) {
			if err := a.findApp(r, c); err != nil {
				return nil, err
			}
		}
		if parents {
			if err := a.findParents(r, c, hasClass, hasUser, hasGroup); err != nil {
				return nil, err
			}
		}
		if g.name != open.name {
			c.proof = readProof(r, g.carriesFiles)
		}
		if err := g.resolve(a, r, c); err != nil {
			return nil, err
		}
		if g.rule != nil && !g.rule(c) {
			return nil, denied()
		}
		return c, nil
	})
}

func (a *api) findApp(r *web.Request, c *call) error {
	app, err := a.engine.AppByAlias(r.Context(), r.PathValue("instance"))
	if err != nil {
		return err // NoApp: "Instance was not found."
	}
	c.app = app
	return nil
}

// findParents looks up what the path runs through; the old server did so before it looked at the key.
func (a *api) findParents(r *web.Request, c *call, class, user, group bool) (err error) {
	ctx := r.Context()
	if class {
		if c.class, err = a.findClass(ctx, c.app, r.PathValue("class")); err != nil {
			return orNotFound(err, textNoClass)
		}
	}
	if user {
		if c.user, err = a.engine.LookupUser(ctx, c.app.ID, engine.UserRef{Seq: number(r.PathValue("user"))}); err != nil {
			return orNotFound(err, textNoUser)
		}
	}
	if group {
		if c.group, err = a.engine.LookupGroup(ctx, c.app.ID, engine.GroupRef{Seq: number(r.PathValue("group"))}); err != nil {
			return orNotFound(err, textNoGroup)
		}
	}
	return nil
}

// profileClass is the wire's name of the profile collection.
const profileClass = "user_profile"

// collectionName translates the name of a class in a path; "" is no class at all.
func collectionName(class string) string {
	switch class = strings.ToLower(class); class {
	case profileClass:
		return hecate.ProfileName
	case hecate.ProfileName: // the wire knows the profile collection under its other name only
		return ""
	}
	return class
}

// findClass finds a class whoever asks. Kinds: NotFound.
func (a *api) findClass(ctx context.Context, app *hecate.App, class string) (*hecate.Collection, error) {
	name := collectionName(class)
	if name == "" {
		return nil, hecate.E(hecate.NotFound, "find class")
	}
	return a.engine.LookupCollection(ctx, app.ID, name)
}

func orNotFound(err error, text string) error {
	if errors.Is(err, hecate.NotFound) {
		return detail(http.StatusNotFound, text)
	}
	return err
}

// number is a numeric id of a path. What is none becomes -1, which nothing has: a path that names nothing, not a bad request.
func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 {
		return -1
	}
	return n
}

// resolveAccount lets account keys in.
func (a *api) resolveAccount(r *web.Request, c *call) (err error) {
	if c.proof.Key.IsZero() {
		return denied()
	}
	c.actor, err = a.engine.AuthenticateAdmin(r.Context(), hecate.Proof{Key: c.proof.Key})
	if errors.Is(err, hecate.BadKey) {
		if _, keyErr := a.engine.AppByKey(r.Context(), c.proof.Key); keyErr == nil {
			return denied() // a good key, of the wrong kind
		}
	}
	return asKey(err)
}

// resolveAnyKey lets every key in, outside of instances: with an API key c.app is the key's own.
func (a *api) resolveAnyKey(r *web.Request, c *call) error {
	if c.proof.Key.IsZero() {
		return denied()
	}
	app, err := a.engine.AppByKey(r.Context(), c.proof.Key)
	switch {
	case errors.Is(err, hecate.BadKey):
		return a.resolveAccount(r, c)
	case err != nil:
		return err
	}
	c.app = app
	return a.authenticate(r, c)
}

// resolveMember lets in whoever belongs to the instance; an admin who does not is told nothing.
func (a *api) resolveMember(r *web.Request, c *call) error {
	if err := a.resolveInside(r, c); err != nil {
		return err
	}
	if c.actor.Admin != nil && c.actor.Role == hecate.NoRole {
		return notFound()
	}
	return nil
}

// resolveInside lets in who holds any key that is good in the instance. What an
// admin without a role there may do is nothing, which the rules find out.
func (a *api) resolveInside(r *web.Request, c *call) error {
	if c.proof.Key.IsZero() {
		return denied()
	}
	return a.authenticate(r, c)
}

func (a *api) authenticate(r *web.Request, c *call) error {
	actor, err := a.engine.Authenticate(r.Context(), c.app, c.proof)
	if err != nil && (actor == nil || hecate.KindOf(err) == hecate.Internal) {
		return asKey(err)
	}
	// A user key that does not count is no error of its own: the request goes on without a user.
	c.actor = actor
	return nil
}

// asKey: whatever is wrong with a key, it is no key.
func asKey(err error) error {
	switch hecate.KindOf(err) {
	case hecate.BadKey, hecate.BadToken, hecate.Expired, hecate.UserDisabled, hecate.Unauthenticated:
		if err != nil {
			return detail(http.StatusForbidden, textNoKey)
		}
	}
	return err
}

// readProof finds the keys of a request, the first place wins: header, query, Authorization, body.
// A body with files is not read for them: it is read once, by the handler that takes the files,
// unless there is no key elsewhere; then files are refused with the request.
func readProof(r *web.Request, carriesFiles bool) hecate.Proof {
	key := firstOf(r, "X-Api-Key", "api_key", "apikey")
	if key == "" {
		key = authorizationKey(r)
	}
	user := firstOf(r, "X-User-Key", "user_key", "userkey")
	if (key == "" || user == "") && !(carriesFiles && key != "" && r.MediaType() == "multipart/form-data") {
		bodyKey, bodyUser := bodyKeys(r)
		if key == "" {
			key = bodyKey
		}
		if user == "" {
			user = bodyUser
		}
	}
	return hecate.Proof{Key: secretOf(key), Token: secretOf(user)}
}

func firstOf(r *web.Request, header string, queries ...string) string {
	if values := r.Header[header]; len(values) > 0 && values[0] != "" {
		return values[0]
	}
	for _, name := range queries {
		if v := r.QueryOne(name); v != "" {
			return v
		}
	}
	return ""
}

// authorizationKey takes "<any word> <key>", exactly two words.
func authorizationKey(r *web.Request) string {
	values := r.Header["Authorization"]
	if len(values) == 0 {
		return ""
	}
	words := strings.Fields(values[0])
	if len(words) != 2 {
		return ""
	}
	return words[1]
}

// bodyKeys looks into the body. What is wrong with it is found again by the handler, if it wants the body.
func bodyKeys(r *web.Request) (key, user string) {
	body, err := r.ReadBody(reading)
	if err != nil {
		return "", ""
	}
	if object, ok := body.Object(); ok {
		key, _ = object["_api_key"].(string)
		user, _ = object["_user_key"].(string)
		return key, user
	}
	return last(body.Form["_api_key"]), last(body.Form["_user_key"])
}

func last(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}

// secretOf compares generated keys without case; a key that the operator gave in another shape is taken as it is.
func secretOf(text string) hecate.Secret {
	text = strings.TrimSpace(text)
	if key, upper := keyShape(text); key && upper {
		text = strings.ToLower(text)
	}
	return hecate.NewSecret(text)
}

// keyShape reports whether text has the shape of generated keys, and whether upper-case letters are in it.
func keyShape(text string) (key, upper bool) {
	if len(text) != 40 {
		return false, false
	}
	for i := range len(text) {
		switch c := text[i]; {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'f':
		case 'A' <= c && c <= 'F':
			upper = true
		default:
			return false, false
		}
	}
	return true, upper
}
