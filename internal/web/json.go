package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"hecate"
)

// DecodeJSON reads one JSON text: numbers as json.Number, the last of duplicate
// keys wins. Malformed: not JSON, not UTF-8, \u0000 in a string, something behind
// the value; the cause says what and where. TooLarge: beyond limits (depth, values).
func DecodeJSON(text []byte, limits *Limits) (any, error) {
	var v any
	if err := decodeJSON(text, limits, &v); err != nil {
		return nil, err
	}
	return v, nil
}

// byteOrderMark may precede JSON from some Windows clients.
var byteOrderMark = []byte("\xef\xbb\xbf")

func decodeJSON(text []byte, limits *Limits, into any) error {
	text = bytes.TrimPrefix(text, byteOrderMark)
	if err := scanJSON(text, limits); err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(into); err != nil {
		return jsonError(err)
	}
	rest := text[dec.InputOffset():]
	if rest = bytes.TrimLeft(rest, " \t\r\n"); len(rest) > 0 {
		return notJSON(fmt.Sprintf("extra data at byte %d", len(text)-len(rest)))
	}
	return nil
}

func notJSON(text string) error { return malformed("not valid JSON: " + text) }

func jsonError(err error) error {
	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return notJSON(fmt.Sprintf("%s at byte %d", syntax.Error(), syntax.Offset))
	case errors.As(err, &mismatch):
		return hecate.E(hecate.Invalid, "read request").On(mismatch.Field).Says("has the wrong type: " + mismatch.Value)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return notJSON("it ends too early")
	}
	return notJSON(err.Error())
}

// scanJSON checks, before anything is built, what encoding/json lets pass or
// would pay for: encoding, NUL, depth, number of values.
func scanJSON(text []byte, limits *Limits) error {
	if !utf8.Valid(text) {
		return notJSON("it is not valid UTF-8")
	}
	depth, values := 0, 1
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			end, err := skipString(text, i)
			if err != nil {
				return err
			}
			i = end
		case '{', '[':
			if depth++; depth > limits.JSONDepth {
				return tooLarge("nesting of the JSON", int64(limits.JSONDepth))
			}
			values++
		case '}', ']':
			depth--
		case ',':
			values++
		}
	}
	if values > limits.JSONValues {
		return tooLarge("number of JSON values", int64(limits.JSONValues))
	}
	return nil
}

// skipString returns the index of the quote that ends the string beginning at start.
func skipString(text []byte, start int) (int, error) {
	for i := start + 1; i < len(text); i++ {
		switch text[i] {
		case '"':
			return i, nil
		case '\\':
			if bytes.HasPrefix(text[i+1:], []byte("u0000")) {
				return 0, notJSON(fmt.Sprintf("NUL character in a string at byte %d", i))
			}
			i++
		}
	}
	return len(text), nil // the decoder says where it ends too early
}
