package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// children are the baselines, each in a process of its own, so that none pays
// for the memory and the garbage of another or of the generator. They print one
// line when they are ready and end when their input does.
var children = map[string]func(file string, in io.Reader, out io.Writer) error{
	"bare":   serveBare,
	"argon":  hashOnCommand,
	"commit": commitOnCommand,
}

// child is a running baseline.
type child struct {
	address string // of those that serve
	pid     int
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Scanner
}

// startChild runs this program again as a baseline and waits until it is ready.
func startChild(kind, file string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.Command(self, "-child", kind, "-file", file)}
	c.cmd.Stderr = os.Stderr
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	c.pid, c.out = c.cmd.Process.Pid, bufio.NewScanner(out)
	line, err := c.line()
	if err != nil {
		c.stop()
		return nil, fmt.Errorf("baseline %s: %w", kind, err)
	}
	c.address = strings.TrimPrefix(line, "ready ")
	return c, nil
}

func (c *child) line() (string, error) {
	if c.out.Scan() {
		return c.out.Text(), nil
	}
	if err := c.out.Err(); err != nil {
		return "", err
	}
	return "", io.ErrUnexpectedEOF
}

// command is what a measuring child reads, one per line; it answers each with a summary.
type command struct {
	Warm, Measure time.Duration
}

// run has a measuring child work for some time.
func (c *child) run(warm, measure time.Duration) (summary, error) {
	if err := json.NewEncoder(c.in).Encode(command{warm, measure}); err != nil {
		return summary{}, err
	}
	line, err := c.line()
	if err != nil {
		return summary{}, err
	}
	var s summary
	return s, json.Unmarshal([]byte(line), &s)
}

// stop ends the child and waits for it. A nil child is fine.
func (c *child) stop() {
	if c == nil {
		return
	}
	c.in.Close()
	_ = c.cmd.Wait() // its work is done; how it ended changes no figure
}

// obey answers the commands of a measuring child.
func obey(in io.Reader, out io.Writer, measure func(command) (summary, error)) error {
	fmt.Fprintln(out, "ready")
	commands, answers := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var c command
		if err := commands.Decode(&c); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		s, err := measure(c)
		if err != nil {
			return err
		}
		if err := answers.Encode(s); err != nil {
			return err
		}
	}
}

// inProcess has callers do something all the time and summarises it.
func inProcess(callers int, c command, do func() error) summary {
	begin := time.Now().Add(c.Warm)
	end := begin.Add(c.Measure)
	tallies := make([]tally, callers)
	done := make(chan struct{})
	for w := range tallies {
		go func() {
			defer func() { done <- struct{}{} }()
			for {
				sent := time.Now()
				if !sent.Before(end) {
					return
				}
				err := do()
				if now := time.Now(); !now.Before(begin) && now.Before(end) {
					tallies[w].count(now.Sub(sent), err)
				}
			}
		}()
	}
	used := watchCPU(os.Getpid(), begin, end)
	for range tallies {
		<-done
	}
	return summarise(tallies, c.Measure, <-used)
}
