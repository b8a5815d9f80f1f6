package engine

import (
	"context"
	"errors"
	"strings"

	"hecate"
	"hecate/internal/secret"
	"hecate/internal/store"
)

// adminsLock serialises what makes admin accounts unique.
const adminsLock = "admins"

// AuthenticateAdmin resolves an admin's own key or token outside any app.
// Kinds: Unauthenticated when nothing was presented, BadKey, BadToken, Expired, UserDisabled.
func (e *Engine) AuthenticateAdmin(ctx context.Context, p hecate.Proof) (*hecate.Actor, error) {
	const op = "authenticate"
	a := &hecate.Actor{Subjects: []hecate.Subject{hecate.Public}}
	switch {
	case !p.Key.IsZero():
		if err := e.presentAdminKey(ctx, a, e.lookup(p.Key)); err != nil {
			return nil, err
		}
		return a, nil
	case p.Token.IsZero():
		return nil, hecate.E(hecate.Unauthenticated, op)
	}
	s, err := e.session(ctx, "", e.lookup(p.Token))
	if errors.Is(err, hecate.NotFound) || err == nil && s.Principal != hecate.AdminPrincipal {
		return nil, hecate.E(hecate.BadToken, op)
	}
	if err != nil {
		return nil, err
	}
	if s.Expired(e.now()) {
		return nil, hecate.E(hecate.Expired, op)
	}
	admin, err := e.db.Admin(ctx, s.Admin)
	if errors.Is(err, hecate.NotFound) {
		return nil, hecate.E(hecate.BadToken, op)
	}
	if err != nil {
		return nil, err
	}
	a.Session = s
	if err := e.actAsAdmin(ctx, a, &admin.Admin); err != nil {
		return nil, err
	}
	return a, nil
}

// RegisterAdminInput describes a new admin account.
type RegisterAdminInput struct {
	Email, Username, Name, FirstName, LastName string
	Password                                   hecate.Secret
	InvitationKey                              hecate.Secret // gives its role at once
	Properties                                 map[string]any
	AccountKey                                 hecate.Secret   // given by the operator (apply); else generated
	Activated                                  bool            // only the operator and the setup link say so
	Mailing                                    Mailing         // of the letter that activates
	MinPassword                                int             // bytes that the password has at least; 0: one
	vouched                                    hecate.Awaiting // what somebody else speaks for
	RandomPassword                             bool            // without a password there is one that nobody learns, instead of an error
}

func (in *RegisterAdminInput) check(op string) error {
	return errors.Join(checkEmail(op, "email", in.Email), checkAdminNames(op, in.Username, in.Name, in.FirstName, in.LastName))
}

// checkAdminNames checks the names in that order; none of them is required.
func checkAdminNames(op string, names ...string) error {
	for i, field := range []string{"username", "name", "first_name", "last_name"} {
		if err := checkText(op, field, names[i], 0, maxName); err != nil {
			return err
		}
	}
	return nil
}

// AdminDetail is an admin with the account key that shows to nobody else.
type AdminDetail struct {
	Admin *hecate.Admin
	Key   hecate.Secret
}

func adminContext(id hecate.AdminID) string { return "admin:" + string(id) }

func (e *Engine) adminDetail(a *store.AdminSecrets) (*AdminDetail, error) {
	key, err := e.unseal(a.KeySealed, adminContext(a.ID))
	return &AdminDetail{Admin: &a.Admin, Key: key}, err
}

// newAdmin is an admin who is ready to be stored.
type newAdmin struct {
	store.AdminSecrets
	key        hecate.Secret
	invitation hecate.Secret
	ticket     *hecate.Ticket // that activates him; nil when he is active
	mailing    Mailing
	clear      hecate.Secret
}

func (n *newAdmin) detail() *AdminDetail { return &AdminDetail{Admin: &n.Admin, Key: n.key} }

// newAdmin checks the input and prepares the account. An empty password is no password, which only the operator may give.
func (e *Engine) newAdmin(ctx context.Context, actor *hecate.Actor, in RegisterAdminInput, op string) (*newAdmin, error) {
	system := actor != nil && actor.Kind == hecate.SystemActor
	if err := in.check(op); err != nil {
		return nil, err
	}
	if in.Activated && !system {
		return nil, hecate.E(hecate.Forbidden, op).Says("only the operator activates accounts")
	}
	if in.RandomPassword && in.Password.IsZero() {
		text, err := secret.Token(e.rand, generatedPassword)
		if err != nil {
			return nil, err
		}
		in.Password = hecate.NewSecret(text)
	}
	if err := checkPassword(op, "password", hecate.PasswordPolicy{}, max(1, in.MinPassword), in.Password); err != nil {
		return nil, err
	}
	if err := checkProperties(op, in.Properties); err != nil {
		return nil, err
	}
	hash, err := e.adminPassword(ctx, in.Password, op, "password")
	if err != nil {
		return nil, err
	}
	return e.prepareAdmin(actor, in, hash, op)
}

// prepareAdmin prepares the account of a checked input; an empty hash is no password.
func (e *Engine) prepareAdmin(actor *hecate.Actor, in RegisterAdminInput, hash, op string) (*newAdmin, error) {
	n := &newAdmin{invitation: in.InvitationKey, mailing: in.Mailing}
	n.Password = hash
	var err error
	if n.key, err = e.givenKey(actor, in.AccountKey, evenDigit, op); err != nil {
		return nil, err
	}
	id, err := e.newID()
	if err != nil {
		return nil, err
	}
	n.Admin = hecate.Admin{
		ID: hecate.AdminID(id), Email: FoldLogin(in.Email), Username: in.Username, Name: in.Name, FirstName: in.FirstName, LastName: in.LastName,
		Activated: in.Activated, HasPassword: n.Password != "", Properties: in.Properties, CreatedAt: e.stamp(),
	}
	n.UpdatedAt, n.Awaits = n.CreatedAt, e.awaitsOf(actor, &in)
	n.KeyHash = e.lookup(n.key)
	if n.KeySealed, err = e.seal(n.key, adminContext(n.ID)); err != nil {
		return nil, err
	}
	if !n.Activated {
		n.ticket, n.clear, err = e.adminTicket(&n.Admin, ticketActivate)
	}
	return n, err
}

// adminPassword hashes an admin's new password. Kinds: Invalid and TooLarge on the field.
func (e *Engine) adminPassword(ctx context.Context, password hecate.Secret, op, field string) (string, error) {
	if err := checkPassword(op, field, hecate.PasswordPolicy{}, 1, password); err != nil {
		return "", err
	}
	return e.hasher.Hash(ctx, password.Reveal())
}

// insertAdmin stores a new admin, who takes his invitation with him. The caller holds adminsLock.
func (e *Engine) insertAdmin(ctx context.Context, tx *store.DB, actor *hecate.Actor, n *newAdmin, op string) error {
	if err := e.adminNamesFree(ctx, tx, &n.Admin, op); err != nil {
		return err
	}
	if err := keyFree(ctx, tx, n.KeyHash, op); err != nil {
		return err
	}
	var err error
	if n.Seq, err = tx.NextSerial(ctx, "", "admins"); err != nil {
		return err
	}
	if err := tx.InsertAdmin(ctx, &n.AdminSecrets); err != nil {
		return err
	}
	if n.ticket != nil {
		if _, err := e.sendAdmin(ctx, tx, letterActivate, &n.Admin, n.ticket, n.clear, n.mailing); err != nil {
			return err
		}
	}
	if n.Awaits == hecate.AwaitsApproval { // else the operators are asked once the address is confirmed
		if err := e.requestAdmin(ctx, tx, &n.Admin); err != nil {
			return err
		}
	}
	if !n.invitation.IsZero() {
		if err := e.accept(ctx, tx, actor, n.ID, n.invitation, op, "invitation_key"); err != nil {
			return err
		}
	}
	return e.record(ctx, tx, actor, "", op, "admin:"+string(n.ID))
}

// keyFree refuses an account key that somebody or some app has.
func keyFree(ctx context.Context, tx *store.DB, hash, op string) error {
	if used, err := tx.IsAccountKey(ctx, hash); err != nil || used {
		return taken(err, op, "account_key")
	}
	if used, err := tx.IsAPIKey(ctx, hash); err != nil || used {
		return taken(err, op, "account_key")
	}
	return nil
}

// adminNamesFree compares with all other admins. Kinds: Exists on "email" or "username".
func (e *Engine) adminNamesFree(ctx context.Context, tx *store.DB, a *hecate.Admin, op string) error {
	if used, err := tx.AdminEmailTaken(ctx, a.Email, a.ID); err != nil || used {
		return taken(err, op, "email")
	}
	if a.Username == "" {
		return nil
	}
	if used, err := tx.AdminUsernameTaken(ctx, a.Username, a.ID); err != nil || used {
		return taken(err, op, "username")
	}
	return nil
}

// RegisterAdmin makes an admin account and queues the activation letter. Kinds: Forbidden when registration is closed and no invitation was
// given, Invalid on "email" or "password", Exists on "email" or "username", NotFound on "invitation_key".
func (e *Engine) RegisterAdmin(ctx context.Context, actor *hecate.Actor, in RegisterAdminInput) (*AdminDetail, error) {
	const op = "register admin"
	invitation, err := e.mayRegister(ctx, actor, in.InvitationKey, op)
	if err != nil {
		return nil, err
	}
	in.vouched = vouchedBy(invitation, in.Email)
	n, err := e.newAdmin(ctx, actor, in, op)
	if err != nil {
		return nil, err
	}
	err = e.db.Write(ctx, func(tx *store.DB) error {
		if err := tx.Lock(ctx, adminsLock); err != nil {
			return err
		}
		return e.insertAdmin(ctx, tx, actor, n, op)
	})
	if err != nil {
		return nil, err
	}
	return n.detail(), nil
}

// mayRegister is the door for new admins; it returns the invitation by which one comes, if he does. One that does not count is refused
// before a hash is paid for.
func (e *Engine) mayRegister(ctx context.Context, actor *hecate.Actor, invitation hecate.Secret, op string) (*hecate.Invitation, error) {
	if !invitation.IsZero() {
		row, err := e.db.InvitationByKey(ctx, e.lookup(invitation))
		if err == nil && row.Row.State != hecate.InvitationNew {
			err = hecate.NotFound
		}
		return row.Row, missing(err, op, "invitation_key")
	}
	if e.open || actor != nil && actor.Kind == hecate.SystemActor {
		return nil, nil
	}
	e.refused(actor, "", op, "", "registration is closed")
	return nil, hecate.E(hecate.Forbidden, op).Says("registration is closed")
}

// sendAdmin queues a letter to an admin, and stores the ticket that it carries, if it carries one.
func (e *Engine) sendAdmin(ctx context.Context, tx *store.DB, name string, a *hecate.Admin, t *hecate.Ticket, clear hecate.Secret, m Mailing) (full bool, err error) {
	if t != nil {
		if err := tx.InsertTicket(ctx, t, e.lookup(clear)); err != nil {
			return false, err
		}
	}
	if m.Letter == "" {
		m.Letter = name
	}
	return e.queue(ctx, tx, outgoing{
		Mailing: m, to: a.Email, admin: a.ID, ticket: t, clear: clear,
		fields: map[string]string{"uid": AdminUID(a), "name": a.Name, "username": a.Username},
	})
}

// LoginAdmin checks an admin's password, by address or username, at the same
// cost for unknown ones. Kinds: UnknownUser, WrongPassword, TooMany, and with the right password those of adminMayAct.
func (e *Engine) LoginAdmin(ctx context.Context, login string, password hecate.Secret) (*AdminDetail, error) {
	l, err := e.checkAdminLogin(ctx, login, password)
	if err != nil {
		return nil, err
	}
	if err := e.completeAdminLogin(ctx, l, nil); err != nil {
		return nil, err
	}
	return e.adminDetail(l.AdminSecrets)
}

// checkedAdmin is an admin whose password was right.
type checkedAdmin struct {
	*store.AdminSecrets
	rehashed string // a better hash of the same password, or ""
}

// loginAdmin is the verb of an admin's login in events.
const loginAdmin = "login admin"

func (e *Engine) checkAdminLogin(ctx context.Context, login string, password hecate.Secret) (checkedAdmin, error) {
	const op = loginAdmin
	var none checkedAdmin
	a, err := e.adminByLogin(ctx, login)
	if err != nil && !errors.Is(err, hecate.NotFound) {
		return none, err
	}
	hash := ""
	if a != nil {
		hash = a.Password
	}
	if len(password.Reveal()) > maxPassword {
		password = hecate.Secret{}
	}
	ok, rehash, err := e.hasher.Verify(ctx, hash, password.Reveal())
	if err != nil {
		return none, err
	}
	if a == nil {
		e.refused(nil, "", op, "", "unknown admin")
		return none, hecate.E(hecate.UnknownUser, op)
	}
	subject := "admin:" + string(a.ID)
	if !ok {
		e.refused(nil, "", op, subject, "wrong password")
		return none, hecate.E(hecate.WrongPassword, op)
	}
	if err := e.adminMayAct(&a.Admin, op); err != nil { // whoever does not know the password learns nothing of it
		e.refused(nil, "", op, subject, hecate.KindOf(err).Error())
		return none, err
	}
	l := checkedAdmin{AdminSecrets: a}
	if rehash {
		l.rehashed, err = e.hasher.Hash(ctx, password.Reveal())
	}
	return l, err
}

// completeAdminLogin stores the login of an admin whose password was right, with the session that it opens.
func (e *Engine) completeAdminLogin(ctx context.Context, l checkedAdmin, s *store.Sealed[*hecate.Session]) error {
	return e.db.Write(ctx, func(tx *store.DB) error {
		if s != nil {
			if err := e.insertAdminSession(ctx, tx, l, *s); err != nil {
				return err
			}
		}
		if l.rehashed != "" {
			if err := tx.SwapAdminHash(ctx, l.ID, l.Password, l.rehashed); err != nil {
				return err
			}
		}
		return e.record(ctx, tx, nil, "", loginAdmin, "admin:"+string(l.ID))
	})
}

// insertAdminSession stores an admin's session behind a change of his password, not beside it: it must not outlive one. Kinds: WrongPassword, those of adminMayAct.
func (e *Engine) insertAdminSession(ctx context.Context, tx *store.DB, l checkedAdmin, s store.Sealed[*hecate.Session]) error {
	if err := tx.Lock(ctx, adminsLock); err != nil {
		return err
	}
	now, err := tx.Admin(ctx, l.ID)
	if errors.Is(err, hecate.NotFound) || err == nil && now.Password != l.Password {
		return hecate.E(hecate.WrongPassword, loginAdmin)
	}
	if err != nil {
		return err
	}
	if err := e.adminMayAct(&now.Admin, loginAdmin); err != nil {
		return err
	}
	return tx.InsertSession(ctx, s)
}

// adminByLogin finds an admin by address, else by username; nil and NotFound when there is none.
func (e *Engine) adminByLogin(ctx context.Context, login string) (*store.AdminSecrets, error) {
	if checkText("", "", login, 1, maxName) != nil {
		return nil, hecate.NotFound
	}
	a, err := e.db.AdminByEmail(ctx, FoldLogin(login))
	if errors.Is(err, hecate.NotFound) {
		a, err = e.db.AdminByUsername(ctx, login)
	}
	if err != nil {
		return nil, err
	}
	return a, nil
}

// AdminByEmail finds an admin by his address, for the operator. Kinds: Forbidden, NotFound on "email".
func (e *Engine) AdminByEmail(ctx context.Context, actor *hecate.Actor, email string) (*AdminDetail, error) {
	const op = "admin"
	if actor == nil || actor.Kind != hecate.SystemActor {
		return nil, hecate.E(hecate.Forbidden, op)
	}
	a, err := e.db.AdminByEmail(ctx, FoldLogin(email))
	if err != nil {
		return nil, missing(err, op, "email")
	}
	return e.adminDetail(a)
}

// OwnAdmin returns the calling admin. Kinds: Unauthenticated.
func (e *Engine) OwnAdmin(ctx context.Context, actor *hecate.Actor) (*AdminDetail, error) {
	a, err := e.ownAdmin(ctx, actor, "own admin")
	if err != nil {
		return nil, err
	}
	return e.adminDetail(a)
}

// ownAdmin loads the calling admin with his secrets. Kinds: Unauthenticated.
func (e *Engine) ownAdmin(ctx context.Context, actor *hecate.Actor, op string) (*store.AdminSecrets, error) {
	admin, err := anAdmin(actor, op)
	if err != nil {
		return nil, err
	}
	a, err := e.db.Admin(ctx, admin.ID)
	if errors.Is(err, hecate.NotFound) {
		return nil, hecate.E(hecate.Unauthenticated, op)
	}
	return a, err
}

// changeAdmin runs fn inside one write on an admin as he is then, and drops what was cached of him.
func (e *Engine) changeAdmin(ctx context.Context, actor *hecate.Actor, id hecate.AdminID, op string, fn func(tx *store.DB, a *store.AdminSecrets) error) error {
	return e.db.Write(ctx, func(tx *store.DB) error {
		if err := tx.Lock(ctx, adminsLock); err != nil {
			return err
		}
		a, err := tx.Admin(ctx, id)
		if err != nil {
			return missing(err, op, "admin")
		}
		if err := e.forget(ctx, tx, "admins", a.KeyHash, adminIDKey(id)); err != nil {
			return err
		}
		if err := fn(tx, a); err != nil {
			return err
		}
		return e.record(ctx, tx, actor, "", op, "admin:"+string(id))
	})
}

// UpdateAdminInput changes what is not nil.
type UpdateAdminInput struct {
	Email, Username, Name, FirstName, LastName *string
	Metadata                                   map[string]any
	Properties                                 map[string]any
	// KeepTakenEmail leaves the address as it is when another account has it,
	// instead of refusing; the account then needs activation all the same.
	KeepTakenEmail bool
	Mailing        Mailing // of the letter that confirms a new address
	byOperator     bool    // whose word it is, so that nobody waits
}

// UpdateAdmin changes the calling admin's account; a new address must be
// confirmed again. Kinds: Unauthenticated, Invalid, Exists on "email" or "username".
func (e *Engine) UpdateAdmin(ctx context.Context, actor *hecate.Actor, in UpdateAdminInput) (*AdminDetail, error) {
	const op = "update admin"
	own, err := e.ownAdmin(ctx, actor, op)
	if err != nil {
		return nil, err
	}
	if err := checkAdminNames(op, deref(in.Username), deref(in.Name), deref(in.FirstName), deref(in.LastName)); err != nil {
		return nil, err
	}
	if in.Email != nil {
		if err := checkEmail(op, "email", *in.Email); err != nil {
			return nil, err
		}
	}
	ticket, clear, err := e.adminTicket(&own.Admin, ticketActivate)
	if err != nil {
		return nil, err
	}
	var out *store.AdminSecrets
	err = e.changeAdmin(ctx, actor, own.ID, op, func(tx *store.DB, a *store.AdminSecrets) error {
		out = a
		before := a.Admin
		moved, err := e.writeAdminChange(ctx, tx, a, in, op)
		if err != nil || !moved {
			return err
		}
		if before.Email != a.Email {
			if _, err := e.sendAdmin(ctx, tx, letterMoved, &before, nil, hecate.Secret{}, Mailing{}); err != nil {
				return err
			}
		}
		t := *ticket
		t.Address = a.Email
		_, err = e.sendAdmin(ctx, tx, letterActivate, &a.Admin, &t, clear, in.Mailing)
		return err
	})
	if err != nil {
		return nil, err
	}
	return e.adminDetail(out)
}

// writeAdminChange stores a change and reports whether the address has to be confirmed again.
func (e *Engine) writeAdminChange(ctx context.Context, tx *store.DB, a *store.AdminSecrets, in UpdateAdminInput, op string) (moved bool, err error) {
	if in.Email != nil && FoldLogin(*in.Email) != a.Email {
		moved = true
		used, err := tx.AdminEmailTaken(ctx, FoldLogin(*in.Email), a.ID)
		if err != nil || used && !in.KeepTakenEmail {
			return false, taken(err, op, "email")
		}
		if !used {
			a.Email = FoldLogin(*in.Email)
		}
		a.Activated = false
		if !in.byOperator {
			a.Awaits |= e.admission.Admins & hecate.AwaitsConfirmation
		}
		if err := tx.DeleteAdminTickets(ctx, a.ID); err != nil {
			return false, err
		}
	}
	set(&a.Username, in.Username)
	set(&a.Name, in.Name)
	set(&a.FirstName, in.FirstName)
	set(&a.LastName, in.LastName)
	if in.Metadata != nil {
		a.Metadata = in.Metadata
	}
	if in.Properties != nil {
		a.Properties = in.Properties
	}
	if err := e.adminNamesFree(ctx, tx, &a.Admin, op); err != nil {
		return false, err
	}
	a.UpdatedAt = e.stamp()
	return moved, tx.UpdateAdmin(ctx, &a.Admin)
}

// ResetAdminKey replaces the calling admin's account key; the old one is dead at once. Kinds: Unauthenticated.
func (e *Engine) ResetAdminKey(ctx context.Context, actor *hecate.Actor) (*AdminDetail, error) {
	const op = "reset admin key"
	own, err := e.ownAdmin(ctx, actor, op)
	if err != nil {
		return nil, err
	}
	clear, err := e.newKey(evenDigit)
	if err != nil {
		return nil, err
	}
	return e.setAdminKey(ctx, actor, own.ID, clear, op)
}

func (e *Engine) setAdminKey(ctx context.Context, actor *hecate.Actor, id hecate.AdminID, clear hecate.Secret, op string) (*AdminDetail, error) {
	sealed, err := e.seal(clear, adminContext(id))
	if err != nil {
		return nil, err
	}
	hash := e.lookup(clear)
	var out *AdminDetail
	err = e.changeAdmin(ctx, actor, id, op, func(tx *store.DB, a *store.AdminSecrets) error {
		out = &AdminDetail{Admin: &a.Admin, Key: clear}
		if hash == a.KeyHash {
			return nil
		}
		if err := keyFree(ctx, tx, hash, op); err != nil {
			return err
		}
		return tx.SetAdminKey(ctx, id, hash, sealed)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// SetAdminKeyByOperator gives an admin a chosen account key. Kinds: Forbidden, Invalid or Exists on "account_key", NotFound on "admin".
func (e *Engine) SetAdminKeyByOperator(ctx context.Context, actor *hecate.Actor, id hecate.AdminID, key hecate.Secret) (*AdminDetail, error) {
	const op = "set admin key"
	clear, err := e.givenKey(actor, key, evenDigit, op)
	if err != nil {
		return nil, err
	}
	if actor == nil || actor.Kind != hecate.SystemActor {
		return nil, hecate.E(hecate.Forbidden, op)
	}
	return e.setAdminKey(ctx, actor, id, clear, op)
}

// ChangeAdminPassword changes the password of the calling admin. Kinds: Unauthenticated, WrongPassword on "current_password", Invalid on "new_password".
func (e *Engine) ChangeAdminPassword(ctx context.Context, actor *hecate.Actor, current, next hecate.Secret) error {
	const op = "change admin password"
	own, err := e.ownAdmin(ctx, actor, op)
	if err != nil {
		return err
	}
	if len(current.Reveal()) > maxPassword {
		current = hecate.Secret{}
	}
	ok, _, err := e.hasher.Verify(ctx, own.Password, current.Reveal())
	if err != nil {
		return err
	}
	if !ok {
		e.refused(actor, "", op, "admin:"+string(own.ID), "wrong password")
		return hecate.E(hecate.WrongPassword, op).On("current_password")
	}
	if err := e.freshPassword(ctx, own, next, op, "new_password"); err != nil {
		return err
	}
	hash, err := e.adminPassword(ctx, next, op, "new_password")
	if err != nil {
		return err
	}
	return e.changeAdmin(ctx, actor, own.ID, op, func(tx *store.DB, a *store.AdminSecrets) error {
		if a.Password != own.Password && !a.HasPassword {
			return hecate.E(hecate.WrongPassword, op).On("current_password")
		}
		return e.storeAdminPassword(ctx, tx, a.ID, hash)
	})
}

// storeAdminPassword stores a password and ends tickets and sessions that end with the old one.
func (e *Engine) storeAdminPassword(ctx context.Context, tx *store.DB, id hecate.AdminID, hash string) error {
	return e.replaceAdminHash(ctx, tx, id, hash, false)
}

// replaceAdminHash stores a password, and ends tickets and sessions: all of them, or those that end with the old one.
func (e *Engine) replaceAdminHash(ctx context.Context, tx *store.DB, id hecate.AdminID, hash string, all bool) error {
	if err := e.keepPassword(ctx, tx, id); err != nil {
		return err
	}
	if err := tx.SetAdminPassword(ctx, id, hash); err != nil {
		return err
	}
	if err := tx.DeleteAdminTickets(ctx, id); err != nil {
		return err
	}
	return e.endAdminSessions(ctx, tx, id, all)
}

// SetAdminPassword gives a password to a calling admin who has none. Kinds: Unauthenticated, Invalid and Exists on "password".
func (e *Engine) SetAdminPassword(ctx context.Context, actor *hecate.Actor, next hecate.Secret) error {
	const op = "set admin password"
	own, err := e.ownAdmin(ctx, actor, op)
	if err != nil {
		return err
	}
	if own.HasPassword {
		return hecate.E(hecate.Exists, op).On("password")
	}
	hash, err := e.adminPassword(ctx, next, op, "password")
	if err != nil {
		return err
	}
	return e.changeAdmin(ctx, actor, own.ID, op, func(tx *store.DB, a *store.AdminSecrets) error {
		if a.HasPassword {
			return hecate.E(hecate.Exists, op).On("password")
		}
		return e.storeAdminPassword(ctx, tx, a.ID, hash)
	})
}

// SetAdminPasswordByOperator replaces an admin's password unless it is that one already, and reports whether it
// was replaced. Kinds: Forbidden, NotFound on "admin", Invalid on "password".
func (e *Engine) SetAdminPasswordByOperator(ctx context.Context, actor *hecate.Actor, id hecate.AdminID, next hecate.Secret) (bool, error) {
	const op = "set admin password"
	if actor == nil || actor.Kind != hecate.SystemActor {
		return false, hecate.E(hecate.Forbidden, op)
	}
	a, err := e.db.Admin(ctx, id)
	if err != nil {
		return false, missing(err, op, "admin")
	}
	if err := checkPassword(op, "password", hecate.PasswordPolicy{}, 1, next); err != nil {
		return false, err
	}
	if same, _, err := e.hasher.Verify(ctx, a.Password, next.Reveal()); err != nil || same {
		return false, err
	}
	hash, err := e.adminPassword(ctx, next, op, "password")
	if err != nil {
		return false, err
	}
	err = e.changeAdmin(ctx, actor, id, op, func(tx *store.DB, a *store.AdminSecrets) error {
		return e.storeAdminPassword(ctx, tx, id, hash)
	})
	return err == nil, err
}

// AskAdminReset queues a letter with a reset ticket, which may be described. Kinds: NotFound on "email", TooMany.
func (e *Engine) AskAdminReset(ctx context.Context, email string, letter ...Mailing) error {
	const op = "ask admin reset"
	a, err := e.adminOfEmail(ctx, email, op)
	if err != nil {
		return err
	}
	return e.issueAdminTicket(ctx, &a.Admin, ticketAdminReset, letterReset, letter, op)
}

// adminOfEmail finds an admin by his address alone. Kinds: NotFound on "email".
func (e *Engine) adminOfEmail(ctx context.Context, email, op string) (*store.AdminSecrets, error) {
	if checkText(op, "email", email, 1, maxEmail) != nil {
		return nil, hecate.E(hecate.NotFound, op).On("email")
	}
	a, err := e.db.AdminByEmail(ctx, FoldLogin(email))
	return a, missing(err, op, "email")
}

// issueAdminTicket stores a fresh ticket, which ends those before it, and queues its letter.
func (e *Engine) issueAdminTicket(ctx context.Context, a *hecate.Admin, purpose, letter string, described []Mailing, op string) error {
	t, clear, err := e.adminTicket(a, purpose)
	if err != nil {
		return err
	}
	return e.db.Write(ctx, func(tx *store.DB) error {
		if err := tx.DeleteAdminTicketsFor(ctx, a.ID, purpose); err != nil {
			return err
		}
		full, err := e.sendAdmin(ctx, tx, letter, a, t, clear, the(described))
		if err != nil {
			return err
		}
		if full {
			return hecate.E(hecate.TooMany, op).Says("this address has had many letters").After(letterWindow)
		}
		return e.record(ctx, tx, nil, "", op, "admin:"+string(a.ID))
	})
}

// ticketOf finds the admin of a link and checks its ticket. Kinds: NotFound on "uid", BadToken, Expired.
func (e *Engine) ticketOf(ctx context.Context, uid, ticket, purpose, op string) (*store.AdminSecrets, error) {
	a, err := e.adminByUID(ctx, uid, op)
	if err != nil {
		return nil, err
	}
	t, err := e.serverTicket(ctx, e.db, hecate.NewSecret(ticket), purpose, op)
	if err != nil {
		return nil, err
	}
	if t.Admin != a.ID || t.Address != a.Email {
		return nil, hecate.E(hecate.BadToken, op).On("token")
	}
	return a, nil
}

// ConfirmAdminReset sets a new password by a ticket; a password change or use ends the ticket. Every session of the admin ends: who knew
// the old password is out.
// Kinds: NotFound on "uid" when there is no such account, BadToken, Expired, Invalid on "new_password".
func (e *Engine) ConfirmAdminReset(ctx context.Context, uid, ticket string, next hecate.Secret) (*AdminDetail, error) {
	const op = "confirm admin reset"
	a, err := e.ticketOf(ctx, uid, ticket, ticketAdminReset, op)
	if err != nil {
		return nil, err
	}
	if err := e.freshPassword(ctx, a, next, op, "new_password"); err != nil {
		return nil, err
	}
	hash, err := e.adminPassword(ctx, next, op, "new_password")
	if err != nil {
		return nil, err
	}
	return e.useTicket(ctx, a, ticket, ticketAdminReset, op, func(tx *store.DB, a *store.AdminSecrets) error {
		a.HasPassword = true
		return e.replaceAdminHash(ctx, tx, a.ID, hash, true)
	})
}

// useTicket uses a ticket up and runs fn in the same write.
func (e *Engine) useTicket(ctx context.Context, a *store.AdminSecrets, ticket, purpose, op string, fn func(tx *store.DB, a *store.AdminSecrets) error) (*AdminDetail, error) {
	var out *store.AdminSecrets
	err := e.changeAdmin(ctx, nil, a.ID, op, func(tx *store.DB, a *store.AdminSecrets) error {
		out = a
		if err := e.takeServerTicket(ctx, tx, hecate.NewSecret(ticket), purpose, op); err != nil {
			return err
		}
		return fn(tx, a)
	})
	if err != nil {
		return nil, err
	}
	return e.adminDetail(out)
}

// ActivateAdmin confirms an admin's address by a ticket, and queues what letters follow when he may act then: see AdminAwaits. Kinds: NotFound on "uid", BadToken (also when already active), Expired.
func (e *Engine) ActivateAdmin(ctx context.Context, uid, ticket string, then ...Mailing) (*AdminDetail, error) {
	const op = "activate admin"
	a, err := e.ticketOf(ctx, uid, ticket, ticketActivate, op)
	if err != nil {
		return nil, err
	}
	return e.useTicket(ctx, a, ticket, ticketActivate, op, func(tx *store.DB, a *store.AdminSecrets) error {
		if a.Activated {
			return hecate.E(hecate.BadToken, op).On("token")
		}
		was := e.AdminAwaits(&a.Admin)
		a.Activated, a.Awaits, a.UpdatedAt = true, a.Awaits&^hecate.AwaitsConfirmation, e.stamp()
		if err := tx.UpdateAdmin(ctx, &a.Admin); err != nil {
			return err
		}
		if e.AdminAwaits(&a.Admin) != 0 {
			then = nil
		}
		for _, m := range then {
			if err := e.tellAdmin(ctx, tx, &a.Admin, m, m.Letter); err != nil {
				return err
			}
		}
		return e.followAdmin(ctx, tx, &a.Admin, was)
	})
}

// ResendActivation queues the letter again that an admin's activation waits for: to him, or to those who approve him, unless they were asked
// less than an hour ago. Kinds: NotFound on "email", Exists when already active, TooMany.
func (e *Engine) ResendActivation(ctx context.Context, email string, letter ...Mailing) error {
	const op = "resend activation"
	a, err := e.adminOfEmail(ctx, email, op)
	if err != nil {
		return err
	}
	awaits := e.AdminAwaits(&a.Admin)
	switch {
	case a.Activated && awaits == 0:
		return hecate.E(hecate.Exists, op).On("activation")
	case awaits == hecate.AwaitsApproval: // he may not have confirmed his address yet, but that is not what he waits for
		return e.changeAdmin(ctx, nil, a.ID, op, func(tx *store.DB, a *store.AdminSecrets) error { return e.requestAdminAgain(ctx, tx, &a.Admin) })
	}
	return e.issueAdminTicket(ctx, &a.Admin, ticketActivate, letterActivate, letter, op)
}

// himself is the door to an admin's account: his own, and the operator's. Kinds: Forbidden.
func (e *Engine) himself(actor *hecate.Actor, id hecate.AdminID, op string) error {
	if actor != nil && (actor.Kind == hecate.SystemActor || actor.Admin != nil && actor.Admin.ID == id) {
		return nil
	}
	e.refused(actor, "", op, "admin:"+string(id), "")
	return hecate.E(hecate.Forbidden, op)
}

// Admin returns an admin by id, address or username: the caller himself, or for the operator anybody. Kinds: Forbidden, NotFound on
// "admin" (for the operator alone: nobody else learns who exists).
func (e *Engine) Admin(ctx context.Context, actor *hecate.Actor, ref string) (*hecate.Admin, error) {
	const op = "admin"
	a, err := e.adminByRef(ctx, e.db, ref)
	switch {
	case errors.Is(err, hecate.NotFound):
		if err := e.himself(actor, "", op); err != nil {
			return nil, err
		}
		return nil, hecate.E(hecate.NotFound, op).On("admin")
	case err != nil:
		return nil, err
	}
	if err := e.himself(actor, a.ID, op); err != nil {
		return nil, err
	}
	return &a.Admin, nil
}

// adminByRef finds an admin by id, address or username. Kinds: NotFound.
func (e *Engine) adminByRef(ctx context.Context, db *store.DB, ref string) (*store.AdminSecrets, error) {
	if checkText("", "", ref, 1, maxName) != nil {
		return nil, hecate.NotFound
	}
	find := []func() (*store.AdminSecrets, error){
		func() (*store.AdminSecrets, error) { return db.Admin(ctx, hecate.AdminID(strings.ToLower(ref))) },
		func() (*store.AdminSecrets, error) { return db.AdminByEmail(ctx, FoldLogin(ref)) },
		func() (*store.AdminSecrets, error) { return db.AdminByUsername(ctx, ref) },
	}
	for _, by := range find {
		if a, err := by(); !errors.Is(err, hecate.NotFound) {
			return a, err
		}
	}
	return nil, hecate.NotFound
}

// UpdateAdminAccount is UpdateAdmin on the account of that id: the caller's own, or for the operator anybody's. Kinds: Forbidden,
// NotFound on "admin", and those of UpdateAdmin.
func (e *Engine) UpdateAdminAccount(ctx context.Context, actor *hecate.Actor, id hecate.AdminID, in UpdateAdminInput) (*hecate.Admin, error) {
	const op = "update admin"
	if err := e.himself(actor, id, op); err != nil {
		return nil, err
	}
	if err := checkProperties(op, in.Properties); err != nil {
		return nil, err
	}
	a, err := e.db.Admin(ctx, id)
	if err != nil {
		return nil, missing(err, op, "admin")
	}
	in.byOperator = actor.Kind == hecate.SystemActor
	d, err := e.UpdateAdmin(ctx, &hecate.Actor{Kind: hecate.AdminActor, Admin: &a.Admin}, in)
	if err != nil {
		return nil, err
	}
	return d.Admin, nil
}

// AdminPasswordInput changes the password of the admin whom Ref names by id, address or username.
type AdminPasswordInput struct {
	Ref      string
	Old, New hecate.Secret
	Min      int    // bytes that New has at least; 0: one
	From     string // the caller's address, by which wrong guesses are bounded; "" bounds none
}

// ReplaceAdminPassword changes an admin's password for whoever knows the old one, at the same cost for unknown admins; the operator need
// not know it. Kinds: UnknownUser, WrongPassword on "old", UserDisabled; NotFound on "admin" for the operator; Invalid, TooLarge and
// WeakPassword on "new"; TooMany.
func (e *Engine) ReplaceAdminPassword(ctx context.Context, actor *hecate.Actor, in AdminPasswordInput) error {
	const op = "change admin password"
	done, err := e.logins.begin(op, adminGuessKey(in.From, in.Ref))
	if err != nil {
		e.refused(actor, "", op, "", "too many failures")
		return err
	}
	err = e.replaceAdminPassword(ctx, actor, in, op)
	done(isWrongGuess(err))
	return err
}

func (e *Engine) replaceAdminPassword(ctx context.Context, actor *hecate.Actor, in AdminPasswordInput, op string) error {
	a, err := e.adminByRef(ctx, e.db, in.Ref)
	if err != nil && !errors.Is(err, hecate.NotFound) {
		return err
	}
	if actor == nil || actor.Kind != hecate.SystemActor {
		err = e.checkOldPassword(ctx, actor, a, in.Old, op)
	} else if a == nil {
		err = hecate.E(hecate.NotFound, op).On("admin")
	}
	if err != nil {
		return err
	}
	if err := checkPassword(op, "new", hecate.PasswordPolicy{}, max(1, in.Min), in.New); err != nil {
		return err
	}
	if err := e.freshPassword(ctx, a, in.New, op, "new"); err != nil {
		return err
	}
	hash, err := e.adminPassword(ctx, in.New, op, "new")
	if err != nil {
		return err
	}
	return e.changeAdmin(ctx, actor, a.ID, op, func(tx *store.DB, now *store.AdminSecrets) error {
		if now.Password != a.Password { // changed meanwhile: the old one is no longer what was proved
			return hecate.E(hecate.WrongPassword, op).On("old")
		}
		return e.storeAdminPassword(ctx, tx, a.ID, hash)
	})
}

// checkOldPassword verifies the password of an admin, or of nobody. Kinds: UnknownUser, WrongPassword on "old", UserDisabled.
func (e *Engine) checkOldPassword(ctx context.Context, actor *hecate.Actor, a *store.AdminSecrets, old hecate.Secret, op string) error {
	hash, subject := "", ""
	if a != nil {
		hash, subject = a.Password, "admin:"+string(a.ID)
	}
	if len(old.Reveal()) > maxPassword {
		old = hecate.Secret{}
	}
	ok, _, err := e.hasher.Verify(ctx, hash, old.Reveal())
	switch {
	case err != nil:
		return err
	case a == nil:
		e.refused(actor, "", op, "", "unknown admin")
		return hecate.E(hecate.UnknownUser, op)
	case !ok:
		e.refused(actor, "", op, subject, "wrong password")
		return hecate.E(hecate.WrongPassword, op).On("old")
	}
	if err := e.adminMayAct(&a.Admin, op); err != nil {
		e.refused(actor, "", op, subject, hecate.KindOf(err).Error())
		return err
	}
	return nil
}
