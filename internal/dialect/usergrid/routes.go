package usergrid

import (
	"net/http"
	"slices"

	"hecate/internal/web"
)

// appRoutes are the paths inside an application. The first segment is in the plural and in lower case whatever was
// typed; {rest...} is what is left of a path of many forms.
func (a *api) appRoutes() []web.Route[*call] {
	return slices.Concat(a.applicationRoutes(), a.tokenRoutes(), a.accountRoutes(), a.userRoutes(), a.roleRoutes(), a.collectionRoutes())
}

// tokenRoutes are the ways in and out: contracts/usergrid.md 4.
func (a *api) tokenRoutes() []web.Route[*call] {
	return []web.Route[*call]{
		web.Get("/token", a.unproven("a login"), a.appToken),
		web.Post("/token", a.unproven("a login"), a.appToken),
		web.Get("/authorize", a.unproven("a form to log in"), a.askUser),
		web.Post("/authorize", a.unproven("a login"), a.authorizeUser),
		web.Get("/credentials", a.managing(), a.appCredentials),
		web.Post("/credentials", a.managing(), a.newAppCredentials),
	}
}

// accountRoutes are a user's password, PIN and tokens: contracts/usergrid.md 4.5, 4.6, 5, 7.2.
func (a *api) accountRoutes() []web.Route[*call] {
	const user = "/users/{user}"
	return []web.Route[*call]{
		web.Put(user+"/password", a.known(), a.changePassword),
		web.Post(user+"/password", a.known(), a.changePassword),
		web.Put(user+"/revoketoken", a.known(), a.revokeToken),
		web.Post(user+"/revoketoken", a.known(), a.revokeToken),
		web.Put(user+"/revoketokens", a.known(), a.revokeTokens),
		web.Post(user+"/revoketokens", a.known(), a.revokeTokens),
		web.Get(user+"/token", a.known(), a.tokenFor),
		web.Get(user+"/credentials", a.serving(), a.userCredentials),
		web.Put(user+"/credentials", a.serving(), a.setUserCredentials),
		web.Get(user+"/setpin", a.managing(), a.setPIN),
		web.Post(user+"/setpin", a.managing(), a.setPIN),
	}
}

// managementTokenRoutes are the ways in and out of admins and clients: contracts/usergrid.md 4.2, 4.3, 4.5, 4.7.
func (a *api) managementTokenRoutes() []web.Route[*manager] {
	const user = "/management/users/{user}"
	return []web.Route[*manager]{
		web.Get("/management/token", a.asNobody("a login"), a.managementToken),
		web.Post("/management/token", a.asNobody("a login"), a.managementToken),
		web.Get("/management/me", a.asNobody("a login"), a.managementMe),
		web.Post("/management/me", a.asNobody("a login"), a.managementMe),
		web.Get("/management/authorize", a.asNobody("a form to log in"), a.askAdmin),
		web.Post("/management/authorize", a.asNobody("a login"), a.authorizeAdmin),
		web.Put(user+"/revoketoken", a.asManager(), a.revokeAdminToken),
		web.Post(user+"/revoketoken", a.asManager(), a.revokeAdminToken),
		web.Put(user+"/revoketokens", a.asManager(), a.revokeAdminTokens),
		web.Post(user+"/revoketokens", a.asManager(), a.revokeAdminTokens),
	}
}

// userRoutes are those of /users that are no plain collection: contracts/usergrid.md 7.
func (a *api) userRoutes() []web.Route[*call] {
	return nil
}

// roleRoutes are roles, groups and permissions: contracts/usergrid.md 8.3.
func (a *api) roleRoutes() []web.Route[*call] {
	return nil
}

// collectionRoutes are all other collections, and connections between what is in them: contracts/usergrid.md 9 to 11.
func (a *api) collectionRoutes() []web.Route[*call] {
	takesAsset := func(rt web.Route[*call]) web.Route[*call] { return rt.MaxUpload(assetUpload).Timeout(assetTime) }
	return []web.Route[*call]{
		web.Get("/{collection}", a.anyone(), a.list),
		takesAsset(web.Post("/{collection}", a.anyone(), a.create)),
		takesAsset(web.Put("/{collection}", a.anyone(), a.replaceCollection)),
		web.Delete("/{collection}", a.anyone(), a.deleteSome),

		web.Get("/{collection}/{item}", a.anyone(), a.entity),
		takesAsset(web.Post("/{collection}/{item}", a.anyone(), a.postEntity)),
		takesAsset(web.Put("/{collection}/{item}", a.anyone(), a.putEntity)),
		web.Delete("/{collection}/{item}", a.anyone(), a.deleteEntity),

		web.Get("/assets/{item}/data", a.anyone(), a.assetData),
		takesAsset(web.Post("/assets/{item}/data", a.anyone(), a.putAssetData)),
		takesAsset(web.Put("/assets/{item}/data", a.anyone(), a.putAssetData)),
	}
}

// managementRoutes are the paths outside of applications: contracts/usergrid.md 6.
func (a *api) managementRoutes() []web.Route[*manager] {
	return slices.Concat(a.organizationRoutes(), a.adminRoutes(), a.managementTokenRoutes(), a.serviceRoutes(), []web.Route[*manager]{
		web.Get("/status", a.asNobody("liveness"), a.status),
		web.Get("/lb-status", a.asNobody("liveness"), a.status),
		web.Get("/", a.asNobody("a redirect"), a.redirect),
	})
}

func (a *api) redirect(w *web.Response, r *web.Request, _ *manager) error {
	w.Header().Set("Location", r.Prefix()+"/status")
	w.WriteHeader(http.StatusTemporaryRedirect)
	return nil
}

func (a *api) status(w *web.Response, r *web.Request, m *manager) error {
	return a.answerManager(w, r, m, reply{action: "get", status: "ok"})
}
