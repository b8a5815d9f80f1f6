package syncano

import (
	"errors"
	"net/http"

	"hecate"
	"hecate/internal/web"
)

func (a *api) invitationList(w *web.Response, r *web.Request, c *call) error {
	p, err := readPaging(r)
	if err != nil {
		return err
	}
	page, err := a.engine.Invitations(r.Context(), c.actor, p.list(""))
	if err != nil {
		return err
	}
	return sendInvitations(w, r, c, p, page, false)
}

func (a *api) invitationCreate(w *web.Response, r *web.Request, c *call) error {
	in, err := readInput(r)
	if err != nil {
		return err
	}
	email := in.email("email", true)
	role, _ := in.role()
	if err := in.err(); err != nil {
		return err
	}
	i, err := a.engine.Invite(r.Context(), c.actor, *email, role, letterInvite)
	if err != nil {
		return inviteError(err)
	}
	return a.sendInvitation(w, r, http.StatusCreated, c, i, false)
}

func inviteError(err error) error {
	d := hecate.Detail(err)
	if d.Kind != hecate.Exists {
		return err
	}
	if d.Field == "member" {
		return single("email", "Admin with specified Email is already a part of this Instance.")
	}
	return detail(http.StatusBadRequest, "Admin with specified Email already has an invitation created.")
}

func (a *api) invitationGet(w *web.Response, r *web.Request, c *call) error {
	i, err := a.engine.Invitation(r.Context(), c.actor, number(r.PathValue("id")))
	if err != nil {
		return err
	}
	return a.sendInvitation(w, r, http.StatusOK, c, i, false)
}

func (a *api) invitationUpdate(w *web.Response, r *web.Request, c *call) error {
	seq := number(r.PathValue("id"))
	i, err := a.engine.Invitation(r.Context(), c.actor, seq)
	if err != nil {
		return err
	}
	in, err := readInput(r)
	if err != nil {
		return err
	}
	role, given := in.role()
	if err := in.err(); err != nil {
		return err
	}
	if given {
		if i, err = a.engine.UpdateInvitation(r.Context(), c.actor, seq, role); err != nil {
			return err
		}
	}
	return a.sendInvitation(w, r, http.StatusOK, c, i, false)
}

func (a *api) invitationDelete(w *web.Response, r *web.Request, c *call) error {
	if err := a.engine.DeleteInvitation(r.Context(), c.actor, number(r.PathValue("id"))); err != nil {
		return err
	}
	return a.nothing(w)
}

func (a *api) invitationResend(w *web.Response, r *web.Request, c *call) error {
	if err := a.engine.ResendInvitation(r.Context(), c.actor, number(r.PathValue("id")), letterInvite); err != nil {
		return err
	}
	return a.nothing(w)
}

func (a *api) ownInvitationList(w *web.Response, r *web.Request, c *call) error {
	p, err := readPaging(r)
	if err != nil {
		return err
	}
	page, err := a.engine.OwnInvitations(r.Context(), c.actor, p.list(""))
	if err != nil {
		return err
	}
	return sendInvitations(w, r, c, p, page, true)
}

func (a *api) ownInvitationGet(w *web.Response, r *web.Request, c *call) error {
	i, err := a.engine.OwnInvitation(r.Context(), c.actor, number(r.PathValue("id")))
	if err != nil {
		return err
	}
	return a.sendInvitation(w, r, http.StatusOK, c, i, true)
}

func (a *api) ownInvitationDecline(w *web.Response, r *web.Request, c *call) error {
	if err := a.engine.DeclineInvitation(r.Context(), c.actor, number(r.PathValue("id"))); err != nil {
		return err
	}
	return a.nothing(w)
}

func (a *api) ownInvitationAccept(w *web.Response, r *web.Request, c *call) error {
	in, err := readInput(r)
	if err != nil {
		return err
	}
	key := in.text("invitation_key", textRule{required: true})
	if err := in.err(); err != nil {
		return err
	}
	err = a.engine.AcceptInvitation(r.Context(), c.actor, secretOf(*key))
	if errors.Is(err, hecate.NotFound) {
		return single("invitation_key", textBadInvitation)
	}
	if err != nil {
		return err
	}
	return a.nothing(w)
}

func sendInvitations(w *web.Response, r *web.Request, c *call, p paging, page hecate.Page[*hecate.Invitation], own bool) error {
	return sendPage(w, r, p, page, invitationNest, func(i *hecate.Invitation) int64 { return i.Seq },
		func(dst []byte, i *hecate.Invitation) []byte { return appendInvitation(dst, c.version, i, own) })
}

func (a *api) sendInvitation(w *web.Response, r *web.Request, status int, c *call, i *hecate.Invitation, own bool) error {
	return a.answer(w, r, status, invitationNest, func(dst []byte) []byte { return appendInvitation(dst, c.version, i, own) })
}
