package usergrid

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// Sizes of pages: contracts/usergrid.md 9.
const (
	defaultLimit = 10
	maxLimit     = hecate.MaxPage
)

// limitOf is the size of the page that a request asks for. More than the largest is the largest, and nothing is the default.
// Errors are faults: a limit that is no number.
func limitOf(r *web.Request) (int, error) {
	text, _, _ := strings.Cut(strings.TrimSpace(r.QueryOne("limit")), "?") // the browser SDK puts a second one there
	if text == "" {
		return defaultLimit, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil && !digitsOnly(text) || n < 0:
		return 0, illegalArgument("limit must be a number >= 0: " + text)
	case n == 0:
		return defaultLimit, nil
	}
	return int(min(n, maxLimit)), nil
}

// page reads the records of a collection that a request asks for, and the cursor of the next page, "" where nothing follows.
// Kinds: those of engine.Records; faults for a bad limit or cursor.
func (a *api) page(ctx context.Context, actor *hecate.Actor, c *hecate.Collection, q *ql, r *web.Request) (hecate.Page[*hecate.Record], string, error) {
	query, err := q.query(c, r)
	if err != nil {
		return hecate.Page[*hecate.Record]{}, "", err
	}
	page, err := a.engine.Records(ctx, actor, c, query)
	if err != nil || !page.More || len(page.Rows) == 0 {
		return page, "", err
	}
	cursor, err := a.cursorAt(ctx, c, q, query, page.Rows[len(page.Rows)-1])
	return page, cursor, err
}

// cursorAt is the cursor behind the last record of a page.
func (a *api) cursorAt(ctx context.Context, c *hecate.Collection, q *ql, query hecate.Query, last *hecate.Record) (string, error) {
	var user *hecate.User
	if ofUser(query.Order) {
		var err error
		user, err = a.engine.LookupUser(ctx, c.App, engine.UserRef{ID: hecate.UserID(last.ID)})
		if err != nil && !errors.Is(err, hecate.NotFound) { // gone since
			return "", err
		}
	}
	return q.cursor(c, query, last, user), nil
}

// ofUser reports whether an order goes by what a profile does not have itself.
func ofUser(orders []hecate.Order) bool {
	for _, o := range orders {
		switch o.Operand.Column {
		case hecate.UsernameColumn, hecate.EmailColumn, hecate.ActivatedColumn, hecate.DisabledColumn:
			return true
		}
	}
	return false
}

// place is a cursor as it is sent: which query it belongs to, and where the page ended.
type place struct {
	Query  string   `json:"q"`
	Seq    int64    `json:"s"`
	Values []string `json:"v,omitempty"`
}

// maxCursor bounds the text of a cursor.
const maxCursor = 16 << 10

// cursorKey names a query and its order, so that no cursor is taken for that of another one.
func (q *ql) cursorKey(c *hecate.Collection, reversed bool) string {
	sum := sha256.Sum256([]byte(string(c.ID) + "\n" + strconv.FormatBool(reversed) + "\n" + q.key))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// cursor is the place behind a record: opaque, of characters that need no escapes in a URL.
func (q *ql) cursor(c *hecate.Collection, query hecate.Query, last *hecate.Record, user *hecate.User) string {
	p := place{Query: q.cursorKey(c, !query.SeqDesc), Seq: last.Seq}
	for _, o := range query.Order {
		p.Values = append(p.Values, writeValue(orderValue(o, last, user)))
	}
	text, _ := json.Marshal(p) // of texts and numbers
	return base64.RawURLEncoding.EncodeToString(text)
}

// readCursor reads a cursor of that query. Errors are faults: illegal_argument.
func readCursor(text, key string, orders []hecate.Order) (*hecate.Cursor, error) {
	bad := illegalArgument("The cursor does not belong to this query")
	if len(text) > maxCursor {
		return nil, bad
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return nil, bad.because(hecate.Invalid)
	}
	var p place
	if err := json.Unmarshal(raw, &p); err != nil || p.Query != key || len(p.Values) != len(orders) {
		return nil, bad
	}
	cursor := &hecate.Cursor{Seq: p.Seq}
	for _, v := range p.Values {
		value, ok := readValue(v)
		if !ok {
			return nil, bad
		}
		cursor.Values = append(cursor.Values, value)
	}
	return cursor, nil
}

// orderValue is what a record is ordered by.
func orderValue(o hecate.Order, r *hecate.Record, u *hecate.User) any {
	switch o.Operand.Column {
	case hecate.FieldColumn:
		return fieldValue(o, r)
	case hecate.IDColumn:
		return string(r.ID)
	case hecate.SeqColumn:
		return r.Seq
	case hecate.CreatedColumn:
		return r.CreatedAt
	case hecate.UpdatedColumn:
		return r.UpdatedAt
	}
	if u == nil {
		return nil
	}
	switch o.Operand.Column {
	case hecate.UsernameColumn:
		return orNil(u.Username)
	case hecate.EmailColumn:
		return orNil(u.Email)
	case hecate.ActivatedColumn:
		return u.Activated
	case hecate.DisabledColumn:
		return u.Disabled
	}
	return nil
}

func orNil(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// fieldValue is the scalar or the place that a record has at an operand's path, else nil.
func fieldValue(o hecate.Order, r *hecate.Record) any {
	var v any = map[string]any(r.Values)
	for _, part := range o.Operand.Path {
		m, _ := v.(map[string]any)
		v = m[part]
	}
	if o.From != nil {
		if g, ok := placeOf(v); ok {
			return g
		}
		return nil
	}
	switch v := v.(type) {
	case string:
		return clipped(v)
	case int64, float64, bool:
		return v
	case time.Time:
		if o.Operand.Type == hecate.TimeType {
			return v
		}
	case hecate.Ref:
		if o.Operand.Type == hecate.ReferenceType {
			return v.Seq
		}
	}
	return nil
}

// clipped is as much of a text as an order goes by.
func clipped(text string) string {
	if len(text) <= hecate.SortText {
		return text
	}
	n := 0
	for i := range text {
		if n == hecate.SortText {
			return text[:i]
		}
		n++
	}
	return text
}

// placeOf reads a place: of a field of places, or an object with latitude and longitude.
func placeOf(v any) (hecate.Geo, bool) {
	switch v := v.(type) {
	case hecate.Geo:
		return v, true
	case map[string]any:
		lat, ok := numberOf(v["latitude"])
		lng, also := numberOf(v["longitude"])
		return hecate.Geo{Lat: lat, Lng: lng}, ok && also
	}
	return hecate.Geo{}, false
}

// numberOf is a number as a float.
func numberOf(v any) (float64, bool) {
	switch n := v.(type) {
	case int64:
		return float64(n), true
	case int:
		return float64(n), true
	case float64:
		return n, true
	case json.Number:
		f, err := n.Float64()
		return f, err == nil
	}
	return 0, false
}

// writeValue writes a value with a letter for its type.
func writeValue(v any) string {
	switch v := v.(type) {
	case string:
		return "s" + v
	case int64:
		return "i" + strconv.FormatInt(v, 10)
	case float64:
		return "f" + strconv.FormatFloat(v, 'g', -1, 64)
	case bool:
		return "b" + strconv.FormatBool(v)
	case time.Time:
		return "t" + strconv.FormatInt(v.UnixMicro(), 10)
	case hecate.Geo:
		return "g" + strconv.FormatFloat(v.Lat, 'g', -1, 64) + "," + strconv.FormatFloat(v.Lng, 'g', -1, 64)
	}
	return ""
}

// readValue reads what writeValue wrote.
func readValue(text string) (v any, ok bool) {
	if text == "" {
		return nil, true
	}
	rest := text[1:]
	var err error
	switch text[0] {
	case 's':
		return rest, true
	case 'i':
		v, err = strconv.ParseInt(rest, 10, 64)
	case 'f':
		v, err = readFloat(rest)
	case 'b':
		v, err = strconv.ParseBool(rest)
	case 't':
		var micros int64
		micros, err = strconv.ParseInt(rest, 10, 64)
		v = time.UnixMicro(micros).UTC()
	case 'g':
		lat, lng, _ := strings.Cut(rest, ",")
		var g hecate.Geo
		if g.Lat, err = readFloat(lat); err == nil {
			g.Lng, err = readFloat(lng)
		}
		v = g
	default:
		return nil, false
	}
	return v, err == nil
}

func readFloat(text string) (float64, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err == nil && (math.IsNaN(f) || math.IsInf(f, 0)) {
		err = strconv.ErrRange
	}
	return f, err
}
