package engine

import (
	"context"

	"hecate"
	"hecate/internal/store"
)

// An org may refuse former passwords of its admins (contracts/usergrid.md 5): a property of it says how many. Every
// way to a new password asks, whichever dialect it comes by.
const orgPasswordHistory = "passwordHistorySize"

// maxAdminHistory bounds it: each former password costs the time of one login.
const maxAdminHistory = 10

// adminHistory is how many former passwords an admin may not use again: the most that one of his orgs says.
func (e *Engine) adminHistory(ctx context.Context, db *store.DB, id hecate.AdminID) (int, error) {
	orgs, err := db.OrgsOf(ctx, id)
	most := 0
	for _, o := range orgs {
		switch n := o.Properties[orgPasswordHistory].(type) {
		case int64:
			most = max(most, int(min(n, maxAdminHistory)))
		case float64:
			most = max(most, int(min(n, maxAdminHistory)))
		}
	}
	return most, err
}

// freshPassword refuses an admin's present password and his last ones, where one of his orgs says so. Kinds: WeakPassword on the field with
// Info "reason" and "history_size".
func (e *Engine) freshPassword(ctx context.Context, a *store.AdminSecrets, next hecate.Secret, op, field string) error {
	size, err := e.adminHistory(ctx, e.db, a.ID)
	if err != nil || size == 0 || len(next.Reveal()) > maxPassword {
		return err
	}
	hashes, err := e.db.AdminPasswords(ctx, a.ID, size)
	if err != nil {
		return err
	}
	for _, hash := range append(hashes, a.Password) { // few
		if hash == "" {
			continue
		}
		same, _, err := e.hasher.Verify(ctx, hash, next.Reveal())
		if err != nil {
			return err
		}
		if same {
			return hecate.E(hecate.WeakPassword, op).On(field).With("reason", "reused").With("history_size", size)
		}
	}
	return nil
}

// keepPassword keeps the hash that is about to be replaced, where somebody will ask for it.
func (e *Engine) keepPassword(ctx context.Context, tx *store.DB, id hecate.AdminID) error {
	size, err := e.adminHistory(ctx, tx, id)
	if err != nil {
		return err
	}
	if size == 0 {
		return tx.TrimAdminPasswords(ctx, id, 0)
	}
	row, err := e.newID()
	if err != nil {
		return err
	}
	return tx.KeepAdminPassword(ctx, id, row, size)
}
