package usergrid

import (
	"net/http"
	"slices"
	"strings"

	"hecate/internal/web"
)

// appRoutes are the paths inside an application. The first segment is in the plural and in lower case whatever was
// typed; {rest...} is what is left of a path of many forms.
func (a *api) appRoutes() []web.Route[*call] {
	return slices.Concat(a.applicationRoutes(), a.tokenRoutes(), a.socialRoutes(), a.accountRoutes(), a.pageRoutes(), a.userRoutes(), a.roleRoutes(), a.collectionRoutes(), a.connectionRoutes())
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

// pageRoutes are the ways of those who prove by a letter who they are: contracts/usergrid.md 6.6, 7.2. GET of a page changes nothing.
func (a *api) pageRoutes() []web.Route[*call] {
	const user = "/users/{user}"
	ticket, asks := a.unproven("a page; the ticket of a letter is the proof"), a.unproven("it queues a letter to the user himself, or to those who decide")
	return []web.Route[*call]{
		web.Get("/users/resetpw", ticket, a.resetUser),
		web.Post("/users/resetpw", ticket, a.resetUser),
		web.Get(user+"/resetpw", ticket, a.resetUser),
		web.Post(user+"/resetpw", ticket, a.resetUser),
		web.Get(user+"/activate", ticket, a.activateUser),
		web.Post(user+"/activate", ticket, a.activateUser),
		web.Get(user+"/confirm", ticket, a.confirmUser),
		web.Post(user+"/confirm", ticket, a.confirmUser),
		web.Get(user+"/reactivate", asks, a.reactivateUser),
		web.Post(user+"/reactivate", asks, a.reactivateUser),
		web.Get("/users/sendpin", asks, a.sendPIN),
		web.Post("/users/sendpin", asks, a.sendPIN),
		web.Get(user+"/sendpin", asks, a.sendPIN),
		web.Post(user+"/sendpin", asks, a.sendPIN),
	}
}

// managementPageRoutes are those of admins: contracts/usergrid.md 6.1, 6.2, 6.6.
func (a *api) managementPageRoutes() []web.Route[*manager] {
	const users, user, org = "/management/users", "/management/users/{user}", "/management/organizations/{org}"
	ticket, asks := a.asNobody("a page; the ticket of a letter is the proof"), a.asNobody("it queues a letter to the admin himself, or to those who decide")
	return []web.Route[*manager]{
		web.Get(users+"/resetpw", ticket, a.resetAdmin),
		web.Post(users+"/resetpw", ticket, a.resetAdmin),
		web.Get(user+"/resetpw", ticket, a.resetAdmin),
		web.Post(user+"/resetpw", ticket, a.resetAdmin),
		web.Get(user+"/activate", ticket, a.activateAdmin),
		web.Post(user+"/activate", ticket, a.activateAdmin),
		web.Get(user+"/confirm", ticket, a.confirmAdmin),
		web.Post(user+"/confirm", ticket, a.confirmAdmin),
		web.Get(user+"/reactivate", asks, a.reactivateAdmin),
		web.Get(org+"/activate", ticket, a.organizationPage("activate")),
		web.Post(org+"/activate", ticket, a.organizationPage("activate")),
		web.Get(org+"/confirm", ticket, a.organizationPage("confirm")),
		web.Post(org+"/confirm", ticket, a.organizationPage("confirm")),
		web.Get(org+"/reactivate", a.asManager(), a.reactivateOrg),
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
		web.Get("/management/externaltoken", a.asNobody("a login"), a.externalToken),
		web.Post("/management/externaltoken", a.asNobody("a login"), a.externalToken),
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
	const user = "/users/{user}"
	return slices.Concat([]web.Route[*call]{
		web.Get("/users", a.anyone(), a.listUsers),
		web.Post("/users", a.anyone(), a.createUsers),
		web.Put("/users", a.anyone(), a.replaceUsers),
		web.Delete("/users", a.anyone(), a.deleteUsers),
		web.Get(user, a.anyone(), a.readUser),
		web.Post(user, a.anyone(), a.postUser),
		web.Put(user, a.anyone(), a.updateUser),
		web.Delete(user, a.anyone(), a.deleteUser),
		web.Post(user+"/deactivate", a.anyone(), a.deactivateUser),
		web.Get(user+"/groups", a.anyone(), a.userGroups),
	}, a.holderRoutes(user), a.memberRoutes(user+"/groups/{group}", a.readMember("users"), a.addMember("users"), a.dropMember("users")))
}

// holderRoutes are the roles and permissions of a user or a group.
func (a *api) holderRoutes(of string) []web.Route[*call] {
	from := "users"
	if strings.HasPrefix(of, "/groups") {
		from = "groups"
	}
	return slices.Concat([]web.Route[*call]{
		web.Get(of+"/roles", a.anyone(), a.rolesOf),
		web.Get(of+"/rolenames", a.anyone(), a.roleNames),
		web.Post(of+"/rolenames", a.anyone(), a.addRoleName),
		web.Put(of+"/rolenames", a.anyone(), a.addRoleName),
		web.Delete(of+"/rolenames/{role}", a.anyone(), a.dropRoleName),
	}, a.permissionRoutes(of), a.memberRoutes(of+"/roles/{role}", a.readHolder(from), a.giveRole(from), a.takeRole(from)))
}

// permissionRoutes are the permissions of a user, a group or a role.
func (a *api) permissionRoutes(of string) []web.Route[*call] {
	return []web.Route[*call]{
		web.Get(of+"/permissions", a.anyone(), a.permissions),
		web.Post(of+"/permissions", a.anyone(), a.addPermission),
		web.Put(of+"/permissions", a.anyone(), a.addPermission),
		web.Delete(of+"/permissions", a.anyone(), a.dropPermissions),
	}
}

// memberRoutes are those of one membership.
func (a *api) memberRoutes(path string, read, add, remove web.Handler[*call]) []web.Route[*call] {
	return []web.Route[*call]{
		web.Get(path, a.anyone(), read),
		web.Post(path, a.anyone(), add),
		web.Put(path, a.anyone(), add),
		web.Delete(path, a.anyone(), remove),
	}
}

// shelfRoutes are those of a list and of what is in it.
func (a *api) shelfRoutes(s *shelf) []web.Route[*call] {
	one := s.path + "/{" + s.param + "}"
	return []web.Route[*call]{
		web.Get(s.path, a.anyone(), s.list),
		web.Post(s.path, a.anyone(), s.make),
		web.Put(s.path, a.anyone(), s.make),
		web.Delete(s.path, a.anyone(), s.deleteSome),
		web.Get(one, a.anyone(), s.show),
		web.Post(one, a.anyone(), s.show),
		web.Put(one, a.anyone(), s.update),
		web.Delete(one, a.anyone(), s.delete),
	}
}

// roleRoutes are roles, groups and permissions: contracts/usergrid.md 8.3.
func (a *api) roleRoutes() []web.Route[*call] {
	const role, group = "/roles/{role}", "/groups/{group}"
	return slices.Concat(a.shelfRoutes(a.roles()), a.shelfRoutes(a.groups()), []web.Route[*call]{
		web.Get(role+"/users", a.anyone(), a.usersOfRole),
		web.Get(role+"/groups", a.anyone(), a.groupsOfRole),
		web.Get(group+"/users", a.anyone(), a.groupUsers),
	},
		a.permissionRoutes(role), a.holderRoutes(group),
		a.memberRoutes(role+"/users/{user}", a.readHolder("roles"), a.giveRole("roles"), a.takeRole("roles")),
		a.memberRoutes(role+"/groups/{group}", a.readHolder("roles"), a.giveRole("roles"), a.takeRole("roles")),
		a.memberRoutes(group+"/users/{user}", a.readMember("groups"), a.addMember("groups"), a.dropMember("groups")),
	)
}

// connectionRoutes are activities, feeds, and what connects entities: contracts/usergrid.md 7.2, 10.
func (a *api) connectionRoutes() []web.Route[*call] {
	const behind = "/{collection}/{rest...}"
	return []web.Route[*call]{
		web.Get("/users/{user}/activities", a.anyone(), a.userActivities),
		web.Post("/users/{user}/activities", a.anyone(), a.postActivity),
		web.Get("/users/{user}/activities/{item}", a.anyone(), a.userActivity),
		web.Get("/users/{user}/feed", a.anyone(), a.userFeed),
		web.Get("/groups/{group}/activities", a.anyone(), a.groupActivities),
		web.Post("/groups/{group}/activities", a.anyone(), a.postGroupActivity),
		web.Get("/groups/{group}/feed", a.anyone(), a.groupFeed),
		web.Get(behind, a.anyone(), a.connections),
		web.Post(behind, a.anyone(), a.connections).MaxUpload(assetUpload),
		web.Put(behind, a.anyone(), a.connections).MaxUpload(assetUpload),
		web.Delete(behind, a.anyone(), a.connections),
	}
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
	return slices.Concat(a.organizationRoutes(), a.adminRoutes(), a.managementTokenRoutes(), a.managementPageRoutes(), a.serviceRoutes(), []web.Route[*manager]{
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
