package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"hecate"
)

const (
	minTokenBytes = 16   // 128 bits: the least a bearer secret may have
	maxTokenBytes = 1024 // more is a mistake in the caller
)

// source is where randomness comes from when the caller has no wish.
func source(random io.Reader) io.Reader {
	if random == nil {
		return rand.Reader
	}
	return random
}

// Token returns bytes random bytes as base64url without padding. rand nil means
// the system's. Fewer than 16 bytes, or more than 1024, is Invalid.
func Token(rand io.Reader, bytes int) (string, error) {
	raw, err := randomBytes(rand, bytes, minTokenBytes)
	if err != nil {
		return "", err
	}
	return b64.EncodeToString(raw), nil
}

// Hex returns bytes random bytes as lower-case hex digits, two for each byte.
// rand nil means the system's. Fewer than 1 or more than 1024 is Invalid.
// Codes may be short, so there is no minimum; a bearer secret needs 16.
func Hex(rand io.Reader, bytes int) (string, error) {
	raw, err := randomBytes(rand, bytes, 1)
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(raw), nil
}

func randomBytes(random io.Reader, n, least int) ([]byte, error) {
	if n < least || n > maxTokenBytes {
		return nil, hecate.E(hecate.Invalid, "random token").On("bytes").Because(fmt.Errorf("%d is not in %d to %d", n, least, maxTokenBytes))
	}
	raw := make([]byte, n)
	if _, err := io.ReadFull(source(random), raw); err != nil {
		return nil, fmt.Errorf("random token: %w", err)
	}
	return raw, nil
}

// Digits returns a code of n decimal digits, each as likely as the others.
// rand nil means the system's. n outside 1 to 1024 is Invalid.
func Digits(rand io.Reader, n int) (string, error) {
	if n < 1 || n > maxTokenBytes {
		return "", hecate.E(hecate.Invalid, "random digits").On("n").Because(fmt.Errorf("%d is not in 1 to %d", n, maxTokenBytes))
	}
	code := make([]byte, n)
	for i := range code {
		d, err := digit(source(rand))
		if err != nil {
			return "", fmt.Errorf("random digits: %w", err)
		}
		code[i] = '0' + d
	}
	return string(code), nil
}

// digit draws bytes until one is below 250, the largest multiple of ten, so
// that no digit is favoured. A source that never gives one is broken.
func digit(random io.Reader) (byte, error) {
	var b [1]byte
	for range 128 {
		if _, err := io.ReadFull(random, b[:]); err != nil {
			return 0, err
		}
		if b[0] < 250 {
			return b[0] % 10, nil
		}
	}
	return 0, errors.New("the source of randomness is stuck")
}

// Equal reports whether a and b are the same, in a time that tells nothing of
// where they differ, nor of the length of the other.
func Equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
