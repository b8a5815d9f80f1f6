package engine

import (
	"strings"
	"sync"
	"time"

	"hecate"
)

// guesses bounds how often something may fail, by key, in the memory of this process. An attempt counts from its
// beginning, so that many at once gain nothing, until it is forgiven. There is a bounded number of keys: of two
// generations the older is forgotten when the younger is full.
type guesses struct {
	most int
	per  time.Duration
	now  func() time.Time

	mu         sync.Mutex
	young, old map[string]guess
}

// guess is what failed since a window began.
type guess struct {
	failed int
	until  time.Time
}

// guessKeys is how many keys one generation holds.
const guessKeys = 50_000

// newGuesses allows most failures per window; nil, which allows all, where most is negative.
func newGuesses(most int, per time.Duration, now func() time.Time) *guesses {
	if most < 0 {
		return nil
	}
	return &guesses{most: most, per: per, now: now, young: map[string]guess{}}
}

// begin counts an attempt as failed until forgive is called. An empty key is not counted. Kinds: TooMany with RetryAfter.
func (g *guesses) begin(op, key string) (forgive func(), err error) {
	if g == nil || key == "" {
		return func() {}, nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	v := g.find(key)
	if !now.Before(v.until) {
		v = guess{until: now.Add(g.per)}
	}
	if v.failed >= g.most {
		return nil, hecate.E(hecate.TooMany, op).Says("too many failed attempts").After(v.until.Sub(now))
	}
	v.failed++
	g.young[key] = v
	return func() { g.forgive(key, v.until) }, nil
}

func (g *guesses) forgive(key string, window time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if v := g.find(key); v.until.Equal(window) && v.failed > 0 {
		v.failed--
		g.young[key] = v
	}
}

// find also keeps what is asked for in the younger generation.
func (g *guesses) find(key string) guess {
	if v, ok := g.young[key]; ok {
		return v
	}
	if len(g.young) >= guessKeys {
		g.old, g.young = g.young, make(map[string]guess)
	}
	v := g.old[key]
	return v
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
