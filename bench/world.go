package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// The declared app, and how much is in it. Keys of admins end in an even digit, those of apps in an odd one.
const (
	base       = "/v1.1/instances/bench/"
	accountKey = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa0"
	clientKey  = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb1"
	password   = "correct horse battery staple"

	userCount   = 24
	ownRecords  = 20  // of each user
	shelfOwner  = 0   // the user who has a shelf full
	shelfSize   = 300 // his records
	pageOf      = 100
	seedClients = 8

	declaration = `admins:
  - {email: admin@example.com, password: an admin's password, account_key: ` + accountKey + `}
orgs:
  - {name: bench, admins: [admin@example.com]}
apps:
  - {org: bench, name: bench, alias: bench, keys: [{name: client, key: ` + clientKey + `, allow_user_create: true}]}
`
	bookClass = `{"name":"book","group_permissions":"create_objects","other_permissions":"create_objects","schema":[` +
		`{"name":"title","type":"string","filter_index":true},{"name":"author","type":"string"},{"name":"blurb","type":"text"},` +
		`{"name":"pages","type":"integer"},{"name":"lent","type":"boolean"}]}`
)

var (
	withAccount = "X-API-KEY: " + accountKey
	withKey     = "X-API-KEY: " + clientKey
)

// world is the seeded app.
type world struct {
	users []user
}

type user struct {
	name    string
	key     string // his user key
	records []int64
}

// proof are the headers with which a user calls.
func (u user) proof() []string { return []string{withKey, "X-USER-KEY: " + u.key} }

// book is the body of a new record, about as long as a real one.
func book(n int) []byte {
	return fmt.Appendf(nil, `{"title":"The long way home, volume %d","author":"A. N. Author","blurb":"%s","pages":%d,"lent":false}`,
		n, "A keeper of gates loses her keys, and finds out who else has been using them all the time. "+
			"Three faces, one house, and a dog that hears everything before it happens.", 100+n%700)
}

func registration(name string) []byte {
	return fmt.Appendf(nil, `{"username":%q,"password":%q}`, name, password)
}

// writeDeclaration returns the file that the server is started with the first time.
func writeDeclaration(dir string) (string, error) {
	file := filepath.Join(dir, "apply.yaml")
	return file, os.WriteFile(file, []byte(declaration), 0o600)
}

// seed makes the class, the users and their records over the API.
func seed(ctx context.Context, address string) (*world, error) {
	if err := ask(address, request("POST", base+"classes/", []byte(bookClass), withAccount), 201, nil); err != nil {
		return nil, fmt.Errorf("create the class: %w", err)
	}
	w := &world{users: make([]user, userCount)}
	err := inParallel(ctx, userCount, func(i int) error {
		u := &w.users[i]
		u.name = fmt.Sprintf("reader%d", i)
		var made struct {
			Key string `json:"user_key"`
		}
		err := ask(address, request("POST", base+"users/", registration(u.name), withKey), 201, &made)
		if err == nil && made.Key == "" {
			err = errors.New("the answer has no user_key")
		}
		u.key = made.Key
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("sign up: %w", err)
	}
	err = inParallel(ctx, userCount, func(i int) error {
		n := ownRecords
		if i == shelfOwner {
			n = shelfSize
		}
		return w.users[i].fill(address, n)
	})
	if err != nil {
		return nil, fmt.Errorf("create records: %w", err)
	}
	return w, nil
}

func (u *user) fill(address string, n int) error {
	for i := range n {
		var made struct {
			ID int64 `json:"id"`
		}
		if err := ask(address, request("POST", objects, book(i), u.proof()...), 201, &made); err != nil {
			return err
		}
		u.records = append(u.records, made.ID)
	}
	return nil
}

const objects = base + "classes/book/objects/"

// ask sends one request and reads its JSON answer into a value, which may be nil.
func ask(address string, req []byte, want int, into any) error {
	status, body, err := once(address, req)
	if err != nil {
		return err
	}
	if status != want {
		return fmt.Errorf("status %d, want %d: %.300s", status, want, body)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal([]byte(body), into)
}

// inParallel does n things, a few at a time, and returns the errors.
func inParallel(ctx context.Context, n int, do func(int) error) error {
	var (
		workers sync.WaitGroup
		mu      sync.Mutex
		failed  error
		slots   = make(chan struct{}, seedClients)
	)
	for i := range n {
		slots <- struct{}{}
		workers.Go(func() {
			defer func() { <-slots }()
			err := ctx.Err()
			if err == nil {
				err = do(i)
			}
			if err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed = err
			}
		})
	}
	workers.Wait()
	return failed
}

// The requests of the scenarios, made once.

func (w *world) currentUser() [][]byte {
	var all [][]byte
	for _, u := range w.users {
		all = append(all, request("GET", base+"user/", nil, u.proof()...))
	}
	return all
}

func (w *world) readRecord() [][]byte {
	var all [][]byte
	for _, u := range w.users {
		for _, id := range u.records[:ownRecords] {
			all = append(all, request("GET", fmt.Sprintf("%s%d/", objects, id), nil, u.proof()...))
		}
	}
	return all
}

func (w *world) readPage() [][]byte {
	path := fmt.Sprintf("%s?page_size=%d", objects, pageOf)
	return [][]byte{request("GET", path, nil, w.users[shelfOwner].proof()...)}
}

func (w *world) login() [][]byte {
	var all [][]byte
	for _, u := range w.users {
		all = append(all, request("POST", base+"user/auth/", registration(u.name), withKey))
	}
	return all
}

func (w *world) createRecord() [][]byte {
	var all [][]byte
	for i, u := range w.users {
		all = append(all, request("POST", objects, book(i), u.proof()...))
	}
	return all
}

// signUp registers somebody new at every call; prefix keeps the rounds apart.
func signUp(prefix string) source {
	return func(worker, n int) []byte {
		return request("POST", base+"users/", registration(fmt.Sprintf("%s-%d-%d", prefix, worker, n)), withKey)
	}
}
