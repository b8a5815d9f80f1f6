package skygear

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"hecate"
	"hecate/internal/web"
)

func TestEveryKindHasAnAnswer(t *testing.T) {
	t.Parallel()
	for kind := range hecate.KindCount {
		row := answers[kind]
		if row.code == 0 || row.message == "" {
			t.Errorf("%v has no answer", kind)
		}
		if codes[row.code].name == "" || codes[row.code].status < 400 {
			t.Errorf("%v is answered with %d, which is no error", kind, row.code)
		}
		if kind != hecate.BadToken && kind != hecate.Expired && row.code == accessTokenNotAccepted {
			t.Errorf("%v would log the client out", kind)
		}
	}
}

func TestEveryCodeHasTheNameAndStatusOfTheContract(t *testing.T) {
	t.Parallel()
	want := map[int]string{
		101: "NotAuthenticated 401", 102: "PermissionDenied 403", 103: "AccessKeyNotAccepted 401", 104: "AccessTokenNotAccepted 401",
		105: "InvalidCredentials 401", 106: "InvalidSignature 401", 107: "BadRequest 400", 108: "InvalidArgument 400", 109: "Duplicated 409",
		110: "ResourceNotFound 404", 111: "NotSupported 501", 112: "NotImplemented 501", 113: "ConstraintViolated 409",
		114: "IncompatibleSchema 409", 115: "AtomicOperationFailure 409", 116: "PartialOperationFailure 200", 117: "UndefinedOperation 404",
		118: "PluginUnavailable 503", 119: "PluginTimeout 504", 120: "RecordQueryInvalid 400", 121: "PluginInitializing 503",
		122: "ResponseTimeout 503", 123: "DeniedArgument 403", 124: "RecordQueryDenied 403", 125: "NotConfigured 503",
		126: "PasswordPolicyViolated 500", 127: "UserDisabled 403", 128: "VerificationRequired 403", 129: "AssetSizeTooLarge 500",
		10000: "UnexpectedError 500", 10001: "UnexpectedAuthInfoNotFound 500", 10002: "UnexpectedUnableToOpenDatabase 503",
		10003: "UnexpectedPushNotificationNotConfigured 500", 10004: "InternalQueryInvalid 500", 10005: "UnexpectedUserNotFound 500",
	}
	if len(codes) != len(want) {
		t.Errorf("%d codes, want %d", len(codes), len(want))
	}
	for c, row := range codes {
		if got := row.name + " " + itoa(row.status); got != want[int(c)] {
			t.Errorf("%d is %q, want %q", c, got, want[int(c)])
		}
	}
}

func itoa(n int) string { return string(web.AppendPageJSON(nil, n)) }

func TestAnErrorIsShown(t *testing.T) {
	t.Parallel()
	until := time.Date(2099, 1, 2, 3, 4, 5, 678e6, time.UTC)
	for name, c := range map[string]struct {
		err    error
		status int
		want   string
	}{
		"ours shows nothing": {errors.New("pq: password is hunter2"), 500, `{"name":"UnexpectedError","code":10000,"message":"unexpected error"}`},
		"a disabled user with message and expiry": {
			hecate.E(hecate.UserDisabled, "act").With("message", "banned").With("until", until), 403,
			`{"name":"UserDisabled","code":127,"message":"user is disabled","info":{"expiry":"2099-01-02T03:04:05Z","message":"banned"}}`,
		},
		"a short password": {
			hecate.E(hecate.WeakPassword, "sign up").With("reason", "too_short").With("min_length", 8).With("length", 4), 500,
			`{"name":"PasswordPolicyViolated","code":126,"message":"password too short","info":{"min_length":8,"pw_length":4,"reason":"PasswordTooShort"}}`,
		},
		"an expired password": {
			hecate.E(hecate.WeakPassword, "act").With("reason", "expired"), 401,
			`{"name":"PasswordPolicyViolated","code":126,"message":"password expired","info":{"reason":"PasswordExpired"}}`,
		},
		"an argument": {
			invalid("empty password", "password"), 400,
			`{"name":"InvalidArgument","code":108,"message":"empty password","info":{"arguments":["password"]}}`,
		},
		"a reason of the engine": {
			hecate.E(hecate.Invalid, "x").On("n").Says("must not be negative"), 400,
			`{"name":"InvalidArgument","code":108,"message":"must not be negative","info":{"arguments":["n"]}}`,
		},
		"the time limit": {
			hecate.E(hecate.TooMany, "serve").Because(context.DeadlineExceeded), 503,
			`{"name":"ResponseTimeout","code":122,"message":"Service taking too long to respond."}`,
		},
		"a login that fails":  {hecate.WrongPassword, 401, `{"name":"InvalidCredentials","code":105,"message":"auth_data or password incorrect"}`},
		"nobody of that name": {hecate.UnknownUser, 404, `{"name":"ResourceNotFound","code":110,"message":"user not found"}`},
		"a batch rolled back": {
			rolledBack(map[string]*failure{"user/U": fail(duplicated, textNotUnique)}), 409,
			`{"name":"AtomicOperationFailure","code":115,"message":"Atomic Operation rolled back due to one or more errors","info":{"user/U":{"code":109,"message":"violate unique constraint","name":"Duplicated"}}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := translate(c.err)
			j := newJSON(nil)
			f.writeTo(&j)
			if string(j.Buf) != c.want || f.httpStatus() != c.status {
				t.Errorf("got %d %s\nwant %d %s", f.httpStatus(), j.Buf, c.status, c.want)
			}
		})
	}
}

func TestAFailureOfOneItemLeavesOutAnUnknownID(t *testing.T) {
	t.Parallel()
	j := newJSON(nil)
	j.OpenList()
	fail(duplicated, textNotUnique).writeItem(&j, "user/U")
	invalid("missing required fields", "id").writeItem(&j, "")
	j.CloseList()
	const want = `[{"_id":"user/U","_type":"error","code":109,"message":"violate unique constraint","name":"Duplicated"},` +
		`{"_type":"error","code":108,"info":{"arguments":["id"]},"message":"missing required fields","name":"InvalidArgument"}]`
	if string(j.Buf) != want || !json.Valid(j.Buf) {
		t.Errorf("got %s", j.Buf)
	}
}

func TestNoFailureOfTheWireCountsAsOurFault(t *testing.T) {
	t.Parallel()
	for c, row := range codes {
		if kind := hecate.KindOf(fail(c, "x")); kind == hecate.Internal {
			t.Errorf("%d would be logged as a fault of ours", c)
		}
		if row.status == http.StatusOK && c != partialOperationFailure {
			t.Errorf("%d would be taken for success", c)
		}
	}
}
