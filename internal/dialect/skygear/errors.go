package skygear

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"hecate"
	"hecate/internal/web"
)

// code is an error code of the wire. The client reads the code; it decides by
// the HTTP status alone whether there is an error.
type code int

// The codes, contracts/skygear.md 1.4.
const (
	notAuthenticated        code = 101
	permissionDenied        code = 102
	accessKeyNotAccepted    code = 103
	accessTokenNotAccepted  code = 104
	invalidCredentials      code = 105
	invalidSignature        code = 106
	badRequest              code = 107
	invalidArgument         code = 108
	duplicated              code = 109
	resourceNotFound        code = 110
	notSupported            code = 111
	notImplemented          code = 112
	constraintViolated      code = 113
	incompatibleSchema      code = 114
	atomicOperationFailure  code = 115
	partialOperationFailure code = 116
	undefinedOperation      code = 117
	pluginUnavailable       code = 118
	pluginTimeout           code = 119
	recordQueryInvalid      code = 120
	pluginInitializing      code = 121
	responseTimeout         code = 122
	deniedArgument          code = 123
	recordQueryDenied       code = 124
	notConfigured           code = 125
	passwordPolicyViolated  code = 126
	userDisabled            code = 127
	verificationRequired    code = 128
	assetSizeTooLarge       code = 129

	unexpectedError                         code = 10000
	unexpectedAuthInfoNotFound              code = 10001
	unexpectedUnableToOpenDatabase          code = 10002
	unexpectedPushNotificationNotConfigured code = 10003
	internalQueryInvalid                    code = 10004
	unexpectedUserNotFound                  code = 10005
)

// codes are the name and the HTTP status of every code.
var codes = map[code]struct {
	name   string
	status int
}{
	notAuthenticated:        {"NotAuthenticated", http.StatusUnauthorized},
	permissionDenied:        {"PermissionDenied", http.StatusForbidden},
	accessKeyNotAccepted:    {"AccessKeyNotAccepted", http.StatusUnauthorized},
	accessTokenNotAccepted:  {"AccessTokenNotAccepted", http.StatusUnauthorized},
	invalidCredentials:      {"InvalidCredentials", http.StatusUnauthorized},
	invalidSignature:        {"InvalidSignature", http.StatusUnauthorized},
	badRequest:              {"BadRequest", http.StatusBadRequest},
	invalidArgument:         {"InvalidArgument", http.StatusBadRequest},
	duplicated:              {"Duplicated", http.StatusConflict},
	resourceNotFound:        {"ResourceNotFound", http.StatusNotFound},
	notSupported:            {"NotSupported", http.StatusNotImplemented},
	notImplemented:          {"NotImplemented", http.StatusNotImplemented},
	constraintViolated:      {"ConstraintViolated", http.StatusConflict},
	incompatibleSchema:      {"IncompatibleSchema", http.StatusConflict},
	atomicOperationFailure:  {"AtomicOperationFailure", http.StatusConflict},
	partialOperationFailure: {"PartialOperationFailure", http.StatusOK},
	undefinedOperation:      {"UndefinedOperation", http.StatusNotFound},
	pluginUnavailable:       {"PluginUnavailable", http.StatusServiceUnavailable},
	pluginTimeout:           {"PluginTimeout", http.StatusGatewayTimeout},
	recordQueryInvalid:      {"RecordQueryInvalid", http.StatusBadRequest},
	pluginInitializing:      {"PluginInitializing", http.StatusServiceUnavailable},
	responseTimeout:         {"ResponseTimeout", http.StatusServiceUnavailable},
	deniedArgument:          {"DeniedArgument", http.StatusForbidden},
	recordQueryDenied:       {"RecordQueryDenied", http.StatusForbidden},
	notConfigured:           {"NotConfigured", http.StatusServiceUnavailable},
	// The old server forgot to map 126 and 129: contracts/skygear.md 1.4 and 8.6.
	passwordPolicyViolated: {"PasswordPolicyViolated", http.StatusInternalServerError},
	userDisabled:           {"UserDisabled", http.StatusForbidden},
	verificationRequired:   {"VerificationRequired", http.StatusForbidden},
	assetSizeTooLarge:      {"AssetSizeTooLarge", http.StatusInternalServerError},

	unexpectedError:                         {"UnexpectedError", http.StatusInternalServerError},
	unexpectedAuthInfoNotFound:              {"UnexpectedAuthInfoNotFound", http.StatusInternalServerError},
	unexpectedUnableToOpenDatabase:          {"UnexpectedUnableToOpenDatabase", http.StatusServiceUnavailable},
	unexpectedPushNotificationNotConfigured: {"UnexpectedPushNotificationNotConfigured", http.StatusInternalServerError},
	internalQueryInvalid:                    {"InternalQueryInvalid", http.StatusInternalServerError},
	unexpectedUserNotFound:                  {"UnexpectedUserNotFound", http.StatusInternalServerError},
}

// The texts of the wire that more than one place says.
const (
	textNoKey           = "Api key is empty"
	textNothingGiven    = "Both api key and access token are empty"
	textBadToken        = "token does not exist or it has expired"
	textLoginFirst      = "Authentication is required for this action, please login."
	textUserFirst       = "User is required for this action, please login."
	textNotAdmin        = "no permission to perform this action"
	textNotMaster       = "no permission to this action"
	textDevOnly         = "Attempt to access dev only end-point"
	textBadPayload      = "fails to decode the request payload"
	textNotPermitted    = "no permission to perform operation"
	textNoRecord        = "record not found"
	textNoUser          = "user not found"
	textNotUnique       = "violate unique constraint"
	textBadCredentials  = "auth_data or password incorrect"
	textDisabled        = "user is disabled"
	textUnverified      = "User is not yet verified"
	textTooSlow         = "Service taking too long to respond."
	textUnmatched       = "route unmatched"
	textPasswordExpired = "password expired"
	textRolledBack      = "Atomic Operation rolled back due to one or more errors"
	textMigrationOff    = "Record schema requires migration but migration is disabled."
)

// answer is how one Kind is shown where no handler says it better.
type answer struct {
	code    code
	status  int // 0: the code's own
	message string
}

// answers has a row for every Kind; a test fails on a hole.
var answers = [hecate.KindCount]answer{
	hecate.Internal:        {unexpectedError, 0, "unexpected error"},
	hecate.Malformed:       {badRequest, 0, textBadPayload},
	hecate.Invalid:         {invalidArgument, 0, "invalid argument"},
	hecate.NoApp:           {notAuthenticated, 0, textNoKey},
	hecate.Unauthenticated: {notAuthenticated, 0, textLoginFirst},
	hecate.BadKey:          {accessKeyNotAccepted, 0, "Cannot verify api key"},
	hecate.BadToken:        {accessTokenNotAccepted, 0, textBadToken},
	hecate.Expired:         {accessTokenNotAccepted, 0, textBadToken},
	hecate.UnknownUser:     {resourceNotFound, 0, textNoUser},
	hecate.WrongPassword:   {invalidCredentials, 0, textBadCredentials},
	hecate.WeakPassword:    {passwordPolicyViolated, 0, "password policy violated"},
	hecate.UserDisabled:    {userDisabled, 0, textDisabled},
	hecate.Unverified:      {verificationRequired, 0, textUnverified},
	hecate.Inactive:        {permissionDenied, 0, "the app is not active yet"},
	hecate.Forbidden:       {permissionDenied, 0, textNotPermitted},
	hecate.NotFound:        {resourceNotFound, 0, textNoRecord},
	hecate.Exists:          {duplicated, 0, textNotUnique},
	hecate.Stale:           {constraintViolated, 0, "the record has been changed"},
	// The old server knew no limits. Any code but 104 will do, which alone ends the client's session.
	hecate.TooLarge:    {badRequest, http.StatusRequestEntityTooLarge, "request is too large"},
	hecate.TooMany:     {badRequest, http.StatusTooManyRequests, "too many requests"},
	hecate.Unsupported: {notSupported, 0, "operation is not supported"},
}

// failure is an error as the wire shows it.
type failure struct {
	code    code
	status  int // 0: the code's own
	message string
	info    map[string]any // left out when empty
	kind    hecate.Kind    // what it counts as; see fail
}

func (f *failure) Error() string {
	return f.kind.Error() + ": " + codes[f.code].name + ": " + f.message
}

// Unwrap gives the Kind to hecate.KindOf and errors.Is.
func (f *failure) Unwrap() error { return f.kind }

// as replaces the HTTP status.
func (f *failure) as(status int) *failure { f.status = status; return f }

// with adds a member of info.
func (f *failure) with(name string, value any) *failure {
	if f.info == nil {
		f.info = map[string]any{}
	}
	f.info[name] = value
	return f
}

// about names the arguments at fault.
func (f *failure) about(arguments ...string) *failure { return f.with("arguments", arguments) }

// fail is the error of that code. It counts as the Kind whose answer has the
// code, else as Invalid: it is never taken for a fault of ours and logged.
func fail(c code, message string) *failure {
	kind := hecate.Invalid
	for k, row := range answers {
		if row.code == c && hecate.Kind(k) != hecate.Internal {
			kind = hecate.Kind(k)
			break
		}
	}
	return &failure{code: c, message: message, kind: kind}
}

// invalid is 108 on the named arguments.
func invalid(message string, arguments ...string) *failure {
	f := fail(invalidArgument, message)
	if len(arguments) > 0 {
		f.about(arguments...)
	}
	return f
}

// undecodable is 107: a parameter has the wrong JSON type.
func undecodable() *failure { return fail(badRequest, textBadPayload) }

// httpStatus is what the answer is sent with.
func (f *failure) httpStatus() int {
	if f.status != 0 {
		return f.status
	}
	return codes[f.code].status
}

// writeTo writes {"name", "code", "message", "info"} as an item or a value.
func (f *failure) writeTo(j *jsonWriter) {
	j.Open()
	j.Text("name", codes[f.code].name)
	j.Int("code", int64(f.code))
	j.Text("message", f.message)
	f.writeInfo(j)
	j.Close()
}

func (f *failure) writeInfo(j *jsonWriter) {
	if len(f.info) > 0 {
		j.Value("info", f.info)
	}
}

// writeItem writes the failure of one thing in a batch; id "" is left out.
func (f *failure) writeItem(j *jsonWriter, id string) {
	j.Open()
	if id != "" {
		j.Text("_id", id)
	}
	j.Text("_type", "error")
	j.Int("code", int64(f.code))
	f.writeInfo(j)
	j.Text("message", f.message)
	j.Text("name", codes[f.code].name)
	j.Close()
}

// asInfo is the failure as a member of another one's info.
func (f *failure) asInfo() map[string]any {
	m := map[string]any{"name": codes[f.code].name, "code": int(f.code), "message": f.message}
	if len(f.info) > 0 {
		m["info"] = f.info
	}
	return m
}

// rolledBack is the failure of an atomic batch; each has the failures by record id.
func rolledBack(each map[string]*failure) *failure {
	f := fail(atomicOperationFailure, textRolledBack)
	for id, one := range each {
		f.with(id, one.asInfo())
	}
	return f
}

// errEmpty400 is a body that cannot be read: the old server said nothing about it.
var errEmpty400 = hecate.E(hecate.Malformed, "read request").Says("not a JSON object")

// answerError answers err in the dialect's shape; it is the mux's Errors.
func (a *api) answerError(w *web.Response, _ *web.Request, err error) {
	var f *failure
	if !errors.As(err, &f) && hecate.KindOf(err) == hecate.Malformed {
		// Also no Content-Type: contracts/skygear.md 1.1.
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	f = translate(err)
	if f.kind == hecate.TooMany {
		w.Header().Set("Retry-After", strconv.Itoa(retrySeconds(err)))
	}
	j := newJSON(nil)
	j.Open()
	j.Name("error")
	f.writeTo(&j)
	j.Close()
	w.SetType(jsonType)
	// A failed write means that nobody waits for it.
	_ = w.Bytes(f.httpStatus(), append(j.Buf, '\n'))
}

// translate finds the failure that shows an error.
func translate(err error) *failure {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	d := hecate.Detail(err)
	row := answers[min(d.Kind, hecate.KindCount-1)]
	f = &failure{code: row.code, status: row.status, message: row.message, kind: d.Kind}
	if special := specials[min(d.Kind, hecate.KindCount-1)]; special != nil {
		special(d, f)
	}
	return f
}

// specials are the Kinds whose answer depends on more than the Kind.
var specials = [hecate.KindCount]func(*hecate.Error, *failure){
	hecate.Invalid:      showReason,
	hecate.WeakPassword: showWeakness,
	hecate.UserDisabled: showDisabled,
	hecate.TooLarge:     showReason,
	hecate.TooMany:      showTimeout,
	hecate.NotFound:     showMissing,
}

// showReason shows the engine's own sentence: it is meant for people who may see the field.
func showReason(d *hecate.Error, f *failure) {
	if d.Err != nil && d.Err.Error() != "" {
		f.message = d.Err.Error()
	}
	if d.Field != "" {
		f.about(d.Field)
	}
}

func showMissing(d *hecate.Error, f *failure) {
	if d.Field == "user" {
		f.message = textNoUser
	}
}

// weaknesses are the reasons that the engine gives, as the wire calls them, contracts/skygear.md 2.8.
var weaknesses = map[string]struct{ reason, message string }{
	"too_short":          {"PasswordTooShort", "password too short"},
	"uppercase_required": {"PasswordUppercaseRequired", "password uppercase required"},
	"lowercase_required": {"PasswordLowercaseRequired", "password lowercase required"},
	"digit_required":     {"PasswordDigitRequired", "password digit required"},
	"symbol_required":    {"PasswordSymbolRequired", "password symbol required"},
	"excluded_word":      {"PasswordContainingExcludedKeywords", "password containing excluded keywords"},
	"guessable":          {"PasswordBelowGuessableLevel", "password below guessable level"},
	"reused":             {"PasswordReused", "password reused"},
	"expired":            {"PasswordExpired", textPasswordExpired},
}

// weaknessFacts are the facts that the engine gives with a reason, as the wire calls them.
var weaknessFacts = map[string]string{
	"min_length": "min_length", "length": "pw_length", "min_level": "min_level", "level": "pw_level",
	"history": "history_size", "history_days": "history_days",
}

func showWeakness(d *hecate.Error, f *failure) {
	reason, _ := d.Info["reason"].(string)
	w, known := weaknesses[reason]
	if !known {
		return
	}
	f.message = w.message
	f.with("reason", w.reason)
	for ours, theirs := range weaknessFacts {
		if v, ok := d.Info[ours]; ok {
			f.with(theirs, v)
		}
	}
	if reason == "expired" {
		f.status = http.StatusUnauthorized
	}
}

func showDisabled(d *hecate.Error, f *failure) {
	if message, ok := d.Info["message"].(string); ok && message != "" {
		f.with("message", message)
	}
	if until, ok := d.Info["until"].(time.Time); ok {
		f.with("expiry", secondsTime(until))
	}
}

func showTimeout(d *hecate.Error, f *failure) {
	if errors.Is(d, context.DeadlineExceeded) {
		f.code, f.status, f.message = responseTimeout, 0, textTooSlow
	}
}

// retrySeconds is when a TooMany may be tried again: whole seconds, at least one.
func retrySeconds(err error) int {
	after := hecate.Detail(err).RetryAfter
	return max(1, int((after+time.Second-1)/time.Second))
}
