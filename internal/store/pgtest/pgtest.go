// Package pgtest gives tests a real PostgreSQL: the one HECATE_TEST_POSTGRES
// names, or a private cluster made from the installed PostgreSQL, which the test processes
// of one user share and which stops by itself seconds after the last of them.
//
// It must never know the store: tests inside package store use it too.
package pgtest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Env names the variable that points the tests at a server of their own. Its user must
// be allowed to create databases.
const Env = "HECATE_TEST_POSTGRES"

// Fresh returns the address of an empty database that lives as long as the test.
// It fails the test when there is no PostgreSQL.
func Fresh(t testing.TB) string {
	t.Helper()
	return create(t, "")
}

// From returns the address of a database that lives as long as the test and is a copy of the
// template of that name, which prepare fills the first time it is asked for on this server.
// The name must change with what prepare makes.
func From(t testing.TB, template string, prepare func(address string) error) string {
	t.Helper()
	server := mustServer(t)
	if err := ensureTemplate(server, template, prepare); err != nil {
		t.Fatalf("prepare the template database: %v", err)
	}
	return create(t, template)
}

func mustServer(t testing.TB) string {
	t.Helper()
	server, err := server()
	if err != nil {
		t.Fatalf("These tests need PostgreSQL: install it (Debian, Ubuntu: apt-get install postgresql) or set %s=postgres://… to a server where databases may be created: %v", Env, err)
	}
	return server
}

// server finds or starts the server, once in a process.
var server = sync.OnceValues(func() (string, error) {
	if address := os.Getenv(Env); address != "" {
		return address, nil
	}
	return startShared()
})

func create(t testing.TB, template string) string {
	t.Helper()
	address := mustServer(t)
	var raw [8]byte
	if _, err := rand.Read(raw[:]); err != nil {
		t.Fatal(err)
	}
	name := "hecate_test_" + hex.EncodeToString(raw[:])
	text := "create database " + name
	if template != "" {
		text += " template " + pgx.Identifier{template}.Sanitize()
	}
	if err := admin(address, text); err != nil {
		t.Fatalf("create a test database: %v", err)
	}
	t.Cleanup(func() {
		if err := admin(address, "drop database if exists "+name+" with (force)"); err != nil {
			t.Logf("drop the test database: %v", err)
		}
	})
	return named(address, name)
}

// named is address with another database name.
func named(address, name string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	u.Path = "/" + name
	return u.String()
}

// admin runs one statement on the server's own database.
func admin(address, text string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	// A template that somebody is connected to cannot be copied that moment.
	for range 50 {
		if _, err = conn.Exec(ctx, text); err == nil {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return err
}

// ensureTemplate makes the template unless it is there; processes that need it at
// the same time wait for the first.
func ensureTemplate(address, name string, prepare func(string) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, `select pg_advisory_lock(hashtextextended($1, 0))`, name); err != nil {
		return err
	}
	var there bool
	if err := conn.QueryRow(ctx, `select exists (select 1 from pg_database where datname = $1)`, name).Scan(&there); there || err != nil {
		return err
	}
	draft := name + "_draft"
	id, draftID := pgx.Identifier{name}.Sanitize(), pgx.Identifier{draft}.Sanitize()
	if _, err := conn.Exec(ctx, "drop database if exists "+draftID+" with (force)"); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "create database "+draftID); err != nil {
		return err
	}
	if err := prepare(named(address, draft)); err != nil {
		return errors.Join(err, admin(address, "drop database "+draftID+" with (force)"))
	}
	for range 100 { // until the server has noticed that prepare hung up
		if _, err = conn.Exec(ctx, "alter database "+draftID+" rename to "+id); err == nil {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return fmt.Errorf("name the template: %w", err)
}

// Digest is a short name that changes with the content of any file.
func Digest(files fs.FS) string {
	sum := sha256.New()
	err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(files, path)
		fmt.Fprintf(sum, "%s %d %s\n", path, len(raw), raw)
		return err
	})
	if err != nil {
		return "unreadable"
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}
