package store

import (
	"context"

	"hecate"
)

const (
	userColumns = `u.id, u.app_id, u.seq, u.key, coalesce(n.value, ''), coalesce(m.value, ''), m.verified_at is not null,
  case when c.hash is null or c.hash = '' or substr(c.hash, 1, 1) = '!' then false else true end,
  u.activated, u.disabled, u.disabled_message, u.disabled_until, u.password_changed_at, u.last_login_at, u.last_seen_at,
  u.created_at, u.updated_at`
	userTables = ` from users u
left join identities n on n.app_id = u.app_id and n.user_id = u.id and n.kind = 'username'
left join identities m on m.app_id = u.app_id and m.user_id = u.id and m.kind = 'email'
left join credentials c on c.app_id = u.app_id and c.user_id = u.id and c.kind = 'password'`
	users     = `select ` + userColumns + userTables + ` where u.app_id = $1`
	userByID  = users + ` and u.id = $2`
	userBySeq = users + ` and u.seq = $2`
	userByKey = users + ` and u.key = $2`
	usersByID = users + ` and u.id in `

	// A login name is a username first, and an address where nobody has that username. Of two users the one wins whose address it
	// is, once he has proved that: nobody gets between him and his account by taking his address for a username.
	byLogin = ` where u.app_id = $1 and u.id = (select user_id from identities
  where app_id = $1 and kind in ('username', 'email') and match = $2
  order by case when kind = 'username' then 1 when verified_at is null then 2 else 0 end limit 1)`
	userByLogin  = `select ` + userColumns + userTables + byLogin
	loginsByName = `select ` + userColumns + `, coalesce(c.hash, '')` + userTables + `
where u.app_id = $1 and u.id in (select user_id from identities i where app_id = $1 and match = $2 and (kind = 'username' or kind = 'email' and
  (verified_at is not null or not exists (select 1 from identities where app_id = $1 and kind = 'username' and match = $2))))
order by case when m.match = $2 and m.verified_at is not null then 0 else 1 end`
	loginByID = `select ` + userColumns + `, coalesce(c.hash, '')` + userTables + ` where u.app_id = $1 and u.id = $2`

	insertUser = `
insert into users (app_id, id, seq, key, activated, disabled, disabled_message, disabled_until, password_changed_at,
  last_login_at, last_seen_at, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
on conflict (app_id, key) do nothing`
	updateUser = `
update users set activated = $3, disabled = $4, disabled_message = $5, disabled_until = $6, password_changed_at = $7, updated_at = $8
where app_id = $1 and id = $2`
	touchUser  = `update users set last_login_at = $3, last_seen_at = $3 where app_id = $1 and id = $2`
	deleteUser = `delete from users where app_id = $1 and id = $2`
	keyTaken   = `select count(*) from users where app_id = $1 and key = $2`
)

// Login is a user and the stored hash of the password, "" when there is none.
type Login struct {
	User *hecate.User
	Hash string
}

func scanUserInto(s scanner, u *hecate.User, more ...any) error {
	return s.Scan(append([]any{&u.ID, &u.App, &u.Seq, &u.Key, &u.Username, &u.Email, &u.EmailVerified, &u.HasPassword, &u.Activated,
		&u.Disabled, &u.DisabledMessage, &u.DisabledUntil, &u.PasswordChangedAt, &u.LastLoginAt, &u.LastSeenAt, &u.CreatedAt, &u.UpdatedAt}, more...)...)
}

func scanUser(s scanner) (*hecate.User, error) {
	var u hecate.User
	err := scanUserInto(s, &u)
	return &u, err
}

func scanLogin(s scanner) (Login, error) {
	l := Login{User: &hecate.User{}}
	err := scanUserInto(s, l.User, &l.Hash)
	return l, err
}

// User returns a user. Kinds: NotFound.
func (db *DB) User(ctx context.Context, app hecate.AppID, id hecate.UserID) (*hecate.User, error) {
	return one(ctx, db, scanUser, userByID, app, id)
}

// UserBySeq returns the user of that number. Kinds: NotFound.
func (db *DB) UserBySeq(ctx context.Context, app hecate.AppID, seq int64) (*hecate.User, error) {
	return one(ctx, db, scanUser, userBySeq, app, seq)
}

// UserByKey returns the user of that key. Kinds: NotFound.
func (db *DB) UserByKey(ctx context.Context, app hecate.AppID, key string) (*hecate.User, error) {
	return one(ctx, db, scanUser, userByKey, app, key)
}

// UserByLogin returns the user of that username, else of that address; match is folded. Kinds: NotFound.
func (db *DB) UserByLogin(ctx context.Context, app hecate.AppID, match string) (*hecate.User, error) {
	return one(ctx, db, scanUser, userByLogin, app, match)
}

// Logins returns that user with the hash of the password, and after him who has the username where he has the address.
func (db *DB) Logins(ctx context.Context, app hecate.AppID, match string) ([]Login, error) {
	return many(ctx, db, scanLogin, loginsByName, app, match)
}

// LoginByID returns a user with the hash of the password. Kinds: NotFound.
func (db *DB) LoginByID(ctx context.Context, app hecate.AppID, id hecate.UserID) (Login, error) {
	return one(ctx, db, scanLogin, loginByID, app, id)
}

// Users lists an app's users. Prefix filters by username without case.
func (db *DB) Users(ctx context.Context, app hecate.AppID, in List) (hecate.Page[*hecate.User], error) {
	var b binds
	b.add(app)
	text := users
	if in.Prefix != "" {
		text += startsWith("n.match", &b, FoldName(in.Prefix))
	}
	return page(ctx, db, scanUser, text, "u.seq", &b, in)
}

// UsersByID finds users in one query; unknown ids are absent from the result.
func (db *DB) UsersByID(ctx context.Context, app hecate.AppID, ids []hecate.UserID) (map[hecate.UserID]*hecate.User, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var b binds
	b.add(app)
	in := list(&b, ids)
	rows, err := many(ctx, db, scanUser, usersByID+in, b.args...)
	if err != nil {
		return nil, err
	}
	found := make(map[hecate.UserID]*hecate.User, len(rows))
	for _, u := range rows {
		found[u.ID] = u
	}
	return found, nil
}

// KeyOfUserTaken reports whether a user of the app has that key.
func (db *DB) KeyOfUserTaken(ctx context.Context, app hecate.AppID, key string) (bool, error) {
	n, err := one(ctx, db, scalar[int64], keyTaken, app, key)
	return n > 0, err
}

// InsertUser stores a user without names and credentials and reports whether its key was free.
func (db *DB) InsertUser(ctx context.Context, u *hecate.User) (bool, error) {
	return db.changed(ctx, insertUser, u.App, u.ID, u.Seq, u.Key, u.Activated, u.Disabled, u.DisabledMessage, u.DisabledUntil,
		u.PasswordChangedAt, u.LastLoginAt, u.LastSeenAt, u.CreatedAt, u.UpdatedAt)
}

// UpdateUser stores a user's state. Kinds: NotFound.
func (db *DB) UpdateUser(ctx context.Context, u *hecate.User) error {
	return db.must(ctx, updateUser, u.App, u.ID, u.Activated, u.Disabled, u.DisabledMessage, u.DisabledUntil, u.PasswordChangedAt, u.UpdatedAt)
}

// TouchUser stores that a user logged in now. Kinds: NotFound.
func (db *DB) TouchUser(ctx context.Context, app hecate.AppID, id hecate.UserID) error {
	return db.must(ctx, touchUser, app, id, db.now())
}

// DeleteUser removes a user with names, credentials and memberships. Kinds: NotFound.
func (db *DB) DeleteUser(ctx context.Context, app hecate.AppID, id hecate.UserID) error {
	return db.must(ctx, deleteUser, app, id)
}
