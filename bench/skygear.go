package main

import (
	"context"
	"fmt"
)

// The Skygear door onto the same app: its users, who signed up through the other one, log in, ask who they are and
// search their records.

const (
	skygear      = "/skygear/"
	skygearQuery = 50 // the client's own default
)

// call is one action with its arguments, JSON without the braces.
func call(path, token, args string) []byte {
	body := fmt.Sprintf(`{"api_key":%q,"access_token":%s,%s}`, clientKey, token, args)
	return request("POST", skygear+path, []byte(body))
}

func (w *world) skygearLogin() [][]byte {
	var all [][]byte
	for _, u := range w.users {
		all = append(all, call("auth/login", "null", fmt.Sprintf(`"auth_data":{"username":%q},"password":%q`, u.name, password)))
	}
	return all
}

// tokens logs every user in and returns the tokens as JSON strings.
func (w *world) tokens(ctx context.Context, address string) ([]string, error) {
	tokens := make([]string, len(w.users))
	logins := w.skygearLogin()
	err := inParallel(ctx, len(logins), func(i int) error {
		var answer struct {
			Result struct {
				Token string `json:"access_token"`
			} `json:"result"`
		}
		err := ask(address, logins[i], 200, &answer)
		tokens[i] = fmt.Sprintf("%q", answer.Result.Token)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("log in through Skygear: %w", err)
	}
	return tokens, nil
}

func (b *bench) skygearLogin(context.Context) error {
	return b.againstArgon("Skygear login", targetLogin, func(int) load {
		l := b.logins()
		l.next = cycle(b.world.skygearLogin())
		return l
	})
}

// skygearMe asks who one is. Every answer carries a fresh token.
func (b *bench) skygearMe(ctx context.Context) error {
	tokens, err := b.world.tokens(ctx, b.server.address)
	if err != nil {
		return err
	}
	var all [][]byte
	for _, token := range tokens {
		all = append(all, call("me", token, `"action":"me"`))
	}
	return b.againstBare("Skygear me", "me", targetUser, all)
}

func (b *bench) skygearQuery(ctx context.Context) error {
	tokens, err := b.world.tokens(ctx, b.server.address)
	if err != nil {
		return err
	}
	args := fmt.Sprintf(`"database_id":"_public","record_type":"book","limit":%d,"sort":[],"include":{},"count":false`, skygearQuery)
	return b.againstBare("Skygear query of 50", "query", targetRead, [][]byte{call("record/query", tokens[shelfOwner], args)})
}
