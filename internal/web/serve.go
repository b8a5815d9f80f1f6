package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// Config is what Serve needs. Handler is required, and Addr or Listener.
type Config struct {
	Addr     string       // host:port to listen on, when there is no Listener
	Listener net.Listener // closed by Serve
	Handler  http.Handler // a Switch, or one mux
	OnListen func(net.Addr)

	Limits  Limits       // HeaderBytes and Time set the server's own
	Log     *slog.Logger // see Observation
	Access  io.Writer    // see Observation
	Trusted []netip.Prefix
	Now     func() time.Time
	Rand    io.Reader

	ReadHeader time.Duration // for a header to arrive; 0: 10 s
	Read       time.Duration // for a whole request to arrive, Route.Timeout apart; 0: 60 s
	Write      time.Duration // from the header's end to the answer's; 0: Limits.Time + 30 s
	Idle       time.Duration // for the next request on a connection; 0: 120 s
	Drain      time.Duration // for requests in flight at shutdown; 0: 15 s
}

// Serve answers requests until ctx ends, then stops listening, finishes what is in
// flight and returns nil. What is not done after Drain is broken off; the error then says so.
func Serve(ctx context.Context, c Config) error {
	listener, err := c.listen()
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	// Requests outlive ctx, which only asks to stop; base ends those that do not finish.
	base, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	server := c.server(base)
	if c.OnListen != nil {
		c.OnListen(listener.Addr())
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), or(c.Drain, 15*time.Second))
	defer cancel()
	err = server.Shutdown(patience)
	if err != nil {
		giveUp()
		err = errors.Join(fmt.Errorf("requests still running at shutdown were broken off: %w", err), server.Close())
	}
	<-failed
	return err
}

func (c *Config) listen() (net.Listener, error) {
	if c.Listener != nil {
		return c.Listener, nil
	}
	return net.Listen("tcp", c.Addr)
}

func (c *Config) server(base context.Context) *http.Server {
	limits := c.Limits.withDefaults()
	observer := NewObserver(Observation{Log: c.Log, Access: c.Access, Trusted: c.Trusted, Now: c.Now, Rand: c.Rand})
	log := c.Log
	if log == nil {
		log = slog.Default()
	}
	return &http.Server{
		Handler:           observer.Observe(c.Handler),
		ReadHeaderTimeout: or(c.ReadHeader, 10*time.Second),
		ReadTimeout:       or(c.Read, time.Minute),
		WriteTimeout:      or(c.Write, limits.Time+30*time.Second),
		IdleTimeout:       or(c.Idle, 2*time.Minute),
		// The muxes refuse what is over the limit in their dialect's words; this bounds what reaches them.
		MaxHeaderBytes: 2*limits.HeaderBytes + limits.PathBytes + limits.QueryBytes,
		BaseContext:    func(net.Listener) context.Context { return base },
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
