package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"hecate"
	"hecate/internal/mail"
	"hecate/internal/secret"
	"hecate/internal/store"
)

// Letters leave by the outbox (docs/adr/0008): the write that is the cause of a letter queues it, and a worker of any node sends it
// then. A verb never waits for a mail server, and no letter is lost or told of what did not happen.

const (
	letterLife     = 3 * 24 * time.Hour // a letter that could not be sent for so long has failed
	letterWindow   = time.Hour          // of Limits.LettersPerAddress
	movedLetters   = 3                  // beyond those: whoever fills a letterbox does not keep it from hearing that its account has moved
	letterSenders  = 4                  // letters under way at once, per node
	letterSendTime = 90 * time.Second   // for one letter
	letterGrace    = 5 * time.Second    // for those under way when the server stops
	letterLease    = 5 * time.Minute    // longer than sending and storing how it went can take, clocks of nodes apart included
	letterPoll     = 5 * time.Second    // how soon a letter is seen that another node queued or whose time has come
	letterKept     = 24 * time.Hour     // how long what was sent is remembered
	failureKept    = 30 * 24 * time.Hour
	firstDelay     = 15 * time.Second
	lastDelay      = 2 * time.Hour
	maxLetterError = 500
	outboxLock     = "outbox"
)

// The letters of the verbs, see mail.Names.
const (
	letterActivate     = "activate"
	letterActivated    = "activated"
	letterApprove      = "approve"
	letterApproveOrg   = "org-approve"
	letterArrived      = "arrived"
	letterConfirmed    = "confirmed"
	letterConfirmOrg   = "org-confirm"
	letterInvite       = "invite"
	letterMember       = "member"
	letterMoved        = "moved"
	letterOrgActivated = "org-activated"
	letterOrgConfirmed = "org-confirmed"
	letterPIN          = "pin"
	letterReset        = "reset"
	letterVerify       = "verify"
)

// outbox is what the senders of one process share.
type outbox struct {
	owner string        // this process, in the leases
	wake  chan struct{} // a letter was queued, or a sender has become free

	mu   sync.Mutex
	last time.Time // when the newest letter of this process was queued
}

// inOrder is a time after that of the letter before, also where the clock says the same: of two letters the older leaves first.
func (o *outbox) inOrder(now time.Time) time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !now.After(o.last) {
		now = o.last.Add(time.Microsecond)
	}
	o.last = now
	return now
}

func newOutbox(owner string) *outbox { return &outbox{owner: owner, wake: make(chan struct{}, 1)} }

func (o *outbox) ring() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// Mailing says how the letter of a verb looks; whoever asks for it decides. The zero Mailing is the verb's own letter without a link.
type Mailing struct {
	Letter string // one of mail.Names, in place of the verb's own
	// Link is where the letter leads: a path under the server's public URL, or an absolute URL that the operator configured. In it
	// {ticket}, {user} (id), {key} (the user's key), {admin} and {org} (ids), {uid} (an admin's), {address} and {expires} (seconds since 1970) are filled
	// in, escaped.
	Link     string
	Subject  string // in place of the built-in one, "{address}" in it is filled in; a template of the app has its own
	Language string // what the recipient reads; "": as his profile says
}

// the is the description of a letter that a verb was given, if it was given one.
func the(described []Mailing) Mailing {
	if len(described) == 0 {
		return Mailing{}
	}
	return described[0]
}

// outgoing is a letter before it is queued.
type outgoing struct {
	Mailing
	app    *hecate.App // nil: the server's own
	to     string
	user   *hecate.User // whom it is about
	admin  hecate.AdminID
	org    hecate.OrgID
	fields map[string]string
	ticket *hecate.Ticket // that it carries, or nil
	clear  hecate.Secret

	invitation bool // clear is the key of one
	blank      bool // nobody may get it: the row is made for the time it takes
}

// sealedLetter is what a row of the outbox keeps sealed.
type sealedLetter struct {
	To       string            `json:"to"`
	Fields   map[string]string `json:"fields,omitempty"`
	Link     string            `json:"link,omitempty"`
	Ticket   string            `json:"ticket,omitempty"`
	Subject  string            `json:"subject,omitempty"`
	Language string            `json:"language,omitempty"`
	// What must still count for the letter to be of use: a ticket, by the hash under which it is stored, or the invitation whose key it carries.
	Hash       string `json:"hash,omitempty"`
	Invitation bool   `json:"invitation,omitempty"`
}

func letterContext(app hecate.AppID, id hecate.LetterID) string {
	return "letter:" + string(app) + "/" + string(id)
}

// queue puts a letter into the outbox, inside the write that is its cause. full says that its address has had so many that it gets
// no more for now; the row is made all the same.
func (e *Engine) queue(ctx context.Context, tx *store.DB, l outgoing) (full bool, err error) {
	app := hecate.AppID("")
	if l.app != nil {
		app = l.app.ID
	}
	id, err := e.newID()
	if err != nil {
		return false, err
	}
	now := e.stamp()
	row := &hecate.Letter{
		ID: hecate.LetterID(id), App: app, Name: l.Letter, Address: FoldLogin(l.to), CreatedAt: e.outbox.inOrder(now), DueAt: now, ExpiresAt: now.Add(letterLife),
	}
	if l.user != nil {
		row.User = l.user.ID
	}
	if l.ticket != nil && l.ticket.ExpiresAt.Before(row.ExpiresAt) {
		row.ExpiresAt = l.ticket.ExpiresAt
	}
	sent, err := tx.LettersTo(ctx, app, row.Address, now.Add(-letterWindow))
	if err != nil {
		return false, err
	}
	most := e.limits.LettersPerAddress
	if l.Letter == letterMoved {
		most += movedLetters
	}
	full = sent >= most
	if l.blank || full {
		row.State, row.EndedAt = hecate.LetterBlank, now
	}
	text, err := json.Marshal(e.written(l))
	if err != nil {
		return full, fmt.Errorf("queue a letter: %w", err)
	}
	sealed, err := e.keys.Seal(text, letterContext(app, row.ID))
	if err != nil {
		return full, err
	}
	if err := tx.InsertLetter(ctx, store.Sealed[*hecate.Letter]{Row: row, Sealed: sealed}); err != nil {
		return full, err
	}
	tx.After(e.outbox.ring)
	return full, nil
}

// written is what a letter says, with the facts that everybody's letters have.
func (e *Engine) written(l outgoing) sealedLetter {
	fields := map[string]string{"base": e.publicURL()}
	if l.app != nil {
		fields["alias"], fields["org"] = l.app.Alias, l.app.OrgName
	}
	if l.user != nil {
		fields["username"] = l.user.Username
	}
	if l.ticket != nil {
		fields["expires"] = l.ticket.ExpiresAt.UTC().Format("2 January 2006 15:04 UTC")
		if l.ticket.Short {
			fields["code"] = l.clear.Reveal()
		}
	}
	for k, v := range l.fields {
		fields[k] = v
	}
	s := sealedLetter{
		To: l.to, Fields: fields, Link: e.link(l), Ticket: l.clear.Reveal(), Subject: l.Subject, Language: l.Language, Invitation: l.invitation,
	}
	if l.ticket != nil {
		s.Hash = e.ticketHash(l.ticket, l.clear)
	}
	return s
}

// link fills in where a letter leads. A path needs the public URL; without one there is no link, and the letter shows the ticket.
func (e *Engine) link(l outgoing) string {
	link := l.Link
	if link == "" {
		return ""
	}
	if !strings.HasPrefix(link, "https://") && !strings.HasPrefix(link, "http://") {
		base := e.publicURL()
		if base == "" {
			return ""
		}
		link = base + link
	}
	values := map[string]string{"{ticket}": l.clear.Reveal(), "{address}": l.to, "{uid}": l.fields["uid"], "{admin}": string(l.admin), "{org}": string(l.org)}
	if l.user != nil {
		values["{user}"], values["{key}"] = string(l.user.ID), l.user.Key
	}
	if l.ticket != nil {
		values["{expires}"] = strconv.FormatInt(l.ticket.ExpiresAt.Unix(), 10)
	}
	pairs := make([]string, 0, 2*len(values))
	for name, v := range values {
		// Escaped for a path and for a query at once.
		pairs = append(pairs, name, strings.ReplaceAll(url.QueryEscape(v), "+", "%20"))
	}
	return strings.NewReplacer(pairs...).Replace(link)
}

// runOutbox sends what is queued until ctx ends, and returns when nothing is under way any more.
func (e *Engine) runOutbox(ctx context.Context) {
	if e.db.Single() { // nobody else can be sending: what a killed process began goes out now, not when its lease ends
		err := e.db.Write(ctx, func(tx *store.DB) error { return tx.ReleaseLetters(ctx) })
		if err != nil && ctx.Err() == nil {
			e.log.Error("take letters up again", "err", err)
		}
	}
	e.carryLetters(ctx)
}

// carryLetters is the worker.
func (e *Engine) carryLetters(ctx context.Context) {
	var under sync.WaitGroup
	defer under.Wait()
	busy := make(chan struct{}, letterSenders)
	for {
		rows, err := e.claim(ctx, letterSenders-len(busy))
		if err != nil && ctx.Err() == nil {
			e.log.Error("look for letters", "err", err)
		}
		for _, row := range rows {
			busy <- struct{}{}
			under.Go(func() {
				defer func() { <-busy; e.outbox.ring() }()
				e.deliver(ctx, row)
			})
		}
		select {
		case <-ctx.Done():
			return
		case <-e.outbox.wake:
		case <-time.After(letterPoll):
		}
	}
}

// claim takes up to so many letters that are due, for this process alone.
func (e *Engine) claim(ctx context.Context, most int) ([]store.Sealed[*hecate.Letter], error) {
	if most < 1 {
		return nil, nil
	}
	due, err := e.db.NextLetter(ctx) // a read: an empty outbox costs no write
	if errors.Is(err, hecate.NotFound) || err == nil && due.After(e.now()) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var rows []store.Sealed[*hecate.Letter]
	err = e.db.Write(ctx, func(tx *store.DB) error {
		if err := tx.Lock(ctx, outboxLock); err != nil {
			return err
		}
		now := e.stamp()
		var err error
		rows, err = tx.ClaimLetters(ctx, e.outbox.owner, now, now.Add(letterLease), most)
		return err
	})
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// deliver sends one letter that this process has claimed, and stores how it went.
func (e *Engine) deliver(ctx context.Context, row store.Sealed[*hecate.Letter]) {
	err := e.post(ctx, row)
	l := row.Row
	attrs := []any{"letter", l.Name, "to", l.Address, "app", l.App, "attempts", l.Attempts}
	if err != nil {
		attrs = append(attrs, "err", err)
	}
	// How it went must be stored also while the server stops.
	storing, cancel := context.WithTimeout(context.WithoutCancel(ctx), letterGrace)
	defer cancel()
	var stored error
	switch wait := e.delay(l.Attempts); {
	case err == nil:
		stored = e.endLetter(storing, l, hecate.LetterSent, "")
	case ctx.Err() != nil: // interrupted: whoever comes next tries at once
		stored = e.delayLetter(storing, l, e.now(), "")
	case mail.IsRefused(err) || !e.now().Add(wait).Before(l.ExpiresAt):
		e.log.Error("a letter could not be sent and is given up", attrs...)
		stored = e.failLetter(storing, l, reason(err))
	default:
		e.log.Warn("a letter could not be sent and is tried again", append(attrs, "after", wait.Round(time.Second))...)
		stored = e.delayLetter(storing, l, e.now().Add(wait), reason(err))
	}
	switch {
	case errors.Is(stored, errLetterLost):
		e.log.Warn("store how a letter went", append(attrs, "store", stored)...)
	case stored != nil:
		e.log.Error("store how a letter went", append(attrs, "store", stored)...)
	}
}

// errLetterLost says that a letter is no longer this process's to speak of.
var errLetterLost = errors.New("its lease has ended, or its app is gone")

// reason is what went wrong with a letter, in one line: mail servers say what they like, and people read it on terminals.
func reason(err error) string {
	text := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(err.Error(), "?"))
	if len(text) > maxLetterError {
		text = strings.ToValidUTF8(text[:maxLetterError], "")
	}
	return text
}

func (e *Engine) endLetter(ctx context.Context, l *hecate.Letter, s hecate.LetterState, reason string) error {
	return e.storeLetter(ctx, func(tx *store.DB) (bool, error) {
		return tx.EndLetter(ctx, l.App, l.ID, e.outbox.owner, s, reason)
	})
}

// failLetter keeps what the letter says, for whoever asks for it once more; but not a PIN, which has no end.
func (e *Engine) failLetter(ctx context.Context, l *hecate.Letter, reason string) error {
	if l.Name == letterPIN {
		return e.endLetter(ctx, l, hecate.LetterFailed, reason)
	}
	return e.storeLetter(ctx, func(tx *store.DB) (bool, error) {
		return tx.FailLetter(ctx, l.App, l.ID, e.outbox.owner, reason)
	})
}

func (e *Engine) delayLetter(ctx context.Context, l *hecate.Letter, until time.Time, reason string) error {
	return e.storeLetter(ctx, func(tx *store.DB) (bool, error) {
		return tx.DelayLetter(ctx, l.App, l.ID, e.outbox.owner, until, reason)
	})
}

// storeLetter returns errLetterLost where that is so: the letter may go out twice, under one Message-ID.
func (e *Engine) storeLetter(ctx context.Context, change func(tx *store.DB) (bool, error)) error {
	return e.db.Write(ctx, func(tx *store.DB) error {
		mine, err := change(tx)
		if err == nil && !mine {
			err = errLetterLost
		}
		return err
	})
}

// delay is how long a letter waits after so many attempts: twice as long each time, a quarter more or less, so that many letters
// that failed together do not come back together.
func (e *Engine) delay(attempts int) time.Duration {
	d := lastDelay
	if attempts < 16 {
		d = min(firstDelay<<max(attempts-1, 0), lastDelay)
	}
	var b [1]byte
	if _, err := e.rand.Read(b[:]); err != nil {
		return d
	}
	return d*3/4 + d/2*time.Duration(b[0])/255
}

// post hands a letter to mail.
func (e *Engine) post(ctx context.Context, row store.Sealed[*hecate.Letter]) error {
	l, err := e.unsealedLetter(ctx, row)
	if err != nil {
		return err
	}
	if e.mail == nil {
		e.log.Info("no mail is set up, so a letter was not sent", "letter", l.Name, "to", l.To)
		return nil
	}
	// What is under way when the server stops gets a moment to finish: broken off, it would have to go out again.
	sending, cancel := context.WithTimeout(context.WithoutCancel(ctx), letterSendTime)
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		last := time.AfterFunc(letterGrace, cancel)
		context.AfterFunc(sending, func() { last.Stop() })
	})
	defer stop()
	return withoutSecrets(e.mail.Send(sending, l), l)
}

// withoutSecrets takes a letter's link and ticket out of what a mail server said of it: some quote what they refuse.
func withoutSecrets(err error, l mail.Letter) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	for _, s := range []string{l.Link.Reveal(), l.Secret.Reveal(), l.Fields["code"]} {
		if s != "" {
			text = strings.ReplaceAll(text, s, "…")
		}
	}
	switch {
	case text == err.Error():
		return err
	case mail.IsRefused(err):
		return &mail.Refused{Err: errors.New(strings.TrimPrefix(text, "refused: "))}
	}
	return errors.New(text)
}

// unsealedLetter is a letter with what is known only now: the app's templates, and how the recipient is called.
func (e *Engine) unsealedLetter(ctx context.Context, row store.Sealed[*hecate.Letter]) (mail.Letter, error) {
	none := mail.Letter{}
	s, err := e.openLetter(row)
	if err != nil {
		return none, &mail.Refused{Err: err}
	}
	l := mail.Letter{
		Name: row.Row.Name, To: s.To, Fields: s.Fields, Secret: secretOf(s.Ticket), Link: secretOf(s.Link), ID: string(row.Row.ID),
		Language: s.Language, Subject: s.Subject,
	}
	if row.Row.App == "" {
		return l, nil
	}
	app, err := e.AppByID(ctx, row.Row.App)
	if errors.Is(err, hecate.NoApp) {
		return none, &mail.Refused{Err: err}
	}
	if err != nil {
		return none, err
	}
	l.App, l.Settings = app.Name, app.Settings.Mail
	if row.Row.User == "" {
		return l, nil
	}
	return l, e.addressee(ctx, app.ID, row.Row.User, &l)
}

// openLetter is what a row keeps sealed.
func (e *Engine) openLetter(row store.Sealed[*hecate.Letter]) (sealedLetter, error) {
	var s sealedLetter
	text, err := e.keys.Open(row.Sealed, letterContext(row.Row.App, row.Row.ID))
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("read a letter: %w", err)
	}
	return s, nil
}

func secretOf(text string) hecate.Secret {
	if text == "" {
		return hecate.Secret{}
	}
	return hecate.NewSecret(text)
}

// addressee fills in what a user's profile says of his name and language.
func (e *Engine) addressee(ctx context.Context, app hecate.AppID, user hecate.UserID, l *mail.Letter) error {
	profiles, err := e.profiles(ctx, e.db, app, []hecate.UserID{user})
	if err != nil {
		return err
	}
	profile := profiles[user]
	if profile == nil {
		return nil
	}
	text := func(names ...string) string {
		for _, name := range names {
			if v, ok := profile.Values[name].(string); ok && v != "" {
				return v
			}
		}
		return ""
	}
	if l.Fields["name"] == "" {
		l.Fields["name"] = text("name", "display_name", "first_name")
	}
	if l.Language == "" {
		l.Language = profile.Language()
	}
	return nil
}

// newOwner names this process in leases.
func newOwner(e *Engine) string {
	text, err := secret.Token(e.rand, 16)
	if err != nil { // without randomness nothing works; the time at least keeps two starts apart
		return strconv.FormatInt(time.Now().UnixNano(), 36)
	}
	return text
}

func (e *Engine) sweepLetters(ctx context.Context, tx *store.DB) (int64, error) {
	now := e.now()
	return tx.SweepLetters(ctx, now.Add(-letterKept), now.Add(-failureKept), sweepBatch)
}
