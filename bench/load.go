package main

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"
)

// source gives the n-th request of a worker. It is called by all workers at once.
type source func(worker, n int) []byte

// cycle sends the given requests in turn; the workers begin at different ones.
func cycle(requests [][]byte) source {
	return func(worker, n int) []byte { return requests[(worker*7+n)%len(requests)] }
}

// load says what to send where.
type load struct {
	address string
	pid     int // whose CPU time is measured; 0: nobody's
	clients int
	want    int // the status that counts as success
	next    source
	warm    time.Duration // before measuring
	measure time.Duration
}

// summary is what one measurement found. Durations are in nanoseconds.
type summary struct {
	Count   int           `json:"count"` // successes inside the measured time
	Seconds float64       `json:"seconds"`
	P50     time.Duration `json:"p50_ns"`
	P99     time.Duration `json:"p99_ns"`
	Max     time.Duration `json:"max_ns"`
	Errors  int           `json:"errors"`          // other answers, and broken connections
	Error   string        `json:"error,omitempty"` // one of them
	CPU     time.Duration `json:"cpu_ns"`          // of the measured process, per success
}

// rate is successes per second.
func (s summary) rate() float64 {
	if s.Seconds == 0 {
		return 0
	}
	return float64(s.Count) / s.Seconds
}

// tally is what one worker counts.
type tally struct {
	latency histogram
	errors  int
	sample  error
}

func (t *tally) fail(err error) {
	t.errors++
	if t.sample == nil {
		t.sample = err
	}
}

// closedLoop has every client send its next request when its last is answered.
func closedLoop(l load) (summary, error) {
	clients, err := dialAll(l.address, l.clients)
	if err != nil {
		return summary{}, err
	}
	begin := time.Now().Add(l.warm)
	end := begin.Add(l.measure)
	tallies := make([]tally, l.clients)
	var workers sync.WaitGroup
	for w := range clients {
		workers.Go(func() {
			c := &caller{client: clients[w], load: &l}
			defer c.close()
			for n := 0; ; n++ {
				sent := time.Now()
				if !sent.Before(end) {
					return
				}
				err := c.call(l.next(w, n))
				// What is answered inside the window counts, wherever it began.
				if done := time.Now(); !done.Before(begin) && done.Before(end) {
					tallies[w].count(done.Sub(sent), err)
				}
				if err != nil && c.client == nil {
					return // there is nobody to talk to any more
				}
			}
		})
	}
	used := watchCPU(l.pid, begin, end)
	workers.Wait()
	return summarise(tallies, l.measure, <-used), nil
}

// openLoop sends rate requests per second whatever becomes of them: as long as
// all clients are busy, requests wait, and their wait counts, for a latency begins
// when its request was due (else a stalled server would hide its stall).
func openLoop(l load, rate int) (summary, error) {
	clients, err := dialAll(l.address, l.clients)
	if err != nil {
		return summary{}, err
	}
	first := time.Now()
	begin := first.Add(l.warm)
	due := schedule(first, rate, l.warm+l.measure)
	tallies := make([]tally, l.clients)
	var workers sync.WaitGroup
	for w := range clients {
		workers.Go(func() {
			c := &caller{client: clients[w], load: &l}
			defer c.close()
			n := 0
			for at := range due {
				err := c.call(l.next(w, n))
				if !at.Before(begin) {
					tallies[w].count(time.Since(at), err)
				}
				if err != nil && c.client == nil {
					return
				}
				n++
			}
		})
	}
	used := watchCPU(l.pid, begin, begin.Add(l.measure))
	workers.Wait()
	for range due {
		tallies[0].fail(errNobodyLeft)
	}
	return summarise(tallies, l.measure, <-used), nil
}

var errNobodyLeft = errors.New("every connection is lost")

func (t *tally) count(took time.Duration, err error) {
	if err != nil {
		t.fail(err)
		return
	}
	t.latency.record(took)
}

// schedule sends the moments at which requests are due, each when it has come,
// and closes the channel at the end. It never waits for a receiver.
func schedule(first time.Time, rate int, length time.Duration) <-chan time.Time {
	total := int(length.Seconds() * float64(rate))
	due := make(chan time.Time, total)
	go func() {
		defer close(due)
		for i := range total {
			at := first.Add(time.Duration(i) * time.Second / time.Duration(rate))
			sleepUntil(at)
			due <- at
			runtime.Gosched() // to the worker that has just become ready: sleepUntil would keep its P
		}
	}()
	return due
}

func dialAll(address string, n int) ([]*client, error) {
	clients := make([]*client, n)
	for i := range clients {
		c, err := dial(address)
		if err != nil {
			for _, open := range clients[:i] {
				open.close()
			}
			return nil, err
		}
		clients[i] = c
	}
	return clients, nil
}

// caller is a client that dials again when its connection is gone.
type caller struct {
	*client
	load *load
}

func (c *caller) close() {
	if c.client != nil {
		c.client.close()
	}
}

// call sends one request; the error says why its answer is no success.
func (c *caller) call(request []byte) error {
	status, body, err := c.do(request)
	if err != nil {
		c.client.close()
		c.client = nil
		if again, dialErr := dial(c.load.address); dialErr == nil {
			c.client = again
		}
		if !errors.Is(err, errClosing) {
			return err
		}
	}
	if status != c.load.want {
		return fmt.Errorf("status %d: %.200s", status, body)
	}
	return nil
}

func summarise(tallies []tally, measured, cpu time.Duration) summary {
	var all histogram
	s := summary{Seconds: measured.Seconds()}
	for i := range tallies {
		t := &tallies[i]
		all.add(&t.latency)
		s.Errors += t.errors
		if t.sample != nil && s.Error == "" {
			s.Error = t.sample.Error()
		}
	}
	s.Count = int(all.total)
	s.P50, s.P99, s.Max = all.quantile(0.50), all.quantile(0.99), all.max
	if s.Count > 0 {
		s.CPU = cpu / time.Duration(s.Count)
	}
	return s
}

// watchCPU sends the CPU time that a process spends between two moments.
func watchCPU(pid int, begin, end time.Time) <-chan time.Duration {
	used := make(chan time.Duration, 1)
	go func() {
		if pid == 0 {
			used <- 0
			return
		}
		time.Sleep(time.Until(begin))
		before := cpuTime(pid)
		time.Sleep(time.Until(end))
		used <- cpuTime(pid) - before
	}()
	return used
}
