package syncano

import (
	"net/http"
	"strings"

	"hecate/internal/web"
)

// maxPicks bounds the entries of fields and excluded_fields; what is beyond is ignored.
const maxPicks = 65

// pick is what fields and excluded_fields ask for: exclusion wins.
type pick struct {
	keep map[string]bool // nil: everything
	drop map[string]bool
}

// nest says which members of a shape are shapes themselves: picking goes on inside them.
type nest map[string]nest

// readPick reads the parameters of a GET; nil when the request wants whole objects.
func readPick(r *web.Request) *pick {
	if r.Method != http.MethodGet || len(r.Query()) == 0 {
		return nil
	}
	keep, drop := names(r.QueryOne("fields")), names(r.QueryOne("excluded_fields"))
	if keep == nil && drop == nil {
		return nil
	}
	return &pick{keep, drop}
}

func names(list string) map[string]bool {
	if list == "" {
		return nil
	}
	set := map[string]bool{}
	for name := range strings.SplitSeq(list, ",") {
		if len(set) == maxPicks {
			break
		}
		if name = strings.TrimSpace(name); name != "" {
			set[name] = true
		}
	}
	return set
}

func (p *pick) wants(name string) bool { return !p.drop[name] && (p.keep == nil || p.keep[name]) }

// appendObject appends the JSON object that a handler has written without the
// members that are not wanted. src is our own output: well formed, without spaces.
func (p *pick) appendObject(dst, src []byte, n *nest) []byte {
	if len(src) == 0 || src[0] != '{' {
		return append(dst, src...)
	}
	dst = append(dst, '{')
	for at := 1; at < len(src) && src[at] != '}'; {
		end := skipValue(src, at)
		name, from := string(src[at+1:end-1]), end+1
		end = skipValue(src, from)
		if p.wants(name) {
			if dst[len(dst)-1] != '{' {
				dst = append(dst, ',')
			}
			dst = append(dst, src[at:from]...)
			dst = p.appendMember(dst, src[from:end], n, name)
		}
		at = end
		if at < len(src) && src[at] == ',' {
			at++
		}
	}
	return append(dst, '}')
}

func (p *pick) appendMember(dst, value []byte, n *nest, name string) []byte {
	if n == nil {
		return append(dst, value...)
	}
	inner, ok := (*n)[name]
	switch {
	case !ok:
		return append(dst, value...)
	case value[0] == '[':
		return p.appendList(dst, value, &inner)
	}
	return p.appendObject(dst, value, &inner)
}

func (p *pick) appendList(dst, src []byte, n *nest) []byte {
	dst = append(dst, '[')
	for at := 1; at < len(src) && src[at] != ']'; {
		end := skipValue(src, at)
		if dst[len(dst)-1] != '[' {
			dst = append(dst, ',')
		}
		dst = p.appendObject(dst, src[at:end], n)
		at = end
		if at < len(src) && src[at] == ',' {
			at++
		}
	}
	return append(dst, ']')
}

// skipValue returns the index behind the JSON value that begins at at.
func skipValue(src []byte, at int) int {
	depth := 0
	for i := at; i < len(src); i++ {
		switch src[i] {
		case '"':
			for i++; i < len(src) && src[i] != '"'; i++ {
				if src[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ':':
			if depth == 0 {
				return i
			}
		}
	}
	return len(src)
}
