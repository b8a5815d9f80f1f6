package native

import (
	"errors"
	"net/http"
	"unicode/utf8"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// minPassword is the least length of an admin's password, in characters. Length
// is all that is asked: rules of composition make passwords worse, not better.
const minPassword = 10

// newcomer is somebody who gets an account: what lets him in, and what he says of himself.
type newcomer struct {
	Ticket    string `json:"ticket"` // of the setup link
	Key       string `json:"key"`    // of an invitation
	Email     string `json:"email"`
	Password  string `json:"password"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
}

// account is his account. Kinds: Invalid on "email" or "password".
func (n *newcomer) account() (engine.RegisterAdminInput, error) {
	in := engine.RegisterAdminInput{Email: n.Email, FirstName: n.FirstName, LastName: n.LastName, Password: hecate.NewSecret(n.Password)}
	if n.Email == "" {
		return in, invalid("email", "is required")
	}
	if utf8.RuneCountInString(n.Password) < minPassword {
		return in, invalid("password", "must have at least 10 characters")
	}
	return in, nil
}

// setUp makes the first admin by the ticket of the setup link.
func (a *api) setUp(w *web.Response, r *web.Request, _ caller) error {
	var in newcomer
	if err := r.DecodeInto(&in); err != nil {
		return err
	}
	if in.Ticket == "" {
		return invalid("ticket", "is required")
	}
	account, err := in.account()
	if err != nil {
		return err
	}
	account.Activated = true
	d, err := a.engine.Setup(r.Context(), hecate.NewSecret(in.Ticket), account)
	if errors.Is(err, hecate.BadToken) || errors.Is(err, hecate.Expired) {
		return hecate.E(hecate.KindOf(err), "set up").On("ticket").Because(err)
	}
	if err != nil {
		return err
	}
	return w.JSON(http.StatusCreated, shapeSignedIn(d))
}

// login exchanges a password for the account key.
func (a *api) login(w *web.Response, r *web.Request, _ caller) error {
	var in struct {
		Login    string `json:"login"`
		Password string `json:"password"`
	}
	if err := r.DecodeInto(&in); err != nil {
		return err
	}
	if in.Login == "" {
		return invalid("login", "is required")
	}
	if in.Password == "" {
		return invalid("password", "is required")
	}
	d, err := a.engine.LoginAdmin(r.Context(), in.Login, hecate.NewSecret(in.Password))
	if err != nil {
		return withoutField(err)
	}
	return w.JSON(http.StatusOK, shapeSignedIn(d))
}

// withoutField keeps a refused login from telling which half of it was wrong.
func withoutField(err error) error {
	if e := hecate.Detail(err); e.Kind == hecate.UnknownUser || e.Kind == hecate.WrongPassword {
		return hecate.E(hecate.WrongPassword, "log in")
	}
	return err
}

func (a *api) ownAdmin(w *web.Response, r *web.Request, c caller) error {
	d, err := a.engine.OwnAdmin(r.Context(), c)
	if err != nil {
		return err
	}
	return w.JSON(http.StatusOK, shapeAdmin(d.Admin))
}

// rotateAccountKey replaces the key that the caller came with.
func (a *api) rotateAccountKey(w *web.Response, r *web.Request, c caller) error {
	d, err := a.engine.ResetAdminKey(r.Context(), c)
	if err != nil {
		return err
	}
	return w.JSON(http.StatusOK, shapeSignedIn(d))
}
