package store

import (
	"context"
	"strings"

	"hecate"
)

const insertEvents = `insert into events (app_id, id, at, actor, verb, subject, outcome, detail) values `

// eventBatch bounds the binds of one statement.
const eventBatch = 128

// InsertEvents stores audit entries.
func (db *DB) InsertEvents(ctx context.Context, events []hecate.Event) error {
	for len(events) > 0 {
		n := min(len(events), eventBatch)
		if err := db.insertEvents(ctx, events[:n]); err != nil {
			return err
		}
		events = events[n:]
	}
	return nil
}

func (db *DB) insertEvents(ctx context.Context, events []hecate.Event) error {
	var b binds
	rows := make([]string, len(events))
	for i, e := range events {
		places := []string{
			b.add(e.App), b.add(e.ID), b.add(e.At), b.add(e.Actor), b.add(e.Verb), b.add(e.Subject), b.add(int64(e.Outcome)), b.add(e.Detail),
		}
		rows[i] = "(" + strings.Join(places, ",") + ")"
	}
	return db.run(ctx, insertEvents+strings.Join(rows, ","), b.args...)
}

const (
	eventColumns = `app_id, id, at, actor, verb, subject, outcome, detail`
	events       = `select ` + eventColumns + ` from events where app_id = $1 order by at desc, id desc limit $2`
)

func scanEvent(s scanner) (e hecate.Event, err error) {
	err = s.Scan(&e.App, &e.ID, &e.At, &e.Actor, &e.Verb, &e.Subject, &e.Outcome, &e.Detail)
	return e, err
}

// Events returns the newest audit entries of an app, or with an empty app those of the server.
func (db *DB) Events(ctx context.Context, app hecate.AppID, limit int) ([]hecate.Event, error) {
	return many(ctx, db, scanEvent, events, app, limit)
}
