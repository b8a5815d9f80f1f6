package engine

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"

	"hecate"
	"hecate/internal/store"
)

// A session has further tokens besides its own where a client is given a fresh one whenever it asks who it is
// (contracts/skygear.md 2.5): a row for each would be a durable write for each, and most of them are never seen again. A further
// token says itself whose it is and when it ends, sealed or signed, so none is stored. What is stored is one session for all that are
// given for one token, beside the session of that one, since each token ends alone (2.7); and those that were ended before their time.
// docs/adr/0014-further-tokens.md has the choice.

const (
	furtherTag  = "~" // before the sealed text; no token of another form has one
	furtherHash = 43  // of a lookup hash
	seenEvery   = time.Minute
)

// furtherToken is what a further token says.
type furtherToken struct {
	hash    string           // of its session
	session hecate.SessionID // and which one that was: another one of the same hash may follow it
	end     time.Time        // zero: with its session
	own     string           // the lookup hash of its text
}

// furtherClaims are what a signed one says besides what all signed ones do.
type furtherClaims struct {
	Session hecate.SessionID `json:"sid,omitempty"`
	Hash    string           `json:"sh,omitempty"`
}

func furtherContext(app hecate.AppID) string { return "further token:" + string(app) }

// FurtherToken gives the signed-in user a fresh token for the one that he presented, which stays, in a session that lives as o says from
// now on. It writes seldom: for a token's first time, to let the session live longer, and each minute when he was seen. SeenBefore of the result is when he
// was seen before, up to a minute ago. Kinds: Unauthenticated.
func (e *Engine) FurtherToken(ctx context.Context, actor *hecate.Actor, presented hecate.Secret, dialect string, o OpenSession) (*LoginResult, error) {
	const op = "open session"
	app, err := inApp(actor, op)
	if err != nil {
		return nil, err
	}
	if actor.User == nil {
		return nil, hecate.E(hecate.Unauthenticated, op)
	}
	row, err := e.sessionToKeep(app, actor, presented, dialect, o)
	if err != nil {
		return nil, err
	}
	s, err := e.session(ctx, app.ID, row.Hash)
	if err != nil && !errors.Is(err, hecate.NotFound) {
		return nil, err
	}
	if err != nil || endsTooSoon(s, row.Row) || e.now().Sub(actor.User.LastSeenAt) >= seenEvery {
		if s, err = e.keepSession(ctx, actor, row, op); err != nil {
			return nil, err
		}
	}
	token, err := e.newFurther(app, actor.User, s, row)
	if err != nil {
		return nil, err
	}
	return e.loggedIn(ctx, app, actor.User, token)
}

// sessionToKeep is the session of the further tokens for the one that an actor presented, as it would be stored now.
func (e *Engine) sessionToKeep(app *hecate.App, actor *hecate.Actor, presented hecate.Secret, dialect string, o OpenSession) (store.Sealed[*hecate.Session], error) {
	row, err := e.newSession(app.ID, actor.User.ID, dialect, hecate.Secret{})
	if err != nil {
		return row, err
	}
	o.apply(row.Row, app.Settings.Sessions.TTL)
	about := "user/" + string(actor.User.ID) // for whoever acts as him by a master key
	if actor.Session != nil {
		f, err := e.readFurther(app.ID, presented)
		if err != nil {
			return row, err
		}
		if f != nil {
			row.Hash = f.hash
			return row, nil
		}
		about = "token/" + e.lookup(presented)
	}
	// Signed, not looked up: no text that somebody presents as a token has this hash.
	row.Hash = base64.RawURLEncoding.EncodeToString(e.keys.Sign("session of further tokens", []byte(string(app.ID)+"/"+about)))
	return row, nil
}

// endsTooSoon reports whether a stored session falls behind what a fresh one would live by so much that it is worth a write.
func endsTooSoon(stored, fresh *hecate.Session) bool {
	if stored.ExpiresAt.IsZero() || fresh.ExpiresAt.IsZero() {
		return !stored.ExpiresAt.IsZero()
	}
	return fresh.ExpiresAt.Sub(stored.ExpiresAt) > fresh.ExpiresAt.Sub(fresh.IssuedAt)/16
}

// keepSession stores the session of further tokens, and that its user was seen. Kinds: Unauthenticated when the presented session
// has ended meanwhile.
func (e *Engine) keepSession(ctx context.Context, actor *hecate.Actor, row store.Sealed[*hecate.Session], op string) (s *hecate.Session, err error) {
	app, user := row.Row.App, row.Row.User
	err = e.db.Write(ctx, func(tx *store.DB) error {
		if err := e.lockUser(ctx, tx, app, user, op); err != nil {
			return err
		}
		if actor.Session != nil && !actor.Session.Standing {
			if err := e.stillOpen(ctx, tx, app, actor.Session, op); err != nil {
				return err
			}
		}
		if s, err = tx.KeepSession(ctx, row); err != nil {
			return err
		}
		if err := tx.SeeUser(ctx, app, user, e.stamp()); err != nil {
			return err
		}
		return errors.Join(e.forget(ctx, tx, "sessions", string(app)+"/"+row.Hash), e.forgetUser(ctx, tx, app, user))
	})
	if errors.Is(err, hecate.NotFound) { // the user was deleted meanwhile
		return nil, hecate.E(hecate.Unauthenticated, op)
	}
	return s, err
}

// newFurther makes a further token of a stored session, of the form that the app's tokens have. It ends with the session, or with what a fresh one would.
func (e *Engine) newFurther(app *hecate.App, u *hecate.User, s *hecate.Session, fresh store.Sealed[*hecate.Session]) (hecate.Secret, error) {
	end := s.ExpiresAt
	if f := fresh.Row.ExpiresAt; !f.IsZero() && (end.IsZero() || f.Before(end)) {
		end = f
	}
	if app.Settings.Sessions.Signed {
		one := *fresh.Row // its id names the token
		one.ExpiresAt = end
		return e.signedToken(app, u, &one, furtherClaims{s.ID, fresh.Hash})
	}
	var micro int64
	if !end.IsZero() {
		micro = end.UnixMicro()
	}
	says := binary.BigEndian.AppendUint64(nil, uint64(micro))
	says = append(append(says, fresh.Hash...), s.ID...)
	sealed, err := e.seal(hecate.NewSecret(string(says)), furtherContext(app.ID))
	return hecate.NewSecret(furtherTag + sealed), err
}

// readFurther reads a further token of an app, nil for a token that has a session of its own. Kinds: BadToken for what looks like one of
// this app's, sealed or signed, and is none; Expired.
func (e *Engine) readFurther(app hecate.AppID, token hecate.Secret) (*furtherToken, error) {
	const op = "authenticate"
	f, err := e.decodeFurther(app, token)
	if err != nil || f == nil {
		return nil, err
	}
	if !f.end.IsZero() && !e.now().Before(f.end) {
		return nil, hecate.E(hecate.Expired, op)
	}
	f.own = e.lookup(token)
	return f, nil
}

func (e *Engine) decodeFurther(app hecate.AppID, token hecate.Secret) (*furtherToken, error) {
	bad := hecate.E(hecate.BadToken, "authenticate")
	sealed, is := strings.CutPrefix(token.Reveal(), furtherTag)
	if !is {
		c, more, err := e.readSigned(app, token)
		if err != nil || c == nil || more.Hash == "" {
			return nil, err
		}
		return &furtherToken{hash: more.Hash, session: more.Session, end: statedEnd(c)}, nil
	}
	says, err := e.keys.Open(sealed, furtherContext(app))
	if err != nil || len(says) <= 8+furtherHash {
		return nil, bad
	}
	f := &furtherToken{hash: string(says[8 : 8+furtherHash]), session: hecate.SessionID(says[8+furtherHash:])}
	if micro := int64(binary.BigEndian.Uint64(says)); micro != 0 {
		f.end = time.UnixMicro(micro)
	}
	return f, nil
}

func statedEnd(c *jwt.Claims) time.Time {
	if c.Expiry == nil {
		return time.Time{}
	}
	return c.Expiry.Time()
}

// presentedSession finds the session that a token of an app's user opens, also when it has expired. further is nil for a token
// that has it alone. Kinds: NotFound, and those of readFurther.
func (e *Engine) presentedSession(ctx context.Context, app hecate.AppID, token hecate.Secret) (s *hecate.Session, further *furtherToken, err error) {
	f, err := e.readFurther(app, token)
	if err != nil {
		return nil, nil, err
	}
	if f == nil {
		s, err := e.session(ctx, app, e.lookup(token))
		return s, nil, err
	}
	if s, err = e.session(ctx, app, f.hash); err != nil {
		return nil, nil, err
	}
	ended, err := e.cache.ended.get(ctx, string(app)+"/"+f.own, func(ctx context.Context) (bool, error) {
		return e.db.FurtherTokenEnded(ctx, app, f.own)
	})
	if err == nil && (ended || s.ID != f.session) {
		err = hecate.NotFound
	}
	return s, f, err
}

// endPresented ends what presentedSession found: the session, or the one further token alone.
func (e *Engine) endPresented(ctx context.Context, holder *hecate.Actor, f *furtherToken) error {
	if f == nil {
		return e.EndSession(ctx, holder)
	}
	s := holder.Session
	return e.db.Write(ctx, func(tx *store.DB) error {
		if err := tx.EndFurtherToken(ctx, s.App, s.ID, f.own); err != nil {
			return err
		}
		if err := e.forget(ctx, tx, "ended", string(s.App)+"/"+f.own); err != nil {
			return err
		}
		return e.record(ctx, tx, holder, s.App, "end session", string(hecate.SubjectUser(s.User)))
	})
}
