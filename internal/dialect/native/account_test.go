package native

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/mail"
)

// letterbox gets the letters of a server.
type letterbox chan mail.Letter

func (b letterbox) Send(_ context.Context, l mail.Letter) error {
	b <- l
	return nil
}

// next is the next letter, which must have that name.
func (b letterbox) next(t *testing.T, name string) mail.Letter {
	t.Helper()
	select {
	case l := <-b:
		if l.Name != name {
			t.Fatalf("the letter is %q, want %q", l.Name, name)
		}
		return l
	case <-time.After(20 * time.Second):
		t.Fatalf("no letter %q", name)
	}
	return mail.Letter{}
}

// newPostServer is a server that sends letters.
func newPostServer(t *testing.T) (*server, letterbox) {
	t.Helper()
	box := make(letterbox, 20)
	s := newServerWith(t, box)
	s.run(t)
	return s, box
}

// run sends letters until the test ends.
func (s *server) run(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.engine.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// newcomer makes an account that is not active, and gives its letter.
func (s *server) newcomer(t *testing.T, box letterbox, email string) mail.Letter {
	t.Helper()
	_, err := s.engine.RegisterAdmin(t.Context(), engine.System(), engine.RegisterAdminInput{Email: email, Password: hecate.NewSecret("the old password")})
	if err != nil {
		t.Fatal(err)
	}
	return box.next(t, "activate")
}

func ticketOf(l mail.Letter) object {
	return object{"uid": l.Fields["uid"], "token": l.Secret.Reveal()}
}

func TestALetterActivatesItsAccountOnce(t *testing.T) {
	t.Parallel()
	const target = "/api/v1/account/activate"
	s, box := newPostServer(t)
	ann, bob := s.newcomer(t, box, "ann@example.com"), s.newcomer(t, box, "bob@example.com")
	s.refused(t, 400, "uid", "POST", target, "", object{"token": "x"})
	s.refused(t, 400, "token", "POST", target, "", object{"uid": "x"})
	said := map[string]bool{}
	for _, wrong := range []object{
		{"uid": ann.Fields["uid"], "token": bob.Secret.Reveal()},
		{"uid": ann.Fields["uid"], "token": "guessed"},
		{"uid": "nobody", "token": ann.Secret.Reveal()},
	} {
		a := s.refused(t, 401, "token", "POST", target, "", wrong)
		delete(a.object, "request_id")
		said[canonical(t, a.object)] = true
	}
	if len(said) != 1 {
		t.Errorf("the answers differ: %v", said)
	}
	s.clock = s.clock.Add(time.Minute)
	reset := ticketOf(ann)
	reset["password"] = "the new password"
	s.refused(t, 401, "token", "POST", "/api/v1/account/reset", "", reset)
	if a := s.want(t, 204, "POST", target, "", ticketOf(ann)); a.text != "" {
		t.Errorf("the answer is %q", a.text)
	}
	s.refused(t, 401, "token", "POST", target, "", ticketOf(ann))
	for email, want := range map[string]bool{"ann@example.com": true, "bob@example.com": false} {
		d, err := s.engine.LoginAdmin(t.Context(), email, hecate.NewSecret("the old password"))
		if err != nil || d.Admin.Activated != want {
			t.Errorf("%s: active %v, %v", email, d.Admin.Activated, err)
		}
	}
}

func TestALetterSetsANewPasswordOnce(t *testing.T) {
	t.Parallel()
	const target = "/api/v1/account/reset"
	s, box := newPostServer(t)
	activation := s.newcomer(t, box, "ann@example.com")
	if err := s.engine.AskAdminReset(t.Context(), "ann@example.com"); err != nil {
		t.Fatal(err)
	}
	in := ticketOf(box.next(t, "reset"))
	with := func(password string) object {
		return object{"uid": in["uid"], "token": in["token"], "password": password}
	}
	s.refused(t, 400, "password", "POST", target, "", with("too short"))
	s.refused(t, 413, "password", "POST", target, "", with(strings.Repeat("long", 5000)))
	s.refused(t, 401, "token", "POST", "/api/v1/account/activate", "", in)
	s.want(t, 204, "POST", target, "", with("the new password"))
	s.refused(t, 401, "token", "POST", target, "", with("another password"))
	s.want(t, 401, "POST", "/api/v1/admin/login", "", object{"login": "ann@example.com", "password": "the old password"})
	s.want(t, 200, "POST", "/api/v1/admin/login", "", object{"login": "ann@example.com", "password": "the new password"})
	s.refused(t, 401, "token", "POST", "/api/v1/account/activate", "", ticketOf(activation)) // a new password ends every letter before it
}

func TestAnInvitationCountsOnceForItsApp(t *testing.T) {
	t.Parallel()
	s, box := newPostServer(t)
	ann, bob := s.newAdmin(t, "ann@example.com"), s.newAdmin(t, "bob@example.com")
	books := s.newApp(t, ann, "books")
	films := s.newApp(t, ann, "films")
	invite := func(alias string) string {
		t.Helper()
		app, err := s.engine.AppByAlias(t.Context(), alias)
		if err != nil {
			t.Fatal(err)
		}
		owner, err := s.engine.Authenticate(t.Context(), app, hecate.Proof{Key: hecate.NewSecret(ann)})
		if err != nil {
			t.Fatal(err)
		}
		i, err := s.engine.Invite(t.Context(), owner, "new@example.com", hecate.ReadRole)
		if err != nil {
			t.Fatal(err)
		}
		box.next(t, "invite")
		return i.Key.Reveal()
	}
	key := invite("books")
	const accept, register = "/api/v1/admin/invitation", "/api/v1/account/register"
	s.refused(t, 400, "key", "POST", accept, bob, object{})
	s.refused(t, 404, "key", "POST", accept, bob, object{"key": "guessed"})
	s.want(t, 204, "POST", accept, bob, object{"key": key})
	s.refused(t, 404, "key", "POST", accept, bob, object{"key": key})
	s.want(t, 200, "GET", books, bob, nil)
	s.want(t, 404, "GET", films, bob, nil)

	join := func(key, email string) object {
		return object{"key": key, "email": email, "password": "ten letter"}
	}
	s.refused(t, 404, "key", "POST", register, "", join(key, "new@example.com"))
	s.refused(t, 400, "key", "POST", register, "", join("", "new@example.com"))
	key = invite("films")
	s.refused(t, 409, "email", "POST", register, "", join(key, "bob@example.com"))
	fresh := text(s.want(t, 201, "POST", register, "", join(key, "New@example.com")), "account_key")
	link := box.next(t, "activate").Link.Reveal()
	if !strings.HasPrefix(link, "http://hecate.test/console/#activate=") {
		t.Errorf("the letter leads to %s", link)
	}
	s.want(t, 200, "GET", films, fresh, nil)
	s.want(t, 404, "GET", books, fresh, nil)
	s.refused(t, 404, "key", "POST", register, "", join(key, "other@example.com"))
}
