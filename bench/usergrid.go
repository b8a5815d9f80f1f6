package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
)

// The Usergrid door onto the same app: its users, who signed up through another one, log in, ask who they are, and write and
// search entities that the role policy opens to them.

const (
	usergrid      = "/usergrid/bench/bench/"
	novels        = usergrid + "novels"
	novelCount    = 480
	authors       = 24 // each of them wrote twenty of the novels
	usergridLimit = 10 // the contract's own default
)

// novel is the body of a new entity, as long as a book.
func novel(n int) []byte {
	return fmt.Appendf(nil, `{"title":"The short way home, volume %d","author":"Author %d","blurb":"%s","pages":%d,"lent":false}`,
		n, n%authors, "A keeper of gates loses her keys, and finds out who else has been using them all the time. "+
			"Three faces, one house, and a dog that hears everything before it happens.", 100+n%700)
}

// grid is the app as it is reached through this door.
type grid struct {
	bearers []string // a header for every user
	novels  []string // the uuids
}

// entered logs every user in and writes the novels, the first time that a scenario asks for it.
func (b *bench) entered(ctx context.Context) (*grid, error) {
	if b.grid != nil {
		return b.grid, nil
	}
	g := &grid{bearers: make([]string, len(b.world.users)), novels: make([]string, novelCount)}
	logins := b.world.usergridLogin()
	err := inParallel(ctx, len(logins), func(i int) error {
		var answer struct {
			Token string `json:"access_token"`
		}
		err := ask(b.server.address, logins[i], 200, &answer)
		g.bearers[i] = "Authorization: Bearer " + answer.Token
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("log in through Usergrid: %w", err)
	}
	// The first one makes the collection.
	if err := g.write(b.server.address, 0); err != nil {
		return nil, fmt.Errorf("create the collection: %w", err)
	}
	err = inParallel(ctx, novelCount-1, func(i int) error { return g.write(b.server.address, i+1) })
	if err != nil {
		return nil, fmt.Errorf("create entities: %w", err)
	}
	b.grid = g
	return g, nil
}

func (g *grid) write(address string, n int) error {
	var answer struct {
		Entities []struct {
			UUID string `json:"uuid"`
		} `json:"entities"`
	}
	if err := ask(address, g.create(n), 200, &answer); err != nil {
		return err
	}
	if len(answer.Entities) != 1 {
		return errors.New("the answer has no entity")
	}
	g.novels[n] = answer.Entities[0].UUID
	return nil
}

func (g *grid) bearer(n int) string { return g.bearers[n%len(g.bearers)] }

func (g *grid) create(n int) []byte { return request("POST", novels, novel(n), g.bearer(n)) }

// each makes n requests, those of all users in turn.
func (g *grid) each(n int, path func(int) string) [][]byte {
	var all [][]byte
	for i := range n {
		all = append(all, request("GET", path(i), nil, g.bearer(i)))
	}
	return all
}

func (w *world) usergridLogin() [][]byte {
	var all [][]byte
	for _, u := range w.users {
		all = append(all, request("POST", usergrid+"token", fmt.Appendf(nil, `{"grant_type":"password","username":%q,"password":%q}`, u.name, password)))
	}
	return all
}

func (b *bench) usergridLogin(context.Context) error {
	return b.againstArgon("Usergrid login", targetLogin, func(int) load {
		l := b.logins()
		l.next = cycle(b.world.usergridLogin())
		return l
	})
}

func (b *bench) usergridMe(ctx context.Context) error {
	g, err := b.entered(ctx)
	if err != nil {
		return err
	}
	return b.againstBare("Usergrid users/me", "ugme", targetUser, g.each(len(g.bearers), func(int) string { return usergrid + "users/me" }))
}

func (b *bench) usergridRead(ctx context.Context) error {
	g, err := b.entered(ctx)
	if err != nil {
		return err
	}
	return b.againstBare("Usergrid entity read", "ugread", targetRead,
		g.each(novelCount, func(i int) string { return novels + "/" + g.novels[i] }))
}

// usergridQuery asks for the novels of one author, whose name is an indexed property.
func (b *bench) usergridQuery(ctx context.Context) error {
	g, err := b.entered(ctx)
	if err != nil {
		return err
	}
	return b.againstBare(fmt.Sprintf("Usergrid query of %d", usergridLimit), "ugquery", targetRead, g.each(authors, func(i int) string {
		ql := fmt.Sprintf("select * where author = 'Author %d'", i)
		return fmt.Sprintf("%s?limit=%d&ql=%s", novels, usergridLimit, url.QueryEscape(ql))
	}))
}

// usergridPage asks for pages in the middle of the collection, each by the cursor of the page before it.
func (b *bench) usergridPage(ctx context.Context) error {
	g, err := b.entered(ctx)
	if err != nil {
		return err
	}
	paths := make([]string, novelCount/usergridLimit/2)
	cursor := ""
	for i := range paths {
		var answer struct {
			Cursor string `json:"cursor"`
		}
		path := fmt.Sprintf("%s?limit=%d&cursor=%s", novels, usergridLimit, cursor)
		if err := ask(b.server.address, request("GET", path, nil, g.bearer(i)), 200, &answer); err != nil {
			return fmt.Errorf("page through the collection: %w", err)
		}
		if answer.Cursor == "" {
			return errors.New("a page in the middle has no cursor")
		}
		cursor = answer.Cursor
		paths[i] = fmt.Sprintf("%s?limit=%d&cursor=%s", novels, usergridLimit, cursor)
	}
	return b.againstBare(fmt.Sprintf("Usergrid page of %d", usergridLimit), "ugpage", targetRead,
		g.each(len(paths), func(i int) string { return paths[i] }))
}

func (b *bench) usergridCreate(ctx context.Context) error {
	g, err := b.entered(ctx)
	if err != nil {
		return err
	}
	var all [][]byte
	for i := range b.world.users {
		all = append(all, g.create(i))
	}
	return b.againstCommit(ctx, "Usergrid entity create", "ugcreate", 200, all)
}
