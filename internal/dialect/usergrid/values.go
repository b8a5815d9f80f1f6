package usergrid

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"hecate"
	"hecate/internal/web"
)

// assetField is the property that holds an entity's asset; it shows what is known of the bytes.
const assetField = "file-metadata"

// reserved are properties of a body that say nothing: clients send whole entities back (contracts/usergrid.md 9).
var reserved = map[string]bool{"uuid": true, "type": true, "metadata": true, "created": true, "modified": true, assetField: true}

// timeText is how times are shown, which this dialect has no type of its own for.
const timeText = "2006-01-02T15:04:05.000000Z"

// valuesOf are the properties of a body as fields of a collection, which may be nil. null and "" remove a property. Errors: faults
// on values that do not fit a typed field, which only collections of other dialects have.
func valuesOf(c *hecate.Collection, object map[string]any) (hecate.Values, error) {
	values := make(hecate.Values, len(object))
	for name, v := range object {
		if reserved[name] {
			continue
		}
		if v == nil || v == "" {
			values[name] = nil
			continue
		}
		var f *hecate.Field
		if c != nil {
			f = c.Field(name)
		}
		if f != nil && f.Type == hecate.FileType {
			continue // what an answer shows of a file, sent back
		}
		value, problem := valueOf(f, v)
		if problem != "" {
			return nil, illegalArgument(name + ": " + problem)
		}
		values[name] = value
	}
	return values, nil
}

// valueOf is a value of a body for a field, which is nil where it can be anything.
func valueOf(f *hecate.Field, v any) (value any, problem string) {
	if f == nil {
		return plainValue(v)
	}
	switch f.Type {
	case hecate.TimeType:
		return timeOf(v)
	case hecate.GeoType:
		return geoOf(v)
	case hecate.ReferenceType:
		return refOf(v)
	case hecate.RelationType:
		return refsOf(v)
	}
	return plainValue(v)
}

// plainValue is JSON with its numbers as the engine takes them.
func plainValue(v any) (any, string) {
	switch v := v.(type) {
	case json.Number:
		return exactNumber(v)
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			value, problem := plainValue(item)
			if problem != "" {
				return nil, problem
			}
			list[i] = value
		}
		return list, ""
	case map[string]any:
		object := make(map[string]any, len(v))
		for name, item := range v {
			value, problem := plainValue(item)
			if problem != "" {
				return nil, problem
			}
			object[name] = value
		}
		return object, ""
	}
	return v, ""
}

// exactNumber keeps whole numbers whole.
func exactNumber(n json.Number) (any, string) {
	text := n.String()
	if whole, err := strconv.ParseInt(text, 10, 64); err == nil {
		return whole, ""
	}
	if !strings.ContainsAny(text, ".eE") {
		return nil, "the number has too many digits to be kept as it is"
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, "the number is out of range"
	}
	return f, ""
}

func timeOf(v any) (any, string) {
	switch v := v.(type) {
	case string:
		if t, err := time.Parse(time.RFC3339Nano, v); err == nil {
			return t, ""
		}
	case json.Number:
		if ms, err := v.Int64(); err == nil {
			return time.UnixMilli(ms).UTC(), ""
		}
	}
	return nil, "not a time"
}

func geoOf(v any) (any, string) {
	object, _ := v.(map[string]any)
	lat, ok1 := object["latitude"].(json.Number)
	lng, ok2 := object["longitude"].(json.Number)
	if !ok1 || !ok2 {
		return nil, "not a location with latitude and longitude"
	}
	y, err1 := lat.Float64()
	x, err2 := lng.Float64()
	if err1 != nil || err2 != nil {
		return nil, "not a location with latitude and longitude"
	}
	return hecate.Geo{Lat: y, Lng: x}, ""
}

func refOf(v any) (any, string) {
	if object, ok := v.(map[string]any); ok {
		v = object["uuid"]
	}
	id, _ := v.(string)
	if !isUUID(id) {
		return nil, "not the uuid of an entity"
	}
	return hecate.Ref{ID: hecate.RecordID(strings.ToLower(id))}, ""
}

func refsOf(v any) (any, string) {
	list, ok := v.([]any)
	if !ok {
		return nil, "not a list of uuids"
	}
	refs := make([]hecate.Ref, len(list))
	for i, item := range list {
		ref, problem := refOf(item)
		if problem != "" {
			return nil, problem
		}
		refs[i] = ref.(hecate.Ref)
	}
	return refs, ""
}

// appendValue appends a stored value as JSON.
func appendValue(dst []byte, v any) []byte {
	switch v := v.(type) {
	case float64:
		return appendFloat(dst, v)
	case time.Time:
		return web.AppendText(dst, v.UTC().Format(timeText))
	case hecate.Geo:
		dst = appendFloat(append(dst, `{"latitude":`...), v.Lat)
		return append(appendFloat(append(dst, `,"longitude":`...), v.Lng), '}')
	case hecate.Ref:
		return web.AppendText(dst, string(v.ID))
	case []hecate.Ref:
		dst = append(dst, '[')
		for i, ref := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = web.AppendText(dst, string(ref.ID))
		}
		return append(dst, ']')
	case hecate.FileRef:
		return appendFile(dst, v)
	case []any:
		dst = append(dst, '[')
		for i, item := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendValue(dst, item)
		}
		return append(dst, ']')
	case map[string]any:
		dst = append(dst, '{')
		for i, name := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendValue(append(web.AppendText(dst, name), ':'), v[name])
		}
		return append(dst, '}')
	}
	return web.AppendJSON(dst, v)
}

// appendFloat keeps a number that was sent with a fraction one with a fraction.
func appendFloat(dst []byte, f float64) []byte {
	if f == math.Trunc(f) && math.Abs(f) < 1e15 {
		return strconv.AppendFloat(dst, f, 'f', 1, 64)
	}
	return web.AppendJSON(dst, f)
}

// appendFile is what is shown of an asset: contracts/usergrid.md 11.
func appendFile(dst []byte, f hecate.FileRef) []byte {
	j := web.JSONWriter{}
	j.Open()
	j.Text("content-type", f.Type)
	j.Int("content-length", f.Size)
	j.Int("last-modified", madeAt(string(f.ID)).UnixMilli())
	j.Text("etag", string(f.ID))
	j.Close()
	return append(dst, j.Buf...)
}

// madeAt is when an id was made, which it begins with.
func madeAt(id string) time.Time {
	ms, err := strconv.ParseInt(strings.ReplaceAll(id[:min(len(id), 13)], "-", ""), 16, 64)
	if err != nil {
		return time.UnixMilli(0).UTC()
	}
	return time.UnixMilli(ms).UTC()
}
