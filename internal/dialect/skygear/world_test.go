package skygear

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hecate"
	"hecate/internal/dialect/syncano"
	"hecate/internal/engine"
	"hecate/internal/engine/enginetest"
	"hecate/internal/store/storetest"
)

// world is the dialect on a real engine and a real store.
type world struct {
	*enginetest.House
	t      testing.TB
	engine *engine.Engine
	serve  http.Handler
	other  http.Handler // Syncano's API on the same engine
	clock  *enginetest.Clock
	mailed *letterBox
}

// eachWorld runs fn on both stores.
func eachWorld(t *testing.T, fn func(t *testing.T, w *world)) {
	t.Parallel()
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) { fn(t, newWorld(t, engine)) })
	}
}

// lite is a world on SQLite, for what does not depend on the store.
func lite(t testing.TB) *world { return newWorld(t, "sqlite") }

func newWorld(t testing.TB, engineName string) *world {
	t.Helper()
	w := &world{t: t, mailed: &letterBox{}}
	w.House = enginetest.New(t, engineName, w.mailed, nil)
	w.engine, w.clock = w.Engine, w.Clock
	log := w.Logger()
	var err error
	public := func() string { return "http://files.test" }
	if w.serve, err = Handler(Config{Engine: w.engine, PublicURL: public, Log: log, HostApp: appOfHost, Now: w.clock.Now}); err != nil {
		t.Fatal(err)
	}
	if w.other, err = syncano.Handler(syncano.Config{Engine: w.engine, PublicURL: public, Log: log}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.engine.DeclareOrg(t.Context(), engine.System(), "acme", nil); err != nil {
		t.Fatal(err)
	}
	return w
}

// appOfHost maps "books.apps.test" to the app books.
func appOfHost(host string) string {
	app, ok := strings.CutSuffix(host, ".apps.test")
	if !ok {
		return ""
	}
	return app
}

// tenant is one app and its keys.
type tenant struct {
	app                *hecate.App
	key, master, other string // other: a Syncano key with every flag but master
}

// newApp makes an app with its keys.
func (w *world) newApp(t testing.TB, name string, settings hecate.Settings) *tenant {
	t.Helper()
	ctx := context.Background()
	app, _, err := w.engine.DeclareApp(ctx, engine.System(), engine.DeclareAppInput{Org: "acme", Name: name, Alias: name, Settings: settings})
	if err != nil {
		t.Fatal(err)
	}
	key := func(name string, flags hecate.KeyFlags) string {
		k, _, err := w.engine.DeclareKey(ctx, engine.SystemIn(app), engine.KeyInput{Name: name, Flags: flags})
		if err != nil {
			t.Fatal(err)
		}
		return k.Key.Reveal()
	}
	return &tenant{
		app: app, key: key("client", hecate.CreatesUsers), master: key("master", hecate.Master),
		other: key("other", hecate.CreatesUsers|hecate.CreatesGroups),
	}
}

type obj = map[string]any

// reply is one answer.
type reply struct {
	status int
	body   string
	value  obj
	header http.Header // of send alone
}

// post takes an action.
func (w *world) post(t testing.TB, action string, body obj) reply {
	t.Helper()
	return w.ask(t, w.serve, "POST", "/"+strings.ReplaceAll(action, ":", "/"), body)
}

func (w *world) ask(t testing.TB, h http.Handler, method, path string, body obj, headers ...string) reply {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(method, path, bytes.NewReader(raw))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	got := httptest.NewRecorder()
	h.ServeHTTP(got, r)
	out := reply{status: got.Code, body: got.Body.String()}
	_ = json.Unmarshal(got.Body.Bytes(), &out.value) // what is no object is compared as text
	return out
}

// ok demands a result.
func (r reply) ok(t testing.TB) obj {
	t.Helper()
	result, _ := r.value["result"].(obj)
	if r.status != http.StatusOK || result == nil {
		t.Fatalf("answer %d %s", r.status, r.body)
	}
	return result
}

// refused demands an error of that code.
func (r reply) refused(t testing.TB, status int, want code) {
	t.Helper()
	fault, _ := r.value["error"].(obj)
	if r.status != status || fault["code"] != float64(want) {
		t.Errorf("answer %d %s, want %d with code %d", r.status, r.body, status, want)
	}
}

func text(t testing.TB, o obj, name string) string {
	t.Helper()
	s, ok := o[name].(string)
	if !ok {
		t.Fatalf("no text %s in %v", name, o)
	}
	return s
}

// conversationWorld makes the server of one conversation.
func conversationWorld(t *testing.T, w *world, raw map[string]any) (http.Handler, map[string]string) {
	here := w.newApp(t, "here", readSettings(t, raw))
	there := w.newApp(t, "there", hecate.Settings{})
	return w.serve, map[string]string{"K": here.key, "MASTER": here.master, "OTHER": there.key}
}

// readSettings reads what conversations say about an app; the names are those of docs/settings.md.
func readSettings(t *testing.T, raw map[string]any) (s hecate.Settings) {
	t.Helper()
	var in struct {
		HideAccountExistence bool `json:"hide_account_existence"`
		Password             struct {
			MinLength  int  `json:"min_length"`
			Uppercase  bool `json:"uppercase"`
			Lowercase  bool `json:"lowercase"`
			Digit      bool `json:"digit"`
			Symbol     bool `json:"symbol"`
			History    int  `json:"history"`
			ExpiryDays int  `json:"expiry_days"`
			Blocklist  []string
		}
		Sessions struct {
			TTL string `json:"ttl"`
		}
		Skygear struct {
			TokenMode         string     `json:"token_mode"`
			AuthRecordKeys    [][]string `json:"auth_record_keys"`
			CustomTokenSecret string     `json:"custom_token_secret"`
			SchemaOnSave      *bool      `json:"schema_on_save"`
			Verify            obj        `json:"verify"`
			ForgotPassword    obj        `json:"forgot_password"`
			WelcomeMail       bool       `json:"welcome_mail"`
		}
	}
	text, err := json.Marshal(raw)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		t.Fatal(err)
	}
	s.HideAccountExistence = in.HideAccountExistence
	s.Password = hecate.PasswordPolicy{
		MinLength: in.Password.MinLength, Uppercase: in.Password.Uppercase, Lowercase: in.Password.Lowercase, Digit: in.Password.Digit,
		Symbol: in.Password.Symbol, History: in.Password.History, ExpiryDays: in.Password.ExpiryDays, Blocklist: in.Password.Blocklist,
	}
	if in.Sessions.TTL != "" {
		if s.Sessions.TTL, err = time.ParseDuration(in.Sessions.TTL); err != nil {
			t.Fatal(err)
		}
	}
	s.Sessions.Signed = in.Skygear.TokenMode == "jwt"
	s.LoginKeys = in.Skygear.AuthRecordKeys
	s.ClosedSchema = in.Skygear.SchemaOnSave != nil && !*in.Skygear.SchemaOnSave
	s.Dialects = map[string]map[string]any{extraName: {
		"custom_token_secret": in.Skygear.CustomTokenSecret, "verify": in.Skygear.Verify, "forgot_password": in.Skygear.ForgotPassword,
		"welcome_mail": in.Skygear.WelcomeMail,
	}}
	return s
}

// named puts the action in front of what refused says.
func (r reply) named(t testing.TB, action string) reply {
	t.Helper()
	r.body = action + ": " + r.body
	return r
}
