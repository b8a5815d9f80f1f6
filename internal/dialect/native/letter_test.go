package native

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/mail"
)

// post is a letterbox that refuses letters while it is shut.
type post struct {
	letterbox
	mu   sync.Mutex
	shut bool
}

func (p *post) Send(ctx context.Context, l mail.Letter) error {
	p.mu.Lock()
	shut := p.shut
	p.mu.Unlock()
	if shut {
		return &mail.Refused{Err: errors.New("550 no such mailbox")}
	}
	return p.letterbox.Send(ctx, l)
}

func (p *post) set(shut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shut = shut
}

// newRefusingServer is a server whose mail server refuses every letter at first.
func newRefusingServer(t *testing.T) (*server, *post) {
	t.Helper()
	p := &post{letterbox: make(letterbox, 20), shut: true}
	s := newServerWith(t, p)
	s.run(t)
	return s, p
}

// undelivered makes an app with a letter to ada that was refused, and gives the paths of both.
func (s *server) undelivered(t *testing.T, key, alias string) (app, letter string) {
	t.Helper()
	app = s.newApp(t, key, alias)
	a, err := s.engine.AppByAlias(t.Context(), alias)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.engine.CreateUser(t.Context(), engine.SystemIn(a), engine.CreateUserInput{
		Username: "ada", Email: "ada@" + alias + ".example.com", Password: hecate.NewSecret("password"), Letters: []engine.UserLetter{{Mailing: engine.Mailing{Letter: "welcome"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return app, app + "/letters/" + s.failed(t, key, app)["id"].(string)
}

// failed waits for the one letter of an app that failed.
func (s *server) failed(t *testing.T, key, app string) object {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		items := s.want(t, 200, "GET", app+"/letters?state=failed", key, nil).object["items"].([]any)
		if len(items) == 1 {
			return items[0].(object)
		}
	}
	t.Fatal("no letter failed")
	return nil
}

func TestALetterThatFailedIsSeenAndSentOnceMore(t *testing.T) {
	t.Parallel()
	s, p := newRefusingServer(t)
	ann := s.newAdmin(t, "ann@example.com")
	app, letter := s.undelivered(t, ann, "books")
	l := s.failed(t, ann, app)
	if l["letter"] != "welcome" || l["to"] != "ada@books.example.com" || l["state"] != "failed" || l["reason"] != "refused: 550 no such mailbox" ||
		l["next_try_at"] != nil || l["failed_at"] == nil || l["user"] == nil || l["attempts"] != 1.0 {
		t.Errorf("%v", l)
	}
	if list := s.want(t, 200, "GET", app+"/letters?state=waiting", ann, nil); len(list.object["items"].([]any)) != 0 || list.object["next"] != nil {
		t.Error(list.text)
	}
	s.refused(t, 400, "state", "GET", app+"/letters?state=sent", ann, nil)
	s.refused(t, 400, "limit", "GET", app+"/letters?limit=0", ann, nil)
	p.set(false)
	if again := s.want(t, 200, "POST", letter+"/retry", ann, nil); text(again, "state") != "waiting" || again.object["failed_at"] != nil || again.object["next_try_at"] == nil {
		t.Error(again.text)
	}
	if got := p.next(t, "welcome"); !strings.HasSuffix(letter, got.ID) {
		t.Errorf("another letter left: %s", got.ID)
	}
	s.settled(t)
	s.want(t, 404, "POST", letter+"/retry", ann, nil)
	s.want(t, 404, "DELETE", letter, ann, nil)
}

// settled waits until no letter waits.
func (s *server) settled(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		n, err := s.engine.WaitingLetters(t.Context(), engine.System())
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
	t.Fatal("letters still wait")
}

func TestALetterIsGivenUp(t *testing.T) {
	t.Parallel()
	s, _ := newRefusingServer(t)
	ann := s.newAdmin(t, "ann@example.com")
	app, letter := s.undelivered(t, ann, "books")
	s.want(t, 204, "DELETE", letter, ann, nil)
	s.want(t, 404, "DELETE", letter, ann, nil)
	if list := s.want(t, 200, "GET", app+"/letters", ann, nil); len(list.object["items"].([]any)) != 0 {
		t.Error(list.text)
	}
}

func TestADeadLetterIsRefusedWithItsReason(t *testing.T) {
	t.Parallel()
	s, _ := newRefusingServer(t)
	ann := s.newAdmin(t, "ann@example.com")
	_, letter := s.undelivered(t, ann, "books")
	app, err := s.engine.AppByAlias(t.Context(), "books")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.engine.DeleteUser(t.Context(), engine.SystemIn(app), engine.UserRef{Login: "ada"}); err != nil {
		t.Fatal(err)
	}
	a := s.refused(t, 409, "letter", "POST", letter+"/retry", ann, nil)
	if text(a, "detail") != "the user whom the letter is about is gone" {
		t.Error(a.text)
	}
}

func TestLettersOfOthersAreLikeThoseThatDoNotExist(t *testing.T) {
	t.Parallel()
	s, p := newRefusingServer(t)
	ann, bob, eve := s.newAdmin(t, "ann@example.com"), s.newAdmin(t, "bob@example.com"), s.newAdmin(t, "eve@example.com")
	books, letter := s.undelivered(t, ann, "books")
	films := s.newApp(t, bob, "films")
	p.set(false)
	theirs := strings.Replace(letter, books, films, 1)
	s.want(t, 404, "POST", theirs+"/retry", bob, nil)
	s.want(t, 404, "DELETE", theirs, bob, nil)
	s.want(t, 404, "POST", letter+"/retry", bob, nil)
	if list := s.want(t, 200, "GET", films+"/letters", bob, nil); strings.Contains(list.text, "ada@") {
		t.Error(list.text)
	}
	s.join(t, "books", eve, hecate.WriteRole)
	for _, c := range [][2]string{{"GET", books + "/letters"}, {"POST", letter + "/retry"}, {"DELETE", letter}} {
		s.want(t, 403, c[0], c[1], eve, nil)
	}
	s.want(t, 403, "PATCH", books+"/mail", eve, object{"language": "de"})
	master := text(s.want(t, 201, "POST", books+"/keys", ann, object{"flags": []string{"master"}}), "key")
	s.want(t, 401, "POST", letter+"/retry", master, nil)
	s.failed(t, ann, books)
}

func TestAManagerSaysHowLettersLook(t *testing.T) {
	t.Parallel()
	s, box := newPostServer(t)
	ann := s.newAdmin(t, "ann@example.com")
	app := s.newApp(t, ann, "books")
	s.want(t, 200, "PATCH", app, ann, object{"settings": object{"sandbox": true}})
	first := s.want(t, 200, "GET", app+"/mail", ann, nil)
	kinds := first.object["letters"].([]any)
	if text(first, "sender") != "" || first.object["editable"] != true || len(kinds) != len(mail.Names) {
		t.Error(first.text)
	}
	for _, k := range kinds { // what is built in may be saved as it is
		kind := k.(object)
		s.want(t, 200, "PATCH", app+"/mail", ann, object{"templates": object{kind["letter"].(string) + ".fr": kind["built_in"]}})
		s.want(t, 200, "PATCH", app+"/mail", ann, object{"templates": object{kind["letter"].(string) + ".fr": nil}})
	}
	changed := s.want(t, 200, "PATCH", app+"/mail", ann, object{
		"sender": "Books <books@example.com>", "templates": object{"reset.de": object{"subject": "Neu: {{.app}}", "text": "Hallo {{.name}} {{.link}}"}},
	})
	if text(changed, "sender") != "Books <books@example.com>" || text(changed, "templates", "reset.de", "subject") != "Neu: {{.app}}" {
		t.Error(changed.text)
	}
	s.want(t, 200, "PATCH", app+"/mail", ann, object{"language": "de", "templates": object{"verify.de": object{"text": "{{.code}}"}}})
	s.want(t, 200, "PATCH", app+"/mail", ann, object{"templates": object{"verify.de": nil}})
	now := s.want(t, 200, "GET", app+"/mail", ann, nil)
	if got := canonical(t, now.object["templates"]); got != `{"reset.de":{"html":"","subject":"Neu: {{.app}}","text":"Hallo {{.name}} {{.link}}"}}` || text(now, "language") != "de" {
		t.Errorf("templates: %s", got)
	}
	if kept := s.want(t, 200, "GET", app, ann, nil).object["settings"].(object); kept["sandbox"] != true {
		t.Error("another setting was lost")
	}
	for field, body := range map[string]object{
		"mail.sender":             {"sender": "Books"},
		"mail.language":           {"language": "d"},
		"mail.templates.reset.de": {"templates": object{"reset.de": object{"text": "{{.password}}"}}},
		"mail.templates.nosuch.x": {"templates": object{"nosuch.x": object{"text": "x"}}},
	} {
		s.refused(t, 400, field, "PATCH", app+"/mail", ann, body)
	}
	s.refused(t, 400, "mail.templates.reset.de", "PATCH", app+"/mail", ann, object{"templates": object{"reset.DE": object{"text": "x"}}}) // it is there already

	s.want(t, 202, "POST", app+"/mail/sample", ann, object{"letter": "reset", "language": "de"})
	l := box.next(t, "reset")
	if l.To != "ann@example.com" || l.Settings.Sender != "Books <books@example.com>" || l.Secret.Reveal() != "sample" {
		t.Errorf("%+v", l)
	}
	s.refused(t, 400, "letter", "POST", app+"/mail/sample", ann, object{"letter": "nosuch"})
	bob := s.newAdmin(t, "bob@example.com")
	s.want(t, 404, "POST", app+"/mail/sample", bob, object{"letter": "reset"})
	s.join(t, "books", bob, hecate.ReadRole)
	s.want(t, 403, "POST", app+"/mail/sample", bob, object{"letter": "reset"})
	if seen := s.want(t, 200, "GET", app+"/mail", bob, nil); seen.object["editable"] != false {
		t.Error(seen.text)
	}
}

func TestWhereAnybodyRegistersLettersLookAsTheOperatorSays(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ann := s.newAdmin(t, "ann@example.com")
	app := s.newApp(t, ann, "books")
	var err error
	if s.handler, err = Handler(Config{Engine: s.engine, FixedMail: true}); err != nil {
		t.Fatal(err)
	}
	s.want(t, 403, "PATCH", app+"/mail", ann, object{"sender": "Your bank <bank@example.com>"})
	if seen := s.want(t, 200, "GET", app+"/mail", ann, nil); seen.object["editable"] != false || text(seen, "sender") != "" {
		t.Error(seen.text)
	}
}

func TestAForgottenPasswordIsAnsweredAlikeForEverybody(t *testing.T) {
	t.Parallel()
	const target = "/api/v1/account/forgot"
	s, box := newPostServer(t)
	s.newAdmin(t, "ann@example.com")
	said := map[string]bool{}
	for _, email := range []string{"ann@example.com", "nobody@example.com"} {
		a := s.want(t, 202, "POST", target, "", object{"email": email})
		a.header.Del("X-Request-Id")
		said[a.text+canonical(t, a.header)] = true
	}
	if len(said) != 1 {
		t.Errorf("the answers differ: %v", said)
	}
	first := box.next(t, "reset")
	if first.To != "ann@example.com" || !strings.HasPrefix(first.Link.Reveal(), "http://hecate.test/console/#reset=") {
		t.Errorf("%+v", first)
	}
	s.refused(t, 400, "email", "POST", target, "", object{})
	s.refused(t, 400, "email", "POST", target, "", object{"email": "ann@example.com, eve@example.com"})
	s.want(t, 202, "POST", target, "", object{"email": "ANN@example.com"})
	second := box.next(t, "reset")

	in := ticketOf(first)
	in["password"] = "the new password"
	s.refused(t, 401, "token", "POST", "/api/v1/account/reset", "", in) // a newer letter has taken its place
	in = ticketOf(second)
	in["password"] = "the new password"
	s.want(t, 204, "POST", "/api/v1/account/reset", "", in)
	s.want(t, 200, "POST", "/api/v1/admin/login", "", object{"login": "ann@example.com", "password": "the new password"})

	s.clock = s.clock.Add(time.Hour)
	for range attemptsPerMinute {
		s.want(t, 202, "POST", target, "", object{"email": "nobody@example.com"})
	}
	if a := s.want(t, 429, "POST", target, "", object{"email": "ann@example.com"}); a.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

// Somebody who has had many letters is not told from somebody whom nobody knows, and what he was sent last still counts.
func TestManyForgottenPasswordsTellNothing(t *testing.T) {
	t.Parallel()
	const target = "/api/v1/account/forgot"
	s, box := newPostServer(t)
	s.newAdmin(t, "ann@example.com")
	limit := s.engine.Limits().LettersPerAddress
	var last mail.Letter
	for n := range limit + 3 {
		s.clock = s.clock.Add(time.Minute)
		s.want(t, 202, "POST", target, "", object{"email": "ann@example.com"})
		if n < limit {
			last = box.next(t, "reset")
		}
	}
	s.settled(t)
	if len(box) != 0 {
		t.Errorf("%d letters too many left", len(box))
	}
	in := ticketOf(last)
	in["password"] = "the new password"
	s.want(t, 204, "POST", "/api/v1/account/reset", "", in)
}
