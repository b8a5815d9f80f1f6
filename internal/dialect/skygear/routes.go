package skygear

import (
	"hecate/internal/web"
)

// table is the whole API: every action with who may take it.
func (a *api) table() []action {
	return []action{
		on("_status:healthz", openGate, a.healthy),

		// The user himself.
		on("auth:signup", keyOnly, a.signUp),
		on("auth:login", keyOnly, a.login),
		on("auth:logout", tokenOnly, a.logout),
		on("me", verifiedUser, a.me),
		on("auth:password", passwordChange, a.passwordChange),
		on("sso:custom_token:login", keyOnly, a.customTokenLogin),

		// Administration.
		on("auth:reset_password", masterKey, a.passwordReset),
		on("auth:disable:set", administrator, a.userDisable),
		on("role:default", devOnly, a.roleDefault),
		on("role:admin", devOnly, a.roleAdmin),
		on("role:assign", administrator, a.roleAssign),
		on("role:revoke", administrator, a.roleRevoke),
		on("role:get", optionalUser, a.roleGet),

		// Letters.
		on("user:forgot-password", plainLambda, a.passwordForgotten),
		on("user:forgot-password:test", tokenOnly, a.testLetter(testOf("reset", subjectReset), resetPagePath, "email")),
		on("user:welcome-email:test", tokenOnly, a.testLetter(testOf(letterWelcome, subjectWelcome), "", "email")),
		on("user:reset-password", plainLambda, a.passwordByCode),
		on("user:verify_request", plainLambda, a.verifyRequest),
		on("user:verify_request:test", tokenOnly, a.testLetter(testOf("verify", subjectVerify), verifyPagePath, "record_value")),
		on("user:verify_code", plainLambda, a.verifyCode),

		// Providers.
		on("sso:config", openGate, a.socialConfig),
		on("sso:provider_profiles", userLambda, a.socialProfiles),
		on("sso:*:login_auth_url", plainLambda, a.loginConsent),
		on("sso:*:link_auth_url", userLambda, a.linkConsent),
		on("sso:*:login", plainLambda, a.socialLogin),
		on("sso:*:link", userLambda, a.socialLink),
		on("sso:*:unlink", userLambda, a.socialUnlink),
		on("sso:oauth:login", masterKey, a.socialServer),
		on("sso:oauth:signup", masterKey, a.socialServer),
		on("sso:oauth:link", masterKey, a.socialServer),
		on("sso:oauth:unlink", masterKey, a.socialServer),

		// Records.
		on("record:save", verifiedOrMaster, a.recordSave),
		on("record:fetch", verifiedOptional, a.recordFetch),
		on("record:query", verifiedOptional, a.recordQuery),
		on("record:delete", verifiedOrMaster, a.recordDelete),
		on("relation:add", verifiedUser, a.relationAdd),
		on("relation:remove", verifiedUser, a.relationRemove),
		on("relation:query", verifiedOptional, a.relationQuery),

		// Schemas.
		on("schema:access", devOnly, a.schemaAccess),
		on("schema:default_access", devOnly, a.schemaDefaultAccess),
		on("schema:create", devOnly, a.schemaCreate),
		on("schema:rename", devOnly, a.schemaRename),
		on("schema:delete", devOnly, a.schemaDelete),
		on("schema:fetch", devOnly, a.schemaFetch),
		on("schema:field_access:get", administrator, a.fieldAccessGet),
		on("schema:field_access:update", administrator, a.fieldAccessUpdate),

		on("asset:put", keyOnly, a.assetPut),

		// Push, which is not served: devices come and go all the same, see device.go.
		on("device:register", verifiedUser, a.deviceRegister),
		on("device:unregister", verifiedUser, a.deviceUnregister),
		on("push:user", keyOnly, a.pushMissing),
		on("push:device", keyOnly, a.pushMissing),
		on("subscription:fetch", verifiedUser, a.notServed),
		on("subscription:fetch_all", verifiedUser, a.notServed),
		on("subscription:save", verifiedUser, a.notServed),
		on("subscription:delete", verifiedUser, a.notServed),
	}
}

// routes is what is served besides the actions: it is found by its path alone.
func (a *api) routes() []web.Route[*call] {
	signature := web.Open[*call]("the signature in the URL")
	key := web.Require("API key", a.resolvePage(keyOnly))
	ticket := web.Open[*call]("the ticket in the letter")
	state := web.Require("the sealed state of the sign-in", a.comesBack)
	return []web.Route[*call]{
		web.Get(resetPagePath, ticket, a.resetPage),
		web.Post(resetPagePath, ticket, a.resetPage),
		web.Get(verifyPagePath, ticket, a.verifyPage),
		web.Post(verifyPagePath, ticket, a.verifyPage),
		web.Get("/files/{name...}", signature, a.fileGet),
		web.Post("/files/{name...}", key, a.filePost).MaxUpload(maxAsset),
		web.Put("/files/{name...}", key, a.filePut).MaxUpload(maxAsset),
		web.Get("/pubsub", key, a.pubsub),
		web.Get("/_/pubsub", key, a.pubsub),
		web.Get("/sso/{provider}/auth_handler", state, a.consentReturn),
		web.Post("/sso/{provider}/auth_handler", state, a.consentReturn),
		web.Get("/sso/iframe_handler", web.Open[*call]("a page that hands a cookie of this origin to the page that holds it"), a.consentFrame),
	}
}

// resolvePage is the security of a route that is no action.
func (a *api) resolvePage(g gate) func(*web.Request) (*call, error) {
	return func(r *web.Request) (*call, error) {
		c := &call{proof: readPageProof(r)}
		return c, a.doors.enter(r, g, c)
	}
}

func (a *api) healthy(w *web.Response, _ *web.Request, _ *call) error { return answerOK(w) }
