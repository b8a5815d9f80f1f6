package engine

import (
	"testing"

	"hecate"
)

// TestLettersOfAnExternalLogin: a new user gets those of new users, a known one those for what has changed, seen as it was and as it is; whoever
// had the address before is told, and tickets that went there are dead.
func TestLettersOfAnExternalLogin(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		guest, _ := h.client(app, owner)
		type change struct{ was, is UserDetail }
		var seen []change
		proof := UserLetter{Ticket: VerifyTicket, Form: NumericCode}
		in := ExternalLoginInput{
			Provider: "custom", Subject: "u-1", Extend: true, Email: ptr("ada@example.com"), Letters: []UserLetter{proof},
			Profile: RecordInput{Values: hecate.Values{"city": "London"}},
			Changed: func(was, is UserDetail) []UserLetter {
				seen = append(seen, change{was, is})
				if was.User.Email == is.User.Email {
					return nil
				}
				return []UserLetter{proof}
			},
		}
		enter := func() *LoginResult {
			t.Helper()
			l, _, err := h.LoginExternal(ctx, guest, in)
			works(t, err)
			return l
		}
		ada := enter()
		first := h.last()
		if first.Name != letterVerify || first.To != "ada@example.com" || len(seen) != 0 || ada.User.EmailVerified {
			t.Fatalf("%+v, %d changes", first, len(seen))
		}
		in.Letters = nil
		works(t, func() error {
			_, err := h.ConfirmAddress(ctx, app, TicketInput{Ticket: first.Secret, User: UserRef{ID: ada.User.ID}})
			return err
		}())
		works(t, h.AskVerification(ctx, owner, VerificationInput{User: UserRef{ID: ada.User.ID}, Letter: proof}))
		late := h.last()
		before := h.letters()
		enter()
		if h.letters() != before || len(seen) != 1 {
			t.Errorf("%d letters, %d changes", h.letters()-before, len(seen))
		}
		in.Email, in.Profile.Values = ptr("ada@example.net"), hecate.Values{"city": "Paris"}
		again := enter()
		if again.User.EmailVerified || len(seen) != 2 {
			t.Fatalf("%+v", again.User)
		}
		if c := seen[1]; c.was.User.Email != "ada@example.com" || !c.was.User.EmailVerified || c.is.User.Email != "ada@example.net" || c.is.User.EmailVerified ||
			c.was.Profile.Values["city"] != "London" || c.is.Profile.Values["city"] != "Paris" {
			t.Errorf("was %+v %v, is %+v %v", c.was.User, c.was.Profile.Values, c.is.User, c.is.Profile.Values)
		}
		h.carry()
		told := map[string]string{}
		for _, l := range h.box.letters[before:] {
			told[l.To] = l.Name
		}
		if len(told) != 2 || told["ada@example.com"] != letterMoved || told["ada@example.net"] != letterVerify {
			t.Errorf("%v", told)
		}
		_, err := h.ConfirmAddress(ctx, app, TicketInput{Ticket: late.Secret, User: UserRef{ID: ada.User.ID}})
		fails(t, err, hecate.BadToken, "")

		// A login that is refused sends nothing.
		h.user(owner, "taken")
		before = h.letters()
		in.Username, in.Email = ptr("taken"), ptr("ada@example.org")
		_, _, err = h.LoginExternal(ctx, guest, in)
		if fails(t, err, hecate.Exists, "username"); h.letters() != before {
			t.Errorf("%d letters", h.letters()-before)
		}
	})
}
