package syncano

import (
	"errors"
	"net/http"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// The lengths of an account's texts.
const (
	maxName     = 64
	maxPassword = 128
)

// Where the letters of accounts and invitations lead: to the console, in place of the old one's pages (contracts/syncano.md 2.1).
// They say uid and token beside the link, for programs that use the calls here.
var (
	letterActivate = engine.Mailing{Link: "/console/#activate={uid}/{ticket}"}
	letterReset    = engine.Mailing{Link: "/console/#reset={uid}/{ticket}"}
	letterInvite   = engine.Mailing{Link: "/console/#invitation={ticket}"}
)

// versions answers GET /.
func (a *api) versions(w *web.Response, _ *web.Request, _ *call) error {
	return writeJSON(w, http.StatusOK, []byte(`{"links":{"v1":"/v1/","v1.1":"/v1.1/","v2":"/v2/"}}`))
}

// index answers GET /v1.1/.
func (a *api) index(w *web.Response, _ *web.Request, c *call) error {
	j := newJSON(nil)
	j.Open()
	j.Name("links")
	j.Open()
	for _, name := range []string{"instances", "backups", "account", "usage"} {
		j.Text(name, "/"+c.version+"/"+name+"/")
	}
	j.Close()
	j.Close()
	return writeJSON(w, http.StatusOK, j.Buf)
}

func (a *api) accountRegister(w *web.Response, r *web.Request, _ *call) error {
	in, err := readInput(r)
	if err != nil {
		return err
	}
	email := in.email("email", true)
	password := in.text("password", textRule{required: true, max: maxPassword})
	first := in.text("first_name", textRule{blank: true, max: maxName})
	last := in.text("last_name", textRule{blank: true, max: maxName})
	invitation := in.text("invitation_key", textRule{blank: true, null: true})
	if err := in.err(); err != nil {
		return err
	}
	d, err := a.engine.RegisterAdmin(r.Context(), &hecate.Actor{}, engine.RegisterAdminInput{
		Email: *email, Password: hecate.NewSecret(*password), FirstName: or(first, ""), LastName: or(last, ""),
		InvitationKey: secretOf(or(invitation, "")), Mailing: letterActivate,
	})
	if err != nil {
		return registerError(err)
	}
	return a.sendAccount(w, r, http.StatusCreated, d, true)
}

func registerError(err error) error {
	switch d := hecate.Detail(err); {
	case d.Kind == hecate.Forbidden:
		return detail(http.StatusForbidden, "Registration disabled.")
	case d.Field == "invitation_key":
		return single("invitation_key", textBadInvitation)
	}
	return err
}

func (a *api) accountAuth(w *web.Response, r *web.Request, _ *call) error {
	in, err := readInput(r)
	if err != nil {
		return err
	}
	email := in.text("email", textRule{required: true})
	password := in.text("password", textRule{required: true})
	if err := in.err(); err != nil {
		return err
	}
	d, err := a.engine.LoginAdmin(r.Context(), *email, hecate.NewSecret(*password))
	switch hecate.KindOf(err) {
	case hecate.UnknownUser:
		return detail(http.StatusUnauthorized, "Invalid email.")
	case hecate.WrongPassword:
		return detail(http.StatusUnauthorized, "Invalid password.")
	}
	if err != nil {
		return err
	}
	return a.sendAccount(w, r, http.StatusOK, d, true)
}

func (a *api) accountGet(w *web.Response, r *web.Request, c *call) error {
	d, err := a.engine.OwnAdmin(r.Context(), c.actor)
	if err != nil {
		return err
	}
	return a.sendAccount(w, r, http.StatusOK, d, false)
}

func (a *api) accountUpdate(w *web.Response, r *web.Request, c *call) error {
	in, err := readInput(r)
	if err != nil {
		return err
	}
	u := engine.UpdateAdminInput{
		Email:     in.email("email", true),
		FirstName: filled(in, in.text("first_name", textRule{blank: true, max: maxName}), ""),
		LastName:  filled(in, in.text("last_name", textRule{blank: true, max: maxName}), ""),
		Metadata:  in.metadata("metadata"),
		// The old clients' suite asks for exactly this: contracts/syncano.md D6.
		KeepTakenEmail: true,
		Mailing:        letterActivate,
	}
	if u.Metadata == nil && !in.patch {
		u.Metadata = map[string]any{}
	}
	if err := in.err(); err != nil {
		return err
	}
	d, err := a.engine.UpdateAdmin(r.Context(), c.actor, u)
	if err != nil {
		return err
	}
	return a.sendAccount(w, r, http.StatusOK, d, false)
}

func (a *api) accountResetKey(w *web.Response, r *web.Request, c *call) error {
	d, err := a.engine.ResetAdminKey(r.Context(), c.actor)
	if err != nil {
		return err
	}
	return a.sendAccount(w, r, http.StatusOK, d, true)
}

func (a *api) accountPassword(w *web.Response, r *web.Request, c *call) error {
	in, err := readInput(r)
	if err != nil {
		return err
	}
	current := in.text("current_password", textRule{required: true})
	next := in.text("new_password", textRule{required: true})
	if err := in.err(); err != nil {
		return err
	}
	err = a.engine.ChangeAdminPassword(r.Context(), c.actor, hecate.NewSecret(*current), hecate.NewSecret(*next))
	if errors.Is(err, hecate.WrongPassword) {
		return invalid("current_password", "Invalid password.")
	}
	if err != nil {
		return err
	}
	return a.nothing(w)
}

func (a *api) accountSetPassword(w *web.Response, r *web.Request, c *call) error {
	in, err := readInput(r)
	if err != nil {
		return err
	}
	next := in.text("password", textRule{required: true})
	if err := in.err(); err != nil {
		return err
	}
	err = a.engine.SetAdminPassword(r.Context(), c.actor, hecate.NewSecret(*next))
	if errors.Is(err, hecate.Exists) {
		return invalid("password", "Admin already has password.")
	}
	if err != nil {
		return err
	}
	return a.nothing(w)
}

func (a *api) accountAskReset(w *web.Response, r *web.Request, _ *call) error {
	in, err := readInput(r)
	if err != nil {
		return err
	}
	email := in.email("email", true)
	if err := in.err(); err != nil {
		return err
	}
	err = a.engine.AskAdminReset(r.Context(), *email, letterReset)
	if errors.Is(err, hecate.NotFound) {
		return invalid("email", "Email not found.")
	}
	if err != nil {
		return err
	}
	return a.nothing(w)
}

func (a *api) accountConfirmReset(w *web.Response, r *web.Request, _ *call) error {
	in, err := readInput(r)
	if err != nil {
		return err
	}
	uid := in.text("uid", textRule{required: true})
	token := in.text("token", textRule{required: true})
	next := in.text("new_password", textRule{required: true})
	if err := in.err(); err != nil {
		return err
	}
	d, err := a.engine.ConfirmAdminReset(r.Context(), *uid, *token, hecate.NewSecret(*next))
	if err != nil {
		return ticketError(err, textBadToken)
	}
	return a.sendAccount(w, r, http.StatusOK, d, true)
}

func (a *api) accountActivate(w *web.Response, r *web.Request, _ *call) error {
	in, err := readInput(r)
	if err != nil {
		return err
	}
	uid := in.text("uid", textRule{required: true})
	token := in.text("token", textRule{required: true})
	if err := in.err(); err != nil {
		return err
	}
	d, err := a.engine.ActivateAdmin(r.Context(), *uid, *token)
	if err != nil {
		return ticketError(err, "Invalid token or account already activated.")
	}
	return a.sendAccount(w, r, http.StatusOK, d, true)
}

// ticketError: an unknown account is the uid's fault, everything else about a ticket is nobody's.
func ticketError(err error, text string) error {
	switch hecate.KindOf(err) {
	case hecate.NotFound:
		return invalid("uid", textBadToken)
	case hecate.BadToken, hecate.Expired:
		return invalid("non_field_errors", text)
	}
	return err
}

func (a *api) accountResend(w *web.Response, r *web.Request, _ *call) error {
	in, err := readInput(r)
	if err != nil {
		return err
	}
	email := in.email("email", true)
	if err := in.err(); err != nil {
		return err
	}
	err = a.engine.ResendActivation(r.Context(), *email, letterActivate)
	switch hecate.KindOf(err) {
	case hecate.NotFound:
		return invalid("email", "Email not found.")
	case hecate.Exists:
		return detail(http.StatusBadRequest, "Account has already been activated.")
	}
	if err != nil {
		return err
	}
	return a.nothing(w)
}

func (a *api) sendAccount(w *web.Response, r *web.Request, status int, d *engine.AdminDetail, withKey bool) error {
	return a.answer(w, r, status, accountNest, func(dst []byte) []byte { return appendAccount(dst, d, withKey) })
}
