package usergrid

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"hecate"
)

func TestStoredPasswordsOfTheOldServer(t *testing.T) {
	t.Parallel()
	read := func(text string) (passwordRecord, error) {
		var object map[string]any
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&object); err != nil {
			t.Fatal(err)
		}
		return readRecord(object)
	}
	for text, want := range map[string]string{
		`{"secret":"c2VjcmV0","cryptoChain":["bcrypt"]}`:             "chain$bcrypt$c2VjcmV0",
		`{"secret":"c2VjcmV0","cryptoChain":["SHA-1","bcrypt"]}`:     "chain$sha-1,bcrypt$c2VjcmV0",
		`{"secret":"c2VjcmV0","hashType":"sha-1","cipher":"bcrypt"}`: "chain$sha-1,bcrypt$c2VjcmV0",
		`{"secret":"c2VjcmV0","cipher":"bcrypt"}`:                    "chain$bcrypt$c2VjcmV0",
	} {
		record, err := read(text)
		if err != nil || record.hash() != want {
			t.Errorf("%s: %q, %v", text, record.hash(), err)
		}
		back, ok := recordOf(record.hash())
		if !ok || back.hash() != want {
			t.Errorf("%s: back as %q", text, back.hash())
		}
	}
	for _, text := range []string{
		`{}`, `{"secret":""}`, `{"secret":"x"}`, `{"secret":"x","cryptoChain":[]}`, `{"secret":"x","cryptoChain":[1]}`, `{"secret":"x","cryptoChain":"bcrypt"}`,
		`{"secret":"x","cryptoChain":["md5$x"]}`, `{"secret":"x","cryptoChain":["md5,bcrypt"]}`, `{"secret":["x"],"cryptoChain":["md5"]}`,
		`{"recoverable":true,"secret":"x","cryptoChain":["md5"]}`,
	} {
		if record, err := read(text); err == nil {
			t.Errorf("%s is taken as %q", text, record.hash())
		}
	}
	for _, text := range []string{`{"recoverable":true,"secret":"pässword","cryptoChain":["plaintext"]}`, `{"secret":"cMOkc3N3b3Jk","cryptoChain":["plaintext"]}`} {
		record, err := read(text)
		if clear, ok := record.clear(); err != nil || !ok || clear != "pässword" {
			t.Errorf("%s: %q, %v", text, clear, err)
		}
	}
	const bcrypt = "$2a$09$abcdefghijklmnopqrstuv"
	if record, ok := recordOf(bcrypt); !ok || record.steps[0] != "bcrypt" || record.secret != base64.RawURLEncoding.EncodeToString([]byte(bcrypt)) {
		t.Errorf("bcrypt as %+v", record)
	}
	if _, ok := recordOf("chain$md5$eA$c2FsdA"); ok {
		t.Error("a salt cannot be exported")
	}
}

func TestLivesOfTokens(t *testing.T) {
	t.Parallel()
	app := func(sessions hecate.SessionSettings, own map[string]any) *hecate.App {
		return &hecate.App{Settings: hecate.Settings{Sessions: sessions, Dialects: map[string]map[string]any{dialectName: own}}}
	}
	day := hecate.SessionSettings{TTL: 24 * 3600e9}
	for _, c := range []struct {
		what string
		app  *hecate.App
		want int64
	}{
		{"nothing said", app(hecate.SessionSettings{}, nil), 604800},
		{"for all dialects", app(day, nil), 86400},
		{"declared", app(day, map[string]any{"access_token_ttl": "30m0s"}), 1800},
		{"declared as nothing", app(day, map[string]any{"access_token_ttl": "0s"}), 86400},
		{"set by a client", app(day, map[string]any{"access_token_ttl": "30m0s", "properties": map[string]any{"accesstokenttl": "60000"}}), 60},
		{"set by a client to ever", app(day, map[string]any{"properties": map[string]any{"accesstokenttl": json.Number("0")}}), endlessSeconds},
		{"set by a client to centuries", app(day, map[string]any{"properties": map[string]any{"accesstokenttl": json.Number("9000000000000")}}), endlessSeconds},
	} {
		if got := userLife(c.app).seconds(); got != c.want {
			t.Errorf("%s: %d s, want %d", c.what, got, c.want)
		}
	}
	for _, v := range []any{-1, "-1", "1.5", 1.5, -1.0, "x", true, []any{}, json.Number("1e3"), 1e300} {
		if ms, ok := milliseconds(v); ok {
			t.Errorf("%v is read as %d", v, ms)
		}
	}
	for _, v := range []any{1000, int64(1000), 1000.0, "1000", json.Number("1000")} {
		if ms, ok := milliseconds(v); !ok || ms != 1000 {
			t.Errorf("%v is read as %d", v, ms)
		}
	}
}
