package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"hecate/internal/blob"
	"hecate/internal/dialect/native"
	"hecate/internal/engine"
	"hecate/internal/mail"
	"hecate/internal/secret"
	"hecate/internal/store"
)

// rooms is the house with the lights on: what serve and apply both need.
type rooms struct {
	db     *store.DB
	hasher *secret.Hasher
	blobs  blob.Store
	engine *engine.Engine
	keys   *secret.Keys
	public string // where clients reach the server; set before it serves
}

// door is what is decided about those who come from outside.
type door struct {
	open      bool                            // anybody may register
	admission func(r *rooms) engine.Admission // what is asked of them; nil: nothing
}

func (d door) asks(r *rooms) engine.Admission {
	if d.admission == nil {
		return engine.Admission{}
	}
	return d.admission(r)
}

// open wires the rooms over the given storage. The caller must close them.
func open(ctx context.Context, s storage, log *slog.Logger, d door, post mail.Sender) (*rooms, error) {
	if err := os.MkdirAll(s.Data, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	db, err := store.Open(ctx, store.Config{Dir: s.Data, URL: s.Database, Log: log})
	if err != nil {
		return nil, err
	}
	r := &rooms{db: db}
	if err := r.furnish(ctx, s, log, d, post); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

func (r *rooms) furnish(ctx context.Context, s storage, log *slog.Logger, d door, post mail.Sender) error {
	keys, err := masterKey(ctx, r.db, s)
	if err != nil {
		return err
	}
	if r.blobs, err = openBlobs(ctx, s); err != nil {
		return err
	}
	r.keys = keys
	r.hasher = newHasher(keys, log)
	r.engine = engine.New(engine.Config{
		DB: r.db, Keys: keys, Hasher: r.hasher, Blobs: r.blobs, Mail: post, PublicURL: func() string { return r.public },
		Now: time.Now, Rand: rand.Reader, Log: log, OpenRegistration: d.open, Admission: d.asks(r), JoinPage: native.JoinPage,
	})
	return r.engine.CheckKeys(ctx)
}

// newHasher hashes passwords in child processes, or here when there can be none.
func newHasher(keys *secret.Keys, log *slog.Logger) *secret.Hasher {
	trouble := func(err error) { log.Warn("hashing passwords in the server: its child processes fail", "err", err) }
	children, err := secret.ChildCommand()
	if err != nil {
		trouble(err)
	}
	return secret.NewHasher(secret.Config{
		Workers: runtime.NumCPU(), Keys: keys, Rand: rand.Reader, Children: children, Trouble: trouble,
	})
}

// masterKey loads the master key. A database that has none yet may have one made; for one
// that has been used, a missing key is an error: a new one would open nothing.
func masterKey(ctx context.Context, db *store.DB, s storage) (*secret.Keys, error) {
	used, err := engine.KeysInUse(ctx, db)
	if err != nil {
		return nil, err
	}
	return secret.LoadKeys(s.Data, s.MasterKey, !used, rand.Reader)
}

func openBlobs(ctx context.Context, s storage) (blob.Store, error) {
	if s.Files != "" {
		return blob.OpenS3(ctx, s.Files)
	}
	return blob.OpenDir(filepath.Join(s.Data, "files"))
}

func (r *rooms) close() error {
	if r.hasher != nil {
		r.hasher.Close()
	}
	var blobErr error
	if d, ok := r.blobs.(*blob.Dir); ok {
		blobErr = d.Close()
	}
	return errors.Join(r.db.Close(), blobErr)
}
