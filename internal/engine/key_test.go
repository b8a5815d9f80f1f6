package engine

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hecate"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	inHouse(t, func(t *testing.T, h *house) {
		app, owner := h.app("books")
		films, other := h.app("films")
		k := must[*hecate.APIKey](t)(h.CreateKey(ctx, owner, KeyInput{Name: "n", Description: "d", Flags: hecate.CreatesUsers}))
		if !isHexKey(k.Key, true) || k.Seq != 1 || k.Flags != hecate.CreatesUsers {
			t.Errorf("key = %+v", k)
		}
		second := must[*hecate.APIKey](t)(h.CreateKey(ctx, owner, KeyInput{}))
		foreign := must[*hecate.APIKey](t)(h.CreateKey(ctx, other, KeyInput{}))
		if foreign.Seq != 3 {
			t.Errorf("seq = %d", foreign.Seq)
		}
		if got := must[*hecate.App](t)(h.AppByKey(ctx, foreign.Key)); got.ID != films.ID {
			t.Errorf("app = %+v", got)
		}
		failed[*hecate.App](t, hecate.BadKey, "")(h.AppByKey(ctx, clear("x")))

		t.Run("owners see all, a key sees itself", func(t *testing.T) {
			if got := must[*hecate.APIKey](t)(h.Key(ctx, owner, k.Seq)); !sameSecret(got.Key, k.Key) || got.Description != "d" {
				t.Errorf("key = %+v", got)
			}
			if p := must[hecate.Page[*hecate.APIKey]](t)(h.Keys(ctx, owner, List{Limit: 9})); len(p.Rows) != 2 || p.Rows[1].Key.IsZero() {
				t.Errorf("keys = %+v", p.Rows)
			}
			itself := h.enter(app, hecate.Proof{Key: k.Key})
			if p := must[hecate.Page[*hecate.APIKey]](t)(h.Keys(ctx, itself, List{Limit: 9})); len(p.Rows) != 1 || p.Rows[0].Seq != k.Seq {
				t.Errorf("keys = %+v", p.Rows)
			}
			must[*hecate.APIKey](t)(h.Key(ctx, itself, k.Seq))
			failed[*hecate.APIKey](t, hecate.NotFound, "")(h.Key(ctx, itself, second.Seq))
			failed[*hecate.APIKey](t, hecate.NotFound, "")(h.Key(ctx, owner, foreign.Seq))
			failed[*hecate.APIKey](t, hecate.Forbidden, "")(h.CreateKey(ctx, itself, KeyInput{}))
			failed[*hecate.APIKey](t, hecate.Forbidden, "")(h.ResetKey(ctx, itself, k.Seq))
			fails(t, h.DeleteKey(ctx, itself, k.Seq), hecate.Forbidden, "")
			master := h.enter(app, hecate.Proof{Key: h.key(owner, hecate.Master)})
			if p := must[hecate.Page[*hecate.APIKey]](t)(h.Keys(ctx, master, List{Limit: 9})); len(p.Rows) != 3 {
				t.Errorf("keys = %+v", p.Rows)
			}
		})
		t.Run("members below full see none", func(t *testing.T) {
			_, d := h.admin("w@example.com")
			i := must[*hecate.Invitation](t)(h.Invite(ctx, owner, "w@example.com", hecate.WriteRole))
			works(t, h.AcceptInvitation(ctx, must[*hecate.Actor](t)(h.AuthenticateAdmin(ctx, hecate.Proof{Key: d.Key})), i.Key))
			writer := h.enter(app, hecate.Proof{Key: d.Key})
			failed[hecate.Page[*hecate.APIKey]](t, hecate.Forbidden, "")(h.Keys(ctx, writer, List{Limit: 1}))
			failed[*hecate.APIKey](t, hecate.Forbidden, "")(h.Key(ctx, writer, k.Seq))
		})
		t.Run("a change counts at once", func(t *testing.T) {
			must[*hecate.APIKey](t)(h.UpdateKey(ctx, owner, k.Seq, func(in *KeyInput) { in.Flags = hecate.ManagesData }))
			if a := h.enter(app, hecate.Proof{Key: k.Key}); !a.Can(hecate.Delete, hecate.AreaUsers) || a.Key.Flags != hecate.ManagesData {
				t.Errorf("actor = %+v", a.Key)
			}
			failed[*hecate.APIKey](t, hecate.TooLarge, "description")(h.UpdateKey(ctx, owner, k.Seq, func(in *KeyInput) { in.Description = strings.Repeat("x", maxText+1) }))
			failed[*hecate.APIKey](t, hecate.NotFound, "")(h.UpdateKey(ctx, owner, foreign.Seq, func(*KeyInput) {}))
			failed[*hecate.APIKey](t, hecate.NotFound, "")(h.ResetKey(ctx, owner, foreign.Seq))
			fails(t, h.DeleteKey(ctx, owner, foreign.Seq), hecate.NotFound, "")

			next := must[*hecate.APIKey](t)(h.ResetKey(ctx, owner, k.Seq))
			if sameSecret(next.Key, k.Key) || !isHexKey(next.Key, true) {
				t.Errorf("key = %q", next.Key.Reveal())
			}
			_, err := h.Authenticate(ctx, app, hecate.Proof{Key: k.Key})
			fails(t, err, hecate.BadKey, "")
			h.enter(app, hecate.Proof{Key: next.Key})
			works(t, h.DeleteKey(ctx, owner, k.Seq))
			_, err = h.Authenticate(ctx, app, hecate.Proof{Key: next.Key})
			fails(t, err, hecate.BadKey, "")
		})
		t.Run("the operator chooses keys", func(t *testing.T) {
			given := clear(strings.Repeat("F0", 20))
			failed[*hecate.APIKey](t, hecate.Forbidden, "")(h.CreateKey(ctx, owner, KeyInput{Key: given}))
			must[*hecate.APIKey](t)(h.CreateKey(ctx, SystemIn(app), KeyInput{Key: given}))
			h.enter(app, hecate.Proof{Key: clear(strings.Repeat("f0", 20))})
			failed[*hecate.APIKey](t, hecate.Exists, "key")(h.CreateKey(ctx, SystemIn(films), KeyInput{Key: given}))
			account := must[*AdminDetail](t)(h.OwnAdmin(ctx, owner)).Key
			failed[*hecate.APIKey](t, hecate.Exists, "key")(h.CreateKey(ctx, SystemIn(films), KeyInput{Key: account}))
			failed[*hecate.APIKey](t, hecate.Invalid, "key")(h.CreateKey(ctx, SystemIn(films), KeyInput{Key: clear("short")}))
		})
	})
}

func TestSecretsAreNotStoredInTheClear(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", Config{OpenRegistration: true})
	app, owner := h.app("books")
	key := h.key(owner, 0)
	gordon := h.user(owner, "gordon")
	invitation := must[*hecate.Invitation](t)(h.Invite(ctx, owner, "x@example.com", hecate.ReadRole))
	client := must[*hecate.Client](t)(h.Client(ctx, owner, hecate.Client{App: app.ID}))
	h.carry()
	files := must[[]string](t)(filepath.Glob(filepath.Join(h.dir, "*")))
	if !bytes.Contains(must[[]byte](t)(os.ReadFile(filepath.Join(h.dir, "hecate.db-wal"))), []byte("gordon")) {
		t.Fatal("the test looks at the wrong files")
	}
	for name, s := range map[string]hecate.Secret{
		"API key": key, "token": gordon.Token, "invitation": invitation.Key, "client secret": client.Secret,
		"account key": must[*AdminDetail](t)(h.OwnAdmin(ctx, owner)).Key, "password": clear("password of gordon"), "ticket": h.box.letters[0].Secret,
	} {
		for _, file := range files {
			if bytes.Contains(must[[]byte](t)(os.ReadFile(file)), []byte(s.Reveal())) {
				t.Errorf("the %s is in %s", name, file)
			}
		}
	}
}
