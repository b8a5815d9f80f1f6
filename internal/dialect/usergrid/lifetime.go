package usergrid

import (
	"encoding/json"
	"math"
	"strconv"
	"time"

	"hecate"
	"hecate/internal/engine"
)

// standardLife is how long tokens live where nothing says otherwise, and the longest that may be asked for:
// contracts/usergrid.md 3.5.
const standardLife = 7 * 24 * time.Hour

// longestLife is where a life counts as endless; a time.Duration holds little more.
const longestLife = 100 * 365 * 24 * time.Hour

// endlessSeconds is the expires_in of a token that never ends: far away, and a number that every client can hold.
const endlessSeconds = (1 << 53) / 1000

// life is how long a token lives.
type life struct {
	ttl     time.Duration
	endless bool
}

// seconds is expires_in.
func (l life) seconds() int64 {
	if l.endless {
		return endlessSeconds
	}
	return int64(l.ttl / time.Second)
}

// open is the session of such a token. A changed password leaves it: contracts/usergrid.md 3.5.
func (l life) open() engine.OpenSession {
	return engine.OpenSession{TTL: l.ttl.Microseconds(), Forever: l.endless, Dated: true}
}

// userLife is the default and the maximum for tokens of an application's users: its own property, else what it says
// for all dialects, else the server's.
func userLife(app *hecate.App) life {
	if ttl, set := tokenLife(app); set {
		return lifeOf(ttl.Milliseconds())
	}
	if ttl := app.Settings.Sessions.TTL; ttl > 0 {
		return life{ttl: ttl}
	}
	return life{ttl: standardLife}
}

// lifeOf is a life of milliseconds; 0 is endless.
func lifeOf(ms int64) life {
	if ms == 0 || ms > longestLife.Milliseconds() {
		return life{endless: true}
	}
	return life{ttl: time.Duration(ms) * time.Millisecond}
}

// asked is the life that a request asks for by its ttl, within the most that there is; nothing and 0 ask for that.
func (l life) asked(ttl any) (life, error) {
	if ttl == nil || ttl == "" {
		return l, nil
	}
	ms, ok := milliseconds(ttl)
	switch {
	case !ok:
		return l, illegalArgument("ttl must be a number >= 0")
	case ms == 0:
		return l, nil
	case !l.endless && ms > l.ttl.Milliseconds():
		most := strconv.FormatInt(l.ttl.Milliseconds(), 10)
		return l, illegalArgument("Your token age cannot be more than the maximum age of " + most + " milliseconds")
	}
	return lifeOf(ms), nil
}

// milliseconds reads a number that is not negative, or its text.
func milliseconds(v any) (int64, bool) {
	var text string
	switch v := v.(type) {
	case string:
		text = v
	case json.Number:
		text = v.String()
	case float64:
		if v < 0 || v >= math.MaxInt64 || v != math.Trunc(v) {
			return 0, false
		}
		return int64(v), true
	case int64:
		return v, v >= 0
	case int:
		return int64(v), v >= 0
	default:
		return 0, false
	}
	ms, err := strconv.ParseInt(text, 10, 64)
	return ms, err == nil && ms >= 0
}
