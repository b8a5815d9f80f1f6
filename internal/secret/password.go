package secret

import (
	"context"
	"fmt"
	"io"
	"strings"

	"golang.org/x/crypto/argon2"

	"hecate"
)

// Cost is the work of one argon2id hash.
type Cost struct {
	Memory  uint32 // KiB
	Time    uint32 // passes over the memory
	Threads uint8
}

// defaultCost is the least that OWASP recommends for argon2id.
var defaultCost = Cost{Memory: 19 * 1024, Time: 2, Threads: 1}

const (
	saltSize = 16 // bytes
	sumSize  = 32 // bytes
)

// Config says how a Hasher works.
type Config struct {
	Workers int       // hashes at once; 0: one per CPU
	Queue   int       // callers that may wait; 0: 128 for each worker; negative: none
	Keys    *Keys     // gives the pepper; nil: hashes without one
	Rand    io.Reader // salts, drawn by several goroutines; nil: the system's
	Cost    Cost      // of new hashes; zero fields take m=19 MiB, t=2, p=1; what imports may not have is lowered

	Children []string    // hash in child processes of this command line, see ChildCommand; empty: in this one
	Trouble  func(error) // hears that children failed and this process hashes, at most once a minute; nil: nobody
}

// Hasher makes and verifies password hashes, a bounded number at a time, so
// that memory is bounded and a login storm leaves room for other requests. It
// is safe for concurrent use.
type Hasher struct {
	pool     *pool
	children *children // nil: none
	keys     *Keys
	rand     io.Reader
	cost     Cost
}

// NewHasher returns a Hasher. Close it when nobody uses it any more.
func NewHasher(c Config) *Hasher {
	return &Hasher{
		pool:     newPool(c.Workers, c.Queue),
		children: newChildren(c.Children, c.Trouble),
		keys:     c.Keys,
		rand:     source(c.Rand),
		cost:     c.Cost.orDefault().withinLimits(),
	}
}

func (c Cost) orDefault() Cost {
	if c.Memory == 0 {
		c.Memory = defaultCost.Memory
	}
	if c.Time == 0 {
		c.Time = defaultCost.Time
	}
	if c.Threads == 0 {
		c.Threads = defaultCost.Threads
	}
	return c
}

// Close refuses the callers that wait and returns when the running hashes are
// done and the children have ended. Later calls of Hash and Verify are TooMany.
func (h *Hasher) Close() {
	h.pool.close()
	h.children.close()
}

// Hash returns password as a PHC string: argon2id over the password keyed with
// the pepper, whose key is named by the parameter keyid. A full queue is
// TooMany with RetryAfter; a ctx that ends while waiting is its error.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	const op = "hash password"
	fresh := h.fresh()
	if _, err := io.ReadFull(h.rand, fresh.salt); err != nil {
		return "", fmt.Errorf("%s: %w", op, err)
	}
	var failed error
	err := h.pool.run(ctx, op, func() { fresh.sum, failed = h.make(fresh, password) })
	if err == nil {
		err = failed
	}
	if err != nil {
		return "", err
	}
	return fresh.String(), nil
}

// fresh is what Hash makes, with zeroes for salt and sum.
func (h *Hasher) fresh() argonHash {
	return argonHash{variant: "argon2id", cost: h.cost, keyID: h.keyID(), salt: make([]byte, saltSize), sum: make([]byte, sumSize)}
}

// make computes the sum of a.
func (h *Hasher) make(a argonHash, password string) ([]byte, error) {
	return h.children.do(job{hash: a.String(), text: h.text(a, password), make: true})
}

// text is what form works on: the password, keyed with the pepper where form names its key.
func (h *Hasher) text(form stored, password string) []byte {
	if a, ok := form.(argonHash); ok && a.keyID != "" {
		return h.keys.pepper.sum(nil, password)
	}
	return []byte(password)
}

// Verify reports whether password is the one behind hash, and whether hash
// should be replaced by a new Hash of it: rehash is true only with ok, when the
// stored form is not what Hash makes today. It reads every form that Check
// accepts.
//
// No usable password ("" or a leading "!"), an unknown or damaged form, and a
// pepper of another master key answer false without error, after the work of
// one Hash; so does every wrong password of a foreign form, on top of that
// form's own work. A refusal is thus never quicker than that of an unknown
// user, for whom the caller passes "". A full queue is TooMany with RetryAfter; a
// ctx that ends while waiting is its error.
func (h *Hasher) Verify(ctx context.Context, hash, password string) (ok, rehash bool, err error) {
	var failed error
	err = h.pool.run(ctx, "verify password", func() { ok, rehash, failed = h.verify(hash, password) })
	if err == nil {
		err = failed
	}
	return ok, rehash, err
}

func (h *Hasher) verify(hash, password string) (ok, rehash bool, err error) {
	form, err := parse(hash)
	current := false
	if err == nil && h.opens(form) {
		current = h.isCurrent(form)
		result, err := h.children.do(job{hash: hash, text: h.text(form, password)})
		if err != nil {
			return false, false, err
		}
		ok = result[0] == 1
	}
	if !ok && !current {
		_, err := h.make(h.fresh(), password) // for the time it takes
		return false, false, err
	}
	return ok, ok && !current, nil
}

// opens reports whether some password may be behind form.
func (h *Hasher) opens(form stored) bool {
	if a, ok := form.(argonHash); ok {
		return a.keyID == "" || a.keyID == h.keyID()
	}
	_, none := form.(nothing)
	return !none
}

// isCurrent reports whether s is what Hash would make.
func (h *Hasher) isCurrent(s stored) bool {
	a, ok := s.(argonHash)
	return ok && a.variant == "argon2id" && a.cost == h.cost && a.keyID == h.keyID() &&
		len(a.salt) == saltSize && len(a.sum) == sumSize
}

func (h *Hasher) keyID() string { return h.keys.pepperID() }

func (k *Keys) pepperID() string {
	if k == nil {
		return ""
	}
	return k.pepID
}

// Check reports whether hash may be imported: it is Invalid, with the reason,
// when Verify could not read it, when one login with it would cost absurd
// memory or time, when it holds the clear password, or when it is peppered
// under a master key other than k's. "" and a leading "!" (no usable password)
// are fine.
func (h *Hasher) Check(hash string) error { return check(hash, h.keyID()) }

// Check is Hasher.Check for hashes from elsewhere: it refuses every peppered one.
func Check(hash string) error { return check(hash, "") }

func check(hash, keyID string) error {
	s, err := parse(hash)
	if err == nil {
		err = importable(s, keyID)
	}
	if err != nil {
		return hecate.E(hecate.Invalid, "check password hash").On("hash").Because(err)
	}
	return nil
}

// derive computes the sum for text, as long as the one that a has.
func (a argonHash) derive(text []byte) []byte {
	f := argon2.IDKey
	if a.variant == "argon2i" {
		f = argon2.Key
	}
	return f(text, a.salt, a.cost.Time, a.cost.Memory, a.cost.Threads, uint32(len(a.sum)))
}

// String is the PHC string.
func (a argonHash) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "$%s$v=19$m=%d,t=%d,p=%d", a.variant, a.cost.Memory, a.cost.Time, a.cost.Threads)
	if a.keyID != "" {
		b.WriteString(",keyid=" + a.keyID)
	}
	b.WriteString("$" + phc64.EncodeToString(a.salt) + "$" + phc64.EncodeToString(a.sum))
	return b.String()
}
