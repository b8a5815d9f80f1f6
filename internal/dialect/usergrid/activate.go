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
	app  *hecate.App // nil: admins
	says activationText

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
		app: c.app, says: activationTexts[false], check: a.checkUser(r, c, find),
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
		app: c.app, says: activationTexts[true], check: a.checkUser(r, c, find),
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

// confirmAdmin is the page on which an admin confirms his address.
func (a *api) confirmAdmin(w *web.Response, r *web.Request, _ *manager) error {
	return a.adminActivation(w, r, true)
}

// activateAdmin is that on which an operator lets him in. The link that confirms his address works there too, as it did in the old server.
func (a *api) activateAdmin(w *web.Response, r *web.Request, _ *manager) error {
	return a.adminActivation(w, r, false)
}

func (a *api) adminActivation(w *web.Response, r *web.Request, confirm bool) error {
	admin, err := a.engine.Admin(r.Context(), engine.System(), strings.TrimSpace(r.PathValue("user")))
	if err != nil && !errors.Is(err, hecate.NotFound) {
		return err
	}
	find := func(ticket hecate.Secret) (h ticketHolder, approves bool, err error) {
		h, err = a.adminHolder(r, admin, ticket, engine.AdminActivateTicket)
		if confirm || admin == nil || !isBadTicket(err) {
			return h, false, err
		}
		if _, err = a.engine.CheckApproval(r.Context(), admin.ID, ticket); err != nil {
			return h, true, err
		}
		return ticketHolder{name: admin.Email}, true, nil
	}
	return a.activation(w, r, activation{
		says: activationTexts[confirm],
		check: func(ticket hecate.Secret) (ticketHolder, error) {
			h, _, err := find(ticket)
			return h, err
		},
		use: func(ticket hecate.Secret) (bool, error) {
			_, approves, err := find(ticket)
			switch {
			case err != nil:
				return false, err
			case approves:
				admin, err = a.engine.ApproveAdmin(r.Context(), admin.ID, ticket)
			default:
				var d *engine.AdminDetail
				if d, err = a.engine.ActivateAdmin(r.Context(), engine.AdminUID(admin), ticket.Reveal(), letterActivated); err == nil {
					admin = d.Admin
				}
			}
			return err == nil && a.engine.AdminAwaits(admin) == 0, err
		},
	})
}

// orgActivations are the pages about organizations, by the last part of their paths.
var orgActivations = map[string]struct {
	ticket string
	says   activationText
}{
	"activate": {engine.ApproveOrgTicket, activationText{
		hecate.TextOrganizationTitle, hecate.TextOrgActivateText, hecate.TextActivateButton, hecate.TextOrgActivateDone, hecate.TextOrgConfirmDone, "org"}},
	"confirm": {engine.ConfirmOrgTicket, activationText{
		hecate.TextOrgConfirmTitle, hecate.TextOrgConfirmText, hecate.TextConfirmButton, hecate.TextOrgActivateDone, hecate.TextOrgConfirmDone, "org"}},
}

// organizationPage is that on which a member confirms an organization, or an operator lets it in. Where nothing is asked of organizations it
// says so, whoever asks about whichever.
func (a *api) organizationPage(name string) web.Handler[*manager] {
	page := orgActivations[name]
	return func(w *web.Response, r *web.Request, _ *manager) error {
		if a.engine.Admission().Orgs == 0 {
			rd := wording.Reader(r, nil, "")
			return rd.Show(w, http.StatusOK, web.Page{Title: rd.Says(hecate.TextOrganizationTitle), Text: rd.Says(hecate.TextOrganizationText)})
		}
		id := hecate.OrgID(strings.ToLower(strings.TrimSpace(r.PathValue("org"))))
		return a.activation(w, r, activation{
			says: page.says,
			check: func(ticket hecate.Secret) (ticketHolder, error) {
				org, err := a.engine.CheckOrgTicket(r.Context(), id, ticket, page.ticket)
				if err != nil {
					return ticketHolder{}, err
				}
				return ticketHolder{name: org.Name}, nil
			},
			use: func(ticket hecate.Secret) (bool, error) {
				org, err := a.engine.SettleOrg(r.Context(), id, ticket, page.ticket)
				return err == nil && a.engine.OrgAwaits(org) == 0, err
			},
		})
	}
}

// activationText is what a page says. In its texts the mark is what the page is about.
type activationText struct {
	title, text, button hecate.PageText
	done                hecate.PageText // when it can be used
	waits               hecate.PageText // when somebody else has to decide yet
	mark                string
}

// activationTexts are what pages about accounts say, by whether it is about an address.
var activationTexts = map[bool]activationText{
	false: {hecate.TextActivateTitle, hecate.TextActivateText, hecate.TextActivateButton, hecate.TextActivateDone, hecate.TextConfirmDone, "address"},
	true:  {hecate.TextConfirmTitle, hecate.TextConfirmText, hecate.TextConfirmButton, hecate.TextActivateDone, hecate.TextConfirmDone, "address"},
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
	done := x.says.waits
	if err == nil && r.Method == http.MethodPost {
		var activated bool
		if activated, err = x.use(ticket); activated {
			done = x.says.done
		}
	}
	rd := wording.Reader(r, x.app, h.language)
	p := web.Page{Title: rd.Says(x.says.title)}
	switch {
	case isBadTicket(err):
		p.Problem = rd.Says(hecate.TextLinkDead)
	case err != nil:
		return err
	case r.Method == http.MethodPost:
		p.Done = rd.Says(done, x.says.mark, h.name)
	default:
		p.Text, p.Button = rd.Says(x.says.text, x.says.mark, h.name), rd.Says(x.says.button)
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

// reactivateAdmin sends again what an admin's activation waits for: the letter that confirms his address, or that to those who let him in.
// Nobody hears here who has an account.
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

// reactivateOrg sends again what an organization waits for, if it waits: contracts/usergrid.md 6.1. Its members may ask while it does.
func (a *api) reactivateOrg(w *web.Response, r *web.Request, m *manager) error {
	ref := strings.TrimSpace(r.PathValue("org"))
	if err := a.engine.ResendOrg(r.Context(), m.actor, ref); err != nil {
		return noOrg(err, m, ref)
	}
	return a.answerManager(w, r, m, reply{action: "reactivate organization"})
}

// AdmissionLetters describe the letters about accounts and organizations that wait, as contracts/usergrid.md 6.5 has them. Their links lead to
// the pages of this dialect, whose base is given.
func AdmissionLetters(base string) engine.AdmissionLetters {
	page := func(path string) string { return base + "/management/" + path + "?token={ticket}" }
	return engine.AdmissionLetters{
		AdminConfirmed: letterConfirmed, AdminActivated: letterActivated,
		ApproveAdmin: engine.Mailing{Link: page("users/{admin}/activate"), Subject: "Request For Admin User Account Activation {user}"},
		AdminArrived: engine.Mailing{Subject: "New User Account Activated {user}"},
		ConfirmOrg:   engine.Mailing{Link: page("organizations/{org}/confirm"), Subject: "Organization Account Confirmation"},
		OrgConfirmed: engine.Mailing{Subject: "Organization Account Confirmed"},
		OrgActivated: engine.Mailing{Subject: "Organization Account Activated: {org}"},
		ApproveOrg:   engine.Mailing{Link: page("organizations/{org}/activate"), Subject: "Request For Organization Account Activation {org}"},
	}
}
