package native

import (
	"errors"
	"net/http"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// JoinPage is where letters lead that make users of those who signed up where accounts are hidden: see engine.Config.
const JoinPage = "/api/v1/join/{app}?token={ticket}"

// joinTexts are those of other pages on which accounts are let in.
var joinTexts web.Pages

// join is the page of such a letter. Programs open links too, so that only its form acts: POST of the same address.
func (a *api) join(w *web.Response, r *web.Request, _ caller) error {
	app, d, err := a.awaited(r)
	dead := isDead(err)
	if err != nil && !dead {
		return err
	}
	language := ""
	if d != nil {
		language = d.Profile.Language()
	}
	rd := joinTexts.Reader(r, app, language)
	p := web.Page{Title: rd.Says(hecate.TextActivateTitle)}
	switch {
	case dead:
		p.Problem = rd.Says(hecate.TextLinkDead)
	case r.Method == http.MethodPost:
		if err := a.useJoin(r, app, rd, &p); err != nil {
			return err
		}
	default:
		p.Text, p.Button = rd.Says(hecate.TextActivateText, "address", d.User.Email), rd.Says(hecate.TextActivateButton)
	}
	return rd.Show(w, http.StatusOK, p)
}

// awaited is whose sign-up the request's link is about, and where. The app is nil where there is none.
func (a *api) awaited(r *web.Request) (*hecate.App, *engine.UserDetail, error) {
	app, err := a.engine.AppByID(r.Context(), hecate.AppID(r.PathValue("app")))
	if err != nil {
		return nil, nil, err
	}
	d, err := a.engine.CheckJoin(r.Context(), app, hecate.NewSecret(r.QueryOne("token")))
	return app, d, err
}

// useJoin makes the user, and says on the page how it went.
func (a *api) useJoin(r *web.Request, app *hecate.App, rd *web.Reader, p *web.Page) error {
	d, err := a.engine.Join(r.Context(), app, hecate.NewSecret(r.QueryOne("token")))
	switch {
	case errors.Is(err, hecate.Exists):
		p.Problem = rd.Says(hecate.TextActivateTaken)
	case isDead(err):
		p.Problem = rd.Says(hecate.TextLinkDead)
	case err != nil:
		return err
	case d.User.Activated:
		p.Done = rd.Says(hecate.TextActivateDone, "address", d.User.Email)
	default:
		p.Done = rd.Says(hecate.TextConfirmDone, "address", d.User.Email)
	}
	return nil
}

// isDead reports whether a link leads nowhere, or no longer.
func isDead(err error) bool {
	return errors.Is(err, hecate.BadToken) || errors.Is(err, hecate.Expired) || errors.Is(err, hecate.NoApp)
}
