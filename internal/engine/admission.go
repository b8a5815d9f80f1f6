package engine

import (
	"context"
	"errors"
	"strings"
	"time"

	"hecate"
	"hecate/internal/store"
)

// Admission is what the server asks of the accounts and orgs that people register, before they may be used; the zero Admission asks
// nothing. What one waits for is written down when it is made, so asking for more later shuts nobody out, and asking for less lets in
// who waited for it (docs/adr/0016).
type Admission struct {
	Admins, Orgs hecate.Awaiting
	Operators    []string                // addresses of those who approve
	Letters      func() AdmissionLetters // how its letters look; nil: the built-in ones, which show their tickets
}

// AdmissionLetters are the letters that no verb's caller describes. In their subjects {address}, {user} (the newcomer's address) and
// {org} are filled in.
type AdmissionLetters struct {
	AdminConfirmed, AdminActivated         Mailing // to the account's own address
	ApproveAdmin, AdminArrived             Mailing // to the operators
	ConfirmOrg, OrgConfirmed, OrgActivated Mailing // to the org's members
	ApproveOrg                             Mailing // to the operators
}

// The purposes of tickets about an account or org, which those have who were asked; for CheckAdmission and Admit.
const (
	ApproveAdminTicket = "approve admin"
	ConfirmOrgTicket   = "confirm org"
	ApproveOrgTicket   = "approve org"
)

// settles is what a ticket is the answer to.
var settles = map[string]hecate.Awaiting{
	ApproveAdminTicket: hecate.AwaitsApproval, ConfirmOrgTicket: hecate.AwaitsConfirmation, ApproveOrgTicket: hecate.AwaitsApproval,
}

const (
	approvalLife = 7 * 24 * time.Hour // operators have weekends
	askAgain     = time.Hour          // within it nobody is asked twice about one account or org
	maxAsked     = 20                 // how many addresses one question goes to
)

func (e *Engine) admissionLetters() AdmissionLetters {
	if e.admission.Letters == nil {
		return AdmissionLetters{}
	}
	return e.admission.Letters()
}

// Admission returns what the server asks.
func (e *Engine) Admission() Admission { return e.admission }

// AdminAwaits is what an account waits for, as far as the server still asks for it.
func (e *Engine) AdminAwaits(a *hecate.Admin) hecate.Awaiting { return a.Awaits & e.admission.Admins }

// OrgAwaits is what an org waits for, as far as the server still asks for it.
func (e *Engine) OrgAwaits(o *hecate.Org) hecate.Awaiting { return o.Awaits & e.admission.Orgs }

// adminMayAct is the one rule about who may act as an admin; every way in asks it, and every request. Kinds: UserDisabled, Unverified on
// "address", Inactive on "admin".
func (e *Engine) adminMayAct(a *hecate.Admin, op string) error {
	switch awaits := e.AdminAwaits(a); {
	case a.Disabled:
		return hecate.E(hecate.UserDisabled, op)
	case awaits.Has(hecate.AwaitsConfirmation):
		return hecate.E(hecate.Unverified, op).On("address")
	case awaits != 0:
		return hecate.E(hecate.Inactive, op).On("admin")
	}
	return nil
}

// orgMayBeUsed is the one rule about orgs and all that is in them; awaits is what the row says. Kinds: Inactive on "org".
func (e *Engine) orgMayBeUsed(awaits hecate.Awaiting, op string) error {
	if awaits&e.admission.Orgs == 0 {
		return nil
	}
	return hecate.E(hecate.Inactive, op).On("org")
}

// orgOpen asks the rule about an org by its id. Kinds: NotFound on "org", Inactive on "org".
func (e *Engine) orgOpen(ctx context.Context, id hecate.OrgID, op string) error {
	if e.admission.Orgs == 0 {
		return nil
	}
	org, err := e.db.Org(ctx, id)
	if err != nil {
		return missing(err, op, "org")
	}
	return e.orgMayBeUsed(org.Awaits, op)
}

// awaitsOf is what a new account waits for. The operator's own wait for nothing, whose address is proved need not confirm it, and a
// member of an org or an invitation speaks for people in the operator's place.
func (e *Engine) awaitsOf(actor *hecate.Actor, in *RegisterAdminInput) hecate.Awaiting {
	if actor != nil && actor.Kind == hecate.SystemActor {
		return 0
	}
	awaits := e.admission.Admins
	if in.Activated || in.vouched.Has(hecate.AwaitsConfirmation) {
		awaits &^= hecate.AwaitsConfirmation
	}
	return awaits &^ (in.vouched & hecate.AwaitsApproval)
}

// vouchedBy is what an invitation says in somebody's favour. It went to an address, so whoever comes by it with that address need not
// confirm it again.
func vouchedBy(i *hecate.Invitation, email string) hecate.Awaiting {
	switch {
	case i == nil:
		return 0
	case sameAddress(i.Email, email):
		return hecate.AwaitsConfirmation | hecate.AwaitsApproval
	}
	return hecate.AwaitsApproval
}

// awaitsOfOrg is what a new org of that actor's waits for.
func (e *Engine) awaitsOfOrg(actor *hecate.Actor) hecate.Awaiting {
	if actor != nil && actor.Kind == hecate.SystemActor {
		return 0
	}
	return e.admission.Orgs
}

// question is asked of those who decide about one account or org: a letter to each of them, all with one ticket, which ends those before.
type question struct {
	purpose, about string
	address        string // that the ticket is good for, if it changes
	life           time.Duration
	to             []string
	letter         outgoing
}

// ask queues a question. full says that none of those asked gets a letter now.
func (e *Engine) ask(ctx context.Context, tx *store.DB, q question) (full bool, err error) {
	t, clear, err := e.newTicket("", q.purpose, q.life)
	if err != nil {
		return false, err
	}
	t.About, t.Address = q.about, q.address
	if err := tx.DeleteServerTicketsAbout(ctx, q.purpose, q.about); err != nil {
		return false, err
	}
	if err := tx.InsertTicket(ctx, t, e.lookup(clear)); err != nil {
		return false, err
	}
	q.letter.ticket, q.letter.clear = t, clear
	return e.tellAll(ctx, tx, q.to, q.letter)
}

// tellAll queues one letter to several addresses. full says that none of them gets it now.
func (e *Engine) tellAll(ctx context.Context, tx *store.DB, to []string, l outgoing) (full bool, err error) {
	full = len(to) > 0
	for _, l.to = range to[:min(len(to), maxAsked)] {
		had, err := e.queue(ctx, tx, l)
		if err != nil {
			return false, err
		}
		full = full && had
	}
	return full, nil
}

// described is a letter of admission as it is to look, with that name unless the description has one.
func described(m Mailing, name string, l outgoing) outgoing {
	if m.Letter == "" {
		m.Letter = name
	}
	m.Subject = strings.NewReplacer("{user}", l.fields["user"], "{org}", l.fields["org"]).Replace(m.Subject)
	if m.Language == "" {
		m.Language = "en" // as the subjects are
	}
	l.Mailing = m
	return l
}

// aboutAdmin is a letter about an account, to somebody else than its holder.
func aboutAdmin(a *hecate.Admin) outgoing {
	return outgoing{admin: a.ID, fields: map[string]string{"user": a.Email}}
}

// requestAdmin asks the operators about an account.
func (e *Engine) requestAdmin(ctx context.Context, tx *store.DB, a *hecate.Admin) error {
	_, err := e.ask(ctx, tx, question{
		purpose: ApproveAdminTicket, about: string(a.ID), address: a.Email, life: approvalLife, to: e.admission.Operators,
		letter: described(e.admissionLetters().ApproveAdmin, letterApprove, aboutAdmin(a)),
	})
	return err
}

// askedLately reports whether the same question was asked not long ago: whoever can ask for letters must not fill the boxes of those
// who decide, nor end their tickets while they read.
func (e *Engine) askedLately(ctx context.Context, tx *store.DB, purpose, about string) (bool, error) {
	return tx.ServerTicketSince(ctx, purpose, about, e.now().Add(-askAgain))
}

// requestAdminAgain is requestAdmin, unless the operators were asked lately.
func (e *Engine) requestAdminAgain(ctx context.Context, tx *store.DB, a *hecate.Admin) error {
	lately, err := e.askedLately(ctx, tx, ApproveAdminTicket, string(a.ID))
	if err != nil || lately {
		return err
	}
	return e.requestAdmin(ctx, tx, a)
}

// followAdmin queues the letters that follow when an account waits for less than it did.
func (e *Engine) followAdmin(ctx context.Context, tx *store.DB, a *hecate.Admin, was hecate.Awaiting) error {
	now, letters := e.AdminAwaits(a), e.admissionLetters()
	switch {
	case now == was:
		return nil
	case now == 0:
		_, err := e.tellAll(ctx, tx, e.admission.Operators, described(letters.AdminArrived, letterArrived, aboutAdmin(a)))
		return err
	case now == hecate.AwaitsApproval:
		if err := e.tellAdmin(ctx, tx, a, letters.AdminConfirmed, letterConfirmed); err != nil {
			return err
		}
		return e.requestAdmin(ctx, tx, a)
	}
	return nil
}

// tellAdmin queues a letter without a ticket to an admin himself.
func (e *Engine) tellAdmin(ctx context.Context, tx *store.DB, a *hecate.Admin, m Mailing, name string) error {
	_, err := e.sendAdmin(ctx, tx, name, a, nil, hecate.Secret{}, m)
	return err
}

// admitAdmin takes what is settled off an account inside a write on it, tells its holder when nothing is left, and queues what follows.
func (e *Engine) admitAdmin(ctx context.Context, tx *store.DB, a *hecate.Admin, settled hecate.Awaiting) error {
	was := e.AdminAwaits(a)
	if a.Awaits&settled == 0 {
		return nil
	}
	a.Awaits, a.UpdatedAt = a.Awaits&^settled, e.stamp()
	if err := tx.UpdateAdmin(ctx, a); err != nil {
		return err
	}
	if settled.Has(hecate.AwaitsApproval) {
		if err := tx.DeleteServerTicketsAbout(ctx, ApproveAdminTicket, string(a.ID)); err != nil {
			return err
		}
	}
	if was != 0 && e.AdminAwaits(a) == 0 {
		if err := e.tellAdmin(ctx, tx, a, e.admissionLetters().AdminActivated, letterActivated); err != nil {
			return err
		}
	}
	return e.followAdmin(ctx, tx, a, was)
}

// AdmitAdmin lets an account in, whatever it waits for: the operator's word. The address stays unproved where it is. One that waits for
// nothing stays as it is. Kinds: Forbidden, NotFound on "admin".
func (e *Engine) AdmitAdmin(ctx context.Context, actor *hecate.Actor, id hecate.AdminID) (*hecate.Admin, error) {
	const op = "admit admin"
	if err := e.asOperator(actor, "admin:"+string(id), op); err != nil {
		return nil, err
	}
	return e.changedAdmin(ctx, actor, id, op, func(tx *store.DB, a *hecate.Admin) error {
		return e.admitAdmin(ctx, tx, a, hecate.AwaitsConfirmation|hecate.AwaitsApproval)
	})
}

// changedAdmin is changeAdmin with the admin as he is after it.
func (e *Engine) changedAdmin(ctx context.Context, actor *hecate.Actor, id hecate.AdminID, op string, fn func(tx *store.DB, a *hecate.Admin) error) (*hecate.Admin, error) {
	var out *hecate.Admin
	err := e.changeAdmin(ctx, actor, id, op, func(tx *store.DB, a *store.AdminSecrets) error {
		out = &a.Admin
		return fn(tx, out)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// DisableAdmin shuts an admin out, which ends his sessions, or lets him in again. Kinds: Forbidden for all but the operator, NotFound on "admin".
func (e *Engine) DisableAdmin(ctx context.Context, actor *hecate.Actor, id hecate.AdminID, disabled bool) (*hecate.Admin, error) {
	const op = "disable admin"
	if err := e.asOperator(actor, "admin:"+string(id), op); err != nil {
		return nil, err
	}
	return e.changedAdmin(ctx, actor, id, op, func(tx *store.DB, a *hecate.Admin) error {
		if a.Disabled == disabled {
			return nil
		}
		a.Disabled, a.UpdatedAt = disabled, e.stamp()
		if disabled {
			if err := e.endAdminSessions(ctx, tx, id, true); err != nil {
				return err
			}
		}
		return tx.UpdateAdmin(ctx, a)
	})
}

// asOperator is the door for the operator alone. Kinds: Forbidden.
func (e *Engine) asOperator(actor *hecate.Actor, subject, op string) error {
	if actor != nil && actor.Kind == hecate.SystemActor {
		return nil
	}
	e.refused(actor, "", op, subject, "")
	return hecate.E(hecate.Forbidden, op)
}

// aboutTicket finds a ticket about an account or org that still counts. Kinds: BadToken, Expired.
func (e *Engine) aboutTicket(ctx context.Context, ticket hecate.Secret, purpose, about, address, op string) error {
	t, err := e.serverTicket(ctx, e.db, ticket, purpose, op)
	if err != nil {
		return err
	}
	if t.About != about || t.Address != address {
		return hecate.E(hecate.BadToken, op).On("token")
	}
	return nil
}

// CheckApproval finds the account that a ticket lets its holder approve, and uses nothing up. Kinds: NotFound on "admin", BadToken, Expired.
func (e *Engine) CheckApproval(ctx context.Context, id hecate.AdminID, ticket hecate.Secret) (*hecate.Admin, error) {
	const op = "check approval"
	a, err := e.db.Admin(ctx, id)
	if err != nil {
		return nil, missing(err, op, "admin")
	}
	// What was approved is what was asked for: another address is another question.
	if err := e.aboutTicket(ctx, ticket, ApproveAdminTicket, string(id), a.Email, op); err != nil {
		return nil, err
	}
	return &a.Admin, nil
}

// ApproveAdmin lets an account in by the ticket of an operator. It may still have to confirm its address: see AdminAwaits. Kinds: those of CheckApproval.
func (e *Engine) ApproveAdmin(ctx context.Context, id hecate.AdminID, ticket hecate.Secret) (*hecate.Admin, error) {
	const op = "approve admin"
	if _, err := e.CheckApproval(ctx, id, ticket); err != nil {
		return nil, err
	}
	return e.changedAdmin(ctx, nil, id, op, func(tx *store.DB, a *hecate.Admin) error {
		if err := e.takeServerTicket(ctx, tx, ticket, ApproveAdminTicket, op); err != nil {
			return err
		}
		return e.admitAdmin(ctx, tx, a, hecate.AwaitsApproval)
	})
}

// aboutOrg is a letter about an org.
func aboutOrg(o *hecate.Org) outgoing {
	return outgoing{org: o.ID, fields: map[string]string{"org": o.Name}}
}

// addressesOf are the addresses of an org's members.
func addressesOf(ctx context.Context, tx *store.DB, id hecate.OrgID) ([]string, error) {
	members, err := tx.OrgMembers(ctx, id)
	var to []string
	for _, m := range members {
		if !m.Disabled {
			to = append(to, m.Email)
		}
	}
	return to, err
}

// tellOrg queues a letter to the members of an org.
func (e *Engine) tellOrg(ctx context.Context, tx *store.DB, o *hecate.Org, m Mailing, name string) error {
	to, err := addressesOf(ctx, tx, o.ID)
	if err != nil {
		return err
	}
	_, err = e.tellAll(ctx, tx, to, described(m, name, aboutOrg(o)))
	return err
}

// requestOrg asks for what an org waits for next: its members to confirm it, then the operators to approve it. again leaves alone who was
// asked lately.
func (e *Engine) requestOrg(ctx context.Context, tx *store.DB, o *hecate.Org, again bool, op string) error {
	letters := e.admissionLetters()
	q := question{about: string(o.ID)}
	switch awaits := e.OrgAwaits(o); {
	case awaits.Has(hecate.AwaitsConfirmation):
		to, err := addressesOf(ctx, tx, o.ID)
		if err != nil {
			return err
		}
		q.purpose, q.life, q.to, q.letter = ConfirmOrgTicket, adminTicketLife, to, described(letters.ConfirmOrg, letterConfirmOrg, aboutOrg(o))
	case awaits.Has(hecate.AwaitsApproval):
		q.purpose, q.life, q.to, q.letter = ApproveOrgTicket, approvalLife, e.admission.Operators, described(letters.ApproveOrg, letterApproveOrg, aboutOrg(o))
	default:
		return nil
	}
	if again && q.purpose == ApproveOrgTicket {
		if lately, err := e.askedLately(ctx, tx, q.purpose, q.about); err != nil || lately {
			return err
		}
	}
	full, err := e.ask(ctx, tx, q)
	if err == nil && full && again {
		return hecate.E(hecate.TooMany, op).Says("these addresses have had many letters").After(letterWindow)
	}
	return err
}

// ResendOrg asks again for what an org waits for, for its members and the operator. Where nothing is waited for, or operators were asked
// less than an hour ago, nothing is sent. Kinds: NotFound on "org", TooMany.
func (e *Engine) ResendOrg(ctx context.Context, actor *hecate.Actor, ref string) error {
	const op = "resend org"
	org, err := e.orgByRef(ctx, ref, op)
	if err != nil {
		return err
	}
	if err := e.belongs(ctx, actor, org.ID, op); err != nil || e.OrgAwaits(org) == 0 {
		return err
	}
	return e.changeOrgRow(ctx, actor, org.ID, op, func(tx *store.DB, o *hecate.Org) error { return e.requestOrg(ctx, tx, o, true, op) })
}

// changeOrgRow runs fn inside one write on an org as it is then.
func (e *Engine) changeOrgRow(ctx context.Context, actor *hecate.Actor, id hecate.OrgID, op string, fn func(tx *store.DB, o *hecate.Org) error) error {
	return e.db.Write(ctx, func(tx *store.DB) error {
		if err := tx.Lock(ctx, "org/"+string(id)); err != nil {
			return err
		}
		org, err := tx.Org(ctx, id)
		if err != nil {
			return missing(err, op, "org")
		}
		if err := fn(tx, org); err != nil {
			return err
		}
		return e.record(ctx, tx, actor, "", op, "org:"+string(id))
	})
}

// admitOrg takes what is settled off an org inside a write on it, and queues what follows.
func (e *Engine) admitOrg(ctx context.Context, tx *store.DB, o *hecate.Org, settled hecate.Awaiting, op string) error {
	was := e.OrgAwaits(o)
	if o.Awaits&settled == 0 {
		return nil
	}
	o.Awaits, o.UpdatedAt = o.Awaits&^settled, e.stamp()
	if err := tx.UpdateOrg(ctx, o); err != nil {
		return err
	}
	for purpose, what := range settles {
		if purpose != ApproveAdminTicket && settled.Has(what) {
			if err := tx.DeleteServerTicketsAbout(ctx, purpose, string(o.ID)); err != nil {
				return err
			}
		}
	}
	// Its apps say what their org waits for. All of them are dropped: this happens once in the life of an org.
	if err := e.forgetAll(ctx, tx, "apps"); err != nil {
		return err
	}
	switch now := e.OrgAwaits(o); {
	case now == was:
		return nil
	case now == 0:
		return e.tellOrg(ctx, tx, o, e.admissionLetters().OrgActivated, letterOrgActivated)
	case now == hecate.AwaitsApproval:
		if err := e.tellOrg(ctx, tx, o, e.admissionLetters().OrgConfirmed, letterOrgConfirmed); err != nil {
			return err
		}
	}
	return e.requestOrg(ctx, tx, o, false, op)
}

// AdmitOrg lets an org in, whatever it waits for: the operator's word. Kinds: Forbidden, NotFound on "org".
func (e *Engine) AdmitOrg(ctx context.Context, actor *hecate.Actor, id hecate.OrgID) (*hecate.Org, error) {
	const op = "admit org"
	if err := e.asOperator(actor, "org:"+string(id), op); err != nil {
		return nil, err
	}
	return e.admittedOrg(ctx, actor, id, op, func(tx *store.DB, o *hecate.Org) error {
		return e.admitOrg(ctx, tx, o, hecate.AwaitsConfirmation|hecate.AwaitsApproval, op)
	})
}

func (e *Engine) admittedOrg(ctx context.Context, actor *hecate.Actor, id hecate.OrgID, op string, fn func(tx *store.DB, o *hecate.Org) error) (*hecate.Org, error) {
	var out *hecate.Org
	err := e.changeOrgRow(ctx, actor, id, op, func(tx *store.DB, o *hecate.Org) error {
		out = o
		return fn(tx, o)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// CheckOrgTicket finds the org that a ticket of that purpose is about, and uses nothing up. Kinds: NotFound on "org", BadToken, Expired.
func (e *Engine) CheckOrgTicket(ctx context.Context, id hecate.OrgID, ticket hecate.Secret, purpose string) (*hecate.Org, error) {
	const op = "check ticket"
	org, err := e.db.Org(ctx, id)
	if err != nil {
		return nil, missing(err, op, "org")
	}
	if err := e.aboutTicket(ctx, ticket, purpose, string(id), "", op); err != nil {
		return nil, err
	}
	return org, nil
}

// SettleOrg uses a ticket about an org up, which confirms or approves it as its purpose says. What it waits for then: see OrgAwaits.
// Kinds: those of CheckOrgTicket.
func (e *Engine) SettleOrg(ctx context.Context, id hecate.OrgID, ticket hecate.Secret, purpose string) (*hecate.Org, error) {
	if _, err := e.CheckOrgTicket(ctx, id, ticket, purpose); err != nil {
		return nil, err
	}
	return e.admittedOrg(ctx, nil, id, purpose, func(tx *store.DB, o *hecate.Org) error {
		if err := e.takeServerTicket(ctx, tx, ticket, purpose, purpose); err != nil {
			return err
		}
		return e.admitOrg(ctx, tx, o, settles[purpose], purpose)
	})
}

// orgByRef finds an org by id or name. Kinds: NotFound on "org".
func (e *Engine) orgByRef(ctx context.Context, ref, op string) (*hecate.Org, error) {
	if badText(ref) != "" {
		return nil, hecate.E(hecate.NotFound, op).On("org")
	}
	org, err := e.db.Org(ctx, hecate.OrgID(strings.ToLower(ref)))
	if errors.Is(err, hecate.NotFound) {
		org, err = e.db.OrgByName(ctx, ref)
	}
	if err != nil {
		return nil, missing(unheldText(err), op, "org")
	}
	return org, nil
}
