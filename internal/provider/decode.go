package provider

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxDepth bounds what is kept of an answer.
const maxDepth = 64

var errNoJSON = errors.New("the answer is no JSON")

// decode reads the JSON of an answer. What a map holds afterwards can be stored, and no two numbers become one: people are known by
// numbers that a float64 does not hold.
func decode(text []byte, out any) error {
	if !utf8.Valid(text) {
		return errNoJSON // RFC 8259 8.1; the decoder would make one character of all that are none
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(out); err != nil {
		return errNoJSON
	}
	if _, err := d.Token(); err != io.EOF {
		return errNoJSON
	}
	m, ok := out.(*map[string]any)
	if !ok || *m == nil {
		return nil
	}
	kept, err := storable(*m, 0)
	if err == nil {
		*m = kept.(map[string]any)
	}
	return err
}

// storable is a value as it can be kept. No database takes null characters, so they show as what they are, unknown ones.
func storable(v any, depth int) (_ any, err error) {
	if depth > maxDepth {
		return nil, errors.New("the answer is too deep")
	}
	switch v := v.(type) {
	case string:
		return withoutNull(v), nil
	case json.Number:
		return number(v)
	case []any:
		for i := range v {
			if v[i], err = storable(v[i], depth+1); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, member := range v {
			if out[withoutNull(name)], err = storable(member, depth+1); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return v, nil
}

func withoutNull(s string) string { return strings.ReplaceAll(s, "\x00", string(utf8.RuneError)) }

// number is a float64, or the text of a whole number beyond those that it holds exactly.
func number(n json.Number) (any, error) {
	f, err := n.Float64()
	if err != nil {
		return nil, errNoJSON
	}
	if math.Abs(f) < 1<<53 {
		return f, nil
	}
	if _, err := strconv.ParseUint(n.String(), 10, 64); err == nil {
		return n.String(), nil
	}
	return f, nil
}

// names reports whether a subject stands for one person alone. What is left where the name of somebody was lost, or never was, would
// be the same for many.
func names(kind, subject string) bool {
	if strings.ContainsFunc(subject, func(r rune) bool { return r == utf8.RuneError || unicode.IsControl(r) }) {
		return false
	}
	return strings.TrimSpace(subject) != "" && (subject != "0" || kind == "oidc")
}
