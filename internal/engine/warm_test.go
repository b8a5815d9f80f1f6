package engine

import (
	"context"
	"testing"
	"time"

	"hecate"
)

func TestCredentialsThatAreKnownAskNoQuery(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", Config{OpenRegistration: true})
	x := h.tenants()
	ann := h.user(x.owner, "ann")
	token := func(o *Opened, err error) hecate.Secret { return must[*Opened](t)(o, err).Token }
	proofs := map[string]hecate.Proof{
		"a user's token":         {Bearer: must[*LoginResult](t)(h.OpenUserSession(ctx, x.owner, UserRef{ID: ann.User.ID}, "", dated(time.Hour))).SessionToken},
		"a client's token":       {Bearer: token(h.OpenClientSession(ctx, nil, x.client.Public, x.client.Secret, "", dated(time.Hour)))},
		"an org client's token":  {Bearer: token(h.OpenClientSession(ctx, nil, x.org.Public, x.org.Secret, "", dated(time.Hour)))},
		"an admin's token":       {Bearer: token(h.OpenAdminSession(ctx, AdminLoginInput{Login: "books@example.com", Password: clear("adminpass"), Open: dated(time.Hour)}))},
		"a client's secret":      {ClientID: x.client.Public, ClientSecret: x.client.Secret},
		"an org client's secret": {ClientID: x.org.Public, ClientSecret: x.org.Secret},
	}
	nothing, cancel := context.WithCancel(ctx) // with it every query fails
	cancel()
	for _, t := range h.cache.byName {
		t.clear()
	}
	for what, p := range proofs {
		t.Run(what, func(t *testing.T) {
			if _, err := h.Authenticate(nothing, x.app, p); err == nil {
				t.Fatal("known before it was presented: the test shows nothing")
			}
			must[*hecate.Actor](t)(h.Authenticate(ctx, x.app, p))
			must[*hecate.Actor](t)(h.Authenticate(nothing, x.app, p))
			if _, err := h.AuthenticateManager(ctx, p); err == nil {
				must[*hecate.Actor](t)(h.AuthenticateManager(nothing, p))
			}
		})
	}
}
