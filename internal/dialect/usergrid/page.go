package usergrid

import (
	"context"

	"hecate"
	"hecate/internal/web"
)

// page reads the records of a collection that a request asks for, and the cursor of the next page, "" where nothing follows.
// Kinds: those of engine.Records; faults for a bad limit or cursor.
func (a *api) page(ctx context.Context, actor *hecate.Actor, c *hecate.Collection, q *ql, r *web.Request) (hecate.Page[*hecate.Record], string, error) {
	query, err := q.query(c, r)
	if err != nil {
		return hecate.Page[*hecate.Record]{}, "", err
	}
	page, err := a.engine.Records(ctx, actor, c, query)
	return page, "", err
}
