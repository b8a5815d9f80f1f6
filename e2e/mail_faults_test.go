package e2e

import (
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"hecate/internal/mail/mailtest"
)

// hecateLetters runs `hecate letters` and gives what it prints.
func hecateLetters(t *testing.T, dataDir string, args ...string) string {
	t.Helper()
	cmd := exec.Command(binary, append([]string{"letters"}, append(args, "--data", dataDir)...)...)
	cmd.Env = cleanEnv()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("hecate letters %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// letterLine is the line of the letter to that address in the operator's list, once it is in that state.
func (s *server) letterLine(t *testing.T, state, to string) string {
	t.Helper()
	line := regexp.MustCompile(`(?m)^\S+ +` + state + ` .* ` + regexp.QuoteMeta(to) + ` .*$`)
	found := ""
	eventually(t, stepLimit, to+" is "+state, func() bool {
		found = line.FindString(hecateLetters(t, s.dataDir))
		return found != ""
	})
	return found
}

// leftOnce demands that each of these addresses got exactly one mail.
func leftOnce(t *testing.T, post *mailtest.Server, to ...string) {
	t.Helper()
	for _, address := range to {
		post.Wait(t, address, "Confirm your address")
	}
	time.Sleep(time.Second)
	seen := map[string]int{}
	for _, m := range post.Mails() {
		seen[m.To]++
	}
	for _, address := range to {
		if seen[address] != 1 {
			t.Errorf("%s got %d mails", address, seen[address])
		}
	}
}

// TestTheOperatorSendsLettersOnceMore has one recipient refused while the others pass, and sends that letter again beside the running server.
func TestTheOperatorSendsLettersOnceMore(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		var full atomic.Bool
		full.Store(true)
		post := mailtest.Start(t, mailtest.Config{Refuse: func(to string) error {
			if full.Load() && strings.HasPrefix(to, "barney") {
				return &smtp.SMTPError{Code: 552, Message: "mailbox \x1b[31m full"}
			}
			return nil
		}})
		s := start(t, options{database: database, args: mailArgs("smtp://" + post.Addr)})
		for _, name := range []string{"alyx", "barney", "gordon"} {
			s.registerByMail(t, name+"@example.com")
		}
		leftOnce(t, post, "alyx@example.com", "gordon@example.com")
		line := s.letterLine(t, "failed", "barney@example.com")
		if !strings.Contains(line, "full") || strings.Contains(line, "\x1b") {
			t.Errorf("%q", line)
		}
		if strings.Contains(hecateLetters(t, s.dataDir), "alyx@") {
			t.Error("a letter that has left is listed")
		}
		s.want(t, 200, call{method: "GET", path: "/readyz"})
		dir, direct := s.dataDir, []string(nil)
		if database != "" { // on PostgreSQL it needs no running server
			dir, direct = t.TempDir(), []string{"--database", database}
			key, err := os.ReadFile(filepath.Join(s.dataDir, "master.key"))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "master.key"), key, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		full.Store(false)
		if out := hecateLetters(t, dir, append([]string{"retry", "--all-failed"}, direct...)...); !strings.Contains(out, "1 letters go out at the next turn, 0 are left") {
			t.Errorf("%s", out)
		}
		leftOnce(t, post, "barney@example.com")
		if out := hecateLetters(t, dir, direct...); !strings.Contains(out, "no letters") {
			t.Errorf("%s", out)
		}
	})
}

// TestAMailServerThatIsSlowOrRefusesThePassword keeps nobody waiting, and loses nothing.
func TestAMailServerThatIsSlowOrRefusesThePassword(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		slow := mailtest.Start(t, mailtest.Config{Delay: 2 * stepLimit})
		o := options{database: database, dataDir: t.TempDir(), args: mailArgs("smtp://" + slow.Addr + "?timeout=300ms")}
		s := start(t, o)
		began := time.Now()
		s.registerByMail(t, "alyx@example.com")
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("it took %s", took)
		}
		s.letterLine(t, "waiting", "alyx@example.com")
		eventually(t, stepLimit, "the first attempt has failed", func() bool { return strings.Contains(s.log.String(), "is tried again") })
		s.want(t, 200, call{method: "GET", path: "/readyz"})
		s.stop(t)

		post := mailtest.Start(t, mailtest.Config{User: "post", Password: "crow bar"})
		o.args = mailArgs("smtp://post:xenforever@" + post.Addr + "?auth=plain")
		s = start(t, o)
		id := strings.Fields(s.letterLine(t, "waiting", "alyx@example.com"))[0]
		hecateLetters(t, s.dataDir, "retry", id)
		eventually(t, stepLimit, "the password is refused", func() bool { return strings.Contains(hecateLetters(t, s.dataDir), "535") })
		if strings.Contains(s.log.String()+hecateLetters(t, s.dataDir), "xenforever") {
			t.Error("the password is shown")
		}
		s.stop(t)

		o.args = mailArgs("smtp://post:crow%20bar@" + post.Addr + "?auth=plain")
		s = start(t, o)
		hecateLetters(t, s.dataDir, "retry", id)
		leftOnce(t, post, "alyx@example.com")
	})
}

// TestAMailServerThatDiesInTheMiddleOfALetter cuts the line while the letter goes over it: it leaves once, later.
func TestAMailServerThatDiesInTheMiddleOfALetter(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		post := mailtest.Start(t, mailtest.Config{})
		addr, cuts := cutLine(t, post.Addr)
		s := start(t, options{database: database, args: mailArgs("smtp://" + addr)})
		s.registerByMail(t, "alyx@example.com")
		eventually(t, stepLimit, "the line is cut", func() bool { return cuts.Load() == 1 })
		eventually(t, stepLimit, "the attempt has failed", func() bool { return strings.Contains(s.log.String(), "is tried again") })
		if n := len(post.Mails()); n != 0 {
			t.Fatalf("%d mails", n)
		}
		hecateLetters(t, s.dataDir, "retry", strings.Fields(s.letterLine(t, "waiting", "alyx@example.com"))[0])
		leftOnce(t, post, "alyx@example.com")
	})
}

// cutLine passes connections on to an SMTP server, but ends the first one in the middle of its DATA.
func cutLine(t *testing.T, to string) (addr string, cuts *atomic.Int32) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	cuts = &atomic.Int32{}
	pass := func(client net.Conn) {
		defer client.Close()
		server, err := net.Dial("tcp", to)
		if err != nil {
			return
		}
		defer server.Close()
		go func() { _, _ = io.Copy(client, server); client.Close() }()
		var said []byte
		for part := make([]byte, 64); ; {
			n, err := client.Read(part)
			said = append(said, part[:n]...)
			if _, letter, ok := bytes.Cut(said, []byte("DATA\r\n")); ok && len(letter) > 200 && cuts.CompareAndSwap(0, 1) {
				return
			}
			if _, werr := server.Write(part[:n]); err != nil || werr != nil {
				return
			}
		}
	}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go pass(client)
		}
	}()
	return l.Addr().String(), cuts
}
