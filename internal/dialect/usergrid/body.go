package usergrid

import (
	"encoding/json"

	"hecate"
	"hecate/internal/web"
)

// payload is the body of a request as the dialect takes it: contracts/usergrid.md 2.1.
type payload struct {
	object map[string]any   // nil: no object was sent
	batch  []map[string]any // of an array; nil: no array was sent
}

// with is the object, made where none was sent, with one member set.
func (p payload) with(name string, value any) map[string]any {
	object := p.object
	if object == nil {
		object = map[string]any{}
	}
	object[name] = value
	return object
}

// readPayload reads JSON whatever its media type, forms as properties, and nothing as nothing. Kinds: Malformed,
// TooLarge, Unsupported.
func readPayload(r *web.Request) (payload, error) {
	body, err := r.ReadBody(web.Reading{SniffJSON: true})
	if err != nil {
		return payload{}, err
	}
	switch body.Kind {
	case web.NoBody:
		return payload{}, nil
	case web.Form, web.Multipart:
		object := make(map[string]any, len(body.Form))
		for name, values := range body.Form {
			object[name] = values[len(values)-1]
		}
		return payload{object: object}, nil
	case web.JSON:
		return payloadOf(body.Value)
	}
	return payload{}, hecate.E(hecate.Unsupported, "read request").On("content-type").Says("media type " + body.MediaType)
}

func payloadOf(v any) (payload, error) {
	switch v := v.(type) {
	case nil:
		return payload{}, nil
	case map[string]any:
		return payload{object: v}, nil
	case []any:
		p := payload{batch: make([]map[string]any, 0, len(v))}
		for _, item := range v {
			object, ok := item.(map[string]any)
			if !ok {
				return payload{}, hecate.E(hecate.Malformed, "read request").Says("an array of objects is expected")
			}
			p.batch = append(p.batch, object)
		}
		return p, nil
	}
	return payload{}, hecate.E(hecate.Malformed, "read request").Says("an object is expected")
}

// text is a member that is a string, or "".
func (p payload) text(name string) string {
	switch v := p.object[name].(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}
