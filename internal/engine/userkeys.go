package engine

import (
	"context"

	"hecate"
)

// LookupUserIDs finds users by Key, in one query, whoever asks. Unknown keys are absent from the result.
func (e *Engine) LookupUserIDs(ctx context.Context, app hecate.AppID, keys []string) (map[string]hecate.UserID, error) {
	refs := make([]hecate.Ref, 0, len(keys))
	for _, key := range keys {
		if key != "" && badText(key) == "" {
			refs = append(refs, hecate.Ref{Key: key})
		}
	}
	if len(refs) == 0 {
		return nil, nil
	}
	found, err := e.db.Targets(ctx, app, hecate.UserTarget, refs, "")
	if err != nil {
		return nil, err
	}
	ids := make(map[string]hecate.UserID, len(found))
	for _, t := range found {
		ids[t.Key] = hecate.UserID(t.ID)
	}
	return ids, nil
}
