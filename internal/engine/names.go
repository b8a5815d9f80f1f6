package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"hecate"
	"hecate/internal/store"
)

// Login names are a user's username, his address, and the values of what other profile fields an app's LoginKeys
// name. A LoginKeys entry other than {username} and {email} makes one Identity: the values of its fields together.

const (
	usernameField = string(hecate.UsernameIdentity)
	emailField    = string(hecate.EmailIdentity)
)

var defaultLoginKeys = [][]string{{usernameField}, {emailField}}

func loginKeysOf(s *hecate.Settings) [][]string {
	if len(s.LoginKeys) == 0 {
		return defaultLoginKeys
	}
	return s.LoginKeys
}

// ownKeys are the entries that profile fields are part of.
func ownKeys(s *hecate.Settings) [][]string {
	return slices.DeleteFunc(slices.Clone(s.LoginKeys), func(fields []string) bool { return len(fields) == 1 && isName(fields[0]) })
}

// isName reports whether a login name is an identity of its own and no field of the profile.
func isName(field string) bool { return field == usernameField || field == emailField }

// namesKind is the kind of an entry's identities.
func namesKind(fields []string) hecate.IdentityKind {
	if len(fields) == 1 && isName(fields[0]) {
		return hecate.IdentityKind(fields[0])
	}
	text, _ := json.Marshal(fields) // of strings: cannot fail
	return hecate.IdentityKind("names:" + string(text))
}

// joinFields is how errors name the fields of an entry.
func joinFields(fields []string) string { return strings.Join(fields, ",") }

// longMatch is the length from which the values of an entry are compared by their digest.
const longMatch = 512

// namesMatch is the entry's values as they are compared; false when one is missing.
func namesMatch(fields []string, names map[string]string) (string, bool) {
	values := make([]string, len(fields))
	for i, f := range fields {
		v := names[f]
		if v == "" {
			return "", false
		}
		if isName(f) {
			v = FoldLogin(v)
		}
		values[i] = v
	}
	if len(fields) == 1 && isName(fields[0]) {
		return values[0], true
	}
	text, _ := json.Marshal(values)
	if len(text) > longMatch {
		sum := sha256.Sum256(text)
		return "sha256:" + hex.EncodeToString(sum[:]), true
	}
	return string(text), true
}

// identify finds out which identity the names mean: the first complete entry. Kinds: Invalid on "names" for
// unknown or incomplete ones, and for texts that no name can be.
func identify(s *hecate.Settings, names map[string]string, op string) (hecate.IdentityKind, string, error) {
	keys := loginKeysOf(s)
	for field, value := range names {
		known := slices.ContainsFunc(keys, func(fields []string) bool { return slices.Contains(fields, field) })
		if !known || checkText(op, field, value, 1, maxName) != nil {
			return "", "", hecate.E(hecate.Invalid, op).On("names").With("name", field)
		}
	}
	for _, fields := range keys {
		if match, complete := namesMatch(fields, names); complete {
			return namesKind(fields), match, nil
		}
	}
	return "", "", hecate.E(hecate.Invalid, op).On("names").Says("no complete set of names")
}

// spread puts names where they belong: username and address (over those of the input), and the rest as values of the profile.
func spread(in *CreateUserInput, names map[string]string) {
	if v := names[usernameField]; v != "" {
		in.Username = v
	}
	if v := names[emailField]; v != "" {
		in.Email = v
	}
	values := make(hecate.Values, len(in.Profile.Values)+len(names))
	for field, v := range in.Profile.Values {
		values[field] = v
	}
	for field, v := range names {
		if !isName(field) {
			values[field] = v
		}
	}
	in.Profile.Values = values
}

// appIn returns an app from the cache, or loads it on tx.
func (e *Engine) appIn(ctx context.Context, tx *store.DB, id hecate.AppID) (*hecate.App, error) {
	return e.cachedApp(ctx, appIDKey(id), func(ctx context.Context) (*hecate.App, error) { return e.openApp(tx.App(ctx, id)) })
}

// syncNames brings the identities that profile fields are part of up to what the profile now says. Most apps have
// none. Kinds: Exists on the fields of an entry that is taken.
func (e *Engine) syncNames(ctx context.Context, tx *store.DB, app hecate.AppID, profile *hecate.Record) error {
	a, err := e.appIn(ctx, tx, app)
	if errors.Is(err, hecate.NoApp) {
		return nil
	}
	if err != nil {
		return err
	}
	keys := ownKeys(&a.Settings)
	if len(keys) == 0 {
		return nil
	}
	user := hecate.UserID(profile.ID)
	have, err := tx.Identities(ctx, app, user)
	if err != nil {
		return err
	}
	return e.setOwnNames(ctx, tx, app, user, keys, have, profile.Values)
}

// syncRenamed is syncNames for a user whose username or address has changed.
func (e *Engine) syncRenamed(ctx context.Context, tx *store.DB, app *hecate.App, id hecate.UserID) error {
	if !slices.ContainsFunc(ownKeys(&app.Settings), func(fields []string) bool { return slices.ContainsFunc(fields, isName) }) {
		return nil
	}
	c, err := e.profileCollection(ctx, tx, app.ID)
	if err != nil {
		return err
	}
	r, err := tx.Record(ctx, c, store.RecordRef{ID: id.ProfileID()})
	if err != nil {
		return err
	}
	return e.syncNames(ctx, tx, app.ID, r.Record)
}

func (e *Engine) setOwnNames(ctx context.Context, tx *store.DB, app hecate.AppID, user hecate.UserID, keys [][]string, have []hecate.Identity, values hecate.Values) error {
	names := map[string]string{}
	for field, v := range values {
		if text, ok := v.(string); ok && !isName(field) {
			names[field] = text
		}
	}
	held := map[hecate.IdentityKind]string{}
	for _, i := range have {
		held[i.Kind] = i.Match
		if isName(string(i.Kind)) {
			names[string(i.Kind)] = i.Value
		}
	}
	for _, fields := range keys { // an app has few
		kind := namesKind(fields)
		match, complete := namesMatch(fields, names)
		if match == held[kind] {
			continue
		}
		if err := tx.DeleteIdentities(ctx, app, user, kind); err != nil {
			return err
		}
		if !complete {
			continue
		}
		i := hecate.Identity{User: user, Kind: kind, Value: match, Match: match, CreatedAt: e.stamp()}
		if free, err := tx.InsertIdentity(ctx, app, i); err != nil || !free {
			return taken(err, "write names", joinFields(fields))
		}
	}
	return nil
}

// rebuildBatch is how many profiles are looked at together when an app gets other LoginKeys.
const rebuildBatch = 500

// rebuildNames makes the identities of new settings from the profiles there are. Kinds: Exists on "login_keys" where two
// users share what is to be unique.
func (e *Engine) rebuildNames(ctx context.Context, tx *store.DB, app hecate.AppID, before, after *hecate.Settings) error {
	was, is := ownKeys(before), ownKeys(after)
	if slices.EqualFunc(was, is, slices.Equal[[]string]) {
		return nil
	}
	kinds := make([]hecate.IdentityKind, 0, len(was))
	for _, fields := range was {
		kinds = append(kinds, namesKind(fields))
	}
	if err := tx.DeleteIdentityKinds(ctx, app, kinds); err != nil || len(is) == 0 {
		return err
	}
	c, err := e.profileCollection(ctx, tx, app)
	if errors.Is(err, hecate.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	for after := int64(0); ; {
		page, err := tx.RecordsFrom(ctx, c, after, rebuildBatch)
		if err != nil || len(page) == 0 {
			return err
		}
		ids := make([]hecate.UserID, len(page))
		for i, r := range page {
			ids[i], after = hecate.UserID(r.ID), r.Seq
		}
		users, err := tx.UsersByID(ctx, app, ids)
		if err != nil {
			return err
		}
		for _, r := range page {
			u := users[hecate.UserID(r.ID)]
			if u == nil {
				continue
			}
			err := e.setOwnNames(ctx, tx, app, u.ID, is, names(u.ID, u.Username, u.Email), r.Values)
			if errors.Is(err, hecate.Exists) {
				return hecate.E(hecate.Exists, "update app").On("login_keys").With("names", hecate.Detail(err).Field)
			}
			if err != nil {
				return err
			}
		}
	}
}
