package engine

import (
	"context"
	"errors"

	"hecate"
	"hecate/internal/store"
)

// joinedTargets collects the collections that the filter looks into through
// references, each with what the actor may see there. Unknown ones are left out: nothing matches in them.
func (e *Engine) joinedTargets(ctx context.Context, actor *hecate.Actor, f *hecate.Filter, into map[hecate.CollectionID]store.Joined) error {
	if _, known := into[f.Target]; f.Op == hecate.OpJoined && !known {
		c, err := e.targetCollection(ctx, actor.App.ID, f.Target)
		switch {
		case err == nil:
			into[f.Target] = store.Joined{Collection: c, Visible: visible(actor, c, hecate.Read)}
		case !errors.Is(err, hecate.NotFound):
			return err
		}
	}
	for i := range f.Sub {
		if err := e.joinedTargets(ctx, actor, &f.Sub[i], into); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) targetCollection(ctx context.Context, app hecate.AppID, id hecate.CollectionID) (*hecate.Collection, error) {
	if id == hecate.UserTarget {
		return e.profileCollection(ctx, e.db, app)
	}
	return e.LookupCollectionByID(ctx, app, id)
}

// visible is what of a collection the actor may reach with that verb.
func visible(actor *hecate.Actor, c *hecate.Collection, want hecate.Permissions) hecate.Visibility {
	return hecate.Policy{Collection: c.Access}.Visible(actor, want, pathOf(c))
}
