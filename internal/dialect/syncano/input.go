package syncano

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"hecate/internal/web"
)

// reading is how every body without files is read; see the files' own reading in the object handlers.
// text/plain holds JSON: the mode of browsers that avoid a preflight.
var reading = web.Reading{PlainIsJSON: true}

// input is a body whose fields are read one by one; what is wrong with them is
// collected, so that one answer names all of it.
type input struct {
	values map[string]any // JSON members, or the fields of a form as strings
	form   bool           // an empty string means null where null is possible and text is not
	patch  bool           // what is absent stays as it is
	limits *web.Limits
	errs   fieldErrors
}

// readInput reads the body as an object. A body that is none is an empty one.
func readInput(r *web.Request) (*input, error) {
	body, err := r.ReadBody(reading)
	if err != nil {
		return nil, err
	}
	return newInput(r, body)
}

// newInput makes the input of a body that was read with any Reading.
func newInput(r *web.Request, body *web.Body) (*input, error) {
	in := &input{patch: r.Method == http.MethodPatch, limits: r.Limits()}
	switch body.Kind {
	case web.JSON:
		object, ok := body.Object()
		if !ok {
			return nil, invalid("non_field_errors", notObject(body.Value))
		}
		in.values = object
	case web.Form, web.Multipart:
		in.form = true
		in.values = make(map[string]any, len(body.Form))
		for name, values := range body.Form {
			in.values[name] = last(values)
		}
	case web.Other:
		return nil, detail(http.StatusUnsupportedMediaType, "Unsupported media type \""+body.MediaType+"\" in request.")
	}
	return in, nil
}

func notObject(v any) string {
	return "Invalid data. Expected a dictionary, but got " + typeName(v) + "."
}

// typeName is what the old server's language calls a JSON value.
func typeName(v any) string {
	switch v := v.(type) {
	case []any:
		return "list"
	case map[string]any:
		return "dict"
	case string:
		return "str"
	case bool:
		return "bool"
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			return "float"
		}
		return "int"
	}
	return "NoneType"
}

// has reports whether the body holds the field, if only as null.
func (in *input) has(name string) bool { _, ok := in.values[name]; return ok }

// err returns what is wrong with the fields read so far, nil when nothing is.
func (in *input) err() error { return in.errs.err() }

// value returns a field; missing says that it is absent or null, which is an error already where it is required.
func (in *input) value(name string, required bool) (v any, missing bool) {
	v, ok := in.values[name]
	switch {
	case !ok:
		if required && !in.patch {
			in.errs.add(name, textRequired)
		}
		return nil, true
	case v == nil:
		in.errs.add(name, textNull)
		return nil, true
	}
	return v, false
}

// textRule says what a text may be. Lengths count characters after trimming.
type textRule struct {
	required bool // absent is an error, but not on PATCH
	blank    bool // "" is fine
	null     bool // null is fine, and means ""
	max      int  // 0: no bound
}

// text reads a trimmed text: nil when it is absent or wrong.
func (in *input) text(name string, rule textRule) *string {
	if v, ok := in.values[name]; ok && v == nil && rule.null {
		return new(string)
	}
	v, missing := in.value(name, rule.required)
	if missing {
		return nil
	}
	s, ok := asText(v)
	if !ok {
		in.errs.add(name, textNotString)
		return nil
	}
	s = strings.TrimSpace(s)
	switch {
	case s == "" && !rule.blank:
		in.errs.add(name, textBlank)
		return nil
	case rule.max > 0 && utf8.RuneCountInString(s) > rule.max:
		in.errs.add(name, "Ensure this field has no more than "+strconv.Itoa(rule.max)+" characters.")
		return nil
	}
	return &s
}

// asText takes strings, and numbers as they were written; nothing else is text.
func asText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	}
	return "", false
}

// truths are the ways to write a boolean.
var truths = map[string]bool{
	"true": true, "t": true, "1": true, "on": true, "yes": true,
	"false": false, "f": false, "0": false, "off": false, "no": false,
}

// bool reads a flag: nil when it is absent or wrong.
func (in *input) bool(name string) *bool {
	v, missing := in.value(name, false)
	if missing {
		return nil
	}
	b, ok := asBool(v)
	if !ok {
		in.errs.add(name, textNotBoolean)
		return nil
	}
	return &b
}

func asBool(v any) (b, ok bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case string:
		b, ok = truths[strings.ToLower(strings.TrimSpace(v))]
	case json.Number:
		b, ok = truths[v.String()]
	}
	return b, ok
}

// choice reads one of a few words: the index into words, -1 when it is absent or wrong.
func (in *input) choice(name string, words []string) int {
	v, missing := in.value(name, false)
	if missing {
		return -1
	}
	s, _ := asText(v)
	for i, word := range words {
		if s == word {
			return i
		}
	}
	in.errs.add(name, "\""+shown(v)+"\" is not a valid choice.")
	return -1
}

// shown is a wrong value as an error text repeats it.
func shown(v any) string {
	if s, ok := asText(v); ok {
		return s
	}
	return string(web.AppendJSON(nil, v))
}

// pk reads the id of another thing: 0 when it is absent or wrong.
func (in *input) pk(name string) int64 {
	v, missing := in.value(name, true)
	if missing {
		return 0
	}
	n, ok := asInteger(v)
	if !ok {
		in.errs.add(name, "Incorrect type. Expected pk value, received "+typeName(v)+".")
		return 0
	}
	return n
}

// badPK says that nothing has this id.
func badPK(name string, pk int64) error {
	return invalid(name, "Invalid pk \""+strconv.FormatInt(pk, 10)+"\" - object does not exist.")
}

// asInteger takes whole numbers, also as text.
func asInteger(v any) (int64, bool) {
	s, ok := asText(v)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	return n, err == nil
}

// json reads any JSON value, which may arrive as JSON text inside a string.
// ok is false when the field is absent or wrong. In a form, "" is null.
func (in *input) json(name string) (v any, ok bool) {
	v, ok = in.values[name]
	if !ok {
		return nil, false
	}
	text, isText := v.(string)
	if !isText {
		return v, true
	}
	if in.form && strings.TrimSpace(text) == "" {
		return nil, true
	}
	v, err := web.DecodeJSON([]byte(text), in.limits)
	if err != nil {
		in.errs.add(name, textNotJSON)
		return nil, false
	}
	return v, true
}

// object reads a JSON object, which may arrive as text: nil when it is absent or wrong.
func (in *input) object(name string) map[string]any {
	v, ok := in.json(name)
	if !ok {
		return nil
	}
	switch v := v.(type) {
	case nil:
		in.errs.add(name, textNull)
	case map[string]any:
		return v
	default:
		in.errs.add(name, "Expected a dictionary of items but got type \""+typeName(v)+"\".")
	}
	return nil
}

// The limits of metadata.
const (
	metadataKeys  = 8
	metadataName  = 16
	metadataValue = 4096
)

// metadata reads the small notes that accounts, instances and classes carry: nil when absent or wrong.
func (in *input) metadata(name string) map[string]any {
	m := in.object(name)
	if m == nil {
		return nil
	}
	if len(m) > metadataKeys {
		in.errs.add(name, "Too many keys defined (exceeds "+strconv.Itoa(metadataKeys)+").")
		return nil
	}
	for key, v := range m {
		switch {
		case utf8.RuneCountInString(key) > metadataName:
			in.errs.add(name, "Key name is too long (exceeds "+strconv.Itoa(metadataName)+" characters).")
			return nil
		case len(web.AppendJSON(nil, v)) > metadataValue:
			in.errs.add(name, "Value is too long (exceeds "+strconv.Itoa(metadataValue)+" characters).")
			return nil
		}
	}
	return m
}

// email reads an address, as lower case; shape only, whether it exists shows when mail arrives.
func (in *input) email(name string, required bool) *string {
	s := in.text(name, textRule{required: required, max: 254})
	if s == nil {
		return nil
	}
	if !plausibleEmail(*s) {
		in.errs.add(name, textNotEmail)
		return nil
	}
	*s = strings.ToLower(*s)
	return s
}

func plausibleEmail(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	if !ok || local == "" || len(local) > 64 || strings.ContainsAny(s, " \t\r\n<>(),;:\"\\") {
		return false
	}
	dot := strings.LastIndexByte(domain, '.')
	return dot > 0 && dot < len(domain)-1 && !strings.Contains(domain, "@") && !strings.Contains(domain, "..")
}

// or returns what p points to, or the default that a PUT gives to an absent field.
func or[T any](p *T, byDefault T) T {
	if p == nil {
		return byDefault
	}
	return *p
}

// filled gives an absent field its default, unless the request is partial: then it stays nil, unchanged.
func filled[T any](in *input, p *T, byDefault T) *T {
	if p == nil && !in.patch {
		return &byDefault
	}
	return p
}
