package hecate

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestSecretShowsItsTextNowhere(t *testing.T) {
	t.Parallel()
	type inner struct{ hidden Secret }
	s := NewSecret("p4ssw0rd")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%T"} {
		for _, v := range []any{s, &s, inner{s}, []Secret{s}, map[string]Secret{"k": s}, struct{ S Secret }{s}} {
			if out := fmt.Sprintf(verb, v); strings.Contains(out, "p4ssw0rd") || strings.Contains(out, "70347373") {
				t.Errorf("%s of %T: %s", verb, v, out)
			}
		}
	}
	out, err := json.Marshal(struct{ S Secret }{s})
	if err != nil || string(out) != `{"S":"[redacted]"}` {
		t.Errorf("json: %s, %v", out, err)
	}
	if s.Reveal() != "p4ssw0rd" || s.IsZero() || !NewSecret("").IsZero() {
		t.Error("the text itself is lost")
	}
}
