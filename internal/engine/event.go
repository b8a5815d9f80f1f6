package engine

import (
	"context"
	"log/slog"
	"time"

	"hecate"
	"hecate/internal/store"
)

// record writes an event in the same transaction as its cause.
func (e *Engine) record(ctx context.Context, tx *store.DB, actor *hecate.Actor, app hecate.AppID, verb, subject string) error {
	ev, err := e.event(actor, app, verb, subject, hecate.Succeeded, "")
	if err != nil {
		return err
	}
	return tx.InsertEvents(ctx, []hecate.Event{ev})
}

func (e *Engine) event(actor *hecate.Actor, app hecate.AppID, verb, subject string, o hecate.Outcome, detail string) (hecate.Event, error) {
	id, err := e.newID()
	if err != nil {
		return hecate.Event{}, err
	}
	name := ""
	if actor != nil {
		name = actor.Name()
	}
	return hecate.Event{
		ID: hecate.EventID(id), App: app, At: e.now(), Actor: name, Verb: verb, Subject: subject, Outcome: o, Detail: detail,
	}, nil
}

// refused records an event that has no transaction of its own: a refusal, a
// failed login. It never blocks the caller; under a flood the surplus is counted and dropped.
func (e *Engine) refused(actor *hecate.Actor, app hecate.AppID, verb, subject, detail string) {
	ev, err := e.event(actor, app, verb, subject, hecate.Refused, detail)
	if err != nil {
		return
	}
	select {
	case e.audit.queue <- ev:
	default:
		e.audit.dropped.Add(1)
	}
}

const (
	auditQueue = 1024
	auditBatch = 128
	auditPause = 200 * time.Millisecond
)

// auditor writes refusals in batches beside the requests that caused them.
type auditor struct {
	db      *store.DB
	log     *slog.Logger
	queue   chan hecate.Event
	dropped counter
}

func newAuditor(db *store.DB, log *slog.Logger) *auditor {
	return &auditor{db: db, log: log, queue: make(chan hecate.Event, auditQueue)}
}

// run writes until ctx ends, then what is still queued.
func (a *auditor) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			for len(a.queue) > 0 {
				a.write(ctx, a.collect(<-a.queue))
			}
			return
		case first := <-a.queue:
			a.write(ctx, a.collect(first))
			select {
			case <-ctx.Done():
			case <-time.After(auditPause):
			}
		}
	}
}

func (a *auditor) collect(first hecate.Event) []hecate.Event {
	batch := []hecate.Event{first}
	for len(batch) < auditBatch {
		select {
		case ev := <-a.queue:
			batch = append(batch, ev)
		default:
			return batch
		}
	}
	return batch
}

// write stores a batch, and does so too when the server is about to stop: what was taken off the queue is nowhere else.
func (a *auditor) write(ctx context.Context, batch []hecate.Event) {
	ctx = context.WithoutCancel(ctx)
	err := a.db.Write(ctx, func(tx *store.DB) error { return tx.InsertEvents(ctx, batch) })
	if err != nil {
		a.log.Error("write audit events", "err", err, "events", len(batch))
	}
	if n := a.dropped.Swap(0); n > 0 {
		a.log.Warn("audit events dropped under load", "events", n)
	}
}
