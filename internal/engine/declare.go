package engine

import (
	"context"
	"errors"
	"maps"
	"reflect"

	"hecate"
	"hecate/internal/secret"
	"hecate/internal/store"
)

// The verbs of this file lead to a declared state: each makes what is missing, changes what differs, leaves the
// rest alone, and may be repeated. They are for the operator; the verbs they call ask the door.

// DeclaredAdmin is an admin as declared, and what was made for it.
type DeclaredAdmin struct {
	*AdminDetail
	Created  bool
	Password hecate.Secret // when one had to be generated
}

// generatedPassword is how many random bytes a password has that nobody chose.
const generatedPassword = 16

// DeclareAdmin makes an admin, or brings the one of that address to what is declared: password and account key
// where given, names where not empty. He waits for nothing then. Kinds: those of RegisterAdmin.
func (e *Engine) DeclareAdmin(ctx context.Context, actor *hecate.Actor, in RegisterAdminInput) (*DeclaredAdmin, error) {
	found, err := e.AdminByEmail(ctx, actor, in.Email)
	if errors.Is(err, hecate.NotFound) {
		return e.declareNewAdmin(ctx, actor, in)
	}
	if err != nil {
		return nil, err
	}
	id := found.Admin.ID
	if !in.Password.IsZero() {
		if _, err := e.SetAdminPasswordByOperator(ctx, actor, id, in.Password); err != nil {
			return nil, err
		}
	}
	if !in.AccountKey.IsZero() && !secret.Equal(in.AccountKey.Reveal(), found.Key.Reveal()) {
		if _, err := e.SetAdminKeyByOperator(ctx, actor, id, in.AccountKey); err != nil {
			return nil, err
		}
	}
	if _, err := e.AdmitAdmin(ctx, actor, id); err != nil { // who is declared need not wait
		return nil, err
	}
	himself := &hecate.Actor{Kind: hecate.AdminActor, Admin: found.Admin}
	detail, err := e.UpdateAdmin(ctx, himself, UpdateAdminInput{Name: unlessEmpty(in.Name), Username: unlessEmpty(in.Username)})
	if err != nil {
		return nil, err
	}
	return &DeclaredAdmin{AdminDetail: detail}, nil
}

func (e *Engine) declareNewAdmin(ctx context.Context, actor *hecate.Actor, in RegisterAdminInput) (*DeclaredAdmin, error) {
	out := &DeclaredAdmin{Created: true}
	if in.Password.IsZero() {
		text, err := secret.Token(e.rand, generatedPassword)
		if err != nil {
			return nil, err
		}
		out.Password = hecate.NewSecret(text)
		in.Password = out.Password
	}
	var err error
	out.AdminDetail, err = e.RegisterAdmin(ctx, actor, in)
	if err != nil {
		return nil, err
	}
	return out, nil
}

func unlessEmpty(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// DeclareOrg makes an org of that name with these admins, by address, among its members; others stay members. It waits for nothing then.
// Kinds: Invalid, NotFound on "email" with Info "name" for an unknown admin.
func (e *Engine) DeclareOrg(ctx context.Context, actor *hecate.Actor, name string, admins []string) (*hecate.Org, error) {
	org, err := e.OrgByName(ctx, actor, name)
	if errors.Is(err, hecate.NotFound) {
		org, err = e.CreateOrg(ctx, actor, name)
	}
	if err == nil && org.Awaits != 0 {
		org, err = e.AdmitOrg(ctx, actor, org.ID)
	}
	if err != nil {
		return nil, err
	}
	for _, email := range admins { // a declaration names few
		a, err := e.AdminByEmail(ctx, actor, email)
		if err != nil {
			return nil, unknown(err, email)
		}
		if err := e.AddOrgMember(ctx, actor, org.ID, a.Admin.ID); err != nil {
			return nil, err
		}
	}
	return org, nil
}

// unknown is err, with the name that a declaration used for what was not found.
func unknown(err error, name string) error {
	if errors.Is(err, hecate.NotFound) {
		return hecate.Detail(err).With("name", name)
	}
	return err
}

// DeclareClient gives an app or org its client. Where nothing is given and there is one it stays; made says that
// one was generated. Kinds: those of SetClient.
func (e *Engine) DeclareClient(ctx context.Context, actor *hecate.Actor, c hecate.Client) (_ *hecate.Client, made bool, err error) {
	found, err := e.Client(ctx, actor, c)
	if err != nil && !errors.Is(err, hecate.NotFound) {
		return nil, false, err
	}
	if err == nil && (c.Public == "" || c.Public == found.Public && secret.Equal(c.Secret.Reveal(), found.Secret.Reveal())) {
		return found, false, nil
	}
	out, err := e.SetClient(ctx, actor, c)
	return out, c.Public == "", err
}

// DeclareAppInput describes an app; Org and Name identify it.
type DeclareAppInput struct {
	Org, Name, Alias string
	Settings         hecate.Settings
}

// DeclareApp makes an app, or gives the one of that name these settings and this alias. A new one belongs to its org's
// first member. Kinds: NotFound on "org" with Info "name", Invalid, Exists on "alias".
func (e *Engine) DeclareApp(ctx context.Context, actor *hecate.Actor, in DeclareAppInput) (_ *hecate.App, created bool, err error) {
	app, err := e.AppByName(ctx, in.Org, in.Name)
	if errors.Is(err, hecate.NoApp) {
		app, err = e.declareNewApp(ctx, actor, in)
		return app, true, err
	}
	if err != nil {
		return nil, false, err
	}
	keepProperties(&in.Settings, &app.Settings)
	change := UpdateAppInput{Settings: &in.Settings}
	if app.Alias != store.FoldName(in.Alias) {
		change.Alias = &in.Alias
	}
	if change.Alias == nil && reflect.DeepEqual(app.Settings, in.Settings) {
		return app, false, nil
	}
	d, err := e.UpdateApp(ctx, actor, app.ID, change)
	if err != nil {
		return nil, false, err
	}
	return d.App, false, nil
}

// keepProperties leaves in place what clients set through a dialect and no declaration speaks of.
func keepProperties(next, now *hecate.Settings) {
	const name = "properties"
	for dialect, settings := range now.Dialects {
		kept, set := settings[name]
		if _, declared := next.Dialects[dialect][name]; !set || declared {
			continue
		}
		next.Dialects = maps.Clone(next.Dialects)
		if next.Dialects == nil {
			next.Dialects = map[string]map[string]any{}
		}
		with := maps.Clone(next.Dialects[dialect])
		if with == nil {
			with = map[string]any{}
		}
		with[name] = kept
		next.Dialects[dialect] = with
	}
}

func (e *Engine) declareNewApp(ctx context.Context, actor *hecate.Actor, in DeclareAppInput) (*hecate.App, error) {
	org, err := e.OrgByName(ctx, actor, in.Org)
	if err != nil {
		return nil, unknown(err, in.Org)
	}
	members, err := e.OrgMembers(ctx, actor, org.ID)
	if err != nil {
		return nil, err
	}
	create := CreateAppInput{Org: org.ID, Name: in.Name, Alias: in.Alias, Settings: in.Settings}
	if len(members) > 0 {
		create.Owner = members[0].ID
	}
	d, err := e.CreateApp(ctx, actor, create)
	if err != nil {
		return nil, err
	}
	return d.App, nil
}

// DeclareKey makes an API key of that name in the actor's app, or gives it these flags and, where given, this secret;
// made says that a secret was generated. Kinds: Exists on "key" when another has the secret.
func (e *Engine) DeclareKey(ctx context.Context, actor *hecate.Actor, in KeyInput) (_ *hecate.APIKey, made bool, err error) {
	app, err := inApp(actor, "declare key")
	if err != nil {
		return nil, false, err
	}
	found, err := e.db.KeyByName(ctx, app.ID, in.Name)
	if errors.Is(err, hecate.NotFound) {
		k, err := e.CreateKey(ctx, actor, in)
		return k, in.Key.IsZero(), err
	}
	if err != nil {
		return nil, false, err
	}
	k, err := e.showKey(found)
	if err != nil {
		return nil, false, err
	}
	if k.Flags != in.Flags {
		if k, err = e.UpdateKey(ctx, actor, k.Seq, func(old *KeyInput) { old.Flags = in.Flags }); err != nil {
			return nil, false, err
		}
	}
	if in.Key.IsZero() || secret.Equal(foldKey(in.Key.Reveal()), k.Key.Reveal()) {
		return k, false, nil
	}
	k, err = e.setKeyByOperator(ctx, actor, k.Seq, in.Key)
	return k, false, err
}

// setKeyByOperator gives an API key the secret that the operator chose.
func (e *Engine) setKeyByOperator(ctx context.Context, actor *hecate.Actor, seq int64, given hecate.Secret) (*hecate.APIKey, error) {
	const op = "set key"
	clear, err := e.givenKey(actor, given, anyDigit, op)
	if err != nil {
		return nil, err
	}
	hash := e.lookup(clear)
	var out *hecate.APIKey
	err = e.changeKey(ctx, actor, seq, hecate.Update, op, func(tx *store.DB, k store.Sealed[*hecate.APIKey]) error {
		if err := keyFree(ctx, tx, hash, op); err != nil {
			return err
		}
		sealed, err := e.seal(clear, keyContext(k.Row.ID))
		if err != nil {
			return err
		}
		out = k.Row
		out.Key = clear
		return tx.SetKey(ctx, out, hash, sealed)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// DeclareUser makes a user, or gives the one of that name this password, these names and these roles; other roles stay.
// Kinds: those of CreateUser and AssignRole.
func (e *Engine) DeclareUser(ctx context.Context, actor *hecate.Actor, in CreateUserInput, roles []string) error {
	app, err := inApp(actor, "declare user")
	if err != nil {
		return err
	}
	login := in.Username
	if login == "" {
		login = in.Email
	}
	u, err := e.LookupUser(ctx, app.ID, UserRef{Login: login})
	switch {
	case errors.Is(err, hecate.NotFound):
		var d *UserDetail
		if d, err = e.CreateUser(ctx, actor, in); err == nil {
			u = d.User
		}
	case err == nil:
		_, err = e.UpdateUser(ctx, actor, UserRef{ID: u.ID}, UpdateUserInput{
			Username: unlessEmpty(in.Username), Email: unlessEmpty(in.Email), Password: &in.Password,
		})
	}
	if err != nil || len(roles) == 0 {
		return err
	}
	return e.AssignRole(ctx, actor, UserRef{ID: u.ID}, roles)
}
