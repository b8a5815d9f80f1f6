package skygear

import "hecate/internal/web"

func (a *api) pubsub(*web.Response, *web.Request, *call) error {
	return fail(notSupported, "not built yet")
}
