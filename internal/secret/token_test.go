package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hecate"
)

func TestToken(t *testing.T) {
	t.Parallel()
	t.Run("a token is base64url of as many bytes as asked for", rapid.MakeCheck(func(t *rapid.T) {
		n := rapid.IntRange(16, 64).Draw(t, "n")
		a, err := Token(nil, n)
		b, _ := Token(nil, n)
		raw, bad := base64.RawURLEncoding.DecodeString(a)
		if err != nil || bad != nil || len(raw) != n || a == b {
			t.Fatalf("%q, %v, %v", a, err, bad)
		}
	}))
	t.Run("hex is lower case and comes from the given source", func(t *testing.T) {
		raw := []byte{0xAB, 0xCD, 0x01}
		if got, err := Hex(bytes.NewReader(raw), 3); err != nil || got != hex.EncodeToString(raw) {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("too few and too many bytes are refused", func(t *testing.T) {
		for _, n := range []int{-1, 0, 15, 1025} {
			if _, err := Token(nil, n); !errors.Is(err, hecate.Invalid) {
				t.Errorf("Token(%d): %v", n, err)
			}
		}
		if _, err := Hex(nil, 0); !errors.Is(err, hecate.Invalid) {
			t.Errorf("Hex(0): %v", err)
		}
	})
	t.Run("a source that runs dry is an error", func(t *testing.T) {
		_, err1 := Token(strings.NewReader("short"), 16)
		_, err2 := Digits(strings.NewReader("12"), 3)
		if err1 == nil || err2 == nil {
			t.Errorf("%v, %v", err1, err2)
		}
	})
}

func TestDigits(t *testing.T) {
	t.Parallel()
	t.Run("every byte below 250 is a digit, the rest is drawn again", func(t *testing.T) {
		got, err := Digits(bytes.NewReader([]byte{0, 255, 9, 250, 10, 249, 251, 128}), 5)
		if err != nil || got != "09098" {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("each digit is as likely as the others", func(t *testing.T) {
		var count [10]int
		for range 40 {
			code, err := Digits(nil, 1000)
			if err != nil || len(code) != 1000 {
				t.Fatal(code, err)
			}
			for _, d := range code {
				count[d-'0']++
			}
		}
		for d, n := range count {
			if n < 3640 || n > 4360 { // 4000 expected; six standard deviations
				t.Errorf("%d comes %d times", d, n)
			}
		}
	})
	t.Run("a stuck source is an error, not a hang", func(t *testing.T) {
		if _, err := Digits(bytes.NewReader(bytes.Repeat([]byte{255}, 1000)), 1); err == nil {
			t.Error("no error")
		}
	})
	t.Run("no digits are refused", func(t *testing.T) {
		if _, err := Digits(nil, 0); !errors.Is(err, hecate.Invalid) {
			t.Error(err)
		}
	})
}

func TestEqualAgreesWithTheOperator(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[ab]{0,3}`)
		a, b := word.Draw(t, "a"), word.Draw(t, "b")
		if Equal(a, b) != (a == b) {
			t.Fatalf("Equal(%q, %q) = %v", a, b, Equal(a, b))
		}
	})
}
