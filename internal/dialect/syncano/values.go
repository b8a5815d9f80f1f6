package syncano

import (
	"encoding/json"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"hecate"
	"hecate/internal/web"
)

// Limits of values that only this dialect has; the engine's own are wider.
const (
	maxStringChars    = 128
	maxTextChars      = 32000
	maxObjectChars    = 32768
	maxRelation       = 1000
	maxQueryText      = 128
	minInteger        = math.MinInt32
	maxInteger        = math.MaxInt32
	maxNumberText     = 1000 // characters of a number sent as text
	badDatetime       = "Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm:ss.uuuuuuZ."
	badNumber         = "A valid number is required."
	badArray          = "Not a valid array."
	badItem           = "Array can only contain strings, booleans, integers and floats."
	badObject         = "Not a valid object."
	badRelation       = "Not a valid relation."
	badRelationItem   = "Relation can only contain integers (object ids)."
	badRelationLength = "Relation length limit exceeded (1000)."
	badGeopoint       = "Not a valid geopoint."
	badFile           = "The submitted data was not a file. Check the encoding type on the form."
	badFileURL        = "File URL is invalid."
	badExtension      = "File provided has too long extension. Max 16 characters."
	badTarget         = "Target with specified id does not exist."
	badSize           = "Object maximum size exceeded."
	tooSmallInteger   = "Ensure this value is greater than or equal to -2147483648."
	tooLargeInteger   = "Ensure this value is less than or equal to 2147483647."
	tooLongNumber     = "String value too large."
)

// wireTypes are the field types of this dialect and what they are called in a schema.
// Types that only other dialects make are shown as the nearest one.
var wireTypes = map[hecate.FieldType]string{
	hecate.StringType: "string", hecate.TextType: "text", hecate.IntegerType: "integer", hecate.NumberType: "float",
	hecate.BooleanType: "boolean", hecate.TimeType: "datetime", hecate.FileType: "file", hecate.ReferenceType: "reference",
	hecate.RelationType: "relation", hecate.ArrayType: "array", hecate.ObjectType: "object", hecate.GeoType: "geopoint",
	hecate.JSONType: "object", hecate.SequenceType: "integer",
}

// given is the value of one schema field as a client sent it, read by the field's type.
type given struct {
	value   any             // for Values; nil clears the field
	changes []hecate.Change // operations on the stored value, in place of value
	url     string          // a file field named by its URL, in place of value
}

// manner is how a value arrived.
type manner struct {
	form   bool // as text of a form, where "" stands for null
	update bool // operations are understood
}

// readValue reads what a client sent for a schema field; fault is what to tell it, "" when all is well.
func readValue(f *hecate.Field, raw any, how manner) (in given, fault string) {
	read, ok := valueReaders[f.Type]
	if !ok {
		return given{}, badObject
	}
	text, isText := raw.(string)
	if isText && text == "" && how.form && f.Type != hecate.StringType && f.Type != hecate.TextType {
		raw = nil
	}
	if raw = unwrap(f.Type, raw); raw == nil {
		return given{}, ""
	}
	if operations := operationReaders[f.Type]; operations != nil && how.update {
		if object, ok := asObject(raw); ok && len(object) > 0 {
			changes, fault := operations(f, object)
			return given{changes: changes}, fault
		}
	}
	return read(f, raw)
}

// unwrap takes the value out of the form in which this dialect shows it (decision D12): clients send whole objects back.
func unwrap(t hecate.FieldType, raw any) any {
	switch t {
	case hecate.FileType, hecate.TimeType, hecate.ReferenceType, hecate.RelationType:
	default:
		return raw
	}
	object, ok := asObject(raw)
	if !ok || object["type"] != wireTypes[t] {
		return raw
	}
	value, ok := object["value"]
	if !ok {
		return raw
	}
	return value
}

// valueReaders read a value that is not null.
var valueReaders = map[hecate.FieldType]func(f *hecate.Field, raw any) (given, string){
	hecate.StringType:    func(_ *hecate.Field, raw any) (given, string) { return readText(raw, maxStringChars) },
	hecate.TextType:      func(_ *hecate.Field, raw any) (given, string) { return readText(raw, maxTextChars) },
	hecate.IntegerType:   readInteger,
	hecate.SequenceType:  readInteger,
	hecate.NumberType:    readFloat,
	hecate.BooleanType:   readBoolean,
	hecate.TimeType:      readDatetime,
	hecate.FileType:      readFileURL,
	hecate.ReferenceType: readReference,
	hecate.RelationType:  readRelation,
	hecate.ArrayType:     readArray,
	hecate.ObjectType:    readObject,
	hecate.GeoType:       readGeopoint,
	hecate.JSONType:      func(_ *hecate.Field, raw any) (given, string) { return given{value: plain(raw)}, "" },
}

// operationReaders read the operations of an update, a non-empty object.
var operationReaders = map[hecate.FieldType]func(f *hecate.Field, object map[string]any) ([]hecate.Change, string){
	hecate.IntegerType:  readIncrement,
	hecate.NumberType:   readIncrement,
	hecate.ArrayType:    readArrayOperations,
	hecate.RelationType: readRelationOperations,
}

func readText(raw any, limit int) (given, string) {
	var text string
	switch v := raw.(type) {
	case string:
		text = v
	case json.Number:
		text = v.String()
	default:
		return given{}, textNotString
	}
	if utf8.RuneCountInString(text) > limit {
		return given{}, "Ensure this field has no more than " + strconv.Itoa(limit) + " characters."
	}
	return given{value: text}, ""
}

func readInteger(_ *hecate.Field, raw any) (given, string) {
	n, fault := integer(raw)
	if fault != "" {
		return given{}, fault
	}
	if fault := integerFault(n); fault != "" {
		return given{}, fault
	}
	return given{value: n}, ""
}

func integerFault(n int64) string {
	switch {
	case n < minInteger:
		return tooSmallInteger
	case n > maxInteger:
		return tooLargeInteger
	}
	return ""
}

// wholeNumber is a number without a fraction, save one of zeros.
var wholeNumber = regexp.MustCompile(`^([+-]?[0-9]+)(?:\.0*)?$`)

// integer reads a whole number of any size that fits 64 bits; larger ones are cut to the largest.
func integer(raw any) (int64, string) {
	text, ok := numberText(raw)
	if !ok {
		return 0, textNotInteger
	}
	if len(text) > maxNumberText {
		return 0, tooLongNumber
	}
	if m := wholeNumber.FindStringSubmatch(text); m != nil {
		// Out of range leaves the nearest number, which the range check refuses.
		n, _ := strconv.ParseInt(m[1], 10, 64)
		return n, ""
	}
	if _, isNumber := raw.(json.Number); !isNumber {
		return 0, textNotInteger
	}
	f, err := strconv.ParseFloat(text, 64) // 1e3
	if err != nil || f != math.Trunc(f) || math.Abs(f) >= 1<<63 {
		return 0, textNotInteger
	}
	return int64(f), ""
}

func numberText(raw any) (string, bool) {
	switch v := raw.(type) {
	case json.Number:
		return v.String(), true
	case string:
		return strings.TrimSpace(v), true
	}
	return "", false
}

func readFloat(_ *hecate.Field, raw any) (given, string) {
	n, fault := float(raw)
	return given{value: n}, fault
}

func float(raw any) (float64, string) {
	text, ok := numberText(raw)
	if !ok {
		return 0, badNumber
	}
	if len(text) > maxNumberText {
		return 0, tooLongNumber
	}
	// Hexadecimal and underscores are Go's, not the wire's.
	if strings.ContainsAny(text, "xX_pP") {
		return 0, badNumber
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return 0, badNumber
	}
	return n, ""
}

// booleans are the words for true, false and null.
var booleans = map[string]any{
	"t": true, "T": true, "true": true, "True": true, "TRUE": true, "1": true,
	"f": false, "F": false, "false": false, "False": false, "FALSE": false, "0": false,
	"n": nil, "N": nil, "null": nil, "Null": nil, "NULL": nil, "": nil,
}

func readBoolean(_ *hecate.Field, raw any) (given, string) {
	if v, ok := raw.(bool); ok {
		return given{value: v}, ""
	}
	text, ok := numberText(raw)
	if !ok {
		return given{}, textNotBoolean
	}
	v, ok := booleans[text]
	if !ok {
		return given{}, textNotBoolean
	}
	return given{value: v}, ""
}

var exactDatetime = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{1,6}Z$`)

func readDatetime(_ *hecate.Field, raw any) (given, string) {
	text, ok := raw.(string)
	if !ok || !exactDatetime.MatchString(text) {
		return given{}, badDatetime
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || t.Year() < 1 {
		return given{}, badDatetime
	}
	return given{value: t.UTC()}, ""
}

func readFileURL(_ *hecate.Field, raw any) (given, string) {
	text, ok := raw.(string)
	if !ok || text == "" {
		return given{}, badFile
	}
	return given{url: text}, ""
}

func readReference(f *hecate.Field, raw any) (given, string) {
	n, fault := integer(raw)
	if fault != "" {
		return given{}, fault
	}
	if n <= 0 {
		return given{}, badTarget
	}
	return given{value: hecate.Ref{Collection: f.Target, Seq: n}}, ""
}

func readRelation(f *hecate.Field, raw any) (given, string) {
	list, ok := asList(raw)
	if !ok {
		return given{}, badRelation
	}
	refs, fault := refs(f, list)
	if fault != "" {
		return given{}, fault
	}
	if len(refs) > maxRelation {
		return given{}, badRelationLength
	}
	return given{value: refs}, ""
}

// refs reads a list of ids; duplicates are dropped.
func refs(f *hecate.Field, list []any) ([]hecate.Ref, string) {
	out := make([]hecate.Ref, 0, len(list))
	seen := make(map[int64]bool, len(list))
	for _, item := range list {
		number, ok := item.(json.Number)
		if !ok {
			return nil, badRelationItem
		}
		n, err := strconv.ParseInt(number.String(), 10, 64)
		if err != nil {
			return nil, badRelationItem
		}
		if n > 0 && !seen[n] {
			seen[n] = true
			out = append(out, hecate.Ref{Collection: f.Target, Seq: n})
		}
	}
	return out, ""
}

func readArray(_ *hecate.Field, raw any) (given, string) {
	list, ok := asList(raw)
	if !ok {
		return given{}, badArray
	}
	items, fault := arrayItems(list)
	if fault != "" {
		return given{}, fault
	}
	return given{value: items}, ""
}

func arrayItems(list []any) ([]any, string) {
	items := make([]any, 0, len(list))
	for _, item := range list {
		switch item.(type) {
		case string, bool, json.Number:
			items = append(items, plain(item))
		default:
			return nil, badItem
		}
	}
	return items, ""
}

func readObject(_ *hecate.Field, raw any) (given, string) {
	object, ok := asObject(raw)
	if !ok {
		return given{}, badObject
	}
	return given{value: plain(object)}, ""
}

func readGeopoint(_ *hecate.Field, raw any) (given, string) {
	object, ok := asObject(raw)
	if !ok {
		return given{}, badGeopoint
	}
	geo, ok := geopoint(object)
	if !ok {
		return given{}, badGeopoint
	}
	return given{value: geo}, ""
}

func geopoint(object map[string]any) (hecate.Geo, bool) {
	lat, ok1 := degrees(object["latitude"], 90)
	lng, ok2 := degrees(object["longitude"], 180)
	return hecate.Geo{Lat: lat, Lng: lng}, ok1 && ok2
}

func degrees(raw any, limit float64) (float64, bool) {
	number, ok := raw.(json.Number)
	if !ok {
		return 0, false
	}
	n, err := number.Float64()
	return n, err == nil && math.Abs(n) <= limit
}

func readIncrement(f *hecate.Field, object map[string]any) ([]hecate.Change, string) {
	bad := textNotInteger
	if f.Type == hecate.NumberType {
		bad = badNumber
	}
	raw, ok := object["_increment"]
	if !ok || len(object) != 1 {
		return nil, bad
	}
	var by any
	var fault string
	if f.Type == hecate.NumberType {
		by, fault = float(raw)
	} else {
		var n int64
		if n, fault = integer(raw); fault == "" {
			fault = integerFault(n)
		}
		by = n
	}
	if fault != "" {
		return nil, fault
	}
	return []hecate.Change{{Field: f.Name, Op: hecate.Increment, Value: by}}, ""
}

// operation is one of the words that change a list.
type operation struct {
	word string
	op   hecate.ChangeOp
}

// arrayOperations in the order in which they take effect.
var arrayOperations = []operation{
	{"_add", hecate.AddItems}, {"_addunique", hecate.AddUnique}, {"_remove", hecate.RemoveItems},
}

func readArrayOperations(f *hecate.Field, object map[string]any) ([]hecate.Change, string) {
	return readOperations(f, object, arrayOperations, badArray, func(list []any) (any, string) {
		return orFault(arrayItems(list))
	})
}

// relationOperations never make duplicates: a relation is a set.
var relationOperations = []operation{{"_add", hecate.AddUnique}, {"_remove", hecate.RemoveItems}}

func readRelationOperations(f *hecate.Field, object map[string]any) ([]hecate.Change, string) {
	return readOperations(f, object, relationOperations, badArray, func(list []any) (any, string) {
		refs, fault := refs(f, list)
		if len(refs) > maxRelation {
			return nil, badRelationLength
		}
		return refs, fault
	})
}

func orFault(items []any, fault string) (any, string) { return items, fault }

func readOperations(f *hecate.Field, object map[string]any, known []operation, bad string, items func([]any) (any, string)) ([]hecate.Change, string) {
	var changes []hecate.Change
	for _, o := range known {
		raw, ok := object[o.word]
		if !ok {
			continue
		}
		list, ok := raw.([]any)
		if !ok {
			list = []any{raw} // a single value may stand for itself
		}
		value, fault := items(list)
		if fault != "" {
			return nil, fault
		}
		changes = append(changes, hecate.Change{Field: f.Name, Op: o.op, Value: value})
	}
	if len(changes) != len(object) {
		return nil, bad
	}
	return changes, ""
}

// asObject returns an object, also one written as JSON text.
func asObject(raw any) (map[string]any, bool) {
	object, ok := fromText(raw, '{').(map[string]any)
	return object, ok
}

// asList returns a list, also one written as JSON text.
func asList(raw any) ([]any, bool) {
	list, ok := fromText(raw, '[').([]any)
	return list, ok
}

// fromText decodes JSON text that begins with that bracket; everything else stays as it is.
func fromText(raw any, bracket byte) any {
	text, ok := raw.(string)
	if !ok {
		return raw
	}
	text = strings.TrimSpace(text)
	if text == "" || text[0] != bracket {
		return raw
	}
	v, err := web.DecodeJSON([]byte(text), &innerJSON)
	if err != nil {
		return raw
	}
	return v
}

// innerJSON bounds JSON that arrives as text inside a field or a parameter.
var innerJSON = web.Limits{JSONDepth: 32, JSONValues: 50_000}

// plain turns numbers as they were read into numbers as they are stored, in place.
func plain(v any) any {
	switch v := v.(type) {
	case json.Number:
		return plainNumber(v)
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = plain(v[k])
		}
	}
	return v
}

// plainNumber keeps whole numbers whole. What no number holds is stored as the text it was.
func plainNumber(n json.Number) any {
	if i, err := n.Int64(); err == nil {
		return i
	}
	f, err := n.Float64()
	if err != nil {
		return n.String()
	}
	return f
}

// chars is about how many characters a value takes as JSON.
func chars(v any) int {
	switch v := v.(type) {
	case nil, bool:
		return 4
	case string:
		return utf8.RuneCountInString(v) + 2
	case time.Time:
		return len("2006-01-02T15:04:05.000000Z") + 2
	case []hecate.Ref:
		return 2 + 8*len(v)
	case []any:
		sum := 2
		for _, item := range v {
			sum += chars(item) + 2
		}
		return sum
	case map[string]any:
		sum := 2
		for k, item := range v {
			sum += utf8.RuneCountInString(k) + 6 + chars(item)
		}
		return sum
	}
	return 8
}
