package secret

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"hecate"
)

var testMaster = [32]byte([]byte("0123456789abcdef0123456789abcdef"))

func TestSubkeys(t *testing.T) {
	t.Parallel()
	t.Run("are HKDF-SHA256", func(t *testing.T) {
		want, err := hkdf.Key(sha256.New, testMaster[:], nil, "hecate seal", 32)
		if err != nil || !bytes.Equal(subkey(testMaster, "seal", 32), want) {
			t.Errorf("subkey differs from crypto/hkdf (%v)", err)
		}
	})
	t.Run("keep lookup, signature and fingerprint apart", func(t *testing.T) {
		k := NewKeys(testMaster)
		m := hmac.New(sha256.New, subkey(testMaster, "lookup", 32))
		m.Write([]byte("token"))
		if got := k.Lookup("token"); got != base64.RawURLEncoding.EncodeToString(m.Sum(nil)) || len(got) != 43 {
			t.Errorf("Lookup = %q", got)
		}
		if base64.RawURLEncoding.EncodeToString(k.Sign("", []byte("token"))) == k.Lookup("token") {
			t.Error("Sign and Lookup share a key")
		}
		if bytes.Equal(k.Sign("ab", []byte("c")), k.Sign("a", []byte("bc"))) {
			t.Error("context and data run together")
		}
	})
	t.Run("follow the master key and nothing else", func(t *testing.T) {
		other := testMaster
		other[31] ^= 1
		a, b, c := NewKeys(testMaster), NewKeys(testMaster), NewKeys(other)
		if a.Check() != b.Check() || a.Lookup("x") != b.Lookup("x") || len(a.Check()) != 22 {
			t.Error("the same master key gives different keys")
		}
		if a.Check() == c.Check() || a.Lookup("x") == c.Lookup("x") || a.pepID == c.pepID {
			t.Error("different master keys give the same keys")
		}
	})
	t.Run("serve many callers at once", func(t *testing.T) {
		k := NewKeys(testMaster)
		var all sync.WaitGroup
		for i := range 8 {
			clear := fmt.Sprint(i, strings.Repeat("x", i*1000))
			want := NewKeys(testMaster).Lookup(clear)
			all.Go(func() {
				for range 50 {
					if k.Lookup(clear) != want {
						t.Error("Lookup mixes callers up")
					}
				}
			})
		}
		all.Wait()
	})
}

func TestLoadKeys(t *testing.T) {
	t.Parallel()
	want := NewKeys(testMaster).Check()
	text := base64.StdEncoding.EncodeToString(testMaster[:])
	write := func(t *testing.T, text string, mode os.FileMode) string {
		dir := t.TempDir()
		path := filepath.Join(dir, keyFile)
		if err := errors.Join(os.WriteFile(path, []byte(text), mode), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	refused := func(t *testing.T, err error, kind hecate.Kind, say string) {
		t.Helper()
		if !errors.Is(err, kind) || !strings.Contains(err.Error(), say) {
			t.Errorf("err = %v, want %v that says %q", err, kind, say)
		}
		if strings.Contains(err.Error(), text[:20]) {
			t.Errorf("the error shows the key: %v", err)
		}
	}

	for name, env := range map[string]string{
		"hex": hex.EncodeToString(testMaster[:]), "upper-case hex": strings.ToUpper(hex.EncodeToString(testMaster[:])),
		"base64": text, "unpadded base64": strings.TrimRight(text, "="), "a trailing newline": text + "\n",
	} {
		t.Run("the environment may be "+name+" and wins", func(t *testing.T) {
			k, err := LoadKeys(write(t, "nonsense", 0o644), env, false, nil)
			if err != nil || k.Check() != want {
				t.Errorf("err = %v", err)
			}
		})
	}
	t.Run("both base64 alphabets are read", func(t *testing.T) {
		master := [32]byte(bytes.Repeat([]byte{0xfb, 0xff}, 16))
		for _, e := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
			if k, err := LoadKeys("", e.EncodeToString(master[:]), false, nil); err != nil || k.Check() != NewKeys(master).Check() {
				t.Errorf("err = %v", err)
			}
		}
	})
	for _, env := range []string{"short", text + "A", text[:42], hex.EncodeToString(testMaster[:])[:62], text[:20] + "*" + text[21:]} {
		t.Run("a malformed environment is refused, never ignored", func(t *testing.T) {
			_, err := LoadKeys(write(t, text, 0o600), env, true, nil)
			refused(t, err, hecate.Invalid, keyEnv)
		})
	}
	t.Run("the file is read", func(t *testing.T) {
		if k, err := LoadKeys(write(t, text+"\n", 0o600), "", false, nil); err != nil || k.Check() != want {
			t.Errorf("err = %v", err)
		}
	})
	for _, mode := range []os.FileMode{0o640, 0o604, 0o660, 0o610} {
		t.Run(fmt.Sprintf("a file of mode %04o is refused", mode), func(t *testing.T) {
			_, err := LoadKeys(write(t, text, mode), "", true, nil)
			refused(t, err, hecate.Invalid, "chmod 600")
		})
	}
	for name, bad := range map[string]string{"empty": "", "short": text[:40], "long": text + text, "huge": strings.Repeat("A", 1<<16)} {
		t.Run("a file that is "+name+" is refused and kept", func(t *testing.T) {
			dir := write(t, bad, 0o600)
			_, err := LoadKeys(dir, "", true, nil)
			refused(t, err, hecate.Invalid, filepath.Join(dir, keyFile))
			if got, _ := os.ReadFile(filepath.Join(dir, keyFile)); string(got) != bad {
				t.Error("the file was changed")
			}
		})
	}
	t.Run("a directory in its place is refused", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, keyFile), 0o700); err != nil {
			t.Fatal(err)
		}
		_, err := LoadKeys(dir, "", true, nil)
		refused(t, err, hecate.Invalid, "not a regular file")
	})
	t.Run("a lost key is said to be lost, and where it was expected", func(t *testing.T) {
		dir := t.TempDir()
		_, err := LoadKeys(dir, "", false, nil)
		refused(t, err, hecate.NotFound, "lost: expected in "+filepath.Join(dir, keyFile)+" or in "+keyEnv)
		if names(t, dir) != nil {
			t.Error("a file was made")
		}
	})
	t.Run("a new key is made once, in a new directory, for the owner only", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "a", "b")
		first, err := LoadKeys(dir, "", true, bytes.NewReader(testMaster[:]))
		if err != nil || first.Check() != want {
			t.Fatalf("err = %v", err)
		}
		again, err := LoadKeys(dir, "", true, nil)
		if err != nil || again.Check() != want {
			t.Errorf("err = %v", err)
		}
		info, err := os.Stat(filepath.Join(dir, keyFile))
		if err != nil || info.Mode().Perm() != 0o600 || !slices.Equal(names(t, dir), []string{keyFile}) {
			t.Errorf("mode %v, files %v, err %v", info.Mode(), names(t, dir), err)
		}
	})
	t.Run("a dry source of randomness makes no key", func(t *testing.T) {
		dir := t.TempDir()
		if _, err := LoadKeys(dir, "", true, bytes.NewReader(testMaster[:31])); err == nil || names(t, dir) != nil {
			t.Errorf("err = %v, files %v", err, names(t, dir))
		}
	})
	t.Run("processes that start together agree on one key", func(t *testing.T) {
		dir := t.TempDir()
		checks := make([]string, 8)
		var all sync.WaitGroup
		for i := range checks {
			all.Go(func() {
				k, err := LoadKeys(dir, "", true, nil)
				if err != nil {
					t.Error(err)
					return
				}
				checks[i] = k.Check()
			})
		}
		all.Wait()
		if len(slices.Compact(checks)) != 1 || len(names(t, dir)) != 1 {
			t.Errorf("keys %v, files %v", checks, names(t, dir))
		}
	})
}

func names(t *testing.T, dir string) (names []string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		names = append(names, f.Name())
	}
	return names
}

func TestSeal(t *testing.T) {
	t.Parallel()
	k := NewKeys(testMaster)
	t.Run("what was sealed opens, and only unchanged and for its purpose", rapid.MakeCheck(func(t *rapid.T) {
		text := rapid.SliceOf(rapid.Byte()).Draw(t, "text")
		context := rapid.String().Draw(t, "context")
		sealed, err := k.Seal(text, context)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := k.Open(sealed, context); err != nil || !bytes.Equal(got, text) {
			t.Fatalf("Open = %q, %v", got, err)
		}
		if again, _ := k.Seal(text, context); again == sealed {
			t.Fatal("two seals are equal")
		}
		if _, err := k.Open(sealed, context+rapid.StringN(1, 5, -1).Draw(t, "more")); !errors.Is(err, hecate.Internal) {
			t.Fatalf("another context: %v", err)
		}
		broken := []byte(sealed)
		broken[rapid.IntRange(0, len(broken)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, err := k.Open(string(broken), context); err == nil {
			t.Fatalf("%q opens as %q", broken, sealed)
		}
		if _, err := k.Open(sealed[:rapid.IntRange(0, len(sealed)-1).Draw(t, "cut")], context); err == nil {
			t.Fatal("a cut text opens")
		}
	}))
	t.Run("another master key opens nothing", func(t *testing.T) {
		sealed, _ := k.Seal([]byte("x"), "c")
		if _, err := NewKeys([32]byte{}).Open(sealed, "c"); !errors.Is(err, hecate.Internal) {
			t.Errorf("err = %v", err)
		}
	})
}

func TestKeysAreRedacted(t *testing.T) {
	t.Parallel()
	k := NewKeys(testMaster)
	h := NewHasher(Config{Keys: k})
	defer h.Close()
	var logged bytes.Buffer
	slog.New(slog.NewTextHandler(&logged, nil)).Info("start", "keys", k)
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("start", "keys", k)
	encoded, err := json.Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	shown := []string{string(encoded), logged.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		out := fmt.Sprintf(verb, k)
		if out != redacted {
			t.Errorf("%s prints %q", verb, out)
		}
		shown = append(shown, fmt.Sprintf(verb, h), fmt.Sprintf(verb, struct{ k *Keys }{k}))
	}
	seal := subkey(testMaster, "seal", keySize)
	for _, s := range shown {
		for _, leak := range []string{fmt.Sprint(seal), fmt.Sprintf("%x", seal), string(seal), base64.StdEncoding.EncodeToString(seal)} {
			if strings.Contains(s, strings.Trim(leak, "[]")) {
				t.Errorf("a key shows in %q", s)
			}
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	k := NewKeys(testMaster)
	b.ReportAllocs()
	for b.Loop() {
		k.Lookup("0123456789abcdef0123456789abcdef01234567")
	}
}

func BenchmarkSeal(b *testing.B) {
	k := NewKeys(testMaster)
	text := []byte("0123456789abcdef0123456789abcdef01234567")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.Seal(text, "session"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	k := NewKeys(testMaster)
	sealed, err := k.Seal([]byte("0123456789abcdef0123456789abcdef01234567"), "session")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.Open(sealed, "session"); err != nil {
			b.Fatal(err)
		}
	}
}
