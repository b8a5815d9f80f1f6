package usergrid

import (
	"context"
	"errors"
	"net/http"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// A device is made before anybody signs in, and belongs to a user afterwards: contracts/usergrid.md 7.2.

// connectDevice links a device to a user: the one that the path, the body's uuid or its name means, with what else the body
// says of it; else a new one.
func (a *api) connectDevice(w *web.Response, r *web.Request, c *call, x walk) error {
	ctx, path := r.Context(), x.base
	on := *c
	on.actor, on.onto = c.via(path), &engine.Onto{From: x.from.id, Name: x.name}
	body, err := a.readBody(r, &on)
	if err != nil {
		return err
	}
	to, err := a.linkDevice(ctx, &on, r.Method, x, body)
	if err != nil {
		a.drop(ctx, &on, body)
		return reached(c, r.Method, path, err)
	}
	return a.answerConnected(w, r, c, on.actor, x, []engine.Placed{to}, "")
}

func (a *api) linkDevice(ctx context.Context, on *call, method string, x walk, body entityBody) (engine.Placed, error) {
	if body.batch != nil {
		return engine.Placed{}, illegalArgument("one device is expected")
	}
	ref := deviceOf(x.item, body)
	if ref.many {
		return engine.Placed{}, unsupportedOperation()
	}
	if ref != (itemRef{}) && sayNothing(body) {
		to, err := a.linkKnown(ctx, on, x, ref)
		if err == nil || !errors.Is(err, hecate.NotFound) || x.item != "" && method == http.MethodPost {
			return to, err
		}
	}
	in := engine.SaveInput{Mode: engine.MakeOnly}
	if ref != (itemRef{}) {
		in.Mode, in.Input.ID = engine.MakeOrChange, ref.id
		if ref.id == "" {
			in.By = engine.FieldText{Field: nameField, Text: ref.name}
		}
	}
	coll, rec, err := a.saveBody(ctx, on, on.actor, devicesName, in, body)
	return engine.Placed{Collection: coll, Record: rec}, err
}

// deviceOf is the device that a path or a body means; zero: none.
func deviceOf(item string, body entityBody) itemRef {
	if item != "" {
		return itemOf(item)
	}
	if id := body.text("uuid"); isUUID(id) {
		return itemOf(id)
	}
	return itemRef{name: body.text(nameField)}
}

// sayNothing reports whether a body says no more of a device than which one it is.
func sayNothing(body entityBody) bool {
	for name := range body.object {
		if name != nameField && !reserved[name] {
			return false
		}
	}
	return body.asset == nil
}

// linkKnown links a device that is there. Kinds: those of engine.Link.
func (a *api) linkKnown(ctx context.Context, on *call, x walk, ref itemRef) (engine.Placed, error) {
	coll, err := a.dataCollection(ctx, on, devicesName)
	if err != nil {
		return engine.Placed{}, err
	}
	id, err := a.locateItem(ctx, coll, ref)
	if err != nil {
		return engine.Placed{}, err
	}
	actor := on.via(x.base + "/" + string(id))
	rec, err := a.engine.RecordAnywhere(ctx, actor, id)
	if err == nil && rec.Collection.ID != coll.ID {
		err = hecate.E(hecate.NotFound, "find device")
	}
	if err != nil {
		return engine.Placed{}, err
	}
	return rec, a.engine.Link(ctx, actor, x.from.id, x.name, id)
}
