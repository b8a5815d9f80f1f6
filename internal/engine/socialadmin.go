package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"hecate"
	"hecate/internal/provider"
	"hecate/internal/store"
)

// adminSocial is where the server keeps which providers admins may come by.
const adminSocial = "social"

// SetAdminProviders says which providers admins may come by, instead of those before, by name with the settings that apps have
// too. Each needs the server's own client id (twitter and pingident are bound to theirs anyway): a token issued for some other
// app must never open an account here. Kinds: Forbidden for all but the operator, Invalid on "social".
func (e *Engine) SetAdminProviders(ctx context.Context, actor *hecate.Actor, providers map[string]map[string]any) error {
	const op = "set providers of admins"
	if actor == nil || actor.Kind != hecate.SystemActor {
		e.refused(actor, "", op, "", "")
		return hecate.E(hecate.Forbidden, op)
	}
	for name, values := range providers {
		if !provider.Known(name) || settingsOf(values).ClientID == "" {
			return hecate.E(hecate.Invalid, op).On("social").Says("a known provider with a client id is expected: " + name)
		}
	}
	text, err := json.Marshal(providers)
	if err != nil {
		return hecate.E(hecate.Invalid, op).On("social").Because(err)
	}
	sealed, err := e.keys.Seal(text, adminSocial)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return e.db.Write(ctx, func(tx *store.DB) error { return tx.SetMeta(ctx, adminSocial, sealed) })
}

// adminProvider is a provider that admins may come by. Kinds: Unsupported on "provider".
func (e *Engine) adminProvider(ctx context.Context, name string) (provider.Settings, error) {
	const op = "ask provider"
	none := hecate.E(hecate.Unsupported, op).On("provider").Says("admins do not come by that provider")
	sealed, err := e.db.Meta(ctx, adminSocial)
	if errors.Is(err, hecate.NotFound) {
		return provider.Settings{}, none
	}
	if err != nil {
		return provider.Settings{}, err
	}
	text, err := e.keys.Open(sealed, adminSocial)
	if err != nil {
		return provider.Settings{}, fmt.Errorf("%s: %w", op, err)
	}
	var all map[string]map[string]any
	if err := json.Unmarshal(text, &all); err != nil {
		return provider.Settings{}, fmt.Errorf("%s: %w", op, err)
	}
	values, ok := all[name]
	if !ok {
		return provider.Settings{}, none
	}
	return settingsOf(values), nil
}

// LoginAdminSocial logs in the admin of an identity at a provider, by the rules of LoginSocial: at the first time it joins the
// account with the same address only when both sides have proved it, and else an account is made where registration is open.
// Kinds: those of provider.Profile; Invalid on "email" without an address; Exists on "email"; Forbidden when registration is
// closed; those of adminMayAct, also for an account that was made just now.
func (e *Engine) LoginAdminSocial(ctx context.Context, t SocialToken) (_ *AdminDetail, created bool, err error) {
	const op = "login admin"
	s, err := e.adminProvider(ctx, t.Provider)
	if err != nil {
		return nil, false, err
	}
	p, err := e.providers.Profile(ctx, t.present(), s)
	if err != nil {
		return nil, false, err
	}
	if _, err := identityOf(p, op); err != nil {
		return nil, false, err
	}
	for range loginTries {
		out, created, err := e.arriveAdmin(ctx, p, op)
		if !errors.Is(err, errChanged) {
			return out, created, err
		}
	}
	return nil, false, hecate.E(hecate.TooMany, op)
}

// arriveAdmin is one try of LoginAdminSocial: errChanged when somebody was quicker.
func (e *Engine) arriveAdmin(ctx context.Context, p *hecate.Profile, op string) (*AdminDetail, bool, error) {
	id, err := e.db.AdminBySubject(ctx, p.Provider, p.Subject)
	if err == nil {
		out, err := e.knownAdmin(ctx, id, op)
		return out, false, err
	}
	if !errors.Is(err, hecate.NotFound) {
		return nil, false, err
	}
	if checkEmail(op, "email", p.Email) != nil {
		return nil, false, hecate.E(hecate.Invalid, op).On("email").Says("the provider names no address")
	}
	holder, err := e.db.AdminByEmail(ctx, FoldLogin(p.Email))
	switch {
	case errors.Is(err, hecate.NotFound):
		out, err := e.createAdminSocial(ctx, p, op)
		return out, err == nil, err
	case err != nil:
		return nil, false, err
	case !p.EmailVerified || !holder.Activated || !sameAddress(p.Email, holder.Email):
		return nil, false, hecate.E(hecate.Exists, op).On("email").Says("an account has this address, which has not been proved on both sides")
	}
	err = e.db.Write(ctx, func(tx *store.DB) error {
		if err := tx.Lock(ctx, adminsLock); err != nil {
			return err
		}
		if now, err := tx.Admin(ctx, holder.ID); err != nil || now.Email != holder.Email || !now.Activated {
			return cmp.Or(err, error(errChanged))
		}
		has, err := tx.AdminHasSubject(ctx, holder.ID, p.Provider)
		if err != nil {
			return err
		}
		if has { // providers give the addresses of people who left to others
			return hecate.E(hecate.Exists, op).On("email").Says("the account with this address belongs to somebody else at the provider")
		}
		if err := e.bindAdmin(ctx, tx, p, holder.ID); err != nil {
			return err
		}
		return e.record(ctx, tx, nil, "", "link provider", "admin:"+string(holder.ID)+" "+p.Provider)
	})
	if err != nil {
		return nil, false, err
	}
	out, err := e.knownAdmin(ctx, holder.ID, op)
	return out, false, err
}

func (e *Engine) bindAdmin(ctx context.Context, tx *store.DB, p *hecate.Profile, id hecate.AdminID) error {
	free, err := tx.InsertAdminIdentity(ctx, p.Provider, p.Subject, id, e.stamp())
	if err == nil && !free {
		return errChanged
	}
	return err
}

func (e *Engine) knownAdmin(ctx context.Context, id hecate.AdminID, op string) (*AdminDetail, error) {
	a, err := e.db.Admin(ctx, id)
	if err != nil {
		return nil, missing(err, op, "admin")
	}
	if err := e.adminMayAct(&a.Admin, op); err != nil {
		e.refused(nil, "", op, "admin:"+string(id), hecate.KindOf(err).Error())
		return nil, err
	}
	return e.adminDetail(a)
}

// createAdminSocial makes the account of an identity, without a password.
func (e *Engine) createAdminSocial(ctx context.Context, p *hecate.Profile, op string) (*AdminDetail, error) {
	if _, err := e.mayRegister(ctx, nil, hecate.Secret{}, op); err != nil {
		return nil, err
	}
	in := RegisterAdminInput{Email: p.Email, Name: p.Name, FirstName: p.FirstName, LastName: p.LastName, Activated: p.EmailVerified}
	if err := in.check(op); err != nil {
		return nil, err
	}
	n, err := e.prepareAdmin(nil, in, "", op)
	if err != nil {
		return nil, err
	}
	err = e.db.Write(ctx, func(tx *store.DB) error {
		if err := tx.Lock(ctx, adminsLock); err != nil {
			return err
		}
		if err := e.insertAdmin(ctx, tx, nil, n, op); err != nil {
			return err
		}
		return e.bindAdmin(ctx, tx, p, n.ID)
	})
	if err != nil {
		return nil, err
	}
	if err := e.adminMayAct(&n.Admin, op); err != nil { // the account is made and waits
		return nil, err
	}
	return n.detail(), nil
}
