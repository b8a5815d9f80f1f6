package engine

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"hecate"
	"hecate/internal/secret"
	"hecate/internal/store"
)

// runEngine does the background work of an engine until stop.
func runEngine(t *testing.T, e *Engine) (stop func(), done chan error) {
	t.Helper()
	bg, cancel := context.WithCancel(context.Background())
	done = make(chan error, 1)
	go func() { done <- e.Run(bg) }()
	return cancel, done
}

func TestLogin(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		plain := h.key(owner, 0)
		gordon := must[*UserDetail](t)(h.CreateUser(ctx, owner, CreateUserInput{Username: "Gordon", Email: "g@example.com", Password: clear("Black Mesa")}))
		// Somebody whose username is the address of another.
		must[*UserDetail](t)(h.CreateUser(ctx, owner, CreateUserInput{Username: "a@example.com", Password: clear("one")}))
		must[*UserDetail](t)(h.CreateUser(ctx, owner, CreateUserInput{Username: "bob", Email: "A@example.com", Password: clear("two")}))
		key := h.enter(app, hecate.Proof{Key: plain})
		login := func(a *hecate.Actor, name, password string) (*LoginResult, error) {
			return h.Login(ctx, a, LoginInput{Login: name, Password: clear(password)})
		}

		t.Run("by username, without case, else by address", func(t *testing.T) {
			for _, name := range []string{"Gordon", "gORDON", "G@EXAMPLE.com"} {
				l := must[*LoginResult](t)(login(key, name, "Black Mesa"))
				if l.User.ID != gordon.User.ID || !sameSecret(l.Token, gordon.Token) || !l.SessionToken.IsZero() || l.Profile == nil {
					t.Errorf("%s: %+v", name, l.UserDetail)
				}
			}
			if l := must[*LoginResult](t)(login(key, "A@EXAMPLE.COM", "one")); l.User.Username != "a@example.com" {
				t.Errorf("user = %+v", l.User)
			}
			failed[*LoginResult](t, hecate.WrongPassword, "")(login(key, "a@example.com", "two"))
		})
		t.Run("what is wrong is told apart", func(t *testing.T) {
			failed[*LoginResult](t, hecate.WrongPassword, "")(login(key, "gordon", "black mesa"))
			failed[*LoginResult](t, hecate.WrongPassword, "")(login(key, "gordon", ""))
			failed[*LoginResult](t, hecate.WrongPassword, "")(login(key, "gordon", "Black Mesa\x00"))
			for _, name := range []string{"nobody", "", "\x00", "\xff", strings.Repeat("x", 10_000)} {
				failed[*LoginResult](t, hecate.UnknownUser, "")(login(key, name, "Black Mesa"))
			}
			failed[*LoginResult](t, hecate.UnknownUser, "")(login(key, "gordon", strings.Repeat("x", maxPassword+1)))
			must[*UserDetail](t)(h.CreateUser(ctx, owner, CreateUserInput{Username: "nopass"}))
			failed[*LoginResult](t, hecate.WrongPassword, "")(login(key, "nopass", ""))
		})
		t.Run("only callers of the app may log users in", func(t *testing.T) {
			must[*LoginResult](t)(login(h.enter(app, hecate.Proof{}), "gordon", "Black Mesa"))
			_, stranger := h.admin("stranger@example.com")
			failed[*LoginResult](t, hecate.Forbidden, "")(login(h.enter(app, hecate.Proof{Key: stranger.Key}), "gordon", "Black Mesa"))
			must[*LoginResult](t)(login(owner, "gordon", "Black Mesa"))
		})
		t.Run("the time of the last login is told", func(t *testing.T) {
			h.clock.move(time.Hour)
			before := h.clock.now()
			must[*LoginResult](t)(login(key, "gordon", "Black Mesa"))
			h.clock.move(time.Hour)
			l := must[*LoginResult](t)(login(key, "gordon", "Black Mesa"))
			if !l.Before.Equal(before) || !l.User.LastLoginAt.Equal(h.clock.now()) {
				t.Errorf("before %v, now %v", l.Before, l.User.LastLoginAt)
			}
			if d := must[*UserDetail](t)(h.User(ctx, owner, UserRef{Login: "gordon"})); !d.User.LastLoginAt.Equal(h.clock.now()) {
				t.Error("an old detail was kept")
			}
		})
		t.Run("an opened session lives as long as it should", func(t *testing.T) {
			in := LoginInput{Login: "gordon", Password: clear("Black Mesa"), Dialect: "x", Open: &OpenSession{TTL: time.Hour.Microseconds()}}
			one := must[*LoginResult](t)(h.Login(ctx, key, in))
			in.Open = &OpenSession{}
			ever := must[*LoginResult](t)(h.Login(ctx, key, in))
			if a := h.enter(app, hecate.Proof{Token: one.SessionToken}); a.User.ID != gordon.User.ID || a.Session.Dialect != "x" || a.Session.Standing {
				t.Errorf("actor = %+v", a)
			}
			h.clock.move(time.Hour)
			_, err := h.Authenticate(ctx, app, hecate.Proof{Token: one.SessionToken})
			fails(t, err, hecate.Expired, "")
			h.clock.move(100_000 * time.Hour)
			h.enter(app, hecate.Proof{Token: ever.SessionToken})
			works(t, h.sweepOnce(ctx))
			h.cache.sessions.clear()
			h.deadToken(app, plain, one.SessionToken)
			h.enter(app, hecate.Proof{Token: ever.SessionToken})
		})
	})
}

func TestAppSettingBoundsSessions(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		h.user(owner, "gordon")
		s := hecate.Settings{Sessions: hecate.SessionSettings{TTL: time.Minute}}
		must[*AppDetail](t)(h.UpdateApp(ctx, owner, app.ID, UpdateAppInput{Settings: &s}))
		app = must[*hecate.App](t)(h.AppByID(ctx, app.ID))
		l := must[*LoginResult](t)(h.Login(ctx, SystemIn(app), LoginInput{Login: "gordon", Password: clear("password of gordon"), Open: &OpenSession{}}))
		h.clock.move(time.Minute)
		_, err := h.Authenticate(ctx, app, hecate.Proof{Token: l.SessionToken})
		fails(t, err, hecate.Expired, "")
	})
}

func TestLoginUpgradesOldHashes(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		gordon := h.user(owner, "gordon")
		weak := secret.NewHasher(secret.Config{Cost: secret.Cost{Memory: 16, Time: 1, Threads: 1}})
		defer weak.Close()
		old := must[string](t)(weak.Hash(ctx, "Black Mesa"))
		works(t, h.db.Write(ctx, func(tx *store.DB) error {
			return tx.SetCredential(ctx, app.ID, gordon.User.ID, hecate.PasswordCredential, old)
		}))
		in := LoginInput{Login: "gordon", Password: clear("Black Mesa")}
		failed[*LoginResult](t, hecate.WrongPassword, "")(h.Login(ctx, owner, LoginInput{Login: "gordon", Password: clear("no")}))
		if hash := must[string](t)(h.db.Credential(ctx, app.ID, gordon.User.ID, hecate.PasswordCredential)); hash != old {
			t.Error("a refused login changed the hash")
		}
		if l := must[*LoginResult](t)(h.Login(ctx, owner, in)); !sameSecret(l.Token, gordon.Token) {
			t.Error("the upgrade ended the session")
		}
		fresh := must[string](t)(h.db.Credential(ctx, app.ID, gordon.User.ID, hecate.PasswordCredential))
		if fresh == old || !strings.HasPrefix(fresh, "$argon2id$v=19$m=8,t=1,p=1,keyid=") {
			t.Errorf("hash = %s", fresh)
		}
		must[*LoginResult](t)(h.Login(ctx, owner, in))
		if hash := must[string](t)(h.db.Credential(ctx, app.ID, gordon.User.ID, hecate.PasswordCredential)); hash != fresh {
			t.Error("hashed again")
		}
	})
}

func TestEndingSessions(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		plain := h.key(owner, 0)
		gordon, alyx := h.user(owner, "gordon"), h.user(owner, "alyx")
		open := func() hecate.Secret {
			t.Helper()
			return must[*LoginResult](t)(h.Login(ctx, owner, LoginInput{Login: "gordon", Password: clear("password of gordon"), Open: &OpenSession{}})).SessionToken
		}
		one, two := open(), open()

		t.Run("a user ends the session it came with, and no other", func(t *testing.T) {
			works(t, h.EndSession(ctx, h.enter(app, hecate.Proof{Token: one})))
			h.deadToken(app, plain, one)
			h.enter(app, hecate.Proof{Token: two})
			h.as(app, plain, gordon)
			fails(t, h.EndSession(ctx, owner), hecate.Unauthenticated, "")
		})
		t.Run("ending the standing session renews it", func(t *testing.T) {
			works(t, h.EndSession(ctx, h.as(app, plain, gordon)))
			h.deadToken(app, plain, gordon.Token)
			d := must[*UserDetail](t)(h.User(ctx, owner, UserRef{Seq: 1}))
			h.as(app, plain, d)
			gordon = d
		})
		t.Run("renewing ends the standing session only", func(t *testing.T) {
			for _, a := range []*hecate.Actor{owner, h.as(app, plain, gordon), h.enter(app, hecate.Proof{Key: h.key(owner, hecate.ManagesData)})} {
				d := must[*UserDetail](t)(h.RenewStanding(ctx, a, UserRef{Seq: 1}))
				if sameSecret(d.Token, gordon.Token) || !isHexKey(d.Token, false) {
					t.Errorf("token = %q", d.Token.Reveal())
				}
				h.deadToken(app, plain, gordon.Token)
				h.as(app, plain, d)
				gordon = d
			}
			h.enter(app, hecate.Proof{Token: two})
		})
		t.Run("ending all leaves a new standing session", func(t *testing.T) {
			works(t, h.EndSessions(ctx, h.as(app, plain, gordon), UserRef{Seq: 1}))
			h.deadToken(app, plain, two)
			h.deadToken(app, plain, gordon.Token)
			d := must[*UserDetail](t)(h.User(ctx, owner, UserRef{Seq: 1}))
			h.as(app, plain, d)
			h.as(app, plain, alyx)
		})
		t.Run("many renewals at once leave one session", func(t *testing.T) {
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					if _, err := h.RenewStanding(ctx, owner, UserRef{Seq: 1}); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			h.as(app, plain, must[*UserDetail](t)(h.User(ctx, owner, UserRef{Seq: 1})))
			if n := len(must[[]*hecate.Session](t)(h.db.Sessions(ctx, app.ID, gordon.User.ID))); n != 1 {
				t.Errorf("%d sessions", n)
			}
		})
		t.Run("tokens are found in any case", func(t *testing.T) {
			d := must[*UserDetail](t)(h.User(ctx, owner, UserRef{Seq: 2}))
			h.enter(app, hecate.Proof{Key: clear(strings.ToUpper(plain.Reveal())), Token: clear(strings.ToUpper(d.Token.Reveal()))})
		})
	})
}

func TestFoldKey(t *testing.T) {
	t.Parallel()
	hex := strings.Repeat("aB3", 13) + "F"
	for in, want := range map[string]string{hex: strings.ToLower(hex), hex + "0": hex + "0", "AB": "AB", "": "", strings.Repeat("G", 40): strings.Repeat("G", 40)} {
		if got := foldKey(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}
