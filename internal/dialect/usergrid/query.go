package usergrid

import (
	"hecate"
	"hecate/internal/web"
)

// ql is a query of the dialect's language: contracts/usergrid.md 9.2.
type ql struct {
	text   string
	fields []projection // the only properties wanted; nil: all
}

// projection is a property wanted in answers, under its name or another one.
type projection struct{ name, property string }

// parseQL reads a query; an empty text asks for everything. Errors are faults of the wire.
func parseQL(text string) (*ql, error) { return &ql{text: text}, nil }

// requestQL is the query of a request: the parameter ql, or one of its aliases.
func requestQL(r *web.Request) (*ql, error) { return parseQL(qlText(r)) }

// qlText is the text of a request's query, "" where there is none.
func qlText(r *web.Request) string {
	for _, name := range []string{"ql", "query", "q"} {
		if text := r.QueryOne(name); text != "" {
			return text
		}
	}
	return ""
}

// query is what q asks of a collection's records, with limit, cursor and reversed of the request.
func (q *ql) query(c *hecate.Collection, r *web.Request) (hecate.Query, error) {
	return hecate.Query{Limit: 10, SeqDesc: true}, nil
}
