package native

import (
	"net/http"
	"unicode/utf8"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// letterActivate is the letter that asks a new admin to confirm his address; it leads to the console, which calls activate.
var letterActivate = engine.Mailing{Link: "/console/#activate={uid}/{ticket}"}

// ticketInput is what the link of a letter carries, with the password that a reset asks for.
type ticketInput struct {
	UID      string `json:"uid"`
	Token    string `json:"token"`
	Password string `json:"password"`
}

func readTicket(r *web.Request) (ticketInput, error) {
	var in ticketInput
	if err := r.DecodeInto(&in); err != nil {
		return in, err
	}
	switch {
	case in.UID == "":
		return in, invalid("uid", "is required")
	case in.Token == "":
		return in, invalid("token", "is required")
	}
	return in, nil
}

// activate confirms an admin's address. It gives no account key: who reads the letter has not shown that he knows the password.
func (a *api) activate(w *web.Response, r *web.Request, _ caller) error {
	in, err := readTicket(r)
	if err != nil {
		return err
	}
	if _, err := a.engine.ActivateAdmin(r.Context(), in.UID, in.Token); err != nil {
		return letterError(err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// reset sets a new password by a letter's ticket.
func (a *api) reset(w *web.Response, r *web.Request, _ caller) error {
	in, err := readTicket(r)
	if err != nil {
		return err
	}
	if utf8.RuneCountInString(in.Password) < minPassword {
		return invalid("password", "must have at least 10 characters")
	}
	if _, err := a.engine.ConfirmAdminReset(r.Context(), in.UID, in.Token, hecate.NewSecret(in.Password)); err != nil {
		return letterError(err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// letterError names fields as this API does. An account that there is not reads like a ticket that there is not: ids tell nothing.
func letterError(err error) error {
	switch e := hecate.Detail(err); {
	case e.Kind == hecate.NotFound:
		return hecate.E(hecate.BadToken, "use a letter").On("token")
	case e.Field == "new_password":
		return hecate.E(e.Kind, "use a letter").On("password").Because(e.Err)
	}
	return err
}

// register makes an account for the holder of an invitation, who has its role at once. His address is confirmed by a letter.
func (a *api) register(w *web.Response, r *web.Request, _ caller) error {
	var in newcomer
	if err := r.DecodeInto(&in); err != nil {
		return err
	}
	if in.Key == "" {
		return invalid("key", "is required")
	}
	account, err := in.account()
	if err != nil {
		return err
	}
	account.InvitationKey, account.Mailing = hecate.NewSecret(in.Key), letterActivate
	d, err := a.engine.RegisterAdmin(r.Context(), &hecate.Actor{}, account)
	if err != nil {
		return invitationError(err)
	}
	return w.JSON(http.StatusCreated, shapeSignedIn(d))
}

// acceptInvitation gives the calling admin the role of an invitation.
func (a *api) acceptInvitation(w *web.Response, r *web.Request, c caller) error {
	var in struct {
		Key string `json:"key"`
	}
	if err := r.DecodeInto(&in); err != nil {
		return err
	}
	if in.Key == "" {
		return invalid("key", "is required")
	}
	if err := a.engine.AcceptInvitation(r.Context(), c, hecate.NewSecret(in.Key)); err != nil {
		return invitationError(err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// invitationError: an invitation that does not count any more reads like one that there never was.
func invitationError(err error) error {
	e := hecate.Detail(err)
	if e.Kind == hecate.NotFound && (e.Field == "key" || e.Field == "invitation_key") {
		return hecate.E(hecate.NotFound, "use an invitation").On("key")
	}
	return err
}
