// Package mailtest gives tests a real SMTP server, which keeps what it is sent and refuses what it is told to.
package mailtest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Config says how the server behaves.
type Config struct {
	TLS      bool   // TLS from the first byte
	StartTLS bool   // offers STARTTLS
	User     string // asks for AUTH PLAIN with this name …
	Password string // … and password
	Addr     string // where it listens; "" picks a port
	// Refuse answers a recipient with an error, such as &smtp.SMTPError{Code: 550}. It may change while the server runs.
	Refuse func(to string) error
	Delay  time.Duration // before the answer to a recipient
}

// Mail is one mail as it came over the wire.
type Mail struct {
	From, To   string // of the envelope
	Header     mail.Header
	Subject    string // decoded
	Text, HTML string
	Raw        string
	Secure     bool   // over TLS
	User       string // who sent it, after AUTH
}

// ID is the Message-ID.
func (m Mail) ID() string { return m.Header.Get("Message-Id") }

// Server is a running SMTP server.
type Server struct {
	Addr   string // host:port
	CAFile string // the certificate to trust, with TLS
	config Config

	mu    sync.Mutex
	mails []Mail
	asked int // recipients named so far
	more  chan struct{}
	smtp  *smtp.Server
}

// Start runs a server until the test ends.
func Start(t testing.TB, c Config) *Server {
	t.Helper()
	s := &Server{config: c, more: make(chan struct{}, 1)}
	s.smtp = smtp.NewServer(s)
	s.smtp.Domain, s.smtp.AllowInsecureAuth, s.smtp.EnableSMTPUTF8 = "localhost", true, true
	s.smtp.ReadTimeout, s.smtp.WriteTimeout, s.smtp.MaxMessageBytes = time.Minute, time.Minute, 4<<20
	s.smtp.ErrorLog = quiet{}
	addr := c.Addr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	s.Addr = l.Addr().String()
	if c.TLS || c.StartTLS {
		cert := s.certify(t)
		s.smtp.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}}
		if c.TLS {
			l = tls.NewListener(l, s.smtp.TLSConfig)
		}
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.smtp.Serve(l) }()
	t.Cleanup(func() { _ = s.smtp.Close(); <-done })
	return s
}

// Stop ends the server before the test does, for those who test that it is away.
func (s *Server) Stop() { _ = s.smtp.Close() }

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

// certify makes a certificate for 127.0.0.1 and the file that holds it.
func (s *Server) certify(t testing.TB) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mailtest"}, NotBefore: time.Unix(0, 0), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
		IPAddresses: []net.IP{net.ParseIP("127.0.0.1")}, DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	s.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(s.CAFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// Mails are those that came so far.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Mail(nil), s.mails...)
}

// Asked is how many recipients were named, those refused among them.
func (s *Server) Asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// Wait returns the newest mail to an address whose subject contains the text, and waits for it up to ten seconds.
func (s *Server) Wait(t testing.TB, to, subject string) Mail {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		mails := s.Mails()
		for i := len(mails) - 1; i >= 0; i-- {
			if strings.EqualFold(mails[i].To, to) && strings.Contains(mails[i].Subject, subject) {
				return mails[i]
			}
		}
		select {
		case <-s.more:
		case <-deadline:
			t.Fatalf("no mail to %s about %q among %d", to, subject, len(mails))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// NewSession implements smtp.Backend.
func (s *Server) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &session{server: s, conn: c}, nil
}

type session struct {
	server *Server
	conn   *smtp.Conn
	mail   Mail
	user   string
}

// AuthMechanisms implements smtp.AuthSession.
func (c *session) AuthMechanisms() []string {
	if c.server.config.User == "" {
		return nil
	}
	return []string{sasl.Plain}
}

// Auth implements smtp.AuthSession.
func (c *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != c.server.config.User || password != c.server.config.Password {
			return &smtp.SMTPError{Code: 535, Message: "wrong password"}
		}
		c.user = user
		return nil
	}), nil
}

// Mail implements smtp.Session.
func (c *session) Mail(from string, _ *smtp.MailOptions) error {
	if c.server.config.User != "" && c.user == "" {
		return smtp.ErrAuthRequired
	}
	_, secure := c.conn.TLSConnectionState()
	c.mail = Mail{From: from, User: c.user, Secure: secure}
	return nil
}

// Rcpt implements smtp.Session.
func (c *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s := c.server
	s.mu.Lock()
	s.asked++
	s.mu.Unlock()
	time.Sleep(s.config.Delay)
	if s.config.Refuse != nil {
		if err := s.config.Refuse(to); err != nil {
			return err
		}
	}
	if c.mail.To != "" {
		return &smtp.SMTPError{Code: 550, Message: "one recipient at a time"}
	}
	c.mail.To = to
	return nil
}

// Data implements smtp.Session.
func (c *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	m := c.mail
	if err := m.parse(raw); err != nil {
		return &smtp.SMTPError{Code: 554, Message: err.Error()}
	}
	s := c.server
	s.mu.Lock()
	s.mails = append(s.mails, m)
	s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
	return nil
}

// Reset implements smtp.Session.
func (c *session) Reset() { c.mail = Mail{} }

// Logout implements smtp.Session.
func (c *session) Logout() error { return nil }

func (m *Mail) parse(raw []byte) error {
	m.Raw = string(raw)
	msg, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	m.Header = msg.Header
	if m.Subject, err = new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject")); err != nil {
		return err
	}
	return m.part(msg.Header.Get("Content-Type"), msg.Header.Get("Content-Transfer-Encoding"), msg.Body)
}

func (m *Mail) part(contentType, encoding string, body io.Reader) error {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return fmt.Errorf("%q: %w", contentType, err)
	}
	if strings.HasPrefix(kind, "multipart/") {
		parts := multipart.NewReader(body, params["boundary"])
		for {
			p, err := parts.NextRawPart()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if err := m.part(p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p); err != nil {
				return err
			}
		}
	}
	if strings.EqualFold(encoding, "quoted-printable") {
		body = quotedprintable.NewReader(body)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	plain := strings.ReplaceAll(string(text), "\r\n", "\n")
	if kind == "text/html" {
		m.HTML = plain
	} else {
		m.Text = plain
	}
	return nil
}
