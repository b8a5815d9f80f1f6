package store

import (
	"context"

	"hecate"
)

const (
	keepAdminPassword = `
insert into admin_passwords (admin_id, id, hash)
select a.id, cast($2 as text), a.password from admins a where a.id = $1 and a.password <> ''`
	adminPasswords     = `select p.hash from admin_passwords p where p.admin_id = $1 order by p.id desc limit $2`
	trimAdminPasswords = `
delete from admin_passwords where admin_id = $1
  and id not in (select p.id from admin_passwords p where p.admin_id = $1 order by p.id desc limit $2)`
)

// KeepAdminPassword keeps the hash of an admin's present password, which is about to be replaced, under a time-ordered id, and of
// those that were kept the newest alone.
func (db *DB) KeepAdminPassword(ctx context.Context, admin hecate.AdminID, id string, newest int) error {
	if err := db.run(ctx, keepAdminPassword, admin, id); err != nil {
		return err
	}
	return db.TrimAdminPasswords(ctx, admin, newest)
}

// TrimAdminPasswords forgets all but the newest hashes that were kept.
func (db *DB) TrimAdminPasswords(ctx context.Context, admin hecate.AdminID, newest int) error {
	return db.run(ctx, trimAdminPasswords, admin, newest)
}

// AdminPasswords returns the hashes of former passwords of an admin, the newest first.
func (db *DB) AdminPasswords(ctx context.Context, admin hecate.AdminID, limit int) ([]string, error) {
	return many(ctx, db, scalar[string], adminPasswords, admin, limit)
}
