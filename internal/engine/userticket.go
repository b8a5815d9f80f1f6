package engine

import (
	"context"
	"errors"
	"strings"
	"time"

	"hecate"
	"hecate/internal/secret"
	"hecate/internal/store"
)

// The purposes of users' tickets.
const (
	ResetTicket    = ticketReset // sets a new password
	VerifyTicket   = "verify"    // proves an address
	ActivateTicket = "activate"  // lets a new account in; proves the address, where it went there
)

// userTicketLife is how long a ticket lives when the caller does not say.
var userTicketLife = map[string]time.Duration{
	ResetTicket: 12 * time.Hour, VerifyTicket: 24 * time.Hour, ActivateTicket: 3 * 24 * time.Hour,
}

const (
	maxTicketLife = 31 * 24 * time.Hour
	codeLength    = 8  // 26 bits in digits, 41 in digits and letters
	codeTries     = 5  // wrong ones, until the code is dead
	maxCode       = 16 // what is longer is the ticket of a link
	codeAlphabet  = "abcdefghijklmnopqrstuvwxyz0123456789"
)

// CodeForm is the form of a ticket.
type CodeForm uint8

// The forms of a ticket. Codes are typed by people, and count for their user alone; five wrong ones, and the right one is dead.
const (
	LinkTicket  CodeForm = iota // 256 bits, for links
	NumericCode                 // 8 digits
	TextCode                    // 8 of a to z and 0 to 9
)

// UserLetter is a letter to a user, which the verb that takes it queues in its own write. Where there is no address to send it to
// it is left out.
type UserLetter struct {
	Mailing
	To         string            // "": the user's address
	Copies     []string          // who gets the same letter with the same ticket; whoever is first uses it up
	Ticket     string            // the purpose of the ticket that it carries, "" none
	Form       CodeForm          // of the ticket
	TTL        time.Duration     // of the ticket; 0: 12 hours to reset, a day to verify, three days to activate
	UntilLogin bool              // a login of the user ends the ticket
	About      string            // with VerifyTicket: the field that holds To, "" or "email" for the user's own address
	Fields     map[string]string // facts of its own, see mail.Names

	clear hecate.Secret // what it tells without a ticket
}

// purposeLetters are the letters that carry tickets, where the caller does not name another.
var purposeLetters = map[string]string{ResetTicket: letterReset, VerifyTicket: letterVerify, ActivateTicket: letterActivate}

// sendUser queues a letter to a user, inside a write, with a fresh ticket that ends those before it. The row of a blank one goes to nobody: its
// ticket is of no use, and ends none. sent is false when the user has no address or has had too many letters.
func (e *Engine) sendUser(ctx context.Context, tx *store.DB, app *hecate.App, u *hecate.User, l UserLetter, blank bool) (sent bool, err error) {
	if l.To == "" {
		l.To = u.Email
	}
	if l.To == "" {
		return false, nil
	}
	out := outgoing{Mailing: l.Mailing, app: app, to: l.To, user: u, fields: l.Fields, clear: l.clear, blank: blank}
	if out.Letter == "" {
		out.Letter = purposeLetters[l.Ticket]
	}
	if l.Ticket == "" {
		full, err := e.queue(ctx, tx, out)
		return !full && err == nil, err
	}
	t, hash, err := e.userTicketFor(app, u, l)
	if err != nil {
		return false, err
	}
	out.ticket, out.clear = t.Ticket, t.clear
	out.fields = map[string]string{"key": keyOf(l.About), "user": shownName(u)}
	for k, v := range l.Fields {
		out.fields[k] = v
	}
	full, err := e.queueAll(ctx, tx, out, l.Copies)
	if err != nil {
		return false, err
	}
	if full || blank {
		t.User, hash = e.useless(app, l.To, t.clear)
	}
	if err := tx.DeleteTicketsAbout(ctx, app.ID, t.User, l.Ticket, t.About); err != nil {
		return false, err
	}
	return !full, tx.InsertTicket(ctx, t.Ticket, hash)
}

// manyLetters says that an address gets no more letters for now.
func manyLetters(op string) error {
	return hecate.E(hecate.TooMany, op).Says("this address has had many letters").After(letterWindow)
}

// queueAll queues a letter and its copies. full says that none of their addresses gets it for now.
func (e *Engine) queueAll(ctx context.Context, tx *store.DB, out outgoing, copies []string) (full bool, err error) {
	full = true
	for _, to := range append([]string{out.to}, copies...) { // few
		out.to = to
		none, err := e.queue(ctx, tx, out)
		if err != nil {
			return false, err
		}
		full = full && none
	}
	return full, nil
}

// keyOf is the field that holds an address.
func keyOf(about string) string {
	if about == "" {
		return emailField
	}
	return about
}

// shownName is how letters to others call a user.
func shownName(u *hecate.User) string {
	if u.Username != "" {
		return u.Username
	}
	return u.Email
}

// useless is the user and the hash of a ticket that nobody can use. One for the same address takes the place of the one before, as
// it is with users: that takes time.
func (e *Engine) useless(app *hecate.App, address string, clear hecate.Secret) (hecate.UserID, string) {
	return hecate.UserID("nobody:" + e.keys.Lookup("nobody/"+string(app.ID)+"/"+FoldLogin(address))), e.keys.Lookup("useless/" + clear.Reveal())
}

type clearTicket struct {
	*hecate.Ticket
	clear hecate.Secret
}

// userTicketFor makes a ticket, and the hash under which it is stored.
func (e *Engine) userTicketFor(app *hecate.App, u *hecate.User, l UserLetter) (clearTicket, string, error) {
	life := l.TTL
	if life <= 0 {
		life = userTicketLife[l.Ticket]
	}
	t, clear, err := e.newTicket(app.ID, l.Ticket, min(life, maxTicketLife))
	if err != nil {
		return clearTicket{}, "", err
	}
	t.User, t.Address, t.About, t.UntilLogin = u.ID, l.To, keyOf(l.About), l.UntilLogin
	if l.Ticket == ActivateTicket && FoldLogin(l.To) != FoldLogin(u.Email) {
		t.About = approval
	}
	if l.Form == LinkTicket {
		return clearTicket{t, clear}, e.lookup(clear), nil
	}
	t.Short = true
	code, err := e.newCode(l.Form)
	clear = hecate.NewSecret(code)
	return clearTicket{t, clear}, e.ticketHash(t, clear), err
}

// approval marks tickets that went to somebody who decides about the user.
const approval = "approval"

func (e *Engine) newCode(form CodeForm) (string, error) {
	if form == NumericCode {
		return secret.Digits(e.rand, codeLength)
	}
	var code []byte
	var b [1]byte
	for tries := 0; len(code) < codeLength; tries++ {
		if _, err := e.rand.Read(b[:]); err != nil || tries > 1000 {
			return "", errors.Join(err, errors.New("new code: no randomness"))
		}
		if int(b[0]) < 256/len(codeAlphabet)*len(codeAlphabet) { // so that none is favoured
			code = append(code, codeAlphabet[int(b[0])%len(codeAlphabet)])
		}
	}
	return string(code), nil
}

// codeHash is what a code is stored under: many users may have the same one.
func (e *Engine) codeHash(purpose string, u hecate.UserID, code string) string {
	return e.keys.Lookup("code/" + purpose + "/" + string(u) + "/" + strings.ToLower(strings.TrimSpace(code)))
}

// ticketHash is what a ticket is stored under.
func (e *Engine) ticketHash(t *hecate.Ticket, clear hecate.Secret) string {
	if t.Short {
		return e.codeHash(t.Purpose, t.User, clear.Reveal())
	}
	return e.lookup(clear)
}

// TicketInput presents a ticket.
type TicketInput struct {
	Purpose string // ResetTicket, VerifyTicket or ActivateTicket; the verbs that use one up know it
	Ticket  hecate.Secret
	User    UserRef      // whose it must be; needed with codes, and otherwise where the page names him
	Letters []UserLetter // what follows, in the same write
	// Profile is what the proof changes of the user's profile, in the same write; nil nothing. ConfirmAddress and Activate alone ask it. Its Resolve sees the profile,
	// and may refuse: then the ticket stays as it is.
	Profile func(t *hecate.Ticket) *RecordInput
}

// TicketDetail is a ticket that counts, and whose it is. The user is shared: read-only.
type TicketDetail struct {
	Ticket *hecate.Ticket
	User   *hecate.User
}

// CheckTicket finds a ticket that counts, and uses nothing up: pages that links lead to ask it before they show a form. A wrong code counts as
// a try. Kinds: BadToken for one that is unknown, used, superseded, of somebody else or sent to a former address; Expired.
func (e *Engine) CheckTicket(ctx context.Context, app *hecate.App, in TicketInput) (*TicketDetail, error) {
	const op = "check ticket"
	if len(in.Ticket.Reveal()) > maxCode {
		return e.heldTicket(ctx, e.db, app, in, op)
	}
	var out *TicketDetail
	err := e.withTicket(ctx, app, in, op, func(_ *store.DB, t *TicketDetail, _ store.Login) error {
		out = t
		return nil
	})
	return out, err
}

// heldTicket finds a ticket that counts. Kinds: BadToken, Expired.
func (e *Engine) heldTicket(ctx context.Context, db *store.DB, app *hecate.App, in TicketInput, op string) (*TicketDetail, error) {
	bad := hecate.E(hecate.BadToken, op).On("token")
	hash, err := e.presented(ctx, app, in, op)
	if err != nil {
		return nil, err
	}
	t, err := db.Ticket(ctx, app.ID, hash)
	if errors.Is(unheldText(err), hecate.NotFound) {
		return nil, bad
	}
	if err != nil {
		return nil, err
	}
	if t.Purpose != in.Purpose || t.User == "" {
		return nil, bad
	}
	u, err := db.User(ctx, app.ID, t.User)
	if errors.Is(err, hecate.NotFound) {
		return nil, bad
	}
	if err != nil {
		return nil, err
	}
	named, err := e.named(ctx, app, in.User, op)
	switch {
	case err != nil:
		return nil, err
	case named != "" && named != u.ID, outlived(t, u):
		return nil, bad
	case !e.now().Before(t.ExpiresAt):
		return nil, hecate.E(hecate.Expired, op).On("token")
	}
	return &TicketDetail{Ticket: t, User: u}, nil
}

// outlived reports whether something has happened to its user, or was tried, that ends a ticket before its time.
func outlived(t *hecate.Ticket, u *hecate.User) bool {
	return t.Short && t.Attempts >= codeTries ||
		t.About == emailField && !sameAddress(t.Address, u.Email) ||
		t.UntilLogin && u.LastLoginAt.After(t.CreatedAt)
}

// presented is the hash under which a ticket is stored, if it is. Kinds: BadToken.
func (e *Engine) presented(ctx context.Context, app *hecate.App, in TicketInput, op string) (string, error) {
	text := in.Ticket.Reveal()
	if len(text) > maxCode {
		return e.lookup(in.Ticket), nil
	}
	id, err := e.named(ctx, app, in.User, op)
	if err != nil {
		return "", err
	}
	if id == "" || text == "" {
		return "", hecate.E(hecate.BadToken, op).On("token")
	}
	return e.codeHash(in.Purpose, id, text), nil
}

// named is the user that a reference names, "" where it is empty. Kinds: BadToken for one that does not exist.
func (e *Engine) named(ctx context.Context, app *hecate.App, ref UserRef, op string) (hecate.UserID, error) {
	if ref == (UserRef{}) || ref.ID != "" {
		return ref.ID, nil // one that does not exist has no ticket
	}
	u, err := e.findUser(ctx, app.ID, ref, op)
	if errors.Is(err, hecate.NotFound) {
		return "", hecate.E(hecate.BadToken, op).On("token")
	}
	if err != nil {
		return "", err
	}
	return u.ID, nil
}

// withTicket runs fn inside one write on a ticket that counts, with its user locked. A wrong code is counted, also though the verb then fails.
func (e *Engine) withTicket(ctx context.Context, app *hecate.App, in TicketInput, op string, fn func(tx *store.DB, t *TicketDetail, l store.Login) error) error {
	code := len(in.Ticket.Reveal()) <= maxCode
	owner, err := e.named(ctx, app, in.User, op)
	if err != nil {
		return err
	}
	if !code {
		t, err := e.heldTicket(ctx, e.db, app, in, op)
		if err != nil {
			return err
		}
		owner = t.User.ID
	}
	if owner == "" {
		return hecate.E(hecate.BadToken, op).On("token")
	}
	in.User = UserRef{ID: owner}
	var wrong error
	err = e.db.Write(ctx, func(tx *store.DB) error {
		wrong = nil
		l, err := e.loadUser(ctx, tx, app.ID, owner, op)
		if errors.Is(err, hecate.NotFound) {
			return hecate.E(hecate.BadToken, op).On("token")
		}
		if err != nil {
			return err
		}
		t, err := e.heldTicket(ctx, tx, app, in, op)
		if code && errors.Is(err, hecate.BadToken) {
			wrong = err
			return tx.CountWrongCode(ctx, app.ID, owner, in.Purpose)
		}
		if err != nil {
			return err
		}
		return fn(tx, t, l)
	})
	if err == nil && wrong != nil {
		e.refused(nil, app.ID, op, string(hecate.SubjectUser(owner)), "wrong code")
		return wrong
	}
	return err
}

// useUserTicket uses a ticket up inside a write. Kinds: BadToken when somebody was quicker.
func (e *Engine) useUserTicket(ctx context.Context, tx *store.DB, app *hecate.App, in TicketInput, t *TicketDetail, op string) error {
	was, err := tx.TakeTicket(ctx, app.ID, e.ticketHash(t.Ticket, in.Ticket), in.Purpose)
	if err == nil && !was {
		return hecate.E(hecate.BadToken, op).On("token")
	}
	return err
}

// sendAll queues letters to a user inside a write.
func (e *Engine) sendAll(ctx context.Context, tx *store.DB, app *hecate.App, u *hecate.User, letters []UserLetter) error {
	for _, l := range letters { // a verb takes few
		if _, err := e.sendUser(ctx, tx, app, u, l, false); err != nil {
			return err
		}
	}
	return nil
}

// asUser is who presents a ticket: its user, as far as events are concerned.
func asUser(app *hecate.App, u *hecate.User) *hecate.Actor {
	return &hecate.Actor{App: app, User: u, Subjects: []hecate.Subject{hecate.Public}}
}
