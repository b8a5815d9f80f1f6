package engine

import (
	"context"
	"fmt"

	"hecate"
	"hecate/internal/store"
)

// full is what an owner holds on what is his own.
const full = hecate.List | hecate.Read | hecate.Update | hecate.Delete | hecate.Manage

// createProfileCollection makes the collection of the users' profiles in a new app.
func (e *Engine) createProfileCollection(ctx context.Context, tx *store.DB, app *hecate.App) error {
	_, err := e.insertCollection(ctx, tx, app.ID, hecate.ProfileCollection, CollectionInput{
		Name:        hecate.ProfileName,
		Description: "Profiles of the users.",
		Access:      hecate.Access{Own: true, Grants: []hecate.Grant{{Subject: hecate.Public, Permissions: hecate.Read}, {Subject: hecate.Anyone, Permissions: hecate.Create}}},
	})
	if err != nil {
		return fmt.Errorf("create profile collection: %w", err)
	}
	return nil
}

// createProfile makes the profile of a new user. Unless in says otherwise its
// owner may do everything with it and nobody else anything. Kinds: Invalid on
// a field's name, Exists on a unique field's name or "key", TooLarge on "record".
func (e *Engine) createProfile(ctx context.Context, tx *store.DB, app *hecate.App, u *hecate.User, in RecordInput) (*hecate.Record, error) {
	c, err := e.profileCollection(ctx, tx, app.ID)
	if err != nil {
		return nil, err
	}
	access := hecate.Access{Own: true, Grants: []hecate.Grant{{Subject: hecate.Owner, Permissions: full}}}
	if c.Defaults != nil {
		access = *c.Defaults
	}
	r := &hecate.Record{
		ID: u.ID.ProfileID(), App: app.ID, Key: u.Key, Owner: u.ID, OwnerSeq: u.Seq, CreatedBy: u.ID, UpdatedBy: u.ID, Access: access,
	}
	return e.insertRecord(ctx, tx, c, r, &in)
}

// changeProfile changes a user's profile under the rules for records: whoever
// manages users may, for others its grants decide. Kinds: those of UpdateRecord.
func (e *Engine) changeProfile(ctx context.Context, tx *store.DB, actor *hecate.Actor, app *hecate.App, u *hecate.User, in RecordInput) (*hecate.Record, error) {
	c, err := e.profileCollection(ctx, tx, app.ID)
	if err != nil {
		return nil, err
	}
	asked := actor
	if actor.Can(hecate.Update, hecate.AreaUsers) {
		manager := *actor
		manager.Powers[hecate.AreaRecords] |= hecate.AllPermissions
		asked = &manager
	}
	return e.updateIn(ctx, tx, asked, c, RecordRef{ID: u.ID.ProfileID()}, in)
}

// Profiles returns those profiles of users that the actor may read, as he may see them, in one query at most. Kinds: Forbidden when
// the profiles are closed to him.
func (e *Engine) Profiles(ctx context.Context, actor *hecate.Actor, ids []hecate.UserID) (map[hecate.UserID]*hecate.Record, error) {
	const op = "list profiles"
	app, err := inApp(actor, op)
	if err != nil {
		return nil, err
	}
	c, err := e.profileCollection(ctx, e.db, app.ID)
	if err != nil {
		return nil, err
	}
	if visible(actor, c, hecate.Read).None {
		return nil, e.forbid(actor, op, pathOf(c))
	}
	all, err := e.knownProfiles(ctx, c, ids)
	if err != nil {
		return nil, err
	}
	rights, err := e.setRights(ctx, e.db, actor)
	if err != nil {
		return nil, err
	}
	for id, r := range all {
		switch own := id == actor.UserID(); {
		case !own && !may(actor, c, r, hecate.Read):
			delete(all, id)
		case rights != nil:
			all[id] = rights.strip(c, r)
		}
	}
	return all, nil
}

// growProfile is extendProfile by a Growth; nil changes nothing.
func (e *Engine) growProfile(ctx context.Context, tx *store.DB, actor *hecate.Actor, app *hecate.App, in RecordInput, g *Growth) (RecordInput, error) {
	if g == nil {
		return in, nil
	}
	x := &extension{e: e, tx: tx, actor: actor, app: app, may: func(*hecate.Collection) bool { return g.Extend }, missing: g.Missing}
	if err := x.need(ctx, hecate.ProfileName, in.Values, nil); err != nil {
		return in, err
	}
	if err := x.apply(ctx); err != nil {
		return in, err
	}
	in.Values = withoutUnknownNils(x.found[hecate.ProfileName], in.Values)
	return in, nil
}

// knownProfiles is profiles through the cache of records, where that is exact.
func (e *Engine) knownProfiles(ctx context.Context, c *hecate.Collection, ids []hecate.UserID) (map[hecate.UserID]*hecate.Record, error) {
	if !e.db.Single() {
		return e.profiles(ctx, e.db, c.App, ids)
	}
	all := make(map[hecate.UserID]*hecate.Record, len(ids))
	var unknown []hecate.UserID
	before := map[hecate.UserID]uint64{}
	for _, id := range ids {
		name := recordByID(c, hecate.RecordID(id))
		if r := e.knownRecord(c, name); r != nil {
			all[id] = r
			continue
		}
		unknown = append(unknown, id)
		before[id] = e.cache.records.gen(name).Load()
	}
	if len(unknown) == 0 {
		return all, nil
	}
	loaded, err := e.db.Profiles(ctx, c, unknown)
	if err != nil {
		return nil, fmt.Errorf("profiles: %w", err)
	}
	for _, s := range loaded {
		all[hecate.UserID(s.ID)] = s.Record
		e.knowRecord(c, recordByID(c, s.ID), s, before[hecate.UserID(s.ID)])
	}
	return all, nil
}

// profiles returns the profiles of users in one query.
func (e *Engine) profiles(ctx context.Context, db *store.DB, app hecate.AppID, ids []hecate.UserID) (map[hecate.UserID]*hecate.Record, error) {
	c, err := e.profileCollection(ctx, db, app)
	if err != nil {
		return nil, err
	}
	rows, err := db.Profiles(ctx, c, ids)
	if err != nil {
		return nil, fmt.Errorf("profiles: %w", err)
	}
	all := make(map[hecate.UserID]*hecate.Record, len(rows))
	for _, r := range rows {
		all[hecate.UserID(r.ID)] = r.Record
	}
	return all, nil
}

// deleteOwned removes a user's profile, records and files from the database.
// The blobs are the caller's to drop after the commit.
func (e *Engine) deleteOwned(ctx context.Context, tx *store.DB, app hecate.AppID, u hecate.UserID) ([]hecate.FileID, error) {
	blobs, err := tx.DeleteOwned(ctx, app, u)
	if err != nil {
		return nil, fmt.Errorf("delete records of a user: %w", err)
	}
	if err := e.forgetAll(ctx, tx, "links"); err != nil {
		return nil, err
	}
	return blobs, e.forgetAll(ctx, tx, "records")
}

// purgeRecords removes all collections, records and files of an app from the
// database. The blobs are the caller's to drop after the commit.
func (e *Engine) purgeRecords(ctx context.Context, tx *store.DB, app hecate.AppID) ([]hecate.FileID, error) {
	blobs, err := tx.PurgeRecords(ctx, app)
	if err != nil {
		return nil, fmt.Errorf("purge records: %w", err)
	}
	if err := e.forgetAll(ctx, tx, "links"); err != nil {
		return nil, err
	}
	if err := e.forgetAll(ctx, tx, "collections"); err != nil {
		return nil, err
	}
	return blobs, e.forgetAll(ctx, tx, "records")
}
