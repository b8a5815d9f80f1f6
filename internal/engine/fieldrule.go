package engine

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"

	"hecate"
	"hecate/internal/store"
)

// maxFieldRules bounds the rules of an app.
const maxFieldRules = 1000

// firstFieldRules hold until an app sets rules of its own: guests do not see login names, and other users do not write them.
var firstFieldRules = hecate.FieldRules{
	{Collection: hecate.ProfileName, Field: usernameField, Subject: hecate.Owner, Access: hecate.AllFieldAccess},
	{Collection: hecate.ProfileName, Field: usernameField, Subject: hecate.Anyone, Access: hecate.AllFieldAccess &^ hecate.FieldWrite},
	{Collection: hecate.ProfileName, Field: emailField, Subject: hecate.Owner, Access: hecate.AllFieldAccess},
	{Collection: hecate.ProfileName, Field: emailField, Subject: hecate.Anyone, Access: hecate.AllFieldAccess &^ hecate.FieldWrite},
}

// fieldRules are an app's rules; set is false while they are the first ones.
type fieldRules struct {
	rules hecate.FieldRules
	set   bool
}

// fieldRulesOf returns an app's rules, from db where they are not cached.
func (e *Engine) fieldRulesOf(ctx context.Context, db *store.DB, app hecate.AppID) (fieldRules, error) {
	return e.cache.fieldRules.get(ctx, string(app), func(ctx context.Context) (fieldRules, error) {
		rules, err := db.FieldRules(ctx, app)
		if errors.Is(err, hecate.NotFound) {
			return fieldRules{rules: firstFieldRules}, nil
		}
		return fieldRules{rules: rules, set: true}, err
	})
}

// FieldRules returns the app's rules for fields: those set, or where none ever were, the rules that keep the login names
// of profiles (fields "username" and "email" of hecate.ProfileName) from guests and from being written by others. Kinds: Forbidden.
func (e *Engine) FieldRules(ctx context.Context, actor *hecate.Actor) (hecate.FieldRules, error) {
	const op = "field rules"
	app, err := e.mayRule(actor, op)
	if err != nil {
		return nil, err
	}
	rules, err := e.fieldRulesOf(ctx, e.db, app.ID)
	return rules.rules, err
}

// mayRule asks the door whether the actor governs fields: who manages schemas, or users and roles.
func (e *Engine) mayRule(actor *hecate.Actor, op string) (*hecate.App, error) {
	app, err := inApp(actor, op)
	if err != nil {
		return nil, err
	}
	if actor.Can(hecate.Manage, hecate.AreaUsers) && actor.Can(hecate.Manage, hecate.AreaRoles) {
		return app, nil
	}
	return app, e.allowArea(actor, hecate.Manage, hecate.AreaSchema, op)
}

// SetFieldRules replaces all of the app's rules for fields; an empty list opens every field. They hold in every dialect. Kinds: Forbidden,
// Invalid and TooLarge on "rules".
func (e *Engine) SetFieldRules(ctx context.Context, actor *hecate.Actor, rules hecate.FieldRules) error {
	const op = "set field rules"
	app, err := e.mayRule(actor, op)
	if err != nil {
		return err
	}
	if len(rules) > maxFieldRules {
		return hecate.E(hecate.TooLarge, op).On("rules").With("limit", maxFieldRules)
	}
	for _, r := range rules {
		if !usableRule(r) {
			return hecate.E(hecate.Invalid, op).On("rules").With("field", r.Field)
		}
	}
	return e.db.Write(ctx, func(tx *store.DB) error {
		if err := tx.SetFieldRules(ctx, app.ID, rules); err != nil {
			return err
		}
		if err := e.forget(ctx, tx, "fieldRules", string(app.ID)); err != nil {
			return err
		}
		return e.record(ctx, tx, actor, app.ID, op, "app:"+string(app.ID))
	})
}

func usableRule(r hecate.FieldRule) bool {
	kind, name := r.Subject.Split()
	known := r.Subject == hecate.Owner || r.Subject == hecate.Anyone || r.Subject == hecate.Public ||
		(kind == "user" || kind == "role" || kind == "field") && name != ""
	text := r.Collection + r.Field + name
	return known && r.Collection != "" && r.Field != "" && r.Access&^hecate.AllFieldAccess == 0 && badText(text) == "" &&
		!strings.ContainsFunc(text, unicode.IsControl) && len(text) <= 3*maxFieldName
}

// FieldRights answers what an actor may do with fields. It belongs to one request.
type FieldRights struct {
	actor *hecate.Actor
	rules hecate.FieldRules
	set   bool
}

// Set reports whether the app has set rules of its own, instead of those that hold before.
func (f FieldRights) Set() bool { return f.set }

// FieldRights prepares the answers for an actor: the app's rules, or those that hold before any are set. Records that the engine
// returns are stripped already; this is for login names, which are no fields to it, and for what else a dialect shows.
func (e *Engine) FieldRights(ctx context.Context, actor *hecate.Actor) (FieldRights, error) {
	app, err := inApp(actor, "field rights")
	if err != nil {
		return FieldRights{}, err
	}
	rules, err := e.fieldRulesOf(ctx, e.db, app.ID)
	return FieldRights{actor, rules.rules, rules.set}, err
}

// Of is what the actor may do with a field of a record, or with r nil of any record of c that is not his own.
func (f FieldRights) Of(c *hecate.Collection, field string, r *hecate.Record) hecate.FieldAccess {
	if r == nil {
		return f.rules.Access(f.actor, c.Name, field, "", nil)
	}
	return f.rules.Access(f.actor, c.Name, field, r.Owner, r.Values)
}

// Shown is a record as the actor may see it by the app's rules for fields: a copy where something is left out. The
// records that verbs of the engine return are so already, but the profiles in a UserDetail are whole.
func (e *Engine) Shown(ctx context.Context, actor *hecate.Actor, c *hecate.Collection, r *hecate.Record) (*hecate.Record, error) {
	list, err := e.shown(ctx, actor, c, []*hecate.Record{r})
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// shown is Shown for records of one collection; it costs nothing in an app without rules of its own.
func (e *Engine) shown(ctx context.Context, actor *hecate.Actor, c *hecate.Collection, list []*hecate.Record) ([]*hecate.Record, error) {
	rights, err := e.setRights(ctx, e.db, actor)
	if err != nil || rights == nil {
		return list, err
	}
	out := make([]*hecate.Record, len(list))
	for i, r := range list {
		out[i] = rights.strip(c, r)
	}
	return out, nil
}

// setRights are the rights where the app has set rules, else nil.
func (e *Engine) setRights(ctx context.Context, db *store.DB, actor *hecate.Actor) (*FieldRights, error) {
	rules, err := e.fieldRulesOf(ctx, db, appOf(actor))
	if err != nil || !rules.set || len(rules.rules) == 0 || actor.Can(hecate.Manage, hecate.AreaSchema) {
		return nil, err
	}
	return &FieldRights{actor, rules.rules, true}, nil
}

// strip leaves out what the actor may not read.
func (f *FieldRights) strip(c *hecate.Collection, r *hecate.Record) *hecate.Record {
	var kept hecate.Values
	for name := range r.Values {
		if f.Of(c, name, r).Has(hecate.FieldRead) {
			continue
		}
		if kept == nil {
			kept = make(hecate.Values, len(r.Values))
			for n, v := range r.Values {
				kept[n] = v
			}
		}
		delete(kept, name)
	}
	if kept == nil {
		return r
	}
	copied := *r
	copied.Values = kept
	return &copied
}

// checkQuery refuses a query that looks at fields the actor may not compare. Kinds: Forbidden on the field, with Info
// "discoverable" where a test for equality would be allowed.
func (e *Engine) checkQuery(ctx context.Context, actor *hecate.Actor, c *hecate.Collection, q *hecate.Query) error {
	rights, err := e.setRights(ctx, e.db, actor)
	if err != nil || rights == nil {
		return err
	}
	if err := e.checkFilter(ctx, rights, c, &q.Filter); err != nil {
		return err
	}
	for _, o := range q.Order {
		if err := rights.mayCompare(c, o.Operand, hecate.FieldCompare); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) checkFilter(ctx context.Context, rights *FieldRights, c *hecate.Collection, f *hecate.Filter) error {
	inside := c
	switch f.Op {
	case hecate.OpAll, hecate.OpAny, hecate.OpNot:
	case hecate.OpJoined:
		if err := rights.mayCompare(c, f.Operand, hecate.FieldCompare); err != nil {
			return err
		}
		target, err := e.targetCollection(ctx, c.App, f.Target)
		if errors.Is(err, hecate.NotFound) {
			return nil // nothing matches there
		}
		if err != nil {
			return err
		}
		inside = target
	case hecate.OpEqual, hecate.OpNotEqual, hecate.OpIn, hecate.OpNotIn:
		if err := rights.mayCompare(c, f.Operand, hecate.FieldDiscover); err != nil {
			return err
		}
	default:
		if err := rights.mayCompare(c, f.Operand, hecate.FieldCompare); err != nil {
			return err
		}
	}
	for i := range f.Sub {
		if err := e.checkFilter(ctx, rights, inside, &f.Sub[i]); err != nil {
			return err
		}
	}
	return nil
}

// nameColumns are the columns that rules know as fields.
var nameColumns = map[hecate.Column]string{hecate.UsernameColumn: usernameField, hecate.EmailColumn: emailField}

// mayCompare refuses an operand that is no good for that use: who may compare may discover too.
func (f *FieldRights) mayCompare(c *hecate.Collection, o hecate.Operand, use hecate.FieldAccess) error {
	field := nameColumns[o.Column]
	if o.Column == hecate.FieldColumn && len(o.Path) > 0 {
		field = o.Path[0]
	}
	if field == "" {
		return nil
	}
	have := f.Of(c, field, nil)
	if have&(use|hecate.FieldCompare) != 0 {
		return nil
	}
	return hecate.E(hecate.Forbidden, "query").On(field).With("discoverable", have.Has(hecate.FieldDiscover))
}

// checkWrite refuses input that changes fields which rules close to the actor. r is the record as it is, or is to be. Kinds: Forbidden on the field.
func (f *FieldRights) checkWrite(c *hecate.Collection, r *hecate.Record, in *RecordInput) error {
	for _, name := range sortedKeys(in.Values) {
		if !sameValue(in.Values[name], r.Values[name]) && !f.Of(c, name, r).Has(hecate.FieldWrite) {
			return hecate.E(hecate.Forbidden, "write record").On(name)
		}
	}
	for _, change := range in.Changes {
		if !f.Of(c, change.Field, r).Has(hecate.FieldWrite) {
			return hecate.E(hecate.Forbidden, "write record").On(change.Field)
		}
	}
	return nil
}

// dropClosed leaves out of the input what checkWrite would refuse.
func (f *FieldRights) dropClosed(c *hecate.Collection, r *hecate.Record, in *RecordInput) {
	for name, v := range in.Values {
		if !sameValue(v, r.Values[name]) && !f.Of(c, name, r).Has(hecate.FieldWrite) {
			delete(in.Values, name)
		}
	}
	in.Changes = slices.DeleteFunc(slices.Clone(in.Changes), func(ch hecate.Change) bool { return !f.Of(c, ch.Field, r).Has(hecate.FieldWrite) })
}

// sameValue reports whether a given value is the stored one.
func sameValue(given, stored any) bool {
	switch given := given.(type) {
	case hecate.Ref:
		at, ok := stored.(hecate.Ref)
		return ok && pointsTo(given, at)
	case hecate.FileRef:
		at, ok := stored.(hecate.FileRef)
		return ok && given.ID == at.ID
	case time.Time:
		at, ok := stored.(time.Time)
		return ok && given.UTC().Truncate(time.Microsecond).Equal(at)
	}
	return equal(given, stored)
}
