package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// SMTP is the Sender over a mail server. It is safe for concurrent use; each letter has a connection of its own.
type SMTP struct {
	host           string
	port           int
	implicit       bool // TLS from the first byte
	policy         gomail.TLSPolicy
	tls            *tls.Config
	auth           gomail.SMTPAuthType
	user, password string
	sender         mail.Address
	timeout        time.Duration // of one letter, from dialling to the server's word that it has it
	now            func() time.Time
}

const (
	smtpTimeout  = time.Minute
	dialTimeout  = 15 * time.Second
	portSMTP     = 587
	portSMTPS    = 465
	maxTimeout   = 90 * time.Second
	tlsRequired  = "required"
	tlsIfOffered = "offered"
	tlsOff       = "off"
)

var policies = map[string]gomail.TLSPolicy{tlsRequired: gomail.TLSMandatory, tlsIfOffered: gomail.TLSOpportunistic, tlsOff: gomail.NoTLS}

// auths are what ?auth= may say. "" takes the best that the server offers; the first two send the password as it is, and therefore
// only over TLS or to this machine.
var auths = map[string]gomail.SMTPAuthType{
	"": gomail.SMTPAuthAutoDiscover, "plain": gomail.SMTPAuthPlain, "login": gomail.SMTPAuthLogin, "cram-md5": gomail.SMTPAuthCramMD5,
	"scram-sha-256": gomail.SMTPAuthSCRAMSHA256,
}

// NewSMTP reads smtp://USER:PASSWORD@HOST:PORT (STARTTLS, port 587) or smtps:// (TLS at once, port 465). ?tls= is required, offered or
// off for smtp://: required unless the server is this machine, where it is offered. ?auth= picks plain, login, cram-md5 or
// scram-sha-256, ?ca= names a file with the certificates to trust instead of the system's, ?timeout= bounds one letter (1m).
// sender is where letters come from when the app does not say; now is the clock. Errors never show the password.
func NewSMTP(address, sender string, now func() time.Time) (*SMTP, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("want smtp://USER:PASSWORD@HOST:PORT; special characters in it are written as %XX")
	}
	s := &SMTP{host: u.Hostname(), implicit: u.Scheme == "smtps", timeout: smtpTimeout, auth: gomail.SMTPAuthNoAuth, now: now}
	if u.Scheme != "smtp" && u.Scheme != "smtps" || s.host == "" || u.Path != "" && u.Path != "/" || u.Fragment != "" {
		return nil, errors.New("want smtp://USER:PASSWORD@HOST:PORT or smtps://…")
	}
	if s.now == nil {
		s.now = time.Now
	}
	if err := errors.Join(s.readPort(u), s.readOptions(u)); err != nil {
		return nil, err
	}
	if sender == "" {
		return nil, errors.New("mail needs a sender address")
	}
	a, err := ParseSender(sender)
	if err != nil {
		return nil, err
	}
	s.sender = *a
	return s, nil
}

func (s *SMTP) readPort(u *url.URL) error {
	s.port = portSMTP
	if s.implicit {
		s.port = portSMTPS
	}
	if text := u.Port(); text != "" {
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil || n == 0 {
			return fmt.Errorf("%q is no port", text)
		}
		s.port = int(n)
	}
	return nil
}

func (s *SMTP) readOptions(u *url.URL) error {
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return errors.New("the options after ? cannot be read")
	}
	for name := range q {
		if !slices.Contains([]string{"tls", "auth", "ca", "timeout"}, name) {
			return fmt.Errorf("unknown option %q; there are tls, auth, ca and timeout", name)
		}
	}
	if err := s.readTLS(q); err != nil {
		return err
	}
	if u.User != nil {
		auth, ok := auths[q.Get("auth")]
		if !ok {
			return fmt.Errorf("auth is plain, login, cram-md5 or scram-sha-256, not %q", q.Get("auth"))
		}
		s.auth, s.user = auth, u.User.Username()
		s.password, _ = u.User.Password()
	}
	if text := q.Get("timeout"); text != "" {
		if s.timeout, err = time.ParseDuration(text); err != nil || s.timeout <= 0 || s.timeout > maxTimeout {
			return fmt.Errorf("timeout is a duration of at most %s, not %q", maxTimeout, text)
		}
	}
	return nil
}

func (s *SMTP) readTLS(q url.Values) error {
	wish := q.Get("tls")
	if wish == "" {
		wish = tlsRequired
		if loopback(s.host) {
			wish = tlsIfOffered
		}
	}
	policy, ok := policies[wish]
	if !ok || s.implicit && q.Has("tls") {
		return errors.New("tls is required, offered or off, and only for smtp://; smtps:// is always encrypted")
	}
	s.policy = policy
	if s.implicit {
		// The connection is made by dial; the library then sees that it is encrypted already.
		s.policy = gomail.TLSOpportunistic
	}
	s.tls = &tls.Config{ServerName: s.host, MinVersion: tls.VersionTLS12}
	file := q.Get("ca")
	if file == "" {
		return nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("ca: %w", err)
	}
	s.tls.RootCAs = x509.NewCertPool()
	if !s.tls.RootCAs.AppendCertsFromPEM(pem) {
		return fmt.Errorf("ca: %s holds no certificate", file)
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Send implements Sender. A recipient or a letter that the server refuses for good is Refused; all else may pass.
func (s *SMTP) Send(ctx context.Context, l Letter) error {
	m, err := message(&l, s.sender, s.now())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	c, hangUp, err := s.client(ctx)
	if err != nil {
		return err
	}
	defer hangUp()
	err = c.DialAndSendWithContext(ctx, m)
	if m.IsDelivered() { // the server has it; how the conversation ended then does not matter
		return nil
	}
	if err == nil {
		return errors.New("the mail server did not say that it has the letter")
	}
	return final(err)
}

// client prepares one conversation. hangUp ends what is left of it; the end of ctx does the same.
func (s *SMTP) client(ctx context.Context) (*gomail.Client, func(), error) {
	var mu sync.Mutex
	var line net.Conn
	hangUp := func() {
		mu.Lock()
		defer mu.Unlock()
		if line != nil {
			_ = line.Close()
		}
	}
	stop := context.AfterFunc(ctx, hangUp)
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		raw, err := (&net.Dialer{Timeout: min(dialTimeout, s.timeout)}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		mu.Lock()
		line = raw
		mu.Unlock()
		if err := ctx.Err(); err != nil { // hung up meanwhile
			return nil, errors.Join(err, raw.Close())
		}
		if !s.implicit {
			return raw, nil
		}
		secure := tls.Client(raw, s.tls)
		return secure, secure.HandshakeContext(ctx)
	}
	options := []gomail.Option{
		gomail.WithPort(s.port), gomail.WithTimeout(s.timeout), gomail.WithTLSConfig(s.tls), gomail.WithTLSPolicy(s.policy),
		gomail.WithDialContextFunc(dial), gomail.WithoutNoop(), gomail.WithoutRset(),
	}
	if s.auth != gomail.SMTPAuthNoAuth {
		options = append(options, gomail.WithSMTPAuth(s.auth), gomail.WithUsername(s.user), gomail.WithPassword(s.password))
	}
	c, err := gomail.NewClient(s.host, options...)
	return c, func() { stop(); hangUp() }, err
}

// final marks the errors that trying again does not help: what the server says with a code of 5xx of the recipient or of the letter itself. Of
// the sender or the password it may be a mistake in the configuration, which somebody will put right.
func final(err error) error {
	var e *gomail.SendError
	if !errors.As(err, &e) || e.ErrorCode() < 500 {
		return err
	}
	switch e.Reason {
	case gomail.ErrSMTPRcptTo, gomail.ErrSMTPData, gomail.ErrSMTPDataClose:
		return &Refused{err}
	}
	return err
}
