package usergrid

import (
	"errors"
	"strings"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// sendPIN mails a user a new PIN. That he reads the letter is the proof; the answer holds nothing of it: contracts/usergrid.md 7.2.
func (a *api) sendPIN(w *web.Response, r *web.Request, c *call) error {
	ref := strings.TrimSpace(r.PathValue("user"))
	if ref == "" {
		f, err := pageForm(r)
		if err != nil {
			return err
		}
		if ref = strings.TrimSpace(f.text("email")); ref == "" {
			ref = strings.TrimSpace(r.QueryOne("email"))
		}
	}
	if ref == "" {
		return illegalArgument("email is required")
	}
	err := a.asking(ref, func(in engine.AskInput) error {
		in.Letter.Mailing = engine.Mailing{Subject: "Your app pin"}
		return a.engine.AskPIN(r.Context(), c.app, in)
	})
	if errors.Is(err, hecate.NotFound) {
		return resourceNotFound().because(err)
	}
	if err != nil {
		return err
	}
	return a.answer(w, r, c, reply{action: "retrieve user pin", bare: true})
}
