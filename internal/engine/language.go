package engine

import (
	"context"

	"hecate"
)

// UserLanguage is what a user's profile says that he reads, "" where it says nothing. Pages for him go by it, as letters do, whoever asks.
func (e *Engine) UserLanguage(ctx context.Context, app *hecate.App, id hecate.UserID) (string, error) {
	found, err := e.profiles(ctx, e.db, app.ID, []hecate.UserID{id})
	return found[id].Language(), err
}
