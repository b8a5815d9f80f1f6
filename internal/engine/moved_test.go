package engine

import (
	"testing"

	"hecate"
)

// TestAFullLetterboxHearsOfAMove: whoever has taken an account over cannot keep its owner from hearing that it has another address, by
// asking for letters before. Nor can he send as many as he likes by moving to and fro.
func TestAFullLetterboxHearsOfAMove(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		h.withAddress(owner, "ada")
		h.limits.LettersPerAddress = 2
		for range 2 {
			works(t, h.AskReset(ctx, app, AskInput{Email: "ada@example.com"}))
		}
		move := func(to string) {
			t.Helper()
			must[*UserDetail](t)(h.UpdateUser(ctx, owner, UserRef{Login: "ada"}, UpdateUserInput{Email: &to}))
		}
		before := h.letters()
		move("ada@example.net")
		if l := h.last(); h.letters() != before+1 || l.Name != letterMoved || l.To != "ada@example.com" {
			t.Errorf("%d letters, the last one %q to %s", h.letters()-before, l.Name, l.To)
		}
		told := h.letters()
		for range 2 * movedLetters {
			move("ada@example.com")
			move("ada@example.net")
		}
		fails(t, h.AskVerification(ctx, owner, VerificationInput{User: UserRef{Login: "ada"}}), hecate.TooMany, "")
		h.carry()
		toOld := 0
		h.box.mu.Lock()
		defer h.box.mu.Unlock()
		for _, l := range h.box.letters[told:] {
			if l.To == "ada@example.com" {
				toOld++
			}
		}
		if toOld >= movedLetters {
			t.Errorf("%d more letters", toOld)
		}
	})
}
