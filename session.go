package hecate

import "time"

// Principal says what a session stands for.
type Principal uint8

// The principals of a session.
const (
	UserPrincipal Principal = iota
	AdminPrincipal
	AppPrincipal // the app's own client
	OrgPrincipal // the org's own client
)

// Session is one login: opened, last used, expires or not, revocable.
type Session struct {
	ID             SessionID
	App            AppID // empty for admins and orgs
	Principal      Principal
	User           UserID  // with UserPrincipal
	Admin          AdminID // with AdminPrincipal
	Org            OrgID   // with OrgPrincipal
	Dialect        string  // who opened it, for people who read lists of sessions
	Standing       bool    // the user's one session without login, renewed when it ends
	EndsOnPassword bool    // a password change ends it
	IssuedAt       time.Time
	LastUsedAt     time.Time
	ExpiresAt      time.Time // zero: never
}

// Expired reports whether the session is past its time.
func (s *Session) Expired(now time.Time) bool {
	return !s.ExpiresAt.IsZero() && !now.Before(s.ExpiresAt)
}

// Ticket is a single-use secret: reset, verify, confirm, activate. The clear
// secret is known only to its maker.
type Ticket struct {
	ID         TicketID
	App        AppID // empty for tickets of admins
	Purpose    string
	User       UserID
	Admin      AdminID
	Address    string // where it was sent; a change of address ends it
	About      string // the field of the profile that holds the address; "" or "email": the user's own address
	Short      bool   // a code that people type: it counts for its user alone, and dies of wrong ones
	UntilLogin bool   // a login of its user ends it
	Attempts   int    // wrong codes while this one was the right one
	CreatedAt  time.Time
	ExpiresAt  time.Time
	UsedAt     time.Time
}

// Proof is what a request presents. A dialect fills what it found; empty
// fields were not presented.
type Proof struct {
	Key          Secret // API key or account key
	Token        Secret // token of a user's session
	Bearer       Secret // token of any principal's session: a user, a client or an admin
	ClientID     string
	ClientSecret Secret
	User         string // with a master key: act as this user (its Key)
}

// Event is one audit entry.
type Event struct {
	ID      EventID
	App     AppID // empty for server-wide events
	At      time.Time
	Actor   string // a Subject, "admin:<id>" or "" for nobody
	Verb    string // "login", "create user"
	Subject string // what it was done to
	Outcome Outcome
	Detail  string // never a secret
}

// Outcome is how an audited act ended.
type Outcome uint8

// The outcomes.
const (
	Succeeded Outcome = iota
	Refused
	Failed
)
