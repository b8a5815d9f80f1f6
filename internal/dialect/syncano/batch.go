package syncano

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"hecate"
	"hecate/internal/web"
)

// Limits of a batch.
const (
	maxBatch       = 50
	maxBatchPath   = 8192
	maxBatchKeys   = 32
	maxBatchKey    = 64
	maxBatchAnswer = 16 << 20 // bytes of all answers together; what comes behind is not done

	textPathOutside = "Path needs to point to an endpoint within current instance and API version."
	textBadPath     = "Invalid path specified."
	textTooMuch     = "Batch answer is too large."
)

// batchMethods are what a batch may do.
var batchMethods = map[string]bool{get: true, post: true, put: true, patch: true, remove: true}

// batchPath is what paths inside a batch look like.
var batchPath = regexp.MustCompile(`^(?:/[A-Za-z0-9_.-]+)+/(?:\?[^?]+)?$`)

// item is one request of a batch.
type item struct {
	method, path string
	body         []byte // nil: none
}

// batch runs the requests one after the other, each on its own: a failed one undoes nothing.
func (a *api) batch(w *web.Response, r *web.Request, c *call) error {
	raw, given, err := readBatch(r)
	if err != nil {
		return err
	}
	items, err := readItems(raw, given, c)
	if err != nil {
		return err
	}
	j := newJSON(nil)
	j.OpenList()
	for _, it := range items {
		j.Comma()
		if len(j.Buf) > maxBatchAnswer {
			j.Buf = appendItemAnswer(j.Buf, http.StatusRequestEntityTooLarge, one("detail", textTooMuch))
			continue
		}
		if err := r.Context().Err(); err != nil {
			return err
		}
		j.Buf = a.serveItem(j.Buf, r, c, it)
	}
	j.CloseList()
	w.SetType(jsonType)
	return w.Bytes(http.StatusOK, j.Buf)
}

// readBatch returns the list of requests, and whether there is one.
func readBatch(r *web.Request) (raw any, given bool, err error) {
	in, err := readInput(r)
	if err != nil {
		return nil, false, err
	}
	raw, given = in.values["requests"]
	return fromText(raw, '['), given, nil
}

func readItems(raw any, given bool, c *call) ([]item, error) {
	list, ok := raw.([]any)
	switch {
	case !given:
		return nil, invalid("requests", textRequired)
	case raw == nil:
		return nil, invalid("requests", textNull)
	case !ok:
		return nil, invalid("requests.non_field_errors", `Expected a list of items but got type "`+typeName(raw)+`".`)
	case len(list) > maxBatch:
		return nil, detail(http.StatusBadRequest, "Max requests per batch exceeded ("+strconv.Itoa(maxBatch)+").")
	}
	items := make([]item, len(list))
	faults := make([]fieldErrors, len(list))
	wrong := false
	for i := range list {
		items[i], faults[i] = readItem(list[i], c)
		wrong = wrong || len(faults[i].rows) > 0
	}
	if wrong {
		return nil, batchFault(faults)
	}
	return items, nil
}

// batchFault is {"requests": [{}, {"path": […]}]}: an object for every request, empty for those that are right.
func batchFault(faults []fieldErrors) error {
	j := newJSON(nil)
	j.Open()
	j.Name("requests")
	j.OpenList()
	for i := range faults {
		j.Comma()
		j.Buf = append(j.Buf, faults[i].json()...)
	}
	j.CloseList()
	j.Close()
	return &failure{hecate.Invalid, http.StatusBadRequest, j.Buf}
}

func readItem(raw any, c *call) (it item, faults fieldErrors) {
	object, ok := raw.(map[string]any)
	if !ok {
		faults.add("non_field_errors", "Invalid data. Expected a dictionary, but got "+typeName(raw)+".")
		return it, faults
	}
	if it.method, ok = itemText(object, "method", &faults); ok && !batchMethods[it.method] {
		faults.add("method", `"`+it.method+`" is not a valid choice.`)
	}
	if it.path, ok = itemText(object, "path", &faults); ok {
		if fault := pathFault(it.path, c); fault != "" {
			faults.add("path", fault)
		}
	}
	if it.method == get || it.method == remove {
		return it, faults
	}
	inner, fault := itemBody(object["body"])
	if fault != "" {
		faults.add("body", fault)
	}
	it.body = inner
	return it, faults
}

func itemText(object map[string]any, name string, faults *fieldErrors) (string, bool) {
	raw, given := object[name]
	text, ok := raw.(string)
	text = strings.TrimSpace(text)
	switch {
	case !given:
		faults.add(name, textRequired)
	case raw == nil:
		faults.add(name, textNull)
	case !ok:
		faults.add(name, textNotString)
	case text == "":
		faults.add(name, textBlank)
	default:
		return text, true
	}
	return "", false
}

func pathFault(path string, c *call) string {
	if utf8.RuneCountInString(path) > maxBatchPath {
		return "Ensure this field has no more than " + strconv.Itoa(maxBatchPath) + " characters."
	}
	prefix := string(c.path(nil))
	if len(path) < len(prefix) || !strings.EqualFold(path[:len(prefix)], prefix) {
		return textPathOutside
	}
	plain, _, _ := strings.Cut(path, "?")
	// A batch inside a batch could ask for fifty times fifty requests, and so on.
	if !batchPath.MatchString(path) || strings.EqualFold(plain, prefix+"batch/") || strings.Contains(plain, "/../") || strings.Contains(plain, "/./") {
		return textBadPath
	}
	return ""
}

func itemBody(raw any) ([]byte, string) {
	if raw == nil {
		return []byte("{}"), ""
	}
	object, ok := asObject(raw)
	if !ok {
		return nil, "Body passed in invalid format."
	}
	if len(object) > maxBatchKeys {
		return nil, "Too many keys defined (exceeds " + strconv.Itoa(maxBatchKeys) + ")."
	}
	for key := range object {
		if utf8.RuneCountInString(key) > maxBatchKey {
			return nil, "Too long key defined (exceeds " + strconv.Itoa(maxBatchKey) + ")."
		}
	}
	delete(object, "_api_key") // the keys of the whole count, no others
	delete(object, "_user_key")
	return web.AppendJSON(nil, object), ""
}

// serveItem lets the dialect answer one request, with the keys of the whole, and appends the answer.
func (a *api) serveItem(dst []byte, r *web.Request, c *call, it item) []byte {
	inner, err := innerRequest(r, c, it)
	if err != nil {
		return appendItemAnswer(dst, http.StatusBadRequest, one("detail", textBadPath))
	}
	var answer web.Capture
	a.self.ServeHTTP(&answer, inner)
	code := answer.Code
	if code == 0 {
		code = http.StatusOK
	}
	return appendItemAnswer(dst, code, bytes.TrimSpace(answer.Body.Bytes()))
}

func innerRequest(r *web.Request, c *call, it item) (*http.Request, error) {
	u, err := url.ParseRequestURI(it.path)
	if err != nil {
		return nil, err
	}
	inner, err := http.NewRequestWithContext(r.Context(), it.method, u.RequestURI(), bytes.NewReader(it.body))
	if err != nil {
		return nil, err
	}
	inner.RequestURI, inner.RemoteAddr, inner.Host = u.RequestURI(), net.JoinHostPort(r.ClientIP(), "0"), r.Host
	inner.Header.Set("X-Api-Key", c.proof.Key.Reveal())
	if !c.proof.Token.IsZero() {
		inner.Header.Set("X-User-Key", c.proof.Token.Reveal())
	}
	if it.body != nil {
		inner.Header.Set("Content-Type", "application/json")
	}
	return inner, nil
}

func appendItemAnswer(dst []byte, code int, content []byte) []byte {
	j := newJSON(dst)
	j.Open()
	j.Int("code", int64(code))
	if len(content) > 0 && json.Valid(content) {
		j.Raw("content", content)
	}
	j.Close()
	return j.Buf
}
