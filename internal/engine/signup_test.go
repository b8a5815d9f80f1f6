package engine

import (
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"hecate"
)

// client is an actor with a plain key that may sign users up.
func (h *house) client(app *hecate.App, owner *hecate.Actor) (*hecate.Actor, hecate.Secret) {
	h.t.Helper()
	key := h.key(owner, hecate.CreatesUsers)
	return h.enter(app, hecate.Proof{Key: key}), key
}

// settings gives an app other settings.
func (h *house) settings(app *hecate.App, owner *hecate.Actor, s hecate.Settings) error {
	_, err := h.UpdateApp(ctx, owner, app.ID, UpdateAppInput{Settings: &s})
	return err
}

func TestSignUp(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		guest, key := h.client(app, owner)
		ben := must[*LoginResult](t)(h.SignUp(ctx, guest, SignUpInput{
			Names: map[string]string{"username": "Ben"}, CreateUserInput: CreateUserInput{
				Password: clear("p1"), Profile: RecordInput{Values: hecate.Values{"interest": "reading", "gone": nil}},
			}, Open: &OpenSession{}, Extend: true,
		}))
		t.Run("the new user is in", func(t *testing.T) {
			if !ben.Before.IsZero() || ben.Profile.Values["interest"] != "reading" || ben.User.Username != "Ben" {
				t.Errorf("%+v %+v", ben, ben.Profile)
			}
			if a := h.enter(app, hecate.Proof{Key: key, Token: ben.SessionToken}); a.UserID() != ben.User.ID {
				t.Error("the token is nobody's")
			}
		})
		login := func(names map[string]string, pw string) (*LoginResult, error) {
			return h.Login(ctx, guest, LoginInput{Names: names, Password: clear(pw), Open: &OpenSession{}})
		}
		t.Run("he logs in by names and by name", func(t *testing.T) {
			l := must[*LoginResult](t)(login(map[string]string{"username": "BEN"}, "p1"))
			if l.Before.IsZero() || l.User.ID != ben.User.ID {
				t.Errorf("%+v", l)
			}
			must[*LoginResult](t)(h.Login(ctx, guest, LoginInput{Login: "ben", Password: clear("p1")}))
			failed[*LoginResult](t, hecate.WrongPassword, "")(login(map[string]string{"username": "ben"}, "p2"))
			failed[*LoginResult](t, hecate.UnknownUser, "")(login(map[string]string{"email": "ben"}, "p1"))
			failed[*LoginResult](t, hecate.Invalid, "names")(login(map[string]string{"nick": "ben"}, "p1"))
			failed[*LoginResult](t, hecate.Invalid, "names")(login(map[string]string{}, "p1"))
			must[*LoginResult](t)(login(map[string]string{"username": "ben", "email": "nobody@example.com"}, "p1"))
		})
		t.Run("who signs up elsewhere logs in by names", func(t *testing.T) {
			h.user(owner, "gordon")
			must[*LoginResult](t)(login(map[string]string{"username": "Gordon"}, "password of gordon"))
		})
		t.Run("what is wrong is told apart", func(t *testing.T) {
			sign := func(names map[string]string, pw string, values hecate.Values, extend bool) error {
				_, err := h.SignUp(ctx, guest, SignUpInput{Names: names, Extend: extend, CreateUserInput: CreateUserInput{
					Password: clear(pw), Profile: RecordInput{Values: values},
				}})
				return err
			}
			fails(t, sign(map[string]string{"username": "bEN"}, "x", nil, true), hecate.Exists, "username")
			fails(t, sign(map[string]string{"nick": "x"}, "x", nil, true), hecate.Invalid, "names")
			fails(t, sign(nil, "x", nil, true), hecate.Invalid, "names")
			fails(t, sign(map[string]string{"username": "x"}, "", nil, true), hecate.Invalid, "password")
			err := sign(map[string]string{"username": "x"}, "x", hecate.Values{"interest": int64(1)}, true)
			if fails(t, err, hecate.Invalid, "schema"); hecate.Detail(err).Info["conflict"] != "interest" {
				t.Error(err)
			}
			err = sign(map[string]string{"username": "x"}, "x", hecate.Values{"other": "x"}, false)
			if fails(t, err, hecate.Invalid, "schema"); hecate.Detail(err).Info["closed"] != "other" {
				t.Error(err)
			}
		})
		t.Run("an anonymous user has no names", func(t *testing.T) {
			a := must[*LoginResult](t)(h.SignUp(ctx, guest, SignUpInput{Open: &OpenSession{}}))
			if a.User.Username != "" || a.User.Email != "" || a.User.HasPassword || a.SessionToken.IsZero() {
				t.Errorf("%+v", a.User)
			}
			as := h.enter(app, hecate.Proof{Key: key, Token: a.SessionToken})
			failed[*LoginResult](t, hecate.WrongPassword, "")(h.ChangePassword(ctx, as, clear(""), clear("x"), ChangePasswordInput{}))
		})
		t.Run("a closed schema stays as it is", func(t *testing.T) {
			works(t, h.settings(app, owner, hecate.Settings{ClosedSchema: true}))
			_, err := h.SignUp(ctx, h.enter(app, hecate.Proof{Key: key}), SignUpInput{Extend: true, CreateUserInput: CreateUserInput{
				Profile: RecordInput{Values: hecate.Values{"late": true}},
			}})
			fails(t, err, hecate.Invalid, "schema")
		})
	})
}

func TestLoginKeys(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		must[*LoginResult](t)(h.SignUp(ctx, owner, SignUpInput{Extend: true, Names: map[string]string{"username": "early"}, CreateUserInput: CreateUserInput{
			Password: clear("p"), Profile: RecordInput{Values: hecate.Values{"realm": "a", "nick": "early"}},
		}}))
		works(t, h.settings(app, owner, hecate.Settings{LoginKeys: [][]string{{"username"}, {"realm", "nick"}}}))
		guest, key := h.client(app, owner)
		sign := func(realm, nick string) (*LoginResult, error) {
			return h.SignUp(ctx, guest, SignUpInput{Extend: true, Open: &OpenSession{}, Names: map[string]string{"realm": realm, "nick": nick},
				CreateUserInput: CreateUserInput{Password: clear("p")}})
		}
		login := func(realm, nick string) (*LoginResult, error) {
			return h.Login(ctx, guest, LoginInput{Names: map[string]string{"realm": realm, "nick": nick}, Password: clear("p")})
		}
		ben := must[*LoginResult](t)(sign("a", "ben"))
		must[*LoginResult](t)(sign("b", "ben"))
		failed[*LoginResult](t, hecate.Exists, "realm,nick")(sign("a", "ben"))
		must[*LoginResult](t)(sign("a", "Ben")) // case counts
		must[*LoginResult](t)(login("a", "ben"))
		must[*LoginResult](t)(login("a", "early")) // who was there before the setting
		failed[*LoginResult](t, hecate.Invalid, "names")(h.Login(ctx, guest, LoginInput{Names: map[string]string{"email": "x"}, Password: clear("p")}))

		as := h.enter(app, hecate.Proof{Key: key, Token: ben.SessionToken})
		save := func(nick string) SaveResult {
			return must[[]SaveResult](t)(h.SaveRecords(ctx, as, []SaveInput{{Collection: hecate.ProfileName,
				Input: RecordInput{Key: ben.User.Key, Values: hecate.Values{"nick": nick}}}}, SaveOptions{}))[0]
		}
		fails(t, save("Ben").Err, hecate.Exists, "realm,nick")
		works(t, save("benny").Err)
		failed[*LoginResult](t, hecate.UnknownUser, "")(login("a", "ben"))
		must[*LoginResult](t)(login("a", "benny"))
		must[*LoginResult](t)(sign("a", "ben"))
		err := h.settings(app, owner, hecate.Settings{LoginKeys: [][]string{{"realm"}}})
		fails(t, err, hecate.Exists, "login_keys")
		must[*LoginResult](t)(login("a", "benny"))
	})
}

func TestOpenSessionAndEndToken(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		guest, key := h.client(app, owner)
		ben := must[*LoginResult](t)(h.SignUp(ctx, guest, SignUpInput{Names: map[string]string{"username": "ben"},
			CreateUserInput: CreateUserInput{Password: clear("p")}, Open: &OpenSession{TTL: time.Hour.Microseconds()}}))
		as := h.enter(app, hecate.Proof{Key: key, Token: ben.SessionToken})
		h.clock.move(time.Minute)
		more := must[*LoginResult](t)(h.OpenSession(ctx, as, "x", OpenSession{}))
		if sameSecret(more.SessionToken, ben.SessionToken) || more.Before.IsZero() || more.SeenBefore.IsZero() {
			t.Errorf("%+v", more)
		}
		h.enter(app, hecate.Proof{Key: key, Token: ben.SessionToken})
		works(t, h.EndToken(ctx, guest, more.SessionToken))
		h.deadToken(app, key, more.SessionToken)
		fails(t, h.EndToken(ctx, guest, more.SessionToken), hecate.BadToken, "")
		works(t, h.EndSession(ctx, as))
		works(t, h.EndSession(ctx, as))
		failed[*LoginResult](t, hecate.Unauthenticated, "")(h.OpenSession(ctx, as, "x", OpenSession{}))
		failed[*LoginResult](t, hecate.Unauthenticated, "")(h.OpenSession(ctx, guest, "x", OpenSession{}))
		last := must[*LoginResult](t)(h.Login(ctx, guest, LoginInput{Login: "ben", Password: clear("p"), Open: &OpenSession{TTL: time.Hour.Microseconds()}}))
		works(t, h.DisableUser(ctx, owner, UserRef{ID: ben.User.ID}, DisableUserInput{Disabled: true}))
		works(t, h.EndToken(ctx, guest, last.SessionToken))
		works(t, h.DisableUser(ctx, owner, UserRef{ID: ben.User.ID}, DisableUserInput{}))
		last = must[*LoginResult](t)(h.Login(ctx, guest, LoginInput{Login: "ben", Password: clear("p"), Open: &OpenSession{TTL: time.Hour.Microseconds()}}))
		h.clock.move(2 * time.Hour)
		fails(t, h.EndToken(ctx, guest, last.SessionToken), hecate.Expired, "")
	})
}

func TestPasswordChanges(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		guest, key := h.client(app, owner)
		ben := must[*LoginResult](t)(h.SignUp(ctx, guest, SignUpInput{Names: map[string]string{"username": "ben"},
			CreateUserInput: CreateUserInput{Password: clear("p1")}, Open: &OpenSession{}}))
		as := h.enter(app, hecate.Proof{Key: key, Token: ben.SessionToken})
		change := func(old, new string, in ChangePasswordInput) (*LoginResult, error) {
			in.Open = &OpenSession{}
			return h.ChangePassword(ctx, as, clear(old), clear(new), in)
		}
		failed[*LoginResult](t, hecate.WrongPassword, "")(change("p2", "p3", ChangePasswordInput{}))
		failed[*LoginResult](t, hecate.Invalid, "password")(change("p1", "", ChangePasswordInput{}))
		failed[*LoginResult](t, hecate.WeakPassword, "password")(change("p1", "p2", ChangePasswordInput{MinPassword: 4}))

		next := must[*LoginResult](t)(change("p1", "p2", ChangePasswordInput{}))
		h.enter(app, hecate.Proof{Key: key, Token: ben.SessionToken})
		h.enter(app, hecate.Proof{Key: key, Token: next.SessionToken})
		if sameSecret(next.Token, ben.Token) {
			t.Error("the standing session was not renewed")
		}
		h.deadToken(app, key, ben.Token)
		failed[*LoginResult](t, hecate.WrongPassword, "")(h.Login(ctx, guest, LoginInput{Login: "ben", Password: clear("p1")}))

		same := must[*LoginResult](t)(change("p2", "p2", ChangePasswordInput{EndAll: true}))
		for _, dead := range []hecate.Secret{ben.SessionToken, next.SessionToken, next.Token} {
			h.deadToken(app, key, dead)
		}
		as = h.enter(app, hecate.Proof{Key: key, Token: same.SessionToken})

		t.Run("a reset is for managers", func(t *testing.T) {
			failed[*LoginResult](t, hecate.Forbidden, "")(h.ResetPassword(ctx, as, UserRef{Key: ben.User.Key}, clear("x"), ChangePasswordInput{}))
			failed[*LoginResult](t, hecate.NotFound, "user")(h.ResetPassword(ctx, owner, UserRef{Key: "nobody"}, clear("x"), ChangePasswordInput{}))
			r := must[*LoginResult](t)(h.ResetPassword(ctx, owner, UserRef{Key: ben.User.Key}, clear("p4"), ChangePasswordInput{Open: &OpenSession{}}))
			h.enter(app, hecate.Proof{Key: key, Token: r.SessionToken})
			must[*LoginResult](t)(h.Login(ctx, guest, LoginInput{Login: "ben", Password: clear("p4")}))
		})
		t.Run("former passwords are refused where the policy says so", func(t *testing.T) {
			works(t, h.settings(app, owner, hecate.Settings{Password: hecate.PasswordPolicy{History: 2}}))
			as = h.enter(app, hecate.Proof{Key: key, Token: same.SessionToken})
			failed[*LoginResult](t, hecate.WeakPassword, "password")(change("p4", "p4", ChangePasswordInput{}))
			must[*LoginResult](t)(change("p4", "p5", ChangePasswordInput{}))
			failed[*LoginResult](t, hecate.WeakPassword, "password")(change("p5", "p4", ChangePasswordInput{}))
		})
	})
}

func TestSignedTokens(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		other, otherOwner := h.app("films")
		guest, key := h.client(app, owner)
		sign := SignUpInput{Names: map[string]string{"username": "ben"}, CreateUserInput: CreateUserInput{Password: clear("p")}, Open: &OpenSession{TTL: time.Hour.Microseconds()}}
		opaque := must[*LoginResult](t)(h.SignUp(ctx, guest, sign))
		works(t, h.settings(app, owner, hecate.Settings{Sessions: hecate.SessionSettings{Signed: true}}))
		works(t, h.settings(other, otherOwner, hecate.Settings{Sessions: hecate.SessionSettings{Signed: true}}))
		guest = h.enter(app, hecate.Proof{Key: key})
		login := func() hecate.Secret {
			return must[*LoginResult](t)(h.Login(ctx, guest, LoginInput{Login: "ben", Password: clear("p"), Open: &OpenSession{TTL: time.Hour.Microseconds()}})).SessionToken
		}
		first, second := login(), login()
		t.Run("a token says whose it is", func(t *testing.T) {
			parsed := must[*jwt.JSONWebToken](t)(jwt.ParseSigned(first.Reveal(), []jose.SignatureAlgorithm{jose.HS256}))
			var c jwt.Claims
			works(t, parsed.UnsafeClaimsWithoutVerification(&c))
			if c.Subject != opaque.User.Key || c.Issuer != app.Name || c.ID == "" || c.IssuedAt == nil || c.Expiry.Time().Sub(c.IssuedAt.Time()) != time.Hour ||
				parsed.Headers[0].KeyID != "2026-11" {
				t.Errorf("%+v %+v", c, parsed.Headers)
			}
			for _, token := range []hecate.Secret{first, opaque.SessionToken, opaque.Token} {
				if a := h.enter(app, hecate.Proof{Key: key, Token: token}); a.UserID() != opaque.User.ID {
					t.Error("not his")
				}
			}
		})
		t.Run("a changed one, and one of another app, is refused", func(t *testing.T) {
			parts := strings.Split(first.Reveal(), ".")
			h.deadToken(app, key, clear(parts[0]+"."+parts[1]+"."+strings.Split(second.Reveal(), ".")[2]))
			h.deadToken(app, key, clear("eyJhbGciOiJub25lIn0."+parts[1]+"."))
			h.deadToken(other, h.key(otherOwner, 0), first)
		})
		t.Run("logout really ends it", func(t *testing.T) {
			works(t, h.EndToken(ctx, guest, second))
			h.deadToken(app, key, second)
			h.enter(app, hecate.Proof{Key: key, Token: first})
		})
		t.Run("a password change ends all of them", func(t *testing.T) {
			as := h.enter(app, hecate.Proof{Key: key, Token: first})
			next := must[*LoginResult](t)(h.ChangePassword(ctx, as, clear("p"), clear("p"), ChangePasswordInput{Open: &OpenSession{}}))
			for _, dead := range []hecate.Secret{first, opaque.SessionToken, opaque.Token} {
				h.deadToken(app, key, dead)
			}
			h.enter(app, hecate.Proof{Key: key, Token: next.SessionToken})
		})
		t.Run("it expires", func(t *testing.T) {
			third := login()
			h.clock.move(61 * time.Minute)
			_, err := h.Authenticate(ctx, app, hecate.Proof{Key: key, Token: third})
			fails(t, err, hecate.Expired, "")
		})
	})
}

func TestDisabledUserIsRefusedEverywhere(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		guest, key := h.client(app, owner)
		ben := must[*LoginResult](t)(h.SignUp(ctx, guest, SignUpInput{Names: map[string]string{"username": "ben"},
			CreateUserInput: CreateUserInput{Password: clear("p")}, Open: &OpenSession{}}))
		h.enter(app, hecate.Proof{Key: key, Token: ben.SessionToken}) // cached
		until := h.clock.now().Add(time.Hour)
		works(t, h.DisableUser(ctx, owner, UserRef{Key: ben.User.Key}, DisableUserInput{Disabled: true, Message: "banned", Until: until}))
		for _, token := range []hecate.Secret{ben.SessionToken, ben.Token} {
			a, err := h.Authenticate(ctx, app, hecate.Proof{Key: key, Token: token})
			if fails(t, err, hecate.UserDisabled, ""); a == nil || a.User != nil {
				t.Errorf("%+v", a)
			}
		}
		for _, in := range []LoginInput{{Login: "ben"}, {Names: map[string]string{"username": "ben"}}} {
			for _, pw := range []string{"p", "wrong"} {
				in.Password = clear(pw)
				_, err := h.Login(ctx, guest, in)
				fails(t, err, hecate.UserDisabled, "")
				if i := hecate.Detail(err).Info; i["message"] != "banned" || !i["until"].(time.Time).Equal(until) {
					t.Errorf("info = %v", i)
				}
			}
		}
		if h.events(app.ID, "disable user") != 1 {
			t.Error("no event")
		}
		h.clock.move(2 * time.Hour)
		h.enter(app, hecate.Proof{Key: key, Token: ben.SessionToken})
		works(t, h.DisableUser(ctx, owner, UserRef{Key: ben.User.Key}, DisableUserInput{Disabled: true}))
		works(t, h.DisableUser(ctx, owner, UserRef{Key: ben.User.Key}, DisableUserInput{}))
		h.enter(app, hecate.Proof{Key: key, Token: ben.SessionToken})
		fails(t, h.DisableUser(ctx, owner, UserRef{Key: "nobody"}, DisableUserInput{Disabled: true}), hecate.NotFound, "user")
		fails(t, h.DisableUser(ctx, guest, UserRef{Key: ben.User.Key}, DisableUserInput{Disabled: true}), hecate.Forbidden, "")
	})
}

func TestLoginExternal(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		guest, key := h.client(app, owner)
		works(t, h.SetDefaultRoles(ctx, owner, []string{"Member"}))
		in := ExternalLoginInput{Provider: "custom", Subject: "u-1", Extend: true, Open: &OpenSession{}, Username: ptr("ben"),
			Profile: RecordInput{Values: hecate.Values{"city": "Hongkong"}}}
		enter := func() (*LoginResult, bool, error) { return h.LoginExternal(ctx, guest, in) }
		l, created, err := enter()
		if works(t, err); !created || l.User.Username != "ben" || l.User.HasPassword || l.Profile.Values["city"] != "Hongkong" {
			t.Errorf("%+v", l.User)
		}
		if roles := must[map[string][]string](t)(h.RolesOfUsers(ctx, owner, []string{l.User.Key})); len(roles[l.User.Key]) != 0 {
			t.Errorf("roles = %v", roles)
		}
		in.Profile.Values = hecate.Values{"city": "Kowloon", "age": int64(3)}
		again, created, err := enter()
		if works(t, err); created || again.User.ID != l.User.ID || again.Profile.Values["city"] != "Kowloon" || again.Profile.Values["age"] != int64(3) {
			t.Errorf("%+v", again.Profile)
		}
		h.enter(app, hecate.Proof{Key: key, Token: again.SessionToken})
		h.user(owner, "taken")
		in.Username = ptr("TAKEN")
		_, _, err = enter()
		fails(t, err, hecate.Exists, "username")
		in.Username = nil
		works(t, h.DisableUser(ctx, owner, UserRef{ID: l.User.ID}, DisableUserInput{Disabled: true}))
		in.Profile.Values = hecate.Values{"city": "Elsewhere"}
		_, _, err = enter()
		fails(t, err, hecate.UserDisabled, "")
		if d := must[*UserDetail](t)(h.User(ctx, owner, UserRef{ID: l.User.ID})); d.Profile.Values["city"] != "Kowloon" {
			t.Error("the profile of a disabled user has changed")
		}
	})
}

func TestVerifyClaims(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", Config{})
	now := h.clock.now()
	token := func(secret string, alg jose.SignatureAlgorithm, claims map[string]any) string {
		signer := must[jose.Signer](t)(jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: paddedKey(clear(secret))}, nil))
		return must[string](t)(jwt.Signed(signer).Claims(claims).Serialize())
	}
	good := map[string]any{"sub": "u-1", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "more": map[string]any{"n": 1}}
	without := func(name string) map[string]any {
		m := map[string]any{}
		for k, v := range good {
			if k != name {
				m[k] = v
			}
		}
		return m
	}
	for _, alg := range hmacs {
		c := must[*Claims](t)(h.VerifyClaims(token("short", alg, good), clear("short")))
		if c.Subject != "u-1" || !strings.Contains(string(c.Raw), `"more"`) {
			t.Errorf("%+v %s", c, c.Raw)
		}
	}
	failed[*Claims](t, hecate.Unsupported, "")(h.VerifyClaims(token("s", jose.HS256, good), hecate.Secret{}))
	failed[*Claims](t, hecate.Malformed, "token")(h.VerifyClaims(token("s", jose.HS256, good), clear("t")))
	failed[*Claims](t, hecate.Malformed, "token")(h.VerifyClaims("", clear("t")))
	failed[*Claims](t, hecate.Malformed, "token")(h.VerifyClaims("eyJhbGciOiJub25lIn0.e30.", clear("t")))
	for _, name := range []string{"sub", "exp", "iat"} {
		failed[*Claims](t, hecate.BadToken, name)(h.VerifyClaims(token("s", jose.HS256, without(name)), clear("s")))
	}
	late := without("exp")
	late["exp"] = now.Add(-time.Second).Unix()
	failed[*Claims](t, hecate.Malformed, "token")(h.VerifyClaims(token("s", jose.HS256, late), clear("s")))
	early := without("iat")
	early["iat"] = now.Add(time.Minute).Unix()
	failed[*Claims](t, hecate.Malformed, "token")(h.VerifyClaims(token("s", jose.HS256, early), clear("s")))
}

func TestMasterKeyActsAsAUser(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		ben := h.user(owner, "ben")
		master := h.key(owner, hecate.Master)
		a := h.enter(app, hecate.Proof{Key: master, User: ben.User.Key})
		if a.UserID() != ben.User.ID || !a.Can(hecate.Manage, hecate.AreaSchema) {
			t.Errorf("%+v", a)
		}
		if a := h.enter(app, hecate.Proof{Key: h.key(owner, 0), User: ben.User.Key}); a.User != nil {
			t.Error("a plain key acts as a user")
		}
		_, err := h.Authenticate(ctx, app, hecate.Proof{Key: master, User: "nobody"})
		fails(t, err, hecate.UnknownUser, "user")
	})
}
