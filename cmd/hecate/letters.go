package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"hecate"
	"hecate/internal/engine"
)

// lettersCommand looks after the letters of the whole server, those of admins' accounts too.
type lettersCommand struct {
	List  lettersList  `cmd:"" default:"withargs" help:"List letters that wait or failed, the newest first."`
	Retry lettersRetry `cmd:"" help:"Send letters once more, at once."`
	Drop  lettersDrop  `cmd:"" help:"Give letters up."`
}

type lettersList struct {
	storage
	State string `help:"Which: all, waiting or failed (${default})." enum:"all,waiting,failed" default:"all"`
	Limit int    `help:"How many (${default})." default:"100"`
	After string `help:"Those older than this one." placeholder:"ID"`
}

type lettersRetry struct {
	storage
	AllFailed bool     `help:"All that failed; those whose ticket is of no use any more are left."`
	ID        []string `arg:"" optional:"" name:"id" help:"Which, by the first column of the list."`
}

type lettersDrop struct {
	storage
	ID []string `arg:"" name:"id" help:"Which, by the first column of the list."`
}

// Run implements the command.
func (c *lettersList) Run(t *terminal) error {
	return c.command(t, "letters", url.Values{"state": {c.State}, "limit": {strconv.Itoa(c.Limit)}, "after": {c.After}})
}

// Run implements the command.
func (c *lettersRetry) Run(t *terminal) error {
	if c.AllFailed == (len(c.ID) > 0) {
		return errors.New("name letters by their ids, or all that failed by --all-failed")
	}
	if c.AllFailed {
		return c.command(t, "letters/retry-failed", nil)
	}
	return c.command(t, "letters/retry", url.Values{"id": c.ID})
}

// Run implements the command.
func (c *lettersDrop) Run(t *terminal) error {
	return c.command(t, "letters/drop", url.Values{"id": c.ID})
}

// command is ordered of what there is: looking after letters makes no new server.
func (s storage) command(t *terminal, name string, q url.Values) error {
	if _, err := os.Stat(s.Data); err != nil && s.Database == "" {
		return fmt.Errorf("data directory: %w", err)
	}
	return s.order(t, name, q, nil)
}

// lettersPage is how many letters are read at once.
const lettersPage = 500

// listLetters writes a table of letters.
func listLetters(ctx context.Context, r *rooms, q url.Values, _ []byte, out io.Writer) error {
	limit, err := strconv.Atoi(q.Get("limit"))
	if err != nil || limit < 1 || limit > hecate.MaxPage {
		return fmt.Errorf("--limit is between 1 and %d", hecate.MaxPage)
	}
	page, err := r.engine.Letters(ctx, engine.System(), engine.LetterList{
		State: map[string]*hecate.LetterState{"waiting": pointer(hecate.LetterWaiting), "failed": pointer(hecate.LetterFailed)}[q.Get("state")],
		After: hecate.LetterID(q.Get("after")), Limit: limit,
	})
	if err != nil {
		return err
	}
	if len(page.Rows) == 0 {
		_, err := fmt.Fprintln(out, "no letters")
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "ID\tSTATE\tAPP\tLETTER\tTO\tQUEUED\tTRIES\tNEXT TRY\tREASON") // the writer fails at its end
	for _, l := range page.Rows {
		state, next := "waiting", stamp(l.DueAt)
		switch {
		case l.State == hecate.LetterFailed:
			state, next = "failed", "-"
		case l.Claimed:
			state, next = "sending", "-"
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\n",
			l.ID, state, appName(ctx, r, l.App), l.Name, printable(l.Address), stamp(l.CreatedAt), l.Attempts, next, printable(l.LastError))
	}
	if err := table.Flush(); err != nil || !page.More {
		return err
	}
	_, err = fmt.Fprintf(out, "there are more: --after %s\n", page.Rows[len(page.Rows)-1].ID)
	return err
}

func pointer[T any](v T) *T { return &v }

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// appName is the alias of an app; a server has few, and they are cached.
func appName(ctx context.Context, r *rooms, id hecate.AppID) string {
	if id == "" {
		return "-"
	}
	app, err := r.engine.AppByID(ctx, id)
	if err != nil {
		return string(id) // it is being deleted
	}
	return app.Alias
}

// printable keeps what strangers wrote from doing anything to a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if strconv.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
}

// retryLetters sends the letters once more that are named.
func retryLetters(ctx context.Context, r *rooms, q url.Values, _ []byte, out io.Writer) error {
	return eachLetter(q["id"], out, "goes out at the next turn", func(id hecate.LetterID) error {
		_, err := r.engine.RetryLetter(ctx, engine.System(), id)
		return err
	})
}

// dropLetters gives the letters up that are named.
func dropLetters(ctx context.Context, r *rooms, q url.Values, _ []byte, out io.Writer) error {
	return eachLetter(q["id"], out, "is given up", func(id hecate.LetterID) error {
		return r.engine.DropLetter(ctx, engine.System(), id)
	})
}

// eachLetter does something to every letter, and says what came of it. The error holds what could not be done.
func eachLetter(ids []string, out io.Writer, done string, do func(hecate.LetterID) error) error {
	var faults []error
	for _, id := range ids {
		err := do(hecate.LetterID(id))
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", printable(id), err))
			continue
		}
		if _, err := fmt.Fprintf(out, "%s %s\n", id, done); err != nil {
			return err
		}
	}
	return errors.Join(faults...)
}

// retryFailed sends all letters once more that failed. Those that are of no use any more are told and left.
func retryFailed(ctx context.Context, r *rooms, _ url.Values, _ []byte, out io.Writer) error {
	sent, left := 0, 0
	list := engine.LetterList{State: pointer(hecate.LetterFailed), Limit: lettersPage}
	for {
		page, err := r.engine.Letters(ctx, engine.System(), list)
		if err != nil {
			return err
		}
		for _, l := range page.Rows {
			list.After = l.ID
			_, err := r.engine.RetryLetter(ctx, engine.System(), l.ID)
			switch kind := hecate.KindOf(err); {
			case err == nil:
				sent++
			case kind == hecate.Stale, kind == hecate.TooMany, kind == hecate.NotFound:
				left++
				if _, err := fmt.Fprintf(out, "%s to %s is left: %v\n", l.ID, printable(l.Address), err); err != nil {
					return err
				}
			default:
				return err
			}
		}
		if !page.More {
			_, err := fmt.Fprintf(out, "%d letters go out at the next turn, %d are left\n", sent, left)
			return err
		}
	}
}
