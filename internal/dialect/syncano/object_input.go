package syncano

import (
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"hecate"
	"hecate/internal/engine"
)

// inputMode says what a body is about to do.
type inputMode uint8

const (
	createObject  inputMode = iota
	replaceObject           // POST on an object: absent permissions fall back, absent fields stay
	patchObject
	createProfile // the profile inside a new user; its owner is the user, whatever the body says
	patchProfile  // the profile inside a changed user
)

func (m inputMode) creates() bool  { return m == createObject || m == createProfile }
func (m inputMode) profiles() bool { return m == createProfile || m == patchProfile }

// profileField is where a user's body and its errors hold the profile.
const profileField = "profile"

// recordInput reads what a body wants of an object. current is the object as it is, nil on creation. The
// errors are about the body's fields, under their own names; what they refuse only inside the write (in.Resolve)
// is named as the whole body names it. Staged files that no record took are the caller's to discard: in.Values has them.
func (a *api) recordInput(ctx context.Context, actor *hecate.Actor, c *hecate.Collection, current *hecate.Record, body *input, mode inputMode) (engine.RecordInput, fieldErrors, error) {
	r := &objectReader{api: a, actor: actor, class: c, current: current, body: body, mode: mode}
	in, err := r.read(ctx)
	return in, body.errs, err
}

// objectReader reads one object's body.
type objectReader struct {
	*api
	actor   *hecate.Actor
	class   *hecate.Collection
	current *hecate.Record
	body    *input
	mode    inputMode
	files   map[string]hecate.FileRef // file parts of a multipart body, staged
	copied  []hecate.FileRef          // files named by URL, copied
	in      engine.RecordInput
}

// read returns the input. Faults of fields are in r.body.errs; the error is about anything else.
func (r *objectReader) read(ctx context.Context) (engine.RecordInput, error) {
	r.in.Values = hecate.Values{}
	r.readChannel()
	if err := r.readOwner(ctx); err != nil {
		return r.in, err
	}
	change, err := r.readRights(ctx)
	if err != nil {
		return r.in, err
	}
	if err := r.readFields(ctx); err != nil {
		return r.in, err
	}
	r.readExpected()
	r.in.Access = change.access
	if r.mode.creates() {
		r.in.Extra = change.extra(rights{}, nil)
		if size := objectChars(r.class, nil, &r.in); size > maxObjectChars {
			r.body.errs.add("non_field_errors", badSize)
		}
		return r.in, nil
	}
	r.in.Resolve = r.resolve(change)
	return r.in, nil
}

// readChannel: channels are not served here, so none exists. After creation the member is read-only.
func (r *objectReader) readChannel() {
	v, ok := r.body.values["channel"]
	if !ok || v == nil || v == "" && r.body.form || !r.mode.creates() {
		return
	}
	r.body.errs.add("channel", "Object with name="+shown(v)+" does not exist.")
}

func (r *objectReader) readExpected() {
	if r.mode.creates() {
		return
	}
	r.in.Expect = r.body.expected()
}

// expected reads expected_revision: 0 when it is absent or wrong.
func (in *input) expected() int64 {
	v, ok := in.values["expected_revision"]
	if !ok || v == nil || v == "" && in.form {
		return 0
	}
	n, fault := integer(v)
	if fault != "" {
		in.errs.add("expected_revision", fault)
		return 0
	}
	return n
}

// key reads the id of another thing; set says whether the body says anything about it, 0 that it is null.
func (in *input) key(name string) (n int64, set bool) {
	v, ok := in.values[name]
	if !ok {
		return 0, false
	}
	if v == nil || v == "" && in.form {
		return 0, true
	}
	n, isInteger := asInteger(v)
	if !isInteger {
		in.errs.add(name, "Incorrect type. Expected pk value, received "+typeName(v)+".")
		return 0, false
	}
	if n <= 0 {
		in.errs.add(name, noObject(n))
		return 0, false
	}
	return n, true
}

func noObject(pk int64) string {
	return "Invalid pk \"" + strconv.FormatInt(pk, 10) + "\" - object does not exist."
}

const (
	textOwnerStays   = "Cannot change owner of Data Object."
	textProfileOwner = "Cannot change owner of User Profile object."
	textForeignGroup = "Invalid group specified."
)

func (r *objectReader) readOwner(ctx context.Context) error {
	if r.mode.profiles() || r.mode.creates() && r.actor.User != nil {
		return nil // it is the user, whatever the body says
	}
	seq, set := r.body.key("owner")
	if !set {
		return nil
	}
	if !r.mode.creates() {
		switch {
		case r.current != nil && seq == r.current.OwnerSeq:
			return nil
		case r.actor.User != nil:
			r.body.errs.add("owner", textOwnerStays)
			return nil
		case r.class.Kind == hecate.ProfileCollection:
			r.body.errs.add("owner", textProfileOwner)
			return nil
		}
	}
	var owner hecate.UserID
	if seq != 0 {
		u, err := r.engine.LookupUser(ctx, r.actor.App.ID, engine.UserRef{Seq: seq})
		if errors.Is(err, hecate.NotFound) {
			r.body.errs.add("owner", noObject(seq))
			return nil
		}
		if err != nil {
			return err
		}
		owner = u.ID
	}
	r.in.Owner = &owner
	return nil
}

// rightsChange is what a body wants of the grants; nil fields stay as they are.
type rightsChange struct {
	owner, group, others *level
	groupSet             bool
	groupID              hecate.GroupID
	creates              bool // there is no object yet
	soft                 bool // the levels are fallbacks, which an object without grants of its own does not need
}

var levelNames = []string{"none", "read", "write", "full"}

func (r *objectReader) readRights(ctx context.Context) (*rightsChange, error) {
	change := &rightsChange{creates: r.mode.creates()}
	fallback := [3]level{levelFull, levelNone, levelNone}
	given := 0
	for i, one := range []struct {
		name string
		to   **level
	}{{"owner_permissions", &change.owner}, {"group_permissions", &change.group}, {"other_permissions", &change.others}} {
		if !r.body.has(one.name) {
			if r.mode != patchObject && r.mode != patchProfile {
				*one.to = &fallback[i]
			}
			continue
		}
		given++
		if n := r.body.choice(one.name, levelNames); n >= 0 {
			l := level(n)
			*one.to = &l
		}
	}
	seq, set := r.body.key("group")
	change.groupSet = set
	change.soft = r.mode == replaceObject && given == 0 && !set
	if seq == 0 {
		return change, nil
	}
	g, err := r.engine.LookupGroup(ctx, r.actor.App.ID, engine.GroupRef{Seq: seq})
	switch {
	case errors.Is(err, hecate.NotFound):
		r.body.errs.add("group", noObject(seq))
		return change, nil
	case err != nil:
		return nil, err
	}
	keep(&r.known.mu, &r.known.groups, g.ID, g.Seq)
	change.groupID = g.ID
	if r.foreignGroup(g.ID) {
		r.body.errs.add("group", textForeignGroup)
	}
	return change, nil
}

// foreignGroup: a user may give an object to his own groups only; one that has it already may keep it.
func (r *objectReader) foreignGroup(id hecate.GroupID) bool {
	if r.actor.User == nil || r.actor.Is(hecate.SubjectGroup(id)) {
		return false
	}
	if r.current == nil {
		return true
	}
	now, _, _ := firstGroup(r.current.Access)
	return now != id
}

// apply returns the rights after the change, none of them above the limit.
func (c *rightsChange) apply(now rights, limit level) rights {
	next := now
	if c.owner != nil {
		next.owner = min(*c.owner, limit)
	}
	if c.others != nil {
		next.others = min(*c.others, limit)
	}
	if c.group != nil {
		next.group = min(*c.group, limit)
	}
	if c.groupSet {
		next.groupID = c.groupID
	}
	return next
}

// access makes the new grants inside the write: only the subjects this dialect can name change, all others stay.
func (c *rightsChange) access(current hecate.Access, held hecate.Permissions) (hecate.Access, error) {
	if c.creates {
		return merge(hecate.Access{}, rights{}, c.apply(rights{}, levelFull)), nil
	}
	if c.soft && !current.Own {
		return current, nil
	}
	now := rightsOf(current, nil)
	next := c.apply(now, levelOf(held))
	if next.groupID == "" {
		next.group = now.group // without a group the level is a note, not a grant
	}
	if next == now {
		return current, nil
	}
	return merge(current, now, next), nil
}

// merge replaces in grants what differs between two rights.
func merge(current hecate.Access, now, next rights) hecate.Access {
	out := hecate.Access{Own: true, Grants: make([]hecate.Grant, 0, len(current.Grants)+3)}
	ownerNew := next.owner != now.owner || !current.Own
	othersNew := next.others != now.others || !current.Own
	groupNew := next.groupID != now.groupID || next.group != now.group
	for _, g := range current.Grants {
		switch {
		case g.Subject == hecate.Owner && ownerNew, g.Subject == hecate.Anyone && othersNew:
		case g.Subject == hecate.Public && othersNew:
			// Everybody is among the others: what those lose, everybody loses.
			g.Permissions &= objectLevels[next.others].gives
			out.Grants = append(out.Grants, g)
		case groupNew && (isGroup(g, now.groupID) || isGroup(g, next.groupID)):
		default:
			out.Grants = append(out.Grants, g)
		}
	}
	if ownerNew {
		out.Grants = append(out.Grants, hecate.Grant{Subject: hecate.Owner, Permissions: objectLevels[next.owner].gives})
	}
	if othersNew && next.others != levelNone {
		out.Grants = append(out.Grants, hecate.Grant{Subject: hecate.Anyone, Permissions: objectLevels[next.others].gives})
	}
	if groupNew && next.groupID != "" {
		// Without any permission too: the grant keeps the group's name.
		out.Grants = append(out.Grants, hecate.Grant{Subject: hecate.SubjectGroup(next.groupID), Permissions: objectLevels[next.group].gives})
	}
	return out
}

func isGroup(g hecate.Grant, id hecate.GroupID) bool {
	return id != "" && g.Subject == hecate.SubjectGroup(id)
}

// extra keeps group_permissions where there is no group to grant them to; nil leaves Extra as it is.
func (c *rightsChange) extra(now rights, stored hecate.Extra) hecate.Extra {
	level := c.apply(now, levelFull)
	kept, has := stored[extraName][keptGroupLevel]
	want := level.group.String()
	switch {
	case level.groupID != "" || level.group == levelNone:
		if !has {
			return nil
		}
		want = ""
	case has && kept == want:
		return nil
	}
	mine := maps.Clone(stored[extraName])
	if mine == nil {
		mine = map[string]any{}
	}
	delete(mine, keptGroupLevel)
	if want != "" {
		mine[keptGroupLevel] = want
	}
	next := maps.Clone(stored) // what other dialects keep there stays
	if next == nil {
		next = hecate.Extra{}
	}
	next[extraName] = mine
	return next
}

// readFields reads the members that the schema names.
func (r *objectReader) readFields(ctx context.Context) error {
	how := manner{form: r.body.form, update: !r.mode.creates()}
	for i := range r.class.Schema {
		f := &r.class.Schema[i]
		if !isShown(f) || f.Type == hecate.SequenceType {
			continue
		}
		if file, ok := r.files[f.Name]; ok {
			r.in.Values[f.Name] = file
			continue
		}
		raw, ok := r.body.values[f.Name]
		if !ok || r.body.errs.has(f.Name) {
			continue
		}
		v, fault := readValue(f, raw, how)
		switch {
		case fault != "":
			r.body.errs.add(f.Name, fault)
		case v.url != "":
			if err := r.readURL(ctx, f, v.url); err != nil {
				return err
			}
		case len(v.changes) > 0:
			r.in.Changes = append(r.in.Changes, v.changes...)
		default:
			r.in.Values[f.Name] = v.value
		}
	}
	return nil
}

// readURL takes a file by its URL: the one the field has already stays, another of this app is copied.
func (r *objectReader) readURL(ctx context.Context, f *hecate.Field, text string) error {
	handle := r.ownHandle(text)
	if handle == "" {
		r.body.errs.add(f.Name, fileFault(text))
		return nil
	}
	if r.current != nil {
		if now, ok := r.current.Values[f.Name].(hecate.FileRef); ok && now.Handle == handle {
			return nil
		}
	}
	ref, err := r.engine.CopyFile(ctx, r.actor, handle)
	switch hecate.KindOf(err) {
	case hecate.NotFound, hecate.Invalid:
		if err != nil {
			r.body.errs.add(f.Name, badFileURL)
			return nil
		}
	}
	if err != nil {
		return err
	}
	r.copied = append(r.copied, ref)
	r.in.Values[f.Name] = ref
	return nil
}

func fileFault(text string) string {
	if strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "https://") || strings.HasPrefix(text, "/") {
		return badFileURL
	}
	return badFile
}

// resolve checks, inside the write, what depends on the object as it is then.
func (r *objectReader) resolve(change *rightsChange) func(*hecate.Record, *engine.RecordInput) error {
	return func(current *hecate.Record, in *engine.RecordInput) error {
		errs := fieldErrors{}
		prefix := ""
		if r.mode.profiles() {
			prefix = profileField + "."
		}
		for _, ch := range in.Changes {
			if fault := changeFault(r.class, current, in, ch); fault != "" {
				errs.add(prefix+ch.Field, fault)
			}
		}
		if (len(in.Values) > 0 || len(in.Changes) > 0) && objectChars(r.class, current, in) > maxObjectChars {
			errs.add(prefix+"non_field_errors", badSize)
		}
		if err := errs.err(); err != nil {
			return err
		}
		if r.manages(current) {
			if extra := change.extra(rightsOf(current.Access, current.Extra), current.Extra); extra != nil {
				in.Extra = extra
			}
		}
		return nil
	}
}

// manages reports whether the caller may change the object's grants: only then is anything noted about them.
func (r *objectReader) manages(current *hecate.Record) bool {
	return policyOf(r.class, current).Allow(r.actor, hecate.Manage, scopeOf(r.class, current))
}

// policyOf is what is in force for an object.
func policyOf(c *hecate.Collection, r *hecate.Record) hecate.Policy {
	return hecate.Policy{Collection: c.Access, Record: r.Access, Owner: r.Owner}
}

// scopeOf is where an object lies for the app's role policy.
func scopeOf(c *hecate.Collection, r *hecate.Record) hecate.Scope {
	return hecate.Scope{Area: hecate.AreaRecords, Path: "/" + c.Name + "/" + string(r.ID)}
}

// changeFault checks the outcome of an operation against this dialect's limits.
func changeFault(c *hecate.Collection, current *hecate.Record, in *engine.RecordInput, ch hecate.Change) string {
	now, given := in.Values[ch.Field]
	if !given {
		now = current.Values[ch.Field]
	}
	f := c.Field(ch.Field)
	switch {
	case f == nil:
		return ""
	case ch.Op == hecate.Increment && f.Type == hecate.IntegerType:
		n, _ := now.(int64)
		by, _ := ch.Value.(int64)
		return integerFault(n + by)
	case ch.Op == hecate.Increment:
		if sum := asFloat(now) + asFloat(ch.Value); math.IsInf(sum, 0) || math.IsNaN(sum) {
			return badNumber
		}
	case f.Type == hecate.RelationType && ch.Op != hecate.RemoveItems:
		refs, _ := now.([]hecate.Ref)
		more, _ := ch.Value.([]hecate.Ref)
		if union(refs, more) > maxRelation {
			return badRelationLength
		}
	}
	return ""
}

func asFloat(v any) float64 {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	}
	return 0
}

// union counts the different targets of two lists.
func union(a, b []hecate.Ref) int {
	seen := make(map[int64]bool, len(a)+len(b))
	for _, r := range slices.Concat(a, b) {
		seen[r.Seq] = true
	}
	return len(seen)
}

// objectChars is about how long the object will be as JSON after the change; removals do not count.
func objectChars(c *hecate.Collection, current *hecate.Record, in *engine.RecordInput) int {
	sum := 2
	for i := range c.Schema {
		f := &c.Schema[i]
		if f.Dropped {
			continue
		}
		v, given := in.Values[f.Name]
		if !given && current != nil {
			v = current.Values[f.Name]
		}
		if v != nil {
			sum += len(f.Name) + 6 + chars(v)
		}
	}
	for _, ch := range in.Changes {
		if ch.Op == hecate.AddItems || ch.Op == hecate.AddUnique {
			sum += chars(ch.Value)
		}
	}
	return sum
}
