package engine

import (
	"context"

	"hecate"
)

// Keys lists the app's API keys for those who may, only its own for an API key. Kinds: Forbidden.
func (e *Engine) Keys(ctx context.Context, actor *hecate.Actor, in List) (hecate.Page[*hecate.APIKey], error) {
	panic("not built yet")
}

// Key returns one API key of the app by its Seq, with the clear key. Kinds: Forbidden, NotFound.
func (e *Engine) Key(ctx context.Context, actor *hecate.Actor, seq int64) (*hecate.APIKey, error) {
	panic("not built yet")
}

// KeyInput describes an API key. A given Key is taken as it is (operator only).
type KeyInput struct {
	Name, Description string
	Flags             hecate.KeyFlags
	Key               hecate.Secret
}

// CreateKey makes an API key. Kinds: Forbidden, Exists on "key".
func (e *Engine) CreateKey(ctx context.Context, actor *hecate.Actor, in KeyInput) (*hecate.APIKey, error) {
	panic("not built yet")
}

// UpdateKey changes description and flags. Kinds: Forbidden, NotFound.
func (e *Engine) UpdateKey(ctx context.Context, actor *hecate.Actor, seq int64, change func(*KeyInput)) (*hecate.APIKey, error) {
	panic("not built yet")
}

// ResetKey gives the API key a new secret; the old one is dead at once. Kinds: Forbidden, NotFound.
func (e *Engine) ResetKey(ctx context.Context, actor *hecate.Actor, seq int64) (*hecate.APIKey, error) {
	panic("not built yet")
}

// DeleteKey ends an API key at once. Kinds: Forbidden, NotFound.
func (e *Engine) DeleteKey(ctx context.Context, actor *hecate.Actor, seq int64) error {
	panic("not built yet")
}
