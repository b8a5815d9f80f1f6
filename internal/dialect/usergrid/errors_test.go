package usergrid

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"hecate"
)

func TestEveryKindHasAnAnswer(t *testing.T) {
	t.Parallel()
	for kind := range hecate.KindCount {
		row := kinds[kind]
		if row.status < 400 || row.code == "" || row.description == "" {
			t.Errorf("%v has no answer", kind)
		}
		if row.exception == "" && !row.oauth && kind != hecate.WeakPassword {
			t.Errorf("%v has no exception", kind)
		}
		f := faultOf(hecate.E(kind, "do"))
		if hecate.KindOf(f) != kind {
			t.Errorf("%v counts as %v", kind, hecate.KindOf(f))
		}
	}
	if got := faultOf(errors.New("boom")); got.status != 500 || got.description != "internal error" {
		t.Errorf("a fault of ours shows %+v", got)
	}
}

func TestErrorsAreThoseOfTheContract(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		want string // status, code, exception, description
	}{
		"application": {hecate.E(hecate.NoApp, "x").With("org", "acme").With("app", "shop").With("path", "/users"),
			"404 organization_application_not_found OrganizationApplicationNotFoundException Could not find application for acme/shop from URI: /users"},
		"taken": {fmt.Errorf("create: %w", hecate.E(hecate.Exists, "x").On("username").With("type", "user").With("value", "ada")),
			`400 duplicate_unique_property_exists DuplicateUniquePropertyExistsException Entity "user" requires that property named "username" be unique, value of ada exists`},
		"duplicate":     {duplicate("user", "email", "a@x.io"), `400 duplicate_unique_property_exists DuplicateUniquePropertyExistsException Entity "user" requires that property named "email" be unique, value of a@x.io exists`},
		"required":      {requiredProperty("user", "username"), "400 required_property_not_found RequiredPropertyNotFoundException Entity user requires a property named username"},
		"by id":         {entityNotFound("X"), "404 entity_not_found EntityNotFoundException Cannot find entity associated with uuid: X"},
		"by name":       {entityNameNotFound("X"), "404 entity_not_found EntityNotFoundException Cannot find entity with name: X"},
		"resource":      {resourceNotFound(), "404 service_resource_not_found ServiceResourceNotFoundException Service resource not found"},
		"any not found": {hecate.E(hecate.NotFound, "x"), "404 service_resource_not_found ServiceResourceNotFoundException Service resource not found"},
		"forbidden":     {hecate.E(hecate.Forbidden, "x").Says("a secret"), "401 unauthorized SecurityException Subject does not have permission to access this resource"},
		"invalid":       {hecate.E(hecate.Invalid, "x").On("name").Says("too long"), "400 illegal_argument IllegalArgumentException name: too long"},
		"JSON":          {hecate.E(hecate.Malformed, "x").Says("line 1"), "400 json_parse JsonParseException line 1"},
		"token":         {hecate.E(hecate.BadToken, "x"), "401 auth_bad_access_token SecurityException Unable to authenticate due to corrupt access token"},
		"expired":       {hecate.E(hecate.Expired, "x"), "401 expired_token SecurityException Unable to authenticate due to expired access token"},
		"revoked":       {revokedToken(), "401 auth_invalid SecurityException Unable to authenticate"},
		"grant":         {invalidGrant(""), "400 invalid_grant  invalid username or password"},
		"not activated": {hecate.E(hecate.UserDisabled, "x").With("activated", false), "400 invalid_grant  user not activated"},
		"disabled":      {hecate.E(hecate.UserDisabled, "x"), "400 invalid_grant  user disabled"},
		"unconfirmed":   {hecate.E(hecate.Unverified, "x"), "403 invalid_grant  User must be confirmed to authenticate"},
		"old password":  {hecate.E(hecate.WrongPassword, "x"), "400 auth_invalid_username_or_password IncorrectPasswordException Unable to authenticate due to username or password being incorrect"},
		"short":         {hecate.E(hecate.WeakPassword, "x").With("reason", "too_short").With("min_length", 4), "400 error_password_policy_violation  error_length_policy: must be at least 4 characters "},
		"reused":        {hecate.E(hecate.WeakPassword, "x").With("reason", "reused"), "409 recently_used_password RecentlyUsedPasswordException The specified password was recently used"},
		"media type":    {hecate.E(hecate.Unsupported, "x").On("content-type"), "415 not_supported NotSupportedException HTTP 415 Unsupported Media Type"},
		"not done":      {hecate.E(hecate.Unsupported, "x"), "501 not_implemented NotImplementedException not implemented"},
		"large":         {hecate.E(hecate.TooLarge, "x").Says("body is too large"), "413 request_too_large IllegalArgumentException body is too large"},
		"large query":   {hecate.E(hecate.TooLarge, "x").On("query"), "400 query_parse QueryParseException the query is too large"},
		"token of ql":   {queryToken("no"), "400 query_token QueryTokenException no"},
		"overload":      {hecate.E(hecate.TooMany, "x").After(3 * time.Second), "429 too_many_requests RuntimeException too many requests"},
		"stale":         {hecate.E(hecate.Stale, "x"), "409 conflict ServiceException the entity has been changed"},
	} {
		f := faultOf(c.err)
		class := f.exception
		for i := len(class) - 1; i >= 0; i-- {
			if class[i] == '.' {
				class = class[i+1:]
				break
			}
		}
		if got := fmt.Sprintf("%d %s %s %s", f.status, f.code, class, f.description); got != c.want {
			t.Errorf("%s: %s", name, got)
		}
	}
	if retrySeconds(hecate.E(hecate.TooMany, "x").After(1500*time.Millisecond)) != 2 {
		t.Error("a retry is announced too early")
	}
}
