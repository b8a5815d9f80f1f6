package engine

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"hecate"
	"hecate/internal/secret"
	"hecate/internal/store"
)

// ownOrg returns the org that is an admin's own, made when missing. Its name is his username, else the first part of
// his address, with his number behind it where that is taken.
func (e *Engine) ownOrg(ctx context.Context, tx *store.DB, admin *hecate.Admin) (*hecate.Org, error) {
	org, err := tx.OwnOrg(ctx, admin.ID)
	if !errors.Is(err, hecate.NotFound) {
		return org, err
	}
	base := admin.Username
	if base == "" {
		base, _, _ = strings.Cut(admin.Email, "@")
	}
	if base = slug(base); base == "" {
		base = "org"
	}
	for _, name := range []string{base, base + "-" + strconv.FormatInt(admin.Seq, 10), string(admin.ID)} {
		org, err := e.newOrg(name)
		if err != nil {
			return nil, err
		}
		org.Awaits = e.awaitsOfOrg(&hecate.Actor{Kind: hecate.AdminActor, Admin: admin})
		free, err := tx.InsertOrg(ctx, org, admin.ID)
		if err != nil {
			return nil, err
		}
		if free {
			if _, err := tx.InsertOrgMember(ctx, org.ID, admin.ID); err != nil {
				return nil, err
			}
			return org, e.requestOrg(ctx, tx, org, false, "create org")
		}
	}
	return nil, hecate.E(hecate.Exists, "create org").On("name")
}

// slug keeps what every dialect can show in a path.
func slug(text string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z' || '0' <= r && r <= '9':
			return r
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, text), "-")
}

func (e *Engine) newOrg(name string) (*hecate.Org, error) {
	id, err := e.newID()
	now := e.stamp()
	return &hecate.Org{ID: hecate.OrgID(id), Name: name, CreatedAt: now, UpdatedAt: now}, err
}

// orgFor finds an org that the actor belongs to, or any for the operator. Kinds: NotFound, Inactive on "org".
func (e *Engine) orgFor(ctx context.Context, actor *hecate.Actor, id hecate.OrgID, op string) (*hecate.Org, error) {
	org, err := e.db.Org(ctx, id)
	if err != nil {
		return nil, missing(err, op, "org")
	}
	return e.usableOrg(ctx, actor, org, op)
}

// usableOrg is an org for an actor who belongs to it and may use it. Kinds: NotFound, Inactive on "org".
func (e *Engine) usableOrg(ctx context.Context, actor *hecate.Actor, org *hecate.Org, op string) (*hecate.Org, error) {
	if err := e.belongs(ctx, actor, org.ID, op); err != nil {
		return nil, err
	}
	if actor.Kind == hecate.SystemActor {
		return org, nil
	}
	if err := e.orgMayBeUsed(org.Awaits, op); err != nil {
		return nil, err
	}
	return org, nil
}

// belongs is the door to an org, whether it may be used yet or not. Kinds: NotFound on "org".
func (e *Engine) belongs(ctx context.Context, actor *hecate.Actor, id hecate.OrgID, op string) error {
	ok := false
	var err error
	switch {
	case actor == nil:
	case actor.Kind == hecate.SystemActor:
		ok = true
	case actor.Kind == hecate.ClientActor:
		ok = actor.App == nil && actor.Org == id
	case actor.Admin != nil:
		if ok, err = e.db.IsOrgMember(ctx, id, actor.Admin.ID); err != nil {
			return err
		}
	}
	if !ok {
		e.refused(actor, "", op, "org:"+string(id), "")
		return hecate.E(hecate.NotFound, op).On("org")
	}
	return nil
}

// CreateOrg makes an org; an admin who makes one is its first member. Kinds: Forbidden (only the operator and, with open
// registration, admins may), Invalid on "name", Exists on "name".
func (e *Engine) CreateOrg(ctx context.Context, actor *hecate.Actor, name string) (*hecate.Org, error) {
	const op = "create org"
	if actor == nil || actor.Kind != hecate.SystemActor && (actor.Admin == nil || !e.open) {
		e.refused(actor, "", op, "", "")
		return nil, hecate.E(hecate.Forbidden, op)
	}
	if err := checkText(op, "name", name, 1, maxAlias); err != nil {
		return nil, err
	}
	org, err := e.newOrg(name)
	if err != nil {
		return nil, err
	}
	org.Awaits = e.awaitsOfOrg(actor)
	err = e.db.Write(ctx, func(tx *store.DB) error {
		if free, err := tx.InsertOrg(ctx, org, ""); err != nil || !free {
			return taken(err, op, "name")
		}
		if actor.Admin != nil {
			if _, err := tx.InsertOrgMember(ctx, org.ID, actor.Admin.ID); err != nil {
				return err
			}
		}
		if err := e.requestOrg(ctx, tx, org, false, op); err != nil {
			return err
		}
		return e.record(ctx, tx, actor, "", op, "org:"+string(org.ID))
	})
	if err != nil {
		return nil, err
	}
	return org, nil
}

// OrgByName returns an org by its name, compared without case. Kinds: NotFound on "org", also when the actor does not belong to it.
func (e *Engine) OrgByName(ctx context.Context, actor *hecate.Actor, name string) (*hecate.Org, error) {
	const op = "org"
	org, err := e.db.OrgByName(ctx, name)
	if err != nil {
		return nil, missing(unheldText(err), op, "org")
	}
	return e.usableOrg(ctx, actor, org, op)
}

// Orgs lists the orgs of the calling admin, or all for the operator. Kinds: Unauthenticated.
func (e *Engine) Orgs(ctx context.Context, actor *hecate.Actor) ([]*hecate.Org, error) {
	if actor != nil && actor.Kind == hecate.SystemActor {
		return e.db.Orgs(ctx)
	}
	admin, err := anAdmin(actor, "list orgs")
	if err != nil {
		return nil, err
	}
	return e.db.OrgsOf(ctx, admin.ID)
}

// OrgMembers lists the admins of an org, the earliest first. Kinds: NotFound on "org".
func (e *Engine) OrgMembers(ctx context.Context, actor *hecate.Actor, id hecate.OrgID) ([]*hecate.Admin, error) {
	if _, err := e.orgFor(ctx, actor, id, "list members of org"); err != nil {
		return nil, err
	}
	return e.db.OrgMembers(ctx, id)
}

// AddOrgMember makes an admin a member of an org, and so an owner of its apps; one who is already stays. Kinds:
// NotFound on "org" or "admin".
func (e *Engine) AddOrgMember(ctx context.Context, actor *hecate.Actor, id hecate.OrgID, admin hecate.AdminID) error {
	return e.addOrgMember(ctx, actor, id, admin, nil)
}

// addOrgMember also tells him, where letters say so and he was none.
func (e *Engine) addOrgMember(ctx context.Context, actor *hecate.Actor, id hecate.OrgID, admin hecate.AdminID, letters []Mailing) error {
	const op = "add org member"
	return e.changeOrg(ctx, actor, id, admin, op, func(tx *store.DB) (bool, error) {
		a, err := tx.Admin(ctx, admin)
		if err != nil {
			return false, missing(err, op, "admin")
		}
		joined, err := tx.InsertOrgMember(ctx, id, admin)
		if err != nil || !joined {
			return false, err
		}
		return true, e.tellMember(ctx, tx, actor, id, &a.Admin, letters)
	})
}

// tellMember queues letters to a new member of an org.
func (e *Engine) tellMember(ctx context.Context, tx *store.DB, actor *hecate.Actor, id hecate.OrgID, a *hecate.Admin, letters []Mailing) error {
	if len(letters) == 0 {
		return nil
	}
	org, err := tx.Org(ctx, id)
	if err != nil {
		return err
	}
	inviter := ""
	if actor != nil && actor.Admin != nil {
		inviter = actor.Admin.Name
	}
	for _, m := range letters {
		if m.Letter == "" {
			m.Letter = letterMember
		}
		_, err := e.queue(ctx, tx, outgoing{Mailing: m, to: a.Email, admin: a.ID, fields: map[string]string{
			"uid": AdminUID(a), "name": a.Name, "username": a.Username, "org": org.Name, "inviter": inviter,
		}})
		if err != nil {
			return err
		}
	}
	return nil
}

// RemoveOrgMember takes an admin out of an org; the last one stays. Kinds: NotFound on "org" or "admin", Invalid on "admin" for the last one.
func (e *Engine) RemoveOrgMember(ctx context.Context, actor *hecate.Actor, id hecate.OrgID, admin hecate.AdminID) error {
	const op = "remove org member"
	return e.changeOrg(ctx, actor, id, admin, op, func(tx *store.DB) (bool, error) {
		was, err := tx.DeleteOrgMember(ctx, id, admin)
		if err == nil && !was {
			return false, hecate.E(hecate.NotFound, op).On("admin")
		}
		if err != nil {
			return false, err
		}
		left, err := tx.OrgMembers(ctx, id)
		if err == nil && len(left) == 0 {
			return false, hecate.E(hecate.Invalid, op).On("admin").Says("the last member stays")
		}
		return true, err
	})
}

// changeOrg runs fn inside one write, and when it changed something drops the admin's roles in the org's apps.
func (e *Engine) changeOrg(ctx context.Context, actor *hecate.Actor, id hecate.OrgID, admin hecate.AdminID, op string, fn func(tx *store.DB) (bool, error)) error {
	if _, err := e.orgFor(ctx, actor, id, op); err != nil {
		return err
	}
	return e.db.Write(ctx, func(tx *store.DB) error {
		if err := tx.Lock(ctx, "org/"+string(id)); err != nil {
			return err
		}
		changed, err := fn(tx)
		if err != nil || !changed {
			return err
		}
		apps, err := tx.AppsOfOrg(ctx, id)
		if err != nil {
			return err
		}
		for _, app := range apps {
			if err := e.forget(ctx, tx, "roles", roleCacheKey(app, admin)); err != nil {
				return err
			}
		}
		return e.record(ctx, tx, actor, "", op, "org:"+string(id)+" admin:"+string(admin))
	})
}

// The shapes of generated client ids and secrets: a tag in base64 that says whose they are, then the bytes
// of a UUID, or random ones (contracts/usergrid.md 3.2).
const (
	appClientTag      = "YXA6" // "ap:"
	orgClientTag      = "b3U6" // "ou:"
	clientSecretBytes = 20
)

func clientTag(c hecate.Client) string {
	if c.App == "" {
		return orgClientTag
	}
	return appClientTag
}

func clientContext(id hecate.ClientID) string { return "client:" + string(id) }

// newClient prepares a client; what is empty of its public id and secret is generated.
func (e *Engine) newClient(c hecate.Client) (store.Sealed[*hecate.Client], error) {
	var row store.Sealed[*hecate.Client]
	if c.ID == "" {
		id, err := e.newID()
		if err != nil {
			return row, err
		}
		c.ID = hecate.ClientID(id)
	}
	if c.Public == "" {
		owner := string(c.Org)
		if c.App != "" {
			owner = string(c.App)
		}
		raw, err := hex.DecodeString(strings.ReplaceAll(owner, "-", ""))
		if err != nil {
			return row, err
		}
		c.Public = clientTag(c) + base64.RawURLEncoding.EncodeToString(raw)
	}
	if c.Secret.IsZero() {
		text, err := secret.Token(e.rand, clientSecretBytes)
		if err != nil {
			return row, err
		}
		c.Secret = hecate.NewSecret(clientTag(c) + text)
	}
	sealed, err := e.seal(c.Secret, clientContext(c.ID))
	return store.Sealed[*hecate.Client]{Row: &c, Hash: e.keys.Lookup(c.Secret.Reveal()), Sealed: sealed}, err
}

// storedClient finds the client of an app or org, named by c.
func (e *Engine) storedClient(ctx context.Context, db *store.DB, c hecate.Client) (store.Sealed[*hecate.Client], error) {
	if c.App != "" {
		return db.AppClient(ctx, c.App)
	}
	return db.OrgClient(ctx, c.Org)
}

// mayHandleClient is the door for clients: managers of the app's keys, and of an org its members and its client.
func (e *Engine) mayHandleClient(ctx context.Context, actor *hecate.Actor, c hecate.Client, want hecate.Permissions, op string) (hecate.OrgID, error) {
	if c.App == "" {
		org, err := e.orgFor(ctx, actor, c.Org, op)
		if err != nil {
			return "", err
		}
		return org.ID, nil
	}
	app, in, err := e.appFor(ctx, actor, c.App, op)
	if err != nil {
		return "", err
	}
	return app.Org, e.allowArea(in, want|hecate.List, hecate.AreaKeys, op) // List: no key but the master's
}

// Client returns the client of an app, or with an empty App of an org, with its clear secret. Kinds: Forbidden, NotFound.
func (e *Engine) Client(ctx context.Context, actor *hecate.Actor, of hecate.Client) (*hecate.Client, error) {
	const op = "client"
	if _, err := e.mayHandleClient(ctx, actor, of, hecate.Read, op); err != nil {
		return nil, err
	}
	row, err := e.storedClient(ctx, e.db, of)
	if err != nil {
		return nil, missing(err, op, "client")
	}
	row.Row.Secret, err = e.unseal(row.Sealed, clientContext(row.Row.ID))
	return row.Row, err
}

// SetClient gives the app (or with an empty App the org) of c its client id and secret. An empty Public keeps the id
// it has, an empty Secret gets a new one; the operator alone may choose them. Sessions that the client opened stay.
// Kinds: Forbidden, NotFound, Exists on "client_id".
func (e *Engine) SetClient(ctx context.Context, actor *hecate.Actor, c hecate.Client) (*hecate.Client, error) {
	const op = "set client"
	org, err := e.mayHandleClient(ctx, actor, c, hecate.Update, op)
	if err != nil {
		return nil, err
	}
	if actor.Kind != hecate.SystemActor && (c.Public != "" || !c.Secret.IsZero()) {
		return nil, hecate.E(hecate.Forbidden, op).Says("only the operator may choose a client id or secret")
	}
	if err := errors.Join(checkText(op, "client_id", c.Public, 0, maxName), checkText(op, "client_secret", c.Secret.Reveal(), 0, maxName)); err != nil {
		return nil, err
	}
	c.Org = org
	old, err := e.storedClient(ctx, e.db, c)
	exists := err == nil
	if err != nil && !errors.Is(err, hecate.NotFound) {
		return nil, err
	}
	if exists {
		if c.ID = old.Row.ID; c.Public == "" {
			c.Public = old.Row.Public
		}
	}
	row, err := e.newClient(c)
	if err != nil {
		return nil, err
	}
	err = e.db.Write(ctx, func(tx *store.DB) error {
		if err := tx.Lock(ctx, "clients"); err != nil {
			return err
		}
		if used, err := tx.ClientTaken(ctx, row.Row.Public, row.Row.ID); err != nil || used {
			return taken(err, op, "client_id")
		}
		if exists {
			err = tx.UpdateClient(ctx, row)
		} else {
			_, err = tx.InsertClient(ctx, row)
		}
		if err != nil {
			return missing(err, op, "client")
		}
		// All of them: whoever had the old id or secret must not come in any more, on any node.
		if err := e.forgetAll(ctx, tx, "clients"); err != nil {
			return err
		}
		return e.record(ctx, tx, actor, c.App, op, "client:"+string(row.Row.ID))
	})
	if err != nil {
		return nil, err
	}
	return row.Row, nil
}

// maxOfOrgs bounds how many orgs, and how many apps and members of them, one answer holds.
const maxOfOrgs = 1000

// OrgDetail is an org with its live apps and its admins.
type OrgDetail struct {
	Org     *hecate.Org
	Apps    []*hecate.App // the oldest first
	Members []OrgMember   // the earliest first
}

// OrgMember is an admin as a member of an org.
type OrgMember struct {
	*hecate.Admin
	Since time.Time
}

// orgDetails adds apps and members of orgs, in two queries.
func (e *Engine) orgDetails(ctx context.Context, orgs []*hecate.Org) ([]*OrgDetail, error) {
	orgs = orgs[:min(len(orgs), maxOfOrgs)]
	out := make([]*OrgDetail, len(orgs))
	ids := make([]hecate.OrgID, len(orgs))
	byID := make(map[hecate.OrgID]*OrgDetail, len(orgs))
	for i, o := range orgs {
		out[i], ids[i] = &OrgDetail{Org: o}, o.ID
		byID[o.ID] = out[i]
	}
	apps, err := e.db.AppsOfOrgs(ctx, ids, maxOfOrgs)
	if err != nil {
		return nil, err
	}
	for _, a := range apps {
		if a, err = e.openApp(a, nil); err != nil {
			return nil, err
		}
		byID[a.Org].Apps = append(byID[a.Org].Apps, a)
	}
	members, err := e.db.MembersOfOrgs(ctx, ids, maxOfOrgs)
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		byID[m.Org].Members = append(byID[m.Org].Members, OrgMember{Admin: m.Admin, Since: m.Since})
	}
	return out, nil
}

// Org returns an org by its id or its name, compared without case. Kinds: NotFound on "org", also when the actor does not belong to it.
func (e *Engine) Org(ctx context.Context, actor *hecate.Actor, ref string) (*hecate.Org, error) {
	const op = "org"
	org, err := e.orgByRef(ctx, ref, op)
	if err != nil {
		return nil, err
	}
	return e.usableOrg(ctx, actor, org, op)
}

// OrgDetail returns an org with its apps and members. Kinds: NotFound on "org".
func (e *Engine) OrgDetail(ctx context.Context, actor *hecate.Actor, id hecate.OrgID) (*OrgDetail, error) {
	org, err := e.orgFor(ctx, actor, id, "org")
	if err != nil {
		return nil, err
	}
	list, err := e.orgDetails(ctx, []*hecate.Org{org})
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// OrgDetailsOf lists the orgs of an admin, by name, with their apps and members, in three queries: for himself and the operator. Kinds: Forbidden.
func (e *Engine) OrgDetailsOf(ctx context.Context, actor *hecate.Actor, id hecate.AdminID) ([]*OrgDetail, error) {
	if err := e.himself(actor, id, "list orgs"); err != nil {
		return nil, err
	}
	orgs, err := e.db.OrgsOf(ctx, id)
	if err != nil {
		return nil, err
	}
	return e.orgDetails(ctx, orgs)
}

// AllOrgs lists up to limit orgs of the server behind a name ("" for the first), by name, with their apps and members; more says
// that others follow. Kinds: Forbidden (for the operator alone), Invalid on "beyond".
func (e *Engine) AllOrgs(ctx context.Context, actor *hecate.Actor, beyond string, limit int) (list []*OrgDetail, more bool, err error) {
	const op = "list all orgs"
	if actor == nil || actor.Kind != hecate.SystemActor {
		e.refused(actor, "", op, "", "")
		return nil, false, hecate.E(hecate.Forbidden, op)
	}
	if why := badText(beyond); why != "" {
		return nil, false, hecate.E(hecate.Invalid, op).On("beyond").Says(why)
	}
	limit = min(max(limit, 1), maxOfOrgs)
	orgs, err := e.db.OrgsBeyond(ctx, beyond, limit+1)
	if err != nil {
		return nil, false, err
	}
	if more = len(orgs) > limit; more {
		orgs = orgs[:limit]
	}
	list, err = e.orgDetails(ctx, orgs)
	return list, more, err
}

// UpdateOrg gives an org other properties. Kinds: NotFound on "org", TooLarge on "properties".
func (e *Engine) UpdateOrg(ctx context.Context, actor *hecate.Actor, id hecate.OrgID, properties map[string]any) (*hecate.Org, error) {
	const op = "update org"
	if _, err := e.orgFor(ctx, actor, id, op); err != nil {
		return nil, err
	}
	if err := checkProperties(op, properties); err != nil {
		return nil, err
	}
	var out *hecate.Org
	err := e.db.Write(ctx, func(tx *store.DB) error {
		if err := tx.Lock(ctx, "org/"+string(id)); err != nil {
			return err
		}
		org, err := tx.Org(ctx, id)
		if err != nil {
			return missing(err, op, "org")
		}
		org.Properties, org.UpdatedAt = properties, e.stamp()
		out = org
		if err := tx.UpdateOrg(ctx, org); err != nil {
			return err
		}
		return e.record(ctx, tx, actor, "", op, "org:"+string(id))
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// maxProperties bounds the stored JSON of an org's or admin's properties, in bytes.
const maxProperties = 64 << 10

// checkProperties refuses properties that are too large to keep beside every answer, or that not every database keeps.
// Kinds: TooLarge, Invalid.
func checkProperties(op string, properties map[string]any) error {
	text, err := json.Marshal(properties)
	if err != nil {
		return hecate.E(hecate.Invalid, op).On("properties")
	}
	if len(text) > maxProperties {
		return hecate.E(hecate.TooLarge, op).On("properties").With("max", maxProperties)
	}
	if bytes.Contains(text, []byte(`\u0000`)) {
		return hecate.E(hecate.Invalid, op).On("properties").Says("not plain text")
	}
	return nil
}

// AddOrgAdmin makes an existing admin, named by id, address or username, a member of an org. Kinds: NotFound on "org" or "admin".
func (e *Engine) AddOrgAdmin(ctx context.Context, actor *hecate.Actor, id hecate.OrgID, ref string) (*hecate.Admin, error) {
	const op = "add org member"
	if _, err := e.orgFor(ctx, actor, id, op); err != nil {
		return nil, err
	}
	a, err := e.adminByRef(ctx, e.db, ref)
	if err != nil {
		return nil, missing(err, op, "admin")
	}
	return &a.Admin, e.AddOrgMember(ctx, actor, id, a.ID)
}

// OrgAdmin returns a member of an org by id, address or username. Kinds: NotFound on "org" or "admin".
func (e *Engine) OrgAdmin(ctx context.Context, actor *hecate.Actor, id hecate.OrgID, ref string) (*hecate.Admin, error) {
	const op = "org member"
	if _, err := e.orgFor(ctx, actor, id, op); err != nil {
		return nil, err
	}
	a, err := e.adminByRef(ctx, e.db, ref)
	if err != nil {
		return nil, missing(err, op, "admin")
	}
	in, err := e.db.IsOrgMember(ctx, id, a.ID)
	if err == nil && !in {
		err = hecate.E(hecate.NotFound, op).On("admin")
	}
	if err != nil {
		return nil, err
	}
	return &a.Admin, nil
}

// CreateOrgAdmin makes an admin account and its holder a member of the org, in one write; an account that has the address already joins
// as it is. Members invite people so, whether registration is open or not; letters are what tells whoever has become a member. Kinds: NotFound on "org", Invalid, TooLarge, WeakPassword,
// Exists on "username".
func (e *Engine) CreateOrgAdmin(ctx context.Context, actor *hecate.Actor, id hecate.OrgID, in RegisterAdminInput, letters ...Mailing) (*hecate.Admin, error) {
	const op = "create org member"
	org, err := e.orgFor(ctx, actor, id, op)
	if err != nil {
		return nil, err
	}
	if err := checkEmail(op, "email", in.Email); err != nil {
		return nil, err
	}
	found, err := e.db.AdminByEmail(ctx, FoldLogin(in.Email))
	if err == nil {
		return &found.Admin, e.addOrgMember(ctx, actor, id, found.ID, letters)
	}
	if !errors.Is(err, hecate.NotFound) {
		return nil, err
	}
	in.InvitationKey = hecate.Secret{}
	in.RandomPassword, in.vouched = true, hecate.AwaitsApproval
	n, err := e.newAdmin(ctx, actor, in, op)
	if err != nil {
		return nil, err
	}
	err = e.db.Write(ctx, func(tx *store.DB) error {
		if err := tx.Lock(ctx, adminsLock); err != nil {
			return err
		}
		if err := e.insertAdmin(ctx, tx, actor, n, op); err != nil {
			return err
		}
		if _, err := tx.InsertOrgMember(ctx, org.ID, n.ID); err != nil {
			return err
		}
		if err := e.tellMember(ctx, tx, actor, id, &n.Admin, letters); err != nil {
			return err
		}
		return e.record(ctx, tx, actor, "", "add org member", "org:"+string(id)+" admin:"+string(n.ID))
	})
	if err != nil {
		return nil, err
	}
	return &n.Admin, nil
}
