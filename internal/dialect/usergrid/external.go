package usergrid

import (
	"net/http"

	"hecate/internal/web"
)

// externalToken is sign-on by a central server, which no server of ours has: contracts/usergrid.md 4.8. The old one, too, answered 501
// where none was configured.
func (a *api) externalToken(_ *web.Response, r *web.Request, _ *manager) error {
	var p payload
	if r.Method == http.MethodPost {
		var err error
		if p, err = readPayload(r); err != nil {
			return err
		}
	}
	for _, name := range []string{"ext_access_token", "ttl"} {
		if p.text(name) == "" && r.QueryOne(name) == "" {
			return illegalArgument(name + " must be specified")
		}
	}
	return notImplemented("sign-on by a central server is not offered")
}
