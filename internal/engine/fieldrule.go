package engine

import (
	"context"

	"hecate"
)

// FieldRules returns the app's rules for fields: those set, or where none ever were, the rules that keep the login names
// of profiles (fields "username" and "email" of hecate.ProfileName) from guests and from being written by others. Kinds: Forbidden.
func (e *Engine) FieldRules(ctx context.Context, actor *hecate.Actor) (hecate.FieldRules, error) {
	panic("not built yet")
}

// SetFieldRules replaces all of the app's rules for fields; an empty list opens every field. They hold in every dialect. Kinds: Forbidden,
// Invalid and TooLarge on "rules".
func (e *Engine) SetFieldRules(ctx context.Context, actor *hecate.Actor, rules hecate.FieldRules) error {
	panic("not built yet")
}

// FieldRights answers what an actor may do with fields. It belongs to one request.
type FieldRights struct {
	actor *hecate.Actor
	rules hecate.FieldRules
}

// FieldRights prepares the answers for an actor: the app's rules, or those that hold before any are set. Records that the engine
// returns are stripped already; this is for login names, which are no fields to it, and for what else a dialect shows.
func (e *Engine) FieldRights(ctx context.Context, actor *hecate.Actor) (FieldRights, error) {
	panic("not built yet")
}

// Of is what the actor may do with a field of a record, or before there is one (r nil) of any record of c that is not his own.
func (f FieldRights) Of(c *hecate.Collection, field string, r *hecate.Record) hecate.FieldAccess {
	panic("not built yet")
}
