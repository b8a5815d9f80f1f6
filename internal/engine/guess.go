package engine

import (
	"strings"
	"sync"
	"time"

	"hecate"
)

// guesses bounds how often something may fail, by key, in the memory of this process. There is a bounded number of keys: of
// two generations the older is forgotten when the younger is full.
type guesses struct {
	most  int
	slack int // attempts under way at once that may all turn out right; those beyond count as failed meanwhile
	per   time.Duration
	now   func() time.Time

	mu         sync.Mutex
	young, old map[string]guess
}

// guess is what failed since a window began, and what is under way.
type guess struct {
	failed, pending int
	until           time.Time
}

// guessKeys is how many keys one generation holds.
const guessKeys = 50_000

// loginsAtOnce is how many logins of one account may be under way from one address: about what waits to be hashed.
const loginsAtOnce = 256

// newGuesses allows most failures per window; nil, which allows all, where most is negative.
func newGuesses(most, slack int, per time.Duration, now func() time.Time) *guesses {
	if most < 0 {
		return nil
	}
	return &guesses{most: most, slack: slack, per: per, now: now, young: map[string]guess{}}
}

// begin begins an attempt; done must be told how it ended. An empty key is not counted. Kinds: TooMany with RetryAfter.
func (g *guesses) begin(op, key string) (done func(wrong bool), err error) {
	if g == nil || key == "" {
		return func(bool) {}, nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	v := g.find(key)
	if !now.Before(v.until) {
		v.failed, v.until = 0, now.Add(g.per)
	}
	if v.failed+max(0, v.pending-g.slack) >= g.most {
		return nil, hecate.E(hecate.TooMany, op).Says("too many failed attempts").After(v.until.Sub(now))
	}
	v.pending++
	g.young[key] = v
	return func(wrong bool) { g.end(key, wrong) }, nil
}

func (g *guesses) end(key string, wrong bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	v := g.find(key)
	v.pending = max(0, v.pending-1) // forgotten meanwhile, it begins anew
	if wrong {
		v.failed++
	}
	g.young[key] = v
}

// find also keeps what is asked for in the younger generation.
func (g *guesses) find(key string) guess {
	if v, ok := g.young[key]; ok {
		return v
	}
	if len(g.young) >= guessKeys {
		g.old, g.young = g.young, make(map[string]guess)
	}
	return g.old[key]
}

// isWrongGuess reports whether err says that somebody guessed and was wrong.
func isWrongGuess(err error) bool {
	kind := hecate.KindOf(err)
	return err != nil && (kind == hecate.WrongPassword || kind == hecate.UnknownUser)
}

// guessKey is the account and the address of a login attempt, "" where no address is known.
func (in *LoginInput) guessKey(app hecate.AppID) string {
	if in.From == "" {
		return ""
	}
	var b strings.Builder
	b.WriteString(string(app) + "/" + in.From + "/" + clip(FoldLogin(in.Login)))
	for _, name := range sortedKeys(in.Names) {
		b.WriteString("/" + clip(FoldLogin(in.Names[name])))
	}
	return b.String()
}

// clip bounds what a key may cost.
func clip(text string) string { return text[:min(len(text), maxName)] }
