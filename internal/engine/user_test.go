package engine

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"hecate"
)

func TestCreateUser(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		gordon := must[*UserDetail](t)(h.CreateUser(ctx, owner, CreateUserInput{
			Username: "Gordon Freeman", Email: "Gordon@Example.com", Password: clear("Black Mesa"), Dialect: "x",
		}))
		if u := gordon.User; u.Seq != 1 || u.Username != "Gordon Freeman" || u.Email != "Gordon@Example.com" || !u.HasPassword ||
			!u.Activated || u.Key != string(u.ID) || u.EmailVerified || u.PasswordChangedAt.IsZero() {
			t.Errorf("user = %+v", u)
		}
		if !isHexKey(gordon.Token, false) {
			t.Errorf("token = %q", gordon.Token.Reveal())
		}
		if p := gordon.Profile; p == nil || p.ID != gordon.User.ID.ProfileID() || p.Owner != gordon.User.ID {
			t.Errorf("profile = %+v", p)
		}
		if h.events(app.ID, "create user") != 1 {
			t.Error("no event")
		}

		create := func(a *hecate.Actor, in CreateUserInput) error { _, err := h.CreateUser(ctx, a, in); return err }
		pw := clear("x")
		for _, c := range []struct {
			name  string
			in    CreateUserInput
			kind  hecate.Kind
			field string
		}{
			{"a username is unique without case", CreateUserInput{Username: "gordon FREEMAN", Password: pw}, hecate.Exists, "username"},
			{"an address is unique without case", CreateUserInput{Username: "a", Email: "gordon@example.COM"}, hecate.Exists, "email"},
			{"a key is unique", CreateUserInput{Username: "b", Key: gordon.User.Key}, hecate.Exists, "key"},
			{"no NUL", CreateUserInput{Username: "a\x00b"}, hecate.Invalid, "username"},
			{"no broken UTF-8", CreateUserInput{Username: "a\xffb"}, hecate.Invalid, "username"},
			{"no endless name", CreateUserInput{Username: strings.Repeat("é", maxName+1)}, hecate.TooLarge, "username"},
			{"no endless password", CreateUserInput{Username: "c", Password: clear(strings.Repeat("x", maxPassword+1))}, hecate.TooLarge, "password"},
			{"no broken address", CreateUserInput{Email: "a@b@"}, hecate.Invalid, "email"},
			{"the dialect's minimum", CreateUserInput{Username: "d", Password: clear("abc"), MinPassword: 4}, hecate.WeakPassword, "password"},
		} {
			t.Run(c.name, func(t *testing.T) { fails(t, create(owner, c.in), c.kind, c.field) })
		}
		t.Run("what failed left nothing behind", func(t *testing.T) {
			next := must[*UserDetail](t)(h.CreateUser(ctx, owner, CreateUserInput{Username: "Alyx", Password: pw}))
			if next.User.Seq != 2 {
				t.Errorf("seq = %d", next.User.Seq)
			}
			works(t, create(owner, CreateUserInput{Username: "a", Email: "free@example.com"}))
		})
		t.Run("nobody needs a name", func(t *testing.T) {
			d := must[*UserDetail](t)(h.CreateUser(ctx, owner, CreateUserInput{}))
			if d.User.Username != "" || d.User.HasPassword || d.Token.IsZero() {
				t.Errorf("user = %+v", d.User)
			}
		})
		t.Run("only keys that may sign users up do", func(t *testing.T) {
			plain, creating := h.key(owner, 0), h.key(owner, hecate.CreatesUsers)
			fails(t, create(h.enter(app, hecate.Proof{Key: plain}), CreateUserInput{Username: "e"}), hecate.Forbidden, "")
			works(t, create(h.enter(app, hecate.Proof{}), CreateUserInput{Username: "guest"})) // the role policy says so
			fails(t, create(h.as(app, plain, gordon), CreateUserInput{Username: "e"}), hecate.Forbidden, "")
			fails(t, create(&hecate.Actor{}, CreateUserInput{Username: "e"}), hecate.NoApp, "")
			works(t, create(h.enter(app, hecate.Proof{Key: creating}), CreateUserInput{Username: "e"}))
		})
		t.Run("a name is free in another app", func(t *testing.T) {
			_, other := h.app("films")
			d := must[*UserDetail](t)(h.CreateUser(ctx, other, CreateUserInput{Username: "Gordon Freeman", Key: gordon.User.Key}))
			if d.User.Seq != 1 {
				t.Errorf("seq = %d", d.User.Seq)
			}
		})
	})
}

func TestOfManySignUpsWithOneNameExactlyOneWorks(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		_, owner := h.app("books")
		var wg sync.WaitGroup
		errs := make([]error, 12)
		for i := range errs {
			wg.Go(func() {
				name := "gordon"
				if i%2 == 0 {
					name = "GORDON"
				}
				_, errs[i] = h.CreateUser(ctx, owner, CreateUserInput{Username: name})
			})
		}
		wg.Wait()
		made := 0
		for _, err := range errs {
			if err == nil {
				made++
			} else {
				fails(t, err, hecate.Exists, "username")
			}
		}
		if made != 1 {
			t.Errorf("%d were made", made)
		}
	})
}

func TestPasswordPolicy(t *testing.T) {
	t.Parallel()
	p := hecate.PasswordPolicy{MinLength: 4, Uppercase: true, Lowercase: true, Digit: true, Symbol: true, Blocklist: []string{"Secret", ""}}
	for _, c := range []struct{ password, reason string }{
		{"Aa1", "too_short"}, {"aa1!", "uppercase_required"}, {"AA1!", "lowercase_required"}, {"Aaa!", "digit_required"},
		{"Aaa1", "symbol_required"}, {"Aa1!sECRETx", "excluded_word"}, {"Aa1!", ""}, {"Aa1é", ""},
	} {
		err := checkPassword("op", "password", p, 100, clear(c.password))
		if c.reason == "" {
			works(t, err)
			continue
		}
		fails(t, err, hecate.WeakPassword, "password")
		if got := hecate.Detail(err).Info["reason"]; got != c.reason {
			t.Errorf("%q: %v, want %s", c.password, got, c.reason)
		}
	}
}

func TestEmailShape(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"a@b.co", "a.b+c@x-y.example.com", "é@example.com", "a@bücher.example", "root@localhost", "a'b@example.com"} {
		works(t, checkEmail("op", "email", good))
	}
	for _, bad := range []string{"", "a", "@b.co", "a@", "a@b", "a b@c.de", "a@b..co", "a@-b.co", "a@b-.co", "a@b@c.de", "a.@b.co", ".a@b.co",
		"a..b@c.de", "a@b.co\n", "a\x00@b.co", "<a@b.co>",
		// Nothing that does not show.
		"a\u00a0b@c.de", "a@b\u3000c.de", "\u202ea@b.co", "a\u200b@b.co", "a@b.co\ufeff", "a\u0085@b.co", "a\u2028@b.co",
		strings.Repeat("a", 65) + "@b.co", strings.Repeat("a", 60) + "@" + strings.Repeat("b.", 120) + "co"} {
		if checkEmail("op", "email", bad) == nil {
			t.Errorf("%q is taken for an address", bad)
		}
	}
}

func TestWhoSeesUsers(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		gordon, alyx := h.user(owner, "gordon"), h.user(owner, "alyx")
		plain, managing, master := h.key(owner, 0), h.key(owner, hecate.ManagesData), h.key(owner, hecate.Master)
		ref := func(d *UserDetail) UserRef { return UserRef{Seq: d.User.Seq} }
		see := func(a *hecate.Actor, d *UserDetail) error { _, err := h.User(ctx, a, ref(d)); return err }
		list := func(a *hecate.Actor) []string {
			t.Helper()
			var names []string
			for _, d := range must[hecate.Page[*UserDetail]](t)(h.Users(ctx, a, List{Limit: 10})).Rows {
				names = append(names, d.User.Username)
			}
			return names
		}
		both, himself := "[gordon alyx]", "[gordon]"

		for name, a := range map[string]*hecate.Actor{
			"owner": owner, "managing key": h.enter(app, hecate.Proof{Key: managing}),
			"master key": h.enter(app, hecate.Proof{Key: master}), "master key with user": h.as(app, master, gordon), "operator": SystemIn(app),
		} {
			if got := fmt.Sprint(list(a)); got != both {
				t.Errorf("%s lists %s", name, got)
			}
			works(t, see(a, alyx))
		}
		for name, a := range map[string]*hecate.Actor{
			"user": h.as(app, plain, gordon), "user with managing key": h.as(app, managing, gordon), "user without key": h.enter(app, hecate.Proof{Token: gordon.Token}),
		} {
			if got := fmt.Sprint(list(a)); got != himself {
				t.Errorf("%s lists %s", name, got)
			}
			works(t, see(a, gordon))
			fails(t, see(a, alyx), hecate.NotFound, "user")
			failed[*UserDetail](t, hecate.NotFound, "user")(h.UpdateUser(ctx, a, ref(alyx), UpdateUserInput{Username: ptr("x")}))
			failed[*UserDetail](t, hecate.NotFound, "user")(h.RenewStanding(ctx, a, ref(alyx)))
			if name != "user with managing key" {
				fails(t, h.DisableUser(ctx, a, ref(gordon), DisableUserInput{Disabled: true}), hecate.Forbidden, "")
			}
		}
		for name, a := range map[string]*hecate.Actor{"plain key": h.enter(app, hecate.Proof{Key: plain}), "nobody": h.enter(app, hecate.Proof{})} {
			fails(t, see(a, gordon), hecate.Forbidden, "")
			failed[hecate.Page[*UserDetail]](t, hecate.Forbidden, "")(h.Users(ctx, a, List{Limit: 1}))
			failed[*UserDetail](t, hecate.Forbidden, "")(h.RenewStanding(ctx, a, ref(gordon)))
			fails(t, h.DeleteUser(ctx, a, ref(gordon)), hecate.Forbidden, "")
			_ = name
		}
		t.Run("a bare path in a role never reaches other users", func(t *testing.T) {
			// Role default holds everything on /** in every app.
			a := h.as(app, plain, gordon)
			if len(a.Policy) == 0 {
				t.Fatal("no policy")
			}
			fails(t, h.DeleteUser(ctx, a, ref(alyx)), hecate.Forbidden, "")
			fails(t, h.DeleteUser(ctx, a, ref(gordon)), hecate.Forbidden, "")
			fails(t, h.AssignRole(ctx, a, ref(gordon), []string{"admin"}), hecate.Forbidden, "")
		})
		t.Run("users of another app do not exist", func(t *testing.T) {
			_, other := h.app("films")
			for _, ref := range []UserRef{{ID: gordon.User.ID}, {Seq: 1}, {Key: gordon.User.Key}, {Login: "gordon"}, {}} {
				failed[*UserDetail](t, hecate.NotFound, "user")(h.User(ctx, other, ref))
			}
			filmKey := h.key(other, 0)
			h.deadToken(other.App, filmKey, gordon.Token)
			_, err := h.Authenticate(ctx, other.App, hecate.Proof{Key: plain})
			fails(t, err, hecate.BadKey, "")
			stranger, err := h.Authenticate(ctx, other.App, hecate.Proof{Key: must[*AdminDetail](t)(h.OwnAdmin(ctx, owner)).Key})
			works(t, err)
			if stranger.Role != hecate.NoRole {
				t.Errorf("role = %d", stranger.Role)
			}
			failed[hecate.Page[*UserDetail]](t, hecate.Forbidden, "")(h.Users(ctx, stranger, List{Limit: 1}))
		})
		t.Run("names that no database can hold are of nobody", func(t *testing.T) {
			for _, name := range []string{"\x00", "\xff", strings.Repeat("x", 10_000)} {
				failed[*hecate.User](t, hecate.NotFound, "user")(h.LookupUser(ctx, app.ID, UserRef{Login: name}))
				failed[*hecate.User](t, hecate.NotFound, "user")(h.LookupUser(ctx, app.ID, UserRef{Key: name}))
				failed[*hecate.User](t, hecate.NotFound, "user")(h.LookupUser(ctx, app.ID, UserRef{ID: hecate.UserID(name)}))
			}
		})
	})
}

func TestPagesOfUsers(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		_, owner := h.app("books")
		for _, name := range []string{"Anna", "anton", "berta", "Änne"} {
			h.user(owner, name)
		}
		for _, c := range []struct {
			in   List
			want string
		}{
			{List{Limit: 2}, "[1 2] true"},
			{List{Limit: 2, After: 2}, "[3 4] false"},
			{List{Limit: 2, After: 4, Backward: true}, "[2 3] true"},
			{List{Limit: 2, After: 2, Backward: true}, "[1] false"},
			{List{Limit: 2, Desc: true}, "[4 3] true"},
			{List{Limit: 2, Desc: true, After: 3}, "[2 1] false"},
			{List{Limit: 1, Desc: true, After: 1, Backward: true}, "[2] true"},
			{List{Limit: 9, Prefix: "AN"}, "[1 2] false"},
			{List{Limit: 9, Prefix: "%"}, "[] false"},
			{List{}, "[] true"},
		} {
			p := must[hecate.Page[*UserDetail]](t)(h.Users(ctx, owner, c.in))
			seqs := []int64{}
			for _, d := range p.Rows {
				seqs = append(seqs, d.User.Seq)
				if d.Token.IsZero() || d.Profile == nil {
					t.Errorf("%+v: incomplete row", c.in)
				}
			}
			if got := fmt.Sprint(seqs, p.More); got != c.want {
				t.Errorf("%+v: %s, want %s", c.in, got, c.want)
			}
		}
	})
}

func TestOnePage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   List
		rows int
	}{
		{List{Limit: 1}, 1}, {List{}, 0}, {List{Limit: 1, After: 4}, 1}, {List{Limit: 1, After: 5}, 0}, {List{Limit: 1, After: 6}, 0},
		{List{Limit: 1, After: 6, Backward: true}, 1}, {List{Limit: 1, After: 5, Backward: true}, 0}, {List{Limit: 1, After: 4, Backward: true}, 0},
		{List{Limit: 1, After: 6, Desc: true}, 1}, {List{Limit: 1, After: 4, Desc: true}, 0}, {List{Limit: 1, After: 4, Desc: true, Backward: true}, 1},
	} {
		if p := onePage("x", 5, c.in); len(p.Rows) != c.rows {
			t.Errorf("%+v: %d rows", c.in, len(p.Rows))
		}
	}
}

func TestUpdateUser(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		plain := h.key(owner, 0)
		gordon, alyx := h.user(owner, "gordon"), h.user(owner, "alyx")
		ref := UserRef{ID: gordon.User.ID}
		update := func(in UpdateUserInput) *UserDetail {
			t.Helper()
			return must[*UserDetail](t)(h.UpdateUser(ctx, h.as(app, plain, must[*UserDetail](t)(h.User(ctx, owner, ref))), ref, in))
		}
		t.Run("names change, and the old ones are free at once", func(t *testing.T) {
			d := update(UpdateUserInput{Username: ptr("Freeman"), Email: ptr("g@example.com")})
			if d.User.Username != "Freeman" || d.User.Email != "g@example.com" || !sameSecret(d.Token, gordon.Token) {
				t.Errorf("user = %+v", d.User)
			}
			h.user(owner, "Gordon")
			failed[*UserDetail](t, hecate.Exists, "username")(h.UpdateUser(ctx, owner, ref, UpdateUserInput{Username: ptr("ALYX")}))
			if d = update(UpdateUserInput{Username: ptr("FREEMAN")}); d.User.Username != "FREEMAN" {
				t.Errorf("username = %q", d.User.Username)
			}
			if d = update(UpdateUserInput{Email: ptr("")}); d.User.Email != "" || d.User.Username == "" {
				t.Errorf("user = %+v", d.User)
			}
		})
		t.Run("a new address is not verified", func(t *testing.T) {
			d := must[*UserDetail](t)(h.UpdateUser(ctx, owner, ref, UpdateUserInput{Email: ptr("h@example.com"), EmailVerified: ptr(true)}))
			if !d.User.EmailVerified {
				t.Error("not verified")
			}
			if d = update(UpdateUserInput{Email: ptr("H@example.com")}); !d.User.EmailVerified || d.User.Email != "H@example.com" {
				t.Errorf("the same address in other case: %+v", d.User)
			}
			if d = update(UpdateUserInput{Email: ptr("i@example.com")}); d.User.EmailVerified {
				t.Error("verified")
			}
			failed[*UserDetail](t, hecate.Forbidden, "email_verified")(h.UpdateUser(ctx, h.as(app, plain, d), ref, UpdateUserInput{EmailVerified: ptr(true)}))
		})
		t.Run("a failed change changes nothing", func(t *testing.T) {
			before := must[*UserDetail](t)(h.User(ctx, owner, ref))
			failed[*UserDetail](t, hecate.Exists, "username")(h.UpdateUser(ctx, owner, ref, UpdateUserInput{
				Email: ptr("new@example.com"), Username: ptr("alyx"), Password: ptr(clear("new")),
			}))
			after := must[*UserDetail](t)(h.User(ctx, owner, ref))
			if !sameSecret(after.Token, before.Token) || after.User.Email != before.User.Email {
				t.Errorf("after = %+v", after.User)
			}
			h.as(app, plain, before)
		})
		t.Run("a user who was deactivated cannot act, and what he had opened stays closed", func(t *testing.T) {
			in := LoginInput{Login: "alyx", Password: clear("password of alyx"), Open: &OpenSession{}}
			l := must[*LoginResult](t)(h.Login(ctx, owner, in))
			h.enter(app, hecate.Proof{Token: l.SessionToken})
			must[*UserDetail](t)(h.UpdateUser(ctx, owner, UserRef{ID: alyx.User.ID}, UpdateUserInput{Activated: ptr(false)}))
			_, err := h.Authenticate(ctx, app, hecate.Proof{Key: plain, Token: alyx.Token})
			fails(t, err, hecate.BadToken, "")
			failed[*LoginResult](t, hecate.UserDisabled, "")(h.Login(ctx, owner, in))
			must[*UserDetail](t)(h.UpdateUser(ctx, owner, UserRef{ID: alyx.User.ID}, UpdateUserInput{Activated: ptr(true)}))
			h.deadToken(app, plain, l.SessionToken)
			h.deadToken(app, plain, alyx.Token)
			h.as(app, plain, must[*UserDetail](t)(h.User(ctx, owner, UserRef{ID: alyx.User.ID})))
		})
		t.Run("a missing user is not found", func(t *testing.T) {
			failed[*UserDetail](t, hecate.NotFound, "user")(h.UpdateUser(ctx, owner, UserRef{Seq: 99}, UpdateUserInput{}))
			fails(t, h.DeleteUser(ctx, owner, UserRef{Seq: 99}), hecate.NotFound, "user")
			fails(t, h.DisableUser(ctx, owner, UserRef{Seq: 99}, DisableUserInput{}), hecate.NotFound, "user")
		})
	})
}

func TestPasswordChange(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		plain := h.key(owner, 0)
		gordon := h.user(owner, "gordon")
		ref := UserRef{ID: gordon.User.ID}
		login := func(password string, ends bool) *LoginResult {
			t.Helper()
			return must[*LoginResult](t)(h.Login(ctx, owner, LoginInput{Login: "gordon", Password: clear(password), Open: &OpenSession{EndsOnPassword: ends}}))
		}
		ending, staying := login("password of gordon", true), login("password of gordon", false)
		me := h.as(app, plain, gordon)

		repeated := must[*UserDetail](t)(h.UpdateUser(ctx, me, ref, UpdateUserInput{Password: ptr(clear("password of gordon"))}))
		if !sameSecret(repeated.Token, gordon.Token) {
			t.Error("the same password again ended the session")
		}
		h.enter(app, hecate.Proof{Token: ending.SessionToken})

		h.clock.move(time.Minute)
		next := must[*UserDetail](t)(h.UpdateUser(ctx, me, ref, UpdateUserInput{Password: ptr(clear("Password of gordon"))}))
		if sameSecret(next.Token, gordon.Token) || !isHexKey(next.Token, false) {
			t.Errorf("token = %q", next.Token.Reveal())
		}
		if !next.User.PasswordChangedAt.Equal(h.clock.now()) {
			t.Errorf("changed at %v", next.User.PasswordChangedAt)
		}
		h.deadToken(app, plain, gordon.Token)
		h.deadToken(app, plain, ending.SessionToken)
		h.enter(app, hecate.Proof{Token: staying.SessionToken})
		h.as(app, plain, next)
		failed[*LoginResult](t, hecate.WrongPassword, "")(h.Login(ctx, owner, LoginInput{Login: "gordon", Password: clear("password of gordon")}))
		if again := login("Password of gordon", true); !sameSecret(again.Token, next.Token) {
			t.Error("a login renewed the standing session")
		}
		if h.events(app.ID, "change password") != 1 {
			t.Error("no event")
		}
		failed[*UserDetail](t, hecate.Invalid, "password")(h.UpdateUser(ctx, owner, ref, UpdateUserInput{Password: ptr(clear(""))}))
		failed[*UserDetail](t, hecate.TooLarge, "password")(h.UpdateUser(ctx, owner, ref, UpdateUserInput{Password: ptr(clear(strings.Repeat("x", 5000)))}))

		s := hecate.Settings{Sessions: hecate.SessionSettings{EndOnPasswordChange: true}, Password: hecate.PasswordPolicy{History: 3, MinLength: 2}}
		app = must[*AppDetail](t)(h.UpdateApp(ctx, owner, app.ID, UpdateAppInput{Settings: &s})).App
		owner = h.enter(app, hecate.Proof{Key: must[*AdminDetail](t)(h.OwnAdmin(ctx, owner)).Key})
		change := func(password string) error {
			_, err := h.UpdateUser(ctx, owner, ref, UpdateUserInput{Password: ptr(clear(password))})
			h.clock.move(time.Minute)
			return err
		}
		works(t, change("p2"))
		h.deadToken(app, plain, staying.SessionToken)
		works(t, change("p3"))
		err := change("Password of gordon")
		fails(t, err, hecate.WeakPassword, "password")
		if hecate.Detail(err).Info["reason"] != "reused" {
			t.Errorf("err = %v", hecate.Detail(err).Info)
		}
		fails(t, change("x"), hecate.WeakPassword, "password")
		works(t, change("p4"))
		works(t, change("Password of gordon"))
		if n := len(must[[]string](t)(h.db.FormerPasswords(ctx, app.ID, gordon.User.ID, 100))); n != 3 {
			t.Errorf("%d former passwords are kept", n)
		}
	})
}

func TestDeleteUser(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		plain := h.key(owner, 0)
		gordon := h.user(owner, "gordon")
		h.as(app, plain, gordon)
		g := must[*hecate.Group](t)(h.CreateGroup(ctx, owner, GroupInput{Title: "Lambda"}))
		_, _, err := h.AddMember(ctx, owner, UserRef{Seq: 1}, GroupRef{Seq: g.Seq})
		works(t, err)
		works(t, h.AssignRole(ctx, owner, UserRef{Seq: 1}, []string{"admin"}))

		works(t, h.DeleteUser(ctx, owner, UserRef{Seq: 1}))
		h.deadToken(app, plain, gordon.Token)
		failed[*UserDetail](t, hecate.NotFound, "user")(h.User(ctx, owner, UserRef{ID: gordon.User.ID}))
		failed[*LoginResult](t, hecate.UnknownUser, "")(h.Login(ctx, owner, LoginInput{Login: "gordon", Password: clear("password of gordon")}))
		if p := must[hecate.Page[*UserDetail]](t)(h.GroupUsers(ctx, owner, GroupRef{ID: g.ID}, List{Limit: 9})); len(p.Rows) != 0 {
			t.Error("still a member")
		}
		again := h.user(owner, "gordon")
		if again.User.Seq != 2 || sameSecret(again.Token, gordon.Token) || len(again.Groups) != 0 {
			t.Errorf("again = %+v", again.User)
		}
		if n := h.events(app.ID, "delete user"); n != 1 {
			t.Errorf("%d events", n)
		}
	})
}

func TestDisableUser(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		plain := h.key(owner, 0)
		gordon := h.user(owner, "gordon")
		until := h.clock.now().Add(time.Hour)
		works(t, h.DisableUser(ctx, owner, UserRef{Seq: 1}, DisableUserInput{Disabled: true, Message: "see the admin", Until: until}))
		_, err := h.Authenticate(ctx, app, hecate.Proof{Key: plain, Token: gordon.Token})
		fails(t, err, hecate.UserDisabled, "")
		for _, password := range []string{"password of gordon", "wrong"} {
			_, err = h.Login(ctx, owner, LoginInput{Login: "gordon", Password: clear(password)})
			fails(t, err, hecate.UserDisabled, "")
			if info := hecate.Detail(err).Info; info["message"] != "see the admin" || !info["until"].(time.Time).Equal(until) {
				t.Errorf("info = %v", info)
			}
		}
		h.clock.move(2 * time.Hour)
		h.as(app, plain, gordon)
		works(t, h.DisableUser(ctx, owner, UserRef{Seq: 1}, DisableUserInput{Disabled: true}))
		_, err = h.Authenticate(ctx, app, hecate.Proof{Key: plain, Token: gordon.Token})
		fails(t, err, hecate.UserDisabled, "")
		works(t, h.DisableUser(ctx, owner, UserRef{Seq: 1}, DisableUserInput{Message: "ignored"}))
		h.as(app, plain, gordon)
		if u := must[*UserDetail](t)(h.User(ctx, owner, UserRef{Seq: 1})).User; u.DisabledMessage != "" {
			t.Errorf("user = %+v", u)
		}
	})
}

func TestTheCurrentUserNeedsNoDatabaseWhenWarm(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", Config{OpenRegistration: true})
	app, owner := h.app("books")
	plain := h.key(owner, 0)
	gordon := h.user(owner, "gordon")
	me := h.as(app, plain, gordon)
	must[*UserDetail](t)(h.User(ctx, me, UserRef{ID: me.UserID()}))
	works(t, h.db.Close())
	app = must[*hecate.App](t)(h.AppByID(ctx, app.ID))
	me = must[*hecate.Actor](t)(h.Authenticate(ctx, app, hecate.Proof{Key: plain, Token: gordon.Token}))
	d := must[*UserDetail](t)(h.User(ctx, me, UserRef{ID: me.UserID()}))
	if d.User.Username != "gordon" || !sameSecret(d.Token, gordon.Token) {
		t.Errorf("detail = %+v", d)
	}
}

func TestTwoNodesHearOfEachOther(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "postgres", Config{OpenRegistration: true})
	app, owner := h.app("books")
	plain := h.key(owner, 0)
	gordon := h.user(owner, "gordon")

	other := New(h.config) // the same database, caches of its own
	stop, done := runEngine(t, other)
	defer func() { stop(); <-done }()
	if _, err := other.Authenticate(ctx, app, hecate.Proof{Key: plain, Token: gordon.Token}); err != nil {
		t.Fatal(err)
	}
	must[*UserDetail](t)(h.RenewStanding(ctx, owner, UserRef{Seq: 1}))
	deadline := time.Now().Add(time.Second)
	for {
		_, err := other.Authenticate(ctx, app, hecate.Proof{Key: plain, Token: gordon.Token})
		if errors.Is(err, hecate.BadToken) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after a second: %v", err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestANodeThatDoesNotHearTheOthersKeepsNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "postgres", Config{OpenRegistration: true})
	app, owner := h.app("books")
	plain := h.key(owner, 0)
	gordon := h.user(owner, "gordon")

	deaf := New(h.config) // never runs, so it has no ears
	must[*hecate.Actor](t)(deaf.Authenticate(ctx, app, hecate.Proof{Key: plain, Token: gordon.Token}))
	must[*UserDetail](t)(h.RenewStanding(ctx, owner, UserRef{Seq: 1}))
	if _, err := deaf.Authenticate(ctx, app, hecate.Proof{Key: plain, Token: gordon.Token}); !errors.Is(err, hecate.BadToken) {
		t.Errorf("err = %v, want %v", err, hecate.BadToken)
	}
}

func TestCachedUsersFollowTheSchemaOfProfiles(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		_, owner := h.app("books")
		schema := func(typ hecate.FieldType) {
			t.Helper()
			must[*hecate.Collection](t)(h.UpdateCollection(ctx, owner, hecate.ProfileName, 0, func(in *CollectionInput) error {
				in.Schema = nil
				if typ != "" {
					in.Schema = []hecate.Field{{Name: "nick", Type: typ}}
				}
				return nil
			}))
		}
		nick := func() any {
			t.Helper()
			d := must[*UserDetail](t)(h.User(ctx, owner, UserRef{Seq: 1}))
			for range 2 { // read, and kept
				p := must[map[hecate.UserID]*hecate.Record](t)(h.Profiles(ctx, owner, []hecate.UserID{d.User.ID, "none"}))[d.User.ID]
				if p.Values["nick"] != d.Profile.Values["nick"] {
					t.Errorf("alone the profile has %v, with its user %v", p.Values["nick"], d.Profile.Values["nick"])
				}
			}
			return d.Profile.Values["nick"]
		}
		schema(hecate.StringType)
		must[*UserDetail](t)(h.CreateUser(ctx, owner, CreateUserInput{Username: "gordon", Profile: RecordInput{Values: hecate.Values{"nick": "g"}}}))
		if nick() != "g" {
			t.Errorf("nick = %v", nick())
		}
		must[*UserDetail](t)(h.UpdateUser(ctx, owner, UserRef{Seq: 1}, UpdateUserInput{Profile: &RecordInput{Values: hecate.Values{"nick": "h"}}}))
		if nick() != "h" {
			t.Errorf("nick = %v", nick())
		}
		failed[*UserDetail](t, hecate.Invalid, "profile.nick")(h.UpdateUser(ctx, owner, UserRef{Seq: 1}, UpdateUserInput{
			Username: ptr("freeman"), Profile: &RecordInput{Values: hecate.Values{"nick": 5}},
		}))
		if d := must[*UserDetail](t)(h.User(ctx, owner, UserRef{Seq: 1})); d.User.Username != "gordon" {
			t.Error("half of a change happened")
		}
		schema(hecate.IntegerType)
		if nick() != nil {
			t.Errorf("after retyping, nick = %v", nick())
		}
		schema("")
		if nick() != nil {
			t.Errorf("after dropping, nick = %v", nick())
		}
	})
}
