package native

import (
	"slices"
	"strings"
	"time"

	"hecate"
	"hecate/internal/engine"
)

// pageShape is a run of resources. Next, when there is more, is the value of
// `after` that continues it.
type pageShape[T any] struct {
	Items []T    `json:"items"`
	Next  *int64 `json:"next"`
}

// pageOf turns a page of words into one of shapes; seq is what `after` counts by.
func pageOf[W, T any](page hecate.Page[W], shape func(W) T, seq func(W) int64) pageShape[T] {
	out := pageShape[T]{Items: make([]T, 0, len(page.Rows))}
	for _, row := range page.Rows {
		out.Items = append(out.Items, shape(row))
	}
	if page.More && len(page.Rows) > 0 {
		next := seq(page.Rows[len(page.Rows)-1])
		out.Next = &next
	}
	return out
}

// adminShape is an admin as he sees himself.
type adminShape struct {
	ID        hecate.AdminID `json:"id"`
	Email     string         `json:"email"`
	Username  string         `json:"username"`
	FirstName string         `json:"first_name"`
	LastName  string         `json:"last_name"`
	CreatedAt time.Time      `json:"created_at"`
	UpdatedAt time.Time      `json:"updated_at"`
}

func shapeAdmin(a *hecate.Admin) adminShape {
	return adminShape{ID: a.ID, Email: a.Email, Username: a.Username, FirstName: a.FirstName, LastName: a.LastName,
		CreatedAt: a.CreatedAt.UTC(), UpdatedAt: a.UpdatedAt.UTC()}
}

// signedInShape is an admin with the account key that proves him from now on.
type signedInShape struct {
	Admin      adminShape `json:"admin"`
	AccountKey string     `json:"account_key"`
}

func shapeSignedIn(d *engine.AdminDetail) signedInShape {
	return signedInShape{Admin: shapeAdmin(d.Admin), AccountKey: d.Key.Reveal()}
}

// roles are the names of the admin roles.
var roles = [...]string{hecate.NoRole: "none", hecate.ReadRole: "read", hecate.WriteRole: "write", hecate.FullRole: "full", hecate.OwnerRole: "owner"}

// appShape is an app as its admins see it.
type appShape struct {
	ID          hecate.AppID  `json:"id"`
	Alias       string        `json:"alias"`
	Name        string        `json:"name"`
	Org         string        `json:"org"`
	Owner       *string       `json:"owner"` // an address; null when the app has no owner
	Role        string        `json:"role"`  // the caller's
	Description string        `json:"description"`
	Settings    settingsShape `json:"settings"`
	CreatedAt   time.Time     `json:"created_at"`
	UpdatedAt   time.Time     `json:"updated_at"`
}

func shapeApp(d *engine.AppDetail) appShape {
	a := d.App
	s := appShape{ID: a.ID, Alias: a.Alias, Name: a.Name, Org: a.OrgName, Role: roles[d.Role], Description: a.Description,
		Settings: shapeSettings(a.Settings), CreatedAt: a.CreatedAt.UTC(), UpdatedAt: a.UpdatedAt.UTC()}
	if d.Owner != nil {
		s.Owner = &d.Owner.Email
	}
	return s
}

func appSeq(d *engine.AppDetail) int64 { return d.App.Seq }

// settingsShape are the settings that this API shows and changes, named as in
// the operator's file. What dialects and providers keep for themselves stays untouched.
type settingsShape struct {
	HideAccountExistence bool          `json:"hide_account_existence"`
	ConfirmSignUps       bool          `json:"confirm_sign_ups"`
	Sandbox              bool          `json:"sandbox"`
	Password             passwordShape `json:"password"`
	Sessions             sessionsShape `json:"sessions"`
	// Pages are the app's own texts of pages, by language and name: a body replaces the languages that it names, and takes away those that it
	// makes empty.
	Pages hecate.PageTexts `json:"pages"`
}

type passwordShape struct {
	MinLength  int      `json:"min_length"`
	Uppercase  bool     `json:"uppercase"`
	Lowercase  bool     `json:"lowercase"`
	Digit      bool     `json:"digit"`
	Symbol     bool     `json:"symbol"`
	Blocklist  []string `json:"blocklist"`
	History    int      `json:"history"`
	ExpiryDays int      `json:"expiry_days"`
}

type sessionsShape struct {
	TTL                 string `json:"ttl"`                    // a Go duration: 720h; 0s is the dialect's default
	EndOnPasswordChange string `json:"end_on_password_change"` // "dialect" or "all"
}

// Which sessions a password change ends.
const (
	endByDialect = "dialect"
	endAll       = "all"
)

// shapeSettings shares no memory with s, so that a body may be decoded over it.
func shapeSettings(s hecate.Settings) settingsShape {
	shape := settingsShape{
		HideAccountExistence: s.HideAccountExistence, ConfirmSignUps: s.ConfirmSignUps, Sandbox: s.Sandbox,
		Password: passwordShape(s.Password),
		Sessions: sessionsShape{TTL: s.Sessions.TTL.String(), EndOnPasswordChange: endByDialect},
	}
	shape.Pages = s.Pages.Clone()
	shape.Password.Blocklist = append([]string{}, s.Password.Blocklist...)
	if s.Sessions.EndOnPasswordChange {
		shape.Sessions.EndOnPasswordChange = endAll
	}
	return shape
}

// most is the largest number that a setting takes; days of this many are 27 years.
const most = 10_000

// over puts the shape's settings over old ones. Kinds: Invalid.
func (s settingsShape) over(old hecate.Settings) (hecate.Settings, error) {
	for _, number := range []struct {
		name  string
		value int
	}{
		{"min_length", s.Password.MinLength}, {"history", s.Password.History}, {"expiry_days", s.Password.ExpiryDays},
	} {
		if number.value < 0 || number.value > most {
			return old, invalid("settings.password."+number.name, "must be between 0 and 10000")
		}
	}
	ttl, err := time.ParseDuration(s.Sessions.TTL)
	if err != nil || ttl < 0 {
		return old, invalid("settings.sessions.ttl", `must be a duration such as "720h", or "0s" for the dialect's default`)
	}
	if !slices.Contains([]string{endByDialect, endAll}, s.Sessions.EndOnPasswordChange) {
		return old, invalid("settings.sessions.end_on_password_change", `must be "dialect" or "all"`)
	}
	pages, err := s.Pages.Canonical("settings.pages")
	if err == nil {
		err = pages.Check("settings.pages")
	}
	if err != nil {
		return old, err
	}
	old.Pages = pages
	old.HideAccountExistence, old.ConfirmSignUps, old.Sandbox = s.HideAccountExistence, s.ConfirmSignUps, s.Sandbox
	old.Password = hecate.PasswordPolicy(s.Password)
	old.Sessions = hecate.SessionSettings{TTL: ttl, EndOnPasswordChange: s.Sessions.EndOnPasswordChange == endAll}
	return old, nil
}

// keyFlags are the flags of an API key, named as in the operator's file.
var keyFlags = [...]struct {
	name string
	flag hecate.KeyFlags
}{
	{"allow_user_create", hecate.CreatesUsers},
	{"allow_group_create", hecate.CreatesGroups},
	{"allow_anonymous_read", hecate.ReadsAsAnyone},
	{"ignore_acl", hecate.ManagesData},
	{"master", hecate.Master},
}

func shapeFlags(f hecate.KeyFlags) []string {
	names := []string{}
	for _, known := range keyFlags {
		if f.Has(known.flag) {
			names = append(names, known.name)
		}
	}
	return names
}

// flagsOf reads a list of flag names. Kinds: Invalid on "flags".
func flagsOf(names []string) (hecate.KeyFlags, error) {
	var flags hecate.KeyFlags
	for _, name := range names {
		flag, ok := flagNamed(name)
		if !ok {
			return 0, invalid("flags", "must be some of "+strings.Join(shapeFlags(^hecate.KeyFlags(0)), ", "))
		}
		flags |= flag
	}
	return flags, nil
}

func flagNamed(name string) (hecate.KeyFlags, bool) {
	for _, known := range keyFlags {
		if known.name == name {
			return known.flag, true
		}
	}
	return 0, false
}

// keyShape is an API key. Key is there where the caller asked for this one key, not in lists.
type keyShape struct {
	Seq         int64     `json:"seq"`
	Name        string    `json:"name"`
	Description string    `json:"description"`
	Flags       []string  `json:"flags"`
	Key         string    `json:"key,omitempty"`
	CreatedAt   time.Time `json:"created_at"`
}

func shapeKey(k *hecate.APIKey) keyShape {
	s := shapeListedKey(k)
	s.Key = k.Key.Reveal()
	return s
}

func shapeListedKey(k *hecate.APIKey) keyShape {
	return keyShape{Seq: k.Seq, Name: k.Name, Description: k.Description, Flags: shapeFlags(k.Flags), CreatedAt: k.CreatedAt.UTC()}
}

func keySeq(k *hecate.APIKey) int64 { return k.Seq }

// invalid says which input breaks which rule.
func invalid(field, rule string) error {
	return hecate.E(hecate.Invalid, "read request").On(field).Says(rule)
}
