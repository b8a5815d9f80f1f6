package syncano

import (
	"net/http"
	"time"

	"hecate"
	"hecate/internal/web"
)

// line is one line of the API: method, path below the version, who may enter,
// and who answers. A line without its gate does not compile.
type line struct {
	method string
	path   string
	gate   gate
	serve  func(*api, *web.Response, *web.Request, *call) error
}

const (
	in      = "/instances/{instance}/"
	account = "/account/"
	users   = in + "users/"
	groups  = in + "groups/"
	classes = in + "classes/"
	objects = classes + "{class}/objects/"
)

const (
	get    = http.MethodGet
	post   = http.MethodPost
	put    = http.MethodPut
	patch  = http.MethodPatch
	remove = http.MethodDelete
)

// table is the whole API. Both versions serve all of it.
var table = []line{
	{get, "/", open, (*api).index},

	{post, account + "register/", open, (*api).accountRegister},
	{post, account + "auth/", open, (*api).accountAuth},
	{post, account + "auth/{backend}/", open, (*api).accountSocial},
	{post, account + "password/reset/", open, (*api).accountAskReset},
	{post, account + "password/reset/confirm/", open, (*api).accountConfirmReset},
	{post, account + "activate/", open, (*api).accountActivate},
	{post, account + "resend_email/", open, (*api).accountResend},
	{get, account, byAccount, (*api).accountGet},
	{put, account, byAccount, (*api).accountUpdate},
	{patch, account, byAccount, (*api).accountUpdate},
	{post, account + "reset_key/", byAccount, (*api).accountResetKey},
	{post, account + "password/", byAccount, (*api).accountPassword},
	{post, account + "password/set/", byAccount, (*api).accountSetPassword},
	{get, account + "invitations/", byAccount, (*api).ownInvitationList},
	{post, account + "invitations/accept/", byAccount, (*api).ownInvitationAccept},
	{get, account + "invitations/{id}/", byAccount, (*api).ownInvitationGet},
	{remove, account + "invitations/{id}/", byAccount, (*api).ownInvitationDecline},

	{get, "/instances/", byAnyKey, (*api).instanceList},
	{post, "/instances/", byAccount, (*api).instanceCreate},
	{get, in, byMember, (*api).instanceGet},
	{put, in, byMember.with(mayUpdateApp), (*api).instanceUpdate},
	{patch, in, byMember.with(mayUpdateApp), (*api).instanceUpdate},
	{remove, in, byMember.with(mayDeleteApp), (*api).instanceDelete},
	{post, in + "rename/", inside.with(mayDeleteApp), (*api).instanceRename},
	{get, in + "snippets/config/", inside.with(mayReadApp), (*api).configGet},
	{put, in + "snippets/config/", inside.with(mayUpdateApp), (*api).configPut},
	{patch, in + "snippets/config/", inside.with(mayUpdateApp), (*api).configPut},

	{get, in + "admins/", inside.with(mayReadMembers), (*api).adminList},
	{get, in + "admins/{id}/", inside.with(mayReadMembers), (*api).adminGet},
	{put, in + "admins/{id}/", inside.with(mayChangeMembers), (*api).adminUpdate},
	{patch, in + "admins/{id}/", inside.with(mayChangeMembers), (*api).adminUpdate},
	{remove, in + "admins/{id}/", inside.with(mayReadMembers), (*api).adminDelete}, // anybody may leave

	{get, in + "invitations/", inside.with(mayReadMembers), (*api).invitationList},
	{post, in + "invitations/", inside.with(mayChangeMembers), (*api).invitationCreate},
	{get, in + "invitations/{id}/", inside.with(mayReadMembers), (*api).invitationGet},
	{put, in + "invitations/{id}/", inside.with(mayChangeMembers), (*api).invitationUpdate},
	{patch, in + "invitations/{id}/", inside.with(mayChangeMembers), (*api).invitationUpdate},
	{remove, in + "invitations/{id}/", inside.with(mayChangeMembers), (*api).invitationDelete},
	{post, in + "invitations/{id}/resend/", inside.with(mayChangeMembers), (*api).invitationResend},

	{get, in + "api_keys/", inside.with(mayReadKeys), (*api).keyList},
	{post, in + "api_keys/", inside.with(mayChangeKeys), (*api).keyCreate},
	{get, in + "api_keys/{id}/", inside.with(mayReadKeys), (*api).keyGet},
	{put, in + "api_keys/{id}/", inside.with(mayChangeKeys), (*api).keyUpdate},
	{patch, in + "api_keys/{id}/", inside.with(mayChangeKeys), (*api).keyUpdate},
	{remove, in + "api_keys/{id}/", inside.with(mayChangeKeys), (*api).keyDelete},
	{post, in + "api_keys/{id}/reset_key/", inside.with(mayChangeKeys), (*api).keyReset},

	{get, users, inside.with(mayReadUsers), (*api).userList},
	{post, users, inside.with(mayCreateUsers), (*api).userCreate},
	{get, users + "{id}/", inside.with(mayReadUsers), (*api).userGet},
	{put, users + "{id}/", inside.with(mayChangeUsers), (*api).userUpdate},
	{patch, users + "{id}/", inside.with(mayChangeUsers), (*api).userUpdate},
	{remove, users + "{id}/", inside.with(mayDeleteUsers), (*api).userDelete},
	{post, users + "{id}/reset_key/", inside.with(mayChangeUsers), (*api).userResetKey},
	{get, users + "{user}/groups/", inside.with(mayReadOwnGroups), (*api).userGroupList},
	{post, users + "{user}/groups/", inside.with(mayChangeMemberships), (*api).userGroupAdd},
	{get, users + "{user}/groups/{id}/", inside.with(mayReadOwnGroups), (*api).userGroupGet},
	{remove, users + "{user}/groups/{id}/", inside.with(mayChangeMemberships), (*api).userGroupRemove},

	{get, in + "user/", inside.with(isUser), (*api).ownUserGet},
	{put, in + "user/", inside.with(isUser), (*api).ownUserUpdate},
	{patch, in + "user/", inside.with(isUser), (*api).ownUserUpdate},
	{post, in + "user/auth/", inside.with(mayLogin), (*api).userLogin},
	{post, in + "user/auth/{backend}/", inside.with(mayLogin), (*api).userSocial},

	{get, groups, inside.with(mayReadGroups), (*api).groupList},
	{post, groups, inside.with(mayCreateGroups), (*api).groupCreate},
	{get, groups + "{id}/", inside.with(mayReadGroups), (*api).groupGet},
	{put, groups + "{id}/", inside.with(mayChangeMemberships), (*api).groupUpdate},
	{patch, groups + "{id}/", inside.with(mayChangeMemberships), (*api).groupUpdate},
	{remove, groups + "{id}/", inside.with(mayChangeMemberships), (*api).groupDelete},
	{get, groups + "{group}/users/", inside.with(mayReadMemberships), (*api).groupUserList},
	{post, groups + "{group}/users/", inside.with(mayChangeMemberships), (*api).groupUserAdd},
	{get, groups + "{group}/users/{id}/", inside.with(mayReadMemberships), (*api).groupUserGet},
	{remove, groups + "{group}/users/{id}/", inside.with(mayChangeMemberships), (*api).groupUserRemove},

	{get, classes, inside.with(mayReadClasses), (*api).classList},
	{post, classes, inside.with(mayChangeClasses), (*api).classCreate},
	{get, classes + "{class}/", inside.with(mayReadClasses), (*api).classGet},
	{put, classes + "{class}/", inside.with(mayChangeClasses), (*api).classPut},
	{patch, classes + "{class}/", inside.with(mayChangeClasses), (*api).classPatch},
	{remove, classes + "{class}/", inside.with(mayChangeClasses), (*api).classDelete},

	{get, objects, inside.with(mayReadObjects), (*api).objectList},
	{post, objects, inside.with(mayChangeObjects).files(), (*api).objectCreate},
	{get, objects + "{id}/", inside.with(mayReadObjects), (*api).objectGet},
	{post, objects + "{id}/", inside.with(mayChangeObjects).files(), (*api).objectPost},
	{patch, objects + "{id}/", inside.with(mayChangeObjects).files(), (*api).objectPatch},
	{remove, objects + "{id}/", inside.with(mayChangeObjects), (*api).objectDelete},
	{get, "/files/{handle}", open.files(), (*api).fileGet}, // whoever has the handle may read

	{post, in + "batch/", inside.with(mayReadApp), (*api).batch},
}

// The rules of the gates. The engine is the door for everything; these only
// say what the old server refused by caller kind (contracts/syncano.md 2.2 to 2.9).

func mayReadApp(c *call) bool   { return c.can(hecate.Read, hecate.AreaApp) }
func mayUpdateApp(c *call) bool { return c.can(hecate.Update, hecate.AreaApp) }
func mayDeleteApp(c *call) bool { return c.can(hecate.Delete, hecate.AreaApp) }
func mayLogin(c *call) bool     { return c.can(hecate.Login, hecate.AreaApp) }

func mayReadMembers(c *call) bool   { return c.runs(hecate.Read, hecate.AreaMembers) }
func mayChangeMembers(c *call) bool { return c.runs(hecate.Update, hecate.AreaMembers) }

func mayReadKeys(c *call) bool   { return c.can(hecate.Read, hecate.AreaKeys) }
func mayChangeKeys(c *call) bool { return c.runs(hecate.Update, hecate.AreaKeys) }

func isUser(c *call) bool         { return c.own() }
func mayReadUsers(c *call) bool   { return c.can(hecate.List|hecate.Read, hecate.AreaUsers) || c.own() }
func mayCreateUsers(c *call) bool { return c.can(hecate.Create, hecate.AreaUsers) }
func mayChangeUsers(c *call) bool { return c.can(hecate.Update, hecate.AreaUsers) || c.own() }
func mayDeleteUsers(c *call) bool { return c.can(hecate.Delete, hecate.AreaUsers) }

func mayReadGroups(c *call) bool        { return c.can(hecate.Read, hecate.AreaGroups) }
func mayCreateGroups(c *call) bool      { return c.can(hecate.Create, hecate.AreaGroups) }
func mayChangeMemberships(c *call) bool { return c.runs(hecate.Update, hecate.AreaGroups) }
func mayReadMemberships(c *call) bool   { return c.runs(hecate.Read, hecate.AreaGroups) || c.own() }
func mayReadOwnGroups(c *call) bool {
	return c.runs(hecate.Read, hecate.AreaGroups) || c.own() && c.user.ID == c.actor.User.ID
}

func mayReadClasses(c *call) bool   { return c.can(hecate.Read, hecate.AreaApp) }
func mayChangeClasses(c *call) bool { return c.runs(hecate.Update, hecate.AreaSchema) }

func mayReadObjects(c *call) bool {
	return c.can(hecate.Read, hecate.AreaRecords) || c.own() || c.actor.Key != nil && c.actor.Key.Flags.Has(hecate.ReadsAsAnyone)
}
func mayChangeObjects(c *call) bool { return c.can(hecate.Update, hecate.AreaRecords) || c.own() }

// fileTime is how long a body with files, or a file, may take.
const fileTime = 10 * time.Minute

// fileBytes is the most that a body with files may hold: the largest file, and its text parts.
const fileBytes = 144 << 20

// methods are those that clients may try anywhere.
var methods = []string{get, post, put, patch, remove}

// routes makes the table's routes for one version. A path's remaining methods
// get routes of their own, so that they too meet unknown instances (404) and
// bad keys (403) before they meet "not allowed" (405).
func (a *api) routes(version string) []web.Route[*call] {
	var routes []web.Route[*call]
	served := map[string]bool{}
	for _, l := range table {
		served[l.method+" "+l.path] = true
		routes = append(routes, a.route(l, version))
	}
	for _, l := range table {
		for _, m := range methods {
			if !served[m+" "+l.path] {
				served[m+" "+l.path] = true
				routes = append(routes, a.route(line{m, l.path, l.gate.bare(), (*api).notAllowed}, version))
			}
		}
	}
	return routes
}

func (a *api) route(l line, version string) web.Route[*call] {
	path := "/" + version + l.path
	rt := web.On(l.method, path, a.security(l.gate, version, path), func(w *web.Response, r *web.Request, c *call) error {
		return l.serve(a, w, r, c)
	})
	if l.gate.carriesFiles {
		rt = rt.MaxUpload(fileBytes).Timeout(fileTime)
	}
	return rt
}

func (a *api) root() web.Route[*call] {
	return web.Get("/", web.Open[*call]("the list of versions, no data"), a.versions)
}

func (a *api) notAllowed(_ *web.Response, r *web.Request, _ *call) error {
	return detail(http.StatusMethodNotAllowed, "Method \""+r.Method+"\" not allowed.")
}
