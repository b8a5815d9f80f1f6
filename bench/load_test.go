package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func hello(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }

func testLoad(address string) load {
	return load{address: address, clients: 4, want: 200, next: cycle([][]byte{request("GET", "/", nil)}),
		warm: 20 * time.Millisecond, measure: 300 * time.Millisecond}
}

func TestAClosedLoopCountsWhatIsAnswered(t *testing.T) {
	t.Parallel()
	var served atomic.Int64
	s, err := closedLoop(testLoad(serve(t, func(w http.ResponseWriter, r *http.Request) {
		served.Add(1)
		time.Sleep(5 * time.Millisecond)
		hello(w, r)
	})))
	if err != nil || s.Errors != 0 {
		t.Fatal(err, s)
	}
	// Four clients, 5 ms each: at most 240 in 300 ms; a busy machine does fewer.
	if s.Count < 4 || s.Count > 260 || int64(s.Count) > served.Load() || s.P50 < 5*time.Millisecond || s.P99 < s.P50 {
		t.Errorf("%+v of %d served", s, served.Load())
	}
}

func TestOtherAnswersCountAsErrorsAndAreShown(t *testing.T) {
	t.Parallel()
	s, err := closedLoop(testLoad(serve(t, func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(time.Millisecond)
		http.Error(w, "too many", http.StatusServiceUnavailable)
	})))
	if err != nil || s.Count != 0 || s.Errors == 0 || s.Error != "status 503: too many\n" {
		t.Errorf("%v %+v", err, s)
	}
}

func TestALoopSurvivesConnectionsThatAreClosed(t *testing.T) {
	t.Parallel()
	s, err := closedLoop(testLoad(serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		hello(w, r)
	})))
	if err != nil || s.Count < 4 || s.Errors != 0 {
		t.Errorf("%v %+v", err, s)
	}
}

func TestAnOpenLoopKeepsItsRate(t *testing.T) {
	t.Parallel()
	s, err := openLoop(testLoad(serve(t, hello)), 500)
	if err != nil || s.Errors != 0 {
		t.Fatal(err, s)
	}
	if s.Count != 150 {
		t.Errorf("%d of 150 requests were sent", s.Count)
	}
}

func TestAnOpenLoopSeesTheStallThatItsClientsWaitedThrough(t *testing.T) {
	t.Parallel()
	const stall = 200 * time.Millisecond
	var once atomic.Bool
	gate := make(chan struct{})
	l := testLoad(serve(t, func(w http.ResponseWriter, r *http.Request) {
		if once.CompareAndSwap(false, true) {
			time.AfterFunc(stall, func() { close(gate) })
		}
		<-gate
		hello(w, r)
	}))
	l.warm = 0
	s, err := openLoop(l, 500)
	if err != nil || s.Errors != 0 {
		t.Fatal(err, s)
	}
	// 100 of the 150 requests were due during the stall, at even distances: the median waited for a
	// quarter of it and more. Only four had been sent, so counting from the sending would show next to nothing.
	if s.Count != 150 || s.P50 < stall/5 || s.P99 < stall*3/4 {
		t.Errorf("%+v", s)
	}
}

func TestTheScheduleIsEvenAndNeverEarly(t *testing.T) {
	t.Parallel()
	first := time.Now()
	n := 0
	for at := range schedule(first, 1000, 100*time.Millisecond) {
		if want := first.Add(time.Duration(n) * time.Millisecond); !at.Equal(want) {
			t.Fatalf("request %d is due at %v, want %v", n, at.Sub(first), want.Sub(first))
		}
		if early := time.Until(at); early > 0 {
			t.Fatalf("request %d comes %v early", n, early)
		}
		n++
	}
	if n != 100 {
		t.Errorf("%d requests", n)
	}
}

func TestARunningProcessUsesTimeAndMemory(t *testing.T) {
	t.Parallel()
	if cpuTime(1<<30) != 0 || residentMB(1<<30) != 0 {
		t.Error("a process that is not there uses something")
	}
	if text := machine(); text == "" {
		t.Error("no machine")
	}
}
