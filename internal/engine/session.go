package engine

import (
	"context"

	"hecate"
)

// LoginInput is a name and a password.
type LoginInput struct {
	Login    string // username, else address
	Password hecate.Secret
	Dialect  string
	Open     *OpenSession // also open a session; nil where the standing one serves
}

// OpenSession describes a session to open.
type OpenSession struct {
	TTL            int64 // microseconds; 0: the app's setting, else never
	EndsOnPassword bool
}

// LoginResult is who logged in, and the token of the session that was opened.
type LoginResult struct {
	*UserDetail
	SessionToken hecate.Secret
}

// Login checks a password at the same cost for unknown users. Kinds: Forbidden when the actor may not log users
// in, UnknownUser, WrongPassword, UserDisabled, TooMany.
func (e *Engine) Login(ctx context.Context, actor *hecate.Actor, in LoginInput) (*LoginResult, error) {
	panic("not built yet")
}

// EndSessions ends every session of the user in every dialect. Kinds: Forbidden, NotFound.
func (e *Engine) EndSessions(ctx context.Context, actor *hecate.Actor, ref UserRef) error {
	panic("not built yet")
}

// EndSession ends the actor's own session.
func (e *Engine) EndSession(ctx context.Context, actor *hecate.Actor) error { panic("not built yet") }
