package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"hecate"
	"hecate/internal/secret"
	"hecate/internal/store"
)

// Keys and standing tokens are 160 random bits as 40 hex digits, and clients of the first dialect send them in
// any case. The parity of the last digit tells keys of apps from keys of people (contracts/syncano.md 1.2).
const (
	keyBytes  = 20
	keyDigits = 2 * keyBytes
)

type parity uint8

const (
	anyDigit  parity = iota // invitations
	evenDigit               // account keys and standing tokens
	oddDigit                // API keys
)

// newKey makes a key of that parity.
func (e *Engine) newKey(p parity) (hecate.Secret, error) {
	text, err := secret.Hex(e.rand, keyBytes)
	if err != nil {
		return hecate.Secret{}, err
	}
	last := strings.IndexByte(hexDigits, text[keyDigits-1])
	switch p {
	case evenDigit:
		last &^= 1
	case oddDigit:
		last |= 1
	}
	return hecate.NewSecret(text[:keyDigits-1] + hexDigits[last:last+1]), nil
}

const hexDigits = "0123456789abcdef"

// lookup is the hash under which the database finds a key or token.
func (e *Engine) lookup(s hecate.Secret) string { return e.keys.Lookup(foldKey(s.Reveal())) }

// foldKey lowers what has the shape of a generated key, and nothing else.
func foldKey(text string) string {
	if len(text) != keyDigits {
		return text
	}
	for i := range len(text) {
		if c := text[i]; !('0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F') {
			return text
		}
	}
	return strings.ToLower(text)
}

// seal keeps a secret that must be shown again. The context binds it to one thing.
func (e *Engine) seal(s hecate.Secret, context string) (string, error) {
	return e.keys.Seal([]byte(s.Reveal()), context)
}

// unseal returns what seal kept.
func (e *Engine) unseal(sealed, context string) (hecate.Secret, error) {
	if sealed == "" {
		return hecate.Secret{}, nil
	}
	clear, err := e.keys.Open(sealed, context)
	if err != nil {
		return hecate.Secret{}, fmt.Errorf("%s: %w", context, err)
	}
	return hecate.NewSecret(string(clear)), nil
}

func keyContext(id hecate.KeyID) string { return "key:" + string(id) }

// showKey fills in the clear key.
func (e *Engine) showKey(s store.Sealed[*hecate.APIKey]) (*hecate.APIKey, error) {
	var err error
	s.Row.Key, err = e.unseal(s.Sealed, keyContext(s.Row.ID))
	return s.Row, err
}

// Keys lists the app's API keys for those who may, only its own for an API key. Kinds: Forbidden.
func (e *Engine) Keys(ctx context.Context, actor *hecate.Actor, in List) (hecate.Page[*hecate.APIKey], error) {
	const op = "list keys"
	var none hecate.Page[*hecate.APIKey]
	app, err := inApp(actor, op)
	if err != nil {
		return none, err
	}
	if actor.Key != nil && !actor.Can(hecate.List, hecate.AreaKeys) {
		return e.ownKey(ctx, actor, in)
	}
	if err := e.allowArea(actor, hecate.List, hecate.AreaKeys, op); err != nil {
		return none, err
	}
	rows, err := e.db.Keys(ctx, app.ID, in.bounded())
	if err != nil {
		return none, err
	}
	return mapPage(rows, e.showKey)
}

// ownKey is the list that an API key sees: itself.
func (e *Engine) ownKey(ctx context.Context, actor *hecate.Actor, in List) (hecate.Page[*hecate.APIKey], error) {
	k, err := e.Key(ctx, actor, actor.Key.Seq)
	if err != nil {
		return hecate.Page[*hecate.APIKey]{}, err
	}
	return onePage(k, k.Seq, in), nil
}

// Key returns one API key of the app by its Seq, with the clear key. Kinds: Forbidden, NotFound.
func (e *Engine) Key(ctx context.Context, actor *hecate.Actor, seq int64) (*hecate.APIKey, error) {
	const op = "key"
	app, err := inApp(actor, op)
	if err != nil {
		return nil, err
	}
	if err := e.allowArea(actor, hecate.Read, hecate.AreaKeys, op); err != nil {
		return nil, err
	}
	if !actor.Can(hecate.List, hecate.AreaKeys) && (actor.Key == nil || actor.Key.Seq != seq) {
		return nil, hecate.E(hecate.NotFound, op)
	}
	k, err := e.db.Key(ctx, app.ID, seq)
	if err != nil {
		return nil, missing(err, op, "")
	}
	return e.showKey(k)
}

// KeyInput describes an API key. A given Key is taken as it is (operator only).
type KeyInput struct {
	Name, Description string
	Flags             hecate.KeyFlags
	Key               hecate.Secret
}

func (in *KeyInput) check(op string) error {
	return errors.Join(checkText(op, "name", in.Name, 0, maxName), checkText(op, "description", in.Description, 0, maxText))
}

// CreateKey makes an API key. Kinds: Forbidden, Exists on "key".
func (e *Engine) CreateKey(ctx context.Context, actor *hecate.Actor, in KeyInput) (*hecate.APIKey, error) {
	const op = "create key"
	app, err := inApp(actor, op)
	if err != nil {
		return nil, err
	}
	if err := e.allowArea(actor, hecate.Create, hecate.AreaKeys, op); err != nil {
		return nil, err
	}
	if err := in.check(op); err != nil {
		return nil, err
	}
	clear, err := e.givenKey(actor, in.Key, oddDigit, op)
	if err != nil {
		return nil, err
	}
	id, err := e.newID()
	if err != nil {
		return nil, err
	}
	k := &hecate.APIKey{
		ID: hecate.KeyID(id), App: app.ID, Name: in.Name, Description: in.Description, Flags: in.Flags, Key: clear, CreatedAt: e.stamp(),
	}
	row := store.Sealed[*hecate.APIKey]{Row: k, Hash: e.lookup(clear)}
	if row.Sealed, err = e.seal(clear, keyContext(k.ID)); err != nil {
		return nil, err
	}
	err = e.db.Write(ctx, func(tx *store.DB) error { return e.insertKey(ctx, tx, actor, row, op) })
	if err != nil {
		return nil, err
	}
	return k, nil
}

func (e *Engine) insertKey(ctx context.Context, tx *store.DB, actor *hecate.Actor, row store.Sealed[*hecate.APIKey], op string) error {
	k := row.Row
	if used, err := tx.IsAccountKey(ctx, row.Hash); err != nil || used {
		return taken(err, op, "key")
	}
	var err error
	if k.Seq, err = tx.NextSerial(ctx, "", "keys"); err != nil {
		return err
	}
	if free, err := tx.InsertKey(ctx, row); err != nil || !free {
		return taken(err, op, "key")
	}
	return e.record(ctx, tx, actor, k.App, op, string(hecate.SubjectKey(k.ID)))
}

// givenKey is the key the operator gave, or a new one.
func (e *Engine) givenKey(actor *hecate.Actor, given hecate.Secret, p parity, op string) (hecate.Secret, error) {
	switch {
	case given.IsZero():
		return e.newKey(p)
	case actor == nil || actor.Kind != hecate.SystemActor:
		return hecate.Secret{}, hecate.E(hecate.Forbidden, op).Says("only the operator may choose a key")
	}
	return given, checkText(op, "key", given.Reveal(), 16, maxText)
}

// changeKey loads a key that the actor may change and runs fn on it inside one write.
func (e *Engine) changeKey(ctx context.Context, actor *hecate.Actor, seq int64, want hecate.Permissions, op string,
	fn func(tx *store.DB, k store.Sealed[*hecate.APIKey]) error) error {
	app, err := inApp(actor, op)
	if err != nil {
		return err
	}
	if err := e.allowArea(actor, want, hecate.AreaKeys, op); err != nil {
		return err
	}
	return e.db.Write(ctx, func(tx *store.DB) error {
		if err := tx.Lock(ctx, "keys/"+string(app.ID)); err != nil {
			return err
		}
		k, err := tx.Key(ctx, app.ID, seq)
		if err != nil {
			return missing(err, op, "")
		}
		if err := fn(tx, k); err != nil {
			return err
		}
		if err := e.forget(ctx, tx, "keys", k.Hash); err != nil {
			return err
		}
		return e.record(ctx, tx, actor, app.ID, op, string(hecate.SubjectKey(k.Row.ID)))
	})
}

// UpdateKey changes name, description and flags. Kinds: Forbidden, NotFound, Invalid.
func (e *Engine) UpdateKey(ctx context.Context, actor *hecate.Actor, seq int64, change func(*KeyInput)) (*hecate.APIKey, error) {
	const op = "update key"
	var out *hecate.APIKey
	err := e.changeKey(ctx, actor, seq, hecate.Update, op, func(tx *store.DB, k store.Sealed[*hecate.APIKey]) error {
		in := KeyInput{Name: k.Row.Name, Description: k.Row.Description, Flags: k.Row.Flags}
		change(&in)
		if err := in.check(op); err != nil {
			return err
		}
		k.Row.Name, k.Row.Description, k.Row.Flags = in.Name, in.Description, in.Flags
		var err error
		if out, err = e.showKey(k); err != nil {
			return err
		}
		return tx.UpdateKey(ctx, k.Row)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// ResetKey gives the API key a new secret; the old one is dead at once. Kinds: Forbidden, NotFound.
func (e *Engine) ResetKey(ctx context.Context, actor *hecate.Actor, seq int64) (*hecate.APIKey, error) {
	const op = "reset key"
	clear, err := e.newKey(oddDigit)
	if err != nil {
		return nil, err
	}
	var out *hecate.APIKey
	err = e.changeKey(ctx, actor, seq, hecate.Update, op, func(tx *store.DB, k store.Sealed[*hecate.APIKey]) error {
		sealed, err := e.seal(clear, keyContext(k.Row.ID))
		if err != nil {
			return err
		}
		out = k.Row
		out.Key = clear
		return tx.SetKey(ctx, out, e.lookup(clear), sealed)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// DeleteKey ends an API key at once. Kinds: Forbidden, NotFound.
func (e *Engine) DeleteKey(ctx context.Context, actor *hecate.Actor, seq int64) error {
	return e.changeKey(ctx, actor, seq, hecate.Delete, "delete key", func(tx *store.DB, k store.Sealed[*hecate.APIKey]) error {
		if err := tx.DropSubject(ctx, k.Row.App, hecate.SubjectKey(k.Row.ID)); err != nil {
			return err
		}
		return tx.DeleteKey(ctx, k.Row.App, k.Row.ID)
	})
}
