package usergrid

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"hecate"
	"hecate/internal/web"
)

// fault is an error of the wire: contracts/usergrid.md 2.3.
type fault struct {
	status      int
	code        string
	description string
	exception   string // class name; "" leaves it out
	oauth       bool   // only error and error_description, as the token endpoints answer
	err         error
}

// Error is the description.
func (f *fault) Error() string { return f.code + ": " + f.description }

// Unwrap gives the cause. A fault without one was the caller's doing, unless its status says otherwise.
func (f *fault) Unwrap() error {
	switch {
	case f.err != nil:
		return f.err
	case f.status == http.StatusInternalServerError:
		return hecate.Internal
	}
	return hecate.Invalid
}

// because is the fault with its cause.
func (f *fault) because(err error) *fault { f.err = err; return f }

// Class names of the old server, which clients find in "exception".
const (
	classSecurity     = "org.apache.usergrid.rest.exceptions.SecurityException"
	classDuplicate    = "org.apache.usergrid.persistence.exceptions.DuplicateUniquePropertyExistsException"
	classRequired     = "org.apache.usergrid.persistence.exceptions.RequiredPropertyNotFoundException"
	classNoEntity     = "org.apache.usergrid.persistence.exceptions.EntityNotFoundException"
	classNoResource   = "org.apache.usergrid.services.exceptions.ServiceResourceNotFoundException"
	classUnsupported  = "org.apache.usergrid.services.exceptions.UnsupportedServiceOperationException"
	classForbidden    = "org.apache.usergrid.services.exceptions.ForbiddenServiceOperationException"
	classNoApp        = "org.apache.usergrid.rest.exceptions.OrganizationApplicationNotFoundException"
	classManagement   = "org.apache.usergrid.management.exceptions.ManagementException"
	classAppExists    = "org.apache.usergrid.persistence.exceptions.ApplicationAlreadyExistsException"
	classArgument     = "java.lang.IllegalArgumentException"
	classJSON         = "com.fasterxml.jackson.core.JsonParseException"
	classRuntime      = "java.lang.RuntimeException"
	classQuery        = "org.apache.usergrid.persistence.index.exceptions.QueryParseException"
	classQueryToken   = "org.apache.usergrid.persistence.index.exceptions.QueryTokenException"
	classNotFound     = "com.sun.jersey.api.NotFoundException"
	classMethod       = "javax.ws.rs.NotAllowedException"
	classMedia        = "javax.ws.rs.NotSupportedException"
	classNotDone      = "org.apache.commons.lang.NotImplementedException"
	classLastAdmin    = "org.apache.usergrid.management.exceptions.UnableToLeaveOrganizationException"
	classOldPassword  = "org.apache.usergrid.management.exceptions.IncorrectPasswordException"
	classUsedPassword = "org.apache.usergrid.management.exceptions.RecentlyUsedPasswordException"
	classConflict     = "org.apache.usergrid.services.exceptions.ServiceException"
)

// Texts that more than one place says.
const (
	textNotAllowed = "Subject does not have permission to access this resource"
	textBadGrant   = "invalid username or password"
	textNoResource = "Service resource not found"
)

// kinds are the wire's errors by Kind, where no handler says it better; a test fails on a hole.
var kinds = [hecate.KindCount]fault{
	hecate.Internal:        {status: 500, code: "runtime", description: "internal error", exception: classRuntime},
	hecate.Malformed:       {status: 400, code: "json_parse", description: "the request cannot be read", exception: classJSON},
	hecate.Invalid:         {status: 400, code: "illegal_argument", description: "illegal argument", exception: classArgument},
	hecate.NoApp:           {status: 404, code: "organization_application_not_found", description: "Could not find application", exception: classNoApp},
	hecate.Unauthenticated: {status: 401, code: "unauthorized", description: textNotAllowed, exception: classSecurity},
	hecate.BadKey:          {status: 401, code: "invalid_client", description: "Unable to authenticate (OAuth)", exception: classSecurity},
	hecate.BadToken:        {status: 401, code: "auth_bad_access_token", description: "Unable to authenticate due to corrupt access token", exception: classSecurity},
	hecate.Expired:         {status: 401, code: "expired_token", description: "Unable to authenticate due to expired access token", exception: classSecurity},
	hecate.UnknownUser:     {status: 400, code: "invalid_grant", description: textBadGrant, oauth: true},
	hecate.WrongPassword: {status: 400, code: "auth_invalid_username_or_password",
		description: "Unable to authenticate due to username or password being incorrect", exception: classOldPassword},
	hecate.WeakPassword: {status: 400, code: "error_password_policy_violation", description: "the password breaks the policy"},
	hecate.UserDisabled: {status: 400, code: "invalid_grant", description: "user disabled", oauth: true},
	hecate.Unverified:   {status: 403, code: "invalid_grant", description: "User must be confirmed to authenticate", oauth: true},
	hecate.Inactive:     {status: 400, code: "auth_unactivated_admin", description: "the account has not been activated yet", exception: classSecurity},
	hecate.Forbidden:    {status: 401, code: "unauthorized", description: textNotAllowed, exception: classSecurity},
	hecate.NotFound:     {status: 404, code: "service_resource_not_found", description: textNoResource, exception: classNoResource},
	hecate.Exists:       {status: 400, code: "duplicate_unique_property_exists", description: "the value is taken", exception: classDuplicate},
	hecate.Stale:        {status: 409, code: "conflict", description: "the entity has been changed", exception: classConflict},
	// The old server knew no limits.
	hecate.TooLarge:    {status: 413, code: "request_too_large", description: "the request is too large", exception: classArgument},
	hecate.TooMany:     {status: 429, code: "too_many_requests", description: "too many requests", exception: classRuntime},
	hecate.Unsupported: {status: 501, code: "not_implemented", description: "not implemented", exception: classNotDone},
}

// specials are the Kinds whose answer depends on more than the Kind.
var specials = [hecate.KindCount]func(*hecate.Error, *fault){
	hecate.Malformed:    sayReason,
	hecate.Invalid:      sayReason,
	hecate.NoApp:        sayWhere,
	hecate.WeakPassword: sayWeakness,
	hecate.UserDisabled: sayDisabled,
	hecate.Inactive:     sayInactive,
	hecate.Exists:       sayTaken,
	hecate.TooLarge:     sayLimit,
	hecate.Unsupported:  sayMissing,
}

// faultOf finds how an error is shown.
func faultOf(err error) *fault {
	var f *fault
	if errors.As(err, &f) {
		return f
	}
	d := hecate.Detail(err)
	kind := d.Kind
	if kind >= hecate.KindCount {
		kind = hecate.Internal
	}
	known := kinds[kind]
	if special := specials[kind]; special != nil {
		special(d, &known)
	}
	return known.because(err)
}

// reason is the cause's sentence, which is for people who may see the field, with the field before it.
func reason(d *hecate.Error) string {
	if d.Err == nil || d.Err.Error() == "" {
		return ""
	}
	if d.Field == "" {
		return d.Err.Error()
	}
	return d.Field + ": " + d.Err.Error()
}

func sayReason(d *hecate.Error, f *fault) {
	if text := reason(d); text != "" {
		f.description = text
	} else if d.Field != "" {
		f.description += ": " + d.Field
	}
}

// sayWhere names the application that is not there, as it was asked for.
func sayWhere(d *hecate.Error, f *fault) {
	f.description = fmt.Sprintf("Could not find application for %s/%s from URI: %s", fact(d, "org"), fact(d, "app"), fact(d, "path"))
}

// fact is a text among what an error knows, or "".
func fact(d *hecate.Error, name string) string {
	text, _ := d.Info[name].(string)
	return text
}

// weaknesses are the rules of passwords as they were called, by the engine's names: contracts/usergrid.md 5.
var weaknesses = map[string]string{
	"too_short":          "error_length_policy: must be at least %v characters ",
	"uppercase_required": "error_uppercase_policy: must have at least 1 uppercase characters ",
	"lowercase_required": "error_lowercase_policy: must have at least 1 lowercase characters ",
	"digit_required":     "error_digits_policy: must have at least 1 numbers ",
	"symbol_required":    "error_special_chars_policy: must have at least 1 special characters ",
	"excluded_word":      "error_excluded_word_policy: must not contain an excluded word ",
	"expired":            "error_expired_policy: the password has expired ",
}

// sayWeakness names the rule that a password breaks.
func sayWeakness(d *hecate.Error, f *fault) {
	why := fact(d, "reason")
	if why == "reused" {
		*f = *recentlyUsedPassword()
		return
	}
	text, known := weaknesses[why]
	switch least, ok := d.Info["min_length"]; {
	case ok && why == "too_short":
		f.description = fmt.Sprintf(text, least)
	case known && why != "too_short":
		f.description = text
	}
}

func sayDisabled(d *hecate.Error, f *fault) {
	if active, ok := d.Info["activated"].(bool); ok && !active {
		f.description = "user not activated"
	}
}

// sayInactive tells an organization from an admin: contracts/usergrid.md 2.3.
func sayInactive(d *hecate.Error, f *fault) {
	if d.Field == "org" {
		f.code, f.description = "auth_unactivated_organization", "the organization has not been activated yet"
	}
}

func sayTaken(d *hecate.Error, f *fault) {
	typ, value := fact(d, "type"), fact(d, "value")
	if typ == "" {
		typ = "entity"
	}
	f.description = duplicate(typ, d.Field, value).description
}

// sayLimit shows what is too large. A query that is, is a bad query.
func sayLimit(d *hecate.Error, f *fault) {
	if d.Field == "query" {
		*f = *queryParse("the query is too large")
		return
	}
	sayReason(d, f)
}

// sayMissing tells what is not read from what is not done.
func sayMissing(d *hecate.Error, f *fault) {
	switch d.Field {
	case "content-type", "Content-Encoding":
		*f = fault{status: http.StatusUnsupportedMediaType, code: "not_supported", description: "HTTP 415 Unsupported Media Type", exception: classMedia}
	}
}

// fail answers err in the dialect's shape.
func (a *api) fail(w *web.Response, r *web.Request, err error) {
	f := faultOf(err)
	if f.status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", strconv.Itoa(retrySeconds(err)))
	}
	var j web.JSONWriter
	j.Open()
	j.Text("error", f.code)
	if !f.oauth {
		now := a.now().UnixMilli()
		j.Int("timestamp", now)
		j.Int("duration", 0)
		if f.exception != "" {
			j.Text("exception", f.exception)
		}
	}
	j.Text("error_description", f.description)
	j.Close()
	_ = send(w, r, f.status, j.Buf) // the client is gone
}

// retrySeconds is when a TooMany may be tried again: whole seconds, at least one.
func retrySeconds(err error) int {
	return max(1, int((hecate.Detail(err).RetryAfter+time.Second-1)/time.Second))
}

func noRoute(_ *web.Response, r *web.Request) error {
	return &fault{status: http.StatusNotFound, code: "not_found", description: "null for uri: " + r.URL.Path, exception: classNotFound, err: hecate.NotFound}
}

func methodNotAllowed(_ *web.Response, _ *web.Request, _ string) error {
	return &fault{status: http.StatusMethodNotAllowed, code: "not_allowed", description: "null", exception: classMethod, err: hecate.Unsupported}
}

// The rows of contracts/usergrid.md 2.3 that handlers choose.

// entityNotFound is said where a UUID leads to nothing.
func entityNotFound(id string) *fault {
	return &fault{status: 404, code: "entity_not_found", description: "Cannot find entity associated with uuid: " + id, exception: classNoEntity, err: hecate.NotFound}
}

// entityNameNotFound is said where a name leads to nothing, except to a user.
func entityNameNotFound(name string) *fault {
	return &fault{status: 404, code: "entity_not_found", description: "Cannot find entity with name: " + name, exception: classNoEntity, err: hecate.NotFound}
}

// resourceNotFound is said of a user's name, of what a change or deletion does not find, and of what is not in that collection.
func resourceNotFound() *fault {
	return &fault{status: 404, code: "service_resource_not_found", description: textNoResource, exception: classNoResource, err: hecate.NotFound}
}

// requiredProperty is said of an entity that lacks a property.
func requiredProperty(typ, property string) *fault {
	return &fault{status: 400, code: "required_property_not_found", exception: classRequired,
		description: "Entity " + typ + " requires a property named " + property}
}

// duplicate is said of a unique value that is taken.
func duplicate(typ, property, value string) *fault {
	text := fmt.Sprintf(`Entity "%s" requires that property named "%s" be unique, value of %s exists`, typ, property, value)
	return &fault{status: 400, code: "duplicate_unique_property_exists", description: text, exception: classDuplicate, err: hecate.Exists}
}

// illegalArgument is said of a bad parameter or property.
func illegalArgument(text string) *fault {
	return &fault{status: 400, code: "illegal_argument", description: text, exception: classArgument}
}

// unauthorized is said to a caller who may not; "" says the text of the path filter.
func unauthorized(text string) *fault {
	if text == "" {
		text = textNotAllowed
	}
	return &fault{status: 401, code: "unauthorized", description: text, exception: classSecurity, err: hecate.Forbidden}
}

// badAccessToken is said of a token that cannot be one, or whose holder is gone.
func badAccessToken() *fault {
	known := kinds[hecate.BadToken]
	return known.because(hecate.BadToken)
}

// revokedToken is said of a token that was one, or was never stored.
func revokedToken() *fault {
	return &fault{status: 401, code: "auth_invalid", description: "Unable to authenticate", exception: classSecurity, err: hecate.BadToken}
}

// badBasic is said of a client's credentials in an Authorization header of the Basic scheme.
func badBasic() *fault {
	return &fault{status: 401, code: "auth_invalid_credentials", description: "Unable to authenticate due to invalid credentials", exception: classSecurity, err: hecate.BadKey}
}

// invalidGrant is a failed login, in the shape of OAuth; "" says that name or password are wrong.
func invalidGrant(text string) *fault {
	if text == "" {
		text = textBadGrant
	}
	return &fault{status: 400, code: "invalid_grant", description: text, oauth: true, err: hecate.WrongPassword}
}

// invalidRequest is a failed social sign-in, in the shape of OAuth.
func invalidRequest(text string) *fault {
	return &fault{status: 400, code: "invalid_request", description: text, oauth: true}
}

// disabledAdmin is said of an admin who was shut out.
func disabledAdmin() *fault {
	return &fault{status: 400, code: "auth_disabled_admin", description: "user disabled", exception: classSecurity, err: hecate.UserDisabled}
}

// managementFault is said of look-ups of the management API: "Could not find organization for name: x".
func managementFault(text string) *fault {
	return &fault{status: 400, code: "management", description: text, exception: classManagement, err: hecate.NotFound}
}

// unsupportedOperation is said of what a collection does not do: DELETE of all of it without a query.
func unsupportedOperation() *fault {
	return &fault{status: 405, code: "unsupported_service_operation", description: "Service operation not supported", exception: classUnsupported, err: hecate.Unsupported}
}

// forbiddenOperation is said of what a service refuses to everybody.
func forbiddenOperation(text string) *fault {
	return &fault{status: 403, code: "forbidden_service_operation", description: text, exception: classForbidden, err: hecate.Forbidden}
}

// applicationExists is said of a second application of a name.
func applicationExists(name string) *fault {
	return &fault{status: 409, code: "application_already_exists", description: "Application " + name + " already exists", exception: classAppExists, err: hecate.Exists}
}

// recentlyUsedPassword is said of one of the last passwords.
func recentlyUsedPassword() *fault {
	return &fault{status: 409, code: "recently_used_password", description: "The specified password was recently used", exception: classUsedPassword, err: hecate.WeakPassword}
}

// lastAdmin is said to the last admin of an organization who leaves it.
func lastAdmin(org string) *fault {
	return &fault{status: 400, code: "unable_to_leave_organization", exception: classLastAdmin, err: hecate.Stale,
		description: "Organizations must have at least one member, and the user is the last one of " + org}
}

// conflict is said of any other state that forbids a change.
func conflict(text string) *fault {
	return &fault{status: 409, code: "conflict", description: text, exception: classConflict, err: hecate.Stale}
}

// notImplemented is said of what nobody ever offered, or we do not.
func notImplemented(text string) *fault {
	return &fault{status: 501, code: "not_implemented", description: text, exception: classNotDone, err: hecate.Unsupported}
}

// queryParse is said of a query that does not follow the grammar.
func queryParse(text string) *fault {
	return &fault{status: 400, code: "query_parse", description: text, exception: classQuery}
}

// queryToken is said of a query with characters that belong to no word of the language.
func queryToken(text string) *fault {
	return &fault{status: 400, code: "query_token", description: text, exception: classQueryToken}
}
