package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"hecate"
)

// Document is a record's stored values by slot. The Go types are those of
// hecate.Values, and absent is null: nothing in it is nil at the top.
//
// As JSON every value says by itself what it is, whatever the schema says by
// then: strings, numbers, booleans, arrays and objects are plain, the rest are
// objects with one tag. An object of a caller that has a key like a tag is
// wrapped in one.
type Document map[string]any

// The tags of stored values.
const (
	tagTime   = "$time"
	tagRef    = "$ref"
	tagRefs   = "$refs"
	tagGeo    = "$geo"
	tagFile   = "$file"
	tagObject = "$object"
)

// timeText is how a time is stored: of fixed width, so that it sorts as text.
const timeText = "2006-01-02T15:04:05.000000Z"

// refJSON, geoJSON and fileJSON are the stored forms inside their tags.
type refJSON struct {
	ID  hecate.RecordID     `json:"id"`
	Seq int64               `json:"seq"`
	In  hecate.CollectionID `json:"in"`
	Key string              `json:"key,omitempty"`
}

type fileJSON struct {
	ID     hecate.FileID `json:"id"`
	Handle string        `json:"handle"`
	Name   string        `json:"name"`
	Type   string        `json:"type"`
	Size   int64         `json:"size"`
}

// Encode returns the document as stored JSON, keys sorted. A value of a type
// that no document holds is an error.
func (d Document) Encode() (string, error) {
	b, err := appendObject(make([]byte, 0, 256), d)
	return string(b), err
}

func appendObject(b []byte, m map[string]any) ([]byte, error) {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	b = append(b, '{')
	for i, k := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, k), ':')
		var err error
		if b, err = appendValue(b, m[k]); err != nil {
			return nil, fmt.Errorf("%s: %w", k, err)
		}
	}
	return append(b, '}'), nil
}

func appendValue(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case string:
		return appendString(b, v), nil
	case bool:
		return strconv.AppendBool(b, v), nil
	case int64:
		return strconv.AppendInt(b, v, 10), nil
	case int:
		return strconv.AppendInt(b, int64(v), 10), nil
	case float64:
		return appendFloat(b, v)
	case time.Time:
		b = append(b, `{"`+tagTime+`":"`...)
		return append(v.UTC().AppendFormat(b, timeText), `"}`...), nil
	case hecate.Geo:
		return appendGeo(b, v)
	case hecate.Ref:
		return appendTagged(b, tagRef, refJSON{v.ID, v.Seq, v.Collection, v.Key})
	case []hecate.Ref:
		refs := make([]refJSON, len(v))
		for i, r := range v {
			refs[i] = refJSON{r.ID, r.Seq, r.Collection, r.Key}
		}
		return appendTagged(b, tagRefs, refs)
	case hecate.FileRef:
		return appendTagged(b, tagFile, fileJSON(v))
	case []any:
		return appendArray(b, v)
	case map[string]any:
		return appendMap(b, v)
	}
	return nil, fmt.Errorf("a record cannot hold a %T", v)
}

func appendMap(b []byte, m map[string]any) ([]byte, error) {
	for k := range m {
		if strings.HasPrefix(k, "$") {
			b, err := appendObject(append(b, `{"`+tagObject+`":`...), m)
			return append(b, '}'), err
		}
	}
	return appendObject(b, m)
}

func appendArray(b []byte, list []any) ([]byte, error) {
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendValue(b, v); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

// appendFloat keeps a float a float: a whole one gets a fraction, and there is no
// exponent that jsonb would write out as an integer.
func appendFloat(b []byte, f float64) ([]byte, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, fmt.Errorf("a record cannot hold %v", f)
	}
	if f == 0 {
		return append(b, "0.0"...), nil // jsonb knows no negative zero
	}
	at := len(b)
	b = strconv.AppendFloat(b, f, 'f', -1, 64)
	if !bytes.ContainsRune(b[at:], '.') {
		b = append(b, ".0"...)
	}
	return b, nil
}

func appendGeo(b []byte, g hecate.Geo) ([]byte, error) {
	b, err := appendFloat(append(b, `{"`+tagGeo+`":{"lat":`...), g.Lat)
	if err != nil {
		return nil, err
	}
	if b, err = appendFloat(append(b, `,"lng":`...), g.Lng); err != nil {
		return nil, err
	}
	return append(b, "}}"...), nil
}

func appendTagged(b []byte, tag string, v any) ([]byte, error) {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	b = append(b, `{"`+tag+`":`...)
	return append(append(b, bytes.TrimRight(text.Bytes(), "\n")...), '}'), nil
}

const hexDigits = "0123456789abcdef"

// appendString quotes valid UTF-8 for JSON.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, '\\', 'n')
		case c < 0x20 || c == 0x7f:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// DecodeDocument reads what Encode wrote.
func DecodeDocument(text string) (Document, error) {
	m, err := decodeObject(text)
	if err != nil {
		return nil, fmt.Errorf("stored document: %w", err)
	}
	for k, v := range m {
		switch v.(type) {
		case nil:
			delete(m, k)
		case []any, map[string]any:
			m[k] = untag(v)
		}
	}
	return m, nil
}

// untag turns tagged objects inside v into what they stand for. What looks
// like a tag but holds something else stays an object.
func untag(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = untag(v[i])
		}
	case map[string]any:
		if len(v) == 1 {
			for tag, inner := range v {
				if value, ok := untagged(tag, inner); ok {
					return value
				}
			}
		}
		for k := range v {
			v[k] = untag(v[k])
		}
	}
	return v
}

func untagged(tag string, inner any) (any, bool) {
	switch tag {
	case tagTime:
		text, _ := inner.(string)
		t, err := time.Parse(timeText, text)
		return t, err == nil
	case tagRef:
		m, ok := inner.(map[string]any)
		return refOf(m), ok
	case tagRefs:
		list, ok := inner.([]any)
		refs := make([]hecate.Ref, 0, len(list))
		for _, item := range list {
			m, _ := item.(map[string]any)
			refs = append(refs, refOf(m))
		}
		return refs, ok
	case tagGeo:
		m, ok := inner.(map[string]any)
		return hecate.Geo{Lat: floatOf(m["lat"]), Lng: floatOf(m["lng"])}, ok
	case tagFile:
		m, ok := inner.(map[string]any)
		size, _ := m["size"].(int64)
		return hecate.FileRef{
			ID: hecate.FileID(textIn(m, "id")), Handle: textIn(m, "handle"),
			Name: textIn(m, "name"), Type: textIn(m, "type"), Size: size,
		}, ok
	case tagObject:
		m, ok := inner.(map[string]any)
		for k := range m {
			m[k] = untag(m[k])
		}
		return m, ok
	}
	return nil, false
}

func refOf(m map[string]any) hecate.Ref {
	seq, _ := m["seq"].(int64)
	return hecate.Ref{
		Collection: hecate.CollectionID(textIn(m, "in")), ID: hecate.RecordID(textIn(m, "id")),
		Seq: seq, Key: textIn(m, "key"),
	}
}

func textIn(m map[string]any, key string) string {
	s, _ := m[key].(string)
	return s
}

func floatOf(v any) float64 {
	switch n := v.(type) {
	case int64:
		return float64(n)
	case float64:
		return n
	}
	return 0
}

// Named returns the document by field name, as the schema of c has it now:
// values of dropped fields and of former types stay hidden.
func (d Document) Named(c *hecate.Collection) hecate.Values {
	values := make(hecate.Values, len(d))
	for i := range c.Schema {
		f := &c.Schema[i]
		if v, ok := d[f.Slot]; ok && !f.Dropped {
			values[f.Name] = v
		}
	}
	if c.Open && len(values) < len(d) {
		d.addFree(c, values)
	}
	return values
}

// addFree adds the values in no slot of the schema.
func (d Document) addFree(c *hecate.Collection, values hecate.Values) {
	hidden := make(map[string]bool, len(c.Schema))
	for i := range c.Schema {
		hidden[c.Schema[i].Slot] = true
	}
	for k, v := range d {
		if !hidden[k] {
			values[k] = v
		}
	}
}

// Files returns the files that the document holds.
func (d Document) Files() []hecate.FileRef {
	var files []hecate.FileRef
	for _, v := range d {
		if f, ok := v.(hecate.FileRef); ok {
			files = append(files, f)
		}
	}
	return files
}
