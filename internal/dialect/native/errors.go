package native

import (
	"net/http"
	"strconv"
	"time"

	"hecate"
	"hecate/internal/web"
)

// problemShape is an error on the wire: RFC 9457, with two members of our own.
type problemShape struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail"`
	Field     string `json:"field,omitempty"` // the input at fault: a member of the body, or a parameter
	RequestID string `json:"request_id"`
}

// problem is how one kind of error is told.
type problem struct {
	status int
	name   string // the end of the type URI
	title  string
	detail string // unless the cause may be shown
	shows  bool   // the cause speaks about the caller's own input
}

// problems has a row for every Kind. A stranger learns nothing from the difference between rows: an unknown
// admin reads like a wrong password, an app of others like one that does not exist.
var problems = [hecate.KindCount]problem{
	hecate.Internal:        {500, "internal", "Internal error", "The fault is ours. The server's log has it under this request id.", false},
	hecate.Malformed:       {400, "malformed", "Malformed request", "The request cannot be read.", true},
	hecate.Invalid:         {400, "invalid", "Invalid value", "A value breaks a rule.", true},
	hecate.NoApp:           {404, "not-found", "Not found", "There is nothing here, or nothing for you.", false},
	hecate.Unauthenticated: {401, "unauthenticated", "Not signed in", "Send your account key: Authorization: Bearer <account key>.", false},
	hecate.BadKey:          {401, "bad-key", "Unknown key", "The account key is not known here. It may have been replaced.", false},
	hecate.BadToken:        {401, "bad-token", "Unknown token", "The token is not known here, or was used before.", false},
	hecate.Expired:         {401, "expired", "Expired", "The token is past its time.", false},
	hecate.UnknownUser:     {401, "wrong-login", "Wrong login", "The name or the password is wrong.", false},
	hecate.WrongPassword:   {401, "wrong-login", "Wrong login", "The name or the password is wrong.", false},
	hecate.WeakPassword:    {400, "weak-password", "Weak password", "The password breaks the policy.", true},
	hecate.UserDisabled:    {403, "disabled", "Account disabled", "This account may not act at present.", false},
	hecate.Unverified:      {403, "unverified", "Address not verified", "Verify your address first.", false},
	hecate.Inactive:        {403, "inactive", "Not active yet", "This account, or the organization, has yet to be let in: a letter tells when it can be used.", false},
	hecate.Forbidden:       {403, "forbidden", "Forbidden", "You are known, but not allowed to do this.", false},
	hecate.NotFound:        {404, "not-found", "Not found", "There is nothing here, or nothing for you.", false},
	hecate.Exists:          {409, "exists", "Already exists", "The value is taken.", true},
	hecate.Stale:           {409, "stale", "Changed meanwhile", "Somebody else changed it first. Read it again.", true},
	hecate.TooLarge:        {413, "too-large", "Too large", "A limit on size or number is exceeded.", true},
	hecate.TooMany:         {429, "too-many", "Too many requests", "Try again in a little while.", false},
	hecate.Unsupported:     {415, "unsupported", "Not supported", "The request is understood, but not offered.", true},
}

// notAllowed is about methods, which no Kind knows.
var notAllowed = problem{405, "method-not-allowed", "Method not allowed", "This resource has other methods; see the Allow header.", false}

const typePrefix = "urn:hecate:problem:"

// fail answers with the problem of err.
func fail(w *web.Response, r *web.Request, err error) {
	e := hecate.Detail(err)
	p := problems[e.Kind]
	if p.shows && e.Err != nil {
		p.detail = e.Err.Error()
	}
	if p.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="hecate"`)
	}
	if p.status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", retryAfter(e.RetryAfter))
	}
	// Nobody is left to tell when the answer itself cannot be sent.
	_ = p.write(w, r, e.Field)
}

func methodNotAllowed(w *web.Response, r *web.Request, _ string) error {
	return notAllowed.write(w, r, "")
}

func (p problem) write(w *web.Response, r *web.Request, field string) error {
	begin(w, r) // the mux has taken back what the handler said about caching
	w.SetType("application/problem+json")
	return w.JSON(p.status, problemShape{
		Type: typePrefix + p.name, Title: p.title, Status: p.status, Detail: p.detail, Field: field, RequestID: r.ID(),
	})
}

// retryAfter is in whole seconds, rounded up, at least one.
func retryAfter(d time.Duration) string {
	return strconv.Itoa(int(max(1, (d+time.Second-1)/time.Second)))
}
