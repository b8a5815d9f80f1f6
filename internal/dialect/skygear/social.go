package skygear

import "hecate/internal/web"

// socialMissing answers for every provider: none is configured yet.
func (a *api) socialMissing(*web.Response, *web.Request, *call) error {
	return fail(notConfigured, "no OAuth provider is configured")
}

// socialProfiles are the profiles by provider.
func (a *api) socialProfiles(w *web.Response, _ *web.Request, _ *call) error {
	return answerResult(w, []byte(`{}`))
}

// socialConfig are the URLs to which the pages of the client may answer.
func (a *api) socialConfig(w *web.Response, _ *web.Request, _ *call) error {
	return answerResult(w, []byte(`{"authorized_urls":[]}`))
}
