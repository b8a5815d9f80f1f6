// Command bench measures Hecate against the limits of the machine it runs on.
//
// It builds the server, starts it on an empty database, and drives it over
// loopback with a load generator of its own. Each scenario has a baseline that
// does the least that could be done (argon2id alone, a bare HTTP handler that
// writes the same bytes, a program that only commits the same rows); both are
// measured in turn in the same run, so that their ratio says something where
// absolute figures depend on what else the machine does.
//
// It knows the server from outside only: its command line, its wire, and its
// database file as a database.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// options are the command line.
type options struct {
	binary  string
	dir     string
	only    string
	seconds float64
	rounds  int
	json    bool
	keep    bool
	child   string
	file    string
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func flags() options {
	var o options
	flag.StringVar(&o.binary, "binary", "", "server to measure; built from ./cmd/hecate when empty")
	flag.StringVar(&o.dir, "dir", "", "where the databases are made; must be on a disk (default: the system's temporary directory)")
	flag.StringVar(&o.only, "only", "", "scenarios to run, separated by commas: "+strings.Join(names(), ", "))
	flag.Float64Var(&o.seconds, "seconds", 1.6, "measured time of one side in one round")
	flag.IntVar(&o.rounds, "rounds", 3, "rounds; each measures both sides")
	flag.BoolVar(&o.json, "json", false, "print the report as JSON")
	flag.BoolVar(&o.keep, "keep", false, "leave the databases and the server's log where they are")
	flag.StringVar(&o.child, "child", "", "run as a baseline (used by the program itself)")
	flag.StringVar(&o.file, "file", "", "input of a baseline")
	flag.Parse()
	return o
}

func names() []string {
	var all []string
	for _, s := range scenarios {
		all = append(all, s.name)
	}
	return all
}

func run() error {
	o := flags()
	if o.child != "" {
		serve, ok := children[o.child]
		if !ok {
			return fmt.Errorf("no baseline %q", o.child)
		}
		return serve(o.file, os.Stdin, os.Stdout)
	}
	chosen, err := o.choose()
	if err != nil {
		return err
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	// The generator's goroutines never compute for long, but one of them sleeps in the kernel: more Ps than cores keep it from holding one.
	runtime.GOMAXPROCS(2 * runtime.NumCPU())
	return measure(ctx, o, chosen)
}

// choose returns the scenarios to run.
func (o *options) choose() ([]scenario, error) {
	if o.rounds < 1 || o.seconds <= 0 {
		return nil, errors.New("-rounds and -seconds must be positive")
	}
	if o.only == "" {
		return scenarios, nil
	}
	var chosen []scenario
	wanted := strings.Split(o.only, ",")
	for _, s := range scenarios {
		if slices.Contains(wanted, s.name) {
			chosen = append(chosen, s)
		}
	}
	if len(chosen) != len(wanted) {
		return nil, fmt.Errorf("-only %s: there are %s", o.only, strings.Join(names(), ", "))
	}
	return chosen, nil
}

func measure(ctx context.Context, o options, chosen []scenario) (err error) {
	dir, err := os.MkdirTemp(o.dir, "hecate-bench-")
	if err != nil {
		return err
	}
	b := &bench{options: o, dir: dir, data: filepath.Join(dir, "data")}
	defer func() {
		err = errors.Join(err, b.server.stop())
		if o.keep {
			b.say("left in %s", dir)
			return
		}
		err = errors.Join(err, os.RemoveAll(dir))
	}()
	if b.binary == "" {
		b.say("building")
		if b.binary, err = build(dir); err != nil {
			return err
		}
	}
	b.report = report{Machine: machine(), Began: time.Now().UTC(), Seconds: o.seconds, Rounds: o.rounds}
	if err := b.runAll(ctx, chosen); err != nil {
		return err
	}
	b.report.Load = loadAverage()
	b.report.Took = time.Since(b.report.Began).Round(time.Second).String()
	if o.json {
		return b.report.json(os.Stdout)
	}
	return b.report.table(os.Stdout)
}

func (b *bench) runAll(ctx context.Context, chosen []scenario) error {
	b.say("seeding")
	if err := b.prepare(ctx); err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	for _, s := range chosen {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.run(b, ctx); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}
