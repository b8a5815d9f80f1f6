package syncano

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strconv"
	"strings"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// classLevels are what a class lets somebody do: none < read < create_objects.
var classLevels = []struct {
	name  string
	gives hecate.Permissions
}{
	{"none", hecate.NoPermissions},
	{"read", hecate.Read},
	{"create_objects", hecate.Read | hecate.Create},
}

var classLevelNames = []string{"none", "read", "create_objects"}

// createLevel is the level of new classes.
const createLevel = 2

func classLevelOf(p hecate.Permissions) int {
	for l := len(classLevels) - 1; l > 0; l-- {
		if p.Has(classLevels[l].gives) {
			return l
		}
	}
	return 0
}

// classRights are the grants of a class as this dialect can say them.
type classRights struct {
	group, others int // of classLevels
	groupID       hecate.GroupID
}

// classRightsOf shows grants; without a group the level that it would have is a note of this dialect's.
func classRightsOf(a hecate.Access, extra hecate.Extra) classRights {
	r := classRights{others: classLevelOf(a.Of(hecate.Anyone) | a.Of(hecate.Public)), group: createLevel}
	if id, p, ok := firstGroup(a); ok {
		r.groupID, r.group = id, classLevelOf(p)
		return r
	}
	if kept, ok := extra[extraName][keptGroupLevel].(string); ok {
		for l := range classLevels {
			if classLevels[l].name == kept {
				r.group = l
			}
		}
	}
	return r
}

// maxClassCount bounds the counting for objects_count, which the old server too only estimated beyond some size.
const maxClassCount = 10_000

// profileText is how this dialect describes the profile class, in place of the engine's own words for it.
const (
	profileText  = "Class that holds profiles for users."
	enginesWords = "Profiles of the users."
)

// appendClass appends a class as JSON.
func (a *api) appendClass(dst []byte, c *call, class *hecate.Collection, count int) []byte {
	name := className(class)
	rights := classRightsOf(class.Access, class.Extra)
	group := a.groupSeq(c.app, rights.groupID)
	description := class.Description
	if description == enginesWords && class.Kind == hecate.ProfileCollection {
		description = profileText
	}
	j := newJSON(dst)
	j.Open()
	j.Text("name", name)
	j.Text("description", description)
	j.Name("schema")
	j.Buf = appendSchema(j.Buf, class, func(id hecate.CollectionID) string { return a.className(c.app, id) })
	j.Text("status", "ready")
	j.time("created_at", class.CreatedAt)
	j.time("updated_at", class.UpdatedAt)
	j.Int("objects_count", int64(count))
	j.Int("revision", class.Revision)
	j.intOrNull("group", group)
	j.Text("group_permissions", classLevels[rights.group].name)
	j.Text("other_permissions", classLevels[rights.others].name)
	j.Value("metadata", class.Metadata)
	j.Name("links")
	j.Open()
	j.Name("self")
	j.Buf = appendResource(j.Buf, c.version, c.app, "classes", name)
	j.Name("objects")
	j.Buf = appendResource(j.Buf, c.version, c.app, "classes", name, "objects")
	if group != 0 {
		j.Name("group")
		j.Buf = appendResource(j.Buf, c.version, c.app, "groups", strconv.FormatInt(group, 10))
	}
	j.Close()
	j.Close()
	return j.Buf
}

// classList answers a page of the classes that the caller may read; that of the profiles leads.
func (a *api) classList(w *web.Response, r *web.Request, c *call) error {
	p, err := readPaging(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	prefix := strings.ToLower(r.QueryOne("name__startswith"))
	page, err := a.engine.Collections(ctx, c.actor, p.list(prefix))
	if err != nil {
		return err
	}
	if err := a.placeProfiles(ctx, c, p, prefix, &page); err != nil {
		return err
	}
	counts, err := a.countObjects(ctx, c, page.Rows)
	if err != nil {
		return err
	}
	return sendPage(w, r, p, page, nil, func(v *hecate.Collection) int64 { return v.Seq },
		func(dst []byte, v *hecate.Collection) []byte { return a.appendClass(dst, c, v, counts[v.ID]) })
}

// placeProfiles makes a filtered list agree with what the profile class is called here, which is not what it is stored as. A
// class of another dialect that has the name of ours cannot be reached here, so it is not listed.
func (a *api) placeProfiles(ctx context.Context, c *call, p paging, prefix string, page *hecate.Page[*hecate.Collection]) error {
	rows := make([]*hecate.Collection, 0, len(page.Rows)+1)
	found := false
	for _, row := range page.Rows {
		name := className(row)
		isProfiles := row.Kind == hecate.ProfileCollection
		if !strings.HasPrefix(name, prefix) || name == profileClass && !isProfiles {
			continue
		}
		found = found || isProfiles
		rows = append(rows, row)
	}
	page.Rows = rows
	if prefix == "" || found || p.direction != firstPage || p.size == 0 || !strings.HasPrefix(profileClass, prefix) {
		return nil
	}
	profiles, err := a.engine.Collection(ctx, c.actor, hecate.ProfileName)
	if errors.Is(err, hecate.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	page.Rows = append([]*hecate.Collection{profiles}, page.Rows...)
	if len(page.Rows) > p.size {
		page.Rows, page.More = page.Rows[:p.size], true
	}
	return nil
}

// countObjects counts the objects of classes, and fetches what showing the classes will ask for.
func (a *api) countObjects(ctx context.Context, c *call, classes []*hecate.Collection) (map[hecate.CollectionID]int, error) {
	ids := make([]hecate.CollectionID, 0, len(classes))
	var groups []hecate.GroupID
	for _, class := range classes {
		ids = append(ids, class.ID)
		if id, _, ok := firstGroup(class.Access); ok {
			groups = a.missingGroup(groups, id)
		}
		if err := a.warmObjects(ctx, c.app, class, nil); err != nil {
			return nil, err
		}
	}
	if err := a.learnGroups(ctx, c.app, groups); err != nil || len(ids) == 0 {
		return nil, err
	}
	return a.engine.CountRecords(ctx, c.app.ID, ids, maxClassCount)
}

func (a *api) classGet(w *web.Response, r *web.Request, c *call) error {
	class, err := a.visibleClass(r.Context(), c, r.PathValue("class"))
	if err != nil {
		return err
	}
	return a.sendClass(w, r, c, http.StatusOK, class)
}

// visibleClass finds a class that the caller may read. Kinds: NotFound.
func (a *api) visibleClass(ctx context.Context, c *call, class string) (*hecate.Collection, error) {
	name := collectionName(class)
	if name == "" {
		return nil, notFound()
	}
	return a.engine.Collection(ctx, c.actor, name)
}

func (a *api) sendClass(w *web.Response, r *web.Request, c *call, status int, class *hecate.Collection) error {
	counts, err := a.countObjects(r.Context(), c, []*hecate.Collection{class})
	if err != nil {
		return err
	}
	return a.answer(w, r, status, nil, func(dst []byte) []byte { return a.appendClass(dst, c, class, counts[class.ID]) })
}

// classInput is what a body says of a class; nil members stay as they are.
type classInput struct {
	name        string
	description *string
	schema      *[]hecate.Field
	metadata    *map[string]any
	group       *int
	others      *int
	groupSet    bool
	groupID     hecate.GroupID
	fallback    bool // the levels are fallbacks for absent ones
	expect      int64
}

// readClass reads the body of a class; old is nil on creation. Faults are in in.errs, the error is about anything else.
func (a *api) readClass(ctx context.Context, c *call, in *input, old *hecate.Collection) (*classInput, error) {
	out := &classInput{}
	if old == nil {
		out.name = in.className()
	} else {
		out.expect = in.expected()
	}
	out.description = filled(in, in.text("description", textRule{blank: true, max: 256}), "")
	if in.has("metadata") {
		if m := in.metadata("metadata"); m != nil {
			m, _ = plain(m).(map[string]any)
			out.metadata = &m
		}
	} else if !in.patch {
		out.metadata = &map[string]any{}
	}
	if err := a.readClassRights(ctx, c, in, out); err != nil {
		return nil, err
	}
	return out, a.readSchema(ctx, c, in, old, out)
}

func (a *api) readClassRights(ctx context.Context, c *call, in *input, out *classInput) error {
	level := createLevel
	for _, one := range []struct {
		name string
		to   **int
	}{{"group_permissions", &out.group}, {"other_permissions", &out.others}} {
		if !in.has(one.name) {
			if !in.patch {
				*one.to, out.fallback = &level, true
			}
			continue
		}
		if n := in.choice(one.name, classLevelNames); n >= 0 {
			*one.to = &n
		}
	}
	seq, set := in.key("group")
	out.groupSet = set || !in.patch
	if seq == 0 {
		return nil
	}
	g, err := a.engine.LookupGroup(ctx, c.app.ID, engine.GroupRef{Seq: seq})
	switch {
	case errors.Is(err, hecate.NotFound):
		in.errs.add("group", noObject(seq))
		return nil
	case err != nil:
		return err
	}
	keep(&a.known.mu, &a.known.groups, g.ID, g.Seq)
	out.groupID = g.ID
	return nil
}

func (a *api) readSchema(ctx context.Context, c *call, in *input, old *hecate.Collection, out *classInput) error {
	raw, given := in.values["schema"]
	if !given {
		if in.patch {
			return nil
		}
		raw = []any{}
	}
	if raw == nil || raw == "" && in.form {
		in.errs.add("schema", textNull)
		return nil
	}
	reader := schemaReader{target: func(ctx context.Context, class string) (*hecate.Collection, error) {
		return a.findClass(ctx, c.app, class)
	}}
	if old != nil {
		reader.old = old.Schema
	}
	fields, err := reader.read(ctx, raw)
	var fault schemaFault
	if errors.As(err, &fault) {
		in.errs.add("schema", string(fault))
		return nil
	}
	out.schema = &fields
	return err
}

// reservedClasses are names that mean something else in paths and schemas.
var reservedClasses = map[string]bool{targetSelf: true, targetUser: true, targetUsers: true, "acl": true}

// className reads the name of a new class: "" when it is wrong.
func (in *input) className() string {
	s := in.text("name", textRule{required: true, max: 64})
	if s == nil {
		return ""
	}
	name := strings.ToLower(*s)
	if fault := classNameFault(name); fault != "" {
		in.errs.add("name", fault)
		return ""
	}
	return name
}

func classNameFault(name string) string {
	switch first, last := name[0], name[len(name)-1]; {
	case first < 'a' || first > 'z':
		return "Value has to start with a letter."
	case last == '_':
		return "Value has to end with a letter or a number."
	case strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "":
		return "Enter a valid value consisting of letters, numbers and underscores."
	case reservedClasses[name]:
		return "Unable to use that value. Please choose a different one."
	case name == profileClass:
		return textUnique
	}
	return ""
}

func (a *api) classCreate(w *web.Response, r *web.Request, c *call) error {
	body, err := readInput(r)
	if err != nil {
		return err
	}
	in, err := a.readClass(r.Context(), c, body, nil)
	if err != nil {
		return err
	}
	if err := body.err(); err != nil {
		return err
	}
	out := engine.CollectionInput{Name: in.name}
	in.into(&out)
	class, err := a.engine.CreateCollection(r.Context(), c.actor, out)
	if err != nil {
		return err
	}
	return a.sendClass(w, r, c, http.StatusCreated, class)
}

func (a *api) classPut(w *web.Response, r *web.Request, c *call) error { return a.classUpdate(w, r, c) }

func (a *api) classPatch(w *web.Response, r *web.Request, c *call) error {
	return a.classUpdate(w, r, c)
}

// classUpdate changes a class: PATCH what the body names, PUT all of it. The name stays whatever the body says.
func (a *api) classUpdate(w *web.Response, r *web.Request, c *call) error {
	ctx := r.Context()
	old, err := a.visibleClass(ctx, c, r.PathValue("class"))
	if err != nil {
		return err
	}
	body, err := readInput(r)
	if err != nil {
		return err
	}
	in, err := a.readClass(ctx, c, body, old)
	if err != nil {
		return err
	}
	if err := body.err(); err != nil {
		return err
	}
	class, err := a.engine.UpdateCollection(ctx, c.actor, old.Name, in.expect, func(out *engine.CollectionInput) error {
		in.into(out)
		return nil
	})
	if err != nil {
		return err
	}
	return a.sendClass(w, r, c, http.StatusOK, class)
}

// into changes a collection as the body wants.
func (in *classInput) into(out *engine.CollectionInput) {
	if in.description != nil {
		out.Description = *in.description
	}
	if in.schema != nil {
		out.Schema = *in.schema
	}
	if in.metadata != nil {
		out.Metadata = *in.metadata
	}
	if in.name == "" && in.fallback && !out.Access.Own {
		// A collection that only the role policy governs is not opened by what a body does not say.
		return
	}
	now := classRightsOf(out.Access, out.Extra)
	next := now
	if in.group != nil {
		next.group = *in.group
	}
	if in.others != nil {
		next.others = *in.others
	}
	if in.groupSet {
		next.groupID = in.groupID
	}
	out.Extra = in.noted(out.Extra, next)
	if in.name != "" || grantedRights(next) != grantedRights(now) {
		out.Access = mergeClass(out.Access, now, next)
	}
}

// grantedRights are the rights without what is only noted.
func grantedRights(r classRights) classRights {
	if r.groupID == "" {
		r.group = 0
	}
	return r
}

// noted keeps group_permissions where there is no group to grant them to.
func (in *classInput) noted(extra hecate.Extra, next classRights) hecate.Extra {
	mine := maps.Clone(extra[extraName])
	delete(mine, keptGroupLevel)
	if next.groupID == "" && next.group != createLevel {
		if mine == nil {
			mine = map[string]any{}
		}
		mine[keptGroupLevel] = classLevels[next.group].name
	}
	if len(mine) == 0 && len(extra[extraName]) == 0 {
		return extra
	}
	extra = maps.Clone(extra)
	if extra == nil {
		extra = hecate.Extra{}
	}
	extra[extraName] = mine
	return extra
}

// mergeClass replaces in a class's grants what this dialect can name, and keeps all others.
func mergeClass(current hecate.Access, now, next classRights) hecate.Access {
	out := hecate.Access{Own: true, Grants: make([]hecate.Grant, 0, len(current.Grants)+2)}
	othersNew := next.others != now.others || !current.Own
	groupNew := next.groupID != now.groupID || next.group != now.group
	for _, g := range current.Grants {
		switch {
		case g.Subject == hecate.Anyone && othersNew:
		case g.Subject == hecate.Public && othersNew:
			g.Permissions &= classLevels[next.others].gives
			out.Grants = append(out.Grants, g)
		case groupNew && (isGroup(g, now.groupID) || isGroup(g, next.groupID)):
		default:
			out.Grants = append(out.Grants, g)
		}
	}
	if othersNew && next.others > 0 {
		out.Grants = append(out.Grants, hecate.Grant{Subject: hecate.Anyone, Permissions: classLevels[next.others].gives})
	}
	if groupNew && next.groupID != "" {
		out.Grants = append(out.Grants, hecate.Grant{Subject: hecate.SubjectGroup(next.groupID), Permissions: classLevels[next.group].gives})
	}
	return out
}

// classDelete deletes a class with its objects; that of the profiles stays, whoever asks.
func (a *api) classDelete(w *web.Response, r *web.Request, c *call) error {
	name := collectionName(r.PathValue("class"))
	switch name {
	case "":
		return notFound()
	case hecate.ProfileName:
		return denied()
	}
	if err := a.engine.DeleteCollection(r.Context(), c.actor, name); err != nil {
		return err
	}
	return a.nothing(w)
}
