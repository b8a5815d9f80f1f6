package engine

import (
	"context"
	"strconv"

	"hecate"
	"hecate/internal/store"
)

// sandboxName is the app that every registered org begins with.
const sandboxName = "sandbox"

// RegisterOrgInput describes a new org and the admin who owns it. Without a password he gets a random one, which nobody
// learns: the letter about a forgotten one lets him in.
type RegisterOrgInput struct {
	Name       string
	Properties map[string]any
	Owner      RegisterAdminInput
}

// RegisteredOrg is what came of it.
type RegisteredOrg struct {
	Org   *hecate.Org
	Owner *hecate.Admin
	App   *hecate.App
}

// RegisterOrg makes an org, an admin as its first member, and an app "sandbox" in which guests may do everything: all of it or
// nothing. Kinds: Forbidden when registration is closed and the operator is not asking, Invalid, TooLarge and WeakPassword on a
// field of the input, Exists on "name", "email" or "username".
func (e *Engine) RegisterOrg(ctx context.Context, actor *hecate.Actor, in RegisterOrgInput) (*RegisteredOrg, error) {
	const op = "register org"
	in.Owner.InvitationKey = hecate.Secret{} // an invitation opens an account, not an org
	if _, err := e.mayRegister(ctx, actor, in.Owner.InvitationKey, op); err != nil {
		return nil, err
	}
	if err := checkText(op, "name", in.Name, 1, maxAlias); err != nil {
		return nil, err
	}
	if err := checkProperties(op, in.Properties); err != nil {
		return nil, err
	}
	in.Owner.RandomPassword = true
	owner, err := e.newAdmin(ctx, actor, in.Owner, op)
	if err != nil {
		return nil, err
	}
	org, err := e.newOrg(in.Name)
	if err != nil {
		return nil, err
	}
	org.Properties, org.Awaits = in.Properties, e.awaitsOfOrg(actor)
	app, client, err := e.newApp(CreateAppInput{Org: org.ID, Name: sandboxName, Settings: hecate.Settings{Sandbox: true}})
	if err != nil {
		return nil, err
	}
	app.Owner = owner.ID
	himself := &hecate.Actor{Kind: hecate.AdminActor, Admin: &owner.Admin}
	err = e.db.Write(ctx, func(tx *store.DB) error {
		if err := tx.Lock(ctx, adminsLock); err != nil {
			return err
		}
		if err := e.insertAdmin(ctx, tx, actor, owner, op); err != nil {
			return err
		}
		if free, err := tx.InsertOrg(ctx, org, ""); err != nil || !free {
			return taken(err, op, "name")
		}
		if _, err := tx.InsertOrgMember(ctx, org.ID, owner.ID); err != nil {
			return err
		}
		if err := e.requestOrg(ctx, tx, org, false, op); err != nil {
			return err
		}
		if err := e.record(ctx, tx, himself, "", op, "org:"+string(org.ID)); err != nil {
			return err
		}
		if err := e.chooseAlias(ctx, tx, app, org.Name, op); err != nil {
			return err
		}
		return e.insertApp(ctx, tx, himself, app, org.ID, client, "create app")
	})
	if err != nil {
		return nil, err
	}
	return &RegisteredOrg{Org: org, Owner: &owner.Admin, App: app}, nil
}

// aliasTries is how many numbers are tried behind a name that is taken.
const aliasTries = 3

// chooseAlias gives a new or restored app an alias that is free: its name, else with its org's in front, else with a number behind, else its id.
// A sandbox begins with its org's name: every org has one. The caller inserts the app in the same write.
func (e *Engine) chooseAlias(ctx context.Context, tx *store.DB, app *hecate.App, org, op string) error {
	if err := tx.Lock(ctx, "apps"); err != nil {
		return err
	}
	both := slug(org) + "-" + slug(app.Name)
	choices := []string{store.FoldName(app.Name), both}
	if choices[0] == sandboxName {
		choices = choices[1:]
	}
	for n := 2; n < 2+aliasTries; n++ {
		choices = append(choices, both+"-"+strconv.Itoa(n))
	}
	for _, alias := range append(choices, string(app.ID)) { // few
		if checkText(op, "alias", alias, 1, maxAlias) != nil {
			continue
		}
		used, err := tx.AliasTaken(ctx, alias, app.ID)
		if err != nil {
			return err
		}
		if !used {
			app.Alias = alias
			return nil
		}
	}
	return hecate.E(hecate.Exists, op).On("alias")
}
