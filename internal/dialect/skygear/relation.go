package skygear

import "hecate/internal/web"

// Relations between users are not served: there is no verb for links yet. What can be said about a request is said.

func (a *api) relationAdd(_ *web.Response, _ *web.Request, c *call) error    { return noRelation(c) }
func (a *api) relationRemove(_ *web.Response, _ *web.Request, c *call) error { return noRelation(c) }
func (a *api) relationQuery(_ *web.Response, _ *web.Request, c *call) error  { return noRelation(c) }

// relationNames are the relations that the old server had.
var relationNames = map[string]bool{"friend": true, "follow": true, "_friend": true, "_follow": true}

func noRelation(c *call) error {
	name, err := c.args.text("name")
	if err != nil {
		return err
	}
	if !relationNames[name] {
		return fail(notSupported, "Only friend and follow relation is supported")
	}
	return fail(notSupported, "relations are not supported")
}
