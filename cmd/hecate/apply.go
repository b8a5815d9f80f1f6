package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"hecate"
	"hecate/internal/engine"
)

// applyCommand brings the server to a declared state and ends.
type applyCommand struct {
	storage
	File string `short:"f" required:"" help:"What to apply." placeholder:"FILE" type:"existingfile"`
}

// Run implements the command: through the running server where there is one,
// else on the storage itself.
func (c *applyCommand) Run(t *terminal) error {
	// Checked before anything is opened: a bad file must not even make a data directory.
	text, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	if _, err := parseSpec(c.File, text); err != nil {
		return err
	}
	return c.order(t, "apply", url.Values{"file": {c.File}}, text)
}

// applyOrder applies the body, which was read from the file of that name.
func applyOrder(ctx context.Context, r *rooms, q url.Values, text []byte, out io.Writer) error {
	return applyText(ctx, r, q.Get("file"), text, out)
}

// applyText applies the text of a file in one write and prints, once, the secrets it made.
func applyText(ctx context.Context, r *rooms, file string, text []byte, out io.Writer) error {
	s, err := parseSpec(file, text)
	if err != nil {
		return err
	}
	var made []string
	err = r.engine.Together(ctx, func(e *engine.Engine) error {
		a := &applier{ctx: ctx, engine: e, spec: s}
		defer func() { made = a.made }()
		return a.all()
	})
	if err != nil {
		return fmt.Errorf("%s:%w", file, err)
	}
	for _, line := range made {
		if _, err := fmt.Fprintf(out, "hecate: generated %s\n", line); err != nil {
			return err
		}
	}
	return nil
}

// applier walks a spec and calls the verbs that lead to it.
type applier struct {
	ctx    context.Context
	engine *engine.Engine
	spec   *spec
	made   []string // "what: secret", to be shown once
}

func (a *applier) show(what, secret string) { a.made = append(a.made, what+": "+secret) }

// at puts the line of a declaration in front of what went wrong with it.
func (a *applier) at(err error, path ...any) error {
	if err == nil {
		return nil
	}
	d := hecate.Detail(err)
	reason := err.Error()
	switch {
	case d.Kind == hecate.Exists:
		reason = fmt.Sprintf("%s is taken by another", d.Field)
	case d.Kind == hecate.NotFound && d.Info["name"] != nil:
		reason = fmt.Sprintf("%s %q does not exist", d.Op, d.Info["name"])
	}
	return lineError(lineOf(&a.spec.root, path), "%s", reason)
}

func (a *applier) all() error {
	for i, d := range a.spec.Admins {
		if err := a.admin(d); err != nil {
			return a.at(err, "admins", i)
		}
	}
	for i, d := range a.spec.Orgs {
		if err := a.org(d); err != nil {
			return a.at(err, "orgs", i)
		}
	}
	for i, d := range a.spec.Apps {
		if err := a.app(d, i); err != nil {
			return err
		}
	}
	if a.spec.Social == nil {
		return nil // as it was
	}
	return a.at(a.engine.SetAdminProviders(a.ctx, engine.System(), plainProviders(a.spec.Social)), "social")
}

func (a *applier) admin(d adminSpec) error {
	out, err := a.engine.DeclareAdmin(a.ctx, engine.System(), engine.RegisterAdminInput{
		Email: d.Email, Username: d.Username, Name: d.Name, Activated: true,
		Password: hecate.NewSecret(d.Password), AccountKey: hecate.NewSecret(d.AccountKey),
	})
	if err != nil {
		return err
	}
	a.showSecret("password of admin "+d.Email, out.Password)
	if out.Created && d.AccountKey == "" {
		a.show("account key of admin "+d.Email, out.Key.Reveal())
	}
	return nil
}

func (a *applier) showSecret(what string, s hecate.Secret) {
	if !s.IsZero() {
		a.show(what, s.Reveal())
	}
}

func (a *applier) org(d orgSpec) error {
	org, err := a.engine.DeclareOrg(a.ctx, engine.System(), d.Name, d.Admins)
	if err != nil {
		return err
	}
	return a.client("org "+d.Name, hecate.Client{Org: org.ID, Public: d.ClientID, Secret: hecate.NewSecret(d.ClientSecret)}, false)
}

// client sets the client credentials of an org or app, made where none are given and none exist, or fresh
// with the thing itself.
func (a *applier) client(what string, c hecate.Client, fresh bool) error {
	out, made, err := a.engine.DeclareClient(a.ctx, engine.System(), c)
	if err != nil {
		return err
	}
	if made || fresh && c.Public == "" {
		a.show("client id of "+what, out.Public)
		a.show("client secret of "+what, out.Secret.Reveal())
	}
	return nil
}

func (a *applier) app(d appSpec, i int) error {
	settings, err := d.settings()
	if err != nil {
		return a.at(err, "apps", i, "settings")
	}
	app, created, err := a.engine.DeclareApp(a.ctx, engine.System(), engine.DeclareAppInput{
		Org: d.Org, Name: d.Name, Alias: strings.ToLower(d.alias()), Settings: settings,
	})
	if err != nil {
		return a.at(err, "apps", i)
	}
	what := "app " + d.Org + "/" + d.Name
	client := hecate.Client{Org: app.Org, App: app.ID, Public: d.ClientID, Secret: hecate.NewSecret(d.ClientSecret)}
	if err := a.client(what, client, created); err != nil {
		return a.at(err, "apps", i, "client_id")
	}
	actor := engine.SystemIn(app)
	for j, k := range d.Keys {
		if err := a.key(actor, what, k); err != nil {
			return a.at(err, "apps", i, "keys", j)
		}
	}
	for j, u := range d.Users {
		if err := a.user(actor, u); err != nil {
			return a.at(err, "apps", i, "users", j)
		}
	}
	return nil
}

func (a *applier) key(actor *hecate.Actor, what string, k keySpec) error {
	out, made, err := a.engine.DeclareKey(a.ctx, actor, engine.KeyInput{
		Name: k.Name, Key: hecate.NewSecret(k.Key), Flags: k.flags(),
	})
	if err != nil {
		return err
	}
	if made {
		a.show("key "+k.Name+" of "+what, out.Key.Reveal())
	}
	return nil
}

func (k keySpec) flags() hecate.KeyFlags {
	var f hecate.KeyFlags
	for flag, set := range map[hecate.KeyFlags]bool{
		hecate.CreatesUsers: k.AllowUserCreate, hecate.CreatesGroups: k.AllowGroupCreate,
		hecate.ReadsAsAnyone: k.AllowAnonymousRead, hecate.ManagesData: k.IgnoreACL, hecate.Master: k.Master,
	} {
		if set {
			f |= flag
		}
	}
	return f
}

func (a *applier) user(actor *hecate.Actor, u userSpec) error {
	return a.engine.DeclareUser(a.ctx, actor, engine.CreateUserInput{
		Username: u.Username, Email: u.Email, Password: hecate.NewSecret(u.Password), EmailVerified: u.Email != "",
	}, u.Roles)
}
