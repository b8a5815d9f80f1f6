package engine

import (
	"testing"

	"hecate"
)

// BenchmarkCurrentUser is the engine's share of the hottest request: an API key, a token, the user itself.
func BenchmarkCurrentUser(b *testing.B) {
	h := newHouse(b, "sqlite", Config{OpenRegistration: true})
	app, owner := h.app("books")
	proof := hecate.Proof{Key: h.key(owner, 0), Token: h.user(owner, "gordon").Token}
	b.ReportAllocs()
	for b.Loop() {
		app, err := h.AppByAlias(ctx, app.Alias)
		if err != nil {
			b.Fatal(err)
		}
		me, err := h.Authenticate(ctx, app, proof)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := h.User(ctx, me, UserRef{ID: me.UserID()}); err != nil {
			b.Fatal(err)
		}
	}
}
