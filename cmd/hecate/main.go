// Command hecate is the server and its administration: flags and environment
// in, rooms wired, signals out. It must never know rules, SQL or wire shapes.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"hecate/internal/secret"
)

// version is set by the release build: -ldflags "-X main.version=1.2.3".
var version = "dev"

func main() {
	if secret.IsChild(os.Args) { // the server runs itself to hash passwords
		if secret.ServeChild(os.Stdin, os.Stdout) != nil {
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run executes one command line and returns the exit code: 0 done, 1 failed, 2 not understood.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var cli commandLine
	exited := -1
	parser, err := kong.New(&cli,
		kong.Name("hecate"),
		kong.Description("A self-hosted server for apps that need users."),
		kong.UsageOnError(),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { exited = code }),
	)
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "hecate:", err)
		return 2
	}
	command, err := parser.Parse(args)
	switch {
	case exited >= 0: // --help has answered
		return exited
	case err != nil:
		_, _ = fmt.Fprintln(stderr, "hecate:", err)
		return 2
	}
	console := &terminal{ctx: ctx, out: stdout, err: stderr}
	if err := command.Run(console); err != nil && !errors.Is(err, context.Canceled) {
		_, _ = fmt.Fprintln(stderr, "hecate:", err)
		return 1
	}
	return 0
}

// terminal is where a command talks to its operator.
type terminal struct {
	ctx context.Context
	out io.Writer
	err io.Writer
}

func (t *terminal) say(format string, args ...any) {
	_, _ = fmt.Fprintf(t.out, format+"\n", args...)
}
