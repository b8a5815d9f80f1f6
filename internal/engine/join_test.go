package engine

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hecate"
	"hecate/internal/mail"
)

// hiding is an app that hides who has an account, and a client that may sign users up.
func (h *house) hiding(alias string, change ...func(*hecate.Settings)) (app *hecate.App, owner, guest *hecate.Actor) {
	h.t.Helper()
	app, owner = h.app(alias)
	s := hecate.Settings{HideAccountExistence: true, ConfirmSignUps: true}
	for _, c := range change {
		c(&s)
	}
	if err := h.settings(app, owner, s); err != nil {
		h.t.Fatal(err)
	}
	app = must[*hecate.App](h.t)(h.AppByID(ctx, app.ID))
	owner = Via(owner, "")
	owner.App = app
	guest, _ = h.client(app, owner)
	return app, owner, guest
}

// join follows the link of the newest letter.
func (h *house) join(app *hecate.App) (*UserDetail, error) {
	h.t.Helper()
	l := h.last()
	if l.Name != "activate" {
		h.t.Fatalf("the letter is %s", l.Name)
	}
	return h.Join(ctx, app, l.Secret)
}

// lastTo returns the newest letter, which must be of that name and to that address.
func (h *house) lastTo(name, to string) mail.Letter {
	h.t.Helper()
	l := h.last()
	if l.Name != name || l.To != to {
		h.t.Fatalf("the last letter is %s to %s, want %s to %s", l.Name, l.To, name, to)
	}
	return l
}

func person(username, email string) CreateUserInput {
	return CreateUserInput{Username: username, Email: email, Password: clear("pass-word"), Dialect: "one", Profile: RecordInput{Values: hecate.Values{}}}
}

func TestSignUpWhereAccountsAreHidden(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner, guest := h.hiding("books")
		sign := func(in CreateUserInput) *UserDetail {
			t.Helper()
			return must[*UserDetail](t)(h.CreateUser(ctx, guest, in))
		}
		nobody := func(d *UserDetail) {
			t.Helper()
			for _, ref := range []UserRef{{ID: d.User.ID}, {Seq: d.User.Seq}, {Key: d.User.Key}} {
				failed[*UserDetail](t, hecate.NotFound, "user")(h.User(ctx, owner, ref))
			}
			h.deadToken(app, h.key(owner, 0), d.Token)
		}
		free := sign(person("ada", "ada@example.com"))
		t.Run("makes nobody until the address is confirmed", func(t *testing.T) {
			if !free.Awaited || free.User.Activated || free.User.EmailVerified || free.User.Seq == 0 || free.Profile == nil || free.Token.IsZero() {
				t.Errorf("%+v", free)
			}
			nobody(free)
			failed[*LoginResult](t, hecate.UnknownUser, "")(h.Login(ctx, guest, LoginInput{Login: "ada", Password: clear("pass-word")}))
			h.lastTo("activate", "ada@example.com")
		})
		t.Run("the ticket of the letter makes him, as he was told he would be", func(t *testing.T) {
			letter := h.last()
			other, _, _ := h.hiding("songs")
			failed[*UserDetail](t, hecate.BadToken, "token")(h.Join(ctx, other, letter.Secret))
			d := must[*UserDetail](t)(h.Join(ctx, app, letter.Secret))
			if d.User.ID != free.User.ID || d.User.Seq != free.User.Seq || !d.User.Activated || !d.User.EmailVerified || d.Awaited {
				t.Errorf("%+v", d.User)
			}
			if d.Token.Reveal() == free.Token.Reveal() {
				t.Error("the token that opened nothing opens something")
			}
			must[*LoginResult](t)(h.Login(ctx, guest, LoginInput{Login: "ada@example.com", Password: clear("pass-word")}))
			failed[*UserDetail](t, hecate.BadToken, "token")(h.Join(ctx, app, letter.Secret))
		})
		t.Run("a taken address is told to its holder alone", func(t *testing.T) {
			d := sign(person("else", "ADA@example.com"))
			if !d.Awaited || d.User.Seq != free.User.Seq+1 || d.Profile == nil {
				t.Errorf("%+v", d)
			}
			nobody(d)
			if l := h.lastTo("known", "ADA@example.com"); !l.Secret.IsZero() || !l.Link.IsZero() {
				t.Error("the letter carries a ticket")
			}
			must[*LoginResult](t)(h.Login(ctx, guest, LoginInput{Login: "ada", Password: clear("pass-word")}))
		})
		t.Run("a taken username is told to the address alone, and both are told as the address", func(t *testing.T) {
			d := sign(person("ADA", "new@example.com"))
			nobody(d)
			if l := h.lastTo("taken", "new@example.com"); l.Fields["what"] != "username" || !l.Secret.IsZero() {
				t.Errorf("%+v", l)
			}
			must[*UserDetail](t)(h.CreateUser(ctx, owner, person("eve", "eve@example.com")))
			sign(person("eve", "ada@example.com"))
			h.lastTo("known", "ada@example.com")
		})
		t.Run("two who wait for one address or name do not hinder each other: the first to confirm has it", func(t *testing.T) {
			sign(person("two", "two@example.com"))
			one := h.lastTo("activate", "two@example.com")
			sign(person("two", "two@example.com"))
			two := h.lastTo("activate", "two@example.com")
			sign(person("Two", "third@example.com"))
			third := h.lastTo("activate", "third@example.com")
			must[*UserDetail](t)(h.Join(ctx, app, two.Secret))
			failed[*UserDetail](t, hecate.Exists, "username")(h.Join(ctx, app, one.Secret))
			failed[*UserDetail](t, hecate.Exists, "username")(h.Join(ctx, app, third.Secret))
		})
		t.Run("a link past its time makes nobody", func(t *testing.T) {
			sign(person("late", "late@example.com"))
			l := h.last()
			h.clock.move(joinLife)
			failed[*UserDetail](t, hecate.Expired, "token")(h.Join(ctx, app, l.Secret))
		})
		t.Run("an address is needed before anything is looked up, and no other address is a username", func(t *testing.T) {
			before := h.letters()
			failed[*UserDetail](t, hecate.Invalid, "email")(h.CreateUser(ctx, guest, person("ada", "")))
			failed[*UserDetail](t, hecate.Invalid, "email")(h.CreateUser(ctx, guest, person("nobody", "")))
			failed[*UserDetail](t, hecate.Invalid, "username")(h.CreateUser(ctx, guest, person("ada@example.com", "mine@example.com")))
			failed[*UserDetail](t, hecate.Invalid, "username")(h.CreateUser(ctx, guest, person("no@example.com", "mine@example.com")))
			if h.letters() != before {
				t.Error("a letter left")
			}
		})
		t.Run("whoever manages users is told the truth", func(t *testing.T) {
			failed[*UserDetail](t, hecate.Exists, "email")(h.CreateUser(ctx, owner, person("x", "ada@example.com")))
			if d := must[*UserDetail](t)(h.CreateUser(ctx, owner, person("plain", ""))); d.Awaited {
				t.Error("an admin waits")
			}
		})
		t.Run("the session of a sign-up opens nothing", func(t *testing.T) {
			l := must[*LoginResult](t)(h.SignUp(ctx, guest, SignUpInput{
				Names: map[string]string{"username": "gus", "email": "gus@example.com"}, CreateUserInput: CreateUserInput{Password: clear("pass-word")}, Open: &OpenSession{},
			}))
			h.deadToken(app, h.key(owner, 0), l.SessionToken)
			must[*UserDetail](t)(h.join(app))
			h.deadToken(app, h.key(owner, 0), l.SessionToken)
			d := must[*UserDetail](t)(h.User(ctx, owner, UserRef{Username: "gus"}))
			if d.User.LastLoginAt.IsZero() {
				t.Error("his first login is not noted")
			}
		})
		t.Run("somebody without names has nothing to hide", func(t *testing.T) {
			l := must[*LoginResult](t)(h.SignUp(ctx, guest, SignUpInput{Open: &OpenSession{}}))
			if l.Awaited {
				t.Error("he waits")
			}
		})
	})
}

// TestASignUpKeepsWhatItBrings goes by values of every kind through the ticket and back.
func TestASignUpKeepsWhatItBrings(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner, guest := h.hiding("books", func(s *hecate.Settings) { s.LoginKeys = [][]string{{"username"}, {"email"}, {"nick", "realm"}} })
		at := h.stamp()
		in := person("ada", "ada@example.com")
		in.PIN, in.NotActivated = clear("4711"), true
		in.Letters = []UserLetter{{Mailing: Mailing{Letter: "welcome"}}, {Ticket: VerifyTicket}}
		in.Growth = &Growth{Extend: true}
		in.Profile = RecordInput{
			Values: hecate.Values{"born": at, "place": hecate.Geo{Lat: 1, Lng: 2}, "nick": "a", "realm": "r", "tags": []any{"x", int64(1)}},
			Access: func(hecate.Access, hecate.Permissions) (hecate.Access, error) {
				return hecate.Access{Own: true, Grants: []hecate.Grant{{Subject: hecate.Anyone, Permissions: hecate.Read}}}, nil
			},
			Extra: hecate.Extra{"one": map[string]any{"k": "v"}},
		}
		asked := must[*UserDetail](t)(h.CreateUser(ctx, guest, in))
		joined := must[*UserDetail](t)(h.join(app))
		d := must[*UserDetail](t)(h.User(ctx, owner, UserRef{ID: joined.User.ID}))
		if got := d.Profile.Values; got["born"] != at || got["place"] != (hecate.Geo{Lat: 1, Lng: 2}) || len(got) != len(asked.Profile.Values) {
			t.Errorf("%v, asked %v", got, asked.Profile.Values)
		}
		if !d.Profile.Access.Own || d.Profile.Access.Of(hecate.Anyone) != hecate.Read || d.Profile.Extra["one"] == nil {
			t.Errorf("%+v", d.Profile)
		}
		if d.User.Activated || !d.User.EmailVerified {
			t.Errorf("who waits for somebody else is let in: %+v", d.User)
		}
		h.lastTo("welcome", "ada@example.com")
		names := []string{}
		for _, l := range h.box.letters {
			names = append(names, l.Name)
		}
		if slices.Contains(names, "verify") {
			t.Error("the address is to be proved twice")
		}
		t.Run("login names of his own, and unique fields, are hidden like the others", func(t *testing.T) {
			in.Username, in.Email, in.Letters = "bob", "bob@example.com", nil
			second := must[*UserDetail](t)(h.CreateUser(ctx, guest, in))
			if l := h.lastTo("taken", "bob@example.com"); !strings.Contains(l.Fields["what"], "nick") {
				t.Errorf("%+v", l.Fields)
			}
			if len(second.Profile.Values) != len(asked.Profile.Values) || second.Profile.Seq == 0 {
				t.Errorf("%+v", second.Profile)
			}
		})
		t.Run("a wrong password tells nothing of somebody who is not let in", func(t *testing.T) {
			failed[*LoginResult](t, hecate.WrongPassword, "")(h.Login(ctx, guest, LoginInput{Login: "ada", Password: clear("wrong")}))
			failed[*LoginResult](t, hecate.UserDisabled, "")(h.Login(ctx, guest, LoginInput{Login: "ada", Password: clear("pass-word")}))
		})
	})
}

func TestSignUpsWithoutEndAnswerAlike(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner, guest := h.hiding("books")
		must[*UserDetail](t)(h.CreateUser(ctx, owner, person("ada", "ada@example.com")))
		for i := range 25 {
			for _, to := range []string{"ada@example.com", "free@example.com"} {
				if d := must[*UserDetail](t)(h.CreateUser(ctx, guest, person("", to))); !d.Awaited {
					t.Fatalf("%d: %+v", i, d)
				}
			}
		}
		h.carry()
		count := map[string]int{}
		for _, l := range h.box.letters {
			count[l.Name+" "+l.To]++
		}
		if count["known ada@example.com"] != 20 || count["activate free@example.com"] != 20 {
			t.Errorf("letters: %v", count)
		}
		t.Run("many at once make one user", func(t *testing.T) {
			h.clock.move(2 * time.Hour)
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() { must[*UserDetail](t)(h.CreateUser(ctx, guest, person("herd", "herd@example.com"))) })
			}
			wg.Wait()
			h.carry()
			made := 0
			for _, l := range h.box.letters {
				if l.To == "herd@example.com" {
					if _, err := h.Join(ctx, app, l.Secret); err == nil {
						made++
					}
				}
			}
			if made != 1 {
				t.Errorf("%d users", made)
			}
		})
	})
}

func TestNamesDoNotShadowAddresses(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		guest, _ := h.client(app, owner)
		victim := must[*UserDetail](t)(h.CreateUser(ctx, owner, person("victim", "v@example.com")))
		login := func(name, password string) hecate.UserID {
			l, err := h.Login(ctx, guest, LoginInput{Login: name, Password: clear(password)})
			if err != nil {
				return ""
			}
			return l.User.ID
		}
		t.Run("a username that is somebody's address is taken", func(t *testing.T) {
			failed[*UserDetail](t, hecate.Exists, "username")(h.CreateUser(ctx, guest, person("V@example.com", "")))
			other := must[*UserDetail](t)(h.CreateUser(ctx, guest, person("other", "")))
			name := "v@Example.com"
			failed[*UserDetail](t, hecate.Exists, "username")(h.UpdateUser(ctx, owner, UserRef{ID: other.User.ID}, UpdateUserInput{Username: &name}))
			must[*UserDetail](t)(h.UpdateUser(ctx, owner, UserRef{ID: victim.User.ID}, UpdateUserInput{Username: &name})) // his own
		})
		t.Run("the address wins over a username that was there before, once it is proved", func(t *testing.T) {
			in := person("w@example.com", "")
			in.Password = clear("squatter")
			squatter := must[*UserDetail](t)(h.CreateUser(ctx, guest, in))
			holder := must[*UserDetail](t)(h.CreateUser(ctx, guest, person("holder", "w@example.com")))
			if login("w@example.com", "squatter") != squatter.User.ID || login("w@example.com", "pass-word") != "" {
				t.Error("an address that nobody has proved wins")
			}
			yes := true
			must[*UserDetail](t)(h.UpdateUser(ctx, owner, UserRef{ID: holder.User.ID}, UpdateUserInput{EmailVerified: &yes}))
			if login("W@example.com", "pass-word") != holder.User.ID || login("w@example.com", "squatter") != squatter.User.ID {
				t.Error("a username, or an address, is between somebody and his account")
			}
			if err := h.AskReset(ctx, app, AskInput{User: UserRef{Login: "w@example.com"}}); err != nil {
				t.Fatal(err)
			}
			if l := h.lastTo("reset", "w@example.com"); l.Fields["username"] != "holder" {
				t.Errorf("%+v", l.Fields)
			}
			if u := must[*hecate.User](t)(h.LookupUser(ctx, app.ID, UserRef{Login: "w@example.com"})); u.ID != holder.User.ID {
				t.Error("another one is found")
			}
		})
	})
}

// TestAHiddenSignUpThatNeedNotBeConfirmed makes the user at once; where a name is taken the answer is the same, and nobody is made.
func TestAHiddenSignUpThatNeedNotBeConfirmed(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner, guest := h.hiding("books", func(s *hecate.Settings) { s.ConfirmSignUps = false })
		ask := func(name, address string) *LoginResult {
			t.Helper()
			in := person(name, address)
			in.Password = clear("of " + name)
			return must[*LoginResult](t)(h.SignUp(ctx, guest, SignUpInput{CreateUserInput: in, Names: map[string]string{"username": name}, Open: &OpenSession{}}))
		}
		opens := func(l *LoginResult) bool {
			a, err := h.Authenticate(ctx, app, hecate.Proof{Key: guest.Key.Key, Token: l.SessionToken})
			return err == nil && a.UserID() == l.User.ID
		}
		ann := ask("ann", "ann@example.com")
		if !opens(ann) || !ann.User.Activated {
			t.Fatalf("%+v", ann.User)
		}
		for what, c := range map[string]struct{ name, address, letter string }{
			"the name": {"Ann", "other@example.com", "taken"}, "the address": {"other", "ANN@example.com", "known"}, "the name, without an address": {"aNN", "", ""},
		} {
			again := ask(c.name, c.address)
			if c.letter != "" {
				h.lastTo(c.letter, c.address)
			}
			if again.User.ID == ann.User.ID || again.User.Seq == ann.User.Seq || again.User.Activated != ann.User.Activated || again.Profile == nil ||
				len(again.SessionToken.Reveal()) != len(ann.SessionToken.Reveal()) {
				t.Errorf("%s is taken: %+v", what, again.User)
			}
			if opens(again) {
				t.Errorf("%s is taken: the token opens something", what)
			}
			failed[*hecate.User](t, hecate.NotFound, "")(h.LookupUser(ctx, app.ID, UserRef{ID: again.User.ID}))
		}
		if l := must[*LoginResult](t)(h.Login(ctx, guest, LoginInput{Login: "ann", Password: clear("of ann")})); l.User.ID != ann.User.ID {
			t.Error("another one")
		}
		if other := ask("ben", ""); !opens(other) {
			t.Error("a free name without an address")
		}
		failed[*UserDetail](t, hecate.Exists, "username")(h.CreateUser(ctx, owner, person("ann", "")))
	})
}
