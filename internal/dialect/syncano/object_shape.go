package syncano

import (
	"cmp"
	"context"
	"maps"
	"math"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"hecate"
	"hecate/internal/web"
)

// level is how much an object lets somebody do: none < read < write < full.
type level uint8

const (
	levelNone level = iota
	levelRead
	levelWrite
	levelFull
)

// objectLevels are the levels of objects, with what each of them lets do.
var objectLevels = [...]struct {
	name  string
	gives hecate.Permissions
}{
	levelNone:  {"none", hecate.NoPermissions},
	levelRead:  {"read", hecate.Read},
	levelWrite: {"write", hecate.Read | hecate.Update},
	levelFull:  {"full", hecate.Read | hecate.Update | hecate.Delete | hecate.Manage},
}

// levelOf is the highest level that permissions hold in full.
func levelOf(p hecate.Permissions) level {
	for l := levelFull; l > levelNone; l-- {
		if p.Has(objectLevels[l].gives) {
			return l
		}
	}
	return levelNone
}

func (l level) String() string { return objectLevels[l].name }

// rights are the grants of an object as this dialect can say them.
type rights struct {
	owner, group, others level
	groupID              hecate.GroupID
}

// extraName is this dialect's name in Extra.
const extraName = "syncano"

// keptGroupLevel is where group_permissions are kept while there is no group.
const keptGroupLevel = "group_permissions"

// rightsOf shows grants, those of other dialects as the nearest thing.
func rightsOf(a hecate.Access, extra hecate.Extra) rights {
	r := rights{owner: levelOf(a.Of(hecate.Owner)), others: levelOf(a.Of(hecate.Anyone) | a.Of(hecate.Public))}
	if id, p, ok := firstGroup(a); ok {
		r.groupID, r.group = id, levelOf(p)
	} else if kept, ok := extra[extraName][keptGroupLevel].(string); ok {
		r.group = max(0, levelNamed(kept))
	}
	return r
}

// firstGroup is the group that is shown: the one with the lowest id.
func firstGroup(a hecate.Access) (hecate.GroupID, hecate.Permissions, bool) {
	first := ""
	var sum hecate.Permissions
	for _, g := range a.Grants {
		kind, name := g.Subject.Split()
		switch {
		case kind != "group" || first != "" && name > first:
		case name == first:
			sum |= g.Permissions
		default:
			first, sum = name, g.Permissions
		}
	}
	return hecate.GroupID(first), sum, first != ""
}

func levelNamed(name string) level {
	for l := range objectLevels {
		if objectLevels[l].name == name {
			return level(l)
		}
	}
	return levelNone
}

// className is what this dialect calls a collection.
func className(c *hecate.Collection) string {
	if c.Kind == hecate.ProfileCollection {
		return profileClass
	}
	return strings.ToLower(c.Name)
}

// appendObject appends an object as JSON. Numbers of groups and names of classes come from what
// warmObjects fetched before, or are looked up one by one.
func (a *api) appendObject(dst []byte, app *hecate.App, c *hecate.Collection, r *hecate.Record, version string) []byte {
	if r == nil {
		return append(dst, "null"...)
	}
	j := newJSON(dst)
	j.Open()
	j.Int("id", r.Seq)
	j.time("created_at", r.CreatedAt)
	j.time("updated_at", r.UpdatedAt)
	j.Int("revision", r.Version)
	rights := rightsOf(r.Access, r.Extra)
	group := a.groupSeq(app, rights.groupID)
	j.intOrNull("owner", r.OwnerSeq)
	j.Text("owner_permissions", rights.owner.String())
	j.intOrNull("group", group)
	j.Text("group_permissions", rights.group.String())
	j.Text("other_permissions", rights.others.String())
	j.Null("channel")
	j.Null("channel_room")
	j.Buf = a.appendFields(j.Buf, app, c, r)
	j.Name("links")
	j.Open()
	j.Name("self")
	j.Buf = appendResource(j.Buf, version, app, "classes", className(c), "objects", strconv.FormatInt(r.Seq, 10))
	if r.OwnerSeq != 0 {
		j.Name("owner")
		j.Buf = appendResource(j.Buf, version, app, "users", strconv.FormatInt(r.OwnerSeq, 10))
	}
	if group != 0 {
		j.Name("group")
		j.Buf = appendResource(j.Buf, version, app, "groups", strconv.FormatInt(group, 10))
	}
	j.Close()
	j.Close()
	return j.Buf
}

// intOrNull writes null in place of 0.
func (j *jsonWriter) intOrNull(name string, v int64) {
	if v == 0 {
		j.Null(name)
		return
	}
	j.Int(name, v)
}

// appendResource appends the path of a resource of the app, as a JSON string.
func appendResource(dst []byte, version string, app *hecate.App, segments ...string) []byte {
	dst = appendPath(append(dst, '"'), version, app.Alias)
	for _, s := range segments {
		dst = append(append(dst, url.PathEscape(s)...), '/')
	}
	return append(dst, '"')
}

// appendFields appends a member for every field of the schema, and for what else an open collection holds.
func (a *api) appendFields(dst []byte, app *hecate.App, c *hecate.Collection, r *hecate.Record) []byte {
	j := newJSON(dst)
	named := 0
	for i := range c.Schema {
		f := &c.Schema[i]
		if !isShown(f) {
			continue
		}
		v := r.Values[f.Name]
		if v != nil {
			named++
		}
		j.Name(f.Name)
		j.Buf = a.appendField(j.Buf, app, c, f, v)
	}
	if c.Open && len(r.Values) > named {
		j.Buf = a.appendUnnamed(j.Buf, app, c, r)
	}
	return j.Buf
}

// appendUnnamed appends values that no schema names: other dialects make them, and a user has one profile in all of them.
func (a *api) appendUnnamed(dst []byte, app *hecate.App, c *hecate.Collection, r *hecate.Record) []byte {
	j := newJSON(dst)
	inner := a.inner(app, c)
	for _, name := range slices.Sorted(maps.Keys(r.Values)) {
		if builtInNames[name] || c.Field(name) != nil || r.Values[name] == nil {
			continue
		}
		j.Name(name)
		j.Buf = inner(j.Buf, r.Values[name])
	}
	return j.Buf
}

// typeOf is the type of a value that no schema describes.
func typeOf(v any) hecate.FieldType {
	switch v.(type) {
	case time.Time:
		return hecate.TimeType
	case hecate.FileRef:
		return hecate.FileType
	case hecate.Ref:
		return hecate.ReferenceType
	case []hecate.Ref:
		return hecate.RelationType
	case hecate.Geo:
		return hecate.GeoType
	}
	return hecate.JSONType
}

// appendField appends the value of one field. What does not have the type of its field is shown as null.
func (a *api) appendField(dst []byte, app *hecate.App, c *hecate.Collection, f *hecate.Field, v any) []byte {
	switch v := v.(type) {
	case nil:
	case string:
		if f.Type == hecate.StringType || f.Type == hecate.TextType || f.Type == hecate.JSONType {
			return web.AppendText(dst, v)
		}
	case time.Time:
		dst = append(dst, `{"type":"datetime","value":`...)
		return append(appendTime(dst, v), '}')
	case hecate.FileRef:
		dst = append(dst, `{"type":"file","value":`...)
		return append(web.AppendText(dst, a.fileURL(v)), '}')
	case hecate.Ref:
		if v.Seq == 0 {
			break
		}
		dst = a.appendTarget(append(dst, `{"type":"reference","target":`...), app, c, f)
		dst = strconv.AppendInt(append(dst, `,"value":`...), v.Seq, 10)
		return append(dst, '}')
	case []hecate.Ref:
		if len(v) == 0 {
			break // the old server shows an empty relation as null
		}
		dst = a.appendTarget(append(dst, `{"type":"relation","target":`...), app, c, f)
		dst = append(dst, `,"value":[`...)
		for i := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = strconv.AppendInt(dst, v[i].Seq, 10)
		}
		return append(dst, ']', '}')
	case hecate.Geo:
		dst = appendFloat(append(dst, `{"type":"geopoint","longitude":`...), v.Lng)
		dst = appendFloat(append(dst, `,"latitude":`...), v.Lat)
		return append(dst, '}')
	case float64:
		return appendFloat(dst, v)
	case []any:
		return web.AppendList(dst, v, a.inner(app, c))
	case map[string]any:
		return web.AppendObject(dst, v, web.AppendText, a.inner(app, c))
	default:
		return web.AppendJSON(dst, v)
	}
	return append(dst, "null"...)
}

// inner appends values inside a list or an object, where no schema says what they are.
func (a *api) inner(app *hecate.App, c *hecate.Collection) func(dst []byte, v any) []byte {
	return func(dst []byte, v any) []byte {
		f := hecate.Field{Type: typeOf(v)}
		switch v := v.(type) {
		case hecate.Ref:
			f.Target = v.Collection
		case []hecate.Ref:
			if len(v) > 0 {
				f.Target = v[0].Collection
			}
		}
		return a.appendField(dst, app, c, &f, v)
	}
}

// appendFloat appends a number the short way; what JSON cannot say becomes null.
func appendFloat(dst []byte, v float64) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(dst, "null"...)
	}
	format := byte('f')
	if abs := math.Abs(v); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, v, format, -1, 64)
}

func (a *api) appendTarget(dst []byte, app *hecate.App, c *hecate.Collection, f *hecate.Field) []byte {
	return web.AppendText(dst, targetName(c, f, func(id hecate.CollectionID) string { return a.className(app, id) }))
}

// fileURL is where anybody can fetch the file.
func (a *api) fileURL(f hecate.FileRef) string {
	return a.publicURL() + filesPath + f.Handle + url.PathEscape(extension(f.Name))
}

// filesPath is where files are served, whatever the version of the API.
const filesPath = "/v1.1/files/"

// maxExtension is the longest extension a file may have, with its dot.
const maxExtension = 16

// extension is the lower-case extension of a file's name with its dot, "" when it has none or too long a one.
func extension(name string) string {
	ext := strings.ToLower(path.Ext(strings.TrimLeft(path.Base(name), ".")))
	if len(ext) < 2 || len(ext) > maxExtension {
		return ""
	}
	return ext
}

// known keeps what objects show of other things and what never changes about them: the numbers of groups and
// the names of classes, by their ids, which are unique over all apps.
type known struct {
	mu      sync.RWMutex
	groups  map[hecate.GroupID]int64
	classes map[hecate.CollectionID]string
}

// maxKnown bounds each map; a full one is begun anew.
const maxKnown = 50_000

func recall[K comparable, V any](mu *sync.RWMutex, from *map[K]V, key K) (V, bool) {
	mu.RLock()
	defer mu.RUnlock()
	v, ok := (*from)[key]
	return v, ok
}

func keep[K comparable, V any](mu *sync.RWMutex, to *map[K]V, key K, v V) {
	mu.Lock()
	defer mu.Unlock()
	if *to == nil || len(*to) >= maxKnown {
		*to = map[K]V{}
	}
	(*to)[key] = v
}

// warmObjects fetches, in one query for the groups, what showing these objects will ask for.
func (a *api) warmObjects(ctx context.Context, app *hecate.App, c *hecate.Collection, rows []*hecate.Record) error {
	var missing []hecate.GroupID
	for _, r := range rows {
		if id, _, ok := firstGroup(r.Access); ok {
			missing = a.missingGroup(missing, id)
		}
	}
	if err := a.learnGroups(ctx, app, missing); err != nil {
		return err
	}
	for i := range c.Schema {
		f := &c.Schema[i]
		if f.Target == "" || f.Target == hecate.UserTarget || f.Target == c.ID {
			continue
		}
		if err := a.learnClass(ctx, app, f.Target); err != nil {
			return err
		}
	}
	return nil
}

func (a *api) missingGroup(missing []hecate.GroupID, id hecate.GroupID) []hecate.GroupID {
	if _, ok := recall(&a.known.mu, &a.known.groups, id); ok || slices.Contains(missing, id) {
		return missing
	}
	return append(missing, id)
}

func (a *api) learnGroups(ctx context.Context, app *hecate.App, ids []hecate.GroupID) error {
	if len(ids) == 0 {
		return nil
	}
	groups, err := a.engine.LookupGroups(ctx, app.ID, ids)
	if err != nil {
		return err
	}
	for id, g := range groups {
		keep(&a.known.mu, &a.known.groups, id, g.Seq)
	}
	return nil
}

func (a *api) learnClass(ctx context.Context, app *hecate.App, id hecate.CollectionID) error {
	if _, ok := recall(&a.known.mu, &a.known.classes, id); ok {
		return nil
	}
	c, err := a.engine.LookupCollectionByID(ctx, app.ID, id)
	if hecate.KindOf(err) == hecate.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	keep(&a.known.mu, &a.known.classes, id, className(c))
	return nil
}

// lateLookup bounds a look-up that warmObjects should have made.
const lateLookup = 5 * time.Second

// groupSeq is the number of a group, 0 when there is none.
func (a *api) groupSeq(app *hecate.App, id hecate.GroupID) int64 {
	if id == "" {
		return 0
	}
	if seq, ok := recall(&a.known.mu, &a.known.groups, id); ok {
		return seq
	}
	ctx, cancel := context.WithTimeout(context.Background(), lateLookup)
	defer cancel()
	// A group that cannot be found now is shown as none, like one that is gone.
	_ = a.learnGroups(ctx, app, []hecate.GroupID{id})
	seq, _ := recall(&a.known.mu, &a.known.groups, id)
	return seq
}

// className is the name of a class by its id, "" when it is gone.
func (a *api) className(app *hecate.App, id hecate.CollectionID) string {
	if name, ok := recall(&a.known.mu, &a.known.classes, id); ok {
		return name
	}
	ctx, cancel := context.WithTimeout(context.Background(), lateLookup)
	defer cancel()
	_ = a.learnClass(ctx, app, id)
	name, _ := recall(&a.known.mu, &a.known.classes, id)
	return cmp.Or(name, "")
}

func momentText(t time.Time) *string {
	text := string(appendMoment(nil, t))
	return &text
}

// valueText is a value as last_value carries it, nil where there is none.
func valueText(v any) *string {
	var text string
	switch v := v.(type) {
	case nil:
		return nil
	case string:
		text = v
	case time.Time:
		return momentText(v)
	case hecate.Ref:
		text = strconv.FormatInt(v.Seq, 10)
	case float64:
		text = strconv.FormatFloat(v, 'g', -1, 64)
	default:
		text = string(web.AppendJSON(nil, v))
	}
	return &text
}
