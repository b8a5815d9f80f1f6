package engine

import (
	"context"
	"fmt"

	"hecate"
	"hecate/internal/store"
)

// LinkQuery says which links of the calling user are meant: those that go out from him, with To those that lead to him, with
// Both only those that another one of the same name leads back.
type LinkQuery struct {
	Name          string
	To, Both      bool
	Limit, Offset int // of at most hecate.MaxPage
}

// LinkUsers makes links of that name from the calling user to others; those that are there already, and those to nobody, are left
// out. Kinds: Unauthenticated without a user, Invalid on "name", TooLarge on "users".
func (e *Engine) LinkUsers(ctx context.Context, actor *hecate.Actor, name string, to []hecate.UserID) error {
	return e.changeLinks(ctx, actor, name, to, (*store.DB).InsertLinks)
}

// UnlinkUsers takes such links away; those that are not there are left out. Kinds: as LinkUsers.
func (e *Engine) UnlinkUsers(ctx context.Context, actor *hecate.Actor, name string, to []hecate.UserID) error {
	return e.changeLinks(ctx, actor, name, to, (*store.DB).DeleteLinks)
}

type linkChange func(db *store.DB, ctx context.Context, app hecate.AppID, from hecate.UserID, name string, to []hecate.UserID) error

func (e *Engine) changeLinks(ctx context.Context, actor *hecate.Actor, name string, to []hecate.UserID, change linkChange) error {
	const op = "link users"
	app, err := linking(actor, name, op)
	if err != nil || len(to) == 0 {
		return err
	}
	if len(to) > maxBatch {
		return hecate.E(hecate.TooLarge, op).On("users").With("limit", maxBatch)
	}
	err = e.db.Write(ctx, func(tx *store.DB) error {
		if err := change(tx, ctx, app.ID, actor.User.ID, name, to); err != nil {
			return err
		}
		ends := []hecate.RecordID{actor.User.ID.ProfileID()}
		for _, id := range to {
			ends = append(ends, id.ProfileID())
		}
		return e.forgetLinks(ctx, tx, app.ID, ends...)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return nil
}

// linking is the app of a user who asks for links of that name.
func linking(actor *hecate.Actor, name, op string) (*hecate.App, error) {
	app, err := inApp(actor, op)
	if err != nil {
		return nil, err
	}
	if actor.User == nil {
		return nil, hecate.E(hecate.Unauthenticated, op)
	}
	return app, checkText(op, "name", name, 1, maxName)
}

// LinkedUsers returns the users at the other end of links of the calling user, the oldest first, and the count of all.
// Kinds: as LinkUsers, TooLarge on "limit".
func (e *Engine) LinkedUsers(ctx context.Context, actor *hecate.Actor, q LinkQuery) (users []hecate.UserID, count int, err error) {
	const op = "linked users"
	app, err := linking(actor, q.Name, op)
	if err != nil {
		return nil, 0, err
	}
	if q.Limit < 0 || q.Offset < 0 || q.Limit > hecate.MaxPage {
		return nil, 0, hecate.E(hecate.TooLarge, op).On("limit").With("limit", hecate.MaxPage)
	}
	of := store.Links{User: actor.User.ID, Name: q.Name, To: q.To, Both: q.Both, Limit: q.Limit, Skip: q.Offset}
	if users, err = e.db.LinkedUsers(ctx, app.ID, of); err != nil {
		return nil, 0, fmt.Errorf("%s: %w", op, err)
	}
	if count, err = e.db.CountLinks(ctx, app.ID, of); err != nil {
		return nil, 0, fmt.Errorf("%s: %w", op, err)
	}
	return users, count, nil
}
