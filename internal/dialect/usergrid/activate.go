package usergrid

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// activation is a page on which somebody confirms an address, or lets an account in.
type activation struct {
	app     *hecate.App // nil: admins
	confirm bool        // the page is about an address

	check func(ticket hecate.Secret) (ticketHolder, error)
	use   func(ticket hecate.Secret) (activated bool, err error)
}

// Letters about accounts: contracts/usergrid.md 6.5.
var (
	letterActivated = engine.Mailing{Letter: "activated", Subject: "User Account Activated"}
	letterConfirmed = engine.Mailing{Letter: "confirmed", Subject: "User Account Confirmed"}
)

// newcomerLetters are what a new user's sign-up sends: a link for himself where the application wants his address confirmed, else one for those
// who decide.
func (a *api) newcomerLetters(ctx context.Context, c *call, username, email string) ([]engine.UserLetter, error) {
	switch {
	case needsConfirmation(c.app):
		return []engine.UserLetter{a.confirmationLetter(c)}, nil
	case needsApproval(c.app):
		return a.approvalLetters(ctx, c, username, email)
	}
	return nil, nil
}

// confirmationLetter asks a user for his address. It lets him in, unless somebody has to approve him too.
func (a *api) confirmationLetter(c *call) engine.UserLetter {
	l := engine.UserLetter{Ticket: engine.ActivateTicket, Mailing: engine.Mailing{
		Letter: "activate", Link: a.userLink(c, "confirm"), Subject: "User Account Confirmation: {address}",
	}}
	if needsApproval(c.app) {
		l.Ticket, l.Letter = engine.VerifyTicket, "confirm"
	}
	return l
}

// maxDeciders bounds who is asked about one user.
const maxDeciders = 20

// approvalLetters ask the admins of the application's organization about a user, all of them with one link; none where there are none.
func (a *api) approvalLetters(ctx context.Context, c *call, username, email string) ([]engine.UserLetter, error) {
	admins, err := a.engine.OrgMembers(ctx, engine.System(), c.app.Org)
	if err != nil {
		return nil, err
	}
	var to []string
	for _, admin := range admins {
		if !admin.Disabled && admin.Email != "" && len(to) < maxDeciders {
			to = append(to, admin.Email)
		}
	}
	if len(to) == 0 {
		return nil, nil
	}
	who := email
	if who == "" {
		who = username
	}
	language := c.app.Settings.Mail.Language
	if language == "" {
		language = "en" // not the user's: the letter is not to him
	}
	return []engine.UserLetter{{Ticket: engine.ActivateTicket, To: to[0], Copies: to[1:], Mailing: engine.Mailing{
		Letter: "approve", Link: a.userLink(c, "activate"), Subject: "Request For User Account Activation " + who, Language: language,
	}}}, nil
}

// activateUser shows the page on which somebody lets a user in, and takes its form.
func (a *api) activateUser(w *web.Response, r *web.Request, c *call) error {
	ref := r.PathValue("user")
	find := func(ticket hecate.Secret) (*engine.TicketDetail, error) {
		return a.userTicket(r, c, ref, ticket, engine.ActivateTicket)
	}
	return a.activation(w, r, activation{
		app: c.app, check: a.checkUser(r, c, find),
		use: func(ticket hecate.Secret) (bool, error) {
			d, err := find(ticket)
			if err != nil {
				return false, err
			}
			return true, a.letIn(r, c, d, ticket)
		},
	})
}

// confirmUser is the same for the user's own address, which lets him in where nobody has to approve him.
func (a *api) confirmUser(w *web.Response, r *web.Request, c *call) error {
	ref := r.PathValue("user")
	find := func(ticket hecate.Secret) (*engine.TicketDetail, error) {
		d, err := a.userTicket(r, c, ref, ticket, engine.VerifyTicket, engine.ActivateTicket)
		if err == nil && d.Ticket.About != "email" { // of another field, which is not ours to confirm, or of who decides
			return nil, badTicket()
		}
		return d, err
	}
	return a.activation(w, r, activation{
		app: c.app, confirm: true, check: a.checkUser(r, c, find),
		use: func(ticket hecate.Secret) (bool, error) {
			d, err := find(ticket)
			if err != nil {
				return false, err
			}
			if d.Ticket.Purpose == engine.ActivateTicket {
				return true, a.letIn(r, c, d, ticket)
			}
			return d.User.Activated, a.confirmAddress(r, c, d, ticket)
		},
	})
}

func (a *api) checkUser(r *web.Request, c *call, find func(hecate.Secret) (*engine.TicketDetail, error)) func(hecate.Secret) (ticketHolder, error) {
	return func(ticket hecate.Secret) (ticketHolder, error) {
		d, err := find(ticket)
		if err != nil {
			return ticketHolder{}, err
		}
		if d.Ticket.About != "email" { // whoever decides reads this page, not the user
			return ticketHolder{name: shownName(d.User)}, nil
		}
		return a.userHolder(r, c, d)
	}
}

// letIn uses an activation ticket up.
func (a *api) letIn(r *web.Request, c *call, d *engine.TicketDetail, ticket hecate.Secret) error {
	_, err := a.engine.Activate(r.Context(), c.app, engine.TicketInput{
		Ticket: ticket, User: engine.UserRef{ID: d.User.ID}, Letters: []engine.UserLetter{{Mailing: letterActivated}},
	})
	return err
}

// confirmAddress uses a ticket up that proves an address, and asks those who decide.
func (a *api) confirmAddress(r *web.Request, c *call, d *engine.TicketDetail, ticket hecate.Secret) error {
	var letters []engine.UserLetter
	if !d.User.Activated {
		letters = append(letters, engine.UserLetter{Mailing: letterConfirmed})
		if needsApproval(c.app) {
			ask, err := a.approvalLetters(r.Context(), c, shownName(d.User), d.User.Email)
			if err != nil {
				return err
			}
			letters = append(letters, ask...)
		}
	}
	_, err := a.engine.ConfirmAddress(r.Context(), c.app, engine.TicketInput{Ticket: ticket, User: engine.UserRef{ID: d.User.ID}, Letters: letters})
	return err
}

// activateAdmin and confirmAdmin are one page under two paths: an admin's address is all that is confirmed.
func (a *api) activateAdmin(w *web.Response, r *web.Request, _ *manager) error {
	return a.adminActivation(w, r, false)
}

func (a *api) confirmAdmin(w *web.Response, r *web.Request, _ *manager) error {
	return a.adminActivation(w, r, true)
}

func (a *api) adminActivation(w *web.Response, r *web.Request, confirm bool) error {
	admin, err := a.engine.Admin(r.Context(), engine.System(), strings.TrimSpace(r.PathValue("user")))
	if err != nil && !errors.Is(err, hecate.NotFound) {
		return err
	}
	check := func(ticket hecate.Secret) (ticketHolder, error) {
		return a.adminHolder(r, admin, ticket, engine.AdminActivateTicket)
	}
	return a.activation(w, r, activation{
		confirm: confirm, check: check,
		use: func(ticket hecate.Secret) (bool, error) {
			if _, err := check(ticket); err != nil {
				return false, err
			}
			_, err := a.engine.ActivateAdmin(r.Context(), engine.AdminUID(admin), ticket.Reveal(), letterActivated)
			return true, err
		},
	})
}

// activationTexts are what a page says, by whether it is about an address.
var activationTexts = map[bool]struct{ title, text, button hecate.PageText }{
	false: {hecate.TextActivateTitle, hecate.TextActivateText, hecate.TextActivateButton},
	true:  {hecate.TextConfirmTitle, hecate.TextConfirmText, hecate.TextConfirmButton},
}

// activation shows the page of a link; only its form uses the ticket up.
func (a *api) activation(w *web.Response, r *web.Request, x activation) error {
	f, err := pageForm(r)
	if err != nil {
		return err
	}
	var h ticketHolder
	ticket, ok := ticketOf(r, f)
	if err = badTicket(); ok {
		h, err = x.check(ticket)
	}
	says, done := activationTexts[x.confirm], hecate.TextConfirmDone
	if err == nil && r.Method == http.MethodPost {
		var activated bool
		if activated, err = x.use(ticket); activated {
			done = hecate.TextActivateDone
		}
	}
	rd := wording.Reader(r, x.app, h.language)
	p := web.Page{Title: rd.Says(says.title)}
	switch {
	case isBadTicket(err):
		p.Problem = rd.Says(hecate.TextLinkDead)
	case err != nil:
		return err
	case r.Method == http.MethodPost:
		p.Done = rd.Says(done, "address", h.name)
	default:
		p.Text, p.Button = rd.Says(says.text, "address", h.name), rd.Says(says.button)
		p.Fields = []web.PageField{web.Hidden("token", ticket.Reveal())}
	}
	return rd.Show(w, http.StatusOK, p)
}

// reactivateUser sends again what a user's activation waits for. Where nothing is waited for, nothing is sent, and nobody hears which it
// was: contracts/usergrid.md 7.2.
func (a *api) reactivateUser(w *web.Response, r *web.Request, c *call) error {
	ref := strings.TrimSpace(r.PathValue("user"))
	err := a.asking(ref, func(in engine.AskInput) error { return a.askActivation(r.Context(), c, in) })
	switch {
	case errors.Is(err, hecate.NotFound) && hecate.Detail(err).Field == "user":
		return lostUser(err)
	case err != nil && !errors.Is(err, hecate.Exists) && !errors.Is(err, hecate.NotFound):
		return err
	}
	return a.answer(w, r, c, reply{action: "reactivate user", bare: true})
}

// askActivation asks for the letter that a user's activation waits for: his own, until his address is confirmed, then that to those who decide.
func (a *api) askActivation(ctx context.Context, c *call, in engine.AskInput) error {
	if needsConfirmation(c.app) {
		in.Letter = a.confirmationLetter(c)
		err := a.engine.AskActivation(ctx, c.app, in)
		if !errors.Is(err, hecate.Exists) || !needsApproval(c.app) {
			return err
		}
	}
	u, err := a.askedUser(ctx, c, in)
	if err != nil || u.Activated || !needsApproval(c.app) {
		return err
	}
	letters, err := a.approvalLetters(ctx, c, shownName(u), u.Email)
	for _, l := range letters { // one at most
		in.Letter = l
		err = a.engine.AskActivation(ctx, c.app, in)
	}
	return err
}

// askedUser is the user whom a question means. One who is hidden is as one for whom nothing is to be done.
func (a *api) askedUser(ctx context.Context, c *call, in engine.AskInput) (*hecate.User, error) {
	ref := in.User
	if in.Email != "" {
		ref = engine.UserRef{Email: in.Email}
	}
	u, err := a.engine.LookupUser(ctx, c.app.ID, ref)
	if errors.Is(err, hecate.NotFound) && c.app.Settings.HideAccountExistence {
		return &hecate.User{Activated: true}, nil
	}
	return u, err
}

// reactivateAdmin sends the letter again that confirms an admin's address, to one who has not. Nobody hears here who has an account.
func (a *api) reactivateAdmin(w *web.Response, r *web.Request, m *manager) error {
	admin, err := a.engine.Admin(r.Context(), engine.System(), strings.TrimSpace(r.PathValue("user")))
	if err == nil {
		err = a.engine.ResendActivation(r.Context(), admin.Email, a.adminConfirmation(r))
	}
	if err != nil && !errors.Is(err, hecate.NotFound) && !errors.Is(err, hecate.Exists) {
		return err
	}
	return a.answerManager(w, r, m, reply{action: "reactivate user"})
}

// adminConfirmation is the letter that confirms an admin's address.
func (a *api) adminConfirmation(r *web.Request) engine.Mailing {
	return engine.Mailing{Link: a.adminLink(r, "confirm"), Subject: "User Account Confirmation: {address}"}
}

// organizationPage is what links about organizations show: they are active from the start, whoever asks about whichever.
func (a *api) organizationPage(w *web.Response, r *web.Request, _ *manager) error {
	rd := wording.Reader(r, nil, "")
	return rd.Show(w, http.StatusOK, web.Page{Title: rd.Says(hecate.TextOrganizationTitle), Text: rd.Says(hecate.TextOrganizationText)})
}

// reactivateOrg has nothing to send: contracts/usergrid.md 6.1.
func (a *api) reactivateOrg(w *web.Response, r *web.Request, m *manager) error {
	if _, err := a.org(r, m); err != nil {
		return err
	}
	return a.answerManager(w, r, m, reply{action: "reactivate organization"})
}
