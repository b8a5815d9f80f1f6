package secret

import (
	"crypto/md5"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// What one login may cost. A hash can come from a hostile import, and each of
// these is about half a second to a second of one core.
const (
	maxHashLength = 1024       // bytes of text
	maxArgonKiB   = 128 * 1024 // Django writes 100 MiB
	maxArgonPass  = 512 * 1024 // KiB times passes
	maxThreads    = 16         // Django writes 8
	maxBcryptCost = 14         // Django writes 12
	maxIterations = 2_000_000  // Django writes 1,200,000
	maxChainSteps = 8
	bcryptLength  = 60 // bytes of text
	bcryptCut     = 72 // bytes of the password that bcrypt uses
)

// withinLimits lowers c to what parse accepts, so that no cost makes a hash
// that cannot be verified.
func (c Cost) withinLimits() Cost {
	c.Threads = min(c.Threads, maxThreads)
	c.Memory = min(max(c.Memory, 8*uint32(c.Threads)), maxArgonKiB)
	c.Time = min(c.Time, maxArgonPass/c.Memory)
	return c
}

// stored is one stored form, read and found to be affordable.
type stored interface {
	// matches does the form's work. text is the password, for a peppered form its MAC.
	matches(text []byte) bool
}

// formats is every form there is, by how it begins.
var formats = []struct {
	prefix string
	parse  func(hash string) (stored, error)
}{
	{"!", noPassword},
	{"$argon2id$", parseArgon},
	{"$argon2i$", parseArgon},
	{"$2a$", parseBcrypt},
	{"$2b$", parseBcrypt},
	{"$2y$", parseBcrypt},
	// Django: its own name of the algorithm, "$", the algorithm's own text.
	{"argon2$", func(s string) (stored, error) { return parseArgon(strings.TrimPrefix(s, "argon2")) }},
	{"bcrypt$", func(s string) (stored, error) { return parseBcrypt(strings.TrimPrefix(s, "bcrypt$")) }},
	{"bcrypt_sha256$", parseBcryptSHA256},
	{"pbkdf2_sha256$", func(s string) (stored, error) { return parsePBKDF2(s, sha256.New, sha256.Size) }},
	{"pbkdf2_sha1$", func(s string) (stored, error) { return parsePBKDF2(s, sha1.New, sha1.Size) }},
	{"chain$", parseChain},
}

// parse reads any form. Its errors never quote the hash.
func parse(hash string) (stored, error) {
	if hash == "" {
		return nothing{}, nil
	}
	if len(hash) > maxHashLength {
		return nil, fmt.Errorf("longer than %d bytes", maxHashLength)
	}
	for _, f := range formats {
		if strings.HasPrefix(hash, f.prefix) {
			return f.parse(hash)
		}
	}
	return nil, errors.New("unknown format")
}

// importable reports why s, though readable, must not be stored.
func importable(s stored, keyID string) error {
	switch s := s.(type) {
	case argonHash:
		if s.keyID != "" && s.keyID != keyID {
			return errors.New("peppered under another master key")
		}
	case chainHash:
		if s.clear() {
			return errors.New("holds the clear password: import it as a password instead")
		}
	}
	return nil
}

// nothing is the form of a user without a usable password.
type nothing struct{}

func (nothing) matches([]byte) bool { return false }

func noPassword(string) (stored, error) { return nothing{}, nil }

// phc64 is the base64 of PHC strings.
var phc64 = base64.RawStdEncoding.Strict()

// argonHash is $argon2id$v=19$m=…,t=…,p=…[,keyid=…]$salt$sum. With a keyid the
// password is keyed with the pepper of that name first.
type argonHash struct {
	variant   string // argon2id or argon2i
	cost      Cost
	keyID     string
	salt, sum []byte
}

func parseArgon(hash string) (stored, error) {
	part := strings.Split(hash, "$") // "", variant, version, parameters, salt, sum
	if len(part) != 6 || part[0] != "" {
		return nil, errors.New("argon2: want $variant$v=19$parameters$salt$hash")
	}
	if part[1] != "argon2id" && part[1] != "argon2i" {
		return nil, errors.New("argon2: unknown variant")
	}
	if part[2] != "v=19" {
		return nil, errors.New("argon2: only version 19 is known")
	}
	a := argonHash{variant: part[1]}
	var err error
	if a.cost, a.keyID, err = parseArgonParameters(part[3]); err != nil {
		return nil, err
	}
	if a.salt, err = phc64.DecodeString(part[4]); err != nil || len(a.salt) < 8 || len(a.salt) > 64 {
		return nil, errors.New("argon2: malformed salt")
	}
	if a.sum, err = phc64.DecodeString(part[5]); err != nil || len(a.sum) < 16 || len(a.sum) > 64 {
		return nil, errors.New("argon2: malformed hash")
	}
	return a, nil
}

func parseArgonParameters(text string) (c Cost, keyID string, err error) {
	field := strings.Split(text, ",")
	if len(field) == 4 && strings.HasPrefix(field[3], "keyid=") && len(field[3]) > len("keyid=") {
		keyID = strings.TrimPrefix(field[3], "keyid=")
		field = field[:3]
	}
	if len(field) != 3 {
		return c, "", errors.New("argon2: want parameters m, t, p")
	}
	m, errM := number(field[0], "m=", maxArgonKiB)
	t, errT := number(field[1], "t=", maxArgonPass)
	p, errP := number(field[2], "p=", maxThreads)
	if err := errors.Join(errM, errT, errP); err != nil {
		return c, "", fmt.Errorf("argon2: %w", err)
	}
	if m < 8*p || t > maxArgonPass/m {
		return c, "", errors.New("argon2: the cost is out of bounds")
	}
	return Cost{Memory: uint32(m), Time: uint32(t), Threads: uint8(p)}, keyID, nil
}

// number reads prefix followed by a number from 1 to most.
func number(text, prefix string, most int) (int, error) {
	digits, ok := strings.CutPrefix(text, prefix)
	n, err := strconv.ParseUint(digits, 10, 31)
	if !ok || err != nil || n < 1 || n > uint64(most) {
		return 0, fmt.Errorf("want %s1 to %d", prefix, most)
	}
	return int(n), nil
}

func (a argonHash) matches(text []byte) bool {
	return subtle.ConstantTimeCompare(a.derive(text), a.sum) == 1
}

// bcryptHash is $2a$, $2b$ or $2y$, over what before makes of the password.
type bcryptHash struct {
	text   string
	before func(password []byte) []byte
}

const bcryptAlphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

func parseBcrypt(hash string) (stored, error) {
	return readBcrypt(hash, func(password []byte) []byte { return password })
}

// parseBcryptSHA256 reads Django's form that hashes the password's hex SHA-256.
func parseBcryptSHA256(hash string) (stored, error) {
	return readBcrypt(strings.TrimPrefix(hash, "bcrypt_sha256$"), func(password []byte) []byte {
		sum := sha256.Sum256(password)
		return hex.AppendEncode(nil, sum[:])
	})
}

func readBcrypt(text string, before func([]byte) []byte) (stored, error) {
	if len(text) != bcryptLength || !slices.Contains([]string{"$2a$", "$2b$", "$2y$"}, text[:4]) || text[6] != '$' {
		return nil, errors.New("bcrypt: want $2a$, $2b$ or $2y$, cost, salt and hash in 60 characters")
	}
	cost, err := number(text[4:6], "", maxBcryptCost)
	if err != nil || cost < bcrypt.MinCost {
		return nil, fmt.Errorf("bcrypt: want a cost from %d to %d", bcrypt.MinCost, maxBcryptCost)
	}
	if strings.Trim(text[7:], bcryptAlphabet) != "" {
		return nil, errors.New("bcrypt: malformed salt or hash")
	}
	return bcryptHash{text, before}, nil
}

func (b bcryptHash) matches(text []byte) bool {
	return bcryptEqual(b.text, b.before(text))
}

// bcryptEqual compares as the old platforms did: what follows byte 72 does not count.
func bcryptEqual(hash string, text []byte) bool {
	return bcrypt.CompareHashAndPassword([]byte(hash), text[:min(len(text), bcryptCut)]) == nil
}

// pbkdf2Hash is Django's algorithm$iterations$salt$sum; the salt is its own text.
type pbkdf2Hash struct {
	hash       func() hash.Hash
	iterations int
	salt       string
	sum        []byte
}

func parsePBKDF2(text string, h func() hash.Hash, size int) (stored, error) {
	part := strings.Split(text, "$")
	if len(part) != 4 {
		return nil, errors.New("pbkdf2: want algorithm$iterations$salt$hash")
	}
	n, err := number(part[1], "", maxIterations)
	if err != nil {
		return nil, fmt.Errorf("pbkdf2 iterations: %w", err)
	}
	if part[2] == "" || len(part[2]) > 128 {
		return nil, errors.New("pbkdf2: want a salt of 1 to 128 bytes")
	}
	sum, err := base64.StdEncoding.Strict().DecodeString(part[3])
	if err != nil || len(sum) != size {
		return nil, fmt.Errorf("pbkdf2: want a hash of %d bytes in base64", size)
	}
	return pbkdf2Hash{h, n, part[2], sum}, nil
}

func (p pbkdf2Hash) matches(text []byte) bool {
	sum, err := pbkdf2.Key(p.hash, string(text), []byte(p.salt), p.iterations, len(p.sum))
	return err == nil && subtle.ConstantTimeCompare(sum, p.sum) == 1
}

// chainHash is chain$STEPS$SECRET[$SALT]: the password goes through the steps,
// separated by commas, and what comes out is compared with SECRET. SECRET and
// SALT are base64url, without padding or with. SALT goes in front of what sha-1
// and md5 hash. Usergrid exports such records: contracts/usergrid.md 5.
type chainHash struct {
	steps  []string
	secret []byte
	salt   []byte
}

// chainSteps is what each step makes of its input. bcrypt is not here: it
// compares with the secret itself, which holds its salt, and so comes last.
var chainSteps = map[string]func(salt, text []byte) []byte{
	"plaintext": func(_, text []byte) []byte { return text },
	"sha-1": func(salt, text []byte) []byte {
		sum := sha1.Sum(slices.Concat(salt, text))
		return sum[:]
	},
	"md5": func(salt, text []byte) []byte {
		sum := md5.Sum(slices.Concat(salt, text))
		return hex.AppendEncode(nil, sum[:])
	},
}

const chainBcrypt = "bcrypt"

func parseChain(text string) (stored, error) {
	part := strings.Split(text, "$")
	if len(part) != 3 && len(part) != 4 {
		return nil, errors.New("chain: want chain$steps$secret or chain$steps$secret$salt")
	}
	c := chainHash{steps: strings.Split(part[1], ",")}
	if err := checkSteps(c.steps); err != nil {
		return nil, err
	}
	var err error
	if c.secret, err = unpadded(part[2]); err != nil || len(c.secret) == 0 {
		return nil, errors.New("chain: want the secret as base64url")
	}
	if len(part) == 4 {
		if c.salt, err = unpadded(part[3]); err != nil {
			return nil, errors.New("chain: want the salt as base64url")
		}
	}
	if c.endsInBcrypt() {
		if _, err := parseBcrypt(string(c.secret)); err != nil {
			return nil, fmt.Errorf("chain: %w", err)
		}
	}
	return c, nil
}

func checkSteps(steps []string) error {
	if len(steps) > maxChainSteps {
		return fmt.Errorf("chain: more than %d steps", maxChainSteps)
	}
	for i, step := range steps {
		_, known := chainSteps[step]
		if !known && (step != chainBcrypt || i != len(steps)-1) {
			return errors.New("chain: steps are sha-1, md5, plaintext, and bcrypt as the last")
		}
	}
	return nil
}

func unpadded(text string) ([]byte, error) { return b64.DecodeString(strings.TrimRight(text, "=")) }

func (c chainHash) endsInBcrypt() bool { return c.steps[len(c.steps)-1] == chainBcrypt }

// clear reports whether the secret is the clear password.
func (c chainHash) clear() bool {
	return !slices.ContainsFunc(c.steps, func(step string) bool { return step != "plaintext" })
}

func (c chainHash) matches(text []byte) bool {
	for _, step := range c.steps {
		if step == chainBcrypt {
			return bcryptEqual(string(c.secret), asText(text))
		}
		text = chainSteps[step](c.salt, text)
	}
	return subtle.ConstantTimeCompare(text, c.secret) == 1
}
