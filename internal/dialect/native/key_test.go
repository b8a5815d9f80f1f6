package native

import (
	"strings"
	"testing"

	"hecate"
)

func TestAKeyLives(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ann := s.newAdmin(t, "ann@example.com")
	keys := s.newApp(t, ann, "books") + "/keys"
	made := s.want(t, 201, "POST", keys, ann, object{"name": "web site", "flags": []string{"allow_user_create", "allow_anonymous_read"}})
	self, first := made.header.Get("Location"), text(made, "key")
	if self != keys+"/1" || first == "" || canonical(t, made.object["flags"]) != `["allow_user_create","allow_anonymous_read"]` {
		t.Fatalf("at %s: %s", self, made.text)
	}

	list := s.want(t, 200, "GET", keys, ann, nil)
	if strings.Contains(list.text, first) || !strings.Contains(list.text, "web site") {
		t.Errorf("the list is %s", list.text)
	}
	if got := text(s.want(t, 200, "GET", self, ann, nil), "key"); got != first {
		t.Errorf("the key is shown as %q", got)
	}

	changed := s.want(t, 200, "PATCH", self, ann, object{"description": "for readers", "flags": []string{}})
	if text(changed, "description") != "for readers" || text(changed, "name") != "web site" || canonical(t, changed.object["flags"]) != "[]" {
		t.Error(changed.text)
	}
	if strings.Contains(changed.text, first) {
		t.Error("the answer to a change shows the secret")
	}

	fresh := text(s.want(t, 200, "POST", self+"/reset", ann, nil), "key")
	if s.opens(t, first) || !s.opens(t, fresh) {
		t.Error("after the reset the old secret must be dead and the new one alive")
	}
	s.want(t, 204, "DELETE", self, ann, nil)
	s.want(t, 404, "GET", self, ann, nil)
	if s.opens(t, fresh) {
		t.Error("a deleted key still opens the app")
	}
}

// opens reports whether a key is one of the app's.
func (s *server) opens(t *testing.T, key string) bool {
	t.Helper()
	app, err := s.engine.AppByAlias(t.Context(), "books")
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.engine.Authenticate(t.Context(), app, hecate.Proof{Key: hecate.NewSecret(key)})
	return err == nil
}

func TestKeysRefuseWhatTheyDoNotKnow(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ann := s.newAdmin(t, "ann@example.com")
	keys := s.newApp(t, ann, "books") + "/keys"
	s.refused(t, 400, "flags", "POST", keys, ann, object{"flags": []string{"everything"}})
	s.want(t, 201, "POST", keys, ann, object{})
	s.refused(t, 400, "flags", "PATCH", keys+"/1", ann, object{"flags": []string{"master", "everything"}})
	for _, seq := range []string{"2", "0", "-1", "x", "99999999999999999999"} {
		s.want(t, 404, "GET", keys+"/"+seq, ann, nil)
	}
}
