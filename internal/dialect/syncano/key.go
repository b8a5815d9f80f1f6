package syncano

import (
	"net/http"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

func (a *api) keyList(w *web.Response, r *web.Request, c *call) error {
	p, err := readPaging(r)
	if err != nil {
		return err
	}
	page, err := a.engine.Keys(r.Context(), c.actor, p.list(""))
	if err != nil {
		return err
	}
	return sendPage(w, r, p, page, keyNest, func(k *hecate.APIKey) int64 { return k.Seq },
		func(dst []byte, k *hecate.APIKey) []byte { return appendKey(dst, c.version, c.app, k) })
}

func (a *api) keyCreate(w *web.Response, r *web.Request, c *call) error {
	in, err := readInput(r)
	if err != nil {
		return err
	}
	var k engine.KeyInput
	change := in.keyChange()
	if err := in.err(); err != nil {
		return err
	}
	change(&k)
	created, err := a.engine.CreateKey(r.Context(), c.actor, k)
	if err != nil {
		return err
	}
	return a.sendKey(w, r, http.StatusCreated, c, created)
}

// keyChange reads description and flags, and returns what they do to a key.
// What is absent stays as it is on PATCH, and goes back to nothing otherwise.
func (in *input) keyChange() func(*engine.KeyInput) {
	description := filled(in, in.text("description", textRule{blank: true, max: maxDescription}), "")
	var set, clear hecate.KeyFlags
	for _, f := range keyFlags {
		switch on := filled(in, in.bool(f.name), false); {
		case on == nil:
		case *on:
			set |= f.flag
		default:
			clear |= f.flag
		}
	}
	return func(k *engine.KeyInput) {
		if description != nil {
			k.Description = *description
		}
		k.Flags = k.Flags&^clear | set
	}
}

func (a *api) keyGet(w *web.Response, r *web.Request, c *call) error {
	k, err := a.engine.Key(r.Context(), c.actor, number(r.PathValue("id")))
	if err != nil {
		return err
	}
	return a.sendKey(w, r, http.StatusOK, c, k)
}

func (a *api) keyUpdate(w *web.Response, r *web.Request, c *call) error {
	in, err := readInput(r)
	if err != nil {
		return err
	}
	change := in.keyChange()
	if err := in.err(); err != nil {
		return err
	}
	k, err := a.engine.UpdateKey(r.Context(), c.actor, number(r.PathValue("id")), change)
	if err != nil {
		return err
	}
	return a.sendKey(w, r, http.StatusOK, c, k)
}

func (a *api) keyDelete(w *web.Response, r *web.Request, c *call) error {
	if err := a.engine.DeleteKey(r.Context(), c.actor, number(r.PathValue("id"))); err != nil {
		return err
	}
	return a.nothing(w)
}

func (a *api) keyReset(w *web.Response, r *web.Request, c *call) error {
	k, err := a.engine.ResetKey(r.Context(), c.actor, number(r.PathValue("id")))
	if err != nil {
		return err
	}
	return a.sendKey(w, r, http.StatusOK, c, k)
}

func (a *api) sendKey(w *web.Response, r *web.Request, status int, c *call, k *hecate.APIKey) error {
	return a.answer(w, r, status, keyNest, func(dst []byte) []byte { return appendKey(dst, c.version, c.app, k) })
}
