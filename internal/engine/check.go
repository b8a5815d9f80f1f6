package engine

import (
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"hecate"
	"hecate/internal/store"
)

// What a text may hold, in characters. Dialects may allow less.
const (
	maxAlias    = 64
	maxName     = 256
	maxText     = 4096
	maxEmail    = 254  // RFC 5321
	maxPassword = 4096 // bytes
)

// inApp returns the app in which the actor acts. Kinds: NoApp.
func inApp(actor *hecate.Actor, op string) (*hecate.App, error) {
	if actor == nil || actor.App == nil {
		return nil, hecate.E(hecate.NoApp, op)
	}
	return actor.App, nil
}

// stamp is the current time as it is stored.
func (e *Engine) stamp() time.Time { return e.now().UTC().Truncate(time.Microsecond) }

// missing gives a bare NotFound of the store its verb and field.
func missing(err error, op, field string) error {
	if errors.Is(err, hecate.NotFound) {
		return hecate.E(hecate.NotFound, op).On(field)
	}
	return err
}

// unheldText turns the Invalid of a lookup into NotFound: a text that the database refuses (PostgreSQL: a NUL, broken
// UTF-8) is in no row.
func unheldText(err error) error {
	if errors.Is(err, hecate.Invalid) {
		return hecate.NotFound
	}
	return err
}

// taken is err, or Exists on the field when nothing went wrong but the place was taken.
func taken(err error, op, field string) error {
	if err != nil {
		return err
	}
	return hecate.E(hecate.Exists, op).On(field)
}

// checkText returns nil when the text has least to most characters that every database can keep. Kinds: Invalid, TooLarge.
func checkText(op, field, text string, least, most int) error {
	n := utf8.RuneCountInString(text)
	switch {
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return hecate.E(hecate.Invalid, op).On(field).Says("not plain text")
	case n < least:
		return hecate.E(hecate.Invalid, op).On(field).Says("too short").With("min", least)
	case n > most:
		return hecate.E(hecate.TooLarge, op).On(field).Says("too long").With("max", most)
	}
	return nil
}

// checkEmail returns nil when the text has the shape of an address. Kinds: Invalid, TooLarge.
func checkEmail(op, field, email string) error {
	if err := checkText(op, field, email, 1, maxEmail); err != nil {
		return err
	}
	at := strings.LastIndexByte(email, '@')
	if at < 1 || at > 64 || !localPart(email[:at]) || !domain(email[at+1:]) {
		return hecate.E(hecate.Invalid, op).On(field).Says("not an e-mail address")
	}
	return nil
}

func localPart(text string) bool {
	return !strings.HasPrefix(text, ".") && !strings.HasSuffix(text, ".") && !strings.Contains(text, "..") &&
		!strings.ContainsFunc(text, func(r rune) bool { return r == ' ' || !unicode.IsPrint(r) || strings.ContainsRune(`@<>()[],;:\"`, r) })
}

func domain(text string) bool {
	for label := range strings.SplitSeq(text, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' || strings.ContainsFunc(label, notInLabel) {
			return false
		}
	}
	return strings.Contains(text, ".") || strings.EqualFold(text, "localhost")
}

// notInLabel leaves everything beyond ASCII that can be seen to the mail server.
func notInLabel(r rune) bool {
	if r >= 0x80 {
		return !unicode.IsPrint(r)
	}
	return r != '-' && !('0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z')
}

// checkPassword returns nil when a new password satisfies the policy. least is the minimum where the policy sets
// none. Lengths are in bytes. Kinds: Invalid for an empty one, TooLarge, WeakPassword with Info "reason".
func checkPassword(op, field string, p hecate.PasswordPolicy, least int, password hecate.Secret) error {
	text := password.Reveal()
	if text == "" {
		return hecate.E(hecate.Invalid, op).On(field).Says("must not be empty")
	}
	if len(text) > maxPassword {
		return hecate.E(hecate.TooLarge, op).On(field).With("max", maxPassword)
	}
	if p.MinLength > 0 {
		least = p.MinLength
	}
	weak := func(reason string) *hecate.Error {
		return hecate.E(hecate.WeakPassword, op).On(field).With("reason", reason)
	}
	if len(text) < least {
		return weak("too_short").With("min_length", least).With("length", len(text))
	}
	for _, rule := range passwordRules {
		if rule.asked(p) && !strings.ContainsFunc(text, rule.has) {
			return weak(rule.reason)
		}
	}
	lower := strings.ToLower(text)
	for _, word := range p.Blocklist {
		if word != "" && strings.Contains(lower, strings.ToLower(word)) {
			return weak("excluded_word")
		}
	}
	return nil
}

// passwordRules are the kinds of character a policy may ask for, in the order in which they are reported.
var passwordRules = []struct {
	reason string
	asked  func(hecate.PasswordPolicy) bool
	has    func(rune) bool
}{
	{"uppercase_required", func(p hecate.PasswordPolicy) bool { return p.Uppercase }, func(r rune) bool { return 'A' <= r && r <= 'Z' }},
	{"lowercase_required", func(p hecate.PasswordPolicy) bool { return p.Lowercase }, func(r rune) bool { return 'a' <= r && r <= 'z' }},
	{"digit_required", func(p hecate.PasswordPolicy) bool { return p.Digit }, func(r rune) bool { return '0' <= r && r <= '9' }},
	{"symbol_required", func(p hecate.PasswordPolicy) bool { return p.Symbol }, func(r rune) bool {
		return !('A' <= r && r <= 'Z' || 'a' <= r && r <= 'z' || '0' <= r && r <= '9')
	}},
}

// bounded is the page as the store takes it.
func (in List) bounded() store.List {
	in.Limit = min(max(in.Limit, 0), hecate.MaxPage)
	return store.List(in)
}

// mapPage turns a page of one thing into a page of another.
func mapPage[T, U any](p hecate.Page[T], turn func(T) (U, error)) (hecate.Page[U], error) {
	out := hecate.Page[U]{More: p.More, Count: p.Count, Rows: make([]U, 0, len(p.Rows))}
	for _, row := range p.Rows {
		u, err := turn(row)
		if err != nil {
			return hecate.Page[U]{}, err
		}
		out.Rows = append(out.Rows, u)
	}
	return out, nil
}

// onePage is the page of a list with one row of that number.
func onePage[T any](row T, seq int64, in List) hecate.Page[T] {
	within := in.After == 0 || (in.Desc == in.Backward) == (seq > in.After) && seq != in.After
	if !within {
		return hecate.Page[T]{}
	}
	if in.Limit < 1 {
		return hecate.Page[T]{More: true}
	}
	return hecate.Page[T]{Rows: []T{row}}
}
