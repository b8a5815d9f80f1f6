package engine

import (
	"context"
	"encoding/base64"
	"errors"
	"strconv"
	"time"

	"hecate"
	"hecate/internal/secret"
	"hecate/internal/store"
)

// The purposes of the server's own tickets, and how long they live.
const (
	ticketSetup       = "setup"
	ticketActivate    = "activate admin"
	ticketAdminReset  = "reset admin"
	setupTicketLife   = 24 * time.Hour
	adminTicketLife   = 3 * 24 * time.Hour // contracts/syncano.md 2.1
	ticketSecretBytes = 32
)

// newTicket prepares a ticket and returns its clear secret.
func (e *Engine) newTicket(app hecate.AppID, purpose string, life time.Duration) (*hecate.Ticket, hecate.Secret, error) {
	id, err := e.newID()
	if err != nil {
		return nil, hecate.Secret{}, err
	}
	text, err := secret.Token(e.rand, ticketSecretBytes)
	now := e.stamp()
	return &hecate.Ticket{
		ID: hecate.TicketID(id), App: app, Purpose: purpose, CreatedAt: now, ExpiresAt: now.Add(life),
	}, hecate.NewSecret(text), err
}

// adminTicket prepares a ticket of an admin for his present address.
func (e *Engine) adminTicket(a *hecate.Admin, purpose string) (*hecate.Ticket, hecate.Secret, error) {
	t, clear, err := e.newTicket("", purpose, adminTicketLife)
	if err != nil {
		return nil, clear, err
	}
	t.Admin, t.Address = a.ID, a.Email
	return t, clear, nil
}

// serverTicket finds a ticket of the server that still counts. Kinds: BadToken, Expired.
func (e *Engine) serverTicket(ctx context.Context, db *store.DB, clear hecate.Secret, purpose, op string) (*hecate.Ticket, error) {
	t, err := db.Ticket(ctx, "", e.lookup(clear))
	if errors.Is(err, hecate.NotFound) || err == nil && t.Purpose != purpose {
		return nil, hecate.E(hecate.BadToken, op).On("token")
	}
	if err != nil {
		return nil, err
	}
	if !e.now().Before(t.ExpiresAt) {
		return nil, hecate.E(hecate.Expired, op).On("token")
	}
	return t, nil
}

// takeServerTicket uses a ticket up. Kinds: BadToken when somebody was quicker.
func (e *Engine) takeServerTicket(ctx context.Context, tx *store.DB, clear hecate.Secret, purpose, op string) error {
	was, err := tx.TakeTicket(ctx, "", e.lookup(clear), purpose)
	if err == nil && !was {
		return hecate.E(hecate.BadToken, op).On("token")
	}
	return err
}

// The purposes of admins' tickets, for CheckAdminTicket.
const (
	AdminResetTicket    = ticketAdminReset
	AdminActivateTicket = ticketActivate
)

// CheckAdminTicket finds the admin of a ticket that counts, and uses nothing up: pages that links lead to ask it before they
// show a form. Kinds: NotFound on "uid", BadToken, Expired.
func (e *Engine) CheckAdminTicket(ctx context.Context, uid, ticket, purpose string) (*hecate.Admin, error) {
	a, err := e.ticketOf(ctx, uid, ticket, purpose, "check ticket")
	if err != nil {
		return nil, err
	}
	return &a.Admin, nil
}

// AdminUID is the public name of an admin in links of mails.
func AdminUID(a *hecate.Admin) string {
	return base64.RawURLEncoding.EncodeToString(strconv.AppendInt(nil, a.Seq, 10))
}

// adminByUID finds the admin of a link. Kinds: NotFound on "uid".
func (e *Engine) adminByUID(ctx context.Context, uid, op string) (*store.AdminSecrets, error) {
	raw, err := base64.RawURLEncoding.DecodeString(uid)
	if err != nil {
		return nil, hecate.E(hecate.NotFound, op).On("uid")
	}
	seq, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil {
		return nil, hecate.E(hecate.NotFound, op).On("uid")
	}
	a, err := e.db.AdminBySeq(ctx, seq)
	return a, missing(err, op, "uid")
}

// SetupTicket returns the secret of a fresh one-time setup ticket when the server has no admin yet, else an empty
// Secret. Earlier ones are dead.
func (e *Engine) SetupTicket(ctx context.Context) (hecate.Secret, error) {
	t, clear, err := e.newTicket("", ticketSetup, setupTicketLife)
	if err != nil {
		return hecate.Secret{}, err
	}
	var out hecate.Secret
	err = e.db.Write(ctx, func(tx *store.DB) error {
		out = hecate.Secret{}
		has, err := tx.HasAdmins(ctx)
		if err != nil || has {
			return err
		}
		if err := tx.DeleteServerTickets(ctx, ticketSetup); err != nil {
			return err
		}
		out = clear
		return tx.InsertTicket(ctx, t, e.lookup(clear))
	})
	return out, err
}

// Setup makes the first admin by the setup ticket. Kinds: BadToken, Expired, Exists on "admin" when there is an admin already, Invalid.
func (e *Engine) Setup(ctx context.Context, ticket hecate.Secret, in RegisterAdminInput) (*AdminDetail, error) {
	const op = "setup"
	if _, err := e.serverTicket(ctx, e.db, ticket, ticketSetup, op); err != nil {
		return nil, err
	}
	in.Activated, in.InvitationKey = true, hecate.Secret{}
	n, err := e.newAdmin(ctx, System(), in, op)
	if err != nil {
		return nil, err
	}
	err = e.db.Write(ctx, func(tx *store.DB) error {
		if err := tx.Lock(ctx, adminsLock); err != nil {
			return err
		}
		if has, err := tx.HasAdmins(ctx); err != nil || has {
			return taken(err, op, "admin")
		}
		if err := e.takeServerTicket(ctx, tx, ticket, ticketSetup, op); err != nil {
			return err
		}
		return e.insertAdmin(ctx, tx, System(), n, op)
	})
	if err != nil {
		return nil, err
	}
	return n.detail(), nil
}

const metaKeys = "master key"

// CheckKeys makes sure that the master key is the one this database was made with; the first start decides which
// that is. It is to be called before anything is served. Kinds: Invalid on "master key".
func (e *Engine) CheckKeys(ctx context.Context) error {
	err := e.db.Write(ctx, func(tx *store.DB) error {
		_, err := tx.InsertMeta(ctx, metaKeys, e.keys.Check())
		return err
	})
	if err != nil {
		return err
	}
	known, err := e.db.Meta(ctx, metaKeys)
	if err != nil {
		return err
	}
	if !secret.Equal(known, e.keys.Check()) {
		return hecate.E(hecate.Invalid, "check keys").On("master key").Says(
			"the master key does not belong to this database: its keys, tokens and passwords can only be used with the one it was first started with")
	}
	return nil
}

// KeysInUse reports whether a database already depends on a master key, so that a missing one is lost, not new.
func KeysInUse(ctx context.Context, db *store.DB) (bool, error) {
	_, err := db.Meta(ctx, metaKeys)
	if errors.Is(err, hecate.NotFound) {
		return false, nil
	}
	return err == nil, err
}
