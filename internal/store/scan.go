package store

import (
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"hecate"
)

// scanner is a row: what scan functions read from.
type scanner interface {
	Scan(dest ...any) error
}

// source yields the rows of one result set as plain driver values.
type source interface {
	values() []driver.Value // one per column, filled by next
	next() (bool, error)
	close() error
}

// rows is a result set of either engine; one goroutine reads it to its end or closes it.
type rows struct {
	db   *DB
	src  source
	vals []driver.Value
	err  error
	done bool
}

// Next moves to the next row and reports whether there is one.
func (r *rows) Next() bool {
	if r.done {
		return false
	}
	ok, err := r.src.next()
	if !ok || err != nil {
		r.err = r.db.fail(err)
		r.Close()
	}
	return ok && err == nil
}

// Scan reads the current row into dest. Null fits pointers, slices and sql.Scanners only;
// a bigint of microseconds fits a time.Time, null being the zero time.
func (r *rows) Scan(dest ...any) error {
	if len(dest) != len(r.vals) {
		return fmt.Errorf("scan: %d columns into %d places", len(r.vals), len(dest))
	}
	for i, d := range dest {
		if err := assign(d, r.vals[i]); err != nil {
			return fmt.Errorf("scan column %d: %w", i+1, err)
		}
	}
	return nil
}

// Err returns what ended the rows before their end, classified.
func (r *rows) Err() error { return r.err }

// Close gives the rows up. It may be called more than once.
func (r *rows) Close() error {
	if r.done {
		return nil
	}
	r.done = true
	err := r.db.fail(r.src.close())
	if r.err == nil {
		r.err = err
	}
	return err
}

// finish closes the rows and returns what went wrong with them, if anything.
func (r *rows) finish() error {
	r.Close()
	return r.err
}

// row is the first row of a result set.
type row struct {
	rows *rows
	err  error
}

// Scan reads the row into dest: NotFound when there is none.
func (r row) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	defer r.rows.Close()
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return hecate.NotFound
	}
	if err := r.rows.Scan(dest...); err != nil {
		return err
	}
	return r.rows.finish()
}

// binds collects the arguments of a text that is put together at run time.
type binds struct {
	args []any
}

// add appends one argument and returns its place: "$3".
func (b *binds) add(v any) string {
	b.args = append(b.args, v)
	return "$" + strconv.Itoa(len(b.args))
}

// list appends values and returns their places as the right side of `in`: "($3,$4)".
// The last value is repeated up to the next power of two, so that lists of
// different lengths share few texts and so few prepared statements. No values
// give "(null)", which contains nothing.
func list[T any](b *binds, values []T) string {
	if len(values) == 0 {
		return "(null)"
	}
	size := 1
	for size < len(values) {
		size *= 2
	}
	places := make([]string, size)
	for i := range places {
		if i < len(values) {
			places[i] = b.add(values[i])
		} else {
			places[i] = places[len(values)-1]
		}
	}
	return "(" + strings.Join(places, ",") + ")"
}

// plain turns args into the few types both drivers take, in place.
func plain(args []any) error {
	for i, a := range args {
		switch v := a.(type) {
		case nil, string, int64, bool, float64, []byte:
		case int:
			args[i] = int64(v)
		case json.RawMessage:
			args[i] = string(v)
			if v == nil {
				args[i] = nil
			}
		case time.Time:
			args[i] = nil
			if !v.IsZero() {
				args[i] = v.UnixMicro()
			}
		default:
			value, err := driver.DefaultParameterConverter.ConvertValue(a)
			if err != nil {
				return fmt.Errorf("bind $%d: %w", i+1, err)
			}
			if t, ok := value.(time.Time); ok {
				value = t.UnixMicro()
			}
			args[i] = value
		}
	}
	return nil
}

var errNull = errors.New("null into a place that cannot hold it")

// assign stores a driver value in the place dest points to: first the types that
// nearly every column has, then whatever reflection can do.
func assign(dest any, v driver.Value) error {
	switch d := dest.(type) {
	case *string:
		switch s := v.(type) {
		case string:
			*d = s
			return nil
		case []byte:
			*d = string(s)
			return nil
		}
	case *int64:
		if n, ok := v.(int64); ok {
			*d = n
			return nil
		}
	case *int:
		if n, ok := v.(int64); ok {
			*d = int(n)
			return nil
		}
	case *bool:
		switch b := v.(type) {
		case bool:
			*d = b
			return nil
		case int64:
			*d = b != 0
			return nil
		}
	case *float64:
		switch f := v.(type) {
		case float64:
			*d = f
			return nil
		case int64:
			*d = float64(f)
			return nil
		}
	case *[]byte:
		*d = bytesOf(v)
		return nil
	case *json.RawMessage:
		*d = bytesOf(v)
		return nil
	case *time.Time:
		switch n := v.(type) {
		case nil:
			*d = time.Time{}
			return nil
		case int64:
			*d = time.UnixMicro(n).UTC()
			return nil
		}
	case *any:
		*d = v
		return nil
	case sql.Scanner:
		return d.Scan(v)
	}
	return assignValue(reflect.ValueOf(dest), v)
}

// bytesOf returns v as bytes of its own, nil for null.
func bytesOf(v driver.Value) []byte {
	switch b := v.(type) {
	case nil:
		return nil
	case []byte:
		return b
	case string:
		return []byte(b)
	}
	return []byte(textOf(v))
}

// assignValue is assign for named types, pointers (null is nil) and numbers that arrive as text.
func assignValue(ptr reflect.Value, v driver.Value) error {
	if ptr.Kind() != reflect.Pointer || ptr.IsNil() {
		return fmt.Errorf("%s is not a place to scan into", ptr.Type())
	}
	place := ptr.Elem()
	if place.Kind() == reflect.Pointer {
		if v == nil {
			place.SetZero()
			return nil
		}
		place.Set(reflect.New(place.Type().Elem()))
		return assign(place.Interface(), v)
	}
	if v == nil {
		if place.Kind() == reflect.Slice {
			place.SetZero()
			return nil
		}
		return errNull
	}
	if err := setPlace(place, v); err != nil {
		return fmt.Errorf("%T %.40q into %s: %w", v, textOf(v), place.Type(), err)
	}
	return nil
}

var errMismatch = errors.New("types do not fit")

func setPlace(place reflect.Value, v driver.Value) error {
	text := textOf(v)
	switch place.Kind() {
	case reflect.String:
		place.SetString(text)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, place.Type().Bits())
		if err != nil {
			return err
		}
		place.SetInt(n)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n, err := strconv.ParseUint(text, 10, place.Type().Bits())
		if err != nil {
			return err
		}
		place.SetUint(n)
	case reflect.Float32, reflect.Float64:
		f, err := strconv.ParseFloat(text, place.Type().Bits())
		if err != nil {
			return err
		}
		place.SetFloat(f)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return err
		}
		place.SetBool(b)
	case reflect.Slice:
		if place.Type().Elem().Kind() != reflect.Uint8 {
			return errMismatch
		}
		place.SetBytes(bytesOf(v))
	default:
		return errMismatch
	}
	return nil
}

// textOf is the text of a driver value.
func textOf(v driver.Value) string {
	switch s := v.(type) {
	case string:
		return s
	case []byte:
		return string(s)
	case int64:
		return strconv.FormatInt(s, 10)
	case float64:
		return strconv.FormatFloat(s, 'g', -1, 64)
	case bool:
		return strconv.FormatBool(s)
	}
	return fmt.Sprint(v)
}
