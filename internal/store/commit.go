package store

import "context"

// After has fn run once the write is durable, before Write returns, and not at
// all when it is rolled back. fn must be quick and must not touch the database.
func (db *DB) After(fn func()) { db.after(fn) }

// Notify tells every node that listens about payload (under 8,000 bytes) when
// the write commits. It does nothing on SQLite.
func (db *DB) Notify(ctx context.Context, payload string) error { return db.notify(ctx, payload) }

// Lock makes every other Write that locks key, on any node, wait until this one ends.
func (db *DB) Lock(ctx context.Context, key string) error { return db.lock(ctx, key) }
