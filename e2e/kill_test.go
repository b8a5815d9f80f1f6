package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	killRounds  = 20
	killClass   = "/classes/crates/objects/"
	shortestRun = 300 * time.Millisecond
	longestRun  = 900 * time.Millisecond
)

// TestKilledUnderLoad cuts the server off in the middle of writing, again and again, and demands everything it had acknowledged.
// What had not been acknowledged may be there or not, but only whole.
func TestKilledUnderLoad(t *testing.T) {
	t.Parallel()
	dataDir := t.TempDir()
	s := start(t, options{dataDir: dataDir, apply: rawAdmins})
	base := s.newInstance(t, "ravenholm")
	s.want(t, 201, call{method: "POST", path: base + "/classes/", key: accountKey, json: object{"name": "crates", "schema": []object{
		{"name": "label", "type": "string", "filter_index": true}, {"name": "round", "type": "integer", "filter_index": true},
		{"name": "content", "type": "text"}, {"name": "picture", "type": "file"}, {"name": "n", "type": "integer"},
	}}})
	all := &acknowledged{}
	for round := range killRounds {
		now := s.writeUntilKilled(t, base, round)
		s = start(t, options{dataDir: dataDir})
		s.verifyRecords(t, base, now, fmt.Sprintf(`{"round":{"_eq":%d}}`, round))
		s.verifyLogins(t, base, now.sampleUsers(2))
		all.merge(now)
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
	}
	s.verifyRecords(t, base, all, "")
	s.verifyUsers(t, base, all)
	s.verifyLogins(t, base, all.sampleUsers(5))
	t.Logf("%d kills: %d users, %d records and %d files acknowledged and found", killRounds, len(all.users), len(all.records), len(all.files))
	if len(all.users) < killRounds || len(all.records) < killRounds || len(all.files) < killRounds {
		t.Error("too little was acknowledged for this test to show anything")
	}
}

// acknowledged is what the server has confirmed: user names and keys, and the labels of records with and without a file.
type acknowledged struct {
	mu      sync.Mutex
	users   []credentials
	records map[string]int // label -> value of n that was confirmed last
	files   map[string]bool
}

type credentials struct{ username, userKey string }

func (a *acknowledged) user(c credentials) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.users = append(a.users, c)
}

func (a *acknowledged) record(label string, n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.records == nil {
		a.records = map[string]int{}
	}
	a.records[label] = n
}

func (a *acknowledged) file(label string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.files == nil {
		a.files = map[string]bool{}
	}
	a.files[label] = true
}

func (a *acknowledged) merge(b *acknowledged) {
	a.users = append(a.users, b.users...)
	for label, n := range b.records {
		a.record(label, n)
	}
	for label := range b.files {
		a.file(label)
	}
}

func (a *acknowledged) sampleUsers(n int) []credentials {
	var sample []credentials
	for _, i := range rand.Perm(len(a.users)) {
		if len(sample) < n {
			sample = append(sample, a.users[i])
		}
	}
	return sample
}

// content and picture follow from the label, so that a record that nobody confirmed can still be checked for being whole.
func content(label string) string {
	sum := sha256.Sum256([]byte(label))
	return strings.Repeat(hex.EncodeToString(sum[:]), 8)
}

func picture(label string) []byte {
	sum := sha256.Sum256([]byte("picture of " + label))
	return []byte(strings.Repeat(string(sum[:]), 1024))
}

// writeUntilKilled lets workers write, kills the server at a random moment and gives what was confirmed until then.
func (s *server) writeUntilKilled(t *testing.T, base string, round int) *acknowledged {
	t.Helper()
	done := &acknowledged{}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{}}
	var workers sync.WaitGroup
	for worker := range 8 {
		workers.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				label := fmt.Sprintf("r%d w%d %d", round, worker, i)
				write := (*server).writeRecord
				switch worker {
				case 0, 1:
					write = (*server).writeUser
				case 2, 3:
					write = (*server).writeFile
				case 4:
					write = (*server).writeAndChange
				}
				if err := write(s, ctx, client, base, round, label, done); err != nil {
					if ctx.Err() == nil && !s.ended() {
						t.Errorf("%s: %v", label, err)
					}
					return
				}
			}
		})
	}
	time.Sleep(shortestRun + rand.N(longestRun-shortestRun))
	s.kill()
	cancel()
	workers.Wait()
	client.CloseIdleConnections()
	return done
}

// ended says that the process is being killed or gone, so that failing requests mean nothing.
func (s *server) ended() bool { return s.killed.Load() }

func (s *server) writeUser(ctx context.Context, client *http.Client, base string, _ int, label string, done *acknowledged) error {
	a, err := s.send(ctx, client, call{method: "POST", path: base + "/users/", key: accountKey, json: object{"username": label, "password": label}})
	if err != nil {
		return err
	}
	if a.status == http.StatusServiceUnavailable || a.status == http.StatusTooManyRequests {
		return nil // the hashing pool is full: not confirmed, and a fair answer
	}
	if a.status != http.StatusCreated {
		return fmt.Errorf("sign-up: %s", a)
	}
	done.user(credentials{label, text(a.object, "user_key")})
	return nil
}

func (s *server) writeRecord(ctx context.Context, client *http.Client, base string, round int, label string, done *acknowledged) error {
	_, err := s.createRecord(ctx, client, base, round, label, done)
	return err
}

func (s *server) createRecord(ctx context.Context, client *http.Client, base string, round int, label string, done *acknowledged) (id int, err error) {
	a, err := s.send(ctx, client, call{method: "POST", path: base + killClass, key: accountKey,
		json: object{"label": label, "round": round, "content": content(label), "n": 0}})
	if err != nil {
		return 0, err
	}
	if a.status != http.StatusCreated {
		return 0, fmt.Errorf("create: %s", a)
	}
	done.record(label, 0)
	return number(a.object, "id"), nil
}

// writeAndChange creates a record and increments it three times.
func (s *server) writeAndChange(ctx context.Context, client *http.Client, base string, round int, label string, done *acknowledged) error {
	id, err := s.createRecord(ctx, client, base, round, label, done)
	if err != nil {
		return err
	}
	for n := 1; n <= 3; n++ {
		a, err := s.send(ctx, client, call{method: "PATCH", path: fmt.Sprintf("%s%s%d/", base, killClass, id), key: accountKey,
			json: object{"n": object{"_increment": 1}}})
		if err != nil {
			return err
		}
		if a.status != http.StatusOK {
			return fmt.Errorf("increment: %s", a)
		}
		done.record(label, n)
	}
	return nil
}

func (s *server) writeFile(ctx context.Context, client *http.Client, base string, round int, label string, done *acknowledged) error {
	a, err := s.send(ctx, client, call{method: "POST", path: base + killClass, key: accountKey, parts: []part{
		{name: "label", bytes: []byte(label)},
		{name: "round", bytes: fmt.Appendf(nil, "%d", round)},
		{name: "content", bytes: []byte(content(label))},
		{name: "picture", filename: "crate.bin", contentType: "application/octet-stream", bytes: picture(label)},
	}})
	if err != nil {
		return err
	}
	if a.status != http.StatusCreated {
		return fmt.Errorf("upload: %s", a)
	}
	done.file(label)
	return nil
}

// verifyRecords reads every record the query matches: confirmed ones must be there, and all must be whole.
func (s *server) verifyRecords(t *testing.T, base string, want *acknowledged, query string) {
	t.Helper()
	found := map[string]bool{}
	path := base + killClass + "?page_size=100"
	for path != "" {
		if query != "" {
			path += "&query=" + strings.NewReplacer("{", "%7B", "}", "%7D", `"`, "%22").Replace(query)
		}
		a := s.want(t, 200, call{method: "GET", path: path, key: accountKey})
		rows, _ := a.object["objects"].([]any)
		for _, row := range rows {
			label := text(row, "label")
			if found[label] {
				t.Errorf("%q is there twice", label)
			}
			found[label] = true
			s.verifyRecord(t, row, label, want, query != "")
		}
		path = text(a.object, "next")
	}
	for label := range want.records {
		if !found[label] {
			t.Errorf("the confirmed record %q is lost", label)
		}
	}
	for label := range want.files {
		if !found[label] {
			t.Errorf("the confirmed record with a file %q is lost", label)
		}
	}
}

// verifyRecord checks one record; its file is fetched where fetch is set.
func (s *server) verifyRecord(t *testing.T, row any, label string, want *acknowledged, fetch bool) {
	t.Helper()
	if text(row, "content") != content(label) {
		t.Errorf("%q has another content", label)
	}
	if n, ok := want.records[label]; ok && (number(row, "n") < n || number(row, "n") > n+1) {
		t.Errorf("%q has n = %d, confirmed was %d", label, number(row, "n"), n)
	}
	url := text(row, "picture", "value")
	if want.files[label] && url == "" {
		t.Errorf("the confirmed file of %q is not named", label)
	}
	if url == "" || !fetch {
		return
	}
	file := s.do(t, call{method: "GET", path: s.here(url)})
	if file.status != 200 || string(file.bytes) != string(picture(label)) {
		t.Errorf("the file of %q: status %d, %d bytes", label, file.status, len(file.bytes))
	}
}

// here points a file's URL to this process: the port changes with every start.
func (s *server) here(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	_, path, _ := strings.Cut(rest, "/")
	return "/" + path
}

func (s *server) verifyUsers(t *testing.T, base string, want *acknowledged) {
	t.Helper()
	keys := map[string]string{}
	for path := base + "/users/"; path != ""; {
		a := s.want(t, 200, call{method: "GET", path: path, key: accountKey})
		rows, _ := a.object["objects"].([]any)
		for _, row := range rows {
			keys[text(row, "username")] = text(row, "user_key")
			if number(row, "profile", "owner") != number(row, "id") || number(row, "id") == 0 {
				t.Errorf("user %q has no profile", text(row, "username"))
			}
		}
		path = text(a.object, "next")
	}
	for _, u := range want.users {
		if keys[u.username] != u.userKey {
			t.Errorf("the confirmed user %q has the key %q, confirmed was %q", u.username, keys[u.username], u.userKey)
		}
	}
}

func (s *server) verifyLogins(t *testing.T, base string, users []credentials) {
	t.Helper()
	for _, u := range users {
		a := s.do(t, call{method: "POST", path: base + "/user/auth/", key: accountKey, json: object{"username": u.username, "password": u.username}})
		if a.status != 200 || text(a.object, "user_key") != u.userKey {
			t.Errorf("login of the confirmed user %q: %s", u.username, a)
		}
	}
}
