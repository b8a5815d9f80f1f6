package web

import (
	"sync"
	"time"
)

// Limiter is a token bucket per key, in the memory of this process. It has no
// goroutines and a bounded number of keys: of two generations of buckets the older
// is forgotten when the younger is full, so keys in use survive.
type Limiter struct {
	perSecond float64
	burst     float64
	maxKeys   int
	now       func() time.Time

	mu         sync.Mutex
	young, old map[string]bucket
}

type bucket struct {
	tokens float64
	at     time.Time
}

// LimiterConfig says how fast. Both PerSecond and Burst must be positive.
type LimiterConfig struct {
	PerSecond float64          // tokens added to a bucket per second
	Burst     int              // tokens a full bucket holds
	MaxKeys   int              // keys remembered; 0: 100,000
	Now       func() time.Time // nil: time.Now
}

// NewLimiter makes a Limiter, or nil (which allows all) when config has no rate or no burst.
func NewLimiter(c LimiterConfig) *Limiter {
	if c.PerSecond <= 0 || c.Burst <= 0 {
		return nil
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Limiter{perSecond: c.PerSecond, burst: float64(c.Burst), maxKeys: or(c.MaxKeys, 100_000), now: c.Now,
		young: map[string]bucket{}}
}

// Allow takes one token from key's bucket. When there is none it returns false and
// the time until there will be.
func (l *Limiter) Allow(key string) (ok bool, retryAfter time.Duration) {
	if l == nil {
		return true, 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	b := l.bucket(key, now)
	if elapsed := now.Sub(b.at); elapsed > 0 {
		b.tokens = min(l.burst, b.tokens+elapsed.Seconds()*l.perSecond)
		b.at = now
	}
	if b.tokens < 1 {
		l.young[key] = b
		return false, time.Duration((1 - b.tokens) / l.perSecond * float64(time.Second))
	}
	b.tokens--
	l.young[key] = b
	return true, 0
}

func (l *Limiter) bucket(key string, now time.Time) bucket {
	if b, ok := l.young[key]; ok {
		return b
	}
	if len(l.young) >= max(l.maxKeys/2, 1) {
		l.old, l.young = l.young, make(map[string]bucket)
	}
	if b, ok := l.old[key]; ok {
		return b
	}
	return bucket{tokens: l.burst, at: now}
}
