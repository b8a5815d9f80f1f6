package secret

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
	"pgregory.net/rapid"

	"hecate"
)

// cheap is a cost that keeps the tests quick.
var cheap = Cost{Memory: 64, Time: 1, Threads: 1}

func cheapHasher(t testing.TB, c Config) *Hasher {
	t.Helper()
	c.Cost = cheap
	h := NewHasher(c)
	t.Cleanup(h.Close)
	return h
}

const horse = "correct horse"

// vectors are hashes that other programs made: crypt(3) and hashlib of Python,
// and the argon2 reference implementation.
var vectors = []struct{ name, password, hash string }{
	{"argon2id of the reference program", "password", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"},
	{"argon2id in two lanes", "password", "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"},
	{"argon2i of the reference program", "password", "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8"},
	{"Django argon2i", "password", "argon2$argon2i$v=19$m=256,t=2,p=2$c29tZXNhbHQ$T/XOJ2mh1/TIpJHfCdQan76Q5esCFVoT5MAeIM1Oq2E"},
	{"Django argon2id", "password", "argon2$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"},
	{"bcrypt 2a", horse, "$2a$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e"},
	{"bcrypt 2b", horse, "$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e"},
	{"bcrypt 2y, not ASCII", "pässwörd", "$2y$04$abcdefghijklmnopqrstuuyx2n0Zzopyr9QuYTMCfOJJOj526QVoC"},
	{"bcrypt of 72 bytes", strings.Repeat("x", 72), "$2a$04$abcdefghijklmnopqrstuubzadhGtS2zEF.gu0yd0opP6cVzb.e0i"},
	{"bcrypt of 100 bytes", strings.Repeat("x", 100), "$2a$04$abcdefghijklmnopqrstuubzadhGtS2zEF.gu0yd0opP6cVzb.e0i"},
	{"bcrypt of 71 bytes", strings.Repeat("x", 71), "$2a$04$abcdefghijklmnopqrstuu.gc7UY/21CSNJGJg21jJzx9QiOpJ9bO"},
	{"Django bcrypt", horse, "bcrypt$$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e"},
	{"Django bcrypt_sha256", horse, "bcrypt_sha256$$2b$04$abcdefghijklmnopqrstuuIvyWZlBcE3WoQXKqRnwrLYJ6nenE0Bq"},
	{"Django pbkdf2_sha256", "pässwörd", "pbkdf2_sha256$100000$kD3f9Qm2xYzA$w9nSkfu4HelPPEduCSJJ1viqNrVZ/K+B7yDU8j75oAw="},
	{"Django pbkdf2_sha256, older", "pässwörd", "pbkdf2_sha256$12000$kD3f9Qm2xYzA$vbq3VfvGkWYZ3q5vzZuXsCVn1pRHt5e+FJyHFl+vXIM="},
	{"Django pbkdf2_sha1", "pässwörd", "pbkdf2_sha1$1000$kD3f9Qm2xYzA$46KBaaUnd/QB/rmGR/YlYPmOjPI="},
	{"chain of bcrypt", horse, "chain$bcrypt$JDJhJDA0JGFiY2RlZmdoaWprbG1ub3BxcnN0dXVqeWRPVFNmSUgvZDVvVUhwc3lncVY1WDl4SkxRYzZl"},
	{"chain of plaintext and bcrypt", horse, "chain$plaintext,bcrypt$JDJhJDA0JGFiY2RlZmdoaWprbG1ub3BxcnN0dXVqeWRPVFNmSUgvZDVvVUhwc3lncVY1WDl4SkxRYzZl"},
	{"chain of sha-1 and bcrypt, through text", horse, "chain$sha-1,bcrypt$JDJhJDA0JGFiY2RlZmdoaWprbG1ub3BxcnN0dXVhOWdqTTR3bC5NZXJ0dDBtYlFDcmtSVG5HdVA3eXRP"},
	{"chain of md5 and bcrypt", horse, "chain$md5,bcrypt$JDJhJDA0JGFiY2RlZmdoaWprbG1ub3BxcnN0dXVlS2p5dENmSnJiTnpDb1pObk11VmR2Wm1RUVFkMk1t"},
	{"chain of sha-1", horse, "chain$sha-1$L55TUjtiq8FBorTWAZ0jy6g129A"},
	{"chain of sha-1, padded", horse, "chain$sha-1$L55TUjtiq8FBorTWAZ0jy6g129A="},
	{"chain of sha-1 with a salt", horse, "chain$sha-1$Jr73ITBwX3eUGEm7r6lrsa3zNRU$cGVwcGVyJnNhbHQ"},
	{"chain of md5", horse, "chain$md5$M2NiNGU3MzI2MzFmNDdlNmViOTYxZjM0NTU0YjdjZGU"},
	{"chain of md5 and sha-1", horse, "chain$md5,sha-1$0S3SmipYwcjPw93qTtw5f_BkYy8"},
}

func TestVerify(t *testing.T) {
	t.Parallel()
	h := cheapHasher(t, Config{Keys: NewKeys(testMaster)})
	for _, v := range vectors {
		t.Run(v.name+" is verified and wants a rehash", func(t *testing.T) {
			if ok, rehash, err := h.Verify(t.Context(), v.hash, v.password); !ok || !rehash || err != nil {
				t.Errorf("right password: %v, %v, %v", ok, rehash, err)
			}
			for _, wrong := range []string{"", "y" + v.password, strings.ToUpper(v.password)} {
				if ok, rehash, err := h.Verify(t.Context(), v.hash, wrong); ok || rehash || err != nil {
					t.Errorf("%q: %v, %v, %v", wrong, ok, rehash, err)
				}
			}
			if err := Check(v.hash); err != nil {
				t.Errorf("Check: %v", err)
			}
		})
	}
	for _, none := range []string{"", "!", "!abc", "unknown", "$2a$10$short", "$argon2id$v=19$m=1,t=1,p=1$$"} {
		t.Run(fmt.Sprintf("no password opens %q", none), func(t *testing.T) {
			for _, p := range []string{"", none, horse} {
				if ok, rehash, err := h.Verify(t.Context(), none, p); ok || rehash || err != nil {
					t.Errorf("%v, %v, %v", ok, rehash, err)
				}
			}
		})
	}
}

func TestHash(t *testing.T) {
	t.Parallel()
	keys := NewKeys(testMaster)
	peppered, plain := cheapHasher(t, Config{Keys: keys}), cheapHasher(t, Config{})
	verify := func(t *testing.T, h *Hasher, hash, password string, wantOK, wantRehash bool) {
		t.Helper()
		if ok, rehash, err := h.Verify(context.Background(), hash, password); ok != wantOK || rehash != wantRehash || err != nil {
			t.Errorf("Verify(%q) = %v, %v, %v", hash, ok, rehash, err)
		}
	}
	t.Run("any password verifies, and no other", rapid.MakeCheck(func(rt *rapid.T) {
		a, b := rapid.String().Draw(rt, "a"), rapid.String().Draw(rt, "b")
		h := rapid.SampledFrom([]*Hasher{peppered, plain}).Draw(rt, "hasher")
		hash, err := h.Hash(context.Background(), a)
		if err != nil {
			rt.Fatal(err)
		}
		verify(t, h, hash, a, true, false)
		verify(t, h, hash, b, a == b, false)
	}))
	t.Run("has the PHC form and names the pepper key", func(t *testing.T) {
		hash, err := peppered.Hash(t.Context(), horse)
		if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=64,t=1,p=1,keyid="+keys.pepID+"$") {
			t.Errorf("%q, %v", hash, err)
		}
		if again, _ := peppered.Hash(t.Context(), horse); again == hash {
			t.Error("two hashes share a salt")
		}
	})
	t.Run("without a pepper verifies under one and wants a rehash, not the other way round", func(t *testing.T) {
		open, _ := plain.Hash(t.Context(), horse)
		keyed, _ := peppered.Hash(t.Context(), horse)
		verify(t, peppered, open, horse, true, true)
		verify(t, plain, keyed, horse, false, false)
		verify(t, plain, strings.Replace(keyed, ",keyid="+keys.pepID, "", 1), horse, false, false)
	})
	t.Run("of another master key never verifies and is not importable", func(t *testing.T) {
		other := cheapHasher(t, Config{Keys: NewKeys([32]byte{1})})
		hash, _ := other.Hash(t.Context(), horse)
		verify(t, peppered, hash, horse, false, false)
		verify(t, peppered, strings.Replace(hash, other.keyID(), keys.pepID, 1), horse, false, false)
		if err := peppered.Check(hash); !errors.Is(err, hecate.Invalid) {
			t.Error(err)
		}
		if err := other.Check(hash); err != nil {
			t.Error(err)
		}
		if err := Check(hash); !errors.Is(err, hecate.Invalid) {
			t.Error(err)
		}
	})
	t.Run("of another cost verifies and wants a rehash", func(t *testing.T) {
		dear := NewHasher(Config{Keys: keys, Cost: Cost{Memory: 128, Time: 1, Threads: 1}})
		defer dear.Close()
		hash, _ := dear.Hash(t.Context(), horse)
		verify(t, peppered, hash, horse, true, true)
		verify(t, dear, hash, horse, true, false)
	})
	t.Run("a dry source of salt is an error", func(t *testing.T) {
		h := cheapHasher(t, Config{Rand: strings.NewReader("dry")})
		if hash, err := h.Hash(t.Context(), horse); err == nil {
			t.Errorf("%q", hash)
		}
	})
	t.Run("costs what OWASP recommends when nothing is said, and never more than can be verified", func(t *testing.T) {
		if c := (Cost{}).orDefault(); c != (Cost{19456, 2, 1}) {
			t.Error(c)
		}
		c := Cost{1 << 30, 1 << 30, 255}.withinLimits()
		hash := argonHash{variant: "argon2id", cost: c, salt: make([]byte, saltSize), sum: make([]byte, sumSize)}
		if err := Check(hash.String()); err != nil {
			t.Error(c, err)
		}
	})
}

func TestCheck(t *testing.T) {
	t.Parallel()
	const salt, sum = "c29tZXNhbHQ", "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	for name, hash := range map[string]string{
		"an unknown form":                     "md5$salt$abc",
		"a clear password":                    "hunter2",
		"argon2 with absurd memory":           "$argon2id$v=19$m=4194304,t=1,p=1$" + salt + "$" + sum,
		"argon2 with absurd time":             "$argon2id$v=19$m=65536,t=4000000000,p=1$" + salt + "$" + sum,
		"argon2 with an absurd product":       "$argon2id$v=19$m=131072,t=5,p=1$" + salt + "$" + sum,
		"argon2 with absurd threads":          "$argon2id$v=19$m=65536,t=1,p=200$" + salt + "$" + sum,
		"argon2 with too little memory":       "$argon2id$v=19$m=8,t=1,p=2$" + salt + "$" + sum,
		"argon2 without passes":               "$argon2id$v=19$m=256,t=0,p=1$" + salt + "$" + sum,
		"argon2 without threads":              "$argon2id$v=19$m=256,t=1,p=0$" + salt + "$" + sum,
		"argon2 with a negative cost":         "$argon2id$v=19$m=-256,t=1,p=1$" + salt + "$" + sum,
		"argon2 of an old version":            "$argon2id$v=16$m=256,t=1,p=1$" + salt + "$" + sum,
		"argon2 without a version":            "$argon2id$m=256,t=1,p=1$" + salt + "$" + sum,
		"argon2 with an unknown parameter":    "$argon2id$v=19$m=256,t=1,p=1,data=abc$" + salt + "$" + sum,
		"argon2 with an empty keyid":          "$argon2id$v=19$m=256,t=1,p=1,keyid=$" + salt + "$" + sum,
		"argon2 without a hash":               "$argon2id$v=19$m=256,t=1,p=1$" + salt + "$",
		"argon2 with a hash of few bytes":     "$argon2id$v=19$m=256,t=1,p=1$" + salt + "$AAAA",
		"argon2 with a short salt":            "$argon2id$v=19$m=256,t=1,p=1$AAAA$" + sum,
		"argon2d":                             "argon2$argon2d$v=19$m=256,t=1,p=1$" + salt + "$" + sum,
		"Django argon2 with no variant":       "argon2$",
		"bcrypt of cost 31":                   "$2a$31$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
		"bcrypt of cost 3":                    "$2a$03$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
		"bcrypt cut short":                    "$2a$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6",
		"bcrypt with a foreign letter":        "$2a$04$abcdefghijklmnopqrstuujydOT=fIH/d5oUHpsygqV5X9xJLQc6e",
		"bcrypt 2x":                           "$2x$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
		"Django bcrypt with nothing":          "bcrypt$",
		"pbkdf2 of absurd length":             "pbkdf2_sha256$4000000000$kD3f9Qm2xYzA$w9nSkfu4HelPPEduCSJJ1viqNrVZ/K+B7yDU8j75oAw=",
		"pbkdf2 of no iterations":             "pbkdf2_sha256$0$kD3f9Qm2xYzA$w9nSkfu4HelPPEduCSJJ1viqNrVZ/K+B7yDU8j75oAw=",
		"pbkdf2 without a salt":               "pbkdf2_sha256$1000$$w9nSkfu4HelPPEduCSJJ1viqNrVZ/K+B7yDU8j75oAw=",
		"pbkdf2 with the wrong size of hash":  "pbkdf2_sha256$1000$kD3f9Qm2xYzA$46KBaaUnd/QB/rmGR/YlYPmOjPI=",
		"pbkdf2 without a hash":               "pbkdf2_sha256$1000$kD3f9Qm2xYzA$",
		"a chain with an unknown step":        "chain$rot13$AAAA",
		"a chain without steps":               "chain$$AAAA",
		"a chain without a secret":            "chain$sha-1$",
		"a chain with bcrypt in the middle":   "chain$bcrypt,sha-1$AAAA",
		"a chain of bcrypt over no bcrypt":    "chain$bcrypt$AAAA",
		"a chain that is endless":             "chain$" + strings.Repeat("md5,", 50) + "md5$AAAA",
		"a chain that holds a clear password": "chain$plaintext$Y29ycmVjdCBob3JzZQ",
		"a text beyond all length":            "!" + strings.Repeat("x", 5000),
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			err := Check(hash)
			if !errors.Is(err, hecate.Invalid) || hecate.Detail(err).Field != "hash" || strings.Contains(err.Error(), hash) {
				t.Errorf("err = %v", err)
			}
		})
	}
	for _, none := range []string{"", "!", "!disabled"} {
		if err := Check(none); err != nil {
			t.Errorf("Check(%q) = %v", none, err)
		}
	}
	t.Run("a clear password in a chain still verifies, so that it can be replaced", func(t *testing.T) {
		h := cheapHasher(t, Config{})
		if ok, rehash, err := h.Verify(t.Context(), "chain$plaintext$Y29ycmVjdCBob3JzZQ", horse); !ok || !rehash || err != nil {
			t.Errorf("%v, %v, %v", ok, rehash, err)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, v := range vectors {
		f.Add(v.hash)
	}
	f.Add("chain$,$$")
	f.Add("$2a$04$")
	f.Fuzz(func(t *testing.T, hash string) {
		if s, err := parse(hash); (s == nil) == (err == nil) {
			t.Errorf("parse = %v, %v", s, err)
		}
		_ = Check(hash)
	})
}

func TestTextIsWhatJavaReads(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{ // printed by new String(bytes, UTF_8) of Java 17; ? is U+FFFD
		"\xe2\x82": "?", "\xe2\x82A": "?A", "\xed\xa0\x80": "?", "\xed\xa0A": "?A", "\xed": "?", "\xf0\x90\x8f": "?",
		"\xf0\x90A": "?A", "\xf0\x80A\x80": "??A?", "\xf4\x8f\xbf\xc0": "??", "\xf4\x90": "??", "\xc0\xaf": "??", "\xc3A": "?A",
		"\x80": "?", "\xff\xfe": "??", "\xe0\x80\xaf": "???", "\xf8\x80\x80\x80": "????", "A€😀": "A€😀", "\xf0\x9f\x98": "?",
		"\xc2": "?", "\xe2\xe2\x82\xac": "?€", "\xee\x80\x80\xed\xbf\xbf\xed\x9f\xbf": "\ue000?\ud7ff", "": "",
	} {
		if got := string(asText([]byte(raw))); got != strings.ReplaceAll(want, "?", "\ufffd") {
			t.Errorf("%x becomes %q, want %q", raw, got, want)
		}
	}
}

// In a synctest bubble Wait returns when every other goroutine waits, so the
// tests of the pool need no sleeping.
func TestPool(t *testing.T) {
	t.Parallel()
	// busy occupies one slot until the returned function is called.
	busy := func(t *testing.T, p *pool) (done func()) {
		t.Helper()
		free := make(chan struct{})
		go func() {
			if err := p.run(context.Background(), "work", func() { <-free }); err != nil {
				t.Error(err)
			}
		}()
		synctest.Wait()
		return func() { close(free); synctest.Wait() }
	}
	bubble := func(name string, f func(t *testing.T)) {
		t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
	}
	bubble("a full queue answers TooMany with a time to come back", func(t *testing.T) {
		h := NewHasher(Config{Workers: 1, Queue: 1, Cost: cheap})
		done := busy(t, h.pool)
		var waited error
		go func() { _, waited = h.Hash(context.Background(), horse) }()
		synctest.Wait()
		_, hashErr := h.Hash(t.Context(), horse)
		_, _, verifyErr := h.Verify(t.Context(), "", horse)
		for _, err := range []error{hashErr, verifyErr} {
			if !errors.Is(err, hecate.TooMany) || hecate.Detail(err).RetryAfter != time.Second {
				t.Errorf("err = %v", err)
			}
		}
		done()
		if _, err := h.Hash(t.Context(), horse); err != nil || waited != nil {
			t.Errorf("after the storm: %v, %v", err, waited)
		}
	})
	bubble("a caller that gives up leaves the queue and is not worked for", func(t *testing.T) {
		p := newPool(1, 1)
		done := busy(t, p)
		ctx, cancel := context.WithCancel(t.Context())
		var gaveUp, next error
		worked := 0
		go func() { gaveUp = p.run(ctx, "work", func() { t.Error("worked for nobody") }) }()
		synctest.Wait()
		cancel()
		synctest.Wait()
		if !errors.Is(gaveUp, context.Canceled) {
			t.Errorf("err = %v", gaveUp)
		}
		go func() { next = p.run(context.Background(), "work", func() { worked++ }) }() // its place is free
		synctest.Wait()
		done()
		if next != nil || worked != 1 || p.waiting.Load() != 0 {
			t.Errorf("err = %v, worked %d, waiting %d", next, worked, p.waiting.Load())
		}
	})
	bubble("a caller that came too late is not worked for", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := newPool(1, 1).run(ctx, "work", func() { t.Error("worked") }); !errors.Is(err, context.Canceled) {
			t.Errorf("err = %v", err)
		}
	})
	bubble("no more work at once than there are workers", func(t *testing.T) {
		p := newPool(3, 100)
		var mu sync.Mutex
		now, most := 0, 0
		for range 50 {
			go func() {
				err := p.run(context.Background(), "work", func() {
					mu.Lock()
					now++
					most = max(most, now)
					mu.Unlock()
					time.Sleep(time.Second) // of the bubble's clock
					mu.Lock()
					now--
					mu.Unlock()
				})
				if err != nil {
					t.Error(err)
				}
			}()
		}
		time.Sleep(time.Hour)
		mu.Lock()
		defer mu.Unlock()
		if most != 3 || now != 0 {
			t.Errorf("most %d, now %d", most, now)
		}
	})
	bubble("work that panics gives its slot back", func(t *testing.T) {
		p := newPool(1, -1)
		func() {
			defer func() { _ = recover() }()
			_ = p.run(t.Context(), "work", func() { panic("x") })
		}()
		if err := p.run(t.Context(), "work", func() {}); err != nil {
			t.Error(err)
		}
	})
	bubble("closing refuses who waits, and waits for who works", func(t *testing.T) {
		p := newPool(1, 1)
		done := busy(t, p)
		var waited error
		closed := false
		go func() { waited = p.run(context.Background(), "work", func() { t.Error("worked") }) }()
		synctest.Wait()
		go func() { p.close(); closed = true }()
		synctest.Wait()
		if !errors.Is(waited, hecate.TooMany) || closed {
			t.Errorf("err = %v, closed %v", waited, closed)
		}
		done()
		p.close() // a second time does nothing
		if err := p.run(t.Context(), "work", func() {}); !errors.Is(err, hecate.TooMany) || !closed {
			t.Errorf("err = %v, closed %v", err, closed)
		}
	})
}

func TestProcsAreCPUsAndWorkers(t *testing.T) {
	t.Parallel()
	if Procs(3) != runtime.NumCPU()+3 || Procs(0) != 2*runtime.NumCPU() {
		t.Error(Procs(3), Procs(0))
	}
}

func BenchmarkHash(b *testing.B) {
	h := NewHasher(Config{Keys: NewKeys(testMaster)})
	defer h.Close()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Hash(b.Context(), horse); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkVerify shows that the refusals cost what they should: each line but
// the first two adds its form's own work to the second.
func BenchmarkVerify(b *testing.B) {
	h := NewHasher(Config{Keys: NewKeys(testMaster)})
	defer h.Close()
	ours, err := h.Hash(b.Context(), horse)
	if err != nil {
		b.Fatal(err)
	}
	b10, err := bcrypt.GenerateFromPassword([]byte(horse), 10)
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct{ name, hash, password string }{
		{"ours, wrong", ours, "x"}, {"unknown user", "", "x"}, {"chain of sha-1, wrong", "chain$sha-1$L55TUjtiq8FBorTWAZ0jy6g129A", "x"},
		{"ours, right", ours, horse}, {"bcrypt 10, right", string(b10), horse}, {"bcrypt 10, wrong", string(b10), "x"},
		{"pbkdf2 100000, wrong", "pbkdf2_sha256$100000$kD3f9Qm2xYzA$w9nSkfu4HelPPEduCSJJ1viqNrVZ/K+B7yDU8j75oAw=", "x"},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				if _, _, err := h.Verify(b.Context(), c.hash, c.password); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkOnAllCPUs is the login rate beside the machine's limit. Run it under
// several GOGC to see what the collector takes.
func BenchmarkOnAllCPUs(b *testing.B) {
	h := NewHasher(Config{Keys: NewKeys(testMaster)})
	defer h.Close()
	salt := make([]byte, saltSize)
	for _, c := range []struct {
		name string
		work func() error
	}{
		{"bare argon2id", func() error { argon2.IDKey([]byte(horse), salt, 2, 19456, 1, sumSize); return nil }},
		{"Hash", func() error { _, err := h.Hash(context.Background(), horse); return err }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := c.work(); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
