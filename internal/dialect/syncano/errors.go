package syncano

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"hecate"
	"hecate/internal/web"
)

// The texts of the wire, contracts/syncano.md 1.6.
const (
	textDenied        = "You do not have permission to perform this action."
	textNoKey         = "No such API Key."
	textNotFound      = "Not found."
	textNoInstance    = "Instance was not found."
	textNoClass       = "Class was not found."
	textNoUser        = "User was not found."
	textNoGroup       = "Group was not found."
	textBadLogin      = "Invalid username or password."
	textDisabled      = "User is disabled."
	textTooSlow       = "Requested query took too long. Timeout was reached."
	textRequired      = "This field is required."
	textNull          = "This field may not be null."
	textBlank         = "This field may not be blank."
	textUnique        = "This field must be unique."
	textNotString     = "Not a valid string."
	textNotEmail      = "Enter a valid email address."
	textNotInteger    = "A valid integer is required."
	textNotBoolean    = "Not a valid boolean."
	textNotJSON       = "Not a valid JSON string."
	textNullByte      = "Null characters are not allowed."
	textBadInvitation = "Invitation not found."
	textBadToken      = "Invalid token."
	textBadPage       = "Incorrect page parameter provided."
)

// answer is how one Kind is shown: status and detail where no field is at
// fault, and the field's text (with status 400) where one is. An empty field
// text means that the engine's own sentence is shown.
type answer struct {
	status int
	detail string
	field  string
}

// answers has a row for every Kind; a test fails on a hole.
var answers = [hecate.KindCount]answer{
	hecate.Internal:  {http.StatusInternalServerError, "Internal server error.", "Internal server error."},
	hecate.Malformed: {http.StatusBadRequest, "Malformed request.", ""},
	hecate.Invalid:   {http.StatusBadRequest, "Invalid value.", ""},
	hecate.NoApp:     {http.StatusNotFound, textNoInstance, ""},
	// Never 401 for keys: the old server had no challenge to send with it.
	hecate.Unauthenticated: {http.StatusForbidden, textDenied, ""},
	hecate.BadKey:          {http.StatusForbidden, textNoKey, ""},
	hecate.BadToken:        {http.StatusForbidden, textDenied, textBadToken},
	hecate.Expired:         {http.StatusForbidden, textDenied, textBadToken},
	hecate.UnknownUser:     {http.StatusUnauthorized, textBadLogin, textBadLogin},
	hecate.WrongPassword:   {http.StatusUnauthorized, textBadLogin, "Invalid password."},
	hecate.WeakPassword:    {http.StatusBadRequest, "Password is too weak.", ""},
	hecate.UserDisabled:    {http.StatusForbidden, textDisabled, textDisabled},
	hecate.Unverified:      {http.StatusForbidden, "User is not verified.", ""},
	hecate.Inactive:        {http.StatusForbidden, "Account is not active yet.", ""},
	hecate.Forbidden:       {http.StatusForbidden, textDenied, ""},
	hecate.NotFound:        {http.StatusNotFound, textNotFound, ""},
	hecate.Exists:          {http.StatusBadRequest, "Already exists.", textUnique},
	hecate.Stale:           {http.StatusBadRequest, "Revision mismatch.", ""},
	hecate.TooLarge:        {http.StatusRequestEntityTooLarge, "Request is too large.", ""},
	hecate.TooMany:         {http.StatusTooManyRequests, "Request was throttled.", "Request was throttled."},
	hecate.Unsupported:     {http.StatusUnsupportedMediaType, "Unsupported request.", ""},
}

// failure is an error that knows its answer: for texts that belong to one
// place of the wire and to no Kind.
type failure struct {
	kind   hecate.Kind
	status int
	body   []byte
}

func (f *failure) Error() string { return f.kind.Error() + ": " + string(f.body) }

// Unwrap gives the Kind to hecate.KindOf and errors.Is.
func (f *failure) Unwrap() error { return f.kind }

// kindOfStatus is what a failure of that status counts as.
func kindOfStatus(status int) hecate.Kind {
	switch status {
	case http.StatusNotFound:
		return hecate.NotFound
	case http.StatusForbidden:
		return hecate.Forbidden
	case http.StatusUnauthorized:
		return hecate.WrongPassword
	case http.StatusMethodNotAllowed, http.StatusUnsupportedMediaType:
		return hecate.Unsupported
	}
	return hecate.Invalid
}

// detail is the failure {"detail": text}.
func detail(status int, text string) *failure {
	return &failure{kindOfStatus(status), status, one("detail", text)}
}

// single is the 400 of the few fields whose error is a string, not a list.
func single(name, text string) *failure {
	return &failure{hecate.Invalid, http.StatusBadRequest, one(name, text)}
}

func one(name, text string) []byte {
	j := newJSON(nil)
	j.Open()
	j.Text(name, text)
	j.Close()
	return j.Buf
}

// denied is the refusal of a caller who is known, or of one who is not.
func denied() error { return detail(http.StatusForbidden, textDenied) }

// notFound says that the thing itself is unknown or hidden.
func notFound() error { return detail(http.StatusNotFound, textNotFound) }

// fieldErrors collects what is wrong with the fields of one body. The zero value is ready.
type fieldErrors struct{ rows []fieldError }

type fieldError struct {
	name   string // with dots: fields of objects inside ("profile.avatar")
	texts  []string
	single bool
}

// add says what is wrong with a field.
func (e *fieldErrors) add(name string, text string) {
	for i := range e.rows {
		if e.rows[i].name == name {
			e.rows[i].texts = append(e.rows[i].texts, text)
			return
		}
	}
	e.rows = append(e.rows, fieldError{name: name, texts: []string{text}})
}

// has reports whether the field has an error already.
func (e *fieldErrors) has(name string) bool {
	for i := range e.rows {
		if e.rows[i].name == name {
			return true
		}
	}
	return false
}

// err returns e as an error, nil when nothing is wrong.
func (e *fieldErrors) err() error {
	if len(e.rows) == 0 {
		return nil
	}
	return &failure{hecate.Invalid, http.StatusBadRequest, e.json()}
}

// json is {"field": ["text", …], …}; "profile.avatar" becomes {"profile": {"avatar": […]}}.
func (e *fieldErrors) json() []byte {
	j := newJSON(nil)
	j.Open()
	done := map[string]bool{}
	for _, row := range e.rows {
		outer, _, nested := strings.Cut(row.name, ".")
		switch {
		case !nested:
			row.write(&j, row.name)
		case !done[outer]:
			done[outer] = true
			e.inside(outer).writeTo(&j, outer)
		}
	}
	j.Close()
	return j.Buf
}

// inside returns the errors of the fields of one object, under their short names.
func (e *fieldErrors) inside(outer string) *fieldErrors {
	inner := &fieldErrors{}
	for _, row := range e.rows {
		if name, ok := strings.CutPrefix(row.name, outer+"."); ok {
			row.name = name
			inner.rows = append(inner.rows, row)
		}
	}
	return inner
}

func (e *fieldErrors) writeTo(j *jsonWriter, name string) { j.Raw(name, e.json()) }

func (f *fieldError) write(j *jsonWriter, name string) {
	if f.single {
		j.Text(name, f.texts[0])
		return
	}
	j.Name(name)
	j.OpenList()
	for _, t := range f.texts {
		j.TextItem(t)
	}
	j.CloseList()
}

// invalid is the 400 of one field: {"name": ["text"]}.
func invalid(name, text string) error {
	e := fieldErrors{}
	e.add(name, text)
	return e.err()
}

// fail answers err in the dialect's shapes; it is the mux's Errors.
func (a *api) fail(w *web.Response, _ *web.Request, err error) {
	f := a.translate(err)
	if f.kind == hecate.TooMany {
		// Both clients sleep for this long and then repeat; without it one of them loops hot.
		w.Header().Set("Retry-After", strconv.Itoa(retrySeconds(err)))
	}
	// A failed write means that nobody waits for it.
	_ = writeJSON(w, f.status, f.body)
}

// translate finds the answer to an error.
func (a *api) translate(err error) *failure {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	d := hecate.Detail(err)
	if special := specials[d.Kind]; special != nil {
		if f := special(d); f != nil {
			return f
		}
	}
	row := answers[min(d.Kind, hecate.KindCount-1)]
	if d.Field == "" || d.Kind == hecate.Internal || row.status == http.StatusForbidden || row.status == http.StatusNotFound {
		return &failure{d.Kind, row.status, one("detail", row.detail)}
	}
	text := row.field
	if text == "" {
		text = sentence(d, row.detail)
	}
	e := fieldErrors{}
	e.add(d.Field, text)
	return &failure{d.Kind, http.StatusBadRequest, e.json()}
}

// sentence is the engine's reason as a sentence of the wire.
func sentence(d *hecate.Error, otherwise string) string {
	if d.Err == nil {
		return otherwise
	}
	text := strings.TrimSpace(d.Err.Error())
	if text == "" {
		return otherwise
	}
	text = strings.ToUpper(text[:1]) + text[1:]
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	return text
}

// specials are the Kinds whose answer depends on more than the Kind; nil falls back to answers.
var specials = [hecate.KindCount]func(*hecate.Error) *failure{
	hecate.Malformed:    malformed,
	hecate.Invalid:      invalidQuery,
	hecate.Inactive:     inactive,
	hecate.WeakPassword: weakPassword,
	hecate.Stale:        stale,
	hecate.TooLarge:     tooLarge,
	hecate.TooMany:      throttled,
	hecate.Unsupported:  unsupported,
}

func malformed(d *hecate.Error) *failure {
	switch text := sentence(d, ""); {
	case d.Field != "":
		e := fieldErrors{}
		e.add(d.Field, textNullByte)
		return &failure{d.Kind, http.StatusBadRequest, e.json()}
	case strings.HasPrefix(text, "Not valid JSON: "):
		return &failure{d.Kind, http.StatusBadRequest, one("detail", "JSON parse error - "+strings.TrimPrefix(text, "Not valid JSON: "))}
	case text != "":
		return &failure{d.Kind, http.StatusBadRequest, one("detail", text)}
	}
	return nil
}

// inactive tells an instance that may not be used yet from an account that may not. The old server knew neither.
func inactive(d *hecate.Error) *failure {
	if d.Field != "org" {
		return nil
	}
	return &failure{d.Kind, http.StatusForbidden, one("detail", "Instance is not active yet.")}
}

// invalidQuery: the error of a query is a string, not a list.
func invalidQuery(d *hecate.Error) *failure {
	if d.Field != "query" {
		return nil
	}
	return single("query", sentence(d, "Invalid query."))
}

func weakPassword(d *hecate.Error) *failure {
	if d.Field == "" {
		d.Field = "password"
	}
	e := fieldErrors{}
	e.add(d.Field, sentence(d, answers[hecate.WeakPassword].detail))
	return &failure{d.Kind, http.StatusBadRequest, e.json()}
}

func stale(d *hecate.Error) *failure {
	f := single("expected_revision", fmt.Sprintf("Revision mismatch. Expected %v, got %v.", d.Info["expected"], d.Info["current"]))
	f.kind = d.Kind
	return f
}

// limitTexts are the limits with a text of their own, by the field that the engine names.
var limitTexts = map[string]string{
	"apps":        "Instance count exceeded (%v).",
	"collections": "Class count exceeded (%v).",
}

func tooLarge(d *hecate.Error) *failure {
	limit := d.Info["limit"]
	if format, ok := limitTexts[d.Field]; ok {
		return &failure{d.Kind, http.StatusBadRequest, one("detail", fmt.Sprintf(format, limit))}
	}
	e := fieldErrors{}
	switch {
	case d.Field == "query":
		return single("query", sentence(d, "Query is too large."))
	case d.Field == "record":
		e.add("non_field_errors", "Object maximum size exceeded.")
	case d.Field != "" && limit != nil:
		e.add(d.Field, fmt.Sprintf("Ensure this field has no more than %v characters.", limit))
	case d.Field != "":
		e.add(d.Field, sentence(d, "Value is too large."))
	default:
		row := answers[hecate.TooLarge]
		return &failure{d.Kind, row.status, one("detail", sentence(d, row.detail))}
	}
	return &failure{d.Kind, http.StatusBadRequest, e.json()}
}

func throttled(d *hecate.Error) *failure {
	if errors.Is(d, context.DeadlineExceeded) {
		return &failure{hecate.Unsupported, http.StatusRequestTimeout, one("detail", textTooSlow)}
	}
	seconds, plural := retrySeconds(d), "s"
	if seconds == 1 {
		plural = ""
	}
	text := fmt.Sprintf("Request was throttled. Expected available in %d second%s.", seconds, plural)
	return &failure{d.Kind, http.StatusTooManyRequests, one("detail", text)}
}

// retrySeconds is when a TooMany may be tried again: whole seconds, at least one.
func retrySeconds(err error) int {
	after := hecate.Detail(err).RetryAfter
	return max(1, int((after+time.Second-1)/time.Second))
}

func unsupported(d *hecate.Error) *failure {
	if method, ok := d.Info["method"].(string); ok {
		return detail(http.StatusMethodNotAllowed, "Method \""+method+"\" not allowed.")
	}
	if d.Field != "" && d.Field != "Content-Encoding" {
		e := fieldErrors{}
		e.add(d.Field, sentence(d, "Not supported."))
		return &failure{d.Kind, http.StatusBadRequest, e.json()}
	}
	return nil
}
