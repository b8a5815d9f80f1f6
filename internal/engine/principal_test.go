package engine

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"hecate"
	"hecate/internal/store"
)

// dated is a session of the kind that says itself when it ends.
func dated(ttl time.Duration) OpenSession { return OpenSession{TTL: ttl.Microseconds(), Dated: true} }

// tenants are two apps of two orgs, with the clients of each.
type tenants struct {
	app, foreign               *hecate.App
	owner, foreigner           *hecate.Actor
	client, org                *hecate.Client
	foreignClient, foreignOrg  *hecate.Client
	admin, foreignAdmin        *AdminDetail
	ownerAlone, foreignerAlone *hecate.Actor
}

func (h *house) tenants() *tenants {
	h.t.Helper()
	x := &tenants{}
	clients := func(app *hecate.App) (*hecate.Client, *hecate.Client) {
		return must[*hecate.Client](h.t)(h.SetClient(ctx, System(), hecate.Client{App: app.ID})),
			must[*hecate.Client](h.t)(h.SetClient(ctx, System(), hecate.Client{Org: app.Org}))
	}
	x.ownerAlone, x.admin = h.admin("books@example.com")
	x.app = must[*AppDetail](h.t)(h.CreateApp(ctx, x.ownerAlone, CreateAppInput{Name: "books"})).App
	x.foreignerAlone, x.foreignAdmin = h.admin("films@example.com")
	x.foreign = must[*AppDetail](h.t)(h.CreateApp(ctx, x.foreignerAlone, CreateAppInput{Name: "films"})).App
	x.owner, x.foreigner = h.enter(x.app, hecate.Proof{Key: x.admin.Key}), h.enter(x.foreign, hecate.Proof{Key: x.foreignAdmin.Key})
	x.client, x.org = clients(x.app)
	x.foreignClient, x.foreignOrg = clients(x.foreign)
	return x
}

func TestSessionsOfClients(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		x := h.tenants()
		open := func(in *hecate.App, c *hecate.Client) (*Opened, error) {
			return h.OpenClientSession(ctx, in, c.Public, c.Secret, "test", dated(time.Hour))
		}
		t.Run("an app's client acts in its app alone", func(t *testing.T) {
			o := must[*Opened](t)(open(nil, x.client))
			if o.Client.App != x.app.ID || o.Org != nil || o.Session.Principal != hecate.AppPrincipal || !o.Client.Secret.IsZero() {
				t.Errorf("opened %+v", o)
			}
			a := must[*hecate.Actor](t)(h.Authenticate(ctx, x.app, hecate.Proof{Bearer: o.Token}))
			if a.Kind != hecate.ClientActor || a.Role != hecate.FullRole || !a.Can(hecate.Manage, hecate.AreaUsers) || a.Session == nil {
				t.Errorf("actor %+v", a)
			}
			failed[*hecate.Actor](t, hecate.BadToken, "")(h.Authenticate(ctx, x.foreign, hecate.Proof{Bearer: o.Token}))
			failed[*hecate.Actor](t, hecate.BadToken, "")(h.AuthenticateManager(ctx, hecate.Proof{Bearer: o.Token}))
			// It is no user's token.
			failed[*hecate.Actor](t, hecate.BadToken, "")(h.Authenticate(ctx, x.app, hecate.Proof{Token: o.Token}))
			h.clock.move(time.Hour)
			failed[*hecate.Actor](t, hecate.Expired, "")(h.Authenticate(ctx, x.app, hecate.Proof{Bearer: o.Token}))
		})
		t.Run("an org's client acts in its apps and for its org", func(t *testing.T) {
			o := must[*Opened](t)(open(nil, x.org))
			if o.Org == nil || o.Org.ID != x.app.Org || o.Session.Principal != hecate.OrgPrincipal || o.Session.App != "" {
				t.Errorf("opened %+v", o)
			}
			if a := must[*hecate.Actor](t)(h.Authenticate(ctx, x.app, hecate.Proof{Bearer: o.Token})); a.Kind != hecate.ClientActor || a.Role != hecate.FullRole {
				t.Errorf("actor %+v", a)
			}
			failed[*hecate.Actor](t, hecate.BadToken, "")(h.Authenticate(ctx, x.foreign, hecate.Proof{Bearer: o.Token}))
			a := must[*hecate.Actor](t)(h.AuthenticateManager(ctx, hecate.Proof{Bearer: o.Token}))
			if a.Kind != hecate.ClientActor || a.App != nil || a.Org != x.app.Org {
				t.Errorf("manager %+v", a)
			}
			must[[]*hecate.Admin](t)(h.OrgMembers(ctx, a, x.app.Org))
			failed[[]*hecate.Admin](t, hecate.NotFound, "org")(h.OrgMembers(ctx, a, x.foreign.Org))
		})
		t.Run("within an app only its own and its org's client are known", func(t *testing.T) {
			must[*Opened](t)(open(x.app, x.client))
			must[*Opened](t)(open(x.app, x.org))
			failed[*Opened](t, hecate.BadKey, "")(open(x.app, x.foreignClient))
			failed[*Opened](t, hecate.BadKey, "")(open(x.app, x.foreignOrg))
			must[*hecate.Client](t)(h.FindClient(ctx, x.app, x.org.Public))
			must[*hecate.Client](t)(h.FindClient(ctx, nil, x.foreignClient.Public))
			failed[*hecate.Client](t, hecate.BadKey, "")(h.FindClient(ctx, x.app, x.foreignClient.Public))
		})
		t.Run("a wrong secret and an unknown client are the same", func(t *testing.T) {
			failed[*Opened](t, hecate.BadKey, "")(h.OpenClientSession(ctx, nil, x.client.Public, x.org.Secret, "", dated(0)))
			for _, id := range []string{"nobody", "", "\x00", "\xff", strings.Repeat("x", 100_000)} {
				failed[*Opened](t, hecate.BadKey, "")(h.OpenClientSession(ctx, nil, id, x.org.Secret, "", dated(0)))
			}
		})
		t.Run("a new secret counts at once, old tokens stay", func(t *testing.T) {
			o := must[*Opened](t)(open(nil, x.client))
			must[*hecate.Actor](t)(h.Authenticate(ctx, x.app, hecate.Proof{ClientID: x.client.Public, ClientSecret: x.client.Secret}))
			next := must[*hecate.Client](t)(h.SetClient(ctx, x.owner, hecate.Client{App: x.app.ID}))
			failed[*hecate.Actor](t, hecate.BadKey, "")(h.Authenticate(ctx, x.app, hecate.Proof{ClientID: x.client.Public, ClientSecret: x.client.Secret}))
			must[*hecate.Actor](t)(h.Authenticate(ctx, x.app, hecate.Proof{ClientID: x.client.Public, ClientSecret: next.Secret}))
			must[*hecate.Actor](t)(h.Authenticate(ctx, x.app, hecate.Proof{Bearer: o.Token}))
			x.client = next
		})
		t.Run("the client of a deleted app opens nothing", func(t *testing.T) {
			must[*Opened](t)(open(nil, x.foreignClient))
			works(t, h.DeleteApp(ctx, x.foreigner, x.foreign.ID, false))
			failed[*Opened](t, hecate.BadKey, "")(open(nil, x.foreignClient))
		})
	})
}

func TestAuthenticateManager(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		x := h.tenants()
		a := must[*hecate.Actor](t)(h.AuthenticateManager(ctx, hecate.Proof{ClientID: x.org.Public, ClientSecret: x.org.Secret}))
		if a.Kind != hecate.ClientActor || a.App != nil || a.Org != x.app.Org || a.Can(hecate.Read, hecate.AreaUsers) {
			t.Errorf("org's client %+v", a)
		}
		if a := must[*hecate.Actor](t)(h.AuthenticateManager(ctx, hecate.Proof{Key: x.admin.Key})); a.Admin == nil || a.Kind != hecate.AdminActor {
			t.Errorf("admin %+v", a)
		}
		user := must[*LoginResult](t)(h.OpenUserSession(ctx, x.owner, UserRef{ID: h.user(x.owner, "ann").User.ID}, "", dated(0)))
		for _, c := range []struct {
			what  string
			proof hecate.Proof
			kind  hecate.Kind
		}{
			{"nobody", hecate.Proof{}, hecate.Unauthenticated},
			{"an app's client", hecate.Proof{ClientID: x.client.Public, ClientSecret: x.client.Secret}, hecate.Forbidden},
			{"an app's client with a wrong secret", hecate.Proof{ClientID: x.client.Public, ClientSecret: x.org.Secret}, hecate.BadKey},
			{"an org's client with a wrong secret", hecate.Proof{ClientID: x.org.Public, ClientSecret: x.client.Secret}, hecate.BadKey},
			{"a user", hecate.Proof{Bearer: user.SessionToken}, hecate.BadToken},
			{"a user's standing token", hecate.Proof{Bearer: user.Token}, hecate.BadToken},
			{"a wrong key", hecate.Proof{Key: clear("0123456789012345678901234567890123456789")}, hecate.BadKey},
		} {
			t.Run(c.what+" is refused", func(t *testing.T) {
				failed[*hecate.Actor](t, c.kind, "")(h.AuthenticateManager(ctx, c.proof))
			})
		}
	})
}

func TestSessionsOfAdmins(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		x := h.tenants()
		login := func(name, password string) (*Opened, error) {
			return h.OpenAdminSession(ctx, AdminLoginInput{Login: name, Password: clear(password), Dialect: "test", Open: dated(time.Hour)})
		}
		t.Run("a password opens one, in the admin's apps alone with powers", func(t *testing.T) {
			o := must[*Opened](t)(login("Books@Example.com", "adminpass"))
			a := must[*hecate.Actor](t)(h.AuthenticateManager(ctx, hecate.Proof{Bearer: o.Token}))
			if a.Admin.ID != x.admin.Admin.ID || a.Session.ID != o.Session.ID {
				t.Errorf("manager %+v", a)
			}
			if a := must[*hecate.Actor](t)(h.Authenticate(ctx, x.app, hecate.Proof{Bearer: o.Token})); a.Role != hecate.OwnerRole || !a.Can(hecate.Manage, hecate.AreaUsers) {
				t.Errorf("in his app %+v", a)
			}
			if a := must[*hecate.Actor](t)(h.Authenticate(ctx, x.foreign, hecate.Proof{Bearer: o.Token})); a.Role != hecate.NoRole || a.Can(hecate.Read, hecate.AreaUsers) {
				t.Errorf("in a foreign app %+v", a)
			}
			// A dialect whose tokens are users' does not know it.
			failed[*hecate.Actor](t, hecate.BadToken, "")(h.Authenticate(ctx, x.app, hecate.Proof{Token: o.Token}))
		})
		t.Run("what is wrong is told apart", func(t *testing.T) {
			failed[*Opened](t, hecate.WrongPassword, "")(login("books@example.com", "wrong"))
			failed[*Opened](t, hecate.UnknownUser, "")(login("nobody@example.com", "adminpass"))
		})
		t.Run("a session renews itself and ends", func(t *testing.T) {
			first := must[*Opened](t)(login("books@example.com", "adminpass"))
			me := must[*hecate.Actor](t)(h.AuthenticateManager(ctx, hecate.Proof{Bearer: first.Token}))
			second := must[*Opened](t)(h.RenewAdminSession(ctx, me, "test", dated(time.Hour)))
			failed[*Opened](t, hecate.Unauthenticated, "")(h.RenewAdminSession(ctx, &hecate.Actor{}, "test", dated(time.Hour)))
			fails(t, h.EndAdminToken(ctx, x.foreignerAlone, x.admin.Admin.ID, first.Token), hecate.Forbidden, "")
			fails(t, h.EndAdminToken(ctx, x.foreignerAlone, x.foreignAdmin.Admin.ID, first.Token), hecate.Forbidden, "token")
			fails(t, h.EndAdminToken(ctx, nil, x.admin.Admin.ID, first.Token), hecate.Forbidden, "")
			works(t, h.EndAdminToken(ctx, me, me.Admin.ID, first.Token))
			works(t, h.EndAdminToken(ctx, me, me.Admin.ID, first.Token)) // ended already
			failed[*hecate.Actor](t, hecate.BadToken, "")(h.AuthenticateManager(ctx, hecate.Proof{Bearer: first.Token}))
			must[*hecate.Actor](t)(h.AuthenticateManager(ctx, hecate.Proof{Bearer: second.Token}))
			fails(t, h.EndAdminSessions(ctx, x.foreignerAlone, me.Admin.ID), hecate.Forbidden, "")
			works(t, h.EndAdminSessions(ctx, me, me.Admin.ID))
			failed[*hecate.Actor](t, hecate.BadToken, "")(h.AuthenticateManager(ctx, hecate.Proof{Bearer: second.Token}))
		})
		t.Run("what changes of an admin is seen by a token that is known already", func(t *testing.T) {
			o := must[*Opened](t)(login("books@example.com", "adminpass"))
			me := must[*hecate.Actor](t)(h.AuthenticateManager(ctx, hecate.Proof{Bearer: o.Token}))
			must[*AdminDetail](t)(h.UpdateAdmin(ctx, me, UpdateAdminInput{Name: ptr("Ada")}))
			if a := must[*hecate.Actor](t)(h.AuthenticateManager(ctx, hecate.Proof{Bearer: o.Token})); a.Admin.Name != "Ada" {
				t.Errorf("name %q", a.Admin.Name)
			}
		})
		t.Run("a disabled admin is refused", func(t *testing.T) {
			o := must[*Opened](t)(login("books@example.com", "adminpass"))
			works(t, h.changeAdmin(ctx, System(), x.admin.Admin.ID, "test", func(tx *store.DB, a *store.AdminSecrets) error {
				a.Disabled = true
				return tx.UpdateAdmin(ctx, &a.Admin)
			}))
			failed[*hecate.Actor](t, hecate.UserDisabled, "")(h.AuthenticateManager(ctx, hecate.Proof{Bearer: o.Token}))
			failed[*Opened](t, hecate.UserDisabled, "")(login("books@example.com", "adminpass"))
			failed[*Opened](t, hecate.UserDisabled, "")(h.RenewAdminSession(ctx, x.ownerAlone, "", dated(0)))
		})
	})
}

func TestDatedTokens(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		x := h.tenants()
		ann := h.user(x.owner, "ann")
		open := func(o OpenSession) hecate.Secret {
			return must[*LoginResult](t)(h.OpenUserSession(ctx, x.owner, UserRef{ID: ann.User.ID}, "", o)).SessionToken
		}
		t.Run("they say what they are", func(t *testing.T) {
			token := open(dated(time.Hour))
			if text := token.Reveal(); len(text) != 63 || !strings.HasPrefix(text, "YWMt") {
				t.Errorf("token of %d characters", len(text))
			}
			works(t, h.InspectToken(x.app, token))
			works(t, h.InspectToken(x.foreign, token)) // its session is not there
			fails(t, h.InspectToken(nil, token), hecate.Forbidden, "")
			server := must[*Opened](t)(h.OpenClientSession(ctx, nil, x.org.Public, x.org.Secret, "", dated(time.Hour))).Token
			works(t, h.InspectToken(nil, server))
			works(t, h.InspectToken(x.app, server))
			h.clock.move(time.Hour)
			fails(t, h.InspectToken(x.app, token), hecate.Expired, "")
			fails(t, h.InspectToken(nil, server), hecate.Expired, "")
		})
		t.Run("endless ones stay", func(t *testing.T) {
			o := dated(time.Hour)
			o.Forever = true
			token := open(o)
			h.clock.move(50 * 365 * 24 * time.Hour)
			works(t, h.InspectToken(x.app, token))
			must[*hecate.Actor](t)(h.Authenticate(ctx, x.app, hecate.Proof{Bearer: token}))
		})
		t.Run("a changed one is none", func(t *testing.T) {
			token := open(dated(time.Hour)).Reveal()
			for i := range token {
				other := byte('A')
				if token[i] == other {
					other = 'B'
				}
				fails(t, h.InspectToken(nil, clear(token[:i]+string(other)+token[i+1:])), hecate.Malformed, "")
			}
			for _, text := range []string{"", "BADTOKEN", "YWMt", token + "A", token[:62], token + ".a.b", "a.b.c", "YWMt" + strings.Repeat("A", 59), ann.Token.Reveal()} {
				fails(t, h.InspectToken(nil, clear(text)), hecate.Malformed, "")
			}
		})
		t.Run("one that was never stored, or of elsewhere, is unknown", func(t *testing.T) {
			never := must[hecate.Secret](t)(h.datedToken(&hecate.Session{App: x.app.ID, ExpiresAt: h.clock.now().Add(time.Hour)}))
			works(t, h.InspectToken(x.app, never))
			failed[*hecate.Actor](t, hecate.BadToken, "")(h.Authenticate(ctx, x.app, hecate.Proof{Bearer: never}))
			token := open(dated(time.Hour))
			if a := must[*hecate.Actor](t)(h.Authenticate(ctx, x.app, hecate.Proof{Bearer: token})); a.User == nil || a.User.ID != ann.User.ID {
				t.Errorf("actor %+v", a)
			}
			failed[*hecate.Actor](t, hecate.BadToken, "")(h.Authenticate(ctx, x.foreign, hecate.Proof{Bearer: token}))
		})
		t.Run("an app of signed tokens keeps them", func(t *testing.T) {
			signed := hecate.Settings{Sessions: hecate.SessionSettings{Signed: true}}
			app := must[*AppDetail](t)(h.UpdateApp(ctx, x.owner, x.app.ID, UpdateAppInput{Settings: &signed})).App
			x.owner = h.enter(app, hecate.Proof{Key: x.admin.Key})
			token := open(dated(time.Hour))
			if strings.Count(token.Reveal(), ".") != 2 {
				t.Error("not signed")
			}
			works(t, h.InspectToken(app, token))
			fails(t, h.InspectToken(x.foreign, token), hecate.Malformed, "")
			fails(t, h.InspectToken(nil, token), hecate.Malformed, "")
			must[*hecate.Actor](t)(h.Authenticate(ctx, app, hecate.Proof{Bearer: token}))
		})
	})
}

func TestSessionsOfUsersByOthers(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		x := h.tenants()
		ann, bob := h.user(x.owner, "ann"), h.user(x.owner, "bob")
		stranger := h.user(x.foreigner, "ann")
		client := must[*hecate.Actor](t)(h.Authenticate(ctx, x.app, hecate.Proof{ClientID: x.client.Public, ClientSecret: x.client.Secret}))
		open := func(a *hecate.Actor, id hecate.UserID) (*LoginResult, error) {
			return h.OpenUserSession(ctx, a, UserRef{ID: id}, "", dated(time.Hour))
		}
		asUser := func(d *UserDetail) *hecate.Actor { return h.enter(x.app, hecate.Proof{Token: d.Token}) }
		t.Run("only who manages the app opens them", func(t *testing.T) {
			for _, a := range []*hecate.Actor{client, x.owner} {
				o := must[*LoginResult](t)(open(a, ann.User.ID))
				if a := must[*hecate.Actor](t)(h.Authenticate(ctx, x.app, hecate.Proof{Bearer: o.SessionToken})); a.UserID() != ann.User.ID {
					t.Errorf("actor %+v", a)
				}
			}
			for what, a := range map[string]*hecate.Actor{
				"guest": h.enter(x.app, hecate.Proof{}), "user": asUser(ann), "key": h.enter(x.app, hecate.Proof{Key: h.key(x.owner, hecate.Master)}),
				"foreign admin": h.enter(x.app, hecate.Proof{Key: x.foreignAdmin.Key}),
			} {
				if _, err := open(a, ann.User.ID); !errors.Is(err, hecate.Forbidden) {
					t.Errorf("%s: %v", what, err)
				}
			}
			failed[*LoginResult](t, hecate.NotFound, "user")(open(client, stranger.User.ID))
			works(t, h.DisableUser(ctx, x.owner, UserRef{ID: bob.User.ID}, DisableUserInput{Disabled: true}))
			failed[*LoginResult](t, hecate.UserDisabled, "")(open(client, bob.User.ID))
			works(t, h.DisableUser(ctx, x.owner, UserRef{ID: bob.User.ID}, DisableUserInput{}))
		})
		t.Run("a token ends for whoever holds it, of that user alone", func(t *testing.T) {
			guest := h.enter(x.app, hecate.Proof{})
			one, two := must[*LoginResult](t)(open(client, ann.User.ID)), must[*LoginResult](t)(open(client, ann.User.ID))
			must[*hecate.Actor](t)(h.Authenticate(ctx, x.app, hecate.Proof{Bearer: one.SessionToken}))
			fails(t, h.EndTokenOf(ctx, guest, UserRef{ID: bob.User.ID}, one.SessionToken), hecate.Forbidden, "token")
			fails(t, h.EndTokenOf(ctx, guest, UserRef{ID: stranger.User.ID}, one.SessionToken), hecate.NotFound, "user")
			foreignGuest := h.enter(x.foreign, hecate.Proof{})
			works(t, h.EndTokenOf(ctx, foreignGuest, UserRef{ID: stranger.User.ID}, one.SessionToken)) // unknown there
			must[*hecate.Actor](t)(h.Authenticate(ctx, x.app, hecate.Proof{Bearer: one.SessionToken}))
			works(t, h.EndTokenOf(ctx, guest, UserRef{ID: ann.User.ID}, one.SessionToken))
			works(t, h.EndTokenOf(ctx, guest, UserRef{ID: ann.User.ID}, one.SessionToken))
			works(t, h.EndTokenOf(ctx, guest, UserRef{ID: ann.User.ID}, clear("BADTOKEN")))
			failed[*hecate.Actor](t, hecate.BadToken, "")(h.Authenticate(ctx, x.app, hecate.Proof{Bearer: one.SessionToken}))
			must[*hecate.Actor](t)(h.Authenticate(ctx, x.app, hecate.Proof{Bearer: two.SessionToken}))
			fails(t, h.EndTokenOf(ctx, guest, UserRef{ID: ann.User.ID}, must[*Opened](t)(h.OpenClientSession(ctx, nil, x.client.Public, x.client.Secret, "", dated(0))).Token),
				hecate.Forbidden, "token")
		})
		t.Run("all end for himself and who manages the app", func(t *testing.T) {
			for what, a := range map[string]*hecate.Actor{"himself": asUser(ann), "client": client} {
				o := must[*LoginResult](t)(open(client, ann.User.ID))
				works(t, h.EndUserSessions(ctx, a, UserRef{ID: ann.User.ID}))
				if _, err := h.Authenticate(ctx, x.app, hecate.Proof{Bearer: o.SessionToken}); !errors.Is(err, hecate.BadToken) {
					t.Errorf("%s: %v", what, err)
				}
			}
			o := must[*LoginResult](t)(open(client, ann.User.ID))
			for what, a := range map[string]*hecate.Actor{
				"guest": h.enter(x.app, hecate.Proof{}), "another user": asUser(bob), "foreign admin": h.enter(x.app, hecate.Proof{Key: x.foreignAdmin.Key}),
			} {
				if err := h.EndUserSessions(ctx, a, UserRef{ID: ann.User.ID}); !errors.Is(err, hecate.Forbidden) {
					t.Errorf("%s: %v", what, err)
				}
			}
			fails(t, h.EndUserSessions(ctx, client, UserRef{ID: stranger.User.ID}), hecate.NotFound, "user")
			must[*hecate.Actor](t)(h.Authenticate(ctx, x.app, hecate.Proof{Bearer: o.SessionToken}))
		})
	})
}

func TestPINs(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		x := h.tenants()
		ann := h.user(x.owner, "ann")
		guest := h.enter(x.app, hecate.Proof{})
		login := func(pin string) (*LoginResult, error) {
			return h.Login(ctx, guest, LoginInput{Login: "ann", PIN: clear(pin), Open: &OpenSession{Dated: true, TTL: time.Hour.Microseconds()}})
		}
		ref := UserRef{ID: ann.User.ID}
		failed[*LoginResult](t, hecate.WrongPassword, "")(login("1234"))
		for what, a := range map[string]*hecate.Actor{"guest": guest, "himself": h.enter(x.app, hecate.Proof{Token: ann.Token})} {
			if err := h.SetPIN(ctx, a, ref, clear("1234")); !errors.Is(err, hecate.Forbidden) {
				t.Errorf("%s: %v", what, err)
			}
		}
		fails(t, h.SetPIN(ctx, x.foreigner, ref, clear("1234")), hecate.NotFound, "user")
		fails(t, h.SetPIN(ctx, x.owner, ref, clear("123")), hecate.Invalid, "pin")
		works(t, h.SetPIN(ctx, x.owner, ref, clear("1234")))
		must[*LoginResult](t)(login("1234"))
		failed[*LoginResult](t, hecate.WrongPassword, "")(login("password of ann"))
		must[*LoginResult](t)(h.Login(ctx, guest, LoginInput{Login: "ann", Password: clear("password of ann")}))
		failed[*LoginResult](t, hecate.WrongPassword, "")(h.Login(ctx, guest, LoginInput{Login: "ann", Password: clear("1234")}))
		t.Run("wrong ones are soon refused, right ones never count", func(t *testing.T) {
			h.clock.move(time.Hour)
			for range 20 {
				must[*LoginResult](t)(login("1234"))
			}
			for range 5 {
				failed[*LoginResult](t, hecate.WrongPassword, "")(login("4321"))
			}
			_, err := login("1234")
			fails(t, err, hecate.TooMany, "")
			if hecate.Detail(err).RetryAfter != 15*time.Minute {
				t.Errorf("retry after %v", hecate.Detail(err).RetryAfter)
			}
			must[*LoginResult](t)(h.Login(ctx, guest, LoginInput{Login: "ann", Password: clear("password of ann")}))
			h.clock.move(15 * time.Minute)
			must[*LoginResult](t)(login("1234"))
		})
		works(t, h.SetPIN(ctx, x.owner, ref, hecate.Secret{}))
		failed[*LoginResult](t, hecate.WrongPassword, "")(login("1234"))
	})
}

func TestGuessesAreBounded(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", Config{OpenRegistration: true, Limits: Limits{PasswordFailures: 3}})
	x := h.tenants()
	h.user(x.owner, "ann")
	guest := h.enter(x.app, hecate.Proof{})
	login := func(name, password, from string) error {
		_, err := h.Login(ctx, guest, LoginInput{Login: name, Password: clear(password), From: from})
		return err
	}
	for range 3 {
		fails(t, login("ann", "wrong", "10.0.0.1"), hecate.WrongPassword, "")
	}
	fails(t, login("ANN", "password of ann", "10.0.0.1"), hecate.TooMany, "")
	works(t, login("ann", "password of ann", "10.0.0.2"))
	works(t, login("ann", "password of ann", ""))
	fails(t, login("bob", "x", "10.0.0.1"), hecate.UnknownUser, "")
	h.clock.move(time.Minute)
	works(t, login("ann", "password of ann", "10.0.0.1"))
	for range 10 {
		works(t, login("ann", "password of ann", "10.0.0.1"))
	}
	open := func(password string) error {
		_, err := h.OpenAdminSession(ctx, AdminLoginInput{Login: "books@example.com", Password: clear(password), From: "10.0.0.1"})
		return err
	}
	for range 3 {
		fails(t, open("wrong"), hecate.WrongPassword, "")
	}
	fails(t, open("adminpass"), hecate.TooMany, "")
	t.Run("a limit may be lifted", func(t *testing.T) {
		if g := newGuesses(-1, 0, time.Minute, time.Now); g != nil {
			t.Fatal("there is one")
		}
		done, err := (*guesses)(nil).begin("", "key")
		works(t, err)
		done(true)
	})
	t.Run("attempts at once count as failed beyond the slack", func(t *testing.T) {
		g := newGuesses(3, 2, time.Minute, h.clock.now)
		var open []func(bool)
		for range 5 {
			done, err := g.begin("", "key")
			works(t, err)
			open = append(open, done)
		}
		_, err := g.begin("", "key")
		fails(t, err, hecate.TooMany, "")
		for i, done := range open {
			done(i < 2)
		}
		done, err := g.begin("", "key")
		works(t, err)
		done(true)
		_, err = g.begin("", "key")
		fails(t, err, hecate.TooMany, "")
		for i := range 3 * guessKeys {
			if done, err := g.begin("", "key"+strconv.Itoa(i)); err == nil {
				done(true)
			}
		}
		if len(g.young)+len(g.old) > 2*guessKeys {
			t.Errorf("%d keys are kept", len(g.young)+len(g.old))
		}
	})
}

func TestChangePasswordOf(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		x := h.tenants()
		ann := h.user(x.owner, "ann")
		stranger := h.user(x.foreigner, "eve")
		guest := h.enter(x.app, hecate.Proof{})
		change := func(a *hecate.Actor, id hecate.UserID, old, next string) error {
			return h.ChangePasswordOf(ctx, a, UserRef{ID: id}, PasswordChange{Old: clear(old), New: clear(next), MinPassword: 4, From: "10.0.0.1"})
		}
		may := func(password string) {
			t.Helper()
			must[*LoginResult](t)(h.Login(ctx, guest, LoginInput{Login: "ann", Password: clear(password)}))
		}
		token := must[*LoginResult](t)(h.OpenUserSession(ctx, x.owner, UserRef{ID: ann.User.ID}, "", dated(time.Hour))).SessionToken
		works(t, change(guest, ann.User.ID, "password of ann", "second"))
		may("second")
		must[*hecate.Actor](t)(h.Authenticate(ctx, x.app, hecate.Proof{Bearer: token})) // it stays
		h.deadToken(x.app, h.key(x.owner, 0), ann.Token)                                // the standing one does not
		fails(t, change(guest, ann.User.ID, "password of ann", "third"), hecate.WrongPassword, "old")
		fails(t, change(guest, ann.User.ID, "", "third"), hecate.WrongPassword, "old")
		fails(t, change(guest, ann.User.ID, "second", "abc"), hecate.WeakPassword, "password")
		fails(t, change(guest, stranger.User.ID, "password of eve", "third"), hecate.NotFound, "user")
		himself := must[*hecate.Actor](t)(h.Authenticate(ctx, x.app, hecate.Proof{Bearer: token}))
		fails(t, change(himself, ann.User.ID, "", "third"), hecate.WrongPassword, "old")
		works(t, change(x.owner, ann.User.ID, "", "third"))
		may("third")
		fails(t, change(x.owner, ann.User.ID, "second", "fourth"), hecate.WrongPassword, "old") // given, so it has to be right
		fails(t, change(h.enter(x.app, hecate.Proof{Key: x.foreignAdmin.Key}), ann.User.ID, "", "fourth"), hecate.WrongPassword, "old")
		t.Run("an app may end all sessions by it, and hide who exists", func(t *testing.T) {
			s := hecate.Settings{HideAccountExistence: true, Sessions: hecate.SessionSettings{EndOnPasswordChange: true}}
			must[*AppDetail](t)(h.UpdateApp(ctx, x.owner, x.app.ID, UpdateAppInput{Settings: &s}))
			guest = h.enter(x.app, hecate.Proof{})
			works(t, change(guest, ann.User.ID, "third", "fifth"))
			failed[*hecate.Actor](t, hecate.BadToken, "")(h.Authenticate(ctx, x.app, hecate.Proof{Bearer: token}))
			fails(t, change(guest, stranger.User.ID, "password of eve", "third"), hecate.WrongPassword, "old")
		})
	})
}

func TestPasswordsFromElsewhere(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		x := h.tenants()
		ann := h.user(x.owner, "ann")
		ref, system := UserRef{ID: ann.User.ID}, SystemIn(x.app)
		// md5 of "old password", in base64url of its hex digits.
		const imported = "chain$md5$MjdlN2MzNjFiN2Y5NjA5OGI4YzE4YTA5OTUzYmZjZTE"
		for what, a := range map[string]*hecate.Actor{"owner": x.owner, "himself": h.enter(x.app, hecate.Proof{Token: ann.Token})} {
			if err := h.ImportPassword(ctx, a, ref, imported); !errors.Is(err, hecate.Forbidden) {
				t.Errorf("%s: %v", what, err)
			}
			if _, _, err := h.ExportPassword(ctx, a, ref); !errors.Is(err, hecate.Forbidden) {
				t.Errorf("%s: %v", what, err)
			}
		}
		export := func() (string, error) {
			hash, _, err := h.ExportPassword(ctx, system, ref)
			return hash, err
		}
		failed[string](t, hecate.Unsupported, "")(export())
		fails(t, h.ImportPassword(ctx, system, ref, "chain$plaintext$cGFzcw"), hecate.Invalid, "hash")
		fails(t, h.ImportPassword(ctx, system, ref, ""), hecate.Invalid, "hash")
		fails(t, h.ImportPassword(ctx, SystemIn(x.foreign), ref, imported), hecate.NotFound, "user")
		works(t, h.ImportPassword(ctx, system, ref, imported))
		if got := must[string](t)(export()); got != imported {
			t.Errorf("exported %q", got)
		}
		guest := h.enter(x.app, hecate.Proof{})
		failed[*LoginResult](t, hecate.WrongPassword, "")(h.Login(ctx, guest, LoginInput{Login: "ann", Password: clear("password of ann")}))
		must[*LoginResult](t)(h.Login(ctx, guest, LoginInput{Login: "ann", Password: clear("old password")}))
		failed[string](t, hecate.Unsupported, "")(export()) // the login hashed it anew
	})
}
