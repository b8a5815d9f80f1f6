package usergrid

import (
	"context"
	"errors"
	"net/http"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// shelf serves a list of things that are no records, and each of them: groups, roles. Who may do what is asked about the
// path with the thing's id: contracts/usergrid.md 8.2.
type shelf struct {
	*api
	path  string // of the list
	param string // of a route, which names one of them
	key   string // the property by which a URL names one

	all    func(r *web.Request, c *call) func(engine.List) (things, error)
	find   func(ctx context.Context, c *call, ref string) (*thing, error)
	create func(ctx context.Context, c *call, object map[string]any) (*thing, error)
	change func(ctx context.Context, c *call, t *thing, object map[string]any) (*thing, error)
	remove func(ctx context.Context, actor *hecate.Actor, id string) error
}

// list answers GET of all, or of those that a query finds.
func (s *shelf) list(w *web.Response, r *web.Request, c *call) error {
	return s.answerList(w, r, c, reply{path: s.path, counted: true}, qlText(r), s.all(r, c))
}

// make makes one, or those of an array that can be made.
func (s *shelf) make(w *web.Response, r *web.Request, c *call) error {
	body, err := readPayload(r)
	if err != nil {
		return err
	}
	return s.createThings(w, r, c, s.path, body, func(object map[string]any) (*thing, error) { return s.create(r.Context(), c, object) })
}

// ref is the one that a request names.
func (s *shelf) ref(r *web.Request) itemRef { return itemOf(r.PathValue(s.param)) }

// at finds the thing of a path on which the caller may do what he wants.
func (s *shelf) at(r *web.Request, c *call, method string) (*thing, error) {
	t, err := s.find(r.Context(), c, r.PathValue(s.param))
	if err != nil {
		if method != http.MethodGet {
			err = lostUser(err)
		}
		return nil, err
	}
	return t, s.permit(c, c.actor, method, s.path+"/"+t.id)
}

// show answers GET and POST of one: POST leaves it as it is.
func (s *shelf) show(w *web.Response, r *web.Request, c *call) error {
	if ref := s.ref(r); ref.many {
		return s.answerList(w, r, c, reply{path: s.path}, ref.ql, s.all(r, c))
	}
	t, err := s.at(r, c, r.Method)
	if err != nil {
		return err
	}
	return s.answerThing(w, r, c, s.path, t)
}

// update changes one; what does not exist is made under the name in the URL.
func (s *shelf) update(w *web.Response, r *web.Request, c *call) error {
	body, err := readPayload(r)
	if err != nil {
		return err
	}
	t, err := s.at(r, c, http.MethodPut)
	switch ref := s.ref(r); {
	case errors.Is(err, hecate.NotFound) && ref.name != "":
		t, err = s.create(r.Context(), c, body.with(s.key, ref.name))
	case err == nil:
		t, err = s.change(r.Context(), c, t, body.object)
	}
	if err != nil {
		return err
	}
	return s.answerThing(w, r, c, s.path, t)
}

// delete deletes one, with what hangs on it.
func (s *shelf) delete(w *web.Response, r *web.Request, c *call) error {
	t, err := s.at(r, c, http.MethodDelete)
	if err != nil {
		return err
	}
	at := s.path + "/" + t.id
	if err := s.remove(r.Context(), c.via(at), t.id); err != nil {
		return refusedAt(c, http.MethodDelete, at, err)
	}
	return s.answerThing(w, r, c, s.path, t)
}

// deleteSome answers DELETE on the list, which has to say which are meant.
func (s *shelf) deleteSome(w *web.Response, r *web.Request, c *call) error {
	if !asksQuery(r) && r.QueryOne("limit") == "" {
		return unsupportedOperation()
	}
	list, _, _, err := listed(r, qlText(r), deleteLimit, s.all(r, c))
	if err != nil {
		return err
	}
	gone := []*thing{}
	var refused error
	for _, t := range list {
		at := s.path + "/" + t.id
		err := s.permit(c, c.actor, http.MethodDelete, at)
		if err == nil {
			err = refusedAt(c, http.MethodDelete, at, s.remove(r.Context(), c.via(at), t.id))
		}
		switch {
		case err == nil:
			gone = append(gone, t)
		case errors.Is(err, hecate.Forbidden):
			refused = err
		case !errors.Is(err, hecate.NotFound): // somebody else was quicker
			return err
		}
	}
	if len(gone) == 0 && refused != nil {
		return refused
	}
	return s.answerThings(w, r, c, reply{path: s.path}, gone, nil)
}

// refusedAt says which path a caller was refused.
func refusedAt(c *call, method, path string, err error) error {
	if errors.Is(err, hecate.Forbidden) {
		return unpermitted(c, method, path)
	}
	return lost(err)
}

// maxNewThings bounds an array of them: each is written for itself.
const maxNewThings = 200

// createThings makes what a body describes: one, whose error is told, or those of an array that can be made.
func (a *api) createThings(w *web.Response, r *web.Request, c *call, path string, body payload, create func(map[string]any) (*thing, error)) error {
	if body.batch == nil {
		t, err := create(body.object)
		if err != nil {
			return err
		}
		return a.answerThing(w, r, c, path, t)
	}
	if len(body.batch) > maxNewThings {
		return hecate.E(hecate.TooLarge, "create").Says("too many entities in one request")
	}
	made := []*thing{}
	var refused error
	for _, object := range body.batch {
		t, err := create(object)
		switch kind := hecate.KindOf(err); {
		case err == nil:
			made = append(made, t)
		case kind == hecate.Internal || kind == hecate.TooMany:
			return err
		case kind == hecate.Forbidden:
			refused = err
		}
	}
	if refused != nil && len(made) == 0 {
		return refused
	}
	return a.answerThings(w, r, c, reply{path: path}, made, nil)
}

// answerList answers with the page of a list that a request asks for.
func (a *api) answerList(w *web.Response, r *web.Request, c *call, x reply, text string, fetch func(engine.List) (things, error)) error {
	list, q, cursor, err := listed(r, text, defaultLimit, fetch)
	if err != nil {
		return err
	}
	x.cursor = cursor
	return a.answerThings(w, r, c, x, list, q.fields)
}
