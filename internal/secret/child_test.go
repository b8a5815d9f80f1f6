//go:build unix

package secret

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// The test binary is its own child: the first argument says what it plays.
const (
	playParent  = "play-parent"  // hashes once in a child, prints the child's pid, waits to be killed
	playGarbage = "play-garbage" // answers what no child would
	playSilent  = "play-silent"  // reads and never answers
	playLeaky   = "play-leaky"   // ends with failure if it inherited any environment, else is a child
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		if role, ok := roles[os.Args[1]]; ok {
			role()
			return
		}
	}
	os.Exit(m.Run())
}

var roles = map[string]func(){
	childMark: func() { _ = ServeChild(os.Stdin, os.Stdout) },
	playGarbage: func() {
		fmt.Println("hecate: error: unexpected argument, and so on for more than a frame")
	},
	playSilent: func() { _, _ = bufio.NewReader(os.Stdin).ReadString(0) },
	playLeaky: func() {
		if len(os.Environ()) > 0 {
			os.Exit(1)
		}
		_ = ServeChild(os.Stdin, os.Stdout)
	},
	playParent: func() {
		h := NewHasher(Config{Cost: cheap, Children: play(childMark)})
		_, _ = h.Hash(context.Background(), horse)
		fmt.Println(h.children.idle[0].process.Process.Pid)
		select {}
	},
}

func play(role string) []string { return []string{os.Args[0], role} }

// childHasher fails the test when its children do not do the work.
func childHasher(t *testing.T, c Config) *Hasher {
	t.Helper()
	c.Children = play(playLeaky)
	c.Trouble = func(err error) { t.Errorf("trouble: %v", err) }
	return cheapHasher(t, c)
}

func (h *Hasher) childPIDs() (pids []int) {
	h.children.mu.Lock()
	defer h.children.mu.Unlock()
	for _, w := range h.children.idle {
		pids = append(pids, w.process.Process.Pid)
	}
	return pids
}

func TestHashingInChildren(t *testing.T) {
	t.Parallel()
	keys := NewKeys(testMaster)
	h, here := childHasher(t, Config{Keys: keys}), cheapHasher(t, Config{Keys: keys})
	verify := func(t *testing.T, h *Hasher, hash, password string, wantOK, wantRehash bool) {
		t.Helper()
		if ok, rehash, err := h.Verify(t.Context(), hash, password); ok != wantOK || rehash != wantRehash || err != nil {
			t.Errorf("Verify(%q) = %v, %v, %v", hash, ok, rehash, err)
		}
	}
	t.Run("makes and reads the same hashes as in the server", func(t *testing.T) {
		fromChild, err := h.Hash(t.Context(), horse)
		if err != nil {
			t.Fatal(err)
		}
		fromHere, err := here.Hash(t.Context(), horse)
		if err != nil {
			t.Fatal(err)
		}
		for _, hash := range []string{fromChild, fromHere} {
			for _, hasher := range []*Hasher{h, here} {
				verify(t, hasher, hash, horse, true, false)
				verify(t, hasher, hash, "wrong", false, false)
			}
		}
	})
	t.Run("reads every form from elsewhere", func(t *testing.T) {
		for _, v := range vectors {
			verify(t, h, v.hash, v.password, true, true)
			verify(t, h, v.hash, "y"+v.password, false, false)
		}
		for _, none := range []string{"", "!", "unknown", "$argon2id$v=19$m=1,t=1,p=1$$"} {
			verify(t, h, none, horse, false, false)
		}
	})
	t.Run("takes a password of a megabyte", func(t *testing.T) {
		long := strings.Repeat("x", 1<<20)
		plain := childHasher(t, Config{})
		hash, err := plain.Hash(t.Context(), long)
		if err != nil {
			t.Fatal(err)
		}
		verify(t, plain, hash, long, true, false)
	})
}

func TestManyCallersShareAFewChildren(t *testing.T) {
	t.Parallel()
	h := childHasher(t, Config{Workers: 2})
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			password := strconv.Itoa(i)
			for range 5 {
				hash, err := h.Hash(t.Context(), password)
				if err != nil {
					t.Error(err)
					return
				}
				if ok, _, err := h.Verify(t.Context(), hash, password); !ok || err != nil {
					t.Errorf("%v, %v", ok, err)
				}
				if ok, _, err := h.Verify(t.Context(), hash, password+"x"); ok || err != nil {
					t.Errorf("wrong password: %v, %v", ok, err)
				}
			}
		})
	}
	all.Wait()
	if n := len(h.childPIDs()); n < 1 || n > 2 {
		t.Errorf("%d children for 2 workers", n)
	}
}

func TestAKilledChildIsReplaced(t *testing.T) {
	t.Parallel()
	t.Run("while it rests", func(t *testing.T) {
		t.Parallel()
		h := childHasher(t, Config{Workers: 1})
		before := mustHash(t, h)
		kill(t, before)
		if after := mustHash(t, h); after == before {
			t.Error("the dead child is still there")
		}
	})
	t.Run("in the middle of a job", func(t *testing.T) {
		t.Parallel()
		slow := NewHasher(Config{
			Workers: 1, Children: play(childMark), Cost: Cost{Memory: 32 << 10, Time: 16},
			Trouble: func(err error) { t.Errorf("trouble: %v", err) },
		})
		t.Cleanup(slow.Close)
		victim := mustHash(t, slow)
		done := make(chan int)
		go func() { done <- mustHash(t, slow) }()
		for len(slow.childPIDs()) > 0 { // it has been taken
			time.Sleep(time.Millisecond)
		}
		time.Sleep(10 * time.Millisecond)
		kill(t, victim)
		if after := <-done; after == victim {
			t.Error("the child was not killed in its job")
		}
	})
}

// mustHash hashes once and returns the pid of the child that did it.
func mustHash(t *testing.T, h *Hasher) int {
	t.Helper()
	hash, err := h.Hash(context.Background(), horse)
	if err != nil || hash == "" {
		t.Errorf("Hash = %q, %v", hash, err)
	}
	pids := h.childPIDs()
	if len(pids) != 1 {
		t.Errorf("children: %v", pids)
		return 0
	}
	return pids[0]
}

func kill(t *testing.T, pid int) {
	t.Helper()
	if pid == 0 {
		t.FailNow()
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Error(err)
	}
}

func TestWhereChildrenFailTheServerHashes(t *testing.T) {
	t.Parallel()
	for name, command := range map[string][]string{
		"because they cannot be started": {"/nowhere/at/all"},
		"because they answer garbage":    play(playGarbage),
		"because they end at once":       {"/bin/true"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var told atomic.Int32
			h := cheapHasher(t, Config{Children: command, Trouble: func(error) { told.Add(1) }})
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					hash, err := h.Hash(t.Context(), horse)
					if err != nil {
						t.Error(err)
					}
					if ok, rehash, err := h.Verify(t.Context(), hash, horse); !ok || rehash || err != nil {
						t.Errorf("%v, %v, %v", ok, rehash, err)
					}
				})
			}
			all.Wait()
			if told.Load() != 1 {
				t.Errorf("trouble was told %d times", told.Load())
			}
			if pids := h.childPIDs(); len(pids) != 0 {
				t.Errorf("kept %v", pids)
			}
		})
	}
}

func TestASilentChildIsGivenUp(t *testing.T) {
	t.Parallel()
	w, err := startChild(play(playSilent))
	if err != nil {
		t.Fatal(err)
	}
	w.limit = 50 * time.Millisecond
	if _, err := w.do(job{hash: vectors[0].hash}); err == nil {
		t.Error("no error")
	}
	w.kill()
}

func TestChildrenEnd(t *testing.T) {
	t.Parallel()
	t.Run("after a rest", func(t *testing.T) {
		t.Parallel()
		h := childHasher(t, Config{Workers: 1})
		h.children.rest = 20 * time.Millisecond
		if _, err := h.Hash(t.Context(), horse); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "the child's rest", func() bool { return len(h.childPIDs()) == 0 })
		h.children.rest = time.Hour
		mustHash(t, h)
	})
	t.Run("with the hasher", func(t *testing.T) {
		t.Parallel()
		h := childHasher(t, Config{Workers: 1})
		pid := mustHash(t, h)
		h.Close()
		if alive(pid) {
			t.Error("the child lives")
		}
		h.Close()
	})
	t.Run("with a parent that is killed", func(t *testing.T) {
		t.Parallel()
		parent := exec.Command(os.Args[0], playParent)
		out, err := parent.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := parent.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		pid, atoi := strconv.Atoi(strings.TrimSpace(line))
		if err != nil || atoi != nil || !alive(pid) {
			t.Errorf("child %q: %v, %v", line, err, atoi)
		}
		_ = parent.Process.Kill()
		_ = parent.Wait()
		waitFor(t, "the child's end", func() bool { return !alive(pid) })
	})
}

// alive reports whether pid runs; one that has ended may wait for its new parent to notice.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || !strings.Contains(string(stat), ") Z ")
}

func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func TestAChildRefusesWhatItDoesNotUnderstand(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		"x", "GET / HTTP/1.1\r\n\r\n", "\x00\x00\x00\x04abcd", "\x00\x00\x00\x0912345678x",
		"\x00\x00\x00\x0d12345678\x00\xff\xff\xff\xff", "\x00\x00\x00\x0d12345678\x00\x00\x00\x00\x00"[:10],
		"\x00\x00\x00\x1012345678\x00\x00\x00\x00\x03$2a",
	} {
		if _, j, err := readJob(strings.NewReader(in)); err == nil {
			if _, err = j.do(); err == nil {
				t.Errorf("%q was taken", in)
			}
		}
	}
}
