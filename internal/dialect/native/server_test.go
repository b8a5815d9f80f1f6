package native

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"crypto/rand"

	"hecate"
	"hecate/internal/blob"
	"hecate/internal/engine"
	"hecate/internal/mail"
	"hecate/internal/secret"
	"hecate/internal/store/storetest"
)

// server is the native API over a real engine on a fresh SQLite database.
type server struct {
	engine  *engine.Engine
	handler http.Handler
	clock   time.Time // of the limit on attempts
}

func newServer(t *testing.T) *server {
	t.Helper()
	return newServerWith(t, mail.Log{To: slog.New(slog.DiscardHandler)})
}

// newServerWith is newServer with letters that go there.
func newServerWith(t *testing.T, letters mail.Sender) *server {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	keys := secret.NewKeys([32]byte{1})
	hasher := secret.NewHasher(secret.Config{Workers: 1, Keys: keys, Cost: secret.Cost{Memory: 64, Time: 1, Threads: 1}})
	t.Cleanup(hasher.Close)
	blobs, err := blob.OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := blobs.Close(); err != nil {
			t.Error(err)
		}
	})
	s := &server{clock: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	s.engine = engine.New(engine.Config{
		DB: storetest.Open(t, storetest.Config(t, "sqlite")), Keys: keys, Hasher: hasher, Blobs: blobs, Mail: letters,
		Now: time.Now, Rand: rand.Reader, Log: log, PublicURL: func() string { return "http://hecate.test" },
	})
	if s.handler, err = Handler(Config{Engine: s.engine, Log: log, Now: func() time.Time { return s.clock }}); err != nil {
		t.Fatal(err)
	}
	return s
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	text   string
	object map[string]any
}

// do sends one request, with the account key if there is one and a JSON body if there is one.
func (s *server) do(t *testing.T, method, target, key string, body any) answer {
	t.Helper()
	text, isText := body.(string)
	if !isText && body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		text = string(encoded)
	}
	r := httptest.NewRequest(method, target, strings.NewReader(text))
	r.Header.Set("Content-Type", "application/json")
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	a := answer{status: w.Code, header: w.Header(), text: w.Body.String()}
	if strings.Contains(w.Header().Get("Content-Type"), "json") {
		if err := json.Unmarshal(w.Body.Bytes(), &a.object); err != nil {
			t.Fatalf("%s %s: %v in %s", method, target, err, a.text)
		}
	}
	return a
}

// want is do for a request whose status is known.
func (s *server) want(t *testing.T, status int, method, target, key string, body any) answer {
	t.Helper()
	a := s.do(t, method, target, key, body)
	if a.status != status {
		t.Fatalf("%s %s: want %d, got %d %s", method, target, status, a.status, a.text)
	}
	return a
}

// refused is want for a problem with a field.
func (s *server) refused(t *testing.T, status int, field, method, target, key string, body any) answer {
	t.Helper()
	a := s.want(t, status, method, target, key, body)
	if got, _ := a.object["field"].(string); got != field {
		t.Errorf("%s %s: the field is %q, want %q: %s", method, target, got, field, a.text)
	}
	return a
}

// newAdmin makes an admin and gives his account key.
func (s *server) newAdmin(t *testing.T, email string) string {
	t.Helper()
	d, err := s.engine.RegisterAdmin(t.Context(), engine.System(), engine.RegisterAdminInput{
		Email: email, Password: hecate.NewSecret("the password of " + email), Activated: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return d.Key.Reveal()
}

// newApp makes an app and gives its path.
func (s *server) newApp(t *testing.T, key, name string) string {
	t.Helper()
	s.want(t, 201, "POST", "/api/v1/apps", key, object{"name": name})
	return "/api/v1/apps/" + name
}

type object = map[string]any

func text(a answer, names ...string) string {
	var v any = a.object
	for _, name := range names {
		v = v.(map[string]any)[name]
	}
	s, _ := v.(string)
	return s
}
