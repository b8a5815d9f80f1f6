package syncano

import (
	"net/http"

	"hecate"
	"hecate/internal/web"
)

func (a *api) adminList(w *web.Response, r *web.Request, c *call) error {
	p, err := readPaging(r)
	if err != nil {
		return err
	}
	page, err := a.engine.Members(r.Context(), c.actor, p.list(""))
	if err != nil {
		return err
	}
	return sendPage(w, r, p, page, adminNest, func(m hecate.Member) int64 { return m.Admin.Seq },
		func(dst []byte, m hecate.Member) []byte { return appendMember(dst, c.version, c.app, m) })
}

func (a *api) adminGet(w *web.Response, r *web.Request, c *call) error {
	m, err := a.engine.Member(r.Context(), c.actor, number(r.PathValue("id")))
	if err != nil {
		return err
	}
	return a.sendMember(w, r, c, m)
}

func (a *api) adminUpdate(w *web.Response, r *web.Request, c *call) error {
	seq := number(r.PathValue("id"))
	m, err := a.engine.Member(r.Context(), c.actor, seq)
	if err != nil {
		return err
	}
	if m.Role == hecate.OwnerRole {
		return denied()
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
		if m, err = a.engine.SetMember(r.Context(), c.actor, seq, role); err != nil {
			return err
		}
	}
	return a.sendMember(w, r, c, m)
}

// role reads a role; a PUT or POST without one means full.
func (in *input) role() (role hecate.AdminRole, given bool) {
	if i := in.choice("role", roleWords); i >= 0 {
		return roles[i], true
	}
	return hecate.FullRole, !in.patch
}

func (a *api) adminDelete(w *web.Response, r *web.Request, c *call) error {
	if err := a.engine.RemoveMember(r.Context(), c.actor, number(r.PathValue("id"))); err != nil {
		return err
	}
	return a.nothing(w)
}

func (a *api) sendMember(w *web.Response, r *web.Request, c *call, m hecate.Member) error {
	return a.answer(w, r, http.StatusOK, adminNest, func(dst []byte) []byte { return appendMember(dst, c.version, c.app, m) })
}
