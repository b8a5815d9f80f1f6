package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// errText says that a stored text is not the JSON that this room writes.
var errText = errors.New("damaged JSON")

// parser reads stored JSON into plain values: whole numbers as int64, others as float64, objects as maps. Strings share the bytes
// of the text, which the values of a record are nearly all of; encoding/json takes four times as long.
type parser struct {
	text string
	at   int
}

// decodeObject reads one object, which must be the whole text.
func decodeObject(text string) (map[string]any, error) {
	p := parser{text: text}
	if !p.take('{') {
		return nil, p.damaged()
	}
	m := map[string]any{}
	if err := p.members(m); err != nil {
		return nil, err
	}
	if p.peek(); p.at < len(text) {
		return nil, p.damaged()
	}
	return m, nil
}

func (p *parser) damaged() error { return fmt.Errorf("%w at byte %d", errText, p.at) }

// peek skips white space and returns the byte after it, 0 at the end.
func (p *parser) peek() byte {
	for ; p.at < len(p.text); p.at++ {
		switch c := p.text[p.at]; c {
		case ' ', '\n', '\t', '\r':
		default:
			return c
		}
	}
	return 0
}

// take skips c where it stands next.
func (p *parser) take(c byte) bool {
	if p.peek() != c {
		return false
	}
	p.at++
	return true
}

func (p *parser) value() (any, error) {
	switch p.peek() {
	case '"':
		return boxed(p.string())
	case '{':
		p.at++
		m := map[string]any{}
		return m, p.members(m)
	case '[':
		p.at++
		return boxed(p.items())
	case 't':
		return true, p.word("true")
	case 'f':
		return false, p.word("false")
	case 'n':
		return nil, p.word("null")
	}
	return p.number()
}

// boxed makes a value of a result.
func boxed[T any](v T, err error) (any, error) { return v, err }

// members reads what follows the opening brace of an object.
func (p *parser) members(into map[string]any) error {
	if p.take('}') {
		return nil
	}
	for {
		if p.peek() != '"' {
			return p.damaged()
		}
		name, err := p.string()
		if err != nil {
			return err
		}
		if !p.take(':') {
			return p.damaged()
		}
		if into[name], err = p.value(); err != nil {
			return err
		}
		if p.take('}') {
			return nil
		}
		if !p.take(',') {
			return p.damaged()
		}
	}
}

// items reads what follows the opening bracket of an array.
func (p *parser) items() ([]any, error) {
	list := []any{}
	if p.take(']') {
		return list, nil
	}
	for {
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		if p.take(']') {
			return list, nil
		}
		if !p.take(',') {
			return nil, p.damaged()
		}
	}
}

// string reads a string, whose opening quote stands next.
func (p *parser) string() (string, error) {
	from, escaped := p.at, false
	for p.at++; p.at < len(p.text); p.at++ {
		switch c := p.text[p.at]; {
		case c == '\\':
			escaped = true
			p.at++
		case c < ' ':
			return "", p.damaged()
		case c == '"':
			p.at++
			if !escaped {
				return p.text[from+1 : p.at-1], nil
			}
			var s string
			err := json.Unmarshal([]byte(p.text[from:p.at]), &s)
			return s, err
		}
	}
	return "", p.damaged()
}

func (p *parser) word(word string) error {
	if !strings.HasPrefix(p.text[p.at:], word) {
		return p.damaged()
	}
	p.at += len(word)
	return nil
}

// number reads a number as int64 where it fits one, else as float64.
func (p *parser) number() (any, error) {
	end := p.at
	for end < len(p.text) && strings.IndexByte("+-.0123456789Ee", p.text[end]) >= 0 {
		end++
	}
	digits := p.text[p.at:end]
	if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
		p.at = end
		return n, nil
	}
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		return nil, p.damaged()
	}
	p.at = end
	return f, nil
}
