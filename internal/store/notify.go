package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	channel = "hecate"

	// A connection that died without a word is noticed within listenQuiet + listenAnswer.
	listenQuiet    = 300 * time.Millisecond // silence after which the server is asked
	listenAnswer   = 500 * time.Millisecond // how long it may take to answer
	listenPause    = 100 * time.Millisecond // before connecting again, doubled up to listenPauseMax
	listenPauseMax = time.Second
)

func (p *postgres) notify(ctx context.Context, t *tx, payload string) error {
	_, err := t.exec(ctx, `select pg_notify($1, $2)`, []any{channel, payload})
	return classify(err)
}

// listen keeps one connection of its own on the channel until ctx ends.
func (p *postgres) listen(ctx context.Context, onMessage func(string), onGap func(bool)) error {
	pause := listenPause
	for ctx.Err() == nil {
		conn, err := p.tune(ctx)
		if err == nil {
			pause = listenPause
			onGap(true)
			for err == nil {
				err = nextMessage(ctx, conn, onMessage)
			}
			onGap(false)
			hangUp(ctx, conn)
		}
		if ctx.Err() != nil {
			break
		}
		p.log.Warn("listening for other nodes", "err", err, "again_in", pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
		pause = min(2*pause, listenPauseMax)
	}
	return nil
}

// tune connects and listens.
func (p *postgres) tune(ctx context.Context) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, p.config.Copy())
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, "listen "+channel); err != nil {
		hangUp(ctx, conn)
		return nil, err
	}
	return conn, nil
}

// hangUp closes conn, but does not wait long for a server that may be gone.
func hangUp(ctx context.Context, conn *pgx.Conn) {
	bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), listenAnswer)
	defer cancel()
	conn.Close(bye)
}

// nextMessage waits for one message, or for silence, and then asks whether the server is still there.
func nextMessage(ctx context.Context, conn *pgx.Conn, onMessage func(string)) error {
	quiet, cancel := context.WithTimeout(ctx, listenQuiet)
	message, err := conn.WaitForNotification(quiet)
	cancel()
	if err == nil {
		onMessage(message.Payload)
		return nil
	}
	if ctx.Err() != nil || !pgconn.Timeout(err) || conn.IsClosed() {
		return errors.Join(ctx.Err(), err)
	}
	answer, cancel := context.WithTimeout(ctx, listenAnswer)
	defer cancel()
	return conn.Ping(answer)
}
