package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hecate"
	"hecate/internal/store"
)

// Where an app hides who has an account, a stranger's sign-up is answered alike whether his names are free or not (docs/adr/0015): if they are he is
// made, if not a letter tells his address. Where the app confirms sign-ups too, nobody is made: all that he brings waits, sealed, in the ticket of
// a letter to his address, and whoever reads it makes the user: Join. Where a name is taken the letter says that instead. What is stored is the
// same then, and nothing that is asked later can tell, since there is no user either way.

// JoinTicket is the purpose of the tickets that make users.
const JoinTicket = "join"

const joinLife = 3 * 24 * time.Hour

// The letters to an address with which somebody signs up in vain, see mail.Names.
const (
	letterKnown = "known"
	letterTaken = "taken"
)

// joining is what a sign-up brings, until it is confirmed.
type joining struct {
	User         hecate.User
	Hash, PIN    string          `json:",omitempty"`
	Values       json.RawMessage // of the profile
	Access       hecate.Access
	Extra        hecate.Extra `json:",omitempty"`
	Letters      []UserLetter `json:",omitempty"`
	Dialect      string
	NotActivated bool // somebody else still has to let him in
	Arrives      bool
}

// HidesUsers reports whether the actor may not learn who has an account in his app. Whoever manages its users is told the truth.
func HidesUsers(actor *hecate.Actor) bool {
	return actor.App != nil && actor.App.Settings.HideAccountExistence && !actsForAll(actor, hecate.Manage)
}

// ConfirmsSignUps reports whether who signs up by that actor is made only when he has confirmed his address.
func ConfirmsSignUps(actor *hecate.Actor) bool {
	return HidesUsers(actor) && actor.App.Settings.ConfirmSignUps
}

// joins reports whether a sign-up is answered without a word about what is taken. Somebody without names and password, of whom there may be any
// number, would learn nothing.
func joins(actor *hecate.Actor, in *CreateUserInput) bool {
	return HidesUsers(actor) && !in.nameless(&actor.App.Settings)
}

// nameless reports whether a new user has nothing by which he could be known.
func (in *CreateUserInput) nameless(s *hecate.Settings) bool {
	named := func(field string) bool { return in.Profile.Values[field] != nil }
	return in.Username == "" && in.Email == "" && in.Password.IsZero() &&
		!slices.ContainsFunc(ownKeys(s), func(fields []string) bool { return slices.ContainsFunc(fields, named) })
}

// checkHidden refuses what a stranger may not sign up with where accounts are hidden, before anything is looked up: the truth goes to his address,
// and he would learn of other addresses by taking them for usernames. Kinds: Invalid on "email" or "username".
func (in *CreateUserInput) checkHidden(op string) error {
	if in.Email == "" {
		return hecate.E(hecate.Invalid, op).On("email").Says("is needed: a letter with a link goes there")
	}
	return usernameOfHis(op, in.Username, in.Email)
}

// usernameOfHis refuses an address as a username that is not the user's own. Kinds: Invalid on "username".
func usernameOfHis(op, username, email string) error {
	if strings.Contains(username, "@") && FoldLogin(username) != FoldLogin(email) {
		return hecate.E(hecate.Invalid, op).On("username").Says("may be no address other than the user's own")
	}
	return nil
}

// askToJoin takes a sign-up in whose answer tells nothing. What it returns looks like a user who was made; if none was, his tokens open nothing.
func (e *Engine) askToJoin(ctx context.Context, actor *hecate.Actor, app *hecate.App, in newcomer, op string) (*UserDetail, hecate.Secret, error) {
	none, confirmed := hecate.Secret{}, ConfirmsSignUps(actor)
	if err := in.check(op, app.Settings.Password); err != nil {
		return nil, none, err
	}
	if confirmed {
		if err := in.checkHidden(op); err != nil {
			return nil, none, err
		}
	}
	defer evenly(ctx)()
	n, err := e.prepare(ctx, app, in, op)
	if err != nil {
		return nil, none, err
	}
	d := &UserDetail{User: n.user, Awaited: true}
	if d.Token, err = e.unseal(n.sessions[0].Sealed, sessionContext(app.ID, n.user.ID)); err != nil {
		return nil, none, err
	}
	if confirmed {
		n.user.Activated, n.user.EmailVerified = false, false
	}
	err = e.db.Write(ctx, func(tx *store.DB) error {
		d.Profile, err = e.askWithin(ctx, tx, actor, app, n, op)
		return err
	})
	if err != nil {
		return nil, none, err
	}
	return d, n.token, nil
}

// askWithin tries, inside a write, what would be done, undoes it, and queues the letter that says how it went.
func (e *Engine) askWithin(ctx context.Context, tx *store.DB, actor *hecate.Actor, app *hecate.App, n prepared, op string) (*hecate.Record, error) {
	var err error
	if n.Profile, err = e.shapeProfile(ctx, tx, actor, app, n.newcomer); err != nil {
		return nil, err
	}
	if n.user.Seq, err = tx.NextSerial(ctx, app.ID, "users"); err != nil { // not undone: no number is told twice
		return nil, err
	}
	holder, err := tx.Identity(ctx, app.ID, hecate.EmailIdentity, FoldLogin(n.user.Email))
	if err != nil && !errors.Is(err, hecate.NotFound) {
		return nil, err
	}
	profile, takenField, err := e.tryNewcomer(ctx, tx, app, n, op)
	if err != nil {
		return nil, err
	}
	if holder.User != "" {
		takenField = emailField
	}
	if !ConfirmsSignUps(actor) {
		return profile, e.makeOrTell(ctx, tx, actor, app, n, profile.Language(), takenField, holder.User, op)
	}
	if err := e.sendJoin(ctx, tx, app, n, profile, takenField, holder.User); err != nil {
		return nil, err
	}
	return profile, e.record(ctx, tx, actor, app.ID, "ask to join", string(hecate.SubjectUser(n.user.ID)))
}

// errTried undoes what was only tried.
var errTried = errors.New("it could be done")

// tryNewcomer makes a user and undoes it. taken is the field in whose way somebody else is; the profile is the same either way.
func (e *Engine) tryNewcomer(ctx context.Context, tx *store.DB, app *hecate.App, n prepared, op string) (profile *hecate.Record, taken string, err error) {
	err = tx.Try(ctx, func() error {
		if err := e.insertUser(ctx, tx, n.user, n.hash, op); err != nil {
			return err
		}
		named := e.insertNames(ctx, tx, n.user, op)
		if named != nil && !errors.Is(named, hecate.Exists) {
			return named
		}
		if err := e.settle(ctx, tx, app, n, op); err != nil {
			return err
		}
		var err error
		profile, err = e.createProfile(ctx, tx, app, n.user, n.Profile)
		switch {
		case err != nil && !errors.Is(err, hecate.Exists):
			return inProfile(err)
		case named != nil:
			return named
		case err != nil:
			return err
		}
		return errTried
	})
	switch {
	case errors.Is(err, errTried):
		return profile, "", nil
	case errors.Is(err, hecate.Exists) && profile != nil:
		return profile, hecate.Detail(err).Field, nil
	}
	return nil, "", err
}

// makeOrTell makes the user at once where nothing is in his way; where something is, it goes to his address.
func (e *Engine) makeOrTell(ctx context.Context, tx *store.DB, actor *hecate.Actor, app *hecate.App, n prepared, language, takenField string,
	holder hecate.UserID, op string,
) error {
	if takenField == "" {
		return e.insertNewcomer(ctx, tx, actor, app, n, op)
	}
	if n.user.Email != "" {
		if _, err := e.queue(ctx, tx, inVain(app, n.user, language, takenField, holder)); err != nil {
			return err
		}
	}
	return e.record(ctx, tx, actor, app.ID, op, "")
}

// inVain is the letter to an address with which somebody signed up though a name of his was taken.
func inVain(app *hecate.App, u *hecate.User, language, takenField string, holder hecate.UserID) outgoing {
	out := outgoing{Mailing: Mailing{Letter: letterTaken, Language: language}, app: app, to: u.Email, fields: map[string]string{"what": takenField}}
	if takenField == emailField {
		out.Mailing, out.fields, out.user = Mailing{Letter: letterKnown}, nil, &hecate.User{ID: holder, App: app.ID}
	}
	return out
}

// sendJoin queues the letter about a sign-up, and stores the ticket that it carries, or one that is of no use.
func (e *Engine) sendJoin(ctx context.Context, tx *store.DB, app *hecate.App, n prepared, profile *hecate.Record, takenField string, holder hecate.UserID) error {
	t, clear, err := e.newTicket(app.ID, JoinTicket, joinLife)
	if err != nil {
		return err
	}
	t.User, t.Address, t.About = n.user.ID, n.user.Email, emailField
	out := outgoing{Mailing: Mailing{Letter: letterActivate, Link: strings.ReplaceAll(e.joinPage, "{app}", string(app.ID)), Language: profile.Language()}, app: app, to: n.user.Email}
	out.ticket, out.clear, out.fields = t, clear, map[string]string{"username": n.user.Username}
	if takenField != "" {
		out = inVain(app, n.user, profile.Language(), takenField, holder)
	}
	full, err := e.queue(ctx, tx, out)
	if err != nil {
		return err
	}
	hash := e.lookup(clear)
	if full || takenField != "" {
		_, hash = e.useless(app, n.user.Email, clear)
	}
	sealed, err := e.sealJoining(t, n, profile)
	if err != nil {
		return err
	}
	return tx.InsertJoin(ctx, store.Sealed[*hecate.Ticket]{Row: t, Hash: hash, Sealed: sealed})
}

func joinContext(t *hecate.Ticket) string { return "join:" + string(t.App) + "/" + string(t.ID) }

func (e *Engine) sealJoining(t *hecate.Ticket, n prepared, profile *hecate.Record) (string, error) {
	values, err := store.Document(profile.Values).Encode()
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(joining{
		User: *n.user, Hash: n.hash, PIN: n.pin, Values: json.RawMessage(values), Access: profile.Access, Extra: profile.Extra,
		Letters: n.Letters, Dialect: n.Dialect, NotActivated: n.NotActivated, Arrives: n.arrives,
	})
	if err != nil {
		return "", fmt.Errorf("seal a sign-up: %w", err)
	}
	return e.keys.Seal(text, joinContext(t))
}

// heldJoin finds the sign-up of a ticket that counts. Kinds: BadToken, Expired.
func (e *Engine) heldJoin(ctx context.Context, app *hecate.App, ticket hecate.Secret, op string) (*joining, error) {
	row, err := e.db.Join(ctx, app.ID, e.lookup(ticket), JoinTicket)
	if errors.Is(err, hecate.NotFound) {
		return nil, hecate.E(hecate.BadToken, op).On("token")
	}
	if err != nil {
		return nil, err
	}
	if !e.now().Before(row.Row.ExpiresAt) {
		return nil, hecate.E(hecate.Expired, op).On("token")
	}
	text, err := e.keys.Open(row.Sealed, joinContext(row.Row))
	if err != nil {
		return nil, fmt.Errorf("open a sign-up: %w", err)
	}
	var j joining
	if err := json.Unmarshal(text, &j); err != nil {
		return nil, fmt.Errorf("read a sign-up: %w", err)
	}
	return &j, nil
}

// CheckJoin finds the sign-up of a ticket that counts, and uses nothing up. Kinds: BadToken, Expired.
func (e *Engine) CheckJoin(ctx context.Context, app *hecate.App, ticket hecate.Secret) (*UserDetail, error) {
	j, err := e.heldJoin(ctx, app, ticket, "check join")
	if err != nil {
		return nil, err
	}
	n, err := e.joined(app, j)
	if err != nil {
		return nil, err
	}
	return &UserDetail{User: n.user, Profile: &hecate.Record{Values: n.Profile.Values}, Awaited: true}, nil
}

// Join makes the user of a sign-up that was to be confirmed, by the ticket of its letter. His address is proved. Who took one of his names meanwhile
// keeps it. Kinds: BadToken, Expired; Exists on "username", "email" or "profile.<field>"; Invalid where the app's profiles have changed.
func (e *Engine) Join(ctx context.Context, app *hecate.App, ticket hecate.Secret) (*UserDetail, error) {
	const op = "join"
	j, err := e.heldJoin(ctx, app, ticket, op)
	if err != nil {
		return nil, err
	}
	n, err := e.joined(app, j)
	if err != nil {
		return nil, err
	}
	err = e.db.Write(ctx, func(tx *store.DB) error {
		was, err := tx.TakeTicket(ctx, app.ID, e.lookup(ticket), JoinTicket)
		if err != nil {
			return err
		}
		if !was { // somebody was quicker
			return hecate.E(hecate.BadToken, op).On("token")
		}
		return e.insertNewcomer(ctx, tx, asUser(app, n.user), app, n, op)
	})
	if err != nil {
		return nil, err
	}
	return e.detail(ctx, app.ID, n.user.ID)
}

// joined is a sign-up that has been confirmed, ready to be stored.
func (e *Engine) joined(app *hecate.App, j *joining) (prepared, error) {
	u := j.User
	u.Activated, u.EmailVerified, u.UpdatedAt = !j.NotActivated, true, e.stamp()
	if j.Hash != "" {
		u.PasswordChangedAt = u.UpdatedAt
	}
	n := prepared{user: &u, hash: j.Hash}
	values, err := store.DecodeDocument(string(j.Values))
	if err != nil {
		return n, err
	}
	n.Profile = RecordInput{Values: hecate.Values(values), Extra: j.Extra, Access: func(hecate.Access, hecate.Permissions) (hecate.Access, error) { return j.Access, nil }}
	n.pin, n.Dialect, n.arrives = j.PIN, j.Dialect, j.Arrives
	n.Letters = slices.DeleteFunc(j.Letters, func(l UserLetter) bool { return l.Ticket == VerifyTicket && keyOf(l.About) == emailField })
	standing, _, err := e.standing(app.ID, u.ID, j.Dialect)
	n.sessions = []store.Sealed[*hecate.Session]{standing}
	return n, err
}
