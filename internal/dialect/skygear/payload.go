package skygear

import "encoding/json"

// payload is the object that a request brought. Its methods read one parameter
// of the declared type: absent and null are the zero value without error, any
// other type is 107.
type payload map[string]any

func member[T any](p payload, name string) (v T, err error) {
	raw, ok := p[name]
	if !ok || raw == nil {
		return v, nil
	}
	v, ok = raw.(T)
	if !ok {
		return v, undecodable()
	}
	return v, nil
}

// has reports whether the parameter is there and not null.
func (p payload) has(name string) bool { return p[name] != nil }

// text reads a string.
func (p payload) text(name string) (string, error) { return member[string](p, name) }

// bool reads true or false.
func (p payload) bool(name string) (bool, error) { return member[bool](p, name) }

// object reads an object; nil when absent.
func (p payload) object(name string) (payload, error) {
	m, err := member[map[string]any](p, name)
	return m, err
}

// list reads an array; nil when absent.
func (p payload) list(name string) ([]any, error) { return member[[]any](p, name) }

// texts reads an array of strings; nil when absent, empty when it is so.
func (p payload) texts(name string) ([]string, error) {
	list, err := p.list(name)
	if err != nil || list == nil {
		return nil, err
	}
	out := make([]string, len(list))
	for i, item := range list {
		text, ok := item.(string)
		if !ok {
			return nil, undecodable()
		}
		out[i] = text
	}
	return out, nil
}

// int reads a whole number; given tells 0 from nothing.
func (p payload) int(name string) (n int64, given bool, err error) {
	number, err := member[json.Number](p, name)
	if err != nil || number == "" {
		return 0, false, err
	}
	if n, err = number.Int64(); err == nil {
		return n, true, nil
	}
	f, ferr := number.Float64()
	if ferr != nil || f != float64(int64(f)) {
		return 0, false, undecodable()
	}
	return int64(f), true, nil
}

// arguments are what a lambda was called with: an object by name, or an array whose items take the names in order.
func (p payload) arguments(names ...string) (payload, error) {
	switch args := p["args"].(type) {
	case nil:
		return payload{}, nil
	case map[string]any:
		return args, nil
	case []any:
		if len(args) > len(names) {
			return nil, invalid("too many arguments", "args")
		}
		named := payload{}
		for i, v := range args {
			named[names[i]] = v
		}
		return named, nil
	}
	return nil, undecodable()
}
