package secret

import (
	"errors"
	"fmt"
)

// job is the expensive part of Hash or Verify, in a form that can travel to a
// child process. It holds no key: text is keyed before, where the form wants it.
type job struct {
	hash string // the stored form; of a job that makes one, with a sum of zeroes
	text []byte // the password, or its MAC under the pepper
	make bool   // compute the sum; else say whether text is the one behind hash
}

// do returns the sum, or one byte: 1 when text matches and 0 when not.
func (j job) do() ([]byte, error) {
	form, err := parse(j.hash)
	if err != nil {
		return nil, fmt.Errorf("hash: %w", err)
	}
	if !j.make {
		if form.matches(j.text) {
			return []byte{1}, nil
		}
		return []byte{0}, nil
	}
	a, ok := form.(argonHash)
	if !ok {
		return nil, errors.New("hash: only argon2 is made")
	}
	return a.derive(j.text), nil
}

// size is the length of what do returns.
func (j job) size() int {
	if j.make {
		return sumSize
	}
	return 1
}
