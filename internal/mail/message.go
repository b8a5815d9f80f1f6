package mail

import (
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"
	"unicode"

	gomail "github.com/wneessen/go-mail"

	"hecate"
)

// message turns a letter into what goes over the wire. What it refuses can never be sent: the error IsRefused.
func message(l *Letter, sender mail.Address, now time.Time) (*gomail.Msg, error) {
	if own := l.Settings.Sender; own != "" {
		a, err := ParseSender(own)
		if err != nil {
			return nil, &Refused{err}
		}
		sender = *a
	}
	to, err := recipient(l.To)
	if err != nil {
		return nil, &Refused{err}
	}
	body, err := compose(l)
	if err != nil {
		return nil, err
	}
	id := strings.Map(idCharacter, l.ID)
	if id == "" {
		return nil, &Refused{errors.New("a letter without an id")}
	}
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent(), gomail.WithEncoding(gomail.EncodingQP))
	m.FromMailAddress(&sender)
	m.ToMailAddress(to)
	m.Subject(body.subject)
	m.SetDateWithValue(now)
	m.SetMessageIDWithValue(id + "@" + domainOf(sender.Address))
	// Nobody's vacation notice is to answer (RFC 3834).
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	switch {
	case body.text == "":
		m.SetBodyString(gomail.TypeTextHTML, body.html)
	case body.html == "":
		m.SetBodyString(gomail.TypeTextPlain, body.text)
	default:
		m.SetBodyString(gomail.TypeTextPlain, body.text)
		m.AddAlternativeString(gomail.TypeTextHTML, body.html)
	}
	return m, nil
}

// recipient is a bare address: no name, no list, no second line.
func recipient(address string) (*mail.Address, error) {
	bad := hecate.E(hecate.Invalid, "send a letter").On("to")
	if strings.ContainsFunc(address, func(r rune) bool {
		return unicode.IsControl(r) || unicode.IsSpace(r) || strings.ContainsRune("<>,;", r)
	}) {
		return nil, bad.Says("not one address")
	}
	a, err := mail.ParseAddress(address)
	if err != nil {
		return nil, bad.Because(err)
	}
	if a.Address != address {
		return nil, bad.Says(fmt.Sprintf("%q is not the address that it means", address))
	}
	return a, nil
}

func idCharacter(r rune) rune {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-', r == '.':
		return r
	}
	return -1
}

func domainOf(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }
