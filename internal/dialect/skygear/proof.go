package skygear

import (
	"hecate"
	"hecate/internal/web"
)

// Where a request carries its credentials.
const (
	keyHeader   = "X-Skygear-Api-Key"
	tokenHeader = "X-Skygear-Access-Token"
)

// readProof finds the credentials of an action: headers win over the body, empty
// ones were not presented. A user to act as counts only without a token.
func readProof(r *web.Request, args payload) hecate.Proof {
	p := headerProof(r)
	if p.Key.IsZero() {
		p.Key = secretMember(args, "api_key")
	}
	if p.Token.IsZero() {
		p.Token = secretMember(args, "access_token")
	}
	if p.Token.IsZero() {
		p.User, _ = args["_user_id"].(string)
	}
	return p
}

// readPageProof finds the credentials of a route that is no action (files,
// sockets, pages): headers win over the query.
func readPageProof(r *web.Request) hecate.Proof {
	p := headerProof(r)
	if p.Key.IsZero() {
		p.Key = hecate.NewSecret(r.QueryOne("api_key"))
	}
	if p.Token.IsZero() {
		p.Token = hecate.NewSecret(r.QueryOne("access_token"))
	}
	return p
}

func headerProof(r *web.Request) hecate.Proof {
	return hecate.Proof{Key: hecate.NewSecret(r.Header.Get(keyHeader)), Token: hecate.NewSecret(r.Header.Get(tokenHeader))}
}

// secretMember reads a string; other types count as absent.
func secretMember(args payload, name string) hecate.Secret {
	text, _ := args[name].(string)
	return hecate.NewSecret(text)
}
