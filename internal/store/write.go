package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"
)

// batchMax bounds how many writes share one commit, and so how long the first waits for the last.
const batchMax = 256

// slowWrite is how long a transaction may take before the log says so.
const slowWrite = 5 * time.Second

const (
	waiting int32 = iota // in the queue
	running              // by the writer: the caller waits for its answer
	left                 // its caller gave up while it was waiting
)

// job is one Write on its way through the writer.
type job struct {
	ctx   context.Context
	fn    func(*tx) error
	state atomic.Int32
	done  chan error
}

// write hands fn to the writer and waits until it is committed.
func (l *lite) write(ctx context.Context, fn func(*tx) error) error {
	j := &job{ctx: ctx, fn: fn, done: make(chan error, 1)}
	if err := l.handIn(j); err != nil {
		return err
	}
	select {
	case err := <-j.done:
		return err
	case <-ctx.Done():
	}
	if j.state.CompareAndSwap(waiting, left) {
		return ctx.Err()
	}
	return <-j.done
}

func (l *lite) handIn(j *job) error {
	l.closing.RLock()
	defer l.closing.RUnlock()
	if l.closed {
		return errClosed
	}
	select {
	case l.jobs <- j:
		return nil
	case <-j.ctx.Done():
		return j.ctx.Err()
	}
}

// writeLoop is the writer: it takes everything that waits, commits it at once, and answers.
func (l *lite) writeLoop() {
	defer l.stopped.Done()
	defer close(l.written)
	batch := make([]*job, 0, batchMax)
	for j := range l.jobs {
		batch = l.gather(append(batch[:0], j))
		l.commitBatch(batch)
		clear(batch)
		if l.finish.CompareAndSwap(true, false) {
			l.checkpoint(l.writer)
		}
		select {
		case l.written <- struct{}{}:
		default:
		}
	}
}

// gather adds what is waiting now to batch, without waiting for more.
func (l *lite) gather(batch []*job) []*job {
	for len(batch) < batchMax {
		select {
		case j, ok := <-l.jobs:
			if !ok {
				return batch
			}
			batch = append(batch, j)
		default:
			return batch
		}
	}
	return batch
}

// commitBatch runs jobs in one transaction, each in a savepoint of its own, commits, and then answers.
// Where SQLite itself ended the transaction in the middle (disk full, I/O error), those that had run get
// that error and the rest start again in a new one.
func (l *lite) commitBatch(jobs []*job) {
	live := jobs[:0]
	for _, j := range jobs {
		if j.state.CompareAndSwap(waiting, running) {
			live = append(live, j)
		}
	}
	for len(live) > 0 {
		live = live[l.commitSome(live):]
	}
}

// carefulFor is how many transactions give each job a savepoint after one had to start again for the lack of them.
const carefulFor = 64

// commitSome runs and answers at least the first of jobs and returns how many it answered. Savepoints are a fifth of what a small write
// costs, and jobs that fail mostly do so before they write: at first there are none, and where a job that wrote has failed all start
// again, each in one.
func (l *lite) commitSome(jobs []*job) int {
	if len(jobs) > 1 && l.careful == 0 {
		if l.commitAll(jobs) {
			return len(jobs)
		}
		l.careful = carefulFor
	}
	l.careful = max(0, l.careful-1)
	return l.commitEach(jobs)
}

// commitAll runs, commits and answers jobs without savepoints; nothing has happened where it returns false.
func (l *lite) commitAll(jobs []*job) bool {
	if l.control(`begin immediate`) != nil {
		return false
	}
	defer l.watch().Stop()
	errs := make([]error, len(jobs))
	var afters []func()
	for i, j := range jobs {
		ran, wrote, err := l.runWhole(j)
		if err != nil && wrote {
			l.control(`rollback`)
			return false
		}
		if errs[i] = err; err == nil {
			afters = append(afters, ran...)
		}
	}
	if l.control(`commit`) != nil {
		l.control(`rollback`)
		return false
	}
	l.confirm(jobs, errs, afters)
	return true
}

// commitEach is commitAll with a savepoint for every job; it returns how many it answered.
func (l *lite) commitEach(jobs []*job) int {
	if err := l.control(`begin immediate`); err != nil {
		answer(jobs, err)
		return len(jobs)
	}
	defer l.watch().Stop()
	errs := make([]error, len(jobs))
	var afters []func()
	for i, j := range jobs {
		ran, err, lost := l.runJob(j, len(jobs) > 1)
		if lost != nil {
			l.control(`rollback`) // mostly gone already
			answer(jobs[:i+1], fmt.Errorf("transaction lost: %w", lost))
			return i + 1
		}
		if errs[i] = err; err == nil {
			afters = append(afters, ran...)
		}
	}
	if len(jobs) == 1 && errs[0] != nil {
		if err := l.control(`rollback`); err != nil {
			l.log.Error("roll back", "err", err)
		}
	} else if err := l.control(`commit`); err != nil {
		l.control(`rollback`)
		answer(jobs, fmt.Errorf("commit: %w", err))
		return len(jobs)
	}
	l.confirm(jobs, errs, afters)
	return len(jobs)
}

// watch complains of a transaction that takes too long, until it is stopped.
func (l *lite) watch() *time.Timer {
	return time.AfterFunc(slowWrite, func() {
		l.log.Error("a write holds up all others; does it Write inside a Write?", "for", slowWrite)
	})
}

// confirm does what follows from a commit and answers its jobs.
func (l *lite) confirm(jobs []*job, errs []error, afters []func()) {
	l.states.committed()
	runAfters(l.log, afters)
	for i, j := range jobs {
		j.done <- errs[i]
	}
}

func answer(jobs []*job, err error) {
	for _, j := range jobs {
		j.done <- err
	}
}

// runWhole runs a job without a savepoint and returns what to run after the commit; wrote is whether it may have changed anything.
func (l *lite) runWhole(j *job) (afters []func(), wrote bool, err error) {
	if err := j.ctx.Err(); err != nil {
		return nil, false, err
	}
	r := &liteTx{conn: l.writer, states: &l.states}
	t := &tx{runner: r}
	err = t.finish(j.fn(t))
	r.closeRows()
	// A statement that failed may have ended the transaction.
	return t.afters, r.wrote || t.failed != nil, err
}

// runJob runs one job. Alone in its transaction it needs no savepoint. It returns what to run after the
// commit and the job's own error; lost is set when the whole transaction is gone.
func (l *lite) runJob(j *job, savepoint bool) (afters []func(), err, lost error) {
	if err := j.ctx.Err(); err != nil {
		return nil, err, nil
	}
	if savepoint {
		if err := l.control(`savepoint job`); err != nil {
			return nil, nil, err
		}
	}
	afters, _, err = l.runWhole(j)
	if !savepoint {
		return afters, err, nil
	}
	if err != nil {
		// Fails when SQLite has ended the transaction: there is no savepoint then.
		if back := l.control(`rollback to job`); back != nil {
			return nil, nil, errors.Join(err, back)
		}
	}
	return afters, err, l.control(`release job`)
}

// control runs begin, commit and the like on the writer.
func (l *lite) control(text string) error {
	_, err := l.writer.exec(context.Background(), text, nil)
	return err
}

// liteTx runs the statements of one job on the writer. The driver never sees the job's
// context: interrupting a statement would roll back the writes of everyone in the batch.
type liteTx struct {
	conn   *liteConn
	states *states
	open   []*liteRows
	wrote  bool // it ran a statement that may have changed something
}

func (t *liteTx) query(ctx context.Context, text string, args []any) (source, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t.wrote = t.states.touch(text, args) || t.wrote
	r, err := t.conn.query(context.Background(), text, args)
	if err != nil {
		return nil, err
	}
	t.open = append(t.open, r)
	return r, nil
}

func (t *liteTx) exec(ctx context.Context, text string, args []any) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	t.wrote = t.states.touch(text, args) || t.wrote
	return t.conn.exec(context.Background(), text, args)
}

// closeRows closes what the job left open.
func (t *liteTx) closeRows() {
	for _, r := range t.open {
		r.close()
	}
}

// checkpointLoop copies the write-ahead log back into the database, beside the writer and on a
// connection of its own: inside the writer it would be the slowest percent of all writes.
func (l *lite) checkpointLoop() {
	defer l.stopped.Done()
	var conn *liteConn
	defer func() { conn.close() }()
	for range l.written {
		size := l.logSize()
		if size < checkpointAt {
			continue
		}
		if conn == nil {
			var err error
			if conn, err = dial(l.dsn, litePragmas); err != nil {
				l.log.Error("checkpoint", "err", err)
				continue
			}
		}
		l.checkpoint(conn)
		if size >= restartAt {
			// Under constant load the copying never catches up with the writer, and the log only starts
			// over once it has. So the bulk goes from here and the little that is left by the writer,
			// which then waits for no lock. A blocking checkpoint here made it wait 80 ms.
			l.checkpoint(conn)
			l.finish.Store(true)
		}
		select {
		case <-time.After(checkpointGap):
		case <-l.over:
		}
	}
}

// checkpoint copies back what it can without waiting for anybody.
func (l *lite) checkpoint(conn *liteConn) {
	if _, err := conn.exec(context.Background(), `pragma wal_checkpoint(passive)`, nil); err != nil {
		l.log.Warn("checkpoint", "err", err)
	}
}

func (l *lite) logSize() int64 {
	info, err := os.Stat(l.path + "-wal")
	if err != nil {
		return 0
	}
	return info.Size()
}
