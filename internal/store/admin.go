package store

import (
	"context"
	"encoding/json"

	"hecate"
)

const (
	adminColumns = `a.id, a.seq, a.email, a.username, a.name, a.first_name, a.last_name, a.activated, a.disabled, a.awaits,
  case when a.password = '' or substr(a.password, 1, 1) = '!' then false else true end,
  a.metadata, a.properties, a.created_at, a.updated_at`
	adminSecretColumns = adminColumns + `, a.key_hash, a.key_sealed, a.password`

	adminByID      = `select ` + adminSecretColumns + ` from admins a where a.id = $1`
	adminByEmail   = `select ` + adminSecretColumns + ` from admins a where a.email = $1`
	adminByName    = `select ` + adminSecretColumns + ` from admins a where a.username_match = $1`
	adminBySeq     = `select ` + adminSecretColumns + ` from admins a where a.seq = $1`
	adminByKeyHash = `select ` + adminColumns + ` from admins a where a.key_hash = $1`
	adminsByID     = `select ` + adminColumns + ` from admins a where a.id in `
	firstAdmin     = `select count(*) from (select 1 from admins limit 1) as any_admin`

	insertAdmin = `
insert into admins (id, seq, email, username, username_match, name, first_name, last_name, activated, disabled,
  password, key_hash, key_sealed, metadata, properties, created_at, updated_at, awaits)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`
	updateAdmin = `
update admins set email = $2, username = $3, username_match = $4, name = $5, first_name = $6, last_name = $7,
  activated = $8, disabled = $9, metadata = $10, properties = $11, updated_at = $12, awaits = $13
where id = $1`
	setAdminKey      = `update admins set key_hash = $2, key_sealed = $3, updated_at = $4 where id = $1`
	setAdminPassword = `update admins set password = $2, updated_at = $3 where id = $1`
	swapAdminHash    = `update admins set password = $3 where id = $1 and password = $2`
	isAccountKey     = `select count(*) from admins where key_hash = $1`
	emailOfOther     = `select count(*) from admins where email = $1 and id <> $2`
	usernameOfOther  = `select count(*) from admins where username_match = $1 and id <> $2`
)

// AdminSecrets is an admin with the stored forms of key and password.
type AdminSecrets struct {
	hecate.Admin
	KeyHash, KeySealed, Password string
}

func scanAdminInto(s scanner, a *hecate.Admin, more ...any) error {
	var metadata, properties json.RawMessage
	err := s.Scan(append([]any{&a.ID, &a.Seq, &a.Email, &a.Username, &a.Name, &a.FirstName, &a.LastName, &a.Activated, &a.Disabled,
		&a.Awaits, &a.HasPassword, &metadata, &properties, &a.CreatedAt, &a.UpdatedAt}, more...)...)
	if err != nil {
		return err
	}
	if a.Metadata, err = decodeMap(metadata); err != nil {
		return err
	}
	a.Properties, err = decodeMap(properties)
	return err
}

func scanAdmin(s scanner) (*hecate.Admin, error) {
	var a hecate.Admin
	err := scanAdminInto(s, &a)
	return &a, err
}

func scanAdminSecrets(s scanner) (*AdminSecrets, error) {
	var a AdminSecrets
	err := scanAdminInto(s, &a.Admin, &a.KeyHash, &a.KeySealed, &a.Password)
	return &a, err
}

// Admin returns an admin. Kinds: NotFound.
func (db *DB) Admin(ctx context.Context, id hecate.AdminID) (*AdminSecrets, error) {
	return one(ctx, db, scanAdminSecrets, adminByID, id)
}

// AdminByEmail returns the admin of that address, given in lower case. Kinds: NotFound.
func (db *DB) AdminByEmail(ctx context.Context, email string) (*AdminSecrets, error) {
	return one(ctx, db, scanAdminSecrets, adminByEmail, email)
}

// AdminByUsername returns the admin of that username, compared without case. Kinds: NotFound.
func (db *DB) AdminByUsername(ctx context.Context, username string) (*AdminSecrets, error) {
	return one(ctx, db, scanAdminSecrets, adminByName, FoldName(username))
}

// AdminBySeq returns the admin of that number. Kinds: NotFound.
func (db *DB) AdminBySeq(ctx context.Context, seq int64) (*AdminSecrets, error) {
	return one(ctx, db, scanAdminSecrets, adminBySeq, seq)
}

// AdminByKeyHash returns the admin of an account key. Kinds: NotFound.
func (db *DB) AdminByKeyHash(ctx context.Context, hash string) (*hecate.Admin, error) {
	return one(ctx, db, scanAdmin, adminByKeyHash, hash)
}

// AdminsByID finds admins in one query; unknown ids are absent from the result.
func (db *DB) AdminsByID(ctx context.Context, ids []hecate.AdminID) (map[hecate.AdminID]*hecate.Admin, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var b binds
	in := list(&b, ids)
	rows, err := many(ctx, db, scanAdmin, adminsByID+in, b.args...)
	if err != nil {
		return nil, err
	}
	found := make(map[hecate.AdminID]*hecate.Admin, len(rows))
	for _, a := range rows {
		found[a.ID] = a
	}
	return found, nil
}

// HasAdmins reports whether there is any admin.
func (db *DB) HasAdmins(ctx context.Context) (bool, error) {
	n, err := one(ctx, db, scalar[int64], firstAdmin)
	return n > 0, err
}

// AdminEmailTaken reports whether another admin than id has that address, given in lower case.
func (db *DB) AdminEmailTaken(ctx context.Context, email string, id hecate.AdminID) (bool, error) {
	n, err := one(ctx, db, scalar[int64], emailOfOther, email, id)
	return n > 0, err
}

// AdminUsernameTaken reports whether another admin than id has that username, compared without case.
func (db *DB) AdminUsernameTaken(ctx context.Context, username string, id hecate.AdminID) (bool, error) {
	n, err := one(ctx, db, scalar[int64], usernameOfOther, FoldName(username), id)
	return n > 0, err
}

// IsAccountKey reports whether some admin has a key of that lookup hash.
func (db *DB) IsAccountKey(ctx context.Context, hash string) (bool, error) {
	n, err := one(ctx, db, scalar[int64], isAccountKey, hash)
	return n > 0, err
}

// InsertAdmin stores a new admin. Kinds: Exists on the column that is taken.
func (db *DB) InsertAdmin(ctx context.Context, a *AdminSecrets) error {
	metadata, err := encodeMap(a.Metadata)
	if err != nil {
		return err
	}
	properties, err := encodeMap(a.Properties)
	if err != nil {
		return err
	}
	return db.run(ctx, insertAdmin, a.ID, a.Seq, a.Email, a.Username, orNull(FoldName(a.Username)), a.Name, a.FirstName, a.LastName, a.Activated,
		a.Disabled, a.Password, a.KeyHash, a.KeySealed, metadata, properties, a.CreatedAt, a.UpdatedAt, a.Awaits)
}

// UpdateAdmin stores everything of an admin but secrets. Kinds: NotFound, Exists on the column that is taken.
func (db *DB) UpdateAdmin(ctx context.Context, a *hecate.Admin) error {
	metadata, err := encodeMap(a.Metadata)
	if err != nil {
		return err
	}
	properties, err := encodeMap(a.Properties)
	if err != nil {
		return err
	}
	return db.must(ctx, updateAdmin, a.ID, a.Email, a.Username, orNull(FoldName(a.Username)), a.Name, a.FirstName, a.LastName,
		a.Activated, a.Disabled, metadata, properties, a.UpdatedAt, a.Awaits)
}

// SetAdminKey replaces an admin's account key. Kinds: NotFound, Exists on "key_hash".
func (db *DB) SetAdminKey(ctx context.Context, id hecate.AdminID, hash, sealed string) error {
	return db.must(ctx, setAdminKey, id, hash, sealed, db.now())
}

// SetAdminPassword replaces an admin's password hash. Kinds: NotFound.
func (db *DB) SetAdminPassword(ctx context.Context, id hecate.AdminID, hash string) error {
	return db.must(ctx, setAdminPassword, id, hash, db.now())
}

// SwapAdminHash replaces a password hash by a better one of the same password, unless it changed meanwhile.
func (db *DB) SwapAdminHash(ctx context.Context, id hecate.AdminID, old, hash string) error {
	return db.run(ctx, swapAdminHash, id, old, hash)
}
