package usergrid

import (
	"net/http"
	"slices"

	"hecate/internal/web"
)

// appRoutes are the paths inside an application. The first segment is in the plural and in lower case whatever was
// typed; {rest...} is what is left of a path of many forms.
func (a *api) appRoutes() []web.Route[*call] {
	return slices.Concat(a.tokenRoutes(), a.userRoutes(), a.roleRoutes(), a.collectionRoutes())
}

// tokenRoutes are the ways in and out: contracts/usergrid.md 4.
func (a *api) tokenRoutes() []web.Route[*call] {
	return nil
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
	return nil
}

// managementRoutes are the paths outside of applications: contracts/usergrid.md 6.
func (a *api) managementRoutes() []web.Route[*manager] {
	return []web.Route[*manager]{
		web.Get("/status", a.asNobody("liveness"), a.status),
		web.Get("/lb-status", a.asNobody("liveness"), a.status),
		web.Get("/", a.asNobody("a redirect"), a.redirect),
	}
}

func (a *api) redirect(w *web.Response, r *web.Request, _ *manager) error {
	w.Header().Set("Location", r.Prefix()+"/status")
	w.WriteHeader(http.StatusTemporaryRedirect)
	return nil
}

func (a *api) status(w *web.Response, r *web.Request, m *manager) error {
	return a.answerManager(w, r, m, reply{action: "get", status: "ok"})
}
