package usergrid

import (
	"errors"
	"net/http"

	"hecate"
	"hecate/internal/web"
)

// holder is a user, a group or a role with what he holds, by the path that names it.
type holder struct {
	subject hecate.Subject
	path    string // canonical: "/users/0192…"
}

// holder finds whom the path of a request names.
func (a *api) holder(r *web.Request, c *call) (holder, error) {
	err := error(nil)
	var h holder
	switch {
	case r.PathValue("user") != "":
		var u *hecate.User
		if u, err = a.userOf(r, c); err == nil {
			h = holder{hecate.SubjectUser(u.ID), userPath(u)}
		}
	case r.PathValue("group") != "":
		var g *hecate.Group
		if g, err = a.group(r.Context(), c, r.PathValue("group")); err == nil {
			h = holder{hecate.SubjectGroup(g.ID), groupPath(g)}
		}
	default:
		var role hecate.Role
		if role, err = a.role(r.Context(), c, r.PathValue("role")); err == nil {
			h = holder{hecate.SubjectRole(role.Name), rolePath(role)}
		}
	}
	if err != nil && r.Method != http.MethodGet {
		err = lostUser(err)
	}
	return h, err
}

// permissions answers with the permissions of a user, a group or a role: contracts/usergrid.md 8.3.
func (a *api) permissions(w *web.Response, r *web.Request, c *call) error {
	h, err := a.holder(r, c)
	if err != nil {
		return err
	}
	path := h.path + "/permissions"
	texts, err := a.engine.GrantsOf(r.Context(), c.via(path), h.subject)
	if err != nil {
		return refusedAt(c, r.Method, path, err)
	}
	return a.answerPermissions(w, r, c, path, texts)
}

func (a *api) answerPermissions(w *web.Response, r *web.Request, c *call, path string, texts []string) error {
	if texts == nil {
		texts = []string{}
	}
	return a.answer(w, r, c, reply{path: path, entities: []raw{}, data: web.AppendJSON(nil, texts)})
}

// addPermission gives a permission, which counts from the next request on.
func (a *api) addPermission(w *web.Response, r *web.Request, c *call) error {
	h, err := a.holder(r, c)
	if err != nil {
		return err
	}
	body, err := readPayload(r)
	if err != nil {
		return err
	}
	text := body.text("permission")
	if text == "" {
		text = r.QueryOne("permission")
	}
	if text == "" {
		return illegalArgument("You must provide a 'permission' property")
	}
	path := h.path + "/permissions"
	actor := c.via(path)
	if err := a.permit(c, actor, r.Method, path); err != nil {
		return err
	}
	texts, err := a.engine.AddGrant(r.Context(), actor, h.subject, text)
	if err != nil {
		return permissionFault(c, r.Method, path, text, err)
	}
	return a.answerPermissions(w, r, c, path, texts)
}

// permissionFault says what is wrong with a permission.
func permissionFault(c *call, method, path, text string, err error) error {
	if d := hecate.Detail(err); errors.Is(err, hecate.Invalid) && d.Field == "permission" {
		return illegalArgument("Not a valid permission: " + text)
	}
	return refusedAt(c, method, path, err)
}

// dropPermissions takes permissions away by their exact texts.
func (a *api) dropPermissions(w *web.Response, r *web.Request, c *call) error {
	h, err := a.holder(r, c)
	if err != nil {
		return err
	}
	texts := r.Query()["permission"]
	if len(texts) == 0 {
		return illegalArgument("You must provide a 'permission' parameter")
	}
	path := h.path + "/permissions"
	left, err := a.engine.RemoveGrants(r.Context(), c.via(path), h.subject, texts)
	if err != nil {
		return refusedAt(c, r.Method, path, err)
	}
	return a.answerPermissions(w, r, c, path, left)
}
