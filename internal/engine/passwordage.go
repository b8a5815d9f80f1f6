package engine

import (
	"time"

	"hecate"
)

// day is the unit of PasswordPolicy.ExpiryDays.
const day = 24 * time.Hour

// PasswordValid refuses a signed-in user whose password is older than the app allows. Who has no password has none that could be
// too old. Kinds: WeakPassword with Info "reason" "expired".
func (e *Engine) PasswordValid(actor *hecate.Actor) error {
	u := actor.User
	if u == nil || actor.App == nil || !u.HasPassword {
		return nil
	}
	days := actor.App.Settings.Password.ExpiryDays
	if days <= 0 || e.now().Before(u.PasswordChangedAt.Add(time.Duration(days)*day)) {
		return nil
	}
	return hecate.E(hecate.WeakPassword, "act").On("password").With("reason", "expired")
}
