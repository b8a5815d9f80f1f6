package hecate

import (
	"errors"
	"strings"
	"time"
)

// Kind says what went wrong, in the words that every dialect can translate.
// A Kind is itself an error, so errors.Is(err, hecate.NotFound) works.
type Kind uint8

// The one list of kinds. Each dialect's errors.go has a row for every one.
const (
	Internal        Kind = iota // a fault of ours; logged once, shown as nothing
	Malformed                   // the request cannot be read at all
	Invalid                     // read, but a value breaks a rule; Error.Field names it
	NoApp                       // the app named by the request does not exist
	Unauthenticated             // nobody presented themselves where somebody must
	BadKey                      // an API key or client credential that is unknown here
	BadToken                    // a token that is unknown here or was revoked
	Expired                     // a token or ticket past its time
	UnknownUser                 // login: nobody has that name
	WrongPassword               // login or change: the password does not match
	WeakPassword                // a new password breaks the app's policy
	UserDisabled                // the user may not act at present
	Unverified                  // the user must verify an address first
	Inactive                    // an account or org that has yet to be let in; Error.Field says which
	Forbidden                   // known, but not allowed
	NotFound                    // the thing does not exist, or not for this caller
	Exists                      // a unique value is taken; Error.Field names it
	Stale                       // the caller's expected version is not the current one
	TooLarge                    // a limit on size or count is exceeded
	TooMany                     // overload or a rate limit; Error.RetryAfter says when
	Unsupported                 // understood, but not offered

	KindCount // number of kinds, for tables indexed by Kind
)

var kindNames = [KindCount]string{
	"internal error", "malformed request", "invalid value", "no such app", "not authenticated",
	"bad key", "bad token", "expired", "unknown user", "wrong password", "weak password",
	"user disabled", "not verified", "not yet active", "forbidden", "not found", "already exists", "stale version",
	"too large", "too many requests", "unsupported",
}

// Error makes a Kind usable with errors.Is.
func (k Kind) Error() string {
	if k < KindCount {
		return kindNames[k]
	}
	return "unknown kind"
}

// Error is what went wrong, where, and on which field.
type Error struct {
	Kind       Kind
	Op         string         // the verb: "create user"
	Field      string         // the input at fault, if one is
	Err        error          // the cause, if any; its text is for people who may see the field
	RetryAfter time.Duration  // with TooMany
	Info       map[string]any // facts a dialect may show: limits, versions, dates
}

// E makes an Error: hecate.E(hecate.Exists, "create user").On("username").
func E(kind Kind, op string) *Error { return &Error{Kind: kind, Op: op} }

// On names the field at fault.
func (e *Error) On(field string) *Error { e.Field = field; return e }

// Because sets the cause.
func (e *Error) Because(err error) *Error { e.Err = err; return e }

// Says sets the cause to a plain sentence.
func (e *Error) Says(text string) *Error { e.Err = errors.New(text); return e }

// With adds a fact that a dialect may show.
func (e *Error) With(name string, value any) *Error {
	if e.Info == nil {
		e.Info = map[string]any{}
	}
	e.Info[name] = value
	return e
}

// After sets when a TooMany may be tried again.
func (e *Error) After(d time.Duration) *Error { e.RetryAfter = d; return e }

func (e *Error) Error() string {
	var b strings.Builder
	if e.Op != "" {
		b.WriteString(e.Op + ": ")
	}
	b.WriteString(e.Kind.Error())
	if e.Field != "" {
		b.WriteString(" (" + e.Field + ")")
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap gives both the Kind and the cause to errors.Is and errors.As.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// KindOf returns the Kind of err, Internal when it carries none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	var k Kind
	if errors.As(err, &k) {
		return k
	}
	return Internal
}

// Detail returns the *Error inside err, or one of Kind KindOf(err) when there is none.
func Detail(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Kind: KindOf(err), Err: err}
}
