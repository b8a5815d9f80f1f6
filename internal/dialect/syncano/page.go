package syncano

import (
	"net/http"
	"net/url"
	"strconv"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// maxPage is the largest page, and the default one.
const maxPage = 100

// direction is where a page lies from last_pk.
type direction uint8

const (
	firstPage direction = iota
	forward             // direction=1
	backward            // direction=0
)

// paging is what a list request says about its page.
type paging struct {
	size      int
	sized     bool // page_size was given: links repeat it
	direction direction
	lastPK    int64
	desc      bool
	ordering  string // as given and known; links repeat it
}

// readPaging reads page_size, ordering, direction and last_pk.
func readPaging(r *web.Request) (paging, error) {
	p := paging{size: maxPage}
	query := r.Query()
	if len(query) == 0 {
		return p, nil
	}
	bad := detail(http.StatusBadRequest, textBadPage)
	if values, ok := query["page_size"]; ok {
		n, err := strconv.Atoi(last(values))
		if err != nil || n < 0 {
			return p, bad
		}
		p.size, p.sized = min(n, maxPage), true
	}
	switch r.QueryOne("ordering") {
	case "desc":
		p.desc, p.ordering = true, "desc"
	case "asc":
		p.ordering = "asc"
	}
	values, ok := query["direction"]
	if !ok {
		return p, nil
	}
	switch last(values) {
	case "1":
		p.direction = forward
	case "0":
		p.direction = backward
	default:
		return p, bad
	}
	pk, err := strconv.ParseInt(r.QueryOne("last_pk"), 10, 64)
	if err != nil || pk <= 0 {
		return p, bad
	}
	p.lastPK = pk
	return p, nil
}

// list is the page as the engine wants it; prefix filters by name.
func (p paging) list(prefix string) engine.List {
	return engine.List{After: p.lastPK, Backward: p.direction == backward, Desc: p.desc, Limit: p.size, Prefix: prefix}
}

// place is a row at the edge of a page: its id, and the value it is ordered by where a list has order_by.
type place struct {
	pk    int64
	value *string
}

// neighbours decides which of next and prev exist. first and last are nil on an empty page.
func (p paging) neighbours(first, last *place, more bool) (next, prev *place) {
	here := &place{pk: p.lastPK} // an empty page has only the place that it was asked from
	switch p.direction {
	case firstPage:
		if more {
			next = last
		}
	case forward:
		prev = first
		if more {
			next = last
		}
	case backward:
		next = last
		if more {
			prev = first
		}
	}
	if first == nil {
		switch p.direction {
		case forward:
			prev = here
		case backward:
			next = here
		}
	}
	return next, prev
}

// appendPageLink appends "path?…" as a JSON string, null when to is nil. repeat are the
// parameters that the link repeats besides direction, last_pk and last_value.
func appendPageLink(dst []byte, r *web.Request, repeat []param, dir string, to *place) []byte {
	if to == nil {
		return append(dst, "null"...)
	}
	link := append(make([]byte, 0, 128), r.URL.EscapedPath()...)
	link = append(link, '?')
	for _, q := range repeat {
		link = append(append(append(append(link, q.name...), '='), url.QueryEscape(q.value)...), '&')
	}
	link = append(append(append(link, "direction="...), dir...), "&last_pk="...)
	link = strconv.AppendInt(link, to.pk, 10)
	if to.value != nil {
		link = append(append(link, "&last_value="...), url.QueryEscape(*to.value)...)
	}
	return web.AppendText(dst, string(link))
}

// param is one pair of a query string.
type param struct{ name, value string }

func (p paging) repeated() []param {
	var repeat []param
	if p.sized {
		repeat = append(repeat, param{"page_size", strconv.Itoa(p.size)})
	}
	if p.ordering != "" {
		repeat = append(repeat, param{"ordering", p.ordering})
	}
	return repeat
}

// envelope is a list on its way out: begin, then the rows, then end.
type envelope struct {
	w *jsonWriter
	r *web.Request
	f *pick
	n *nest
}

// beginEnvelope writes next and prev and opens objects.
func beginEnvelope(j *jsonWriter, r *web.Request, repeat []param, next, prev *place, n *nest) envelope {
	j.Open()
	j.Name("next")
	j.Buf = appendPageLink(j.Buf, r, repeat, "1", next)
	j.Name("prev")
	j.Buf = appendPageLink(j.Buf, r, repeat, "0", prev)
	j.Name("objects")
	j.OpenList()
	return envelope{j, r, readPick(r), n}
}

// row adds one row, without the members that the request does not want.
func (e envelope) row(write func(dst []byte) []byte) {
	e.w.Comma()
	start := len(e.w.Buf)
	e.w.Buf = write(e.w.Buf)
	if e.f != nil {
		row := append([]byte(nil), e.w.Buf[start:]...)
		e.w.Buf = e.f.appendObject(e.w.Buf[:start], row, e.n)
	}
}

// end closes the list and the envelope; count, when not nil, is objects_count.
func (e envelope) end(count *int) {
	e.w.CloseList()
	if count != nil {
		e.w.Int("objects_count", int64(*count))
	}
	e.w.Close()
}

// sendPage answers with a page of things that are ordered by their number.
func sendPage[T any](w *web.Response, r *web.Request, p paging, page hecate.Page[T], n *nest, pk func(T) int64, row func(dst []byte, v T) []byte) error {
	var first, last *place
	if rows := page.Rows; len(rows) > 0 {
		first, last = &place{pk: pk(rows[0])}, &place{pk: pk(rows[len(rows)-1])}
	}
	next, prev := p.neighbours(first, last, page.More && len(page.Rows) > 0)
	b := getBuffer()
	defer putBuffer(b)
	j := newJSON(b.bytes[:0])
	e := beginEnvelope(&j, r, p.repeated(), next, prev, n)
	for _, v := range page.Rows {
		e.row(func(dst []byte) []byte { return row(dst, v) })
	}
	e.end(nil)
	b.bytes = j.Buf
	return writeJSON(w, http.StatusOK, b.bytes)
}

// beyond reports whether a row of that id lies on the page's side of last_pk.
func (p paging) beyond(pk int64) bool {
	return (pk > p.lastPK) == ((p.direction == forward) != p.desc) && pk != p.lastPK
}
