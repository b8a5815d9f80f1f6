package skygear

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"hecate"
	"hecate/internal/web"
)

// maxValueDepth is how deep arrays and objects of one value may stand inside each other.
const maxValueDepth = 32

// Markers are values that no record holds: they ask for something.
type (
	sequence struct{} // make the field one that counts by itself
	ignored  struct{} // a value of a type that the server does not know: the field stays as it is
	keypath  string   // queries only
	relation struct{ name, direction string }
)

// values reads and writes values. What it must look up it is handed as functions.
type values struct {
	// collection finds the id of a record type, hecate.UserTarget for "user". Kinds: NotFound.
	collection func(ctx context.Context, name string) (hecate.CollectionID, error)
	// file finds an uploaded asset by its name on the wire. Kinds: NotFound.
	file func(ctx context.Context, name string) (hecate.FileRef, error)

	// typeName is the name of a record type, "" when the collection is gone.
	typeName func(id hecate.CollectionID) string
	// asset is what a file is called on the wire, and where it is read.
	asset func(f hecate.FileRef) (name, url string)
}

// read turns a JSON value into one of the types of hecate.Values, or a marker;
// null is nil. Objects and arrays are walked: what is typed inside them is checked and kept as it was written.
// The errors are failures of 108, or those of the look-ups.
func (v *values) read(ctx context.Context, raw any) (any, error) {
	object, ok := raw.(map[string]any)
	if !ok {
		return v.untyped(ctx, raw, 0)
	}
	if _, typed := object["$type"]; !typed {
		return v.untyped(ctx, raw, 0)
	}
	return v.typed(ctx, object)
}

// untyped reads plain JSON; what is typed inside it must be right.
func (v *values) untyped(ctx context.Context, raw any, depth int) (any, error) {
	if depth > maxValueDepth {
		return nil, invalid("value is nested too deeply")
	}
	switch raw := raw.(type) {
	case json.Number:
		n, err := plainNumber(raw)
		if err != nil {
			return nil, invalid("number is out of range")
		}
		return n, nil
	case []any:
		list := make([]any, len(raw))
		for i := range raw {
			item, err := v.untyped(ctx, raw[i], depth+1)
			if err != nil {
				return nil, err
			}
			list[i] = item
		}
		return list, nil
	case map[string]any:
		if _, typed := raw["$type"]; typed && depth > 0 {
			return v.inside(ctx, raw, depth)
		}
		return v.members(ctx, raw, depth)
	}
	return raw, nil
}

func (v *values) members(ctx context.Context, raw map[string]any, depth int) (any, error) {
	object := make(map[string]any, len(raw))
	for name := range raw {
		member, err := v.untyped(ctx, raw[name], depth+1)
		if err != nil {
			return nil, err
		}
		object[name] = member
	}
	return object, nil
}

// inside reads a typed value inside another one. Moments and places are stored
// as such everywhere; the rest must be right and stays the object it was.
func (v *values) inside(ctx context.Context, raw map[string]any, depth int) (any, error) {
	if raw["$type"] != "geojson" { // whose members are walked below, once
		value, err := v.typed(ctx, raw)
		if err != nil {
			return nil, err
		}
		switch value.(type) {
		case time.Time, hecate.Geo:
			return value, nil
		}
	}
	return v.members(ctx, raw, depth)
}

// typed reads an object with $type.
func (v *values) typed(ctx context.Context, object map[string]any) (any, error) {
	name, ok := object["$type"].(string)
	if !ok {
		return nil, invalid("$type must be a string")
	}
	if name == "geojson" {
		return v.readGeoJSON(ctx, object)
	}
	read, known := typedReaders[name]
	if !known {
		return nil, invalid("unknown $type = " + name)
	}
	return read(v, ctx, object)
}

// typedReaders read the values of a $type that hold no further values.
var typedReaders = map[string]func(v *values, ctx context.Context, object map[string]any) (any, error){
	"date":     readDate,
	"ref":      readRef,
	"geo":      readGeo,
	"asset":    readAsset,
	"seq":      func(*values, context.Context, map[string]any) (any, error) { return sequence{}, nil },
	"unknown":  func(*values, context.Context, map[string]any) (any, error) { return ignored{}, nil },
	"keypath":  readKeypath,
	"relation": readRelation,
}

// textOf reads a member that must be a string.
func textOf(object map[string]any, name string) (string, error) {
	raw, ok := object[name]
	if !ok {
		return "", invalid("missing field " + name)
	}
	text, ok := raw.(string)
	if !ok {
		return "", invalid(name + " must be a string")
	}
	return text, nil
}

func readDate(_ *values, _ context.Context, object map[string]any) (any, error) {
	text, err := textOf(object, "$date")
	if err != nil {
		return nil, err
	}
	t, ok := parseTime(text)
	if !ok {
		return nil, invalid("failed to parse $date = " + text)
	}
	return t, nil
}

// parseTime reads RFC 3339 in any zone; nanoseconds are cut.
func parseTime(text string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, false
	}
	t = t.UTC().Truncate(time.Microsecond)
	return t, t.Year() >= 1 && t.Year() <= 9999
}

func readRef(v *values, ctx context.Context, object map[string]any) (any, error) {
	text, err := textOf(object, "$id")
	if err != nil {
		return nil, err
	}
	id, ok := parseRecordID(text)
	if !ok {
		return nil, invalid("failed to parse $id = " + text)
	}
	target, err := v.collection(ctx, id.typ)
	if errors.Is(err, hecate.NotFound) {
		return nil, fail(incompatibleSchema, "failed to migrate record schema")
	}
	if err != nil {
		return nil, err
	}
	return hecate.Ref{Collection: target, Key: id.key}, nil
}

func readGeo(_ *values, _ context.Context, object map[string]any) (any, error) {
	lat, ok1 := degrees(object["$lat"], 90)
	lng, ok2 := degrees(object["$lng"], 180)
	switch {
	case !ok1:
		return nil, invalid("$lat must be a number from -90 to 90")
	case !ok2:
		return nil, invalid("$lng must be a number from -180 to 180")
	}
	return hecate.Geo{Lat: lat, Lng: lng}, nil
}

func degrees(raw any, limit float64) (float64, bool) {
	number, ok := raw.(json.Number)
	if !ok {
		return 0, false
	}
	n, err := number.Float64()
	return n, err == nil && n >= -limit && n <= limit
}

// readGeoJSON keeps a shape as the object it came in.
func (v *values) readGeoJSON(ctx context.Context, object map[string]any) (any, error) {
	shape, ok := object["$val"].(map[string]any)
	if !ok {
		return nil, invalid("$val must be an object")
	}
	val, err := v.untyped(ctx, shape, 1)
	if err != nil {
		return nil, err
	}
	return map[string]any{"$type": "geojson", "$val": val}, nil
}

func readAsset(v *values, ctx context.Context, object map[string]any) (any, error) {
	name, err := textOf(object, "$name")
	if err != nil {
		return nil, err
	}
	if name == "" {
		return nil, invalid("asset's $name should not be empty")
	}
	f, err := v.file(ctx, name)
	if errors.Is(err, hecate.NotFound) {
		return nil, invalid("unknown asset " + name)
	}
	return f, err
}

func readKeypath(_ *values, _ context.Context, object map[string]any) (any, error) {
	text, err := textOf(object, "$val")
	if err != nil {
		return nil, err
	}
	return keypath(text), nil
}

func readRelation(_ *values, _ context.Context, object map[string]any) (any, error) {
	name, err := textOf(object, "$name")
	if err != nil {
		return nil, err
	}
	direction, err := textOf(object, "$direction")
	return relation{name, direction}, err
}

// append appends a record's value as the wire shows it.
func (v *values) append(dst []byte, value any) []byte {
	switch value := value.(type) {
	case time.Time:
		dst = append(dst, `{"$date":`...)
		return append(web.AppendTime(dst, value), `,"$type":"date"}`...)
	case hecate.Ref:
		return v.appendRef(dst, value)
	case []hecate.Ref:
		return web.AppendList(dst, value, v.appendRef)
	case hecate.Geo:
		dst = web.AppendPageJSON(append(dst, `{"$lat":`...), value.Lat)
		dst = web.AppendPageJSON(append(dst, `,"$lng":`...), value.Lng)
		return append(dst, `,"$type":"geo"}`...)
	case hecate.FileRef:
		return v.appendAsset(dst, value)
	case []any:
		return web.AppendList(dst, value, v.append)
	case map[string]any:
		return web.AppendObject(dst, value, web.AppendPageText, v.append)
	}
	return web.AppendPageJSON(dst, value)
}

func (v *values) appendRef(dst []byte, r hecate.Ref) []byte {
	dst = append(dst, `{"$id":`...)
	dst = web.AppendPageText(dst, recordID{v.typeName(r.Collection), refKey(r)}.String())
	return append(dst, `,"$type":"ref"}`...)
}

// refKey is how a stored reference is called: its key is set only where it differs from the id.
func refKey(r hecate.Ref) string {
	if r.Key != "" {
		return r.Key
	}
	return string(r.ID)
}

func (v *values) appendAsset(dst []byte, f hecate.FileRef) []byte {
	name, url := v.asset(f)
	j := newJSON(append(dst, '{'))
	j.Text("$content_type", f.Type)
	j.Text("$name", name)
	j.Text("$type", "asset")
	j.Text("$url", url)
	j.Close()
	return j.Buf
}

// recordID is "type/key".
type recordID struct{ typ, key string }

func (id recordID) String() string { return id.typ + "/" + id.key }

// userType is the record type of profiles.
const userType = "user"

// parseRecordID reads "type/key"; the key may hold further slashes.
func parseRecordID(text string) (recordID, bool) {
	typ, key, ok := strings.Cut(text, "/")
	return recordID{typ, key}, ok && typ != "" && key != ""
}

// badRecordID is the failure of an id that cannot be read.
func badRecordID(text string) *failure {
	return invalid(`record: "_id" should be of format '{type}/{id}', got "`+text+`"`, "id")
}

// reserved reports whether a record type or field is none of the client's.
func reserved(name string) bool { return strings.HasPrefix(name, "_") }

// typeNameOf is what a collection is called on the wire.
func typeNameOf(c *hecate.Collection) string {
	if c.Kind == hecate.ProfileCollection {
		return userType
	}
	return c.Name
}
