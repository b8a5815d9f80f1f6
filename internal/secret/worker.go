package secret

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"
)

const (
	childRest  = 30 * time.Second // an idle child is stopped after it
	childLimit = 60 * time.Second // the longest that a job may take, on a machine that is busy too
	childPause = time.Minute      // without children, after they have failed
)

// children are the processes that hash. The pool in front bounds how many work
// at once, so there are never more than it has workers. A hash in the server
// itself would be 19 MiB of garbage each, and its collector stops every request.
type children struct {
	command []string
	trouble func(error)
	rest    time.Duration

	mu     sync.Mutex
	idle   []*child // the last used is the last
	pause  time.Time
	ending sync.WaitGroup // of those whose rest is over
}

// newChildren is nil without a command. trouble may be nil.
func newChildren(command []string, trouble func(error)) *children {
	if len(command) == 0 {
		return nil
	}
	if trouble == nil {
		trouble = func(error) {}
	}
	return &children{command: command, trouble: trouble, rest: childRest}
}

// do has a child do the job, and a fresh one when the first fails. When that
// fails too, the job is done here, as are all for a while; trouble is told once.
func (c *children) do(j job) ([]byte, error) {
	if c == nil || c.paused() {
		return j.do()
	}
	result, err := c.try(c.take(), j)
	if err == nil {
		return result, nil
	}
	result, again := c.try(nil, j)
	if again == nil {
		return result, nil
	}
	if c.giveUp() {
		c.trouble(errors.Join(err, again))
	}
	return j.do()
}

// try has w (nil: a fresh child) do the job, and keeps the child if it did.
func (c *children) try(w *child, j job) (result []byte, err error) {
	if w == nil {
		if w, err = startChild(c.command); err != nil {
			return nil, err
		}
	}
	if result, err = w.do(j); err != nil {
		w.kill()
		return nil, err
	}
	c.put(w)
	return result, nil
}

func (c *children) paused() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Before(c.pause)
}

// giveUp begins a pause and reports whether none has begun yet.
func (c *children) giveUp() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Now().Before(c.pause) {
		return false
	}
	c.pause = time.Now().Add(childPause)
	return true
}

// take returns the child that rested last, nil when none is idle.
func (c *children) take() *child {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.idle) == 0 {
		return nil
	}
	w := c.idle[len(c.idle)-1]
	c.idle = c.idle[:len(c.idle)-1]
	w.resting.Stop()
	return w
}

func (c *children) put(w *child) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w.resting = time.AfterFunc(c.rest, func() { c.retire(w) })
	c.idle = append(c.idle, w)
}

// retire ends w unless somebody has taken it meanwhile.
func (c *children) retire(w *child) {
	c.mu.Lock()
	at := slices.Index(c.idle, w)
	if at >= 0 {
		c.idle = slices.Delete(c.idle, at, at+1)
		c.ending.Add(1)
	}
	c.mu.Unlock()
	if at >= 0 {
		w.end()
		c.ending.Done()
	}
}

// close ends all children. Nobody may work any more.
func (c *children) close() {
	if c == nil {
		return
	}
	for w := c.take(); w != nil; w = c.take() {
		w.end()
	}
	c.ending.Wait()
}

// child is one process. One goroutine uses it at a time.
type child struct {
	process *exec.Cmd
	in, out *os.File // our ends of its pipes
	jobs    uint64
	limit   time.Duration // of one job
	resting *time.Timer
}

// startChild starts command with an empty environment and nothing open but its pipes.
func startChild(command []string) (*child, error) {
	itsIn, in, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start child: %w", err)
	}
	out, itsOut, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start child: %w", err), itsIn.Close(), in.Close())
	}
	w := &child{process: exec.Command(command[0], command[1:]...), in: in, out: out, limit: childLimit}
	w.process.Stdin, w.process.Stdout = itsIn, itsOut
	w.process.Env = []string{} // nil would be ours, with its secrets
	w.process.SysProcAttr = apart()
	err = w.process.Start()
	_, _ = itsIn.Close(), itsOut.Close()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start child: %w", err), in.Close(), out.Close())
	}
	return w, nil
}

// do has the child do the job. After an error it is of no more use.
func (w *child) do(j job) ([]byte, error) {
	w.jobs++
	deadline := time.Now().Add(w.limit)
	if err := errors.Join(w.in.SetDeadline(deadline), w.out.SetDeadline(deadline)); err != nil {
		return nil, fmt.Errorf("child: %w", err)
	}
	if err := writeJob(w.in, w.jobs, j); err != nil {
		return nil, fmt.Errorf("child: %w", err)
	}
	id, result, err := readFrame(w.out, 8+j.size())
	switch {
	case errors.Is(err, io.EOF):
		return nil, errors.New("child: ended")
	case err != nil:
		return nil, fmt.Errorf("child: %w", err)
	case id != w.jobs || len(result) != j.size():
		return nil, errors.New("child: garbage")
	}
	return result, nil
}

// kill ends a child that cannot be trusted to end.
func (w *child) kill() {
	_ = w.process.Process.Kill()
	w.end()
}

// end closes the pipes, at which the child ends, and waits for it.
func (w *child) end() {
	_, _ = w.in.Close(), w.out.Close()
	_ = w.process.Wait()
}
