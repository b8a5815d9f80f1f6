package secret

import (
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/crypto/chacha20poly1305"

	"hecate"
)

const (
	keySize = 32

	// keyFile is the master key's name inside the data directory.
	keyFile = "master.key"
	// keyEnv is the environment variable that takes its place.
	keyEnv = "HECATE_MASTER_KEY"

	// sealVersion begins every sealed text, so that another cipher can be added later.
	sealVersion = "s1."
)

// b64 is the text form of everything this room makes, except inside PHC strings.
// Strict, so that one value has exactly one text.
var b64 = base64.RawURLEncoding.Strict()

// Keys holds the subkeys derived from the master key, one per purpose. It is
// safe for concurrent use and prints, logs and encodes as "[redacted]". The
// subkeys live in closures only: fmt reads unexported fields, even of a Keys
// inside another struct, without asking Format.
type Keys struct {
	lookup *mac
	sign   *mac
	pepper *mac
	seal   func() (cipher.AEAD, error)
	check  string // names the master key
	pepID  string // names the pepper key inside PHC strings
}

// NewKeys derives the subkeys of master.
func NewKeys(master [32]byte) *Keys {
	sealKey := subkey(master, "seal", keySize)
	return &Keys{
		lookup: newMAC(subkey(master, "lookup", keySize)),
		sign:   newMAC(subkey(master, "sign", keySize)),
		pepper: newMAC(subkey(master, "pepper", keySize)),
		seal:   func() (cipher.AEAD, error) { return chacha20poly1305.NewX(sealKey) },
		check:  b64.EncodeToString(subkey(master, "check", 16)),
		pepID:  base64.RawStdEncoding.EncodeToString(subkey(master, "pepper id", 6)),
	}
}

// subkey derives size bytes, at most 32, for one purpose: HKDF-SHA256 without
// salt (RFC 5869), whose first block is all that is ever needed.
func subkey(master [32]byte, purpose string, size int) []byte {
	extract := hmac.New(sha256.New, make([]byte, sha256.Size))
	extract.Write(master[:])
	expand := hmac.New(sha256.New, extract.Sum(nil))
	expand.Write([]byte("hecate " + purpose + "\x01"))
	return expand.Sum(nil)[:size]
}

// LoadKeys finds the master key and derives its subkeys. env, the text of
// HECATE_MASTER_KEY (32 bytes as hex or base64), wins when it is not empty; else
// the key is the file master.key in dataDir, which is made from rand (nil: the
// system's) when it is missing and create is true. A missing key is NotFound, a
// malformed one or a file that others may read is Invalid.
func LoadKeys(dataDir string, env string, create bool, rand io.Reader) (*Keys, error) {
	if strings.TrimSpace(env) != "" {
		master, err := decodeKey(env)
		if err != nil {
			return nil, hecate.E(hecate.Invalid, "load master key").On(keyEnv).Because(err)
		}
		return NewKeys(master), nil
	}
	path := filepath.Join(dataDir, keyFile)
	master, err := readKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		if !create {
			return nil, hecate.E(hecate.NotFound, "load master key").Because(fmt.Errorf(
				"the master key is lost: expected in %s or in %s; without it the stored tokens, sealed secrets and passwords cannot be used", path, keyEnv))
		}
		master, err = createKey(path, rand)
	}
	if err != nil {
		return nil, err
	}
	return NewKeys(master), nil
}

// decodeKey reads 32 bytes from hex or base64. Its errors never quote the text.
func decodeKey(text string) (key [32]byte, err error) {
	text = strings.TrimSpace(text)
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != keySize {
		// Both alphabets, padded or not: people paste what their tool printed.
		plain := strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(text, "="))
		raw, err = b64.DecodeString(plain)
	}
	if err != nil || len(raw) != keySize {
		return key, errors.New("the master key is malformed: want 32 bytes as base64 or as 64 hex digits")
	}
	copy(key[:], raw)
	return key, nil
}

// readKey reads the key file; the error wraps fs.ErrNotExist when there is none.
func readKey(path string) (key [32]byte, err error) {
	const op = "load master key"
	info, err := os.Stat(path)
	if err != nil {
		return key, fmt.Errorf("%s: %w", op, err)
	}
	if !info.Mode().IsRegular() {
		return key, hecate.E(hecate.Invalid, op).Because(fmt.Errorf("%s is not a regular file", path))
	}
	if perm := info.Mode().Perm(); perm&0o077 != 0 {
		return key, hecate.E(hecate.Invalid, op).Because(fmt.Errorf(
			"%s may be used by others (mode %04o): run chmod 600 on it, and consider the key known to whoever could read it", path, perm))
	}
	f, err := os.Open(path)
	if err != nil {
		return key, fmt.Errorf("%s: %w", op, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 1024))
	if err != nil {
		return key, fmt.Errorf("%s: %w", op, err)
	}
	key, err = decodeKey(string(text))
	if err != nil {
		return key, hecate.E(hecate.Invalid, op).Because(fmt.Errorf("%s: %w", path, err))
	}
	return key, nil
}

// createKey makes a key and the file that holds it. The file appears whole or
// not at all, and survives power loss; when another process made one
// meanwhile, that one is returned.
func createKey(path string, random io.Reader) (key [32]byte, err error) {
	if _, err := io.ReadFull(source(random), key[:]); err != nil {
		return key, fmt.Errorf("create master key: %w", err)
	}
	err = placeFile(path, []byte(base64.StdEncoding.EncodeToString(key[:])+"\n"))
	if errors.Is(err, fs.ErrExist) {
		return readKey(path)
	}
	if err != nil {
		return key, fmt.Errorf("create master key: %w", err)
	}
	return key, nil
}

// placeFile writes a new 0600 file durably; fs.ErrExist when path is taken.
func placeFile(path string, text []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	temp, err := os.CreateTemp(dir, filepath.Base(path)+".*.new") // made with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // gone already when it was renamed
	if err := writeSync(temp, text); err != nil {
		return err
	}
	// A link, unlike a rename, never replaces the key another process just made.
	err = os.Link(temp.Name(), path)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		err = os.Rename(temp.Name(), path) // a file system without links
	}
	if err != nil {
		return err
	}
	return syncDir(dir)
}

func writeSync(f *os.File, text []byte) error {
	_, err := f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Check returns a short fingerprint of the master key. It gives nothing of the
// key away; stored in the database, it tells at start that the key is another.
func (k *Keys) Check() string { return k.check }

// Lookup returns the keyed hash under which the database finds the token or
// key clear: 43 characters, base64url unpadded.
func (k *Keys) Lookup(clear string) string {
	var sum [sha256.Size]byte
	k.lookup.sum(sum[:0], clear)
	var text [(sha256.Size*8 + 5) / 6]byte
	b64.Encode(text[:], sum[:]) // EncodeToString would allocate twice
	return string(text[:])
}

// Seal encrypts clear so that only Open with the same context reads it.
// context says what the secret is and whose; it is bound, not stored.
func (k *Keys) Seal(clear []byte, context string) (string, error) {
	const n = chacha20poly1305.NonceSizeX
	box := make([]byte, n, n+len(clear)+chacha20poly1305.Overhead)
	// The nonce is the system's randomness always, never Config's: a repeated
	// nonce would open the box, which no test clockwork is worth.
	if _, err := rand.Read(box); err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	aead, err := k.seal()
	if err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	box = aead.Seal(box, box[:n], clear, []byte(sealVersion+context))
	return sealVersion + b64.EncodeToString(box), nil
}

// Open returns what Seal sealed. A text that was changed, sealed under another
// master key or for another context is Internal: nothing a caller did.
func (k *Keys) Open(sealed, context string) ([]byte, error) {
	const op, n = "open sealed secret", chacha20poly1305.NonceSizeX
	text, ok := strings.CutPrefix(sealed, sealVersion)
	if !ok {
		return nil, hecate.E(hecate.Internal, op).Says("unknown format")
	}
	box, err := b64.DecodeString(text)
	if err != nil || len(box) < n {
		return nil, hecate.E(hecate.Internal, op).Says("damaged text")
	}
	aead, err := k.seal()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	clear, err := aead.Open(nil, box[:n], box[n:], []byte(sealVersion+context))
	if err != nil {
		return nil, hecate.E(hecate.Internal, op).Says("damaged, or sealed under another master key or for another purpose")
	}
	return clear, nil
}

// Sign returns the HMAC-SHA256 of data for one purpose, named by context.
// Compare it with hmac.Equal, or as text with Equal.
func (k *Keys) Sign(context string, data []byte) []byte {
	// The length in front keeps ("ab", "c") apart from ("a", "bc").
	text := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(context)+len(data)), uint64(len(context)))
	text = append(append(text, context...), data...)
	return k.sign.sum(nil, string(text))
}

const redacted = "[redacted]"

// Format prints "[redacted]" whatever the verb.
func (k *Keys) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText encodes as "[redacted]".
func (k *Keys) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// mac is HMAC-SHA256 under one key. Its states are pooled because setting up
// the key costs as much as hashing a token.
type mac struct {
	fresh  func() hash.Hash
	states sync.Pool // of *macState
}

// macState keeps its buffers because what goes through hash.Hash escapes to the heap.
type macState struct {
	hash      hash.Hash
	text, out []byte
}

func newMAC(key []byte) *mac {
	return &mac{fresh: func() hash.Hash { return hmac.New(sha256.New, key) }}
}

// sum appends the MAC of text to dst.
func (m *mac) sum(dst []byte, text string) []byte {
	s, ok := m.states.Get().(*macState)
	if !ok {
		s = &macState{hash: m.fresh()}
	}
	s.text = append(s.text[:0], text...)
	s.hash.Reset()
	s.hash.Write(s.text)
	s.out = s.hash.Sum(s.out[:0])
	dst = append(dst, s.out...)
	clear(s.text) // the pool must not keep passwords and tokens
	if cap(s.text) <= 4096 {
		m.states.Put(s) // a huge text must not stay
	}
	return dst
}
