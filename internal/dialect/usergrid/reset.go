package usergrid

import (
	"errors"
	"net/http"
	"strings"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// recovery is a way back in for those who forgot their password: of users, or of admins.
type recovery struct {
	app *hecate.App // nil: admins
	ref string      // whom the path names; "": nobody

	ask   func(ref string) error // queues the letter
	check func(ticket hecate.Secret) (ticketHolder, error)
	set   func(ticket, password hecate.Secret) error
}

// ticketHolder is whose a ticket is.
type ticketHolder struct {
	name     string // as pages call him
	language string // that he reads
}

// resetUser shows the pages of a user's new password, and takes their forms.
func (a *api) resetUser(w *web.Response, r *web.Request, c *call) error {
	ref := strings.TrimSpace(r.PathValue("user"))
	return a.reset(w, r, recovery{
		app: c.app, ref: ref,
		ask: func(ref string) error {
			return a.asking(ref, func(in engine.AskInput) error {
				in.Letter.Mailing = engine.Mailing{Link: a.userLink(c, "resetpw"), Subject: "Password Reset"}
				return a.engine.AskReset(r.Context(), c.app, in)
			})
		},
		check: func(ticket hecate.Secret) (ticketHolder, error) {
			d, err := a.userTicket(r, c, ref, ticket, engine.ResetTicket)
			if err != nil {
				return ticketHolder{}, err
			}
			return a.userHolder(r, c, d)
		},
		set: func(ticket, password hecate.Secret) error {
			d, err := a.userTicket(r, c, ref, ticket, engine.ResetTicket)
			if err != nil {
				return err
			}
			_, err = a.engine.ResetByTicket(r.Context(), c.app, engine.ResetInput{
				TicketInput: engine.TicketInput{Ticket: ticket, User: engine.UserRef{ID: d.User.ID}}, Password: password, MinPassword: leastPassword,
				Dialect: dialectName,
			})
			return err
		},
	})
}

// asking asks for a letter to whoever a text means: a UUID, an address, or a username. Where the application hides its accounts, the first
// answer is the last one.
func (a *api) asking(ref string, ask func(engine.AskInput) error) error {
	ways := []engine.AskInput{{User: engine.UserRef{Username: ref}}}
	switch {
	case isUUID(ref):
		ways = []engine.AskInput{{User: engine.UserRef{ID: hecate.UserID(strings.ToLower(ref))}}}
	case emailShape.MatchString(ref):
		ways = append([]engine.AskInput{{Email: ref}}, ways...)
	}
	var err error
	for _, in := range ways {
		if err = ask(in); !errors.Is(err, hecate.NotFound) {
			return err
		}
	}
	return err
}

// userTicket finds a ticket of a link that counts for the user whom the path names, and uses nothing up. Kinds: BadToken, Expired, NotFound.
func (a *api) userTicket(r *web.Request, c *call, ref string, ticket hecate.Secret, purposes ...string) (*engine.TicketDetail, error) {
	u, err := a.user(r.Context(), c, ref)
	if err != nil {
		if faultOf(err).status < http.StatusInternalServerError {
			return nil, badTicket()
		}
		return nil, err
	}
	err = badTicket()
	for _, purpose := range purposes { // two at most
		var d *engine.TicketDetail
		d, err = a.engine.CheckTicket(r.Context(), c.app, engine.TicketInput{Purpose: purpose, Ticket: ticket, User: engine.UserRef{ID: u.ID}})
		if err == nil {
			return d, nil
		}
		if !errors.Is(err, hecate.BadToken) {
			return nil, err
		}
	}
	return nil, err
}

func (a *api) userHolder(r *web.Request, c *call, d *engine.TicketDetail) (ticketHolder, error) {
	name := d.User.Email
	if name == "" {
		name = shownName(d.User)
	}
	language, err := a.engine.UserLanguage(r.Context(), c.app, d.User.ID)
	return ticketHolder{name, language}, err
}

// resetAdmin is resetUser for admins.
func (a *api) resetAdmin(w *web.Response, r *web.Request, _ *manager) error {
	named, ref, err := a.pathAdmin(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	return a.reset(w, r, recovery{
		ref: ref,
		ask: func(ref string) error {
			admin := named
			if admin == nil || !strings.EqualFold(ref, r.PathValue("user")) {
				var err error
				if admin, err = a.engine.Admin(ctx, engine.System(), ref); err != nil {
					return err
				}
			}
			return a.engine.AskAdminReset(ctx, admin.Email, engine.Mailing{Link: a.adminLink(r, "resetpw"), Subject: "Password Reset"})
		},
		check: func(ticket hecate.Secret) (ticketHolder, error) {
			return a.adminHolder(r, named, ticket, engine.AdminResetTicket)
		},
		set: func(ticket, password hecate.Secret) error {
			if _, err := a.adminHolder(r, named, ticket, engine.AdminResetTicket); err != nil {
				return err
			}
			if len(password.Reveal()) < minPassword {
				return hecate.E(hecate.WeakPassword, "reset").On("password").With("reason", "too_short").With("min_length", minPassword)
			}
			_, err := a.engine.ConfirmAdminReset(ctx, engine.AdminUID(named), ticket.Reveal(), password)
			return err
		},
	})
}

// pathAdmin is the admin whom the path of a page names, nil where it names none: contracts/usergrid.md 6.6.
func (a *api) pathAdmin(r *web.Request) (*hecate.Admin, string, error) {
	ref := strings.TrimSpace(r.PathValue("user"))
	if ref == "" {
		return nil, "", nil
	}
	admin, err := a.engine.Admin(r.Context(), engine.System(), ref)
	return admin, ref, noAdmin(err, ref)
}

// adminHolder finds a ticket that counts for an admin. Kinds: BadToken, Expired, NotFound.
func (a *api) adminHolder(r *web.Request, admin *hecate.Admin, ticket hecate.Secret, purpose string) (ticketHolder, error) {
	if admin == nil {
		return ticketHolder{}, badTicket()
	}
	found, err := a.engine.CheckAdminTicket(r.Context(), engine.AdminUID(admin), ticket.Reveal(), purpose)
	if err != nil {
		return ticketHolder{}, err
	}
	return ticketHolder{name: found.Email}, nil
}

// reset is the flow of contracts/usergrid.md 6.6.
func (a *api) reset(w *web.Response, r *web.Request, x recovery) error {
	f, err := pageForm(r)
	if err != nil {
		return err
	}
	if r.Method != http.MethodPost {
		return x.opened(w, r, f)
	}
	_, one := f.object["password1"]
	_, two := f.object["password2"]
	if one || two {
		return x.setPassword(w, r, f)
	}
	return x.sendLetter(w, r, f)
}

// opened shows the form that the link leads to, and without a good ticket the one that asks for a letter.
func (x recovery) opened(w *web.Response, r *web.Request, f form) error {
	ticket, ok := ticketOf(r, f)
	if ok && x.ref != "" {
		h, err := x.check(ticket)
		if err == nil {
			return x.askPassword(w, wording.Reader(r, x.app, h.language), h, ticket, "")
		}
		if !isBadTicket(err) {
			return err
		}
	}
	rd := wording.Reader(r, x.app, "")
	problem := ""
	if r.QueryOne("token") != "" {
		problem = rd.Says(hecate.TextResetInvalid)
	}
	return x.askEmail(w, rd, problem)
}

func (x recovery) askEmail(w *web.Response, rd *web.Reader, problem string) error {
	return rd.Show(w, http.StatusOK, web.Page{
		Title: rd.Says(hecate.TextResetTitle), Problem: problem, Text: rd.Says(hecate.TextResetAsk), Button: rd.Says(hecate.TextResetAskButton),
		Fields: []web.PageField{{Name: "email", Label: rd.Says(hecate.TextResetAskLabel), Kind: "text", Autocomplete: "username"}},
	})
}

func (x recovery) askPassword(w *web.Response, rd *web.Reader, h ticketHolder, ticket hecate.Secret, problem string) error {
	return rd.Show(w, http.StatusOK, web.Page{
		Title: rd.Says(hecate.TextResetTitle), Problem: problem, Text: rd.Says(hecate.TextResetText, "address", h.name),
		Button: rd.Says(hecate.TextResetButton),
		Fields: []web.PageField{
			web.Hidden("token", ticket.Reveal()), web.Whose(h.name),
			web.NewPassword("password1", rd.Says(hecate.TextResetPassword)), web.NewPassword("password2", rd.Says(hecate.TextResetRepeat)),
		},
	})
}

// sendLetter starts the flow for whom the form names, else for whom the path does. The page shows what was asked for, never the address
// behind it.
func (x recovery) sendLetter(w *web.Response, r *web.Request, f form) error {
	rd := wording.Reader(r, x.app, "")
	ref := strings.TrimSpace(f.field("email"))
	if _, asked := f.object["email"]; ref == "" && !asked {
		ref = x.ref
	}
	if ref == "" {
		return x.askEmail(w, rd, rd.Says(hecate.TextResetNoAddress))
	}
	err := x.ask(ref)
	switch {
	case err == nil:
		return rd.Show(w, http.StatusOK, web.Page{Title: rd.Says(hecate.TextResetTitle), Done: rd.Says(hecate.TextResetSent, "address", ref)})
	case errors.Is(err, hecate.NotFound) || errors.Is(err, hecate.Invalid):
		return x.askEmail(w, rd, rd.Says(hecate.TextResetUnknown))
	}
	return rd.Busy(w, rd.Says(hecate.TextResetTitle), err)
}

func (x recovery) setPassword(w *web.Response, r *web.Request, f form) error {
	ticket, ok := ticketOf(r, f)
	if !ok {
		return x.refused(w, r)
	}
	h, err := x.check(ticket)
	if isBadTicket(err) {
		return x.refused(w, r)
	}
	if err != nil {
		return err
	}
	rd := wording.Reader(r, x.app, h.language)
	password := f.text("password1")
	switch {
	case password != f.text("password2"):
		return x.askPassword(w, rd, h, ticket, rd.Says(hecate.TextResetMismatch))
	case password == "":
		return x.askPassword(w, rd, h, ticket, rd.Says(hecate.TextResetEmpty))
	}
	err = x.set(ticket, hecate.NewSecret(password))
	switch kind := hecate.KindOf(err); {
	case err == nil:
		return rd.Show(w, http.StatusOK, web.Page{Title: rd.Says(hecate.TextResetTitle), Done: rd.Says(hecate.TextResetDone, "address", h.name)})
	case isBadTicket(err): // somebody was quicker
		return x.refused(w, r)
	case kind == hecate.WeakPassword || kind == hecate.TooLarge || kind == hecate.Invalid:
		return x.askPassword(w, rd, h, ticket, rd.Weakness(err, faultOf(err).description))
	}
	return err
}

func (x recovery) refused(w *web.Response, r *web.Request) error {
	rd := wording.Reader(r, x.app, "")
	return x.askEmail(w, rd, rd.Says(hecate.TextResetInvalid))
}
