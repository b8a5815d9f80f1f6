// Package engine holds the rules of Hecate: one method per verb, each of which
// authenticates nothing itself (the Actor is an argument), asks the one door
// (allow), checks its input, writes at most once, and records the event.
//
// It must never know http.Request, wire shapes, SQL text, or which dialect is calling.
package engine

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"sync"
	"time"

	"hecate/internal/blob"
	"hecate/internal/mail"
	"hecate/internal/provider"
	"hecate/internal/secret"
	"hecate/internal/store"
)

// Config is what an Engine stands on. DB, Keys, Hasher and Blobs are required.
type Config struct {
	DB     *store.DB
	Keys   *secret.Keys
	Hasher *secret.Hasher
	Blobs  blob.Store
	Mail   mail.Sender // nil: Log tells that there was a letter
	// PublicURL is where clients reach the server, for links in letters; nil or "": they have none. The Host header never decides.
	PublicURL func() string
	// JoinPage is where letters lead that make users of those who signed up where accounts are hidden, as Mailing.Link, with {app} for the app's id.
	JoinPage string
	// Providers asks social providers; nil: over the network, in bounded time.
	Providers *provider.Providers
	Now       func() time.Time // the clock; time.Now when nil
	Rand      io.Reader        // crypto/rand's when nil
	Log       *slog.Logger     // slog.Default() when nil
	// OpenRegistration lets anybody make an admin account and an org.
	OpenRegistration bool
	Admission        Admission // what is asked of whom that makes before it may be used
	Limits           Limits
}

// Limits bound what one app may hold and one request may carry. Zero fields take the defaults.
type Limits struct {
	AppsPerAdmin       int   // 16
	CollectionsPerApp  int   // 100
	FieldsPerSchema    int   // 64
	GroupsPerUser      int   // 32
	RecordBytes        int   // 1 MiB of stored JSON
	RecordDepth        int   // 32 levels inside a value
	FileBytes          int64 // 128 MiB
	CacheEntries       int   // 50,000 of each kind
	CacheRecordEntries int   // 20,000
	LettersPerAddress  int   // 20 in an hour, of one app
	// How many attempts may fail, per server; negative: any number.
	PasswordFailures int // 20 a minute, of one account from one address
	PINFailures      int // 5 in a quarter of an hour, of one account from anywhere: a PIN has few digits
}

// Engine is the one set of rules behind every dialect. Its methods are safe for concurrent use.
type Engine struct {
	db        *store.DB
	keys      *secret.Keys
	hasher    *secret.Hasher
	blobs     blob.Store
	mail      mail.Sender
	outbox    *outbox
	now       func() time.Time
	rand      io.Reader
	log       *slog.Logger
	open      bool
	admission Admission
	publicURL func() string
	joinPage  string
	limits    Limits
	cache     *cache
	audit     *auditor
	logins    *guesses
	pins      *guesses
	drops     *sync.WaitGroup // deletions of file bytes under way

	providers *provider.Providers
}

// New returns an Engine over the parts of c.
func New(c Config) *Engine {
	e := &Engine{
		db: c.DB, keys: c.Keys, hasher: c.Hasher, blobs: c.Blobs, mail: c.Mail, publicURL: c.PublicURL,
		joinPage: c.JoinPage, now: c.Now, rand: c.Rand, log: c.Log, open: c.OpenRegistration, admission: c.Admission, limits: c.Limits.withDefaults(),
	}
	if e.now == nil {
		e.now = time.Now
	}
	if e.rand == nil {
		e.rand = rand.Reader
	}
	if e.publicURL == nil {
		e.publicURL = func() string { return "" }
	}
	e.outbox = newOutbox(newOwner(e))
	if e.log == nil {
		e.log = slog.Default()
	}
	e.cache = newCache(e.limits)
	// Until the changes of other nodes are heard for the first time, nothing may be kept.
	e.cache.off.Store(!e.db.Single())
	e.audit = newAuditor(e.db, e.log)
	e.logins = newGuesses(e.limits.PasswordFailures, loginsAtOnce, time.Minute, e.now)
	e.pins = newGuesses(e.limits.PINFailures, 0, 15*time.Minute, e.now)
	e.drops = &sync.WaitGroup{}
	if e.providers = c.Providers; e.providers == nil {
		e.providers = provider.New(provider.Config{Now: e.now})
	}
	return e
}

// Run does the engine's background work (audit writer, letters, invalidation from other
// nodes, sweeping) until ctx ends, and returns when all of it has stopped.
func (e *Engine) Run(ctx context.Context) error {
	return e.runBackground(ctx)
}

func (l Limits) withDefaults() Limits {
	set := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	set(&l.AppsPerAdmin, 16)
	set(&l.CollectionsPerApp, 100)
	set(&l.FieldsPerSchema, 64)
	set(&l.GroupsPerUser, 32)
	set(&l.RecordBytes, 1<<20)
	set(&l.RecordDepth, 32)
	set(&l.CacheEntries, 50_000)
	set(&l.CacheRecordEntries, 20_000)
	set(&l.LettersPerAddress, 20)
	set(&l.PasswordFailures, 20)
	set(&l.PINFailures, 5)
	if l.FileBytes == 0 {
		l.FileBytes = 128 << 20
	}
	return l
}

// Limits returns the limits in force.
func (e *Engine) Limits() Limits { return e.limits }

// List asks for a page of things ordered by their Seq.
type List struct {
	After    int64 // rows beyond this Seq; 0 from the start (or the end, with Desc)
	Backward bool  // the rows before After instead, still in the normal order
	Desc     bool
	Limit    int
	Prefix   string // only rows whose name starts with it
}

// newID returns a fresh time-ordered id.
func (e *Engine) newID() (string, error) { return newUUID(e.rand, e.now()) }
