package e2e

import (
	"fmt"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"hecate/internal/mail/mailtest"
)

const mailSender = "Hecate <no-reply@example.org>"

// mailArgs are the flags of a server whose letters go there.
func mailArgs(url string) []string {
	return []string{"--registration", "open", "--smtp-url", url, "--mail-sender", mailSender}
}

// letterTokens are the uid and the token that a letter shows beside its link.
var letterTokens = regexp.MustCompile(`(?s)uid: (\S+)\s+token: (\S+)`)

func (s *server) registerByMail(t *testing.T, email string) {
	t.Helper()
	s.want(t, 201, call{method: "POST", path: "/v1.1/account/register/", json: object{"email": email, "password": "gravity gun"}})
}

func TestLettersLeaveByTheMailServer(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		post := mailtest.Start(t, mailtest.Config{StartTLS: true, User: "post", Password: "crow bar"})
		s := start(t, options{database: database, args: mailArgs("smtp://post:crow%20bar@" + post.Addr + "?tls=required&ca=" + post.CAFile)})
		s.registerByMail(t, "alyx@example.com")
		m := post.Wait(t, "alyx@example.com", "Confirm your address")
		if !m.Secure || m.User != "post" || m.From != "no-reply@example.org" || m.HTML == "" {
			t.Errorf("secure %v, user %q, from %q", m.Secure, m.User, m.From)
		}
		found := letterTokens.FindStringSubmatch(m.Text)
		if found == nil {
			t.Fatalf("no token in\n%s", m.Text)
		}
		s.want(t, 200, call{method: "POST", path: "/v1.1/account/activate/", json: object{"uid": found[1], "token": found[2]}})
		if strings.Contains(s.log.String(), found[2]) {
			t.Error("the token is in the log")
		}
	})
}

// TestALetterOutlivesAKill cuts the server off while its mail server is away: the letter leaves once after the restart.
func TestALetterOutlivesAKill(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addr := l.Addr().String()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		o := options{database: database, dataDir: dir, args: mailArgs("smtp://" + addr)}
		s := start(t, o)
		const people = 3
		for i := range people {
			s.registerByMail(t, fmt.Sprintf("eli%d@example.com", i))
		}
		s.kill()
		post := mailtest.Start(t, mailtest.Config{Addr: addr})
		start(t, o)
		eventually(t, 45*time.Second, "every letter has left", func() bool { return len(post.Mails()) >= people })
		time.Sleep(time.Second)
		seen := map[string]int{}
		for _, m := range post.Mails() {
			seen[m.To]++
		}
		if len(seen) != people || len(post.Mails()) != people {
			t.Errorf("mails: %v", seen)
		}
	})
}
