package engine

import (
	"testing"

	"hecate"
)

// TestATokenTellsNothingOfOthers: whoever presents a token of his own hears alike of users that there are and are not.
func TestATokenTellsNothingOfOthers(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner, guest := h.hiding("books")
		ann, ben := h.user(owner, "ann"), h.user(owner, "ben")
		own := must[*LoginResult](t)(h.OpenUserSession(ctx, owner, UserRef{ID: ann.User.ID}, "", OpenSession{})).SessionToken
		for _, ref := range []UserRef{{ID: ben.User.ID}, {Username: "nobody"}} {
			fails(t, h.EndTokenOf(ctx, guest, ref, own), hecate.Forbidden, "token")
			works(t, h.EndTokenOf(ctx, guest, ref, clear("BADTOKEN")))
		}
		fails(t, h.EndTokenOf(ctx, owner, UserRef{Username: "nobody"}, own), hecate.NotFound, "user")
		must[*hecate.Actor](t)(h.Authenticate(ctx, app, hecate.Proof{Bearer: own}))
	})
}
