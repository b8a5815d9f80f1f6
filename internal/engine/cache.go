package engine

import (
	"context"
	"hash/maphash"
	"strings"
	"sync/atomic"

	"github.com/maypok86/otter/v2"

	"hecate"
	"hecate/internal/store"
)

// cache holds what every request asks for. Entries are dropped by the write
// that changes them, on this node before the write is acknowledged, on the
// others through the database's notifications. Values are shared: read-only.
type cache struct {
	off atomic.Bool // while notifications may be lost nothing is kept

	apps        *table[*hecate.App]                  // by "alias:<alias>", "name:<org>/<app>", "id:<id>"
	keys        *table[*hecate.APIKey]               // by lookup hash
	admins      *table[*hecate.Admin]                // by lookup hash of the account key, "id:<id>"
	roles       *table[hecate.AdminRole]             // by "<app>/<admin>"
	clients     *table[store.Sealed[*hecate.Client]] // by client id
	sessions    *table[*hecate.Session]              // by "<app>/<lookup hash>"
	ended       *table[bool]                         // of further tokens, by "<app>/<lookup hash>"
	users       *table[*member]                      // by "<app>/<user>"
	details     *table[*UserDetail]                  // by "<app>/<user>"
	policies    *table[*rolePolicy]                  // by app
	uses        *table[*sessionUse]                  // by "<app>/<session>"
	collections *table[*hecate.Collection]           // by "<app>/name:<name>", "<app>/id:<id>"
	fieldRules  *table[fieldRules]                   // by app
	records     *table[known]                        // by "<app>/<collection>/<id or #seq>"; see table.keep
	links       *table[LinkNames]                    // by "<app>/<record>"

	byName map[string]forgetter
}

// member is a user with the names it acts under.
type member struct {
	user     *hecate.User
	subjects []hecate.Subject // without roles
	roles    []hecate.Role
	holds    []hecate.Subject // the roles as subjects, in the same order
	grants   []hecate.Grant   // of the role policy, to the user himself
}

type forgetter interface {
	forget(key string)
	clear()
}

func newCache(l Limits) *cache {
	c := &cache{byName: map[string]forgetter{}}
	n := l.CacheEntries
	c.apps = newTable[*hecate.App](c, "apps", n)
	c.keys = newTable[*hecate.APIKey](c, "keys", n)
	c.admins = newTable[*hecate.Admin](c, "admins", n)
	c.roles = newTable[hecate.AdminRole](c, "roles", n)
	c.clients = newTable[store.Sealed[*hecate.Client]](c, "clients", n)
	c.sessions = newTable[*hecate.Session](c, "sessions", n)
	c.ended = newTable[bool](c, "ended", n)
	c.users = newTable[*member](c, "users", n)
	c.details = newTable[*UserDetail](c, "details", l.CacheRecordEntries)
	c.policies = newTable[*rolePolicy](c, "policies", n)
	c.uses = newTable[*sessionUse](c, "uses", n)
	c.collections = newTable[*hecate.Collection](c, "collections", n)
	c.fieldRules = newTable[fieldRules](c, "fieldRules", n)
	c.records = newWeighedTable(c, "records", l.CacheRecordEntries, func(k known) uint32 { return k.weight })
	c.links = newTable[LinkNames](c, "links", l.CacheRecordEntries)
	return c
}

// table is one bounded map. The generations close the gap between a load that
// began before a change and the change itself: such a load is not kept.
type table[V any] struct {
	owner *cache
	rows  *otter.Cache[string, V]
	seed  maphash.Seed
	gens  [256]atomic.Uint64
}

func newTable[V any](c *cache, name string, size int) *table[V] {
	return addTable(c, name, &otter.Options[string, V]{MaximumSize: size})
}

// newWeighedTable is newTable for values of different weights, which may weigh that much together.
func newWeighedTable[V any](c *cache, name string, size int, weight func(V) uint32) *table[V] {
	return addTable(c, name, &otter.Options[string, V]{MaximumWeight: uint64(size), Weigher: func(_ string, v V) uint32 { return weight(v) }})
}

func addTable[V any](c *cache, name string, o *otter.Options[string, V]) *table[V] {
	t := &table[V]{owner: c, rows: otter.Must(o), seed: maphash.MakeSeed()}
	c.byName[name] = t
	return t
}

func (t *table[V]) gen(key string) *atomic.Uint64 {
	return &t.gens[maphash.String(t.seed, key)&255]
}

// get returns the cached value of key, or loads and keeps it. Errors are not kept.
func (t *table[V]) get(ctx context.Context, key string, load func(context.Context) (V, error)) (V, error) {
	if t.owner.off.Load() {
		return load(ctx)
	}
	if v, ok := t.rows.GetIfPresent(key); ok {
		return v, nil
	}
	gen := t.gen(key)
	before := gen.Load()
	v, err := load(ctx)
	if err != nil {
		return v, err
	}
	t.rows.Set(key, v)
	if gen.Load() != before || t.owner.off.Load() {
		t.rows.Invalidate(key)
	}
	return v, nil
}

// peek returns the cached value of key, if there is one.
func (t *table[V]) peek(key string) (V, bool) {
	if t.owner.off.Load() {
		var none V
		return none, false
	}
	return t.rows.GetIfPresent(key)
}

func (t *table[V]) forget(key string) {
	t.gen(key).Add(1)
	t.rows.Invalidate(key)
}

func (t *table[V]) clear() {
	for i := range t.gens {
		t.gens[i].Add(1)
	}
	t.rows.InvalidateAll()
}

// forget drops keys of one table once tx has committed, on every node.
func (e *Engine) forget(ctx context.Context, tx *store.DB, table string, keys ...string) error {
	t := e.cache.byName[table]
	for _, key := range keys {
		tx.After(func() { t.forget(key) })
		if err := tx.Notify(ctx, table+" "+key); err != nil {
			return err
		}
	}
	return nil
}

// forgetAll drops a whole table on every node: for rare changes that touch many keys.
func (e *Engine) forgetAll(ctx context.Context, tx *store.DB, table string) error {
	t := e.cache.byName[table]
	tx.After(t.clear)
	return tx.Notify(ctx, table)
}

// heard drops what another node says it changed.
func (c *cache) heard(payload string) {
	name, key, one := strings.Cut(payload, " ")
	t, ok := c.byName[name]
	switch {
	case !ok:
		return
	case one:
		t.forget(key)
	default:
		t.clear()
	}
}

// gap turns the cache off while changes of other nodes may go unheard, and
// empties it when they are heard again.
func (c *cache) gap(connected bool) {
	c.off.Store(true)
	for _, t := range c.byName {
		t.clear()
	}
	if connected {
		c.off.Store(false)
	}
}
