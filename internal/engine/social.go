package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"hecate"
	"hecate/internal/provider"
	"hecate/internal/store"
)

// SocialToken is what somebody presents as his at a provider, see provider.Token.
type SocialToken struct {
	Provider string
	Secret   hecate.Secret
	Nonce    string
	Version  string
}

func (t SocialToken) present() provider.Token {
	return provider.Token{Provider: t.Provider, Secret: t.Secret, Nonce: t.Nonce, Version: t.Version}
}

// socialSettings are what the app says of a provider. Kinds: Unsupported on "provider" where it does not have that one.
func socialSettings(app *hecate.App, name, op string) (provider.Settings, error) {
	values, ok := app.Settings.Social[name]
	if !ok || !provider.Known(name) {
		return provider.Settings{}, hecate.E(hecate.Unsupported, op).On("provider").Says("the app has no such provider")
	}
	return settingsOf(values), nil
}

func settingsOf(values map[string]any) provider.Settings {
	text := func(name string) string {
		s, _ := values[name].(string)
		return s
	}
	s := provider.Settings{
		Issuer: text("issuer"), APIURL: text("api_url"), AuthURL: text("auth_url"), TokenURL: text("token_url"),
		ClientID: text("client_id"), ClientSecret: text("client_secret"),
	}
	if scopes, ok := values["scopes"].([]any); ok {
		for _, scope := range scopes {
			if scope, ok := scope.(string); ok {
				s.Scopes = append(s.Scopes, scope)
			}
		}
	}
	return s
}

// SocialProfile asks a provider of the app whose token it is. Nothing changes. Kinds: NoApp, and those of provider.Profile.
func (e *Engine) SocialProfile(ctx context.Context, app *hecate.App, t SocialToken) (*hecate.Profile, error) {
	const op = "ask provider"
	s, err := socialSettings(app, t.Provider, op)
	if err != nil {
		return nil, err
	}
	p, err := e.providers.Profile(ctx, t.present(), s)
	return reachable(p), err
}

// reachable is a profile without what is no address: who has something else in its place signs in without one.
func reachable(p *hecate.Profile) *hecate.Profile {
	if p != nil && !IsAddress(p.Email) {
		p.Email, p.EmailVerified = "", false
	}
	return p
}

// sameAddress reports whether two addresses are certainly one mailbox. Names are compared by a folding that takes some letters for others ("İ"
// and "i"), which mail servers do not.
func sameAddress(a, b string) bool {
	return a == b || FoldLogin(a) == FoldLogin(b) && isASCII(a) && isASCII(b)
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII })
}

// SocialLoginInput is somebody whom a provider vouches for.
type SocialLoginInput struct {
	Profile *hecate.Profile // as SocialProfile or ConsentProfile returned it
	// New is what a new user brings: names, profile record. Its Email is the address only if it is that of Profile.
	New      CreateUserInput
	Fields   []hecate.Field
	Extend   bool // see SignUpInput; New.Growth serves as well
	Admitted bool // the caller was let in on a way that makes users; else the door is asked whether he may
	Closed   bool // nobody is made, whoever asks
	Dialect  string
	Open     *OpenSession
}

// LoginSocial logs in the user of an identity at a provider. The identity (provider, subject) decides. At the first time it
// joins the account with the same address only when the provider says that the address is his and the account has
// proved it too: who signs up beforehand with the address of somebody else must never get his later visits. Else a user is
// made. created says so.
//
// Kinds: Forbidden when the actor may not log users in, or may not make the one that is missing (then on "user"); UserDisabled;
// Exists on "email" or "username" where an account has that name which the identity may not join; those of CreateUser.
func (e *Engine) LoginSocial(ctx context.Context, actor *hecate.Actor, in SocialLoginInput) (_ *LoginResult, created bool, err error) {
	const op = "login"
	app, err := inApp(actor, op)
	if err != nil {
		return nil, false, err
	}
	if err := e.allowArea(actor, hecate.Login, hecate.AreaApp, op); err != nil {
		return nil, false, err
	}
	who, err := identityOf(in.Profile, op)
	if err != nil {
		return nil, false, err
	}
	for range loginTries {
		user, err := e.socialUser(ctx, app, in.Profile, who)
		if errors.Is(err, hecate.NotFound) {
			out, err := e.createSocial(ctx, actor, app, in, who)
			if errors.Is(err, hecate.Exists) && e.identityKnown(ctx, app, who) {
				continue // somebody was quicker with the same subject
			}
			return out, err == nil, err
		}
		if err != nil {
			return nil, false, err
		}
		out, err := e.arriveSocial(ctx, actor, app, user, who, in)
		if !errors.Is(err, errChanged) {
			return out, false, err
		}
	}
	return nil, false, hecate.E(hecate.TooMany, op)
}

func (e *Engine) identityKnown(ctx context.Context, app *hecate.App, who hecate.Identity) bool {
	_, err := e.db.Identity(ctx, app.ID, who.Kind, who.Match)
	return err == nil
}

// identityOf is the identity of a profile. Kinds: Invalid on "subject".
func identityOf(p *hecate.Profile, op string) (hecate.Identity, error) {
	if err := checkText(op, "subject", p.Subject, 1, maxName); err != nil {
		return hecate.Identity{}, hecate.E(hecate.Invalid, op).On("subject").Because(err)
	}
	return hecate.Identity{Kind: hecate.ProviderIdentity(p.Provider), Value: p.Subject, Match: p.Subject}, nil
}

// socialUser finds the user of an identity, or the one whose account it may join. Kinds: NotFound when a new one is
// to be made, Exists on "email".
func (e *Engine) socialUser(ctx context.Context, app *hecate.App, p *hecate.Profile, who hecate.Identity) (hecate.UserID, error) {
	known, err := e.db.Identity(ctx, app.ID, who.Kind, who.Match)
	if !errors.Is(err, hecate.NotFound) {
		return known.User, err
	}
	if !IsAddress(p.Email) || unprovedAddress(app, p) {
		return "", hecate.NotFound
	}
	holder, err := e.db.Identity(ctx, app.ID, hecate.EmailIdentity, FoldLogin(p.Email))
	if err != nil {
		return "", err
	}
	if !p.EmailVerified || holder.VerifiedAt.IsZero() || !sameAddress(p.Email, holder.Value) {
		return "", hecate.E(hecate.Exists, "login").On("email").Says("an account has this address, which has not been proved on both sides: sign in to it and link the provider")
	}
	return holder.User, nil
}

// unprovedAddress reports whether an address counts for nothing, because whoever may claim any at a provider would learn by it who has an account in
// an app that hides that.
func unprovedAddress(app *hecate.App, p *hecate.Profile) bool {
	return app.Settings.HideAccountExistence && !p.EmailVerified
}

// createSocial makes the user of an identity.
func (e *Engine) createSocial(ctx context.Context, actor *hecate.Actor, app *hecate.App, in SocialLoginInput, who hecate.Identity) (*LoginResult, error) {
	const op = "create user"
	if in.Closed {
		return nil, hecate.E(hecate.Forbidden, op).On("user")
	}
	if !in.Admitted {
		if err := e.allowArea(actor, hecate.Create, hecate.AreaUsers, op); err != nil {
			return nil, hecate.E(hecate.Forbidden, op).On("user")
		}
	}
	n := newcomer{
		CreateUserInput: in.New, open: in.Open, external: &who, says: in.Profile.Raw, arrives: true,
	}
	if in.Extend {
		n.wish = &wish{in.Fields, true}
	}
	n.Password, n.Dialect = hecate.Secret{}, in.Dialect
	if unprovedAddress(app, in.Profile) {
		n.Email = ""
		if strings.Contains(n.Username, "@") {
			n.Username = ""
		}
	}
	n.EmailVerified = in.Profile.EmailVerified && n.Email != "" && sameAddress(n.Email, in.Profile.Email)
	u, token, err := e.bringIn(ctx, actor, app, n, op)
	if err != nil {
		return nil, ownName(err, &app.Settings)
	}
	return e.loggedIn(ctx, app, u, token)
}

// arriveSocial logs in a user by an identity, which joins his account if it has not yet: errChanged when it belongs to
// somebody else by now, or the account's address is no longer proved.
func (e *Engine) arriveSocial(ctx context.Context, actor *hecate.Actor, app *hecate.App, id hecate.UserID, who hecate.Identity, in SocialLoginInput) (*LoginResult, error) {
	got, err := e.loginVouched(ctx, actor, app, id, in.Dialect, in.Open, func(tx *store.DB, u *hecate.User) error {
		return e.joinIdentity(ctx, tx, actor, u, who, in.Profile)
	})
	if errors.Is(err, hecate.NotFound) { // deleted meanwhile
		return nil, errChanged
	}
	return got, err
}

// joinIdentity gives a user who is locked an identity that he may have already, and keeps what the provider says. Kinds: Exists on "email" when he
// has another one there: providers give the addresses of people who left to others.
func (e *Engine) joinIdentity(ctx context.Context, tx *store.DB, actor *hecate.Actor, u *hecate.User, who hecate.Identity, p *hecate.Profile) error {
	known, err := tx.Identity(ctx, u.App, who.Kind, who.Match)
	switch {
	case err == nil && known.User != u.ID:
		return errChanged
	case errors.Is(err, hecate.NotFound):
		if !u.EmailVerified || !p.EmailVerified || !sameAddress(u.Email, p.Email) {
			return errChanged
		}
		if err := e.addIdentity(ctx, tx, u, who, "login"); hecate.Detail(err).Field == "provider" {
			return hecate.E(hecate.Exists, "login").On("email").Says("the account with this address belongs to somebody else at the provider")
		} else if err != nil {
			return err
		}
		if err := e.record(ctx, tx, actor, u.App, linkProvider, string(hecate.SubjectUser(u.ID))+" "+p.Provider); err != nil {
			return err
		}
	case err != nil:
		return err
	}
	return tx.SetProviderProfile(ctx, u.App, u.ID, p.Provider, p.Raw)
}

// linkProvider is what is recorded when an identity becomes a user's.
const linkProvider = "link provider"

// addIdentity gives a user who is locked a new identity. Kinds: Exists on "provider" when he has another one there; errChanged when somebody else
// has it by now.
func (e *Engine) addIdentity(ctx context.Context, tx *store.DB, u *hecate.User, who hecate.Identity, op string) error {
	mine, err := tx.Identities(ctx, u.App, u.ID)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(mine, func(i hecate.Identity) bool { return i.Kind == who.Kind && i.Match != who.Match }) {
		return hecate.E(hecate.Exists, op).On("provider")
	}
	who.User, who.CreatedAt = u.ID, e.stamp()
	who.VerifiedAt = who.CreatedAt
	free, err := tx.InsertIdentity(ctx, u.App, who)
	if err == nil && !free {
		return errChanged
	}
	return err
}

// LinkSocial gives the signed-in user an identity at a provider. Kinds: Unauthenticated, Invalid on "subject",
// Exists on "subject" when somebody else has it, on "provider" when he has another one there.
func (e *Engine) LinkSocial(ctx context.Context, actor *hecate.Actor, p *hecate.Profile) error {
	const op = linkProvider
	app, err := inApp(actor, op)
	if err != nil {
		return err
	}
	if actor.User == nil {
		return hecate.E(hecate.Unauthenticated, op)
	}
	who, err := identityOf(p, op)
	if err != nil {
		return err
	}
	return e.db.Write(ctx, func(tx *store.DB) error {
		l, err := e.loadUser(ctx, tx, app.ID, actor.User.ID, op)
		if err != nil {
			return err
		}
		known, err := tx.Identity(ctx, app.ID, who.Kind, who.Match)
		switch {
		case err == nil && known.User != l.User.ID:
			return hecate.E(hecate.Exists, op).On("subject")
		case errors.Is(err, hecate.NotFound):
			if err := e.addIdentity(ctx, tx, l.User, who, op); errors.Is(err, errChanged) {
				return hecate.E(hecate.Exists, op).On("subject")
			} else if err != nil {
				return err
			}
		case err != nil:
			return err
		}
		if err := tx.SetProviderProfile(ctx, app.ID, l.User.ID, p.Provider, p.Raw); err != nil {
			return err
		}
		return e.record(ctx, tx, actor, app.ID, op, string(hecate.SubjectUser(l.User.ID))+" "+p.Provider)
	})
}

// UnlinkSocial takes the signed-in user's identity at a provider away. Kinds: Unauthenticated, NotFound on "provider", Invalid on "provider" when
// nothing else would let him in again.
func (e *Engine) UnlinkSocial(ctx context.Context, actor *hecate.Actor, name string) error {
	const op = "unlink provider"
	app, err := inApp(actor, op)
	if err != nil {
		return err
	}
	if actor.User == nil {
		return hecate.E(hecate.Unauthenticated, op)
	}
	kind := hecate.ProviderIdentity(name)
	return e.db.Write(ctx, func(tx *store.DB) error {
		l, err := e.loadUser(ctx, tx, app.ID, actor.User.ID, op)
		if err != nil {
			return err
		}
		mine, err := tx.Identities(ctx, app.ID, l.User.ID)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(mine, func(i hecate.Identity) bool { return i.Kind == kind }) {
			return hecate.E(hecate.NotFound, op).On("provider")
		}
		otherwise := func(i hecate.Identity) bool { return i.Kind != kind && providerOf(i.Kind) != "" }
		if !l.User.HasPassword && l.User.Email == "" && !slices.ContainsFunc(mine, otherwise) {
			return hecate.E(hecate.Invalid, op).On("provider").Says("nothing else lets you into the account: it has no password and no address")
		}
		return e.dropIdentity(ctx, tx, actor, l.User, kind)
	})
}

// dropIdentity takes a user's identities of one provider away, inside a write.
func (e *Engine) dropIdentity(ctx context.Context, tx *store.DB, actor *hecate.Actor, u *hecate.User, kind hecate.IdentityKind) error {
	name := providerOf(kind)
	if err := errors.Join(tx.DeleteIdentities(ctx, u.App, u.ID, kind), tx.DeleteProviderProfile(ctx, u.App, u.ID, name)); err != nil {
		return err
	}
	return e.record(ctx, tx, actor, u.App, "unlink provider", string(hecate.SubjectUser(u.ID))+" "+name)
}

// dropUnproved takes away whatever providers let into an account whose address somebody has proved for the first time: whoever made the account with
// that address may be somebody else, with an identity of his own. The app's own word ("custom") stays.
func (e *Engine) dropUnproved(ctx context.Context, tx *store.DB, actor *hecate.Actor, u *hecate.User) error {
	mine, err := tx.Identities(ctx, u.App, u.ID)
	if err != nil {
		return err
	}
	for _, i := range mine { // one for each provider at most
		if name := providerOf(i.Kind); name == "" || name == customProvider {
			continue
		}
		if err := e.dropIdentity(ctx, tx, actor, u, i.Kind); err != nil {
			return err
		}
	}
	return nil
}

// customProvider are the tokens of an app's own server.
const customProvider = "custom"

// providerOf is the provider of an identity, "" of a name.
func providerOf(kind hecate.IdentityKind) string {
	name, ok := strings.CutPrefix(string(kind), string(hecate.ProviderIdentity("")))
	if !ok {
		return ""
	}
	return name
}

// SocialProfiles returns what providers said of the signed-in user, by provider. Kinds: Unauthenticated.
func (e *Engine) SocialProfiles(ctx context.Context, actor *hecate.Actor) (map[string]map[string]any, error) {
	const op = "list provider profiles"
	app, err := inApp(actor, op)
	if err != nil {
		return nil, err
	}
	if actor.User == nil {
		return nil, hecate.E(hecate.Unauthenticated, op)
	}
	rows, err := e.db.ProviderProfiles(ctx, app.ID, actor.User.ID)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	out := make(map[string]map[string]any, len(rows))
	for _, row := range rows {
		out[row.Provider] = row.Profile
	}
	return out, nil
}

// SetSocialProvider configures one provider of an app, instead of what it was. Kinds: Forbidden, NotFound, Unsupported on "provider".
func (e *Engine) SetSocialProvider(ctx context.Context, actor *hecate.Actor, id hecate.AppID, name string, values map[string]any) error {
	const op = "set provider"
	_, inside, err := e.appFor(ctx, actor, id, op)
	if err != nil {
		return err
	}
	if err := e.allowArea(inside, hecate.Update, hecate.AreaApp, op); err != nil {
		return err
	}
	if !provider.Known(name) {
		return hecate.E(hecate.Unsupported, op).On("provider")
	}
	return e.db.Write(ctx, func(tx *store.DB) error {
		if err := tx.Lock(ctx, "apps"); err != nil {
			return err
		}
		app, err := e.openApp(tx.App(ctx, id))
		if err != nil {
			return missing(err, op, "")
		}
		next := app.Settings
		next.Social = maps.Clone(next.Social)
		if next.Social == nil {
			next.Social = map[string]map[string]any{}
		}
		next.Social[name] = values
		return e.writeAppChange(ctx, tx, inside, app, UpdateAppInput{Settings: &next}, op)
	})
}
