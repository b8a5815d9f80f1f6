package web

import (
	"net/url"
	"strings"

	"hecate"
)

// parseQuery fills r.query.
func (r *Request) parseQuery() error {
	if r.URL.RawQuery == "" {
		return nil
	}
	values, err := parsePairs(r.URL.RawQuery, r.limits.Pairs)
	r.query = values
	return err
}

// parsePairs reads name=value&…, leniently about escapes, strictly about text.
func parsePairs(text string, limit int) (url.Values, error) {
	count := 1 + strings.Count(text, "&")
	if count > limit {
		return nil, tooLarge("number of parameters", int64(limit))
	}
	values := make(url.Values, min(count, 8))
	for pair := range strings.SplitSeq(text, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, value = unescape(name), unescape(value)
		if fault := textFault(name); fault != "" {
			return nil, malformed("the name of a parameter " + fault)
		}
		if fault := textFault(value); fault != "" {
			return nil, hecate.E(hecate.Malformed, "read request").On(name).Says("value " + fault)
		}
		values[name] = append(values[name], value)
	}
	return values, nil
}

// unescape keeps as it is what is not a valid escape: clients that paste a % or a
// second URL into a query still mean the rest of it.
func unescape(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	if clear, err := url.QueryUnescape(s); err == nil {
		return clear
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+':
			b.WriteByte(' ')
		case s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			b.WriteByte(unhex(s[i+1])<<4 | unhex(s[i+2]))
			i += 2
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return (c | 0x20) - 'a' + 10
}
