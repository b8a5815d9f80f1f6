package engine

import (
	"context"
	"testing"

	"hecate"
)

func TestAProofMayChangeTheProfile(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		ada := h.withAddress(owner, "ada")
		works(t, h.AskVerification(ctx, owner, VerificationInput{User: UserRef{ID: ada.User.ID}, Letter: UserLetter{About: "work", To: "ada@work.example"}}))
		in := tokenOf(h.last().Secret)
		refuse := true
		in.Profile = func(ticket *hecate.Ticket) *RecordInput {
			return &RecordInput{Resolve: func(_ *hecate.Record, in *RecordInput) error {
				if refuse {
					return hecate.E(hecate.Stale, "test").On(ticket.About)
				}
				in.Extra = hecate.Extra{"x": {ticket.About: ticket.Address}}
				return nil
			}}
		}
		failed[*TicketDetail](t, hecate.Stale, "profile.work")(h.ConfirmAddress(ctx, app, in))
		refuse = false // what was refused used nothing up
		must[*TicketDetail](t)(h.ConfirmAddress(ctx, app, in))
		if d := must[*UserDetail](t)(h.User(ctx, owner, UserRef{ID: ada.User.ID})); d.Profile.Extra["x"]["work"] != "ada@work.example" || d.User.EmailVerified {
			t.Errorf("profile %v, own address verified: %v", d.Profile.Extra, d.User.EmailVerified)
		}
		failed[*TicketDetail](t, hecate.BadToken, "token")(h.ConfirmAddress(ctx, app, in))
	})
}

func TestOnlyWhoGovernsTheAppTriesLetters(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		_, owner := h.app("books")
		ada := h.withAddress(owner, "ada")
		sample := UserLetter{Mailing: Mailing{Letter: "welcome"}}
		user := &hecate.Actor{App: owner.App, User: ada.User, Subjects: []hecate.Subject{hecate.Public, hecate.Anyone}}
		fails(t, h.TryLetter(context.Background(), user, "try@example.com", sample), hecate.Forbidden, "")
		fails(t, h.TryLetter(ctx, owner, "nobody", sample), hecate.Invalid, "to")
		fails(t, h.TryLetter(ctx, owner, "try@example.com", UserLetter{}), hecate.Invalid, "letter")
		works(t, h.TryLetter(ctx, owner, "try@example.com", sample))
		if l := h.last(); l.To != "try@example.com" || l.Name != "welcome" {
			t.Errorf("letter %q to %s", l.Name, l.To)
		}
	})
}
